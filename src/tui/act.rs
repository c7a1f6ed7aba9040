//! What keys lead to. PURE.

mod answering;
mod idle;
pub(super) mod moving;
pub(super) mod output;
mod palette;
pub mod terminal;
mod typing;

pub(super) use typing::{empty, paste, type_key};

use crate::session::Command;
use crate::session::event::Work;
use crate::session::state::Progress;
use crate::wire::messages::Role;

use super::app::{Action, App, Asked, Link};
use super::approval;
use super::fit;
use super::follow;
use super::keys::{self, Verb};
use super::mode::{Ask, Choose, Mode, Page, Prompt, Purpose, Screen, Search, Sure, check_name};
use super::palette::Palette;
use super::places;

use answering::{answer, prompt, question};
use moving::{cursor, moved, next_need, reading};
use typing::search;

/// Does what a key asks for.
pub(super) fn act(app: &mut App, verb: Verb) -> Vec<Action> {
    match app.page() {
        Page::Walk | Page::Steps | Page::Output | Page::Found | Page::Log => on_screen(app, verb),
        Page::Question => question(app, verb),
        Page::Prompt => prompt(app, verb),
        Page::Approval => approval::read(app, verb),
        Page::Approving => approval::last(app, verb),
        Page::Answer => answer(app, verb),
        Page::Choose => choose(app, verb),
        Page::Refused | Page::Help => reading(app, verb),
        Page::Actions => palette::palette(app, verb),
        Page::Search => search(app, verb),
        Page::Terminal | Page::Untaken | Page::Pasting => terminal::act(app, verb),
    }
}

/// What can be picked from the list of actions, in its order.
#[must_use]
pub fn menu() -> Vec<&'static keys::Binding> {
    keys::table(Page::Walk).iter().filter(|binding| keys::acts(binding.verb)).collect()
}

/// Does what is asked for where nothing lies on top, or says why not.
fn on_screen(app: &mut App, verb: Verb) -> Vec<Action> {
    if keys::acts(verb) {
        return wanted(app, verb);
    }
    if follow::goes_somewhere(verb) {
        follow::break_away(app);
    }
    let reason = fit::fit(app, verb);
    // Small moves say themselves where they end.
    let moves = matches!(verb, Verb::PageUp | Verb::PageDown | Verb::ToCurrent | Verb::NextNeed);
    if !reason.is_yes() && !moves {
        app.say(reason.why());
        return Vec::new();
    }
    match verb {
        Verb::Quit => return leave(app),
        Verb::Join => app.mode = Mode::Join { scroll: 0 },
        Verb::Help => app.mode = Mode::Help { scroll: 0 },
        Verb::About => app.mode = Mode::About { scroll: 0 },
        Verb::Actions => app.mode = Mode::Actions(Box::new(Palette::new(app))),
        Verb::Rejoin => follow::rejoin(app),
        Verb::NextNeed => next_need(app),
        Verb::BackTo => places::go_back(app),
        Verb::Mouse => return super::mouse::toggle(app),
        Verb::Search => app.mode = Mode::Search(Box::new(Search::new(places::here(app)))),
        Verb::Values => app.values = !app.values,
        Verb::Steps => app.screen = Screen::Steps,
        Verb::Log => {
            app.screen = Screen::Log;
            app.log_scroll = 0;
        }
        Verb::Output => output::open(app),
        Verb::Back => {
            app.screen = Screen::Walk;
            if app.along {
                let current = app.current();
                app.select(current);
            }
        }
        Verb::ToCurrent => {
            if app.along && app.selected == app.current() {
                app.say("this is the step at hand");
            }
            app.along = true;
            let current = app.current();
            app.select(current);
        }
        _ => return moved(app, verb),
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
        Verb::Terminal => return terminal::take(app),
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
    let page = app.seen.popup_height.saturating_sub(1).max(1);
    if let Some(to) = cursor(verb, choose.cursor, choose.checks.len(), page) {
        choose.cursor = to;
        return Vec::new();
    }
    match verb {
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
