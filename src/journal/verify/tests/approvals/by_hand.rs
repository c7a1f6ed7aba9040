//! What a person did on an approval, with no command of the tool: an honest walk of it is proven, a lie is found.

use super::*;
use crate::session::event::Said;

const ONE: &str = "steps:
  - { id: wipe, title: Wipe, destructive: All, witness: true, run: 'wipe it' }
";
const EACH: &str = "steps:
  - id: wipe
    title: Wipe
    destructive: All
    witness: true
    for_each: { disk: [a, b] }
    run: 'wipe \"$disk\"'
";
const PERSON: &str = "steps:
  - { id: wipe, title: Wipe, destructive: All, witness: true, about: Press the button. }
";
const EACH_PERSON: &str = "steps:
  - { id: wipe, title: Wipe, destructive: All, witness: true, for_each: { disk: [a, b] }, about: Press it. }
";
const UNDO_WORDS: &str = "steps:
  - { id: wipe, title: Wipe, destructive: All, witness: true, about: Press it., undo: Put the old one in. }
";

impl Walk {
    /// A person says that each part of theirs is done.
    fn done(&mut self, step: &str, parts: usize) {
        for _ in 0..parts {
            self.bench
                .act(&Command::Done {
                    step: step.into(),
                    said: Said { say: Some("it is".to_owned()), value: None },
                })
                .unwrap();
        }
    }

    /// Asked about, approved, begun and done by a person.
    fn by_hand(yaml: &str, parts: usize) -> Self {
        let mut walk = Self::of(yaml);
        walk.asks("wipe", None, true);
        walk.approve("wipe", &sam(), None);
        let typed = Some("wipe".to_owned());
        let run = Command::Run { step: "wipe".into(), typed, will_ask: false, by_hand: true };
        walk.bench.act(&run).unwrap();
        walk.done("wipe", parts);
        walk
    }
}

fn seen(yaml: &str, entries: &[Entry]) -> Verified {
    let (_home, dir) = laid_down_of(yaml, entries);
    verify(&dir, None).unwrap()
}

#[track_caller]
fn proven(yaml: &str, entries: &[Entry], what: &str) {
    let seen = seen(yaml, entries);
    assert_eq!(seen.findings, [], "{yaml}");
    says(&seen.proven, what);
    for none in ["destroy", "the output"] {
        assert!(!seen.proven.iter().any(|line| line.contains(none)), "{:#?}", seen.proven);
    }
}

#[test]
fn an_honest_walk_by_hand_is_proven() {
    for (yaml, parts) in [(ONE, 1), (EACH, 2), (PERSON, 1), (EACH_PERSON, 2)] {
        let walk = Walk::by_hand(yaml, parts);
        assert_eq!(starts(&walk.bench.entries).len(), 1, "{yaml}");
        proven(yaml, &walk.bench.entries, "the start of 1 Wipe (attempt 1");
    }
}

#[test]
fn what_a_person_takes_back_in_words_is_proven() {
    let mut walk = Walk::by_hand(UNDO_WORDS, 1);
    walk.asks("wipe", Some(Work::Undo), false);
    walk.approve("wipe", &sam(), None);
    let typed = Some("wipe".to_owned());
    walk.bench.act(&Command::Undo { step: "wipe".into(), typed, will_ask: false }).unwrap();
    walk.done("wipe", 1);
    assert_eq!(starts(&walk.bench.entries).len(), 2);
    proven(UNDO_WORDS, &walk.bench.entries, "taking 1 Wipe back (attempt 2");
}

#[test]
fn a_command_under_an_approval_of_hands_is_found() {
    for yaml in [ONE, EACH] {
        let mut entries = Walk::by_hand(yaml, if yaml == ONE { 1 } else { 2 }).bench.entries;
        let (mut shown, mut doctored) = (None, 0);
        for entry in &mut entries {
            match &mut entry.event {
                Event::ApprovalAsked { subject } => shown.clone_from(&subject.command),
                Event::StepStarted { command, .. } if yaml == ONE => {
                    (*command, doctored) = (shown.clone(), entry.n);
                }
                Event::ItemStarted { command, index: 0, .. } => {
                    (*command, doctored) = (shown.clone(), entry.n);
                }
                _ => {}
            }
        }
        assert!(shown.is_some() && doctored > 0);
        let seen = seen(yaml, &entries);
        let found = seen.findings.iter().any(|one| one.record == Some(doctored));
        assert!(found, "{yaml}: {:#?}", seen.findings);
    }
}
