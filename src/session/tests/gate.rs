//! What opens a gate and what keeps it shut.

use std::time::Duration;

use crate::session::bench::{Bench, sam};
use crate::session::event::Verdict;
use crate::session::view::StepStatus::{Done, Failed, Ready, Running, Skipped, Waiting};
use crate::session::{Command, Progress};

const TERMINATE: &str = "
checks:
  backup: { title: Backup holds, run: 'true', fix: Widen it }
  copy: { title: A copy is elsewhere, attest: Where is it? }
steps:
  - { id: prepare, title: Prepare, run: 'true' }
  - { id: extra, title: Extra, run: 'true', optional: true }
  - { id: terminate, title: Terminate, destructive: Everything, requires: [backup, copy], confirm: vm-1, run: 'rm -r vm' }
";

fn at_terminate() -> Bench {
    let mut bench = Bench::new(TERMINATE);
    bench.walk("prepare");
    bench.walk("extra");
    bench
}

#[test]
fn nothing_out_of_order_starts() {
    let mut bench = Bench::new(TERMINATE);
    bench.run_typed("terminate", "vm-1").unwrap();
    assert!(bench.refused().contains(&"Order prepare".to_owned()), "{:?}", bench.refused());
    assert!(bench.log.is_empty());
    assert_eq!(
        bench.last_events(2),
        ["requested", "refused"],
        "its checks are not asked while its order is not met"
    );
}

#[test]
fn a_refusal_names_everything_unmet_at_once() {
    let mut bench = at_terminate();
    bench.answers.insert("backup".into(), Verdict::Fails);
    bench.act(&Command::Hold { why: "wait".into() }).unwrap();
    bench.run("terminate").unwrap();
    assert_eq!(bench.refused(), ["Check backup", "Check copy", "Hold dana", "Confirm vm-1"]);
    assert_eq!(bench.log.len(), 2);
}

#[test]
fn f_a4_automatic_checks_are_asked_again_in_the_same_breath() {
    let mut bench = at_terminate();
    bench.attest("copy", true).unwrap();
    bench.check("backup").unwrap();
    bench.run_typed("terminate", "vm-1").unwrap();
    assert_eq!(bench.last_events(4), ["requested", "check_asked", "check_answered", "step_started"]);
    assert_eq!(bench.status("terminate"), Running);
    let askings = bench.last_events(usize::MAX).iter().filter(|event| *event == "check_asked").count();
    println!(
        "F-A4: {askings} askings of a check that was answered just before its start, the last of them for the start"
    );
}

#[test]
fn a9_a_check_that_turned_since_keeps_it_shut() {
    let mut bench = at_terminate();
    bench.attest("copy", true).unwrap();
    bench.check("backup").unwrap();
    bench.answers.insert("backup".into(), Verdict::Fails);
    bench.run_typed("terminate", "vm-1").unwrap();
    assert_eq!(bench.refused(), ["Check backup"]);
}

#[test]
fn confirmation_is_the_exact_text_and_nothing_else() {
    let mut bench = at_terminate();
    bench.attest("copy", true).unwrap();
    for wrong in ["", "vm-", "vm-1 ", "VM-1", "y", "yes"] {
        bench.run_typed("terminate", wrong).unwrap();
        assert_eq!(bench.refused(), ["Confirm vm-1"], "{wrong:?}");
    }
    bench.run("terminate").unwrap();
    assert_eq!(bench.refused(), ["Confirm vm-1"]);
    assert_eq!(bench.log.len(), 2);
}

#[test]
fn the_question_is_put_only_when_all_else_is_met() {
    let mut bench = at_terminate();
    let ask = Command::Run { step: "terminate".into(), typed: None, will_ask: true, by_hand: false };
    bench.act(&ask).unwrap();
    assert_eq!(bench.refused(), ["Check copy", "Confirm vm-1"]);
    bench.attest("copy", true).unwrap();
    bench.act(&ask).unwrap();
    assert_eq!(bench.last_events(1), ["question_put"]);
    assert_eq!(bench.status("terminate"), Ready);
    bench.run_typed("terminate", "vm-1").unwrap();
    assert_eq!(bench.log.last().map(String::as_str), Some("terminate"));
}

#[test]
fn a_destructive_step_without_confirm_asks_for_its_id() {
    let mut bench = Bench::new("steps:\n  - { id: wipe, title: Wipe, destructive: true, run: 'true' }\n");
    bench.run("wipe").unwrap();
    assert_eq!(bench.refused(), ["Confirm wipe"]);
    bench.run_typed("wipe", "wipe").unwrap();
    assert_eq!(bench.status("wipe"), Running);
}

