//! `unchanged_since`: did nothing change since something was made? SHELL. Never writes.

use crate::runbook::UnchangedSince;

use super::look::Finding;
use super::progress::Progress;

/// The answer.
pub(super) fn find(_of: &UnchangedSince<String>, _progress: &Progress) -> Finding {
    Finding::error("not built yet")
}
