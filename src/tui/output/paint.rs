//! A line of output as it is drawn: cleaned, in the command's colours, cut or wrapped, with what was found marked. PURE.

use std::borrow::Cow;
use std::ops::Range;

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::text::clean_each;
use crate::text::find::{Sgr, sgr};
use crate::tui::theme::{Tone, style};
use crate::tui::view::shape::width_of;

use super::sgr::Pen;

/// More marks than this on one character are shown one by one: they would only hide what is under them.
const MOST_MARKS: usize = 3;

/// A character as it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Glyph {
    c: char,
    style: Style,
    found: Found,
}

/// A row of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is drawn.
    pub line: Line<'static>,
    /// Does what was searched for stand in it?
    pub found: Found,
}

/// Does what was searched for stand here?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// No.
    #[default]
    No,
    /// Yes.
    Yes,
    /// Yes, and it is the place that was found last.
    Here,
}

/// Where in a line something was found, in its bytes.
pub(super) type Places = [(Range<usize>, Found)];

/// Cleans a line and gives it its colours. `states`: all that a line was overwritten with is shown, not only the last.
pub(super) fn paint(line: &[u8], pen: &mut Pen, places: &Places, states: bool) -> Vec<Glyph> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let skipped = if states { 0 } else { last_state(line) };
    pen.run(&line[..skipped]);
    let bare = Bare::new(&line[skipped..], pen);
    let mut glyphs = Vec::with_capacity(bare.bytes.len());
    if skipped > 0 {
        glyphs.extend("← ".chars().map(|c| Glyph { c, style: style(Tone::Quiet), found: Found::No }));
    }
    let (mut column, mut tower) = (0, 0);
    let mut at = 0;
    for part in bare.bytes.split(|byte| *byte == b'\t') {
        if at > 0 {
            let fill = 8 - column % 8;
            let place = bare.look(at - 1, skipped, places);
            glyphs.extend(std::iter::repeat_n(Glyph { c: ' ', ..place }, fill));
            column += fill;
            tower = 0;
        }
        clean_each(part, |place, shown| {
            let look = bare.look(at + place, skipped, places);
            for c in shown.chars() {
                tower = if width_of(c) == 0 { tower + 1 } else { 0 };
                if tower > MOST_MARKS {
                    let number = format!("{{U+{:04X}}}", c as u32);
                    column += number.len();
                    glyphs.extend(number.chars().map(|c| Glyph { c, ..look }));
                } else {
                    column += width_of(c);
                    glyphs.push(Glyph { c, ..look });
                }
            }
        });
        at += part.len() + 1;
    }
    glyphs
}

/// What stands in a line, clean, without colours and without marks of ours. `states`: as for [`paint`].
pub(super) fn words(line: &[u8], states: bool) -> String {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let skipped = if states { 0 } else { last_state(line) };
    paint(&line[skipped..], &mut Pen::default(), &[], true).iter().map(|glyph| glyph.c).collect()
}

/// Where the last state of a line begins that was written over and over; 0: it was written once.
fn last_state(line: &[u8]) -> usize {
    let end = line.iter().rposition(|byte| *byte != b'\r').map_or(0, |last| last + 1);
    memchr::memrchr(b'\r', &line[..end]).map_or(0, |at| at + 1)
}

/// A line without what sets colours.
struct Bare<'a> {
    bytes: Cow<'a, [u8]>,
    /// From these bytes on: the style, and how many bytes were left out before.
    changes: Vec<(usize, Style, usize)>,
}

impl<'a> Bare<'a> {
    fn new(line: &'a [u8], pen: &mut Pen) -> Self {
        let mut changes = vec![(0, pen.style(), 0)];
        let mut bytes = Vec::new();
        let mut copied = 0;
        for at in memchr::memchr_iter(0x1b, line) {
            if at < copied {
                continue;
            }
            if let Sgr::Whole(length) = sgr(&line[at..]) {
                bytes.extend_from_slice(&line[copied..at]);
                copied = at + length;
                pen.set(&line[at + 2..copied - 1]);
                changes.push((bytes.len(), pen.style(), copied - bytes.len()));
            }
        }
        if changes.len() == 1 {
            return Self { bytes: Cow::Borrowed(line), changes };
        }
        bytes.extend_from_slice(&line[copied..]);
        Self { bytes: Cow::Owned(bytes), changes }
    }

