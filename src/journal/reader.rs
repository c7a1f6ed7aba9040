//! Reads a journal, says how far it is whole and where it stops fitting. SHELL: opens and reads the file.
//! It must not know what records mean, and changes nothing on disk.
//!
//! What may come after the last whole record: nothing; the torn rest of a write that a crash cut short, which nobody
//! was told was safe; something a newer version wrote; or damage. Only the torn rest may be cut away.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::id::{Digest, SessionId};
use crate::session::{Entry, Event};
use crate::text::clean;

use super::record::{self, NotARecord};
use super::{FORMAT, JOURNAL, JournalError};

/// A journal as far as it is whole.
#[derive(Debug, PartialEq)]
pub struct Log {
    /// Every record before the first that does not fit.
    pub entries: Vec<Entry>,
    /// SHA-256 of the last of these lines; 64 zeros where there is none.
    pub head: Digest,
    /// Length of these lines, bytes.
    pub len: u64,
    /// What comes after them.
    pub tail: Tail,
}

/// What comes after the last whole record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Nothing.
    Whole,
    /// A record that a crash cut short: never acknowledged, cut away by the next host.
    Torn {
        /// How much of it there is, bytes.
        bytes: u64,
    },
    /// Something that does not fit: not written to any more.
    Damaged(Box<Fault>),
    /// Something a newer version wrote: read only. The chain of what follows was still followed.
    Newer {
        /// Number of the first record that this version does not know.
        n: u64,
        /// What it is, in a sentence.
        why: String,
        /// Where the chain breaks further on, if it does.
        fault: Option<Box<Fault>>,
    },
}

/// A place where a journal does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {n} (at byte {offset}) {what}")]
pub struct Fault {
    /// Number of the record that was changed, as far as that can be told.
    pub n: u64,
    /// Where that record begins, bytes.
    pub offset: u64,
    /// What is wrong, expected and actual.
    pub what: String,
}

/// Reads the journal of a session's directory. Takes no lock and changes nothing.
pub fn read(dir: &Path) -> Result<Log, JournalError> {
    let path = dir.join(JOURNAL);
    let file = open(&path)?;
    read_from(BufReader::with_capacity(1 << 18, &file)).map_err(JournalError::io("read", path))
}

/// Hands out each record of the journal of a session's directory that fits, in order, with the SHA-256 of the line before it,
/// and keeps none. Takes no lock and changes nothing.
pub fn read_each(dir: &Path, each: impl FnMut(Entry, &Digest)) -> Result<Scanned, JournalError> {
    let path = dir.join(JOURNAL);
    let file = open(&path)?;
    scan_on(Chain::new(), BufReader::with_capacity(1 << 18, &file), each)
        .map_err(JournalError::io("read", path))
}

/// Opens a journal for reading; a link or a pipe in its place is refused.
pub fn open(path: &Path) -> Result<File, JournalError> {
    let file = File::options()
        .read(true)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)
        .map_err(JournalError::io("open", path))?;
    if file.metadata().map_err(JournalError::io("look at", path))?.is_file() {
        return Ok(file);
    }
    Err(JournalError::Unsafe {
        path: path.to_owned(),
        why: "is not a file; put the journal back in its place".to_owned(),
    })
}

/// Reads a journal from its bytes.
pub fn read_from(input: impl BufRead) -> io::Result<Log> {
    let mut entries = Vec::new();
    let scanned = scan(input, |entry| entries.push(entry))?;
    Ok(Log { entries, head: scanned.head, len: scanned.len, tail: scanned.tail })
}

/// Where a scan ended.
#[derive(Debug, PartialEq)]
pub struct Scanned {
    /// SHA-256 of the last whole line that fits.
    pub head: Digest,
    /// Length of the lines that fit, bytes.
    pub len: u64,
    /// What comes after them.
    pub tail: Tail,
}

