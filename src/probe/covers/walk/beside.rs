//! One file or link of the source beside what stands under its name on the other side. SHELL.

use std::ffi::CStr;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;

use rustix::io::Errno;

use super::super::content::{Both, unreadable};
use super::super::entry::{Facts, look, of_open, target};
use super::super::tally::{Kind, Side, What};
use super::{Job, Other, Pair, Worker};
use crate::runbook::By;

/// A large file is compared in pieces of this length.
const PIECE: u64 = 32 << 20;

impl Worker<'_> {
    /// A file of the source.
    pub(super) fn file(&mut self, pair: &Pair, name: &CStr) -> Result<(), What> {
        self.tally.count(Kind::File);
        let by_size = self.walk.asked.by == By::Size;
        let other = match &pair.other {
            Other::Missing(files) => {
                self.tally.missing_within(files, Kind::File);
                let facts = look(pair.source.as_fd(), name).map_err(|e| gone_or(Side::Source, e))?;
                self.saw(&facts, &[]);
                return Ok(());
            }
            Other::Archive => {
                let facts = look(pair.source.as_fd(), name).map_err(|e| gone_or(Side::Source, e))?;
                self.saw(&facts, &[]);
                return self.told();
            }
            Other::Directory(other) => other.as_fd(),
        };
        // By size alone nothing need be opened.
        let (source, facts) = if by_size {
            (None, look(pair.source.as_fd(), name).map_err(|e| gone_or(Side::Source, e))?)
        } else {
            let source = self.opener.file(pair.source.as_fd(), name).map_err(|e| gone_or(Side::Source, e))?;
            let facts = of_open(&source).map_err(|e| unreadable(Side::Source, e))?;
            (Some(source), facts)
        };
        if facts.kind != Kind::File {
            return Err(What::Changed(Side::Source));
        }
        self.saw(&facts, &[]);
        let copy = beside(other, name, &facts)?;
        if copy.size != facts.size {
            return Err(What::Size(facts.size, copy.size));
        }
        self.walk.asked.also(&facts, &copy)?;
        let Some(source) = source.filter(|_| facts.size > 0) else { return Ok(()) };
        let backup = self.opener.file(other, name).map_err(|e| gone_or(Side::Backup, e))?;
        if !of_open(&backup).is_ok_and(|now| now.unchanged(&copy)) {
            return Err(What::Changed(Side::Backup));
        }
        if self.is_late {
            return Err(What::Changed(Side::Source));
        }
        (self.walk.asked.opened)(&self.path);
        let both = Both::new(self.path.clone(), source, backup, (facts, copy));
        if facts.size > PIECE {
            self.walk.queue.push(Job::Piece(Arc::new(both), 0));
            return Ok(());
        }
        let Self { untold, buffers, tally, .. } = self;
        both.compare((0, facts.size), buffers, &mut |bytes| {
            untold.bytes += bytes;
            tally.bytes += bytes;
        });
        both.finish().map_or(Ok(()), Err)
    }

    /// A piece of a large file. The rest of it is given away first, so that another thread can begin with it.
    pub(super) fn piece(&mut self, both: Arc<Both>, from: u64) {
        let size = both.before.0.size;
        let to = size.min(from + PIECE);
        if to < size && !both.is_settled() {
            self.walk.queue.push(Job::Piece(Arc::clone(&both), to));
        }
        let progress = self.walk.asked.progress;
        let bytes = &mut self.tally.bytes;
        both.compare((from, to), &mut self.buffers, &mut |read| {
            *bytes += read;
            progress.bytes(read);
        });
        // Only the last one to let go of it has it.
        if let Some(both) = Arc::into_inner(both) {
            let path = both.path.clone();
            if let Some(what) = both.finish() {
                self.tally.differs(&path, what);
            }
        }
    }

    /// A link of the source.
    pub(super) fn link(&mut self, pair: &Pair, name: &CStr, facts: &Facts) -> Result<(), What> {
        self.tally.count(Kind::Link);
        let leads = target(pair.source.as_fd(), name).map_err(|e| gone_or(Side::Source, e))?;
        self.saw(facts, &leads);
        let other = match &pair.other {
            Other::Missing(files) => {
                self.tally.missing_within(files, Kind::Link);
                return Ok(());
            }
            Other::Archive => return self.told(),
            Other::Directory(other) => other.as_fd(),
        };
        let copy = beside(other, name, facts)?;
        let copy_leads = target(other, name).map_err(|e| gone_or(Side::Backup, e))?;
        if leads != copy_leads {
            return Err(What::Target(leads, copy_leads));
        }
        self.walk.asked.also(facts, &copy)
    }
}

/// What stands under the same name in the backup, if it is a thing of the same kind and another one than this.
pub(super) fn beside(other: BorrowedFd<'_>, name: &CStr, facts: &Facts) -> Result<Facts, What> {
    let copy = match look(other, name) {
        Ok(copy) => copy,
        Err(Errno::NOENT) => return Err(What::Missing),
        Err(e) => return Err(unreadable(Side::Backup, e)),
    };
    if copy.kind != facts.kind {
        return Err(What::Kind(facts.kind, copy.kind));
    }
    if copy.is_same_as(facts) {
        return Err(What::Same(facts.kind));
    }
    Ok(copy)
}

/// A name that was listed and is not there any more, or has become something else, changed while we looked.
pub(super) fn gone_or(side: Side, e: Errno) -> What {
    match e {
        Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::NXIO | Errno::STALE => What::Changed(side),
        e => unreadable(side, e),
    }
}
