//! One record as one line of text, linked to the line before by its SHA-256. PURE.
//! It must not know files: bytes in, bytes out.
//!
//! Anyone can redo the chain: `prev` is what `sha256sum` says of the line before, without its newline. Whatever a
//! text holds, a record is one line, and no byte of it can act on a terminal: what could is written as `\uXXXX`.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::id::Digest;
use crate::session::Entry;
use crate::text;
use crate::text::json::Harmless;

/// The longest line that is taken, bytes without newline. Longer texts are refused where they are asked for.
pub const MAX_LINE: usize = 4 << 20;

/// What stands before the link in a line, and after it.
const LINK_OPENS: &[u8] = b",\"prev\":\"";
const LINK_CLOSES: &[u8] = b"\"}";
const LINK_LEN: usize = 64;

/// A record: what happened, and the link to the line before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What happened.
    #[serde(flatten)]
    pub entry: Entry,
    /// SHA-256 of the line before, without its newline; 64 zeros in the first.
    pub prev: Digest,
}

/// Why a line is no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotARecord {
    /// It does not end in `,"prev":"…"}`.
    #[error("does not end in its link to the record before")]
    NoLink,
    /// It is not what a record looks like.
    #[error("cannot be read: {0}")]
    Malformed(String),
    /// It may well be a record, of a kind that this version does not know.
    #[error("is of a kind this version does not know: {0}")]
    Unknown(String),
}

/// The link of the first record.
#[must_use]
pub fn no_link() -> Digest {
    Digest::new("0".repeat(LINK_LEN))
}

/// The link to `line` (given without its newline).
#[must_use]
pub fn link_to(line: &[u8]) -> Digest {
    Digest::new(HEXLOWER.encode(&Sha256::digest(line)))
}

/// The line of an entry, newline included: `n, at, up, session, by, event, … , prev`.
#[must_use]
pub fn line(entry: &Entry, prev: &Digest) -> Vec<u8> {
    line_in(entry, None, prev)
}

/// As [`line()`], of one that is written in one write with others; `batch` is the number of their first.
#[must_use]
pub fn line_in(entry: &Entry, batch: Option<u64>, prev: &Digest) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Harmless::compact());
    entry.serialize(&mut serializer).expect("maps with text keys, written to memory, cannot fail");
    // The link goes last, in place of the closing brace.
    out.pop();
    if let Some(first) = batch {
        out.extend_from_slice(format!(",\"batch\":{first}").as_bytes());
    }
    out.extend_from_slice(LINK_OPENS);
    out.extend_from_slice(prev.as_str().as_bytes());
    out.extend_from_slice(LINK_CLOSES);
    out.push(b'\n');
    out
}

/// The link at the end of a line (given without its newline): 64 lower-case hexadecimal digits.
#[must_use]
pub fn link_of(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_suffix(LINK_CLOSES)?;
    let (rest, prev) = line.split_at_checked(line.len().checked_sub(LINK_LEN)?)?;
    let is_hex = prev.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b));
    (rest.ends_with(LINK_OPENS) && is_hex).then_some(prev)
}

/// Reads a line, given without its newline. Whether it follows the line before is the reader's to see.
pub fn read(line: &[u8]) -> Result<Record, NotARecord> {
    let prev = link_of(line).ok_or(NotARecord::NoLink)?;
    let prev = Digest::new(String::from_utf8_lossy(prev));
    let entry = serde_json::from_slice(line).map_err(|e| sort_out(&e))?;
    Ok(Record { entry, prev })
}

/// Number of the first of the records that a line was written with, in one write and one sync; `None` for that one itself, and
/// for one that was written alone. Whoever finds the first of them missing after a power cut knows by it that none of them was
/// ever acknowledged.
#[must_use]
pub fn batch_of(line: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Batch {
        batch: Option<u64>,
    }
    serde_json::from_slice::<Batch>(line).ok()?.batch
}

