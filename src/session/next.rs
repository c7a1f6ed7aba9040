//! What the tool does next by itself: ask, start, settle. PURE.
//!
//! The host calls [`next`] after every change until it returns `None`. For each move it journals the events, applies
//! them, carries out what [`follow_up`] says of each, and then the effects of the move.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::id::{CheckId, ValueName};
use crate::time::Moment;

use super::ask::{self, Need};
use super::event::{AskMode, How, Outcome, Person, Verdict, Work};
use super::gate::{self, Closed, Opening, Permit};
use super::state::{ItemProgress, Phase, Request, Running, Stage};
use super::view::{self, CheckStatus, Order};
use super::{Event, Kind, Progress, Requirement, Session, apply};

pub use super::ask::{Ask, ReadyProbe, follow_up};

/// Events to journal, then effects to carry out.
#[derive(Debug)]
pub struct Move {
    /// In order, each with who it is recorded under.
    pub events: Vec<(Person, Event)>,
    /// In order, after all events are durable and applied.
    pub effects: Vec<Effect>,
}

/// What the host must do.
#[derive(Debug)]
pub enum Effect {
    /// Find the answer of one item of a check; report it as [`Event::CheckAnswered`].
    Ask(Box<Ask>),
    /// Start a command. Only the gate makes a permit.
    Start(Box<Permit>),
    /// TERM to the process group of the attempt's command, KILL 10 s later.
    Stop {
        /// The attempt.
        attempt: u32,
    },
}

/// The next move, or `None` when the walk waits for somebody or something. `known_secrets`: those the host holds.
#[must_use]
pub fn next(session: &Session, now: Moment, known_secrets: &BTreeSet<ValueName>) -> Option<Move> {
    let walk = Walk { session, now, known_secrets, order: OnceCell::new() };
    session.steps.iter().enumerate().find_map(|(place, step)| match (&step.request, &step.progress) {
        (Some(request), _) => walk.request(place, request),
        (None, Progress::Running(running)) => walk.running(place, running),
        (None, Progress::Failed) => walk.verified_later(place),
        (None, _) => None,
    })
}

/// When [`next`] must be called again although nothing happened (a retry is due).
#[must_use]
pub fn wake_after(session: &Session, now: Moment) -> Option<Duration> {
    session
        .steps
        .iter()
        .filter_map(|step| match &step.progress {
            Progress::Running(Running { phase: Phase::Retrying { since, pause }, .. })
                if step.request.is_none() =>
            {
                Some(pause.saturating_sub(since.age(now).unwrap_or_default()))
            }
            _ => None,
        })
        .min()
}

struct Walk<'a> {
    session: &'a Session,
    now: Moment,
    known_secrets: &'a BTreeSet<ValueName>,
    order: OnceCell<Order>,
}

