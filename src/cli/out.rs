//! Answers on stdout: buffered, quiet when the reader has left, honest when the disk is full. SHELL.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};

use super::exit::Failure;

/// Where answers go. Everything else is said on stderr.
pub struct Out {
    to: Box<dyn Write>,
    state: State,
    colour: bool,
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
        Self { to: Box::new(BufWriter::new(io::stdout())), state: State::Fine, colour }
    }

    /// Writes elsewhere, without colour.
    #[must_use]
    pub fn to(writer: Box<dyn Write>) -> Self {
        Self { to: writer, state: State::Fine, colour: false }
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

    /// One line.
    pub fn line(&mut self, text: impl AsRef<str>) {
        self.text(text.as_ref());
        self.text("\n");
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
            State::Failed(error) => Err(Failure::machine(format!(
                "cannot write the answer to stdout: {error}. What is on record is safe"
            ))),
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
    fn a_full_disk_is_the_machines_failure() {
        let mut out = Out::to(Box::new(Fails(ErrorKind::StorageFull)));
        out.line("x");
        assert_eq!(out.finish().map_err(|f| f.exit), Err(Exit::Machine));
    }
}
