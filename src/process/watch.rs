//! Watching a runner until its outcome is there, also one that an earlier host started. SHELL.

use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::inotify;

use crate::session::recover::Found;
use crate::session::state::StartRecord;
use crate::session::{Ended, Outcome};

use super::Stopper;
use super::claim::{self, Start};
use super::kernel::{self, Identity};
use super::spawn::not_started;
use super::stop::command_of;

/// How often the outcome is looked for where the kernel does not tell of new files.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A runner at work (or one that may be).
#[derive(Debug)]
pub struct Runner {
    dir: PathBuf,
    child: Option<Child>,
    pinned: Option<Arc<OwnedFd>>,
    stopper: Stopper,
}

impl Runner {
    /// Takes over the watch of a runner that an earlier host started, by its attempt's directory.
    #[must_use]
    pub fn adopt(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), child: None, pinned: None, stopper: Stopper::new(dir, None) }
    }

    pub(super) fn started(dir: &Path, child: Child) -> Self {
        let pinned = kernel::pin_child(child.id()).ok().map(Arc::new);
        let stopper = Stopper::new(dir, pinned.clone());
        Self { dir: dir.to_owned(), child: Some(child), pinned, stopper }
    }

    /// The attempt's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What ends its command; may be kept, sent to other threads and used at any time.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Blocks until the command ended, for a thread of its own: `Ended`, or `Gone` when how it ended is lost. Never
    /// `Alive` or `NoStart`.
    #[must_use]
    pub fn wait(mut self) -> Found {
        let news = News::of(&self.dir);
        if let Some(mut child) = self.child.take() {
            if let Some(pinned) = &self.pinned {
                let found = await_outcome(&self.dir, &news, pinned);
                if found.is_some() {
                    // It may live on, covering what the command left behind; a thread asks how it ends. That thread
                    // lets go of the watch, too: closing one takes the kernel some 10 ms, which nobody should wait.
                    let _ = std::thread::Builder::new().name("reap".to_owned()).spawn(move || {
                        drop(news);
                        child.wait()
                    });
                    return settle(found);
                }
            }
            return self.end_of_own(child);
        }
        match claim::read_start(&self.dir) {
            Ok(Some(Start::Claimed { runner, boot_id, .. })) if boot_id == crate::clock::boot_id() => {
                self.end_of_adopted(&news, runner)
            }
            _ => look(&self.dir, true),
        }
    }

    fn end_of_adopted(&self, news: &News, runner: Identity) -> Found {
        match runner.pin() {
            Ok(Some(pinned)) => {
                let found = await_outcome(&self.dir, news, &pinned);
                if found.is_some() {
                    return settle(found);
                }
            }
            Ok(None) => {}
            Err(e) => {
                return Found::Gone(format!("its runner (process {}) cannot be watched: {e}", runner.pid));
            }
        }
        self.end_without_runner(runner)
    }

    /// Its runner ended and left no outcome that was seen.
    fn end_of_own(&self, mut child: Child) -> Found {
        let mut said = String::new();
        let status = child.wait();
        if let Some(words) = child.stderr.take() {
            // What it left running does not hold this end: it has only its own output.
            let _ = words.take(4096).read_to_string(&mut said);
        }
        match claim::read_outcome(&self.dir) {
            Ok(None) => {}
            Ok(Some(ended)) => return Found::Ended(Box::new(ended)),
            Err(e) => return Found::Gone(format!("its outcome cannot be read: {e}")),
        }
        match claim::read_start(&self.dir) {
            Ok(Some(Start::Claimed { runner, .. })) => self.end_without_runner(runner),
            Ok(Some(Start::Barred { .. })) | Err(_) => {
                Found::Gone("its start record is not its runner's".to_owned())
            }
            Ok(None) if self.stopper.was_asked() => {
                Found::Ended(Box::new(Ended { outcome: Outcome::Stopped, ..not_started(String::new()) }))
            }
            Ok(None) => {
                let why = match (said.trim(), status.ok().and_then(|status| status.signal())) {
                    ("", Some(signal)) => format!("its runner was ended by signal {signal} before it began"),
                    ("", None) => "its runner ended before it began".to_owned(),
                    (words, _) => words.to_owned(),
                };
                Found::Ended(Box::new(not_started(why)))
            }
        }
    }

    /// Waits for a command whose runner is gone; how it ends nobody can learn.
    fn end_without_runner(&self, runner: Identity) -> Found {
        let gone = |more: &str| {
            Found::Gone(format!("its runner (process {}) was ended from outside{more}", runner.pid))
        };
        let command = match command_of(&self.dir, runner) {
            Ok(Some(command)) => command,
            Ok(None) if self.stopper.was_asked() => return gone("; the command was stopped"),
            Ok(None) => return gone("; the command is not running any more, and how it ended is not known"),
            Err(e) => return gone(&format!("; what it ran cannot be found: {e}")),
        };
        if let Ok(Some(pinned)) = command.pin() {
            while !kernel::readable(&[&pinned], None).contains(&true) {}
        }
        let end = if self.stopper.was_asked() { "was stopped" } else { "is gone too" };
        gone(&format!("; the command (process {}) {end}, and with what outcome is not known", command.pid))
    }
}

