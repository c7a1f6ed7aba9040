//! What requires what: nothing may wait for what can only come after it. PURE.

use std::collections::HashSet;
use std::ops::Range;

use super::Book;
use super::names::Target;
use crate::id::StepId;
use crate::runbook::model::{Check, Probe, Step};
use crate::runbook::parse::raw::{RawStep, Text};
use crate::runbook::problem::Problem;

/// So many searches for a cycle are worth their time; further ones are called what they also are: a later step.
const SEARCHES: usize = 20;

impl Book<'_> {
    /// Fills in what each step requires, and reports what can never be met.
    pub(super) fn order(&mut self, checks: &[Check], steps: &mut [Step]) {
        let raw: Vec<&RawStep> = self.raw_steps().collect();
        let required: Vec<Vec<(Target, Range<usize>)>> = raw.iter().map(|step| self.required(step)).collect();
        // What a check waits for: steps that capture its values, and the step it counts from.
        let waits: Vec<Vec<(usize, Wait)>> = checks.iter().map(|check| self.waits_for(check)).collect();
        let mut searches = 0;
        for (index, wanted) in required.iter().enumerate() {
            let step = &mut steps[index];
            let captured = std::mem::take(&mut step.requires_steps);
            for (target, span) in wanted {
                match *target {
                    Target::Check(check) => {
                        step.requires_checks.push(checks[check].id.clone());
                        self.reachable(index, &checks[check], &waits[check], span, "requires", false);
                    }
                    Target::Step(other) if other == index => self.problem(
                        Problem::error("cycle", span.clone(), "a step that requires itself")
                            .label("this very step"),
                    ),
                    Target::Step(other) => {
                        if other > index {
                            searches += 1;
                            let cycle =
                                if searches <= SEARCHES { path(&required, other, index) } else { None };
                            self.later_step(index, other, span, cycle);
                        }
                        step.requires_steps.push(self.names.step_ids[other].as_str().into());
                    }
                }
            }
            let named: HashSet<StepId> = step.requires_steps.iter().cloned().collect();
            step.requires_steps.extend(captured.into_iter().filter(|id| !named.contains(id)));
            let lists: [(&[Text], &str, bool); 2] =
                [(&raw[index].verify.0, "verify", true), (&raw[index].done_when.0, "done_when", false)];
            for (ids, key, own) in lists {
                for id in ids {
                    if let Some((Target::Check(check), _)) = self.names.ids.get(&id.value) {
                        let check = *check;
                        self.reachable(index, &checks[check], &waits[check], &id.span, key, own);
                    }
                }
            }
        }
    }

    fn waits_for(&self, check: &Check) -> Vec<(usize, Wait)> {
        let captures = check
            .needs_captures_of
            .iter()
            .filter_map(|id| Some((self.step_by_id(id.as_str())?, Wait::Capture)));
        let since = match &check.probe {
            Probe::Elapsed { since, .. } => self.step_by_id(since.as_str()).map(|step| (step, Wait::Since)),
            _ => None,
        };
        captures.chain(since).collect()
    }

    /// Can the check have an answer by the time step `index` asks it?
    fn reachable(
        &mut self,
        index: usize,
        check: &Check,
        waits: &[(usize, Wait)],
        span: &Range<usize>,
        key: &str,
        own_capture: bool,
    ) {
        // Captures come in the order of their steps: those before this one need no second look.
        let before = waits.partition_point(|(step, wait)| *wait == Wait::Capture && *step < index);
        for (step, wait) in &waits[before..] {
            let early_enough = *step < index || (*step == index && own_capture && *wait == Wait::Capture);
            if early_enough {
                continue;
            }
            let by = self.names.step_ids[*step].clone();
            let what = match wait {
                Wait::Capture => {
                    let name = self.captured_name(*step).unwrap_or_default();
                    format!("uses `{name}`, which the step `{by}` captures")
                }
                Wait::Since => format!("counts from the step `{by}`"),
            };
            let when = if *step == index { "that is this very step" } else { "that step comes later" };
            self.problem(
                Problem::error(
                    "later-step",
                    span.clone(),
                    format!("the check `{}` {what}: {when}", check.id),
                )
                .label(format!("`{key}` can never be met here")),
            );
            return;
        }
    }

    fn later_step(&mut self, index: usize, other: usize, span: &Range<usize>, cycle: Option<Vec<usize>>) {
        let id = |step: usize| self.names.step_ids[step].clone();
        let problem = match cycle {
            Some(cycle) => {
                let mut names: Vec<String> = std::iter::once(index).chain(cycle).map(id).collect();
                if names.len() > 12 {
                    names.splice(6..names.len() - 5, ["…".to_owned()]);
                }
                Problem::error("cycle", span.clone(), format!("a cycle: {}", names.join(" requires ")))
                    .label("none of these can ever start")
            }
            None => {
                Problem::error("later-step", span.clone(), format!("the step `{}` comes later", id(other)))
                    .label("only what comes before can be required")
                    .hint("steps are walked from top to bottom: move one of the two")
            }
        };
        self.problem(problem);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Capture,
    Since,
}

/// A way from step `from` to step `to` along what steps require, both ends included.
fn path(required: &[Vec<(Target, Range<usize>)>], from: usize, to: usize) -> Option<Vec<usize>> {
    let mut came_from = vec![usize::MAX; required.len()];
    came_from[from] = from;
    let mut open = vec![from];
    while let Some(step) = open.pop() {
        if step == to {
            let mut way = vec![to];
            let mut at = to;
            while at != from {
                at = came_from[at];
                way.push(at);
            }
            way.reverse();
            return Some(way);
        }
        for (target, _) in &required[step] {
            if let Target::Step(next) = target
                && came_from[*next] == usize::MAX
            {
                came_from[*next] = step;
                open.push(*next);
            }
        }
    }
    None
}
