//! The runner over real shells: what it starts, how that ends, what it survives. It is run as the host runs it, with
//! its orders through a pipe.

mod covered;
mod later;

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use onbelay::process::Runner;
use onbelay::process::claim;
use onbelay::process::kernel::{self, Identity};
use onbelay::process::output::{Stream, read_part};
use onbelay::process::spec::{Bytes, RunnerSpec};
use onbelay::session::{Ended, Outcome};
use proptest::prelude::*;
use rustix::process::{Pid, Signal};
use tempfile::TempDir;

const RUNNER: &str = env!("CARGO_BIN_EXE_onbelay");

/// One attempt: its directory and its orders.
struct Attempt {
    dir: TempDir,
    spec: RunnerSpec,
}

fn bash(script: &str) -> Attempt {
    attempt(&["bash", "-euo", "pipefail", "-c", script])
}

fn attempt(argv: &[&str]) -> Attempt {
    let path = std::env::var("PATH").unwrap();
    Attempt {
        dir: tempfile::tempdir().unwrap(),
        spec: RunnerSpec {
            argv: argv.iter().map(Bytes::from).collect(),
            env: vec![(Bytes::from("PATH"), Bytes::from(&path))],
            dir: Bytes::from("/"),
            timeout_ms: None,
            umask: 0o022,
            separate_stdout: false,
            cover: vec![],
            share: None,
            terminal: false,
            of: None,
        },
    }
}

impl Attempt {
    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn spawn(&self) -> Child {
        self.spawn_as(Command::new(RUNNER).arg("runner").arg(self.path()))
    }

    fn spawn_as(&self, command: &mut Command) -> Child {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let orders = serde_json::to_vec(&self.spec).unwrap();
        // A runner that is stopped early does not listen to the end.
        let _ = child.stdin.take().unwrap().write_all(&orders);
        child
    }

    fn run(&self) -> Ended {
        self.spawn().wait().unwrap();
        self.ended()
    }

    fn ended(&self) -> Ended {
        claim::read_outcome(self.path()).unwrap().expect("an outcome")
    }

    fn output(&self) -> Vec<u8> {
        read_part(self.path(), Stream::Output, 0, usize::MAX).unwrap().bytes
    }

    fn text(&self) -> String {
        String::from_utf8(self.output()).unwrap()
    }

    /// Waits until the output holds this text.
    fn until_it_says(&self, text: &str) {
        until(&format!("it says {text}"), || String::from_utf8_lossy(&self.output()).contains(text));
    }

    fn command(&self) -> Identity {
        until("the command is noted", || claim::read_command(self.path()).unwrap().is_some());
        claim::read_command(self.path()).unwrap().unwrap()
    }
}

/// Waits for a named event; only a test that is broken waits for long.
#[track_caller]
fn until(event: &str, mut seen: impl FnMut() -> bool) {
    let start = Instant::now();
    while !seen() {
        assert!(start.elapsed() < Duration::from_mins(1), "never: {event}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn send(pid: u32, signal: Signal) {
    rustix::process::kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

fn is_alive(pid: u32) -> bool {
    kernel::stat(pid).is_some_and(|stat| !stat.dead)
}

fn is_halted(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") T ")
}

/// Is this signal in that mask of a process (`SigCgt`: it has a way with it)?
fn has_signal(pid: u32, mask: &str, signal: Signal) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(mask)?.strip_prefix(":\t")).unwrap();
    u64::from_str_radix(line, 16).unwrap() >> (signal.as_raw() - 1) & 1 == 1
}

/// Tells the command where its attempt's directory is, for its own notes.
fn with_dir(mut attempt: Attempt) -> Attempt {
    let dir = Bytes::from(attempt.path());
    attempt.spec.env.push((Bytes::from("dir"), dir));
    attempt
}

/// Waits until a thread of this process sleeps: two looks at the same count of how often it went to sleep.
fn sleeps(thread: &str) {
    let mut before = None;
    until(&format!("{thread} waits"), || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        let status = tasks
            .filter_map(|task| std::fs::read_to_string(task.path().join("status")).ok())
            .find(|status| status.lines().next() == Some(&format!("Name:\t{thread}")));
        let slept = status.filter(|status| status.contains("\nState:\tS")).and_then(|status| {
            Some(status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"))?.to_owned())
        });
        let same = slept.is_some() && slept == before;
        before = slept;
        same
    });
}

/// Ends what a test left on purpose.
fn end(pid: u32) {
    send(pid, Signal::KILL);
    until("it is gone", || !is_alive(pid));
}

