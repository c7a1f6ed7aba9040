//! What a runbook is: its model, how its text is vetted and read, how values fill it. PURE: no clock, no disk.
//! It must not know sessions, hosts or screens.

pub mod commands;
pub mod digest;
pub mod expect;
pub mod look;
pub mod model;
pub mod parse;
pub mod pattern;
pub mod problem;
pub mod schema;
pub mod suggest;
pub mod validate;
pub mod values;
pub mod vet;

pub use look::*;
pub use model::*;
pub use parse::{Entry, read_entries, read_params};
pub use problem::{Problem, Problems};
pub use vet::MAX_BYTES;

use validate::Places;

/// Reads a runbook: vets its YAML, reads it, and holds it to every rule of the format. `path` is only for messages.
/// Everything wrong with it comes at once.
pub fn read(source: &[u8], path: &str) -> Result<Runbook, Problems> {
    read_with_places(source, path).map(|(runbook, _)| runbook)
}

/// As [`read`], with where the keys of steps and checks stand.
pub fn read_with_places(source: &[u8], path: &str) -> Result<(Runbook, Places), Problems> {
    let parse::Parsed { text, raw, mut problems, .. } = parse::parse(source, path)?;
    if let Some(raw) = raw {
        let (runbook, places) = validate::validate(text, &raw, &mut problems);
        if problems.is_empty() {
            return Ok((runbook, places));
        }
    }
    Err(Problems::new(path, text, problems))
}