#[test]
fn an_attestation_serves_twelve_hours() {
    let mut bench = at_terminate();
    bench.attest("copy", true).unwrap();
    bench.later(Duration::from_hours(12));
    bench.run("terminate").unwrap();
    assert_eq!(bench.refused(), ["Confirm vm-1"]);
    bench.later(Duration::from_secs(1));
    bench.run("terminate").unwrap();
    assert_eq!(bench.refused(), ["Check copy", "Confirm vm-1"]);
}

#[test]
fn a_no_in_words_fails() {
    let mut bench = at_terminate();
    bench.attest("copy", false).unwrap();
    bench.run_typed("terminate", "vm-1").unwrap();
    assert_eq!(bench.refused(), ["Check copy"]);
    assert!(
        bench
            .act(&Command::Attest {
                check: crate::session::command::CheckItem::parse("copy"),
                yes: true,
                words: "  ".into()
            })
            .is_err()
    );
}

#[test]
fn skipping_closes_hold_points_unless_optional() {
    let mut bench = Bench::new(TERMINATE);
    bench.skip("prepare").unwrap();
    bench.skip("extra").unwrap();
    bench.attest("copy", true).unwrap();
    bench.run_typed("terminate", "vm-1").unwrap();
    assert_eq!(bench.refused(), ["Order prepare", "Check backup"]);

    let mut bench = Bench::new(TERMINATE);
    bench.walk("prepare");
    bench.skip("extra").unwrap();
    assert_eq!(bench.status("extra"), Skipped);
    bench.attest("copy", true).unwrap();
    bench.run_typed("terminate", "vm-1").unwrap();
    assert_eq!(bench.status("terminate"), Running);
}

#[test]
fn a_skipped_step_never_satisfies_requires() {
    let mut bench = Bench::new(
        "steps:
  - { id: a, title: A, run: 'true', optional: true }
  - { id: b, title: B, run: 'true', requires: a }
",
    );
    bench.skip("a").unwrap();
    bench.run("b").unwrap();
    assert_eq!(bench.refused(), ["Step a"]);
}

#[test]
fn under_a_hold_nothing_starts_and_checks_go_on() {
    let mut bench = Bench::new(TERMINATE);
    bench.act_as(&sam(), &Command::Hold { why: "look".into() }).unwrap();
    bench.run("prepare").unwrap();
    assert_eq!(bench.refused(), ["Hold sam"]);
    bench.check("backup").unwrap();
    assert!(bench.act(&Command::Release { why: None }).is_err(), "another's hold needs words");
    bench.act(&Command::Release { why: Some("looked".into()) }).unwrap();
    bench.walk("prepare");
}

#[test]
fn only_the_operator_starts_ends_skips_and_closes() {
    let mut bench = Bench::new(TERMINATE);
    for command in [
        Command::Run { step: "prepare".into(), typed: None, will_ask: false, by_hand: false },
        Command::Skip { steps: vec!["prepare".into()], why: "x".into() },
        Command::Abort { why: "x".into() },
        Command::Finish,
    ] {
        assert!(bench.act_as(&sam(), &command).is_err(), "{command:?}");
    }
    bench.act_as(&sam(), &Command::Note { text: "hello".into() }).unwrap();
    assert!(bench.log.is_empty());
}

#[test]
fn done_when_is_looked_at_before_requires() {
    let yaml = "
checks:
  old-gone: { title: The old one is gone, run: 'true' }
  old-there: { title: The old one is there, run: 'true' }
steps:
  - { id: remove, title: Remove, destructive: true, done_when: old-gone, requires: old-there, run: 'true' }
";
    let mut bench = Bench::new(yaml);
    bench.answers.insert("old-there".into(), Verdict::Fails);
    bench.run("remove").unwrap();
    assert_eq!(bench.status("remove"), Done);
    assert!(bench.log.is_empty(), "nothing was run");

    let mut bench = Bench::new(yaml);
    bench.answers.insert("old-gone".into(), Verdict::Error);
    bench.run("remove").unwrap();
    assert_eq!(bench.refused(), ["Check old-gone"], "no answer keeps the step waiting");
    assert_eq!(bench.status("remove"), Waiting);

    let mut bench = Bench::new(yaml);
    bench.answers.insert("old-gone".into(), Verdict::Fails);
    bench.run_typed("remove", "remove").unwrap();
    assert_eq!(bench.log, ["remove"]);
}

