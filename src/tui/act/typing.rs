//! What is typed or pasted where text is taken, and the search that goes along with it. PURE.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui_textarea::TextArea;

use crate::session::view;
use crate::tui::app::{Action, App, LogLine};
use crate::tui::keys::Verb;
use crate::tui::mode::{self, Ask, Mode, Screen, typed};
use crate::tui::view::shape::plain;
use crate::tui::{fit, places};

use super::idle;
use super::moving::go_to_step;
use super::palette::filter;

pub(super) fn search(app: &mut App, verb: Verb) -> Vec<Action> {
    let Mode::Search(search) = &mut app.mode else {
        return Vec::new();
    };
    let count = search.found.len();
    match verb {
        // Enter once more would do something to the step.
        Verb::Down | Verb::Up | Verb::Accept if count == 0 && !typed(&search.field).trim().is_empty() => {
            let text = plain(&typed(&search.field));
            let what = if app.screen == Screen::Log { "no record that is here" } else { "no step" };
            app.refuse(format!("{what} has “{text}” in it: type something else, or Esc goes back"));
            return Vec::new();
        }
        Verb::Down | Verb::Up if count == 0 => {}
        Verb::Down => search.at = (search.at + 1) % count,
        Verb::Up => search.at = (search.at + count - 1) % count,
        Verb::Accept => {
            app.mode = Mode::Plain;
            return Vec::new();
        }
        _ => {
            let from = search.from.clone();
            app.mode = Mode::Plain;
            places::go(app, &from);
            return Vec::new();
        }
    }
    show_found(app);
    Vec::new()
}

/// Finds what has the words that were typed, and shows the first from where one was.
fn find(app: &mut App) {
    let Mode::Search(search) = &app.mode else { return };
    let text = typed(&search.field).to_lowercase();
    let from = search.from.clone();
    let in_log = app.screen == Screen::Log;
    let found = match (text.trim(), in_log) {
        ("", _) => Vec::new(),
        (text, true) => records(app, text),
        (text, false) => steps(app, text),
    };
    let start = if in_log { u64::MAX } else { from.step() as u64 };
    let at = if in_log {
        found.len().saturating_sub(1)
    } else {
        found.iter().position(|one| *one >= start).unwrap_or(0)
    };
    let none = found.is_empty() && !text.trim().is_empty();
    if let Mode::Search(search) = &mut app.mode {
        (search.found, search.at) = (found, at);
    }
    if none {
        app.refuse(if in_log { "no record like that is here" } else { "no step like that" });
    }
    if text.trim().is_empty() || none {
        places::go(app, &from);
    } else {
        show_found(app);
    }
}

fn show_found(app: &mut App) {
    let Mode::Search(search) = &app.mode else { return };
    let Some(shown) = search.shown() else { return };
    if app.screen == Screen::Log {
        // In the middle of the window, so that what was before and after it is seen too.
        let newer = app.log.iter().rev().take_while(|line| line.n > shown).count();
        let most = app.log.len().saturating_sub(app.seen.log_height);
        app.log_scroll = newer.saturating_sub(app.seen.log_height / 2).min(most);
    } else {
        go_to_step(app, usize::try_from(shown).unwrap_or(usize::MAX));
    }
}

/// The steps that have `text` in their title or id, in the titles of their phase or checks, or as their number.
fn steps(app: &App, text: &str) -> Vec<u64> {
    let has = |words: &str| words.to_lowercase().contains(text);
    let runbook = &app.session.runbook;
    let phases: Vec<bool> =
        runbook.phases.iter().map(|phase| has(&view::filled(&app.session, phase))).collect();
    let checks: Vec<bool> = runbook
        .checks
        .iter()
        .map(|check| has(check.id.as_str()) || has(&view::filled(&app.session, &check.title)))
        .collect();
    let fits = |place: &usize| {
        let step = &runbook.steps[*place];
        (place + 1).to_string() == text
            || has(step.id.as_str())
            || has(&view::filled(&app.session, &step.title))
            || step.phase.is_some_and(|phase| phases.get(phase) == Some(&true))
            || fit::checks_of(app, *place).any(|check| checks[check])
    };
    (0..runbook.steps.len()).filter(fits).map(|place| place as u64).collect()
}

