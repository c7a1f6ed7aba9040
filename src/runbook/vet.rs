//! The vetting pass: a runbook's text becomes a tree of places, or a list of what is refused in it. PURE.
//!
//! It works on parser events, before anything builds values, so that no text can make a reader slow, large or wrong:
//! size and depth are bounded, and whatever lets a document mean something else than it shows (anchors, aliases, tags,
//! merge keys, duplicate keys, invisible characters, a second document) is refused with its place.

mod chars;
mod events;
mod syntax;
mod tree;

pub use tree::{Found, Kind, Node, NodeId, Tree};

use std::ops::Range;

use super::problem::Problem;

/// A larger file is refused, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// Deeper nesting is refused.
pub const MAX_DEPTH: usize = 32;

/// What vetting found.
#[derive(Debug)]
pub struct Vetted<'s> {
    /// The document, where there is a whole one.
    pub tree: Option<Tree<'s>>,
    /// All that is refused.
    pub problems: Vec<Problem>,
}

/// A file that is no text to read.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// What of it can be shown.
    pub shown: String,
    /// Why.
    pub problem: Problem,
}

/// The text of a file: UTF-8, within bounds, its byte order mark left out. On refusal the text is made showable.
pub fn text_of(source: &[u8]) -> Result<&str, Box<Refused>> {
    if source.len() > MAX_BYTES {
        // None of it is shown: a reader who stops in time has only its beginning, and may not know its length.
        let shown = String::new();
        let problem = Problem::error("too-large", 0..0, "the file has more than 1 MiB")
            .hint("a runbook is read by people; move data into files of its own");
        return Err(Box::new(Refused { shown, problem }));
    }
    match std::str::from_utf8(source) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let at = error.valid_up_to();
            let problem = Problem::error("not-utf-8", at..at + 1, "the file is not UTF-8 text")
                .hint("save it as UTF-8");
            Err(Box::new(Refused { shown: String::from_utf8_lossy(source).into_owned(), problem }))
        }
    }
}

/// Vets `source`, which is [`text_of`] a file.
#[must_use]
pub fn vet(source: &str) -> Vetted<'_> {
    let mut problems = Vec::new();
    let carriage_returns = chars::scan(source, &mut problems);
    let read = events::read(source, &mut problems);
    let quoted: &[Range<usize>] = read.as_ref().map_or(&[], |read| &read.quoted);
    for at in carriage_returns {
        let inside = quoted.partition_point(|span| span.end <= at);
        if !quoted.get(inside).is_some_and(|span| span.contains(&at)) {
            problems.push(
                Problem::error("lone-cr", at..at + 1, "a carriage return without a line feed stands here")
                    .label("some programs end a line here, some do not")
                    .hint("end lines with a line feed; in double quotes it is written \\r"),
            );
        }
    }
    Vetted { tree: read.map(|read| read.tree), problems }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(source: &str) -> Vec<&'static str> {
        vet(source).problems.iter().map(|problem| problem.rule).collect()
    }

    #[test]
    fn what_lets_a_document_mean_something_else_is_refused() {
        for (source, expected) in [
            ("a: &x 1\n", vec!["anchor"]),
            ("a: &x [1]\nb: *x\n", vec!["anchor", "alias"]),
            ("a: *nowhere\n", vec!["alias"]),
            ("a: !!str 1\n", vec!["tag"]),
            ("a: !foo {b: 1}\n", vec!["tag"]),
            ("a: ! x\n", vec!["tag"]),
            ("<<: {a: 1}\n", vec!["merge-key"]),
            ("a: 1\nb: {\"a\": 1, a: 2}\n", vec!["duplicate-key"]),
            ("a: 1\na: 2\n'a': 3\n", vec!["duplicate-key", "duplicate-key"]),
            ("a: 1\n---\nb: 1\n", vec!["second-document"]),
            ("a: 1\n...\nb: 1\n", vec!["second-document"]),
            ("? [a]\n: 1\n", vec!["key"]),
            ("%YAML 1.1\n---\na: 1\n", vec!["syntax"]),
            ("a: \u{1}\n", vec!["control-character"]),
            ("# \u{202e}\na: 1\n", vec!["bidi-mark"]),
            ("a: \"x\u{2028}y\"\n", vec!["line-separator"]),
            ("a: x\u{85}b y\n", vec!["line-separator"]),
            ("", vec!["empty"]),
            ("# nothing\n", vec!["empty"]),
        ] {
            let mut found = rules(source);
            found.sort_unstable();
            let mut expected = expected;
            expected.sort_unstable();
            assert_eq!(found, expected, "{source:?}");
        }
    }

    #[test]
    fn the_same_things_in_quotes_are_text() {
        for source in
            ["a: '&x *y !z <<'\n'<<': 1\n", "a: \"\\u202e\\r\\u2028\"\n", "a: 'x\r  y'\n", "a: 1\r\nb: 2\r\n"]
        {
            assert_eq!(rules(source), Vec::<&str>::new(), "{source:?}");
        }
        assert!(rules("a: 1\rb: 2\n").contains(&"lone-cr"));
        assert!(rules("a: x # 1\rb: 2\n").contains(&"lone-cr"));
    }

    #[test]
    fn nesting_is_allowed_to_32_and_no_further() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(rules(&nested(32)), Vec::<&str>::new());
        assert_eq!(rules(&nested(33)), ["too-deep"]);
        let block = (0..33).map(|n| " ".repeat(n) + "a:").collect::<Vec<_>>().join("\n");
        assert_eq!(rules(&block), ["too-deep"]);
    }

    #[test]
    fn y1_poison_is_refused_at_once() {
        for unit in [
            "[", "{", "- ", "? ", "a: &a ", "&a ", "[[", "{a: ", "!x ", "*a ", "\"", "| ", "%", ": ",
            "- - - ", "\t",
        ] {
            let source = unit.repeat(100_000 / unit.len());
            let started = std::time::Instant::now();
            let found = rules(&source);
            assert!(!found.is_empty(), "{unit:?}");
            // A debug build on a busy machine; the figure of the format is measured in release.
            assert!(started.elapsed().as_secs() < 5, "{unit:?} took {:?}", started.elapsed());
        }
    }

    #[test]
    fn a_path_leads_to_its_place() {
        let source = "steps:\n  - id: a\n  - requires: [b, c]\n    env: {X.Y: 1}\n";
        let vetted = vet(source);
        let tree = vetted.tree.as_ref().expect("a tree");
        let slice = |path: &str| {
            let found = tree.find(path).expect(path);
            let key = found.key.map_or("", |key| &source[tree.span(key)]);
            (key, &source[tree.span(found.value)])
        };
        assert_eq!(slice("steps[1].requires[1]"), ("", "c"));
        assert_eq!(slice("steps[0].id"), ("id", "a"));
        assert_eq!(slice("steps[1].requires").0, "requires");
        assert!(tree.find("steps[2]").is_none());
        assert!(tree.find("steps.id").is_none());
    }

    #[test]
    fn not_utf_8_names_its_place() {
        let refused = text_of(b"a: 1\nb: \xff\n").unwrap_err();
        assert_eq!(refused.problem.span, 8..9);
        assert_eq!(text_of(b"\xef\xbb\xbfa: 1\n"), Ok("a: 1\n"));
        assert!(text_of(&vec![b'#'; MAX_BYTES + 1]).is_err());
        assert!(text_of(&vec![b'#'; MAX_BYTES]).is_ok());
    }
}
