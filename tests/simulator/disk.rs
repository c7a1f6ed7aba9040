//! A disk that forgets what was not synced. It has two images of one file: what every process reads (`cache`), and what the
//! platter holds; a sync copies the dirty sectors from one to the other. Faults are armed one at a time, by name.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use onbelay::journal::JournalError;
use onbelay::journal::reader::{self, Scanned};
use onbelay::journal::writer::{Place, Repair, Storage};
use onbelay::session::Entry;

use super::chance::Chance;

const SECTOR: usize = 512;

/// What can go wrong with the next append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The writes take a few bytes each, and are interrupted.
    ShortWrites,
    /// The disk takes some bytes and is full.
    NoSpace,
    /// The write fails.
    WriteFails,
    /// The sync fails, and all had reached the platter.
    SyncFailsReached,
    /// The sync fails, nothing reached the platter, and the kernel forgets that it should have.
    SyncFailsLost,
    /// The sync fails, and some sectors reached the platter.
    SyncFailsPartly,
    /// The file is not what it should be any more.
    CheckFails,
    /// The process is killed before the write.
    KilledBeforeWrite,
    /// The process is killed in the middle of the write.
    KilledInWrite,
    /// The process is killed after the write, before the sync.
    KilledBeforeSync,
    /// The process is killed after the sync, before anybody was told.
    KilledAfterSync,
}

pub(crate) const FAULTS: [Fault; 11] = [
    Fault::ShortWrites,
    Fault::NoSpace,
    Fault::WriteFails,
    Fault::SyncFailsReached,
    Fault::SyncFailsLost,
    Fault::SyncFailsPartly,
    Fault::CheckFails,
    Fault::KilledBeforeWrite,
    Fault::KilledInWrite,
    Fault::KilledBeforeSync,
    Fault::KilledAfterSync,
];

/// What a disk does that no disk may: for the tests of the simulator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lie {
    #[default]
    None,
    /// A sync says yes and does nothing.
    SyncDoesNothing,
    /// A failed sync says yes.
    FailureSaysYes,
    /// Who reads gets what is not on the platter, and goes on after it.
    TheKernelRemembers,
}

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a state of its own")]
pub(crate) struct Platter {
    cache: Vec<u8>,
    durable: Vec<u8>,
    /// Sectors of the cache that the platter has yet to get.
    dirty: BTreeSet<usize>,
    /// The file was cut, and the platter does not know yet.
    cut: bool,
    armed: Option<(Fault, Chance)>,
    /// Cutting the file fails too.
    cut_fails: bool,
    /// The process is gone: nothing it does has an effect.
    killed: bool,
    pub(crate) fired: Vec<&'static str>,
    /// Appends or syncs that came after a failure, from the same host.
    pub(crate) tried_again: u32,
    failed: bool,
    lie: Lie,
}

/// Both sides of the file: the host's, and the simulator's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<Platter>>);

