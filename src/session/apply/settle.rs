//! Records that start a step and that give it a new state. PURE.

use std::collections::BTreeMap;

use crate::id::Digest;
use crate::session::approve::Subject;
use crate::session::event::{How, Work};
use crate::session::state::{
    Before, Ground, ItemProgress, ItemState, Phase, Progress, Running, StartRecord, Stood,
};
use crate::session::{Entry, Event, Session};
use crate::time::Moment;

use super::Legal;

impl Session {
    pub(super) fn step_started(&mut self, place: usize, entry: &Entry, at: Moment) -> Legal {
        let Event::StepStarted { step: id, attempt, work, how, items, list, typed, retry, .. } = &entry.event
        else {
            return Ok(());
        };
        let model = &self.state.runbook.steps[place];
        let (hold_point, capture) = (model.is_hold_point(), model.capture.as_ref().map(|c| c.name.clone()));
        let has_items = model.for_each.is_some();
        let step = &mut self.state.steps[place];
        let stood = match (&step.progress, work) {
            (Progress::Untouched, Work::Run) => Stood::Untouched,
            (Progress::Undone, Work::Run) => Stood::Undone,
            (Progress::Skipped, Work::Run) => Stood::Skipped,
            (Progress::Failed, _) => Stood::Failed,
            (Progress::Skipped, Work::Undo) if step.touched => Stood::Skipped,
            (Progress::Done, Work::Undo) => Stood::Done,
            (Progress::Done, Work::Run) if !hold_point => Stood::Done,
            (Progress::Running(running), _) if matches!(running.phase, Phase::Retrying { .. }) => {
                Stood::Failed
            }
            _ => return Err(format!("{id} cannot start from where it stands")),
        };
        if self.state.attempts.checked_add(1) != Some(*attempt) {
            return Err(format!("attempt {attempt} where the last was {}", self.state.attempts));
        }
        let phase = if has_items { Phase::BetweenItems { from: entry.n } } else { Phase::Working };
        let captured = capture.as_ref().and_then(|name| self.state.values.get(name)).cloned();
        // Used up by this start, whatever becomes of it; its commands are the ones that may run.
        let used = step.approval.take().filter(|round| round.subject.work == *work);
        let approved = used.as_ref().map_or_else(Vec::new, |round| approved_commands(&round.subject));
        let ground = used.map(|round| Box::new(Ground::of(&round.subject)));
        step.refusals.clear();
        self.index.rounds.remove(&place);
        let before = Before { stood, touched: step.touched, captured, verify_from: step.verify_from };
        step.progress = Progress::Running(Running {
            attempt: *attempt,
            work: *work,
            how: *how,
            phase,
            items: items.clone(),
            next_item: 0,
            stop_asked: false,
            typed: typed.clone(),
            before,
            retry: *retry,
            start_n: entry.n,
            began: StartRecord { n: entry.n, at: entry.at, boot: at.boot },
            by: entry.by.clone(),
            approved,
            ground,
        });
        if *work == Work::Run {
            step.attempts += 1;
            step.touched = true;
            step.by_hand = *how == How::ByHand;
            step.items = relist(&step.items, list);
            for item in step.items.iter_mut().filter(|state| items.contains(&state.item)) {
                item.progress = ItemProgress::Waiting;
            }
            step.verify_from = None;
            if let Some(name) = capture {
                self.state.values.remove(&name);
            }
        }
        let step = &mut self.state.steps[place];
        step.request = None;
        if *how == How::Script && items.is_empty() {
            super::steps::tried(step, *attempt, None, *work);
        }
        step.starts += 1;
        step.last_attempt = *attempt;
        step.started = Some(at);
        step.settled = None;
        step.ended = None;
        step.why.clear();
        step.started_n = entry.n;
        step.interrupted = None;
        self.state.attempts = *attempt;
        Ok(())
    }

