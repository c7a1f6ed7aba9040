//! Records that somebody forged: their chain fits, and what is in them would act on a terminal (U1).

use std::io::{BufRead as _, BufReader};

use onbelay::journal::record::link_to;
use onbelay::text::is_marked;
use serde_json::{Value, json};

use crate::support::{Home, Ran, Session};

/// Writes a clipboard, turns text round, sets a colour.
const POISON: &str = "x\u{1b}]52;c;aGk=\u{7}\u{202e}\u{9b}31m";

const WALK: &str = "
onbelay: 1
title: Forged
checks:
  c: { title: C, run: 'true' }
steps:
  - { id: each, title: Each, for_each: { part: [one, two] }, run: 'exec sleep 600' }
  - { id: last, title: Last, requires: c, run: 'true' }
";

/// A walk in the middle of an item, with nobody left who writes its log.
fn left(home: &Home) -> Session<'_> {
    let session = home.start(WALK);
    session.act(&["--no-wait", "run", "each"]).expect(0);
    session.wait_for("item_started");
    home.kill_everything();
    session
}

/// Puts a record at the end of the log, linked as it should be.
fn forge(session: &Session<'_>, event: &Value) {
    let path = session.dir().join("journal.jsonl");
    let mut text = std::fs::read_to_string(&path).unwrap();
    let last = text.lines().last().unwrap();
    let before: Value = serde_json::from_str(last).unwrap();
    let mut record = json!({
        "n": before["n"].as_u64().unwrap() + 1,
        "at": before["at"], "up": before["up"], "session": before["session"], "by": before["by"],
    });
    record.as_object_mut().unwrap().extend(event.as_object().unwrap().clone());
    let line = record.to_string();
    let line = format!("{},\"prev\":\"{}\"}}\n", &line[..line.len() - 1], link_to(last.as_bytes()));
    text.push_str(&line);
    std::fs::write(&path, text).unwrap();
}

/// Leaves of the log its first record alone, with another value in one of its fields.
fn forge_first(session: &Session<'_>, field: &str, value: &str) {
    let path = session.dir().join("journal.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let first = text.lines().next().unwrap();
    let old: Value = serde_json::from_str(first).unwrap();
    let (old, new) = (format!("\"{field}\":{}", old[field]), format!("\"{field}\":{}", json!(value)));
    assert!(first.contains(&old), "{first}");
    std::fs::write(&path, format!("{}\n", first.replace(&old, &new))).unwrap();
}

#[track_caller]
fn is_harmless(words: &[&str], ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        let bad =
            text.chars().find(|c| *c != '\n' && is_marked(*c) && !('\u{2400}'..='\u{2426}').contains(c));
        assert_eq!(bad, None, "{words:?}: {ran:?}");
    }
}

/// Calls every verb that reads a log; all that they say.
#[track_caller]
fn told(home: &Home, session: &Session<'_>) -> String {
    let dir = session.dir();
    let id = dir.to_str().unwrap();
    let calls: &[&[&str]] = &[
        &["list"],
        &["list", "--json"],
        &["status", id],
        &["status", id, "--json"],
        &["log", id],
        &["log", id, "--follow"],
        &["verify", id],
        &["verify", id, "--json"],
        &["report", id],
        &["report", id, "--format", "json"],
        &["do", id, "note", "hello"],
        &["do", id, "run", "last"],
        &["attach", id, "--plain"],
    ];
    let mut said = String::new();
    for words in calls {
        let ran = home.call(words);
        is_harmless(words, &ran);
        said += &ran.said();
    }
    said
}

#[test]
fn u1_an_id_that_no_runbook_gives_is_damage_and_reaches_no_terminal() {
    for (event, why) in [
        (json!({ "event": "stop_asked", "step": POISON }), "is not the id of a step"),
        (json!({ "event": "check_dropped", "check": POISON }), "is not the id of a check"),
    ] {
        let home = Home::new();
        let session = left(&home);
        forge(&session, &event);
        let said = told(&home, &session);
        assert!(said.contains("the log is damaged"), "{said}");
        assert!(said.contains(why), "{said}");
        // What came before it can be read.
        assert_eq!(session.step("each"), "running");
    }
}

/// A record that is read, and cannot be: its item's command has not ended.
fn unfit() -> Value {
    json!({ "event": "item_settled", "step": "each", "attempt": 1, "item": POISON, "ok": true, "why": "w" })
}

/// What is told of it.
const SHOWN: &str = "item `x␛]52;c;aGk=␇{U+202E}{U+009B}31m` of each has not ended";

#[test]
fn u1_a_record_that_cannot_follow_is_told_once_cleaned() {
    let home = Home::new();
    let session = left(&home);
    forge(&session, &unfit());
    let said = told(&home, &session);
    for verb in [&["status"][..], &["report"], &["log"], &["log", "--follow"]] {
        let ran = session.call(verb[0], &verb[1..]).expect(3);
        assert!(ran.said().contains(SHOWN), "{verb:?}: {ran:?}");
    }
    assert!(said.contains(SHOWN), "{said}");
}

