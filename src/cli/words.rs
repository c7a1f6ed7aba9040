//! Answers in words: refusals with what to do, ends of requests, records. PURE. Outside text is cleaned here.

use unicode_width::UnicodeWidthStr as _;

use crate::runbook::Probe;
use crate::session::summary::said_once;
use crate::session::{Kind, Progress, Requirement, Session};
use crate::text::clean;

/// Commands whose next word is a session.
const OF_A_SESSION: [&str; 6] =
    ["do", "attach", "attach --witness", "attach --watch", "approval show", "approve"];

/// How the reader types an action, and calls the session: `onbelay do /srv/onbelay/k3f9 ` on a command line, no more than the
/// action itself in plain mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voice {
    /// Stands before an action.
    pub before: String,
    /// The session, as one word of a shell.
    name: String,
}

impl Voice {
    /// For somebody who calls `onbelay do NAME …`.
    #[must_use]
    pub fn of_shell(name: &str) -> Self {
        let name = quoted(name);
        Self { before: format!("onbelay do {name} "), name }
    }

    /// For somebody who types actions as lines, in the session of this name.
    #[must_use]
    pub fn of_plain(name: &str) -> Self {
        Self { before: String::new(), name: quoted(name) }
    }

    /// A sentence with its commands as this reader types them. The core knows a session by its id alone, which finds it
    /// only for somebody who looks in the same place.
    #[must_use]
    pub fn said(&self, session: &Session, sentence: &str) -> String {
        let mut said = sentence.to_owned();
        let own = self.before.is_empty();
        if own {
            said = without_their_own(&said, session);
        }
        for verb in OF_A_SESSION {
            said = said
                .replace(&format!("onbelay {verb} {}", session.id), &format!("onbelay {verb} {}", self.name));
        }
        if own {
            // In lines the name is asked for.
            said = said.replace(&format!("onbelay do {} ", self.name), "").replace(" --name NAME", "");
        }
        clean(&said).into_owned()
    }
}

/// Without the other way in which somebody else may approve, from their own shell: a line typed here is the operator's.
fn without_their_own(sentence: &str, session: &Session) -> String {
    let or = format!(", or: onbelay do {} approve ", session.id);
    let Some((before, after)) = sentence.split_once(&or) else { return sentence.to_owned() };
    let rest = after.find(char::is_whitespace).map_or("", |end| &after[end..]);
    format!("{before}{rest}")
}

