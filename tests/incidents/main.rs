//! Five published disasters, walked again: each world is built with the real tools, the bundled runbook is walked as the
//! people then did, and the step that lost their data stays shut until what they believed is so.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod cloud_move;
mod database_move;
mod disk_image;
mod instance_replacement;
#[path = "../support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "shared with the other black-box tests, which use more of it")]
mod support;
mod system_upgrade;
mod world;
