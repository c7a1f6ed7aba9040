//! Real trees, and what `covers` says of them.

mod bad;
mod mounts;
mod pure;
mod sly;
mod tars;
mod trees;
mod zips;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::session::Verdict;

/// A source and a place for its backup.
struct World {
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir(dir.path().join("site")).expect("a source");
        Self { dir }
    }

    /// With a few files, links and directories, one of them empty.
    fn filled() -> Self {
        let world = Self::new();
        world.write("site/index.php", "<?php");
        world.write("site/robots.txt", "none");
        world.write("site/themes/one/style.css", "b{}");
        world.write("site/themes/one/page.php", "page");
        world.write("site/themes/two/page.php", "two");
        fs::create_dir(world.at("site/uploads")).expect("an empty directory");
        std::os::unix::fs::symlink("themes/one", world.at("site/theme")).expect("a link");
        std::os::unix::fs::symlink("/nowhere/at all", world.at("site/broken")).expect("a link");
        world
    }

    fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(path)
    }

    fn write(&self, path: impl AsRef<Path>, text: impl AsRef<[u8]>) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().expect("below something")).expect("directories");
        fs::write(path, text).expect("writes");
    }

    /// Copies with `cp -a`, so that times, owners and modes are kept.
    fn copy(&self, from: &str, to: &str) {
        fs::create_dir_all(self.at(to).parent().expect("below something")).expect("directories");
        run(Command::new("cp").arg("-a").arg(self.at(from)).arg(self.at(to)));
    }

    /// What is asked of `site` and this backup.
    fn asks(&self, backup: &str) -> Covers<String> {
        let text = |path: PathBuf| path.to_str().expect("readable").to_owned();
        Covers {
            source: text(self.at("site")),
            backup: text(self.at(backup)),
            ignore: Vec::new(),
            by: By::Content,
            also: Vec::new(),
        }
    }

    fn find(&self, backup: &str) -> Finding {
        find(&self.asks(backup), &Progress::default())
    }

    /// The sentence with the changing directory taken out, so that it can be written down.
    fn said(&self, finding: &Finding) -> String {
        finding.detail.replace(self.dir.path().to_str().expect("readable"), "")
    }
}

fn run(command: &mut Command) {
    let output = command.output().expect("the program is there");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn name(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// A count of the evidence.
fn count(finding: &Finding, of: &str) -> u64 {
    finding.evidence["counts"][of].as_u64().unwrap_or_else(|| panic!("{of} in {finding:?}"))
}

/// The paths that differ, with what is wrong.
fn differences(finding: &Finding) -> Vec<String> {
    let Some(list) = finding.evidence.get("differences") else { return Vec::new() };
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let list = list.as_array().expect("a list");
    list.iter().map(|one| format!("{}: {}", text(&one["path"]), text(&one["what"]))).collect()
}

#[track_caller]
fn holds(finding: &Finding) {
    assert_eq!(finding.verdict, Verdict::Holds, "{finding:#?}");
}

#[track_caller]
fn fails(finding: &Finding) {
    assert_eq!(finding.verdict, Verdict::Fails, "{finding:#?}");
}

#[track_caller]
fn errs(finding: &Finding) {
    assert_eq!(finding.verdict, Verdict::Error, "{finding:#?}");
}
