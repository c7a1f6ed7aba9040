//! What comes before what: the record before the command, `done_when` before what is required, the checks before the
//! start.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Home, Offer, Pid, Session, has_ended, have, kill, not_offered, until};
use crate::trace::{Call, calls};

const TRACED: &str = r"
onbelay: 1
title: Traced
checks:
  looked: { title: Looked, run: ': marker-check; true' }
steps:
  - { id: one, title: One, run: ': marker-1; true' }
  - { id: two, title: Two, requires: looked, run: ': marker-2; true', verify: looked }
  - { id: three, title: Three, destructive: true, run: ': marker-3; true', undo: ': marker-undo; true' }
";

/// The first of these calls that began after that line of the trace.
#[track_caller]
fn first<'t>(trace: &'t [Call], what: &str, after: usize, fits: impl Fn(&Call) -> bool) -> &'t Call {
    let found = trace.iter().find(|call| call.began >= after && fits(call));
    found.unwrap_or_else(|| panic!("not in the trace after line {after}: {what}\n{trace:#?}"))
}

/// Where the log's next fdatasync that succeeded ended.
#[track_caller]
fn synced(trace: &[Call], after: usize) -> usize {
    let is_sync = |call: &Call| call.is_on_the_log() && call.is("fdatasync") && call.went_well();
    first(trace, "an fdatasync of the log", after, is_sync).ended
}

#[test]
fn f_d5_j8_every_command_is_started_after_the_fdatasync_of_its_intent() {
    if !have("f_d5", "strace") {
        return;
    }
    let home = Home::new();
    let runbook = home.write("runbook.yaml", TRACED);
    let log = home.path("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-s", "4096", "-e", "trace=execve,write,fdatasync", "-e", "signal=none", "-o"]);
    strace.arg(&log).arg(env!("CARGO_BIN_EXE_onbelay")).arg("start").arg(&runbook);
    strace
        .env_clear()
        .envs(home.variables())
        .current_dir(home.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut strace = strace.spawn().unwrap();
    let mut id = String::new();
    BufReader::new(strace.stdout.take().unwrap()).read_line(&mut id).unwrap();
    if id.trim().is_empty() {
        strace.wait().unwrap();
        not_offered("f_d5", Offer::Traces, "strace may not trace here");
        return;
    }
    let session = Session::new(&home, id.trim().to_owned());
    session.act(&["run", "one"]).expect(0);
    session.act(&["run", "two"]).expect(0);
    session.act(&["run", "three", "--confirm", "three"]).expect(0);
    session.act(&["undo", "three", "--confirm", "three"]).expect(0);
    session.kill_host();
    kill(rustix::process::Pid::from_child(&strace));
    strace.wait().unwrap();
    let text = std::fs::read(&log).unwrap();
    let text = String::from_utf8_lossy(&text);
    let trace = calls(&text.lines().collect::<Vec<_>>());

    let is_start = |call: &Call, marker: &str| {
        call.is("execve") && call.text.contains(marker) && call.text.contains("\"-c\"")
    };
    let started =
        |marker: &str, from: usize| first(&trace, marker, from, |call| is_start(call, marker)).began;
    let written = |record: &str, from: usize| {
        let fits = |call: &Call| call.is_on_the_log() && call.is("write") && call.text.contains(record);
        first(&trace, record, from, fits).ended
    };
    let (mut from, mut starts, mut askings) = (0, 0, 0);
    let due = [
        ("one", "run", "marker-1"),
        ("two", "run", "marker-2"),
        ("three", "run", "marker-3"),
        ("three", "undo", "marker-undo"),
    ];
    for (step, work, marker) in due {
        let record = format!("\\\"event\\\":\\\"step_started\\\",\\\"step\\\":\\\"{step}\\\"");
        let work = format!("\\\"work\\\":\\\"{work}\\\"");
        let is_intent = |call: &Call| {
            call.is_on_the_log()
                && call.is("write")
                && call.text.contains(&record)
                && call.text.contains(&work)
        };
        let intent = first(&trace, &record, from, is_intent).ended;
        let durable = synced(&trace, intent);
        let exec = started(marker, 0);
        assert!(durable < exec, "{marker}: intent {intent}, durable {durable}, started {exec}\n{text}");
        from = exec;
        starts += 1;
    }
    // A check is announced, too: before `two` and after it.
    let mut from = 0;
    for _ in 0..2 {
        let asked = written("\\\"event\\\":\\\"check_asked\\\"", from);
        let durable = synced(&trace, asked);
        let exec = started("marker-check", from);
        assert!(durable < exec, "check: asked {asked}, durable {durable}, started {exec}");
        from = exec + 1;
        askings += 1;
    }
    // No command of the walk, and no asking, that was not looked at.
    let commands = |what: &str| trace.iter().filter(|call| is_start(call, what)).count();
    let asked = commands("marker-check");
    let started = commands("marker-") - asked;
    println!(
        "F-D5: {starts} of {started} starts, {askings} of {asked} askings after the sync of their record"
    );
    assert_eq!((starts, askings), (started, asked));
}

