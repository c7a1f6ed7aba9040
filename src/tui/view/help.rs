//! All keys, and all actions with the reasons against them: both made from the one table. PURE.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::runbook::Value;
use crate::session::view;
use crate::tui::act::menu;
use crate::tui::fit::{Fit, fit};
use crate::tui::keys::{self, Binding};
use crate::tui::mode::Page;
use crate::tui::people;
use crate::tui::theme::Tone;

use super::popup::{cursor_list, frame, inner_width};
use super::shape::{fit_line, hang, plain, say, wrap};
use super::{ARROWS, Seen, View, markdown, write_scrolled};

/// Draws what every key does.
pub(super) fn draw(scroll: usize, area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    let width = inner_width(area);
    let mut rows = Vec::new();
    let (acts, looks): (Vec<&Binding>, Vec<&Binding>) =
        keys::table(Page::Walk).iter().partition(|binding| keys::acts(binding.verb));
    let pages = [
        ("What is done", acts),
        ("Moving and looking", looks),
        ("Where an approval is read", keys::table(Page::Approval).iter().collect()),
        ("In the output", keys::table(Page::Output).iter().collect()),
        ("In the log", keys::table(Page::Log).iter().collect()),
        ("Where a text is asked for", keys::table(Page::Question).iter().collect()),
    ];
    for (title, bindings) in pages {
        if !rows.is_empty() {
            rows.push(Line::default());
        }
        rows.push(Line::from(say(title, Tone::Strong)));
        for binding in bindings {
            rows.extend(key_rows(binding, width));
        }
    }
    rows.push(Line::default());
    rows.push(Line::from(say("Marks", Tone::Strong)));
    let marks = "✓ done or holds   ▶ running   ○ ready   · waiting   ✗ failed or does not hold   ⊘ skipped   \
                 ? interrupted, unknown or stale   ↶ undone   ◆ hold point   ⏸ hold";
    rows.extend(wrap(marks, width.saturating_sub(2)).into_iter().map(|row| Line::from(format!("  {row}"))));
    let inner = frame("Keys", rows.len(), Tone::Plain, area, buffer);
    seen.popup_rows = rows.len();
    seen.popup_height = usize::from(inner.height);
    write_scrolled(&rows, scroll, ARROWS, inner, buffer);
}

fn key_rows(binding: &Binding, width: usize) -> Vec<Line<'static>> {
    let names: Vec<String> = binding.keys.iter().map(|key| keys::label(*key)).collect();
    let names = format!("{:<9}", names.join(" "));
    let taken = super::shape::columns(&names) + 3;
    let text = wrap(binding.says, width.saturating_sub(taken)).into_iter().map(Line::raw).collect();
    hang(vec![Span::raw("  "), say(names, Tone::Key), Span::raw(" ")], text)
}

/// Draws what the runbook is about, its values, and who is here.
pub(super) fn about(look: View<'_>, scroll: usize, area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    let width = inner_width(area);
    let session = &look.app.session;
    let mut rows = markdown::rows(&view::filled(session, &session.runbook.about), width);
    let mut part = |title: &'static str, lines: Vec<String>| {
        if lines.is_empty() {
            return;
        }
        if !rows.is_empty() {
            rows.push(Line::default());
        }
        rows.push(Line::from(say(title, Tone::Strong)));
        for line in lines {
            let text = wrap(&line, width.saturating_sub(2)).into_iter().map(Line::raw).collect();
            rows.extend(hang(vec![Span::raw("  ")], text));
        }
    };
    let values = session.values.iter().map(|(name, value)| match value {
        Value::Text(text) => format!("{name} = {}", plain(text)),
        Value::List(items) => format!("{name} = {}", plain(&items.join(", "))),
    });
    let secrets = session.opened.secrets.iter().map(|name| format!("{name} = •••"));
    part("Values", values.chain(secrets).collect());
    let people = people::here(session, &look.app.people).into_iter().map(|person| {
        let known = if person.known.is_empty() { String::new() } else { format!(", {}", person.known) };
        format!("{} ▸ {}{known}", person.name, person.role)
    });
    part("Who is here", people.collect());
    part(
        "The session",
        vec![
            session.id.to_string(),
            format!("on {}, in {}", plain(&session.opened.machine), plain(&session.opened.dir)),
            format!("runbook {} (sha256 {})", plain(&session.opened.path), session.opened.sha256),
        ],
    );
    let inner = frame(&plain(&session.opened.title), rows.len(), Tone::Plain, area, buffer);
    seen.popup_rows = rows.len();
    seen.popup_height = usize::from(inner.height);
    write_scrolled(&rows, scroll, ARROWS, inner, buffer);
}

/// Draws everything that can be done, greyed with its reason where it cannot be done now.
pub(super) fn actions(view: View<'_>, cursor: usize, area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    let width = inner_width(area);
    let rows: Vec<Line<'static>> = menu()
        .into_iter()
        .map(|binding| {
            let fits = fit(view.app, binding.verb);
            let key = format!(" {:<6}", keys::label(binding.keys[0]));
            let word = match &fits {
                Fit::Yes(Some(word)) => word,
                _ => binding.word,
            };
            let line = if fits.is_yes() {
                vec![say(key, Tone::Key), Span::raw(format!("{word:<13}")), say(binding.says, Tone::Quiet)]
            } else {
                let text = format!("{key}{word:<13}not now: {}", plain(fits.why()));
                vec![say(text, Tone::Quiet)]
            };
            fit_line(Line::from(line), width)
        })
        .collect();
    let inner = frame("What can be done", rows.len(), Tone::Plain, area, buffer);
    cursor_list(&rows, cursor, inner, buffer, seen);
}
