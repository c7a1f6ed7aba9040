//! Typing into the terminal of an interactive step: every key goes to the command, and one comes back. PURE.
//!
//! Nothing that is typed is kept here or said anywhere: it becomes a message, and that is all.

use data_encoding::BASE64;
use ratatui::crossterm::event::KeyEvent;

use crate::session::Command;
use crate::tui::app::{Action, App, Link, Pending};
use crate::tui::keys::Verb;
use crate::tui::mode::{Mode, Screen, Stand, Typing};
use crate::tui::terminal_pane::keys::{self, Asked, comes_back};
use crate::tui::terminal_pane::{Pane, room};
use crate::tui::view::shape::plain;
use crate::wire::ToHost;
use crate::wire::messages::{MAX_TYPED, NOT_OPEN, OutputFile, Reply, Terminal};

/// After the command has ended under somebody's fingers, keys count again after this long without any, milliseconds.
const QUIET: u64 = 700;

/// The longest paste that goes to a command, bytes.
const MOST_PASTED: usize = 256 << 10;

/// The terminal whose output is shown, while it is open.
#[must_use]
pub fn shown(app: &App) -> Option<&Terminal> {
    let of = &app.output.as_ref()?.of;
    app.terminals.iter().find(|terminal| terminal.of == *of)
}

/// Does the page of an output show its terminal? It does while it is open, unless older lines are looked at.
#[must_use]
pub fn fills_page(app: &App) -> bool {
    app.pane.is_some() && shown(app).is_some() && app.output.as_ref().is_some_and(|output| output.follow)
}

/// The terminal of the step at `place`, while it is open.
#[must_use]
pub fn of_step(app: &App, place: usize) -> Option<&Terminal> {
    let step = app.session.runbook.steps.get(place)?;
    app.terminals.iter().find(|terminal| terminal.step == step.id)
}

/// Takes the terminal of the selected step.
pub(in crate::tui) fn take(app: &mut App) -> Vec<Action> {
    let place = app.selected;
    let Some(terminal) = of_step(app, place).cloned() else {
        app.refuse("its command has ended, and its terminal with it");
        return Vec::new();
    };
    if app.link != Link::Up {
        app.refuse("there is no connection to the session: nothing was taken");
        return Vec::new();
    }
    app.output_choice = app.outputs().iter().position(|(of, _)| *of == terminal.of);
    app.screen = Screen::Output;
    if let Some(output) = &mut app.output {
        output.to_end();
    }
    app.mode = Mode::Terminal(Box::new(Typing::new(terminal.of.clone(), place)));
    let id = app.new_id(Pending::Take(terminal.of));
    vec![Action::Send(ToHost::Request {
        id,
        command: Box::new(Command::TakeTerminal { step: terminal.step }),
    })]
}

/// What became of taking it; gives the answer back where it is for everybody to see.
pub(in crate::tui) fn taken(app: &mut App, of: &OutputFile, reply: Reply) -> Option<Reply> {
    let Mode::Terminal(typing) = &mut app.mode else { return Some(reply) };
    if typing.of != *of || typing.stand != Stand::Asking {
        return Some(reply);
    }
    if matches!(reply, Reply::Recorded { .. }) {
        typing.stand = Stand::Typing;
        return None;
    }
    app.mode = Mode::Plain;
    hush(app);
    Some(reply)
}

/// What a key does while a terminal has the keys, or just had them; `None`: what it does everywhere.
pub(in crate::tui) fn press(app: &mut App, key: KeyEvent, at: u64) -> Option<Vec<Action>> {
    let left = app.left_terminal.take();
    if let Mode::Terminal(typing) = &app.mode {
        return match typing.stand {
            _ if app.too_small() => unseen(app, key, at),
            Stand::Asking | Stand::Typing if comes_back(key) => Some(leave(app)),
            Stand::Asking => (!super::keys::holds_now(key)).then(Vec::new),
            Stand::Typing => Some(send_key(app, key)),
            Stand::Pasting(_) | Stand::Off(_) => {
                (!super::keys::holds_now(key) && is_hushed(app, at)).then(Vec::new)
            }
        };
    }
    if let Some(typing) = left
        && comes_back(key)
        && !app.too_small()
        && app.terminals.iter().any(|terminal| terminal.of == typing.of)
    {
        // Pressed twice: one for the command.
        app.screen = Screen::Output;
        app.mode = Mode::Terminal(typing);
        return Some(send_key(app, key));
    }
    (!super::keys::holds_now(key) && is_hushed(app, at)).then(Vec::new)
}

