//! The terminal: taken over at the start, given back as it was however this ends. SHELL.
//! It must not know what is drawn on it.

mod kind;
mod pen;

use std::io::{self, Write as _};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::style::Print;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{cursor, queue, style};
use ratatui::layout::{Position, Rect};
use ratatui::{Terminal, TerminalOptions, Viewport};

use crate::failpoint;

pub use kind::{Kind, Size, kind, knows_colours, shows_only_lines, size};
pub use pen::{Paper, Pen};

/// Has this process taken the terminal over, and not given it back?
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Is the mouse to be ours while the terminal is?
static MOUSE: AtomicBool = AtomicBool::new(false);

/// Buttons and the wheel, as SGR tells them. Not where the mouse goes: that would be a flood that says nothing.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

/// A terminal of ours. Dropping it gives it back.
#[derive(Debug)]
pub struct Screen {
    /// Where pictures are drawn.
    pub inner: Terminal<CrosstermBackend<Paper>>,
    /// What is to reach the terminal with the next picture; other sequences may be written to it too.
    pub paper: Paper,
    /// What takes it there.
    pub pen: Pen,
}

impl Screen {
    /// Takes the terminal over, of this many columns and rows. A panic on any thread gives it back first, then says what
    /// happened, and ends this process: a screen is only a client, and the session goes on without it.
    /// `written` is called, on another thread, after each picture that the terminal took.
    pub fn take(
        parting: &str,
        size: (u16, u16),
        written: impl FnMut(io::Result<()>) -> bool + Send + 'static,
    ) -> io::Result<Self> {
        hook(parting);
        let pen = Pen::new(written)?;
        enter()?;
        // Of a size that is told: some terminals do not say theirs, and a picture has the one that its keys are read by.
        let options = TerminalOptions { viewport: Viewport::Fixed(area(size)) };
        let paper = Paper::default();
        let inner = Terminal::with_options(CrosstermBackend::new(paper.clone()), options)
            .inspect_err(|_| give_back())?;
        Ok(Self { inner, paper, pen })
    }

    /// Takes the terminal over again after [`give_back`], and draws all of it anew.
    pub fn again(&mut self, size: (u16, u16)) -> io::Result<()> {
        // Whoever had it meanwhile may have set it otherwise: what we find now is what we give back.
        give_back();
        enter()?;
        self.wipe(size)
    }

    /// Clears the terminal, and draws all of it anew, of this many columns and rows, with the next picture.
    pub fn wipe(&mut self, size: (u16, u16)) -> io::Result<()> {
        // Not `clear`: that asks the terminal for its cursor, and the answer goes to the thread that reads keys.
        queue!(self.paper, style::ResetColor, Clear(ClearType::All))?;
        self.inner.resize(area(size))
    }

    /// Takes the mouse, or leaves it to the terminal: with the next picture, and whenever the terminal is taken over.
    pub fn mouse(&mut self, ours: bool) -> io::Result<()> {
        take_mouse(ours);
        match kind() {
            Kind::Modern => queue!(self.paper, Print(if ours { MOUSE_ON } else { MOUSE_OFF })),
            Kind::Old => Ok(()),
        }
    }

    /// Rings the terminal's bell, with the next picture.
    pub fn ring(&mut self) -> io::Result<()> {
        self.paper.write_all(b"\x07")
    }

