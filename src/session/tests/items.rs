//! `for_each`, of checks and of steps.

use crate::session::bench::Bench;
use crate::session::event::Verdict;
use crate::session::view::StepStatus::{Done, Failed, Running, Undone};
use crate::session::{Command, view};

const DRAIN: &str = "
checks:
  empty: { title: '${node} is empty', for_each: { node: [web-1, web-2, web-3] }, run: 'true' }
  others: { title: All answer, for_each: { other: [web-1, web-2] }, run: 'true' }
steps:
  - { id: drain, title: Drain, for_each: { node: [web-1, web-2, web-3] }, requires: [empty, others], run: 'drain \"$node\"', undo: 'fill' }
";

#[test]
fn items_run_in_order_and_stop_at_the_first_that_fails() {
    let mut bench = Bench::new(DRAIN);
    bench.run("drain").unwrap();
    bench.exits(0);
    bench.exits(1);
    assert_eq!(bench.log, ["drain@web-1", "drain@web-2"]);
    assert_eq!(bench.status("drain"), Failed);
    bench.run("drain").unwrap();
    bench.exits(0);
    bench.exits(0);
    assert_eq!(bench.log[2..], ["drain@web-2", "drain@web-3"], "run again takes those not done");
    assert_eq!(bench.status("drain"), Done);
    bench.assert_replays();
}

#[test]
fn a_check_of_the_same_name_counts_for_the_item_alone() {
    let mut bench = Bench::new(DRAIN);
    bench.answers.insert("empty@web-2".into(), Verdict::Fails);
    bench.run("drain").unwrap();
    assert_eq!(bench.log, ["drain@web-1"]);
    bench.exits(0);
    assert_eq!(bench.log, ["drain@web-1"], "the check of the second item does not hold");
    assert_eq!(bench.status("drain"), Failed);
}

#[test]
fn other_required_checks_are_asked_again_before_each_item() {
    let mut bench = Bench::new(DRAIN);
    bench.run("drain").unwrap();
    bench.answers.insert("others@web-1".into(), Verdict::Error);
    bench.exits(0);
    assert_eq!(bench.status("drain"), Failed);
    assert_eq!(bench.log.len(), 1);
}

#[test]
fn a11_one_item_in_error_does_not_hold() {
    let mut bench = Bench::new(DRAIN);
    bench.answers.insert("others@web-2".into(), Verdict::Error);
    bench.check("others").unwrap();
    let seen = view::check(&bench.session, 1, bench.now);
    assert_eq!(seen.state, view::CheckStatus::Error);
    assert!(seen.detail.starts_with("web-2:"), "{}", seen.detail);
    bench.answers.clear();
    bench.check("others@web-2").unwrap();
    assert_eq!(view::check(&bench.session, 1, bench.now).state, view::CheckStatus::Holds);
}

#[test]
fn an_empty_list_holds_nothing_and_fails_a_step() {
    let yaml = "
params:
  nodes: { about: Nodes, list: true }
checks:
  all: { title: All, for_each: { n: '${nodes}' }, run: 'true' }
steps:
  - { id: each, title: Each, for_each: { n: '${nodes}' }, run: 'true' }
";
    let values = [("nodes".into(), crate::runbook::Value::List(Vec::new()))].into();
    let mut bench = Bench::with_values(yaml, values);
    bench.check("all").ok();
    assert_eq!(view::check(&bench.session, 0, bench.now).state, view::CheckStatus::Fails);
    bench.run("each").unwrap();
    assert_eq!(bench.status("each"), Failed);
    assert!(bench.log.is_empty());
}

#[test]
fn a_hold_stops_between_items() {
    let mut bench = Bench::new(DRAIN);
    bench.run("drain").unwrap();
    bench.act(&Command::Hold { why: "look".into() }).unwrap();
    bench.exits(0);
    assert_eq!(bench.log.len(), 1);
    assert_eq!(bench.status("drain"), Running);
    bench.act(&Command::Release { why: None }).unwrap();
    assert_eq!(bench.log.len(), 2);
}

#[test]
fn items_are_undone_last_first() {
    let mut bench = Bench::new(DRAIN);
    bench.walk("drain");
    bench.undo("drain").unwrap();
    bench.exits(0);
    bench.exits(0);
    bench.exits(0);
    assert_eq!(bench.log[3..], ["undo drain@web-3", "undo drain@web-2", "undo drain@web-1"]);
    assert_eq!(bench.status("drain"), Undone);
    bench.assert_replays();
}

#[test]
fn a_list_can_be_captured_and_walked() {
    let mut bench = Bench::new(
        "steps:
  - { id: ask, title: Ask, run: 'list', capture: nodes }
  - { id: each, title: Each, for_each: { n: '${nodes}' }, run: 'echo \"$n\"', capture: out }
  - { id: use, title: Use, run: 'echo \"$out\"' }
",
    );
    bench.run("ask").unwrap();
    bench.exits_saying("a\nb");
    bench.run("each").unwrap();
    bench.exits_saying("1");
    bench.exits_saying("2");
    assert_eq!(bench.status("each"), Done);
    let out = bench.session.values.get("out").cloned();
    assert_eq!(out, Some(crate::runbook::Value::List(vec!["1".into(), "2".into()])));
    bench.walk("use");
}

