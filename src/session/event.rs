//! All that is journaled: one enum, one record shape. PURE.
//!
//! Fields are only ever added, with `#[serde(default)]`: journals of every version stay readable.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{CheckId, Digest, SessionId, StepId, ValueName};
use crate::runbook::Value;
use crate::time::Timestamp;

mod person;

use super::approve::Subject;

pub use person::{Person, Proven, SignedBy};

pub use super::outcome::{Answer, AskMode, Ended, LeftProcess, Outcome, Verdict};

/// One thing that happened: what a line of the journal holds, less its link to the line before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, from 1, without gaps.
    pub n: u64,
    /// When, UTC.
    pub at: Timestamp,
    /// When, in milliseconds since the machine booted, suspend included.
    pub up: u64,
    /// The session it belongs to.
    pub session: SessionId,
    /// Who asked for it.
    pub by: Person,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened. The only thing that changes a session (`State::apply`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Always the first record.
    SessionOpened(Box<Opened>),
    /// A host took the journal; automatic answers are stale from here, questions and requests void.
    HostStarted {
        /// Process id of the host.
        pid: u32,
        /// The kernel's boot id.
        boot_id: String,
        /// Which boot this is, counted from 0.
        boot: u32,
        /// Version of the program.
        onbelay: String,
        /// Names and digests of the environment that commands will get.
        env: BTreeMap<String, Digest>,
        /// Names whose value differs from the last host's (all of them named, none with its value).
        #[serde(default)]
        env_changed: Vec<String>,
        /// Name of the machine it runs on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        machine: Option<String>,
        /// The account that commands run as.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        runs_as: Option<Person>,
    },
    /// The tail of the journal was torn by a crash: kept aside, cut, and noted here.
    JournalRepaired {
        /// File that keeps what was cut.
        kept_in: String,
        /// Bytes cut.
        bytes: u64,
    },
    /// A check is about to be asked.
    CheckAsked {
        /// Which.
        check: CheckId,
        /// The items asked; empty where the check has no `for_each`.
        #[serde(default)]
        items: Vec<String>,
        /// One try, or `wait` and all.
        mode: AskMode,
    },
    /// An automatic check found its answer (of one item).
    CheckAnswered {
        /// Which.
        check: CheckId,
        /// The item.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<String>,
        /// What was found.
        answer: Box<Answer>,
    },
    /// A check that was asked will get no answer (its host died, or the session was aborted).
    CheckDropped {
        /// Which.
        check: CheckId,
    },
    /// A person answered.
    Attested {
        /// Which.
        check: CheckId,
        /// The item.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<String>,
        /// Yes or no.
        yes: bool,
        /// In their words; never empty.
        words: String,
    },
    /// Somebody wants a step (or its undo) started; its checks are asked next.
    Requested {
        /// Which.
        step: StepId,
        /// Forward or back.
        work: Work,
        /// A person does what the script would.
        #[serde(default)]
        by_hand: bool,
        /// What was typed to confirm.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        typed: Option<String>,
        /// Nothing was typed yet, but somebody is there to be asked once all else is met.
        #[serde(default)]
        will_ask: bool,
        /// A person's step that is started and called done in one go.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        said: Option<Said>,
    },
    /// All is met but the confirmation: the question was put. Ends the request.
    QuestionPut {
        /// Which.
        step: StepId,
    },
    /// A request was withdrawn, or void because its host went away.
    RequestDropped {
        /// Which.
        step: StepId,
        /// Why, in a sentence.
        why: String,
    },
    /// A rule said no. Nothing was carried out but checks.
    Refused {
        /// The action, in the words of the command line: `run terminate`.
        action: String,
        /// The step, if it was one; ends its request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<StepId>,
        /// One sentence.
        why: String,
        /// Every unmet requirement.
        #[serde(default)]
        unmet: Vec<super::Requirement>,
    },
    /// The gate opened; the attempt begins. The intent: on disk before anything runs.
    StepStarted {
        /// Which.
        step: StepId,
        /// Number of the attempt in this session, from 1; names its directory.
        attempt: u32,
        /// Forward or back.
        work: Work,
        /// Who carries it out.
        how: How,
        /// The items it will run for, in order; those done before are left out.
        #[serde(default)]
        items: Vec<String>,
        /// All items of the list as shown, done ones included.
        #[serde(default)]
        list: Vec<String>,
        /// Digest of what will run (without secrets); absent where a person does it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        command: Option<Digest>,
        /// What was typed to confirm.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        typed: Option<String>,
        /// Numbers of the records with the answers it rests on.
        #[serde(default)]
        rests_on: Vec<u64>,
        /// The tool tries again by itself (`retry`): which try this is, from 1.
        #[serde(default)]
        retry: u32,
        /// Numbers of the records with the approvals that it uses up.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        approvals: Vec<u64>,
    },
    /// The command of one item is about to start.
    ItemStarted {
        /// Which.
        step: StepId,
        /// The attempt.
        attempt: u32,
        /// The item.
        item: String,
        /// Its place in `items` of the attempt, from 0; names its directory.
        index: u32,
        /// Digest of what will run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        command: Option<Digest>,
    },
    /// The command of one item ended.
    ItemEnded {
        /// Which.
        step: StepId,
        /// The attempt.
        attempt: u32,
        /// The item.
        item: String,
        /// How.
        ended: Box<Ended>,
    },
    /// An item has its new state: its own checks of `verify` were asked.
    ItemSettled {
        /// Which.
        step: StepId,
        /// The attempt.
        attempt: u32,
        /// The item.
        item: String,
        /// Did it reach what it was for?
        ok: bool,
        /// Why, in a sentence.
        why: String,
    },
    /// Every item of the attempt is done. The rest of `verify` comes next.
    ItemsEnded {
        /// Which.
        step: StepId,
        /// The attempt.
        attempt: u32,
    },
    /// The command of a step without items, or a person's part, ended. `verify` comes next.
    WorkEnded {
        /// Which.
        step: StepId,
        /// The attempt.
        attempt: u32,
        /// How.
        ended: Box<Ended>,
    },
    /// A try failed and another will be made.
    RetryPlanned {
        /// Which.
        step: StepId,
        /// The attempt that failed.
        attempt: u32,
        /// Milliseconds until the next.
        pause: u64,
    },
    /// The step has its new state.
    StepSettled {
        /// Which.
        step: StepId,
        /// The attempt; 0 where nothing was started (`done_when`).
        attempt: u32,
        /// Forward or back.
        work: Work,
        /// Did it reach what it was for: done, or undone?
        ok: bool,
        /// Why, in a sentence.
        why: String,
    },
    /// Its start is on record, but its command never started: same boot, no start record.
    NeverStarted {
        /// Which.
        step: StepId,
        /// The attempt.
        attempt: u32,
        /// How that is known.
        evidence: String,
    },
    /// It was started, and how it ended is lost. A person says what happened.
    Interrupted {
        /// Which.
        step: StepId,
        /// The attempt.
        attempt: u32,
        /// What is known.
        evidence: String,
    },
    /// A person said what became of an interrupted step (or that nothing came of a failed hold point).
    Resolved {
        /// Which.
        step: StepId,
        /// Done (then `verify` is asked), or failed.
        done: bool,
        /// What they saw.
        what: String,
    },
    /// Somebody ends a running step.
    StopAsked {
        /// Which.
        step: StepId,
    },
    /// Somebody types into the terminal of an interactive command from here on. What they type is never recorded.
    TerminalTaken {
        /// Which.
        step: StepId,
        /// The attempt.
        attempt: u32,
        /// The item whose command it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<String>,
    },
    /// A step is passed by.
    StepSkipped {
        /// Which.
        step: StepId,
        /// Why.
        why: String,
    },
    /// "Stop": nothing starts until it is released.
    HoldCalled {
        /// Why.
        why: String,
    },
    /// A hold is over.
    HoldReleased {
        /// Numbers of the records that called what is released.
        holds: Vec<u64>,
        /// Why; needed for other people's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// A second person is asked to approve one start, just as it stands: what an approval refers to. Takes the place of
    /// what was asked before for this step, refusals included.
    ApprovalAsked {
        /// Everything an approval of it covers.
        subject: Box<Subject>,
    },
    /// A second person approved what was asked.
    Approved {
        /// Which step.
        step: StepId,
        /// The record that asked.
        asked: u64,
        /// SHA-256 of the text that was approved, as `Subject::text` writes it.
        text: Digest,
        /// How that person is known.
        proof: Proven,
        /// They had a screen open on which they could approve, and must keep it open until the start.
        #[serde(default)]
        attached: bool,
    },
    /// A second person said no: nothing that was or will be approved counts until it is asked for anew.
    ApprovalRefused {
        /// Which step.
        step: StepId,
        /// The record that asked.
        asked: u64,
        /// Why.
        why: String,
    },
    /// Approvals are void, for a reason that no other record tells.
    ApprovalsVoided {
        /// Which step.
        step: StepId,
        /// Numbers of the records that approved.
        approvals: Vec<u64>,
        /// Why, in a sentence.
        why: String,
    },
    /// Another person is the operator from now. Voids what was approved.
    HandedOver {
        /// Who.
        to: Person,
    },
    /// For the record.
    Noted {
        /// The words.
        text: String,
    },
    /// Every step is done or skipped, and the operator closed the session.
    Finished,
    /// Nothing starts any more but undos.
    Aborted {
        /// Why.
        why: String,
    },
}

/// What a session is made of; fixed for its life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// Version of the journal's format.
    pub format: u32,
    /// Version of the program.
    pub onbelay: String,
    /// Its title, filled in.
    pub title: String,
    /// Where the runbook was read from; the copy in the session's directory is what is walked.
    pub path: String,
    /// SHA-256 of that copy.
    pub sha256: Digest,
    /// Values of the parameters, secrets left out.
    pub values: BTreeMap<ValueName, Value>,
    /// Names of the secrets.
    #[serde(default)]
    pub secrets: Vec<ValueName>,
    /// Directory it was started in; relative paths count from it.
    pub dir: String,
    /// Name of the machine.
    pub machine: String,
    /// File mode creation mask of the starter, for commands.
    #[serde(default)]
    pub umask: u32,
    /// Who started it.
    pub operator: Person,
    /// The Unix group whose members may attach, watch and witness.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Group>,
    /// The file of keys that may sign approvals, in the form of `ssh-keygen`'s `allowed_signers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signers: Option<String>,
}

/// A Unix group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its number.
    pub gid: u32,
}

/// Forward or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// What the step is for.
    Run,
    /// Its undo.
    Undo,
}

/// Who carries a step out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The tool runs the script.
    Script,
    /// A person, for a step without a script.
    Person,
    /// A person, instead of the script (`--by-hand`).
    ByHand,
}

/// What a person says at the end of their part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Their words, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub say: Option<String>,
    /// What the step captures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}
