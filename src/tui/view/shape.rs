//! Text into rows: cleaned, measured, wrapped, cut with a mark. PURE. It must not know what the text says.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthChar;

use crate::time::in_words;
use crate::tui::theme::{Tone, style};

/// More marks than this on one character are shown one by one: they would only hide what is under them.
const MOST_MARKS: usize = 3;

/// Columns that a character takes.
#[must_use]
pub fn width_of(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// Columns that a text takes.
#[must_use]
pub fn columns(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

/// Columns that a line takes.
#[must_use]
pub fn line_columns(line: &Line<'_>) -> usize {
    line.spans.iter().map(|span| columns(&span.content)).sum()
}

/// Outside text for one row: the one cleaning function, and no towers of marks.
#[must_use]
pub fn plain(text: &str) -> String {
    unstack(crate::text::clean(text))
}

/// Outside text that may have several lines.
#[must_use]
pub fn plain_lines(text: &str) -> Vec<String> {
    crate::text::clean_lines(text).split('\n').map(|line| unstack(Cow::Borrowed(line))).collect()
}

/// One line of a command's output: any bytes, tabs expanded.
#[must_use]
pub fn clean_output(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut out = String::with_capacity(line.len());
    let mut column = 0;
    for (i, part) in line.split(|byte| *byte == b'\t').enumerate() {
        if i > 0 {
            let fill = 8 - column % 8;
            out.extend(std::iter::repeat_n(' ', fill));
            column += fill;
        }
        let shown = crate::text::clean_bytes(part);
        column += columns(&shown);
        out.push_str(&shown);
    }
    unstack(Cow::Owned(out))
}

/// Text that was cleaned already, without towers of marks. (Cleaning twice would escape the marks themselves.)
#[must_use]
pub fn unstack(text: Cow<'_, str>) -> String {
    if text.is_ascii() {
        return text.into_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    for c in text.chars() {
        marks = if width_of(c) == 0 && c != '\n' { marks + 1 } else { 0 };
        if marks > MOST_MARKS {
            let _ = write!(out, "{{U+{:04X}}}", c as u32);
        } else {
            out.push(c);
        }
    }
    out
}

/// At most `width` columns of it; what is cut ends in `…`.
#[must_use]
pub fn fit(text: &str, width: usize) -> Cow<'_, str> {
    if text.len() <= width || columns(text) <= width {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        if used + width_of(c) + 1 > width {
            break;
        }
        used += width_of(c);
        out.push(c);
    }
    if width > 0 {
        out.push('…');
    }
    Cow::Owned(out)
}

/// As [`fit`], for a line of several styles.
#[must_use]
pub fn fit_line(line: Line<'static>, width: usize) -> Line<'static> {
    if line_columns(&line) <= width {
        return line;
    }
    let mut left = width;
    let mut spans = Vec::new();
    for span in line.spans {
        let here = columns(&span.content);
        if here < left {
            left -= here;
            spans.push(span);
            continue;
        }
        // One column more than there is room for, so that the mark is there even when the cut falls between spans.
        let cut = fit(&format!("{}  ", span.content), left).into_owned();
        spans.push(Span::styled(cut, span.style));
        break;
    }
    Line { spans, ..line }
}

/// A sentence in no more than `most` rows; what is cut ends in `…`.
#[must_use]
pub fn in_rows(text: &str, tone: Tone, width: usize, most: usize) -> Vec<Line<'static>> {
    // Of what is far too long no more is set than may be seen.
    let text = fit(text, width.saturating_mul(most));
    let mut rows = wrap(&text, width);
    if rows.len() > most {
        let rest = rows.split_off(most.saturating_sub(1)).join(" ");
        rows.push(fit(&rest, width).into_owned());
    }
    rows.truncate(most);
    rows.into_iter().map(|row| Line::from(say(row, tone))).collect()
}

/// Two lines at the two ends of one row; where there is no room for both, the left one is cut.
#[must_use]
pub fn between(left: Line<'static>, right: Line<'static>, width: usize) -> Line<'static> {
    let right = fit_line(right, width);
    let taken = line_columns(&right);
    let room = width.saturating_sub(taken + usize::from(taken > 0));
    let mut line = fit_line(left, room);
    let gap = width.saturating_sub(line_columns(&line) + taken);
    line.spans.push(Span::raw(" ".repeat(gap)));
    line.spans.extend(right.spans);
    line
}

/// How long something still serves, to the nearest minute: what was given 15 minutes ago this moment has 15 left.
#[must_use]
pub fn left_in_words(left: Duration) -> String {
    let whole = if left.as_secs() < 60 { left } else { left + Duration::from_secs(30) };
    in_words(whole)
}

/// Breaks a text at words into rows of at most `width` columns; a word that is too long is broken itself.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    wrap_spans(&[Span::raw(text)], width).into_iter().map(|line| line.to_string()).collect()
}

