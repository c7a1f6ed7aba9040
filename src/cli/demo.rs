//! `demo`: the bundled tour in a sandbox that is made for it and removed after it, its host included. SHELL.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::client::{self, HostStart, IfNoHost, Stay, Talk, Wish};
use crate::journal::store;
use crate::runbook;
use crate::runbook::values::{self, resolve_params};
use crate::session::event::How;
use crate::session::{Command, Progress, Session};
use crate::wire::messages::Role;

use super::args::DemoArgs;
use super::begin::{self, Filled};
use super::exit::{Failure, Outcome};
use super::out::{Out, say};
use super::place;
use super::screen::{self, Face, Manner};
use super::theme::{self, Look};

/// The tour, as it is bundled.
const TOUR: &str = include_str!("../../runbooks/tour.yaml");

/// How long a running step of the tour may take to end once it was told to.
const STOPPING: Duration = Duration::from_secs(15);

/// How long the host may take to end once it was told to.
const LEAVING: Duration = Duration::from_secs(5);

/// Walks the tour: on the screen where there is a terminal, else (or with `--plain`) in lines.
pub fn run(args: &DemoArgs) -> Outcome {
    let face = screen::face(args.plain).unwrap_or(Face::Lines);
    let look = theme::pick(args.theme.as_deref())?;
    let sandbox = tempfile::Builder::new().prefix("onbelay-demo-").tempdir().map_err(|e| {
        Failure::machine(format!("cannot make a sandbox: {e}; set TMPDIR to a directory of yours"))
    })?;
    let root = sandbox.path().to_owned();
    let outcome = walk(&root, face, look);
    clear(&root.join("sessions"));
    let at = root.display().to_string();
    let removed = sandbox.close();
    let exit = outcome?;
    removed.map_err(|e| Failure::machine(format!("cannot remove the sandbox: {e}; remove {at} by hand")))?;
    let mut out = Out::stdout();
    out.line("\nThe sandbox is gone. What next:");
    out.line("  onbelay check FILE   would its hold points open? (runs no step)");
    out.line("  onbelay run FILE     walk it; runbooks/move-site.yaml is one to begin with");
    out.line("  docs/format.md       how to write one; onbelay --help lists the rest");
    out.finish()?;
    Ok(exit)
}

fn walk(root: &Path, face: Face, look: Look) -> Outcome {
    let new = new_session(root)?;
    let given = new.given.clone();
    let place = client::create(new)?;
    let wish = Wish {
        role: Role::Drive,
        if_no_host: IfNoHost::Start(HostStart::new(given)),
        stay: Stay::Yes(place::can_go_on),
    };
    let root = root.to_owned();
    // In the middle of a line: what was made goes first. (The screen hears such signals itself.)
    let told_to_end = Arc::new(move |signal: i32| {
        clear(&root.join("sessions"));
        let _ = std::fs::remove_dir_all(&root);
        std::process::exit(128 + signal);
    });
    screen::go(&place.dir, wish, face, &Manner { look, named: None, told_to_end, once: true })
}

/// The tour's session; its sessions' home is in the sandbox too.
fn new_session(root: &Path) -> Result<crate::wire::start::NewSession, Failure> {
    let play = root.join("play");
    std::fs::create_dir(&play)
        .map_err(|e| Failure::machine(format!("cannot make {}: {e}", play.display())))?;
    let Some(sandbox) = play.to_str() else {
        return Err(Failure::wrong(format!(
            "{} is not UTF-8; set TMPDIR to another directory",
            play.display()
        )));
    };
    let runbook = runbook::read(TOUR.as_bytes(), "tour.yaml")
        .map_err(|problems| Failure::wrong(problems.render(false).trim_end().to_owned()))?;
    let given =
        values::Given { flags: vec![("sandbox".to_owned(), sandbox.to_owned())], ..values::Given::default() };
    let resolved = resolve_params(&runbook, &given).map_err(|problems| {
        Failure::wrong(problems.into_iter().map(|p| p.message).collect::<Vec<_>>().join("\n"))
    })?;
    let filled = Filled { source: TOUR.as_bytes().to_vec(), runbook, resolved };
    begin::new_session_at(&root.join("sessions"), Path::new("tour.yaml"), filled, false)
}

/// Ends what runs in every session below `home`, and its host. What does not end is said, and left.
fn clear(home: &Path) {
    let Ok(entries) = std::fs::read_dir(home) else { return };
    for dir in entries.flatten().map(|entry| entry.path()).filter(|path| path.join("journal.jsonl").exists())
    {
        if let Err(failure) = end(&dir) {
            say(format!("{failure}; it was in {}", dir.display()));
        }
    }
}

fn end(dir: &Path) -> Result<(), Failure> {
    if !store::host_alive(dir)? {
        return Ok(());
    }
    let wish = Wish { role: Role::Act, if_no_host: IfNoHost::Never, stay: Stay::No };
    let mut talk = Talk::open(dir, wish)?;
    let Some(host) = talk.session.host.as_ref().and_then(|host| open_process(host.pid)) else {
        return Ok(());
    };
    let deadline = Instant::now() + STOPPING;
    for place in with_the_tool(&talk.session) {
        talk.act(Command::Stop { step: talk.session.runbook.steps[place].id.clone() })?;
    }
    while !with_the_tool(&talk.session).is_empty() {
        if talk.hear(Some(deadline))?.is_none() {
            say("a step of the demo does not end");
            break;
        }
    }
    drop(talk);
    for signal in [Signal::TERM, Signal::KILL] {
        let _ = pidfd_send_signal(&host, signal);
        if has_ended(&host, LEAVING) {
            return Ok(());
        }
    }
    Err(Failure::machine("the demo's host does not end"))
}

/// Steps whose command runs.
fn with_the_tool(session: &Session) -> Vec<usize> {
    let runs = |place: &usize| matches!(&session.steps[*place].progress, Progress::Running(running) if running.how == How::Script);
    (0..session.steps.len()).filter(runs).collect()
}

fn open_process(pid: u32) -> Option<OwnedFd> {
    pidfd_open(Pid::from_raw(i32::try_from(pid).ok()?)?, PidfdFlags::empty()).ok()
}

fn has_ended(process: &OwnedFd, within: Duration) -> bool {
    let deadline = Instant::now() + within;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        match poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&left)) {
            Ok(ready) => return ready > 0,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}