/// As [`look`], of the start that this record says; what another start left there says nothing of it.
#[must_use]
pub fn look_for(dir: &Path, of: StartRecord, other_boot: bool) -> Found {
    if claim::is_of_another(dir, of) {
        return Found::Gone(
            "where it keeps its files are those of another start: the log may be an older copy that was put back, and \
             nothing says whether this one began"
                .to_owned(),
        );
    }
    look(dir, other_boot)
}

/// Looks once, for a new host: is the command of this attempt alive, ended, gone, or was it never started (then its
/// start is barred from here on)? `other_boot`: the machine was booted since it was on record as started.
#[must_use]
pub fn look(dir: &Path, other_boot: bool) -> Found {
    // Twice, because a runner may claim the attempt, or leave its outcome, between two looks.
    for _ in 0..2 {
        match claim::read_outcome(dir) {
            Ok(None) => {}
            Ok(Some(ended)) => return Found::Ended(Box::new(ended)),
            Err(e) => return Found::Gone(format!("its outcome cannot be read: {e}")),
        }
        match claim::read_start(dir) {
            Err(e) => return Found::Gone(format!("its start record cannot be read: {e}")),
            Ok(Some(Start::Barred { .. })) => return Found::NoStart,
            Ok(Some(Start::Claimed { runner, boot_id, .. })) => {
                if boot_id != crate::clock::boot_id() {
                    return Found::Gone("the machine was started anew while it ran".to_owned());
                }
                if runner.is_alive() || matches!(command_of(dir, runner), Ok(Some(_))) {
                    return Found::Alive;
                }
            }
            Ok(None) if other_boot => {
                // Whatever comes up late finds the start taken.
                let _ = bar(dir);
                return Found::Gone(
                    "the machine was started anew after its start was recorded, and nothing says whether it began"
                        .to_owned(),
                );
            }
            Ok(None) => match bar(dir) {
                Ok(true) => return Found::NoStart,
                Ok(false) => {}
                Err(e) => {
                    return Found::Gone(format!(
                        "nothing says that it began, and its start cannot be barred: {e}"
                    ));
                }
            },
        }
    }
    Found::Gone("it began, it is not running any more, and its runner left no outcome".to_owned())
}

fn bar(dir: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    claim::claim(dir, &Start::Barred { by: std::process::id() })
}

/// Waits until there is an outcome, or its runner ended without one (`None`).
fn await_outcome(dir: &Path, news: &News, runner: &OwnedFd) -> Option<std::io::Result<Ended>> {
    loop {
        // In this order: a runner that ended meanwhile has left its outcome before.
        let ended = kernel::has_ended(runner);
        match claim::read_outcome(dir) {
            Ok(None) if ended => return None,
            Ok(None) => {}
            Ok(Some(outcome)) => return Some(Ok(outcome)),
            Err(e) => return Some(Err(e)),
        }
        news.wait(runner.as_fd());
    }
}

