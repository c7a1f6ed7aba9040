//! Reader and writer together: cut at every byte, flip every byte, storage that fails at call N.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Cursor};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::reader::{Chain, Follower, Log, Tail, read, read_from, scan_on};
use super::record;
use super::writer::{Storage, Writer};
use super::{JOURNAL, JournalError};
use crate::id::Digest;
use crate::session::event::{Answer, AskMode, Entry, Event, Opened, Person, Verdict, Work};
use crate::time::{Moment, Timestamp};

const AT: i64 = 1_795_187_413_201;

pub(super) fn dana() -> Person {
    Person { name: "dana".to_owned(), uid: Some(1000) }
}

pub(super) fn entry(n: u64, event: Event) -> Entry {
    let at = Timestamp::from_millis(AT + i64::try_from(n % 1_000_000).unwrap() * 1_000);
    Entry { n, at, up: n, session: "20261120-151013-tour-k3f9".into(), by: dana(), event }
}

pub(super) fn opened(sha256: Digest) -> Event {
    Event::SessionOpened(Box::new(Opened {
        format: 1,
        onbelay: "0.1.0".to_owned(),
        title: "A tour".to_owned(),
        path: "/srv/tour.yaml".to_owned(),
        sha256,
        values: BTreeMap::new(),
        secrets: Vec::new(),
        dir: "/srv".to_owned(),
        machine: "shop".to_owned(),
        umask: 0o022,
        operator: dana(),
    }))
}

/// A session of `count` records, of many kinds.
fn entries(count: u64) -> Vec<Entry> {
    (1..=count)
        .map(|n| {
            let event = match n {
                1 => opened(record::link_to(b"")),
                2 => Event::HostStarted {
                    pid: 4711,
                    boot_id: "b".to_owned(),
                    boot: 0,
                    onbelay: "0.1.0".to_owned(),
                    env: BTreeMap::from([("PATH".to_owned(), record::link_to(b"x"))]),
                    env_changed: Vec::new(),
                },
                _ => match n % 6 {
                    0 => {
                        Event::Noted { text: format!("west still has {n} running\n\u{1b}[2J ünï \u{202e}") }
                    }
                    1 => Event::CheckAsked { check: "backup".into(), items: Vec::new(), mode: AskMode::Once },
                    2 => Event::CheckAnswered {
                        check: "backup".into(),
                        item: Some("us-west-2".to_owned()),
                        answer: Box::new(Answer {
                            verdict: Verdict::Fails,
                            detail: "312 of 4,120 files are missing".to_owned(),
                            began: Moment { at: Timestamp::from_millis(AT), up: n, boot: 0 },
                            took: 12,
                            tries: 1,
                            evidence: BTreeMap::from([("missing".to_owned(), 312.into())]),
                        }),
                    },
                    3 => Event::StepSkipped { step: "tell".into(), why: "told them by phone".to_owned() },
                    4 => Event::HoldCalled { why: "wait".to_owned() },
                    _ => Event::StepSettled {
                        step: "copy".into(),
                        attempt: 1,
                        work: Work::Run,
                        ok: true,
                        why: "exit 0".to_owned(),
                    },
                },
            };
            entry(n, event)
        })
        .collect()
}

fn bytes_of(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut prev = record::no_link();
    for entry in entries {
        let line = record::line(entry, &prev);
        prev = record::link_to(&line[..line.len() - 1]);
        bytes.extend_from_slice(&line);
    }
    bytes
}

fn log_of(bytes: &[u8]) -> Log {
    read_from(Cursor::new(bytes)).unwrap()
}

/// Where each line ends, newline included.
fn ends(bytes: &[u8]) -> Vec<usize> {
    memchr::memchr_iter(b'\n', bytes).map(|at| at + 1).collect()
}

fn journal_in(dir: &Path, bytes: &[u8]) {
    fs::write(dir.join(JOURNAL), bytes).unwrap();
}

