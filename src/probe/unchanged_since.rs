//! `unchanged_since`: did nothing change since the backup was made? SHELL. Never writes.

mod links;
mod walk;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::Utc;
use rustix::fs::{FileType, Stat};

use crate::runbook::UnchangedSince;

use super::look::{Finding, shown};
use super::mounts;
use super::place::{self, Held};
use super::progress::Progress;

/// So many changes are named; all are counted.
const NAMED: usize = 20;

/// The answer.
pub(super) fn find(of: &UnchangedSince<String>, progress: &Progress) -> Finding {
    match look(of, progress) {
        Ok(finding) | Err(finding) => finding,
    }
}

fn look(of: &UnchangedSince<String>, progress: &Progress) -> Result<Finding, Finding> {
    let path = place::path("path", &of.path)?;
    let reference = place::path("reference", &of.reference)?;
    progress.at(&reference);
    let since = dated(&reference)?;
    progress.at(&path);
    let top = place::hold(&path).map_err(|error| place::not_held(&path, error))?;
    if !matches!(top.kind(), FileType::RegularFile | FileType::Directory) {
        let kind = place::in_words(top.kind());
        return Err(Finding::error(format!("{} is {kind}: name a directory or a file", shown(&path))));
    }
    inside(&path, &reference)?;
    let mut seen = Seen::new(since.at);
    links::on_the_way(&path, &mut seen)?;
    mounted(&path, &top, &mut seen)?;
    walk::walk(&path, &top, progress, &mut seen);
    let finding = seen.judge(&path, &reference);
    Ok(finding
        .with("reference_made", words(since.at))
        .with("entries", seen.entries)
        .with("changed", seen.changed)
        .with("vanished", seen.vanished)
        .with("unreadable", seen.unreadable)
        .with("mounts", seen.mounted.iter().take(NAMED).map(|path| shown(path)).collect::<Vec<_>>())
        .with("first", seen.first.iter().map(|path| shown(path)).collect::<Vec<_>>())
        .with("newest", seen.newest.as_ref().map(|(at, path)| format!("{} {}", words(*at), shown(path))))
        .with("how", "modification and status-change times, to the nanosecond, links below it not followed"))
}

/// A time in seconds and nanoseconds since 1970.
type Time = (i64, i64);

fn words((seconds, _): Time) -> String {
    place::time_in_words(seconds)
}

/// When something was last changed, by content or by status.
fn changed_at(stat: &Stat) -> Time {
    times(stat).1
}

/// The earlier and the later of its times of modification and of status change.
fn times(stat: &Stat) -> (Time, Time) {
    let modified = (stat.st_mtime, i64::try_from(stat.st_mtime_nsec).unwrap_or(0));
    let changed = (stat.st_ctime, i64::try_from(stat.st_ctime_nsec).unwrap_or(0));
    (modified.min(changed), modified.max(changed))
}

/// What dates the backup.
#[derive(Debug)]
struct Since {
    at: Time,
}

fn dated(reference: &Path) -> Result<Since, Finding> {
    let held: Held = place::hold(reference).map_err(|error| {
        if place::is_absence(error) {
            Finding::error(format!("{}: nothing dates the backup", place::absent(reference)))
        } else {
            place::cannot("look at", reference, error)
        }
    })?;
    if !matches!(held.kind(), FileType::RegularFile | FileType::Directory) {
        let kind = place::in_words(held.kind());
        return Err(Finding::error(format!(
            "{} is {kind}: only a file or a directory dates a backup",
            shown(reference)
        )));
    }
    let at = times(&held.stat).0;
    let now = Utc::now();
    if at > (now.timestamp(), i64::from(now.timestamp_subsec_nanos())) {
        return Err(Finding::error(format!(
            "{} was made in the future by this machine's clock ({}): it dates nothing",
            shown(reference),
            words(at)
        )));
    }
    Ok(Since { at })
}

/// A reference in what it dates would count as a change of it.
fn inside(path: &Path, reference: &Path) -> Result<(), Finding> {
    let real =
        |path: &Path| std::fs::canonicalize(path).map_err(|error| place::cannot("look at", path, error));
    if real(reference)?.starts_with(real(path)?) {
        return Err(Finding::error(format!(
            "{} is in {}: what dates the backup must be outside of what was backed up",
            shown(reference),
            shown(path)
        )));
    }
    Ok(())
}

