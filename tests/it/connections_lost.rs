//! Connections that are lost in every way there is (S2), and whoever comes back from elsewhere (S13): the host and its
//! command are the same ones, no line is lost, and nothing of the other place reaches a command.

use std::path::PathBuf;
use std::process::Command;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use rustix::process::{Signal, kill_process};

use crate::support::{Home, Pid, Screen, Session, Sshd, alive, has_ended, have, until};

const ONBELAY: &str = env!("CARGO_BIN_EXE_onbelay");

/// Lines before the connection is lost, after it, and after somebody came back.
const WALK: &str = "
onbelay: 1
title: Move the shop
steps:
  - id: first
    title: Take the copy
    run: echo $$ >pid; seq 1 2000; cat go >>went; seq 2001 200000; echo the end; cat go >>went; echo over
  - { id: last, title: Say so }
";

/// A place with a runbook that waits where `go` is, and what calls the program there from a login that knows nothing.
fn prepared() -> (Home, String) {
    let home = Home::new();
    rustix::fs::mkfifoat(rustix::fs::CWD, home.path("go"), rustix::fs::Mode::RWXU).unwrap();
    home.write("runbook.yaml", WALK);
    let line = format!(
        "cd '{}' && echo $$ >client && ONBELAY_HOME='{}' LANG=C.UTF-8 exec '{ONBELAY}' run runbook.yaml",
        home.path("").display(),
        home.state().display()
    );
    (home, line)
}

fn pid_in(home: &Home, file: &str) -> Pid {
    until(file, || Pid::from_raw(home.read(file).trim().parse().ok()?))
}

fn go(home: &Home) {
    std::fs::write(home.path("go"), "\n").unwrap();
}

/// Starts the step on this screen, and waits until it has written what it writes first.
fn begins<'h>(screen: &mut Screen, home: &'h Home) -> Session<'h> {
    screen.wait_for("Enter start");
    let session = home.only_session();
    screen.press("\r");
    session.wait_for_where("step_started", |record| record["step"] == "first");
    screen.wait_for("output · following");
    screen.press("o");
    screen.wait_for("2000");
    session
}

/// After the loss: the same host, the same command, and every line for whoever comes back.
fn nothing_was_lost(home: &Home, session: &Session<'_>, host: Pid) {
    let command = pid_in(home, "pid");
    assert!(alive(command), "the command goes on");
    go(home);
    until("what it writes after the loss", || session.output(1).ends_with(b"the end\n").then_some(()));
    let mut back = Screen::open(home, &["attach", &session.id], (30, 100));
    back.wait_for("output · following");
    back.press("o");
    back.wait_for("the end");
    back.press("g");
    back.wait("its first lines", |text| text.lines().any(|line| line.trim() == "1"));
    back.press("G");
    back.wait_for("200000");
    assert_eq!(session.host(), host, "no other host was needed");
    assert!(alive(host) && alive(command));
    go(home);
    session.wait_for_where("step_settled", |record| record["step"] == "first");
    back.wait_for("over");
    back.press("q");
    assert_eq!(back.wait_end(), 0);
    let mut lines: Vec<String> = (1..=200_000).map(|n| n.to_string()).collect();
    lines.push("the end\nover\n".to_owned());
    assert!(session.output(1) == lines.join("\n").into_bytes(), "every line, once");
    assert_eq!(session.step("first"), "done");
    assert_eq!(session.records("step_started").len(), 1);
    session.verifies();
}

/// A server that lets this very account in.
fn sshd(test: &str, home: &Home) -> Option<Sshd> {
    if !["sshd", "ssh", "ssh-keygen", "pgrep", "id"].iter().all(|tool| have(test, tool)) {
        return None;
    }
    let me = Command::new("id").arg("-un").output().unwrap().stdout;
    let me = String::from_utf8(me).unwrap();
    let keys = home.path("authorized");
    // It notices by itself when nobody is there any more.
    let more = format!(
        "StrictModes no\nAuthorizedKeysFile {}\nClientAliveInterval 1\nClientAliveCountMax 2\n",
        keys.display()
    );
    Some(Sshd::start(&home.path(""), me.trim(), &keys, &more))
}

#[test]
fn s2_a_server_of_the_connection_that_is_killed_loses_no_line() {
    let rounds = if std::env::var_os("ONBELAY_LONG").is_some() { 200 } else { 3 };
    let place = Home::new();
    let Some(sshd) = sshd("s2_a_server_of_the_connection", &place) else { return };
    for round in 1..=rounds {
        let (home, line) = prepared();
        let mut screen = sshd.call(&home, &line);
        let session = begins(&mut screen, &home);
        let host = session.host();
        sshd.cut();
        has_ended(pid_in(&home, "client"));
        screen.wait_end();
        nothing_was_lost(&home, &session, host);
        println!("S2: {round} of {rounds} servers of a connection killed, no line lost");
    }
}

