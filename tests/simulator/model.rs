//! A model of the walk, from the records alone and from the pages (`docs/format.md`, `docs/witness.md`, `ARCHITECTURE.md`):
//! it shares no line with `session::gate`, `view` or `apply`. Here is what the records tell it; `gate` says what may start,
//! `rules` what people may ask for.

use onbelay::id::Digest;
use onbelay::session::event::{AskMode, How, Outcome, Work};
use onbelay::session::{Entry, Event, Person, Verdict};
use onbelay::time::Moment;

use super::book::Book;

/// Is the walk still going?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    #[default]
    Open,
    Finished,
    Aborted,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Is {
    #[default]
    Untouched,
    Running,
    Done,
    Failed,
    Skipped,
    Interrupted,
    Undone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    Working,
    BetweenItems(u64),
    VerifyingItem,
    Verifying(u64),
    Retrying(Moment, u64),
}

#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is said by a record of its own")]
pub(crate) struct Attempt {
    pub(crate) number: u32,
    pub(crate) undo: bool,
    pub(crate) how: How,
    pub(crate) items: Vec<String>,
    pub(crate) next: usize,
    pub(crate) doing: Doing,
    pub(crate) stop: bool,
    pub(crate) retry: u32,
    /// The boot in which its step began, and the one in which its present command did.
    pub(crate) boots: [String; 2],
    /// The commands that were approved, by item.
    pub(crate) approved: Vec<(String, Option<Digest>)>,
    before: (Is, bool, Option<u64>),
    pub(crate) went_well: bool,
    pub(crate) was_stopped: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) n: u64,
    pub(crate) by: Person,
    pub(crate) undo: bool,
    pub(crate) by_hand: bool,
    pub(crate) typed: Option<String>,
    pub(crate) will_ask: bool,
}

/// A start that is on record.
#[derive(Clone, Debug)]
pub(crate) struct Intent {
    pub(crate) key: (u32, Option<u32>),
    /// Place of its step.
    pub(crate) at: usize,
    pub(crate) undo: bool,
    pub(crate) item: Option<String>,
    pub(crate) command: Option<Digest>,
}

#[derive(Clone, Debug)]
pub(crate) struct Yes {
    pub(crate) n: u64,
    pub(crate) by: Person,
    pub(crate) void: bool,
}

/// Second people were asked.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    pub(crate) at: Moment,
    pub(crate) undo: bool,
    pub(crate) by_hand: bool,
    pub(crate) how: How,
    pub(crate) command: Option<Digest>,
    pub(crate) items: Vec<(String, Option<Digest>)>,
    pub(crate) asker: Person,
    pub(crate) given: Vec<Yes>,
    pub(crate) refused: Option<u64>,
    pub(crate) void: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) asked_n: u64,
    pub(crate) verdict: Verdict,
    pub(crate) began: Moment,
    pub(crate) by: Option<Person>,
    pub(crate) once: bool,
    pub(crate) older_host: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct CheckIs {
    pub(crate) asking: Option<(u64, Moment, bool)>,
    pub(crate) said: Option<Said>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct StepIs {
    pub(crate) is: Is,
    pub(crate) wish: Option<Wish>,
    pub(crate) attempt: Option<Attempt>,
    pub(crate) touched: bool,
    pub(crate) started_n: u64,
    pub(crate) last_attempt: u32,
    pub(crate) verify_from: Option<u64>,
    pub(crate) round: Option<Round>,
    pub(crate) approvers: Vec<Person>,
    /// Each item that was listed: done, begun (has it a place), taken back.
    pub(crate) items: Vec<(String, Is)>,
}

/// The walk as the model has it.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) book: Book,
    pub(crate) id: String,
    pub(crate) stage: Stage,
    pub(crate) operator: Person,
    pub(crate) steps: Vec<StepIs>,
    pub(crate) checks: Vec<CheckIs>,
    pub(crate) holds: Vec<(u64, Person)>,
    pub(crate) attempts: u32,
    pub(crate) boot: u32,
    /// Starts that are on record and were not handed out yet.
    pub(crate) intents: Vec<Intent>,
    /// Attempts whose command is to be sent a stop now.
    pub(crate) stops: Vec<u32>,
    /// The boot of the last host.
    pub(crate) boot_id: String,
    /// Is there less room than is kept back? Unknown of records of earlier hosts.
    pub(crate) little_room: Option<bool>,
    /// The gate's own words of the last record, for the counts.
    pub(crate) last_answer: Option<String>,
}

