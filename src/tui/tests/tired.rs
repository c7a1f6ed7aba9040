//! What somebody who is tired runs into: keys that say nothing, help that does not help, numbers that mislead.

use ratatui::crossterm::event::KeyCode;

use crate::session::Command;
use crate::session::bench::Bench;
use crate::session::command::CheckItem;
use crate::session::estimate::Past;
use crate::tui::app::Msg;
use crate::tui::fixture::Scene;
use crate::tui::mode::{Mode, Screen};
use crate::tui::needs::{Kind, needs};

fn kinds(scene: &Scene) -> Vec<Kind> {
    needs(&scene.app).iter().map(|need| need.kind).collect()
}

fn footer(scene: Scene, width: u16, height: u16) -> String {
    scene.sized(width, height).text().lines().last().unwrap_or_default().trim_start().to_owned()
}

/// All of a picture in one row, without frames.
fn words(scene: &mut Scene) -> String {
    let text = scene.text().replace(['│', '─', '\n'], " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_shut_hold_point_needs_somebody_and_says_why() {
    let mut scene = Scene::shut();
    assert_eq!(kinds(&scene), [Kind::Shut]);
    scene.keys("g");
    assert!(scene.text().contains("N 1 thing needs you"), "{}", scene.text());
    scene.keys("N");
    assert_eq!(scene.app.selected, 3);
    let text = words(&mut scene);
    assert!(
        text.contains("is shut: backup-verified does not hold, all-regions-checked does not hold"),
        "{text}"
    );
    assert!(text.contains("c asks again"), "{text}");
}

#[test]
fn checks_that_were_never_asked_keep_nothing_shut() {
    let mut scene = Scene::at_hold_point();
    assert_eq!(kinds(&scene), [Kind::Question], "its own question is told once");
    let check = CheckItem::parse("copy-taken");
    scene.bench.act(&Command::Attest { check, yes: true, words: "seen".to_owned() }).expect("is taken");
    scene.hear();
    assert_eq!(kinds(&scene), [Kind::Start]);
    let text = scene.text();
    assert!(
        text.contains("Enter asks these first, then for its text") && !text.contains("It stays shut until"),
        "{text}"
    );
    assert!(Scene::shut().text().contains("It stays shut until"));
}

#[test]
fn a_key_that_means_nothing_here_says_so_and_where_it_would() {
    let mut scene = Scene::shut().sized(80, 24);
    for (key, said) in [
        ('y', "y (copy) works in an output: o first"),
        ('S', "S (save) works in an output: o first"),
        ('E', "E does nothing here; ? lists keys"),
        ('0', "0 does nothing here"),
    ] {
        scene.key(KeyCode::Char(key));
        assert!(scene.text().contains(said), "{key}: {}", scene.text());
    }
    scene.key(KeyCode::F(5));
    assert!(scene.text().contains("F5 does nothing here"), "{}", scene.text());
    scene.keys("l");
    scene.keys("x");
    assert!(scene.text().contains("x (skip) works at a step: Esc first"), "{}", scene.text());
    scene.key(KeyCode::F(1));
    assert!(matches!(scene.app.mode, Mode::Help { .. }), "F1 is where help is looked for");
    for key in [':', 'N', '/'] {
        scene.key(KeyCode::Char(key));
        assert!(matches!(scene.app.mode, Mode::Help { .. }));
        assert!(
            scene.text().contains(&format!("{key} does nothing in this box: Esc first")),
            "{}",
            scene.text()
        );
    }
    scene.key(KeyCode::Up);
    assert!(scene.text().contains("this is its start"), "{}", scene.text());
    assert_eq!(scene.commands().len(), 0);
}

#[test]
fn the_list_of_keys_begins_with_the_page_one_is_on() {
    let mut scene = Scene::copying(b"a line\n").sized(80, 24);
    scene.keys("?");
    let text = scene.text();
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}: {text}"));
    assert!(at("Now, at this step") < at("end its command"), "{text}");
    assert!(!text.contains("Not now, at this step"), "what does something comes first: {text}");
    let mut scene = Scene::copying(b"a line\n").sized(80, 24);
    scene.keys("o?");
    let text = scene.text();
    assert!(text.contains("Now, in this output") && text.contains("stay at the end"), "{text}");
    let mut scene = Scene::copying(b"a line\n").sized(100, 100);
    scene.keys("?");
    let text = words(&mut scene);
    assert!(text.contains("Not now, at this step") && text.contains("not now: it is running"), "{text}");
}

