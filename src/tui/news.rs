//! What the host says, and what follows from it for the screen. PURE.

use data_encoding::BASE64;

use crate::session::event::Work;
use crate::session::state::Progress;
use crate::session::{Command, Entry, Event, Requirement, view};
use crate::wire::messages::{OutputFile, Reply, Welcome};
use crate::wire::{FromHost, ToHost};

use super::act::{output, terminal};
use super::app::{Action, App, Link, MOST_LINES, Pending};
use super::approval;
use super::bell;
use super::follow;
use super::mode::{Mode, Question, Refused, Screen, field};
use super::output::{Output, list};
use super::view::shape::plain;

/// Takes a message of the host in.
pub(super) fn hear(app: &mut App, message: FromHost) -> Vec<Action> {
    match message {
        FromHost::Welcome(welcome) => welcomed(app, *welcome),
        FromHost::Goodbye { why } => lost(app, Link::Gone(plain(&why))),
        FromHost::Entries { entries } => {
            let mut actions = Vec::new();
            for entry in entries {
                actions.extend(recorded(app, &entry));
            }
            actions
        }
        FromHost::Reply { id, result } => {
            match app.pending.remove(&id) {
                Some(Pending::Request(words)) => replied(app, &words, result),
                Some(Pending::Take(of)) => {
                    if let Some(result) = terminal::taken(app, &of, result) {
                        replied(app, "terminal", result);
                    }
                }
                _ => {}
            }
            Vec::new()
        }
        FromHost::Output { id, from, total, data } => {
            let data = BASE64.decode(data.as_bytes()).unwrap_or_default();
            match (app.pending.remove(&id), &mut app.pane) {
                (Some(Pending::Save), _) => return output::part_to_save(app, id, total, data),
                (Some(Pending::Terminal), Some(pane)) => pane.arrived(id, from, total, &data),
                (Some(Pending::Output), _) => {
                    app.panes().for_each(|output| output.arrived(id, from, total, &data));
                }
                _ => {}
            }
            Vec::new()
        }
        FromHost::OutputGrew { of, total } => {
            if let Some(pane) = app.pane.as_mut().filter(|pane| pane.of == of) {
                pane.grew(total);
            }
            app.panes().filter(|output| output.of == of).for_each(|output| output.grew(total));
            Vec::new()
        }
        FromHost::Found { id, at, looked, done } => output::found(app, id, at, looked, done),
        FromHost::Looking { person, gaze } => {
            app.following.hear(person, gaze);
            Vec::new()
        }
        FromHost::Log { id, entries } => {
            if app.pending.remove(&id).is_some() {
                let first = app.log.front().map_or(u64::MAX, |line| line.n);
                for entry in entries.iter().rev().filter(|entry| entry.n < first) {
                    if app.log.len() < MOST_LINES {
                        let line = app.line(entry);
                        app.log.push_front(line);
                    }
                }
            }
            Vec::new()
        }
        FromHost::Asking { check, item, far } => {
            app.far.insert((check, item), far);
            Vec::new()
        }
        FromHost::People { people } => {
            app.people = people;
            Vec::new()
        }
        FromHost::Health { log } => {
            app.health = log;
            Vec::new()
        }
        FromHost::Typed { id, why_not } => {
            if app.pending.remove(&id).is_some() {
                terminal::typed(app, why_not);
            }
            Vec::new()
        }
        FromHost::Terminals { terminals } => {
            terminal::heard(app, terminals);
            Vec::new()
        }
        FromHost::SecretsMissing { names } => {
            app.secrets_missing = names;
            Vec::new()
        }
    }
}

/// There is nobody to talk to. What is on the screen stays.
pub(super) fn lost(app: &mut App, link: Link) -> Vec<Action> {
    app.link = link;
    app.pending.clear();
    app.asked = None;
    app.panes().for_each(Output::forget_requests);
    let actions = output::lost(app);
    if matches!(app.mode, Mode::Question(_)) {
        app.mode = Mode::Plain;
        app.refuse("the connection was lost: nothing was run from here");
    }
    approval::lost(app);
    terminal::lost(app);
    actions
}

/// Without a connection nothing is asked of the host; whoever asked is told that nothing came of it.
pub(super) fn keep_to_ourselves(app: &mut App, actions: &mut Vec<Action>) {
    for action in actions.extract_if(.., |action| matches!(action, Action::Send(_))) {
        match action {
            Action::Send(ToHost::Request { command, .. }) if matches!(*command, Command::Hold { .. }) => {
                app.refuse("NOT HELD: there is no connection to the session");
            }
            Action::Send(ToHost::Request { .. } | ToHost::GiveSecret { .. }) => {
                app.refuse("there is no connection to the session: nothing was done");
            }
            _ => {}
        }
    }
    app.pending.clear();
    app.asked = None;
    app.panes().for_each(Output::forget_requests);
}

