//! What must hold of the one cleaning of outside text (F-I2, F-I3).
//!
//! - No character of what is shown acts on a terminal, hides or reorders text.
//! - What is shown can be read back to what it was: two different texts never look the same. So with bytes of any encoding.
//! - Piece by piece it is the same as at once, whatever is shown in lines has lines of the same number.

use onbelay::text::{as_text, clean, clean_bytes, clean_each, clean_lines};

/// Holds all of it of these bytes, and of the text that they are.
pub(crate) fn hold(bytes: &[u8]) {
    let shown = clean_bytes(bytes);
    harmless(&shown);
    assert_eq!(bytes_of(&text_of(&shown)), bytes, "{shown:?} is not told back");
    let mut pieces = String::new();
    let mut next = 0;
    clean_each(bytes, |at, piece| {
        assert!(at >= next && at < bytes.len(), "pieces come in order");
        next = at + 1;
        pieces.push_str(piece);
    });
    assert_eq!(pieces, shown);

    let text = String::from_utf8_lossy(bytes);
    let shown = clean(&text);
    harmless(&shown);
    assert_eq!(text_of(&shown), text, "{shown:?} is not told back");
    if !text.chars().any(onbelay::text::is_marked) && !text.contains("{U+") {
        assert_eq!(shown, text, "plain text stays as it is");
    }
    let lines = clean_lines(&text);
    lines.split('\n').for_each(harmless);
    assert_eq!(lines.matches('\n').count(), text.matches('\n').count());
    assert_eq!(bytes_of(&as_text(bytes)), bytes);
}

/// Panics where a character is left that a terminal would act on, that is not seen, or that reorders others.
fn harmless(shown: &str) {
    for c in shown.chars() {
        let mark = ('\u{2400}'..='\u{2421}').contains(&c);
        let hidden = matches!(c, '\u{ad}' | '\u{a0}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}' | '\u{fe00}'..='\u{fe0f}');
        assert!(
            !c.is_control() && !hidden && (mark || !onbelay::text::is_marked(c)),
            "U+{:04X} is left",
            c as u32
        );
    }
}

/// Reads marks back.
fn text_of(shown: &str) -> String {
    let mut out = String::new();
    let mut rest = shown;
    while let Some(c) = rest.chars().next() {
        if let Some((number, after)) = rest.strip_prefix("{U+").and_then(|mark| mark.split_once('}')) {
            let code = u32::from_str_radix(number, 16).expect("a mark has a number");
            out.push(char::from_u32(code).expect("of a character"));
            rest = after;
            continue;
        }
        out.push(match c {
            '\u{2421}' => '\u{7f}',
            '\u{2400}'..='\u{241f}' => char::from_u32(c as u32 - 0x2400).expect("a control character"),
            other => other,
        });
        rest = &rest[c.len_utf8()..];
    }
    out
}

/// Reads `\x9b` back.
fn bytes_of(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if let [b'\\', b'x', a, b, ..] = bytes[at..]
            && let (Some(a), Some(b)) = (char::from(a).to_digit(16), char::from(b).to_digit(16))
        {
            out.push(u8::try_from(a * 16 + b).expect("two digits"));
            at += 4;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}
