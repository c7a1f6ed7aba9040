//! Each requirement of a gate as a sentence with what to do about it. PURE.

use crate::runbook::Proof;
use crate::session::approve::standing::is_by_hand;
use crate::session::approve::{Word, standing};
use crate::session::event::Work;
use crate::session::state::{Request, Stage};
use crate::session::{Kind, Progress, Requirement, Session};
use crate::time::Moment;

use super::{CheckStatus, check_of, confirmation, filled, step_name, waits_for_capture};

pub(super) fn stage_requirement(session: &Session, work: Work) -> Option<Requirement> {
    let why = match &session.stage {
        Stage::Open => return None,
        Stage::Aborted { .. } if work == Work::Undo => return None,
        Stage::Aborted { why } => format!("the session was aborted: {why}"),
        Stage::Finished => "the session is finished".to_owned(),
    };
    Some(Requirement { kind: Kind::Order, id: session.id.to_string(), met: false, why, fix: String::new() })
}

pub(super) fn order_requirement(session: &Session, first: Option<usize>, step: usize) -> Option<Requirement> {
    let Some(place) = first else {
        return (step > 0).then(|| Requirement {
            kind: Kind::Order,
            id: session.runbook.steps[step - 1].id.to_string(),
            met: true,
            why: "the steps before it let it pass".to_owned(),
            fix: String::new(),
        });
    };
    let earlier = &session.runbook.steps[place];
    let id = &earlier.id;
    let name = step_name(session, place);
    // A hold point waits for what was skipped all the same.
    let of_use = earlier.optional || !session.runbook.steps[step].is_hold_point();
    let or_skip = if of_use { ", or skip it with a reason" } else { "" };
    let (why, fix) = match &session.steps[place].progress {
        Progress::Skipped => (
            format!("{name} was skipped and is not optional: a hold point needs it done"),
            format!("run it after all: onbelay do {} run {id}", session.id),
        ),
        Progress::Running(running) if running.work == Work::Undo => {
            (format!("{name} is being undone"), "wait for it, then do it again or skip it".to_owned())
        }
        Progress::Running(_) => (format!("{name} is still running"), "wait for it to end".to_owned()),
        Progress::Failed => (format!("{name} failed"), format!("run it again{or_skip}")),
        Progress::Interrupted => (
            format!("what became of {name} is not known"),
            format!(
                "look, then say what you saw: onbelay do {} resolve {id} done|failed --say WHAT",
                session.id
            ),
        ),
        Progress::Undone => (format!("{name} was undone"), format!("run it again{or_skip}")),
        Progress::Untouched | Progress::Done => (format!("{name} comes first"), format!("do it{or_skip}")),
    };
    Some(Requirement { kind: Kind::Order, id: id.to_string(), met: false, why, fix })
}

pub(super) fn step_requirement(session: &Session, place: usize) -> Requirement {
    let name = step_name(session, place);
    let (met, why) = match &session.steps[place].progress {
        Progress::Done => (true, format!("{name} is done")),
        Progress::Skipped => (false, format!("{name} was skipped; a skipped step satisfies nothing")),
        Progress::Running(_) => (false, format!("{name} is still running")),
        Progress::Failed => (false, format!("{name} failed")),
        Progress::Interrupted => (false, format!("what became of {name} is not known")),
        Progress::Undone => (false, format!("{name} was undone")),
        Progress::Untouched => (false, format!("{name} is not done")),
    };
    let id = session.runbook.steps[place].id.to_string();
    let fix = if met { String::new() } else { format!("it must be done first: {id}") };
    Requirement { kind: Kind::Step, id, met, why, fix }
}

/// A required check as a requirement; of one item where the gate speaks of one.
pub(in crate::session) fn check_requirement(
    session: &Session,
    place: usize,
    item: Option<&str>,
    now: Moment,
) -> Requirement {
    let model = &session.runbook.checks[place];
    let view = check_of(session, place, item, now);
    let met = view.state == CheckStatus::Holds;
    let mut fix = String::new();
    if !met {
        filled(session, &model.fix).trim().clone_into(&mut fix);
        if waits_for_capture(session, place).is_some() {
            "do that step first: this check is about what it captures".clone_into(&mut fix);
        } else if fix.is_empty() {
            fix = if model.is_automatic() {
                format!("check again: onbelay do {} check {}", session.id, model.id)
            } else {
                format!("answer it: onbelay do {} attest {} --say WORDS", session.id, model.id)
            };
        }
    }
    Requirement { kind: Kind::Check, id: model.id.to_string(), met, why: view.detail, fix }
}

