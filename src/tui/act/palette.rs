//! What keys lead to in the palette: what is picked there is done as its own key would do it. PURE.

use crate::tui::app::{Action, App};
use crate::tui::keys::Verb;
use crate::tui::mode::{Mode, Screen, Shown, typed};
use crate::tui::palette::{self, Pick};

use super::moving::go_to_step;
use super::on_screen;

pub(super) fn palette(app: &mut App, verb: Verb) -> Vec<Action> {
    let page = app.seen.popup_height.saturating_sub(1).max(1);
    let shown = app.shown.allows(app.up);
    let Mode::Actions(list) = &mut app.mode else {
        return Vec::new();
    };
    let most = list.found.len().saturating_sub(1);
    let to = match verb {
        Verb::Up => list.cursor.saturating_sub(1),
        Verb::Down => list.cursor + 1,
        Verb::PageUp => list.cursor.saturating_sub(page),
        Verb::PageDown => list.cursor + page,
        // What is picked must have been on the screen: the list is another one with every letter.
        Verb::Accept if !shown => return Vec::new(),
        Verb::Accept => return picked(app),
        _ => {
            app.mode = Mode::Plain;
            return Vec::new();
        }
    };
    list.cursor = to.min(most);
    list.note = None;
    Vec::new()
}

fn picked(app: &mut App) -> Vec<Action> {
    let Mode::Actions(list) = &app.mode else {
        return Vec::new();
    };
    let pick = list.found.get(list.cursor).copied();
    let fits = pick.map(|pick| palette::fits(app, pick));
    let (Some(pick), Some(fits)) = (pick, fits) else {
        return said(
            app,
            "Enter did nothing: no action and no step has these letters; Bksp takes them back".to_owned(),
        );
    };
    if !fits.is_yes() {
        return said(app, format!("not now: {}", fits.why()));
    }
    app.mode = Mode::Plain;
    match pick {
        Pick::Key(binding, _) => on_screen(app, binding.verb),
        Pick::Step(place) => {
            if matches!(app.screen, Screen::Output | Screen::Log) {
                app.screen = Screen::Walk;
            }
            go_to_step(app, place);
            Vec::new()
        }
    }
}

fn said(app: &mut App, note: String) -> Vec<Action> {
    if let Mode::Actions(list) = &mut app.mode {
        list.note = Some(note);
    }
    Vec::new()
}

/// Other letters, another list.
pub(super) fn filter(app: &mut App) {
    let Mode::Actions(list) = &app.mode else { return };
    let steps = if list.steps.is_empty() { palette::step_texts(app) } else { list.steps.clone() };
    let found = palette::find(app, &steps, &typed(&list.field));
    if let Mode::Actions(list) = &mut app.mode {
        list.found = found;
        list.steps = steps;
        list.cursor = 0;
        list.note = None;
    }
    app.shown = Shown::default();
}
