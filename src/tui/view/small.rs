//! A window too small to act in: what matters in lines, as many as fit, the most important first. PURE.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::session::state::{Progress, Stage};
use crate::session::view;
use crate::time::{in_words, stopwatch};
use crate::tui::app::Link;
use crate::tui::mode::Mode;
use crate::tui::theme::{Tone, of_step};
use crate::wire::messages::LogHealth;

use super::shape::{columns, fit, plain, say, wrap};
use super::{MIN_HEIGHT, MIN_WIDTH, View, count, write_rows};

/// Draws it. The last row is kept for the keys, where there is more than one.
pub(super) fn draw(view: View<'_>, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width);
    let keys = keys(view, width);
    let kept = u16::from(area.height > 1);
    let body = Rect { height: area.height - kept, ..area };
    let facts = facts(view, area);
    let room = usize::from(body.height);
    let mut rows: Vec<Line<'static>> = Vec::new();
    for (at, (tone, text)) in facts.iter().enumerate() {
        // Each is whole where that leaves a row for every one after it.
        let spare = room.saturating_sub(rows.len() + facts.len() - at - 1);
        let wrapped = wrap(text, width);
        if wrapped.len() <= spare {
            rows.extend(wrapped.into_iter().map(|row| Line::from(say(row, *tone))));
        } else {
            rows.push(say(fit(text, width).into_owned(), *tone).into());
        }
    }
    let used = count(rows.len()).min(body.height);
    write_rows(&rows, body, buffer);
    if kept > 0 {
        let foot = Rect { y: area.y + used.min(body.height), height: 1, ..area };
        write_rows(&[say(keys, Tone::Key).into()], foot, buffer);
    }
}

/// What must be known, the most important first.
fn facts(view: View<'_>, area: Rect) -> Vec<(Tone, String)> {
    let app = view.app;
    let session = &app.session;
    let mut facts = Vec::new();
    if matches!(app.mode, Mode::Terminal(_)) {
        facts.push((Tone::Alarm, "KEYS GO NOWHERE: too small to type".to_owned()));
    }
    if app.link != Link::Up {
        facts.push((Tone::Alarm, "NO CONNECTION: nothing can be held from here".to_owned()));
    }
    let broken = matches!(app.health, LogHealth::Broken { .. });
    if broken {
        facts.push((Tone::Alarm, "LOG NOT WRITTEN: nothing starts any more".to_owned()));
    }
    if let Some(hold) = session.holds.last() {
        facts.push((Tone::Alarm, format!("⏸ {} holds: {}", plain(&hold.by.name), plain(&hold.why))));
    }
    if let Some(notice) = &app.notice {
        facts.push((if notice.bad { Tone::Bad } else { Tone::Plain }, notice.text.clone()));
    }
    facts.push((Tone::Strong, stand(view)));
    let mut running: Vec<(bool, String)> =
        (0..session.steps.len()).filter_map(|at| running(view, at)).collect();
    running.sort_by_key(|(late, _)| !late);
    facts.extend(running.into_iter().map(|(late, text)| (if late { Tone::Alarm } else { Tone::Live }, text)));
    if matches!(app.mode, Mode::Question(_) | Mode::Prompt(_) | Mode::Approval(_) | Mode::Choose(_)) {
        facts.push((Tone::Warn, "a question waits for a larger window".to_owned()));
    }
    if !broken {
        facts.push((Tone::Quiet, format!("log safe, {} records", session.head)));
    }
    let whole = format!("{} × {}; onbelay needs {MIN_WIDTH} × {MIN_HEIGHT}", area.width, area.height);
    let narrow = columns(&whole) > usize::from(area.width);
    facts.push((Tone::Plain, if narrow { format!("needs {MIN_WIDTH} × {MIN_HEIGHT}") } else { whole }));
    facts
}

/// Where the walk is.
fn stand(view: View<'_>) -> String {
    let session = &view.app.session;
    match &session.stage {
        Stage::Finished => return "finished".to_owned(),
        Stage::Aborted { why } => return format!("aborted: {}", plain(why)),
        Stage::Open => {}
    }
    let all = session.steps.len();
    let behind = |place: &usize| matches!(session.steps[*place].progress, Progress::Done | Progress::Skipped);
    if (0..all).all(|place| behind(&place)) {
        return "every step is done or skipped".to_owned();
    }
    let place = view.app.current();
    let status = view::step_status(session, &view.order, place, view.now);
    let title = session.runbook.steps.get(place).map(|step| plain(&view::filled(session, &step.title)));
    let (_, _, word) = of_step(status);
    format!("{}/{all} {word}: {}", place + 1, title.unwrap_or_default())
}

/// A step that runs, for how long, and by how much it is late.
fn running(view: View<'_>, place: usize) -> Option<(bool, String)> {
    let session = &view.app.session;
    let step = &session.steps[place];
    if step.request.is_some() {
        return Some((false, format!("▶ {} its checks are being asked", place + 1)));
    }
    let (Progress::Running(_), Some(started)) = (&step.progress, step.started) else { return None };
    let age = stopwatch(started.age(view.now).unwrap_or_default());
    let title = plain(&view::filled(session, &session.runbook.steps[place].title));
    Some(match view::late_by(session, place, view.now) {
        Some(by) => (true, format!("▶ {} {age} LATE by {}: {title}", place + 1, in_words(by))),
        None => (false, format!("▶ {} {age} {title}", place + 1)),
    })
}

fn keys(view: View<'_>, width: usize) -> String {
    let all: [&str; 3] = match view.app.link {
        _ if matches!(view.app.mode, Mode::Terminal(_)) => {
            ["^] leaves the terminal, ^X holds", "^] leaves it  ^X holds", "^] ^X"]
        }
        Link::Up => {
            ["^X holds, Enter goes on in lines, q leaves", "^X holds  Enter lines  q quit", "^X Enter q"]
        }
        Link::Gone(_) => ["q leaves", "q leaves", "q"],
        _ => ["Enter goes on in lines, q leaves", "Enter lines  q quit", "Enter q"],
    };
    let fits = all.iter().find(|text| columns(text) <= width);
    fits.map_or_else(|| fit(all[2], width).into_owned(), |text| (*text).to_owned())
}
