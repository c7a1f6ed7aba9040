//! What is wrong with a runbook, each with its place; drawn as compilers draw it, or as JSON and SARIF. PURE.

use std::fmt::{self, Write as _};
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::text::clean;

/// More problems than this are counted, not drawn.
const DRAWN: usize = 100;

/// A longer line is cut around its mark before it is drawn, in bytes.
const LINE_SHOWN: usize = 240;

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
}

impl<'a> Lines<'a> {
    /// Reads where lines begin.
    #[must_use]
    pub fn new(source: &'a str) -> Self {
        let starts = std::iter::once(0)
            .chain(memchr::memchr_iter(b'\n', source.as_bytes()).map(|at| at + 1))
            .collect();
        Self { source, starts }
    }

    /// The place of a byte; past the end, the end.
    #[must_use]
    pub fn place(&self, byte: usize) -> Place {
        let byte = floor(self.source, byte);
        let line = self.starts.partition_point(|start| *start <= byte);
        let start = self.starts[line - 1];
        Place { line, column: self.source[start..byte].chars().count() + 1 }
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

    /// All of them as rustc draws its own, with colour if wanted, and their number at the end.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(140);
        let lines = Lines::new(&self.source);
        let mut out = String::new();
        for problem in self.list.iter().take(DRAWN) {
            out.push_str(&self.draw(problem, &lines, &renderer));
            out.push_str("\n\n");
        }
        let errors = self.errors();
        let warnings = self.list.len() - errors;
        let count = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        let total = match (errors, warnings) {
            (e, 0) => count(e, "error"),
            (0, w) => count(w, "warning"),
            (e, w) => format!("{}, {}", count(e, "error"), count(w, "warning")),
        };
        let more = self.list.len().saturating_sub(DRAWN);
        let rest = if more > 0 { format!(" ({more} not shown)") } else { String::new() };
        let _ = writeln!(out, "{}: {total}{rest}", clean(&self.path));
        out
    }

    fn draw(&self, problem: &Problem, lines: &Lines<'_>, renderer: &Renderer) -> String {
        let path = clean(&self.path);
        let mut shown = vec![Extract::new(lines, &problem.span, &problem.label, true)];
        for (span, word) in &problem.related {
            shown.push(Extract::new(lines, span, word, false));
        }
        // Marks on one line share its drawing.
        let mut extracts: Vec<Extract> = Vec::new();
        for extract in shown {
            match extracts.iter_mut().find(|e| e.line == extract.line && e.text == extract.text) {
                Some(same) => same.marks.extend(extract.marks),
                None => extracts.push(extract),
            }
        }
        let level = match problem.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let message = clean(&problem.message);
        let mut group = level
            .primary_title(message.as_ref())
            .elements(Vec::<Snippet<'_, annotate_snippets::Annotation<'_>>>::new());
        for extract in &extracts {
            let snippet = Snippet::source(extract.text.as_str())
                .line_start(extract.line)
                .path(path.as_ref())
                .fold(false)
                .annotations(extract.marks.iter().map(|mark| {
                    let kind = if mark.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
                    let annotation = kind.span(mark.span.clone());
                    if mark.label.is_empty() { annotation } else { annotation.label(mark.label.as_str()) }
                }));
            group = group.element(snippet);
        }
        let hints: Vec<String> = problem.hints.iter().map(|hint| clean(hint).into_owned()).collect();
        for hint in &hints {
            group = group.element(Level::HELP.message(hint.as_str()));
        }
        let drawn = renderer.render(&[group]);
        // The drawing counts columns in the extract; where that was cut, put the file's own.
        let first = &extracts[0];
        if first.cut == 0 {
            return drawn;
        }
        let place = lines.place(problem.span.start);
        let drawn_column = extract_column(first);
        drawn.replacen(
            &format!(":{}:{drawn_column}", place.line),
            &format!(":{}:{}", place.line, place.column),
            1,
        )
    }

