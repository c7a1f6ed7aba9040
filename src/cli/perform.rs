//! Carries one request to its end: sends it, follows the records, says what happens. SHELL. `do` and plain mode share it.

mod health;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::client::{ClientError, Heard, HostStart, IfNoHost, Line, Stay, Talk, Wish};
use crate::clock;
use crate::journal::store;
use crate::process::output::{self, Stream};
use crate::session::summary::{sentence, who};
use crate::session::{Command, Entry, Event, Fault, Refusal, Session, view};
use crate::text::{clean, clean_bytes};
use crate::wire::ToHost;
use crate::wire::messages::{LogHealth, Reply, Role};

pub use health::{Pace, broken, not_recorded};

use super::begin;
use super::exit::{Exit, Failure};
use super::far::Far;
use super::follow::{End, Follow};
use super::late::Late;
use super::logout;
use super::out::{Out, say};
use super::place;
use super::words::quoted;

/// How often a waiting client looks whether it was interrupted, at the least.
const LOOK: Duration = Duration::from_millis(100);

/// Lines of output that are shown of a command that did not end well.
const TAIL_LINES: usize = 12;

/// A conversation with a session's host.
pub struct Walk {
    /// The conversation.
    pub talk: Talk,
    /// The session's directory.
    pub dir: PathBuf,
    /// How the session is called where somebody is told what to type; not quoted.
    pub name: String,
    interrupted: Arc<AtomicBool>,
    far: Far,
    late: Late,
    pace: Pace,
}

/// What became of a request.
#[derive(Debug)]
pub enum Became {
    /// It ran to this end; `n` is its first record.
    Ended {
        /// Its first record.
        n: u64,
        /// The end.
        end: End,
    },
    /// It is on record, and nobody waits for its end.
    OnRecord {
        /// Its first record.
        n: u64,
    },
    /// A rule, or the call itself, said no.
    Refused {
        /// Record that says so; 0: none.
        n: u64,
        /// Why.
        refusal: Refusal,
    },
}

impl Walk {
    /// Connects to the session in `dir`, bringing its host back where it is gone. Ctrl-C from here on ends a wait and
    /// nothing else.
    pub fn open(dir: &Path, role: Role) -> Result<Self, Failure> {
        let interrupted = hear_ctrl_c()?;
        let before = store::host_alive(dir)?;
        Self::joined(open_talk(dir, role)?, dir, interrupted, before)
    }

    /// As [`Walk::open`], with a wish of one's own; `wake` is called, on another thread, after each message of the host.
    pub fn open_waking(dir: &Path, wish: Wish, wake: impl Fn() + Send + 'static) -> Result<Self, Failure> {
        let interrupted = hear_ctrl_c()?;
        let before = store::host_alive(dir)?;
        Self::joined(Talk::open_waking(dir, wish, wake)?, dir, interrupted, before)
    }

    /// Goes on with a connection that another face had.
    pub fn over(line: Line, dir: &Path) -> Result<Self, Failure> {
        Self::joined(Talk::over(line), dir, hear_ctrl_c()?, true)
    }

    fn joined(talk: Talk, dir: &Path, interrupted: Arc<AtomicBool>, had_host: bool) -> Result<Self, Failure> {
        if !had_host {
            tell_environment(&hosts(dir, &talk.line.client.welcome.recent));
        }
        let walk = Self {
            name: place::called(dir, &talk.session),
            talk,
            dir: dir.to_owned(),
            interrupted,
            far: Far::default(),
            late: Late::default(),
            pace: Pace::default(),
        };
        walk.give_secrets()?;
        Ok(walk)
    }

    /// What the reader calls the session on a command line: as they did, where that finds it for others too.
    #[must_use]
    pub fn called(&self, typed: Option<&str>) -> String {
        typed.filter(|_| !self.name.contains('/')).unwrap_or(&self.name).to_owned()
    }