#[test]
fn an_item_that_is_there_twice_is_taken_once() {
    let values =
        [("nodes".into(), crate::runbook::Value::List(vec!["a".into(), "b".into(), "a".into()]))].into();
    let yaml = "params:\n  nodes: { about: N, list: true }\nsteps:\n  - { id: each, title: Each, for_each: { n: '${nodes}' }, run: 'x' }\n";
    let mut bench = Bench::with_values(yaml, values);
    bench.walk("each");
    assert_eq!(bench.log, ["each@a", "each@b"]);
}

#[test]
fn after_a_hold_the_checks_of_the_next_item_are_asked_anew() {
    let mut bench = Bench::new(DRAIN);
    bench.run("drain").unwrap();
    bench.hold_answers = true;
    bench.exits(0);
    bench.act(&Command::Hold { why: "look".into() }).unwrap();
    bench.hold_answers = false;
    bench.settle();
    bench.answers.insert("others".into(), Verdict::Fails);
    bench.act(&Command::Release { why: None }).unwrap();
    assert_eq!(bench.log, ["drain@web-1"], "what was answered before the release starts nothing");
    assert_eq!(bench.status("drain"), Failed);
}

#[test]
fn a_hold_point_never_runs_an_item_twice_that_is_done() {
    let mut bench = Bench::new(
        "checks:
  all: { title: All, run: 'true' }
steps:
  - { id: wipe, title: Wipe, destructive: true, for_each: { n: [a, b] }, run: 'x', verify: all }
",
    );
    bench.answers.insert("all".into(), Verdict::Fails);
    bench.run_typed("wipe", "wipe").unwrap();
    bench.exits(0);
    bench.exits(0);
    assert_eq!(bench.status("wipe"), Failed);
    bench.answers.clear();
    bench.run_typed("wipe", "wipe").unwrap();
    assert_eq!(bench.log, ["wipe@a", "wipe@b"], "only what verifies it is asked again");
    assert_eq!(bench.status("wipe"), Done);
    bench.assert_replays();
}

#[test]
fn a_rerun_that_stops_midway_is_taken_up_where_it_stopped() {
    let mut bench = Bench::new(
        "checks:
  g: { title: G, run: 'true' }
steps:
  - { id: each, title: Each, for_each: { n: [x, y] }, requires: g, run: 'do', undo: 'undo' }
",
    );
    bench.walk("each");
    bench.run("each").unwrap();
    bench.answers.insert("g".into(), Verdict::Fails);
    bench.exits(0);
    assert_eq!(bench.status("each"), Failed);
    bench.answers.clear();
    bench.walk("each");
    assert_eq!(bench.log, ["each@x", "each@y", "each@x", "each@y"]);
    bench.run("each").unwrap();
    bench.exits(1);
    bench.undo("each").unwrap();
    bench.exits(0);
    bench.exits(0);
    assert_eq!(bench.log[5..], ["undo each@y", "undo each@x"], "what was done before is undone too");
    bench.assert_replays();
}

#[test]
fn an_item_that_is_done_is_taken_again_only_by_hand_and_for_a_value_that_is_lost() {
    let taken = |capture: &str, by_hand: bool| {
        let yaml =
            format!("steps:\n  - {{ id: each, title: Each, for_each: {{ n: [a, b] }}{capture}, run: x }}\n");
        let mut bench = Bench::new(&yaml);
        bench.run("each").unwrap();
        // How its first item ended is lost, and what it printed; a person says that it was done.
        bench.host_dies("boot-b", &|_| crate::session::recover::Found::Gone("lost".into()));
        bench.act(&Command::Resolve { step: "each".into(), done: true, what: "it is".into() }).unwrap();
        let list = ["a".to_owned(), "b".to_owned()];
        crate::session::gate::items_to_do(&bench.session, 0, crate::session::Work::Run, &list, by_hand)
    };
    assert_eq!(taken("", false), ["b"]);
    assert_eq!(taken("", true), ["b"], "it has no value to lose");
    assert_eq!(taken(", capture: v", false), ["b"], "a script is never run twice for a value");
    assert_eq!(taken(", capture: v", true), ["a", "b"]);
}

#[test]
fn an_item_is_being_asked_until_its_own_answer_is_there() {
    let mut bench = Bench::new(DRAIN);
    bench.hold_answers = true;
    bench.check("others").unwrap();
    let seen = |bench: &Bench| {
        ["web-1", "web-2"].map(|item| crate::session::freshness::look(&bench.session, 1, item, bench.now).0)
    };
    assert_eq!(seen(&bench), [view::CheckStatus::Running; 2]);
    let ask = bench.asked.remove(0);
    bench.answer(&ask);
    assert_eq!(seen(&bench), [view::CheckStatus::Holds, view::CheckStatus::Running]);
}
