//! Was every start allowed? The records replayed, and each gate asked again as it stood just before. PURE.
//! It must not know files: what an attempt left on disk is `journal::verify`'s to compare.

mod approvals;
mod people;

use std::sync::Arc;
use std::time::Duration;

use crate::id::Digest;
use crate::runbook::Runbook;
use crate::runbook::digest::of_call;
use crate::time::Moment;

use super::approve::rule_of;
use super::event::{Ended, How, Work};
use super::state::{Phase, Request};
use super::{Entry, Event, Kind, Progress, Requirement, Session, gate, view, whose};

/// The host decides before it records: how much later a record may say it is. A gate that was open when the record
/// before was made, and closed by the clock within this time, counts as open.
const BETWEEN_DECISION_AND_RECORD: Duration = Duration::from_secs(5);

/// What the records prove, and what speaks against them.
#[derive(Debug, Default)]
pub struct Audit {
    /// Records that could be replayed.
    pub replayed: u64,
    /// Every start of a step or of its undo, in order.
    pub starts: Vec<Start>,
    /// Every command that ended, with what it left on disk according to its record.
    pub outputs: Vec<Output>,
    /// What is wrong.
    pub flaws: Vec<Flaw>,
    /// The walk after the last record that could be replayed.
    pub session: Option<Session>,
}

/// A start that is on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Its record.
    pub n: u64,
    /// Place of the step.
    pub place: usize,
    /// The attempt.
    pub attempt: u32,
    /// Forward or back.
    pub work: Work,
    /// Of a destructive step.
    pub hold_point: bool,
    /// How many requirements its gate had.
    pub requirements: usize,
    /// Numbers of the records with the answers and approvals it rests on.
    pub rests_on: Vec<u64>,
}

/// What an ended command left on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The record of its end.
    pub n: u64,
    /// The attempt.
    pub attempt: u32,
    /// Index of the item, where it has items.
    pub item: Option<u32>,
    /// Bytes in its `output`.
    pub bytes: u64,
    /// SHA-256 of its `output`, where one was taken.
    pub sha256: Option<Digest>,
    /// Names of the processes that it left running.
    pub left: Vec<String>,
}

/// Something wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The record.
    pub n: u64,
    /// One sentence.
    pub what: String,
}

/// Replays the records and asks every gate again.
#[must_use]
pub fn audit(runbook: Arc<Runbook>, entries: &[Entry]) -> Audit {
    let mut auditor = Auditor::new(runbook);
    for entry in entries {
        auditor.take(entry);
    }
    auditor.finish()
}

/// An audit on its way, record by record: none is kept.
#[derive(Debug)]
pub struct Auditor {
    runbook: Arc<Runbook>,
    audit: Audit,
    people: people::People,
    /// The command of an attempt's first item, decided together with the start, before its record changes anything.
    decided: Option<(u64, Option<Digest>)>,
    /// From a record that does not follow on, nothing can be said.
    is_over: bool,
}

impl Auditor {
    /// Of a walk of this runbook.
    #[must_use]
    pub fn new(runbook: Arc<Runbook>) -> Self {
        let (audit, people) = (Audit::default(), people::People::default());
        Self { runbook, audit, people, decided: None, is_over: false }
    }

    /// Takes the next record in.
    pub fn take(&mut self, entry: &Entry) {
        if self.is_over {
            return;
        }
        let audit = &mut self.audit;
        let Some(session) = &mut audit.session else {
            return self.open(entry);
        };
        let mut whats = match &entry.event {
            Event::StepStarted { .. } => {
                let (start, whats) = start(session, entry);
                self.decided = first_item_command(session, entry);
                audit.starts.extend(start);
                whats
            }
            Event::ItemStarted { .. } => item_start(session, entry, self.decided.take()),
            _ => approvals::word(session, entry),
        };
        // Starts have a sentence of their own for it.
        if !matches!(entry.event, Event::StepStarted { .. }) {
            whats.extend(whose::may(session, &entry.event, &entry.by).err());
        }
        audit.flaws.extend(whats.into_iter().map(|what| Flaw { n: entry.n, what }));
        self.people.note(session, entry);
        audit.outputs.extend(output(session, entry));
        if let Err(illegal) = session.apply(entry) {
            let what = format!("cannot follow what came before it: {}", illegal.why);
            audit.flaws.push(Flaw { n: illegal.n, what });
            self.is_over = true;
            return;
        }
        audit.replayed = entry.n;
    }

