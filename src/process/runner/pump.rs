//! Output that passes through the runner because a secret is to be covered in it. SHELL.
//! Without one, nothing is here but the waiting.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use crate::process::cover::Cover;
use crate::process::kernel;

/// The most that is passed on at once, bytes: what a pipe holds.
const PIECE: usize = 64 * 1024;

/// The pipes of one command, each with its file.
#[derive(Default)]
pub(super) struct Pump {
    lines: Vec<Line>,
}

struct Line {
    from: PipeReader,
    to: File,
    cover: Cover,
    /// Bytes that the disk did not take.
    lost: u64,
}

impl Pump {
    /// A new pipe, whose other end goes through the covering into `to`.
    pub(super) fn add(&mut self, to: File, secrets: &[String]) -> io::Result<PipeWriter> {
        let (from, writer) = io::pipe()?;
        let flags = rustix::fs::fcntl_getfl(&from)?;
        rustix::fs::fcntl_setfl(&from, flags | OFlags::NONBLOCK)?;
        self.lines.push(Line { from, to, cover: Cover::new(secrets), lost: 0 });
        Ok(writer)
    }

    /// Has every pipe ended?
    pub(super) fn is_dry(&self) -> bool {
        self.lines.is_empty()
    }

    /// Waits for output, for the bell or for the time, and passes on what came.
    pub(super) fn turn(&mut self, bell: &UnixStream, at_most: Option<Duration>) {
        let mut fds = vec![bell.as_fd()];
        fds.extend(self.lines.iter().map(|line| line.from.as_fd()));
        let ready = kernel::readable(&fds, at_most);
        let mut ready = ready.into_iter().skip(1);
        self.lines.retain_mut(|line| !ready.next().unwrap_or(false) || line.pass_on());
    }

    /// Passes on what is in the pipes, until they are empty or it is `until`.
    pub(super) fn drain(&mut self, until: Instant) {
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
        let mut out = Vec::new();
        let goes_on = match self.from.read(&mut piece) {
            Ok(0) => {
                self.cover.finish(&mut out);
                false
            }
            Ok(n) => {
                self.cover.push(&piece[..n], &mut out);
                true
            }
            Err(e) => matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
        };
        self.write(&out);
        goes_on
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
