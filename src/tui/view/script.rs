//! A script as it will run, with the values it uses. PURE. Secrets never appear: a session does not hold them.
//!
//! The script stands in a frame of its own and is never changed: what a value is stands below it, or, on demand, below
//! each line that uses it, behind another edge than the script has.

use std::sync::Arc;

use ratatui::text::{Line, Span};

use crate::runbook::values::{Piece, names_in, pieces};
use crate::runbook::{Script, Template, UndoWork, Value};
use crate::session::Session;
use crate::session::view;
use crate::tui::theme::Tone;

use super::View;
use super::highlight;
use super::shape::{columns, hang, plain, plain_lines, say, wrap_spans};

/// The script in a frame under `word`.
pub(super) fn rows(look: View<'_>, script: &Script, word: &str, width: usize) -> Arc<[Line<'static>]> {
    let app = look.app;
    let values = values(&app.session, script);
    let shell = shell(script);
    let paint = if highlight::knows(&script.shell) { "painted" } else { "as it is" };
    let place = if app.values { "in place" } else { "below" };
    let listed = values.join("\n");
    app.memo.rows(&[&script.text, &listed, word, &shell, paint, place], width, || {
        make(script, &values, &format!("{word}{shell}"), app.values, width)
    })
}

fn make(script: &Script, values: &[String], title: &str, in_place: bool, width: usize) -> Vec<Line<'static>> {
    let title = format!("┌ {title} ");
    let fill = width.saturating_sub(columns(&title));
    let top = vec![say(format!("{title}{}", "─".repeat(fill)), Tone::Quiet)];
    let mut rows = wrap_spans(&top, width);
    let room = width.saturating_sub(2);
    // A row that goes on with the one above has a mark in the edge, where no character of a script can stand.
    let framed = |spans: &[Span<'static>]| {
        let rows = wrap_spans(spans, room).into_iter().enumerate();
        rows.flat_map(|(n, row)| hang(vec![say(if n == 0 { "│ " } else { "│›" }, Tone::Quiet)], vec![row]))
    };
    let lines = plain_lines(script.text.trim_end());
    let painted = if highlight::knows(&script.shell) {
        highlight::lines(&lines)
    } else {
        lines.iter().map(|line| vec![say(line.clone(), Tone::Code)]).collect()
    };
    let mut below: Vec<&String> = values.iter().collect();
    for (line, spans) in lines.iter().zip(painted) {
        rows.extend(framed(&spans));
        if in_place {
            for value in values.iter().filter(|value| mentions(line, name_of(value))) {
                rows.extend(noted(value, width));
                below.retain(|other| *other != value);
            }
        }
    }
    for value in below {
        rows.extend(framed(&[say(value.clone(), Tone::Quiet)]));
    }
    rows.push(Line::from(say(format!("└{}", "─".repeat(width.saturating_sub(1))), Tone::Quiet)));
    rows
}

/// A value below the line that uses it. No line of a script stands behind such an edge.
fn noted(value: &str, width: usize) -> Vec<Line<'static>> {
    let mut edge = "├─ ";
    let rows = wrap_spans(&[say(value.to_owned(), Tone::Strong)], width.saturating_sub(columns(edge)));
    rows.into_iter()
        .map(|row| {
            let edge = std::mem::replace(&mut edge, "├  ");
            Line::from([vec![say(edge, Tone::Quiet)], row.spans].concat())
        })
        .collect()
}

fn name_of(value: &str) -> &str {
    value.split('=').next().unwrap_or_default()
}

/// Words of the runbook, filled in; where people asked where the values come from, each with its name.
pub(super) fn words(look: View<'_>, text: &Template) -> String {
    let session = &look.app.session;
    if !look.app.values {
        return view::filled(session, text);
    }
    pieces(text.raw())
        .into_iter()
        .map(|piece| match piece {
            Piece::Name(name, _) if session.values.contains_key(name) => {
                let whole = format!("${{{name}}}");
                format!("{} ({whole})", view::filled(session, &Template(whole.clone())))
            }
            Piece::Text(text) | Piece::Bad(text, _) => text.to_owned(),
            Piece::Name(_, place) => text.raw()[place].to_owned(),
        })
        .collect()
}

/// Do the scripts and texts of the step at `place` use values?
#[must_use]
pub fn uses_values(session: &Session, place: usize) -> bool {
    let Some(model) = session.runbook.steps.get(place) else { return false };
    let undo = model.undo.as_ref().map(|undo| &undo.work);
    let undone = undo.and_then(|work| if let UndoWork::Script(script) = work { Some(script) } else { None });
    let loses = model.destructive.as_ref().map(|destructive| &destructive.loses);
    let about = [Some(&model.about), loses, (place == 0).then_some(&session.runbook.about)];
    let known = |text: &Template| names_in(text).iter().any(|name| session.values.contains_key(name));
    let named = |script: &Script| {
        let names = session.values.keys().chain(&session.opened.secrets);
        !script.env.is_empty() || names.into_iter().any(|name| mentions(&script.text, name.as_str()))
    };
    about.into_iter().flatten().any(known) || model.run.iter().chain(undone).any(named)
}

/// The shell and directory, where they are not the usual ones.
fn shell(script: &Script) -> String {
    let name = script.shell.first().map(|word| plain(word)).unwrap_or_default();
    let with = if name == "bash" || name.is_empty() {
        String::new()
    } else {
        format!(" with {}", plain(&script.shell.join(" ")))
    };
    let at = script.dir.as_ref().map(|dir| format!(" in {}", plain(dir.raw()))).unwrap_or_default();
    format!("{with}{at}")
}

/// `name=value` of everything the script mentions, then its own variables.
pub(super) fn values(session: &Session, script: &Script) -> Vec<String> {
    let own = script.env.iter().map(|(name, text)| format!("{name}={}", plain(&view::filled(session, text))));
    let mut lines: Vec<String> = session
        .values
        .iter()
        .filter(|(name, _)| mentions(&script.text, name.as_str()))
        .map(|(name, value)| match value {
            Value::Text(text) => format!("{name}={}", plain(text)),
            Value::List(items) => format!("{name}={}", plain(&items.join(", "))),
        })
        .collect();
    let secrets = session.opened.secrets.iter().filter(|name| mentions(&script.text, name.as_str()));
    lines.extend(secrets.map(|name| format!("{name}=•••")));
    lines.extend(own);
    lines
}

/// Does a script use the variable `name`?
fn mentions(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_names_count() {
        assert!(mentions("rm -r -- \"$vm\"", "vm"));
        assert!(mentions("echo ${vm}", "vm"));
        assert!(!mentions("echo $vmware", "vm"));
        assert!(!mentions("echo $my_vm", "vm"));
    }
}
