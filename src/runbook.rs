//! What a runbook is: its model, how its text is vetted and read, how values fill it. PURE: no clock, no disk.
//! It must not know sessions, hosts or screens.

pub mod digest;
pub mod expect;
pub mod model;
pub mod pattern;
pub mod problem;
pub mod suggest;
pub mod values;

pub use model::*;
pub use problem::{Problem, Problems};

/// Reads a runbook: vets its YAML, reads it, and holds it to every rule of the format. `path` is only for messages.
/// Everything wrong with it comes at once.
pub fn read(_source: &[u8], _path: &str) -> Result<Runbook, Problems> {
    todo!("h1")
}

/// Reads a file of parameter values (`--params`): one YAML map of texts and lists of texts, vetted as a runbook is; a
/// number is text as spelled. `path` is only for messages.
pub fn read_params(
    _source: &[u8],
    _path: &str,
) -> Result<std::collections::BTreeMap<String, Value>, Problems> {
    todo!("h1")
}
