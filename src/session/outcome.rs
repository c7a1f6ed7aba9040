//! What probes find and how commands end. PURE.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::Digest;
use crate::runbook::{Capture, pattern};
use crate::time::{Moment, grouped, size_in_words};

/// One try, or all that `wait` allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskMode {
    /// One try, no `wait`, no new `steady`: in the same breath as a start.
    Once,
    /// With `wait` and `steady`.
    Patient,
}

/// What an automatic check found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The answer.
    pub verdict: Verdict,
    /// One sentence for people.
    pub detail: String,
    /// When its probe began (its last try); ages count from here.
    pub began: Moment,
    /// How long that try took, milliseconds.
    pub took: u64,
    /// How many tries were made.
    #[serde(default)]
    pub tries: u32,
    /// What was looked at: exit status, counts, digests.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence: BTreeMap<String, serde_json::Value>,
}

/// How far a check is that is being asked. Told to whoever watches; never journaled, for nothing rests on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HowFar {
    /// Files, links, directories, processes looked at.
    pub entries: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Bytes there are to read, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_bytes: Option<u64>,
    /// Raised with everything done: two that are alike in it mean that nothing went on between them.
    pub steps: u64,
    /// What is looked at, as readable text.
    pub at: String,
}

impl HowFar {
    /// For people: `31,204 looked at, 1.2 GB of 4.1 GB read`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut words = Vec::new();
        if self.entries > 0 {
            words.push(format!("{} looked at", grouped(self.entries)));
        }
        match self.of_bytes {
            Some(all) => words.push(format!("{} of {} read", size_in_words(self.bytes), size_in_words(all))),
            None if self.bytes > 0 => words.push(format!("{} read", size_in_words(self.bytes))),
            None => {}
        }
        if words.is_empty() && !self.at.is_empty() {
            words.push(format!("at {}", self.at));
        }
        words.join(", ")
    }
}

/// The three answers a probe can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Yes.
    Holds,
    /// No.
    Fails,
    /// There is no answer.
    Error,
}

/// How a command, or a person's part, ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// The end.
    pub outcome: Outcome,
    /// Milliseconds from start to end.
    pub took: u64,
    /// Bytes in its `output` file.
    #[serde(default)]
    pub output_bytes: u64,
    /// SHA-256 of its `output` file, where it is small enough to be read at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_sha256: Option<Digest>,
    /// Its standard output, trimmed, where the step captures it; or what a person typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured: Option<String>,
    /// Why its output cannot be a value, where the step captures it and it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_captured: Option<String>,
    /// It failed, had no terminal, and its last words say that it wanted one (to ask for a password, mostly).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wanted_terminal: bool,
    /// Processes it left behind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<LeftProcess>,
}

/// A process that outlived the command that started it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftProcess {
    /// Its process id.
    pub pid: u32,
    /// Its name, as the kernel has it.
    pub name: String,
}

/// Every way an attempt can end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Outcome {
    /// By itself, with this status.
    Exited {
        /// 0 is well.
        code: i32,
    },
    /// By a signal that this tool did not send.
    Killed {
        /// Its number.
        signal: i32,
    },
    /// Ended after `timeout`.
    TimedOut,
    /// Ended because somebody asked.
    Stopped,
    /// It could not be started.
    NotStarted {
        /// Why.
        why: String,
    },
    /// A person said how it went.
    Said {
        /// Well or not.
        done: bool,
        /// In their words; may be empty.
        words: String,
    },
}

impl Outcome {
    /// Did it end well?
    #[must_use]
    pub fn is_well(&self) -> bool {
        matches!(self, Self::Exited { code: 0 } | Self::Said { done: true, .. })
    }
}

/// Did a command, or a person's part, do what it was for? The reason if not. (What a capture must match is part of it.)
pub(super) fn went_well(capture: Option<&Capture>, ended: &Ended) -> Result<(), String> {
    match &ended.outcome {
        Outcome::Exited { code: 0 } | Outcome::Said { done: true, .. } => {}
        Outcome::Exited { code } if ended.wanted_terminal => {
            return Err(format!(
                "it ended with exit status {code}; it seems to have asked for a password or a terminal, and only a step \
                 with `interactive: true` has one: do that in a terminal of your own, or let it not ask"
            ));
        }
        Outcome::Exited { code } => return Err(format!("it ended with exit status {code}")),
        Outcome::Killed { signal } => return Err(format!("it was ended by signal {signal}")),
        Outcome::TimedOut => return Err("it took longer than its timeout and was ended".to_owned()),
        Outcome::Stopped => return Err("it was stopped".to_owned()),
        Outcome::NotStarted { why } => return Err(format!("it could not be started: {why}")),
        Outcome::Said { done: false, words } => return Err(words.clone()),
    }
    let Some(capture) = capture else {
        return Ok(());
    };
    if let Some(why) = &ended.not_captured {
        return Err(format!("its output cannot be captured as `{}`: {why}", capture.name));
    }
    let text = ended.captured.as_deref().unwrap_or_default();
    if text.is_empty() {
        return Err(format!("nothing was there to capture as `{}`", capture.name));
    }
    match &capture.pattern {
        Some(pattern) if !pattern::matches_whole(pattern, text) => {
            Err(format!("`{text}` is not wholly `{pattern}`, so it cannot be captured as `{}`", capture.name))
        }
        _ => Ok(()),
    }
}
