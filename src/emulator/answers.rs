//! What a terminal answers when a program asks it. PURE.
//!
//! Exactly one answers: who owns the terminal, so that an answer comes with any number of screens, and with none. An
//! answer is made of numbers and of what is fixed here, never of what stands on the terminal: nothing that is written
//! there can be made into something typed.

use super::meter::Meter;
use super::{clamped, try_to};

/// How much work one turn may make (see [`super::meter`]): some milliseconds.
const WORK: u64 = 2_000_000;

/// The most that waits to be answered, bytes; who asks on without reading gets no more.
const MOST_WAITING: usize = 4 << 10;

/// The same as `tmux` and `screen` say: a VT100 with the advanced video option, and no version to go by.
const ATTRIBUTES: &[u8] = b"\x1b[?1;2c";
const SECOND_ATTRIBUTES: &[u8] = b"\x1b[>0;0;0c";
const IN_ORDER: &[u8] = b"\x1b[0n";

/// A terminal as whoever answers for it has to know it.
pub struct Answering {
    parser: vt100::Parser<Answers>,
    meter: Meter,
    /// Shown, and not yet taken in.
    shown: Vec<u8>,
}

#[derive(Default)]
struct Answers {
    bytes: Vec<u8>,
}

impl Answering {
    /// A terminal of so many columns and rows, on which nothing stands.
    #[must_use]
    pub fn new(columns: u16, rows: u16) -> Self {
        Self { parser: parser(columns, rows), meter: Meter::default(), shown: Vec::new() }
    }

    /// The terminal has this size now.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let (columns, rows) = clamped(columns, rows);
        if !try_to(|| self.parser.set_size(rows, columns)) {
            self.parser = parser(columns.get(), rows.get());
        }
    }

    /// The command wrote this; it is taken in by [`Answering::turn`].
    pub fn shows(&mut self, bytes: &[u8]) {
        self.shown.extend_from_slice(bytes);
    }

    /// Is something still to be taken in?
    #[must_use]
    pub fn is_behind(&self) -> bool {
        !self.shown.is_empty()
    }

    /// Takes in a bounded part of what was shown; what the terminal answers to it.
    #[must_use]
    pub fn turn(&mut self) -> Vec<u8> {
        if self.shown.is_empty() {
            return Vec::new();
        }
        let (rows, columns) = self.parser.screen().size();
        let (columns, rows) = (columns.get(), rows.get());
        let mut kept = Vec::with_capacity(self.shown.len());
        let taken = self.meter.measure(&self.shown, (columns, rows), WORK, &mut kept);
        self.shown.drain(..taken);
        let whole = try_to(|| self.parser.process(&kept));
        let answers = std::mem::take(&mut self.parser.callbacks_mut().bytes);
        if !whole {
            // What broke it is behind it; where the cursor is, the next sequence that puts it somewhere says.
            self.parser = parser(columns, rows);
            self.meter = Meter::default();
        }
        answers
    }
}

fn parser(columns: u16, rows: u16) -> vt100::Parser<Answers> {
    let (columns, rows) = clamped(columns, rows);
    vt100::Parser::new_with_callbacks(rows, columns, 0, Answers::default())
}

impl vt100::Callbacks for Answers {
    fn unhandled_csi(
        &mut self,
        screen: &mut vt100::Screen,
        first: Option<u8>,
        second: Option<u8>,
        params: &[&[u16]],
        last: char,
    ) {
        if self.bytes.len() >= MOST_WAITING {
            return;
        }
        let number = params.first().and_then(|param| param.first()).copied().unwrap_or(0);
        match (first, second, last, number) {
            (None, None, 'c', 0) => self.bytes.extend(ATTRIBUTES),
            (Some(b'>'), None, 'c', 0) => self.bytes.extend(SECOND_ATTRIBUTES),
            (None, None, 'n', 5) => self.bytes.extend(IN_ORDER),
            (None, None, 'n', 6) => self.bytes.extend(cursor(screen).as_bytes()),
            (Some(b'?'), Some(b'$'), 'p', mode) => self.bytes.extend(is_set(screen, mode).as_bytes()),
            _ => {}
        }
    }
}

