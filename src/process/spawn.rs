//! Starting the runner of an attempt. SHELL.

use crate::session::Ended;
use crate::session::gate::Permit;

use super::{HostSide, Runner};

/// Starts the command that the permit is for, and uses the permit up. When this fails nothing was started, and the
/// error is how the attempt ended ([`crate::session::Outcome::NotStarted`]).
pub fn start(_permit: Permit, _host: &HostSide<'_>) -> Result<Runner, Box<Ended>> {
    todo!("h2")
}