    /// One object a problem.
    #[must_use]
    pub fn json(&self) -> Vec<Json> {
        let lines = Lines::new(&self.source);
        self.list
            .iter()
            .map(|problem| {
                let start = lines.place(problem.span.start);
                let end = lines.place(problem.span.end);
                json!({
                    "file": self.path,
                    "line": start.line,
                    "column": start.column,
                    "end_line": end.line,
                    "end_column": end.column,
                    "level": problem.severity,
                    "rule": problem.rule,
                    "message": problem.message,
                    "expected": if problem.label.is_empty() { None } else { Some(&problem.label) },
                    "help": problem.hints,
                })
            })
            .collect()
    }

    /// The `results` of a SARIF run.
    fn sarif_results(&self) -> Vec<Json> {
        let lines = Lines::new(&self.source);
        let location = |span: &Range<usize>| {
            let (start, end) = (lines.place(span.start), lines.place(span.end));
            json!({
                "physicalLocation": {
                    "artifactLocation": { "uri": uri(&self.path) },
                    "region": {
                        "startLine": start.line, "startColumn": start.column,
                        "endLine": end.line, "endColumn": end.column,
                    },
                },
            })
        };
        self.list
            .iter()
            .map(|problem| {
                let mut text = problem.message.clone();
                for part in
                    std::iter::once(&problem.label).chain(&problem.hints).filter(|part| !part.is_empty())
                {
                    text.push_str("; ");
                    text.push_str(part);
                }
                json!({
                    "ruleId": problem.rule,
                    "level": problem.severity,
                    "message": { "text": text },
                    "locations": [location(&problem.span)],
                    "relatedLocations": problem.related.iter().map(|(span, word)| {
                        let mut place = location(span);
                        place["message"] = json!({ "text": word });
                        place
                    }).collect::<Vec<_>>(),
                })
            })
            .collect()
    }
}

/// A path as a URI reference: what may not stand in one is percent-encoded.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// One SARIF 2.1.0 log of everything found in several files.
#[must_use]
pub fn sarif(files: &[Problems]) -> Json {
    let mut rules: Vec<&str> = files.iter().flat_map(|file| file.list.iter().map(|p| p.rule)).collect();
    rules.sort_unstable();
    rules.dedup();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "onbelay",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|rule| json!({ "id": rule })).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": files.iter().flat_map(Problems::sarif_results).collect::<Vec<_>>(),
        }],
    })
}

struct Mark {
    span: Range<usize>,
    label: String,
    primary: bool,
}

/// One line of the source made safe to draw, with marks moved along.
struct Extract {
    line: usize,
    text: String,
    marks: Vec<Mark>,
    /// Bytes of the line left out before what is drawn.
    cut: usize,
}

impl Extract {
    fn new(lines: &Lines<'_>, span: &Range<usize>, label: &str, primary: bool) -> Self {
        let source = lines.source;
        let start = floor(source, span.start);
        let end = floor(source, span.end.max(start));
        let line = lines.place(start).line;
        let whole = lines.line(line);
        let start = start.min(whole.end);
        // A mark ends with its first line, and is at least one character wide.
        let end = end.clamp(start, whole.end);
        let from = if start - whole.start > LINE_SHOWN {
            floor(source, start - LINE_SHOWN / 2)
        } else {
            whole.start
        };
        let to = if whole.end - from > 2 * LINE_SHOWN {
            floor(source, (from + 2 * LINE_SHOWN).max(start + 1)).max(start)
        } else {
            whole.end
        };
        let end = end.min(to);
        let before = clean_keeping_tabs(&source[from..start]);
        let marked = clean_keeping_tabs(&source[start..end]);
        let after = clean_keeping_tabs(&source[end..to]);
        let text = format!("{before}{marked}{after}");
        let first = before.len();
        let last = if marked.is_empty() {
            (first + after.chars().next().map_or(1, char::len_utf8)).min(text.len().max(first))
        } else {
            first + marked.len()
        };
        let mark = Mark { span: first..last.max(first), label: clean(label).into_owned(), primary };
        Self { line, text, marks: vec![mark], cut: from - whole.start }
    }
}

fn clean_keeping_tabs(text: &str) -> String {
    text.split('\t').map(clean).collect::<Vec<_>>().join("\t")
}

fn extract_column(extract: &Extract) -> usize {
    extract.text[..extract.marks[0].span.start].chars().count() + 1
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
