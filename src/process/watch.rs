//! Watching a runner until its outcome is there, also one that an earlier host started. SHELL.

use std::path::{Path, PathBuf};

use crate::session::recover::Found;

use super::Stopper;

/// A runner at work (or one that may be).
#[derive(Debug)]
pub struct Runner {
    dir: PathBuf,
}

impl Runner {
    /// Takes over the watch of a runner that an earlier host started, by its attempt's directory.
    #[must_use]
    pub fn adopt(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// The attempt's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What ends its command; may be kept, sent to other threads and used at any time.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        todo!("h2")
    }

    /// Blocks until the command ended, for a thread of its own: `Ended`, or `Gone` when how it ended is lost. Never
    /// `Alive` or `NoStart`.
    #[must_use]
    pub fn wait(self) -> Found {
        todo!("h2")
    }
}

/// Looks once, for a new host: is the command of this attempt alive, ended, gone, or was it never started (then its
/// start is barred from here on)? `other_boot`: the machine was booted since it was on record as started.
#[must_use]
pub fn look(_dir: &Path, _other_boot: bool) -> Found {
    todo!("h2")
}
