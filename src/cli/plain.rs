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

use crate::client::{self, Wish, attach_line};
use crate::session::state::Stage;
use crate::wire::messages::Role;

use super::exit::{Failure, Outcome};
use super::logout;
use super::out::say;
use super::place;
use super::words::quoted;

/// How a walk in lines was left.
#[derive(Debug)]
pub enum Walked {
    /// For good.
    Left(Outcome),
    /// For the screen, on the same connection.
    ToScreen(Box<client::Line>, Role),
}

/// How a walk in lines begins, and what is said when it is left.
#[derive(Debug)]
pub struct Manner<'a> {
    /// A connection that the screen had.
    pub line: Option<client::Line>,
    /// The path by which the session was named at this terminal, if it was.
    pub named: Option<&'a str>,
    /// Nobody comes back to this session.
    pub once: bool,
}

/// Walks the session in `dir` until it is finished, its reader leaves, or input ends; or until the screen is asked for. A
/// wish of role `Watch` only has told what happens. Says how to come back where there is something to come back to.
pub fn walk(dir: &Path, wish: Wish, manner: Manner<'_>) -> Result<Walked, Failure> {
    let Manner { line, named, once } = manner;
    let mut shell = match line {
        Some(line) => shell::Shell::go_on(dir, &wish, line)?,
        None => shell::Shell::open(dir, wish)?,
    };
    let host = shell.session().host.as_ref().map(|host| host.pid);
    if let Some(why) = host.filter(|_| !once).and_then(logout::warning) {
        say(format!("warning: {why}"));
    }
    let outcome = match shell.walk() {
        Ok(shell::Way::Out(exit)) => Ok(exit),
        Ok(shell::Way::ToScreen) => {
            let role = shell.role();
            return Ok(Walked::ToScreen(Box::new(shell.into_line()?), role));
        }
        Err(failure) => Err(failure),
    };
    if once {
        return Ok(Walked::Left(outcome));
    }
    let session = shell.session();
    let name = named.map_or_else(|| quoted(&place::called(dir, session)), str::to_owned);
    say(match session.stage {
        Stage::Open => {
            format!("The session stays open. To come back: {} --plain", attach_line(shell.role(), &name))
        }
        Stage::Finished | Stage::Aborted { .. } => format!("What happened: onbelay report {name}"),
    });
    Ok(Walked::Left(outcome))
}
