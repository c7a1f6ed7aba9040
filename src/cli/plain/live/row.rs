//! A line of a terminal as it stands in the end: what was written over, rubbed out or moved is as people would see it.
//! PURE. Held against a whole emulator by its tests.

use std::iter::Peekable;
use std::str::Chars;

use unicode_width::UnicodeWidthChar as _;

/// No sequence moves farther than this, columns.
const FARTHEST: usize = 500;

/// The line as it is shown in the end; what stands on other rows of the terminal is before it, two spaces between.
pub(super) fn as_shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut row = Row::default();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => row.escape(&mut chars),
            '\r' => row.at = 0,
            '\x08' => row.at = row.at.saturating_sub(1),
            '\t' => row.at = (row.at / 8 + 1) * 8,
            c if c.is_control() => {}
            c => row.put(c),
        }
    }
    row.other_row();
    row.rows.join("  ")
}

/// A row of cells. The second cell of a wide character is empty; one that nothing stands in is a space.
#[derive(Default)]
struct Row {
    cells: Vec<String>,
    at: usize,
    saved: usize,
    /// Rows that were left.
    rows: Vec<String>,
}

impl Row {
    fn put(&mut self, c: char) {
        let width = c.width().unwrap_or(0);
        if width == 0 {
            let last = self.cells.iter_mut().take(self.at).rev().find(|cell| !cell.is_empty());
            if let Some(cell) = last {
                cell.push(c);
            }
            return;
        }
        self.blank(self.at, self.at + width);
        self.cells[self.at] = c.to_string();
        if width > 1 {
            self.cells[self.at + 1].clear();
        }
        self.at += width;
    }

    /// Spaces from one cell to before another; half of a wide character does not stay.
    fn blank(&mut self, from: usize, to: usize) {
        if self.cells.len() < to {
            self.cells.resize(to, " ".to_owned());
        }
        self.whole(from);
        self.whole(to);
        self.cells[from..to].fill(" ".to_owned());
    }

    /// No wide character lies over the edge before this cell.
    fn whole(&mut self, at: usize) {
        if at > 0 && self.cells.get(at).is_some_and(String::is_empty) {
            self.cells[at - 1..=at].fill(" ".to_owned());
        }
    }

    fn cut(&mut self, at: usize) {
        self.whole(at);
        self.cells.truncate(at);
    }

    /// The cursor goes to another row: this one stays as it is.
    fn other_row(&mut self) {
        let shown = self.cells.concat().trim_end().to_owned();
        if !shown.trim_start().is_empty() {
            self.rows.push(if self.rows.is_empty() { shown } else { shown.trim_start().to_owned() });
        }
        self.cells.clear();
    }

    /// What stands behind an escape character.
    fn escape(&mut self, chars: &mut Peekable<Chars<'_>>) {
        match chars.next() {
            Some('[') => {
                let mut asked = String::new();
                while let Some(c) = chars.next_if(|c| *c != '\x1b') {
                    match c {
                        '@'..='~' => return self.sequence(&asked, c),
                        c => asked.push(c),
                    }
                }
            }
            Some(']' | 'P' | 'X' | '^' | '_') => {
                while let Some(c) = chars.next() {
                    if c == '\x07' || c == '\x1b' && chars.next_if_eq(&'\\').is_some() {
                        break;
                    }
                }
            }
            Some(' '..='/') => drop(chars.next()),
            Some('7') => self.saved = self.at,
            Some('8') => self.at = self.saved,
            Some('D' | 'E' | 'M') => self.other_row(),
            Some('c') => *self = Self::default(),
            _ => {}
        }
    }

    fn sequence(&mut self, asked: &str, last: char) {
        if !asked.chars().all(|c| c.is_ascii_digit() || c == ';') {
            return;
        }
        let number = |which: usize| asked.split(';').nth(which).and_then(|n| n.parse::<usize>().ok());
        let count = number(0).unwrap_or(1).clamp(1, FARTHEST);
        let (at, len) = (self.at, self.cells.len());
        let to = |at: usize| at.clamp(1, FARTHEST) - 1;
        match (last, number(0).unwrap_or(0)) {
            ('C' | 'a', _) => self.at = (at + count).min(at.max(FARTHEST - 1)),
            ('D', _) => self.at = at.saturating_sub(count),
            ('G' | '`', _) => self.at = to(count),
            ('K' | 'J', 0) => self.cut(at),
            ('K' | 'J', 1) => self.blank(0, at + 1),
            ('K', 2) => self.cells.clear(),
            ('J', 2) => {
                self.cells.clear();
                self.rows.clear();
            }
            ('X', _) => self.blank(at, at + count),
            ('P', _) if at < len => {
                let end = (at + count).min(len);
                self.whole(at);
                self.whole(end);
                self.cells.drain(at..end);
            }
            ('@', _) if at < len => {
                self.whole(at);
                self.cells.splice(at..at, std::iter::repeat_n(" ".to_owned(), count));
            }
            ('s', _) => self.saved = at,
            ('u', _) => self.at = self.saved,
            ('A' | 'B' | 'd', _) => self.other_row(),
            ('E' | 'F', _) => {
                self.other_row();
                self.at = 0;
            }
            ('H' | 'f', _) => {
                self.other_row();
                self.at = to(number(1).unwrap_or(1));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_question_that_is_written_over_is_shown_as_it_stands() {
        for (written, shown) in [
            ("Delete everything? \r\x1b[Kkeep? ", "keep?"),
            ("abcdef\x1b[3DXYZ", "abcXYZ"),
            ("100%\x1b[2K\rdone", "done"),
            ("name: \x1b[5Gx", "namex"),
            ("no\x1b[6nt\x1b[?25l\x1b]0;t\x07\x1b(B!", "not!"),
            ("cafe\u{301} 東京\x08\x08x", "cafe\u{301} 東x"),
            ("Delete?\x1b[5;3H[y/N] \x1b[1m>\x1b[0m ", "Delete?  [y/N] >"),
            ("gone\x1b[2J\x1b[Hnew", "new"),
            ("\x1b[99999C\x1b[99999@\x1b[99999Xx\rkeep", &format!("keep{}x", " ".repeat(495))),
        ] {
            assert_eq!(as_shown(written.as_bytes()), shown, "{written:?}");
        }
    }

    fn part() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z ]{1,4}",
            Just("東".to_owned()),
            Just("\r".to_owned()),
            Just("\x08".to_owned()),
            Just("\t".to_owned()),
            Just("\x1b[1;31m".to_owned()),
            Just("\x1b7".to_owned()),
            Just("\x1b8".to_owned()),
            (0..6_u8, "[CDGKJPX@]").prop_map(|(n, last)| format!("\x1b[{n}{last}")),
            "[CDGKJPX@]".prop_map(|last| format!("\x1b[{last}")),
        ]
    }

    proptest! {
        #[test]
        fn a_row_is_as_an_emulator_has_it(parts in proptest::collection::vec(part(), 0..14)) {
            let written = parts.concat();
            // The emulator leaves half of a wide character where something is put into it; terminals do not.
            prop_assume!(!(written.contains('東') && written.contains('@')));
            let cells = |n| std::num::NonZero::new(n).unwrap();
            let mut terminal = vt100::Parser::new(cells(1), cells(400), 0);
            terminal.process(written.as_bytes());
            let row = terminal.screen().rows(0, 400).next().unwrap_or_default();
            prop_assert_eq!(as_shown(written.as_bytes()), row.trim_end(), "{:?}", written);
        }
    }
}