    /// Gives the host the secrets it lacks and this environment holds.
    fn give_secrets(&self) -> Result<(), Failure> {
        if !self.talk.line.client.is_own() {
            return Ok(());
        }
        for name in &self.talk.line.client.welcome.secrets_missing {
            let param = self.talk.session.runbook.params.iter().find(|param| param.name == *name);
            let value = param.and_then(begin::secret_here);
            if let Some(value) = value {
                self.talk.send(&ToHost::GiveSecret { name: name.clone(), value: value.into() })?;
            }
        }
        Ok(())
    }

    /// Was Ctrl-C pressed since this was last asked?
    pub fn was_interrupted(&self) -> bool {
        self.interrupted.swap(false, Ordering::SeqCst)
    }

    /// Sends a request and, where `wait`, follows it to its end; `tell` hears every record on the way.
    pub fn perform(
        &mut self,
        command: &Command,
        wait: bool,
        mut tell: impl FnMut(&Entry, &Session),
    ) -> Result<Became, Failure> {
        let pace = &mut self.pace;
        let reply = self.talk.act_telling(command.clone(), |log| {
            if let Some(line) = pace.line(log).filter(|_| *log != LogHealth::Safe) {
                say(line);
            }
        })?;
        let n = match reply {
            Reply::Recorded { n } => n,
            Reply::Refused { n, refusal } => return Ok(Became::Refused { n, refusal }),
            Reply::Failed { why } => return Err(not_recorded(&why)),
        };
        if !wait {
            return Ok(Became::OnRecord { n });
        }
        let mut follow = Follow::new(command, n);
        // What was asked for may stand already, so that nothing new is to be heard.
        if let Some(end) = follow.over(&self.talk.session, clock::now(&self.talk.session)) {
            return Ok(Became::Ended { n, end });
        }
        let mut waited = Vec::new();
        loop {
            if let LogHealth::Broken { why } = &self.talk.log {
                return Err(broken(why));
            }
            // Its end shows: what was waited for goes on.
            if let Some(line) = self.pace.line(&self.talk.log).filter(|_| self.talk.log != LogHealth::Safe) {
                say(line);
            }
            if self.was_interrupted() {
                return Err(self.leave(command));
            }
            for line in self.late.lines(&self.talk.session, clock::now(&self.talk.session)) {
                say(line.text);
            }
            if let Some(line) = waits(command, &self.talk.session, &self.name, &mut waited) {
                say(line);
            }
            let end = match self.talk.hear(Some(Instant::now() + LOOK))? {
                Some(Heard::Entry(entry)) => {
                    self.far.hear(&entry);
                    let session = &self.talk.session;
                    if entry.n >= n {
                        tell(&entry, session);
                    }
                    follow.take(session, &entry, clock::now(session))
                }
                Some(Heard::Replaced) => follow.over(&self.talk.session, clock::now(&self.talk.session)),
                Some(Heard::Waiting { owner }) => {
                    return Err(ClientError::OnlyItsOwner { dir: self.dir.clone(), owner }.into());
                }
                Some(Heard::Other(message)) => {
                    if let Some(line) = self.far.line(&message, Instant::now()) {
                        say(line);
                    }
                    None
                }
                None => None,
            };
            if let Some(end) = end {
                return Ok(Became::Ended { n, end });
            }
        }
    }

    /// The caller was interrupted: what runs goes on, but what has not started yet is not to start unseen.
    pub fn leave(&mut self, command: &Command) -> Failure {
        let (Command::Run { step, .. } | Command::Undo { step, .. } | Command::Done { step, .. }) = command
        else {
            return Failure::interrupted("interrupted; what is being asked is asked on");
        };
        let session = &self.talk.session;
        let asked_for =
            session.step_at(step.as_str()).is_some_and(|place| session.steps[place].request.is_some());
        let withdrawn = asked_for
            && matches!(self.talk.act(Command::Withdraw { step: step.clone() }), Ok(Reply::Recorded { .. }));
        Failure::interrupted(if withdrawn {
            format!("interrupted before {step} started; it is not started")
        } else {
            format!(
                "interrupted; what runs goes on (to end it: onbelay do {} stop {step})",
                quoted(&self.name)
            )
        })
    }

