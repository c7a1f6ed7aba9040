//! What in a directory can be reached from elsewhere: files with a name outside of it, and sockets. SHELL. Never writes.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};

use crate::probe::place::{self, Held};
use crate::probe::progress::Progress;

/// More files with several names than this are not kept in mind.
const MOST: usize = 100_000;

/// What was found in the directory.
#[derive(Debug, Default)]
pub(super) struct Inside {
    /// Device and inode number of the files that have several names.
    pub(super) linked: BTreeSet<(u64, u64)>,
    /// Sockets.
    pub(super) sockets: Vec<PathBuf>,
    /// Why there may be more.
    pub(super) more: Option<String>,
}

impl Inside {
    /// Goes through a directory, not into what is mounted in it: that is a use itself.
    pub(super) fn of(path: &std::path::Path, held: &Held, progress: &Progress) -> Self {
        let mut inside = Self::default();
        let flags =
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let mut next = match held.open() {
            Ok(top) => vec![(std::os::fd::OwnedFd::from(top), path.to_path_buf())],
            Err(error) => {
                inside.more = Some(place::cannot_words("list", path, error));
                return inside;
            }
        };
        let mut waiting: Vec<PathBuf> = Vec::new();
        loop {
            let (fd, path) = match next.pop() {
                Some(top) => top,
                None => match waiting.pop() {
                    // By its name again: what was put in another's place meanwhile is on its way out or in.
                    Some(path) => match rustix::fs::open(&path, flags, Mode::empty()) {
                        Ok(fd) => (fd, path),
                        Err(
                            rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP,
                        ) => continue,
                        Err(error) => {
                            inside.more = Some(place::cannot_words("list", &path, error));
                            continue;
                        }
                    },
                    None => return inside,
                },
            };
            progress.at(&path);
            let entries = match Dir::read_from(&fd) {
                Ok(entries) => entries,
                Err(error) => {
                    inside.more = Some(place::cannot_words("list", &path, error));
                    continue;
                }
            };
            for entry in entries.flatten() {
                let name = entry.file_name();
                if matches!(name.to_bytes(), b"." | b"..") {
                    continue;
                }
                progress.entries(1);
                let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
                let Ok(stat) = rustix::fs::statat(&fd, name, flags) else { continue };
                let here = || path.join(OsStr::from_bytes(name.to_bytes()));
                match place::kind(&stat) {
                    FileType::Directory if stat.st_dev == held.stat.st_dev => waiting.push(here()),
                    FileType::Socket => inside.sockets.push(here()),
                    FileType::RegularFile if stat.st_nlink > 1 => {
                        inside.linked.insert((stat.st_dev, stat.st_ino));
                    }
                    _ => {}
                }
                if inside.linked.len() > MOST {
                    inside.more = Some("more files in it have several names than can be compared".to_owned());
                    return inside;
                }
            }
        }
    }
}
