//! Reading what a second person is asked to approve, and saying yes or no to it. PURE.
//!
//! The host decides everything once more; what stands here keeps a hasty key from being a yes: the text that is bound is
//! kept as it was opened, the key works only once every row has been on the screen, the last word is typed, and where the
//! asking changes underneath, it is read again.

use ratatui_textarea::TextArea;

use crate::runbook::Proof;
use crate::session::approve::{self, Subject, standing};
use crate::session::event::{Proven, Work};
use crate::session::state::{Approval, Round};
use crate::session::{Command, Kind, view};
use crate::time::{Moment, Timestamp};
use crate::wire::messages::{LogHealth, Role};

use super::app::{Action, App, Link};
use super::keys::Verb;
use super::mode::{Ask, Mode, Prompt, field, typed};
use super::reading::Had;
use super::view::Seen;
use super::view::shape::plain;

/// The word that approves.
pub const WORD: &str = "approve";

/// Why nothing can be said to what is asked.
pub const NO_CONNECTION: &str =
    "there is no connection: nothing can be approved or held from here, and what was approved is void";

/// Whoever approves too early types on, a word or a name: for so long no letter of it is an order, milliseconds.
const HASTE: u64 = 700;

/// What is being read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The step's place.
    pub step: usize,
    /// What is asked, as it was when it came onto this screen; `None`: nothing is asked yet.
    pub subject: Option<Box<Subject>>,
    /// First row shown.
    pub scroll: usize,
    /// What of it has been on the screen.
    pub had: Had,
    /// Since when all of it has been on the screen (milliseconds since boot).
    pub read: Option<u64>,
    /// What changed since it was opened, and must be read again.
    pub news: Option<String>,
    /// The last word that is being typed.
    pub last: Option<Last>,
    /// When the key that approves was refused, or the last key after it that came too soon (milliseconds since boot).
    pub hasty: Option<u64>,
}

/// The last word before a yes.
#[derive(Clone, Debug)]
pub struct Last {
    /// A name is asked for (proof `here`), and not the word.
    pub name: bool,
    /// What has been typed.
    pub field: TextArea<'static>,
    /// What was wrong with the last try.
    pub note: Option<String>,
    /// What was read is not what is asked any more: nothing typed here counts.
    pub stale: bool,
}

/// What this screen's person can do about an asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Approve it, under their account.
    Approve,
    /// Let somebody beside them type their name.
    Here,
    /// Only a signature counts.
    Sign,
    /// They approved it, and that stands.
    Given,
    /// Only read it: why.
    Look(String),
}

/// The time, as far as the last key or picture told it.
#[must_use]
pub fn now(app: &App) -> Moment {
    let head = app.session.head_at;
    let passed = i64::try_from(app.up.saturating_sub(head.up)).unwrap_or(i64::MAX);
    let at = Timestamp::from_millis(head.at.millis().saturating_add(passed));
    Moment { at, up: app.up.max(head.up), boot: head.boot }
}

fn round(app: &App, place: usize) -> Option<&Round> {
    app.session.steps.get(place)?.approval.as_deref()
}

/// What this screen's person can do about the step at `place`.
#[must_use]
pub fn part(app: &App, place: usize) -> Part {
    if app.link != Link::Up {
        return Part::Look(NO_CONNECTION.to_owned());
    }
    let Some(rule) = app.session.runbook.steps.get(place).and_then(|step| step.witness.as_ref()) else {
        return Part::Look("this step asks for no second person".to_owned());
    };
    let mine = |given: &Approval| {
        given.void.is_none() && given.proof == Proven::Account && given.by.same_account(&app.you)
    };
    if round(app, place).is_some_and(|round| round.void.is_none() && round.given.iter().any(mine)) {
        return Part::Given;
    }
    if app.role == Role::Watch {
        return Part::Look("this screen only watches; a witness's can approve".to_owned());
    }
    if rule.proof == Proof::Key {
        return Part::Sign;
    }
    let operators = app.session.operator_as.iter().chain([&app.session.operator]);
    if rule.proof == Proof::Here && operators.into_iter().any(|operator| operator.may_be(&app.you)) {
        return Part::Here;
    }
    let (by, proof) = (app.you.clone(), Proven::Account);
    let yes = Approval { n: 0, at: now(app), by, proof, attached: true, void: None };
    if let Some(why) = approve::wrong_person(&app.session, rule, &yes) {
        return Part::Look(why);
    }
    Part::Approve
}

