//! Reader and writer together; what they share is here.

mod damage;
mod golden;
mod kill;
mod model;
mod place;
mod size;
mod storage;
mod torn;

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use super::reader::{Log, Scanned, read_from};
use super::writer::{Repair, Writer};
use super::{JOURNAL, JournalError, record};
use crate::id::Digest;
use crate::session::event::{Answer, AskMode, Entry, Event, Opened, Person, Verdict, Work};
use crate::time::{Moment, Timestamp};

const AT: i64 = 1_795_187_413_201;

pub(super) fn dana() -> Person {
    Person { name: "dana".to_owned(), uid: Some(1000), login: None }
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
        share: None,
        signers: None,
    }))
}

/// A writer of the journal in `dir`, with all that it found there.
fn take_up(dir: &Path) -> Result<(Writer, Log, Option<Repair>), JournalError> {
    let mut entries = Vec::new();
    let (writer, Scanned { head, len, tail }, repair) = Writer::open(dir, |entry| entries.push(entry))?;
    Ok((writer, Log { entries, head, len, tail }, repair))
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
                    machine: None,
                    runs_as: None,
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

/// A directory that costs no sync where that can be had: whoever uses it decides which bytes were synced.
fn in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}