impl Model {
    pub(crate) fn new(book: Book, first: &Entry) -> Self {
        Self {
            steps: vec![StepIs::default(); book.steps.len()],
            checks: vec![CheckIs::default(); book.checks.len()],
            book,
            id: first.session.to_string(),
            stage: Stage::Open,
            operator: first.by.clone(),
            holds: Vec::new(),
            attempts: 0,
            boot: 0,
            intents: Vec::new(),
            stops: Vec::new(),
            boot_id: String::new(),
            little_room: None,
            last_answer: None,
        }
    }

    pub(crate) fn step_at(&self, id: &str) -> Option<usize> {
        self.book.steps.iter().position(|step| step.id == id)
    }

    pub(crate) fn check_at(&self, id: &str) -> Option<usize> {
        self.book.checks.iter().position(|check| check.id == id)
    }

    /// Takes a record in; what it should not have been.
    pub(crate) fn take(&mut self, entry: &Entry) -> Vec<String> {
        self.last_answer = None;
        let now = Moment { at: entry.at, up: entry.up, boot: self.boot };
        let wrong = self.judge(entry, now);
        self.note(entry, now);
        self.void(entry);
        wrong
    }

    fn note(&mut self, entry: &Entry, now: Moment) {
        match &entry.event {
            Event::HostStarted { boot, boot_id, .. } => {
                self.boot = *boot;
                self.boot_id.clone_from(boot_id);
                self.intents.clear();
                for check in &mut self.checks {
                    check.asking = None;
                    check.said.iter_mut().for_each(|said| said.older_host = true);
                }
                self.steps.iter_mut().for_each(|step| step.wish = None);
            }
            Event::HandedOver { to } => self.operator = to.clone(),
            Event::Finished => self.close(Stage::Finished),
            Event::Aborted { .. } => self.close(Stage::Aborted),
            Event::HoldCalled { .. } => self.holds.push((entry.n, entry.by.clone())),
            Event::HoldReleased { holds, .. } => {
                self.holds.retain(|(n, _)| !holds.contains(n));
                for attempt in self.steps.iter_mut().filter_map(|step| step.attempt.as_mut()) {
                    if let Doing::BetweenItems(from) = &mut attempt.doing {
                        *from = entry.n;
                    }
                }
            }
            Event::CheckAsked { check, mode, .. } => {
                if let Some(at) = self.check_at(check.as_str()) {
                    self.checks[at].asking = Some((entry.n, now, *mode == AskMode::Once));
                }
            }
            Event::CheckAnswered { check, answer, .. } => {
                if let Some(at) = self.check_at(check.as_str()) {
                    let (asked_n, _, once) = self.checks[at].asking.take().unwrap_or((0, now, false));
                    let (verdict, began) = (answer.verdict, answer.began);
                    let said = Said { asked_n, verdict, began, by: None, once, older_host: false };
                    self.checks[at].said = Some(said);
                }
            }
            Event::CheckDropped { check } => {
                if let Some(at) = self.check_at(check.as_str()) {
                    self.checks[at].asking = None;
                }
            }
            Event::Attested { check, yes, .. } => {
                if let Some(at) = self.check_at(check.as_str()) {
                    let verdict = if *yes { Verdict::Holds } else { Verdict::Fails };
                    let by = Some(entry.by.clone());
                    let (asked_n, began) = (entry.n, now);
                    self.checks[at].said =
                        Some(Said { asked_n, verdict, began, by, once: false, older_host: false });
                }
            }
            _ => self.note_step(entry, now),
        }
    }

    fn close(&mut self, stage: Stage) {
        self.stage = stage;
        self.steps.iter_mut().for_each(|step| step.wish = None);
    }