#[test]
fn u1_a_record_that_is_forged_under_the_eyes_of_a_follower_is_told_once_cleaned() {
    let home = Home::new();
    let session = left(&home);
    let mut follower = home.command(&["log", &session.id, "--follow"]).spawn().unwrap();
    let mut first = String::new();
    let mut told = BufReader::new(follower.stdout.take().unwrap());
    told.read_line(&mut first).unwrap();
    assert!(!first.is_empty(), "it has begun");
    forge(&session, &unfit());
    let ran = Ran::of(&follower.wait_with_output().unwrap()).expect(3).says(SHOWN);
    is_harmless(&["log", "--follow"], &ran);
}

#[test]
fn u1_what_a_first_record_names_reaches_no_terminal() {
    for (field, why) in [("session", "is not the id of a session"), ("sha256", "is not a SHA-256")] {
        let home = Home::new();
        let session = left(&home);
        forge_first(&session, field, POISON);
        let said = told(&home, &session);
        assert!(said.contains(why), "{said}");
    }
}

/// Characters that JSON may hold as they are, and that act on a terminal.
const ACTS: &str = "\u{9b}31m\u{7f}\u{202e}";

#[test]
fn u1_json_of_every_verb_says_the_same_and_nothing_in_it_acts() {
    let home = Home::new();
    let yaml = r#"
onbelay: 1
title: "Title \u009b31m\u007f\u202e"
checks:
  c: { title: "Check \u009b31m\u007f\u202e", run: "printf '\\302\\23331m\\177\\342\\200\\256'; exit 1", expect: { equals: "\u009b31m\u007f\u202e" } }
steps:
  - { id: first, title: "First \u009b31m\u007f\u202e", run: 'true' }
  - { id: sign, title: Sign, destructive: "Lost \u009b31m\u007f\u202e", witness: { proof: key }, run: "echo '\u009b31m\u007f\u202e'" }
  - { id: wipe, title: Wipe, destructive: "Lost", requires: c, run: 'true' }
"#;
    std::fs::create_dir_all(home.state()).unwrap();
    let bad = home.write(&format!("bad{ACTS}.yaml"), "onbelay: 1\ntitle: t\nsteps: []\n");
    let file = home.write("runbook.yaml", yaml);
    let signature = home.write("sig", "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n");
    let (file, bad, signature) = (file.to_str().unwrap(), bad.to_str().unwrap(), signature.to_str().unwrap());
    let session = home.start_file(std::path::Path::new(file), &[]);
    let id = session.id.as_str();
    session.act(&["note", ACTS]).expect(0);
    // The verb; how it ends; does what it answers hold the characters?
    let calls: &[(&[&str], i32, bool)] = &[
        (&["lint", "--format", "json", bad], 1, true),
        (&["lint", "--format", "sarif", bad], 1, false),
        (&["check", file, "--json"], 1, true),
        (&["do", id, "--json", "run", "first"], 0, false),
        (&["do", id, "--json", "check", "c"], 1, true),
        (&["do", id, "--json", "run", ACTS], 2, true),
        (&["do", id, "--json", "run", "wipe"], 1, true),
        (&["approval", "show", id, "sign", "--json"], 0, false),
        (&["approve", id, ACTS, "--signature", signature, "--json"], 2, true),
        (&["do", id, "--json", "approve", ACTS, "--name", "Kim"], 2, true),
        (&["status", id, "--json"], 0, true),
        (&["list", "--json"], 0, true),
        (&["log", id, "--json"], 0, true),
        (&["verify", id, "--json"], 0, false),
        (&["report", id, "--format", "json"], 0, false),
    ];
    for (words, code, holds) in calls {
        let ran = home.call(words);
        is_harmless(words, &ran);
        assert_eq!(ran.code, Some(*code), "{words:?}: {ran:?}");
        // The log is one value a line.
        let values = serde_json::Deserializer::from_str(&ran.stdout).into_iter::<Value>();
        let values: Vec<Value> =
            values.collect::<Result<_, _>>().unwrap_or_else(|e| panic!("{words:?}: {e}: {ran:?}"));
        assert!(!values.is_empty(), "{words:?}: {ran:?}");
        assert_eq!(values.iter().any(|value| has(value, ACTS)), *holds, "{words:?}: {values:#?}");
    }
}

/// Is `part` in one of its texts?
fn has(value: &Value, part: &str) -> bool {
    match value {
        Value::String(text) => text.contains(part),
        Value::Array(list) => list.iter().any(|one| has(one, part)),
        Value::Object(map) => map.values().any(|one| has(one, part)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
