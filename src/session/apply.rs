//! The one function that changes a session: the table of legal transitions. PURE.
//!
//! An event that cannot follow from where the walk stands is refused, so a journal that was tampered with, or a bug,
//! shows as an illegal record and not as a strange state.

mod approvals;
mod checks;
mod settle;
mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::id::StepId;
use crate::runbook::Runbook;
use crate::time::Moment;

use super::state::{
    CheckState, Hold, HostInfo, Index, Phase, Progress, Running, Session, Stage, State, StepState,
};
use super::{Entry, Event};

/// A record that cannot follow what came before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {n} cannot follow: {why}")]
pub struct Illegal {
    /// The record.
    pub n: u64,
    /// What is wrong.
    pub why: String,
}

type Legal<T = ()> = Result<T, String>;

impl Session {
    /// Opens a session from its first record and the runbook it was opened with.
    pub fn open(runbook: Arc<Runbook>, first: &Entry) -> Result<Self, Illegal> {
        let illegal = |why: &str| Illegal { n: first.n, why: why.to_owned() };
        let Event::SessionOpened(opened) = &first.event else {
            return Err(illegal("the first record must open the session"));
        };
        if first.n != 1 {
            return Err(illegal("the first record must have number 1"));
        }
        let at = Moment { at: first.at, up: first.up, boot: 0 };
        let state = State {
            id: first.session.clone(),
            opened: (**opened).clone(),
            opened_at: at,
            head: 1,
            head_at: at,
            stage: Stage::Open,
            operator: opened.operator.clone(),
            operator_as: vec![opened.operator.clone()],
            operators: vec![opened.operator.clone()],
            steps: vec![StepState::default(); runbook.steps.len()],
            checks: vec![CheckState::default(); runbook.checks.len()],
            holds: Vec::new(),
            values: opened.values.clone(),
            attempts: 0,
            host: None,
            env: BTreeMap::new(),
            runbook,
        };
        let mut session = Self { state, index: Index::default() };
        session.reindex();
        Ok(session)
    }

    /// Takes a record in: live, at replay, and in every client. On an error the session is unchanged in every way
    /// that matters and must not be used further.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), Illegal> {
        let illegal = |why: String| Illegal { n: entry.n, why };
        if entry.n != self.state.head + 1 {
            return Err(illegal(format!("expected record {}", self.state.head + 1)));
        }
        if entry.session != self.state.id {
            return Err(illegal(format!("it belongs to session {}", entry.session)));
        }
        self.take(entry).map_err(illegal)?;
        self.note_operator(entry);
        self.void_approvals(entry, self.moment(entry));
        self.state.head = entry.n;
        self.state.head_at = self.moment(entry);
        Ok(())
    }

    fn moment(&self, entry: &Entry) -> Moment {
        let boot = self.state.host.as_ref().map_or(0, |host| host.boot);
        Moment { at: entry.at, up: entry.up, boot }
    }

    fn take(&mut self, entry: &Entry) -> Legal {
        match &entry.event {
            Event::SessionOpened(_) => Err("a session is opened once".to_owned()),
            Event::HostStarted { .. } => self.host_started(entry),
            Event::JournalRepaired { .. } | Event::Noted { .. } | Event::Refused { step: None, .. } => Ok(()),
            Event::CheckAsked { .. }
            | Event::CheckAnswered { .. }
            | Event::CheckDropped { .. }
            | Event::Attested { .. } => self.check_event(entry),
            Event::HoldCalled { why } => {
                let hold = Hold { n: entry.n, by: entry.by.clone(), why: why.clone(), at: entry.at };
                self.state.holds.push(hold);
                Ok(())
            }
            Event::HoldReleased { holds, .. } => {
                self.state.holds.retain(|hold| !holds.contains(&hold.n));
                self.ask_anew_after_a_hold(entry.n);
                Ok(())
            }
            Event::HandedOver { to } => {
                self.state.operator = to.clone();
                self.state.operator_as = vec![to.clone()];
                if !self.state.operators.contains(to) {
                    self.state.operators.push(to.clone());
                }
                Ok(())
            }
            Event::Finished => self.close(Stage::Finished),
            Event::Aborted { why } => self.close(Stage::Aborted { why: why.clone() }),
            Event::Requested { step, .. }
            | Event::QuestionPut { step }
            | Event::RequestDropped { step, .. }
            | Event::Refused { step: Some(step), .. }
            | Event::StepStarted { step, .. }
            | Event::ItemStarted { step, .. }
            | Event::ItemEnded { step, .. }
            | Event::ItemSettled { step, .. }
            | Event::ItemsEnded { step, .. }
            | Event::WorkEnded { step, .. }
            | Event::RetryPlanned { step, .. }
            | Event::StepSettled { step, .. }
            | Event::NeverStarted { step, .. }
            | Event::Interrupted { step, .. }
            | Event::Resolved { step, .. }
            | Event::StopAsked { step }
            | Event::TerminalTaken { step, .. }
            | Event::StepSkipped { step, .. } => self.step_event(self.place_of(step)?, entry),
            Event::Approved { step, .. }
            | Event::ApprovalRefused { step, .. }
            | Event::ApprovalsVoided { step, .. } => {
                self.approval_event(self.place_of(step)?, entry, self.moment(entry))
            }
            Event::ApprovalAsked { subject } => {
                self.approval_event(self.place_of(&subject.step)?, entry, self.moment(entry))
            }
        }
    }

    fn place_of(&self, step: &StepId) -> Legal<usize> {
        self.step_at(step.as_str()).ok_or_else(|| format!("the runbook has no step {step}"))
    }

    /// What was asked before or under a hold does not start the next item once it is released: minutes may have passed.
    fn ask_anew_after_a_hold(&mut self, released: u64) {
        for step in &mut self.state.steps {
            if let Progress::Running(Running { phase: Phase::BetweenItems { from }, .. }) = &mut step.progress
            {
                *from = released;
            }
        }
    }

    fn close(&mut self, stage: Stage) -> Legal {
        if self.state.stage != Stage::Open {
            return Err("the session is closed".to_owned());
        }
        for step in &mut self.state.steps {
            step.request = None;
        }
        self.state.stage = stage;
        Ok(())
    }

    fn host_started(&mut self, entry: &Entry) -> Legal {
        let Event::HostStarted { pid, boot_id, boot, env, machine, runs_as, .. } = &entry.event else {
            return Ok(());
        };
        let state = &mut self.state;
        let expected = match &state.host {
            None => 0,
            Some(host) if host.boot_id == *boot_id => host.boot,
            // Where the numbers are used up nothing is next.
            Some(host) => host.boot.checked_add(1).ok_or("the boots cannot be counted any further")?,
        };
        if *boot != expected {
            return Err(format!("boot {boot} where {expected} comes next"));
        }
        state.host = Some(HostInfo {
            pid: *pid,
            boot_id: boot_id.clone(),
            boot: *boot,
            since: entry.n,
            machine: machine.clone(),
            runs_as: runs_as.clone(),
        });
        state.env.clone_from(env);
        for check in &mut state.checks {
            check.asking = None;
            for given in check.answers.values_mut() {
                given.of_older_host = true;
            }
        }
        for step in &mut state.steps {
            step.request = None;
        }
        Ok(())
    }
}
