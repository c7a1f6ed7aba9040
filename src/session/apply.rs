//! The one function that changes a session: the table of legal transitions. PURE.
//!
//! An event that cannot follow from where the walk stands is refused, so a journal that was tampered with, or a bug,
//! shows as an illegal record and not as a strange state.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::runbook::{Runbook, Value};
use crate::time::Moment;

use super::event::{Answer, AskMode, Ended, Verdict, Work};
use super::state::{
    Asking, Before, CheckState, Given, Hold, HostInfo, Index, ItemProgress, ItemState, Phase, Progress,
    Request, Running, Session, Stage, State, StepState, Stood,
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
            Event::JournalRepaired { .. } | Event::Noted { .. } => Ok(()),
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
                Ok(())
            }
            Event::Finished => self.close(Stage::Finished),
            Event::Aborted { why } => self.close(Stage::Aborted { why: why.clone() }),
            Event::Refused { step: None, .. } => Ok(()),
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
            | Event::StepSkipped { step, .. } => {
                let place =
                    self.step_at(step.as_str()).ok_or_else(|| format!("the runbook has no step {step}"))?;
                self.step_event(place, entry)
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
        let Event::HostStarted { pid, boot_id, boot, env, .. } = &entry.event else {
            return Ok(());
        };
        let state = &mut self.state;
        let expected = match &state.host {
            None => 0,
            Some(host) if host.boot_id == *boot_id => host.boot,
            Some(host) => host.boot + 1,
        };
        if *boot != expected {
            return Err(format!("boot {boot} where {expected} comes next"));
        }
        state.host = Some(HostInfo { pid: *pid, boot_id: boot_id.clone(), boot: *boot, since: entry.n });
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

    fn check_event(&mut self, entry: &Entry) -> Legal {
        let at = self.moment(entry);
        let (Event::CheckAsked { check: id, .. }
        | Event::CheckAnswered { check: id, .. }
        | Event::CheckDropped { check: id }
        | Event::Attested { check: id, .. }) = &entry.event
        else {
            return Ok(());
        };
        let place = self.check_at(id.as_str()).ok_or_else(|| format!("the runbook has no check {id}"))?;
        let has_items = self.state.runbook.checks[place].for_each.is_some();
        let automatic = self.state.runbook.checks[place].is_automatic();
        let check = &mut self.state.checks[place];
        match &entry.event {
            Event::CheckAsked { items, mode, .. } => {
                if check.asking.is_some() || !automatic {
                    return Err(format!("{id} cannot be asked now"));
                }
                let open = if has_items { items.clone() } else { vec![String::new()] };
                if !open.is_empty() {
                    check.asking = Some(Asking { n: entry.n, open, mode: *mode, since: at });
                }
                Ok(())
            }
            Event::CheckAnswered { item, answer, .. } => {
                let key = item.clone().unwrap_or_default();
                let Some(asking) = &mut check.asking else {
                    return Err(format!("nobody asked {id}"));
                };
                let Some(open) = asking.open.iter().position(|open| *open == key) else {
                    return Err(format!("nobody asked {id} for `{key}`"));
                };
                asking.open.swap_remove(open);
                let given = Given {
                    n: entry.n,
                    asked_n: asking.n,
                    answer: (**answer).clone(),
                    by: None,
                    once: asking.mode == AskMode::Once,
                    of_older_host: false,
                };
                if asking.open.is_empty() {
                    check.asking = None;
                }
                check.answers.insert(key, given);
                Ok(())
            }
            Event::Attested { item, yes, words, .. } => {
                if automatic || words.trim().is_empty() {
                    return Err(format!("{id} is not answered like this"));
                }
                let verdict = if *yes { Verdict::Holds } else { Verdict::Fails };
                let detail = format!("“{words}”");
                let answer =
                    Answer { verdict, detail, began: at, took: 0, tries: 1, evidence: BTreeMap::default() };
                let given = Given {
                    n: entry.n,
                    asked_n: entry.n,
                    answer,
                    by: Some(entry.by.clone()),
                    once: false,
                    of_older_host: false,
                };
                check.answers.insert(item.clone().unwrap_or_default(), given);
                Ok(())
            }
            _ => {
                check.asking = None;
                Ok(())
            }
        }
    }

    fn step_event(&mut self, place: usize, entry: &Entry) -> Legal {
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

    /// Events that only a running step can have.
    fn running_event(&mut self, place: usize, entry: &Entry, at: Moment) -> Legal {
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
            Event::ItemStarted { item, index, .. } => {
                if !matches!(running.phase, Phase::BetweenItems { .. }) || *index != running.next_item {
                    return Err(format!("item {index} of {} cannot start now", model.id));
                }
                running.phase = Phase::Working;
                let state = item_mut(&mut step.items, item)?;
                state.progress = ItemProgress::Running;
                state.ended = None;
                state.place = Some((running.attempt, *index));
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
            }
            Event::ItemsEnded { .. } => {
                if !matches!(running.phase, Phase::BetweenItems { .. }) {
                    return Err(format!("the items of {} have not ended", model.id));
                }
                running.phase = Phase::Verifying { from: entry.n };
                if running.work == Work::Run {
                    step.verify_from = Some(entry.n);
                    if let Some(capture) = &model.capture {
                        let texts = step
                            .items
                            .iter()
                            .filter_map(|item| item.ended.as_ref()?.captured.clone())
                            .collect();
                        values.insert(capture.name.clone(), Value::List(texts));
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
                let before = running.before;
                if running.next_item == 0 || running.items.is_empty() {
                    step.progress = before.stood.into();
                    step.touched = before.touched;
                } else {
                    step.progress = Progress::Failed;
                }
                for item in &mut step.items {
                    if item.progress == ItemProgress::Running {
                        item.progress = ItemProgress::Waiting;
                    }
                }
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

    fn step_started(&mut self, place: usize, entry: &Entry, at: Moment) -> Legal {
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
            (Progress::Done, Work::Undo) => Stood::Done,
            (Progress::Done, Work::Run) if !hold_point => Stood::Done,
            (Progress::Running(running), _) if matches!(running.phase, Phase::Retrying { .. }) => {
                Stood::Failed
            }
            _ => return Err(format!("{id} cannot start from where it stands")),
        };
        if *attempt != self.state.attempts + 1 {
            return Err(format!("attempt {attempt} where {} comes next", self.state.attempts + 1));
        }
        let phase = if has_items { Phase::BetweenItems { from: entry.n } } else { Phase::Working };
        let before = Before { stood, touched: step.touched };
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
            by: entry.by.clone(),
        });
        if *work == Work::Run {
            step.attempts += 1;
            step.touched = true;
            step.by_hand = *how == super::event::How::ByHand;
            step.items = relist(&step.items, list);
            step.verify_from = None;
            if let Some(name) = capture {
                self.state.values.remove(&name);
            }
        }
        let step = &mut self.state.steps[place];
        step.request = None;
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

    fn step_settled(&mut self, place: usize, entry: &Entry, at: Moment) -> Legal {
        let Event::StepSettled { step: id, work, ok, why, .. } = &entry.event else {
            return Ok(());
        };
        let capture = self.state.runbook.steps[place].capture.as_ref().map(|c| c.name.clone());
        let step = &mut self.state.steps[place];
        let already_so = step.request.is_some() && *ok && !matches!(step.progress, Progress::Running(_));
        let verified_later = step.progress == Progress::Failed && step.verify_from.is_some() && *ok;
        if !(matches!(step.progress, Progress::Running(_)) || already_so || verified_later) {
            return Err(format!("{id} has nothing to settle"));
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
        }
        if *ok && *work == Work::Undo {
            step.touched = false;
            if let Some(name) = capture {
                self.state.values.remove(&name);
            }
        }
        Ok(())
    }

    fn resolved(&mut self, place: usize, n: u64, done: bool, what: &str, at: Moment) -> Legal {
        let step = &mut self.state.steps[place];
        step.why = what.to_owned();
        if step.progress == Progress::Failed && !done && self.state.runbook.steps[place].is_hold_point() {
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

/// Did a command, or a person's part, do what it was for? The reason if not. (What a capture must match is part of it.)
pub(super) fn went_well(capture: Option<&crate::runbook::Capture>, ended: &Ended) -> Result<(), String> {
    use super::event::Outcome;
    match &ended.outcome {
        Outcome::Exited { code: 0 } | Outcome::Said { done: true, .. } => {}
        Outcome::Exited { code } => return Err(format!("it ended with exit status {code}")),
        Outcome::Killed { signal } => return Err(format!("it was ended by signal {signal}")),
        Outcome::TimedOut => return Err("it took longer than its timeout and was ended".to_owned()),
        Outcome::Stopped => return Err("it was stopped".to_owned()),
        Outcome::NotStarted { why } => return Err(format!("it could not be started: {why}")),
        Outcome::Said { done: false, words } => return Err(words.clone()),
    }
    let Some(capture) = capture else {
        return Ok(());
    };
    let text = ended.captured.as_deref().unwrap_or_default();
    if text.is_empty() {
        return Err(format!("nothing was there to capture as `{}`", capture.name));
    }
    match &capture.pattern {
        Some(pattern) if !crate::runbook::pattern::matches_whole(pattern, text) => {
            Err(format!("`{text}` is not wholly `{pattern}`, so it cannot be captured as `{}`", capture.name))
        }
        _ => Ok(()),
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
