//! Which lines of a file are in the window, and moving it: up, down, sideways, to a place. PURE.

use std::ops::Range;

use crate::text::find::{LONGEST_SGR, Needle, Sgr, sgr};

use super::paint::{self, Found, Glyph, Row};
use super::sgr::Pen;
use super::{Output, Seek};

/// Around every so many bytes a line is broken that has as many on both sides: a gigabyte without a line end is still a
/// file that can be read. Places in the file decide, so that lines are the same whatever part of it is loaded.
const LONGEST: usize = 1024;

/// A line that is written over and over is broken where one of its states begins, if one does this close, bytes.
const STATE: usize = 256;

/// How far before the window it is looked for the colours that the command set, bytes.
const LOOK_BACK: usize = 16 << 10;

/// What is looked for in the rows that are drawn.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// The text.
    pub needle: &'a Needle,
    /// Where it was found last, bytes.
    pub at: Option<u64>,
}

impl Output {
    /// The lines shown in a window of this size, as clean text, one a row; a row that was cut ends in `…`.
    #[must_use]
    pub fn rows(&self, width: usize, height: usize) -> Vec<String> {
        self.painted(width, height, None).into_iter().map(|row| row.line.to_string()).collect()
    }

    /// The rows of a window of this size, in the colours of the command, with what was found marked.
    #[must_use]
    pub fn painted(&self, width: usize, height: usize, sought: Option<Sought<'_>>) -> Vec<Row> {
        if width == 0 || height == 0 {
            return Vec::new();
        }
        let Some((lines, skip)) = self.lines_shown(width, height) else {
            return vec![Row { line: "reading …".into(), found: Found::No }];
        };
        let Some(first) = lines.first() else { return Vec::new() };
        let mut pen = self.pen_at(first.start);
        let mut rows = Vec::new();
        for line in lines {
            let glyphs = self.glyphs(&line, &mut pen, sought);
            if self.wrap {
                rows.extend(paint::chop(&glyphs, width));
            } else {
                rows.push(paint::cut(&glyphs, self.left, width));
            }
        }
        rows.drain(..skip.min(rows.len()));
        rows.truncate(height);
        rows
    }

