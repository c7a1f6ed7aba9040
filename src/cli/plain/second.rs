//! What the walk in lines says about the second person: who is here, what is asked of whom, what became of it. PURE.
//! Text from outside is cleaned here.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cli::approve::words;
use crate::report::status::step_word;
use crate::runbook::Proof;
use crate::session::approve::standing::over;
use crate::session::approve::{LIFETIME, name_of, standing};
use crate::session::event::Work;
use crate::session::state::{Approval, Round};
use crate::session::{Command, Entry, Event, Person, Session, view};
use crate::text::clean;
use crate::time::{Moment, in_words};
use crate::wire::messages::{Present, Role};

use super::line::{asked, here};

/// What somebody at this terminal may do, by the role they asked for and by who drives now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seat {
    /// Drives.
    Operator,
    /// Approves, refuses, notes, holds.
    Witness,
    /// Notes and holds.
    Watcher,
}

/// Where somebody sits.
pub(super) fn seat(session: &Session, role: Role, you: &Person) -> Seat {
    match role {
        Role::Watch => Seat::Watcher,
        Role::Drive | Role::Act if session.operator.same_account(you) => Seat::Operator,
        Role::Drive | Role::Act | Role::Witness => Seat::Witness,
    }
}

/// What is said when somebody sits down.
pub(super) fn welcome(session: &Session, role: Role, you: &Person) -> Vec<String> {
    let operator = clean(&session.operator.name).into_owned();
    let own = session.operator_as.iter().chain([&session.operator]).any(|operator| operator.may_be(you));
    match seat(session, role, you) {
        Seat::Operator => vec!["Type an action and Enter; help lists them. Enter alone does nothing.".to_owned()],
        Seat::Witness if own => vec![format!(
            "You joined as a second person, but you are {operator}, the operator, as far as this machine knows: you may look, \
             note and hold, and approve nothing."
        )],
        Seat::Witness => vec![
            format!("You are the second person; {operator} drives. What happens is told as it happens."),
            "When you are asked to approve, show reads it out; then approve, or refuse WHY. hold WHY stops everything, at any \
             time. Enter alone does nothing."
                .to_owned(),
        ],
        Seat::Watcher => vec![
            "Only looking: what happens is told as it happens. hold WHY and note WORDS are open to you. Ctrl-C leaves.".to_owned(),
        ],
    }
}

/// The prompt of somebody who does not drive.
pub(super) fn prompt(session: &Session, seat: Seat, now: Moment) -> String {
    let place = here(session);
    let status = view::step_status(session, &view::order(session), place, now);
    let held = if session.holds.is_empty() { "" } else { ", hold" };
    let stands = format!("step {} of {}, {}{held}", place + 1, session.steps.len(), step_word(status));
    match (seat, asked(session)) {
        (Seat::Witness, Some(place)) if !standing(session, place, work(session, place), None, now).met => {
            format!(
                "[witness; {} is asked of you] show reads it, then approve or refuse WHY; Enter does nothing > ",
                clean(&view::step_name(session, place))
            )
        }
        (Seat::Witness, _) => format!("[witness; {stands}] hold WHY stops everything; Enter does nothing > "),
        _ => format!("[watching; {stands}] hold WHY stops everything; Enter does nothing > "),
    }
}

/// Said once when the host is gone and only somebody else can bring it back.
pub(super) fn waits_for(owner: &str) -> String {
    format!(
        "No connection: the session's host is gone. It comes back when {} attaches; this waits for it (quit leaves). \
         What runs goes on. Nothing can be held or approved from here until then, and what was approved is void.",
        clean(owner)
    )
}

/// The prompt while there is no connection.
pub(super) fn waiting_prompt(owner: &str) -> String {
    format!("[no connection; waiting for {}] quit leaves; Enter does nothing > ", clean(owner))
}

/// What is said of a request that cannot be sent.
pub(super) fn not_sent(command: &Command) -> &'static str {
    match command {
        Command::Hold { .. } => "NOT HELD: there is no connection to the session",
        _ => "there is no connection to the session; nothing was done",
    }
}

/// What the operator does while an approval of the step is asked for, or stands.
pub(super) fn waiting(session: &Session, place: usize, now: Moment) -> String {
    let work = work(session, place);
    let standing = standing(session, place, work, None, now);
    let here = session.runbook.steps[place].witness.as_ref().is_some_and(|rule| rule.proof == Proof::Here);
    let verb = if work == Work::Undo { format!("undo {}", place + 1) } else { "run".to_owned() };
    match standing.left {
        Some(left) if standing.met => {
            format!("{}; {} left; {verb} starts it", clean(&standing.why), in_words(left))
        }
        _ if here => "somebody beside you types approve".to_owned(),
        Some(left) if !left.is_zero() => {
            format!("waits for a second person, {} left; people says how they join", in_words(left))
        }
        _ => format!("{verb} asks a second person anew"),
    }
}

/// Who approved the start that is about to be confirmed, how that is known, and when.
pub(super) fn approved_by(session: &Session, place: usize, of: Work, now: Moment) -> Vec<String> {
    let standing = standing(session, place, of, None, now);
    let Some(round) = session.steps[place].approval.as_deref().filter(|_| !standing.approvals.is_empty())
    else {
        return Vec::new();
    };
    let counts = round.given.iter().filter(|given| standing.approvals.contains(&given.n));
    let line = |given: &Approval| {
        let (at, how) = (given.at.at.clock(), words::known_by(&given.proof));
        clean(&format!("  {} at {at} UTC; known by: {how}", name_of(given))).into_owned()
    };
    let left = standing.left.map_or_else(String::new, |left| format!(", for {} more", in_words(left)));
    [String::new(), format!("Approved{left}:")].into_iter().chain(counts.map(line)).collect()
}

