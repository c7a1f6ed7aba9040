//! The terminal of an interactive step: all of the window while somebody types into it, else as far as there is room.
//! PURE.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use crate::session::view::step_name;
use crate::time::size_in_words;
use crate::tui::act::terminal::shown;
use crate::tui::app::App;
use crate::tui::keys::{self, Verb};
use crate::tui::mode::{Stand, Typing};
use crate::tui::terminal_pane::Pane;
use crate::tui::theme::{Tone, style};
use crate::wire::messages::Terminal;

use super::shape::{between, columns, fit_line, line_columns, plain, say, wrap};
use super::{
    Seen, View, clear, count, cut_bottom, cut_top, draw_rule, footer, header, write_line, write_rows,
};

/// What stands in the place of a cell that would act on a terminal, hide, or reorder what is shown.
const ODD: &str = "\u{fffd}";

/// How many lines of a paste are shown with the question about it.
const PASTED: usize = 5;

/// Draws the whole window while a terminal has the keys. The room for the terminal itself is
/// [`crate::tui::terminal_pane::room`], whatever else is to be said.
pub(super) fn draw(view: View<'_>, typing: &Typing, area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    let app = view.app;
    let width = usize::from(area.width);
    let mut rest = area;
    // A hold, or no connection, is seen whatever has the keys.
    let alarms = header::cut_off(view, width).into_iter().chain(header::held(view, width)).next();
    let title = alarms.unwrap_or_else(|| header::title(view, width));
    write_rows(&[title], cut_top(&mut rest, 1), buffer);
    edge(app, typing, cut_top(&mut rest, 1), buffer);
    let foot = cut_bottom(&mut rest, 1);
    let rule = cut_bottom(&mut rest, 1);
    draw_rule(rule, None, buffer);
    footer::notice(view, rule, buffer);
    if let Some(pane) = app.pane.as_ref().filter(|pane| pane.of == typing.of) {
        let cursor = cells(pane, rest, buffer);
        match typing.stand {
            Stand::Typing => seen.cursor = cursor,
            _ => mark_cursor(cursor, buffer),
        }
    }
    match &typing.stand {
        Stand::Typing => {
            let line = out_of_here(width);
            write_rows(&[line], foot, buffer);
            buffer.set_style(foot, style(Tone::Selected));
        }
        Stand::Pasting(text) => {
            pasting(text, rest, buffer);
            footer::draw(view, foot, buffer, seen);
        }
        Stand::Asking | Stand::Off(_) => footer::draw(view, foot, buffer, seen),
    }
}

/// The upper edge: where the keys go, in words, and a line that no other page has.
fn edge(app: &App, typing: &Typing, area: Rect, buffer: &mut Buffer) {
    let (line, tone, words) = match &typing.stand {
        Stand::Typing => ("━", Tone::Warn, "KEYS GO TO THE COMMAND".to_owned()),
        Stand::Asking => ("─", Tone::Quiet, "the keys go nowhere yet: asking for the terminal".to_owned()),
        Stand::Pasting(_) => ("─", Tone::Quiet, "a question before the paste".to_owned()),
        Stand::Off(why) => ("─", Tone::Quiet, format!("KEYS GO NOWHERE: {why}")),
    };
    for x in area.left()..area.right() {
        buffer[(x, area.y)].set_symbol(line).set_style(style(tone));
    }
    let width = usize::from(area.width).saturating_sub(4);
    let tone = if matches!(typing.stand, Stand::Typing | Stand::Off(_)) { Tone::Alarm } else { Tone::Strong };
    let words = fit_line(Line::from(say(format!(" {words} "), tone)), width);
    write_line(&words, Rect { x: area.x + 2, width: count(line_columns(&words)), ..area }, buffer);
    let name = plain(&step_name(&app.session, typing.step));
    let name = Line::from(say(format!(" {name} "), Tone::Strong));
    let room = width.saturating_sub(line_columns(&words) + 2);
    if room >= 12 {
        let name = fit_line(name, room);
        let taken = count(line_columns(&name));
        write_line(&name, Rect { x: area.right() - 2 - taken, width: taken, ..area }, buffer);
    }
}

