//! Appends records durably; the first failure is the last word. SHELL.

use std::path::Path;
use std::time::Duration;

use crate::id::Digest;
use crate::session::Entry;

use super::JournalError;
use super::reader::Log;

/// The one writer of a journal. Holds the kernel's lock on it for life.
#[derive(Debug)]
pub struct Writer {}

/// A torn tail that was kept aside and cut: to be noted as `JournalRepaired`, first thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// Name of the file that keeps it, in the session's directory.
    pub kept_in: String,
    /// Bytes cut.
    pub bytes: u64,
}

impl Writer {
    /// Takes the lock, reads all, cuts a torn tail. Refuses what does not fit, and a newer version's.
    pub fn open(_dir: &Path) -> Result<(Self, Log, Option<Repair>), JournalError> {
        todo!()
    }

    /// Makes the entries durable, all of them or none: one write, one sync. They must follow the last record.
    /// After any failure but `TooLong` and `OutOfOrder` every later call fails with [`JournalError::Broken`].
    pub fn append(&mut self, _entries: &[Entry]) -> Result<(), JournalError> {
        todo!()
    }

    /// Number of the last record.
    #[must_use]
    pub fn last(&self) -> u64 {
        todo!()
    }

    /// SHA-256 of the last line.
    #[must_use]
    pub fn head(&self) -> &Digest {
        todo!()
    }

    /// How long the last append took, write and sync.
    #[must_use]
    pub fn last_took(&self) -> Duration {
        todo!()
    }

    /// Why nothing more is written, if so.
    #[must_use]
    pub fn broken(&self) -> Option<&str> {
        todo!()
    }
}
