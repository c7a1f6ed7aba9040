//! Who is at the other end of a socket: the kernel's word, never theirs. SHELL.

use std::os::unix::net::UnixStream;

use nix::unistd::{Uid, User};
use rustix::net::sockopt::socket_peercred;

use crate::session::Person;

/// The account at the other end; a sentence where it may not be here. Only the session's owner and root may.
pub(super) fn person_of(stream: &UnixStream, owner: u32) -> Result<Person, String> {
    let credentials =
        socket_peercred(stream).map_err(|e| format!("the kernel does not say who you are: {e}"))?;
    let person = person(credentials.uid.as_raw());
    if person.uid == Some(owner) || person.uid == Some(0) {
        Ok(person)
    } else {
        Err(format!(
            "this session belongs to {}; {} may not attach to it",
            self::person(owner).name,
            person.name
        ))
    }
}

/// An account with its name from the system's own database; its number where it has no name.
pub(super) fn person(uid: u32) -> Person {
    let name = match User::from_uid(Uid::from_raw(uid)) {
        Ok(Some(user)) => user.name,
        _ => format!("uid {uid}"),
    };
    Person { name, uid: Some(uid), login: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_knows_us() {
        let (a, _b) = UnixStream::pair().unwrap();
        let me = rustix::process::getuid().as_raw();
        assert_eq!(person_of(&a, me).unwrap().uid, Some(me));
        if me != 0 {
            assert!(person_of(&a, me + 1).is_err());
        }
    }
}