fn out_of_here(width: usize) -> Line<'static> {
    let hold = keys::label(keys::HOLD_NOW[0]);
    let whole = format!(" keys go to the command · ^] back to onbelay, there {hold} holds");
    let more = "   ^] twice sends ^] ";
    let text = match width {
        0..=63 => format!(" ^] back to onbelay, there {hold} holds"),
        64..=81 => whole,
        _ => format!("{whole}{more}"),
    };
    let gap = width.saturating_sub(columns(&text));
    fit_line(Line::from(vec![Span::raw(text), Span::raw(" ".repeat(gap))]), width)
}

fn pasting(text: &str, area: Rect, buffer: &mut Buffer) {
    let lines: Vec<&str> = text.split(['\n', '\r']).filter(|line| !line.is_empty()).collect();
    let width = usize::from(area.width);
    let size = size_in_words(text.len() as u64);
    let question = match lines.len() {
        1 => format!("Paste one line with its end to the command? ({size})"),
        n => format!("Paste {n} lines to the command? ({size})"),
    };
    let mut rows: Vec<Line<'static>> =
        wrap(&question, width.saturating_sub(2)).into_iter().map(|row| say(row, Tone::Warn).into()).collect();
    let room = usize::from(area.height).saturating_sub(rows.len() + 3).min(PASTED);
    rows.extend(lines.iter().take(room).map(|line| {
        let start: String = line.chars().take(width).collect();
        fit_line(Line::from(say(format!("  {}", plain(&start)), Tone::Code)), width.saturating_sub(2))
    }));
    if lines.len() > room {
        rows.push(say(format!("  … {} more", lines.len() - room), Tone::Quiet).into());
    }
    rows.push(Line::from("y pastes it; Esc and Enter mean no"));
    let mut area = area;
    let mut box_area = cut_bottom(&mut area, count(rows.len() + 1));
    clear(box_area, buffer);
    draw_rule(cut_top(&mut box_area, 1), None, buffer);
    let inside = Rect { x: box_area.x + 1, width: box_area.width.saturating_sub(2), ..box_area };
    write_rows(&rows, inside, buffer);
}

/// Draws the terminal on the page of its output, for whoever looks on.
pub(super) fn on_page(view: View<'_>, area: Rect, stand: Rect, buffer: &mut Buffer) {
    let (Some(pane), Some(terminal)) = (&view.app.pane, shown(view.app)) else { return };
    let cursor = cells(pane, area, buffer);
    mark_cursor(cursor, buffer);
    let width = usize::from(stand.width);
    let left = Line::from(vec![Span::raw(" "), who(view.app, terminal)]);
    // Who types goes before how large it is.
    let room = width.saturating_sub(line_columns(&left) + 1);
    let right = fit_line(Line::from(say(how_much(pane, area), Tone::Quiet)), room);
    write_rows(&[between(left, right, width)], stand, buffer);
}

/// Draws the terminal below what is said about its step: while it is open, and how it stood in the end. Not where the
/// step has none.
pub(super) fn below(view: View<'_>, rule: Rect, area: Rect, buffer: &mut Buffer) -> bool {
    let app = view.app;
    let (Some(pane), Some(output)) = (&app.pane, &app.output) else { return false };
    if pane.of != output.of {
        return false;
    }
    let title = match shown(app) {
        Some(terminal) => who(app, terminal),
        None => say(
            format!("how its terminal stood in the end · {}: its output", keys::shown_for(Verb::Output)),
            Tone::Quiet,
        ),
    };
    let title = Line::from(vec![Span::raw(" "), title, Span::raw(" ")]);
    let title = fit_line(title, usize::from(rule.width).saturating_sub(2));
    write_line(&title, Rect { x: rule.x + 1, width: count(line_columns(&title)), ..rule }, buffer);
    let cursor = cells(pane, area, buffer);
    if shown(app).is_some() {
        mark_cursor(cursor, buffer);
    }
    true
}

/// Who types, and how one would.
fn who(app: &App, terminal: &Terminal) -> Span<'static> {
    let may = crate::tui::fit::fit(app, Verb::Terminal).is_yes();
    let key = keys::shown_for(Verb::Terminal);
    match &terminal.typist {
        Some(typist) if typist.same_account(&app.you) && may => {
            say(format!("terminal · you type: {key}"), Tone::Live)
        }
        Some(typist) => say(format!("terminal · {} types", plain(&typist.name)), Tone::Live),
        None if may => say(format!("terminal · nobody types yet: press {key} to type"), Tone::Warn),
        None => say("terminal · nobody types yet", Tone::Quiet),
    }
}

