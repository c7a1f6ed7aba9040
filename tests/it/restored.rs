//! How a terminal is left, whatever ends the screen on it (F-S6, U3, U4): under a shell that asks `stty -g` before and
//! after, read through an emulator.

use std::process::{Child, Command, Stdio};

use rustix::process::{Signal, kill_process};

use crate::support::{Home, Offer, Pid, Screen, Session, have, not_offered, until};

const ONBELAY: &str = env!("CARGO_BIN_EXE_onbelay");

const WALK: &str = "
onbelay: 1
title: Move the shop
steps:
  - { id: first, title: Take the copy, run: echo copied }
";

/// A shell that calls what it is given, and says how the terminal was before and after.
const SHELL: &str = r#"stty -g >before; "$@"; code=$?; stty -g >after; echo "left with $code""#;

/// The screen of a session, called from a shell.
fn attach(home: &Home, session: &Session<'_>) -> Screen {
    attach_that(home, session, "")
}

/// The same of a client that breaks where it is told to.
fn attach_that(home: &Home, session: &Session<'_>, breaks: &str) -> Screen {
    let breaks = format!("ONBELAY_FAILPOINT={breaks}");
    Screen::call(home, "sh", &["-c", SHELL, "sh", "env", &breaks, ONBELAY, "attach", &session.id], (24, 80))
}

/// The only child of the shell in this terminal.
fn client(screen: &Screen) -> Pid {
    let shell = screen.pid().as_raw_nonzero();
    let list = format!("/proc/{shell}/task/{shell}/children");
    until("what the shell has called", || {
        let text = std::fs::read_to_string(&list).ok()?;
        Pid::from_raw(text.split_whitespace().next()?.parse().ok()?)
    })
}

/// Waits for the end: with this exit status, and the terminal as it was.
#[track_caller]
fn is_as_it_was(mut screen: Screen, home: &Home, code: u32, what: &str) -> Screen {
    screen.wait_for("left with");
    screen.wait_end();
    assert!(screen.text().contains(&format!("left with {code}")), "{what}: {}", screen.text());
    screen.is_restored();
    let before = home.read("before");
    assert!(before.contains(':'), "{what}: stty said {before:?}");
    assert_eq!(before, home.read("after"), "{what}: stty -g");
    screen
}

#[test]
fn f_s6_the_terminal_is_left_as_it_was_whatever_ends_the_client() {
    let home = Home::new();
    let session = home.start(WALK);
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let mut screen = attach(&home, &session);
        screen.wait_for("Take the copy");
        assert!(!screen.is_own(), "it has the terminal");
        kill_process(client(&screen), signal).unwrap();
        is_as_it_was(screen, &home, 130, &format!("{signal:?}"));
    }
    let mut screen = attach(&home, &session);
    screen.wait_for("Take the copy");
    screen.press("q");
    is_as_it_was(screen, &home, 0, "q");
    assert_eq!(session.status()["state"], "open", "losing clients changes nothing");
    println!("F-S6: 5 ends of a screen (TERM, HUP, INT, QUIT, a key), each left the terminal as it was");
}

/// The same with job control, as a person's shell has it: what is put aside (128 and SIGSTOP or SIGTSTP) comes back
/// with the next line.
const JOBS: &str = r#"set -m; stty -g >before; "$@"; code=$?
    while [ $code = 147 ] || [ $code = 148 ]; do stty -g >aside; echo put aside; read -r _; fg >/dev/null; code=$?; done
    stty -g >after; echo "left with $code""#;