    /// Everything heard since, without waiting.
    pub fn news(&mut self, mut tell: impl FnMut(&Entry, &Session)) -> Result<(), Failure> {
        while let Some(heard) = self.talk.hear(Some(Instant::now()))? {
            if let Heard::Entry(entry) = heard {
                tell(&entry, &self.talk.session);
            }
        }
        Ok(())
    }

    /// Waits for the next thing the host tells, at most this long.
    pub fn hear(&mut self, at_most: Duration) -> Result<Option<Heard>, Failure> {
        Ok(self.talk.hear(Some(Instant::now() + at_most))?)
    }

    /// The last lines that a step's last command wrote; empty where there are none.
    #[must_use]
    pub fn output_tail(&self, place: usize) -> Vec<String> {
        tail_of(&self.dir, &self.talk.session, place)
    }
}

/// What a step that has ended waits for, where that is new.
fn waits(command: &Command, session: &Session, name: &str, said: &mut Vec<String>) -> Option<String> {
    let (Command::Run { step, .. } | Command::Done { step, .. } | Command::Resolve { step, .. }) = command
    else {
        return None;
    };
    let open = view::awaited(session, session.step_at(step.as_str())?);
    if open.is_empty() || open == *said {
        return None;
    }
    said.clone_from(&open);
    let how = format!("onbelay do {} attest {} --say WORDS", quoted(name), open.first()?);
    Some(format!("{step} has ended; it waits for somebody to answer {}: {how}", clean(&open.join(", "))))
}

/// Says which variables the host that was just started again has other than before: their names, never their values.
pub fn tell_environment(entries: &[Entry]) {
    if let Some(changed) = environment_changed(entries) {
        say(format!(
            "note: the environment of commands is not as before; other, new or gone: {}",
            clean(&changed)
        ));
    }
    if let Some((then, now)) = another_machine(entries) {
        say(format!(
            "note: this is another machine, {}; until now the session was walked on {}. What is here may be another state than \
             what was looked at there",
            clean(now),
            clean(then)
        ));
    }
}

/// The records of the hosts of a session, oldest first: the newest two at least. `recent`: what is at hand.
fn hosts(dir: &Path, recent: &[Entry]) -> Vec<Entry> {
    let is_host = |entry: &Entry| matches!(entry.event, Event::HostStarted { .. });
    let mut hosts: Vec<Entry> = recent.iter().filter(|entry| is_host(entry)).cloned().collect();
    if hosts.len() < 2 && recent.first().is_some_and(|oldest| oldest.n > 1) {
        hosts.clear();
        // A log that cannot be read just now keeps nobody from going on: its host is there.
        let _ = store::load_each(dir, |entry| hosts.extend(is_host(&entry).then_some(entry)));
    }
    hosts
}

/// The machines of the last host and of the newest, where they differ.
fn another_machine(entries: &[Entry]) -> Option<(&str, &str)> {
    let mut machines = entries.iter().rev().filter_map(|entry| match &entry.event {
        Event::HostStarted { machine, .. } => machine.as_deref(),
        _ => None,
    });
    let (now, then) = (machines.next()?, machines.next()?);
    (then != now).then_some((then, now))
}

/// Names of what the newest host found changed; none: nothing.
fn environment_changed(entries: &[Entry]) -> Option<String> {
    let changed = entries.iter().rev().find_map(|entry| match &entry.event {
        Event::HostStarted { env_changed, .. } => Some(env_changed.join(", ")),
        _ => None,
    })?;
    Some(changed).filter(|names| !names.is_empty())
}

/// Ctrl-C sets the flag and does nothing else.
fn hear_ctrl_c() -> Result<Arc<AtomicBool>, Failure> {
    let interrupted = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(&interrupted))
        .map_err(|e| Failure::machine(format!("cannot listen for Ctrl-C: {e}")))?;
    Ok(interrupted)
}

