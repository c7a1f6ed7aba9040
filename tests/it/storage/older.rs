//! Records taken off the end, and older copies put back: what finds them, and what says that it cannot (T1, J15).

use std::path::Path;
use std::process::Command;

use crate::support::{Home, Ran, Session};

const WALK: &str = "onbelay: 1
title: T
steps:
  - { id: wipe, title: Wipe, destructive: true, run: echo gone >>effects }
  - { id: rest, title: Rest }
";

/// The head that `verify` prints.
fn head(session: &Session<'_>) -> (u64, String) {
    let seen = session.call("verify", &["--json"]).expect(0).json();
    (seen["records"].as_u64().unwrap(), seen["head"].as_str().unwrap().to_owned())
}

fn verify(home: &Home, dir: &Path, more: &[&str]) -> Ran {
    let mut words = vec!["verify", dir.to_str().unwrap(), "--json"];
    words.extend(more);
    home.call(&words)
}

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

/// Is it said that no record has this head?
fn misses(ran: &Ran) -> bool {
    let findings = ran.json()["findings"].clone();
    findings
        .as_array()
        .unwrap()
        .iter()
        .any(|found| found["what"].as_str().unwrap().contains("no record has the head"))
}

#[test]
fn t1_records_taken_off_the_end_are_found_against_every_head_that_was_printed_after_them() {
    let home = Home::new();
    let session = home.start(WALK);
    let mut heads = vec![head(&session)];
    for action in
        [&["note", "one"][..], &["run", "wipe", "--confirm", "wipe"], &["note", "two"], &["done", "rest"]]
    {
        session.act(action).expect(0);
        heads.push(head(&session));
    }
    session.kill_host();
    let whole = std::fs::read(session.dir().join("journal.jsonl")).unwrap();
    let ends: Vec<usize> = memchr::memchr_iter(b'\n', &whole).map(|at| at + 1).collect();
    let cut = home.path("cut");
    let (mut found, mut held) = (0, 0);
    for kept in 1..=ends.len() {
        copy(&session.dir(), &cut);
        std::fs::write(cut.join("journal.jsonl"), &whole[..ends[kept - 1]]).unwrap();
        for (n, head) in &heads {
            let ran = verify(&home, &cut, &["--head", head]);
            let gone = *n > kept as u64;
            assert_eq!(misses(&ran), gone, "{kept} records kept, the head of record {n}: {ran:?}");
            if gone {
                assert_eq!(ran.code, Some(1));
                found += 1;
            } else {
                held += 1;
            }
        }
        // All heads at once: one that is missing is enough.
        let mut words = Vec::new();
        for (_, head) in &heads {
            words.extend(["--head", head.as_str()]);
        }
        assert_eq!(misses(&verify(&home, &cut, &words)), kept < ends.len());
    }
    assert!(found > 20 && held > 20, "{found} found, {held} held");
    home.call(&["verify", session.id.as_str(), "--head", "12ab"]).expect(2).says("64 hexadecimal digits");
}

#[test]
fn t1_the_head_in_what_a_second_person_signs_finds_what_was_taken_off_before_it() {
    let home = Home::new();
    let session = home.start(
        "onbelay: 1\ntitle: T\nsteps:\n  - { id: wipe, title: Wipe, destructive: true, witness: true, run: 'true' }\n",
    );
    session.act(&["note", "one"]).expect(0);
    let text = home.call(&["approval", "show", session.id.as_str(), "wipe"]).expect(0).stdout;
    session.act(&["note", "two"]).expect(0);
    session.kill_host();
    // log:         record 3 sha256 39045f…
    let line = text.lines().find_map(|line| line.strip_prefix("log:")).unwrap();
    let [_, n, _, signed] = line.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{line}") };
    let n: usize = n.parse().unwrap();
    let whole = std::fs::read(session.dir().join("journal.jsonl")).unwrap();
    let ends: Vec<usize> = memchr::memchr_iter(b'\n', &whole).map(|at| at + 1).collect();
    assert!((2..ends.len()).contains(&n), "{n} of {}", ends.len());
    let cut = home.path("cut");
    copy(&session.dir(), &cut);
    for kept in 1..=ends.len() {
        std::fs::write(cut.join("journal.jsonl"), &whole[..ends[kept - 1]]).unwrap();
        let ran = verify(&home, &cut, &["--head", signed]);
        assert_eq!(misses(&ran), kept < n, "{kept} of {} records, {n} signed: {ran:?}", ends.len());
        assert_eq!(ran.code, Some(i32::from(kept < n)), "{ran:?}");
    }
}

#[test]
fn j15_an_older_copy_of_the_directory_is_found_by_its_head_and_said_to_be_beyond_it_without_one() {
    let home = Home::new();
    let session = home.start(WALK);
    let older = home.path("older");
    copy(&session.dir(), &older);
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
    let (_, later) = head(&session);
    session.kill_host();
    // All of it put back: a walk that never ran the step, whole in itself. That it cannot be told is said.
    let dir = session.dir();
    copy(&older, &dir);
    let ran = home.call(&["verify", session.id.as_str()]).expect(0);
    let ran = ran.says("that no records were cut off at the end").says("kept elsewhere");
    assert!(!ran.said().contains("cut off or changed"));
    let ran = verify(&home, &dir, &["--head", &later]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(misses(&ran), "{ran:?}");
}

#[test]
fn j15_an_older_log_beside_newer_attempts_is_found_and_its_step_is_not_run_a_second_time() {
    let home = Home::new();
    let session = home.start(WALK);
    let journal = session.dir().join("journal.jsonl");
    let older = std::fs::read(&journal).unwrap();
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
    session.kill_host();
    std::fs::write(&journal, &older).unwrap();
    home.call(&["verify", session.id.as_str()]).expect(1).says("records were cut off or changed");
    // Its place is taken, and no attempt begins where another one has been.
    let ran = session.act(&["run", "wipe", "--confirm", "wipe"]);
    assert_ne!(ran.code, Some(0), "{ran:?}");
    let ran = ran.says("attempts/1 is there already").says("older copy");
    assert_eq!(home.read("effects"), "gone\n", "{ran:?}");
    assert_ne!(session.step("wipe"), "done");
}

#[test]
fn j15_an_older_log_under_a_running_host_stops_it() {
    let home = Home::new();
    let session = home.start(WALK);
    let journal = session.dir().join("journal.jsonl");
    let older = std::fs::read(&journal).unwrap();
    session.act(&["note", "one"]).expect(0);
    std::fs::write(&journal, &older).unwrap();
    let ran = session.act(&["run", "wipe", "--confirm", "wipe"]).expect(3);
    assert!(ran.said().contains("changed by somebody else"), "{ran:?}");
    assert_eq!(home.read("effects"), "");
}
