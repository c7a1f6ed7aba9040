//! The gate: the one place that lets something start, and the only maker of a [`Permit`]. PURE.

use std::time::Duration;

use crate::id::StepId;
use crate::runbook::values::ScriptCall;

use super::event::Work;

/// Leave to start one command: made by the gate alone, used up by starting it.
#[derive(Debug)]
pub struct Permit {
    step: StepId,
    attempt: u32,
    work: Work,
    item: Option<(u32, String)>,
    call: ScriptCall,
    timeout: Option<Duration>,
    separate_stdout: bool,
}

impl Permit {
    /// The step.
    #[must_use]
    pub fn step(&self) -> &StepId {
        &self.step
    }

    /// The attempt; its directory is `attempts/N`.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Forward or back.
    #[must_use]
    pub fn work(&self) -> Work {
        self.work
    }

    /// The item and its index in the attempt; its directory is `attempts/N/items/INDEX`.
    #[must_use]
    pub fn item(&self) -> Option<&(u32, String)> {
        self.item.as_ref()
    }

    /// What runs: the stored command that was shown and approved.
    #[must_use]
    pub fn call(&self) -> &ScriptCall {
        &self.call
    }

    /// Killed after this long.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// Is stdout used (captured), so that the two streams are kept apart?
    #[must_use]
    pub fn separate_stdout(&self) -> bool {
        self.separate_stdout
    }
}
