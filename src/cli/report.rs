//! `onbelay report`: a session as a document. SHELL.

use std::io::Write as _;
use std::path::Path;

use crate::clock;
use crate::journal::reader::Tail;
use crate::journal::store;
use crate::report::{self, Audience, markdown};

use super::args::{ReportArgs, ReportFormat};
use super::exit::{Exit, Failure, Outcome, not_yet};
use super::file::shown;
use super::out::{Out, say};
use super::place::{self, IfSeveral};

/// Writes the report. Starts no host.
pub fn run(args: &ReportArgs) -> Outcome {
    if args.format == ReportFormat::Html {
        return Err(not_yet("a report as HTML"));
    }
    let dir = place::pick(args.session.as_deref(), IfSeveral::Newest)?;
    let mut entries = Vec::new();
    let loaded = store::load_each(&dir, |entry| entries.push(entry))?;
    match &loaded.tail {
        Tail::Whole | Tail::Torn { .. } => {}
        Tail::Damaged(fault) => say(format!("warning: the log is damaged: {fault}; the report ends there")),
        Tail::Newer { why, .. } => {
            say(format!(
                "warning: {why}; what follows was written by a newer version, the report ends there"
            ));
        }
    }
    let audience = if args.public { Audience::Public } else { Audience::Team };
    let report = report::report(&loaded.session, &entries, clock::now(&loaded.session), audience);
    let text = match args.format {
        ReportFormat::Json => report::json(&report),
        ReportFormat::Md | ReportFormat::Html => markdown::markdown(&report),
    };
    if let Some(path) = &args.output {
        write(path, &text)?;
    } else {
        let mut out = Out::stdout();
        out.text(&text);
        out.finish()?;
    }
    Ok(Exit::Yes)
}

/// Writes the file beside its place first, so that a full disk leaves what was there.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let cannot = |e: std::io::Error| {
        // The file beside it, which nobody asked for, is not worth naming.
        let said = e.to_string();
        let why = said.split_once(" at path ").map_or(said.as_str(), |(why, _)| why);
        Failure::machine(format!("cannot write {}: {why}; the session is as it was", shown(path)))
    };
    // A device or a pipe is written to as it is; only a file can be replaced.
    if path.metadata().is_ok_and(|about| !about.is_file()) {
        return std::fs::write(path, text).map_err(cannot);
    }
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".onbelay-report").tempfile_in(dir).map_err(cannot)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(cannot)?;
    file.persist(path).map_err(|e| cannot(e.error))?;
    Ok(())
}
