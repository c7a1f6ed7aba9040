//! The palette: what was typed, what fits it, and what the picked one does, or why it cannot be done now. PURE.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::fit::Fit;
use crate::tui::palette::{self, Palette, Pick};
use crate::tui::theme::Tone;

use super::popup::{frame, hit_rows, inner_width, write_field};
use super::shape::{fit_line, plain, say, wrap};
use super::{ARROWS, Seen, View, count, cut_bottom, cut_top, write_rows, write_scrolled};

/// Rows of the list, where there is room.
const ROWS: usize = 18;

/// Rows below the list for the whole sentence of the picked one.
const FOOT: usize = 2;

/// Draws the palette. Only the rows in sight are made.
pub(super) fn draw(view: View<'_>, list: &Palette, area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    let width = inner_width(area);
    let inner = frame("What can be done", ROWS + FOOT + 1, Tone::Plain, area, buffer);
    let mut rest = inner;
    write_field("find:  ", &list.field, cut_top(&mut rest, 1), buffer);
    let foot = cut_bottom(&mut rest, count(FOOT));
    let height = usize::from(rest.height);
    seen.popup_rows = list.found.len();
    seen.popup_height = height;
    let top = list.cursor.saturating_sub(height / 2).min(list.found.len().saturating_sub(height));
    let blank = Line::default();
    // The marks of what is out of sight count on the rows being there.
    let rows: Vec<Line<'static>> = (0..list.found.len())
        .map(|at| match list.found.get(at) {
            Some(pick) if (top..top + height).contains(&at) => row(view, *pick, width),
            _ => blank.clone(),
        })
        .collect();
    write_scrolled(&rows, top, ARROWS, rest, buffer);
    hit_rows(top, rows.len(), rest, seen);
    if let Some(pick) = list.found.get(list.cursor) {
        let line = Rect { y: rest.y + count(list.cursor - top), height: 1, ..rest };
        if rest.height > 0 {
            super::select_row(line, buffer);
        }
        says(view, list, *pick, foot, width, buffer);
    } else {
        let none = Line::from(say(" nothing is called like that", Tone::Bad));
        write_rows(&[fit_line(none, width)], rest, buffer);
        let foot_words = list.note.as_deref().unwrap_or("Bksp takes letters back, Esc closes this");
        let tone = if list.note.is_some() { Tone::Bad } else { Tone::Quiet };
        let rows: Vec<Line<'static>> =
            wrap(foot_words, width).into_iter().map(|row| Line::from(say(row, tone))).collect();
        write_rows(&rows, foot, buffer);
    }
}

fn row(view: View<'_>, pick: Pick, width: usize) -> Line<'static> {
    let (key, word, says) = palette::words(view.app, pick);
    let key = format!(" {key:<6}");
    let line = match palette::fits(view.app, pick) {
        Fit::Yes(_) => vec![say(key, Tone::Key), Span::raw(format!("{word:<14}")), say(says, Tone::Quiet)],
        no => vec![say(format!("{key}{word:<14}not now: {}", plain(no.why())), Tone::Quiet)],
    };
    fit_line(Line::from(line), width)
}

/// The picked one in full.
fn says(view: View<'_>, list: &Palette, pick: Pick, area: Rect, width: usize, buffer: &mut Buffer) {
    let fits = palette::fits(view.app, pick);
    let (text, tone) = match (&list.note, fits) {
        (Some(note), _) => (note.clone(), Tone::Bad),
        (None, Fit::Yes(_)) => (palette::words(view.app, pick).2, Tone::Plain),
        (None, no) => (format!("not now: {}", no.why()), Tone::Warn),
    };
    let all = wrap(&plain(&text), width);
    let more = all.len() > usize::from(area.height);
    let mut rows: Vec<String> = all.into_iter().take(usize::from(area.height)).collect();
    if let Some(last) = rows.last_mut().filter(|_| more) {
        last.push_str(" …");
    }
    let rows: Vec<Line<'static>> =
        rows.into_iter().map(|row| fit_line(Line::from(say(row, tone)), width)).collect();
    write_rows(&rows, area, buffer);
}
