//! What wakes the loop of the screen: keys and signals, each on a thread of its own that ends with the screen. SHELL.

use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event as Input};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::{Handle, Signals};

use crate::clock;
use crate::failpoint;

use super::super::mouse;
use super::super::terminal::give_back;
use super::{Arrival, TuiError, failed};

/// How long more keys are waited for once one has come.
const MOMENT: Duration = Duration::from_millis(10);

/// How long the end of listening is waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// Listens for keys until it is dropped; then nobody takes what is typed from whoever asks next.
/// Drop it after the receiver of what it tells, which may be full.
pub(super) struct Keys {
    end: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl Keys {
    pub(super) fn listen(sender: SyncSender<Arrival>) -> Result<Self, TuiError> {
        let (end, ended) = UnixStream::pair().map_err(failed("listen to keys"))?;
        let listen = move || {
            if hear(&sender, &ended).is_err() {
                // Nobody will type here any more.
                let _ = sender.send(Arrival::Signal(SIGHUP));
            }
        };
        let thread = std::thread::Builder::new()
            .name("keys".to_owned())
            .spawn(listen)
            .map_err(failed("start a thread"))?;
        Ok(Self { end, thread: Some(thread) })
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = self.end.write_all(&[0]);
        // In the middle of a key it reads on until the rest of it is there: nobody waits for that.
        let begun = Instant::now();
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Tells of every key until `ended` says that it is over.
fn hear(sender: &SyncSender<Arrival>, ended: &UnixStream) -> io::Result<()> {
    let stdin = io::stdin();
    loop {
        // Whatever has come, to the last byte: what is left in the reader would wake nobody. A patience of nothing at all
        // reads nothing; and on a busy machine one of a moment may be over before it reads, so it is tried again.
        for _ in 0..2 {
            while event::poll(MOMENT)? {
                let input = event::read()?;
                failpoint::pass("key-heard");
                if matches!(&input, Input::Mouse(event) if !mouse::counts(event)) {
                    continue;
                }
                if sender.send(Arrival::Input(input, clock::up())).is_err() {
                    return Ok(());
                }
            }
        }
        let mut waited = [
            PollFd::from_borrowed_fd(ended.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN),
        ];
        match poll(&mut waited, None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        if !waited[0].revents().is_empty() {
            let _ = (&*ended).read(&mut [0]);
            return Ok(());
        }
        if waited[1].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
    }
}

/// Tells of signals until the handle is closed.
pub(super) fn listen_to_signals(sender: SyncSender<Arrival>) -> Result<Handle, TuiError> {
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH])
        .map_err(failed("listen to signals"))?;
    let handle = signals.handle();
    let told = Arc::new(AtomicBool::new(false));
    let listen = move || {
        for signal in signals.forever() {
            let ends = !matches!(signal, SIGTSTP | SIGCONT | SIGWINCH);
            let again = ends && told.swap(true, Ordering::SeqCst);
            // Told twice, or nobody listens any more: what is left may be stuck in a terminal that takes nothing.
            if again || (sender.send(Arrival::Signal(signal)).is_err() && ends) {
                give_back();
                std::process::exit(128 + signal);
            }
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(listen).map_err(failed("start a thread"))?;
    Ok(handle)
}
