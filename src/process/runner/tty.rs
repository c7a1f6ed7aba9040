//! The terminal of an interactive command, as the runner holds it. SHELL.
//!
//! The runner leads the session whose controlling terminal it is, and makes the command's process group its foreground,
//! as a shell does with a command: Ctrl-C ends what is in front, and nothing else hears it.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::sys::signal::{SigSet, Signal as Caught};
use rustix::event::PollFlags;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use rustix::pty::OpenptFlags;
use rustix::termios::{InputModes, OptionalActions, Winsize};

use crate::emulator;
use crate::emulator::answers::Answering;
use crate::process::kernel;
use crate::process::terminal::{self, Frames, SIZE, Sent, Size};

use super::cast::Cast;
use super::pump::Sink;

/// So many typed bytes wait here for a command that does not read; more wait in the FIFO.
const MOST_QUEUED: usize = 64 << 10;

/// The most that is read at once, bytes.
const PIECE: usize = 64 << 10;

/// A terminal and what goes through it.
pub(super) struct Tty {
    dir: PathBuf,
    master: OwnedFd,
    /// Held so that the terminal does not end when nobody has it open for a moment.
    slave: OwnedFd,
    input: File,
    frames: Frames,
    /// Typed, and not yet taken by the terminal.
    queue: VecDeque<u8>,
    to: Sink,
    cast: Cast,
    /// Answers what programs ask their terminal.
    answering: Answering,
}

