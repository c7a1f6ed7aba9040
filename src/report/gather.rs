//! Fills a report from the records: the walk replayed, each record told as the walk stood then. PURE.

use std::sync::Arc;

use crate::runbook::Value;
use crate::session::event::{Person, Verdict, Work};
use crate::session::state::{Hold, Stage};
use crate::session::summary::{self, how_it_ended, sentence};
use crate::session::view::evidence;
use crate::session::{Entry, Event, Kind, Requirement, Session, view};
use crate::text;
use crate::time::{Moment, Timestamp};

use super::{
    Announced, AnswerReport, AttemptReport, Audience, CheckReport, Line, Public, RefusedTry, Report,
    RoundReport, Source, StepReport, Team, approvals,
};

/// Gathers what a report says about a walk, as of `now`. `entries` are all its records, from the first.
#[must_use]
pub fn report(session: &Session, entries: &[Entry], now: Moment, audience: Audience) -> Report {
    let mut told = Told::new(session);
    told.replay(session, entries);
    match audience {
        Audience::Public => Report::Public(Public { announced: told.announced }),
        Audience::Team => Report::Team(Box::new(team(session, told, now))),
    }
}

/// What the records tell, one after the other.
struct Told {
    people: Vec<String>,
    attempts: Vec<Vec<AttemptReport>>,
    answers: Vec<Vec<AnswerReport>>,
    decisions: Vec<Line>,
    refused: Vec<RefusedTry>,
    approvals: Vec<RoundReport>,
    notes: Vec<Line>,
    announced: Vec<Announced>,
    timeline: Vec<Line>,
    closed_at: Option<Timestamp>,
}

impl Told {
    fn new(session: &Session) -> Self {
        Self {
            people: Vec::new(),
            attempts: vec![Vec::new(); session.steps.len()],
            answers: vec![Vec::new(); session.checks.len()],
            decisions: Vec::new(),
            refused: Vec::new(),
            approvals: Vec::new(),
            notes: Vec::new(),
            announced: Vec::new(),
            timeline: Vec::new(),
            closed_at: None,
        }
    }

    fn replay(&mut self, session: &Session, entries: &[Entry]) {
        let Some((first, rest)) = entries.split_first() else { return };
        let Ok(mut then) = Session::open(Arc::clone(&session.runbook), first) else { return };
        self.tell(&then, first);
        for entry in rest {
            if then.apply(entry).is_err() {
                return;
            }
            self.tell(&then, entry);
        }
    }

    /// Takes one record in; `then` is the walk just after it.
    fn tell(&mut self, then: &Session, entry: &Entry) {
        let by = who(&entry.by);
        if !entry.by.is_tool() && !self.people.contains(&by) {
            self.people.push(by);
        }
        let line =
            Line { n: entry.n, at: entry.at, by: clean(summary::who(entry)), what: sentence(entry, then) };
        if is_decision(&entry.event) {
            self.decisions.push(line.clone());
        }
        match &entry.event {
            Event::Noted { .. } => self.notes.push(line.clone()),
            Event::Finished | Event::Aborted { .. } => self.closed_at = Some(entry.at),
            Event::Refused { .. } => self.refused.extend(refused(then, entry)),
            Event::CheckAnswered { .. } | Event::Attested { .. } => self.answer(then, entry),
            Event::StepStarted { .. } => self.started(then, entry),
            _ => self.step_event(then, entry),
        }
        approvals::tell(&mut self.approvals, then, entry);
        self.timeline.push(line);
    }

    fn answer(&mut self, then: &Session, entry: &Entry) {
        let (check, item, verdict, detail, took, evidence) = match &entry.event {
            Event::CheckAnswered { check, item, answer } => (
                check,
                item,
                answer.verdict,
                &answer.detail,
                Some(answer.took),
                evidence::shown(&answer.evidence),
            ),
            Event::Attested { check, item, yes, words } => {
                let verdict = if *yes { Verdict::Holds } else { Verdict::Fails };
                (check, item, verdict, words, None, evidence::Shown::default())
            }
            _ => return,
        };
        let facts = evidence.facts.iter().map(|(name, fact)| (clean(name), clean(fact)));
        let lists = evidence
            .lists
            .iter()
            .map(|(name, lines)| (clean(name), lines.iter().map(|line| clean(line)).collect()));
        if let Some(place) = then.check_at(check.as_str()) {
            self.answers[place].push(AnswerReport {
                n: entry.n,
                at: entry.at,
                item: item.as_deref().map(clean),
                verdict,
                detail: clean(detail),
                by: (!entry.by.is_tool()).then(|| who(&entry.by)),
                took,
                evidence: facts.collect(),
                lists: lists.collect(),
            });
        }
    }

