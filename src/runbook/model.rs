//! The runbook as the rest of the program sees it: read, vetted, every reference resolved. PURE.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{CheckId, StepId, ValueName};

use super::look::Look;

/// A runbook that passed every rule of the format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Runbook {
    /// One line; also the source of the session's id.
    pub title: Template,
    /// Markdown for the people who walk it.
    pub about: Template,
    /// In the order of the file, which is the order of asking.
    pub params: Vec<Param>,
    /// Names or `PREFIX*` patterns of the starter's variables that commands also get.
    pub pass_env: Vec<String>,
    /// In the order of the file.
    pub checks: Vec<Check>,
    /// In the order of the walk.
    pub steps: Vec<Step>,
    /// Headings, in the order of the file; `Step::phase` indexes them.
    pub phases: Vec<Template>,
}

impl Runbook {
    /// The place of a step in the walk, counted from 0. Linear; `Session` keeps an index for hot paths.
    #[must_use]
    pub fn step_index(&self, id: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.id.as_str() == id)
    }

    /// The place of a check in `checks`, counted from 0. Linear; `Session` keeps an index for hot paths.
    #[must_use]
    pub fn check_index(&self, id: &str) -> Option<usize> {
        self.checks.iter().position(|check| check.id.as_str() == id)
    }
}

/// Text in which `${name}` stands for a value and `$${` for `${`. Kept as written; `values` fills it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(pub String);

impl Template {
    /// The text as the runbook spells it.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// Is there no text at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A value given from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Param {
    /// Its name in `${name}` and in a command's environment.
    pub name: ValueName,
    /// What it is, for whoever is asked.
    pub about: String,
    /// Used when nothing is given.
    pub default: Option<Value>,
    /// Regular expression that the whole value (each item of a list) must match.
    pub matches: Option<String>,
    /// The values allowed; empty: any.
    pub choices: Vec<String>,
    /// Holds a list of texts instead of one.
    pub list: bool,
    /// Asked without echo, written nowhere.
    pub secret: bool,
    /// Variable of the starter's environment to take it from when set.
    pub env: Option<String>,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// One text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

/// A question with an answer; it changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Its id.
    pub id: CheckId,
    /// One line: what holds when it holds.
    pub title: Template,
    /// Shown when it does not hold: why it matters. May be empty.
    pub why: Template,
    /// Shown when it does not hold: what to do. May be empty.
    pub fix: Template,
    /// How the answer is found.
    pub probe: Probe,
    /// One try of one item is ended after this. `run` has 60 s unless it says otherwise.
    pub timeout: Option<Duration>,
    /// Try until it holds.
    pub wait: Option<Wait>,
    /// Asked once an item; holds only when every item does.
    pub for_each: Option<ForEach>,
    /// Items asked side by side, at most.
    pub jobs: u32,
    /// An answer serves this long.
    pub valid_for: Option<Duration>,
    /// An answer is stale once one of these has started since.
    pub stale_after: Vec<StepId>,
    /// Steps that capture a value this check uses: until each is done it is `unknown`.
    pub needs_captures_of: Vec<StepId>,
}

impl Check {
    /// Does the tool find the answer (as opposed to a person)?
    #[must_use]
    pub fn is_automatic(&self) -> bool {
        !matches!(self.probe, Probe::Attest { .. })
    }
}

/// How a check finds its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// A script that exits 0 and prints what is expected.
    Run {
        /// What is run.
        script: Script,
        /// What must be met besides; all of it.
        expect: Expect,
    },
    /// A person says yes, in words.
    Attest {
        /// What they are asked.
        question: Template,
        /// Not the operator.
        witness: bool,
    },
    /// A step has been done for at least that long.
    Elapsed {
        /// The step.
        since: StepId,
        /// How long.
        at_least: Duration,
    },
    /// The tool looks at files or at this machine.
    Look(Look<Template>),
}

/// What a script's end and output must be. Every `Some` must be met; output is stdout, trimmed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Expect {
    /// Exit status instead of 0.
    pub exit: Option<i32>,
    /// The whole output.
    pub equals: Option<Template>,
    /// Occurs in the output.
    pub contains: Option<Template>,
    /// Does not occur in the output.
    pub lacks: Option<Template>,
    /// Regular expression on the whole output.
    pub matches: Option<Template>,
    /// The output is a number not below this.
    pub at_least: Option<f64>,
    /// The output is a number not above this.
    pub at_most: Option<f64>,
}

