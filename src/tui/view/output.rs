//! A command's output, alone or below what is said about its step. PURE.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::time::size_in_words;
use crate::tui::app::App;
use crate::tui::output::Output;
use crate::tui::theme::Tone;

use super::shape::{between, fit_line, say};
use super::{Seen, View, cut_bottom, cut_top, detail, draw_rule, write_rows};

/// Draws the output alone, below the step's row.
pub(super) fn draw(view: View<'_>, area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    let mut rest = area;
    let width = usize::from(area.width);
    let head = detail::head(view, width.saturating_sub(2));
    let head: Vec<Line<'static>> = head
        .into_iter()
        .map(|mut line| {
            line.spans.insert(0, Span::raw(" "));
            line
        })
        .collect();
    write_rows(&head, cut_top(&mut rest, super::count(head.len())), buffer);
    draw_rule(cut_top(&mut rest, 1), None, buffer);
    let stand = cut_bottom(&mut rest, 1);
    seen.output = (usize::from(rest.width), usize::from(rest.height));
    if super::terminal::fills_page(view.app) {
        super::terminal::on_page(view, rest, stand, buffer);
        return;
    }
    let Some(output) = &view.app.output else {
        write_rows(&[Line::from(say(" there is no output", Tone::Quiet))], rest, buffer);
        return;
    };
    write(output, rest, buffer);
    write_rows(&[status(view.app, output, width)], stand, buffer);
}

/// Draws the end of the output into what room there is below a step.
pub(super) fn below(view: View<'_>, area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    let Some(output) = &view.app.output else { return };
    let mut rest = area;
    let rule = cut_top(&mut rest, 1);
    draw_rule(rule, None, buffer);
    if super::terminal::below(view, rule, rest, buffer) {
        seen.output = (usize::from(rest.width), usize::from(rest.height));
        return;
    }
    let title = fit_line(
        status(view.app, output, usize::from(area.width).saturating_sub(2)),
        usize::from(area.width) - 2,
    );
    let taken = super::count(super::shape::line_columns(&title));
    buffer.set_line(rule.x + 1, rule.y, &title, taken);
    seen.output = (usize::from(rest.width), usize::from(rest.height));
    write(output, rest, buffer);
}

fn write(output: &Output, area: Rect, buffer: &mut Buffer) {
    let rows = output.painted(usize::from(area.width), usize::from(area.height), None);
    let rows: Vec<Line<'_>> = rows.into_iter().map(|row| row.line).collect();
    write_rows(&rows, area, buffer);
}

/// Where in the file we are, and how long it is.
fn status(app: &App, output: &Output, width: usize) -> Line<'static> {
    let outputs = app.outputs();
    let which = match app.output_index(&outputs) {
        Some(index) if outputs.len() > 1 => format!("{} ({} of {})", output.label, index + 1, outputs.len()),
        _ => output.label.clone(),
    };
    let place = if output.total == 0 {
        "nothing yet".to_owned()
    } else if output.follow {
        format!("following · {}", size_in_words(output.total))
    } else {
        let percent = output.top.saturating_mul(100).checked_div(output.total).unwrap_or(0);
        format!("from {} of {} · {percent} %", size_in_words(output.top), size_in_words(output.total))
    };
    let left = Line::from(say(format!(" {which} · {place} "), Tone::Quiet));
    let lines = if output.wrap { " long lines wrapped " } else { "" };
    if lines.is_empty() {
        fit_line(left, width)
    } else {
        between(left, Line::from(say(lines, Tone::Quiet)), width)
    }
}
