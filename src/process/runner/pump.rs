//! Output that passes through the runner: because a secret is to be covered in it, or because it comes from a terminal.
//! SHELL. Where neither is so, nothing is here but the waiting.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::fs::OFlags;

use crate::process::cover::Cover;
use crate::process::kernel;

use super::tty::Tty;

/// The most that is passed on at once, bytes: what a pipe holds.
const PIECE: usize = 64 * 1024;

/// A terminal that takes no more is tried again after this long, should the kernel not tell.
const STALLED: Duration = Duration::from_millis(50);

/// The pipes of one command, each with its file; and its terminal.
#[derive(Default)]
pub(super) struct Pump {
    lines: Vec<Line>,
    tty: Option<Tty>,
}

struct Line {
    from: PipeReader,
    to: Sink,
}

impl Pump {
    /// A new pipe, whose other end goes through the covering into `to`.
    pub(super) fn add(&mut self, to: File, secrets: &[String]) -> io::Result<PipeWriter> {
        let (from, writer) = io::pipe()?;
        let flags = rustix::fs::fcntl_getfl(&from)?;
        rustix::fs::fcntl_setfl(&from, flags | OFlags::NONBLOCK)?;
        self.lines.push(Line { from, to: Sink::new(to, secrets) });
        Ok(writer)
    }

    /// What the terminal shows passes here from now on.
    pub(super) fn attach(&mut self, tty: Tty) {
        self.tty = Some(tty);
    }

    /// The terminal, while there is one.
    pub(super) fn tty(&self) -> Option<&Tty> {
        self.tty.as_ref()
    }

    /// The command has ended: its terminal goes, once what it showed has passed. Was there one?
    pub(super) fn hang_up(&mut self) -> bool {
        self.tty.take().map(Tty::hang_up).is_some()
    }

    /// Has every pipe ended?
    pub(super) fn is_dry(&self) -> bool {
        self.lines.is_empty()
    }

    /// Waits for output, for keys, for the bell or for the time, and passes on what came.
    pub(super) fn turn(&mut self, bell: &UnixStream, at_most: Option<Duration>) {
        let stalled = self.tty.as_ref().is_some_and(Tty::is_stalled);
        let behind = self.tty.as_ref().is_some_and(Tty::is_behind);
        let at_most = if behind {
            Some(Duration::ZERO)
        } else if stalled {
            Some(at_most.map_or(STALLED, |most| most.min(STALLED)))
        } else {
            at_most
        };
        let mut fds: Vec<(BorrowedFd<'_>, PollFlags)> = vec![(bell.as_fd(), PollFlags::IN)];
        if let Some(tty) = &self.tty {
            fds.extend(tty.waits_for());
        }
        fds.extend(self.lines.iter().map(|line| (line.from.as_fd(), PollFlags::IN)));
        let ready = kernel::ready(&fds, at_most);
        let mut ready = ready.into_iter().skip(1);
        if let Some(tty) = &mut self.tty {
            let came = [ready.next(), ready.next()].contains(&Some(true));
            if came || stalled || behind {
                tty.pass_on();
            }
        }
        self.lines.retain_mut(|line| !ready.next().unwrap_or(false) || line.pass_on());
    }

    /// Passes on what is in the pipes and in the terminal, until they are empty or it is `until`.
    pub(super) fn drain(&mut self, until: Instant) {
        while Instant::now() < until && self.tty.as_mut().is_some_and(Tty::show) {}
        while !self.lines.is_empty() && Instant::now() < until {
            let fds: Vec<_> = self.lines.iter().map(|line| line.from.as_fd()).collect();
            let ready = kernel::readable(&fds, Some(Duration::ZERO));
            if !ready.contains(&true) {
                return;
            }
            let mut ready = ready.into_iter();
            self.lines.retain_mut(|line| !ready.next().unwrap_or(false) || line.pass_on());
        }
    }
}

impl Line {
    /// Passes on one piece; false at the end.
    fn pass_on(&mut self) -> bool {
        let mut piece = vec![0; PIECE];
        match self.from.read(&mut piece) {
            Ok(0) => {
                self.to.finish();
                false
            }
            Ok(n) => {
                self.to.push(&piece[..n]);
                true
            }
            Err(e) => matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
        }
    }
}

/// A file of output, and what is covered on the way into it.
pub(super) struct Sink {
    to: File,
    cover: Cover,
    /// Bytes that the disk did not take.
    lost: u64,
}

impl Sink {
    /// Into `to`, with these covered.
    pub(super) fn new(to: File, secrets: &[String]) -> Self {
        Self { to, cover: Cover::new(secrets), lost: 0 }
    }

    /// Takes bytes in, and gives what of it and of what was held back can be shown.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.cover.push(bytes, &mut out);
        self.write(&out);
        out
    }

    /// Nothing more comes: gives what was held back.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.cover.finish(&mut out);
        self.write(&out);
        out
    }

    /// A disk that is full must not halt the command; once there is room again the output says what is missing.
    fn write(&mut self, out: &[u8]) {
        if out.is_empty() {
            return;
        }
        if self.lost > 0 {
            let note =
                format!("\n[onbelay: {} bytes of output are missing here: the disk was full]\n", self.lost);
            if self.to.write_all(note.as_bytes()).is_err() {
                self.lost += out.len() as u64;
                return;
            }
            self.lost = 0;
        }
        if self.to.write_all(out).is_err() {
            self.lost += out.len() as u64;
        }
    }
}
