//! The kernel's own word for a regular file: a lease for writing is given only while nobody else has it open, in any
//! process, container or driver, whatever `/proc` shows of them (fcntl(2), "Leases"). SHELL. Never writes.
//!
//! No safe call for it is to be had from here, so an interpreter that every system has is asked to make it, on a descriptor
//! that it is handed. It gives the lease back in the same breath.

use std::fs::File;
use std::process::{Command, Stdio};

/// `F_SETLEASE`, `F_WRLCK`, `F_UNLCK` and `EAGAIN` by their numbers: linux/fcntl.h, asm-generic/errno-base.h.
const PERL: &str = "if (fcntl(STDIN, 1024, 1)) { fcntl(STDIN, 1024, 2); print 'alone' } \
                    elsif ($! == 11) { print 'others' } else { print \"$!\" }";

const PYTHON: &str = "
import errno, fcntl
try:
    fcntl.fcntl(0, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    fcntl.fcntl(0, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    print('alone', end='')
except OSError as e:
    print('others' if e.errno == errno.EAGAIN else e.strerror, end='')
";

/// What the kernel said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lease {
    /// Nobody else has it open.
    Alone,
    /// Somebody has.
    Others,
    /// It did not say, and why.
    Unknown(String),
}

/// Asks for a lease on a file that nobody but this process need have open.
pub(super) fn ask(file: &File) -> Lease {
    let mut why = String::new();
    for (program, words) in [("perl", ["-e", PERL]), ("python3", ["-c", PYTHON])] {
        let Ok(input) = file.try_clone() else { continue };
        let asked = Command::new(program)
            .args(words)
            .stdin(Stdio::from(input))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .output();
        match asked {
            Ok(output) => match String::from_utf8_lossy(&output.stdout).trim() {
                "alone" => return Lease::Alone,
                "others" => return Lease::Others,
                "" => why = format!("{program} does not say"),
                refused => why = format!("no lease is given: {refused}"),
            },
            Err(_) if why.is_empty() => {
                "neither perl nor python3 is there to ask for one".clone_into(&mut why);
            }
            Err(_) => {}
        }
    }
    Lease::Unknown(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_it_open_keeps_the_lease_from_being_given() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.img");
        std::fs::write(&path, "x").unwrap();
        let ours = File::open(&path).unwrap();
        assert_eq!(ask(&ours), Lease::Alone);
        assert_eq!(ask(&ours), Lease::Alone, "it was given back");
        let other = File::open(&path).unwrap();
        assert_eq!(ask(&ours), Lease::Others);
        drop(other);
        assert_eq!(ask(&ours), Lease::Alone);
    }
}
