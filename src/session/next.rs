//! What the tool does next by itself: ask, start, settle. PURE.
//!
//! The host calls [`next`] after every change until it returns `None`. For each move it journals the events, applies
//! them, and only then carries out the effects.

use std::time::Duration;

use crate::id::{CheckId, StepId};
use crate::runbook::Expect;
use crate::runbook::values::ScriptCall;
use crate::time::Moment;

use super::event::{Answer, AskMode, Person, Work};
use super::gate::Permit;
use super::{Event, Session};

/// Events to journal, then effects to carry out.
#[derive(Debug)]
pub struct Move {
    /// In order, each with who it is recorded under.
    pub events: Vec<(Person, Event)>,
    /// In order, after all events are durable and applied.
    pub effects: Vec<Effect>,
}

/// What the host must do.
#[derive(Debug)]
pub enum Effect {
    /// Find the answer of one item of a check; report it as [`Event::CheckAnswered`].
    Ask(Ask),
    /// Start a command. Only the gate makes a permit.
    Start(Permit),
    /// TERM to the process group of the attempt's command, KILL 10 s later.
    Stop {
        /// The attempt.
        attempt: u32,
    },
}

/// One item of a check, ready to be asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// The check.
    pub check: CheckId,
    /// The item; `None` where the check has no `for_each`.
    pub item: Option<String>,
    /// How.
    pub probe: ReadyProbe,
    /// One try is ended after this.
    pub timeout: Option<Duration>,
    /// `wait`, where it applies to this asking.
    pub wait: Option<crate::runbook::Wait>,
}

/// A probe with every value filled in.
#[derive(Clone, Debug, PartialEq)]
pub enum ReadyProbe {
    /// Run a script; the texts of `expect` are filled in.
    Run {
        /// What to run (secrets still to be added by the host).
        call: ScriptCall,
        /// What must be met.
        expect: Expect,
    },
    /// The answer is known without looking at the world (`elapsed`, or a value that is not captured yet).
    Known(Box<Answer>),
    /// `elapsed` under `wait`: holds from this many milliseconds after the machine booted.
    ElapsedAt {
        /// The step it counts from.
        since: StepId,
        /// When that was done.
        done: Moment,
        /// How long it must have been.
        at_least: Duration,
    },
}

/// The next move, or `None` when the walk waits for somebody or something.
#[must_use]
pub fn next(_session: &Session, _now: Moment) -> Option<Move> {
    todo!("lead")
}

/// When [`next`] must be called again although nothing happened (a retry is due).
#[must_use]
pub fn wake_after(_session: &Session, _now: Moment) -> Option<Duration> {
    todo!("lead")
}

/// Which work an attempt that just ended was; used by the host to label output.
#[must_use]
pub fn work_of(session: &Session, attempt: u32) -> Option<(usize, Work)> {
    session.steps.iter().enumerate().find_map(|(place, step)| match &step.progress {
        super::Progress::Running(running) if running.attempt == attempt => Some((place, running.work)),
        _ => None,
    })
}

/// Is this asking one try?
#[must_use]
pub fn is_once(mode: AskMode) -> bool {
    mode == AskMode::Once
}
