//! How long things are to take: by the runbook's word, and by what they took in earlier walks; and from that, how much
//! of a walk is left. PURE.
//!
//! A number is never made from nothing: what nobody wrote and no walk before has shown is counted as not known, and said.

mod past;

use std::time::Duration;

use crate::time::Moment;

use super::event::{AskMode, Work};
use super::state::{ItemProgress, Stage};
use super::{Progress, Session};

pub use past::{Gather, Past, same_step};

/// Of what took less than this, nobody wants to know how long it is to take.
const WORTH_SAYING: Duration = Duration::from_secs(1);

/// How long something is to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// That long, from its start.
    pub length: Duration,
    /// Who says so.
    pub source: Source,
}

/// Who says how long something is to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The runbook, by `expect_within`: over it, the step is late.
    Written,
    /// What it took before: over it, it takes longer than before, and that is all.
    Before,
}

/// How long the step at `place` is to take: as before, else by the runbook. `None`: nobody knows.
///
/// `expect_within` is the most that its author allows for, so it is a poor guess of what it takes; being over it is late
/// all the same, whatever it took before.
#[must_use]
pub fn of_step(session: &Session, past: &Past, place: usize) -> Option<Expected> {
    let before = as_before(session, past, place).filter(|length| *length >= WORTH_SAYING);
    before
        .map(|length| Expected { length, source: Source::Before })
        .or_else(|| written(session, place).map(|length| Expected { length, source: Source::Written }))
}

/// Over this the step at `place` is late, by the runbook.
#[must_use]
pub fn written(session: &Session, place: usize) -> Option<Duration> {
    session.runbook.steps[place].expect_within.filter(|length| !length.is_zero())
}

/// How long the step at `place` takes if it takes as long as before, an item at a time where it has items.
fn as_before(session: &Session, past: &Past, place: usize) -> Option<Duration> {
    let one = past.step(place)?;
    let items = match &session.steps[place].progress {
        Progress::Running(running) if running.work == Work::Undo => return None,
        Progress::Running(running) => running.items.len(),
        _ => items_ahead(session, past, place)?,
    };
    one.checked_mul(u32::try_from(items.max(1)).ok()?)
}

/// How many items a start of the step at `place` would take; 1 where it has none. `None`: its list is not known yet.
fn items_ahead(session: &Session, past: &Past, place: usize) -> Option<usize> {
    let Some(each) = &session.runbook.steps[place].for_each else { return Some(1) };
    let items = &session.steps[place].items;
    if items.is_empty() {
        return past.items(session, place, each);
    }
    Some(items.iter().filter(|item| item.progress != ItemProgress::Done).count())
}

/// How long the asking of the check at place `check` is to take, all the items that it was asked for. `None`: it is not
/// asked, it tries until it holds, or nobody knows.
#[must_use]
pub fn of_asking(session: &Session, past: &Past, check: usize) -> Option<Duration> {
    let (model, state) = (&session.runbook.checks[check], &session.checks[check]);
    let asking = state.asking.as_ref()?;
    if model.wait.is_some() && asking.mode == AskMode::Patient {
        return None;
    }
    let here = state.answers.values().filter(|given| given.by.is_none() && given.answer.tries > 0);
    let here: Vec<Duration> = here.map(|given| Duration::from_millis(given.answer.took)).collect();
    let one = past::median(here).or_else(|| past.check(check))?;
    let answered = state.answers.values().filter(|given| given.asked_n == asking.n).count();
    let items = asking.open.len() + answered;
    let turns = items.div_ceil(usize::try_from(model.jobs.max(1)).unwrap_or(1));
    one.checked_mul(u32::try_from(turns.max(1)).ok()?).filter(|length| *length >= WORTH_SAYING)
}

/// How much of a walk is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// What is known of it. The time that people take between two steps is not in it.
    pub length: Duration,
    /// Steps that are not done or skipped.
    pub ahead: usize,
    /// Those of them of which no time is known.
    pub unknown: usize,
    /// Those of them of which only the runbook says something: no walk before has shown what they take.
    pub written: usize,
    /// Something that runs takes longer than it was to: how much longer, nobody knows.
    pub over: bool,
}

impl Left {
    /// Is it the whole of it, as far as earlier walks tell?
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.unknown == 0 && !self.over
    }

    /// Of how many of the steps ahead a time is known.
    #[must_use]
    pub fn known(self) -> usize {
        self.ahead.saturating_sub(self.unknown)
    }

    /// Is so much of it known that the number tells something about the walk?
    #[must_use]
    pub fn tells(self) -> bool {
        self.known() * 2 >= self.ahead
    }
}

/// How much of the walk is left: of each step ahead what it took before, else what the runbook says, and of what runs the
/// rest of that. `None`: nothing is ahead, or nothing is known of it.
///
/// Steps that run in the background take no time of their own but what is left of the longest when all else is done.
#[must_use]
pub fn left(session: &Session, past: &Past, now: Moment) -> Option<Left> {
    if session.stage != Stage::Open {
        return None;
    }
    let mut left = Left { length: Duration::ZERO, ahead: 0, unknown: 0, written: 0, over: false };
    let mut beside = Duration::ZERO;
    for (place, step) in session.steps.iter().enumerate() {
        if matches!(step.progress, Progress::Done | Progress::Skipped) {
            continue;
        }
        left.ahead += 1;
        let before = match &step.progress {
            Progress::Interrupted => None,
            Progress::Running(running) if running.work == Work::Undo => None,
            _ => Some(as_before(session, past, place)),
        };
        let by_runbook = before == Some(None);
        let Some(mut length) = before.and_then(|before| before.or_else(|| written(session, place))) else {
            left.unknown += 1;
            continue;
        };
        left.written += usize::from(by_runbook);
        if matches!(step.progress, Progress::Running(_)) {
            let elapsed = step.started.and_then(|at| at.age(now)).unwrap_or_default();
            left.over |= elapsed > length;
            length = length.saturating_sub(elapsed);
        }
        if session.runbook.steps[place].background {
            beside = beside.max(length);
        } else {
            left.length = left.length.saturating_add(length);
        }
    }
    left.length = left.length.max(beside);
    (left.unknown < left.ahead).then_some(left)
}

#[cfg(test)]
mod tests;
