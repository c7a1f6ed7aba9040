//! What lies on top of the screen: a box, and what is in it. PURE.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use ratatui_textarea::TextArea;

use crate::runbook::{Probe, UndoWork};
use crate::session::Kind;
use crate::session::summary::said_once;
use crate::session::view;
use crate::time::size_in_words;
use crate::tui::approval::never_starts;
use crate::tui::keys::{self, Verb};
use crate::tui::mode::{Ask, Choose, Prompt, Purpose, Refused, Screen, Search, Sure, check_name, typed};
use crate::tui::mouse::Hit;
use crate::tui::theme::{Tone, of_check, style};

use super::shape::{between, columns, fit_line, hang, in_rows, plain, say, wrap, wrap_spans};
use super::{
    ARROWS, Seen, View, clear, count, gate, script, witness, write_line, write_rows, write_scrolled,
};

/// Columns of a box, where there is room.
const BOX: u16 = 80;

/// Fewer columns of the page than these tell nothing beside a box.
const SLIVER: u16 = 11;

/// Rows of what was wrong with the last try.
const MOST_NOTE: usize = 3;

/// A box in the middle of `area` with room for `rows` rows of text; what is inside comes back.
pub(super) fn frame(title: &str, rows: usize, tone: Tone, area: Rect, buffer: &mut Buffer) -> Rect {
    let width = box_width(area);
    let height = count(rows).saturating_add(2).min(area.height);
    let outer =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    // A column of air on both sides: what goes on behind it is not read together with it.
    let cleared = Rect { x: outer.x.saturating_sub(1), width: width + 2, ..outer }.intersection(area);
    clear(cleared, buffer);
    let line = "─".repeat(usize::from(width - 2));
    let edge = style(if tone == Tone::Warn { Tone::Warn } else { Tone::Quiet });
    buffer.set_string(outer.x, outer.y, format!("┌{line}┐"), edge);
    buffer.set_string(outer.x, outer.bottom() - 1, format!("└{line}┘"), edge);
    for y in outer.top() + 1..outer.bottom() - 1 {
        buffer[(outer.x, y)].set_symbol("│").set_style(edge);
        buffer[(outer.right() - 1, y)].set_symbol("│").set_style(edge);
    }
    let title =
        fit_line(Line::from(say(format!(" {title} "), Tone::Strong)), usize::from(width.saturating_sub(4)));
    write_line(&title, Rect { x: outer.x + 2, width: width.saturating_sub(4), height: 1, ..outer }, buffer);
    Rect { x: outer.x + 2, y: outer.y + 1, width: width.saturating_sub(4), height: height.saturating_sub(2) }
}

/// A box is not wider than text is read well; where only slivers of the page would be left beside it, it takes all.
fn box_width(area: Rect) -> u16 {
    if area.width < BOX + 2 * SLIVER { area.width } else { BOX }
}

/// Columns of text inside a box.
pub(super) fn inner_width(area: Rect) -> usize {
    usize::from(box_width(area).saturating_sub(4))
}

/// Draws a field in the last rows of a box, after `before`; at least one row of it is always there.
pub(super) fn write_field(before: &str, field: &TextArea<'_>, area: Rect, buffer: &mut Buffer) {
    let taken = count(columns(before)).min(area.width.saturating_sub(8));
    // More was typed than there is room for: what is not in sight is marked.
    let long = taken > 1 && field_rows(before, field, usize::from(area.width)) < rows_of(before, field, area);
    let before = if long { "…› " } else { before };
    buffer.set_stringn(area.x, area.y, before, usize::from(taken), style(Tone::Plain));
    let area = Rect { x: area.x + taken, width: area.width - taken, ..area };
    field.render(area, buffer);
}

/// Rows that a field needs.
pub(super) fn field_rows(before: &str, field: &TextArea<'_>, width: usize) -> usize {
    let room = width.saturating_sub(columns(before).min(width.saturating_sub(8))).max(1);
    (columns(&typed(field)) + 1).div_ceil(room).clamp(1, 5)
}

/// Rows that all of it would take.
fn rows_of(before: &str, field: &TextArea<'_>, area: Rect) -> usize {
    let room = usize::from(area.width).saturating_sub(columns(before)).max(1);
    (columns(&typed(field)) + 1).div_ceil(room)
}

