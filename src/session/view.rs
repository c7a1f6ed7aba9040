//! A walk as people look at it: the state of each step and check right now, with reasons. PURE.
//!
//! Everything a screen, `status` or a report shows comes from here, so that all of them say the same.

mod coverage;
pub mod evidence;
mod requirements;
mod strange;
mod unwatched;

use std::borrow::Cow;
use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::id::ValueName;
use crate::runbook::values::{FillError, Scope, fill, fill_shown};
use crate::runbook::{ForEach, ListSource, Template, Value};
use crate::time::{Moment, Timestamp, in_words};

use super::event::{Verdict, Work};
use super::freshness;
use super::state::Phase;
use super::{Kind, Progress, Requirement, Session};

pub(super) use requirements::{check_requirement, invite, witness_for};
use requirements::{
    confirm_requirement, hold_requirements, order_requirement, stage_requirement, step_requirement,
    undo_order,
};
pub use unwatched::unwatched;

/// What whoever confirms or approves a start should know of what would run, a sentence each.
pub fn warnings(session: &Session, place: usize, work: Work) -> impl Iterator<Item = String> {
    [strange::not_ascii(session, place, work), unwatched::unwatched(session, place, work)]
        .into_iter()
        .flatten()
}

/// The states of a step, as `format.md` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Its gate is closed.
    Waiting,
    /// All is met but confirmation.
    Ready,
    /// Started, not ended.
    Running,
    /// It did what it is for.
    Done,
    /// It did not; or it ended well and `verify` does not hold.
    Failed,
    /// Passed by.
    Skipped,
    /// Its outcome was lost.
    Interrupted,
    /// Taken back.
    Undone,
}

/// The states of a check, as `format.md` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// Never asked, or its values are not captured yet.
    Unknown,
    /// Being asked.
    Running,
    /// Yes.
    Holds,
    /// No.
    Fails,
    /// No answer.
    Error,
    /// Too old, or a step that it is stale after ran since.
    Stale,
}

/// A check with its answer, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckView {
    /// Its state.
    pub state: CheckStatus,
    /// One sentence.
    pub detail: String,
    /// When its (oldest counting) answer's probe began.
    pub at: Option<Timestamp>,
    /// The same by both clocks, for ages.
    pub began: Option<Moment>,
    /// Until when it serves; `None`: no limit, or none that the clock sets.
    pub valid_until: Option<Timestamp>,
    /// One for each item of its `for_each`.
    pub items: Vec<ItemView>,
}

/// One item of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemView {
    /// The item.
    pub item: String,
    /// Its state.
    pub state: CheckStatus,
    /// One sentence.
    pub detail: String,
}

/// What stands before the walk's steps: computed once, used for every step of a screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// First step that closes the ordinary steps after it.
    pub first_open: Option<usize>,
    /// First step that closes the hold points after it.
    pub first_open_for_hold_points: Option<usize>,
}

/// Finds what stands before the walk's steps. Linear in the steps.
#[must_use]
pub fn order(session: &Session) -> Order {
    let first = |hold_points| (0..session.steps.len()).find(|&place| !lets_pass(session, place, hold_points));
    Order { first_open: first(false), first_open_for_hold_points: first(true) }
}

/// Does the step at `place` let the steps after it pass (`format.md`, "Order")?
fn lets_pass(session: &Session, place: usize, hold_points: bool) -> bool {
    let model = &session.runbook.steps[place];
    match &session.steps[place].progress {
        Progress::Done => true,
        Progress::Skipped => !hold_points || model.optional,
        Progress::Running(running) => !hold_points && model.background && running.work == Work::Run,
        _ => false,
    }
}

