//! Reads the files that people name: bounded, regular files only. SHELL.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::journal::RUNBOOK;
use crate::runbook::{self, Runbook, digest};
use crate::session::Opened;
use crate::session::command::SIGNERS_OF_THE_MACHINE;
use crate::text::clean;

use super::exit::Failure;
use super::out::say;
use super::words::quoted;

/// The most that is read, bytes: one more than a runbook may have, so that one too large is seen to be.
const MOST: u64 = (1 << 20) + 1;

/// A path as messages show it.
#[must_use]
pub fn shown(path: &Path) -> String {
    clean(&path.to_string_lossy()).into_owned()
}

/// The bytes of a file, at most `MOST`.
pub fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let name = shown(path);
    let cannot = |error: std::io::Error| Failure::wrong(format!("cannot read {name}: {error}"));
    // Opening a FIFO would wait for a writer; nobody means one.
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(nonblock).open(path).map_err(cannot)?;
    let about = file.metadata().map_err(cannot)?;
    if about.is_dir() {
        return Err(Failure::wrong(format!("{name} is a directory; name a runbook's file")));
    }
    if !about.is_file() {
        return Err(Failure::wrong(format!("{name} is no regular file; save it as one first")));
    }
    if let Some(who) = who_else_may_change(&about) {
        say(format!("warning: {who} may change {name}; what is walked is a copy of it as it is now"));
    }
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes).map_err(cannot)?;
    Ok(bytes)
}

/// In a sentence, that the file which a walk was started from is not what is walked any more; it is still to be cleaned. One
/// that is gone, or that this account may not read, is not known to be another, unless its length says so.
#[must_use]
pub fn differs(dir: &Path, opened: &Opened) -> Option<String> {
    let (path, copy) = (Path::new(&opened.path), dir.join(RUNBOOK));
    let length = path.metadata().ok().filter(Metadata::is_file)?.len();
    let is_other = copy.metadata().is_ok_and(|copy| copy.len() != length)
        || digest::of_bytes(&beginning(path)?) != opened.sha256;
    is_other.then(|| {
        format!(
            "{} was changed since the start; what is walked is the copy from then:  diff {} {}",
            opened.path,
            quoted(&copy.display().to_string()),
            quoted(&opened.path)
        )
    })
}

/// As much of a file as a runbook may have, and a byte more.
fn beginning(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MOST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Who may change a file besides the one who reads it, and root.
fn who_else_may_change(about: &Metadata) -> Option<String> {
    let me = rustix::process::geteuid().as_raw();
    let owner = || nix::unistd::User::from_uid(about.uid().into()).ok().flatten().map(|user| user.name);
    if about.mode() & 0o002 != 0 {
        return Some("everyone on this machine".to_owned());
    }
    if about.uid() != me && about.uid() != 0 {
        let owner = owner().unwrap_or_else(|| format!("account {}", about.uid()));
        return Some(format!("{owner}, whose file it is,"));
    }
    if about.mode() & 0o020 != 0 {
        let group = nix::unistd::Group::from_gid(about.gid().into()).ok().flatten();
        // A group of the account's own name has nobody else in it: so Debian makes accounts.
        if group.as_ref().is_some_and(|group| group.mem.is_empty() && owner().as_ref() == Some(&group.name)) {
            return None;
        }
        let group = group.map_or_else(|| about.gid().to_string(), |group| group.name);
        return Some(format!("everyone in the group {group}"));
    }
    None
}

/// Why no other file may be named: the machine's administrator laid one down.
fn set_aside(machine: &Path) -> Option<Failure> {
    if machine.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return None;
    }
    let name = shown(machine);
    Some(Failure::wrong(format!(
        "which keys may sign on this machine stands in {name}, and it alone counts; start without --allowed-signers"
    )))
}

