//! Which step a start is meant for. A key that is held repeats, and a walk moves on by itself: an `Enter` starts only the
//! step that whoever pressed it could see, and not as one of a run of `Enter`s. PURE.

use super::app::App;
use super::keys::{self, Verb};
use super::mode::{Mode, Shown};

/// The least time between two presses of `Enter` of which the second starts a step, milliseconds: longer than a held key
/// takes to repeat (250 to 500 on most keyboards, 660 on X11).
const APART: u64 = 700;

/// What is known of the step that the keys speak of, and of the last `Enter`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Footing {
    shown: Shown,
    entered: Option<u64>,
}

/// The step that the keys speak of, as far as a start is concerned.
#[derive(PartialEq)]
pub(super) struct Stands {
    place: usize,
    attempt: u32,
    progress: Option<std::mem::Discriminant<crate::session::state::Progress>>,
}

pub(super) fn stands(app: &App) -> Stands {
    let step = app.session.steps.get(app.selected);
    Stands {
        place: app.selected,
        attempt: step.map_or(0, |step| step.last_attempt),
        progress: step.map(|step| std::mem::discriminant(&step.progress)),
    }
}

/// Another step is at hand, or it stands otherwise, and nobody here made it so: it was on no picture yet.
pub(super) fn moved(app: &mut App) {
    app.footing.shown = Shown::default();
}

/// A picture of it is on the screen since `at` (milliseconds since boot).
pub(super) fn drawn(app: &mut App, at: u64) {
    app.footing.shown.mark(at);
}

/// Takes note of an `Enter` at `at` (milliseconds since boot); was the one before it long enough ago?
pub(super) fn entered(app: &mut App, at: u64) -> bool {
    let before = app.footing.entered.replace(at);
    before.is_none_or(|before| at >= before.saturating_add(APART))
}

/// Is it a start that was meant for something else, most likely? Then that is said, and nothing is started.
pub(super) fn slips(app: &mut App, verb: Option<Verb>, apart: bool, at: u64) -> bool {
    let starts = verb == Some(Verb::Run) && matches!(app.mode, Mode::Plain);
    if !starts || apart && app.footing.shown.allows(at) {
        return false;
    }
    app.say(format!(
        "nothing was started: {} came right after another, or before this step was to be seen; press it again",
        keys::shown_for(Verb::Run)
    ));
    true
}
