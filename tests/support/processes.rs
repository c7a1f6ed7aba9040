//! The processes behind a session: who they are, whether they live, and how they are ended from outside.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Signal, kill_process};

use super::until;

/// How often is looked whether a process rests, at the most: it may be drawing something that never ends.
const LOOKS: u32 = 300;

/// A process id.
pub(crate) type Pid = rustix::process::Pid;

/// Ends a process as the kernel does it: no farewell. One that is gone is well, too.
pub(crate) fn kill(pid: Pid) {
    let _ = kill_process(pid, Signal::KILL);
}

/// Does it run? One that has ended and was not waited for does not. Its first thread may be gone while others still
/// hold its files: it runs until the last one is gone.
pub(crate) fn alive(pid: Pid) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero()));
    tasks.into_iter().flatten().flatten().any(|task| {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        !matches!(state, None | Some('Z' | 'X'))
    })
}

/// Waits until it has ended.
pub(crate) fn has_ended(pid: Pid) {
    until(&format!("the end of process {pid:?}"), || (!alive(pid)).then_some(()));
}

/// Waits until no thread of it has anything to do: what came to it has been taken in. One that always has something to do
/// is not waited for.
pub(crate) fn rests(pid: u32) {
    // Two looks, at the same counts of how often each went to sleep: so all of them slept in between, together.
    let mut before = None;
    for _ in 0..LOOKS {
        let now = asleep(pid);
        if now.is_some() && now == before {
            return;
        }
        before = now;
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// How often each thread of a process went to sleep; nothing while one of them is awake.
fn asleep(pid: u32) -> Option<Vec<String>> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let of_task = |task: std::fs::DirEntry| {
        let status = std::fs::read_to_string(task.path().join("status")).ok()?;
        let sleeps = status.lines().any(|line| line.starts_with("State:\tS"));
        let slept = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"))?;
        sleeps.then(|| format!("{} {slept}", task.file_name().display()))
    };
    tasks.flatten().map(of_task).collect()
}

/// Waits until a process has written its id to `file` at a named point, and returns that id.
pub(crate) fn parked(file: &Path) -> Pid {
    until(&format!("a process at {}", file.display()), || {
        Pid::from_raw(std::fs::read_to_string(file).ok()?.parse().ok()?)
    })
}

/// Every process that was started for the sessions below `home`: by its command line, its environment or its directory.
pub(crate) fn everything_of(home: &Path) -> Vec<Pid> {
    let home = home.as_os_str().as_bytes();
    let mine = rustix::process::getpid();
    processes()
        .filter(|pid| *pid != mine)
        .filter(|pid| {
            let proc = format!("/proc/{}", pid.as_raw_nonzero());
            let dir = std::fs::read_link(format!("{proc}/cwd"));
            ["cmdline", "environ"].iter().any(|file| {
                std::fs::read(format!("{proc}/{file}"))
                    .is_ok_and(|text| memchr::memmem::find(&text, home).is_some())
            }) || dir.is_ok_and(|dir| dir.as_os_str().as_bytes().starts_with(home))
        })
        .filter(|pid| alive(*pid))
        .collect()
}

/// Every process that has this file open.
pub(crate) fn holders_of(file: &Path) -> Vec<Pid> {
    processes()
        .filter(|pid| {
            let Ok(open) = std::fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero())) else {
                return false;
            };
            open.flatten().any(|fd| std::fs::read_link(fd.path()).is_ok_and(|target| target == file))
        })
        .collect()
}

fn processes() -> impl Iterator<Item = Pid> {
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
}