fn welcomed(app: &mut App, welcome: Welcome) -> Vec<Action> {
    if app.session.id != welcome.session.id {
        (app.output, app.beside) = (None, None);
    }
    app.session = welcome.session;
    app.past.count_items(&app.session);
    app.far.clear();
    app.you = welcome.you;
    app.people = welcome.people;
    app.health = welcome.log;
    app.secrets_missing = welcome.secrets_missing;
    app.following.welcomed(&app.session.operator, welcome.gaze);
    app.pending.clear();
    if app.link != Link::Up {
        app.link = Link::Up;
        app.say("connected again");
    }
    let newest = app.log.back().map_or(0, |line| line.n);
    if welcome.recent.first().is_some_and(|first| first.n > newest + 1) {
        // Records in between were never heard: older ones are fetched again when somebody scrolls there.
        app.log.clear();
    }
    app.remember(&welcome.recent);
    // It is read anew, and stays where it was looked at.
    app.panes().for_each(Output::read_anew);
    app.watched.clear();
    terminal::welcomed(app, welcome.terminals);
    let actions = output::go_on(app);
    if let Some(asked) = &app.asked {
        let waiting = app
            .session
            .step_at(asked.step.as_str())
            .is_some_and(|at| app.session.steps[at].request.is_some());
        if !waiting {
            app.asked = None;
        }
    }
    after_change(app);
    actions
}

fn recorded(app: &mut App, entry: &Entry) -> Vec<Action> {
    if entry.n <= app.session.head {
        return Vec::new();
    }
    let approved = approval::standing_approvals(app);
    if let Err(error) = app.session.apply(entry) {
        let why = format!("this screen lost track of the session ({error}); attach again");
        return lost(app, Link::Gone(plain(&why)));
    }
    if may_change_a_list(&entry.event) {
        app.past.count_items(&app.session);
    }
    match &entry.event {
        Event::CheckAnswered { check, item, .. } => {
            app.far.remove(&(check.clone(), item.clone()));
        }
        Event::CheckDropped { check } => app.far.retain(|(of, _), _| of != check),
        Event::StepStarted { step, .. } => approval::started(app, step),
        Event::Noted { text } => app.noted = Some(plain(&format!("{}: {text}", entry.by.name))),
        _ => {}
    }
    app.remember(std::slice::from_ref(entry));
    let mut actions = asked_for(app, entry);
    actions.extend(bell::recorded(app, entry));
    approval::tell(app, entry);
    approval::tell_void(app, &approved);
    after_change(app);
    actions
}

/// May a `for_each` have other items after this record? Of what comes in floods it is known that it changes none.
fn may_change_a_list(event: &Event) -> bool {
    !matches!(
        event,
        Event::ItemStarted { .. }
            | Event::ItemEnded { .. }
            | Event::ItemSettled { .. }
            | Event::CheckAnswered { .. }
            | Event::CheckDropped { .. }
            | Event::Noted { .. }
            | Event::Refused { .. }
    )
}

