//! Any window: too small and back, inside tmux and GNU screen, on a serial console, and where nothing is taken any more.

use std::io::Read as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use crate::support::{Home, PATIENCE, Screen, has_ended, have, until};

const ONBELAY: &str = env!("CARGO_BIN_EXE_onbelay");

const WALK: &str = "
onbelay: 1
title: Move the shop
steps:
  - { id: first, title: Take the copy, run: 'echo copied 312 files' }
  - { id: long, title: Wait for it, run: 'echo begun; exec sleep 600', expect_within: 1s }
  - { id: wipe, title: Delete the old machine, destructive: All of it., confirm: shop, run: echo gone >>effects }
";

const FLOOD: &str = "
onbelay: 1
title: Flood
steps:
  - { id: flood, title: Flood, run: 'while :; do seq 1 100000; done' }
";

fn runbook(home: &Home, yaml: &str) -> String {
    home.write("runbook.yaml", yaml).to_str().unwrap().to_owned()
}

/// The keys of the page of steps are on the screen: it is drawn, and hears them.
fn walks(text: &str) -> bool {
    text.contains("? keys")
}

#[test]
fn u5_a_window_that_is_too_small_from_the_start_walks_in_lines_until_there_is_room() {
    let home = Home::new();
    let file = runbook(&home, WALK);
    let mut screen = Screen::open(&home, &["run", &file], (11, 100));
    screen.wait_for("ready] run starts it");
    let said = "this window has 100 columns and 11 rows, and the screen needs 40 and 12: make it larger";
    assert!(String::from_utf8_lossy(&screen.raw).contains(said), "{}", screen.text());
    let session = home.only_session();
    screen.press("screen\r");
    screen.wait_for("nothing was done");
    screen.press("run 1\r");
    session.wait_for_where("step_settled", |record| record["step"] == "first");
    screen.wait_for("[step 2 of 3");
    screen.resize(30, 100);
    screen.press("screen\r");
    screen.wait("the screen", walks);
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
    screen.is_restored();
    assert_eq!(session.records("host_started").len(), 1);
}

#[test]
fn a_window_that_shrinks_goes_on_in_lines_and_comes_back() {
    let home = Home::new();
    let file = runbook(&home, WALK);
    let mut screen = Screen::open(&home, &["run", &file], (30, 100));
    screen.wait("the screen", walks);
    let session = home.only_session();
    screen.press("\r");
    session.wait_for_where("step_settled", |record| record["step"] == "first");
    screen.wait("the next step", |text| text.contains("2 of 3") && text.contains("Enter start"));
    screen.press("\r");
    session.wait_for_where("step_started", |record| record["step"] == "long");
    screen.resize(8, 38);
    screen.wait("what runs, and that it is late", |text| {
        text.contains("onbelay needs 40 × 12") && text.contains("LATE by") && text.contains("log safe")
    });
    // A hold is called from any window, and nothing else is asked for.
    screen.press("n\x18");
    session.wait_for("hold_called");
    screen.wait_for("holds");
    screen.press("\r");
    // Eight rows do not keep what was said: it is looked for in all that was written.
    screen.wait("a prompt", |text| text.contains("Enter does nothing") || text.contains("it is late"));
    assert_eq!(session.records("noted").len(), 0, "no key of the screen is a line here");
    screen.is_restored();
    screen.press("release\r");
    session.wait_for("hold_released");
    screen.resize(24, 80);
    screen.press("screen\r");
    screen.wait("the screen again", |text| walks(text) && text.contains("Wait for it"));
    screen.press("s");
    screen.wait_for("Type y to go on");
    screen.press_until("y\r", |_| !session.records("stop_asked").is_empty());
    session.wait_for_where("step_settled", |record| record["step"] == "long");
    // Into lines once more, and out of them by a signal, as any program in a terminal.
    screen.resize(5, 20);
    screen.wait_for("needs 40 × 12");
    screen.press_until("\r", |text| text.trim_end().ends_with('>'));
    kill_process(screen.pid(), Signal::TERM).unwrap();
    assert_ne!(screen.wait_end(), 0);
    screen.is_restored();
    session.verifies();
}

/// `tmux` with a server of this home's own.
fn tmux(home: &Home, words: &[&str]) -> Output {
    let mut command = Command::new("tmux");
    command.arg("-S").arg(home.path("tmux")).args(["-f", "/dev/null"]).args(words).env_clear();
    command.env("TERM", "xterm-256color").envs(home.variables()).current_dir(home.path("")).output().unwrap()
}

