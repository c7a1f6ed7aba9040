//! A log that goes on with a record of a kind this version does not know (J19): it is read up to there, each verb says so,
//! its chain is followed on, and nothing is written to it.

use std::io::Write as _;
use std::path::Path;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::WIPE;
use crate::support::{Home, Session};

/// Adds a record, linked as `docs/format.md` has it.
fn add(journal: &Path, event: &str) {
    let log = std::fs::read_to_string(journal).unwrap();
    let last = log.lines().last().unwrap();
    let before: Value = serde_json::from_str(last).unwrap();
    let mut record = json!({});
    for field in ["at", "up", "session", "by"] {
        record[field] = before[field].clone();
    }
    record["n"] = (before["n"].as_u64().unwrap() + 1).into();
    record["event"] = event.into();
    record["text"] = "orbit".into();
    let text = record.to_string();
    // The link is last, in place of the closing brace.
    let link = HEXLOWER.encode(&Sha256::digest(last));
    let record = format!("{},\"prev\":\"{link}\"}}\n", text.strip_suffix('}').unwrap());
    std::fs::File::options().append(true).open(journal).unwrap().write_all(record.as_bytes()).unwrap();
}

/// Every file of a session's directory, and what it holds; nothing of its socket.
fn all(session: &Session<'_>) -> Vec<(String, Option<Vec<u8>>)> {
    let mut files: Vec<_> = std::fs::read_dir(session.dir())
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name() != "socket")
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).ok()))
        .collect();
    files.sort();
    files
}

#[test]
fn j19_a_log_of_a_newer_version_is_read_up_to_there_by_every_verb_and_written_by_none() {
    let home = Home::new();
    let session = home.start(WIPE);
    session.act(&["note", "kept"]).expect(0);
    session.kill_host();
    let journal = session.dir().join("journal.jsonl");
    let known = session.journal().len();
    for event in ["beamed_up", "noted", "beamed_down"] {
        add(&journal, event);
    }
    let before = all(&session);
    // Read up to there; that it is not all is said.
    let status = session.call("status", &[]).expect(0).says("Disk fails");
    assert!(status.stderr.contains("beamed_up") && status.stderr.contains("before that"), "{status:?}");
    let log = session.call("log", &[]).expect(0).says("kept").says("unknown variant `beamed_up`");
    assert!(!log.stdout.contains("orbit"), "{log:?}");
    let report = session.call("report", &["--format", "md"]).expect(0).says("kept");
    assert!(!report.stdout.contains("orbit"), "{report:?}");
    assert!(report.stderr.contains("beamed_up") && report.stderr.contains("ends there"), "{report:?}");
    // Whose links are right to the end is not whole all the same: exit status 1, and the place.
    let place = format!("record {}: unknown variant `beamed_up`", known + 1);
    session.call("verify", &[]).expect(1).says(&place).says(&format!("records 1 to {known} are whole"));
    let json = session.call("verify", &["--json"]).expect(1).json();
    assert_eq!((&json["records"], &json["unjudged_from"]), (&json!(known), &json!(known + 1)), "{json}");
    assert_eq!(json["findings"].as_array().unwrap().len(), 1, "{json}");
    // Nobody goes on with it.
    let id = session.id.as_str();
    let asked: [&[&str]; 5] = [
        &["do", id, "note", "x"],
        &["do", id, "run", "wipe", "--confirm", "wipe"],
        &["attach", id, "--plain"],
        &["attach", id, "--watch", "--plain"],
        &["do", id, "abort", "--say", "x"],
    ];
    for words in asked {
        home.call(words)
            .expect(2)
            .says("unknown variant `beamed_up`")
            .says("a newer one, to go on (reading works)");
    }
    assert_eq!(home.read("effects"), "");
    assert!(all(&session) == before, "something was written");
    // Nobody knows what these records mean; a byte of them that was changed is found all the same, by the link after it.
    let text = std::fs::read_to_string(&journal).unwrap();
    let (at, _) = text.match_indices("orbit").nth(1).unwrap();
    let mut bytes = text.into_bytes();
    bytes[at] ^= 1;
    std::fs::write(&journal, bytes).unwrap();
    let changed = session.call("verify", &["--json"]).expect(1).json();
    assert!(changed["findings"].as_array().unwrap().len() > 1, "{changed}");
}
