//! `onbelay verify`: proves a journal whole, and that every destructive step in it was allowed to run. SHELL.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::journal::verify;
use crate::journal::verify::Verified;
use crate::session::Signers;
use crate::text::clean;
use crate::tui::view::shape::wrap;

use super::args::VerifyArgs;
use super::exit::{Exit, Failure, Outcome};
use super::out::{Out, columns};
use super::place::{self, IfSeveral};

/// The longest file of allowed signers that is read, bytes.
const MOST_SIGNERS: u64 = 1 << 20;

/// Verifies a session by name, or the directory that holds one.
pub fn run(args: &VerifyArgs) -> Outcome {
    let dir = match args.session.as_deref() {
        Some(name) => place::find_or_directory(name)?,
        None => place::pick(None, IfSeveral::Newest)?,
    };
    let signers = args.allowed_signers.as_deref().map(signers).transpose()?;
    let mut verified = verify::verify(&dir, signers.as_ref())?;
    for head in &args.heads {
        let head = verify::heads::read(head).map_err(Failure::wrong)?;
        verify::heads::held(&mut verified, &dir, &head)?;
    }
    let mut out = Out::stdout();
    if args.json {
        let json = crate::text::json::pretty(&verified)
            .map_err(|e| Failure::machine(format!("cannot write the result as JSON: {e}")))?;
        out.line(json);
    } else {
        for line in lines(&verified, columns()) {
            out.line(line);
        }
    }
    out.finish()?;
    Ok(if verified.is_whole() { Exit::Yes } else { Exit::No })
}

/// What was found, a mark before each sentence. `columns`: of the terminal; sentences are broken to fit it.
fn lines(verified: &Verified, columns: Option<usize>) -> Vec<String> {
    let records =
        if verified.records == 1 { "1 record".to_owned() } else { format!("{} records", verified.records) };
    let mut lines = vec![format!("{}: {records}, head {}", clean(&verified.session), clean(&verified.head))];
    let found = verified.findings.iter().map(|finding| {
        let named = finding.record.filter(|_| !finding.what.starts_with("record "));
        named.map(|n| format!("record {n}: ")).unwrap_or_default() + &finding.what
    });
    let proven = verified.proven.iter().map(|said| ('✓', said.clone()));
    let open = verified.not_proven.iter().map(|said| ('·', said.clone()));
    for (mark, said) in proven.chain(open).chain(found.map(|said| ('✗', said))) {
        let said = clean(&said);
        let rows = match columns {
            Some(columns) => wrap(&said, columns.saturating_sub(4)),
            None => vec![said.into_owned()],
        };
        for (at, row) in rows.into_iter().enumerate() {
            lines.push(if at == 0 { format!("  {mark} {row}") } else { format!("    {row}") });
        }
    }
    lines.push(in_a_sentence(verified));
    lines
}

fn in_a_sentence(verified: &Verified) -> String {
    let only = |n: u64| verified.findings.iter().all(|finding| finding.record == Some(n));
    match verified.unjudged_from {
        _ if verified.is_whole() => "it is whole".to_owned(),
        Some(n) if only(n) => format!("it cannot be judged from record {n} on"),
        _ => "it is not as it should be".to_owned(),
    }
}

/// Reads the file to hold signatures against.
fn signers(path: &Path) -> Result<Signers, Failure> {
    let file = File::open(path).map_err(|error| cannot_read(path, &error))?;
    let mut text = String::new();
    file.take(MOST_SIGNERS + 1).read_to_string(&mut text).map_err(|error| cannot_read(path, &error))?;
    if text.len() as u64 > MOST_SIGNERS {
        return Err(Failure::wrong(format!("{} is no file of allowed signers: it is too long", shown(path))));
    }
    Ok(Signers { path: shown(path), text })
}

fn cannot_read(path: &Path, error: &io::Error) -> Failure {
    Failure::wrong(format!("cannot read {}: {error}", shown(path)))
}

fn shown(path: &Path) -> String {
    clean(&path.display().to_string()).into_owned()
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;
    use crate::journal::verify::Finding;

    #[test]
    fn on_a_terminal_no_line_is_wider_than_it_and_elsewhere_a_sentence_is_a_line() {
        let long = "the start of 5 Terminate (attempt 7, record 61) was approved by the key \
                    SHA256:uNiVztksCsDhcc0u9e8BrrNMlFLhPnZEqh1nmY3kU7Y, in record 58: signature over what record 57 asks";
        let verified = Verified {
            session: "20261120-151012-test-k3f9".to_owned(),
            records: 61,
            head: "0".repeat(10),
            proven: vec![long.to_owned()],
            not_proven: vec![long.to_owned()],
            findings: vec![
                Finding { record: Some(3), what: format!("record 3: {long}") },
                Finding { record: Some(4), what: "is torn".to_owned() },
            ],
            ..Verified::default()
        };
        let narrow = lines(&verified, Some(80));
        assert!(narrow.iter().all(|line| line.width() <= 80), "{narrow:#?}");
        let broken: Vec<&str> = narrow.iter().flat_map(|line| line.split_whitespace()).collect();
        let whole = lines(&verified, None);
        assert_eq!(broken, whole.iter().flat_map(|line| line.split_whitespace()).collect::<Vec<_>>());
        assert_eq!(whole.len(), 6);
        assert!(whole[3].starts_with("  ✗ record 3: the start"), "{whole:#?}");
        assert_eq!(whole[4], "  ✗ record 4: is torn");
    }
}
