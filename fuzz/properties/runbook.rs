//! What must hold of the loader, whatever bytes it is given (F-I1).
//!
//! - It never panics: not the loader, not `lint`, not the readers of `--params` and of small files.
//! - A refusal names at least one thing, each at a place that is in the file.
//! - Drawn, as JSON and as SARIF it can be told, and nothing of the file acts on a terminal by it.
//! - What is accepted is the same when it is read again, and with a byte order mark before it.
//! - What is accepted has steps, ids that are ids, each once, requirements that are there; no script is another than what stands in
//!   some text of it; nothing has a zero byte.

use std::collections::BTreeSet;

use onbelay::id::is_id;
use onbelay::lint;
use onbelay::runbook::problem::{Lines, sarif};
use onbelay::runbook::{Problems, Runbook, UndoWork, read, read_entries, read_params};

/// Holds all of it of these bytes; `told`: drawing included.
pub(crate) fn hold(bytes: &[u8], told: bool) {
    let refusal = |problems: &Problems| {
        refused(problems);
        if told {
            drawn(problems);
        }
    };
    match read(bytes, "fuzz.yaml") {
        Err(problems) => refusal(&problems),
        Ok(runbook) => {
            accepted(bytes, &runbook);
            // Of what is refused it says the same.
            let found = lint::lint(bytes, "fuzz.yaml");
            if !found.list.is_empty() {
                refusal(&found);
            }
        }
    }
    if let Err(problems) = read_params(bytes, "params.yaml") {
        refusal(&problems);
    }
    if let Err(problems) = read_entries(bytes, "small.yaml") {
        refusal(&problems);
    }
}

fn refused(problems: &Problems) {
    assert!(!problems.list.is_empty(), "refused without a reason");
    let lines = Lines::new(&problems.source);
    let last = problems.source.bytes().filter(|byte| *byte == b'\n').count() + 1;
    for problem in &problems.list {
        assert!(!problem.message.is_empty());
        assert!(problem.span.start <= problems.source.len(), "{problem:?} is behind the end");
        let place = lines.place(problem.span.start);
        assert!((1..=last).contains(&place.line) && place.column >= 1, "{place:?}");
    }
}

fn drawn(problems: &Problems) {
    for colour in [false, true] {
        let drawn = problems.render(colour);
        let plain = if colour { without_colours(&drawn) } else { drawn };
        let bad = plain.chars().find(|c| *c != '\n' && (c.is_control() || is_bidi(*c)));
        assert!(bad.is_none(), "{bad:?} is in {plain:?}");
    }
    assert_eq!(problems.json().len(), problems.list.len());
    let told = sarif(std::slice::from_ref(problems));
    assert_eq!(told["runs"][0]["results"].as_array().map(Vec::len), Some(problems.list.len()));
}

fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Leaves out the sequences that set colours, which are ours.
fn without_colours(drawn: &str) -> String {
    let mut out = String::new();
    let mut rest = drawn;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        let end = after.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(after.len());
        match after[end..].strip_prefix('m') {
            Some(after) => rest = after,
            None => return format!("{out}\u{1b}[{after}"),
        }
    }
    out + rest
}

fn accepted(bytes: &[u8], runbook: &Runbook) {
    assert_eq!(read(bytes, "again.yaml").ok().as_ref(), Some(runbook), "read again it is another");
    if !bytes.starts_with(b"\xef\xbb\xbf") && bytes.len() + 3 <= onbelay::runbook::MAX_BYTES {
        let marked = [b"\xef\xbb\xbf", bytes].concat();
        assert_eq!(read(&marked, "marked.yaml").ok().as_ref(), Some(runbook), "a byte order mark changes it");
    }
    assert!(!runbook.steps.is_empty(), "a runbook without steps");
    let checks: BTreeSet<&str> = runbook.checks.iter().map(|check| check.id.as_str()).collect();
    let mut before = BTreeSet::new();
    let mut scripts = Vec::new();
    for step in &runbook.steps {
        assert!(is_id(step.id.as_str()), "{}", step.id);
        assert!(!checks.contains(step.id.as_str()), "{} is a check too", step.id);
        for check in step.requires_checks.iter().chain(&step.verify) {
            assert!(checks.contains(check.as_str()), "{check} is no check");
        }
        for required in &step.requires_steps {
            assert!(before.contains(required.as_str()), "{required} is no earlier step");
        }
        assert!(before.insert(step.id.as_str()), "{} is there twice", step.id);
        scripts.extend(step.run.as_ref());
        if let Some(UndoWork::Script(script)) = step.undo.as_ref().map(|undo| &undo.work) {
            scripts.push(script);
        }
    }
    assert_eq!(checks.len(), runbook.checks.len(), "a check is there twice");
    for script in scripts {
        assert!(!script.text.contains('\0') && !script.text.trim().is_empty(), "{:?}", script.text);
        assert!(!script.shell.is_empty());
    }
}
