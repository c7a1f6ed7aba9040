//! The runner: the process that stands between the host and one command. SHELL.
//! It must not know the session: it starts what it is told, and leaves in a file how that ended.
//!
//! One thread, one loop. The command stays unreaped until nothing is left to be signalled, so its process group can
//! never be somebody else's.

mod bell;
mod cast;
mod pump;
mod tty;

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitCode, ExitStatus};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions};
use sha2::{Digest as _, Sha256};

use crate::access;
use crate::failpoint;
use crate::id::Digest;
use crate::session::event::LeftProcess;
use crate::session::{Ended, Outcome};
use crate::time::size_in_words;

use super::claim::{self, OutcomeSlot, Start};
use super::kernel;
use super::launch::{self, Command};
use super::output::Stream;
use super::spec::{MAX_TEXT, RunnerSpec};
use super::terminal;
use super::wanted;
use bell::Bell;
use pump::{Pump, Sink};
use tty::Tty;

/// From TERM to KILL.
pub(super) const GRACE: Duration = Duration::from_secs(10);

/// From TERM to HUP where there is a terminal: a shell that somebody types into passes TERM over.
const HANG_UP: Duration = Duration::from_secs(2);

/// How long what a command left behind may take to end by itself before it is listed, and how long what is still in
/// its pipes may take to arrive.
const SETTLE: Duration = Duration::from_millis(40);

/// How often a group is looked at that outlives its leader during a stop.
const TICK: Duration = Duration::from_millis(50);

/// Outputs up to this many bytes get a digest at the end.
const MAX_DIGESTED: u64 = 16 << 20;

/// The hidden verb `onbelay runner ATTEMPT_DIR`. Reads its [`RunnerSpec`] from stdin. Call it before anything else in
/// `main`: it closes every descriptor above 2.
#[must_use]
pub fn main(dir: &Path) -> ExitCode {
    close_inherited();
    match run(dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // The host reads this when no outcome comes; nobody else is there.
            let _ = writeln!(io::stderr(), "{why}");
            ExitCode::FAILURE
        }
    }
}

/// What the starter of the whole session left open must not reach the command, nor be held open for its life.
fn close_inherited() {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let open: Vec<i32> = entries.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
    for fd in open.into_iter().filter(|fd| *fd > 2) {
        // The descriptor that listed them is closed already: an error here is that one.
        let _ = nix::unistd::close(fd);
    }
}

fn run(dir: &Path) -> Result<(), String> {
    // Fails where this is a group's leader already, which no host makes it; then it is in nobody's way.
    let _ = rustix::process::setsid();
    let bell = Bell::hang().map_err(|e| format!("its runner cannot watch signals: {e}"))?;
    let mut text = Vec::new();
    io::stdin()
        .lock()
        .read_to_end(&mut text)
        .map_err(|e| format!("its runner was not told what to run: {e}"))?;
    let spec: RunnerSpec = serde_json::from_slice(&text)
        .map_err(|_| "its runner was not told in full what to run".to_owned())?;
    drop(text);
    // Without it what the command leaves behind is not listed; everything else works.
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));

    let prepared = prepare(dir, &spec).map_err(|e| format!("{} cannot be written: {e}", dir.display()))?;
    failpoint::pass("runner-up");
    let start = Start::Claimed {
        runner: kernel::myself().ok_or("/proc, which tells processes apart, is not mounted")?,
        boot_id: crate::clock::boot_id().to_owned(),
        of: spec.of,
    };
    if !claim::claim(dir, &start).map_err(|e| format!("{} cannot be written: {e}", dir.display()))? {
        prepared.slot.give_back();
        return Err("its start was given up before it began".to_owned());
    }
    failpoint::pass("start-recorded");
    attempt(dir, &spec, prepared, &bell);
    Ok(())
}

/// What must be there before the attempt is claimed: a full disk is found out while nothing has begun.
struct Prepared {
    slot: OutcomeSlot,
    files: Files,
}

/// The files that a command's output goes into.
struct Files {
    output: File,
    errors: Option<File>,
    /// Where keys come from, and the recording of the terminal that they go to.
    terminal: Option<(File, File)>,
}

