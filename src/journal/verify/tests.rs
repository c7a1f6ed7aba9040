//! Whole sessions on disk: what is proven of an honest one, and that every forgery is found.

mod approvals;
mod hidden;

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::journal::record::{line, link_to, no_link};
use crate::journal::store::ATTEMPTS;
use crate::journal::store::Store;
use crate::journal::{JOURNAL, store};
use crate::session::bench::Bench;
use crate::session::event::{Answer, Person};
use crate::session::{Entry, Event};

const YAML: &str = "checks:
  backup: { title: The backup is whole, run: 'true' }
  copy: { title: A second copy exists, attest: Where is it? }
steps:
  - { id: drill, title: Restore somewhere empty, run: 'true' }
  - id: wipe
    title: Wipe the old disk
    destructive: Everything on it.
    requires: [backup, copy]
    confirm: old-disk
    run: 'wipe it'
";

/// A walk of it: refused once, then let through.
fn walked() -> Vec<Entry> {
    let mut bench = Bench::new(YAML);
    bench.walk("drill");
    bench.run_typed("wipe", "old-disk").unwrap();
    assert!(bench.started.is_empty(), "the copy is not attested yet");
    bench.attest("copy", true).unwrap();
    bench.run_typed("wipe", "old-disk").unwrap();
    bench.exits(0);
    let mut entries = bench.entries;
    for entry in &mut entries {
        match &mut entry.event {
            Event::SessionOpened(opened) => opened.sha256 = link_to(text().as_bytes()),
            Event::WorkEnded { ended, .. } => {
                ended.output_bytes = 6;
                ended.output_sha256 = Some(link_to(b"hello\n"));
            }
            _ => {}
        }
    }
    entries
}

fn text() -> String {
    format!("onbelay: 1\ntitle: Test\n{YAML}")
}

/// Writes the entries as a session, chain and all, with what its commands wrote.
fn on_disk(entries: &[Entry]) -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let kept = Store::open(home.path().join("state")).unwrap();
    let id = entries[0].session.clone();
    drop(kept.create(&id, text().as_bytes(), &entries[..1]).unwrap());
    let dir = kept.dir(&id);
    let (mut bytes, mut prev) = (Vec::new(), no_link());
    for entry in entries {
        let line = line(entry, &prev);
        prev = link_to(&line[..line.len() - 1]);
        bytes.extend(line);
    }
    fs::write(dir.join(JOURNAL), bytes).unwrap();
    for entry in entries {
        if let Event::WorkEnded { attempt, .. } = &entry.event {
            let attempt = dir.join(ATTEMPTS).join(attempt.to_string());
            fs::create_dir(&attempt).unwrap();
            fs::write(attempt.join("output"), "hello\n").unwrap();
        }
    }
    (home, dir)
}

fn place_of(entries: &[Entry], wanted: impl Fn(&Event) -> bool) -> usize {
    entries.iter().rposition(|entry| wanted(&entry.event)).unwrap()
}

#[test]
fn an_honest_session_is_proven() {
    let entries = walked();
    let (_home, dir) = on_disk(&entries);
    let verified = verify(&dir, None).unwrap();
    assert_eq!(verified.findings, []);
    assert_eq!(verified.records, entries.len() as u64);
    let head = crate::journal::reader::read(&dir).unwrap().head;
    assert_eq!(verified.head, head.to_string());
    let said = verified.proven.join("\n");
    for part in [
        "each linked to the one before",
        "runbook.yaml is the one the session was opened with",
        "the start of 2 Wipe the old disk (attempt 2",
        "was allowed: all",
        "the start of 1 step that destroys nothing was allowed too",
        "the outputs of 2 commands are as recorded",
    ] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    assert!(!verified.not_proven.is_empty(), "it says what it cannot know");
}

#[test]
fn a_session_under_a_hold_is_held_while_its_host_lives() {
    let mut entries = walked();
    let last = entries.last().unwrap().clone();
    let event = Event::HoldCalled { why: "wait".to_owned() };
    entries.push(Entry { n: last.n + 1, event, ..last });
    let (_home, dir) = on_disk(&entries);
    let host = crate::journal::writer::Writer::open(&dir, |_| ()).unwrap();
    assert_eq!(store::load(&dir).unwrap().state, store::SessionState::Held);
    drop(host);
    assert_eq!(store::load(&dir).unwrap().state, store::SessionState::Lost);
}

