//! A conversation for scripts: ask, wait, watch the session change. SHELL.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use crate::session::apply::Illegal;
use crate::session::{Command, Entry, Session};
use crate::text::clean;
use crate::wire::messages::{LogHealth, Reply};
use crate::wire::{FromHost, ToHost};

use super::{ClientError, Incoming, Line, Wish};

/// A client that waits for what it asked, and keeps its own [`Session`] up to date meanwhile.
#[derive(Debug)]
pub struct Talk {
    /// The connection.
    pub line: Line,
    /// The walk, up to the last record that was heard.
    pub session: Session,
    /// How the journal fares.
    pub log: LogHealth,
    heard: VecDeque<Heard>,
}

/// What [`Talk::hear`] tells.
#[derive(Debug)]
pub enum Heard {
    /// A record; the session has taken it in.
    Entry(Box<Entry>),
    /// The host is gone, and only this account can bring it back: it is waited for, until the session is replaced.
    Waiting {
        /// Whose attach does.
        owner: String,
    },
    /// The session was replaced whole (the client lagged, or a new host came); records may have been left out.
    Replaced,
    /// Any other message.
    Other(Box<FromHost>),
}

impl Talk {
    /// Connects to the session in `dir`.
    pub fn open(dir: &Path, wish: Wish) -> Result<Self, ClientError> {
        Self::open_waking(dir, wish, || ())
    }

    /// As [`Talk::open`], for somebody who waits for other things too: `wake` is called, on another thread, after
    /// each message that [`Talk::hear`] can then tell.
    pub fn open_waking(
        dir: &Path,
        wish: Wish,
        wake: impl Fn() + Send + 'static,
    ) -> Result<Self, ClientError> {
        Ok(Self::over(Line::open(dir, wish, None, wake)?))
    }

    /// Goes on with a connection that another face had.
    #[must_use]
    pub fn over(line: Line) -> Self {
        let (session, log) = (line.client.welcome.session.clone(), line.client.welcome.log.clone());
        let waits = line.waits_for.iter().map(|owner| Heard::Waiting { owner: owner.clone() });
        Self { heard: waits.collect(), session, log, line }
    }

    /// The connection, for another face. What was heard and not told is in its welcome.
    pub fn into_line(mut self) -> Result<Line, ClientError> {
        for heard in std::mem::take(&mut self.heard) {
            if let Heard::Entry(entry) = heard {
                self.session.apply(&entry).map_err(|e| does_not_fit(&e))?;
            }
        }
        self.line.client.welcome.session = self.session;
        Ok(self.line)
    }

    /// Sends a request and waits for its reply. What is heard meanwhile is kept for [`Talk::hear`]; the session
    /// takes it in when it is heard.
    pub fn act(&mut self, command: Command) -> Result<Reply, ClientError> {
        let asked = self.line.client.request(command)?;
        self.reply(asked, None)
    }

    /// As [`Talk::act`]; how the log fares is told as it comes, and not again by [`Talk::hear`]: a write that hangs is what a
    /// reply waits for.
    pub fn act_telling(
        &mut self,
        command: Command,
        mut tell: impl FnMut(&LogHealth),
    ) -> Result<Reply, ClientError> {
        let asked = self.line.client.request(command)?;
        self.reply(asked, Some(&mut tell))
    }

    fn reply(
        &mut self,
        asked: u64,
        mut tell: Option<&mut dyn FnMut(&LogHealth)>,
    ) -> Result<Reply, ClientError> {
        loop {
            let message = self.receive(None)?;
            match message {
                Some(Incoming::Message(message)) => match *message {
                    FromHost::Reply { id, result } if id == asked => return Ok(result),
                    FromHost::Health { log }
                        if tell.is_some() && !matches!(log, LogHealth::Broken { .. }) =>
                    {
                        if let Some(tell) = &mut tell {
                            tell(&log);
                        }
                        self.log = log;
                    }
                    other => self.keep(other)?,
                },
                Some(Incoming::Lost { why }) => {
                    return Err(ClientError::Lost {
                        why: format!("{why}; whether the request was taken is not known"),
                    });
                }
                Some(Incoming::Gone { why }) => return Err(ClientError::Lost { why }),
                Some(Incoming::Waiting { owner }) => self.heard.push_back(Heard::Waiting { owner }),
                None => {}
            }
        }
    }

