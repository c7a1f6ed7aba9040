//! Cut at every byte, changed at every byte.

use std::collections::BTreeSet;
use std::fs;

use super::super::reader::{Chain, Log, Tail, read, scan_on};
use super::super::{FORMAT, JOURNAL, JournalError, record};
use super::{bytes_of, ends, entries, entry, in_memory, journal_in, log_of, take_up};
use crate::session::Event;

#[test]
fn j1_f_d2_every_prefix_opens_at_its_last_whole_record() {
    let entries = entries(210);
    let bytes = bytes_of(&entries);
    let ends = ends(&bytes);
    assert!(ends.len() >= 200);
    // Reading goes from front to back, so what comes before the record that is cut is read once, not once a byte.
    let mut chain = Chain::new();
    let mut start = 0;
    let mut prefixes = 0;
    for (whole, end) in ends.iter().copied().enumerate() {
        for cut in start..end {
            let mut seen = 0;
            let scanned = scan_on(chain.clone(), &bytes[start..cut], |_, _| seen += 1).unwrap();
            let torn = (cut - start) as u64;
            assert_eq!(
                scanned.tail,
                if torn == 0 { Tail::Whole } else { Tail::Torn { bytes: torn } },
                "cut at {cut}"
            );
            assert_eq!((seen, scanned.len), (0, start as u64));
            prefixes += 1;
        }
        assert!(chain.take(&bytes[start..end - 1]).is_ok());
        start = end;
        if whole % 40 == 0 {
            let log = log_of(&bytes[..end + 9]);
            assert_eq!(log.entries, entries[..=whole]);
            assert_eq!((log.len, log.tail), (end as u64, Tail::Torn { bytes: 9 }));
        }
    }
    assert_eq!(prefixes, bytes.len());
    println!("F-D2: {prefixes} prefixes of {} records", entries.len());
    assert_eq!(
        log_of(&bytes),
        Log {
            entries,
            head: record::link_to(&bytes[ends[208]..bytes.len() - 1]),
            len: bytes.len() as u64,
            tail: Tail::Whole,
        }
    );
}

#[test]
fn j1_f_d2_a_writer_takes_up_every_prefix_of_the_last_twenty_records() {
    // Each of the prefixes is read whole, so what comes before the twenty is short.
    let entries = entries(30);
    let bytes = bytes_of(&entries);
    let ends = ends(&bytes);
    // Where that costs no sync: that each is made durable is held elsewhere.
    let home = in_memory();
    let mut prefixes = 0;
    for cut in ends[ends.len() - 21]..=bytes.len() {
        journal_in(home.path(), &bytes[..cut]);
        let (writer, log, repair) = take_up(home.path()).unwrap();
        let whole = ends.partition_point(|end| *end <= cut);
        assert_eq!(log.entries.len(), whole, "cut at {cut}");
        assert_eq!(log.entries.last(), entries[..whole].last(), "cut at {cut}");
        assert_eq!((writer.last(), writer.head()), (whole as u64, &log.head));
        let torn = cut - ends[whole - 1];
        assert_eq!(repair.as_ref().map_or(0, |repair| repair.bytes), torn as u64, "cut at {cut}");
        drop(writer);
        assert_eq!(fs::read(home.path().join(JOURNAL)).unwrap(), bytes[..ends[whole - 1]], "cut at {cut}");
        if let Some(repair) = repair {
            let kept = home.path().join(repair.kept_in);
            assert_eq!(fs::read(&kept).unwrap(), bytes[ends[whole - 1]..cut], "cut at {cut}");
            fs::remove_file(kept).unwrap();
        }
        prefixes += 1;
    }
    println!("F-D2: {prefixes} prefixes of the last 20 records, taken up by a writer");
    assert!(prefixes > 4_000, "{prefixes}");
}

