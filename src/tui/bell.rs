//! When the terminal's bell rings: once for each step that becomes late, and once when something starts to need this very
//! person while they are away from the keys. PURE.
//!
//! Never for what one's own key led to, and not again for what was so already when this screen was opened, or when a
//! connection comes back.

use std::collections::BTreeSet;

use crate::session::state::Progress;
use crate::session::{Entry, Event, view};
use crate::wire::messages::Role;

use super::app::{Action, App};
use super::approval;

/// Who has pressed no key for this long may look elsewhere (milliseconds).
const AWAY: u64 = 10_000;

/// What has been rung for.
#[derive(Debug, Default)]
pub struct Bell {
    /// Records that started what is late, each rung for once; none before the first picture.
    rung: Option<BTreeSet<u64>>,
    /// When a key was pressed last, or the bell rang for the person (milliseconds since boot).
    heard_from: u64,
}

/// May a bell ring at all? By the environment, through `var`: `ONBELAY_BELL=off` asks for quiet.
pub fn is_wanted(var: impl Fn(&str) -> Option<String>) -> bool {
    !var("ONBELAY_BELL").is_some_and(|value| matches!(value.as_str(), "off" | "no" | "0"))
}

/// A key was pressed here.
pub(super) fn pressed(app: &mut App, at: u64) {
    app.bell.heard_from = app.bell.heard_from.max(at);
}

/// A picture is on the screen, on which what these records started is late.
pub(super) fn drawn(app: &mut App, at: u64, late: &[u64]) -> Option<Action> {
    let Some(rung) = &mut app.bell.rung else {
        app.bell.rung = Some(late.iter().copied().collect());
        pressed(app, at);
        return None;
    };
    let known = rung.len();
    rung.extend(late);
    (rung.len() > known).then_some(Action::Bell)
}

/// A record was taken in: does it call this person?
pub(super) fn recorded(app: &mut App, entry: &Entry) -> Option<Action> {
    let away = entry.up.saturating_sub(app.bell.heard_from) >= AWAY;
    if app.bell.rung.is_none() || !away || !calls(app, entry) {
        return None;
    }
    // Whatever else comes in the same breath is seen with it.
    app.bell.heard_from = entry.up;
    Some(Action::Bell)
}

fn calls(app: &App, entry: &Entry) -> bool {
    let mine = entry.by.same_account(&app.you);
    let drives = app.role == Role::Drive && app.session.operator.same_account(&app.you);
    match &entry.event {
        Event::HoldCalled { .. } => !mine,
        Event::ApprovalAsked { .. } => !mine && approval::waits_for_me(app).is_some(),
        Event::ApprovalRefused { .. } | Event::Approved { .. } => drives && !mine,
        Event::StepSettled { .. } | Event::Interrupted { .. } => drives,
        // It has ended, and somebody has to answer what verifies it.
        Event::WorkEnded { step, .. } | Event::ItemsEnded { step, .. } => {
            let place = app.session.step_at(step.as_str());
            app.role != Role::Watch
                && place.is_some_and(|place| {
                    matches!(app.session.steps[place].progress, Progress::Running(_))
                        && !view::awaited(&app.session, place).is_empty()
                })
        }
        _ => false,
    }
}
