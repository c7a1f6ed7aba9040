//! Lines from stdin, and a bell that others may ring while a line is waited for. SHELL.
//! It must not know what lines mean.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{QueueSelector, tcflush};
use signal_hook::SigId;

use crate::cli::exit::Failure;

/// The longest line, bytes; more than any record takes.
const LONGEST: usize = 256 << 10;

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// A line, without its end.
    Line(String),
    /// A line that is not UTF-8 text, or has no end in sight.
    NoLine(&'static str),
    /// No more lines. A last one without its end is no line.
    End,
    /// Somebody rang.
    Bell,
}

/// Where lines come from.
#[derive(Debug)]
pub(super) struct Input {
    /// Read and not yet taken.
    buffer: Vec<u8>,
    /// What is read belongs to a line that was too long.
    too_long: bool,
    ended: bool,
    bell: UnixStream,
    ctrl_c: SigId,
    /// Is a person typing (as opposed to a pipe or a file)?
    pub(super) terminal: bool,
}

/// Rings the bell.
#[derive(Clone, Debug)]
pub(super) struct Bell(Arc<UnixStream>);

impl Bell {
    /// Rings. A bell that rings already need not be rung.
    pub(super) fn ring(&self) {
        let _ = (&*self.0).write(&[0]);
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        signal_hook::low_level::unregister(self.ctrl_c);
    }
}

impl Input {
    /// Stdin, with a bell that Ctrl-C rings too.
    pub(super) fn stdin() -> Result<(Self, Bell), Failure> {
        let cannot =
            |e: io::Error| Failure::machine(format!("cannot listen for input: {e}; nothing was done"));
        let (bell, rope) = UnixStream::pair().map_err(cannot)?;
        bell.set_nonblocking(true).map_err(cannot)?;
        rope.set_nonblocking(true).map_err(cannot)?;
        let of_signal = rope.try_clone().map_err(cannot)?;
        let ctrl_c =
            signal_hook::low_level::pipe::register(signal_hook::consts::SIGINT, of_signal).map_err(cannot)?;
        let terminal = io::stdin().is_terminal();
        Ok((
            Self { buffer: Vec::new(), too_long: false, ended: false, bell, ctrl_c, terminal },
            Bell(Arc::new(rope)),
        ))
    }

    /// Waits for what comes next; for lines only where `lines`. The bell also rings when `at_most` is over.
    pub(super) fn next(&mut self, lines: bool, at_most: Option<Duration>) -> Result<Came, Failure> {
        let until = at_most.and_then(|at_most| Instant::now().checked_add(at_most));
        loop {
            if lines && let Some(came) = self.taken() {
                return Ok(came);
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let limit = left.map(|left| Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            });
            let (bell, typed) = self.wait(lines && !self.ended, limit.as_ref())?;
            if bell {
                let mut heard = [0; 64];
                while matches!((&self.bell).read(&mut heard), Ok(n) if n > 0) {}
                return Ok(Came::Bell);
            }
            if typed {
                self.read()?;
            } else if left.is_some_and(|left| left.is_zero()) {
                return Ok(Came::Bell);
            }
        }
    }

    /// Forgets every line that was typed before now, where a person types. Lines of a pipe are in their order.
    pub(super) fn forget(&mut self) {
        if self.terminal {
            self.buffer.clear();
            let _ = tcflush(io::stdin(), QueueSelector::IFlush);
        }
    }

    /// Has a person typed (or pasted) more than the line that was taken?
    pub(super) fn more_was_typed(&self) -> bool {
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        self.terminal && (!self.buffer.is_empty() || matches!(self.wait(true, Some(&at_once)), Ok((_, true))))
    }

    fn taken(&mut self) -> Option<Came> {
        if let Some(len) = self.buffer.iter().position(|b| *b == b'\n') {
            let mut line: Vec<u8> = self.buffer.drain(..=len).collect();
            // The end of a line that was too long is no line of its own: nobody typed it as one.
            if std::mem::take(&mut self.too_long) {
                return Some(Came::NoLine("that line is too long"));
            }
            line.pop();
            line.pop_if(|last| *last == b'\r');
            return Some(String::from_utf8(line).map_or(Came::NoLine("that is not UTF-8 text"), Came::Line));
        }
        if self.buffer.len() > LONGEST {
            self.buffer.clear();
            self.too_long = true;
        }
        if self.ended && std::mem::take(&mut self.too_long) {
            return Some(Came::NoLine("that line is too long"));
        }
        self.ended.then_some(Came::End)
    }

    /// Did the bell ring, can stdin be read?
    fn wait(&self, lines: bool, at_most: Option<&Timespec>) -> Result<(bool, bool), Failure> {
        let stdin = io::stdin();
        let mut waited = vec![PollFd::from_borrowed_fd(self.bell.as_fd(), PollFlags::IN)];
        if lines {
            waited.push(PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN));
        }
        match poll(&mut waited, at_most) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok((false, false)),
            Err(e) => return Err(Failure::machine(format!("cannot wait for input: {e}; what runs goes on"))),
        }
        let ready = |at: usize| waited.get(at).is_some_and(|fd| !fd.revents().is_empty());
        Ok((ready(0), ready(1)))
    }

    fn read(&mut self) -> Result<(), Failure> {
        let mut bytes = [0; 4096];
        match rustix::io::read(io::stdin(), &mut bytes) {
            // A terminal that is gone is the end of input.
            Ok(0) | Err(Errno::IO) => self.ended = true,
            Ok(n) => self.buffer.extend_from_slice(&bytes[..n]),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(e) => return Err(Failure::machine(format!("cannot read stdin: {e}; what runs goes on"))),
        }
        Ok(())
    }
}