/// Where the cursor is, counted from one. After the last column of a row it still stands on that.
fn cursor(screen: &vt100::Screen) -> String {
    let (row, column) = screen.cursor_position();
    let (rows, columns) = screen.size();
    format!("\x1b[{};{}R", row.min(rows.get() - 1) + 1, column.min(columns.get() - 1) + 1)
}

/// Whether a mode is set (1) or not (2); 0 for one that this terminal knows nothing of.
fn is_set(screen: &vt100::Screen, mode: u16) -> String {
    let set = match mode {
        1 => Some(screen.application_cursor()),
        25 => Some(!screen.hide_cursor()),
        47 | 1049 => Some(screen.alternate_screen()),
        2004 => Some(screen.bracketed_paste()),
        _ => None,
    };
    let answer = set.map_or(0, |set| if set { 1 } else { 2 });
    format!("\x1b[?{mode};{answer}$y")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(written: &str) -> String {
        let mut terminal = Answering::new(80, 24);
        all(&mut terminal, written.as_bytes())
    }

    fn all(terminal: &mut Answering, written: &[u8]) -> String {
        terminal.shows(written);
        let mut answers = Vec::new();
        while terminal.is_behind() {
            answers.extend(terminal.turn());
        }
        String::from_utf8(answers).unwrap()
    }

    #[test]
    fn what_programs_ask_at_their_start_is_answered_once_and_in_order() {
        assert_eq!(answer("\x1b[c"), "\x1b[?1;2c");
        assert_eq!(answer("\x1b[0c\x1b[>c\x1b[5n"), "\x1b[?1;2c\x1b[>0;0;0c\x1b[0n");
        assert_eq!(
            answer("\x1b[?2026$p\x1b[?25$p\x1b[?25l\x1b[?25$p"),
            "\x1b[?2026;0$y\x1b[?25;1$y\x1b[?25;2$y"
        );
        assert_eq!(answer("\x1b[?1049h\x1b[?1049$p"), "\x1b[?1049;1$y");
    }

    #[test]
    fn the_cursor_is_where_it_stood_when_the_program_asked() {
        assert_eq!(answer("\x1b[6n"), "\x1b[1;1R");
        assert_eq!(answer("ab\r\nabc\x1b[6nlater\x1b[6n"), "\x1b[2;4R\x1b[2;9R");
        assert_eq!(answer("\x1b[3;5H漢\x1b[6n"), "\x1b[3;7R");
        assert_eq!(answer("\x1b[999;999H\x1b[6n"), "\x1b[24;80R");
        assert_eq!(answer(&format!("{}\x1b[6n", "x".repeat(80))), "\x1b[1;80R", "it wraps with the next one");
        let mut terminal = Answering::new(80, 24);
        terminal.resize(40, 10);
        assert_eq!(all(&mut terminal, b"\x1b[999;999H\x1b[6n"), "\x1b[10;40R");
    }

    #[test]
    fn however_it_is_cut_the_answer_is_the_same() {
        let mut terminal = Answering::new(80, 24);
        let mut answers = String::new();
        for byte in "ab漢\r\n\x1b[6n\x1b[c".bytes() {
            answers += &all(&mut terminal, &[byte]);
        }
        assert_eq!(answers, "\x1b[2;1R\x1b[?1;2c");
    }

    #[test]
    fn nothing_that_stands_there_comes_back_and_no_answer_ends_a_line() {
        for asked in [
            "rm -r /\x1b[21t",
            "\x1b]0;rm -r /\x07\x1b[20t",
            "\x1b]52;c;?\x07",
            "\x1b]10;?\x07\x1b]11;?\x1b\\",
            "\x1bP$qm\x1b\\",
            "\x1bP+q544e\x1b\\",
            "\x1b[?6c\x1b[?1;2c\x1b[24;80R",
            "\x05",
            "\x1b[>q",
            "\x1b[?u",
        ] {
            assert_eq!(answer(asked), "", "{asked:?}");
        }
    }

    #[test]
    fn who_asks_without_end_and_what_makes_much_work_are_bounded() {
        let mut terminal = Answering::new(80, 24);
        terminal.shows(&b"\x1b[c".repeat(100_000));
        assert!(terminal.turn().len() < MOST_WAITING + 64);
        let mut terminal = Answering::new(80, 24);
        terminal.shows(&b"x\x1b[65535b".repeat(1_000));
        let _ = terminal.turn();
        assert!(terminal.is_behind(), "the rest is for later");
    }
}
