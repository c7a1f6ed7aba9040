//! Faults of storage, brought about from outside: calls that fail at any place, full disks, limits, slow disks, clocks that
//! jump, older copies put back (J, T, F-D4). The host is the real one; strace, the kernel's limits and mounts do the harm.

mod clocks;
mod held;
mod injected;
mod killed;
mod limits;
mod long;
mod newer;
mod older;
mod replaced;
mod short;
mod slow;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Home, Offer, Ran, Session, not_offered, until};

/// A hold point whose every run leaves a line behind.
const WIPE: &str = "onbelay: 1
title: Disk fails
steps:
  - { id: wipe, title: Wipe, destructive: true, run: echo gone >>effects }
";

/// An strace that is attached to a process that runs already.
struct Strace {
    child: Child,
    log: PathBuf,
    /// It says whom it attaches to as long as it runs, and would end where nobody hears it.
    _said: BufReader<ChildStderr>,
}

impl Strace {
    /// Attaches to the process, and to its other threads and children too with `-f` among the words; returns once it has.
    fn attach(test: &str, pid: Pid, words: &[&str], log: &Path) -> Option<Self> {
        let mut command = Command::new("strace");
        command.args(words).args(["-y", "-e", "signal=none", "-o"]).arg(log);
        command.args(["-p", &pid.as_raw_nonzero().to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut hears = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        hears.read_line(&mut said).unwrap();
        if said.contains("attached") {
            return Some(Self { child, log: log.to_owned(), _said: hears });
        }
        child.wait().unwrap();
        assert!(said.contains("not permitted"), "{said}");
        not_offered(test, Offer::Traces, "strace may not trace here");
        None
    }

    /// Lets go of what it traces; what it saw.
    fn end(mut self) -> Vec<String> {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        self.child.wait().unwrap();
        let text = std::fs::read(&self.log).unwrap();
        String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

/// Calls a verb under strace, with all that it starts; what it said, and what strace saw. The host that it leaves is ended.
fn call_traced(test: &str, home: &Home, strace: &[&str], words: &[&str]) -> Option<(Ran, Vec<String>)> {
    // strace would stay as long as the host, with the verb's stdout: it is attached, to a shell that waits for it.
    let mut waits = Command::new("sh");
    waits.args(["-c", "kill -STOP $$; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_onbelay")]).args(words);
    waits.env_clear().envs(home.variables()).current_dir(home.path(""));
    waits.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = waits.spawn().unwrap();
    let pid = Pid::from_child(&child);
    let stat = format!("/proc/{}/stat", pid.as_raw_nonzero());
    until("the shell waits", || std::fs::read_to_string(&stat).unwrap().contains(") T ").then_some(()));
    let strace = Strace::attach(test, pid, &[&["-f"], strace].concat(), &home.path("trace"));
    let Some(strace) = strace else {
        crate::support::kill(pid);
        child.wait_with_output().unwrap();
        return None;
    };
    kill_process(pid, Signal::CONT).unwrap();
    let ran = Ran::of(&child.wait_with_output().unwrap());
    home.kill_everything();
    Some((ran, strace.end()))
}

/// A write to a session's log, as the kernel saw it: what it was given, as strace writes that, and how much of it was taken.
struct Write<'t> {
    text: &'t str,
    taken: Option<usize>,
}

/// The writes to a log in the trace of one thread, with an `-s` that is long enough for all of them.
fn log_writes(trace: &[String]) -> Vec<Write<'_>> {
    let of_line = |line: &'_ String| line.starts_with("write(") && line.contains("/journal.jsonl>, \"");
    let lines = trace.iter().filter(|line| of_line(line));
    lines
        .map(|line| {
            let (_, given) = line.split_once("/journal.jsonl>, \"").unwrap();
            let (text, rest) = given.rsplit_once("\", ").unwrap();
            let (_, taken) = rest.split_once(") = ").unwrap();
            Write { text, taken: taken.parse().ok() }
        })
        .collect()
}

/// Is what the log has from byte `from` on exactly what was written to it, in this order and each byte once?
#[track_caller]
fn written_once(session: &Session<'_>, from: usize, writes: &[Write<'_>]) {
    let log = std::fs::read_to_string(session.dir().join("journal.jsonl")).unwrap();
    // As strace writes what is plain ASCII.
    let log = log[from..].replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let taken = writes.iter().filter(|write| write.taken.is_some());
    let written: String = taken.map(|write| write.text).collect();
    assert!(written == log, "what was written:\n{written}\nwhat is there:\n{log}");
}

fn log_length(session: &Session<'_>) -> usize {
    usize::try_from(std::fs::metadata(session.dir().join("journal.jsonl")).unwrap().len()).unwrap()
}

/// What must be so of a session of [`WIPE`] whatever became of its storage, once that is well again: somebody comes back, the log
/// is whole, nothing was done without a record, and nothing is shown that is not so. `effects`: how often it was done.
#[track_caller]
fn whole_for_the_next_host(session: &Session<'_>, effects: usize, place: &str) -> String {
    let back = session.act(&["note", "back"]);
    assert_eq!(back.code, Some(0), "{place}: {back:?}");
    let verified = session.call("verify", &[]);
    assert_eq!(verified.code, Some(0), "{place}: {verified:?}");
    let starts = session.records("step_started").len();
    assert!(effects <= starts, "{place}: {effects} effects, {starts} starts on record");
    let step = until(&format!("{place}: the step comes to rest"), || {
        Some(session.step("wipe")).filter(|step| step != "running")
    });
    let fits = match effects {
        0 => matches!(step.as_str(), "ready" | "waiting" | "failed" | "interrupted"),
        _ => matches!(step.as_str(), "done" | "failed" | "interrupted"),
    };
    assert!(fits, "{place}: {effects} effects, and the step is {step}");
    step
}

/// An end that was told, by `status` or as the exit status of whoever waited, is the one that the next host finds; and what was
/// shown as not begun had not begun.
#[track_caller]
fn was_true(shown: &str, ran: &Ran, found: &str, effects: usize, place: &str) {
    match shown {
        "done" | "failed" | "interrupted" => {
            assert_eq!(found, shown, "{place}: what `status` showed is so: {ran:?}");
        }
        "ready" | "waiting" => {
            assert_eq!(effects, 0, "{place}: it was shown as {shown}: {ran:?}");
            assert!(matches!(found, "ready" | "waiting"), "{place}: {found}, and it was shown as {shown}");
        }
        "running" => {}
        _ => panic!("{place}: {shown}?"),
    }
    match ran.code {
        Some(0) => assert_eq!((found, effects), ("done", 1), "{place}: what was acknowledged is so: {ran:?}"),
        Some(4) => assert!(matches!(found, "failed" | "interrupted"), "{place}: {found}: {ran:?}"),
        _ => {}
    }
}
