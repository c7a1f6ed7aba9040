//! What a run was: its trace, how often what came up, and what was wrong.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use onbelay::id::Digest;

/// What must stay true, by name. (`ARCHITECTURE.md`, "What must stay true"; `docs/reliability.md`.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Law {
    /// Nothing is handed out, and nobody is told, before the records are on disk.
    DurableFirst,
    /// What was acknowledged is there after every crash.
    NothingAcknowledgedIsLost,
    /// A replay of the journal's bytes is the live state.
    ReplayIsLive,
    /// After a failed append the host neither appends nor syncs nor starts; after a failed take-over there is none.
    AFailureIsFinal,
    /// A command is started once for its intent, and only for one that is on record.
    OneStartForOneIntent,
    /// What is said never to have started never ran.
    NeverStartedNeverRan,
    /// Nothing destructive is started that a person has not asked for and confirmed.
    NothingDestructiveByItself,
    /// The gate answers as the model of it does.
    TheGate,
    /// People's requests are taken or refused as the model says.
    TheRules,
    /// Who speaks is who it was.
    TheKernelsWord,
    /// An approval ends with the screen or the right it was given by.
    ApprovalsEnd,
    /// Who can be asked no more waits for nothing: a wish is decided.
    AWishIsDecided,
    /// A crash leaves a journal that can be gone on with.
    ACrashIsNoDamage,
    /// The records alone prove every start allowed.
    TheAudit,
    /// A recorded end is how the command itself ended.
    TheRealOutcome,
    /// Interrupted is only what lost its outcome.
    InterruptedIsUnknown,
    /// A recorded answer is the one that was given to that asking.
    TheRealAnswer,
    /// An answer or an end that nobody waits for changes nothing.
    AStrayChangesNothing,
    /// A stop goes to the command it was asked for, once, and to no other.
    AStopIsSent,
    /// What runs is what was shown and approved.
    WhatWasApprovedRuns,
    /// Every screen that keeps up has the host's own state.
    EveryScreenIsTheSame,
    /// Losing a screen ends approvals, and changes nothing else.
    LosingAScreenChangesNothing,
    /// Everybody knows how the log fares.
    SlowIsTold,
    /// Nothing that destroys begins while the disk is all but full.
    RoomIsKeptBack,
    /// Nothing panics.
    NothingPanics,
}

pub(crate) const LAWS: [Law; 25] = [
    Law::DurableFirst,
    Law::NothingAcknowledgedIsLost,
    Law::ReplayIsLive,
    Law::AFailureIsFinal,
    Law::OneStartForOneIntent,
    Law::NeverStartedNeverRan,
    Law::NothingDestructiveByItself,
    Law::TheGate,
    Law::TheRules,
    Law::TheKernelsWord,
    Law::ApprovalsEnd,
    Law::AWishIsDecided,
    Law::ACrashIsNoDamage,
    Law::TheAudit,
    Law::TheRealOutcome,
    Law::InterruptedIsUnknown,
    Law::TheRealAnswer,
    Law::AStrayChangesNothing,
    Law::AStopIsSent,
    Law::WhatWasApprovedRuns,
    Law::EveryScreenIsTheSame,
    Law::LosingAScreenChangesNothing,
    Law::SlowIsTold,
    Law::RoomIsKeptBack,
    Law::NothingPanics,
];

/// A law that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) law: Law,
    pub(crate) what: String,
    /// Which event of the run.
    pub(crate) event: u32,
}

/// What came of one run, or of many.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) events: u64,
    pub(crate) records: u64,
    pub(crate) starts: u64,
    /// How often what came up.
    pub(crate) met: BTreeMap<String, u64>,
    /// How often each law had something to hold, until the end of the run; then it is in `met`.
    pub(crate) held: [u64; LAWS.len()],
    /// SHA-256 of the journal's bytes at the end.
    pub(crate) journal: Option<Digest>,
    pub(crate) broken: Option<Broken>,
    /// Line by line; empty where nobody wants it.
    pub(crate) trace: Vec<String>,
}

impl Report {
    /// Adds the counts of another run.
    pub(crate) fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.records += other.records;
        self.starts += other.starts;
        for (what, times) in &other.met {
            *self.met.entry(what.clone()).or_default() += times;
        }
    }

    pub(crate) fn met(&mut self, what: &str) {
        match self.met.get_mut(what) {
            Some(times) => *times += 1,
            None => {
                self.met.insert(what.to_owned(), 1);
            }
        }
    }

    /// A law had something to hold.
    pub(crate) fn held(&mut self, law: Law) {
        self.held[law as usize] += 1;
    }

    /// The run is over.
    pub(crate) fn closes(&mut self) {
        for law in LAWS {
            let times = std::mem::take(&mut self.held[law as usize]);
            if times > 0 {
                *self.met.entry(format!("held: {law:?}")).or_default() += times;
            }
        }
    }

    /// The failing run, for whoever mends it.
    pub(crate) fn story(&self) -> String {
        let mut story = String::new();
        for line in &self.trace {
            let _ = writeln!(story, "{line}");
        }
        if let Some(Broken { law, what, event }) = &self.broken {
            let _ = writeln!(story, "seed {}: {law:?} broken at event {event}: {what}", self.seed);
        }
        story
    }
}