    /// How a byte looks; `skipped` bytes of the whole line are before the bare one.
    fn look(&self, at: usize, skipped: usize, places: &Places) -> Glyph {
        let change = self.changes.partition_point(|(from, ..)| *from <= at).saturating_sub(1);
        let (_, of_command, cut) = self.changes[change];
        let place = skipped + at + cut;
        let near = places.partition_point(|(range, _)| range.end <= place);
        let found = places.get(near).filter(|(range, _)| range.contains(&place));
        let found = found.map_or(Found::No, |(_, found)| *found);
        let style = match found {
            Found::No => of_command,
            Found::Yes => style(Tone::Selected),
            Found::Here => style(Tone::Selected).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        };
        Glyph { c: ' ', style, found }
    }
}

/// Columns that a line takes.
pub(super) fn columns(glyphs: &[Glyph]) -> usize {
    glyphs.iter().map(|glyph| width_of(glyph.c)).sum()
}

/// The column at which the place that was found last begins.
pub(super) fn column_of_found(glyphs: &[Glyph]) -> Option<usize> {
    let at = glyphs.iter().position(|glyph| glyph.found == Found::Here)?;
    Some(columns(&glyphs[..at]))
}

/// Breaks a line into rows of `width` columns, wherever that falls.
pub(super) fn chop(glyphs: &[Glyph], width: usize) -> Vec<Row> {
    let width = width.max(1);
    let mut rows = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (at, glyph) in glyphs.iter().enumerate() {
        let here = width_of(glyph.c);
        if used + here > width && used > 0 {
            rows.push(row(glyphs[start..at].iter().copied()));
            (start, used) = (at, 0);
        }
        used += here;
    }
    rows.push(row(glyphs[start..].iter().copied()));
    rows
}

/// As many rows as [`chop`] makes.
pub(super) fn chopped(glyphs: &[Glyph], width: usize) -> usize {
    let width = width.max(1);
    let (mut rows, mut used) = (1, 0);
    for glyph in glyphs {
        let here = width_of(glyph.c);
        if used + here > width && used > 0 {
            rows += 1;
            used = 0;
        }
        used += here;
    }
    rows
}

/// The `width` columns of a line from column `left` on; where something is cut, on either side, stands `…`.
pub(super) fn cut(glyphs: &[Glyph], left: usize, width: usize) -> Row {
    let all = columns(glyphs);
    if width == 0 || left == 0 && all <= width {
        return row(glyphs.iter().copied());
    }
    let cut = Glyph { c: '…', style: style(Tone::Quiet), found: Found::No };
    // What is cut off may hold what was found: its row is marked all the same.
    let found = glyphs.iter().map(|glyph| glyph.found).max().unwrap_or_default();
    let (first, last) = (left + usize::from(left > 0), left + width - usize::from(all > left + width));
    let mut shown = Vec::new();
    let mut column = 0;
    if left > 0 && all > 0 {
        shown.push(cut);
    }
    for glyph in glyphs {
        let here = width_of(glyph.c);
        if column >= first && column + here <= last {
            shown.push(*glyph);
        } else if column < last && column + here > first {
            // Half of a wide character.
            let half = (column + here).min(last) - column.max(first);
            shown.extend(std::iter::repeat_n(Glyph { c: ' ', ..*glyph }, half));
        }
        column += here;
    }
    if all > left + width {
        shown.push(cut);
    }
    Row { found, ..row(shown.into_iter()) }
}