#[test]
fn it_comes_back_from_disk_as_it_was() {
    let entries = walked();
    let (_home, dir) = on_disk(&entries);
    let mut found = Vec::new();
    let loaded = store::load_each(&dir, |entry| found.push(entry)).unwrap();
    assert_eq!((&found, loaded.tail), (&entries, Tail::Whole));
    assert_eq!((loaded.session.head, loaded.state), (entries.len() as u64, store::SessionState::Lost));
    let resumed = store::resume(&dir, 3).unwrap();
    assert_eq!(resumed.recent, entries[entries.len() - 3..]);
    assert_eq!((resumed.session, resumed.writer.last()), (loaded.session, entries.len() as u64));
    assert_eq!(store::load(&dir).unwrap().state, store::SessionState::Open);
}

/// The most memory this process ever had, bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// A run by hand sets a million.
#[test]
fn j20_a_long_session_is_brought_back_taken_up_and_verified_in_the_memory_of_a_short_one() {
    let count: u64 =
        std::env::var("ONBELAY_TEST_RECORDS").ok().and_then(|n| n.parse().ok()).unwrap_or(50_000);
    let mut honest = walked();
    let (last, by) = (honest.pop().unwrap(), honest[0].by.clone());
    let (_home, dir) = on_disk(&honest);
    let mut out = std::io::BufWriter::new(fs::File::options().append(true).open(dir.join(JOURNAL)).unwrap());
    let mut prev =
        store::load_each(&dir, |_| ()).map(|_| crate::journal::reader::read(&dir).unwrap().head).unwrap();
    for n in last.n..=count {
        let event = Event::Noted { text: "a record of the length that records of a walk have".repeat(4) };
        let line = line(&Entry { n, event, by: by.clone(), ..last.clone() }, &prev);
        prev = link_to(&line[..line.len() - 1]);
        std::io::Write::write_all(&mut out, &line).unwrap();
    }
    drop(out);
    // The first of each takes what it takes; so many more records take no more.
    let (before, began) = (peak(), std::time::Instant::now());
    assert_eq!(store::load(&dir).unwrap().session.head, count);
    let resumed = store::resume(&dir, 500).unwrap();
    assert_eq!((resumed.session.head, resumed.recent.len()), (count, 500));
    drop(resumed);
    let verified = verify(&dir, None).unwrap();
    assert_eq!((verified.findings.first(), verified.records), (None, count));
    let (took, grown) = (began.elapsed(), peak() - before);
    println!(
        "J20: {count} records brought back, taken up and verified in {took:?}; memory grew by {} KiB",
        grown >> 10
    );
    assert!(grown < 8 << 20, "{grown} bytes more for {count} records");
}

type Forgery = fn(&mut Vec<Entry>) -> usize;

