//! The host: one process for each session; it owns the journal and the truth, and outlives every terminal. SHELL.
//! It must not know screens or the command line.
//!
//! `begin` makes or takes up a session, `turn` (pure) decides what an input leads to, `drive` is the loop around it,
//! `perform` carries out, `clients` and `line` speak with whoever is attached.

mod begin;
mod circumstances;
mod clients;
mod detach;
mod drive;
mod find;
mod glance;
mod line;
mod overdue;
mod peer;
mod perform;
mod signals;
mod socket;
pub mod turn;
mod words;

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};

use crate::clock;
use crate::failpoint;
use crate::id::SessionId;
use crate::journal::JournalError;
use crate::journal::pages::Pages;
use crate::process;
use crate::session::recover::Found;
use crate::wire::start::{HostAnswer, StartHost};

use begin::{Beginning, Begun};
use circumstances::Surroundings;
use clients::{Hall, Seats};
use drive::Driver;
use glance::Glance;
use perform::{Performer, World};
use turn::{HostState, Input, turn};

/// Why a host cannot start.
#[derive(Debug, thiserror::Error)]
enum HostError {
    /// The call or a file is wrong.
    #[error("{0}")]
    Wrong(String),
    /// The same walk is under way.
    #[error("session {0} walks the same")]
    Same(SessionId),
    /// The machine failed.
    #[error("{0}")]
    Failed(String),
}

impl HostError {
    fn io(what: impl std::fmt::Display) -> impl FnOnce(std::io::Error) -> Self {
        move |e| Self::Failed(format!("cannot {what}: {e}"))
    }
}

impl From<JournalError> for HostError {
    fn from(e: JournalError) -> Self {
        if e.is_machine() { Self::Failed(e.to_string()) } else { Self::Wrong(e.to_string()) }
    }
}

impl From<HostError> for HostAnswer {
    fn from(e: HostError) -> Self {
        match e {
            HostError::Wrong(why) => Self::Wrong { why },
            HostError::Same(id) => Self::Same { id },
            HostError::Failed(why) => Self::Failed { why },
        }
    }
}

/// The most a starter may say, bytes: a runbook of the largest size allowed, values, environment.
const LONGEST_START: u64 = 16 << 20;

/// How many inputs may wait; whoever has more waits with them.
const INBOX: usize = 64;

/// The hidden verb `onbelay host`: reads [`StartHost`] from stdin, answers one line, and walks the session to its end.
#[must_use]
pub fn main() -> ExitCode {
    let begun = detach::leave_terminal()
        .and_then(|()| signals::stand_firm())
        .map_err(HostError::io("leave the terminal"))
        .and_then(|()| read_start())
        .and_then(begin::begin);
    match begun {
        Ok(Beginning::Ours(begun)) => walk(*begun),
        Ok(Beginning::Theirs { path }) => {
            answer(&HostAnswer::Ready { id: begin::id_of(&path), dir: path });
            ExitCode::SUCCESS
        }
        Err(e) => fail(e),
    }
}

fn read_start() -> Result<StartHost, HostError> {
    let mut json = Vec::new();
    std::io::stdin()
        .take(LONGEST_START)
        .read_to_end(&mut json)
        .map_err(HostError::io("read what to start"))?;
    let _ = detach::close_stdin();
    serde_json::from_slice(&json).map_err(|e| {
        HostError::Wrong(format!(
            "`onbelay host` is started by onbelay itself; what came on its stdin is no start: {e}"
        ))
    })
}

fn answer(answer: &HostAnswer) {
    let mut line = serde_json::to_vec(answer).unwrap_or_default();
    line.push(b'\n');
    // A starter that is gone changes nothing for the session.
    let _ = std::io::stdout().write_all(&line).and_then(|()| std::io::stdout().flush());
    let _ = detach::close_stdout();
}

fn fail(e: HostError) -> ExitCode {
    let status = if matches!(e, HostError::Failed(_)) { 3 } else { 2 };
    answer(&e.into());
    ExitCode::from(status)
}

