//! A command's output, alone or below what is said about its step; or two of them, side by side. PURE.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::time::size_in_words;
use crate::tui::app::App;
use crate::tui::output::find::Stage;
use crate::tui::output::paint::Found;
use crate::tui::output::{Output, Sought, list};
use crate::tui::theme::{Tone, style};

use super::shape::{between, fit_line, line_columns, plain, say};
use super::{Seen, View, WIDE, cut_bottom, cut_top, detail, draw_rule, write_line, write_rows};

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
    if crate::tui::act::terminal::fills_page(view.app) {
        super::terminal::on_page(view, rest, stand, buffer);
        return;
    }
    let Some(output) = &view.app.output else {
        write_rows(&[Line::from(say(" there is no output", Tone::Quiet))], rest, buffer);
        return;
    };
    match &view.app.beside {
        Some(beside) => two(view, [beside, output], rest, buffer, seen),
        None => seen.output = write(view.app, output, rest, buffer),
    }
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
    let taken = super::count(line_columns(&title));
    write_line(&title, Rect { x: rule.x + 1, width: taken, ..rule }, buffer);
    seen.output = write(view.app, output, rest, buffer);
}

/// Two outputs, the one that keys choose on the right or below.
fn two(view: View<'_>, outputs: [&Output; 2], area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    let aside = area.width >= WIDE;
    let (first, second) = if aside {
        let left = (area.width - 1) / 2;
        for y in area.top()..area.bottom() {
            buffer[(area.x + left, y)].set_symbol("│").set_style(style(Tone::Quiet));
        }
        let right = Rect { x: area.x + left + 1, width: area.width - left - 1, ..area };
        (Rect { width: left, ..area }, right)
    } else {
        let above = area.height / 2;
        (Rect { height: above, ..area }, Rect { y: area.y + above, height: area.height - above, ..area })
    };
    for (output, area, chosen) in [(outputs[0], first, false), (outputs[1], second, true)] {
        let mut rest = area;
        let row = cut_top(&mut rest, 1);
        let width = usize::from(row.width);
        let mark = if chosen { "▸" } else { " " };
        let tone = if chosen { Tone::Strong } else { Tone::Plain };
        let end = end_of(view.app, output).map(|(word, tone)| say(format!(" {word}"), tone));
        let mut label = vec![say(format!("{mark}{}", output.label), tone)];
        label.extend(end);
        let place = Line::from(say(format!("{} ", place(view.app, output)), Tone::Quiet));
        write_rows(&[between(Line::from(label), place, width)], row, buffer);
        let size = write(view.app, output, rest, buffer);
        if chosen {
            seen.output = size;
        } else {
            seen.beside = size;
        }
    }
}

/// Writes the rows of an output; the columns and rows that there were for them.
fn write(app: &App, output: &Output, area: Rect, buffer: &mut Buffer) -> (usize, usize) {
    let find = app.find.as_ref().filter(|_| app.screen == super::Screen::Output);
    let sought =
        find.map(|find| Sought { needle: &find.needle, at: find.at.filter(|_| find.of == output.of) });
    // Rows with matches have a mark before them, so that it is not their look alone.
    // It is kept without a search too: no text moves aside when one begins.
    let gutter = u16::from(app.screen == super::Screen::Output).min(area.width);
    let text = Rect { x: area.x + gutter, width: area.width - gutter, ..area };
    let size = (usize::from(text.width), usize::from(text.height));
    let rows = output.painted(size.0, size.1, sought);
    for (row, y) in rows.iter().zip(area.top()..area.bottom()) {
        let mark = match row.found {
            Found::No => None,
            Found::Yes => Some(("›", Tone::Plain)),
            Found::Here => Some(("▸", Tone::Strong)),
        };
        if let Some((mark, tone)) = mark.filter(|_| gutter > 0) {
            buffer[(area.x, y)].set_symbol(mark).set_style(style(tone));
        }
        buffer.set_line(text.x, y, &row.line, text.width);
    }
    size
}

/// What became of the command that wrote it, and how that looks.
fn end_of(app: &App, output: &Output) -> Option<(&'static str, Tone)> {
    let end = list::of_step(app).into_iter().find(|one| one.of == output.of)?.end;
    let tone = match end {
        "" => return None,
        "done" => Tone::Good,
        "failed" => Tone::Bad,
        _ => Tone::Live,
    };
    Some((end, tone))
}

fn place(app: &App, output: &Output) -> String {
    if output.total == 0 {
        "nothing yet".to_owned()
    } else if output.follow {
        let word = if list::is_over(app, &output.of) { "ended" } else { "following" };
        format!("{word} · {}", size_in_words(output.total))
    } else {
        let percent = output.top.saturating_mul(100).checked_div(output.total).unwrap_or(0);
        format!("from {} of {} · {percent} %", size_in_words(output.top), size_in_words(output.total))
    }
}

/// Where in the file we are, and how long it is; what is looked for, or saved; how long lines are shown.
fn status(app: &App, output: &Output, width: usize) -> Line<'static> {
    let alone = app.screen == super::Screen::Output;
    let outputs = app.outputs();
    let which = match app.output_index(&outputs) {
        // Of items all are counted, as in the list of steps, also those that were not begun yet.
        _ if list::item_of(app, &output.of).is_some() => {
            let (nth, all) = list::item_of(app, &output.of).unwrap_or_default();
            format!("{} ({nth} of {all})", output.label)
        }
        Some(index) if outputs.len() > 1 => format!("{} ({} of {})", output.label, index + 1, outputs.len()),
        _ => output.label.clone(),
    };
    let mut left = vec![say(format!(" {which} "), Tone::Quiet)];
    if outputs.len() > 1
        && let Some((word, tone)) = end_of(app, output)
    {
        left.push(say(format!("{word} "), tone));
    }
    left.push(say(format!("· {} ", place(app, output)), Tone::Quiet));
    let left = Line::from(left);
    let right = match (&app.saving, &app.find) {
        _ if !alone => None,
        (Some(saving), _) => Some(say(format!(" {} ", saving.words()), Tone::Live)),
        (None, Some(find)) => {
            let tone = match find.stage {
                Stage::Looking(_) => Tone::Live,
                Stage::Nowhere => Tone::Bad,
                Stage::Found { .. } | Stage::Stopped => Tone::Strong,
            };
            Some(say(format!(" {} ", find.words(output.total)), tone))
        }
        _ => None,
    };
    let shown = if output.wrap {
        " long lines wrapped ".to_owned()
    } else if output.left > 0 {
        format!(" from column {} ", output.left + 1)
    } else {
        String::new()
    };
    match right {
        Some(right) => between(left, Line::from(right), width),
        None if shown.is_empty() => fit_line(left, width),
        None => between(left, Line::from(say(plain(&shown), Tone::Quiet)), width),
    }
}
