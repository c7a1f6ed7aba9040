//! The resume table of the journal, and that a replay equals the walk.

use crate::session::bench::Bench;
use crate::session::event::{Ended, Outcome, Verdict};
use crate::session::recover::Found;
use crate::session::view::StepStatus::{Done, Failed, Interrupted, Ready, Running};
use crate::session::{Command, Session};

const TWO: &str = "
checks:
  up: { title: Up, run: 'true' }
  seen: { title: Seen, attest: Seen? }
steps:
  - { id: a, title: A, run: 'true', verify: up }
  - { id: wipe, title: Wipe, destructive: true, requires: [up, seen], run: 'true' }
";

fn ended(code: i32) -> Found {
    let outcome = Outcome::Exited { code };
    Found::Ended(Box::new(Ended {
        outcome,
        took: 1,
        output_bytes: 0,
        output_sha256: None,
        captured: None,
        not_captured: None,
        wanted_terminal: false,
        left: Vec::new(),
    }))
}

fn running_wipe() -> Bench {
    let mut bench = Bench::new(TWO);
    bench.walk("a");
    bench.attest("seen", true).unwrap();
    bench.run_typed("wipe", "wipe").unwrap();
    bench
}

#[test]
fn r1_an_outcome_found_is_recorded_once_and_nothing_is_run_again() {
    let mut bench = running_wipe();
    bench.host_dies("boot-a", &|_| ended(0));
    assert_eq!(bench.status("wipe"), Done);
    bench.host_dies("boot-a", &|_| panic!("nothing is loose any more"));
    assert_eq!(bench.log, ["a", "wipe"]);
    bench.assert_replays();
}

#[test]
fn r2_an_outcome_lost_is_interrupted_and_a_person_decides() {
    let mut bench = running_wipe();
    bench.host_dies("boot-b", &|loose| {
        assert!(loose.other_boot);
        Found::Gone("the machine restarted".into())
    });
    assert_eq!(bench.status("wipe"), Interrupted);
    assert!(bench.run_typed("wipe", "wipe").is_err());
    assert!(bench.skip("wipe").is_err());
    bench.act(&Command::Resolve { step: "wipe".into(), done: true, what: "it is gone".into() }).unwrap();
    assert_eq!(bench.status("wipe"), Done);
    assert_eq!(bench.log, ["a", "wipe"]);
    bench.assert_replays();
}

#[test]
fn r3_never_started_goes_back_to_where_it_was_on_the_same_boot_only() {
    let mut bench = running_wipe();
    bench.host_dies("boot-a", &|_| Found::NoStart);
    assert!(!bench.session.steps[1].touched);
    bench.run_typed("wipe", "wipe").unwrap();
    assert_eq!(bench.status("wipe"), Running, "its gate is passed anew");
    bench.host_dies("boot-b", &|_| Found::NoStart);
    assert_eq!(bench.status("wipe"), Interrupted);
}

#[test]
fn r2_f_d8_a_host_that_ended_before_it_looked_does_not_hide_another_boot() {
    let mut bench = running_wipe();
    bench.host_starts("boot-b");
    // The next one is in the same boot as that, and finds no start record: it may be lost with the power.
    bench.host_dies("boot-b", &|loose| {
        assert!(loose.other_boot);
        Found::NoStart
    });
    assert_eq!(bench.status("wipe"), Interrupted);
    assert!(bench.run_typed("wipe", "wipe").is_err());
    assert_eq!(bench.log, ["a", "wipe"], "started once, and never again by itself");
    bench.assert_replays();
}

#[test]
fn a_living_command_is_adopted() {
    let mut bench = running_wipe();
    bench.host_dies("boot-a", &|_| Found::Alive);
    assert_eq!(bench.status("wipe"), Running);
    bench.exits(3);
    assert_eq!(bench.status("wipe"), Failed);
}

#[test]
fn r6_automatic_answers_are_stale_after_a_host_and_words_are_not() {
    let mut bench = Bench::new(TWO);
    bench.walk("a");
    bench.attest("seen", true).unwrap();
    assert_eq!(bench.status("wipe"), Ready);
    bench.host_dies("boot-a", &|_| Found::NoStart);
    bench.run("wipe").unwrap();
    assert_eq!(bench.refused(), ["Confirm wipe"], "the automatic one was asked again, the word still serves");
}

#[test]
fn a_request_does_not_outlive_its_host() {
    let mut bench = Bench::new(TWO);
    bench.walk("a");
    bench.attest("seen", true).unwrap();
    bench.hold_answers = true;
    bench.run_typed("wipe", "wipe").unwrap();
    bench.hold_answers = false;
    bench.host_dies("boot-a", &|_| Found::NoStart);
    assert_eq!(bench.log, ["a"]);
    assert!(bench.session.steps[1].request.is_none());
}

