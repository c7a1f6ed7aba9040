//! Where sessions are kept: finding, naming, making, listing them, and bringing one back. SHELL.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::id::{Digest, SessionId, ValueName};
use crate::runbook::Value;
use crate::session::{Entry, Opened, Person, Session};
use crate::time::Timestamp;

use super::JournalError;
use super::reader::Tail;
use super::writer::{Repair, Writer};

/// The home directory of all sessions: `ONBELAY_HOME`, else `$XDG_STATE_HOME/onbelay`, else `~/.local/state/onbelay`.
pub fn home(_env: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, JournalError> {
    todo!()
}

/// The id of a new session: `YYYYMMDD-HHMMSS-slug-xxxx`, UTC. `random` makes the last four characters.
#[must_use]
pub fn session_id(_title: &str, _at: Timestamp, _random: [u8; 4]) -> SessionId {
    todo!()
}

/// The sessions of one home directory.
#[derive(Clone, Debug)]
pub struct Store {
    home: PathBuf,
}

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
}

/// A session brought back from its directory.
#[derive(Debug)]
pub struct Loaded {
    /// Its directory.
    pub dir: PathBuf,
    /// Where it stands.
    pub session: Session,
    /// Every record.
    pub entries: Vec<Entry>,
    /// SHA-256 of the last line.
    pub head: Digest,
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
    /// Every record.
    pub entries: Vec<Entry>,
    /// What must be noted as `JournalRepaired`.
    pub repair: Option<Repair>,
}

impl Store {
    /// Takes a home directory, made if it is not there (mode 0700). Refuses one that others may write to.
    pub fn open(_home: PathBuf) -> Result<Self, JournalError> {
        todo!()
    }

    /// The home directory.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Where a session of that id is or would be.
    #[must_use]
    pub fn dir(&self, id: &SessionId) -> PathBuf {
        self.home.join(id.as_str())
    }

    /// Makes a session's directory with the runbook's copy, an empty `attempts/` and the first records; it appears whole
    /// or not at all, and survives a power cut once this returns.
    pub fn create(&self, _id: &SessionId, _runbook: &[u8], _first: &[Entry]) -> Result<Writer, JournalError> {
        todo!()
    }

    /// Every session, newest first.
    pub fn list(&self) -> Result<Listing, JournalError> {
        todo!()
    }

    /// The directory of the one session that `name` (an id, or a part of one that fits no other) means.
    pub fn find(&self, _name: &str) -> Result<PathBuf, JournalError> {
        todo!()
    }

    /// A session that is not finished or aborted, of the same runbook with the same values, newest first.
    pub fn same_open(
        &self,
        _sha256: &Digest,
        _values: &BTreeMap<ValueName, Value>,
    ) -> Result<Option<Listed>, JournalError> {
        todo!()
    }
}

/// Reads a session from its directory: the runbook's copy (its digest checked) and the journal, replayed. Takes no lock
/// that lasts and changes nothing. A damaged journal is replayed up to the damage; see `tail`.
pub fn load(_dir: &Path) -> Result<Loaded, JournalError> {
    todo!()
}

/// Becomes the host of a session: takes the lock, cuts a torn tail, replays.
pub fn resume(_dir: &Path) -> Result<Resumed, JournalError> {
    todo!()
}

/// Does a host hold the lock of the session in `dir`?
pub fn host_alive(_dir: &Path) -> Result<bool, JournalError> {
    todo!()
}