/// A file of keys that may sign approvals, as it is put on record: its whole path. It is read when somebody approves; what
/// would be refused then is refused now.
pub fn signers(path: &Path) -> Result<String, Failure> {
    set_aside(Path::new(SIGNERS_OF_THE_MACHINE)).map_or(Ok(()), Err)?;
    let name = shown(path);
    let cannot = |error: std::io::Error| Failure::wrong(format!("cannot read {name}: {error}"));
    let path = std::path::absolute(path).map_err(cannot)?;
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let about =
        File::options().read(true).custom_flags(nonblock).open(&path).and_then(|file| file.metadata());
    let about = about.map_err(cannot)?;
    if !about.is_file() {
        return Err(Failure::wrong(format!(
            "{name} is no regular file; keys are listed in one, a line each"
        )));
    }
    let me = rustix::process::geteuid().as_raw();
    if about.uid() != 0 && about.uid() != me {
        let owner = nix::unistd::User::from_uid(about.uid().into()).ok().flatten();
        let owner = owner.map_or_else(|| format!("account {}", about.uid()), |user| user.name);
        return Err(Failure::wrong(format!(
            "{name} belongs to {owner}, who could add keys to it; name a file of yours or of root"
        )));
    }
    if about.mode() & 0o022 != 0 {
        return Err(Failure::wrong(format!(
            "others may write to {name} (mode {:04o}), and so add keys to it; run: chmod go-w {name}",
            about.mode() & 0o7777
        )));
    }
    path.into_os_string()
        .into_string()
        .map_err(|_| Failure::wrong(format!("the name of {name} is not UTF-8; call it something else")))
}

/// A runbook with its text; everything wrong with it is said at once.
pub fn runbook(path: &Path) -> Result<(Vec<u8>, Runbook), Failure> {
    let bytes = bytes(path)?;
    let runbook = runbook::read(&bytes, &path.to_string_lossy())
        .map_err(|problems| Failure::wrong(problems.render(colour_of_stderr()).trim_end().to_owned()))?;
    Ok((bytes, runbook))
}

/// May colour be used on stderr?
#[must_use]
pub fn colour_of_stderr() -> bool {
    use std::io::IsTerminal as _;
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::bench::Bench;

    /// A session's directory with its copy, and what was opened from this file.
    fn walked(dir: &Path, path: &Path, text: &str) -> Opened {
        std::fs::write(path, text).unwrap();
        std::fs::write(dir.join(RUNBOOK), text).unwrap();
        let opened = Bench::new("steps: [{ id: a, title: A, run: 'true' }]\n").session.opened.clone();
        let path = path.to_str().unwrap().to_owned();
        Opened { path, sha256: digest::of_bytes(text.as_bytes()), ..opened }
    }

    #[test]
    fn r5_a_file_that_has_grown_past_any_runbook_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("given.yaml");
        let opened = walked(dir.path(), &path, "title: A");
        assert_eq!(differs(dir.path(), &opened), None);
        std::fs::write(&path, "title: B").unwrap();
        assert!(differs(dir.path(), &opened).is_some(), "as long, and another");
        std::fs::write(&path, vec![b'#'; usize::try_from(MOST).unwrap() + 5]).unwrap();
        assert!(differs(dir.path(), &opened).is_some());
        std::fs::remove_file(&path).unwrap();
        assert_eq!(differs(dir.path(), &opened), None, "what is gone is not known to be another");
    }

    #[test]
    fn u1_a_path_is_told_as_it_is_and_cleaned_once_by_whoever_shows_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("odd\u{1b}[2J{U+1.yaml");
        let opened = walked(dir.path(), &path, "title: A");
        std::fs::write(&path, "title: B").unwrap();
        let said = differs(dir.path(), &opened).unwrap();
        assert_eq!(said.matches(path.to_str().unwrap()).count(), 2, "{said}");
        assert_eq!(clean(&said).matches("odd␛[2J{U+007B}U+1.yaml").count(), 2, "{said}");
    }

    #[test]
    fn what_an_administrator_laid_down_is_not_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        let machine = dir.path().join("allowed_signers");
        assert!(set_aside(&machine).is_none());
        std::fs::write(&machine, "").unwrap();
        let failure = set_aside(&machine).unwrap();
        assert_eq!(failure.exit, super::super::exit::Exit::Wrong);
        assert!(failure.said.contains(machine.to_str().unwrap()) && failure.said.contains("it alone counts"));
        // Nor where it cannot be seen whether there is one.
        assert!(set_aside(&machine.join("below")).is_some());
    }
}
