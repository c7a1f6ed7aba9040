//! Questions on a terminal: what was typed before a question counts for nothing, and the default is No. SHELL.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, tcflush, tcgetattr, tcsetattr,
};

use crate::runbook::values::check_value;
use crate::runbook::{Param, Value};
use crate::text::clean;

use super::exit::{Exit, Failure};
use super::out::say;

/// Is a person there: may questions be put?
#[must_use]
pub fn somebody_is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Forgets what was typed before a question; where stdin is no terminal, lines are lines.
pub fn forget_typed() {
    if io::stdin().is_terminal() {
        let _ = tcflush(io::stdin(), QueueSelector::IFlush);
    }
}

/// A line of input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Ended by Enter.
    Whole(String),
    /// The end of input came before Enter did: no answer to a question.
    Cut(String),
    /// Nothing more comes.
    End,
}

/// The next line from stdin without its line break.
pub fn next_line() -> Result<Line, Failure> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .read_until(b'\n', &mut bytes)
        .map_err(|error| Failure::machine(format!("cannot read stdin: {error}")))?;
    if bytes.is_empty() {
        return Ok(Line::End);
    }
    let whole = bytes.pop_if(|last| *last == b'\n').is_some();
    bytes.pop_if(|last| *last == b'\r');
    let text = String::from_utf8(bytes).map_err(|_| Failure::wrong("what was typed is not UTF-8 text"))?;
    Ok(if whole { Line::Whole(text) } else { Line::Cut(text) })
}

/// The answer to a question; `None` at the end of input.
pub fn line() -> Result<Option<String>, Failure> {
    Ok(match next_line()? {
        Line::Whole(text) => Some(text),
        Line::Cut(_) | Line::End => None,
    })
}

/// A yes-or-no question on stderr; anything but `y` or `yes` is no.
pub fn yes(question: &str) -> Result<bool, Failure> {
    forget_typed();
    prompt(&format!("{question} Type y for yes; Enter: no: "));
    Ok(line()?.is_some_and(|answer| matches!(answer.trim(), "y" | "Y" | "yes" | "Yes")))
}

/// A line that was typed after this prompt, and nothing with it: not before, and no more in one go. `None` is no: the end of
/// input, or a paste. `interrupted` is looked at whenever a signal came.
pub fn typed_now(text: &str, interrupted: impl Fn() -> bool) -> Result<Option<String>, Failure> {
    forget_typed();
    prompt(text);
    let stdin = io::stdin();
    let mut waited = [PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN)];
    loop {
        let at_most = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
        match poll(&mut waited, Some(&at_most)) {
            Ok(0) | Err(Errno::INTR) if interrupted() => {
                return Err(Failure::interrupted("\ninterrupted; nothing was done"));
            }
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => break,
            Err(e) => return Err(Failure::machine(format!("cannot wait for input: {e}"))),
        }
    }
    let typed = line()?;
    let more = matches!(poll(&mut waited, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(n) if n > 0);
    forget_typed();
    Ok(typed.filter(|_| !more))
}

/// The value of a parameter: asked until it is one that the runbook allows; a bare Enter gives up.
pub fn parameter(param: &Param) -> Result<Value, Failure> {
    let name = &param.name;
    if !param.about.is_empty() {
        say(format!("{name}: {}", clean(param.about.trim())));
    }
    if !param.choices.is_empty() {
        let choices: Vec<_> = param.choices.iter().map(|choice| clean(choice)).collect();
        say(format!("one of: {}", choices.join(", ")));
    }
    loop {
        let value = if param.list { list_value(param)? } else { Value::Text(text_value(param)?) };
        match check_value(param, &value) {
            Ok(()) => return Ok(value),
            Err(why) => say(why),
        }
    }
}

fn text_value(param: &Param) -> Result<String, Failure> {
    forget_typed();
    let typed = if param.secret {
        prompt(&format!("{} (not shown; Enter: give up): ", param.name));
        silent_line()?
    } else {
        prompt(&format!("{} (Enter: give up): ", param.name));
        line()?
    };
    typed.filter(|text| !text.is_empty()).ok_or_else(|| given_up(param))
}

fn list_value(param: &Param) -> Result<Value, Failure> {
    let mut items = Vec::new();
    forget_typed();
    loop {
        prompt(&format!(
            "{} {} (one item; Enter: {}): ",
            param.name,
            items.len() + 1,
            if items.is_empty() { "give up" } else { "no more" }
        ));
        match line()? {
            Some(text) if !text.is_empty() => items.push(text),
            Some(_) if !items.is_empty() => return Ok(Value::List(items)),
            _ => return Err(given_up(param)),
        }
    }
}

fn given_up(param: &Param) -> Failure {
    Failure::wrong(format!("parameter `{}` has no value; nothing was started", param.name))
}

/// Shows a prompt on stderr: stdout is for answers.
pub fn prompt(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// A line that is not shown while it is typed; nothing that was typed before counts. `None`: the end of input, or Ctrl-C.
pub fn hidden(text: &str) -> Result<Option<String>, Failure> {
    forget_typed();
    prompt(text);
    match silent_line() {
        Err(failure) if failure.exit == Exit::Interrupted => Ok(None),
        typed => typed,
    }
}

/// One line with echo off. Ctrl-C ends it here and not this process, so that echo is on again however it went.
fn silent_line() -> Result<Option<String>, Failure> {
    const CTRL_C: u8 = 3;
    let cannot = |e: rustix::io::Errno| {
        Failure::machine(format!("cannot switch the terminal's echo off: {e}; nothing was asked"))
    };
    let before = tcgetattr(io::stdin()).map_err(cannot)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
    silent.local_modes.insert(LocalModes::ECHONL);
    silent.special_codes[SpecialCodeIndex::VEOL] = CTRL_C;
    tcsetattr(io::stdin(), OptionalActions::Flush, &silent).map_err(cannot)?;
    let mut bytes = Vec::new();
    let result = loop {
        let mut buffer = [0; 4096];
        match rustix::io::read(io::stdin(), &mut buffer) {
            Ok(0) => break Ok(None),
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => break Err(Failure::machine(format!("cannot read stdin: {error}"))),
        }
        match bytes.last() {
            Some(&CTRL_C) => break Err(Failure::interrupted("interrupted; nothing was started")),
            Some(b'\n') => {
                bytes.pop();
                let text = String::from_utf8(bytes);
                break text.map(Some).map_err(|_| Failure::wrong("what was typed is not UTF-8 text"));
            }
            _ => {}
        }
    };
    let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
    result
}
