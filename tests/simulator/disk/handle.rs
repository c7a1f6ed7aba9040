//! The journal's file as a process has it open: what each call on it does, and at which of them what is armed strikes. A
//! take-over goes the way of the real one, call by call: it syncs and reads; where the tail is torn it copies, syncs the copy,
//! cuts, syncs.

use std::io;
use std::path::{Path, PathBuf};

use onbelay::journal::JournalError;
use onbelay::journal::reader::{self, Scanned};
use onbelay::journal::writer::{Place, Repair, Storage};
use onbelay::session::Entry;

use super::{Armed, Aside, CUTS, Chance, Cut, Disk, Fault, Lie, Platter};

/// A host begins within four attempts, one of which something else may spoil.
const MISSED_RUNNING: u32 = 2;

/// The file as a process has it open.
pub(super) struct Handle(pub(super) Disk);

impl Storage for Handle {
    fn check(&mut self, len: u64) -> io::Result<()> {
        let mut disk = self.0.lock();
        disk.used()?;
        if disk.armed(Fault::CheckFails).is_some() {
            return Err(disk.fails("the file was replaced", io::ErrorKind::Other));
        }
        if disk.armed(Fault::KilledBeforeWrite).is_some() {
            return Err(disk.kill("killed before the write"));
        }
        if disk.cache.len() as u64 == len { Ok(()) } else { Err(io::Error::other("another length")) }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut disk = self.0.lock();
        disk.used()?;
        if let Some(mut chance) = disk.armed(Fault::NoSpace) {
            let taken = chance.index(bytes.len());
            disk.write(&bytes[..taken]);
            return Err(disk.fails("the disk is full", io::ErrorKind::StorageFull));
        }
        if disk.armed(Fault::WriteFails).is_some() {
            return Err(disk.fails("a write fails", io::ErrorKind::Other));
        }
        if let Some(mut chance) = disk.armed(Fault::KilledInWrite) {
            let taken = chance.index(bytes.len() + 1);
            disk.write(&bytes[..taken]);
            return Err(disk.kill("killed in a write"));
        }
        if let Some(Armed { fault: Fault::ShortWrites, chance, .. }) = &mut disk.armed {
            let taken = 1 + chance.index(bytes.len().min(200));
            if chance.one_in(4) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            disk.write(&bytes[..taken]);
            disk.fired.push("short writes");
            return Ok(taken);
        }
        disk.write(bytes);
        Ok(bytes.len())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut disk = self.0.lock();
        disk.used()?;
        disk.sync()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        let mut disk = self.0.lock();
        if disk.killed {
            return Ok(());
        }
        if disk.cut_fails {
            disk.fired.push("cutting the file fails");
            return Err(io::ErrorKind::Other.into());
        }
        disk.cut(usize::try_from(len).unwrap_or(usize::MAX), Cut::OfAnAppend);
        Ok(())
    }
}

impl Place for Handle {
    fn path(&self) -> &Path {
        Path::new("journal.jsonl")
    }

    fn read(&mut self, each: &mut dyn FnMut(Entry)) -> Result<Scanned, JournalError> {
        let mut disk = self.0.lock();
        disk.used().map_err(cannot("sync"))?;
        if let Err(error) = disk.sync().and_then(|()| disk.lives()) {
            let killed = disk.killed;
            disk.fired.push(if killed {
                "a take-over is killed at its sync"
            } else {
                "a take-over's sync fails"
            });
            return Err(cannot("sync")(error));
        }
        // A page that is dirty still is not forgotten.
        if disk.dirty.is_empty() && disk.cache != disk.durable && disk.lie != Lie::TheKernelRemembers {
            disk.fired.push("what only the kernel had is forgotten");
            let platter = &mut *disk;
            platter.cache.clone_from(&platter.durable);
        }
        reader::scan(&disk.cache[..], each).map_err(|error| JournalError::Broken { why: error.to_string() })
    }

