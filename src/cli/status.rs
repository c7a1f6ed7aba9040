//! `onbelay status`: every step, its gate, every check, from the session's directory; only who is attached is asked of its host. SHELL.

use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::client::{IfNoHost, Stay, Talk, Wish};
use crate::clock;
use crate::history;
use crate::journal::reader::Tail;
use crate::journal::{room, store};
use crate::process::{attempt_dir, claim};
use crate::report::status::{self, RoomStatus};
use crate::session::event::How;
use crate::session::state::Phase;
use crate::session::{Person, Progress, Session, summary};
use crate::wire::messages::{Present, Role};

use super::args::StatusArgs;
use super::exit::{Exit, Failure, Outcome};
use super::file;
use super::out::{Out, say};
use super::place::{self, IfSeveral};

/// How long the host is given to say who is attached; a script is not held up for that.
const PATIENCE: Duration = Duration::from_millis(500);

/// Prints where a session stands. Starts no host.
pub fn run(args: &StatusArgs) -> Outcome {
    let dir = place::pick(args.session.as_deref(), IfSeveral::Refuse)?;
    let loaded = store::load(&dir)?;
    if let Tail::Damaged(fault) = &loaded.tail {
        say(format!("warning: the log is damaged: {fault}; this is how things stood before that"));
    }
    let past = history::of(&dir, &loaded.session);
    let mut status =
        status::status(&loaded.session, place::state_word(loaded.state), &past, clock::now(&loaded.session));
    for (line, place) in status.steps.iter_mut().zip(0..) {
        if let Some(how) = finished_not_recorded(&dir, &loaded.session, place) {
            line.doing = Some(format!("finished, not recorded: {how}"));
        }
    }
    status.runbook.differs = file::differs(&dir, &loaded.session.opened);
    let present = present(&dir);
    let present: Vec<(Person, &str)> =
        present.iter().map(|one| (one.person.clone(), role(one.role))).collect();
    status::add_present(&mut status, &loaded.session.operator, &present);
    status.room =
        room::free(&dir).and_then(|free| room::too_little(free).map(|why| RoomStatus { free, why }));
    let mut out = Out::stdout();
    if args.json {
        let json = serde_json::to_string_pretty(&status)
            .map_err(|e| Failure::machine(format!("cannot write the status as JSON: {e}")))?;
        out.line(json);
    } else {
        out.text(&status::text(&status));
    }
    out.finish()?;
    Ok(Exit::Yes)
}

/// How the command of a step ended, whose end is in its own file and not in the log: the host has yet to record it, or could
/// not.
fn finished_not_recorded(dir: &Path, session: &Session, place: usize) -> Option<String> {
    let Progress::Running(running) = &session.steps[place].progress else { return None };
    if running.phase != Phase::Working || running.how != How::Script {
        return None;
    }
    let item = running.items.get(running.next_item as usize).map(|_| running.next_item);
    let ended = claim::read_outcome(&attempt_dir(dir, running.attempt, item)).ok()??;
    Some(summary::how_it_ended(&ended))
}

/// Who is attached, where a host is at work and says so at once. It is no fault where it does not: all else is in the log.
fn present(dir: &Path) -> Vec<Present> {
    if !store::host_alive(dir).unwrap_or(false) {
        return Vec::new();
    }
    let (sender, answer) = channel();
    let dir = dir.to_owned();
    let asking = std::thread::Builder::new().name("who-is-here".to_owned()).spawn(move || {
        let wish = Wish { role: Role::Act, if_no_host: IfNoHost::Never, stay: Stay::No };
        let _ = sender.send(Talk::open(&dir, wish).map(|talk| talk.line.client.welcome.people.clone()));
    });
    let answer = asking.ok().and_then(|_| answer.recv_timeout(PATIENCE).ok());
    answer.and_then(Result::ok).unwrap_or_default().into_iter().filter(|one| one.role != Role::Act).collect()
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Witness => "witness",
        Role::Watch => "watching",
        Role::Drive | Role::Act => "attached",
    }
}
