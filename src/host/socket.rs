//! The socket in a session's directory. SHELL. Bound through `/proc/self/fd`, so that the path may be of any length.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags};

use crate::access;
use crate::journal::store::sharing::DOOR;

use super::HostError;

/// How a file that is locked is opened: it is no link and no pipe.
const RDWR: OFlags = OFlags::RDWR.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK);

/// Name of the socket in a session's directory.
pub(super) const SOCKET: &str = "socket";

/// A session's directory, held open.
#[derive(Debug)]
pub(super) struct SessionDir {
    handle: File,
    /// What is locked instead of the directory where others can open that: whoever can open it can lock it.
    door: Option<File>,
}

/// Name of the file that is locked while a session is begun among others.
const HOME_LOCK: &str = ".lock";

impl SessionDir {
    /// Opens it. It must be ours, and nobody else may write to it.
    pub(super) fn open(dir: &Path) -> Result<Self, HostError> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = rustix::fs::open(dir, flags, Mode::empty())
            .map_err(|e| HostError::io(format!("open {}", dir.display()))(e.into()))?;
        let stat = rustix::fs::fstat(&handle)
            .map_err(|e| HostError::io(format!("look at {}", dir.display()))(e.into()))?;
        let me = rustix::process::geteuid().as_raw();
        if stat.st_uid != me {
            return Err(HostError::Wrong(format!(
                "{} belongs to another account ({}); a session is walked by the account that started it",
                dir.display(),
                super::peer::person(stat.st_uid).name
            )));
        }
        if stat.st_mode & 0o022 != 0 {
            return Err(HostError::Wrong(format!(
                "others may write to {}; make it safe with: chmod 700 {}",
                dir.display(),
                dir.display()
            )));
        }
        let door = match rustix::fs::openat(&handle, DOOR, RDWR | OFlags::CLOEXEC, Mode::empty()) {
            Ok(door) => Some(File::from(door)),
            Err(rustix::io::Errno::NOENT) => None,
            Err(e) => return Err(HostError::io(format!("open {}", dir.join(DOOR).display()))(e.into())),
        };
        Ok(Self { handle: File::from(handle), door })
    }

    /// Opens the directory of all sessions, and what is locked in it.
    pub(super) fn open_home(dir: &Path) -> Result<Self, HostError> {
        let home = Self::open(dir)?;
        let flags = RDWR | OFlags::CREATE | OFlags::CLOEXEC;
        let lock = rustix::fs::openat(&home.handle, HOME_LOCK, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|e| HostError::io(format!("make {}", dir.join(HOME_LOCK).display()))(e.into()))?;
        Ok(Self { door: Some(File::from(lock)), ..home })
    }

    fn locked(&self) -> &File {
        self.door.as_ref().unwrap_or(&self.handle)
    }

    /// Waits until no other host is about to start or end here, and keeps it so until [`Self::unlock`] or the end of
    /// this process. A kernel lock on the directory itself, or on a file of the owner's in it: the journal's lock says
    /// who is the host, this one only that somebody is becoming or ceasing to be it.
    pub(super) fn lock(&self) -> Result<(), HostError> {
        rustix::fs::flock(self.locked(), FlockOperation::LockExclusive)
            .map_err(|e| HostError::io("lock the session's directory")(e.into()))
    }

    /// As [`Self::lock`] without waiting: is it ours?
    pub(super) fn try_lock(&self) -> bool {
        rustix::fs::flock(self.locked(), FlockOperation::NonBlockingLockExclusive).is_ok()
    }

    /// Lets others start or end.
    pub(super) fn unlock(&self) {
        let _ = rustix::fs::flock(self.locked(), FlockOperation::Unlock);
    }

    /// Listens. What a dead host left is cleared away; anything that is no socket is left alone and refused.
    /// Only whoever holds the journal's lock may call this. `share`: number of the group that may connect.
    pub(super) fn listen(&self, share: Option<u32>) -> Result<UnixListener, HostError> {
        match rustix::fs::statat(&self.handle, SOCKET, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Socket => self.remove(),
            Ok(stat) => {
                let what = format!("{:?}", FileType::from_raw_mode(stat.st_mode)).to_lowercase();
                return Err(HostError::Wrong(format!(
                    "there is a {what} called `{SOCKET}` in the session's directory that onbelay did not make; move it away"
                )));
            }
            Err(rustix::io::Errno::NOENT) => {}
            Err(e) => return Err(HostError::io("look at the session's socket")(e.into())),
        }
        let path = format!("/proc/self/fd/{}/{SOCKET}", self.handle.as_raw_fd());
        let listener =
            super::peer::listen(path.as_ref()).map_err(HostError::io("make the session's socket"))?;
        // The process's mask is 077 already; this holds where a file system has ideas of its own.
        rustix::fs::chmodat(&self.handle, SOCKET, Mode::RUSR | Mode::WUSR, AtFlags::empty())
            .map_err(|e| HostError::io("protect the session's socket")(e.into()))?;
        if let Some(gid) = share {
            access::give_socket(&self.handle, SOCKET, gid)
                .map_err(HostError::io("give the session's socket to the group"))?;
        }
        Ok(listener)
    }

    /// Takes the socket away.
    pub(super) fn remove(&self) {
        let _ = rustix::fs::unlinkat(&self.handle, SOCKET, AtFlags::empty());
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
    use std::os::unix::net::UnixStream;

    use super::*;

    fn private_dir() -> tempfile::TempDir {
        tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o700)).tempdir().unwrap()
    }

    #[test]
    fn s5_a_stale_socket_is_cleared_away_and_anything_else_is_left_alone() {
        let dir = private_dir();
        let session = SessionDir::open(dir.path()).unwrap();
        drop(session.listen(None).unwrap());
        let path = dir.path().join(SOCKET);
        assert!(path.symlink_metadata().unwrap().file_type().is_socket(), "a dead host leaves its socket");
        let _second = session.listen(None).unwrap();
        UnixStream::connect(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);

        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "mine").unwrap();
        assert!(matches!(session.listen(None), Err(HostError::Wrong(_))), "S5: a file");
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/nowhere", &path).unwrap();
        assert!(matches!(session.listen(None), Err(HostError::Wrong(_))), "S5: a link");
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(matches!(session.listen(None), Err(HostError::Wrong(_))), "S5: a directory");
    }

    #[test]
    fn a_path_longer_than_a_socket_address_is_no_hindrance() {
        let dir = private_dir();
        let deep = dir.path().join("d".repeat(200)).join("e".repeat(200));
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::set_permissions(&deep, std::fs::Permissions::from_mode(0o700)).unwrap();
        SessionDir::open(&deep).unwrap().listen(None).unwrap();
    }

    #[test]
    fn s5_a_directory_that_others_may_write_to_is_refused() {
        let dir = private_dir();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(SessionDir::open(dir.path()), Err(HostError::Wrong(_))));
    }

    #[test]
    fn s5_a_directory_of_another_account_is_refused_and_left_as_it_is() {
        if !rustix::process::geteuid().is_root() {
            // Nobody else may give a directory away.
            return;
        }
        let dir = private_dir();
        let other = 65_534;
        std::os::unix::fs::chown(dir.path(), Some(other), None).unwrap();
        let Err(HostError::Wrong(why)) = SessionDir::open(dir.path()) else { panic!("it was taken") };
        assert!(why.contains("belongs to another account"), "{why}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_directory_s_lock_is_for_one() {
        let dir = private_dir();
        let one = SessionDir::open(dir.path()).unwrap();
        let two = SessionDir::open(dir.path()).unwrap();
        one.lock().unwrap();
        assert!(!two.try_lock());
        one.unlock();
        assert!(two.try_lock());
    }
}
