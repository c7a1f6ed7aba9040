//! The simulator: one session in one process, under a seed. The session core, the host's turn and the journal's writer and
//! reader are the real ones; the disk, the clocks, the commands and the people are simulated, and fail in every order.
//!
//! `play` is a run; `disk`, `world`, `people` and `book` are what surrounds the product; `model`, `gate`, `rules` and
//! `refusals` say what it should have answered, from the documents alone; `laws`, `really` (against what really happened)
//! and `screens` hold after every event what must stay true; `expected` is what all runs together must meet.
//!
//! Which law holds which invariant (`ARCHITECTURE.md`, "What must stay true"), and where what cannot be held here is held:
//!
//! | invariant | laws | elsewhere |
//! |---|---|---|
//! | nothing starts before its record is on disk | `DurableFirst`, `OneStartForOneIntent` | `it/order.rs`, with strace |
//! | state changes only in `apply` | `ReplayIsLive`, `EveryScreenIsTheSame`, `AStrayChangesNothing` | `session/tests/crash.rs`: every prefix |
//! | one host per session, by the kernel's lock | none: here is one at a time | `j13_…` in `it/contracts.rs` and `journal/tests/place.rs` |
//! | only the gate makes a permit; what runs was shown | `TheGate`, `WhatWasApprovedRuns`, `RoomIsKeptBack`, `TheAudit` | `tests/mutants` |
//! | a failed write is final | `AFailureIsFinal`, `NothingAcknowledgedIsLost`, `ACrashIsNoDamage`, `SlowIsTold` | `it/storage.rs` |
//! | outcome lost: interrupted; nothing destructive by itself | `TheRealOutcome`, `InterruptedIsUnknown`, `NeverStartedNeverRan`, `NothingDestructiveByItself`, `AStopIsSent` | `it/crash.rs`, with real processes |
//! | who someone is: the kernel's word or a signature | `TheKernelsWord`, `TheRules`, `ApprovalsEnd` | `it/peers.rs`, `it/signatures.rs` |
//! | losing a client changes nothing; a slow one slows nobody | `LosingAScreenChangesNothing`, `EveryScreenIsTheSame` | `it/connections_lost.rs`, `it/floods.rs` |
//! | outside text is cleaned | none: nothing is shown here | `it/outside.rs`, `fuzz/` |
//! | a command's environment is an allow-list; every default is No | none | `it/secrets.rs`, `it/no_by_default.rs` |
//! | time, chance and environment are arguments of pure code | `one_seed_is_one_run_to_the_byte` | `clippy.toml`, `it/architecture.rs` |
//!
//! That nothing panics (`NothingPanics`), that a recorded answer was given (`TheRealAnswer`) and that a wish is decided
//! (`AWishIsDecided`) is held beside them.

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
mod really;
mod refusals;
mod report;
mod rules;
mod screens;
mod take_over;
mod turns;
mod world;

pub(crate) use expected::{MUST_BE_MET, kept, noticed_by};
pub(crate) use host::{SABOTAGES, Sabotage};
pub(crate) use play::play;
pub(crate) use report::{LAWS, Law, Report};