impl Tty {
    /// Opens a terminal, this session's controlling one. What it shows goes into `to` and the recording.
    pub(super) fn open(dir: &Path, input: File, to: Sink, cast: File) -> io::Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = rustix::pty::openpt(flags)?;
        rustix::pty::grantpt(&master)?;
        rustix::pty::unlockpt(&master)?;
        let slave = rustix::pty::ioctl_tiocgptpeer(&master, flags)?;
        let mut modes = rustix::termios::tcgetattr(&slave)?;
        modes.input_modes |= InputModes::IUTF8;
        rustix::termios::tcsetattr(&slave, OptionalActions::Now, &modes)?;
        rustix::process::ioctl_tiocsctty(&slave)?;
        let flags = rustix::fs::fcntl_getfl(&master)?;
        rustix::fs::fcntl_setfl(&master, flags | OFlags::NONBLOCK)?;
        let cast = Cast::begin(cast, SIZE);
        break_in_silence();
        let mut tty = Self {
            dir: dir.to_owned(),
            master,
            slave,
            input,
            frames: Frames::default(),
            queue: VecDeque::new(),
            to,
            cast,
            answering: Answering::new(SIZE.columns, SIZE.rows),
        };
        tty.set_size(SIZE)?;
        Ok(tty)
    }

    /// The command's end of it.
    pub(super) fn end_for_command(&self) -> io::Result<OwnedFd> {
        self.slave.try_clone()
    }

    /// Puts a process group in front.
    pub(super) fn put_in_front(&self, group: Pid) {
        // From the background that is asked with a signal, which must not come in between.
        let asked = SigSet::from(Caught::SIGTTOU);
        let blocked = asked.thread_block().is_ok();
        // One that has ended already needs no terminal.
        let _ = rustix::termios::tcsetpgrp(&self.slave, group);
        if blocked {
            let _ = asked.thread_unblock();
        }
        // It may have reached for the terminal before it had it.
        let _ = rustix::process::kill_process_group(group, Signal::CONT);
    }

    /// A command that halted itself (Ctrl-Z) has no shell that could let it go on: it goes on at once.
    pub(super) fn go_on(&self, command: Pid) {
        let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        while let Ok(Some(status)) = rustix::process::waitid(WaitId::Pid(command), options) {
            let by_terminal = [Signal::TSTP, Signal::TTIN, Signal::TTOU].map(|signal| Some(signal.as_raw()));
            // Halted from outside, it stays so.
            if !by_terminal.contains(&status.stopping_signal()) {
                return;
            }
            self.put_in_front(command);
        }
    }

    /// What it waits for.
    pub(super) fn waits_for(&self) -> [(BorrowedFd<'_>, PollFlags); 2] {
        // What is not taken in yet is taken in first: a terminal that is behind lets the command wait.
        let mut of_master = if self.answering.is_behind() { PollFlags::empty() } else { PollFlags::IN };
        if !self.queue.is_empty() {
            of_master |= PollFlags::OUT;
        }
        let room = self.queue.len() < MOST_QUEUED;
        let of_input = if room { PollFlags::IN } else { PollFlags::empty() };
        [(self.master.as_fd(), of_master), (self.input.as_fd(), of_input)]
    }

    /// Is something typed waiting for the command to read?
    pub(super) fn is_stalled(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Is something shown of which is not yet known whether it asks something?
    pub(super) fn is_behind(&self) -> bool {
        self.answering.is_behind()
    }

    /// Passes on what was typed and what is shown, and answers what is asked in it.
    pub(super) fn pass_on(&mut self) {
        self.take_typed();
        self.type_queued();
        if !self.answering.is_behind()
            && let Some(piece) = self.show_piece()
        {
            // As the command wrote it: what is covered in it takes other places.
            self.answering.shows(&piece);
        }
        let answers = self.answering.turn();
        // Who asks and never reads is answered no more.
        if !answers.is_empty() && self.queue.len() < MOST_QUEUED {
            self.queue.extend(answers);
            self.type_queued();
        }
    }

    fn take_typed(&mut self) {
        let mut piece = [0; 8 << 10];
        while self.queue.len() < MOST_QUEUED {
            let Ok(n @ 1..) = self.input.read(&mut piece) else { return };
            for sent in self.frames.push(&piece[..n]) {
                match sent {
                    Sent::Bytes(bytes) => self.queue.extend(bytes),
                    Sent::Window(size) => {
                        if self.set_size(size).is_ok() {
                            self.answering.resize(size.columns, size.rows);
                            self.cast.resized(size);
                        }
                    }
                }
            }
        }
    }

    fn type_queued(&mut self) {
        while !self.queue.is_empty() {
            let (first, _) = self.queue.as_slices();
            match rustix::io::write(&self.master, first) {
                Ok(n @ 1..) => drop(self.queue.drain(..n)),
                Ok(0) | Err(_) => return,
            }
        }
    }

    /// Passes on what is shown, one piece at most, when there is nobody left who would hear an answer; false when there
    /// was nothing.
    pub(super) fn show(&mut self) -> bool {
        self.show_piece().is_some()
    }

    fn show_piece(&mut self) -> Option<Vec<u8>> {
        let mut piece = vec![0; PIECE];
        let mut filled = 0;
        // The kernel gives some 4 KiB at once.
        while filled < PIECE {
            match rustix::io::read(&self.master, &mut piece[filled..]) {
                Ok(n @ 1..) => filled += n,
                Err(Errno::INTR) => {}
                Ok(0) | Err(_) => break,
            }
        }
        if filled == 0 {
            return None;
        }
        piece.truncate(filled);
        let shown = self.to.push(&piece);
        self.cast.shows(&shown);
        Some(piece)
    }

    /// The command has ended: the terminal goes, and what is still in front hears that (`SIGHUP`).
    pub(super) fn hang_up(mut self) {
        // The kernel says it only when the session's leader ends, and that is the runner.
        let front = rustix::termios::tcgetpgrp(&self.slave).map_or(0, |group| group.as_raw_nonzero().get());
        let front = u32::try_from(front).unwrap_or(0);
        if kernel::in_session(std::process::id()).iter().any(|stat| stat.group == front) {
            let _ = kernel::signal_group(front, Signal::HUP);
            let _ = kernel::signal_group(front, Signal::CONT);
        }
        let rest = self.to.finish();
        self.cast.shows(&rest);
        self.cast.end();
        terminal::unmake(&self.dir);
    }

    fn set_size(&mut self, size: Size) -> io::Result<()> {
        let window = Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&self.master, window)?;
        // A host that takes over starts from the usual size where this fails.
        let _ = terminal::note_size(&self.dir, size);
        Ok(())
    }
}

/// What breaks the emulator is caught there, and nobody reads what the runner would say of it.
fn break_in_silence() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !emulator::is_feeding() {
            before(info);
        }
    }));
}