#[test]
fn a_background_step_lets_ordinary_steps_pass_and_no_hold_point() {
    let mut bench = Bench::new(
        "steps:
  - { id: copy, title: Copy, run: 'true', background: true }
  - { id: meanwhile, title: Meanwhile, run: 'true' }
  - { id: wipe, title: Wipe, destructive: true, run: 'true' }
",
    );
    bench.run("copy").unwrap();
    bench.run("meanwhile").unwrap();
    assert_eq!(bench.log, ["copy", "meanwhile"]);
    bench.started.swap(0, 1);
    bench.exits(0);
    bench.run_typed("wipe", "wipe").unwrap();
    assert_eq!(bench.refused(), ["Order copy"]);
    bench.exits(0);
    bench.run_typed("wipe", "wipe").unwrap();
    assert_eq!(bench.status("wipe"), Running);
}

#[test]
fn elapsed_counts_from_done() {
    let mut bench = Bench::new(
        "checks:
  cooled: { title: Cooled off, elapsed: { since: switch, at_least: 1h } }
steps:
  - { id: switch, title: Switch, run: 'true' }
  - { id: wipe, title: Wipe, destructive: true, requires: cooled, run: 'true' }
",
    );
    bench.walk("switch");
    bench.later(Duration::from_secs(3599));
    bench.run_typed("wipe", "wipe").unwrap();
    assert_eq!(bench.refused(), ["Check cooled"]);
    bench.later(Duration::from_secs(1));
    bench.run_typed("wipe", "wipe").unwrap();
    assert_eq!(bench.status("wipe"), Running);
}

#[test]
fn stale_after_makes_an_answer_stale() {
    let mut bench = Bench::new(
        "checks:
  looked: { title: Looked, attest: Did you?, stale_after: [change] }
steps:
  - { id: change, title: Change, run: 'true' }
  - { id: use, title: Use, run: 'true', requires: looked }
",
    );
    bench.attest("looked", true).unwrap();
    bench.walk("change");
    bench.run("use").unwrap();
    assert_eq!(bench.refused(), ["Check looked"]);
    bench.attest("looked", true).unwrap();
    bench.walk("use");
}

#[test]
fn wait_is_asked_patiently_and_then_once_more() {
    let mut bench = Bench::new(
        "checks:
  ready: { title: Ready, run: 'true', wait: { up_to: 10m, every: 5s } }
steps:
  - { id: go, title: Go, run: 'true', requires: ready }
",
    );
    bench.hold_answers = true;
    bench.run("go").unwrap();
    assert!(bench.asked[0].wait.is_some(), "first with wait and all");
    let first = bench.asked.remove(0);
    bench.answer(&first);
    bench.settle();
    assert!(bench.asked[0].wait.is_none(), "then one try, in the same breath as the start");
    let second = bench.asked.remove(0);
    bench.answer(&second);
    bench.settle();
    assert_eq!(bench.log, ["go"]);
}

#[test]
fn valid_for_spares_the_asking_while_it_serves() {
    let mut bench = Bench::new(
        "checks:
  big: { title: Big, run: 'true', valid_for: 30m }
steps:
  - { id: a, title: A, run: 'true', requires: big }
  - { id: b, title: B, run: 'true', requires: big }
  - { id: c, title: C, run: 'true', requires: big }
",
    );
    bench.walk("a");
    bench.answers.insert("big".into(), Verdict::Fails);
    bench.walk("b");
    bench.later(Duration::from_mins(31));
    bench.run("c").unwrap();
    assert_eq!(bench.refused(), ["Check big"]);
}

#[test]
fn a_withdrawn_request_starts_nothing() {
    let mut bench = Bench::new(TERMINATE);
    bench.walk("prepare");
    bench.walk("extra");
    bench.attest("copy", true).unwrap();
    bench.hold_answers = true;
    bench.run_typed("terminate", "vm-1").unwrap();
    bench.act(&Command::Withdraw { step: "terminate".into() }).unwrap();
    let ask = bench.asked.remove(0);
    bench.answer(&ask);
    bench.settle();
    assert_eq!(bench.log.len(), 2);
}

#[test]
fn a_secret_the_host_lost_keeps_the_step_shut() {
    let mut bench = Bench::new(
        "params:
  token: { about: T, secret: true }
steps:
  - { id: go, title: Go, run: 'curl -H \"$token\" x' }
",
    );
    bench.run("go").unwrap();
    assert!(bench.log.is_empty());
    bench.secrets.insert("token".into());
    bench.walk("go");
}

#[test]
fn a_done_hold_point_is_not_run_twice_unless_undone() {
    let mut bench = Bench::new(
        "steps:
  - { id: wipe, title: Wipe, destructive: true, run: 'true', undo: 'restore' }
",
    );
    bench.run_typed("wipe", "wipe").unwrap();
    bench.exits(0);
    assert!(bench.run_typed("wipe", "wipe").is_err());
    bench.undo("wipe").unwrap();
    assert_eq!(bench.refused(), ["Confirm wipe"], "its undo is confirmed as the step was");
    bench.act(&Command::Undo { step: "wipe".into(), typed: Some("wipe".into()), will_ask: false }).unwrap();
    bench.exits(0);
    bench.run_typed("wipe", "wipe").unwrap();
    bench.exits(1);
    assert_eq!(bench.status("wipe"), Failed);
    assert_eq!(bench.session.steps[0].progress, Progress::Failed);
}

