//! What somebody's request leads to: the events that record it, or a refusal. PURE.
//!
//! Starts are only asked for here; whether they happen is decided by the gate once their checks have been asked.

mod approval;
mod person;

use crate::id::{CheckId, StepId};
use crate::time::Moment;

use super::command::{CheckItem, Circumstances};
use super::event::{AskMode, How, Work};
use super::state::{Phase, Stage};
use super::{Command, Event, Kind, Person, Progress, Refusal, Requirement, Session};
use super::{terminal, view, whose};

/// The longest text a person may put into one record, bytes.
pub const MAX_WORDS: usize = 64 * 1024;

type Decision = Result<Vec<Event>, Refusal>;

/// Decides on a request of `by`. The events are journaled in order, by `by`; what follows from them is `next`'s.
/// `found`: what the host found out about this request.
pub fn decide(
    session: &Session,
    command: &Command,
    by: &Person,
    now: Moment,
    found: &Circumstances,
) -> Decision {
    if command.texts().any(|text| text.len() > MAX_WORDS) {
        return Err(Refusal::call(format!("that is too long for one record: {MAX_WORDS} bytes at most")));
    }
    only_the_operator(session, command, by)?;
    still_open(session, command)?;
    let events = decided(session, command, by, now, found)?;
    // What whoever verifies the log would not take from them is not recorded.
    for event in &events {
        whose::may(session, event, by).map_err(Refusal::rule)?;
    }
    Ok(events)
}

fn decided(
    session: &Session,
    command: &Command,
    by: &Person,
    now: Moment,
    found: &Circumstances,
) -> Decision {
    match command {
        Command::Check { checks } => ask(session, checks),
        Command::Attest { check, yes, words } => person::attest(session, check, *yes, words, by, now),
        Command::Run { step, typed, will_ask, by_hand } => {
            let place = find_step(session, step)?;
            may_run(session, place)?;
            approval::not_its_approver(session, place, by)?;
            Ok(vec![Event::Requested {
                step: step.clone(),
                work: Work::Run,
                by_hand: *by_hand,
                typed: typed.clone(),
                will_ask: *will_ask,
                said: None,
            }])
        }
        Command::Undo { step, typed, will_ask } => {
            let place = find_step(session, step)?;
            may_undo(session, place)?;
            approval::not_its_approver(session, place, by)?;
            Ok(vec![Event::Requested {
                step: step.clone(),
                work: Work::Undo,
                by_hand: false,
                typed: typed.clone(),
                will_ask: *will_ask,
                said: None,
            }])
        }
        Command::Withdraw { step } => {
            let place = find_step(session, step)?;
            if session.steps[place].request.is_none() {
                return Err(Refusal::rule(format!(
                    "nobody asked to start {}",
                    view::step_name(session, place)
                )));
            }
            Ok(vec![Event::RequestDropped { step: step.clone(), why: "withdrawn".to_owned() }])
        }
        Command::Done { step, said } => person::done(session, step, said, now),
        Command::Fail { step, why } => person::fail(session, step, why, now),
        Command::Skip { steps, why } => skip(session, steps, why),
        Command::Note { text } => {
            words_needed(text, "a note needs words")?;
            Ok(vec![Event::Noted { text: text.clone() }])
        }
        Command::Hold { why } => {
            words_needed(why, "say why: a hold needs words")?;
            Ok(vec![Event::HoldCalled { why: why.clone() }])
        }
        Command::Release { why } => release(session, why.as_deref(), by),
        Command::Resolve { step, done, what } => resolve(session, step, *done, what),
        Command::Stop { step } => stop(session, step),
        Command::TakeTerminal { step } => take_terminal(session, step),
        Command::Finish => finish(session),
        Command::Abort { why } => {
            words_needed(why, "say why: an abort needs words")?;
            Ok(vec![Event::Aborted { why: why.clone() }])
        }
        Command::AskApproval { step, work, by_hand } => {
            approval::ask(session, step, *work, *by_hand, by, now)
        }
        Command::Approve { step, seen, name, signature } => {
            let (name, signature) = (name.as_deref(), signature.as_deref());
            let yes = approval::Yes { step, seen: seen.as_ref(), name, signature };
            approval::approve(session, &yes, by, now, found)
        }
        Command::Refuse { step, why } => approval::refuse(session, step, why),
        Command::Handover { to } => approval::handover(session, to, found),
    }
}

