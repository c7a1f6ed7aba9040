//! `onbelay run`: starts a session and opens the screen, or the walk in lines, on it. SHELL.

use std::path::Path;

use crate::client::{self, ClientError};
use crate::wire::messages::Role;

use super::args::RunArgs;
use super::ask::{somebody_is_there, yes};
use super::begin::{self, Asking};
use super::exit::{Failure, Outcome};
use super::place;
use super::screen::{self, Face};
use super::signers;
use super::theme::{self, Look};

/// Starts a session and walks it.
pub fn run(args: &RunArgs) -> Outcome {
    let face = screen::face(args.plain)?;
    let look = theme::pick(args.theme.as_deref())?;
    let asking = if somebody_is_there() { Asking::OnTerminal } else { Asking::Nobody };
    let filled = begin::fill_in(&args.file, &args.params, asking)?;
    let by_key = signers::are_wanted(&filled.runbook);
    let mut new = begin::new_session(&args.file, filled, args.another)?;
    let shared = begin::share(&mut new, args.share.as_deref(), args.allowed_signers.as_deref())?;
    let given = new.given.clone();
    let dir = match client::create(new) {
        Ok(place) => place.dir,
        Err(ClientError::Same { id }) => return go_back(id.as_str(), face, look),
        Err(error) => return Err(error.into()),
    };
    begin::tell(shared.as_ref(), &dir);
    if by_key {
        signers::tell_missing(&dir, args.allowed_signers.as_deref());
    }
    screen::walk(&dir, Role::Drive, face, look, Some(given), None)
}

/// The same runbook with the same values is walked already: the default is to leave it at that.
fn go_back(id: &str, face: Face, look: Look) -> Outcome {
    let refused = || Failure::from(ClientError::Same { id: id.into() });
    if !somebody_is_there()
        || !yes(&format!("Session {id} walks this runbook with the same values. Go back to it?"))?
    {
        return Err(refused());
    }
    let dir = place::store()?.find(id)?;
    screen::walk(Path::new(&dir), Role::Drive, face, look, None, None)
}