/// Why nothing said to what is asked of the step at `place` counts any more.
#[must_use]
pub fn dead(app: &App, place: usize, now: Moment) -> Option<String> {
    let round = round(app, place)?;
    let by_hand = standing::is_by_hand(round);
    standing::over(round, now).or_else(|| standing::changed(&app.session, place, round, by_hand, now))
}

/// Is the step at `place` asked for, and can it still be approved? At `now`.
#[must_use]
pub fn is_open(app: &App, place: usize, now: Moment) -> bool {
    let Some(round) = round(app, place) else { return false };
    dead(app, place, now).is_none() && !standing(&app.session, place, round.subject.work, None, now).met
}

/// Did this person, who drives now, approve the step at `place`? Then they never start it.
#[must_use]
pub fn never_starts(app: &App, place: usize) -> bool {
    let drives = app.session.operator.same_account(&app.you) && app.role == Role::Drive;
    let approvers = app.session.steps.get(place).map_or(&[][..], |step| &step.approvers);
    drives && approve::people::approved_by(approvers, &app.you).is_some()
}

/// The step whose approval waits for this person: the selected one first.
#[must_use]
pub fn waits_for_me(app: &App) -> Option<usize> {
    [app.selected].into_iter().chain(0..app.session.steps.len()).find(|place| waits(app, *place))
}

/// Every step whose approval waits for this person, in order.
#[must_use]
pub fn all_that_wait(app: &App) -> Vec<usize> {
    (0..app.session.steps.len()).filter(|place| waits(app, *place)).collect()
}

fn waits(app: &App, place: usize) -> bool {
    round(app, place).is_some()
        && matches!(part(app, place), Part::Approve | Part::Here)
        && is_open(app, place, now(app))
}

/// Can an approval of the step at `place` be read, or asked for? A sentence says why not.
pub fn can_open(app: &App, place: usize) -> Result<(), String> {
    if round(app, place).is_some() {
        return Ok(());
    }
    if app.role == Role::Watch {
        return Err("nobody was asked to approve it yet".to_owned());
    }
    let all = view::gate(&app.session, &view::order(&app.session), place, now(app));
    match all.iter().find(|r| !r.met && !matches!(r.kind, Kind::Witness | Kind::Confirm)) {
        Some(first) => Err(format!("all else must be met before it is asked for: {}", first.why)),
        None => Ok(()),
    }
}

/// Opens what is asked of the step at `place`, and sees to it that it is asked as it stands now.
pub(super) fn open(app: &mut App, place: usize) -> Vec<Action> {
    app.select(place);
    app.along = app.selected == app.current();
    let subject = round(app, place).map(|round| Box::new(round.subject.clone()));
    let live = subject.is_some() && dead(app, place, now(app)).is_none();
    let reading = Reading {
        step: place,
        subject,
        scroll: 0,
        had: Had::default(),
        read: None,
        news: None,
        last: None,
        hasty: None,
    };
    app.mode = Mode::Approval(Box::new(reading));
    // Somebody else may be in the middle of reading it: who only looks does not have it asked anew.
    let asks = match part(app, place) {
        Part::Approve | Part::Here | Part::Sign => true,
        Part::Look(_) => !live && app.role != Role::Watch,
        Part::Given => false,
    };
    if asks { ask_anew(app, place) } else { Vec::new() }
}

fn ask_anew(app: &mut App, place: usize) -> Vec<Action> {
    let step = app.step_id(place);
    let words = format!("approval {step}");
    vec![app.request(Command::AskApproval { step, work: None, by_hand: false }, words)]
}

/// A picture was on the screen: what of what is asked was in it, and is that now all?
pub(super) fn drawn(app: &mut App, at: u64, seen: &Seen) {
    if app.link != Link::Up {
        return;
    }
    let (Mode::Approval(reading), Some(bound)) = (&mut app.mode, &seen.bound) else { return };
    if reading.subject.as_ref().is_none_or(|subject| bound.asked != subject.asked) {
        return;
    }
    reading.had.take(&bound.rows);
    if bound.all {
        reading.read.get_or_insert(at);
    }
}

