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

use crate::id::Digest;
use crate::session::audit::{Audit, Auditor, Start};
use crate::session::event::Work;
use crate::session::{Entry, Event, Session, Signers, view};
use crate::text;

use super::reader::{self, Tail};
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
    let (mut proving, mut records) = (None, 0);
    let scanned = reader::read_each(dir, |entry, before| {
        records += 1;
        proving.get_or_insert_with(|| Proving::opened(dir, &entry, signers)).take(&entry, before);
    })?;
    let mut verified = Verified { records, head: scanned.head.to_string(), ..Verified::default() };
    let Some(Proving { session, audit, approvals, attempts, host }) = proving else {
        chain(&mut verified, &scanned.tail, None, alive);
        return Ok(verified);
    };
    verified.session = session;
    chain(&mut verified, &scanned.tail, host.as_ref(), alive);
    match audit.map(Auditor::finish) {
        Ok(audit) => {
            verified.prove(&format!("{RUNBOOK} is the one the session was opened with"));
            flaws(&mut verified, &audit);
            approvals.finish(&mut verified);
            let allowed = starts(&mut verified, &audit);
            approvals::told(&mut verified, &allowed, signers);
            outputs::outputs(&mut verified, dir, &audit)?;
            attempts::held(&mut verified, &laid, &attempts, &scanned.tail, alive);
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
    approvals.finish(&mut verified);
    approvals::told(&mut verified, &[], signers);
    attempts::held(&mut verified, &laid, &attempts, &scanned.tail, alive);
    Ok(verified)
}

/// What is gathered of the records as they are read, however many they are: none of them is kept.
struct Proving<'a> {
    session: String,
    /// An error where there is no runbook to hold them against.
    audit: Result<Auditor, JournalError>,
    approvals: approvals::Book<'a>,
    attempts: attempts::Records,
    /// The newest record of a host, and its version.
    host: Option<(u64, String)>,
}

impl<'a> Proving<'a> {
    fn opened(dir: &Path, first: &Entry, signers: Option<&'a Signers>) -> Self {
        Self {
            session: text::clean(first.session.as_str()).into_owned(),
            audit: store::stored_runbook(dir, first).map(|(runbook, _)| Auditor::new(runbook)),
            approvals: approvals::Book::opened(first, signers),
            attempts: attempts::Records::default(),
            host: None,
        }
    }

    fn take(&mut self, entry: &Entry, before: &Digest) {
        if let Event::HostStarted { onbelay, .. } = &entry.event {
            self.host = Some((entry.n, onbelay.clone()));
        }
        if let Ok(audit) = &mut self.audit {
            audit.take(entry);
        }
        self.approvals.take(entry, before);
        self.attempts.take(entry);
    }
}

/// `host`: the newest record of a host, and its version.
fn chain(verified: &mut Verified, tail: &Tail, host: Option<&(u64, String)>, alive: bool) {
    let records = verified.records;
    match tail {
        Tail::Torn { .. } if alive => {}
        Tail::Whole => {}
        Tail::Torn { bytes } => verified.leave_open(&format!(
            "the last {bytes} bytes of the log: half a record, cut short by a crash and never acknowledged"
        )),
        Tail::Damaged(fault) => verified.find(Some(fault.n), &fault.to_string()),
        Tail::Newer { n, why, fault } => {
            verified.unjudged_from = Some(*n);
            verified.find(Some(*n), &unjudged(host, *n, why));
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
fn unjudged(host: Option<&(u64, String)>, n: u64, why: &str) -> String {
    let own = env!("CARGO_PKG_VERSION");
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
    match &audit.session {
        Some(session) => allowed_in(session, verified, audit),
        None => Vec::new(),
    }
}

fn allowed_in(session: &Session, verified: &mut Verified, audit: &Audit) -> Vec<Start> {
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
