//! Records as people read them: one plain line each. PURE.
//! It must not know clocks or screens; who and when stand beside the line, not in it.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::time::Duration;

use crate::text;
use crate::time::{in_words, stopwatch};

use super::event::{Answer, Ended, How, LeftProcess, Outcome, Proven, Verdict, Work};
use super::{Entry, Event, Kind, Requirement, Session, view};

/// One line for a log view: `tried 5 Delete the old VM · refused: backup-verified`. The session gives titles and numbers of steps.
/// Outside text in it is cleaned.
#[must_use]
pub fn sentence(entry: &Entry, session: &Session) -> String {
    // Cleaned once and whole: cleaning twice would escape the marks themselves.
    text::clean(&raw(entry, session)).into_owned()
}

/// Who said or did it: beside the line. Whoever signed an approval gave it, and not whoever brought it. Not cleaned.
#[must_use]
pub fn who(entry: &Entry) -> &str {
    match &entry.event {
        Event::Approved { proof: Proven::Key(signed), .. } => &signed.principal,
        _ => &entry.by.name,
    }
}

/// How a command, or a person's part, ended: `exit 0 after 8:40`. Not cleaned.
#[must_use]
pub fn how_it_ended(ended: &Ended) -> String {
    let took = stopwatch(Duration::from_millis(ended.took));
    let mut line = match &ended.outcome {
        Outcome::Exited { code } => format!("exit {code} after {took}"),
        Outcome::Killed { signal } => format!("killed by signal {signal} after {took}"),
        Outcome::TimedOut => format!("timed out after {took}"),
        Outcome::Stopped => format!("stopped after {took}"),
        Outcome::NotStarted { why } => format!("could not be started: {why}"),
        Outcome::Said { done, words } => {
            let end = if *done { "said to be done" } else { "said to have failed" };
            if words.is_empty() { end.to_owned() } else { format!("{end}: \"{words}\"") }
        }
    };
    if !ended.left.is_empty() {
        let named: Vec<String> =
            ended.left.iter().map(|LeftProcess { pid, name }| format!("{name} ({pid})")).collect();
        let _ = write!(line, "; still running: {}", named.join(", "));
    }
    line
}

fn raw(entry: &Entry, session: &Session) -> String {
    match &entry.event {
        Event::SessionOpened(opened) => format!("opened the session: {}", opened.title),
        Event::HostStarted { pid, env_changed, .. } => host_started(entry.n, *pid, env_changed),
        Event::JournalRepaired { kept_in, bytes } => {
            format!("the log ended in half a record: its {bytes} bytes were cut off and kept in {kept_in}")
        }
        Event::CheckAsked { check, items, .. } => match items.len() {
            0 => format!("asks {check}"),
            1 => format!("asks {check}@{}", items[0]),
            many => format!("asks {check} of {many} items"),
        },
        Event::CheckAnswered { check, item, answer } => {
            answered(&at_item(check.as_str(), item.as_deref()), answer)
        }
        Event::CheckDropped { check } => format!("{check} gets no answer: who was asked went away"),
        Event::Attested { check, item, yes, words } => {
            let answer = if *yes { "yes" } else { "no" };
            format!("answered {answer} to {}: \"{words}\"", at_item(check.as_str(), item.as_deref()))
        }
        Event::HoldCalled { why } => format!("HOLD: \"{why}\""),
        Event::HoldReleased { holds, why } => {
            let what =
                if holds.len() == 1 { "the hold".to_owned() } else { format!("{} holds", holds.len()) };
            format!("released {what}{}", quoted(why.as_deref()))
        }
        Event::HandedOver { to } => format!("handed over to {}", to.name),
        Event::Noted { text } => format!("note: \"{text}\""),
        Event::Finished => "finished".to_owned(),
        Event::Aborted { why } => format!("aborted: \"{why}\""),
        Event::Refused { action, step: None, why, .. } => format!("tried \"{action}\" · refused: {why}"),
        _ => of_step(entry, session),
    }
}

