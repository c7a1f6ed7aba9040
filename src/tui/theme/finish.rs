//! A finished picture as this terminal can show it: every tone as the theme has it, then fewer colours, then ASCII. PURE.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier, Style};

use super::{Theme, Tone, style};

impl Theme {
    /// Gives every cell of a finished screen the look of its tone, and takes away what this terminal cannot show. One
    /// cell stays one cell.
    pub fn finish(self, buffer: &mut Buffer) {
        let palette = self.palette.at(self.depth);
        for cell in &mut buffer.content {
            if cell.fg != Color::Reset || cell.bg != Color::Reset || !cell.modifier.is_empty() {
                self.dress(&palette, cell);
            } else if let Some(color) = palette.of(Tone::Plain).fg {
                cell.fg = color;
            }
            if !self.unicode && !cell.symbol().is_ascii() {
                let plain = ascii(cell.symbol());
                cell.set_symbol(plain);
            }
        }
    }

    fn dress(self, palette: &super::Palette, cell: &mut Cell) {
        let selected = Some(cell.bg) == style(Tone::Selected).bg;
        if selected {
            cell.bg = Color::Reset;
            cell.modifier -= style(Tone::Selected).add_modifier;
        }
        let mut look = Style::new();
        if let Some(tone) = tone_of(cell) {
            look = palette.of(tone);
            cell.modifier -= style(tone).add_modifier;
            cell.modifier |= look.add_modifier;
            cell.fg = look.fg.unwrap_or(Color::Reset);
        } else {
            cell.fg = self.depth.show(cell.fg);
        }
        cell.bg = look.bg.unwrap_or_else(|| self.depth.show(cell.bg));
        // What has a ground of its own is seen on any row.
        if selected && look.bg.is_none() {
            let look = palette.of(Tone::Selected);
            cell.modifier |= look.add_modifier;
            cell.fg = look.fg.unwrap_or(cell.fg);
            cell.bg = look.bg.unwrap_or(cell.bg);
        }
    }
}

/// Which tone a cell was drawn with; `None`: a command has coloured it.
fn tone_of(cell: &Cell) -> Option<Tone> {
    Some(match cell.fg {
        Color::Reset if cell.modifier.contains(Modifier::DIM) => Tone::Quiet,
        Color::Reset if cell.modifier.contains(Modifier::BOLD) => Tone::Strong,
        Color::Reset => Tone::Plain,
        Color::Green => Tone::Good,
        Color::Red => Tone::Bad,
        Color::Magenta => Tone::Warn,
        Color::Yellow => Tone::Late,
        Color::Cyan => Tone::Live,
        Color::Blue => Tone::Ready,
        Color::White => Tone::Key,
        Color::LightCyan => Tone::Code,
        Color::LightMagenta => Tone::Keyword,
        Color::LightGreen => Tone::Text,
        Color::Gray => Tone::Comment,
        Color::LightYellow => Tone::Variable,
        Color::DarkGray => Tone::Heading,
        Color::LightBlue => Tone::Link,
        Color::LightRed => Tone::Alarm,
        Color::Black | Color::Indexed(_) | Color::Rgb(..) => return None,
    })
}

/// What stands for a mark where there is only ASCII.
pub(super) fn ascii(symbol: &str) -> &'static str {
    match symbol {
        "✓" | "┌" | "┐" | "└" | "┘" | "├" | "┤" | "┬" | "┴" | "┼" => "+",
        "▶" | "▸" | "›" | "→" => ">",
        "○" => "o",
        "·" | "░" => ".",
        "✗" => "x",
        "⊘" | "─" | "—" | "–" => "-",
        "◆" | "▓" => "#",
        "⏸" | "━" => "=",
        "↶" | "←" => "<",
        "│" | "▏" => "|",
        "…" => "~",
        "•" => "*",
        "↑" => "^",
        "↓" => "v",
        "“" | "”" => "\"",
        "’" | "‘" => "'",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::super::Depth;
    use super::*;

    fn cell(style: Style) -> Cell {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 1, 1));
        buffer.set_string(0, 0, "x", style);
        buffer.content[0].clone()
    }

    #[test]
    fn every_tone_is_known_again_by_its_name() {
        for (tone, name) in Tone::ALL.iter().filter(|(tone, _)| *tone != Tone::Selected) {
            assert_eq!(tone_of(&cell(style(*tone))), Some(*tone), "{name}");
            let bold = style(*tone).add_modifier(Modifier::BOLD);
            let known = tone_of(&cell(bold));
            assert!(*tone == Tone::Plain || known == Some(*tone), "{name} in bold is {known:?}");
        }
    }

    #[test]
    fn a_selected_row_keeps_the_tones_of_its_letters() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 2, 1));
        buffer.set_string(0, 0, "x", style(Tone::Bad));
        buffer.set_style(buffer.area, style(Tone::Selected));
        Theme::default().finish(&mut buffer);
        assert_eq!(buffer.content[0].fg, Color::Red);
        assert!(
            buffer.content.iter().all(|c| c.modifier.contains(Modifier::REVERSED) && c.bg == Color::Reset)
        );
    }

    #[test]
    fn what_a_command_coloured_is_no_tone() {
        for depth in [Depth::Many, Depth::True] {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 1, 1));
            buffer.set_string(0, 0, "x", Style::new().fg(Color::Indexed(2)).bg(Color::Indexed(15)));
            Theme { depth, ..Theme::default() }.finish(&mut buffer);
            assert_eq!((buffer.content[0].fg, buffer.content[0].bg), (Color::Indexed(2), Color::Indexed(15)));
        }
    }
}
