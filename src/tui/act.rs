//! What keys lead to. PURE.

mod answering;
mod typing;

pub(super) use typing::{paste, type_key};

use crate::session::Command;
use crate::session::event::Work;
use crate::session::state::Progress;
use crate::wire::ToHost;
use crate::wire::messages::Role;

use super::app::{Action, App, Asked, Link, Pending};
use super::approval;
use super::fit::{self, Fit};
use super::follow;
use super::keys::{self, Verb};
use super::mode::{Ask, Choose, Mode, Page, Prompt, Purpose, Screen, Search, Sure, check_name};

use answering::{answer, prompt, question};
use typing::search;

/// Does what a key asks for.
pub(super) fn act(app: &mut App, verb: Verb) -> Vec<Action> {
    match app.page() {
        Page::Walk | Page::Steps | Page::Output | Page::Log => on_screen(app, verb),
        Page::Question => question(app, verb),
        Page::Prompt => prompt(app, verb),
        Page::Approval => approval::read(app, verb),
        Page::Approving => approval::last(app, verb),
        Page::Answer => answer(app, verb),
        Page::Choose => choose(app, verb),
        Page::Refused | Page::Help => reading(app, verb),
        Page::Actions => actions(app, verb),
        Page::Search => search(app, verb),
    }
}

/// What can be picked from the list of actions, in its order.
#[must_use]
pub fn menu() -> Vec<&'static keys::Binding> {
    keys::table(Page::Walk).iter().filter(|binding| keys::acts(binding.verb)).collect()
}

fn on_screen(app: &mut App, verb: Verb) -> Vec<Action> {
    if keys::acts(verb) {
        return wanted(app, verb);
    }
    match verb {
        Verb::Quit => return leave(app),
        Verb::Join => app.mode = Mode::Join { scroll: 0 },
        Verb::Help => app.mode = Mode::Help { scroll: 0 },
        Verb::About => app.mode = Mode::About { scroll: 0 },
        Verb::Actions => app.mode = Mode::Actions { cursor: 0 },
        Verb::Rejoin => match fit::fit(app, verb) {
            Fit::Yes(_) => follow::rejoin(app),
            no => app.say(no.why()),
        },
        Verb::Search => app.mode = Mode::Search(Box::new(Search::new(app.selected))),
        Verb::Steps => app.screen = Screen::Steps,
        Verb::Log => {
            app.screen = Screen::Log;
            app.log_scroll = 0;
        }
        Verb::Output => match fit::fit(app, verb) {
            Fit::Yes(_) => app.screen = Screen::Output,
            no => app.refuse(no.why()),
        },
        Verb::Back => {
            app.screen = Screen::Walk;
            if app.along {
                let current = app.current();
                app.select(current);
            }
        }
        Verb::ToCurrent => {
            app.along = true;
            let current = app.current();
            app.select(current);
        }
        _ => return moved(app, verb),
    }
    Vec::new()
}

fn moved(app: &mut App, verb: Verb) -> Vec<Action> {
    match app.screen {
        Screen::Walk | Screen::Steps => {
            let last = app.session.steps.len().saturating_sub(1);
            let page = app.seen.list_height.saturating_sub(1).max(1);
            let alone = app.screen == Screen::Steps;
            let to = match verb {
                Verb::Up => app.selected.saturating_sub(1),
                Verb::Down => app.selected + 1,
                Verb::Home => 0,
                Verb::End => last,
                Verb::PageUp if alone => app.selected.saturating_sub(page),
                Verb::PageDown if alone => app.selected + page,
                Verb::PageUp => {
                    app.detail_scroll = app.detail_scroll.saturating_sub(app.seen.detail_height.max(2) - 1);
                    return Vec::new();
                }
                Verb::PageDown => {
                    let most = app.seen.detail_rows.saturating_sub(app.seen.detail_height);
                    app.detail_scroll = (app.detail_scroll + app.seen.detail_height.max(2) - 1).min(most);
                    return Vec::new();
                }
                _ => return Vec::new(),
            };
            app.select(to);
            app.along = app.selected == app.current();
            Vec::new()
        }
        Screen::Output => {
            in_output(app, verb);
            Vec::new()
        }
        Screen::Log => in_log(app, verb),
    }
}