impl Disk {
    pub(crate) fn new(lie: Lie) -> Self {
        let disk = Self::default();
        disk.lock().lie = lie;
        disk
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn arm(&self, fault: Fault, cut_fails: bool, chance: Chance) {
        let mut disk = self.lock();
        disk.armed = Some((fault, chance));
        disk.cut_fails = cut_fails;
    }

    pub(crate) fn disarm(&self) {
        let mut disk = self.lock();
        disk.armed = None;
        disk.cut_fails = false;
    }

    pub(crate) fn is_killed(&self) -> bool {
        self.lock().killed
    }

    /// What a process reads from byte `from` on.
    pub(crate) fn from(&self, from: usize) -> Vec<u8> {
        self.lock().cache.get(from..).unwrap_or_default().to_vec()
    }

    /// Does the platter hold what is read, between these bytes?
    pub(crate) fn is_durable(&self, from: usize, to: usize) -> bool {
        let disk = self.lock();
        let (cache, durable) = (disk.cache.get(from..to), disk.durable.get(from..to));
        cache.is_some() && cache == durable
    }

    /// The process is gone; another may open the file. What was written stays in the kernel's memory.
    pub(crate) fn process_gone(&self) {
        let mut disk = self.lock();
        disk.killed = false;
        disk.failed = false;
        disk.armed = None;
        disk.cut_fails = false;
    }

    /// The power is gone: of what was not synced, anything may have reached the platter.
    pub(crate) fn power_off(&self, chance: &mut Chance) {
        self.process_gone();
        let mut disk = self.lock();
        let disk = &mut *disk;
        let cache = std::mem::take(&mut disk.cache);
        if disk.cut && chance.percent(50) {
            disk.durable.truncate(cache.len());
        }
        let old = disk.durable.len();
        if !disk.dirty.is_empty() && cache.len() > old {
            disk.fired.push("unsynced tail at a power-off");
            match chance.below(4) {
                0 => disk.fired.push("nothing of it survives"),
                // A prefix, to the byte.
                1 => {
                    let end = old + chance.index(cache.len() - old + 1);
                    disk.durable.extend_from_slice(&cache[old..end]);
                    disk.fired.push("a prefix survives");
                }
                // The file has its new length, and some sectors are there and some are not.
                _ => {
                    let end = if chance.percent(70) {
                        cache.len()
                    } else {
                        old + chance.index(cache.len() - old + 1)
                    };
                    disk.durable.resize(end, 0);
                    let mut gap = false;
                    for sector in std::mem::take(&mut disk.dirty) {
                        let from = (sector * SECTOR).max(old);
                        let to = ((sector + 1) * SECTOR).min(end);
                        if from >= to {
                            continue;
                        }
                        if chance.percent(50) {
                            disk.durable[from..to].copy_from_slice(&cache[from..to]);
                            if gap {
                                disk.fired.push("a later sector without an earlier one");
                            }
                        } else {
                            gap = true;
                        }
                    }
                    if a_record_lost_one_before(&cache[old..], &disk.durable[old..]) {
                        disk.fired.push("a later record without an earlier one");
                    }
                }
            }
        }
        disk.dirty.clear();
        disk.cut = false;
        disk.cache = disk.durable.clone();
    }

    /// The last whole line is lost: for the tests of the simulator.
    pub(crate) fn lose_the_last_line(&self) {
        let mut disk = self.lock();
        let body = disk.cache.len().saturating_sub(1);
        let end = disk.cache[..body].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        disk.cache.truncate(end);
        let platter = &mut *disk;
        platter.durable.clone_from(&platter.cache);
        disk.dirty.clear();
    }

    /// A byte in the middle is another: for the tests of the simulator.
    pub(crate) fn scramble(&self) {
        let mut disk = self.lock();
        let middle = disk.cache.len() / 2;
        disk.cache[middle] ^= 1;
        let platter = &mut *disk;
        platter.durable.clone_from(&platter.cache);
        disk.dirty.clear();
    }

    /// A new host opens the file.
    pub(crate) fn open(&self) -> Box<dyn Place> {
        Box::new(Handle(self.clone()))
    }

    /// The journal's storage, for the host that makes it.
    pub(crate) fn make(&self) -> Box<dyn Storage> {
        Box::new(Handle(self.clone()))
    }
}

impl Platter {
    fn write(&mut self, bytes: &[u8]) {
        let from = self.cache.len();
        self.cache.extend_from_slice(bytes);
        if !bytes.is_empty() {
            self.dirty.extend(from / SECTOR..=(self.cache.len() - 1) / SECTOR);
        }
    }

    fn reach(&mut self, sectors: &BTreeSet<usize>) {
        self.durable.resize(self.cache.len(), 0);
        for sector in sectors {
            let to = ((sector + 1) * SECTOR).min(self.cache.len());
            let from = (sector * SECTOR).min(to);
            self.durable[from..to].copy_from_slice(&self.cache[from..to]);
        }
    }