#[test]
fn f_s6_s12_a_screen_that_is_put_aside_by_a_shell_gives_the_terminal_to_it_and_takes_it_again() {
    let home = Home::new();
    let session = home.start(WALK);
    for by_key in [true, false] {
        let words = ["-c", JOBS, "sh", ONBELAY, "attach", &session.id];
        let mut screen = Screen::call(&home, "sh", &words, (24, 80));
        screen.wait_for("Take the copy");
        let client = client(&screen);
        if by_key {
            screen.press("\x1a");
        } else {
            kill_process(client, Signal::TSTP).unwrap();
        }
        screen.wait_for("put aside");
        screen.is_restored();
        assert_eq!(home.read("before"), home.read("aside"), "stty -g while it is put aside");
        session.act(&["note", "meanwhile elsewhere"]).expect(0);
        screen.hurry("\n");
        screen.wait("the screen again", |text| {
            text.contains("meanwhile elsewhere") && text.contains("Take the copy")
        });
        screen.press("q");
        is_as_it_was(screen, &home, 0, "fg");
    }
    println!(
        "F-S6: 2 ways to be put aside and to come back (Ctrl-Z, TSTP), each left the terminal as it was"
    );
}

const ASIDE: &str = r"
onbelay: 1
title: Put aside
steps:
  - { id: first, title: Take the copy, run: 'echo copied; read -r _ <go; echo all of it' }
  - { id: wipe, title: Delete the old machine, destructive: All of it., confirm: shop, run: echo gone >>effects }
";

/// Under a shell with job control: this program, called so.
fn under_jobs(home: &Home, session: &Session<'_>, more: &[&str]) -> Screen {
    let mut words = vec!["-c", JOBS, "sh", ONBELAY, "attach", &session.id];
    words.extend(more);
    Screen::call(home, "sh", &words, (30, 100))
}

/// Ctrl-Z, and what a shell finds then: its own terminal, as it was.
fn puts_aside(screen: &mut Screen, home: &Home) {
    screen.press("\x1a");
    screen.wait_for("put aside");
    screen.is_restored();
    assert_eq!(home.read("before"), home.read("aside"), "stty -g while it is put aside");
}

#[test]
fn f_s6_s12_ctrl_z_with_an_output_and_with_a_question_open_stops_neither_the_walk_nor_the_terminal() {
    let home = Home::new();
    rustix::fs::mkfifoat(rustix::fs::CWD, home.path("go"), rustix::fs::Mode::RWXU).unwrap();
    let session = home.start(ASIDE);
    session.act(&["run", "first", "--no-wait"]).expect(0);
    session.wait_for("step_started");
    // The output of a command that goes on, and ends, while nobody looks.
    let mut screen = under_jobs(&home, &session, &[]);
    screen.wait_for("Take the copy");
    screen.press_until("o", |text| text.contains("Esc steps"));
    puts_aside(&mut screen, &home);
    std::fs::write(home.path("go"), "\n").unwrap();
    session.wait_for_where("step_settled", |record| record["step"] == "first" && record["ok"] == true);
    screen.hurry("\n");
    screen.wait("the output again, to its end", |text| {
        text.contains("Esc steps") && text.contains("all of it")
    });
    screen.press_until("\x1b", |text| !text.contains("Esc steps"));
    screen.press("q");
    is_as_it_was(screen, &home, 0, "an output");
    // A question, half answered: neither putting it aside nor coming back is an answer.
    let mut screen = under_jobs(&home, &session, &[]);
    screen.wait_for("Enter start");
    screen.press("\r");
    screen.wait_for("to go on");
    screen.fill_in("sho");
    puts_aside(&mut screen, &home);
    session.act(&["note", "meanwhile elsewhere"]).expect(0);
    assert_eq!(session.records("step_started").len(), 1, "the question starts nothing by itself");
    screen.hurry("\n");
    screen.wait("the question again", |text| text.contains("to go on") && text.contains("›  sho"));
    assert_eq!(session.records("step_started").len(), 1, "the line that the shell read was no answer");
    screen.fill_in("shop");
    screen.press("\r");
    session.wait_for_where("step_settled", |record| record["step"] == "wipe");
    assert_eq!(home.read("effects"), "gone\n");
    screen.wait("the question is gone", |text| !text.contains("to go on"));
    screen.press("q");
    is_as_it_was(screen, &home, 0, "a question");
    session.verifies();
    println!("F-S6: put aside over an output and over a question, 2 ends, each left the terminal as it was");
}

