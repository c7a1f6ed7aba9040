//! What is named when a start is not the one that was asked about: for every field of it, one change and the words (A1).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::approval::WIPE;
use super::approval_text::sample;
use crate::session::approve::{Subject, changes};
use crate::session::bench::Bench;

/// A field, what it becomes, and what is said of that.
fn table() -> Vec<(&'static str, Value, &'static str)> {
    let digest = "ab".repeat(32);
    let person = json!({ "name": "eve", "uid": 4711 });
    let evidence = |title: &str, automatic: bool, records: Value| json!([{ "check": "backup", "automatic": automatic, "title": title, "words": "exit status 0", "records": records }]);
    vec![
        ("session", json!("another"), "the session"),
        ("runbook", json!(digest), "the runbook"),
        ("step", json!("wipe-2"), "the step"),
        ("name", json!("9 Wipe"), "the step"),
        ("work", json!("undo"), "whether it is done or undone"),
        ("how", json!("by_hand"), "who carries it out"),
        ("attempt", json!(7), "the attempt"),
        ("after", json!(7), "the attempt"),
        ("operator", person.clone(), "the operator"),
        ("machine", json!("elsewhere"), "the machine"),
        ("user", person, "the account that commands run as"),
        ("dir", json!("/elsewhere"), "the directory"),
        ("umask", json!(0), "the file mode creation mask"),
        ("loses", json!("Nothing"), "what is lost"),
        ("confirm", json!("yes"), "the text to be typed"),
        ("witness", json!({ "proof": "here", "of": [], "count": 1 }), "who may approve"),
        ("argv", json!(["bash", "-c", "rm -r /"]), "the script"),
        // The words and values stand for themselves; a digest that differs alone is of what they do not show.
        ("command", json!(digest), "the command"),
        ("interactive", json!(true), "whether it has a terminal"),
        ("words", json!("Press it."), "what is to be done"),
        ("values", json!({ "region": "us" }), "the value `region`"),
        ("secrets", json!(["token"]), "the secrets"),
        ("environment", json!({ "PATH": digest }), "the environment variable `PATH`"),
        ("items", json!([{ "item": "x" }]), "the items"),
        ("list", json!(["x"]), "the list"),
        ("evidence", json!([]), "the checks it requires"),
        ("evidence", evidence("Another title", true, json!([1])), "the answer to `backup`"),
        ("evidence", evidence("Backup holds", false, json!([1])), "the answer to `backup`"),
        ("evidence", evidence("Backup holds", true, json!([1, 2])), "the answer to `backup`"),
    ]
}

/// No change of the start itself: when it was asked, by whom, after which record, and what was said of it before.
const OF_THE_ASKING: [&str; 7] = ["asked", "at", "expires", "head", "asker", "replaces", "refusals"];

#[test]
fn a1_every_field_that_changed_is_named_and_nothing_else_is() {
    let mut bench = Bench::new(WIPE);
    bench.run("wipe").unwrap();
    let then = bench.round("wipe").unwrap().subject.clone();
    let whole = serde_json::to_value(&then).unwrap();
    assert_eq!(whole["evidence"][0]["records"].as_array().unwrap().len(), 1, "{whole:#}");
    assert_eq!(changes(&then, &then), Vec::<String>::new());
    for (field, other, words) in table() {
        let mut changed = whole.clone();
        changed[field] = other;
        let now: Subject = serde_json::from_value(changed).unwrap_or_else(|e| panic!("{field}: {e}"));
        assert_eq!(changes(&then, &now), [words], "{field}");
        assert_eq!(changes(&now, &then), [words], "{field}, the other way");
    }
    // An automatic check may have been asked again, as long as it holds: the gate sees to that.
    let mut again = whole.clone();
    again["evidence"][0]["records"] = json!([99]);
    again["evidence"][0]["words"] = json!("exit status 0, later");
    let again: Subject = serde_json::from_value(again).unwrap();
    assert_eq!(changes(&then, &again), Vec::<String>::new());
}

#[test]
fn a1_no_field_of_what_is_approved_is_left_out_of_the_table() {
    let whole = serde_json::to_value(sample()).unwrap();
    let mut all: BTreeSet<&str> = whole.as_object().unwrap().keys().map(String::as_str).collect();
    for named in table().iter().map(|(field, ..)| *field).chain(OF_THE_ASKING) {
        all.remove(named);
    }
    assert!(all.is_empty(), "what is said of a change of {all:?}?");
}