impl Walk<'_> {
    fn order(&self) -> &Order {
        self.order.get_or_init(|| view::order(self.session))
    }

    fn request(&self, place: usize, request: &Request) -> Option<Move> {
        let session = self.session;
        let model = &session.runbook.steps[place];
        if request.work == Work::Run && !model.done_when.is_empty() && is_first(session, place) {
            match need_all(session, &model.done_when, request.n) {
                Need::Ask(asks) => return Some(ask_move(session, asks, AskMode::Once, &request.by)),
                Need::Wait => return None,
                Need::Ready => {}
            }
            if let Some(settled) = self.done_already(place, request) {
                return Some(settled);
            }
        }
        let gate = match request.work {
            Work::Run => view::gate(session, self.order(), place, self.now),
            Work::Undo => view::undo_gate(session, place, self.now),
        };
        if gate.iter().any(|r| !r.met && matches!(r.kind, Kind::Order | Kind::Step)) {
            return Some(refuse(session, place, request, gate.into_iter().filter(|r| !r.met).collect()));
        }
        match self.breath(place, request) {
            (Need::Ask(asks), mode) => return Some(ask_move(session, asks, mode, &request.by)),
            (Need::Wait, _) => return None,
            (Need::Ready, _) => {}
        }
        Some(match gate::open(session, self.order(), place, request, self.now, self.known_secrets) {
            Ok(opening) => start(&request.by, opening),
            Err(Closed::Unmet(unmet)) => refuse(session, place, request, unmet),
            Err(Closed::AskToConfirm) => record(&request.by, Event::QuestionPut { step: model.id.clone() }),
            Err(Closed::Cannot(why)) => record(
                &request.by,
                Event::Refused {
                    action: action(session, place, request),
                    step: Some(model.id.clone()),
                    why,
                    unmet: vec![],
                },
            ),
        })
    }

    /// `done_when`, answered: settles the step, or refuses where there was no answer.
    fn done_already(&self, place: usize, request: &Request) -> Option<Move> {
        let session = self.session;
        let model = &session.runbook.steps[place];
        let views: Vec<(usize, view::CheckView)> = model
            .done_when
            .iter()
            .filter_map(|id| session.check_at(id.as_str()))
            .map(|check| (check, view::check(session, check, self.now)))
            .collect();
        if views.iter().all(|(_, view)| view.state == CheckStatus::Holds) {
            let titles: Vec<String> =
                views.iter().map(|(c, _)| view::filled(session, &session.runbook.checks[*c].title)).collect();
            let why = format!("it was so already: {}", titles.join("; "));
            let event =
                Event::StepSettled { step: model.id.clone(), attempt: 0, work: Work::Run, ok: true, why };
            return Some(record(&request.by, event));
        }
        let unanswered: Vec<Requirement> = views
            .iter()
            .filter(|(_, view)| view.state == CheckStatus::Error)
            .map(|(check, _)| view::check_requirement(session, *check, None, self.now))
            .collect();
        (!unanswered.is_empty()).then(|| refuse(session, place, request, unanswered))
    }

    /// What must still be asked before the gate decides: first, patiently, what must come to hold; then, all at once and
    /// one try each, every automatic check whose answer serves for this start alone.
    fn breath(&self, place: usize, request: &Request) -> (Need, AskMode) {
        let session = self.session;
        let (mut patient, mut at_once, mut from) = (Vec::new(), Vec::new(), request.n);
        for id in gate::required_checks(session, place, request.work) {
            let Some(check) = session.check_at(id.as_str()) else { continue };
            let model = &session.runbook.checks[check];
            if !model.is_automatic() || view::waits_for_capture(session, check).is_some() {
                continue;
            }
            let keys = gate::scope_keys(session, place, check, request.work);
            let answers = &session.checks[check].answers;
            let mut failed = false;
            for given in
                keys.iter().filter_map(|key| answers.get(key)).filter(|g| g.asked_n > request.n && !g.once)
            {
                from = from.max(given.n);
                failed |= given.answer.verdict != Verdict::Holds;
            }
            let holds = keys.iter().all(|key| self.holds(check, key));
            if (model.valid_for.is_some() || model.wait.is_some()) && !holds {
                patient.push((check, keys.clone()));
            }
            if model.valid_for.is_none() && !failed {
                at_once.push((check, keys));
            }
        }
        match ask::need(session, &patient, request.n) {
            Need::Ready => (ask::need(session, &at_once, from), AskMode::Once),
            need => (need, AskMode::Patient),
        }
    }

    fn holds(&self, check: usize, key: &str) -> bool {
        super::freshness::look(self.session, check, key, self.now).0 == CheckStatus::Holds
    }

    fn running(&self, place: usize, running: &Running) -> Option<Move> {
        let aborted = matches!(self.session.stage, Stage::Aborted { .. }) && running.work == Work::Run;
        match &running.phase {
            Phase::Working => None,
            Phase::Retrying { since, pause } => {
                if aborted || running.stop_asked {
                    return Some(self.settle(place, running, false, stopped_why(aborted)));
                }
                // A clock that contradicts itself ends the pause: trying late is better than never.
                let due = since.age(self.now).is_none_or(|age| age >= *pause);
                due.then(|| self.try_again(place, running))
            }
            Phase::BetweenItems { from } => self.between_items(place, running, *from, aborted),
            Phase::VerifyingItem { from } => self.verify_item(place, running, *from),
            Phase::Verifying { from } => self.verify(place, running, *from),
        }
    }

    fn try_again(&self, place: usize, running: &Running) -> Move {
        record(
            &Person::tool(),
            Event::Requested {
                step: self.session.runbook.steps[place].id.clone(),
                work: running.work,
                by_hand: false,
                typed: running.typed.clone(),
                will_ask: false,
                said: None,
            },
        )
    }

    fn between_items(&self, place: usize, running: &Running, from: u64, aborted: bool) -> Option<Move> {
        let session = self.session;
        let model = &session.runbook.steps[place];
        let failed = session.steps[place].items.iter().find(|item| {
            item.progress == ItemProgress::Failed
                && item.place.is_some_and(|(attempt, _)| attempt == running.attempt)
        });
        if let Some(item) = failed {
            let why = format!("{}: {}", item.item, session.steps[place].why);
            return Some(self.fail_or_retry(place, running, why));
        }
        let Some(item) = running.items.get(running.next_item as usize) else {
            if running.items.is_empty() {
                return Some(self.settle(place, running, false, "its list is empty".to_owned()));
            }
            return Some(record(
                &running.by,
                Event::ItemsEnded { step: model.id.clone(), attempt: running.attempt },
            ));
        };
        if running.stop_asked || aborted {
            return Some(self.settle(
                place,
                running,
                false,
                format!("{} before {item}", stopped_why(aborted)),
            ));
        }
        if !session.holds.is_empty() {
            return None;
        }
        let wanted: Vec<(usize, Vec<String>)> = gate::required_checks(session, place, running.work)
            .filter_map(|id| session.check_at(id.as_str()))
            .filter(|&check| session.runbook.checks[check].is_automatic())
            .map(|check| {
                let of_item = gate::counts_for_item(session, place, check);
                (check, if of_item { vec![item.clone()] } else { ask::all_keys(session, check) })
            })
            .filter(|(check, keys)| {
                session.runbook.checks[*check].valid_for.is_none()
                    || !keys.iter().all(|key| self.holds(*check, key))
            })
            .collect();
        match ask::need(session, &wanted, from) {
            Need::Ask(asks) => return Some(ask_move(session, asks, AskMode::Once, &running.by)),
            Need::Wait => return None,
            Need::Ready => {}
        }
        Some(match gate::open_item(session, place, running, from, self.now, self.known_secrets) {
            Ok(opening) => start(&running.by, opening),
            Err(Closed::Unmet(unmet)) => {
                let ids: Vec<&str> = unmet.iter().map(|r| r.id.as_str()).collect();
                self.settle(
                    place,
                    running,
                    false,
                    format!("stopped before {item}: {} does not hold", ids.join(", ")),
                )
            }
            Err(Closed::Cannot(why)) => {
                self.settle(place, running, false, format!("stopped before {item}: {why}"))
            }
            Err(Closed::AskToConfirm) => return None,
        })
    }

    fn verify_item(&self, place: usize, running: &Running, from: u64) -> Option<Move> {
        let session = self.session;
        let model = &session.runbook.steps[place];
        let item = running.items.get(running.next_item as usize)?;
        let state = session.steps[place].items.iter().find(|state| state.item == *item)?;
        let settle = |ok: bool, why: String| {
            let (step, item) = (model.id.clone(), item.clone());
            Some(record(
                &Person::tool(),
                Event::ItemSettled { step, attempt: running.attempt, item, ok, why },
            ))
        };
        let capture = model.capture.as_ref().filter(|_| running.work == Work::Run);
        if let Some(ended) = &state.ended
            && let Err(why) = apply::went_well(capture, ended)
        {
            return settle(false, why);
        }
        let checks: Vec<usize> = self
            .verify_checks(place, running.work)
            .filter(|&check| gate::counts_for_item(session, place, check))
            .collect();
        match self.verified(&checks, Some(item), from, &running.by) {
            Verified::Move(asks) => Some(asks),
            Verified::Wait => {
                running.stop_asked.then(|| settle(false, "it was stopped".to_owned())).flatten()
            }
            Verified::Yes => settle(true, "it ended well".to_owned()),
            Verified::No(why) => settle(false, why),
        }
    }

    fn verify(&self, place: usize, running: &Running, from: u64) -> Option<Move> {
        let session = self.session;
        let model = &session.runbook.steps[place];
        let capture = model.capture.as_ref().filter(|_| running.work == Work::Run);
        if let Some(ended) = session.steps[place].ended.as_ref().filter(|_| running.items.is_empty())
            && let Err(why) = apply::went_well(capture, ended)
        {
            return Some(self.fail_or_retry(place, running, why));
        }
        let checks: Vec<usize> = self
            .verify_checks(place, running.work)
            .filter(|&check| !gate::counts_for_item(session, place, check))
            .collect();
        match self.verified(&checks, None, from, &running.by) {
            Verified::Move(asks) => Some(asks),
            Verified::Wait => running.stop_asked.then(|| {
                self.settle(place, running, false, "it was stopped while it was being verified".to_owned())
            }),
            Verified::Yes => Some(self.settle(place, running, true, done_why(session, place, running))),
            Verified::No(why) => {
                Some(self.fail_or_retry(place, running, format!("it ended well, but {why}")))
            }
        }
    }

    fn verify_checks(&self, place: usize, work: Work) -> impl Iterator<Item = usize> {
        let session = self.session;
        let verify = &session.runbook.steps[place].verify;
        verify.iter().filter(move |_| work == Work::Run).filter_map(|id| session.check_at(id.as_str()))
    }

    /// Do these checks hold, asked after record `from`?
    fn verified(&self, checks: &[usize], item: Option<&str>, from: u64, by: &Person) -> Verified {
        let session = self.session;
        let wanted: Vec<(usize, Vec<String>)> = checks
            .iter()
            .filter(|&&check| session.runbook.checks[check].is_automatic())
            .filter(|&&check| view::waits_for_capture(session, check).is_none())
            .map(|&check| {
                (check, item.map_or_else(|| ask::all_keys(session, check), |item| vec![item.to_owned()]))
            })
            .collect();
        match ask::need(session, &wanted, from) {
            Need::Ask(asks) => return Verified::Move(ask_move(session, asks, AskMode::Patient, by)),
            Need::Wait => return Verified::Wait,
            Need::Ready => {}
        }
        let mut wait = false;
        for &check in checks {
            let model = &session.runbook.checks[check];
            let view = view::check_of(session, check, item, self.now);
            let keys = item.map_or_else(|| ask::all_keys(session, check), |item| vec![item.to_owned()]);
            let answers = &session.checks[check].answers;
            let answered = keys.iter().all(|key| answers.get(key).is_some_and(|given| given.asked_n > from));
            if !model.is_automatic() && !answered {
                wait = true;
            } else if view.state != CheckStatus::Holds {
                return Verified::No(format!("{} does not hold: {}", model.id, view.detail));
            }
        }
        if wait { Verified::Wait } else { Verified::Yes }
    }

    /// A step that ended well and failed its `verify`: "asked again later, with nothing run, they can make it so".
    fn verified_later(&self, place: usize) -> Option<Move> {
        let session = self.session;
        let step = &session.steps[place];
        let from = step.verify_from?;
        let model = &session.runbook.steps[place];
        let all = model.verify.iter().filter_map(|id| session.check_at(id.as_str())).all(|check| {
            let answers = &session.checks[check].answers;
            view::check(session, check, self.now).state == CheckStatus::Holds
                && ask::all_keys(session, check)
                    .iter()
                    .all(|key| answers.get(key).is_some_and(|g| g.asked_n > from))
        });
        (all && !model.verify.is_empty()).then(|| {
            let why = "asked again, what verifies it holds".to_owned();
            let (step, attempt) = (model.id.clone(), step.last_attempt);
            record(&Person::tool(), Event::StepSettled { step, attempt, work: Work::Run, ok: true, why })
        })
    }

    fn fail_or_retry(&self, place: usize, running: &Running, why: String) -> Move {
        let model = &self.session.runbook.steps[place];
        let stopped = running.stop_asked
            || self.session.steps[place]
                .ended
                .as_ref()
                .is_some_and(|ended| ended.outcome == Outcome::Stopped)
            || self.session.stage != Stage::Open;
        match model.retry {
            Some(retry)
                if running.work == Work::Run
                    && running.how == How::Script
                    && !model.is_hold_point()
                    && !stopped
                    && running.retry < retry.times =>
            {
                let pause = u64::try_from(retry.every.as_millis()).unwrap_or(u64::MAX);
                let event = Event::RetryPlanned { step: model.id.clone(), attempt: running.attempt, pause };
                record(&Person::tool(), event)
            }
            _ => self.settle(place, running, false, why),
        }
    }

    fn settle(&self, place: usize, running: &Running, ok: bool, why: String) -> Move {
        let step = self.session.runbook.steps[place].id.clone();
        let event = Event::StepSettled { step, attempt: running.attempt, work: running.work, ok, why };
        record(&Person::tool(), event)
    }
}

