//! Keys that mean nothing where they were pressed: they say so, and where they would mean something. PURE.

use ratatui::crossterm::event::KeyEvent;

use crate::tui::app::App;
use crate::tui::keys::{self, Verb};
use crate::tui::mode::{Mode, Page};
use crate::tui::palette;

/// Says why nothing came of `key`.
pub(super) fn say(app: &mut App, key: KeyEvent) {
    let Some(name) = keys::name(key) else {
        return app.say(format!("this key does nothing here; {} lists keys", keys::shown_for(Verb::Help)));
    };
    if matches!(app.mode, Mode::Plain) {
        let text = elsewhere(app, key, &name).unwrap_or_else(|| {
            format!("{name} does nothing here; {} lists keys", keys::shown_for(Verb::Help))
        });
        return app.say(text);
    }
    let below = keys::verb(palette::page_below(app), key).is_some();
    app.say(if below {
        format!("{name} does nothing in this box: Esc first")
    } else {
        format!("{name} does nothing in this box; Esc closes it")
    });
}

/// The page on which it means something, and how one comes there.
fn elsewhere(app: &App, key: KeyEvent, name: &str) -> Option<String> {
    let own = palette::page_below(app);
    let way = |verb| format!("{} first", keys::shown_for(verb));
    let back = keys::binding(own, Verb::Back).map(|row| format!("{} first", keys::label(row.keys[0])));
    let pages = [
        (Page::Walk, "at a step", back),
        (Page::Output, "in an output", Some(way(Verb::Output))),
        (Page::Log, "in the log", Some(way(Verb::Log))),
        (Page::Steps, "in the list of steps", Some(way(Verb::Steps))),
    ];
    pages.into_iter().filter(|(page, ..)| *page != own).find_map(|(page, place, way)| {
        let verb = keys::verb(page, key).filter(|verb| *verb != Verb::Back)?;
        let word = keys::binding(page, verb)?.word;
        Some(format!("{name} ({word}) works {place}: {}", way?))
    })
}
