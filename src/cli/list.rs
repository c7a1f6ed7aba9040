//! `onbelay list`: sessions, newest first. SHELL.

use serde_json::json;

use crate::text::clean;

use super::args::ListArgs;
use super::exit::{Exit, Outcome};
use super::out::{Out, say};
use super::place;

/// Prints every session of this account.
pub fn run(args: &ListArgs) -> Outcome {
    let listing = place::store()?.list()?;
    for (name, why) in &listing.unreadable {
        say(format!("warning: {} cannot be read: {}", clean(name), clean(why)));
    }
    if listing.closed > 0 {
        say(format!(
            "{} more {} not shared with you",
            listing.closed,
            if listing.closed == 1 { "is" } else { "are" }
        ));
    }
    let mut out = Out::stdout();
    if args.json {
        let sessions: Vec<_> = listing
            .sessions
            .iter()
            .map(|session| {
                json!({
                    "session": session.id,
                    "state": place::state_word(session.state),
                    "title": session.opened.title,
                    "operator": session.operator.name,
                    "opened_at": session.opened_at,
                    "last_at": session.last_at,
                    "dir": session.dir,
                })
            })
            .collect();
        out.line(crate::text::json::line(&serde_json::Value::Array(sessions)));
    } else if listing.sessions.is_empty() && listing.closed > 0 {
        say("no session here is open to you");
    } else if listing.sessions.is_empty() {
        say("no sessions yet; `onbelay run FILE` starts one, `onbelay demo` shows how it goes");
    } else {
        let width = listing.sessions.iter().map(|session| session.id.as_str().len()).max().unwrap_or(0);
        for session in &listing.sessions {
            let state = place::state_word(session.state);
            let apart = place::told_apart(&session.opened);
            let gap = if apart.is_empty() { "" } else { "   " };
            out.line(format!(
                "{:<width$}  {state:<8}  {}{gap}{apart}",
                session.id,
                clean(&session.opened.title)
            ));
        }
    }
    out.finish()?;
    Ok(Exit::Yes)
}