/// A key while the window is too small to see the terminal. It is most likely meant for the command, so that it is not
/// taken for anything else; nor does it go there, where nobody sees what comes of it.
fn unseen(app: &mut App, key: KeyEvent, at: u64) -> Option<Vec<Action>> {
    if super::keys::holds_now(key) {
        return None;
    }
    if comes_back(key) {
        app.mode = Mode::Plain;
        app.hush = Some(at);
        app.say("keys are onbelay's again; the command goes on");
    }
    Some(Vec::new())
}

/// Is this key or click one that was meant for the command, most likely?
pub(in crate::tui) fn is_hushed(app: &mut App, at: u64) -> bool {
    let Some(since) = app.hush else { return false };
    if app.shown.allows(at) && at >= since.saturating_add(QUIET) {
        app.hush = None;
        return false;
    }
    app.hush = Some(at);
    app.say("that was not taken: it may have been meant for the command; keys count again in a moment");
    true
}

/// The keys are onbelay's again, but not at once.
fn hush(app: &mut App) {
    app.hush = Some(app.up);
}

fn leave(app: &mut App) -> Vec<Action> {
    if let Mode::Terminal(typing) = std::mem::take(&mut app.mode)
        && typing.stand == Stand::Typing
    {
        app.left_terminal = Some(typing);
    }
    app.say("keys are onbelay's again; the command goes on");
    Vec::new()
}

fn asked(app: &App) -> Asked {
    app.pane.as_ref().map(|pane| Asked::of(pane.screen())).unwrap_or_default()
}

fn send_key(app: &mut App, key: KeyEvent) -> Vec<Action> {
    app.notice = None;
    app.noted = None;
    match keys::bytes(key, asked(app)) {
        Some(bytes) => send(app, &bytes),
        None => Vec::new(),
    }
}

fn send(app: &mut App, bytes: &[u8]) -> Vec<Action> {
    let Mode::Terminal(typing) = &mut app.mode else { return Vec::new() };
    let of = typing.of.clone();
    let mut actions = Vec::new();
    for part in bytes.chunks(MAX_TYPED) {
        typing.unanswered += 1;
        let data = BASE64.encode(part);
        actions.push((of.clone(), data));
    }
    actions
        .into_iter()
        .map(|(of, data)| {
            let id = app.new_id(Pending::Type);
            Action::Send(ToHost::Type { id, of, data })
        })
        .collect()
}

/// The host says whether the command got it.
pub(in crate::tui) fn typed(app: &mut App, why_not: Option<String>) {
    let Mode::Terminal(typing) = &mut app.mode else { return };
    typing.unanswered = typing.unanswered.saturating_sub(1);
    let Some(why_not) = why_not else { return };
    if why_not == NOT_OPEN {
        app.refuse("its terminal is just being opened: that key was not taken");
        return;
    }
    let why_not = plain(&why_not);
    if typing.stand == Stand::Typing && app.terminals.iter().any(|terminal| terminal.of == typing.of) {
        typing.stand = Stand::Off(why_not);
        hush(app);
    } else {
        app.refuse(why_not);
    }
}

/// A paste, while a terminal has the keys: it goes to the command; what has more than one line is asked about first.
pub(in crate::tui) fn paste(app: &mut App, text: &str) -> Vec<Action> {
    let Mode::Terminal(typing) = &mut app.mode else { return Vec::new() };
    match &typing.stand {
        _ if app.size.0 < crate::tui::view::MIN_WIDTH || app.size.1 < crate::tui::view::MIN_HEIGHT => {
            app.refuse("nothing was pasted: the window is too small to see it");
        }
        Stand::Typing if text.len() > MOST_PASTED => {
            let most = crate::time::size_in_words(MOST_PASTED as u64);
            app.refuse(format!("nothing was pasted: it is longer than {most}; put it into a file"));
        }
        Stand::Typing if text.contains(['\n', '\r']) => typing.stand = Stand::Pasting(text.to_owned()),
        Stand::Typing => return send_paste(app, text),
        Stand::Pasting(_) => app.refuse("a paste does not answer: type it"),
        Stand::Asking | Stand::Off(_) => app.refuse("nothing was pasted: the keys do not go to the command"),
    }
    Vec::new()
}

fn send_paste(app: &mut App, text: &str) -> Vec<Action> {
    let (bytes, left_out) = keys::paste(text, asked(app));
    if left_out > 0 {
        app.say(format!("{left_out} control characters of the paste were left out"));
    }
    send(app, &bytes)
}