fn in_output(app: &mut App, verb: Verb) {
    let (width, height) = app.seen.output;
    let page = isize::try_from(height.saturating_sub(1).max(1)).unwrap_or(1);
    if let Verb::PreviousOutput | Verb::NextOutput = verb {
        let outputs = app.outputs();
        let Some(index) = app.output_index(&outputs) else { return };
        let to = if verb == Verb::NextOutput { index + 1 } else { index.saturating_sub(1) };
        app.output_choice = Some(to.min(outputs.len() - 1));
        return;
    }
    let Some(output) = &mut app.output else { return };
    match verb {
        Verb::Follow if output.follow => output.unfollow(width, height),
        Verb::Follow | Verb::End => output.to_end(),
        Verb::Wrap => {
            output.wrap = !output.wrap;
            output.top_row = 0;
            app.wrap = output.wrap;
        }
        Verb::Home => output.to_start(),
        Verb::Up => output.scroll(-1, width, height),
        Verb::Down => output.scroll(1, width, height),
        Verb::PageUp => output.scroll(-page, width, height),
        Verb::PageDown => output.scroll(page, width, height),
        _ => {}
    }
}

fn in_log(app: &mut App, verb: Verb) -> Vec<Action> {
    let page = app.seen.log_height.saturating_sub(1).max(1);
    let most = app.log.len().saturating_sub(app.seen.log_height);
    app.log_scroll = match verb {
        Verb::Up => app.log_scroll + 1,
        Verb::Down => app.log_scroll.saturating_sub(1),
        Verb::PageUp => app.log_scroll + page,
        Verb::PageDown => app.log_scroll.saturating_sub(page),
        Verb::Home => most,
        Verb::End => 0,
        _ => app.log_scroll,
    }
    .min(most);
    let first = app.log.front().map_or(1, |line| line.n);
    let asked = app.pending.values().any(|pending| *pending == Pending::Log);
    if app.log_scroll + page >= most && first > 1 && !asked && app.log.len() < super::app::MOST_LINES {
        let id = app.new_id(Pending::Log);
        return vec![Action::Send(ToHost::ReadLog { id, before: first, count: 500 })];
    }
    Vec::new()
}

/// Something is to be done to the walk.
fn wanted(app: &mut App, verb: Verb) -> Vec<Action> {
    let fit = fit::fit(app, verb);
    if !fit.is_yes() {
        app.refuse(format!("not now: {}", fit.why()));
        return Vec::new();
    }
    let place = app.selected;
    let step = app.step_id(place);
    let state = &app.session.steps[place];
    let touched = matches!(state.progress, Progress::Done | Progress::Skipped);
    match verb {
        Verb::Run if touched => ask(app, Ask::Sure(Sure::RunAgain(place))),
        Verb::Run => return run(app, place, false),
        Verb::ByHand => ask(app, Ask::Sure(Sure::ByHand(place))),
        Verb::Done if state.progress == Progress::Interrupted => {
            ask(app, Ask::Resolve { step: place, done: true });
        }
        Verb::Done if app.session.runbook.steps[place].capture.is_some() => ask(app, Ask::Value(place)),
        Verb::Done => ask(app, Ask::Done(place)),
        Verb::Fail if matches!(state.progress, Progress::Interrupted | Progress::Failed) => {
            ask(app, Ask::Resolve { step: place, done: false });
        }
        Verb::Fail => ask(app, Ask::Fail(place)),
        Verb::Skip => ask(app, Ask::Skip(place)),
        // A hold point's undo is confirmed by its text, which the host asks for.
        Verb::Undo if app.session.runbook.steps[place].is_hold_point() => return undo(app, place),
        Verb::Undo => ask(app, Ask::Sure(Sure::Undo(place))),
        Verb::Stop => ask(app, Ask::Sure(Sure::Stop(place))),
        Verb::Withdraw => return vec![app.request(Command::Withdraw { step }, "withdraw")],
        Verb::Check => {
            let checks = fit::own_checks(app);
            return vec![app.request(Command::Check { checks }, "check")];
        }
        Verb::CheckAll => return vec![app.request(Command::Check { checks: Vec::new() }, "check --all")],
        Verb::CheckOne => {
            let automatic = (0..app.session.runbook.checks.len())
                .filter(|at| app.session.runbook.checks[*at].is_automatic());
            let mut checks = fit::own_checks(app);
            for place in automatic {
                for check in fit::with_items(app, place) {
                    if !checks.contains(&check) {
                        checks.push(check);
                    }
                }
            }
            app.mode = Mode::Choose(Choose { purpose: Purpose::Check, checks, cursor: 0 });
        }
        Verb::Attest if approval_to_answer(app).is_some() => {
            return approval_to_answer(app).map_or_else(Vec::new, |place| approval::open(app, place));
        }
        Verb::Attest => {
            let checks = fit::questions(app);
            match checks.as_slice() {
                [only] => {
                    let check = only.clone();
                    ask(app, Ask::Attest(check));
                }
                _ => app.mode = Mode::Choose(Choose { purpose: Purpose::Attest, checks, cursor: 0 }),
            }
        }
        Verb::Approval => return approval::open(app, place),
        Verb::Refuse => return approval::refuse(app, place),
        Verb::Handover => ask(app, Ask::Handover),
        Verb::Note => ask(app, Ask::Note),
        Verb::Hold => ask(app, Ask::Hold),
        Verb::HoldNow => return approval::hold_now(app),
        Verb::Release if app.session.holds.iter().all(|hold| hold.by.uid == app.you.uid) => {
            return vec![app.request(Command::Release { why: None }, "release")];
        }
        Verb::Release if app.role == Role::Watch => {
            return vec![app.request(Command::Release { why: None }, "release")];
        }
        Verb::Release => ask(app, Ask::Release),
        Verb::Secret => {
            if let Some(name) = app.secrets_missing.first().cloned() {
                ask(app, Ask::Secret(name));
            }
        }
        Verb::Finish => ask(app, Ask::Sure(Sure::Finish)),
        Verb::Abort => ask(app, Ask::Abort),
        _ => {}
    }
    Vec::new()
}

