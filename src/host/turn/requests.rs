//! What a client's request leads to: records, a refusal, a secret kept. PURE.

use crate::session::{Command, Event, Fault, Refusal, decide};
use crate::time::Moment;
use crate::wire::messages::{LogHealth, Reply, Role};
use crate::wire::{FromHost, ToHost};

use super::super::words;
use super::{AppendError, Audience, ClientId, Guest, HostState, Output, record};

pub(super) fn asked(
    state: &mut HostState,
    client: ClientId,
    message: ToHost,
    now: Moment,
    out: &mut Vec<Output>,
) {
    let Some(guest) = state.guests.get(&client).cloned() else { return };
    match message {
        ToHost::Request { id, command } => {
            let result = request(state, &guest, &command, now, out);
            out.push(Output::Tell(Audience::One(client), FromHost::Reply { id, result }));
        }
        ToHost::GiveSecret { name, value } => {
            let may = guest.role != Role::Watch && guest.person.uid == state.session.operator.uid;
            if may && state.session.opened.secrets.contains(&name) && !value.is_empty() {
                state.known_secrets.insert(name.clone());
                out.push(Output::Keep { name, value });
            }
            // Told in any case: who gave it sees whether it was taken.
            let names = state.secrets_missing();
            out.push(Output::Tell(Audience::All, FromHost::SecretsMissing { names }));
        }
        ToHost::Hello { .. }
        | ToHost::ReadOutput { .. }
        | ToHost::FollowOutput { .. }
        | ToHost::ReadLog { .. } => {}
    }
}

fn request(
    state: &mut HostState,
    guest: &Guest,
    command: &Command,
    now: Moment,
    out: &mut Vec<Output>,
) -> Reply {
    if guest.role == Role::Watch {
        let refusal = Refusal::call("this screen only watches; attach without --watch to act");
        return Reply::Refused { n: 0, refusal };
    }
    if let LogHealth::Broken { why } = &state.health {
        return Reply::Failed { why: words::journal_broken(why) };
    }
    let result = match decide::decide(&state.session, command, &guest.person, now) {
        Ok(events) => {
            let events = events.into_iter().map(|event| (guest.person.clone(), event)).collect();
            record(state, events, now, out).map(|n| Reply::Recorded { n })
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
