//! `space`: is that much free? SHELL. Never writes.

use std::path::Path;

use rustix::fs::StatVfsMountFlags;

use crate::runbook::Space;
use crate::time::parse_size;

use super::look::{Finding, shown};
use super::place;
use super::progress::Progress;

/// The answer.
pub(super) fn find(of: &Space<String>, progress: &Progress) -> Finding {
    let asked = match Asked::read(of) {
        Ok(asked) => asked,
        Err(why) => return Finding::error(why),
    };
    let path = match place::path("path", &of.path) {
        Ok(path) => path,
        Err(finding) => return finding,
    };
    progress.at(&path);
    // Of a path that is not there nothing can be said, neither that much is free nor that little is.
    let found = match rustix::fs::statvfs(&path) {
        Ok(found) => found,
        Err(error) if place::is_absence(error) => return Finding::error(place::absent(&path)),
        Err(error) => return place::cannot("ask how much is free at", &path, error),
    };
    let room = Room {
        free: found.f_bavail.saturating_mul(found.f_frsize),
        total: found.f_blocks.saturating_mul(found.f_frsize),
        files: found.f_files,
        files_free: found.f_favail,
        read_only: found.f_flag.contains(StatVfsMountFlags::RDONLY),
    };
    judge(&path, &room, &asked)
        .with("free_bytes", room.free)
        .with("total_bytes", room.total)
        .with("files_free", room.files_free)
        .with("how", "statvfs, what a user who is not root may still use")
}

/// What is asked for, in bytes, each with its text.
#[derive(Debug, Default)]
struct Asked {
    at_least: Option<(u64, String)>,
    at_most: Option<(u64, String)>,
}

impl Asked {
    fn read(of: &Space<String>) -> Result<Self, String> {
        let read = |field: &str, text: &Option<String>| {
            let read = text.as_ref().map(|text| parse_size(text).map(|bytes| (bytes, text.clone())));
            read.transpose().map_err(|wrong| format!("`{field}`: {wrong}"))
        };
        let asked =
            Self { at_least: read("at_least", &of.at_least)?, at_most: read("at_most", &of.at_most)? };
        if asked.at_least.is_none() && asked.at_most.is_none() {
            return Err(
                "neither `at_least` nor `at_most` is given: there is nothing to compare with".to_owned()
            );
        }
        Ok(asked)
    }
}

/// What a file system says of itself.
#[derive(Debug)]
struct Room {
    free: u64,
    total: u64,
    files: u64,
    files_free: u64,
    /// Nobody can write there.
    read_only: bool,
}

fn judge(path: &Path, room: &Room, asked: &Asked) -> Finding {
    let words = place::bytes_in_words;
    if room.total == 0 {
        return Finding::error(format!("the file system of {} does not say how large it is", shown(path)));
    }
    let found = format!("{} of {} are free at {}", words(room.free), words(room.total), shown(path));
    if let Some((bytes, text)) = &asked.at_least {
        if room.free < *bytes {
            let lack = bytes - room.free;
            return Finding::fails(format!("{found}, less than {text}: {} more are needed", words(lack)));
        }
        if room.read_only {
            return Finding::fails(format!(
                "{found}, but nothing can be written there: it is mounted read-only"
            ));
        }
        if room.files > 0 && room.files_free == 0 {
            return Finding::fails(format!("{found}, but no file can be added there: every inode is used"));
        }
    }
    if let Some((bytes, text)) = &asked.at_most
        && room.free > *bytes
    {
        return Finding::fails(format!("{found}, more than {text}: {} too many", words(room.free - bytes)));
    }
    Finding::holds(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Verdict;

    fn asked(at_least: Option<&str>, at_most: Option<&str>) -> Result<Asked, String> {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Asked::read(&Space { path: "/".to_owned(), at_least: text(at_least), at_most: text(at_most) })
    }

    #[test]
    fn either_bound_or_both() {
        const ROOM: Room =
            Room { free: 6_000_000_000, total: 150_000_000_000, files: 10, files_free: 5, read_only: false };
        let of = |least, most| {
            let found = judge(Path::new("/srv"), &ROOM, &asked(least, most).unwrap());
            (found.verdict, found.detail)
        };
        let holds = "6 GB of 150 GB are free at /srv".to_owned();
        assert_eq!(of(Some("6GB"), None), (Verdict::Holds, holds.clone()));
        assert_eq!(of(None, Some("6GB")), (Verdict::Holds, holds.clone()));
        assert_eq!(of(Some("5GB"), Some("7GB")), (Verdict::Holds, holds.clone()));
        assert_eq!(
            of(Some("10GB"), None),
            (Verdict::Fails, format!("{holds}, less than 10GB: 4 GB more are needed"))
        );
        assert_eq!(of(None, Some("5GB")), (Verdict::Fails, format!("{holds}, more than 5GB: 1 GB too many")));
    }

    #[test]
    fn a_file_system_that_takes_no_more_files_has_no_room() {
        let room = Room { free: 6_000, total: 9_000, files: 10, files_free: 0, read_only: false };
        let found = judge(Path::new("/srv"), &room, &asked(Some("1B"), None).unwrap());
        assert_eq!(found.verdict, Verdict::Fails);
        let unnumbered = Room { files: 0, ..room };
        let found = judge(Path::new("/srv"), &unnumbered, &asked(Some("1B"), None).unwrap());
        assert_eq!(found.verdict, Verdict::Holds);
    }

    #[test]
    fn where_nobody_can_write_there_is_no_room() {
        let room = Room { free: 6_000, total: 9_000, files: 10, files_free: 5, read_only: true };
        let found = judge(Path::new("/srv"), &room, &asked(Some("1B"), None).unwrap());
        assert_eq!(found.verdict, Verdict::Fails);
        assert!(found.detail.ends_with("it is mounted read-only"), "{}", found.detail);
        let found = judge(Path::new("/srv"), &room, &asked(None, Some("7kB")).unwrap());
        assert_eq!(found.verdict, Verdict::Holds, "it is as full as it is");
    }

    #[test]
    fn wrong_fields_are_named() {
        let wrong = asked(Some("lots"), None).unwrap_err();
        assert_eq!(wrong, "`at_least`: expected a size such as 500MB or 10GiB, found `lots`");
        assert!(asked(None, None).unwrap_err().contains("nothing to compare with"));
    }

    #[test]
    fn of_real_places() {
        let dir = tempfile::tempdir().unwrap();
        let ask = |path: &str| {
            let of = Space { path: path.to_owned(), at_least: Some("1B".to_owned()), at_most: None };
            find(&of, &Progress::default())
        };
        let found = ask(dir.path().to_str().unwrap());
        assert_eq!(found.verdict, Verdict::Holds);
        assert!(found.evidence["free_bytes"].as_u64().unwrap() > 0);
        assert_eq!(ask("/no/such/place").verdict, Verdict::Error, "neither full nor empty");
        assert_eq!(ask("").verdict, Verdict::Error);
        let found = ask("/proc");
        assert_eq!(found.verdict, Verdict::Error);
        assert_eq!(found.detail, "the file system of /proc does not say how large it is");
    }
}