#[test]
fn a_command_ends_and_leaves_its_output_in_order() {
    let attempt = bash("echo one; echo two >&2; echo three");
    let ended = attempt.run();
    assert_eq!(ended.outcome, Outcome::Exited { code: 0 });
    assert_eq!(attempt.text(), "one\ntwo\nthree\n");
    assert_eq!(ended.output_bytes, 14);
    let sum = "b6285c57e8797db5d4c51c80d6f11938afda9b11c6a003549709189e9b4b92a2";
    assert_eq!(ended.output_sha256.unwrap().as_str(), sum);
}

#[test]
fn where_stdout_is_used_the_streams_are_apart() {
    let mut attempt = bash("echo '  value '; echo noise >&2; echo");
    attempt.spec.separate_stdout = true;
    let ended = attempt.run();
    assert_eq!(ended.captured.as_deref(), Some("value"));
    assert_eq!(attempt.text(), "  value \n\n");
    assert_eq!(read_part(attempt.path(), Stream::Errors, 0, 100).unwrap().bytes, b"noise\n");
}

#[test]
fn what_cannot_be_a_value_is_not_captured() {
    for script in [
        "printf '\\xff'",
        "printf 'a\\0b'",
        "head -c 200000 /dev/zero | tr '\\0' a",
        "head -c 400000 /dev/zero",
    ] {
        let mut attempt = bash(script);
        attempt.spec.separate_stdout = true;
        let ended = attempt.run();
        assert_eq!((ended.outcome, ended.captured), (Outcome::Exited { code: 0 }, None), "{script}");
    }
}

#[test]
fn p1_a_process_left_behind_holds_nothing_up_and_is_named() {
    for cover in [vec![], vec!["hunter2".to_owned()]] {
        let mut attempt = bash("sleep 600 & echo $!; exit 3");
        attempt.spec.cover = cover;
        let mut runner = attempt.spawn();
        until("the outcome is there", || claim::read_outcome(attempt.path()).unwrap().is_some());
        let ended = attempt.ended();
        let pid: u32 = attempt.text().trim().parse().unwrap();
        assert!(is_alive(pid), "the outcome came first");
        assert_eq!(ended.outcome, Outcome::Exited { code: 3 });
        assert_eq!(
            ended.left.iter().map(|left| (left.pid, left.name.as_str())).collect::<Vec<_>>(),
            [(pid, "sleep")]
        );
        end(pid);
        runner.wait().unwrap();
    }
}

#[test]
fn p2_who_leaves_the_group_is_named_too() {
    // It ends once both are what they are to be: each says who it is, and has become the other program.
    let attempt = with_dir(bash(
        "(setsid sh -c 'echo $$ >\"$dir\"/one; exec sleep 600' <&- >&- 2>&- &); \
         (sh -c '(sh -c \"echo \\$\\$ >\\\"\\$dir\\\"/two; exec sleep 601\" &) &'); \
         is() { [ \"$(cat \"/proc/$(cat \"$dir/$1\")/comm\")\" = sleep ]; } 2>/dev/null; \
         until is one && is two; do sleep 0.01; done",
    ));
    let ended = attempt.run();
    let mut left: Vec<_> = ended.left.iter().map(|left| (left.pid, left.name.as_str())).collect();
    for (pid, _) in &left {
        end(*pid);
    }
    let mut noted = ["one", "two"].map(|name| {
        let pid = std::fs::read_to_string(attempt.path().join(name)).unwrap();
        (pid.trim().parse().unwrap(), "sleep")
    });
    left.sort_unstable();
    noted.sort_unstable();
    assert_eq!(left, noted);
}

#[test]
fn orphans_that_end_meanwhile_are_not_kept() {
    // Nothing of them is left while the command goes on; one that is kept stays in /proc, and this waits for ever.
    let mut attempt = with_dir(bash(
        "for i in 1 2 3; do (sh -c 'echo $$ >>\"$dir/orphans\"' &); done; \
         until [ \"$(wc -l 2>/dev/null <\"$dir/orphans\")\" = 3 ]; do sleep 0.01; done; \
         while read -r pid; do while [ -e \"/proc/$pid\" ]; do sleep 0.01; done; done <\"$dir/orphans\"; echo gone",
    ));
    attempt.spec.timeout_ms = Some(20_000);
    assert_eq!(attempt.run().outcome, Outcome::Exited { code: 0 });
    assert_eq!(attempt.text(), "gone\n");
}