    /// The next thing the host tells; `None` when `deadline` has passed.
    pub fn hear(&mut self, deadline: Option<Instant>) -> Result<Option<Heard>, ClientError> {
        loop {
            if let Some(heard) = self.heard.pop_front() {
                if let Heard::Entry(entry) = &heard {
                    self.session.apply(entry).map_err(|e| does_not_fit(&e))?;
                }
                return Ok(Some(heard));
            }
            match self.receive(deadline)? {
                None => return Ok(None),
                Some(Incoming::Message(message)) => self.keep(*message)?,
                Some(Incoming::Lost { .. }) => {}
                Some(Incoming::Waiting { owner }) => self.heard.push_back(Heard::Waiting { owner }),
                Some(Incoming::Gone { why }) => return Err(ClientError::Lost { why }),
            }
        }
    }

    /// Hears records until `done` says so; it is asked once before (with `None`), then after each record and each
    /// replacement of the session (with `None`).
    pub fn follow_until<T>(
        &mut self,
        mut done: impl FnMut(&Session, Option<&Entry>) -> Option<T>,
    ) -> Result<T, ClientError> {
        if let Some(result) = done(&self.session, None) {
            return Ok(result);
        }
        loop {
            let entry = match self.hear(None)? {
                Some(Heard::Entry(entry)) => Some(entry),
                Some(Heard::Replaced) => None,
                _ => continue,
            };
            if let Some(result) = done(&self.session, entry.as_deref()) {
                return Ok(result);
            }
        }
    }

    /// Sends a message that is no request.
    pub fn send(&self, message: &ToHost) -> Result<(), ClientError> {
        self.line.client.send(message)
    }

    fn receive(&mut self, deadline: Option<Instant>) -> Result<Option<Incoming>, ClientError> {
        let over = || ClientError::Lost { why: "its reader ended".to_owned() };
        let incoming = match deadline {
            None => self.line.incoming.recv().map_err(|_| over())?,
            Some(deadline) => {
                let left: Duration = deadline.saturating_duration_since(Instant::now());
                match self.line.incoming.recv_timeout(left) {
                    Ok(incoming) => incoming,
                    Err(RecvTimeoutError::Timeout) => return Ok(None),
                    Err(RecvTimeoutError::Disconnected) => return Err(over()),
                }
            }
        };
        self.line.note(&incoming);
        Ok(Some(incoming))
    }

    fn keep(&mut self, message: FromHost) -> Result<(), ClientError> {
        match message {
            FromHost::Entries { entries } => {
                self.heard.extend(entries.into_iter().map(|entry| Heard::Entry(Box::new(entry))));
            }
            FromHost::Welcome(welcome) => {
                self.heard.retain(|heard| !matches!(heard, Heard::Entry(_)));
                self.session = welcome.session;
                self.log = welcome.log;
                self.heard.push_back(Heard::Replaced);
            }
            FromHost::Goodbye { why } => {
                return Err(ClientError::Goodbye { why: clean(&why).into_owned() });
            }
            FromHost::Health { log } => {
                self.log = log.clone();
                self.heard.push_back(Heard::Other(Box::new(FromHost::Health { log })));
            }
            other => self.heard.push_back(Heard::Other(Box::new(other))),
        }
        Ok(())
    }
}

/// A record that the host told and that cannot follow: what is in it is the host's word, and it is shown.
fn does_not_fit(illegal: &Illegal) -> ClientError {
    ClientError::Lost { why: clean(&illegal.to_string()).into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u1_what_a_host_tells_that_cannot_follow_is_cleaned_once() {
        let illegal =
            Illegal { n: 7, why: "item `x\u{1b}]52;c;aGk=\u{7}\u{202e}` is not running".to_owned() };
        assert_eq!(
            does_not_fit(&illegal).to_string(),
            "the connection to the session's host was lost: record 7 cannot follow: item `x␛]52;c;aGk=␇{U+202E}` is not running"
        );
    }
}
