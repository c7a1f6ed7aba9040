//! What is said of how the log fares, where there is no screen that shows it. PURE.
//!
//! What the host says of it may hold the names of items and processes: it is cleaned here, once, before it reaches a terminal.

use crate::cli::exit::Failure;
use crate::text::clean;
use crate::wire::messages::LogHealth;

/// The log cannot be written any more.
#[must_use]
pub fn broken(why: &str) -> Failure {
    Failure::machine(format!("{}\nwhat runs goes on; what was on record is safe", clean(why)))
}

/// A request could not be recorded.
#[must_use]
pub fn not_recorded(why: &str) -> Failure {
    Failure::machine(clean(why))
}

/// What was said of a log that is slow: how long its write had taken when it was told last, milliseconds; `None`: nothing.
#[derive(Debug, Default)]
pub struct Pace(Option<u64>);

impl Pace {
    /// What is to be said of it now: a write that hangs once, though the host tells of it again and again; and that it is over.
    pub fn line(&mut self, log: &LogHealth) -> Option<&'static str> {
        match log {
            LogHealth::Slow { took } => {
                let before = self.0.replace(*took);
                // One write takes longer and longer; what took less is another.
                before
                    .is_none_or(|before| *took < before)
                    .then_some("log slow: a write takes over a second; nothing starts until it is on disk")
            }
            LogHealth::Safe => self.0.take().map(|_| "log safe again"),
            LogHealth::Broken { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u1_what_the_host_says_of_its_log_reaches_no_terminal_as_it_is() {
        let why = "disk full; a, eu\u{1b}[2J\u{202e} is finished, not recorded (exit 0)";
        for failure in [broken(why), not_recorded(why)] {
            let said = failure.said.lines().next().unwrap().to_owned();
            assert_eq!(said, "disk full; a, eu␛[2J{U+202E} is finished, not recorded (exit 0)");
        }
    }

    #[test]
    fn j17_of_a_write_that_hangs_the_first_word_is_said_and_the_end() {
        let mut pace = Pace::default();
        let mut said = |log: LogHealth| pace.line(&log).map(|line| line[..8].to_owned());
        let slow = |took| LogHealth::Slow { took };
        assert_eq!(said(LogHealth::Safe), None, "nothing was said of it");
        assert_eq!(said(slow(1_000)).as_deref(), Some("log slow"));
        for took in [1_000, 2_000, 60_000, 60_123] {
            assert_eq!(said(slow(took)), None, "{took}");
        }
        // The next hangs too, before any was quick.
        assert_eq!(said(slow(1_001)).as_deref(), Some("log slow"));
        assert_eq!(said(slow(2_001)), None);
        assert_eq!(said(LogHealth::Safe).as_deref(), Some("log safe"));
        assert_eq!(said(LogHealth::Safe), None);
    }
}
