//! The simulator: one session in one process, under a seed. The session core, the host's turn and the journal's writer and
//! reader are the real ones; the disk, the clocks, the commands and the people are simulated, and fail in every order.
//!
//! `play` is a run; `disk`, `world`, `people` and `book` are what surrounds the product; `model`, `gate` and `rules` say
//! what it should have answered, from the documents alone; `laws` holds after every event what must stay true; `expected`
//! is what all runs together must meet.

mod book;
mod chance;
mod deeds;
mod disk;
mod expected;
mod gate;
mod host;
mod laws;
mod model;
mod people;
mod play;
mod report;
mod rules;
mod turns;
mod world;

pub(crate) use expected::{MUST_BE_MET, kept, noticed_by};
pub(crate) use host::{SABOTAGES, Sabotage};
pub(crate) use play::play;
pub(crate) use report::{LAWS, Law, Report};
