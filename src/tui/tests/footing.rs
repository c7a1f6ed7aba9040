//! A key that is held, or typed ahead, starts nothing that its presser did not see.

use ratatui::crossterm::event::{KeyCode, KeyEvent};

use crate::session::Command;
use crate::tui::app::Msg;
use crate::tui::fixture::Scene;

/// Three steps that end as soon as they are started.
fn quick() -> Scene {
    Scene::of(crate::session::bench::Bench::new(
        "steps: [{ title: A, run: x }, { title: B, run: x }, { title: C, run: x }]\n",
    ))
    .sized(80, 24)
}

fn enter(scene: &mut Scene, at: u64) {
    scene.give(Msg::Key { key: KeyEvent::from(KeyCode::Enter), at });
}

fn starts(scene: &Scene) -> usize {
    scene.commands().iter().filter(|command| matches!(command, Command::Run { .. })).count()
}

/// The step at hand ends well, and the walk moves on.
fn ends(scene: &mut Scene) {
    scene.bench.exits(0);
    scene.hear();
}

#[test]
fn a_held_enter_starts_one_step_however_fast_they_end() {
    let mut scene = quick();
    scene.draw();
    let begun = scene.bench.now.up;
    enter(&mut scene, begun);
    ends(&mut scene);
    // It begins to repeat after a while, then fast, and every picture is seen between.
    for repeat in 0..60 {
        scene.draw();
        enter(&mut scene, begun + 660 + 30 * repeat);
    }
    assert_eq!(starts(&scene), 1);
    assert!(scene.text().contains("nothing was started"), "{}", scene.text());
    scene.draw();
    enter(&mut scene, begun + 660 + 30 * 60 + 700);
    assert_eq!(starts(&scene), 2, "let go of and pressed again, it starts the next one");
}

#[test]
fn an_enter_that_was_typed_before_the_next_step_was_to_be_seen_does_not_start_it() {
    let mut scene = quick();
    scene.draw();
    let begun = scene.bench.now.up;
    enter(&mut scene, begun);
    scene.later(10);
    ends(&mut scene);
    // No picture yet: the terminal, or the line to it, is slow.
    enter(&mut scene, begun + 5_000);
    assert_eq!(starts(&scene), 1);
    scene.draw();
    enter(&mut scene, begun + 9_000);
    assert_eq!(starts(&scene), 1, "typed before that picture");
    let seen = scene.bench.now.up;
    enter(&mut scene, seen);
    assert_eq!(starts(&scene), 2);
}
