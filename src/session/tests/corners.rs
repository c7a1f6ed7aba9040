//! Branches of the gate and the approval that no walk of the other tests comes through (F-P1: `tests/branches` counts them).

use std::collections::BTreeMap;

use crate::runbook::Value;
use crate::session::approve::standing::replaced;
use crate::session::approve::{changes, wrong_person};
use crate::session::bench::{Bench, dana, sam};
use crate::session::state::Approval;
use crate::session::{Command, Event, Work};

use super::approval::kim;

const BACK_AND_FORTH: &str = "
steps:
  - { id: wipe, title: Wipe, destructive: true, confirm: wipe, witness: true, run: 'wipe', undo: 'back' }
";

fn ask(bench: &mut Bench, work: Work, by_hand: bool) -> Option<String> {
    bench.act(&Command::AskApproval { step: "wipe".into(), work: Some(work), by_hand }).unwrap();
    let replaces = bench.round("wipe").unwrap().subject.replaces.clone();
    bench.approves(&sam(), "wipe").unwrap();
    replaces
}

#[test]
fn a1_what_an_asking_anew_takes_the_place_of_is_said_by_what_differs() {
    let mut bench = Bench::new(BACK_AND_FORTH);
    bench.run("wipe").unwrap();
    bench.approves(&sam(), "wipe").unwrap();
    bench.run_typed("wipe", "wipe").unwrap();
    bench.exits(1);
    // It failed: forward and back are both open.
    assert_eq!(ask(&mut bench, Work::Run, false), None, "what was approved before is used up");
    let because = |replaced: Option<String>| replaced.unwrap().split_once(": ").unwrap().1.to_owned();
    assert_eq!(because(ask(&mut bench, Work::Undo, false)), "that was not to take it back");
    assert_eq!(because(ask(&mut bench, Work::Run, false)), "that was to take it back");
    assert_eq!(because(ask(&mut bench, Work::Run, true)), "that was with its script");
    let anew = replaced(&bench.session, 0, Work::Run, true, bench.now);
    assert_eq!(because(anew), "it was asked for anew", "where nothing is another thing");
    bench.run("wipe").unwrap();
    assert_eq!(because(bench.round("wipe").unwrap().subject.replaces.clone()), "that was by hand");
}

#[test]
fn a3_a_name_is_typed_at_the_operators_account_only() {
    let yaml = "steps:\n  - { id: go, title: Go, confirm: go, witness: { proof: here }, run: 'true' }\n";
    let mut bench = Bench::new(yaml);
    bench.run("go").unwrap();
    let approve =
        Command::Approve { step: "go".into(), seen: None, name: Some("Kim".to_owned()), signature: None };
    let refused = bench.act_as(&sam(), &approve).unwrap_err();
    assert!(refused.sentence.contains("approve without --name"), "{refused:?}");
    bench.act_as(&dana(), &approve).unwrap();
}

#[test]
fn u1_what_is_approved_shows_characters_that_act_by_their_numbers() {
    let yaml = "params: { path: {} }\nsteps:\n  - { id: wipe, title: Wipe, destructive: true, witness: true, run: 'rm \"$path\"' }\n";
    let path = "/srv/\u{1b}[2J\"old\"\\\t\u{202e}".to_owned();
    let values = BTreeMap::from([("path".into(), Value::Text(path))]);
    let mut bench = Bench::with_values(yaml, values);
    bench.run("wipe").unwrap();
    let text = bench.round("wipe").unwrap().subject.text();
    assert!(text.contains(r#""path=/srv/\u{1b}[2J\"old\"\\\t\u{202e}""#), "{text}");
    assert!(!text.chars().any(|c| c != '\n' && c.is_control()), "{text}");
}

#[test]
fn s13_the_word_for_the_terminal_is_the_runbooks_where_it_gives_one() {
    for (env, own) in [("", true), (", env: { TERM: dumb }", false), (", env: { TERM: \"${word}\" }", false)]
    {
        let yaml = format!(
            "params: {{ word: {{ secret: true }} }}\nsteps:\n  - {{ id: top, title: Top, interactive: true, run: top{env} }}\n"
        );
        let mut bench = Bench::new(&yaml);
        bench.secrets.insert("word".into());
        let call = crate::session::gate::command(&bench.session, 0, Work::Run, None).unwrap().unwrap();
        assert_eq!(call.env.get("TERM").is_some_and(|word| word != "dumb"), own, "{env}: {:?}", call.env);
    }
}

#[test]
fn a1_another_command_is_named_by_what_makes_it_another() {
    let mut bench = Bench::new(BACK_AND_FORTH);
    bench.run("wipe").unwrap();
    let then = bench.round("wipe").unwrap().subject.clone();
    let mut now = then.clone();
    now.command = Some(crate::id::Digest::new("b".repeat(64)));
    assert_eq!(changes(&then, &now), ["the command"]);
    now.umask += 1;
    assert_eq!(changes(&then, &now), ["the file mode creation mask"]);
    now.operator = kim();
    assert_eq!(changes(&then, &now), ["the operator", "the file mode creation mask"]);
}

#[test]
fn a3_a_name_that_was_typed_at_another_account_counts_for_nothing_however_it_came_into_the_log() {
    let yaml = "steps:\n  - { id: go, title: Go, confirm: go, witness: { proof: here }, run: 'true' }\n";
    let mut bench = Bench::new(yaml);
    bench.run("go").unwrap();
    let approve =
        Command::Approve { step: "go".into(), seen: None, name: Some("Kim".to_owned()), signature: None };
    bench.act_as(&dana(), &approve).unwrap();
    let round = bench.round("go").unwrap();
    let (rule, approval) = (&round.subject.witness, &round.given[0]);
    assert_eq!(wrong_person(&bench.session, rule, approval), None);
    let elsewhere = Approval { by: sam(), ..approval.clone() };
    let why = wrong_person(&bench.session, rule, &elsewhere).unwrap();
    assert!(why.contains("the name of Kim was typed from the account of sam"), "{why}");
}

#[test]
fn a14_one_person_who_is_on_record_twice_is_one() {
    let yaml = "steps:\n  - { id: go, title: Go, confirm: go, witness: { count: 2 }, run: 'true' }\n";
    let mut bench = Bench::new(yaml);
    bench.run("go").unwrap();
    bench.approves(&sam(), "go").unwrap();
    let mut twice = bench.session.clone();
    let round = twice.state.steps[0].approval.as_mut().unwrap();
    round.given.push(round.given[0].clone());
    let requirement = crate::session::view::witness_for(&twice, 0, Work::Run, None, bench.now);
    assert!(!requirement.met, "{requirement:?}");
    assert!(requirement.why.contains("sam"), "{requirement:?}");
}

#[test]
fn what_failed_before_it_said_its_value_is_not_taken_back_without_it() {
    let mut bench = Bench::new(
        "steps:
  - { id: cap, title: Cap, run: 'mktemp -d', capture: dir1, undo: 'rm -r $dir1' }
",
    );
    bench.run("cap").unwrap();
    bench.exits(1);
    bench.undo("cap").unwrap();
    let refused = bench.entries.iter().rev().find_map(|entry| match &entry.event {
        Event::Refused { why, .. } => Some(why.as_str()),
        _ => None,
    });
    assert!(refused.unwrap_or_default().contains("`dir1` has no value"), "{refused:?}");
}
