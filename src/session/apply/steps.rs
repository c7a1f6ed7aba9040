//! Records that change a step, from the wish to start it to its end. PURE.

use std::sync::Arc;
use std::time::Duration;

use crate::runbook::Value;
use crate::session::event::Work;
use crate::session::outcome::went_well;
use crate::session::state::{ItemProgress, ItemState, Phase, Progress, Request, StartRecord, StepState, Try};
use crate::session::{Entry, Event, Session, terminal};
use crate::time::Moment;

use super::Legal;

impl Session {
    pub(super) fn step_event(&mut self, place: usize, entry: &Entry) -> Legal {
        let at = self.moment(entry);
        let runbook = Arc::clone(&self.state.runbook);
        let model = &runbook.steps[place];
        match &entry.event {
            Event::StepStarted { .. } => return self.step_started(place, entry, at),
            Event::StepSettled { .. } => return self.step_settled(place, entry, at),
            Event::Resolved { done, what, .. } => return self.resolved(place, entry.n, *done, what, at),
            _ => {}
        }
        let step = &mut self.state.steps[place];
        match &entry.event {
            Event::Requested { work, by_hand, typed, will_ask, said, .. } => {
                let retrying = matches!(&step.progress, Progress::Running(r) if matches!(r.phase, Phase::Retrying { .. }));
                let busy = matches!(step.progress, Progress::Running(_) | Progress::Interrupted);
                if step.request.is_some() || (busy && !retrying) {
                    return Err(format!("{} cannot be asked for now", model.id));
                }
                step.request = Some(Request {
                    n: entry.n,
                    at,
                    by: entry.by.clone(),
                    work: *work,
                    by_hand: *by_hand,
                    typed: typed.clone(),
                    will_ask: *will_ask,
                    said: said.clone(),
                });
                Ok(())
            }
            Event::QuestionPut { .. } | Event::RequestDropped { .. } | Event::Refused { .. } => {
                step.request = None;
                if let (Progress::Running(running), Event::Refused { why, .. }) =
                    (&step.progress, &entry.event)
                    && matches!(running.phase, Phase::Retrying { .. })
                {
                    step.why = format!("it was not tried again: {why}");
                    step.progress = Progress::Failed;
                    step.settled = Some(at);
                }
                Ok(())
            }
            Event::StepSkipped { why, .. } => {
                if !matches!(step.progress, Progress::Untouched | Progress::Failed | Progress::Undone) {
                    return Err(format!("{} cannot be skipped now", model.id));
                }
                step.progress = Progress::Skipped;
                step.request = None;
                step.verify_from = None;
                step.settled = Some(at);
                step.why.clone_from(why);
                Ok(())
            }
            _ => self.running_event(place, entry, at),
        }
    }

