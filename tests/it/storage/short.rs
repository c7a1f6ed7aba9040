//! Writes that take less than they are given (J23), and the order in which a new session is made durable (J9).

use std::process::{Command, Stdio};

use super::{WIPE, call_traced, whole_for_the_next_host};
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
    if !have("j23", "fiu-run") {
        return;
    }
    let home = Home::new();
    let runbook = home.write("runbook.yaml", WIPE);
    // Every third write, by the client, the host, and the runner.
    let rule = "enable_random name=posix/io/rw/write/reduce,probability=0.33";
    let began = failing(&home, rule, &["start", runbook.to_str().unwrap()]).expect(0);
    let session = Session::new(&home, began.stdout.trim().to_owned());
    for n in 0..20 {
        session.act(&["note", &format!("{n} {}", "x".repeat(300))]).expect(0);
    }
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
    assert_eq!(session.records("noted").len(), 20);
    assert_eq!((session.step("wipe").as_str(), home.read("effects").as_str()), ("done", "gone\n"));
    session.verifies();
}

#[test]
fn f_d4_j4_writes_that_fail_at_random_lose_nothing_acknowledged() {
    if !have("f_d4", "fiu-run") {
        return;
    }
    let (mut done, mut refused) = (0, 0);
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
            continue;
        };
        let session = Session::new(&home, dir.file_name().unwrap().to_str().unwrap().to_owned());
        let noted = session.act(&["note", "kept"]);
        let ran = session.act(&["run", "wipe", "--confirm", "wipe"]);
        home.kill_everything();
        let effects = home.read("effects").lines().count();
        let step = whole_for_the_next_host(&session, effects, &place);
        if noted.code == Some(0) {
            assert!(session.records("noted").iter().any(|note| note["text"] == "kept"), "{place}");
        }
        if ran.code == Some(0) {
            assert_eq!((effects, step.as_str()), (1, "done"), "{place}");
            done += 1;
        } else {
            refused += 1;
        }
    }
    println!("{done} done, {refused} not");
    assert!(refused > 0, "nothing failed");
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