#[test]
fn verify_goes_on_after_a_crash() {
    let mut bench = Bench::new(TWO);
    bench.run("a").unwrap();
    bench.hold_answers = true;
    bench.exits(0);
    bench.hold_answers = false;
    bench.host_dies("boot-a", &|_| panic!("nothing is loose"));
    assert_eq!(bench.status("a"), Done);
    bench.answers.insert("up".into(), Verdict::Fails);
}

#[test]
fn a_retry_is_not_made_by_itself_after_a_crash() {
    let mut bench =
        Bench::new("steps:\n  - { id: f, title: F, run: 'true', retry: { times: 5, every: 10s } }\n");
    bench.run("f").unwrap();
    bench.exits(1);
    bench.host_dies("boot-a", &|_| panic!("nothing is loose"));
    assert_eq!(bench.status("f"), Failed);
    bench.later(std::time::Duration::from_mins(1));
    assert_eq!(bench.log.len(), 1);
}

#[test]
fn an_item_lost_is_resolved_and_the_rest_is_run_again_by_a_person() {
    let mut bench = Bench::new("steps:\n  - { id: d, title: D, for_each: { n: [x, y, z] }, run: 'true' }\n");
    bench.run("d").unwrap();
    bench.exits(0);
    bench.host_dies("boot-b", &|loose| {
        assert_eq!(loose.item, Some((1, "y".into())));
        Found::Gone("restarted".into())
    });
    assert_eq!(bench.status("d"), Interrupted);
    bench.act(&Command::Resolve { step: "d".into(), done: true, what: "y is done".into() }).unwrap();
    assert_eq!(bench.status("d"), Failed, "z is not done");
    bench.run("d").unwrap();
    bench.exits(0);
    assert_eq!(bench.log, ["d@x", "d@y", "d@z"]);
    assert_eq!(bench.status("d"), Done);
    bench.assert_replays();
}

#[test]
fn every_prefix_of_a_walk_opens_and_starts_nothing_by_itself() {
    let mut bench = running_wipe();
    bench.exits(0);
    bench.act(&Command::Finish).unwrap();
    for length in 1..=bench.entries.len() {
        let mut session = Session::open(bench.session.runbook.clone(), &bench.entries[0]).unwrap();
        for entry in &bench.entries[1..length] {
            session.apply(entry).unwrap();
        }
        let mut resumed = Bench::new(TWO);
        resumed.session = session;
        resumed.entries = bench.entries[..length].to_vec();
        resumed.now = bench.now;
        resumed.host_dies("boot-a", &|_| Found::Gone("lost".into()));
        assert!(resumed.log.is_empty(), "after {length} records: {:?}", resumed.log);
    }
}

#[test]
fn a_value_is_not_done_by_a_word_alone_after_a_crash() {
    let mut bench = Bench::new("steps:\n  - { id: cap, title: Cap, run: 'echo x', capture: v }\n");
    bench.run("cap").unwrap();
    bench.host_dies("boot-b", &|_| Found::Gone("lost".into()));
    bench.act(&Command::Resolve { step: "cap".into(), done: true, what: "it is there".into() }).unwrap();
    assert_eq!(bench.status("cap"), Failed, "its value is lost");
    bench.act(&Command::Run { step: "cap".into(), typed: None, will_ask: false, by_hand: true }).unwrap();
    let said = crate::session::event::Said { say: None, value: Some("x".into()) };
    bench.act(&Command::Done { step: "cap".into(), said }).unwrap();
    assert_eq!(bench.status("cap"), Done);
}

#[test]
fn a_start_that_never_was_gives_the_old_value_back() {
    let mut bench = Bench::new("steps:\n  - { id: cap, title: Cap, run: 'echo x', capture: v }\n");
    bench.run("cap").unwrap();
    bench.exits_saying("one");
    bench.run("cap").unwrap();
    bench.host_dies("boot-a", &|_| Found::NoStart);
    assert_eq!(bench.status("cap"), Done);
    assert_eq!(bench.session.values.get("v"), Some(&crate::runbook::Value::Text("one".into())));
    bench.assert_replays();
}

#[test]
fn a_lost_value_is_not_made_good_by_asking_again() {
    let mut bench = Bench::new(
        "checks:
  ok: { title: Ok, run: 'true' }
steps:
  - { id: cap, title: Cap, destructive: true, run: 'echo x', capture: v, verify: ok }
",
    );
    bench.run_typed("cap", "cap").unwrap();
    bench.host_dies("boot-b", &|_| Found::Gone("lost".into()));
    bench.act(&Command::Resolve { step: "cap".into(), done: true, what: "seen".into() }).unwrap();
    bench.check("ok").unwrap();
    assert_eq!(bench.status("cap"), Failed);
}