/// Forward or back, as it was asked last.
pub(super) fn work(session: &Session, place: usize) -> Work {
    session.steps[place].approval.as_deref().map_or(Work::Run, |round| round.subject.work)
}

/// What follows from a record for somebody in this seat.
pub(super) fn hint(entry: &Entry, session: &Session, seat: Seat, you: &Person) -> Option<String> {
    match (&entry.event, seat) {
        (Event::ApprovalAsked { subject }, Seat::Witness) if entry.by != *you => {
            let until = words::until(subject, None);
            Some(format!(
                "You are asked to approve it: type  show  to read it to its end. It serves until {until}."
            ))
        }
        (Event::Approved { step, .. }, Seat::Operator) => {
            let now = Moment { at: entry.at, up: entry.up, boot: session.host.as_ref()?.boot };
            let place = session.step_at(step.as_str())?;
            let standing = standing(session, place, work(session, place), None, now);
            let left = in_words(standing.left?);
            Some(if standing.met {
                format!("You may start it within {left}: run")
            } else {
                clean(&standing.why).into_owned()
            })
        }
        (Event::HandedOver { to }, Seat::Watcher) if to.same_account(you) => {
            Some("You are the operator now. To drive, quit and attach without --watch.".to_owned())
        }
        (Event::HandedOver { to }, Seat::Operator) => {
            Some(format!("You drive now, {}; help lists what can be typed.", clean(&to.name)))
        }
        _ => None,
    }
}

/// Who came and who left; scripts come and go unsaid.
pub(super) fn came_and_went(before: &[Present], after: &[Present]) -> Vec<String> {
    let count = |people: &[Present]| {
        let mut counted: BTreeMap<(String, Option<u32>, &'static str), i32> = BTreeMap::new();
        for one in people.iter().filter(|one| one.role != Role::Act) {
            *counted.entry((one.person.name.clone(), one.person.uid, as_what(one.role))).or_default() += 1;
        }
        counted
    };
    let (before, after) = (count(before), count(after));
    let of = |people: &BTreeMap<_, i32>, key: &_| people.get(key).copied().unwrap_or(0);
    let mut lines = Vec::new();
    for (key, now) in &after {
        if *now > of(&before, key) {
            lines.push(format!("{} joined, {}; known by account", clean(&key.0), key.2));
        }
    }
    for (key, then) in &before {
        if *then > of(&after, key) {
            lines.push(format!("{} left ({})", clean(&key.0), key.2));
        }
    }
    lines
}

fn as_what(role: Role) -> &'static str {
    match role {
        Role::Drive => "with a screen of their own",
        Role::Witness => "as a witness",
        Role::Watch => "to watch",
        Role::Act => "as a script",
    }
}

/// Everybody who is here, and the line to give to somebody.
pub(super) fn people(session: &Session, people: &[Present], join: &str) -> Vec<String> {
    let mut lines = vec![format!("{} is the operator.", clean(&session.operator.name))];
    for one in people.iter().filter(|one| one.role != Role::Act) {
        lines.push(format!(
            "  {} is attached, {}; known by account",
            clean(&one.person.name),
            as_what(one.role)
        ));
    }
    lines.push(format!("A second person joins with:  {}", clean(join)));
    lines
}

/// Which approvals stand, to say when one no longer does.
#[derive(Debug, Default)]
pub(super) struct Standings(BTreeMap<usize, (u64, String)>);

impl Standings {
    /// What was asked or approved and is void by now, each once. A refusal, and a start that uses an approval up, are told
    /// as they happen.
    pub(super) fn lines(&mut self, session: &Session, now: Moment) -> Vec<String> {
        let mut alive = BTreeMap::new();
        let mut lines = Vec::new();
        for place in 0..session.steps.len() {
            let Some(round) = session.steps[place].approval.as_deref() else { continue };
            let asked = round.subject.asked;
            match over(round, now) {
                None => {
                    alive.insert(place, (asked, round.subject.name.clone()));
                }
                Some(why)
                    if round.refused.is_none() && self.0.get(&place).is_some_and(|(n, _)| *n == asked) =>
                {
                    lines.push(gone(round, &why));
                }
                Some(_) => {}
            }
        }
        self.0 = alive;
        lines
    }

    /// How long until one expires.
    pub(super) fn due(&self, session: &Session, now: Moment) -> Option<Duration> {
        let left = |place: &usize| {
            let age = session.steps.get(*place)?.approval.as_ref()?.at.age(now)?;
            Some(LIFETIME.saturating_sub(age))
        };
        self.0.keys().filter_map(left).min()
    }
}

fn gone(round: &Round, why: &str) -> String {
    // That it is void is said here already.
    let why = round.void.as_deref().unwrap_or(why);
    let what = if round.given.is_empty() { "what was asked of a second person" } else { "the approval" };
    clean(&format!("{}: {what} no longer stands: {why}", round.subject.name)).into_owned()
}
