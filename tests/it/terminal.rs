//! Interactive steps: a real terminal that the host's side owns, and what of it is recorded. Typed over the wire, as a
//! screen does.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use onbelay::client::{Heard, HostStart, IfNoHost, Stay, Talk, Wish};
use onbelay::session::{Command, Progress};
use onbelay::wire::messages::{OutputFile, Reply, Role, Stream, Terminal};
use onbelay::wire::start::Given;
use onbelay::wire::{FromHost, ToHost};

use crate::support::{Home, PATIENCE, Session, alive, has_ended, have, kill, until};

/// Somebody who types into the terminal of one attempt.
struct Typist {
    talk: Talk,
    of: OutputFile,
    output: PathBuf,
    /// What was looked for was found up to here.
    seen: usize,
    terminals: Vec<Terminal>,
    next: u64,
}

impl Typist {
    /// A screen of this account on the session.
    fn at(session: &Session<'_>, attempt: u32) -> Self {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_onbelay"));
        let environment = BTreeMap::from([("PATH".to_owned(), path())]);
        let start = HostStart { program, given: Given { environment, ..Given::default() } };
        let wish = Wish { role: Role::Drive, if_no_host: IfNoHost::Start(start), stay: Stay::No };
        let talk = Talk::open(&session.dir(), wish).unwrap();
        let terminals = talk.line.client.welcome.terminals.clone();
        let output = session.dir().join(format!("attempts/{attempt}/output"));
        let of = OutputFile { attempt, item: None, stream: Stream::Output };
        Self { talk, of, output, seen: 0, terminals, next: 1 }
    }

    /// Starts a step and takes its terminal.
    fn start(home: &Home, yaml: &str) -> (Self, String) {
        let session = home.start(yaml);
        let mut typist = Self::at(&session, 1);
        typist.act(run("ask"));
        typist.take();
        (typist, session.id.clone())
    }

    #[track_caller]
    fn act(&mut self, command: Command) {
        let reply = self.talk.act(command).unwrap();
        assert!(matches!(reply, Reply::Recorded { .. }), "{reply:?}");
    }

    /// Takes the terminal, as soon as its command runs.
    #[track_caller]
    fn take(&mut self) {
        let attempt = self.of.attempt;
        self.until_terminals(|all| all.iter().any(|one| one.of.attempt == attempt));
        self.act(Command::TakeTerminal { step: "ask".into() });
    }

    fn until_terminals(&mut self, fits: impl Fn(&[Terminal]) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !fits(&self.terminals) {
            let heard = self.talk.hear(Some(deadline)).unwrap();
            let Some(heard) = heard else { panic!("never so: {:?}", self.terminals) };
            self.note(&heard);
        }
    }

    fn note(&mut self, heard: &Heard) {
        if let Heard::Other(message) = heard
            && let FromHost::Terminals { terminals } = &**message
        {
            self.terminals.clone_from(terminals);
        }
    }

    /// Types once; the answer.
    fn type_once(&mut self, bytes: &[u8]) -> Option<String> {
        let mine = self.next;
        self.next += 1;
        let data = data_encoding::BASE64.encode(bytes);
        self.talk.send(&ToHost::Type { id: mine, of: self.of.clone(), data }).unwrap();
        loop {
            let heard = self.talk.hear(None).unwrap().unwrap();
            self.note(&heard);
            if let Heard::Other(message) = heard
                && let FromHost::Typed { id, why_not } = *message
                && id == mine
            {
                return why_not;
            }
        }
    }

    /// Types; a terminal that is not open yet is waited for.
    #[track_caller]
    fn keys(&mut self, text: &str) {
        until("a terminal that takes keys", || match self.type_once(text.as_bytes()) {
            None => Some(()),
            Some(why) => {
                assert!(why.contains("not open yet"), "{why}");
                None
            }
        });
    }

    fn size(&mut self, columns: u16, rows: u16) {
        self.talk.send(&ToHost::Window { of: self.of.clone(), columns, rows }).unwrap();
    }

    /// Waits until the terminal shows this, after what was waited for before.
    #[track_caller]
    fn shows(&mut self, text: &str) {
        let (output, from) = (self.output.clone(), self.seen);
        let at = until(&format!("the terminal shows {text:?}"), || {
            let all = std::fs::read(&output).unwrap_or_default();
            memchr::memmem::find(all.get(from..)?, text.as_bytes()).map(|at| from + at)
        });
        self.seen = at + text.len();
    }

