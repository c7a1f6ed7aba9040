//! What must be true of every start of a witnessed hold point, read from the records alone: check → approval →
//! confirmation → check again → intent → start. Written without a look at the gate; it uses none of its code.

use std::collections::BTreeSet;

use crate::session::event::{AskMode, Event, Verdict};
use crate::session::{Entry, Person};

/// An approval serves for less than this, milliseconds since boot.
const LIFETIME: u64 = 15 * 60_000;

/// Something that happened, in order.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a few for each walk of a test")]
pub(super) enum Happened {
    /// It was recorded.
    Record(Entry),
    /// The command of this attempt was handed out to be started.
    Start(u32),
}

/// All that matters of what was seen so far.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) needed: usize,
    pub(super) confirm: &'static str,
    /// How many things happened.
    pub(super) clock: usize,
    pub(super) operator: Option<Person>,
    pub(super) asked: Option<Asked>,
    pub(super) holds: Vec<u64>,
    pub(super) checking: Option<(usize, AskMode, u64)>,
    pub(super) answer: Option<Answered>,
    pub(super) wish: Option<Wish>,
    /// Everyone who ever approved it.
    pub(super) approvers: BTreeSet<Option<u32>>,
    /// The intent that was recorded last, where nothing was recorded since.
    pub(super) intent: Option<u32>,
}

/// A second person was asked.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) n: u64,
    pub(super) up: u64,
    /// The check had been asked, and held.
    pub(super) on_a_check_that_held: bool,
    /// When, which record, who.
    pub(super) yes: Vec<(usize, u64, Person)>,
    pub(super) no: bool,
    pub(super) void: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) n: u64,
    /// When it was asked, by order and by the clock.
    pub(super) asked: usize,
    pub(super) up: u64,
    pub(super) once: bool,
    pub(super) held: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) when: usize,
    pub(super) by: Person,
    pub(super) typed: Option<String>,
}

impl Seen {
    pub(super) fn new(needed: usize, confirm: &'static str) -> Self {
        Self {
            needed,
            confirm,
            clock: 0,
            operator: None,
            asked: None,
            holds: Vec::new(),
            checking: None,
            answer: None,
            wish: None,
            approvers: BTreeSet::new(),
            intent: None,
        }
    }

    /// Takes one more thing in; what is wrong with it.
    pub(super) fn take(&mut self, happened: &Happened) -> Vec<String> {
        self.clock += 1;
        match happened {
            Happened::Start(attempt) => {
                let announced = self.intent.take() == Some(*attempt);
                if announced { Vec::new() } else { vec!["no intent just before the start".to_owned()] }
            }
            Happened::Record(entry) => {
                self.intent = None;
                if matches!(entry.event, Event::StepStarted { .. }) {
                    let wrong = self.wrong_with(entry);
                    self.started(entry);
                    wrong
                } else {
                    self.note(entry);
                    Vec::new()
                }
            }
        }
    }

