//! Which session is meant, and where sessions are. SHELL.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::client::{ClientError, session_word};
use crate::journal::reader::Tail;
use crate::journal::store::{self, Listed, Loaded, SessionState, Store};
use crate::journal::{JOURNAL, JournalError};
use crate::runbook::Value;
use crate::session::Session;
use crate::session::event::Opened;
use crate::text::clean;

use super::exit::{Exit, Failure};
use super::file::shown;
use super::words::quoted;

/// What a verb does when several sessions are open and none was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfSeveral {
    /// Takes the newest.
    Newest,
    /// Refuses, with the list.
    Refuse,
}

/// The sessions where this account keeps its own, to be found and read; no directory is made.
pub fn store() -> Result<Store, Failure> {
    let home = store::home(|name| std::env::var_os(name))?;
    Ok(Store::look(home)?)
}

/// The directory of the session that is meant.
pub fn pick(name: Option<&str>, if_several: IfSeveral) -> Result<PathBuf, Failure> {
    match name {
        Some(name) => find(name),
        None => choose(&store()?.list()?.sessions, if_several).map(Path::to_path_buf),
    }
}

/// The directory of the session of this name: its id, a part of it, or, with a `/` in it, a path: the session's
/// directory, or the directory that holds it and a part of its id.
pub fn find(name: &str) -> Result<PathBuf, Failure> {
    if !name.contains('/') {
        return Ok(store()?.find(name)?);
    }
    let path = std::path::absolute(name)
        .map_err(|e| Failure::wrong(format!("{} cannot be found: {e}", clean(name))))?;
    // As one path, whatever slashes it ends with.
    let path: PathBuf = path.components().collect();
    match path.join(JOURNAL).symlink_metadata() {
        Ok(_) => return Ok(path),
        Err(e) if is_not_there(&e) => {}
        Err(e) => return Err(JournalError::io("look at", path)(e).into()),
    }
    let (Some(home), Some(part), false) = (path.parent(), path.file_name(), path.is_dir()) else {
        return Err(Failure::wrong(format!(
            "{} holds no session: there is no {JOURNAL} in it",
            shown(&path)
        )));
    };
    Ok(Store::look(home.to_owned())?.find(&part.to_string_lossy())?)
}

/// As [`find`]; also the name of a directory that holds a session, with no `/` in it.
pub fn find_or_directory(name: &str) -> Result<PathBuf, Failure> {
    if Path::new(name).join(JOURNAL).exists() { Ok(PathBuf::from(name)) } else { find(name) }
}

/// How the session in `dir` is called wherever somebody is told what to type: by its path where they may have to look
/// elsewhere than this account usually does. Not quoted.
#[must_use]
pub fn called(dir: &Path, session: &Session) -> String {
    session_word(dir, session.opened.share.is_some(), is_in_usual_home(dir))
}

/// The path by which a session was named, ready for a shell; `None`: it was not named by one.
#[must_use]
pub fn named_by_path(given: Option<&str>) -> Option<String> {
    given.filter(|given| given.contains('/')).map(|path| clean(&quoted(path)).into_owned())
}

/// Is the session where a terminal of this account looks for sessions, unless a variable of it says otherwise?
#[must_use]
pub fn is_in_usual_home(dir: &Path) -> bool {
    let usual = store::home(|name| std::env::var_os(name).filter(|_| name != "ONBELAY_HOME"));
    usual.is_ok_and(|home| dir.parent() == Some(home.as_path()))
}

/// Was something only to be read?
fn reads(doing: &str) -> bool {
    ["look", "open", "read"].iter().any(|word| doing.starts_with(word))
}

/// What cannot be read because it is somebody else's: whom to ask.
fn not_shared(path: &Path) -> Option<Failure> {
    let there = path.ancestors().find_map(|above| Some((above, above.symlink_metadata().ok()?)));
    let (_, found) = there.filter(|(_, found)| found.uid() != nix::unistd::geteuid().as_raw())?;
    let owner = nix::unistd::User::from_uid(found.uid().into()).ok().flatten();
    let owner = owner.map_or_else(|| format!("account {}", found.uid()), |user| user.name);
    Some(Failure::wrong(format!(
        "{} is not shared with you: it belongs to {owner}. A session is shared with a group when it is started \
         (`onbelay run --share GROUP`); who was added to the group since has to log in anew",
        shown(path)
    )))
}