fn row(glyphs: impl Iterator<Item = Glyph>) -> Row {
    let mut found = Found::No;
    let mut spans: Vec<Span<'static>> = Vec::new();
    for glyph in glyphs {
        found = found.max(glyph.found);
        match spans.last_mut() {
            Some(last) if last.style == glyph.style => last.content.to_mut().push(glyph.c),
            _ => spans.push(Span::styled(glyph.c.to_string(), glyph.style)),
        }
    }
    Row { line: Line::from(spans), found }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::style::Color;

    use super::*;
    use crate::tui::view::shape::clean_output;

    fn text(glyphs: &[Glyph]) -> String {
        glyphs.iter().map(|glyph| glyph.c).collect()
    }

    fn plain(line: &[u8]) -> Vec<Glyph> {
        paint(line, &mut Pen::default(), &[], false)
    }

    #[test]
    fn colours_become_styles_and_all_else_is_seen() {
        let line = b"\x1b[31mred\x1b[0m \x1b[2Jplain\x1b[38;5;208m\ttab";
        let glyphs = plain(line);
        assert_eq!(text(&glyphs), "red ␛[2Jplain   tab", "columns count without the sequences");
        assert_eq!(glyphs[0].style.fg, Some(Color::Indexed(1)));
        assert_eq!(glyphs[3].style, Style::new());
        assert_eq!(glyphs.last().unwrap().style.fg, Some(Color::Indexed(208)));
        let mut pen = Pen::default();
        paint(b"\x1b[1;31mso it begins", &mut pen, &[], false);
        assert_eq!(paint(b"on", &mut pen, &[], false)[0].style.fg, Some(Color::Indexed(1)));
    }

    #[test]
    fn of_a_line_that_was_written_over_the_last_state_is_shown_with_a_mark() {
        assert_eq!(text(&plain(b" 10 %\r 50 %\r100 %\r")), "← 100 %");
        assert_eq!(text(&plain(b"one line\r")), "one line");
        let all = paint(b"10 %\r100 %", &mut Pen::default(), &[], true);
        assert_eq!(text(&all), "10 %␍100 %", "wrapped, nothing is left out");
        let red = paint(b"\x1b[31m10 %\r100 %", &mut Pen::default(), &[], false);
        assert_eq!(red.last().unwrap().style.fg, Some(Color::Indexed(1)));
    }

    #[test]
    fn what_is_cut_has_a_mark_on_its_side() {
        let glyphs = plain(b"0123456789");
        let at = |left, width| cut(&glyphs, left, width).line.to_string();
        assert_eq!(at(0, 10), "0123456789");
        assert_eq!(at(0, 5), "0123…");
        assert_eq!(at(3, 5), "…456…");
        assert_eq!(at(5, 5), "…6789");
        assert_eq!(at(50, 5), "…");
        let wide = plain("日本語".as_bytes());
        assert_eq!(cut(&wide, 0, 4).line.to_string(), "日 …");
        assert_eq!(cut(&wide, 1, 5).line.to_string(), "…本語");
    }

    #[test]
    fn what_was_found_is_marked_through_its_colours() {
        let line = b"a \x1b[31mfo\x1b[1mund\x1b[0m b";
        let found = crate::text::find::Needle::new("found", true).unwrap().first(line).unwrap();
        let glyphs = paint(line, &mut Pen::default(), &[(found, Found::Here)], false);
        let marked: String = glyphs.iter().filter(|g| g.found == Found::Here).map(|g| g.c).collect();
        assert_eq!(marked, "found");
        assert_eq!(column_of_found(&glyphs), Some(2));
        assert_eq!(chop(&glyphs, 3)[1].found, Found::Here);
        assert_eq!(cut(&glyphs, 0, 2).found, Found::Here, "beyond the edge, too");
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(vec![
            &b"\x1b[31m"[..],
            b"\x1b[",
            b"\x1b",
            b"m",
            b"38;2;1;2;3m",
            b"0",
            b";",
            b":",
            b"\t",
            b"\r",
            b"\x9b",
            b"\xff",
            b"{U+",
            b"202E}",
            b"\\x41",
            "é".as_bytes(),
            "\u{202e}".as_bytes(),
            "\u{301}".as_bytes(),
            "日".as_bytes(),
            b"a",
            b"\x1b[8m",
            b"\x1b]52;c;cm0=\x07",
            b"\x1b[2J",
            b"\x00",
            b"\x7f",
        ]);
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn u1_no_bytes_become_a_control_character_and_no_text_is_lost(
            line in bytes(), noise in prop::collection::vec(any::<u8>(), 0..40), width in 1_usize..12, left in 0_usize..12,
        ) {
            for line in [line, noise] {
                let mut pen = Pen::default();
                let glyphs = paint(&line, &mut pen, &[], true);
                for glyph in &glyphs {
                    let reorders = matches!(glyph.c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
                    prop_assert!(!reorders && !glyph.c.is_control(), "{:?}", glyph);
                    prop_assert!(glyph.style.fg.is_none() || glyph.style.fg != glyph.style.bg);
                    prop_assert!(!glyph.style.add_modifier.contains(Modifier::HIDDEN));
                }
                // Without the sequences it is what the one cleaning makes of it.
                let line = line.strip_suffix(b"\r").unwrap_or(&line);
                let bare = Bare::new(line, &mut Pen::default());
                let mut guarded = bare.bytes.to_vec();
                guarded.push(b'.');
                prop_assert_eq!(format!("{}.", text(&glyphs)), clean_output(&guarded));
                let chopped_rows = chop(&glyphs, width);
                prop_assert_eq!(chopped_rows.len(), chopped(&glyphs, width));
                let joined: String = chopped_rows.iter().map(|row| row.line.to_string()).collect();
                prop_assert_eq!(joined, text(&glyphs));
                let cut = cut(&glyphs, left, width).line.to_string();
                prop_assert!(crate::tui::view::shape::columns(&cut) <= width.max(2));
            }
        }
    }
}