/// What is mounted under the path or over it was put there by nobody knows whom, nor when: its own times say nothing of
/// that. The kernel tells of a mount point only that the directory below it is not the one that is seen.
fn mounted(path: &Path, top: &Held, seen: &mut Seen) -> Result<(), Finding> {
    let table = Path::new("/proc/self/mountinfo");
    let mounts = mounts::all().map_err(|error| place::cannot("read", table, error))?;
    let real = std::fs::canonicalize(path).map_err(|error| place::cannot("look at", path, error))?;
    let own = mounts::of(&mounts, top.fd(), &real).map(|mount| mount.id);
    for mount in &mounts {
        let below = mount.point.starts_with(&real) && (mount.point != real || Some(mount.id) == own);
        if below {
            seen.mounted.push(mount.point.clone());
        }
    }
    Ok(())
}

/// What was seen. Its size does not grow with the tree.
#[derive(Debug)]
struct Seen {
    since: Time,
    /// The top counts too.
    entries: u64,
    changed: u64,
    vanished: u64,
    unreadable: u64,
    /// The first of the changed and vanished, by name.
    first: BTreeSet<PathBuf>,
    newest: Option<(Time, PathBuf)>,
    /// The first thing that kept the walk from looking.
    hindrance: Option<String>,
    /// Mount points in it.
    mounted: Vec<PathBuf>,
    /// The top is a directory without anything in it.
    is_empty: bool,
}

impl Seen {
    fn new(since: Time) -> Self {
        Self {
            since,
            entries: 0,
            changed: 0,
            vanished: 0,
            unreadable: 0,
            first: BTreeSet::new(),
            newest: None,
            hindrance: None,
            mounted: Vec::new(),
            is_empty: false,
        }
    }

    /// Something is there and was last changed then.
    fn saw(&mut self, path: impl Fn() -> PathBuf, at: Time) {
        self.entries += 1;
        if at >= self.since {
            self.changed += 1;
            self.name(path());
        }
        if self.newest.as_ref().is_none_or(|(newest, _)| at > *newest) {
            self.newest = Some((at, path()));
        }
    }

    /// Something was there and is not any more, or is something else.
    fn vanished(&mut self, path: PathBuf) {
        self.vanished += 1;
        self.name(path);
    }

    /// Something could not be looked at.
    fn hindered(&mut self, why: String) {
        self.unreadable += 1;
        self.hindrance.get_or_insert(why);
    }

    fn name(&mut self, path: PathBuf) {
        self.first.insert(path);
        if self.first.len() > NAMED {
            self.first.pop_last();
        }
    }

    /// A change is a no, whatever could not be looked at.
    fn judge(&self, path: &Path, reference: &Path) -> Finding {
        let (path, reference, made) = (shown(path), shown(reference), words(self.since));
        let first = self.first.first().map(|path| shown(path)).unwrap_or_default();
        let count = self.changed + self.vanished;
        if count > 0 {
            let gone = match self.vanished {
                0 => String::new(),
                gone => format!(" ({gone} of them gone or put in another's place while it was looked at)"),
            };
            return Finding::fails(format!(
                "{count} of {} under {path} changed since {reference} was made ({made}){gone}; the first is {first}: \
                 back it up again",
                self.entries.max(count)
            ));
        }
        if let Some(why) = &self.hindrance {
            let more = match self.unreadable {
                1 => String::new(),
                all => format!(", and {} more", all - 1),
            };
            return Finding::error(format!("cannot tell whether {path} changed: {why}{more}"));
        }
        if self.is_empty {
            return Finding::fails(format!("{path} is empty: that nothing changed in it proves nothing"));
        }
        let mounted = match self.mounted.as_slice() {
            [] => String::new(),
            [one] => format!("; {} is a mount, and when it was mounted nobody can tell", shown(one)),
            [one, more @ ..] => format!(
                "; {} and {} more are mounts, and when they were mounted nobody can tell",
                shown(one),
                more.len()
            ),
        };
        Finding::holds(format!(
            "none of {} under {path} changed since {reference} was made ({made}){mounted}",
            self.entries
        ))
    }
}

#[cfg(test)]
mod tests;
