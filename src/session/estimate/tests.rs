//! What is said of the time ahead, on walks with a clock that is moved by hand.

use super::*;
use crate::runbook::Value;
use crate::session::bench::Bench;
use crate::session::event::Said;

const NOTHING: Said = Said { say: None, value: None };

const WALK: &str = "
checks:
  whole: { title: It is whole, run: ./look }
  each: { title: Each of them is, for_each: { i: [a, b, c] }, jobs: 2, run: ./look $i }
  quiet: { title: It is quiet, run: ./look, wait: { up_to: 10m, every: 10s } }
steps:
  - { id: copy, title: Take the copy, run: cp }
  - { id: drill, title: Restore drill, run: drill, expect_within: 12m }
  - { id: tell, title: Tell them, run: mail $i, for_each: { i: [a, b, c] } }
  - { id: call, title: Call the provider }
";

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A walk in which these steps took that many seconds.
fn walked(yaml: &str, took: &[(&str, u64)]) -> Bench {
    let mut bench = Bench::new(yaml);
    for (step, seconds) in took {
        bench.run(step).unwrap_or_else(|no| panic!("{no:?}"));
        let commands = bench.started.len().max(1);
        if bench.started.is_empty() {
            bench.later(secs(*seconds));
            let said = NOTHING;
            bench.act(&crate::session::Command::Done { step: (*step).into(), said }).unwrap();
            continue;
        }
        while !bench.started.is_empty() {
            bench.later(secs(*seconds) / u32::try_from(commands).unwrap());
            bench.exits(0);
        }
    }
    bench
}

fn past_of(now: &Bench, walks: &[Bench]) -> Past {
    let mut gather = Gather::new(&now.session.runbook);
    for walk in walks {
        gather.walk(&walk.session.runbook, &walk.entries);
    }
    gather.finish()
}

#[test]
fn the_middle_of_what_it_took_before_counts() {
    let now = Bench::new(WALK);
    let before: Vec<Bench> = [60, 600, 90].map(|took| walked(WALK, &[("copy", took)])).into();
    let past = past_of(&now, &before);
    assert_eq!(past.step(0), Some(secs(90)));
    assert_eq!(past.walks(), 3);
    assert_eq!(of_step(&now.session, &past, 0), Some(Expected { length: secs(90), source: Source::Before }));
    assert_eq!(past_of(&now, &before[..2]).step(0), Some(secs(330)), "of two, what lies between them");
    assert_eq!(past.step(1), None, "nobody did it");
}

#[test]
fn what_it_took_counts_before_the_runbooks_word_for_a_step_and_for_the_walk_alike() {
    let now = Bench::new(WALK);
    let past = past_of(&now, &[walked(WALK, &[("copy", 60), ("drill", 300)])]);
    let drill = of_step(&now.session, &past, 1);
    assert_eq!(drill, Some(Expected { length: secs(300), source: Source::Before }));
    let unwalked = of_step(&now.session, &Past::default(), 1);
    assert_eq!(unwalked, Some(Expected { length: secs(720), source: Source::Written }));
    let of_runbook = left(&now.session, &Past::default(), now.now).unwrap();
    assert_eq!(
        (of_runbook.written, of_runbook.known(), of_runbook.tells()),
        (1, 1, false),
        "one step of four"
    );
    let left = left(&now.session, &past, now.now).unwrap();
    assert_eq!(left, Left { length: secs(360), ahead: 4, unknown: 2, written: 0, over: false });
    assert!(left.tells(), "half of them are known");
    assert!(!left.is_whole());
}

#[test]
fn what_runs_counts_with_what_is_left_of_it_and_never_with_less_than_nothing() {
    let past = past_of(&Bench::new(WALK), &[walked(WALK, &[("copy", 60), ("drill", 300)])]);
    let mut now = Bench::new(WALK);
    now.run("copy").unwrap();
    now.later(secs(45));
    assert_eq!(left(&now.session, &past, now.now).unwrap().length, secs(315));
    now.later(secs(45));
    let late = left(&now.session, &past, now.now).unwrap();
    assert_eq!((late.length, late.over), (secs(300), true), "how much longer, nobody knows");
}

#[test]
fn items_are_counted() {
    let one = Bench::new(WALK);
    let took = walked(WALK, &[("copy", 1), ("drill", 1)]);
    let mut before = took;
    before.run("tell").unwrap();
    for _ in 0..3 {
        before.later(secs(20));
        before.exits(0);
    }
    let past = past_of(&one, &[before]);
    assert_eq!(past.step(2), Some(secs(20)), "an item");
    assert_eq!(of_step(&one.session, &past, 2).unwrap().length, secs(60), "all three of them");
}

