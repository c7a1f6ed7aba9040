//! A running command's output as lines, as they come and never too many. PURE.

mod row;

use crate::text::{clean_bytes, clean_lines};
use crate::time::size_in_words;
use crate::wire::messages::OutputFile;

use row::as_shown;

/// The most that is shown of what came since the last look, bytes; of more, the newest.
pub(super) const MOST: u64 = 32 << 10;

/// A line without an end is shown in pieces of this many bytes.
const LONGEST: usize = 8 << 10;

/// So many lines are shown of what was written before somebody looked.
const LAST: usize = 5;

/// An output that is shown while it grows.
#[derive(Debug)]
pub(super) struct Live {
    /// Which.
    pub(super) of: OutputFile,
    /// Bytes shown, held or left out so far.
    read: u64,
    /// The beginning of a line whose end has not come.
    held: Vec<u8>,
    /// It is what a terminal shows: sequences are left out, and a line that waits for an answer is shown too.
    terminal: bool,
    /// So much of `held` was shown while it waited, bytes.
    waited: usize,
}

impl Live {
    pub(super) fn new(of: OutputFile) -> Self {
        Self { of, read: 0, held: Vec::new(), terminal: false, waited: 0 }
    }

    /// As [`Live::new`], of what a terminal shows.
    pub(super) fn of_terminal(of: OutputFile) -> Self {
        Self { terminal: true, ..Self::new(of) }
    }

    /// Is there a line without an end that may be a question, and was not shown?
    pub(super) fn waits(&self) -> bool {
        self.terminal && self.held.len() > self.waited && !as_shown(&self.held).trim().is_empty()
    }

    /// Nothing came for a while: the line that waits, whatever is still to come of it.
    pub(super) fn waiting(&mut self) -> Option<String> {
        let line = self.waits().then(|| self.shown(&self.held));
        self.waited = self.held.len();
        line
    }

    fn shown(&self, line: &[u8]) -> String {
        if self.terminal { format!("| {}", clean_lines(&as_shown(line))) } else { shown(line) }
    }

    /// Goes on behind `bytes`, which were written from `from` on before anybody looked: their last lines.
    pub(super) fn catch_up(&mut self, from: u64, bytes: &[u8]) -> Vec<String> {
        self.read = from;
        // What does not begin with its line is left out.
        let cut = if from == 0 { 0 } else { bytes.iter().position(|b| *b == b'\n').map_or(0, |at| at + 1) };
        self.read += cut as u64;
        let mut lines = self.take(&bytes[cut..]);
        lines.drain(..lines.len().saturating_sub(LAST));
        lines
    }

    /// Makes ready for reading up to `total`: what is left out of a flood, in words.
    pub(super) fn skip(&mut self, total: u64) -> Option<String> {
        let from = total.saturating_sub(MOST);
        let left_out = from.checked_sub(self.read).filter(|bytes| *bytes > 0)?;
        self.read = from;
        let left_out = left_out + std::mem::take(&mut self.held).len() as u64;
        Some(format!("[{} of output left out here; all of it is kept]", size_in_words(left_out)))
    }

    /// The next bytes to read, up to `total`: from where, and how many.
    pub(super) fn next(&self, total: u64) -> Option<(u64, u32)> {
        let len = total.checked_sub(self.read).filter(|len| *len > 0)?.min(MOST);
        Some((self.read, u32::try_from(len).unwrap_or(u32::MAX)))
    }

    /// Takes bytes in: the lines that are whole now.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<String> {
        self.read += bytes.len() as u64;
        self.held.extend_from_slice(bytes);
        let mut lines = Vec::new();
        let mut from = 0;
        while let Some(len) = self.held[from..].iter().position(|b| *b == b'\n') {
            lines.push(self.shown(&self.held[from..from + len]));
            from += len + 1;
        }
        self.held.drain(..from);
        if from > 0 {
            self.waited = 0;
        }
        if self.held.len() > LONGEST {
            let held = std::mem::take(&mut self.held);
            lines.push(self.shown(&held));
            self.waited = 0;
        }
        lines
    }

    /// Nothing more comes: what is left without a line's end.
    pub(super) fn end(&mut self) -> Option<String> {
        let held = std::mem::take(&mut self.held);
        let new = held.len() > self.waited;
        self.waited = 0;
        (new && !held.is_empty()).then(|| self.shown(&held))
    }
}

/// One line of output, cleaned; it stands behind a mark, so that no output can pass for a prompt.
pub(super) fn shown(line: &[u8]) -> String {
    match std::str::from_utf8(line) {
        Ok(text) => format!("| {}", clean_lines(text)),
        Err(_) => format!("| {}", clean_bytes(line)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::messages::Stream;

    fn live() -> Live {
        Live::new(OutputFile { attempt: 1, item: None, stream: Stream::Output })
    }

    #[test]
    fn lines_come_whole_and_clean() {
        let mut live = live();
        assert_eq!(live.take(b"one\ntw"), ["| one"]);
        assert_eq!(live.take(b"o\x1b[2J\n\xff\n"), ["| two␛[2J", "| \\xff"]);
        assert_eq!(live.take(b"end"), Vec::<String>::new());
        assert_eq!(live.end().as_deref(), Some("| end"));
        assert_eq!(live.end(), None);
        assert_eq!(live.next(17), None);
        assert_eq!(live.next(20), Some((17, 3)));
    }

    #[test]
    fn of_what_was_written_before_the_last_whole_lines_are_shown() {
        let mut behind = live();
        assert_eq!(behind.catch_up(100, b"alf\n1\n2\n3\n4\n5\n6\nbeg"), ["| 2", "| 3", "| 4", "| 5", "| 6"]);
        assert_eq!(behind.next(120), Some((119, 1)), "all of it counts as read");
        assert_eq!(behind.take(b"un\n"), ["| begun"]);
        let mut whole = live();
        assert_eq!(whole.catch_up(0, b"first\n"), ["| first"]);
        assert_eq!(whole.catch_up(0, b""), Vec::<String>::new());
    }

    #[test]
    fn of_a_flood_the_newest_is_shown_and_the_rest_is_counted() {
        let mut live = live();
        live.take(b"half");
        assert_eq!(
            live.skip(10_000_000),
            Some("[9.9 MB of output left out here; all of it is kept]".to_owned())
        );
        assert_eq!(live.next(10_000_000), Some((10_000_000 - MOST, 32 << 10)));
        assert_eq!(live.skip(10_000_000), None, "only once");
        assert_eq!(live.take(b"new\n"), ["| new"]);
    }

    #[test]
    fn of_a_terminal_a_question_is_shown_and_sequences_are_not() {
        let mut live = Live::of_terminal(OutputFile { attempt: 1, item: None, stream: Stream::Output });
        assert_eq!(live.take(b"\x1b[1mone\x1b[0m\r\n\x1b]0;t\x07name? "), ["| one"]);
        assert_eq!(live.waiting().as_deref(), Some("| name?"));
        assert_eq!(live.waiting(), None, "only once");
        assert_eq!(live.take(b"dana\r\n10%\r20%\r\nabx\x08 \r\n"), ["| name? dana", "| 20%", "| ab"]);
        assert_eq!((live.waiting(), live.end()), (None, None));
        live.take(b"go? ");
        live.waiting();
        assert_eq!(live.end(), None, "it was shown");
    }

    #[test]
    fn a_line_that_never_ends_is_shown_in_pieces() {
        let mut live = live();
        assert_eq!(live.take(&vec![b'x'; LONGEST + 1]).len(), 1);
        assert_eq!(live.end(), None);
    }
}
