//! The exit statuses of `cli.md`, and what failed on the way to one. PURE.

use std::process::ExitCode;

/// How a verb ends; for every verb the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// 0: yes.
    Yes,
    /// 1: the answer is no, and nothing was carried out.
    No,
    /// 2: the call or the file is wrong, nothing was done.
    Wrong,
    /// 3: the machine failed us.
    Machine,
    /// 4: it was carried out and did not end well.
    EndedBadly,
    /// 130: the caller was interrupted; what runs goes on.
    Interrupted,
}

impl Exit {
    /// The number a shell sees.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Self::Yes => 0,
            Self::No => 1,
            Self::Wrong => 2,
            Self::Machine => 3,
            Self::EndedBadly => 4,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}

/// Why a verb could not do its work; goes to stderr as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{said}")]
pub struct Failure {
    /// How it ends.
    pub exit: Exit,
    /// What is said; may have several lines; empty: nothing more to say.
    pub said: String,
}

impl Failure {
    /// The answer is no.
    pub fn no(said: impl Into<String>) -> Self {
        Self { exit: Exit::No, said: said.into() }
    }

    /// The call or the file is wrong.
    pub fn wrong(said: impl Into<String>) -> Self {
        Self { exit: Exit::Wrong, said: said.into() }
    }

    /// The machine failed.
    pub fn machine(said: impl Into<String>) -> Self {
        Self { exit: Exit::Machine, said: said.into() }
    }

    /// The caller was interrupted.
    pub fn interrupted(said: impl Into<String>) -> Self {
        Self { exit: Exit::Interrupted, said: said.into() }
    }
}

/// What every verb comes to.
pub type Outcome = Result<Exit, Failure>;

/// For what a later version brings: clear, and nothing done.
#[must_use]
pub fn not_yet(what: &str) -> Failure {
    Failure::wrong(format!("not yet: {what} comes with a later version; nothing was done"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_contract() {
        let all = [Exit::Yes, Exit::No, Exit::Wrong, Exit::Machine, Exit::EndedBadly, Exit::Interrupted];
        assert_eq!(all.map(Exit::status), [0, 1, 2, 3, 4, 130]);
    }
}
