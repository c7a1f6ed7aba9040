//! Trees that change in every way, and what proves nothing.

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
    assert!(found.evidence["newest"].as_str().unwrap().contains("/site/a"), "{}", found.evidence["newest"]);
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
    assert_eq!(seen.judge(Path::new("/"), Path::new("/r")).verdict, Verdict::Fails, "a change is a change");
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
