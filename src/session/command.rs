//! What people may ask of a session, and how a rule says no. PURE.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::id::{CheckId, Digest, StepId, all_as_asked, as_asked};

use super::event::{Person, Said, Work};

/// A request: the same for a key in the UI, a line in plain mode and `onbelay do`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Ask automatic checks, `wait` and all.
    Check {
        /// Which; empty: all whose values are captured.
        #[serde(deserialize_with = "items_as_asked")]
        checks: Vec<CheckItem>,
    },
    /// Answer a check in words.
    Attest {
        /// Which (and which item).
        #[serde(deserialize_with = "item_as_asked")]
        check: CheckItem,
        /// Yes or no.
        yes: bool,
        /// The words.
        words: String,
    },
    /// Ask what is not fresh, pass the gate, start the step.
    Run {
        /// Which.
        #[serde(deserialize_with = "as_asked")]
        step: StepId,
        /// What was typed to confirm.
        typed: Option<String>,
        /// Somebody can be asked to confirm once all else is met.
        will_ask: bool,
        /// A person does what the script would.
        by_hand: bool,
    },
    /// End a person's step well (starting it too where that is allowed).
    Done {
        /// Which.
        #[serde(deserialize_with = "as_asked")]
        step: StepId,
        /// Words and captured value.
        said: Said,
    },
    /// End a person's step badly.
    Fail {
        /// Which.
        #[serde(deserialize_with = "as_asked")]
        step: StepId,
        /// Why.
        why: String,
    },
    /// Pass steps by.
    Skip {
        /// Which.
        #[serde(deserialize_with = "all_as_asked")]
        steps: Vec<StepId>,
        /// Why.
        why: String,
    },
    /// Take a step back.
    Undo {
        /// Which.
        #[serde(deserialize_with = "as_asked")]
        step: StepId,
        /// What was typed to confirm.
        typed: Option<String>,
        /// Somebody can be asked to confirm once all else is met.
        will_ask: bool,
    },
    /// Withdraw a request that is still asking its checks.
    Withdraw {
        /// Which.
        #[serde(deserialize_with = "as_asked")]
        step: StepId,
    },
    /// Ask for an approval of a start as it stands now; what was asked before and still stands is kept.
    AskApproval {
        /// Which.
        #[serde(deserialize_with = "as_asked")]
        step: StepId,
        /// Forward or back; absent: what was asked for last, else what it could do next.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        work: Option<Work>,
        /// A person does what the script would.
        #[serde(default)]
        by_hand: bool,
    },
    /// The witness says yes.
    Approve {
        /// Which.
        #[serde(deserialize_with = "as_asked")]
        step: StepId,
        /// SHA-256 of the text they saw ([`super::approve::Subject::text`]); absent: none was shown, what stands now is meant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<Digest>,
        /// The name that somebody at the operator's terminal gives (proof `here`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// An armoured SSH signature over that text (proof `key`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
    },
    /// The witness says no.
    Refuse {
        /// Which.
        #[serde(deserialize_with = "as_asked")]
        step: StepId,
        /// Why.
        why: String,
    },
    /// For the record.
    Note {
        /// The words.
        text: String,
    },
    /// Nothing starts until it is released.
    Hold {
        /// Why.
        why: String,
    },
    /// Release one's own holds; with words, other people's too.
    Release {
        /// Why.
        why: Option<String>,
    },
    /// Say what became of an interrupted step.
    Resolve {
        /// Which.
        #[serde(deserialize_with = "as_asked")]
        step: StepId,
        /// Done or failed.
        done: bool,
        /// What was seen.
        what: String,
    },
    /// End a running step.
    Stop {
        /// Which.
        #[serde(deserialize_with = "as_asked")]
        step: StepId,
    },
    /// Type into the terminal of a step's interactive command from here on; whoever typed before no longer does.
    TakeTerminal {
        /// Which.
        #[serde(deserialize_with = "as_asked")]
        step: StepId,
    },
    /// Another person is the operator from now.
    Handover {
        /// Account name.
        to: String,
    },
    /// Close a session whose steps are all done or skipped.
    Finish,
    /// Nothing starts any more but undos.
    Abort {
        /// Why.
        why: String,
    },
}

impl Command {
    /// The action in the words of the command line, without what was said: `run terminate`.
    #[must_use]
    pub fn action(&self) -> String {
        match self {
            Self::Check { checks } if checks.is_empty() => "check --all".to_owned(),
            Self::Check { checks } => {
                let ids: Vec<String> = checks.iter().map(ToString::to_string).collect();
                format!("check {}", ids.join(" "))
            }
            Self::Attest { check, .. } => format!("attest {check}"),
            Self::Run { step, .. } => format!("run {step}"),
            Self::Done { step, .. } => format!("done {step}"),
            Self::Fail { step, .. } => format!("fail {step}"),
            Self::Skip { steps, .. } => {
                let ids: Vec<&str> = steps.iter().map(StepId::as_str).collect();
                format!("skip {}", ids.join(" "))
            }
            Self::Undo { step, .. } => format!("undo {step}"),
            Self::Withdraw { step } => format!("withdraw {step}"),
            Self::AskApproval { step, .. } => format!("approval {step}"),
            Self::Approve { step, .. } => format!("approve {step}"),
            Self::Refuse { step, .. } => format!("refuse {step}"),
            Self::Note { .. } => "note".to_owned(),
            Self::Hold { .. } => "hold".to_owned(),
            Self::Release { .. } => "release".to_owned(),
            Self::Resolve { step, .. } => format!("resolve {step}"),
            Self::Stop { step } => format!("stop {step}"),
            Self::TakeTerminal { step } => format!("terminal {step}"),
            Self::Handover { to } => format!("handover {to}"),
            Self::Finish => "finish".to_owned(),
            Self::Abort { .. } => "abort".to_owned(),
        }
    }

