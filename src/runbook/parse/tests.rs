//! Do `serde_yaml` and the vetting parser read alike? Every document that vetting accepts is read by `serde_yaml` into
//! its own values, and the two are compared here by other means than [`agree`] uses.

use proptest::prelude::*;

use super::agree;
use crate::runbook::vet::{Kind, NodeId, Tree, vet};

/// The fragments that YAML documents go wrong over.
const FRAGMENTS: &[&str] = &[
    "\n", " ", "  ", "\t", ":", ": ", "- ", "-", "? ", "#", " #", "'", "\"", "''", "\\", "\\n", "[", "]",
    "{", "}", ",", "|", ">", "|-", ">+", "|2", "&a", "*a", "!x", "<<", "---", "...", "%", "@", "`", "~",
    "null", "true", "1.10", "0o17", "1e3", "\r", "\r\n", "\u{85}", "\u{2028}", "\u{a0}", "\u{feff}", "ü",
    "${x}", "a", "key", "x: y", "\n  ", "\n- ", "=", ".inf",
];

/// Is what `serde_yaml` has at this place the same?
fn same(tree: &Tree<'_>, node: NodeId, value: &serde_yaml::Value) -> bool {
    use serde_yaml::Value as Yaml;
    match (tree.kind(node), value) {
        (Kind::Scalar { text, .. }, Yaml::String(found)) => text == found,
        // An unquoted number, `true` or nothing: the same one, if it is spelled so.
        (Kind::Scalar { text, plain: true }, other) => {
            serde_yaml::from_str::<Yaml>(text).is_ok_and(|again| again == *other)
        }
        (Kind::Seq(items), Yaml::Sequence(found)) => {
            items.len() == found.len()
                && items.iter().zip(found).all(|(item, value)| same(tree, *item, value))
        }
        (Kind::Map(entries), Yaml::Mapping(found)) => {
            entries.len() == found.len()
                && entries.iter().zip(found).all(|((key, value), (other_key, other))| {
                    same(tree, *key, other_key) && same(tree, *value, other)
                })
        }
        _ => false,
    }
}

/// Both readers on one document that might be accepted; true if it was.
fn accepted_alike(source: &str) -> bool {
    let vetted = vet(source);
    let Some(tree) = vetted.tree.filter(|_| vetted.problems.is_empty()) else { return false };
    if agree(source, &tree).is_err() {
        return false;
    }
    let value: serde_yaml::Value = match serde_yaml::from_str(source) {
        Ok(value) => value,
        // Its own values have no room for every number and key; texts are what is read here.
        Err(error) => {
            let error = error.to_string();
            assert!(error.contains("integer") || error.contains("duplicate"), "{source:?}: {error}");
            return true;
        }
    };
    // Keys that are different texts and the same number would be one key to it (`1` and `0x1`); that is about its
    // values, not about what stands in the document.
    assert!(same(&tree, tree.root(), &value) || has_odd_keys(&tree), "{source:?}\n{value:?}");
    true
}

fn has_odd_keys(tree: &Tree<'_>) -> bool {
    fn odd(tree: &Tree<'_>, node: NodeId) -> bool {
        match tree.kind(node) {
            Kind::Map(entries) => entries.iter().any(|(key, value)| {
                tree.text(*key).is_none_or(|key| {
                    serde_yaml::from_str::<serde_yaml::Value>(key).is_ok_and(|key| !key.is_string())
                }) || odd(tree, *value)
            }),
            Kind::Seq(items) => items.iter().any(|item| odd(tree, *item)),
            _ => false,
        }
    }
    odd(tree, tree.root())
}

fn corpus() -> Vec<String> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut out = Vec::new();
    for dir in ["runbooks", "tests/format/cases"] {
        for entry in std::fs::read_dir(root.join(dir)).into_iter().flatten().flatten() {
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            let parts = text.split("\n=== ").map(|part| {
                let yaml = part.split_once("--- expected").map_or(part, |(yaml, _)| yaml);
                if part.contains("--- expected") {
                    yaml.split_once('\n').map_or("", |(_, y)| y)
                } else {
                    yaml
                }
                .to_owned()
            });
            out.extend(parts.filter(|part| !part.is_empty()));
        }
    }
    out
}

#[test]
fn both_readers_see_the_same_in_every_runbook_there_is() {
    let corpus = corpus();
    let accepted = corpus.iter().filter(|source| accepted_alike(source)).count();
    assert!(accepted >= 40, "{accepted} of {}", corpus.len());
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks")).unwrap() {
        let path = entry.unwrap().path();
        assert!(accepted_alike(&std::fs::read_to_string(&path).unwrap()), "{}", path.display());
    }
}