/// Tells a word that a newer version may have written from what no version ever wrote.
fn sort_out(error: &serde_json::Error) -> NotARecord {
    let said = text::clean(&error.to_string()).into_owned();
    if error.is_data() && said.starts_with("unknown variant") {
        let kind = said.split(", expected").next().unwrap_or(&said);
        return NotARecord::Unknown(kind.to_owned());
    }
    NotARecord::Malformed(said)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::session::event::{Event, Person};
    use crate::time::Timestamp;

    fn note(n: u64, text: &str) -> Entry {
        Entry {
            n,
            at: Timestamp::from_millis(1_795_187_413_201),
            up: 77,
            session: "s-1".into(),
            by: Person { name: "dana".to_owned(), uid: Some(1000), login: None },
            event: Event::Noted { text: text.to_owned() },
        }
    }

    #[test]
    fn a_line_has_its_fields_in_order_and_the_link_last() {
        let line = line(&note(7, "hi"), &no_link());
        assert_eq!(
            String::from_utf8(line).unwrap(),
            format!(
                "{{\"n\":7,\"at\":\"2026-11-20T15:10:13.201Z\",\"up\":77,\"session\":\"s-1\",\
                 \"by\":{{\"name\":\"dana\",\"uid\":1000}},\"event\":\"noted\",\"text\":\"hi\",\"prev\":\"{}\"}}\n",
                "0".repeat(64)
            )
        );
    }

    #[test]
    fn the_link_is_what_sha256sum_says() {
        // printf abc | sha256sum
        assert_eq!(
            link_to(b"abc").as_str(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn j18_one_record_is_one_line_whatever_the_text() {
        let nasty = "a\nb\r\u{2028}\u{2029}\u{85}\x1b[2J\0\u{7f}\u{9b}\u{202e}\u{e0041}\",\"prev\":\"x\"}";
        let line = line(&note(1, nasty), &no_link());
        let (last, body) = line.split_last().unwrap();
        assert_eq!(*last, b'\n');
        let shown = std::str::from_utf8(body).unwrap();
        assert!(shown.chars().all(|c| !text::is_marked(c)), "{shown}");
        assert_eq!(read(body).unwrap().entry, note(1, nasty));
    }

    #[test]
    fn j11_a_line_that_was_not_the_first_of_its_write_names_the_first() {
        let line = line_in(&note(8, "hi"), Some(7), &no_link());
        let body = &line[..line.len() - 1];
        assert_eq!((read(body).unwrap().entry, batch_of(body)), (note(8, "hi"), Some(7)));
        assert!(link_of(body).is_some());
        assert_eq!(batch_of(&super::line(&note(8, "\"batch\":7"), &no_link())), None);
    }

    #[test]
    fn what_can_do_no_harm_stands_as_it_is() {
        for text in ["two words, a tab's width away", "Grüße – 東京 ✓", "~!@#$%^&*()[]{}<>|;:'?/"] {
            let line = String::from_utf8(line(&note(1, text), &no_link())).unwrap();
            assert!(line.contains(&format!("\"text\":\"{text}\"")), "{line}");
        }
    }

    #[test]
    fn j19_an_unknown_kind_is_told_from_garbage_and_unknown_fields_are_left_alone() {
        let text = String::from_utf8(line(&note(1, "x"), &no_link())).unwrap();
        let text = text.trim_end();
        assert!(matches!(
            read(text.replace("\"noted\"", "\"beamed\"").as_bytes()),
            Err(NotARecord::Unknown(_))
        ));
        assert!(matches!(read(text.replace("\"n\":", "\"m\":").as_bytes()), Err(NotARecord::Malformed(_))));
        assert_eq!(read(text.replace("prev", "prov").as_bytes()), Err(NotARecord::NoLink));
        let more = text.replace("\"noted\",", "\"noted\",\"mood\":{\"a\":[1]},");
        assert_eq!(read(more.as_bytes()).unwrap().entry, note(1, "x"));
    }

    proptest! {
        #[test]
        fn j18_any_text_comes_back_unchanged(text in "(?s).{0,200}", n in any::<u64>()) {
            let entry = note(n, &text);
            let line = line(&entry, &link_to(text.as_bytes()));
            prop_assert_eq!(memchr::memchr(b'\n', &line), Some(line.len() - 1));
            let record = read(&line[..line.len() - 1]).unwrap();
            prop_assert_eq!(record.entry, entry);
            prop_assert_eq!(record.prev, link_to(text.as_bytes()));
        }
    }
}
