//! What a walk of a runbook is: its state, what may happen to it, who may ask for what. The heart. PURE.
//! It must not know disks, processes, sockets or screens; "now" is always an argument.

pub mod apply;
pub mod approve;
pub mod ask;
pub mod audit;
pub mod command;
pub mod decide;
pub mod estimate;
pub mod event;
pub mod freshness;
pub mod gate;
pub mod next;
pub mod outcome;
pub mod recover;
pub mod state;
pub mod summary;
pub mod terminal;
pub mod view;
pub mod whose;

#[cfg(test)]
pub(crate) mod bench;
#[cfg(test)]
mod tests;

pub use command::{Circumstances, Command, Fault, Kind, Refusal, Requirement, Signers};
pub use event::{Answer, AskMode, Ended, Entry, Event, Opened, Outcome, Person, Proven, Verdict, Work};
pub use outcome::HowFar;
pub use state::{Progress, Session, State};
