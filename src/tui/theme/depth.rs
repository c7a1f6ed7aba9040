//! How many colours a terminal shows, and the nearest of those it has to one it has not. PURE.

use ratatui::style::Color;

/// How many colours a terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// None, or nobody wants them.
    None,
    /// Its own sixteen.
    Sixteen,
    /// 256.
    Many,
    /// All, 24 bits.
    True,
}

/// The sixteen, by number.
pub(super) const NAMED: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// The steps of each channel in the cube of the 256 colours.
const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// Terminals that show all colours, and do not always get to say so over ssh.
const FULL: [&str; 6] = ["kitty", "alacritty", "foot", "wezterm", "ghostty", "contour"];

impl Depth {
    /// What the environment says, through `filled` (an empty variable is none).
    pub(super) fn from_env(filled: impl Fn(&str) -> Option<String>) -> Self {
        let term = filled("TERM").unwrap_or_default();
        if filled("NO_COLOR").is_some() || term.is_empty() || term == "dumb" || term.ends_with("-m") {
            return Self::None;
        }
        let says_all = filled("COLORTERM").is_some_and(|said| said == "truecolor" || said == "24bit");
        let all = says_all || term.contains("-direct") || FULL.iter().any(|name| term.contains(name));
        let many = term.contains("256color");
        // GNU screen takes the numbers of a 24-bit colour for other things, and COLORTERM speaks of the terminal that
        // it was started in. tmux brings down what the terminal behind it cannot show.
        let in_screen = filled("STY").is_some() || (term.starts_with("screen") && filled("TMUX").is_none());
        match (all, many) {
            (true, _) if !in_screen => Self::True,
            (_, true) => Self::Many,
            _ => Self::Sixteen,
        }
    }

    /// The nearest to `color` that there is here.
    pub(super) fn show(self, color: Color) -> Color {
        match (self, color) {
            (_, Color::Reset) | (Self::None, _) => Color::Reset,
            (Self::True, _) => color,
            (Self::Many, Color::Rgb(r, g, b)) => Color::Indexed(nearest_of_256((r, g, b))),
            (Self::Sixteen, Color::Rgb(r, g, b)) => nearest_of_16((r, g, b)),
            (Self::Sixteen, Color::Indexed(n)) => {
                NAMED.get(usize::from(n)).copied().unwrap_or_else(|| nearest_of_16(rgb_of(n)))
            }
            (_, color) => color,
        }
    }
}

/// Red, green and blue of one of the 240 colours beyond the terminal's own sixteen.
pub(super) fn rgb_of(n: u8) -> (u8, u8, u8) {
    if n >= 232 {
        let level = 8 + 10 * (n - 232);
        return (level, level, level);
    }
    let n = usize::from(n.saturating_sub(16));
    (LEVELS[n / 36], LEVELS[n / 6 % 6], LEVELS[n % 6])
}

/// Only among the 240 that look the same everywhere: the first sixteen are the user's own.
fn nearest_of_256(rgb: (u8, u8, u8)) -> u8 {
    (16..=255).min_by_key(|n| distance(rgb, rgb_of(*n))).unwrap_or(16)
}

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    // The eye sees green best and blue least.
    3 * square(a.0, b.0) + 4 * square(a.1, b.1) + 2 * square(a.2, b.2)
}

/// By hue where there is one: the nearest by numbers to any soft colour would be a grey.
fn nearest_of_16((r, g, b): (u8, u8, u8)) -> Color {
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    if most - least < 40 {
        return match most {
            0..=63 => Color::Black,
            64..=159 => Color::DarkGray,
            160..=223 => Color::Gray,
            _ => Color::White,
        };
    }
    let middle = least + (most - least) / 2;
    let number = usize::from(r > middle) + 2 * usize::from(g > middle) + 4 * usize::from(b > middle);
    NAMED[if most > 200 { number + 8 } else { number }]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(pairs: &[(&str, &str)]) -> Depth {
        Depth::from_env(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn the_environment_says_how_many_colours_there_are() {
        let full = ("COLORTERM", "truecolor");
        for (pairs, expected) in [
            (&[("TERM", "xterm-256color")][..], Depth::Many),
            (&[("TERM", "xterm-256color"), full], Depth::True),
            (&[("TERM", "xterm-direct")], Depth::True),
            (&[("TERM", "xterm-kitty")], Depth::True),
            (&[("TERM", "xterm")], Depth::Sixteen),
            (&[("TERM", "linux")], Depth::Sixteen),
            (&[("TERM", "vt220")], Depth::Sixteen),
            (&[("TERM", "xterm-256color"), full, ("NO_COLOR", "1")], Depth::None),
            (&[("TERM", "dumb"), full], Depth::None),
            (&[("TERM", "xterm-m")], Depth::None),
            (&[], Depth::None),
            (&[("TERM", "screen"), full], Depth::Sixteen),
            (&[("TERM", "screen-256color"), full], Depth::Many),
            (&[("TERM", "xterm-256color"), full, ("STY", "1.x")], Depth::Many),
            (&[("TERM", "tmux-256color"), full, ("TMUX", "x")], Depth::True),
            (&[("TERM", "screen"), full, ("TMUX", "x")], Depth::True),
        ] {
            assert_eq!(depth(pairs), expected, "{pairs:?}");
        }
    }

    #[test]
    fn a_colour_comes_down_to_one_of_its_kind() {
        assert_eq!(Depth::Many.show(Color::Rgb(255, 0, 0)), Color::Indexed(196));
        assert_eq!(Depth::Many.show(Color::Rgb(128, 128, 128)), Color::Indexed(244));
        assert_eq!(Depth::Many.show(Color::Indexed(3)), Color::Indexed(3));
        assert_eq!(Depth::Sixteen.show(Color::Indexed(3)), Color::Yellow);
        assert_eq!(Depth::Sixteen.show(Color::Indexed(196)), Color::LightRed);
        assert_eq!(Depth::Sixteen.show(Color::Rgb(0x7f, 0xc9, 0x8f)), Color::LightGreen);
        assert_eq!(Depth::Sixteen.show(Color::Rgb(0, 90, 0)), Color::Green);
        assert_eq!(Depth::Sixteen.show(Color::Rgb(250, 250, 250)), Color::White);
        assert_eq!(Depth::None.show(Color::Rgb(1, 2, 3)), Color::Reset);
        for n in 0..=255 {
            assert_eq!(Depth::True.show(Color::Indexed(n)), Color::Indexed(n));
            assert!(NAMED.contains(&Depth::Sixteen.show(Color::Indexed(n))));
        }
    }
}
