//! What an answer leads to: the text that confirms, words that were asked for, a yes that was asked for again. PURE.

use ratatui_textarea::CursorMove;

use crate::session::Command;
use crate::session::event::{Said, Work};
use crate::tui::app::{Action, App, Asked};
use crate::tui::keys::Verb;
use crate::tui::mode::{Ask, Mode, Prompt, Sure, check_name, typed};
use crate::wire::ToHost;

use super::{ask, run, undo};

pub(super) fn question(app: &mut App, verb: Verb) -> Vec<Action> {
    let Mode::Question(question) = &mut app.mode else {
        return Vec::new();
    };
    let most = app.seen.popup_rows.saturating_sub(app.seen.popup_height);
    match verb {
        Verb::PageUp => question.scroll = question.scroll.saturating_sub(1),
        Verb::PageDown => question.scroll = (question.scroll + 1).min(most),
        Verb::Accept => {
            let text = typed(&question.field);
            if text == question.text {
                let (place, work, by_hand) = (question.step, question.work, question.by_hand);
                app.mode = Mode::Plain;
                let step = app.step_id(place);
                app.asked = Some(Asked { step: step.clone(), work, by_hand });
                let command = match work {
                    Work::Run => {
                        Command::Run { step: step.clone(), typed: Some(text), will_ask: false, by_hand }
                    }
                    Work::Undo => Command::Undo { step: step.clone(), typed: Some(text), will_ask: false },
                };
                return vec![app.request(command, format!("run {step}"))];
            }
            if text.is_empty() {
                not_now(app);
            } else {
                question.note =
                    Some("that was not the text: nothing was run. The line is empty again".to_owned());
                super::typing::empty(&mut question.field);
            }
        }
        _ => not_now(app),
    }
    Vec::new()
}

fn not_now(app: &mut App) {
    app.mode = Mode::Plain;
    app.say("not now: nothing was run");
}

/// Yes or no to a check, after the words.
pub(super) fn answer(app: &mut App, verb: Verb) -> Vec<Action> {
    if scrolled(app, verb) {
        return Vec::new();
    }
    let Mode::Prompt(prompt) = std::mem::take(&mut app.mode) else {
        return Vec::new();
    };
    let Ask::Judge { check, words } = prompt.ask else {
        return Vec::new();
    };
    if !matches!(verb, Verb::Yes | Verb::No) {
        // Back to the words, as they were typed.
        let mut again = Prompt::new(Ask::Attest(check));
        again.field.insert_str(&words);
        app.mode = Mode::Prompt(Box::new(again));
        return Vec::new();
    }
    let name = check_name(&check);
    vec![app.request(Command::Attest { check, yes: verb == Verb::Yes, words }, format!("attest {name}"))]
}

/// Scrolls what does not fit into the box of a prompt, if that is what was asked for.
fn scrolled(app: &mut App, verb: Verb) -> bool {
    let most = app.seen.popup_rows.saturating_sub(app.seen.popup_height);
    let Mode::Prompt(prompt) = &mut app.mode else { return false };
    prompt.scroll = match verb {
        Verb::PageUp => prompt.scroll.saturating_sub(1),
        Verb::PageDown => (prompt.scroll + 1).min(most),
        _ => return false,
    };
    true
}

pub(super) fn prompt(app: &mut App, verb: Verb) -> Vec<Action> {
    if scrolled(app, verb) {
        return Vec::new();
    }
    // Words may be typed ahead, but what sends them must have been on the screen.
    if verb == Verb::Accept && !app.shown.allows(app.up) {
        return Vec::new();
    }
    if verb == Verb::BackTo {
        words_from_before(app);
        return Vec::new();
    }
    let Mode::Prompt(prompt) = std::mem::take(&mut app.mode) else {
        return Vec::new();
    };
    let text = typed(&prompt.field);
    let empty = if matches!(prompt.ask, Ask::Secret(_)) { text.is_empty() } else { text.trim().is_empty() };
    if verb != Verb::Accept || empty {
        app.places.leave(&prompt.ask, &text);
        let kept = !empty && app.places.draft(&prompt.ask).is_some();
        let kept = if kept { "; your words are kept: ↑ brings them back there" } else { "" };
        app.say(format!("not now: nothing was done{kept}"));
        return Vec::new();
    }
    app.places.forget(&prompt.ask);
    let yes = matches!(text.trim().to_lowercase().as_str(), "y" | "yes");
    if matches!(prompt.ask, Ask::Sure(_)) && !yes {
        app.say("that was no yes: nothing was done");
        return Vec::new();
    }
    given(app, prompt.ask, text, yes)
}

