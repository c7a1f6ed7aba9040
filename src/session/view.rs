//! A walk as people look at it: the state of each step and check right now, with reasons. PURE.
//!
//! Everything a screen, `status` or a report shows comes from here, so that all of them say the same.

use serde::{Deserialize, Serialize};

use crate::time::{Moment, Timestamp};

use super::{Requirement, Session};

/// The states of a step, as `format.md` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Its gate is closed.
    Waiting,
    /// All is met but confirmation.
    Ready,
    /// Started, not ended.
    Running,
    /// It did what it is for.
    Done,
    /// It did not; or it ended well and `verify` does not hold.
    Failed,
    /// Passed by.
    Skipped,
    /// Its outcome was lost.
    Interrupted,
    /// Taken back.
    Undone,
}

/// The states of a check, as `format.md` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// Never asked, or its values are not captured yet.
    Unknown,
    /// Being asked.
    Running,
    /// Yes.
    Holds,
    /// No.
    Fails,
    /// No answer.
    Error,
    /// Too old, or a step that it is stale after ran since.
    Stale,
}

/// A check with its answer, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckView {
    /// Its state.
    pub state: CheckStatus,
    /// One sentence.
    pub detail: String,
    /// When its (oldest counting) answer's probe began.
    pub at: Option<Timestamp>,
    /// The same by both clocks, for ages.
    pub began: Option<Moment>,
    /// Until when it serves; `None`: no limit, or none that the clock sets.
    pub valid_until: Option<Timestamp>,
    /// One for each item of its `for_each`.
    pub items: Vec<ItemView>,
}

/// One item of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemView {
    /// The item.
    pub item: String,
    /// Its state.
    pub state: CheckStatus,
    /// One sentence.
    pub detail: String,
}

/// What stands before the walk's steps: computed once, used for every step of a screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// First step that closes the ordinary steps after it.
    pub first_open: Option<usize>,
    /// First step that closes the hold points after it.
    pub first_open_for_hold_points: Option<usize>,
}

/// Finds what stands before the walk's steps. Linear in the steps.
#[must_use]
pub fn order(_session: &Session) -> Order {
    todo!("lead")
}

/// The state of the step at place `step`, right now.
#[must_use]
pub fn step_status(_session: &Session, _order: &Order, _step: usize, _now: Moment) -> StepStatus {
    todo!("lead")
}

/// The gate of the step at place `step`, right now: every requirement in the order of `format.md`, met or not.
#[must_use]
pub fn gate(_session: &Session, _order: &Order, _step: usize, _now: Moment) -> Vec<Requirement> {
    todo!("lead")
}

/// The gate of its undo.
#[must_use]
pub fn undo_gate(_session: &Session, _step: usize, _now: Moment) -> Vec<Requirement> {
    todo!("lead")
}

/// The check at place `check`, right now.
#[must_use]
pub fn check(_session: &Session, _check: usize, _now: Moment) -> CheckView {
    todo!("lead")
}

/// Texts of a step with values filled in (a value not captured yet stays as `${name}`).
#[must_use]
pub fn filled(_session: &Session, _text: &crate::runbook::Template) -> String {
    todo!("lead")
}

/// The text that confirms the step at place `step`; `None`: it is not asked.
#[must_use]
pub fn confirmation(_session: &Session, _step: usize) -> Option<String> {
    todo!("lead")
}
