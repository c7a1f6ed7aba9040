//! What makes sense right now, for the selected step and this person; and if not, why. PURE.
//!
//! This only spares people useless keys: what is allowed is the host's to say, and it is asked every time.

use crate::runbook::{Check, Probe, Step};
use crate::session::command::CheckItem;
use crate::session::event::How;
use crate::session::state::{Phase, Progress, Stage, StepState};
use crate::session::view;
use crate::wire::messages::{LogHealth, Role};

use super::act;
use super::app::{App, Link};
use super::approval::{self, Part};
use super::follow;
use super::keys::{self, Verb};
use super::mode::{Ask, Mode, Page, typed};
use super::needs;
use super::output::list;

/// Does an action make sense right now?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Yes; what it is called here, where that is not its usual word.
    Yes(Option<&'static str>),
    /// It belongs here, but not now: why.
    No(String),
    /// It has nothing to do with where we are: why.
    Absent(&'static str),
}

impl Fit {
    /// Can it be asked for?
    #[must_use]
    pub fn is_yes(&self) -> bool {
        matches!(self, Self::Yes(_))
    }

    /// Why not; empty where it can be asked for.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Yes(_) => "",
            Self::No(why) => why,
            Self::Absent(why) => why,
        }
    }
}

/// Does `verb` make sense right now?
#[must_use]
pub fn fit(app: &App, verb: Verb) -> Fit {
    if !keys::acts(verb) {
        return of_screen(app, verb);
    }
    if let Some(why) = mute(app, verb) {
        return match of_step(app, verb) {
            Fit::Absent(why) => Fit::Absent(why),
            _ => Fit::No(why),
        };
    }
    of_step(app, verb)
}

/// What keeps this person from acting at all, or from what only the operator does.
pub(super) fn mute(app: &App, verb: Verb) -> Option<String> {
    match &app.link {
        Link::Up => {}
        Link::Lost(_) => return Some("the connection is being made again".to_owned()),
        Link::Waiting(owner) => {
            return Some(format!("there is no connection: it comes back when {owner} attaches"));
        }
        Link::Gone(_) => return Some("there is no connection: leave with q and attach again".to_owned()),
    }
    let of_everyone =
        matches!(verb, Verb::Note | Verb::Hold | Verb::HoldNow | Verb::Release | Verb::Approval);
    let operator = &app.session.operator;
    let name = super::view::shape::plain(&operator.name);
    let starts = matches!(verb, Verb::Run | Verb::ByHand);
    if app.role == Role::Watch && !of_everyone {
        return Some(if starts && operator.uid != app.you.uid {
            format!("only {name}, the operator, starts steps; this screen only watches")
        } else {
            "this screen only watches".to_owned()
        });
    }
    if let LogHealth::Broken { .. } = app.health {
        return Some("the log cannot be written, so nothing may happen".to_owned());
    }
    let operators = matches!(
        verb,
        Verb::Run
            | Verb::ByHand
            | Verb::Done
            | Verb::Fail
            | Verb::Skip
            | Verb::Undo
            | Verb::Withdraw
            | Verb::Handover
            | Verb::Secret
            | Verb::Terminal
            | Verb::Finish
            | Verb::Abort
    );
    if starts && app.role == Role::Witness && operator.uid != app.you.uid {
        return Some(format!("only {name}, the operator, starts steps; this screen is a witness's"));
    }
    if operators && app.role == Role::Witness {
        return Some("this screen is a witness's; attach without --witness to drive".to_owned());
    }
    (operators && operator.uid != app.you.uid).then(|| format!("only {name}, the operator, can do that"))
}

