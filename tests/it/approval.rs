//! Cases of the second person that need the whole program: what lies on disk beside the step is changed after the approval, a check
//! lies. Who approves is a name typed at the operator's terminal; accounts and keys have files of their own.

use serde_json::Value;

use crate::support::{Home, Session};

/// A step that starts a file beside the runbook, with a check that the file is the one that was read.
const SCRIPT: &str = "
onbelay: 1
title: A script beside the runbook
checks:
  as-read: { title: The script is the one that was read, run: test ! -L migrate.sh && sha256sum --check --quiet read.sum }
steps:
  - { id: wipe, title: Wipe, destructive: true, witness: { proof: here }, requires: as-read, run: ./migrate.sh }
";

const HONEST: &str = "#!/bin/sh\necho honest >>effects\n";

/// The script is read and approved.
fn approved(home: &Home) -> Session<'_> {
    script(home, "migrate.sh", HONEST);
    let sum = std::process::Command::new("sha256sum").arg("migrate.sh").current_dir(home.path("")).output();
    std::fs::write(home.path("read.sum"), sum.unwrap().stdout).unwrap();
    let session = home.start(SCRIPT);
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(1).says("a second person must approve it");
    session.act(&["approve", "wipe", "--name", "Kim"]).expect(0);
    session
}

fn script(home: &Home, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = home.write(name, text);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// What puts another script in the place of one.
type Swap<'a> = &'a dyn Fn(&Home);

#[test]
fn a4_a_script_that_is_swapped_after_the_approval_does_not_run() {
    let other = HONEST.replace("honest", "swapped");
    let swaps: [(&str, Swap<'_>); 3] = [
        ("edited in place", &|home| script(home, "migrate.sh", &other)),
        ("another file in its place", &|home| {
            script(home, "other.sh", &other);
            std::fs::rename(home.path("other.sh"), home.path("migrate.sh")).unwrap();
        }),
        ("a link in its place", &|home| {
            script(home, "honest.sh", HONEST);
            std::fs::remove_file(home.path("migrate.sh")).unwrap();
            std::os::unix::fs::symlink("honest.sh", home.path("migrate.sh")).unwrap();
        }),
    ];
    for (how, swap) in swaps {
        let home = Home::new();
        let session = approved(&home);
        swap(&home);
        session.act(&["run", "wipe", "--confirm", "wipe"]).expect(1).says("as-read");
        assert_eq!(home.read("effects"), "", "{how}");
        assert_eq!(session.records("step_started").len(), 0, "{how}");
        // As it was: what was approved under the other script counts for nothing, and it is asked anew.
        std::fs::remove_file(home.path("migrate.sh")).unwrap();
        script(&home, "migrate.sh", HONEST);
        session.act(&["run", "wipe", "--confirm", "wipe"]).expect(1).says("asked anew");
        session.act(&["approve", "wipe", "--name", "Kim"]).expect(0);
        session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
        assert_eq!(home.read("effects"), "honest\n", "{how}");
        session.verifies();
    }
}

#[test]
fn a4_what_runs_is_what_was_approved_whatever_becomes_of_the_runbook() {
    let runbook = "
onbelay: 1
title: A runbook that is edited
steps:
  - { id: wipe, title: Wipe, destructive: true, witness: { proof: here }, run: echo honest >>effects }
";
    let home = Home::new();
    let file = home.write("edited.yaml", runbook);
    let id = home.call(&["start", file.to_str().unwrap()]).expect(0).stdout.trim().to_owned();
    let session = Session::new(&home, id);
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(1);
    session.act(&["approve", "wipe", "--name", "Kim"]).expect(0);
    home.write("edited.yaml", &runbook.replace("honest", "edited"));
    std::fs::write(session.dir().join("runbook.yaml"), runbook.replace("honest", "edited")).unwrap();
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
    assert_eq!(home.read("effects"), "honest\n");
    // The copy is no longer the one that the log speaks of, which is found.
    session.call("verify", &[]).expect(1).says("runbook");
}

/// Checks that say yes in ways in which a check can lie.
const LIES: &str = r"
onbelay: 1
title: Checks that lie
checks:
  silent: { title: It says nothing, run: ':' }
  escapes:
    title: It paints the screen
    run: printf '\033[2J\033]52;c;aGk=\007all is well\033[1A\n'
  expected: { title: It must say yes, run: ':', expect: { equals: 'yes' } }
  never: { title: It never says, timeout: 1s, run: exec sleep 600 }
steps:
  - { id: wipe, title: Wipe, destructive: true, requires: [silent, escapes], run: echo gone >>effects }
  - { id: more, title: More, optional: true, destructive: true, requires: expected, run: echo more >>effects }
  - { id: last, title: Last, destructive: true, requires: never, run: echo last >>effects }
";

/// The last answer to a check, as it is on record.
fn answer(session: &Session<'_>, check: &str) -> Value {
    let mut answers = session.records("check_answered");
    answers.retain(|record| record["check"] == check);
    answers.pop().unwrap()["answer"].clone()
}

#[test]
fn a10_what_a_check_answered_and_how_fast_is_on_record_and_no_answer_is_no_pass() {
    let home = Home::new();
    let session = home.start(LIES);

    // Quick and empty: it holds by its exit status alone, and the record says that this is all there was.
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
    let silent = answer(&session, "silent");
    assert_eq!((&silent["verdict"], &silent["detail"]), (&"holds".into(), &"exit status 0".into()));
    assert_eq!(silent["evidence"]["exit"], 0);
    assert_eq!(silent["evidence"]["stdout_bytes"], 0);
    let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(silent["evidence"]["stdout_sha256"], of_nothing);
    assert!(silent["took"].is_u64() && silent["began"]["at"].is_string(), "{silent}");
    let start = session.wait_for("step_started");
    let asked = session.records("check_answered");
    let rests_on: Vec<Value> = asked.iter().map(|record| record["n"].clone()).collect();
    assert_eq!(start["rests_on"], Value::from(rests_on), "the start names the very answers");

    // Escapes: as they came in the digest, and nowhere as they came.
    let escapes = answer(&session, "escapes");
    assert_eq!(escapes["verdict"], "holds");
    assert_eq!(escapes["evidence"]["stdout_bytes"], 32, "{escapes}");
    let journal = std::fs::read(session.dir().join("journal.jsonl")).unwrap();
    assert!(!journal.iter().any(|byte| *byte < b' ' && *byte != b'\n'), "a control byte is in the journal");
    for verb in ["status", "log", "report"] {
        session.call(verb, &[]).expect(0).clean();
    }

    // An answer is expected, and there is none.
    session.act(&["run", "more", "--confirm", "more"]).expect(1).says("expected `yes`");
    assert_eq!(answer(&session, "expected")["verdict"], "fails");

    // No answer in time.
    session.act(&["skip", "more", "--say", "its check lies"]).expect(0);
    session.act(&["check", "never"]).expect(1).says("no answer within 1 s");
    let never = answer(&session, "never");
    assert_eq!(never["verdict"], "error");
    assert!(never["took"].as_u64().unwrap() >= 1000, "{never}");
    assert!(
        never["evidence"].get("exit").is_none(),
        "nothing is said of an end that it did not come to: {never}"
    );
    session.act(&["run", "last", "--confirm", "last"]).expect(1).says("no answer within 1 s");
    assert_eq!(home.read("effects"), "gone\n");
    session.verifies();
}