/// A line to be typed.
pub(super) fn prompt(view: View<'_>, prompt: &Prompt, area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    if let Some(before) = in_a_row(&prompt.ask) {
        let row = Rect { y: area.bottom() - 1, height: 1, ..area };
        clear(row, buffer);
        write_field(before, &prompt.field, row, buffer);
        return;
    }
    let width = inner_width(area);
    let (title, mut rows) = words(view, &prompt.ask, width);
    let choosing = matches!(prompt.ask, Ask::Judge { .. });
    let mut foot = Vec::new();
    if let Some(note) = &prompt.note {
        foot.extend(in_rows(note, Tone::Bad, width, MOST_NOTE));
    } else if let Some(words) = view.not_here() {
        foot.push(fit_line(Line::from(say(words, Tone::Quiet)), width));
    } else if let Ask::Sure(sure) = &prompt.ask {
        let words = format!("Empty line or Esc: not now, {}.", without(sure));
        foot.extend(in_rows(&words, Tone::Quiet, width, 2));
    } else if let Some(draft) = view.app.places.draft(&prompt.ask).filter(|_| typed(&prompt.field).is_empty())
    {
        let line = Line::from(vec![
            say("↑", Tone::Key),
            say(format!(" brings back your words from before: {}", plain(draft)), Tone::Quiet),
        ]);
        foot.push(fit_line(line, width));
    }
    let before = match &prompt.ask {
        Ask::Sure(_) => "Type y to go on:  ",
        _ => "›  ",
    };
    let field_rows = if choosing { 0 } else { field_rows(before, &prompt.field, width) };
    rows.push(Line::default());
    let bottom = field_rows + foot.len() + usize::from(choosing);
    let inner = frame(&view.titled(&title), rows.len() + bottom, Tone::Plain, area, buffer);
    let mut top = inner;
    let bottom = super::cut_bottom(&mut top, count(bottom));
    seen.popup_rows = rows.len();
    seen.popup_height = usize::from(top.height);
    write_scrolled(&rows, prompt.scroll, ("PgUp", "PgDn"), top, buffer);
    let mut rest = bottom;
    if choosing && view.theirs.is_some() {
        write_rows(&foot, rest, buffer);
    } else if choosing {
        let line = Line::from(vec![
            say("y", Tone::Key),
            Span::raw(" yes, it holds    "),
            say("n", Tone::Key),
            Span::raw(" no, it does not"),
        ]);
        foot.insert(0, line);
        write_rows(&foot, rest, buffer);
    } else {
        let field = super::cut_top(&mut rest, count(field_rows));
        write_field(before, &prompt.field, field, buffer);
        write_rows(&foot, rest, buffer);
    }
}

/// What stands before a field that takes one row above the keys only: what it is about stays in sight.
pub(super) fn in_a_row(ask: &Ask) -> Option<&'static str> {
    match ask {
        Ask::FindText => Some(" find in this output:  "),
        Ask::GoTo => Some(" go to (50 %, 3.1 GB):  "),
        _ => None,
    }
}

