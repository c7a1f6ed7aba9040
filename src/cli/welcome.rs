//! `onbelay` alone: what to do next. SHELL. Nothing is started, asked or changed.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::clock;
use crate::journal::store::{self, Listed, SessionState};
use crate::lint;
use crate::runbook::MAX_BYTES;
use crate::session::view::{self, StepStatus};
use crate::session::{Progress, Session};
use crate::text::clean;
use crate::time::{Moment, in_words};
use crate::tui::view::shape::columns;

use super::exit::{Exit, Outcome};
use super::out::{Out, say};
use super::place;
use super::words::quoted;

/// As many sessions are told of, the newest; the others are counted.
const SESSIONS: usize = 5;

/// A session with a longer log (bytes) is not read whole for one line about it.
const READ: u64 = 4 << 20;

/// As many runbooks are told of; the others are counted.
const RUNBOOKS: usize = 8;

/// As many files of a directory are looked at.
const LOOKED_AT: usize = 400;

/// Says what to do next.
pub fn run() -> Outcome {
    let mut out = Out::stdout().at_words();
    out.line("onbelay walks a migration runbook with a second set of eyes: nothing destructive runs until its checks hold.");
    sessions(&mut out);
    runbooks(&mut out);
    heading(&mut out, "What there is to do");
    out.text(
        "  onbelay demo             see it work, in a sandbox, within a minute\n  \
           onbelay new              write a runbook to begin with\n  \
           onbelay run FILE         walk a runbook\n  \
           onbelay list             every session, newest first\n  \
           onbelay --help           everything else\n",
    );
    out.finish()?;
    Ok(Exit::Yes)
}

fn heading(out: &mut Out, text: &str) {
    let (bold, plain) = if out.colour() { ("\u{1b}[1m", "\u{1b}[m") } else { ("", "") };
    out.text(&format!("\n{bold}{text}{plain}\n"));
}

/// Sessions that are not over. One that cannot be read stops nobody from reading on.
fn sessions(out: &mut Out) {
    let listing = match place::store().and_then(|store| Ok(store.list()?)) {
        Ok(listing) => listing,
        Err(failure) => return say(format!("warning: {failure}")),
    };
    if !listing.unreadable.is_empty() {
        say(format!(
            "warning: {} of the sessions cannot be read; onbelay list says why",
            listing.unreadable.len()
        ));
    }
    let open: Vec<&Listed> =
        listing.sessions.iter().filter(|session| place::is_open(session.state)).collect();
    if open.is_empty() {
        return;
    }
    heading(out, "Open sessions, newest first");
    for session in open.iter().take(SESSIONS) {
        let mine = session.operator.uid == Some(rustix::process::geteuid().as_raw());
        let apart = place::told_apart(&session.opened);
        let gap = if apart.is_empty() { "" } else { "   " };
        out.line(format!("  {}{gap}{apart}", clean(&session.opened.title)));
        // A clock that was set back tells no age.
        let age = (clock::utc().calendar() - session.opened_at.calendar()).to_std();
        let age = age.map(|age| format!("begun {} ago · ", in_words(age))).unwrap_or_default();
        let whose = if mine { String::new() } else { format!("{}'s · ", clean(&session.operator.name)) };
        out.line(format!("    {whose}{age}{}", stand(session)));
        let end = session.id.as_str().rsplit('-').next().unwrap_or_default();
        let others = listing.sessions.iter().filter(|other| other.id.as_str().contains(end)).count();
        let name = if others == 1 { end } else { session.id.as_str() };
        let role = if mine { "" } else { "--witness " };
        out.line(format!("    onbelay attach {role}{}", clean(&quoted(name))));
    }
    if let Some(more @ 1..) = open.len().checked_sub(SESSIONS) {
        out.line(format!("  +{more} more: onbelay list"));
    }
}

/// How a session fares, how far it is, and what it waits for.
fn stand(listed: &Listed) -> String {
    let word = match listed.state {
        SessionState::Held => "held",
        SessionState::Lost => "its host is gone; attach brings it back",
        _ => "open",
    };
    let size = listed.dir.join(crate::journal::JOURNAL).metadata().map_or(0, |about| about.len());
    let loaded = (size <= READ).then(|| store::load(&listed.dir).ok()).flatten();
    let Some(loaded) = loaded else { return word.to_owned() };
    let far = far(&loaded.session);
    if word == "open" { far } else { format!("{word} · {far}") }
}

