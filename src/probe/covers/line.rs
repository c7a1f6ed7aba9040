//! The directories above one that is walked: whether it is in itself is told by them. PURE.

use std::sync::Arc;

use super::entry::Facts;

/// A directory and those above it, by what they are and not by name.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) dev: u64,
    pub(super) ino: u64,
    pub(super) depth: usize,
    pub(super) above: Option<Arc<Line>>,
}

impl Line {
    /// Whether this is one of them.
    pub(super) fn holds(&self, facts: &Facts) -> bool {
        let mut at = Some(self);
        while let Some(line) = at {
            if line.dev == facts.dev && line.ino == facts.ino {
                return true;
            }
            at = line.above.as_deref();
        }
        false
    }
}

impl Drop for Line {
    /// One after the other: thousands of levels would use up the stack.
    fn drop(&mut self) {
        let mut above = self.above.take();
        while let Some(mut line) = above.and_then(Arc::into_inner) {
            above = line.above.take();
        }
    }
}
