//! Whose host answers: the kernel's word for who serves a socket, held against whose directory it lies in. SHELL.
//!
//! Everything that a host says of itself can be copied. Who is lured to a copy of a shared session, in a directory of
//! somebody else's, must learn of it before anything is said or given there.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::{Uid, User, geteuid};
use rustix::fs::AtFlags;

use crate::wire::messages::Welcome;

use super::ClientError;

/// The file that tells the walk, in a session's directory.
const JOURNAL: &str = "journal.jsonl";

/// An account's name; its number where it has none.
pub(super) fn name_of(uid: u32) -> String {
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    user.map_or_else(|| format!("account {uid}"), |user| user.name)
}

fn served_by(stream: &UnixStream) -> Result<u32, ClientError> {
    getsockopt(stream, sockopt::PeerCredentials)
        .map(|found| found.uid())
        .map_err(|e| ClientError::io("ask who serves the session's socket")(e.into()))
}

/// Refuses a connection that is not served by the account to which the session's directory and its journal belong.
/// Which account that is. `handle`: the directory through which the socket was found.
pub(super) fn serves_its_own(dir: &Path, handle: &File, stream: &UnixStream) -> Result<u32, ClientError> {
    let look = |e: rustix::io::Errno| ClientError::io(format!("look at {}", dir.display()))(e.into());
    let owner = rustix::fs::fstat(handle.as_fd()).map_err(look)?.st_uid;
    let journal = match rustix::fs::statat(handle, JOURNAL, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => found.st_uid,
        // A directory without one is no session of anybody's; what its host says decides.
        Err(rustix::io::Errno::NOENT) => owner,
        Err(e) => return Err(look(e)),
    };
    let served = served_by(stream)?;
    match not_its_host(owner, journal, served, name_of) {
        None => Ok(owner),
        Some(why) => Err(ClientError::Wrong { why: format!("{} {why}", dir.display()) }),
    }
}

/// Why whoever serves is not the host of the session; `None`: it is.
fn not_its_host(owner: u32, journal: u32, served: u32, name: impl Fn(u32) -> String) -> Option<String> {
    if served != owner {
        return Some(format!(
            "belongs to {}, but {} serves the socket in it: that is not the session's host. Nothing was said to it; ask {} \
             before you go on",
            name(owner),
            name(served),
            name(owner)
        ));
    }
    (journal != owner).then(|| {
        format!(
            "belongs to {}, but the journal in it to {}: it is a copy, and not a session of {}'s",
            name(owner),
            name(journal),
            name(journal)
        )
    })
}

/// Refuses a session that says it was started by somebody to whom its directory does not belong: a host runs as whoever
/// started it.
pub(super) fn started_it(dir: &Path, owner: u32, welcome: &Welcome) -> Result<(), ClientError> {
    let said = &welcome.session.opened.operator;
    if said.uid == Some(owner) {
        return Ok(());
    }
    let said = crate::text::clean(&said.name);
    let why = format!(
        "{} belongs to {}, and says that {said} started the session: it is not {said}'s. Do not go on there; ask {said} for \
         the line to join with",
        dir.display(),
        name_of(owner)
    );
    Err(ClientError::Wrong { why })
}

/// Refuses to hand a secret to a host of another account, which could keep it.
pub(super) fn may_have_secrets(stream: &UnixStream) -> Result<(), ClientError> {
    let served = served_by(stream)?;
    if served == geteuid().as_raw() {
        return Ok(());
    }
    let name = name_of(served);
    let why = format!(
        "the secret was not sent: this session's host is {name}'s, and would have it; only {name} gives it secrets"
    );
    Err(ClientError::Wrong { why })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(owner: u32, journal: u32, served: u32) -> Option<String> {
        not_its_host(owner, journal, served, |uid| ["root", "dana", "osam"][uid as usize].to_owned())
    }

    #[test]
    fn only_the_owner_of_directory_and_journal_serves_a_session() {
        assert_eq!(why(1, 1, 1), None);
        assert_eq!(why(0, 0, 0), None);
        assert!(why(1, 1, 2).unwrap().starts_with("belongs to dana, but osam serves the socket in it"));
        assert!(why(2, 1, 2).unwrap().starts_with("belongs to osam, but the journal in it to dana"));
        // Not even root serves what is not its own, nor in its own what is somebody else's.
        assert!(why(1, 1, 0).is_some() && why(0, 1, 0).is_some());
    }
}
