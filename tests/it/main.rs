//! Black box over the real binary: what a person or a script at a terminal can see, and what is left on disk.
//! Everything is started through `support`; nothing here knows how the program is made, but for `architecture`, `floods`, `hosts`,
//! `process` and `terminal`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod approval;
mod architecture;
mod connections_lost;
mod contracts;
mod coverage;
mod crash;
mod expect;
mod faults;
mod first;
mod floods;
mod following;
mod forged;
mod hosts;
mod logout;
mod looking;
mod lures;
mod moving;
mod no_by_default;
mod order;
mod outlets;
mod output;
mod outside;
mod owners;
mod pages;
mod peers;
mod people;
mod plain;
mod poor_files;
mod process;
mod proof;
mod pulse;
mod restored;
mod returning;
mod screens;
mod secrets;
mod sharing;
mod shells;
mod signatures;
mod sizes;
mod stops;
mod storage;
#[path = "../support/mod.rs"]
mod support;
mod terminal;
mod themes;
mod trace;
mod typing;
mod walks;
mod witness;
mod witness_ssh;
