//! Proves a session from its directory alone. SHELL: reads files; what must hold of the records is `session::audit`'s.
//! It must not know hosts or screens.

mod approvals;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::id::Digest;
use crate::session::audit::{Audit, Output, Start, audit};
use crate::session::event::Work;
use crate::session::{Session, Signers, view};
use crate::text;

use super::reader::{self, Log, Tail};
use super::store::{self, ATTEMPTS};
use super::{JournalError, RUNBOOK};

pub use approvals::{ApprovalSeen, KnownBy};

/// What was looked at and what was found. Every text in it is cleaned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// The session's id, as far as it can be read.
    pub session: String,
    /// Records whose chain holds.
    pub records: u64,
    /// SHA-256 of the last of them.
    pub head: String,
    /// One sentence for each thing that was proven.
    pub proven: Vec<String>,
    /// What cannot be proven from here, one sentence each.
    pub not_proven: Vec<String>,
    /// What is wrong; empty: nothing.
    pub findings: Vec<Finding>,
    /// Every approval on record.
    #[serde(default)]
    pub approvals: Vec<ApprovalSeen>,
    /// The last record that a signature vouches for, with all before it; 0: none.
    #[serde(default)]
    pub signed_up_to: u64,
}

/// Something wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The record, where it is about one.
    pub record: Option<u64>,
    /// One sentence.
    pub what: String,
}

impl Verified {
    /// Is all as it should be?
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }

    fn find(&mut self, record: Option<u64>, what: &str) {
        self.findings.push(Finding { record, what: text::clean(what).into_owned() });
    }

    fn prove(&mut self, what: &str) {
        self.proven.push(text::clean(what).into_owned());
    }

    fn leave_open(&mut self, what: &str) {
        self.not_proven.push(text::clean(what).into_owned());
    }
}

/// Proves the session in `dir`, and its signatures against `signers` where they are given. What is wrong comes back as
/// findings; an error means it could not be looked at.
pub fn verify(dir: &Path, signers: Option<&Signers>) -> Result<Verified, JournalError> {
    let alive = store::host_alive(dir)?;
    let log = reader::read(dir)?;
    let mut verified =
        Verified { records: log.entries.len() as u64, head: log.head.to_string(), ..Verified::default() };
    let first = log.entries.first();
    verified.session =
        first.map(|entry| text::clean(entry.session.as_str()).into_owned()).unwrap_or_default();
    chain(&mut verified, &log, alive);
    if first.is_none() {
        return Ok(verified);
    }
    match store::stored_runbook(dir, &log.entries) {
        Ok((runbook, _)) => {
            verified.prove(&format!("{RUNBOOK} is the one the session was opened with"));
            let audit = audit(runbook, &log.entries);
            flaws(&mut verified, &audit);
            approvals::approvals(&mut verified, &log, signers);
            let allowed = starts(&mut verified, &audit);
            approvals::told(&mut verified, &allowed, signers);
            outputs(&mut verified, dir, &audit)?;
            return Ok(verified);
        }
        Err(JournalError::Runbook { why, .. }) => {
            verified.find(None, &format!("{RUNBOOK} {why}"));
            verified
                .leave_open("whether the steps were allowed to run: the runbook they came from is not there");
        }
        Err(JournalError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            verified.find(None, &format!("{RUNBOOK} is missing"));
        }
        Err(other) => return Err(other),
    }
    approvals::approvals(&mut verified, &log, signers);
    approvals::told(&mut verified, &[], signers);
    Ok(verified)
}

fn chain(verified: &mut Verified, log: &Log, alive: bool) {
    let records = verified.records;
    match &log.tail {
        Tail::Torn { .. } if alive => {}
        Tail::Whole => {}
        Tail::Torn { bytes } => verified.leave_open(&format!(
            "the last {bytes} bytes of the log: half a record, cut short by a crash and never acknowledged"
        )),
        Tail::Damaged(fault) => verified.find(Some(fault.n), &fault.to_string()),
        Tail::Newer { n, why, fault } => {
            verified.leave_open(&format!("anything from record {n} on: it {why}"));
            if let Some(fault) = fault {
                verified.find(Some(fault.n), &fault.to_string());
            }
        }
    }
    match records {
        0 => verified.find(Some(1), "the log holds no whole record"),
        1 => verified.prove("the one record is whole"),
        many => verified.prove(&format!("records 1 to {many} are whole, each linked to the one before")),
    }
}

