//! What lies on top of the operator's screen, on another one: seen, and not to be answered.

use super::*;
use crate::runbook::MAX_BYTES;
use crate::session::command::CheckItem;
use crate::tui::mode::Purpose;
use crate::wire::gaze::{MOST_ON_TOP, Top};

fn shows(scene: &mut Scene, words: &[&str]) {
    let text = scene.text();
    for word in words {
        assert!(text.contains(word), "{word}:\n{text}");
    }
}

#[test]
fn the_question_is_there_with_what_is_typed_and_whose_it_is_and_no_key_answers_it() {
    let mut two = Two::of(Scene::open);
    two.dana.key(KeyCode::Enter);
    two.pass();
    two.dana_presses("shop-v");
    shows(
        &mut two.sam,
        &[
            "dana sees: 4 Delete the old virtual machine",
            "Type  shop-vm  to go on",
            "›  shop-v",
            "dana types here; Esc looks away",
            "dana is at the question before 4",
        ],
    );
    assert!(!two.dana.text().contains("dana sees"), "it is dana's own there");
    // The last letter and Enter, on the wrong screen.
    two.sam.keys("m");
    two.sam.key(KeyCode::Enter);
    two.sam.give(Msg::Paste("shop-vm".to_owned()));
    assert!(two.sam.commands().is_empty(), "{:?}", two.sam.commands());
    shows(&mut two.sam, &["›  shop-v "]);
    assert!(!two.sam.text().contains("›  shop-vm"));
    two.dana_presses("m");
    shows(&mut two.sam, &["›  shop-vm"]);
    two.dana.key(KeyCode::Esc);
    two.pass();
    assert!(!two.sam.text().contains("dana sees"), "{}", two.sam.text());
}

#[test]
fn any_key_that_goes_somewhere_leaves_their_box_and_an_own_box_goes_before_it() {
    let mut two = Two::of(Scene::open);
    two.dana.key(KeyCode::Enter);
    two.pass();
    shows(&mut two.sam, &["dana sees:"]);
    two.sam.keys("n");
    shows(&mut two.sam, &["A note"]);
    assert!(!two.sam.text().contains("dana sees"), "{}", two.sam.text());
    two.sam.key(KeyCode::Esc);
    shows(&mut two.sam, &["dana sees:"]);
    two.sam.key(KeyCode::Esc);
    assert!(!follows(&two.sam.app));
    assert!(!two.sam.text().contains("dana sees"), "{}", two.sam.text());
    two.sam.keys("v");
    shows(&mut two.sam, &["dana sees:"]);
    // Without a connection nobody knows what dana sees.
    two.sam.give(Msg::Lost("the host is gone".to_owned()));
    assert!(!two.sam.text().contains("dana sees"), "{}", two.sam.text());
}

#[test]
fn every_box_that_can_be_told_is_drawn_there() {
    for (keys, words) in [
        ("nwest side", &["dana sees: A note", "west side"][..]),
        ("Hwait", &["dana sees: Hold", "wait"]),
        ("?", &["dana sees: Keys"]),
        ("i", &["dana sees: Move the shop"]),
        ("xno time", &["dana sees: Skip 4 Delete", "no time"]),
        ("e", &["dana sees: Which check is to be asked?", "backup-verified"]),
    ] {
        let mut two = Two::of(Scene::shut);
        two.dana_presses(keys);
        shows(&mut two.sam, words);
    }
    let mut two = Two::of(Scene::shut);
    two.dana.key(KeyCode::Enter);
    two.pass();
    assert!(matches!(two.dana.app.mode, Mode::Refused(_)));
    shows(&mut two.sam, &["dana sees: Refused", "312 of 4,120 files are missing"]);
    // Both boxes say the same of what is not met.
    let said = |scene: &mut Scene| -> Vec<String> {
        let text = scene.text();
        let inside = |row: &str| row.chars().skip(21).take(78).collect::<String>();
        text.lines().map(inside).filter(|row| row.starts_with("   ✗")).collect()
    };
    assert!(said(&mut two.sam).iter().any(|row| row.contains("i-0abc12")));
    assert_eq!(said(&mut two.sam), said(&mut two.dana));
}

