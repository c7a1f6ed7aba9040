//! What tired people see and type: no slip goes without a word, and nothing is said twice in different ways.

use ratatui::crossterm::event::KeyCode;

use crate::session::Command;
use crate::session::bench::Bench;
use crate::tui::fixture::Scene;
use crate::tui::mode::{Ask, Mode, Prompt};

fn of(runbook: &str) -> Scene {
    Scene::of(Bench::titled("Move the shop", runbook, std::collections::BTreeMap::new()))
}

/// `count` steps, each called `title`.
fn walk(count: usize, title: &str) -> Scene {
    let step = |n| format!("  - {{ id: step-{n}, title: '{title}', run: 'true' }}\n");
    of(&format!("steps:\n{}", (1..=count).map(step).collect::<String>()))
}

#[test]
fn where_y_or_n_is_asked_nothing_else_answers_and_it_says_so() {
    let mut scene = of(
        "checks:\n  up: { title: Up, attest: Is it up? }\nsteps:\n  - { id: go, title: Go, run: 'true', requires: [up] }\n",
    );
    scene.keys("ait is");
    scene.key(KeyCode::Enter);
    for key in [KeyCode::Enter, KeyCode::Char('x')] {
        scene.key(key);
        assert!(scene.text().contains("y or n: nothing else answers"), "{}", scene.text());
    }
    scene.keys("y");
    assert!(
        matches!(scene.commands().last(), Some(Command::Attest { yes: true, words, .. }) if words == "it is")
    );
}

#[test]
fn a_line_is_emptied_by_the_key_that_empties_it_in_every_shell() {
    let mut scene = walk(1, "Look");
    scene.keys("nwrong");
    scene.ctrl('u');
    scene.keys("right");
    scene.key(KeyCode::Enter);
    assert!(matches!(scene.commands().last(), Some(Command::Note { text }) if text == "right"));
    scene.app.mode = Mode::Prompt(Box::new(Prompt::new(Ask::Secret(crate::id::ValueName::new("token")))));
    scene.keys("hunter1");
    scene.ctrl('u');
    scene.keys("hunter2");
    assert!(!scene.text().contains("hunter"), "it stays hidden: {}", scene.text());
}

#[test]
fn numbers_stand_under_each_other() {
    let mut scene = walk(12, "Look").sized(100, 30);
    let text = scene.text();
    let columns: std::collections::BTreeSet<_> = text
        .lines()
        .filter(|line| !line.contains(" of "))
        .filter_map(|line| line.chars().take(30).position(|c| c == 'L'))
        .collect();
    assert_eq!(columns.len(), 1, "{text}");
}

#[test]
fn a_title_is_whole_where_there_is_room() {
    let title = "Wipe the old one which has a title that says all that it does and to whom it belongs";
    let mut scene = walk(2, title).sized(300, 100);
    let text = scene.text();
    assert!(text.lines().next().is_some_and(|row| row.contains(title)), "{text}");
    assert!(!text.contains("Wipe the old one …"), "{text}");
}

#[test]
fn a_step_that_was_late_keeps_the_mark_of_it() {
    let mut scene = of("steps:\n  - { id: copy, title: Copy, run: 'true', expect_within: 5s }\n  - { id: go, title: Go, run: 'true' }\n").sized(100, 30);
    scene.bench.run("copy").expect("starts");
    scene.later(5);
    scene.hear();
    let text = scene.text();
    assert!(!text.contains("late by") && !text.contains("late 0"), "not late by nothing: {text}");
    scene.later(7);
    assert!(scene.text().contains("late by 0:07"), "{}", scene.text());
    scene.bench.exits(0);
    scene.hear();
    scene.app.select(0);
    let text = scene.text();
    assert!(text.contains("late 0:12"), "{text}");
    assert!(text.contains("late by 0:07"), "{text}");
}

#[test]
fn a_wrapped_line_of_a_script_has_a_mark_before_its_second_row() {
    let long =
        "printf '%s ' one two three four five six seven eight nine ten eleven twelve thirteen fourteen";
    let mut scene =
        of(&format!("steps:\n  - {{ id: go, title: Go, run: \"{long}; reboot\" }}\n")).sized(80, 24);
    let text = scene.text();
    let row = text.lines().find(|row| row.contains("reboot")).unwrap_or_default();
    assert!(row.contains("│›"), "{text}");
}

#[test]
fn in_few_columns_the_key_says_how_others_join() {
    let mut scene = walk(2, "Look").sized(40, 12);
    scene.app.join = "onbelay attach --witness /srv/sessions/move-the-shop".to_owned();
    let people = scene.app.people.iter().take(1).cloned().collect();
    scene.give(crate::tui::Msg::Host(Box::new(crate::wire::FromHost::People { people })));
    let text = scene.text();
    assert!(text.contains("J how to join") && !text.contains("onbelay attach"), "{text}");
}
