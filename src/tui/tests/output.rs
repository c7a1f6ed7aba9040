//! An output: its colours, a text in it, into a file, onto a clipboard, and two of them.

use ratatui::crossterm::event::KeyCode;

use crate::session::event::Verdict;
use crate::tui::app::{Action, Msg, update};
use crate::tui::fixture::Scene;
use crate::tui::mode::{Mode, Page};
use crate::tui::output::saving::{Step, Word};
use crate::tui::picture::check;
use crate::wire::messages::{OutputFile, Stream};
use crate::wire::{FromHost, ToHost};

/// What a build says.
fn colourful() -> Scene {
    let mut output = Vec::new();
    for n in 0..400 {
        let line = match n % 8 {
            0 => format!("\x1b[1m== part {n} ==\x1b[0m\n"),
            3 => {
                format!("\x1b[31merror {n}\x1b[0m: the theme of \x1b[38;5;208mbanner-{n}\x1b[0m is missing\n")
            }
            5 => format!("\x1b[32m✓\x1b[0m taken \x1b[2m{n} ms\x1b[0m \x1b[2Jand this is seen\n"),
            6 => format!(" 10 %\r 60 %\r{n} of 400 files\n"),
            _ => format!(
                "srv/site/wp-content/uploads/2026/10/banner-{n:04}.jpg, which has a name that is long\n"
            ),
        };
        output.extend_from_slice(line.as_bytes());
    }
    Scene::copying(&output)
}

/// The copy failed once and is done now; both wrote something.
fn twice() -> Scene {
    let mut scene = Scene::copying(b"first try\nno room left on the disk\n");
    scene.bench.exits(1);
    scene.hear();
    scene.bench.answers.insert("image-written".to_owned(), Verdict::Holds);
    scene.bench.run("copy").expect("starts");
    let of = OutputFile { attempt: scene.bench.session.attempts, item: None, stream: Stream::Output };
    scene.files.insert(of, b"second try\ntaken\n".to_vec());
    scene.hear();
    scene
}

#[test]
fn the_colours_of_a_command() {
    check("output-colours", colourful, |scene| scene.keys("o"));
    check("output-sideways", colourful, |scene| {
        scene.keys("ogl");
    });
}

#[test]
fn a_text_that_is_looked_for() {
    check("output-found", colourful, |scene| {
        scene.keys("og/error");
        scene.key(KeyCode::Enter);
        scene.keys("n");
    });
    check("output-finding", colourful, |scene| {
        scene.keys("o/error");
    });
    check("output-looking", colourful, |scene| {
        scene.hold_finds = true;
        scene.keys("og/nowhere");
        scene.key(KeyCode::Enter);
        let id = scene.app.find.as_ref().unwrap().looking().unwrap().id;
        scene.give(Msg::Host(Box::new(FromHost::Found { id, at: None, looked: 12_000, done: false })));
    });
    check("output-nowhere", colourful, |scene| {
        scene.keys("og/nowhere");
        scene.key(KeyCode::Enter);
    });
}

#[test]
fn saving_copying_and_two_attempts() {
    check("output-save", colourful, |scene| scene.keys("oS~/copy.log"));
    check("output-copy", colourful, |scene| scene.keys("oy"));
    check("output-two", twice, |scene| scene.keys("o|"));
}

#[test]
fn a_search_goes_on_around_the_file_and_says_so() {
    let mut scene = colourful().sized(120, 40);
    scene.keys("og/ERROR 3");
    scene.key(KeyCode::Enter);
    assert!(
        scene.text().contains("“ERROR 3” is nowhere in this output"),
        "a large letter counts: {}",
        scene.text()
    );
    scene.keys("/");
    for _ in 0..20 {
        scene.key(KeyCode::Backspace);
    }
    scene.keys("error 35");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.app.page(), Page::Found);
    assert!(scene.text().contains("▸error 35:"), "{}", scene.text());
    scene.keys("n");
    assert!(scene.text().contains("▸error 355"), "{}", scene.text());
    scene.keys("n");
    assert!(scene.text().contains("past the end there is nothing"), "{}", scene.text());
    assert!(scene.text().contains("▸error 35"), "{}", scene.text());
    scene.keys("N");
    assert!(scene.text().contains("before the start there is nothing"), "{}", scene.text());
    scene.key(KeyCode::Esc);
    assert_eq!(scene.app.page(), Page::Output);
    assert!(!scene.text().contains("▸error"), "{}", scene.text());
    scene.keys("n");
    assert!(matches!(scene.app.mode, Mode::Prompt(_)), "a note again");
}

