//! Follows what a request leads to, record by record, until its end. PURE.
//! It must not know connections: records and the session they were applied to are handed in.

use std::collections::BTreeSet;

use crate::id::{CheckId, StepId};
use crate::session::event::{How, Work};
use crate::session::state::Phase;
use crate::session::view::{self, CheckStatus};
use crate::session::{Command, Entry, Event, Progress, Requirement, Session};
use crate::time::Moment;

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It is on record, and that is all there is to it.
    Recorded,
    /// The step is done, or undone.
    Well {
        /// In a sentence; may be empty.
        why: String,
    },
    /// A person carries the step out from here.
    WithAPerson,
    /// All is met; the text is to be typed.
    Question,
    /// A rule said no.
    Refused {
        /// Record that says so; 0: none.
        n: u64,
        /// One sentence.
        why: String,
        /// Every unmet requirement.
        unmet: Vec<Requirement>,
    },
    /// The request is void; nothing was carried out.
    Dropped {
        /// Why.
        why: String,
    },
    /// It was carried out and did not end well.
    Badly {
        /// In a sentence.
        why: String,
    },
    /// Every check that was asked has its answer.
    Checked {
        /// Those that were asked, in the order of the runbook.
        checks: Vec<CheckId>,
        /// Do all hold?
        all_hold: bool,
    },
}

/// What a request waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Record,
    Step(StepId),
    Checks(Vec<CheckId>),
}

/// A request under way. Feed it every record, and it says when it is over.
#[derive(Clone, Debug)]
pub struct Follow {
    what: What,
    /// Its first record.
    from: u64,
    /// The last thing heard of the step.
    last: Option<End>,
    /// Checks that were asked since.
    asked: BTreeSet<CheckId>,
    /// A person ends their part: what is with a person is waited for, unless it has items.
    ends_a_part: bool,
}

impl Follow {
    /// Follows `command`, whose first record is `from`.
    #[must_use]
    pub fn new(command: &Command, from: u64) -> Self {
        let what = match command {
            Command::Run { step, .. }
            | Command::Undo { step, .. }
            | Command::Done { step, .. }
            | Command::Fail { step, .. }
            | Command::Stop { step }
            | Command::Resolve { step, .. } => What::Step(step.clone()),
            Command::Check { checks } => What::Checks(checks.iter().map(|item| item.check.clone()).collect()),
            _ => What::Record,
        };
        let ends_a_part =
            matches!(command, Command::Done { .. } | Command::Fail { .. } | Command::Resolve { .. });
        Self { what, from, last: None, asked: BTreeSet::new(), ends_a_part }
    }

    /// Takes a record in (already applied to `session`). `Some`: the request is over.
    pub fn take(&mut self, session: &Session, entry: &Entry, now: Moment) -> Option<End> {
        if entry.n < self.from {
            return None;
        }
        if let Event::CheckAsked { check, .. } = &entry.event {
            self.asked.insert(check.clone());
        }
        if let What::Step(step) = &self.what
            && let Some(end) = about(&entry.event, step, entry.n)
        {
            self.last = end;
        }
        self.over(session, now)
    }

    /// Is it over, by where the session stands now? Also asked when the session was replaced whole.
    #[must_use]
    pub fn over(&self, session: &Session, now: Moment) -> Option<End> {
        if session.head < self.from {
            return None;
        }
        match &self.what {
            What::Record => Some(End::Recorded),
            What::Step(id) => self.step_over(session, session.step_at(id.as_str())?),
            What::Checks(named) => {
                let checks: Vec<(usize, CheckId)> = session
                    .runbook
                    .checks
                    .iter()
                    .enumerate()
                    .filter(|(_, model)| {
                        if named.is_empty() {
                            self.asked.contains(&model.id)
                        } else {
                            named.contains(&model.id)
                        }
                    })
                    .map(|(place, model)| (place, model.id.clone()))
                    .collect();
                if checks.iter().any(|(place, _)| session.checks[*place].asking.is_some()) {
                    return None;
                }
                let all_hold = checks
                    .iter()
                    .all(|(place, _)| view::check(session, *place, now).state == CheckStatus::Holds);
                Some(End::Checked { checks: checks.into_iter().map(|(_, id)| id).collect(), all_hold })
            }
        }
    }

    fn step_over(&self, session: &Session, place: usize) -> Option<End> {
        let step = &session.steps[place];
        if step.request.is_some() {
            return None;
        }
        if let Progress::Running(running) = &step.progress {
            // Where the tool waits for a person, and nothing else, there is nothing to wait for here.
            let person =
                running.how != How::Script || (running.work == Work::Undo && by_words(session, place));
            let theirs =
                person && running.phase == Phase::Working && (!self.ends_a_part || !running.items.is_empty());
            return theirs.then_some(End::WithAPerson);
        }
        Some(self.last.clone().unwrap_or_else(|| match &step.progress {
            Progress::Done | Progress::Undone => End::Well { why: step.why.clone() },
            Progress::Failed | Progress::Interrupted => End::Badly { why: step.why.clone() },
            _ => End::Dropped { why: "it was not started".to_owned() },
        }))
    }
}

fn by_words(session: &Session, place: usize) -> bool {
    session.runbook.steps[place].run.is_none()
}

/// What a record says about the end of a step's request; `None`: it is not about that step; `Some(None)`: it is not
/// an end.
fn about(event: &Event, wanted: &StepId, n: u64) -> Option<Option<End>> {
    let (step, end) = match event {
        Event::Refused { step: Some(step), why, unmet, .. } => {
            (step, Some(End::Refused { n, why: why.clone(), unmet: unmet.clone() }))
        }
        Event::QuestionPut { step } => (step, Some(End::Question)),
        Event::RequestDropped { step, why } => (step, Some(End::Dropped { why: why.clone() })),
        Event::NeverStarted { step, evidence, .. } => (step, Some(End::Dropped { why: evidence.clone() })),
        Event::StepSettled { step, ok: true, why, .. } => (step, Some(End::Well { why: why.clone() })),
        Event::StepSettled { step, why, .. } => (step, Some(End::Badly { why: why.clone() })),
        Event::Interrupted { step, evidence, .. } => (step, Some(End::Badly { why: evidence.clone() })),
        Event::Resolved { step, done: false, .. } => (step, Some(End::Recorded)),
        Event::StepStarted { step, .. }
        | Event::Requested { step, .. }
        | Event::RetryPlanned { step, .. } => (step, None),
        _ => return None,
    };
    (step == wanted).then_some(end)
}
