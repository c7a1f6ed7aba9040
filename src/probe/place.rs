//! The paths that a check names: how they are read, looked at and opened, and what is said when that does not work. SHELL.
//!
//! Nothing is opened before its kind is known, and then only a regular file or a directory: opening a pipe or a device
//! may wait for ever, or do something.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::look::{Finding, shown};

/// The path a field names.
pub(super) fn path(field: &str, text: &str) -> Result<PathBuf, Finding> {
    if text.is_empty() {
        return Err(Finding::error(format!("`{field}` is empty: name a path")));
    }
    if text.contains('\0') {
        return Err(Finding::error(format!("`{field}` holds a zero byte: no path has one")));
    }
    Ok(PathBuf::from(text))
}

/// A thing that is there, held so that its name may come to mean another meanwhile. It is not open for reading.
#[derive(Debug)]
pub(super) struct Held {
    fd: OwnedFd,
    /// What it was when it was found.
    pub(super) stat: Stat,
}

impl Held {
    /// What it is.
    pub(super) fn kind(&self) -> FileType {
        kind(&self.stat)
    }

    /// What it is now.
    pub(super) fn again(&self) -> rustix::io::Result<Stat> {
        rustix::fs::fstat(&self.fd)
    }

    /// Opens it for reading. For regular files and directories only.
    pub(super) fn open(&self) -> rustix::io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let path = format!("/proc/self/fd/{}", self.fd.as_raw_fd());
        Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
    }

    /// The descriptor, which may be asked but not read.
    pub(super) fn fd(&self) -> &OwnedFd {
        &self.fd
    }
}

/// Holds what a path names, through links.
pub(super) fn hold(path: &Path) -> rustix::io::Result<Held> {
    let fd = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let stat = rustix::fs::fstat(&fd)?;
    Ok(Held { fd, stat })
}

/// What a thing is.
pub(super) fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// What a thing is, in words.
pub(super) fn in_words(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "a file",
        FileType::Directory => "a directory",
        FileType::Symlink => "a link",
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice => "a character device",
        FileType::BlockDevice => "a block device",
        FileType::Unknown => "of no known kind",
    }
}

/// Is this the answer that nothing is there?
pub(super) fn is_absence(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::NOTDIR)
}

/// What is said of a path that is not there.
pub(super) fn absent(path: &Path) -> String {
    if let Ok(target) = std::fs::read_link(path) {
        return format!("{} is a link to {}, and there is nothing", shown(path), shown(&target));
    }
    format!("there is no {}", shown(path))
}

/// A path that cannot be held: it is not there, which is a no, or it cannot be looked at, which is no answer.
pub(super) fn not_held(path: &Path, error: Errno) -> Finding {
    if is_absence(error) { Finding::fails(absent(path)) } else { cannot("look at", path, error) }
}

/// No answer, for this cannot be done.
pub(super) fn cannot(what: &str, path: &Path, error: impl Into<io::Error>) -> Finding {
    Finding::error(cannot_words(what, path, error))
}

/// The same as words.
pub(super) fn cannot_words(what: &str, path: &Path, error: impl Into<io::Error>) -> String {
    format!("cannot {what} {}: {}", shown(path), why(&error.into()))
}

/// An error of the system as people say it.
pub(super) fn why(error: &io::Error) -> String {
    let Some(errno) = Errno::from_io_error(error) else { return error.to_string() };
    match errno {
        Errno::ACCESS | Errno::PERM => "not permitted: ask as a user who may".to_owned(),
        Errno::NOENT | Errno::NOTDIR => "it is not there".to_owned(),
        Errno::LOOP => "its links lead round in a circle".to_owned(),
        Errno::NAMETOOLONG => "its name is too long".to_owned(),
        Errno::IO => "the storage reports an error".to_owned(),
        Errno::STALE => "the server no longer knows it".to_owned(),
        Errno::NOTCONN => "whoever served it is gone".to_owned(),
        _ => {
            let text = error.to_string();
            let end = text.find(" (os error").unwrap_or(text.len());
            text[..end].to_lowercase()
        }
    }
}

/// A time in seconds since 1970 as people read it.
pub(super) fn time_in_words(seconds: i64) -> String {
    let at = chrono::DateTime::<chrono::Utc>::from_timestamp(seconds, 0);
    at.map_or_else(|| format!("{seconds} s after 1970"), |at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// A number of bytes, cut and not rounded: never more than there are.
pub(super) fn bytes_in_words(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut tenths = bytes / 100;
    let mut unit = 0;
    while tenths >= 10_000 {
        tenths /= 1000;
        unit += 1;
    }
    if tenths.is_multiple_of(10) || tenths >= 1000 {
        format!("{} {}", tenths / 10, UNITS[unit])
    } else {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Verdict;

    #[test]
    fn a_path_that_is_none_is_refused() {
        assert_eq!(path("path", "").unwrap_err().detail, "`path` is empty: name a path");
        assert_eq!(path("a", "x\0y").unwrap_err().verdict, Verdict::Error);
        assert_eq!(path("a", "x y").unwrap(), Path::new("x y"));
    }

    #[test]
    fn what_is_not_there_is_a_no_and_what_cannot_be_seen_is_no_answer() {
        let dir = tempfile::tempdir().unwrap();
        let gone = dir.path().join("gone");
        let found = not_held(&gone, hold(&gone).unwrap_err());
        assert_eq!(
            (found.verdict, found.detail),
            (Verdict::Fails, format!("there is no {}", gone.display()))
        );
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("gone", &link).unwrap();
        let found = not_held(&link, hold(&link).unwrap_err());
        assert_eq!(found.detail, format!("{} is a link to gone, and there is nothing", link.display()));
        let circle = dir.path().join("circle");
        std::os::unix::fs::symlink("circle", &circle).unwrap();
        let found = not_held(&circle, hold(&circle).unwrap_err());
        assert_eq!(found.verdict, Verdict::Error);
        assert!(found.detail.ends_with("its links lead round in a circle"), "{}", found.detail);
    }

    #[test]
    fn times_have_no_nanoseconds() {
        assert_eq!(time_in_words(1_795_187_413), "2026-11-20 15:10:13 UTC");
    }

    #[test]
    fn sizes_are_cut_not_rounded() {
        assert_eq!(bytes_in_words(999), "999 B");
        assert_eq!(bytes_in_words(1000), "1 kB");
        assert_eq!(bytes_in_words(9_990_000_000), "9.9 GB");
        assert_eq!(bytes_in_words(150_000_000_000), "150 GB");
        assert_eq!(bytes_in_words(999_999), "999 kB");
        assert_eq!(bytes_in_words(u64::MAX), "18.4 EB");
    }
}
