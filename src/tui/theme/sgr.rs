//! A look as the bytes that make a terminal write so. PURE.

use ratatui::style::{Color, Modifier, Style};

use super::depth::NAMED;

/// `text` in this look, and the terminal's own after it. The sixteen are written as terminals that have no more read them.
#[must_use]
pub fn painted(look: Style, text: &str) -> String {
    let mut codes = Vec::new();
    for (modifier, code) in [
        (Modifier::BOLD, 1),
        (Modifier::DIM, 2),
        (Modifier::ITALIC, 3),
        (Modifier::UNDERLINED, 4),
        (Modifier::REVERSED, 7),
        (Modifier::CROSSED_OUT, 9),
    ] {
        if look.add_modifier.contains(modifier) {
            codes.push(code.to_string());
        }
    }
    codes.extend(look.fg.and_then(|color| code(color, 30)));
    codes.extend(look.bg.and_then(|color| code(color, 40)));
    if codes.is_empty() { text.to_owned() } else { format!("\u{1b}[{}m{text}\u{1b}[0m", codes.join(";")) }
}

/// The code of a colour; `first` is that of black: 30 for letters, 40 behind them.
fn code(color: Color, first: usize) -> Option<String> {
    match color {
        Color::Reset => None,
        Color::Indexed(n) => Some(format!("{};5;{n}", first + 8)),
        Color::Rgb(r, g, b) => Some(format!("{};2;{r};{g};{b}", first + 8)),
        named => {
            let n = NAMED.iter().position(|known| *known == named)?;
            Some((if n < 8 { first + n } else { first + 60 + n - 8 }).to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_written_as_terminals_read_it() {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        assert_eq!(painted(Style::new(), "x"), "x");
        assert_eq!(painted(bold.fg(Color::Red), "x"), "\u{1b}[1;31mx\u{1b}[0m");
        assert_eq!(
            painted(Style::new().fg(Color::LightBlue).bg(Color::White), "x"),
            "\u{1b}[94;107mx\u{1b}[0m"
        );
        assert_eq!(painted(Style::new().fg(Color::Indexed(200)), "x"), "\u{1b}[38;5;200mx\u{1b}[0m");
        assert_eq!(painted(Style::new().bg(Color::Rgb(1, 2, 3)), "x"), "\u{1b}[48;2;1;2;3mx\u{1b}[0m");
    }
}