#[test]
fn p3_who_is_deaf_to_term_is_killed_with_the_whole_group() {
    let mut attempt =
        bash("trap '' TERM; sh -c 'echo $$; while :; do sleep 600; done' & echo $!; wait; wait");
    attempt.spec.timeout_ms = Some(300);
    let ended = attempt.run();
    assert_eq!(ended.outcome, Outcome::TimedOut);
    assert!(ended.took >= 10_000, "TERM came first: {}", ended.took);
    let pids: BTreeSet<u32> = attempt.text().lines().map(|line| line.parse().unwrap()).collect();
    assert!(!pids.is_empty() && !pids.iter().any(|pid| is_alive(*pid)));
    assert_eq!(ended.left, []);
}

#[test]
fn p3_a_stop_waits_for_the_group_not_only_for_its_leader() {
    // What tidies up goes on until its leader is dead.
    let attempt = bash(
        "(trap 'until grep -q \"^State:.Z\" /proc/$$/status; do sleep 0.01; done; echo tidied; exit' TERM; \
         echo ready; while :; do sleep 0.01; done) & wait",
    );
    let mut runner = attempt.spawn();
    attempt.until_it_says("ready");
    send(runner.id(), Signal::TERM);
    runner.wait().unwrap();
    assert_eq!(attempt.ended().outcome, Outcome::Stopped);
    assert!(attempt.text().ends_with("tidied\n"), "{}", attempt.text());
}

#[test]
fn a_halted_command_can_be_stopped() {
    let attempt = bash("echo ready; kill -STOP $$");
    let mut runner = attempt.spawn();
    let command = attempt.command();
    until("it is halted", || is_halted(command.pid));
    send(runner.id(), Signal::TERM);
    runner.wait().unwrap();
    assert_eq!(attempt.ended().outcome, Outcome::Stopped);
}

#[test]
fn p5_every_end_is_its_own() {
    for code in [0, 1, 2, 125, 126, 127, 255] {
        assert_eq!(bash(&format!("exit {code}")).run().outcome, Outcome::Exited { code });
    }
    for signal in [9, 11, 15] {
        assert_eq!(bash(&format!("kill -{signal} $$")).run().outcome, Outcome::Killed { signal });
    }
}

