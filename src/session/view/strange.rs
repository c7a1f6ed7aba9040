//! What a script holds that may look like something else. PURE.

use crate::runbook::{UndoWork, Value};
use crate::session::Session;
use crate::session::event::Work;
use crate::text::strange;

use super::{filled, items_of};

/// Names the characters outside ASCII in what a step would run: its script, its variables, the values and items that it
/// is run with. Whoever confirms it reads them before they do.
#[must_use]
pub fn not_ascii(session: &Session, place: usize, work: Work) -> Option<String> {
    let model = session.runbook.steps.get(place)?;
    let script = match work {
        Work::Run => model.run.as_ref(),
        Work::Undo => model.undo.as_ref().and_then(|undo| match &undo.work {
            UndoWork::Script(script) => Some(script),
            UndoWork::Words(_) => None,
        }),
    }?;
    let mut texts = vec![script.text.clone()];
    texts.extend(script.env.values().map(|text| filled(session, text)));
    for (_, value) in session.values.iter().filter(|(name, _)| script.text.contains(name.as_str())) {
        match value {
            Value::Text(text) => texts.push(text.clone()),
            Value::List(items) => texts.extend(items.iter().cloned()),
        }
    }
    if let Some(Ok(items)) = model.for_each.as_ref().map(|each| items_of(session, each)) {
        texts.extend(items.iter().cloned());
    }
    strange::names(texts.iter().map(String::as_str))
}
