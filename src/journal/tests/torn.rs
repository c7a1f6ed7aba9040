//! What a power cut may leave of what was written and not yet synced: any of its sectors, in any order, and any length (J10).
//! `LazyFS` brings this about below a file system; here it is done to the file, as no `LazyFS` is packaged for Debian.

use std::fs;
use std::io;
use std::sync::{Arc, Mutex};

use super::super::JournalError;
use super::super::reader::{Tail, read};
use super::super::writer::{Storage, Writer};
use super::{entries, entry, in_memory, journal_in, take_up};
use crate::session::{Entry, Event};

const SECTOR: usize = 512;
const ROUNDS: u64 = 100;
/// How often the machine loses its power in one round: each time the same write, another part of it kept.
const CUTS: usize = 10;

/// A small generator: a round is replayed by its number.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).unwrap() % bound
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }
}

/// A disk with a cache: what is on it, and what was only written.
#[derive(Clone, Default)]
struct Cached(Arc<Mutex<Disk>>);

#[derive(Default)]
struct Disk {
    durable: Vec<u8>,
    /// All of the file, as long as the power is there.
    cache: Vec<u8>,
    /// This many bytes more, and the power is gone in the middle of a write.
    power: Option<usize>,
    fail_sync: bool,
}

impl Storage for Cached {
    fn check(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut disk = self.0.lock().unwrap();
        let taken = disk.power.map_or(bytes.len(), |left| left.min(bytes.len()));
        disk.cache.extend_from_slice(&bytes[..taken]);
        if taken < bytes.len() { Err(io::ErrorKind::Other.into()) } else { Ok(taken) }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        if disk.power.is_some() || disk.fail_sync {
            return Err(io::ErrorKind::Other.into());
        }
        disk.durable = disk.cache.clone();
        Ok(())
    }

    /// The power may be gone before the cut is on the disk: then what was cut comes back.
    fn truncate(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }
}

impl Disk {
    /// What is found when the power is back.
    fn after_a_cut(&self, dice: &mut Dice) -> Vec<u8> {
        let (old, new) = (self.durable.len(), self.cache.len());
        let len = match dice.below(4) {
            0 => new,
            1 => old,
            2 => old + dice.below(new - old + 1),
            _ => (old + dice.below(new - old + 1)).next_multiple_of(SECTOR).min(new),
        };
        let mut found = self.durable.clone();
        found.resize(len, 0);
        for sector in old / SECTOR..len.div_ceil(SECTOR) {
            if dice.coin() {
                let part = (sector * SECTOR).max(old)..((sector + 1) * SECTOR).min(len);
                found[part.clone()].copy_from_slice(&self.cache[part]);
            }
        }
        found
    }
}

/// Records of any length, some longer than a page.
fn pool(dice: &mut Dice) -> Vec<Entry> {
    entries(60)
        .into_iter()
        .map(|one| match (one.n, dice.below(3)) {
            (1 | 2, _) | (_, 0) => one,
            (n, 1) => entry(n, Event::Noted { text: "x".repeat(dice.below(700)) }),
            (n, _) => entry(n, Event::Noted { text: "long ".repeat(dice.below(1_600)) }),
        })
        .collect()
}

#[test]
fn j10_j11_f_d1_f_d2_whatever_sectors_of_the_last_write_a_power_cut_leaves_nothing_acknowledged_is_lost() {
    let (mut cuts, mut torn, mut holed) = (0, 0, 0);
    for round in 1..=ROUNDS {
        let mut dice = Dice(round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let pool = pool(&mut dice);
        let disk = Cached::default();
        let mut writer = Writer::over(Box::new(disk.clone()));
        let mut acknowledged = 0;
        while acknowledged < 4 + dice.below(30) {
            let batch = 1 + dice.below(5);
            writer.append(&pool[acknowledged..acknowledged + batch]).unwrap();
            acknowledged += batch;
        }
        // The last: cut short in the middle (torn-op), or whole and its sync failing (its sectors in any order: torn-seq).
        let batch = 1 + dice.below(8);
        {
            let mut disk = disk.0.lock().unwrap();
            disk.fail_sync = true;
            disk.power = dice.coin().then(|| dice.below(3_000));
        }
        let failed = writer.append(&pool[acknowledged..acknowledged + batch]);
        assert!(matches!(failed, Err(JournalError::Broken { .. })));
        for cut in 0..CUTS {
            let place = format!("round {round}, cut {cut}");
            let found = disk.0.lock().unwrap().after_a_cut(&mut dice);
            let home = in_memory();
            journal_in(home.path(), &found);
            let (mut next, log, repair) =
                take_up(home.path()).unwrap_or_else(|error| panic!("{place}: {error}"));
            let whole = log.entries.len();
            assert!(
                (acknowledged..=acknowledged + batch).contains(&whole),
                "{place}: {whole} of {acknowledged}"
            );
            assert_eq!(log.entries, pool[..whole], "{place}");
            // To exactly the last whole record: what follows is none, and all of it is kept aside.
            let after = found[usize::try_from(log.len).unwrap()..].to_vec();
            assert_eq!(
                repair.as_ref().map(|repair| repair.bytes),
                (!after.is_empty()).then_some(after.len() as u64)
            );
            if let Some(repair) = repair {
                assert_eq!(fs::read(home.path().join(repair.kept_in)).unwrap(), after, "{place}");
                torn += 1;
                holed += u32::from(after.contains(&0));
            }
            next.append(&pool[whole..=whole]).unwrap();
            let log = read(home.path()).unwrap();
            assert_eq!((log.entries.as_slice(), log.tail), (&pool[..=whole], Tail::Whole), "{place}");
            cuts += 1;
        }
    }
    // Not a condition but of the test itself: it must have met what it is for. Shown with --nocapture.
    println!("{cuts} power cuts, {torn} torn tails, {holed} with sectors that never reached the disk");
    assert!(torn > 300 && holed > 150, "{torn} torn, {holed} holed");
}

#[test]
fn j11_a_write_whose_first_sectors_are_missing_is_torn_and_a_later_one_after_it_is_damage() {
    let long = |n| entry(n, Event::Noted { text: "x".repeat(900) });
    let all: Vec<Entry> = entries(2).into_iter().chain((3..=6).map(long)).collect();
    let disk = Cached::default();
    let mut writer = Writer::over(Box::new(disk.clone()));
    writer.append(&all[..2]).unwrap();
    let from = disk.0.lock().unwrap().durable.len();
    writer.append(&all[2..5]).unwrap();
    let mut bytes = disk.0.lock().unwrap().durable.clone();
    // Of the one write of three records only the end is there: record 5, whole.
    let boundary = (from + 1).next_multiple_of(SECTOR) + SECTOR;
    bytes[from..boundary].fill(0);
    let home = tempfile::tempdir().unwrap();
    journal_in(home.path(), &bytes);
    let (_, found, repair) = take_up(home.path()).unwrap();
    assert_eq!((found.entries.len(), repair.unwrap().bytes), (2, (bytes.len() - from) as u64));
    // With another write behind it, whose sync says that all before it was there, it is none of that.
    writer.append(&all[5..]).unwrap();
    let mut bytes = disk.0.lock().unwrap().durable.clone();
    bytes[from..boundary].fill(0);
    journal_in(home.path(), &bytes);
    assert!(matches!(take_up(home.path()), Err(JournalError::Damaged { .. })));
}
