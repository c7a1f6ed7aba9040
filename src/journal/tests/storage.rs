//! Storage that fails when told to.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::super::reader::{Log, Scanned, Tail};
use super::super::writer::{Place, Repair, Storage, Writer};
use super::super::{JournalError, record};
use super::{bytes_of, entries, entry, log_of};
use crate::session::{Entry, Event};

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
            if disk.calls.is_multiple_of(2) {
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

/// A log that ends in this record, wherever its other records are.
struct EndsAt(u64, Scripted);

impl Storage for EndsAt {
    fn check(&mut self, len: u64) -> io::Result<()> {
        self.1.check(len)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.1.sync()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.1.truncate(len)
    }
}

impl Place for EndsAt {
    fn path(&self) -> &Path {
        Path::new("log")
    }

    fn read(&mut self, each: &mut dyn FnMut(Entry)) -> Result<Scanned, JournalError> {
        each(entry(self.0, Event::Noted { text: "the last".to_owned() }));
        let Log { head, len, tail, .. } = log_of(b"");
        Ok(Scanned { head, len, tail })
    }

    fn keep_aside(&mut self, _: u64, _: u64) -> Result<Repair, JournalError> {
        unreachable!("it is whole")
    }
}

#[test]
fn t7_the_last_number_is_never_given_and_what_would_come_after_it_neither() {
    let note = |n| entry(n, Event::Noted { text: "one more".to_owned() });
    let disk = Scripted::default();
    let (mut writer, ..) = Writer::take_over(Box::new(EndsAt(u64::MAX - 2, disk.clone())), |_| ()).unwrap();
    // Not as a part of one write either: then nothing of that is written.
    let both = writer.append(&[note(u64::MAX - 1), note(u64::MAX)]);
    assert!(matches!(both, Err(JournalError::OutOfOrder { .. })), "{both:?}");
    assert_eq!((writer.last(), disk.0.lock().unwrap().written.len()), (u64::MAX - 2, 0));
    writer.append(&[note(u64::MAX - 1)]).unwrap();
    let written = disk.0.lock().unwrap().written.len();
    for n in [u64::MAX, 0, 1, u64::MAX - 1] {
        let refused = writer.append(&[note(n)]);
        assert!(
            matches!(refused, Err(JournalError::OutOfOrder { last, got, .. }) if (last, got) == (u64::MAX - 1, n)),
            "{n}: {refused:?}"
        );
        assert_eq!((writer.last(), disk.0.lock().unwrap().written.len()), (u64::MAX - 1, written), "{n}");
    }
    assert_eq!(writer.broken(), None, "a call that was wrong breaks nothing");
}
