//! A connection that can go from one face to another: the screen hands it to the lines, and the lines hand it back. SHELL.
//! For the host it is the same client all the while, so that nothing it said is void.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use crate::wire::FromHost;

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
        let (client, incoming) = match bound {
            Some(bound) => {
                let (sender, incoming) = sync_channel(bound);
                let deliver = move |message| {
                    let heard = sender.send(message).is_ok();
                    woken();
                    heard
                };
                (connect(dir, wish, deliver)?, incoming)
            }
            None => {
                let (sender, incoming) = channel();
                let deliver = move |message| {
                    let heard = sender.send(message).is_ok();
                    woken();
                    heard
                };
                (connect(dir, wish, deliver)?, incoming)
            }
        };
        Ok(Self { client, incoming, waits_for: None, wake })
    }

    /// From now on this is called after each message. What waits already is not told again.
    pub fn wake_by(&self, wake: impl Fn() + Send + 'static) {
        *self.wake.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(wake);
    }

    /// Takes note of what arrived, for whoever has the line next.
    pub fn note(&mut self, incoming: &Incoming) {
        match incoming {
            Incoming::Message(message) => self.note_message(message),
            Incoming::Waiting { owner } => self.waits_for = Some(owner.clone()),
            Incoming::Lost { .. } | Incoming::Gone { .. } => {}
        }
    }

    fn note_message(&mut self, message: &FromHost) {
        let welcome = &mut self.client.welcome;
        match message {
            FromHost::Welcome(new) => {
                self.waits_for = None;
                welcome.recent.clone_from(&new.recent);
                welcome.people.clone_from(&new.people);
                welcome.log = new.log.clone();
                welcome.secrets_missing.clone_from(&new.secrets_missing);
                welcome.gaze.clone_from(&new.gaze);
            }
            FromHost::Entries { entries } => {
                welcome.recent.extend(entries.iter().cloned());
                // Not with every record: the vector moves as a whole.
                if welcome.recent.len() > 2 * RECENT {
                    welcome.recent.drain(..welcome.recent.len() - RECENT);
                }
            }
            FromHost::People { people } => welcome.people.clone_from(people),
            FromHost::Health { log } => welcome.log = log.clone(),
            FromHost::SecretsMissing { names } => welcome.secrets_missing.clone_from(names),
            _ => {}
        }
    }
}
