//! The conversation: a line in, what came of it out, news in between. SHELL.

mod approval;
mod look;
mod news;
mod output;
mod past;
mod terminal;

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use crate::cli::act::tell_end;
use crate::cli::ask;
use crate::cli::exit::{Exit, Failure};
use crate::cli::far::Far;
use crate::cli::follow::{End, Follow};
use crate::cli::late::Late;
use crate::cli::out::{Out, columns, unstack};
use crate::cli::perform::{Became, Pace, Walk, broken, exit_of, log_line, not_recorded};
use crate::cli::screen;
use crate::cli::words::Voice;
use crate::client::{self, ClientError, Heard, Wish};
use crate::clock;
use crate::id::Digest;
use crate::report::status;
use crate::session::state::Stage;
use crate::session::{Command, Kind, Person, Session, Work, view};
use crate::text::clean;
use crate::wire::ToHost;
use crate::wire::messages::{LogHealth, Present, Reply, Role};

use super::input::{Bell, Came, Input};
use super::line::{self, Line, all_behind, here};
use super::live::Live;
use super::second::{self, Seat, Standings};
use super::tell;

/// How many records `log` shows.
const NEWEST: usize = 20;

/// A walk in lines.
pub(super) struct Shell {
    walk: Walk,
    role: Role,
    input: Input,
    out: Out,
    you: Person,
    /// The request whose end is waited for.
    under: Option<Under>,
    /// The output that is shown as it comes.
    live: Option<Live>,
    /// Heard while something else was waited for.
    later: VecDeque<Heard>,
    /// The newest records, for `log`.
    recent: VecDeque<String>,
    /// How the last request ended.
    last: Exit,
    /// The prompt on view.
    prompt: Option<String>,
    /// The step whose card was shown last.
    shown: Option<usize>,
    /// When each check that is asked is to be spoken of next.
    far: Far,
    /// What was said of steps that are late.
    late: Late,
    /// What was said of a log that is slow.
    pace: Pace,
    /// Which approvals stand.
    standings: Standings,
    /// Who is here.
    people: Vec<Present>,
    /// What a second person was shown to its end.
    read: Option<Digest>,
    /// There is no connection; whose attach brings the host back.
    waits_for: Option<String>,
    /// A watcher whose input has ended goes on watching.
    deaf: bool,
    /// What is known of the terminal that is open.
    typist: terminal::Typist,
    /// It goes on where the screen was left.
    after_screen: bool,
    /// Rings where the loop waits.
    bell: Bell,
    /// An output that is looked through.
    looking: Option<look::Looking>,
    /// What earlier walks took.
    past: past::Earlier,
}

/// Where a walk in lines leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It is left.
    Out(Exit),
    /// On to the screen.
    ToScreen,
}

struct Under {
    command: Command,
    follow: Follow,
    n: u64,
    /// It is still being asked whether it may start; its end will say what was found.
    asking: bool,
}

impl Shell {
    pub(super) fn open(dir: &Path, wish: Wish) -> Result<Self, Failure> {
        let (input, bell) = Input::stdin()?;
        let role = wish.role;
        let waker = bell.clone();
        let walk = Walk::open_waking(dir, wish, move || waker.ring())?;
        Self::on(walk, role, input, bell)
    }

    /// Goes on with a connection that the screen had. Nothing that was typed there is taken for an answer here.
    pub(super) fn go_on(dir: &Path, wish: &Wish, line: client::Line) -> Result<Self, Failure> {
        let (mut input, bell) = Input::stdin()?;
        input.forget();
        let waker = bell.clone();
        line.wake_by(move || waker.ring());
        let mut shell = Self::on(Walk::over(line, dir)?, wish.role, input, bell)?;
        shell.after_screen = true;
        Ok(shell)
    }

