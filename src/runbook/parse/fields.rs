//! Reading one map, list or scalar of the tree, with an error for all that is not what it should be. PURE.

use std::ops::Range;
use std::time::Duration;

use super::keys::{ALL, Context, PHASE};
use crate::runbook::expect::number;
use crate::runbook::problem::Problem;
use crate::runbook::suggest::{nearest, other_tools_word};
use crate::runbook::vet::{Kind, NodeId, Tree};
use crate::time::parse_duration;

/// So many problems of one file are told with what may have been meant; nobody reads more, and finding out takes time.
const HINTED: usize = 200;

/// So many problems end the reading: the rest of such a file tells nobody more.
pub(in crate::runbook) const ENOUGH: usize = 10_000;

/// A value and where it stands, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::runbook) struct At<T> {
    pub(in crate::runbook) value: T,
    pub(in crate::runbook) span: Range<usize>,
}

/// What reading goes on with: the tree, and the problems so far.
pub(super) struct Reader<'t, 's> {
    pub(super) source: &'s str,
    pub(super) tree: &'t Tree<'s>,
    pub(super) problems: Vec<Problem>,
}

/// The known keys of one map.
pub(super) struct Fields {
    /// Where the map stands: its first key, or all of an empty one.
    pub(super) span: Range<usize>,
    entries: Vec<(&'static str, NodeId, NodeId)>,
}

impl Fields {
    /// Is none of the known keys there?
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The key and value of `key`.
    pub(super) fn get(&self, key: &str) -> Option<(NodeId, NodeId)> {
        self.entries.iter().find(|(name, _, _)| *name == key).map(|(_, key, value)| (*key, *value))
    }

    /// The value of `key`.
    pub(super) fn value(&self, key: &str) -> Option<NodeId> {
        self.get(key).map(|(_, value)| value)
    }
}

impl<'t, 's> Reader<'t, 's> {
    pub(super) fn new(source: &'s str, tree: &'t Tree<'s>) -> Self {
        Self { source, tree, problems: Vec::new() }
    }

    /// Is more wrong with this file than is worth reading on for?
    pub(super) fn has_enough(&self) -> bool {
        self.problems.len() >= ENOUGH
    }

    pub(super) fn kind(&self, node: NodeId) -> &'t Kind<'s> {
        self.tree.kind(node)
    }

    pub(super) fn span(&self, node: NodeId) -> Range<usize> {
        self.tree.span(node)
    }

    fn at<T>(&self, node: NodeId, value: T) -> At<T> {
        At { value, span: self.span(node) }
    }

    /// Reports that something else was due at `node`.
    pub(super) fn wrong(&mut self, node: NodeId, expected: &str) {
        if self.has_enough() {
            return;
        }
        let (rule, message, hint) = match self.kind(node) {
            Kind::Hole => return,
            Kind::Scalar { text, plain: true } if is_null(text) => {
                ("no-value", "there is no value here".to_owned(), None)
            }
            Kind::Scalar { text, .. } if text.trim().is_empty() => {
                ("wrong-type", "an empty text stands here".to_owned(), None)
            }
            Kind::Scalar { text, plain } => {
                let quotes = if *plain { "" } else { "quoted " };
                let shown: String = text.chars().take(40).collect();
                ("wrong-type", format!("{quotes}`{shown}` is not what belongs here"), None)
            }
            Kind::Seq(_) => ("wrong-type", "a list stands here".to_owned(), self.bracket_hint(node)),
            Kind::Map(_) => ("wrong-type", "a map stands here".to_owned(), self.bracket_hint(node)),
        };
        let hint = hint.filter(|_| expected.contains("text") || expected.contains("name"));
        let mut problem =
            Problem::error(rule, self.first_of(node), message).label(format!("expected {expected}"));
        problem.hints.extend(hint);
        self.problems.push(problem);
    }

    /// A whole map or list would mark many lines; its first line is enough.
    fn first_of(&self, node: NodeId) -> Range<usize> {
        let span = self.span(node);
        let text = &self.source[span.clone()];
        let end = text.find('\n').map_or(span.end, |at| span.start + at);
        span.start..end.max(span.start)
    }