    fn open(&mut self, first: &Entry) {
        match Session::open(Arc::clone(&self.runbook), first) {
            Ok(session) => {
                self.audit.replayed = 1;
                self.audit.flaws.extend(people::opener(&session, first));
                self.people.note(&session, first);
                self.audit.session = Some(session);
            }
            Err(illegal) => {
                self.audit.flaws.push(Flaw { n: illegal.n, what: illegal.why });
                self.is_over = true;
            }
        }
    }

    /// What the records prove.
    #[must_use]
    pub fn finish(mut self) -> Audit {
        self.audit.flaws.extend(self.people.flaws());
        self.audit
    }
}

/// Looks at a `StepStarted` with the walk as it stood before it.
fn start(session: &Session, entry: &Entry) -> (Option<Start>, Vec<String>) {
    let Event::StepStarted { step, attempt, work, how, typed, rests_on, command, items, approvals, .. } =
        &entry.event
    else {
        return (None, Vec::new());
    };
    let Some(place) = session.step_at(step.as_str()) else {
        return (None, Vec::new());
    };
    let mut whats = Vec::new();
    let name = view::step_name(session, place);
    let requirements = match &session.steps[place].request {
        None => {
            whats.push(format!("{name} was started, and nobody had asked for it"));
            0
        }
        Some(request) => {
            whats.extend(asked_by(session, place, entry, request, &name));
            if (request.work, &request.typed) != (*work, typed) {
                whats.push(format!("{name} was started otherwise than it was asked for"));
            }
            whats.extend(gate_at(session, place, request, typed.as_deref(), entry, &name));
            whats.extend(approvals::started(session, place, request, entry, &moments_of(session, entry)));
            gate(session, place, *work, moment_of(session, entry)).len()
        }
    };
    if *rests_on != gate::rests_on(session, place, *work) {
        whats.push(format!("{name} names other answers than those that stood when it was started"));
    }
    whats.extend(who_carries_it_out(session, place, *work, *how, &name));
    let one_command =
        *how == How::Script && items.is_empty() && session.runbook.steps[place].for_each.is_none();
    let expected = if one_command { command_now(session, place, *work, None) } else { None };
    if *command != expected {
        whats.push(format!("the command on record for {name} is not what the runbook and the values give"));
    }
    let hold_point = session.runbook.steps[place].is_hold_point();
    let rests_on = rests_on.iter().chain(approvals).copied().collect();
    let (attempt, work) = (*attempt, *work);
    (Some(Start { n: entry.n, place, attempt, work, hold_point, requirements, rests_on }), whats)
}

fn asked_by(session: &Session, place: usize, entry: &Entry, request: &Request, name: &str) -> Option<String> {
    let retrying = matches!(
        &session.steps[place].progress,
        Progress::Running(running) if matches!(running.phase, Phase::Retrying { .. })
    );
    let who = &request.by;
    let allowed = (who.uid.is_some() && who.same_account(&session.operator)) || (who.is_tool() && retrying);
    (!allowed || entry.by != *who)
        .then(|| format!("{name} was started by {}, who is not the operator", entry.by.name))
}

/// Everything that its gate asked for and that was not met, as it stood just before the start.
fn gate_at(
    session: &Session,
    place: usize,
    request: &Request,
    typed: Option<&str>,
    entry: &Entry,
    name: &str,
) -> Vec<String> {
    let unmet_at = |now| -> Vec<Requirement> {
        let mut unmet = gate(session, place, request.work, now);
        for requirement in unmet.iter_mut().filter(|requirement| requirement.kind == Kind::Witness) {
            *requirement = view::witness_for(session, place, request.work, Some(request), now);
        }
        unmet.retain(|r| !r.met && (r.kind != Kind::Confirm || typed != Some(r.id.as_str())));
        unmet.extend(gate::not_of_this_breath(session, place, request.work, request.n, None));
        unmet
    };
    let mut unmet = Vec::new();
    for now in moments_of(session, entry) {
        unmet = unmet_at(now);
        if unmet.is_empty() {
            break;
        }
    }
    unmet
        .into_iter()
        .map(|r| format!("{name} was started, and its gate was shut: {} ({})", r.why, r.id))
        .collect()
}

fn gate(session: &Session, place: usize, work: Work, now: Moment) -> Vec<Requirement> {
    match work {
        Work::Run => view::gate(session, &view::order(session), place, now),
        Work::Undo => view::undo_gate(session, place, now),
    }
}

