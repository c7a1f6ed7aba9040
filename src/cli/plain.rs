//! The walk as lines and prompts on stdin and stdout: for screen readers, dumb terminals, pipes and `expect`. SHELL.
//! No redrawing, no cursor movement. It must not know journals or processes: it is a client like any other.

use std::path::Path;

use crate::client::Wish;

use super::exit::{Outcome, not_yet};

/// Walks the session in `dir` until it ends, its reader leaves, or input ends. With a `Wish` of role `Watch` it only
/// tells what happens.
pub fn walk(dir: &Path, wish: Wish) -> Outcome {
    let _ = (dir, wish);
    Err(not_yet("the walk in lines"))
}
