//! The command line as scripts rely on it: verbs, exit statuses, what goes to stdout.

use serde_json::Value;

use crate::people::People;
use crate::support::{Home, Offer, Session, has_ended, have, kill, not_offered, root, until};

const THREE: &str = r"
onbelay: 1
title: Three steps
checks:
  auto: { title: Auto, run: test -e ready, fix: touch ready }
  word: { title: Word, attest: Who?, fix: ask }
steps:
  - phase: Begin
  - { id: one, title: One, run: echo one }
  - { id: two, title: Two }
  - phase: End
  - { id: wipe, title: Wipe, destructive: true, requires: [auto, word], run: echo gone >>effects }
";

#[test]
fn a_walk_by_scripts_from_first_to_last() {
    let home = Home::new();
    let session = home.start(THREE);
    assert_eq!(session.step("one"), "ready");
    session.act(&["run", "one"]).expect(0);
    session.act(&["done", "two", "--say", "did it"]).expect(0);
    session.act(&["check", "auto"]).expect(1);
    session.act(&["attest", "word", "--no", "--say", "nobody"]).expect(0);
    assert_eq!(session.check("word"), "fails");
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(1).says("touch ready");
    home.write("ready", "");
    session.act(&["check", "--all"]).expect(0);
    session.act(&["attest", "word", "--say", "me"]).expect(0);
    assert!(session.gate("wipe", "word").0);
    session.act(&["finish"]).expect(1).says("wipe");
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
    session.act(&["finish"]).expect(0);
    let status = session.status();
    assert_eq!(status["state"], "finished");
    assert_eq!(status["session"], session.id.as_str());
    assert_eq!(status["steps"][0]["phase"], "Begin");
    assert_eq!(status["steps"][2]["destructive"], true);
    assert_eq!(status["checks"][0]["id"], "auto");
    session.act(&["run", "one"]).expect(1);
    session.verifies();
}

#[test]
fn exit_statuses_mean_what_the_contract_says() {
    let home = Home::new();
    let session = home.start(
        "onbelay: 1\ntitle: T\nchecks:\n  no: { title: N, run: exit 1 }\nsteps:\n  - { id: bad, title: B, run: exit 5 }\n  - { id: unproved, title: U, run: 'true', verify: no }\n  - { id: last, title: L, run: 'true' }\n",
    );
    session.act(&["run", "last"]).expect(1);
    session.act(&["run", "nothing-like-it"]).expect(2).says("nothing-like-it");
    session.act(&["frobnicate"]).expect(2);
    session.act(&["attest", "no", "--say", "x"]).expect(2);
    session.act(&["run", "bad"]).expect(4);
    session.act(&["skip", "bad", "--say", "never mind"]).expect(0);
    session.act(&["run", "unproved"]).expect(4);
    session.act(&["check", "no"]).expect(1);
    home.call(&["do", "no-such-session", "note", "x"]).expect(2);
    home.call(&["status", "no-such-session"]).expect(2);
    home.call(&["frobnicate"]).expect(2);
    home.call(&["start", "no-such-file.yaml"]).expect(2).says("no-such-file.yaml");
    home.call(&["--version"]).expect(0).says("onbelay");
    home.call(&["--help"]).expect(0).says("Example");
    home.call(&["import", "x.md"]).expect(2);
}

#[test]
fn a_session_is_found_by_a_part_of_its_id_and_never_guessed_for_do() {
    let home = Home::new();
    home.call(&["status"]).expect(2);
    let file = home.write("runbook.yaml", THREE);
    let first = home.start_file(&file, &[]);
    home.call(&["status"]).expect(0).says("Three steps");
    // The same runbook with the same values is refused, with that session's id.
    home.call(&["start", file.to_str().unwrap()]).expect(1).says(&first.id);
    let second = home.start_file(&file, &["--another"]);
    home.call(&["status"]).expect(2).says(&first.id).says(&second.id);
    let part = &first.id[first.id.len() - 4..];
    assert_eq!(home.call(&["status", part, "--json"]).expect(0).json()["session"], first.id.as_str());
    home.call(&["do", "three-steps", "note", "x"]).expect(2);
    let list = home.call(&["list", "--json"]).expect(0).json();
    let rows = list.as_array().or_else(|| list["sessions"].as_array()).unwrap().clone();
    assert_eq!(rows.len(), 2);
    home.call(&["list"]).expect(0).says(&first.id).says(&second.id);
    // The newest is meant where reading is all that is asked.
    home.call(&["verify"]).expect(0).says(&second.id);
}