fn who_carries_it_out(session: &Session, place: usize, work: Work, how: How, name: &str) -> Option<String> {
    let has_script = gate::script_of(&session.runbook.steps[place], work).is_some();
    let fits = if has_script { how != How::Person } else { how == How::Person };
    (!fits).then(|| format!("{name} was carried out otherwise than the runbook says"))
}

/// Looks at an `ItemStarted` with the walk as it stood before it. `decided`: what the attempt's start decided for it.
fn item_start(session: &Session, entry: &Entry, decided: Option<(u64, Option<Digest>)>) -> Vec<String> {
    let Event::ItemStarted { step, item, command, index, .. } = &entry.event else {
        return Vec::new();
    };
    let Some(place) = session.step_at(step.as_str()) else {
        return Vec::new();
    };
    let Progress::Running(running) = &session.steps[place].progress else {
        return Vec::new();
    };
    let name = format!("{item} of {}", view::step_name(session, place));
    let mut whats = Vec::new();
    if running.items.get(*index as usize) != Some(item) {
        whats.push(format!("{name} is not the item whose turn it was"));
    }
    let expected = if let Some((_, command)) = decided.filter(|(n, _)| *n + 1 == entry.n) {
        command
    } else {
        whats.extend(
            session.holds.iter().map(|hold| format!("{name} was started under the hold of {}", hold.by.name)),
        );
        if let Phase::BetweenItems { from } = running.phase {
            let now = moment_of(session, entry);
            let unmet = gate::unmet_for_item(session, place, running, from, item, now);
            whats.extend(
                unmet
                    .into_iter()
                    .map(|r| format!("{name} was started, and its gate was shut: {} ({})", r.why, r.id)),
            );
        }
        (running.how == How::Script).then(|| command_now(session, place, running.work, Some(item))).flatten()
    };
    if *command != expected {
        whats.push(format!("the command on record for {name} is not what the runbook and the values give"));
    }
    whats.extend(
        gate::not_as_approved(session, place, running).map(|why| format!("{name} was started: {why}")),
    );
    let by_approval = rule_of(session, place, running.work).is_some() && command.is_some();
    if by_approval && running.approved.get(*index as usize) != command.as_ref() {
        whats.push(format!("the command on record for {name} is not the one that was approved"));
    }
    whats
}

/// What the start of an attempt decided for its first item: the start's record, and the command's digest.
fn first_item_command(session: &Session, entry: &Entry) -> Option<(u64, Option<Digest>)> {
    let Event::StepStarted { step, work, how, items, .. } = &entry.event else {
        return None;
    };
    let place = session.step_at(step.as_str())?;
    let item = items.first()?;
    let command = if *how == How::Script { command_now(session, place, *work, Some(item)) } else { None };
    Some((entry.n, command))
}

fn command_now(session: &Session, place: usize, work: Work, item: Option<&str>) -> Option<Digest> {
    gate::command(session, place, work, item).ok().flatten().map(|call| of_call(&call))
}

fn output(session: &Session, entry: &Entry) -> Option<Output> {
    let (step, attempt, ended, item) = match &entry.event {
        Event::WorkEnded { step, attempt, ended } => (step, *attempt, ended, false),
        Event::ItemEnded { step, attempt, ended, .. } => (step, *attempt, ended, true),
        _ => return None,
    };
    let Progress::Running(running) = &session.steps[session.step_at(step.as_str())?].progress else {
        return None;
    };
    let Ended { output_bytes, output_sha256, left, .. } = &**ended;
    let item = item.then_some(running.next_item);
    (running.how == How::Script).then(|| Output {
        n: entry.n,
        attempt,
        item,
        bytes: *output_bytes,
        sha256: output_sha256.clone(),
        left: left.iter().map(|process| process.name.clone()).collect(),
    })
}

/// When a record may have been decided: when it was made, or just after the one before.
fn moments_of(session: &Session, entry: &Entry) -> Vec<Moment> {
    let (now, just_before) = (moment_of(session, entry), session.head_at);
    let near = just_before.age(now).is_some_and(|age| age <= BETWEEN_DECISION_AND_RECORD);
    if near { vec![now, just_before] } else { vec![now] }
}

/// When a record was made, by both clocks.
fn moment_of(session: &Session, entry: &Entry) -> Moment {
    let boot = session.host.as_ref().map_or(0, |host| host.boot);
    Moment { at: entry.at, up: entry.up, boot }
}
