//! Random command sequences against what must never happen, and the table of states and commands.

use proptest::prelude::*;

use crate::session::bench::{Bench, dana, sam};
use crate::session::command::CheckItem;
use crate::session::event::{Event, Said, Verdict, Work};
use crate::session::recover::Found;
use crate::session::view::StepStatus;
use crate::session::{Command, Progress};

const WALK: &str = "
checks:
  ok: { title: Ok, run: 'true' }
  word: { title: Word, attest: Well?, stale_after: [b] }
  long: { title: Long, run: 'true', valid_for: 10m }
  gone: { title: Gone, run: 'true' }
  each: { title: Each, for_each: { n: [x, y] }, run: 'true' }
steps:
  - { id: a, title: A, run: 'true', verify: ok, undo: 'x' }
  - { id: b, title: B, requires: [long], optional: true }
  - { id: c, title: C, run: 'true', for_each: { n: [x, y] }, requires: each, background: true, undo: 'x' }
  - { id: d, title: D, run: 'true', destructive: true, requires: [ok, word, each], done_when: [gone] }
  - { id: e, title: E, run: 'true', destructive: true, requires: [ok, a], undo: 'y' }
";

#[derive(Clone, Debug)]
enum Deed {
    /// What a good operator would do next, so that the end of the walk is reached.
    Advance,
    Act(bool, Command),
    Exit(i32),
    Turn(&'static str, Verdict),
    Later(u64),
    Crash(u8),
    HoldAnswers(bool),
}

fn step() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "c", "d", "e"])
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop::sample::select(vec![Verdict::Holds, Verdict::Holds, Verdict::Fails, Verdict::Error])
}