#[test]
fn j1_f_d2_every_prefix_of_a_short_journal_on_disk_is_repaired_and_goes_on() {
    let entries = entries(9);
    let bytes = bytes_of(&entries);
    let ends = ends(&bytes);
    let from = ends[6];
    for cut in from..=bytes.len() {
        let home = tempfile::tempdir().unwrap();
        journal_in(home.path(), &bytes[..cut]);
        let (mut writer, log, repair) = take_up(home.path()).unwrap();
        let whole = ends.partition_point(|end| *end <= cut);
        assert_eq!(log.entries, entries[..whole]);
        let torn = cut - ends[whole - 1];
        assert_eq!(repair.as_ref().map_or(0, |repair| repair.bytes), torn as u64, "cut at {cut}");
        if let Some(repair) = repair {
            let kept = fs::read(home.path().join(&repair.kept_in)).unwrap();
            assert_eq!(kept, bytes[ends[whole - 1]..cut], "what was cut is kept");
            assert_eq!(repair.kept_in, "journal.broken-1");
        }
        let next = entry(whole as u64 + 1, Event::Noted { text: "on".to_owned() });
        writer.append(std::slice::from_ref(&next)).unwrap();
        let log = read(home.path()).unwrap();
        assert_eq!(log.entries.last(), Some(&next));
        assert_eq!((log.tail, &log.head), (Tail::Whole, writer.head()));
    }
}

#[test]
fn j2_f_d3_every_changed_byte_before_the_tail_is_found_and_located() {
    let entries = entries(10);
    let bytes = bytes_of(&entries);
    let ends = ends(&bytes);
    let before_the_last = ends[ends.len() - 2];
    // Another byte in every way that there is, or one bit, case, the highest bit, a newline, a zero byte.
    let all = std::env::var_os("ONBELAY_LONG").is_some();
    let mut tried = 0;
    for at in 0..before_the_last {
        let ways = if all {
            (1..=u8::MAX).collect()
        } else {
            BTreeSet::from([0x01, 0x20, 0x80, bytes[at] ^ b'\n', bytes[at]])
        };
        for flip in ways.into_iter().filter(|flip| *flip != 0) {
            tried += 1;
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            let record = ends.partition_point(|end| *end <= at) as u64 + 1;
            let log = log_of(&changed);
            let Tail::Damaged(fault) = &log.tail else {
                panic!("byte {at} of record {record} ^ {flip:#x}: {:?}", log.tail)
            };
            assert_eq!(fault.n, record, "byte {at} ^ {flip:#x}: {fault}");
            assert_eq!(
                fault.offset,
                if record == 1 { 0 } else { ends[usize::try_from(record).unwrap() - 2] as u64 }
            );
            assert_eq!(
                log.entries,
                entries[..usize::try_from(record).unwrap() - 1],
                "what is before stays readable"
            );
        }
    }
    println!("F-D3: {tried} changes of {before_the_last} bytes, each found and located");
    assert!(tried >= before_the_last * if all { 255 } else { 4 });
}

#[test]
fn j2_f_d3_every_bit_of_every_link_is_found_and_located() {
    let bytes = bytes_of(&entries(12));
    let ends = ends(&bytes);
    let mut flipped = 0;
    for (record, end) in (1_u64..).zip(&ends[..ends.len() - 1]) {
        // ,"prev":"…"} and the newline: the 64 digits end three bytes before the end.
        for at in end - 67..end - 3 {
            assert!(bytes[at].is_ascii_hexdigit());
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                let Tail::Damaged(fault) = log_of(&changed).tail else {
                    panic!("bit {bit} of byte {at} of record {record}")
                };
                assert_eq!(fault.n, record, "bit {bit} of byte {at}: {fault}");
                flipped += 1;
            }
        }
    }
    println!("F-D3: {flipped} bits of {} links, each found and located", ends.len() - 1);
    assert_eq!(flipped, 11 * 64 * 8);
}

#[test]
fn j2_a_damaged_journal_is_refused_for_writing_and_left_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let mut bytes = bytes_of(&entries(12));
    let at = ends(&bytes)[4] + 30;
    bytes[at] ^= 4;
    journal_in(home.path(), &bytes);
    let refused = take_up(home.path()).unwrap_err();
    assert!(matches!(refused, JournalError::Damaged { .. }), "{refused}");
    assert!(refused.to_string().contains("record 6"), "{refused}");
    assert_eq!(fs::read(home.path().join(JOURNAL)).unwrap(), bytes);
    assert_eq!(read(home.path()).unwrap().entries.len(), 5);
}

