//! A backup that is an archive: read once from its first byte to its last. SHELL.
//!
//! One thread unpacks, another compares what comes with the files of the source. Of each name a mark is kept; then the
//! source is walked to find what no member spoke of.

mod links;
mod live;
mod matching;
mod names;
mod packing;
mod seen;
mod stream;
mod tar;
mod zip;

use std::fs::File;
use std::io::{self, Seek as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::runbook::By;

use super::entry::{Facts, of_open};
use super::tally::{Kind, Tally};
use super::{Asked, walk};
use matching::Matching;
use packing::Packing;
pub(super) use seen::Told;

/// Why an archive cannot be read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// It ends before its end.
    Cut,
    /// What is written there is wrong.
    Damaged(String),
    /// The disk, or the system, does not give it to us.
    Unreadable(String),
    /// It is of a form that is not known.
    Unknown(String),
}

impl From<io::Error> for Broken {
    fn from(e: io::Error) -> Self {
        match e.kind() {
            _ if e.raw_os_error().is_some() => Self::Unreadable(super::content::in_words(&e)),
            io::ErrorKind::UnexpectedEof => Self::Cut,
            io::ErrorKind::Unsupported => Self::Unknown(e.to_string()),
            _ => Self::Damaged(super::content::in_words(&e)),
        }
    }
}

impl From<rustix::io::Errno> for Broken {
    fn from(e: rustix::io::Errno) -> Self {
        Self::from(io::Error::from(e))
    }
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Is(Kind),
    /// Another name of an earlier member.
    HardLink,
}

/// One member of an archive.
#[derive(Clone, Debug)]
struct Member {
    /// As it is written.
    path: Vec<u8>,
    form: Form,
    /// Where a link leads, or the earlier member.
    target: Vec<u8>,
    /// Its length, holes included.
    size: u64,
    mode: Option<u32>,
    owner: Option<(u32, u32)>,
    /// Why its content cannot be read.
    unknown: Option<String>,
}

/// A part of a member's content.
#[derive(Debug)]
enum Chunk<'a> {
    Bytes(&'a [u8]),
    /// So many zeros that are not stored.
    Hole(u64),
}

/// An archive that is being read.
trait Data {
    /// The next member; none after the last, when all there is was read.
    fn member(&mut self) -> Result<Option<Member>, Broken>;

    /// What comes next of the content of this member; none at its end. Need not be called to the end.
    fn chunk(&mut self) -> Result<Option<Chunk<'_>>, Broken>;
}

/// What came of reading an archive.
pub(super) struct Read {
    /// How it is packed, in a word.
    pub(super) kind: &'static str,
    /// How many members were read.
    pub(super) members: u64,
    /// Members that lead out of the archive: how many, and the first.
    pub(super) outside: (u64, Vec<Vec<u8>>),
    /// Where the copy begins, and how it compares; or why the archive cannot be read.
    pub(super) outcome: Result<(Vec<u8>, Tally), Broken>,
}

/// Compares `source` with the archive in `file`. The error is why nothing could be begun.
pub(super) fn compare(
    asked: &Asked<'_>,
    source: &OwnedFd,
    file: File,
    own: Vec<Vec<u8>>,
    threads: usize,
) -> Result<Read, Broken> {
    let before = of_open(&file).map_err(io::Error::from)?;
    let kind = kind(&file)?;
    asked.progress.of_bytes(before.size);
    let mut matching = Matching::new(asked, source.as_fd(), own, key()?);
    let again = file.try_clone()?;
    let mut ended = read(asked, kind, file, |members| matching.all(members));
    if ended.is_ok() && matching.must_read_again() {
        let mut file = again.try_clone()?;
        file.rewind()?;
        asked.progress.of_bytes(before.size.saturating_mul(2));
        ended = read(asked, kind, file, |members| matching.all_again(members));
    }
    let members = matching.members();
    let outside = matching.outside();
    let outcome = ended.and_then(|()| {
        let after = of_open(&again).map_err(io::Error::from)?;
        if !before.unchanged(&after) {
            return Err(Broken::Unreadable("it changed while being read".to_owned()));
        }
        let (place, base, bytes) = matching.best();
        let look = |path: &[u8]| matching.seen(place, path);
        let mut tally = walk::archive(
            asked,
            rustix::io::fcntl_dupfd_cloexec(source, 0).map_err(io::Error::from)?,
            &look,
            threads,
        )
        .map_err(io::Error::from)?;
        tally.bytes = bytes;
        Ok((base, tally))
    });
    Ok(Read { kind: kind.word(), members, outside, outcome })
}

