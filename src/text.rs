//! The one cleaning of outside text before any screen, log view or report. PURE.
//!
//! Control characters, bidi marks and invisible characters become visible marks; the mapping is injective, so two
//! different texts never look the same (a literal `{U+…}` or `␛` in the input is itself escaped).

pub mod find;
pub mod json;
pub mod strange;

use std::borrow::Cow;
use std::fmt::Write as _;

/// Makes one line of outside text safe and truthful to show: no character of the result can move a cursor,
/// change a colour, reorder or hide text. Newlines and tabs are shown as marks too.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(needs_mark) && !text.contains(MARK_OPENS) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    mark_all(text, &mut out);
    Cow::Owned(out)
}

/// As [`clean`], but keeps line breaks (`\n`) and expands tabs to the next multiple of 8 columns' worth of spaces.
#[must_use]
pub fn clean_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, line) in text.split('\n').enumerate() {
        if i > 0 {
            out.push('\n');
        }
        let mut column = 0;
        let line = line.strip_suffix('\r').unwrap_or(line);
        for (at, c) in line.char_indices() {
            if c == '\t' {
                let fill = 8 - column % 8;
                out.extend(std::iter::repeat_n(' ', fill));
                column += fill;
            } else {
                mark(c, &line[at..], &mut out);
                column += 1;
            }
        }
    }
    out
}

/// As [`clean`] for bytes of any encoding: what is not UTF-8 shows as `\x9b`, and a `\x9b` in the text as `\x5cx9b`.
#[must_use]
pub fn clean_bytes(bytes: &[u8]) -> String {
    clean(&as_text(bytes)).into_owned()
}

/// Bytes of any encoding as text that is still to be cleaned before it is shown: what is not UTF-8 becomes `\x9b`, and a
/// `\x9b` in the text `\x5cx9b`, so that no two names become one.
#[must_use]
pub fn as_text(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let valid = chunk.valid();
        for (at, c) in valid.char_indices() {
            match valid.as_bytes()[at..] {
                [b'\\', b'x', a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
                    out.push_str("\\x5c");
                }
                _ => out.push(c),
            }
        }
        for b in chunk.invalid() {
            let _ = write!(out, "\\x{b:02x}");
        }
    }
    out
}

/// As [`clean_bytes`], piece by piece: each byte or character of `bytes`, by the place of its first byte, with what is
/// shown for it. What is shown for all of them, one after the other, is what [`clean_bytes`] gives.
pub fn clean_each(bytes: &[u8], mut each: impl FnMut(usize, &str)) {
    let mut shown = String::new();
    let mut place = 0;
    for chunk in bytes.utf8_chunks() {
        let valid = chunk.valid();
        for (at, c) in valid.char_indices() {
            shown.clear();
            match valid.as_bytes()[at..] {
                [b'\\', b'x', a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
                    shown.push_str("\\x5c");
                }
                _ => mark(c, &valid[at..], &mut shown),
            }
            each(place + at, &shown);
        }
        place += valid.len();
        for (at, b) in chunk.invalid().iter().enumerate() {
            shown.clear();
            let _ = write!(shown, "\\x{b:02x}");
            each(place + at, &shown);
        }
        place += chunk.invalid().len();
    }
}

/// What a mark by number begins with; such a text in the input is marked itself.
const MARK_OPENS: &str = "{U+";

fn mark_all(text: &str, out: &mut String) {
    for (at, c) in text.char_indices() {
        mark(c, &text[at..], out);
    }
}

/// Writes `c`, or the mark that stands for it; `from_here` is the text from `c` on.
fn mark(c: char, from_here: &str, out: &mut String) {
    match c {
        '{' if from_here.starts_with(MARK_OPENS) => out.push_str("{U+007B}"),
        '\u{0}'..='\u{1f}' => out.push(char::from_u32(0x2400 + c as u32).unwrap_or('?')),
        '\u{7f}' => out.push('\u{2421}'),
        _ if needs_mark(c) => {
            let _ = write!(out, "{{U+{:04X}}}", c as u32);
        }
        _ => out.push(c),
    }
}

/// Does this character show as a mark? Those do that would act on a terminal, hide, or reorder what is shown; and the
/// marks themselves, so that the mapping stays injective.
#[must_use]
pub fn is_marked(c: char) -> bool {
    needs_mark(c)
}

fn needs_mark(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' // C0, DEL, C1
        | '\u{2400}'..='\u{2426}'                // the marks themselves
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}'
        | '\u{a0}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_that_acts_on_a_terminal_passes() {
        assert_eq!(clean("a\x1b[2Jb\u{9b}c\u{202e}d"), "a␛[2Jb{U+009B}c{U+202E}d");
        assert_eq!(clean("plain ünïcode ✓"), "plain ünïcode ✓");
        assert_eq!(clean_bytes(b"ok\x9b\xff"), "ok\\x9b\\xff");
        assert_eq!(clean_lines("a\tb\r\nc"), "a       b\nc");
    }

    #[test]
    fn a_mark_in_the_input_is_not_mistaken_for_an_escape() {
        assert_ne!(clean("␛[0m"), clean("\x1b[0m"));
        assert_eq!(clean("{U+202E} {x}"), "{U+007B}U+202E} {x}");
        assert_eq!(clean_bytes(b"C:\\xampp \\x9b \x9b"), "C:\\xampp \\x5cx9b \\x9b");
    }

    /// Pieces of which texts are made that could be taken for each other.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "{", "U+", "202E", "}", "\u{202e}", "007B", "␛", "\x1b", "\u{241b}", "\n", "\t", "\u{7f}", "␡",
            "\u{9b}", "a", "\\", "x9b", "5c",
        ]);
        prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn f_i3_two_texts_never_look_the_same(a in pieces(), b in pieces()) {
            prop_assert_eq!(clean(&a) == clean(&b), a == b, "{:?} {:?}", a, b);
            prop_assert_eq!(clean_bytes(a.as_bytes()) == clean_bytes(b.as_bytes()), a == b);
        }

        #[test]
        fn pieces_are_the_whole(text in pieces(), bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            for bytes in [text.as_bytes(), &bytes] {
                let mut all = String::new();
                clean_each(bytes, |_, shown| all.push_str(shown));
                prop_assert_eq!(all, clean_bytes(bytes));
            }
        }

        #[test]
        fn f_i2_nothing_that_acts_is_left(text in "(?s).{0,60}", bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let harmless = |shown: &str| shown.chars().all(|c| !c.is_control() && (!needs_mark(c) || ('\u{2400}'..='\u{2421}').contains(&c)));
            prop_assert!(harmless(&clean(&text)));
            prop_assert!(harmless(&clean_bytes(&bytes)));
            prop_assert!(clean_lines(&text).lines().all(harmless));
        }
    }
}