enum Verified {
    Move(Move),
    Wait,
    Yes,
    No(String),
}

/// What of these checks, each with all its items, was not asked since record `from`.
fn need_all(session: &Session, checks: &[CheckId], from: u64) -> Need {
    let wanted: Vec<(usize, Vec<String>)> = checks
        .iter()
        .filter_map(|id| session.check_at(id.as_str()))
        .filter(|&check| session.runbook.checks[check].is_automatic())
        .filter(|&check| view::waits_for_capture(session, check).is_none())
        .map(|check| (check, ask::all_keys(session, check)))
        .collect();
    ask::need(session, &wanted, from)
}

/// `done_when` is looked at before every first try; a retry of a running step goes on with what it was.
fn is_first(session: &Session, place: usize) -> bool {
    !matches!(session.steps[place].progress, Progress::Running(_))
}

fn stopped_why(aborted: bool) -> String {
    if aborted { "the session was aborted".to_owned() } else { "it was stopped".to_owned() }
}

fn done_why(session: &Session, place: usize, running: &Running) -> String {
    let verify = &session.runbook.steps[place].verify;
    match running.work {
        Work::Undo => "it was taken back".to_owned(),
        Work::Run if verify.is_empty() => "it ended well".to_owned(),
        Work::Run => {
            let ids: Vec<&str> = verify.iter().map(CheckId::as_str).collect();
            format!("it ended well, and what verifies it holds: {}", ids.join(", "))
        }
    }
}

