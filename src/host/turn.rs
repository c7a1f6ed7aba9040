//! One turn of the host: an input and the time in, outputs out. PURE: the journal is a trait that is passed in; no clock,
//! no process, no socket is known here.
//!
//! The order is the law: events are appended (one write, one sync for a batch), then applied, then told to every client,
//! and only then are effects handed out. A failed append is final: nothing is started after it.

mod inputs;
mod requests;
mod terminals;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::id::{CheckId, ValueName};
use crate::journal::room;
use crate::session::event::Ended;
use crate::session::next::{self, Effect, Move};
use crate::session::recover::{self, Found, Loose};
use crate::session::state::{Approval, Phase, Stage};
use crate::session::{Entry, Event, Person, Progress, Session};
use crate::time::Moment;
use crate::wire::messages::{Gaze, LogHealth, PROTOCOL, Present, Role, Welcome};
use crate::wire::{FromHost, ToHost};

use super::words;
use terminals::Terminals;

pub use inputs::{Append, AppendError, AskTag, Audience, ClientId, Input, Output};

/// Somebody attached.
#[derive(Clone, Debug)]
struct Guest {
    person: Person,
    role: Role,
}

impl Guest {
    /// A screen that can approve, and stays; not one action of a script, and not one that only watches.
    fn can_approve_and_stays(&self) -> bool {
        matches!(self.role, Role::Witness | Role::Drive)
    }
}

/// How many of the newest records a client gets with its welcome.
pub(super) const RECENT: usize = 500;

/// How many moves are made before others get their turn.
const MOVES_IN_A_ROW: usize = 1_000;

/// How long a host without work waits for a client before it leaves, milliseconds.
const GRACE: u64 = 1_000;

/// An append that takes this long is worth a warning.
pub(super) const SLOW: Duration = Duration::from_secs(1);

/// All that the host knows, but for what runs.
pub struct HostState {
    session: Session,
    journal: Box<dyn Append + Send>,
    recent: VecDeque<Entry>,
    guests: BTreeMap<ClientId, Guest>,
    /// By their record, which screen each approval was given on: it stands as long as that screen is open. (Not on
    /// record: what a host before this one let pass is void.)
    given_on: BTreeMap<u64, ClientId>,
    health: LogHealth,
    known_secrets: BTreeSet<ValueName>,
    /// Where screens that may lead look, as each told last.
    gazes: BTreeMap<ClientId, Gaze>,
    /// What was passed on last: whose screen led, and where it looked.
    led: Option<(ClientId, Gaze)>,
    asking: BTreeSet<AskTag>,
    terminals: Terminals,
    /// More moves are due at once.
    more: bool,
    /// When a host without work leaves, milliseconds since boot.
    leave_at: Option<u64>,
    /// The last record that is on disk; ahead of the session's only where the session did not take it in.
    on_record: u64,
}

impl HostState {
    /// Takes a session over.
    #[must_use]
    pub fn new(
        session: Session,
        entries: Vec<Entry>,
        journal: Box<dyn Append + Send>,
        known_secrets: impl IntoIterator<Item = ValueName>,
    ) -> Self {
        let skip = entries.len().saturating_sub(RECENT);
        Self {
            terminals: Terminals::of(&session),
            on_record: session.head,
            session,
            journal,
            recent: entries.into_iter().skip(skip).collect(),
            guests: BTreeMap::new(),
            given_on: BTreeMap::new(),
            health: LogHealth::Safe,
            known_secrets: known_secrets.into_iter().collect(),
            gazes: BTreeMap::new(),
            led: None,
            asking: BTreeSet::new(),
            more: false,
            leave_at: None,
        }
    }

    /// The walk.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The terminal of a command that an earlier host started is this large, columns and rows.
    pub fn found_terminal(&mut self, attempt: u32, item: Option<u32>, size: (u16, u16)) {
        self.terminals.sized((attempt, item), size);
    }

