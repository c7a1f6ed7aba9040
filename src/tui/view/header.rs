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
use super::shape::{between, fit_line, line_columns, plain, say, wrap};

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
        right.extend(few(app));
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

/// Who is here where there is one row for everything.
fn few(app: &App) -> Vec<Span<'static>> {
    let all = here(&app.session, &app.people);
    let others = all.len() - 1;
    let who = if others == 0 { "alone  ".to_owned() } else { format!("+{others} here  ") };
    vec![say(who, Tone::Quiet), say(keys::shown_for(Verb::Join), Tone::Key), say(" join  ", Tone::Quiet)]
}

/// The second row: everyone who is here, in which role and how that is known, and how somebody joins. Where there is no
/// room for all of it, the shorter form of each.
pub(super) fn people(view: View<'_>, width: usize) -> Line<'static> {
    let app = view.app;
    let all = here(&app.session, &app.people);
    let joined = |each: &dyn Fn(&Here) -> Vec<Span<'static>>| -> Vec<Span<'static>> {
        let mut spans = vec![Span::raw(" ")];
        for person in &all {
            spans.extend(each(person));
        }
        spans
    };
    let name = |person: &Here| Span::raw(person.name.clone());
    let whole = joined(&|person| {
        let known = if person.known.is_empty() { String::new() } else { format!(", {}", person.known) };
        vec![name(person), say(format!(" ▸ {}{known}   ", person.role), Tone::Quiet)]
    });
    let roles = joined(&|person| vec![name(person), say(format!(" ▸ {}   ", person.role), Tone::Quiet)]);
    let others = all.len() - 1;
    let few = vec![Span::raw(format!(" {}", all[0].name)), say(format!(" +{others}   "), Tone::Quiet)];
    let key = keys::shown_for(Verb::Join);
    let line = vec![say("to join: ", Tone::Quiet), say(plain(&app.join), Tone::Code), Span::raw(" ")];
    let hint = vec![say(key.clone(), Tone::Key), say(" how to join ", Tone::Quiet)];
    let short = vec![say(key, Tone::Key), say(" join ", Tone::Quiet)];
    for (left, right) in [(&whole, &line), (&whole, &hint), (&roles, &hint), (&roles, &short), (&few, &hint)]
    {
        let (left, right) = (Line::from(left.clone()), Line::from(right.clone()));
        if line_columns(&left) + line_columns(&right) <= width {
            return between(left, right, width);
        }
    }
    between(Line::from(few), Line::from(short), width)
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