    /// Gives a text to the terminal, for its clipboard (OSC 52), with the next picture. Whether it took it no terminal says.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        write!(self.paper, "\x1b]52;c;{}\x07", data_encoding::BASE64.encode(text.as_bytes()))
    }

    /// Sends what was drawn since to the terminal. Call it only once the end of what was sent before was
    /// heard.
    pub fn post(&mut self) {
        self.pen.write(self.paper.take());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn area((width, height): (u16, u16)) -> Rect {
    Rect { width, height, ..Rect::from((Position::ORIGIN, ratatui::layout::Size::ZERO)) }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mouse = if MOUSE.load(Ordering::SeqCst) { MOUSE_ON } else { "" };
    let entered = entering(kind(), mouse).and_then(|bytes| pen::write_first(&bytes));
    entered.inspect_err(|_| give_back())
}

/// What takes a terminal over: it is empty then, as the first picture believes.
fn entering(kind: Kind, mouse: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match kind {
        Kind::Modern => queue!(
            bytes,
            EnterAlternateScreen,
            // There may be no other one (screen by default, tmux by a setting): then what stood there still does.
            style::ResetColor,
            Clear(ClearType::All),
            cursor::MoveTo(0, 0),
            EnableBracketedPaste,
            Print(mouse),
            cursor::Hide
        )?,
        // What is not known there would be printed, or is a fault in the line.
        Kind::Old => queue!(bytes, Clear(ClearType::All), cursor::MoveTo(0, 0))?,
    }
    Ok(bytes)
}

/// What gives a terminal back. Each is undone where it was never done too: that is harmless, and one left behind is not.
fn leaving(kind: Kind) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match kind {
        // Where there was no other screen, the picture would stay, and what comes next be written into it.
        Kind::Modern => queue!(
            bytes,
            style::ResetColor,
            Clear(ClearType::All),
            cursor::MoveTo(0, 0),
            cursor::Show,
            Print(MOUSE_OFF),
            DisableBracketedPaste,
            LeaveAlternateScreen
        )?,
        Kind::Old => {
            queue!(bytes, style::ResetColor, Clear(ClearType::All), cursor::MoveTo(0, 0), cursor::Show)?;
        }
    }
    Ok(bytes)
}

/// Takes the mouse, or leaves it to the terminal, whenever the terminal is taken over from now on.
pub fn take_mouse(ours: bool) {
    MOUSE.store(ours, Ordering::SeqCst);
}

/// Is the terminal ours right now?
#[must_use]
pub fn is_taken() -> bool {
    TAKEN.load(Ordering::SeqCst)
}

/// Gives the terminal back as it was; does nothing where it has been given back already. Errors are left alone: there
/// may be no terminal any more, or one that takes nothing, which is not waited for.
pub fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        pen::wait_for_the_last_picture();
        let _ = leaving(kind()).and_then(|bytes| pen::write_last(&bytes));
        let _ = disable_raw_mode();
    }
}

/// Throws away what was typed and not read yet.
pub fn discard_input() {
    let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
}

fn hook(parting: &str) {
    static ONCE: Once = Once::new();
    let parting = parting.to_owned();
    ONCE.call_once(move || {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if crate::emulator::is_feeding() {
                return;
            }
            let ours = TAKEN.load(Ordering::SeqCst);
            give_back();
            failpoint::pass("terminal-given-back");
            before(info);
            if ours {
                let _ =
                    writeln!(io::stderr(), "this screen broke, and that is a fault of onbelay; {parting}");
                std::process::exit(101);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands on a terminal without a second screen.
    fn shown(before: &str, bytes: &[u8]) -> (String, (u16, u16)) {
        let mut terminal = vt100::Parser::new(4.try_into().unwrap(), 10.try_into().unwrap(), 0);
        terminal.process(before.as_bytes());
        let text = String::from_utf8_lossy(bytes).replace("\x1b[?1049h", "").replace("\x1b[?1049l", "");
        terminal.process(text.as_bytes());
        (terminal.screen().contents(), terminal.screen().cursor_position())
    }

    #[test]
    fn nothing_is_left_of_what_stood_there_even_where_there_is_no_second_screen() {
        for kind in [Kind::Modern, Kind::Old] {
            let (text, _) = shown(&"X".repeat(40), &entering(kind, MOUSE_ON).unwrap());
            assert_eq!(text, "", "{kind:?}");
            let (text, cursor) = shown("\x1b[41mpicture", &leaving(kind).unwrap());
            assert_eq!((text.as_str(), cursor), ("", (0, 0)), "{kind:?}");
        }
        let modern = String::from_utf8(entering(Kind::Modern, "").unwrap()).unwrap();
        assert!(
            modern.find("\x1b[?1049h") < modern.find("\x1b[2J"),
            "the other screen is cleared: {modern:?}"
        );
        let left = String::from_utf8(leaving(Kind::Modern).unwrap()).unwrap();
        assert!(left.find("\x1b[2J") < left.find("\x1b[?1049l"), "theirs stays as it was: {left:?}");
    }
}
