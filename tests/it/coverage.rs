//! Set coverage: a check over a list that a step captured, its items side by side, each with its own time and its own
//! answer, and a sentence that names what is missing.

use serde_json::Value;

use crate::support::{Home, Session};

/// The regions come from a step, as a provider would be asked for them. Every item leaves a mark while it runs.
const REGIONS: &str = r#"
onbelay: 1
title: Terminate
checks:
  all-regions-checked:
    title: Every region answered
    for_each: { r: "${regions}" }
    jobs: 2
    timeout: 3s
    run: |
      [ "$r" != silent ] || { touch asked; exec sleep 600; }
      [ "$r" != wrong ] || exit 1
      mkdir "at.$r"; echo "$r" >>begun
      # Two at a time: one alone would wait here for ever, three are one too many.
      until [ "$(wc -l <begun)" -ge 2 ]; do sleep 0.01; done
      set -- at.*; [ $# -le 2 ] || { echo "$# at once"; exit 1; }
      rmdir "at.$r"
steps:
  - { id: ask, title: Ask the provider, run: cat regions, capture: regions }
  - { id: terminate, title: Terminate, destructive: true, requires: all-regions-checked, run: touch terminated }
"#;

fn with_regions<'a>(home: &'a Home, regions: &str) -> Session<'a> {
    home.write("regions", regions);
    let session = home.start(REGIONS);
    session.act(&["run", "ask"]).expect(0);
    session
}

fn answers(session: &Session<'_>) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let records = session.records("check_answered").into_iter();
    let mut all: Vec<_> =
        records.map(|record| (text(&record["item"]), text(&record["answer"]["verdict"]))).collect();
    all.sort();
    all
}

#[test]
fn items_are_asked_side_by_side_and_no_more_than_jobs_says() {
    let home = Home::new();
    let session = with_regions(&home, "a\nb\nc\nd\n");
    let ran = session.act(&["run", "terminate", "--confirm", "terminate"]).expect(0);
    assert!(home.path("terminated").exists(), "{ran:?}");
    let all = answers(&session);
    let holds = |item: &str| (item.to_owned(), "holds".to_owned());
    assert_eq!(all, ["a", "b", "c", "d"].map(holds), "each result is kept");
    session.verifies();
}

#[test]
fn a11_one_item_without_an_answer_keeps_the_gate_shut_and_is_named() {
    let home = Home::new();
    let session = with_regions(&home, "a\nb\nsilent\nwrong\n");
    let ran = session.act(&["run", "terminate", "--confirm", "terminate"]).expect(1);
    ran.says("silent: no answer within 3 s")
        .says("Of 4 expected 1 fails: wrong; 1 gave no answer: silent; 2 hold");
    assert!(home.path("asked").exists());
    assert!(!home.path("terminated").exists());
    let verdicts: Vec<String> = answers(&session).into_iter().map(|(_, verdict)| verdict).collect();
    assert_eq!(verdicts, ["holds", "holds", "error", "fails"], "each result is kept");
}

#[test]
fn a11_an_empty_list_is_no_coverage() {
    // A provider that lists nothing: the capture itself is refused, so nobody goes on believing there is nothing.
    let other = Home::new();
    other.write("regions", "\n");
    let session = other.start(REGIONS);
    session.act(&["run", "ask"]).expect(4);
    session.act(&["run", "terminate", "--confirm", "terminate"]).expect(1);
    assert!(!other.path("terminated").exists());
    let literal = REGIONS.replace("\"${regions}\"", "[]");
    let file = other.write("literal.yaml", &literal);
    let ran = other.call(&["check", file.to_str().unwrap()]);
    ran.expect(1).says("the list is empty: nothing was looked at");
}

/// Two lists, each held against the other: what was declared, and what the provider says there is.
const BOTH: &str = r#"
onbelay: 1
title: Declared
params: { declared: { about: The regions that we know of, list: true } }
checks:
  all-there: { title: Every declared region is there, for_each: { r: "${declared}" }, run: 'grep -qxF "$r" <<<"$regions"' }
  no-other: { title: No other one is there, for_each: { r: "${regions}" }, run: 'grep -qxF "$r" <<<"$declared"' }
steps:
  - { id: ask, title: Ask the provider, run: cat regions, capture: regions }
  - { id: terminate, title: Terminate, destructive: true, requires: [all-there, no-other], run: touch terminated }
"#;

#[test]
fn a11_one_of_two_lists_that_is_missing_misspelt_or_one_too_many_is_named_and_doubled_is_one() {
    // What the provider says, and which items of which check keep it shut; a and b were declared.
    for (regions, shut) in [
        ("a\nb\n", &[][..]),
        ("b\na\n", &[]),
        ("a\na\nb\n", &[]),
        ("a\n", &[("all-there", "b")]),
        ("a\nbb\n", &[("all-there", "b"), ("no-other", "bb")]),
        ("a\nB\n", &[("all-there", "b"), ("no-other", "B")]),
        ("a\nb\nc\n", &[("no-other", "c")]),
    ] {
        let home = Home::new();
        home.write("regions", regions);
        let session = home.start_with(BOTH, &["-p", "declared=a", "-p", "declared=b"]);
        session.act(&["run", "ask"]).expect(0);
        let ran = session.act(&["run", "terminate", "--confirm", "terminate"]);
        let fails: Vec<(String, String)> = session
            .records("check_answered")
            .iter()
            .filter(|record| record["answer"]["verdict"] != "holds")
            .map(|record| ["check", "item"].map(|key| record[key].as_str().unwrap().to_owned()).into())
            .collect();
        let mut named: Vec<(&str, &str)> =
            fails.iter().map(|(check, item)| (check.as_str(), item.as_str())).collect();
        named.sort_unstable();
        assert_eq!(named, shut, "{regions:?}");
        assert_eq!(home.path("terminated").exists(), shut.is_empty(), "{regions:?}: {ran:?}");
        for (check, item) in shut {
            assert!(
                ran.said().lines().any(|line| line.contains(check) && line.contains(&format!("{item}: "))),
                "{ran:?}"
            );
        }
        session.verifies();
    }
    // In a list that stands in the runbook, doubled is a slip.
    let home = Home::new();
    let file = home.write("twice.yaml", &BOTH.replace("\"${declared}\"", "[a, b, a]"));
    home.call(&["lint", file.to_str().unwrap()]).expect(1).says("an item that is there twice");
}

#[test]
fn output_that_cannot_be_a_value_fails_the_step_and_says_why() {
    for (made, why) in [
        ("head -c 300000 /dev/zero | tr '\\0' a", "it is longer than 130 KB"),
        // Short enough by itself, and not with its name.
        ("head -c 131068 /dev/zero | tr '\\0' a", "it is longer than 130 KB"),
        ("printf 'a\\377b'", "it is not UTF-8 text"),
        ("printf 'a\\0b'", "it holds a zero byte"),
        ("echo", "nothing was there to capture as `all`"),
    ] {
        let home = Home::new();
        let steps = format!("- {{ id: list, title: List, run: \"{made}\", capture: all }}");
        let session =
            home.start(&format!("onbelay: 1\ntitle: T\nsteps:\n  {}\n", steps.replace('\\', "\\\\")));
        session.act(&["run", "list"]).expect(4).says(why);
    }
}