    fn fails(&mut self, what: &'static str, error: io::ErrorKind) -> io::Error {
        self.fired.push(what);
        self.failed = true;
        error.into()
    }

    fn armed(&mut self, fault: Fault) -> Option<Chance> {
        let chance =
            self.armed.as_ref().filter(|(armed, _)| *armed == fault).map(|(_, chance)| chance.clone())?;
        self.armed = None;
        Some(chance)
    }

    fn kill(&mut self, what: &'static str) -> io::Error {
        self.fired.push(what);
        self.killed = true;
        io::Error::other("the process is gone")
    }

    fn used(&mut self) -> io::Result<()> {
        if self.killed {
            return Err(io::Error::other("the process is gone"));
        }
        self.tried_again += u32::from(self.failed);
        Ok(())
    }
}

/// Is a whole record there that comes after one that is not?
fn a_record_lost_one_before(written: &[u8], there: &[u8]) -> bool {
    let (mut from, mut lost) = (0, false);
    for line in written.split_inclusive(|byte| *byte == b'\n') {
        let same = there.get(from..from + line.len()) == Some(line);
        if same && lost {
            return true;
        }
        lost |= !same;
        from += line.len();
    }
    false
}

/// The file as a process has it open.
struct Handle(Disk);

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
        if let Some((Fault::ShortWrites, chance)) = &mut disk.armed {
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
        if disk.armed(Fault::KilledBeforeSync).is_some() {
            return Err(disk.kill("killed before the sync"));
        }
        if disk.lie == Lie::SyncDoesNothing {
            return Ok(());
        }
        let dirty = std::mem::take(&mut disk.dirty);
        let yes = disk.lie == Lie::FailureSaysYes;
        let said = |error: io::Error| if yes { Ok(()) } else { Err(error) };
        if disk.armed(Fault::SyncFailsLost).is_some() {
            return said(disk.fails("a sync fails, nothing reached the disk", io::ErrorKind::Other));
        }
        if let Some(mut chance) = disk.armed(Fault::SyncFailsPartly) {
            let some = dirty.into_iter().filter(|_| chance.percent(50)).collect();
            disk.reach(&some);
            return said(disk.fails("a sync fails, a part reached the disk", io::ErrorKind::Other));
        }
        disk.reach(&dirty);
        disk.cut = false;
        if disk.armed(Fault::SyncFailsReached).is_some() {
            return said(disk.fails("a sync fails, all reached the disk", io::ErrorKind::Other));
        }
        if disk.armed(Fault::KilledAfterSync).is_some() {
            disk.kill("killed after the sync");
        }
        Ok(())
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
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        disk.cache.truncate(len);
        disk.dirty.retain(|sector| sector * SECTOR < len);
        disk.cut = true;
        Ok(())
    }
}

impl Place for Handle {
    fn path(&self) -> &Path {
        Path::new("journal.jsonl")
    }

    fn read(&mut self, each: &mut dyn FnMut(Entry)) -> Result<Scanned, JournalError> {
        let mut disk = self.0.lock();
        let dirty = std::mem::take(&mut disk.dirty);
        disk.reach(&dirty);
        disk.cut = false;
        if disk.cache != disk.durable && disk.lie != Lie::TheKernelRemembers {
            disk.fired.push("what only the kernel had is forgotten");
            let platter = &mut *disk;
            platter.cache.clone_from(&platter.durable);
        }
        reader::scan(&disk.cache[..], each).map_err(|error| JournalError::Broken { why: error.to_string() })
    }

    fn keep_aside(&mut self, len: u64, bytes: u64) -> Result<Repair, JournalError> {
        let mut disk = self.0.lock();
        disk.cache.truncate(usize::try_from(len).unwrap_or(usize::MAX));
        let platter = &mut *disk;
        platter.durable.clone_from(&platter.cache);
        disk.dirty.clear();
        disk.cut = false;
        disk.fired.push("a torn tail is cut");
        Ok(Repair { kept_in: "journal.broken-1".to_owned(), bytes })
    }
}
