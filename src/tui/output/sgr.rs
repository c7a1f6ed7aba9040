//! The colours that a command gave its output: the sequences that set them become styles, everything else stays text.
//! PURE.
//!
//! Colours come out as numbers (`Color::Indexed`) or mixed (`Color::Rgb`) only, so that nobody takes them for ours. What
//! would hide text is left out: what is there is seen.

use ratatui::style::{Color, Modifier, Style};

use crate::text::find::{Sgr, sgr};

/// Two colours that are no further apart than this in every part cannot be told apart.
const SAME: u8 = 24;

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
        // A text in the colour of its ground hides itself.
        let hides = self.ink.zip(self.ground).is_some_and(|(ink, ground)| look_the_same(ink, ground));
        if !hides {
            style.fg = self.ink;
            style.bg = self.ground;
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

fn look_the_same(one: Color, other: Color) -> bool {
    if one == other {
        return true;
    }
    let (Some(one), Some(other)) = (parts_of(one), parts_of(other)) else { return false };
    one.iter().zip(other).all(|(one, other)| one.abs_diff(other) <= SAME)
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
            ("\x1b[97m", ink(Color::Indexed(15))),
            ("\x1b[104m", plain.bg(Color::Indexed(12))),
            ("\x1b[38;5;208m", ink(Color::Indexed(208))),
            ("\x1b[38:5:208m", ink(Color::Indexed(208))),
            ("\x1b[38;2;1;2;3m", ink(Color::Rgb(1, 2, 3))),
            ("\x1b[38:2::1:2:3m", ink(Color::Rgb(1, 2, 3))),
            ("\x1b[38:2:1:2:3m", ink(Color::Rgb(1, 2, 3))),
            ("\x1b[48;2;1;2;3;1m", plain.bg(Color::Rgb(1, 2, 3)).add_modifier(Modifier::BOLD)),
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
        for sequences in
            ["\x1b[8m", "\x1b[5m", "\x1b[30;40m", "\x1b[38;2;7;7;7;48;2;9;9;9m", "\x1b[30;48;5;16m"]
        {
            assert_eq!(after(sequences), Style::new(), "{sequences:?}");
        }
        assert_ne!(after("\x1b[37;40m"), Style::new());
    }
}
