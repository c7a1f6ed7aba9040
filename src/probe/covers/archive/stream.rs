//! An archive file, unpacked by a thread of its own and handed on in blocks. SHELL.

use std::fs::File;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::super::super::progress::Progress;
use super::Broken;

/// The length of a block, and how many are under way.
const BLOCK: usize = 256 << 10;
const BLOCKS: usize = 4;

/// The archive file: says how far it was read, and tells an error of the disk from one of what is written there.
#[derive(Debug)]
pub(super) struct Told<'a> {
    pub(super) file: File,
    pub(super) progress: &'a Progress,
}

/// What comes out, block by block.
#[derive(Debug)]
pub(super) struct Stream {
    blocks: Receiver<io::Result<Vec<u8>>>,
    spent: SyncSender<Vec<u8>>,
    block: Vec<u8>,
    at: usize,
    ended: bool,
}

/// The other end of a [`Stream`].
#[derive(Debug)]
pub(super) struct Feed {
    blocks: SyncSender<io::Result<Vec<u8>>>,
    spent: Receiver<Vec<u8>>,
}

/// Both ends.
pub(super) fn pipe() -> (Feed, Stream) {
    let (blocks, from) = sync_channel(BLOCKS);
    let (back, spent) = sync_channel(BLOCKS + 2);
    let stream = Stream { blocks: from, spent: back, block: Vec::new(), at: 0, ended: false };
    (Feed { blocks, spent }, stream)
}

impl Feed {
    /// Says that nothing can be read.
    pub(super) fn fail(self, e: io::Error) {
        // Nobody listens any more: then nobody needs to know.
        let _ = self.blocks.send(Err(e));
    }

    /// Hands on all that can be read, or until nobody wants more.
    pub(super) fn run(self, mut from: impl Read) {
        loop {
            let mut block = self.spent.try_recv().unwrap_or_default();
            block.resize(BLOCK, 0);
            let mut have = 0;
            let mut wrong = None;
            while have < BLOCK {
                match from.read(&mut block[have..]) {
                    Ok(0) => break,
                    Ok(more) => have += more,
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Err(e) => {
                        wrong = Some(e);
                        break;
                    }
                }
            }
            block.truncate(have);
            let ended = have < BLOCK;
            if have > 0 && self.blocks.send(Ok(block)).is_err() {
                return;
            }
            if let Some(e) = wrong {
                return self.fail(e);
            }
            if ended {
                return;
            }
        }
    }
}

impl Stream {
    /// What can be had without waiting for more; nothing at the end.
    pub(super) fn block(&mut self) -> Result<&[u8], Broken> {
        if self.at == self.block.len() && !self.ended {
            let spent = std::mem::take(&mut self.block);
            // Full only when the other end is gone.
            let _ = self.spent.try_send(spent);
            self.at = 0;
            match self.blocks.recv() {
                Ok(Ok(block)) => self.block = block,
                Ok(Err(e)) => {
                    self.ended = true;
                    return Err(Broken::from(e));
                }
                Err(_) => self.ended = true,
            }
        }
        Ok(&self.block[self.at..])
    }

    /// So much of the block is used up.
    pub(super) fn used(&mut self, len: usize) {
        self.at += len;
    }

    /// So much of the block, which is then used up.
    pub(super) fn take(&mut self, len: usize) -> &[u8] {
        let from = self.at;
        self.at += len;
        &self.block[from..self.at]
    }

    /// Reads until the buffer is full or all is read; how much it was.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Broken> {
        let mut have = 0;
        while have < buffer.len() {
            let block = self.block()?;
            if block.is_empty() {
                break;
            }
            let len = block.len().min(buffer.len() - have);
            buffer[have..have + len].copy_from_slice(&block[..len]);
            have += len;
            self.used(len);
        }
        Ok(have)
    }

    /// Reads to the end, so that what is packed is checked to its last byte.
    pub(super) fn drain(&mut self) -> Result<(), Broken> {
        loop {
            let len = self.block()?.len();
            if len == 0 {
                return Ok(());
            }
            self.used(len);
        }
    }
}

impl Read for Told<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = loop {
            match self.file.read(into) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.progress.bytes(read as u64);
        Ok(read)
    }
}