    /// Where text was due and brackets stand, quotes are what is missing.
    fn bracket_hint(&self, node: NodeId) -> Option<String> {
        let text = &self.source[self.span(node)];
        if text.starts_with("{{") {
            Some("a value is written ${name}; text with brackets needs quotes".to_owned())
        } else if text.starts_with(['{', '[']) {
            Some("if this is text, put it in quotes".to_owned())
        } else {
            None
        }
    }

    /// The known keys of a map; every other key is reported.
    pub(super) fn fields(&mut self, node: NodeId, context: &'static Context) -> Option<Fields> {
        let Kind::Map(entries) = self.kind(node) else {
            let keys = context.keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
            let few = context.keys.len() <= 4;
            self.wrong(
                node,
                &if few { format!("a map with {keys}") } else { format!("the keys of {}", context.what) },
            );
            return None;
        };
        let span = entries.first().map_or_else(|| self.span(node), |(key, _)| self.span(*key));
        let mut known = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            if self.has_enough() {
                return None;
            }
            let Some(text) = self.tree.text(*key) else { continue };
            if let Some(name) = context.keys.iter().find(|name| **name == text) {
                known.push((*name, *key, *value));
            } else if context.later.contains(&text) {
                self.problems.push(
                    Problem::error(
                        "not-yet",
                        self.span(*key),
                        format!("not yet: `{text}` of {}", context.what),
                    )
                    .label("a later version of onbelay carries this out")
                    .hint("leave it out, or do it another way"),
                );
            } else {
                let hinted = self.problems.len() < HINTED;
                let problem = unknown_key(text, self.span(*key), context, hinted);
                self.problems.push(problem);
            }
        }
        Some(Fields { span, entries: known })
    }

    /// A text: plain, quoted or a block; a number as spelled.
    pub(super) fn text(&mut self, node: NodeId) -> Option<At<String>> {
        match self.kind(node) {
            Kind::Scalar { text, plain: true } if is_bool(text) => {
                if self.has_enough() {
                    return None;
                }
                self.problems.push(
                    Problem::error("wrong-type", self.span(node), format!("`{text}` is not a text"))
                        .label("expected text")
                        .hint(format!("if the word is meant, put it in quotes: \"{text}\"")),
                );
                None
            }
            Kind::Scalar { text, plain: true } if is_null(text) => {
                self.wrong(node, "text");
                None
            }
            Kind::Scalar { text, .. } => Some(self.at(node, text.clone().into_owned())),
            _ => {
                self.wrong(node, "text");
                None
            }
        }
    }

    /// `true` or `false`, unquoted.
    pub(super) fn flag(&mut self, node: NodeId) -> Option<At<bool>> {
        if let Kind::Scalar { text, plain: true } = self.kind(node) {
            match text.as_ref() {
                "true" => return Some(self.at(node, true)),
                "false" => return Some(self.at(node, false)),
                _ => {}
            }
        }
        let before = self.problems.len();
        self.wrong(node, "true or false");
        if let (Some(text), Some(problem)) = (self.tree.text(node), self.problems.get_mut(before)) {
            match text.to_lowercase().as_str() {
                "true" | "yes" | "on" | "y" => {
                    problem.hints.push("did you mean `true`, without quotes?".to_owned());
                }
                "false" | "no" | "off" | "n" => {
                    problem.hints.push("did you mean `false`, without quotes?".to_owned());
                }
                _ => {}
            }
        }
        None
    }

    /// A length of time.
    pub(super) fn length(&mut self, node: NodeId) -> Option<At<Duration>> {
        let expected = "a duration such as 90s, 5m, 2h, 3d or 1h30m";
        let text = self.tree.text(node);
        if let Some(length) = text.and_then(|text| parse_duration(text).ok()) {
            return Some(self.at(node, length));
        }
        if self.has_enough() {
            return None;
        }
        self.wrong(node, expected);
        let digits = text.filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
        if let (Some(text), Some(problem)) = (digits, self.problems.last_mut()) {
            problem.hints.push(format!("a unit is missing: did you mean `{text}s`?"));
        }
        None
    }

    /// A length of time above zero.
    pub(super) fn positive(&mut self, node: NodeId) -> Option<At<Duration>> {
        let length = self.length(node)?;
        if length.value.is_zero() {
            self.problems.push(
                Problem::error("zero", length.span, "no time at all is not possible here")
                    .label("expected more than 0s"),
            );
            return None;
        }
        Some(length)
    }

