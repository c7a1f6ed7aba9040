//! All that is said about the selected step. PURE.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::runbook::{Template, UndoWork};
use crate::session::Session;
use crate::session::event::{Outcome, Work};
use crate::session::state::{ItemProgress, Progress};
use crate::session::view::{self, StepStatus};
use crate::time::in_words;
use crate::time::size_in_words;
use crate::tui::keys::{self, Verb};
use crate::tui::mouse::Hit;
use crate::tui::theme::{Tone, of_step};

use super::memo::Pile;
use super::shape::{between, columns, hang, line_columns, plain, say, wrap, wrap_spans};
use super::{
    Seen, View, count, cut_bottom, cut_top, gate, markdown, output, pulse, script, write_rows, write_window,
};

/// What may stand beside a title: its mark and number, its state and its clock, columns.
const BESIDE_TITLE: usize = 70;

/// Draws the step, and the end of its output where it has one.
pub(super) fn draw(view: View<'_>, area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    seen.hits.push((area, Hit::Detail));
    if view.app.session.steps.is_empty() {
        return;
    }
    let narrow = super::readable(area);
    // A title that is longer than text is set gets the room there is.
    let long = view.app.session.runbook.steps.get(view.app.selected);
    let long = long.map_or(0, |step| columns(&plain(&view::filled(&view.app.session, &step.title))));
    let head = head(view, (long + BESIDE_TITLE).clamp(usize::from(narrow.width), usize::from(area.width)));
    let mut rest = area;
    write_rows(&head, cut_top(&mut rest, count(head.len())), buffer);
    rest.width = narrow.width;
    let (area, width) = (narrow, usize::from(narrow.width));
    cut_top(&mut rest, u16::from(area.height > 10));
    let pile = body(view, width);
    let runs = matches!(view.app.session.steps[view.app.selected].progress, Progress::Running(_));
    if view.app.output.as_ref().is_some_and(|output| runs || output.total > 0) {
        // What runs gets the room; what ran, only what is left over, but never less than a look.
        let least = if runs { rest.height * 3 / 5 } else { (rest.height / 4).max(4) };
        let room =
            rest.height.saturating_sub(count(pile.len()).saturating_add(1)).max(least).min(rest.height);
        output::below(view, cut_bottom(&mut rest, room), buffer, seen);
    }
    seen.detail_rows = pile.len();
    seen.detail_height = usize::from(rest.height);
    write_window(
        pile.len(),
        |from, most| pile.window(from, most),
        view.app.detail_scroll,
        ("PgUp", "PgDn"),
        rest,
        buffer,
    );
}

