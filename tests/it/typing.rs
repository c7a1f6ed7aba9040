//! A person who types into an interactive step, at the real screen of a real terminal.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::Stdio;

use rustix::process::{Signal, kill_process};

use crate::support::{Home, Screen, Session, have};

/// The footer while keys go to the command, and at no other time.
const TYPING: &str = "there ^X holds";

fn walk(run: &str) -> String {
    format!(
        "onbelay: 1\ntitle: Move the shop\nsteps:\n  - {{ id: ask, title: Ask by hand, interactive: true, run: '{}' }}\n  \
         - {{ id: after, title: What comes after, run: echo after >>effects }}\n",
        run.replace('\'', "''")
    )
}

/// Starts the step and has its terminal.
fn begin<'h>(home: &'h Home, run: &str, size: (u16, u16)) -> (Screen, Session<'h>) {
    let file = home.write("runbook.yaml", &walk(run));
    let mut screen = Screen::open(home, &["run", file.to_str().unwrap()], size);
    screen.wait_for("Enter start");
    let session = home.only_session();
    screen.press("\r");
    screen.wait_for("t type into it");
    take(&mut screen);
    (screen, session)
}

#[track_caller]
fn take(screen: &mut Screen) {
    screen.press_until("t", |text| text.contains(TYPING));
}

#[track_caller]
fn back(screen: &mut Screen) {
    screen.press("\x1d");
    screen.wait("onbelay has the keys", |text| !text.contains(TYPING));
}

#[test]
fn a_question_is_answered_a_password_is_not_shown_and_a_stray_enter_starts_nothing() {
    let home = Home::new();
    let script = "printf 'name? '; read n; echo hi $n; stty -echo; printf 'password? '; read p; stty echo; echo; \
                  echo \"${#p} letters\"; printf 'go? '; read g; echo done >>effects";
    let (mut screen, session) = begin(&home, script, (24, 80));
    screen.wait_for("name? ");
    screen.press("dana\r");
    screen.wait_for("hi dana");
    screen.wait_for("password? ");
    screen.press("s3cret\r");
    screen.wait_for("6 letters");
    screen.wait_for("go? ");
    // Typed on, as people do: the command ends after the first of them.
    screen.press("y\r\r\r\rq\r");
    session.wait_for_where("step_settled", |record| record["step"] == "ask");
    screen.wait_for("What comes after");
    screen.hurry("\r\rqx");
    screen.wait_for("may have been meant for the command");
    assert!(session.records("step_started").len() == 1, "nothing else was started");
    assert_eq!(home.read("effects"), "done\n");
    assert!(!String::from_utf8_lossy(&screen.raw).contains("s3cret"));
    assert!(!String::from_utf8_lossy(&session.output(1)).contains("s3cret"));
    let journal = std::fs::read_to_string(session.dir().join("journal.jsonl")).unwrap();
    assert!(!journal.contains("s3cret") && journal.contains("terminal_taken"));
    // After a moment without keys they are onbelay's.
    screen.press_until("l", |text| text.contains("Esc steps"));
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
    screen.is_restored();
    session.verifies();
}

#[test]
fn control_keys_go_to_the_command_and_the_one_that_comes_back_holds_again() {
    let home = Home::new();
    let script = "trap 'echo interrupted' INT; echo ready; read a; read b; echo \"got $a$b\"; read c";
    let (mut screen, session) = begin(&home, script, (24, 80));
    screen.wait_for("ready");
    screen.press("\x03");
    screen.wait_for("interrupted");
    // What holds everywhere else is a key of the command's here; terminals show it as ^X.
    screen.press("\x18");
    screen.wait_for("^X");
    assert!(session.records("hold_called").is_empty());
    back(&mut screen);
    screen.press("\x18");
    session.wait_for("hold_called");
    take(&mut screen);
    // Pressed twice it is the command's.
    screen.press("\x1d\x1d");
    screen.wait_for("^X^]");
    screen.wait_for(TYPING);
    back(&mut screen);
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
    screen.is_restored();
}

