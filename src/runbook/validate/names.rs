//! The two namespaces: ids of steps and checks, names of values. PURE.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::Book;
use crate::id::{is_id, is_value_name, slug};
use crate::runbook::parse::no_name;
use crate::runbook::parse::raw::{RawEntry, RawForEach, RawStep, Text};
use crate::runbook::problem::Problem;

/// A longer id or name is refused, in bytes: it has to be typed.
const LONGEST: usize = 128;

/// What an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::runbook) enum Target {
    /// A step, by its place in the walk.
    Step(usize),
    /// A check, by its place in the file.
    Check(usize),
}

/// What a value name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::runbook) enum NameKind {
    /// A parameter.
    Param {
        /// Its place among the parameters.
        index: usize,
        /// Holds a list.
        list: bool,
        /// Is secret.
        secret: bool,
    },
    /// What a step captures.
    Capture {
        /// The step's place in the walk.
        step: usize,
        /// One text an item.
        list: bool,
    },
    /// The item of some `for_each`.
    Item,
}

/// All ids and names of a runbook.
#[derive(Debug, Default)]
pub(in crate::runbook) struct Names {
    pub(super) ids: HashMap<String, (Target, Range<usize>)>,
    pub(super) values: HashMap<String, (NameKind, Range<usize>)>,
    /// For each step its id.
    pub(super) step_ids: Vec<String>,
    /// By step, the name of what it captures.
    pub(super) captured: HashMap<usize, String>,
}

