//! How things look: marks and styles, for every terminal. PURE.
//!
//! Views draw with [`style`]: its sixteen named colours are nothing but our own names of the tones. [`Theme::finish`]
//! gives each cell what the theme says of its tone, then takes away what the terminal cannot show. What a command coloured
//! itself must be drawn with `Color::Indexed` and `Color::Rgb` alone: a theme has no say in those, only the terminal has.
//! Colour never says anything that a mark, a word or a place does not say too.

mod depth;
mod file;
mod finish;
mod ground;
mod palette;
mod sgr;

pub use depth::Depth;
pub use file::{Read, read};
pub use ground::Ground;
pub use palette::{BUNDLED, Palette};
pub use sgr::painted;

use ratatui::style::{Color, Modifier, Style};

use crate::session::view::{CheckStatus, StepStatus};

/// How things look on this terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// How many colours it shows; none where somebody asked to leave them away.
    pub depth: Depth,
    /// It shows more than ASCII.
    pub unicode: bool,
    /// What each tone looks like.
    pub palette: Palette,
}

impl Theme {
    /// Reads the starter's environment, through `var`: `NO_COLOR`, `COLORTERM`, `TERM`, and the locale.
    pub fn from_env(var: impl Fn(&str) -> Option<String>) -> Self {
        let filled = |name: &str| var(name).filter(|value| !value.is_empty());
        let term = filled("TERM").unwrap_or_default();
        let locale =
            filled("LC_ALL").or_else(|| filled("LC_CTYPE")).or_else(|| filled("LANG")).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        // The consoles of the kernel and of old hardware have fonts of a few hundred characters.
        let old = term == "linux" || term.starts_with("vt1") || term.starts_with("vt2") || term == "dumb";
        Self {
            depth: Depth::from_env(filled),
            unicode: !old && (locale.contains("utf-8") || locale.contains("utf8")),
            palette: Palette::default(),
        }
    }

    /// What a tone looks like on this terminal.
    #[must_use]
    pub fn look(&self, tone: Tone) -> Style {
        self.palette.at(self.depth).of(tone)
    }

    /// What every terminal shows: neither colours nor more than ASCII.
    #[must_use]
    pub fn bare() -> Self {
        Self { depth: Depth::None, unicode: false, palette: Palette::default() }
    }
}

/// The full set, for tests and pictures.
impl Default for Theme {
    fn default() -> Self {
        Self { depth: Depth::True, unicode: true, palette: Palette::default() }
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
    /// Takes longer than it should.
    Late,
    /// Under way.
    Live,
    /// Can be started.
    Ready,
    /// A key to press.
    Key,
    /// Scripts and values.
    Code,
    /// A word of the shell's own in a script: `if`, `while`, `done`.
    Keyword,
    /// A text in quotes in a script.
    Text,
    /// What a script says to people only.
    Comment,
    /// A variable or `${name}` in a script.
    Variable,
    /// A heading of an instruction.
    Heading,
    /// Where a link leads.
    Link,
    /// The row the keys speak of.
    Selected,
    /// A line that must not be overlooked.
    Alarm,
}

impl Tone {
    /// All of them, each at the place of its number, with its name in a theme file.
    pub const ALL: [(Self, &'static str); 19] = [
        (Self::Plain, "plain"),
        (Self::Quiet, "quiet"),
        (Self::Strong, "strong"),
        (Self::Good, "good"),
        (Self::Bad, "bad"),
        (Self::Warn, "warn"),
        (Self::Late, "late"),
        (Self::Live, "live"),
        (Self::Ready, "ready"),
        (Self::Key, "key"),
        (Self::Code, "code"),
        (Self::Keyword, "keyword"),
        (Self::Text, "text"),
        (Self::Comment, "comment"),
        (Self::Variable, "variable"),
        (Self::Heading, "heading"),
        (Self::Link, "link"),
        (Self::Selected, "selected"),
        (Self::Alarm, "alarm"),
    ];
}

/// What a view draws a tone with. It is a name more than a look: no two tones have the same, the colour of the letters
/// alone tells those apart that have one, and a bold or underlined letter keeps its tone.
#[must_use]
pub const fn style(tone: Tone) -> Style {
    let plain = Style::new();
    match tone {
        Tone::Plain => plain,
        Tone::Quiet => plain.add_modifier(Modifier::DIM),
        Tone::Strong => plain.add_modifier(Modifier::BOLD),
        Tone::Good => plain.fg(Color::Green),
        Tone::Bad => plain.fg(Color::Red).add_modifier(Modifier::BOLD),
        Tone::Warn => plain.fg(Color::Magenta).add_modifier(Modifier::BOLD),
        Tone::Late => plain.fg(Color::Yellow).add_modifier(Modifier::BOLD),
        Tone::Live => plain.fg(Color::Cyan).add_modifier(Modifier::BOLD),
        Tone::Ready => plain.fg(Color::Blue).add_modifier(Modifier::BOLD),
        Tone::Key => plain.fg(Color::White).add_modifier(Modifier::BOLD),
        Tone::Code => plain.fg(Color::LightCyan),
        Tone::Keyword => plain.fg(Color::LightMagenta),
        Tone::Text => plain.fg(Color::LightGreen),
        Tone::Comment => plain.fg(Color::Gray),
        Tone::Variable => plain.fg(Color::LightYellow),
        Tone::Heading => plain.fg(Color::DarkGray).add_modifier(Modifier::BOLD),
        Tone::Link => plain.fg(Color::LightBlue).add_modifier(Modifier::UNDERLINED),
        // The letters of a selected row keep their tones.
        Tone::Selected => plain.bg(Color::White).add_modifier(Modifier::REVERSED),
        Tone::Alarm => plain.fg(Color::LightRed).add_modifier(Modifier::BOLD.union(Modifier::REVERSED)),
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
        assert_eq!((full.depth, full.unicode), (Depth::Many, true));
        assert!(theme(&[("TERM", "xterm"), ("LANG", "C.utf8"), ("NO_COLOR", "")]).unicode);
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
            .map(|mark| if mark.is_ascii() { mark } else { finish::ascii(mark) })
            .collect();
        assert_eq!(plain.len(), states.len(), "two states look the same: {plain:?}");
    }
}
