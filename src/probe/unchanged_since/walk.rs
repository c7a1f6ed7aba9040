//! Walks a tree by open directories, so that no link leads out of it. SHELL. Never writes.

use std::ffi::{CStr, CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::{Seen, changed_at};
use crate::probe::place::{self, Held};
use crate::probe::progress::Progress;

/// A directory that is being gone through.
struct Level {
    fd: OwnedFd,
    path: PathBuf,
    /// Device and inode number: one that is met again below itself is a circle.
    id: (u64, u64),
    /// What is still to be gone into.
    below: Vec<(CString, (u64, u64))>,
}

/// Shows everything from the top on to `seen`.
pub(super) fn walk(path: &Path, top: &Held, progress: &Progress, seen: &mut Seen) {
    let before = seen.entries;
    seen.saw(|| path.to_path_buf(), changed_at(&top.stat));
    progress.entries(1);
    if top.kind() != FileType::Directory {
        return;
    }
    // One descriptor a level: the deepest tree needs more than the usual thousand.
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current = limit.maximum;
    let _ = rustix::process::setrlimit(rustix::process::Resource::Nofile, limit);
    let opened = top.open().map(OwnedFd::from);
    let mut levels = match opened {
        Ok(fd) => vec![enter(fd, path.to_path_buf(), id(&top.stat), progress, seen)],
        Err(error) => return seen.hindered(place::cannot_words("list", path, error)),
    };
    seen.is_empty = seen.entries == before + 1 && seen.vanished == 0;
    while let Some(level) = levels.last_mut() {
        let Some((name, expected)) = level.below.pop() else {
            levels.pop();
            continue;
        };
        let path = joined(&level.path, &name);
        let flags =
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        if let Some(again) = levels.iter().find(|level| level.id == expected) {
            let (path, again) = (super::shown(&path), super::shown(&again.path));
            seen.hindered(format!(
                "{path} is {again} again, by a bind mount, so the tree has no end: unmount it"
            ));
            continue;
        }
        let Some(level) = levels.last() else { break };
        let opened = rustix::fs::openat(&level.fd, &name, flags, Mode::empty());
        match opened.and_then(|fd| Ok((rustix::fs::fstat(&fd)?, fd))) {
            Ok((stat, fd)) if id(&stat) == expected => {
                let level = enter(fd, path, expected, progress, seen);
                levels.push(level);
            }
            Ok(_) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => seen.vanished(path),
            Err(error) => seen.hindered(place::cannot_words("list", &path, error)),
        }
    }
}

/// Looks at everything in a directory; the directories among it are for later.
fn enter(fd: OwnedFd, path: PathBuf, own: (u64, u64), progress: &Progress, seen: &mut Seen) -> Level {
    progress.at(&path);
    let mut below = Vec::new();
    match Dir::read_from(&fd) {
        Ok(entries) => {
            for entry in entries {
                let entry = match entry {
                    Ok(entry) => entry,
                    Err(error) => {
                        seen.hindered(place::cannot_words("list", &path, error));
                        break;
                    }
                };
                let name = entry.file_name();
                if matches!(name.to_bytes(), b"." | b"..") {
                    continue;
                }
                progress.entries(1);
                // What is mounted only when somebody goes there is not mounted for this.
                let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
                match rustix::fs::statat(&fd, name, flags) {
                    Ok(stat) => {
                        seen.saw(|| joined(&path, name), changed_at(&stat));
                        if place::kind(&stat) == FileType::Directory {
                            below.push((name.to_owned(), id(&stat)));
                        }
                    }
                    Err(Errno::NOENT) => seen.vanished(joined(&path, name)),
                    Err(error) => {
                        seen.hindered(place::cannot_words("look at", &joined(&path, name), error));
                    }
                }
            }
        }
        Err(error) => seen.hindered(place::cannot_words("list", &path, error)),
    }
    Level { fd, path, id: own, below }
}

fn id(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

fn joined(path: &Path, name: &CStr) -> PathBuf {
    path.join(OsStr::from_bytes(name.to_bytes()))
}
