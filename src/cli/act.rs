//! `onbelay do`: one action, one request, its end as exit status. SHELL.

use serde_json::json;

use crate::clock;
use crate::session::command::CheckItem;
use crate::session::event::Said;
use crate::session::view;
use crate::session::{Command, Fault, Progress, Session};
use crate::text::{self, clean};
use crate::wire::messages::Role;

use super::approve;
use super::args::{Action, Became as Outcome, DoArgs};
use super::exit::{self, Exit, Failure, not_yet};
use super::follow::End;
use super::out::{Out, say};
use super::perform::{Became, Walk, exit_of, tell_to};
use super::place;
use super::words::{self, Voice};

/// Carries it out.
pub fn run(args: &DoArgs) -> exit::Outcome {
    if let Action::Approve { step, name, start } = &args.action {
        return approve::in_words(args, step, name.as_deref(), *start);
    }
    if let Action::Refuse { step, say: None } = &args.action {
        let (session, step) = (words::quoted(&args.session), words::quoted(step));
        return Err(Failure::wrong(format!(
            "say why: whoever drives needs to know what to mend; nothing was done\n  onbelay do {session} refuse {step} --say WHY"
        )));
    }
    let command = command(&args.action, false)?;
    let dir = place::find(&args.session)?;
    let mut walk = Walk::open(&dir, Role::Act)?;
    let mut out = Out::stdout();
    let became = if args.json {
        walk.perform(&command, !args.no_wait, |_, _| {})
    } else {
        walk.perform(&command, !args.no_wait, tell_to(&mut out))
    }?;
    let exit = exit_of(&command, &became);
    if args.json {
        out.line(text::json::line(&as_json(&walk.talk.session, &command, &became, exit)));
    } else {
        tell_end(&walk, &command, &became, &Voice::of_shell(&walk.called(Some(&args.session))), &mut out)?;
    }
    out.finish()?;
    Ok(exit)
}

/// The request that an action makes. `will_ask`: somebody can be asked for the confirmation.
pub fn command(action: &Action, will_ask: bool) -> Result<Command, Failure> {
    Ok(match action {
        Action::Check { checks, .. } => {
            Command::Check { checks: checks.iter().map(|text| CheckItem::parse(text)).collect() }
        }
        Action::Attest { check, no, say } => {
            Command::Attest { check: CheckItem::parse(check), yes: !no, words: say.clone() }
        }
        Action::Run { step, confirm, by_hand } => Command::Run {
            step: step.as_str().into(),
            typed: confirm.clone(),
            will_ask: will_ask && confirm.is_none(),
            by_hand: *by_hand,
        },
        Action::Done { step, say, value } => Command::Done {
            step: step.as_str().into(),
            said: Said { say: say.clone(), value: value.clone() },
        },
        Action::Fail { step, say } => Command::Fail { step: step.as_str().into(), why: say.clone() },
        Action::Skip { steps, say } => {
            Command::Skip { steps: steps.iter().map(|step| step.as_str().into()).collect(), why: say.clone() }
        }
        Action::Undo { step, confirm } => Command::Undo {
            step: step.as_str().into(),
            typed: confirm.clone(),
            will_ask: will_ask && confirm.is_none(),
        },
        Action::Note { text } => Command::Note { text: text.clone() },
        Action::Hold { why } => Command::Hold { why: why.clone() },
        Action::Release { say } => Command::Release { why: say.clone() },
        Action::Resolve { step, became, say } => {
            Command::Resolve { step: step.as_str().into(), done: *became == Outcome::Done, what: say.clone() }
        }
        Action::Stop { step } => Command::Stop { step: step.as_str().into() },
        Action::Finish => Command::Finish,
        Action::Abort { say } => Command::Abort { why: say.clone() },
        Action::Approve { step, name, .. } => {
            Command::Approve { step: step.as_str().into(), seen: None, name: name.clone(), signature: None }
        }
        Action::Refuse { step, say } => {
            Command::Refuse { step: step.as_str().into(), why: say.clone().unwrap_or_default() }
        }
        Action::Handover { name } => Command::Handover { to: name.clone() },
        Action::Amend { .. } => return Err(not_yet("going on with a corrected runbook")),
    })
}

