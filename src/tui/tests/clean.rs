//! U1, U2: nothing from outside acts on the terminal, wherever it is shown.

use std::collections::BTreeMap;

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;

use crate::id::ValueName;
use crate::runbook::Value;
use crate::session::Command;
use crate::session::bench::Bench;
use crate::session::event::Verdict;
use crate::tui::app::Msg;
use crate::tui::fixture::Scene;
use crate::wire::messages::{OutputFile, Stream};

const HOSTILE: &str = r##"
params: { x: { about: anything } }
checks:
  asked: { title: "Is ${x} there", why: "${x}", fix: "do ${x}", run: "true" }
  told: { title: "Said ${x}", attest: "What of ${x}?" }
steps:
  - phase: "Phase ${x}"
  - { id: first, title: "First ${x}", about: "# ${x}\n\n- ${x}\n\n> ${x}", run: 'echo "$x"' }
  - { id: last, title: "Last ${x}", destructive: "Deletes ${x}", requires: [asked, told], run: 'echo "$x"' }
"##;

/// Panics where a cell holds something that a terminal would act on, or that hides or reorders text.
fn assert_tame(buffer: &Buffer) {
    for cell in &buffer.content {
        for c in cell.symbol().chars() {
            let bad = c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
                || matches!(c, '\u{e0000}'..='\u{e007f}' | '\u{feff}' | '\u{ad}' | '\u{2028}' | '\u{2029}');
            assert!(!bad, "U+{:04X} reached the screen", c as u32);
        }
        assert!(cell.symbol().chars().count() <= 8, "a tower of marks reached the screen");
    }
}

fn everywhere(text: &str, bytes: &[u8]) {
    let values = BTreeMap::from([(ValueName::new("x"), Value::Text(text.to_owned()))]);
    let mut bench = Bench::titled("Hostile", HOSTILE, values);
    bench.details.insert("asked".to_owned(), text.to_owned());
    bench.answers.insert("asked".to_owned(), Verdict::Fails);
    let mut scene = Scene::of(bench);
    let _ = scene.bench.act(&Command::Note { text: text.to_owned() });
    let _ = scene.bench.act(&Command::Hold { why: text.to_owned() });
    let _ = scene.bench.act(&Command::Release { why: None });
    let _ = scene.bench.run("first");
    let of = OutputFile { attempt: 1, item: None, stream: Stream::Output };
    scene.files.insert(of, bytes.to_vec());
    scene.hear();
    assert_tame(&scene.draw());
    scene.keys("o");
    assert_tame(&scene.draw());
    scene.keys("w");
    assert_tame(&scene.draw());
    scene.key(KeyCode::Esc);
    scene.bench.exits(0);
    scene.hear();
    assert_tame(&scene.draw());
    for keys in ["e", "l", ":", "?", "a"] {
        scene.keys(keys);
        assert_tame(&scene.draw());
        scene.key(KeyCode::Esc);
    }
    scene.key(KeyCode::Enter);
    assert_tame(&scene.draw());
    scene.key(KeyCode::Esc);
    scene.keys("n");
    scene.draw();
    scene.give(Msg::Paste(text.to_owned()));
    assert_tame(&scene.draw());
    scene.give(Msg::Lost(text.to_owned()));
    assert_tame(&scene.draw());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn u1_u2_nothing_from_outside_acts_on_the_terminal(text in any::<String>(), bytes in any::<Vec<u8>>()) {
        everywhere(&text, &bytes);
    }
}

#[test]
fn u1_the_known_attacks() {
    let attacks = "\x1b]52;c;cm0gLXJm\x07 \x1b]0;t\x07 \x1b[2J\x1b[?1049l \x1bP \u{9b}2J \x08\x08\r\x07 a\u{202e}b \u{2066} \u{200b} \
                   \u{e0041} \u{ad} \u{a0}";
    everywhere(attacks, attacks.as_bytes());
    everywhere(&format!("a{}", "\u{301}".repeat(10_000)), b"\x9b\xff\xfe\x00");
    everywhere(&"\x1b".repeat(10_000), &vec![0x1b; 1 << 20]);
}
