//! The question before a start that is confirmed by typing: what is lost, what runs, what was just checked. PURE.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::runbook::UndoWork;
use crate::session::Kind;
use crate::session::event::Work;
use crate::session::view;
use crate::tui::keys::{self, Verb};
use crate::tui::mode::Question;
use crate::tui::needs::{self, Door};
use crate::tui::theme::Tone;

use super::popup::{field_rows, frame, inner_width, write_field};
use super::shape::{fit_line, plain, say, wrap, wrap_spans};
use super::{ARROWS, Seen, View, count, cut_bottom, cut_top, gate, script, write_rows, write_scrolled};

/// Draws it. The text to be typed and the field are always in sight; the rest scrolls.
pub(super) fn draw(view: View<'_>, question: &Question, area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    let width = inner_width(area);
    let mut rows = words(view, question, width);
    let ask = [
        Span::raw("Type  "),
        say(plain(&question.text), Tone::Warn),
        Span::raw(if question.text.trim() == question.text {
            "  to go on"
        } else {
            "  to go on, spaces and all"
        }),
    ];
    let mut ask = wrap_spans(&ask, width);
    if ask.len() > 4 {
        // Too long to stand by the field: it comes first of what scrolls.
        rows.splice(0..0, ask.into_iter().chain([Line::default()]));
        ask = wrap_spans(&[say("Type all of the text that stands first above, exactly", Tone::Warn)], width);
    }
    let field_height = field_rows("›  ", &question.field, width);
    let note = if let Some(note) = &question.note {
        vec![say(note.clone(), Tone::Bad)]
    } else if let Some(elsewhere) = view.not_here() {
        vec![say(elsewhere, Tone::Quiet)]
    } else {
        refusal(view, question)
            .unwrap_or_else(|| vec![say("Empty line or Esc: not now, nothing is run.", Tone::Quiet)])
    };
    let bottom = ask.len() + field_height + 1;
    let title = view::step_name(&view.app.session, question.step);
    let title = match question.work {
        Work::Run => plain(&title),
        Work::Undo => format!("Undo {}", plain(&title)),
    };
    let inner = frame(&view.titled(&title), rows.len() + 1 + bottom, Tone::Warn, area, buffer);
    let mut top = inner;
    let mut bottom = cut_bottom(&mut top, count(bottom));
    let air = u16::from(usize::from(top.height) > rows.len());
    cut_bottom(&mut top, air);
    seen.popup_rows = rows.len();
    seen.popup_height = usize::from(top.height);
    write_scrolled(&rows, question.scroll, ARROWS, top, buffer);
    write_rows(&ask, cut_top(&mut bottom, count(ask.len())), buffer);
    write_field("›  ", &question.field, cut_top(&mut bottom, count(field_height)), buffer);
    write_rows(&[fit_line(Line::from(note), width)], bottom, buffer);
}

/// That a start would be refused now, by what, and what there is to do about it.
fn refusal(view: View<'_>, question: &Question) -> Option<Vec<Span<'static>>> {
    let Door::Shut(by) = needs::against(view.app, question, view.now) else { return None };
    let holds = needs::before(view.app, question, view.now);
    let holds = holds.iter().any(|one| one.kind == Kind::Hold && !one.met);
    let Some(hold) = view.app.session.holds.last().filter(|_| holds) else {
        return Some(vec![say(format!("It would be refused now: {}.", by.join(", ")), Tone::Bad)]);
    };
    let words = format!("Held by {}: nothing starts now. Esc, then ", plain(&hold.by.name));
    Some(vec![
        say(words, Tone::Bad),
        say(keys::shown_for(Verb::Release), Tone::Key),
        say(" releases.", Tone::Bad),
    ])
}

fn words(view: View<'_>, question: &Question, width: usize) -> Vec<Line<'static>> {
    let session = &view.app.session;
    let model = &session.runbook.steps[question.step];
    let mut rows = Vec::new();
    if let Some(destructive) = &model.destructive {
        let words = plain(&script::words(view, &destructive.loses));
        let words = if words.is_empty() { "This step destroys something.".to_owned() } else { words };
        rows.extend(wrap_spans(&[say(words, Tone::Warn)], width));
        rows.push(Line::default());
    }
    // Before all that may be longer than the window.
    for warning in view::warnings(session, question.step, question.work) {
        rows.extend(wrap_spans(&[say(warning, Tone::Warn)], width));
        rows.push(Line::default());
    }
    let gate = needs::before(view.app, question, view.now);
    let (found, shut): (Vec<_>, Vec<_>) = gate
        .into_iter()
        .filter(|r| r.kind != Kind::Confirm && (r.kind != Kind::Order || !r.met))
        .partition(|r| r.met);
    let (unmet, met) = match needs::against(view.app, question, view.now) {
        Door::Shut(_) => ("This keeps it shut now", "This holds"),
        Door::Open | Door::Asks => ("It is asked once more, by the start", "Checked just now"),
    };
    // What was found, and who approved, before a script that may be longer than the window.
    for (heading, requirements) in [(unmet, shut), (met, found)] {
        if requirements.is_empty() {
            continue;
        }
        rows.push(Line::from(say(heading, Tone::Strong)));
        for requirement in requirements {
            rows.extend(gate::requirement_rows(view, &requirement, question.work, width));
        }
        rows.push(Line::default());
    }
    let call = match question.work {
        Work::Run => model.run.as_ref(),
        Work::Undo => model.undo.as_ref().and_then(|undo| match &undo.work {
            UndoWork::Script(call) => Some(call),
            UndoWork::Words(_) => None,
        }),
    };
    if question.by_hand || call.is_none() {
        let text = "A person does this; the log says when it starts and when it ends.";
        rows.extend(wrap(text, width).into_iter().map(Line::raw));
    }
    if let Some(call) = call {
        let word = if question.by_hand { "what the script would do" } else { "it will run" };
        rows.extend(script::rows(view, call, word, width).iter().cloned());
    }
    if let Some(each) = &model.for_each {
        let items = view::items_of(session, each).map(|items| items.join(", ")).unwrap_or_default();
        rows.extend(
            wrap(&format!("Once for each {}: {}", each.name, plain(&items)), width)
                .into_iter()
                .map(Line::raw),
        );
    }
    rows
}