#[test]
fn reading_verbs_leave_a_lost_session_alone_and_do_brings_it_back() {
    let home = Home::new();
    let session = home.start(THREE);
    session.act(&["run", "one"]).expect(0);
    session.kill_host();
    let before = session.journal().len();
    assert_eq!(session.status()["state"], "lost");
    for words in [&["log"][..], &["verify"], &["report"]] {
        session.call(words[0], &[]).expect(0);
    }
    home.call(&["list"]).expect(0).says("lost");
    assert_eq!(session.journal().len(), before);
    session.act(&["note", "here again"]).expect(0);
    assert_eq!(session.status()["state"], "open");
    assert_eq!(session.records("host_started").len(), 2);
}

#[test]
fn f_d3_verify_finds_a_byte_that_was_changed() {
    let home = Home::new();
    let session = home.start(THREE);
    session.act(&["run", "one"]).expect(0);
    session.act(&["note", "the truth"]).expect(0);
    session.act(&["note", "and more of it"]).expect(0);
    session.kill_host();
    let path = session.dir().join("journal.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("the truth", "the trutH")).unwrap();
    session.call("verify", &[]).expect(1).says("record");
    session.call("log", &[]).says("Three steps");
    let ran = session.act(&["note", "on top of it"]);
    assert_ne!(ran.code, Some(0), "{ran:?}");
    ran.says("was changed");
    assert!(!std::fs::read_to_string(&path).unwrap().contains("on top of it"), "nothing is written after it");
    std::fs::write(&path, text).unwrap();
    session.call("verify", &[]).expect(0);
}

#[test]
fn errors_in_a_runbook_name_file_line_and_column_and_start_nothing() {
    let home = Home::new();
    let file = home.write("bad.yaml", "onbelay: 1\ntitle: Bad\nsteps:\n  - id: a\n    title: A\n    needs: b\n    destrutive: true\n    run: 'true'\n");
    let file = file.to_str().unwrap();
    for words in [&["lint", file][..], &["start", file], &["check", file], &["run", file, "--plain"]] {
        let ran = home.call(words);
        assert_eq!(ran.code, Some(if words[0] == "lint" { 1 } else { 2 }), "{words:?} {ran:?}");
        ran.clean()
            .says("bad.yaml:6:5")
            .says("needs")
            .says("requires")
            .says("bad.yaml:7:5")
            .says("destructive");
    }
    assert!(home.sessions().is_empty());
    let found = home.call(&["lint", file, "--format", "json"]);
    assert!(found.json().is_object() || found.json().is_array());
    for (name, text) in [
        ("empty.yaml", String::new()),
        ("two.yaml", "onbelay: 1\ntitle: A\nsteps: []\n---\nonbelay: 1\n".to_owned()),
        ("deep.yaml", "[".repeat(100_000)),
        ("alias.yaml", "onbelay: 1\ntitle: &a A\nsteps:\n  - title: *a\n".to_owned()),
        ("large.yaml", format!("onbelay: 1\ntitle: {}\n", "x".repeat(2 << 20))),
    ] {
        let file = home.write(name, &text);
        home.call(&["start", file.to_str().unwrap()]).expect(2).clean().says(name);
    }
    home.call(&["start", "/dev/zero"]).expect(2);
    home.call(&["start", home.path("").to_str().unwrap()]).expect(2);
}

#[test]
fn what_is_for_later_is_refused_with_not_yet() {
    let home = Home::new();
    for (name, text) in [
        (
            "heading",
            "onbelay: 1\ntitle: T\nsteps:\n  - { phase: P, for_each: { h: [a] } }\n  - { id: a, title: A }\n",
        ),
        ("host", "onbelay: 1\ntitle: T\nsteps:\n  - { id: a, title: A, run: sh, host: web-1 }\n"),
    ] {
        let file = home.write(&format!("{name}.yaml"), text);
        home.call(&["start", file.to_str().unwrap()]).expect(2).says("not yet");
    }
    // A witness keeps the gate shut and says so.
    let session = home.start(
        "onbelay: 1\ntitle: T\nsteps:\n  - { id: w, title: W, witness: true, run: echo gone >>effects }\n",
    );
    session.act(&["run", "w"]).expect(1).says("second person");
    assert_eq!(home.read("effects"), "");
}

#[test]
fn check_asks_once_and_leaves_no_session() {
    let home = Home::new();
    let file = home.write("runbook.yaml", THREE);
    let file = file.to_str().unwrap();
    let ran = home.call(&["check", file, "--json"]).expect(1);
    let answer = ran.json();
    assert_eq!(answer["hold_points"][0]["step"], "wipe");
    assert_eq!(answer["hold_points"][0]["opens"], false);
    assert_eq!(answer["hold_points"][0]["closed_by"], serde_json::json!(["auto"]));
    assert_eq!(answer["hold_points"][0]["open"], serde_json::json!(["word"]));
    home.write("ready", "");
    let answer = home.call(&["check", file, "--json"]).expect(0).json();
    assert_eq!(answer["hold_points"][0]["opens"], true);
    assert!(home.sessions().is_empty());
    assert_eq!(home.read("effects"), "");
}

#[test]
fn log_report_schema_completions_and_man_are_what_they_say() {
    let home = Home::new();
    let session = home.start(THREE);
    session.act(&["run", "one"]).expect(0);
    let log = session.call("log", &["--json"]).expect(0);
    let lines: Vec<Value> = log.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, session.journal(), "as it is");
    session.call("log", &[]).expect(0).says("started");
    session.call("report", &["--format", "md"]).expect(0).says("# Three steps");
    assert!(session.call("report", &["--format", "json"]).expect(0).json().is_object());
    let out = home.path("report.md");
    session.call("report", &["-o", out.to_str().unwrap()]).expect(0);
    assert!(home.read("report.md").contains("Three steps"));
    session.call("report", &["--format", "html"]).expect(2).says("not yet");
    let schema = home.call(&["schema"]).expect(0).json();
    assert!(schema["properties"]["steps"].is_object() || schema["$defs"].is_object(), "{schema}");
    for shell in ["bash", "zsh", "fish"] {
        home.call(&["completions", shell]).expect(0).says("onbelay");
    }
    home.call(&["man"]).expect(0).says(".TH onbelay");
}

