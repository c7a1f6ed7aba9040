//! What a terminal is by its name, and how large it is. PURE but for the asking.

use std::sync::OnceLock;

/// Columns and rows that most terminals have, and that one has which does not say.
const USUAL: (u16, u16) = (80, 24);

/// The most columns and rows that are drawn on: more than any window has, and a picture of it is no burden. A terminal may
/// say anything.
const MOST: (u16, u16) = (1_000, 500);

/// Which sequences a terminal knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A screen beside the usual one, brackets around what is pasted, a mouse; or it leaves away what it does not know.
    Modern,
    /// The console of a kernel, or of old hardware and what stands for it on a serial line: cursor, erasing, attributes.
    Old,
}

impl Kind {
    /// By the value of `TERM`.
    #[must_use]
    pub fn of(term: &str) -> Self {
        const OLD: [&str; 9] = ["vt1", "vt2", "vt3", "vt5", "ansi", "linux", "cons", "sun", "pc"];
        if OLD.iter().any(|name| term.starts_with(name)) { Self::Old } else { Self::Modern }
    }
}

/// The kind of this process's terminal.
#[must_use]
pub fn kind() -> Kind {
    static KIND: OnceLock<Kind> = OnceLock::new();
    *KIND.get_or_init(|| Kind::of(&std::env::var("TERM").unwrap_or_default()))
}

/// Has this process's terminal colours that are asked for by number, as all are that are sent? An old one takes the parts
/// of such a number for other things, blinking among them; the console of Linux knows them.
#[must_use]
pub fn knows_colours() -> bool {
    kind() == Kind::Modern || std::env::var("TERM").is_ok_and(|term| term.starts_with("linux"))
}

/// Can a terminal of this name show lines and nothing else?
#[must_use]
pub fn shows_only_lines(term: Option<&str>) -> bool {
    matches!(term, None | Some("" | "dumb" | "unknown" | "network" | "dialup" | "emacs"))
}

/// How large a terminal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns and rows.
    pub cells: (u16, u16),
    /// It does not say; this is what was taken instead.
    pub guessed: bool,
}

impl Size {
    /// From what the terminal says, and the variables `COLUMNS` and `LINES` where it says nothing, as a serial console
    /// does.
    fn of((columns, rows): (u16, u16), var: impl Fn(&str) -> Option<String>) -> Self {
        if columns > 0 && rows > 0 {
            return Self { cells: (columns.min(MOST.0), rows.min(MOST.1)), guessed: false };
        }
        let set = |name: &str| var(name)?.trim().parse().ok().filter(|count: &u16| *count > 0);
        let or = |said: u16, name, usual| if said > 0 { said } else { set(name).unwrap_or(usual) };
        let (columns, rows) = (or(columns, "COLUMNS", USUAL.0), or(rows, "LINES", USUAL.1));
        Self { cells: (columns.min(MOST.0), rows.min(MOST.1)), guessed: true }
    }
}

/// The size of this process's terminal now.
#[must_use]
pub fn size() -> Size {
    let said = rustix::termios::tcgetwinsize(rustix::stdio::stdout());
    Size::of(said.map_or((0, 0), |said| (said.ws_col, said.ws_row)), |name| std::env::var(name).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_terminals_are_known_by_name() {
        for term in ["vt100", "vt102", "vt220", "vt320", "linux", "linux-16color", "ansi", "cons25"] {
            assert_eq!(Kind::of(term), Kind::Old, "{term}");
        }
        for term in [
            "xterm",
            "xterm-256color",
            "screen",
            "screen-256color",
            "tmux-256color",
            "ms-terminal",
            "foot",
            "putty",
        ] {
            assert_eq!(Kind::of(term), Kind::Modern, "{term}");
            assert!(!shows_only_lines(Some(term)));
        }
        assert!(shows_only_lines(None) && shows_only_lines(Some("dumb")) && shows_only_lines(Some("")));
    }

    #[test]
    fn a_serial_console_that_says_nothing_is_taken_as_80_by_24_or_as_the_shell_says() {
        let none = |_: &str| None;
        assert_eq!(Size::of((132, 43), none), Size { cells: (132, 43), guessed: false });
        assert_eq!(Size::of((0, 0), none), Size { cells: (80, 24), guessed: true });
        let shell = |name: &str| Some(if name == "LINES" { "30" } else { "100" }.to_owned());
        assert_eq!(Size::of((0, 0), shell), Size { cells: (100, 30), guessed: true });
        assert_eq!(Size::of((70, 0), shell).cells, (70, 30));
        assert_eq!(Size::of((0, 0), |_| Some("0".to_owned())).cells, (80, 24));
        assert_eq!(Size::of((0, 0), |_| Some("wide".to_owned())).cells, (80, 24));
    }

    #[test]
    fn s9_a_size_that_no_window_has_is_no_burden() {
        let none = |_: &str| None;
        assert_eq!(Size::of((u16::MAX, u16::MAX), none).cells, MOST);
        assert_eq!(Size::of((0, u16::MAX), |_| Some("65535".to_owned())).cells, MOST);
    }
}
