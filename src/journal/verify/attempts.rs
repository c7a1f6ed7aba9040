//! Holds what lies in `attempts/` against the records: nothing is made there before a record says that it was started.
//! SHELL: lists directories. It must not know what is in the files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::journal::JournalError;
use crate::journal::reader::Tail;
use crate::journal::store::ATTEMPTS;
use crate::session::event::How;
use crate::session::{Entry, Event};

use super::Verified;

/// The file that a command's end is written to before it is recorded.
const OUTCOME: &str = "outcome.json";

/// What lies there, each attempt with the numbers of its items.
#[derive(Default)]
pub(super) struct Laid {
    attempts: BTreeMap<u32, BTreeSet<u32>>,
    /// Attempts, and items of them, whose command has ended.
    ended: BTreeSet<(u32, Option<u32>)>,
    /// Names of other things.
    strange: Vec<String>,
}

/// Lists it. To be called before the log is read: a start is on record before its directory is made, so whatever is here
/// by then is on record, also where the session goes on meanwhile.
pub(super) fn list(dir: &Path) -> Result<Laid, JournalError> {
    let top = dir.join(ATTEMPTS);
    let mut laid = Laid::default();
    for name in names(&top)? {
        let Some(attempt) = number(&name) else {
            laid.strange.push(format!("{ATTEMPTS}/{name}"));
            continue;
        };
        let at = top.join(&name);
        let mut items = BTreeSet::new();
        for name in names(&at.join("items"))? {
            let Some(index) = number(&name) else {
                laid.strange.push(format!("{ATTEMPTS}/{attempt}/items/{name}"));
                continue;
            };
            items.insert(index);
            if has_ended(&at.join("items").join(&name)) {
                laid.ended.insert((attempt, Some(index)));
            }
        }
        if has_ended(&at) {
            laid.ended.insert((attempt, None));
        }
        laid.attempts.insert(attempt, items);
    }
    Ok(laid)
}

fn names(dir: &Path) -> Result<Vec<String>, JournalError> {
    let failed = |error| JournalError::io("look into", dir)(error);
    let read = match fs::read_dir(dir) {
        Ok(read) => read,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(failed(error)),
    };
    let name = |entry: io::Result<fs::DirEntry>| Ok(entry.map_err(failed)?.file_name());
    let mut names =
        read.map(|entry| Ok(name(entry)?.to_string_lossy().into_owned())).collect::<Result<Vec<_>, _>>()?;
    names.sort_unstable();
    Ok(names)
}

/// As the tool writes it: `7`, never `07`.
fn number(name: &str) -> Option<u32> {
    name.parse().ok().filter(|number: &u32| number.to_string() == name)
}

fn has_ended(dir: &Path) -> bool {
    fs::symlink_metadata(dir.join(OUTCOME)).is_ok()
}

/// Says what no record accounts for. `alive`: a host may be about to record an end.
pub(super) fn held(verified: &mut Verified, laid: &Laid, records: &Records, tail: &Tail, alive: bool) {
    let whole = matches!(tail, Tail::Whole | Tail::Torn { .. });
    for (&attempt, items) in &laid.attempts {
        let Some((n, how)) = records.starts.get(&attempt) else {
            unrecorded(verified, &shown(attempt, None), whole);
            continue;
        };
        if *how != How::Script {
            let what = format!(
                "record {n}: a person did attempt {attempt} by what it says, and {} was made for a command",
                shown(attempt, None)
            );
            verified.find(Some(*n), &what);
        }
        for &item in items {
            if !records.items.contains(&(attempt, item)) {
                unrecorded(verified, &shown(attempt, Some(item)), whole);
            }
        }
    }
    for &(attempt, item) in laid.ended.iter().filter(|_| !alive && whole) {
        let known = records.starts.contains_key(&attempt);
        if known && !records.ends.contains(&(attempt, item)) {
            verified.leave_open(&format!(
                "how the command in {} ended: its outcome is there and on no record; its host ended before that, or records were cut off",
                shown(attempt, item)
            ));
        }
    }
    for name in &laid.strange {
        verified.leave_open(&format!("what {name} is: nothing that onbelay puts there"));
    }
}

fn unrecorded(verified: &mut Verified, shown: &str, whole: bool) {
    if whole {
        verified.find(
            None,
            &format!("{shown} was made, and no record says that it was started: records were cut off or changed, or somebody put it there"),
        );
    } else {
        verified.leave_open(&format!("what {shown} is from: the records that could say so cannot be judged"));
    }
}

fn shown(attempt: u32, item: Option<u32>) -> String {
    let attempt = PathBuf::from(ATTEMPTS).join(attempt.to_string());
    match item {
        Some(index) => attempt.join("items").join(index.to_string()).display().to_string(),
        None => attempt.display().to_string(),
    }
}

/// What the records account for.
#[derive(Default)]
pub(super) struct Records {
    starts: BTreeMap<u32, (u64, How)>,
    items: BTreeSet<(u32, u32)>,
    ends: BTreeSet<(u32, Option<u32>)>,
    /// The item under way of each attempt.
    at: BTreeMap<u32, u32>,
}

impl Records {
    /// Takes the next record in.
    pub(super) fn take(&mut self, entry: &Entry) {
        match &entry.event {
            Event::StepStarted { attempt, how, .. } => {
                self.starts.insert(*attempt, (entry.n, *how));
            }
            Event::ItemStarted { attempt, index, .. } => {
                self.items.insert((*attempt, *index));
                self.at.insert(*attempt, *index);
            }
            Event::ItemEnded { attempt, .. }
            | Event::WorkEnded { attempt, .. }
            | Event::NeverStarted { attempt, .. }
            | Event::Interrupted { attempt, .. } => {
                self.ends.insert((*attempt, self.at.get(attempt).copied()));
            }
            _ => {}
        }
    }
}