#[test]
fn log_follow_tells_what_is_added_until_the_session_ends() {
    let home = Home::new();
    let session = home.start("onbelay: 1\ntitle: T\nsteps:\n  - { id: a, title: A, run: 'true' }\n");
    let follower = home.command(&["log", &session.id, "--json", "--follow"]).spawn().unwrap();
    session.act(&["run", "a"]).expect(0);
    session.act(&["finish"]).expect(0);
    let out = follower.wait_with_output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(text.lines().last().unwrap().contains("\"finished\""), "{text}");
    assert_eq!(text.lines().count(), session.journal().len());
}

#[test]
fn no_wait_does_not_wait_and_130_leaves_what_runs() {
    let home = Home::new();
    let session = home.start("onbelay: 1\ntitle: T\nsteps:\n  - { id: a, title: A, run: 'until [ -e go ]; do sleep 0.05; done; echo over' }\n");
    let mut waiter = home.command(&["do", &session.id, "run", "a"]).spawn().unwrap();
    session.wait_for("step_started");
    rustix::process::kill_process(rustix::process::Pid::from_child(&waiter), rustix::process::Signal::INT)
        .unwrap();
    assert_eq!(waiter.wait().unwrap().code(), Some(130));
    assert_eq!(session.step("a"), "running");
    home.write("go", "");
    session.wait_for("step_settled");
    assert_eq!(session.step("a"), "done");
}

#[test]
fn people_may_hold_note_abort_and_undo_as_the_contract_says() {
    let home = Home::new();
    let session = home.start("onbelay: 1\ntitle: T\nsteps:\n  - { id: a, title: A, run: echo do >>effects, undo: echo undo >>effects }\n  - { id: b, title: B, run: echo b >>effects }\n");
    session.act(&["run", "a"]).expect(0);
    session.act(&["hold", "wait"]).expect(0);
    assert_eq!(session.status()["state"], "held");
    session.act(&["run", "b"]).expect(1).says("wait");
    session.act(&["undo", "a"]).expect(1);
    session.act(&["release"]).expect(0);
    session.act(&["abort", "--say", "enough"]).expect(0);
    session.act(&["run", "b"]).expect(1);
    session.act(&["undo", "a"]).expect(0);
    assert_eq!(home.read("effects"), "do\nundo\n");
    assert_eq!(session.status()["state"], "aborted");
    session.verifies();
}

