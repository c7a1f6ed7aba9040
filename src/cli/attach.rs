//! `onbelay attach`: opens the screen, or the walk in lines, on a session that is there. SHELL.

use crate::wire::messages::Role;

use super::args::AttachArgs;
use super::exit::{Outcome, not_yet};
use super::place::{self, IfSeveral};
use super::screen;

/// Opens it; a session whose host is gone is brought back.
pub fn run(args: &AttachArgs) -> Outcome {
    if args.witness {
        return Err(not_yet("joining as a witness"));
    }
    let face = screen::face(args.plain)?;
    let dir = place::pick(args.session.as_deref(), IfSeveral::Refuse)?;
    let role = if args.watch { Role::Watch } else { Role::Drive };
    screen::walk(&dir, role, face, None)
}
