//! The walk as lines and prompts on stdin and stdout: for screen readers, dumb terminals, pipes and `expect`. SHELL.
//! No redrawing, no cursor movement. It must not know journals or processes: it is a client like any other.
//!
//! `line` reads what is typed, `tell` and `second` say what is shown, `live` bounds output (all PURE); `input` waits.

mod input;
mod line;
mod live;
mod second;
mod shell;
mod tell;
#[cfg(test)]
mod tests;

use std::path::Path;

use crate::client::{Wish, attach_line};
use crate::session::state::Stage;

use super::exit::Outcome;
use super::out::say;
use super::place;
use super::words::quoted;

/// Walks the session in `dir` until it is finished, its reader leaves, or input ends. A wish of role `Watch` only has
/// told what happens. Says how to come back where there is something to come back to.
/// `named`: the path by which the session was named at this terminal, if it was.
pub fn walk(dir: &Path, wish: Wish, named: Option<String>) -> Outcome {
    let mut shell = shell::Shell::open(dir, wish)?;
    let outcome = shell.walk();
    let session = shell.session();
    let name = named.unwrap_or_else(|| quoted(&place::called(dir, session)));
    say(match session.stage {
        Stage::Open => {
            format!("The session stays open. To come back: {} --plain", attach_line(shell.role(), &name))
        }
        Stage::Finished | Stage::Aborted { .. } => format!("What happened: onbelay report {name}"),
    });
    outcome
}

/// As [`walk`], for a session that nobody comes back to.
pub fn walk_once(dir: &Path, wish: Wish) -> Outcome {
    shell::Shell::open(dir, wish)?.walk()
}