/// The title and the explanation of a prompt. Every one of them says what an empty line does: nothing.
fn words(view: View<'_>, ask: &Ask, width: usize) -> (String, Vec<Line<'static>>) {
    let session = &view.app.session;
    let name = |place: usize| plain(&view::step_name(session, place));
    let item = |place| {
        let item = super::detail::item_at_hand(session, place);
        item.map(|item| format!(" for {}", plain(&item))).unwrap_or_default()
    };
    let mut extra: Vec<Line<'static>> = Vec::new();
    let (title, text) = match ask {
        Ask::Note => ("A note".to_owned(), "It goes into the log, for everyone to read.".to_owned()),
        Ask::Hold => {
            ("Hold".to_owned(), "Why? Nothing starts until it is released; what runs goes on.".to_owned())
        }
        Ask::Release => {
            for hold in &session.holds {
                let why = format!("{}: {}", plain(&hold.by.name), plain(&hold.why));
                let rows = wrap(&why, width.saturating_sub(4)).into_iter().map(Line::raw).collect();
                extra.extend(hang(vec![Span::raw("  ⏸ ")], rows));
            }
            ("Release every hold".to_owned(), "Other people called a hold. What has been settled?".to_owned())
        }
        Ask::Skip(place) => {
            let model = &session.runbook.steps[*place];
            let closes = if model.optional {
                "It is optional: skipping it closes nothing."
            } else {
                "Hold points after it, and what requires it, stay shut."
            };
            (format!("Skip {}", name(*place)), format!("Why is it passed by? {closes}"))
        }
        Ask::Fail(place) => {
            (format!("{} did not work{}", name(*place), item(*place)), "What happened?".to_owned())
        }
        Ask::Done(place) => (
            format!("{} is done{}", name(*place), item(*place)),
            "Type y, or words for the log: what was done, what was seen.".to_owned(),
        ),
        Ask::Value(place) => {
            let capture = session.runbook.steps[*place].capture.as_ref();
            let name_of = capture.map(|capture| capture.name.to_string()).unwrap_or_default();
            let pattern = capture.and_then(|capture| capture.pattern.as_ref());
            let form =
                pattern.map(|pattern| format!(" It must match {}.", plain(pattern))).unwrap_or_default();
            (
                format!("{}{}: its value", name(*place), item(*place)),
                format!("What is {name_of}? Later steps use it.{form}"),
            )
        }
        Ask::Resolve { step, done: true } => {
            (format!("{} finished", name(*step)), "What did you see that says so?".to_owned())
        }
        Ask::Resolve { step, done: false } => {
            (format!("Nothing came of {}", name(*step)), "What did you see that says so?".to_owned())
        }
        Ask::Attest(check) | Ask::Judge { check, .. } => {
            let model = session.check_at(check.check.as_str()).map(|place| &session.runbook.checks[place]);
            let question = model.and_then(|model| match &model.probe {
                Probe::Attest { question, .. } => Some(view::filled(session, question)),
                _ => None,
            });
            let title = model.map(|model| view::filled(session, &model.title)).unwrap_or_default();
            extra = wrap_spans(&[say(plain(&question.unwrap_or_default()), Tone::Strong)], width);
            let item = check.item.as_ref().map(|item| format!(" — {}", plain(item))).unwrap_or_default();
            let text = match ask {
                Ask::Judge { words, .. } => format!("“{}”", plain(words)),
                _ => "Say what you saw, in your words. Yes or no comes next; both go into the log under your name."
                    .to_owned(),
            };
            (format!("{}{item}", plain(&title)), text)
        }
        Ask::Refuse(place) => (
            format!("Refuse {}", name(*place)),
            "Why? Nothing that was approved counts then, until the operator asks anew.".to_owned(),
        ),
        Ask::Handover => (
            "Hand over".to_owned(),
            "Who is the operator from now? The name of an account. What was approved is void then."
                .to_owned(),
        ),
        Ask::Abort => (
            "Give the walk up".to_owned(),
            "Why? Nothing starts any more but undos. What runs goes on to its end.".to_owned(),
        ),
        Ask::Secret(name) => (
            format!("The secret {name}"),
            "It is kept in the host's memory only, and written nowhere.".to_owned(),
        ),
        Ask::FindText | Ask::GoTo => Default::default(),
        Ask::SaveTo(_) => {
            let (label, size) =
                view.app.output.as_ref().map(|o| (o.label.clone(), o.total)).unwrap_or_default();
            (
                format!("Save {label}"),
                format!(
                    "Into which file? {} as the command wrote them, control sequences too. A path from where you \
                     started onbelay, or ~/…; no file is overwritten.",
                    size_in_words(size)
                ),
            )
        }
        Ask::Sure(sure) => return sure_words(view, sure, width),
    };
    let mut rows = extra;
    if !rows.is_empty() {
        rows.push(Line::default());
    }
    rows.extend(wrap(&text, width).into_iter().map(Line::raw));
    (title, rows)
}

