//! What is wrong with a runbook, each with its place; drawn as compilers draw it, or as JSON and SARIF. PURE.

mod draw;
mod listing;

pub use listing::sarif;

use std::cell::Cell;
use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The runbook cannot be walked.
    Error,
    /// It can, and somebody should look.
    Warning,
}

/// One thing wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A short stable name of the rule, such as `unknown-key`.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence without a full stop.
    pub message: String,
    /// Bytes of the source it is about.
    pub span: Range<usize>,
    /// Stands at the mark: what was expected. May be empty.
    pub label: String,
    /// Other places that explain it, each with a word.
    pub related: Vec<(Range<usize>, String)>,
    /// What to do, "did you mean" among them.
    pub hints: Vec<String>,
}

impl Problem {
    /// An error about `span`.
    #[must_use]
    pub fn error(rule: &'static str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: Severity::Error,
            message: message.into(),
            span,
            label: String::new(),
            related: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// A warning about `span`.
    #[must_use]
    pub fn warning(rule: &'static str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(rule, span, message) }
    }

    /// With a word at the mark.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// With what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// With another place that explains it.
    #[must_use]
    pub fn also(mut self, span: Range<usize>, word: impl Into<String>) -> Self {
        self.related.push((span, word.into()));
        self
    }
}

/// All that is wrong with one file, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    /// The file as it was named.
    pub path: String,
    /// Its text (a byte order mark left out).
    pub source: String,
    /// At least one.
    pub list: Vec<Problem>,
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

/// A place as people name it, both counted from 1; columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// Finds lines fast.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    source: &'a str,
    starts: Vec<usize>,
    /// Start of a line, a byte in it and its column: the places of many problems are asked for in order.
    last: Cell<(usize, usize, usize)>,
}

impl<'a> Lines<'a> {
    /// Reads where lines begin.
    #[must_use]
    pub fn new(source: &'a str) -> Self {
        let starts = std::iter::once(0)
            .chain(memchr::memchr_iter(b'\n', source.as_bytes()).map(|at| at + 1))
            .collect();
        Self { source, starts, last: Cell::new((0, 0, 1)) }
    }

    /// The place of a byte; past the end, the end.
    #[must_use]
    pub fn place(&self, byte: usize) -> Place {
        let byte = floor(self.source, byte);
        let line = self.starts.partition_point(|start| *start <= byte);
        let start = self.starts[line - 1];
        let (of, at, before) = self.last.get();
        let (from, columns) = if of == start && at <= byte { (at, before) } else { (start, 1) };
        let column = columns + self.source[from..byte].chars().count();
        self.last.set((start, byte, column));
        Place { line, column }
    }

    /// The bytes of a line (counted from 1) without its line break.
    fn line(&self, line: usize) -> Range<usize> {
        let start = self.starts[line - 1];
        let end = self.starts.get(line).map_or(self.source.len(), |next| next - 1);
        let end = if self.source[start..end].ends_with('\r') { end - 1 } else { end };
        start..end
    }
}

/// The nearest character boundary at or before `byte`.
fn floor(source: &str, byte: usize) -> usize {
    let mut at = byte.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl Problems {
    /// Sorts by place and takes what belongs together.
    #[must_use]
    pub fn new(path: &str, source: impl Into<String>, mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|problem| problem.span.start);
        Self { path: path.to_owned(), source: source.into(), list }
    }

    /// How many are errors.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.list.iter().filter(|problem| problem.severity == Severity::Error).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(source: &str, problem: Problem) -> String {
        Problems::new("book.yaml", source, vec![problem]).render(false)
    }

    #[test]
    fn an_error_is_drawn_with_its_line_and_a_caret() {
        let source = "onbelay: 1\ntitel: x\n";
        let drawn = draw(
            source,
            Problem::error("unknown-key", 11..16, "unknown key `titel`")
                .label("not a key here")
                .hint("did you mean `title`?"),
        );
        assert!(drawn.contains("error: unknown key `titel`"), "{drawn}");
        assert!(drawn.contains("--> book.yaml:2:1"), "{drawn}");
        assert!(drawn.contains("titel: x"), "{drawn}");
        assert!(drawn.contains("^^^^^ not a key here"), "{drawn}");
        assert!(drawn.contains("help: did you mean `title`?"), "{drawn}");
        assert!(drawn.ends_with("book.yaml: 1 error\n"), "{drawn}");
        assert!(!drawn.contains('\u{1b}'));
    }

    #[test]
    fn nothing_from_the_file_acts_on_the_terminal() {
        let source = "a: \u{1b}[2J\u{202e}x\n";
        let drawn = draw(source, Problem::error("control", 3..4, "control \u{1b} character").label("\u{9b}"));
        assert!(drawn.chars().all(|c| c == '\n' || !c.is_control()), "{drawn:?}");
        assert!(!drawn.contains('\u{202e}'));
        assert!(drawn.contains("--> book.yaml:1:4"), "{drawn}");
    }

    #[test]
    fn a_long_line_is_cut_around_its_mark_and_keeps_its_column() {
        let source = format!("{}HERE{}\n", "x".repeat(100_000), "y".repeat(100_000));
        let drawn = draw(&source, Problem::error("r", 100_000..100_004, "m").label("l"));
        assert!(drawn.len() < 4_000, "{}", drawn.len());
        assert!(drawn.contains("book.yaml:1:100001"), "{drawn}");
        assert!(drawn.contains("HERE"), "{drawn}");
    }

    #[test]
    fn any_span_can_be_drawn() {
        let source = "ünï\r\n\tcode: ✓\n\n";
        for start in 0..=source.len() + 2 {
            for end in start..=source.len() + 2 {
                let drawn = draw(source, Problem::error("r", start..end, "m").also(0..1, "first"));
                assert!(drawn.contains("book.yaml:"), "{drawn}");
            }
        }
        draw("", Problem::error("r", 0..0, "empty"));
    }

    #[test]
    fn sarif_and_json_carry_the_place() {
        let problems = Problems::new("a b.yaml", "x\nüy\n", vec![Problem::error("r", 4..5, "m").hint("h")]);
        let json = &problems.json()[0];
        assert_eq!((json["line"].as_u64(), json["column"].as_u64()), (Some(2), Some(2)));
        let log = sarif(&[problems]);
        let result = &log["runs"][0]["results"][0];
        assert_eq!(result["message"]["text"], "m; h");
        assert_eq!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "a%20b.yaml");
    }
}
