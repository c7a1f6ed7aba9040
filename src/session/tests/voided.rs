//! What ends an approval before it is used, and what does not; each end says why.

use std::time::Duration;

use super::approval::{WIPE, kim};
use crate::session::approve::Word;
use crate::session::bench::{Bench, dana, sam};
use crate::session::event::Verdict;
use crate::session::recover::Found;
use crate::session::view::StepStatus::{Done, Failed, Running};
use crate::session::{Command, Event};

fn why(bench: &Bench, step: &str) -> String {
    let (word, why) = bench.word(step);
    assert!(matches!(word, Word::Over | Word::Waits), "{word:?}: {why}");
    why
}

fn starts_nothing(bench: &mut Bench, step: &str) {
    let before = bench.log.clone();
    bench.run_typed(step, step).unwrap();
    assert_eq!(bench.log, before);
    assert!(bench.refused().contains(&format!("Witness {step}")), "{:?}", bench.refused());
}

#[test]
fn f_a3_a12_it_serves_for_fifteen_minutes_from_the_asking_by_the_clock_that_counts_suspend() {
    let mut bench = Bench::new(WIPE);
    bench.run("wipe").unwrap();
    bench.later(Duration::from_mins(14));
    bench.approves(&sam(), "wipe").unwrap();
    // The wall clock is set back and forth: it makes nothing younger, and nothing older.
    let day = 86_400_000;
    let mut stands = 0;
    for (shift, more) in [(-day, 0), (day, 0), (0, 59_999)] {
        bench.now.at = crate::time::Timestamp::from_millis(bench.now.at.millis() + shift);
        bench.later(Duration::from_millis(more));
        assert_eq!(bench.word("wipe").0, Word::Given);
        stands += 1;
    }
    let mut late = bench.clone();
    late.later(Duration::from_millis(1));
    assert_eq!(why(&late, "wipe"), "what was asked for has expired: an approval serves for 15 minutes");
    assert!(late.approves(&kim(), "wipe").unwrap_err().sentence.contains("has expired"));
    starts_nothing(&mut late, "wipe");
    bench.run_typed("wipe", "wipe").unwrap();
    assert_eq!(bench.log, ["wipe"]);
    println!(
        "F-A3: an approval stands {stands} of 3 times within 15 minutes, 1 ms after them 0 of 3 uses are taken"
    );
    bench.assert_replays();
}

#[test]
fn a12_an_asking_that_waited_a_day_has_expired_whatever_the_wall_clock_says() {
    let day = Duration::from_hours(24);
    let wall = |bench: &mut Bench, millis: i64| {
        bench.now.at = crate::time::Timestamp::from_millis(bench.now.at.millis() + millis);
    };
    // The machine slept for a day, and its clock was set back by as much: it is as if no time had passed, to the wall clock.
    let mut waiting = Bench::new(WIPE);
    waiting.run("wipe").unwrap();
    let mut given = Bench::approved(WIPE, "wipe");
    for bench in [&mut waiting, &mut given] {
        bench.later(day);
        wall(bench, -86_400_000);
        assert!(why(bench, "wipe").contains("has expired"));
    }
    assert!(waiting.approves(&sam(), "wipe").unwrap_err().sentence.contains("has expired"));
    starts_nothing(&mut given, "wipe");
    // A clock that is set forward by a day ends nothing.
    let mut bench = Bench::approved(WIPE, "wipe");
    wall(&mut bench, 86_400_000);
    bench.run_typed("wipe", "wipe").unwrap();
    assert_eq!(bench.log, ["wipe"]);
    for bench in [waiting, given, bench] {
        bench.assert_replays();
    }
}

#[test]
fn the_last_asking_of_checks_does_not_run_the_time_out() {
    let mut bench = Bench::approved(WIPE, "wipe");
    bench.later(Duration::from_millis(15 * 60_000 - 1));
    bench.hold_answers = true;
    bench.run_typed("wipe", "wipe").unwrap();
    let ask = bench.asked.remove(0);
    let began = bench.now;
    bench.later(Duration::from_mins(3));
    let now = std::mem::replace(&mut bench.now, began);
    let answer = bench.answered(&ask);
    bench.now = now;
    bench.record_answer(&ask, answer);
    bench.settle();
    assert_eq!(bench.log, ["wipe"], "it began in time");
    bench.assert_replays();
}

