//! The colours that a command gave its output: the sequences that set them become styles, everything else stays text.
//! PURE.
//!
//! Colours come out as numbers (`Color::Indexed`) or mixed (`Color::Rgb`) only, so that nobody takes them for ours. What
//! would hide text is left out: what is there is seen. Nobody tells us what ground a terminal has, so nothing rests on it:
//! - letters nearly black or nearly white, on the terminal's own ground, are of the terminal's own colour;
//! - on a ground of the command's, letters that were given no colour are black or white, whichever is read;
//! - letters and a ground of the command's that can hardly be told apart are both left out;
//! - hidden and blinking letters are plain ones.
//!
//! What cannot be known stays: a terminal may show each of the first sixteen colours as it likes, and a strong colour may
//! be hard to read on its ground, as bright yellow is on white.

use ratatui::style::{Color, Modifier, Style};

use crate::text::find::{Sgr, sgr};

/// Two colours of less contrast than this cannot be told apart: the ratio that WCAG defines, 1 to 21.
const SAME: f64 = 1.3;

/// Letters of less contrast than this to black may be the ground of a dark terminal: few grounds are all black.
const NEARLY_BLACK: f64 = 2.0;

/// Letters of which every part is at least this may be the ground of a light terminal.
const NEARLY_WHITE: u8 = 180;

/// What is read on a dark ground, and on a light one: colours that terminals do not change.
const WHITE: Color = Color::Indexed(231);
const BLACK: Color = Color::Indexed(16);

/// How the command writes at some place of its output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pen {
    ink: Option<Color>,
    ground: Option<Color>,
    modifier: Modifier,
}

impl Pen {
    /// The style it writes in.
    #[must_use]
    pub fn style(self) -> Style {
        let mut style = Style::new().add_modifier(self.modifier);
        match (self.ink, self.ground) {
            (Some(ink), Some(ground)) if look_the_same(ink, ground) => {}
            (Some(ink), None) if may_be_a_ground(ink) => {}
            (None, Some(ground)) => {
                style.bg = Some(ground);
                style.fg =
                    Some(if contrast(ground, BLACK) >= contrast(ground, WHITE) { BLACK } else { WHITE });
            }
            (ink, ground) => (style.fg, style.bg) = (ink, ground),
        }
        style
    }

    /// Takes in every sequence of `bytes` that sets colours.
    pub fn run(&mut self, bytes: &[u8]) {
        let mut next = 0;
        for at in memchr::memchr_iter(0x1b, bytes) {
            if at < next {
                continue;
            }
            if let Sgr::Whole(length) = sgr(&bytes[at..]) {
                next = at + length;
                self.set(&bytes[at + 2..next - 1]);
            }
        }
    }

    /// Takes in the numbers of one sequence.
    pub fn set(&mut self, numbers: &[u8]) {
        let fields: Vec<&[u8]> = numbers.split(|byte| *byte == b';').collect();
        let mut at = 0;
        while at < fields.len() {
            let parts: Vec<Option<u16>> = fields[at].split(|byte| *byte == b':').map(number).collect();
            let first = parts[0].unwrap_or(0);
            at += 1;
            match first {
                38 | 48 | 58 if parts.len() > 1 => self.paint(first, of_parts(&parts[1..])),
                38 | 48 | 58 => {
                    let rest: Vec<Option<u16>> =
                        fields[at..].iter().take(4).map(|field| number(field)).collect();
                    let (color, used) = of_fields(&rest);
                    at += used;
                    self.paint(first, color);
                }
                4 if parts.get(1) == Some(&Some(0)) => self.modifier -= Modifier::UNDERLINED,
                _ => self.plain(first),
            }
        }
    }

    fn paint(&mut self, what: u16, color: Option<Color>) {
        match (what, color) {
            (38, Some(color)) => self.ink = Some(color),
            (48, Some(color)) => self.ground = Some(color),
            // The colour of underlines; or no colour that is known.
            _ => {}
        }
    }

