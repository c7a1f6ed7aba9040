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

/// In a sentence, that the file which a walk was started from is not what is walked any more. One that is gone, or that this
/// account may not read, is not known to be another.
#[must_use]
pub fn differs(dir: &Path, opened: &Opened) -> Option<String> {
    let path = Path::new(&opened.path);
    path.metadata().ok().filter(|about| about.is_file() && about.len() < MOST)?;
    let now = std::fs::read(path).ok()?;
    (digest::of_bytes(&now) != opened.sha256).then(|| {
        let copy = quoted(&dir.join(RUNBOOK).display().to_string());
        format!(
            "{} was changed since the start; what is walked is the copy from then:  diff {copy} {}",
            shown(path),
            quoted(&opened.path)
        )
    })
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