    /// Can the journal not be written any more?
    #[must_use]
    pub fn is_broken(&self) -> bool {
        matches!(self.health, LogHealth::Broken { .. })
    }

    /// Why it cannot, if so.
    #[must_use]
    pub fn broken_by(&self) -> Option<&str> {
        match &self.health {
            LogHealth::Broken { why } => Some(why),
            _ => None,
        }
    }

    /// When a [`Input::Tick`] is due although nothing happened.
    #[must_use]
    pub fn wake_after(&self, now: Moment) -> Option<Duration> {
        if self.more {
            return Some(Duration::ZERO);
        }
        let leave = self.leave_at.map(|at| Duration::from_millis(at.saturating_sub(now.up)));
        let walk = if self.is_broken() { None } else { next::wake_after(&self.session, now) };
        match (leave, walk) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    fn secrets_missing(&self) -> Vec<ValueName> {
        let secrets = &self.session.opened.secrets;
        secrets.iter().filter(|name| !self.known_secrets.contains(*name)).cloned().collect()
    }

    fn people(&self) -> Vec<Present> {
        self.guests.values().map(|guest| Present { person: guest.person.clone(), role: guest.role }).collect()
    }

    fn welcome(&self, guest: &Guest) -> FromHost {
        FromHost::Welcome(Box::new(Welcome {
            protocol: PROTOCOL,
            onbelay: env!("CARGO_PKG_VERSION").to_owned(),
            session: self.session.clone(),
            recent: self.recent.iter().cloned().collect(),
            you: guest.person.clone(),
            people: self.people(),
            log: self.health.clone(),
            secrets_missing: self.secrets_missing(),
            gaze: self.led.as_ref().map(|(_, gaze)| gaze.clone()),
            terminals: terminals::now(self),
        }))
    }

    fn is_asking(&self, tag: &AskTag) -> bool {
        let key = tag.item.as_deref().unwrap_or_default();
        self.session
            .check_at(tag.check.as_str())
            .and_then(|place| self.session.checks[place].asking.as_ref())
            .is_some_and(|asking| asking.n == tag.n && asking.open.iter().any(|open| open == key))
    }
}

/// Takes an input in; what must be done now, in order.
pub fn turn(state: &mut HostState, input: Input, now: Moment) -> Vec<Output> {
    let mut out = Vec::new();
    let input = match input {
        // A key changes nothing of the walk, and must be seen soon.
        Input::Asked(client, _, ToHost::Type { id, of, data }, _) => {
            terminals::typed(state, client, id, of, &data, &mut out);
            return out;
        }
        Input::Asked(client, _, ToHost::Window { of, columns, rows }, _) => {
            terminals::resized(state, client, of, (columns, rows), &mut out);
            return out;
        }
        other => other,
    };
    state.more = false;
    match input {
        Input::Began(events) => {
            // No move yet: what the last host left must be known first.
            record_own(state, events, now, &mut out);
            return out;
        }
        Input::Recovered(found) => {
            let events = recover::recover(&state.session, &found, now);
            record_own(state, events, now, &mut out);
            // The host that recorded them may have died before it sent them. Twice does no harm.
            out.extend(stops_to_send_again(&state.session, &found));
        }
        Input::Joined { client, person, role } => {
            let guest = Guest { person, role };
            state.guests.insert(client, guest.clone());
            out.push(Output::Tell(Audience::One(client), state.welcome(&guest)));
            out.push(Output::Tell(Audience::All, FromHost::People { people: state.people() }));
        }
        Input::Drained(client) => {
            if let Some(guest) = state.guests.get(&client) {
                out.push(Output::Tell(Audience::One(client), state.welcome(guest)));
            }
        }
        Input::Left(client) => {
            state.gazes.remove(&client);
            if let Some(guest) = state.guests.remove(&client) {
                let left = left_after_approving(state, client, &guest);
                record_own(state, left, now, &mut out);
                state.given_on.retain(|_, screen| *screen != client);
                out.push(Output::Tell(Audience::All, FromHost::People { people: state.people() }));
            }
        }
        Input::Asked(client, person, message, found) => {
            requests::asked(
                state,
                requests::Request { client, person, message, found: *found },
                now,
                &mut out,
            );
        }
        Input::Answered(tag, answer) => {
            state.asking.remove(&tag);
            if let Some(answer) = answer.filter(|_| state.is_asking(&tag)) {
                let event = Event::CheckAnswered { check: tag.check, item: tag.item, answer };
                record_own(state, vec![event], now, &mut out);
            }
        }
        Input::Looked(tag, far) => {
            if state.is_asking(&tag) {
                let asking = FromHost::Asking { check: tag.check, item: tag.item, far };
                out.push(Output::Tell(Audience::All, asking));
            }
        }
        Input::Ended { attempt, item, ended } => {
            if let Some(event) = end_of(&state.session, attempt, item, ended) {
                let before = state.on_record;
                let kept = words::finished_not_recorded(&event);
                record_own(state, vec![event], now, &mut out);
                // What is on record and was not taken in is another fault, and that end is not lost.
                let kept = kept.filter(|_| state.on_record == before);
                if let (Some(kept), LogHealth::Broken { why }) = (kept, &state.health) {
                    let why = format!("{why}; {kept}");
                    // Who hears the first word of it may leave.
                    out.retain(|output| !matches!(output, Output::Tell(_, FromHost::Health { .. })));
                    set_health(state, LogHealth::Broken { why }, &mut out);
                }
            }
        }
        Input::Stay => state.leave_at = None,
        Input::Tick => {}
        Input::Terminate => {
            let why = "the session's host was told to end; commands that run go on without it".to_owned();
            out.push(Output::Exit { why: Some(why) });
            return out;
        }
    }
    make_moves(state, now, &mut out);
    requests::pass_on_gaze(state, &mut out);
    terminals::tell(state, &mut out);
    consider_leaving(state, now, &mut out);
    out
}

/// Approvals that end with this screen: those given on it, whatever else that person has open; and, where one came by a
/// command beside it, when it was the last that could have given it.
fn left_after_approving(state: &HostState, client: ClientId, guest: &Guest) -> Vec<Event> {
    if !guest.can_approve_and_stays() {
        return Vec::new();
    }
    let was_last = !has_screen(state, &guest.person);
    let ends = |given: &Approval| match state.given_on.get(&given.n) {
        Some(screen) => *screen == client,
        None => was_last && given.by.same_account(&guest.person),
    };
    let void = |place: usize| {
        let round = state.session.steps[place].approval.as_ref()?;
        let given = round.given.iter().filter(|given| given.attached && given.void.is_none());
        let approvals: Vec<u64> = given.filter(|given| ends(given)).map(|given| given.n).collect();
        let why = format!("{} left before the start", guest.person.name);
        let step = state.session.runbook.steps[place].id.clone();
        (!approvals.is_empty()).then_some(Event::ApprovalsVoided { step, approvals, why })
    };
    (0..state.session.steps.len()).filter_map(void).collect()
}

/// Has this person a screen open on which they could approve?
fn has_screen(state: &HostState, person: &Person) -> bool {
    let theirs = |guest: &Guest| guest.can_approve_and_stays() && guest.person.same_account(person);
    state.guests.values().any(theirs)
}

/// What an end of a command means for the walk; `None`: nothing waits for it.
fn end_of(
    session: &Session,
    attempt: u32,
    item: Option<u32>,
    ended: Result<Box<Ended>, String>,
) -> Option<Event> {
    let (place, running) =
        session.steps.iter().enumerate().find_map(|(place, step)| match &step.progress {
            Progress::Running(running) if running.attempt == attempt => Some((place, running)),
            _ => None,
        })?;
    let now = (!running.items.is_empty()).then_some(running.next_item);
    if running.phase != Phase::Working || item != now {
        return None;
    }
    let step = session.runbook.steps[place].id.clone();
    Some(match (ended, item) {
        (Err(evidence), _) => Event::Interrupted { step, attempt, evidence },
        (Ok(ended), None) => Event::WorkEnded { step, attempt, ended },
        (Ok(ended), Some(index)) => {
            let item = running.items.get(index as usize)?.clone();
            Event::ItemEnded { step, attempt, item, ended }
        }
    })
}

/// The stops on record of commands that are found alive.
fn stops_to_send_again(session: &Session, found: &[(Loose, Found)]) -> Vec<Output> {
    let is_to_stop = |loose: &Loose| match &session.steps[loose.place].progress {
        Progress::Running(running) => running.stop_asked,
        _ => false,
    };
    let alive = found.iter().filter(|(loose, what)| *what == Found::Alive && is_to_stop(loose));
    alive.map(|(loose, _)| Output::Stop { attempt: loose.attempt }).collect()
}

/// Records what the tool itself found out.
fn record_own(state: &mut HostState, events: Vec<Event>, now: Moment, out: &mut Vec<Output>) {
    let events = events.into_iter().map(|event| (Person::tool(), event)).collect();
    if let Err(AppendError::NotTaken(why)) = record(state, events, now, out) {
        // Only people's words can be too long; what the tool finds is bounded where it is found.
        broken(state, why, out);
    }
}

/// Appends, applies, tells, and hands out what follows from each record. The number of the first record (of the last
/// one there was, where there is nothing to record).
fn record(
    state: &mut HostState,
    events: Vec<(Person, Event)>,
    now: Moment,
    out: &mut Vec<Output>,
) -> Result<u64, AppendError> {
    if let LogHealth::Broken { why } = &state.health {
        return Err(AppendError::Broken(why.clone()));
    }
    let first = state.session.head + 1;
    let mut entries: Vec<Entry> = (first..)
        .zip(events)
        .map(|(n, (by, event))| Entry {
            n,
            at: now.at,
            up: now.up,
            session: state.session.id.clone(),
            by,
            event,
        })
        .collect();
    let Some(newest) = entries.first_mut() else {
        return Ok(state.session.head);
    };
    if let Event::ApprovalAsked { subject } = &mut newest.event {
        // Like its number and its time, the head it follows is known only where the record is made.
        subject.head.sha256 = state.journal.head();
    }
    let took = match state.journal.append(&entries) {
        Ok(took) => took,
        Err(AppendError::Broken(why)) => {
            broken(state, why.clone(), out);
            return Err(AppendError::Broken(why));
        }
        Err(not_taken) => return Err(not_taken),
    };
    state.on_record = entries.last().map_or(state.on_record, |entry| entry.n);
    let mut effects = Vec::new();
    for entry in &entries {
        if let Err(illegal) = state.session.apply(entry) {
            let why = format!("{illegal}; this is a fault of onbelay itself, please report it");
            broken(state, why.clone(), out);
            return Err(AppendError::Broken(why));
        }
        effects.extend(next::follow_up(&state.session, entry));
        if let Event::CheckDropped { check } = &entry.event {
            state.asking.retain(|tag| tag.check != *check);
            out.push(Output::CancelAsks { check: check.clone() });
        }
        if let Event::HandedOver { to } = &entry.event {
            take_the_wheel(&mut state.guests, to);
        }
        if state.recent.len() == RECENT {
            state.recent.pop_front();
        }
        state.recent.push_back(entry.clone());
    }
    let handed_over = entries.iter().any(|entry| matches!(entry.event, Event::HandedOver { .. }));
    out.push(Output::Tell(Audience::All, FromHost::Entries { entries }));
    if handed_over {
        out.push(Output::Tell(Audience::All, FromHost::People { people: state.people() }));
    }
    for effect in effects {
        hand_out(state, effect, out);
    }
    let health = if took >= SLOW {
        LogHealth::Slow { took: u64::try_from(took.as_millis()).unwrap_or(u64::MAX) }
    } else {
        LogHealth::Safe
    };
    set_health(state, health, out);
    Ok(first)
}

/// Whoever witnessed until now goes on from the same screen as the operator.
fn take_the_wheel(guests: &mut BTreeMap<ClientId, Guest>, operator: &Person) {
    for guest in guests.values_mut().filter(|guest| guest.person.same_account(operator)) {
        if guest.role == Role::Witness {
            guest.role = Role::Drive;
        }
    }
}

/// The journal is lost to this host: nothing is started any more, and everyone is told.
fn broken(state: &mut HostState, why: String, out: &mut Vec<Output>) {
    out.retain(|output| !matches!(output, Output::Start(_) | Output::Ask(..)));
    let checks: BTreeSet<CheckId> = state.asking.iter().map(|tag| tag.check.clone()).collect();
    out.extend(checks.into_iter().map(|check| Output::CancelAsks { check }));
    state.asking.clear();
    set_health(state, LogHealth::Broken { why }, out);
}

fn set_health(state: &mut HostState, health: LogHealth, out: &mut Vec<Output>) {
    if state.health != health {
        state.health = health.clone();
        out.push(Output::Tell(Audience::All, FromHost::Health { log: health }));
    }
}

/// Makes every move that is due, each on record before its effects are handed out.
fn make_moves(state: &mut HostState, now: Moment, out: &mut Vec<Output>) {
    for _ in 0..MOVES_IN_A_ROW {
        if state.is_broken() {
            return;
        }
        let Some(step) = next::next(&state.session, now, &state.known_secrets) else { return };
        let step = if_there_is_room(state, step);
        match record(state, step.events, now, out) {
            Ok(_) => {
                for effect in step.effects {
                    hand_out(state, effect, out);
                }
            }
            Err(AppendError::NotTaken(why)) => return broken(state, why, out),
            Err(AppendError::Broken(_)) => return,
        }
    }
    state.more = true;
}

/// The move as it is; or, where it begins something that destroys and the disk is all but full, a refusal. Asked at that very
/// moment: what is asked for may wait for hours until it starts. What was begun goes on, and what takes a step back may start:
/// the room that is kept back is there for them.
fn if_there_is_room(state: &HostState, step: Move) -> Move {
    let Some(place) = next::begins_to_destroy(&state.session, &step) else { return step };
    match state.journal.room().and_then(room::too_little) {
        Some(why) => next::refusal(&state.session, place, why).unwrap_or(step),
        None => step,
    }
}

fn hand_out(state: &mut HostState, effect: Effect, out: &mut Vec<Output>) {
    out.push(match effect {
        Effect::Start(permit) => Output::Start(permit),
        Effect::Stop { attempt } => Output::Stop { attempt },
        Effect::Ask(ask) => {
            let asking = state
                .session
                .check_at(ask.check.as_str())
                .and_then(|place| state.session.checks[place].asking.as_ref());
            let n = asking.map_or(0, |asking| asking.n);
            let tag = AskTag { n, check: ask.check.clone(), item: ask.item.clone() };
            state.asking.insert(tag.clone());
            Output::Ask(tag, ask)
        }
    });
}

fn consider_leaving(state: &mut HostState, now: Moment, out: &mut Vec<Output>) {
    let closed = state.session.stage != Stage::Open && state.session.running().is_empty();
    if !state.guests.is_empty() || !(closed || state.is_broken()) {
        state.leave_at = None;
        return;
    }
    let at = *state.leave_at.get_or_insert(now.up + GRACE);
    if at <= now.up {
        out.push(Output::Exit { why: None });
    }
}

#[cfg(test)]
mod tests;
