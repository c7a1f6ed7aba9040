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
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::session::Verdict;

    struct Case {
        dir: tempfile::TempDir,
    }

    impl Case {
        /// A tree, and a reference made by a clock that has surely gone on since.
        fn new() -> Self {
            let case = Self { dir: tempfile::tempdir().unwrap() };
            fs::create_dir_all(case.at("site/a/b")).unwrap();
            fs::write(case.at("site/a/b/file"), "x").unwrap();
            fs::write(case.at("site/z"), "x").unwrap();
            symlink("/no/such", case.at("site/link")).unwrap();
            case.tick();
            fs::write(case.at("stamp"), "").unwrap();
            case.tick();
            case
        }

        fn at(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        /// Waits until the clock that dates files has gone on: it does so in steps of some milliseconds.
        fn tick(&self) {
            let probe = self.at("tick");
            let touched = || {
                fs::write(&probe, "").unwrap();
                fs::metadata(&probe).unwrap().modified().unwrap()
            };
            let before = touched();
            while touched() == before {
                std::thread::yield_now();
            }
        }

        fn ask(&self) -> Finding {
            self.ask_of("site", "stamp")
        }

        fn ask_of(&self, path: &str, reference: &str) -> Finding {
            let text = |name: &str| self.at(name).to_str().unwrap().to_owned();
            find(&UnchangedSince { path: text(path), reference: text(reference) }, &Progress::default())
        }
    }

    #[test]
    fn nothing_changed() {
        let case = Case::new();
        let found = case.ask();
        assert_eq!(found.verdict, Verdict::Holds, "{}", found.detail);
        assert_eq!(found.evidence["entries"], 6);
        assert_eq!(case.ask_of("site/z", "stamp").verdict, Verdict::Holds, "a file alone");
    }

    /// The first thing that is named, and how it is changed.
    type Change = (&'static str, fn(&Case));

    #[test]
    fn every_kind_of_change_is_one() {
        let change: [Change; 6] = [
            ("site/a/b/file", |case| fs::write(case.at("site/a/b/file"), "y").unwrap()),
            ("site/a/b", |case| fs::remove_file(case.at("site/a/b/file")).unwrap()),
            ("site", |case| fs::write(case.at("site/zz"), "new").unwrap()),
            ("site", |case| {
                fs::remove_file(case.at("site/link")).unwrap();
                symlink("/other", case.at("site/link")).unwrap();
            }),
            ("site/z", |case| {
                // Written and dated back: the time of status change tells.
                fs::write(case.at("site/z"), "y").unwrap();
                let old = SystemTime::now() - Duration::from_hours(1000);
                File::options().append(true).open(case.at("site/z")).unwrap().set_modified(old).unwrap();
            }),
            ("site/z", |case| {
                let mode = std::os::unix::fs::PermissionsExt::from_mode(0o640);
                fs::set_permissions(case.at("site/z"), mode).unwrap();
            }),
        ];
        for (first, make) in change {
            let case = Case::new();
            make(&case);
            let found = case.ask();
            assert_eq!(found.verdict, Verdict::Fails, "{}", found.detail);
            let first = case.at(first);
            assert!(
                found.detail.ends_with(&format!("the first is {}: back it up again", first.display())),
                "{}",
                found.detail
            );
        }
    }

    #[test]
    fn a_link_on_the_way_that_leads_elsewhere_now_is_a_change() {
        let case = Case::new();
        fs::create_dir(case.at("other")).unwrap();
        symlink("site", case.at("cur")).unwrap();
        symlink(case.at("cur"), case.at("far")).unwrap();
        case.tick();
        fs::write(case.at("later"), "").unwrap();
        case.tick();
        for path in ["cur", "far", "cur/a", "far/a/b/file"] {
            let found = case.ask_of(path, "later");
            assert_eq!(found.verdict, Verdict::Holds, "{path}: {}", found.detail);
        }
        // Another tree that is as old: only the link tells.
        fs::remove_file(case.at("cur")).unwrap();
        symlink("./site", case.at("cur")).unwrap();
        for path in ["cur", "far", "cur/a", "far/a/b/file"] {
            let found = case.ask_of(path, "later");
            assert_eq!(found.verdict, Verdict::Fails, "{path}: {}", found.detail);
            assert!(found.detail.contains("/cur"), "{}", found.detail);
        }
    }

    #[test]
    fn twenty_are_named_and_all_counted() {
        let case = Case::new();
        for n in (0..50).rev() {
            fs::write(case.at(&format!("site/a/n{n:02}")), "").unwrap();
        }
        let found = case.ask();
        assert_eq!(found.evidence["changed"], 51);
        let first = found.evidence["first"].as_array().unwrap();
        assert_eq!(first.len(), 20);
        assert!(first[0].as_str().unwrap().ends_with("/site/a"));
        assert!(first[19].as_str().unwrap().ends_with("/site/a/n18"));
        assert!(
            found.evidence["newest"].as_str().unwrap().contains("/site/a"),
            "{}",
            found.evidence["newest"]
        );
    }

    #[test]
    fn what_proves_nothing() {
        let case = Case::new();
        fs::create_dir(case.at("empty")).unwrap();
        case.tick();
        fs::write(case.at("later"), "").unwrap();
        let of = |path: &str, reference: &str| {
            let found = case.ask_of(path, reference);
            (found.verdict, found.detail.replace(case.dir.path().to_str().unwrap(), ""))
        };
        let fails = |text: &str| (Verdict::Fails, text.to_owned());
        let error = |text: &str| (Verdict::Error, text.to_owned());
        assert_eq!(of("empty", "later"), fails("/empty is empty: that nothing changed in it proves nothing"));
        assert_eq!(of("gone", "stamp"), fails("there is no /gone"));
        assert_eq!(of("site", "gone"), error("there is no /gone: nothing dates the backup"));
        let within = "/site/z is in /site: what dates the backup must be outside of what was backed up";
        assert_eq!(of("site", "site/z"), error(within));
        assert_eq!(of("site", "site").0, Verdict::Error);
        fs::write(case.at("ahead"), "").unwrap();
        let ahead = SystemTime::now() + Duration::from_hours(1);
        File::options().append(true).open(case.at("ahead")).unwrap().set_modified(ahead).unwrap();
        assert_eq!(of("site", "ahead").0, Verdict::Holds, "the earlier of its two times counts");
    }

    #[test]
    fn the_same_instant_is_a_change() {
        let mut seen = Seen::new((5, 5));
        seen.saw(|| "/a".into(), (5, 4));
        assert_eq!(seen.judge(Path::new("/"), Path::new("/r")).verdict, Verdict::Holds);
        seen.hindered("cannot list /b".to_owned());
        assert_eq!(seen.judge(Path::new("/"), Path::new("/r")).verdict, Verdict::Error);
        seen.saw(|| "/c".into(), (5, 5));
        assert_eq!(
            seen.judge(Path::new("/"), Path::new("/r")).verdict,
            Verdict::Fails,
            "a change is a change"
        );
    }

    #[test]
    fn what_vanishes_is_a_change() {
        let mut seen = Seen::new((5, 5));
        seen.saw(|| "/a".into(), (1, 0));
        seen.vanished("/a/b".into());
        let found = seen.judge(Path::new("/a"), Path::new("/r"));
        assert_eq!(found.verdict, Verdict::Fails);
        assert!(found.detail.contains("while it was looked at"), "{}", found.detail);
    }
}
