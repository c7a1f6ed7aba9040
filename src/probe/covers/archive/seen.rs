//! What an archive was seen to hold of the source: a mark of sixteen bytes a name. PURE.
//!
//! A mark is a keyed hash of the name, so names cannot be made to share one. Marks lie in many small tables that grow one
//! at a time: growing never needs the whole of it twice.

use std::collections::HashMap;

use super::super::tally::What;

/// Of so many differences the particulars are kept.
const PARTICULARS: usize = 4_096;
const TABLES: usize = 256;
/// What a mark says of its name stands in its lowest bits.
const STATE_BITS: u128 = 0b11;

/// What is known of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// As it should be.
    Fine = 1,
    /// A directory that only the names of others speak of.
    Implied = 2,
    /// Something is wrong.
    Wrong = 3,
}

/// What the archive says of a name of the source.
#[derive(Clone, Debug)]
pub(in super::super) enum Told {
    /// Nothing.
    Missing,
    /// It is there, as it should be.
    Fine,
    /// It is a directory that only the names of others speak of: nothing is known of its mode or owner.
    Implied,
    /// It is there, and this is wrong.
    Wrong(What),
}

/// The names that were seen.
#[derive(Debug)]
pub(super) struct Seen {
    key: [u8; 32],
    tables: Vec<Table>,
    particulars: HashMap<u128, What>,
}

#[derive(Clone, Debug, Default)]
struct Table {
    /// Nought is a free place.
    slots: Vec<u128>,
    used: usize,
}

impl Seen {
    /// Nothing yet. The key must not be known to who made the archive.
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self { key, tables: vec![Table::default(); TABLES], particulars: HashMap::new() }
    }

    /// Notes what a member showed; the last one of a name is the one that counts. True when the name is new.
    pub(super) fn put(&mut self, place: usize, path: &[u8], wrong: Option<What>) -> bool {
        let mark = self.mark(place, path);
        let Some(what) = wrong else {
            self.particulars.remove(&mark);
            return self.tables[table_of(mark)].put(mark | State::Fine as u128);
        };
        if self.particulars.len() < PARTICULARS || self.particulars.contains_key(&mark) {
            self.particulars.insert(mark, what);
        }
        self.tables[table_of(mark)].put(mark | State::Wrong as u128)
    }

    /// Notes a directory that the name of a member speaks of. True when the name is new.
    pub(super) fn imply(&mut self, place: usize, path: &[u8]) -> bool {
        let mark = self.mark(place, path);
        let table = &mut self.tables[table_of(mark)];
        table.get(mark).is_none() && table.put(mark | State::Implied as u128)
    }

    /// A name of which nothing is known any more.
    pub(super) fn forget(&mut self, place: usize, path: &[u8]) {
        let mark = self.mark(place, path);
        self.tables[table_of(mark)].put(mark | State::Implied as u128);
    }

    /// What was noted of a name.
    pub(super) fn get(&self, place: usize, path: &[u8]) -> Told {
        let mark = self.mark(place, path);
        match self.tables[table_of(mark)].get(mark) {
            None => Told::Missing,
            Some(slot) if slot & STATE_BITS == State::Fine as u128 => Told::Fine,
            Some(slot) if slot & STATE_BITS == State::Implied as u128 => Told::Implied,
            Some(_) => Told::Wrong(self.particulars.get(&mark).cloned().unwrap_or(What::Unsaid)),
        }
    }

    fn mark(&self, place: usize, path: &[u8]) -> u128 {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&(place as u64).to_le_bytes());
        hasher.update(path);
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        u128::from_le_bytes(bytes) & !STATE_BITS
    }
}

/// By the highest byte.
fn table_of(mark: u128) -> usize {
    usize::from(mark.to_be_bytes()[0])
}

impl Table {
    /// True when the mark is new.
    fn put(&mut self, slot: u128) -> bool {
        if (self.used + 1) * 8 > self.slots.len() * 7 {
            self.grow();
        }
        let at = self.place(slot);
        let is_new = self.slots[at] == 0;
        self.slots[at] = slot;
        self.used += usize::from(is_new);
        is_new
    }

    fn get(&self, mark: u128) -> Option<u128> {
        if self.slots.is_empty() {
            return None;
        }
        Some(self.slots[self.place(mark)]).filter(|&slot| slot != 0)
    }

    /// Where a mark stands, or would.
    fn place(&self, slot: u128) -> usize {
        let spread = u64::from_le_bytes(*(slot >> 2).to_le_bytes().first_chunk().unwrap_or(&[0; 8]));
        let mut at = usize::try_from(spread % self.slots.len() as u64).unwrap_or(0);
        while self.slots[at] != 0 && (self.slots[at] ^ slot) & !STATE_BITS != 0 {
            at = if at + 1 == self.slots.len() { 0 } else { at + 1 };
        }
        at
    }

    /// By a third: what is free is memory for nothing.
    fn grow(&mut self) {
        let len = (self.slots.len() + self.slots.len() / 3).max(16);
        for slot in std::mem::replace(&mut self.slots, vec![0; len]) {
            if slot != 0 {
                let at = self.place(slot);
                self.slots[at] = slot;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tally::Side;
    use super::*;

    fn name(n: u32) -> [u8; 4] {
        n.to_le_bytes()
    }

    #[test]
    fn each_name_is_found_again_and_no_other() {
        let mut seen = Seen::new([7; 32]);
        for n in 0..50_000 {
            assert!(seen.put(0, &name(n), None), "{n} is new");
        }
        assert!(!seen.put(0, &name(1), None));
        assert!((0..50_000).all(|n| matches!(seen.get(0, &name(n)), Told::Fine)));
        assert!((50_000..100_000).all(|n| matches!(seen.get(0, &name(n)), Told::Missing)));
        // The same name below another place is another one.
        assert!(matches!(seen.get(1, &name(1)), Told::Missing));
        let slots: usize = seen.tables.iter().map(|table| table.slots.len()).sum();
        assert!(slots < 50_000 * 17 / 10, "{slots} places for 50,000 names");
    }

    #[test]
    fn the_last_word_counts_and_an_implied_directory_is_the_weakest() {
        let mut seen = Seen::new([7; 32]);
        assert!(seen.imply(0, b"a"));
        assert!(matches!(seen.get(0, b"a"), Told::Implied));
        seen.put(0, b"a", Some(What::Changed(Side::Source)));
        assert!(!seen.imply(0, b"a"));
        assert!(matches!(seen.get(0, b"a"), Told::Wrong(What::Changed(Side::Source))));
        seen.put(0, b"a", None);
        assert!(matches!(seen.get(0, b"a"), Told::Fine));
        assert!(seen.particulars.is_empty());
    }

    #[test]
    fn the_particulars_are_bounded_and_the_fact_is_not() {
        let mut seen = Seen::new([7; 32]);
        for n in 0..5_000 {
            seen.put(0, &name(n), Some(What::Content));
        }
        assert_eq!(seen.particulars.len(), PARTICULARS);
        assert!((0..5_000).all(|n| matches!(seen.get(0, &name(n)), Told::Wrong(_))));
    }
}
