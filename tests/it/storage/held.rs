//! The log cannot be written while a command runs (J3, J6): the host lives on for it, writes nothing more and says so to
//! everybody; the command goes on, and its outcome is recorded once, by the next host.

use rustix::fs::{CWD, Mode, mkfifoat};

use super::injected::never_again;
use super::limits::limit;
use super::{Strace, log_length};
use crate::support::{Home, Pid, Session, alive, has_ended, have, until};

/// A command that waits for its exit status, and a hold point beside it.
const HELD: &str = "onbelay: 1
title: Something runs
steps:
  - id: copy
    title: Copy
    background: true
    run: 'echo $$ >pid; read -r code <gate; echo over >>effects; exit $code'
  - { id: wipe, title: Wipe, destructive: true, run: echo gone >>effects }
";

/// A session whose first command runs, and that command.
fn holding(home: &Home) -> (Session<'_>, Pid) {
    mkfifoat(CWD, home.path("gate"), Mode::RWXU).unwrap();
    let session = home.start(HELD);
    session.act(&["run", "copy", "--no-wait"]).expect(0);
    let command = until("the command is up", || Pid::from_raw(home.read("pid").trim().parse().ok()?));
    (session, command)
}

/// A note, another note and a hold point are refused for this reason, by a host that lives on, as its command does.
#[track_caller]
fn refused_while_it_runs(home: &Home, session: &Session<'_>, command: Pid, says: &str) {
    let (host, before) = (session.host(), log_length(session));
    let asked: [&[&str]; 3] = [&["note", "one"], &["note", "two"], &["run", "wipe", "--confirm", "wipe"]];
    for words in asked {
        let ran = session.act(words).expect(3);
        assert!(ran.said().contains(says), "{words:?}: {ran:?}");
        assert_eq!(log_length(session), before, "{words:?}: nothing is left of it");
        assert!(alive(host) && alive(session.runner(1)) && alive(command), "{words:?}: left alone");
    }
    assert_eq!((home.read("effects").as_str(), session.step("copy").as_str()), ("", "running"));
    assert_eq!(session.host(), host);
}

/// The command ends with 7; the host that said no goes without a record of it, and the next one makes that record, once.
#[track_caller]
fn recorded_once_by_the_next(home: &Home, session: &Session<'_>) {
    let (host, runner, before) = (session.host(), session.runner(1), log_length(session));
    std::fs::write(home.path("gate"), "7\n").unwrap();
    has_ended(runner);
    has_ended(host);
    assert_eq!((home.read("effects").as_str(), log_length(session)), ("over\n", before));
    session.act(&["note", "back"]).expect(0);
    let ended = session.wait_for("work_ended");
    assert_eq!(ended["ended"]["outcome"], serde_json::json!({"kind": "exited", "code": 7}));
    until("its state", || (session.step("copy") == "failed").then_some(()));
    assert_eq!(session.records("work_ended").len(), 1);
    assert!(session.records("noted").iter().all(|note| note["text"] == "back"));
    assert_eq!(home.read("effects"), "over\n");
    session.verifies();
}

#[test]
fn j3_a_sync_that_fails_once_under_a_running_command_leaves_that_alone_and_is_the_hosts_last() {
    if !have("j3", "strace") {
        return;
    }
    let home = Home::new();
    let (session, command) = holding(&home);
    // The next sync alone: the disk is well again at once, and this host does not believe it.
    let words = ["-e", "trace=write,fdatasync", "-e", "inject=fdatasync:error=EIO:when=1"];
    let Some(strace) = Strace::attach("j3", session.host(), &words, &home.path("trace")) else { return };
    refused_while_it_runs(&home, &session, command, "Input/output error");
    recorded_once_by_the_next(&home, &session);
    let trace = strace.end();
    assert_eq!(trace.iter().filter(|line| line.contains("(INJECTED)")).count(), 1, "{}", trace.join("\n"));
    never_again(&trace, "a command runs");
}

#[test]
fn j6_a_host_that_lives_on_for_its_command_says_of_a_log_that_may_not_grow_each_time() {
    if !have("j6", "prlimit") {
        return;
    }
    let home = Home::new();
    let (session, command) = holding(&home);
    // The limit that can be lifted again.
    limit(session.host(), &format!("--fsize={}:", log_length(&session)));
    refused_while_it_runs(&home, &session, command, "File too large");
    // Room again, and still not this one.
    limit(session.host(), "--fsize=unlimited:");
    refused_while_it_runs(&home, &session, command, "File too large");
    recorded_once_by_the_next(&home, &session);
}

#[test]
fn r1_p8_a_stop_whose_host_died_before_it_sent_it_is_sent_by_the_next() {
    const TEST: &str = "r1_p8_a_stop_whose_host_died_before_it_sent_it_is_sent_by_the_next";
    if !have(TEST, "strace") {
        return;
    }
    let home = Home::new();
    let (session, command) = holding(&home);
    let host = session.host();
    // It is killed as it enters the call that would bring the TERM, with the stop on record.
    let words = ["-f", "-e", "trace=pidfd_send_signal", "-e", "inject=pidfd_send_signal:signal=SIGKILL"];
    let Some(strace) = Strace::attach(TEST, host, &words, &home.path("trace")) else { return };
    let mut asks = home.command(&["do", &session.id, "stop", "copy"]).spawn().unwrap();
    has_ended(host);
    asks.wait().unwrap();
    assert!(strace.end().iter().any(|line| line.contains("pidfd_send_signal(")), "it was not killed there");
    session.act(&["note", "somebody comes back"]).expect(0);
    let ended = session.wait_for("work_ended");
    assert_eq!(ended["ended"]["outcome"]["kind"], "stopped", "{ended}");
    has_ended(command);
    assert_eq!((session.records("stop_asked").len(), home.read("effects").as_str()), (1, ""));
    session.verifies();
}