fn only_the_operator(session: &Session, command: &Command, by: &Person) -> Result<(), Refusal> {
    let anyone = matches!(
        command,
        Command::Check { .. }
            | Command::Attest { .. }
            | Command::Note { .. }
            | Command::Hold { .. }
            | Command::Release { .. }
            | Command::Stop { .. }
            | Command::AskApproval { .. }
            | Command::Approve { .. }
            | Command::Refuse { .. }
    );
    if anyone || session.operator.same_account(by) {
        return Ok(());
    }
    let sentence = format!(
        "only the operator, {}, may do that; a note or a hold is open to everyone",
        session.operator.name
    );
    Err(Refusal::rule(sentence))
}

fn still_open(session: &Session, command: &Command) -> Result<(), Refusal> {
    let after_abort = matches!(
        command,
        Command::Undo { .. }
            | Command::Check { .. }
            | Command::Attest { .. }
            | Command::Hold { .. }
            | Command::Release { .. }
            | Command::Stop { .. }
            | Command::Resolve { .. }
            | Command::Withdraw { .. }
            | Command::Done { .. }
            | Command::Fail { .. }
            | Command::AskApproval { .. }
            | Command::Approve { .. }
            | Command::Refuse { .. }
            | Command::TakeTerminal { .. }
            | Command::Handover { .. }
    );
    let closed = match &session.stage {
        _ if matches!(command, Command::Note { .. }) => return Ok(()),
        Stage::Open => return Ok(()),
        Stage::Aborted { .. } if after_abort => return Ok(()),
        Stage::Aborted { why } => format!("the session was aborted ({why}); only undos may start"),
        Stage::Finished => "the session is finished; only notes may be added".to_owned(),
    };
    Err(Refusal::rule(closed))
}

fn find_step(session: &Session, id: &StepId) -> Result<usize, Refusal> {
    session.step_at(id.as_str()).ok_or_else(|| {
        let near = nearest(id.as_str(), session.runbook.steps.iter().map(|step| step.id.as_str()));
        Refusal::call(format!("the runbook has no step `{id}`{near}"))
    })
}

fn find_check(session: &Session, id: &CheckId) -> Result<usize, Refusal> {
    session.check_at(id.as_str()).ok_or_else(|| {
        let near = nearest(id.as_str(), session.runbook.checks.iter().map(|check| check.id.as_str()));
        Refusal::call(format!("the runbook has no check `{id}`{near}"))
    })
}

fn nearest<'a>(given: &str, ids: impl Iterator<Item = &'a str>) -> String {
    ids.map(|id| (strsim::jaro_winkler(given, id), id))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or_else(String::new, |(_, id)| format!("; did you mean `{id}`?"))
}

fn words_needed(text: &str, sentence: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() { Err(Refusal::call(sentence)) } else { Ok(()) }
}

fn ask(session: &Session, checks: &[CheckItem]) -> Decision {
    let mut events = Vec::new();
    if checks.is_empty() {
        for (place, model) in session.runbook.checks.iter().enumerate() {
            let ready = model.is_automatic() && view::waits_for_capture(session, place).is_none();
            if ready && session.checks[place].asking.is_none() {
                events.extend(asked(session, place, None)?);
            }
        }
        return if events.is_empty() && !session.checks.iter().any(|check| check.asking.is_some()) {
            Err(Refusal::rule("there is no automatic check to ask"))
        } else {
            Ok(events)
        };
    }
    for wanted in checks {
        let place = find_check(session, &wanted.check)?;
        let model = &session.runbook.checks[place];
        if !model.is_automatic() {
            let how = format!("onbelay do {} attest {} --say WORDS", session.id, model.id);
            return Err(Refusal::call(format!("`{}` is answered by a person: {how}", model.id)));
        }
        if let Some(why) = view::waits_for_capture(session, place) {
            return Err(Refusal::rule(format!("`{}` cannot be asked yet: it {why}", model.id)));
        }
        if session.checks[place].asking.is_none() {
            events.extend(asked(session, place, wanted.item.as_deref())?);
        }
    }
    Ok(events)
}

