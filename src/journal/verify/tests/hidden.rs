//! What somebody who can write the directory would hide: the chain is whole in each of these.

use super::approvals::walks::{
    at, bytes_of, found_at, laid_down, numbers, says, starts, verified, walked_with,
};
use super::*;
use crate::journal::reader::read_from;
use crate::journal::record;
use crate::session::bench::{dana, sam};
use crate::session::event::{Ended, LeftProcess};

const ACCOUNT: &str = "true";

/// The log up to where the bury is asked for; then a record of no known kind, and its start with no approval.
fn behind_an_unknown_record(host: Option<&str>) -> Verified {
    let mut honest = walked_with(ACCOUNT).bench.entries;
    if let (Some(version), Event::HostStarted { onbelay, .. }) = (host, &mut at(&mut honest, 2).event) {
        version.clone_into(onbelay);
    }
    let started = *starts(&honest).last().unwrap();
    let mut unapproved = at(&mut honest, started).clone();
    if let Event::StepStarted { approvals, .. } = &mut unapproved.event {
        approvals.clear();
    }
    honest.truncate(usize::try_from(started).unwrap() - 1);
    let mut bytes = bytes_of(&honest);
    let event = Event::Noted { text: "x".to_owned() };
    let unknown = Entry { event, ..at(&mut honest, started - 1).clone() };
    let mut prev = read_from(bytes.as_slice()).unwrap().head;
    for (n, entry) in (started..).zip([unknown, unapproved]) {
        let line = String::from_utf8(record::line(&Entry { n, ..entry }, &prev)).unwrap();
        let line = line.replace("\"event\":\"noted\"", "\"event\":\"amended_v2\"");
        prev = link_to(line.trim_end().as_bytes());
        bytes.extend_from_slice(line.as_bytes());
    }
    let (_home, dir) = laid_down(ACCOUNT, &honest);
    fs::write(dir.join(JOURNAL), bytes).unwrap();
    assert_eq!(store::load(&dir).unwrap().session.head, started - 1, "it can still be read");
    let seen = verify(&dir, None).unwrap();
    assert_eq!((seen.records, seen.unjudged_from), (started - 1, Some(started)));
    seen
}

#[test]
fn nothing_behind_a_record_of_an_unknown_kind_is_called_whole() {
    let seen = behind_an_unknown_record(None);
    assert!(!seen.is_whole());
    let n = seen.unjudged_from.unwrap();
    found_at(&seen, n, "amended_v2");
    found_at(&seen, n, "somebody else may have written it");
    assert!(!seen.proven.iter().any(|line| line.contains("every record")), "{:#?}", seen.proven);
    says(&seen.proven, &format!("each of records 1 to {} follows", n - 1));

    let seen = behind_an_unknown_record(Some("99.0.1"));
    assert!(!seen.is_whole());
    found_at(&seen, n, "onbelay 99.0.1 wrote it, which is newer than this");
}

#[test]
fn what_was_made_for_a_command_has_its_start_on_record() {
    let entries = walked();
    let (_home, dir) = on_disk(&entries);
    // Cut off before the destructive start, which ran.
    let started = place_of(&entries, |event| matches!(event, Event::StepStarted { .. }));
    let log = dir.join(JOURNAL);
    fs::write(&log, bytes_of(&entries[..started])).unwrap();
    let seen = verify(&dir, None).unwrap();
    assert_eq!(seen.findings.len(), 1, "{:#?}", seen.findings);
    assert!(seen.findings[0].what.contains("attempts/2 was made, and no record says that it was started"));

    // Put there; and an item of a step that has none.
    fs::write(&log, bytes_of(&entries)).unwrap();
    assert_eq!(verify(&dir, None).unwrap().findings, []);
    let attempts = dir.join("attempts");
    for (made, named) in [("3", "attempts/3 was made"), ("2/items/0", "attempts/2/items/0 was made")] {
        fs::create_dir_all(attempts.join(made)).unwrap();
        let seen = verify(&dir, None).unwrap();
        assert!(seen.findings.len() == 1 && seen.findings[0].what.contains(named), "{:#?}", seen.findings);
        fs::remove_dir_all(attempts.join(&made[..1]).join(made.get(2..7).unwrap_or(""))).unwrap();
    }
    assert_eq!(verify(&dir, None).unwrap().findings, []);

    // Cut off before its end: the outcome is there, which a host that was killed leaves too.
    let ended = place_of(&entries, |event| matches!(event, Event::WorkEnded { .. }));
    fs::write(&log, bytes_of(&entries[..ended])).unwrap();
    fs::write(attempts.join("2/outcome.json"), "{}").unwrap();
    let seen = verify(&dir, None).unwrap();
    assert_eq!(seen.findings, []);
    says(&seen.not_proven, "how the command in attempts/2 ended");
}

