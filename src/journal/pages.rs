//! Parts of a journal, however long it is: only what is asked for is read. SHELL: opens and reads the file.
//! It must not know what records mean, and holds no record from one call to the next.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::session::Entry;

use super::{JOURNAL, JournalError, reader, record};

/// How much is looked through at once for the ends of records, bytes.
const BLOCK: usize = 1 << 18;

/// The most of a journal that is read for one answer, bytes; a single record may be longer.
const MOST_BYTES: u64 = 1 << 20;

/// A journal that grows, and where each of its records begins: 8 bytes of memory for each.
#[derive(Debug)]
pub struct Pages {
    path: PathBuf,
    file: Option<File>,
    /// Where record `n + 1` begins, bytes.
    begins: Vec<u64>,
    /// Where the last whole record ends, bytes.
    end: u64,
}

impl Pages {
    /// Of the session in `dir`. Nothing is read yet.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self { path: dir.join(JOURNAL), file: None, begins: Vec::new(), end: 0 }
    }

    /// The newest records before record `before`, oldest first: at most `most` of them, and no more than fit into one
    /// answer. Whoever wants older ones asks again.
    pub fn before(&mut self, before: u64, most: usize) -> Result<Vec<Entry>, JournalError> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(reader::open(&self.path)?),
        };
        let failed = |e| JournalError::io("read", &self.path)(e);
        look_on(file, &mut self.begins, &mut self.end).map_err(failed)?;
        let upto = usize::try_from(before.saturating_sub(1)).unwrap_or(usize::MAX).min(self.begins.len());
        let end = self.begins.get(upto).copied().unwrap_or(self.end);
        let known = &self.begins[upto.saturating_sub(most)..upto];
        let fit = known.partition_point(|begin| end - begin > MOST_BYTES);
        let Some(begin) = known.get(fit).or(known.last()) else { return Ok(Vec::new()) };
        let mut bytes = vec![0; usize::try_from(end - begin).unwrap_or_default()];
        file.read_exact_at(&mut bytes, *begin).map_err(failed)?;
        // What is no record of this version's is for `verify` to tell.
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Ok(lines.filter_map(|line| record::read(line).ok()).map(|record| record.entry).collect())
    }
}

/// Finds the records that were added.
fn look_on(file: &File, begins: &mut Vec<u64>, end: &mut u64) -> std::io::Result<()> {
    let mut block = vec![0; BLOCK];
    // A record that is not whole yet is looked through again the next time.
    let mut from = *end;
    loop {
        let got = file.read_at(&mut block, from)?;
        if got == 0 {
            return Ok(());
        }
        for at in memchr::memchr_iter(b'\n', &block[..got]) {
            begins.push(*end);
            *end = from + at as u64 + 1;
        }
        from += got as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::session::Event;
    use crate::session::bench::Bench;

    /// A journal of one walk's beginning and as many notes, each of this length.
    fn written(dir: &Path, notes: u64, length: usize) -> (File, u64) {
        let bench = Bench::new("steps:\n  - { id: a, title: A, run: 'true' }\n");
        let mut file = File::create(dir.join(JOURNAL)).unwrap();
        let mut head = record::no_link();
        let first = bench.entries.last().unwrap().clone();
        let notes = (first.n + 1..=first.n + notes).map(|n| {
            let event = Event::Noted { text: format!("{n}{}", "x".repeat(length)) };
            Entry { n, event, ..first.clone() }
        });
        let mut last = 0;
        for entry in bench.entries.into_iter().chain(notes) {
            let line = record::line(&entry, &head);
            head = record::link_to(line.strip_suffix(b"\n").unwrap());
            file.write_all(&line).unwrap();
            last = entry.n;
        }
        (file, last)
    }

    fn numbers(entries: &[Entry]) -> Vec<u64> {
        entries.iter().map(|entry| entry.n).collect()
    }

    #[test]
    fn the_records_asked_for_are_read_from_anywhere() {
        let dir = tempfile::tempdir().unwrap();
        let (_, last) = written(dir.path(), 5_000, 10);
        let mut pages = Pages::new(dir.path());
        let all = reader::read(dir.path()).unwrap().entries;
        for (before, most) in
            [(u64::MAX, 10), (last + 1, 500), (last, 1), (1_234, 1_000), (3, 500), (1, 5), (0, 5), (9, 0)]
        {
            let found = pages.before(before, most).unwrap();
            let mut wanted: Vec<Entry> = all.iter().filter(|entry| entry.n < before).cloned().collect();
            wanted.drain(..wanted.len().saturating_sub(most));
            assert_eq!(found, wanted, "{most} before {before}");
        }
    }

    #[test]
    fn an_answer_is_bounded_and_goes_on_where_it_ended() {
        let dir = tempfile::tempdir().unwrap();
        let (_, last) = written(dir.path(), 100, 60_000);
        let mut pages = Pages::new(dir.path());
        let newest = pages.before(u64::MAX, 1_000).unwrap();
        assert!(newest.len() < 20, "{:?}", numbers(&newest));
        assert_eq!(newest.last().unwrap().n, last);
        let older = pages.before(newest[0].n, 1_000).unwrap();
        assert_eq!(older.last().unwrap().n + 1, newest[0].n);
        // One that is longer than an answer is given alone.
        let (_, last) = written(dir.path(), 2, 2 << 20);
        assert_eq!(numbers(&Pages::new(dir.path()).before(u64::MAX, 9).unwrap()), [last]);
    }

    #[test]
    fn what_is_added_is_found_and_what_is_half_written_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let (mut file, last) = written(dir.path(), 3, 10);
        let whole = std::fs::read(dir.path().join(JOURNAL)).unwrap();
        let cut = whole.len() - 7;
        file.set_len(cut as u64).unwrap();
        let mut pages = Pages::new(dir.path());
        assert_eq!(numbers(&pages.before(u64::MAX, 1).unwrap()), [last - 1]);
        file.set_len(0).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        file.write_all(&whole).unwrap();
        assert_eq!(numbers(&pages.before(u64::MAX, 2).unwrap()), [last - 1, last]);
    }
}
