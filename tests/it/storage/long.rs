//! Long and strange texts in records (J18): what a person says is bounded and refused as a whole beyond that; what a command
//! says is kept in its file, whole, with its digest on record, and one record stays one line.

use sha2::{Digest as _, Sha256};

use crate::support::{Home, Session};

const TEN_MIB: usize = 10 << 20;

const PRINTS: &str = r#"onbelay: 1
title: Prints
steps:
  - { id: long, title: Long, capture: word, run: 'head -c 10485760 /dev/zero | tr "\0" x' }
  - { id: odd, title: Odd, capture: other, run: 'printf "a\000b\033[2J\377\342\200\250\r\nc"' }
"#;

/// The log: one record a line, none of them long, no byte that acts on a terminal.
#[track_caller]
fn is_lines(session: &Session<'_>) -> String {
    let log = std::fs::read_to_string(session.dir().join("journal.jsonl")).unwrap();
    for line in log.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(record["n"].is_u64() && line.len() < 200_000, "{} bytes", line.len());
        assert!(!line.chars().any(|c| c.is_control() || c == '\u{2028}'), "{line:?}");
    }
    log
}

#[test]
fn j18_an_output_of_ten_mib_is_in_its_file_with_its_digest_on_record_and_the_record_is_short() {
    let home = Home::new();
    let session = home.start(PRINTS);
    session.act(&["run", "long"]).expect(4);
    let output = session.output(1);
    assert_eq!(output.len(), TEN_MIB);
    let ended = session.records("work_ended").remove(0)["ended"].clone();
    assert_eq!(ended["output_bytes"], TEN_MIB);
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(&output));
    assert_eq!(ended["output_sha256"], digest);
    assert!(ended["captured"].is_null() && ended["not_captured"].is_string(), "{ended}");
    is_lines(&session);
    session.verifies();
}

#[test]
fn j18_an_output_that_is_no_text_is_kept_byte_for_byte_and_stays_out_of_the_log() {
    let home = Home::new();
    let session = home.start(PRINTS);
    session.act(&["skip", "long", "--say", "not here"]).expect(0);
    session.act(&["run", "odd"]).expect(4);
    assert_eq!(session.output(1), b"a\0b\x1b[2J\xff\xe2\x80\xa8\r\nc");
    is_lines(&session);
    session.verifies();
}

#[test]
fn j18_what_a_person_says_is_one_line_whatever_it_holds_and_too_much_is_refused_as_a_whole() {
    let home = Home::new();
    let session = home.start(PRINTS);
    let odd = "a\nb\r\u{2028}\u{85}\x1b[2J\u{202e}c\",\"prev\":\"x\"}";
    session.act(&["note", odd]).expect(0);
    session.act(&["skip", "long", "--say", odd]).expect(0);
    assert_eq!(session.records("noted")[0]["text"], odd);
    assert_eq!(session.records("step_skipped")[0]["why"], odd);
    let log = is_lines(&session);
    // As much as one record takes, and a byte more.
    session.act(&["note", &"x".repeat(64 << 10)]).expect(0);
    let kept = is_lines(&session);
    assert!(kept.len() > log.len() + (64 << 10));
    session.act(&["note", &"x".repeat((64 << 10) + 1)]).expect(2).says("65536 bytes at most");
    // Ten MiB fit into no argument: in lines.
    let ten_mib = format!("note {}\nquit\n", "x".repeat(TEN_MIB));
    let ran = home.call_with(&["attach", session.id.as_str(), "--plain"], ten_mib.as_bytes());
    let ran = ran.says("that line is too long; nothing was done");
    assert!(ran.code.is_some(), "{:?}", ran.code);
    // Nor is the end of such a line taken for one of its own.
    let smuggles = format!("note {}note smuggled\nnote after\n", " ".repeat(TEN_MIB));
    let ran = home.call_with(&["attach", session.id.as_str(), "--plain"], smuggles.as_bytes());
    assert!(
        session.records("noted").iter().all(|note| note["text"] != "smuggled"),
        "{} bytes",
        ran.stdout.len()
    );
    assert_eq!(ran.said().matches("that line is too long").count(), 1);
    assert!(session.records("noted").iter().any(|note| note["text"] == "after"));
    let kept = is_lines(&session);
    let bytes = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"a\xffb");
    let mut odd = home.command(&["do", session.id.as_str(), "note"]);
    let odd = crate::support::Ran::of(&odd.arg(bytes).output().unwrap());
    odd.expect(2).says("not UTF-8 text");
    assert_eq!(is_lines(&session), kept, "nothing of them is on record");
    session.verifies();
}
