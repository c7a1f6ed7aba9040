//! The journal: its newest records below the walk, or all of it. PURE.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::app::LogLine;
use crate::tui::mode::Mode;
use crate::tui::theme::Tone;

use super::shape::{fit_line, hang, say, wrap};
use super::{Seen, View, write_rows};

/// Rows for the newest records, on a screen of this height.
pub(super) fn newest_rows(height: u16, records: usize) -> u16 {
    let rows = match height {
        0..16 => 0,
        16..24 => 1,
        24..30 => 2,
        30..45 => 4,
        45..70 => 7,
        _ => 12,
    };
    rows.min(u16::try_from(records).unwrap_or(u16::MAX))
}

/// The newest records, one row each.
pub(super) fn newest(view: View<'_>, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width);
    let rows = usize::from(area.height);
    let from = view.app.log.len().saturating_sub(rows);
    let lines: Vec<Line<'static>> = view
        .app
        .log
        .iter()
        .skip(from)
        .map(|line| {
            let mut spans = before(line, false);
            spans.push(Span::raw(line.text.clone()));
            fit_line(Line::from(spans), width)
        })
        .collect();
    write_rows(&lines, area, buffer);
}

/// The whole window full of records; long ones take several rows.
pub(super) fn draw(view: View<'_>, area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    let height = usize::from(area.height);
    seen.log_height = height;
    let width = usize::from(area.width);
    let mut rows: Vec<Line<'static>> = Vec::new();
    let found = match &view.app.mode {
        Mode::Search(search) => search.shown(),
        _ => None,
    };
    // From the newest in sight upwards, until the window is full.
    for line in view.app.log.iter().rev().skip(view.app.log_scroll) {
        let tone = if found == Some(line.n) { Tone::Selected } else { Tone::Plain };
        if width < 60 {
            // No room for columns: one running text, the rest of it set in.
            let text = format!("{} {} {}  {}", line.n, line.at.clock(), line.by, line.text);
            let mut parts = wrap(&text, width.saturating_sub(3)).into_iter();
            let first = parts.next().map(|row| Line::from(say(format!(" {row}"), tone)));
            let rest: Vec<Line<'static>> =
                parts.map(|row| Line::from(say(format!("   {row}"), tone))).collect();
            rows.extend(rest.into_iter().rev().chain(first));
            if rows.len() >= height {
                break;
            }
            continue;
        }
        let head = before(line, true);
        let taken: usize = head.iter().map(|span| super::shape::columns(&span.content)).sum();
        let text = wrap(&line.text, width.saturating_sub(taken + 1));
        let text = text.into_iter().map(|row| Line::from(say(row, tone))).collect();
        rows.extend(hang(head, text).into_iter().rev());
        if rows.len() >= height {
            break;
        }
    }
    rows.truncate(height);
    rows.reverse();
    write_rows(&rows, area, buffer);
}

fn before(line: &LogLine, number: bool) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    if number {
        spans.push(say(format!("{:>6}", line.n), Tone::Quiet));
    }
    spans.push(say(format!(" {} ", line.at.clock()), Tone::Quiet));
    spans.push(say(format!("{:<9} ", super::shape::fit(&line.by, 9)), Tone::Strong));
    spans
}