fn of_step(app: &App, verb: Verb) -> Fit {
    let Some((model, step)) =
        app.session.runbook.steps.get(app.selected).zip(app.session.steps.get(app.selected))
    else {
        return Fit::Absent("there is no step");
    };
    let open = app.session.stage == Stage::Open;
    match verb {
        Verb::Run | Verb::ByHand => start(verb, model, step, open),
        Verb::Done | Verb::Fail => end(verb, model, step, open),
        Verb::Skip => match step.progress {
            _ if !open => Fit::Absent("the session is closed"),
            Progress::Untouched | Progress::Failed | Progress::Undone => Fit::Yes(None),
            Progress::Running(_) => Fit::Absent("it is running"),
            Progress::Interrupted => Fit::Absent("say first what became of it"),
            Progress::Done => Fit::Absent("it is done"),
            Progress::Skipped => Fit::Absent("it is skipped already"),
        },
        Verb::Undo => match step.progress {
            _ if app.session.stage == Stage::Finished => Fit::Absent("the session is finished"),
            _ if model.undo.is_none() => Fit::Absent("this step has no undo"),
            Progress::Running(_) => Fit::Absent("it is running"),
            Progress::Undone => Fit::Absent("it is undone"),
            _ if !step.touched => Fit::Absent("it has not been run"),
            _ => Fit::Yes(None),
        },
        Verb::Stop => match &step.progress {
            Progress::Running(running) if running.stop_asked => {
                Fit::No("it has been asked to stop".to_owned())
            }
            Progress::Running(running)
                if running.how == How::Script || matches!(running.phase, Phase::Retrying { .. }) =>
            {
                Fit::Yes(None)
            }
            Progress::Running(_) => Fit::Absent("a person is at it: d or f ends it"),
            _ => Fit::Absent("it is not running"),
        },
        Verb::Withdraw if step.request.is_some() => Fit::Yes(None),
        Verb::Withdraw => Fit::Absent("nobody is waiting for it to start"),
        Verb::Check => {
            if own_checks(app).is_empty() {
                Fit::Absent("this step has no checks that can be asked")
            } else {
                Fit::Yes(None)
            }
        }
        Verb::CheckOne | Verb::CheckAll => {
            if app.session.runbook.checks.iter().any(Check::is_automatic) {
                Fit::Yes(None)
            } else {
                Fit::Absent("there are no checks that can be asked")
            }
        }
        Verb::Attest if act::approval_to_answer(app).is_some() => Fit::Yes(Some("read it")),
        Verb::Attest => {
            if questions(app).is_empty() {
                Fit::Absent("no check asks a person here")
            } else {
                Fit::Yes(None)
            }
        }
        Verb::Approval | Verb::Refuse if model.witness.is_none() => {
            Fit::Absent("this step asks for no second person")
        }
        Verb::Approval => match approval::can_open(app, app.selected) {
            Ok(()) => Fit::Yes(None),
            Err(why) => Fit::No(why),
        },
        Verb::Refuse if step.approval.is_none() => Fit::Absent("nobody was asked to approve it"),
        Verb::Refuse => match approval::part(app, app.selected) {
            Part::Look(why) => Fit::No(why),
            _ if step.approval.as_ref().is_some_and(|round| round.refused.is_some()) => {
                Fit::No("it is refused already".to_owned())
            }
            _ => Fit::Yes(None),
        },
        Verb::Terminal if !model.interactive => Fit::Absent("this step has no terminal"),
        Verb::Terminal => match act::terminal::of_step(app, app.selected) {
            None => Fit::Absent("its command is not running, so it has no terminal"),
            Some(open) if open.typist.as_ref().is_some_and(|typist| !typist.same_account(&app.you)) => {
                Fit::Yes(Some("take the terminal"))
            }
            Some(_) => Fit::Yes(None),
        },
        Verb::Handover if app.session.stage == Stage::Finished => Fit::Absent("the session is finished"),
        Verb::Release if app.role == Role::Watch && !own_hold(app) => {
            Fit::No("other people's holds are released from a witness's or the operator's screen".to_owned())
        }
        Verb::Release if app.session.holds.is_empty() => Fit::Absent("nobody has called a hold"),
        Verb::Secret if app.secrets_missing.is_empty() => Fit::Absent("no secret is missing"),
        Verb::Finish | Verb::Abort if !open => Fit::Absent("the session is closed"),
        Verb::Finish => {
            let all =
                app.session.steps.iter().all(|s| matches!(s.progress, Progress::Done | Progress::Skipped));
            if all { Fit::Yes(None) } else { Fit::Absent("not every step is done or skipped") }
        }
        _ => Fit::Yes(None),
    }
}

fn own_hold(app: &App) -> bool {
    app.session.holds.is_empty() || app.session.holds.iter().any(|hold| hold.by.same_account(&app.you))
}

fn start(verb: Verb, model: &Step, step: &StepState, open: bool) -> Fit {
    if !open {
        return Fit::Absent("the session is closed");
    }
    if verb == Verb::ByHand && model.run.is_none() {
        return Fit::Absent("it is done by hand anyway");
    }
    if step.request.is_some() {
        return Fit::No(
            "its checks are being asked: it starts, or asks for its text, when they hold".to_owned(),
        );
    }
    let word = match &step.progress {
        Progress::Running(running) if running.how != How::Script && running.phase == Phase::Working => {
            return Fit::Absent("a person is at it: d says that it is done, f that it did not work");
        }
        Progress::Running(_) if model.interactive => {
            return Fit::Absent("it is running: t types into its terminal");
        }
        Progress::Running(_) => return Fit::Absent("it is running"),
        Progress::Interrupted => {
            return Fit::Absent("say first what became of it: d it finished, f it did not");
        }
        Progress::Done if model.is_hold_point() => {
            return Fit::Absent("a hold point that is done is not run again, unless it was undone");
        }
        Progress::Untouched => "start",
        Progress::Failed => "try again",
        Progress::Done | Progress::Undone => "run again",
        Progress::Skipped => "run after all",
    };
    Fit::Yes((verb == Verb::Run).then_some(word))
}

