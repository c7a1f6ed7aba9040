//! Bringing a session back from its directory. SHELL: reads the runbook's copy and the journal.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::id::Digest;
use crate::runbook::{self, Runbook};
use crate::session::apply::Illegal;
use crate::session::event::Group;
use crate::session::{Entry, Event, Session};
use crate::text::clean;

use super::super::reader::{self, Tail};
use super::super::writer::{Repair, Writer};
use super::super::{JOURNAL, JournalError, RUNBOOK, record};
use super::safety::Shared;
use super::{SessionState, host_alive, safety, sharing};

/// A session brought back from its directory.
#[derive(Debug)]
pub struct Loaded {
    /// Its directory.
    pub dir: PathBuf,
    /// Where it stands.
    pub session: Session,
    /// What comes after the last whole record.
    pub tail: Tail,
    /// The runbook's text.
    pub runbook: String,
    /// How it fares.
    pub state: SessionState,
}

/// A session that this process is the host of from now.
#[derive(Debug)]
pub struct Resumed {
    /// Appends to its journal.
    pub writer: Writer,
    /// Where it stands.
    pub session: Session,
    /// Its newest records, as many as were wanted.
    pub recent: Vec<Entry>,
    /// What must be noted as `JournalRepaired`.
    pub repair: Option<Repair>,
    /// The runbook's text.
    pub runbook: String,
    /// The group it is shared with, unless its owner has closed it since.
    pub share: Option<Group>,
}

/// Reads a session from its directory: the runbook's copy (its digest checked) and the journal, replayed record by record and
/// not kept. Takes no lock that lasts and changes nothing. A damaged journal is replayed up to the damage; see `tail`.
pub fn load(dir: &Path) -> Result<Loaded, JournalError> {
    load_each(dir, |_| ())
}

/// As [`load`], and hands out each record.
pub fn load_each(dir: &Path, mut each: impl FnMut(Entry)) -> Result<Loaded, JournalError> {
    // Asked first: a host that ends while the journal is read has written all it will.
    let alive = host_alive(dir)?;
    let mut replaying = Replaying::new(dir);
    let scanned = reader::read_each(dir, |entry, _| {
        replaying.take(&entry);
        each(entry);
    })?;
    let (session, text) = replaying.finish()?;
    let tail = match scanned.tail {
        // The host is writing this very record.
        Tail::Torn { .. } if alive => Tail::Whole,
        tail => tail,
    };
    let state = SessionState::of(&session, alive);
    Ok(Loaded { dir: dir.to_owned(), session, tail, runbook: text, state })
}

/// Becomes the host of a session: takes the lock, cuts a torn tail, replays. `keep`: how many of the newest records are wanted.
pub fn resume(dir: &Path, keep: usize) -> Result<Resumed, JournalError> {
    let shared = opened_for(dir)?;
    safety::check_session(dir, if shared.is_some() { Shared::WithGroup } else { Shared::No })?;
    let share = shared.and_then(|group| sharing::check_session(dir, &group).transpose()).transpose()?;
    let mut replaying = Replaying::new(dir);
    let mut recent = VecDeque::new();
    let (writer, _, repair) = Writer::open(dir, |entry| {
        replaying.take(&entry);
        recent.push_back(entry);
        if recent.len() > keep {
            recent.pop_front();
        }
    })?;
    let (session, text) = replaying.finish()?;
    Ok(Resumed { writer, session, recent: recent.into(), repair, runbook: text, share })
}

/// A session on its way back, record by record: however many they are, none is kept.
struct Replaying<'a> {
    dir: &'a Path,
    so_far: Option<Result<(Session, String), JournalError>>,
}

impl<'a> Replaying<'a> {
    fn new(dir: &'a Path) -> Self {
        Self { dir, so_far: None }
    }

    /// Takes the next record in; what comes after one that does not fit is not looked at.
    fn take(&mut self, entry: &Entry) {
        let illegal = |illegal: Illegal| illegal_in(self.dir, &illegal);
        match &mut self.so_far {
            None => {
                let opened = stored_runbook(self.dir, entry)
                    .and_then(|(runbook, text)| Ok((Session::open(runbook, entry).map_err(illegal)?, text)));
                self.so_far = Some(opened);
            }
            Some(Ok((session, _))) => {
                if let Err(error) = session.apply(entry).map_err(illegal) {
                    self.so_far = Some(Err(error));
                }
            }
            Some(Err(_)) => {}
        }
    }

    /// The session, and its runbook's text.
    fn finish(self) -> Result<(Session, String), JournalError> {
        self.so_far.unwrap_or_else(|| Err(unopened(self.dir)))
    }
}

/// The group that a session was opened for, by its first record, which never changes.
fn opened_for(dir: &Path) -> Result<Option<Group>, JournalError> {
    let path = dir.join(JOURNAL);
    let mut line = Vec::new();
    BufReader::new(reader::open(&path)?)
        .take(record::MAX_LINE as u64 + 1)
        .read_until(b'\n', &mut line)
        .map_err(JournalError::io("read", path))?;
    // One that cannot be read is said to be so by whoever reads them all.
    let first = line.strip_suffix(b"\n").and_then(|body| record::read(body).ok());
    Ok(first.and_then(|record| match record.entry.event {
        Event::SessionOpened(opened) => opened.share,
        _ => None,
    }))
}

/// Where a session stands after these records, the first of which opens it.
pub fn replay(runbook: Arc<Runbook>, entries: &[Entry]) -> Result<Session, Illegal> {
    let Some((first, rest)) = entries.split_first() else {
        return Err(Illegal { n: 1, why: "it is missing".to_owned() });
    };
    let mut session = Session::open(runbook, first)?;
    rest.iter().try_for_each(|entry| session.apply(entry))?;
    Ok(session)
}

/// The runbook that is walked, with its text: the copy, if it is the one that the first record names.
pub(in super::super) fn stored_runbook(
    dir: &Path,
    first: &Entry,
) -> Result<(Arc<Runbook>, String), JournalError> {
    match &first.event {
        Event::SessionOpened(opened) => runbook_of(dir, &opened.sha256),
        _ => Err(unopened(dir)),
    }
}

fn runbook_of(dir: &Path, sha256: &Digest) -> Result<(Arc<Runbook>, String), JournalError> {
    let path = dir.join(RUNBOOK);
    let wrong = |why: String| JournalError::Runbook { path: path.clone(), why };
    let bytes = fs::read(&path).map_err(JournalError::io("read", &path))?;
    let found = record::link_to(&bytes);
    if found != *sha256 {
        let why = format!("was changed: its SHA-256 is {found}, and the session was opened with {sha256}");
        return Err(wrong(why));
    }
    let shown = path.to_string_lossy();
    let runbook =
        runbook::read(&bytes, &shown).map_err(|problems| wrong(format!("cannot be read: {problems}")))?;
    let text = String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8 text".to_owned()))?;
    Ok((Arc::new(runbook), text))
}

fn unopened(dir: &Path) -> JournalError {
    let why = "the first record, which opens the session, cannot be read".to_owned();
    JournalError::Illegal { path: dir.join(JOURNAL), why }
}

fn illegal_in(dir: &Path, illegal: &Illegal) -> JournalError {
    JournalError::Illegal { path: dir.join(JOURNAL), why: clean(&illegal.to_string()).into_owned() }
}
