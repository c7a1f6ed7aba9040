//! Hearing what a script prints, without ever waiting for it or keeping all of it. SHELL.

use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use crate::process::cover::Cover;

/// So much of the beginning of a stream is looked at, bytes.
pub(super) const MAX_OUTPUT: usize = 1 << 20;

/// So much of the end of a stream is kept for a sentence, bytes.
const TAIL: usize = 4 << 10;

/// The most that is heard at once, bytes: what a pipe holds.
const PIECE: usize = 64 * 1024;

/// One stream of the script.
pub(super) struct Listener {
    from: Option<PipeReader>,
    kept: Kept,
    hash: Sha256,
    cover: Cover,
}

/// What is kept of a stream.
#[derive(Default)]
pub(super) struct Kept {
    /// Its beginning as it is: to be compared, never to be shown.
    pub(super) raw: Vec<u8>,
    /// The same with secrets covered.
    pub(super) head: Vec<u8>,
    /// The end of it, covered.
    pub(super) tail: Vec<u8>,
    /// All of it, bytes.
    pub(super) bytes: u64,
    /// SHA-256 of all of it, covered: nobody can try out short secrets on it.
    pub(super) sha256: String,
}

impl Listener {
    /// A pipe and its other end.
    pub(super) fn new(secrets: &[&str]) -> io::Result<(Self, PipeWriter)> {
        let (from, writer) = io::pipe()?;
        let flags = rustix::fs::fcntl_getfl(&from)?;
        rustix::fs::fcntl_setfl(&from, flags | OFlags::NONBLOCK)?;
        let cover = Cover::new(secrets);
        Ok((Self { from: Some(from), kept: Kept::default(), hash: Sha256::new(), cover }, writer))
    }

    /// What to wait on; `None`: the stream has ended.
    pub(super) fn open_end(&self) -> Option<BorrowedFd<'_>> {
        self.from.as_ref().map(AsFd::as_fd)
    }

    /// Takes what is there, a bounded piece of it; false: nothing is.
    pub(super) fn hear(&mut self) -> bool {
        let Some(from) = &mut self.from else { return false };
        let mut piece = vec![0; PIECE];
        match from.read(&mut piece) {
            Ok(0) => self.from = None,
            Ok(n) => {
                let mut shown = Vec::new();
                self.cover.push(&piece[..n], &mut shown);
                self.keep(&piece[..n], &shown);
                return true;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => return true,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.from = None,
        }
        false
    }

    fn keep(&mut self, raw: &[u8], shown: &[u8]) {
        let kept = &mut self.kept;
        kept.bytes += raw.len() as u64;
        kept.raw.extend(raw.iter().take(MAX_OUTPUT.saturating_sub(kept.raw.len())));
        kept.head.extend(shown.iter().take(MAX_OUTPUT.saturating_sub(kept.head.len())));
        kept.tail.extend_from_slice(shown);
        if let Some(over) = kept.tail.len().checked_sub(TAIL) {
            kept.tail.drain(..over);
        }
        self.hash.update(shown);
    }

    /// Takes what is still in the pipe, and no more: somebody who left the group may hold it for ever.
    pub(super) fn close(mut self) -> Kept {
        // A pipe holds far less than this many pieces.
        for _ in 0..64 {
            if !self.hear() {
                break;
            }
        }
        let mut rest = Vec::new();
        self.cover.finish(&mut rest);
        self.keep(&[], &rest);
        self.kept.sha256 = data_encoding::HEXLOWER.encode(&self.hash.finalize());
        self.kept
    }
}
