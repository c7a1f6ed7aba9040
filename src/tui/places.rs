//! Where this screen was, and the words that a slip left behind: what undoing a slip needs. Nothing of it is known to the
//! session. PURE.

use crate::wire::messages::OutputFile;

use super::app::App;
use super::follow;
use super::keys::Verb;
use super::mode::{Ask, Mode, Screen};

/// As many places are kept.
const MOST_PLACES: usize = 64;

/// As many left words are kept.
const MOST_DRAFTS: usize = 16;

/// Where a screen is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    screen: Screen,
    selected: usize,
    detail_scroll: usize,
    log_scroll: usize,
    output_choice: Option<usize>,
    /// Where its window is: the file, whether its end is followed, first line (bytes) and row.
    output: Option<(OutputFile, bool, u64, usize)>,
    along: bool,
    follows: bool,
}

impl Place {
    /// The step that was selected.
    #[must_use]
    pub fn step(&self) -> usize {
        self.selected
    }
}

/// The places this screen came from, and the words that were left.
#[derive(Debug, Default)]
pub struct Places {
    back: Vec<Place>,
    /// Where it was when the keys went to the screen last.
    last: Option<Place>,
    /// It was left by small moves: going on like that is one way, not many.
    strolling: bool,
    drafts: Vec<(Ask, String)>,
}

impl Places {
    /// Is there a place to go back to?
    #[must_use]
    pub fn any(&self) -> bool {
        !self.back.is_empty()
    }

    /// The words that were left where this was asked.
    #[must_use]
    pub fn draft(&self, ask: &Ask) -> Option<&str> {
        self.drafts.iter().find(|(of, _)| of == ask).map(|(_, words)| words.as_str())
    }

    /// Words were left: kept for when the same is asked again. Never a secret, and never what only confirms.
    pub(super) fn leave(&mut self, ask: &Ask, words: &str) {
        if matches!(ask, Ask::Secret(_) | Ask::Sure(_) | Ask::Judge { .. }) || words.trim().is_empty() {
            return;
        }
        self.forget(ask);
        if self.drafts.len() == MOST_DRAFTS {
            self.drafts.remove(0);
        }
        self.drafts.push((ask.clone(), words.to_owned()));
    }

    /// They were sent, or are in the field again.
    pub(super) fn forget(&mut self, ask: &Ask) {
        self.drafts.retain(|(of, _)| of != ask);
    }
}

/// Where this screen is now.
#[must_use]
pub fn here(app: &App) -> Place {
    Place {
        screen: app.screen,
        selected: app.selected,
        detail_scroll: app.detail_scroll,
        log_scroll: app.log_scroll,
        output_choice: app.output_choice,
        output: app
            .output
            .as_ref()
            .map(|output| (output.of.clone(), output.follow, output.top, output.top_row)),
        along: app.along,
        follows: follow::follows(app),
    }
}

/// A key is about to be taken: what moved by itself meanwhile is no way of a person's.
pub(super) fn before_key(app: &mut App) {
    if matches!(app.mode, Mode::Plain) {
        app.places.last = Some(here(app));
    }
}

/// A key was taken that asked for `verb`: if it went somewhere, the way back is kept.
pub(super) fn after_key(app: &mut App, verb: Option<Verb>) {
    if !matches!(app.mode, Mode::Plain) || verb == Some(Verb::BackTo) {
        return;
    }
    let Some(last) = app.places.last.take() else { return };
    let now = here(app);
    let elsewhere =
        (last.screen, last.selected, last.output_choice) != (now.screen, now.selected, now.output_choice);
    let moved = elsewhere
        || (last.detail_scroll, last.log_scroll, last.follows)
            != (now.detail_scroll, now.log_scroll, now.follows)
        || now.screen == Screen::Output && last.output != now.output && last.output.is_some();
    let small = matches!(verb, Some(Verb::Up | Verb::Down | Verb::PageUp | Verb::PageDown))
        && last.screen == now.screen
        && last.follows == now.follows;
    if moved && !(small && app.places.strolling) {
        if app.places.back.len() == MOST_PLACES {
            app.places.back.remove(0);
        }
        app.places.back.push(last);
    }
    if moved {
        app.places.strolling = small;
    }
}

/// Back to where it was before the last way.
pub(super) fn go_back(app: &mut App) {
    app.places.strolling = false;
    if let Some(place) = app.places.back.pop() {
        go(app, &place);
    }
}

/// Puts this screen where it was.
pub(super) fn go(app: &mut App, place: &Place) {
    if place.follows {
        follow::rejoin(app);
    } else {
        follow::break_away(app);
    }
    app.screen = place.screen;
    app.selected = place.selected.min(app.session.steps.len().saturating_sub(1));
    app.along = place.along && app.selected == app.current();
    app.detail_scroll = place.detail_scroll;
    app.log_scroll = place.log_scroll.min(app.log.len().saturating_sub(1));
    app.output_choice = place.output_choice;
    if let (Some(output), Some((of, follows, top, row))) = (&mut app.output, &place.output)
        && output.of == *of
    {
        (output.follow, output.top, output.top_row) = (*follows, *top, *row);
    }
    if app.screen == Screen::Output && app.outputs().is_empty() {
        app.screen = Screen::Walk;
    }
}
