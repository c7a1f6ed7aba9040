//! Problems drawn on a terminal: the line, a caret, what was expected. PURE.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{Lines, Problem, Problems, Severity, floor};
use crate::text::clean;

/// More problems than this are counted, not drawn.
const DRAWN: usize = 100;

/// A longer line is cut around its mark before it is drawn, in bytes.
const LINE_SHOWN: usize = 240;

impl Problems {
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