/// The state of the step at place `step`, right now.
#[must_use]
pub fn step_status(session: &Session, order: &Order, step: usize, now: Moment) -> StepStatus {
    match &session.steps[step].progress {
        Progress::Untouched => {
            let open = gate(session, order, step, now).iter().all(|r| r.met || r.kind == Kind::Confirm);
            if open { StepStatus::Ready } else { StepStatus::Waiting }
        }
        Progress::Running(_) => StepStatus::Running,
        Progress::Done => StepStatus::Done,
        Progress::Failed => StepStatus::Failed,
        Progress::Skipped => StepStatus::Skipped,
        Progress::Interrupted => StepStatus::Interrupted,
        Progress::Undone => StepStatus::Undone,
    }
}

/// The gate of the step at place `step`, right now: every requirement in the order of `format.md`, met or not.
#[must_use]
pub fn gate(session: &Session, order: &Order, step: usize, now: Moment) -> Vec<Requirement> {
    let model = &session.runbook.steps[step];
    let mut all = Vec::new();
    all.extend(stage_requirement(session, Work::Run));
    let first = if model.is_hold_point() { order.first_open_for_hold_points } else { order.first_open };
    all.extend(order_requirement(session, first.filter(|first| *first < step), step));
    for id in &model.requires_steps {
        all.extend(session.step_at(id.as_str()).map(|place| step_requirement(session, place)));
    }
    for id in &model.requires_checks {
        let Some(check) = session.check_at(id.as_str()) else { continue };
        let of_item = if super::gate::counts_for_item(session, step, check) {
            first_item(session, step, Work::Run)
        } else {
            None
        };
        all.push(check_requirement(session, check, of_item.as_deref(), now));
    }
    if session.steps[step].progress == Progress::Untouched {
        // Nobody knows whether it is done already: that is no leave to do it.
        let unanswered = |check: &usize| check_of(session, *check, None, now).state == CheckStatus::Error;
        let places = model.done_when.iter().filter_map(|id| session.check_at(id.as_str()));
        all.extend(places.filter(unanswered).map(|check| check_requirement(session, check, None, now)));
    }
    all.extend(hold_requirements(session));
    if model.witness.is_some() {
        all.push(witness_for(session, step, Work::Run, None, now));
    }
    all.extend(confirm_requirement(session, step));
    all
}

/// The item that a start of this step would take first.
#[must_use]
pub fn first_item(session: &Session, step: usize, work: Work) -> Option<String> {
    let for_each = session.runbook.steps[step].for_each.as_ref()?;
    let list = items_of(session, for_each).ok()?;
    super::gate::items_to_do(session, step, work, &list, false).into_iter().next()
}

/// The gate of its undo. Empty where the step has none.
#[must_use]
pub fn undo_gate(session: &Session, step: usize, now: Moment) -> Vec<Requirement> {
    let model = &session.runbook.steps[step];
    let Some(undo) = &model.undo else {
        return Vec::new();
    };
    let mut all = Vec::new();
    all.extend(stage_requirement(session, Work::Undo));
    all.extend(undo_order(session, step));
    for id in &undo.requires {
        all.extend(session.check_at(id.as_str()).map(|place| check_requirement(session, place, None, now)));
    }
    all.extend(hold_requirements(session));
    if model.is_hold_point() {
        if model.witness.is_some() {
            all.push(witness_for(session, step, Work::Undo, None, now));
        }
        all.extend(confirm_requirement(session, step).map(|confirm| Requirement {
            fix: format!("onbelay do {} undo {} --confirm TEXT", session.id, model.id),
            ..confirm
        }));
    }
    all
}

/// The check at place `check`, right now.
#[must_use]
pub fn check(session: &Session, check: usize, now: Moment) -> CheckView {
    check_of(session, check, None, now)
}