    /// Every text a person put into it.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let texts: [Option<&str>; 2] = match self {
            Self::Attest { words, .. } => [Some(words), None],
            Self::Run { typed, .. } | Self::Undo { typed, .. } => [typed.as_deref(), None],
            Self::Done { said, .. } => [said.say.as_deref(), said.value.as_deref()],
            Self::Fail { why, .. }
            | Self::Skip { why, .. }
            | Self::Refuse { why, .. }
            | Self::Hold { why }
            | Self::Abort { why } => [Some(why), None],
            Self::Note { text } => [Some(text), None],
            Self::Release { why } => [why.as_deref(), None],
            Self::Resolve { what, .. } => [Some(what), None],
            Self::Approve { name, signature, .. } => [name.as_deref(), signature.as_deref()],
            _ => [None, None],
        };
        texts.into_iter().flatten()
    }
}

impl fmt::Display for CheckItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.item {
            Some(item) => write!(f, "{}@{item}", self.check),
            None => write!(f, "{}", self.check),
        }
    }
}

/// A check, or one item of it: `all-regions@us-east-1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckItem {
    /// The check.
    pub check: CheckId,
    /// The item; absent: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
}

impl CheckItem {
    /// Reads `CHECK` or `CHECK@ITEM`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.split_once('@') {
            Some((check, item)) => Self { check: check.into(), item: Some(item.to_owned()) },
            None => Self { check: text.into(), item: None },
        }
    }
}

/// As a person asks for it: there may be no check of that name.
#[derive(Deserialize)]
struct AskedItem {
    #[serde(deserialize_with = "as_asked")]
    check: CheckId,
    item: Option<String>,
}

impl From<AskedItem> for CheckItem {
    fn from(AskedItem { check, item }: AskedItem) -> Self {
        Self { check, item }
    }
}

fn item_as_asked<'de, D: Deserializer<'de>>(from: D) -> Result<CheckItem, D::Error> {
    AskedItem::deserialize(from).map(CheckItem::from)
}

fn items_as_asked<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<CheckItem>, D::Error> {
    Ok(Vec::<AskedItem>::deserialize(from)?.into_iter().map(CheckItem::from).collect())
}

/// One thing a gate asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// Of which kind.
    pub kind: Kind,
    /// The step or check it speaks of; for `confirm` the text to be typed.
    pub id: String,
    /// Is it met?
    pub met: bool,
    /// The reason, in a sentence.
    pub why: String,
    /// What to do, in a sentence; may be empty.
    pub fix: String,
}

/// The kinds of requirement, as `status --json` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Steps before it.
    Order,
    /// A required step.
    Step,
    /// A required check.
    Check,
    /// Somebody called a hold.
    Hold,
    /// A second person.
    Witness,
    /// The text to be typed.
    Confirm,
}

/// What the host found out about one request at the moment it came: the kernel's word then, not at connect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// Why this person may not act now, in a sentence: the account is gone, it left the group, another account speaks.
    pub barred: Option<String>,
    /// This person has a screen open on which they could approve, and which stays: this one, or one beside it.
    pub attached: bool,
    /// Where the command carries a signature: the keys that are allowed, or why they cannot be known.
    pub signers: Option<Result<Signers, String>>,
    /// Fingerprints of keys that the account of the session holds itself (`SHA256:…`): they are the operator's.
    pub own_keys: Vec<String>,
    /// Why some of those could not be looked up (the operator's home cannot be read).
    pub keys_unknown: Option<String>,
    /// Where the command starts a step: approvals whose givers may not approve any more, by record, and why.
    pub lapsed: Vec<(u64, String)>,
    /// Where the command names somebody (`handover`): that account, or why it cannot be the operator.
    pub named: Option<Result<Person, String>>,
}

/// Where a machine's administrator says which keys may sign: where it is there, it alone counts.
pub const SIGNERS_OF_THE_MACHINE: &str = "/etc/onbelay/allowed_signers";

/// An `allowed_signers` file, as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signers {
    /// Where it was read from.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// A rule said no: a normal answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The call itself is wrong (exit status 2, not journaled), or the answer is no (1, journaled).
    pub fault: Fault,
    /// One sentence for a person.
    pub sentence: String,
    /// Every unmet requirement, where a gate said no.
    pub unmet: Vec<Requirement>,
}

/// Whose fault a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It names something that is not there, or lacks words it needs.
    Call,
    /// The answer is no.
    Rule,
}

impl Refusal {
    /// The call is wrong.
    pub fn call(sentence: impl Into<String>) -> Self {
        Self { fault: Fault::Call, sentence: sentence.into(), unmet: Vec::new() }
    }

    /// The answer is no.
    pub fn rule(sentence: impl Into<String>) -> Self {
        Self { fault: Fault::Rule, sentence: sentence.into(), unmet: Vec::new() }
    }
}
