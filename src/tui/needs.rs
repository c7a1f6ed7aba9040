//! What waits for this person, the most urgent first. PURE.
//!
//! It is told by the same rules that grey actions: what this screen's person cannot do is no need of theirs.

use crate::runbook::Probe;
use crate::session::event::{How, Work};
use crate::session::state::{Phase, Progress, Stage};
use crate::session::view::{self, CheckStatus};
use crate::session::{Kind as Of, Requirement};
use crate::time::{Moment, stopwatch};

use super::app::App;
use super::approval;
use super::fit;
use super::keys::{self, Verb};
use super::mode::Question;
use super::view::shape::plain;

/// What kind of thing it is, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Nobody knows what became of a step.
    Lost,
    /// A hold stands that this person can release.
    Hold,
    /// Somebody is to approve a start.
    Approval,
    /// A check asks a person.
    Question,
    /// The host does not know a secret.
    Secret,
    /// The step at hand can be started.
    Start,
    /// The step at hand is shut, by what no key but that of its checks can change from here.
    Shut,
    /// A step failed.
    Failed,
    /// A person is at a step.
    Part,
    /// All is done but the end.
    Finish,
}

/// Something that waits for this person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// What it is.
    pub kind: Kind,
    /// The step it is about, by its place.
    pub step: Option<usize>,
    /// What it is, in words, cleaned.
    pub what: String,
    /// The keys that answer it, and how.
    pub how: String,
}

/// What a start of a step would meet now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    /// Nothing but perhaps a text to be typed.
    Open,
    /// What was not asked yet, or too long ago: a start asks it first.
    Asks,
    /// Something that a start cannot settle by asking for the first time: what, in words, cleaned.
    Shut(Vec<String>),
}

/// What a start of the step at `place` would meet at `now`.
#[must_use]
pub fn door(app: &App, order: &view::Order, place: usize, now: Moment) -> Door {
    through(app, &view::gate(&app.session, order, place, now), now)
}

/// The same, of this gate.
#[must_use]
pub fn through(app: &App, gate: &[Requirement], now: Moment) -> Door {
    let mut asks = false;
    let mut shut = Vec::new();
    for unmet in gate.iter().filter(|one| !one.met) {
        let check = app.session.check_at(&unmet.id).filter(|_| unmet.kind == Of::Check);
        let state = check.map(|check| view::check(&app.session, check, now).state);
        let automatic = check.is_some_and(|check| app.session.runbook.checks[check].is_automatic());
        let id = plain(&unmet.id);
        match (unmet.kind, state) {
            (Of::Confirm, _) => {}
            (Of::Witness, _) => asks = true,
            (Of::Check, Some(CheckStatus::Unknown | CheckStatus::Running | CheckStatus::Stale))
                if automatic =>
            {
                asks = true;
            }
            (Of::Check, Some(CheckStatus::Fails)) => shut.push(format!("{id} does not hold")),
            (Of::Check, Some(CheckStatus::Error)) => shut.push(format!("{id} gave no answer")),
            (Of::Check, _) if !automatic => shut.push(format!("{id} is not answered")),
            _ => shut.push(plain(&unmet.why)),
        }
    }
    match (shut.is_empty(), asks) {
        (false, _) => Door::Shut(shut),
        (true, true) => Door::Asks,
        (true, false) => Door::Open,
    }
}

/// The gate that a question stands before.
#[must_use]
pub fn before(app: &App, question: &Question, now: Moment) -> Vec<Requirement> {
    match question.work {
        Work::Run => view::gate(&app.session, &view::order(&app.session), question.step, now),
        Work::Undo => view::undo_gate(&app.session, question.step, now),
    }
}

/// What a yes to a question would meet now: the text may be right, and the start refused all the same.
#[must_use]
pub fn against(app: &App, question: &Question, now: Moment) -> Door {
    let gate = before(app, question, now);
    // Nobody who is asked then would be heard in time: that start is refused.
    let person = gate.iter().any(|one| !one.met && one.kind == Of::Witness);
    match through(app, &gate, now) {
        Door::Shut(why) => Door::Shut(why),
        _ if person => Door::Shut(vec!["a second person must approve it".to_owned()]),
        door => door,
    }
}

/// Everything that waits for this person, the most urgent first.
#[must_use]
pub fn needs(app: &App) -> Vec<Need> {
    let mut needs = Vec::new();
    each(app, |kind, step, words| {
        let (what, how) = words();
        needs.push(Need { kind, step, what, how });
    });
    needs.sort_by_key(|need| need.kind);
    needs
}

