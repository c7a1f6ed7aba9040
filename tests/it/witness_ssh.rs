//! A witness who comes in over a real `sshd`, and whose connection is cut in the middle.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::Value;

use super::people::People;
use super::support::{Home, Sshd, have, until};

const WIPE: &str = "onbelay: 1
title: Wipe
checks:
  backup: { title: A backup exists, run: test -e backup }
steps:
  - id: wipe
    title: Wipe the disk
    destructive: Everything on the disk is lost
    requires: backup
    witness: true
    run: echo wiped >> wiped
";

const DANA: usize = 0;
const SAM: usize = 1;

/// An SSH server for sam.
fn sshd(people: &People) -> Sshd {
    let dir = people.own(SAM).join(".ssh");
    std::fs::create_dir(&dir).unwrap();
    let keys = dir.join("authorized_keys");
    let sshd = Sshd::start(&people.own(DANA), people.name(SAM), &keys, "");
    for path in [&dir, &keys] {
        std::os::unix::fs::chown(path, Some(people.uid(SAM)), None).unwrap();
        std::fs::set_permissions(path, Permissions::from_mode(0o700)).unwrap();
    }
    // An account without a password counts as locked, unless its password is one that none matches.
    assert!(Command::new("usermod").args(["--password", "*", people.name(SAM)]).status().unwrap().success());
    sshd
}

/// The first record of this kind, once it is on disk.
fn record(people: &People, event: &str) -> Value {
    let journal = people.session().join("journal.jsonl");
    until(event, || {
        let text = std::fs::read_to_string(&journal).unwrap();
        let whole = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        whole.into_iter().find(|record| record["event"] == event)
    })
}

#[test]
fn a6_a_connection_that_is_cut_after_the_approval_voids_it_and_changes_nothing_else() {
    let test = "a6_a_connection_that_is_cut";
    if !["sshd", "ssh", "ssh-keygen", "usermod", "pgrep"].iter().all(|tool| have(test, tool)) {
        return;
    }
    let Some(people) = People::new(test, &["dana", "sam"]) else { return };
    let home = Home::new();
    let sshd = sshd(&people);
    let file = people.write("wipe.yaml", WIPE);
    people.write("backup", "");
    people.call(DANA, &["start", "--share", &people.group, file.to_str().unwrap()]).expect(0);
    let session = people.session();
    let id = session.to_str().unwrap();
    let host = record(&people, "host_started")["pid"].clone();
    people.call(DANA, &["do", id, "run", "wipe", "--confirm", "wipe"]).expect(1);

    // Over the wire, read to its end, approved.
    let onbelay = people.state().parent().unwrap().join("onbelay");
    let line = format!("TERM=xterm-256color LANG=C.UTF-8 {} attach --witness {id}", onbelay.display());
    let mut sam = sshd.call(&home, &line);
    sam.wait_for("asks you to approve");
    sam.press_until("a", |screen| screen.contains("What will be lost"));
    sam.press_until("n", |screen| screen.contains("A approve"));
    sam.press_until("A", |screen| screen.contains("to approve:"));
    sam.press_until("approve", |screen| screen.contains("› approve"));
    sam.press("\r");
    let approved = record(&people, "approved");
    assert_eq!((&approved["by"]["name"], &approved["attached"]), (&people.name(SAM).into(), &true.into()));
    people.call(DANA, &["status", id]).expect(0);

    // Cut in the middle: sam is gone, without a word.
    sshd.cut();
    let void = record(&people, "approvals_voided");
    assert_eq!(void["approvals"][0], approved["n"]);
    let ran = people.call(DANA, &["do", id, "run", "wipe", "--confirm", "wipe"]).expect(1);
    assert!(ran.stdout.contains("left before the start"), "{}", ran.stdout);
    assert!(!people.own(DANA).join("wiped").exists());
    assert_eq!(record(&people, "host_started")["pid"], host);
    let alive = std::path::Path::new("/proc").join(host.to_string()).exists();
    assert!(alive, "the session goes on");

    // Back again: the same words, another approval, one start.
    let mut sam = sshd.call(&home, &line);
    sam.wait_for("asks you to approve");
    people.call(SAM, &["do", id, "approve", "wipe"]).expect(0);
    people.call(DANA, &["do", id, "run", "wipe", "--confirm", "wipe"]).expect(0);
    assert_eq!(std::fs::read_to_string(people.own(DANA).join("wiped")).unwrap(), "wiped\n");
    sam.wait_for("it ended well");
    people.call(SAM, &["verify", id]).expect(0);
}
