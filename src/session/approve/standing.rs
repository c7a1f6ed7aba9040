//! Whether a start is approved right now, and if not, why and what to do. PURE.

use std::time::Duration;

use crate::runbook::WitnessRule;
use crate::session::event::{AskMode, How, Work};
use crate::session::state::{Approval, Request, Round};
use crate::session::{Session, gate, view};
use crate::time::Moment;

use super::subject::{Subject, changes, found_otherwise, subject};
use super::{LIFETIME, name_of, same_person};

/// How far an approval is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Enough people approved, and nothing has changed since.
    pub met: bool,
    /// The same, more finely.
    pub word: Word,
    /// Where it stands, in a sentence.
    pub why: String,
    /// Names of those whose approval counts.
    pub names: Vec<String>,
    /// Records of the approvals that count.
    pub approvals: Vec<u64>,
    /// How long what was asked can still be used.
    pub left: Option<Duration>,
}

/// What second people have said so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// None is needed.
    Needless,
    /// Nobody was asked.
    Unasked,
    /// Asked; more must answer.
    Waits,
    /// Enough said yes.
    Given,
    /// Somebody said no.
    Refused,
    /// What was asked does not count any more: it expired, or something changed.
    Over,
}

/// Who must approve a start of this kind; `None`: nobody.
#[must_use]
pub fn rule_of(session: &Session, place: usize, work: Work) -> Option<&WitnessRule> {
    let model = &session.runbook.steps[place];
    model.witness.as_ref().filter(|_| work == Work::Run || model.is_hold_point())
}

/// How the approval of a start stands; for screens and for the gate. `request`: the wish that the gate decides on, which
/// must come after the approvals, and for which everything is compared once more with what was approved. (For screens
/// that is not needed: every record that changes a start voids its approval, see `apply`.)
#[must_use]
pub fn standing(
    session: &Session,
    place: usize,
    work: Work,
    request: Option<&Request>,
    now: Moment,
) -> Standing {
    let not = |word: Word, why: String| Standing {
        met: false,
        word,
        why,
        names: Vec::new(),
        approvals: Vec::new(),
        left: None,
    };
    let Some(rule) = rule_of(session, place, work) else {
        return Standing { met: true, ..not(Word::Needless, String::new()) };
    };
    let needed =
        if rule.count == 1 { "a second person".to_owned() } else { format!("{} other people", rule.count) };
    let Some(round) = session.steps[place].approval.as_deref().filter(|round| round.subject.work == work)
    else {
        return not(Word::Unasked, format!("{needed} must approve it; nobody was asked yet"));
    };
    if let Some(refused) = &round.refused {
        return not(Word::Refused, format!("{} refused it: {}", refused.by.name, refused.why));
    }
    let at = request.map_or(now, |request| served_at(session, place, request, now));
    if let Some(why) = over(round, at) {
        return not(Word::Over, why);
    }
    if let Some(why) = request.and_then(|request| changed(session, place, round, request.by_hand, now)) {
        return not(Word::Over, why);
    }
    let left = round.at.age(at).map(|age| LIFETIME.saturating_sub(age));
    let (mut counted, mut late): (Vec<&Approval>, Vec<&Approval>) = (Vec::new(), Vec::new());
    for approval in round.given.iter().filter(|approval| approval.void.is_none()) {
        if request.is_some_and(|request| approval.n > request.n) {
            late.push(approval);
        } else if !counted.iter().any(|other| same_person(other, approval)) {
            counted.push(approval);
        }
    }
    let names: Vec<String> = counted.iter().map(|approval| name_of(approval).to_owned()).collect();
    let have = u32::try_from(counted.len()).unwrap_or(u32::MAX);
    let met = have >= rule.count;
    let taken_back = round.given.iter().rev().find_map(|given| Some((given, given.void.as_ref()?)));
    let why = if met {
        format!("{} approved this very command", names.join(" and "))
    } else if let Some(late) = late.first() {
        format!("{} approved it after its start was asked for; start it again", name_of(late))
    } else if have > 0 {
        format!("{} approved; {} more must", names.join(" and "), rule.count - have)
    } else if let Some((given, why)) = taken_back {
        format!("the approval by {} is void: {why}", name_of(given))
    } else {
        format!("{needed} must approve it; it waits for an answer")
    };
    let said = if met { Word::Given } else { Word::Waits };
    Standing {
        met,
        word: said,
        why,
        names,
        approvals: counted.iter().map(|approval| approval.n).collect(),
        left,
    }
}

