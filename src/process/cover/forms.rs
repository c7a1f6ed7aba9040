//! The forms in which a secret may show up in output. PURE.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Forms shorter than this, other than the secret itself, are not looked for: they would cover ordinary words.
const SHORTEST: usize = 4;

/// Secrets longer than this, bytes, are looked for as they are, by line and in base64 only, which keeps the search small.
const LONG: usize = 4 * 1024;

/// So many characters of an encoding may stand at the end of a line, the rest of it on the next, and stay visible.
pub(super) const CUT_AT_LINE_END: usize = 3;

/// What is left of an encoding after such a cut is looked for from this length on.
const SHORTEST_REST: usize = 8;

const BASE64_STD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE32_UPPER: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE32_LOWER: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Forms that must occur byte for byte: as it is, by line, URL-encoded, JSON-escaped, quoted for shells and markup.
pub(super) fn exact(secret: &str) -> Vec<Vec<u8>> {
    let mut derived = BTreeSet::new();
    if secret.contains('\n') {
        derived.insert(secret.replace('\n', "\r\n"));
        derived.extend(secret.lines().map(str::to_owned));
        derived.insert(secret.trim_end_matches(['\r', '\n']).to_owned());
    }
    if secret.len() <= LONG {
        derived.extend(urls(secret));
        derived.extend(jsons(secret));
        derived.extend(quotings(secret));
    }
    derived.retain(|form| form.len() >= SHORTEST);
    derived.insert(secret.to_owned());
    derived.into_iter().map(String::into_bytes).collect()
}

/// Encodings, which tools wrap into lines: base64, base32 and hexadecimal, wherever in the encoded text it begins.
pub(super) fn wrapped(secret: &str) -> Vec<Vec<u8>> {
    let mut found = BTreeSet::new();
    // With the newline that `echo` puts behind it.
    for text in [secret.to_owned(), format!("{secret}\n")] {
        for alphabet in [BASE64_STD, BASE64_URL] {
            found.extend((0..3).flat_map(|before| baseless(text.as_bytes(), alphabet, 6, before)));
        }
        if secret.len() <= LONG {
            for alphabet in [BASE32_UPPER, BASE32_LOWER] {
                found.extend((0..5).flat_map(|before| baseless(text.as_bytes(), alphabet, 5, before)));
            }
        }
    }
    if secret.len() <= LONG {
        found.insert(data_encoding::HEXLOWER.encode(secret.as_bytes()).into_bytes());
        found.insert(data_encoding::HEXUPPER.encode(secret.as_bytes()).into_bytes());
    }
    found.retain(|form| form.len() >= SHORTEST);
    let rests: Vec<Vec<u8>> = found
        .iter()
        .flat_map(|form| (1..=CUT_AT_LINE_END).filter_map(|cut| form.get(cut..)))
        .filter(|rest| rest.len() >= SHORTEST_REST)
        .map(<[u8]>::to_vec)
        .collect();
    found.extend(rests);
    found.into_iter().collect()
}

/// What `text` becomes in an encoding of `width` bits a character when `before` bytes (of the encoding's round) stand
/// before it: the characters that it alone decides, and those with the end of the encoded text, padded and not.
fn baseless(text: &[u8], alphabet: &[u8], width: usize, before: usize) -> Vec<Vec<u8>> {
    let mut bytes = vec![0; before];
    bytes.extend_from_slice(text);
    let bits = bytes.len() * 8;
    let characters: Vec<u8> = (0..bits.div_ceil(width))
        .map(|n| {
            let value = (n * width..(n + 1) * width).fold(0, |value, bit| {
                let set = bit < bits && bytes[bit / 8] >> (7 - bit % 8) & 1 == 1;
                value << 1 | usize::from(set)
            });
            alphabet[value]
        })
        .collect();
    let first = (before * 8).div_ceil(width).min(characters.len());
    let decided = (bits / width).max(first);
    let round = if width == 6 { 4 } else { 8 };
    let mut padded = characters.clone();
    padded.resize(characters.len().next_multiple_of(round), b'=');
    vec![characters[first..decided].to_vec(), characters[first..].to_vec(), padded[first..].to_vec()]
}

/// Percent-encoded, by the habits of the usual encoders.
fn urls(secret: &str) -> Vec<String> {
    let mut found = Vec::new();
    // RFC 3986; with `/` (Python); with what JavaScript leaves; what browsers' forms leave.
    for safe in ["-_.~", "-_.~/", "-_.~!'()*", "-_.*"] {
        for upper in [true, false] {
            for plus in [true, false] {
                let mut form = String::with_capacity(secret.len() * 3);
                for byte in secret.bytes() {
                    let c = char::from(byte);
                    if c.is_ascii_alphanumeric() || safe.contains(c) {
                        form.push(c);
                    } else if plus && byte == b' ' {
                        form.push('+');
                    } else if upper {
                        let _ = write!(form, "%{byte:02X}");
                    } else {
                        let _ = write!(form, "%{byte:02x}");
                    }
                }
                found.push(form);
            }
        }
    }
    found
}

/// Inside a JSON text, by the habits of the usual writers; and JSON inside JSON.
fn jsons(secret: &str) -> Vec<String> {
    let plain = json(secret);
    let mut found = vec![json(&plain), plain.replace('/', "\\/")];
    for upper in [true, false] {
        let escaped = |c: char| {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().fold(String::new(), |mut out, unit| {
                let _ = if upper { write!(out, "\\u{unit:04X}") } else { write!(out, "\\u{unit:04x}") };
                out
            })
        };
        let ascii: String =
            plain.chars().map(|c| if c.is_ascii() { c.to_string() } else { escaped(c) }).collect();
        found.push(ascii.replace('/', "\\/"));
        found.push(ascii);
        for marks in ["<>&", "<>&'"] {
            found.push(
                plain.chars().map(|c| if marks.contains(c) { escaped(c) } else { c.to_string() }).collect(),
            );
        }
    }
    found.push(plain);
    found
}

fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// As shells print it (`set -x`, `printf %q`, Python's `shlex`), and in markup.
fn quotings(secret: &str) -> Vec<String> {
    let mut backslashed = String::with_capacity(secret.len() * 2);
    let mut ansi = String::with_capacity(secret.len() * 2);
    for c in secret.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() && !"%+-./:=@_".contains(c) {
            backslashed.push('\\');
        }
        backslashed.push(c);
        match c {
            '\n' => ansi.push_str("\\n"),
            '\t' => ansi.push_str("\\t"),
            '\r' => ansi.push_str("\\r"),
            '\\' | '\'' => ansi.extend(['\\', c]),
            _ => ansi.push(c),
        }
    }
    let markup = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let quoted = markup.replace('"', "&quot;");
    vec![
        backslashed,
        ansi,
        secret.replace('\'', "'\\''"),
        secret.replace('\'', "'\"'\"'"),
        markup,
        quoted.replace('\'', "&#39;"),
        quoted.replace('\'', "&#x27;"),
        quoted.replace('\'', "&apos;"),
        quoted,
    ]
}