fn prepare(dir: &Path, spec: &RunnerSpec) -> io::Result<Prepared> {
    let slot = OutcomeSlot::reserve(dir)?;
    let files = Files {
        output: output_file(dir, Stream::Output.file_name(), spec.share)?,
        errors: spec
            .separate_stdout
            .then(|| output_file(dir, Stream::Errors.file_name(), spec.share))
            .transpose()?,
        terminal: spec
            .terminal
            .then(|| {
                Ok::<_, io::Error>((terminal::open(dir)?, output_file(dir, terminal::CAST, spec.share)?))
            })
            .transpose()?,
    };
    Ok(Prepared { slot, files })
}

/// Opens one of the output files for writing at its end. With a group, its members may read it.
fn output_file(dir: &Path, name: &str, share: Option<u32>) -> io::Result<File> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(dir.join(name))?;
    if let Some(gid) = share {
        access::give(&file, gid, access::FILE)?;
    }
    Ok(file)
}

/// Starts it, its output going into the files, or through the pump where something is to be covered or it has a terminal.
/// The error is the reason, a sentence.
fn start(dir: &Path, spec: &RunnerSpec, files: Files, pump: &mut Pump) -> Result<Command, String> {
    let machine = |e: io::Error| format!("its output cannot be set up: {e}");
    if !spec.cover.is_empty() {
        // No core file may hold what the output must not show.
        let _ = rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
    let Files { output, errors, terminal } = files;
    let mut input = None;
    let (out, err) = if let Some((keys, cast)) = terminal {
        let failed = |e: io::Error| format!("its terminal cannot be opened: {e}");
        let tty = Tty::open(dir, keys, Sink::new(output, &spec.cover), cast).map_err(failed)?;
        input = Some(tty.end_for_command().map_err(failed)?);
        let ends = (tty.end_for_command().map_err(failed)?, tty.end_for_command().map_err(failed)?);
        pump.attach(tty);
        ends
    } else if spec.cover.is_empty() {
        let err = errors.map_or_else(|| output.try_clone(), Ok).map_err(machine)?;
        (output.into(), err.into())
    } else {
        let out = pump.add(output, &spec.cover).map_err(machine)?;
        let err = match errors {
            Some(file) => pump.add(file, &spec.cover),
            None => out.try_clone(),
        };
        (out.into(), err.map_err(machine)?.into())
    };
    let own = rustix::process::umask(Mode::from_raw_mode(spec.umask & 0o777));
    let command = launch::launch(spec, input, out, err);
    rustix::process::umask(own);
    if let (Ok(command), Some(tty)) = (&command, pump.tty())
        && let Some(group) = command.group()
    {
        tty.put_in_front(group);
    }
    command
}

fn attempt(dir: &Path, spec: &RunnerSpec, prepared: Prepared, bell: &Bell) {
    let Prepared { mut slot, files } = prepared;
    let begun = Instant::now();
    if bell.stop_asked() {
        leave(&mut slot, &ended(dir, Outcome::Stopped, begun.elapsed(), vec![]));
        return;
    }
    let mut pump = Pump::default();
    let command = match start(dir, spec, files, &mut pump) {
        Ok(command) => command,
        Err(why) => {
            pump.hang_up();
            leave(&mut slot, &ended(dir, Outcome::NotStarted { why }, Duration::ZERO, vec![]));
            return;
        }
    };
    failpoint::pass("command-started");
    if let Some(stat) = kernel::stat(command.pid()) {
        // Without it a later host finds the command by its session.
        let _ = claim::write_command(dir, stat.id);
    }
    let mut watch = Watch { spec, command, bell, pump, begun, dead: None, ending: None };
    watch.until_the_end();
    failpoint::pass("command-ended");
    let Some(report) = watch.report(dir) else { return };
    leave(&mut slot, &report);
    failpoint::pass("outcome-left");
    watch.pump_for_those_left();
}

/// Leaves the outcome; on a disk that is full even for this, waits until it is not. Until then the attempt runs on in
/// everyone's eyes, and its outcome is safe here.
fn leave(slot: &mut OutcomeSlot, ended: &Ended) {
    while slot.fill(ended).is_err() {
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn ended(dir: &Path, outcome: Outcome, took: Duration, left: Vec<LeftProcess>) -> Ended {
    let output_bytes = super::output::size(dir, Stream::Output).unwrap_or(0);
    Ended {
        outcome,
        took: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        output_bytes,
        output_sha256: (output_bytes <= MAX_DIGESTED).then(|| digest(dir, output_bytes)).flatten(),
        captured: None,
        not_captured: None,
        wanted_terminal: false,
        left,
    }
}

/// SHA-256 of the first `len` bytes: what is left behind may still be writing.
fn digest(dir: &Path, len: u64) -> Option<Digest> {
    let mut file = super::output::open(&dir.join(Stream::Output.file_name())).ok()?.take(len);
    let mut hash = Sha256::new();
    io::copy(&mut file, &mut hash).ok()?;
    // What the outcome says of it must hold after a power cut, too. (What is too large for a digest is not waited for.)
    if len > 0 {
        let _ = file.get_ref().sync_data();
    }
    Some(Digest::new(data_encoding::HEXLOWER.encode(&hash.finalize())))
}

/// Standard output as a value: trimmed text. The error says why it cannot be one.
fn captured(dir: &Path, len: u64) -> Result<String, String> {
    // With its name, and what stands between.
    const MOST: usize = MAX_TEXT - 255;
    let too_long = || {
        let most = size_in_words(MOST as u64);
        format!(
            "it is longer than {most}, the most that a command can be given as a variable; keep it in a file"
        )
    };
    if len > 2 * MAX_TEXT as u64 {
        return Err(too_long());
    }
    let unreadable = |e: io::Error| format!("it cannot be read: {e}");
    let mut bytes = Vec::new();
    super::output::open(&dir.join(Stream::Output.file_name()))
        .map_err(unreadable)?
        .take(len)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| "it is not UTF-8 text".to_owned())?.trim();
    if text.contains('\0') {
        return Err("it holds a zero byte".to_owned());
    }
    if text.len() > MOST { Err(too_long()) } else { Ok(text.to_owned()) }
}

/// A command being ended.
struct Ending {
    outcome: Outcome,
    hang_up_at: Instant,
    kill_at: Instant,
    hung_up: bool,
    killed: bool,
}

/// A command under way.
struct Watch<'a> {
    spec: &'a RunnerSpec,
    command: Command,
    bell: &'a Bell,
    pump: Pump,
    begun: Instant,
    dead: Option<Instant>,
    ending: Option<Ending>,
}

impl Watch<'_> {
    fn until_the_end(&mut self) {
        let deadline = self.spec.timeout().and_then(|timeout| self.begun.checked_add(timeout));
        loop {
            // First of all: a command that is dead neither times out nor is stopped.
            if self.dead.is_none() && leader_is_dead(self.command.pid()) {
                self.dead = Some(Instant::now());
            }
            let now = Instant::now();
            if self.dead.is_none() && self.ending.is_none() {
                if self.bell.stop_asked() {
                    self.end(Outcome::Stopped, now);
                } else if deadline.is_some_and(|deadline| now >= deadline) {
                    self.end(Outcome::TimedOut, now);
                }
            }
            let mut wake = match &self.ending {
                None if self.dead.is_some() => return,
                None => deadline,
                Some(_) => match self.press(now) {
                    Some(next) => Some(next),
                    None => return,
                },
            };
            if self.dead.is_some() {
                wake = wake.map(|at| at.min(now + TICK));
            }
            self.pump.turn(&self.bell.wire, wake.map(|at| at.saturating_duration_since(Instant::now())));
            if self.bell.silence() {
                if let Some((tty, command)) = self.pump.tty().zip(self.command.group()) {
                    tty.go_on(command);
                }
                reap_orphans(self.command.pid());
            }
        }
    }

    fn end(&mut self, outcome: Outcome, now: Instant) {
        self.signal(Signal::TERM);
        // One that is halted hears nothing until it goes on.
        self.signal(Signal::CONT);
        self.ending = Some(Ending {
            outcome,
            hang_up_at: now + HANG_UP,
            kill_at: now + GRACE,
            hung_up: false,
            killed: false,
        });
    }

    /// Signals the command's group; where it has a terminal, everyone there: a shell gives each command a group.
    fn signal(&self, signal: Signal) {
        self.command.signal(signal);
        if self.pump.tty().is_some() {
            kernel::signal_session(std::process::id(), signal);
        }
    }

    fn is_anyone_left(&self) -> bool {
        if self.pump.tty().is_some() {
            !kernel::in_session(std::process::id()).is_empty()
        } else {
            !kernel::members(self.command.pid()).is_empty()
        }
    }

    /// Goes on ending it: when to look again, or `None` when nothing of its group lives.
    fn press(&mut self, now: Instant) -> Option<Instant> {
        let all_dead = self.dead.is_some() && !self.is_anyone_left();
        let has_terminal = self.pump.tty().is_some();
        let ending = self.ending.as_mut()?;
        if all_dead {
            return None;
        }
        let hang_up_at = ending.hang_up_at;
        if has_terminal && now < hang_up_at {
            return Some(hang_up_at);
        }
        let hang_up = has_terminal && !std::mem::replace(&mut ending.hung_up, true);
        let kill = now >= ending.kill_at && !std::mem::replace(&mut ending.killed, true);
        let kill_at = ending.kill_at;
        if hang_up {
            self.signal(Signal::HUP);
        }
        if now < kill_at {
            return Some(kill_at);
        }
        if kill {
            self.signal(Signal::KILL);
        }
        // What the kernel cannot kill (it waits for a disk) is waited for: it is still there.
        Some(now + TICK)
    }

    fn report(&mut self, dir: &Path) -> Option<Ended> {
        let died = self.dead?;
        let mut settled = died + SETTLE;
        self.pump.drain(settled);
        let status = self.command.reap();
        if self.pump.hang_up() {
            // What was in front of it hears that only now.
            settled = Instant::now() + SETTLE;
        }
        while has_children() && Instant::now() < settled {
            self.pump.turn(&self.bell.wire, Some(settled.saturating_duration_since(Instant::now())));
            if self.bell.silence() {
                reap_orphans(self.command.pid());
            }
        }
        let left = if has_children() { left_behind() } else { vec![] };
        let outcome = match self.ending.take() {
            Some(ending) => ending.outcome,
            None => outcome_of(&status),
        };
        let mut report = ended(dir, outcome, died.saturating_duration_since(self.begun), left);
        report.wanted_terminal = !self.spec.terminal
            && matches!(report.outcome, Outcome::Exited { code } if code != 0)
            && wanted::a_terminal(dir);
        if self.spec.separate_stdout {
            match captured(dir, report.output_bytes) {
                Ok(text) => report.captured = Some(text),
                Err(why) => report.not_captured = Some(why),
            }
        }
        Some(report)
    }

    /// What the command left behind may still print secrets: as long as it can, this covers them.
    fn pump_for_those_left(mut self) {
        while !self.pump.is_dry() && !self.bell.stop_asked() {
            self.pump.turn(&self.bell.wire, None);
            if self.bell.silence() {
                reap_orphans(self.command.pid());
            }
        }
    }
}