/// As [`check`], of one item alone where `item` is given and the check has items.
#[must_use]
pub fn check_of(session: &Session, check: usize, item: Option<&str>, now: Moment) -> CheckView {
    let model = &session.runbook.checks[check];
    let mut view = CheckView {
        state: CheckStatus::Unknown,
        detail: String::new(),
        at: None,
        began: None,
        valid_until: None,
        items: Vec::new(),
    };
    if let Some(waits) = waits_for_capture(session, check) {
        view.detail = waits;
        return view;
    }
    let Some(for_each) = &model.for_each else {
        (view.state, view.detail) = freshness::look(session, check, "", now);
        stamp(&mut view, session, check, &[String::new()]);
        return view;
    };
    let all = match items_of(session, for_each) {
        Ok(items) => items,
        Err(error) => {
            view.detail = error.to_string();
            return view;
        }
    };
    let items: Vec<String> = match item {
        Some(item) => all.iter().filter(|text| *text == item).cloned().collect(),
        None => all.into_owned(),
    };
    for item in &items {
        let (state, detail) = freshness::look(session, check, item, now);
        view.items.push(ItemView { item: item.clone(), state, detail });
    }
    (view.state, view.detail) = coverage::fold(&view.items);
    stamp(&mut view, session, check, &items);
    view
}

fn stamp(view: &mut CheckView, session: &Session, check: usize, items: &[String]) {
    let answers = &session.checks[check].answers;
    let oldest = items
        .iter()
        .filter_map(|item| answers.get(item))
        .map(|given| given.answer.began)
        .min_by_key(|m| m.at);
    view.began = oldest;
    view.at = oldest.map(|moment| moment.at);
    if view.state == CheckStatus::Holds {
        view.valid_until =
            freshness::serves_for(&session.runbook.checks[check]).zip(oldest).and_then(|(length, began)| {
                let millis = i64::try_from(length.as_millis()).ok()?;
                Some(Timestamp::from_millis(began.at.millis().checked_add(millis)?))
            });
    }
}

/// Why the check cannot be asked yet: a value that a step has yet to capture.
#[must_use]
pub fn waits_for_capture(session: &Session, check: usize) -> Option<String> {
    session.runbook.checks[check].needs_captures_of.iter().find_map(|id| {
        let place = session.step_at(id.as_str())?;
        let capture = session.runbook.steps[place].capture.as_ref()?;
        (!session.values.contains_key(&capture.name))
            .then(|| format!("waits for ${{{}}}, which {} captures", capture.name, step_name(session, place)))
    })
}

/// The items of a `for_each`, right now; one that is there twice is taken once.
pub fn items_of<'a>(session: &'a Session, for_each: &ForEach) -> Result<Cow<'a, [String]>, FillError> {
    let items = listed(session, for_each)?;
    let mut seen = HashSet::new();
    if items.iter().all(|item| seen.insert(item.as_str())) {
        return Ok(items);
    }
    let mut once = HashSet::new();
    Ok(Cow::Owned(items.iter().filter(|item| once.insert(item.as_str())).cloned().collect()))
}

fn listed<'a>(session: &'a Session, for_each: &ForEach) -> Result<Cow<'a, [String]>, FillError> {
    match &for_each.list {
        ListSource::Literal(texts) => {
            let scope = Scope { values: &session.state.values, item: None };
            texts.iter().map(|text| fill(text, &scope)).collect::<Result<Vec<_>, _>>().map(Cow::Owned)
        }
        ListSource::Named(name) => match session.state.values.get(name) {
            Some(Value::List(items)) => Ok(Cow::Borrowed(items)),
            Some(Value::Text(text)) => Ok(Cow::Owned(
                text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect(),
            )),
            None => Err(FillError::NotCaptured(name.clone())),
        },
    }
}

/// Texts of a step with values filled in (a value not captured yet stays as `${name}`).
#[must_use]
pub fn filled(session: &Session, text: &Template) -> String {
    filled_for(session, text, None)
}

/// As [`filled`], for one item of a `for_each`.
#[must_use]
pub fn filled_for(session: &Session, text: &Template, item: Option<(&ValueName, &str)>) -> String {
    fill_shown(text, &Scope { values: &session.state.values, item })
}