    /// A whole number from `least` to `most`.
    pub(super) fn whole(&mut self, node: NodeId, least: u32, most: u32) -> Option<At<u32>> {
        if let Kind::Scalar { text, plain: true } = self.kind(node) {
            let decimal =
                text.bytes().all(|b| b.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
            if decimal && let Some(n) = text.parse().ok().filter(|n| (least..=most).contains(n)) {
                return Some(self.at(node, n));
            }
        }
        self.wrong(node, &format!("a whole number from {least} to {most}, without quotes"));
        None
    }

    /// A decimal number.
    pub(super) fn number(&mut self, node: NodeId) -> Option<At<f64>> {
        if let Kind::Scalar { text, plain: true } = self.kind(node)
            && let Some(n) = number(text)
        {
            return Some(self.at(node, n));
        }
        self.wrong(node, "a number such as 5 or -0.5, without quotes");
        None
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, node: NodeId) -> Option<Vec<At<String>>> {
        let Kind::Seq(items) = self.kind(node) else {
            self.wrong(node, "a list");
            return None;
        };
        Some(items.iter().filter_map(|item| self.text(*item)).collect())
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, node: NodeId, words: &[(&str, T)]) -> Option<T> {
        let found = self.tree.text(node);
        if let Some((_, value)) = words.iter().find(|(word, _)| found == Some(*word)) {
            return Some(*value);
        }
        if self.has_enough() {
            return None;
        }
        let names = words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(" or ");
        self.wrong(node, &names);
        let near = found.and_then(|found| nearest(found, words.iter().map(|(word, _)| *word)));
        if let (Some(near), Some(problem)) = (near, self.problems.last_mut()) {
            problem.hints.push(format!("did you mean `{near}`?"));
        }
        None
    }

    /// One text or a list of them.
    pub(super) fn one_or_many(&mut self, node: NodeId) -> Vec<At<String>> {
        match self.kind(node) {
            Kind::Seq(_) => self.texts(node).unwrap_or_default(),
            Kind::Map(_) => {
                self.wrong(node, "one text, or a list of them");
                Vec::new()
            }
            _ => self.text(node).into_iter().collect(),
        }
    }

    /// The entries of a map whose keys are names of the author's own.
    pub(super) fn named(&mut self, node: NodeId, expected: &str) -> Vec<(At<String>, NodeId)> {
        let Kind::Map(entries) = self.kind(node) else {
            self.wrong(node, expected);
            return Vec::new();
        };
        entries.iter().filter_map(|(key, value)| Some((self.text(*key)?, *value))).collect()
    }
}

/// Would YAML read an unquoted `text` as nothing?
pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn is_bool(text: &str) -> bool {
    matches!(text, "true" | "True" | "TRUE" | "false" | "False" | "FALSE")
}

fn unknown_key(text: &str, span: Range<usize>, context: &Context, hinted: bool) -> Problem {
    let shown: String = text.chars().take(60).collect();
    let problem = Problem::error("unknown-key", span, format!("unknown key `{shown}`"))
        .label(format!("not a key of {}", context.what));
    if !hinted {
        return problem;
    }
    if context.what == PHASE.what {
        return problem.hint(
            "an entry with `phase` is a heading and nothing else; its steps follow as entries of their own",
        );
    }
    let here = |word: &str| context.keys.contains(&word);
    let elsewhere = ALL.iter().find(|other| other.keys.contains(&text) || other.later.contains(&text));
    let other_tool = other_tools_word(text);
    let both: Vec<String> =
        other_tool.iter().filter(|word| here(word)).map(|word| format!("`{word}`")).collect();
    if !both.is_empty() {
        return problem.hint(format!("did you mean {}?", both.join(" or ")));
    }
    if let Some(near) = nearest(text, context.keys.iter().copied()) {
        return problem.hint(format!("did you mean `{near}`?"));
    }
    if let Some(other) = elsewhere {
        return problem.hint(format!("`{text}` is a key of {}", other.what));
    }
    if let Some((word, other)) =
        other_tool.iter().find_map(|word| ALL.iter().find(|c| c.keys.contains(word)).map(|c| (word, c)))
    {
        return problem.hint(format!("did you mean `{word}`, a key of {}?", other.what));
    }
    let keys = context.keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    problem.hint(format!("{} has {keys}", context.what))
}
