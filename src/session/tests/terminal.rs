//! Interactive steps: when their terminal may be taken, by whom, and what the log has of it.

use crate::session::approve::subject;
use crate::session::bench::{Bench, dana, sam};
use crate::session::summary::sentence;
use crate::session::{Command, Event, Person, Work, gate, terminal, view};

const ASK: &str = "
steps:
  - { id: ask, title: Ask, run: 'read -r a', interactive: true, undo: 'true' }
  - { id: plain, title: Plain, run: 'true' }
  - { id: each, title: Each, run: 'sh', interactive: true, for_each: { node: [a, b] } }
";

fn take(step: &str) -> Command {
    Command::TakeTerminal { step: step.into() }
}

fn why_not(bench: &mut Bench, by: &Person, step: &str) -> String {
    bench.act_as(by, &take(step)).unwrap_err().sentence
}

#[test]
fn a_terminal_is_taken_by_the_operator_while_its_command_runs() {
    let mut bench = Bench::new(ASK);
    assert!(why_not(&mut bench, &dana(), "ask").ends_with("it is not running"));
    assert!(why_not(&mut bench, &dana(), "plain").contains("not `interactive`"));
    assert!(why_not(&mut bench, &dana(), "nothing").contains("no step"));
    bench.run("ask").unwrap();
    assert!(why_not(&mut bench, &sam(), "ask").starts_with("only the operator"));
    bench.act(&take("ask")).unwrap();
    assert_eq!(view::doing(&bench.session, 0).as_deref(), Some("its terminal is open"));
    let Some(last) = bench.entries.last() else { panic!("a record") };
    assert_eq!(last.event, Event::TerminalTaken { step: "ask".into(), attempt: 1, item: None });
    assert_eq!(sentence(last, &bench.session), "types into the terminal of 1 Ask");
    // Under a hold what runs goes on, and so does who types.
    bench.act_as(&sam(), &Command::Hold { why: "wait".into() }).unwrap();
    bench.act(&take("ask")).unwrap();
    bench.act(&Command::Release { why: Some("on".into()) }).unwrap();
    bench.exits(0);
    assert!(why_not(&mut bench, &dana(), "ask").ends_with("it is not running"));
    bench.undo("ask").unwrap();
    assert!(why_not(&mut bench, &dana(), "ask").ends_with("its undo has none"));
    bench.assert_replays();
}

#[test]
fn a_step_that_is_done_by_hand_has_no_terminal() {
    let mut bench = Bench::new(ASK);
    let by_hand = Command::Run { step: "ask".into(), typed: None, will_ask: false, by_hand: true };
    bench.act(&by_hand).unwrap();
    assert!(why_not(&mut bench, &dana(), "ask").ends_with("a person is at it"));
}

#[test]
fn each_item_has_a_terminal_of_its_own() {
    let mut bench = Bench::new(ASK);
    bench.walk("ask");
    bench.walk("plain");
    bench.run("each").unwrap();
    let open = |bench: &Bench| {
        terminal::all(&bench.session)
            .map(|open| open.item.map(|(index, item)| (index, item.to_owned())))
            .collect::<Vec<_>>()
    };
    assert_eq!(open(&bench), [Some((0, "a".to_owned()))]);
    bench.act(&take("each")).unwrap();
    bench.exits(0);
    assert_eq!(open(&bench), [Some((1, "b".to_owned()))]);
    bench.act(&take("each")).unwrap();
    let last = bench.entries.last().map(|entry| sentence(entry, &bench.session));
    assert_eq!(last.as_deref(), Some("types into the terminal of 3 Each (b)"));
    bench.exits(0);
    assert!(open(&bench).is_empty());
    bench.assert_replays();
}

#[test]
fn a_record_of_a_terminal_that_is_not_open_cannot_follow() {
    let taken = |attempt: u32, item: Option<&str>| Event::TerminalTaken {
        step: "ask".into(),
        attempt,
        item: item.map(str::to_owned),
    };
    for (runs, event) in [(false, taken(1, None)), (true, taken(2, None)), (true, taken(1, Some("a")))] {
        let mut bench = Bench::new(ASK);
        if runs {
            bench.run("ask").unwrap();
        }
        let mut entry = bench.entries.last().unwrap().clone();
        entry.n = bench.session.head + 1;
        (entry.by, entry.event) = (dana(), event);
        assert!(bench.session.apply(&entry).is_err(), "{entry:?}");
    }
}

#[test]
fn the_command_knows_its_terminal_and_an_approval_says_what_it_does_not_cover() {
    let bench = Bench::new(ASK);
    let term = |place: usize, work: Work| {
        let call = gate::command(&bench.session, place, work, None).unwrap().unwrap();
        call.env.get("TERM").cloned()
    };
    assert_eq!(term(0, Work::Run).as_deref(), Some("xterm-256color"));
    assert_eq!((term(0, Work::Undo), term(1, Work::Run)), (None, None));
    let says = |work: Work, by_hand: bool| {
        let subject = subject(&bench.session, 0, work, by_hand, bench.now).unwrap();
        subject.text().contains("\nterminal:    yes; what is typed into it is not known here, and no part")
    };
    assert!(says(Work::Run, false));
    assert!(!says(Work::Run, true));
    let other =
        Bench::new("steps:\n  - { id: a, title: A, run: sh, interactive: true, env: { TERM: dumb } }\n");
    let call = gate::command(&other.session, 0, Work::Run, None).unwrap().unwrap();
    assert_eq!(call.env["TERM"], "dumb");
}
