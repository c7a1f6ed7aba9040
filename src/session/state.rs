//! Where a walk stands. Changed only by `Session::apply`; everyone else reads. PURE.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{Digest, SessionId, StepId, ValueName};
use crate::runbook::{Runbook, Value};
use crate::time::{Moment, Timestamp};

use super::approve::Subject;
use super::event::{Answer, AskMode, Ended, How, Opened, Person, Proven, Said, Work};

/// A walk of a runbook. Reads as its [`State`]; only `apply` changes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub(super) state: State,
    #[serde(skip)]
    pub(super) index: Index,
}

impl Deref for Session {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

/// What is found often, by place in the walk; rebuilt, never sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Index {
    pub(super) steps: HashMap<String, usize>,
    pub(super) checks: HashMap<String, usize>,
    /// Steps whose last asking for an approval is not void.
    pub(super) rounds: BTreeSet<usize>,
}

/// Everything a walk's records add up to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The session's id.
    pub id: SessionId,
    /// What is walked.
    pub runbook: Arc<Runbook>,
    /// What it was opened with.
    pub opened: Opened,
    /// When it was opened.
    pub opened_at: Moment,
    /// Number of the last record applied.
    pub head: u64,
    /// When that happened.
    pub head_at: Moment,
    /// Open, finished or aborted.
    pub stage: Stage,
    /// Who drives.
    pub operator: Person,
    /// Every account and login that the operator acted under since they are the operator.
    #[serde(default)]
    pub operator_as: Vec<Person>,
    /// Everyone who is or ever was the operator, by every account and login they acted under.
    #[serde(default)]
    pub operators: Vec<Person>,
    /// One for each step of the runbook, same order.
    pub steps: Vec<StepState>,
    /// One for each check of the runbook, same order.
    pub checks: Vec<CheckState>,
    /// Holds not yet released, oldest first.
    pub holds: Vec<Hold>,
    /// Parameters and captures; never secrets.
    pub values: BTreeMap<ValueName, Value>,
    /// Attempts so far, of all steps: the last attempt's number.
    pub attempts: u32,
    /// The host at work, or the last one.
    pub host: Option<HostInfo>,
    /// Digests of the environment that commands get, by name.
    pub env: BTreeMap<String, Digest>,
}

/// Is the session still going?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "stage")]
pub enum Stage {
    /// Going.
    Open,
    /// Closed with every step done or skipped.
    Finished,
    /// Given up: only undos may start.
    Aborted {
        /// Why.
        why: String,
    },
}

/// The process that owns the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostInfo {
    /// Its process id.
    pub pid: u32,
    /// The kernel's boot id.
    pub boot_id: String,
    /// Which boot of this session's life, from 0.
    pub boot: u32,
    /// Record that announced it.
    pub since: u64,
    /// Name of the machine it runs on.
    #[serde(default)]
    pub machine: Option<String>,
    /// The account that commands run as.
    #[serde(default)]
    pub runs_as: Option<Person>,
}

/// Somebody's "stop".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Record that called it.
    pub n: u64,
    /// Who.
    pub by: Person,
    /// Why.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

/// One step of the walk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepState {
    /// Where it stands.
    pub progress: Progress,
    /// How often it was started (undos not counted).
    pub attempts: u32,
    /// How often it or its undo was started.
    #[serde(default)]
    pub starts: u32,
    /// Number (session-wide) of its last attempt, undo or not; 0: none.
    pub last_attempt: u32,
    /// Its last start was `--by-hand`.
    pub by_hand: bool,
    /// Somebody wants it started; its checks are being asked.
    pub request: Option<Request>,
    /// When its last attempt started.
    pub started: Option<Moment>,
    /// When it got its present state.
    pub settled: Option<Moment>,
    /// Why it is in its present state, in a sentence.
    pub why: String,
    /// How its last command ended.
    pub ended: Option<Ended>,
    /// Its items, once the list was shown; empty without `for_each`.
    pub items: Vec<ItemState>,
    /// The commands that were started for it, oldest first; of very many the newest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tries: Vec<Try>,
    /// The work ended well and only `verify` stands between it and `done`; record number of that end.
    pub verify_from: Option<u64>,
    /// It has changed something as far as anyone knows: started, and neither undone nor resolved as "nothing came of it".
    pub touched: bool,
    /// Record of its last start (for `stale_after`); 0: never.
    pub started_n: u64,
    /// What was under way when its outcome was lost.
    pub interrupted: Option<Running>,
    /// What a second person was asked to approve last, and what they said; until it is used up.
    #[serde(default)]
    pub approval: Option<Box<Round>>,
    /// What a second person was ever asked to approve, forward or back, by the record that asked, oldest first. No map: its
    /// numbers would cross the wire as texts, and not come back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<(u64, Work)>,
    /// Everyone who ever approved a start of it: none of them may start it.
    #[serde(default)]
    pub approvers: Vec<Approval>,
    /// Who said no to it since its last start, oldest first.
    #[serde(default)]
    pub refusals: Vec<Refused>,
}

