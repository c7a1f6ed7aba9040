//! What the tool does next by itself: ask, start, settle. PURE.
//!
//! The host calls [`next`] after every change until it returns `None`. For each move it journals the events, applies
//! them, carries out what [`follow_up`] says of each, and then the effects of the move.

mod running;

use running::Verified;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::id::{CheckId, ValueName};
use crate::time::Moment;

use super::approve::{self, standing};
use super::ask::{self, Need};
use super::event::{AskMode, Person, Verdict, Work};
use super::gate::{self, Closed, Opening, Permit};
use super::state::{Phase, Request, Running};
use super::view::{self, CheckStatus, Order};
use super::{Event, Kind, Progress, Requirement, Session};

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

/// The hold point that a person's wish begins with this move, or that is about to be confirmed. Not its later tries, nor
/// its items: those were begun.
#[must_use]
pub fn begins_to_destroy(session: &Session, step: &Move) -> Option<usize> {
    step.events.iter().find_map(|(_, event)| {
        let (Event::StepStarted { step: id, .. } | Event::QuestionPut { step: id }) = event else {
            return None;
        };
        let place = session.step_at(id.as_str())?;
        let wished = session.steps[place].request.as_ref().is_some_and(|request| request.work == Work::Run);
        (wished && session.runbook.steps[place].is_hold_point()).then_some(place)
    })
}