/// Why nothing said to this asking counts any more, by what is on record and by the clock; in a sentence.
#[must_use]
pub fn over(round: &Round, at: Moment) -> Option<String> {
    if let Some(refused) = &round.refused {
        return Some(format!("{} refused it: {}", refused.by.name, refused.why));
    }
    if let Some(why) = &round.void {
        let what = if round.given.is_empty() { "asked" } else { "approved" };
        return Some(format!("what was {what} is void: {why}"));
    }
    let expired = round.at.age(at).is_none_or(|age| age >= LIFETIME);
    expired.then(|| "what was asked for has expired: an approval serves for 15 minutes".to_owned())
}

/// The same in a few words, as the reason of what came after it.
#[must_use]
pub fn ended(round: &Round, at: Moment) -> Option<String> {
    let over = over(round, at)?;
    Some(match (&round.refused, &round.void) {
        (Some(_), _) => over,
        (None, Some(why)) => why.clone(),
        (None, None) => "it had expired".to_owned(),
    })
}

/// What is not as it was when it was asked for, in a sentence. `by_hand`: how it would start.
#[must_use]
pub fn changed(session: &Session, place: usize, round: &Round, by_hand: bool, now: Moment) -> Option<String> {
    let name = view::step_name(session, place);
    match subject(session, place, round.subject.work, by_hand, now) {
        Ok(now) if now.how != round.subject.how => Some(match round.subject.how {
            How::ByHand => format!("{name} was asked to be done by hand (--by-hand), and this start is not"),
            How::Script | How::Person => {
                format!("{name} was asked to be done by its script, and this start is by hand (--by-hand)")
            }
        }),
        Ok(now) => {
            let changed = changes(&round.subject, &now);
            (!changed.is_empty()).then(|| {
                format!(
                    "{} changed since: what was asked of {name} is not what would start",
                    changed.join(", ")
                )
            })
        }
        Err(why) => Some(format!("what was asked of {name} cannot start: {why}")),
    }
}

/// Which approvals an asking anew would take the place of, and why, in a sentence; `None`: none that counted.
#[must_use]
pub fn replaced(session: &Session, place: usize, work: Work, by_hand: bool, now: Moment) -> Option<String> {
    let round = session.steps[place].approval.as_deref().filter(|round| over(round, now).is_none())?;
    let given: Vec<&Approval> = round.given.iter().filter(|given| given.void.is_none()).collect();
    if given.is_empty() {
        return None;
    }
    let why = if round.subject.work != work {
        match work {
            Work::Run => "that was to take it back".to_owned(),
            Work::Undo => "that was not to take it back".to_owned(),
        }
    } else if is_by_hand(round) != by_hand {
        if by_hand { "that was with its script" } else { "that was by hand" }.to_owned()
    } else {
        changed(session, place, round, by_hand, now).unwrap_or_else(|| "it was asked for anew".to_owned())
    };
    let names: Vec<&str> = given.iter().map(|given| name_of(given)).collect();
    Some(format!("what {} approved of record {}: {why}", names.join(" and "), round.subject.asked))
}

/// Why somebody is asked again who had read `then`: what was over with the asking before, and what is another thing now.
#[must_use]
pub fn asked_anew(then: &Subject, round: &Round) -> String {
    let mut changed = changes(then, &round.subject);
    changed.extend(found_otherwise(then, &round.subject));
    let changed = match &changed[..] {
        [] => "nothing in it changed but when it was asked".to_owned(),
        all => format!("{} changed", all.join(", ")),
    };
    match &round.before {
        Some(before) => format!("{before}; {changed}"),
        None => changed,
    }
}

/// Does this asking still stand as it is: can it be approved, and used?
#[must_use]
pub fn stands(session: &Session, place: usize, round: &Round, by_hand: bool, now: Moment) -> bool {
    over(round, now).is_none() && changed(session, place, round, by_hand, now).is_none()
}

/// How the start that was asked about is carried out: by hand in place of its script?
#[must_use]
pub fn is_by_hand(round: &Round) -> bool {
    round.subject.how == How::ByHand
}

/// The moment at which an approval must still serve: when the last asking of checks began, in the same breath as the
/// start, which does not run the time out; now, where none was needed. What is waited for before that does count.
fn served_at(session: &Session, place: usize, request: &Request, now: Moment) -> Moment {
    gate::required_checks(session, place, request.work)
        .filter_map(|id| session.check_at(id.as_str()))
        .flat_map(|check| {
            let state = &session.checks[check];
            let last = |n: u64, once: bool| once && n > request.n;
            let asking = state.asking.as_ref().filter(|it| last(it.n, it.mode == AskMode::Once));
            let answers = state.answers.values().filter(move |it| last(it.asked_n, it.once));
            asking.map(|it| it.since).into_iter().chain(answers.map(|it| it.answer.began))
        })
        .filter(|began| began.age(now).is_some())
        .max_by_key(|began| began.age(now))
        .unwrap_or(now)
}
