//! The list of sessions, made without replaying any: the first record, the newest, and whether a host is there. SHELL.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use memchr::memmem;
use serde::{Deserialize, Serialize};

use crate::id::{Digest, SessionId, ValueName};
use crate::runbook::Value;
use crate::session::state::Stage;
use crate::session::{Entry, Event, Opened, Person, Session};
use crate::text;
use crate::time::Timestamp;

use super::super::{JOURNAL, JournalError, lock, reader, record};
use super::{Store, sharing};

/// How a session fares, as `list` and `status` name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// A host is at work.
    Open,
    /// A host is at work, and somebody called a hold.
    Held,
    /// Closed by its operator.
    Finished,
    /// Given up.
    Aborted,
    /// Neither finished nor aborted, and its host is gone.
    Lost,
}

impl SessionState {
    /// How a replayed session fares; `host_alive`: somebody holds its journal's lock.
    #[must_use]
    pub fn of(session: &Session, host_alive: bool) -> Self {
        match &session.stage {
            Stage::Finished => Self::Finished,
            Stage::Aborted { .. } => Self::Aborted,
            Stage::Open if !host_alive => Self::Lost,
            Stage::Open if session.holds.is_empty() => Self::Open,
            Stage::Open => Self::Held,
        }
    }

    /// Neither finished nor aborted?
    #[must_use]
    pub fn is_going(self) -> bool {
        matches!(self, Self::Open | Self::Held | Self::Lost)
    }
}

/// A session in a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its id.
    pub id: SessionId,
    /// Its directory.
    pub dir: PathBuf,
    /// How it fares.
    pub state: SessionState,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When its last record was made.
    pub last_at: Timestamp,
    /// What it was opened with.
    pub opened: Opened,
    /// Who started it.
    pub operator: Person,
}

/// What stands in the home directory.
#[derive(Debug, Default)]
pub struct Listing {
    /// Newest first.
    pub sessions: Vec<Listed>,
    /// Directories that cannot be read, each with the reason.
    pub unreadable: Vec<(String, String)>,
    /// How many more there are, other people's and not shared with this account.
    pub closed: usize,
}

impl Store {
    /// Every session, newest first.
    pub fn list(&self) -> Result<Listing, JournalError> {
        let mut listing = Listing::default();
        for id in self.ids()? {
            match glance(&self.home.join(&id)) {
                Ok(listed) => listing.sessions.push(listed),
                Err(error) if sharing::is_closed(&error, &self.home.join(&id)) => listing.closed += 1,
                Err(error) => listing.unreadable.push((text::clean(&id).into_owned(), error.to_string())),
            }
        }
        listing.sessions.sort_by(|a, b| (b.opened_at, &b.id).cmp(&(a.opened_at, &a.id)));
        listing.unreadable.sort();
        Ok(listing)
    }

    /// A session that is not finished or aborted, of the same runbook with the same values, newest first.
    pub fn same_open(
        &self,
        sha256: &Digest,
        values: &BTreeMap<ValueName, Value>,
    ) -> Result<Option<Listed>, JournalError> {
        let same = |listed: &Listed| {
            listed.state.is_going() && listed.opened.sha256 == *sha256 && listed.opened.values == *values
        };
        Ok(self.list()?.sessions.into_iter().find(same))
    }
}

/// Looks at one session: its first and newest record are read, the rest is only searched.
fn glance(dir: &Path) -> Result<Listed, JournalError> {
    let path = dir.join(JOURNAL);
    let file = reader::open(&path)?;
    let alive = lock::is_held(dir, &file).map_err(JournalError::io("look at the lock of", &path))?;
    let mut line = Vec::new();
    let unreadable = || JournalError::io("read", &path);
    BufReader::new(&file).read_until(b'\n', &mut line).map_err(unreadable())?;
    let damaged = |what: String| JournalError::Damaged {
        path: path.clone(),
        fault: Box::new(reader::Fault { n: 1, offset: 0, what }),
    };
    let first = match line.strip_suffix(b"\n") {
        Some(body) => record::read(body).map_err(|error| damaged(error.to_string()))?.entry,
        None => return Err(damaged("is missing".to_owned())),
    };
    let Event::SessionOpened(opened) = first.event else {
        return Err(damaged("does not open a session".to_owned()));
    };
    let newest = newest_at(&file).map_err(unreadable())?;
    let state = state_of(&file, alive).map_err(unreadable())?;
    Ok(Listed {
        id: first.session,
        dir: dir.to_owned(),
        state,
        opened_at: first.at,
        last_at: newest.unwrap_or(first.at),
        operator: opened.operator.clone(),
        opened: *opened,
    })
}

/// When the last whole record was made.
fn newest_at(file: &File) -> io::Result<Option<Timestamp>> {
    const ENOUGH: u64 = 16 << 10;
    let len = file.metadata()?.len();
    let mut end = vec![0; usize::try_from(len.min(ENOUGH)).unwrap_or(0)];
    file.read_exact_at(&mut end, len.saturating_sub(ENOUGH))?;
    let Some(close) = memchr::memrchr(b'\n', &end) else { return Ok(None) };
    let start = memchr::memrchr(b'\n', &end[..close]).map_or(0, |at| at + 1);
    Ok(record::read(&end[start..close]).ok().map(|record| record.entry.at))
}

/// Finds the few records that decide how a session fares by searching the text, not by reading all of it.
fn state_of(file: &File, alive: bool) -> io::Result<SessionState> {
    let mut stage = None;
    let mut holds = Vec::new();
    for entry in
        entries_with(file, &["\"event\":\"finished\"", "\"event\":\"aborted\"", "\"event\":\"hold_"])?
    {
        match entry.event {
            Event::Finished => stage = Some(SessionState::Finished),
            Event::Aborted { .. } => stage = Some(SessionState::Aborted),
            Event::HoldCalled { .. } => holds.push(entry.n),
            Event::HoldReleased { holds: released, .. } => holds.retain(|n| !released.contains(n)),
            _ => {}
        }
    }
    Ok(match stage {
        Some(closed) => closed,
        None if !alive => SessionState::Lost,
        None if holds.is_empty() => SessionState::Open,
        None => SessionState::Held,
    })
}

/// The records whose line holds one of `words`, in order. Reads the file in pieces.
fn entries_with(file: &File, words: &[&str]) -> io::Result<Vec<Entry>> {
    const PIECE: usize = 256 << 10;
    let finders: Vec<_> = words.iter().map(memmem::Finder::new).collect();
    let mut found = Vec::new();
    let mut held: Vec<u8> = Vec::new();
    let mut from = 0;
    loop {
        let kept = held.len();
        held.resize(kept + PIECE, 0);
        let got = file.read_at(&mut held[kept..], from)?;
        from += got as u64;
        held.truncate(kept + got);
        if got == 0 {
            return Ok(found);
        }
        let Some(whole) = memchr::memrchr(b'\n', &held).map(|at| at + 1) else { continue };
        let mut starts: Vec<usize> = finders
            .iter()
            .flat_map(|finder| finder.find_iter(&held[..whole]))
            .map(|at| memchr::memrchr(b'\n', &held[..at]).map_or(0, |before| before + 1))
            .collect();
        starts.sort_unstable();
        starts.dedup();
        for start in starts {
            let end = start + memchr::memchr(b'\n', &held[start..]).unwrap_or(0);
            found.extend(record::read(&held[start..end]).ok().map(|record| record.entry));
        }
        held.drain(..whole);
    }
}
