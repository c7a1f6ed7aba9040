//! What a client's request leads to: records, a refusal, a secret kept. PURE.

use crate::session::{Circumstances, Command, Event, Fault, Person, Refusal, decide};
use crate::time::Moment;
use crate::wire::gaze::MOST_ON_TOP;
use crate::wire::messages::{LogHealth, Reply, Role};
use crate::wire::{FromHost, ToHost};

use super::super::words;
use super::terminals;
use super::{AppendError, Audience, ClientId, Guest, HostState, Output, has_screen, record, record_own};

/// The most that a screen may say about what lies on top of it, bytes: a few words.
const MOST_SAID: usize = 400;

/// Tells everyone where the operator looks, if that is news: of several screens of theirs the one that was there first
/// leads. Another may lead from now because the first has left, or because somebody else is the operator.
pub(super) fn pass_on_gaze(state: &mut HostState, out: &mut Vec<Output>) {
    let operator = &state.session.operator;
    let leads = |guest: &Guest| guest.role == Role::Drive && guest.person.same_account(operator);
    let leader = state.guests.iter().find(|(_, guest)| leads(guest));
    let Some((client, guest, gaze)) =
        leader.and_then(|(client, guest)| Some((client, guest, state.gazes.get(client)?)))
    else {
        state.led = None;
        return;
    };
    if state.led.as_ref().is_some_and(|(of, led)| of == client && led == gaze) {
        return;
    }
    state.led = Some((*client, gaze.clone()));
    let looking = FromHost::Looking { person: guest.person.clone(), gaze: gaze.clone() };
    out.push(Output::Tell(Audience::All, looking));
}

/// What a client sent, and who it is by the kernel's word at that moment.
pub(super) struct Request {
    pub(super) client: ClientId,
    pub(super) person: Person,
    pub(super) message: ToHost,
    pub(super) found: Circumstances,
}

pub(super) fn asked(state: &mut HostState, request: Request, now: Moment, out: &mut Vec<Output>) {
    let Request { client, person, message, mut found } = request;
    let Some(known) = state.guests.get_mut(&client) else { return };
    let role = known.role;
    let guest = Guest { person, role };
    let asks = matches!(message, ToHost::Request { .. });
    if asks && found.barred.is_none() && known.person != guest.person {
        // Renamed since it connected.
        known.person = guest.person.clone();
        out.push(Output::Tell(Audience::All, FromHost::People { people: state.people() }));
    }
    found.attached = guest.can_approve_and_stays() || has_screen(state, &guest.person);
    match message {
        ToHost::Request { id, command } => {
            let result = decided(state, client, &guest, &command, now, &found, out);
            out.push(Output::Tell(Audience::One(client), FromHost::Reply { id, result }));
        }
        ToHost::GiveSecret { name, value } => {
            let may = matches!(guest.role, Role::Drive | Role::Act)
                && found.barred.is_none()
                && state.session.operator.same_account(&guest.person);
            // One that is known stays as it is: what was approved with it must not run with another.
            let mut to = Audience::One(client);
            if may && state.secrets_missing().contains(&name) && !value.0.is_empty() {
                state.known_secrets.insert(name.clone());
                out.push(Output::Keep { name, value });
                to = Audience::All;
            }
            // Told in any case: who gave it sees whether it was taken.
            let names = state.secrets_missing();
            out.push(Output::Tell(to, FromHost::SecretsMissing { names }));
        }
        ToHost::Look { mut gaze } => {
            gaze.top =
                gaze.top.filter(|top| serde_json::to_vec(top).is_ok_and(|told| told.len() <= MOST_ON_TOP));
            gaze.top = gaze.top.and_then(|top| top.for_others()).map(Box::new);
            let said = gaze.over.as_ref().map_or(0, String::len);
            let known = state.session.step_at(gaze.step.as_str()).is_some();
            if guest.role == Role::Drive && known && said <= MOST_SAID {
                state.gazes.insert(client, gaze);
            }
        }
        ToHost::Hello { .. }
        | ToHost::ReadOutput { .. }
        | ToHost::FollowOutput { .. }
        | ToHost::FollowOutputs { .. }
        | ToHost::FindOutput { .. }
        | ToHost::StopFinding
        | ToHost::Type { .. }
        | ToHost::Window { .. }
        | ToHost::ReadLog { .. } => {}
    }
}