    fn wrong_with(&self, entry: &Entry) -> Vec<String> {
        let Event::StepStarted { typed, approvals, rests_on, .. } = &entry.event else { return Vec::new() };
        let mut wrong: Vec<&str> = Vec::new();
        let mut must = |so: bool, what: &'static str| {
            if !so {
                wrong.push(what);
            }
        };
        let Some(wish) = &self.wish else { return vec!["nobody wished it".to_owned()] };
        let operator = self.operator.as_ref().and_then(|operator| operator.uid);
        must(
            operator.is_some() && wish.by.uid == operator && entry.by.uid == operator,
            "not by the operator",
        );
        must(!self.approvers.contains(&entry.by.uid), "who approved it started it");
        must(wish.typed.as_deref() == Some(self.confirm) && typed == &wish.typed, "not confirmed");
        must(self.holds.is_empty(), "under a hold");
        match &self.answer {
            Some(answer) => {
                must(answer.held, "its check does not hold");
                must(answer.once && answer.asked > wish.when, "its check was not asked again");
                must(rests_on.contains(&answer.n), "it does not name the answer");
            }
            None => must(false, "its check was never asked"),
        }
        let Some(asked) = &self.asked else {
            wrong.push("nobody was asked to approve it");
            return wrong.into_iter().map(str::to_owned).collect();
        };
        must(asked.on_a_check_that_held, "it was approved before its check held");
        must(!asked.no, "it was refused");
        must(!asked.void, "its approval is void");
        let breath = self.answer.as_ref().map_or(entry.up, |answer| answer.up);
        must(breath >= asked.up && breath - asked.up < LIFETIME, "its approval has expired");
        must(asked.yes.iter().all(|(_, _, by)| by.uid != operator), "the operator approved it");
        must(asked.yes.iter().all(|(when, ..)| *when < wish.when), "it was approved after it was confirmed");
        let mut people: Vec<Option<u32>> = asked.yes.iter().map(|(_, _, by)| by.uid).collect();
        people.sort_unstable();
        people.dedup();
        must(people.len() >= self.needed, "too few approved it");
        let named: Vec<u64> = asked.yes.iter().map(|(_, n, _)| *n).collect();
        must(named == *approvals, "it does not name its approvals");
        wrong.into_iter().map(str::to_owned).collect()
    }

    fn started(&mut self, entry: &Entry) {
        if let Event::StepStarted { attempt, .. } = &entry.event {
            self.intent = Some(*attempt);
        }
        // One start: whatever becomes of it.
        self.asked = None;
        self.wish = None;
    }

    fn void(&mut self) {
        if let Some(asked) = &mut self.asked {
            asked.void = true;
        }
    }

    fn note(&mut self, entry: &Entry) {
        match &entry.event {
            Event::SessionOpened(opened) => self.operator = Some(opened.operator.clone()),
            Event::HandedOver { to } => {
                self.operator = Some(to.clone());
                self.void();
            }
            Event::HostStarted { .. } => {
                (self.wish, self.checking, self.answer) = (None, None, None);
                self.void();
            }
            Event::CheckAsked { mode, .. } => self.checking = Some((self.clock, *mode, entry.up)),
            Event::CheckDropped { .. } => self.checking = None,
            Event::CheckAnswered { answer, .. } => {
                let held = answer.verdict == Verdict::Holds;
                self.answer = self.checking.take().map(|(asked, mode, up)| Answered {
                    n: entry.n,
                    asked,
                    up,
                    once: mode == AskMode::Once,
                    held,
                });
                if !held {
                    self.void();
                }
            }
            Event::Requested { typed, .. } => {
                self.wish = Some(Wish { when: self.clock, by: entry.by.clone(), typed: typed.clone() });
            }
            Event::RequestDropped { .. }
            | Event::QuestionPut { .. }
            | Event::Refused { step: Some(_), .. } => {
                self.wish = None;
            }
            Event::ApprovalAsked { .. } => {
                let on_a_check_that_held = self.answer.as_ref().is_some_and(|answer| answer.held);
                let (n, up) = (entry.n, entry.up);
                self.asked =
                    Some(Asked { n, up, on_a_check_that_held, yes: Vec::new(), no: false, void: false });
            }
            Event::Approved { asked: of, .. } => {
                if let Some(asked) = self.asked.as_mut().filter(|asked| asked.n == *of) {
                    self.approvers.insert(entry.by.uid);
                    asked.yes.push((self.clock, entry.n, entry.by.clone()));
                }
            }
            Event::ApprovalRefused { .. } => {
                if let Some(asked) = &mut self.asked {
                    asked.no = true;
                }
            }
            Event::ApprovalsVoided { approvals, .. } => {
                if let Some(asked) = &mut self.asked {
                    asked.yes.retain(|(_, n, _)| !approvals.contains(n));
                }
            }
            Event::HoldCalled { .. } => {
                self.holds.push(entry.n);
                self.void();
            }
            Event::HoldReleased { holds, .. } => self.holds.retain(|n| !holds.contains(n)),
            Event::Finished | Event::Aborted { .. } => self.void(),
            _ => {}
        }
    }
}

/// Everything wrong with a whole sequence.
pub(super) fn complaints(needed: usize, confirm: &'static str, all: &[Happened]) -> Vec<String> {
    let mut seen = Seen::new(needed, confirm);
    all.iter().flat_map(|happened| seen.take(happened)).collect()
}
