//! How steps begin, end, are verified, retried, undone and closed.

use std::time::Duration;

use crate::session::bench::Bench;
use crate::session::event::{Outcome, Said, Verdict};
use crate::session::view::StepStatus::{Done, Failed, Ready, Running, Undone, Waiting};
use crate::session::{Command, Event, Progress, view};

fn done(step: &str, value: Option<&str>) -> Command {
    Command::Done {
        step: step.into(),
        said: Said { say: Some("did it".into()), value: value.map(str::to_owned) },
    }
}

#[test]
fn a_persons_step_is_started_and_ended_in_one_go() {
    let mut bench = Bench::new(
        "steps:\n  - { id: call, title: Call them }\n  - { id: next, title: Next, run: 'true' }\n",
    );
    bench.act(&done("call", None)).unwrap();
    assert_eq!(bench.status("call"), Done);
    assert_eq!(bench.status("next"), Ready);
}

#[test]
fn a_persons_destructive_step_must_be_started_first() {
    let mut bench = Bench::new("steps:\n  - { id: pull, title: Pull the disk, destructive: true }\n");
    assert!(bench.act(&done("pull", None)).is_err());
    bench.run_typed("pull", "pull").unwrap();
    assert_eq!(bench.status("pull"), Running);
    bench.act(&done("pull", None)).unwrap();
    assert_eq!(bench.status("pull"), Done);
}

#[test]
fn what_a_person_types_is_captured_or_fails_the_step() {
    let yaml = "steps:
  - { id: switch, title: Switch, capture: { change: 'C[0-9]+' } }
  - { id: tell, title: 'Tell them of ${change}', run: 'echo \"$change\"' }
";
    let mut bench = Bench::new(yaml);
    assert!(bench.act(&done("switch", None)).is_err(), "its value is needed");
    bench.act(&done("switch", Some("D12"))).unwrap();
    assert_eq!(bench.status("switch"), Failed);
    bench.run("tell").unwrap();
    assert!(
        bench.refused().contains(&"Step switch".to_owned()),
        "using a captured value requires the step that captures it"
    );
    bench.act(&done("switch", Some("C12"))).unwrap();
    assert_eq!(bench.status("switch"), Done);
    bench.walk("tell");
    bench.assert_replays();
}

#[test]
fn output_is_captured_and_an_empty_one_fails() {
    let yaml = "steps:\n  - { id: find, title: Find, run: 'echo x', capture: name }\n  - { id: use, title: Use, run: 'echo \"$name\"' }\n";
    let mut bench = Bench::new(yaml);
    bench.run("find").unwrap();
    bench.exits_saying("");
    assert_eq!(bench.status("find"), Failed);
    bench.run("find").unwrap();
    bench.exits_saying("web-7");
    assert_eq!(bench.status("find"), Done);
    bench.walk("use");
}

#[test]
fn verify_decides_over_done_and_can_do_so_later() {
    let mut bench = Bench::new(
        "checks:
  up: { title: It is up, run: 'true' }
steps:
  - { id: start, title: Start, run: 'true', verify: up }
",
    );
    bench.answers.insert("up".into(), Verdict::Fails);
    bench.run("start").unwrap();
    bench.exits(0);
    assert_eq!(bench.status("start"), Failed);
    bench.check("up").unwrap();
    assert_eq!(bench.status("start"), Failed);
    bench.answers.clear();
    bench.check("up").unwrap();
    assert_eq!(bench.status("start"), Done, "asked again later, with nothing run");
    assert_eq!(bench.log, ["start"]);
    bench.assert_replays();
}

#[test]
fn verify_by_a_person_waits_for_their_word() {
    let mut bench = Bench::new(
        "checks:
  seen: { title: Seen, attest: Did it come up? }
steps:
  - { id: start, title: Start, run: 'true', verify: seen }
",
    );
    bench.attest("seen", true).unwrap();
    bench.run("start").unwrap();
    bench.exits(0);
    assert_eq!(bench.status("start"), Running, "what was said before its end does not verify it");
    bench.attest("seen", true).unwrap();
    assert_eq!(bench.status("start"), Done);
}

#[test]
fn a_failed_command_is_not_verified_into_done() {
    let mut bench = Bench::new(
        "checks:\n  up: { title: Up, run: 'true' }\nsteps:\n  - { id: start, title: Start, run: 'true', verify: up }\n",
    );
    bench.run("start").unwrap();
    bench.exits(1);
    bench.check("up").unwrap();
    assert_eq!(bench.status("start"), Failed);
}