/// Hands out each record that fits, in order, keeping none: a journal of any length in little memory. A record is
/// handed out once the link of the next one has confirmed it.
pub fn scan(input: impl BufRead, mut each: impl FnMut(Entry)) -> io::Result<Scanned> {
    scan_on(Chain::new(), input, |entry, _| each(entry))
}

/// As [`scan`], from a place further on; each record with the SHA-256 of the line before it.
pub(super) fn scan_on(
    mut chain: Chain,
    mut input: impl BufRead,
    mut each: impl FnMut(Entry, &Digest),
) -> io::Result<Scanned> {
    // The newest record that fits, not yet confirmed, and the chain as it was before it.
    let mut held: Option<(Entry, Chain)> = None;
    let mut line = Vec::with_capacity(4096);
    loop {
        line.clear();
        let bytes = read_line(&mut input, &mut line)?;
        let unconfirmed = held.as_ref().map(|(_, before)| before);
        let tail = match line.split_last() {
            None => Tail::Whole,
            Some((b'\n', body)) => {
                let before = chain.clone();
                match chain.take(body) {
                    Ok(entry) => {
                        if let Some((confirmed, link)) = held.replace((entry, before)) {
                            each(confirmed, &link.head);
                        }
                        continue;
                    }
                    Err(_) if zeroed_part(&line, chain.offset) > 0 => {
                        // One byte may as well have been changed by itself: nothing after it is given up for that.
                        let is_sector = zeroed_part(&line, chain.offset) > 1;
                        zeroed(&mut input, bytes, &chain, is_sector)?
                    }
                    Err(Misfit::Link) => {
                        let blamed = whose_link(&mut input, body, &chain, unconfirmed)?;
                        if blamed.n < chain.n + 1 {
                            chain = held.take().map_or(chain, |(_, before)| before);
                        }
                        Tail::Damaged(Box::new(blamed))
                    }
                    Err(Misfit::Unknown(why)) => newer(&mut input, &chain, body, why)?,
                    Err(Misfit::Other(what)) => Tail::Damaged(Box::new(chain.fault(what))),
                }
            }
            Some(_) => Tail::Torn { bytes },
        };
        if let Some((last, link)) = held {
            each(last, &link.head);
        }
        return Ok(Scanned { head: chain.head, len: chain.offset, tail });
    }
}

/// How far a chain has been followed.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    n: u64,
    head: Digest,
    offset: u64,
    session: Option<SessionId>,
}

/// Why a line does not follow the chain.
pub(super) enum Misfit {
    /// Its link is not to the line before.
    Link,
    /// It is linked, but of an unknown kind.
    Unknown(String),
    /// Anything else, in words.
    Other(String),
}

impl Chain {
    pub(super) fn new() -> Self {
        Self { n: 0, head: record::no_link(), offset: 0, session: None }
    }

    /// Takes the next line in (without its newline), or says why it does not follow and stays where it is.
    pub(super) fn take(&mut self, line: &[u8]) -> Result<Entry, Misfit> {
        if line.len() > record::MAX_LINE {
            return Err(Misfit::Other(format!("is longer than {} bytes; no record is", record::MAX_LINE)));
        }
        let prev = record::link_of(line).ok_or_else(|| Misfit::Other(NotARecord::NoLink.to_string()))?;
        let linked = prev == self.head.as_str().as_bytes();
        let entry = match record::read(line) {
            Ok(record) => record.entry,
            Err(NotARecord::Unknown(why)) if linked => return Err(Misfit::Unknown(why)),
            Err(other) => return Err(Misfit::Other(other.to_string())),
        };
        if !linked {
            return Err(Misfit::Link);
        }
        self.fits(&entry)?;
        self.n += 1;
        self.step_over(line);
        Ok(entry)
    }

