//! What only a start needs: that answers are of its own breath, that an approval serves at its moment, how it is to be started.

use std::collections::BTreeSet;
use std::time::Duration;

use super::approval::WIPE;
use crate::runbook::Value;
use crate::session::approve::{Word, standing};
use crate::session::bench::{Bench, sam};
use crate::session::event::Verdict;
use crate::session::state::Request;
use crate::session::{Command, Entry, Event, Kind, Requirement, Work, freshness, gate, view};

const GUARDED: &str = "
checks:
  backup: { title: Backup holds, run: 'true' }
steps:
  - { id: wipe, title: Wipe, destructive: Everything, requires: backup, run: 'rm -r vm' }
";

/// A wish of the operator's, now.
fn wish(bench: &Bench) -> Request {
    Request {
        n: bench.session.head,
        at: bench.now,
        by: bench.session.operator.clone(),
        work: Work::Run,
        by_hand: false,
        typed: Some("wipe".to_owned()),
        will_ask: false,
        said: None,
    }
}

fn opens(bench: &Bench, request: &Request) -> Result<(), Vec<Requirement>> {
    let order = view::order(&bench.session);
    match gate::open(&bench.session, &order, 0, request, bench.now, &BTreeSet::new()) {
        Ok(_) => Ok(()),
        Err(gate::Closed::Unmet(unmet)) => Err(unmet),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn f_a4_an_answer_from_before_the_wish_opens_nothing_however_fresh_it_is() {
    let mut bench = Bench::new(GUARDED);
    let before = wish(&bench);
    bench.check("backup").unwrap();
    let after = wish(&bench);
    let unmet = opens(&bench, &after).unwrap_err();
    assert_eq!(unmet.len(), 1);
    assert_eq!((unmet[0].kind, unmet[0].id.as_str()), (Kind::Check, "backup"));
    assert_eq!(unmet[0].why, "its answer is from before this start was asked for");
    let opened = [&before, &after].into_iter().filter(|wish| opens(&bench, wish).is_ok()).count();
    assert_eq!((opened, opens(&bench, &before)), (1, Ok(())));
    println!("F-A4: of a wish from before an answer and one from after it, {opened} opens on it: the first");
}

#[test]
fn a_start_says_how_long_it_may_take_and_what_it_runs_on() {
    let mut bench = Bench::new(
        "steps:
  - { id: plain, title: Plain, run: x }
  - { id: short, title: Short, run: x, timeout: 90s }
  - { id: value, title: Value, run: x, capture: v, undo: y }
  - { id: shell, title: Shell, run: x, interactive: true, undo: y }
",
    );
    bench.walk("plain");
    bench.walk("short");
    bench.run("value").unwrap();
    bench.exits_saying("v");
    bench.walk("shell");
    for step in ["shell", "value"] {
        bench.undo(step).unwrap();
        bench.exits(0);
    }
    let plain = (None, false, false);
    let forward =
        [plain, (Some(Duration::from_secs(90)), false, false), (None, true, false), (None, false, true)];
    assert_eq!(bench.manners[..4], forward);
    assert_eq!(bench.manners[4..], [plain, plain], "an undo has neither");
}

#[test]
fn where_nobody_need_approve_it_is_as_good_as_approved() {
    let bench = Bench::new(GUARDED);
    let standing = standing(&bench.session, 0, Work::Run, None, bench.now);
    assert_eq!((standing.met, standing.word), (true, Word::Needless));
}

#[test]
fn what_is_left_to_type_is_said_as_it_would_be_typed() {
    let mut bench = Bench::new(GUARDED);
    bench.answers.insert("backup".into(), Verdict::Fails);
    let mut fixes = |by_hand: bool| {
        bench.act(&Command::Run { step: "wipe".into(), typed: None, will_ask: false, by_hand }).unwrap();
        let Event::Refused { unmet, .. } = &bench.entries.last().unwrap().event else { panic!("refused") };
        unmet.iter().map(|it| (it.kind, it.fix.ends_with(" --by-hand"))).collect::<Vec<_>>()
    };
    assert_eq!(fixes(false), [(Kind::Check, false), (Kind::Confirm, false)]);
    assert_eq!(fixes(true), [(Kind::Check, false), (Kind::Confirm, true)]);
}

#[test]
fn a_text_to_type_that_is_empty_or_has_lines_opens_nothing() {
    for (value, typed) in [("", ""), (" ", " "), ("a\nb", "a\nb")] {
        let values = [("x".into(), Value::Text(value.to_owned()))].into();
        let yaml = "params:\n  x: { about: X }\nsteps:\n  - { id: go, title: Go, confirm: '${x}', run: y }\n";
        let mut bench = Bench::with_values(yaml, values);
        bench.run_typed("go", typed).unwrap();
        assert!(bench.log.is_empty(), "{value:?}");
        let Event::Refused { why, .. } = &bench.entries.last().unwrap().event else { panic!("refused") };
        assert!(why.contains("empty or has several lines"), "{why}");
    }
}

#[test]
fn an_asking_that_is_under_way_holds_the_time_of_its_approval() {
    let mut bench = Bench::approved(WIPE, "wipe");
    bench.later(Duration::from_millis(15 * 60_000 - 1));
    bench.hold_answers = true;
    bench.run_typed("wipe", "wipe").unwrap();
    let request = bench.session.steps[0].request.clone().unwrap();
    bench.later(Duration::from_mins(3));
    let word = |request| standing(&bench.session, 0, Work::Run, request, bench.now).word;
    assert_eq!(word(Some(&request)), Word::Given, "the last asking began in time");
    assert_eq!(word(None), Word::Over, "for another start it would be too late");
}

#[test]
fn an_answer_that_still_serves_does_not_lengthen_an_approval() {
    let yaml = WIPE.replace("run: 'true' }", "run: 'true', valid_for: 2h }");
    let mut bench = Bench::new(&yaml);
    bench.run("wipe").unwrap();
    bench.approves(&sam(), "wipe").unwrap();
    bench.later(Duration::from_mins(16));
    bench.run_typed("wipe", "wipe").unwrap();
    assert!(bench.log.is_empty());
    assert!(bench.refused().contains(&"Witness wipe".to_owned()), "{:?}", bench.refused());
}

#[test]
fn a_patient_asking_lengthens_nothing_though_it_began_in_time() {
    let yaml = WIPE.replace("run: 'true' }", "run: 'true', valid_for: 1h, wait: { up_to: 2h, every: 5s } }");
    let mut bench = Bench::approved(&yaml, "wipe");
    bench.later(Duration::from_mins(61));
    bench.asks(&sam(), "wipe").unwrap_err();
    let mut bench = Bench::new(&yaml);
    bench.check("backup").unwrap();
    bench.asks(&sam(), "wipe").unwrap();
    bench.approves(&sam(), "wipe").unwrap();
    let request = Request { n: bench.session.head, ..wish(&bench) };
    bench.later(Duration::from_mins(14));
    bench.hold_answers = true;
    bench.check("backup").unwrap();
    let ask = bench.asked.remove(0);
    let answer = bench.answered(&ask);
    bench.record_answer(&ask, answer);
    let once = bench.session.checks[0].answers[""].once;
    bench.later(Duration::from_mins(2));
    let word = standing(&bench.session, 0, Work::Run, Some(&request), bench.now).word;
    assert_eq!((once, word), (false, Word::Over), "it was not asked in the same breath as the start");
}

#[test]
fn what_a_person_answered_is_told_with_their_name_and_their_answer() {
    let mut bench = Bench::new(
        "checks:\n  eye: { title: Seen, attest: Is it gone? }\nsteps:\n  - { id: a, title: A, requires: eye, run: x }\n",
    );
    let said = |bench: &Bench| freshness::look(&bench.session, 0, "", bench.now).1;
    bench.attest("eye", true).unwrap();
    assert_eq!(said(&bench), "dana says yes: “seen”");
    bench.attest("eye", false).unwrap();
    assert_eq!(said(&bench), "dana says no: “seen”");
}

#[test]
fn t7_attempt_numbers_that_are_used_up_are_refused_and_never_begin_anew() {
    for next in ["run: x", "for_each: { disk: [p, q] }, run: x"] {
        let yaml = format!("steps:\n  - {{ id: a, title: A, run: x }}\n  - {{ id: b, title: B, {next} }}\n");
        let mut bench = Bench::new(&yaml);
        bench.session.state.attempts = u32::MAX - 1;
        bench.walk("a");
        assert_eq!((bench.session.attempts, bench.handed_out[0].1), (u32::MAX, u32::MAX));
        for _ in 0..2 {
            // Asked for, and refused at the gate: on record, with what to do.
            bench.run("b").unwrap();
            let Event::Refused { why, .. } = &bench.entries.last().unwrap().event else {
                panic!("{next}: {:?}", bench.last_events(3))
            };
            assert!(why.contains("used up its attempt numbers; start another"), "{next}: {why}");
            assert_eq!(
                (bench.session.attempts, bench.log.len()),
                (u32::MAX, 1),
                "{next}: nothing is started"
            );
        }
    }
}

#[test]
fn t7_a_record_that_counts_attempts_on_from_zero_does_not_follow() {
    let mut bench = Bench::new("steps:\n  - { id: a, title: A, run: x }\n  - { id: b, title: B, run: x }\n");
    bench.session.state.attempts = u32::MAX - 1;
    bench.walk("a");
    let started = bench.entries.iter().find(|entry| matches!(entry.event, Event::StepStarted { .. }));
    let mut wrapped = Entry { n: bench.session.head + 1, ..started.unwrap().clone() };
    if let Event::StepStarted { step, attempt, .. } = &mut wrapped.event {
        (*step, *attempt) = ("b".into(), 0);
    }
    let illegal = bench.session.apply(&wrapped).unwrap_err();
    assert!(illegal.to_string().contains("attempt 0"), "{illegal}");
}