fn action(session: &Session, place: usize, request: &Request) -> String {
    let verb = match (request.work, &request.said) {
        (Work::Undo, _) => "undo",
        (Work::Run, Some(_)) => "done",
        (Work::Run, None) => "run",
    };
    format!("{verb} {}", session.runbook.steps[place].id)
}

fn refuse(session: &Session, place: usize, request: &Request, unmet: Vec<Requirement>) -> Move {
    let title = view::filled(session, &session.runbook.steps[place].title);
    record(
        &request.by,
        Event::Refused {
            action: action(session, place, request),
            step: Some(session.runbook.steps[place].id.clone()),
            why: format!("“{title}” stays shut"),
            unmet,
        },
    )
}

fn ask_move(session: &Session, asks: Vec<(usize, Vec<String>)>, mode: AskMode, by: &Person) -> Move {
    let event = |(check, keys): (usize, Vec<String>)| {
        let model = &session.runbook.checks[check];
        let items = if model.for_each.is_some() { keys } else { Vec::new() };
        (by.clone(), Event::CheckAsked { check: model.id.clone(), items, mode })
    };
    Move { events: asks.into_iter().map(event).collect(), effects: Vec::new() }
}

fn record(by: &Person, event: Event) -> Move {
    Move { events: vec![(by.clone(), event)], effects: Vec::new() }
}

fn start(by: &Person, opening: Opening) -> Move {
    Move {
        events: opening.events.into_iter().map(|event| (by.clone(), event)).collect(),
        effects: opening.permit.map(|permit| Effect::Start(Box::new(permit))).into_iter().collect(),
    }
}
