//! Following: what the operator's screen tells of where it looks, and how another screen looks at the same. PURE.
//!
//! A gaze is kept, and obeyed at every change as long as nothing on this screen takes its keys: so it makes no
//! difference in which order a gaze, the records it speaks of and a prompt of one's own come and go.

mod top;

pub use top::theirs;

use crate::session::Person;
use crate::session::event::Work;
use crate::wire::ToHost;
use crate::wire::messages::{Gaze, Role, Sight};

use super::app::{Action, App, Link, Pending};
use super::keys::Verb;
use super::mode::{Ask, Mode, Purpose, Screen, Sure, check_name};
use super::view::shape::plain;

/// How this screen stands to the operator's.
#[derive(Debug)]
pub struct Following {
    stance: Stance,
    /// Who looked where, as heard last.
    heard: Option<(Person, Gaze)>,
    /// What the host was told last of where this screen looks.
    told: Option<Gaze>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stance {
    /// It looks where the operator looks.
    Along,
    /// It goes its own ways.
    Own,
}

impl Following {
    /// A screen that only looks, or witnesses, follows; one that was opened to act goes its own ways until it is asked
    /// to follow.
    #[must_use]
    pub fn new(role: Role, operator: &Person, gaze: Option<Gaze>) -> Self {
        let stance = match role {
            Role::Watch | Role::Witness => Stance::Along,
            Role::Drive | Role::Act => Stance::Own,
        };
        Self { stance, heard: gaze.map(|gaze| (operator.clone(), gaze)), told: None }
    }

    /// A host welcomed this screen, again perhaps: it may be another one, which was told nothing yet.
    pub(super) fn welcomed(&mut self, operator: &Person, gaze: Option<Gaze>) {
        self.heard = gaze.map(|gaze| (operator.clone(), gaze));
        self.told = None;
    }

    pub(super) fn hear(&mut self, person: Person, gaze: Gaze) {
        self.heard = Some((person, gaze));
    }
}

/// Is this the operator's own screen, which others follow?
#[must_use]
pub fn leads(app: &App) -> bool {
    app.role == Role::Drive && app.you.same_account(&app.session.operator)
}

/// Does this screen look where the operator looks?
#[must_use]
pub fn follows(app: &App) -> bool {
    !leads(app) && app.following.stance == Stance::Along
}

/// Has the operator a screen that can be followed?
#[must_use]
pub fn can_be_followed(app: &App) -> bool {
    let operators = |p: &&crate::wire::messages::Present| p.role == Role::Drive;
    app.people.iter().filter(operators).any(|p| p.person.same_account(&app.session.operator))
}

/// Where the operator looks, as far as it is known.
fn operators_gaze(app: &App) -> Option<&Gaze> {
    let (person, gaze) = app.following.heard.as_ref()?;
    person.same_account(&app.session.operator).then_some(gaze)
}

/// How this screen stands to the operator's, for the row above the keys; `None`: it is the one that leads.
#[must_use]
pub fn mark(app: &App) -> Option<String> {
    if leads(app) {
        return None;
    }
    let name = plain(&app.session.operator.name);
    let over = operators_gaze(app).and_then(|gaze| gaze.over.as_deref()).map(plain);
    Some(match app.following.stance {
        Stance::Own => format!("on your own · {} follows {name}", super::keys::shown_for(Verb::Rejoin)),
        Stance::Along if !can_be_followed(app) => format!("{name} has no screen open"),
        Stance::Along => {
            over.map_or_else(|| format!("following {name}"), |over| format!("{name} is at {over}"))
        }
    })
}

/// Does this key, on a screen with nothing on top, go somewhere?
pub(super) fn goes_somewhere(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::Up
            | Verb::Down
            | Verb::PageUp
            | Verb::PageDown
            | Verb::Home
            | Verb::End
            | Verb::ToCurrent
            | Verb::Steps
            | Verb::Output
            | Verb::Log
            | Verb::Search
            | Verb::Follow
            | Verb::PreviousOutput
            | Verb::NextOutput
            | Verb::PreviousAttempt
            | Verb::NextAttempt
            | Verb::FindText
            | Verb::NextMatch
            | Verb::PreviousMatch
            | Verb::GoTo
            | Verb::Back
            | Verb::NextNeed
            | Verb::BackTo
    )
}