fn end(verb: Verb, model: &Step, step: &StepState, open: bool) -> Fit {
    let done = verb == Verb::Done;
    match &step.progress {
        Progress::Interrupted => Fit::Yes(Some(if done { "it finished" } else { "it did not" })),
        Progress::Failed if !done && model.is_hold_point() && step.touched => {
            Fit::Yes(Some("nothing came of it"))
        }
        Progress::Running(running) => match (running.how, &running.phase) {
            (How::Script, _) => Fit::Absent("its command is running"),
            (_, Phase::Working) => Fit::Yes(None),
            _ => Fit::No("its end is being verified".to_owned()),
        },
        _ if !open => Fit::Absent("the session is closed"),
        Progress::Untouched | Progress::Failed | Progress::Undone if done && model.run.is_none() => {
            if model.must_be_started() {
                Fit::No("it must be started first: Enter".to_owned())
            } else {
                Fit::Yes(None)
            }
        }
        _ => Fit::Absent("nobody is at it"),
    }
}

fn of_screen(app: &App, verb: Verb) -> Fit {
    let here = app.session.steps.get(app.selected);
    let apart = app.session.runbook.steps.get(app.selected).is_some_and(|step| step.capture.is_some());
    let many = here.is_some_and(|step| step.tries.len() > usize::from(!apart));
    let attempts = here.is_some_and(|step| step.tries.iter().any(|one| one.attempt != step.tries[0].attempt));
    match verb {
        Verb::Rejoin if follow::leads(app) => {
            Fit::Absent("this is the operator's own screen: others follow it")
        }
        Verb::Rejoin if follow::follows(app) => Fit::Absent("it follows already"),
        Verb::Values if app.values => Fit::Yes(Some("names")),
        Verb::Values if !super::view::script::uses_values(&app.session, app.selected) => {
            Fit::Absent("this step's scripts and texts use no values")
        }
        Verb::Output if app.output.is_none() && list::newest(app).is_none() => {
            Fit::Absent("nothing was run yet, so there is no output")
        }
        Verb::Output if app.output.is_none() => Fit::Yes(Some("last output")),
        Verb::PreviousOutput | Verb::NextOutput if !many => Fit::Absent("there is only this one"),
        Verb::PreviousAttempt | Verb::NextAttempt if !attempts => Fit::Absent("it was tried only once"),
        Verb::Split if !many => Fit::Absent("there is only this output"),
        Verb::Split if app.split => Fit::Yes(Some("one alone")),
        Verb::FindText | Verb::Save | Verb::Copy | Verb::GoTo
            if app.output.as_ref().is_none_or(|output| output.total == 0) =>
        {
            Fit::Absent("nothing was written yet")
        }
        Verb::Save if app.saving.is_some() => {
            Fit::No("another output is being saved: Esc stops it".to_owned())
        }
        Verb::NextMatch | Verb::PreviousMatch if app.find.is_none() => Fit::Absent("nothing is looked for"),
        Verb::EndTask if app.saving.is_some() => Fit::Yes(Some("stop saving")),
        Verb::EndTask if app.find.as_ref().is_some_and(|find| find.looking().is_some()) => {
            Fit::Yes(Some("stop looking"))
        }
        Verb::Left | Verb::Right if app.output.as_ref().is_none_or(|output| output.wrap) => {
            Fit::Absent("long lines are wrapped: nothing is to the side")
        }
        Verb::Left if app.output.as_ref().is_some_and(|output| output.left == 0) => {
            Fit::Absent("this is where lines begin")
        }
        Verb::Accept => match &app.mode {
            Mode::Prompt(prompt) => Fit::Yes(match prompt.ask {
                Ask::FindText => Some("find"),
                Ask::GoTo => Some("go there"),
                Ask::SaveTo(_) => Some("save"),
                Ask::Sure(_) => Some("go on"),
                _ => None,
            }),
            Mode::Question(question) => {
                let shut = matches!(needs::against(app, question, approval::now(app)), needs::Door::Shut(_));
                Fit::Yes(shut.then_some("try it"))
            }
            _ => Fit::Yes(None),
        },
        Verb::Follow | Verb::Wrap | Verb::Left | Verb::Right if act::terminal::fills_page(app) => {
            Fit::Absent("its terminal is shown as it is; ↑ shows older lines")
        }
        Verb::Follow if act::terminal::shown(app).is_some() => Fit::Yes(Some("its terminal")),
        Verb::Follow | Verb::Wrap => match &app.output {
            None => Fit::Absent("there is no output"),
            Some(output) if verb == Verb::Follow && output.follow => Fit::Yes(Some("unfollow")),
            Some(output) if verb == Verb::Wrap && output.wrap => Fit::Yes(Some("cut")),
            Some(_) => Fit::Yes(None),
        },
        Verb::ToCurrent if app.along && app.selected == app.current() => {
            Fit::Absent("this is the step at hand")
        }
        Verb::BackTo if app.page() == Page::Prompt => match &app.mode {
            Mode::Prompt(prompt)
                if app.places.draft(&prompt.ask).is_some() && typed(&prompt.field).is_empty() =>
            {
                Fit::Yes(None)
            }
            _ => Fit::Absent("no words were left here"),
        },
        Verb::BackTo if !app.places.any() => Fit::Absent("there is nothing to go back to"),
        Verb::Mouse if app.mouse.on => Fit::Yes(Some("free mouse")),
        Verb::Mouse => Fit::Yes(Some("take mouse")),
        Verb::NextNeed if needs::elsewhere(app) == 0 && app.page() == Page::Walk => {
            Fit::Absent("nothing else needs you")
        }
        Verb::PageDown | Verb::PageUp | Verb::Down | Verb::Up | Verb::Home | Verb::End
            if matches!(
                app.page(),
                Page::Question
                    | Page::Prompt
                    | Page::Answer
                    | Page::Refused
                    | Page::Help
                    | Page::Approval
                    | Page::Approving
            ) && app.seen.popup_rows <= app.seen.popup_height =>
        {
            Fit::Absent("all of it is shown")
        }
        Verb::PageDown | Verb::PageUp
            if app.page() == Page::Walk && app.seen.detail_rows <= app.seen.detail_height =>
        {
            Fit::Absent("all of it is shown")
        }
        _ => Fit::Yes(None),
    }
}