/// Breaks a text into rows of exactly `width` columns, wherever that falls.
#[must_use]
pub fn chop(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut rows = vec![String::new()];
    let mut used = 0;
    for c in text.chars() {
        if used + width_of(c) > width && used > 0 {
            rows.push(String::new());
            used = 0;
        }
        used += width_of(c);
        if let Some(row) = rows.last_mut() {
            row.push(c);
        }
    }
    rows
}

/// As [`wrap`], for text of several styles.
#[must_use]
pub fn wrap_spans(spans: &[Span<'_>], width: usize) -> Vec<Line<'static>> {
    let width = width.max(1);
    let cells: Vec<(char, Style)> =
        spans.iter().flat_map(|span| span.content.chars().map(|c| (c, span.style))).collect();
    let mut rows = Vec::new();
    let mut start = 0;
    loop {
        let mut used = 0;
        let mut end = start;
        while end < cells.len() && used + width_of(cells[end].0) <= width {
            used += width_of(cells[end].0);
            end += 1;
        }
        if end >= cells.len() {
            rows.push(joined(&cells[start..]));
            return rows;
        }
        let space = (start + 1..=end).rev().find(|at| cells[*at].0 == ' ');
        if let Some(at) = space {
            rows.push(joined(&cells[start..at]));
            start = at + 1;
        } else {
            end = end.max(start + 1);
            rows.push(joined(&cells[start..end]));
            start = end;
        }
    }
}

/// Puts `first` before the first row and as much room before every other.
#[must_use]
pub fn hang(first: Vec<Span<'static>>, rows: Vec<Line<'static>>) -> Vec<Line<'static>> {
    let indent: usize = first.iter().map(|span| columns(&span.content)).sum();
    let mut first = Some(first);
    rows.into_iter()
        .map(|row| {
            let mut spans = first.take().unwrap_or_else(|| vec![Span::raw(" ".repeat(indent))]);
            spans.extend(row.spans);
            Line::from(spans)
        })
        .collect()
}

fn joined(cells: &[(char, Style)]) -> Line<'static> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    for (c, style) in cells {
        match spans.last_mut() {
            Some(last) if last.style == *style => last.content.to_mut().push(*c),
            _ => spans.push(Span::styled(c.to_string(), *style)),
        }
    }
    Line::from(spans)
}

/// A span of our own words.
#[must_use]
pub fn say(text: impl Into<Cow<'static, str>>, tone: Tone) -> Span<'static> {
    Span::styled(text, style(tone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_whole_where_there_is_room() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("日本語", 3), ["日", "本", "語"]);
        assert_eq!(wrap("", 3), [""]);
    }

    #[test]
    fn what_is_cut_has_a_mark() {
        assert_eq!(fit("abcdef", 4), "abc…");
        assert_eq!(fit("abcd", 4), "abcd");
        assert_eq!(fit("日本語", 4), "日…");
        let line = Line::from(vec![Span::raw("abcd"), Span::raw("ef")]);
        assert_eq!(fit_line(line.clone(), 4).to_string(), "abc…");
        assert_eq!(fit_line(line.clone(), 5).to_string(), "abcd…");
        assert_eq!(fit_line(line, 6).to_string(), "abcdef");
        assert_eq!(between(Line::raw("left side"), Line::raw("right"), 12).to_string(), "left … right");
    }

    #[test]
    fn a_tower_of_marks_is_taken_apart() {
        let tower = format!("a{}", "\u{301}".repeat(10_000));
        assert_eq!(plain(&tower).matches("{U+0301}").count(), 10_000 - MOST_MARKS);
    }
}