/// Walks a session that is ours.
fn walk(begun: Begun) -> ExitCode {
    match prepare(begun) {
        Ok((driver, first, ready)) => {
            driver.dir.unlock();
            answer(&ready);
            if drive::drive(driver, first) { ExitCode::SUCCESS } else { ExitCode::from(3) }
        }
        Err(e) => fail(e),
    }
}

/// Records that this host began, brings the session up to what happened without one, and opens the door.
fn prepare(begun: Begun) -> Result<(Driver, Vec<turn::Output>, HostAnswer), HostError> {
    let Begun { path, dir, session, entries, journal, events, loose, given, share } = begun;
    detach::log_to(&path).map_err(HostError::io(format!("write {}", path.join("host.log").display())))?;
    let opened = session.opened.clone();
    let secrets: Vec<_> = given.secrets.keys().cloned().collect();
    let id = session.id.clone();
    let under_way = journal.under_way();
    let mut state = HostState::new(session, entries, Box::new(journal), secrets);
    let boot = |state: &HostState| state.session().host.as_ref().map_or(0, |host| host.boot);
    let this_boot = match events.last() {
        Some(crate::session::Event::HostStarted { boot, .. }) => *boot,
        _ => boot(&state),
    };
    let mut first = turn(&mut state, Input::Began(events), clock::moment(this_boot));
    failpoint::pass("host-announced");
    let mut sizes = Vec::new();
    let found: Vec<_> = loose
        .into_iter()
        .map(|loose| {
            let at = process::attempt_dir(&path, loose.attempt, loose.item.as_ref().map(|(index, _)| *index));
            if let Some(gid) = share {
                // For what bars it, where it never began; readers then find it as open as the others.
                let _ = crate::access::make_dirs(&path, &at, Some(gid));
            }
            let found = process::look_for(&at, loose.of, loose.other_boot);
            if found == Found::Alive && process::terminal::is_open(&at) {
                let size = process::terminal::size(&at);
                sizes.push((loose.attempt, loose.item.as_ref().map(|(index, _)| *index), size));
            } else if found != Found::Alive {
                process::terminal::unmake(&at);
            }
            (loose, found)
        })
        .collect();
    failpoint::pass("starts-looked-at");
    let alive: Vec<_> =
        found.iter().filter(|(_, found)| *found == Found::Alive).map(|(loose, _)| loose.clone()).collect();
    for (attempt, item, size) in sizes {
        state.found_terminal(attempt, item, (size.columns, size.rows));
    }
    first.extend(turn(&mut state, Input::Recovered(found), clock::moment(this_boot)));
    if let Some(why) = state.broken_by() {
        return Err(HostError::Failed(words::journal_broken(why)));
    }

    let agent = given.environment.get("SSH_AUTH_SOCK").map(PathBuf::from);
    let glance: glance::Shared = Arc::new(Mutex::new(Glance::of(state.session())));
    let around = Surroundings::new(&path, state.session(), agent, Arc::clone(&glance));
    let (to_host, inbox) = sync_channel(INBOX);
    let running = Arc::new(Mutex::default());
    let seats = Arc::new(Seats::default());
    let mut performer = Performer::new(
        World {
            session_dir: path.clone(),
            base_dir: opened.dir.clone().into(),
            umask: opened.umask,
            boot: this_boot,
            share,
            given: Mutex::new(given),
            to_host: to_host.clone(),
        },
        Arc::clone(&running),
    );
    for loose in &alive {
        performer.adopt(loose);
    }
    signals::hear_term(to_host.clone()).map_err(HostError::io("hear signals"))?;
    let listener = dir.listen(share)?;
    let pages = Arc::new(Mutex::new(Pages::new(&path)));
    let hall = Hall { dir: path.clone(), around, to_host, running, seats: Arc::clone(&seats), pages };
    std::thread::Builder::new()
        .name("door".to_owned())
        .spawn(move || clients::accept_for_ever(&listener, &hall))
        .map_err(HostError::io("start a thread"))?;
    let lines = clients::Lines::default();
    overdue::watch(under_way, lines.clone());
    let driver =
        Driver { state, performer, lines, dir, inbox, seats, glance, serving: None, boot: this_boot };
    Ok((driver, first, HostAnswer::Ready { id, dir: path }))
}
