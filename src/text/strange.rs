//! The characters outside ASCII in what a machine reads, by name: an `ѕudo` is not taken for `sudo` then. PURE.

use unicode_width::UnicodeWidthChar as _;

use super::clean;

/// As many different ones are named.
const NAMED: usize = 24;

/// Names them in a sentence that is clean already; nothing where there are none.
#[must_use]
pub fn names<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut found: Vec<char> = Vec::new();
    for c in texts.into_iter().flat_map(str::chars).filter(|c| !c.is_ascii()) {
        if !found.contains(&c) {
            found.push(c);
        }
        if found.len() > NAMED {
            break;
        }
    }
    let named: Vec<String> = found.iter().take(NAMED).map(|c| name(*c)).collect();
    let more = if found.len() > NAMED { ", and more" } else { "" };
    (!named.is_empty()).then(|| format!("Characters in it that are not ASCII: {}{more}", named.join(", ")))
}

fn name(c: char) -> String {
    // By itself a mark would stand on the letter before it.
    match c.width() {
        None | Some(0) => format!("U+{:04X}", u32::from(c)),
        Some(_) => format!("{} U+{:04X}", clean(c.encode_utf8(&mut [0; 4])), u32::from(c)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u2_what_looks_like_another_is_named_once() {
        let said = |text: &str| names([text]);
        assert_eq!(said("sudo rm"), None);
        assert_eq!(said("ѕudo ѕ"), Some("Characters in it that are not ASCII: ѕ U+0455".to_owned()));
        let stack = format!("e{}", "\u{301}".repeat(10_000));
        assert_eq!(said(&stack), Some("Characters in it that are not ASCII: U+0301".to_owned()));
        for hidden in ['\u{202e}', '\u{200b}', '\u{a0}', '\u{ad}', '\u{e0041}'] {
            let shown = said(&hidden.to_string()).unwrap();
            assert!(shown.contains(&format!("U+{:04X}", u32::from(hidden))), "{shown}");
            assert!(!shown.contains(hidden), "{hidden:?} itself is shown: {shown}");
        }
        let many: String = ('а'..='я').collect();
        assert!(said(&many).unwrap().ends_with(", and more"));
    }
}
