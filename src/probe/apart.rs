//! Asks a built-in probe in a process of its own (`onbelay probe LOOK`), which can be given up when its storage never
//! answers: a thread that waits in the kernel for a dead mount would keep the host, and its locks, for ever. SHELL.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};

use crate::failpoint;
use crate::process::kernel;
use crate::runbook::Look;
use crate::session::{Answer, HowFar};
use crate::time::in_words;

use super::look::{self, Finding};
use super::progress::Progress;
use super::{Cancel, ProbeWorld};

/// How often a probe says how far it is.
const TELLS_EVERY: Duration = Duration::from_millis(200);

/// A probe that has not looked at one more thing for so long gets no answer from its storage. A disk that sleeps needs
/// 15 s to answer, an NFS server that is asked again about as long; it is no limit on how long a probe may take.
const SILENCE: Duration = Duration::from_mins(1);

/// From KILL until the process is given up: storage that never answers keeps it in the kernel.
const GRACE: Duration = Duration::from_secs(2);

/// What the process says, a line each.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    At(HowFar),
    Found(Finding),
}

/// Why there is no finding.
enum End {
    Cancelled,
    Error(String),
}

/// One try; `None`: cancelled.
pub(super) fn answer(
    look: &Look<String>,
    timeout: Option<Duration>,
    world: &ProbeWorld<'_>,
    cancel: &Cancel,
    on_stage: &mut dyn FnMut(&HowFar),
) -> Option<Answer> {
    let began = (world.now)();
    let clock = Instant::now();
    let finding = match listen(look, timeout, world, cancel, on_stage) {
        Ok(finding) => finding,
        Err(End::Cancelled) => return None,
        Err(End::Error(why)) => Finding::error(why),
    };
    let took = u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX);
    let Finding { verdict, mut detail, mut evidence } = finding;
    bound(&mut detail);
    evidence.values_mut().for_each(bound_value);
    Some(Answer { verdict, detail, began, took, tries: 1, evidence })
}

/// A record has room for so many bytes of one text of an answer: a path may be 4,096 long, escaped four times that.
const MOST_BYTES: usize = 4_096;

/// And for so many entries of a list.
const MOST_ENTRIES: usize = 64;

fn bound(text: &mut String) {
    if text.len() > MOST_BYTES {
        text.truncate(text.floor_char_boundary(MOST_BYTES));
        text.push('…');
    }
}

fn bound_value(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => bound(text),
        serde_json::Value::Array(entries) => {
            entries.truncate(MOST_ENTRIES);
            entries.iter_mut().for_each(bound_value);
        }
        serde_json::Value::Object(parts) => parts.values_mut().for_each(bound_value),
        _ => {}
    }
}