    fn on(walk: Walk, role: Role, input: Input, bell: Bell) -> Result<Self, Failure> {
        let mut shell = Self {
            role,
            input,
            out: Out::stdout().at_words(),
            you: walk.talk.line.client.welcome.you.clone(),
            under: None,
            live: None,
            later: VecDeque::new(),
            recent: VecDeque::new(),
            last: Exit::Yes,
            prompt: None,
            shown: None,
            far: Far::default(),
            late: Late::default(),
            pace: Pace::default(),
            standings: Standings::default(),
            people: walk.talk.line.client.welcome.people.clone(),
            read: None,
            waits_for: None,
            deaf: false,
            after_screen: false,
            typist: terminal::Typist::default(),
            bell,
            looking: None,
            past: past::Earlier::read(&walk.dir, &walk.talk.session),
            walk,
        };
        shell.joined()?;
        Ok(shell)
    }

    /// The connection, for the screen.
    pub(super) fn into_line(self) -> Result<client::Line, Failure> {
        Ok(self.walk.talk.into_line()?)
    }

    pub(super) fn session(&self) -> &Session {
        &self.walk.talk.session
    }

    /// What it is for by now.
    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// Walks until there is a reason to leave.
    pub(super) fn walk(&mut self) -> Result<Way, Failure> {
        if self.after_screen {
            self.line(&tell::back_in_lines(self.session()));
        } else {
            self.lines(&tell::opening(self.session()));
        }
        if !self.walk.talk.line.client.is_own() {
            self.line(&tell::whose(self.session()));
        }
        self.lines(&second::welcome(self.session(), self.role, &self.you));
        self.lines(&self.who_is_here());
        self.ask_secrets()?;
        self.follow_what_runs()?;
        loop {
            self.hear_all()?;
            self.hear_looking(Duration::ZERO);
            if let Some(exit) = self.closed() {
                return Ok(Way::Out(exit));
            }
            if self.out.has_left()? {
                return Ok(Way::Out(self.last.max(Exit::No)));
            }
            let seat = self.seat();
            // Between the lines of an output no prompt is put again and again: how to act was said as it began.
            let shows_output = self.live.is_some() && seat == Seat::Operator;
            if ((self.under.is_none() && !shows_output) || self.waits_for.is_some())
                && (seat != Seat::Watcher || self.input.terminal)
            {
                if self.waits_for.is_none() {
                    self.show_step();
                }
                let now = clock::now(self.session());
                let prompt = match (&self.waits_for, seat) {
                    (Some(owner), _) => second::waiting_prompt(owner),
                    (None, _) if self.looking.is_some() => look::PROMPT.to_owned(),
                    (None, Seat::Operator) => tell::prompt(self.session(), now),
                    (None, _) => second::prompt(self.session(), seat, now),
                };
                self.show_prompt(&prompt);
            }
            // A pipe's lines wait for the end of what the line before asked for; a person may type `stop` meanwhile.
            let free = (self.under.is_none() || self.waits_for.is_some())
                && (self.looking.is_none() || self.input.terminal);
            self.show_waiting();
            if free && let Some(line) = self.typist.put_off.take() {
                self.took(&line);
                if let Some(way) = self.typed(&line)? {
                    return Ok(way);
                }
                continue;
            }
            let lines = !self.deaf && (free || self.input.terminal || self.takes_typing());
            match self.input.next(lines, self.next_alarm())? {
                Came::Line(line) if !free && !self.input.terminal && line::for_terminal(&line).is_none() => {
                    self.typist.put_off = Some(line);
                }
                Came::End if !free && !self.input.terminal => self.typist.ended = true,
                Came::Bell if self.is_to_leave() => return Err(self.interrupted()),
                Came::Bell => {}
                Came::Line(line) => {
                    self.took(&line);
                    if let Some(way) = self.typed(&line)? {
                        return Ok(way);
                    }
                }
                Came::NoLine(why) => self.line(&format!("{why}; nothing was done")),
                Came::End if seat == Seat::Watcher => self.deaf = true,
                Came::End => {
                    self.line("");
                    self.line("End of input: nothing more is done.");
                    return Ok(Way::Out(self.last.max(Exit::No)));
                }
            }
        }
    }

