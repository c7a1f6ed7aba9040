//! What the walk in lines says, on small runbooks. PURE.

mod verbs;

use crate::session::bench::{Bench, dana, sam};
use crate::session::{Command, Event, Verdict, Work};

use super::tell;

const SHEET: tell::Sheet<'_> = tell::Sheet { name: "k3f9", columns: None };

const WALK: &str = "
checks:
  seen: { title: Seen, attest: Who saw it? }
  whole: { title: Whole, run: 'true', fix: Mend it. }
steps:
  - { id: one, title: One, run: 'echo one' }
  - { id: gone, title: Delete it, about: \"Look\\u200b twice.\", destructive: 'All of it.', requires: [seen, whole], confirm: shop, run: 'rm -r \"$x\"' }
";

#[test]
fn a_shut_step_says_what_keeps_it_shut_and_what_to_type() {
    let mut bench = Bench::new(WALK);
    bench.answers.insert("whole".to_owned(), Verdict::Fails);
    bench.walk("one");
    let _ = bench.check("whole");
    let card = tell::card(&bench.session, 1, bench.now, &SHEET).join("\n");
    for part in [
        "Step 2 of 2: hold point: Delete it",
        "gone, waiting",
        "  Look{U+200B} twice.",
        "What is lost: All of it.",
        "  - seen: nobody has answered yet\n    Who saw it? attest seen answers it",
        "  - whole: looked\n    Mend it.\n    check whole asks again",
        "asked to type  shop",
        "  rm -r \"$x\"",
    ] {
        assert!(card.contains(part), "{part:?} is missing in\n{card}");
    }
    assert_eq!(
        tell::prompt(&bench.session, bench.now),
        "[step 2 of 2, waiting] run says what is missing; Enter does nothing > "
    );
}

#[test]
fn the_question_shows_what_is_lost_what_runs_and_what_was_found() {
    let mut bench = Bench::new(WALK);
    bench.walk("one");
    bench.attest("seen", true).unwrap();
    bench.check("whole").unwrap();
    bench.later(std::time::Duration::from_mins(3));
    let question = tell::question(&bench.session, 1, Work::Run, bench.now, &SHEET).join("\n");
    for part in [
        "2 Delete it",
        "What is lost: All of it.",
        "  rm -r \"$x\"",
        "  seen holds: dana says yes: “seen”, 3 min ago",
    ] {
        assert!(question.contains(part), "{part:?} is missing in\n{question}");
    }
    assert_eq!(tell::confirm_prompt("shop"), "Type  shop  to go on; Enter: not now: ");
}

#[test]
fn every_prompt_says_what_enter_does() {
    let mut bench = Bench::new(WALK);
    let prompt = |bench: &Bench| tell::prompt(&bench.session, bench.now);
    assert_eq!(prompt(&bench), "[step 1 of 2, ready] run starts it; Enter does nothing > ");
    bench.act(&Command::Hold { why: "wait".into() }).unwrap();
    assert!(prompt(&bench).starts_with("[step 1 of 2, waiting, hold]"), "{}", prompt(&bench));
    bench.act(&Command::Release { why: None }).unwrap();
    bench.run("one").unwrap();
    bench.exits(1);
    assert!(prompt(&bench).contains("failed] run tries again"), "{}", prompt(&bench));
    bench.skip("one").unwrap();
    bench.skip("gone").unwrap();
    assert!(prompt(&bench).starts_with("[all steps are behind you] finish"), "{}", prompt(&bench));
    bench.act(&Command::Abort { why: "no".into() }).unwrap();
    assert!(prompt(&bench).contains("Enter does nothing"));
}

#[test]
fn news_of_others_says_who_and_what_one_asked_is_not_told_twice() {
    let mut bench = Bench::new(WALK);
    bench.act_as(&sam(), &Command::Note { text: "look\u{202e} here".into() }).unwrap();
    let last = bench.entries.last().unwrap();
    assert_eq!(
        tell::news(last, &bench.session, &dana(), false).as_deref(),
        Some("sam: note: \"look{U+202E} here\"")
    );
    bench.run("one").unwrap();
    let told: Vec<bool> = bench
        .entries
        .iter()
        .filter(|entry| matches!(entry.event, Event::Requested { .. } | Event::StepStarted { .. }))
        .map(|entry| tell::news(entry, &bench.session, &dana(), true).is_some())
        .collect();
    assert_eq!(told, [false, true]);
}

#[test]
fn the_question_says_who_approved_when_and_how_that_is_known() {
    let mut bench = Bench::new(
        "
steps:
  - { id: gone, title: Delete it, destructive: 'All of it.', witness: true, confirm: shop, run: 'true' }
",
    );
    let question = |bench: &Bench| tell::question(&bench.session, 0, Work::Run, bench.now, &SHEET).join("\n");
    assert!(!question(&bench).contains("Approved"), "{}", question(&bench));
    let step = crate::id::StepId::from("gone");
    bench.act(&Command::AskApproval { step: step.clone(), work: None, by_hand: false }).unwrap();
    let seen = Some(bench.session.steps[0].approval.as_ref().unwrap().subject.text_digest());
    bench.act_as(&sam(), &Command::Approve { step, seen, name: None, signature: None }).unwrap();
    let said = question(&bench);
    assert!(said.contains("Approved, for 15 min more:\n  sam at "), "{said}");
    assert!(said.contains(" UTC; known by: another account"), "{said}");
}
