//! Steps. PURE.

use std::collections::HashSet;
use std::time::Duration;

use super::names::Target;
use super::texts::{Allow, Captures, Settings, Uses};
use super::{Book, Keys};
use crate::id::CheckId;
use crate::runbook::model::{
    Capture, Check, Destructive, Proof, Retry, Step, Template, Undo, UndoWork, WitnessRule,
};
use crate::runbook::parse::raw::{Flag, RawDestructive, RawEntry, RawStep, RawUndo, RawWitness, Text};
use crate::runbook::problem::Problem;

/// The pause before another try, unless `retry` says otherwise.
const RETRY_EVERY: Duration = Duration::from_secs(5);

impl<'r> Book<'r> {
    pub(super) fn steps(&mut self, checks: &[Check]) -> (Vec<Step>, Vec<Template>, Vec<Keys>) {
        let raw = self.raw;
        let most = raw.steps.as_ref().map_or(0, Vec::len);
        let (mut steps, mut places) = (Vec::with_capacity(most), Vec::with_capacity(most));
        let mut phases = Vec::new();
        for entry in raw.steps.iter().flatten() {
            if self.has_enough() {
                return (steps, phases, places);
            }
            match entry {
                RawEntry::Phase(phase) => {
                    if let Some(text) = &phase.phase {
                        self.title(text);
                        self.words(text, &Allow::params_only());
                        phases.push(Template(text.value.clone()));
                    }
                }
                RawEntry::Step(step) => {
                    let keys = Keys { span: self.step_span(step), keys: step.places.clone() };
                    let index = steps.len();
                    steps.push(self.step(index, step, &keys, phases.len().checked_sub(1)));
                    places.push(keys);
                }
            }
        }
        self.order(checks, &mut steps);
        (steps, phases, places)
    }

    fn step_span(&self, step: &RawStep) -> std::ops::Range<usize> {
        let text = step.title.as_ref().or(step.id.as_ref());
        text.map_or_else(|| step.span.clone(), |text| self.first_line(&text.span))
    }

    fn step(&mut self, index: usize, raw: &'r RawStep, keys: &Keys, phase: Option<usize>) -> Step {
        let item = raw.for_each.as_ref().map(|for_each| for_each.name.value.as_str());
        let here = Allow { captures: Captures::Before(index), item, secrets: false, lists: true };
        let whole = Allow { item: None, ..here };
        let after = Allow { captures: Captures::UpTo(index), ..here };
        let mut uses = Uses::new();

        if let Some(title) = &raw.title {
            self.title(title);
        }
        for text in [&raw.title, &raw.about].into_iter().flatten() {
            uses.extend(self.words(text, &here));
        }
        let settings = Settings { shell: &raw.shell, dir: &raw.dir, env: &raw.env };
        let run = raw.run.as_ref().map(|run| {
            let (script, more) = self.script(run, &settings, &here);
            uses.extend(more);
            script
        });
        let destructive = self.destructive(raw, &whole, &mut uses);
        let confirm = raw.confirm.as_ref().map(|confirm| {
            uses.extend(self.words(confirm, &whole));
            self.confirm(confirm);
            Template(confirm.value.clone())
        });
        let id = self.names.step_ids[index].clone();
        let confirm = confirm.or_else(|| destructive.is_some().then(|| Template(id.clone())));
        if let Some(announce) = &raw.announce {
            uses.extend(self.words(announce, &Allow { item: None, ..after }));
        }
        let for_each = raw.for_each.as_ref().map(|for_each| {
            let (for_each, more) = self.for_each(for_each, &here);
            uses.extend(more);
            for_each
        });
        let undo = raw.undo.as_ref().and_then(|undo| self.undo(undo, raw, &settings, &after, &mut uses));
        let capture = raw.capture.as_ref().map(|capture| Capture {
            name: capture.name.value.as_str().into(),
            pattern: capture.pattern.as_ref().and_then(|pattern| self.pattern(pattern)),
        });
        let retry = self.retry(raw, keys, destructive.is_some());
        if raw.run.is_none()
            && let Some(timeout) = raw.timeout.as_ref().map(|timeout| &self.source[timeout.span.clone()])
            && !keys.keys.iter().any(|(key, _)| *key == "run")
        {
            self.problem(
                Problem::error(
                    "misplaced-key",
                    keys.of("timeout"),
                    "`timeout` kills a script, and there is none",
                )
                .label("a person does this step")
                .hint(format!("did you mean `expect_within: {timeout}`?")),
            );
        }
        let interactive = self.interactive(raw, keys);
        uses.remove(&index);

        let verify = self.check_ids(&raw.verify.0, "verify");
        let done_when = self.check_ids(&raw.done_when.0, "done_when");
        let flag = |flag: &Option<Flag>| flag.as_ref().is_some_and(|flag| flag.value);
        let text =
            |text: &Option<Text>| Template(text.as_ref().map(|text| text.value.clone()).unwrap_or_default());
        Step {
            title: raw.title.as_ref().map_or_else(|| Template(id.clone()), |t| Template(t.value.clone())),
            id: id.as_str().into(),
            about: text(&raw.about),
            phase,
            run,
            destructive,
            optional: flag(&raw.optional),
            requires_checks: Vec::new(), // `order` fills these two
            requires_steps: self.step_ids(&uses.into_iter().collect::<Vec<_>>()),
            confirm,
            witness: raw.witness.as_ref().and_then(|witness| self.witness(witness)),
            verify,
            done_when,
            undo: undo.map(Box::new),
            capture,
            timeout: raw.timeout.as_ref().map(|length| length.value),
            expect_within: raw.expect_within.as_ref().map(|length| length.value),
            retry,
            background: flag(&raw.background),
            interactive,
            for_each,
            announce: text(&raw.announce),
        }
    }