    fn keep_aside(&mut self, len: u64, bytes: u64) -> Result<Repair, JournalError> {
        let mut disk = self.0.lock();
        disk.used().map_err(cannot("keep the torn end of"))?;
        disk.arms_a_cut();
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let tail = disk.cache.get(len..).unwrap_or_default();
        let tail = tail[..tail.len().min(usize::try_from(bytes).unwrap_or(usize::MAX))].to_vec();
        let kept_in = disk.copy(&tail).map_err(cannot("keep the torn end of"))?;
        disk.cut_a_tail(len).map_err(cannot("cut the torn end off"))?;
        disk.missed = 0;
        disk.fired.push("a torn tail is cut");
        Ok(Repair { kept_in, bytes })
    }
}

fn cannot(doing: &'static str) -> impl Fn(io::Error) -> JournalError {
    move |source| JournalError::Io { doing, path: PathBuf::from("journal.jsonl"), source }
}

impl Platter {
    /// Where nothing is armed, something may go wrong with a cut all the same.
    fn arms_a_cut(&mut self) {
        if self.armed.is_some() || self.missed >= MISSED_RUNNING || !self.cuts.percent(60) {
            return;
        }
        self.missed += 1;
        let chance = Chance::new(self.cuts.next());
        match CUTS.get(self.cuts.index(CUTS.len() + 1)) {
            Some((fault, passes)) => self.armed = Some(Armed { fault: *fault, chance, passes: *passes }),
            None => self.cut_fails = true,
        }
    }

    /// A torn tail goes to a file of its own, durably.
    fn copy(&mut self, tail: &[u8]) -> io::Result<String> {
        let name_of = |number: usize| format!("journal.broken-{number}");
        let name = name_of(self.copies.len() + 1);
        if self.lie == Lie::TheTailIsNotKept {
            return Ok(name);
        }
        let (taken, written) = self.write_a_copy(tail);
        self.copies.push(Aside { name: name.clone(), bytes: tail[..taken].to_vec(), is_synced: false });
        written?;
        if self.armed(Fault::KilledBeforeSync).is_some() {
            return Err(self.kill("killed between a torn tail's copy and its sync"));
        }
        let lost = self.armed(Fault::SyncFailsLost).map(|_| 0);
        let partly = self.armed(Fault::SyncFailsPartly).map(|mut chance| chance.index(tail.len() + 1));
        let reached = self.armed(Fault::SyncFailsReached).map(|_| tail.len());
        let left = lost.or(partly).or(reached);
        if let Some(copy) = self.copies.last_mut() {
            copy.is_synced = true;
            copy.bytes.truncate(left.unwrap_or(tail.len()));
        }
        if left.is_some() {
            return Err(self.fails("the sync of a torn tail's copy fails", io::ErrorKind::Other));
        }
        if self.armed(Fault::KilledAfterSync).is_some() {
            return Err(self.kill("killed between a torn tail's copy and its cut"));
        }
        Ok(name)
    }

    /// How much of it is written, and whether that is all.
    fn write_a_copy(&mut self, tail: &[u8]) -> (usize, io::Result<()>) {
        if let Some(mut chance) = self.armed(Fault::NoSpace) {
            let full = self.fails("a torn tail cannot be copied", io::ErrorKind::StorageFull);
            return (chance.index(tail.len()), Err(full));
        }
        if self.armed(Fault::WriteFails).is_some() {
            return (0, Err(self.fails("a torn tail cannot be copied", io::ErrorKind::Other)));
        }
        let in_it = self.armed(Fault::KilledInWrite).map(|mut chance| chance.index(tail.len() + 1));
        let before_it = self.armed(Fault::KilledBeforeWrite).map(|_| 0);
        match in_it.or(before_it) {
            Some(taken) => (taken, Err(self.kill("killed at the copy of a torn tail"))),
            None => (tail.len(), Ok(())),
        }
    }

    /// … and is cut off, durably.
    fn cut_a_tail(&mut self, len: usize) -> io::Result<()> {
        if self.cut_fails {
            return Err(self.fails("a torn tail cannot be cut off", io::ErrorKind::Other));
        }
        self.cut(len, Cut::OfATail);
        let synced = self.sync().and_then(|()| self.lives());
        match (&synced, self.killed, self.cut) {
            (Ok(()), ..) => {}
            (Err(_), false, _) => self.fired.push("the sync of a torn tail's cut fails"),
            (Err(_), true, Cut::None) => self.fired.push("killed after a torn tail's cut, before its record"),
            (Err(_), true, _) => self.fired.push("killed between a torn tail's cut and its sync"),
        }
        synced
    }
}
