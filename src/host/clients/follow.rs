//! Outputs that a client follows: when they grow, it is told. SHELL.
//!
//! An output is looked at now and then while its command runs. Into a terminal somebody types, and waits for what it
//! shows: there the kernel says when something was written.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use rustix::fs::inotify;

use crate::process::{kernel, output, terminal};
use crate::wire::FromHost;
use crate::wire::messages::OutputFile;

use super::super::line::Line;
use super::{Hall, answer, stream_of};

/// How often a followed output is looked at while its command runs.
const GROWTH: Duration = Duration::from_millis(100);

/// The least time from one word about a terminal to the next: a flood is told as often, and no more.
const BREATH: Duration = Duration::from_millis(4);

/// An output that a client follows.
pub(super) struct Follow {
    of: OutputFile,
    told: Option<u64>,
    next: Option<Instant>,
    /// When it was looked at last.
    looked: Option<Instant>,
    /// Where the kernel says that something was written; for a terminal.
    news: Option<OwnedFd>,
}

impl Follow {
    pub(super) fn new(of: OutputFile) -> Self {
        Self { of, told: None, next: Some(Instant::now()), looked: None, news: None }
    }

    /// Tells the client when the output grew. How long until it is looked at again; `None`: it grows no more.
    /// `Err`: the client is gone.
    pub(super) fn look(&mut self, hall: &Hall, line: &Line, now: Instant) -> Result<Option<Duration>, ()> {
        let Some(next) = self.next else { return Ok(None) };
        if next > now {
            return Ok(Some(next - now));
        }
        // Asked before the length is: what comes between the two is seen the next time.
        let runs = hall
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&(self.of.attempt, self.of.item));
        let dir = output::attempt_dir(&hall.dir, self.of.attempt, self.of.item);
        if runs && self.news.is_none() && terminal::is_open(&dir) {
            self.news = watch(&dir).ok();
        }
        let total = output::size(&dir, stream_of(&self.of)).unwrap_or(0);
        if self.told != Some(total) {
            self.told = Some(total);
            if !answer(line, &FromHost::OutputGrew { of: self.of.clone(), total }) {
                return Err(());
            }
        }
        self.looked = Some(now);
        self.next = runs.then(|| now + GROWTH);
        if !runs {
            self.news = None;
        }
        Ok(runs.then_some(GROWTH))
    }

    /// Where to listen for news, unless it is to be looked at within a breath anyway.
    fn listens(&self, now: Instant) -> Option<BorrowedFd<'_>> {
        let soon = self.next.is_some_and(|next| next <= now + BREATH);
        self.news.as_ref().filter(|_| !soon).map(|fd| fd.as_fd())
    }

    /// Something was written.
    fn hear(&mut self, now: Instant) {
        let Some(news) = &self.news else { return };
        let mut heard = [0; 4096];
        while matches!(rustix::io::read(news, &mut heard), Ok(1..)) {}
        let breath = self.looked.map_or(now, |looked| looked + BREATH);
        self.next = Some(breath.max(now));
    }
}

fn watch(dir: &Path) -> Result<OwnedFd, rustix::io::Errno> {
    let fd = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
    inotify::add_watch(&fd, dir, inotify::WatchFlags::MODIFY)?;
    Ok(fd)
}

/// Waits until the client says something, where a terminal is followed: or until that shows something. May the client
/// be read?
pub(super) fn wait(followed: &mut [Follow], client: BorrowedFd<'_>, at_most: Option<Duration>) -> bool {
    let now = Instant::now();
    let listening: Vec<usize> =
        (0..followed.len()).filter(|at| followed[*at].listens(now).is_some()).collect();
    if listening.is_empty() {
        return true;
    }
    let mut fds = vec![client];
    fds.extend(listening.iter().filter_map(|at| followed[*at].listens(now)));
    let ready = kernel::readable(&fds, at_most);
    let now = Instant::now();
    for (at, _) in listening.iter().zip(ready.iter().skip(1)).filter(|(_, news)| **news) {
        followed[*at].hear(now);
    }
    ready.first().copied().unwrap_or(true)
}
