//! A disk that forgets what was not synced. It has two images of one file: what every process reads (`cache`), and what the
//! platter holds; a sync copies the dirty sectors from one to the other. Beside it are the copies of torn tails. Faults are
//! armed one at a time, by name; `handle` is the file as a process has it open, and where they strike.

mod handle;

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use onbelay::journal::writer::{Place, Storage};

use super::chance::Chance;
use handle::Handle;

const SECTOR: usize = 512;

/// What can go wrong with the next append, or with the next host's take-over.
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

impl Fault {
    fn is_of_a_sync(self) -> bool {
        matches!(
            self,
            Self::SyncFailsReached
                | Self::SyncFailsLost
                | Self::SyncFailsPartly
                | Self::KilledBeforeSync
                | Self::KilledAfterSync
        )
    }
}

/// A fault that waits for its moment.
#[derive(Debug)]
struct Armed {
    fault: Fault,
    chance: Chance,
    /// So many moments that would do it lets pass.
    passes: u64,
}

/// What can go wrong where a torn tail is cut off; how many moments it lets pass (the copy is synced before the cut is).
const CUTS: [(Fault, u64); 12] = [
    (Fault::NoSpace, 0),
    (Fault::KilledInWrite, 0),
    (Fault::SyncFailsReached, 0),
    (Fault::SyncFailsLost, 0),
    (Fault::KilledBeforeSync, 0),
    (Fault::KilledAfterSync, 0),
    (Fault::SyncFailsReached, 1),
    (Fault::SyncFailsLost, 1),
    (Fault::KilledBeforeSync, 1),
    (Fault::KilledBeforeSync, 1),
    (Fault::KilledBeforeSync, 1),
    (Fault::KilledAfterSync, 1),
];

/// The file was cut, and the platter does not know yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Cut {
    #[default]
    None,
    /// Of what an append had written and could not sync.
    OfAnAppend,
    /// Of a torn tail.
    OfATail,
}

/// A torn tail, kept beside the journal.
#[derive(Debug)]
struct Aside {
    name: String,
    bytes: Vec<u8>,
    is_synced: bool,
}

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
    /// A torn tail is cut off, and no copy of it is kept.
    TheTailIsNotKept,
}

#[derive(Debug)]
pub(crate) struct Platter {
    cache: Vec<u8>,
    durable: Vec<u8>,
    /// Sectors of the cache that the platter has yet to get.
    dirty: BTreeSet<usize>,
    cut: Cut,
    /// Torn tails that were kept aside.
    copies: Vec<Aside>,
    /// What goes wrong with a cut, where nothing is armed: numbers of their own.
    cuts: Chance,
    /// How often running it did.
    missed: u32,
    armed: Option<Armed>,
    /// Cutting the file fails too.
    cut_fails: bool,
    /// The process is gone: nothing it does has an effect.
    killed: bool,
    pub(crate) fired: Vec<&'static str>,
    /// Appends or syncs that came after a failure, from the same host.
    pub(crate) tried_again: u32,
    /// Something failed that this host had asked of it.
    pub(crate) failed: bool,
    lie: Lie,
}

/// Both sides of the file: the host's, and the simulator's.
#[derive(Clone, Debug)]
pub(crate) struct Disk(Arc<Mutex<Platter>>);

