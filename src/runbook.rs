//! What a runbook is: its model, how its text is vetted and read, how values fill it. PURE: no clock, no disk.
//! It must not know sessions, hosts or screens.

pub mod model;
pub mod pattern;
pub mod values;

pub use model::*;