    /// What a line asks for. `Some`: leave.
    fn typed(&mut self, line: &str) -> Result<Option<Way>, Failure> {
        if self.stops_looking(line) {
            return Ok(None);
        }
        let session = self.session();
        let now = clock::now(session);
        match line::read(line, session) {
            Err(why) => self.line(&format!("{}; nothing was done", clean(&why))),
            Ok(Line::Nothing) => self.line("nothing was done"),
            Ok(Line::Help) => self.line(tell::help()),
            Ok(Line::People) => self.lines(&self.who_is_here()),
            Ok(Line::Status) => {
                let state = if session.holds.is_empty() { "open" } else { "held" };
                let text = status::text(&status::status(session, state, &self.past.known(), now));
                self.line(text.trim_end());
            }
            Ok(Line::Log) => {
                let lines: Vec<String> = self.recent.iter().cloned().collect();
                self.lines(&lines);
            }
            Ok(Line::Show(place)) => match place.or_else(|| line::asked(session)) {
                Some(asked) if self.is_read_out(asked) => self.read_out(asked)?,
                _ => {
                    let card =
                        tell::card(session, place.unwrap_or_else(|| here(session)), now, &self.sheet());
                    self.exact(&card);
                }
            },
            Ok(Line::Output(place, None)) => {
                let tail = self.walk.output_tail(place);
                if tail.is_empty() {
                    self.line("there is no output of that step");
                } else {
                    for line in &tail {
                        self.line(&format!("| {line}"));
                    }
                    self.line(&format!("output {} from 1 shows it from its first line on", place + 1));
                }
            }
            Ok(Line::Output(place, Some(from))) => self.output_from(place, from),
            Ok(Line::Find(place, text)) => self.find(place, &text),
            Ok(Line::Save(place, errors, file)) => self.save(place, errors, &file),
            Ok(Line::Values) => {
                let values = tell::values(session);
                self.exact(&values);
            }
            Ok(Line::About) => {
                let about = tell::opening(session);
                self.exact(&about);
            }
            Ok(Line::Secrets) => self.give_secrets()?,
            Ok(Line::Approve(place)) => self.approve(place)?,
            Ok(Line::Type(bytes)) => self.type_into(&bytes)?,
            Ok(Line::TypeHidden) => self.type_hidden()?,
            Ok(Line::Quit) => return Ok(Some(Way::Out(self.last))),
            Ok(Line::Screen) => match screen::room(self.input.terminal) {
                Ok(()) => return Ok(Some(Way::ToScreen)),
                Err(why) => self.line(&format!("{why}; nothing was done")),
            },
            Ok(Line::Act(command)) => self.request(command)?,
            Ok(Line::Words(command, wanted)) => {
                let prompt = tell::words_prompt(session, &command, wanted);
                if let Some(words) = self.ask(&prompt)?.filter(|words| !words.trim().is_empty()) {
                    self.request(line::with_words(command, words))?;
                } else {
                    self.last = Exit::No;
                    self.line("without words nothing was done");
                }
            }
        }
        Ok(None)
    }

