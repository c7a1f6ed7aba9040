//! What a new host does with what the last one left: the resume table of `design.md`, "Journal". PURE.

use crate::time::Moment;

use super::event::Ended;
use super::{Event, Session};

/// What the attempt's directory and the kernel say about a command that was on record as started.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// No start record, and the start is now barred (the tombstone is in place).
    NoStart,
    /// Its runner (or its command) is alive.
    Alive,
    /// Its outcome file is there.
    Ended(Box<Ended>),
    /// Start record, process gone, no outcome. What is known, in a sentence.
    Gone(String),
}

/// A command that may still be under way: what the new host must look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loose {
    /// The attempt.
    pub attempt: u32,
    /// The item's index and text.
    pub item: Option<(u32, String)>,
    /// Was it started in an earlier boot of the machine?
    pub other_boot: bool,
}

/// Every command that the journal says was started and does not say ended.
#[must_use]
pub fn loose(_session: &Session, _boot_id: &str) -> Vec<Loose> {
    todo!("lead")
}

/// The events that bring the session up to what was found, in order. `HostStarted` has been applied already.
#[must_use]
pub fn recover(_session: &Session, _found: &[(Loose, Found)], _now: Moment) -> Vec<Event> {
    todo!("lead")
}