#[track_caller]
fn check_not_started(attempt: &Attempt, why: &str) {
    match attempt.run().outcome {
        Outcome::NotStarted { why: found } => assert!(found.contains(why), "{found}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(claim::read_command(attempt.path()).unwrap(), None);
}

#[test]
fn p5_what_cannot_start_says_why() {
    check_not_started(&attempt(&["no-such-program"]), "there is no program `no-such-program` on PATH");
    check_not_started(&attempt(&["/no/such/program"]), "`/no/such/program` does not exist");
    check_not_started(&attempt(&["/etc"]), "is a directory");
    check_not_started(&attempt(&[]), "there is no command");
    check_not_started(&attempt(&["sh", "-c", "a\0b"]), "NUL");

    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode: u32| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    check_not_started(&attempt(&[&file("plain", "#!/bin/sh\n", 0o644)]), "may not be executed");
    check_not_started(&attempt(&[&file("lost", "#!/no/such/interpreter\n", 0o755)]), "first line");
    check_not_started(&attempt(&[&file("text", "hello\n", 0o755)]), "neither a program");
    let mut on_path = attempt(&["plain"]);
    on_path.spec.env = vec![(Bytes::from("PATH"), Bytes::from(dir.path()))];
    check_not_started(&on_path, "may not be executed");

    let mut nowhere = bash("true");
    nowhere.spec.dir = Bytes::from("/no/such/place");
    check_not_started(&nowhere, "the directory `/no/such/place`, where it is to run, does not exist");
    nowhere.spec.dir = Bytes::from("/etc/passwd");
    check_not_started(&Attempt { dir: tempfile::tempdir().unwrap(), ..nowhere }, "is not a directory");

    let mut one = bash("true");
    one.spec.env.push((Bytes::from("big"), Bytes(vec![b'x'; 140_000])));
    check_not_started(&one, "the value of `big` is 140004 bytes");
    let mut many = bash("true");
    many.spec.env.extend((0..80).map(|n| (Bytes::from(&format!("v{n}")), Bytes(vec![b'x'; 100_000]))));
    check_not_started(&many, "larger than the system takes");
}

#[test]
fn p6_nobody_is_asked() {
    let attempt = bash(
        "read -r line || echo end of input; (: </dev/tty) 2>/dev/null || echo no terminal; ps -o tty= $$",
    );
    assert_eq!(attempt.run().outcome, Outcome::Exited { code: 0 });
    assert_eq!(attempt.text(), "end of input\nno terminal\n?\n");
}

#[test]
fn p8_stops_that_come_early_twice_or_late_make_one_outcome() {
    // While it is told what to run, and when it is up and has claimed nothing: it starts nothing, and says that it was stopped.
    for point in ["told", "up"] {
        let attempt = bash("echo ran");
        let parked = attempt.path().join("parked");
        let mut early = Command::new(RUNNER);
        early.arg("runner").arg(attempt.path()).stdin(Stdio::piped()).stderr(Stdio::null());
        if point == "up" {
            early.env("ONBELAY_FAILPOINT", format!("runner-up=stop:{}", parked.display()));
        }
        let mut child = early.spawn().unwrap();
        let orders = serde_json::to_vec(&attempt.spec).unwrap();
        let mut tell = child.stdin.take().unwrap();
        if point == "told" {
            tell.write_all(&orders[..orders.len() / 2]).unwrap();
            until("it hears TERM", || has_signal(child.id(), "SigCgt", Signal::TERM));
            send(child.id(), Signal::TERM);
            tell.write_all(&orders[orders.len() / 2..]).unwrap();
            drop(tell);
        } else {
            tell.write_all(&orders).unwrap();
            drop(tell);
            until("it is up", || parked.exists() && is_halted(child.id()));
            assert_eq!(claim::read_start(attempt.path()).unwrap(), None);
            send(child.id(), Signal::TERM);
            send(child.id(), Signal::CONT);
        }
        child.wait().unwrap();
        assert_eq!(attempt.ended().outcome, Outcome::Stopped, "{point}");
        assert_eq!(attempt.output(), b"", "{point}");
        assert_eq!(claim::read_command(attempt.path()).unwrap(), None, "{point}");
    }

    let attempt = bash("trap 'echo once; exit 7' TERM; echo ready; while :; do sleep 0.01; done");
    let mut child = attempt.spawn();
    attempt.until_it_says("ready");
    send(child.id(), Signal::TERM);
    send(child.id(), Signal::TERM);
    attempt.until_it_says("once");
    let adopted = Runner::adopt(attempt.path()).stopper();
    adopted.stop().unwrap();
    child.wait().unwrap();
    adopted.stop().unwrap();
    assert_eq!(attempt.ended().outcome, Outcome::Stopped);
    assert_eq!(attempt.text().matches("once").count(), 1);
}

#[test]
fn p9_a_timeout_after_the_end_is_no_timeout() {
    let mut attempt = bash("echo ready; read -r _ <\"$fifo\"; exit 3");
    let fifo = attempt.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
    attempt.spec.env.push((Bytes::from("fifo"), Bytes::from(&fifo)));
    attempt.spec.timeout_ms = Some(1500);
    let begun = Instant::now();
    let mut runner = attempt.spawn();
    let command = attempt.command();
    attempt.until_it_says("ready");
    send(runner.id(), Signal::STOP);
    std::fs::write(&fifo, "go\n").unwrap();
    until("the command is dead", || !command.is_alive());
    assert!(begun.elapsed() < Duration::from_millis(1500), "this machine is too slow to tell");
    until("its time is over", || begun.elapsed() > Duration::from_millis(1700));
    send(runner.id(), Signal::CONT);
    runner.wait().unwrap();
    assert_eq!(attempt.ended().outcome, Outcome::Exited { code: 3 });
}

#[test]
fn a_command_that_takes_too_long_is_timed_out() {
    let mut attempt = bash("echo ready; sleep 600");
    attempt.spec.timeout_ms = Some(200);
    let ended = attempt.run();
    assert_eq!(ended.outcome, Outcome::TimedOut);
    assert!(ended.took < 10_000);
}

#[test]
fn p10_a_command_has_three_descriptors_whatever_its_starters_had() {
    let attempt = attempt(&["sh", "-c", "ls /proc/$$/fd; true"]);
    let script =
        format!("exec 7</dev/null 63</dev/null; exec '{RUNNER}' runner '{}'", attempt.path().display());
    attempt.spawn_as(Command::new("bash").arg("-c").arg(script)).wait().unwrap();
    assert_eq!(attempt.text(), "0\n1\n2\n");
}

#[test]
fn p10_the_runner_holds_no_descriptor_of_others() {
    let attempt = bash("echo ready; sleep 600");
    let script =
        format!("exec 7</etc/passwd 63</etc/passwd; exec '{RUNNER}' runner '{}'", attempt.path().display());
    let mut runner = attempt.spawn_as(Command::new("bash").arg("-c").arg(script));
    attempt.until_it_says("ready");
    let open: Vec<_> = std::fs::read_dir(format!("/proc/{}/fd", runner.id()))
        .unwrap()
        .filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok())
        .collect();
    assert!(!open.iter().any(|file| file == Path::new("/etc/passwd")), "{open:?}");
    send(runner.id(), Signal::TERM);
    runner.wait().unwrap();
}

#[test]
fn a8_the_environment_is_what_was_ordered_and_nothing_else() {
    let trap = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&trap, "echo trapped\n").unwrap();
    let mut attempt = bash("env -0 | sort -z | tr '\\0' '\\n'; ls / >/dev/null");
    attempt.spec.env.push((Bytes::from("value"), Bytes::from("x")));
    let mut command = Command::new(RUNNER);
    command.arg("runner").arg(attempt.path());
    for name in ["BASH_ENV", "ENV", "LD_PRELOAD_X", "PS4", "SHELLOPTS", "IFS", "GIT_DIR", "PYTHONPATH"] {
        command.env(name, trap.path());
    }
    command.env("BASH_FUNC_ls%%", "() { echo trapped; }");
    attempt.spawn_as(&mut command).wait().unwrap();
    let text = attempt.text();
    let names: Vec<&str> =
        text.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    // What bash itself sets.
    assert_eq!(names, ["PATH", "PWD", "SHLVL", "_", "value"], "{text}");
    assert!(!text.contains("trapped"));
}