#[test]
fn what_was_added_to_an_output_is_found_unless_something_was_left_running() {
    let mut entries = walked();
    let (_home, dir) = on_disk(&entries);
    let ended = place_of(&entries, |event| matches!(event, Event::WorkEnded { .. }));
    let output = dir.join("attempts/2/output");
    fs::write(&output, "hello\nMORE\n").unwrap();
    let n = entries[ended].n;
    found_at(
        &verify(&dir, None).unwrap(),
        n,
        "attempts/2/output has 5 bytes more than when its command ended",
    );

    if let Event::WorkEnded { ended, .. } = &mut entries[ended].event {
        **ended = Ended { left: vec![LeftProcess { pid: 7, name: "tail".to_owned() }], ..(**ended).clone() };
    }
    fs::write(dir.join(JOURNAL), bytes_of(&entries)).unwrap();
    let seen = verify(&dir, None).unwrap();
    assert_eq!(seen.findings, []);
    says(&seen.not_proven, "5 bytes more than when its command ended (record");
    says(&seen.not_proven, "left tail running");

    fs::remove_file(&output).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &output).unwrap();
    assert!(verify(&dir, None).is_err() || !verify(&dir, None).unwrap().is_whole());
}

#[test]
fn an_approval_that_another_asking_took_the_place_of_is_told() {
    let mut walk = super::approvals::walks::Walk::new(ACCOUNT);
    walk.bench.walk("drill");
    walk.bench.check("backup").unwrap();
    let first = walk.ask("wipe");
    walk.approve("wipe", &sam(), None);
    walk.bench.act(&crate::session::Command::Hold { why: "wait".to_owned() }).unwrap();
    walk.bench.act_as(&dana(), &crate::session::Command::Release { why: None }).unwrap();
    let second = walk.ask("wipe");
    let entries = &walk.bench.entries;
    assert_eq!(numbers(entries, |event| matches!(event, Event::ApprovalAsked { .. })), [first, second]);
    let seen = verified(ACCOUNT, entries, None);
    assert_eq!((seen.findings.as_slice(), seen.approvals[0].replaced_by), (&[][..], Some(second)));
    says(&seen.proven, &format!("which was not started on it, as record {second} asked anew,"));
}

#[test]
fn half_a_record_that_a_living_host_is_writing_is_no_torn_one() {
    let (_home, dir) = on_disk(&walked());
    let host = crate::journal::writer::Writer::open(&dir, |_| ()).unwrap();
    let mut journal = fs::File::options().append(true).open(dir.join(JOURNAL)).unwrap();
    std::io::Write::write_all(&mut journal, b"{\"half").unwrap();
    assert_eq!(store::load(&dir).unwrap().tail, Tail::Whole);
    let half = |seen: &Verified| seen.not_proven.iter().any(|line| line.contains("half a record"));
    let seen = verify(&dir, None).unwrap();
    assert!(seen.is_whole() && !half(&seen), "{seen:#?}");
    drop(host);
    assert_eq!(store::load(&dir).unwrap().tail, Tail::Torn { bytes: 6 });
    assert!(half(&verify(&dir, None).unwrap()));
}

#[test]
fn what_the_tool_never_puts_there_is_named_and_what_a_person_did_has_no_command() {
    let mut entries = walked();
    let (_home, dir) = on_disk(&entries);
    let attempts = dir.join("attempts");
    for strange in ["x", "07", "2/items/x", "2/items/00"] {
        fs::create_dir_all(attempts.join(strange)).unwrap();
    }
    let seen = verify(&dir, None).unwrap();
    for strange in ["attempts/x", "attempts/07", "attempts/2/items/x", "attempts/2/items/00"] {
        says(&seen.not_proven, &format!("what {strange} is: nothing that onbelay puts there"));
    }
    assert_eq!(seen.findings, []);
    fs::remove_dir_all(attempts.join("2/items")).unwrap();
    let started = place_of(&entries, |event| matches!(event, Event::StepStarted { .. }));
    if let Event::StepStarted { how, .. } = &mut entries[started].event {
        *how = crate::session::event::How::ByHand;
    }
    fs::write(dir.join(JOURNAL), bytes_of(&entries)).unwrap();
    let n = entries[started].n;
    found_at(&verify(&dir, None).unwrap(), n, "and attempts/2 was made for a command");
}

#[test]
fn a_runbook_that_cannot_be_read_is_not_taken_for_one_that_is_missing() {
    let (_home, dir) = on_disk(&walked());
    let runbook = dir.join(RUNBOOK);
    fs::remove_file(&runbook).unwrap();
    let seen = verify(&dir, None).unwrap();
    assert!(seen.findings.iter().any(|one| one.what == "runbook.yaml is missing"), "{:#?}", seen.findings);
    fs::create_dir(&runbook).unwrap();
    let said = verify(&dir, None).unwrap_err().to_string();
    assert!(said.contains("cannot read") && said.contains(RUNBOOK), "{said}");
}

