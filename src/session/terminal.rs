//! Which terminals are open: those of interactive commands that run. PURE.

use super::event::{How, Work};
use super::state::{Phase, Progress};
use super::{Event, Session};

/// The terminal of one interactive command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open<'a> {
    /// Place of the step in the walk, from 0.
    pub place: usize,
    /// The attempt.
    pub attempt: u32,
    /// The item whose command it is, and its index in the attempt.
    pub item: Option<(u32, &'a str)>,
}

/// The terminal of the step at `place`, while its interactive command runs. Its undo has none.
#[must_use]
pub fn of_step(session: &Session, place: usize) -> Option<Open<'_>> {
    let Progress::Running(running) = &session.steps[place].progress else { return None };
    let at_work = running.work == Work::Run && running.how == How::Script && running.phase == Phase::Working;
    if !session.runbook.steps[place].interactive || !at_work {
        return None;
    }
    let item = running.items.get(running.next_item as usize).map(|item| (running.next_item, item.as_str()));
    Some(Open { place, attempt: running.attempt, item })
}

/// Every terminal that is open, in the order of the walk.
pub fn all(session: &Session) -> impl Iterator<Item = Open<'_>> {
    (0..session.steps.len()).filter_map(|place| of_step(session, place))
}

/// Can this record follow: is the terminal that was taken the one that is open?
pub(super) fn may_be_taken(session: &Session, place: usize, event: &Event) -> Result<(), String> {
    let Event::TerminalTaken { step, attempt, item } = event else { return Ok(()) };
    let Some(open) = of_step(session, place) else { return Err(format!("{step} has no terminal now")) };
    let same = open.attempt == *attempt && open.item.map(|(_, item)| item) == item.as_deref();
    if same { Ok(()) } else { Err(format!("that is not the terminal that {step} has now")) }
}
