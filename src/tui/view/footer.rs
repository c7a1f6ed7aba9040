//! The last rows: what came of the last key, what keys do now, and whether the log is safe. PURE.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::app::Link;
use crate::tui::fit::{Fit, fit};
use crate::tui::keys::{self, Verb};
use crate::tui::mode::{Mode, Page};
use crate::tui::theme::{Tone, style};
use crate::wire::messages::LogHealth;

use super::shape::{columns, fit_line, line_columns, say};
use super::{View, write_rows};

/// Draws what came of the last key into the rule above the keys.
pub(super) fn notice(view: View<'_>, area: Rect, buffer: &mut Buffer) {
    let Some(notice) = &view.app.notice else { return };
    if area.height == 0 {
        return;
    }
    let tone = if notice.bad { Tone::Bad } else { Tone::Strong };
    let line = Line::from(vec![say(format!(" {} ", notice.text), tone)]);
    let line = fit_line(line, usize::from(area.width.saturating_sub(2)));
    buffer.set_line(area.x + 1, area.y, &line, area.width - 1);
}

/// Draws the keys that do something now, as many as there is room for, and how the log fares.
pub(super) fn draw(view: View<'_>, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let width = usize::from(area.width);
    let log = log_sign(view);
    let log_width = columns(&log.content);
    let page = view.app.page();
    // The way to all the rest is always there.
    let last = keys::binding(page, Verb::Help).map(|binding| hint(binding.word, binding, false));
    let last_width = last.as_ref().map_or(0, |spans| spans_columns(spans));
    let mut line = vec![Span::raw(" ")];
    let mut used = 1;
    let room = width.saturating_sub(log_width + last_width + 1);
    for binding in keys::table(page) {
        if matches!(binding.verb, Verb::Help | Verb::Up) {
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
            break;
        }
        used += width;
        line.extend(spans);
    }
    line.extend(last.into_iter().flatten());
    let mut line = Line::from(line);
    let gap = width.saturating_sub(line_columns(&line) + log_width);
    line.spans.push(Span::raw(" ".repeat(gap)));
    line.spans.push(log);
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
    let narrow =
        app.size.0 < 60 || !matches!(app.mode, Mode::Plain) || app.page() != Page::Walk && app.size.0 < 100;
    let records = app.session.head;
    match (&app.health, &app.link) {
        (LogHealth::Broken { .. }, _) => say(" log NOT safe ", Tone::Alarm),
        (_, Link::Lost(_) | Link::Gone(_)) => say(" no connection ", Tone::Alarm),
        (LogHealth::Slow { took }, _) => say(format!("log slow: {took} ms "), Tone::Warn),
        (LogHealth::Safe, _) if narrow => say("log safe ", Tone::Good),
        (LogHealth::Safe, _) => say(format!("log safe · {records} records "), Tone::Good),
    }
}