fn asked(session: &Session, place: usize, item: Option<&str>) -> Result<Option<Event>, Refusal> {
    let model = &session.runbook.checks[place];
    let items = match (&model.for_each, item) {
        (None, None) => Vec::new(),
        (None, Some(_)) => return Err(Refusal::call(format!("`{}` has no items", model.id))),
        (Some(for_each), item) => {
            let all = view::items_of(session, for_each).map_err(|error| Refusal::rule(error.to_string()))?;
            match item {
                None if all.is_empty() => return Ok(None),
                None => all.into_owned(),
                Some(item) if all.iter().any(|text| text == item) => vec![item.to_owned()],
                Some(item) => {
                    let list = all.join(", ");
                    return Err(Refusal::call(format!("`{}` has no item `{item}`; it has {list}", model.id)));
                }
            }
        }
    };
    Ok(Some(Event::CheckAsked { check: model.id.clone(), items, mode: AskMode::Patient }))
}

fn may_run(session: &Session, place: usize) -> Result<(), Refusal> {
    not_busy(session, place)?;
    let name = view::step_name(session, place);
    if session.steps[place].progress == Progress::Done && session.runbook.steps[place].is_hold_point() {
        return Err(Refusal::rule(format!(
            "{name} is done; a hold point is not run twice unless it was undone"
        )));
    }
    Ok(())
}

fn may_undo(session: &Session, place: usize) -> Result<(), Refusal> {
    not_busy(session, place)?;
    let name = view::step_name(session, place);
    let step = &session.steps[place];
    if session.runbook.steps[place].undo.is_none() {
        return Err(Refusal::rule(format!("{name} has no undo")));
    }
    let ran = step.touched && matches!(step.progress, Progress::Done | Progress::Failed | Progress::Skipped);
    if !ran {
        return Err(Refusal::rule(format!("{name} has not been run, so there is nothing to undo")));
    }
    Ok(())
}

fn not_busy(session: &Session, place: usize) -> Result<(), Refusal> {
    let name = view::step_name(session, place);
    let step = &session.steps[place];
    let sentence = match &step.progress {
        Progress::Running(_) => format!("{name} is running"),
        Progress::Interrupted => format!(
            "what became of {name} is not known; look, then say what you saw: onbelay do {} resolve {} done|failed --say WHAT",
            session.id, session.runbook.steps[place].id
        ),
        _ if step.request.is_some() => {
            format!("{name} has been asked for already; its checks are being asked")
        }
        _ => return Ok(()),
    };
    Err(Refusal::rule(sentence))
}

fn skip(session: &Session, ids: &[StepId], why: &str) -> Decision {
    words_needed(why, "say why: a skipped step needs a reason")?;
    if ids.is_empty() {
        return Err(Refusal::call("say which step"));
    }
    let mut events = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        let place = find_step(session, id)?;
        not_busy(session, place)?;
        let name = view::step_name(session, place);
        match session.steps[place].progress {
            Progress::Done => return Err(Refusal::rule(format!("{name} is done already"))),
            Progress::Skipped => return Err(Refusal::rule(format!("{name} is skipped already"))),
            _ if ids[..at].contains(id) => return Err(Refusal::call(format!("`{id}` is named twice"))),
            _ => events.push(Event::StepSkipped { step: id.clone(), why: why.to_owned() }),
        }
    }
    Ok(events)
}