/// Unpacks an archive on a thread of its own, and hands its members to `take`.
fn read(
    asked: &Asked<'_>,
    kind: Archive,
    file: File,
    take: impl FnOnce(&mut dyn Data) -> Result<(), Broken>,
) -> Result<(), Broken> {
    std::thread::scope(|scope| match kind {
        Archive::Tar(packing) => {
            let (feed, stream) = stream::pipe();
            let told = stream::Told { file, progress: asked.progress };
            scope.spawn(move || match packing.open(told) {
                Ok(from) => feed.run(from),
                Err(e) => feed.fail(e),
            });
            take(&mut tar::Tar::new(stream))
        }
        Archive::Zip => {
            let (feed, mut members) = zip::pipe();
            let (progress, content) = (asked.progress, asked.by == By::Content);
            scope.spawn(move || feed.run(&file, progress, content));
            take(&mut members)
        }
    })
}

/// What an archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Archive {
    Tar(Packing),
    Zip,
}

impl Archive {
    fn word(self) -> &'static str {
        match self {
            Self::Tar(Packing::Plain) => "tar",
            Self::Tar(Packing::Gzip) => "tar.gz",
            Self::Tar(Packing::Zstd) => "tar.zst",
            Self::Tar(Packing::Xz) => "tar.xz",
            Self::Zip => "zip",
        }
    }
}

/// A key for the marks that nobody could know.
fn key() -> Result<[u8; 32], Broken> {
    let mut key = [0; 32];
    rustix::rand::getrandom(&mut key, rustix::rand::GetRandomFlags::empty()).map_err(io::Error::from)?;
    Ok(key)
}

/// What the file is, by its first bytes; names say what they like.
fn kind(file: &File) -> Result<Archive, Broken> {
    let mut start = [0; 512];
    let mut have = 0;
    while have < start.len() {
        match file.read_at(&mut start[have..], have as u64)? {
            0 => break,
            more => have += more,
        }
    }
    let start = &start[..have];
    let unknown = |what: &str| Err(Broken::Unknown(what.to_owned()));
    match start {
        [] => Err(Broken::Damaged("it is empty".to_owned())),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Ok(Archive::Zip),
        [0x1f, 0x8b, ..] => Ok(Archive::Tar(Packing::Gzip)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Ok(Archive::Tar(Packing::Zstd)),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Ok(Archive::Tar(Packing::Xz)),
        [b'B', b'Z', b'h', ..] => unknown("it is packed with bzip2, which is not known here"),
        [b'7', b'z', 0xbc, 0xaf, ..] => unknown("it is a 7z archive, which is not known here"),
        [b'R', b'a', b'r', b'!', ..] => unknown("it is a rar archive, which is not known here"),
        _ if tar::is_header(start) => Ok(Archive::Tar(Packing::Plain)),
        _ => unknown("it is no tar, tar.gz, tar.zst, tar.xz or zip archive"),
    }
}

/// Opens an archive that was named. What it was a moment ago must be what it is.
pub(super) fn open(path: &Path, facts: &Facts) -> io::Result<File> {
    use rustix::fs::{CWD, Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = match rustix::fs::openat(CWD, path, flags | OFlags::NOATIME, Mode::empty()) {
        Err(rustix::io::Errno::PERM) => rustix::fs::openat(CWD, path, flags, Mode::empty()),
        other => other,
    }?;
    match of_open(&file)? {
        now if now.is_same_as(facts) && now.kind == Kind::File => Ok(file.into()),
        _ => Err(rustix::io::Errno::STALE.into()),
    }
}