    /// The lines in a window of this size as the command wrote them, clean: whole, without our marks and breaks.
    #[must_use]
    pub fn lines_in(&self, width: usize, height: usize) -> Vec<String> {
        let lines = self.lines_shown(width.max(1), height).map_or_else(Vec::new, |(lines, _)| lines);
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Vec::new() };
        let bytes = self.line_bytes(&(first.start..last.end));
        bytes.split(|byte| *byte == b'\n').map(|line| paint::words(line, self.wrap)).collect()
    }

    /// The lines of which something is in the window, and how many rows of the first are not. `None`: not loaded.
    fn lines_shown(&self, width: usize, height: usize) -> Option<(Vec<Range<usize>>, usize)> {
        let mut lines = Vec::new();
        let mut rows = 0;
        if self.follow {
            for line in self.lines_before(self.bytes.len()) {
                rows += self.height_of(&line, width);
                lines.push(line);
                if rows >= height {
                    break;
                }
            }
            lines.reverse();
            return Some((lines, rows.saturating_sub(height)));
        }
        let start = self.index(self.top)?;
        for line in self.lines_after(start) {
            rows += self.height_of(&line, width);
            lines.push(line);
            if rows >= height + self.top_row {
                break;
            }
        }
        Some((lines, self.top_row))
    }

    /// Moves by this many rows of a window; up is negative. Stops following when it goes up.
    pub fn scroll(&mut self, by: isize, width: usize, height: usize) {
        if self.follow {
            if by >= 0 {
                return;
            }
            self.unfollow(width, height);
        }
        self.seek = None;
        for _ in 0..by.unsigned_abs() {
            let moved = if by < 0 { self.row_up(width) } else { self.row_down(width) };
            if !moved {
                break;
            }
        }
        if by > 0 && self.shows_end(width, height) {
            self.follow = true;
        }
    }

    /// Shows what is so many columns to the right, where lines are cut; left is negative.
    pub fn sideways(&mut self, by: isize, width: usize, height: usize) {
        if self.wrap {
            return;
        }
        let lines = self.lines_shown(width.max(1), height).map_or_else(Vec::new, |(lines, _)| lines);
        let widest =
            lines.iter().map(|line| paint::columns(&self.glyphs(line, &mut Pen::default(), None))).max();
        let most = widest.unwrap_or(0).saturating_sub(width);
        self.left = if by < 0 {
            self.left.saturating_add_signed(by)
        } else {
            (self.left + by.unsigned_abs()).min(most.max(self.left))
        };
    }

    /// Stays where it is while the file grows.
    pub fn unfollow(&mut self, width: usize, height: usize) {
        if !self.follow {
            return;
        }
        let shown = self.lines_shown(width.max(1), height);
        let (lines, skip) = shown.unwrap_or_default();
        self.follow = false;
        self.top = self.from + lines.first().map_or(self.bytes.len(), |line| line.start) as u64;
        self.top_row = skip;
    }

    /// To the first byte.
    pub fn to_start(&mut self) {
        self.go_to(0);
    }

    /// To the line that holds this byte.
    pub fn go_to(&mut self, byte: u64) {
        self.follow = false;
        self.seek = None;
        (self.top, self.top_row) = (byte.min(self.total), 0);
        match self.line_at(self.top) {
            Some(line) => self.top = self.from + line.start as u64,
            None if self.top > 0 => self.seek = Some(Seek { byte, found: None, size: (0, 0) }),
            None => {}
        }
    }

    /// To the end, following it.
    pub fn to_end(&mut self) {
        self.follow = true;
        self.seek = None;
    }

    /// Where in the file the first row of a window begins, bytes; `None`: its end is followed. Of a wrapped line it is
    /// about there: as far into its bytes as the row is into its rows.
    #[must_use]
    pub fn top_byte(&self, width: usize) -> Option<u64> {
        if self.follow {
            return None;
        }
        let line = self.index(self.top).filter(|_| self.top_row > 0 && width > 0);
        let Some(line) = line.and_then(|start| self.lines_after(start).next()) else {
            return Some(self.top);
        };
        let rows = self.height_of(&line, width).max(1);
        Some(self.top + (self.top_row * line.len()).div_ceil(rows) as u64)
    }

    /// The bytes of which something is in a window of this size.
    #[must_use]
    pub fn bytes_shown(&self, width: usize, height: usize) -> Range<u64> {
        let lines = self.lines_shown(width.max(1), height).map_or_else(Vec::new, |(lines, _)| lines);
        let place = |at: usize| self.from + at as u64;
        match (lines.first(), lines.last()) {
            (Some(first), Some(last)) => place(first.start)..place(last.end),
            // What is to be shown there is on its way.
            _ => self.top..self.top.saturating_add(1),
        }
    }

    /// Shows this byte in its first row, as near as whole rows of this width allow; stays there while the file grows.
    pub fn show(&mut self, byte: u64, width: usize) {
        self.follow = false;
        (self.top, self.top_row) = (byte, 0);
        let Some(line) = self.line_at(byte) else { return };
        let at = self.index(byte).unwrap_or(line.start);
        self.top = self.from + line.start as u64;
        let rows = if width == 0 { 1 } else { self.height_of(&line, width) };
        self.top_row = ((at - line.start) * rows / line.len().max(1)).min(rows.saturating_sub(1));
    }

    /// Shows this byte somewhere in a window of this size: where it is, if it is in it, else in its upper third. What is
    /// not loaded yet is shown when it is.
    pub fn reveal(&mut self, byte: u64, needle: &Needle, width: usize, height: usize) {
        let shown = self.bytes_shown(width, height);
        if shown.contains(&byte) && self.line_at(byte).is_some() {
            self.unfollow(width, height);
            self.seek = None;
        } else {
            // It was found there: the file is that long by now.
            self.grew(byte.saturating_add(1));
            self.bring(byte, needle, width, height);
        }
        if self.seek.is_none() {
            self.reveal_column(byte, needle, width);
        }
    }

    /// Shows this byte in the upper third of the window, as soon as it is here.
    pub(super) fn bring(&mut self, byte: u64, needle: &Needle, width: usize, height: usize) {
        self.show(byte, width);
        if self.line_at(byte).is_none() {
            self.seek = Some(Seek { byte, found: Some(needle.clone()), size: (width, height) });
            return;
        }
        self.seek = None;
        for _ in 0..height / 3 {
            if !self.row_up(width) {
                break;
            }
        }
        self.reveal_column(byte, needle, width);
    }

    /// Moves sideways until the place that was found at this byte is in the window.
    fn reveal_column(&mut self, byte: u64, needle: &Needle, width: usize) {
        if self.wrap {
            return;
        }
        let Some(line) = self.line_at(byte) else { return };
        let sought = Sought { needle, at: Some(byte) };
        let glyphs = self.glyphs(&line, &mut Pen::default(), Some(sought));
        let Some(column) = paint::column_of_found(&glyphs) else { return };
        if column < self.left + usize::from(self.left > 0) || column + 2 > self.left + width {
            self.left = if column + 2 > width { column.saturating_sub(width / 3) } else { 0 };
        }
    }

    fn shows_end(&self, width: usize, height: usize) -> bool {
        if self.from + (self.bytes.len() as u64) < self.total {
            return false;
        }
        let Some(start) = self.index(self.top) else {
            return false;
        };
        let rows: usize =
            self.lines_after(start).take(height + 1).map(|line| self.height_of(&line, width)).sum();
        rows.saturating_sub(self.top_row) <= height
    }

    fn row_up(&mut self, width: usize) -> bool {
        if self.top_row > 0 {
            self.top_row -= 1;
            return true;
        }
        let Some(line) = self.index(self.top).and_then(|start| self.lines_before(start).next()) else {
            return false;
        };
        self.top_row = self.height_of(&line, width).saturating_sub(1);
        self.top = self.from + line.start as u64;
        true
    }

    fn row_down(&mut self, width: usize) -> bool {
        let Some(start) = self.index(self.top) else {
            return false;
        };
        let mut lines = self.lines_after(start).take(2).collect::<Vec<_>>().into_iter();
        let Some(line) = lines.next() else {
            return false;
        };
        if self.top_row + 1 < self.height_of(&line, width) {
            self.top_row += 1;
            return true;
        }
        let Some(next) = lines.next() else {
            return false;
        };
        self.top = self.from + next.start as u64;
        self.top_row = 0;
        true
    }

    /// Where a place of the file is in `bytes`; `None` where it is not loaded.
    fn index(&self, place: u64) -> Option<usize> {
        let index = usize::try_from(place.checked_sub(self.from)?).ok()?;
        (index <= self.bytes.len()).then_some(index)
    }

    /// The line that holds this byte, if it is loaded.
    fn line_at(&self, byte: u64) -> Option<Range<usize>> {
        let at = self.index(byte).filter(|at| *at < self.bytes.len())?;
        let near = at.saturating_sub(4 * LONGEST);
        let begin = memchr::memrchr(b'\n', &self.bytes[near..at]).map_or(near, |end| near + end + 1);
        self.lines_after(begin).find(|line| line.end >= at)
    }

    /// Where a line is broken around byte `at` of `bytes`, if it is.
    fn break_at(&self, at: usize) -> Option<usize> {
        if at == 0 || at + LONGEST > self.bytes.len() || self.from == 0 && at < LONGEST {
            return None;
        }
        let around = &self.bytes[at.saturating_sub(LONGEST)..at + LONGEST];
        if memchr::memchr(b'\n', around).is_some() {
            return None;
        }
        let near = at.saturating_sub(STATE);
        if let Some(state) = memchr::memrchr(b'\r', &self.bytes[near..at]) {
            return Some(near + state + 1);
        }
        // Neither a character nor a sequence is broken.
        let mut place = at;
        while place > 0 && at - place < 3 && self.bytes[place] & 0xc0 == 0x80 {
            place -= 1;
        }
        if self.bytes[place] & 0xc0 == 0x80 {
            place = at;
        }
        let near = at.saturating_sub(LONGEST_SGR);
        let begun = memchr::memrchr(0x1b, &self.bytes[near..at]).map(|esc| near + esc);
        match begun.map(|esc| (esc, sgr(&self.bytes[esc..]))) {
            Some((esc, Sgr::Whole(length))) if esc + length > place => Some(esc),
            _ => Some(place),
        }
    }

    /// The place of `bytes` around which a line may be broken that is the first after `at`.
    fn next_around(&self, at: usize) -> usize {
        let place = self.from + at as u64;
        let longest = LONGEST as u64;
        at + usize::try_from(longest - place % longest).unwrap_or(LONGEST)
    }

    /// The lines that end before `end`, the last first, without their line ends.
    fn lines_before(&self, end: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        let mut end = end;
        std::iter::from_fn(move || {
            if end == 0 {
                return None;
            }
            // The line end right before belongs to the line before; at the file's end there may be none.
            let stop = if self.bytes[end - 1] == b'\n' { end - 1 } else { end };
            let near = stop.saturating_sub(4 * LONGEST);
            let begin = memchr::memrchr(b'\n', &self.bytes[near..stop]).map_or(near, |at| near + at + 1);
            let mut around = self.next_around(stop + STATE).saturating_sub(LONGEST);
            let mut start = begin;
            while around > begin {
                if let Some(place) = self.break_at(around).filter(|place| *place < stop && *place > begin) {
                    start = place;
                    break;
                }
                around = around.saturating_sub(LONGEST);
            }
            end = start;
            Some(start..stop)
        })
    }

    /// The lines from `start` on, without their line ends.
    fn lines_after(&self, start: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        let mut start = start;
        std::iter::from_fn(move || {
            if start >= self.bytes.len() {
                return None;
            }
            let limit = self.bytes.len().min(start + 3 * LONGEST);
            let end = memchr::memchr(b'\n', &self.bytes[start..limit]).map(|at| start + at);
            let mut around = self.next_around(start);
            let mut broken = None;
            while around < end.unwrap_or(limit) && broken.is_none() {
                broken = self.break_at(around).filter(|place| *place > start);
                around += LONGEST;
            }
            let (stop, next) = match (broken, end) {
                (Some(place), _) => (place, place),
                (None, Some(end)) => (end, end + 1),
                (None, None) => (limit, limit),
            };
            let line = start..stop;
            start = next;
            Some(line)
        })
    }

    /// The bytes of a line; of one that goes on where nothing is loaded, without a sequence that has only begun.
    fn line_bytes(&self, line: &Range<usize>) -> &[u8] {
        let bytes = &self.bytes[line.clone()];
        let goes_on = line.end == self.bytes.len() && self.from + (line.end as u64) < self.total;
        let begun = memchr::memrchr(0x1b, bytes).filter(|at| goes_on && sgr(&bytes[*at..]) == Sgr::Begun);
        &bytes[..begun.unwrap_or(bytes.len())]
    }

    /// How the command writes at a place, as far as what is loaded before it tells.
    fn pen_at(&self, start: usize) -> Pen {
        let mut pen = Pen::default();
        pen.run(&self.bytes[start.saturating_sub(LOOK_BACK)..start]);
        pen
    }

    fn glyphs(&self, line: &Range<usize>, pen: &mut Pen, sought: Option<Sought<'_>>) -> Vec<Glyph> {
        let places = sought.map_or_else(Vec::new, |sought| self.places(line, sought));
        paint::paint(self.line_bytes(line), pen, &places, self.wrap)
    }

    /// Where in a line something was found; it may have begun in the piece before, where the line is broken.
    fn places(&self, line: &Range<usize>, sought: Sought<'_>) -> Vec<(Range<usize>, Found)> {
        let before = &self.bytes[..line.start];
        let begin = if before.last().is_none_or(|last| *last == b'\n') {
            line.start
        } else {
            let near = sought.needle.back(before);
            memchr::memrchr(b'\n', &before[near..]).map_or(near, |at| near + at + 1)
        };
        let after = &self.bytes[line.end..];
        let end = if after.first().is_none_or(|first| *first == b'\n') {
            line.end
        } else {
            let far = sought.needle.ahead(after);
            line.end + memchr::memchr(b'\n', &after[..far]).unwrap_or(far)
        };
        let text = &self.bytes[begin..end];
        let mut places = sought.needle.all(text);
        // The place that was found last may lie over another: it is the one that counts.
        let here = sought.at.and_then(|at| self.index(at)).and_then(|at| at.checked_sub(begin));
        let here = here.filter(|at| *at < text.len()).and_then(|at| {
            let place = sought.needle.first(&text[at..]).filter(|place| place.start == 0)?;
            Some(at..at + place.end)
        });
        if let Some(here) = &here {
            places.retain(|place| place.end <= here.start || place.start >= here.end);
            let at = places.partition_point(|place| place.start < here.start);
            places.insert(at, here.clone());
        }
        places
            .into_iter()
            .map(|place| {
                let found = if here.as_ref() == Some(&place) { Found::Here } else { Found::Yes };
                (begin + place.start..begin + place.end, found)
            })
            .filter(|(place, _)| place.start < line.end && place.end > line.start)
            .map(|(place, found)| {
                (place.start.saturating_sub(line.start)..place.end.min(line.end) - line.start, found)
            })
            .collect()
    }

    /// Rows that a line takes.
    fn height_of(&self, line: &Range<usize>, width: usize) -> usize {
        if !self.wrap {
            return 1;
        }
        let bytes = self.line_bytes(line);
        if bytes.len() <= width && bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            return 1;
        }
        paint::chopped(&paint::paint(bytes, &mut Pen::default(), &[], true), width)
    }
}
