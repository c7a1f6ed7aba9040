//! A script as it will run, with the values it uses. PURE. Secrets never appear: a session does not hold them.

use ratatui::text::Line;

use crate::runbook::{Script, Value};
use crate::session::Session;
use crate::session::view;
use crate::tui::theme::Tone;

use super::shape::{columns, hang, plain, plain_lines, say, wrap_spans};

/// The script in a frame under `word`.
pub(super) fn rows(session: &Session, script: &Script, word: &str, width: usize) -> Vec<Line<'static>> {
    let shell = shell(script);
    let title = format!("┌ {word}{shell} ");
    let fill = width.saturating_sub(columns(&title));
    let mut rows = vec![Line::from(say(format!("{title}{}", "─".repeat(fill)), Tone::Quiet))];
    let room = width.saturating_sub(2);
    let frame = || vec![say("│ ", Tone::Quiet)];
    for line in plain_lines(script.text.trim_end()) {
        for row in wrap_spans(&[say(line.clone(), Tone::Code)], room) {
            rows.extend(hang(frame(), vec![row]));
        }
    }
    for line in values(session, script) {
        for row in wrap_spans(&[say(line, Tone::Quiet)], room) {
            rows.extend(hang(frame(), vec![row]));
        }
    }
    rows.push(Line::from(say(format!("└{}", "─".repeat(width.saturating_sub(1))), Tone::Quiet)));
    rows
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
