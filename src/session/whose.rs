//! Who may put which record into the log: one rule for what is decided and for what is found on record. PURE.
//! It must not know gates: whether a start was allowed otherwise is theirs.

use crate::id::CheckId;
use crate::runbook::Probe;

use super::event::How;
use super::state::{Hold, Phase};
use super::{Event, Person, Progress, Session};

/// Whose word a record is.
enum Whose {
    /// The tool's alone: what it did or found.
    Tool,
    /// Anyone's with an account.
    Anyone,
    /// Anyone's with an account, or the tool's that goes on by itself.
    AnyoneOrTool,
    /// The operator's.
    Operator,
    /// The operator's, or the tool's in their place.
    OperatorOrTool,
    /// That of whoever started what runs.
    Starter,
}

/// May this record be by this person, as the walk stands before it? Why not, in a sentence.
pub fn may(session: &Session, event: &Event, by: &Person) -> Result<(), String> {
    let (tool, someone) = (*by == Person::tool(), by.uid.is_some());
    let name = &by.name;
    if !tool && !someone {
        return Err(format!("it is by {name}, who has no account: that is nobody"));
    }
    let operator = someone && session.operator.same_account(by);
    match whose(session, event) {
        Whose::Tool if !tool => Err(format!("it is by {name}, and only onbelay itself records that")),
        Whose::Anyone if tool => Err("it is by onbelay itself, and only a person can say that".to_owned()),
        Whose::Operator if !operator => Err(not_the_operator(session, by)),
        Whose::OperatorOrTool if !tool && !operator => Err(not_the_operator(session, by)),
        Whose::Starter if !started_by(session, event, by) => {
            Err(format!("it is by {name}, who did not start what runs"))
        }
        _ => match event {
            Event::Attested { check, .. } => second_person(session, check, by),
            Event::HoldReleased { holds, why: None } => own_holds(session, holds, by),
            _ => Ok(()),
        },
    }
}

/// Can this be the operator, by any account and login that they acted under?
#[must_use]
pub fn may_be_the_operator(session: &Session, by: &Person) -> bool {
    session.operator_as.iter().chain([&session.operator]).any(|operator| operator.may_be(by))
}

fn not_the_operator(session: &Session, by: &Person) -> String {
    format!("it is by {}, and only the operator, {}, may do that", by.name, session.operator.name)
}

/// A check that asks for a second person is not answered by the operator.
fn second_person(session: &Session, check: &CheckId, by: &Person) -> Result<(), String> {
    let Some(place) = session.check_at(check.as_str()) else { return Ok(()) };
    match &session.runbook.checks[place].probe {
        Probe::Attest { witness: true, .. } if may_be_the_operator(session, by) => {
            Err(format!("`{check}` asks for a second person, and {} is the operator", by.name))
        }
        Probe::Attest { .. } => Ok(()),
        _ => Err(format!("`{check}` is not a question for a person")),
    }
}

/// Without words only one's own.
fn own_holds(session: &Session, holds: &[u64], by: &Person) -> Result<(), String> {
    let others = |hold: &&Hold| holds.contains(&hold.n) && !hold.by.same_account(by);
    match session.holds.iter().find(others) {
        Some(hold) => Err(format!("{} released the hold of {}, and did not say why", by.name, hold.by.name)),
        None => Ok(()),
    }
}

fn whose(session: &Session, event: &Event) -> Whose {
    match event {
        // Settled without a start (`done_when`) it is the asker's; else it is what the tool found.
        Event::RequestDropped { .. } | Event::QuestionPut { .. } | Event::StepSettled { attempt: 0, .. } => {
            Whose::OperatorOrTool
        }
        Event::StepSettled { .. }
        | Event::HostStarted { .. }
        | Event::JournalRepaired { .. }
        | Event::CheckAnswered { .. }
        | Event::CheckDropped { .. }
        | Event::ItemSettled { .. }
        | Event::RetryPlanned { .. }
        | Event::NeverStarted { .. }
        | Event::Interrupted { .. }
        | Event::ApprovalsVoided { .. } => Whose::Tool,
        Event::Attested { .. }
        | Event::StopAsked { .. }
        | Event::HoldCalled { .. }
        | Event::HoldReleased { .. }
        | Event::ApprovalAsked { .. }
        | Event::Approved { .. }
        | Event::ApprovalRefused { .. }
        | Event::Noted { .. } => Whose::Anyone,
        Event::CheckAsked { .. } | Event::Refused { .. } => Whose::AnyoneOrTool,
        Event::SessionOpened(_)
        | Event::Resolved { .. }
        | Event::StepSkipped { .. }
        | Event::TerminalTaken { .. }
        | Event::HandedOver { .. }
        | Event::Finished
        | Event::Aborted { .. } => Whose::Operator,
        Event::Requested { step, .. } | Event::StepStarted { step, .. } => {
            if tries_again(session, step.as_str()) { Whose::OperatorOrTool } else { Whose::Operator }
        }
        Event::ItemStarted { .. } | Event::ItemsEnded { .. } => Whose::Starter,
        Event::ItemEnded { step, .. } | Event::WorkEnded { step, .. } => match how(session, step.as_str()) {
            Some(How::Person | How::ByHand) => Whose::Operator,
            Some(How::Script) | None => Whose::Tool,
        },
    }
}

fn progress<'a>(session: &'a Session, step: &str) -> Option<&'a Progress> {
    Some(&session.steps[session.step_at(step)?].progress)
}

fn tries_again(session: &Session, step: &str) -> bool {
    matches!(progress(session, step), Some(Progress::Running(running)) if matches!(running.phase, Phase::Retrying { .. }))
}

fn how(session: &Session, step: &str) -> Option<How> {
    match progress(session, step)? {
        Progress::Running(running) => Some(running.how),
        _ => None,
    }
}

fn started_by(session: &Session, event: &Event, by: &Person) -> bool {
    let (Event::ItemStarted { step, .. } | Event::ItemsEnded { step, .. }) = event else { return true };
    !matches!(progress(session, step.as_str()), Some(Progress::Running(running)) if running.by != *by)
}