#[test]
fn retry_tries_again_after_its_pause_and_then_gives_up() {
    let mut bench =
        Bench::new("steps:\n  - { id: fetch, title: Fetch, run: 'true', retry: { times: 2, every: 10s } }\n");
    bench.run("fetch").unwrap();
    bench.exits(1);
    assert_eq!(bench.status("fetch"), Running);
    assert_eq!(bench.log.len(), 1);
    bench.later(Duration::from_secs(10));
    assert_eq!(bench.log.len(), 2);
    bench.exits(1);
    bench.later(Duration::from_secs(10));
    bench.exits(1);
    assert_eq!(bench.status("fetch"), Failed);
    bench.later(Duration::from_mins(1));
    assert_eq!(bench.log.len(), 3);
    bench.run("fetch").unwrap();
    bench.exits(1);
    bench.later(Duration::from_secs(10));
    bench.exits(0);
    assert_eq!(bench.status("fetch"), Done);
    bench.assert_replays();
}

#[test]
fn a_stopped_step_is_failed_and_not_tried_again() {
    let mut bench =
        Bench::new("steps:\n  - { id: fetch, title: Fetch, run: 'true', retry: { times: 2, every: 10s } }\n");
    bench.run("fetch").unwrap();
    bench.act(&Command::Stop { step: "fetch".into() }).unwrap();
    assert_eq!(bench.stops, [1]);
    bench.ends(Outcome::Stopped, None);
    assert_eq!(bench.status("fetch"), Failed);
    bench.later(Duration::from_mins(1));
    assert_eq!(bench.log.len(), 1);
}

#[test]
fn a_later_hold_point_is_the_point_of_no_return() {
    let mut bench = Bench::new(
        "steps:
  - { id: a, title: A, run: 'true', undo: 'untrue' }
  - { id: wipe, title: Wipe, destructive: true, run: 'true' }
",
    );
    bench.walk("a");
    bench.run_typed("wipe", "wipe").unwrap();
    bench.exits(1);
    bench.undo("a").unwrap();
    assert_eq!(bench.refused(), ["Order wipe"]);
    bench
        .act(&Command::Resolve { step: "wipe".into(), done: false, what: "nothing came of it".into() })
        .unwrap();
    bench.undo("a").unwrap();
    bench.exits(0);
    assert_eq!(bench.status("a"), Undone);
    assert_eq!(bench.status("wipe"), Failed);
}

#[test]
fn undo_needs_its_own_checks() {
    let mut bench = Bench::new(
        "checks:
  safe: { title: Safe to go back, run: 'true' }
steps:
  - { id: a, title: A, run: 'true', undo: { run: 'untrue', requires: safe } }
",
    );
    bench.walk("a");
    bench.answers.insert("safe".into(), Verdict::Fails);
    bench.undo("a").unwrap();
    assert_eq!(bench.refused(), ["Check safe"]);
    bench.answers.clear();
    bench.undo("a").unwrap();
    bench.exits(0);
    assert_eq!(bench.status("a"), Undone);
    assert!(bench.undo("a").is_err());
}

#[test]
fn a_persons_undo_is_words() {
    let mut bench = Bench::new("steps:\n  - { id: dns, title: DNS, undo: Point it back }\n");
    bench.act(&done("dns", None)).unwrap();
    bench.undo("dns").unwrap();
    assert_eq!(bench.status("dns"), Running);
    bench.act(&done("dns", None)).unwrap();
    assert_eq!(bench.status("dns"), Undone);
}

#[test]
fn by_hand_passes_the_same_gate_and_is_marked() {
    let mut bench = Bench::new("steps:\n  - { id: wipe, title: Wipe, destructive: true, run: 'rm x' }\n");
    let by_hand = |typed: Option<&str>| Command::Run {
        step: "wipe".into(),
        typed: typed.map(str::to_owned),
        will_ask: false,
        by_hand: true,
    };
    bench.act(&by_hand(None)).unwrap();
    assert_eq!(bench.refused(), ["Confirm wipe"]);
    bench.act(&by_hand(Some("wipe"))).unwrap();
    assert!(bench.log.is_empty(), "the tool runs nothing");
    bench.act(&done("wipe", None)).unwrap();
    assert_eq!(bench.status("wipe"), Done);
    assert!(bench.session.steps[0].by_hand);
}

#[test]
fn finish_wants_every_step_done_or_skipped() {
    let mut bench =
        Bench::new("steps:\n  - { id: a, title: A, run: 'true' }\n  - { id: b, title: B, run: 'true' }\n");
    bench.walk("a");
    let refusal = bench.act(&Command::Finish).unwrap_err();
    assert_eq!(refusal.unmet.len(), 1);
    bench.skip("b").unwrap();
    bench.act(&Command::Finish).unwrap();
    assert!(bench.run("a").is_err());
    bench.act(&Command::Note { text: "still noted".into() }).unwrap();
}

