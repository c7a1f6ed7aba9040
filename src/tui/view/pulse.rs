//! Signs of life: how long something has been going on, how long it is to take, how far it is, and how much of the walk
//! is left. PURE.
//!
//! A bar is drawn only where there is something to measure it by. Over its measure it says so in words.

use std::time::Duration;

use ratatui::text::{Line, Span};

use crate::session::Session;
use crate::session::estimate::{self, Source};
use crate::session::event::{AskMode, How};
use crate::session::state::{Phase, Progress, Running, Stage};
use crate::session::view as walk;
use crate::time::{Moment, Timestamp, in_words, stopwatch};
use crate::tui::app::App;
use crate::tui::theme::Tone;

use super::View;
use super::shape::{columns, line_columns, plain, say};

/// Cells of a bar: as many as are wanted, and the fewest that still tell something.
const BAR: usize = 15;
const SHORTEST_BAR: usize = 6;

/// A command's end by its `timeout` is announced when no more than this is left, or a fifth of it.
const NEAR: Duration = Duration::from_mins(1);

/// The records that started what is late now.
pub(super) fn late(app: &App, now: Moment) -> Vec<u64> {
    let of = |(place, step): (usize, &crate::session::state::StepState)| match &step.progress {
        Progress::Running(running) if walk::late_by(&app.session, place, now).is_some() => {
            Some(running.start_n)
        }
        _ => None,
    };
    app.session.steps.iter().enumerate().filter_map(of).collect()
}

/// By how much a step that is over was late.
pub(super) fn was_late(session: &Session, place: usize) -> Option<Duration> {
    let limit = session.runbook.steps.get(place)?.expect_within?;
    let step = &session.steps[place];
    matches!(step.progress, Progress::Done | Progress::Failed).then_some(())?;
    let by = step.started?.age(step.settled?)?.checked_sub(limit)?;
    (by.as_secs() > 0).then_some(by)
}

/// How long the step at `place` has been running.
pub(super) fn elapsed(view: View<'_>, place: usize) -> Duration {
    view.app.session.steps[place].started.and_then(|at| at.age(view.now)).unwrap_or_default()
}

/// `7:12 of about 12:00, as before ▓▓▓▓▓▓▓▓▓░░░░░░`, or `7:12, late after 12:00` where no walk before tells or it is late, in
/// no more than `room` columns where that can be.
pub(super) fn clock(view: View<'_>, place: usize, room: usize) -> Line<'static> {
    let elapsed = elapsed(view, place);
    let session = &view.app.session;
    let Some(expected) = estimate::of_step(session, &view.app.past, place) else {
        return Line::from(say(stopwatch(elapsed), Tone::Live));
    };
    let limit = estimate::written(session, place);
    let over = over(elapsed, expected.length, limit);
    let late = limit.filter(|limit| elapsed >= *limit);
    // By how much it is late is told from the limit: beside another measure the two would not add up.
    let (of, before) = match (late, expected.source) {
        (Some(limit), _) => (format!(", late after {}", stopwatch(limit)), ""),
        (None, Source::Before) => (format!(" of about {}", stopwatch(expected.length)), ", as before"),
        (None, Source::Written) => (format!(", late after {}", stopwatch(expected.length)), ""),
    };
    let late = late.is_some();
    let tone = if late { Tone::Alarm } else { Tone::Live };
    let mut line = Line::from(vec![say(stopwatch(elapsed), tone), Span::raw(of)]);
    let taken = |line: &Line<'static>| {
        line_columns(line) + over.as_ref().map_or(0, |over| columns(&over.content) + 1)
    };
    if late && taken(&line) > room {
        // By how much it is late goes before the limit.
        line.spans.truncate(1);
    }
    if taken(&line) + columns(before) + 1 + SHORTEST_BAR <= room {
        line.spans.push(say(before, Tone::Quiet));
    }
    let cells = room.saturating_sub(taken(&line) + 1).min(BAR);
    if cells >= SHORTEST_BAR {
        line.spans.push(Span::raw(" "));
        line.spans.extend(bar(part(elapsed.as_millis(), expected.length.as_millis(), cells), cells));
    }
    if let Some(over) = over {
        line.spans.push(Span::raw(" "));
        line.spans.push(over);
    }
    line
}

/// That something takes longer than it was to: than the runbook allows for, else than it took before.
fn over(elapsed: Duration, length: Duration, limit: Option<Duration>) -> Option<Span<'static>> {
    if let Some(late) = limit.and_then(|limit| elapsed.checked_sub(limit)).filter(|late| late.as_secs() > 0) {
        return Some(say(format!(" late by {} ", stopwatch(late)), Tone::Alarm));
    }
    let over = elapsed.checked_sub(length).filter(|over| over.as_secs() > 0)?;
    Some(say(format!("{} over", stopwatch(over)), Tone::Warn))
}

