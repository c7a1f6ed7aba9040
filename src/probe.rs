//! How checks find their answers: one file per probe. SHELL.
//! It must not know the journal, the wire or any screen.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::id::ValueName;
use crate::session::Answer;
use crate::session::next::Ask;
use crate::time::Moment;

/// What a probe needs of the world.
#[derive(Clone, Copy)]
pub struct ProbeWorld<'a> {
    /// The directory the session was started in; relative directories count from it.
    pub base_dir: &'a Path,
    /// What commands get of the starter's environment.
    pub environment: &'a BTreeMap<String, OsString>,
    /// Every secret that is known.
    pub secrets: &'a BTreeMap<ValueName, String>,
    /// The present, by the host's clocks.
    pub now: &'a (dyn Fn() -> Moment + Sync),
}

/// Ends an asking from another thread. Clones are one and the same.
#[derive(Clone, Debug)]
pub struct Cancel(Arc<OwnedFd>);

impl Cancel {
    /// A fresh one, not cancelled.
    pub fn new() -> io::Result<Self> {
        let flags = rustix::event::EventfdFlags::CLOEXEC | rustix::event::EventfdFlags::NONBLOCK;
        Ok(Self(Arc::new(rustix::event::eventfd(0, flags)?)))
    }

    /// Ends the asking: its command is killed, its [`ask`] returns `None`. For good.
    pub fn cancel(&self) {
        // Fails only when the counter is full, and then it was cancelled before.
        let _ = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }

    /// Waits at most this long; true when cancelled.
    #[must_use]
    pub fn wait(&self, _at_most: Duration) -> bool {
        todo!("h2")
    }
}

impl AsFd for Cancel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Finds the answer of one item of a check, trying again as its `wait` says; blocks, for a thread of its own.
/// `on_try` hears every try that did not settle it. `None`: cancelled, and nothing of it runs any more.
pub fn ask(
    _ask: &Ask,
    _world: &ProbeWorld<'_>,
    _cancel: &Cancel,
    _on_try: &mut dyn FnMut(&Answer),
) -> Option<Answer> {
    todo!("h2")
}
