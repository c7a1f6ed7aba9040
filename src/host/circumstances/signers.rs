//! The file that says which keys may sign: found, and read only where nobody else could have written it. SHELL.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::session::command::{SIGNERS_OF_THE_MACHINE, Signers};

/// Its name in the directory of all sessions.
const NAME: &str = "allowed_signers";

/// The longest file that is read, bytes.
const LONGEST: u64 = 1 << 20;

const WRITABLE_BY_OTHERS: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// Reads the machine's file; where there is none, the file the session was started with (`given`), else that of `home`; or
/// says why not.
/// It must belong to root or to `owner`, and be writable by nobody else.
pub(super) fn read(owner: u32, given: Option<&Path>, home: &Path) -> Result<Signers, String> {
    first(owner, given, Path::new(SIGNERS_OF_THE_MACHINE), home)
}

fn first(owner: u32, given: Option<&Path>, machine: &Path, home: &Path) -> Result<Signers, String> {
    // What an administrator laid down is not for an operator to set aside.
    if let Some(signers) = read_one(owner, machine)? {
        return Ok(signers);
    }
    if let Some(path) = given {
        return read_one(owner, path)?.ok_or_else(|| {
            format!(
                "the file of allowed signers, {}, is not there; put it back and sign again",
                path.display()
            )
        });
    }
    let of_home = home.join(NAME);
    if let Some(signers) = read_one(owner, &of_home)? {
        return Ok(signers);
    }
    Err(format!(
        "nobody said which keys may sign: write a line `NAME KEY` for each person into {} (as ssh-keygen's \
         ALLOWED SIGNERS describes)",
        of_home.display()
    ))
}

/// `None`: there is no such file.
fn read_one(owner: u32, path: &Path) -> Result<Option<Signers>, String> {
    let fault = |what: &str, e: Errno| {
        let e = std::io::Error::from(e);
        format!("the file of allowed signers cannot be used: cannot {what} {}: {e}", path.display())
    };
    let unsafe_because = |found: &Path, why: &str| {
        format!(
            "the file of allowed signers, {}, cannot be trusted: {} {why}",
            path.display(),
            found.display()
        )
    };
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(unsafe_because(path, "is no file"));
    };
    let real = match parent.canonicalize() {
        Ok(real) => real,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(fault("look at", Errno::from_io_error(&e).unwrap_or(Errno::IO))),
    };
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = rustix::fs::open(&real, flags, Mode::empty()).map_err(|e| fault("open", e))?;
    // Without waiting: a pipe of that name must not keep anybody.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(&dir, name, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return Err(unsafe_because(path, "is a link; put the file itself there")),
        Err(e) => return Err(fault("open", e)),
    };
    let found = rustix::fs::fstat(&file).map_err(|e| fault("look at", e))?;
    if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
        return Err(unsafe_because(path, "is no regular file"));
    }
    if let Some(why) = written_by_others(owner, &found, false) {
        return Err(unsafe_because(path, &why));
    }
    let found = rustix::fs::fstat(&dir).map_err(|e| fault("look at", e))?;
    if let Some(why) = written_by_others(owner, &found, false) {
        return Err(unsafe_because(&real, &why));
    }
    for above in real.ancestors().skip(1) {
        let found = rustix::fs::stat(above).map_err(|e| fault("look above", e))?;
        if let Some(why) = written_by_others(owner, &found, true) {
            return Err(unsafe_because(above, &why));
        }
    }
    let mut bytes = Vec::new();
    File::from(file)
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| fault("read", Errno::from_io_error(&e).unwrap_or(Errno::IO)))?;
    if bytes.len() as u64 > LONGEST {
        return Err(unsafe_because(path, "is larger than 1 MiB"));
    }
    let text = String::from_utf8(bytes).map_err(|_| unsafe_because(path, "is no text (UTF-8)"))?;
    Ok(Some(Signers { path: shown(path), text }))
}

fn shown(path: &Path) -> String {
    PathBuf::from(path).display().to_string()
}