/// This screen goes its own ways from here.
pub(super) fn break_away(app: &mut App) {
    if follows(app) {
        app.following.stance = Stance::Own;
        // A smaller window showed more rows of the same: what is scrolled from here is what is seen here.
        let most = app.seen.detail_rows.saturating_sub(app.seen.detail_height);
        app.detail_scroll = app.detail_scroll.min(most);
    }
}

/// Back to where the operator looks.
pub(super) fn rejoin(app: &mut App) {
    app.following.stance = Stance::Along;
}

/// What the host is to be told of where this screen looks, if it was not told so already.
pub(super) fn tell(app: &mut App) -> Option<ToHost> {
    if !owes(app) {
        return None;
    }
    let gaze = gaze_of(app);
    app.following.told = Some(gaze.clone());
    Some(ToHost::Look { gaze })
}

/// Does this screen look elsewhere than the host was told?
#[must_use]
pub fn owes(app: &App) -> bool {
    leads(app) && app.link == Link::Up && app.following.told.as_ref() != Some(&gaze_of(app))
}

/// Where a screen looks.
#[must_use]
pub fn gaze_of(app: &App) -> Gaze {
    let step_sight = || Sight::Step { scroll: u32::try_from(app.detail_scroll).unwrap_or(u32::MAX) };
    let sight = match app.screen {
        Screen::Walk | Screen::Steps => step_sight(),
        Screen::Output => app.output.as_ref().map_or_else(step_sight, |output| Sight::Output {
            of: output.of.clone(),
            top: output.top_byte(app.seen.output.0),
        }),
        Screen::Log => {
            let below = app.log_scroll;
            let shown = app.log.len().saturating_sub(1).saturating_sub(below);
            Sight::Log { last: app.log.get(shown).filter(|_| below > 0).map(|line| line.n) }
        }
    };
    Gaze { step: app.step_id(app.selected), sight, over: over(&app.mode), top: top::of(&app.mode) }
}

/// What lies on top, so that it fits behind "dana is at".
fn over(mode: &Mode) -> Option<String> {
    let n = |place: &usize| place + 1;
    Some(match mode {
        // Who looks along sees the terminal itself, and who types.
        Mode::Plain | Mode::Terminal(_) => return None,
        Mode::Question(question) => match question.work {
            Work::Run => format!("the question before {}", n(&question.step)),
            Work::Undo => format!("the question before undoing {}", n(&question.step)),
        },
        Mode::Prompt(prompt) => match &prompt.ask {
            Ask::Note => "a note".to_owned(),
            Ask::Hold => "the words of a hold".to_owned(),
            Ask::Release => "the release of a hold".to_owned(),
            Ask::Skip(place) => format!("the reason to skip {}", n(place)),
            Ask::Fail(place) | Ask::Done(place) => format!("the words about {}", n(place)),
            Ask::Value(place) => format!("the value of {}", n(place)),
            Ask::Resolve { step, .. } => format!("what became of {}", n(step)),
            Ask::Attest(check) | Ask::Judge { check, .. } => format!("the answer to {}", check_name(check)),
            Ask::Refuse(place) => format!("the words against approving {}", n(place)),
            Ask::Handover | Ask::Sure(Sure::Handover(_)) => "the handover".to_owned(),
            Ask::FindText | Ask::GoTo => "a search".to_owned(),
            Ask::SaveTo(_) => "the name of a file".to_owned(),
            Ask::Sure(Sure::Copy(_)) => "the question before copying".to_owned(),
            Ask::Sure(Sure::Leave) => "the question before leaving".to_owned(),
            Ask::Abort => "the reason to give the walk up".to_owned(),
            Ask::Secret(name) => format!("the secret {name}"),
            Ask::Sure(Sure::RunAgain(place)) => format!("the question before {} runs again", n(place)),
            Ask::Sure(Sure::ByHand(place)) => format!("the question before {} by hand", n(place)),
            Ask::Sure(Sure::Undo(place)) => format!("the question before undoing {}", n(place)),
            Ask::Sure(Sure::Stop(place)) => format!("the question before stopping {}", n(place)),
            Ask::Sure(Sure::Refuse { step, .. }) => format!("the question before refusing {}", n(step)),
            Ask::Sure(Sure::Finish) => "the question before the end".to_owned(),
        },
        Mode::Choose(choose) => match choose.purpose {
            Purpose::Check => "the list of checks".to_owned(),
            Purpose::Attest => "the list of questions".to_owned(),
        },
        Mode::Refused(_) => "a refusal".to_owned(),
        Mode::Approval(reading) => format!("what is asked of {}", n(&reading.step)),
        Mode::Join { .. } => "how to join".to_owned(),
        Mode::Help { .. } => "the list of keys".to_owned(),
        Mode::About { .. } => "what the runbook is about".to_owned(),
        Mode::Actions(_) => "the list of actions".to_owned(),
        Mode::Search(_) => "a search".to_owned(),
    })
}