/// The step that a request is about.
fn step_of(command: &Command) -> Option<&str> {
    match command {
        Command::Run { step, .. }
        | Command::Undo { step, .. }
        | Command::Done { step, .. }
        | Command::Fail { step, .. }
        | Command::Stop { step }
        | Command::TakeTerminal { step }
        | Command::Resolve { step, .. }
        | Command::AskApproval { step, .. }
        | Command::Approve { step, .. }
        | Command::Refuse { step, .. } => Some(step.as_str()),
        _ => None,
    }
}

/// The verb of a request, as it is typed.
fn verb_of(command: &Command) -> String {
    command.action().split(' ').next().unwrap_or_default().to_owned()
}

/// Says how a request ended: the answer to stdout; where the call is wrong, that to stderr.
pub fn tell_end(
    walk: &Walk,
    command: &Command,
    became: &Became,
    voice: &Voice,
    out: &mut Out,
) -> Result<(), Failure> {
    let session = &walk.talk.session;
    let step = step_of(command);
    let place = step.and_then(|id| session.step_at(id));
    match became {
        Became::OnRecord { n } => out.line(format!("on record ({n})")),
        Became::Refused { refusal, .. } if refusal.fault == Fault::Call => {
            out.flush();
            return Err(Failure::wrong(voice.said(session, &refusal.sentence)));
        }
        Became::Refused { n, refusal } => {
            out.line(words::refusal(
                session,
                step,
                &verb_of(command),
                &refusal.sentence,
                &refusal.unmet,
                *n,
                voice,
            ));
        }
        Became::Ended { end: End::Refused { n, why, unmet }, .. } => {
            out.line(words::refusal(session, step, &verb_of(command), why, unmet, *n, voice));
        }
        Became::Ended { end: End::Dropped { why }, .. } => {
            out.line(format!("not started: {}", voice.said(session, why)));
        }
        Became::Ended { end: End::WithAPerson, .. } => {
            if let Some((id, place)) = step.zip(place) {
                let item = item_at_hand(session, place)
                    .map(|item| format!(", for {}", clean(&item)))
                    .unwrap_or_default();
                out.line(format!(
                    "{} is yours now{item}; when it is done:",
                    clean(&view::step_name(session, place))
                ));
                let value = session.runbook.steps[place].capture.as_ref().map_or("", |_| " --value VALUE");
                out.line(format!("  {}done {id}{value}", voice.before));
            }
        }
        Became::Ended { end: End::Checked { checks, .. }, .. } => tell_checks(session, checks, voice, out),
        Became::Ended { end: End::Badly { .. }, .. } => {
            if let Some(place) =
                place.filter(|_| matches!(command, Command::Run { .. } | Command::Undo { .. }))
            {
                let tail = walk.output_tail(place);
                if !tail.is_empty() {
                    out.flush();
                    say("the end of its output:");
                    for line in tail {
                        say(format!("  {line}"));
                    }
                }
            }
        }
        Became::Ended { end: End::Recorded, .. } => tell_recorded(session, command, out),
        Became::Ended { end: End::Well { .. } | End::Question, .. } => {}
    }
    Ok(())
}

/// What follows from a request that is on record, where that is more than the record itself.
fn tell_recorded(session: &Session, command: &Command, out: &mut Out) {
    match command {
        Command::Handover { .. } => out.line(format!(
            "{} is the operator now; what was approved before is void",
            clean(&session.operator.name)
        )),
        Command::Refuse { step, .. } => {
            let name = session
                .step_at(step.as_str())
                .map_or_else(|| step.to_string(), |place| view::step_name(session, place));
            out.line(format!(
                "{} is not approved; only the operator, {}, can ask anew",
                clean(&name),
                clean(&session.operator.name)
            ));
        }
        _ => {}
    }
}

/// Which item of its list a running step is at: `eu (1 of 3)`.
fn item_at_hand(session: &Session, place: usize) -> Option<String> {
    let Progress::Running(running) = &session.steps[place].progress else { return None };
    let item = running.items.get(running.next_item as usize)?;
    Some(format!("{item} ({} of {})", running.next_item + 1, running.items.len()))
}

