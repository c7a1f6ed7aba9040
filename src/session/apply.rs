//! The one function that changes a session: the table of legal transitions. PURE.

use std::sync::Arc;

use crate::runbook::Runbook;

use super::{Entry, Session};

/// A record that cannot follow what came before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {n} cannot follow: {why}")]
pub struct Illegal {
    /// The record.
    pub n: u64,
    /// What is wrong.
    pub why: String,
}

impl Session {
    /// Opens a session from its first record and the runbook it was opened with. `boot_id` comes with the first
    /// `HostStarted`.
    pub fn open(_runbook: Arc<Runbook>, _first: &Entry) -> Result<Self, Illegal> {
        todo!("lead")
    }

    /// Takes a record in: live, at replay, and in every client.
    pub fn apply(&mut self, _entry: &Entry) -> Result<(), Illegal> {
        todo!("lead")
    }
}
