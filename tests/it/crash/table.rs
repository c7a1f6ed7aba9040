//! The crash table: every named point of a step's life, whom a test ends there, and the state that must follow. The
//! tests run each cell; `docs/reliability.md` shows the table; the program's source says which points there are.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

/// Whom the test ends while one process stands at the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Victim {
    /// The `do` that asked.
    Client,
    Host,
    ClientAndHost,
    /// The process between the host and the command.
    Runner,
    /// Every process of the session, the command too.
    Everything,
    /// The power: every process, and of what was written without a sync so much as this.
    Power(Kept),
}

/// What a disk has after a power cut of what was written to it and not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    All,
    /// Of new files the names, and half of the last record.
    Names,
    Nothing,
}

/// What is true after somebody came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct After {
    /// The step, once it has come to rest.
    pub(super) step: &'static str,
    /// How often the command took effect.
    pub(super) effects: RangeInclusive<usize>,
    /// Records of how its work ended.
    pub(super) ended: usize,
}

pub(super) const NOT_STARTED: After = After { step: "ready", effects: 0..=0, ended: 0 };
pub(super) const LOST_BEFORE: After = After { step: "interrupted", effects: 0..=0, ended: 0 };
const LOST_DURING: After = After { step: "interrupted", effects: 0..=1, ended: 0 };
const LOST_AFTER: After = After { step: "interrupted", effects: 1..=1, ended: 0 };
const NEVER_BEGAN: After = After { step: "failed", effects: 0..=0, ended: 1 };
const DONE: After = After { step: "done", effects: 1..=1, ended: 1 };

/// Who stands at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The host, and no runner is there: not yet, or not any more.
    Host,
    Runner,
    /// The command itself.
    Command,
    /// The host that takes over after everything was ended at another point.
    NextHost {
        /// That point.
        after: &'static str,
        /// Was it the power that was cut, and nothing kept that was not synced?
        power: bool,
    },
}

/// One point.
pub(super) struct Row {
    pub(super) point: &'static str,
    /// For the page.
    pub(super) words: &'static str,
    pub(super) by: By,
    /// The host ended, alone or with its client.
    host: After,
    /// The runner ended, where there is one.
    runner: Option<After>,
    everything: After,
    /// By what is kept: all, names, nothing.
    power: [After; 3],
    /// Can nothing of the command have happened yet?
    pub(super) before_command: bool,
}

impl Row {
    /// What must follow; `None`: there is no such process at this point.
    pub(super) fn after(&self, victim: Victim) -> Option<After> {
        match victim {
            Victim::Client if matches!(self.by, By::NextHost { .. }) => Some(self.host.clone()),
            Victim::Client => Some(DONE),
            Victim::Host | Victim::ClientAndHost => Some(self.host.clone()),
            Victim::Runner => self.runner.clone(),
            Victim::Everything => Some(self.everything.clone()),
            Victim::Power(Kept::All) => Some(self.power[0].clone()),
            Victim::Power(Kept::Names) => Some(self.power[1].clone()),
            Victim::Power(Kept::Nothing) => Some(self.power[2].clone()),
        }
    }
}

pub(super) const VICTIMS: [Victim; 8] = [
    Victim::Client,
    Victim::Host,
    Victim::ClientAndHost,
    Victim::Runner,
    Victim::Everything,
    Victim::Power(Kept::All),
    Victim::Power(Kept::Names),
    Victim::Power(Kept::Nothing),
];

/// A point of the host.
const fn host(point: &'static str, words: &'static str, any: After, power: [After; 3]) -> Row {
    let before_command = any.ended == 0;
    let again = After { step: any.step, effects: effects_of(&any), ended: any.ended };
    Row { point, words, by: By::Host, host: again, runner: None, everything: any, power, before_command }
}

const fn effects_of(after: &After) -> RangeInclusive<usize> {
    RangeInclusive::new(*after.effects.start(), *after.effects.end())
}

/// A point of the runner, or of the command below it: `lost` when whoever knows how it ends is gone.
const fn runner(point: &'static str, words: &'static str, lost: [After; 5]) -> Row {
    let [runner, everything, all, names, nothing] = lost;
    let power = [all, names, nothing];
    let runner = Some(runner);
    Row { point, words, by: By::Runner, host: DONE, runner, everything, power, before_command: false }
}