/// The comparison must be able to fail: documents that the two are known to read differently.
#[test]
fn a_document_they_read_differently_is_refused() {
    for source in ["a: \"x\u{85}y\"\n", "a: x\u{2028}y\n", "a: 'x \u{2029} y'\n"] {
        let vetted = vet(source);
        let tree = vetted.tree.expect("the vetting parser reads it");
        assert!(agree(source, &tree).is_err(), "{source:?}");
    }
    // And a tree that is simply another one.
    let vetted = vet("a: [b, c]\nd: e\n");
    let tree = vetted.tree.unwrap();
    for other in [
        "a: [b]\nd: e\n",
        "a: [b, c, x]\nd: e\n",
        "a: [b, x]\nd: e\n",
        "a: [b, c]\n",
        "a: [b, c]\nx: e\n",
        "d: e\na: [b, c]\n",
        "a: {b: c}\nd: e\n",
    ] {
        assert!(agree(other, &tree).is_err(), "{other}");
    }
}

/// A value as an author may write it.
#[derive(Clone, Debug)]
enum Made {
    Plain(String),
    Single(String),
    Double(String),
    Literal(String),
    Folded(String),
    Flow(Vec<(String, Made)>),
    Seq(Vec<Made>),
    Map(Vec<(String, Made)>),
}

fn made() -> impl Strategy<Value = Made> {
    let line = "[a-zA-Z0-9 ü:#'\"$\\{\\}\\-\\\\,&*!|>%@~.]{0,24}";
    let lines = prop::collection::vec(line, 0..4).prop_map(|lines| lines.join("\n"));
    let leaf = prop_oneof![
        "[a-z0-9$][a-zA-Z0-9 $:#,.\\-]{0,20}".prop_map(Made::Plain),
        line.prop_map(Made::Single),
        lines.clone().prop_map(Made::Double),
        lines.clone().prop_map(Made::Literal),
        lines.prop_map(Made::Folded),
        prop::collection::vec(("[a-z]{1,6}", "[a-z0-9 ]{0,8}".prop_map(Made::Single)), 0..3)
            .prop_map(Made::Flow),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Made::Seq),
            prop::collection::vec(("[a-z]{1,8}", inner), 1..4).prop_map(Made::Map),
        ]
    })
}

fn write(value: &Made, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Made::Plain(text) => out.push_str(text),
        Made::Single(text) => {
            out.push('\'');
            out.push_str(&text.replace('\'', "''"));
            out.push('\'');
        }
        Made::Double(text) => out.push_str(&serde_json::to_string(text).unwrap()),
        Made::Literal(text) | Made::Folded(text) => {
            out.push(if matches!(value, Made::Literal(_)) { '|' } else { '>' });
            for line in text.lines() {
                out.push('\n');
                out.push_str(&pad);
                out.push_str(line);
            }
        }
        Made::Flow(entries) => {
            out.push_str("{ ");
            for (key, value) in entries {
                out.push_str(key);
                out.push_str(": ");
                write(value, indent, out);
                out.push_str(", ");
            }
            out.push('}');
        }
        Made::Seq(items) => {
            for item in items {
                out.push('\n');
                out.push_str(&pad);
                out.push_str("- ");
                write(item, indent + 2, out);
            }
        }
        Made::Map(entries) => {
            for (key, value) in entries {
                out.push('\n');
                out.push_str(&pad);
                out.push_str(key);
                out.push_str(": ");
                write(value, indent + 2, out);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_readers_see_the_same_in_made_documents(value in made()) {
        let mut source = String::from("top:");
        if !matches!(value, Made::Seq(_) | Made::Map(_)) {
            source.push(' ');
        }
        write(&value, 2, &mut source);
        source.push('\n');
        accepted_alike(&source);
    }

    #[test]
    fn both_readers_see_the_same_in_changed_documents(
        pick in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_usize..4), 1..6),
    ) {
        let corpus = CORPUS.with(Clone::clone);
        let mut source: Vec<char> = pick.get(&corpus).chars().take(1_500).collect();
        for (at, fragment, cut) in changes {
            let at = at.index(source.len() + 1);
            let end = (at + cut).min(source.len());
            source.splice(at..end, fragment.get(FRAGMENTS).chars());
        }
        accepted_alike(&source.into_iter().collect::<String>());
    }
}

thread_local! {
    static CORPUS: std::rc::Rc<Vec<String>> = std::rc::Rc::new(corpus());
}
