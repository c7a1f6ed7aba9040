//! A person at a terminal: the program in a pseudo-terminal, its screen read through a terminal emulator.

use std::io::{Read as _, Write as _};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::home::ONBELAY;
use super::{Home, PATIENCE, Pid, rests};

/// After this long without an echo a person types it again.
const ECHO: Duration = Duration::from_secs(2);

/// An `Enter` that comes sooner after another starts nothing (`tui::footing`), and a little more.
const APART: Duration = Duration::from_millis(750);

/// One client in a terminal of its own.
pub(crate) struct Screen {
    parser: vt100::Parser,
    bytes: Receiver<Vec<u8>>,
    /// Everything that reached the terminal.
    pub(crate) raw: Vec<u8>,
    keys: Box<dyn std::io::Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    /// When `Enter` was pressed last.
    entered: Option<Instant>,
}

impl Screen {
    /// Calls the program in a terminal of `rows` by `columns`.
    pub(crate) fn open(home: &Home, words: &[&str], size: (u16, u16)) -> Self {
        Self::call(home, ONBELAY, words, size)
    }

    /// As `open`, of another program: one that brings a person to the program under test.
    pub(crate) fn call(home: &Home, program: &str, words: &[&str], (rows, columns): (u16, u16)) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(words);
        command.env_clear();
        command.cwd(home.path(""));
        command.env("TERM", "xterm-256color");
        for (name, value) in home.variables() {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, bytes) = channel();
        // Ends with the terminal: its last client's end is an error on this side.
        std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        let parser = vt100::Parser::new(cells(rows), cells(columns), 0);
        Self { parser, bytes, raw: Vec::new(), keys, child, master: pair.master, entered: None }
    }

    /// What stands on the screen.
    pub(crate) fn text(&self) -> String {
        self.parser.screen().contents()
    }

    /// The colour of the letters of this text, where it stands first.
    #[track_caller]
    pub(crate) fn ink(&self, text: &str) -> vt100::Color {
        let screen = self.parser.screen();
        let (_, columns) = screen.size();
        let place = screen.rows(0, columns.get()).enumerate().find_map(|(row, line)| {
            let before = line[..line.find(text)?].chars().count();
            Some((u16::try_from(row).unwrap(), u16::try_from(before).unwrap()))
        });
        let (row, column) = place.unwrap_or_else(|| panic!("{text:?} is not there\n{}", self.text()));
        screen.cell(row, column).unwrap().fgcolor()
    }

    /// Presses keys, as bytes, like somebody who has looked: a key counts only once the program knows that what it answers
    /// was on the terminal, so the program comes to rest first. One `Enter` comes no sooner after another than the screen
    /// takes it for a second one.
    pub(crate) fn press(&mut self, keys: &str) {
        if let Some(pid) = self.child.process_id() {
            rests(pid);
        }
        if keys.contains('\r') {
            let since = self.entered.map_or(APART, |entered| entered.elapsed());
            std::thread::sleep(APART.saturating_sub(since));
            self.entered = Some(Instant::now());
        }
        self.hurry(keys);
    }

    /// The same at once, as somebody does who does not look; and where time is measured, which the coming to rest is not
    /// part of.
    pub(crate) fn hurry(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Pastes, as a terminal brackets it.
    pub(crate) fn paste(&mut self, text: &str) {
        self.press(&format!("\x1b[200~{text}\x1b[201~"));
    }

    /// Types into the field that is open, as a person does who sees it: keys that came before the program took note that
    /// its question can be seen do not count, so what is typed is looked at, and typed again if it is not there.
    #[track_caller]
    pub(crate) fn fill_in(&mut self, text: &str) {
        let field = format!("›  {text}");
        let begun = Instant::now();
        while !self.text().contains(&field) {
            assert!(begun.elapsed() < PATIENCE, "it does not take {text:?}\n{}", self.text());
            self.press(&"\x7f".repeat(text.len()));
            self.press(text);
            let tried = Instant::now();
            while !self.text().contains(&field) && tried.elapsed() < ECHO {
                if let Ok(bytes) = self.bytes.recv_timeout(ECHO.saturating_sub(tried.elapsed())) {
                    self.take(&bytes);
                }
            }
        }
    }

    /// Presses keys until `fits` is so of the screen: as `fill_in`, for what takes no text.
    #[track_caller]
    pub(crate) fn press_until(&mut self, keys: &str, fits: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        while !fits(&self.text()) {
            assert!(begun.elapsed() < PATIENCE, "it does not take {keys:?}\n{}", self.text());
            self.press(keys);
            let tried = Instant::now();
            while !fits(&self.text()) && tried.elapsed() < ECHO {
                if let Ok(bytes) = self.bytes.recv_timeout(ECHO.saturating_sub(tried.elapsed())) {
                    self.take(&bytes);
                }
            }
        }
    }

    /// Reads until `fits` is so of the screen.
    #[track_caller]
    pub(crate) fn wait(&mut self, what: &str, fits: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        while !fits(&self.text()) {
            let left = PATIENCE.saturating_sub(begun.elapsed());
            match self.bytes.recv_timeout(left) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Timeout) => panic!("never on the screen: {what}\n{}", self.text()),
                Err(RecvTimeoutError::Disconnected) => {
                    assert!(fits(&self.text()), "the program ended before: {what}\n{}", self.text());
                }
            }
        }
    }

    /// Reads until this text is on the screen.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) {
        self.wait(text, |screen| screen.contains(text));
    }

    /// Reads what comes until the program ends; its exit status.
    #[track_caller]
    pub(crate) fn wait_end(&mut self) -> u32 {
        let begun = Instant::now();
        loop {
            match self.bytes.recv_timeout(PATIENCE.saturating_sub(begun.elapsed())) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Timeout) => panic!("it does not end\n{}", self.text()),
                Err(RecvTimeoutError::Disconnected) => return self.child.wait().unwrap().exit_code(),
            }
        }
    }

    pub(crate) fn resize(&mut self, rows: u16, columns: u16) {
        self.master.resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
        self.parser.screen_mut().set_size(cells(rows), cells(columns));
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.process_id().unwrap()).unwrap()).unwrap()
    }

    /// Is the terminal as a shell expects it: its own screen, the cursor there, no mouse, no bracketed paste?
    #[track_caller]
    pub(crate) fn is_restored(&self) {
        let screen = self.parser.screen();
        assert!(!screen.alternate_screen(), "still on the alternate screen");
        assert!(!screen.hide_cursor(), "the cursor is still hidden");
        assert!(!screen.bracketed_paste(), "still brackets what is pasted");
        assert!(screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None, "still reports the mouse");
    }

    /// Does the terminal show its own screen, not one that a program has taken?
    pub(crate) fn is_own(&self) -> bool {
        !self.parser.screen().alternate_screen()
    }

    fn take(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
        self.parser.process(bytes);
    }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).expect("a terminal has room for a cell")
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
