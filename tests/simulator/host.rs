//! A host as the simulator runs it: the real `turn` over the real `Writer`, on the simulated disk; how one begins, and what
//! of its work is made false where a test of the simulator says so.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use onbelay::host::turn::{Append, AppendError};
use onbelay::id::Digest;
use onbelay::journal::JournalError;
use onbelay::journal::writer::Writer;
use onbelay::session::{Entry, Event, Person};

/// What is made false, so that a law must notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sabotage {
    #[default]
    None,
    /// A sync says yes and does nothing.
    SyncDoesNothing,
    /// A failed sync says yes.
    FailureSaysYes,
    /// The last record is cut off when a host takes over.
    LastRecordLost,
    /// What is written is not what is told.
    AnotherTextIsWritten,
    /// After a failed append a fresh writer tries again.
    FailureIsTriedAgain,
    /// A command is started twice.
    StartedTwice,
    /// A command is started at its wish, before there is an intent.
    StartedAtItsWish,
    /// What ran is found as never started.
    FoundAsNeverStarted,
    /// The host walks a runbook without its checks.
    NoChecks,
    /// … without second people.
    NoWitness,
    /// … without confirmation.
    NoConfirmation,
    /// … without the steps that it requires.
    NoRequiredSteps,
    /// Whoever speaks is taken for somebody else.
    AnotherSpeaks,
    /// Nobody hears that a screen was closed.
    LeavingIsNotHeard,
    /// A record that asks a check is taken for a note: nothing is asked.
    AskingIsForgotten,
    /// The bytes before the last line are scrambled at a crash.
    TailIsScrambled,
    /// A record is put down that nobody may have made.
    AForgedRecord,
}

pub(crate) const SABOTAGES: [(Sabotage, &str); 17] = [
    (Sabotage::SyncDoesNothing, "sync-does-nothing"),
    (Sabotage::FailureSaysYes, "failure-says-yes"),
    (Sabotage::LastRecordLost, "last-record-lost"),
    (Sabotage::AnotherTextIsWritten, "another-text-is-written"),
    (Sabotage::FailureIsTriedAgain, "failure-is-tried-again"),
    (Sabotage::StartedTwice, "started-twice"),
    (Sabotage::StartedAtItsWish, "started-at-its-wish"),
    (Sabotage::FoundAsNeverStarted, "found-as-never-started"),
    (Sabotage::NoChecks, "no-checks"),
    (Sabotage::NoWitness, "no-witness"),
    (Sabotage::NoConfirmation, "no-confirmation"),
    (Sabotage::NoRequiredSteps, "no-required-steps"),
    (Sabotage::AnotherSpeaks, "another-speaks"),
    (Sabotage::LeavingIsNotHeard, "leaving-is-not-heard"),
    (Sabotage::AskingIsForgotten, "asking-is-forgotten"),
    (Sabotage::TailIsScrambled, "tail-is-scrambled"),
    (Sabotage::AForgedRecord, "a-forged-record"),
];

/// How long the next appends take: the clock of the machine has no part in a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slow(Arc<Mutex<Duration>>);

impl Slow {
    pub(crate) fn set(&self, took: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = took;
    }

    fn get(&self) -> Duration {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The journal of a host.
pub(crate) struct Journal {
    pub(crate) writer: Writer,
    pub(crate) slow: Slow,
    pub(crate) sabotage: Sabotage,
    /// Opens the file once more, for the sabotage that tries again.
    pub(crate) disk: super::disk::Disk,
}

impl Append for Journal {
    fn append(&mut self, entries: &[Entry]) -> Result<Duration, AppendError> {
        let mut written = entries.to_vec();
        for entry in &mut written {
            match (&mut entry.event, self.sabotage) {
                (Event::HoldCalled { why }, Sabotage::AnotherTextIsWritten) => why.push('!'),
                (Event::Noted { .. }, Sabotage::AForgedRecord) => entry.by = Person::tool(),
                _ => {}
            }
        }
        let mut result = self.writer.append(&written);
        if result.is_err()
            && self.sabotage == Sabotage::FailureIsTriedAgain
            && !self.disk.is_killed()
            && let Ok((writer, ..)) = Writer::take_over(self.disk.open())
        {
            self.writer = writer;
            result = self.writer.append(&written);
        }
        match result {
            Ok(()) => Ok(self.slow.get()),
            Err(error @ JournalError::TooLong { .. }) => Err(AppendError::NotTaken(error.to_string())),
            Err(error) => Err(AppendError::Broken(error.to_string())),
        }
    }

    fn head(&self) -> Digest {
        self.writer.head().clone()
    }
}
