//! Was every approval one? What was asked is put together again from the records before it, who said yes is held against
//! the rule, and a start must name exactly those that counted. PURE.
//! It must not know the journal's lines: that the log was as an asking says is `journal::verify`'s to compare.

use crate::session::approve::{
    self, Subject, approved_by, changes, name_of, rule_of, signature, standing, wrong_person,
};
use crate::session::event::{Proven, Work};
use crate::session::state::{Approval, Request};
use crate::session::{Entry, Event, Kind, Session, view};
use crate::time::Moment;

use super::{gate, moment_of};

/// Looks at a record about approvals with the walk as it stood before it.
pub(super) fn word(session: &Session, entry: &Entry) -> Vec<String> {
    match &entry.event {
        Event::ApprovalAsked { subject } => asked(session, entry, subject),
        Event::Approved { .. } => approved(session, entry),
        _ => Vec::new(),
    }
}

fn asked(session: &Session, entry: &Entry, subject: &Subject) -> Vec<String> {
    let Some(place) = session.step_at(subject.step.as_str()) else {
        return Vec::new();
    };
    let name = view::step_name(session, place);
    let now = moment_of(session, entry);
    let mut whats =
        shut(session, place, subject.work, now, &format!("{name} was put before a second person"));
    let round = session.steps[place].approval.as_deref();
    let refused = round.is_some_and(|round| round.refused.is_some());
    if refused && !entry.by.same_account(&session.operator) {
        whats.push(format!("{} asked anew about {name}, which had been refused", entry.by.name));
    }
    let by_hand = subject.how == crate::session::event::How::ByHand;
    match approve::subject(session, place, subject.work, by_hand, now) {
        Ok(mut expected) => {
            expected.head.sha256 = subject.head.sha256.clone();
            expected.asker = Some(entry.by.clone());
            expected.replaces.clone_from(&subject.replaces);
            if expected != *subject {
                let mut differs = changes(&expected, subject);
                if differs.is_empty() {
                    differs.push("what it says of its place, its time, or the answers".to_owned());
                }
                whats.push(format!(
                    "what was asked about {name} is not what would have started: {}",
                    differs.join(", ")
                ));
            }
        }
        Err(why) => whats.push(format!("{name} was put before a second person, and could not start: {why}")),
    }
    whats
}

fn approved(session: &Session, entry: &Entry) -> Vec<String> {
    let Event::Approved { step, asked, proof, attached, .. } = &entry.event else {
        return Vec::new();
    };
    let Some(place) = session.step_at(step.as_str()) else {
        return Vec::new();
    };
    let round = session.steps[place].approval.as_deref();
    let Some(round) = round.filter(|round| round.subject.asked == *asked) else {
        return Vec::new();
    };
    let name = view::step_name(session, place);
    let (at, work) = (moment_of(session, entry), round.subject.work);
    let (by, proof, attached) = (entry.by.clone(), proof.clone(), *attached);
    let approval = Approval { n: entry.n, at, by, proof, attached, void: None };
    let who = name_of(&approval);
    let mut whats = shut(session, place, work, at, &format!("{who} approved {name}"));
    whats.extend(standing::changed(session, place, round, standing::is_by_hand(round), at));
    if let Some(rule) = rule_of(session, place, work)
        && let Some(why) = wrong_person(session, rule, &approval)
    {
        whats.push(format!("{who} approved {name}: {why}"));
    }
    if let Proven::Key(signed) = &approval.proof
        && let Err(why) = signature::check_again(&round.subject.text(), signed, entry.at)
    {
        whats.push(format!("the signature of {who} does not hold: {why}"));
    }
    whats
}

/// All but people's words must have been met.
fn shut(session: &Session, place: usize, work: Work, now: Moment, what: &str) -> Vec<String> {
    gate(session, place, work, now)
        .into_iter()
        .filter(|r| !r.met && !matches!(r.kind, Kind::Witness | Kind::Confirm))
        .map(|r| format!("{what} while its gate was shut: {} ({})", r.why, r.id))
        .collect()
}

/// Looks at the approvals that a start names. `moments`: when it may have been decided.
pub(super) fn started(
    session: &Session,
    place: usize,
    request: &Request,
    entry: &Entry,
    moments: &[Moment],
) -> Vec<String> {
    let Event::StepStarted { work, approvals, .. } = &entry.event else {
        return Vec::new();
    };
    let name = view::step_name(session, place);
    let mut whats = Vec::new();
    let counted = |now: &Moment| standing::standing(session, place, *work, Some(request), *now).approvals;
    if !moments.iter().any(|now| counted(now) == *approvals) {
        whats.push(format!("{name} names other approvals than those that counted when it was started"));
    }
    if let Some(given) = approved_by(&session.steps[place].approvers, &entry.by) {
        whats.push(format!("{} approved {name}, and started it", name_of(given)));
    }
    whats
}
