//! A walk as a document: what was done, when, by whom, and what it rested on. PURE.
//! It must not know disks, hosts or screens.
//!
//! `gather` fills the plain fields below from the records; `markdown` and [`json`] are two ways to write them. Every
//! text from outside is cleaned when it is gathered.

mod approvals;
mod gather;
pub mod markdown;
pub mod status;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::Digest;
use crate::session::event::{How, Verdict, Work};
use crate::session::view::{CheckStatus, StepStatus};
use crate::time::Timestamp;

pub use gather::report;

/// For whom a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// The team: everything.
    Team,
    /// Those outside: the words of `announce`, with times.
    Public,
}

/// A report, for one of its audiences.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Report {
    /// Everything.
    Team(Box<Team>),
    /// What was announced, and nothing else.
    Public(Public),
}

/// What those outside may see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Public {
    /// In the order it happened.
    pub announced: Vec<Announced>,
}

/// An announced step that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// When it was done.
    pub at: Timestamp,
    /// The step's title.
    pub title: String,
    /// The words of its `announce`.
    pub words: String,
}

/// All that is known of a walk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Team {
    /// The runbook's title, filled in.
    pub title: String,
    /// The session's id.
    pub session: String,
    /// `open`, `finished` or `aborted`.
    pub state: String,
    /// Why, where it was aborted.
    pub why: Option<String>,
    /// As of when this was written.
    pub as_of: Timestamp,
    /// When the session was opened.
    pub opened_at: Timestamp,
    /// When it was finished or aborted.
    pub closed_at: Option<Timestamp>,
    /// From opening to closing, or until now, milliseconds.
    pub took_ms: u64,
    /// The runbook.
    pub runbook: Source,
    /// Name of the machine.
    pub machine: String,
    /// Directory it was started in.
    pub dir: String,
    /// Who drove.
    pub operator: String,
    /// Everyone who did something, in the order they first did.
    pub people: Vec<String>,
    /// Holds that nobody released.
    #[serde(default)]
    pub holds: Vec<Line>,
    /// Parameters; a list is joined with `, `.
    pub values: BTreeMap<String, String>,
    /// Names of the secrets.
    pub secrets: Vec<String>,
    /// In the order of the walk.
    pub steps: Vec<StepReport>,
    /// In the order of the runbook.
    pub checks: Vec<CheckReport>,
    /// What people decided: answers in words, skips, holds, confirmations, starts by hand.
    pub decisions: Vec<Line>,
    /// What a rule said no to.
    pub refused: Vec<RefusedTry>,
    /// What a second person was asked, and what they said.
    #[serde(default)]
    pub approvals: Vec<RoundReport>,
    /// Notes, in their words.
    pub notes: Vec<Line>,
    /// What was announced.
    pub announced: Vec<Announced>,
    /// Every record.
    pub timeline: Vec<Line>,
}

/// Where a runbook came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The file it was read from.
    pub path: String,
    /// SHA-256 of the copy that was walked.
    pub sha256: Digest,
}

/// A record in one sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its number.
    pub n: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// What.
    pub what: String,
}

/// One step of the walk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepReport {
    /// Its place, from 1.
    pub number: usize,
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The heading it stands under.
    pub phase: Option<String>,
    /// Where it ended up.
    pub state: StepStatus,
    /// Why.
    pub why: String,
    /// Is it a hold point?
    pub destructive: bool,
    /// Was its last start by hand?
    pub by_hand: bool,
    /// Starts of it and of its undo, in order.
    pub attempts: Vec<AttemptReport>,
}

/// One start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptReport {
    /// Number of the attempt in this session.
    pub attempt: u32,
    /// Its record.
    pub n: u64,
    /// Forward or back.
    pub work: Work,
    /// Who carried it out.
    pub how: How,
    /// Who started it.
    pub by: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When it had its new state.
    pub ended_at: Option<Timestamp>,
    /// From start to new state, milliseconds.
    pub took_ms: Option<u64>,
    /// By how much it was later than `expect_within`, milliseconds.
    pub late_ms: Option<u64>,
    /// How it ended, in a sentence.
    pub outcome: String,
    /// Did it reach what it was for?
    pub ok: Option<bool>,
    /// What was typed to confirm.
    pub typed: Option<String>,
    /// Records with the answers it rested on.
    pub rests_on: Vec<u64>,
    /// SHA-256 of what ran.
    pub command: Option<Digest>,
    /// Its items.
    pub items: Vec<String>,
}

/// One check with all its answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Does a person answer it?
    pub attested: bool,
    /// Where it ended up.
    pub state: CheckStatus,
    /// In order.
    pub answers: Vec<AnswerReport>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerReport {
    /// Its record.
    pub n: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// The item.
    pub item: Option<String>,
    /// The answer.
    pub verdict: Verdict,
    /// In words.
    pub detail: String,
    /// Who gave it, where a person did.
    pub by: Option<String>,
    /// How long the asking took (its last try), milliseconds; absent for a person's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took: Option<u64>,
    /// What was looked at: facts by name.
    pub evidence: BTreeMap<String, String>,
    /// What was found that does not fit, and the like: lists by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lists: BTreeMap<String, Vec<String>>,
}

/// One asking for an approval, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundReport {
    /// The record that asked.
    pub n: u64,
    /// When.
    pub at: Timestamp,
    /// Who asked.
    pub by: String,
    /// The step: its place and title.
    pub step: String,
    /// Forward or back.
    pub work: Work,
    /// Who had to approve, in words.
    pub rule: String,
    /// SHA-256 of the text that was shown.
    pub text: Digest,
    /// Who approved, in order.
    pub given: Vec<YesReport>,
    /// Who said no, and why: a word of its own, and not a failure.
    pub refused: Option<Line>,
    /// Why all of it counted no more, where something else ended it.
    pub void: Option<String>,
    /// The record of the start that used it.
    pub used_by: Option<u64>,
}

/// One person's approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct YesReport {
    /// Its record.
    pub n: u64,
    /// When.
    pub at: Timestamp,
    /// Who, by the name that their kind of proof gives.
    pub by: String,
    /// How they are known, in words.
    pub known_by: String,
    /// The fingerprint of the key that signed.
    pub fingerprint: Option<String>,
    /// What it does not prove.
    pub unproven: Option<String>,
    /// Why it counted no more.
    pub void: Option<String>,
}

/// Something that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedTry {
    /// Its record.
    pub n: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// What was tried, as the command line has it.
    pub action: String,
    /// Why not.
    pub why: String,
    /// What was not met, `id: reason`.
    pub unmet: Vec<String>,
}

/// The report as JSON, indented, with a newline at its end.
#[must_use]
pub fn json(report: &Report) -> String {
    let mut text =
        crate::text::json::pretty(report).expect("maps with text keys, written to memory, cannot fail");
    text.push('\n');
    text
}