/// Tells everything that waits for this person, in no order; its words are made only for whoever asks for them.
fn each(app: &App, mut add: impl FnMut(Kind, Option<usize>, &dyn Fn() -> (String, String))) {
    let open = app.session.stage == Stage::Open;
    let key = |verb| keys::shown_for(verb);
    let name = |place: usize| plain(&view::step_name(&app.session, place));
    let may = |verb| fit::mute(app, verb).is_none();
    let drives = may(Verb::Run);
    for (place, step) in app.session.steps.iter().enumerate() {
        match &step.progress {
            Progress::Interrupted if may(Verb::Done) => add(Kind::Lost, Some(place), &|| {
                let how = format!(
                    "look first, then {} it finished, {} it did not",
                    key(Verb::Done),
                    key(Verb::Fail)
                );
                (format!("nobody knows what became of {}", name(place)), how)
            }),
            // The step at hand says so itself; of others that failed nobody may think any more.
            Progress::Failed if drives && open => {
                add(Kind::Failed, Some(place), &|| {
                    let how =
                        format!("{} tries again, {} shows its output", key(Verb::Run), key(Verb::Output));
                    (format!("{} failed", name(place)), how)
                });
            }
            Progress::Running(running)
                if running.how != How::Script && running.phase == Phase::Working && may(Verb::Done) =>
            {
                add(Kind::Part, Some(place), &|| {
                    let how = format!(
                        "{} when it is done, {} if it did not work",
                        key(Verb::Done),
                        key(Verb::Fail)
                    );
                    (format!("{} is yours to do", name(place)), how)
                });
            }
            _ => {}
        }
    }
    if !app.session.holds.is_empty() && may(Verb::Release) && fit::fit(app, Verb::Release).is_yes() {
        add(Kind::Hold, None, &|| {
            let who = app.session.holds.last().map(|hold| plain(&hold.by.name)).unwrap_or_default();
            let mine = app.session.holds.iter().all(|hold| hold.by.same_account(&app.you));
            let what = if mine { "your hold stands".to_owned() } else { format!("{who} holds") };
            (what, format!("{} releases it", key(Verb::Release)))
        });
    }
    for place in approval::all_that_wait(app) {
        add(Kind::Approval, Some(place), &|| {
            let how = format!("{} reads it; nothing is approved by that", key(Verb::Approval));
            (format!("you are asked to approve {}", name(place)), how)
        });
    }
    let now = approval::now(app);
    let current = app.current();
    let mut questions = 0;
    if open && may(Verb::Attest) {
        for (check, item) in fit::questions_of(app, current) {
            let state = view::check_of(&app.session, check, item.as_deref(), now).state;
            let others =
                matches!(app.session.runbook.checks[check].probe, Probe::Attest { witness: true, .. });
            if state == CheckStatus::Holds || others && app.session.operator.same_account(&app.you) {
                continue;
            }
            questions += 1;
            add(Kind::Question, Some(current), &|| {
                let title = plain(&view::filled(&app.session, &app.session.runbook.checks[check].title));
                let of = item.as_ref().map(|item| format!(" ({})", plain(item))).unwrap_or_default();
                (format!("a question is open: {title}{of}"), format!("{} answers it", key(Verb::Attest)))
            });
        }
    }
    if !app.secrets_missing.is_empty() && may(Verb::Secret) {
        add(Kind::Secret, None, &|| {
            let names: Vec<String> = app.secrets_missing.iter().map(|name| plain(name.as_str())).collect();
            let how = format!("{} gives it again", key(Verb::Secret));
            (format!("a secret is missing: {}", names.join(", ")), how)
        });
    }
    if open && drives && fit::fit(app, Verb::Finish).is_yes() {
        add(Kind::Finish, None, &|| {
            ("every step is behind you".to_owned(), format!("{} closes the session", key(Verb::Finish)))
        });
    } else if open
        && drives
        && app.session.holds.is_empty()
        && let Some((kind, what, how)) = at_hand(app, current, now, questions)
    {
        add(kind, Some(current), &|| (what.clone(), how.clone()));
    }
}

/// The step at hand, which always waits for somebody: to be started, or for what keeps it shut. Questions of its own are
/// told already.
fn at_hand(app: &App, current: usize, now: Moment, questions: usize) -> Option<(Kind, String, String)> {
    let step = app.session.steps.get(current)?;
    let fresh = matches!(step.progress, Progress::Untouched | Progress::Undone);
    if !fresh || step.request.is_some() {
        return None;
    }
    let model = &app.session.runbook.steps[current];
    let name = plain(&view::step_name(&app.session, current));
    let (run, check, done) =
        (keys::shown_for(Verb::Run), keys::shown_for(Verb::Check), keys::shown_for(Verb::Done));
    match door(app, &view::order(&app.session), current, now) {
        Door::Shut(why) => {
            let asked = why.iter().filter(|why| !why.ends_with(" is not answered")).count();
            if asked == 0 && questions > 0 {
                return None;
            }
            let how = if fit::checks_of(app, current).any(|at| app.session.runbook.checks[at].is_automatic())
            {
                format!("{check} asks again")
            } else {
                format!("{run} says what is missing")
            };
            Some((Kind::Shut, format!("{name} is shut: {}", why.join(", ")), how))
        }
        Door::Asks if questions > 0 => None,
        _ if model.run.is_none() && !model.must_be_started() => Some((
            Kind::Start,
            format!("{name} is yours to do"),
            format!("{done} says it is done, {run} starts its clock"),
        )),
        Door::Asks => Some((
            Kind::Start,
            format!("{name} can be started"),
            format!("{run} asks what is missing first, then starts it"),
        )),
        Door::Open => Some((Kind::Start, format!("{name} can be started"), format!("{run} starts it"))),
    }
}

/// How many of them are not what is being looked at.
#[must_use]
pub fn elsewhere(app: &App) -> usize {
    let here = |step| step == Some(app.selected) && app.screen == super::mode::Screen::Walk;
    let mut count = 0;
    each(app, |_, step, _| count += usize::from(!here(step)));
    count
}

/// What is said where nothing waits for this person.
#[must_use]
pub fn nothing(app: &App) -> String {
    let now = approval::now(app);
    let running: Vec<String> = app
        .session
        .steps
        .iter()
        .enumerate()
        .filter(|(_, step)| matches!(step.progress, Progress::Running(_)))
        .take(3)
        .map(|(place, step)| {
            let so_far = step.started.and_then(|started| started.age(now)).map(stopwatch).unwrap_or_default();
            format!("{} runs, {so_far} so far", place + 1)
        })
        .collect();
    let asked = app.session.steps.iter().position(|step| step.request.is_some());
    if let Some(place) = asked.filter(|_| running.is_empty()) {
        format!("nothing needs you now: the checks of {} are being asked", place + 1)
    } else if running.is_empty() {
        "nothing needs you now".to_owned()
    } else {
        format!("nothing needs you now: {}", running.join("; "))
    }
}