#[test]
fn what_finds_nothing_says_so_and_enter_does_too() {
    let mut scene = Scene::shut();
    scene.keys("/zzz");
    scene.key(KeyCode::Enter);
    assert!(matches!(scene.app.mode, Mode::Search(_)), "one more Enter would start something");
    assert!(scene.text().contains("no step has “zzz” in it"), "{}", scene.text());
    scene.key(KeyCode::Esc);
    scene.keys(":zzzz");
    assert!(scene.text().contains("nothing is called like that"), "{}", scene.text());
    scene.key(KeyCode::Enter);
    assert!(scene.text().contains("Enter did nothing"), "{}", scene.text());
}

#[test]
fn the_first_keys_are_those_that_the_state_needs() {
    assert!(footer(Scene::shop(), 40, 12).starts_with("d done"));
    assert!(footer(Scene::shop(), 80, 24).starts_with("d done   Enter start"));
    assert!(footer(Scene::at_hold_point(), 40, 12).starts_with("a answer"));
    assert!(footer(Scene::copying(b""), 40, 12).starts_with("s stop"));
    let failed = || {
        let mut scene = Scene::copying(b"");
        scene.bench.exits(1);
        scene.hear();
        scene
    };
    let row = footer(failed(), 80, 24);
    assert!(row.starts_with("Enter try again   x skip   o output"), "{row}");
    for (width, height) in [(80, 24), (100, 30), (300, 100)] {
        let row = footer(failed(), width, height);
        assert!(row.contains("q leave") && !row.contains("J how to join"), "sam is here already: {row}");
    }
    let mut held = failed();
    held.bench.act(&Command::Hold { why: "wait".to_owned() }).expect("is taken");
    held.hear();
    assert!(footer(held, 80, 24).starts_with("R release"));
    let mut asked = Scene::at_hold_point();
    asked.bench.hold_answers = true;
    let _ = asked.bench.run("delete");
    asked.hear();
    let row = footer(asked, 80, 24);
    assert!(row.starts_with("w withdraw") && !row.contains("Enter"), "{row}");
}

#[test]
fn at_the_end_the_first_key_ends_it_and_then_leaves() {
    let walked = || {
        let mut scene = Scene::of(Bench::new("\nsteps:\n  - { id: a, title: One }\n"));
        scene.done("a", None);
        scene.hear();
        scene
    };
    assert!(footer(walked(), 40, 12).starts_with("F finish"));
    let mut scene = walked();
    scene.bench.act(&Command::Finish).expect("is taken");
    scene.hear();
    let row = footer(scene, 40, 12);
    assert!(row.starts_with("q leave"), "{row}");
}

const NIGHT: &str = "
steps:
  - { id: a, title: A, run: x, expect_within: 3s }
  - { id: b, title: B, run: x }
  - { id: c, title: C, run: x }
  - { id: d, title: D, run: x }
";

#[test]
fn what_it_took_is_what_is_expected_and_the_runbooks_word_is_the_limit() {
    let running = |past: &[u64]| {
        let mut scene = Scene::of(Bench::new(NIGHT)).sized(120, 40);
        scene.give(Msg::History(Past::told(past, &[], 2)));
        scene.bench.run("a").expect("starts");
        scene.hear();
        scene.later(1);
        scene
    };
    let text = running(&[6, 0, 0, 0]).text();
    assert!(text.contains("0:01 of about 0:06, as before"), "{text}");
    let mut scene = running(&[6, 0, 0, 0]);
    scene.later(3);
    assert!(scene.text().contains("late by 0:01"), "the limit stays one: {}", scene.text());
    let mut scene = running(&[0; 4]);
    let text = scene.text();
    assert!(text.contains("0:01, late after 0:03") && !text.contains("of about"), "{text}");
    assert!(!text.contains(" left"), "one step of four is no measure of the walk: {text}");
    scene.keys("i");
    let text = words(&mut scene);
    assert!(text.contains("1 of 4 steps known: at least 2 s left"), "{text}");
    assert!(!text.contains("by what it took"), "it never took anything: {text}");
}

#[test]
fn what_was_just_written_is_one_key_away_when_the_walk_has_moved_on() {
    let mut scene = Scene::at_hold_point();
    scene.keys("o");
    assert_eq!((scene.app.screen, scene.app.selected), (Screen::Output, 1));
    assert!(scene.text().contains("4 has no output yet: this is what"), "{}", scene.text());
    scene.key(KeyCode::Esc);
    assert_eq!((scene.app.screen, scene.app.selected), (Screen::Walk, 3), "and back to the step at hand");
    let mut scene = Scene::shop();
    scene.keys("o");
    assert!(scene.text().contains("nothing was run yet"), "{}", scene.text());
}
