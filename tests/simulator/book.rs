//! Small random runbooks, and the same once more as plain data: the model reads the data, the product reads the text.

use std::fmt::Write as _;

use super::chance::Chance;

/// A parameter that every command uses.
pub(crate) const VALUE: &str = "place";

/// A check.
#[derive(Clone, Debug)]
pub(crate) struct CheckPlan {
    pub(crate) id: String,
    /// Answered by a person; `Some(true)`: by a second one.
    pub(crate) attest: Option<bool>,
    /// Minutes.
    pub(crate) valid_for: Option<u64>,
    /// Stale once this step was started since.
    pub(crate) stale_after: Option<usize>,
}

impl CheckPlan {
    pub(crate) fn is_automatic(&self) -> bool {
        self.attest.is_none()
    }
}

/// A step.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "the flags of the format")]
pub(crate) struct StepPlan {
    pub(crate) id: String,
    /// The first word of its scripts.
    pub(crate) verb: String,
    /// The tool carries it out.
    pub(crate) script: bool,
    pub(crate) destructive: bool,
    /// What must be typed.
    pub(crate) confirm: Option<String>,
    /// How many second people.
    pub(crate) witnesses: usize,
    /// Only these may be one; empty: anyone.
    pub(crate) of: Vec<String>,
    pub(crate) checks: Vec<usize>,
    pub(crate) steps: Vec<usize>,
    pub(crate) verify: Vec<usize>,
    pub(crate) done_when: Vec<usize>,
    /// What its undo requires.
    pub(crate) undo: Option<Vec<usize>>,
    pub(crate) items: Vec<String>,
    pub(crate) background: bool,
    pub(crate) optional: bool,
    /// How many more tries, seconds between them.
    pub(crate) retry: Option<(u32, u64)>,
}

impl StepPlan {
    /// A person must start it before it is done.
    pub(crate) fn must_be_started(&self) -> bool {
        self.destructive || self.confirm.is_some() || self.witnesses > 0 || !self.items.is_empty()
    }

    pub(crate) fn undo_is_script(&self) -> bool {
        self.undo.is_some() && self.script
    }

    /// What its command is, word for word: no two are alike.
    pub(crate) fn command(&self, undo: bool) -> String {
        let back = if undo { " back" } else { "" };
        let item = if self.items.is_empty() { "" } else { " \"$it\"" };
        format!("{} {}{back} \"${VALUE}\"{item}", self.verb, self.id)
    }

    /// Needs a second person for this kind of work.
    pub(crate) fn witnesses_for(&self, undo: bool) -> usize {
        if undo && !self.destructive { 0 } else { self.witnesses }
    }
}

/// A runbook.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    pub(crate) checks: Vec<CheckPlan>,
    pub(crate) steps: Vec<StepPlan>,
}

impl Book {
    /// Some small runbook.
    pub(crate) fn random(chance: &mut Chance) -> Self {
        let checks = 1 + chance.index(4);
        let steps = if chance.one_in(6) { 1 } else { 2 + chance.index(3) };
        let mut book = Self::default();
        for place in 0..checks {
            let attest = chance.percent(25).then(|| chance.percent(50));
            let stale_after = chance.percent(15).then(|| chance.index(steps));
            let valid_for = chance.percent(35).then(|| 1 + chance.below(30));
            book.checks.push(CheckPlan { id: format!("c{place}"), attest, valid_for, stale_after });
        }
        let automatic: Vec<usize> = (0..checks).filter(|at| book.checks[*at].is_automatic()).collect();
        let all: Vec<usize> = (0..checks).collect();
        for place in 0..steps {
            let step = random_step(chance, place, &all, &automatic);
            book.steps.push(step);
        }
        book
    }

    /// As the product reads it.
    pub(crate) fn text(&self) -> String {
        let mut text =
            format!("onbelay: 1\ntitle: Simulated\nparams:\n  {VALUE}: {{ about: Where }}\nchecks:\n");
        for check in &self.checks {
            let _ = write!(text, "  {id}: {{ title: Check {id}", id = check.id);
            match check.attest {
                None => text.push_str(", run: 'true'"),
                Some(false) => text.push_str(", attest: 'Is it so?'"),
                Some(true) => text.push_str(", attest: 'Is it so?', witness: true"),
            }
            if let Some(minutes) = check.valid_for {
                let _ = write!(text, ", valid_for: {minutes}m");
            }
            if let Some(step) = check.stale_after {
                let _ = write!(text, ", stale_after: {}", self.steps[step].id);
            }
            text.push_str(" }\n");
        }
        text.push_str("steps:\n");
        for step in &self.steps {
            self.step_text(step, &mut text);
        }
        text
    }