    fn fits(&mut self, entry: &Entry) -> Result<(), Misfit> {
        if entry.n != self.n + 1 {
            return Err(Misfit::Other(format!("is numbered {} where {} is due", entry.n, self.n + 1)));
        }
        if let Some(session) = &self.session {
            if *session != entry.session {
                let (found, due) = (clean(entry.session.as_str()), clean(session.as_str()));
                return Err(Misfit::Other(format!("is of session {found} in the journal of {due}")));
            }
            return Ok(());
        }
        match &entry.event {
            Event::SessionOpened(opened) if opened.format > FORMAT => Err(Misfit::Unknown(format!(
                "the journal is of format {}, and this version knows {FORMAT}",
                opened.format
            ))),
            Event::SessionOpened(_) => {
                self.session = Some(entry.session.clone());
                Ok(())
            }
            _ => Err(Misfit::Other("does not open a session, and the first one does".to_owned())),
        }
    }

    fn step_over(&mut self, line: &[u8]) {
        self.head = record::link_to(line);
        self.offset += line.len() as u64 + 1;
    }

    fn fault(&self, what: impl Into<String>) -> Fault {
        Fault { n: self.n + 1, offset: self.offset, what: what.into() }
    }
}

/// A link does not fit: was this line changed, or the one before it? The line after knows.
fn whose_link(
    input: &mut impl BufRead,
    line: &[u8],
    chain: &Chain,
    before: Option<&Chain>,
) -> io::Result<Fault> {
    let given = String::from_utf8_lossy(record::link_of(line).unwrap_or_default()).into_owned();
    let Some(before) = before else {
        return Ok(chain.fault(format!("is linked to {given}, expected {}", chain.head)));
    };
    let mut next = Vec::new();
    read_line(input, &mut next)?;
    let prev = next.strip_suffix(b"\n").and_then(record::link_of);
    let this_is_as_written = prev.is_none_or(|prev| prev == record::link_to(line).as_str().as_bytes());
    let n = serde_json::from_slice::<Entry>(line).map_or(0, |entry| entry.n);
    if this_is_as_written && n > chain.n + 1 {
        return Ok(chain.fault(format!("is missing: record {n} follows record {}", chain.n)));
    }
    if this_is_as_written {
        let what = format!(
            "was changed: the record after it is linked to {given}, but its SHA-256 is {}",
            chain.head
        );
        return Ok(before.fault(what));
    }
    Ok(chain
        .fault(format!("was changed: it is linked to {given}, but the record before it has {}", chain.head)))
}

/// The longest part of a line (newline included) that begins at byte `offset` of its file which is a sector, or the line's
/// part of one, of zero bytes only, in bytes. No record holds a zero byte; a sector that never reached the disk holds nothing
/// else.
fn zeroed_part(line: &[u8], offset: u64) -> usize {
    const SECTOR: u64 = 512;
    let to_boundary = usize::try_from(SECTOR - offset % SECTOR).unwrap_or(usize::MAX).min(line.len());
    let (first, rest) = line.split_at(to_boundary);
    let parts = std::iter::once(first).chain(rest.chunks(512));
    parts.filter(|part| part.iter().all(|b| *b == 0)).map(<[u8]>::len).max().unwrap_or(0)
}

/// From a line on with zero bytes: torn, unless a whole record follows that was written after it. Where a sector never reached
/// the disk (`is_sector`), one that was written with it may have reached it alone: nobody was told of either.
fn zeroed(input: &mut impl BufRead, mut bytes: u64, chain: &Chain, is_sector: bool) -> io::Result<Tail> {
    let mut next = Vec::new();
    loop {
        next.clear();
        let read = read_line(input, &mut next)?;
        if next.is_empty() {
            return Ok(Tail::Torn { bytes });
        }
        let later = |body: &[u8]| {
            let with_it = is_sector && record::batch_of(body).is_some_and(|first| first <= chain.n + 1);
            record::read(body).is_ok() && !with_it
        };
        if next.strip_suffix(b"\n").is_some_and(later) {
            return Ok(Tail::Damaged(Box::new(chain.fault("holds zero bytes, and whole records follow it"))));
        }
        bytes += read;
    }
}