#[test]
fn j2_a_missing_and_a_repeated_record_are_named() {
    let bytes = bytes_of(&entries(9));
    let ends = ends(&bytes);
    let without = [&bytes[..ends[3]], &bytes[ends[4]..]].concat();
    let Tail::Damaged(fault) = log_of(&without).tail else { panic!("not found") };
    assert_eq!((fault.n, fault.what.as_str()), (5, "is missing: record 6 follows record 4"));
    let twice = [&bytes[..ends[4]], &bytes[ends[3]..]].concat();
    assert!(matches!(log_of(&twice).tail, Tail::Damaged(_)));
}

#[test]
fn j11_sectors_that_never_reached_the_disk_are_torn_only_at_the_tail() {
    let entries = entries(40);
    let bytes = bytes_of(&entries);
    let ends = ends(&bytes);
    // The sectors of the last two records: the first of them zero, the newline of the last in place.
    let from = ends[37];
    let boundary = from.div_ceil(512) * 512;
    let mut holed = bytes[..boundary.max(from)].to_vec();
    holed[from..].fill(0);
    holed.resize(boundary + 512, 0);
    holed.extend_from_slice(b"rest of a record\"}\n");
    let log = log_of(&holed);
    assert_eq!(log.tail, Tail::Torn { bytes: (holed.len() - from) as u64 });
    assert_eq!(log.entries, entries[..38]);
    // The same with whole records after it is damage.
    let mut middle = bytes.clone();
    let boundary = ends[10].div_ceil(512) * 512;
    middle[boundary..boundary + 512].fill(0);
    assert!(matches!(log_of(&middle).tail, Tail::Damaged(_)));
    // Zeros to the end of the file, however many.
    let padded = [&bytes[..], &vec![0; 6 << 20]].concat();
    assert_eq!(log_of(&padded).tail, Tail::Torn { bytes: 6 << 20 });
}

#[test]
fn j19_a_newer_versions_record_leaves_the_journal_readable_and_its_chain_followed() {
    let entries = entries(9);
    let bytes = bytes_of(&entries[..5]);
    let mut prev = log_of(&bytes).head;
    let mut newer = bytes.clone();
    for (n, kind) in [(6, "beamed_up"), (7, "noted"), (8, "beamed_down")] {
        let line = record::line(&entry(n, Event::Noted { text: "x".to_owned() }), &prev);
        let line = String::from_utf8(line).unwrap().replace("\"noted\"", &format!("\"{kind}\""));
        prev = record::link_to(line.trim_end().as_bytes());
        newer.extend_from_slice(line.as_bytes());
    }
    let log = log_of(&newer);
    assert_eq!(log.entries, entries[..5]);
    assert!(
        matches!(&log.tail, Tail::Newer { n: 6, fault: None, why } if why.contains("beamed_up")),
        "{:?}",
        log.tail
    );
    let at = newer.len() - 300;
    newer[at] ^= 1;
    assert!(matches!(&log_of(&newer).tail, Tail::Newer { n: 6, fault: Some(fault), .. } if fault.n >= 7));
    let home = tempfile::tempdir().unwrap();
    journal_in(home.path(), &newer);
    assert!(matches!(take_up(home.path()), Err(JournalError::Newer { .. })));
}

#[test]
fn j18_a_line_longer_than_any_record_is_damage_and_one_without_an_end_is_torn() {
    let whole = bytes_of(&entries(3));
    for over in [1, 2, 70_000, 200_000] {
        let mut endless = whole.clone();
        endless.resize(whole.len() + record::MAX_LINE + over, b'x');
        assert_eq!(log_of(&endless).tail, Tail::Torn { bytes: (record::MAX_LINE + over) as u64 });
        endless.push(b'\n');
        let log = log_of(&endless);
        let Tail::Damaged(fault) = log.tail else { panic!("{over}: {:?}", log.tail) };
        assert!(fault.n == 4 && fault.what.contains("no record is"), "{over}: {fault}");
        assert_eq!(log.entries.len(), 3);
    }
}

