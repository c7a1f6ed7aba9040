//! JSON in which every character that could end a line or act on a terminal is written as `\uXXXX`: the value is the same,
//! and whoever prints it is safe. PURE.

use std::fmt::Write as _;
use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use super::is_marked;

/// Lays JSON out as `F` does, its texts without what acts.
#[derive(Clone, Debug, Default)]
pub struct Harmless<F>(F);

impl Harmless<CompactFormatter> {
    /// On one line.
    #[must_use]
    pub fn compact() -> Self {
        Self(CompactFormatter)
    }
}

/// One line, without its end.
#[must_use]
pub fn line(value: &serde_json::Value) -> String {
    written(value, Harmless::compact()).expect("a value, written to memory, cannot fail")
}

/// Indented, over several lines.
pub fn pretty<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    written(value, Harmless(PrettyFormatter::new()))
}

fn written<T: Serialize + ?Sized>(value: &T, formatter: impl Formatter) -> serde_json::Result<String> {
    let mut out = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, formatter))?;
    String::from_utf8(out).map_err(serde::ser::Error::custom)
}

/// JSON that somebody else wrote, with the same done to it: where it is JSON, all that acts stands in a text, or is a blank.
#[must_use]
pub fn harmless(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\n' => out.push('\n'),
            '\t' | '\r' => out.push(' '),
            _ if is_marked(c) => push_escaped(c, &mut out),
            _ => out.push(c),
        }
    }
    out
}

fn push_escaped(c: char, out: &mut String) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        let _ = write!(out, "\\u{unit:04x}");
    }
}

/// Passes on to the layout what it is asked to lay out.
macro_rules! laid_out_by_it {
    ($($name:ident($($arg:ident: $kind:ty),*)),* $(,)?) => {
        $(fn $name<W: io::Write + ?Sized>(&mut self, out: &mut W $(, $arg: $kind)*) -> io::Result<()> {
            self.0.$name(out $(, $arg)*)
        })*
    };
}

impl<F: Formatter> Formatter for Harmless<F> {
    laid_out_by_it! {
        begin_array(),
        end_array(),
        begin_array_value(first: bool),
        end_array_value(),
        begin_object(),
        end_object(),
        begin_object_key(first: bool),
        end_object_key(),
        begin_object_value(),
        end_object_value(),
    }

    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        let mut from = 0;
        for (at, c) in text.char_indices().filter(|(_, c)| !c.is_ascii_graphic() && is_marked(*c)) {
            out.write_all(&text.as_bytes()[from..at])?;
            let mut escaped = String::new();
            push_escaped(c, &mut escaped);
            out.write_all(escaped.as_bytes())?;
            from = at + c.len_utf8();
        }
        out.write_all(&text.as_bytes()[from..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NASTY: &str = "a\nb\t\r\u{2028}\u{85}\x1b[2J\0\u{7f}\u{9b}\u{202e}\u{e0041}␛{U+202E} ünïcode";

    #[test]
    fn u1_json_says_the_same_and_nothing_in_it_acts() {
        let value = serde_json::json!({ "a": [NASTY, 1, {}, []], NASTY: { "x": null } });
        let as_it_was = serde_json::to_string_pretty(&value).unwrap();
        for json in [line(&value), pretty(&value).unwrap(), harmless(&as_it_was)] {
            assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value, "{json}");
            assert!(json.chars().all(|c| c == '\n' || !is_marked(c)), "{json:?}");
            assert!(json.contains("ünïcode"), "{json}");
        }
        assert_eq!(harmless("{\t\"a\":\r1}\n"), "{ \"a\": 1}\n");
        assert!(!line(&value).contains('\n'));
    }

    #[test]
    fn what_can_do_no_harm_is_laid_out_as_ever() {
        let value = serde_json::json!({ "a": [1, "x", {}, []], "b": { "c": [true, null], "d": 1.5 } });
        assert_eq!(pretty(&value).unwrap(), serde_json::to_string_pretty(&value).unwrap());
        assert_eq!(line(&value), value.to_string());
    }
}
