//! What a disk has after a power cut: a test takes away what was written and not synced, and the machine is another boot.

use std::fs::File;
use std::path::Path;

use super::table::{By, Kept, Row};

/// What makes every process from here on see a machine that was booted since, just now.
pub(super) fn another_boot(name: &str) -> String {
    let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
    let seconds: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("boot-id=word:boot-{name};boot-began=ms:{:.0}", seconds * 1000.0)
}

/// Takes from a session's directory what was not synced when a step stood at this point, as far as the disk did not
/// keep it all the same.
pub(super) fn cut(session: &Path, attempt: u32, row: &Row, kept: Kept) {
    let attempt = session.join("attempts").join(attempt.to_string());
    if kept == Kept::All {
        return;
    }
    if row.by == By::Host && row.point.ends_with("-unsynced") {
        cut_last_record(&session.join("journal.jsonl"), kept);
    }
    let Ok(files) = std::fs::read_dir(&attempt) else { return };
    let before_names = matches!(
        row.point,
        "runner-up"
            | "start-recorded"
            | "command-started"
            | "first-output"
            | "command-ended"
            | "outcome-file-unsynced"
            | "outcome-file-unnamed"
    ) || matches!(row.by, By::NextHost { .. });
    if before_names && kept == Kept::Nothing {
        return std::fs::remove_dir_all(&attempt).unwrap();
    }
    if row.point == "outcome-name-unsynced" && kept == Kept::Nothing {
        std::fs::rename(attempt.join("outcome.json"), attempt.join("outcome.draft")).unwrap();
    }
    for file in files.flatten() {
        let name = file.file_name();
        let name = name.to_str().unwrap();
        let synced = match name {
            "outcome.json" => true,
            "outcome.draft" => row.point != "outcome-file-unsynced",
            // The runner syncs it before it writes how the command ended.
            "output" => !before_names || row.point.starts_with("outcome-"),
            _ => false,
        };
        if !synced {
            File::options().write(true).truncate(true).open(file.path()).unwrap();
        }
    }
}

/// Of the record whose sync has not returned: half of it, or nothing.
fn cut_last_record(journal: &Path, kept: Kept) {
    let bytes = std::fs::read(journal).unwrap();
    let body = bytes.strip_suffix(b"\n").unwrap();
    let begin = memchr::memrchr(b'\n', body).unwrap() + 1;
    let len = if kept == Kept::Nothing { begin } else { begin + (bytes.len() - begin) / 2 };
    File::options().write(true).open(journal).unwrap().set_len(len as u64).unwrap();
}