    /// Waits until the step has come to rest.
    #[track_caller]
    fn becomes(&mut self, progress: &Progress) {
        let deadline = Instant::now() + PATIENCE;
        while !matches!(self.talk.session.steps[0].progress, Progress::Done | Progress::Failed) {
            let heard = self.talk.hear(Some(deadline)).unwrap();
            let Some(heard) = heard else { panic!("it never ended: {}", text_of(&self.output)) };
            self.note(&heard);
        }
        let step = &self.talk.session.steps[0];
        assert_eq!(step.progress, *progress, "{}: {}", step.why, text_of(&self.output));
    }
}

fn path() -> OsString {
    std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into())
}

fn text_of(file: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned()
}

fn run(step: &str) -> Command {
    Command::Run { step: step.into(), typed: None, will_ask: false, by_hand: false }
}

/// A runbook whose one step runs this, with a terminal.
fn asks(script: &str) -> String {
    let script: String = script.lines().fold(String::new(), |all, line| format!("{all}      {line}\n"));
    format!(
        "onbelay: 1\ntitle: T\nsteps:\n  - id: ask\n    title: Ask\n    interactive: true\n    run: |\n{script}"
    )
}

/// Every file below a directory with this in it.
fn files_with(dir: &Path, needle: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files_with(&entry.path(), needle));
        } else if kind.is_file() {
            let text = std::fs::read(entry.path()).unwrap();
            if memchr::memmem::find(&text, needle).is_some() {
                found.push(entry.path());
            }
        }
    }
    found
}

#[test]
fn a_password_is_asked_for_and_is_in_no_file() {
    let home = Home::new();
    let script = "test -t 0 && test -t 1 && test -t 2 || exit 9\nstty -echo\nprintf 'Password: '\nread -r word\nstty echo\necho\necho \"length ${#word}, $TERM\"\nprintf 'Go on? '\nread -r answer\ntest \"$answer\" = yes";
    let (mut typist, id) = Typist::start(&home, &asks(script));
    let session = Session::new(&home, id);
    typist.shows("Password: ");
    typist.keys("correct-horse-77\r");
    typist.shows("length 16, xterm-256color");
    typist.shows("Go on? ");
    typist.keys("yes\r");
    typist.becomes(&Progress::Done);
    typist.until_terminals(<[Terminal]>::is_empty);
    // What was echoed is shown, what was not is nowhere: not in the output, the recording, the log.
    assert!(text_of(&typist.output).contains("Go on? yes\r\n"), "{}", text_of(&typist.output));
    assert_eq!(files_with(&session.dir(), b"correct-horse"), Vec::<PathBuf>::new());
    let echoed = files_with(&session.dir(), b"length 16");
    assert_eq!(echoed.len(), 2, "the output and the recording: {echoed:?}");
    assert!(!session.dir().join("attempts/1/input").exists(), "its way in is gone");
    // The recording is an asciicast: a header, then what was shown, with its times.
    let cast = std::fs::read_to_string(session.dir().join("attempts/1/terminal.cast")).unwrap();
    let lines: Vec<serde_json::Value> =
        cast.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["version"], &lines[0]["width"]), (&2.into(), &80.into()));
    let shown: String = lines[1..].iter().map(|line| line[2].as_str().unwrap()).collect();
    assert_eq!(shown, text_of(&typist.output));
    // Who took it is on record, by name, and before what they typed could have any effect.
    let taken = session.records("terminal_taken");
    assert_eq!((taken.len(), &taken[0]["attempt"]), (1, &1.into()));
    assert_eq!(taken[0]["by"]["uid"], session.journal()[0]["by"]["uid"]);
    session.call("log", &[]).expect(0).says("types into the terminal of 1 Ask");
    session.verifies();
}

#[test]
fn a_terminal_has_the_size_of_the_typists_window() {
    let home = Home::new();
    let script = "stty size\necho ready\nuntil test \"$(stty size)\" = '43 132'; do sleep 0.02; done\nstty size\nread -r go\ntput cols";
    let (mut typist, id) = Typist::start(&home, &asks(script));
    let session = Session::new(&home, id);
    typist.shows("24 80");
    typist.shows("ready");
    typist.size(132, 43);
    typist.shows("43 132");
    typist.until_terminals(|all| all.iter().any(|one| (one.columns, one.rows) == (132, 43)));
    // A host that takes over knows it.
    session.kill_host();
    let mut typist = Typist { seen: typist.seen, ..Typist::at(&session, 1) };
    typist.until_terminals(|all| {
        all.iter().any(|one| (one.columns, one.rows) == (132, 43) && one.typist.is_none())
    });
    typist.take();
    typist.keys("go\r");
    typist.shows("132");
    typist.becomes(&Progress::Done);
    let cast = std::fs::read_to_string(session.dir().join("attempts/1/terminal.cast")).unwrap();
    assert!(cast.contains("\"r\", \"132x43\"]"), "{cast}");
    session.verifies();
}

