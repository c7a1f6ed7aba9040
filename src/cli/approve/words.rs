//! What is said of approvals on the command line and in lines. PURE. Text from outside is cleaned here.

use std::time::Duration;

use crate::runbook::Proof;
use crate::session::approve::standing::rule_of;
use crate::session::approve::{Standing, Subject, caveat, name_of, standing};
use crate::session::event::{Proven, Work};
use crate::session::state::{Approval, Round};
use crate::session::{Person, Session, view};
use crate::text::clean;
use crate::time::{Moment, in_words};

/// How somebody is known, in a few words.
#[must_use]
pub fn known_by(proof: &Proven) -> String {
    match proof {
        Proven::Account => "another account".to_owned(),
        Proven::Key(signed) => format!("a signature by key {}", signed.fingerprint),
        Proven::Here { .. } => "at the operator's terminal, unproven".to_owned(),
    }
}

/// What was asked for of a step, if anything was.
#[must_use]
pub fn round<'s>(session: &'s Session, step: &str) -> Option<(usize, &'s Round)> {
    let place = session.step_at(step)?;
    Some((place, session.steps[place].approval.as_deref()?))
}

/// Will the host say no whatever is typed? Then nobody is asked to type first; it says why.
#[must_use]
pub fn in_vain(session: &Session, you: &Person, subject: &Subject, name: Option<&str>) -> bool {
    match (subject.witness.proof, name) {
        (Proof::Key, _) | (Proof::Account, Some(_)) => true,
        (Proof::Here, Some(_)) => false,
        (_, None) => session.operator_as.iter().any(|operator| operator.may_be(you)),
    }
}

/// The answer to an approval that was taken: `approved: 5 Terminate, by sam (another account); 14 min left; the operator may
/// start it`.
#[must_use]
pub fn approved(session: &Session, step: &str, n: u64, now: Moment) -> String {
    let Some((place, round)) = round(session, step) else { return "approved".to_owned() };
    let work = round.subject.work;
    let given = given(round, n);
    let by = given
        .map_or_else(String::new, |given| format!(", by {} ({})", name_of(given), known_by(&given.proof)));
    let standing = standing(session, place, work, None, now);
    let back = if work == Work::Undo { "to take back " } else { "" };
    let line = format!(
        "approved: {back}{}{by}{}",
        view::step_name(session, place),
        and_then(session, place, &standing, work, given.map_or("", name_of))
    );
    clean(&line).into_owned()
}

/// What an approval that was just given does not prove.
#[must_use]
pub fn doubt(session: &Session, step: &str, n: u64) -> Option<&'static str> {
    let (_, round) = round(session, step)?;
    caveat(given(round, n)?, &session.operator)
}

fn given(round: &Round, n: u64) -> Option<&Approval> {
    round.given.iter().find(|given| given.n == n)
}

/// What is still missing, or what can be done now. `just_said`: who approved, as was said already.
fn and_then(session: &Session, place: usize, standing: &Standing, work: Work, just_said: &str) -> String {
    if !standing.met {
        let wanted = rule_of(session, place, work).map_or(0, |rule| rule.count);
        let more = wanted.saturating_sub(u32::try_from(standing.names.len()).unwrap_or(u32::MAX));
        let others: Vec<&str> =
            standing.names.iter().map(String::as_str).filter(|name| *name != just_said).collect();
        return match (standing.names.len() - others.len(), others.as_slice()) {
            (0, _) => format!("; {}", standing.why),
            (_, []) => format!("; {more} more must"),
            (_, others) => format!("; {} did before; {more} more must", others.join(" and ")),
        };
    }
    let left = standing.left.map_or_else(String::new, |left| format!("; {} left", in_words(left)));
    let may = if work == Work::Undo { "take it back" } else { "start it" };
    format!("{left}; the operator may {may}")
}

/// Until when what was asked serves: `15:25:13 UTC (14 min)`.
#[must_use]
pub fn until(subject: &Subject, left: Option<Duration>) -> String {
    let left = left.map_or_else(String::new, |left| format!(" ({})", in_words(left)));
    format!("{} UTC{left}", subject.expires.clock())
}

/// How long what was asked still serves.
#[must_use]
pub fn left(round: &Round, now: Moment) -> Option<Duration> {
    round.at.age(now).map(|age| crate::session::approve::LIFETIME.saturating_sub(age))
}