#[test]
fn what_is_waited_for_before_that_does_run_the_time_out() {
    let mut bench = Bench::approved(
        "checks:
  ready: { title: Ready, run: 'true', valid_for: 10m, wait: { up_to: 2h, every: 5s } }
steps:
  - { id: wipe, title: Wipe, destructive: true, witness: true, requires: ready, run: 'rm' }
",
        "wipe",
    );
    bench.later(Duration::from_mins(11));
    bench.hold_answers = true;
    bench.run_typed("wipe", "wipe").unwrap();
    let ask = bench.asked.remove(0);
    assert!(ask.wait.is_some());
    bench.later(Duration::from_mins(5));
    bench.answer(&ask);
    bench.settle();
    assert!(bench.log.is_empty(), "it was not waited for in the same breath as the start");
    assert!(bench.refused().contains(&"Witness wipe".to_owned()));
    bench.assert_replays();
}

#[test]
fn a_hold_voids_it_for_good() {
    let mut bench = Bench::approved(WIPE, "wipe");
    bench.act_as(&kim(), &Command::Hold { why: "look".into() }).unwrap();
    bench.act_as(&kim(), &Command::Release { why: None }).unwrap();
    assert_eq!(why(&bench, "wipe"), "what was approved is void: kim called a hold");
    assert!(bench.approves(&sam(), "wipe").is_err(), "it is asked anew");
    starts_nothing(&mut bench, "wipe");
    bench.approves(&sam(), "wipe").unwrap();
    bench.run_typed("wipe", "wipe").unwrap();
    assert_eq!(bench.log, ["wipe"]);
    bench.assert_replays();
}

#[test]
fn a_hold_during_the_last_asking_keeps_it_shut_even_if_it_is_released() {
    let mut bench = Bench::approved(WIPE, "wipe");
    bench.hold_answers = true;
    bench.run_typed("wipe", "wipe").unwrap();
    bench.act_as(&kim(), &Command::Hold { why: "look".into() }).unwrap();
    bench.act_as(&kim(), &Command::Release { why: None }).unwrap();
    bench.hold_answers = false;
    bench.settle();
    assert!(bench.log.is_empty());
    bench.assert_replays();
}

#[test]
fn a2_another_host_or_boot_voids_it() {
    for boot in ["boot-a", "boot-b"] {
        let mut bench = Bench::approved(WIPE, "wipe");
        bench.host_dies(boot, &|_| Found::NoStart);
        assert_eq!(why(&bench, "wipe"), "what was approved is void: the session's host started again");
        starts_nothing(&mut bench, "wipe");
        bench.assert_replays();
    }
}

#[test]
fn the_end_of_the_session_voids_it() {
    let mut bench = Bench::approved(WIPE, "wipe");
    bench.act(&Command::Abort { why: "enough".into() }).unwrap();
    assert_eq!(why(&bench, "wipe"), "what was approved is void: the session was aborted");
    assert!(bench.approves(&kim(), "wipe").is_err());
}

#[test]
fn a6_a_witness_who_leaves_takes_the_yes_along() {
    let mut bench = Bench::approved(WIPE, "wipe");
    let leave = |bench: &mut Bench| {
        let approvals = bench.round("wipe").unwrap().given.iter().map(|given| given.n).collect();
        let why = "sam left before the start".to_owned();
        let event = Event::ApprovalsVoided { step: "wipe".into(), approvals, why };
        bench.record(&crate::session::Person::tool(), event);
    };
    leave(&mut bench);
    assert_eq!(why(&bench, "wipe"), "the approval by sam is void: sam left before the start");
    starts_nothing(&mut bench, "wipe");
    bench.approves(&sam(), "wipe").unwrap();
    assert_eq!(bench.word("wipe").0, Word::Given, "back again, and it is the same that is asked");
    bench.hold_answers = true;
    bench.run_typed("wipe", "wipe").unwrap();
    leave(&mut bench);
    bench.hold_answers = false;
    bench.settle();
    assert!(bench.log.is_empty(), "gone while the checks were asked");
    bench.assert_replays();
}

const CHECKED: &str = "
checks:
  backup: { title: Backup holds, run: 'true' }
  copy: { title: A copy, attest: Where? }
  other: { title: Other, run: 'true' }
