//! The small files of an attempt's directory: who started, what runs, how it ended. SHELL.
//!
//! `start.json` appears whole and once: either a runner puts it there before it starts its command, or a host that
//! finds none puts a bar there. Whoever comes second does not start.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::RenameFlags;
use rustix::io::Errno;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::failpoint;
use crate::session::Ended;
use crate::session::state::StartRecord;

use super::kernel::Identity;

const START: &str = "start.json";
const COMMAND: &str = "command.json";
const OUTCOME: &str = "outcome.json";
const OUTCOME_DRAFT: &str = "outcome.draft";

/// Room kept for the outcome before anything starts, bytes: a disk that fills up meanwhile cannot lose it.
const RESERVED: usize = 8 * 1024;

/// The largest of these files that is read, bytes.
const MAX_FILE: u64 = 4 << 20;

/// What `start.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "start", rename_all = "snake_case")]
pub enum Start {
    /// A runner took the attempt; it starts the command right after.
    Claimed {
        /// The runner.
        runner: Identity,
        /// The kernel's boot id.
        boot_id: String,
        /// The record of the start that it was told of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<StartRecord>,
    },
    /// A host found that nothing was started, and nothing may be any more.
    Barred {
        /// Process id of that host.
        by: u32,
    },
}

/// Puts `start.json` there, whole; false: one is there already.
pub fn claim(dir: &Path, start: &Start) -> io::Result<bool> {
    let kind = if matches!(start, Start::Claimed { .. }) { "claim" } else { "bar" };
    let draft = dir.join(format!("start.{kind}.{}", std::process::id()));
    let path = dir.join(START);
    write_new(&draft, &serde_json::to_vec(start)?)?;
    let result = match rustix::fs::link(&draft, &path) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        // A file system without hard links has this, and the other way round.
        Err(_) => match rustix::fs::renameat_with(
            rustix::fs::CWD,
            &draft,
            rustix::fs::CWD,
            &path,
            RenameFlags::NOREPLACE,
        ) {
            Ok(()) => return Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(e) => Err(e.into()),
        },
    };
    std::fs::remove_file(&draft)?;
    result
}

/// Was an attempt made here before?
#[must_use]
pub fn is_taken(dir: &Path) -> bool {
    [START, OUTCOME].iter().any(|name| dir.join(name).symlink_metadata().is_ok())
}

/// Is what is there of another start than that of this record? (An older version left it unsaid.)
#[must_use]
pub fn is_of_another(dir: &Path, of: StartRecord) -> bool {
    matches!(read_start(dir), Ok(Some(Start::Claimed { of: Some(its), .. })) if its != of)
}

/// What `start.json` says; `None`: there is none.
pub fn read_start(dir: &Path) -> io::Result<Option<Start>> {
    read(&dir.join(START))
}

/// Notes which process the command is.
pub fn write_command(dir: &Path, command: Identity) -> io::Result<()> {
    let draft = dir.join("command.draft");
    write_new(&draft, &serde_json::to_vec(&command)?)?;
    std::fs::rename(&draft, dir.join(COMMAND))
}

/// Which process the command is; `None`: not noted.
pub fn read_command(dir: &Path) -> io::Result<Option<Identity>> {
    read(&dir.join(COMMAND))
}

/// How it ended; `None`: no outcome is there.
pub fn read_outcome(dir: &Path) -> io::Result<Option<Ended>> {
    read(&dir.join(OUTCOME))
}

/// The outcome file before there is an outcome, its room on the disk taken.
#[derive(Debug)]
pub struct OutcomeSlot {
    dir: PathBuf,
    draft: File,
}

impl OutcomeSlot {
    /// Takes the room.
    pub fn reserve(dir: &Path) -> io::Result<Self> {
        let path = dir.join(OUTCOME_DRAFT);
        let mut draft = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        let room = draft.write_all(&[b' '; RESERVED]);
        let slot = Self { dir: dir.to_owned(), draft };
        match room {
            Ok(()) => Ok(slot),
            Err(e) => {
                slot.give_back();
                Err(e)
            }
        }
    }

