//! The kernel lock that says a session has a host. SHELL.
//!
//! It is on the journal; in a session that others may read it is on a file that only the owner can open, for whoever can
//! open a file can lock it, and so keep every new host away. There the journal's own lock tells readers, as far as
//! nobody plays with it, that a host is at work; nothing but words depends on it.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rustix::fs::OFlags;

/// The file whose lock the host of a shared session holds for life.
pub(super) const LOCK: &str = "lock";

/// Why a lock is not ours.
pub(super) enum NotOurs {
    /// Somebody holds it.
    Held,
    /// The machine failed.
    Failed(io::Error),
}

/// Becomes the holder: of the session in `dir` whose journal is open. What is handed back keeps the lock as long as it
/// and the journal are open.
pub(super) fn take(dir: &Path, journal: &File) -> Result<Option<File>, NotOurs> {
    let own = open(dir, true).map_err(NotOurs::Failed)?;
    let Some(own) = own else { return insist(journal).map(|()| None) };
    insist(&own)?;
    // A reader who holds on to it keeps other readers from knowing that we are here, and us from nothing.
    let _ = insist(journal);
    Ok(Some(own))
}

/// Does anybody hold the lock of the session in `dir`, whose journal is open?
pub(super) fn is_held(dir: &Path, journal: &File) -> io::Result<bool> {
    match open(dir, false) {
        Ok(Some(own)) => is_locked(&own),
        Ok(None) => is_locked(journal),
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => is_locked(journal),
        Err(e) => Err(e),
    }
}

/// Whoever asks whether a host is alive (`list`) holds the lock for a moment; a host holds it for hours.
fn insist(file: &File) -> Result<(), NotOurs> {
    for _ in 0..20 {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
            Err(TryLockError::Error(error)) => return Err(NotOurs::Failed(error)),
        }
    }
    Err(NotOurs::Held)
}

/// Asks for a shared lock, which other askers do not mind, and lets go of it at once.
fn is_locked(file: &File) -> io::Result<bool> {
    match file.try_lock_shared() {
        Ok(()) => file.unlock().map(|()| false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn open(dir: &Path, write: bool) -> io::Result<Option<File>> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    match File::options().read(true).write(write).custom_flags(flags).open(dir.join(LOCK)) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}