#[test]
fn j1_f_d2_every_prefix_opens_at_its_last_whole_record() {
    let entries = entries(210);
    let bytes = bytes_of(&entries);
    let ends = ends(&bytes);
    assert!(ends.len() >= 200);
    // Reading goes from front to back, so what comes before the record that is cut is read once, not once a byte.
    let mut chain = Chain::new();
    let mut start = 0;
    for (whole, end) in ends.iter().copied().enumerate() {
        for cut in start..end {
            let mut seen = 0;
            let scanned = scan_on(chain.clone(), &bytes[start..cut], |_| seen += 1).unwrap();
            let torn = (cut - start) as u64;
            assert_eq!(
                scanned.tail,
                if torn == 0 { Tail::Whole } else { Tail::Torn { bytes: torn } },
                "cut at {cut}"
            );
            assert_eq!((seen, scanned.len), (0, start as u64));
        }
        assert!(chain.take(&bytes[start..end - 1]).is_ok());
        start = end;
        if whole % 40 == 0 {
            let log = log_of(&bytes[..end + 9]);
            assert_eq!(log.entries, entries[..=whole]);
            assert_eq!((log.len, log.tail), (end as u64, Tail::Torn { bytes: 9 }));
        }
    }
    assert_eq!(
        log_of(&bytes),
        Log {
            entries,
            head: record::link_to(&bytes[ends[208]..bytes.len() - 1]),
            len: bytes.len() as u64,
            tail: Tail::Whole
        }
    );
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
        let (mut writer, log, repair) = Writer::open(home.path()).unwrap();
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
    for at in 0..before_the_last {
        // One bit, case, a digit, a quote, a newline, a zero byte: each byte in several ways.
        for flip in [0x01, 0x20, 0x80, bytes[at] ^ b'\n', bytes[at]] {
            if flip == 0 {
                continue;
            }
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
}

#[test]
fn j2_a_damaged_journal_is_refused_for_writing_and_left_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let mut bytes = bytes_of(&entries(12));
    let at = ends(&bytes)[4] + 30;
    bytes[at] ^= 4;
    journal_in(home.path(), &bytes);
    let refused = Writer::open(home.path()).unwrap_err();
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
    assert!(matches!(Writer::open(home.path()), Err(JournalError::Newer { .. })));
}

#[test]
fn j13_the_second_host_is_refused_with_the_first_ones_pid_and_the_lock_is_free_at_once() {
    let home = tempfile::tempdir().unwrap();
    journal_in(home.path(), &bytes_of(&entries(3)));
    let first = Writer::open(home.path()).unwrap();
    let refused = Writer::open(home.path()).unwrap_err();
    assert!(matches!(refused, JournalError::InUse { pid: Some(4711), .. }), "{refused}");
    assert!(refused.to_string().contains("process 4711, since 2026-11-20T15:10:15"), "{refused}");
    drop(first);
    Writer::open(home.path()).unwrap();
}

type Harm = fn(&Path);

#[test]
fn j14_a_journal_that_was_moved_replaced_or_touched_stops_the_writer_for_good() {
    let cases: [(&str, Harm, &str); 5] = [
        ("deleted", |dir| fs::remove_file(dir.join(JOURNAL)).unwrap(), "no longer in its place"),
        ("renamed", |dir| fs::rename(dir.join(JOURNAL), dir.join("x")).unwrap(), "no longer in its place"),
        (
            "replaced by a copy",
            |dir| {
                fs::copy(dir.join(JOURNAL), dir.join("x")).unwrap();
                fs::rename(dir.join("x"), dir.join(JOURNAL)).unwrap();
            },
            "was replaced",
        ),
        (
            "replaced by a link",
            |dir| {
                fs::rename(dir.join(JOURNAL), dir.join("x")).unwrap();
                std::os::unix::fs::symlink("x", dir.join(JOURNAL)).unwrap();
            },
            "was replaced",
        ),
        (
            "appended to",
            |dir| {
                let mut bytes = fs::read(dir.join(JOURNAL)).unwrap();
                bytes.push(b' ');
                fs::write(dir.join(JOURNAL), bytes).unwrap();
            },
            "changed by somebody else",
        ),
    ];
    for (name, harm, said) in cases {
        let home = tempfile::tempdir().unwrap();
        journal_in(home.path(), &bytes_of(&entries(3)));
        let (mut writer, ..) = Writer::open(home.path()).unwrap();
        harm(home.path());
        let next = [entry(4, Event::Finished)];
        let refused = writer.append(&next).unwrap_err();
        assert!(matches!(&refused, JournalError::Broken { why } if why.contains(said)), "{name}: {refused}");
        // Even if all is put back: never again.
        journal_in(home.path(), &bytes_of(&entries(3)));
        assert!(matches!(writer.append(&next), Err(JournalError::Broken { .. })), "{name}");
        assert!(writer.broken().is_some());
    }
}

#[test]
fn j14_a_link_or_a_pipe_in_its_place_is_not_opened() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("x"), bytes_of(&entries(3))).unwrap();
    std::os::unix::fs::symlink("x", home.path().join(JOURNAL)).unwrap();
    assert!(Writer::open(home.path()).is_err());
    assert!(read(home.path()).is_err());
    fs::remove_file(home.path().join(JOURNAL)).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        home.path().join(JOURNAL),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    assert!(matches!(Writer::open(home.path()), Err(JournalError::Unsafe { .. } | JournalError::Io { .. })));
    assert!(matches!(read(home.path()), Err(JournalError::Unsafe { .. })));
}

