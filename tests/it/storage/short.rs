//! Writes that take less than they are given (J23), and the order in which a new session is made durable (J9).

use std::process::{Command, Stdio};

use super::{
    Strace, WIPE, call_traced, log_length, log_writes, was_true, whole_for_the_next_host, written_once,
};
use crate::support::{Home, Ran, Session, have};

/// `onbelay` with calls of the C library that fail as `rule` says.
fn failing(home: &Home, rule: &str, words: &[&str]) -> Ran {
    let mut fiu = Command::new("fiu-run");
    fiu.args(["-x", "-c", rule]).arg(env!("CARGO_BIN_EXE_onbelay")).args(words);
    fiu.env_clear().envs(home.variables()).current_dir(home.path(""));
    Ran::of(&fiu.stdin(Stdio::null()).output().unwrap())
}

#[test]
fn j23_writes_that_take_a_part_of_what_they_are_given_leave_the_same_walk() {
    if !have("j23", "fiu-run") || !have("j23", "strace") {
        return;
    }
    let home = Home::new();
    let runbook = home.write("runbook.yaml", WIPE);
    // Half of all writes of this client and of the host that it starts. A runner begins without anything of theirs.
    let rule = "enable_random name=posix/io/rw/write/reduce,probability=0.5";
    let began = failing(&home, rule, &["start", runbook.to_str().unwrap()]).expect(0);
    let session = Session::new(&home, began.stdout.trim().to_owned());
    let from = log_length(&session);
    let words = ["-s", "100000", "-e", "trace=write"];
    let Some(strace) = Strace::attach("j23", session.host(), &words, &home.path("trace")) else { return };
    for n in 0..20 {
        session.act(&["note", &format!("{n} {}", "x".repeat(300))]).expect(0);
    }
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
    let trace = strace.end();
    assert_eq!(session.records("noted").len(), 20);
    assert_eq!((session.step("wipe").as_str(), home.read("effects").as_str()), ("done", "gone\n"));
    session.verifies();
    // The kernel is asked for less than the host asked for: a record whose write was short takes several.
    let writes = log_writes(&trace);
    let short = writes.iter().filter(|write| !write.text.ends_with(r"}\n")).count();
    println!("short writes: {short} of {} to the log", writes.len());
    assert!(short > 0, "no write was short\n{}", trace.join("\n"));
    written_once(&session, from, &writes);
}

#[test]
fn j23_writes_that_a_signal_interrupts_are_made_again_and_every_byte_is_there_once() {
    if !have("j23", "strace") {
        return;
    }
    let home = Home::new();
    let session = home.start(WIPE);
    let from = log_length(&session);
    // Every other write of the one thread that writes the log.
    let words = ["-s", "100000", "-e", "trace=write", "-e", "inject=write:error=EINTR:when=1+2"];
    let Some(strace) = Strace::attach("j23", session.host(), &words, &home.path("trace")) else { return };
    for n in 0..20 {
        session.act(&["note", &format!("{n}")]).expect(0);
    }
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
    let trace = strace.end();
    let writes = log_writes(&trace);
    let interrupted = writes.iter().filter(|write| write.taken.is_none()).count();
    println!("interrupted: {interrupted} of {} writes to the log", writes.len());
    assert!(interrupted >= 20, "{}", trace.join("\n"));
    assert_eq!(session.records("noted").len(), 20);
    assert_eq!((session.step("wipe").as_str(), home.read("effects").as_str()), ("done", "gone\n"));
    written_once(&session, from, &writes);
    session.verifies();
}

#[test]
fn j23_an_attempt_in_which_every_other_write_is_interrupted_leaves_its_whole_outcome() {
    if !have("j23", "strace") {
        return;
    }
    let home = Home::new();
    // The shell's own writes are its own affair: not every shell makes one again.
    let yaml =
        "onbelay: 1\ntitle: T\nsteps:\n  - { id: wipe, title: W, destructive: true, run: mkdir gone }\n";
    let session = home.start(yaml);
    // Every thread of the host, and the runner.
    let words = ["-f", "-e", "trace=write", "-e", "inject=write:error=EINTR:when=1+2"];
    let Some(strace) = Strace::attach("j23", session.host(), &words, &home.path("trace")) else { return };
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
    let trace = strace.end();
    let interrupted = trace.iter().filter(|line| line.contains("EINTR") && line.contains("(INJECTED)"));
    let of_runner = interrupted.clone().filter(|line| line.contains("/attempts/1/")).count();
    println!("interrupted: {} writes, {of_runner} of the runner's to its files", interrupted.count());
    assert!(of_runner > 0, "{}", trace.join("\n"));
    assert_eq!(session.records("work_ended").len(), 1);
    assert!(session.step("wipe") == "done" && home.path("gone").is_dir());
    session.verifies();
}

