//! The runner: the process that stands between the host and one command. SHELL.

use std::path::Path;
use std::process::ExitCode;

/// The hidden verb `onbelay runner ATTEMPT_DIR`. Reads its [`super::spec::RunnerSpec`] from stdin. Call it before
/// anything else in `main`: it closes every descriptor above 2.
#[must_use]
pub fn main(_dir: &Path) -> ExitCode {
    todo!("h2")
}
