//! Prints what the journal costs: an append with its sync (F-D6), reading and verifying a whole one (F-D7).
//! Run: `cargo bench --bench journal`. No test is timed; these are for people to read.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use onbelay::id::Digest;
use onbelay::journal::reader;
use onbelay::journal::store::Store;
use onbelay::session::event::{Answer, Entry, Event, Opened, Person, Verdict};
use onbelay::time::{Moment, Timestamp};

fn main() {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))
        .expect("a directory to write to, on the disk that is measured");
    let store = Store::open(home.path().join("sessions")).expect("a home for sessions");
    appends(&store);
    list(&store);
    for (records, at_most) in [(10_000, 0.1), (100_000, 1.0)] {
        whole(&store, records, at_most);
    }
}

/// One record, one write, one sync: as a host does it.
fn appends(store: &Store) {
    let id = "20261120-151013-appends-aaaa".into();
    let mut writer = store.create(&id, b"", &[entry(1, &id, opened())]).expect("a session");
    let mut took: Vec<Duration> = (2..2_002)
        .map(|n| {
            writer.append(&[entry(n, &id, answered(n))]).expect("appends");
            writer.last_took()
        })
        .collect();
    took.sort_unstable();
    println!(
        "append and sync: p50 {:.2?}, p99 {:.2?} (at most 10 ms, F-D6)",
        took[took.len() / 2],
        took[took.len() * 99 / 100]
    );
}

/// Opens and verifies a journal of so many records.
fn whole(store: &Store, records: u64, at_most: f64) {
    let id = format!("20261120-151013-long-{records}").as_str().into();
    let mut writer = store.create(&id, b"", &[entry(1, &id, opened())]).expect("a session");
    let entries: Vec<Entry> = (2..=records).map(|n| entry(n, &id, answered(n))).collect();
    for many in entries.chunks(10_000) {
        writer.append(many).expect("appends");
    }
    drop((writer, entries));
    let began = Instant::now();
    let log = reader::read(&store.dir(&id)).expect("reads");
    let took = began.elapsed();
    assert_eq!(log.entries.len() as u64, records);
    println!(
        "read and verify {records} records ({} MB): {took:.2?} (at most {at_most} s, F-D7)",
        log.len / 1_000_000
    );
    drop(log);
    let began = Instant::now();
    let mut follower = reader::Follower::open(&store.dir(&id)).expect("opens");
    let seen = follower.more().expect("reads").len();
    println!("follow {seen} records: {:.2?}", began.elapsed());
}

/// Lists a thousand sessions.
fn list(store: &Store) {
    for number in 0..1_000 {
        let id = format!("20261120-151013-many-{number:04}").as_str().into();
        store.create(&id, b"", &[entry(1, &id, opened()), entry(2, &id, answered(2))]).expect("a session");
    }
    let began = Instant::now();
    let count = store.list().expect("lists").sessions.len();
    println!("list {count} sessions: {:.2?}", began.elapsed());
}

fn entry(n: u64, session: &onbelay::id::SessionId, event: Event) -> Entry {
    let at = Timestamp::from_millis(1_795_187_413_201 + i64::try_from(n).expect("small"));
    let by = Person { name: "dana".to_owned(), uid: Some(1000), login: None };
    Entry { n, at, up: n, session: session.clone(), by, event }
}

fn opened() -> Event {
    Event::SessionOpened(Box::new(Opened {
        format: 1,
        onbelay: "0.1.0".to_owned(),
        title: "Measured".to_owned(),
        path: "/srv/measured.yaml".to_owned(),
        sha256: Digest::new("0".repeat(64)),
        values: BTreeMap::new(),
        secrets: Vec::new(),
        dir: "/srv".to_owned(),
        machine: "here".to_owned(),
        umask: 0o022,
        operator: Person { name: "dana".to_owned(), uid: Some(1000), login: None },
        share: None,
        signers: None,
    }))
}

fn answered(n: u64) -> Event {
    Event::CheckAnswered {
        check: "backup-verified".into(),
        item: None,
        answer: Box::new(Answer {
            verdict: Verdict::Holds,
            detail: "4,120 of 4,120 files, content compared".to_owned(),
            began: Moment { at: Timestamp::from_millis(1_795_187_413_201), up: n, boot: 0 },
            took: 2_310,
            tries: 1,
            evidence: BTreeMap::from([("files".to_owned(), 4_120.into()), ("exit".to_owned(), 0.into())]),
        }),
    }
}