#[test]
fn in_tmux_it_is_drawn_at_any_size_and_is_there_after_a_detach() {
    if !have("in_tmux_it_is_drawn_at_any_size_and_is_there_after_a_detach", "tmux") {
        return;
    }
    let home = Home::new();
    let file = runbook(&home, WALK);
    let call = format!("'{ONBELAY}' run '{file}'; echo LEFT WITH $?; exec cat");
    let made =
        tmux(&home, &["-u", "new-session", "-d", "-s", "walk", "-x", "100", "-y", "30", "sh", "-c", &call]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let seen = || String::from_utf8_lossy(&tmux(&home, &["capture-pane", "-p"]).stdout).into_owned();
    let shows = |what: &str, fits: &dyn Fn(&str) -> bool| {
        until(what, || Some(seen()).filter(|text| fits(text)));
    };
    let press = |keys: &str| assert!(tmux(&home, &["send-keys", keys]).status.success());
    shows("the screen", &walks);
    let session = home.only_session();
    press("Enter");
    session.wait_for_where("step_settled", |record| record["step"] == "first");
    for (width, height) in [(40, 12), (80, 24), (200, 60), (100, 30)] {
        tmux(&home, &["resize-window", "-x", &width.to_string(), "-y", &height.to_string()]);
        shows("a picture of that size", &|text| {
            let rows: Vec<&str> = text.trim_end_matches('\n').lines().collect();
            rows.len() == height && rows[height - 1].contains("? keys")
        });
    }
    let client = |home: &Home| {
        let socket = home.path("tmux");
        let mut screen =
            Screen::call(home, "tmux", &["-u", "-S", socket.to_str().unwrap(), "attach"], (31, 100));
        screen.wait("the screen, from outside", walks);
        screen
    };
    let mut first = client(&home);
    tmux(&home, &["detach-client", "-s", "walk"]);
    assert_eq!(first.wait_end(), 0);
    first.is_restored();
    let _second = client(&home);
    tmux(&home, &["resize-window", "-x", "34", "-y", "9"]);
    shows("that it is too small", &|text| text.contains("onbelay needs"));
    press("Enter");
    shows("lines", &|text| text.trim_end().ends_with('>'));
    tmux(&home, &["resize-window", "-x", "100", "-y", "30"]);
    // The terminal inside learns of it a moment later.
    let inside = tmux(&home, &["display-message", "-p", "#{pane_tty}"]).stdout;
    let inside = String::from_utf8_lossy(&inside).trim().to_owned();
    until("the new size", || {
        let size = Command::new("stty").args(["-F", &inside, "size"]).output().ok()?;
        (size.stdout == b"30 100\n").then_some(())
    });
    tmux(&home, &["send-keys", "screen", "Enter"]);
    shows("the screen again", &walks);
    press("q");
    shows("the shell", &|text| text.contains("LEFT WITH 0"));
    let modes = tmux(&home, &["display-message", "-p", "#{alternate_on} #{mouse_any_flag} #{cursor_flag}"]);
    assert_eq!(String::from_utf8_lossy(&modes.stdout).trim(), "0 0 1", "no other screen, no mouse, a cursor");
    tmux(&home, &["kill-server"]);
}

#[test]
fn in_gnu_screen_it_is_drawn_at_any_size_and_is_there_after_a_detach() {
    if !have("in_gnu_screen_it_is_drawn_at_any_size_and_is_there_after_a_detach", "screen") {
        return;
    }
    let home = Home::new();
    let sockets = home.path("sockets");
    std::fs::DirBuilder::new().mode(0o700).create(&sockets).unwrap();
    let home = home.with("SCREENDIR", &sockets);
    let file = runbook(&home, WALK);
    let call = format!("'{ONBELAY}' run '{file}'; echo LEFT WITH $?; exec cat");
    let words = ["-U", "-c", "/dev/null", "-S", "walk", "sh", "-c", &call];
    let mut screen = Screen::call(&home, "screen", &words, (24, 80));
    screen.wait("the screen", walks);
    let session = home.only_session();
    screen.press("\r");
    session.wait_for_where("step_settled", |record| record["step"] == "first");
    screen.wait("the next step", |text| text.contains("Wait for it") && walks(text));
    screen.resize(12, 40);
    screen.wait("a small picture", walks);
    screen.resize(40, 120);
    screen.wait("a large picture", |text| walks(text) && text.lines().count() == 40);
    screen.press("\x01d");
    assert_eq!(screen.wait_end(), 0);
    let mut screen = Screen::call(&home, "screen", &["-U", "-r", "walk"], (30, 100));
    screen.wait("the screen again", |text| walks(text) && text.contains("Wait for it"));
    let copy = home.path("hardcopy");
    // It writes one byte for each place on the screen, whatever stands there at that moment.
    until("what GNU screen shows", || {
        let words = ["-S", "walk", "-p", "0", "-X", "hardcopy", copy.to_str().unwrap()];
        assert!(home_command(&home, "screen", &words).status.success());
        let bytes = std::fs::read(&copy).ok()?;
        walks(&String::from_utf8_lossy(&bytes)).then_some(())
    });
    screen.press("q");
    screen.wait_for("LEFT WITH 0");
    home_command(&home, "screen", &["-S", "walk", "-X", "quit"]);
    screen.wait_end();
    screen.is_restored();
}

fn home_command(home: &Home, program: &str, words: &[&str]) -> Output {
    Command::new(program).args(words).env_clear().envs(home.variables()).output().unwrap()
}

#[test]
fn over_mosh_it_is_drawn_at_any_size_and_the_session_outlives_the_client() {
    let test = "over_mosh_it_is_drawn_at_any_size_and_the_session_outlives_the_client";
    if !have(test, "mosh-server") || !have(test, "mosh-client") {
        return;
    }
    // What no client speaks to for so long goes by itself, whatever becomes of this test.
    let mut home = Home::new().with("MOSH_SERVER_NETWORK_TMOUT", "60").with("TERM", "xterm-256color");
    let file = runbook(&home, WALK);
    let call = format!("'{ONBELAY}' run '{file}'; exec cat");
    let words = ["new", "-i", "127.0.0.1", "-p", "60100:60900", "-c", "256", "--", "sh", "-c", &call];
    let began = home_command(&home, "mosh-server", &words);
    let said = String::from_utf8_lossy(&began.stdout).into_owned();
    let connect = said.lines().find_map(|line| line.strip_prefix("MOSH CONNECT "));
    let (port, key) = connect.and_then(|line| line.split_once(' ')).unwrap_or_else(|| panic!("{began:?}"));
    home.set("MOSH_KEY", key);
    let mut screen = Screen::call(&home, "mosh-client", &["127.0.0.1", port], (24, 80));
    screen.wait("the screen", walks);
    let session = home.only_session();
    screen.press("\r");
    session.wait_for_where("step_settled", |record| record["step"] == "first");
    screen.wait("the next step", |text| text.contains("2 of 3") && walks(text));
    for (rows, columns) in [(12, 40), (60, 200), (30, 100)] {
        screen.resize(rows, columns);
        screen.wait("a picture of that size", |text| {
            let last = text.lines().nth(usize::from(rows) - 1);
            last.is_some_and(|last| last.contains("? keys"))
        });
    }
    screen.wait("that it can be started", |text| text.contains("Enter start"));
    screen.press("\r");
    session.wait_for_where("step_started", |record| record["step"] == "long");
    kill_process(screen.pid(), Signal::KILL).unwrap();
    screen.wait_end();
    assert_eq!(session.step("long"), "running");
    // Whoever lost it comes back from elsewhere.
    let mut again = Screen::open(&home, &["attach"], (24, 80));
    again.wait("the screen again", |text| walks(text) && text.contains("Wait for it"));
    again.press("\x18");
    session.wait_for("hold_called");
    session.act(&["stop", "long"]);
}

#[test]
fn a_serial_console_that_does_not_say_its_size_gets_a_screen_it_can_show() {
    let home = Home::new().with("TERM", "vt100");
    let file = runbook(&home, WALK);
    let call = format!("stty rows 0 cols 0; exec '{ONBELAY}' run '{file}'");
    let mut screen = Screen::call(&home, "sh", &["-c", &call], (24, 80));
    screen.wait("the screen", walks);
    assert!(screen.text().contains("taken as 80"), "{}", screen.text());
    screen.press("q");
    screen.wait_end();
    screen.is_restored();
    let raw = String::from_utf8_lossy(&screen.raw);
    for unknown in ["\x1b[?1049", "\x1b[?2004", "\x1b[?1000", "\x1b[?1006", "\x1b]"] {
        assert!(!raw.contains(unknown), "{unknown:?} is sent to a terminal that does not know it");
    }
    assert!(!raw.contains("\x1b[38;"), "colours by number are sent to a terminal that does not know them");
}

#[test]
fn a_running_step_costs_a_slow_line_little() {
    let home = Home::new();
    let file = runbook(&home, &WALK.replace(", expect_within: 1s", ""));
    let mut screen = Screen::open(&home, &["run", &file], (24, 80));
    screen.wait("the screen", walks);
    let session = home.only_session();
    session.act(&["run", "first"]).expect(0);
    screen.wait("the next step", |text| text.contains("2 of 3") && text.contains("Enter start"));
    screen.press("\r");
    screen.wait_for("0:03");
    let before = screen.raw.len();
    screen.wait_for("0:08");
    let a_second = (screen.raw.len() - before) / 5;
    println!("a running step costs {a_second} bytes a second at 80 by 24");
    assert!(a_second < 480, "{a_second} bytes a second: half of a line of 9600 baud");
    session.act(&["stop", "long"]);
}

#[test]
fn s1_a_terminal_that_takes_nothing_keeps_no_signal_waiting_and_slows_nobody() {
    let home = Home::new();
    let file = runbook(&home, FLOOD);
    // It is started elsewhere, so that only this terminal is in its way.
    let session = home.start_file(std::path::Path::new(&file), &[]);
    session.act(&["run", "flood", "--no-wait"]).expect(0);
    let pair = portable_pty::native_pty_system()
        .openpty(portable_pty::PtySize { rows: 60, cols: 200, pixel_width: 0, pixel_height: 0 })
        .unwrap();
    let mut command = portable_pty::CommandBuilder::new(ONBELAY);
    command.args(["attach", &session.id]);
    command.env_clear();
    command.env("TERM", "xterm-256color");
    home.variables().into_iter().for_each(|(name, value)| command.env(name, value));
    let child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().unwrap();
    let mut keys = pair.master.take_writer().unwrap();
    // Until it is drawn; then the flood, and nobody reads any more.
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    let begun = Instant::now();
    while !String::from_utf8_lossy(&seen).contains("keys") {
        assert!(begun.elapsed() < PATIENCE, "it is not drawn");
        let count = reader.read(&mut buffer).unwrap();
        seen.extend_from_slice(&buffer[..count]);
    }
    std::io::Write::write_all(&mut keys, b"o").unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.process_id().unwrap()).unwrap()).unwrap();
    until("a pen that waits for the terminal", || pen_waits(pid.as_raw_nonzero().get()).then_some(()));
    // A key is heard all the same.
    std::io::Write::write_all(&mut keys, b"\x18").unwrap();
    session.wait_for("hold_called");
    kill_process(pid, Signal::TERM).unwrap();
    let asked = Instant::now();
    // What it says in parting waits for the terminal too; asked twice, it is gone.
    std::thread::park_timeout(Duration::from_millis(1500));
    if crate::support::alive(pid) {
        let _ = kill_process(pid, Signal::TERM);
    }
    let mut child = child;
    let ended = until("its end", || child.try_wait().unwrap());
    assert!(asked.elapsed() < Duration::from_secs(20), "{ended:?}");
    has_ended(pid);
    session.act(&["note", "still here"]).expect(0);
    session.act(&["stop", "flood"]).expect(0);
}

/// Is the thread that writes pictures in a `write` that does not come back? Twice the same one, with time between.
fn pen_waits(pid: i32) -> bool {
    let call = || {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
        let pen = tasks.flatten().find(|task| {
            std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "pen")
        })?;
        let call = std::fs::read_to_string(pen.path().join("syscall")).ok()?;
        let switches = std::fs::read_to_string(pen.path().join("status")).ok()?;
        let switches = switches.lines().filter(|line| line.contains("ctxt_switches")).collect::<String>();
        (call.starts_with("1 ") || call.starts_with("64 ")).then_some((call, switches))
    };
    let first = call();
    std::thread::park_timeout(Duration::from_millis(100));
    first.is_some() && first == call()
}