    fn started(&mut self, then: &Session, entry: &Entry) {
        let Event::StepStarted { step, attempt, work, how, items, typed, rests_on, command, .. } =
            &entry.event
        else {
            return;
        };
        let Some(place) = then.step_at(step.as_str()) else { return };
        self.attempts[place].push(AttemptReport {
            attempt: *attempt,
            n: entry.n,
            work: *work,
            how: *how,
            by: who(&entry.by),
            started_at: entry.at,
            ended_at: None,
            took_ms: None,
            late_ms: None,
            outcome: String::new(),
            ok: None,
            typed: typed.as_deref().map(clean),
            rests_on: rests_on.clone(),
            command: command.clone(),
            items: items.iter().map(|item| clean(item)).collect(),
        });
    }

    fn step_event(&mut self, then: &Session, entry: &Entry) {
        let (step, end) = match &entry.event {
            Event::WorkEnded { step, ended, .. } | Event::ItemEnded { step, ended, .. } => {
                (step, End { outcome: how_it_ended(ended), ok: None, over: false })
            }
            Event::StepSettled { step, attempt, work, ok, why } => {
                if *ok && *work == Work::Run {
                    self.announce(then, entry, step.as_str());
                }
                if *attempt == 0 {
                    return;
                }
                (step, End { outcome: why.clone(), ok: Some(*ok), over: true })
            }
            Event::NeverStarted { step, evidence, .. } => {
                (step, End { outcome: format!("never started: {evidence}"), ok: Some(false), over: true })
            }
            Event::Interrupted { step, evidence, .. } => {
                (step, End { outcome: format!("its end is not known: {evidence}"), ok: None, over: true })
            }
            Event::Resolved { step, done, what } => {
                let said = if *done { "said to be done" } else { "said to have come to nothing" };
                (step, End { outcome: format!("{said}: {what}"), ok: Some(*done), over: true })
            }
            Event::RetryPlanned { step, .. } => {
                (step, End { outcome: String::new(), ok: Some(false), over: true })
            }
            _ => return,
        };
        let Some(place) = then.step_at(step.as_str()) else { return };
        if let Some(attempt) = self.attempts[place].last_mut() {
            end.put_on(attempt, then, place, entry);
        }
    }

    fn announce(&mut self, then: &Session, entry: &Entry, step: &str) {
        let Some(place) = then.step_at(step) else { return };
        let model = &then.runbook.steps[place];
        if !model.announce.is_empty() {
            let words = clean(view::filled(then, &model.announce).trim());
            self.announced.push(Announced {
                at: entry.at,
                title: clean(&view::filled(then, &model.title)),
                words,
            });
        }
    }
}

/// What a record says about the end of an attempt.
struct End {
    outcome: String,
    ok: Option<bool>,
    over: bool,
}

impl End {
    fn put_on(self, attempt: &mut AttemptReport, then: &Session, place: usize, entry: &Entry) {
        if !self.outcome.is_empty() {
            attempt.outcome = match attempt.outcome.as_str() {
                "" => clean(&self.outcome),
                before if self.over => format!("{before}; {}", clean(&self.outcome)),
                _ => clean(&self.outcome),
            };
        }
        if !self.over {
            return;
        }
        attempt.ok = self.ok;
        attempt.ended_at = Some(entry.at);
        let took = then.steps[place].started.and_then(|started| started.age(then.head_at));
        attempt.took_ms = took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        let allowed = then.runbook.steps[place].expect_within.filter(|_| attempt.work == Work::Run);
        attempt.late_ms = took
            .zip(allowed)
            .and_then(|(took, allowed)| took.checked_sub(allowed))
            .map(|late| u64::try_from(late.as_millis()).unwrap_or(u64::MAX))
            .filter(|late| *late > 0);
    }
}

