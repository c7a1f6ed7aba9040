//! Any size of window: nothing outside it, no panic, and under the least size what matters in lines.

use std::collections::BTreeMap;

use ratatui::crossterm::event::KeyCode;

use crate::id::ValueName;
use crate::runbook::Value;
use crate::session::bench::{Bench, sam};
use crate::session::{Command, Person};
use crate::tui::Msg;
use crate::tui::app::Link;
use crate::tui::fixture::{SHOP, Scene};
use crate::wire::FromHost;
use crate::wire::messages::{LogHealth, Present, Role};

/// Sizes from one cell to the size of a wall, the most of them small and around the least size.
fn sizes() -> impl Iterator<Item = (u16, u16)> {
    let widths = (1..=12).chain([20, 30, 38, 39, 40, 41, 50]);
    let small =
        widths.flat_map(|width| [1, 2, 3, 4, 7, 11, 12, 13, 15, 16, 20].map(|height| (width, height)));
    let large = [(60, 16), (79, 24), (80, 24), (99, 30), (100, 30), (132, 43), (200, 60), (300, 100)];
    small.chain(large)
}

/// Every mode of the screen, by the keys that lead there.
const MODES: [&str; 16] =
    ["", "\t", "o", "l", "?", ":", "i", "J", "n", "nwords", "H", "x", "a", "e", "/te", "A"];

/// A walk with long titles, many people, a hold in many words, and no log.
fn crowded() -> Scene {
    let title = "Ümzug 移行 of the shop with a name that does not end ".repeat(4);
    let values = BTreeMap::from([
        (ValueName::new("vm"), Value::Text("/srv/vm/shop".repeat(30))),
        (ValueName::new("regions"), Value::List((0..40).map(|n| format!("region-{n}")).collect())),
    ]);
    let runbook =
        SHOP.replace("    title: ", "    title: Once more and with a title that is too long for any list ");
    let mut scene = Scene::of(Bench::titled(&title, &runbook, values));
    let people = (0..30).map(|n| Present {
        person: Person { name: format!("somebody-{n}-of-many"), uid: Some(2000 + n), login: None },
        role: if n % 2 == 0 { Role::Watch } else { Role::Witness },
    });
    let people = scene.app.people.iter().cloned().chain(people).collect();
    scene.give(Msg::Host(Box::new(FromHost::People { people })));
    for n in 0..3 {
        let why = format!("look at number {n} first, it is not what it seems to be; ").repeat(6);
        let _ = scene.bench.act_as(&sam(), &Command::Hold { why });
    }
    scene.hear();
    let why = "the disk that it lies on is full".to_owned();
    scene.give(Msg::Host(Box::new(FromHost::Health { log: LogHealth::Broken { why } })));
    scene
}

#[test]
fn every_mode_is_drawn_at_every_size() {
    for make in [Scene::shut, crowded] {
        for keys in MODES {
            let mut scene = make().sized(80, 24);
            scene.keys(keys);
            for (width, height) in sizes() {
                scene.give(Msg::Resize(width, height));
                let picture = scene.draw();
                assert_eq!((picture.area.width, picture.area.height), (width, height));
            }
        }
    }
}

#[test]
fn where_one_can_act_the_last_row_says_with_which_keys() {
    for make in [Scene::shut, crowded] {
        for (width, height) in sizes().filter(|(width, height)| *width >= 40 && *height >= 12) {
            // Where the log fails nothing is typed for it.
            for (keys, word) in [("", "?"), ("o", "?"), ("l", "?"), ("i", "Esc"), ("?", "Esc"), ("/x", "Esc")]
            {
                let mut scene = make().sized(width, height);
                scene.keys(keys);
                let text = scene.text();
                let rows: Vec<&str> = text.lines().collect();
                let foot = rows.last().copied().unwrap_or_default();
                assert!(foot.contains(word), "{keys:?} at {width} × {height}:\n{text}");
            }
            let mut scene = make().sized(width, height);
            scene.app.say("what came of the last key");
            let text = scene.text();
            let mut below = text.lines().rev().take(4);
            assert!(below.any(|row| row.contains("what came")), "at {width} × {height}:\n{text}");
        }
    }
}

