//! No bytes make the reader panic, and whatever it refuses it can draw.

use onbelay::runbook::{read, read_params};
use proptest::prelude::*;

const SEED: &str = include_str!("../../runbooks/tour.yaml");

const WORDS: &[&str] = &[
    "run: ",
    "requires: ",
    "${",
    "$${",
    "}",
    "[",
    "]",
    "{",
    ": ",
    "- ",
    "\n",
    "\n  ",
    "\n    ",
    "'",
    "\"",
    "|\n",
    "&a ",
    "*a",
    "!t ",
    "<<: ",
    "true",
    "~",
    "\u{0}",
    "\u{202e}",
    "\u{2028}",
    "\r",
    "\t",
    "id: ",
    "title: ",
    "for_each: ",
    "phase: ",
    "capture: ",
    "destructive: ",
    "confirm: ",
    "undo: ",
    "expect: ",
    "elapsed: ",
    "checks:\n",
    "steps:\n",
    "---\n",
    "%",
    "\u{feff}",
];

fn try_it(bytes: &[u8]) {
    if let Err(problems) = read(bytes, "fuzz.yaml") {
        assert!(!problems.list.is_empty());
        let drawn = problems.render(false);
        assert!(drawn.chars().all(|c| c == '\n' || !c.is_control()), "{drawn:?}");
        assert_eq!(problems.json().len(), problems.list.len());
    }
    let _ = read_params(bytes, "fuzz.yaml");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        try_it(&bytes);
    }

    #[test]
    fn any_words(words in prop::collection::vec(prop::sample::select(WORDS), 0..80)) {
        try_it(words.concat().as_bytes());
        try_it(format!("onbelay: 1\ntitle: t\n{}", words.concat()).as_bytes());
    }

    #[test]
    fn a_runbook_changed_anywhere(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, prop::sample::select(WORDS)), 1..5),
    ) {
        let mut bytes = SEED.as_bytes().to_vec();
        for (at, cut, word) in changes {
            let at = at.index(bytes.len() + 1);
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, word.bytes());
        }
        try_it(&bytes);
    }
}