/// Keys while it is read. `at`: when the key was typed.
pub(super) fn read(app: &mut App, verb: Verb) -> Vec<Action> {
    let most = app.seen.popup_rows.saturating_sub(app.seen.popup_height);
    let page = app.seen.popup_height.saturating_sub(1).max(1);
    let typed_at = app.up;
    let unread = app.seen.bound.as_ref().and_then(|bound| bound.next);
    let Mode::Approval(reading) = &mut app.mode else { return Vec::new() };
    let place = reading.step;
    let is_hasty = reading.hasty.is_some_and(|refused| typed_at < refused.saturating_add(HASTE));
    reading.hasty = is_hasty.then_some(typed_at);
    if is_hasty && matches!(verb, Verb::Refuse | Verb::AskAgain | Verb::Back) {
        app.refuse("nothing was approved yet, and that key was not taken: keys count again in a moment");
        return Vec::new();
    }
    let to = match verb {
        Verb::Up => reading.scroll.saturating_sub(1),
        Verb::Down => reading.scroll + 1,
        Verb::PageUp => reading.scroll.saturating_sub(page),
        Verb::PageDown => reading.scroll + page,
        Verb::Home => 0,
        Verb::End => most,
        Verb::Unread => unread.unwrap_or(reading.scroll),
        Verb::Refuse => return refuse(app, place),
        Verb::AskAgain => return again(app, place),
        Verb::Approve => return approve(app, place, typed_at),
        _ => {
            app.mode = Mode::Plain;
            return Vec::new();
        }
    };
    reading.scroll = to.min(most);
    Vec::new()
}

fn again(app: &mut App, place: usize) -> Vec<Action> {
    if app.role == Role::Watch {
        app.refuse("this screen only watches");
        return Vec::new();
    }
    if round(app, place).is_some() && dead(app, place, now(app)).is_none() {
        app.say("what is asked still stands");
        return Vec::new();
    }
    ask_anew(app, place)
}

/// Words are asked for, whether it was read or not: a no needs no reading.
pub(super) fn refuse(app: &mut App, place: usize) -> Vec<Action> {
    if app.link != Link::Up {
        app.refuse("not now: there is no connection to the session");
    } else if let Part::Look(why) = part(app, place) {
        app.refuse(format!("not now: {why}"));
    } else {
        app.mode = Mode::Prompt(Box::new(Prompt::new(Ask::Refuse(place))));
    }
    Vec::new()
}

/// The key that approves asks for the last word, once all of it has been seen.
fn approve(app: &mut App, place: usize, typed_at: u64) -> Vec<Action> {
    let why = match part(app, place) {
        Part::Approve | Part::Here => None,
        Part::Sign => Some("only a signature counts here; how to sign stands under “You”".to_owned()),
        Part::Given => Some("you approved it; that stands".to_owned()),
        Part::Look(why) => Some(why),
    };
    let why = why.or_else(|| dead(app, place, now(app)));
    let why = if app.link == Link::Up { why } else { Some(NO_CONNECTION.to_owned()) };
    let is_here = part(app, place) == Part::Here;
    let Mode::Approval(reading) = &mut app.mode else { return Vec::new() };
    if let Some(why) = why {
        app.refuse(why);
    } else if reading.subject.is_none() {
        app.refuse("nothing is asked yet");
    } else if reading.read.is_none_or(|read| typed_at < read) {
        let key = super::keys::binding(super::mode::Page::Approval, Verb::Unread)
            .map(|binding| super::keys::label(binding.keys[0]))
            .unwrap_or_default();
        reading.hasty = Some(typed_at);
        app.refuse(format!("read all of it first: {key} goes to what was not on this screen yet"));
    } else {
        reading.last = Some(Last { name: is_here, field: field(), note: None, stale: false });
        return vec![Action::DiscardInput];
    }
    Vec::new()
}

