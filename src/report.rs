//! A walk as a document: what was done, when, by whom, and what it rested on. PURE.
//! It must not know disks, hosts or screens.

pub mod markdown;
pub mod status;

use serde::{Deserialize, Serialize};

use crate::session::{Entry, Session};
use crate::time::Moment;

/// For whom a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// The team: everything.
    Team,
    /// Those outside: the words of `announce`, with times.
    Public,
}

/// All that a report says, in plain fields; `markdown` and JSON are two ways to write it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The runbook's title, filled in.
    pub title: String,
}

/// Gathers what a report says about a walk, as of `now`.
#[must_use]
pub fn report(_session: &Session, _entries: &[Entry], _now: Moment, _audience: Audience) -> Report {
    todo!()
}

/// The report as JSON, indented, with a newline at its end.
#[must_use]
pub fn json(_report: &Report) -> String {
    todo!()
}