fn of_step(entry: &Entry, session: &Session) -> String {
    let number = |step: &crate::id::StepId| number(session, step.as_str());
    let named = |step: &crate::id::StepId| named(session, step.as_str());
    match &entry.event {
        Event::Requested { step, work, by_hand, .. } => {
            let by_hand = if *by_hand { " by hand" } else { "" };
            match work {
                Work::Run => format!("wants to start {}{by_hand}", named(step)),
                Work::Undo => format!("wants to take {} back{by_hand}", named(step)),
            }
        }
        Event::QuestionPut { step } => format!("{}: all is met but the text to be typed", number(step)),
        Event::RequestDropped { step, why } => format!("{} was not started: {why}", number(step)),
        Event::Refused { step: Some(step), why, unmet, action } => {
            let what = if action.starts_with("undo") { "tried to take back" } else { "tried" };
            let reasons = if unmet.is_empty() { why.clone() } else { unmet_in_short(unmet) };
            format!("{what} {} · refused: {reasons}", named(step))
        }
        Event::StepStarted { step, work, how, items, typed, retry, .. } => {
            started(&named(step), *work, *how, items.len(), typed.as_deref(), *retry)
        }
        Event::ItemStarted { step, item, .. } => format!("{}: started {item}", number(step)),
        Event::ItemEnded { step, item, ended, .. } => {
            format!("{}: {item}: {}", number(step), how_it_ended(ended))
        }
        Event::ItemSettled { step, item, ok: true, .. } => format!("{}: {item} went well", number(step)),
        Event::ItemSettled { step, item, ok: false, why, .. } => {
            format!("{}: {item} failed: {why}", number(step))
        }
        Event::ItemsEnded { step, .. } => format!("{}: every item is done", number(step)),
        Event::WorkEnded { step, ended, .. } => format!("{}: {}", number(step), how_it_ended(ended)),
        Event::RetryPlanned { step, pause, .. } => {
            format!("{} is tried again in {}", number(step), in_words(Duration::from_millis(*pause)))
        }
        Event::StepSettled { step, attempt, work, ok, why } => {
            settled(&named(step), *attempt, *work, *ok, why)
        }
        Event::NeverStarted { step, evidence, .. } => {
            format!("{} was never started: {evidence}", named(step))
        }
        Event::Interrupted { step, evidence, .. } => {
            format!("how {} ended is not known: {evidence}", named(step))
        }
        Event::Resolved { step, done, what } => {
            let end = if *done { "is done" } else { "came to nothing" };
            format!("said that {} {end}: \"{what}\"", named(step))
        }
        Event::StopAsked { step } => format!("asked to stop {}", named(step)),
        Event::TerminalTaken { step, item, .. } => {
            let of = item.as_ref().map_or_else(String::new, |item| format!(" ({item})"));
            format!("types into the terminal of {}{of}", named(step))
        }
        Event::ApprovalAsked { subject } => {
            let by_hand = if subject.how == How::ByHand { ", by hand" } else { "" };
            let replaced =
                subject.replaces.as_ref().map_or_else(String::new, |what| format!(", in place of {what}"));
            let what = asked_of(session, &subject.step, entry.n);
            format!("asks a second person to approve: {what}{by_hand}{replaced}")
        }
        Event::Approved { step, asked, proof, .. } => {
            format!("approved {}{}", asked_of(session, step, *asked), proven(proof, &entry.by.name))
        }
        Event::ApprovalRefused { step, asked, why } => {
            format!("REFUSED {}: \"{why}\"", asked_of(session, step, *asked))
        }
        // What voids it first: the rest may be cut off.
        Event::ApprovalsVoided { step, approvals, why } => {
            let n = approvals.first().copied().unwrap_or(entry.n);
            format!("void: {why} (the approval of {})", asked_of(session, step, n))
        }
        Event::StepSkipped { step, why } => format!("skipped {}: \"{why}\"", named(step)),
        _ => String::new(),
    }
}

