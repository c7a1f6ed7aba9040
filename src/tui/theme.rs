//! How things look: marks and styles, for every terminal. PURE.
//!
//! Everything is drawn with the full set of marks and sixteen colours; [`Theme::finish`] takes away what the terminal
//! cannot show. Colour never says anything that a mark, a word or a place does not say too.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

use crate::session::view::{CheckStatus, StepStatus};

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// It has colours, and nobody asked to leave them away.
    pub color: bool,
    /// It shows more than ASCII.
    pub unicode: bool,
}

impl Theme {
    /// Reads the starter's environment, through `var`: `NO_COLOR`, `TERM`, and the locale.
    pub fn from_env(var: impl Fn(&str) -> Option<String>) -> Self {
        let filled = |name: &str| var(name).filter(|value| !value.is_empty());
        let term = filled("TERM").unwrap_or_default();
        let locale =
            filled("LC_ALL").or_else(|| filled("LC_CTYPE")).or_else(|| filled("LANG")).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        // The consoles of the kernel and of old hardware have fonts of a few hundred characters.
        let old = term == "linux" || term.starts_with("vt1") || term.starts_with("vt2") || term == "dumb";
        Self {
            color: filled("NO_COLOR").is_none() && term != "dumb" && !term.ends_with("-m"),
            unicode: !old && (locale.contains("utf-8") || locale.contains("utf8")),
        }
    }

    /// Takes away from a finished screen what this terminal cannot show. One cell stays one cell.
    pub fn finish(self, buffer: &mut Buffer) {
        if self.color && self.unicode {
            return;
        }
        for cell in &mut buffer.content {
            if !self.color {
                cell.fg = Color::Reset;
                cell.bg = Color::Reset;
            }
            if !self.unicode && !cell.symbol().is_ascii() {
                let plain = ascii(cell.symbol());
                cell.set_symbol(plain);
            }
        }
    }
}

/// The full set, for tests and pictures.
impl Default for Theme {
    fn default() -> Self {
        Self { color: true, unicode: true }
    }
}

/// What stands for a mark where there is only ASCII.
fn ascii(symbol: &str) -> &'static str {
    match symbol {
        "✓" | "┌" | "┐" | "└" | "┘" | "├" | "┤" | "┬" | "┴" | "┼" => "+",
        "▶" | "▸" | "›" | "→" => ">",
        "○" => "o",
        "·" | "░" => ".",
        "✗" => "x",
        "⊘" | "─" | "—" | "–" => "-",
        "◆" | "▓" => "#",
        "⏸" => "=",
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

/// What a text is, as far as its look goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As the terminal writes.
    Plain,
    /// Less important: ages, hints, frames.
    Quiet,
    /// More important: titles.
    Strong,
    /// Done, holds.
    Good,
    /// Failed, does not hold.
    Bad,
    /// Look here before you go on.
    Warn,
    /// Under way.
    Live,
    /// Can be started.
    Ready,
    /// A key to press.
    Key,
    /// Scripts and values.
    Code,
    /// The row the keys speak of.
    Selected,
    /// A line that must not be overlooked.
    Alarm,
}

/// The style of a tone.
#[must_use]
pub fn style(tone: Tone) -> Style {
    let plain = Style::new();
    match tone {
        Tone::Plain => plain,
        Tone::Quiet => plain.add_modifier(Modifier::DIM),
        Tone::Strong | Tone::Key => plain.add_modifier(Modifier::BOLD),
        Tone::Good => plain.fg(Color::Green),
        Tone::Bad => plain.fg(Color::Red).add_modifier(Modifier::BOLD),
        Tone::Warn => plain.fg(Color::Magenta).add_modifier(Modifier::BOLD),
        Tone::Live => plain.fg(Color::Cyan).add_modifier(Modifier::BOLD),
        Tone::Ready => plain.fg(Color::Blue).add_modifier(Modifier::BOLD),
        Tone::Code => plain.fg(Color::Cyan),
        Tone::Selected => plain.add_modifier(Modifier::REVERSED),
        Tone::Alarm => plain.fg(Color::Red).add_modifier(Modifier::BOLD.union(Modifier::REVERSED)),
    }
}

/// The mark, tone and word of a step's state.
#[must_use]
pub fn of_step(status: StepStatus) -> (&'static str, Tone, &'static str) {
    match status {
        StepStatus::Waiting => ("·", Tone::Quiet, "waiting"),
        StepStatus::Ready => ("○", Tone::Ready, "ready"),
        StepStatus::Running => ("▶", Tone::Live, "running"),
        StepStatus::Done => ("✓", Tone::Good, "done"),
        StepStatus::Failed => ("✗", Tone::Bad, "failed"),
        StepStatus::Skipped => ("⊘", Tone::Quiet, "skipped"),
        StepStatus::Interrupted => ("?", Tone::Warn, "interrupted"),
        StepStatus::Undone => ("↶", Tone::Quiet, "undone"),
    }
}

/// The mark, tone and word of a check's state.
#[must_use]
pub fn of_check(status: CheckStatus) -> (&'static str, Tone, &'static str) {
    match status {
        CheckStatus::Unknown => ("?", Tone::Quiet, "not asked"),
        CheckStatus::Running => ("▶", Tone::Live, "being asked"),
        CheckStatus::Holds => ("✓", Tone::Good, "holds"),
        CheckStatus::Fails => ("✗", Tone::Bad, "does not hold"),
        CheckStatus::Error => ("✗", Tone::Bad, "no answer"),
        CheckStatus::Stale => ("?", Tone::Warn, "stale"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(pairs: &[(&str, &str)]) -> Theme {
        Theme::from_env(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn the_environment_says_what_a_terminal_can_show() {
        let full = theme(&[("TERM", "xterm-256color"), ("LANG", "en_US.UTF-8")]);
        assert_eq!(full, Theme { color: true, unicode: true });
        assert!(!theme(&[("TERM", "xterm"), ("LANG", "C.UTF-8"), ("NO_COLOR", "1")]).color);
        assert!(
            theme(&[("TERM", "xterm"), ("LANG", "C.utf8"), ("NO_COLOR", "")]).color,
            "an empty NO_COLOR is none"
        );
        assert!(
            !theme(&[("TERM", "xterm"), ("LANG", "en_US.UTF-8"), ("LC_ALL", "C")]).unicode,
            "LC_ALL wins"
        );
        assert!(!theme(&[("TERM", "linux"), ("LANG", "en_US.UTF-8")]).unicode);
        assert!(!theme(&[]).unicode);
    }

    #[test]
    fn every_mark_has_an_ascii_form_of_its_own() {
        let states = [
            StepStatus::Waiting,
            StepStatus::Ready,
            StepStatus::Running,
            StepStatus::Done,
            StepStatus::Failed,
            StepStatus::Skipped,
            StepStatus::Interrupted,
            StepStatus::Undone,
        ];
        let plain: std::collections::BTreeSet<&str> = states
            .iter()
            .map(|s| of_step(*s).0)
            .map(|mark| if mark.is_ascii() { mark } else { ascii(mark) })
            .collect();
        assert_eq!(plain.len(), states.len(), "two states look the same: {plain:?}");
    }
}
