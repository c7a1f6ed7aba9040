//! A window into a command's output, which may be larger than any memory: a few hundred kilobytes around what is
//! looked at, and where in the file they are. PURE; parts are asked for by messages and arrive as messages.

pub mod find;
pub mod list;
pub mod paint;
pub mod saving;
pub mod sgr;
mod window;

use crate::text::find::Needle;
use crate::wire::messages::{OutputFile, Stream};

pub use window::Sought;

/// How much is asked for at once, bytes.
const PART: u64 = 128 << 10;

/// How much of the end is asked for while following, bytes: more than any screen shows.
const TAIL: u64 = 48 << 10;

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
    /// How many columns of long lines are to the left of the window, where they are cut.
    pub left: usize,
    /// Where `bytes` begin in the file.
    from: u64,
    bytes: Vec<u8>,
    /// The number of the request whose answer is awaited.
    awaited: Option<u64>,
    /// What is to be shown as soon as it is here.
    seek: Option<Seek>,
}

/// A place that is to be shown as soon as it is here.
#[derive(Clone, Debug)]
struct Seek {
    byte: u64,
    /// The text that was found there.
    found: Option<Needle>,
    /// Columns and rows of the window.
    size: (usize, usize),
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
            left: 0,
            from: 0,
            bytes: Vec::new(),
            awaited: None,
            seek: None,
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