/// Keys while the last word is typed.
pub(super) fn last(app: &mut App, verb: Verb) -> Vec<Action> {
    let most = app.seen.popup_rows.saturating_sub(app.seen.popup_height);
    let Mode::Approval(reading) = &mut app.mode else { return Vec::new() };
    match verb {
        Verb::PageUp => {
            reading.scroll = reading.scroll.saturating_sub(1);
            return Vec::new();
        }
        Verb::PageDown => {
            reading.scroll = (reading.scroll + 1).min(most);
            return Vec::new();
        }
        _ => {}
    }
    let (Some(last), Some(subject)) = (&mut reading.last, &reading.subject) else { return Vec::new() };
    let text = typed(&last.field);
    if verb != Verb::Accept || text.trim().is_empty() || last.stale {
        let why = if last.stale {
            "it changed meanwhile: nothing was approved"
        } else {
            "not now: nothing was approved"
        };
        reading.last = None;
        app.say(why);
        return Vec::new();
    }
    if !last.name && text != WORD {
        last.note = Some("that was not the word: nothing was approved. The line is empty again".to_owned());
        super::act::empty(&mut last.field);
        return Vec::new();
    }
    let (step, seen) = (subject.step.clone(), Some(subject.text_digest()));
    let name = last.name.then(|| text.trim().to_owned());
    reading.last = None;
    let words = format!("approve {step}");
    vec![app.request(Command::Approve { step, seen, name, signature: None }, words)]
}

/// The connection is lost: what was read is read again when it is back, and nothing that is being typed counts.
pub(super) fn lost(app: &mut App) {
    let Mode::Approval(reading) = &mut app.mode else { return };
    reading.had = Had::default();
    reading.read = None;
    reading.scroll = 0;
    reading.news = Some("the connection was lost meanwhile. Read it again".to_owned());
    if let Some(last) = &mut reading.last {
        last.stale = true;
        last.note = Some("there is no connection: nothing is approved here. Esc, and read again".to_owned());
    }
}

/// The walk moved on: is what is read still what is asked?
pub(super) fn after_change(app: &mut App) {
    let Mode::Approval(reading) = &mut app.mode else { return };
    let Some(round) = app.session.steps.get(reading.step).map(|step| step.approval.as_deref()) else {
        return;
    };
    let same = match (&reading.subject, round) {
        (Some(shown), Some(round)) => shown.asked == round.subject.asked,
        (None, None) => true,
        _ => false,
    };
    let over = round.is_none_or(|round| round.refused.is_some() || round.void.is_some());
    if let Some(last) = &mut reading.last
        && (!same || over)
    {
        // Its keys are not given to something else now: whoever types would answer what they do not see.
        last.stale = true;
        last.note =
            Some("what is asked has changed: nothing is approved here. Esc, and read again".to_owned());
    }
    if same {
        return;
    }
    let Some(round) = round else {
        reading.news = Some("nothing is asked any more: it was started, or moved on".to_owned());
        return;
    };
    if let Some(shown) = &reading.subject {
        reading.news = Some(anew(shown, round));
    }
    reading.subject = Some(Box::new(round.subject.clone()));
    reading.had = Had::default();
    reading.read = None;
    reading.scroll = 0;
}

fn anew(then: &Subject, round: &Round) -> String {
    let (at, what) = (round.subject.at.clock(), plain(&standing::asked_anew(then, round)));
    format!("Read it again (asked anew at {at} UTC): {what}")
}

/// What a person at this screen learns from a record about approvals, just taken in.
pub(super) fn tell(app: &mut App, entry: &crate::session::Entry) {
    use crate::session::Event;
    let place = |step: &crate::id::StepId| app.session.step_at(step.as_str());
    let by = plain(&entry.by.name);
    let mine = entry.by == app.you;
    match &entry.event {
        Event::ApprovalAsked { subject } if !mine => {
            let Some(place) = place(&subject.step) else { return };
            if part(app, place) == Part::Approve {
                let key = super::keys::shown_for(Verb::Attest);
                app.say(format!("{by} asks you to approve {} · {key} to read it", subject.name));
            }
        }
        Event::Approved { step, .. } => {
            let Some(place) = place(step) else { return };
            let Some(round) = round(app, place) else { return };
            let name = view::step_name(&app.session, place);
            let until = round.subject.expires.clock();
            let who = round.given.last().map_or(by, |given| plain(approve::name_of(given)));
            let met = standing(&app.session, place, round.subject.work, None, now(app)).met;
            let drives = app.session.operator.same_account(&app.you);
            let text = if part(app, place) == Part::Given && mine && app.role != Role::Watch {
                format!("your approval stands until {until} UTC; leaving before it starts voids it")
            } else if met && drives {
                let key = if round.subject.work == Work::Run { Verb::Run } else { Verb::Undo };
                format!("{who} approved {name} · {} to start it", super::keys::shown_for(key))
            } else if met {
                format!("{who} approved {name}")
            } else {
                format!("{who} approved {name}; more people must")
            };
            app.say(text);
        }
        Event::ApprovalRefused { step, why, .. } if !mine => {
            let (n, title) = place(step).map_or_else(Default::default, |place| numbered(app, place));
            app.refuse(format!("{by} REFUSED {n}: {why} · {title}"));
        }
        Event::HandedOver { to } if to.same_account(&app.you) => {
            if app.role == Role::Watch {
                app.say("you are the operator now: leave with q, and attach without --watch to drive");
            } else {
                // The host takes this screen for the operator's from this record on.
                app.role = Role::Drive;
                app.say("you are the operator now, and drive from this screen");
            }
        }
        _ => {}
    }
}

