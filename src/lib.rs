//! onbelay walks a migration runbook with a second set of eyes. Nothing destructive runs until its checks hold,
//! and every action is logged. `ARCHITECTURE.md` is the map of the house; this file is its list of rooms.

pub mod access;
pub mod cli;
pub mod client;
pub mod clock;
pub mod draft;
pub mod emulator;
pub mod failpoint;
pub mod history;
pub mod host;
pub mod id;
pub mod journal;
pub mod lint;
pub mod probe;
pub mod process;
pub mod report;
pub mod runbook;
pub mod session;
pub mod text;
pub mod time;
pub mod tui;
pub mod wire;