pub(super) fn hold_requirements(session: &Session) -> impl Iterator<Item = Requirement> {
    session.holds.iter().map(|hold| Requirement {
        kind: Kind::Hold,
        id: hold.by.name.clone(),
        met: false,
        why: format!("{} called a hold: {}", hold.by.name, hold.why),
        fix: format!("settle it, then release it: onbelay do {} release", session.id),
    })
}

/// The second person's word as a requirement; of one wish where the gate decides on it.
pub(in crate::session) fn witness_for(
    session: &Session,
    step: usize,
    work: Work,
    request: Option<&Request>,
    now: Moment,
) -> Requirement {
    let standing = standing(session, step, work, request, now);
    let id = session.runbook.steps[step].id.to_string();
    let session_id = &session.id;
    let round = session.steps[step].approval.as_deref().filter(|round| round.subject.work == work);
    let by_hand = request.map_or_else(|| round.is_some_and(is_by_hand), |request| request.by_hand);
    let by_hand = by_hand && work == Work::Run && session.runbook.steps[step].run.is_some();
    let verb = if work == Work::Undo { "undo" } else { "run" };
    let hand = if by_hand { " --by-hand" } else { "" };
    let fix = match standing.word {
        Word::Needless | Word::Given => String::new(),
        Word::Refused => {
            format!("settle it; the operator then asks anew: onbelay do {session_id} {verb} {id}{hand}")
        }
        Word::Over => format!("ask anew: onbelay do {session_id} {verb} {id}{hand}"),
        Word::Unasked | Word::Waits => invite(session, step, work, by_hand),
    };
    Requirement { kind: Kind::Witness, id, met: standing.met, why: standing.why, fix }
}

/// How the second person whom a step asks for comes to say so.
pub(in crate::session) fn invite(session: &Session, step: usize, work: Work, by_hand: bool) -> String {
    let start = match work {
        Work::Undo => " --undo",
        Work::Run if by_hand && session.runbook.steps[step].run.is_some() => " --by-hand",
        Work::Run => "",
    };
    let (session_id, id) = (&session.id, &session.runbook.steps[step].id);
    match session.runbook.steps[step].witness.as_ref().map(|rule| rule.proof) {
        Some(Proof::Key) => format!(
            "a second person signs it: onbelay approval show {session_id} {id}{start}, then: onbelay approve {session_id} {id} \
             --signature FILE"
        ),
        Some(Proof::Here) => {
            format!("somebody beside you says so: onbelay do {session_id} approve {id} --name NAME{start}")
        }
        _ => format!(
            "a second person joins: onbelay attach --witness {session_id}, or: onbelay do {session_id} approve {id}{start}"
        ),
    }
}

pub(super) fn confirm_requirement(session: &Session, step: usize) -> Option<Requirement> {
    let text = confirmation(session, step)?;
    let why = format!("type  {text}  to confirm");
    let fix = format!("onbelay do {} run {} --confirm TEXT", session.id, session.runbook.steps[step].id);
    Some(Requirement { kind: Kind::Confirm, id: text, met: false, why, fix })
}

/// What closes an undo besides checks: the point of no return, and "latest first" once aborted.
pub(super) fn undo_order(session: &Session, step: usize) -> Option<Requirement> {
    let later = (step + 1)..session.steps.len();
    let no_return = later
        .clone()
        .find(|&place| session.runbook.steps[place].is_hold_point() && session.steps[place].touched);
    let aborted = matches!(session.stage, Stage::Aborted { .. });
    let latest_first = || {
        later.clone().rev().find(|&place| {
            aborted && session.steps[place].touched && session.runbook.steps[place].undo.is_some()
        })
    };
    let (place, why) = if let Some(place) = no_return {
        (place, format!("{} was run after it and is not undone", step_name(session, place)))
    } else {
        let place = latest_first()?;
        (place, format!("after an abort the latest is undone first: {}", step_name(session, place)))
    };
    let fix = if session.runbook.steps[place].undo.is_some() {
        format!("undo that first: onbelay do {} undo {}", session.id, session.runbook.steps[place].id)
    } else {
        "it has no undo: this was the point of no return".to_owned()
    };
    let id = session.runbook.steps[place].id.to_string();
    Some(Requirement { kind: Kind::Order, id, met: false, why, fix })
}
