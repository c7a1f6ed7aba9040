//! All keys, made from the one table, and what the runbook is about. PURE.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::runbook::Value;
use crate::tui::fit::fit;
use crate::tui::keys::{self, Binding};
use crate::tui::mode::Page;
use crate::tui::palette::page_below;
use crate::tui::people;
use crate::tui::theme::Tone;

use super::popup::{frame, inner_width};
use super::shape::{hang, plain, say, wrap};
use super::{ARROWS, Seen, View, markdown, pulse, script, write_scrolled};

/// What the mouse does.
const MOUSE: &str = "A click selects a step, or picks a row of a list; a second click in short order shows the step's output. A \
                     click on a key below does what the key does. The wheel scrolls what is under it. A click never \
                     confirms. With Shift held, most terminals select text.";

/// From this many columns on there is room for several keys beside what they do.
const ROOMY: usize = 56;

/// Draws what every key does.
pub(super) fn draw(look: View<'_>, scroll: usize, area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    let width = inner_width(area);
    let own = match page_below(look.app) {
        // What differs while something is looked for is listed in the same place.
        Page::Found => Page::Output,
        page => page,
    };
    let mut rows = own_rows(look, page_below(look.app), width);
    let (acts, looks): (Vec<&Binding>, Vec<&Binding>) =
        keys::table(Page::Walk).iter().partition(|binding| keys::acts(binding.verb));
    let whole = |title, page| (title, page, keys::table(page).iter().collect());
    let pages = [
        ("What is done", Page::Walk, acts),
        ("Moving and looking", Page::Walk, looks),
        whole("Where an approval is read", Page::Approval),
        whole("In the output", Page::Output),
        whole("In the log", Page::Log),
        whole("In the list of steps", Page::Steps),
        whole("In the list of what can be done", Page::Actions),
        whole("In other lists", Page::Choose),
        whole("Where something is found", Page::Search),
        whole("Where a text confirms", Page::Question),
        whole("Where words are asked for", Page::Prompt),
        whole("Where it is yes or no", Page::Answer),
        whole("Where something is read", Page::Help),
    ];
    for (title, _, bindings) in pages.into_iter().filter(|(_, page, _)| *page != own) {
        if !rows.is_empty() {
            rows.push(Line::default());
        }
        rows.push(Line::from(say(title, Tone::Strong)));
        for binding in bindings {
            rows.extend(key_rows(binding, width));
        }
    }
    rows.push(Line::default());
    rows.push(Line::from(say("The mouse", Tone::Strong)));
    rows.extend(wrap(MOUSE, width.saturating_sub(2)).into_iter().map(|row| Line::from(format!("  {row}"))));
    rows.push(Line::default());
    rows.push(Line::from(say("Marks", Tone::Strong)));
    let marks = "✓ done or holds   ▶ running   ○ ready   · waiting   ✗ failed or does not hold   ⊘ skipped   \
                 ? interrupted, unknown or stale   ↶ undone   ◆ hold point   ⏸ hold";
    rows.extend(wrap(marks, width.saturating_sub(2)).into_iter().map(|row| Line::from(format!("  {row}"))));
    let inner = frame(&look.titled("Keys"), rows.len(), Tone::Plain, area, buffer);
    seen.popup_rows = rows.len();
    seen.popup_height = usize::from(inner.height);
    write_scrolled(&rows, scroll, ARROWS, inner, buffer);
}

/// The keys of the page that lies below: those that do something now first, then the others, and why not.
fn own_rows(look: View<'_>, page: Page, width: usize) -> Vec<Line<'static>> {
    let place = match page {
        Page::Steps => "in this list",
        Page::Output | Page::Found => "in this output",
        Page::Log => "in this log",
        _ => "at this step",
    };
    let fits = |binding: &&Binding| fit(look.app, binding.verb).is_yes();
    let (now, later): (Vec<&Binding>, Vec<&Binding>) = keys::table(page).iter().partition(fits);
    let mut rows = vec![Line::from(say(format!("Now, {place}"), Tone::Strong))];
    for binding in now {
        rows.extend(key_rows(binding, width));
    }
    if !later.is_empty() {
        rows.push(Line::default());
        rows.push(Line::from(say(format!("Not now, {place}"), Tone::Strong)));
    }
    for binding in later {
        rows.extend(key_rows(binding, width));
        let why = format!("not now: {}", plain(fit(look.app, binding.verb).why()));
        let indent = if width < ROOMY { 12 } else { 20 };
        let why = wrap(&why, width.saturating_sub(indent)).into_iter();
        let why = why.map(|row| Line::from(say(row, Tone::Quiet))).collect();
        rows.extend(hang(vec![Span::raw(" ".repeat(indent))], why));
    }
    rows
}

fn key_rows(binding: &Binding, width: usize) -> Vec<Line<'static>> {
    let names: Vec<String> = binding.keys.iter().map(|key| keys::label(*key)).collect();
    let names = format!("{:<1$}", names.join(" "), if width < ROOMY { 9 } else { 17 });
    let taken = super::shape::columns(&names) + 3;
    let text = wrap(binding.says, width.saturating_sub(taken)).into_iter().map(Line::raw).collect();
    hang(vec![Span::raw("  "), say(names, Tone::Key), Span::raw(" ")], text)
}

/// Draws what the runbook is about, its values, and who is here.
pub(super) fn about(look: View<'_>, scroll: usize, area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    let width = inner_width(area);
    let session = &look.app.session;
    let text = script::words(look, &session.runbook.about);
    let mut rows = look.app.memo.rows(&[&text, "markdown"], width, || markdown::rows(&text, width)).to_vec();
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
    part("The time", pulse::about(look));
    part(
        "The session",
        vec![
            session.id.to_string(),
            format!("on {}, in {}", plain(&session.opened.machine), plain(&session.opened.dir)),
            format!("runbook {} (sha256 {})", plain(&session.opened.path), session.opened.sha256),
        ],
    );
    let inner = frame(&look.titled(&plain(&session.opened.title)), rows.len(), Tone::Plain, area, buffer);
    seen.popup_rows = rows.len();
    seen.popup_height = usize::from(inner.height);
    write_scrolled(&rows, scroll, ARROWS, inner, buffer);
}
