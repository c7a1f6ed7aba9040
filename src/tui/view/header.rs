//! The first row: what is walked, who is here, how long; and below it what must not be overlooked. PURE.

use ratatui::text::{Line, Span};

use crate::session::state::{Progress, Stage};
use crate::session::view;
use crate::time::{in_words, stopwatch};
use crate::tui::app::{App, Link};
use crate::tui::keys::{self, Verb};
use crate::tui::people::{Here, here};
use crate::tui::theme::Tone;
use crate::wire::messages::LogHealth;

use super::shape::{between, columns, fit, fit_line, line_columns, plain, say, wrap};
use super::{View, pulse};

/// The first row: what is walked, where we are in it, what runs; what is held and late, how long it has been and will be.
/// As much of it as there is room for, and what matters most whatever the room is.
pub(super) fn title(view: View<'_>, width: usize) -> Line<'static> {
    let name = plain(&view.app.session.opened.title);
    let short = fit(&name, 24).into_owned();
    let (place, whole_at, runs) = (stand(view.app), at_hand(view.app), running(view));
    let at = whole_at.as_ref().map(|at| fit(at, 32).into_owned());
    let stop = || say(" · ", Tone::Quiet);
    let left = |name: &str, at: Option<&String>| {
        let mut spans = vec![Span::raw(" "), say(name.to_owned(), Tone::Strong), stop()];
        spans.push(Span::raw(place.clone()));
        if let Some(at) = at {
            spans.extend([stop(), Span::raw(at.clone())]);
        }
        spans.extend(runs.clone());
        Line::from(spans)
    };
    let least = || {
        let mut spans = vec![Span::raw(" "), Span::raw(place.clone())];
        spans.extend(runs.clone());
        spans.extend([stop(), say(name.clone(), Tone::Strong)]);
        Line::from(spans)
    };
    let right = |size| Line::from(marks(view, width, size));
    let fits = |left: usize, size| left + 2 + line_columns(&right(size)) <= width;
    let all = left(&name, whole_at.as_ref());
    let (whole, cut) = (left(&name, at.as_ref()), left(&short, at.as_ref()));
    let (bare, short) = (left(&name, None), left(&short, None));
    let ways = [
        (&all, Size::Full),
        (&whole, Size::Full),
        (&cut, Size::Full),
        (&whole, Size::NoHour),
        (&cut, Size::NoHour),
        (&cut, Size::NoName),
        (&bare, Size::NoName),
        (&short, Size::NoName),
        (&short, Size::Past),
    ];
    if let Some((left, size)) = ways.into_iter().find(|(left, size)| fits(line_columns(left), *size)) {
        return between(left.clone(), right(size), width);
    }
    // The name is cut then: what stands before it is whole.
    let kept = columns(&place) + runs.iter().map(|span| columns(&span.content)).sum::<usize>() + 1;
    let size = [Size::Past, Size::NoJoin].into_iter().find(|size| fits(kept, *size)).unwrap_or(Size::Least);
    between(least(), right(size), width)
}

/// How much is said at the right of the first row: from all of it to the least, each leaves out one thing more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Size {
    Full,
    /// Without the time of day at which the walk is over.
    NoHour,
    /// Without the name of what is late.
    NoName,
    /// Without what is left of the walk.
    Past,
    /// Without the key that says how to join.
    NoJoin,
    /// That something is late, and no more of it.
    Least,
}