#[test]
fn f_d4_j4_writes_that_fail_at_random_lose_nothing_acknowledged() {
    if !have("f_d4", "fiu-run") {
        return;
    }
    let (mut done, mut refused, mut full) = (0, 0, 0);
    for round in 0..12 {
        let place = format!("round {round}");
        let home = Home::new();
        let runbook = home.write("runbook.yaml", WIPE);
        // 28 is ENOSPC.
        let rule =
            format!("enable_random name=posix/io/rw/write,probability=0.{:02},failinfo=28", 2 + round * 2);
        let began = failing(&home, &rule, &["start", runbook.to_str().unwrap()]);
        let Some(dir) = home.sessions().pop().filter(|_| began.code == Some(0)) else {
            refused += 1;
            full += usize::from(began.said().contains("No space left"));
            continue;
        };
        let session = Session::new(&home, dir.file_name().unwrap().to_str().unwrap().to_owned());
        let noted = session.act(&["note", "kept"]);
        let ran = session.act(&["run", "wipe", "--confirm", "wipe"]);
        full += usize::from([&noted, &ran].iter().any(|ran| ran.said().contains("No space left")));
        let shown = session.step("wipe");
        home.kill_everything();
        let effects = home.read("effects").lines().count();
        let step = whole_for_the_next_host(&session, effects, &place);
        if noted.code == Some(0) {
            assert!(session.records("noted").iter().any(|note| note["text"] == "kept"), "{place}");
        }
        was_true(&shown, &ran, &step, effects, &place);
        if ran.code == Some(0) {
            done += 1;
        } else {
            refused += 1;
        }
    }
    println!("{done} done, {refused} not; {full} were told that the disk is full");
    // A write that did not fail as it was told to leaves a walk that nobody need have refused.
    assert!(refused > 0 && full > 0, "{refused} refused, {full} of a full disk");
}

#[test]
fn j9_a_new_session_is_durable_in_its_directory_before_anybody_is_told_of_it() {
    if !have("j9", "strace") {
        return;
    }
    let home = Home::new();
    let runbook = home.write("runbook.yaml", WIPE);
    let words = ["-s", "200", "-e", "trace=rename,fsync,fdatasync,write"];
    let Some((ran, trace)) = call_traced("j9", &home, &words, &["start", runbook.to_str().unwrap()]) else {
        return;
    };
    let id = ran.expect(0).stdout;
    let text = trace.join("\n");
    let lines: Vec<&str> = text.lines().collect();
    let at = |what: &str, after: usize, fits: &dyn Fn(&str) -> bool| {
        after + lines[after..].iter().position(|line| fits(line)).unwrap_or_else(|| panic!("{what}\n{text}"))
    };
    let well = |line: &str| line.trim_end().ends_with("= 0");
    let runbook = at("the runbook's copy", 0, &|line| {
        line.contains("fsync(") && line.contains("runbook.yaml") && well(line)
    });
    let journal = at("the journal", 0, &|line| {
        line.contains("fdatasync(") && line.contains("journal.jsonl") && well(line)
    });
    let made = at("its own directory", runbook.max(journal), &|line| {
        line.contains("fsync(") && line.contains(".making-") && !line.contains("yaml") && well(line)
    });
    let placed = at("put in place", made, &|line| line.contains("rename(") && line.contains(".making-"));
    let durable = at("the directory of all", placed, &|line| {
        line.contains("fsync(") && line.contains("state>") && well(line)
    });
    let told = at("the host's answer", 0, &|line| line.contains("write(1<") && line.contains(id.trim()));
    assert!(durable < told, "placed {placed}, durable {durable}, told {told}\n{text}");
}
