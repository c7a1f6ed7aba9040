//! The recording of a terminal: an asciicast of version 2, which `asciinema play` shows. SHELL.
//!
//! A line of JSON for what it is, then one for each piece that was shown and each new size, with its time. What is typed
//! is not in it.

use std::fs::File;
use std::io::{self, Write as _};
use std::time::Instant;

use serde_json::json;

use crate::process::terminal::Size;
use crate::session::gate::TERMINAL;

/// One recording.
pub(super) struct Cast {
    to: File,
    began: Instant,
    /// Bytes of a character that is not whole yet.
    half: Vec<u8>,
    /// A line may have been written in part: the disk was full.
    torn: bool,
}

impl Cast {
    /// Begins one.
    pub(super) fn begin(to: File, size: Size) -> Self {
        let mut cast = Self { to, began: Instant::now(), half: Vec::new(), torn: false };
        cast.line(&json!({
            "version": 2,
            "width": size.columns,
            "height": size.rows,
            "timestamp": crate::clock::utc().millis() / 1000,
            "env": { "TERM": TERMINAL },
        }));
        cast
    }

    /// The terminal shows these bytes.
    pub(super) fn shows(&mut self, bytes: &[u8]) {
        self.half.extend_from_slice(bytes);
        let whole = self.half.len() - unfinished(&self.half);
        if whole > 0 {
            let text = String::from_utf8_lossy(&self.half[..whole]).into_owned();
            self.half.drain(..whole);
            self.event("o", &text);
        }
    }

    /// The terminal has this size from here on.
    pub(super) fn resized(&mut self, size: Size) {
        self.event("r", &format!("{}x{}", size.columns, size.rows));
    }

    /// It has ended.
    pub(super) fn end(&mut self) {
        if !self.half.is_empty() {
            let text = String::from_utf8_lossy(&self.half).into_owned();
            self.half.clear();
            self.event("o", &text);
        }
    }

    fn event(&mut self, kind: &str, data: &str) {
        // Microseconds, as players write them.
        let at = self.began.elapsed().as_micros();
        let at = format!("{}.{:06}", at / 1_000_000, at % 1_000_000);
        let line = format!("[{at}, {}, {}]", json!(kind), json!(data));
        self.write(line);
    }

    fn line(&mut self, value: &serde_json::Value) {
        self.write(value.to_string());
    }

    /// A disk that is full must not halt the command: what does not fit is missing.
    fn write(&mut self, mut line: String) {
        line.push('\n');
        if self.torn {
            line.insert(0, '\n');
        }
        let written: io::Result<()> = self.to.write_all(line.as_bytes());
        self.torn = written.is_err();
    }
}

/// How many bytes at the end are the beginning of a character whose rest may yet come.
fn unfinished(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        let length = match byte {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            0x80..=0xbf => continue,
            _ => return 0,
        };
        return if length > back { back } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_json_and_characters_stay_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cast");
        let mut cast = Cast::begin(File::create(&path).unwrap(), Size { columns: 80, rows: 24 });
        let text = "a \u{1b}[1m\"ü\" € 🦀\r\n".as_bytes();
        for byte in text {
            cast.shows(&[*byte]);
        }
        cast.resized(Size { columns: 120, rows: 30 });
        cast.shows(&[0xff, 0xe2, 0x82]);
        cast.end();
        let told = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> =
            told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            (&lines[0]["version"], &lines[0]["width"], &lines[0]["height"]),
            (&json!(2), &json!(80), &json!(24))
        );
        let shown: String =
            lines[1..].iter().filter(|line| line[1] == "o").map(|line| line[2].as_str().unwrap()).collect();
        assert_eq!(shown, format!("{}\u{fffd}\u{fffd}", std::str::from_utf8(text).unwrap()));
        assert!(lines.iter().any(|line| line[1] == "r" && line[2] == "120x30"));
        assert!(lines[1..].windows(2).all(|two| two[0][0].as_f64() <= two[1][0].as_f64()));
    }

    #[test]
    fn only_the_beginning_of_a_character_is_held_back() {
        for (bytes, held) in [
            (&b"abc"[..], 0),
            (b"\xc3", 1),
            (b"a\xe2\x82", 2),
            (b"\xe2\x82\xac", 0),
            (b"\xf0\x9f\xa6", 3),
            (b"\x80\x80\x80\x80", 0),
            (b"\xff", 0),
            (b"", 0),
        ] {
            assert_eq!(unfinished(bytes), held, "{bytes:?}");
        }
    }
}