/// The table, in the order in which a step passes its points.
pub(super) static TABLE: [Row; 21] = [
    host(
        "intent-unwritten",
        "the host is about to write the record of the start",
        NOT_STARTED,
        [NOT_STARTED, NOT_STARTED, NOT_STARTED],
    ),
    host(
        "intent-unsynced",
        "that record is written, its sync has not returned",
        NOT_STARTED,
        [LOST_BEFORE, NOT_STARTED, NOT_STARTED],
    ),
    host(
        "intent-written",
        "that record is on disk, nothing is started",
        NOT_STARTED,
        [LOST_BEFORE, LOST_BEFORE, LOST_BEFORE],
    ),
    Row {
        host: NOT_STARTED,
        before_command: true,
        ..runner(
            "runner-up",
            "the runner is there, it has not claimed the start",
            [NEVER_BEGAN, NOT_STARTED, LOST_BEFORE, LOST_BEFORE, LOST_BEFORE],
        )
    },
    runner(
        "start-recorded",
        "the start is claimed, the command is not started",
        [LOST_BEFORE, LOST_BEFORE, LOST_BEFORE, LOST_BEFORE, LOST_BEFORE],
    ),
    runner(
        "command-started",
        "the command has just been started",
        [LOST_DURING, LOST_DURING, LOST_DURING, LOST_DURING, LOST_DURING],
    ),
    Row {
        by: By::Command,
        ..runner(
            "first-output",
            "the command has printed its first line",
            [LOST_AFTER, LOST_AFTER, LOST_AFTER, LOST_AFTER, LOST_AFTER],
        )
    },
    runner(
        "command-ended",
        "the command has ended, its outcome file is not begun",
        [LOST_AFTER, LOST_AFTER, LOST_AFTER, LOST_AFTER, LOST_AFTER],
    ),
    runner(
        "outcome-file-unsynced",
        "the outcome file is written, under another name",
        [LOST_AFTER, LOST_AFTER, LOST_AFTER, LOST_AFTER, LOST_AFTER],
    ),
    runner(
        "outcome-file-unnamed",
        "its text is on disk, it has not got its name",
        [LOST_AFTER, LOST_AFTER, LOST_AFTER, LOST_AFTER, LOST_AFTER],
    ),
    runner(
        "outcome-name-unsynced",
        "it has its name, the sync of that has not returned",
        [DONE, DONE, DONE, DONE, LOST_AFTER],
    ),
    runner("outcome-left", "the outcome file is on disk", [DONE, DONE, DONE, DONE, DONE]),
    host(
        "runner-spawned",
        "the runner went its whole way, its host has not looked",
        DONE,
        [DONE, DONE, DONE],
    ),
    host("outcome-seen", "the host has read the outcome file", DONE, [DONE, DONE, DONE]),
    host(
        "outcome-unsynced",
        "the record of the outcome is written, its sync has not returned",
        DONE,
        [DONE, DONE, DONE],
    ),
    host("outcome-recorded", "that record is on disk", DONE, [DONE, DONE, DONE]),
    host("step-settled", "so is the step's new state", DONE, [DONE, DONE, DONE]),
    Row {
        by: By::NextHost { after: "intent-written", power: false },
        ..host(
            "host-announced",
            "everything was ended before the command; the next host has not looked yet",
            NOT_STARTED,
            [LOST_BEFORE, LOST_BEFORE, LOST_BEFORE],
        )
    },
    Row {
        by: By::NextHost { after: "intent-written", power: false },
        ..host(
            "starts-looked-at",
            "the same, and it has looked, and recorded nothing of that",
            NOT_STARTED,
            [LOST_BEFORE, LOST_BEFORE, LOST_BEFORE],
        )
    },
    Row {
        by: By::NextHost { after: "first-output", power: true },
        before_command: false,
        ..host(
            "host-announced",
            "the power was cut while the command ran; the next host has not looked yet",
            LOST_AFTER,
            [LOST_AFTER, LOST_AFTER, LOST_AFTER],
        )
    },
    Row {
        by: By::NextHost { after: "first-output", power: true },
        before_command: false,
        ..host(
            "starts-looked-at",
            "the same, and it has looked, and recorded nothing of that",
            LOST_AFTER,
            [LOST_AFTER, LOST_AFTER, LOST_AFTER],
        )
    },
];

/// The rows of a point.
pub(super) fn rows(point: &str) -> impl Iterator<Item = &'static Row> {
    let found: Vec<_> = TABLE.iter().filter(|row| row.point == point).collect();
    assert!(!found.is_empty(), "{point} is not in the table");
    found.into_iter()
}

/// The table as the page shows it.
pub(super) fn in_words() -> String {
    let mut text = String::from(
        "| where it stands | your screen, your `do` | the host, or both | the runner | all at once | the power: all that was written is there | … new files are empty | … only what was synced |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for row in &TABLE {
        let _ = write!(text, "| {}", row.words);
        for victim in VICTIMS.into_iter().filter(|victim| *victim != Victim::ClientAndHost) {
            let word = match row.after(victim) {
                None => "–".to_owned(),
                Some(after) if after == NOT_STARTED => "not started".to_owned(),
                Some(after) if after == NEVER_BEGAN => "`failed`, never began".to_owned(),
                Some(after) => format!("`{}`", after.step),
            };
            let _ = write!(text, " | {word}");
        }
        text += " |\n";
    }
    text
}

#[test]
fn f_d8_nothing_that_may_have_begun_is_ever_shown_as_not_started() {
    for row in TABLE.iter().filter(|row| !row.before_command) {
        for after in VICTIMS.into_iter().filter_map(|victim| row.after(victim)) {
            assert_ne!(after.step, "ready", "{}", row.point);
            assert_ne!(after, NEVER_BEGAN, "{}", row.point);
        }
    }
}