#[test]
fn s2_a_network_that_carries_nothing_any_more_loses_no_line() {
    let (home, line) = prepared();
    let Some(sshd) = sshd("s2_a_network", &home) else { return };
    let network = sshd.network();
    let mut screen = sshd.call_by(&home, network.port, &line);
    let session = begins(&mut screen, &home);
    let host = session.host();
    let client = pid_in(&home, "client");
    network.lose_everything();
    assert!(alive(client), "nobody has noticed yet");
    // Keys that are on their way arrive nowhere.
    screen.hurry("\x18");
    // Another person sees the walk go on meanwhile, before anybody has given the first one up.
    session.act(&["note", "still here"]).expect(0);
    has_ended(client);
    assert!(session.records("hold_called").is_empty());
    nothing_was_lost(&home, &session, host);
}

#[test]
fn s2_a_terminal_that_is_closed_loses_no_line() {
    let (home, _) = prepared();
    let size = PtySize { rows: 30, cols: 100, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new(ONBELAY);
    command.args(["run", "runbook.yaml"]);
    command.env_clear();
    command.cwd(home.path(""));
    command.env("TERM", "xterm-256color");
    home.variables().into_iter().for_each(|(name, value)| command.env(name, value));
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let session = home.only_session();
    session.act(&["run", "first", "--no-wait"]).expect(0);
    until("what it writes first", || session.output(1).ends_with(b"\n2000\n").then_some(()));
    let host = session.host();
    drop(pair.master);
    let ended = until("the end of the client", || child.try_wait().unwrap());
    // It is told to hang up, or finds the terminal gone: whichever comes first.
    assert!(matches!(ended.exit_code(), 130 | 3), "{ended:?}");
    nothing_was_lost(&home, &session, host);
}

#[test]
fn s2_a_login_that_ends_takes_its_shell_and_nothing_of_the_session() {
    let (home, _) = prepared();
    // A shell that leads its session at this terminal is hung up with everything that belongs to it.
    let mut screen = Screen::call(
        &home,
        "sh",
        &["-c", "echo $$ >client; \"$@\"", "sh", ONBELAY, "run", "runbook.yaml"],
        (30, 100),
    );
    let session = begins(&mut screen, &home);
    let host = session.host();
    let shell = pid_in(&home, "client");
    let group = rustix::process::getpgid(Some(shell)).unwrap();
    rustix::process::kill_process_group(group, Signal::HUP).unwrap();
    kill_process(shell, Signal::KILL).unwrap();
    screen.wait_end();
    nothing_was_lost(&home, &session, host);
}

const TELLS: &str = "
onbelay: 1
title: Tell
steps:
  - { id: one, title: One, run: env | sort }
  - { id: two, title: Two, run: env | sort }
  - { id: three, title: Three, run: env | sort }
";

/// What an attempt had of these variables.
fn had(session: &Session<'_>, attempt: u32) -> Vec<String> {
    let names = ["LANG=", "LC_ALL=", "SSH_AUTH_SOCK=", "TERM=", "ONBELAY_HOME=", "SSH_CONNECTION="];
    let text = String::from_utf8(session.output(attempt)).unwrap();
    text.lines().filter(|line| names.iter().any(|name| line.starts_with(name))).map(str::to_owned).collect()
}

#[test]
fn s13_what_differs_where_somebody_comes_back_reaches_no_command() {
    let mut home = Home::new().with("SSH_AUTH_SOCK", "/first/agent").with("TERM", "xterm");
    let id = home.start(TELLS).id.clone();
    home.set("SSH_AUTH_SOCK", "/second/agent");
    home.set("SSH_CONNECTION", "elsewhere");
    home.set("TERM", "vt100");
    home.set("LANG", "POSIX");
    home.set("LC_ALL", "POSIX");
    let session = Session::new(&home, id.clone());
    let first = ["LANG=C.UTF-8", "SSH_AUTH_SOCK=/first/agent"];
    session.act(&["run", "one"]).expect(0);
    assert_eq!(had(&session, 1), first, "the host's own, from where the session was started");
    // On a screen, too.
    let mut screen = Screen::open(&home, &["attach", &id], (30, 100));
    screen.wait_for("Enter start");
    screen.press("\r");
    session.wait_for_where("step_settled", |record| record["step"] == "two");
    assert_eq!(had(&session, 2), first);
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
    // A host that is started again has the environment of who started it, and says by name what is new. A terminal's name
    // and where somebody came from pass from nowhere.
    session.kill_host();
    session.act(&["run", "three"]).expect(0).says("LANG").says("SSH_AUTH_SOCK");
    assert_eq!(had(&session, 3), ["LANG=POSIX", "LC_ALL=POSIX", "SSH_AUTH_SOCK=/second/agent"]);
    let changed = session.records("host_started").pop().unwrap()["env_changed"].clone();
    assert_eq!(changed, serde_json::json!(["LANG", "LC_ALL", "SSH_AUTH_SOCK"]));
}

/// Where a login's own things are: nothing of them is held open or stood in.
#[test]
fn s2_a_host_holds_nothing_of_the_login_that_started_it() {
    let home = Home::new();
    let session = home.start(TELLS);
    let proc = PathBuf::from(format!("/proc/{}", session.host().as_raw_nonzero()));
    assert_eq!(std::fs::read_link(proc.join("cwd")).unwrap(), PathBuf::from("/"));
    let stat = std::fs::read_to_string(proc.join("stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let pid = session.host().as_raw_nonzero().to_string();
    assert_eq!(fields[3], pid, "it leads a session of its own");
    assert_eq!(fields[4], "0", "it has no terminal");
}