#[test]
fn a_follower_gives_whole_records_only_as_they_come() {
    let home = tempfile::tempdir().unwrap();
    let entries = entries(300);
    let bytes = bytes_of(&entries);
    journal_in(home.path(), b"");
    let mut follower = Follower::open(home.path()).unwrap();
    let mut seen = Vec::new();
    for upto in (0..bytes.len()).step_by(1_777).chain([bytes.len()]) {
        journal_in(home.path(), &bytes[..upto]);
        seen.extend(follower.more().unwrap());
        assert_eq!(seen.len(), memchr::memchr_iter(b'\n', &bytes[..upto]).count());
    }
    assert_eq!(seen, entries);
    // A torn rest that a repair replaced by another record.
    let home = tempfile::tempdir().unwrap();
    journal_in(home.path(), &[&bytes[..], b"{\"n\":301,torn"].concat());
    let mut follower = Follower::open(home.path()).unwrap();
    assert_eq!(follower.more().unwrap().len(), 300);
    let (mut writer, ..) = Writer::open(home.path()).unwrap();
    writer.append(&[entry(301, Event::Finished)]).unwrap();
    assert_eq!(follower.more().unwrap().len(), 1);
}

/// A disk that does what its script says; what was synced is told from what was only written.
#[derive(Clone, Default)]
struct Scripted(Arc<Mutex<Disk>>);

#[derive(Default)]
struct Disk {
    written: Vec<u8>,
    synced: usize,
    calls: u32,
    syncs_failed: u32,
    syncs_after_failure: u32,
    /// The call that fails, and whether every later one does too.
    fail_at: Option<(u32, bool)>,
    error: Option<io::ErrorKind>,
    /// At most so many bytes are taken by one write; a failing write takes half first.
    at_most: Option<usize>,
    interrupt_every_other: bool,
}

impl Disk {
    fn fails(&mut self) -> bool {
        self.calls += 1;
        self.fail_at.is_some_and(|(at, on)| self.calls == at || (on && self.calls > at))
    }

    fn error(&self) -> io::Error {
        self.error.unwrap_or(io::ErrorKind::StorageFull).into()
    }
}

impl Storage for Scripted {
    fn check(&mut self, len: u64) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        assert_eq!(disk.written.len() as u64, len);
        if disk.fails() { Err(disk.error()) } else { Ok(()) }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut disk = self.0.lock().unwrap();
        if disk.interrupt_every_other {
            disk.calls += 1;
            if disk.calls % 2 == 0 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            disk.calls -= 1;
        }
        if disk.fails() {
            // A full disk takes what still fits.
            let half = bytes.len() / 2;
            disk.written.extend_from_slice(&bytes[..half]);
            return if half > 0 && disk.fail_at.is_some_and(|(_, on)| on) {
                Ok(half)
            } else {
                Err(disk.error())
            };
        }
        let taken = bytes.len().min(disk.at_most.unwrap_or(usize::MAX));
        disk.written.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        disk.syncs_after_failure += u32::from(disk.syncs_failed > 0);
        if disk.fails() {
            disk.syncs_failed += 1;
            return Err(disk.error());
        }
        disk.synced = disk.written.len();
        Ok(())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        disk.written.truncate(usize::try_from(len).unwrap());
        Ok(())
    }
}

#[test]
fn j3_j4_f_d4_a_failure_at_any_call_is_the_last_word_and_loses_nothing_acknowledged() {
    let entries = entries(12);
    for persistent in [false, true] {
        for error in [io::ErrorKind::StorageFull, io::ErrorKind::Other] {
            for fail_at in 1..60 {
                let disk = Scripted::default();
                disk.0.lock().unwrap().fail_at = Some((fail_at, persistent));
                disk.0.lock().unwrap().error = Some(error);
                let mut writer = Writer::over(Box::new(disk.clone()));
                let mut acknowledged = 0;
                let mut failed = false;
                for pair in entries.chunks(2) {
                    match writer.append(pair) {
                        Ok(()) => {
                            assert!(!failed, "an append after a failure was taken");
                            acknowledged += pair.len();
                        }
                        Err(JournalError::Broken { .. }) => failed = true,
                        Err(other) => panic!("{other}"),
                    }
                }
                let disk = disk.0.lock().unwrap();
                assert_eq!(disk.syncs_after_failure, 0, "a failed sync is never tried again");
                let log = log_of(&disk.written[..disk.synced]);
                assert_eq!((log.entries.as_slice(), &log.tail), (&entries[..acknowledged], &Tail::Whole));
                assert_eq!(disk.written.len(), disk.synced, "the torn part was cut off");
            }
        }
    }
}

