//! Where answers go when nobody takes them: readers that leave, full devices, closed descriptors; and windows of any size,
//! or of many in a moment (U5, S9).

use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::{Command, Output, Stdio};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use rustix::process::{Signal, kill_process};

use crate::support::{Home, Pid, Ran, Screen, Session, holders_of, until};

const ONBELAY: &str = env!("CARGO_BIN_EXE_onbelay");

const WALK: &str = "
onbelay: 1
title: Move the shop
checks:
  backup: { title: The backup is whole, run: test -e backup, fix: Take it again. }
steps:
  - { id: first, title: Take the copy, run: echo copied >>effects }
  - { id: wipe, title: Delete it, destructive: All of it., requires: backup, confirm: shop, run: echo gone >>effects }
";

/// Every verb that answers on stdout, with the exit status of an answer that was taken.
fn answers<'a>(id: &'a str, file: &'a str) -> Vec<(Vec<&'a str>, i32)> {
    vec![
        (vec!["--help"], 0),
        (vec!["run", "--help"], 0),
        (vec!["--version"], 0),
        (vec!["status", id], 0),
        (vec!["status", id, "--json"], 0),
        (vec!["list"], 0),
        (vec!["list", "--json"], 0),
        (vec!["log", id], 0),
        (vec!["log", id, "--json"], 0),
        (vec!["report", id], 0),
        (vec!["report", id, "--format", "json"], 0),
        (vec!["verify", id], 0),
        (vec!["verify", id, "--json"], 0),
        (vec!["check", file], 1),
        (vec!["check", file, "--json"], 1),
        (vec!["lint", file, "--format", "json"], 0),
        (vec!["lint", file, "--format", "sarif"], 0),
        (vec!["schema"], 0),
        (vec!["man"], 0),
        (vec!["theme"], 0),
        (vec!["new", "-"], 0),
        (vec!["completions", "bash"], 0),
        (vec![], 0),
    ]
}

/// The end of a pipe whose reader has left already.
fn abandoned() -> OwnedFd {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn full() -> OwnedFd {
    File::options().write(true).open("/dev/full").unwrap().into()
}

#[track_caller]
fn no_panic(ran: &Output, what: &[&str]) {
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(!said.contains("panicked"), "{what:?}: {said}");
    assert!(ran.status.code().is_some_and(|code| code != 101), "{what:?}: {:?}\n{said}", ran.status);
}

fn begun(home: &Home) -> (Session<'_>, String) {
    let session = home.start(WALK);
    session.act(&["run", "first"]).expect(0);
    (session, home.path("runbook.yaml").to_str().unwrap().to_owned())
}

#[test]
fn u5_a_reader_that_leaves_is_no_error() {
    let home = Home::new();
    let (session, file) = begun(&home);
    for (words, code) in answers(&session.id, &file) {
        let ran = home.command(&words).stdout(abandoned()).output().unwrap();
        no_panic(&ran, &words);
        assert_eq!(ran.status.code(), Some(code), "{words:?}: {}", String::from_utf8_lossy(&ran.stderr));
        let ran = home.command(&words).stdout(abandoned()).stderr(abandoned()).output().unwrap();
        assert_eq!(ran.status.code(), Some(code), "{words:?}, and nobody hears what is said");
    }
    // More than a pipe holds, of which one line is read.
    for _ in 0..10 {
        session.act(&["note", &"x".repeat(30_000)]).expect(0);
    }
    for verb in ["log", "log --json", "report"] {
        let line =
            format!("set -o pipefail; '{ONBELAY}' {verb} | head -1 | cut -c1-20; echo ${{PIPESTATUS[*]}}");
        let ran =
            Command::new("bash").args(["-c", &line]).env_clear().envs(home.variables()).output().unwrap();
        let ran = Ran::of(&ran);
        assert!(ran.stdout.ends_with("\n0 0 0\n"), "{verb}: {ran:?}");
        assert_eq!(ran.stderr, "", "{verb}");
    }
    // A wrong call stays one where nobody hears of it.
    let ran = home.command(&["frobnicate"]).stdout(abandoned()).stderr(abandoned()).output().unwrap();
    assert_eq!(ran.status.code(), Some(2));
    // What was asked for is done, whoever listens.
    let words = ["do", session.id.as_str(), "note", "nobody listens"];
    let ran = home.command(&words).stdout(abandoned()).stderr(abandoned()).output().unwrap();
    assert_eq!(ran.status.code(), Some(0));
    assert_eq!(session.records("noted").last().unwrap()["text"], "nobody listens");
}

#[test]
fn u5_a_full_device_is_exit_3_and_says_so() {
    let home = Home::new();
    let (session, file) = begun(&home);
    for (words, _) in answers(&session.id, &file) {
        let ran = home.command(&words).stdout(full()).output().unwrap();
        no_panic(&ran, &words);
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(3), "{words:?}: {said}");
        assert!(said.contains("cannot write the answer to stdout"), "{words:?}: {said}");
        let ran = home.command(&words).stdout(full()).stderr(full()).output().unwrap();
        assert_eq!(ran.status.code(), Some(3), "{words:?}, said nowhere");
    }
}

