//! The login behind a process: the audit login id, which `sudo` and `su` leave as it is. SHELL.

use std::fs::File;
use std::io::Read as _;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use super::Sender;

/// What the kernel writes where nobody logged in (a service, a container without audit).
const UNSET: u32 = u32::MAX;

/// What is known of the login behind a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::host) enum Login {
    /// This account logged in.
    Of(u32),
    /// None is on record, or it cannot be seen from here.
    Unknown,
    /// There is no such process of that account any more: who was behind it cannot be said.
    Gone,
}

impl Login {
    /// The account, where it is known.
    pub(in crate::host) fn account(self) -> Option<u32> {
        match self {
            Self::Of(uid) => Some(uid),
            Self::Unknown | Self::Gone => None,
        }
    }
}

/// The login behind whoever sent something, as it is now.
pub(in crate::host) fn login_of(sender: Sender) -> Login {
    let Some(pid) = Pid::from_raw(sender.pid) else { return Login::Unknown };
    let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
    // The directory stays that of this one process, whoever gets its number later.
    let Ok(dir) = rustix::fs::open(format!("/proc/{}", sender.pid), flags, Mode::empty()) else {
        return unseen(pid);
    };
    let read = |name: &str| {
        let file = rustix::fs::openat(&dir, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let mut text = String::new();
        File::from(file).take(64 << 10).read_to_string(&mut text).ok()?;
        Some(text)
    };
    let Some(status) = read("status") else { return unseen(pid) };
    if !accounts_of(&status).contains(&sender.uid) {
        return Login::Gone;
    }
    // A kernel that keeps no logins has no such file.
    let Some(login) = read("loginuid") else { return unseen(pid) };
    parse(&login).map_or(Login::Unknown, Login::Of)
}

/// The login behind this process itself.
pub(in crate::host) fn own_login() -> Option<u32> {
    std::fs::read_to_string("/proc/self/loginuid").ok().as_deref().and_then(parse)
}

/// Why nothing is to be read of a process: it is gone, or hidden (`hidepid`).
fn unseen(pid: Pid) -> Login {
    match test_kill_process(pid) {
        Err(Errno::SRCH) => Login::Gone,
        _ => Login::Unknown,
    }
}

fn parse(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|uid| *uid != UNSET)
}

/// Real, effective, saved and file system account of a process, from its `status`.
fn accounts_of(status: &str) -> Vec<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    line.into_iter().flat_map(str::split_whitespace).filter_map(|uid| uid.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> Sender {
        Sender { pid: i32::try_from(std::process::id()).unwrap(), uid: rustix::process::getuid().as_raw() }
    }

    #[test]
    fn an_unset_login_is_none() {
        assert_eq!(parse("1000"), Some(1000));
        assert_eq!(parse("0\n"), Some(0));
        assert_eq!(parse("4294967295"), None);
        assert_eq!(parse(""), None);
        assert_eq!(parse("-1"), None);
    }

    #[test]
    fn the_accounts_of_a_process_are_read() {
        let status = "Name:\tUid: 7\nUid:\t1\t2\t3\t4\nGid:\t9\t9\t9\t9\n";
        assert_eq!(accounts_of(status), [1, 2, 3, 4]);
        assert!(accounts_of("Name:\tx\n").is_empty());
    }

    #[test]
    fn our_own_login_is_the_same_from_both_sides() {
        assert_eq!(login_of(me()).account(), own_login());
        assert_ne!(login_of(me()), Login::Gone);
    }

    #[test]
    fn a_process_that_is_gone_or_another_s_says_nothing() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        child.wait().unwrap();
        assert_eq!(login_of(Sender { pid, ..me() }), Login::Gone);
        assert_eq!(login_of(Sender { uid: me().uid ^ 1, ..me() }), Login::Gone, "its number was given anew");
        assert_eq!(login_of(Sender { pid: 0, ..me() }), Login::Unknown, "another process namespace");
    }
}
