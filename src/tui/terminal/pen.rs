//! Brings pictures to the terminal, one at a time, on a thread of its own: a line that is slow, or a terminal that has
//! stopped taking anything, keeps nobody from hearing keys. SHELL. It must not know what is written.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use crate::failpoint;

/// A picture is on its way. One for the process, as the terminal is.
static BUSY: AtomicBool = AtomicBool::new(false);

/// How long a terminal that takes nothing is waited for where this process wants to end.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long a slow line may take to show what was written before the terminal is taken over.
const START: Duration = Duration::from_secs(15);

/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(2);

/// Where a picture is put together. Its clones are one and the same sheet.
#[derive(Clone, Debug, Default)]
pub struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn sheet(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was put on it since.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.sheet())
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sheet().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What writes them.
#[derive(Debug)]
pub struct Pen(SyncSender<Vec<u8>>);

impl Pen {
    /// `written` hears what became of each picture, once the terminal has it; it answers `false` when nobody listens any
    /// more.
    pub fn new(mut written: impl FnMut(io::Result<()>) -> bool + Send + 'static) -> io::Result<Self> {
        let (sender, pictures) = sync_channel::<Vec<u8>>(1);
        std::thread::Builder::new().name("pen".to_owned()).spawn(move || {
            for picture in pictures {
                failpoint::pass("picture-out");
                let result = write_out(&picture);
                BUSY.store(false, Ordering::SeqCst);
                if !written(result) {
                    return;
                }
            }
        })?;
        Ok(Self(sender))
    }

    pub(super) fn write(&self, bytes: Vec<u8>) {
        BUSY.store(true, Ordering::SeqCst);
        if self.0.send(bytes).is_err() {
            BUSY.store(false, Ordering::SeqCst);
        }
    }
}

/// Writes a picture. On a serial line it is over when the last byte is out, so that no backlog builds up.
fn write_out(bytes: &[u8]) -> io::Result<()> {
    write_all(bytes)?;
    match rustix::termios::tcdrain(rustix::stdio::stdout()) {
        Ok(()) | Err(Errno::INTR | Errno::NOTTY) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Hands all of it to the system, past the lock of `io::stdout`: whoever wants to leave must not wait for a terminal that
/// takes nothing.
fn write_all(mut bytes: &[u8]) -> io::Result<()> {
    let to = rustix::stdio::stdout();
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => std::thread::sleep(LOOK),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Waits until the picture that is on its way is there. Where that takes too long, what waits of it in the system is thrown
/// away: it is about to be wiped, and what gives the terminal back must neither be lost nor be late behind it.
pub(super) fn wait_for_the_last_picture() {
    if !is_there_within(PATIENCE) {
        let _ = rustix::termios::tcflush(rustix::stdio::stdout(), rustix::termios::QueueSelector::OFlush);
        is_there_within(PATIENCE);
    }
}

fn is_there_within(patience: Duration) -> bool {
    let begun = Instant::now();
    while BUSY.load(Ordering::SeqCst) && begun.elapsed() < patience {
        std::thread::sleep(LOOK);
    }
    !BUSY.load(Ordering::SeqCst)
}

/// Writes what takes the terminal over. What was written before may still be on its way.
pub(super) fn write_first(bytes: &[u8]) -> io::Result<()> {
    write_within(START, bytes)
}

/// Writes what gives the terminal back, but does not wait for ever.
pub(super) fn write_last(bytes: &[u8]) -> io::Result<()> {
    write_within(PATIENCE, bytes)
}

fn write_within(patience: Duration, bytes: &[u8]) -> io::Result<()> {
    let bytes = bytes.to_vec();
    let (done, wait) = channel();
    std::thread::Builder::new().name("word".to_owned()).spawn(move || done.send(write_all(&bytes)))?;
    wait.recv_timeout(patience).unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