/// The right end of the first row.
fn marks(view: View<'_>, width: usize, size: Size) -> Vec<Span<'static>> {
    let app = view.app;
    let mut spans = Vec::new();
    if !app.session.holds.is_empty() {
        spans.extend([say(" ⏸ held ", Tone::Alarm), Span::raw("  ")]);
    }
    if let Some(late) = late(view, size) {
        spans.extend([say(late, Tone::Alarm), Span::raw("  ")]);
    }
    if app.size.1 < super::ROOMY && size < Size::NoJoin {
        spans.extend(few(width));
    }
    let elapsed = in_words(app.session.opened_at.age(view.now).unwrap_or_default());
    match pulse::left(view).filter(|_| size < Size::Past) {
        Some((whole, short)) => {
            let left = if size == Size::Full { whole } else { short };
            spans.extend([Span::raw(format!("{elapsed} in")), say(" · ", Tone::Quiet), Span::raw(left)]);
        }
        // By how much something is late goes before what this time is.
        None if size >= Size::NoJoin => spans.push(Span::raw(elapsed)),
        None => spans.push(Span::raw(format!("{elapsed} in"))),
    }
    spans.push(Span::raw(" "));
    spans
}

/// What is late, and by how much: the latest of them.
fn late(view: View<'_>, size: Size) -> Option<String> {
    let session = &view.app.session;
    let all = (0..session.steps.len())
        .filter_map(|place| view::late_by(session, place, view.now).map(|by| (by, place)));
    let all: Vec<_> = all.collect();
    let (by, place) = all.iter().max()?;
    let more = if all.len() > 1 { format!(" +{}", all.len() - 1) } else { String::new() };
    let by = in_words(*by);
    let name = || plain(&view::step_name(session, *place));
    Some(match size {
        // The step that the walk is at is named already.
        Size::Full | Size::NoHour if *place != view.app.current() => {
            format!(" late {by} · {}{more} ", fit(&name(), 26))
        }
        Size::Least => " late ".to_owned(),
        _ => format!(" late {by}{more} "),
    })
}

/// Where the walk is, in a few words: `3 of 6`.
fn stand(app: &App) -> String {
    let steps = &app.session.steps;
    let behind = steps.iter().all(|s| matches!(s.progress, Progress::Done | Progress::Skipped));
    let at = if behind { steps.len() } else { app.current() + 1 };
    let of = format!("{at} of {}", steps.len());
    match &app.session.stage {
        Stage::Open => of,
        Stage::Finished => format!("{of} · finished"),
        Stage::Aborted { .. } => format!("{of} · aborted"),
    }
}

/// The title of the step the walk is at.
fn at_hand(app: &App) -> Option<String> {
    let open = app.session.stage == Stage::Open;
    let model = app.session.runbook.steps.get(app.current()).filter(|_| open)?;
    Some(plain(&view::filled(&app.session, &model.title)))
}

/// What runs, and for how long: the step the walk is at without its name, any other by its number.
fn running(view: View<'_>) -> Vec<Span<'static>> {
    let app = view.app;
    let runs = |place: &usize| matches!(app.session.steps[*place].progress, Progress::Running(_));
    let all: Vec<usize> = (0..app.session.steps.len()).filter(runs).collect();
    let current = app.current();
    let Some(first) = all.iter().find(|place| **place == current).or(all.first()) else { return Vec::new() };
    let which = if *first == current { String::new() } else { format!("{} ", first + 1) };
    let more = if all.len() > 1 { format!(" +{}", all.len() - 1) } else { String::new() };
    let clock = stopwatch(pulse::elapsed(view, *first));
    vec![say(format!("  ▶ {which}{clock}{more}"), Tone::Live)]
}

/// Where there is no row for how somebody joins.
fn few(width: usize) -> Vec<Span<'static>> {
    let word = if width < 60 { " join  " } else { " how to join  " };
    vec![say(keys::shown_for(Verb::Join), Tone::Key), say(word, Tone::Quiet)]
}

/// Everyone who is here, in which role and how that is known; and, on the operator's own screen, the line with which
/// somebody joins. One row where all of it fits, else as many as it takes, the people in two at most.
pub(super) fn people(view: View<'_>, width: usize) -> Vec<Line<'static>> {
    let app = view.app;
    let all: Vec<Vec<Span<'static>>> = here(&app.session, &app.people).iter().map(whole).collect();
    let key = keys::shown_for(Verb::Join);
    let to_join = |word: &str| {
        Line::from(vec![say(word.to_owned(), Tone::Quiet), say(plain(&app.join), Tone::Code), Span::raw(" ")])
    };
    let hint = Line::from(vec![say(key, Tone::Key), say(" how to join ", Tone::Quiet)]);
    let mut everyone = vec![Span::raw(" ")];
    everyone.extend(all.iter().flatten().cloned());
    let everyone = Line::from(everyone);
    let fits = |right: &Line<'static>| line_columns(&everyone) + line_columns(right) <= width;
    let line = to_join("to join: ");
    if fits(&line) {
        return vec![between(everyone, line, width)];
    }
    let leads = crate::tui::follow::leads(app);
    if !leads && fits(&hint) {
        return vec![between(everyone, hint, width)];
    }
    let mut rows = in_rows(&all, 2, width);
    if leads {
        let line = [to_join(" to join: "), to_join(" ")].into_iter().find(|line| line_columns(line) <= width);
        rows.push(line.unwrap_or_else(|| between(to_join(" "), hint, width)));
    }
    rows
}

fn whole(person: &Here) -> Vec<Span<'static>> {
    let known = if person.known.is_empty() { String::new() } else { format!(", {}", person.known) };
    vec![Span::raw(person.name.clone()), say(format!(" ▸ {}{known}   ", person.role), Tone::Quiet)]
}

/// Each of them whole, in `most` rows; where that is not enough, how many more there are.
fn in_rows(all: &[Vec<Span<'static>>], most: usize, width: usize) -> Vec<Line<'static>> {
    let mut rows = vec![Line::from(" ")];
    for (n, person) in all.iter().enumerate() {
        let wide: usize = person.iter().map(|span| columns(&span.content)).sum();
        let last = rows.len() == most;
        let more = format!("+{} more", all.len() - n);
        // The last row keeps room to say that there are more, while there are.
        let kept = if last && n + 1 < all.len() { columns(&more) } else { 0 };
        let used = rows.last().map_or(0, line_columns);
        if used > 1 && used + wide.saturating_sub(3) + kept > width {
            if last {
                if let Some(row) = rows.last_mut() {
                    row.spans.push(say(more, Tone::Warn));
                }
                break;
            }
            rows.push(Line::from(" "));
        }
        if let Some(row) = rows.last_mut() {
            row.spans.extend(person.iter().cloned());
        }
    }
    rows.into_iter().map(|row| fit_line(row, width)).collect()
}

/// Who is here where there is no row for it, in a few letters each, to be written into a rule; the line to join where
/// nobody is.
pub(super) fn people_in_rule(view: View<'_>, width: usize) -> Line<'static> {
    let app = view.app;
    let all = here(&app.session, &app.people);
    let room = width.saturating_sub(2);
    if all.len() == 1 {
        // A line that is cut joins nobody.
        let line = Line::from(vec![Span::raw(" "), say(plain(&app.join), Tone::Code), Span::raw(" ")]);
        let key = say(format!(" {}", keys::shown_for(Verb::Join)), Tone::Key);
        let hint = Line::from(vec![key, say(" how to join ", Tone::Quiet)]);
        return if line_columns(&line) <= room { line } else { fit_line(hint, room) };
    }
    let short = |person: &Here| {
        let role = match person.role {
            "operator" => "op",
            "operator, away" => "op away",
            "watching" => "watch",
            role => role,
        };
        let known = if person.short.is_empty() { String::new() } else { format!(" {}", person.short) };
        vec![Span::raw(person.name.clone()), say(format!(" {role}{known}   "), Tone::Quiet)]
    };
    // At one's own screen one knows oneself.
    let mut listed: Vec<&Here> = all.iter().collect();
    if crate::tui::follow::leads(app) {
        listed.remove(0);
    }
    let listed: Vec<Vec<Span<'static>>> = listed.into_iter().map(short).collect();
    let mut line = in_rows(&listed, 1, room).pop().unwrap_or_default();
    if let Some(last) = line.spans.last_mut() {
        let cut = last.content.trim_end().to_owned();
        last.content = format!("{cut} ").into();
    }
    fit_line(line, room)
}

/// That there is no connection, in one row that nothing lies on; what came of a key that found none goes first.
pub(super) fn cut_off(view: View<'_>, width: usize) -> Option<Line<'static>> {
    let app = view.app;
    if app.link == Link::Up {
        return None;
    }
    let said = app.notice.as_ref().filter(|notice| notice.bad).map(|notice| notice.text.as_str());
    let text = said.unwrap_or("NO CONNECTION: nothing can be held or approved from here; what runs goes on");
    Some(fit_line(Line::from(say(format!(" {text} "), Tone::Alarm)), width))
}

/// The newest hold, in one row that nothing lies on.
pub(super) fn held(view: View<'_>, width: usize) -> Option<Line<'static>> {
    let hold = view.app.session.holds.last()?;
    let text = format!(" ⏸ {} holds: {}", plain(&hold.by.name), plain(&hold.why));
    // It stands in the place of the row that says where the walk is.
    let place = format!(" · {} ", stand(view.app));
    let text = fit(&text, width.saturating_sub(columns(&place))).into_owned();
    Some(fit_line(Line::from(say(format!("{text}{place}"), Tone::Alarm)), width))
}

/// What must not be overlooked, the worst first, two rows each at most.
pub(super) fn banners(view: View<'_>, width: usize) -> Vec<Line<'static>> {
    let app = view.app;
    let mut texts = Vec::new();
    match &app.link {
        Link::Up => {}
        Link::Lost(why) => {
            texts.push((
                Tone::Alarm,
                format!("no connection; it is being made again, and what runs goes on ({why})"),
            ));
        }
        Link::Waiting(owner) => texts.push((
            Tone::Alarm,
            format!(
                "no connection: the session's host is gone. It comes back when {owner} attaches; this screen waits for it \
                 (q leaves). What runs goes on."
            ),
        )),
        Link::Gone(why) => {
            texts.push((
                Tone::Alarm,
                format!("no connection; what runs goes on. q leaves, then attach again ({why})"),
            ));
        }
    }
    if let LogHealth::Broken { why } = &app.health {
        // What there is to do goes before the reason, which may be long.
        let deed = if width < 60 {
            "log NOT written: mend that, q on every screen, attach again"
        } else {
            "the log cannot be written: nothing starts, what runs goes on. Mend that, q on every screen, attach again"
        };
        texts.push((Tone::Alarm, format!("{deed} ({})", plain(why))));
    }
    if let Stage::Aborted { why } = &app.session.stage {
        texts.push((Tone::Warn, format!("aborted: {} — nothing starts any more but undos", plain(why))));
    }
    let behind =
        |step: &crate::session::state::StepState| matches!(step.progress, Progress::Done | Progress::Skipped);
    if app.session.stage == Stage::Open && app.session.steps.iter().all(behind) {
        let key = keys::shown_for(Verb::Finish);
        texts.push((Tone::Ready, format!("every step is done or skipped: {key} closes the session")));
    }
    if app.session.stage == Stage::Finished {
        texts.push((Tone::Good, "finished; onbelay report tells the whole walk".to_owned()));
    }
    // The newest stands on top of a box.
    let told = usize::from(super::is_covered(view));
    for hold in app.session.holds.iter().rev().skip(told) {
        let key = keys::shown_for(Verb::Release);
        let by = plain(&hold.by.name);
        texts.push((Tone::Alarm, format!("⏸ {by} holds: {}   {key} releases", plain(&hold.why))));
    }
    texts.extend(super::witness::banners(view));
    if !app.secrets_missing.is_empty() {
        let names: Vec<&str> = app.secrets_missing.iter().map(crate::id::ValueName::as_str).collect();
        let key = keys::shown_for(Verb::Secret);
        texts
            .push((Tone::Warn, format!("secrets are needed again: {}   {key} gives them", names.join(", "))));
    }
    texts
        .into_iter()
        .flat_map(|(tone, text)| {
            let rows = wrap(&text, width.saturating_sub(2));
            let more = rows.len() > 2;
            rows.into_iter().take(2).enumerate().map(move |(i, row)| {
                let row = if more && i == 1 { format!("{row} …") } else { row };
                fit_line(Line::from(vec![Span::raw(" "), say(row, tone)]), width)
            })
        })
        .collect()
}
