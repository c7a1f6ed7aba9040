//! The last rows: what came of the last key, what keys do now, and whether the log is safe. PURE.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::act::approval_to_answer;
use crate::tui::app::{App, Link};
use crate::tui::fit::{Fit, fit, own_questions};
use crate::tui::follow;
use crate::tui::keys::{self, Verb};
use crate::tui::mode::Page;
use crate::tui::mouse::Hit;
use crate::tui::needs;
use crate::tui::theme::{Tone, style};
use crate::wire::messages::LogHealth;

use super::shape::{columns, fit_line, line_columns, say, wrap};
use super::{Seen, View, write_rows};

/// What was said last, and how it is shown.
fn said(app: &App) -> Option<(&str, Tone)> {
    match (&app.notice, &app.noted) {
        (Some(notice), _) => Some((&notice.text, if notice.bad { Tone::Bad } else { Tone::Strong })),
        (None, noted) => noted.as_ref().map(|noted| (noted.as_str(), Tone::Warn)),
    }
}

/// As many rows as what was said last takes; never so many that nothing else is seen.
pub(super) fn notice_height(app: &App, area: Rect) -> u16 {
    let most = if area.height < 20 { 2 } else { 3 };
    let width = usize::from(area.width).saturating_sub(4);
    said(app).map_or(1, |(text, _)| super::count(wrap(text, width).len()).clamp(1, most))
}

/// Draws what came of the last key, and how the log fares, into the rule above the keys. Nothing lies on anything: how
/// the log fares gives way to what is long, unless it is in danger.
pub(super) fn notice(view: View<'_>, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let log = log_sign(view);
    let log_columns = columns(&log.content);
    let width = usize::from(area.width);
    let rows = said(view.app).map_or_else(Vec::new, |(text, tone)| {
        let all = wrap(text, width.saturating_sub(4));
        let more = all.len() > usize::from(area.height);
        let mut rows: Vec<String> = all.into_iter().take(usize::from(area.height)).collect();
        if let Some(last) = rows.last_mut().filter(|_| more) {
            last.push_str(" …");
        }
        rows.into_iter()
            .map(|row| fit_line(Line::from(say(format!(" {row} "), tone)), width.saturating_sub(2)))
            .collect()
    });
    write_rows(&rows, Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area }, buffer);
    let last = area.bottom() - 1;
    let first_free = if rows.len() == usize::from(area.height) {
        area.x + 1 + super::count(rows.last().map_or(0, line_columns))
    } else {
        area.x + 1
    };
    let mut right = area.right().saturating_sub(1);
    let danger = !matches!((&view.app.health, &view.app.link), (LogHealth::Safe, Link::Up));
    let room = usize::from(right.saturating_sub(first_free));
    if log_columns <= room || danger {
        let taken = super::count(log_columns).min(right.saturating_sub(area.x));
        right -= taken;
        if first_free > right {
            // What is said ends with a mark before it.
            let short = rows.last().cloned().unwrap_or_default();
            let room = usize::from(right.saturating_sub(area.x + 1));
            for x in area.x + 1..area.right() {
                buffer[(x, last)].reset();
            }
            buffer.set_line(area.x + 1, last, &fit_line(short, room), super::count(room));
        }
        buffer.set_span(right, last, &log, taken);
    }
    let room = usize::from(right.saturating_sub(first_free + 1));
    let Some(mark) = mark(view.app) else { return };
    let whole = Line::from(vec![say(format!(" {mark} "), Tone::Key)]);
    // What was just said goes before how this screen stands; half of that would say nothing.
    if line_columns(&whole) <= room || rows.is_empty() {
        let mark = fit_line(whole, room);
        let columns = super::count(line_columns(&mark));
        buffer.set_line(right.saturating_sub(columns + 1).max(area.x), last, &mark, columns);
    }
}

/// How this screen stands to others, to the mouse, and to what waits elsewhere.
fn mark(app: &App) -> Option<String> {
    let waiting = if follow::follows(app) { 0 } else { needs::elsewhere(app) };
    let key = keys::shown_for(Verb::NextNeed);
    let needs = match waiting {
        0 => None,
        1 => Some(format!("{key} 1 thing needs you")),
        more => Some(format!("{key} {more} things need you")),
    };
    let freed = !app.mouse.on && app.mouse.by_key;
    let mouse = freed.then(|| format!("{} the mouse is the terminal's", keys::shown_for(Verb::Mouse)));
    let marks: Vec<String> = mouse.into_iter().chain(needs).chain(follow::mark(app)).collect();
    (!marks.is_empty()).then(|| marks.join(" · "))
}