#[test]
fn only_the_same_step_by_the_same_hands_tells_something() {
    let now = Bench::new(WALK);
    let renamed = WALK.replace("Take the copy, run: cp", "Copy it all, run: other");
    assert_eq!(past_of(&now, &[walked(&renamed, &[("copy", 60)])]).step(0), None);
    let retitled = WALK.replace("Take the copy, run: cp", "Copy it all, run: cp");
    assert_eq!(past_of(&now, &[walked(&retitled, &[("copy", 60)])]).step(0), Some(secs(60)));
    let mut by_hand = Bench::new(WALK);
    let start =
        crate::session::Command::Run { step: "copy".into(), typed: None, will_ask: false, by_hand: true };
    by_hand.act(&start).unwrap();
    by_hand.later(secs(900));
    let said = NOTHING;
    by_hand.act(&crate::session::Command::Done { step: "copy".into(), said }).unwrap();
    assert_eq!(past_of(&now, &[by_hand]).step(0), None);
    let mut failed = Bench::new(WALK);
    failed.run("copy").unwrap();
    failed.later(secs(3));
    failed.exits(1);
    let past = past_of(&now, &[failed]);
    assert_eq!((past.step(0), past.walks()), (None, 0));
}

#[test]
fn a_persons_step_counts_as_it_was_measured_and_not_where_it_was_said_in_one_go() {
    let steps = [("copy", 1), ("drill", 1), ("tell", 3)];
    let now = Bench::new(WALK);
    let mut slow = walked(WALK, &steps);
    let mut quick = slow.clone();
    let done = crate::session::Command::Done { step: "call".into(), said: NOTHING };
    quick.act(&done).unwrap();
    assert_eq!(past_of(&now, &[quick]).step(3), None);
    slow.run("call").unwrap();
    slow.later(secs(400));
    slow.act(&done).unwrap();
    assert_eq!(past_of(&now, &[slow]).step(3), Some(secs(400)));
}

#[test]
fn nothing_is_made_from_nothing() {
    let yaml = "steps:\n  - { id: a, title: A, run: x }\n  - { id: b, title: B }\n";
    let now = Bench::new(yaml);
    assert_eq!(left(&now.session, &Past::default(), now.now), None);
    assert_eq!(of_step(&now.session, &Past::default(), 0), None);
    let over = walked("steps:\n  - { id: a, title: A, run: x, expect_within: 5m }\n", &[("a", 10)]);
    assert_eq!(
        left(&over.session, &past_of(&over, std::slice::from_ref(&over)), over.now),
        None,
        "nothing is ahead"
    );
}

#[test]
fn what_runs_in_the_background_takes_no_time_of_its_own() {
    let yaml = "
steps:
  - { id: sync, title: Sync, run: s, background: true, expect_within: 30m }
  - { id: a, title: A, run: x, expect_within: 10m }
  - { id: b, title: B, run: x, expect_within: 5m }
";
    let mut now = Bench::new(yaml);
    now.run("sync").unwrap();
    let left_now = |bench: &Bench| left(&bench.session, &Past::default(), bench.now).unwrap().length;
    assert_eq!(left_now(&now), secs(1_800));
    now.later(secs(1_500));
    assert_eq!(left_now(&now), secs(900));
}

#[test]
fn the_asking_of_a_check_is_to_take_what_it_took_turn_by_turn() {
    let mut now = Bench::new(WALK);
    now.hold_answers = true;
    now.check("each").unwrap();
    let each = now.session.check_at("each").unwrap();
    assert_eq!(of_asking(&now.session, &Past::default(), each), None);
    let mut before = Bench::new(WALK);
    before.check("each").unwrap();
    for entry in &mut before.entries {
        if let crate::session::Event::CheckAnswered { answer, .. } = &mut entry.event {
            answer.took = 4_000;
        }
    }
    let past = past_of(&now, &[before]);
    assert_eq!(of_asking(&now.session, &past, each), Some(secs(8)), "three items, two at a time");
    now.check("quiet").unwrap();
    let quiet = now.session.check_at("quiet").unwrap();
    assert_eq!(of_asking(&now.session, &past, quiet), None, "it tries until it holds");
}

#[test]
fn items_are_counted_when_it_is_asked_for_and_not_at_every_look() {
    let yaml = "
params: { hosts: { about: All of them, list: true } }
steps:
  - { id: each, title: Each of them, run: mail $h, for_each: { h: '${hosts}' } }
  - { id: here, title: Each of these, run: mail $i, for_each: { i: [a, b] } }
  - { id: rest, title: The rest, run: rest }
";
    let list = |items: &[&str]| Value::List(items.iter().map(|item| (*item).to_owned()).collect());
    let values = [("hosts".into(), list(&["a", "b", "a"]))].into();
    let mut now = Bench::titled("x", yaml, values);
    let mut past = Past::told(&[60, 60, 60], &[], 1);
    let length = |now: &Bench, past: &Past| left(&now.session, past, now.now).unwrap().length;
    assert_eq!(length(&now, &past), secs(300), "one that is there twice is taken once");
    past.count_items(&now.session);
    assert_eq!(length(&now, &past), secs(300), "the same");
    now.session.state.values.insert("hosts".into(), list(&["a", "b", "c", "d"]));
    assert_eq!(length(&now, &past), secs(300), "nobody has counted since");
    past.count_items(&now.session);
    assert_eq!(length(&now, &past), secs(420));
    now.session.state.values.clear();
    past.count_items(&now.session);
    let left = left(&now.session, &past, now.now).unwrap();
    assert_eq!((left.unknown, left.length), (1, secs(180)));
}
