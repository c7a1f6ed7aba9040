//! Sentences of the host. PURE.

use crate::session::{Event, summary};

/// What a client is told whose request could not be recorded.
pub(super) fn journal_broken(why: &str) -> String {
    format!(
        "the log cannot be written ({why}); nothing was started and nothing more will be. What is on record is safe, \
         what runs goes on. Mend that, close every screen of this session, and attach again"
    )
}

/// What everybody is told of a command whose end could not be recorded.
pub(super) fn finished_not_recorded(event: &Event) -> Option<String> {
    let (of, ended) = match event {
        Event::WorkEnded { step, ended, .. } => (step.to_string(), ended),
        Event::ItemEnded { step, item, ended, .. } => (format!("{step}, {item}"), ended),
        _ => return None,
    };
    let how = summary::how_it_ended(ended);
    Some(format!(
        "{of} is finished, not recorded ({how}): that is in its own file, and the next host records it"
    ))
}