/// How large the terminal is, and what of it is not here.
fn how_much(pane: &Pane, area: Rect) -> String {
    let (columns, rows) = pane.size();
    let mut parts = vec![format!("{columns} × {rows}")];
    if rows > area.height {
        let top = top_row(pane, area.height);
        parts.push(format!("rows {} to {}", top + 1, top + area.height));
    }
    if columns > area.width {
        parts.push(format!("columns 1 to {}", area.width));
    }
    if pane.is_cut() {
        parts.push("older lines: PgUp".to_owned());
    }
    format!("{} ", parts.join(" · "))
}

/// The first row that is shown where there is not room for all: so that the cursor is seen.
fn top_row(pane: &Pane, height: u16) -> u16 {
    let (_, rows) = pane.size();
    let (cursor, _) = pane.screen().cursor_position();
    (cursor + 1).saturating_sub(height).min(rows.saturating_sub(height))
}

/// Draws as much of the terminal as fits; where the cursor stands, if it is there to be seen.
fn cells(pane: &Pane, area: Rect, buffer: &mut Buffer) -> Option<(u16, u16)> {
    let screen = pane.screen();
    let (columns, rows) = pane.size();
    let top = top_row(pane, area.height);
    let width = columns.min(area.width);
    for (y, row) in (area.top()..area.bottom()).zip(top..rows) {
        let mut column = 0;
        while column < width {
            let Some(cell) = screen.cell(row, column) else { break };
            let wide = cell.is_wide() && column + 1 < width;
            draw_cell(cell, wide, (area.x + column, y), buffer);
            column += if wide { 2 } else { 1 };
        }
        let is_more =
            |column| screen.cell(row, column).is_some_and(|cell| !cell.contents().trim().is_empty());
        if columns > width && width > 0 && (width - 1..columns).any(is_more) {
            let last = &mut buffer[(area.x + width - 1, y)];
            last.reset();
            last.set_symbol("…").set_style(style(Tone::Quiet));
        }
    }
    let (row, column) = screen.cursor_position();
    let inside = row >= top && row - top < area.height && area.width > 0;
    (inside && !screen.hide_cursor())
        .then(|| (area.x + column.min(width.saturating_sub(1)), area.y + row - top))
}

fn draw_cell(cell: &vt100::Cell, wide: bool, (x, y): (u16, u16), buffer: &mut Buffer) {
    let look = look(cell);
    let mut text = String::new();
    // What asks for a picture or for text only says how wide something is; that is the emulator's to know.
    text.extend(cell.contents().chars().filter(|c| !matches!(c, '\u{fe00}'..='\u{fe0f}')));
    let taken = columns(&text);
    let odd = plain(&text) != text || taken > if wide { 2 } else { 1 } || (taken == 0 && !text.is_empty());
    let target = &mut buffer[(x, y)];
    target.reset();
    target.set_style(look);
    if odd {
        target.set_symbol(ODD);
    } else if !text.is_empty() {
        target.set_symbol(&text);
    }
    if wide {
        let second = &mut buffer[(x + 1, y)];
        second.reset();
        second.set_style(look);
    }
}

/// The colours and marks that the command gave a cell.
fn look(cell: &vt100::Cell) -> Style {
    let color = |color| match color {
        vt100::Color::Default => Color::Reset,
        vt100::Color::Idx(index) => Color::Indexed(index),
        vt100::Color::Rgb(red, green, blue) => Color::Rgb(red, green, blue),
    };
    let mut look = Style::new().fg(color(cell.fgcolor())).bg(color(cell.bgcolor()));
    for (on, modifier) in [
        (cell.bold(), Modifier::BOLD),
        (cell.dim(), Modifier::DIM),
        (cell.italic(), Modifier::ITALIC),
        (cell.underline(), Modifier::UNDERLINED),
        (cell.inverse(), Modifier::REVERSED),
    ] {
        if on {
            look = look.add_modifier(modifier);
        }
    }
    look
}

/// Shows where the cursor stands to those who do not type: not as it looks where keys are taken.
fn mark_cursor(cursor: Option<(u16, u16)>, buffer: &mut Buffer) {
    if let Some(at) = cursor {
        let cell = &mut buffer[at];
        cell.modifier.toggle(Modifier::UNDERLINED);
    }
}