#[test]
fn j23_interrupted_and_one_byte_writes_leave_the_same_bytes() {
    let entries = entries(4);
    let disk = Scripted::default();
    disk.0.lock().unwrap().at_most = Some(1);
    disk.0.lock().unwrap().interrupt_every_other = true;
    let mut writer = Writer::over(Box::new(disk.clone()));
    for entry in &entries {
        writer.append(std::slice::from_ref(entry)).unwrap();
    }
    assert_eq!(disk.0.lock().unwrap().written, bytes_of(&entries));
}

#[test]
fn t7_numbers_never_wrap_repeat_or_jump() {
    let disk = Scripted::default();
    let mut writer = Writer::over(Box::new(disk));
    let all = entries(5);
    writer.append(&all[..3]).unwrap();
    for n in [0, 1, 3, 5, u64::MAX] {
        let refused = writer.append(&[entry(n, Event::Finished)]);
        assert!(matches!(refused, Err(JournalError::OutOfOrder { last: 3, .. })), "{n}");
    }
    let mut other = entry(4, Event::Finished);
    other.session = "another".into();
    assert!(matches!(writer.append(&[other]), Err(JournalError::OutOfOrder { .. })));
    let long = entry(4, Event::Noted { text: "x".repeat(record::MAX_LINE) });
    assert!(matches!(writer.append(&[long]), Err(JournalError::TooLong { .. })));
    writer.append(&all[3..]).unwrap();
}

#[test]
fn the_journal_is_for_its_owner_alone() {
    let home = tempfile::tempdir().unwrap();
    drop(Writer::make(home.path()).unwrap());
    let mode = fs::metadata(home.path().join(JOURNAL)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(Writer::make(home.path()).is_err(), "one that is there is never overwritten");
}

#[derive(Clone, Debug)]
enum Deed {
    Append(usize),
    /// Crash with this many bytes of an unacknowledged record on disk.
    Crash(usize),
    Reopen,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        4 => (1..4_usize).prop_map(Deed::Append),
        2 => (0..400_usize).prop_map(Deed::Crash),
        1 => Just(Deed::Reopen),
    ];
    prop::collection::vec(deed, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn j22_appends_crashes_and_repairs_in_any_order_agree_with_a_list(deeds in deeds()) {
        let home = tempfile::tempdir().unwrap();
        let pool = entries(120);
        let mut writer = Some(Writer::make(home.path()).unwrap());
        let mut model: usize = 0;
        let mut broken_files = 0;
        for deed in deeds {
            match deed {
                Deed::Append(count) => {
                    if writer.is_none() {
                        continue;
                    }
                    writer.as_mut().unwrap().append(&pool[model..model + count]).unwrap();
                    model += count;
                }
                Deed::Crash(len) => {
                    let Some(crashed) = writer.take() else { continue };
                    let line = record::line(&pool[model], crashed.head());
                    let torn = &line[..len.min(line.len())];
                    let mut bytes = fs::read(home.path().join(JOURNAL)).unwrap();
                    bytes.extend_from_slice(torn);
                    drop(crashed);
                    journal_in(home.path(), &bytes);
                    // Written whole, but not acknowledged: it counts from here.
                    model += usize::from(torn.len() == line.len());
                    broken_files += usize::from(!torn.is_empty() && torn.len() < line.len());
                }
                Deed::Reopen => {
                    drop(writer.take());
                    writer = Some(Writer::open(home.path()).unwrap().0);
                }
            }
            let log = read(home.path()).unwrap();
            prop_assert_eq!(&log.entries, &pool[..model]);
        }
        drop(writer);
        Writer::open(home.path()).unwrap();
        prop_assert_eq!(read(home.path()).unwrap().tail, Tail::Whole);
        let kept = fs::read_dir(home.path()).unwrap().count() - 1;
        prop_assert_eq!(kept, broken_files);
    }
}