/// One asking for an approval: what was asked, and what was said to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// What an approval covers; its `asked` is the record that asked.
    pub subject: Subject,
    /// When it was asked.
    pub at: Moment,
    /// Who said yes, oldest first, void ones included.
    pub given: Vec<Approval>,
    /// Who said no: then nothing here counts.
    pub refused: Option<Refused>,
    /// Why nothing here counts any more.
    pub void: Option<String>,
    /// What was over with the asking before it: refused, void, expired. Absent: there was none, or it still stood.
    #[serde(default)]
    pub before: Option<String>,
}

/// A second person's yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Its record.
    pub n: u64,
    /// When.
    pub at: Moment,
    /// The account it came from; with proof `account`, the person.
    pub by: Person,
    /// How the person is known.
    pub proof: Proven,
    /// They had a screen open on which they could approve, and must keep it open.
    pub attached: bool,
    /// Why it does not count any more.
    pub void: Option<String>,
}

/// A second person's no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Its record.
    pub n: u64,
    /// When.
    pub at: Moment,
    /// Who.
    pub by: Person,
    /// Why.
    pub why: String,
}

/// Where a step stands, as records tell it. `waiting` and `ready` come from the gate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "one for each step, and a step is many times that size anyway")]
pub enum Progress {
    /// Not begun.
    #[default]
    Untouched,
    /// Between start and settling.
    Running(Running),
    /// It did what it is for.
    Done,
    /// It did not.
    Failed,
    /// Passed by, with a reason.
    Skipped,
    /// Its outcome was lost; a person says what happened.
    Interrupted,
    /// Taken back.
    Undone,
}

/// A step under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Running {
    /// Session-wide number of the attempt.
    pub attempt: u32,
    /// Forward or back.
    pub work: Work,
    /// Who carries it out.
    pub how: How,
    /// What it is doing.
    pub phase: Phase,
    /// Items of this attempt, in order.
    pub items: Vec<String>,
    /// Index into `items` of the one under way or next.
    pub next_item: u32,
    /// Somebody asked to stop it.
    pub stop_asked: bool,
    /// What was typed to confirm it.
    pub typed: Option<String>,
    /// Where the step stood before, should the start turn out never to have happened.
    pub before: Before,
    /// Which automatic retry this is; 0: a person started it.
    pub retry: u32,
    /// Record that started it.
    pub start_n: u64,
    /// Record that started its present command: the same one, or that of the item under way.
    #[serde(default)]
    pub began: StartRecord,
    /// Who started it.
    pub by: Person,
    /// Digests of the commands that were approved, one for each of `items` (or the one); empty: none was asked for.
    #[serde(default)]
    pub approved: Vec<Digest>,
    /// Where that was to run, as it was approved; absent: nobody was asked.
    #[serde(default)]
    pub ground: Option<Box<Ground>>,
}

/// The record that says a command was started. An older log that is put back may give another start the same number, but
/// not at the same time too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartRecord {
    /// Its number.
    pub n: u64,
    /// When, UTC.
    pub at: Timestamp,
    /// In which boot of the machine, counted from 0.
    pub boot: u32,
}

/// Where and as whom a start runs, as far as it can change while it goes on. (The directory is part of each command; the
/// umask is the session's for its life.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ground {
    /// The machine.
    pub machine: String,
    /// The account that commands run as.
    pub user: Person,
    /// Digests of the environment, by name.
    pub environment: BTreeMap<String, Digest>,
}

/// Where a step stood before its last start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// Its state.
    pub stood: Stood,
    /// [`StepState::touched`].
    pub touched: bool,
    /// What it had captured.
    pub captured: Option<Value>,
    /// [`StepState::verify_from`].
    pub verify_from: Option<u64>,
}

/// The states a step can be started from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stood {
    /// Not begun.
    #[default]
    Untouched,
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// Passed by.
    Skipped,
    /// Taken back.
    Undone,
}

