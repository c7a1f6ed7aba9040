//! Whether a start is approved right now, and if not, why and what to do. PURE.

use std::time::Duration;

use crate::session::Session;
use crate::session::event::{How, Work};
use crate::session::state::{Approval, Request, Round};
use crate::session::view;
use crate::time::Moment;

use super::subject::{changes, subject};
use super::{LIFETIME, name_of, same_person};

/// How far an approval is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Enough people approved, and nothing has changed since.
    pub met: bool,
    /// Where it stands, in a sentence.
    pub why: String,
    /// Names of those whose approval counts.
    pub names: Vec<String>,
    /// Records of the approvals that count.
    pub approvals: Vec<u64>,
    /// How long what was asked can still be used.
    pub left: Option<Duration>,
}

/// How the approval of a start stands; for screens and for the gate. `request`: the wish that the gate decides on, whose
/// moment counts (the last asking of checks does not run the time out), and which must come after the approvals.
#[must_use]
pub fn standing(
    session: &Session,
    place: usize,
    work: Work,
    request: Option<&Request>,
    now: Moment,
) -> Standing {
    let not =
        |why: String| Standing { met: false, why, names: Vec::new(), approvals: Vec::new(), left: None };
    let Some(rule) = &session.runbook.steps[place].witness else {
        return Standing { met: true, ..not(String::new()) };
    };
    let needed =
        if rule.count == 1 { "a second person".to_owned() } else { format!("{} other people", rule.count) };
    let Some(round) = session.steps[place].approval.as_deref().filter(|round| round.subject.work == work)
    else {
        return not(format!("{needed} must approve it; nobody was asked yet"));
    };
    let at = request.map_or(now, |request| request.at);
    if let Some(why) = dead(session, place, round, request, at) {
        return not(why);
    }
    let left = round.at.age(at).map(|age| LIFETIME.saturating_sub(age));
    let mut counted: Vec<&Approval> = Vec::new();
    for approval in round.given.iter().filter(|approval| approval.void.is_none()) {
        let before_wish = request.is_none_or(|request| approval.n < request.n);
        if before_wish && !counted.iter().any(|other| same_person(other, approval)) {
            counted.push(approval);
        }
    }
    let names: Vec<String> = counted.iter().map(|approval| name_of(approval).to_owned()).collect();
    let have = u32::try_from(counted.len()).unwrap_or(u32::MAX);
    let met = have >= rule.count;
    let why = if met {
        format!("{} approved this very command", names.join(" and "))
    } else if let Some(last) = round.given.iter().rev().find_map(|given| Some((given, given.void.as_ref()?)))
    {
        format!("the approval by {} is void: {}", name_of(last.0), last.1)
    } else if have > 0 {
        format!("{} approved; {} more must", names.join(" and "), rule.count - have)
    } else {
        format!("{needed} must approve it; it waits for an answer")
    };
    Standing { met, why, names, approvals: counted.iter().map(|approval| approval.n).collect(), left }
}

/// Why nothing said to this asking counts (any more), in a sentence.
#[must_use]
pub fn dead(
    session: &Session,
    place: usize,
    round: &Round,
    request: Option<&Request>,
    at: Moment,
) -> Option<String> {
    if let Some(refused) = &round.refused {
        return Some(format!("{} refused it: {}", refused.by.name, refused.why));
    }
    if let Some(why) = &round.void {
        return Some(format!("what was approved is void: {why}"));
    }
    if round.at.age(at).is_none_or(|age| age >= LIFETIME) {
        return Some("what was asked for has expired: an approval serves for 15 minutes".to_owned());
    }
    let by_hand = request.map_or(round.subject.how == How::ByHand, |request| request.by_hand);
    let changed = match subject(session, place, round.subject.work, by_hand, at) {
        Ok(now) => changes(&round.subject, &now),
        Err(why) => return Some(why),
    };
    if changed.is_empty() {
        return None;
    }
    let name = view::step_name(session, place);
    Some(format!("what was approved of {name} is void: {} changed since", changed.join(", ")))
}
