//! What is asked of the second person, and what everyone is told to do about it: the very start that is meant.

use std::time::Duration;

use super::approval::{WIPE, kim};
use crate::session::approve::standing;
use crate::session::bench::{Bench, sam};
use crate::session::event::Work;
use crate::session::{Command, Event, Kind, view};

#[test]
fn what_the_operator_asked_last_is_what_is_shown() {
    let ask = |work, by_hand| Command::AskApproval { step: "wipe".into(), work, by_hand };
    let run = |by_hand| Command::Run { step: "wipe".into(), typed: None, will_ask: false, by_hand };
    for by_hand in [true, false] {
        let mut bench = Bench::new(WIPE);
        bench.act(&run(by_hand)).unwrap();
        let asked = bench.round("wipe").unwrap().subject.asked;
        bench.act_as(&sam(), &ask(None, false)).unwrap();
        let other = bench.act_as(&sam(), &ask(None, true));
        assert_eq!(other.is_ok(), by_hand, "a witness puts nothing in its place");
        bench.act(&ask(None, false)).unwrap();
        assert_eq!(bench.round("wipe").unwrap().subject.asked, asked, "kept");
        bench.act(&ask(None, true)).unwrap();
        assert_eq!(bench.round("wipe").unwrap().subject.asked == asked, by_hand, "the operator's to change");
        bench.assert_replays();
    }
}

/// The sentence and the advice of the last refusal for want of a second person.
fn advice(bench: &Bench) -> (String, String) {
    let mut entries = bench.entries.iter().rev();
    let unmet = entries.find_map(|entry| match &entry.event {
        Event::Refused { unmet, .. } => unmet.iter().find(|one| one.kind == Kind::Witness).cloned(),
        _ => None,
    });
    unmet.map(|one| (one.why, one.fix)).expect("refused for want of a second person")
}

#[test]
fn the_advice_is_about_the_very_start() {
    let key = WIPE.replace("witness: true", "witness: { proof: key }, undo: 'cp vm'");
    let mut bench = Bench::new(&key);
    let run = |by_hand| Command::Run { step: "wipe".into(), typed: None, will_ask: false, by_hand };
    bench.act(&run(false)).unwrap();
    assert!(!advice(&bench).1.contains("--by-hand"), "{:?}", advice(&bench));
    bench.act(&run(true)).unwrap();
    let (why, fix) = advice(&bench);
    assert!(why.contains("by its script, and this start is by hand (--by-hand)"), "{why}");
    assert!(fix.contains("wipe --by-hand, then"), "{fix}");
    bench.act(&run(false)).unwrap();
    let (why, fix) = advice(&bench);
    assert!(why.contains("asked to be done by hand (--by-hand), and this start is not; asked anew"), "{why}");
    assert!(fix.contains("if it is to be done by hand: onbelay do") && fix.ends_with("run wipe --by-hand"));
    bench.act_as(&kim(), &Command::Refuse { step: "wipe".into(), why: "no".into() }).unwrap();
    bench.act(&run(true)).unwrap();
    bench.later(Duration::from_mins(16));
    let place = bench.session.step_at("wipe").unwrap();
    let waits = view::witness_for(&bench.session, place, Work::Run, None, bench.now);
    assert!(waits.fix.ends_with("run wipe --by-hand"), "{waits:?}");

    let mut bench = Bench::approved(&WIPE.replace("witness: true", "witness: true, undo: 'cp vm'"), "wipe");
    bench.run_typed("wipe", "wipe").unwrap();
    bench.exits(0);
    bench.undo("wipe").unwrap();
    assert!(advice(&bench).1.ends_with("approve wipe --undo"), "{:?}", advice(&bench));
}

#[test]
fn whoever_reads_again_is_told_the_true_reason() {
    let anew = |happens: &dyn Fn(&mut Bench)| {
        let mut bench = Bench::new(WIPE);
        bench.run("wipe").unwrap();
        let then = bench.round("wipe").unwrap().subject.clone();
        happens(&mut bench);
        bench.run("wipe").unwrap();
        let round = bench.round("wipe").unwrap();
        assert!(round.subject.asked > then.asked);
        standing::asked_anew(&then, round)
    };
    let same = "nothing in it changed but when it was asked";
    assert_eq!(
        anew(&|bench| bench.refuses(&kim(), "wipe").unwrap()),
        format!("kim refused it: not tonight; {same}")
    );
    assert_eq!(anew(&|bench| bench.later(Duration::from_mins(15))), format!("it had expired; {same}"));
    let held = |bench: &mut Bench| {
        bench.act_as(&kim(), &Command::Hold { why: "look".into() }).unwrap();
        bench.act_as(&kim(), &Command::Release { why: None }).unwrap();
    };
    assert_eq!(anew(&held), format!("kim called a hold; {same}"));
    let found = |bench: &mut Bench| {
        bench.later(Duration::from_mins(15));
        bench.details.insert("backup".into(), "40 files".to_owned());
    };
    assert_eq!(anew(&found), "it had expired; what `backup` found changed");
}