/// The answers of checks, and what to do about those that do not hold.
fn tell_checks(session: &Session, checks: &[CheckItem], voice: &Voice, out: &mut Out) {
    let now = clock::now(session);
    for id in checks {
        let Some(place) = session.check_at(id.check.as_str()) else { continue };
        let answer = view::check_of(session, place, id.item.as_deref(), now);
        let word = crate::report::status::check_word(answer.state);
        out.line(format!(
            "{} {id} {word}: {}",
            crate::report::status::check_mark(answer.state),
            clean(&answer.detail)
        ));
        if answer.state == view::CheckStatus::Holds {
            continue;
        }
        let model = &session.runbook.checks[place];
        for text in [&model.why, &model.fix] {
            let text = view::filled(session, text);
            if !text.trim().is_empty() {
                out.line(format!("    {}", voice.said(session, text.trim())));
            }
        }
    }
}

/// What became of a request, for a script.
#[must_use]
pub fn as_json(session: &Session, command: &Command, became: &Became, exit: Exit) -> serde_json::Value {
    let now = clock::now(session);
    let (result, record, why, unmet) = match became {
        Became::OnRecord { n } => ("recorded", *n, "", &[][..]),
        Became::Refused { n, refusal } => ("refused", *n, refusal.sentence.as_str(), &refusal.unmet[..]),
        Became::Ended { n, end } => match end {
            End::Recorded => ("recorded", *n, "", &[][..]),
            End::Well { why } => ("done", *n, why.as_str(), &[][..]),
            End::WithAPerson => ("running", *n, "", &[][..]),
            End::Question => ("question", *n, "", &[][..]),
            End::Refused { n, why, unmet } => ("refused", *n, why.as_str(), &unmet[..]),
            End::Dropped { why } => ("not_started", *n, why.as_str(), &[][..]),
            End::Badly { why } => ("failed", *n, why.as_str(), &[][..]),
            End::Checked { all_hold: true, .. } => ("holds", *n, "", &[][..]),
            End::Checked { .. } => ("does_not_hold", *n, "", &[][..]),
        },
    };
    let checks: Vec<_> = match became {
        Became::Ended { end: End::Checked { checks, .. }, .. } => checks
            .iter()
            .filter_map(|id| {
                let place = session.check_at(id.check.as_str())?;
                let view = view::check_of(session, place, id.item.as_deref(), now);
                Some(json!({ "id": id.check, "item": id.item, "state": view.state, "detail": view.detail, "items": view.items }))
            })
            .collect(),
        _ => Vec::new(),
    };
    json!({
        "session": session.id,
        "action": command.action(),
        "result": result,
        "exit": exit.status(),
        "record": record,
        "why": why,
        "unmet": unmet,
        "checks": checks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_the_request_a_key_makes() {
        let run = Action::Run { step: "a".into(), confirm: None, by_hand: false };
        let expected = |will_ask| Command::Run { step: "a".into(), typed: None, will_ask, by_hand: false };
        assert_eq!(command(&run, false), Ok(expected(false)));
        assert_eq!(command(&run, true), Ok(expected(true)));
        let typed = Action::Run { step: "a".into(), confirm: Some("x".into()), by_hand: false };
        let Ok(Command::Run { will_ask, .. }) = command(&typed, true) else { panic!("no run") };
        assert!(!will_ask, "what was typed is not asked for again");
        let item = Action::Attest { check: "c@eu".into(), no: true, say: "w".into() };
        let check = CheckItem { check: "c".into(), item: Some("eu".into()) };
        assert_eq!(command(&item, false), Ok(Command::Attest { check, yes: false, words: "w".into() }));
    }

    #[test]
    fn what_comes_later_says_so() {
        let failure = command(&Action::Amend { file: "f".into(), say: "x".into() }, false).unwrap_err();
        assert_eq!(failure.exit, Exit::Wrong);
        assert!(failure.said.starts_with("not yet"), "{failure}");
    }
}