#[test]
fn after_an_abort_only_undos_start_latest_first() {
    let mut bench = Bench::new(
        "steps:
  - { id: a, title: A, run: 'true', undo: 'x' }
  - { id: b, title: B, run: 'true', undo: 'y' }
  - { id: c, title: C, run: 'true' }
",
    );
    bench.walk("a");
    bench.walk("b");
    bench.act(&Command::Abort { why: "it is late".into() }).unwrap();
    assert!(bench.run("c").is_err());
    bench.undo("a").unwrap();
    assert_eq!(bench.refused(), ["Order b"]);
    bench.undo("b").unwrap();
    bench.exits(0);
    bench.undo("a").unwrap();
    bench.exits(0);
    assert_eq!(bench.log, ["a", "b", "undo b", "undo a"]);
}

#[test]
fn a_check_that_uses_a_captured_value_is_unknown_until_then() {
    let mut bench = Bench::new(
        "checks:
  there: { title: There, run: 'test -n \"$name\"' }
steps:
  - { id: find, title: Find, run: 'echo x', capture: name }
  - { id: use, title: Use, run: 'true', requires: there }
",
    );
    assert!(bench.check("there").is_err());
    bench.run("find").unwrap();
    bench.exits_saying("web-7");
    bench.check("there").unwrap();
    bench.walk("use");
}

#[test]
fn running_again_is_a_new_attempt() {
    let mut bench = Bench::new("steps:\n  - { id: a, title: A, run: 'true' }\n");
    bench.walk("a");
    bench.walk("a");
    let attempts: Vec<u32> = bench
        .entries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::StepStarted { attempt, .. } => Some(*attempt),
            _ => None,
        })
        .collect();
    assert_eq!(attempts, [1, 2]);
    assert_eq!(bench.session.steps[0].attempts, 2);
}

#[test]
fn a_failed_earlier_step_closes_what_comes_after() {
    let mut bench =
        Bench::new("steps:\n  - { id: a, title: A, run: 'true' }\n  - { id: b, title: B, run: 'true' }\n");
    bench.run("a").unwrap();
    bench.exits(1);
    assert_eq!(bench.status("b"), Waiting);
    bench.skip("a").unwrap();
    assert_eq!(bench.status("b"), Ready);
    assert_eq!(bench.session.steps[0].progress, Progress::Skipped);
}

#[test]
fn a_failed_step_that_was_skipped_can_still_be_undone() {
    let mut bench = Bench::new(
        "steps:
  - { id: a, title: A, run: 'true', undo: 'x' }
  - { id: wipe, title: Wipe, destructive: true, run: 'true', undo: 'y' }
",
    );
    bench.walk("a");
    bench.run_typed("wipe", "wipe").unwrap();
    bench.exits(1);
    bench.skip("wipe").unwrap();
    bench.act(&Command::Abort { why: "it is late".into() }).unwrap();
    bench.undo("a").unwrap();
    assert_eq!(bench.refused(), ["Order wipe"]);
    bench.act(&Command::Undo { step: "wipe".into(), typed: Some("wipe".into()), will_ask: false }).unwrap();
    bench.exits(0);
    bench.undo("a").unwrap();
    bench.exits(0);
    assert_eq!(bench.log, ["a", "wipe", "undo wipe", "undo a"]);
    bench.assert_replays();
}

const SEEN: &str = "checks:\n  seen: { attest: 'Seen?', for_each: { s: [mail, lists] } }\n  auto: { run: x }\n  more: { run: x }\n\
                    steps:\n  - { id: back, title: Back, verify: [seen, auto, more] }\n";

#[test]
fn a_step_that_has_ended_says_whose_answer_it_waits_for() {
    let mut bench = Bench::new(SEEN);
    // Before its end nothing could be seen yet: that does not count.
    bench.attest("seen@mail", true).unwrap();
    bench.act(&done("back", None)).unwrap();
    assert_eq!(view::awaited(&bench.session, 0), ["seen@mail", "seen@lists"]);
    let doing = "ended; waits for somebody to answer seen@mail, seen@lists";
    assert_eq!(view::doing(&bench.session, 0).as_deref(), Some(doing));
    bench.attest("seen@mail", true).unwrap();
    assert_eq!(view::awaited(&bench.session, 0), ["seen@lists"]);
    bench.attest("seen@lists", true).unwrap();
    assert_eq!(bench.status("back"), Done);
}

#[test]
fn one_no_settles_it_whoever_has_yet_to_answer_and_all_that_does_not_hold_is_named() {
    let mut bench = Bench::new(SEEN);
    bench.answers.insert("auto".to_owned(), Verdict::Fails);
    bench.answers.insert("more".to_owned(), Verdict::Fails);
    bench.act(&done("back", None)).unwrap();
    assert_eq!(bench.status("back"), Failed);
    let why = bench.session.steps[0].why.clone();
    assert!(why.contains("auto does not hold") && why.contains("more does not hold"), "{why}");
    let mut bench = Bench::new(SEEN);
    bench.act(&done("back", None)).unwrap();
    bench.attest("seen@lists", false).unwrap();
    assert_eq!(bench.status("back"), Failed);
}
