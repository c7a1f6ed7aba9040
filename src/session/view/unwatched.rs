//! What a script starts that may be another file by then. PURE.

use crate::runbook::commands;
use crate::session::Session;
use crate::session::event::Work;
use crate::text::clean;

/// Names the files that a step's script starts and no check it requires names. Whoever confirms or approves it reads that.
#[must_use]
pub fn unwatched(session: &Session, place: usize, work: Work) -> Option<String> {
    let step = session.runbook.steps.get(place)?;
    let files = commands::unwatched(&session.runbook, step, work == Work::Undo);
    let named: Vec<String> = files.iter().map(|file| clean(file).into_owned()).collect();
    (!named.is_empty()).then(|| {
        format!(
            "It starts {}: no check that it requires looks there, so what runs may change until then.",
            named.join(", ")
        )
    })
}
