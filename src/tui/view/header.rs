//! The first row: what is walked, who is here, how long; and below it what must not be overlooked. PURE.

use ratatui::text::{Line, Span};

use crate::session::state::{Progress, Stage};
use crate::session::view;
use crate::time::in_words;
use crate::tui::app::{App, Link};
use crate::tui::keys::{self, Verb};
use crate::tui::people::{Here, here};
use crate::tui::theme::Tone;
use crate::wire::messages::LogHealth;

use super::View;
use super::shape::{between, columns, fit_line, line_columns, plain, say, wrap};

/// The first row.
pub(super) fn title(view: View<'_>, width: usize) -> Line<'static> {
    let app = view.app;
    let mut left = vec![Span::raw(" "), say(plain(&app.session.opened.title), Tone::Strong)];
    let stand = stand(app);
    if width >= 60 || app.session.stage != Stage::Open {
        left.push(say(format!("   {stand}"), Tone::Quiet));
    }
    let mut right = Vec::new();
    if !app.session.holds.is_empty() {
        right.push(say(" ⏸ held ", Tone::Alarm));
        right.push(Span::raw("  "));
    }
    let late = (0..app.session.steps.len()).any(|step| view::late_by(&app.session, step, view.now).is_some());
    if late {
        right.push(say(" late ", Tone::Alarm));
        right.push(Span::raw("  "));
    }
    if app.size.1 < super::ROOMY {
        right.extend(few(width));
    }
    let elapsed = app.session.opened_at.age(view.now).unwrap_or_default();
    right.push(Span::raw(in_words(elapsed)));
    right.push(Span::raw(" "));
    between(Line::from(left), Line::from(right), width)
}

/// How far the walk is, in a few words.
fn stand(app: &App) -> String {
    let behind =
        app.session.steps.iter().filter(|s| matches!(s.progress, Progress::Done | Progress::Skipped)).count();
    let of = format!("{behind} of {}", app.session.steps.len());
    match &app.session.stage {
        Stage::Open => of,
        Stage::Finished => format!("{of} · finished"),
        Stage::Aborted { .. } => format!("{of} · aborted"),
    }
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
        return fit_line(
            Line::from(vec![Span::raw(" "), say(plain(&app.join), Tone::Code), Span::raw(" ")]),
            room,
        );
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
    let text = format!(" ⏸ {} holds: {} ", plain(&hold.by.name), plain(&hold.why));
    Some(fit_line(Line::from(say(text, Tone::Alarm)), width))
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
        texts.push((
            Tone::Alarm,
            format!("the log cannot be written, so nothing starts any more: {}", plain(why)),
        ));
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
    for hold in app.session.holds.iter().rev() {
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