#[test]
fn no_colour_in_a_pipe() {
    let home = Home::new().with("TERM", "xterm-256color");
    let session = home.start(THREE);
    for words in [&["status"][..], &["list"], &["log"], &["--help"]] {
        home.call(words).expect(0).clean();
    }
    session.act(&["run", "wipe"]).expect(1).clean();
}

#[test]
fn j4_a_full_disk_is_exit_3_and_nothing_is_started_unrecorded() {
    if !root("j4") {
        return;
    }
    let mut home = Home::new();
    let full = home.path("full");
    std::fs::create_dir(&full).unwrap();
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=512k", "onbelay-it"])
        .arg(&full)
        .status();
    if !mount.is_ok_and(|status| status.success()) {
        not_offered("j4", Offer::Mounts, "this root may not mount");
        return;
    }
    let _unmount = Unmount(full.clone());
    home.set("ONBELAY_HOME", full.join("state"));
    let file = home.write("runbook.yaml", "onbelay: 1\ntitle: Full\nsteps:\n  - { id: a, title: A, run: echo ran >>../effects }\n  - { id: b, title: B, run: echo ran >>effects }\n");
    let id = home.call(&["start", file.to_str().unwrap()]).expect(0).stdout.trim().to_owned();
    let filler = full.join("filler");
    until("the disk is full", || {
        use std::io::Write as _;
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&filler).unwrap();
        file.write_all(&[0; 512]).is_err().then_some(())
    });
    let ran = home.call(&["do", &id, "skip", "a", "--say", &"x".repeat(8000)]).expect(3);
    let said = ran.said();
    assert!(said.contains("journal") || said.contains("space") || said.contains("disk"), "{said}");
    let ran = home.call(&["do", &id, "run", "b"]);
    assert_ne!(ran.code, Some(0), "{ran:?}");
    assert_eq!(home.read("effects"), "", "nothing was started");
    std::fs::remove_file(&filler).unwrap();
    let host: i32 = home
        .call(&["log", &id, "--json"])
        .stdout
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|record| record["event"] == "host_started")
        .filter_map(|record| record["pid"].as_i64())
        .next_back()
        .and_then(|pid| i32::try_from(pid).ok())
        .unwrap();
    let host = rustix::process::Pid::from_raw(host).unwrap();
    kill(host);
    has_ended(host);
    home.call(&["do", &id, "skip", "a", "--say", "there is room again"]).expect(0);
    home.call(&["do", &id, "run", "b"]).expect(0);
    home.call(&["verify", &id]).expect(0);
}

/// Takes a mount away at the end of a test, come what may.
struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn j13_a_second_host_is_refused_by_the_kernels_lock() {
    let home = Home::new();
    let session = home.start(THREE);
    let host = session.host();
    // A dead socket does not make a second host: the lock is what counts.
    std::fs::remove_file(session.dir().join("socket")).unwrap();
    let ran = session.act(&["note", "hello"]);
    assert_ne!(ran.code, Some(0), "{ran:?}");
    assert!(crate::support::alive(host));
    assert_eq!(session.records("host_started").len(), 1);
    let _ = Session::new(&home, session.id.clone());
}

#[test]
fn a_persons_step_over_a_list_names_the_item_at_hand() {
    let home = Home::new();
    let session = home.start(
        "onbelay: 1\ntitle: Calls\nsteps:\n  - { id: call, title: Call them, for_each: { who: [ann, bob] } }\n",
    );
    session.act(&["run", "call"]).expect(0).says("is yours now, for ann (1 of 2)");
    session.act(&["done", "call"]).expect(0).says("is yours now, for bob (2 of 2)");
    session.act(&["done", "call"]).expect(0);
    assert_eq!(session.step("call"), "done");
}

const WITNESSED: &str = r"
onbelay: 1
title: Witnessed
checks:
  auto: { title: Auto, run: test -e ready, fix: touch ready }
steps:
  - { id: wipe, title: Wipe, destructive: All of it., requires: [auto], witness: { proof: PROOF }, confirm: shop, run: echo gone >>effects }
";

fn witnessed(proof: &str) -> String {
    WITNESSED.replace("PROOF", proof)
}

/// The approval of the only step, as `status --json` says it.
fn approval(session: &Session) -> Value {
    session.status()["steps"][0]["approval"].clone()
}

