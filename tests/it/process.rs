//! The runner over real shells: what it starts, how that ends, what it survives. It is run as the host runs it, with
//! its orders through a pipe.

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use onbelay::process::claim::{self, Start};
use onbelay::process::kernel::{self, Identity};
use onbelay::process::output::{Stream, read_part};
use onbelay::process::spec::{Bytes, RunnerSpec};
use onbelay::process::{Runner, look};
use onbelay::session::recover::Found;
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
    let attempt = bash("(setsid sleep 600 <&- >&- 2>&- &) ; (sh -c '(sleep 601 & ) & ' ) ; sleep 0.1");
    let ended = attempt.run();
    let names: Vec<&str> = ended.left.iter().map(|left| left.name.as_str()).collect();
    ended.left.iter().for_each(|left| end(left.pid));
    assert_eq!(names, ["sleep", "sleep"]);
}

#[test]
fn orphans_that_end_meanwhile_are_not_kept() {
    let attempt =
        bash("for i in 1 2 3; do (true &); done; sleep 0.3; ps -o stat= --ppid $PPID | grep -c Z || true");
    assert_eq!(attempt.run().outcome, Outcome::Exited { code: 0 });
    assert_eq!(attempt.text(), "0\n");
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
    let attempt =
        bash("(trap 'sleep 0.3; echo tidied; exit' TERM; echo ready; while :; do sleep 0.05; done) & wait");
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
    until("it is halted", || {
        std::fs::read_to_string(format!("/proc/{}/stat", command.pid)).unwrap().contains(") T ")
    });
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
    // Before it began: nothing is started, and nothing says that it was.
    let attempt = bash("echo ran");
    let mut early = Command::new(RUNNER);
    let mut child =
        early.arg("runner").arg(attempt.path()).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    send(child.id(), Signal::TERM);
    let _ = child.stdin.take().unwrap().write_all(&serde_json::to_vec(&attempt.spec).unwrap());
    child.wait().unwrap();
    assert_eq!(attempt.output(), b"");
    if let Some(ended) = claim::read_outcome(attempt.path()).unwrap() {
        assert_eq!(ended.outcome, Outcome::Stopped);
    } else {
        assert_eq!(claim::read_start(attempt.path()).unwrap(), None);
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

#[test]
fn a_secret_reaches_the_command_and_no_file() {
    let secret = "hunter2-with-more";
    let mut attempt = bash(
        "echo \"$token\"; printf %s \"${token:0:5}\"; sleep 0.05; echo \"${token:5}\" >&2; \
         printf %s \"$token\" | base64 >&2; set -x; : \"$token\"; ulimit -c; echo ready; sleep 600",
    );
    attempt.spec.env.push((Bytes::from("token"), Bytes::from(secret)));
    attempt.spec.cover = vec![secret.to_owned()];
    let mut runner = attempt.spawn();
    attempt.until_it_says("ready");
    for file in ["cmdline", "environ"] {
        let text = std::fs::read(format!("/proc/{}/{file}", runner.id())).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains("hunter2"), "{file} of the runner");
    }
    send(runner.id(), Signal::TERM);
    runner.wait().unwrap();
    let text = attempt.text();
    assert!(text.starts_with("•••\n•••\n•••\n+ : •••\n+ ulimit -c\n0\n"), "{text}");
    for entry in std::fs::read_dir(attempt.path()).unwrap() {
        let path = entry.unwrap().path();
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        assert!(!text.contains("hunter2") && !text.contains("aHVudGVy"), "{}", path.display());
    }
}

#[test]
fn a_captured_secret_is_covered_too() {
    let mut attempt = bash("echo \"$token\"");
    attempt.spec.env.push((Bytes::from("token"), Bytes::from("hunter2")));
    attempt.spec.cover = vec!["hunter2".to_owned()];
    attempt.spec.separate_stdout = true;
    assert_eq!(attempt.run().captured.as_deref(), Some("•••"));
}

#[test]
fn what_is_left_behind_is_still_covered() {
    let mut attempt = bash("(trap '' PIPE; read -r _ <\"$fifo\"; echo \"$token\"; echo last) & exit 0");
    let fifo = attempt.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
    attempt.spec.env.push((Bytes::from("fifo"), Bytes::from(&fifo)));
    attempt.spec.env.push((Bytes::from("token"), Bytes::from("hunter2")));
    attempt.spec.cover = vec!["hunter2".to_owned()];
    let mut runner = attempt.spawn();
    until("the outcome is there", || claim::read_outcome(attempt.path()).unwrap().is_some());
    assert_eq!(attempt.ended().outcome, Outcome::Exited { code: 0 });
    std::fs::write(&fifo, "go\n").unwrap();
    runner.wait().unwrap();
    assert_eq!(attempt.text(), "•••\nlast\n");
}

#[test]
fn orders_that_are_cut_start_nothing() {
    let attempt = bash("echo ran");
    let orders = serde_json::to_vec(&attempt.spec).unwrap();
    for cut in [0, 1, orders.len() / 2, orders.len() - 1] {
        let mut command = Command::new(RUNNER);
        let mut child = command
            .arg("runner")
            .arg(attempt.path())
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(&orders[..cut]).unwrap();
        assert!(!child.wait().unwrap().success());
    }
    assert_eq!(std::fs::read_dir(attempt.path()).unwrap().count(), 0);
}

#[test]
fn a_start_that_was_barred_never_happens() {
    let attempt = bash("echo ran");
    assert_eq!(look(attempt.path(), false), Found::NoStart);
    assert!(!attempt.spawn().wait().unwrap().success());
    assert_eq!(attempt.output(), b"");
    assert_eq!(look(attempt.path(), false), Found::NoStart);
}

#[test]
fn a_runner_and_a_host_that_bars_it_agree() {
    for _ in 0..20 {
        let attempt = bash("echo ran");
        let mut runner = attempt.spawn();
        let found = look(attempt.path(), false);
        runner.wait().unwrap();
        let ran = attempt.output() == b"ran\n";
        assert_eq!(ran, found != Found::NoStart, "{found:?}");
    }
}

#[test]
fn r1_a_later_host_finds_the_true_outcome() {
    let attempt = bash("echo ready; sleep 0.3; exit 3");
    let mut runner = attempt.spawn();
    attempt.until_it_says("ready");
    assert_eq!(look(attempt.path(), false), Found::Alive);
    let found = Runner::adopt(attempt.path()).wait();
    assert!(
        matches!(&found, Found::Ended(ended) if ended.outcome == Outcome::Exited { code: 3 }),
        "{found:?}"
    );
    runner.wait().unwrap();
    assert_eq!(look(attempt.path(), false), found);
}

#[test]
fn a_later_host_can_stop_it() {
    let attempt = bash("echo ready; sleep 600");
    let mut runner = attempt.spawn();
    attempt.until_it_says("ready");
    let adopted = Runner::adopt(attempt.path());
    adopted.stopper().stop().unwrap();
    assert!(matches!(adopted.wait(), Found::Ended(ended) if ended.outcome == Outcome::Stopped));
    runner.wait().unwrap();
}

#[test]
fn a_command_outlives_its_runner_and_is_watched_to_its_end() {
    for noted in [true, false] {
        let mut attempt = bash("echo ready; read -r _ <\"$fifo\"; echo last");
        let fifo = attempt.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
        attempt.spec.env.push((Bytes::from("fifo"), Bytes::from(&fifo)));
        let mut runner = attempt.spawn();
        let command = attempt.command();
        attempt.until_it_says("ready");
        send(runner.id(), Signal::KILL);
        runner.wait().unwrap();
        if !noted {
            std::fs::remove_file(attempt.path().join("command.json")).unwrap();
        }
        assert_eq!(look(attempt.path(), false), Found::Alive);
        let (tell, told) = mpsc::channel();
        let adopted = Runner::adopt(attempt.path());
        std::thread::spawn(move || tell.send(adopted.wait()));
        assert!(told.recv_timeout(Duration::from_millis(200)).is_err(), "it is still running");
        std::fs::write(&fifo, "go\n").unwrap();
        let found = told.recv().unwrap();
        assert!(matches!(&found, Found::Gone(why) if why.contains(&command.pid.to_string())), "{found:?}");
        assert_eq!(attempt.text(), "ready\nlast\n");
        assert!(matches!(look(attempt.path(), false), Found::Gone(_)));
    }
}

#[test]
fn a_command_without_runner_can_be_stopped() {
    let attempt = bash("sleep 600 & echo ready; wait");
    let mut runner = attempt.spawn();
    let command = attempt.command();
    attempt.until_it_says("ready");
    end(runner.id());
    runner.wait().unwrap();
    let adopted = Runner::adopt(attempt.path());
    adopted.stopper().stop().unwrap();
    assert!(matches!(adopted.wait(), Found::Gone(why) if why.contains("was stopped")));
    until("all of the group is gone", || kernel::members(command.pid).is_empty());
}

#[test]
fn a_start_record_names_its_runner() {
    let attempt = bash("echo ready; sleep 600");
    let mut runner = attempt.spawn();
    attempt.until_it_says("ready");
    let Some(Start::Claimed { runner: named, .. }) = claim::read_start(attempt.path()).unwrap() else {
        panic!("no start record");
    };
    assert_eq!(Some(named), kernel::stat(runner.id()).map(|stat| stat.id));
    // A process that got the number later is somebody else.
    assert!(!Identity { started: named.started + 1, ..named }.is_alive());
    let stat = kernel::stat(runner.id()).unwrap();
    assert_eq!((stat.session, stat.group), (runner.id(), runner.id()), "a session of its own");
    send(runner.id(), Signal::TERM);
    runner.wait().unwrap();
}
