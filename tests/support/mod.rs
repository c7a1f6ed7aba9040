//! What the black-box tests stand on: a home of their own, the verbs, a session, a screen, the processes behind it.

pub(crate) mod home;
mod processes;
mod screen;
pub(crate) mod session;
mod skips;
mod sshd;

pub(crate) use home::{Home, Ran};
pub(crate) use processes::{Pid, alive, has_ended, holders_of, kill, parked, rests};
pub(crate) use screen::Screen;
pub(crate) use session::Session;
pub(crate) use skips::{Offer, not_offered, skipped};
pub(crate) use sshd::Sshd;

use std::time::{Duration, Instant};

/// How long anything may take on a machine that is busy with other things. Never waited for when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until a named thing is so; says what it was when it never comes.
pub(crate) fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "never came: {what}");
        std::thread::park_timeout(Duration::from_millis(3));
    }
}

/// Is this program here? Says so when a test is skipped for want of it.
pub(crate) fn have(test: &str, program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|dir| dir.join(program).is_file());
    if !found {
        skipped(test, &format!("there is no {program} here"));
    }
    found
}

/// Is this root? Says so when a test is skipped for want of it.
pub(crate) fn root(test: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        skipped(test, "it needs root");
    }
    root
}