/// The chain redone after each: only the rules of the walk can tell.
#[test]
fn t2_a_forged_walk_with_a_whole_chain_is_found_at_its_start() {
    let cases: [(&str, Forgery, &str); 7] = [
        (
            "the check did not hold",
            |all| {
                let at = place_of(all, |event| matches!(event, Event::CheckAnswered { .. }));
                if let Event::CheckAnswered { answer, .. } = &mut all[at].event {
                    **answer = Answer { verdict: crate::session::Verdict::Fails, ..(**answer).clone() };
                }
                place_of(all, |event| matches!(event, Event::StepStarted { .. }))
            },
            "its gate was shut",
        ),
        (
            "the answer was no",
            |all| {
                let at = place_of(all, |event| matches!(event, Event::Attested { .. }));
                if let Event::Attested { yes, .. } = &mut all[at].event {
                    *yes = false;
                }
                place_of(all, |event| matches!(event, Event::StepStarted { .. }))
            },
            "its gate was shut",
        ),
        (
            "something else was typed",
            |all| {
                let asked = place_of(all, |event| matches!(event, Event::Requested { .. }));
                let at = place_of(all, |event| matches!(event, Event::StepStarted { .. }));
                for at in [asked, at] {
                    if let Event::Requested { typed, .. } | Event::StepStarted { typed, .. } =
                        &mut all[at].event
                    {
                        *typed = Some("new-disk".to_owned());
                    }
                }
                at
            },
            "its gate was shut",
        ),
        (
            "a hold was called before",
            |all| {
                let asked = place_of(all, |event| matches!(event, Event::Requested { .. }));
                let note =
                    Entry { event: Event::HoldCalled { why: "wait".to_owned() }, ..all[asked - 1].clone() };
                all.insert(asked, note);
                for (n, entry) in (1..).zip(all.iter_mut()) {
                    entry.n = n;
                }
                place_of(all, |event| matches!(event, Event::StepStarted { .. }))
            },
            "its gate was shut",
        ),
        (
            "another command ran",
            |all| {
                let at = place_of(all, |event| matches!(event, Event::StepStarted { .. }));
                if let Event::StepStarted { command, .. } = &mut all[at].event {
                    *command = Some(link_to(b"rm -rf /"));
                }
                at
            },
            "is not what the runbook and the values give",
        ),
        (
            "somebody else started it",
            |all| {
                let at = place_of(all, |event| matches!(event, Event::StepStarted { .. }));
                all[at].by = Person { name: "mallory".to_owned(), uid: Some(66), login: None };
                at
            },
            "who is not the operator",
        ),
        (
            "it never ran the drill",
            |all| {
                let at = place_of(
                    all,
                    |event| matches!(event, Event::StepSettled { step, .. } if step == "drill"),
                );
                if let Event::StepSettled { ok, .. } = &mut all[at].event {
                    *ok = false;
                }
                place_of(all, |event| matches!(event, Event::StepStarted { .. }))
            },
            "its gate was shut",
        ),
    ];
    for (name, forge, said) in cases {
        let mut entries = walked();
        let at = forge(&mut entries);
        let (_home, dir) = on_disk(&entries);
        let verified = verify(&dir, None).unwrap();
        let n = entries[at].n;
        let found = verified.findings.iter().find(|finding| finding.what.contains(said));
        assert_eq!(found.and_then(|finding| finding.record), Some(n), "{name}: {:?}", verified.findings);
        assert!(!verified.proven.iter().any(|proof| proof.contains("Wipe")), "{name}: {:?}", verified.proven);
    }
}

#[test]
fn t6_one_changed_byte_in_any_file_is_found() {
    let entries = walked();
    let (_home, dir) = on_disk(&entries);
    let journal = fs::read(dir.join(JOURNAL)).unwrap();
    let last_line = memchr::memrchr(b'\n', &journal[..journal.len() - 1]).unwrap();
    let files = [
        (JOURNAL.to_owned(), last_line, 41),
        (RUNBOOK.to_owned(), text().len(), 23),
        (format!("{ATTEMPTS}/1/output"), 6, 1),
    ];
    for (file, upto, every) in files {
        let path = dir.join(&file);
        let honest = fs::read(&path).unwrap();
        // The stored copy cannot be written to, so another takes its place.
        let put = |bytes: &[u8]| {
            fs::remove_file(&path).unwrap();
            fs::write(&path, bytes).unwrap();
        };
        for at in (0..upto).step_by(every) {
            let mut changed = honest.clone();
            changed[at] ^= 1;
            put(&changed);
            let verified = verify(&dir, None).unwrap();
            assert!(!verified.is_whole(), "byte {at} of {file}");
            if file == JOURNAL {
                let n = memchr::memchr_iter(b'\n', &honest[..at]).count() as u64 + 1;
                assert_eq!(verified.findings[0].record, Some(n), "byte {at}: {:?}", verified.findings);
            }
        }
        put(&honest[..upto.min(honest.len()) - 1]);
        assert!(file == JOURNAL || !verify(&dir, None).unwrap().is_whole(), "{file}, cut");
        put(&honest);
        assert!(verify(&dir, None).unwrap().is_whole());
    }
    fs::remove_file(dir.join(ATTEMPTS).join("2/output")).unwrap();
    assert!(verify(&dir, None).unwrap().findings[0].what.contains("is missing"));
    fs::remove_file(dir.join(RUNBOOK)).unwrap();
    assert!(
        verify(&dir, None)
            .unwrap()
            .findings
            .iter()
            .any(|finding| finding.what.contains("runbook.yaml is missing"))
    );
}
