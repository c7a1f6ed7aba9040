//! Asking checks: which must be asked, and with what values filled in. PURE.

use std::time::Duration;

use crate::id::{CheckId, StepId, ValueName};
use crate::runbook::values::{FillError, ListAs, Scope, ScriptCall, fill, fill_as, script_call};
use crate::runbook::{Check, Expect, Look, Probe, Template, Wait};
use crate::time::Moment;

use super::event::{Answer, AskMode, How, Verdict};
use super::next::Effect;
use super::state::{Phase, Running};
use super::{Entry, Event, Progress, Session, view};

/// A `run` check without `timeout` is ended after this (`format.md`, "checks").
const RUN_TIMEOUT: Duration = Duration::from_mins(1);

/// One item of a check, ready to be asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// The check.
    pub check: CheckId,
    /// The item; `None` where the check has no `for_each`.
    pub item: Option<String>,
    /// How.
    pub probe: ReadyProbe,
    /// One try is ended after this.
    pub timeout: Option<Duration>,
    /// Items of this check asked side by side, at most.
    pub jobs: u32,
    /// `wait`, where it applies to this asking.
    pub wait: Option<Wait>,
}

/// A probe with every value filled in.
#[derive(Clone, Debug, PartialEq)]
pub enum ReadyProbe {
    /// Run a script; the texts of `expect` are filled in.
    Run {
        /// What to run (secrets still to be added by the host).
        call: ScriptCall,
        /// What must be met.
        expect: Expect,
    },
    /// Look at files or at this machine.
    Look(Box<Look<String>>),
    /// The answer is known without looking at the world.
    Known(Box<Answer>),
    /// Holds once this much time has passed.
    ElapsedAt {
        /// The step it counts from.
        since: StepId,
        /// When that was done.
        done: Moment,
        /// How long it must have been.
        at_least: Duration,
    },
}

/// What stands between a start and its answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// These must be asked: checks by place, each with its items (one empty text where it has none).
    Ask(Vec<(usize, Vec<String>)>),
    /// Some are being asked.
    Wait,
    /// All have answered.
    Ready,
}

/// Which of these were not asked since record `from`.
pub(super) fn need(session: &Session, wanted: &[(usize, Vec<String>)], from: u64) -> Need {
    if wanted.iter().any(|(check, _)| session.checks[*check].asking.is_some()) {
        return Need::Wait;
    }
    let open: Vec<(usize, Vec<String>)> = wanted
        .iter()
        .map(|(check, keys)| {
            let answers = &session.checks[*check].answers;
            let fresh = |key: &&String| {
                answers.get(*key).is_some_and(|given| given.asked_n > from && !given.of_older_host)
            };
            (*check, keys.iter().filter(|key| !fresh(key)).cloned().collect::<Vec<_>>())
        })
        .filter(|(_, keys)| !keys.is_empty())
        .collect();
    if open.is_empty() { Need::Ready } else { Need::Ask(open) }
}

/// Every item of a check as a key of its answers; one empty text where it has none.
pub(super) fn all_keys(session: &Session, check: usize) -> Vec<String> {
    match &session.runbook.checks[check].for_each {
        None => vec![String::new()],
        Some(for_each) => {
            view::items_of(session, for_each).map(std::borrow::Cow::into_owned).unwrap_or_default()
        }
    }
}

/// What the host must do because of a record it has just written. For live records only, never at replay.
#[must_use]
pub fn follow_up(session: &Session, entry: &Entry) -> Vec<Effect> {
    match &entry.event {
        Event::CheckAsked { check, items, mode } => {
            let Some(place) = session.check_at(check.as_str()) else {
                return Vec::new();
            };
            let now = Moment {
                at: entry.at,
                up: entry.up,
                boot: session.host.as_ref().map_or(0, |host| host.boot),
            };
            let ask = |item: Option<&str>| Effect::Ask(Box::new(ready(session, place, item, *mode, now)));
            if session.runbook.checks[place].for_each.is_some() {
                items.iter().map(|item| ask(Some(item))).collect()
            } else {
                vec![ask(None)]
            }
        }
        Event::StopAsked { step } => {
            let running = session.step_at(step.as_str()).map(|place| &session.steps[place].progress);
            match running {
                Some(Progress::Running(Running {
                    phase: Phase::Working, how: How::Script, attempt, ..
                })) => {
                    vec![Effect::Stop { attempt: *attempt }]
                }
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

/// One item of a check with its values filled in.
#[must_use]
pub fn ready(session: &Session, check: usize, item: Option<&str>, mode: AskMode, now: Moment) -> Ask {
    let model = &session.runbook.checks[check];
    let probe = fill_probe(session, model, item, now)
        .unwrap_or_else(|error| known(Verdict::Error, format!("cannot be asked: {error}"), now));
    let timeout = match &model.probe {
        Probe::Run { .. } => model.timeout.or(Some(RUN_TIMEOUT)),
        _ => model.timeout,
    };
    let wait = model.wait.filter(|_| mode == AskMode::Patient);
    Ask { check: model.id.clone(), item: item.map(str::to_owned), probe, timeout, jobs: model.jobs, wait }
}

fn fill_probe(
    session: &Session,
    model: &Check,
    item: Option<&str>,
    now: Moment,
) -> Result<ReadyProbe, FillError> {
    let item: Option<(&ValueName, &str)> = model.for_each.as_ref().map(|for_each| &for_each.name).zip(item);
    let scope = Scope { values: &session.values, item };
    Ok(match &model.probe {
        Probe::Run { script, expect } => {
            let call = script_call(script, &scope, &session.opened.secrets)?;
            ReadyProbe::Run { call, expect: fill_expect(expect, &scope)? }
        }
        Probe::Elapsed { since, at_least } => {
            let place = session.step_at(since.as_str());
            match place.map(|place| (&session.steps[place], place)) {
                Some((step, _)) if step.progress == Progress::Done => ReadyProbe::ElapsedAt {
                    since: since.clone(),
                    done: step.settled.unwrap_or(now),
                    at_least: *at_least,
                },
                Some((_, place)) => {
                    known(Verdict::Fails, format!("{} is not done yet", view::step_name(session, place)), now)
                }
                None => known(Verdict::Error, format!("there is no step {since}"), now),
            }
        }
        Probe::Look(look) => {
            ReadyProbe::Look(Box::new(look.try_map(|text| fill_as(text, &scope, ListAs::Refused))?))
        }
        Probe::Attest { .. } => known(Verdict::Error, "a person answers this one".to_owned(), now),
    })
}

fn fill_expect(expect: &Expect, scope: &Scope<'_>) -> Result<Expect, FillError> {
    let text = |template: &Option<Template>| -> Result<Option<Template>, FillError> {
        template.as_ref().map(|template| fill(template, scope).map(Template)).transpose()
    };
    Ok(Expect {
        equals: text(&expect.equals)?,
        contains: text(&expect.contains)?,
        lacks: text(&expect.lacks)?,
        matches: text(&expect.matches)?,
        ..expect.clone()
    })
}

fn known(verdict: Verdict, detail: String, now: Moment) -> ReadyProbe {
    let answer = Answer {
        verdict,
        detail,
        began: now,
        took: 0,
        tries: 1,
        evidence: std::collections::BTreeMap::default(),
    };
    ReadyProbe::Known(Box::new(answer))
}
