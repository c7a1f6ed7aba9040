//! Problems for other programs: JSON, and SARIF 2.1.0. PURE.

use std::fmt::Write as _;
use std::ops::Range;

use serde_json::{Value as Json, json};

use super::{Lines, Problems};

impl Problems {
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