#[test]
fn f_s6_s12_ctrl_z_in_lines_stops_neither_the_walk_nor_the_terminal() {
    let home = Home::new();
    rustix::fs::mkfifoat(rustix::fs::CWD, home.path("go"), rustix::fs::Mode::RWXU).unwrap();
    let session = home.start(ASIDE);
    let mut screen = under_jobs(&home, &session, &["--plain"]);
    screen.wait_for(" > ");
    screen.press("run first\n");
    screen.wait_for("copied");
    puts_aside(&mut screen, &home);
    // The walk and its command are the host's.
    std::fs::write(home.path("go"), "\n").unwrap();
    session.wait_for_where("step_settled", |record| record["step"] == "first" && record["ok"] == true);
    screen.hurry("\n");
    screen.wait_for("all of it");
    // The question before a start: put aside with half an answer typed, which the terminal forgets.
    screen.wait_for("Take the copy is done");
    screen.press("run wipe\n");
    screen.wait_for("to go on");
    screen.press("sho\x1a");
    screen.wait("it is put aside again", |text| text.matches("put aside").count() == 2);
    assert_eq!(home.read("before"), home.read("aside"), "stty -g while it is put aside");
    assert_eq!(session.records("step_started").len(), 1, "the question starts nothing by itself");
    screen.hurry("\n");
    screen.hurry("shop\n");
    session.wait_for_where("step_settled", |record| record["step"] == "wipe");
    assert_eq!(home.read("effects"), "gone\n");
    screen.wait_for("Delete the old machine is done");
    screen.press("finish\n");
    is_as_it_was(screen, &home, 0, "lines");
    session.verifies();
    println!("F-S6: lines put aside twice, 1 end, left the terminal as it was");
}

/// Where a screen breaks, and what a person does until it does.
const BREAKS: [(&str, &str); 6] = [
    ("screen-taken=panic", ""),
    ("message-taken=panic", ""),
    ("message-taken#4=panic", "jkjk"),
    ("picture-begun#2=panic", "j"),
    ("picture-out#2=panic", "j"),
    ("key-heard=panic", "j"),
];

#[test]
fn f_s6_u3_a_screen_that_breaks_on_any_thread_leaves_the_terminal_and_says_so_there() {
    let home = Home::new();
    let session = home.start(WALK);
    for (breaks, keys) in BREAKS {
        let mut screen = attach_that(&home, &session, breaks);
        if !keys.is_empty() {
            screen.wait("the screen, or its end", |text| {
                text.contains("Take the copy") || text.contains("left with")
            });
            screen.hurry(keys);
        }
        let screen = is_as_it_was(screen, &home, 101, breaks);
        // On the usual screen, where it stays in sight; whole lines, each from the first column on.
        let text = screen.text();
        let rows: Vec<&str> = text.lines().collect();
        assert!(text.contains("a test asked for it at"), "{breaks}: {text}");
        let said = "this screen broke, and that is a fault of onbelay; the session goes on: onbelay attach";
        let joined = rows.concat();
        assert!(joined.contains(said), "{breaks}: {text}");
        assert!(rows.iter().any(|row| row.starts_with("this screen broke")), "{breaks}: {text}");
    }
    session.act(&["run", "first"]).expect(0);
    session.verifies();
    println!("F-S6: {} panics on three threads, each left the terminal as it was", BREAKS.len());
}

#[test]
fn f_s6_u3_what_breaks_while_a_panic_is_told_finds_the_terminal_given_back() {
    let home = Home::new();
    let session = home.start(WALK);
    let screen = attach_that(&home, &session, "message-taken=panic;terminal-given-back=panic");
    // SIGABRT: the language's own end of a panic within a panic.
    let screen = is_as_it_was(screen, &home, 134, "a panic in the hook");
    assert!(screen.text().contains("panicked while processing panic"), "{}", screen.text());
    println!("F-S6: a panic within a panic left the terminal as it was");
}