impl Disk {
    pub(crate) fn new(lie: Lie, cuts: Chance) -> Self {
        Self(Arc::new(Mutex::new(Platter {
            cache: Vec::new(),
            durable: Vec::new(),
            dirty: BTreeSet::new(),
            cut: Cut::None,
            copies: Vec::new(),
            cuts,
            missed: 0,
            armed: None,
            cut_fails: false,
            killed: false,
            fired: Vec::new(),
            tried_again: 0,
            failed: false,
            lie,
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn arm(&self, fault: Fault, cut_fails: bool, chance: Chance) {
        let mut disk = self.lock();
        disk.armed = Some(Armed { fault, chance, passes: 0 });
        disk.cut_fails = cut_fails;
    }

    /// For a take-over: which of its syncs, or of those after it, is a matter of the fault's own numbers.
    pub(crate) fn arm_a_take_over(&self, fault: Fault, chance: Chance) {
        let passes = if fault.is_of_a_sync() { Chance::new(chance.clone().next()).below(3) } else { 0 };
        self.lock().armed = Some(Armed { fault, chance, passes });
    }

    /// Numbers for what follows from a take-over that went wrong.
    pub(crate) fn fork(&self) -> Chance {
        Chance::new(self.lock().cuts.next())
    }

    pub(crate) fn disarm(&self) {
        let mut disk = self.lock();
        disk.armed = None;
        disk.cut_fails = false;
    }

    pub(crate) fn is_killed(&self) -> bool {
        self.lock().killed
    }

    /// Is all that was cut off, and is on record as kept in this file, there for good?
    pub(crate) fn keeps(&self, name: &str, bytes: u64) -> bool {
        let disk = self.lock();
        let whole = |copy: &Aside| copy.name == name && copy.is_synced && copy.bytes.len() as u64 == bytes;
        disk.copies.iter().any(whole)
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
        let of_a_tail = disk.cut == Cut::OfATail;
        if disk.cut != Cut::None && chance.percent(50) {
            disk.durable.truncate(cache.len());
            disk.fired.extend(of_a_tail.then_some("the cut of a torn tail survives, unsynced"));
        } else {
            disk.fired.extend(of_a_tail.then_some("the cut of a torn tail is undone by a power-off"));
        }
        for copy in disk.copies.iter_mut().filter(|copy| !copy.is_synced) {
            let left = chance.index(copy.bytes.len() + 1);
            copy.bytes.truncate(left);
            copy.is_synced = true;
            disk.fired.push("an unsynced copy of a torn tail at a power-off");
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
        disk.cut = Cut::None;
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

    /// Is this what is armed, and this its moment?
    fn armed(&mut self, fault: Fault) -> Option<Chance> {
        let armed = self.armed.as_mut().filter(|armed| armed.fault == fault)?;
        if armed.passes > 0 {
            armed.passes -= 1;
            return None;
        }
        self.armed.take().map(|armed| armed.chance)
    }

    fn kill(&mut self, what: &'static str) -> io::Error {
        self.fired.push(what);
        self.killed = true;
        io::Error::other("the process is gone")
    }

    fn lives(&self) -> io::Result<()> {
        if self.killed { Err(io::Error::other("the process is gone")) } else { Ok(()) }
    }

    fn used(&mut self) -> io::Result<()> {
        self.lives()?;
        self.tried_again += u32::from(self.failed);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.armed(Fault::KilledBeforeSync).is_some() {
            return Err(self.kill("killed before the sync"));
        }
        if self.lie == Lie::SyncDoesNothing {
            return Ok(());
        }
        let dirty = std::mem::take(&mut self.dirty);
        let yes = self.lie == Lie::FailureSaysYes;
        let said = |error: io::Error| if yes { Ok(()) } else { Err(error) };
        if self.armed(Fault::SyncFailsLost).is_some() {
            return said(self.fails("a sync fails, nothing reached the disk", io::ErrorKind::Other));
        }
        if let Some(mut chance) = self.armed(Fault::SyncFailsPartly) {
            let some = dirty.into_iter().filter(|_| chance.percent(50)).collect();
            self.reach(&some);
            return said(self.fails("a sync fails, a part reached the disk", io::ErrorKind::Other));
        }
        self.reach(&dirty);
        self.cut = Cut::None;
        if self.armed(Fault::SyncFailsReached).is_some() {
            return said(self.fails("a sync fails, all reached the disk", io::ErrorKind::Other));
        }
        if self.armed(Fault::KilledAfterSync).is_some() {
            self.kill("killed after the sync");
        }
        Ok(())
    }

    fn cut(&mut self, len: usize, cut: Cut) {
        self.cache.truncate(len);
        self.dirty.retain(|sector| sector * SECTOR < len);
        self.cut = cut;
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
