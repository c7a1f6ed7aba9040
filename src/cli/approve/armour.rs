//! A signature as it comes back: in its armour, perhaps pasted. PURE. Whether it is a good one is not for here.

/// The most that is read, bytes; a signature takes a few hundred.
pub const MOST: u64 = 64 << 10;

const BEGINS: &str = "-----BEGIN SSH SIGNATURE-----";
const ENDS: &str = "-----END SSH SIGNATURE-----";

/// The armour alone, each line without what a mail or a terminal may have put around it. Nothing that is signed is touched:
/// the text that was signed is not in here. The sentence says what is wrong.
pub fn armoured(bytes: &[u8]) -> Result<String, String> {
    if bytes.len() as u64 > MOST {
        return Err(format!("it is larger than {} KiB, which no signature is", MOST >> 10));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| not_one("it is not text"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let inner = match lines.as_slice() {
        [] => return Err(not_one("it is empty")),
        [first, inner @ .., last] if *first == BEGINS && *last == ENDS => inner,
        ["onbelay approval 1", ..] => {
            return Err(
                "that is the text to be signed, not the signature; bring back the file that ends in .sig"
                    .to_owned(),
            );
        }
        [first, ..] if *first == BEGINS => return Err(not_one(&format!("its last line is not {ENDS}"))),
        _ => return Err(not_one(&format!("its first line is not {BEGINS}"))),
    };
    if inner.is_empty() {
        return Err(not_one("there is nothing between its first line and its last"));
    }
    let of_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    if let Some(line) = inner.iter().find(|line| !line.chars().all(of_base64)) {
        let more = if *line == BEGINS || *line == ENDS {
            "more than one signature is in it"
        } else {
            "something else is in it"
        };
        return Err(not_one(more));
    }
    let mut whole = format!("{BEGINS}\n");
    for line in inner {
        whole.push_str(line);
        whole.push('\n');
    }
    whole.push_str(ENDS);
    whole.push('\n');
    Ok(whole)
}

fn not_one(why: &str) -> String {
    format!("that is no signature as `ssh-keygen -Y sign` writes it: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\nAAAB+/==\n-----END SSH SIGNATURE-----\n";

    #[test]
    fn what_a_paste_puts_around_it_is_left_off() {
        let indented = GOOD.lines().map(|line| format!("    {line}  ")).collect::<Vec<_>>().join("\r\n");
        for text in [
            GOOD.to_owned(),
            GOOD.replace('\n', "\r\n"),
            indented,
            format!("\n\n{}", GOOD.trim_end()),
            format!("\u{feff}{GOOD}"),
        ] {
            assert_eq!(armoured(text.as_bytes()).as_deref(), Ok(GOOD), "{text:?}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_what_it_is() {
        let twice = GOOD.repeat(2);
        let large = "A".repeat(70_000);
        let cut = &GOOD[..GOOD.len() - 10];
        let other = GOOD.replace("U1NI", "U1 NI");
        for (text, why) in [
            ("", "empty"),
            ("hello", "first line"),
            ("onbelay approval 1\nWhoever", "text to be signed"),
            (twice.as_str(), "more than one"),
            (large.as_str(), "64 KiB"),
            (cut, "last line"),
            (other.as_str(), "something else"),
            ("-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----", "nothing between"),
        ] {
            let error = armoured(text.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{why}: {error}");
        }
        assert!(armoured(b"\xff\xfe").unwrap_err().contains("not text"));
    }
}
