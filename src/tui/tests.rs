//! The screen, tested with no terminal: messages in, state and pictures out. PURE.

mod approval;
mod clean;
mod cuts;
mod flow;
mod footing;
mod moving;
mod night;
mod output;
mod pictures;
mod pulse;
mod reading;
mod sizes;
mod slips;
mod terminal;
mod theirs;
mod themes;
mod tired;
