//! The screen, tested with no terminal: messages in, state and pictures out. PURE.

mod approval;
mod clean;
mod cuts;
mod flow;
mod pictures;
mod reading;
mod themes;
mod terminal;
