//! The source, by the names an archive uses: no part of such a name is followed if it is a link. SHELL.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::super::entry::{Facts, look};

/// The way down to the directory that was looked into last: members of one directory stand together.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// The path so far, with a `/` at its end unless it is empty.
    path: Vec<u8>,
    /// Each directory on it, with where its name ends in `path`.
    dirs: Vec<(usize, OwnedFd)>,
}

/// What stands at a name of the source.
pub(super) struct Found<'a> {
    pub(super) dir: BorrowedFd<'a>,
    pub(super) name: CString,
    pub(super) facts: Facts,
}

impl Way {
    /// What stands at `path`; none if nothing does. `entered` is told of each directory that is opened on the way.
    pub(super) fn find<'a>(
        &'a mut self,
        root: BorrowedFd<'a>,
        path: &[u8],
        entered: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<Found<'a>>, Errno> {
        let (above, name) = match path.iter().rposition(|&b| b == b'/') {
            Some(at) => path.split_at(at + 1),
            None => (&b""[..], path),
        };
        match self.go(root, above, entered) {
            Ok(()) => {}
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG) => return Ok(None),
            Err(e) => return Err(e),
        }
        let name = CString::new(name).map_err(|_| Errno::INVAL)?;
        let dir = self.dirs.last().map_or(root, |(_, dir)| dir.as_fd());
        match look(dir, &name) {
            Ok(facts) => Ok(Some(Found { dir, name, facts })),
            Err(Errno::NOENT | Errno::NAMETOOLONG) => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn go(
        &mut self,
        root: BorrowedFd<'_>,
        above: &[u8],
        entered: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Errno> {
        if self.path == above {
            return Ok(());
        }
        while !above.starts_with(&self.path) {
            self.dirs.pop();
            self.path.truncate(self.dirs.last().map_or(0, |&(end, _)| end));
        }
        while self.path.len() < above.len() {
            let from = self.path.len();
            let to = above[from..].iter().position(|&b| b == b'/').map_or(above.len(), |at| from + at + 1);
            let name = CString::new(&above[from..to - 1]).map_err(|_| Errno::INVAL)?;
            let dir = open(self.dirs.last().map_or(root, |(_, dir)| dir.as_fd()), &name)?;
            self.path.extend_from_slice(&above[from..to]);
            self.dirs.push((to, dir));
            entered(&above[..to - 1]);
        }
        Ok(())
    }
}

fn open(dir: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(dir, name, flags, Mode::empty())
}
