//! The gate: the one place that lets something start, and the only maker of a [`Permit`]. PURE.
//!
//! What is required stands in `view`, which every screen shows too; here it is decided, with what only a start needs:
//! that the answers are of this breath, that the typed text is the one asked for, that every value is there.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::id::{CheckId, StepId, ValueName};
use crate::runbook::digest::of_call;
use crate::runbook::values::{FillError, Scope, ScriptCall, names_in, script_call, variables_in};
use crate::runbook::{Script, Step, UndoWork};
use crate::time::Moment;

use super::approve::{approved_by, name_of, rule_of, standing};
use super::event::{Ended, How, Outcome, Said, Work};
use super::state::{Ground, ItemProgress, ItemState, Request, Running};
use super::view::{self, Order};
use super::{Event, Kind, Progress, Requirement, Session};

/// What the terminal of an interactive command is, for the command: its `TERM`.
pub const TERMINAL: &str = "xterm-256color";

/// Leave to start one command: made by the gate alone, used up by starting it.
#[derive(Debug)]
pub struct Permit {
    step: StepId,
    attempt: u32,
    work: Work,
    item: Option<(u32, String)>,
    call: ScriptCall,
    timeout: Option<Duration>,
    separate_stdout: bool,
    interactive: bool,
}

impl Permit {
    /// The step.
    #[must_use]
    pub fn step(&self) -> &StepId {
        &self.step
    }

    /// The attempt; its directory is `attempts/N`.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Forward or back.
    #[must_use]
    pub fn work(&self) -> Work {
        self.work
    }

    /// The item and its index in the attempt; its directory is `attempts/N/items/INDEX`.
    #[must_use]
    pub fn item(&self) -> Option<&(u32, String)> {
        self.item.as_ref()
    }

    /// What runs: the stored command that was shown and approved.
    #[must_use]
    pub fn call(&self) -> &ScriptCall {
        &self.call
    }

    /// Killed after this long.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// Is stdout used (captured), so that the two streams are kept apart?
    #[must_use]
    pub fn separate_stdout(&self) -> bool {
        self.separate_stdout
    }

    /// Has it a terminal?
    #[must_use]
    pub fn interactive(&self) -> bool {
        self.interactive
    }
}

/// The gate opened: what to record, and leave to start what follows.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) events: Vec<Event>,
    pub(super) permit: Option<Permit>,
}

/// The gate stayed shut.
#[derive(Debug)]
pub(super) enum Closed {
    /// These are not met.
    Unmet(Vec<Requirement>),
    /// Everything is met but the confirmation, and somebody is there to be asked.
    AskToConfirm,
    /// It cannot be started at all, whatever is met.
    Cannot(String),
}

/// Decides a request whose checks have been asked: the start of a step, or of its undo.
pub(super) fn open(
    session: &Session,
    order: &Order,
    place: usize,
    request: &Request,
    now: Moment,
    known_secrets: &BTreeSet<ValueName>,
) -> Result<Opening, Closed> {
    let model = &session.runbook.steps[place];
    let mut unmet = unmet(session, order, place, request, now)?;
    unmet.extend(not_of_this_breath(session, place, request.work, request.n, None));
    if !unmet.is_empty() {
        return Err(Closed::Unmet(unmet));
    }
    let list = match &model.for_each {
        Some(for_each) => {
            view::items_of(session, for_each).map_err(|e| Closed::Cannot(e.to_string()))?.into_owned()
        }
        None => Vec::new(),
    };
    let items = items_to_do(session, place, request.work, &list, request.by_hand);
    let how = how(model, request);
    let attempt = session.attempts.checked_add(1).ok_or_else(|| {
        Closed::Cannot("this session has used up its attempt numbers; start another".to_owned())
    })?;
    let first_item = items.first().map(|item| (0, item.clone()));
    let start_now = model.for_each.is_none() || first_item.is_some();
    let permit = match how {
        How::Script if start_now => {
            Some(permit(session, place, request.work, attempt, first_item.clone(), known_secrets)?)
        }
        _ => None,
    };
    let command = permit.as_ref().map(|permit| of_call(&permit.call));
    let approvals = standing(session, place, request.work, Some(request), now).approvals;
    let mut events = vec![Event::StepStarted {
        step: model.id.clone(),
        attempt,
        work: request.work,
        how,
        items: items.clone(),
        list,
        command: command.clone().filter(|_| first_item.is_none()),
        typed: request.typed.clone(),
        rests_on: rests_on(session, place, request.work),
        retry: retry_number(session, place),
        approvals,
    }];
    if let Some((index, item)) = first_item {
        events.push(Event::ItemStarted { step: model.id.clone(), attempt, item, index, command });
    } else if let (Some(said), true) = (&request.said, start_now) {
        events.push(Event::WorkEnded {
            step: model.id.clone(),
            attempt,
            ended: Box::new(said_ended(said, true, 0)),
        });
    }
    Ok(Opening { events, permit })
}

