//! `not_in_use`: has nobody got it open, mapped, mounted or behind a device? SHELL. Never writes.

use crate::runbook::OfPath;

use super::look::Finding;
use super::progress::Progress;

/// The answer.
pub(super) fn find(_of: &OfPath<String>, _progress: &Progress) -> Finding {
    Finding::error("not built yet")
}