/// The step whose approval the key that answers opens: what the selected step asks itself comes first.
#[must_use]
pub(super) fn approval_to_answer(app: &App) -> Option<usize> {
    let place = approval::waits_for_me(app)?;
    (place == app.selected || fit::own_questions(app) == 0).then_some(place)
}

/// Leaves, unless that would void what this person approved: then they say so once more.
fn leave(app: &mut App) -> Vec<Action> {
    if app.link == Link::Up && approval::given_and_attached(app).is_some() {
        ask(app, Ask::Sure(Sure::Leave));
        return Vec::new();
    }
    vec![Action::Quit]
}

fn ask(app: &mut App, ask: Ask) {
    app.mode = Mode::Prompt(Box::new(Prompt::new(ask)));
}

fn run(app: &mut App, place: usize, by_hand: bool) -> Vec<Action> {
    let step = app.step_id(place);
    app.asked = Some(Asked { step: step.clone(), work: Work::Run, by_hand });
    let words = format!("run {step}");
    vec![app.request(Command::Run { step, typed: None, will_ask: true, by_hand }, words)]
}

fn undo(app: &mut App, place: usize) -> Vec<Action> {
    let step = app.step_id(place);
    app.asked = Some(Asked { step: step.clone(), work: Work::Undo, by_hand: false });
    let words = format!("undo {step}");
    vec![app.request(Command::Undo { step, typed: None, will_ask: true }, words)]
}

fn choose(app: &mut App, verb: Verb) -> Vec<Action> {
    let Mode::Choose(choose) = &mut app.mode else {
        return Vec::new();
    };
    match verb {
        Verb::Up => choose.cursor = choose.cursor.saturating_sub(1),
        Verb::Down => choose.cursor = (choose.cursor + 1).min(choose.checks.len().saturating_sub(1)),
        Verb::Accept => {
            let (picked, purpose) = (choose.checks.get(choose.cursor).cloned(), choose.purpose);
            app.mode = Mode::Plain;
            match (picked, purpose) {
                (Some(check), Purpose::Attest) => ask(app, Ask::Attest(check)),
                (Some(check), Purpose::Check) => {
                    let words = format!("check {}", check_name(&check));
                    return vec![app.request(Command::Check { checks: vec![check] }, words)];
                }
                (None, _) => {}
            }
        }
        _ => app.mode = Mode::Plain,
    }
    Vec::new()
}

fn reading(app: &mut App, verb: Verb) -> Vec<Action> {
    let most = app.seen.popup_rows.saturating_sub(app.seen.popup_height);
    let (Mode::Help { scroll }
    | Mode::About { scroll }
    | Mode::Join { scroll }
    | Mode::Refused(super::mode::Refused { scroll, .. })) = &mut app.mode
    else {
        return Vec::new();
    };
    let page = app.seen.popup_height.saturating_sub(1).max(1);
    match verb {
        Verb::PageUp => *scroll = scroll.saturating_sub(page),
        Verb::PageDown => *scroll = (*scroll + page).min(most),
        _ => {
            app.mode = Mode::Plain;
            if app.along && app.screen != Screen::Output {
                let current = app.current();
                app.select(current);
            }
        }
    }
    Vec::new()
}

fn actions(app: &mut App, verb: Verb) -> Vec<Action> {
    let Mode::Actions { cursor } = &mut app.mode else {
        return Vec::new();
    };
    match verb {
        Verb::Up => *cursor = cursor.saturating_sub(1),
        Verb::Down => *cursor = (*cursor + 1).min(menu().len().saturating_sub(1)),
        Verb::Accept => {
            let picked = menu().get(*cursor).map(|binding| binding.verb);
            app.mode = Mode::Plain;
            return picked.map_or_else(Vec::new, |verb| wanted(app, verb));
        }
        _ => app.mode = Mode::Plain,
    }
    Vec::new()
}