/// Is this record the answer to a start that this screen asked for?
fn asked_for(app: &mut App, entry: &Entry) -> Vec<Action> {
    let of = |step: &crate::id::StepId| app.asked.as_ref().is_some_and(|asked| asked.step == *step);
    match &entry.event {
        Event::QuestionPut { step } if of(step) => put_question(app),
        Event::Refused { step: Some(step), action, why, unmet } if of(step) => {
            app.asked = None;
            refused(app, entry.n, action, why, unmet);
            Vec::new()
        }
        Event::RequestDropped { step, why } if of(step) => {
            app.asked = None;
            app.refuse(why);
            Vec::new()
        }
        Event::StepStarted { step, .. } | Event::StepSettled { step, .. } if of(step) => {
            app.asked = None;
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn put_question(app: &mut App) -> Vec<Action> {
    let Some(asked) = app.asked.take() else {
        return Vec::new();
    };
    let Some((step, text)) = app
        .session
        .step_at(asked.step.as_str())
        .and_then(|at| Some((at, view::confirmation(&app.session, at)?)))
    else {
        return Vec::new();
    };
    if !matches!(app.mode, Mode::Plain) {
        // Somebody is in the middle of something else: taking the keys away from them now is how accidents happen.
        app.say(format!(
            "{} waits for its text: start it again when you are ready",
            view::step_name(&app.session, step)
        ));
        return Vec::new();
    }
    app.select(step);
    app.mode = Mode::Question(Box::new(Question {
        step,
        work: asked.work,
        by_hand: asked.by_hand,
        text,
        field: field(),
        note: None,
        scroll: 0,
    }));
    vec![Action::DiscardInput]
}

fn replied(app: &mut App, words: &str, reply: Reply) {
    match reply {
        Reply::Recorded { .. } => {}
        Reply::Refused { n, refusal } => {
            app.asked = None;
            refused(app, n, words, &refusal.sentence, &refusal.unmet);
        }
        Reply::Failed { why } => {
            app.asked = None;
            app.refuse(format!("{words}: {why}"));
        }
    }
}

fn refused(app: &mut App, n: u64, action: &str, sentence: &str, unmet: &[Requirement]) {
    let unmet: Vec<Requirement> = unmet.iter().filter(|requirement| !requirement.met).cloned().collect();
    if !matches!(app.mode, Mode::Plain) {
        app.refuse(sentence);
    } else if n == 0 || n != app.refusal_shown {
        app.mode = Mode::Refused(Refused {
            action: action.to_owned(),
            sentence: sentence.to_owned(),
            unmet,
            n: Some(n),
            scroll: 0,
        });
    }
    app.refusal_shown = n;
}

/// What a change of the walk means for what is on the screen.
fn after_change(app: &mut App) {
    approval::after_change(app);
    if let Mode::Question(question) = &app.mode {
        let open = app.session.steps.get(question.step).is_some_and(|step| {
            let running = matches!(step.progress, Progress::Running(_));
            match question.work {
                Work::Run => !running && step.progress != Progress::Done,
                Work::Undo => !running && step.progress != Progress::Undone,
            }
        });
        if !open {
            app.mode = Mode::Plain;
            app.refuse("the step has moved on meanwhile: nothing was run from here");
        }
    }
    app.selected = app.selected.min(app.session.steps.len().saturating_sub(1));
    if app.along && app.screen != Screen::Output && matches!(app.mode, Mode::Plain) {
        let current = app.current();
        app.select(current);
    }
}

/// Keeps the outputs that are shown those that should be shown, and reads on where something is missing.
pub(super) fn watch_output(app: &mut App) -> Vec<Action> {
    if app.link != Link::Up {
        return Vec::new();
    }
    let listed = list::of_step(app);
    let chosen = app.output_index(&app.outputs());
    let beside = chosen.filter(|_| app.split && app.screen == Screen::Output);
    let beside = beside.and_then(|chosen| list::beside(&listed, chosen));
    let mut actions = Vec::new();
    let wrap = app.wrap;
    let mut begun = Vec::new();
    for (pane, wanted) in [(&mut app.output, chosen), (&mut app.beside, beside)] {
        let wanted = wanted.map(|place| &listed[place]);
        if pane.as_ref().map(|output| &output.of) != wanted.map(|one| &one.of) {
            *pane = wanted.map(|one| Output::new(one.of.clone(), plain(&one.label), wrap));
            begun.extend(wanted.map(|one| one.of.clone()));
        } else if let (Some(output), Some(one)) = (pane, wanted) {
            output.label = plain(&one.label);
        }
    }
    let watched: Vec<OutputFile> = app.panes().map(|output| output.of.clone()).collect();
    if watched != app.watched {
        let message = match &watched[..] {
            [] => ToHost::FollowOutput { of: None },
            [of] => ToHost::FollowOutput { of: Some(of.clone()) },
            of => ToHost::FollowOutputs { of: of.to_vec() },
        };
        app.watched = watched;
        actions.push(Action::Send(message));
    }
    for of in begun {
        // Its first bytes tell its length too.
        actions.extend(read(app, &of, 0, 48 << 10));
    }
    follow::keep_up_in_output(app);
    let wants: Vec<_> = app.panes().filter_map(|output| Some((output.of.clone(), output.wants()?))).collect();
    for (of, want) in wants {
        actions.extend(read(app, &of, want.from, want.len));
    }
    actions
}

fn read(app: &mut App, of: &OutputFile, from: u64, len: u32) -> Option<Action> {
    let id = app.new_id(Pending::Output);
    app.panes().find(|output| output.of == *of)?.asked(id);
    Some(Action::Send(ToHost::ReadOutput { id, of: of.clone(), from, len }))
}
