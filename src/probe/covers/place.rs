//! Where the two trees are: the directories that were named, and where in a backup the copy stands. SHELL.

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;

use super::entry::{Facts, Opener, look};
use super::ignore::Ignore;
use super::listing::Names;
use super::tally::Kind;

/// Of the source's own names so many are looked for where its copy could be.
const SAMPLE: usize = 1_000;
/// So many directories in a row, each alone in the one above, are followed down.
const ALONE: usize = 16;

/// What stands at a path that was named; the path itself may be a link.
pub(super) fn named(path: &Path) -> Result<Facts, Errno> {
    rustix::fs::statat(CWD, path, AtFlags::empty()).map(Facts::from)
}

/// A directory that was named.
pub(super) fn open(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match rustix::fs::openat(CWD, path, flags | OFlags::NOATIME, Mode::empty()) {
        Err(Errno::PERM) => rustix::fs::openat(CWD, path, flags, Mode::empty()),
        other => other,
    }
}

/// A place in a backup where the copy may stand.
#[derive(Debug)]
pub(super) struct Base {
    /// From the root of the backup; nothing for the root itself.
    pub(super) path: PathBuf,
    pub(super) dir: OwnedFd,
}

/// Finds where in `backup` the copy of `source` stands: the place with most of the names the source begins with.
pub(super) fn base(
    source: BorrowedFd<'_>,
    paths: &[PathBuf],
    backup: OwnedFd,
    ignore: &Ignore,
) -> Result<Base, Errno> {
    let sample = sample(source, ignore)?;
    let mut best = Base { path: PathBuf::new(), dir: backup };
    let mut most = present(&best.dir, &sample);
    let tops = tops(best.dir.as_fd());
    let tails: Vec<PathBuf> = paths.iter().flat_map(|path| tails(path)).collect();
    let mut others: Vec<PathBuf> = tails.clone();
    for top in tops {
        others.extend(tails.iter().map(|tail| top.join(tail)));
        others.push(top);
    }
    let root = rustix::io::fcntl_dupfd_cloexec(&best.dir, 0)?;
    for path in others {
        if most == sample.len() && most > 0 {
            break;
        }
        let Ok(dir) = below(root.as_fd(), &path) else { continue };
        let here = present(&dir, &sample);
        if here > most {
            most = here;
            best = Base { path, dir };
        }
    }
    Ok(best)
}

/// What the source's own path ends in: `site`, `srv/site`, …
pub(super) fn tails(path: &Path) -> Vec<PathBuf> {
    let parts: Vec<&OsStr> = path
        .components()
        .filter_map(|part| if let Component::Normal(name) = part { Some(name) } else { None })
        .collect();
    (0..parts.len()).rev().map(|from| parts[from..].iter().collect()).collect()
}

/// The directories that hold all of the backup, one in the other, for as long as each stands alone.
fn tops(backup: BorrowedFd<'_>) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    let Ok(mut at) = Opener::new().dir(backup, c".") else { return found };
    while found.len() < ALONE {
        let Some((name, alone)) = only_directory(at.as_fd()) else { break };
        let path = match found.last() {
            Some(above) => above.join(OsStr::from_bytes(name.to_bytes())),
            None => PathBuf::from(OsStr::from_bytes(name.to_bytes())),
        };
        found.push(path);
        match Opener::new().dir(at.as_fd(), &name) {
            Ok(below) if alone => at = below,
            _ => break,
        }
    }
    found
}

/// The one directory in a directory, and whether nothing else is there.
fn only_directory(dir: BorrowedFd<'_>) -> Option<(CString, bool)> {
    let mut names = Names::new();
    let mut only = None;
    let mut others = false;
    loop {
        let ended = names.take(dir).ok()?;
        for (name, _) in names.iter() {
            if !look(dir, name).is_ok_and(|facts| facts.kind == Kind::Directory) {
                others = true;
            } else if only.replace(name.to_owned()).is_some() {
                return None;
            }
        }
        if ended {
            return only.map(|only| (only, !others));
        }
    }
}

/// A directory below another, no part of its path a link.
fn below(root: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, Errno> {
    let mut at = Opener::new().dir(root, c".")?;
    for part in path.components() {
        let name = CString::new(part.as_os_str().as_bytes()).map_err(|_| Errno::INVAL)?;
        at = Opener::new().dir(at.as_fd(), &name)?;
    }
    Ok(at)
}

/// The first names of the source, as it lists them.
fn sample(source: BorrowedFd<'_>, ignore: &Ignore) -> Result<Vec<CString>, Errno> {
    let dir = Opener::new().dir(source, c".")?;
    let mut names = Names::new();
    let mut sample = Vec::new();
    loop {
        let ended = names.take(&dir)?;
        let of_interest = names.iter().filter(|(name, _)| !ignore.matches(name.to_bytes(), name.to_bytes()));
        sample.extend(of_interest.map(|(name, _)| name.to_owned()));
        if ended || sample.len() >= SAMPLE {
            return Ok(sample);
        }
    }
}

fn present(dir: &OwnedFd, sample: &[CString]) -> usize {
    sample.iter().filter(|name| look(dir.as_fd(), name).is_ok()).count()
}
