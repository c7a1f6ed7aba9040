//! A host as the simulator runs it: the real `turn` over the real `Writer`, on the simulated disk; how one begins, and what
//! of its work is made false where a test of the simulator says so.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// The host is told of another end than that of the command.
    AnotherOutcome,
    /// What runs, or has ended, is found as gone.
    FoundAsGone,
    /// The host is told another answer than was given.
    AnotherAnswer,
    /// What nobody waits for comes as if it were waited for.
    AStrayIsTaken,
    /// A stop is on record and nobody sends it.
    StopIsForgotten,
    /// The runbook that is walked has other scripts than the one that was read.
    AnotherScriptRuns,
    /// Now and then a screen misses records.
    AMessageIsLost,
    /// A command ends with a screen that is closed.
    LeavingEndsACommand,
    /// Nobody hears how the log fares.
    SlowIsNotTold,
    /// Nobody asks how much room there is.
    RoomIsNotAsked,
    /// A rule's no is told as a wrong call, and the other way about.
    RefusedForAnotherReason,
    /// The host panics when a hold is called.
    AHoldPanics,
    /// A command is of an earlier boot only where the last host was.
    TheLastHostsBoot,
    /// An item is of the boot in which its step began.
    TheStepsBoot,
    /// A new host reads what a failed sync left in the kernel's memory alone.
    TheKernelRemembers,
    /// A host whose take-over failed takes over once more.
    TakenOverAllTheSame,
    /// A torn tail is cut off, and no copy of it is kept.
    TheTailIsNotKept,
}

pub(crate) const SABOTAGES: [(Sabotage, &str); 34] = [
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
    (Sabotage::AnotherOutcome, "another-outcome"),
    (Sabotage::FoundAsGone, "found-as-gone"),
    (Sabotage::AnotherAnswer, "another-answer"),
    (Sabotage::AStrayIsTaken, "a-stray-is-taken"),
    (Sabotage::StopIsForgotten, "stop-is-forgotten"),
    (Sabotage::AnotherScriptRuns, "another-script-runs"),
    (Sabotage::AMessageIsLost, "a-message-is-lost"),
    (Sabotage::LeavingEndsACommand, "leaving-ends-a-command"),
    (Sabotage::SlowIsNotTold, "slow-is-not-told"),
    (Sabotage::RoomIsNotAsked, "room-is-not-asked"),
    (Sabotage::RefusedForAnotherReason, "refused-for-another-reason"),
    (Sabotage::AHoldPanics, "a-hold-panics"),
    (Sabotage::TheLastHostsBoot, "the-last-hosts-boot"),
    (Sabotage::TheStepsBoot, "the-steps-boot"),
    (Sabotage::TheKernelRemembers, "the-kernel-remembers"),
    (Sabotage::TakenOverAllTheSame, "taken-over-all-the-same"),
    (Sabotage::TheTailIsNotKept, "the-tail-is-not-kept"),
];

/// How the disk fares, beside what fails: the machine's own clock and disk have no part in a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Footing(Arc<Mutex<Under>>);

#[derive(Debug, Default)]
struct Under {
    /// How long the next appends take.
    delay: Duration,
    /// Less room is left than is kept back.
    little_room: bool,
    /// How long each append took since somebody looked.
    took: Vec<Duration>,
}

/// What a turn met of it.
#[derive(Debug)]
pub(crate) struct Paid {
    /// How long each of its appends took.
    pub(crate) took: Vec<Duration>,
    pub(crate) little_room: bool,
}

impl Footing {
    fn lock(&self) -> MutexGuard<'_, Under> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next appends take this long; was it otherwise before?
    pub(crate) fn slow(&self, delay: Duration) -> bool {
        std::mem::replace(&mut self.lock().delay, delay) != delay
    }

    /// The disk fills up, or somebody makes room.
    pub(crate) fn turn_room(&self) -> bool {
        let mut under = self.lock();
        under.little_room = !under.little_room;
        under.little_room
    }

    pub(crate) fn has_little_room(&self) -> bool {
        self.lock().little_room
    }

    /// What the last turn met.
    pub(crate) fn paid(&self) -> Paid {
        let mut under = self.lock();
        Paid { took: std::mem::take(&mut under.took), little_room: under.little_room }
    }
}

/// The journal of a host.
pub(crate) struct Journal {
    pub(crate) writer: Writer,
    pub(crate) footing: Footing,
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
                (Event::HoldCalled { .. }, Sabotage::AHoldPanics) => panic!("a fault of the product"),
                (Event::Noted { .. }, Sabotage::AForgedRecord) => entry.by = Person::tool(),
                _ => {}
            }
        }
        let mut result = self.writer.append(&written);
        if result.is_err()
            && self.sabotage == Sabotage::FailureIsTriedAgain
            && !self.disk.is_killed()
            && let Ok((writer, ..)) = Writer::take_over(self.disk.open(), |_| ())
        {
            self.writer = writer;
            result = self.writer.append(&written);
        }
        match result {
            Ok(()) => {
                let mut under = self.footing.lock();
                let delay = under.delay;
                under.took.push(delay);
                Ok(delay)
            }
            Err(error @ JournalError::TooLong { .. }) => Err(AppendError::NotTaken(error.to_string())),
            Err(error) => Err(AppendError::Broken(error.to_string())),
        }
    }

    fn head(&self) -> Digest {
        self.writer.head().clone()
    }

    fn room(&self) -> Option<u64> {
        // To the byte: what is kept back is 64 MiB.
        let little = u64::from(self.footing.has_little_room());
        (self.sabotage != Sabotage::RoomIsNotAsked).then_some((64 << 20) - little)
    }
}
