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
    let mut loaded = store::load(&dir)?;
    let ended = ended(&dir, &loaded.session);
    if !ended.is_empty() {
        // Their host may have recorded them while the log was read here.
        loaded = store::load(&dir)?;
    }
    match &loaded.tail {
        Tail::Whole | Tail::Torn { .. } => {}
        Tail::Damaged(fault) => {
            say(format!("warning: the log is damaged: {fault}; this is how things stood before that"));
        }
        Tail::Newer { why, .. } => say(format!(
            "warning: {why}; what follows was written by a newer version, this is how things stood before that"
        )),
    }
    let past = history::of(&dir, &loaded.session);
    let mut status =
        status::status(&loaded.session, place::state_word(loaded.state), &past, clock::now(&loaded.session));
    for (place, how) in not_recorded(ended, &loaded.session) {
        status.steps[place].doing = Some(format!("finished, not recorded: {how}"));
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
        let json = crate::text::json::pretty(&status)
            .map_err(|e| Failure::machine(format!("cannot write the status as JSON: {e}")))?;
        out.line(json);
    } else {
        out.text(&status::text(&status));
    }
    out.finish()?;
    Ok(Exit::Yes)
}

/// A command whose end is in its own file.
struct InItsFile {
    /// Place of its step.
    place: usize,
    command: Working,
    /// In words.
    how: String,
}

/// The attempt whose command is at work, and the place of its item.
type Working = (u32, Option<u32>);

/// Which command of a step is at work, by the log.
fn working(session: &Session, place: usize) -> Option<Working> {
    let Progress::Running(running) = &session.steps[place].progress else { return None };
    if running.phase != Phase::Working || running.how != How::Script {
        return None;
    }
    let item = running.items.get(running.next_item as usize).map(|_| running.next_item);
    Some((running.attempt, item))
}

/// The commands that are at work by the log, and have ended by their own files.
fn ended(dir: &Path, session: &Session) -> Vec<InItsFile> {
    let of = |place: usize| {
        let command = working(session, place)?;
        let at = attempt_dir(dir, command.0, command.1);
        let Progress::Running(running) = &session.steps[place].progress else { return None };
        if claim::is_of_another(&at, running.began) {
            return None;
        }
        let ended = claim::read_outcome(&at).ok()??;
        Some(InItsFile { place, command, how: summary::how_it_ended(&ended) })
    };
    (0..session.steps.len()).filter_map(of).collect()
}

/// Those of them that a log which was read later does not know of either: their host has yet to record them, or could not.
fn not_recorded(ended: Vec<InItsFile>, session: &Session) -> impl Iterator<Item = (usize, String)> {
    let is_at_work = move |one: &InItsFile| working(session, one.place) == Some(one.command);
    ended.into_iter().filter(is_at_work).map(|one| (one.place, one.how))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::bench::Bench;
    use crate::session::event::{Ended, Outcome};

    #[test]
    fn j5_an_end_that_is_recorded_while_the_log_is_read_is_not_told_as_one_that_is_not() {
        let mut bench = Bench::new("steps: [{ id: a, title: A, run: 'true' }]\n");
        bench.run("a").unwrap();
        let dir = tempfile::tempdir().unwrap();
        assert!(ended(dir.path(), &bench.session).is_empty(), "it runs");
        let of_attempt = attempt_dir(dir.path(), 1, None);
        std::fs::create_dir_all(&of_attempt).unwrap();
        let outcome = Ended {
            outcome: Outcome::Exited { code: 3 },
            took: 5,
            output_bytes: 0,
            output_sha256: None,
            captured: None,
            not_captured: None,
            wanted_terminal: false,
            left: Vec::new(),
        };
        std::fs::write(of_attempt.join("outcome.json"), serde_json::to_vec(&outcome).unwrap()).unwrap();
        let told = |session: &Session| -> Vec<(usize, String)> {
            not_recorded(ended(dir.path(), &bench.session), session).collect()
        };
        let at_first = told(&bench.session);
        assert!(matches!(&at_first[..], [(0, how)] if how.starts_with("exit 3")), "{at_first:?}");
        let mut later = bench.clone();
        later.exits(3);
        assert!(told(&later.session).is_empty());
    }
}
