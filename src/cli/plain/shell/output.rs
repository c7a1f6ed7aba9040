//! A running command's output, shown as it comes. SHELL.

use std::time::{Duration, Instant};

use crate::cli::exit::Failure;
use crate::client::{ClientError, Heard};
use crate::clock;
use crate::session::event::How;
use crate::session::state::Phase;
use crate::session::{Entry, Event, Progress, Session, terminal, view};
use crate::text::clean;
use crate::time::in_words;
use crate::wire::messages::{OutputFile, Stream};
use crate::wire::{FromHost, ToHost};

use super::super::live::{Live, MOST};
use super::super::second::Seat;
use super::super::tell;
use super::Shell;

/// How long the host may take to hand over a part of an output.
const PATIENCE: Duration = Duration::from_secs(10);

/// Of a command that runs already so much is looked through for its last lines, bytes.
const TAIL: u64 = 4 << 10;

impl Shell {
    /// Says something that needs no answer. Where the connection is lost that is told elsewhere.
    fn tell_host(&self, message: &ToHost) -> Result<(), Failure> {
        match self.walk.talk.send(message) {
            Err(ClientError::Lost { .. }) => Ok(()),
            other => Ok(other?),
        }
    }

    /// The connection is a new one: what was followed is followed again.
    pub(super) fn follow_again(&mut self) -> Result<(), Failure> {
        match &self.live {
            Some(live) => self.tell_host(&ToHost::FollowOutput { of: Some(live.of.clone()) }),
            None => Ok(()),
        }
    }

    /// A command began: its output is shown from here on.
    pub(super) fn output_begins(&mut self, entry: &Entry) -> Result<(), Failure> {
        let (attempt, item, step) = match &entry.event {
            Event::StepStarted { step, attempt, how: How::Script, items, .. } if items.is_empty() => {
                (*attempt, None, step)
            }
            Event::ItemStarted { step, attempt, index, command: Some(_), .. } => {
                (*attempt, Some(*index), step)
            }
            _ => return Ok(()),
        };
        let session = self.session();
        let Some(place) = session.step_at(step.as_str()) else { return Ok(()) };
        if session.runbook.steps[place].background {
            let said = tell::in_background(session, place);
            self.line(&said);
            return Ok(());
        }
        self.follow(place, OutputFile { attempt, item, stream: Stream::Output })
    }

    /// What runs already as the lines begin is followed too, from its last lines on.
    pub(super) fn follow_what_runs(&mut self) -> Result<(), Failure> {
        let session = self.session();
        let Some((place, of)) = newest_command(session) else { return Ok(()) };
        let age = session.steps[place].started.and_then(|started| started.age(clock::now(session)));
        let title = view::filled(session, &session.runbook.steps[place].title);
        let line = format!(
            "{number} {} has been running for {}; output {number} from 1 shows all that it wrote",
            clean(&title),
            in_words(age.unwrap_or_default()),
            number = place + 1,
        );
        self.line(&line);
        self.follow(place, of.clone())?;
        let (total, _) = self.part(&of, 0, 0)?;
        let from = total.saturating_sub(TAIL);
        let len = u32::try_from(total - from).unwrap_or(u32::MAX);
        let (_, bytes) = if len > 0 { self.part(&of, from, len)? } else { (total, Vec::new()) };
        let lines = self.live.as_mut().map(|live| live.catch_up(from, &bytes)).unwrap_or_default();
        self.lines(&lines);
        Ok(())
    }

    fn follow(&mut self, place: usize, of: OutputFile) -> Result<(), Failure> {
        let session = self.session();
        let interactive =
            session.runbook.steps[place].interactive && terminal::of_step(session, place).is_some();
        if interactive {
            self.terminal_begins();
        } else if self.input.terminal && self.seat() == Seat::Operator {
            self.line("(it runs; stop ends it, Enter does nothing)");
        }
        let live = if interactive { Live::of_terminal(of.clone()) } else { Live::new(of.clone()) };
        self.live = Some(live);
        self.tell_host(&ToHost::FollowOutput { of: Some(of) })
    }