#[test]
fn the_window_is_the_commands_and_a_new_size_is_told() {
    let home = Home::new();
    let script = "echo ready; while read l; do stty size; done";
    let (mut screen, _session) = begin(&home, script, (24, 80));
    screen.wait_for("ready");
    screen.press("\r");
    screen.wait_for("20 80");
    screen.resize(30, 101);
    screen.wait("the new size is drawn", |text| text.lines().count() > 24 || text.contains("sends one"));
    screen.press_until("\r", |text| text.contains("26 101"));
    back(&mut screen);
    screen.press("q");
    screen.wait_end();
}

#[test]
fn s2_a_client_that_is_killed_leaves_the_command_and_another_goes_on_typing() {
    let home = Home::new();
    let script = "printf 'name? '; read n; echo hi $n; read m; echo bye $m >>effects";
    let (mut screen, session) = begin(&home, script, (24, 80));
    screen.wait_for("name? ");
    screen.press("da");
    screen.wait_for("name? da");
    kill_process(screen.pid(), Signal::KILL).unwrap();
    screen.wait_end();
    let mut again = Screen::open(&home, &["attach", &session.id], (24, 80));
    again.wait_for("t type into it");
    again.wait_for("name? da");
    take(&mut again);
    again.press("na\r");
    again.wait_for("hi dana");
    // A second screen takes it; the first is told, and types nothing.
    let mut other = Screen::open(&home, &["attach", &session.id], (24, 100));
    other.wait_for("t type into it");
    take(&mut other);
    other.wait_for("hi dana");
    again.press_until("x", |text| text.contains("KEYS GO NOWHERE"));
    other.press("kim\r");
    session.wait_for_where("step_settled", |record| record["step"] == "ask");
    assert_eq!(home.read("effects"), "bye kim\n");
    other.press("q");
}

#[test]
fn a_host_that_dies_is_survived_by_the_command_and_the_terminal_is_taken_again() {
    let home = Home::new();
    let script = "printf 'name? '; read n; echo hi $n; read m";
    let (mut screen, session) = begin(&home, script, (24, 80));
    screen.wait_for("name? ");
    session.kill_host();
    screen.wait_for("KEYS GO NOWHERE");
    session.act(&["note", "a new host"]).expect(0);
    screen.wait_for("connected again");
    screen.press_until("t", |text| text.contains(TYPING));
    screen.press("dana\r");
    screen.wait_for("hi dana");
    back(&mut screen);
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
}

#[test]
fn somebody_who_looks_on_sees_the_terminal_and_who_types() {
    let home = Home::new();
    let (mut screen, session) = begin(&home, "printf 'name? '; read n; echo hi $n; read m", (24, 80));
    let mut watcher = Screen::open(&home, &["attach", &session.id, "--watch"], (24, 100));
    watcher.wait_for("name? ");
    watcher.wait_for(" types");
    screen.press("dana\r");
    watcher.wait_for("hi dana");
    watcher.press("tx\r");
    screen.press("\r");
    session.wait_for_where("step_settled", |record| record["step"] == "ask");
    assert_eq!(session.output(1).windows(2).filter(|pair| pair == b"tx").count(), 0);
    screen.wait("keys are onbelay's", |text| !text.contains(TYPING));
    screen.press_until("q", |text| text.contains("goes on;"));
}

#[test]
fn programs_that_fill_a_terminal_work() {
    if !have("programs_that_fill_a_terminal_work", "less") {
        return;
    }
    let home = Home::new();
    let script = "i=1; while [ $i -le 200 ]; do echo \"row number $i\"; i=$((i+1)); done >many; less many";
    let (mut screen, session) = begin(&home, script, (24, 80));
    screen.wait_for("row number 1");
    screen.press_until("G", |text| text.contains("row number 200"));
    // Arrows as the program asked for them.
    screen.press("\x1b[A\x1b[A");
    screen.wait("two rows up", |text| !text.contains("row number 200") && text.contains("row number 180"));
    screen.press("q");
    session.wait_for_where("step_settled", |record| record["step"] == "ask");
    screen.wait_for("What comes after");
    assert_eq!(session.step("ask"), "done");
}