/// What this request does not meet right now.
pub(super) fn unmet(
    session: &Session,
    order: &Order,
    place: usize,
    request: &Request,
    now: Moment,
) -> Result<Vec<Requirement>, Closed> {
    let mut unmet: Vec<Requirement> = match request.work {
        Work::Run => view::gate(session, order, place, now),
        Work::Undo => view::undo_gate(session, place, now),
    };
    // Whether it is approved is asked of this very wish: by hand or not, after the approval, and at its moment.
    for requirement in unmet.iter_mut().filter(|requirement| requirement.kind == Kind::Witness) {
        *requirement = view::witness_for(session, place, request.work, Some(request), now);
    }
    unmet.retain(|requirement| !requirement.met);
    // Only the way forward can be carried out by hand in place of its script.
    if request.by_hand {
        for requirement in unmet.iter_mut().filter(|requirement| requirement.kind == Kind::Confirm) {
            requirement.fix.push_str(" --by-hand");
        }
    }
    confirm(&mut unmet, request)?;
    Ok(unmet)
}

/// Decides whether the next item of a running step may start: its checks have been asked again.
pub(super) fn open_item(
    session: &Session,
    place: usize,
    running: &Running,
    from: u64,
    now: Moment,
    known_secrets: &BTreeSet<ValueName>,
) -> Result<Opening, Closed> {
    let step = &session.runbook.steps[place].id;
    let index = running.next_item;
    let no_more = || Closed::Cannot("there are no more items".to_owned());
    let item = running.items.get(index as usize).cloned().ok_or_else(no_more)?;
    let unmet = unmet_for_item(session, place, running, from, &item, now);
    if !unmet.is_empty() {
        return Err(Closed::Unmet(unmet));
    }
    let permit = match running.how {
        How::Script => {
            let item = Some((index, item.clone()));
            Some(permit(session, place, running.work, running.attempt, item, known_secrets)?)
        }
        How::Person | How::ByHand => None,
    };
    if let Some(why) = not_as_approved(session, place, running) {
        return Err(Closed::Cannot(why));
    }
    let command = permit.as_ref().map(|permit| of_call(&permit.call));
    let approved = running.approved.get(index as usize);
    let by_approval = rule_of(session, place, running.work).is_some();
    if command.is_some() && by_approval && command.as_ref() != approved {
        return Err(Closed::Cannot(format!(
            "the command for {item} is not the one that was approved: a value changed since"
        )));
    }
    let event = Event::ItemStarted { step: step.clone(), attempt: running.attempt, item, index, command };
    Ok(Opening { events: vec![event], permit })
}

/// Why the next item of a running step is not covered by what its start was approved as, in a sentence.
pub(super) fn not_as_approved(session: &Session, place: usize, running: &Running) -> Option<String> {
    let ground = running.ground.as_deref().filter(|_| rule_of(session, place, running.work).is_some())?;
    let changed = ground.changes(&Ground::now(session));
    if !changed.is_empty() {
        return Some(format!(
            "what was approved is not what would run next: {} changed since; run the step again to ask anew",
            changed.join(", ")
        ));
    }
    let approvers = &session.steps[place].approvers;
    let mut operators = session.operator_as.iter().chain([&session.operator]);
    let given = operators.find_map(|operator| approved_by(approvers, operator))?;
    Some(format!(
        "{} approved it and is the operator now; who approved a step never carries it on: hand over to somebody else, who \
         runs it again to ask anew",
        name_of(given)
    ))
}

/// What keeps the next item of a running step from starting. `from`: the record its answers must have been asked after.
pub(super) fn unmet_for_item(
    session: &Session,
    place: usize,
    running: &Running,
    from: u64,
    item: &str,
    now: Moment,
) -> Vec<Requirement> {
    let mut unmet: Vec<Requirement> = required_checks(session, place, running.work)
        .filter_map(|check| {
            let check = session.check_at(check.as_str())?;
            let of_item = counts_for_item(session, place, check).then_some(item);
            Some(view::check_requirement(session, check, of_item, now))
        })
        .filter(|requirement| !requirement.met)
        .collect();
    unmet.extend(not_of_this_breath(session, place, running.work, from, Some(item)));
    unmet
}

/// The command of a step (or of its undo, or of one item) with its values, as it would run now.
pub fn command(
    session: &Session,
    place: usize,
    work: Work,
    item: Option<&str>,
) -> Result<Option<ScriptCall>, FillError> {
    let model = &session.runbook.steps[place];
    let Some(script) = script_of(model, work) else {
        return Ok(None);
    };
    let item = model.for_each.as_ref().map(|for_each| &for_each.name).zip(item);
    let scope = Scope { values: &session.values, item };
    let mut call = script_call(script, &scope, &session.opened.secrets)?;
    if model.interactive && work == Work::Run && !call.secret_env.contains_key("TERM") {
        call.env.entry("TERM".to_owned()).or_insert_with(|| TERMINAL.to_owned());
    }
    Ok(Some(call))
}

