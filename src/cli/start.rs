//! `onbelay start`: a session with no screen. SHELL.

use crate::client;

use super::args::StartArgs;
use super::begin::{self, Asking};
use super::exit::{Exit, Outcome};
use super::logout;
use super::out::{Out, say};
use super::signers;

/// Starts a session and prints its id. Nobody is asked for anything.
pub fn run(args: &StartArgs) -> Outcome {
    let filled = begin::fill_in(&args.file, &args.params, Asking::Nobody)?;
    let by_key = signers::are_wanted(&filled.runbook);
    let mut new = begin::new_session(&args.file, filled, args.another)?;
    let shared = begin::share(&mut new, args.share.as_deref(), args.allowed_signers.as_deref())?;
    let place = client::create(new)?;
    begin::tell(shared.as_ref(), &place.dir);
    if by_key {
        signers::tell_missing(&place.dir, args.allowed_signers.as_deref());
    }
    // Its host was started here and now, so it is part of what this process is part of.
    if let Some(why) = logout::warning(std::process::id()) {
        say(format!("warning: {why}"));
    }
    let mut out = Out::stdout();
    out.line(place.id.as_str());
    out.finish()?;
    Ok(Exit::Yes)
}
