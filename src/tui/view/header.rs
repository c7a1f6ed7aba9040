//! The first row: what is walked, who is here, how long; and below it what must not be overlooked. PURE.

use ratatui::text::{Line, Span};

use crate::session::state::{Progress, Stage};
use crate::session::view;
use crate::time::in_words;
use crate::tui::app::{App, Link};
use crate::tui::keys::{self, Verb};
use crate::tui::theme::Tone;
use crate::wire::messages::{LogHealth, Role};

use super::View;
use super::shape::{between, fit_line, plain, say, wrap};

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
    right.extend(people(app, width));
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

/// Everyone who is here: the operator first. On a narrow screen only how many.
fn people(app: &App, width: usize) -> Vec<Span<'static>> {
    let operator = &app.session.operator;
    let mut names: Vec<(String, &'static str)> = vec![(plain(&operator.name), "operator")];
    for present in app.people.iter().filter(|p| p.role != Role::Act && p.person.uid != operator.uid) {
        let name = plain(&present.person.name);
        if !names.iter().any(|(known, _)| *known == name) {
            names.push((name, if present.role == Role::Watch { "watching" } else { "here" }));
        }
    }
    if width < 60 {
        let others = names.len() - 1;
        let text = if others == 0 { String::new() } else { format!("+{others} here   ") };
        return vec![say(text, Tone::Quiet)];
    }
    if width < 100 {
        let names: Vec<String> = names.into_iter().map(|(name, _)| name).collect();
        return vec![say(format!("{}   ", names.join(" + ")), Tone::Quiet)];
    }
    names
        .into_iter()
        .flat_map(|(name, role)| [Span::raw(name), say(format!(" ▸ {role}   "), Tone::Quiet)])
        .collect()
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
        texts.push((Tone::Warn, format!("⏸ {by} holds: {}   {key} releases", plain(&hold.why))));
    }
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