/// The checks of the selected step that the tool asks, each once.
#[must_use]
pub fn own_checks(app: &App) -> Vec<CheckItem> {
    step_checks(app)
        .filter(|place| app.session.runbook.checks[*place].is_automatic())
        .map(|place| CheckItem { check: app.session.runbook.checks[place].id.clone(), item: None })
        .collect()
}

/// How many of the selected step's own checks ask a person.
#[must_use]
pub fn own_questions(app: &App) -> usize {
    step_checks(app).filter(|place| !app.session.runbook.checks[*place].is_automatic()).count()
}

/// The checks that ask a person: the selected step's own, else all; one entry an item.
#[must_use]
pub fn questions(app: &App) -> Vec<CheckItem> {
    let asks = |place: &usize| matches!(app.session.runbook.checks[*place].probe, Probe::Attest { .. });
    let mut places: Vec<usize> = step_checks(app).filter(asks).collect();
    if places.is_empty() {
        places = (0..app.session.runbook.checks.len()).filter(asks).collect();
    }
    places.into_iter().flat_map(|place| with_items(app, place)).collect()
}

/// A check, or its items one by one.
#[must_use]
pub fn with_items(app: &App, place: usize) -> Vec<CheckItem> {
    let check = &app.session.runbook.checks[place];
    let items = check.for_each.as_ref().and_then(|each| view::items_of(&app.session, each).ok());
    match items {
        Some(items) if !items.is_empty() => {
            items.iter().map(|item| CheckItem { check: check.id.clone(), item: Some(item.clone()) }).collect()
        }
        _ => vec![CheckItem { check: check.id.clone(), item: None }],
    }
}

/// The checks of the step at `place` that ask a person, with their items.
#[must_use]
pub fn questions_of(app: &App, place: usize) -> Vec<(usize, Option<String>)> {
    checks_of(app, place)
        .filter(|check| !app.session.runbook.checks[*check].is_automatic())
        .flat_map(|check| with_items(app, check).into_iter().map(move |one| (check, one.item)))
        .collect()
}

/// Places of the checks that the selected step speaks of, in the order in which they matter.
fn step_checks(app: &App) -> impl Iterator<Item = usize> + '_ {
    checks_of(app, app.selected)
}

/// Places of the checks that the step at `place` speaks of, in the order in which they matter.
pub(super) fn checks_of(app: &App, place: usize) -> impl Iterator<Item = usize> + '_ {
    let step = app.session.runbook.steps.get(place);
    let mut seen = Vec::new();
    step.into_iter()
        .flat_map(|step| {
            let undo = step.undo.iter().flat_map(|undo| &undo.requires);
            step.requires_checks.iter().chain(&step.done_when).chain(&step.verify).chain(undo)
        })
        .filter_map(|id| app.session.check_at(id.as_str()))
        .filter(move |place| {
            let new = !seen.contains(place);
            seen.push(*place);
            new
        })
}
