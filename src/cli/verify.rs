//! `onbelay verify`: proves a journal whole, and that every destructive step in it was allowed to run. SHELL.

use std::path::{Path, PathBuf};

use crate::journal::{self, verify};
use crate::text::clean;

use super::args::VerifyArgs;
use super::exit::{Exit, Failure, Outcome};
use super::out::Out;
use super::place::{self, IfSeveral};

/// Verifies a session by name, or the directory that holds one.
pub fn run(args: &VerifyArgs) -> Outcome {
    let dir = match args.session.as_deref() {
        Some(name) => match directory(name) {
            Some(dir) => dir,
            None => place::store()?.find(name)?,
        },
        None => place::pick(None, IfSeveral::Newest)?,
    };
    let verified = verify::verify(&dir)?;
    let mut out = Out::stdout();
    if args.json {
        let json = serde_json::to_string_pretty(&verified)
            .map_err(|e| Failure::machine(format!("cannot write the result as JSON: {e}")))?;
        out.line(json);
    } else {
        out.line(format!(
            "{}: {} records, head {}",
            clean(&verified.session),
            verified.records,
            verified.head
        ));
        verified.proven.iter().for_each(|said| out.line(format!("  ✓ {}", clean(said))));
        verified.not_proven.iter().for_each(|said| out.line(format!("  · {}", clean(said))));
        for finding in &verified.findings {
            let record = finding.record.map(|n| format!("record {n}: ")).unwrap_or_default();
            out.line(format!("  ✗ {record}{}", clean(&finding.what)));
        }
        out.line(if verified.is_whole() { "it is whole" } else { "it is not as it should be" });
    }
    out.finish()?;
    Ok(if verified.is_whole() { Exit::Yes } else { Exit::No })
}

/// A directory that holds a session, where that is what was named.
fn directory(name: &str) -> Option<PathBuf> {
    let path = Path::new(name);
    (name.contains('/') || path.join(journal::JOURNAL).exists()).then(|| path.to_owned())
}