    fn note_step(&mut self, entry: &Entry, now: Moment) {
        let Some(at) = step_of(&entry.event).and_then(|id| self.step_at(id)) else { return };
        let plan = self.book.steps[at].clone();
        if let Event::StepStarted { attempt, work, how, items, list, command, approvals, .. } = &entry.event {
            if approvals.is_empty() {
                self.steps[at].round = None;
            }
            self.attempts = *attempt;
            let undo = *work == Work::Undo;
            if *how == How::Script && plan.items.is_empty() {
                let (key, item, command) = ((*attempt, None), None, command.clone());
                self.intents.push(Intent { key, at, undo, item, command });
            }
            let (begins, boot) = ((entry.n, *attempt, undo, *how), self.boot_id.clone());
            self.steps[at].starts(begins, boot, items, list);
            return;
        }
        let of_tool = self.steps[at].attempt.as_mut().filter(|running| running.how == How::Script);
        match (&entry.event, of_tool) {
            (Event::ItemStarted { attempt, index, item, command, .. }, Some(running)) => {
                running.boots[1].clone_from(&self.boot_id);
                let (key, undo) = ((*attempt, Some(*index)), running.undo);
                let (item, command) = (Some(item.clone()), command.clone());
                self.intents.push(Intent { key, at, undo, item, command });
            }
            (Event::StopAsked { .. }, Some(running)) if running.doing == Doing::Working => {
                self.stops.push(running.number);
            }
            _ => {}
        }
        let step = &mut self.steps[at];
        match &entry.event {
            Event::Requested { work, by_hand, typed, will_ask, .. } => {
                step.wish = Some(Wish {
                    n: entry.n,
                    by: entry.by.clone(),
                    undo: *work == Work::Undo,
                    by_hand: *by_hand,
                    typed: typed.clone(),
                    will_ask: *will_ask,
                });
            }
            Event::QuestionPut { .. } | Event::RequestDropped { .. } => step.wish = None,
            Event::Refused { .. } => {
                step.wish = None;
                if step.attempt.as_ref().is_some_and(|it| matches!(it.doing, Doing::Retrying(..))) {
                    (step.is, step.attempt) = (Is::Failed, None);
                }
            }
            Event::StepSkipped { .. } => (step.is, step.verify_from) = (Is::Skipped, None),
            Event::ApprovalAsked { subject } => {
                step.round = Some(Round {
                    at: now,
                    undo: subject.work == Work::Undo,
                    by_hand: subject.how == How::ByHand,
                    how: subject.how,
                    command: subject.command.clone(),
                    items: subject.items.iter().map(|it| (it.item.clone(), it.command.clone())).collect(),
                    asker: entry.by.clone(),
                    given: Vec::new(),
                    refused: None,
                    void: false,
                });
            }
            Event::Approved { .. } => {
                step.approvers.push(entry.by.clone());
                if let Some(round) = &mut step.round {
                    round.given.push(Yes { n: entry.n, by: entry.by.clone(), void: false });
                }
            }
            Event::ApprovalRefused { .. } => {
                if let Some(round) = &mut step.round {
                    round.refused = Some(entry.n);
                }
            }
            Event::ApprovalsVoided { approvals, .. } => {
                let given = step.round.iter_mut().flat_map(|round| &mut round.given);
                given.filter(|yes| approvals.contains(&yes.n)).for_each(|yes| yes.void = true);
            }
            Event::Resolved { done, .. } => step.resolved(*done, plan.destructive, entry.n),
            other => step.goes_on(other, entry.n, now),
        }
    }
}

impl StepIs {
    fn starts(
        &mut self,
        (n, number, undo, how): (u64, u32, bool, How),
        boot: String,
        items: &[String],
        list: &[String],
    ) {
        let approved = self.round.take().map(|round| round.items).unwrap_or_default();
        let boots = [boot.clone(), boot];
        let was = if self.attempt.is_some() { Is::Failed } else { self.is };
        let retry = self.attempt.as_ref().map_or(0, |it| it.retry + 1);
        let before = (was, self.touched, self.verify_from);
        let doing = if list.is_empty() { Doing::Working } else { Doing::BetweenItems(n) };
        let items = items.to_vec();
        if !undo {
            self.touched = true;
            self.verify_from = None;
            self.items = list.iter().map(|item| (item.clone(), self.item(item))).collect();
            for (_, is) in self.items.iter_mut().filter(|(item, _)| items.contains(item)) {
                // It was begun before, or never.
                *is = if *is == Is::Untouched { Is::Untouched } else { Is::Failed };
            }
        }
        let (next, stop, went_well, was_stopped) = (0, false, true, false);
        self.attempt = Some(Attempt {
            number,
            undo,
            how,
            items,
            next,
            doing,
            stop,
            retry,
            boots,
            approved,
            before,
            went_well,
            was_stopped,
        });
        self.is = Is::Running;
        self.wish = None;
        (self.started_n, self.last_attempt) = (n, number);
    }

    pub(crate) fn item(&self, item: &str) -> Is {
        self.items.iter().find(|(name, _)| name == item).map_or(Is::Untouched, |(_, is)| *is)
    }