#[test]
fn u5_closed_descriptors_are_nobodys_answer_and_no_panic() {
    let home = Home::new();
    let (session, file) = begun(&home);
    let journal = session.dir().join("journal.jsonl");
    for (words, code) in answers(&session.id, &file) {
        for closed in ["<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"] {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("exec {closed}; exec \"$@\""), "sh", ONBELAY]).args(&words);
            let ran = command.env_clear().envs(home.variables()).current_dir(home.path("")).output().unwrap();
            no_panic(&ran, &words);
            assert_eq!(ran.status.code(), Some(code), "{words:?} {closed}");
        }
    }
    // What opens files must not find one of them in the place of an output.
    let line = format!("exec <&- >&- 2>&-; exec '{ONBELAY}' do {} note 'all closed'", session.id);
    let ran = Command::new("sh").args(["-c", &line]).env_clear().envs(home.variables()).status().unwrap();
    assert_eq!(ran.code(), Some(0));
    session.kill_host();
    let line = format!("exec <&- >&- 2>&-; exec '{ONBELAY}' do {} note 'and a new host'", session.id);
    let ran = Command::new("sh").args(["-c", &line]).env_clear().envs(home.variables()).status().unwrap();
    assert_eq!(ran.code(), Some(0));
    assert_eq!(session.records("noted").len(), 2);
    assert_eq!(holders_of(&journal), [session.host()], "nobody else holds the log");
    session.verifies();
}

/// Lines that would walk to the end, but for who hears the questions.
const LINES: &[u8] = b"run\nrun wipe\nshop\nfinish\n";

#[test]
fn u5_a_walk_in_lines_that_nobody_can_read_ends_and_confirms_nothing() {
    let home = Home::new();
    home.write("backup", "");
    let file = home.write("runbook.yaml", WALK);
    let words = ["run", file.to_str().unwrap(), "--plain", "--another"];
    for (to, codes) in [(abandoned as fn() -> OwnedFd, [0, 1]), (full, [3, 3])] {
        let mut child =
            home.command(&words).stdin(Stdio::piped()).stdout(to()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // It may have left before it has read.
        let _ = std::io::Write::write_all(&mut stdin, LINES);
        drop(stdin);
        let ran = child.wait_with_output().unwrap();
        no_panic(&ran, &words);
        let code = ran.status.code().unwrap();
        assert!(codes.contains(&code), "{code}: {}", String::from_utf8_lossy(&ran.stderr));
        assert!(!home.read("effects").contains("gone"), "a question that nobody saw was answered");
    }
}

#[test]
fn u5_a_window_of_one_cell_walks_in_lines() {
    let home = Home::new();
    let file = home.write("runbook.yaml", WALK);
    let mut screen = Screen::open(&home, &["run", file.to_str().unwrap()], (1, 1));
    let session = home.only_session();
    screen.hurry("run 1\r");
    session.wait_for_where("step_settled", |record| record["step"] == "first");
    screen.resize(24, 80);
    screen.hurry("screen\r");
    screen.wait_for("? keys");
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
    screen.is_restored();
}

/// The most memory a process had, MiB.
fn peak(pid: Pid) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

#[test]
fn s9_u5_a_storm_of_sizes_and_sizes_that_no_window_has_are_survived() {
    let home = Home::new();
    let session = home.start(WALK);
    let size = |rows, cols| PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size(24, 80)).unwrap();
    let mut command = CommandBuilder::new(ONBELAY);
    command.args(["attach", &session.id, "--watch"]);
    command.env_clear();
    command.env("TERM", "xterm-256color");
    home.variables().into_iter().for_each(|(name, value)| command.env(name, value));
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let pid = Pid::from_raw(i32::try_from(child.process_id().unwrap()).unwrap()).unwrap();
    let mut reader = pair.master.try_clone_reader().unwrap();
    let (said, heard) = std::sync::mpsc::channel();
    let reading = std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(count @ 1..) = std::io::Read::read(&mut reader, &mut buffer) {
            let _ = said.send(buffer[..count].to_vec());
        }
    });
    let shows = |what: &str| {
        let mut seen = Vec::new();
        until(what, || {
            seen.extend(heard.try_iter().flatten());
            memchr::memmem::find(&seen, what.as_bytes()).map(|_| ())
        });
    };
    shows("Take the copy");
    // Any sizes, as fast as the kernel takes them; each is a signal.
    for round in 0..2_000_u16 {
        pair.master.resize(size(round % 61, round.wrapping_mul(7) % 203)).unwrap();
    }
    for (rows, columns) in [(0, 0), (0, u16::MAX), (u16::MAX, 0), (u16::MAX, u16::MAX), (1, u16::MAX), (1, 1)]
    {
        pair.master.resize(size(rows, columns)).unwrap();
        // A note that is heard in spite of it.
        session.act(&["note", "of this size"]).expect(0);
        kill_process(pid, Signal::WINCH).unwrap();
    }
    pair.master.resize(size(u16::MAX, u16::MAX)).unwrap();
    session.act(&["note", "44444444"]).expect(0);
    shows("44444444");
    pair.master.resize(size(24, 80)).unwrap();
    session.act(&["note", "77777777"]).expect(0);
    shows("77777777");
    let most = peak(pid);
    println!("the most memory of a screen in a storm of sizes: {most} MiB");
    assert!(most <= 128, "{most} MiB");
    let mut keys = pair.master.take_writer().unwrap();
    std::io::Write::write_all(&mut keys, b"q").unwrap();
    let ended = until("its end", || child.try_wait().unwrap());
    assert!(ended.success(), "{ended:?}");
    drop((keys, pair.master));
    reading.join().unwrap();
    assert!(session.records("step_started").is_empty(), "whoever only looks starts nothing");
}