/// Brings back what was left here with Esc. It stands in the field as if it were typed: an Enter on an empty line stays
/// a no.
fn words_from_before(app: &mut App) {
    let Mode::Prompt(prompt) = &mut app.mode else { return };
    match app.places.draft(&prompt.ask) {
        Some(words) if typed(&prompt.field).is_empty() => {
            prompt.field.insert_str(words);
            prompt.note = None;
        }
        _ => prompt.field.move_cursor(CursorMove::Up),
    }
}

/// A line was typed, and it is not empty.
fn given(app: &mut App, asked: Ask, text: String, yes: bool) -> Vec<Action> {
    let step = |place| app.step_id(place);
    let (command, words) = match asked {
        Ask::Note => (Command::Note { text }, "note".to_owned()),
        Ask::Hold => (Command::Hold { why: text }, "hold".to_owned()),
        Ask::Release => (Command::Release { why: Some(text) }, "release".to_owned()),
        Ask::Skip(place) => {
            (Command::Skip { steps: vec![step(place)], why: text }, format!("skip {}", step(place)))
        }
        Ask::Fail(place) => (Command::Fail { step: step(place), why: text }, format!("fail {}", step(place))),
        Ask::Done(place) => {
            let said = Said { say: (!yes).then_some(text), value: None };
            (Command::Done { step: step(place), said }, format!("done {}", step(place)))
        }
        Ask::Value(place) => {
            let said = Said { say: None, value: Some(text) };
            (Command::Done { step: step(place), said }, format!("done {}", step(place)))
        }
        Ask::Resolve { step: place, done } => {
            (Command::Resolve { step: step(place), done, what: text }, format!("resolve {}", step(place)))
        }
        Ask::Attest(check) => {
            ask(app, Ask::Judge { check, words: text });
            return Vec::new();
        }
        Ask::Judge { .. } => return Vec::new(),
        Ask::Refuse(place) => {
            // It ends the approval for everybody: no slip of the fingers, nor one line typed into the wrong page, may.
            ask(app, Ask::Sure(Sure::Refuse { step: place, words: text }));
            return Vec::new();
        }
        Ask::Handover => {
            ask(app, Ask::Sure(Sure::Handover(text.trim().to_owned())));
            return Vec::new();
        }
        Ask::Abort => (Command::Abort { why: text }, "abort".to_owned()),
        Ask::FindText => return super::output::find(app, &text),
        Ask::GoTo => {
            super::output::go_to(app, &text);
            return Vec::new();
        }
        Ask::SaveTo(of) => return super::output::save(app, of, text),
        Ask::Secret(name) => return vec![Action::Send(ToHost::GiveSecret { name, value: text.into() })],
        Ask::Sure(sure) => match sure {
            Sure::RunAgain(place) => return run(app, place, false),
            Sure::ByHand(place) => return run(app, place, true),
            Sure::Undo(place) => return undo(app, place),
            Sure::Stop(place) => (Command::Stop { step: step(place) }, format!("stop {}", step(place))),
            Sure::Refuse { step: place, words } => {
                (Command::Refuse { step: step(place), why: words }, format!("refuse {}", step(place)))
            }
            Sure::Finish => (Command::Finish, "finish".to_owned()),
            Sure::Handover(to) => {
                let words = format!("handover {to}");
                (Command::Handover { to }, words)
            }
            Sure::Leave => return vec![Action::Quit],
            Sure::Copy(clip) => {
                app.say(format!(
                    "{} lines were sent to the terminal; not every terminal takes them",
                    clip.lines
                ));
                return vec![Action::Clipboard(clip.text)];
            }
        },
    };
    vec![app.request(command, words)]
}
