//! A window into a command's output, which may be larger than any memory: a few hundred kilobytes around what is
//! looked at, and where in the file they are. PURE; parts are asked for by messages and arrive as messages.

use crate::wire::messages::{OutputFile, Stream};

use super::view::shape;

/// How much is asked for at once, bytes.
const PART: u64 = 128 << 10;

/// How much of the end is asked for while following, bytes: more than any screen shows.
const TAIL: u64 = 48 << 10;

/// A line longer than this is broken, bytes: a gigabyte without a line end is still a file that can be read.
const LONGEST: usize = 1024;

/// What is known of one output file, and which part of it is shown.
#[derive(Clone, Debug)]
pub struct Output {
    /// Which file.
    pub of: OutputFile,
    /// What people call it: an item, `output`, `errors`.
    pub label: String,
    /// Its length as last heard, bytes.
    pub total: u64,
    /// The end is shown, and stays so as it grows.
    pub follow: bool,
    /// Long lines are wrapped instead of cut.
    pub wrap: bool,
    /// Where the first shown line begins, bytes; counts while not following.
    pub top: u64,
    /// Which of that line's rows is the first shown, where lines are wrapped.
    pub top_row: usize,
    /// Where `bytes` begin in the file.
    from: u64,
    bytes: Vec<u8>,
    /// The number of the request whose answer is awaited.
    awaited: Option<u64>,
}

/// A part of a file to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// First byte.
    pub from: u64,
    /// At most this many bytes.
    pub len: u32,
}

impl Output {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(of: OutputFile, label: String, wrap: bool) -> Self {
        Self {
            of,
            label,
            total: 0,
            follow: true,
            wrap,
            top: 0,
            top_row: 0,
            from: 0,
            bytes: Vec::new(),
            awaited: None,
        }
    }

    /// Has anything been read?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The file has this length now.
    pub fn grew(&mut self, total: u64) {
        self.total = self.total.max(total);
    }

    /// Nothing asked for will come: the connection is a new one.
    pub fn forget_requests(&mut self) {
        self.awaited = None;
    }

    /// What should be asked for next, if anything; one request at a time.
    #[must_use]
    pub fn wants(&self) -> Option<Want> {
        if self.awaited.is_some() {
            return None;
        }
        let end = self.from + self.bytes.len() as u64;
        if self.total == 0 {
            return None;
        }
        if self.follow {
            if end >= self.total {
                return None;
            }
            let tail = self.total.saturating_sub(TAIL);
            // What is there is kept when the rest joins on to it.
            let from = if end >= tail && !self.bytes.is_empty() { end } else { tail };
            return Some(Want { from, len: u32::try_from(self.total - from).unwrap_or(u32::MAX) });
        }
        let margin = PART / 4;
        let low = self.top.saturating_sub(margin);
        let high = self.top.saturating_add(margin).min(self.total);
        if low >= self.from && high <= end {
            return None;
        }
        let from = self.top.saturating_sub(PART / 2);
        Some(Want { from, len: u32::try_from(PART).unwrap_or(u32::MAX) })
    }

    /// The request for what [`Output::wants`] has this number.
    pub fn asked(&mut self, id: u64) {
        self.awaited = Some(id);
    }

    /// A part arrived.
    pub fn arrived(&mut self, id: u64, from: u64, total: u64, data: &[u8]) {
        if self.awaited != Some(id) {
            return;
        }
        self.awaited = None;
        self.total = total;
        let end = self.from + self.bytes.len() as u64;
        if from == end && !self.bytes.is_empty() && self.follow {
            self.bytes.extend_from_slice(data);
            let excess = self.bytes.len().saturating_sub(usize::try_from(PART).unwrap_or(usize::MAX));
            if excess > 0 {
                self.bytes.drain(..excess);
                self.from += excess as u64;
            }
        } else {
            self.from = from;
            self.bytes = data.to_vec();
        }
        if data.is_empty() && from < total {
            // A host that has nothing to give at a place within the file: believe it, or this never ends.
            self.total = from;
        }
    }