    fn running_event(&mut self, place: usize, entry: &Entry, at: Moment) -> Legal {
        // Changes nothing of the walk: who types is the host's to know.
        terminal::may_be_taken(self, place, &entry.event)?;
        let runbook = Arc::clone(&self.state.runbook);
        let model = &runbook.steps[place];
        let values = &mut self.state.values;
        let step = &mut self.state.steps[place];
        let Progress::Running(running) = &mut step.progress else {
            return Err(format!("{} is not running", model.id));
        };
        if attempt_of(&entry.event).is_some_and(|attempt| attempt != running.attempt) {
            return Err(format!("{} is in attempt {}", model.id, running.attempt));
        }
        match &entry.event {
            Event::StopAsked { .. } => running.stop_asked = true,
            Event::TerminalTaken { .. } => {}
            Event::ItemStarted { item, index, .. } => {
                if !matches!(running.phase, Phase::BetweenItems { .. }) || *index != running.next_item {
                    return Err(format!("item {index} of {} cannot start now", model.id));
                }
                running.phase = Phase::Working;
                running.began = StartRecord { n: entry.n, at: entry.at, boot: at.boot };
                let state = item_mut(&mut step.items, item)?;
                state.progress = ItemProgress::Running;
                state.ended = None;
                state.place = Some((running.attempt, *index));
                let (attempt, work) = (running.attempt, running.work);
                tried(step, attempt, Some((*index, item.clone())), work);
            }
            Event::ItemEnded { item, ended, .. } => {
                if running.phase != Phase::Working
                    || running.items.get(running.next_item as usize) != Some(item)
                {
                    return Err(format!("item `{item}` of {} is not running", model.id));
                }
                running.phase = Phase::VerifyingItem { from: entry.n };
                item_mut(&mut step.items, item)?.ended = Some((**ended).clone());
                step.ended = Some((**ended).clone());
            }
            Event::ItemSettled { item, ok, why, .. } => {
                if !matches!(running.phase, Phase::VerifyingItem { .. }) {
                    return Err(format!("item `{item}` of {} has not ended", model.id));
                }
                item_mut(&mut step.items, item)?.progress = match (ok, running.work) {
                    (true, Work::Run) => ItemProgress::Done,
                    (true, Work::Undo) => ItemProgress::Undone,
                    (false, _) => ItemProgress::Failed,
                };
                running.next_item += 1;
                running.phase = Phase::BetweenItems { from: entry.n };
                step.why.clone_from(why);
                let attempt = running.attempt;
                went(step, attempt, *ok);
            }
            Event::ItemsEnded { .. } => {
                if !matches!(running.phase, Phase::BetweenItems { .. }) {
                    return Err(format!("the items of {} have not ended", model.id));
                }
                running.phase = Phase::Verifying { from: entry.n };
                if running.work == Work::Run {
                    step.verify_from = Some(entry.n);
                    if let Some(capture) = &model.capture {
                        // All of them, or it is no list of them: one that is lost has to be said by a person.
                        let texts: Option<Vec<String>> =
                            step.items.iter().map(|item| item.ended.as_ref()?.captured.clone()).collect();
                        if let Some(texts) = texts {
                            values.insert(capture.name.clone(), Value::List(texts));
                        }
                    }
                }
            }
            Event::WorkEnded { ended, .. } => {
                if running.phase != Phase::Working || !running.items.is_empty() {
                    return Err(format!("the work of {} has not begun", model.id));
                }
                running.phase = Phase::Verifying { from: entry.n };
                step.ended = Some((**ended).clone());
                if running.work == Work::Run && went_well(model.capture.as_ref(), ended).is_ok() {
                    step.verify_from = Some(entry.n);
                    if let (Some(capture), Some(text)) = (&model.capture, &ended.captured) {
                        values.insert(capture.name.clone(), Value::Text(text.clone()));
                    }
                }
            }
            Event::RetryPlanned { pause, .. } => {
                running.phase = Phase::Retrying { since: at, pause: Duration::from_millis(*pause) };
            }
            Event::NeverStarted { evidence, .. } => {
                let before = running.before.clone();
                if running.next_item == 0 || running.items.is_empty() {
                    step.progress = before.stood.into();
                    step.touched = before.touched;
                    step.verify_from = before.verify_from;
                    if let (Some(capture), Some(value)) = (&model.capture, before.captured) {
                        values.insert(capture.name.clone(), value);
                    }
                } else {
                    step.progress = Progress::Failed;
                }
                for item in &mut step.items {
                    if item.progress == ItemProgress::Running {
                        item.progress = ItemProgress::Waiting;
                        item.place = None;
                    }
                }
                // The last one: of what came before it the outputs are there.
                step.tries.pop_if(|one| attempt_of(&entry.event) == Some(one.attempt) && one.well.is_none());
                step.why.clone_from(evidence);
                step.settled = Some(at);
            }
            Event::Interrupted { evidence, .. } => {
                for item in &mut step.items {
                    if item.progress == ItemProgress::Running {
                        item.progress = ItemProgress::Interrupted;
                    }
                }
                step.why.clone_from(evidence);
                step.settled = Some(at);
                step.interrupted = Some(running.clone());
                step.progress = Progress::Interrupted;
            }
            _ => return Err("it has no meaning for a step".to_owned()),
        }
        Ok(())
    }
}

/// Of more commands than this the oldest are forgotten; what they wrote is on the disk.
const MOST_TRIES: usize = 20_000;

/// A command is started for a step.
pub(super) fn tried(step: &mut StepState, attempt: u32, item: Option<(u32, String)>, work: Work) {
    if step.tries.len() == MOST_TRIES {
        step.tries.remove(0);
    }
    step.tries.push(Try { attempt, item, undo: work == Work::Undo, well: None });
}

/// What became of the last command of an attempt.
pub(super) fn went(step: &mut StepState, attempt: u32, ok: bool) {
    if let Some(last) = step.tries.last_mut().filter(|last| last.attempt == attempt) {
        last.well = Some(ok);
    }
}

fn attempt_of(event: &Event) -> Option<u32> {
    match event {
        Event::ItemStarted { attempt, .. }
        | Event::ItemEnded { attempt, .. }
        | Event::ItemSettled { attempt, .. }
        | Event::ItemsEnded { attempt, .. }
        | Event::WorkEnded { attempt, .. }
        | Event::RetryPlanned { attempt, .. }
        | Event::NeverStarted { attempt, .. }
        | Event::Interrupted { attempt, .. } => Some(*attempt),
        _ => None,
    }
}

fn item_mut<'a>(items: &'a mut [ItemState], item: &str) -> Result<&'a mut ItemState, String> {
    items.iter_mut().find(|state| state.item == item).ok_or_else(|| format!("there is no item `{item}`"))
}
