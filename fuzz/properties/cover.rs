//! What must hold of the covering of secrets (F-I4), whatever they are and wherever the output is cut.
//!
//! - No secret is left in what is shown: not as it is, nor by line, in base64 at three alignments, in base32, hexadecimal, URL or
//!   JSON.
//! - However the writes are cut, the same is shown.
//! - Where nothing of a secret is, nothing changes.

use data_encoding::{BASE32, BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use onbelay::process::cover::{Cover, MARK, covered};

/// Holds all of it: the bytes are secrets and texts, apart at every byte 255, the first byte says where the stream is cut.
pub(crate) fn hold(bytes: &[u8]) {
    let [cut, fields @ ..] = bytes else { return };
    let fields: Vec<String> =
        fields.split(|byte| *byte == 0xff).map(|field| String::from_utf8_lossy(field).into_owned()).collect();
    let Some((secret, around)) = fields.split_first() else { return };
    let other = around.first().cloned().unwrap_or_default();
    let secrets = [secret.as_str(), other.as_str()];
    if secret.len() > 300 || other.len() > 300 {
        return;
    }
    let fresh = Cover::new(&secrets);
    let text = around.get(1..).unwrap_or_default().join(secret);
    let shown = at_once(&fresh, text.as_bytes());
    let piece = usize::from(*cut).max(1);
    assert_eq!(in_pieces(&fresh, text.as_bytes(), piece), shown, "in pieces of {piece} it is another");
    assert_eq!(covered(&text, &secrets).as_bytes(), String::from_utf8_lossy(&shown).as_bytes());
    nowhere(secret, &shown);
    nowhere(&other, &shown);
    if !text.is_empty() && secrets.iter().all(|secret| secret.is_empty()) {
        assert_eq!(shown, text.as_bytes(), "no secret, and yet it changed");
    }
    if secret.len() >= 6 {
        for form in forms(secret) {
            let text = format!("<{form}>");
            let shown = at_once(&fresh, text.as_bytes());
            assert!(memmem(&shown, form.as_bytes()).is_none(), "{form:?} of {secret:?} is shown");
            assert!(memmem(&shown, MARK.as_bytes()).is_some(), "{form:?} of {secret:?} has no mark");
            assert_eq!(in_pieces(&fresh, text.as_bytes(), piece), shown);
        }
    }
}

/// The forms that F-I4 names, written here by other means than there.
pub(crate) fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let mut found = vec![
        secret.to_owned(),
        BASE64.encode(bytes),
        BASE64URL_NOPAD.encode(bytes),
        BASE32.encode(bytes),
        HEXLOWER.encode(bytes),
        HEXUPPER.encode(bytes),
    ];
    // At the other two alignments: what the secret alone decides.
    for before in [1, 2] {
        let encoded = BASE64.encode(&[&vec![b'x'; before], bytes].concat());
        let bits = (before + bytes.len()) * 8;
        found.push(encoded[(before * 8).div_ceil(6)..bits / 6].to_owned());
    }
    let url = |byte: &u8| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(byte) {
            char::from(*byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    found.push(bytes.iter().map(url).collect());
    let json = serde_json::Value::from(secret).to_string();
    found.push(json[1..json.len() - 1].to_owned());
    found.extend(secret.lines().filter(|line| line.len() >= 4).map(str::to_owned));
    found
}

/// A secret of some length is nowhere in what is shown, marks left out of it.
fn nowhere(secret: &str, shown: &[u8]) {
    if secret.is_empty() || MARK.contains(secret) || secret.contains('•') {
        return;
    }
    // What the marks stand between is apart: a secret may not be told by what is left of two.
    let shown = String::from_utf8_lossy(shown);
    for kept in shown.split(MARK) {
        assert!(!kept.contains(secret), "{secret:?} is in {shown:?}");
    }
}

fn memmem(hay: &[u8], needle: &[u8]) -> Option<usize> {
    if needle.is_empty() {
        return None;
    }
    hay.windows(needle.len()).position(|window| window == needle)
}

fn at_once(fresh: &Cover, bytes: &[u8]) -> Vec<u8> {
    in_pieces(fresh, bytes, bytes.len().max(1))
}

fn in_pieces(fresh: &Cover, bytes: &[u8], piece: usize) -> Vec<u8> {
    let mut cover = fresh.clone();
    let mut out = Vec::new();
    for piece in bytes.chunks(piece) {
        cover.push(piece, &mut out);
    }
    cover.finish(&mut out);
    out
}
