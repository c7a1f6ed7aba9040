//! Which face a walk has, and opening it: the screen, or lines. SHELL.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use crate::client::{HostStart, IfNoHost, Stay, Wish, attach_line};
use crate::history;
use crate::journal::store;
use crate::tui::{self, TuiError};
use crate::wire::messages::Role;
use crate::wire::start::Given;

use super::begin;
use super::exit::{Exit, Failure, Outcome};
use super::out::say;
use super::perform::tell_environment;
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
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err(Failure::wrong(
            "the screen needs a terminal; `--plain` walks as lines, `onbelay start` and `onbelay do` serve scripts",
        ));
    }
    if std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty()) {
        say("this terminal can only show lines (TERM); walking with --plain");
        return Ok(Face::Lines);
    }
    Ok(Face::Screen)
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
        begin::given_again(&loaded.session.runbook)
    };
    let wish =
        Wish { role, if_no_host: IfNoHost::Start(HostStart::new(given)), stay: Stay::Yes(place::can_go_on) };
    match face {
        Face::Lines => plain::walk(dir, wish, named),
        Face::Screen => open_screen(dir, wish, look, named),
    }
}

fn open_screen(dir: &Path, wish: Wish, look: Look, named: Option<String>) -> Outcome {
    let had_host = store::host_alive(dir)?;
    // Only for a screen that breaks, which has no time to look.
    let path = named.clone().unwrap_or_else(|| quoted(&dir.to_string_lossy()));
    let options = tui::Options {
        own_home: place::is_in_usual_home(dir),
        history: Some(history::of),
        ..tui::Options::new(wish, path)
    };
    let options = look.on(options);
    let left = tui::run(dir, options).map_err(of_screen)?;
    let loaded = store::load(dir);
    let session = left.session;
    // On the screen it stood in the log; said again where it stays in sight.
    if let (false, Ok(loaded)) = (had_host, &loaded) {
        tell_environment(&loaded.entries);
    }
    let name = loaded.as_ref().map_or_else(|_| session.to_string(), |it| place::called(dir, &it.session));
    let name = named.unwrap_or_else(|| quoted(&name));
    let open = loaded.is_ok_and(|loaded| place::is_open(loaded.state));
    let parting = if open {
        format!("session {session} goes on; `{}` comes back to it", attach_line(left.role, &name))
    } else {
        format!("session {session} is closed; `onbelay report {name}` tells what happened")
    };
    match left.end {
        tui::End::Left => {
            say(parting);
            Ok(Exit::Yes)
        }
        tui::End::Signal(_) => Err(Failure::interrupted(parting)),
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
