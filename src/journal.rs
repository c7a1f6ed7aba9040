//! The journal of a session: one file of records that only grows, each linked to the one before. SHELL.
//! It must not know hosts, sockets or screens; what a record means is `session`'s.
//!
//! `record` is the text of one record (pure), `reader` reads a file of them and says where it stops fitting, `writer`
//! appends durably, `room` asks whether there is space left, `lock` says who the host is, `store` finds sessions on disk and brings them back, `verify` proves one from its directory alone.

mod lock;
pub mod pages;
pub mod reader;
pub mod record;
pub mod room;
pub mod store;
pub mod verify;
pub mod writer;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;

/// Name of the journal's file in a session's directory.
pub const JOURNAL: &str = "journal.jsonl";

/// Name of the runbook's copy in a session's directory: what is walked.
pub const RUNBOOK: &str = "runbook.yaml";

/// Version of the journal's format that this program writes; it reads all up to this one.
pub const FORMAT: u32 = 1;

/// Why a journal, or the place where sessions are kept, cannot be used. Each fits "cannot go on: {…}".
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A system call failed.
    #[error("cannot {doing} {path}: {source}", path = path.display())]
    Io {
        /// What was being done: `write`, `read`, `sync`.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another host has the session.
    #[error("another host has this session{}", pid.map(|pid| format!(" (process {pid}, since {since})")).unwrap_or_default())]
    InUse {
        /// Process id of the last host on record.
        pid: Option<u32>,
        /// When it started, RFC 3339 UTC; empty if unknown.
        since: String,
    },
    /// A record does not fit: the journal is not written to any more, but stays readable.
    #[error("{path}: {fault}", path = path.display())]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// Where and how.
        fault: Box<reader::Fault>,
    },
    /// Written by a newer version of this program.
    #[error("{path}: {why}; use that version, or a newer one, to go on (reading works)", path = path.display())]
    Newer {
        /// The journal.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// An earlier write failed; this host writes nothing more.
    #[error("the log cannot be written any more: {why}. What is on record is safe; nothing more is started")]
    Broken {
        /// The first failure.
        why: String,
    },
    /// What is to be recorded is too long.
    #[error("this is too long for the log: {bytes} bytes in one record, at most {max} are taken")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The most that is taken.
        max: usize,
    },
    /// Entries were handed over that do not follow the last record.
    #[error("record {got} cannot follow record {last} of session {session}")]
    OutOfOrder {
        /// Number of the last record.
        last: u64,
        /// Number of the entry.
        got: u64,
        /// The session.
        session: String,
    },
    /// The directory is open to others, or is no directory of ours.
    #[error("{path}: {why}", path = path.display())]
    Unsafe {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong and what to do.
        why: String,
    },
    /// What cannot be shared with a group, and what to do.
    #[error("{0}")]
    NotShareable(String),
    /// The stored runbook is not what the first record says, or cannot be read.
    #[error("{path}: {why}", path = path.display())]
    Runbook {
        /// The stored copy.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A record that is whole but cannot follow what came before it.
    #[error("{path}: {why}", path = path.display())]
    Illegal {
        /// The journal.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// No session goes by this name, or several do.
    #[error("{0}")]
    NoSuchSession(String),
    /// A session of this id is there already.
    #[error("there is a session {0} already")]
    Exists(String),
}

impl JournalError {
    /// Wraps a failed system call.
    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }

    /// Is it the machine that failed (exit status 3), rather than the call?
    #[must_use]
    pub fn is_machine(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::Broken { .. })
    }
}
