//! Sentences of the host. PURE.

/// What a client is told whose request could not be recorded.
pub(super) fn journal_broken(why: &str) -> String {
    format!(
        "the log cannot be written ({why}); nothing was started and nothing more will be. What is on record is safe, \
         what runs goes on. Mend that, close every screen of this session, and attach again"
    )
}
