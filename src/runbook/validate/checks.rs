//! Checks. PURE.

use std::collections::HashSet;
use std::time::Duration;

use super::names::Target;
use super::texts::{Allow, Captures, Settings, Uses};
use super::{Book, Keys};
use crate::runbook::model::{Check, Expect, Probe, Template, Wait};
use crate::runbook::parse::keys::PROBES;
use crate::runbook::parse::raw::{RawCheck, RawExpect, RawWait, Text};
use crate::runbook::problem::Problem;
use crate::runbook::values::names_in;

/// One try of a `run` check, unless it says otherwise.
const RUN_TIMEOUT: Duration = Duration::from_mins(1);

/// So many checks that ask nothing are told all that they could ask.
const LISTED: usize = 200;

/// Items asked side by side, unless `jobs` says otherwise.
const JOBS: u32 = 8;

/// The pause between tries, unless `wait` says otherwise.
const WAIT_EVERY: Duration = Duration::from_secs(5);

impl<'r> Book<'r> {
    pub(super) fn checks(&mut self) -> (Vec<Check>, Vec<Keys>) {
        let raw = self.raw;
        let most = raw.checks.0.len();
        let (mut checks, mut places) = (Vec::with_capacity(most), Vec::with_capacity(most));
        for (id, check) in &raw.checks.0 {
            if self.has_enough() {
                break;
            }
            let keys = Keys { span: id.span.clone(), keys: check.places.clone() };
            checks.push(self.check(id, check, &keys));
            places.push(keys);
        }
        (checks, places)
    }

    fn check(&mut self, id: &Text, raw: &'r RawCheck, keys: &Keys) -> Check {
        let item = raw.for_each.as_ref().map(|for_each| for_each.name.value.as_str());
        let allow = Allow { captures: Captures::Any, item, secrets: false, lists: true };
        let mut uses = Uses::new();
        if let Some(title) = &raw.title {
            self.title(title);
        }
        for text in [&raw.title, &raw.why, &raw.fix].into_iter().flatten() {
            uses.extend(self.words(text, &allow));
        }
        let for_each = raw.for_each.as_ref().map(|for_each| {
            let (for_each, more) = self.for_each(for_each, &allow);
            uses.extend(more);
            for_each
        });
        let probe = self.probe(id, raw, keys, &allow, &mut uses);
        let timeout = match probe {
            Probe::Run { .. } => Some(raw.timeout.as_ref().map_or(RUN_TIMEOUT, |timeout| timeout.value)),
            _ => raw.timeout.as_ref().map(|timeout| timeout.value),
        };
        let wait = raw.wait.as_ref().and_then(|wait| self.wait(wait));
        let stale_after: Vec<usize> =
            raw.stale_after.0.iter().filter_map(|step| self.step_target(step, "stale_after")).collect();
        let text =
            |text: &Option<Text>| Template(text.as_ref().map(|text| text.value.clone()).unwrap_or_default());
        Check {
            id: id.value.as_str().into(),
            title: raw
                .title
                .as_ref()
                .map_or_else(|| Template(id.value.clone()), |t| Template(t.value.clone())),
            why: text(&raw.why),
            fix: text(&raw.fix),
            probe,
            timeout,
            wait,
            for_each,
            jobs: raw.jobs.as_ref().map_or(JOBS, |jobs| jobs.value),
            valid_for: raw.valid_for.as_ref().map(|length| length.value),
            stale_after: self.step_ids(&stale_after),
            needs_captures_of: self.step_ids(&uses.into_iter().collect::<Vec<_>>()),
        }
    }

    /// Ids of steps by their places, each once.
    pub(super) fn step_ids(&self, steps: &[usize]) -> Vec<crate::id::StepId> {
        let mut seen = HashSet::new();
        let ids = steps.iter().map(|step| self.names.step_ids[*step].as_str());
        ids.filter(|id| seen.insert(*id)).map(Into::into).collect()
    }