/// The numbers of the records that have `text` in them.
fn records(app: &App, text: &str) -> Vec<u64> {
    let fits = |line: &&LogLine| {
        line.text.to_lowercase().contains(text)
            || line.by.to_lowercase().contains(text)
            || line.n.to_string() == text
    };
    app.log.iter().filter(fits).map(|line| line.n).collect()
}

/// A key that means nothing here is typed into what takes text.
pub(in crate::tui) fn type_key(app: &mut App, key: KeyEvent) -> Vec<Action> {
    let control = key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    let line_end = matches!(key.code, KeyCode::Enter | KeyCode::Tab)
        || control && matches!(key.code, KeyCode::Char('m' | 'j' | 'i'));
    // What would not be seen as itself is not taken.
    let odd = matches!(key.code, KeyCode::Char(c) if plain(c.encode_utf8(&mut [0; 4])) != c.to_string());
    if let Mode::Prompt(prompt) = &mut app.mode
        && matches!(prompt.ask, Ask::Judge { .. })
    {
        prompt.note = Some("y or n: nothing else answers; Esc goes back to the words".to_owned());
        return Vec::new();
    }
    if line_end || odd {
        if !takes_text(app) {
            idle::say(app, key);
        }
        return Vec::new();
    }
    match &mut app.mode {
        Mode::Question(question) => {
            question.note = None;
            into(&mut question.field, key);
        }
        Mode::Approval(reading) => {
            let Some(last) = &mut reading.last else {
                if let Some(hasty) = &mut reading.hasty {
                    *hasty = app.up;
                }
                idle::say(app, key);
                return Vec::new();
            };
            if !last.stale {
                last.note = None;
                into(&mut last.field, key);
            }
        }
        Mode::Prompt(prompt) => {
            prompt.note = None;
            into(&mut prompt.field, key);
        }
        Mode::Search(search) => {
            into(&mut search.field, key);
            find(app);
        }
        Mode::Actions(list) => {
            into(&mut list.field, key);
            filter(app);
        }
        _ => idle::say(app, key),
    }
    Vec::new()
}

/// Is there a line that is typed into?
fn takes_text(app: &App) -> bool {
    match &app.mode {
        Mode::Question(_) | Mode::Search(_) | Mode::Actions(_) => true,
        Mode::Approval(reading) => reading.last.is_some(),
        Mode::Prompt(prompt) => !matches!(prompt.ask, Ask::Judge { .. }),
        _ => false,
    }
}

/// A key into a field; the one that clears a line in every shell clears it here.
fn into(field: &mut TextArea<'static>, key: KeyEvent) {
    if key.code == KeyCode::Char('u') && key.modifiers.contains(KeyModifiers::CONTROL) {
        empty(field);
    } else {
        field.input(key);
    }
}

/// Takes out what was typed. Nothing brings it back: it may have been a secret.
pub(in crate::tui) fn empty(field: &mut TextArea<'static>) {
    let mask = field.mask_char();
    *field = mode::field();
    if let Some(mask) = mask {
        field.set_mask_char(mask);
    }
}

/// A paste: words may be pasted, a confirmation never.
pub(in crate::tui) fn paste(app: &mut App, text: &str) -> Vec<Action> {
    if matches!(app.mode, Mode::Terminal(_)) {
        return super::terminal::paste(app, text);
    }
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
            find(app);
        }
        Mode::Actions(list) => {
            list.field.insert_str(text);
            filter(app);
        }
        _ => app.say("a paste does nothing here"),
    }
    Vec::new()
}
