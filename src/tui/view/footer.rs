//! The last rows: what came of the last key, what keys do now, and whether the log is safe. PURE.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::act::approval_to_answer;
use crate::tui::app::Link;
use crate::tui::fit::{Fit, fit, own_questions};
use crate::tui::follow;
use crate::tui::keys::{self, Verb};
use crate::tui::mode::Page;
use crate::tui::theme::{Tone, style};
use crate::wire::messages::LogHealth;

use super::shape::{columns, fit_line, line_columns, say};
use super::{View, write_rows};

/// Draws what came of the last key, and how the log fares, into the rule above the keys.
pub(super) fn notice(view: View<'_>, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let log = log_sign(view);
    let taken = super::count(columns(&log.content)).min(area.width);
    let x = area.right().saturating_sub(taken + 1).max(area.x);
    buffer.set_span(x, area.y, &log, taken);
    let said = match (&view.app.notice, &view.app.noted) {
        (Some(notice), _) => Some((&notice.text, if notice.bad { Tone::Bad } else { Tone::Strong })),
        (None, noted) => noted.as_ref().map(|noted| (noted, Tone::Warn)),
    };
    let taken = said.map_or(0, |(text, _)| columns(text) + 3);
    if let Some(mark) = follow::mark(view.app) {
        let room = usize::from(x.saturating_sub(area.x + 2));
        let mark = fit_line(Line::from(vec![say(format!(" {mark} "), Tone::Key)]), room);
        let columns = line_columns(&mark);
        // What was just said goes before how this screen stands; half of that would say nothing.
        if taken + columns <= room || said.is_none() {
            let columns = super::count(columns);
            buffer.set_line(x.saturating_sub(columns + 1).max(area.x), area.y, &mark, columns);
        }
    }
    let Some((text, tone)) = said else { return };
    let line = Line::from(vec![say(format!(" {text} "), tone)]);
    // How the log fares gives way only to what is long.
    let room = if text.len() > usize::from(area.width / 2) && taken > usize::from(x.saturating_sub(area.x)) {
        area.width - 2
    } else {
        x.saturating_sub(area.x + 1)
    };
    let line = fit_line(line, usize::from(room));
    buffer.set_line(area.x + 1, area.y, &line, room);
}

/// Draws the keys that do something now, as many as there is room for.
pub(super) fn draw(view: View<'_>, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let width = usize::from(area.width);
    let page = view.app.page();
    // The way to all the rest is always there.
    // So is the chord that holds, which works everywhere.
    let chord = keys::binding(Page::Walk, Verb::HoldNow).map(|binding| hint(binding.word, binding, false));
    let help = keys::binding(page, Verb::Help).map(|binding| hint(binding.word, binding, false));
    let last: Option<Vec<Span<'static>>> = Some(chord.into_iter().chain(help).flatten().collect());
    let last_width = last.as_ref().map_or(0, |spans| spans_columns(spans));
    let mut line = vec![Span::raw(" ")];
    let mut used = 1;
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
            Fit::No(_) if binding.verb == Verb::Run => (binding.word, true),
            _ => continue,
        };
        let spans = hint(word, binding, dim);
        let width = spans_columns(&spans);
        if used + width > room {
            continue;
        }
        used += width;
        line.extend(spans);
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
        (_, Link::Lost(_) | Link::Gone(_)) => say(" no connection ", Tone::Alarm),
        (LogHealth::Slow { took }, _) => say(format!(" log slow: {took} ms "), Tone::Warn),
        (LogHealth::Safe, _) if narrow => say(" log safe ", Tone::Good),
        (LogHealth::Safe, _) => say(format!(" log safe · {records} records "), Tone::Good),
    }
}
