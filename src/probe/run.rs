//! `run`: a script that exits 0 and prints what is expected. SHELL.
//!
//! The script has a process group of its own and is watched from this thread: when it is over, by itself or not,
//! nothing of the group lives.

mod judge;
mod listen;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::process::kernel;
use crate::process::launch::{Command, launch};
use crate::process::spawn::command_spec;
use crate::runbook::Expect;
use crate::runbook::values::ScriptCall;
use crate::session::{Answer, Verdict};

use super::{Cancel, ProbeWorld};
use listen::{Kept, Listener};

/// From TERM to KILL.
const GRACE: Duration = Duration::from_secs(2);

/// One try; `None`: cancelled.
pub(super) fn answer(
    call: &ScriptCall,
    expect: &Expect,
    timeout: Option<Duration>,
    world: &ProbeWorld<'_>,
    cancel: &Cancel,
) -> Option<Answer> {
    let began = (world.now)();
    let clock = Instant::now();
    let mut evidence = BTreeMap::new();
    let (verdict, detail) = match run(call, timeout, world, cancel) {
        Ok(Tried { end: End::Cancelled, .. }) => return None,
        Ok(tried) => {
            judge::leave_evidence(&tried, &mut evidence);
            judge::judge(&tried, expect, timeout)
        }
        Err(why) => (Verdict::Error, why),
    };
    let took = u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX);
    Some(Answer { verdict, detail, began, took, tries: 1, evidence })
}

/// How a try came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    ByItself(ExitStatus),
    TimedOut,
    Cancelled,
}

/// What is known of a try.
struct Tried {
    end: End,
    out: Kept,
    err: Kept,
}

fn run(
    call: &ScriptCall,
    timeout: Option<Duration>,
    world: &ProbeWorld<'_>,
    cancel: &Cancel,
) -> Result<Tried, String> {
    let spec = command_spec(call, world.base_dir, world.environment, world.secrets)?;
    let machine = |e: io::Error| format!("it cannot be watched: {e}");
    let secrets: Vec<&str> = world.secrets.values().map(String::as_str).collect();
    let (mut out, out_end) = Listener::new(&secrets).map_err(machine)?;
    let (mut err, err_end) = Listener::new(&secrets).map_err(machine)?;
    let command = launch(&spec, None, out_end.into(), err_end.into())?;
    let guard = Guard(&command);
    let pinned = kernel::pin_child(command.pid()).map_err(machine)?;

    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut ending: Option<(End, Instant)> = None;
    // A script that is dead neither times out nor is cancelled.
    while !kernel::has_ended(&pinned) {
        let now = Instant::now();
        if ending.is_none() {
            let end = if cancel.wait(Duration::ZERO) {
                Some(End::Cancelled)
            } else {
                deadline.filter(|deadline| now >= *deadline).map(|_| End::TimedOut)
            };
            if let Some(end) = end {
                command.signal(Signal::TERM);
                // One that is halted hears nothing until it goes on.
                command.signal(Signal::CONT);
                ending = Some((end, now + GRACE));
            }
        }
        let wake = match ending {
            None => deadline,
            Some((_, kill_at)) if now < kill_at => Some(kill_at),
            Some(_) => {
                command.signal(Signal::KILL);
                None
            }
        };
        let mut fds: Vec<BorrowedFd<'_>> = vec![pinned.as_fd()];
        if ending.is_none() {
            fds.push(cancel.as_fd());
        }
        fds.extend([&out, &err].into_iter().filter_map(Listener::open_end));
        kernel::readable(&fds, wake.map(|at| at.saturating_duration_since(now)));
        out.hear();
        err.hear();
    }
    drop(guard);
    let status = command.reap().map_err(machine)?;
    let end = ending.map_or(End::ByItself(status), |(end, _)| end);
    Ok(Tried { end, out: out.close(), err: err.close() })
}

