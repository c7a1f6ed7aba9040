//! Two open files, byte by byte. SHELL.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use rustix::fs::SeekFrom;
use rustix::io::Errno;

use super::entry::{Facts, of_open};
use super::tally::{Side, What};

/// So much is read at a time: two of them stay in a processor's own memory.
const BLOCK: usize = 128 << 10;

/// A file of the source and its copy, both open.
#[derive(Debug)]
pub(super) struct Both {
    pub(super) path: Vec<u8>,
    pub(super) source: OwnedFd,
    pub(super) backup: OwnedFd,
    /// As they were before the first byte was read.
    pub(super) before: (Facts, Facts),
    wrong: Mutex<Option<What>>,
}

/// Where one thread reads to.
#[derive(Debug)]
pub(super) struct Buffers {
    source: Box<[u8]>,
    backup: Box<[u8]>,
}

impl Buffers {
    pub(super) fn new() -> Self {
        Self { source: vec![0; BLOCK].into(), backup: vec![0; BLOCK].into() }
    }
}

impl Both {
    pub(super) fn new(path: Vec<u8>, source: OwnedFd, backup: OwnedFd, before: (Facts, Facts)) -> Self {
        Self { path, source, backup, before, wrong: Mutex::new(None) }
    }

    /// Whether something is known to be wrong, so that reading on shows nothing more.
    pub(super) fn is_settled(&self) -> bool {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Compares one piece and remembers what is wrong with it.
    pub(super) fn compare(&self, piece: (u64, u64), buffers: &mut Buffers, read: &mut dyn FnMut(u64)) {
        if let Err(what) = self.piece(piece, buffers, read) {
            self.wrong.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(what);
        }
    }

    /// When all is read: what is wrong. A file that changed meanwhile says nothing about its copy.
    pub(super) fn finish(self) -> Option<What> {
        for (file, before, side) in
            [(&self.source, self.before.0, Side::Source), (&self.backup, self.before.1, Side::Backup)]
        {
            match of_open(file) {
                Ok(after) if before.unchanged(&after) => {}
                Ok(_) => return Some(What::Changed(side)),
                Err(e) => return Some(unreadable(side, e)),
            }
        }
        self.wrong.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn piece(
        &self,
        (mut at, to): (u64, u64),
        buffers: &mut Buffers,
        read: &mut dyn FnMut(u64),
    ) -> Result<(), What> {
        let holes = self.before.0.sparse && self.before.1.sparse;
        while at < to {
            if holes {
                let data = next_data(self.source.as_fd(), at).min(next_data(self.backup.as_fd(), at)).min(to);
                read(data - at);
                at = data;
                if at == to {
                    break;
                }
            }
            let len = usize::try_from(to - at).unwrap_or(BLOCK).min(BLOCK);
            let source = &mut buffers.source[..len];
            fill(self.source.as_fd(), source, at, Side::Source)?;
            let backup = &mut buffers.backup[..len];
            fill(self.backup.as_fd(), backup, at, Side::Backup)?;
            if source != backup {
                return Err(What::Content);
            }
            at += len as u64;
            read(len as u64);
        }
        Ok(())
    }
}

/// Where the next byte that is stored stands, at `at` or after it: what is before it reads as zeros.
fn next_data(file: BorrowedFd<'_>, at: u64) -> u64 {
    match rustix::fs::seek(file, SeekFrom::Data(at)) {
        Ok(data) => data,
        Err(Errno::NXIO) => u64::MAX,
        // The file system does not tell.
        Err(_) => at,
    }
}

/// Reads until the buffer is full. A file that ends before is one that became shorter.
fn fill(file: BorrowedFd<'_>, buffer: &mut [u8], at: u64, side: Side) -> Result<(), What> {
    let mut have = 0;
    while have < buffer.len() {
        match rustix::io::pread(file, &mut buffer[have..], at + have as u64) {
            Ok(0) => return Err(What::Changed(side)),
            Ok(more) => have += more,
            Err(Errno::INTR) => {}
            Err(e) => return Err(unreadable(side, e)),
        }
    }
    Ok(())
}

/// Why something could not be read, in the words of the system.
pub(super) fn unreadable(side: Side, e: Errno) -> What {
    What::Unreadable(side, reason(e))
}

/// The system's words for an error, without its number.
pub(super) fn reason(e: Errno) -> String {
    in_words(&std::io::Error::from(e))
}

/// As [`reason`].
pub(super) fn in_words(e: &std::io::Error) -> String {
    let text = e.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = words.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// Whether a file of the source holds these bytes at this place.
pub(super) fn holds(file: &OwnedFd, at: u64, bytes: &[u8], buffers: &mut Buffers) -> Result<(), What> {
    let mut from = at;
    for part in bytes.chunks(BLOCK) {
        let buffer = &mut buffers.source[..part.len()];
        fill(file.as_fd(), buffer, from, Side::Source)?;
        if buffer != part {
            return Err(What::Content);
        }
        from += part.len() as u64;
    }
    Ok(())
}

/// Whether a file of the source holds only zeros here. Its own holes need not be read.
pub(super) fn zeros(
    file: &OwnedFd,
    mut at: u64,
    len: u64,
    buffers: &mut Buffers,
    step: &mut dyn FnMut(),
) -> Result<(), What> {
    let to = at + len;
    loop {
        step();
        at = next_data(file.as_fd(), at).min(to);
        if at == to {
            return Ok(());
        }
        let len = usize::try_from(to - at).unwrap_or(BLOCK).min(BLOCK);
        let buffer = &mut buffers.source[..len];
        fill(file.as_fd(), buffer, at, Side::Source)?;
        if buffer.iter().any(|&b| b != 0) {
            return Err(What::Content);
        }
        at += len as u64;
    }
}