#[test]
fn of_a_secret_nothing_that_is_typed_is_told() {
    let mut two = Two::of(Scene::shut);
    let mut prompt = crate::tui::mode::Prompt::new(Ask::Secret("token".into()));
    prompt.field.insert_str("hunter2");
    two.dana.app.mode = Mode::Prompt(Box::new(prompt));
    let told = serde_json::to_string(&gaze_of(&two.dana.app)).unwrap();
    assert!(!told.contains("hunter2"), "{told}");
    two.pass();
    let text = two.sam.text();
    assert!(text.contains("dana sees: The secret token") && !text.contains('•'), "{text}");
}

#[test]
fn what_nobody_may_be_told_is_not_drawn_though_it_is_told() {
    let mut two = Two::of(Scene::shut);
    let mut told = |ask: Ask| {
        let top = Top::Prompt { ask, typed: "hunter2".to_owned(), note: None };
        let gaze = Gaze { top: Some(Box::new(top)), ..gaze_of(&two.sam.app) };
        two.sam.give(Msg::Host(Box::new(FromHost::Looking { person: dana(), gaze })));
        two.sam.text()
    };
    let text = told(Ask::Secret("token".into()));
    assert!(text.contains("dana sees: The secret token") && !text.contains('•'), "{text}");
    let clip = crate::tui::mode::Clip { lines: usize::MAX, text: "x".to_owned() };
    let of = crate::wire::messages::OutputFile {
        attempt: 1,
        item: None,
        stream: crate::wire::messages::Stream::Output,
    };
    for ask in [Ask::Sure(Sure::Copy(clip)), Ask::FindText, Ask::GoTo, Ask::SaveTo(of)] {
        let text = told(ask.clone());
        assert!(!text.contains("dana sees") && !text.contains("hunter2"), "{ask:?}\n{text}");
    }
}

#[test]
fn a_long_note_in_a_box_is_cut_with_a_mark() {
    let mut two = Two::of(Scene::shut);
    let note = "a word too many ".repeat(1_000);
    for (width, height) in [(120, 40), (40, 12)] {
        two.sam.give(Msg::Resize(width, height));
        let top = Top::Prompt { ask: Ask::Note, typed: String::new(), note: Some(note.clone()) };
        let gaze = Gaze { top: Some(Box::new(top)), ..gaze_of(&two.sam.app) };
        two.sam.give(Msg::Host(Box::new(FromHost::Looking { person: dana(), gaze })));
        let text = two.sam.text();
        let rows: Vec<&str> = text.lines().filter(|row| row.contains("a word too")).collect();
        assert_eq!(rows.len(), 3, "{text}");
        assert!(rows[2].contains('…') && !rows[0].contains('…'), "{text}");
    }
    // A sentence that fits into them is there whole.
    let top = Top::Prompt { ask: Ask::Note, typed: String::new(), note: Some("word ".repeat(16) + "end") };
    let gaze = Gaze { top: Some(Box::new(top)), ..gaze_of(&two.sam.app) };
    two.sam.give(Msg::Host(Box::new(FromHost::Looking { person: dana(), gaze })));
    assert!(two.sam.text().contains("word end"), "{}", two.sam.text());
}