/// How many of `cells` are full.
fn part(of: u128, all: u128, cells: usize) -> usize {
    let all_cells = cells as u128;
    let full = of.saturating_mul(all_cells).checked_div(all).unwrap_or(all_cells).min(all_cells);
    usize::try_from(full).unwrap_or(cells)
}

fn bar(full: usize, cells: usize) -> [Span<'static>; 2] {
    [say("▓".repeat(full), Tone::Live), say("░".repeat(cells.saturating_sub(full)), Tone::Quiet)]
}

/// What a running step is at besides, each in a few words: its item, its try, its end by `timeout`.
pub(super) fn doing(view: View<'_>, place: usize, running: &Running) -> Vec<Span<'static>> {
    let session = &view.app.session;
    let model = &session.runbook.steps[place];
    let mut all = Vec::new();
    let tries = model.retry.map_or(1, |retry| retry.times + 1);
    match &running.phase {
        Phase::Retrying { since, pause } => {
            let left = pause.saturating_sub(since.age(view.now).unwrap_or_default());
            let next = format!(
                "try {} of {tries} failed; try {} in {}",
                running.retry + 1,
                running.retry + 2,
                in_words(left)
            );
            all.push(say(next, Tone::Warn));
        }
        _ if running.retry > 0 => {
            all.push(say(format!("try {} of {tries}", running.retry + 1), Tone::Quiet));
        }
        _ => {}
    }
    if !matches!(running.phase, Phase::Retrying { .. })
        && let Some(doing) = walk::doing(session, place).filter(|doing| doing != "running")
    {
        all.push(say(plain(&doing), Tone::Quiet));
    }
    if let Some(left) = killed_in(view, place, running) {
        all.push(say(format!("killed in {}", stopwatch(left)), Tone::Warn));
    }
    if running.stop_asked {
        all.push(say("asked to stop", Tone::Warn));
    }
    let mut line = Vec::new();
    for (n, span) in all.into_iter().enumerate() {
        if n > 0 {
            line.push(say("   ", Tone::Quiet));
        }
        line.push(span);
    }
    line
}

/// How long until `timeout` ends the command, where that is near. When an item was started is not told to screens: of
/// items the first is known.
fn killed_in(view: View<'_>, place: usize, running: &Running) -> Option<Duration> {
    let timeout = view.app.session.runbook.steps[place].timeout?;
    let works = running.phase == Phase::Working && running.how == How::Script && running.next_item == 0;
    let left = works.then(|| timeout.saturating_sub(elapsed(view, place)))?;
    (left <= NEAR.max(timeout / 5)).then_some(left)
}

/// How far the items of a running step are: `3 of 8`.
pub(super) fn items(running: &Running) -> Option<String> {
    let all = running.items.len();
    let at = usize::try_from(running.next_item).ok()?;
    (all > 0).then(|| format!("{} of {all}", (at + 1).min(all)))
}

/// How long the checks before a start have been asked for, and how long that is to take.
pub(super) fn wish(view: View<'_>, place: usize) -> Option<String> {
    let session = &view.app.session;
    let since = session.steps[place].request.as_ref()?.at.age(view.now)?;
    let asked = (0..session.checks.len()).filter(|check| session.checks[*check].asking.is_some());
    let expected: Option<Vec<Duration>> =
        asked.map(|check| estimate::of_asking(session, &view.app.past, check)).collect();
    let of = expected.and_then(|all| all.into_iter().max()).map(|of| format!(" of about {}", stopwatch(of)));
    Some(format!("{}{}", stopwatch(since), of.unwrap_or_default()))
}

/// How the asking of a check goes, in no more than `room` columns: for how long, of how long, how far.
pub(super) fn asking(view: View<'_>, check: usize, room: usize) -> Line<'static> {
    let session = &view.app.session;
    let Some(asking) = &session.checks[check].asking else {
        return Line::from(say("being asked", Tone::Quiet));
    };
    let since = asking.since.age(view.now).unwrap_or_default();
    let model = &session.runbook.checks[check];
    if let Some(wait) = model.wait.filter(|_| asking.mode == AskMode::Patient) {
        let left = stopwatch(wait.up_to.saturating_sub(since));
        let steady = wait.steady.map(|steady| format!(" for {}", in_words(steady))).unwrap_or_default();
        let texts = [
            format!("{} · until it holds{steady}, at most {left} more", stopwatch(since)),
            format!("{} · at most {left} more", stopwatch(since)),
            stopwatch(since),
        ];
        return Line::from(say(first_that_fits(texts, room), Tone::Live));
    }
    let expected = estimate::of_asking(session, &view.app.past, check);
    let mut words = format!("asked for {}", stopwatch(since));
    if let Some(expected) = expected {
        words = format!("{} of about {}", stopwatch(since), stopwatch(expected));
        if let Some(over) = since.checked_sub(expected).filter(|over| over.as_secs() > 0) {
            words = format!("{words}, {} over", stopwatch(over));
        }
    }
    let items = asking.open.len();
    let done = session.checks[check].answers.values().filter(|given| given.asked_n == asking.n).count();
    if items + done > 1 {
        words = format!("{done} of {} · {words}", items + done);
    }
    let mut line = Line::from(say(first_that_fits([words, stopwatch(since)], room), Tone::Live));
    let cells = room.saturating_sub(line_columns(&line) + 1).min(BAR);
    if cells >= SHORTEST_BAR
        && let Some(full) = far(view.app, check, since, expected, cells)
    {
        line.spans.push(Span::raw(" "));
        line.spans.extend(bar(full, cells));
    }
    line
}

/// How much of a bar is full: by what was read, where that is known, else by time.
fn far(app: &App, check: usize, since: Duration, expected: Option<Duration>, cells: usize) -> Option<usize> {
    let id = &app.session.runbook.checks[check].id;
    let read = app.far.get(&(id.clone(), None)).and_then(|far| Some((far.bytes, far.of_bytes?)));
    match (read, expected) {
        (Some((bytes, of)), _) if of > 0 => Some(part(bytes.into(), of.into(), cells)),
        (_, Some(expected)) => Some(part(since.as_millis(), expected.as_millis(), cells)),
        _ => None,
    }
}

fn first_that_fits<const N: usize>(texts: [String; N], room: usize) -> String {
    let shortest = texts.last().cloned().unwrap_or_default();
    texts.into_iter().find(|text| columns(text) <= room).unwrap_or(shortest)
}

/// How much of the walk is left, with and without the time of day at which it is over. Of a walk of which little is
/// known nothing is said here: five seconds of one step are no measure of a night.
pub(super) fn left(view: View<'_>) -> Option<(String, String)> {
    let left = estimate::left(&view.app.session, &view.app.past, view.now)?;
    if left.length.is_zero() || !left.tells() {
        return None;
    }
    let about = if left.is_whole() { "about" } else { "at least" };
    let short = format!("{about} {} left", in_words(left.length));
    // While somebody holds, nobody knows when it goes on.
    if !left.is_whole() || !view.app.session.holds.is_empty() {
        return Some((short.clone(), short));
    }
    Some((format!("{short}, till {} UTC", time_of_day(view.now, left.length)), short))
}

fn time_of_day(now: Moment, after: Duration) -> String {
    let millis = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
    let clock = Timestamp::from_millis(now.at.millis().saturating_add(millis)).clock();
    clock.get(..5).unwrap_or_default().to_owned()
}

/// What is known of the walk's time, in sentences.
pub(super) fn about(view: View<'_>) -> Vec<String> {
    let session = &view.app.session;
    let since = session.opened_at.age(view.now).unwrap_or_default();
    let mut lines = vec![format!("opened at {} UTC, {} ago", session.opened_at.at.clock(), in_words(since))];
    if session.stage != Stage::Open {
        return lines;
    }
    let Some(left) = estimate::left(session, &view.app.past, view.now) else {
        if ahead(session) > 0 {
            lines.push(
                "how long the rest takes is not known: the runbook gives no times ahead, and there is no earlier walk \
                 to go by"
                    .to_owned(),
            );
        }
        return lines;
    };
    let from = known_from(left, view.app.past.walks());
    let length = in_words(left.length);
    if left.is_whole() {
        let till = time_of_day(view.now, left.length);
        lines.push(format!(
            "about {length} left, {from}: till {till} UTC; what people take between two steps is not in it"
        ));
        return lines;
    }
    let mut why = Vec::new();
    if left.unknown > 0 {
        let steps = if left.ahead == 1 { "step" } else { "steps" };
        why.push(format!(
            "of {} of the {} {steps} ahead nobody knows how long they take",
            left.unknown, left.ahead
        ));
    }
    if left.over {
        why.push("what runs takes longer than it was to".to_owned());
    }
    let known = match (left.unknown, left.ahead) {
        (0, _) => String::new(),
        (_, 1) => format!("{} of 1 step known: ", left.known()),
        (_, ahead) => format!("{} of {ahead} steps known: ", left.known()),
    };
    lines.push(format!("{known}at least {length} left, {from}; {}", why.join(", and ")));
    lines
}

/// Where the times come from: never from a walk before for a step that it did not walk.
fn known_from(left: estimate::Left, walks: usize) -> String {
    let before = match walks {
        1 => "by what it took the last time".to_owned(),
        walks => format!("by what it took the last {walks} times"),
    };
    match (left.written, left.known().saturating_sub(left.written)) {
        (0, _) => before,
        (_, 0) => "by no more than the most that the runbook allows for (`expect_within`)".to_owned(),
        (1, _) => format!("{before}, and for 1 step by the most that the runbook allows for"),
        (written, _) => format!("{before}, and for {written} steps by the most that the runbook allows for"),
    }
}

fn ahead(session: &Session) -> usize {
    let behind = |progress: &Progress| matches!(progress, Progress::Done | Progress::Skipped);
    session.steps.iter().filter(|step| !behind(&step.progress)).count()
}