    fn check_ids(&mut self, ids: &[Text], key: &str) -> Vec<CheckId> {
        let found = self.check_targets(ids, key);
        found.into_iter().map(|(check, _)| self.raw.checks.0[check].0.value.as_str().into()).collect()
    }

    fn destructive(&mut self, raw: &RawStep, allow: &Allow<'_>, uses: &mut Uses) -> Option<Destructive> {
        match raw.destructive.as_deref()? {
            RawDestructive::Flag(flag) => flag.value.then(|| Destructive { loses: Template::default() }),
            RawDestructive::Words(words) => {
                uses.extend(self.words(words, allow));
                Some(Destructive { loses: Template(words.value.clone()) })
            }
        }
    }

    fn confirm(&mut self, confirm: &Text) {
        let problem = if confirm.value.trim().is_empty() {
            Problem::error("empty-text", confirm.span.clone(), "an empty text to confirm with")
                .label("expected the text that has to be typed")
        } else if confirm.value.contains('\n') {
            Problem::error(
                "many-lines",
                self.first_line(&confirm.span),
                "the text to confirm with has a line break",
            )
            .label("expected one line: it has to be typed")
        } else {
            return;
        };
        self.problem(problem);
    }

    fn witness(&mut self, raw: &RawWitness) -> Option<WitnessRule> {
        let rule = match raw {
            RawWitness::Flag(flag) => {
                return flag.value.then(|| WitnessRule { proof: Proof::Account, of: Vec::new(), count: 1 });
            }
            RawWitness::Rule(rule) => rule,
        };
        let proof = match rule.proof.as_ref().map(|proof| (proof.value.as_str(), proof)) {
            None | Some(("account", _)) => Proof::Account,
            Some(("key", _)) => Proof::Key,
            Some(("here", _)) => Proof::Here,
            Some((other, proof)) => {
                self.problem(
                    Problem::error(
                        "witness",
                        proof.span.clone(),
                        format!("`{other}` is no proof that is known here"),
                    )
                    .label("expected account, key or here"),
                );
                Proof::Account
            }
        };
        let mut of: Vec<String> = Vec::new();
        let mut seen = HashSet::new();
        for name in &rule.of.0 {
            if name.value.trim().is_empty() {
                self.problem(
                    Problem::error("empty-text", name.span.clone(), "an empty name")
                        .label("expected who may approve"),
                );
            } else if seen.insert(&name.value) {
                of.push(name.value.clone());
            }
        }
        if let Some(count) = &rule.count
            && !of.is_empty()
            && count.value as usize > of.len()
        {
            self.problem(
                Problem::error("never", count.span.clone(), "more people are wanted than may approve")
                    .label(format!("`of` has {}", of.len())),
            );
        }
        Some(WitnessRule { proof, of, count: rule.count.as_ref().map_or(1, |count| count.value) })
    }