steps:
  - { id: wipe, title: Wipe, destructive: Everything, witness: true, requires: [backup, copy], run: 'rm -r vm' }
";

fn with_copy() -> Bench {
    let mut bench = Bench::new(CHECKED);
    bench.attest("copy", true).unwrap();
    bench.run("wipe").unwrap();
    bench.approves(&sam(), "wipe").unwrap();
    bench
}

#[test]
fn an_answer_it_rests_on_turns_and_it_says_which() {
    for verdict in [Verdict::Fails, Verdict::Error] {
        let mut bench = with_copy();
        bench.answers.insert("backup".into(), verdict);
        bench.details.insert("backup".into(), "3 files are missing".into());
        bench.check("backup").unwrap();
        assert_eq!(
            why(&bench, "wipe"),
            "what was approved is void: backup does not hold any more: 3 files are missing"
        );
        bench.answers.clear();
        bench.check("backup").unwrap();
        starts_nothing(&mut bench, "wipe");
        bench.assert_replays();
    }
}

#[test]
fn the_last_asking_that_fails_uses_nothing_up_and_voids() {
    let mut bench = with_copy();
    bench.answers.insert("backup".into(), Verdict::Fails);
    bench.run_typed("wipe", "wipe").unwrap();
    assert_eq!(bench.refused(), ["Check backup", "Witness wipe"]);
    assert_eq!(bench.last_events(1), ["refused"], "nobody is asked while a check fails");
    bench.answers.clear();
    starts_nothing(&mut bench, "wipe");
}

#[test]
fn asked_again_and_it_holds_voids_nothing_nor_does_another_check() {
    let mut bench = with_copy();
    bench.answers.insert("other".into(), Verdict::Fails);
    bench.check("backup").unwrap();
    bench.check("other").unwrap();
    bench.act_as(&sam(), &Command::Note { text: "well".into() }).unwrap();
    assert_eq!(bench.word("wipe").0, Word::Given);
    bench.run_typed("wipe", "wipe").unwrap();
    assert_eq!(bench.log, ["wipe"]);
    bench.assert_replays();
}

#[test]
fn an_answer_by_a_person_must_be_the_very_one() {
    for yes in [true, false] {
        let mut bench = with_copy();
        bench.attest("copy", yes).unwrap();
        assert_eq!(why(&bench, "wipe"), "what was approved is void: dana answered copy anew");
        bench.run_typed("wipe", "wipe").unwrap();
        assert!(bench.log.is_empty());
        bench.assert_replays();
    }
}

const MOVING: &str = "
steps:
  - { id: find, title: Find, run: 'x', capture: v, background: true }
  - { id: side, title: Side, run: 'x', background: true }
  - { id: go, title: Go, witness: true, run: 'use \"$v\" on ${v}', requires: find }
";

fn found_one(yaml: &str) -> Bench {
    let mut bench = Bench::new(yaml);
    bench.run("find").unwrap();
    bench.exits_saying("one");
    bench
}

#[test]
fn a_value_that_changes_voids_it_by_name() {
    let mut bench = found_one(MOVING);
    bench.walk("side");
    bench.run("go").unwrap();
    bench.approves(&sam(), "go").unwrap();
    assert!(bench.round("go").unwrap().subject.text().contains("value:       v=one"));
    bench.run("find").unwrap();
    let gone = why(&bench, "go");
    assert!(gone.starts_with("what was approved is void: ") && gone.contains("`v`"), "{gone}");
    bench.exits_saying("two");
    assert_eq!(why(&bench, "go"), gone, "void is void");
    bench.run("go").unwrap();
    assert_eq!(bench.refused(), ["Witness go"]);
    assert!(bench.round("go").unwrap().subject.text().contains("value:       v=two"));
    bench.assert_replays();
}

#[test]
fn the_end_of_a_background_step_voids_nothing_unless_it_fails() {
    for code in [0, 1] {
        let mut bench = found_one(MOVING);
        bench.run("side").unwrap();
        bench.run("go").unwrap();
        bench.approves(&sam(), "go").unwrap();
        bench.exits(code);
        if code == 0 {
            bench.run("go").unwrap();
            assert_eq!(bench.status("go"), Running);
        } else {
            assert_eq!(why(&bench, "go"), "what was approved is void: 2 Side failed");
        }
        bench.assert_replays();
    }
}