    /// Nothing that was read counts any more; where it is looked at stays.
    pub fn read_anew(&mut self) {
        self.awaited = None;
        self.bytes.clear();
        self.from = 0;
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
        match self.seek.take() {
            Some(Seek { byte, found: Some(needle), size }) => self.bring(byte, &needle, size.0, size.1),
            Some(Seek { byte, found: None, .. }) => self.go_to(byte),
            None => {}
        }
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
    fn a_long_line_is_broken_at_the_same_places_from_everywhere_and_never_inside_of_anything() {
        let mut file = b"first\n".to_vec();
        for n in 0..3_000 {
            file.extend_from_slice(format!("\x1b[38;5;{}m日本{n}", n % 256).as_bytes());
        }
        file.extend_from_slice(b"\nlast\n");
        let mut output = Output::new(FILE, String::new(), false);
        serve(&mut output, &file);
        output.to_start();
        serve(&mut output, &file);
        let down: Vec<String> = (0..200)
            .map(|_| {
                let row = output.rows(100_000, 1)[0].clone();
                output.scroll(1, 100_000, 1);
                row
            })
            .take_while(|row| row != "last")
            .collect();
        assert!(down.iter().all(|row| !row.contains(['␛', '\\'])), "{down:#?}");
        assert_eq!(down.concat().matches('日').count(), 3_000);
        let mut up = Vec::new();
        output.to_end();
        for _ in 0..down.len() {
            output.scroll(-1, 100_000, 1);
            up.push(output.rows(100_000, 1)[0].clone());
        }
        up.reverse();
        assert_eq!(down, up);
    }

    #[test]
    fn the_colours_go_on_over_lines_and_the_window_knows_them() {
        let mut file = b"\x1b[31m".to_vec();
        file.extend_from_slice(&numbered(200));
        let mut output = Output::new(FILE, String::new(), false);
        serve(&mut output, &file);
        let ink = |output: &Output| output.painted(20, 2, None)[0].line.spans[0].style.fg;
        assert_eq!(ink(&output), Some(ratatui::style::Color::Indexed(1)));
        output.scroll(-50, 20, 2);
        assert_eq!(ink(&output), Some(ratatui::style::Color::Indexed(1)));
    }

    #[test]
    fn a_sequence_of_which_the_rest_is_still_to_come_is_no_garbage() {
        let mut output = Output::new(FILE, String::new(), false);
        output.grew(20);
        output.asked(1);
        output.arrived(1, 0, 20, b"text\x1b[3");
        assert_eq!(output.rows(20, 1), ["text"]);
        output.arrived(1, 0, 20, b"");
        let mut whole = Output::new(FILE, String::new(), false);
        serve(&mut whole, b"text\x1b[3");
        assert_eq!(whole.rows(20, 1), ["text␛[3"], "nothing more comes: it is seen");
    }

    #[test]
    fn a_place_that_was_found_comes_into_the_window_from_wherever_it_is() {
        let file = numbered(200_000);
        let needle = Needle::new("line 100000", true).unwrap();
        let at = needle.first(&file).unwrap().start as u64;
        let mut output = Output::new(FILE, String::new(), false);
        serve(&mut output, &file);
        output.reveal(at, &needle, 20, 9);
        serve(&mut output, &file);
        let sought = Sought { needle: &needle, at: Some(at) };
        let rows = output.painted(20, 9, Some(sought));
        assert_eq!(rows[3].line.to_string(), "line 100000");
        assert_eq!(rows[3].found, paint::Found::Here);
        output.reveal(at, &needle, 20, 9);
        assert_eq!(output.rows(20, 9)[3], "line 100000", "what is on the screen stays where it is");
        let mut cut = Output::new(FILE, String::new(), false);
        let long = [vec![b'.'; 300], b"needle".to_vec(), vec![b'.'; 300]].concat();
        serve(&mut cut, &long);
        cut.reveal(300, &Needle::new("needle", true).unwrap(), 40, 5);
        assert!(cut.rows(40, 1)[0].contains("needle"));
        cut.sideways(-1_000, 40, 5);
        assert_eq!(cut.left, 0);
        cut.sideways(10_000, 40, 5);
        assert_eq!(cut.left, 606 - 40);
    }

    #[test]
    fn what_is_cut_has_a_mark_and_nothing_acts_on_the_terminal() {
        let mut output = Output::new(FILE, String::new(), false);
        serve(&mut output, b"\x1b[2Ja\tb\xff\r\nlong long long line\n");
        assert_eq!(output.rows(14, 2), ["␛[2Ja   b\\xff", "long long lon…"]);
    }

    #[test]
    fn what_was_found_is_marked_through_any_colours_and_where_places_lie_over_each_other() {
        let text = "the quick brown fox jumps over the lazy dog and runs away";
        let coloured: String =
            text.chars().map(|c| format!("\x1b[38;2;255;100;100m{c}\x1b[39m")).collect::<Vec<_>>().concat();
        // Without a line end all of it is broken into pieces.
        let file = [".".repeat(900), coloured, ".".repeat(3_000)].concat().into_bytes();
        let marked = |file: &[u8], text: &str, at: u64| {
            let needle = Needle::new(text, true).unwrap();
            let mut output = Output::new(FILE, String::new(), true);
            serve(&mut output, file);
            output.reveal(at, &needle, 80, 60);
            serve(&mut output, file);
            let rows = output.painted(80, 60, Some(Sought { needle: &needle, at: Some(at) }));
            let here = crate::tui::theme::style(crate::tui::theme::Tone::Selected)
                .add_modifier(ratatui::style::Modifier::BOLD | ratatui::style::Modifier::UNDERLINED);
            let spans = rows.into_iter().flat_map(|row| row.line.spans);
            spans.filter(|span| span.style == here).map(|span| span.content.into_owned()).collect::<String>()
        };
        let at = Needle::new(text, true).unwrap().first(&file).unwrap().start;
        assert_eq!(marked(&file, text, at as u64), text);
        assert_eq!(marked(b"aaaa\n", "aa", 1), "aa");
    }

    #[test]
    fn what_is_copied_is_what_the_command_wrote() {
        let long = "x".repeat(5_000);
        let file = format!(" 10 %\r100 %\n\x1b[31mred\x1b[0m \x1b[2J\n{long}\nend\n").into_bytes();
        let mut output = Output::new(FILE, String::new(), false);
        serve(&mut output, &file);
        assert_eq!(output.lines_in(40, 30), ["100 %", "red ␛[2J", long.as_str(), "end"]);
    }
}