fn decided(
    state: &mut HostState,
    client: ClientId,
    guest: &Guest,
    command: &Command,
    now: Moment,
    found: &Circumstances,
    out: &mut Vec<Output>,
) -> Reply {
    if let Some(refusal) = not_in_this_role(guest.role, command) {
        return Reply::Refused { n: 0, refusal };
    }
    if let LogHealth::Broken { why } = &state.health {
        return Reply::Failed { why: words::journal_broken(why) };
    }
    void_lapsed(state, &found.lapsed, now, out);
    let decision = match &found.barred {
        Some(why) => Err(Refusal::rule(why.clone())),
        None => decide::decide(&state.session, command, &guest.person, now, found),
    };
    let result = match decision {
        Ok(events) => {
            let on_this_screen = guest.can_approve_and_stays()
                && matches!(events[..], [Event::Approved { attached: true, .. }]);
            let taken = match &events[..] {
                [Event::TerminalTaken { step, .. }] => Some(step.clone()),
                _ => None,
            };
            let events = events.into_iter().map(|event| (guest.person.clone(), event)).collect();
            record(state, events, now, out).map(|n| {
                if let Some(step) = taken {
                    terminals::taken(state, step.as_str(), client);
                }
                if on_this_screen {
                    state.given_on.insert(n, client);
                }
                Reply::Recorded { n }
            })
        }
        Err(refusal) if refusal.fault == Fault::Call => Ok(Reply::Refused { n: 0, refusal }),
        Err(refusal) => {
            // Naming the step here would end what somebody else has under way with it.
            let event = Event::Refused {
                action: command.action(),
                step: None,
                why: refusal.sentence.clone(),
                unmet: refusal.unmet.clone(),
            };
            record(state, vec![(guest.person.clone(), event)], now, out)
                .map(|n| Reply::Refused { n, refusal })
        }
    };
    match result {
        Ok(reply) => reply,
        Err(AppendError::NotTaken(why)) => Reply::Refused { n: 0, refusal: Refusal::call(why) },
        Err(AppendError::Broken(why)) => Reply::Failed { why: words::journal_broken(&why) },
    }
}

/// Approvals whose givers may not approve any more, found out just now: they are void before anything starts by them.
fn void_lapsed(state: &mut HostState, lapsed: &[(u64, String)], now: Moment, out: &mut Vec<Output>) {
    let mut void = Vec::new();
    for (place, step) in state.session.steps.iter().enumerate() {
        let given = step.approval.iter().flat_map(|round| &round.given);
        for given in given.filter(|given| given.void.is_none()) {
            if let Some((n, why)) = lapsed.iter().find(|(n, _)| *n == given.n) {
                let step = state.session.runbook.steps[place].id.clone();
                void.push(Event::ApprovalsVoided { step, approvals: vec![*n], why: why.clone() });
            }
        }
    }
    record_own(state, void, now, out);
}

/// What a screen that was opened to watch, or to witness, does not do. Everyone may call a hold and leave a note.
fn not_in_this_role(role: Role, command: &Command) -> Option<Refusal> {
    let of_everyone =
        matches!(command, Command::Hold { .. } | Command::Note { .. } | Command::Release { why: None });
    let of_a_witness = matches!(
        command,
        Command::AskApproval { .. }
            | Command::Approve { .. }
            | Command::Refuse { .. }
            | Command::Check { .. }
            | Command::Attest { .. }
            | Command::Release { .. }
            | Command::Stop { .. }
    );
    match role {
        Role::Drive | Role::Act => None,
        _ if of_everyone => None,
        Role::Witness if of_a_witness => None,
        Role::Witness => Some(Refusal::call("this screen is a witness's; attach without --witness to drive")),
        Role::Watch => Some(Refusal::call("this screen only watches; attach without --watch to act")),
    }
}
