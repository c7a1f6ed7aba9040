//! The last rows: what came of the last key, what keys do now, and whether the log is safe. PURE.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::session::state::{Progress, Stage};
use crate::tui::act::approval_to_answer;
use crate::tui::app::{App, Link};
use crate::tui::fit::{Fit, fit, own_questions};
use crate::tui::follow;
use crate::tui::keys::{self, Binding, Verb};
use crate::tui::mode::Page;
use crate::tui::mouse::Hit;
use crate::tui::needs;
use crate::tui::people::here;
use crate::tui::theme::Tone;
use crate::wire::messages::LogHealth;

use super::shape::{columns, fit_line, line_columns, say, wrap};
use super::{Seen, View, clear, write_line, write_rows};

/// From this many columns on the way out has a place of its own.
const ROOMY: usize = 80;

/// From this many columns on there is room for how others join.
const WIDE: usize = 100;

/// What was said last, and how it is shown.
fn said(app: &App) -> Option<(&str, Tone)> {
    match (&app.notice, &app.noted) {
        (Some(notice), _) => Some((&notice.text, if notice.bad { Tone::Bad } else { Tone::Strong })),
        (None, noted) => noted.as_ref().map(|noted| (noted.as_str(), Tone::Warn)),
    }
}

/// As many rows as what was said last takes; never so many that nothing else is seen.
pub(super) fn notice_height(app: &App, area: Rect) -> u16 {
    let most = if area.height < 20 { 2 } else { 3 };
    let width = usize::from(area.width).saturating_sub(4);
    said(app).map_or(1, |(text, _)| super::count(wrap(text, width).len()).clamp(1, most))
}

/// Draws what came of the last key, and how the log fares, into the rule above the keys. Nothing lies on anything: how
/// the log fares gives way to what is long, unless it is in danger.
pub(super) fn notice(view: View<'_>, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let log = log_sign(view);
    let log_columns = columns(&log.content);
    let width = usize::from(area.width);
    let rows = said(view.app).map_or_else(Vec::new, |(text, tone)| {
        let all = wrap(text, width.saturating_sub(4));
        let more = all.len() > usize::from(area.height);
        let mut rows: Vec<String> = all.into_iter().take(usize::from(area.height)).collect();
        if let Some(last) = rows.last_mut().filter(|_| more) {
            last.push_str(" …");
        }
        rows.into_iter()
            .map(|row| fit_line(Line::from(say(format!(" {row} "), tone)), width.saturating_sub(2)))
            .collect()
    });
    write_rows(&rows, Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area }, buffer);
    let last = area.bottom() - 1;
    let first_free = if rows.len() == usize::from(area.height) {
        area.x + 1 + super::count(rows.last().map_or(0, line_columns))
    } else {
        area.x + 1
    };
    let mut right = area.right().saturating_sub(1);
    let danger = !matches!((&view.app.health, &view.app.link), (LogHealth::Safe, Link::Up));
    let room = usize::from(right.saturating_sub(first_free));
    if log_columns <= room || danger {
        let taken = super::count(log_columns).min(right.saturating_sub(area.x));
        right -= taken;
        if first_free > right {
            // What is said ends with a mark before it.
            let short = rows.last().cloned().unwrap_or_default();
            let room = usize::from(right.saturating_sub(area.x + 1));
            clear(Rect { x: area.x + 1, y: last, width: area.width.saturating_sub(1), height: 1 }, buffer);
            write_line(
                &fit_line(short, room),
                Rect { x: area.x + 1, y: last, width: super::count(room), height: 1 },
                buffer,
            );
        }
        write_line(&Line::from(log), Rect { x: right, y: last, width: taken, height: 1 }, buffer);
    }
    let room = usize::from(right.saturating_sub(first_free + 1));
    let Some(mark) = mark(view.app) else { return };
    let whole = Line::from(vec![say(format!(" {mark} "), Tone::Key)]);
    // What was just said goes before how this screen stands; half of that would say nothing.
    if line_columns(&whole) <= room || rows.is_empty() {
        let mark = fit_line(whole, room);
        let columns = super::count(line_columns(&mark));
        let x = right.saturating_sub(columns + 1).max(area.x);
        write_line(&mark, Rect { x, y: last, width: columns, height: 1 }, buffer);
    }
}

/// How this screen stands to others, to the mouse, and to what waits elsewhere.
fn mark(app: &App) -> Option<String> {
    let waiting = if follow::follows(app) { 0 } else { needs::elsewhere(app) };
    let key = keys::shown_for(Verb::NextNeed);
    let needs = match waiting {
        0 => None,
        1 => Some(format!("{key} 1 thing needs you")),
        more => Some(format!("{key} {more} things need you")),
    };
    let freed = !app.mouse.on && app.mouse.by_key;
    let mouse = freed.then(|| format!("{} the mouse is the terminal's", keys::shown_for(Verb::Mouse)));
    let marks: Vec<String> = mouse.into_iter().chain(needs).chain(follow::mark(app)).collect();
    (!marks.is_empty()).then(|| marks.join(" · "))
}

