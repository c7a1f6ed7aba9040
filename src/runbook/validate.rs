//! The parts of a runbook held to every rule that looks at more than one of them; the model comes out. PURE.
//!
//! Nothing stops at the first problem: what is wrong is replaced by something harmless and the reading goes on.

mod checks;
mod looks;
mod names;
mod order;
mod params;
mod steps;
mod texts;
mod within;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use self::names::Names;
use super::model::{Runbook, Template};
use super::parse::ENOUGH;
use super::parse::raw::RawRunbook;
use super::pattern::Patterns;
use super::problem::Problem;
use super::suggest::Near;

/// Where the keys of steps and checks stand, for warnings about a runbook that is right.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// For each step of the model, its keys.
    pub steps: Vec<Keys>,
    /// For each check of the model, its keys.
    pub checks: Vec<Keys>,
}

/// The keys of one map, each with the bytes it stands in.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// Of the whole: its id or first key.
    pub span: Range<usize>,
    /// Each key that is there.
    pub keys: Vec<(&'static str, Range<usize>)>,
}

impl Keys {
    /// Where `key` stands; the whole if it is not there.
    #[must_use]
    pub fn of(&self, key: &str) -> Range<usize> {
        self.keys
            .iter()
            .find(|(name, _)| *name == key)
            .map_or_else(|| self.span.clone(), |(_, span)| span.clone())
    }
}

/// What validating goes on with.
pub(super) struct Book<'r> {
    pub(super) source: &'r str,
    pub(super) raw: &'r RawRunbook,
    pub(super) names: Names,
    pub(super) problems: Vec<Problem>,
    pub(super) patterns: Patterns,
    pub(super) near: Near,
    /// Bytes of settings that every script gets anew.
    pub(super) copied: usize,
    /// The words that a script is run with, where nothing else is set for it.
    pub(super) shell: Option<Arc<[String]>>,
    /// … and the variables.
    pub(super) env: Option<Arc<BTreeMap<String, Template>>>,
}

/// Holds `raw` to the rules of the format. The model is to be used only if no problem was found.
pub(super) fn validate(source: &str, raw: &RawRunbook, problems: &mut Vec<Problem>) -> (Runbook, Places) {
    let mut book = Book {
        source,
        raw,
        names: Names::default(),
        problems: Vec::new(),
        patterns: Patterns::of(source.len()),
        near: Near::default(),
        copied: 0,
        shell: None,
        env: None,
    };
    book.collect_names();
    book.top();
    let params = book.params();
    let (checks, check_places) = book.checks();
    // Where enough is wrong not all checks are there, and what is said of the steps would be wrong itself.
    let (steps, phases, step_places) =
        if book.has_enough() { Default::default() } else { book.steps(&checks) };
    let text = |text: &Option<super::parse::raw::Text>| {
        Template(text.as_ref().map(|text| text.value.clone()).unwrap_or_default())
    };
    let runbook = Runbook {
        title: text(&raw.title),
        about: text(&raw.about),
        params,
        pass_env: book.pass_env(),
        checks,
        steps,
        phases,
    };
    problems.append(&mut book.problems);
    (runbook, Places { steps: step_places, checks: check_places })
}

impl Book<'_> {
    /// Is more wrong with this file than anybody reads?
    pub(super) fn has_enough(&self) -> bool {
        self.problems.len() >= ENOUGH
    }

    pub(super) fn problem(&mut self, problem: Problem) {
        if !self.has_enough() {
            self.problems.push(problem);
        }
    }

    /// The keys that a runbook cannot be without.
    fn top(&mut self) {
        let raw = self.raw;
        let mut missing = |key: &str, expected: &str| {
            self.problems.push(
                Problem::error("missing-key", 0..0, format!("`{key}` is missing"))
                    .label(format!("expected {expected}")),
            );
        };
        let given = |key: &str| raw.given.contains(&key);
        if !given("onbelay") {
            missing("onbelay", "`onbelay: 1` at the top of a runbook");
        }
        if !given("title") {
            missing("title", "`title: …`, one line that says what the runbook does");
        }
        match &raw.steps {
            None if !given("steps") => {
                missing("steps", "`steps:` with at least one step: no steps, no runbook");
            }
            Some(steps)
                if !raw.steps_broken
                    && !steps.iter().any(|entry| matches!(entry, super::parse::raw::RawEntry::Step(_))) =>
            {
                self.problems.push(
                    Problem::error("no-steps", raw.span.clone(), "a runbook without steps")
                        .label("no steps here: expected at least one"),
                );
            }
            _ => {}
        }
        if let Some(version) = raw.onbelay.as_ref().filter(|version| version.value != 1) {
            self.problems.push(
                Problem::error(
                    "version",
                    version.span.clone(),
                    format!("version {} of the format is not known here", version.value),
                )
                .label("this onbelay reads version 1")
                .hint("use a newer onbelay"),
            );
        }
        if let Some(title) = &raw.title {
            self.title(title);
            self.words(title, &texts::Allow::params_only());
        }
        if let Some(about) = &raw.about {
            self.words(about, &texts::Allow::params_only());
        }
        self.top_settings();
    }

    /// A title is one line and not empty.
    pub(super) fn title(&mut self, title: &super::parse::raw::Text) {
        if title.value.trim().is_empty() {
            self.problem(
                Problem::error("empty-text", title.span.clone(), "an empty title")
                    .label("expected a line of text"),
            );
        } else if title.value.trim_end().contains('\n') {
            self.problem(
                Problem::error("many-lines", self.first_line(&title.span), "a title of several lines")
                    .label("expected one line")
                    .hint("put the rest into `about`"),
            );
        }
    }

    /// The first line of a span, which is enough to mark.
    pub(super) fn first_line(&self, span: &Range<usize>) -> Range<usize> {
        let text = &self.source[span.clone()];
        let end = text.find('\n').map_or(span.end, |at| span.start + at);
        span.start..end
    }

    fn pass_env(&mut self) -> Vec<String> {
        let raw = self.raw;
        let mut out: Vec<String> = Vec::new();
        let mut seen = HashSet::new();
        for entry in &raw.pass_env.0 {
            let name = entry.value.strip_suffix('*').unwrap_or(&entry.value);
            if names::is_variable(name) {
                if seen.insert(&entry.value) {
                    out.push(entry.value.clone());
                }
            } else {
                let problem =
                    Problem::error("variable", entry.span.clone(), "this is no variable of the environment")
                        .label("expected a name, or the beginning of names and `*`, such as AWS_*");
                self.problem(if entry.value == "*" {
                    problem.hint("a runbook names what its commands are given")
                } else {
                    problem
                });
            }
        }
        out
    }
}