#[test]
fn what_is_looked_for_can_be_stopped_and_an_old_answer_changes_nothing() {
    let mut scene = colourful().sized(120, 40);
    scene.hold_finds = true;
    scene.keys("o/error");
    scene.key(KeyCode::Enter);
    let id = scene.app.find.as_ref().unwrap().looking().unwrap().id;
    assert!(scene.text().contains("Esc stops"), "{}", scene.text());
    scene.key(KeyCode::Esc);
    assert!(matches!(scene.sent.last(), Some(ToHost::StopFinding)));
    let before = scene.app.output.as_ref().unwrap().follow;
    scene.give(Msg::Host(Box::new(FromHost::Found { id, at: Some(0), looked: 1, done: true })));
    assert_eq!(scene.app.output.as_ref().unwrap().follow, before);
}

#[test]
fn keys_that_come_while_it_is_looked_for_count_and_nothing_is_looked_through_again() {
    let mut scene = colourful().sized(120, 40);
    scene.hold_finds = true;
    scene.keys("og/error");
    scene.key(KeyCode::Enter);
    let asked = |scene: &Scene| scene.sent.iter().filter(|m| matches!(m, ToHost::FindOutput { .. })).count();
    let answer = |scene: &mut Scene, at| {
        let id = scene.app.find.as_ref().unwrap().looking().unwrap().id;
        scene.give(Msg::Host(Box::new(FromHost::Found { id, at: Some(at), looked: 1, done: true })));
    };
    let before = asked(&scene);
    scene.keys("nn");
    assert_eq!(asked(&scene), before, "it is looked for already");
    for at in [100, 300] {
        answer(&mut scene, at);
        let last = scene.sent.last();
        assert!(
            matches!(last, Some(ToHost::FindOutput { from, .. }) if *from == at + 1),
            "on from there: {last:?}"
        );
    }
    answer(&mut scene, 500);
    let find = scene.app.find.as_ref().unwrap();
    assert_eq!((find.at, find.looking()), (Some(500), None));
}

#[test]
fn an_output_is_copied_only_after_a_typed_yes() {
    let mut scene = colourful().sized(120, 40);
    scene.keys("ogy");
    assert!(scene.text().contains("to your terminal's clipboard?"), "{}", scene.text());
    scene.key(KeyCode::Enter);
    assert!(scene.copied.is_empty());
    scene.keys("y");
    scene.give(Msg::Paste("y".to_owned()));
    scene.key(KeyCode::Enter);
    assert!(scene.copied.is_empty(), "a paste is no yes");
    scene.keys("yy");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.copied.len(), 1, "{}", scene.text());
    let copied = &scene.copied[0];
    assert!(copied.starts_with("== part 0 ==\n"), "{copied}");
    assert!(copied.contains("which has a name that is long\n") && !copied.contains('\x1b'), "{copied}");
}