/// What was said last, over the lower edge of a box that lies on the row in which it is said elsewhere.
pub(super) fn said_over(view: View<'_>, foot: Rect, buffer: &mut Buffer) {
    let lies_on_it = matches!(view.app.page(), Page::Help | Page::Refused | Page::Choose);
    let Some((text, tone)) = said(view.app).filter(|_| lies_on_it && foot.y > 0 && foot.width > 2) else {
        return;
    };
    let row = fit_line(Line::from(say(format!(" {text} "), tone)), usize::from(foot.width) - 2);
    let place = Rect { x: foot.x + 1, y: foot.y - 1, width: super::count(line_columns(&row)), height: 1 };
    write_rows(&[row], place, buffer);
}

/// Draws the keys that do something now, as many as there is room for.
pub(super) fn draw(view: View<'_>, area: Rect, buffer: &mut Buffer, seen: &mut Seen) {
    if area.height == 0 {
        return;
    }
    let width = usize::from(area.width);
    let page = view.app.page();
    // The way to all the rest is always there.
    // So is the chord that holds, which works everywhere.
    let chord = match no_hold(view.app) {
        None => keys::binding(Page::Walk, Verb::HoldNow).map(|binding| hint(binding.word, binding)),
        Some(why) => Some(vec![say(why, Tone::Alarm), Span::raw("  ")]),
    };
    let kept = |verb| keys::binding(page, verb).map(|binding| (hint(binding.word, binding), Some(verb)));
    // Who is tired must not look for the way out either; once all is over it comes first.
    let over = view.app.session.stage == Stage::Finished && page == Page::Walk;
    // What lies on top is somebody else's: the keys of what is below it are not for now.
    let theirs = follow::theirs(view.app).is_some();
    let leave = kept(Verb::Quit).filter(|_| width >= ROOMY && !over && !theirs);
    let last: Vec<(Vec<Span<'static>>, Option<Verb>)> =
        chord.map(|spans| (spans, None)).into_iter().chain(leave).chain(kept(Verb::Help)).collect();
    let mut line = vec![Span::raw(" ")];
    let mut used = 1;
    let mut hits = Vec::new();
    let mut rows = in_order(view.app, page);
    if theirs {
        line.extend([say("Esc", Tone::Key), Span::raw(" look away   ")]);
        used = spans_columns(&line);
        rows.clear();
    }
    let dead = rows.iter().find(|row| is_dead(view.app, row)).map(|row| {
        let words = format!("({}: not now)   ", keys::label(row.keys[0]));
        (vec![say(words, Tone::Quiet)], Some(row.verb))
    });
    // Where there is little room it gives way to what does something.
    let dead = dead.filter(|_| width >= ROOMY);
    let last: Vec<_> = dead.into_iter().chain(last).collect();
    let last_width: usize = last.iter().map(|(spans, _)| spans_columns(spans)).sum();
    let room = width.saturating_sub(last_width);
    for binding in rows {
        // Questions of other steps are answered from the list; here they would only be in the way.
        let elsewhere = binding.verb == Verb::Attest
            && own_questions(view.app) == 0
            && approval_to_answer(view.app).is_none();
        // Where the key that answers opens the very same.
        let twice = binding.verb == Verb::Approval
            && page == Page::Walk
            && approval_to_answer(view.app) == Some(view.app.selected);
        let never = twice || matches!(binding.verb, Verb::Help | Verb::Up | Verb::Hold | Verb::HoldNow);
        let shown = binding.verb == Verb::Quit && !over;
        // Where somebody is here already, or room is short, the first row has it.
        let join = binding.verb == Verb::Join
            && (width < WIDE || here(&view.app.session, &view.app.people).len() > 1);
        if never || elsewhere || shown || join {
            continue;
        }
        let word = match fit(view.app, binding.verb) {
            Fit::Yes(word) if !stands(view.app, binding.verb) => word.unwrap_or(binding.word),
            _ => continue,
        };
        let spans = hint(word, binding);
        let width = spans_columns(&spans);
        if used + width > room {
            continue;
        }
        hits.push((used, width, binding.verb));
        used += width;
        line.extend(spans);
    }
    for (spans, verb) in last {
        let width = spans_columns(&spans);
        hits.extend(verb.map(|verb| (used, width, verb)));
        used += width;
        line.extend(spans);
    }
    seen.hits.retain(|(_, hit)| !matches!(hit, Hit::Key(_)));
    for (x, width, verb) in hits {
        // Not the air behind it.
        let key = Rect { x: area.x + super::count(x), width: super::count(width.saturating_sub(3)), ..area };
        seen.hits.push((key.intersection(area), Hit::Key(verb)));
    }
    let mut line = Line::from(line);
    let gap = width.saturating_sub(line_columns(&line));
    line.spans.push(Span::raw(" ".repeat(gap)));
    // Whatever was there before, a popup's frame included, is not for the eye now.
    write_rows(&[line], area, buffer);
}

/// Why the chord that holds does nothing, where it does nothing.
pub(super) fn no_hold(app: &App) -> Option<&'static str> {
    match (&app.link, &app.health) {
        // What is broken stands above.
        (Link::Up, LogHealth::Broken { .. }) if app.size.0 < 60 => Some("no hold"),
        (Link::Up, LogHealth::Broken { .. }) => Some(" log broken: no hold "),
        (Link::Up, _) => None,
        _ => Some(" no connection: no hold "),
    }
}