/// A step's number and title, so that what matters can stand between them.
fn numbered(app: &App, place: usize) -> (String, String) {
    let title = app.session.runbook.steps.get(place).map(|step| view::filled(&app.session, &step.title));
    ((place + 1).to_string(), title.unwrap_or_default())
}

/// The approvals that stood before a record was taken in, by step and number: to tell what it voided.
pub(super) fn standing_approvals(app: &App) -> Vec<(usize, u64)> {
    let stand = |place: usize| {
        let round = round(app, place).filter(|round| round.void.is_none());
        let given = round.into_iter().flat_map(|round| &round.given).filter(|given| given.void.is_none());
        given.map(move |given| (place, given.n))
    };
    (0..app.session.steps.len()).flat_map(stand).collect()
}

/// Says which of the approvals that stood `before` are void now, and why.
pub(super) fn tell_void(app: &mut App, before: &[(usize, u64)]) {
    for (place, n) in before {
        let Some(round) = round(app, *place) else { continue };
        let given = round.given.iter().find(|given| given.n == *n);
        let why = round.void.clone().or_else(|| given.and_then(|given| given.void.clone()));
        if let Some(why) = why {
            let (number, title) = numbered(app, *place);
            app.refuse(format!("the approval of {number} is void: {why} · {title}"));
            if let Some(notice) = &mut app.notice {
                notice.void_of = Some(*place);
            }
        }
    }
}

/// It was started: that an approval of it was void once is no news any more.
pub(super) fn started(app: &mut App, step: &crate::id::StepId) {
    let place = app.session.step_at(step.as_str());
    if app.notice.as_ref().is_some_and(|notice| notice.void_of.is_some() && notice.void_of == place) {
        app.notice = None;
    }
}

/// Calls a hold at once, whatever takes the keys.
pub(super) fn hold_now(app: &mut App) -> Vec<Action> {
    if app.link != Link::Up {
        app.refuse("NOT HELD: there is no connection to the session");
        return Vec::new();
    }
    if let LogHealth::Broken { .. } = app.health {
        app.refuse("NOT HELD: the log cannot be written; nothing starts any more anyway");
        return Vec::new();
    }
    let mine = |hold: &crate::session::state::Hold| hold.by.same_account(&app.you);
    if app.session.holds.iter().any(mine) {
        app.say("your hold stands already");
        return Vec::new();
    }
    let why = "at once, no words given".to_owned();
    vec![app.request(Command::Hold { why }, "hold")]
}

/// An approval by this person that leaving voids.
#[must_use]
pub fn given_and_attached(app: &App) -> Option<usize> {
    if app.role == Role::Watch {
        // It was given on another screen of theirs.
        return None;
    }
    let counts = |round: &Round| {
        round.void.is_none()
            && round.refused.is_none()
            && round
                .given
                .iter()
                .any(|given| given.attached && given.void.is_none() && given.by.same_account(&app.you))
    };
    // Without a connection it is void already.
    (0..app.session.steps.len())
        .filter(|_| app.link == Link::Up)
        .find(|place| round(app, *place).is_some_and(counts) && dead(app, *place, now(app)).is_none())
}