/// What a verb does while a terminal is open but the keys do not go to it.
pub(super) fn act(app: &mut App, verb: Verb) -> Vec<Action> {
    let Mode::Terminal(typing) = &mut app.mode else { return Vec::new() };
    match (std::mem::take(&mut typing.stand), verb) {
        (Stand::Pasting(text), Verb::Yes) => {
            typing.stand = Stand::Typing;
            send_paste(app, &text)
        }
        (Stand::Pasting(_), Verb::Back) => {
            typing.stand = Stand::Typing;
            app.say("nothing was pasted");
            Vec::new()
        }
        (Stand::Off(why), Verb::Terminal) => {
            let place = typing.step;
            if app.link == Link::Up {
                app.selected = place;
                return take(app);
            }
            typing.stand = Stand::Off(why);
            Vec::new()
        }
        (_, Verb::Back) => leave(app),
        (stand, _) => {
            typing.stand = stand;
            Vec::new()
        }
    }
}

/// The connection is lost: keys go nowhere from here, and whoever types is told so.
pub(in crate::tui) fn lost(app: &mut App) {
    app.left_terminal = None;
    if let Some(pane) = &mut app.pane {
        pane.forget_requests();
    }
    let Mode::Terminal(typing) = &mut app.mode else { return };
    let why = match typing.unanswered {
        0 => "no connection".to_owned(),
        1 => "no connection; the last key may not have arrived".to_owned(),
        n => format!("no connection; the last {n} keys may not have arrived"),
    };
    typing.unanswered = 0;
    typing.stand = Stand::Off(why);
    hush(app);
}

/// These terminals are open now.
pub(in crate::tui) fn heard(app: &mut App, terminals: Vec<Terminal>) {
    app.terminals = terminals;
    if let Some(terminal) = shown(app) {
        let (columns, rows) = (terminal.columns, terminal.rows);
        if let Some(pane) = app.pane.as_mut().filter(|pane| app.terminals.iter().any(|t| t.of == pane.of)) {
            pane.resize(columns, rows);
        }
    }
    let Mode::Terminal(typing) = &mut app.mode else { return };
    let Some(terminal) = app.terminals.iter().find(|terminal| terminal.of == typing.of) else {
        app.mode = Mode::Plain;
        app.screen = Screen::Walk;
        if app.along {
            let current = app.current();
            app.select(current);
        }
        app.say("its command has ended: keys are onbelay's again");
        hush(app);
        return;
    };
    if typing.stand == Stand::Typing {
        let why = match &terminal.typist {
            Some(typist) if typist.same_account(&app.you) => return,
            Some(typist) => format!("{} types into it now", plain(&typist.name)),
            None => "the terminal was taken from this screen".to_owned(),
        };
        typing.stand = Stand::Off(why);
        hush(app);
    }
}

/// Connected again: the terminal is there, and can be taken again.
pub(in crate::tui) fn welcomed(app: &mut App, terminals: Vec<Terminal>) {
    if let Some(pane) = &mut app.pane {
        pane.forget_requests();
    }
    if let Mode::Terminal(typing) = &mut app.mode {
        typing.unanswered = 0;
        typing.stand = Stand::Off("connected again".to_owned());
        hush(app);
    }
    heard(app, terminals);
}

/// Keeps the picture that of the terminal that should be shown, reads on where something is missing, and tells the host
/// how large the typist's window is.
pub(in crate::tui) fn watch(app: &mut App) -> Vec<Action> {
    if app.link != Link::Up {
        return Vec::new();
    }
    let mut actions = Vec::new();
    let interactive = app.session.runbook.steps.get(app.selected).is_some_and(|step| step.interactive);
    match (&app.output, shown(app)) {
        (Some(output), terminal) if interactive => {
            let (of, total) = (output.of.clone(), output.total);
            if app.pane.as_ref().is_none_or(|pane| pane.of != of) {
                let (columns, rows) = terminal.map_or((80, 24), |open| (open.columns, open.rows));
                app.pane = Some(Pane::new(of, columns, rows));
            }
            if let Some(pane) = &mut app.pane {
                pane.grew(total);
            }
        }
        // While the connection is made again there is no output for a moment; what was read is kept.
        (None, _) if interactive => {}
        _ => app.pane = None,
    }
    if let Some((of, want)) = app.pane.as_ref().and_then(|pane| Some((pane.of.clone(), pane.wants()?))) {
        let id = app.new_id(Pending::Terminal);
        if let Some(pane) = &mut app.pane {
            pane.asked(id);
        }
        actions.push(Action::Send(ToHost::ReadOutput { id, of, from: want.from, len: want.len }));
    }
    let size = room(app.size);
    if !app.too_small()
        && let Mode::Terminal(typing) = &mut app.mode
        && typing.stand == Stand::Typing
        && typing.told != Some(size)
    {
        typing.told = Some(size);
        let (columns, rows) = size;
        actions.push(Action::Send(ToHost::Window { of: typing.of.clone(), columns, rows }));
    }
    actions
}