#[test]
fn f_d4_j3_a_journal_that_cannot_be_made_durable_is_final_for_its_host_and_starts_nothing() {
    if !have("f_d4", "strace") {
        return;
    }
    let mut refused = 0;
    for n in 1..=9 {
        let home = Home::new();
        let wipe = "onbelay: 1\ntitle: Disk fails\nsteps:\n  - { id: wipe, title: W, destructive: true, run: echo gone >>effects }\n";
        let runbook = home.write("runbook.yaml", wipe);
        let log = home.path("trace");
        let mut strace = Command::new("strace");
        strace.args(["-f", "-y", "-e", "trace=fdatasync", "-e", "signal=none", "-e"]);
        strace.arg(format!("inject=fdatasync:error=EIO:when={n}+")).arg("-o").arg(&log);
        strace.arg(env!("CARGO_BIN_EXE_onbelay")).arg("start").arg(&runbook);
        strace.env_clear().envs(home.variables()).current_dir(home.path(""));
        strace.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut strace = strace.spawn().unwrap();
        let mut id = String::new();
        BufReader::new(strace.stdout.take().unwrap()).read_line(&mut id).unwrap();
        if id.trim().is_empty() {
            // The session's own first records could not be kept: there is none, and nothing is left behind to walk.
            strace.wait().unwrap();
            assert_eq!(home.read("effects"), "");
            continue;
        }
        let session = Session::new(&home, id.trim().to_owned());
        let ran = session.act(&["run", "wipe", "--confirm", "wipe"]);
        let effects = home.read("effects").lines().count();
        home.kill_everything();
        strace.wait().unwrap();
        // Which calls failed, and what the host did after the first: no second try, ever.
        let text = std::fs::read_to_string(&log).unwrap();
        let of_journal: Vec<&str> = text.lines().filter(|line| line.contains("journal.jsonl")).collect();
        let failed = of_journal.iter().position(|line| line.contains("INJECTED"));
        if let Some(failed) = failed {
            assert_eq!(failed + 1, of_journal.len(), "when={n}: tried again\n{text}");
            assert_ne!(ran.code, Some(0), "when={n}: {ran:?}");
        }
        if ran.code == Some(3) {
            refused += 1;
            assert!(ran.said().contains("journal"), "when={n}: {ran:?}");
        }
        // Whoever comes back finds a whole journal, and the command there if it ran.
        session.act(&["note", "back"]).expect(0);
        let started = session.records("step_started").len();
        assert!(effects <= started, "when={n}: started without a record");
        if ran.code == Some(0) {
            assert_eq!(session.step("wipe"), "done", "when={n}");
        }
        session.verifies();
    }
    assert!(refused > 0, "not one of them failed the journal");
}

#[test]
fn done_when_is_looked_at_before_what_is_required() {
    let home = Home::new();
    // The step undoes what it requires: once it is done, asking for that again would shut it for ever.
    let session = home.start(
        r"
onbelay: 1
title: Remove the old directory
checks:
  still-there: { title: It is there, run: test -d old }
  gone: { title: It is gone, run: test ! -e old }
steps:
  - { id: make, title: Make it, run: mkdir old }
  - id: remove
    title: Remove it
    destructive: true
    requires: [still-there]
    done_when: [gone]
    run: rmdir old; echo ran >>ran
",
    );
    session.act(&["run", "make"]).expect(0);
    std::fs::remove_dir(home.path("old")).unwrap();
    // Nothing is required, confirmed or run.
    session.act(&["run", "remove"]).expect(0);
    assert_eq!(session.step("remove"), "done");
    assert_eq!(home.read("ran"), "");
    assert!(session.records("step_started").iter().all(|record| record["step"] != "remove"));
    session.verifies();
}

#[test]
fn done_when_that_does_not_answer_keeps_the_step_waiting() {
    let home = Home::new();
    let session = home.start(
        "onbelay: 1\ntitle: T\nchecks:\n  gone: { title: G, run: exit 9 }\nsteps:\n  - { id: a, title: A, done_when: gone, run: echo ran >>ran }\n",
    );
    session.act(&["run", "a"]).expect(1);
    assert_eq!((session.step("a").as_str(), home.read("ran").as_str()), ("waiting", ""));
}