fn open_talk(dir: &Path, role: Role) -> Result<Talk, Failure> {
    if store::host_alive(dir)? {
        // Only where its host goes away meanwhile is the runbook needed to start another.
        match Talk::open(dir, Wish { role, if_no_host: IfNoHost::Never, stay: Stay::No }) {
            Err(ClientError::NoHost { .. }) => {}
            other => return Ok(other?),
        }
    }
    let loaded = store::load(dir)?;
    place::must_be_whole(&loaded)?;
    say(format!("taking up session {} again: its host was gone", loaded.session.id));
    let start = HostStart::new(begin::given_again(&loaded.session.runbook));
    let wish = Wish { role, if_no_host: IfNoHost::Start(start), stay: Stay::Yes(place::can_go_on) };
    let talk = Talk::open(dir, wish)?;
    // Its host is part of the login that has brought it back.
    if let Some(why) = talk.session.host.as_ref().and_then(|host| logout::warning(host.pid)) {
        say(format!("warning: {why}"));
    }
    Ok(talk)
}

/// The last lines of the last attempt's output.
fn tail_of(dir: &Path, session: &Session, place: usize) -> Vec<String> {
    let step = &session.steps[place];
    if step.last_attempt == 0 {
        return Vec::new();
    }
    let item = step
        .items
        .iter()
        .rev()
        .filter_map(|item| item.place)
        .filter(|(attempt, _)| *attempt == step.last_attempt)
        .map(|(_, index)| index)
        .max();
    let dir = output::attempt_dir(dir, step.last_attempt, item);
    let mut lines = Vec::new();
    for stream in [Stream::Output, Stream::Errors] {
        let total = output::size(&dir, stream).unwrap_or(0);
        let from = total.saturating_sub(8 << 10);
        let Ok(part) = output::read_part(&dir, stream, from, 8 << 10) else { continue };
        let text: Vec<String> = part.bytes.split(|b| *b == b'\n').map(clean_bytes).collect();
        let text = match text.as_slice() {
            [rest @ .., last] if last.is_empty() => rest,
            all => all,
        };
        lines.extend(text.iter().skip(text.len().saturating_sub(TAIL_LINES)).cloned());
    }
    lines
}

/// The exit status of a request that ended.
#[must_use]
pub fn exit_of(command: &Command, became: &Became) -> Exit {
    match became {
        Became::OnRecord { .. } => Exit::Yes,
        Became::Refused { refusal, .. } if refusal.fault == Fault::Call => Exit::Wrong,
        Became::Refused { .. } => Exit::No,
        Became::Ended { end, .. } => match end {
            End::Recorded | End::Well { .. } | End::WithAPerson => Exit::Yes,
            End::Question | End::Refused { .. } | End::Dropped { .. } => Exit::No,
            End::Checked { all_hold, .. } => {
                if *all_hold {
                    Exit::Yes
                } else {
                    Exit::No
                }
            }
            // Who says that a step failed, or stops it, got what they asked for.
            End::Badly { .. } => match command {
                Command::Fail { .. } | Command::Stop { .. } | Command::Resolve { done: false, .. } => {
                    Exit::Yes
                }
                _ => Exit::EndedBadly,
            },
        },
    }
}

/// Is this record told while its request is followed? What is said at the end is not said twice.
#[must_use]
pub fn is_told(event: &Event) -> bool {
    !matches!(event, Event::Refused { .. } | Event::QuestionPut { .. } | Event::Requested { .. })
}

/// One line of a log: when, who, what.
#[must_use]
pub fn log_line(entry: &Entry, session: &Session) -> String {
    format!("{} {}   {}", entry.at.clock(), crate::text::clean(who(entry)), sentence(entry, session))
}

/// Tells records as lines of a log.
pub fn tell_to(out: &mut Out) -> impl FnMut(&Entry, &Session) + '_ {
    |entry, session| {
        if is_told(&entry.event) {
            out.line(log_line(entry, session));
            out.flush();
        }
    }
}
