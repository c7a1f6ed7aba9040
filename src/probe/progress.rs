//! How far a probe is: written by the threads that look, read by the one that tells. SHELL.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::failpoint;
use crate::session::HowFar;

/// Counters that many threads may raise. A probe that looks at one more thing, or has read a piece of one, says so here:
/// whoever waits for it takes a probe that says nothing for a minute for one that gets no answer from its storage.
#[derive(Debug, Default)]
pub struct Progress {
    entries: AtomicU64,
    bytes: AtomicU64,
    of_bytes: AtomicU64,
    steps: AtomicU64,
    at: Mutex<PathBuf>,
}

impl Progress {
    /// So many more things were looked at.
    pub fn entries(&self, more: u64) {
        self.entries.fetch_add(more, Ordering::Relaxed);
        self.step();
    }

    /// So many more bytes were read.
    pub fn bytes(&self, more: u64) {
        self.bytes.fetch_add(more, Ordering::Relaxed);
        self.step();
        failpoint::pass("probe-read");
    }

    /// There are so many bytes to read in all.
    pub fn of_bytes(&self, all: u64) {
        self.of_bytes.store(all, Ordering::Relaxed);
    }

    /// Something was done that counts as nothing else.
    pub fn step(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// This is looked at next. For what may take long or never answer; not for each of a million files.
    pub fn at(&self, path: &Path) {
        path.clone_into(&mut self.at.lock().unwrap_or_else(PoisonError::into_inner));
        self.step();
    }

    /// As it is now.
    #[must_use]
    pub fn stage(&self) -> HowFar {
        let of_bytes = self.of_bytes.load(Ordering::Relaxed);
        let at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        HowFar {
            entries: self.entries.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            of_bytes: (of_bytes > 0).then_some(of_bytes),
            steps: self.steps.load(Ordering::Relaxed),
            at: super::look::shown(&at),
        }
    }
}