#[test]
fn a_window_too_small_says_in_lines_what_matters_most_first() {
    let mut scene = Scene::copying(b"").sized(39, 8);
    scene.later(900);
    let text = scene.text();
    let row = |n: usize| text.lines().nth(n).unwrap_or_default().to_owned();
    assert_eq!(row(0), "2/5 running: Take the copy", "{text}");
    assert!(row(1).starts_with("▶ 2 22:12 LATE by 10 min"), "{text}");
    assert!(text.contains("log safe"), "{text}");
    assert!(text.contains("39 × 8; onbelay needs 40 × 12"), "{text}");
    assert!(text.trim_end().ends_with("^X holds  Enter lines  q quit"), "{text}");
    let _ = scene.bench.act_as(&sam(), &Command::Hold { why: "wait".into() });
    scene.hear();
    assert!(scene.text().starts_with("⏸ sam holds: wait"), "{}", scene.text());
    scene.give(Msg::Lost("it is gone".to_owned()));
    let text = scene.text();
    assert!(text.starts_with("NO CONNECTION") && text.contains("sam holds"), "{text}");
    assert!(!text.contains("^X"), "nothing can be held: {text}");
    for (width, height) in [(12, 4), (3, 3), (1, 1), (39, 2), (300, 1), (1, 300)] {
        scene.give(Msg::Resize(width, height));
        assert!(scene.text().starts_with('N') || width < 2, "{}", scene.text());
    }
}

#[test]
fn in_a_small_window_enter_goes_on_in_lines_and_no_other_key_does_a_thing() {
    let mut scene = Scene::shut().sized(30, 8);
    scene.keys("nHxsdc :?");
    assert!(scene.sent.iter().all(|message| !matches!(message, crate::wire::ToHost::Request { .. })));
    assert!(!scene.lines && !scene.left);
    scene.key(KeyCode::Enter);
    assert!(scene.lines, "on in lines");
    assert!(scene.commands().is_empty(), "and nothing else");
    scene.ctrl('x');
    assert_eq!(scene.commands().len(), 1, "a hold is called from any window");
    let mut scene = Scene::shut().sized(30, 8);
    scene.app.link = Link::Gone("its host is gone".to_owned());
    scene.key(KeyCode::Enter);
    assert!(!scene.lines, "there is nothing to go on with");
}

#[test]
fn a_key_pressed_before_the_window_changed_answers_nothing_after() {
    // Enter for the screen's step; the window shrinks before it arrives.
    let mut scene = Scene::shut();
    scene.draw();
    scene.give(Msg::Resize(30, 8));
    scene.blind(KeyCode::Enter);
    assert!(!scene.lines && scene.commands().is_empty());
    // Enter or q for the small window; it grows over a question before they arrive.
    let mut scene = Scene::open();
    scene.key(KeyCode::Enter);
    scene.keys("shop-vm");
    scene.give(Msg::Resize(30, 8));
    scene.draw();
    scene.give(Msg::Resize(100, 30));
    let before = scene.commands().len();
    scene.blind(KeyCode::Enter);
    assert_eq!(scene.commands().len(), before, "the question was not on the screen yet");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.commands().len(), before + 1, "now it is");
}

#[test]
fn in_a_small_window() {
    let make = || {
        let mut scene = Scene::copying(b"");
        scene.later(900);
        scene
    };
    for (width, height) in [(39, 11), (30, 5), (20, 3)] {
        let mut scene = make().sized(width, height);
        insta::assert_snapshot!(
            format!("small-{width}x{height}"),
            crate::tui::fixture::styled(&scene.draw())
        );
    }
}

#[test]
fn a_wall_of_a_window_uses_its_room_and_keeps_lines_readable() {
    let sentence = "words that go on and on ".repeat(40);
    let runbook = format!(
        "steps:\n  - {{ id: one, title: One, about: '{sentence}', run: echo }}\n  - {{ id: two, title: {}, run: echo }}\n",
        "a title that would be cut in a narrower list ".repeat(2)
    );
    let mut scene = Scene::of(Bench::new(&runbook)).sized(300, 100);
    let text = scene.text();
    assert!(text.contains("a title that would be cut in a narrower list a title"), "{text}");
    let longest = text.lines().filter(|row| row.contains("words that go on")).map(|row| {
        let detail = row.split('│').next_back().unwrap_or_default();
        detail.trim_end().chars().count()
    });
    let longest: Vec<usize> = longest.collect();
    assert!(longest.len() > 7 && longest.iter().all(|columns| *columns <= 112), "{longest:?}\n{text}");
}
