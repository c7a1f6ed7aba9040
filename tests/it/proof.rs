//! What `verify` proves of approvals, from a copy of the directory alone: real signatures, the real binary, another home.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Home, have};

const YAML: &str = "onbelay: 1
title: T
steps:
  - { id: wipe, title: Wipe, destructive: All of it, witness: { proof: key }, run: 'true' }
  - { id: rest, title: Rest, run: 'true' }
";

fn keygen(words: &[&str]) {
    let ran = Command::new("ssh-keygen").args(words).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// A key, and the line that allows it.
fn key(home: &Home, name: &str) -> (PathBuf, String) {
    let key = home.path(name);
    keygen(&["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key.to_str().unwrap()]);
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    (key, format!("{name}@example.org {public}"))
}

fn copy(from: &Path, to: &Path) {
    let ran = Command::new("cp").arg("-r").arg(from).arg(to).status().unwrap();
    assert!(ran.success());
}

#[test]
fn a_signed_walk_is_proven_from_a_copy_of_its_directory_alone() {
    if !have("a_signed_walk_is_proven_from_a_copy_of_its_directory_alone", "ssh-keygen") {
        return;
    }
    let home = Home::new();
    let (kim, line) = key(&home, "kim");
    let signers = home.write("signers", &line);
    let session = home.start_with(YAML, &["--allowed-signers", signers.to_str().unwrap()]);
    let text = home.path("approval.txt");
    let shown = home.call(&["approval", "show", session.id.as_str(), "wipe"]).expect(0);
    std::fs::write(&text, shown.stdout.as_bytes()).unwrap();
    keygen(&[
        "-q",
        "-Y",
        "sign",
        "-n",
        "onbelay-approval",
        "-f",
        kim.to_str().unwrap(),
        text.to_str().unwrap(),
    ]);
    let signature = home.path("approval.txt.sig");
    home.call(&["approve", session.id.as_str(), "wipe", "--signature", signature.to_str().unwrap()])
        .expect(0);
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
    session.act(&["run", "rest"]).expect(0);
    session.act(&["finish"]).expect(0);

    // Another home, another directory: nothing but the copy.
    let elsewhere = Home::new();
    let dir = elsewhere.path("copy");
    copy(&session.dir(), &dir);
    let dir = dir.to_str().unwrap();
    let verify = |more: &[&str]| {
        let mut words = vec!["verify", dir];
        words.extend(more);
        elsewhere.call(&words)
    };
    verify(&[])
        .expect(0)
        .says("was approved by the key SHA256:")
        .says(", which this log calls kim@example.org (allowed by ")
        .says("are chained only: nobody signed their head")
        .says("it is whole");
    let json = verify(&["--json"]).expect(0).json();
    assert_eq!(json["approvals"][0]["known_by"], "key", "{json}");
    assert_eq!(json["approvals"][0]["holds"], true, "{json}");
    let asked = session.records("approval_asked").last().unwrap()["n"].as_u64().unwrap();
    assert_eq!(json["signed_up_to"], asked - 1, "{json}");

    let (_, other) = key(&elsewhere, "kim");
    let mine = elsewhere.write("mine", &line);
    let theirs = elsewhere.write("theirs", &other);
    let nobody = elsewhere.write("nobody", "");
    let late = elsewhere.write("late", &line.replace(" ssh-", " valid-before=\"20200101\" ssh-"));
    verify(&["--allowed-signers", mine.to_str().unwrap()])
        .expect(0)
        .says(&format!(", which {} calls kim@example.org", mine.display()))
        .says("it is whole");
    for file in [theirs, nobody, late] {
        verify(&["--allowed-signers", file.to_str().unwrap()])
            .expect(1)
            .says("the signature of kim@example.org does not hold by");
    }
    verify(&["--allowed-signers", "/nowhere/signers"]).expect(2).says("cannot read /nowhere/signers");

    // One byte of the copy, here and there before the signature.
    let journal = Path::new(dir).join("journal.jsonl");
    let honest = std::fs::read(&journal).unwrap();
    let signed = honest
        .split_inclusive(|byte| *byte == b'\n')
        .scan(0, |at, line| {
            *at += line.len();
            Some((*at, line))
        })
        .find(|(_, line)| line.windows(18).any(|part| part == b"\"event\":\"approved\""))
        .map(|(at, _)| at)
        .unwrap();
    for at in (0..signed).step_by(signed / 40) {
        let mut changed = honest.clone();
        changed[at] ^= 1;
        std::fs::write(&journal, &changed).unwrap();
        let n = memchr::memchr_iter(b'\n', &honest[..at]).count() + 1;
        verify(&[]).expect(1).says(&format!("✗ record {n} ")).says("it is not as it should be");
    }
    std::fs::write(&journal, &honest).unwrap();
    verify(&[]).expect(0);

    let report = session.call("report", &["--format", "md"]).expect(0);
    report.says("**approved**, known by a signature that ").says(" brought, key SHA256:");
}

#[test]
fn a_key_that_is_taken_out_of_the_file_after_the_approval_starts_nothing() {
    if !have("a_key_that_is_taken_out_of_the_file", "ssh-keygen") {
        return;
    }
    let home = Home::new();
    let (kim, line) = key(&home, "kim");
    let signers = home.write("signers", &line);
    let session = home.start_with(YAML, &["--allowed-signers", signers.to_str().unwrap()]);
    let text = home.path("approval.txt");
    let shown = home.call(&["approval", "show", session.id.as_str(), "wipe"]).expect(0);
    std::fs::write(&text, shown.stdout.as_bytes()).unwrap();
    let (kim, text) = (kim.to_str().unwrap(), text.to_str().unwrap());
    keygen(&["-q", "-Y", "sign", "-n", "onbelay-approval", "-f", kim, text]);
    let signature = format!("{text}.sig");
    home.call(&["approve", session.id.as_str(), "wipe", "--signature", &signature]).expect(0);
    home.write("signers", "");
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(1);
    let void = session.records("approvals_voided");
    let why = void.last().unwrap()["why"].as_str().unwrap().to_owned();
    assert!(why.contains("the key of kim@example.org does not count any more"), "{why}");
    assert!(session.records("step_started").is_empty());
}