fn outcome_of(status: &io::Result<ExitStatus>) -> Outcome {
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => Outcome::Exited { code },
            (None, Some(signal)) => Outcome::Killed { signal },
            (None, None) => Outcome::Exited { code: (*status).into_raw() },
        },
        // It ran and ended, and the kernel does not say how: never to be taken for success.
        Err(_) => Outcome::Exited { code: 255 },
    }
}

fn leader_is_dead(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return true };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(rustix::process::waitid(WaitId::Pid(pid), options), Ok(None) | Err(rustix::io::Errno::INTR))
}

fn has_children() -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(rustix::process::waitid(WaitId::All, options), Err(rustix::io::Errno::CHILD))
}

/// Children that came here because their own parent ended, and ended themselves; never the command.
fn reap_orphans(leader: u32) {
    let Ok(children) = std::fs::read_to_string("/proc/thread-self/children") else { return };
    for pid in children.split_ascii_whitespace().filter_map(|pid| pid.parse::<i32>().ok()) {
        if u32::try_from(pid) != Ok(leader)
            && let Some(pid) = Pid::from_raw(pid)
        {
            let _ = rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
        }
    }
}

fn left_behind() -> Vec<LeftProcess> {
    kernel::descendants(std::process::id())
        .into_iter()
        .map(|stat| LeftProcess { pid: stat.id.pid, name: stat.name })
        .collect()
}