/// Draws the keys that do something now, as many as there is room for.
pub(super) fn draw(view: View<'_>, area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    if area.height == 0 {
        return;
    }
    let width = usize::from(area.width);
    let page = view.app.page();
    // The way to all the rest is always there.
    // So is the chord that holds, which works everywhere.
    let up = view.app.link == Link::Up;
    let chord = if up {
        keys::binding(Page::Walk, Verb::HoldNow).map(|binding| hint(binding.word, binding, false))
    } else {
        Some(vec![say(" no connection: no hold ", Tone::Alarm), Span::raw("  ")])
    };
    let help = keys::binding(page, Verb::Help).map(|binding| hint(binding.word, binding, false));
    let last: Option<Vec<Span<'static>>> = Some(chord.into_iter().chain(help.clone()).flatten().collect());
    let last_width = last.as_ref().map_or(0, |spans| spans_columns(spans));
    let mut line = vec![Span::raw(" ")];
    let mut used = 1;
    let mut hits = Vec::new();
    let room = width.saturating_sub(last_width);
    for binding in keys::table(page) {
        // Questions of other steps are answered from the list; here they would only be in the way.
        let elsewhere = binding.verb == Verb::Attest
            && own_questions(view.app) == 0
            && approval_to_answer(view.app).is_none();
        if matches!(binding.verb, Verb::Help | Verb::Up | Verb::Hold | Verb::HoldNow) || elsewhere {
            continue;
        }
        let (word, dim) = match fit(view.app, binding.verb) {
            Fit::Yes(word) => (word.unwrap_or(binding.word), false),
            // Of what cannot be done now only the one that people look for first.
            Fit::No(_) if binding.verb == Verb::Run && up && follow::leads(view.app) => (binding.word, true),
            _ => continue,
        };
        let spans = hint(word, binding, dim);
        let width = spans_columns(&spans);
        if used + width > room {
            continue;
        }
        hits.push((used, width, binding.verb));
        used += width;
        line.extend(spans);
    }
    if let Some(help) = &help {
        hits.push((used + last_width - spans_columns(help), spans_columns(help), Verb::Help));
    }
    seen.hits.retain(|(_, hit)| !matches!(hit, Hit::Key(_)));
    for (x, width, verb) in hits {
        // Not the air behind it.
        let key = Rect { x: area.x + super::count(x), width: super::count(width.saturating_sub(3)), ..area };
        seen.hits.push((key.intersection(area), Hit::Key(verb)));
    }
    line.extend(last.into_iter().flatten());
    let mut line = Line::from(line);
    let gap = width.saturating_sub(line_columns(&line));
    line.spans.push(Span::raw(" ".repeat(gap)));
    // Whatever was there before, a popup's frame included, is not for the eye now.
    buffer.set_style(area, style(Tone::Plain));
    write_rows(&[line], area, buffer);
}

fn hint(word: &str, binding: &keys::Binding, dim: bool) -> Vec<Span<'static>> {
    let key = if binding.verb == Verb::Down { "↑↓".to_owned() } else { keys::label(binding.keys[0]) };
    let (key_tone, word_tone) = if dim { (Tone::Quiet, Tone::Quiet) } else { (Tone::Key, Tone::Plain) };
    vec![say(key, key_tone), say(format!(" {word}   "), word_tone)]
}

fn spans_columns(spans: &[Span<'_>]) -> usize {
    spans.iter().map(|span| columns(&span.content)).sum()
}

fn log_sign(view: View<'_>) -> Span<'static> {
    let app = view.app;
    let narrow = app.size.0 < 60;
    let records = app.session.head;
    match (&app.health, &app.link) {
        (LogHealth::Broken { .. }, _) => say(" log NOT safe ", Tone::Alarm),
        (_, Link::Lost(_) | Link::Waiting(_) | Link::Gone(_)) => say(" no connection ", Tone::Alarm),
        (LogHealth::Slow { took }, _) => say(format!(" log slow: {took} ms "), Tone::Warn),
        (LogHealth::Safe, _) if narrow => say(" log safe ", Tone::Good),
        (LogHealth::Safe, _) => say(format!(" log safe · {records} records "), Tone::Good),
    }
}