fn sure_words(view: View<'_>, sure: &Sure, width: usize) -> (String, Vec<Line<'static>>) {
    let session = &view.app.session;
    let name = |place: usize| plain(&view::step_name(session, place));
    let mut extra = Vec::new();
    let (title, text) = match sure {
        Sure::RunAgain(place) => {
            if let Some(call) = &session.runbook.steps[*place].run {
                extra = script::rows(view, call, "it will run", width).to_vec();
            }
            (
                format!("Run {} again", name(*place)),
                "It is behind us. Run it once more, through its gate?".to_owned(),
            )
        }
        Sure::ByHand(place) => (
            format!("{} by hand", name(*place)),
            "You do what the script would do. Same gate; every report will say so.".to_owned(),
        ),
        Sure::Undo(place) => {
            match session.runbook.steps[*place].undo.as_ref().map(|undo| &undo.work) {
                Some(UndoWork::Script(call)) => {
                    extra = script::rows(view, call, "it will run", width).to_vec();
                }
                Some(UndoWork::Words(words)) => {
                    extra = wrap(&plain(&view::filled(session, words)), width)
                        .into_iter()
                        .map(Line::raw)
                        .collect();
                }
                None => {}
            }
            (format!("Undo {}", name(*place)), "Take it back now?".to_owned())
        }
        Sure::Stop(place) => (
            format!("Stop {}", name(*place)),
            "All its processes get TERM now, and KILL 10 s later. It is failed then.".to_owned(),
        ),
        Sure::Refuse { step, words } => (
            format!("Refuse {}", name(*step)),
            format!("Refuse with these words? “{}” Nothing that was approved counts then.", plain(words)),
        ),
        Sure::Handover(to) => (
            format!("Hand over to {}", plain(to)),
            format!(
                "From then on {} starts, ends and skips steps, and you do not. Every approval is void. Hand over?",
                plain(to)
            ),
        ),
        Sure::Copy(clip) => {
            let (lines, size) = (clip.lines, size_in_words(clip.text.len() as u64));
            for (name, line) in [("first", clip.text.lines().next()), ("last", clip.text.lines().next_back())]
            {
                let line =
                    [say(format!("{name:<6}"), Tone::Quiet), Span::raw(plain(line.unwrap_or_default()))];
                extra.push(fit_line(Line::from(line.to_vec()), width));
            }
            (
                "Copy".to_owned(),
                format!(
                    "Copy the {lines} lines on the screen, {size}, to your terminal's clipboard? Whole lines: also \
                     what is cut on the screen."
                ),
            )
        }
        Sure::Leave => (
            "Leave".to_owned(),
            "You approved a start that has not begun. Leave, and your approval is void.".to_owned(),
        ),
        Sure::Finish => ("Finish".to_owned(), "Every step is done or skipped. Close the session?".to_owned()),
    };
    let mut rows: Vec<Line<'static>> = wrap(&text, width).into_iter().map(Line::raw).collect();
    rows.extend(extra);
    (title, rows)
}

/// What does not happen where a question is not answered with yes.
fn without(sure: &Sure) -> &'static str {
    match sure {
        Sure::RunAgain(_) | Sure::ByHand(_) | Sure::Undo(_) => "nothing is run",
        Sure::Stop(_) => "nothing is stopped",
        Sure::Refuse { .. } => "nothing is refused",
        Sure::Handover(_) => "nothing is handed over",
        Sure::Copy(_) => "nothing is copied",
        Sure::Leave => "you stay",
        Sure::Finish => "nothing is closed",
    }
}

/// One of several checks.
pub(super) fn choose(view: View<'_>, choose: &Choose, area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    let width = inner_width(area);
    let session = &view.app.session;
    let (mut states, mut names) = (0, 0);
    for check in &choose.checks {
        let place = session.check_at(check.check.as_str());
        let found = place.map(|place| view::check_of(session, place, check.item.as_deref(), view.now));
        states = states.max(found.map_or(1, |found| columns(of_check(found.state).0)));
        names = names.max(columns(&plain(&check_name(check))));
    }
    // Titles stand under each other, unless a name takes half of the row.
    let names = names.min(width / 2);
    let rows: Vec<Line<'static>> = choose
        .checks
        .iter()
        .map(|check| {
            let place = session.check_at(check.check.as_str());
            let found = place.map(|place| view::check_of(session, place, check.item.as_deref(), view.now));
            let (mark, tone, word) =
                found.as_ref().map_or(("?", Tone::Quiet, ""), |found| of_check(found.state));
            let title = place.map(|place| view::filled(session, &session.runbook.checks[place].title));
            let left = vec![
                say(format!(" {mark:<states$} "), tone),
                say(format!("{:<names$}", plain(&check_name(check))), Tone::Strong),
                say(format!("  {}", plain(&title.unwrap_or_default())), Tone::Quiet),
            ];
            let age = found.map(|found| gate::age(view, &found, word)).unwrap_or_default();
            between(Line::from(left), Line::from(say(format!("{age} "), Tone::Quiet)), width)
        })
        .collect();
    let title = match choose.purpose {
        Purpose::Check => "Which check is to be asked?",
        Purpose::Attest => "Which question do you answer?",
    };
    let inner = frame(&view.titled(title), rows.len(), Tone::Plain, area, buffer);
    cursor_list(&rows, choose.cursor, inner, buffer, seen);
}

