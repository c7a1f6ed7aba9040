//! What an answer rests on, for people: facts in one line, lists a line each. PURE.

use std::collections::BTreeMap;

use serde_json::Value;

/// Evidence taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Single facts by name: counts, digests, what was looked at.
    pub facts: Vec<(String, String)>,
    /// Lists by name, each with its lines: what differs, who has it open.
    pub lists: Vec<(String, Vec<String>)>,
}

/// Takes evidence apart. What is in it is outside text: it is still to be cleaned.
#[must_use]
pub fn shown(evidence: &BTreeMap<String, Value>) -> Shown {
    let mut out = Shown::default();
    for (name, value) in evidence {
        take(&mut out, name, value);
    }
    out
}

fn take(out: &mut Shown, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Array(items) if items.is_empty() => {}
        Value::Array(items) => out.lists.push((name.to_owned(), items.iter().map(line).collect())),
        Value::Object(parts) => parts.iter().for_each(|(name, value)| take(out, name, value)),
        _ => out.facts.push((name.to_owned(), line(value))),
    }
}

/// One value in a line: `path: what` of a difference, else its texts in their order.
fn line(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(parts) => {
            let mut words = Vec::new();
            if let Some(path) = parts.get("path") {
                words.push(line(path));
            }
            words.extend(parts.iter().filter(|(name, _)| *name != "path").map(|(_, value)| line(value)));
            words.join(": ")
        }
        Value::Array(items) => items.iter().map(line).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_stand_in_a_line_and_lists_on_lines_of_their_own() {
        let evidence: BTreeMap<String, Value> = serde_json::from_value(serde_json::json!({
            "source": "/srv/site",
            "counts": { "files": 3, "missing": 1 },
            "differences": [{ "what": "missing", "path": "a/b" }, "plain"],
            "none": [],
        }))
        .unwrap();
        let shown = shown(&evidence);
        let facts: Vec<String> = shown.facts.iter().map(|(name, fact)| format!("{name} {fact}")).collect();
        assert_eq!(facts, ["files 3", "missing 1", "source /srv/site"]);
        let lists = [("differences".to_owned(), vec!["a/b: missing".to_owned(), "plain".to_owned()])];
        assert_eq!(shown.lists, lists);
    }
}