/// Waits until a process of this command line is what its terminal has in front: keys that make signals reach it.
fn in_front(line: &[u8]) {
    until("it is in front", || {
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        all.map(|entry| entry.path())
            .filter(|process| std::fs::read(process.join("cmdline")).is_ok_and(|found| found == line))
            .find_map(|process| {
                let stat = std::fs::read_to_string(process.join("stat")).ok()?;
                // proc_pid_stat(5), after the name: state, ppid, pgrp, session, tty_nr, tpgid.
                let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
                (fields[2] == fields[5]).then_some(())
            })
    });
}

#[test]
fn ctrl_c_ends_what_is_in_front_and_the_shell_goes_on() {
    let home = Home::new();
    let (mut typist, id) = Typist::start(&home, &asks("PS1='prompt> ' exec bash --norc --noprofile -i"));
    typist.shows("prompt> ");
    typist.keys("sleep 6001\r");
    in_front(b"sleep\x006001\x00");
    typist.keys("\x03");
    typist.shows("prompt> ");
    // Halted and let go on, as in any shell.
    typist.keys("sleep 6002\r");
    in_front(b"sleep\x006002\x00");
    typist.keys("\x1a");
    typist.shows("Stopped");
    typist.shows("prompt> ");
    typist.keys("kill -9 %1; wait; echo all' 'ended\r");
    typist.shows("all ended");
    typist.keys("exit 0\r");
    typist.becomes(&Progress::Done);
    Session::new(&home, id).verifies();
}

#[test]
fn a_command_that_halts_itself_goes_on_for_there_is_no_shell_behind_it() {
    let home = Home::new();
    let script = "echo ready\nread -r one\necho \"got $one\"\nread -r two\ntest \"$two\" = last";
    let (mut typist, _) = Typist::start(&home, &asks(script));
    typist.shows("ready");
    typist.keys("\x1a");
    typist.keys("first\r");
    typist.shows("got first");
    typist.keys("last\r");
    typist.becomes(&Progress::Done);
}

#[test]
fn the_host_is_killed_in_the_middle_and_typing_goes_on() {
    let home = Home::new();
    let (mut typist, id) =
        Typist::start(&home, &asks("echo one\nread -r a\necho \"got $a\"\nread -r b\necho \"and $b\""));
    let session = Session::new(&home, id);
    typist.shows("one");
    typist.keys("first");
    typist.shows("first");
    let runner = session.runner(1);
    session.kill_host();
    assert!(alive(runner));
    let mut typist = Typist { seen: typist.seen, ..Typist::at(&session, 1) };
    assert_eq!(typist.terminals.len(), 1, "it is open still");
    assert!(typist.type_once(b"x").unwrap().contains("take it first"), "nobody has it any more");
    typist.take();
    // What was typed before is there.
    typist.keys("\r");
    typist.shows("got first");
    typist.keys("second\r");
    typist.shows("and second");
    typist.becomes(&Progress::Done);
    assert_eq!(session.records("terminal_taken").len(), 2);
    session.verifies();
}

#[test]
fn a_runner_that_is_killed_leaves_the_step_interrupted() {
    let home = Home::new();
    let (mut typist, id) = Typist::start(&home, &asks("echo ready\nread -r a\nread -r b"));
    let session = Session::new(&home, id);
    typist.shows("ready");
    let runner = session.runner(1);
    kill(runner);
    has_ended(runner);
    until("it is interrupted", || (session.step("ask") == "interrupted").then_some(()));
    let why = typist.type_once(b"x").unwrap();
    assert!(why.contains("has ended"), "{why}");
    assert!(!session.dir().join("attempts/1/input").exists());
    session.verifies();
}

#[test]
fn s1_a_command_that_does_not_read_stalls_nobody() {
    let home = Home::new();
    let script =
        "stty raw -echo\necho ready\nwhile ! test -e go; do sleep 0.05; done\nhead -c 300000 | wc -c";
    let (mut typist, id) = Typist::start(&home, &asks(script));
    let session = Session::new(&home, id);
    typist.shows("ready");
    let piece = vec![b'x'; 4_000];
    let mut taken = 0;
    let why = loop {
        match typist.type_once(&piece) {
            None => taken += piece.len(),
            Some(why) => break why,
        }
        assert!(taken < 10_000_000, "it never says that it takes no more");
    };
    assert!(why.contains("does not take more"), "{why}");
    // The host has time for others meanwhile, and the terminal still hears of a new size.
    session.act(&["note", "still here"]).expect(0);
    typist.size(100, 30);
    home.write("go", "");
    while taken < 300_000 {
        if typist.type_once(&piece).is_none() {
            taken += piece.len();
        }
    }
    typist.shows("300000");
    typist.becomes(&Progress::Done);
    session.verifies();
}

