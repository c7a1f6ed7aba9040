//! One name in a directory: what it is, opened so that nothing put in its place can make us wait or lead us away. SHELL.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::time::{ClockId, Timespec, clock_gettime};

use super::tally::Kind;

/// What the file system says of one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) kind: Kind,
    pub(super) dev: u64,
    pub(super) ino: u64,
    pub(super) size: u64,
    /// Fewer bytes are on the disk than the size says.
    pub(super) sparse: bool,
    pub(super) modified: (u64, u64),
    pub(super) changed: (u64, u64),
    /// Permission bits, set-user-id and the like included.
    pub(super) mode: u32,
    pub(super) owner: (u32, u32),
}

impl Facts {
    /// The same thing, untouched in between.
    pub(super) fn unchanged(&self, later: &Self) -> bool {
        self.is_same_as(later)
            && self.kind == later.kind
            && self.size == later.size
            && self.modified == later.modified
            && self.changed == later.changed
    }

    /// Whether it was written to, renamed or made different in any other way after this moment. The time of the last
    /// change is set by the system itself; that of the last writing may be set to anything by anybody.
    pub(super) fn changed_after(&self, moment: Moment) -> bool {
        let signed = |n: u64| i64::from_ne_bytes(n.to_ne_bytes());
        (signed(self.changed.0), signed(self.changed.1)) > (moment.0.tv_sec, moment.0.tv_nsec)
    }

    /// One and the same thing, perhaps under two names.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.dev == other.dev && self.ino == other.ino
    }
}

/// When looking began.
///
/// The kernel stamps a file with the time of its last tick, some milliseconds old. So what was written right before this
/// moment never counts as written after it; what is written in the tick that is under way is not seen to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(Timespec);

impl Moment {
    pub(super) fn now() -> Self {
        Self(clock_gettime(ClockId::Realtime))
    }
}

impl From<Stat> for Facts {
    fn from(stat: Stat) -> Self {
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        Self {
            kind: kind(FileType::from_raw_mode(stat.st_mode)),
            dev: stat.st_dev,
            ino: stat.st_ino,
            size,
            sparse: u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512) < size,
            modified: (bits(stat.st_mtime), bits(stat.st_mtime_nsec)),
            changed: (bits(stat.st_ctime), bits(stat.st_ctime_nsec)),
            mode: stat.st_mode & 0o7777,
            owner: (stat.st_uid, stat.st_gid),
        }
    }
}

/// A number of whatever sign, for comparing only.
fn bits<T: TryInto<i128>>(number: T) -> u64 {
    let number: i128 = number.try_into().unwrap_or(0);
    u64::from_ne_bytes(i64::try_from(number).unwrap_or(i64::MAX).to_ne_bytes())
}

/// What the type of a directory entry means here.
pub(super) fn kind(file_type: FileType) -> Kind {
    match file_type {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Link,
        _ => Kind::Special,
    }
}

/// Of a name, without following it.
pub(super) fn look(dir: BorrowedFd<'_>, name: &CStr) -> Result<Facts, Errno> {
    rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).map(Facts::from)
}

/// Of what is open.
pub(super) fn of_open(file: impl AsFd) -> Result<Facts, Errno> {
    rustix::fs::fstat(file).map(Facts::from)
}

/// How files and directories are opened by one thread: without leaving a trace of the reading where that is allowed.
#[derive(Debug)]
pub(super) struct Opener {
    quietly: bool,
}

impl Opener {
    pub(super) fn new() -> Self {
        Self { quietly: true }
    }

    /// For a new directory: its owner may be another one.
    pub(super) fn refresh(&mut self) {
        self.quietly = true;
    }

    /// A file to read. Whatever it has become, opening it does not wait.
    pub(super) fn file(&mut self, dir: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
        self.open(dir, name, OFlags::NONBLOCK | OFlags::NOCTTY)
    }

    /// A directory to list.
    pub(super) fn dir(&mut self, dir: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
        self.open(dir, name, OFlags::DIRECTORY)
    }

    fn open(&mut self, dir: BorrowedFd<'_>, name: &CStr, flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        if self.quietly {
            match rustix::fs::openat(dir, name, flags | OFlags::NOATIME, Mode::empty()) {
                Err(Errno::PERM) => self.quietly = false,
                other => return other,
            }
        }
        rustix::fs::openat(dir, name, flags, Mode::empty())
    }
}

/// Where a link leads, unread: the bytes it holds.
pub(super) fn target(dir: BorrowedFd<'_>, name: &CStr) -> Result<Vec<u8>, Errno> {
    rustix::fs::readlinkat(dir, name, Vec::new()).map(std::ffi::CString::into_bytes)
}