impl Expect {
    /// Does anything here look at the output?
    #[must_use]
    pub fn reads_output(&self) -> bool {
        self.equals.is_some()
            || self.contains.is_some()
            || self.lacks.is_some()
            || self.matches.is_some()
            || self.at_least.is_some()
            || self.at_most.is_some()
    }
}

/// `wait`: tried again until it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Give up after this long, from the first try.
    pub up_to: Duration,
    /// Pause between tries.
    pub every: Duration,
    /// It must have held at every try for this long.
    pub steady: Option<Duration>,
}

/// A script with the settings that apply to it (the nearest of step, check and document).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The text, never templated: values are environment variables.
    pub text: String,
    /// The words before the script; the script is the last argument.
    pub shell: Arc<[String]>,
    /// Working directory; relative to the directory the session was started in.
    pub dir: Option<Template>,
    /// Variables set for it, over those of the values and of the starter.
    pub env: Arc<BTreeMap<String, Template>>,
}

/// Once for each item of a list, as `${name}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForEach {
    /// What the item is called.
    pub name: ValueName,
    /// Where the items come from.
    pub list: ListSource,
}

/// Where the items of a `for_each` come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListSource {
    /// Written in the runbook (each may use values).
    Literal(Vec<Template>),
    /// A `list` parameter, or a captured value (an item a line).
    Named(ValueName),
}

/// One entry of the walk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its id.
    pub id: StepId,
    /// One line: what it does.
    pub title: Template,
    /// Markdown instructions. May be empty.
    pub about: Template,
    /// Index into `Runbook::phases`.
    pub phase: Option<usize>,
    /// Carried out by the tool; without it a person does it.
    pub run: Option<Script>,
    /// Makes it a hold point.
    pub destructive: Option<Destructive>,
    /// Skipping it closes nothing.
    pub optional: bool,
    /// Checks that must hold, as written.
    pub requires_checks: Vec<CheckId>,
    /// Steps that must be done: as written, then those whose captures it uses.
    pub requires_steps: Vec<StepId>,
    /// Text to be typed exactly; `None`: not asked. A destructive step always has one (else its own id).
    pub confirm: Option<Template>,
    /// A second person must approve.
    pub witness: Option<WitnessRule>,
    /// Asked at its end; done only when they hold.
    pub verify: Vec<CheckId>,
    /// Asked first; when they hold nothing is required, confirmed or run.
    pub done_when: Vec<CheckId>,
    /// Takes it back.
    pub undo: Option<Box<Undo>>,
    /// Its output becomes a value.
    pub capture: Option<Capture>,
    /// Killed after this long (each item anew).
    pub timeout: Option<Duration>,
    /// Late after this long from its start.
    pub expect_within: Option<Duration>,
    /// Tried again when it fails; never on a hold point.
    pub retry: Option<Retry>,
    /// The walk goes on while it runs.
    pub background: bool,
    /// Its command has a terminal, into which the operator types.
    #[serde(default)]
    pub interactive: bool,
    /// Once an item.
    pub for_each: Option<ForEach>,
    /// For those outside, when it is done. May be empty.
    pub announce: Template,
}

impl Step {
    /// Is it a hold point, the gate of a destructive step?
    #[must_use]
    pub fn is_hold_point(&self) -> bool {
        self.destructive.is_some()
    }

    /// Must it be started before it can be called done? (`format.md`: a person's step that is
    /// destructive, confirmed or witnessed.)
    #[must_use]
    pub fn must_be_started(&self) -> bool {
        self.is_hold_point() || self.confirm.is_some() || self.witness.is_some()
    }
}

/// `destructive`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destructive {
    /// What is lost, in words; empty for `destructive: true`.
    pub loses: Template,
}

/// `witness` of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WitnessRule {
    /// How the second person is known.
    pub proof: Proof,
    /// Who may; empty: anyone.
    pub of: Vec<String>,
    /// How many distinct people.
    pub count: u32,
}

/// How a person is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The kernel's word for the account at the other end of the socket.
    Account,
    /// An SSH signature.
    Key,
    /// Somebody at the operator's own terminal: proves nothing.
    Here,
}

/// `undo` of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Undo {
    /// A script, or words for a person.
    pub work: UndoWork,
    /// Checks that must hold first.
    pub requires: Vec<CheckId>,
}

/// What takes a step back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndoWork {
    /// Of a step with `run`.
    Script(Script),
    /// Of a person's step.
    Words(Template),
}

/// `capture`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// What the value is called.
    pub name: ValueName,
    /// Regular expression the whole value must match.
    pub pattern: Option<String>,
}

/// `retry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// How many more tries.
    pub times: u32,
    /// Pause before each.
    pub every: Duration,
}