#[test]
fn somebody_at_the_operators_terminal_approves_unproven_and_the_operator_never() {
    let home = Home::new();
    let session = home.start(&witnessed("here"));
    assert_eq!(approval(&session)["state"], "none");
    // What keeps the step shut is said before anybody is asked.
    session.act(&["approve", "wipe", "--name", "Kim"]).expect(1).says("not asked yet");
    home.write("ready", "");
    let ran = session.act(&["run", "wipe", "--confirm", "shop"]).expect(1);
    let tail = session.id.rsplit('-').next().unwrap();
    ran.says("asked just now").says("onbelay do /").says(&format!("/{tail} approve wipe --name NAME"));
    assert_eq!(approval(&session)["state"], "asked");
    let ran = session.act(&["approve", "wipe"]).expect(1).says("nobody approves themselves");
    assert!(ran.stderr.contains(&format!("/{tail} approve wipe --name NAME")), "{ran:?}");
    session.act(&["approve", "wipe", "--name", " "]).expect(2);
    let ran = session.act(&["approve", "wipe", "--name", "Kim"]).expect(0).clean();
    assert!(
        ran.stdout.starts_with("approved: 1 Wipe, by Kim (at the operator's terminal, unproven); "),
        "{ran:?}"
    );
    assert!(ran.stdout.ends_with("; the operator may start it\n"), "{ran:?}");
    assert!(ran.stderr.contains("  | echo gone >>effects\n"), "it is shown first: {ran:?}");
    let given = approval(&session);
    assert_eq!((&given["state"], &given["by"][0]["name"]), (&"approved".into(), &"Kim".into()));
    assert_eq!(given["by"][0]["proof"], "here");
    session.call("status", &[]).expect(0).says("approved by Kim (unproven)").says("with ");
    session.act(&["run", "wipe", "--confirm", "shop"]).expect(0);
    assert_eq!(home.read("effects"), "gone\n");
    session.verifies();
}

#[test]
fn a_refusal_is_a_word_of_its_own_and_only_the_operator_asks_anew() {
    let home = Home::new();
    home.write("ready", "");
    let session = home.start(&witnessed("here"));
    session.act(&["refuse", "wipe", "--say", "no"]).expect(1).says("nobody asked");
    session.act(&["run", "wipe", "--confirm", "shop"]).expect(1);
    session.act(&["refuse", "wipe"]).expect(2);
    session.act(&["refuse", "wipe", "--say", "the wrong shop"]).expect(0).says("can ask anew");
    assert_eq!(approval(&session)["state"], "refused");
    // A yes after a no is none: approving asks nobody anew.
    session.act(&["approve", "wipe", "--name", "Kim"]).expect(1).says("the wrong shop");
    assert_eq!(session.records("approval_asked").len(), 1);
    session.act(&["run", "wipe", "--confirm", "shop"]).expect(1).says("the wrong shop").says("asked anew");
    session.act(&["approve", "wipe", "--name", "Kim"]).expect(0);
    // A hold voids what was approved.
    session.act(&["hold", "wait"]).expect(0);
    session.act(&["release"]).expect(0);
    assert_eq!(approval(&session)["state"], "void");
    session.act(&["run", "wipe", "--confirm", "shop"]).expect(1).says("hold");
    assert_eq!(home.read("effects"), "");
    session.verifies();
}