    fn plain(&mut self, code: u16) {
        match code {
            0 => *self = Self::default(),
            1 => self.modifier |= Modifier::BOLD,
            2 => self.modifier |= Modifier::DIM,
            3 => self.modifier |= Modifier::ITALIC,
            4 | 21 => self.modifier |= Modifier::UNDERLINED,
            7 => self.modifier |= Modifier::REVERSED,
            9 => self.modifier |= Modifier::CROSSED_OUT,
            22 => self.modifier -= Modifier::BOLD | Modifier::DIM,
            23 => self.modifier -= Modifier::ITALIC,
            24 => self.modifier -= Modifier::UNDERLINED,
            27 => self.modifier -= Modifier::REVERSED,
            29 => self.modifier -= Modifier::CROSSED_OUT,
            30..=37 => self.ink = indexed(code - 30),
            39 => self.ink = None,
            40..=47 => self.ground = indexed(code - 40),
            49 => self.ground = None,
            90..=97 => self.ink = indexed(code - 90 + 8),
            100..=107 => self.ground = indexed(code - 100 + 8),
            // Blinking and hidden text is shown plainly; the rest means nothing here.
            _ => {}
        }
    }
}

/// A number of a sequence; one that was left out, or is too large to mean anything, is none.
fn number(digits: &[u8]) -> Option<u16> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn indexed(code: u16) -> Option<Color> {
    u8::try_from(code).ok().map(Color::Indexed)
}

fn mixed(red: u16, green: u16, blue: u16) -> Option<Color> {
    let part = |value: u16| u8::try_from(value).ok();
    Some(Color::Rgb(part(red)?, part(green)?, part(blue)?))
}

/// `5:n`, `2:r:g:b`, `2:space:r:g:b`.
fn of_parts(parts: &[Option<u16>]) -> Option<Color> {
    match *parts {
        [Some(5), Some(code), ..] => indexed(code),
        [Some(2), _, Some(red), Some(green), Some(blue), ..]
        | [Some(2), Some(red), Some(green), Some(blue)] => mixed(red, green, blue),
        _ => None,
    }
}

/// `5;n`, `2;r;g;b`, and how many fields that is.
fn of_fields(fields: &[Option<u16>]) -> (Option<Color>, usize) {
    match *fields {
        [Some(5), code, ..] => (indexed(code.unwrap_or(0)), 2),
        [Some(2), red, green, blue, ..] => {
            (mixed(red.unwrap_or(0), green.unwrap_or(0), blue.unwrap_or(0)), 4)
        }
        [Some(2), ..] => (None, fields.len()),
        _ => (None, usize::from(!fields.is_empty())),
    }
}

fn look_the_same(ink: Color, ground: Color) -> bool {
    ink == ground || contrast(ink, ground) < SAME
}

/// Would these letters be lost on some terminal's own ground?
fn may_be_a_ground(ink: Color) -> bool {
    let white = parts_of(ink).is_some_and(|parts| parts.iter().all(|part| *part >= NEARLY_WHITE));
    white || contrast(ink, BLACK) < NEARLY_BLACK
}

