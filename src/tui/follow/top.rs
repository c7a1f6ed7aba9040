//! What lies on top of the operator's screen, told to others and drawn there: seen, and not to be answered. PURE.

use ratatui::style::Style;
use ratatui_textarea::TextArea;

use crate::wire::gaze::{MOST_ON_TOP, MOST_TYPED, Top};

use super::{App, Ask, Link, Mode, can_be_followed, follows, operators_gaze, plain};
use crate::tui::approval::waits_for_me;
use crate::tui::mode::{Choose, Prompt, Question, Refused, field, typed};

/// What others are told of it; `None`: nothing lies there, or nothing that is shown elsewhere. What does not fit is not
/// told in part: then only the few words for it are.
pub(super) fn of(mode: &Mode) -> Option<Box<Top>> {
    let row = |scroll: usize| u32::try_from(scroll).unwrap_or(u32::MAX);
    let (size, top) = match mode {
        Mode::Question(question) => (
            question.text.len(),
            Top::Question {
                step: question.step,
                work: question.work,
                by_hand: question.by_hand,
                text: question.text.clone(),
                typed: end(&question.field),
                note: question.note.clone(),
                scroll: row(question.scroll),
            },
        ),
        // Of what is to be copied nothing is told, and it may be long.
        Mode::Prompt(prompt) if matches!(prompt.ask, Ask::Sure(super::Sure::Copy(_))) => return None,
        Mode::Prompt(prompt) => {
            let said = match &prompt.ask {
                Ask::Judge { words, .. } | Ask::Sure(super::Sure::Refuse { words, .. }) => words.len(),
                _ => 0,
            };
            let top =
                Top::Prompt { ask: prompt.ask.clone(), typed: end(&prompt.field), note: prompt.note.clone() };
            (said, top.for_others()?)
        }
        Mode::Choose(choose) => {
            let item = |item: &Option<String>| item.as_ref().map_or(0, String::len);
            let size = choose.checks.iter().map(|c| c.check.as_str().len() + item(&c.item) + 32).sum();
            if size > MOST_ON_TOP {
                return None;
            }
            let (purpose, checks) = (choose.purpose, choose.checks.clone());
            (size, Top::Choose { purpose, checks, cursor: row(choose.cursor) })
        }
        Mode::Refused(refused) => {
            let unmet = refused.unmet.iter().map(|r| r.id.len() + r.why.len() + r.fix.len() + 64);
            let size = refused.action.len() + refused.sentence.len() + unmet.sum::<usize>();
            if size > MOST_ON_TOP {
                return None;
            }
            let top = Top::Refused {
                action: refused.action.clone(),
                sentence: refused.sentence.clone(),
                unmet: refused.unmet.clone(),
                scroll: row(refused.scroll),
            };
            (size, top)
        }
        Mode::Help { scroll } => (0, Top::Help { scroll: row(*scroll) }),
        Mode::About { scroll } => (0, Top::About { scroll: row(*scroll) }),
        _ => return None,
    };
    (size <= MOST_ON_TOP).then(|| Box::new(top))
}

/// The end of what has been typed, where people look.
fn end(field: &TextArea<'_>) -> String {
    let text = typed(field);
    match text.char_indices().rev().nth(MOST_TYPED) {
        Some((at, c)) => format!("…{}", &text[at + c.len_utf8()..]),
        None => text,
    }
}

/// What lies on top of the operator's screen, with their name, where this screen looks where that one looks and has
/// nothing of its own on top.
#[must_use]
pub fn theirs(app: &App) -> Option<(String, Mode)> {
    if !matches!(app.mode, Mode::Plain) || app.link != Link::Up || !follows(app) || !can_be_followed(app) {
        return None;
    }
    let top = operators_gaze(app)?.top.as_deref()?;
    // Theirs says "not yet", and why is this screen's own: what it is waited for must stand there instead.
    if matches!(top, Top::Refused { .. }) && waits_for_me(app).is_some() {
        return None;
    }
    Some((plain(&app.session.operator.name), mode_of(app, top)?))
}

/// The same as something of this screen, but for the cursor. What was told may be of another walk than this one's: a
/// place that is not there is not looked up.
fn mode_of(app: &App, top: &Top) -> Option<Mode> {
    // Nor is what was told believed to be what may be told.
    let top = &top.clone().for_others()?;
    let row = |scroll: u32| usize::try_from(scroll).unwrap_or(usize::MAX);
    let known = |place: usize| place < app.session.steps.len();
    Some(match top {
        Top::Question { step, work, by_hand, text, typed, note, scroll } => {
            if !known(*step) {
                return None;
            }
            Mode::Question(Box::new(Question {
                step: *step,
                work: *work,
                by_hand: *by_hand,
                text: text.clone(),
                field: filled(field(), typed),
                note: note.as_deref().map(plain),
                scroll: row(*scroll),
            }))
        }
        Top::Prompt { ask, typed, note } => {
            if !ask.step().is_none_or(known) {
                return None;
            }
            let mut prompt = Prompt::new(ask.clone());
            prompt.field = filled(prompt.field, typed);
            prompt.note = note.as_deref().map(plain);
            Mode::Prompt(Box::new(prompt))
        }
        Top::Choose { purpose, checks, cursor } => {
            let cursor = row(*cursor).min(checks.len().saturating_sub(1));
            Mode::Choose(Choose { purpose: *purpose, checks: checks.clone(), cursor })
        }
        Top::Refused { action, sentence, unmet, scroll } => Mode::Refused(Refused {
            action: action.clone(),
            sentence: sentence.clone(),
            unmet: unmet.clone(),
            n: None,
            scroll: row(*scroll),
        }),
        Top::Help { scroll } => Mode::Help { scroll: row(*scroll) },
        Top::About { scroll } => Mode::About { scroll: row(*scroll) },
    })
}

/// A field with words in it and no cursor: nothing is typed here.
fn filled(mut field: TextArea<'static>, text: &str) -> TextArea<'static> {
    field.insert_str(plain(text));
    field.set_cursor_style(Style::new());
    field
}