/// Ends the wish to start a step with a refusal, for a reason that only the host can know; `None`: nobody wishes it.
#[must_use]
pub fn refusal(session: &Session, place: usize, why: String) -> Option<Move> {
    let request = session.steps[place].request.as_ref()?;
    let (action, step) = (action(session, place, request), session.runbook.steps[place].id.clone());
    Some(record(&request.by, Event::Refused { action, step: Some(step), why, unmet: vec![] }))
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
        // By hand is also how the value of a step is said whose work is done and whose value is not known.
        let says_value = request.by_hand && gate::value_to_be_said(session, place).is_some();
        let ask_first = request.work == Work::Run && !model.done_when.is_empty() && is_first(session, place);
        if ask_first && !says_value {
            match need_all(session, &model.done_when, request.n) {
                Need::Ask(asks) => return Some(ask_move(session, asks, AskMode::Once, &request.by)),
                Need::Wait => return None,
                Need::Ready => {}
            }
            match self.done_already(place, request) {
                Already::Settles(settled) => return Some(settled),
                Already::Waits => return None,
                Already::No => {}
            }
        }
        if let Ok(unmet) = gate::unmet(session, self.order(), place, request, self.now)
            && unmet.iter().any(|r| matches!(r.kind, Kind::Order | Kind::Step))
        {
            return Some(refuse(session, place, request, unmet));
        }
        match self.breath(place, request) {
            (Need::Ask(asks), mode) => return Some(ask_move(session, asks, mode, &request.by)),
            (Need::Wait, _) => return None,
            (Need::Ready, _) => {}
        }
        Some(match gate::open(session, self.order(), place, request, self.now, self.known_secrets) {
            Ok(opening) => start(&request.by, opening),
            Err(Closed::Unmet(unmet)) => self.shut(place, request, unmet),
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

    /// The gate stays shut. Where only people's words are missing, a second person is asked for theirs; a refusal stands
    /// until the operator asks anew, which this is, unless the refusal came meanwhile.
    fn shut(&self, place: usize, request: &Request, mut unmet: Vec<Requirement>) -> Move {
        let session = self.session;
        let only_people = unmet.iter().any(|r| r.kind == Kind::Witness)
            && unmet.iter().all(|r| matches!(r.kind, Kind::Witness | Kind::Confirm));
        let round = session.steps[place].approval.as_deref();
        let stands = round.is_some_and(|round| {
            let refused_since = round.refused.as_ref().is_some_and(|refused| refused.n > request.n);
            let same = round.subject.work == request.work;
            refused_since || same && standing::stands(session, place, round, request.by_hand, self.now)
        });
        if !only_people || stands {
            return refuse(session, place, request, unmet);
        }
        match approve::asking(session, place, request.work, request.by_hand, &request.by, self.now) {
            Ok(subject) => {
                // What is said with the asking is how things stand once it is made.
                for witness in unmet.iter_mut().filter(|r| r.kind == Kind::Witness) {
                    witness.why = match witness.why.strip_suffix("nobody was asked yet") {
                        Some(must) => format!("{must}asked just now"),
                        None => format!("{}; asked anew just now", witness.why),
                    };
                    witness.fix = view::invite(session, place, request.work, request.by_hand);
                    if round.is_some_and(|round| standing::is_by_hand(round) && !request.by_hand) {
                        let id = &session.runbook.steps[place].id;
                        let by_hand = format!("onbelay do {} run {id} --by-hand", session.id);
                        witness.fix = format!("{}; if it is to be done by hand: {by_hand}", witness.fix);
                    }
                }
                let mut refusal = refuse(session, place, request, unmet);
                let asked = Event::ApprovalAsked { subject: Box::new(subject) };
                refusal.events.insert(0, (request.by.clone(), asked));
                refusal
            }
            Err(why) => {
                let (action, step) =
                    (action(session, place, request), session.runbook.steps[place].id.clone());
                record(&request.by, Event::Refused { action, step: Some(step), why, unmet })
            }
        }
    }

    /// `done_when`, answered: settles the step (once `verify` holds too), or refuses where there was no answer.
    fn done_already(&self, place: usize, request: &Request) -> Already {
        let session = self.session;
        let model = &session.runbook.steps[place];
        let views: Vec<(usize, view::CheckView)> = model
            .done_when
            .iter()
            .filter_map(|id| session.check_at(id.as_str()))
            .map(|check| (check, view::check(session, check, self.now)))
            .collect();
        // By what was answered for this request, however long what verifies it takes since: what was so once never
        // goes on to the gate because its answer grew old meanwhile.
        let held = |check: usize, view: &view::CheckView| {
            let answers = &session.checks[check].answers;
            let keys = ask::all_keys(session, check);
            let answered = |key: &String| {
                answers.get(key).is_some_and(|g| g.asked_n > request.n && g.answer.verdict == Verdict::Holds)
            };
            if session.runbook.checks[check].is_automatic() {
                !keys.is_empty() && keys.iter().all(answered)
            } else {
                view.state == CheckStatus::Holds
            }
        };
        if views.iter().all(|(check, view)| held(*check, view)) {
            if let Some(name) = gate::value_to_be_said(session, place) {
                let id = &model.id;
                let why = format!(
                    "it was so already, but its value `{name}` is not known: start it by hand (onbelay do {} run {id} \
                     --by-hand), then say it (done {id} --value VALUE)",
                    session.id
                );
                let action = action(session, place, request);
                let event = Event::Refused { action, step: Some(id.clone()), why, unmet: vec![] };
                return Already::Settles(record(&request.by, event));
            }
            let verify: Vec<usize> = self.verify_checks(place, Work::Run).collect();
            match self.verified(&verify, None, request.n, &request.by) {
                Verified::Yes => {}
                Verified::Move(asks) => return Already::Settles(asks),
                Verified::Wait if verify.iter().any(|&check| session.checks[check].asking.is_some()) => {
                    return Already::Waits;
                }
                Verified::Wait => {
                    let why =
                        "it was so already; a person has yet to say that it is well (attest)".to_owned();
                    let (step, attempt) = (model.id.clone(), 0);
                    let event = Event::StepSettled { step, attempt, work: Work::Run, ok: false, why };
                    return Already::Settles(record(&request.by, event));
                }
                Verified::No(why) => {
                    let why = format!("it was so already, but {why}");
                    let (step, attempt) = (model.id.clone(), 0);
                    let event = Event::StepSettled { step, attempt, work: Work::Run, ok: false, why };
                    return Already::Settles(record(&request.by, event));
                }
            }
            let titles: Vec<String> =
                views.iter().map(|(c, _)| view::filled(session, &session.runbook.checks[*c].title)).collect();
            let why = format!("it was so already: {}", titles.join("; "));
            let event =
                Event::StepSettled { step: model.id.clone(), attempt: 0, work: Work::Run, ok: true, why };
            return Already::Settles(record(&request.by, event));
        }
        let unanswered: Vec<Requirement> = views
            .iter()
            .filter(|(_, view)| view.state == CheckStatus::Error)
            .map(|(check, _)| view::check_requirement(session, *check, None, self.now))
            .collect();
        if unanswered.is_empty() {
            return Already::No;
        }
        Already::Settles(refuse(session, place, request, unanswered))
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
}

/// What `done_when` makes of a request.
enum Already {
    /// It does not hold: the step goes its way.
    No,
    /// It ends the request, or asks what verifies it.
    Settles(Move),
    /// What verifies it has yet to answer.
    Waits,
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