fn listen(
    look: &Look<String>,
    timeout: Option<Duration>,
    world: &ProbeWorld<'_>,
    cancel: &Cancel,
    on_stage: &mut dyn FnMut(&HowFar),
) -> Result<Finding, End> {
    let machine = |e: std::io::Error| End::Error(format!("it cannot be asked: {e}"));
    let began = Instant::now();
    let mut process = start(look, world).map_err(End::Error)?;
    let silence = failpoint::length("probe-silence", SILENCE);
    let mut stage = HowFar::default();
    let mut heard = Instant::now();
    loop {
        let silent_at = heard + silence;
        let ends_at = timeout.map_or(silent_at, |timeout| silent_at.min(began + timeout));
        let left = ends_at.saturating_duration_since(Instant::now());
        let fds: [BorrowedFd<'_>; 2] = [process.said.get_ref().as_fd(), cancel.as_fd()];
        // A line that was read along with the one before it makes nothing readable.
        let waits = process.said.buffer().is_empty();
        let ready = if waits { kernel::readable(&fds, Some(left)) } else { vec![true, false] };
        if ready.get(1) == Some(&true) {
            return Err(End::Cancelled);
        }
        if ready.first() == Some(&true) {
            let mut line = String::new();
            // It writes whole lines, each at once.
            if process.said.read_line(&mut line).map_err(machine)? == 0 {
                return Err(End::Error(format!("its process ended without an answer ({})", process.ended())));
            }
            match serde_json::from_str(&line) {
                Ok(Said::Found(finding)) => return Ok(finding),
                Ok(Said::At(now)) => {
                    if now.steps != stage.steps {
                        heard = Instant::now();
                    }
                    stage = now;
                    on_stage(&stage);
                }
                Err(e) => return Err(End::Error(format!("its process does not make sense: {e}"))),
            }
        }
        if Instant::now() >= ends_at {
            let at = if stage.at.is_empty() { String::new() } else { format!(", last at {}", stage.at) };
            let why = match timeout {
                Some(timeout) if began.elapsed() >= timeout => {
                    format!("no answer within {}{at}", in_words(timeout))
                }
                _ => format!(
                    "nothing was heard for {}{at}: what it is stored on does not answer (a dead mount?)",
                    in_words(silence)
                ),
            };
            return Err(End::Error(why));
        }
    }
}

/// The process, killed when it is let go.
struct Process {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Process {
    /// How it ended, in words.
    fn ended(&mut self) -> String {
        self.child.wait().map_or_else(|e| e.to_string(), |status| status.to_string())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) else { return };
        // Its group: what it asks other programs goes with it.
        let _ = rustix::process::kill_process_group(pid, Signal::KILL);
        if let Ok(pinned) = kernel::pin_child(self.child.id()) {
            kernel::readable(&[pinned.as_fd()], Some(GRACE));
        }
        // One that the kernel holds is left behind: it ends when its storage answers.
        let _ = self.child.try_wait();
    }
}

fn start(look: &Look<String>, world: &ProbeWorld<'_>) -> Result<Process, String> {
    let cannot = |e: &dyn std::fmt::Display| format!("its process cannot be started: {e}");
    let order = serde_json::to_string(look).map_err(|e| cannot(&e))?;
    let mut command = Command::new(crate::process::SELF);
    command.arg0("onbelay").arg("probe").arg(order).env_clear().current_dir(world.base_dir).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(path) = world.environment.get("PATH") {
        command.env("PATH", path);
    }
    // Named points for tests: the environment of a probe never holds this otherwise.
    #[cfg(feature = "failpoints")]
    if let Some(points) = std::env::var_os("ONBELAY_FAILPOINT") {
        command.env("ONBELAY_FAILPOINT", points);
    }
    let mut child = command.spawn().map_err(|e| {
        if world.base_dir.is_dir() {
            cannot(&e)
        } else {
            format!("the directory {} cannot be entered: {e}", look::shown(world.base_dir))
        }
    })?;
    let said = child.stdout.take().ok_or("its process cannot be heard")?;
    Ok(Process { child, said: BufReader::new(said) })
}

/// The hidden verb `probe`: looks, says how far it is, says what it found.
#[must_use]
pub fn main(order: &str) -> ExitCode {
    let Ok(look) = serde_json::from_str::<Look<String>>(order) else { return ExitCode::from(2) };
    let progress = Arc::new(Progress::default());
    let (tell, found) = std::sync::mpsc::sync_channel(1);
    let of_thread = Arc::clone(&progress);
    let thread = std::thread::Builder::new().name("probe".to_owned()).spawn(move || {
        // Nobody listens only when the process is about to end.
        let _ = tell.send(look::find(&look, &of_thread));
    });
    if let Err(e) = thread {
        return said(&Said::Found(Finding::error(format!("it cannot be asked: {e}"))));
    }
    loop {
        match found.recv_timeout(TELLS_EVERY) {
            Ok(finding) => return said(&Said::Found(finding)),
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                // Whoever asked is gone: nobody wants to know any more.
                if said(&Said::At(progress.stage())) != ExitCode::SUCCESS {
                    return ExitCode::FAILURE;
                }
            }
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
                return said(&Said::Found(Finding::error(
                    "it could not be asked: this is a fault of onbelay",
                )));
            }
        }
    }
}

fn said(what: &Said) -> ExitCode {
    let Ok(mut line) = serde_json::to_vec(what) else { return ExitCode::FAILURE };
    line.push(b'\n');
    match std::io::stdout().lock().write_all(&line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
