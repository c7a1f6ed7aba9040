//! `onbelay log`: the journal, as people read it or as it is. SHELL.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::journal::reader::{Follower, Tail};
use crate::journal::{self, store};
use crate::runbook;
use crate::session::state::Stage;
use crate::session::{Entry, Session};
use crate::text::{clean, json};

use super::args::LogArgs;
use super::exit::{Exit, Failure, Outcome};
use super::out::{Out, say};
use super::perform::log_line;
use super::place::{self, IfSeveral};

/// How often a journal that is followed is looked at.
const LOOK: Duration = Duration::from_millis(150);

/// Prints a journal. Starts no host and takes no lock.
pub fn run(args: &LogArgs) -> Outcome {
    let dir = place::pick(args.session.as_deref(), IfSeveral::Newest)?;
    let mut out = Out::stdout();
    if args.follow {
        follow(&dir, args.json, &mut out)?;
    } else if args.json {
        as_it_is(&dir, &mut out)?;
    } else {
        let runbook = Arc::clone(&store::load(&dir)?.session.runbook);
        let mut replay = Replay::of(&runbook);
        let mut done = Ok(());
        let loaded = store::load_each(&dir, |entry| {
            if done.is_ok() {
                done = replay.line(&entry).map(|line| out.line(line));
            }
        })?;
        done?;
        tell_tail(&loaded.tail);
    }
    out.finish()?;
    Ok(Exit::Yes)
}

/// Says on stderr where the log does not fit.
fn tell_tail(tail: &Tail) {
    match tail {
        Tail::Whole => {}
        Tail::Torn { bytes } => say(format!(
            "note: the last {bytes} bytes are a record that was cut short; it was never acknowledged"
        )),
        Tail::Damaged(fault) => say(format!("warning: the log is damaged: {fault}")),
        Tail::Newer { why, .. } => say(format!("note: {why}; what follows was written by a newer version")),
    }
}

/// The file byte for byte, so that anyone can redo its chain.
fn as_it_is(dir: &Path, out: &mut Out) -> Result<(), Failure> {
    let path = dir.join(journal::JOURNAL);
    let cannot = |e: io::Error| Failure::machine(format!("cannot read {}: {e}", path.display()));
    let file = File::open(&path).map_err(cannot)?;
    // Only what was there at the start: a walk under way goes on adding.
    let length = file.metadata().map_err(cannot)?.len();
    let mut lines = BufReader::new(file.take(length));
    let mut line = Vec::new();
    let terminal = io::stdout().is_terminal();
    while lines.read_until(b'\n', &mut line).map_err(cannot)? > 0 && !out.reader_left() {
        if line.last() == Some(&b'\n') {
            out.text(&as_record(&line, terminal));
        }
        line.clear();
    }
    Ok(())
}

/// A line as it is; on a terminal, where nobody redoes a chain, the same JSON without what acts on it: a line that somebody else
/// wrote may hold that.
fn as_record(line: &[u8], terminal: bool) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(line);
    if terminal { Cow::Owned(json::harmless(&text)) } else { text }
}

/// Every record, then what is added, until the session is closed, the reader leaves, or Ctrl-C.
fn follow(dir: &Path, json: bool, out: &mut Out) -> Result<(), Failure> {
    let interrupted = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(&interrupted))
        .map_err(|e| Failure::machine(format!("cannot listen for Ctrl-C: {e}")))?;
    let loaded = store::load(dir)?;
    let mut follower = Follower::open(dir)?;
    let mut replay = Replay::of(&loaded.session.runbook);
    let terminal = io::stdout().is_terminal();
    loop {
        for (entry, line) in follower.lines()? {
            let said = replay.line(&entry)?;
            if json {
                out.text(&as_record(&line, terminal));
            } else {
                out.line(said);
            }
        }
        out.flush();
        if out.reader_left() || replay.is_closed() {
            return Ok(());
        }
        if interrupted.load(Ordering::SeqCst) {
            return Err(Failure::interrupted(""));
        }
        std::thread::sleep(LOOK);
    }
}

/// Records need to be read with the state they met: titles, numbers, what was tried.
struct Replay {
    runbook: Arc<runbook::Runbook>,
    session: Option<Session>,
}

impl Replay {
    fn of(runbook: &Arc<runbook::Runbook>) -> Self {
        Self { runbook: Arc::clone(runbook), session: None }
    }

    fn line(&mut self, entry: &Entry) -> Result<String, Failure> {
        let illegal = |e: crate::session::apply::Illegal| Failure::machine(clean(&e.to_string()));
        let session = match self.session.take() {
            None => Session::open(Arc::clone(&self.runbook), entry).map_err(illegal)?,
            Some(mut session) => {
                session.apply(entry).map_err(illegal)?;
                session
            }
        };
        let line = log_line(entry, &session);
        self.session = Some(session);
        Ok(line)
    }

    fn is_closed(&self) -> bool {
        let Some(session) = &self.session else { return false };
        session.stage != Stage::Open && session.running().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u1_a_record_that_acts_on_a_terminal_is_shown_there_without_that_and_elsewhere_as_it_is() {
        let line = "{\"text\":\"a\u{9b}31m\u{202e}\"}\n";
        assert_eq!(as_record(line.as_bytes(), true), "{\"text\":\"a\\u009b31m\\u202e\"}\n");
        assert_eq!(as_record(line.as_bytes(), false), line);
    }
}