/// The session that is meant where none was named.
fn choose(sessions: &[Listed], if_several: IfSeveral) -> Result<&Path, Failure> {
    let open: Vec<&Listed> = sessions.iter().filter(|session| is_open(session.state)).collect();
    match (open.as_slice(), if_several) {
        ([only], _) | ([only, ..], IfSeveral::Newest) => Ok(&only.dir),
        ([], IfSeveral::Newest) => match sessions {
            [newest, ..] => Ok(&newest.dir),
            [] => Err(Failure::wrong("there is no session yet; `onbelay run FILE` starts one")),
        },
        ([], IfSeveral::Refuse) => Err(Failure::wrong(match sessions {
            [newest, ..] => {
                format!("no session is open; say which one is meant (the newest is {})", newest.id)
            }
            [] => "there is no session yet; `onbelay run FILE` starts one".to_owned(),
        })),
        (several, IfSeveral::Refuse) => {
            let mut lines = vec!["several sessions are open; say which one is meant:".to_owned()];
            lines.extend(several.iter().map(|one| format!("  {}  {}", one.id, clean(&one.opened.title))));
            Err(Failure::wrong(lines.join("\n")))
        }
    }
}

/// A session whose log does not fit is read, never gone on with.
pub fn must_be_whole(loaded: &Loaded) -> Result<(), Failure> {
    let Tail::Damaged(fault) = &loaded.tail else { return Ok(()) };
    Err(Failure::machine(format!(
        "the log of session {} is damaged: {fault}\nnothing more is written to it and nothing starts; `status`, `log` \
         and `report` still read it, `verify` says more",
        loaded.session.id
    )))
}

/// Can a session whose host is gone go on with another host? Else a sentence says why not.
pub fn can_go_on(dir: &Path) -> Result<(), String> {
    let loaded = store::load(dir).map_err(|error| Failure::from(error).said)?;
    must_be_whole(&loaded).map_err(|failure| failure.said)?;
    if is_open(loaded.state) {
        return Ok(());
    }
    Err(format!(
        "the session is {} and its host has gone; nothing more happens in it",
        state_word(loaded.state)
    ))
}

/// Is it neither finished nor aborted?
#[must_use]
pub fn is_open(state: SessionState) -> bool {
    matches!(state, SessionState::Open | SessionState::Held | SessionState::Lost)
}

/// What tells a session from others of the same runbook: the values it was started with, cleaned, cut with a mark.
#[must_use]
pub fn told_apart(opened: &Opened) -> String {
    const MOST: usize = 60;
    let values = opened.values.iter().map(|(name, value)| match value {
        Value::Text(text) => format!("{name}={text}"),
        Value::List(items) => format!("{name}={}", items.join(",")),
    });
    let all = values.collect::<Vec<_>>().join(" ");
    crate::tui::view::shape::fit(&clean(&all), MOST).into_owned()
}

/// The word for how a session fares.
#[must_use]
pub fn state_word(state: SessionState) -> &'static str {
    match state {
        SessionState::Open => "open",
        SessionState::Held => "held",
        SessionState::Finished => "finished",
        SessionState::Aborted => "aborted",
        SessionState::Lost => "lost",
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        let exit = match &error {
            JournalError::NoSuchSession(_)
            | JournalError::NotShareable(_)
            | JournalError::TooLong { .. }
            | JournalError::Newer { .. } => Exit::Wrong,
            JournalError::Io { doing, path, source }
                if source.kind() == io::ErrorKind::PermissionDenied && reads(doing) =>
            {
                if let Some(failure) = not_shared(path) {
                    return failure;
                }
                Exit::Machine
            }
            JournalError::Io { path, source, .. } if path.ends_with(JOURNAL) && is_not_there(source) => {
                let dir = path.parent().unwrap_or(path).to_string_lossy();
                return Self::wrong(format!("{} holds no session: there is no {JOURNAL} in it", clean(&dir)));
            }
            _ => Exit::Machine,
        };
        Self { exit, said: error.to_string() }
    }
}

fn is_not_there(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = match &error {
            ClientError::Same { .. } => Exit::No,
            ClientError::Wrong { .. }
            | ClientError::Versions { .. }
            | ClientError::NotShared { .. }
            | ClientError::OnlyItsOwner { .. } => Exit::Wrong,
            _ => Exit::Machine,
        };
        Self { exit, said: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_without_a_journal_is_a_wrong_call() {
        let dir = tempfile::tempdir().unwrap();
        let error = crate::journal::verify::verify(dir.path(), None).unwrap_err();
        let failure = Failure::from(error);
        assert_eq!(failure.exit, Exit::Wrong);
        assert!(failure.said.contains("holds no session"), "{failure}");
    }
}
