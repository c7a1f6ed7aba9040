//! Proves a session from its directory alone. SHELL: reads files; what must hold is `session::audit`'s.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::JournalError;

/// What was looked at and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// The session's id, as far as it can be read.
    pub session: String,
    /// Records whose chain holds.
    pub records: u64,
    /// SHA-256 of the last of them.
    pub head: String,
    /// One sentence for each thing that was proven.
    pub proven: Vec<String>,
    /// What cannot be proven from here, one sentence each.
    pub not_proven: Vec<String>,
    /// What is wrong; empty: nothing.
    pub findings: Vec<Finding>,
}

/// Something wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The record, where it is about one.
    pub record: Option<u64>,
    /// One sentence.
    pub what: String,
}

impl Verified {
    /// Is all as it should be?
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Proves the session in `dir`. What is wrong with it comes back as findings; an error means it could not be looked at.
pub fn verify(_dir: &Path) -> Result<Verified, JournalError> {
    todo!()
}