/// Asks for a name, for a password as programs do, and shows how a key arrives.
const ASKS: &str = "printf 'name? '; read n; echo hi $n; stty -echo; printf 'password? '; read p; stty echo; echo; \
                    echo \"${#p} letters\"; trap 'echo interrupted; exit 0' INT; echo ready; while :; do read x; done";

#[track_caller]
fn no_file_has(session: &Session<'_>, secret: &str) {
    let mut looked = 0;
    let mut dirs = vec![session.dir()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                dirs.push(entry.path());
            } else if kind.is_file() {
                looked += 1;
                let bytes = std::fs::read(entry.path()).unwrap();
                assert!(
                    memchr::memmem::find(&bytes, secret.as_bytes()).is_none(),
                    "{}",
                    entry.path().display()
                );
            }
        }
    }
    assert!(looked > 3, "{looked} files");
}

#[test]
fn lines_of_a_pipe_answer_a_terminal_and_no_password_is_in_any_file() {
    let home = Home::new();
    let file = home.write("runbook.yaml", &walk(ASKS));
    let mut command = home.command(&["run", file.to_str().unwrap(), "--plain"]);
    let mut walk = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut keys = walk.stdin.take().unwrap();
    let mut told = BufReader::new(walk.stdout.take().unwrap());
    let mut said = String::new();
    // As `expect` does: a line when what it answers was shown.
    for (line, then) in [
        ("run", "| name?"),
        ("type dana", "| password?"),
        ("type s3cret", "6 letters"),
        ("hidden", "type TEXT is shown nowhere"),
        ("key ^C", "interrupted"),
        ("skip after not needed", "skipped"),
        ("finish", "The walk is finished."),
    ] {
        writeln!(keys, "{line}").unwrap();
        let from = said.len();
        while !said[from..].contains(then) {
            assert!(told.read_line(&mut said).unwrap() > 0, "{then} never came: {said}");
        }
    }
    told.read_to_string(&mut said).unwrap();
    assert_eq!(walk.wait().unwrap().code(), Some(0));
    assert!(said.contains("hi dana") && !said.contains("s3cret"), "{said}");
    let session = home.only_session();
    no_file_has(&session, "s3cret");
    session.verifies();
}

#[test]
fn at_a_terminal_lines_ask_for_a_password_without_showing_it() {
    let home = Home::new();
    let file = home.write("runbook.yaml", &walk(ASKS));
    let mut screen = Screen::open(&home, &["run", file.to_str().unwrap(), "--plain"], (30, 100));
    screen.wait_for("ready] run starts it");
    screen.press("run\r");
    screen.wait_for("| name?");
    screen.press("type dana\r");
    screen.wait_for("| password?");
    screen.press("hidden\r");
    screen.wait_for("what to type (not shown; Enter: nothing):");
    screen.press("\r");
    screen.wait_for("nothing was typed");
    screen.press("hidden\r");
    screen.wait("asked again", |text| text.matches("not shown; Enter: nothing").count() == 2);
    screen.press("s3cret\r");
    screen.wait_for("6 letters");
    screen.wait_for("| ready");
    screen.press("key ^C\r");
    screen.wait_for("interrupted");
    let session = home.only_session();
    session.wait_for_where("step_settled", |record| record["step"] == "ask");
    // What is typed is shown again.
    screen.press("note seen\r");
    screen.wait_for("note seen");
    screen.press("quit\r");
    screen.wait_end();
    assert!(!String::from_utf8_lossy(&screen.raw).contains("s3cret"));
    no_file_has(&session, "s3cret");
    screen.is_restored();
}