    fn request(&mut self, command: Command) -> Result<(), Failure> {
        if let Some(under) = &self.under
            && waits(&command)
        {
            let what = under.command.action();
            self.line(&format!("wait for the end of “{what}”, or stop it; nothing was done"));
            return Ok(());
        }
        if self.waits_for.is_some() {
            self.last = Exit::No;
            self.line(second::not_sent(&command));
            return Ok(());
        }
        match self.act(command.clone()) {
            Ok(Reply::Recorded { n }) if self.under.is_none() => {
                let follow = Follow::new(&command, n);
                let asking = waits(&command);
                let end = follow.over(self.session(), clock::now(self.session()));
                self.under = Some(Under { command, follow, n, asking });
                self.over(end)?;
            }
            Ok(Reply::Recorded { .. }) => {}
            Ok(Reply::Refused { n, refusal }) => self.ended(&command, Became::Refused { n, refusal })?,
            Ok(Reply::Failed { why }) => return Err(not_recorded(&why)),
            // The connection is made again; what became of the request shows in what is heard then.
            Err(error @ ClientError::Lost { .. }) => {
                self.last = Exit::No;
                let held = if matches!(command, Command::Hold { .. }) { "perhaps NOT HELD: " } else { "" };
                self.line(&format!("{held}{error}; wait, and look before you ask again"));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// How a request ended.
    fn ended(&mut self, command: &Command, mut became: Became) -> Result<(), Failure> {
        self.last = exit_of(command, &became);
        match &mut became {
            Became::Ended { end: End::Question, .. } => return self.question(command),
            Became::Ended { n, end: End::Recorded } if matches!(command, Command::Approve { .. }) => {
                self.approved(command, *n);
                return Ok(());
            }
            // What went on was told as it happened.
            Became::Ended { end: End::Badly { .. } | End::Well { .. }, .. } => return Ok(()),
            // The text is asked for when its time has come.
            Became::Ended { end: End::Refused { unmet, .. }, .. } if unmet.len() > 1 => {
                unmet.retain(|requirement| requirement.kind != Kind::Confirm);
            }
            _ => {}
        }
        self.break_prompt();
        let told = tell_end(&self.walk, command, &became, &Voice::of_plain(&self.walk.name), &mut self.out);
        if let Err(wrong) = told {
            self.line(&format!("{}; nothing was done", wrong.said));
        }
        Ok(())
    }

    /// All is met but the text: puts the question. Only the very text goes on.
    fn question(&mut self, command: &Command) -> Result<(), Failure> {
        let (Command::Run { step, .. } | Command::Undo { step, .. }) = command else { return Ok(()) };
        let session = self.session();
        let Some(place) = session.step_at(step.as_str()) else { return Ok(()) };
        let Some(text) = view::confirmation(session, place) else { return Ok(()) };
        let work = if matches!(command, Command::Undo { .. }) { Work::Undo } else { Work::Run };
        let lines = tell::question(session, place, work, clock::now(session), &self.sheet());
        self.exact(&lines);
        let answer = self.ask(&tell::confirm_prompt(&text))?;
        // What a person types ends with Enter; more in one go is a paste.
        if answer.as_ref() == Some(&text) && !self.input.more_was_typed() {
            let mut command = command.clone();
            if let Command::Run { typed, will_ask, .. } | Command::Undo { typed, will_ask, .. } = &mut command
            {
                (*typed, *will_ask) = (answer, false);
            }
            return self.request(command);
        }
        let why = match answer {
            None => "not now",
            Some(answer) => {
                self.input.forget();
                if answer == text { "pasted, not typed: not now" } else { "that is not the text: not now" }
            }
        };
        self.line(&format!("{why}; nothing was run"));
        Ok(())
    }

    /// Puts a prompt and takes a line that was typed after it. `None`: a bare Enter, or the end of input.
    fn ask(&mut self, prompt: &str) -> Result<Option<String>, Failure> {
        self.input.forget();
        loop {
            self.show_prompt(prompt);
            if self.out.has_left()? {
                return Ok(None); // What could not be read was not asked.
            }
            match self.input.next(true, self.next_alarm())? {
                Came::Bell if self.is_to_leave() => return Err(self.interrupted()),
                Came::Bell => self.hear_all()?,
                Came::Line(line) => {
                    self.took(&line);
                    return Ok(Some(line).filter(|line| !line.is_empty()));
                }
                Came::NoLine(_) | Came::End => return Ok(None),
            }
        }
    }

    /// When a step becomes late, if one does.
    fn next_alarm(&self) -> Option<Duration> {
        let now = clock::now(self.session());
        let late = self.late.due(self.session(), now);
        late.into_iter().chain(self.standings.due(self.session(), now)).chain(self.next_question()).min()
    }

    fn seat(&self) -> Seat {
        second::seat(self.session(), self.role, &self.you)
    }

    /// Connected for the first time.
    fn joined(&mut self) -> Result<(), Failure> {
        let welcome = &self.walk.talk.line.client.welcome;
        let recent = welcome.recent.iter().rev().take(NEWEST).rev();
        self.recent = recent.map(|entry| log_line(entry, &welcome.session)).collect();
        match &self.walk.talk.log {
            LogHealth::Broken { why } => Err(broken(why)),
            _ => Ok(()),
        }
    }

    /// Secrets that the host does not know are asked for where somebody is there.
    fn ask_secrets(&mut self) -> Result<(), Failure> {
        if self.seat() != Seat::Operator {
            return Ok(());
        }
        if !self.walk.talk.line.client.is_own() {
            return Ok(());
        }
        let runbook = self.session().runbook.clone();
        for name in self.walk.talk.line.client.welcome.secrets_missing.clone() {
            let Some(param) = runbook.params.iter().find(|param| param.name == name) else { continue };
            if param.env.as_ref().is_some_and(|variable| std::env::var_os(variable).is_some()) {
                continue; // it was given as the walk was joined
            }
            let value = if self.input.terminal { ask::parameter(param).ok() } else { None };
            match value {
                Some(crate::runbook::Value::Text(value)) => {
                    self.walk.talk.send(&ToHost::GiveSecret { name, value: value.into() })?;
                }
                _ => self.line(&format!("the secret {name} is not known; what uses it will not start")),
            }
        }
        Ok(())
    }

    /// Asks for the secrets that the host lacks, where there are some.
    fn give_secrets(&mut self) -> Result<(), Failure> {
        if self.walk.talk.line.client.welcome.secrets_missing.is_empty() {
            self.line("no secret is missing; nothing was done");
            return Ok(());
        }
        if self.seat() != Seat::Operator || !self.walk.talk.line.client.is_own() {
            self.line("only the operator, as the session's owner, gives secrets; nothing was done");
            return Ok(());
        }
        self.ask_secrets()
    }

    fn interrupted(&mut self) -> Failure {
        self.break_prompt();
        self.out.flush();
        match self.under.take() {
            Some(under) => self.walk.leave(&under.command),
            None if self.session().running().is_empty() => Failure::interrupted("interrupted"),
            None => Failure::interrupted("interrupted; what runs goes on"),
        }
    }

    /// Is the session over?
    fn closed(&mut self) -> Option<Exit> {
        match &self.session().stage {
            Stage::Finished => {
                self.line("The walk is finished.");
                Some(Exit::Yes)
            }
            Stage::Aborted { .. } if self.role == Role::Watch => Some(Exit::Yes),
            _ => None,
        }
    }

    /// Shows the step where the walk stands, once.
    fn show_step(&mut self) {
        if self.seat() != Seat::Operator {
            return;
        }
        let session = self.session();
        let place = here(session);
        if self.shown == Some(place) || all_behind(session) || session.stage != Stage::Open {
            return;
        }
        let card = tell::card(session, place, clock::now(session), &self.sheet());
        self.exact(&card);
        self.line("");
        self.shown = Some(place);
    }

    fn show_prompt(&mut self, prompt: &str) {
        if self.prompt.as_deref() != Some(prompt) {
            self.break_prompt();
            self.out.words(prompt);
            self.out.flush();
            self.prompt = Some(prompt.to_owned());
        }
    }

    /// A line was taken. A terminal has shown it; what a pipe said is shown here, so that what is read makes sense.
    fn took(&mut self, line: &str) {
        self.prompt = None;
        if !self.input.terminal {
            // What is typed into a terminal may be a secret.
            self.out.line(if line::is_private(line) {
                "type (what was typed is not shown)".into()
            } else {
                clean(line)
            });
        }
    }

    fn break_prompt(&mut self) {
        if self.prompt.take().is_some() {
            self.out.line("");
        }
    }

    fn line(&mut self, line: &str) {
        self.break_prompt();
        self.out.line(unstack(line.into()));
        self.out.flush();
    }

    /// Lines in which nothing more is broken.
    fn exact(&mut self, lines: &[String]) {
        if !lines.is_empty() {
            self.break_prompt();
            self.out.text(&unstack(lines.join("\n").into()));
            self.out.text("\n");
            self.out.flush();
        }
    }

    fn sheet(&self) -> tell::Sheet<'_> {
        tell::Sheet { name: &self.walk.name, columns: columns() }
    }

    fn lines(&mut self, lines: &[String]) {
        if !lines.is_empty() {
            self.line(&lines.join("\n"));
        }
    }
}

/// Does this request go on after it is on record?
fn waits(command: &Command) -> bool {
    matches!(
        command,
        Command::Run { .. }
            | Command::Undo { .. }
            | Command::Check { .. }
            | Command::Done { .. }
            | Command::Resolve { .. }
    )
}