#[test]
fn f_a4_a9_what_a_start_rests_on_is_asked_again_in_the_same_breath() {
    let home = Home::new();
    let session = home.start(
        r"
onbelay: 1
title: The backup vanishes
checks:
  backup: { title: The backup is there, run: test -e backup, fix: Take it again. }
steps:
  - id: wipe
    title: Wipe
    destructive: true
    requires: backup
    run: echo gone >>effects
",
    );
    home.write("backup", "all of it");
    session.act(&["check", "backup"]).expect(0);
    assert_eq!(session.check("backup"), "holds");
    std::fs::remove_file(home.path("backup")).unwrap();
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(1).says("Take it again.");
    assert_eq!(home.read("effects"), "");
    assert_eq!(session.check("backup"), "fails");
    home.write("backup", "all of it");
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
    assert_eq!(home.read("effects"), "gone\n");
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(1);
    assert_eq!(home.read("effects"), "gone\n", "a hold point that is done is not run again");
    session.verifies();
    let events: Vec<_> = session.journal().into_iter().map(|record| record["event"].clone()).collect();
    let times = |what: &str| events.iter().filter(|event| *event == what).count();
    let (asked, began) = (times("requested"), times("step_started"));
    println!("F-A4: {asked} starts asked for, {began} begun; {} askings of the check", times("check_asked"));
}

#[test]
fn a_refusal_says_everything_at_once() {
    let home = Home::new();
    let session = home.start(
        r"
onbelay: 1
title: All at once
checks:
  a: { title: A, run: 'echo a is wrong; exit 1', fix: mend a }
  b: { title: B, run: 'echo b is wrong; exit 1', fix: mend b }
  c: { title: C, attest: Who?, fix: ask c }
steps:
  - { id: wipe, title: Wipe, destructive: true, requires: [a, b, c], run: echo gone >>effects }
",
    );
    let ran = session.act(&["run", "wipe"]).expect(1);
    let ran = ran.says("a is wrong").says("b is wrong").says("mend a").says("mend b").says("ask c");
    ran.says("wipe");
    let refused = session.records("refused");
    assert_eq!(refused.len(), 1);
    let unmet: Vec<_> =
        refused[0]["unmet"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(unmet, ["a", "b", "c", "wipe"]);
    assert_eq!(home.read("effects"), "");
}

#[test]
fn p1_f_s4_a_command_that_leaves_a_process_behind_is_over_when_it_ends() {
    let home = Home::new();
    let session =
        home.start("onbelay: 1\ntitle: T\nsteps:\n  - { id: a, title: A, run: 'sleep 600 & exit 3' }\n");
    session.act(&["run", "a"]).expect(4);
    let ended = session.wait_for("work_ended");
    assert_eq!(ended["ended"]["outcome"]["code"], 3);
    assert_eq!(ended["ended"]["left"][0]["name"], "sleep");
}

const STOPPED: &str = r#"
onbelay: 1
title: Stopped
steps:
  - id: deaf
    title: Deaf
    run: |
      trap "" TERM
      sh -c 'trap "" TERM; echo $$ >child; while :; do sleep 0.2; done' &
      echo $$ >self; echo up; while :; do sleep 0.2; done
  - { id: hears, title: Hears, run: 'echo up; exec sleep 600' }
"#;

#[test]
fn f_s5_p3_a_step_that_is_deaf_to_term_is_ended_ten_seconds_later_with_its_whole_group() {
    let home = Home::new();
    let session = home.start(STOPPED);
    session.act(&["run", "deaf", "--no-wait"]).expect(0);
    let up = |attempt| until("it is up", || session.output(attempt).starts_with(b"up").then_some(()));
    up(1);
    let pid = |file| until(file, || Pid::from_raw(home.read(file).trim().parse().ok()?));
    let group = [pid("self"), pid("child")];
    let runner = session.runner(1);
    let asked = Instant::now();
    session.act(&["stop", "deaf", "--no-wait"]).expect(0);
    group.into_iter().for_each(has_ended);
    let gone = asked.elapsed();
    until("failed", || (session.step("deaf") == "failed").then_some(()));
    has_ended(runner);
    println!("F-S5: a command deaf to TERM and its child: gone {:.2} s after the stop", gone.as_secs_f64());
    // Not by luck, and not by the first signal: what is deaf had its ten seconds.
    assert!(gone >= Duration::from_secs(9), "{gone:?}");
    // One that hears needs no KILL. The record calls both stopped; how long they took is what tells them apart.
    session.act(&["skip", "deaf", "--say", "seen"]).expect(0);
    let asked = Instant::now();
    session.act(&["run", "hears", "--no-wait"]).expect(0);
    up(2);
    session.act(&["stop", "hears"]).expect(0);
    until("failed", || (session.step("hears") == "failed").then_some(()));
    println!("F-S5: a command that hears TERM: ended within {:.2} s", asked.elapsed().as_secs_f64());
    let ended = session.records("work_ended");
    let took = |at: usize| ended[at]["ended"]["took"].as_u64().unwrap();
    assert!(ended.iter().all(|record| record["ended"]["outcome"] == serde_json::json!({"kind": "stopped"})));
    assert!(took(0) >= 10_000 && took(1) < 10_000, "{} ms, {} ms", took(0), took(1));
}