fn flaws(verified: &mut Verified, audit: &Audit) {
    for flaw in &audit.flaws {
        verified.find(Some(flaw.n), &format!("record {}: {}", flaw.n, flaw.what));
    }
}

/// Tells which starts were allowed: those that nothing was found against.
fn starts(verified: &mut Verified, audit: &Audit) -> Vec<Start> {
    let Some(session) = &audit.session else { return Vec::new() };
    if audit.replayed == verified.records {
        verified.prove("every record follows from those before it");
    }
    let found: BTreeSet<u64> = verified.findings.iter().filter_map(|finding| finding.record).collect();
    let fine: Vec<Start> = audit.starts.iter().filter(|start| !found.contains(&start.n)).cloned().collect();
    for start in fine.iter().filter(|start| start.hold_point) {
        verified.prove(&allowed(session, start));
    }
    let others = fine.iter().filter(|start| !start.hold_point).count();
    if others > 0 {
        let starts = if others == 1 {
            "the start of 1 step that destroys nothing was".to_owned()
        } else {
            format!("the starts of {others} steps that destroy nothing were")
        };
        verified.prove(&format!("{starts} allowed too"));
    }
    fine
}

fn allowed(session: &Session, start: &Start) -> String {
    let name = view::step_name(session, start.place);
    let what = match start.work {
        Work::Run => format!("the start of {name}"),
        Work::Undo => format!("taking {name} back"),
    };
    let met = match start.requirements {
        1 => "its one requirement was met".to_owned(),
        many => format!("all {many} requirements were met"),
    };
    format!(
        "{what} (attempt {}, record {}) was allowed: {met}, and the command is the runbook's",
        start.attempt, start.n
    )
}

/// Compares what commands wrote with what their records say.
fn outputs(verified: &mut Verified, dir: &Path, audit: &Audit) -> Result<(), JournalError> {
    let mut same = 0;
    for output in &audit.outputs {
        let path = output_path(dir, output);
        let shown = path.strip_prefix(dir).unwrap_or(&path).display().to_string();
        match look(&path, output) {
            Ok(seen) => match compare(output, &seen) {
                Some(what) => verified.find(Some(output.n), &format!("record {}: {shown} {what}", output.n)),
                None if output.sha256.is_some() => same += 1,
                None => verified.leave_open(&format!(
                    "that {shown} is unchanged: it was too large to be read when its command ended"
                )),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound && output.bytes == 0 => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                verified.find(Some(output.n), &format!("record {}: {shown} is missing", output.n));
            }
            Err(error) => return Err(JournalError::io("read", &path)(error)),
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
    bytes: u64,
    /// Taken only where there is one to compare with.
    sha256: Option<Digest>,
}

/// Looks at no more than was recorded: what a process that was left behind wrote later is not the command's.
fn look(path: &Path, output: &Output) -> io::Result<Seen> {
    let file = File::open(path)?;
    if output.sha256.is_none() {
        return Ok(Seen { bytes: file.metadata()?.len(), sha256: None });
    }
    let mut hash = Sha256::new();
    let bytes = io::copy(&mut file.take(output.bytes), &mut hash)?;
    Ok(Seen { bytes, sha256: Some(Digest::new(HEXLOWER.encode(&hash.finalize()))) })
}

fn compare(output: &Output, seen: &Seen) -> Option<String> {
    if seen.bytes < output.bytes {
        return Some(format!("was cut: it has {} bytes where {} were recorded", seen.bytes, output.bytes));
    }
    let (recorded, found) = output.sha256.as_ref().zip(seen.sha256.as_ref())?;
    (recorded != found).then(|| format!("was changed: its SHA-256 is {found}, and {recorded} was recorded"))
}
