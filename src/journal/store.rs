//! Where sessions are kept: finding, naming, making, listing them, and bringing one back. SHELL: the home directory.
//! It must not know hosts' work, sockets or screens.
//!
//! A session is a directory of mode 0700 named by its id. It appears whole, by one rename, or not at all.

mod listing;
mod replay;
mod safety;
pub mod sharing;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::id::{SessionId, slug};
use crate::session::{Entry, Event};
use crate::text;
use crate::time::Timestamp;

pub use listing::{Listed, Listing, SessionState};
pub(super) use replay::stored_runbook;
pub use replay::{Loaded, Resumed, load, load_each, replay, resume};

use super::writer::{Writer, sync_dir};
use super::{JOURNAL, JournalError, RUNBOOK, lock, reader};

/// Directory of the attempts in a session's directory.
pub const ATTEMPTS: &str = "attempts";

/// What the names of directories that are still being made begin with.
const UNFINISHED: &str = ".making-";

/// The home directory of all sessions: `ONBELAY_HOME`, else `$XDG_STATE_HOME/onbelay`, else `~/.local/state/onbelay`.
pub fn home(env: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, JournalError> {
    let given = |name: &str| env(name).filter(|text| !text.is_empty()).map(PathBuf::from);
    if let Some(home) = given("ONBELAY_HOME") {
        return std::path::absolute(&home).map_err(JournalError::io("find", home));
    }
    // The XDG specification has relative paths ignored.
    if let Some(state) = given("XDG_STATE_HOME").filter(|path| path.is_absolute()) {
        return Ok(state.join("onbelay"));
    }
    if let Some(user) = given("HOME").filter(|path| path.is_absolute()) {
        return Ok(user.join(".local/state/onbelay"));
    }
    let why = "there is no place for sessions: neither ONBELAY_HOME nor HOME is set; set ONBELAY_HOME to a directory of yours";
    Err(JournalError::NoSuchSession(why.to_owned()))
}

/// The id of a new session: `YYYYMMDD-HHMMSS-slug-xxxx`, UTC. `random` makes the last four characters.
#[must_use]
pub fn session_id(title: &str, at: Timestamp, random: [u8; 4]) -> SessionId {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let time = at.calendar().format("%Y%m%d-%H%M%S");
    let tail: String = random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    let words = short_slug(title);
    if words.is_empty() {
        return SessionId::new(format!("{time}-{tail}"));
    }
    SessionId::new(format!("{time}-{words}-{tail}"))
}

/// At most 40 characters of the title's slug, cut at a word where there is one.
fn short_slug(title: &str) -> String {
    const LONGEST: usize = 40;
    let mut words = slug(title);
    if words.len() > LONGEST {
        let at_word = words[..=LONGEST].rfind('-').filter(|at| *at > LONGEST / 2);
        words.truncate(at_word.unwrap_or(LONGEST));
    }
    words
}

/// The sessions of one home directory.
#[derive(Clone, Debug)]
pub struct Store {
    home: PathBuf,
}

impl Store {
    /// Takes a home directory, made if it is not there (mode 0700). Refuses one that others may write to.
    pub fn open(home: PathBuf) -> Result<Self, JournalError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&home)
            .map_err(JournalError::io("make the directory", &home))?;
        safety::check_home(&home)?;
        Ok(Self { home })
    }

    /// Takes a home directory to read from: where there is none, none is made, and it holds no sessions. It may be
    /// somebody else's; one that others than its owner may write to is refused.
    pub fn look(home: PathBuf) -> Result<Self, JournalError> {
        if home.try_exists().map_err(JournalError::io("look at", &home))? {
            safety::check_home_to_read(&home)?;
        }
        Ok(Self { home })
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
    pub fn create(&self, id: &SessionId, runbook: &[u8], first: &[Entry]) -> Result<Writer, JournalError> {
        let place = self.dir(id);
        if place.symlink_metadata().is_ok() {
            return Err(JournalError::Exists(id.to_string()));
        }
        let making = self.home.join(format!("{UNFINISHED}{id}"));
        let made = make_in(&making, runbook, first).and_then(|mut writer| {
            fs::rename(&making, &place).map_err(JournalError::io("put in place", &place))?;
            sync_dir(&self.home).map_err(JournalError::io("sync", &self.home))?;
            writer.moved_to(&place);
            Ok(writer)
        });
        if made.is_err() {
            // Nobody has seen it; what cannot be removed is never taken for a session.
            let _ = fs::remove_dir_all(&making);
        }
        made
    }

    /// The directory of the one session that `name` (an id, or a part of one that fits no other) means.
    pub fn find(&self, name: &str) -> Result<PathBuf, JournalError> {
        const MOST_NAMED: usize = 10;
        let mut ids = self.ids()?;
        if ids.iter().any(|id| id == name) {
            return Ok(self.home.join(name));
        }
        ids.retain(|id| id.contains(name));
        ids.sort_unstable_by(|a, b| b.cmp(a));
        let shown = text::clean(name);
        match ids.as_slice() {
            [] => Err(JournalError::NoSuchSession(format!(
                "there is no session “{shown}” in {}; see: onbelay list",
                self.home.display()
            ))),
            [id] => Ok(self.home.join(id)),
            several => {
                let more = several.len().saturating_sub(MOST_NAMED);
                let named: Vec<String> =
                    several.iter().take(MOST_NAMED).map(|id| format!("\n  {}", text::clean(id))).collect();
                let rest = if more > 0 { format!("\n  and {more} more") } else { String::new() };
                Err(JournalError::NoSuchSession(format!(
                    "“{shown}” fits {} sessions; say more of the one you mean:{}{rest}",
                    several.len(),
                    named.concat()
                )))
            }
        }
    }

    /// Names of all session directories, in no order.
    fn ids(&self) -> Result<Vec<String>, JournalError> {
        let unreadable = || JournalError::io("read the directory", &self.home);
        let mut ids = Vec::new();
        let all = match fs::read_dir(&self.home) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(ids),
            all => all.map_err(unreadable())?,
        };
        for found in all {
            let found = found.map_err(unreadable())?;
            let name = found.file_name().into_string();
            let is_dir = found.file_type().is_ok_and(|kind| kind.is_dir());
            ids.extend(name.ok().filter(|name| is_dir && !name.starts_with('.')));
        }
        Ok(ids)
    }
}

fn make_in(dir: &Path, runbook: &[u8], first: &[Entry]) -> Result<Writer, JournalError> {
    let share = first.iter().find_map(|entry| match &entry.event {
        Event::SessionOpened(opened) => opened.share.as_ref(),
        _ => None,
    });
    let mode = |path: &Path| {
        DirBuilder::new().mode(0o700).create(path).map_err(JournalError::io("make the directory", path))
    };
    mode(dir)?;
    mode(&dir.join(ATTEMPTS))?;
    let copy = dir.join(RUNBOOK);
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o400)
        .open(&copy)
        .and_then(|mut file| file.write_all(runbook).and_then(|()| file.sync_all()))
        .map_err(JournalError::io("write", &copy))?;
    if share.is_some() {
        sharing::make_locks(dir)?;
    }
    let mut writer = Writer::make(dir)?;
    writer.append(first)?;
    if let Some(group) = share {
        sharing::give_session(dir, group)?;
    }
    sync_dir(dir).map_err(JournalError::io("sync", dir))?;
    Ok(writer)
}

/// Does a host hold the lock of the session in `dir`?
pub fn host_alive(dir: &Path) -> Result<bool, JournalError> {
    let path = dir.join(JOURNAL);
    lock::is_held(dir, &reader::open(&path)?).map_err(JournalError::io("look at the lock of", path))
}
