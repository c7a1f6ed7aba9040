//! Reads a journal, says how far it is whole and where it stops fitting. SHELL.

use std::path::Path;

use crate::id::Digest;
use crate::session::Entry;

use super::JournalError;

/// A journal as far as it is whole.
#[derive(Debug)]
pub struct Log {
    /// Every record before the first that does not fit.
    pub entries: Vec<Entry>,
    /// SHA-256 of the last of these lines; 64 zeros where there is none.
    pub head: Digest,
    /// Length of these lines, bytes.
    pub len: u64,
    /// What comes after them.
    pub tail: Tail,
}

/// What comes after the last whole record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Nothing.
    Whole,
    /// A record that a crash cut short: never acknowledged, cut away by the next host.
    Torn {
        /// How much of it there is, bytes.
        bytes: u64,
    },
    /// Something that does not fit: not written to any more.
    Damaged(Box<Fault>),
    /// Something a newer version wrote: read only. The chain of what follows was still followed.
    Newer {
        /// Number of the first record that this version does not know.
        n: u64,
        /// What it is, in a sentence.
        why: String,
        /// Where the chain breaks further on, if it does.
        fault: Option<Box<Fault>>,
    },
}

/// A place where a journal does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {n} (at byte {offset}) {what}")]
pub struct Fault {
    /// Number of the record that was changed, as far as that can be told.
    pub n: u64,
    /// Where that record begins, bytes.
    pub offset: u64,
    /// What is wrong, expected and actual.
    pub what: String,
}

/// Reads the journal of a session's directory. Takes no lock and changes nothing.
pub fn read(_dir: &Path) -> Result<Log, JournalError> {
    todo!()
}

/// Follows a journal as it grows, for `log --follow`.
#[derive(Debug)]
pub struct Follower {}

impl Follower {
    /// Starts at the first record. Takes no lock.
    pub fn open(_dir: &Path) -> Result<Self, JournalError> {
        todo!()
    }

    /// The whole records that were added since the last call; empty if none. Never waits.
    pub fn more(&mut self) -> Result<Vec<Entry>, JournalError> {
        todo!()
    }
}
