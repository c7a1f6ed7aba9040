//! `onbelay status`: every step, its gate, every check, from the session's directory alone. SHELL.

use crate::clock;
use crate::journal::reader::Tail;
use crate::journal::store;
use crate::report::status;

use super::args::StatusArgs;
use super::exit::{Exit, Failure, Outcome};
use super::out::{Out, say};
use super::place::{self, IfSeveral};

/// Prints where a session stands. Starts no host.
pub fn run(args: &StatusArgs) -> Outcome {
    let dir = place::pick(args.session.as_deref(), IfSeveral::Refuse)?;
    let loaded = store::load(&dir)?;
    if let Tail::Damaged(fault) = &loaded.tail {
        say(format!("warning: the log is damaged: {fault}; this is how things stood before that"));
    }
    let status =
        status::status(&loaded.session, place::state_word(loaded.state), clock::now(&loaded.session));
    let mut out = Out::stdout();
    if args.json {
        let json = serde_json::to_string_pretty(&status)
            .map_err(|e| Failure::machine(format!("cannot write the status as JSON: {e}")))?;
        out.line(json);
    } else {
        out.text(&status::text(&status));
    }
    out.finish()?;
    Ok(Exit::Yes)
}
