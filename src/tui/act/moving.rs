//! Where keys go: another step, another page, another row; on to what needs this person, and back from a slip. PURE.

use crate::tui::app::{Action, App, MOST_LINES, Pending};
use crate::tui::keys::Verb;
use crate::tui::mode::{Mode, Screen};
use crate::tui::{needs, places};
use crate::wire::ToHost;

use super::output::in_output;

/// A row, a screenful, or to an end; what cannot go on says so.
pub(super) fn moved(app: &mut App, verb: Verb) -> Vec<Action> {
    let before = places::here(app);
    let actions = go(app, verb);
    let stuck = actions.is_empty() && places::here(app) == before;
    if let Some(why) = edge(app, verb).filter(|_| stuck && app.notice.is_none()) {
        app.say(why);
    }
    actions
}

/// What stops a move on this screen.
fn edge(app: &App, verb: Verb) -> Option<&'static str> {
    let up = matches!(verb, Verb::Up | Verb::PageUp | Verb::Home);
    if !up && !matches!(verb, Verb::Down | Verb::PageDown | Verb::End) {
        return None;
    }
    let paged = matches!(verb, Verb::PageUp | Verb::PageDown);
    Some(match (app.screen, up) {
        (Screen::Walk, _) if paged && app.seen.detail_rows <= app.seen.detail_height => "all of it is shown",
        (Screen::Walk, true) if paged => "this is its start",
        (Screen::Walk, false) if paged => "this is its end",
        (Screen::Walk | Screen::Steps, true) => "this is the first step",
        (Screen::Walk | Screen::Steps, false) => "this is the last step",
        (Screen::Output, true) => "this is its start",
        (Screen::Output, false) => "this is its end",
        (Screen::Log, true) => "this is the oldest record that is here",
        (Screen::Log, false) => "this is the newest record",
    })
}

fn go(app: &mut App, verb: Verb) -> Vec<Action> {
    match app.screen {
        Screen::Walk | Screen::Steps => {
            in_steps(app, verb);
            Vec::new()
        }
        Screen::Output => in_output(app, verb),
        Screen::Log => in_log(app, verb),
    }
}

fn in_steps(app: &mut App, verb: Verb) {
    let last = app.session.steps.len().saturating_sub(1);
    let page = app.seen.list_height.saturating_sub(1).max(1);
    let alone = app.screen == Screen::Steps;
    let to = match verb {
        Verb::Up => app.selected.saturating_sub(1),
        Verb::Down => app.selected + 1,
        Verb::Home => 0,
        Verb::End => last,
        Verb::PageUp if alone => app.selected.saturating_sub(page),
        Verb::PageDown if alone => app.selected + page,
        Verb::PageUp => return scroll_detail(app, true, app.seen.detail_height.max(2) - 1),
        Verb::PageDown => return scroll_detail(app, false, app.seen.detail_height.max(2) - 1),
        _ => return,
    };
    go_to_step(app, to);
}

/// Scrolls what is said about the step.
pub(in crate::tui) fn scroll_detail(app: &mut App, up: bool, rows: usize) {
    let most = app.seen.detail_rows.saturating_sub(app.seen.detail_height);
    app.detail_scroll = if up {
        app.detail_scroll.min(most).saturating_sub(rows)
    } else {
        (app.detail_scroll + rows).min(most)
    };
}

/// Selects a step; whoever selects the one at hand goes along with the walk again.
pub(in crate::tui) fn go_to_step(app: &mut App, place: usize) {
    app.select(place);
    app.along = app.selected == app.current();
}

fn in_log(app: &mut App, verb: Verb) -> Vec<Action> {
    let page = app.seen.log_height.saturating_sub(1).max(1);
    let most = app.log.len().saturating_sub(app.seen.log_height);
    app.log_scroll = match verb {
        Verb::Up => app.log_scroll + 1,
        Verb::Down => app.log_scroll.saturating_sub(1),
        Verb::PageUp => app.log_scroll + page,
        Verb::PageDown => app.log_scroll.saturating_sub(page),
        Verb::Home => most,
        Verb::End => 0,
        _ => app.log_scroll,
    }
    .min(most);
    let first = app.log.front().map_or(1, |line| line.n);
    let asked = app.pending.values().any(|pending| *pending == Pending::Log);
    if app.log_scroll + page >= most && first > 1 && !asked && app.log.len() < MOST_LINES {
        let id = app.new_id(Pending::Log);
        return vec![Action::Send(ToHost::ReadLog { id, before: first, count: 500 })];
    }
    Vec::new()
}

/// On to the next thing that needs this person: it is shown and said, and nothing is done about it.
pub(super) fn next_need(app: &mut App) {
    let all = needs::needs(app);
    let was = app.needed.take();
    let after = was.and_then(|was| all.iter().position(|need| *need == was)).map_or(0, |at| at + 1);
    let at = if after < all.len() { after } else { 0 };
    let Some(need) = all.get(at) else {
        app.say(needs::nothing(app));
        return;
    };
    app.screen = Screen::Walk;
    if let Some(place) = need.step {
        go_to_step(app, place);
    }
    let count = if all.len() > 1 { format!("{} of {} · ", at + 1, all.len()) } else { String::new() };
    app.say(format!("{count}{} · {}", need.what, need.how));
    app.needed = Some(need.clone());
}

/// A list of which one is picked.
pub(super) fn cursor(verb: Verb, cursor: usize, count: usize, page: usize) -> Option<usize> {
    let to = match verb {
        Verb::Up => cursor.saturating_sub(1),
        Verb::Down => cursor + 1,
        Verb::PageUp => cursor.saturating_sub(page),
        Verb::PageDown => cursor + page,
        Verb::Home => 0,
        Verb::End => count,
        _ => return None,
    };
    Some(to.min(count.saturating_sub(1)))
}

/// A text that is read in a box.
pub(super) fn reading(app: &mut App, verb: Verb) -> Vec<Action> {
    let most = app.seen.popup_rows.saturating_sub(app.seen.popup_height);
    let page = app.seen.popup_height.saturating_sub(1).max(1);
    let (Mode::Help { scroll }
    | Mode::About { scroll }
    | Mode::Join { scroll }
    | Mode::Refused(crate::tui::mode::Refused { scroll, .. })) = &mut app.mode
    else {
        return Vec::new();
    };
    if let Some(to) = cursor(verb, (*scroll).min(most), most + 1, page) {
        let stays = to == (*scroll).min(most);
        *scroll = to;
        if stays {
            let up = matches!(verb, Verb::Up | Verb::PageUp | Verb::Home);
            app.say(match (most, up) {
                (0, _) => "all of it is shown",
                (_, true) => "this is its start",
                (_, false) => "this is its end",
            });
        }
        return Vec::new();
    }
    app.mode = Mode::Plain;
    if app.along && app.screen != Screen::Output {
        let current = app.current();
        app.select(current);
    }
    Vec::new()
}
