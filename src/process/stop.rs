//! Ending a command: TERM to its process group, KILL 10 s later. SHELL.
//!
//! Its runner does that when it is asked. Only where the runner is gone and the command lives it is done from here.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;

use super::claim::{self, Start};
use super::kernel::{self, Identity};
use super::runner::GRACE;

/// Ends the command of one attempt. Clones are one and the same.
#[derive(Clone, Debug)]
pub struct Stopper {
    dir: PathBuf,
    /// The runner, where this process started it.
    own: Option<Arc<OwnedFd>>,
    asked: Arc<AtomicBool>,
}

impl Stopper {
    pub(super) fn new(dir: &Path, own: Option<Arc<OwnedFd>>) -> Self {
        Self { dir: dir.to_owned(), own, asked: Arc::new(AtomicBool::new(false)) }
    }

    /// Was the end asked for through this stopper or a clone of it?
    #[must_use]
    pub fn was_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Asks for the end; returns at once. Harmless when the command ended already or is being ended.
    pub fn stop(&self) -> io::Result<()> {
        let again = self.asked.swap(true, Ordering::SeqCst);
        if let Some(runner) = &self.own
            && !kernel::has_ended(runner)
        {
            return kernel::signal(runner, Signal::TERM);
        }
        let Some(Start::Claimed { runner, boot_id, .. }) = claim::read_start(&self.dir)? else {
            return Ok(());
        };
        if boot_id != crate::clock::boot_id() {
            return Ok(());
        }
        if let Some(pinned) = runner.pin()? {
            return kernel::signal(&pinned, Signal::TERM);
        }
        match claim::read_outcome(&self.dir) {
            Ok(None) if !again => end_without_runner(&self.dir, runner),
            _ => Ok(()),
        }
    }
}

fn end_without_runner(dir: &Path, runner: Identity) -> io::Result<()> {
    let Some(command) = command_of(dir, runner)? else { return Ok(()) };
    let Some(group) = kernel::stat(command.pid).filter(|stat| stat.id == command).map(|stat| stat.group)
    else {
        return Ok(());
    };
    // Not its own leader: then this is no command of ours, and its group is not ours to end.
    if group != command.pid {
        return Ok(());
    }
    if kernel::signal_group(group, Signal::TERM) == 0 {
        return Ok(());
    }
    // One that is halted hears nothing until it goes on.
    let _ = kernel::signal_group(group, Signal::CONT);
    std::thread::Builder::new().name("kill-later".to_owned()).spawn(move || {
        std::thread::sleep(GRACE);
        // A group keeps its number while one of its members lives; a later group of that number has a leader that
        // started later.
        if kernel::stat(group).is_none_or(|leader| leader.id == command) {
            let _ = kernel::signal_group(group, Signal::KILL);
        }
    })?;
    Ok(())
}

/// The living command of a runner that is gone; `None`: it ended.
pub(super) fn command_of(dir: &Path, runner: Identity) -> io::Result<Option<Identity>> {
    if let Some(command) = claim::read_command(dir)? {
        return Ok(Some(command).filter(|command| command.is_alive()));
    }
    // The runner ended before it could note the command. It led a session, whose number stays taken while anyone is
    // in it: the oldest of its processes that leads a group is the command.
    let others = kernel::stat(runner.pid).is_some_and(|leader| leader.id != runner);
    if others {
        return Ok(None);
    }
    Ok(kernel::everyone()
        .into_iter()
        .filter(|stat| stat.session == runner.pid && stat.group == stat.id.pid && !stat.dead)
        .filter(|stat| stat.id != runner && stat.id.started >= runner.started)
        .map(|stat| stat.id)
        .min_by_key(|id| id.started))
}
