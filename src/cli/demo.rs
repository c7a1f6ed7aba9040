//! `demo`: the bundled tour in a sandbox that is made for it and removed after it. SHELL.

use super::args::DemoArgs;
use super::exit::{Outcome, not_yet};

/// Walks the tour: on the screen where there is a terminal, else (or with `--plain`) in lines.
pub fn run(args: &DemoArgs) -> Outcome {
    let _ = args;
    Err(not_yet("the demo"))
}
