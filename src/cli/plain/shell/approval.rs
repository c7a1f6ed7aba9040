//! The second person in lines: the whole text is read out, and only then is a word taken. SHELL.

use std::io;
use std::time::Duration;

use rustix::termios::tcgetwinsize;
use unicode_width::UnicodeWidthStr as _;

use crate::cli::approve::words;
use crate::cli::exit::{Exit, Failure};
use crate::cli::perform::{Became, not_recorded};
use crate::cli::place;
use crate::client::{ClientError, join_line};
use crate::clock;
use crate::runbook::Proof;
use crate::session::approve::standing;
use crate::session::state::Round;
use crate::session::{Command, view};
use crate::text::clean;
use crate::wire::messages::Reply;

use super::{Seat, Shell, second};

/// Rows and columns where the terminal does not say.
const USUAL: (usize, usize) = (24, 80);

impl Shell {
    /// Who is here, and how somebody joins.
    pub(super) fn who_is_here(&self) -> Vec<String> {
        let session = self.session();
        let own_home = place::is_in_usual_home(&self.walk.dir);
        let join = join_line(&self.walk.dir, session.opened.share.is_some(), own_home);
        second::people(session, &self.people, &join)
    }

    fn round(&self, place: usize) -> Option<&Round> {
        let session = self.session();
        let round = session.steps[place].approval.as_deref()?;
        let by_hand = standing::is_by_hand(round);
        standing::stands(session, place, round, by_hand, clock::now(session)).then_some(round)
    }

    /// Does `show` read out what is asked of a second person, and not the step?
    pub(super) fn is_read_out(&self, place: usize) -> bool {
        self.seat() == Seat::Witness && self.round(place).is_some()
    }

    /// Reads the whole text out, page by page where a person is at a terminal. What was shown to its end is kept.
    pub(super) fn read_out(&mut self, place: usize) -> Result<(), Failure> {
        let Some(subject) = self.round(place).map(|round| &round.subject) else { return Ok(()) };
        let (text, digest) = (subject.text(), subject.text_digest());
        let warnings: Vec<String> = view::warnings(self.session(), place, subject.work).collect();
        let lines: Vec<&str> = text.lines().collect();
        let (rows, columns) = size();
        let mut at = 0;
        while at < lines.len() {
            let mut used = 0;
            let from = at;
            while at < lines.len() && (!self.input.terminal || used < rows.saturating_sub(3).max(1)) {
                used += lines[at].width().div_ceil(columns).max(1);
                at += 1;
            }
            let part: Vec<String> = lines[from..at].iter().map(|line| (*line).to_owned()).collect();
            self.exact(&part);
            if at < lines.len() {
                let prompt = format!(
                    "-- {at} of {} lines; type  more  to read on; Enter: stop reading: ",
                    lines.len()
                );
                if self.ask(&prompt)?.as_deref().map(str::trim) != Some("more") {
                    self.line("not read to its end");
                    return Ok(());
                }
            }
        }
        self.line("-- that was all of it");
        for warning in warnings {
            self.line(&warning);
        }
        self.read = Some(digest);
        if self.seat() == Seat::Witness {
            self.line("approve says yes to it; refuse WHY says no.");
        }
        Ok(())
    }

    /// Asks for the second person's yes: after the text was shown to its end, and in a word of its own.
    pub(super) fn approve(&mut self, place: usize) -> Result<(), Failure> {
        if self.seat() == Seat::Watcher {
            self.line("this screen only watches; attach with --witness to approve; nothing was done");
            return Ok(());
        }
        if self.under.is_some() {
            self.line("wait for the end of what runs, or stop it; nothing was done");
            return Ok(());
        }
        self.last = Exit::No;
        if self.waits_for.is_some() {
            self.line("there is no connection to the session; nothing was approved");
            return Ok(());
        }
        let session = self.session();
        let step = session.runbook.steps[place].id.clone();
        let refused = session.steps[place].approval.as_deref().is_some_and(|round| round.refused.is_some());
        if self.round(place).is_none() && !refused && !self.ask_for(place)? {
            return Ok(());
        }
        let Some(subject) = self.round(place).map(|round| round.subject.clone()) else {
            // The host says why.
            return self.request(Command::Approve { step, seen: None, name: None, signature: None });
        };
        let digest = subject.text_digest();
        let here =
            subject.witness.proof == Proof::Here && words::in_vain(self.session(), &self.you, &subject, None);
        let stand_in = here.then_some("somebody");
        if words::in_vain(self.session(), &self.you, &subject, stand_in) {
            return self.request(Command::Approve { step, seen: Some(digest), name: None, signature: None });
        }
        if self.read.as_ref() != Some(&digest) {
            self.read_out(place)?;
            if self.read.as_ref() != Some(&digest) {
                self.line("nothing was approved");
                return Ok(());
            }
        }
        let mut name = None;
        if here {
            name =
                self.ask("Second person, type your name (Enter: no): ")?.map(|name| name.trim().to_owned());
            if name.as_ref().is_none_or(String::is_empty) {
                self.line("no; nothing was approved");
                return Ok(());
            }
        }
        let title = clean(&view::step_name(self.session(), place)).into_owned();
        let answer = self.ask(&format!("Type  approve  to approve {title}; Enter: no: "))?;
        let pasted = self.input.more_was_typed();
        if answer.as_deref().map(str::trim) != Some("approve") || pasted {
            self.input.forget();
            self.line(if pasted {
                "pasted, not typed: no; nothing was approved"
            } else {
                "no; nothing was approved"
            });
            return Ok(());
        }
        self.request(Command::Approve { step, seen: Some(digest), name, signature: None })
    }

    /// Asks for an approval of what stands now. `false`: that was refused, and said.
    fn ask_for(&mut self, place: usize) -> Result<bool, Failure> {
        let step = self.session().runbook.steps[place].id.clone();
        let command = Command::AskApproval { step, work: None, by_hand: false };
        if self.waits_for.is_some() {
            self.line(second::not_sent(&command));
            return Ok(false);
        }
        let reply = match self.act(command.clone()) {
            Err(error @ ClientError::Lost { .. }) => {
                self.line(&format!("{error}; nothing was approved"));
                return Ok(false);
            }
            other => other?,
        };
        match reply {
            Reply::Recorded { n } => {
                while self.session().head < n {
                    self.hear_all()?;
                    if self.waits_for.is_some() {
                        return Ok(false);
                    }
                    if self.session().head < n {
                        self.input.next(false, Some(Duration::from_millis(100)))?;
                    }
                }
                Ok(true)
            }
            Reply::Refused { n, refusal } => {
                self.ended(&command, Became::Refused { n, refusal })?;
                Ok(false)
            }
            Reply::Failed { why } => Err(not_recorded(&why)),
        }
    }

    /// An approval of this terminal was taken.
    pub(super) fn approved(&mut self, command: &Command, n: u64) {
        let Command::Approve { step, .. } = command else { return };
        let session = self.session();
        let line = words::approved(session, step.as_str(), n, clock::now(session));
        let doubt = words::doubt(session, step.as_str(), n);
        self.line(&line);
        if let Some(doubt) = doubt {
            self.line(&format!("note: {doubt}"));
        }
    }
}

/// Rows and columns of the terminal.
fn size() -> (usize, usize) {
    match tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_row > 0 && size.ws_col > 0 => (size.ws_row.into(), size.ws_col.into()),
        _ => USUAL,
    }
}