    fn step_text(&self, step: &StepPlan, text: &mut String) {
        let ids = |places: &[usize]| {
            places.iter().map(|place| self.checks[*place].id.clone()).collect::<Vec<_>>().join(", ")
        };
        let _ = write!(text, "  - {{ id: {id}, title: Step {id}", id = step.id);
        if step.script {
            let _ = write!(text, ", run: '{}'", step.command(false));
        }
        if step.destructive {
            text.push_str(", destructive: true");
        }
        if let Some(confirm) = step.confirm.as_ref().filter(|confirm| **confirm != step.id) {
            let _ = write!(text, ", confirm: '{confirm}'");
        }
        if step.witnesses > 0 {
            let _ = write!(text, ", witness: {{ count: {}", step.witnesses);
            if !step.of.is_empty() {
                let _ = write!(text, ", of: [{}]", step.of.join(", "));
            }
            text.push_str(" }");
        }
        let mut requires: Vec<String> = step.checks.iter().map(|at| self.checks[*at].id.clone()).collect();
        requires.extend(step.steps.iter().map(|at| self.steps[*at].id.clone()));
        for (key, list) in [
            ("requires", requires.join(", ")),
            ("verify", ids(&step.verify)),
            ("done_when", ids(&step.done_when)),
            ("for_each", String::new()),
        ] {
            if !list.is_empty() {
                let _ = write!(text, ", {key}: [{list}]");
            }
        }
        if !step.items.is_empty() {
            let _ = write!(text, ", for_each: {{ it: [{}] }}", step.items.join(", "));
        }
        match (&step.undo, step.script) {
            (None, _) => {}
            (Some(_), false) => text.push_str(", undo: 'Put it back.'"),
            (Some(requires), true) if requires.is_empty() => {
                let _ = write!(text, ", undo: '{}'", step.command(true));
            }
            (Some(requires), true) => {
                let _ = write!(
                    text,
                    ", undo: {{ run: '{}', requires: [{}] }}",
                    step.command(true),
                    ids(requires)
                );
            }
        }
        for (word, set) in [("background", step.background), ("optional", step.optional)] {
            if set {
                let _ = write!(text, ", {word}: true");
            }
        }
        if let Some((times, every)) = step.retry {
            let _ = write!(text, ", retry: {{ times: {times}, every: {every}s }}");
        }
        text.push_str(" }\n");
    }
}

fn random_step(chance: &mut Chance, place: usize, all: &[usize], automatic: &[usize]) -> StepPlan {
    let id = format!("s{place}");
    let script = chance.percent(82);
    let destructive = chance.percent(45);
    let confirm =
        if chance.percent(20) { Some(format!("yes {id}")) } else { destructive.then(|| id.clone()) };
    let witnesses = if chance.percent(35) { 1 + chance.index(2) } else { 0 };
    let of =
        if witnesses > 0 && chance.percent(25) { vec!["sam".to_owned(), "kim".to_owned()] } else { vec![] };
    let undo = chance.percent(40).then(|| if script { some(chance, all, 25) } else { Vec::new() });
    let items = if chance.percent(25) { vec!["eu".to_owned(), "us".to_owned()] } else { Vec::new() };
    let earlier: Vec<usize> = (0..place).collect();
    StepPlan {
        id,
        verb: "make".to_owned(),
        script,
        destructive,
        confirm,
        witnesses,
        of,
        checks: some(chance, all, 45),
        steps: some(chance, &earlier, 20),
        verify: some(chance, all, 20),
        done_when: some(chance, automatic, 10),
        undo,
        items,
        background: script && !destructive && chance.percent(20),
        optional: chance.percent(20),
        retry: (script && !destructive && chance.percent(25)).then(|| (1 + u32::from(chance.percent(50)), 5)),
    }
}

fn some(chance: &mut Chance, of: &[usize], percent: u64) -> Vec<usize> {
    of.iter().copied().filter(|_| chance.percent(percent)).collect()
}