fn host_started(n: u64, pid: u32, env_changed: &[String]) -> String {
    // The second record is the first start; every later one takes over from a host that went away.
    let mut line = if n <= 2 {
        format!("watches over the session (process {pid})")
    } else {
        format!("watches over the session again (process {pid}); checks must be asked anew")
    };
    if !env_changed.is_empty() {
        let _ = write!(line, "; other than before: {}", env_changed.join(", "));
    }
    line
}

fn answered(check: &str, answer: &Answer) -> String {
    let verdict = match answer.verdict {
        Verdict::Holds => "holds",
        Verdict::Fails => "does not hold",
        Verdict::Error => "found no answer",
    };
    if answer.detail.is_empty() {
        format!("{check} {verdict}")
    } else {
        format!("{check} {verdict}: {}", answer.detail)
    }
}

fn started(step: &str, work: Work, how: How, items: usize, typed: Option<&str>, retry: u32) -> String {
    let mut line = match work {
        Work::Run if retry > 0 => format!("started {step} again (retry {retry})"),
        Work::Run => format!("started {step}"),
        Work::Undo => format!("started to take {step} back"),
    };
    if how == How::ByHand {
        line.push_str(" by hand");
    }
    if items > 0 {
        let _ = write!(line, ", {items} {}", if items == 1 { "item" } else { "items" });
    }
    if let Some(typed) = typed {
        let _ = write!(line, " · typed \"{typed}\"");
    }
    line
}

fn settled(step: &str, attempt: u32, work: Work, ok: bool, why: &str) -> String {
    match (work, ok) {
        (Work::Run, true) if attempt == 0 => format!("{step} was done already: {why}"),
        (Work::Run, true) => format!("{step} is done"),
        (Work::Run, false) => format!("{step} failed: {why}"),
        (Work::Undo, true) => format!("{step} was taken back"),
        (Work::Undo, false) => format!("{step} could not be taken back: {why}"),
    }
}

/// What is not met, each cause once: where a step is required by name, that it also comes first says nothing more.
pub fn said_once(unmet: &[Requirement]) -> impl Iterator<Item = &Requirement> {
    let required = |id: &str| unmet.iter().any(|other| other.kind == Kind::Step && other.id == id);
    unmet.iter().filter(move |one| one.kind != Kind::Order || !required(&one.id))
}

/// What is not met, as short as it can be said.
fn unmet_in_short(unmet: &[Requirement]) -> String {
    let words: Vec<String> = said_once(unmet)
        .map(|requirement| match requirement.kind {
            Kind::Order | Kind::Step | Kind::Confirm => requirement.why.clone(),
            Kind::Check => requirement.id.clone(),
            Kind::Hold => "a hold".to_owned(),
            Kind::Witness => "no second person approved".to_owned(),
        })
        .collect();
    words.join(", ")
}

fn number(session: &Session, step: &str) -> String {
    session.step_at(step).map_or_else(|| step.to_owned(), |place| (place + 1).to_string())
}

/// What a second person was asked, by the record that asked or one that came of it: the step, or taking it back.
fn asked_of(session: &Session, step: &crate::id::StepId, n: u64) -> String {
    let state = session.step_at(step.as_str()).map(|place| &session.steps[place]);
    let work =
        state.and_then(|state| state.asked.iter().rfind(|(asked, _)| *asked <= n)).map(|(_, work)| *work);
    let name = named(session, step.as_str());
    if work == Some(Work::Undo) { format!("taking {name} back") } else { name }
}

fn proven(proof: &Proven, brought_by: &str) -> String {
    match proof {
        Proven::Account => String::new(),
        Proven::Key(signed) => {
            format!(", by signature (brought by {brought_by}, key {})", signed.fingerprint)
        }
        Proven::Here { name } => {
            format!(", in the name of {name}, typed at the operator's terminal: unproven")
        }
    }
}

fn named(session: &Session, step: &str) -> String {
    session.step_at(step).map_or_else(|| step.to_owned(), |place| view::step_name(session, place))
}

fn at_item(check: &str, item: Option<&str>) -> String {
    item.map_or_else(|| check.to_owned(), |item| format!("{check}@{item}"))
}

fn quoted(words: Option<&str>) -> String {
    words.map_or_else(String::new, |words| format!(": \"{words}\""))
}
