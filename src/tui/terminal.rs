//! The terminal: taken over at the start, given back as it was however this ends. SHELL.
//! It must not know what is drawn on it.

use std::io::{self, Stdout, Write as _};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::style::Print;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{cursor, execute};
use ratatui::layout::{Position, Rect};

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
    /// Where pictures go.
    pub inner: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal over. A panic on any thread gives it back first, then says what happened, and ends this
    /// process: a screen is only a client, and the session goes on without it.
    pub fn take(parting: &str) -> io::Result<Self> {
        hook(parting);
        enter()?;
        let inner = Terminal::new(CrosstermBackend::new(io::stdout())).inspect_err(|_| give_back())?;
        Ok(Self { inner })
    }

    /// Takes the terminal over again after [`give_back`], and draws all of it anew.
    pub fn again(&mut self) -> io::Result<()> {
        // Whoever had it meanwhile may have set it otherwise: what we find now is what we give back.
        give_back();
        enter()?;
        self.wipe()
    }

    /// Clears the terminal, and draws all of it anew with the next picture.
    pub fn wipe(&mut self) -> io::Result<()> {
        // Not `clear`: that asks the terminal for its cursor, and the answer goes to the thread that reads keys.
        let size = self.inner.size()?;
        self.inner.resize(Rect::from((Position::ORIGIN, size)))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mouse = if MOUSE.load(Ordering::SeqCst) { MOUSE_ON } else { "" };
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, Print(mouse), cursor::Hide)
        .inspect_err(|_| give_back())
}

/// Takes the mouse, or leaves it to the terminal; now, and whenever the terminal is taken over.
pub fn mouse(ours: bool) -> io::Result<()> {
    MOUSE.store(ours, Ordering::SeqCst);
    if is_taken() { execute!(io::stdout(), Print(if ours { MOUSE_ON } else { MOUSE_OFF })) } else { Ok(()) }
}

/// Is the terminal ours right now?
#[must_use]
pub fn is_taken() -> bool {
    TAKEN.load(Ordering::SeqCst)
}

/// Gives the terminal back as it was; does nothing where it has been given back already. Errors are left alone: there
/// may be no terminal any more.
pub fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // Each is undone where it was never done too: that is harmless, and one left behind is not.
        let _ = execute!(
            io::stdout(),
            cursor::Show,
            Print(MOUSE_OFF),
            DisableBracketedPaste,
            LeaveAlternateScreen
        );
        let _ = disable_raw_mode();
        let _ = io::stdout().flush();
    }
}

/// Rings the bell, where the terminal is ours. Nothing rests on it, so errors are left alone.
pub fn ring() {
    if is_taken() {
        let mut out = io::stdout();
        let _ = out.write_all(b"\x07").and_then(|()| out.flush());
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
            if super::terminal_pane::is_feeding() {
                return;
            }
            let ours = TAKEN.load(Ordering::SeqCst);
            give_back();
            before(info);
            if ours {
                let _ =
                    writeln!(io::stderr(), "this screen broke, and that is a fault of onbelay; {parting}");
                std::process::exit(101);
            }
        }));
    });
}