/// What a running step is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Its command runs, or a person is at it.
    Working,
    /// Between two items, its checks being asked again; record number from which answers count.
    BetweenItems {
        /// Answers after this record count.
        from: u64,
    },
    /// The item's own checks of `verify` are being asked; answers after this record count.
    VerifyingItem {
        /// Record that ended the item's work.
        from: u64,
    },
    /// Its `verify` is being asked; answers after this record count.
    Verifying {
        /// Record that ended the work.
        from: u64,
    },
    /// Waiting to be tried again.
    Retrying {
        /// When the pause began.
        since: Moment,
        /// How long it is.
        pause: Duration,
    },
}

/// A wish to start a step, while its checks are asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Its record: answers after it are of this breath.
    pub n: u64,
    /// When.
    pub at: Moment,
    /// Who.
    pub by: Person,
    /// Forward or back.
    pub work: Work,
    /// A person does what the script would.
    pub by_hand: bool,
    /// What was typed to confirm.
    pub typed: Option<String>,
    /// Somebody can be asked once all else is met.
    pub will_ask: bool,
    /// End it at once with these words (a person's step).
    pub said: Option<Said>,
}

/// A command that was started for a step: whatever it wrote is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// Session-wide number of the attempt.
    pub attempt: u32,
    /// Index and name of the item, where it was for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<(u32, String)>,
    /// It took the step back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undo: bool,
    /// It did what it is for; `None`: it runs, or its end is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub well: Option<bool>,
}

/// One item of a step's `for_each`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemState {
    /// The item.
    pub item: String,
    /// Where it stands.
    pub progress: ItemProgress,
    /// How its last command ended.
    pub ended: Option<Ended>,
    /// Attempt and index that name the directory of its last command.
    pub place: Option<(u32, u32)>,
}

/// Where an item stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemProgress {
    /// Not begun.
    #[default]
    Waiting,
    /// Under way.
    Running,
    /// Done.
    Done,
    /// Not done.
    Failed,
    /// Its outcome was lost.
    Interrupted,
    /// Taken back.
    Undone,
}

/// One check.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckState {
    /// Being asked: which items, since which record.
    pub asking: Option<Asking>,
    /// The last answer of each item; the key is empty where there is no `for_each`.
    pub answers: BTreeMap<String, Given>,
}

/// A check being asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asking {
    /// Record that announced it.
    pub n: u64,
    /// Items without an answer yet; one empty text where there is no `for_each`.
    pub open: Vec<String>,
    /// One try, or `wait` and all.
    pub mode: AskMode,
    /// Since when.
    pub since: Moment,
}

/// An answer on record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Given {
    /// Record that holds it.
    pub n: u64,
    /// Record that announced the asking (for an attestation, its own).
    pub asked_n: u64,
    /// The answer; for an attestation made from the words.
    pub answer: Answer,
    /// Who gave it, for an attestation.
    pub by: Option<Person>,
    /// It was asked as one try, in the same breath as a start.
    pub once: bool,
    /// A newer host has started since (automatic answers are then stale).
    pub of_older_host: bool,
}

impl Session {
    /// Place of a step in the walk, from 0.
    #[must_use]
    pub fn step_at(&self, id: &str) -> Option<usize> {
        self.index.steps.get(id).copied()
    }

    /// Place of a check, from 0.
    #[must_use]
    pub fn check_at(&self, id: &str) -> Option<usize> {
        self.index.checks.get(id).copied()
    }

    /// Rebuilds what is not sent over the wire; call after deserialising.
    pub fn reindex(&mut self) {
        let live = |step: &StepState| step.approval.as_ref().is_some_and(|round| round.void.is_none());
        let rounds = self.state.steps.iter().enumerate().filter(|(_, step)| live(step));
        self.index = Index {
            rounds: rounds.map(|(place, _)| place).collect(),
            steps: by_id(self.state.runbook.steps.iter().map(|s| s.id.as_str())),
            checks: by_id(self.state.runbook.checks.iter().map(|c| c.id.as_str())),
        };
    }
}

impl State {
    /// Ids of the steps that run right now, in the order of the walk.
    #[must_use]
    pub fn running(&self) -> Vec<&StepId> {
        self.runbook
            .steps
            .iter()
            .zip(&self.steps)
            .filter(|(_, state)| matches!(state.progress, Progress::Running(_)))
            .map(|(step, _)| &step.id)
            .collect()
    }
}

fn by_id<'a>(ids: impl Iterator<Item = &'a str>) -> HashMap<String, usize> {
    ids.enumerate().map(|(place, id)| (id.to_owned(), place)).collect()
}
