//! The list of steps: where we are. PURE.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use crate::session::estimate;
use crate::session::state::Progress;
use crate::session::view::{self, StepStatus};
use crate::time::stopwatch;
use crate::tui::mouse::Hit;
use crate::tui::theme::{Tone, of_step, style};

use super::shape::{between, columns, fit_line, line_columns, plain, say};
use super::{Seen, View, count, pulse, write_line, write_rows};

/// A row of the list.
#[derive(Clone, Copy)]
enum Row {
    Phase(usize),
    Step(usize),
}

/// Draws the part of the list around the selected step.
pub(super) fn draw(view: View<'_>, area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    let height = usize::from(area.height);
    seen.list_height = height;
    let (rows, selected) = window(view, height);
    let width = usize::from(area.width);
    let lines: Vec<Line<'static>> = rows
        .iter()
        .map(|row| match row {
            Row::Phase(phase) => heading(view, *phase, width),
            Row::Step(step) => step_row(view, *step, width),
        })
        .collect();
    write_rows(&lines, area, buffer);
    seen.hits.push((area, Hit::List));
    for (row, y) in rows.iter().zip(area.top()..area.bottom()) {
        if let Row::Step(step) = row {
            seen.hits.push((Rect { y, height: 1, ..area }, Hit::Step(*step)));
        }
    }
    if let Some(at) = selected {
        let row = Rect { y: area.y + count(at), height: 1, ..area };
        super::select_row(row, buffer);
    }
    marks(view, &rows, area, buffer);
}

/// The rows in sight, and which of them is selected.
fn window(view: View<'_>, height: usize) -> (Vec<Row>, Option<usize>) {
    let steps = &view.app.session.runbook.steps;
    let phase_before = |place: usize| if place == 0 { None } else { steps[place - 1].phase };
    let opens = |place: usize| steps[place].phase.filter(|phase| Some(*phase) != phase_before(place));
    // Only so many steps as could be in sight are looked at, to both sides of the selected one.
    let selected = view.app.selected;
    let mut rows = Vec::new();
    let from = selected.saturating_sub(height);
    let to = (selected + height + 1).min(steps.len());
    let mut at = 0;
    for place in from..to {
        rows.extend(opens(place).map(Row::Phase));
        if place == selected {
            at = rows.len();
        }
        rows.push(Row::Step(place));
    }
    let top = at.saturating_sub(height / 2).min(rows.len().saturating_sub(height));
    let sight: Vec<Row> = rows.into_iter().skip(top).take(height).collect();
    (sight, (!steps.is_empty()).then(|| at - top))
}

/// Where steps are out of sight, the edge says how many.
fn marks(view: View<'_>, rows: &[Row], area: Rect, buffer: &mut Buffer) {
    let steps = || rows.iter().filter_map(|row| if let Row::Step(step) = row { Some(*step) } else { None });
    let (Some(first), Some(last)) = (steps().next(), steps().next_back()) else { return };
    let mut mark = |text: String, y: u16| {
        let width = count(columns(&text)).min(area.width);
        let place = Rect { x: area.right() - width, y, width, height: 1 };
        write_line(&Line::from(say(text, Tone::Quiet)), place, buffer);
    };
    if first > 0 {
        mark(format!(" ↑ {first} more"), area.top());
    }
    let below = view.app.session.steps.len() - 1 - last;
    if below > 0 {
        mark(format!(" ↓ {below} more"), area.bottom() - 1);
    }
}

fn heading(view: View<'_>, phase: usize, width: usize) -> Line<'static> {
    let text = view.app.session.runbook.phases.get(phase).map(|text| view::filled(&view.app.session, text));
    let text = plain(&text.unwrap_or_default()).to_uppercase();
    fit_line(
        Line::from(vec![Span::raw(" "), Span::styled(text, style(Tone::Quiet).add_modifier(Modifier::BOLD))]),
        width,
    )
}

fn step_row(view: View<'_>, place: usize, width: usize) -> Line<'static> {
    let session = &view.app.session;
    let model = &session.runbook.steps[place];
    let status = view::step_status(session, &view.order, place, view.now);
    let (mark, tone, _) = of_step(status);
    let title = plain(&view::filled(session, &model.title));
    let title_tone = match status {
        StepStatus::Waiting | StepStatus::Done | StepStatus::Skipped | StepStatus::Undone => Tone::Plain,
        _ => tone,
    };
    let indent = if session.runbook.phases.is_empty() { " " } else { "  " };
    let digits = session.steps.len().to_string().len();
    let mut left =
        vec![Span::raw(indent), say(mark, tone), say(format!(" {:>digits$} ", place + 1), Tone::Quiet)];
    if model.is_hold_point() {
        left.push(say("◆ ", Tone::Warn));
    }
    left.push(say(title, title_tone));
    let left = Line::from(left);
    // As much of the time as leaves the title whole; else as little as there is.
    let room = width.saturating_sub(line_columns(&left) + 2);
    let mut times = times(view, place);
    let shortest = times.pop().unwrap_or_else(|| say("", Tone::Quiet));
    let time = times.into_iter().find(|time| columns(&time.content) <= room).unwrap_or(shortest);
    between(left, Line::from(vec![time, Span::raw(" ")]), width)
}

/// How long it took, or has been going on and is to go on: the most that can be said of it first, the least last.
fn times(view: View<'_>, place: usize) -> Vec<Span<'static>> {
    let session = &view.app.session;
    let step = &session.steps[place];
    if step.request.is_some() {
        let texts = pulse::wish(view, place).map(|time| format!("checking {time}"));
        return texts.into_iter().chain(["checking".to_owned()]).map(|text| say(text, Tone::Live)).collect();
    }
    match (&step.progress, step.started) {
        (Progress::Running(running), Some(_)) => {
            let clock = stopwatch(pulse::elapsed(view, place));
            if let Some(late) = view::late_by(session, place, view.now) {
                let texts = [format!("late {} · {clock}", stopwatch(late)), format!("late {clock}")];
                return texts.map(|text| say(text, Tone::Alarm)).into();
            }
            let of = estimate::of_step(session, &view.app.past, place)
                .map(|expected| format!("{clock} of {}", stopwatch(expected.length)));
            let items = pulse::items(running);
            let both = items.as_ref().zip(of.as_ref()).map(|(items, of)| format!("{items} · {of}"));
            let items = items.map(|items| format!("{items} · {clock}"));
            let texts = [both, items, of, Some(clock)];
            texts.into_iter().flatten().map(|text| say(text, Tone::Live)).collect()
        }
        (Progress::Done | Progress::Failed, Some(started)) => {
            // Said in one go, it took no time that would tell anyone something.
            let took =
                step.settled.and_then(|settled| started.age(settled)).filter(|took| took.as_secs() > 0);
            let late = pulse::was_late(session, place).is_some();
            let (word, tone) = if late { ("late ", Tone::Warn) } else { ("", Tone::Quiet) };
            took.map(|took| say(format!("{word}{}", stopwatch(took)), tone)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}