#[test]
fn an_outcome_is_told_where_no_record_has_its_end_and_nobody_is_about_to_write_one() {
    let entries = walked();
    let (_home, dir) = on_disk(&entries);
    let attempts = dir.join("attempts");
    let told = || {
        let seen = verify(&dir, None).unwrap();
        seen.not_proven.iter().filter(|line| line.contains("how the command in")).count()
    };
    assert_eq!(told(), 0, "nothing has an outcome");
    for attempt in ["1", "2"] {
        fs::write(attempts.join(attempt).join("outcome.json"), "{}").unwrap();
    }
    assert_eq!(told(), 0, "the ends of both are on record");
    let ended = place_of(&entries, |event| matches!(event, Event::WorkEnded { .. }));
    fs::write(dir.join(JOURNAL), bytes_of(&entries[..ended])).unwrap();
    assert_eq!(told(), 1);
    fs::remove_file(attempts.join("2/outcome.json")).unwrap();
    assert_eq!(told(), 0, "it has not ended");
    fs::write(attempts.join("2/outcome.json"), "{}").unwrap();
    let host = crate::journal::writer::Writer::open(&dir, |_| ()).unwrap();
    assert_eq!(told(), 0, "its host is about to say so");
    drop(host);
    // Of one that nobody started it is said that nobody did, and no more.
    fs::create_dir(attempts.join("3")).unwrap();
    fs::write(attempts.join("3/outcome.json"), "{}").unwrap();
    assert_eq!(told(), 1);
}

#[test]
fn items_are_held_against_their_own_starts() {
    let yaml = "steps:\n  - { id: each, title: Each, for_each: { disk: [a, b] }, run: 'look' }\n";
    let mut walk = super::approvals::walks::Walk::of(yaml);
    walk.bench.run("each").unwrap();
    walk.bench.exits(0);
    walk.bench.exits(0);
    let (_home, dir) = super::approvals::walks::laid_down_of(yaml, &walk.bench.entries);
    for item in ["0", "1"] {
        fs::create_dir_all(dir.join("attempts/1/items").join(item)).unwrap();
    }
    let made = |seen: &Verified| seen.findings.iter().filter(|one| one.what.contains("was made")).count();
    assert_eq!(made(&verify(&dir, None).unwrap()), 0);
    fs::create_dir_all(dir.join("attempts/1/items/2")).unwrap();
    assert_eq!(made(&verify(&dir, None).unwrap()), 1);
}

#[test]
fn attempts_that_cannot_be_looked_into_are_not_taken_for_none() {
    let (_home, dir) = on_disk(&walked());
    fs::rename(dir.join("attempts"), dir.join("away")).unwrap();
    std::os::unix::fs::symlink("attempts", dir.join("attempts")).unwrap();
    let said = verify(&dir, None).unwrap_err().to_string();
    assert!(said.contains("cannot look into") && said.contains("attempts"), "{said}");
}

#[test]
fn a_head_that_was_kept_is_found_at_its_record_and_another_is_not() {
    let entries = walked();
    let (_home, dir) = on_disk(&entries);
    let heads: Vec<_> = bytes_of(&entries)
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(link_to)
        .collect();
    for (n, head) in (1..).zip(&heads) {
        let mut seen = verify(&dir, None).unwrap();
        super::super::heads::held(&mut seen, &dir, head).unwrap();
        says(&seen.proven, &format!("records 1 to {n} are those that had the head {head}"));
        assert_eq!(seen.findings, []);
    }
    // The log of before the last record does not have its head.
    fs::write(dir.join(JOURNAL), bytes_of(&entries[..entries.len() - 1])).unwrap();
    let mut seen = verify(&dir, None).unwrap();
    super::super::heads::held(&mut seen, &dir, heads.last().unwrap()).unwrap();
    assert!(
        seen.findings.iter().any(|one| one.what.contains("no record has the head")),
        "{:#?}",
        seen.findings
    );
}

#[test]
fn an_output_is_held_against_its_record_by_its_length_its_place_and_its_digest() {
    let mut entries = walked();
    let (_home, dir) = on_disk(&entries);
    let ended = place_of(&entries, |event| matches!(event, Event::WorkEnded { .. }));
    let (n, attempt) = (entries[ended].n, dir.join("attempts/2"));
    let output = attempt.join("output");
    fs::write(&output, "hel").unwrap();
    found_at(&verify(&dir, None).unwrap(), n, "was cut: it has 3 bytes where 6 were recorded");
    fs::remove_file(&output).unwrap();
    found_at(&verify(&dir, None).unwrap(), n, "attempts/2/output is missing");
    fs::create_dir(&output).unwrap();
    found_at(&verify(&dir, None).unwrap(), n, "attempts/2/output is no file");
    fs::remove_dir_all(&attempt).unwrap();
    fs::write(&attempt, "").unwrap();
    assert!(verify(&dir, None).unwrap_err().to_string().contains("attempts/2/output"));
    fs::remove_file(&attempt).unwrap();
    fs::create_dir(&attempt).unwrap();
    fs::write(&output, "other!").unwrap();
    found_at(&verify(&dir, None).unwrap(), n, "was changed: its SHA-256 is");
    if let Event::WorkEnded { ended, .. } = &mut entries[ended].event {
        ended.output_sha256 = None;
    }
    fs::write(dir.join(JOURNAL), bytes_of(&entries)).unwrap();
    let seen = verify(&dir, None).unwrap();
    assert_eq!(seen.findings, []);
    says(&seen.not_proven, "that attempts/2/output is unchanged: it was too large to be read");
}
