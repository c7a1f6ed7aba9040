//! The host's loop: one inbox, one turn for each input, outputs in order; asleep until something comes or is due. SHELL.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;
use crate::process::terminal::Size;
use crate::session::Progress;
use crate::session::gate::Permit;
use crate::session::state::StartRecord;
use crate::time::Moment;
use crate::wire::FromHost;

use super::clients::{FromClients, Lines, Seats, Served};
use super::glance::{self, Glance};
use super::perform::Performer;
use super::socket::SessionDir;
use super::turn::{Audience, HostState, Input, Output, turn};

/// A deadline is looked at again after this long, for the clock of waiting stands still while the machine is suspended.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How long checks that are let go may take to end.
const LETTING_GO: Duration = Duration::from_secs(1);

/// All that the loop holds.
pub(super) struct Driver {
    pub(super) state: HostState,
    pub(super) performer: Performer,
    pub(super) lines: Lines,
    pub(super) dir: SessionDir,
    pub(super) inbox: Receiver<FromClients>,
    pub(super) seats: Arc<Seats>,
    /// Where clients' threads look.
    pub(super) glance: glance::Shared,
    /// The request that is seen to.
    pub(super) serving: Option<Served>,
    pub(super) boot: u32,
}

/// Runs until there is nothing left to do; `true` when the journal was in order to the end.
pub(super) fn drive(mut driver: Driver, first: Vec<Output>) -> bool {
    if let Some(in_order) = driver.carry_out(first) {
        return in_order;
    }
    loop {
        let input = driver.next_input();
        let now = driver.now();
        let before = driver.state.session().head;
        let outputs = turn(&mut driver.state, input, now);
        driver.show(before);
        if let Some(in_order) = driver.carry_out(outputs) {
            return in_order;
        }
    }
}

impl Driver {
    fn now(&self) -> Moment {
        clock::moment(self.boot)
    }

    /// Shows clients' threads where the walk stands, if that is news.
    fn show(&self, before: u64) {
        let session = self.state.session();
        if session.head != before {
            *self.glance.lock().unwrap_or_else(PoisonError::into_inner) = Glance::of(session);
        }
    }

    fn next_input(&mut self) -> Input {
        // All that the last one led to is done; whoever waits for it may go on.
        self.serving = None;
        if let Some(input) = self.performer.own_input() {
            return self.note(input);
        }
        let came = match self.state.wake_after(self.now()) {
            // What waits in the inbox goes before moves that are merely due.
            Some(Duration::ZERO) => self.inbox.try_recv().map_err(|_| Input::Tick),
            Some(wait) => self.inbox.recv_timeout(wait.min(LONGEST_WAIT)).map_err(|e| match e {
                RecvTimeoutError::Timeout => Input::Tick,
                RecvTimeoutError::Disconnected => Input::Terminate,
            }),
            None => self.inbox.recv().map_err(|_| Input::Terminate),
        };
        match came {
            Ok(FromClients::Input(input)) => self.note(input),
            Ok(FromClients::Asked(input, served)) => {
                self.serving = Some(served);
                self.note(input)
            }
            Ok(FromClients::Joined(client, person, role, line)) => {
                self.lines.add(client, line);
                Input::Joined { client, person, role }
            }
            Err(input) => input,
        }
    }

    /// What the loop itself must know of an input.
    fn note(&mut self, input: Input) -> Input {
        match &input {
            Input::Ended { attempt, item, .. } => self.performer.ended(*attempt, *item),
            Input::Answered(tag, _) => self.performer.answered(tag),
            Input::Left(client) => self.lines.remove(*client),
            _ => {}
        }
        input
    }

    /// Does what a turn said, in order. `Some`: the host ends, and whether its journal was in order.
    fn carry_out(&mut self, outputs: Vec<Output>) -> Option<bool> {
        let mut outputs = VecDeque::from(outputs);
        for output in &outputs {
            if let Output::Start(permit) = output {
                self.performer.announce(permit);
            }
        }
        while let Some(output) = outputs.pop_front() {
            match output {
                Output::Tell(to, message) => self.lines.tell(to, message),
                Output::Ask(tag, ask) => self.performer.ask(tag, ask),
                Output::CancelAsks { check } => self.performer.cancel(&check),
                Output::Start(permit) => {
                    let of = self.record_of(&permit);
                    self.performer.start(permit, of);
                }
                Output::Stop { attempt } => self.performer.stop(attempt),
                Output::Type { client, id, of, bytes } => {
                    let why_not = self.performer.type_into(&of, &bytes).err();
                    self.lines.tell(Audience::One(client), FromHost::Typed { id, why_not });
                }
                Output::Window { of, columns, rows } => self.performer.resize(&of, Size { columns, rows }),
                Output::Keep { name, value } => self.performer.keep(name, value.0),
                Output::Exit { why } => {
                    if self.leave(why) {
                        return Some(!self.state.is_broken());
                    }
                    outputs.extend(turn(&mut self.state, Input::Stay, clock::moment(self.boot)));
                }
            }
        }
        None
    }

    /// The record of the start that a permit is for: it was applied in the turn that gave the permit out.
    fn record_of(&self, permit: &Permit) -> StartRecord {
        let session = self.state.session();
        let step = session.step_at(permit.step().as_str()).map(|place| &session.steps[place]);
        match step.map(|step| &step.progress) {
            Some(Progress::Running(running)) => running.began,
            _ => StartRecord::default(),
        }
    }

    /// Leaves the session's directory as a host that is gone leaves it; `false`: somebody is about to connect.
    fn leave(&mut self, why: Option<String>) -> bool {
        match why {
            None => {
                if !self.dir.try_lock() {
                    return false;
                }
                if self.seats.any() {
                    self.dir.unlock();
                    return false;
                }
            }
            Some(why) => {
                self.lines.say_goodbye(&why);
                // Failing that, the socket is found stale by the next host, as after a crash.
                let _ = self.dir.lock();
            }
        }
        self.dir.remove();
        self.performer.cancel_all();
        let deadline = Instant::now() + LETTING_GO;
        while !self.performer.asks_nothing() {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.inbox.recv_timeout(left) {
                Ok(FromClients::Input(input)) => {
                    self.note(input);
                }
                Ok(FromClients::Joined(..) | FromClients::Asked(..)) => {}
                Err(_) => break,
            }
        }
        true
    }
}