    pub(super) fn step_settled(&mut self, place: usize, entry: &Entry, at: Moment) -> Legal {
        let Event::StepSettled { step: id, work, ok, why, .. } = &entry.event else {
            return Ok(());
        };
        let capture = self.state.runbook.steps[place].capture.as_ref().map(|c| c.name.clone());
        let step = &mut self.state.steps[place];
        let asked_n = step.request.as_ref().map(|request| request.n);
        let already_so = asked_n.is_some() && !matches!(step.progress, Progress::Running(_));
        let verified_later = step.progress == Progress::Failed && step.verify_from.is_some() && *ok;
        if !(matches!(step.progress, Progress::Running(_)) || already_so || verified_later) {
            return Err(format!("{id} has nothing to settle"));
        }
        if let Progress::Running(running) = &step.progress
            && running.items.is_empty()
        {
            let attempt = running.attempt;
            super::steps::went(step, attempt, *ok);
        }
        step.request = None;
        step.progress = match (ok, work) {
            (true, Work::Run) => Progress::Done,
            (true, Work::Undo) => Progress::Undone,
            (false, _) => Progress::Failed,
        };
        step.settled = Some(at);
        step.why.clone_from(why);
        if *ok {
            step.verify_from = None;
        } else if already_so {
            // What verifies it was asked for this request: those answers count on.
            step.verify_from = asked_n;
        }
        if *ok && *work == Work::Undo {
            step.touched = false;
            if let Some(name) = capture {
                self.state.values.remove(&name);
            }
        }
        Ok(())
    }

    pub(super) fn resolved(&mut self, place: usize, n: u64, done: bool, what: &str, at: Moment) -> Legal {
        let step = &mut self.state.steps[place];
        if step.progress != Progress::Skipped {
            what.clone_into(&mut step.why);
        }
        if matches!(step.progress, Progress::Failed | Progress::Skipped)
            && !done
            && self.state.runbook.steps[place].is_hold_point()
        {
            step.touched = false;
            return Ok(());
        }
        let Some(mut running) = step.interrupted.take() else {
            return Err("there is nothing to resolve".to_owned());
        };
        let reached = match running.work {
            Work::Run => ItemProgress::Done,
            Work::Undo => ItemProgress::Undone,
        };
        for item in &mut step.items {
            if item.progress == ItemProgress::Interrupted {
                item.progress = if done { reached } else { ItemProgress::Failed };
            }
        }
        let all_items = running
            .items
            .iter()
            .all(|item| step.items.iter().any(|state| state.item == *item && state.progress == reached));
        step.settled = Some(at);
        if done && all_items {
            if running.work == Work::Run {
                step.verify_from = Some(n);
            }
            running.phase = Phase::Verifying { from: n };
            step.ended = None;
            step.progress = Progress::Running(running);
        } else {
            step.progress = Progress::Failed;
        }
        Ok(())
    }
}

impl From<Stood> for Progress {
    fn from(stood: Stood) -> Self {
        match stood {
            Stood::Untouched => Self::Untouched,
            Stood::Done => Self::Done,
            Stood::Failed => Self::Failed,
            Stood::Skipped => Self::Skipped,
            Stood::Undone => Self::Undone,
        }
    }
}

/// Digests of what was approved to run, one for each item (or the one); none where a person does it.
fn approved_commands(subject: &Subject) -> Vec<Digest> {
    let items = subject.items.iter().filter_map(|item| item.command.clone());
    if subject.items.is_empty() { subject.command.iter().cloned().collect() } else { items.collect() }
}

/// The list as shown, with what is known of each item kept.
fn relist(known: &[ItemState], list: &[String]) -> Vec<ItemState> {
    let mut by_item: BTreeMap<&str, &ItemState> =
        known.iter().map(|state| (state.item.as_str(), state)).collect();
    list.iter()
        .map(|item| match by_item.remove(item.as_str()) {
            Some(state) => state.clone(),
            None => {
                ItemState { item: item.clone(), progress: ItemProgress::Waiting, ended: None, place: None }
            }
        })
        .collect()
}