fn far(session: &Session) -> String {
    let behind = |step: &&crate::session::state::StepState| {
        matches!(step.progress, Progress::Done | Progress::Skipped)
    };
    let of = session.steps.len();
    let done = session.steps.iter().filter(behind).count();
    let order = view::order(session);
    let lost = session.steps.iter().position(|step| step.progress == Progress::Interrupted);
    let running = session.steps.iter().position(|step| matches!(step.progress, Progress::Running(_)));
    let Some(place) = lost.or(running).or(order.first_open) else {
        return format!("{done} of {of} · every step is done or skipped: F closes it");
    };
    let name = clean(&view::step_name(session, place)).into_owned();
    let now: Moment = session.head_at;
    let waits = match view::step_status(session, &order, place, now) {
        StepStatus::Interrupted => format!("{name}: its outcome is not known, and somebody must say it"),
        StepStatus::Running => format!("{name} is running"),
        StepStatus::Failed => format!("{name} failed"),
        _ if session.runbook.steps[place].is_hold_point() => format!("next is the hold point {name}"),
        _ => format!("next is {name}"),
    };
    let held = session.holds.last().map(|hold| format!("{} holds: {} · ", hold.by.name, hold.why));
    format!("{}{done} of {of} · {waits}", clean(&held.unwrap_or_default()))
}

/// Runbooks in this directory and in `runbooks`.
fn runbooks(out: &mut Out) {
    let mut files = candidates(Path::new("."));
    files.extend(candidates(Path::new("runbooks")));
    let found: Vec<(String, Vec<u8>)> = files
        .into_iter()
        .filter_map(|path| {
            let bytes = bytes(&path)?;
            is_runbook(&bytes).then(|| (path.to_string_lossy().into_owned(), bytes))
        })
        .collect();
    if found.is_empty() {
        return;
    }
    heading(out, "Runbooks here");
    let name = |path: &str| clean(&quoted(path)).into_owned();
    let wide = found.iter().take(RUNBOOKS).map(|(path, _)| columns(&name(path))).max().unwrap_or(0);
    for (path, bytes) in found.iter().take(RUNBOOKS) {
        let name = name(path);
        let air = " ".repeat(wide - columns(&name));
        let problems = lint::lint(bytes, path);
        let errors = problems.errors();
        if errors > 0 {
            let s = if errors == 1 { "" } else { "s" };
            out.line(format!("  onbelay lint {name}{air}   {errors} error{s} in it"));
            continue;
        }
        let title = crate::runbook::read(bytes, path).map(|runbook| runbook.title.raw().to_owned());
        out.line(format!("  onbelay run  {name}{air}   {}", clean(&title.unwrap_or_default())));
    }
    if let Some(more @ 1..) = found.len().checked_sub(RUNBOOKS) {
        out.line(format!("  +{more} more"));
    }
}

/// Files that may be runbooks by their names, in the order of those.
fn candidates(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .take(LOOKED_AT)
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml" || end == "yml"))
        .map(|path| path.strip_prefix(".").map(Path::to_owned).unwrap_or(path))
        .collect();
    files.sort();
    files
}

/// What is in a regular file that is not too large; anything else is passed over in silence.
fn bytes(path: &Path) -> Option<Vec<u8>> {
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(nonblock).open(path).ok()?;
    let about = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    if about.len() > most {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Other YAML has steps too, but not these keys beside them.
fn is_runbook(bytes: &[u8]) -> bool {
    let has = |key: &[u8]| bytes.split(|byte| *byte == b'\n').any(|line| line.starts_with(key));
    has(b"steps:") && (has(b"onbelay:") || has(b"title:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runbook_is_told_from_other_yaml() {
        assert!(is_runbook(b"onbelay: 1\nsteps:\n  - title: A\n"));
        assert!(is_runbook(b"# x\ntitle: A\nsteps: [{ title: A }]\n"));
        assert!(!is_runbook(b"jobs:\n  a:\n    steps:\n      - run: x\n"));
        assert!(!is_runbook(b"steps:\n  - script: x\n"));
    }

    #[test]
    fn only_regular_files_of_a_fitting_name_and_size_are_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.yaml", "a.yml", "c.txt"] {
            std::fs::write(dir.path().join(name), "x").unwrap();
        }
        let fifo = dir.path().join("d.yaml");
        let mode = rustix::fs::Mode::from_raw_mode(0o700);
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        std::fs::write(dir.path().join("e.yaml"), vec![b'x'; MAX_BYTES + 1]).unwrap();
        let names: Vec<_> = candidates(dir.path())
            .into_iter()
            .filter(|path| bytes(path).is_some())
            .map(|path| path.file_name().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["a.yml", "b.yaml"]);
    }
}