#[test]
fn s9_only_who_took_it_types() {
    let home = Home::new();
    let (mut first, id) = Typist::start(&home, &asks("echo ready\nread -r a\ntest \"$a\" = ab"));
    let session = Session::new(&home, id);
    first.shows("ready");
    first.keys("a");
    let mut second = Typist::at(&session, 1);
    assert!(second.type_once(b"x").unwrap().contains("another screen types"));
    assert!(second.terminals[0].typist.is_some());
    second.take();
    assert!(first.type_once(b"x").unwrap().contains("another screen types"));
    second.keys("b");
    drop(second);
    first.until_terminals(|all| all.iter().all(|one| one.typist.is_none()));
    assert!(first.type_once(b"x").unwrap().contains("nobody took its terminal"));
    first.take();
    first.keys("\r");
    first.becomes(&Progress::Done);
    // What is not open is not taken.
    let reply = first.talk.act(Command::TakeTerminal { step: "ask".into() }).unwrap();
    let Reply::Refused { refusal, .. } = reply else { panic!("{reply:?}") };
    assert!(refusal.sentence.contains("it is not running"), "{}", refusal.sentence);
    session.verifies();
}

#[test]
fn a_stop_ends_every_process_at_the_terminal() {
    let home = Home::new();
    // An interactive shell passes TERM over, and puts what it starts in groups of their own.
    let (mut typist, id) = Typist::start(&home, &asks("PS1='prompt> ' exec bash --norc --noprofile -i"));
    let session = Session::new(&home, id);
    typist.shows("prompt> ");
    typist.keys("sleep 602 & echo back $!.\r");
    typist.shows("back ");
    typist.shows(".");
    session.act(&["stop", "ask"]).expect(0);
    typist.becomes(&Progress::Failed);
    let sleeps = std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        std::fs::read(entry.path().join("cmdline")).is_ok_and(|line| line == b"sleep\x00602\x00")
    });
    assert!(!sleeps, "what was in the background is gone, too");
    session.verifies();
}

#[test]
fn what_is_shown_is_told_soon_after_a_key() {
    let home = Home::new();
    let (mut typist, _) = Typist::start(&home, &asks("echo ready\nread -r a\nread -r b"));
    typist.shows("ready");
    typist.talk.send(&ToHost::FollowOutput { of: Some(typist.of.clone()) }).unwrap();
    let mut took = Vec::new();
    let mut total = 0;
    for key in 0..60 {
        let typed = Instant::now();
        let data = data_encoding::BASE64.encode(b"k");
        typist.talk.send(&ToHost::Type { id: 10_000 + key, of: typist.of.clone(), data }).unwrap();
        loop {
            let Some(Heard::Other(message)) = typist.talk.hear(None).unwrap() else { continue };
            match *message {
                FromHost::OutputGrew { total: now, .. } if now > total && key > 0 => {
                    total = now;
                    break;
                }
                // The first look may come before the terminal is there to be watched.
                FromHost::OutputGrew { total: now, .. } => {
                    total = now;
                    if now > 7 {
                        break;
                    }
                }
                _ => {}
            }
        }
        took.push(typed.elapsed());
    }
    took.sort();
    let middle = took[took.len() / 2];
    eprintln!("key to word that something is shown: median {middle:?}, worst {:?}", took[took.len() - 1]);
    assert!(middle < Duration::from_millis(20), "{took:?}");
    typist.keys("\r\r");
    typist.becomes(&Progress::Done);
}

#[test]
fn a_full_screen_program_works() {
    if !have("a_full_screen_program_works", "less") {
        return;
    }
    let home = Home::new();
    let (mut typist, id) = Typist::start(&home, &asks("seq 1 500 | less\necho over"));
    typist.size(60, 10);
    typist.shows("\x1b[");
    typist.keys("G");
    typist.shows("500");
    typist.keys("q");
    typist.shows("over");
    typist.becomes(&Progress::Done);
    Session::new(&home, id).verifies();
}