#[test]
fn a_key_approves_by_one_short_text_each_way() {
    if !have("a_key_approves", "ssh-keygen") {
        return;
    }
    let home = Home::new();
    home.write("ready", "");
    let session = home.start(&witnessed("key"));
    let key = home.path("sams-key");
    let keygen = |words: &[&str]| {
        let ran = std::process::Command::new("ssh-keygen").args(words).output().unwrap();
        assert!(ran.status.success(), "{words:?}: {}", String::from_utf8_lossy(&ran.stderr));
    };
    keygen(&["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key.to_str().unwrap()]);
    let signers = format!("sam@example.org {}", home.read("sams-key.pub"));
    std::fs::write(home.state().join("allowed_signers"), signers).unwrap();
    home.call(&["approval", "show", "wipe"]).expect(1).says("not asked yet");
    session.act(&["check", "auto"]).expect(0);
    let shown = home.call(&["approval", "show", "wipe"]).expect(0).clean();
    assert!(shown.stdout.starts_with("onbelay approval 1\n"), "{shown:?}");
    assert!(shown.stderr.contains("ssh-keygen -Y sign -n onbelay-approval"), "{shown:?}");
    let again = session.call("approval", &[]);
    again.expect(2);
    let text = home.path("approval.txt");
    let text = text.to_str().unwrap();
    // The same text again: asking twice voids nothing.
    home.call(&["approval", "show", &session.id, "wipe", "-o", text]).expect(0).says("approval.txt.sig");
    assert_eq!(home.read("approval.txt"), shown.stdout);
    let json = home.call(&["approval", "show", "wipe", "--json"]).expect(0).json();
    assert_eq!(
        (json["text"].as_str(), &json["namespace"]),
        (Some(&*shown.stdout), &"onbelay-approval".into())
    );
    assert_eq!(session.records("approval_asked").len(), 1);
    keygen(&["-q", "-Y", "sign", "-n", "onbelay-approval", "-f", key.to_str().unwrap(), text]);
    // What is no signature is a wrong call, and names the file.
    home.call(&["approve", "wipe"]).expect(2).says("approval show");
    home.call(&["approve", "wipe", "--signature", text])
        .expect(2)
        .says("approval.txt: ")
        .says("to be signed");
    home.call(&["approve", "wipe", "--signature", "/dev/zero"]).expect(2).says("/dev/zero");
    let good = home.read("approval.txt.sig");
    home.write("large.sig", &good.repeat(1000));
    home.call(&["approve", "wipe", "--signature", "large.sig"]).expect(2).says("large.sig").says("64 KiB");
    // A signature over anything else does not do.
    home.write("other.txt", &shown.stdout.replace("gone", "all!"));
    let other = home.path("other.txt");
    keygen(&[
        "-q",
        "-Y",
        "sign",
        "-n",
        "onbelay-approval",
        "-f",
        key.to_str().unwrap(),
        other.to_str().unwrap(),
    ]);
    home.call(&["approve", "wipe", "--signature", "other.txt.sig"]).expect(1);
    session.act(&["approve", "wipe"]).expect(1).says("signature");
    assert!(session.records("approved").is_empty());
    // Pasted, with what a mail puts around it.
    let pasted: Vec<String> = good.lines().map(|line| format!("  {line}")).collect();
    let ran =
        home.call_with(&["approve", &session.id, "wipe", "--signature", "-"], pasted.join("\r\n").as_bytes());
    ran.expect(0).says("approved: 1 Wipe, by sam@example.org (a signature by key SHA256:");
    assert_eq!(approval(&session)["by"][0]["proof"], "key");
    session.act(&["run", "wipe", "--confirm", "shop"]).expect(0);
    assert_eq!(home.read("effects"), "gone\n");
    session.verifies();
}

#[test]
fn another_account_approves_and_takes_over() {
    let Some(people) = People::new("another_account_approves", &["dana", "sam"]) else { return };
    let file = people.write("runbook.yaml", &witnessed("account").replace("test -e ready", "'true'"));
    let ran = people.call(0, &["start", "--share", &people.group, file.to_str().unwrap()]).expect(0);
    let id = ran.stdout.trim();
    let (dana, sam) = (people.name(0), people.name(1));
    people.call(0, &["do", id, "run", "wipe", "--confirm", "shop"]).expect(1).says("attach --witness");
    people.call(0, &["do", id, "approve", "wipe"]).expect(1).says("nobody approves themselves");
    people.call(1, &["do", id, "run", "wipe", "--confirm", "shop"]).expect(1).says(dana);
    people.call(1, &["do", id, "approve", "wipe", "--name", "kim"]).expect(1).says("proves nothing");
    let ran = people.call(1, &["do", id, "approve", "wipe"]).expect(0);
    ran.says(&format!("approved: 1 Wipe, by {sam} (another account); "));
    people.call(1, &["do", id, "handover", sam]).expect(1);
    people.call(0, &["do", id, "handover", "nobody-of-that-name"]).expect(1);
    people.call(0, &["do", id, "handover", sam]).expect(0).says(&format!("{sam} is the operator now"));
    let status = people.call(0, &["status", id, "--json"]).expect(0).json();
    assert_eq!(status["people"][0]["name"], sam);
    assert_eq!(status["steps"][0]["approval"]["state"], "void");
    // Who approved a step never starts it.
    people.call(1, &["do", id, "run", "wipe", "--confirm", "shop"]).expect(1).says("never starts it");
    people.call(0, &["do", id, "run", "wipe", "--confirm", "shop"]).expect(1).says(sam);
    assert!(!people.own(0).join("effects").exists());
    people.call(0, &["verify", id]).expect(0);
}
