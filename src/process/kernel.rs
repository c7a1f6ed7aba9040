//! What the kernel knows about processes: start times, groups, sessions, descriptors that pin one. SHELL.
//!
//! A process id alone names nobody: it is used again. A process is its id *and* its start time, and is signalled only
//! through a descriptor that was checked after it was opened.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Signal};
use serde::{Deserialize, Serialize};

/// One process, as no later one can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its process id.
    pub pid: u32,
    /// When it started: clock ticks since the machine booted.
    pub started: u64,
}

/// A line of `/proc/PID/stat`, as far as anyone here needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Who.
    pub id: Identity,
    /// Its name, at most 15 bytes of it.
    pub name: String,
    /// Ended, and nobody asked how yet.
    pub dead: bool,
    /// Process id of its parent.
    pub parent: u32,
    /// Its process group.
    pub group: u32,
    /// Its session.
    pub session: u32,
}

/// What `/proc` says of a process; `None`: there is none.
#[must_use]
pub fn stat(pid: u32) -> Option<Stat> {
    let line = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse(&line)
}

/// This process.
#[must_use]
pub fn myself() -> Option<Identity> {
    stat(std::process::id()).map(|stat| stat.id)
}

/// Every process there is. One that ends meanwhile is left out.
#[must_use]
pub fn everyone() -> Vec<Stat> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(stat).collect()
}

fn parse(line: &[u8]) -> Option<Stat> {
    // The name is in brackets and may itself hold brackets, blanks and newlines.
    let (open, close) = (memchr::memchr(b'(', line)?, memchr::memrchr(b')', line)?);
    let pid = std::str::from_utf8(&line[..open]).ok()?.trim().parse().ok()?;
    let name = String::from_utf8_lossy(line.get(open + 1..close)?).into_owned();
    let rest = std::str::from_utf8(line.get(close + 1..)?).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |place: usize| fields.get(place).and_then(|field| field.parse::<u64>().ok());
    let small = |place: usize| number(place).and_then(|n| u32::try_from(n).ok());
    Some(Stat {
        id: Identity { pid, started: number(19)? },
        name,
        // Its first thread may have ended while others go on.
        dead: matches!(*fields.first()?, "Z" | "X" | "x") && number(17).is_none_or(|threads| threads <= 1),
        parent: small(1)?,
        group: small(2).unwrap_or(0),
        session: small(3).unwrap_or(0),
    })
}

impl Identity {
    /// Is it alive? A process that ended and was not asked how is not.
    #[must_use]
    pub fn is_alive(self) -> bool {
        stat(self.pid).is_some_and(|stat| stat.id == self && !stat.dead)
    }

    /// A descriptor of exactly this process; `None`: it has ended.
    pub fn pin(self) -> io::Result<Option<OwnedFd>> {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else { return Ok(None) };
        match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
            // Looked at only now: from here on the descriptor is that process, whatever becomes of its number.
            Ok(fd) if self.is_alive() => Ok(Some(fd)),
            Ok(_) | Err(rustix::io::Errno::SRCH | rustix::io::Errno::INVAL) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

/// A descriptor of a child that was not reaped yet, whose number therefore is its own.
pub fn pin_child(pid: u32) -> io::Result<OwnedFd> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::NotFound)?;
    Ok(rustix::process::pidfd_open(pid, PidfdFlags::empty())?)
}