/// The text that confirms the step at place `step`; `None`: it is not asked.
#[must_use]
pub fn confirmation(session: &Session, step: usize) -> Option<String> {
    session.runbook.steps[step].confirm.as_ref().map(|text| filled(session, text))
}

/// A step by its place and title, for sentences: `3 Restore drill`.
#[must_use]
pub fn step_name(session: &Session, place: usize) -> String {
    format!("{} {}", place + 1, filled(session, &session.runbook.steps[place].title))
}

/// What a running step is doing, in a few words; `None` where it is not running.
#[must_use]
pub fn doing(session: &Session, place: usize) -> Option<String> {
    let step = &session.steps[place];
    if step.request.is_some() {
        return Some("asking its checks".to_owned());
    }
    let Progress::Running(running) = &step.progress else {
        return None;
    };
    let item = running.items.get(running.next_item as usize);
    let open = super::terminal::of_step(session, place).is_some();
    Some(match (&running.phase, item) {
        (Phase::Working, Some(item)) => {
            let terminal = if open { ", its terminal is open" } else { "" };
            format!("{item} ({} of {}){terminal}", running.next_item + 1, running.items.len())
        }
        (Phase::Working, None) if open => "its terminal is open".to_owned(),
        (Phase::Working, None) => match running.work {
            Work::Run => "running".to_owned(),
            Work::Undo => "being undone".to_owned(),
        },
        (Phase::BetweenItems { .. }, Some(item)) if !session.holds.is_empty() => {
            format!("held before {item}")
        }
        (Phase::BetweenItems { .. }, Some(item)) => format!("asking the checks before {item}"),
        (Phase::BetweenItems { .. }, None) => "its items have ended".to_owned(),
        (Phase::VerifyingItem { .. }, item) => {
            format!("verifying {}", item.map_or("the item", String::as_str))
        }
        (Phase::Verifying { .. }, _) => match awaited(session, place).as_slice() {
            [] => "its end is being verified".to_owned(),
            open => format!("ended; waits for somebody to answer {}", open.join(", ")),
        },
        (Phase::Retrying { pause, .. }, _) => format!("failed; tried again {} later", in_words(*pause)),
    })
}

/// What people have yet to answer before a step that has ended is settled: `CHECK`, or `CHECK@ITEM`. What was answered
/// before its end does not count for it.
#[must_use]
pub fn awaited(session: &Session, place: usize) -> Vec<String> {
    let Progress::Running(running) = &session.steps[place].progress else { return Vec::new() };
    let Phase::Verifying { from } = running.phase else { return Vec::new() };
    let verify = &session.runbook.steps[place].verify;
    let checks = verify.iter().filter_map(|id| session.check_at(id.as_str()));
    checks
        .filter(|&check| !session.runbook.checks[check].is_automatic())
        .flat_map(|check| super::ask::all_keys(session, check).into_iter().map(move |key| (check, key)))
        .filter(|(check, key)| {
            session.checks[*check].answers.get(key).is_none_or(|given| given.asked_n <= from)
        })
        .map(|(check, key)| {
            let id = &session.runbook.checks[check].id;
            if key.is_empty() { id.to_string() } else { format!("{id}@{key}") }
        })
        .collect()
}

/// Has a running step taken longer than it said it would (`expect_within`)? By how much: a second at least.
#[must_use]
pub fn late_by(session: &Session, place: usize, now: Moment) -> Option<std::time::Duration> {
    let limit = session.runbook.steps[place].expect_within?;
    let step = &session.steps[place];
    matches!(step.progress, Progress::Running(_)).then_some(())?;
    let by = step.started?.age(now)?.checked_sub(limit)?;
    (by.as_secs() > 0).then_some(by)
}

/// The answer of a probe as a state of its check.
#[must_use]
pub fn status_of(verdict: Verdict) -> CheckStatus {
    match verdict {
        Verdict::Holds => CheckStatus::Holds,
        Verdict::Fails => CheckStatus::Fails,
        Verdict::Error => CheckStatus::Error,
    }
}
