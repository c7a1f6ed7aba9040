//! The parts of a runbook as written, each with its place; also what the JSON Schema is made from. PURE.
//!
//! The docstrings of fields and types here are the descriptions that editors show.

use std::time::Duration;

use schemars::JsonSchema;

use super::fields::At;
use crate::runbook::look::{Covers, Different, Fresh, Look, OfPath, Space, UnchangedSince, Where};

pub(in crate::runbook) type Text = At<String>;
pub(in crate::runbook) type Flag = At<bool>;
pub(in crate::runbook) type Length = At<Duration>;

/// One id or text, or a list of them.
#[derive(Clone, Debug, Default)]
pub(in crate::runbook) struct OneOrMany(pub(in crate::runbook) Vec<Text>);

/// A map whose keys are the author's own names.
#[derive(Clone, Debug)]
pub(in crate::runbook) struct Named<T>(pub(in crate::runbook) Vec<(Text, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// A migration runbook, walked top to bottom; nothing destructive runs until its checks hold.
#[derive(Debug, JsonSchema)]
#[schemars(title = "onbelay runbook", rename = "Runbook", deny_unknown_fields)]
pub(in crate::runbook) struct RawRunbook {
    /// Version of the format: 1.
    #[schemars(required, range(min = 1, max = 1))]
    pub(in crate::runbook) onbelay: Option<At<u32>>,
    /// One line; sessions are named after it.
    #[schemars(required)]
    pub(in crate::runbook) title: Option<Text>,
    /// Markdown for the people who walk it: what changes, whom to call, what it costs to be wrong.
    pub(in crate::runbook) about: Option<Text>,
    /// Values given from outside.
    #[schemars(with = "Option<Named<Option<RawParam>>>")]
    pub(in crate::runbook) params: Named<RawParam>,
    /// Names, or `PREFIX*`, of variables of the starter's environment that commands also get.
    #[schemars(with = "Option<OneOrMany>")]
    pub(in crate::runbook) pass_env: OneOrMany,
    /// What runs the scripts: `bash`, `sh`, or a list of words that the script is added to.
    pub(in crate::runbook) shell: Option<RawShell>,
    /// Directory scripts run in.
    pub(in crate::runbook) dir: Option<Text>,
    /// Variables set for scripts.
    #[schemars(with = "Option<Named<Text>>")]
    pub(in crate::runbook) env: Named<Text>,
    /// Questions that steps require an answer to, by id.
    #[schemars(with = "Option<Named<RawCheck>>")]
    pub(in crate::runbook) checks: Named<RawCheck>,
    /// The walk, in order.
    #[schemars(required, length(min = 1))]
    pub(in crate::runbook) steps: Option<Vec<RawEntry>>,
    /// Where `steps` stands, for what is wrong with all of it.
    #[schemars(skip)]
    pub(in crate::runbook) span: std::ops::Range<usize>,
    /// An entry of `steps` could not be read, or `steps` is no list.
    #[schemars(skip)]
    pub(in crate::runbook) steps_broken: bool,
    /// The keys that are there.
    #[schemars(skip)]
    pub(in crate::runbook) given: Vec<&'static str>,
}

/// A value given from outside.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Param", deny_unknown_fields)]
pub(in crate::runbook) struct RawParam {
    /// What it is, for whoever is asked.
    pub(in crate::runbook) about: Option<Text>,
    /// Used when nothing is given; `""` lets the value be empty.
    pub(in crate::runbook) default: Option<RawDefault>,
    /// Regular expression that the whole value must match.
    pub(in crate::runbook) matches: Option<Text>,
    /// The values allowed.
    pub(in crate::runbook) choices: Option<Vec<Text>>,
    /// Holds a list of texts.
    pub(in crate::runbook) list: Option<Flag>,
    /// Asked without echo, written nowhere.
    pub(in crate::runbook) secret: Option<Flag>,
    /// Variable of the starter's environment to take it from when it is set.
    pub(in crate::runbook) env: Option<Text>,
}

/// A default: a text, or a list of texts for a list.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Default", untagged)]
pub(in crate::runbook) enum RawDefault {
    /// One text.
    Text(Text),
    /// A list of texts.
    List(At<Vec<Text>>),
}

/// What runs a script.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(rename = "Shell", untagged)]
pub(in crate::runbook) enum RawShell {
    /// `bash` or `sh`.
    Name(Text),
    /// Words; the script is the last argument.
    Words(At<Vec<Text>>),
}

/// A question with an answer; it changes nothing. Exactly one probe: `run`, `attest`, `covers`, `unchanged_since`, `fresh`,
/// `persistent`, `not_in_use`, `different`, `space`, `where`, `elapsed`.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Check", deny_unknown_fields)]
pub(in crate::runbook) struct RawCheck {
    /// One line: what holds when it holds.
    pub(in crate::runbook) title: Option<Text>,
    /// Shown when it does not hold: why it matters.
    pub(in crate::runbook) why: Option<Text>,
    /// Shown when it does not hold: what to do.
    pub(in crate::runbook) fix: Option<Text>,
    /// Probe: a script that exits 0 (yes) or 1 (no).
    pub(in crate::runbook) run: Option<Text>,
    /// Probe: a question that a person answers in words.
    pub(in crate::runbook) attest: Option<Text>,
    /// Probe: everything of one tree is in a backup.
    pub(in crate::runbook) covers: Option<Box<Covers<Text>>>,
    /// Probe: nothing changed since something was made.
    pub(in crate::runbook) unchanged_since: Option<Box<UnchangedSince<Text>>>,
    /// Probe: a file is there, young and large enough, and what it should be.
    pub(in crate::runbook) fresh: Option<Box<Fresh<Text>>>,
    /// Probe: a path is on storage that outlives the machine's restart or move.
    pub(in crate::runbook) persistent: Option<Box<OfPath<Text>>>,
    /// Probe: nobody has it open, mapped, mounted or behind a device.
    pub(in crate::runbook) not_in_use: Option<Box<OfPath<Text>>>,
    /// Probe: two things are not one under two names.
    pub(in crate::runbook) different: Option<Box<Different<Text>>>,
    /// Probe: that much is free.
    pub(in crate::runbook) space: Option<Box<Space<Text>>>,
    /// Probe: commands run on this machine, as this user.
    #[schemars(rename = "where")]
    pub(in crate::runbook) whereabouts: Option<Box<Where<Text>>>,
    /// Probe: a step has been done for that long.
    pub(in crate::runbook) elapsed: Option<Box<RawElapsed>>,
    /// What the output of `run` must be.
    pub(in crate::runbook) expect: Option<Box<RawExpect>>,
    /// What runs the script of `run`.
    pub(in crate::runbook) shell: Option<RawShell>,
    /// Directory `run` runs in.
    pub(in crate::runbook) dir: Option<Text>,
    /// Variables set for `run`.
    #[schemars(with = "Option<Named<Text>>")]
    pub(in crate::runbook) env: Named<Text>,
    /// Beside `attest`: somebody other than the operator answers.
    pub(in crate::runbook) witness: Option<Flag>,
    /// One try of one item is ended after this; 60s for `run` unless said.
    pub(in crate::runbook) timeout: Option<Length>,
    /// Try until it holds.
    pub(in crate::runbook) wait: Option<Box<RawWait>>,
    /// Asked once an item; holds only when every item does.
    pub(in crate::runbook) for_each: Option<Box<RawForEach>>,
    /// Items asked side by side, at most; 8 unless said.
    #[schemars(range(min = 1, max = 64))]
    pub(in crate::runbook) jobs: Option<At<u32>>,
    /// An answer serves for this long.
    pub(in crate::runbook) valid_for: Option<Length>,
    /// An answer is stale once one of these steps ran since.
    #[schemars(with = "Option<OneOrMany>")]
    pub(in crate::runbook) stale_after: OneOrMany,
    /// Keys with their places that were given, for what is wrong with their combination.
    #[schemars(skip)]
    pub(in crate::runbook) places: Vec<(&'static str, std::ops::Range<usize>)>,
}

impl RawCheck {
    /// The built-in probe that is here.
    pub(in crate::runbook) fn look(&self) -> Option<Look<Text>> {
        let covers = self.covers.as_deref().cloned().map(Look::Covers);
        covers
            .or_else(|| self.unchanged_since.as_deref().cloned().map(Look::UnchangedSince))
            .or_else(|| self.fresh.as_deref().cloned().map(Look::Fresh))
            .or_else(|| self.persistent.as_deref().cloned().map(Look::Persistent))
            .or_else(|| self.not_in_use.as_deref().cloned().map(Look::NotInUse))
            .or_else(|| self.different.as_deref().cloned().map(Look::Different))
            .or_else(|| self.space.as_deref().cloned().map(Look::Space))
            .or_else(|| self.whereabouts.as_deref().cloned().map(Look::Where))
    }
}

/// `elapsed`: a step has been done for at least that long.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Elapsed", deny_unknown_fields)]
pub(in crate::runbook) struct RawElapsed {
    /// The step.
    #[schemars(required)]
    pub(in crate::runbook) since: Option<Text>,
    /// How long.
    #[schemars(required)]
    pub(in crate::runbook) at_least: Option<Length>,
}

/// `expect`: all of it must be met; output is stdout, trimmed.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Expect", deny_unknown_fields)]
pub(in crate::runbook) struct RawExpect {
    /// Exit status instead of 0.
    #[schemars(range(min = 0, max = 255))]
    pub(in crate::runbook) exit: Option<At<u32>>,
    /// The whole output.
    pub(in crate::runbook) equals: Option<Text>,
    /// Occurs in the output.
    pub(in crate::runbook) contains: Option<Text>,
    /// Does not occur in the output.
    pub(in crate::runbook) lacks: Option<Text>,
    /// Regular expression on the whole output.
    pub(in crate::runbook) matches: Option<Text>,
    /// The output is a number not below this.
    pub(in crate::runbook) at_least: Option<At<f64>>,
    /// The output is a number not above this.
    pub(in crate::runbook) at_most: Option<At<f64>>,
}

/// `wait`: tried until it holds.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Wait", deny_unknown_fields)]
pub(in crate::runbook) struct RawWait {
    /// Give up after this.
    #[schemars(required)]
    pub(in crate::runbook) up_to: Option<Length>,
    /// Pause between tries; 5s unless said.
    pub(in crate::runbook) every: Option<Length>,
    /// It must have held at every try for that long.
    pub(in crate::runbook) steady: Option<Length>,
}

/// `for_each`: one name, and the list it stands for item by item.
#[derive(Debug)]
pub(in crate::runbook) struct RawForEach {
    pub(in crate::runbook) name: Text,
    pub(in crate::runbook) list: RawList,
}

/// A list, or `${name}` of one.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "List", untagged)]
pub(in crate::runbook) enum RawList {
    /// `${name}` of a `list` parameter or of a captured value.
    Reference(Text),
    /// Written out.
    Items(Vec<Text>),
}

/// A step, or a heading for the steps that follow.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Entry", untagged)]
pub(in crate::runbook) enum RawEntry {
    /// A heading.
    Phase(RawPhase),
    /// A step.
    Step(Box<RawStep>),
}

/// A heading for the steps that follow.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Phase", deny_unknown_fields)]
pub(in crate::runbook) struct RawPhase {
    /// The heading.
    #[schemars(required)]
    pub(in crate::runbook) phase: Option<Text>,
}

/// A step: with `run` the tool carries it out, without a person does.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Step", deny_unknown_fields)]
pub(in crate::runbook) struct RawStep {
    /// Its id; made from the title unless given.
    pub(in crate::runbook) id: Option<Text>,
    /// One line: what it does.
    pub(in crate::runbook) title: Option<Text>,
    /// Markdown instructions.
    pub(in crate::runbook) about: Option<Text>,
    /// The script that carries it out.
    pub(in crate::runbook) run: Option<Text>,
    /// What runs its scripts.
    pub(in crate::runbook) shell: Option<RawShell>,
    /// Directory its scripts run in.
    pub(in crate::runbook) dir: Option<Text>,
    /// Variables set for its scripts.
    #[schemars(with = "Option<Named<Text>>")]
    pub(in crate::runbook) env: Named<Text>,
    /// `true`, or words saying what is lost: makes it a hold point.
    pub(in crate::runbook) destructive: Option<Box<RawDestructive>>,
    /// Skipping it closes nothing.
    pub(in crate::runbook) optional: Option<Flag>,
    /// Checks that must hold, steps that must be done.
    #[schemars(with = "Option<OneOrMany>")]
    pub(in crate::runbook) requires: OneOrMany,
    /// Text to be typed exactly.
    pub(in crate::runbook) confirm: Option<Text>,
    /// A second person must approve this very command.
    pub(in crate::runbook) witness: Option<Box<RawWitness>>,
    /// Checks asked at its end: only when they hold it is done.
    #[schemars(with = "Option<OneOrMany>")]
    pub(in crate::runbook) verify: OneOrMany,
    /// Checks asked first: when they hold nothing is required, confirmed or run.
    #[schemars(with = "Option<OneOrMany>")]
    pub(in crate::runbook) done_when: OneOrMany,
    /// Takes it back: a script (of a person's step: words), or `{run, requires}`.
    pub(in crate::runbook) undo: Option<Box<RawUndo>>,
    /// Its output becomes a value for later steps.
    pub(in crate::runbook) capture: Option<Box<RawCapture>>,
    /// Killed after this.
    pub(in crate::runbook) timeout: Option<Length>,
    /// Late after this, from its start.
    pub(in crate::runbook) expect_within: Option<Length>,
    /// Tried again when it fails.
    pub(in crate::runbook) retry: Option<Box<RawRetry>>,
    /// The walk goes on while it runs.
    pub(in crate::runbook) background: Option<Flag>,
    /// Its script gets a terminal, into which the operator types.
    pub(in crate::runbook) interactive: Option<Flag>,
    /// Run once an item.
    pub(in crate::runbook) for_each: Option<Box<RawForEach>>,
    /// Words for those who wait outside, when it is done.
    pub(in crate::runbook) announce: Option<Text>,
    /// Keys with their places that were given.
    #[schemars(skip)]
    pub(in crate::runbook) places: Vec<(&'static str, std::ops::Range<usize>)>,
    /// Its first key.
    #[schemars(skip)]
    pub(in crate::runbook) span: std::ops::Range<usize>,
}

/// `true`, or what is lost.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Destructive", untagged)]
pub(in crate::runbook) enum RawDestructive {
    /// Whether.
    Flag(Flag),
    /// What is lost.
    Words(Text),
}

/// `true`, or who and how.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Witness", untagged)]
pub(in crate::runbook) enum RawWitness {
    /// Anyone, by account.
    Flag(Flag),
    /// As said.
    Rule(RawWitnessRule),
}

/// Who approves, and how they are known.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "WitnessRule", deny_unknown_fields)]
pub(in crate::runbook) struct RawWitnessRule {
    /// `account`, `key` or `here`.
    pub(in crate::runbook) proof: Option<Text>,
    /// Who may; anyone unless said.
    #[schemars(with = "Option<OneOrMany>")]
    pub(in crate::runbook) of: OneOrMany,
    /// How many people.
    #[schemars(range(min = 1, max = 100))]
    pub(in crate::runbook) count: Option<At<u32>>,
}

/// A script or words, or a script with what it requires.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Undo", untagged)]
pub(in crate::runbook) enum RawUndo {
    /// A script; of a person's step, words.
    Text(Text),
    /// A script with its checks.
    Rule(RawUndoRule),
}

/// A script with the checks that must hold first.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "UndoRule", deny_unknown_fields)]
pub(in crate::runbook) struct RawUndoRule {
    /// The script.
    #[schemars(required)]
    pub(in crate::runbook) run: Option<Text>,
    /// Checks that must hold first.
    #[schemars(with = "Option<OneOrMany>")]
    pub(in crate::runbook) requires: OneOrMany,
}

/// A name, or one name with the pattern its value must match.
#[derive(Debug)]
pub(in crate::runbook) struct RawCapture {
    pub(in crate::runbook) name: Text,
    /// A regular expression for the whole value.
    pub(in crate::runbook) pattern: Option<Text>,
}

/// `retry`: tried again when it fails.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Retry", deny_unknown_fields)]
pub(in crate::runbook) struct RawRetry {
    /// How many more tries.
    #[schemars(required, range(min = 1, max = 1000))]
    pub(in crate::runbook) times: Option<At<u32>>,
    /// Pause before each; 5s unless said.
    pub(in crate::runbook) every: Option<Length>,
}