/// Title and state: what the step is and where it stands.
pub(super) fn head(view: View<'_>, width: usize) -> Vec<Line<'static>> {
    let session = &view.app.session;
    let place = view.app.selected;
    let (Some(model), Some(step)) = (session.runbook.steps.get(place), session.steps.get(place)) else {
        return Vec::new();
    };
    let status = view::step_status(session, &view.order, place, view.now);
    let (mark, tone, word) = of_step(status);
    let mut left = vec![say(format!("{mark} "), tone), say(format!("{} ", place + 1), Tone::Quiet)];
    if model.is_hold_point() {
        left.push(say("◆ ", Tone::Warn));
    }
    left.push(say(plain(&view::filled(session, &model.title)), Tone::Strong));
    let kind = match (model.is_hold_point(), model.run.is_some()) {
        _ if width < 50 => "",
        (true, _) => "hold point · ",
        (false, true) => "",
        (false, false) => "by a person · ",
    };
    let mut right = vec![say(kind, Tone::Quiet), say(word, tone)];
    let running = if let Progress::Running(running) = &step.progress { Some(running) } else { None };
    let taken: usize = left.iter().chain(&right).map(|span| columns(&span.content)).sum();
    // In the row of the title, where there is room for all of it; else below.
    let beside = running.map(|_| pulse::clock(view, place, width.saturating_sub(taken + 3).max(20)));
    let beside = beside.filter(|clock| taken + 3 + line_columns(clock) <= width);
    let below = running.filter(|_| beside.is_none());
    right.extend(beside.into_iter().flat_map(|clock| [vec![Span::raw(" ")], clock.spans]).flatten());
    let mut rows = vec![between(Line::from(left), Line::from(right), width)];
    if let Some(text) = stands(view, status) {
        let first = vec![Span::raw("  ")];
        let spans = [say(text, if status == StepStatus::Failed { Tone::Bad } else { Tone::Plain })];
        rows.extend(hang(first, wrap_spans(&spans, width.saturating_sub(2))));
    }
    if below.is_some() {
        let mut clock = pulse::clock(view, place, width.saturating_sub(2));
        clock.spans.insert(0, Span::raw("  "));
        rows.push(clock);
    }
    if let Some(running) = running {
        let doing = pulse::doing(view, place, running);
        if !doing.is_empty() {
            rows.extend(hang(vec![Span::raw("  ")], wrap_spans(&doing, width.saturating_sub(2))));
        }
    } else if let Some(time) = pulse::wish(view, place) {
        let text = format!("asking its checks, {time}; then it starts or stays shut");
        rows.extend(hang(
            vec![Span::raw("  ")],
            wrap_spans(&[say(text, Tone::Live)], width.saturating_sub(2)),
        ));
    }
    rows
}

/// Why it stands where it stands.
fn stands(view: View<'_>, status: StepStatus) -> Option<String> {
    let step = &view.app.session.steps[view.app.selected];
    let ago = || {
        let settled =
            step.settled.and_then(|at| at.age(view.now)).map(|age| format!("{} ago", in_words(age)));
        settled.unwrap_or_default()
    };
    let why = plain(&step.why);
    let by_hand = if step.by_hand { "by hand" } else { "" };
    let parts: Vec<String> = match status {
        StepStatus::Waiting | StepStatus::Ready | StepStatus::Running | StepStatus::Interrupted => {
            return None;
        }
        StepStatus::Done | StepStatus::Failed | StepStatus::Skipped | StepStatus::Undone => {
            let late = pulse::was_late(&view.app.session, view.app.selected);
            let late = late.map(|by| format!("late by {}", crate::time::stopwatch(by))).unwrap_or_default();
            vec![why, late, ago(), by_hand.to_owned()]
        }
    };
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// Everything below the head, as long as it gets.
fn body(view: View<'_>, width: usize) -> Pile {
    let session = &view.app.session;
    let place = view.app.selected;
    let model = &session.runbook.steps[place];
    let status = view::step_status(session, &view.order, place, view.now);
    let mut pile = Pile::default();
    if status == StepStatus::Interrupted {
        pile.add(interrupted(view, width));
    }
    if let Some(destructive) = &model.destructive
        && !matches!(status, StepStatus::Done | StepStatus::Skipped)
    {
        let words = plain(&script::words(view, &destructive.loses));
        let words = if words.is_empty() { "This step destroys something.".to_owned() } else { words };
        pile.add(wrap_spans(&[say(words, Tone::Warn)], width));
    }
    let markdown = |text: &Template| {
        let text = script::words(view, text);
        view.app.memo.rows(&[&text, "markdown"], width, || markdown::rows(&text, width))
    };
    if place == 0 && model.about.is_empty() && status == StepStatus::Ready {
        pile.add(markdown(&session.runbook.about));
    }
    pile.add(markdown(&model.about));
    if matches!(status, StepStatus::Waiting | StepStatus::Ready | StepStatus::Failed | StepStatus::Undone) {
        pile.add(gate::rows(view, place, width));
    }
    pile.add(gate::verify_rows(view, place, width));
    pile.add(items(view, width));
    if let Some(call) = &model.run {
        let word = match status {
            StepStatus::Running => "it runs".to_owned(),
            StepStatus::Done | StepStatus::Undone | StepStatus::Interrupted => "it ran".to_owned(),
            StepStatus::Failed => "what it runs".to_owned(),
            _ => "it will run".to_owned(),
        };
        pile.add(script::rows(view, call, &word, width));
    } else if matches!(status, StepStatus::Ready | StepStatus::Running) {
        let capture = model.capture.as_ref().map(|c| format!(", and its value ({}) is asked then", c.name));
        let key = keys::shown_for(Verb::Done);
        let item = item_at_hand(session, place)
            .map(|item| format!(", now for {}", plain(&item)))
            .unwrap_or_default();
        let text = format!("A person does this{item}. {key} says it is done{}.", capture.unwrap_or_default());
        let rows = wrap(&text, width).into_iter().map(|row| Line::from(say(row, Tone::Quiet)));
        pile.add(rows.collect::<Vec<_>>());
    }
    pile.add(undo(view, status, width));
    pile.add(left_behind(view, width));
    pile
}

/// Which item of its list a running step is at: `eu (1 of 3)`.
pub(super) fn item_at_hand(session: &Session, place: usize) -> Option<String> {
    let Progress::Running(running) = &session.steps[place].progress else { return None };
    let item = running.items.get(running.next_item as usize)?;
    Some(format!("{item} ({} of {})", running.next_item + 1, running.items.len()))
}

fn interrupted(view: View<'_>, width: usize) -> Vec<Line<'static>> {
    let session = &view.app.session;
    let place = view.app.selected;
    let step = &session.steps[place];
    let mut rows =
        wrap_spans(&[say(format!("Its outcome is not known: {}", plain(&step.why)), Tone::Warn)], width);
    let started =
        step.started.map(|at| format!("It was started at {} UTC", at.at.clock())).unwrap_or_default();
    let bytes = view.app.output.as_ref().map_or(0, |output| output.total);
    let wrote = if bytes > 0 { format!(" and had written {}", size_in_words(bytes)) } else { String::new() };
    rows.extend(
        wrap(&format!("{started}{wrote}. Nothing has been run since."), width).into_iter().map(Line::raw),
    );
    let (done, fail) = (keys::shown_for(Verb::Done), keys::shown_for(Verb::Fail));
    rows.extend(wrap("Look first, then say what you saw:", width).into_iter().map(Line::raw));
    // A row each: broken in two, the one reads as the other.
    for (key, words) in [(done, "it finished"), (fail, "it did not finish")] {
        let words = wrap_spans(&[Span::raw(words)], width.saturating_sub(4 + columns(&key) + 2));
        rows.extend(hang(vec![Span::raw("    "), say(key, Tone::Key), Span::raw("  ")], words));
    }
    let checks: Vec<String> =
        session.runbook.steps[place].verify.iter().map(|id| format!("\"{id}\"")).collect();
    if !checks.is_empty() {
        let key = keys::shown_for(Verb::Check);
        let helpful = [
            Span::raw("Helpful:  "),
            say(key, Tone::Key),
            Span::raw(format!(" asks {} (a check; it changes nothing)", checks.join(", "))),
        ];
        rows.extend(wrap_spans(&helpful, width));
    }
    rows
}

fn items(view: View<'_>, width: usize) -> Vec<Line<'static>> {
    let session = &view.app.session;
    let step = &session.steps[view.app.selected];
    let Some(each) = &session.runbook.steps[view.app.selected].for_each else {
        return Vec::new();
    };
    let mark = |text: &str, progress: Option<ItemProgress>, end: String| {
        let status = match progress {
            None | Some(ItemProgress::Waiting) => StepStatus::Waiting,
            Some(ItemProgress::Running) => StepStatus::Running,
            Some(ItemProgress::Done) => StepStatus::Done,
            Some(ItemProgress::Failed) => StepStatus::Failed,
            Some(ItemProgress::Interrupted) => StepStatus::Interrupted,
            Some(ItemProgress::Undone) => StepStatus::Undone,
        };
        let (mark, tone, word) = of_step(status);
        let left = Line::from(vec![say(format!("  {mark} "), tone), Span::raw(plain(text))]);
        let right = if progress.is_some() { format!("{word}{end}") } else { String::new() };
        between(left, Line::from(say(right, Tone::Quiet)), width)
    };
    let rows: Vec<Line<'static>> = if step.items.is_empty() {
        match view::items_of(session, each) {
            Ok(items) => items.iter().map(|item| mark(item, None, String::new())).collect(),
            Err(error) => vec![Line::from(say(format!("  {}", plain(&error.to_string())), Tone::Quiet))],
        }
    } else {
        step.items
            .iter()
            .map(|item| {
                let end = item.ended.as_ref().map(|ended| outcome(&ended.outcome)).unwrap_or_default();
                mark(&item.item, Some(item.progress), end)
            })
            .collect()
    };
    let mut all =
        vec![Line::from(say(format!("Once for each {} ({})", each.name, rows.len()), Tone::Strong))];
    all.extend(rows);
    all
}

/// How a command ended, where that is not simply well.
fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Exited { code: 0 } | Outcome::Said { done: true, .. } => String::new(),
        Outcome::Exited { code } => format!(" · exit status {code}"),
        Outcome::Killed { signal } => format!(" · killed by signal {signal}"),
        Outcome::TimedOut => " · timed out".to_owned(),
        Outcome::Stopped => " · stopped".to_owned(),
        Outcome::NotStarted { why } => format!(" · not started: {}", plain(why)),
        Outcome::Said { words, .. } => format!(" · {}", plain(words)),
    }
}

fn undo(view: View<'_>, status: StepStatus, width: usize) -> Vec<Line<'static>> {
    let session = &view.app.session;
    let place = view.app.selected;
    let Some(undo) = &session.runbook.steps[place].undo else {
        return Vec::new();
    };
    let running =
        matches!(&session.steps[place].progress, Progress::Running(running) if running.work == Work::Undo);
    if !running
        && (!session.steps[place].touched || matches!(status, StepStatus::Running | StepStatus::Skipped))
    {
        return Vec::new();
    }
    let mut rows = match &undo.work {
        UndoWork::Script(call) => {
            script::rows(view, call, &format!("{} takes it back", keys::shown_for(Verb::Undo)), width)
                .to_vec()
        }
        UndoWork::Words(words) => {
            let text = format!(
                "{} takes it back, by a person: {}",
                keys::shown_for(Verb::Undo),
                plain(&script::words(view, words))
            );
            wrap(&text, width).into_iter().map(Line::raw).collect()
        }
    };
    let shut: Vec<_> = view::undo_gate(session, place, view.now)
        .into_iter()
        .filter(|requirement| !requirement.met && requirement.kind != crate::session::Kind::Confirm)
        .collect();
    for requirement in shut {
        rows.extend(gate::requirement_rows(view, &requirement, Work::Undo, width));
    }
    rows
}

fn left_behind(view: View<'_>, width: usize) -> Vec<Line<'static>> {
    let step = &view.app.session.steps[view.app.selected];
    let left = step.ended.iter().flat_map(|ended| &ended.left);
    let names: Vec<String> =
        left.map(|process| format!("{} ({})", plain(&process.name), process.pid)).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let text = format!("It left processes behind that may still be at work: {}", names.join(", "));
    wrap_spans(&[say(text, Tone::Warn)], width)
}