#[test]
fn done_when_still_asks_what_verifies_the_step() {
    let mut bench = Bench::new(
        "checks:
  so: { title: It is so, run: 'true' }
  works: { title: It works, run: 'true' }
steps:
  - { id: a, title: A, run: 'true', done_when: so, verify: works }
",
    );
    bench.answers.insert("works".into(), Verdict::Fails);
    bench.run("a").unwrap();
    assert_eq!(bench.status("a"), Failed);
    assert!(bench.log.is_empty());
    bench.answers.clear();
    bench.check("works").unwrap();
    assert_eq!(bench.status("a"), Done, "asked again later, with nothing run");
    bench.assert_replays();
}

#[test]
fn an_answer_about_an_old_captured_value_opens_nothing_for_a_new_one() {
    let mut bench = Bench::new(
        "checks:
  right: { title: Right, run: 'test \"$v\" = one', valid_for: 1h }
  sure: { title: Sure, attest: 'Is ${v} safe to delete?' }
steps:
  - { id: find, title: Find, run: 'echo x', capture: v }
  - { id: wipe, title: Wipe, destructive: true, requires: [right, sure], confirm: '${v}', run: 'rm \"$v\"' }
",
    );
    bench.run("find").unwrap();
    bench.exits_saying("one");
    bench.check("right").unwrap();
    bench.attest("sure", true).unwrap();
    bench.run("find").unwrap();
    bench.exits_saying("two");
    bench.answers.insert("right".into(), Verdict::Fails);
    bench.run_typed("wipe", "two").unwrap();
    assert_eq!(bench.refused(), ["Check right", "Check sure"]);
}

#[test]
fn a_step_is_not_done_without_the_value_it_captures() {
    let yaml = "checks:
  so: { title: So, run: 'true' }
steps:
  - { id: cap, title: Cap, done_when: so, run: 'echo x', capture: dir1 }
  - { id: use, title: Use, destructive: 'Deletes ${dir1}', run: 'rm -r $dir1/*' }
";
    let mut bench = Bench::new(yaml);
    bench.run("cap").unwrap();
    assert_eq!(bench.last_events(1), ["refused"]);
    bench.run_typed("use", "use").unwrap();
    assert!(bench.log.is_empty(), "no script runs with nothing where its value should be");
    bench.act(&Command::Run { step: "cap".into(), typed: None, will_ask: false, by_hand: true }).unwrap();
    let said = crate::session::event::Said { say: None, value: Some("/srv/x".into()) };
    bench.act(&Command::Done { step: "cap".into(), said }).unwrap();
    assert_eq!(bench.status("cap"), Done);
    bench.run_typed("use", "use").unwrap();
    assert_eq!(bench.log, ["use"]);
}

#[test]
fn what_was_so_once_never_goes_on_to_the_gate() {
    let mut bench = Bench::new(
        "checks:
  so: { title: So, run: 'true', valid_for: 2s }
  eye: { title: Seen, attest: Is it gone? }
steps:
  - { id: wipe, title: Wipe, destructive: true, done_when: so, verify: eye, run: 'rm -r x' }
",
    );
    bench.run_typed("wipe", "wipe").unwrap();
    assert_eq!(bench.status("wipe"), Failed, "a person has yet to say that it is well");
    bench.later(Duration::from_secs(5));
    bench.attest("eye", true).unwrap();
    assert_eq!(bench.status("wipe"), Done);
    assert!(bench.log.is_empty(), "nothing was run");

    let mut bench = Bench::new(
        "checks:
  so: { title: So, run: 'true', valid_for: 1s }
  works: { title: Works, run: 'true', wait: { up_to: 1m, every: 5s } }
steps:
  - { id: a, title: A, done_when: so, verify: works, run: 'x' }
",
    );
    bench.hold_answers = true;
    bench.run("a").unwrap();
    let so = bench.asked.remove(0);
    bench.answer(&so);
    bench.settle();
    bench.later(Duration::from_secs(30));
    bench.answers.insert("works".into(), Verdict::Fails);
    let works = bench.asked.remove(0);
    bench.answer(&works);
    bench.settle();
    assert!(bench.log.is_empty(), "its answer grew old while what verifies it was asked");
    assert_eq!(bench.status("a"), Failed);
}