/// A text as a shell takes it as one word.
#[must_use]
pub fn quoted(text: &str) -> String {
    let plain =
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./=:@%+,".contains(&b));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// A refusal with every unmet requirement, one a line, and what to do.
#[must_use]
pub fn refusal(
    session: &Session,
    step: Option<&str>,
    action: &str,
    why: &str,
    unmet: &[Requirement],
    n: u64,
    voice: &Voice,
) -> String {
    let what = step
        .and_then(|id| session.step_at(id))
        .map(|place| crate::session::view::filled(session, &session.runbook.steps[place].title));
    let mut lines = Vec::new();
    match what {
        Some(title) if !unmet.is_empty() && action != "undo" => {
            lines.push(format!("refused: “{}” stays shut", clean(&title)));
        }
        Some(title) if !unmet.is_empty() => lines.push(format!("refused: “{}” is not undone", clean(&title))),
        _ => lines.push(format!("refused: {}", voice.said(session, why))),
    }
    let width = said_once(unmet).map(|r| name(r).width()).max().unwrap_or(0).min(30);
    for requirement in said_once(unmet) {
        let name = name(requirement);
        lines.push(format!("  {name:<width$}   {}", voice.said(session, &requirement.why)));
        let indent = " ".repeat(width + 5);
        lines.extend(
            asked(session, requirement).map(|asked| format!("{indent}{}", voice.said(session, &asked))),
        );
        lines.extend(
            why_it_matters(session, requirement).map(|why| format!("{indent}{}", voice.said(session, &why))),
        );
        let fix = voice.said(session, &requirement.fix);
        let next =
            next_line(session, step, action, requirement).map(|action| format!("{}{action}", voice.before));
        match next {
            Some(next) if !fix.contains(next.trim()) => {
                if !fix.is_empty() && !fix.starts_with("onbelay do") && requirement.kind != Kind::Confirm {
                    lines.push(format!("{indent}→ {fix}"));
                }
                lines.push(format!("{indent}{next}"));
            }
            _ if !fix.is_empty() => lines.push(format!("{indent}→ {fix}")),
            _ => {}
        }
    }
    lines.push(if n > 0 {
        format!("nothing was run; this is in the log (record {n})")
    } else {
        "nothing was run".to_owned()
    });
    lines.join("\n")
}

/// The question that a person has yet to answer with yes.
fn asked(session: &Session, requirement: &Requirement) -> Option<String> {
    let place = session.check_at(&requirement.id).filter(|_| requirement.kind == Kind::Check)?;
    let Probe::Attest { question, .. } = &session.runbook.checks[place].probe else { return None };
    crate::session::view::waits_for_capture(session, place)
        .is_none()
        .then(|| format!("asked: {}", crate::session::view::filled(session, question).trim()))
}

/// The runbook's own words on why an unmet check matters; none while nobody has asked it.
fn why_it_matters(session: &Session, requirement: &Requirement) -> Option<String> {
    let place = session.check_at(&requirement.id).filter(|_| requirement.kind == Kind::Check)?;
    (!session.checks[place].answers.is_empty())
        .then(|| crate::session::view::filled(session, &session.runbook.checks[place].why))
        .filter(|why| !why.trim().is_empty())
        .map(|why| why.trim().to_owned())
}

/// What stands at the left of a requirement.
fn name(requirement: &Requirement) -> String {
    match requirement.kind {
        Kind::Confirm => "confirm".to_owned(),
        Kind::Hold => "hold".to_owned(),
        Kind::Witness => "witness".to_owned(),
        Kind::Order | Kind::Step | Kind::Check => clean(&requirement.id).into_owned(),
    }
}

/// The action that would bring a requirement nearer, as it is typed.
fn next_line(
    session: &Session,
    step: Option<&str>,
    action: &str,
    requirement: &Requirement,
) -> Option<String> {
    match requirement.kind {
        Kind::Check => {
            let place = session.check_at(&requirement.id)?;
            let model = &session.runbook.checks[place];
            if !model.is_automatic() {
                let item = if model.for_each.is_some() { "@ITEM" } else { "" };
                return Some(format!("attest {}{item} --say WORDS", model.id));
            }
            crate::session::view::waits_for_capture(session, place)
                .is_none()
                .then(|| format!("check {}", model.id))
        }
        Kind::Confirm => step.map(|step| format!("{action} {step} --confirm {}", quoted(&requirement.id))),
        // The way back is not the way forth; its reason says what is undone first.
        Kind::Step | Kind::Order if action == "undo" => None,
        Kind::Step | Kind::Order => {
            let place = session.step_at(&requirement.id)?;
            // What runs is waited for; what is lost is looked into first, and the reason says how.
            let startable = matches!(
                session.steps[place].progress,
                Progress::Untouched | Progress::Failed | Progress::Undone | Progress::Skipped
            );
            let wanted = session.runbook.steps[place].id.as_str();
            (startable && step != Some(wanted)).then(|| format!("run {wanted}"))
        }
        // The reason itself says how a hold is released.
        Kind::Hold | Kind::Witness => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_a_shell_are_one_word() {
        for (text, word) in
            [("k3f9", "k3f9"), ("", "''"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("$(x)", "'$(x)'")]
        {
            assert_eq!(quoted(text), word);
        }
    }

    #[test]
    fn a_refusal_says_what_is_missing_and_the_very_words_that_bring_it_nearer() {
        const RUNBOOK: &str = "\
onbelay: 1
title: t
checks:
  backup: { title: B, run: 'true' }
  copy: { title: C, attest: Where? }
steps:
  - { id: prep, title: Prepare, run: 'true' }
  - { id: wipe, title: Delete it, destructive: true, requires: [backup, copy], confirm: a shop, run: 'true' }
";
        let runbook = crate::runbook::read(RUNBOOK.as_bytes(), "t.yaml").unwrap_or_else(|p| panic!("{p:?}"));
        let by = crate::session::Person { name: "dana".into(), uid: Some(1), login: None };
        let opened = crate::session::Opened {
            format: 1,
            onbelay: "0".into(),
            title: "t".into(),
            path: "t.yaml".into(),
            sha256: "ab".into(),
            values: std::collections::BTreeMap::new(),
            secrets: Vec::new(),
            dir: "/".into(),
            machine: "m".into(),
            umask: 0o22,
            operator: by.clone(),
            share: None,
            signers: None,
        };
        let at = crate::time::Timestamp::from_millis(0);
        let event = crate::session::Event::SessionOpened(Box::new(opened));
        let first = crate::session::Entry { n: 1, at, up: 1, session: "20261120-t-k3f9".into(), by, event };
        let session = Session::open(std::sync::Arc::new(runbook), &first).unwrap();
        let now = crate::time::Moment { at, up: 2, boot: 0 };
        let order = crate::session::view::order(&session);
        let unmet = crate::session::view::gate(&session, &order, 1, now);
        let shell = refusal(&session, Some("wipe"), "run", "shut", &unmet, 43, &Voice::of_shell("k3f9"));
        insta::assert_snapshot!(shell, @"
        refused: “Delete it” stays shut
          prep      1 Prepare comes first
                    → do it
                    onbelay do k3f9 run prep
          backup    not asked yet
                    → check again: onbelay do k3f9 check backup
          copy      nobody has answered yet
                    asked: Where?
                    → answer it: onbelay do k3f9 attest copy --say WORDS
          confirm   type  a shop  to confirm
                    onbelay do k3f9 run wipe --confirm 'a shop'
        nothing was run; this is in the log (record 43)
        ");
        let plain = refusal(&session, Some("wipe"), "run", "shut", &unmet, 43, &Voice::of_plain("k3f9"));
        assert!(!plain.contains("onbelay do"), "{plain}");

        let id = session.id.as_str();
        let invite =
            format!("a second person joins: onbelay attach --witness {id}, or: onbelay do {id} approve wipe");
        let path = "/srv/onbelay/k3f9";
        assert_eq!(
            Voice::of_shell(path).said(&session, &invite),
            format!(
                "a second person joins: onbelay attach --witness {path}, or: onbelay do {path} approve wipe"
            )
        );
        assert_eq!(
            Voice::of_plain(path).said(&session, &invite),
            format!("a second person joins: onbelay attach --witness {path}"),
            "the operator's own lines approve nothing"
        );
        let elsewhere = format!("3 files differ: /srv/onbelay/{id}/a, {id}");
        assert_eq!(
            Voice::of_shell(path).said(&session, &elsewhere),
            elsewhere,
            "what a check found is not ours"
        );
    }
}
