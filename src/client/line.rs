//! A connection that can go from one face to another: the screen hands it to the lines, and the lines hand it back. SHELL.
//! For the host it is the same client all the while, so that nothing it said is void.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use crate::session::Event;
use crate::wire::FromHost;
use crate::wire::messages::Welcome;

use super::{Client, ClientError, Incoming, Wish, connect};

/// The newest records that go along from face to face.
const RECENT: usize = 500;

type Waker = Box<dyn Fn() + Send>;

/// A connected client, what it has delivered, and who is told that there is more.
pub struct Line {
    /// The connection. Its welcome is kept as it would be said now, but for the session: whoever follows that sets it
    /// before the line goes on.
    pub client: Client,
    /// What arrived and was not taken yet.
    pub incoming: Receiver<Incoming>,
    /// There is no connection, and this account's attach brings it back.
    pub waits_for: Option<String>,
    /// There is no connection; why.
    pub lost: Option<String>,
    wake: Arc<Mutex<Waker>>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Line {
    /// Connects to the session in `dir`. `bound`: how many messages may wait before the reading end does too; absent: any
    /// number. `wake` is called, on another thread, after each message that can then be taken.
    pub fn open(
        dir: &Path,
        wish: Wish,
        bound: Option<usize>,
        wake: impl Fn() + Send + 'static,
    ) -> Result<Self, ClientError> {
        let wake: Arc<Mutex<Waker>> = Arc::new(Mutex::new(Box::new(wake)));
        let of_reader = Arc::clone(&wake);
        let woken = move || (of_reader.lock().unwrap_or_else(PoisonError::into_inner))();
        let (client, incoming) = if let Some(bound) = bound {
            let (sender, incoming) = sync_channel(bound);
            let deliver = move |message| {
                let heard = sender.send(message).is_ok();
                woken();
                heard
            };
            (connect(dir, wish, deliver)?, incoming)
        } else {
            let (sender, incoming) = channel();
            let deliver = move |message| {
                let heard = sender.send(message).is_ok();
                woken();
                heard
            };
            (connect(dir, wish, deliver)?, incoming)
        };
        Ok(Self { client, incoming, waits_for: None, lost: None, wake })
    }

    /// From now on this is called after each message. What waits already is not told again.
    pub fn wake_by(&self, wake: impl Fn() + Send + 'static) {
        *self.wake.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(wake);
    }

    /// Takes note of what arrived, for whoever has the line next.
    pub fn note(&mut self, incoming: &Incoming) {
        match incoming {
            Incoming::Message(message) => {
                if matches!(**message, FromHost::Welcome(_)) {
                    (self.waits_for, self.lost) = (None, None);
                }
                note(&mut self.client.welcome, message);
            }
            Incoming::Waiting { owner } => self.waits_for = Some(owner.clone()),
            Incoming::Lost { why } => self.lost = Some(why.clone()),
            Incoming::Gone { .. } => {}
        }
    }
}

/// Keeps a welcome as it would be said now: every part of it is told anew by a message of its own. PURE.
fn note(welcome: &mut Welcome, message: &FromHost) {
    match message {
        FromHost::Welcome(new) => {
            // All of it by name, so that a new part of a welcome is not forgotten here.
            let Welcome {
                protocol,
                onbelay,
                session: _,
                recent,
                you,
                people,
                log,
                secrets_missing,
                gaze,
                terminals,
            } = &**new;
            welcome.protocol = *protocol;
            welcome.onbelay.clone_from(onbelay);
            welcome.recent.clone_from(recent);
            welcome.you.clone_from(you);
            welcome.people.clone_from(people);
            welcome.log.clone_from(log);
            welcome.secrets_missing.clone_from(secrets_missing);
            welcome.gaze.clone_from(gaze);
            welcome.terminals.clone_from(terminals);
        }
        FromHost::Entries { entries } => {
            if entries.iter().any(|entry| matches!(entry.event, Event::HandedOver { .. })) {
                // Where the one before looked says nothing of the operator now.
                welcome.gaze = None;
            }
            welcome.recent.extend(entries.iter().cloned());
            // Not with every record: the vector moves as a whole.
            if welcome.recent.len() > 2 * RECENT {
                welcome.recent.drain(..welcome.recent.len() - RECENT);
            }
        }
        FromHost::People { people } => welcome.people.clone_from(people),
        FromHost::Looking { gaze, .. } => welcome.gaze = Some(gaze.clone()),
        FromHost::Health { log } => welcome.log = log.clone(),
        FromHost::SecretsMissing { names } => welcome.secrets_missing.clone_from(names),
        FromHost::Terminals { terminals } => welcome.terminals.clone_from(terminals),
        // Answers, and what is told several times a second.
        FromHost::Goodbye { .. }
        | FromHost::Reply { .. }
        | FromHost::Output { .. }
        | FromHost::OutputGrew { .. }
        | FromHost::Found { .. }
        | FromHost::Log { .. }
        | FromHost::Asking { .. }
        | FromHost::Typed { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::bench::{Bench, dana, sam};
    use crate::wire::messages::{
        Gaze, LogHealth, OutputFile, PROTOCOL, Present, Role, Sight, Stream, Terminal, Welcome,
    };

    #[test]
    fn what_was_told_since_goes_along_to_the_next_face() {
        let fresh = || Welcome {
            protocol: PROTOCOL,
            onbelay: "0.1.0".to_owned(),
            session: Bench::new("steps:\n  - { id: look, title: Look, run: 'true' }\n").session,
            recent: Vec::new(),
            you: dana(),
            people: Vec::new(),
            log: LogHealth::Safe,
            secrets_missing: Vec::new(),
            gaze: None,
            terminals: Vec::new(),
        };
        let mut kept = fresh();
        let of = OutputFile { attempt: 1, item: None, stream: Stream::Output };
        let open = Terminal { of, step: "look".into(), columns: 80, rows: 24, typist: None };
        let gaze = Gaze { step: "look".into(), sight: Sight::Step { scroll: 0 }, over: None, top: None };
        let people = vec![Present { person: sam(), role: Role::Drive }];
        let broken = LogHealth::Broken { why: "full".to_owned() };
        for message in [
            FromHost::Terminals { terminals: vec![open.clone()] },
            FromHost::People { people: people.clone() },
            FromHost::Health { log: broken.clone() },
            FromHost::SecretsMissing { names: vec![crate::id::ValueName::new("token")] },
            FromHost::Looking { person: dana(), gaze: gaze.clone() },
        ] {
            note(&mut kept, &message);
        }
        assert_eq!(kept.terminals, [open]);
        assert_eq!((&kept.people, &kept.log), (&people, &broken));
        assert_eq!(kept.secrets_missing, [crate::id::ValueName::new("token")]);
        assert_eq!(kept.gaze, Some(gaze));

        // And whole, after the client lagged or came to another host.
        let mut late = fresh();
        note(&mut late, &FromHost::Welcome(Box::new(kept.clone())));
        assert_eq!(late, kept);
    }
}