fn team(session: &Session, told: Told, now: Moment) -> Team {
    let order = view::order(session);
    let (state, why) = match &session.stage {
        Stage::Open => ("open", None),
        Stage::Finished => ("finished", None),
        Stage::Aborted { why } => ("aborted", Some(clean(why))),
    };
    let until = told.closed_at.unwrap_or(now.at).millis();
    let opened = &session.opened;
    let steps = told.attempts.into_iter().enumerate().map(|(place, attempts)| {
        let (model, step) = (&session.runbook.steps[place], &session.steps[place]);
        let phase = model.phase.and_then(|phase| session.runbook.phases.get(phase));
        StepReport {
            number: place + 1,
            id: model.id.to_string(),
            title: clean(&view::filled(session, &model.title)),
            phase: phase.map(|phase| clean(&view::filled(session, phase))),
            state: view::step_status(session, &order, place, now),
            why: clean(&step.why),
            destructive: model.is_hold_point(),
            by_hand: step.by_hand,
            attempts,
        }
    });
    let checks = told.answers.into_iter().enumerate().map(|(place, answers)| {
        let model = &session.runbook.checks[place];
        CheckReport {
            id: model.id.to_string(),
            title: clean(&view::filled(session, &model.title)),
            attested: !model.is_automatic(),
            state: view::check(session, place, now).state,
            answers,
        }
    });
    Team {
        title: clean(&opened.title),
        session: clean(session.id.as_str()),
        state: state.to_owned(),
        why,
        as_of: now.at,
        opened_at: session.opened_at.at,
        closed_at: told.closed_at,
        took_ms: u64::try_from(until.saturating_sub(session.opened_at.at.millis())).unwrap_or(0),
        runbook: Source { path: clean(&opened.path), sha256: opened.sha256.clone() },
        machine: clean(&opened.machine),
        dir: clean(&opened.dir),
        operator: who(&session.operator),
        people: told.people,
        holds: session.holds.iter().map(hold).collect(),
        values: opened.values.iter().map(|(name, value)| (name.to_string(), in_a_line(value))).collect(),
        secrets: opened.secrets.iter().map(ToString::to_string).collect(),
        steps: steps.collect(),
        checks: checks.collect(),
        decisions: told.decisions,
        refused: told.refused,
        approvals: told.approvals,
        notes: told.notes,
        announced: told.announced,
        timeline: told.timeline,
    }
}

fn hold(hold: &Hold) -> Line {
    Line { n: hold.n, at: hold.at, by: who(&hold.by), what: clean(&hold.why) }
}

/// Did a person decide something with this, beyond starting what was due?
fn is_decision(event: &Event) -> bool {
    match event {
        Event::Attested { .. }
        | Event::StepSkipped { .. }
        | Event::HoldCalled { .. }
        | Event::HoldReleased { .. }
        | Event::Resolved { .. }
        | Event::StopAsked { .. }
        | Event::Approved { .. }
        | Event::ApprovalRefused { .. }
        | Event::HandedOver { .. }
        | Event::Finished
        | Event::Aborted { .. } => true,
        Event::StepStarted { typed, how, work, .. } => {
            typed.is_some() || *how == crate::session::event::How::ByHand || *work == Work::Undo
        }
        _ => false,
    }
}

fn refused(then: &Session, entry: &Entry) -> Option<RefusedTry> {
    let Event::Refused { action, why, unmet, .. } = &entry.event else {
        return None;
    };
    let named = |requirement: &Requirement| match requirement.kind {
        Kind::Check => clean(&format!("{}: {}", requirement.id, requirement.why)),
        Kind::Step => {
            let step = then.step_at(&requirement.id);
            let name = step.map_or_else(|| requirement.id.clone(), |place| view::step_name(then, place));
            clean(&format!("{name}: {}", requirement.why))
        }
        Kind::Order | Kind::Hold | Kind::Witness | Kind::Confirm => clean(&requirement.why),
    };
    Some(RefusedTry {
        n: entry.n,
        at: entry.at,
        by: who(&entry.by),
        action: clean(action),
        why: clean(why),
        unmet: unmet.iter().map(named).collect(),
    })
}

pub(super) fn clean(outside: &str) -> String {
    text::clean(outside).into_owned()
}

pub(super) fn who(person: &Person) -> String {
    clean(&person.name)
}

fn in_a_line(value: &Value) -> String {
    match value {
        Value::Text(text) => clean(text),
        Value::List(items) => clean(&items.join(", ")),
    }
}
