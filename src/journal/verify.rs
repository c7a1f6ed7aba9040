//! Proves a session from its directory alone. SHELL: reads files; what must hold of the records is `session::audit`'s.
//! It must not know hosts or screens.

mod approvals;
mod attempts;
pub mod heads;
mod outputs;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::session::audit::{Audit, Start, audit};
use crate::session::event::Work;
use crate::session::{Event, Session, Signers, view};
use crate::text;

use super::reader::{self, Log, Tail};
use super::store;
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
    /// From this record on this version cannot judge what is recorded: a newer one wrote it, or somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unjudged_from: Option<u64>,
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
    let laid = attempts::list(dir)?;
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
            outputs::outputs(&mut verified, dir, &audit)?;
            attempts::held(&mut verified, &laid, &log, alive);
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
    attempts::held(&mut verified, &laid, &log, alive);
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
            verified.unjudged_from = Some(*n);
            verified.find(Some(*n), &unjudged(log, *n, why));
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

/// A record of a kind that is not known here may be anything, and so may all that comes after it.
fn unjudged(log: &Log, n: u64, why: &str) -> String {
    let own = env!("CARGO_PKG_VERSION");
    let host = log.entries.iter().rev().find_map(|entry| match &entry.event {
        Event::HostStarted { onbelay, .. } => Some((entry.n, onbelay)),
        _ => None,
    });
    let by = match host {
        Some((at, version)) if is_newer(version, own) => format!(
            "by record {at}, onbelay {version} wrote it, which is newer than this {own}: verify with that version"
        ),
        Some((at, version)) => format!(
            "by record {at}, onbelay {version} wrote it, which is no newer than this {own} and knows no such record: somebody else may have written it; verify with a newer version if there is one"
        ),
        None => "verify with the version that wrote it".to_owned(),
    };
    format!(
        "record {n}: {why}; from there on nothing can be judged by this version, {own}, but the links. {by}"
    )
}

/// Compares `MAJOR.MINOR.PATCH`; what is none is not newer.
fn is_newer(version: &str, than: &str) -> bool {
    let parts = |text: &str| {
        let core = text.split(['-', '+']).next().unwrap_or_default();
        core.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u32>>>()
    };
    parts(version).zip(parts(than)).is_some_and(|(version, than)| version > than)
}

fn flaws(verified: &mut Verified, audit: &Audit) {
    for flaw in &audit.flaws {
        verified.find(Some(flaw.n), &format!("record {}: {}", flaw.n, flaw.what));
    }
}

/// Tells which starts were allowed: those that nothing was found against, nor against what they rest on.
fn starts(verified: &mut Verified, audit: &Audit) -> Vec<Start> {
    let Some(session) = &audit.session else { return Vec::new() };
    if audit.replayed == verified.records {
        if verified.unjudged_from.is_some() {
            verified
                .prove(&format!("each of records 1 to {} follows from those before it", verified.records));
        } else {
            verified.prove("every record follows from those before it");
        }
    }
    let found: BTreeSet<u64> = verified.findings.iter().filter_map(|finding| finding.record).collect();
    let fine = |start: &&Start| {
        !found.contains(&start.n) && !start.rests_on.iter().any(|record| found.contains(record))
    };
    let fine: Vec<Start> = audit.starts.iter().filter(fine).cloned().collect();
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
