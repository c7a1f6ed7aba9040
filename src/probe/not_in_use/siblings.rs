//! The probes of other checks, which look at the same things at the same time: what they have open is no use. SHELL.

use std::fs::File;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use rustix::process::{Pid, PidfdFlags};

use super::processes::Stat;
use crate::process::kernel;

/// Between two tries to have the turn, when none of the others ends.
const BETWEEN: Duration = Duration::from_millis(10);

/// This program, by its device and inode number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Siblings {
    own: Option<(u64, u64)>,
}

impl Siblings {
    pub(super) fn new() -> Self {
        Self { own: id_of(Path::new("/proc/self/exe")) }
    }

    /// Is it a probe of this program, or a program that one asks?
    pub(super) fn has(&self, pid: u32) -> bool {
        self.is_probe(pid) || parent(pid).is_some_and(|parent| self.is_probe(parent))
    }

    fn is_probe(&self, pid: u32) -> bool {
        let dir = format!("/proc/{pid}");
        // The words first: to look at a program's file may ask storage that never answers.
        let words = std::fs::read(format!("{dir}/cmdline")).unwrap_or_default();
        words.split(|b| *b == 0).nth(1) == Some(b"probe")
            && self.own.is_some()
            && id_of(&Path::new(&dir).join("exe")) == self.own
    }

    /// Those that are there now, but for this process and what it asks itself.
    fn all(&self) -> Vec<OwnedFd> {
        let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
        let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let others = pids.filter(|pid| *pid != std::process::id() && self.is_probe(*pid));
        let pinned = |pid: u32| {
            let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
            rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok()
        };
        others.filter_map(pinned).collect()
    }

    /// Waits for the turn of this one among those that ask for a lease, which would keep it from one another. It is over
    /// when what is returned is dropped. None when it does not come in time.
    pub(super) fn turn(&self, until: Instant) -> Option<File> {
        let file = File::open("/proc/self/exe").ok()?;
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Some(file),
                Err(_) if Instant::now() >= until => return None,
                // Nobody else is there, and yet it is taken: it is no sibling's.
                Err(_) if !self.wait(BETWEEN) => return None,
                Err(_) => {}
            }
        }
    }

    /// Waits until one of those that are there ends, or for so long. `false`: there are none.
    pub(super) fn wait(&self, longest: Duration) -> bool {
        let all = self.all();
        let fds: Vec<BorrowedFd<'_>> = all.iter().map(|fd| fd.as_fd()).collect();
        if !fds.is_empty() {
            kernel::readable(&fds, Some(longest));
        }
        !fds.is_empty()
    }
}

fn id_of(exe: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(exe).ok().map(|it| (it.dev(), it.ino()))
}

fn parent(pid: u32) -> Option<u32> {
    Stat::read(&std::fs::read(format!("/proc/{pid}/stat")).ok()?).map(|stat| stat.parent)
}
