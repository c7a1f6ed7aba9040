//! Two real accounts at one session: one drives, the other approves; by the kernel's word for each.

use super::people::People;

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
    run: echo wiped > wiped
";

const DANA: usize = 0;
const SAM: usize = 1;
const OUTSIDER: usize = 2;

/// A session of `WIPE` by dana, shared with the group; its backup exists.
fn shared(people: &People) {
    let file = people.write("wipe.yaml", WIPE);
    people.write("backup", "");
    people.call(DANA, &["start", "--share", &people.group, file.to_str().unwrap()]).expect(0);
}

#[test]
fn another_account_approves_and_only_then_it_runs() {
    let test = "another_account_approves";
    let Some(people) = People::new(test, &["dana", "sam", "!eve"]) else { return };
    shared(&people);
    let session = people.session();
    let id = session.to_str().unwrap();

    let ran = people.call(DANA, &["do", id, "run", "wipe", "--confirm", "wipe"]).expect(1);
    assert!(ran.stdout.contains("a second person must approve it"), "{}", ran.stdout);
    people.call(DANA, &["do", id, "approve", "wipe"]).expect(1);
    people.call(OUTSIDER, &["do", id, "approve", "wipe"]).expect(2);
    people.call(SAM, &["do", id, "run", "wipe", "--confirm", "wipe"]).expect(1);
    assert!(!people.own(DANA).join("wiped").exists());

    let ran = people.call(SAM, &["do", id, "approve", "wipe"]).expect(0);
    assert!(ran.stderr.contains("Everything on the disk is lost"), "{}", ran.stderr);
    assert!(ran.stderr.contains("echo wiped > wiped"), "{}", ran.stderr);
    people.call(DANA, &["do", id, "run", "wipe", "--confirm", "wipe"]).expect(0);
    assert_eq!(std::fs::read_to_string(people.own(DANA).join("wiped")).unwrap(), "wiped\n");
    people.call(DANA, &["verify", id]).expect(0);
    people.call(SAM, &["verify", id]).expect(0);
}
