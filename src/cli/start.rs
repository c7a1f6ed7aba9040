//! `onbelay start`: a session with no screen. SHELL.

use crate::client;

use super::args::StartArgs;
use super::begin::{self, Asking};
use super::exit::{Exit, Outcome, not_yet};
use super::out::Out;

/// Starts a session and prints its id. Nobody is asked for anything.
pub fn run(args: &StartArgs) -> Outcome {
    if args.share.is_some() {
        return Err(not_yet("`--share`, a session that several accounts share,"));
    }
    let filled = begin::fill_in(&args.file, &args.params, Asking::Nobody)?;
    let place = client::create(begin::new_session(&args.file, filled, args.another)?)?;
    let mut out = Out::stdout();
    out.line(place.id.as_str());
    out.finish()?;
    Ok(Exit::Yes)
}
