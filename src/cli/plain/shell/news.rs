//! What comes from the session while the walk goes on, told as it comes. SHELL.

use std::io::IsTerminal as _;
use std::time::Instant;

use crate::cli::exit::Failure;
use crate::cli::follow::End;
use crate::cli::perform::{Became, broken, log_line};
use crate::client::{ClientError, Heard};
use crate::clock;
use crate::session::event::How;
use crate::session::{Command, Entry, Event, Session, Work};
use crate::tui::bell;
use crate::wire::FromHost;
use crate::wire::messages::{LogHealth, Reply, Role};

use super::{NEWEST, Shell};
use crate::cli::plain::{second, tell};

impl Shell {
    /// Says what is late, with the terminal's bell.
    fn tell_late(&mut self) {
        let now = clock::now(self.session());
        for line in self.late.lines(&self.walk.talk.session, now) {
            // Once for each that is late, and only where somebody can hear it.
            let rings = line.first && self.rings();
            self.line(&format!("{}{}", if rings { "\u{7}" } else { "" }, line.text));
        }
        let gone = self.standings.lines(&self.walk.talk.session, now);
        self.lines(&gone);
    }

    /// Says that the log is slow, once for each write that hangs, and when that is over.
    fn tell_pace(&mut self, log: &LogHealth) {
        if let Some(line) = self.pace.line(log) {
            self.line(line);
        }
    }

    /// Sends a request. That the log is slow is told while its reply is waited for: that is what it waits for.
    pub(super) fn act(&mut self, command: Command) -> Result<Reply, ClientError> {
        self.break_prompt();
        let Self { walk, pace, out, .. } = self;
        walk.talk.act_telling(command, |log| {
            if let Some(line) = pace.line(log) {
                out.line(line);
                out.flush();
            }
        })
    }

    fn rings(&self) -> bool {
        self.input.terminal
            && std::io::stdout().is_terminal()
            && bell::is_wanted(|name| std::env::var(name).ok())
    }

    /// Takes in and tells all that the host has said, and what is late.
    pub(super) fn hear_all(&mut self) -> Result<(), Failure> {
        self.tell_late();
        loop {
            let heard = match self.later.pop_front() {
                Some(heard) => Some(heard),
                None => self.walk.talk.hear(Some(Instant::now()))?,
            };
            match heard {
                None => return Ok(()),
                Some(Heard::Entry(entry)) => self.entry(&entry)?,
                Some(Heard::Waiting { owner }) => {
                    self.line(&second::waits_for(&owner));
                    self.waits_for = Some(owner);
                    self.read = None;
                }
                Some(Heard::Replaced) => {
                    self.waits_for = None;
                    // What was approved is void; what is asked now must be read as it stands now.
                    self.read = None;
                    let now = clock::now(self.session());
                    let end = self.under.as_ref().and_then(|under| under.follow.over(self.session(), now));
                    self.line("(the session's host was gone, or far ahead; connected again)");
                    let log = self.walk.talk.log.clone();
                    self.tell_pace(&log);
                    self.follow_again()?;
                    self.over(end)?;
                }
                Some(Heard::Other(message)) => self.message(*message)?,
            }
        }
    }

    fn message(&mut self, message: FromHost) -> Result<(), Failure> {
        match message {
            FromHost::OutputGrew { of, total } if self.live.as_ref().is_some_and(|live| live.of == of) => {
                self.show_output(total)
            }
            FromHost::People { people } => {
                let lines = second::came_and_went(&self.people, &people);
                self.people = people;
                self.lines(&lines);
                Ok(())
            }
            FromHost::Health { log: LogHealth::Broken { why } } => Err(broken(&why)),
            FromHost::Health { log } => {
                self.tell_pace(&log);
                Ok(())
            }
            message => {
                if let Some(line) = self.far.line(&message, Instant::now()) {
                    self.line(&line);
                }
                Ok(())
            }
        }
    }

    fn entry(&mut self, entry: &Entry) -> Result<(), Failure> {
        self.far.hear(entry);
        self.output_ended(entry)?;
        let session = &self.walk.talk.session;
        if matches!(entry.event, Event::StepStarted { .. } | Event::Resolved { .. }) {
            self.under.iter_mut().for_each(|under| under.asking = false);
        }
        let asking = self.under.as_ref().is_some_and(|under| under.asking);
        let news = tell::news(entry, session, &self.you, asking);
        let logged = log_line(entry, session);
        let now = clock::now(session);
        let end = match &mut self.under {
            Some(under) => under.follow.take(session, entry, now).or_else(|| in_background(entry, session)),
            None => None,
        };
        if self.recent.len() == NEWEST {
            self.recent.pop_front();
        }
        self.recent.push_back(logged);
        let answered = self
            .under
            .as_ref()
            .is_some_and(|under| under.n == entry.n && matches!(under.command, Command::Approve { .. }));
        if let Some(news) = news.filter(|_| !answered) {
            self.line(&news);
        }
        if let Event::HandedOver { to } = &entry.event
            && to.same_account(&self.you)
            && self.role == Role::Witness
        {
            // The host takes this client for the operator's from this record on.
            self.role = Role::Drive;
            self.walk.talk.line.client.set_role(Role::Drive);
        }
        let hint = second::hint(entry, &self.walk.talk.session, self.seat(), &self.you);
        if let Some(hint) = hint.filter(|_| !answered) {
            self.line(&hint);
        }
        let gone = self.standings.lines(&self.walk.talk.session, now);
        self.lines(&gone);
        self.output_begins(entry)?;
        self.over(end)
    }

    /// The request under way is over.
    pub(super) fn over(&mut self, end: Option<End>) -> Result<(), Failure> {
        let Some(end) = end else { return Ok(()) };
        let Some(under) = self.under.take() else { return Ok(()) };
        self.ended(&under.command, Became::Ended { n: under.n, end })
    }
}

/// A step that goes on in the background is not waited for.
fn in_background(entry: &Entry, session: &Session) -> Option<End> {
    let Event::StepStarted { step, how: How::Script, work: Work::Run, .. } = &entry.event else {
        return None;
    };
    let place = session.step_at(step.as_str())?;
    session.runbook.steps[place].background.then_some(End::Recorded)
}
