//! How long an answer serves. PURE.
//!
//! An answer's age counts from when its probe began. It serves for `valid_for`; an attestation without it for 12 h; an
//! automatic check without it is asked again in the same breath as any start that requires it, which `next` sees to.

use std::time::Duration;

use crate::runbook::{Check, Probe};
use crate::time::{Moment, in_words};

use super::Session;
use super::event::Verdict;
use super::state::Given;
use super::view::{CheckStatus, status_of};
use super::whose::may_be_the_operator;

/// An attestation without `valid_for` serves this long (`format.md`, "Freshness").
pub const ATTESTATION_SERVES: Duration = Duration::from_hours(12);

/// How long an answer of this check serves; `None`: until it is asked again.
#[must_use]
pub fn serves_for(check: &Check) -> Option<Duration> {
    check.valid_for.or_else(|| (!check.is_automatic()).then_some(ATTESTATION_SERVES))
}

/// The state of one item of a check right now, and a sentence about it.
pub(super) fn look(session: &Session, check: usize, item: &str, now: Moment) -> (CheckStatus, String) {
    let state = &session.checks[check];
    if state.asking.as_ref().is_some_and(|asking| asking.open.iter().any(|open| open == item)) {
        return (CheckStatus::Running, "being asked".to_owned());
    }
    let model = &session.runbook.checks[check];
    let Some(given) = state.answers.get(item) else {
        let sentence = if model.is_automatic() { "not asked yet" } else { "nobody has answered yet" };
        return (CheckStatus::Unknown, sentence.to_owned());
    };
    if let Some(why) = stale(session, check, given, now) {
        return (CheckStatus::Stale, format!("{why}; it said: {}", given.answer.detail));
    }
    let detail = match &given.by {
        Some(person) => format!("{} {}", person.name, said(given)),
        None => given.answer.detail.clone(),
    };
    (status_of(given.answer.verdict), detail)
}

fn said(given: &Given) -> String {
    let verb = if given.answer.verdict == Verdict::Holds { "says yes" } else { "says no" };
    format!("{verb}: {}", given.answer.detail)
}

/// Why an answer no longer serves.
fn stale(session: &Session, check: usize, given: &Given, now: Moment) -> Option<String> {
    let model = &session.runbook.checks[check];
    if model.is_automatic() && given.of_older_host {
        return Some("asked before the session's host started again".to_owned());
    }
    let since = model.stale_after.iter().find_map(|id| {
        let place = session.step_at(id.as_str())?;
        (session.steps[place].started_n > given.asked_n).then(|| super::view::step_name(session, place))
    });
    if let Some(step) = since {
        return Some(format!("{step} was run since"));
    }
    let captured_anew = model.needs_captures_of.iter().find_map(|id| {
        let place = session.step_at(id.as_str())?;
        (session.steps[place].started_n > given.asked_n).then(|| super::view::step_name(session, place))
    });
    if let Some(step) = captured_anew {
        return Some(format!("it was about what {step} captured before, and that was run again"));
    }
    if given.answer.verdict != Verdict::Holds {
        return None;
    }
    if let (Probe::Attest { witness: true, .. }, Some(by)) = (&model.probe, &given.by)
        && may_be_the_operator(session, by)
    {
        return Some(format!("{} answered it and is the operator now: somebody else must answer", by.name));
    }
    let limit = serves_for(model)?;
    match given.answer.began.age(now) {
        Some(age) if age <= limit => None,
        Some(age) => Some(format!("{} old, it serves for {}", in_words(age), in_words(limit))),
        None => Some("the clock was set back since".to_owned()),
    }
}