/// The rows of the table, what the state of the selected step needs first.
fn in_order(app: &App, page: Page) -> Vec<&'static Binding> {
    let mut rows: Vec<&'static Binding> = keys::table(page).iter().collect();
    if page == Page::Walk {
        let first = first(app);
        rows.sort_by_key(|row| first.iter().position(|verb| *verb == row.verb).unwrap_or(first.len()));
    }
    rows
}

/// What comes before all else in the state that the selected step is in.
fn first(app: &App) -> &'static [Verb] {
    let place = app.selected;
    let Some((model, step)) = app.session.runbook.steps.get(place).zip(app.session.steps.get(place)) else {
        return &[];
    };
    if app.session.stage == Stage::Finished {
        return &[Verb::Quit, Verb::Log, Verb::Output];
    }
    if fit(app, Verb::Finish).is_yes() {
        return &[Verb::Finish];
    }
    if !app.session.holds.is_empty() && !matches!(step.progress, Progress::Running(_)) {
        return &[Verb::Release, Verb::Terminal, Verb::Done, Verb::Fail, Verb::Attest];
    }
    match &step.progress {
        _ if asked(app) => &[Verb::Withdraw, Verb::Attest],
        Progress::Running(_) => &[Verb::Terminal, Verb::Done, Verb::Fail, Verb::Stop, Verb::Output],
        Progress::Failed => &[Verb::Run, Verb::Done, Verb::Skip, Verb::Output],
        Progress::Untouched | Progress::Undone if waits_for_an_answer(app) => &[Verb::Attest],
        Progress::Untouched | Progress::Undone if model.run.is_none() => &[Verb::Done, Verb::Run],
        _ => &[],
    }
}

/// Is there a question of the selected step that only an answer opens?
fn waits_for_an_answer(app: &App) -> bool {
    let here = |need: &needs::Need| need.kind == needs::Kind::Question && need.step == Some(app.selected);
    approval_to_answer(app).is_some() || needs::needs(app).iter().any(here)
}

/// Are the selected step's checks being asked for a start?
fn asked(app: &App) -> bool {
    app.session.steps.get(app.selected).is_some_and(|step| step.request.is_some())
}

/// Does a hold stand in the way of what a key would start?
fn stands(app: &App, verb: Verb) -> bool {
    matches!(verb, Verb::Run | Verb::ByHand) && !app.session.holds.is_empty()
}

/// Of what cannot be done now only the one that people look for first is shown.
fn is_dead(app: &App, row: &Binding) -> bool {
    let runs = row.verb == Verb::Run && app.link == Link::Up && follow::leads(app);
    runs && match fit(app, row.verb) {
        Fit::Yes(_) => stands(app, row.verb),
        Fit::No(_) => !asked(app),
        Fit::Absent(_) => false,
    }
}

fn hint(word: &str, binding: &keys::Binding) -> Vec<Span<'static>> {
    let key = if binding.verb == Verb::Down { "↑↓".to_owned() } else { keys::label(binding.keys[0]) };
    vec![say(key, Tone::Key), say(format!(" {word}   "), Tone::Plain)]
}

fn spans_columns(spans: &[Span<'_>]) -> usize {
    spans.iter().map(|span| columns(&span.content)).sum()
}

fn log_sign(view: View<'_>) -> Span<'static> {
    let app = view.app;
    let narrow = app.size.0 < 60;
    let records = app.session.head;
    match (&app.health, &app.link) {
        (LogHealth::Broken { .. }, _) => say(" log NOT written ", Tone::Alarm),
        (_, Link::Lost(_) | Link::Waiting(_) | Link::Gone(_)) => say(" no connection ", Tone::Alarm),
        (LogHealth::Slow { took }, _) => say(format!(" log slow: {took} ms "), Tone::Warn),
        (LogHealth::Safe, _) if narrow => say(" log safe ", Tone::Good),
        (LogHealth::Safe, _) => say(format!(" log safe · {records} records "), Tone::Good),
    }
}