/// Why somebody else could have written it, and what to do. In a sticky directory nobody can take away what belongs to
/// others, which is enough further up.
fn written_by_others(owner: u32, found: &Stat, sticky_is_safe: bool) -> Option<String> {
    if found.st_uid != owner && found.st_uid != 0 {
        return Some(format!(
            "belongs to account {}; it must belong to root or to the session's owner",
            found.st_uid
        ));
    }
    let safe = sticky_is_safe && found.st_mode & STICKY != 0;
    (found.st_mode & WRITABLE_BY_OTHERS != 0 && !safe).then(|| {
        format!("may be written by others (mode {:o}); run: chmod go-w on it", found.st_mode & 0o7777)
    })
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn me() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn home() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir().unwrap();
        let path = dir.path().join(NAME);
        (dir, path)
    }

    fn write(path: &Path, text: &str) {
        std::fs::write(path, text).unwrap();
        mode(path, 0o644);
    }

    #[test]
    fn the_first_that_is_there_is_read() {
        let (home, path) = home();
        let machine = home.path().join("machine");
        let look = |given: Option<&Path>| first(me(), given, &machine, home.path());
        let why = look(None).unwrap_err();
        assert!(
            why.contains("nobody said which keys may sign") && why.contains(path.to_str().unwrap()),
            "{why}"
        );
        write(&path, "home\n");
        assert_eq!(look(None).unwrap().text, "home\n");
        assert_eq!(look(None).unwrap().path, path.to_str().unwrap());
        write(&machine, "machine\n");
        assert_eq!(look(None).unwrap().text, "machine\n");
        let given = home.path().join("given");
        write(&given, "given\n");
        assert_eq!(look(Some(&given)).unwrap().text, "machine\n", "the administrator's alone counts");
        let away = home.path().join("away");
        std::fs::rename(&machine, &away).unwrap();
        assert_eq!(look(Some(&given)).unwrap().text, "given\n");
        std::fs::remove_file(&given).unwrap();
        assert!(
            look(Some(&given)).unwrap_err().contains("is not there"),
            "what was named is not made up for"
        );
        std::fs::rename(&away, &machine).unwrap();
        // A file that is there and unsafe is no reason to go on to the next.
        mode(&machine, 0o666);
        assert!(look(None).unwrap_err().contains("may be written by others"));
    }

    #[test]
    fn what_others_could_have_written_is_not_believed() {
        let (home, path) = home();
        let look = |owner: u32| first(owner, Some(&path), Path::new("/nowhere"), home.path()).unwrap_err();
        write(&path, "x\n");
        for bad in [0o664, 0o646] {
            mode(&path, bad);
            assert!(look(me()).contains("may be written by others (mode 6"), "{bad:o}");
        }
        mode(&path, 0o644);
        for bad in [0o770, 0o702, 0o1777] {
            mode(home.path(), bad);
            let why = look(me());
            assert!(why.contains(&format!("(mode {bad:o})")), "{why}");
        }
        mode(home.path(), 0o700);
        if me() == 0 {
            for stranger in [&path, home.path()] {
                std::os::unix::fs::chown(stranger, Some(1), None).unwrap();
                let why = look(0);
                assert!(why.contains("belongs to account 1"), "{why}");
                assert!(first(1, Some(&path), Path::new("/nowhere"), home.path()).is_ok(), "its owner's");
                std::os::unix::fs::chown(stranger, Some(0), None).unwrap();
            }
        } else {
            assert!(look(me() + 1).contains("it must belong to root or to the session's owner"));
        }
    }

    #[test]
    fn a_directory_further_up_that_anybody_may_rename_is_not_believed() {
        let (home, _) = home();
        let (open, safe) = (home.path().join("open"), home.path().join("open/safe"));
        std::fs::create_dir_all(&safe).unwrap();
        mode(&safe, 0o700);
        let path = safe.join(NAME);
        write(&path, "x\n");
        mode(&open, 0o777);
        let why = first(me(), Some(&path), Path::new("/nowhere"), home.path()).unwrap_err();
        assert!(why.contains("open may be written by others"), "{why}");
        mode(&open, 0o1777);
        assert!(first(me(), Some(&path), Path::new("/nowhere"), home.path()).is_ok());
    }

    #[test]
    fn only_a_plain_file_of_a_sound_size_is_read() {
        let (home, path) = home();
        let look = || first(me(), Some(&path), Path::new("/nowhere"), home.path()).unwrap_err();
        let real = home.path().join("real");
        write(&real, "x\n");
        std::os::unix::fs::symlink(&real, &path).unwrap();
        assert!(look().contains("is a link"));
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(look().contains("is no regular file"));
        std::fs::remove_dir(&path).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, Mode::RWXU).unwrap();
        assert!(look().contains("is no regular file"));
        std::fs::remove_file(&path).unwrap();
        write(&path, &"x".repeat((1 << 20) + 1));
        assert!(look().contains("larger than 1 MiB"));
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(look().contains("is no text"));
    }
}
