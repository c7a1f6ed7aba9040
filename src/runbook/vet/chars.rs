//! Characters that hide, reorder or break what is shown. PURE.

use crate::runbook::problem::Problem;

/// So many are named one by one; a file full of them is a binary file.
const NAMED: usize = 20;

/// Reports refused characters wherever they stand, comments included, and returns the places of lone carriage
/// returns, which are refused only outside quotes.
pub(super) fn scan(source: &str, problems: &mut Vec<Problem>) -> Vec<usize> {
    let mut lone = Vec::new();
    let bytes = source.as_bytes();
    let mut named = 0;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if (0x20..0x7f).contains(&byte) || byte == b'\n' || byte == b'\t' {
            at += 1;
            continue;
        }
        if byte == b'\r' {
            if bytes.get(at + 1) != Some(&b'\n') && lone.len() < NAMED {
                lone.push(at);
            }
            at += 1;
            continue;
        }
        let Some(c) = source[at..].chars().next() else { break };
        let span = at..at + c.len_utf8();
        if let Some((rule, what)) = refused(c) {
            named += 1;
            if named <= NAMED {
                problems.push(
                    Problem::error(rule, span.clone(), format!("{what} U+{:04X} stands here", u32::from(c)))
                        .label("what is shown would not be what is read")
                        .hint(format!("remove it, or write it as \\u{:04X} in double quotes", u32::from(c))),
                );
            }
        }
        at = span.end;
    }
    lone
}

fn refused(c: char) -> Option<(&'static str, &'static str)> {
    match c {
        '\u{85}' | '\u{2028}' | '\u{2029}' => Some(("line-separator", "the line separator")),
        '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => {
            Some(("control-character", "the control character"))
        }
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some(("bidi-mark", "the text direction mark"))
        }
        '\u{feff}' => Some(("control-character", "a byte order mark")),
        _ => None,
    }
}