    /// Writes the outcome, and makes it durable before it has its name. May be called again after an error.
    pub fn fill(&mut self, ended: &Ended) -> io::Result<()> {
        let text = serde_json::to_vec(ended)?;
        // Over the blanks first and cut after: the blocks are never given back before they are needed.
        self.draft.write_all_at(&text, 0)?;
        self.draft.set_len(text.len() as u64)?;
        failpoint::pass("outcome-file-unsynced");
        self.draft.sync_all()?;
        failpoint::pass("outcome-file-unnamed");
        // Who finds the outcome under its name, after a power cut too, finds all that was there before it.
        let end = self.dir.ancestors().take(4).position(|dir| dir.ends_with("attempts")).unwrap_or(0);
        for dir in self.dir.ancestors().take(end + 1) {
            sync_dir(dir);
        }
        std::fs::rename(self.dir.join(OUTCOME_DRAFT), self.dir.join(OUTCOME))?;
        failpoint::pass("outcome-name-unsynced");
        sync_dir(&self.dir);
        Ok(())
    }

    /// Gives the room back; there will be no outcome.
    pub fn give_back(self) {
        let _ = std::fs::remove_file(self.dir.join(OUTCOME_DRAFT));
    }
}

/// Should a directory not reach the disk, there is nothing left to try.
fn sync_dir(dir: &Path) {
    let _ = File::open(dir).and_then(|dir| dir.sync_all());
}

fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text)
}

fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    let mut file = match super::output::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    if file.seek(SeekFrom::End(0))? > MAX_FILE {
        return Err(io::Error::other(format!("{} is larger than anything written there", path.display())));
    }
    file.rewind()?;
    let mut text = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut text)?;
    serde_json::from_slice(&text).map(Some).map_err(|e| io::Error::other(format!("{}: {e}", path.display())))
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;
    use crate::session::Outcome;

    fn ended(code: i32, captured: Option<String>) -> Ended {
        Ended {
            outcome: Outcome::Exited { code },
            took: 5,
            output_bytes: 0,
            output_sha256: None,
            captured,
            not_captured: None,
            wanted_terminal: false,
            left: vec![],
        }
    }

    #[test]
    fn of_a_runner_and_a_host_exactly_one_is_first() {
        for _ in 0..50 {
            let dir = tempfile::tempdir().unwrap();
            let starts = [
                Start::Claimed { runner: Identity { pid: 1, started: 2 }, boot_id: "b".to_owned(), of: None },
                Start::Barred { by: 3 },
            ];
            let barrier = Barrier::new(2);
            let won: Vec<bool> = std::thread::scope(|scope| {
                let threads: Vec<_> = starts
                    .iter()
                    .map(|start| {
                        let (dir, barrier) = (dir.path(), &barrier);
                        scope.spawn(move || {
                            barrier.wait();
                            claim(dir, start).unwrap()
                        })
                    })
                    .collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert_eq!(won.iter().filter(|won| **won).count(), 1);
            let winner = won.iter().position(|won| *won).unwrap();
            assert_eq!(read_start(dir.path()).unwrap().as_ref(), Some(&starts[winner]));
        }
    }

    #[test]
    fn an_outcome_is_there_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read_outcome(dir.path()).unwrap(), None);
        let mut slot = OutcomeSlot::reserve(dir.path()).unwrap();
        assert_eq!(read_outcome(dir.path()).unwrap(), None);
        for outcome in [ended(3, None), ended(0, Some("x\n\"".repeat(40_000)))] {
            let mut slot_again = OutcomeSlot::reserve(dir.path()).unwrap();
            slot_again.fill(&outcome).unwrap();
            assert_eq!(read_outcome(dir.path()).unwrap(), Some(outcome));
        }
        assert!(slot.fill(&ended(1, None)).is_err(), "its draft was taken over");
        std::fs::write(dir.path().join(OUTCOME), "{\"outcome\"").unwrap();
        assert!(read_outcome(dir.path()).is_err());
    }
}