fn settle(found: Option<std::io::Result<Ended>>) -> Found {
    match found {
        Some(Ok(ended)) => Found::Ended(Box::new(ended)),
        Some(Err(e)) => Found::Gone(format!("its outcome cannot be read: {e}")),
        None => Found::Gone("its runner left no outcome".to_owned()),
    }
}

/// Hears of files that get their name in a directory.
struct News(Option<OwnedFd>);

impl News {
    fn of(dir: &Path) -> Self {
        let hear = || {
            let fd = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
            inotify::add_watch(&fd, dir, inotify::WatchFlags::MOVED_TO)?;
            Ok::<OwnedFd, rustix::io::Errno>(fd)
        };
        Self(hear().ok())
    }

    fn wait(&self, runner: BorrowedFd<'_>) {
        let Some(fd) = &self.0 else {
            kernel::readable(&[runner], Some(LOOK_EVERY));
            return;
        };
        kernel::readable(&[fd.as_fd(), runner], None);
        let mut heard = [0; 1024];
        while matches!(rustix::io::read(fd, &mut heard), Ok(1..)) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_that_never_began_never_will() {
        let dir = tempfile::tempdir().unwrap();
        let attempt = dir.path().join("attempts/3");
        assert_eq!(look(&attempt, false), Found::NoStart);
        let late =
            Start::Claimed { runner: Identity { pid: 1, started: 1 }, boot_id: "x".to_owned(), of: None };
        assert!(!claim::claim(&attempt, &late).unwrap());
        assert_eq!(look(&attempt, false), Found::NoStart);
    }

    #[test]
    fn after_another_boot_nothing_is_sure() {
        let dir = tempfile::tempdir().unwrap();
        assert!(
            matches!(look(dir.path(), true), Found::Gone(why) if why.contains("nothing says whether it began"))
        );
        let me = kernel::myself().unwrap();
        let claimed = Start::Claimed { runner: me, boot_id: "another".to_owned(), of: None };
        assert!(
            !claim::claim(dir.path(), &claimed).unwrap(),
            "a runner that comes late finds the start taken"
        );
        let dir = tempfile::tempdir().unwrap();
        assert!(claim::claim(dir.path(), &claimed).unwrap());
        assert!(
            matches!(look(dir.path(), false), Found::Gone(why) if why.contains("started anew while it ran"))
        );
    }

    #[test]
    fn j15_what_another_start_left_says_nothing_of_this_one() {
        let dir = tempfile::tempdir().unwrap();
        let its = StartRecord { n: 7, ..StartRecord::default() };
        let (runner, boot_id) = (kernel::myself().unwrap(), crate::clock::boot_id().to_owned());
        claim::claim(dir.path(), &Start::Claimed { runner, boot_id, of: Some(its) }).unwrap();
        let mut slot = claim::OutcomeSlot::reserve(dir.path()).unwrap();
        slot.fill(&not_started("x".to_owned())).unwrap();
        assert!(matches!(look_for(dir.path(), its, false), Found::Ended(_)));
        let at = crate::time::Timestamp::from_millis(1);
        for other in [StartRecord { n: 8, ..its }, StartRecord { at, ..its }] {
            assert!(
                matches!(look_for(dir.path(), other, false), Found::Gone(why) if why.contains("of another start"))
            );
        }
    }

    #[test]
    fn a_runner_is_alive_only_as_the_process_it_was() {
        let boot_id = crate::clock::boot_id().to_owned();
        let me = kernel::myself().unwrap();
        let dir = tempfile::tempdir().unwrap();
        claim::claim(dir.path(), &Start::Claimed { runner: me, boot_id: boot_id.clone(), of: None }).unwrap();
        assert_eq!(look(dir.path(), false), Found::Alive);
        let dir = tempfile::tempdir().unwrap();
        let earlier = Identity { started: me.started - 1, ..me };
        claim::claim(dir.path(), &Start::Claimed { runner: earlier, boot_id, of: None }).unwrap();
        assert!(matches!(look(dir.path(), false), Found::Gone(_)));
        assert!(matches!(Runner::adopt(dir.path()).wait(), Found::Gone(_)));
    }
}
