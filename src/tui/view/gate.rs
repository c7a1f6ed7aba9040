//! A step's gate: what it needs, what of that is met, and what to do about the rest. PURE.

use ratatui::text::{Line, Span};

use crate::runbook::Probe;
use crate::session::event::Work;
use crate::session::view::{self, CheckStatus, CheckView, evidence};
use crate::session::{Kind, Requirement};
use crate::time::in_words;
use crate::tui::approval::is_open;
use crate::tui::fit::fit;
use crate::tui::follow;
use crate::tui::keys::{self, Verb};
use crate::tui::needs::{self, Door};
use crate::tui::theme::{Tone, of_check};
use crate::wire::messages::Role;

use super::shape::{between, columns, hang, plain, say, wrap_spans};
use super::{View, pulse};

/// Lines of one list of an answer's evidence that the gate shows.
const LISTED: usize = 5;

/// The gate of the step at `place`.
pub(super) fn rows(view: View<'_>, place: usize, width: usize) -> Vec<Line<'static>> {
    let all = view::gate(&view.app.session, &view.order, place, view.now);
    let shut = all.iter().any(|requirement| !requirement.met && requirement.kind != Kind::Confirm);
    let typed = all.iter().any(|requirement| requirement.kind == Kind::Confirm);
    // That the steps before it let it pass is no news.
    let shown: Vec<&Requirement> = all.iter().filter(|r| !(r.kind == Kind::Order && r.met)).collect();
    if shown.is_empty() {
        return Vec::new();
    }
    let asks = needs::door(view.app, &view.order, place, view.now) == Door::Asks;
    let title = match (shut, typed) {
        (true, _) if asks => asks_first(view, place, &all),
        (true, _) => say("It stays shut until", Tone::Strong),
        (false, true) => say("All holds; it asks for its text to be typed", Tone::Ready),
        (false, false) => say("It may start", Tone::Ready),
    };
    let mut rows = wrap_spans(&[title], width);
    for requirement in shown {
        rows.extend(requirement_rows(view, requirement, Work::Run, width));
    }
    rows
}

/// The heading over what a start would ask first; over a second person who is asked already, whom no start asks again.
fn asks_first(view: View<'_>, place: usize, all: &[Requirement]) -> Span<'static> {
    let of = |witness: bool| {
        let unmet = all.iter().filter(|one| !one.met && one.kind != Kind::Confirm);
        unmet.filter(|one| (one.kind == Kind::Witness) == witness).count() > 0
    };
    let (person, checks) = (of(true), of(false));
    if person && !checks && is_open(view.app, place, view.now) {
        return say("It stays shut until a second person approves it", Tone::Strong);
    }
    let run = keys::shown_for(Verb::Run);
    let words = match (follow::leads(view.app), checks, person) {
        (true, true, true) => format!("{run} asks these first, then a second person"),
        (true, false, true) => format!("{run} asks a second person to approve it"),
        (true, ..) if all.iter().any(|one| !one.met && one.kind == Kind::Confirm) => {
            format!("{run} asks these first, then for its text")
        }
        (true, ..) => format!("{run} asks these first, then starts it"),
        (false, false, true) => "A second person is asked when it is started".to_owned(),
        (false, ..) => "These are asked when it is started".to_owned(),
    };
    say(words, Tone::Ready)
}

/// What is asked at the step's end.
pub(super) fn verify_rows(view: View<'_>, place: usize, width: usize) -> Vec<Line<'static>> {
    let session = &view.app.session;
    let model = &session.runbook.steps[place];
    let mut rows = Vec::new();
    for (title, ids) in [("Nothing is to be done when", &model.done_when), ("It is done when", &model.verify)]
    {
        if ids.is_empty() {
            continue;
        }
        rows.push(Line::from(say(title, Tone::Strong)));
        for id in ids {
            if let Some(check) = session.check_at(id.as_str()) {
                rows.extend(check_rows(view, check, &[], width));
            }
        }
    }
    rows
}

/// One requirement, with its reason and what to do.
pub(super) fn requirement_rows(
    view: View<'_>,
    requirement: &Requirement,
    work: Work,
    width: usize,
) -> Vec<Line<'static>> {
    let hint = fix(view, requirement);
    match requirement.kind {
        Kind::Check => match view.app.session.check_at(&requirement.id) {
            Some(check) => check_rows(view, check, &hint, width),
            None => plain_rows(requirement, &hint, width),
        },
        Kind::Witness => match view.app.session.step_at(&requirement.id) {
            Some(place) => super::witness::rows(view, place, work, width),
            None => plain_rows(requirement, &hint, width),
        },
        Kind::Confirm => {
            let spans =
                [Span::raw("type  "), say(plain(&requirement.id), Tone::Code), Span::raw("  to confirm")];
            hang(vec![say("  · ", Tone::Quiet)], wrap_spans(&spans, width.saturating_sub(4)))
        }
        _ => plain_rows(requirement, &hint, width),
    }
}

/// A requirement as it was recorded: for a refusal, which says what was so then.
pub(super) fn plain_rows(
    requirement: &Requirement,
    hint: &[Span<'static>],
    width: usize,
) -> Vec<Line<'static>> {
    let (mark, tone) = match (requirement.met, requirement.kind) {
        (true, _) => ("✓", Tone::Good),
        (false, Kind::Hold) => ("⏸", Tone::Warn),
        (false, Kind::Confirm) => ("·", Tone::Quiet),
        (false, _) => ("✗", Tone::Bad),
    };
    let mut spans = Vec::new();
    if requirement.kind == Kind::Check {
        spans.push(say(format!("{}  ", plain(&requirement.id)), Tone::Strong));
    }
    spans.push(Span::raw(plain(&requirement.why)));
    let mut rows = hang(vec![say(format!("  {mark} "), tone)], wrap_spans(&spans, width.saturating_sub(4)));
    rows.extend(hint_rows(hint, width));
    rows
}

/// A check: its id, what it found, how old that is.
pub(super) fn check_rows(
    view: View<'_>,
    place: usize,
    hint: &[Span<'static>],
    width: usize,
) -> Vec<Line<'static>> {
    let session = &view.app.session;
    let check = &session.runbook.checks[place];
    let found = view::check(session, place, view.now);
    let (mark, tone, word) = of_check(found.state);
    let name = vec![say(format!("  {mark} "), tone), say(plain(check.id.as_str()), Tone::Strong)];
    let name = Line::from(name);
    let age = match found.state {
        CheckStatus::Running => {
            pulse::asking(view, place, width.saturating_sub(super::shape::line_columns(&name) + 2))
        }
        _ => Line::from(say(age(view, &found, word), Tone::Quiet)),
    };
    let mut rows = vec![between(name, age, width)];
    let title = plain(&view::filled(session, &check.title));
    let indent = || vec![Span::raw("    ")];
    rows.extend(hang(indent(), wrap_spans(&[say(title, Tone::Quiet)], width.saturating_sub(4))));
    if !matches!(found.state, CheckStatus::Unknown | CheckStatus::Running) {
        let tone = if found.state == CheckStatus::Holds { Tone::Plain } else { tone };
        rows.extend(hang(indent(), wrap_spans(&[say(plain(&found.detail), tone)], width.saturating_sub(4))));
    }
    if let Some(far) = view.app.far.get(&(check.id.clone(), None)) {
        let words = plain(&far.in_words());
        rows.extend(hang(indent(), wrap_spans(&[say(words, Tone::Live)], width.saturating_sub(4))));
    }
    let open: Vec<_> = found.items.iter().filter(|item| item.state != CheckStatus::Holds).collect();
    if open.len() > 1 {
        for item in open {
            let (mark, tone, _) = of_check(item.state);
            let far = view.app.far.get(&(check.id.clone(), Some(item.item.clone())));
            let words = far.map_or_else(|| plain(&item.detail), |far| plain(&far.in_words()));
            let spans = [Span::raw(format!("{}  ", plain(&item.item))), say(words, Tone::Quiet)];
            rows.extend(hang(
                vec![say(format!("    {mark} "), tone)],
                wrap_spans(&spans, width.saturating_sub(6)),
            ));
        }
    }
    if matches!(found.state, CheckStatus::Fails | CheckStatus::Error) {
        rows.extend(list_rows(view, place, width));
    }
    if matches!(found.state, CheckStatus::Fails | CheckStatus::Error) && !check.why.is_empty() {
        let why = plain(&view::filled(session, &check.why));
        rows.extend(hang(indent(), wrap_spans(&[say(why, Tone::Quiet)], width.saturating_sub(4))));
    }
    rows.extend(hint_rows(hint, width));
    rows
}

/// The lists that an answer without items rests on (what differs, who has it open), as far as there is room for them.
fn list_rows(view: View<'_>, place: usize, width: usize) -> Vec<Line<'static>> {
    let Some(given) = view.app.session.checks[place].answers.get("") else { return Vec::new() };
    let mut rows = Vec::new();
    for (_, lines) in evidence::shown(&given.answer.evidence).lists {
        for line in lines.iter().take(LISTED) {
            let words = [say(plain(line), Tone::Quiet)];
            rows.extend(hang(vec![Span::raw("      · ")], wrap_spans(&words, width.saturating_sub(8))));
        }
        if let Some(more @ 1..) = lines.len().checked_sub(LISTED) {
            // The name that one types: the end of the line to join.
            let session = view.app.join.rsplit("--witness ").next().unwrap_or_default();
            let words = [
                say(format!("{more} more:  "), Tone::Quiet),
                say(format!("onbelay report {}", plain(session)), Tone::Code),
            ];
            rows.extend(hang(vec![Span::raw("      … ")], wrap_spans(&words, width.saturating_sub(8))));
        }
    }
    rows
}

/// How old an answer is; what there is of it where it has no age.
pub(super) fn age(view: View<'_>, found: &CheckView, word: &str) -> String {
    match (found.state, found.began.and_then(|began| began.age(view.now))) {
        (CheckStatus::Unknown | CheckStatus::Running, _) | (_, None) => word.to_owned(),
        (_, Some(age)) if age.as_secs() == 0 => "just now".to_owned(),
        (_, Some(age)) => format!("{} ago", in_words(age)),
    }
}

fn hint_rows(hint: &[Span<'static>], width: usize) -> Vec<Line<'static>> {
    if hint.is_empty() {
        return Vec::new();
    }
    hang(vec![Span::raw("    → ")], wrap_spans(hint, width.saturating_sub(6)))
}

/// What to do about it, on this screen: the runbook's own words, or the key that helps.
pub(super) fn fix(view: View<'_>, requirement: &Requirement) -> Vec<Span<'static>> {
    if requirement.met || requirement.kind == Kind::Confirm {
        return Vec::new();
    }
    let session = &view.app.session;
    // Who only watches is told who can; their own hold they release themselves.
    let press = |verb: Verb, does: &str, can: &str| {
        if view.app.role == Role::Watch && !fit(view.app, verb).is_yes() {
            vec![Span::raw(format!("{} can {can}", plain(&session.operator.name)))]
        } else {
            view.press(verb, does)
        }
    };
    if requirement.kind == Kind::Check
        && let Some(place) = session.check_at(&requirement.id)
    {
        let check = &session.runbook.checks[place];
        let state = view::check(session, place, view.now).state;
        let own = plain(&view::filled(session, &check.fix).replace('\n', " "));
        let own = own.trim();
        if !own.is_empty() && !matches!(state, CheckStatus::Unknown | CheckStatus::Running) {
            return vec![Span::raw(own.to_owned())];
        }
        return match (&check.probe, state) {
            (_, CheckStatus::Running) => Vec::new(),
            (Probe::Attest { .. }, _) => press(Verb::Attest, "answers it, in words", "answer it, in words"),
            (_, CheckStatus::Unknown) if view::waits_for_capture(session, place).is_some() => {
                vec![Span::raw(plain(&view::check(session, place, view.now).detail))]
            }
            (_, CheckStatus::Unknown | CheckStatus::Stale) => {
                press(Verb::Check, "asks it; so does a start", "ask it; a start does so too")
            }
            _ => press(Verb::Check, "asks it again", "ask it again"),
        };
    }
    if requirement.kind == Kind::Witness {
        // What there is to do about it stands below all that is not met.
        return Vec::new();
    }
    if requirement.kind == Kind::Hold {
        return press(Verb::Release, "releases it, once it is settled", "release it, once it is settled");
    }
    here(&requirement.fix)
}

/// Words that are meant for the command line, without the command: here there are keys.
fn here(fix: &str) -> Vec<Span<'static>> {
    // What is nothing but a command says nothing here: the key is on view.
    let words =
        if fix.starts_with("onbelay ") { "" } else { fix.split(": onbelay do").next().unwrap_or_default() };
    let words = plain(words);
    if columns(&words) == 0 { Vec::new() } else { vec![Span::raw(words)] }
}
