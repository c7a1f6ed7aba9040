//! Holds a journal against a head that was kept elsewhere. SHELL: reads the journal's file.
//!
//! A chain proves that nothing in it was changed, and nothing of what was cut off its end, nor that it is not an older copy of
//! itself. Whoever kept a head, by whatever means, knows both: some record must have it still.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use crate::id::Digest;

use super::super::{JOURNAL, JournalError, reader, record};
use super::Verified;

/// Reads a head as `verify` prints it: 64 hexadecimal digits.
pub fn read(text: &str) -> Result<Digest, String> {
    let text = text.trim().to_ascii_lowercase();
    if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(Digest::new(text));
    }
    Err("--head takes a SHA-256 as `verify` prints it: 64 hexadecimal digits".to_owned())
}

/// Looks for the record that has this head, among those whose chain holds.
pub fn held(verified: &mut Verified, dir: &Path, head: &Digest) -> Result<(), JournalError> {
    match record_with(dir, head, verified.records)? {
        Some(n) => verified.prove(&format!("records 1 to {n} are those that had the head {head}: nothing of them was cut off")),
        None => verified.find(
            None,
            &format!(
                "no record has the head {head}: records were cut off at the end, this is an older copy, or the log was written \
                 anew"
            ),
        ),
    }
    Ok(())
}

fn record_with(dir: &Path, head: &Digest, records: u64) -> Result<Option<u64>, JournalError> {
    let path = dir.join(JOURNAL);
    let mut file = BufReader::with_capacity(1 << 18, reader::open(&path)?);
    let mut line = Vec::new();
    for n in 1..=records {
        line.clear();
        let most = record::MAX_LINE as u64 + 1;
        file.by_ref().take(most).read_until(b'\n', &mut line).map_err(JournalError::io("read", &path))?;
        // One without an end, of a file that was cut meanwhile, is nobody's head.
        if record::link_to(line.strip_suffix(b"\n").unwrap_or(&line)) == *head {
            return Ok(Some(n));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_64_hexadecimal_digits_of_either_case() {
        let text = "AB".repeat(32);
        assert_eq!(read(&format!(" {text}\n")), Ok(Digest::new("ab".repeat(32))));
        for wrong in ["", "ab", &"g".repeat(64), &"a".repeat(65)] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