#[test]
fn what_is_told_is_bounded_and_nothing_of_it_acts_on_this_screen() {
    let mut two = Two::of(Scene::shut);
    two.dana.keys("n");
    two.dana.give(Msg::Paste("word ".repeat(20_000)));
    let gaze = gaze_of(&two.dana.app);
    assert!(serde_json::to_vec(&gaze).unwrap().len() < 1_000, "the end of what is typed is enough");
    two.dana.app.mode = Mode::Refused(crate::tui::mode::Refused {
        n: Some(1),
        action: "run delete".to_owned(),
        sentence: "x".repeat(MAX_BYTES),
        unmet: Vec::new(),
        scroll: 0,
    });
    let gaze = gaze_of(&two.dana.app);
    assert_eq!((gaze.top, gaze.over.as_deref()), (None, Some("a refusal")), "then words alone");
    let wild = "\u{1b}[2J\u{202e}x";
    let item = |place: &str| CheckItem { check: place.into(), item: Some(wild.to_owned()) };
    for top in [
        Top::Question {
            step: 3,
            work: Work::Run,
            by_hand: false,
            text: wild.to_owned(),
            typed: wild.to_owned(),
            note: Some(wild.to_owned()),
            scroll: u32::MAX,
        },
        Top::Prompt {
            ask: Ask::Judge { check: item("nowhere"), words: wild.to_owned() },
            typed: wild.to_owned(),
            note: None,
        },
        Top::Prompt {
            ask: Ask::Sure(Sure::Handover(wild.to_owned())),
            typed: wild.to_owned(),
            note: Some(wild.to_owned()),
        },
        Top::Choose {
            purpose: Purpose::Check,
            checks: vec![item("backup-verified"), item("nowhere")],
            cursor: 9,
        },
        Top::Choose { purpose: Purpose::Attest, checks: Vec::new(), cursor: 9 },
        Top::Refused { action: wild.to_owned(), sentence: wild.to_owned(), unmet: Vec::new(), scroll: 7 },
        Top::Help { scroll: u32::MAX },
        Top::About { scroll: u32::MAX },
    ] {
        for size in [(120, 40), (40, 12)] {
            two.sam.give(Msg::Resize(size.0, size.1));
            let gaze = Gaze { top: Some(Box::new(top.clone())), ..gaze_of(&two.sam.app) };
            two.sam.give(Msg::Host(Box::new(FromHost::Looking { person: dana(), gaze })));
            let text = two.sam.text();
            assert!(text.contains("dana sees:"), "{top:?}\n{text}");
            assert!(text.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{text:?}");
        }
    }
    // Places that are not in this walk.
    for ask in
        [Ask::Skip(99), Ask::Value(99), Ask::Sure(Sure::Undo(99)), Ask::Resolve { step: 99, done: true }]
    {
        let top = Top::Prompt { ask, typed: String::new(), note: None };
        let gaze = Gaze { top: Some(Box::new(top)), ..gaze_of(&two.sam.app) };
        two.sam.give(Msg::Host(Box::new(FromHost::Looking { person: dana(), gaze })));
        assert!(!two.sam.text().contains("dana sees"));
    }
    const { assert!(MOST_ON_TOP < crate::wire::messages::MAX_TO_HOST) };
}

#[test]
fn a_witness_who_is_waited_for_sees_that_and_not_the_operators_not_yet() {
    let mut two = Two::with(|| Scene::asked("true"), Role::Witness);
    two.dana.key(KeyCode::Enter);
    two.dana.draw();
    two.dana.app.mode = Mode::Refused(crate::tui::mode::Refused {
        n: Some(1),
        action: "run delete".to_owned(),
        sentence: "a second person must approve it".to_owned(),
        unmet: Vec::new(),
        scroll: 0,
    });
    two.pass();
    assert!(!two.sam.text().contains("dana sees"), "{}", two.sam.text());
    assert!(two.sam.text().contains("dana is at a refusal"), "{}", two.sam.text());
}

#[test]
fn a_click_in_their_box_does_nothing() {
    let mut two = Two::of(Scene::open);
    two.dana.key(KeyCode::Enter);
    two.pass();
    let hits = &two.sam.app.seen.hits;
    assert!(!hits.is_empty(), "the keys below it stay this screen's");
    assert!(hits.iter().all(|(_, hit)| matches!(hit, crate::tui::mouse::Hit::Key(_))), "{hits:?}");
}
