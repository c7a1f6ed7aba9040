//! Which face a walk has, and opening it: the screen, or lines. SHELL.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::sync::Arc;

use signal_hook::consts::{SIGHUP, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::{Handle, Signals};

use crate::client::{HostStart, IfNoHost, Line, Stay, Wish, attach_line};
use crate::history;
use crate::journal::store;
use crate::session::Event;
use crate::text::clean;
use crate::tui::terminal::{self, shows_only_lines};
use crate::tui::view::{MIN_HEIGHT, MIN_WIDTH};
use crate::tui::{self, TuiError};
use crate::wire::messages::Role;
use crate::wire::start::Given;

use super::begin;
use super::exit::{Exit, Failure, Outcome};
use super::file;
use super::logout;
use super::out::say;
use super::perform::tell_environment;
use super::plain::Walked;
use super::theme::Look;
use super::words::quoted;
use super::{place, plain};

/// How a walk shows itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// The terminal interface.
    Screen,
    /// Lines and prompts.
    Lines,
}

/// The face that this terminal can have; without one only lines, and only where they were asked for.
pub fn face(plain: bool) -> Result<Face, Failure> {
    if plain {
        return Ok(Face::Lines);
    }
    let terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    if !terminal {
        return Err(Failure::wrong(
            "the screen needs a terminal; `--plain` walks as lines, `onbelay start` and `onbelay do` serve scripts",
        ));
    }
    match room(terminal) {
        Ok(()) => Ok(Face::Screen),
        Err(why) => {
            say(format!("{why}; going on with --plain, in lines"));
            Ok(Face::Lines)
        }
    }
}

/// Is there room for the screen, now? Else a sentence: why not, and what to do.
pub fn room(terminal: bool) -> Result<(), String> {
    if !terminal || !io::stdout().is_terminal() {
        return Err("the screen needs a terminal, and this is none".to_owned());
    }
    let term = std::env::var("TERM").ok();
    if shows_only_lines(term.as_deref()) {
        return Err(format!(
            "this terminal can only show lines (TERM={}); another one, or another TERM, shows the screen",
            clean(&term.unwrap_or_default())
        ));
    }
    let (width, height) = terminal::size().cells;
    if width < MIN_WIDTH || height < MIN_HEIGHT {
        return Err(format!(
            "this window has {width} columns and {height} rows, and the screen needs {MIN_WIDTH} and {MIN_HEIGHT}: make it \
             larger, then type screen"
        ));
    }
    Ok(())
}

/// How a session is walked, whatever its face.
#[derive(Clone)]
pub struct Manner {
    /// How the screen looks.
    pub look: Look,
    /// The path by which the session was named at this terminal, if it was.
    pub named: Option<String>,
    /// What TERM, HUP and QUIT do while it is walked in lines. (The screen hears them itself.)
    pub told_to_end: Arc<dyn Fn(i32) + Send + Sync>,
    /// Nobody comes back to this session.
    pub once: bool,
}

/// Opens a session with this face. `given`: what a host that must be started again gets; absent: found anew.
/// `named`: the path by which the session was named at this terminal, if it was.
pub fn walk(
    dir: &Path,
    role: Role,
    face: Face,
    look: Look,
    given: Option<Given>,
    named: Option<String>,
) -> Outcome {
    let given = if let Some(given) = given {
        given
    } else {
        let loaded = store::load(dir)?;
        place::must_be_whole(&loaded)?;
        if let Some(differs) = file::differs(dir, &loaded.session.opened) {
            say(clean(&differs));
        }
        begin::given_again(&loaded.session.runbook)
    };
    let wish =
        Wish { role, if_no_host: IfNoHost::Start(HostStart::new(given)), stay: Stay::Yes(place::can_go_on) };
    let told_to_end = Arc::new(|signal| {
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    });
    go(dir, wish, face, &Manner { look, named, told_to_end, once: false })
}

/// Walks a session, with one face after the other as its user asks, on one connection.
pub fn go(dir: &Path, mut wish: Wish, mut face: Face, manner: &Manner) -> Outcome {
    let mut line = None;
    loop {
        match face {
            Face::Screen => {
                let left = match open_screen(dir, &wish, line.take(), manner)? {
                    Ok(left) => left,
                    Err(outcome) => return outcome,
                };
                (wish.role, line, face) = (left.role, Some(left.line), Face::Lines);
            }
            Face::Lines => {
                let _ears = Ears::new(&manner.told_to_end)?;
                let named = manner.named.as_deref();
                let how = plain::Manner { line: line.take(), named, once: manner.once };
                match plain::walk(dir, wish.clone(), how)? {
                    Walked::Left(outcome) => return outcome,
                    Walked::ToScreen(kept, role) => {
                        (wish.role, line, face) = (role, Some(*kept), Face::Screen);
                    }
                }
            }
        }
    }
}