fn command() -> impl Strategy<Value = Command> {
    let words = || "words".to_owned();
    prop_oneof![
        6 => (step(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(s, right, will_ask, by_hand)| Command::Run {
            step: s.into(),
            typed: right.then(|| s.to_owned()),
            will_ask,
            by_hand: by_hand && will_ask,
        }),
        3 => step().prop_map(move |s| Command::Done { step: s.into(), said: Said { say: None, value: None } }),
        1 => step().prop_map(move |s| Command::Fail { step: s.into(), why: "no".into() }),
        1 => step().prop_map(move |s| Command::Skip { steps: vec![s.into()], why: "no".into() }),
        2 => step().prop_map(|s| Command::Undo { step: s.into(), typed: Some(s.to_owned()), will_ask: false }),
        1 => (step(), any::<bool>()).prop_map(|(s, done)| Command::Resolve { step: s.into(), done, what: "seen".into() }),
        1 => step().prop_map(|s| Command::Stop { step: s.into() }),
        1 => step().prop_map(|s| Command::Withdraw { step: s.into() }),
        2 => Just(Command::Check { checks: vec![] }),
        3 => any::<bool>().prop_map(|yes| Command::Attest { check: CheckItem::parse("word"), yes, words: "seen".into() }),
        1 => Just(Command::Hold { why: words() }),
        2 => Just(Command::Release { why: Some(words()) }),
        1 => Just(Command::Finish),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        14 => Just(Deed::Advance),
        10 => (prop::bool::weighted(0.9), command()).prop_map(|(own, command)| Deed::Act(own, command)),
        6 => prop::sample::select(vec![0, 0, 0, 1]).prop_map(Deed::Exit),
        3 => (prop::sample::select(vec!["ok", "long", "gone", "each@x", "each@y"]), verdict()).prop_map(|(c, v)| Deed::Turn(c, v)),
        1 => prop::sample::select(vec![1, 700, 50_000]).prop_map(Deed::Later),
        1 => (0..5u8).prop_map(Deed::Crash),
        2 => any::<bool>().prop_map(Deed::HoldAnswers),
    ]
}

fn advance(bench: &mut Bench) {
    if !bench.started.is_empty() {
        return bench.exits(0);
    }
    let open = bench.session.steps.iter().position(|step| step.progress != Progress::Done);
    let Some(step) = open.map(|place| bench.session.runbook.steps[place].id.clone()) else { return };
    bench.act(&Command::Release { why: Some("go on".into()) }).ok();
    bench.attest("word", true).ok();
    let said = Said { say: None, value: None };
    let typed = Some(step.to_string());
    bench
        .act(&Command::Run { step: step.clone(), typed, will_ask: false, by_hand: false })
        .or_else(|_| bench.act(&Command::Done { step: step.clone(), said }))
        .or_else(|_| bench.act(&Command::Resolve { step, done: true, what: "seen".into() }))
        .ok();
}

/// What must be true of every start, checked from the records alone.
fn check_starts(bench: &Bench, from: usize) {
    for (at, entry) in bench.entries.iter().enumerate().skip(from) {
        let Event::StepStarted { step, work, typed, rests_on, .. } = &entry.event else { continue };
        let before = &bench.entries[..at];
        let place = bench.session.step_at(step.as_str()).expect("a step");
        let model = &bench.session.runbook.steps[place];
        let request = before
            .iter()
            .rev()
            .find(|e| matches!(&e.event, Event::Requested { step: s, .. } if s == step))
            .expect("asked for");
        if model.is_hold_point() {
            assert_eq!(typed.as_deref(), Some(step.as_str()), "confirmed");
        }
        let required = if *work == Work::Run { model.requires_checks.as_slice() } else { &[] };
        for id in required {
            let check = bench.session.check_at(id.as_str()).expect("a check");
            let check = &bench.session.runbook.checks[check];
            let answer = before.iter().rev().find_map(|e| match &e.event {
                Event::CheckAnswered { check, answer, .. } if check == id => {
                    Some((e.n, answer.verdict == Verdict::Holds))
                }
                Event::Attested { check, yes, .. } if check == id => Some((e.n, *yes)),
                _ => None,
            });
            let (n, holds) = answer.expect("answered");
            assert!(holds, "{id} held at the start of {step}");
            assert!(rests_on.contains(&n), "{step} rests on {n}");
            if check.is_automatic() && check.valid_for.is_none() {
                let asked = before
                    .iter()
                    .rev()
                    .find(|e| matches!(&e.event, Event::CheckAsked { check, .. } if check == id));
                assert!(asked.expect("asked").n > request.n, "{id} was asked in the same breath");
            }
        }
        let held: i32 = before
            .iter()
            .map(|e| match &e.event {
                Event::HoldCalled { .. } => 1,
                Event::HoldReleased { holds, .. } => -i32::try_from(holds.len()).unwrap_or(0),
                _ => 0,
            })
            .sum();
        assert_eq!(held, 0, "no hold");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// F-A5: check, confirmation, check again, intent, start; no gate is ever passed otherwise.
    #[test]
    fn f_a5_a15_no_sequence_passes_a_gate_that_is_not_met(deeds in prop::collection::vec(deed(), 1..60)) {
        let mut bench = Bench::new(WALK);
        bench.answers.insert("gone".to_owned(), Verdict::Fails);
        for deed in deeds {
            let from = bench.entries.len();
            let starts = bench.log.len();
            match deed {
                Deed::Advance => advance(&mut bench),
                Deed::Act(own, command) => {
                    let by = if own { dana() } else { sam() };
                    bench.act_as(&by, &command).ok();
                }
                Deed::Exit(code) if !bench.started.is_empty() => bench.exits(code),
                Deed::Exit(_) => {}
                Deed::Turn(check, verdict) => {
                    bench.answers.insert(check.to_owned(), verdict);
                }
                Deed::Later(seconds) => bench.later(std::time::Duration::from_secs(seconds)),
                Deed::HoldAnswers(hold) => {
                    bench.hold_answers = hold;
                    bench.settle();
                }
                Deed::Crash(kind) => {
                    let boot = if kind == 0 { format!("boot-{}", bench.entries.len()) } else {
                        bench.session.host.as_ref().map(|h| h.boot_id.clone()).unwrap_or_default()
                    };
                    bench.host_dies(&boot, &|_| match kind {
                        0 | 1 => Found::Gone("lost".into()),
                        2 => Found::NoStart,
                        _ => Found::Alive,
                    });
                    let hold_points = bench.log[starts..].iter().filter(|s| *s == "d" || *s == "e").count();
                    prop_assert_eq!(hold_points, 0, "nothing destructive is run by itself after a crash");
                }
            }
            check_starts(&bench, from);
        }
        bench.assert_replays();
    }
}

/// Brings a walk to where the step is in a state.
type Bring = fn(&mut Bench);

/// Every command in every state a step can have: it is taken or refused, and a refusal starts nothing.
#[test]
fn the_table_of_states_and_commands() {
    let yaml = "steps:\n  - { id: s, title: S, run: 'true', undo: 'x' }\n";
    let states: [(&str, Bring); 6] = [
        ("untouched", |_| {}),
        ("running", |b| b.run("s").unwrap()),
        ("done", |b| b.walk("s")),
        ("failed", |b| {
            b.run("s").unwrap();
            b.exits(1);
        }),
        ("skipped", |b| b.skip("s").unwrap()),
        ("interrupted", |b| {
            b.run("s").unwrap();
            b.host_dies("boot-b", &|_| Found::Gone("lost".into()));
        }),
    ];
    let commands = [
        ("run", Command::Run { step: "s".into(), typed: None, will_ask: false, by_hand: false }),
        ("done", Command::Done { step: "s".into(), said: Said { say: None, value: None } }),
        ("fail", Command::Fail { step: "s".into(), why: "x".into() }),
        ("skip", Command::Skip { steps: vec!["s".into()], why: "x".into() }),
        ("undo", Command::Undo { step: "s".into(), typed: None, will_ask: false }),
        ("resolve", Command::Resolve { step: "s".into(), done: true, what: "x".into() }),
        ("stop", Command::Stop { step: "s".into() }),
        ("terminal", Command::TakeTerminal { step: "s".into() }),
        ("finish", Command::Finish),
        ("abort", Command::Abort { why: "x".into() }),
    ];
    let expected = [
        ("untouched", "run skip abort"),
        ("running", "stop abort"),
        ("done", "run undo finish abort"),
        ("failed", "run skip undo abort"),
        ("skipped", "run finish abort"),
        ("interrupted", "resolve abort"),
    ];
    for ((state, prepare), (name, allowed)) in states.into_iter().zip(expected) {
        assert_eq!(state, name);
        let taken: Vec<&str> = commands
            .iter()
            .filter(|(_, command)| {
                let mut bench = Bench::new(yaml);
                prepare(&mut bench);
                let starts = bench.log.len();
                let taken = bench.act(command).is_ok();
                assert!(taken || bench.log.len() == starts);
                taken
            })
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(taken.join(" "), allowed, "in state {state}");
    }
    let mut bench = Bench::new(yaml);
    bench.walk("s");
    assert_eq!(bench.status("s"), StepStatus::Done);
    assert_eq!(bench.session.steps[0].progress, Progress::Done);
}
