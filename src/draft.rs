//! A new file of a person's that is there whole or not at all. SHELL.
//! It must not know sessions: it is told a path.
//!
//! It is written as `NAME.part` beside its place, and gets its name at the end, over no other file. Whoever moves the
//! draft away, or puts a file of theirs in its place, keeps what is theirs: only the very file that was made here is removed.
//! A program that is killed leaves a `NAME.part`, which says itself that it is not whole.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// So many drafts of one name may lie there already.
const MOST_LEFT: u32 = 100;

/// Bytes of a name that its draft's name keeps: file systems take 255.
const LONGEST_NAME: usize = 240;

/// A file on its way; one that is dropped before [`Draft::finish`] is removed.
#[derive(Debug)]
pub struct Draft {
    to: PathBuf,
    at: PathBuf,
    file: File,
    made: Option<(u64, u64)>,
}

impl Draft {
    /// Begins a file that will be at `to`, for its owner alone. [`ErrorKind::AlreadyExists`]: there is one.
    pub fn new(to: &Path) -> io::Result<Self> {
        let name = to.file_name().filter(|_| !to.as_os_str().as_bytes().ends_with(b"/"));
        let Some(name) = name else {
            return Err(io::Error::new(ErrorKind::InvalidInput, "that is no name of a file"));
        };
        if to.symlink_metadata().is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let mut tried = 0;
        loop {
            let mut part = name.as_bytes()[..name.len().min(LONGEST_NAME)].to_vec();
            part.extend_from_slice(
                if tried == 0 { ".part".to_owned() } else { format!(".part{tried}") }.as_bytes(),
            );
            let at = to.with_file_name(OsString::from_vec(part));
            match File::options().write(true).create_new(true).mode(0o600).open(&at) {
                Ok(file) => {
                    let made = Some(identity(&file.metadata()?));
                    return Ok(Self { to: to.to_owned(), at, file, made });
                }
                Err(e) if e.kind() == ErrorKind::AlreadyExists && tried < MOST_LEFT => tried += 1,
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                    return Err(io::Error::other(format!("{MOST_LEFT} drafts of it lie there: remove them")));
                }
                Err(e) => return Err(e),
            }
        }
    }

    /// Puts it onto the disk and gives it its name. [`ErrorKind::AlreadyExists`]: somebody else's file has it by now, and
    /// keeps it. After an error nothing of it is left.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        if !self.is_ours(&self.at) {
            let gone = format!("{} was moved or replaced while it was written", self.at.display());
            return Err(io::Error::other(gone));
        }
        match renameat_with(CWD, &self.at, CWD, &self.to, RenameFlags::NOREPLACE) {
            Ok(()) => self.made = None,
            // File systems that cannot: a second name is never made over another file, either.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => std::fs::hard_link(&self.at, &self.to)?,
            Err(e) => return Err(e.into()),
        }
        let dir = self.to.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // The file is whole and has its name: where a directory cannot be opened or synced, that is no failure.
        let _ = File::open(dir).and_then(|dir| dir.sync_all());
        Ok(())
    }

    fn is_ours(&self, path: &Path) -> bool {
        self.made.is_some() && path.symlink_metadata().ok().map(|found| identity(&found)) == self.made
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.is_ours(&self.at) {
            let _ = std::fs::remove_file(&self.at);
        }
    }
}

fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

/// The path that a person typed: from here, or with `~/` from their own directory. `Err`: what to type instead.
pub fn place(typed: &str) -> Result<PathBuf, String> {
    let typed = typed.trim();
    let path = match typed.strip_prefix("~/") {
        Some(rest) => match std::env::var_os("HOME").filter(|home| !home.is_empty()) {
            Some(home) => PathBuf::from(home).join(rest.trim_start_matches('/')),
            None => return Err("there is no HOME that ~ could stand for: type the whole path".to_owned()),
        },
        // A file of this name would be a trap: `rm -r ~` is no way to be rid of it.
        None if typed.starts_with('~') => {
            let typed = crate::text::clean(typed);
            return Err(format!(
                "{typed} is no name for a file: ~/ and a name is in your own directory, anything else is typed whole"
            ));
        }
        None => PathBuf::from(typed),
    };
    std::path::absolute(&path).map_err(|e| format!("{}: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            dir.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn nothing_has_the_name_before_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let mut draft = Draft::new(&dir.path().join("x")).unwrap();
        draft.write_all(b"half").unwrap();
        assert_eq!(names(dir.path()), ["x.part"]);
        let other = Draft::new(&dir.path().join("x")).unwrap();
        assert_eq!(names(dir.path()), ["x.part", "x.part1"], "a draft that is there is nobody's to take");
        drop(other);
        draft.finish().unwrap();
        assert_eq!(names(dir.path()), ["x"]);
        assert_eq!(std::fs::read(dir.path().join("x")).unwrap(), b"half");
        assert_eq!(dir.path().join("x").metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(Draft::new(&dir.path().join("x")).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert!(Draft::new(&dir.path().join("y/")).is_err());
        Draft::new(&dir.path().join("n".repeat(255))).unwrap().finish().unwrap();
    }

    #[test]
    fn a_strangers_file_is_neither_removed_nor_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let (x, part) = (dir.path().join("x"), dir.path().join("x.part"));
        let draft = Draft::new(&x).unwrap();
        std::fs::rename(&part, dir.path().join("kept")).unwrap();
        std::fs::write(&part, "precious").unwrap();
        drop(draft);
        assert_eq!(std::fs::read(&part).unwrap(), b"precious");
        let draft = Draft::new(&x).unwrap();
        std::fs::write(&x, "theirs").unwrap();
        assert_eq!(draft.finish().unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&x).unwrap(), b"theirs");
        assert_eq!(names(dir.path()), ["kept", "x", "x.part"]);
        let draft = Draft::new(&dir.path().join("z")).unwrap();
        std::fs::rename(dir.path().join("z.part"), dir.path().join("away")).unwrap();
        std::fs::write(dir.path().join("z.part"), "other").unwrap();
        assert!(draft.finish().unwrap_err().to_string().contains("moved or replaced"));
        assert!(!dir.path().join("z").exists());
    }

    #[test]
    fn no_file_is_named_as_a_home_is() {
        for typed in ["~", "~root/x", "~x", " ~ "] {
            assert!(place(typed).unwrap_err().contains("is no name for a file"), "{typed}");
        }
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
        let from_home = home.map(|home| PathBuf::from(home).join("x"));
        assert_eq!(place("~/x").ok(), from_home);
        assert_eq!(place("./~").unwrap(), std::env::current_dir().unwrap().join("~"));
        assert!(place("x").unwrap().is_absolute());
    }
}
