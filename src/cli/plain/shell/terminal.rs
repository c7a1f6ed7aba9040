//! The terminal of an interactive step, in lines: what is typed into it, and questions that wait for an answer. SHELL.

use std::time::{Duration, Instant};

use data_encoding::BASE64;

use crate::cli::ask;
use crate::cli::exit::{Exit, Failure};
use crate::cli::perform::not_recorded;
use crate::client::Heard;
use crate::session::{Command, terminal};
use crate::text::clean;
use crate::wire::messages::{MAX_TYPED, NOT_OPEN, OutputFile, Reply, Stream};
use crate::wire::{FromHost, ToHost};

use super::super::second::Seat;
use super::Shell;

/// A line without an end is a question, most likely, when nothing more came for this long.
const PAUSE: Duration = Duration::from_millis(300);

/// How long a terminal may take to open, or the host to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is known of the terminal that is open.
#[derive(Debug, Default)]
pub(super) struct Typist {
    /// The terminal that was taken.
    taken: Option<OutputFile>,
    /// When it showed something last.
    pub(super) wrote: Option<Instant>,
    /// A line of a pipe that is for when the command has ended.
    pub(super) put_off: Option<String>,
    /// There are no more lines in the pipe.
    pub(super) ended: bool,
}

impl Shell {
    /// May a line be for the terminal that is open, though a command runs?
    pub(super) fn takes_typing(&self) -> bool {
        let typist = &self.typist;
        typist.put_off.is_none() && !typist.ended && terminal::all(self.session()).next().is_some()
    }

    /// A terminal opened: says how one types into it.
    pub(super) fn terminal_begins(&mut self) {
        if self.seat() == Seat::Operator {
            self.line(
                "(it runs at a terminal: type TEXT sends TEXT and Enter, hidden asks for TEXT without showing it, key ^C \
                 sends a key; stop ends it, Enter does nothing)",
            );
        } else {
            self.line("(it runs at a terminal, into which the operator types)");
        }
    }

    /// When the line that waits is to be shown, if there is one.
    pub(super) fn next_question(&self) -> Option<Duration> {
        self.live.as_ref().filter(|live| live.waits())?;
        Some(PAUSE.saturating_sub(self.typist.wrote?.elapsed()))
    }

    /// Shows the line that waits for an answer, once nothing more came for a moment.
    pub(super) fn show_waiting(&mut self) {
        if self.next_question().is_some_and(|left| left.is_zero())
            && let Some(line) = self.live.as_mut().and_then(super::super::live::Live::waiting)
        {
            self.line(&line);
        }
    }

    /// Asks for a line without showing it, a password most likely, and types that.
    pub(super) fn type_hidden(&mut self) -> Result<(), Failure> {
        if terminal::all(self.session()).next().is_none() {
            return self.type_into(&[]);
        }
        if !self.input.terminal {
            self.last = Exit::No;
            self.line(
                "no terminal is here that would show it: type TEXT is shown nowhere; nothing was typed",
            );
            return Ok(());
        }
        self.break_prompt();
        self.out.flush();
        self.input.forget();
        match ask::hidden("what to type (not shown; Enter: nothing): ")? {
            Some(mut text) if !text.is_empty() => {
                text.push('\r');
                self.type_into(text.as_bytes())
            }
            _ => {
                self.line("nothing was typed");
                Ok(())
            }
        }
    }

    /// Types into the terminal that is open; takes it first where that was not done.
    pub(super) fn type_into(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let open = terminal::all(self.session()).next().map(|open| {
            let step = self.session().runbook.steps[open.place].id.clone();
            let item = open.item.map(|(index, _)| index);
            (OutputFile { attempt: open.attempt, item, stream: Stream::Output }, step)
        });
        let Some((of, step)) = open else {
            self.last = Exit::No;
            self.line("no step that runs has a terminal; nothing was typed");
            return Ok(());
        };
        if self.typist.taken.as_ref() != Some(&of) {
            match self.act(Command::TakeTerminal { step })? {
                Reply::Recorded { .. } => self.typist.taken = Some(of.clone()),
                Reply::Refused { refusal, .. } => {
                    self.last = Exit::No;
                    self.line(&format!("{}; nothing was typed", clean(&refusal.sentence)));
                    return Ok(());
                }
                Reply::Failed { why } => return Err(not_recorded(&why)),
            }
        }
        for part in bytes.chunks(MAX_TYPED) {
            if let Some(why) = self.type_part(&of, part)? {
                self.last = Exit::No;
                self.typist.taken = None;
                self.line(&format!("not typed: {}", clean(&why)));
                return Ok(());
            }
        }
        Ok(())
    }

    /// Types once, again while the terminal is only being opened; why not, if it was not.
    fn type_part(&mut self, of: &OutputFile, part: &[u8]) -> Result<Option<String>, Failure> {
        let until = Instant::now() + PATIENCE;
        loop {
            let mine = self.walk.talk.line.client.new_id();
            let data = BASE64.encode(part);
            self.walk.talk.send(&ToHost::Type { id: mine, of: of.clone(), data })?;
            let why_not = loop {
                match self.walk.talk.hear(Some(until))? {
                    None => {
                        return Ok(Some("the host does not answer; look before you type again".to_owned()));
                    }
                    Some(Heard::Other(message)) => match *message {
                        FromHost::Typed { id, why_not } if id == mine => break why_not,
                        other => self.later.push_back(Heard::Other(Box::new(other))),
                    },
                    Some(end @ (Heard::Replaced | Heard::Waiting { .. })) => {
                        self.later.push_back(end);
                        return Ok(Some("the connection was lost; it may have arrived".to_owned()));
                    }
                    Some(entry) => self.later.push_back(entry),
                }
            };
            if why_not.as_deref() != Some(NOT_OPEN) || Instant::now() >= until {
                return Ok(why_not);
            }
            // The next word of the host comes soon, for the terminal is being opened.
            let moment = Instant::now() + Duration::from_millis(50);
            if let Some(heard) = self.walk.talk.hear(Some(moment))? {
                self.later.push_back(heard);
            }
        }
    }
}
