//! What becomes of a key before it means anything: whether it counts at all. PURE.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::app::{Action, App, Link};
use super::keys::{self, Verb};
use super::mode::Page;
use super::{act, approval, bell, follow, footing, places};

/// A key in a window too small to act in: it leaves, or goes on in lines. It counts only once that could be read.
fn small(app: &App, key: KeyEvent, at: u64) -> Vec<Action> {
    if !app.shown.allows(at) {
        return Vec::new();
    }
    match (keys::verb(Page::Walk, key), key.code) {
        (Some(Verb::Quit), _) => vec![Action::Quit],
        (_, KeyCode::Enter) if !matches!(app.link, Link::Gone(_)) => vec![Action::Lines],
        _ => Vec::new(),
    }
}

pub(super) fn press(app: &mut App, key: KeyEvent, at: u64) -> Vec<Action> {
    if let Some(actions) = act::terminal::press(app, key, at) {
        return actions;
    }
    if key.code == KeyCode::Char('z') && key.modifiers.contains(KeyModifiers::CONTROL) {
        return vec![Action::Suspend];
    }
    app.up = at;
    bell::pressed(app, at);
    let apart = key.code != KeyCode::Enter || footing::entered(app, at);
    if keys::holds_now(key) {
        return approval::hold_now(app);
    }
    if app.too_small() {
        return small(app, key, at);
    }
    if app.mode.is_guarded() && !app.shown.allows(at) {
        return Vec::new();
    }
    if key.code == KeyCode::Esc && follow::theirs(app).is_some() {
        // Whoever closes what another sees goes their own ways.
        follow::break_away(app);
        return Vec::new();
    }
    let verb = keys::verb(app.page(), key);
    if footing::slips(app, verb, apart, at) {
        return Vec::new();
    }
    doing(app, verb, |app| match verb {
        Some(verb) => act::act(app, verb),
        None => act::type_key(app, key),
    })
}

/// Around whatever a person does: what was said before goes, and the way back is kept.
pub(super) fn doing(
    app: &mut App,
    verb: Option<Verb>,
    does: impl FnOnce(&mut App) -> Vec<Action>,
) -> Vec<Action> {
    if app.notice.take().is_none() {
        app.noted = None;
    }
    if verb != Some(Verb::NextNeed) {
        app.needed = None;
    }
    places::before_key(app);
    let actions = does(app);
    places::after_key(app, verb);
    actions
}
