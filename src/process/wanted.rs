//! Did a command that failed want a terminal? Its last words tell. SHELL: reads the end of its output.
//!
//! Nothing is decided by it: it is a hint beside the exit status.

use std::path::Path;

use super::output::{self, Stream};

/// As much of each stream's end is looked at, bytes: what a command says of this it says last.
const TAIL: u64 = 4 * 1024;

/// What programs print when there is nobody to ask, in lower case: sudo, su, ssh and scp, git, gpg, docker, Python's
/// `input` and `getpass`, and whatever opens `/dev/tty` in a shell. (Read off the programs themselves, 2026.)
const WORDS: &[&str] = &[
    "a terminal is required",
    "a password is required",
    "must be run from a terminal",
    "no tty present",
    "not a tty",
    "not a terminal",
    "/dev/tty: no such device",
    "cannot open /dev/tty",
    "inappropriate ioctl for device",
    "host key verification failed",
    "permission denied (publickey",
    "permission denied, please try again",
    "could not read username for",
    "could not read password for",
    "eof when reading a line",
];

/// Looks at what it printed last.
pub(super) fn a_terminal(dir: &Path) -> bool {
    [Stream::Output, Stream::Errors].into_iter().any(|stream| {
        let from = output::size(dir, stream).unwrap_or(0).saturating_sub(TAIL);
        output::read_part(dir, stream, from, output::MAX_PART).is_ok_and(|part| says_so(&part.bytes))
    })
}

fn says_so(tail: &[u8]) -> bool {
    let tail = String::from_utf8_lossy(tail).to_lowercase();
    WORDS.iter().any(|words| tail.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p6_the_end_of_either_stream_is_read_and_not_more() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!a_terminal(dir.path()), "there is no output");
        let long = format!("sudo: a terminal is required to read the password\n{}", "x\n".repeat(4 * 1024));
        std::fs::write(dir.path().join("output"), &long).unwrap();
        assert!(!a_terminal(dir.path()), "said long before the end");
        std::fs::write(dir.path().join("errors"), "Host key verification failed.\n").unwrap();
        assert!(a_terminal(dir.path()));
        assert!(!says_so(b"No space left on device"));
    }
}