/// Hears what tells a walk in lines to end, and does what is to be done then.
struct Ears(Handle);

impl Ears {
    fn new(told_to_end: &Arc<dyn Fn(i32) + Send + Sync>) -> Result<Self, Failure> {
        let cannot = |e: io::Error| Failure::machine(format!("cannot listen for signals: {e}"));
        // Once the screen has heard a signal the kernel's own way with it is gone: it is stood in for.
        let mut signals = Signals::new([SIGTERM, SIGHUP, SIGQUIT, SIGTSTP]).map_err(cannot)?;
        let ears = Self(signals.handle());
        let told_to_end = Arc::clone(told_to_end);
        let listen = move || {
            for signal in signals.forever() {
                if signal == SIGTSTP {
                    let _ = signal_hook::low_level::emulate_default_handler(signal);
                } else {
                    told_to_end(signal);
                }
            }
        };
        std::thread::Builder::new().name("ears".to_owned()).spawn(listen).map_err(cannot)?;
        Ok(ears)
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Shows the screen until it is left: for lines (`Ok`), or for good.
fn open_screen(
    dir: &Path,
    wish: &Wish,
    line: Option<Line>,
    manner: &Manner,
) -> Result<Result<tui::Left, Outcome>, Failure> {
    let had_host = line.is_some() || store::host_alive(dir)?;
    // Only for a screen that breaks, which has no time to look.
    let path = manner.named.clone().unwrap_or_else(|| quoted(&dir.to_string_lossy()));
    let options = tui::Options {
        own_home: place::is_in_usual_home(dir),
        history: (!manner.once).then_some(history::of),
        ..tui::Options::new(wish.clone(), path)
    };
    let options = manner.look.clone().on(options);
    let line = match line {
        Some(line) => line,
        None => tui::open(dir, wish.clone()).map_err(of_screen)?,
    };
    let host = line.client.welcome.session.host.as_ref().map(|host| host.pid);
    let ends = host.filter(|_| !manner.once).and_then(logout::warning);
    let options = tui::Options { said: together(ends, options.said), ..options };
    let left = tui::show(dir, line, options).map_err(of_screen)?;
    if let (Some(ended), tui::End::Left | tui::End::Lines) = (&left.ended, left.end) {
        say(ended);
    }
    if left.end == tui::End::Lines {
        return Ok(Ok(left));
    }
    if manner.once {
        return Ok(Err(match left.end {
            tui::End::Signal(_) => Err(Failure::interrupted("interrupted")),
            _ => Ok(Exit::Yes),
        }));
    }
    let (session, end, role) = (left.session, left.end, left.role);
    // The host sees that this client has left before anything is read from the disk.
    drop(left.line);
    let mut hosts = Vec::new();
    let loaded = store::load_each(dir, |entry| {
        hosts.extend(matches!(entry.event, Event::HostStarted { .. }).then_some(entry));
    });
    // On the screen it stood in the log; said again where it stays in sight.
    if !had_host && loaded.is_ok() {
        tell_environment(&hosts);
    }
    let name = loaded.as_ref().map_or_else(|_| session.to_string(), |it| place::called(dir, &it.session));
    let name = manner.named.clone().unwrap_or_else(|| quoted(&name));
    let open = loaded.is_ok_and(|loaded| place::is_open(loaded.state));
    let parting = if open {
        format!("session {session} goes on; `{}` comes back to it", attach_line(role, &name))
    } else {
        format!("session {session} is closed; `onbelay report {name}` tells what happened")
    };
    if let tui::End::Signal(_) = end {
        return Ok(Err(Err(Failure::interrupted(parting))));
    }
    say(parting);
    Ok(Err(Ok(Exit::Yes)))
}

/// One notice for two things to say: what may cost most first, for a narrow screen cuts its end.
fn together(first: Option<String>, second: Option<String>) -> Option<String> {
    match (first, second) {
        (Some(first), Some(second)) => Some(format!("{first}. And: {second}")),
        (first, second) => first.or(second),
    }
}

/// Why there is no screen.
#[must_use]
pub fn of_screen(error: TuiError) -> Failure {
    match error {
        TuiError::Client(error) => error.into(),
        other => Failure::machine(format!("{other}; the session goes on")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_a_theme_that_is_wrong_does_not_hide_what_a_logout_ends() {
        let (logout, theme) = (|| Some("it ends".to_owned()), || Some("the default is used".to_owned()));
        assert_eq!(together(logout(), theme()).as_deref(), Some("it ends. And: the default is used"));
        assert_eq!(together(logout(), None), logout());
        assert_eq!(together(None, theme()), theme());
        assert_eq!(together(None, None), None);
    }
}