    /// A command ended: the rest of its output is shown before that is told.
    pub(super) fn output_ended(&mut self, entry: &Entry) -> Result<(), Failure> {
        let (attempt, ended) = match &entry.event {
            Event::WorkEnded { attempt, ended, .. } | Event::ItemEnded { attempt, ended, .. } => {
                (*attempt, ended)
            }
            _ => return Ok(()),
        };
        if self.live.as_ref().is_none_or(|live| live.of.attempt != attempt) {
            return Ok(());
        }
        self.show_output(ended.output_bytes)?;
        let rest = self.live.as_mut().and_then(Live::end);
        if let Some(line) = rest {
            self.line(&line);
        }
        let Some(live) = self.live.take() else { return Ok(()) };
        self.tell_host(&ToHost::FollowOutput { of: None })?;
        if ended.captured.is_some() {
            self.show_errors(&live.of)?;
        }
        Ok(())
    }

    /// Where stdout is captured, stderr is apart: it is shown at the end.
    fn show_errors(&mut self, of: &OutputFile) -> Result<(), Failure> {
        let of = OutputFile { stream: Stream::Errors, ..of.clone() };
        let (total, _) = self.part(&of, 0, 0)?;
        self.live = Some(Live::new(of));
        self.show_output(total)?;
        let rest = self.live.as_mut().and_then(Live::end);
        if let Some(line) = rest {
            self.line(&line);
        }
        self.live = None;
        Ok(())
    }

    /// Shows what came up to `total`; of a flood, the newest.
    pub(super) fn show_output(&mut self, total: u64) -> Result<(), Failure> {
        if let Some(left_out) = self.live.as_mut().and_then(|live| live.skip(total)) {
            self.line(&left_out);
        }
        while let Some((of, (from, len))) =
            self.live.as_ref().and_then(|live| Some((live.of.clone(), live.next(total)?)))
        {
            let (_, bytes) = self.part(&of, from, len)?;
            if bytes.is_empty() {
                return Ok(());
            }
            let lines = self.live.as_mut().map(|live| live.take(&bytes)).unwrap_or_default();
            self.typist.wrote = Some(Instant::now());
            self.lines(&lines);
        }
        Ok(())
    }

    /// A part of an output, and how long the whole is now. Empty when it cannot be had in time.
    fn part(&mut self, of: &OutputFile, from: u64, len: u32) -> Result<(u64, Vec<u8>), Failure> {
        debug_assert!(u64::from(len) <= MOST);
        let wanted = self.walk.talk.line.client.new_id();
        self.tell_host(&ToHost::ReadOutput { id: wanted, of: of.clone(), from, len })?;
        let deadline = Instant::now() + PATIENCE;
        while let Some(heard) = self.walk.talk.hear(Some(deadline))? {
            match heard {
                Heard::Other(message) => match *message {
                    FromHost::Output { id, total, data, .. } if id == wanted => {
                        return Ok((
                            total,
                            data_encoding::BASE64.decode(data.as_bytes()).unwrap_or_default(),
                        ));
                    }
                    other => self.later.push_back(Heard::Other(Box::new(other))),
                },
                end @ (Heard::Replaced | Heard::Waiting { .. }) => {
                    self.later.push_back(end);
                    break;
                }
                entry @ Heard::Entry(_) => self.later.push_back(entry),
            }
        }
        Ok((0, Vec::new()))
    }
}

/// The command that was started last of those that run, and whose output is shown as it comes.
fn newest_command(session: &Session) -> Option<(usize, OutputFile)> {
    let running = session.steps.iter().enumerate().filter_map(|(place, step)| match &step.progress {
        Progress::Running(running) => Some((place, running)),
        _ => None,
    });
    let shown = running.filter(|(place, running)| {
        let model = &session.runbook.steps[*place];
        running.how == How::Script && running.phase == Phase::Working && !model.background
    });
    let (place, running) = shown.max_by_key(|(_, running)| running.attempt)?;
    let item = (!running.items.is_empty()).then_some(running.next_item);
    Some((place, OutputFile { attempt: running.attempt, item, stream: Stream::Output }))
}
