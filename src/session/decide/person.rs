//! What people say: answers in words, and how their own part ended. PURE.

use crate::id::StepId;
use crate::runbook::{Probe, Step};
use crate::session::command::CheckItem;
use crate::session::event::{How, Said, Work};
use crate::session::gate::said_ended;
use crate::session::state::{Phase, Running, StepState};
use crate::session::{Event, Person, Progress, Refusal, Session, view, whose};
use crate::time::Moment;

use super::{Decision, find_check, find_step, may_run, words_needed};

pub(super) fn attest(
    session: &Session,
    check: &CheckItem,
    yes: bool,
    words: &str,
    by: &Person,
    _now: Moment,
) -> Decision {
    let place = find_check(session, &check.check)?;
    let model = &session.runbook.checks[place];
    let Probe::Attest { witness, .. } = &model.probe else {
        let how = format!("onbelay do {} check {}", session.id, model.id);
        return Err(Refusal::call(format!("`{}` is not a question for a person; ask it: {how}", model.id)));
    };
    words_needed(words, "without words it is no answer: say what you saw")?;
    if *witness && whose::may_be_the_operator(session, by) {
        let sentence = format!("`{}` asks for a second person, not the operator", model.id);
        return Err(Refusal::rule(sentence));
    }
    if let Some(why) = view::waits_for_capture(session, place) {
        return Err(Refusal::rule(format!("`{}` cannot be answered yet: it {why}", model.id)));
    }
    let item = match (&model.for_each, &check.item) {
        (None, None) => None,
        (None, Some(_)) => return Err(Refusal::call(format!("`{}` has no items", model.id))),
        (Some(for_each), given) => {
            let all = view::items_of(session, for_each).map_err(|error| Refusal::rule(error.to_string()))?;
            match given {
                Some(item) if all.contains(item) => Some(item.clone()),
                _ => {
                    let list = all.join(", ");
                    return Err(Refusal::call(format!("say which item: `{}@ITEM`, one of {list}", model.id)));
                }
            }
        }
    };
    Ok(vec![Event::Attested { check: model.id.clone(), item, yes, words: words.to_owned() }])
}

pub(super) fn done(session: &Session, id: &StepId, said: &Said, now: Moment) -> Decision {
    let place = find_step(session, id)?;
    let model = &session.runbook.steps[place];
    let step = &session.steps[place];
    let name = view::step_name(session, place);
    if let Progress::Running(running) = &step.progress {
        if running.work == Work::Run {
            value_needed(model, said)?;
        }
        return end_by_person(session, place, running, step, said, true, now);
    }
    if model.run.is_some() {
        let by_hand = format!("onbelay do {} run {id} --by-hand", session.id);
        return Err(Refusal::rule(format!(
            "{name} is carried out by the tool; to do it yourself: {by_hand}"
        )));
    }
    may_run(session, place)?;
    if model.must_be_started() || model.for_each.is_some() {
        let run = format!("onbelay do {} run {id}", session.id);
        return Err(Refusal::rule(format!("{name} must be started before it can be called done: {run}")));
    }
    value_needed(model, said)?;
    Ok(vec![Event::Requested {
        step: id.clone(),
        work: Work::Run,
        by_hand: false,
        typed: None,
        will_ask: false,
        said: Some(said.clone()),
    }])
}

fn value_needed(model: &Step, said: &Said) -> Result<(), Refusal> {
    match (&model.capture, &said.value) {
        (Some(capture), None) => Err(Refusal::call(format!(
            "`{}` captures `{}`: say what it is with --value",
            model.id, capture.name
        ))),
        (None, Some(_)) => {
            Err(Refusal::call(format!("`{}` captures nothing, so it takes no value", model.id)))
        }
        _ => Ok(()),
    }
}

pub(super) fn fail(session: &Session, id: &StepId, why: &str, now: Moment) -> Decision {
    let place = find_step(session, id)?;
    words_needed(why, "say why it failed")?;
    let step = &session.steps[place];
    let Progress::Running(running) = &step.progress else {
        return Err(Refusal::rule(format!("{} is not running", view::step_name(session, place))));
    };
    let said = Said { say: Some(why.to_owned()), value: None };
    end_by_person(session, place, running, step, &said, false, now)
}

fn end_by_person(
    session: &Session,
    place: usize,
    running: &Running,
    step: &StepState,
    said: &Said,
    done: bool,
    now: Moment,
) -> Decision {
    let name = view::step_name(session, place);
    if running.how == How::Script {
        let how_to_end = format!("onbelay do {} stop {}", session.id, session.runbook.steps[place].id);
        return Err(Refusal::rule(format!("the tool runs {name}; to end it: {how_to_end}")));
    }
    if running.phase != Phase::Working {
        return Err(Refusal::rule(format!("{name} has ended; what verifies it is being asked")));
    }
    let took =
        step.started.and_then(|at| at.age(now)).map_or(0, |age| u64::try_from(age.as_millis()).unwrap_or(0));
    let ended = Box::new(said_ended(said, done, took));
    let (id, attempt) = (session.runbook.steps[place].id.clone(), running.attempt);
    Ok(vec![match running.items.get(running.next_item as usize) {
        Some(item) => Event::ItemEnded { step: id, attempt, item: item.clone(), ended },
        None => Event::WorkEnded { step: id, attempt, ended },
    }])
}