/// Lets one thread's writes fail from now on.
fn writes_fail(thread: &str) -> Child {
    let mut strace = Command::new("strace");
    strace.args([
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=write",
        "-e",
        "inject=write:error=EIO",
        "-p",
        thread,
    ]);
    let strace = strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("strace has the thread", || {
        let status = std::fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
        let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"))?;
        (tracer.trim() != "0").then_some(())
    });
    strace
}

/// May a process be traced here? Says so when it may not.
fn may_trace(test: &str) -> bool {
    if !have(test, "strace") {
        return false;
    }
    let tried = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status();
    let may = tried.is_ok_and(|status| status.success());
    if !may {
        not_offered(test, Offer::Traces, "strace may not trace here");
    }
    may
}

#[test]
fn f_s6_u3_an_error_of_the_terminal_ends_the_screen_with_a_sentence() {
    if !may_trace("f_s6_u3_an_error") {
        return;
    }
    let home = Home::new();
    let session = home.start(WALK);
    // In the middle of a walk: the thread that writes pictures fails at its next one.
    let mut screen = attach(&home, &session);
    screen.wait_for("Take the copy");
    let tasks = std::fs::read_dir(format!("/proc/{}/task", client(&screen).as_raw_nonzero())).unwrap();
    let pen = tasks.flatten().find(|task| {
        std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "pen")
    });
    let mut strace = writes_fail(pen.unwrap().file_name().to_str().unwrap());
    screen.press("?");
    let screen = is_as_it_was(screen, &home, 3, "a write that fails");
    assert!(screen.text().contains("error: cannot draw on the terminal"), "{}", screen.text());
    strace.wait().unwrap();

    // Before the first picture: the very first write fails.
    let shell = r#"stty -g >before
        strace -f -qq -o /dev/null -e trace=write -e inject=write:error=EIO:when=1 -P "$(tty)" "$@" 2>said
        code=$?; stty -g >after; echo "left with $code""#;
    let words = ["-c", shell, "sh", ONBELAY, "attach", &session.id];
    let screen = Screen::call(&home, "sh", &words, (24, 80));
    is_as_it_was(screen, &home, 3, "a first write that fails");
    let said = home.read("said");
    assert!(
        said.contains("error: cannot take the terminal over") && said.contains("session goes on"),
        "{said}"
    );
    session.act(&["note", "all is well"]).expect(0);
    println!("F-S6: 2 errors of the terminal (in the middle, at its first write), each left it as it was");
}

/// Nothing can be done by a process that is killed; what the documentation tells to do must do.
#[test]
fn u4_a_screen_that_was_killed_leaves_a_terminal_that_reset_restores() {
    if !have("u4_a_screen_that_was_killed", "reset") {
        return;
    }
    let home = Home::new();
    let session = home.start(WALK);
    let shell = r#""$@"; code=$?; stty -a >killed; echo "left with $code"; read -r line; eval "$line"; stty -a >after; echo all over"#;
    let words = ["-c", shell, "sh", ONBELAY, "attach", &session.id];
    let mut screen = Screen::call(&home, "sh", &words, (24, 80));
    screen.wait_for("Take the copy");
    kill_process(client(&screen), Signal::KILL).unwrap();
    screen.wait_for("left with 137");
    assert!(home.read("killed").contains("-icanon"), "it was ours, and nobody was left to give it back");
    assert!(!screen.is_own());
    let manual = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md")).unwrap();
    assert!(manual.contains("type `reset`"), "what is to be typed is documented");
    // Keys come one by one there, and Enter as a return: Ctrl-J ends the line, as the manual says.
    screen.hurry("reset\n");
    screen.wait_for("all over");
    screen.wait_end();
    screen.is_restored();
    let after = home.read("after");
    for mode in [" icanon", " echo ", " isig", " icrnl", " opost"] {
        assert!(format!(" {after}").replace('\n', " ").contains(mode), "{mode}: {after}");
    }
    session.act(&["note", "all is well"]).expect(0);
}