/// Is `text` the name of an environment variable?
pub(super) fn is_variable(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

impl<'r> Book<'r> {
    /// The steps, in order, without the headings.
    pub(super) fn raw_steps(&self) -> impl Iterator<Item = &'r RawStep> + use<'r> {
        let raw = self.raw;
        raw.steps.iter().flatten().filter_map(|entry| match entry {
            RawEntry::Step(step) => Some(step.as_ref()),
            RawEntry::Phase(_) => None,
        })
    }

    pub(super) fn collect_names(&mut self) {
        let raw = self.raw;
        for (index, (id, _)) in raw.checks.0.iter().enumerate() {
            self.id_form(id);
            self.take_id(id.value.clone(), Target::Check(index), id.span.clone(), false);
        }
        let steps: Vec<&RawStep> = self.raw_steps().collect();
        for (index, step) in steps.iter().enumerate() {
            let id = self.step_id(step);
            if let Some(id) = &id {
                let span =
                    step.id.as_ref().or(step.title.as_ref()).map_or(step.span.clone(), |t| t.span.clone());
                self.take_id(id.clone(), Target::Step(index), span, step.id.is_none());
            }
            self.names.step_ids.push(id.unwrap_or_default());
        }
        for (index, (name, param)) in raw.params.0.iter().enumerate() {
            let flag =
                |flag: &Option<crate::runbook::parse::raw::Flag>| flag.as_ref().is_some_and(|f| f.value);
            let kind = NameKind::Param { index, list: flag(&param.list), secret: flag(&param.secret) };
            self.take_name(name, kind);
        }
        for (index, step) in steps.iter().enumerate() {
            if let Some(capture) = &step.capture {
                self.take_name(
                    &capture.name,
                    NameKind::Capture { step: index, list: step.for_each.is_some() },
                );
            }
        }
        let of_checks = raw.checks.0.iter().filter_map(|(_, check)| check.for_each.as_deref());
        let items: Vec<&RawForEach> =
            of_checks.chain(steps.iter().filter_map(|s| s.for_each.as_deref())).collect();
        for for_each in items {
            self.take_name(&for_each.name, NameKind::Item);
        }
    }

    fn id_form(&mut self, id: &Text) -> bool {
        if is_id(&id.value) && id.value.len() <= LONGEST {
            return true;
        }
        let problem = if id.value.len() > LONGEST {
            Problem::error(
                "id",
                self.first_line(&id.span),
                format!("an id of more than {LONGEST} characters"),
            )
        } else {
            Problem::error("id", self.first_line(&id.span), format!("`{}` cannot be an id", id.value))
                .label("expected lower case letters, digits and `-`, not beginning with `-`")
        };
        let near = slug(&id.value);
        self.problem(if near.is_empty() || near.len() > LONGEST || near == id.value {
            problem
        } else {
            problem.hint(format!("did you mean `{near}`?"))
        });
        false
    }

    /// The id of a step: written, or out of its title.
    fn step_id(&mut self, step: &RawStep) -> Option<String> {
        if let Some(id) = &step.id {
            return self.id_form(id).then(|| id.value.clone());
        }
        let Some(title) = &step.title else {
            // Where the key is there and its value is wrong, that has been said.
            if !step.places.iter().any(|(key, _)| matches!(*key, "id" | "title")) {
                self.problem(no_name(step.span.clone()));
            }
            return None;
        };
        let id = slug(&title.value);
        if id.is_empty() || id.len() > LONGEST {
            let why = if id.is_empty() {
                "no id can be made from this title"
            } else {
                "this title makes too long an id"
            };
            self.problem(
                Problem::error("id", self.first_line(&title.span), why)
                    .label("the title gives the id")
                    .hint("give the step an `id`"),
            );
            return None;
        }
        Some(id)
    }

    fn take_id(&mut self, id: String, target: Target, span: Range<usize>, from_title: bool) {
        if let Some((_, first)) = self.names.ids.get(&id) {
            let first = self.first_line(first);
            let problem =
                Problem::error("duplicate-id", self.first_line(&span), format!("the id `{id}` is taken"))
                    .label(if from_title { "this title gives the same id" } else { "again here" })
                    .also(first, "first here")
                    .hint(if from_title {
                        "give the step an `id` of its own"
                    } else {
                        "steps and checks share their ids: give one of them another"
                    });
            self.problem(problem);
            return;
        }
        self.names.ids.insert(id, (target, span));
    }

    fn take_name(&mut self, name: &Text, kind: NameKind) {
        if !is_value_name(&name.value) || name.value.len() > LONGEST {
            let near = slug(&name.value).replace('-', "_");
            let problem = Problem::error(
                "name",
                self.first_line(&name.span),
                format!("`{}` cannot be a name", name.value),
            )
            .label("expected lower case letters, digits and `_`, beginning with a letter");
            self.problem(if is_value_name(&near) && near.len() <= LONGEST {
                problem.hint(format!("did you mean `{near}`?"))
            } else {
                problem
            });
            return;
        }
        match self.names.values.get(&name.value) {
            // The same item name in several `for_each` is how a check is asked for one item of a step.
            Some((NameKind::Item, _)) if kind == NameKind::Item => {}
            Some((_, first)) => {
                let problem = Problem::error(
                    "duplicate-name",
                    name.span.clone(),
                    format!("the name `{}` is taken", name.value),
                )
                .label("again here")
                .also(first.clone(), "first here")
                .hint("parameters, captures and items share their names: give one of them another");
                self.problem(problem);
            }
            None => {
                if let NameKind::Capture { step, .. } = kind {
                    self.names.captured.insert(step, name.value.clone());
                }
                self.names.values.insert(name.value.clone(), (kind, name.span.clone()));
            }
        }
    }

    /// What an id names; an unknown one is reported.
    pub(super) fn target(&mut self, id: &Text, expected: &str) -> Option<Target> {
        if let Some((target, _)) = self.names.ids.get(&id.value) {
            return Some(*target);
        }
        let near = self.near.to(&id.value, self.names.ids.keys().map(String::as_str));
        let problem = Problem::error("unknown-id", id.span.clone(), format!("there is no `{}`", id.value))
            .label(format!("expected {expected}"));
        let problem = match near {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem,
        };
        self.problem(problem);
        None
    }

    /// A step by its id; anything else is reported.
    pub(super) fn step_target(&mut self, id: &Text, key: &str) -> Option<usize> {
        match self.target(id, "the id of a step")? {
            Target::Step(step) => Some(step),
            Target::Check(_) => {
                self.problem(
                    Problem::error("wrong-id", id.span.clone(), format!("`{}` is a check", id.value))
                        .label(format!("`{key}` takes steps")),
                );
                None
            }
        }
    }

    /// Checks by their ids, each once; anything else is reported.
    pub(super) fn check_targets(&mut self, ids: &[Text], key: &str) -> Vec<(usize, Range<usize>)> {
        let mut out: Vec<(usize, Range<usize>)> = Vec::new();
        let mut seen = HashSet::new();
        for id in ids {
            match self.target(id, "the id of a check") {
                Some(Target::Check(check)) if seen.insert(check) => {
                    out.push((check, id.span.clone()));
                }
                Some(Target::Step(_)) => self.problem(
                    Problem::error("wrong-id", id.span.clone(), format!("`{}` is a step", id.value))
                        .label(format!("`{key}` takes checks")),
                ),
                _ => {}
            }
        }
        out
    }
}