/// Checks that a start of this kind requires.
pub(super) fn required_checks(session: &Session, place: usize, work: Work) -> impl Iterator<Item = &CheckId> {
    let model = &session.runbook.steps[place];
    match work {
        Work::Run => model.requires_checks.iter(),
        Work::Undo => model.undo.as_ref().map_or(&[] as &[CheckId], |undo| &undo.requires).iter(),
    }
}

/// Inside this step's `for_each`, does the check count for the item alone (`format.md`: one of the same name)?
pub(super) fn counts_for_item(session: &Session, place: usize, check: usize) -> bool {
    let step = session.runbook.steps[place].for_each.as_ref();
    let check = session.runbook.checks[check].for_each.as_ref();
    step.zip(check).is_some_and(|(step, check)| step.name == check.name)
}

/// What a person's word makes of their part.
pub(super) fn said_ended(said: &Said, done: bool, took: u64) -> Ended {
    Ended {
        outcome: Outcome::Said { done, words: said.say.clone().unwrap_or_default() },
        took,
        output_bytes: 0,
        output_sha256: None,
        captured: said.value.clone(),
        not_captured: None,
        wanted_terminal: false,
        left: Vec::new(),
    }
}

/// Automatic checks without `valid_for` whose answers were not asked after record `from`: they cannot open this gate.
pub(super) fn not_of_this_breath(
    session: &Session,
    place: usize,
    work: Work,
    from: u64,
    item: Option<&str>,
) -> Vec<Requirement> {
    required_checks(session, place, work)
        .filter_map(|id| session.check_at(id.as_str()))
        .filter(|&check| {
            let model = &session.runbook.checks[check];
            let of_item = item.filter(|_| counts_for_item(session, place, check));
            let answers = &session.checks[check].answers;
            let old = |key: &str| answers.get(key).is_some_and(|given| given.asked_n <= from);
            model.is_automatic()
                && model.valid_for.is_none()
                && of_item
                    .map_or_else(|| scope_keys(session, place, check, work).iter().any(|key| old(key)), old)
        })
        .map(|check| Requirement {
            kind: Kind::Check,
            id: session.runbook.checks[check].id.to_string(),
            met: false,
            why: "its answer is from before this start was asked for".to_owned(),
            fix: "ask again".to_owned(),
        })
        .collect()
}

/// The items of a check that count when this step is to start; one empty text where it has none.
pub(super) fn scope_keys(session: &Session, place: usize, check: usize, work: Work) -> Vec<String> {
    let Some(for_each) = &session.runbook.checks[check].for_each else {
        return vec![String::new()];
    };
    let all = view::items_of(session, for_each).map(std::borrow::Cow::into_owned).unwrap_or_default();
    if !counts_for_item(session, place, check) {
        return all;
    }
    match view::first_item(session, place, work) {
        Some(first) => all.into_iter().filter(|item| *item == first).collect(),
        None => all,
    }
}

fn confirm(unmet: &mut Vec<Requirement>, request: &Request) -> Result<(), Closed> {
    let Some(at) = unmet.iter().position(|requirement| requirement.kind == Kind::Confirm) else {
        return Ok(());
    };
    let expected = unmet[at].id.clone();
    if expected.trim().is_empty() || expected.contains('\n') {
        return Err(Closed::Cannot(
            "the text to be typed is empty or has several lines once filled in".to_owned(),
        ));
    }
    match &request.typed {
        Some(typed) if *typed == expected => {
            unmet.remove(at);
        }
        Some(typed) => unmet[at].why = format!("“{typed}” was typed; it asks for  {expected}"),
        None if request.will_ask && unmet.len() == 1 => return Err(Closed::AskToConfirm),
        None => {}
    }
    Ok(())
}