#[test]
fn each_item_has_its_own_terminal_and_a_key_never_reaches_the_next() {
    let home = Home::new();
    let yaml = asks("echo \"at $node\"\nread -r word\ntest \"$word\" = \"ok $node\"").replace(
        "    interactive: true\n",
        "    interactive: true\n    for_each: { node: [web-1, web-2] }\n",
    );
    let session = home.start(&yaml);
    let mut typist = Typist::at(&session, 1);
    typist.act(run("ask"));
    for (index, node) in [(0, "web-1"), (1, "web-2")] {
        typist.of.item = Some(index);
        typist.output = session.dir().join(format!("attempts/1/items/{index}/output"));
        typist.seen = 0;
        typist.until_terminals(|all| all.iter().any(|one| one.of.item == Some(index)));
        assert!(typist.type_once(b"x").unwrap().contains("take it first"));
        typist.take();
        typist.shows(&format!("at {node}"));
        typist.keys(&format!("ok {node}\r"));
    }
    typist.becomes(&Progress::Done);
    let taken: Vec<_> = session.records("terminal_taken").iter().map(|one| one["item"].clone()).collect();
    assert_eq!(taken, ["web-1", "web-2"]);
    session.verifies();
}

#[test]
fn a_secret_is_covered_in_what_the_terminal_shows_also_when_it_is_typed() {
    let home = Home::new().with("PW", "tr0ub4dor-and-3");
    let yaml = asks("printf 'a %s b\\n' \"$pw\"\nread -r word\ntest \"$word\" = \"$pw\"")
        .replace("steps:\n", "params:\n  pw: { about: Password, secret: true, env: PW }\nsteps:\n");
    let (mut typist, id) = Typist::start(&home, &yaml);
    let session = Session::new(&home, id);
    typist.shows("a ••• b");
    for letter in "tr0ub4dor-and-3".chars() {
        typist.keys(&letter.to_string());
    }
    typist.keys("\r");
    typist.shows("•••");
    typist.becomes(&Progress::Done);
    assert_eq!(files_with(&session.dir(), b"tr0ub4dor"), Vec::<PathBuf>::new());
    let cast = std::fs::read_to_string(session.dir().join("attempts/1/terminal.cast")).unwrap();
    assert_eq!(cast.matches("•••").count(), 2, "{cast}");
}

#[test]
fn what_is_left_in_front_hears_a_hangup_and_what_left_the_terminal_goes_on() {
    let home = Home::new();
    let script = "setsid sleep 603 </dev/null >/dev/null 2>&1 &\nsleep 604 &\necho ready\nread -r go";
    let (mut typist, id) = Typist::start(&home, &asks(script));
    let session = Session::new(&home, id);
    typist.shows("ready");
    typist.keys("\r");
    typist.becomes(&Progress::Done);
    let ended = session.wait_for("work_ended");
    let left: Vec<&str> =
        ended["ended"]["left"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(left, ["sleep"], "{ended}");
    session.verifies();
}

#[test]
fn its_files_are_the_owners_alone_and_everything_killed_leaves_it_interrupted() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let (mut typist, id) = Typist::start(&home, &asks("echo ready\nread -r a"));
    let session = Session::new(&home, id);
    typist.shows("ready");
    for name in ["input", "output", "terminal.cast", "window.json"] {
        let found = std::fs::symlink_metadata(session.dir().join("attempts/1").join(name)).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o600, "{name}");
    }
    home.kill_everything();
    session.act(&["note", "somebody came back"]).expect(0);
    assert_eq!(session.step("ask"), "interrupted");
    let typist = Typist::at(&session, 1);
    assert!(typist.terminals.is_empty());
    session.verifies();
}

#[test]
fn a_program_that_asks_its_terminal_is_answered_once_with_or_without_a_screen() {
    let home = Home::new();
    // As programs do: raw, with a time after which they give up.
    let script = "old=$(stty -g)\nstty raw -echo min 0 time 20\nprintf 'ab\\r\\ncde\\033[6n\\033[c\\033[5n'\n\
                  answer=$(dd bs=1 count=17 2>/dev/null | od -An -c | tr -d ' \\n')\nrest=$(dd bs=1 count=1 2>/dev/null | od -An -c)\n\
                  stty \"$old\"\necho \"<$answer|$rest>\"";
    // No screen is there when it asks: the one that started it does nothing but wait.
    let session = home.start(&asks(script));
    session.act(&["run", "ask"]).expect(0);
    session.wait_for_where("step_settled", |record| record["step"] == "ask");
    let shown = text_of(&session.dir().join("attempts/1/output"));
    assert!(shown.contains(r"<033[2;4R033[?1;2c033[0n|>"), "{shown}");
}
