//! A table of a text: columns as wide as what is in them, wrapped where the window is narrower; and where not even that
//! gives columns that can be read, each row as a list of its cells. PURE.

use pulldown_cmark::Alignment;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::tui::theme::Tone;

use super::super::shape::{columns, hang, line_columns, say, wrap_spans};

/// A column is not made narrower than this, unless all that is in it is.
const NARROWEST: usize = 8;

/// Between two columns.
const BAR: &str = " │ ";

type Cell = Vec<Span<'static>>;

/// A table, as its cells come.
pub(super) struct Table {
    alignments: Vec<Alignment>,
    /// The first row is the header.
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(super) fn new(alignments: Vec<Alignment>) -> Self {
        Self { alignments, rows: vec![Vec::new()] }
    }

    /// A row begins.
    pub(super) fn row(&mut self) {
        self.rows.push(Vec::new());
    }

    /// A cell of the row at hand.
    pub(super) fn cell(&mut self, spans: Cell) {
        if let Some(row) = self.rows.last_mut() {
            row.push(spans);
        }
    }

    /// The table in rows of at most `room` columns.
    pub(super) fn rows(&self, room: usize) -> Vec<Line<'static>> {
        match self.widths(room) {
            Some(widths) => self.side_by_side(&widths),
            None => self.stacked(room),
        }
    }

    /// How wide each column is; `None`: there is no room for columns.
    fn widths(&self, room: usize) -> Option<Vec<usize>> {
        let mut widths: Vec<usize> = (0..self.alignments.len())
            .map(|at| self.rows.iter().filter_map(|row| row.get(at)).map(wide).max().unwrap_or(0).max(1))
            .collect();
        let room = room.checked_sub(columns(BAR) * widths.len().saturating_sub(1))?;
        let least: usize = widths.iter().map(|width| (*width).min(NARROWEST)).sum();
        if least > room {
            return None;
        }
        // The widest gives way, down to where it is no wider than the next one, until all have room.
        loop {
            let all: usize = widths.iter().sum();
            let Some(over) = all.checked_sub(room).filter(|over| *over > 0) else { return Some(widths) };
            let widest = widths.iter().copied().max()?;
            let next =
                widths.iter().copied().filter(|width| *width < widest).max().unwrap_or(0).max(NARROWEST);
            let as_wide = widths.iter().filter(|width| **width == widest).count();
            let give = over.div_ceil(as_wide).min(widest - next).max(1);
            let mut over = over;
            for width in widths.iter_mut().filter(|width| **width == widest) {
                let here = give.min(over);
                *width -= here;
                over -= here;
            }
        }
    }

    fn side_by_side(&self, widths: &[usize]) -> Vec<Line<'static>> {
        let mut out = Vec::new();
        for (n, row) in self.rows.iter().enumerate() {
            let cells: Vec<Vec<Line<'static>>> = widths
                .iter()
                .enumerate()
                .map(|(at, width)| row.get(at).map(|cell| wrap_spans(cell, *width)).unwrap_or_default())
                .collect();
            let height = cells.iter().map(Vec::len).max().unwrap_or(0);
            for y in 0..height {
                let mut spans = Vec::new();
                for (at, (cell, width)) in cells.iter().zip(widths).enumerate() {
                    if at > 0 {
                        spans.push(say(BAR, Tone::Quiet));
                    }
                    let last = at + 1 == widths.len();
                    spans.extend(aligned(cell.get(y), *width, self.alignments[at], last));
                }
                out.push(Line::from(spans));
            }
            if n == 0 {
                let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
                out.push(Line::from(say(rule.join("─┼─"), Tone::Quiet)));
            }
        }
        out
    }

    /// One cell below the other, each behind the title of its column.
    fn stacked(&self, room: usize) -> Vec<Line<'static>> {
        let mut out = Vec::new();
        let Some((head, body)) = self.rows.split_first() else { return out };
        for row in if body.is_empty() { std::slice::from_ref(head) } else { body } {
            if !out.is_empty() {
                out.push(Line::from(say("─".repeat(room.min(NARROWEST)), Tone::Quiet)));
            }
            for (at, cell) in row.iter().enumerate() {
                let mut spans =
                    if body.is_empty() { Vec::new() } else { head.get(at).cloned().unwrap_or_default() };
                if !spans.is_empty() {
                    spans.push(say(": ", Tone::Quiet));
                }
                spans.extend(cell.iter().cloned());
                // What goes on in the next row is set in, where there is room for that.
                let indent = if at == 0 || room < 12 { 0 } else { 2 };
                let rows = wrap_spans(&spans, room - indent);
                out.extend(hang(vec![Span::raw(" ".repeat(indent))], rows));
            }
        }
        out
    }
}

fn wide(cell: &Cell) -> usize {
    cell.iter().map(|span| columns(&span.content)).sum()
}

/// A row of a cell in its column; nothing is written behind what stands at the left of the last one.
fn aligned(
    row: Option<&Line<'static>>,
    width: usize,
    alignment: Alignment,
    last: bool,
) -> Vec<Span<'static>> {
    let spans = row.map(|row| row.spans.clone()).unwrap_or_default();
    let gap = width.saturating_sub(row.map_or(0, line_columns));
    let before = match alignment {
        Alignment::None | Alignment::Left => 0,
        Alignment::Center => gap / 2,
        Alignment::Right => gap,
    };
    let after = if last { 0 } else { gap - before };
    let air = |columns: usize| (columns > 0).then(|| Span::styled(" ".repeat(columns), Style::new()));
    air(before).into_iter().chain(spans).chain(air(after)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::rows;

    const TABLE: &str = "| id | what it is | size |\n|:--|:-:|--:|\n| eu | the old one, in Frankfurt | 4 |\n| us-west | new | 12,000 |";

    fn check(text: &str, width: usize, expected: &[&str]) {
        let shown: Vec<String> = rows(text, width).iter().map(ToString::to_string).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        check(
            TABLE,
            60,
            &[
                "id      │        what it is         │   size",
                "────────┼───────────────────────────┼───────",
                "eu      │ the old one, in Frankfurt │      4",
                "us-west │            new            │ 12,000",
            ],
        );
    }

    #[test]
    fn where_there_is_less_room_cells_are_wrapped() {
        check(
            TABLE,
            32,
            &[
                "id      │  what it is   │   size",
                "────────┼───────────────┼───────",
                "eu      │ the old one,  │      4",
                "        │ in Frankfurt  │       ",
                "us-west │      new      │ 12,000",
            ],
        );
    }

    #[test]
    fn where_there_is_none_for_columns_each_row_is_a_list() {
        check(
            TABLE,
            20,
            &[
                "id: eu",
                "  what it is: the",
                "  old one, in",
                "  Frankfurt",
                "  size: 4",
                "────────",
                "id: us-west",
                "  what it is: new",
                "  size: 12,000",
            ],
        );
    }
}
