//! Refuses directories in which somebody else could put words in our mouth. SHELL: looks at owners and modes.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::super::JournalError;

const WRITABLE_BY_GROUP: u32 = 0o020;
const WRITABLE_BY_ALL: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// The home directory of sessions: ours, writable by nobody else, in no directory where anybody may rename it away.
pub(super) fn check_home(home: &Path) -> Result<(), JournalError> {
    check_owner(home, &look(home)?)?;
    check_home_to_read(home)
}

/// The home directory of sessions that are only read, ours or somebody else's: writable by nobody but its owner, in no
/// directory where anybody may rename it away.
pub(super) fn check_home_to_read(home: &Path) -> Result<(), JournalError> {
    let found = look(home)?;
    if found.mode() & (WRITABLE_BY_GROUP | WRITABLE_BY_ALL) != 0 {
        return refuse(
            home,
            format!(
                "others may write to it (mode {:o}); run: chmod go-w {}",
                found.mode() & 0o7777,
                home.display()
            ),
        );
    }
    let real = fs::canonicalize(home).map_err(JournalError::io("look at", home))?;
    for above in real.ancestors().skip(1) {
        let mode = look(above)?.mode();
        if mode & WRITABLE_BY_ALL != 0 && mode & STICKY == 0 {
            let why = format!(
                "everybody may write to it (mode {:o}), so sessions below it are not safe; run: chmod o-w {}",
                mode & 0o7777,
                above.display()
            );
            return refuse(above, why);
        }
    }
    Ok(())
}

/// Whom a session was opened for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shared {
    /// Its owner.
    No,
    /// A group, too.
    WithGroup,
}

/// A session's directory, before this process writes to it: ours, and, unless it is shared, closed to everybody else.
pub(super) fn check_session(dir: &Path, share: Shared) -> Result<(), JournalError> {
    let found = fs::symlink_metadata(dir).map_err(JournalError::io("look at", dir))?;
    if !found.is_dir() {
        return refuse(dir, "is not a directory".to_owned());
    }
    check_owner(dir, &found)?;
    // Checked by `sharing`, file by file.
    if share == Shared::WithGroup {
        return Ok(());
    }
    if found.mode() & 0o077 != 0 {
        return refuse(
            dir,
            format!("is open to others (mode {:o}); run: chmod 700 {}", found.mode() & 0o7777, dir.display()),
        );
    }
    Ok(())
}

fn look(path: &Path) -> Result<Metadata, JournalError> {
    fs::metadata(path).map_err(JournalError::io("look at", path))
}

fn check_owner(path: &Path, found: &Metadata) -> Result<(), JournalError> {
    let me = rustix::process::geteuid().as_raw();
    if found.uid() == me {
        return Ok(());
    }
    refuse(
        path,
        format!(
            "belongs to account {}, and this is account {me}; go on as its owner, or set ONBELAY_HOME",
            found.uid()
        ),
    )
}

fn refuse(path: &Path, why: String) -> Result<(), JournalError> {
    Err(JournalError::Unsafe { path: path.to_owned(), why })
}
