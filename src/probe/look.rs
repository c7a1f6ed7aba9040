//! The built-in probes: they look at files and at this machine, and never write. SHELL.
//!
//! They run in a process of their own (`apart`), from the directory the session was started in: storage that never answers
//! keeps a process in the kernel, and that must not be the host's.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::runbook::Look;
use crate::session::Verdict;
use crate::text::as_text;

use super::progress::Progress;

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The answer.
    pub verdict: Verdict,
    /// One sentence for people.
    pub detail: String,
    /// What was looked at: counts, differences, digests.
    pub evidence: BTreeMap<String, serde_json::Value>,
}

impl Finding {
    /// The answer is yes.
    #[must_use]
    pub fn holds(detail: impl Into<String>) -> Self {
        Self::new(Verdict::Holds, detail)
    }

    /// The answer is no.
    #[must_use]
    pub fn fails(detail: impl Into<String>) -> Self {
        Self::new(Verdict::Fails, detail)
    }

    /// There is no answer.
    #[must_use]
    pub fn error(detail: impl Into<String>) -> Self {
        Self::new(Verdict::Error, detail)
    }

    /// The answer, in a sentence.
    #[must_use]
    pub fn new(verdict: Verdict, detail: impl Into<String>) -> Self {
        Self { verdict, detail: detail.into(), evidence: BTreeMap::new() }
    }

    /// The same with one more piece of evidence.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.evidence.insert(name.to_owned(), value.into());
        self
    }
}

/// Looks. Blocks for as long as it takes.
#[must_use]
pub fn find(look: &Look<String>, progress: &Progress) -> Finding {
    match look {
        Look::Covers(of) => super::covers::find(of, progress),
        Look::UnchangedSince(of) => super::unchanged_since::find(of, progress),
        Look::Fresh(of) => super::fresh::find(of, progress),
        Look::Persistent(of) => super::persistent::find(of, progress),
        Look::NotInUse(of) => super::not_in_use::find(of, progress),
        Look::Different(of) => super::different::find(of, progress),
        Look::Space(of) => super::space::find(of, progress),
        Look::Where(of) => super::whereabouts::find(of, progress),
    }
}

/// A path, or any name, as text; whoever shows it cleans it.
#[must_use]
pub(super) fn shown(path: &Path) -> String {
    as_text(path.as_os_str().as_bytes())
}
