//! Giving a file of ours to a Unix group. SHELL.
//! It must not know sessions: it is told which file, which group, which mode.
//!
//! Everything goes through a descriptor that was opened without following a link, and both group and mode are set in so
//! many words: neither the starter's mask nor a setgid directory has a say. Entries of an access list go, for a mode
//! would bring them to life.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags};
use rustix::io::Errno;

/// Of a directory that a group may list and pass.
pub const DIRECTORY: u32 = 0o750;

/// Of a file that a group may read.
pub const FILE: u32 = 0o640;

/// Of a file that nobody may change, and a group may read.
pub const FIXED: u32 = 0o440;

/// Of a socket that a group may connect to.
pub const SOCKET: u32 = 0o660;

/// Gives an open file or directory to a group, with exactly this mode.
pub fn give(file: impl AsFd, gid: u32, mode: u32) -> io::Result<()> {
    let file = file.as_fd();
    for list in ["system.posix_acl_access", "system.posix_acl_default"] {
        match rustix::fs::fremovexattr(file, list) {
            Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
            Err(e) => return Err(e.into()),
        }
    }
    // The group first: the mode never speaks of another one.
    rustix::fs::fchown(file, None, Some(Gid::from_raw(gid)))?;
    rustix::fs::fchmod(file, Mode::from_raw_mode(mode))?;
    Ok(())
}

/// As [`give`], of the directory at `path`, which is no link.
pub fn give_dir(path: &Path, gid: u32) -> io::Result<()> {
    give(open_dir(path)?, gid, DIRECTORY)
}

/// Opens a directory that is no link.
pub fn open_dir(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

/// As [`give`], of the socket of this name in an open directory.
pub fn give_socket(dir: impl AsFd, name: &str, gid: u32) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let socket = rustix::fs::openat(dir, name, flags, Mode::empty())?;
    rustix::fs::chownat(&socket, "", None, Some(Gid::from_raw(gid)), AtFlags::EMPTY_PATH)?;
    // A descriptor that only names a file takes no fchmod; its own entry leads to the same file and no other.
    let itself = format!("/proc/self/fd/{}", socket.as_raw_fd());
    rustix::fs::chmodat(CWD, itself, Mode::from_raw_mode(SOCKET), AtFlags::empty())?;
    Ok(())
}

/// Makes a directory and what is missing above it, below `top`, which is there. For the owner alone; with a group, for
/// the group too.
pub fn make_dirs(top: &Path, dir: &Path, gid: Option<u32>) -> io::Result<()> {
    let mut missing: Vec<&Path> = dir.ancestors().take_while(|above| *above != top).collect();
    missing.reverse();
    for dir in missing {
        match DirBuilder::new().mode(0o700).create(dir) {
            Ok(()) => {}
            // Of two that make it at once one is second; both give it away.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => {}
            Err(e) => return Err(e),
        }
        if let Some(gid) = gid {
            give_dir(dir, gid)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.symlink_metadata().unwrap().mode() & 0o7777
    }

    fn own_gid() -> u32 {
        rustix::process::getegid().as_raw()
    }

    #[test]
    fn what_was_set_before_has_no_say() {
        let top = tempfile::tempdir().unwrap();
        std::fs::set_permissions(top.path(), std::fs::Permissions::from_mode(0o2700)).unwrap();
        let deep = top.path().join("attempts/1/items/2");
        make_dirs(top.path(), &deep, Some(own_gid())).unwrap();
        make_dirs(top.path(), &deep, Some(own_gid())).unwrap();
        for dir in ["attempts", "attempts/1", "attempts/1/items", "attempts/1/items/2"] {
            assert_eq!(mode(&top.path().join(dir)), DIRECTORY, "{dir}");
        }
        let file = deep.join("output");
        std::fs::write(&file, "").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o6666)).unwrap();
        give(File::open(&file).unwrap(), own_gid(), FILE).unwrap();
        assert_eq!(mode(&file), FILE);
        make_dirs(top.path(), &top.path().join("mine/too"), None).unwrap();
        assert_eq!(mode(&top.path().join("mine/too")) & 0o777, 0o700);
    }

    #[test]
    fn a_link_is_not_followed() {
        let top = tempfile::tempdir().unwrap();
        let (target, link) = (top.path().join("target"), top.path().join("link"));
        std::fs::create_dir(&target).unwrap();
        std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o700)).unwrap();
        symlink(&target, &link).unwrap();
        assert!(give_dir(&link, own_gid()).is_err());
        assert_eq!(mode(&target), 0o700);
    }

    #[test]
    fn an_access_list_goes() {
        let top = tempfile::tempdir().unwrap();
        let (file, user) = (top.path().join("output"), 12_345_u32);
        std::fs::write(&file, "").unwrap();
        // linux/posix_acl_xattr.h: version 2; owner rw, one more user rw, group none, mask rw, others none.
        let mut list = 2_u32.to_le_bytes().to_vec();
        for (tag, rights, id) in
            [(1_u16, 6_u16, u32::MAX), (2, 6, user), (4, 0, u32::MAX), (16, 6, u32::MAX), (32, 0, u32::MAX)]
        {
            list.extend(tag.to_le_bytes());
            list.extend(rights.to_le_bytes());
            list.extend(id.to_le_bytes());
        }
        let set =
            rustix::fs::setxattr(&file, "system.posix_acl_access", &list, rustix::fs::XattrFlags::empty());
        if set == Err(Errno::OPNOTSUPP) {
            eprintln!("SKIPPED: an_access_list_goes: this file system has no access lists");
            return;
        }
        set.unwrap();
        give(File::open(&file).unwrap(), own_gid(), FILE).unwrap();
        let mut left = [0_u8; 256];
        let found = rustix::fs::getxattr(&file, "system.posix_acl_access", &mut left[..]);
        assert_eq!(found, Err(Errno::NODATA));
        assert_eq!(mode(&file), FILE);
    }
}