    fn set_item(&mut self, item: &str, to: Is) {
        self.items.iter_mut().filter(|(name, _)| name == item).for_each(|(_, is)| *is = to);
    }

    fn resolved(&mut self, done: bool, destructive: bool, n: u64) {
        if matches!(self.is, Is::Failed | Is::Skipped) && !done && destructive {
            self.touched = false;
            return;
        }
        let Some(mut attempt) = self.attempt.take() else { return };
        let reached = if attempt.undo { Is::Undone } else { Is::Done };
        for (_, is) in self.items.iter_mut().filter(|(_, is)| *is == Is::Interrupted) {
            *is = if done { reached } else { Is::Failed };
        }
        if done && attempt.items.iter().all(|item| self.item(item) == reached) {
            if !attempt.undo {
                self.verify_from = Some(n);
            }
            attempt.doing = Doing::Verifying(n);
            attempt.went_well = true;
            self.attempt = Some(attempt);
            self.is = Is::Running;
        } else {
            self.is = Is::Failed;
        }
    }

    fn goes_on(&mut self, event: &Event, n: u64, now: Moment) {
        if let Event::StepSettled { work, ok, .. } = event {
            let without_start = self.is != Is::Running && self.wish.is_some();
            let asked = self.wish.take().map(|wish| wish.n);
            self.is = match (ok, work) {
                (true, Work::Run) => Is::Done,
                (true, Work::Undo) => Is::Undone,
                (false, _) => Is::Failed,
            };
            self.attempt = None;
            if *ok {
                self.verify_from = None;
            } else if without_start {
                self.verify_from = asked;
            }
            if *ok && *work == Work::Undo {
                self.touched = false;
            }
            return;
        }
        let Some(mut attempt) = self.attempt.take() else { return };
        match event {
            Event::StopAsked { .. } => attempt.stop = true,
            Event::ItemStarted { item, .. } => {
                attempt.doing = Doing::Working;
                self.set_item(item, Is::Running);
            }
            Event::ItemEnded { ended, .. } => {
                attempt.doing = Doing::VerifyingItem;
                attempt.went_well = ended.outcome.is_well();
                attempt.was_stopped = ended.outcome == Outcome::Stopped;
            }
            Event::ItemSettled { item, ok, .. } => {
                let reached = if attempt.undo { Is::Undone } else { Is::Done };
                self.set_item(item, if *ok { reached } else { Is::Failed });
                attempt.next += 1;
                attempt.went_well = *ok;
                attempt.doing = Doing::BetweenItems(n);
            }
            Event::ItemsEnded { .. } => {
                attempt.doing = Doing::Verifying(n);
                if !attempt.undo {
                    self.verify_from = Some(n);
                }
            }
            Event::WorkEnded { ended, .. } => {
                attempt.doing = Doing::Verifying(n);
                attempt.went_well = ended.outcome.is_well();
                attempt.was_stopped = ended.outcome == Outcome::Stopped;
                if !attempt.undo && attempt.went_well {
                    self.verify_from = Some(n);
                }
            }
            Event::RetryPlanned { pause, .. } => attempt.doing = Doing::Retrying(now, *pause),
            Event::NeverStarted { .. } => {
                let first = attempt.next == 0 || attempt.items.is_empty();
                if first {
                    (self.is, self.touched, self.verify_from) = attempt.before;
                } else {
                    self.is = Is::Failed;
                }
                self.items
                    .iter_mut()
                    .filter(|(_, is)| *is == Is::Running)
                    .for_each(|(_, is)| *is = Is::Untouched);
                return;
            }
            Event::Interrupted { .. } => {
                self.items
                    .iter_mut()
                    .filter(|(_, is)| *is == Is::Running)
                    .for_each(|(_, is)| *is = Is::Interrupted);
                self.is = Is::Interrupted;
            }
            _ => {}
        }
        self.attempt = Some(attempt);
    }
}

/// The step that a record is about.
pub(crate) fn step_of(event: &Event) -> Option<&str> {
    Some(match event {
        Event::Refused { step, .. } => step.as_ref()?.as_str(),
        Event::ApprovalAsked { subject } => subject.step.as_str(),
        Event::Requested { step, .. }
        | Event::QuestionPut { step }
        | Event::RequestDropped { step, .. }
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
        | Event::StepSkipped { step, .. }
        | Event::Approved { step, .. }
        | Event::ApprovalRefused { step, .. }
        | Event::ApprovalsVoided { step, .. } => step.as_str(),
        _ => return None,
    })
}