/// Whatever happens here, nothing of the script's group outlives it.
struct Guard<'a>(&'a Command);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.signal(Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::id::ValueName;
    use crate::runbook::Template;

    const SECRET: &str = "hunter2-and-more";

    struct Case {
        dir: tempfile::TempDir,
        timeout: Duration,
        cancel: Cancel,
        with_secret: bool,
    }

    fn case() -> Case {
        Case {
            dir: tempfile::tempdir().unwrap(),
            timeout: Duration::from_mins(1),
            cancel: Cancel::new().unwrap(),
            with_secret: false,
        }
    }

    impl Case {
        fn ask(&self, script: &str, expect: &Expect) -> Option<Answer> {
            let environment = BTreeMap::from([("PATH".to_owned(), std::env::var_os("PATH").unwrap())]);
            let secrets = BTreeMap::from([(ValueName::from("token"), SECRET.to_owned())]);
            let now = || crate::clock::moment(0);
            let world = ProbeWorld {
                base_dir: self.dir.path(),
                environment: &environment,
                secrets: &secrets,
                now: &now,
            };
            let call = ScriptCall {
                argv: ["bash", "-euo", "pipefail", "-c", script].map(str::to_owned).to_vec(),
                env: BTreeMap::new(),
                dir: None,
                secrets: if self.with_secret { vec!["token".into()] } else { vec![] },
                secret_env: BTreeMap::new(),
            };
            answer(&call, expect, Some(self.timeout), &world, &self.cancel)
        }
    }

    fn text(text: &str) -> Template {
        Template(text.to_owned())
    }

    #[track_caller]
    fn check(script: &str, expect: &Expect, verdict: Verdict, detail: &str) {
        let answer = case().ask(script, expect).unwrap();
        assert_eq!((answer.verdict, answer.detail.as_str()), (verdict, detail), "{script}");
    }

    #[test]
    fn the_table_of_the_format() {
        let any = Expect::default();
        check("echo fine", &any, Verdict::Holds, "fine");
        check("true", &any, Verdict::Holds, "exit status 0");
        check("echo 3 are missing; exit 1", &any, Verdict::Fails, "3 are missing");
        check("false", &any, Verdict::Fails, "exit status 1; it printed nothing");
        check("echo no >&2; echo out; exit 2", &any, Verdict::Error, "exit status 2: no");
        check("false | true", &any, Verdict::Fails, "exit status 1; it printed nothing");
        check("kill -SEGV $$", &any, Verdict::Error, "its script was ended by signal 11; it printed nothing");
        let missing = case().ask("no-such-command-here", &any).unwrap();
        assert_eq!(missing.verdict, Verdict::Error);
        assert!(
            missing.detail.starts_with("exit status 127 (a command is missing): bash: "),
            "{}",
            missing.detail
        );
    }

    #[test]
    fn what_is_expected_of_output_and_exit_status() {
        let three = Expect { exit: Some(3), ..Expect::default() };
        check("exit 3", &three, Verdict::Holds, "exit status 3");
        check("exit 0", &three, Verdict::Fails, "exit status 0, expected 3; it printed nothing");
        check("exit 4", &three, Verdict::Error, "exit status 4, expected 3; it printed nothing");
        let equals = Expect { equals: Some(text("a ${b}")), ..Expect::default() };
        check("echo ' a ${b} '\"\"", &equals, Verdict::Holds, "a ${b}");
        check(
            "echo other; echo a '${b}' >&2",
            &equals,
            Verdict::Fails,
            "it printed `other`, expected `a ${b}`",
        );
        let number = Expect { at_least: Some(5.0), ..Expect::default() };
        check("echo 7", &number, Verdict::Holds, "7");
        check("echo many", &number, Verdict::Error, "a number was expected, and it printed `many`");
    }

    #[test]
    fn evidence_is_what_was_looked_at() {
        let answer = case().ask("echo fine; echo not this >&2", &Expect::default()).unwrap();
        assert_eq!(answer.evidence["exit"], 0);
        assert_eq!(answer.evidence["stdout_bytes"], 5);
        let sum = "94ac4b12f1b5ab37ec8c4c29ed1aefbb3cd2f7cd4f5fd4d4ea4a3ca9ae3a2a11";
        assert_eq!(answer.evidence["stdout_sha256"].as_str().unwrap().len(), sum.len());
    }

    #[test]
    fn a_secret_shows_in_nothing_that_is_recorded() {
        let case = Case { with_secret: true, ..case() };
        for script in [
            "echo \"$token\"",
            "echo \"$token\"; exit 1",
            "echo \"$token\" >&2; exit 2",
            "printf '%0115d' 0; echo \"$token\"",
            "printf %s \"$token\" | base64; exit 1",
        ] {
            for expect in [Expect::default(), Expect { equals: Some(text("x")), ..Expect::default() }] {
                let answer = case.ask(script, &expect).unwrap();
                let record = serde_json::to_string(&answer).unwrap();
                let hash = data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(format!("{SECRET}\n")));
                assert!(
                    !record.contains("hunter") && !record.contains("aHVu") && !record.contains(&hash),
                    "{record}"
                );
            }
        }
        let really = Expect { equals: Some(text(SECRET)), ..Expect::default() };
        assert_eq!(case.ask("echo \"$token\"", &really).unwrap().verdict, Verdict::Holds);
    }

    use sha2::Digest as _;

    #[test]
    fn output_without_end_is_bounded_and_never_compared_in_part() {
        let big = "head -c 3000000 /dev/zero | tr '\\0' a; echo";
        let answer = case().ask(big, &Expect::default()).unwrap();
        assert_eq!(answer.verdict, Verdict::Holds);
        assert!(answer.detail.chars().count() <= 201);
        assert_eq!(answer.evidence["stdout_bytes"], 3_000_001);
        let answer = case().ask(big, &Expect { contains: Some(text("a")), ..Expect::default() }).unwrap();
        assert_eq!(answer.verdict, Verdict::Error);
    }

    #[test]
    fn a_script_that_hangs_is_ended_with_all_of_its_group() {
        let case = Case { timeout: Duration::from_millis(300), ..case() };
        let answer = case.ask("sleep 600 & echo $! >pid; echo waiting; wait", &Expect::default()).unwrap();
        assert_eq!(answer.verdict, Verdict::Error);
        assert_eq!(answer.detail, "no answer within 0 s: waiting");
        assert_gone(&case);
    }

    #[test]
    fn a_script_deaf_to_term_is_killed() {
        let case = Case { timeout: Duration::from_millis(300), ..case() };
        let answer = case.ask("trap '' TERM; echo $$ >pid; while :; do sleep 600; done", &Expect::default());
        assert_eq!(answer.unwrap().verdict, Verdict::Error);
        assert_gone(&case);
    }

    #[test]
    fn what_a_script_leaves_in_its_group_does_not_hold_its_answer() {
        let case = case();
        let answer = case.ask("sleep 600 & echo $! >pid; echo done", &Expect::default()).unwrap();
        assert_eq!((answer.verdict, answer.detail.as_str()), (Verdict::Holds, "done"));
        assert!(answer.took < 60_000);
        assert_gone(&case);
    }

    #[test]
    fn a_cancelled_script_is_gone_when_the_asking_returns() {
        let case = case();
        let started = case.dir.path().join("pid");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while std::fs::read_to_string(&started).map_or(0, |pid| pid.len()) == 0 {
                    std::thread::yield_now();
                }
                case.cancel.cancel();
            });
            assert_eq!(case.ask("sleep 600 & echo $! >pid; wait", &Expect::default()), None);
        });
        assert_gone(&case);
    }

    #[track_caller]
    fn assert_gone(case: &Case) {
        let pid = std::fs::read_to_string(case.dir.path().join("pid")).unwrap().trim().parse().unwrap();
        // A signal was sent; that it is carried out is for the kernel to do, soon.
        while kernel::stat(pid).is_some_and(|stat| !stat.dead) {
            std::thread::yield_now();
        }
    }
}