fn release(session: &Session, why: Option<&str>, by: &Person) -> Decision {
    if session.holds.is_empty() {
        return Err(Refusal::rule("nobody called a hold"));
    }
    let all = why.is_some_and(|why| !why.trim().is_empty());
    let holds: Vec<u64> =
        session.holds.iter().filter(|hold| all || hold.by.uid == by.uid).map(|hold| hold.n).collect();
    if holds.is_empty() {
        let names: Vec<&str> = session.holds.iter().map(|hold| hold.by.name.as_str()).collect();
        let sentence = format!("the hold is by {}; to release it, say why with --say", names.join(", "));
        return Err(Refusal::rule(sentence));
    }
    Ok(vec![Event::HoldReleased { holds, why: why.filter(|why| !why.trim().is_empty()).map(str::to_owned) }])
}

fn resolve(session: &Session, id: &StepId, done: bool, what: &str) -> Decision {
    let place = find_step(session, id)?;
    words_needed(what, "say what you saw")?;
    let step = &session.steps[place];
    let nothing_came_of_it = matches!(step.progress, Progress::Failed | Progress::Skipped)
        && step.touched
        && !done
        && session.runbook.steps[place].is_hold_point();
    if step.progress == Progress::Interrupted || (nothing_came_of_it && step.request.is_none()) {
        return Ok(vec![Event::Resolved { step: id.clone(), done, what: what.to_owned() }]);
    }
    Err(Refusal::rule(format!("nothing about {} is open", view::step_name(session, place))))
}

fn stop(session: &Session, id: &StepId) -> Decision {
    let place = find_step(session, id)?;
    let name = view::step_name(session, place);
    let Progress::Running(running) = &session.steps[place].progress else {
        return Err(Refusal::rule(format!("{name} is not running")));
    };
    if running.stop_asked {
        return Err(Refusal::rule(format!("{name} is being stopped already")));
    }
    if running.how != How::Script && running.phase == Phase::Working {
        let end = format!("onbelay do {} fail {id} --say WHY", session.id);
        return Err(Refusal::rule(format!("a person is at {name}; to end it: {end}")));
    }
    Ok(vec![Event::StopAsked { step: id.clone() }])
}

fn take_terminal(session: &Session, id: &StepId) -> Decision {
    let place = find_step(session, id)?;
    let name = view::step_name(session, place);
    let step = &session.runbook.steps[place];
    if !step.interactive {
        return Err(Refusal::call(format!("{name} has no terminal: it is not `interactive`")));
    }
    let Some(open) = terminal::of_step(session, place) else {
        let why = match &session.steps[place].progress {
            Progress::Running(running) if running.how != How::Script => "a person is at it",
            Progress::Running(running) if running.work == Work::Undo => "its undo has none",
            Progress::Running(_) => "its command has ended, or has yet to start",
            _ => "it is not running",
        };
        return Err(Refusal::rule(format!("{name} has no terminal now: {why}")));
    };
    let item = open.item.map(|(_, item)| item.to_owned());
    Ok(vec![Event::TerminalTaken { step: id.clone(), attempt: open.attempt, item }])
}

fn finish(session: &Session) -> Decision {
    let open: Vec<Requirement> = session
        .steps
        .iter()
        .enumerate()
        .filter(|(_, step)| {
            !matches!(step.progress, Progress::Done | Progress::Skipped) || step.request.is_some()
        })
        .map(|(place, step)| {
            let name = view::step_name(session, place);
            let id = session.runbook.steps[place].id.to_string();
            let (why, fix) = match step.progress {
                Progress::Running(_) => (format!("{name} is still running"), "wait for its end, or stop it"),
                _ => (format!("{name} is neither done nor skipped"), "do it, or skip it with a reason"),
            };
            Requirement { kind: Kind::Step, id, met: false, why, fix: fix.to_owned() }
        })
        .collect();
    if open.is_empty() {
        return Ok(vec![Event::Finished]);
    }
    let sentence =
        format!("the walk is not at its end: {} of {} steps are open", open.len(), session.steps.len());
    Err(Refusal { unmet: open, ..Refusal::rule(sentence) })
}