/// Signals a pinned process. One that ended is left alone.
pub fn signal(pinned: &OwnedFd, signal: Signal) -> io::Result<()> {
    match rustix::process::pidfd_send_signal(pinned, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// Signals every living member of a process group, each through a descriptor of its own, so that a number used again
/// is never hit. Says how many there were.
#[must_use = "says how many there were"]
pub fn signal_group(group: u32, with: Signal) -> usize {
    members(group)
        .into_iter()
        .filter_map(|member| Some((member.id.pin().ok()??, member.id.pid)))
        .filter(|(pinned, pid)| {
            stat(*pid).is_some_and(|now| now.group == group) && signal(pinned, with).is_ok()
        })
        .count()
}

/// Signals every living member of a session but its leader, as [`signal_group`] does.
pub fn signal_session(session: u32, with: Signal) {
    for member in in_session(session) {
        if let Ok(Some(pinned)) = member.id.pin()
            && stat(member.id.pid).is_some_and(|now| now.session == session)
        {
            let _ = signal(&pinned, with);
        }
    }
}

/// The living members of a session, its leader left out.
#[must_use]
pub fn in_session(session: u32) -> Vec<Stat> {
    let member = |stat: &Stat| stat.session == session && stat.id.pid != session && !stat.dead;
    everyone().into_iter().filter(member).collect()
}

/// The living members of a process group.
#[must_use]
pub fn members(group: u32) -> Vec<Stat> {
    everyone().into_iter().filter(|stat| stat.group == group && !stat.dead).collect()
}

/// Everything alive that descends from `pid`.
#[must_use]
pub fn descendants(pid: u32) -> Vec<Stat> {
    let all = everyone();
    let mut found: Vec<Stat> = Vec::new();
    let mut parents = vec![pid];
    while let Some(parent) = parents.pop() {
        for child in all.iter().filter(|stat| stat.parent == parent && stat.id.pid != parent) {
            parents.push(child.id.pid);
            if !child.dead {
                found.push(child.clone());
            }
        }
    }
    found.sort_by_key(|stat| stat.id.pid);
    found
}

/// Has the pinned process ended? Does not wait.
#[must_use]
pub fn has_ended(pinned: &OwnedFd) -> bool {
    readable(&[pinned], Some(Duration::ZERO)).first().copied().unwrap_or(false)
}

/// Waits until one of the descriptors can be read (a pinned process: has ended), or the time is over, or a signal
/// came; says of each whether it can.
pub fn readable<F: AsFd>(fds: &[F], at_most: Option<Duration>) -> Vec<bool> {
    ready(&fds.iter().map(|fd| (fd.as_fd(), PollFlags::IN)).collect::<Vec<_>>(), at_most)
}

/// As [`readable`], each for what it waits for.
pub fn ready(fds: &[(BorrowedFd<'_>, PollFlags)], at_most: Option<Duration>) -> Vec<bool> {
    let mut polled: Vec<PollFd<'_>> =
        fds.iter().map(|(fd, waits_for)| PollFd::from_borrowed_fd(*fd, *waits_for)).collect();
    let limit = at_most.map(timespec);
    // An interruption reads as "none of them": whoever calls looks around and comes back.
    let _ = rustix::event::poll(&mut polled, limit.as_ref());
    polled.iter().map(|fd| !fd.revents().is_empty()).collect()
}

fn timespec(length: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(length.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(length.subsec_nanos()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_newlines_is_read() {
        let mut line = b"42 (a) b\n(c)) S 1 40 39 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 ".to_vec();
        line.extend_from_slice(b"777 1000 10 18446744073709551615\n");
        let stat = parse(&line).unwrap();
        assert_eq!((stat.id.pid, stat.id.started, stat.name.as_str()), (42, 777, "a) b\n(c)"));
        assert_eq!((stat.parent, stat.group, stat.session, stat.dead), (1, 40, 39, false));
        assert_eq!(parse(b"42 (x"), None);
        let zombie = |threads: u8| {
            let line = format!("42 (x) Z 1 40 39 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 {threads} 0 777 0");
            parse(line.as_bytes()).unwrap().dead
        };
        assert!(zombie(1) && !zombie(2), "dead once every thread is");
    }

    #[test]
    fn a_number_that_was_used_again_is_nobody() {
        let me = myself().unwrap();
        assert!(me.is_alive());
        assert!(me.pin().unwrap().is_some());
        let earlier = Identity { started: me.started - 1, ..me };
        assert!(!earlier.is_alive());
        assert!(earlier.pin().unwrap().is_none());
        assert!(Identity { pid: u32::MAX, started: 1 }.pin().unwrap().is_none());
        assert!(Identity { pid: 0, started: 1 }.pin().unwrap().is_none());
    }

    #[test]
    fn a_child_that_ended_and_waits_to_be_asked_is_not_alive() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let id = stat(child.id()).unwrap().id;
        let pinned = id.pin().unwrap().unwrap();
        assert!(descendants(std::process::id()).iter().any(|stat| stat.id == id));
        assert!(!has_ended(&pinned));
        signal(&pinned, Signal::KILL).unwrap();
        while !readable(&[&pinned], None)[0] {}
        assert!(has_ended(&pinned) && !id.is_alive());
        child.wait().unwrap();
        assert!(id.pin().unwrap().is_none());
        signal(&pinned, Signal::KILL).unwrap();
    }
}