/// The items an attempt takes: forward those not done (all, if all are), backward those that were begun, last first.
/// By hand also those are taken whose value is lost: a person says it, and nothing is run.
pub(super) fn items_to_do(
    session: &Session,
    place: usize,
    work: Work,
    list: &[String],
    by_hand: bool,
) -> Vec<String> {
    let states: HashMap<&str, &ItemState> =
        session.steps[place].items.iter().map(|state| (state.item.as_str(), state)).collect();
    let lost_its_value = |item: &String| {
        by_hand
            && session.runbook.steps[place].capture.is_some()
            && states
                .get(item.as_str())
                .is_some_and(|state| state.ended.as_ref().is_none_or(|ended| ended.captured.is_none()))
    };
    let known = |item: &String| states.get(item.as_str()).map(|state| state.progress);
    match work {
        Work::Run => {
            let open: Vec<String> = list
                .iter()
                .filter(|i| known(i) != Some(ItemProgress::Done) || lost_its_value(i))
                .cloned()
                .collect();
            // All done, and the step is not (its `verify` did not hold): there is nothing to run, only to verify again.
            let again = open.is_empty() && session.steps[place].progress == Progress::Done;
            if again { list.to_vec() } else { open }
        }
        Work::Undo => {
            // One that was done before, and is to be run again, was begun too.
            let begun = |state: &&ItemState| match state.progress {
                ItemProgress::Done | ItemProgress::Failed | ItemProgress::Interrupted => true,
                ItemProgress::Waiting => state.place.is_some(),
                ItemProgress::Running | ItemProgress::Undone => false,
            };
            session.steps[place].items.iter().rev().filter(begun).map(|state| state.item.clone()).collect()
        }
    }
}

fn how(model: &Step, request: &Request) -> How {
    match (script_of(model, request.work), request.by_hand) {
        (None, _) => How::Person,
        (Some(_), true) => How::ByHand,
        (Some(_), false) => How::Script,
    }
}

/// The script of a step, or of its undo; `None` where a person does it.
pub(super) fn script_of(model: &Step, work: Work) -> Option<&Script> {
    match work {
        Work::Run => model.run.as_ref(),
        Work::Undo => match &model.undo.as_ref()?.work {
            UndoWork::Script(script) => Some(script),
            UndoWork::Words(_) => None,
        },
    }
}

fn permit(
    session: &Session,
    place: usize,
    work: Work,
    attempt: u32,
    item: Option<(u32, String)>,
    known_secrets: &BTreeSet<ValueName>,
) -> Result<Permit, Closed> {
    let model = &session.runbook.steps[place];
    let call = command(session, place, work, item.as_ref().map(|(_, item)| item.as_str()))
        .map_err(|error| Closed::Cannot(error.to_string()))?
        .ok_or_else(|| Closed::Cannot("there is nothing to run".to_owned()))?;
    if let Some(name) = value_never_captured(session, place, work) {
        return Err(Closed::Cannot(name));
    }
    if let Some(missing) =
        secrets_used(&call, &session.opened.secrets).find(|name| !known_secrets.contains(*name))
    {
        return Err(Closed::Cannot(format!(
            "the secret `{missing}` is not known since the session's host started again; give it: onbelay attach {}",
            session.id
        )));
    }
    Ok(Permit {
        step: model.id.clone(),
        attempt,
        work,
        item,
        call,
        timeout: model.timeout,
        separate_stdout: work == Work::Run && model.capture.is_some(),
        interactive: work == Work::Run && model.interactive,
    })
}

/// The value that this step captures and that nobody knows: without it the step cannot be done.
pub(super) fn value_to_be_said(session: &Session, place: usize) -> Option<&ValueName> {
    let capture = session.runbook.steps[place].capture.as_ref()?;
    (!session.values.contains_key(&capture.name)).then_some(&capture.name)
}

/// A captured value that this script uses and that is not there: it must not run with nothing in its place.
pub(super) fn value_never_captured(session: &Session, place: usize, work: Work) -> Option<String> {
    let script = script_of(&session.runbook.steps[place], work)?;
    let used = variables_in(&script.text);
    session.runbook.steps.iter().enumerate().find_map(|(source, step)| {
        let capture = step.capture.as_ref().filter(|_| work == Work::Undo || source != place)?;
        let missing = used.contains(capture.name.as_str()) && !session.values.contains_key(&capture.name);
        missing.then(|| {
            let source = view::step_name(session, source);
            format!("`{}` has no value: {source} has yet to capture it", capture.name)
        })
    })
}

/// The secrets a command gets.
fn secrets_used<'a>(call: &'a ScriptCall, secrets: &'a [ValueName]) -> impl Iterator<Item = &'a ValueName> {
    let by_env =
        secrets.iter().filter(|name| call.secret_env.values().any(|text| names_in(text).contains(name)));
    call.secrets.iter().chain(by_env)
}

/// Numbers of the records with the answers that a start now would rest on.
pub(super) fn rests_on(session: &Session, place: usize, work: Work) -> Vec<u64> {
    let mut numbers: Vec<u64> = required_checks(session, place, work)
        .filter_map(|id| session.check_at(id.as_str()))
        .flat_map(|check| {
            let answers = &session.checks[check].answers;
            scope_keys(session, place, check, work)
                .into_iter()
                .filter_map(|key| answers.get(&key).map(|given| given.n))
        })
        .collect();
    numbers.sort_unstable();
    numbers
}

fn retry_number(session: &Session, place: usize) -> u32 {
    match &session.steps[place].progress {
        Progress::Running(running) => running.retry + 1,
        _ => 0,
    }
}