/// From a record on that this version does not know: follows the chain by its links alone.
fn newer(input: &mut impl BufRead, chain: &Chain, line: &[u8], why: String) -> io::Result<Tail> {
    let mut on = chain.clone();
    on.n += 1;
    on.step_over(line);
    let mut next = Vec::new();
    let mut fault = None;
    while fault.is_none() {
        next.clear();
        read_line(input, &mut next)?;
        let Some(body) = next.strip_suffix(b"\n") else { break };
        match record::link_of(body) {
            Some(prev) if prev == on.head.as_str().as_bytes() => {
                on.n += 1;
                on.step_over(body);
            }
            Some(_) if on.n == chain.n + 1 => {
                // The very next record denies it: it is not a newer version's, it was changed.
                return Ok(Tail::Damaged(Box::new(chain.fault(format!("was changed: it {why}")))));
            }
            _ => fault = Some(Box::new(on.fault("is not linked to the record before it"))),
        }
    }
    Ok(Tail::Newer { n: chain.n + 1, why, fault })
}

/// Reads a line, newline included, and says how many bytes that were. Of a line longer than any record only the
/// beginning is kept, and the newline, if it ends in one.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<u64> {
    let mut bytes = input.take(record::MAX_LINE as u64 + 2).read_until(b'\n', line)? as u64;
    let mut rest = Vec::new();
    while line.len() > record::MAX_LINE + 1 && line.last() != Some(&b'\n') {
        rest.clear();
        let read = input.take(1 << 16).read_until(b'\n', &mut rest)?;
        bytes += read as u64;
        match rest.last() {
            None => break,
            Some(b'\n') => line.push(b'\n'),
            Some(_) => {}
        }
    }
    Ok(bytes)
}

/// Follows a journal as it grows, for `log --follow`.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    file: File,
    chain: Chain,
}

impl Follower {
    /// Starts before the first record. Takes no lock.
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        let path = dir.join(JOURNAL);
        let file = open(&path)?;
        Ok(Self { path, file, chain: Chain::new() })
    }

    /// The whole records that were added since the last call; empty if none. Never waits.
    pub fn more(&mut self) -> Result<Vec<Entry>, JournalError> {
        Ok(self.lines()?.into_iter().map(|(entry, _)| entry).collect())
    }

    /// As [`Self::more`], each with its line as it is on disk, newline included.
    pub fn lines(&mut self) -> Result<Vec<(Entry, Vec<u8>)>, JournalError> {
        let mut entries = Vec::new();
        let mut bytes = Vec::new();
        loop {
            // A part of a record stays in the file: it is read again with the rest, or is cut away by a repair.
            let from = self.chain.offset;
            let wanted = bytes.len().max(1 << 16);
            let kept = bytes.len();
            bytes.resize(kept + wanted, 0);
            let got = self
                .file
                .read_at(&mut bytes[kept..], from + kept as u64)
                .map_err(JournalError::io("read", &self.path))?;
            bytes.truncate(kept + got);
            let mut used = 0;
            while let Some(len) = memchr::memchr(b'\n', &bytes[used..]) {
                let entry = self.take(&bytes[used..used + len])?;
                entries.push((entry, bytes[used..=used + len].to_vec()));
                used += len + 1;
            }
            bytes.drain(..used);
            if got == 0 {
                return Ok(entries);
            }
        }
    }

    fn take(&mut self, line: &[u8]) -> Result<Entry, JournalError> {
        let path = || self.path.clone();
        match self.chain.take(line) {
            Ok(entry) => Ok(entry),
            Err(Misfit::Unknown(why)) => Err(JournalError::Newer { path: path(), why }),
            Err(Misfit::Link) => {
                let what = "is not linked to the record before it";
                Err(JournalError::Damaged { path: path(), fault: Box::new(self.chain.fault(what)) })
            }
            Err(Misfit::Other(what)) => {
                Err(JournalError::Damaged { path: path(), fault: Box::new(self.chain.fault(what)) })
            }
        }
    }
}
