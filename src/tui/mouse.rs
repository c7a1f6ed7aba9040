//! The mouse: a click picks, the wheel scrolls what is under it, and neither ever confirms. PURE.
//!
//! What a click means is looked up in what the last picture had where ([`Seen::hits`]): a person clicks what they see.

use ratatui::crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::act;
use super::act::moving::{go_to_step, scroll_detail};
use super::app::{Action, App};
use super::follow;
use super::footing;
use super::keys::{self, Verb};
use super::mode::{Mode, Page, Screen};
use super::press::doing;
use super::view::Seen;

/// Two clicks within this time are one double click, milliseconds.
const DOUBLE: u64 = 400;

/// Rows that a notch of the wheel scrolls.
const NOTCH: usize = 3;

/// What stands at a place of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    /// The row of a step, by its place.
    Step(usize),
    /// The list of steps.
    List,
    /// What is said about the step.
    Detail,
    /// The output, the log: all of the page.
    Page,
    /// A key of the footer.
    Key(Verb),
    /// A row of a list that lies on top.
    Row(usize),
}

/// How this screen stands with the mouse.
#[derive(Clone, Copy, Debug)]
pub struct Mouse {
    /// It is this screen's; else the terminal's, for selecting text.
    pub on: bool,
    /// A key has changed that.
    pub by_key: bool,
    /// The step that was clicked last, and when.
    clicked: Option<(usize, u64)>,
}

impl Default for Mouse {
    fn default() -> Self {
        Self { on: true, by_key: false, clicked: None }
    }
}

impl Mouse {
    /// `named`: what the environment says.
    #[must_use]
    pub fn from_env(named: Option<&str>) -> Self {
        let off = named.is_some_and(|named| matches!(named, "off" | "no" | "0"));
        Self { on: !off, ..Self::default() }
    }
}

/// Does it mean something to a screen? All else must not even wake it.
#[must_use]
pub fn counts(event: &MouseEvent) -> bool {
    matches!(
        event.kind,
        MouseEventKind::Down(MouseButton::Left) | MouseEventKind::ScrollUp | MouseEventKind::ScrollDown
    )
}

/// Leaves the mouse to the terminal, or takes it.
pub(super) fn toggle(app: &mut App) -> Vec<Action> {
    app.mouse.on = !app.mouse.on;
    app.mouse.by_key = true;
    let key = keys::shown_for(Verb::Mouse);
    if app.mouse.on {
        app.say("the mouse is onbelay's: a click selects, the wheel scrolls");
    } else {
        app.say(format!("the mouse is your terminal's, for selecting text; {key} takes it back"));
    }
    vec![Action::Mouse(app.mouse.on)]
}

/// What stands at a place of the last picture, topmost first.
fn at(seen: &Seen, event: MouseEvent) -> Option<Hit> {
    let place = Position { x: event.column, y: event.row };
    seen.hits.iter().rev().find(|(area, _)| Rect::contains(*area, place)).map(|(_, hit)| *hit)
}

/// Takes in what the mouse did.
pub(super) fn hear(app: &mut App, event: MouseEvent, when: u64) -> Vec<Action> {
    if !app.mouse.on || !counts(&event) || app.too_small() {
        return Vec::new();
    }
    app.up = when;
    let plain = matches!(app.mode, Mode::Plain);
    if !plain && !app.shown.allows(when) {
        // What lies on top was not there yet when this was done.
        return Vec::new();
    }
    let hit = at(&app.seen, event);
    match event.kind {
        MouseEventKind::ScrollUp => wheel(app, hit, true),
        MouseEventKind::ScrollDown => wheel(app, hit, false),
        _ if plain => click(app, hit, when),
        _ => click_on_top(app, hit),
    }
}

fn wheel(app: &mut App, hit: Option<Hit>, up: bool) -> Vec<Action> {
    let verb = if up { Verb::Up } else { Verb::Down };
    if !matches!(app.mode, Mode::Plain) {
        return wheel_on_top(app, verb);
    }
    match (app.screen, hit) {
        (_, Some(Hit::Detail)) => doing(app, Some(if up { Verb::PageUp } else { Verb::PageDown }), |app| {
            follow::break_away(app);
            scroll_detail(app, up, NOTCH);
            Vec::new()
        }),
        (Screen::Walk | Screen::Steps, Some(Hit::List | Hit::Step(_))) => {
            doing(app, Some(verb), |app| act::act(app, verb))
        }
        (Screen::Output | Screen::Log, Some(Hit::Page)) => {
            doing(app, Some(verb), |app| (0..NOTCH).flat_map(|_| act::act(app, verb)).collect())
        }
        _ => Vec::new(),
    }
}

/// The wheel over what lies on top: only what scrolls there scrolls.
fn wheel_on_top(app: &mut App, verb: Verb) -> Vec<Action> {
    let page = app.page();
    let rows = match page {
        Page::Choose | Page::Actions => 1,
        Page::Help | Page::Refused | Page::Approval => NOTCH,
        Page::Question | Page::Approving => {
            let verb = if verb == Verb::Up { Verb::PageUp } else { Verb::PageDown };
            return (0..NOTCH).flat_map(|_| act::act(app, verb)).collect();
        }
        _ => 0,
    };
    (0..rows).flat_map(|_| act::act(app, verb)).collect()
}

/// A click where nothing lies on top.
fn click(app: &mut App, hit: Option<Hit>, when: u64) -> Vec<Action> {
    let last = app.mouse.clicked.take();
    match hit {
        Some(Hit::Step(place)) => {
            app.mouse.clicked = Some((place, when));
            let twice = last.is_some_and(|(of, at)| of == place && when.saturating_sub(at) <= DOUBLE);
            doing(app, None, |app| {
                follow::break_away(app);
                go_to_step(app, place);
                let opens = match app.screen {
                    Screen::Steps => Verb::Back,
                    _ => Verb::Output,
                };
                if twice { act::act(app, opens) } else { Vec::new() }
            })
        }
        Some(Hit::Key(verb)) => {
            if act::terminal::is_hushed(app, when) {
                return Vec::new();
            }
            let apart = verb != Verb::Run || footing::entered(app, when);
            if footing::slips(app, Some(verb), apart, when) {
                return Vec::new();
            }
            doing(app, Some(verb), |app| act::act(app, verb))
        }
        _ => Vec::new(),
    }
}

/// A click on what lies on top: it picks a row, scrolls or goes back. It never takes, sends, or says yes.
fn click_on_top(app: &mut App, hit: Option<Hit>) -> Vec<Action> {
    match (hit, &mut app.mode) {
        (Some(Hit::Row(row)), Mode::Choose(choose)) => {
            choose.cursor = row.min(choose.checks.len().saturating_sub(1));
        }
        (Some(Hit::Row(row)), Mode::Actions(list)) => {
            list.cursor = row.min(list.found.len().saturating_sub(1));
            list.note = None;
        }
        (Some(Hit::Key(verb)), _) if is_harmless(verb) => {
            return doing(app, Some(verb), |app| act::act(app, verb));
        }
        (Some(Hit::Key(_)), _) => app.say("a click does not confirm: press the key"),
        _ => {}
    }
    Vec::new()
}

/// Does it move or go back, and nothing else?
fn is_harmless(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::Back
            | Verb::Up
            | Verb::Down
            | Verb::PageUp
            | Verb::PageDown
            | Verb::Home
            | Verb::End
            | Verb::Unread
            | Verb::BackTo
    )
}
