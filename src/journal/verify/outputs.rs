//! Holds what commands wrote against what their records say of it. SHELL: reads files.
//! It must not know what the records mean: `session::audit` says what each command left.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::id::Digest;
use crate::journal::store::ATTEMPTS;
use crate::journal::{JournalError, reader};
use crate::session::audit::{Audit, Output};

use super::Verified;

/// Compares what commands wrote with what their records say.
pub(super) fn outputs(verified: &mut Verified, dir: &Path, audit: &Audit) -> Result<(), JournalError> {
    let mut same = 0;
    for output in &audit.outputs {
        let path = output_path(dir, output);
        let shown = path.strip_prefix(dir).unwrap_or(&path).display().to_string();
        match look(&path, output) {
            Ok(seen) => match compare(output, &seen) {
                Some(what) => verified.find(Some(output.n), &format!("record {}: {shown} {what}", output.n)),
                None if seen.total > output.bytes => longer(verified, output, &shown, seen.total),
                None if output.sha256.is_some() => same += 1,
                None => verified.leave_open(&format!(
                    "that {shown} is unchanged: it was too large to be read when its command ended"
                )),
            },
            Err(JournalError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                if output.bytes > 0 {
                    verified.find(Some(output.n), &format!("record {}: {shown} is missing", output.n));
                }
            }
            Err(JournalError::Unsafe { .. }) => {
                verified.find(Some(output.n), &format!("record {}: {shown} is no file", output.n));
            }
            Err(other) => return Err(other),
        }
    }
    if same > 0 {
        let files = if same == 1 {
            "the output of 1 command is".to_owned()
        } else {
            format!("the outputs of {same} commands are")
        };
        verified.prove(&format!("{files} as recorded"));
    }
    Ok(())
}

fn output_path(dir: &Path, output: &Output) -> PathBuf {
    let attempt = dir.join(ATTEMPTS).join(output.attempt.to_string());
    match output.item {
        Some(index) => attempt.join("items").join(index.to_string()).join("output"),
        None => attempt.join("output"),
    }
}

/// What is there of what a command wrote.
struct Seen {
    /// Length of the whole file.
    total: u64,
    /// Of that, how much was compared.
    bytes: u64,
    /// Taken only where there is one to compare with.
    sha256: Option<Digest>,
}

/// Looks at no more than was recorded: what a process that was left behind wrote later is not the command's.
fn look(path: &Path, output: &Output) -> Result<Seen, JournalError> {
    let failed = |error| JournalError::io("read", path)(error);
    let file = reader::open(path)?;
    let total = file.metadata().map_err(failed)?.len();
    if output.sha256.is_none() {
        return Ok(Seen { total, bytes: total, sha256: None });
    }
    let mut hash = Sha256::new();
    let bytes = io::copy(&mut file.take(output.bytes), &mut hash).map_err(failed)?;
    Ok(Seen { total, bytes, sha256: Some(Digest::new(HEXLOWER.encode(&hash.finalize()))) })
}

/// What came after the command's end: what it left running may go on writing, anybody else may not.
fn longer(verified: &mut Verified, output: &Output, shown: &str, total: u64) {
    let more = match total - output.bytes {
        1 => "1 byte".to_owned(),
        many => format!("{many} bytes"),
    };
    if output.left.is_empty() {
        let what = format!(
            "record {}: {shown} has {more} more than when its command ended, and nothing was left running that could have written that",
            output.n
        );
        verified.find(Some(output.n), &what);
    } else {
        verified.leave_open(&format!(
            "who wrote the end of {shown}: it has {more} more than when its command ended (record {}), which left {} running",
            output.n,
            output.left.join(", ")
        ));
    }
}

fn compare(output: &Output, seen: &Seen) -> Option<String> {
    if seen.bytes < output.bytes {
        return Some(format!("was cut: it has {} bytes where {} were recorded", seen.bytes, output.bytes));
    }
    let (recorded, found) = output.sha256.as_ref().zip(seen.sha256.as_ref())?;
    (recorded != found).then(|| format!("was changed: its SHA-256 is {found}, and {recorded} was recorded"))
}
