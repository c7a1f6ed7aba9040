//! What becomes of steps that run: items, verification, retries, the new state. PURE.

use crate::id::CheckId;
use crate::session::approve;
use crate::session::ask::{self, Need};
use crate::session::event::{AskMode, How, Outcome, Person, Verdict, Work};
use crate::session::gate::{self, Closed};
use crate::session::outcome::went_well;
use crate::session::state::{ItemProgress, Phase, Running, Stage};
use crate::session::view::{self, CheckStatus};
use crate::session::{Event, Session};

use super::{Move, Walk, ask_move, record, start};

impl Walk<'_> {
    pub(super) fn running(&self, place: usize, running: &Running) -> Option<Move> {
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
            if session.steps[place].items.is_empty() {
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
            && let Err(why) = went_well(capture, ended)
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
            && let Err(why) = went_well(capture, ended)
        {
            return Some(self.fail_or_retry(place, running, why));
        }
        if running.work == Work::Run
            && let Some(name) = gate::value_to_be_said(session, place)
        {
            let why = format!("its value `{name}` is lost: start it by hand, which runs nothing, and say it");
            return Some(self.settle(place, running, false, why));
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

    pub(super) fn verify_checks(&self, place: usize, work: Work) -> impl Iterator<Item = usize> {
        let session = self.session;
        let verify = &session.runbook.steps[place].verify;
        verify.iter().filter(move |_| work == Work::Run).filter_map(|id| session.check_at(id.as_str()))
    }

    /// Do these checks hold, asked after record `from`?
    pub(super) fn verified(&self, checks: &[usize], item: Option<&str>, from: u64, by: &Person) -> Verified {
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
        let mut unmet = Vec::new();
        for &check in checks {
            let model = &session.runbook.checks[check];
            let view = view::check_of(session, check, item, self.now);
            let keys = item.map_or_else(|| ask::all_keys(session, check), |item| vec![item.to_owned()]);
            let answers = &session.checks[check].answers;
            let given_now = |key: &String| answers.get(key).filter(|given| given.asked_n > from);
            let answered = keys.iter().all(|key| given_now(key).is_some());
            // One no is enough, whoever has yet to answer for the other items.
            let says_no = || {
                keys.iter()
                    .any(|key| given_now(key).is_some_and(|given| given.answer.verdict == Verdict::Fails))
            };
            if !model.is_automatic() && !answered && !says_no() {
                wait = true;
            } else if view.state != CheckStatus::Holds {
                unmet.push(format!("{} does not hold: {}", model.id, view.detail));
            }
        }
        if !unmet.is_empty() {
            return Verified::No(unmet.join("; "));
        }
        if wait { Verified::Wait } else { Verified::Yes }
    }

    /// A step that ended well and failed its `verify`: "asked again later, with nothing run, they can make it so".
    pub(super) fn verified_later(&self, place: usize) -> Option<Move> {
        let session = self.session;
        let step = &session.steps[place];
        let from = step.verify_from?;
        if gate::value_to_be_said(session, place).is_some() {
            return None;
        }
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
        let by_itself = approve::rule_of(self.session, place, running.work).is_none();
        match model.retry {
            Some(_) if !by_itself && running.how == How::Script && !stopped => {
                let why =
                    format!("{why}; not tried again by itself, as each try needs an approval of its own");
                self.settle(place, running, false, why)
            }
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

/// What asking `verify` came to.
pub(super) enum Verified {
    Move(Move),
    Wait,
    Yes,
    No(String),
}

fn stopped_why(aborted: bool) -> String {
    if aborted { "the session was aborted".to_owned() } else { "it was stopped".to_owned() }
}

fn done_why(session: &Session, place: usize, running: &Running) -> String {
    let verify = &session.runbook.steps[place].verify;
    let resolved = session.steps[place].ended.is_none()
        && running.items.is_empty()
        && !session.steps[place].why.is_empty();
    match running.work {
        Work::Undo => "it was taken back".to_owned(),
        Work::Run if resolved => format!("a person said what happened: {}", session.steps[place].why),
        Work::Run if verify.is_empty() => "it ended well".to_owned(),
        Work::Run => {
            let ids: Vec<&str> = verify.iter().map(CheckId::as_str).collect();
            format!("it ended well, and what verifies it holds: {}", ids.join(", "))
        }
    }
}
