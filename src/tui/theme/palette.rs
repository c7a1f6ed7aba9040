//! What each tone looks like, before the terminal has its say. PURE.

use ratatui::style::{Color, Modifier, Style};

use super::{Depth, Tone};

/// A look for each tone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    looks: [Style; Tone::ALL.len()],
}

/// The terminal's own sixteen colours: right on light and on dark grounds, because the user's terminal is.
impl Default for Palette {
    fn default() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let mut palette = Self { looks: [plain; Tone::ALL.len()] };
        for (tone, look) in [
            (Tone::Quiet, plain.add_modifier(Modifier::DIM)),
            (Tone::Strong, bold),
            (Tone::Good, plain.fg(Color::Green)),
            (Tone::Bad, bold.fg(Color::Red)),
            (Tone::Warn, bold.fg(Color::Magenta)),
            (Tone::Late, bold.fg(Color::Magenta).add_modifier(Modifier::UNDERLINED)),
            (Tone::Live, bold.fg(Color::Cyan)),
            (Tone::Ready, bold.fg(Color::Blue)),
            (Tone::Key, bold),
            (Tone::Code, plain.fg(Color::Cyan)),
            (Tone::Keyword, plain.fg(Color::Magenta)),
            (Tone::Text, plain.fg(Color::Green)),
            (Tone::Comment, plain.add_modifier(Modifier::DIM)),
            (Tone::Variable, bold.fg(Color::Cyan)),
            (Tone::Heading, bold),
            (Tone::Link, plain.fg(Color::Blue).add_modifier(Modifier::UNDERLINED)),
            (Tone::Selected, plain.add_modifier(Modifier::REVERSED)),
            (Tone::Alarm, bold.fg(Color::Red).add_modifier(Modifier::REVERSED)),
        ] {
            palette.set(tone, look);
        }
        palette
    }
}

impl Palette {
    /// The look of a tone.
    #[must_use]
    pub fn of(&self, tone: Tone) -> Style {
        self.looks[tone as usize]
    }

    pub(super) fn set(&mut self, tone: Tone, look: Style) {
        self.looks[tone as usize] = look;
    }

    /// The same, with no more colours than there are.
    pub(super) fn at(mut self, depth: Depth) -> Self {
        for look in &mut self.looks {
            look.fg = look.fg.map(|color| depth.show(color));
            look.bg = look.bg.map(|color| depth.show(color));
        }
        self
    }
}