/// Rows of which one is selected, kept in sight.
pub(super) fn cursor_list(
    rows: &[Line<'static>],
    cursor: usize,
    area: Rect,
    buffer: &mut Buffer,
    seen: &mut Seen,
) {
    let height = usize::from(area.height);
    seen.popup_rows = rows.len();
    seen.popup_height = height;
    let top = cursor.saturating_sub(height / 2).min(rows.len().saturating_sub(height));
    write_scrolled(rows, top, ARROWS, area, buffer);
    hit_rows(top, rows.len(), area, seen);
    let row = Rect { y: area.y + count(cursor - top), height: 1, ..area };
    if area.height > 0 {
        super::select_row(row, buffer);
    }
}

/// The rows of a list on top, from row `top` of `count`, can be clicked.
pub(super) fn hit_rows(top: usize, count: usize, area: Rect, seen: &mut Seen) {
    let rows = (top..count).zip(area.top()..area.bottom());
    seen.hits.extend(rows.map(|(row, y)| (Rect { y, height: 1, ..area }, Hit::Row(row))));
}

/// A refusal, with everything that is not met.
pub(super) fn refused(view: View<'_>, refused: &Refused, area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    let width = inner_width(area);
    let mut rows = wrap_spans(&[say(plain(&refused.sentence), Tone::Strong)], width);
    rows.push(Line::default());
    let way_on = witness::way_on(view, refused, width);
    let waits = !way_on.is_empty() && witness::only_people(&refused.unmet);
    let listed = said_once(&refused.unmet).filter(|unmet| match unmet.kind {
        Kind::Witness => way_on.is_empty(),
        // Nothing is typed before the second person answers.
        Kind::Confirm => !waits,
        _ => true,
    });
    let before = rows.len();
    for requirement in listed {
        rows.extend(gate::plain_rows(requirement, &gate::fix(view, requirement), width));
    }
    if rows.len() > before {
        rows.push(Line::default());
    }
    if !way_on.is_empty() {
        rows.extend(way_on);
        rows.push(Line::default());
    }
    if refused.unmet.is_empty() && never_starts(view.app, view.app.selected) {
        let way = [
            Span::raw("You approved it. Close this, then  "),
            say(keys::shown_for(Verb::Handover), Tone::Key),
            Span::raw("  hands over to somebody else, who may start it."),
        ];
        rows.extend(wrap_spans(&way, width));
        rows.push(Line::default());
    }
    let text = match refused.n {
        Some(0) => "Nothing was run.".to_owned(),
        Some(n) => format!("Nothing was run but checks; this is in the log (record {n})."),
        None => "Nothing was run but checks.".to_owned(),
    };
    rows.extend(wrap(&text, width).into_iter().map(|row| Line::from(say(row, Tone::Quiet))));
    let title = if waits { "Not yet: a second person must approve it" } else { "Refused" };
    let inner = frame(&view.titled(title), rows.len(), Tone::Plain, area, buffer);
    seen.popup_rows = rows.len();
    seen.popup_height = usize::from(inner.height);
    write_scrolled(&rows, refused.scroll, ARROWS, inner, buffer);
}

/// A step or a record to be found: one row above the keys.
pub(super) fn search(view: View<'_>, search: &Search, area: Rect, buffer: &mut Buffer) {
    let row = Rect { y: area.bottom() - 1, height: 1, ..area };
    clear(row, buffer);
    let (note, tone) = match &view.app.notice {
        Some(notice) => (format!("  {} ", notice.text), Tone::Bad),
        None if search.found.is_empty() => (String::new(), Tone::Quiet),
        None => (format!("  {} of {} ", search.at + 1, search.found.len()), Tone::Strong),
    };
    let taken = count(columns(&note)).min(row.width / 2);
    buffer.set_stringn(row.right() - taken, row.y, &note, usize::from(taken), style(tone));
    let before = if view.app.screen == Screen::Log { " find a record:  " } else { " find a step:  " };
    write_field(before, &search.field, Rect { width: row.width - taken, ..row }, buffer);
}
