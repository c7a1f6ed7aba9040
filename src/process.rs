//! Commands: how the host starts them, finds them again after a crash, ends them, and reads what they print. SHELL.
//! It must not know the journal, the wire or any screen.
//!
//! Every attempt has its own directory and its own runner process (`onbelay runner DIR`), which starts the command,
//! enforces its timeout and leaves the outcome in a file. The host only watches, so a host that is killed loses nothing.

pub mod claim;
pub mod cover;
pub mod environment;
pub mod kernel;
pub mod launch;
pub mod output;
pub mod runner;
pub mod spawn;
pub mod spec;
pub mod stop;
pub mod terminal;
mod wanted;
pub mod watch;

pub use output::{Stream, attempt_dir};
pub use spawn::start;
pub use stop::Stopper;
pub use watch::{Runner, look, look_for};

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use crate::id::ValueName;

/// What the host knows that a command needs besides its permit.
#[derive(Clone, Copy)]
pub struct HostSide<'a> {
    /// The program whose hidden verb `runner` is run: [`SELF`], but for tests.
    pub program: &'a Path,
    /// The session's directory; `attempts/N` is made in it.
    pub session_dir: &'a Path,
    /// The directory the session was started in; relative directories count from it.
    pub base_dir: &'a Path,
    /// What commands get of the starter's environment ([`environment::allowed`]).
    pub environment: &'a BTreeMap<String, OsString>,
    /// File mode creation mask of commands.
    pub umask: u32,
    /// Every secret that is known.
    pub secrets: &'a BTreeMap<ValueName, String>,
    /// Number of the group that may read what commands write.
    pub share: Option<u32>,
}

/// The program that runs now, even if its file was replaced since.
pub const SELF: &str = "/proc/self/exe";