    /// The lines shown in a window of this size, as clean text, one a row; a row that was cut ends in `…`.
    #[must_use]
    pub fn rows(&self, width: usize, height: usize) -> Vec<String> {
        if width == 0 || height == 0 {
            return Vec::new();
        }
        if self.follow {
            let mut rows = Vec::new();
            for line in self.lines_before(self.bytes.len()) {
                let shown = self.shaped(&self.bytes[line], width);
                rows.extend(shown.into_iter().rev());
                if rows.len() >= height {
                    break;
                }
            }
            rows.truncate(height);
            rows.reverse();
            return rows;
        }
        let Some(start) = self.index(self.top) else {
            return vec!["reading …".to_owned()];
        };
        let mut rows = Vec::new();
        for (i, line) in self.lines_after(start).enumerate() {
            let skip = if i == 0 { self.top_row } else { 0 };
            rows.extend(self.shaped(&self.bytes[line], width).into_iter().skip(skip));
            if rows.len() >= height {
                break;
            }
        }
        rows.truncate(height);
        rows
    }

    /// Moves by this many rows of a window; up is negative. Stops following when it goes up.
    pub fn scroll(&mut self, by: isize, width: usize, height: usize) {
        if self.follow {
            if by >= 0 {
                return;
            }
            self.unfollow(width, height);
        }
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

    /// Stays where it is while the file grows.
    pub fn unfollow(&mut self, width: usize, height: usize) {
        if !self.follow {
            return;
        }
        let mut rows = 0;
        let mut place = (self.bytes.len(), 0);
        for line in self.lines_before(self.bytes.len()) {
            let here = self.shaped(&self.bytes[line.clone()], width).len();
            place = (line.start, 0);
            if rows + here >= height {
                place.1 = rows + here - height;
                break;
            }
            rows += here;
        }
        self.follow = false;
        self.top = self.from + place.0 as u64;
        self.top_row = place.1;
    }

    /// To the first byte.
    pub fn to_start(&mut self) {
        self.follow = false;
        self.top = 0;
        self.top_row = 0;
    }

    /// To the end, following it.
    pub fn to_end(&mut self) {
        self.follow = true;
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
        let rows = self.shaped(&self.bytes[line.clone()], width).len().max(1);
        Some(self.top + (self.top_row * line.len()).div_ceil(rows) as u64)
    }

    /// Shows this byte in its first row, as near as whole rows of this width allow; stays there while the file grows.
    pub fn show(&mut self, byte: u64, width: usize) {
        self.follow = false;
        self.grew(byte.saturating_add(1));
        (self.top, self.top_row) = (byte, 0);
        let Some(at) = self.index(byte).filter(|at| *at < self.bytes.len()) else { return };
        let begin = memchr::memrchr(b'\n', &self.bytes[..at]).map_or(0, |end| end + 1);
        let begin = begin + (at - begin) / LONGEST * LONGEST;
        let Some(line) = self.lines_after(begin).next() else { return };
        self.top = self.from + begin as u64;
        let rows = if width == 0 { 1 } else { self.shaped(&self.bytes[line.clone()], width).len() };
        self.top_row = ((at - begin) * rows / line.len().max(1)).min(rows.saturating_sub(1));
    }

    fn shows_end(&self, width: usize, height: usize) -> bool {
        if self.from + (self.bytes.len() as u64) < self.total {
            return false;
        }
        let Some(start) = self.index(self.top) else {
            return false;
        };
        let rows: usize = self
            .lines_after(start)
            .take(height + 1)
            .map(|line| self.shaped(&self.bytes[line], width).len())
            .sum();
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
        self.top_row = self.shaped(&self.bytes[line.clone()], width).len().saturating_sub(1);
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
        if self.top_row + 1 < self.shaped(&self.bytes[line], width).len() {
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

    /// The lines that end before `end`, the last first, without their line ends.
    fn lines_before(&self, end: usize) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        let mut end = end;
        std::iter::from_fn(move || {
            if end == 0 {
                return None;
            }
            // The line end right before belongs to the line before; at the file's end there may be none.
            let stop = if self.bytes[end - 1] == b'\n' { end - 1 } else { end };
            let line_start = memchr::memrchr(b'\n', &self.bytes[..stop]).map_or(0, |at| at + 1);
            let pieces = (stop - line_start).saturating_sub(1) / LONGEST;
            let start = line_start + pieces * LONGEST;
            end = start;
            Some(start..stop)
        })
    }

    /// The lines from `start` on, without their line ends.
    fn lines_after(&self, start: usize) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        let mut start = start;
        std::iter::from_fn(move || {
            if start >= self.bytes.len() {
                return None;
            }
            let limit = self.bytes.len().min(start + LONGEST);
            let (stop, next) = match memchr::memchr(b'\n', &self.bytes[start..limit]) {
                Some(at) => (start + at, start + at + 1),
                // A line of just the longest length ends with it.
                None if limit < self.bytes.len() && self.bytes[limit] == b'\n' => (limit, limit + 1),
                None => (limit, limit),
            };
            let line = start..stop;
            start = next;
            Some(line)
        })
    }

    fn shaped(&self, line: &[u8], width: usize) -> Vec<String> {
        let text = shape::clean_output(line);
        if self.wrap { shape::chop(&text, width) } else { vec![shape::fit(&text, width).into_owned()] }
    }
}

/// What people call a stream.
#[must_use]
pub fn stream_name(stream: Stream) -> &'static str {
    match stream {
        Stream::Output => "output",
        Stream::Errors => "errors",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: OutputFile = OutputFile { attempt: 1, item: None, stream: Stream::Output };

    /// Serves whatever the window wants, as a host with this file would.
    fn serve(output: &mut Output, file: &[u8]) {
        output.grew(file.len() as u64);
        for id in 0..100 {
            let Some(want) = output.wants() else { return };
            output.asked(id);
            let from = usize::try_from(want.from).unwrap().min(file.len());
            let len = usize::try_from(want.len).unwrap().min(256 << 10);
            let data = &file[from..(from + len).min(file.len())];
            output.arrived(id, from as u64, file.len() as u64, data);
        }
        panic!("it never has enough");
    }

    fn numbered(lines: usize) -> Vec<u8> {
        (0..lines).flat_map(|n| format!("line {n}\n").into_bytes()).collect()
    }

    #[test]
    fn the_end_is_followed_and_growth_joins_on() {
        let mut output = Output::new(FILE, String::new(), false);
        serve(&mut output, &numbered(3));
        assert_eq!(output.rows(20, 5), ["line 0", "line 1", "line 2"]);
        serve(&mut output, &numbered(100_000));
        assert_eq!(output.rows(20, 2), ["line 99998", "line 99999"]);
        assert!(output.bytes.len() <= usize::try_from(PART).unwrap());
    }

    #[test]
    fn the_first_byte_of_a_large_file_is_one_key_away_and_little_is_loaded() {
        let file = numbered(1_000_000);
        let mut output = Output::new(FILE, String::new(), false);
        serve(&mut output, &file);
        output.to_start();
        assert_eq!(output.rows(20, 1), ["reading …"]);
        serve(&mut output, &file);
        assert_eq!(output.rows(20, 2), ["line 0", "line 1"]);
        for _ in 0..5_000 {
            output.scroll(10, 20, 2);
            serve(&mut output, &file);
        }
        assert_eq!(output.rows(20, 1), ["line 50000"]);
        output.scroll(-10, 20, 2);
        assert_eq!(output.rows(20, 1), ["line 49990"]);
        assert!(output.bytes.len() <= 256 << 10);
    }

    #[test]
    fn scrolling_up_leaves_the_end_and_coming_back_follows_again() {
        let file = numbered(50);
        let mut output = Output::new(FILE, String::new(), false);
        serve(&mut output, &file);
        output.scroll(-1, 20, 10);
        assert!(!output.follow);
        assert_eq!(output.rows(20, 10)[0], "line 39");
        serve(&mut output, &numbered(60));
        assert_eq!(output.rows(20, 10)[0], "line 39", "it stays while the file grows");
        output.scroll(100, 20, 10);
        assert!(output.follow);
        assert_eq!(output.rows(20, 10)[9], "line 59");
    }

    #[test]
    fn a_line_without_an_end_is_broken_and_wrapped_rows_can_all_be_reached() {
        let file = vec![b'x'; 5_000];
        let mut output = Output::new(FILE, String::new(), false);
        output.wrap = true;
        serve(&mut output, &file);
        output.to_start();
        let mut seen = output.rows(40, 1)[0].len();
        for _ in 0..1_000 {
            let before = (output.top, output.top_row);
            output.scroll(1, 40, 1);
            if output.follow || (output.top, output.top_row) == before {
                seen += output.rows(40, 1)[0].len();
                break;
            }
            seen += output.rows(40, 1)[0].len();
        }
        assert_eq!(seen, 5_000, "every byte came by");
    }

    #[test]
    fn what_is_cut_has_a_mark_and_nothing_acts_on_the_terminal() {
        let mut output = Output::new(FILE, String::new(), false);
        serve(&mut output, b"\x1b[2Ja\tb\xff\r\nlong long long line\n");
        assert_eq!(output.rows(14, 2), ["␛[2Ja   b\\xff", "long long lon…"]);
    }
}