#[test]
fn an_earlier_step_taken_back_voids_it() {
    let mut bench = Bench::new(
        "steps:
  - { id: a, title: A, run: 'x', undo: 'y' }
  - { id: wipe, title: Wipe, destructive: true, witness: true, run: 'rm' }
",
    );
    bench.walk("a");
    bench.run("wipe").unwrap();
    bench.approves(&sam(), "wipe").unwrap();
    bench.undo("a").unwrap();
    assert_eq!(why(&bench, "wipe"), "what was approved is void: 1 A is being undone");
    bench.exits(0);
    bench.walk("a");
    starts_nothing(&mut bench, "wipe");
    bench.assert_replays();
}

#[test]
fn skipping_it_voids_it() {
    let mut bench = Bench::approved(WIPE, "wipe");
    bench.skip("wipe").unwrap();
    assert_eq!(why(&bench, "wipe"), "what was approved is void: it was skipped");
    starts_nothing(&mut bench, "wipe");
}

#[test]
fn a2_an_attempt_that_never_started_has_used_it_up() {
    let mut bench = Bench::approved(WIPE, "wipe");
    bench.run_typed("wipe", "wipe").unwrap();
    bench.host_dies("boot-a", &|_| Found::NoStart);
    assert!(bench.round("wipe").is_none());
    starts_nothing(&mut bench, "wipe");
    bench.assert_replays();
}

const EACH: &str = "
steps:
  - { id: find, title: Find, run: 'x', capture: v, background: true }
  - { id: each, title: Each, witness: true, for_each: { n: [x, y] }, run: 'use $n ${v}' }
";

#[test]
fn every_item_runs_the_command_that_was_approved_for_it() {
    let mut bench = found_one(EACH);
    bench.run("each").unwrap();
    let subject = bench.round("each").unwrap().subject.clone();
    assert_eq!(subject.list, ["x", "y"]);
    assert_eq!(subject.items.len(), 2);
    assert_ne!(subject.items[0].command, subject.items[1].command);
    bench.approves(&sam(), "each").unwrap();
    bench.run("each").unwrap();
    bench.exits(0);
    bench.exits(0);
    assert_eq!(bench.log, ["find", "each@x", "each@y"]);
    assert_eq!(bench.status("each"), Done);
    bench.assert_replays();
}

#[test]
fn a_value_that_changes_between_two_items_stops_before_the_next() {
    let mut bench = found_one(EACH);
    bench.run("each").unwrap();
    bench.approves(&sam(), "each").unwrap();
    bench.run("each").unwrap();
    bench.run("find").unwrap();
    bench.started.swap(0, 1);
    bench.exits_saying("two");
    bench.exits(0);
    assert_eq!(bench.log, ["find", "each@x", "find"]);
    assert_eq!(bench.status("each"), Failed);
    assert_eq!(
        bench.session.steps[1].why,
        "stopped before y: the command for y is not the one that was approved: a value changed since"
    );
    bench.run("each").unwrap();
    assert_eq!(bench.round("each").unwrap().subject.items.len(), 1, "what is left");
    bench.approves(&kim(), "each").unwrap();
    bench.run("each").unwrap();
    bench.exits(0);
    assert_eq!(bench.status("each"), Done);
    bench.assert_replays();
}

#[test]
fn a_list_that_changed_voids_it() {
    let mut bench = Bench::new(
        "steps:
  - { id: find, title: Find, run: 'x', capture: all, background: true }
  - { id: each, title: Each, witness: true, for_each: { n: '${all}' }, run: 'use $n' }
",
    );
    bench.run("find").unwrap();
    bench.exits_saying("x\ny");
    bench.run("each").unwrap();
    bench.approves(&sam(), "each").unwrap();
    bench.run("find").unwrap();
    bench.exits_saying("x\ny\nz");
    let gone = why(&bench, "each");
    assert!(gone.starts_with("what was approved is void: ") && gone.contains("`all`"), "{gone}");
    bench.act_as(&dana(), &Command::Note { text: "so".into() }).unwrap();
    bench.run("each").unwrap();
    assert_eq!(bench.round("each").unwrap().subject.list, ["x", "y", "z"]);
    assert_eq!(bench.log, ["find", "find"]);
    bench.assert_replays();
}
