//! Answers on stdout: buffered, quiet when the reader has left, honest when the disk is full. SHELL.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};

use unicode_width::UnicodeWidthStr as _;

pub use crate::tui::view::shape::unstack;
use crate::tui::view::shape::wrap;

use super::exit::Failure;

/// Where answers go. Everything else is said on stderr.
pub struct Out {
    to: Box<dyn Write>,
    state: State,
    colour: bool,
    at_words: bool,
}

#[derive(Debug)]
enum State {
    Fine,
    /// The reader left (`| head -1`): nothing more is written, and nothing is wrong.
    ReaderLeft,
    Failed(io::Error),
}

impl Out {
    /// Writes to stdout; colour only where it is a terminal and `NO_COLOR` is not set.
    #[must_use]
    pub fn stdout() -> Self {
        let colour = io::stdout().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
            && std::env::var_os("TERM").is_none_or(|t| t != "dumb");
        Self { to: Box::new(BufWriter::new(io::stdout())), state: State::Fine, colour, at_words: false }
    }

    /// Writes elsewhere, without colour.
    #[must_use]
    pub fn to(writer: Box<dyn Write>) -> Self {
        Self { to: writer, state: State::Fine, colour: false, at_words: false }
    }

    /// Lines are broken at words from here on, where a terminal would break them anywhere.
    #[must_use]
    pub fn at_words(self) -> Self {
        Self { at_words: true, ..self }
    }

    /// May colour be used?
    #[must_use]
    pub fn colour(&self) -> bool {
        self.colour
    }

    /// Has the reader left, so that nothing more is worth writing?
    #[must_use]
    pub fn reader_left(&self) -> bool {
        matches!(self.state, State::ReaderLeft)
    }

    /// The same where somebody must have been able to read what was written: that it could not be is an error.
    pub fn has_left(&self) -> Result<bool, Failure> {
        match &self.state {
            State::Failed(error) => Err(not_written(error)),
            state => Ok(matches!(state, State::ReaderLeft)),
        }
    }

    /// One line.
    pub fn line(&mut self, text: impl AsRef<str>) {
        self.words(text.as_ref());
        self.text("\n");
    }

    /// Words that go on on the same line, such as a prompt.
    pub fn words(&mut self, text: &str) {
        match columns().filter(|_| self.at_words) {
            Some(columns) => self.text(&broken(text, columns)),
            None => self.text(text),
        }
    }

    /// Text as it is.
    pub fn text(&mut self, text: &str) {
        if matches!(self.state, State::Fine) {
            let result = self.to.write_all(text.as_bytes());
            self.note(result);
        }
    }

    /// Makes what was written visible now.
    pub fn flush(&mut self) {
        if matches!(self.state, State::Fine) {
            let result = self.to.flush();
            self.note(result);
        }
    }

    /// The end: everything is out, or the machine failed us.
    pub fn finish(mut self) -> Result<(), Failure> {
        self.flush();
        match self.state {
            State::Fine | State::ReaderLeft => Ok(()),
            State::Failed(error) => Err(not_written(&error)),
        }
    }

    fn note(&mut self, result: io::Result<()>) {
        match result {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::BrokenPipe => self.state = State::ReaderLeft,
            Err(error) => self.state = State::Failed(error),
        }
    }
}

/// An answer that did not get out.
#[must_use]
pub fn not_written(error: &io::Error) -> Failure {
    Failure::machine(format!("cannot write the answer to stdout: {error}. What is on record is safe"))
}

/// The width to break lines for; `None` where nobody reads them on a terminal.
#[must_use]
pub fn columns() -> Option<usize> {
    let (columns, _) = io::stdout().is_terminal().then(ratatui::crossterm::terminal::size)?.ok()?;
    (columns > 20).then_some(usize::from(columns))
}

/// Each line broken at words, and set in under itself. Output and commands that somebody may copy stay as they are.
#[must_use]
pub fn broken(text: &str, columns: usize) -> String {
    let lines = text.split('\n').map(|line| {
        let exact =
            line.trim_start().starts_with("| ") || line.contains("onbelay ") || line.contains("ssh-keygen ");
        if exact || line.width() < columns {
            return line.to_owned();
        }
        let words = line.trim_start();
        let indent = &line[..line.len() - words.len()];
        let hang = indent.len() + 2;
        // A prompt's last space stays where the cursor is.
        let end = &words[words.trim_end().len()..];
        let rows = wrap(words.trim_end(), columns.saturating_sub(hang + end.len() + 1).max(10));
        format!("{indent}{}{end}", rows.join(&format!("\n{}", " ".repeat(hang))))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Says something on stderr; a stderr that is gone changes nothing.
pub fn say(text: impl AsRef<str>) {
    let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;

    struct Fails(ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_left_is_no_error() {
        let mut out = Out::to(Box::new(Fails(ErrorKind::BrokenPipe)));
        out.line("x");
        assert!(out.reader_left());
        assert_eq!(out.finish(), Ok(()));
    }

    #[test]
    fn lines_break_at_words_and_what_may_be_copied_does_not() {
        let prompt = "[step 1 of 2, waiting] somebody beside you types approve; Enter does nothing > ";
        assert_eq!(
            broken(prompt, 40),
            "[step 1 of 2, waiting] somebody\n  beside you types approve; Enter does\n  nothing > "
        );
        assert_eq!(broken(prompt, 200), prompt);
        assert_eq!(broken("a\n    - one two three four", 21), "a\n    - one two\n      three four");
        for exact in
            ["| what a command wrote goes on and on", "joins with: onbelay attach --witness /srv/k3f9"]
        {
            assert_eq!(broken(exact, 21), exact);
        }
    }

    #[test]
    fn a_full_disk_is_the_machines_failure() {
        let mut out = Out::to(Box::new(Fails(ErrorKind::StorageFull)));
        out.line("x");
        assert_eq!(out.finish().map_err(|f| f.exit), Err(Exit::Machine));
    }
}
