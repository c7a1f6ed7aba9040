//! What each tone looks like, before the terminal has its say; and the themes that are bundled. PURE.

use std::sync::LazyLock;

use ratatui::style::{Color, Modifier, Style};

use super::file::{Read, read};
use super::{Depth, Tone};

/// The bundled themes, each a file that people can begin with.
pub const BUNDLED: [(&str, &str); 5] = [
    ("default", include_str!("bundled/default.yaml")),
    ("dark", include_str!("bundled/dark.yaml")),
    ("light", include_str!("bundled/light.yaml")),
    ("high-contrast", include_str!("bundled/high-contrast.yaml")),
    ("mono", include_str!("bundled/mono.yaml")),
];

/// A look for each tone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    looks: [Style; Tone::ALL.len()],
}

static DEFAULT: LazyLock<Palette> = LazyLock::new(|| of_bundled("default"));
static MONO: LazyLock<Palette> = LazyLock::new(|| of_bundled("mono"));

/// A file of ours that could not be read would leave all plain; a test reads them.
fn of_bundled(name: &str) -> Palette {
    bundled(name, &Palette::plain()).map_or_else(Palette::plain, |read| read.palette)
}

fn bundled(name: &str, base: &Palette) -> Option<Read> {
    let (_, source) = BUNDLED.iter().find(|(known, _)| *known == name)?;
    read(source.as_bytes(), name, *base).ok()
}

/// The terminal's own sixteen colours: right on light and on dark grounds, because the user's terminal is.
impl Default for Palette {
    fn default() -> Self {
        *DEFAULT
    }
}

impl Palette {
    /// The bundled theme of this name.
    #[must_use]
    pub fn bundled(name: &str) -> Option<Read> {
        bundled(name, &Self::default())
    }

    fn plain() -> Self {
        Self { looks: [Style::new(); Tone::ALL.len()] }
    }

    /// The look of a tone.
    #[must_use]
    pub fn of(&self, tone: Tone) -> Style {
        self.looks[tone as usize]
    }

    pub(super) fn set(&mut self, tone: Tone, look: Style) {
        self.looks[tone as usize] = look;
    }

    /// The same where there are no more colours than these. Among sixteen, a tone whose colour is not one of them looks
    /// as in the default theme: the nearest of somebody's own sixteen may not be seen on their ground. Without any, all
    /// themes look like `mono`.
    pub(super) fn at(mut self, depth: Depth) -> Self {
        if depth == Depth::None {
            return *MONO;
        }
        for (look, default) in self.looks.iter_mut().zip(DEFAULT.looks) {
            if depth == Depth::Sixteen && [look.fg, look.bg].into_iter().flatten().any(beyond_sixteen) {
                *look = default;
            }
            look.fg = look.fg.map(|color| depth.show(color));
            look.bg = look.bg.map(|color| depth.show(color));
            // A ground that comes out as the letters on it would hide them.
            if look.bg.is_some() && look.bg == look.fg {
                *look = Style::new().add_modifier(look.add_modifier | Modifier::REVERSED);
            }
        }
        self
    }
}

fn beyond_sixteen(color: Color) -> bool {
    matches!(color, Color::Rgb(..) | Color::Indexed(16..))
}

#[cfg(test)]
mod tests;
