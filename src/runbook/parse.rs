//! A runbook's text into typed parts, each with its place; nothing here looks beyond one part. PURE.
//!
//! The only module that names `serde_yaml`. The vetted tree is what is read from, because it knows every place and
//! every spelling; `serde_yaml`, written by other people over another parser, reads the same text a second time, and
//! where the two do not see the very same document it is refused: what is read is what runs.

pub(super) mod fields;
pub(super) mod keys;
pub(super) mod raw;
mod read;

pub(super) use fields::ENOUGH;
pub(super) use read::no_name;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use self::fields::Reader;
use self::raw::RawRunbook;
use super::Value;
use super::problem::{Problem, Problems};
use super::vet::{Kind, NodeId, Tree, text_of, vet};

/// The parts of a runbook as far as they can be read, and what is wrong with them.
pub(super) struct Parsed<'s> {
    pub(super) text: &'s str,
    pub(super) raw: Option<RawRunbook>,
    pub(super) problems: Vec<Problem>,
}

/// Reads as much as can be read; only a file that is no text at all yields nothing.
pub(super) fn parse<'s>(source: &'s [u8], path: &str) -> Result<Parsed<'s>, Problems> {
    let text =
        text_of(source).map_err(|refused| Problems::new(path, refused.shown, vec![refused.problem]))?;
    let vetted = vet(text);
    let mut problems = vetted.problems;
    let mut raw = None;
    if let Some(tree) = &vetted.tree {
        raw = read_tree(text, tree, &mut problems, read::runbook);
    }
    Ok(Parsed { text, raw, problems })
}

/// Reads the parts of a document, and has it read a second time where nothing is wrong with them.
fn read_tree<'t, 's, T>(
    text: &'s str,
    tree: &'t Tree<'s>,
    problems: &mut Vec<Problem>,
    read: impl FnOnce(&mut Reader<'t, 's>) -> T,
) -> T {
    // The second reading first: what it takes is given back before the parts take theirs (F-I1).
    let agreed = if problems.is_empty() { agree(text, tree) } else { Ok(()) };
    let mut reader = Reader::new(text, tree);
    let parts = read(&mut reader);
    problems.append(&mut reader.problems);
    if problems.is_empty()
        && let Err(problem) = agreed
    {
        problems.push(*problem);
    }
    parts
}

/// Reads a `--params` file: a map of texts and lists of texts.
pub fn read_params(source: &[u8], path: &str) -> Result<BTreeMap<String, Value>, Problems> {
    let text =
        text_of(source).map_err(|refused| Problems::new(path, refused.shown, vec![refused.problem]))?;
    let vetted = vet(text);
    let mut problems = vetted.problems;
    let mut values = BTreeMap::new();
    if let Some(tree) = &vetted.tree {
        values = read_tree(text, tree, &mut problems, read::params_file);
    }
    if problems.is_empty() { Ok(values) } else { Err(Problems::new(path, text, problems)) }
}

/// One entry of a flat map: a key and its text, each with the bytes of the source where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where it stands.
    pub key_at: Range<usize>,
    /// The text beside it; empty where there is none.
    pub text: String,
    /// Where that stands.
    pub text_at: Range<usize>,
}

/// Reads any other small file of ours: one map of texts, held to the same rules of YAML. An empty file is an empty map.
pub fn read_entries(source: &[u8], path: &str) -> Result<Vec<Entry>, Problems> {
    let text = text_of(source)
        .map_err(|refused| Problems::new(path, refused.shown, vec![small(refused.problem)]))?;
    let vetted = vet(text);
    let mut problems: Vec<Problem> = vetted.problems.into_iter().map(small).collect();
    // Only a runbook must hold something.
    problems.retain(|problem| problem.rule != "empty");
    let mut entries = Vec::new();
    if let Some(tree) = &vetted.tree {
        entries = read_tree(text, tree, &mut problems, read::entries_file);
    }
    if problems.is_empty() { Ok(entries) } else { Err(Problems::new(path, text, problems)) }
}

/// A problem of a small file, where its words are those for a runbook.
fn small(mut problem: Problem) -> Problem {
    let hint = match problem.rule {
        "too-large" => "such a file has a few lines; is it another one?",
        "too-deep" => "such a file has keys and texts, and nothing below them",
        "second-document" => {
            "this file is one document".clone_into(&mut problem.label);
            return problem;
        }
        _ => return problem,
    };
    problem.hints = vec![hint.to_owned()];
    problem
}

/// Do both readers see the same document: the same lists and maps, the same keys in the same order, the same texts?
pub(super) fn agree(text: &str, tree: &Tree<'_>) -> Result<(), Box<Problem>> {
    let last = Cell::new(tree.root());
    let seed = Same { tree, node: tree.root(), last: &last };
    seed.deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|error| {
        Box::new(
            Problem::error("ambiguous", tree.span(last.get()), "two YAML readers do not agree on this text")
                .label(format!("one of them says: {error}"))
                .hint("put it in quotes, or write it in another way"),
        )
    })
}

/// Reads with `serde_yaml` what the vetted tree has at `node`, and compares.
#[derive(Clone, Copy)]
struct Same<'t, 's> {
    tree: &'t Tree<'s>,
    node: NodeId,
    /// Where a disagreement is.
    last: &'t Cell<NodeId>,
}

impl Same<'_, '_> {
    fn at(self, node: NodeId) -> Self {
        Self { node, ..self }
    }
}

impl<'de> DeserializeSeed<'de> for Same<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.last.set(self.node);
        match self.tree.kind(self.node) {
            Kind::Scalar { .. } => deserializer.deserialize_str(self),
            Kind::Seq(_) => deserializer.deserialize_seq(self),
            Kind::Map(_) => deserializer.deserialize_map(self),
            Kind::Hole => Err(D::Error::custom("refused before")),
        }
    }
}

impl<'de> Visitor<'de> for Same<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.tree.kind(self.node) {
            Kind::Scalar { .. } => "a text",
            Kind::Seq(_) => "a list",
            Kind::Map(_) | Kind::Hole => "a map",
        })
    }

    fn visit_str<E: Error>(self, found: &str) -> Result<(), E> {
        let Kind::Scalar { text, .. } = self.tree.kind(self.node) else {
            return Err(E::custom("a text"));
        };
        if *text == *found { Ok(()) } else { Err(E::custom(format_args!("it is {}", shown(found)))) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let Kind::Seq(items) = self.tree.kind(self.node) else {
            return Err(A::Error::custom("a list"));
        };
        for item in items {
            if access.next_element_seed(self.at(*item))?.is_none() {
                return Err(A::Error::custom("the list ends before this"));
            }
        }
        match access.next_element::<serde::de::IgnoredAny>()? {
            None => Ok(()),
            Some(_) => Err(A::Error::custom("the list goes on")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let Kind::Map(entries) = self.tree.kind(self.node) else {
            return Err(A::Error::custom("a map"));
        };
        for (key, value) in entries {
            if access.next_key_seed(self.at(*key))?.is_none() {
                return Err(A::Error::custom("the map ends before this"));
            }
            access.next_value_seed(self.at(*value))?;
        }
        match access.next_key::<serde::de::IgnoredAny>()? {
            None => Ok(()),
            Some(_) => Err(A::Error::custom("the map goes on")),
        }
    }
}

/// The beginning of a text, quoted.
fn shown(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{:?}…", &text[..end]).into(),
        None => format!("{text:?}").into(),
    }
}