    fn probe(
        &mut self,
        id: &Text,
        raw: &'r RawCheck,
        keys: &Keys,
        allow: &Allow<'_>,
        uses: &mut Uses,
    ) -> Probe {
        let given: Vec<&str> =
            PROBES.iter().copied().filter(|probe| keys.keys.iter().any(|(k, _)| k == probe)).collect();
        if given.is_empty() {
            self.problem(
                Problem::error("no-probe", id.span.clone(), format!("the check `{}` asks nothing", id.value))
                    .label(if self.problems.len() < LISTED {
                        let probes = PROBES.iter().map(|probe| format!("`{probe}`")).collect::<Vec<_>>();
                        format!("expected one of {} in it", probes.join(", "))
                    } else {
                        "expected a probe in it".to_owned()
                    }),
            );
        }
        if let [first, second, ..] = given.as_slice() {
            self.problem(
                Problem::error("two-probes", keys.of(second), "a check asks one thing")
                    .label("a second probe")
                    .also(keys.of(first), "the first")
                    .hint("make two checks of it, and require both"),
            );
        }
        let beside = |book: &mut Self, keys_allowed: &[&str], probe: &str| {
            for key in keys_allowed {
                if given.first() != Some(&probe)
                    && let Some((_, span)) = keys.keys.iter().find(|(name, _)| name == key)
                {
                    book.problem(
                        Problem::error(
                            "misplaced-key",
                            span.clone(),
                            format!("`{key}` stands only beside `{probe}`"),
                        )
                        .label(format!("there is no `{probe}` in this check")),
                    );
                }
            }
        };
        beside(self, &["expect", "shell", "dir", "env"], "run");
        beside(self, &["witness"], "attest");
        if let (Some(_), None) = (&raw.jobs, &raw.for_each) {
            self.problem(
                Problem::error("misplaced-key", keys.of("jobs"), "`jobs` stands only beside `for_each`")
                    .label("this check has no items"),
            );
        }
        if given.first() == Some(&"attest") && raw.wait.is_some() {
            self.problem(
                Problem::error(
                    "misplaced-key",
                    keys.of("wait"),
                    "`wait` is for what the tool can ask again by itself",
                )
                .label("a person answers this check"),
            );
        }
        // A script's settings are looked at even beside another probe: all errors come at once.
        if let Some(run) = &raw.run {
            let settings = Settings { shell: &raw.shell, dir: &raw.dir, env: &raw.env };
            let (script, more) = self.script(run, &settings, allow);
            uses.extend(more);
            let expect =
                raw.expect.as_ref().map(|expect| self.expect(expect, allow, uses)).unwrap_or_default();
            return Probe::Run { script, expect };
        }
        if let Some(look) = raw.look() {
            return Probe::Look(self.look(&look, allow, uses));
        }
        if let Some(elapsed) = &raw.elapsed {
            let since = elapsed.since.as_ref().and_then(|since| self.step_target(since, "since"));
            return Probe::Elapsed {
                since: since.map_or_else(|| "".into(), |step| self.names.step_ids[step].as_str().into()),
                at_least: elapsed.at_least.as_ref().map_or(Duration::ZERO, |length| length.value),
            };
        }
        if let Some(question) = &raw.attest {
            if question.value.trim().is_empty() {
                self.problem(
                    Problem::error("empty-text", question.span.clone(), "an empty question")
                        .label("expected a question"),
                );
            }
            uses.extend(self.words(question, allow));
        }
        Probe::Attest {
            question: Template(raw.attest.as_ref().map(|text| text.value.clone()).unwrap_or_default()),
            witness: raw.witness.as_ref().is_some_and(|flag| flag.value),
        }
    }

    fn expect(&mut self, raw: &RawExpect, allow: &Allow<'_>, uses: &mut Uses) -> Expect {
        for text in [&raw.equals, &raw.contains, &raw.lacks, &raw.matches].into_iter().flatten() {
            uses.extend(self.words(text, allow));
        }
        if let Some(pattern) = &raw.matches
            && names_in(&Template(pattern.value.clone())).is_empty()
        {
            self.pattern(pattern);
        }
        for text in [&raw.contains, &raw.lacks].into_iter().flatten() {
            if text.value.is_empty() {
                self.problem(
                    Problem::error("empty-text", text.span.clone(), "every output contains an empty text")
                        .label("expected text"),
                );
            }
        }
        if let (Some(least), Some(most)) = (&raw.at_least, &raw.at_most)
            && least.value > most.value
        {
            self.problem(
                Problem::error(
                    "never",
                    most.span.clone(),
                    "no number is at least the one and at most the other",
                )
                .also(least.span.clone(), "more than that"),
            );
        }
        let text = |text: &Option<Text>| text.as_ref().map(|text| Template(text.value.clone()));
        Expect {
            exit: raw.exit.as_ref().and_then(|exit| i32::try_from(exit.value).ok()),
            equals: text(&raw.equals),
            contains: text(&raw.contains),
            lacks: text(&raw.lacks),
            matches: text(&raw.matches),
            at_least: raw.at_least.as_ref().map(|number| number.value),
            at_most: raw.at_most.as_ref().map(|number| number.value),
        }
    }

    fn wait(&mut self, raw: &RawWait) -> Option<Wait> {
        let up_to = raw.up_to.as_ref()?;
        if let Some(steady) = &raw.steady
            && steady.value > up_to.value
        {
            self.problem(
                Problem::error("never", steady.span.clone(), "it can never hold for that long")
                    .label("longer than `up_to`")
                    .also(up_to.span.clone(), "given up after this"),
            );
        }
        Some(Wait {
            up_to: up_to.value,
            every: raw.every.as_ref().map_or(WAIT_EVERY, |every| every.value),
            steady: raw.steady.as_ref().map(|steady| steady.value),
        })
    }

    /// The step that captures `name`, for messages.
    pub(super) fn captured_name(&self, step: usize) -> Option<&str> {
        self.names.captured.get(&step).map(String::as_str)
    }

    /// The place of the step with this id.
    pub(super) fn step_by_id(&self, id: &str) -> Option<usize> {
        match self.names.ids.get(id) {
            Some((Target::Step(step), _)) => Some(*step),
            _ => None,
        }
    }
}
