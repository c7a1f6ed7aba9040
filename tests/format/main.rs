//! The runbook format, case by case: `cases/*.txt` hold a runbook and all that is wrong with it.
//!
//! A case begins with `=== name`, then YAML, then `---` at the start of a line with nothing else than dashes and
//! `expected`, then one line a problem or `ok`. YAML that does not begin with `onbelay` gets a head (`onbelay: 1`,
//! `title: t`), and a step where it has none; the places are those of the whole. `ONBELAY_UPDATE_CASES=1` rewrites
//! what is expected, to be read before it is committed.

#![expect(clippy::unwrap_used, reason = "a test may fail there")]

mod faults;
mod fuzz;
mod limits;
mod poison;
mod size;
mod values;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use onbelay::runbook::problem::Lines;
use onbelay::runbook::{Problems, Runbook, read};

/// Completes a short case to a whole runbook.
#[must_use]
pub fn whole(yaml: &str) -> String {
    if yaml.starts_with("onbelay") || yaml.starts_with('%') || yaml.starts_with("# bare") {
        return yaml.to_owned();
    }
    let mut out = format!("onbelay: 1\ntitle: t\n{yaml}");
    if !out.contains("\nsteps:") {
        out.push_str("steps: [{ id: last, run: go }]\n");
    }
    out
}

/// Reads a short case that must be right.
#[must_use]
pub fn right(yaml: &str) -> Runbook {
    read(whole(yaml).as_bytes(), "case.yaml").unwrap_or_else(|problems| panic!("{yaml}\n{problems}"))
}

/// One line a problem.
fn told(result: &Result<Runbook, Problems>) -> String {
    let Err(problems) = result else { return "ok\n".to_owned() };
    let lines = Lines::new(&problems.source);
    let mut out = String::new();
    for problem in &problems.list {
        let place = lines.place(problem.span.start);
        write!(out, "{}:{} {}: {}", place.line, place.column, problem.rule, problem.message).unwrap();
        if !problem.label.is_empty() {
            write!(out, " | {}", problem.label).unwrap();
        }
        for (span, word) in &problem.related {
            write!(out, " | {}: {word}", lines.place(span.start).line).unwrap();
        }
        for hint in &problem.hints {
            write!(out, " | help: {hint}").unwrap();
        }
        out.push('\n');
    }
    out
}

const MARK: &str = "--- expected\n";

fn check_file(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut rewritten = String::new();
    let mut failures = String::new();
    let (head, cases) = text.split_once("=== ").expect("a case");
    rewritten.push_str(head);
    for case in cases.split("\n=== ") {
        let (name, rest) = case.split_once('\n').expect("a name");
        let (yaml, expected) = rest.split_once(MARK).unwrap_or((rest, ""));
        let yaml_as_read =
            yaml.replace("<ESC>", "\u{1b}").replace("<RLO>", "\u{202e}").replace("<LS>", "\u{2028}");
        let yaml_as_read =
            yaml_as_read.replace("<CR>", "\r").replace("<TAB>", "\t").replace("<NEL>", "\u{85}");
        let found = told(&read(whole(&yaml_as_read).as_bytes(), "case.yaml"));
        if found.trim_end() != expected.trim_end() {
            write!(failures, "=== {name}\n{yaml}{MARK}{expected}\n--- found\n{found}\n").unwrap();
        }
        write!(rewritten, "=== {name}\n{}\n{MARK}{found}\n", yaml.trim_end_matches('\n')).unwrap();
    }
    if std::env::var_os("ONBELAY_UPDATE_CASES").is_some() {
        std::fs::write(path, rewritten).unwrap();
    } else {
        assert!(failures.is_empty(), "{}\n{failures}", path.display());
    }
}

fn cases(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format/cases").join(format!("{name}.txt"))
}

/// One test a file of cases.
macro_rules! case_files {
    ($($name:ident)*) => { $(
        #[test]
        fn $name() {
            check_file(&cases(stringify!($name)));
        }
    )* };
}

case_files! { document types names texts params checks looks steps order later example }