    fn undo(
        &mut self,
        raw: &'r RawUndo,
        step: &'r RawStep,
        settings: &Settings<'r>,
        allow: &Allow<'_>,
        uses: &mut Uses,
    ) -> Option<Undo> {
        let (text, requires): (&Text, &[Text]) = match raw {
            RawUndo::Text(text) => (text, &[]),
            RawUndo::Rule(rule) => (rule.run.as_ref()?, &rule.requires.0),
        };
        let is_script = matches!(raw, RawUndo::Rule(_)) || step.places.iter().any(|(key, _)| *key == "run");
        let work = if is_script {
            let (script, more) = self.script(text, settings, allow);
            uses.extend(more);
            UndoWork::Script(script)
        } else {
            if text.value.trim().is_empty() {
                self.problem(
                    Problem::error("empty-text", text.span.clone(), "an empty `undo`")
                        .label("expected words that say how it is taken back"),
                );
            }
            uses.extend(self.words(text, allow));
            UndoWork::Words(Template(text.value.clone()))
        };
        Some(Undo { work, requires: self.check_ids(requires, "requires") })
    }

    /// Is it interactive? Says what cannot stand beside that.
    fn interactive(&mut self, raw: &RawStep, keys: &Keys) -> bool {
        let on = |flag: &Option<Flag>| flag.as_ref().is_some_and(|flag| flag.value);
        if !on(&raw.interactive) {
            return false;
        }
        let given = |key: &str| keys.keys.iter().any(|(name, _)| *name == key);
        if !given("run") {
            self.problem(
                Problem::error(
                    "misplaced-key",
                    keys.of("interactive"),
                    "`interactive` gives a script a terminal, and there is none",
                )
                .label("a person does this step"),
            );
        }
        let beside = [
            (
                raw.capture.is_some(),
                "capture",
                "what a terminal shows is no value: prompts, echoed keys and colours are in it",
                "let the script write the value into a file, and capture it in the next step: cat FILE",
            ),
            (
                on(&raw.background),
                "background",
                "a step in the background has nobody at its terminal",
                "leave one of the two out",
            ),
            (
                raw.retry.is_some(),
                "retry",
                "what a person types into is not tried again by itself",
                "a person can run it again",
            ),
        ];
        for (_, key, why, hint) in beside.into_iter().filter(|(is_there, ..)| *is_there) {
            self.problem(
                Problem::error("interactive", keys.of(key), why)
                    .label("not beside `interactive`")
                    .also(keys.of("interactive"), "interactive")
                    .hint(hint),
            );
        }
        true
    }

    fn retry(&mut self, raw: &RawStep, keys: &Keys, destructive: bool) -> Option<Retry> {
        let retry = raw.retry.as_ref()?;
        if destructive {
            self.problem(
                Problem::error(
                    "retry",
                    keys.of("retry"),
                    "a destructive step is never tried again by itself",
                )
                .label("not beside `destructive`")
                .also(keys.of("destructive"), "destructive")
                .hint("a person can run it again, through its gate"),
            );
        } else if !keys.keys.iter().any(|(key, _)| *key == "run") {
            self.problem(
                Problem::error(
                    "misplaced-key",
                    keys.of("retry"),
                    "`retry` runs a script again, and there is none",
                )
                .label("a person does this step"),
            );
        }
        Some(Retry {
            times: retry.times.as_ref().map_or(1, |times| times.value),
            every: retry.every.as_ref().map_or(RETRY_EVERY, |every| every.value),
        })
    }

    /// What `requires` of a step names: checks, and steps.
    pub(super) fn required(&mut self, raw: &RawStep) -> Vec<(Target, std::ops::Range<usize>)> {
        let mut out: Vec<(Target, std::ops::Range<usize>)> = Vec::new();
        let mut seen = HashSet::new();
        for id in &raw.requires.0 {
            if let Some(target) = self.target(id, "the id of a check or an earlier step")
                && seen.insert(target)
            {
                out.push((target, id.span.clone()));
            }
        }
        out
    }
}