/// Looks where the operator looks, if this screen follows and nothing takes its keys.
pub(super) fn keep_up(app: &mut App) -> Vec<Action> {
    if !follows(app) || !matches!(app.mode, Mode::Plain) {
        return Vec::new();
    }
    if !can_be_followed(app) {
        // Nobody to follow: the walk itself is.
        if !app.along && app.link == Link::Up {
            app.along = true;
            if app.screen != Screen::Output {
                let current = app.current();
                app.select(current);
            }
        }
        return Vec::new();
    }
    let Some(gaze) = operators_gaze(app).cloned() else { return Vec::new() };
    let Some(place) = app.session.step_at(gaze.step.as_str()) else { return Vec::new() };
    app.along = false;
    app.select(place);
    match gaze.sight {
        Sight::Step { scroll } => {
            app.screen = Screen::Walk;
            app.detail_scroll = usize::try_from(scroll).unwrap_or(usize::MAX);
            Vec::new()
        }
        Sight::Output { of, .. } => {
            app.screen = Screen::Output;
            app.output_choice = app.outputs().iter().position(|(file, _)| *file == of);
            Vec::new()
        }
        Sight::Log { last } => {
            app.screen = Screen::Log;
            let newer = |last: u64| app.log.iter().rev().take_while(|line| line.n > last).count();
            app.log_scroll = last.map_or(0, newer).min(app.log.len().saturating_sub(1));
            older_records(app, last).into_iter().collect()
        }
    }
}

/// Asks for records from before those that are here, where the one that is to be shown is older.
fn older_records(app: &mut App, last: Option<u64>) -> Option<Action> {
    let first = app.log.front()?.n;
    let asked = app.pending.values().any(|pending| *pending == Pending::Log);
    let full = app.log.len() >= super::app::MOST_LINES;
    if asked || full || app.link != Link::Up || first <= 1 || last.is_none_or(|last| last >= first) {
        return None;
    }
    let id = app.new_id(Pending::Log);
    Some(Action::Send(ToHost::ReadLog { id, before: first, count: 500 }))
}

/// Puts the output's window where the operator's is, as near as other widths allow.
pub(super) fn keep_up_in_output(app: &mut App) {
    if !follows(app) || !matches!(app.mode, Mode::Plain) || !can_be_followed(app) {
        return;
    }
    let Some(Sight::Output { of, top }) = operators_gaze(app).map(|gaze| gaze.sight.clone()) else { return };
    let width = app.seen.output.0;
    if let Some(output) = app.output.as_mut().filter(|output| output.of == of) {
        match top {
            None => output.to_end(),
            // How long the file is, the host says: a place past that is its end, and nothing is asked for there.
            Some(byte) => {
                let last = output.total.saturating_sub(1);
                output.show(byte.min(last), width);
            }
        }
    }
}

#[cfg(test)]
mod tests;