#[test]
fn an_output_is_saved_part_by_part_and_nothing_is_overwritten() {
    let mut scene = colourful().sized(120, 40);
    scene.keys("oStaken");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.saves.pop(), Some(Step::Create("taken".to_owned())));
    scene.give(Msg::Saved(Word::Exists));
    assert!(scene.text().contains("there is a file of that name"), "{}", scene.text());
    scene.keys("2");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.saves.pop(), Some(Step::Create("taken2".to_owned())));
    scene.give(Msg::Saved(Word::Created("/home/dana/taken2".to_owned())));
    let file = scene.files.values().next().unwrap().clone();
    assert_eq!(scene.saves.pop(), Some(Step::Append(file.clone())));
    assert_eq!(scene.app.page(), Page::Found);
    scene.give(Msg::Saved(Word::Appended(file.len() as u64)));
    assert_eq!(scene.saves.pop(), Some(Step::Finish));
    scene.give(Msg::Saved(Word::Finished("/home/dana/taken2".to_owned())));
    assert!(scene.text().contains("into /home/dana/taken2"), "{}", scene.text());
    assert_eq!(scene.app.page(), Page::Output);
}

#[test]
fn a_saving_that_is_stopped_or_loses_its_host_takes_the_file_away() {
    for lost in [false, true] {
        let mut scene = colourful().sized(120, 40);
        scene.keys("oStaken");
        scene.key(KeyCode::Enter);
        if lost {
            let actions = update(&mut scene.app, Msg::Lost("gone".to_owned()));
            assert!(actions.contains(&Action::Save(Step::Drop)), "{actions:?}");
        } else {
            scene.key(KeyCode::Esc);
            assert_eq!(scene.saves.pop(), Some(Step::Drop));
        }
        assert!(scene.text().contains("removed"), "{}", scene.text());
        scene.give(Msg::Saved(Word::Created("late".to_owned())));
        assert!(scene.app.saving.is_none());
    }
}

#[test]
fn every_attempt_has_its_output_and_two_stand_side_by_side() {
    let mut scene = twice().sized(120, 40);
    scene.keys("o");
    assert!(
        scene.text().contains("attempt 2 · ") || scene.text().contains("attempt 2 (2 of 2)"),
        "{}",
        scene.text()
    );
    assert!(scene.text().contains("second try"));
    scene.keys("{");
    assert!(
        scene.text().contains("no room left on the disk") && scene.text().contains("attempt 1"),
        "{}",
        scene.text()
    );
    assert!(scene.text().contains("failed"), "{}", scene.text());
    scene.keys("{");
    assert!(scene.text().contains("this is the first attempt"), "{}", scene.text());
    scene.keys("}|");
    let text = scene.text();
    assert!(text.contains("first try") && text.contains("second try"), "{text}");
    assert!(
        matches!(scene.sent.iter().rev().find(|m| matches!(m, ToHost::FollowOutputs { .. })), Some(ToHost::FollowOutputs { of }) if of.len() == 2)
    );
    let row = text.lines().find(|line| line.contains("first try")).unwrap();
    assert!(row.contains("second try"), "beside each other: {row}");
    scene.give(Msg::Resize(80, 24));
    let text = scene.text();
    let row = text.lines().find(|line| line.contains("first try")).unwrap();
    assert!(!row.contains("second try"), "one above the other: {text}");
    scene.keys("|");
    assert!(!scene.text().contains("first try"));
}

#[test]
fn a_place_is_typed_as_people_say_it() {
    let mut scene = colourful().sized(120, 40);
    let total = scene.files.values().next().unwrap().len() as u64;
    scene.keys("o%50 %");
    scene.key(KeyCode::Enter);
    scene.draw();
    let top = scene.app.output.as_ref().unwrap().top;
    assert!(top.abs_diff(total / 2) < 200, "{top} of {total}");
    scene.keys("%1kb");
    scene.key(KeyCode::Enter);
    assert!(scene.app.output.as_ref().unwrap().top.abs_diff(1000) < 200);
    scene.keys("%somewhere");
    scene.key(KeyCode::Enter);
    assert!(scene.text().contains("is said like this"), "{}", scene.text());
}

#[test]
fn before_copying_it_is_said_what_goes_also_what_is_cut() {
    let mut scene = colourful().sized(80, 24);
    scene.keys("ogy");
    let text = scene.text();
    assert!(text.contains("also what is cut on the screen"), "{text}");
    assert!(text.contains("first ") && text.contains("last "), "{text}");
}
