//! Keys as a terminal sends them to the command behind it. PURE.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What the command has asked its terminal for, as far as keys go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Arrows as an application wants them.
    pub application_cursor: bool,
    /// Pastes between brackets.
    pub bracketed_paste: bool,
}

impl Asked {
    /// What the command on this screen asked for.
    #[must_use]
    pub fn of(screen: &vt100::Screen) -> Self {
        Self { application_cursor: screen.application_cursor(), bracketed_paste: screen.bracketed_paste() }
    }
}

/// The one key that comes back to onbelay: `Ctrl-]`, which terminals send as the byte 0x1d, and which is read as
/// `Ctrl-5` where nothing tells them apart.
#[must_use]
pub fn comes_back(key: KeyEvent) -> bool {
    key.modifiers.contains(KeyModifiers::CONTROL)
        && !key.modifiers.contains(KeyModifiers::ALT)
        && matches!(key.code, KeyCode::Char(']' | '5'))
}

/// The bytes that a terminal sends for a key; `None`: it sends nothing.
#[must_use]
pub fn bytes(key: KeyEvent, asked: Asked) -> Option<Vec<u8>> {
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let plain: &[u8] = match key.code {
        KeyCode::Char(c) => {
            let mut out = if alt { vec![0x1b] } else { Vec::new() };
            match control.then(|| controlled(c)).flatten() {
                Some(byte) => out.push(byte),
                None => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
            return Some(out);
        }
        KeyCode::Enter => b"\r",
        KeyCode::Tab => b"\t",
        KeyCode::Esc => b"\x1b",
        KeyCode::Backspace if control => b"\x08",
        KeyCode::Backspace => b"\x7f",
        KeyCode::Null => b"\0",
        KeyCode::BackTab => return Some(b"\x1b[Z".to_vec()),
        _ => return function(key, asked),
    };
    let mut out = if alt { vec![0x1b] } else { Vec::new() };
    out.extend_from_slice(plain);
    Some(out)
}

/// The control character of a character, where it has one.
fn controlled(c: char) -> Option<u8> {
    Some(match c {
        'a'..='z' | 'A'..='Z' => u8::try_from(c).ok()? & 0x1f,
        ' ' | '@' | '2' => 0,
        '[' | '3' => 0x1b,
        '\\' | '4' => 0x1c,
        ']' | '5' => 0x1d,
        '^' | '6' => 0x1e,
        '_' | '7' | '/' => 0x1f,
        '?' | '8' => 0x7f,
        _ => return None,
    })
}

/// Keys that are sent as sequences.
fn function(key: KeyEvent, asked: Asked) -> Option<Vec<u8>> {
    let held = 1
        + u8::from(key.modifiers.contains(KeyModifiers::SHIFT))
        + 2 * u8::from(key.modifiers.contains(KeyModifiers::ALT))
        + 4 * u8::from(key.modifiers.contains(KeyModifiers::CONTROL));
    let letter = |letter: char, application: bool| match (held, application) {
        (1, true) => format!("\x1bO{letter}"),
        (1, false) => format!("\x1b[{letter}"),
        _ => format!("\x1b[1;{held}{letter}"),
    };
    let number =
        |number: u8| if held == 1 { format!("\x1b[{number}~") } else { format!("\x1b[{number};{held}~") };
    let application = asked.application_cursor;
    let sequence = match key.code {
        KeyCode::Up => letter('A', application),
        KeyCode::Down => letter('B', application),
        KeyCode::Right => letter('C', application),
        KeyCode::Left => letter('D', application),
        KeyCode::KeypadBegin => letter('E', application),
        KeyCode::End => letter('F', application),
        KeyCode::Home => letter('H', application),
        KeyCode::Insert => number(2),
        KeyCode::Delete => number(3),
        KeyCode::PageUp => number(5),
        KeyCode::PageDown => number(6),
        KeyCode::F(n @ 1..=4) => letter(char::from(b'O' + n), true),
        KeyCode::F(n) => {
            let numbers = [15, 17, 18, 19, 20, 21, 23, 24, 25, 26, 28, 29, 31, 32, 33, 34];
            number(*numbers.get(usize::from(n).checked_sub(5)?)?)
        }
        _ => return None,
    };
    Some(sequence.into_bytes())
}

/// A paste as a terminal sends it: line ends as Enter sends them, nothing that a person could not type as a character,
/// between brackets where the command asked for them. The second: how many characters were left out.
#[must_use]
pub fn paste(text: &str, asked: Asked) -> (Vec<u8>, usize) {
    let text = text.replace("\r\n", "\r").replace('\n', "\r");
    let kept: String = text.chars().filter(|c| matches!(c, '\r' | '\t') || !c.is_control()).collect();
    let left_out = text.chars().count() - kept.chars().count();
    let bytes = if asked.bracketed_paste {
        [b"\x1b[200~", kept.as_bytes(), b"\x1b[201~"].concat()
    } else {
        kept.into_bytes()
    };
    (bytes, left_out)
}

/// A key as people write it in a line (`^C`, `Esc`, `Up`, `F5`, `Enter`), for those who type in lines.
#[must_use]
pub fn named(name: &str) -> Option<KeyEvent> {
    let plain = |code| KeyEvent::new(code, KeyModifiers::NONE);
    let chord = |c: char| KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
    let lower = name.to_ascii_lowercase();
    let mut after_chord =
        lower.strip_prefix('^').or_else(|| lower.strip_prefix("ctrl-")).unwrap_or_default().chars();
    if let (Some(c), None) = (after_chord.next(), after_chord.next()) {
        return controlled(c).map(|_| chord(c));
    }
    Some(plain(match lower.as_str() {
        "enter" | "return" => KeyCode::Enter,
        "tab" => KeyCode::Tab,
        "esc" | "escape" => KeyCode::Esc,
        "space" => KeyCode::Char(' '),
        "backspace" => KeyCode::Backspace,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "pgup" | "pageup" => KeyCode::PageUp,
        "pgdn" | "pagedown" => KeyCode::PageDown,
        "insert" => KeyCode::Insert,
        "delete" => KeyCode::Delete,
        _ => {
            let mut chars = name.chars();
            match (chars.next(), chars.next()) {
                (Some(c), None) => KeyCode::Char(c),
                (Some('f' | 'F'), Some(_)) => {
                    KeyCode::F(lower[1..].parse().ok().filter(|n| (1..=20).contains(n))?)
                }
                _ => return None,
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NORMAL: Asked = Asked { application_cursor: false, bracketed_paste: false };
    const APPLICATION: Asked = Asked { application_cursor: true, bracketed_paste: true };

    #[track_caller]
    fn sends(code: KeyCode, modifiers: KeyModifiers, normal: &str, application: &str) {
        let key = KeyEvent::new(code, modifiers);
        let text = |asked| String::from_utf8(bytes(key, asked).expect("sends something")).expect("is text");
        assert_eq!(text(NORMAL), normal, "{code:?} {modifiers:?}");
        assert_eq!(text(APPLICATION), application, "{code:?} {modifiers:?}, application");
    }

    #[test]
    fn keys_are_sent_as_a_terminal_sends_them() {
        let (none, ctrl, alt, shift) =
            (KeyModifiers::NONE, KeyModifiers::CONTROL, KeyModifiers::ALT, KeyModifiers::SHIFT);
        let same = |code, modifiers, text: &str| sends(code, modifiers, text, text);
        same(KeyCode::Char('a'), none, "a");
        same(KeyCode::Char('A'), shift, "A");
        same(KeyCode::Char('é'), none, "é");
        same(KeyCode::Char('日'), none, "日");
        same(KeyCode::Char('x'), alt, "\x1bx");
        same(KeyCode::Char('c'), ctrl, "\x03");
        same(KeyCode::Char('x'), ctrl, "\x18");
        same(KeyCode::Char('z'), ctrl, "\x1a");
        same(KeyCode::Char('h'), ctrl, "\x08");
        same(KeyCode::Char(' '), ctrl, "\0");
        same(KeyCode::Char('5'), ctrl, "\x1d");
        same(KeyCode::Char(']'), ctrl, "\x1d");
        same(KeyCode::Char('4'), ctrl, "\x1c");
        same(KeyCode::Char('7'), ctrl, "\x1f");
        same(KeyCode::Char('c'), ctrl.union(alt), "\x1b\x03");
        same(KeyCode::Char('1'), ctrl, "1");
        same(KeyCode::Enter, none, "\r");
        same(KeyCode::Enter, alt, "\x1b\r");
        same(KeyCode::Tab, none, "\t");
        same(KeyCode::BackTab, shift, "\x1b[Z");
        same(KeyCode::Backspace, none, "\x7f");
        same(KeyCode::Backspace, alt, "\x1b\x7f");
        same(KeyCode::Esc, none, "\x1b");
        same(KeyCode::Delete, none, "\x1b[3~");
        same(KeyCode::Insert, none, "\x1b[2~");
        same(KeyCode::PageUp, none, "\x1b[5~");
        same(KeyCode::PageDown, ctrl, "\x1b[6;5~");
        same(KeyCode::F(1), none, "\x1bOP");
        same(KeyCode::F(4), none, "\x1bOS");
        same(KeyCode::F(5), none, "\x1b[15~");
        same(KeyCode::F(12), none, "\x1b[24~");
        same(KeyCode::F(3), shift, "\x1b[1;2R");
        same(KeyCode::Left, ctrl, "\x1b[1;5D");
        same(KeyCode::Up, shift.union(alt), "\x1b[1;4A");
        sends(KeyCode::Up, none, "\x1b[A", "\x1bOA");
        sends(KeyCode::Left, none, "\x1b[D", "\x1bOD");
        sends(KeyCode::Home, none, "\x1b[H", "\x1bOH");
        sends(KeyCode::End, none, "\x1b[F", "\x1bOF");
        assert_eq!(bytes(KeyEvent::new(KeyCode::CapsLock, none), NORMAL), None);
        assert_eq!(bytes(KeyEvent::new(KeyCode::F(200), none), NORMAL), None);
    }

    #[test]
    fn one_key_comes_back_however_the_terminal_is_read() {
        let key = |c, modifiers| KeyEvent::new(KeyCode::Char(c), modifiers);
        assert!(comes_back(key(']', KeyModifiers::CONTROL)) && comes_back(key('5', KeyModifiers::CONTROL)));
        for other in [
            key(']', KeyModifiers::NONE),
            key('5', KeyModifiers::NONE),
            key('x', KeyModifiers::CONTROL),
            key(']', KeyModifiers::CONTROL.union(KeyModifiers::ALT)),
        ] {
            assert!(!comes_back(other), "{other:?}");
        }
    }

    #[test]
    fn a_paste_ends_lines_as_enter_does_and_cannot_leave_its_brackets() {
        assert_eq!(paste("one\ntwo\r\n", NORMAL), (b"one\rtwo\r".to_vec(), 0));
        let (bytes, left_out) = paste("a\x1b[201~rm\n", APPLICATION);
        assert_eq!(bytes, b"\x1b[200~a[201~rm\r\x1b[201~");
        assert_eq!(left_out, 1);
    }

    #[test]
    fn keys_have_names_for_those_who_type_in_lines() {
        let sent = |name| named(name).and_then(|key| bytes(key, NORMAL));
        assert_eq!(sent("^C").as_deref(), Some(&b"\x03"[..]));
        assert_eq!(sent("ctrl-d").as_deref(), Some(&b"\x04"[..]));
        assert_eq!(sent("Esc").as_deref(), Some(&b"\x1b"[..]));
        assert_eq!(sent("up").as_deref(), Some(&b"\x1b[A"[..]));
        assert_eq!(sent("F5").as_deref(), Some(&b"\x1b[15~"[..]));
        assert_eq!(sent("q").as_deref(), Some(&b"q"[..]));
        assert_eq!(sent("Q").as_deref(), Some(&b"Q"[..]));
        assert_eq!(sent("f").as_deref(), Some(&b"f"[..]));
        for unknown in ["", "F99", "fx", "hyper", "^ä"] {
            assert_eq!(named(unknown), None, "{unknown}");
        }
    }
}