#[test]
fn signals_are_as_they_should_be_in_the_command() {
    let attempt = attempt(&["grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status"]);
    // As somebody who started it with nohup, in the background.
    let script =
        format!("trap '' HUP INT QUIT TSTP USR1; exec '{RUNNER}' runner '{}'", attempt.path().display());
    attempt.spawn_as(Command::new("bash").arg("-c").arg(script)).wait().unwrap();
    for line in attempt.text().lines() {
        let mask = u64::from_str_radix(line.split_once('\t').unwrap().1, 16).unwrap();
        // 32 and 33 are the C library's own.
        assert_eq!(mask & !(0b11 << 31), 0, "{line}");
    }
}

#[test]
fn s11_what_ends_a_terminal_does_not_end_the_runner() {
    let attempt = bash("echo ready; read -r _ <\"$fifo\"; exit 3");
    let fifo = attempt.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
    let mut attempt = attempt;
    attempt.spec.env.push((Bytes::from("fifo"), Bytes::from(&fifo)));
    let mut runner = attempt.spawn();
    attempt.until_it_says("ready");
    for signal in [Signal::HUP, Signal::INT, Signal::QUIT, Signal::PIPE, Signal::USR1, Signal::XFSZ] {
        send(runner.id(), signal);
    }
    std::fs::write(&fifo, "go\n").unwrap();
    runner.wait().unwrap();
    assert_eq!(attempt.ended().outcome, Outcome::Exited { code: 3 });
}

#[test]
fn the_umask_is_the_starters_and_the_files_are_private() {
    let mut attempt = bash("umask; touch \"$dir/made\"");
    let dir = tempfile::tempdir().unwrap();
    attempt.spec.env.push((Bytes::from("dir"), Bytes::from(dir.path())));
    attempt.spec.umask = 0o027;
    attempt.run();
    assert_eq!(attempt.text(), "0027\n");
    assert_eq!(std::fs::metadata(dir.path().join("made")).unwrap().permissions().mode() & 0o777, 0o640);
    for entry in std::fs::read_dir(attempt.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn x1_values_of_any_bytes_arrive_unchanged(values in prop::collection::vec(prop::collection::vec(1..=255_u8, 0..40), 1..20)) {
        let names: Vec<String> = (0..values.len()).map(|n| format!("v{n}")).collect();
        let words: Vec<String> = names.iter().map(|name| format!("\"${name}\"")).collect();
        let mut attempt = bash(&format!("printf '%s\\0' {}", words.join(" ")));
        for (name, value) in names.iter().zip(&values) {
            attempt.spec.env.push((Bytes::from(name), Bytes(value.clone())));
        }
        prop_assert_eq!(attempt.run().outcome, Outcome::Exited { code: 0 });
        let expected: Vec<u8> = values.iter().flat_map(|value| value.iter().copied().chain([0])).collect();
        prop_assert_eq!(attempt.output(), expected);
    }
}

#[test]
fn x1_values_that_look_like_code_are_no_code() {
    let values =
        ["; rm -rf /", "$(touch hit)", "`touch hit`", "a\nb", "'\"", "*", "~", "-rf", "--help", " lead", ""];
    let dir = tempfile::tempdir().unwrap();
    for value in values {
        let mut attempt = bash("printf %s \"$value\"");
        attempt.spec.dir = Bytes::from(dir.path());
        attempt.spec.env.push((Bytes::from("value"), Bytes::from(value)));
        attempt.run();
        assert_eq!(attempt.text(), value);
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
