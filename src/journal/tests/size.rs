//! A long journal: read to its end in the memory that a short one takes (J20).

use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;

use super::super::reader::{Tail, scan};
use super::super::{JOURNAL, record};
use super::entries;

/// How many records; a run by hand sets a million.
const RECORDS: &str = "ONBELAY_TEST_RECORDS";

fn write(dir: &Path, count: u64) {
    let mut out = BufWriter::new(File::create(dir.join(JOURNAL)).unwrap());
    let mut prev = record::no_link();
    // Numbers of one run: a session's records, over and over, each with a number of its own.
    let pattern = entries(600);
    for n in 1..=count {
        let of = usize::try_from(n - 1).unwrap();
        let mut entry = pattern[if of < 2 { of } else { 2 + (of - 2) % 598 }].clone();
        entry.n = n;
        let line = record::line(&entry, &prev);
        prev = record::link_to(&line[..line.len() - 1]);
        out.write_all(&line).unwrap();
    }
    out.flush().unwrap();
}

/// The most memory this process ever had, bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[test]
fn j20_a_long_journal_is_proven_whole_in_the_memory_of_a_short_one() {
    let count: u64 = std::env::var(RECORDS).ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let home = tempfile::tempdir().unwrap();
    write(home.path(), count);
    let before = peak();
    let began = std::time::Instant::now();
    let mut seen = 0;
    let file = BufReader::with_capacity(1 << 18, File::open(home.path().join(JOURNAL)).unwrap());
    let scanned = scan(file, |entry| {
        seen += 1;
        assert_eq!(entry.n, seen);
    })
    .unwrap();
    let (took, grown) = (began.elapsed(), peak() - before);
    assert_eq!((seen, scanned.tail), (count, Tail::Whole));
    // Shown with --nocapture.
    println!(
        "{count} records, {} MB, in {took:?}; memory grew by {} KiB",
        scanned.len / 1_000_000,
        grown >> 10
    );
    assert!(grown < 8 << 20, "{grown} bytes more for {count} records");
}
