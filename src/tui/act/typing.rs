//! What is typed or pasted where text is taken, and the search that goes along with it. PURE.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::session::view;
use crate::tui::app::{Action, App};
use crate::tui::keys::{self, Verb};
use crate::tui::mode::{Ask, Mode, Page, typed};
use crate::tui::view::shape::plain;

use super::wanted;

pub(super) fn search(app: &mut App, verb: Verb) -> Vec<Action> {
    let Mode::Search(search) = &app.mode else {
        return Vec::new();
    };
    let (text, from) = (typed(&search.field), search.from);
    match verb {
        Verb::Down => find(app, &text, app.selected + 1, true),
        Verb::Up => find(app, &text, app.selected.saturating_sub(1), false),
        Verb::Accept => app.mode = Mode::Plain,
        _ => {
            app.mode = Mode::Plain;
            app.select(from);
            app.along = from == app.current();
        }
    }
    Vec::new()
}

/// Selects the next step that has `text` in its title, id or number; nothing where there is none.
fn find(app: &mut App, text: &str, start: usize, forward: bool) {
    let text = text.to_lowercase();
    let count = app.session.steps.len();
    if text.is_empty() || count == 0 {
        return;
    }
    let fits = |place: &usize| {
        let step = &app.session.runbook.steps[*place];
        (place + 1).to_string() == text
            || step.id.as_str().contains(&text)
            || view::filled(&app.session, &step.title).to_lowercase().contains(&text)
    };
    let found = if forward {
        (start..count).chain(0..start.min(count)).find(fits)
    } else {
        (0..=start).rev().chain((start..count).rev()).find(fits)
    };
    match found {
        Some(place) => {
            app.select(place);
            app.along = place == app.current();
        }
        None => app.refuse("no step like that"),
    }
}

/// A key that means nothing here is typed into what takes text.
pub(in crate::tui) fn type_key(app: &mut App, key: KeyEvent) -> Vec<Action> {
    let control = key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    let line_end = matches!(key.code, KeyCode::Enter | KeyCode::Tab)
        || control && matches!(key.code, KeyCode::Char('m' | 'j' | 'i'));
    // What would not be seen as itself is not taken.
    let odd = matches!(key.code, KeyCode::Char(c) if plain(c.encode_utf8(&mut [0; 4])) != c.to_string());
    if line_end || odd {
        return Vec::new();
    }
    match &mut app.mode {
        Mode::Question(question) => {
            question.note = None;
            question.field.input(key);
        }
        Mode::Approval(reading) => {
            if let Some(last) = reading.last.as_mut().filter(|last| !last.stale) {
                last.note = None;
                last.field.input(key);
            }
        }
        Mode::Prompt(prompt) if !matches!(prompt.ask, Ask::Judge { .. }) => {
            prompt.note = None;
            prompt.field.input(key);
        }
        Mode::Search(search) => {
            search.field.input(key);
            let text = typed(&search.field);
            let from = search.from;
            find(app, &text, from, true);
        }
        Mode::Actions { .. } => {
            // In the list of actions their own keys work too.
            if let Some(verb) = keys::verb(Page::Walk, key).filter(|verb| keys::acts(*verb)) {
                app.mode = Mode::Plain;
                return wanted(app, verb);
            }
        }
        _ => {}
    }
    Vec::new()
}

/// A paste: words may be pasted, a confirmation never.
pub(in crate::tui) fn paste(app: &mut App, text: &str) -> Vec<Action> {
    let text: String = text
        .split(['\r', '\n', '\t'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let text = plain(&text);
    match &mut app.mode {
        Mode::Question(question) => {
            question.note = Some("a paste does not confirm: type the text".to_owned());
        }
        Mode::Approval(reading) => match &mut reading.last {
            Some(last) => last.note = Some("a paste does not approve: type it".to_owned()),
            None => app.say("a paste does nothing here"),
        },
        Mode::Prompt(prompt) if !prompt.takes_paste() => {
            prompt.note = Some("a paste does not answer: type it".to_owned());
        }
        Mode::Prompt(prompt) => {
            prompt.field.insert_str(text);
        }
        Mode::Search(search) => {
            search.field.insert_str(text);
        }
        _ => app.say("a paste does nothing here"),
    }
    Vec::new()
}
