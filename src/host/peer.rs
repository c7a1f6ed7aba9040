//! Who is at the other end of a socket: the kernel's word for every byte, never theirs. SHELL.
//!
//! The account of a connection is the one that opened it, and a connection can be handed on. So the kernel is asked to
//! put the sender's process and account beside whatever is read; it never gives bytes of two senders at once.

mod accounts;
mod login;

use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, UnixCredentials, getsockopt, recvmsg, setsockopt, sockopt,
};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

pub(super) use accounts::{Account, Circle, NOBODY, account, home_of, person};
pub(super) use login::{Login, login_of, own_login};

/// Connections that may wait to be taken in.
const WAITING: i32 = 128;

/// The process and the account behind some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sender {
    /// The process; 0 where it cannot be seen from here (another process namespace).
    pub(super) pid: i32,
    /// Its account.
    pub(super) uid: u32,
}

/// Listens at `path`; whoever connects is attested from the first byte on.
pub(super) fn listen(path: &Path) -> std::io::Result<UnixListener> {
    let socket: OwnedFd =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // Before anybody can connect: a connection takes this over from the socket it was made to.
    attest(&socket)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    rustix::net::listen(&socket, WAITING)?;
    Ok(UnixListener::from(socket))
}

/// Has the kernel say who sent what is read from now on.
pub(super) fn attest(socket: impl AsFd) -> std::io::Result<()> {
    Ok(setsockopt(&socket, sockopt::PassCred, &true)?)
}

/// The account that opened a connection.
pub(super) fn opened_by(stream: &UnixStream) -> Result<u32, String> {
    getsockopt(stream, sockopt::PeerCredentials)
        .map(|found| found.uid())
        .map_err(|e| format!("the kernel does not say who you are: {}", e.desc()))
}

/// One read from an attested socket: how many bytes, and who sent them.
pub(super) fn read(stream: &UnixStream, buffer: &mut [u8]) -> std::io::Result<(usize, Option<Sender>)> {
    // Room for the sender and nothing else: who sends descriptors along is not served, and they are not taken.
    let mut room = nix::cmsg_space!(UnixCredentials);
    let mut parts = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let came = recvmsg::<()>(stream.as_raw_fd(), &mut parts, Some(&mut room), flags)?;
    let sender = came.cmsgs()?.find_map(|message| match message {
        ControlMessageOwned::ScmCredentials(found) => Some(Sender { pid: found.pid(), uid: found.uid() }),
        _ => None,
    });
    Ok((came.bytes, sender))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::time::Duration;

    use super::*;

    fn pair() -> (tempfile::TempDir, UnixStream, UnixStream) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let listener = listen(&path).unwrap();
        let ours = UnixStream::connect(&path).unwrap();
        (dir, ours, listener.accept().unwrap().0)
    }

    #[test]
    fn what_was_sent_before_the_connection_was_taken_in_has_a_sender() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let listener = listen(&path).unwrap();
        let mut early = UnixStream::connect(&path).unwrap();
        early.write_all(b"early").unwrap();
        let (taken, _) = listener.accept().unwrap();
        let mut buffer = [0; 16];
        let pid = i32::try_from(std::process::id()).unwrap();
        let uid = rustix::process::getuid().as_raw();
        assert_eq!(read(&taken, &mut buffer).unwrap(), (5, Some(Sender { pid, uid })));
        assert_eq!(opened_by(&taken), Ok(uid));
    }

    #[test]
    fn a_read_that_waits_in_vain_ends_and_the_end_names_nobody() {
        let (_dir, ours, theirs) = pair();
        theirs.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let mut buffer = [0; 16];
        assert_eq!(read(&theirs, &mut buffer).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        drop(ours);
        let (bytes, sender) = read(&theirs, &mut buffer).unwrap();
        assert_eq!(bytes, 0);
        assert!(sender.is_none_or(|sender| sender.pid == 0));
    }

    #[test]
    fn bytes_of_two_processes_do_not_come_in_one_read() {
        let (_dir, mut ours, theirs) = pair();
        ours.write_all(b"one").unwrap();
        let handed_on = OwnedFd::from(ours.try_clone().unwrap());
        let mut other = std::process::Command::new("printf");
        let mut other = other.arg("two").stdout(handed_on).spawn().unwrap();
        let pid = i32::try_from(other.id()).unwrap();
        assert!(other.wait().unwrap().success());
        let mut buffer = [0; 16];
        let (bytes, first) = read(&theirs, &mut buffer).unwrap();
        assert_eq!(&buffer[..bytes], b"one");
        let (bytes, second) = read(&theirs, &mut buffer).unwrap();
        assert_eq!(&buffer[..bytes], b"two");
        assert_eq!(second.unwrap().pid, pid);
        assert_ne!(first, second);
    }

    #[test]
    fn descriptors_that_are_sent_along_are_not_taken_and_end_it() {
        use nix::sys::socket::{ControlMessage, sendmsg};
        let (_dir, ours, theirs) = pair();
        let (mut kept, sent) = UnixStream::pair().unwrap();
        let fds = [sent.as_raw_fd()];
        let parts = [std::io::IoSlice::new(b"x")];
        sendmsg::<()>(ours.as_raw_fd(), &parts, &[ControlMessage::ScmRights(&fds)], MsgFlags::empty(), None)
            .unwrap();
        drop(sent);
        let mut buffer = [0; 16];
        assert!(read(&theirs, &mut buffer).is_err());
        // Nobody holds the other end any more.
        kept.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        assert_eq!(kept.read(&mut buffer).unwrap(), 0);
    }
}