/// As WCAG 2 defines it: 1 for the same, 21 for black and white. What is not known has the most.
fn contrast(one: Color, other: Color) -> f64 {
    let (Some(one), Some(other)) = (parts_of(one), parts_of(other)) else { return 21.0 };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// From 0, black, to 1, white.
fn luminance(parts: [u8; 3]) -> f64 {
    let [red, green, blue] = parts.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// Red, green and blue, as terminals usually mix them.
fn parts_of(color: Color) -> Option<[u8; 3]> {
    const BASE: [[u8; 3]; 16] = [
        [0, 0, 0],
        [205, 0, 0],
        [0, 205, 0],
        [205, 205, 0],
        [0, 0, 238],
        [205, 0, 205],
        [0, 205, 205],
        [229, 229, 229],
        [127, 127, 127],
        [255, 0, 0],
        [0, 255, 0],
        [255, 255, 0],
        [92, 92, 255],
        [255, 0, 255],
        [0, 255, 255],
        [255, 255, 255],
    ];
    match color {
        Color::Rgb(red, green, blue) => Some([red, green, blue]),
        Color::Indexed(code @ 0..=15) => Some(BASE[usize::from(code)]),
        Color::Indexed(code @ 16..=231) => {
            let step = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
            let code = code - 16;
            Some([step(code / 36), step(code / 6 % 6), step(code % 6)])
        }
        Color::Indexed(code) => Some([8 + 10 * (code - 232); 3]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(sequences: &str) -> Style {
        let mut pen = Pen::default();
        pen.run(sequences.as_bytes());
        pen.style()
    }

    #[test]
    fn every_form_of_a_colour_is_read() {
        let plain = Style::new();
        let ink = |color| plain.fg(color);
        for (sequences, style) in [
            ("\x1b[31m", ink(Color::Indexed(1))),
            ("\x1b[91m", ink(Color::Indexed(9))),
            ("\x1b[104m", plain.bg(Color::Indexed(12)).fg(WHITE)),
            ("\x1b[38;5;208m", ink(Color::Indexed(208))),
            ("\x1b[38:5:208m", ink(Color::Indexed(208))),
            ("\x1b[38;2;1;2;253m", ink(Color::Rgb(1, 2, 253))),
            ("\x1b[38:2::1:2:253m", ink(Color::Rgb(1, 2, 253))),
            ("\x1b[38:2:1:2:253m", ink(Color::Rgb(1, 2, 253))),
            ("\x1b[48;2;1;2;3;1m", plain.bg(Color::Rgb(1, 2, 3)).fg(WHITE).add_modifier(Modifier::BOLD)),
            ("\x1b[38;5;300m", plain),
            ("\x1b[38;7;31m", ink(Color::Indexed(1))),
            ("\x1b[31;58;2;9;9;9m", ink(Color::Indexed(1))),
            ("\x1b[1;3;4;9mx\x1b[22;23;24;29m", plain),
            ("\x1b[4:3m", plain.add_modifier(Modifier::UNDERLINED)),
            ("\x1b[4m\x1b[4:0m", plain),
            ("\x1b[31m\x1b[39m\x1b[7m", plain.add_modifier(Modifier::REVERSED)),
            ("\x1b[31;1;44m\x1b[m", plain),
            ("\x1b[31m\x1b[;;m", plain),
            ("\x1b[31m\x1b[2J\x1b[>4;0m", ink(Color::Indexed(1))),
        ] {
            assert_eq!(after(sequences), style, "{sequences:?}");
        }
    }

    #[test]
    fn nothing_hides_itself() {
        for sequences in [
            "\x1b[8m",
            "\x1b[5m",
            "\x1b[30;40m",
            "\x1b[38;2;7;7;7;48;2;9;9;9m",
            "\x1b[30;48;5;16m",
            "\x1b[38;2;0;0;0;48;2;25;25;25m",
            // On a ground that nobody knows.
            "\x1b[30m",
            "\x1b[37m",
            "\x1b[97m",
            "\x1b[38;5;232m",
            "\x1b[38;2;40;40;40m",
            "\x1b[38;2;255;255;240m",
        ] {
            assert_eq!(after(sequences), Style::new(), "{sequences:?}");
        }
        assert_ne!(after("\x1b[37;40m"), Style::new());
        assert_eq!(after("\x1b[30;7m"), Style::new().add_modifier(Modifier::REVERSED));
        for colour in 0..=255 {
            for sequences in [format!("\x1b[48;5;{colour}m"), format!("\x1b[38;5;{colour};48;5;{colour}m")] {
                let style = after(&sequences);
                let pair = style.fg.zip(style.bg);
                assert!(pair.is_none_or(|(ink, ground)| contrast(ink, ground) > 4.0), "{sequences:?}");
                assert_eq!(style.fg.is_some(), style.bg.is_some(), "{sequences:?}");
            }
        }
        assert!((contrast(BLACK, WHITE) - 21.0).abs() < 0.01);
    }
}