#[test]
fn j19_a_newer_format_is_told_and_an_unknown_record_that_is_not_linked_is_damage() {
    let mut newer = entries(3);
    if let Event::SessionOpened(opened) = &mut newer[0].event {
        opened.format = FORMAT + 1;
    }
    let tail = log_of(&bytes_of(&newer)).tail;
    assert!(
        matches!(&tail, Tail::Newer { n: 1, why, .. } if why.contains(&format!("of format {}", FORMAT + 1))),
        "{tail:?}"
    );

    let whole = bytes_of(&entries(3));
    let line = record::line(&entry(4, Event::Noted { text: "x".to_owned() }), &record::no_link());
    let line = String::from_utf8(line).unwrap().replace("\"noted\"", "\"beamed_up\"");
    let tail = log_of(&[&whole, line.as_bytes()].concat()).tail;
    assert!(matches!(&tail, Tail::Damaged(fault) if fault.n == 4), "{tail:?}");
}

#[test]
fn j11_one_zero_byte_alone_in_its_sector_gives_up_nothing_that_follows() {
    // A record of which only the first byte lies in a sector of its own.
    let (bytes, place) = (0..600)
        .find_map(|pad| {
            let mut entries = entries(12);
            entries[5].event = Event::Noted { text: "x".repeat(pad) };
            let bytes = bytes_of(&entries);
            let place = ends(&bytes)[5];
            (place % 512 == 511).then_some((bytes, place))
        })
        .unwrap();
    let mut changed = bytes.clone();
    changed[place] = 0;
    let tail = log_of(&changed).tail;
    assert!(matches!(&tail, Tail::Damaged(fault) if fault.n == 7), "{tail:?}");
    // With nothing behind it, it is the end of the file.
    let tail = log_of(&changed[..ends(&bytes)[6]]).tail;
    assert!(matches!(tail, Tail::Torn { .. }), "{tail:?}");
    // Also what was written with it is not given up, as it is for a sector that never reached the disk.
    let mut batch = changed[..ends(&bytes)[6]].to_vec();
    batch.extend(record::line_in(&entry(8, Event::Finished), Some(7), &record::no_link()));
    let tail = log_of(&batch).tail;
    assert!(matches!(&tail, Tail::Damaged(fault) if fault.n == 7), "{tail:?}");
    let all_of_it = place.next_multiple_of(512) + 512;
    batch.resize(all_of_it.max(batch.len()), 0);
    batch[place..all_of_it].fill(0);
    batch.extend(b"\n");
    batch.extend(record::line_in(&entry(8, Event::Finished), Some(7), &record::no_link()));
    let tail = log_of(&batch).tail;
    assert!(matches!(tail, Tail::Torn { .. }), "{tail:?}");
}

#[test]
fn j18_the_longest_record_is_read() {
    let (first, link) = (entries(1), record::no_link());
    let text = |length| entry(2, Event::Noted { text: "x".repeat(length) });
    let head = log_of(&bytes_of(&first)).head;
    let around = record::line(&text(0), &link).len() - 1;
    let longest = record::line(&text(record::MAX_LINE - around), &head);
    assert_eq!(longest.len(), record::MAX_LINE + 1);
    let log = log_of(&[bytes_of(&first), longest].concat());
    assert_eq!((log.entries.len(), log.tail), (2, Tail::Whole));
}

#[test]
fn j19_a_record_that_is_not_linked_to_one_that_nobody_here_knows_is_told_with_its_number() {
    let mut bytes = bytes_of(&entries(3));
    let mut head = log_of(&bytes).head;
    for n in 4..=7 {
        let prev = if n == 7 { record::no_link() } else { head };
        let line = record::line(&entry(n, Event::Noted { text: "x".to_owned() }), &prev);
        let line = String::from_utf8(line).unwrap().replace("\"noted\"", "\"beamed_up\"");
        head = record::link_to(line.trim_end().as_bytes());
        bytes.extend_from_slice(line.as_bytes());
    }
    let tail = log_of(&bytes).tail;
    assert!(matches!(&tail, Tail::Newer { n: 4, fault: Some(fault), .. } if fault.n == 7), "{tail:?}");
}

#[test]
fn j11_what_follows_zeros_and_is_no_record_is_torn_with_them() {
    let whole = bytes_of(&entries(3));
    let holed = [&whole[..], &[0; 700], b"\nwhat was here before\n", &[0; 9]].concat();
    assert_eq!(log_of(&holed).tail, Tail::Torn { bytes: (holed.len() - whole.len()) as u64 });
}
