//! `onbelay attach`: opens the screen, or the walk in lines, on a session that is there. SHELL.

use crate::wire::messages::Role;

use super::args::AttachArgs;
use super::exit::Outcome;
use super::place::{self, IfSeveral};
use super::screen;
use super::theme;

/// Opens it; a session whose host is gone is brought back.
pub fn run(args: &AttachArgs) -> Outcome {
    let face = screen::face(args.plain)?;
    let look = theme::pick(args.theme.as_deref())?;
    let dir = place::pick(args.session.as_deref(), IfSeveral::Refuse)?;
    let role = match (args.watch, args.witness) {
        (true, _) => Role::Watch,
        (false, true) => Role::Witness,
        (false, false) => Role::Drive,
    };
    let named = place::named_by_path(args.session.as_deref());
    screen::walk(&dir, role, face, look, None, named)
}
