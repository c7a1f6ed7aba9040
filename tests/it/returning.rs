//! The session's host is killed under the screens of people who cannot bring it back: they wait for whoever can, say so,
//! and go on.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use super::people::People;
use super::support::{Home, PATIENCE, Pid, Screen, has_ended, kill, until};

const WIPE: &str = "onbelay: 1
title: Wipe
checks:
  backup: { title: A backup exists, run: test -e backup }
steps:
  - id: wipe
    title: Wipe the disk
    destructive: Everything on the disk is lost
    requires: backup
    witness: true
    run: echo wiped >> wiped
";

const DANA: usize = 0;
const SAM: usize = 1;

/// A session of `WIPE` by dana, shared with the group; its backup exists.
fn shared(people: &People) -> String {
    let file = people.write("wipe.yaml", WIPE);
    people.write("backup", "");
    people.call(DANA, &["start", "--share", &people.group, file.to_str().unwrap()]).expect(0);
    people.session().display().to_string()
}

fn records(session: &str, event: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(Path::new(session).join("journal.jsonl")).unwrap();
    let all = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    all.filter(|record| record["event"] == event).collect()
}

fn kill_host(session: &str) {
    let last = records(session, "host_started").pop().unwrap();
    let host = Pid::from_raw(i32::try_from(last["pid"].as_i64().unwrap()).unwrap()).unwrap();
    kill(host);
    has_ended(host);
}

/// Somebody at a terminal of their own.
fn at_terminal(people: &People, who: usize, home: &Home, words: &[&str], size: (u16, u16)) -> Screen {
    let name = people.name(who);
    let mut all: Vec<String> =
        ["--reuid", name, "--regid", name, "--init-groups", "--", "env", "--chdir"].map(str::to_owned).into();
    all.push(people.own(who).display().to_string());
    all.extend(people.variables(who).into_iter().map(|(name, value)| format!("{name}={value}")));
    all.push("onbelay".to_owned());
    all.extend(words.iter().map(|word| (*word).to_owned()));
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    Screen::call(home, "setpriv", &all, size)
}

/// Somebody who walks in lines, through pipes.
struct Lines {
    child: Child,
    input: Option<ChildStdin>,
    said: Receiver<String>,
}

impl Lines {
    fn open(people: &People, who: usize, words: &[&str]) -> Self {
        let mut child = people.command(who, words).stdin(Stdio::piped()).spawn().unwrap();
        let (sender, said) = channel();
        let out = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take();
        Self { child, input, said }
    }

    fn types(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Reads on until a line says this; what was said until then.
    #[track_caller]
    fn hears(&self, what: &str) -> String {
        let mut all = String::new();
        while !all.contains(what) {
            let line = self.said.recv_timeout(PATIENCE);
            all += &line.unwrap_or_else(|_| panic!("never said: {what}\n{all}"));
            all.push('\n');
        }
        all
    }

    fn leaves(mut self) -> (Option<i32>, String) {
        drop(self.input.take());
        let code = self.child.wait().unwrap().code();
        let mut said = self.said.iter().collect::<Vec<_>>().join("\n");
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (code, said)
    }
}

#[test]
fn a_witness_in_lines_waits_for_the_owner_and_goes_on() {
    let Some(people) = People::new("a_witness_in_lines_waits", &["dana", "sam"]) else { return };
    let id = shared(&people);
    let mut sam = Lines::open(&people, SAM, &["attach", "--witness", "--plain", &id]);
    let watch = Lines::open(&people, SAM, &["attach", "--watch", "--plain", &id]);
    sam.hears("You are the second person");
    watch.hears("Only looking");
    people.call(DANA, &["do", &id, "run", "wipe", "--confirm", "wipe"]).expect(1);
    sam.hears("You are asked to approve it");
    sam.types("show");
    sam.hears("that was all of it");
    kill_host(&id);
    let waits = format!("It comes back when {} attaches; this waits for it", people.name(DANA));
    sam.hears(&waits);
    watch.hears(&waits);
    sam.types("hold fire");
    sam.hears("NOT HELD: there is no connection");
    sam.types("approve");
    sam.hears("there is no connection to the session");
    assert!(records(&id, "hold_called").is_empty());
    people.call(DANA, &["do", &id, "note", "back"]).expect(0);
    sam.hears("connected again");
    watch.hears("connected again");
    sam.types("hold smoke");
    until("the hold", || records(&id, "hold_called").pop());
    watch.hears("smoke");
    // What was read before counts for nothing now.
    assert!(records(&id, "approved").is_empty());
    sam.types("quit");
    let (code, said) = sam.leaves();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("To come back: onbelay attach --witness {id} --plain")), "{said}");
    people.call(DANA, &["do", &id, "release", "--say", "over"]).expect(0);
    people.call(DANA, &["do", &id, "abort", "--say", "enough"]).expect(0);
    watch.hears("enough");
}

