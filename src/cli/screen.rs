//! Which face a walk has, and opening it: the screen, or lines. SHELL.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use crate::client::{HostStart, IfNoHost, Stay, Wish};
use crate::journal::store;
use crate::tui::{self, TuiError};
use crate::wire::messages::Role;
use crate::wire::start::Given;

use super::begin;
use super::exit::{Exit, Failure, Outcome};
use super::out::say;
use super::perform::tell_environment;
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
pub fn walk(dir: &Path, role: Role, face: Face, given: Option<Given>) -> Outcome {
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
        Face::Lines => plain::walk(dir, wish),
        Face::Screen => open_screen(dir, wish),
    }
}

fn open_screen(dir: &Path, wish: Wish) -> Outcome {
    let had_host = store::host_alive(dir)?;
    let options = tui::Options { own_home: place::is_in_usual_home(dir), ..tui::Options::new(wish) };
    let (end, session) = tui::run(dir, options).map_err(of_screen)?;
    let loaded = store::load(dir);
    // On the screen it stood in the log; said again where it stays in sight.
    if let (false, Ok(loaded)) = (had_host, &loaded) {
        tell_environment(&loaded.entries);
    }
    let name = loaded.as_ref().map_or_else(|_| session.to_string(), |it| place::called(dir, &it.session));
    let name = quoted(&name);
    let open = loaded.is_ok_and(|loaded| place::is_open(loaded.state));
    let parting = if open {
        format!("session {session} goes on; `onbelay attach {name}` comes back to it")
    } else {
        format!("session {session} is closed; `onbelay report {name}` tells what happened")
    };
    match end {
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