#[test]
fn a_screen_without_a_host_says_what_cannot_be_done_and_comes_back() {
    let Some(people) = People::new("a_screen_without_a_host", &["dana", "sam"]) else { return };
    let id = shared(&people);
    let home = Home::new();
    people.call(DANA, &["do", &id, "run", "wipe", "--confirm", "wipe"]).expect(1);
    let words = ["attach", "--witness", &id];
    let mut sam = at_terminal(&people, SAM, &home, &words, (30, 100));
    let mut small = at_terminal(&people, SAM, &home, &words, (12, 40));
    // A window that is too small from the beginning gets lines; this one becomes so.
    let mut tiny = at_terminal(&people, SAM, &home, &words, (24, 80));
    tiny.wait_for("^X hold");
    tiny.resize(8, 30);
    for screen in [&mut sam, &mut small] {
        screen.wait_for("^X hold");
        screen.press_until("a", |screen| screen.contains("Approval"));
    }
    tiny.wait_for("^X holds");
    sam.press_until("n", |screen| screen.contains("A approve"));
    sam.press_until("A", |screen| screen.contains("to approve:"));
    people.call(SAM, &["do", &id, "approve", "wipe"]).expect(0);
    kill_host(&id);
    for screen in [&mut sam, &mut small] {
        screen.wait("that it is cut off", |screen| {
            screen.contains("NO CONNECTION") && !screen.contains("^X hold")
        });
    }
    tiny.wait("that it is cut off", |screen| {
        screen.contains("NO CONNECTION") && !screen.contains("^X holds")
    });
    sam.wait_for("nothing is approved here");
    for screen in [&mut sam, &mut small, &mut tiny] {
        screen.press_until("\x18", |screen| screen.contains("NOT HELD"));
    }
    sam.press_until("\x1b", |screen| !screen.contains("to approve:"));
    sam.wait_for("no connection");
    sam.press_until("\x1b", |screen| screen.contains("It comes back when"));
    sam.wait("that nothing can be done", |screen| {
        screen.contains("no connection: no hold")
            && !screen.contains("Enter start")
            && !screen.contains("you approved")
    });
    assert!(records(&id, "hold_called").is_empty());

    people.call(DANA, &["do", &id, "note", "back"]).expect(0);
    sam.wait("the connection", |screen| screen.contains("^X hold") && !screen.contains("no connection"));
    small.wait("the connection", |screen| {
        screen.contains("void") && !screen.to_lowercase().contains("no connection")
    });
    tiny.wait_for("^X holds");
    // What stood is void, and nothing that was read before serves for another.
    let ran = people.call(DANA, &["do", &id, "run", "wipe", "--confirm", "wipe"]).expect(1);
    assert!(!people.own(DANA).join("wiped").exists(), "{}", ran.stdout);
    sam.press_until("\x18", |screen| screen.contains("holds"));
    until("the hold", || records(&id, "hold_called").pop());
    sam.press_until("q", |screen| screen.contains("comes back to it"));
    let text = sam.text().replace('\n', "");
    assert!(text.contains(&format!("onbelay attach --witness {id}")), "{text}");
}

#[test]
fn whoever_waits_learns_that_there_is_nothing_to_wait_for() {
    let Some(people) = People::new("whoever_waits_learns", &["dana", "sam"]) else { return };
    let id = shared(&people);
    let waiting = || {
        let sam = Lines::open(&people, SAM, &["attach", "--watch", "--plain", &id]);
        sam.hears("Only looking");
        kill_host(&id);
        sam.hears("this waits for it");
        sam
    };
    people.call(DANA, &["do", &id, "note", "x"]).expect(0);
    people.call(DANA, &["do", &id, "note", "y"]).expect(0);
    // A damaged log: the owner's next host will not start.
    let journal = Path::new(&id).join("journal.jsonl");
    let sam = waiting();
    // In the last record, so that all before it can be read; in place, for others are reading.
    let file = std::fs::File::options().read(true).write(true).open(&journal).unwrap();
    let at = file.metadata().unwrap().len() - 20;
    let flip = || {
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    };
    flip();
    people.call(DANA, &["do", &id, "note", "x"]).expect(3);
    touch(&id);
    let (code, said) = sam.leaves();
    assert!(code == Some(3) && said.contains("damaged"), "{said}");
    flip();
    people.call(DANA, &["do", &id, "note", "x"]).expect(0);
    // The door is shut.
    let sam = waiting();
    set_mode(&id, 0o700);
    let (code, said) = sam.leaves();
    assert!(code == Some(3) && said.contains("not shared with you"), "{said}");
    set_mode(&id, 0o750);
    people.call(DANA, &["do", &id, "note", "x"]).expect(0);
    // It was given up, and whoever did it is gone again.
    let sam = waiting();
    people.call(DANA, &["do", &id, "abort", "--say", "enough"]).expect(0);
    kill_host(&id);
    let (code, said) = sam.leaves();
    assert!(matches!(code, Some(0 | 3)) && said.contains("aborted"), "{said}");
}

fn set_mode(path: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Changes nothing of a directory but when it was changed.
fn touch(dir: &str) {
    set_mode(dir, 0o750);
}
