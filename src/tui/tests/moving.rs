//! Getting about: the palette, what needs this person, the way back from a slip, the mouse, and what is found.

mod never;
mod pointer;

use ratatui::crossterm::event::KeyCode;

use crate::session::Command;
use crate::session::bench::{Bench, sam};
use crate::session::recover::Found;
use crate::tui::app::Msg;
use crate::tui::fixture::Scene;
use crate::tui::keys::{self, Verb};
use crate::tui::mode::{Mode, Page, Screen};
use crate::tui::needs::{Kind, needs};
use crate::tui::palette;
use crate::wire::messages::Role;

use crate::tui::picture::check;

fn crashed() -> Scene {
    let mut scene = Scene::copying(b"half");
    scene.bench.host_dies("boot-b", &|_| Found::Gone("the machine restarted".to_owned()));
    scene.hear();
    scene
}

fn picked(scene: &Scene) -> String {
    let Mode::Actions(list) = &scene.app.mode else { panic!("no palette") };
    list.found.get(list.cursor).map(|pick| palette::words(&scene.app, *pick).1).unwrap_or_default()
}

#[test]
fn the_palette_has_every_verb_of_every_page_once() {
    let scene = Scene::shut();
    let all = palette::all(&scene.app);
    for page in [Page::Walk, Page::Steps, Page::Output, Page::Log] {
        for binding in keys::table(page) {
            let count = all
                .iter()
                .filter(|pick| matches!(pick, palette::Pick::Key(one, _) if one.verb == binding.verb))
                .count();
            let wanted = usize::from(!matches!(binding.verb, Verb::Actions | Verb::Back));
            assert_eq!(count, wanted, "{page:?} {:?}", binding.verb);
        }
    }
}

#[test]
fn a_few_letters_find_it_and_enter_does_what_its_key_would() {
    let mut scene = Scene::shut();
    scene.keys(":check all");
    assert_eq!(picked(&scene), "check all");
    scene.key(KeyCode::Enter);
    assert!(matches!(scene.commands().last(), Some(Command::Check { checks }) if checks.is_empty()));
    // A key's own letter finds it too, in its own case.
    for (letter, word) in [("c", "check"), ("C", "check all"), ("H", "hold"), ("?", "keys"), ("l", "log")] {
        let mut scene = Scene::shut();
        scene.keys(&format!(":{letter}"));
        assert_eq!(picked(&scene), word);
    }
    // Letters in their order are enough.
    scene.keys(":hndvr");
    assert_eq!(picked(&scene), "hand over");
}

#[test]
fn what_asks_goes_on_asking() {
    let mut scene = Scene::copying(b"");
    scene.keys(":stop");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.commands().len(), 0);
    assert!(scene.text().contains("Type y to go on"), "{}", scene.text());
}

#[test]
fn enter_on_what_cannot_be_done_says_why_and_stays() {
    let mut scene = Scene::shop();
    scene.keys(":finish");
    scene.key(KeyCode::Enter);
    assert!(scene.text().contains("not every step is done or skipped"), "{}", scene.text());
    assert!(matches!(scene.app.mode, Mode::Actions(_)));
    scene.keys("xyzzy");
    scene.key(KeyCode::Enter);
    assert!(scene.text().contains("nothing is called like that"));
    scene.key(KeyCode::Esc);
    assert!(matches!(scene.app.mode, Mode::Plain));
    assert_eq!(scene.commands().len(), 0);
}

#[test]
fn what_was_not_on_the_screen_is_not_picked() {
    let mut scene = Scene::shut();
    scene.draw();
    scene.blind(KeyCode::Char(':'));
    scene.blind(KeyCode::Enter);
    assert!(matches!(scene.app.mode, Mode::Actions(_)));
    scene.draw();
    // Letters count, and make another list, that is not seen yet.
    for c in "check all".chars() {
        scene.blind(KeyCode::Char(c));
    }
    scene.blind(KeyCode::Enter);
    assert_eq!(scene.commands().len(), 0);
    scene.key(KeyCode::Enter);
    assert_eq!(scene.commands().len(), 1);
    scene.keys(":");
    scene.give(Msg::Paste("check all\n".to_owned()));
    assert_eq!(scene.commands().len(), 1, "a paste picks nothing");
}

#[test]
fn steps_are_found_in_the_palette_from_every_page() {
    for before in ["", "\t", "l", "o"] {
        let mut scene = Scene::copying(b"a line\n");
        for c in before.chars() {
            scene.key(if c == '\t' { KeyCode::Tab } else { KeyCode::Char(c) });
        }
        scene.keys(":tell the");
        assert_eq!(picked(&scene), "go to", "{}", scene.text());
        scene.key(KeyCode::Enter);
        assert_eq!(scene.app.selected, 4);
        assert!(matches!(scene.app.screen, Screen::Walk | Screen::Steps));
        scene.key(KeyCode::Backspace);
        assert_eq!(scene.app.selected, 1, "and back");
    }
}

#[test]
fn what_works_on_another_page_says_where() {
    let mut scene = Scene::shut();
    scene.keys(":unfollow");
    scene.keys("\u{8}");
    scene.key(KeyCode::Esc);
    scene.keys(":wrap");
    assert!(scene.text().contains("it works in an output: o goes there"), "{}", scene.text());
}

#[test]
fn what_needs_me_is_told_by_urgency() {
    let kinds = |scene: &Scene| needs(&scene.app).iter().map(|need| need.kind).collect::<Vec<_>>();
    assert_eq!(kinds(&Scene::shop()), [Kind::Start]);
    assert_eq!(kinds(&crashed()), [Kind::Lost]);
    assert_eq!(kinds(&Scene::copying(b"")), [], "it runs, and nobody has to do anything");
    let mut scene = Scene::at_hold_point();
    assert_eq!(kinds(&scene)[0], Kind::Question);
    scene.keys("Hwait");
    scene.key(KeyCode::Enter);
    assert_eq!(kinds(&scene)[0], Kind::Hold);
    // Who only watches is needed for nothing but their own hold.
    assert_eq!(kinds(&Scene::at_hold_point().seen_by(&sam(), Role::Watch)), []);
    let witness = Scene::asked("true").seen_by(&sam(), Role::Witness);
    assert_eq!(kinds(&witness), [Kind::Approval]);
    let mut failed = Scene::copying(b"");
    failed.bench.exits(1);
    failed.hear();
    assert_eq!(kinds(&failed), [Kind::Failed]);
    let mut by_hand = Scene::shop();
    by_hand.bench.run("freeze").expect("starts");
    by_hand.hear();
    assert_eq!(kinds(&by_hand), [Kind::Part]);
}

#[test]
fn one_key_goes_from_need_to_need_and_does_nothing_about_them() {
    let mut scene = Scene::at_hold_point();
    scene.keys("Hwait");
    scene.key(KeyCode::Enter);
    scene.keys("gl");
    let sent = scene.commands().len();
    scene.keys("N");
    assert!(scene.text().contains("1 of 2 · your hold stands · R releases it"), "{}", scene.text());
    scene.keys("N");
    assert!(scene.text().contains("2 of 2 · a question is open"), "{}", scene.text());
    assert_eq!((scene.app.screen, scene.app.selected), (Screen::Walk, 3));
    scene.keys("N");
    assert!(scene.text().contains("1 of 2"), "round and round: {}", scene.text());
    assert_eq!(scene.commands().len(), sent);
    assert!(matches!(scene.app.mode, Mode::Plain));
    let mut scene = Scene::copying(b"");
    scene.keys("N");
    assert!(scene.text().contains("nothing needs you now: 2 runs, 7:12 so far"), "{}", scene.text());
}

#[test]
fn a_need_that_is_out_of_sight_is_counted_above_the_keys() {
    let mut scene = Scene::at_hold_point();
    assert!(!scene.text().contains("needs you"), "what is looked at is not told twice: {}", scene.text());
    scene.keys("g");
    assert!(scene.text().contains("N 1 thing needs you"), "{}", scene.text());
}

#[test]
fn a_slip_is_undone_place_by_place() {
    let mut scene = Scene::copying(b"a line\n");
    let at = |scene: &Scene| (scene.app.screen, scene.app.selected);
    let begun = at(&scene);
    scene.keys("o");
    scene.key(KeyCode::Esc);
    scene.keys("l");
    scene.key(KeyCode::Esc);
    scene.keys("Gkk");
    assert_eq!(at(&scene), (Screen::Walk, 2));
    scene.key(KeyCode::Backspace);
    assert_eq!(at(&scene), (Screen::Walk, 4), "small moves are one way");
    scene.key(KeyCode::Backspace);
    assert_eq!(at(&scene), (Screen::Walk, 1));
    scene.key(KeyCode::Backspace);
    assert_eq!(scene.app.screen, Screen::Log);
    scene.key(KeyCode::Backspace);
    scene.key(KeyCode::Backspace);
    assert_eq!(scene.app.screen, Screen::Output);
    scene.draw();
    scene.ctrl('o');
    assert_eq!(at(&scene), begun);
    assert!(scene.app.along, "it goes along with the walk again");
    scene.key(KeyCode::Backspace);
    assert!(scene.text().contains("there is nothing to go back to"), "{}", scene.text());
    assert_eq!(scene.commands().len(), 0);
}

#[test]
fn words_that_were_left_come_back_when_they_are_asked_for() {
    let mut scene = Scene::shut();
    scene.keys("nwest still has one");
    scene.key(KeyCode::Esc);
    assert!(scene.text().contains("your words are kept"), "{}", scene.text());
    scene.keys("n");
    assert!(
        scene.text().contains("brings back your words from before: west still has one"),
        "{}",
        scene.text()
    );
    scene.key(KeyCode::Enter);
    assert_eq!(scene.commands().len(), 0, "an empty line stays a no");
    scene.keys("n");
    scene.key(KeyCode::Up);
    scene.keys(" running");
    scene.key(KeyCode::Enter);
    assert!(
        matches!(scene.commands().last(), Some(Command::Note { text }) if text == "west still has one running"),
        "{:?}",
        scene.commands()
    );
    scene.keys("n");
    assert!(!scene.text().contains("your words"), "what was sent is not kept: {}", scene.text());
    // Another step's words are its own.
    scene.key(KeyCode::Esc);
    scene.keys("xno use");
    scene.key(KeyCode::Esc);
    scene.keys("jx");
    assert!(!scene.text().contains("no use"), "{}", scene.text());
}

#[test]
fn neither_secrets_nor_confirmations_are_kept() {
    let mut scene = Scene::copying(b"");
    scene.keys("syes please");
    scene.key(KeyCode::Esc);
    scene.keys("s");
    assert!(!scene.text().contains("yes please"), "{}", scene.text());
    let mut scene = Scene::shut();
    scene.app.secrets_missing = vec![crate::id::ValueName::new("token")];
    scene.keys("$hunter2");
    scene.key(KeyCode::Esc);
    scene.keys("$");
    assert!(!scene.text().contains("your words") && !format!("{:?}", scene.app.places).contains("hunter2"));
}

#[test]
fn finding_knows_phases_and_checks_counts_and_goes_back() {
    let mut scene = Scene::shop();
    scene.keys("/point of no");
    assert_eq!(scene.app.selected, 3, "by its phase");
    assert!(scene.text().contains("1 of 2"), "{}", scene.text());
    scene.key(KeyCode::Down);
    assert!(scene.text().contains("2 of 2"));
    assert_eq!(scene.app.selected, 4);
    scene.key(KeyCode::Esc);
    assert_eq!(scene.app.selected, 0);
    assert!(scene.app.along);
    scene.keys("/second copy");
    assert_eq!(scene.app.selected, 3, "by a check's title");
    scene.keys("zzz");
    assert!(scene.text().contains("no step like that"));
    assert_eq!(scene.app.selected, 0, "nothing found, nowhere gone");
    scene.key(KeyCode::Esc);
    scene.keys("/dns");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.app.selected, 2);
    scene.key(KeyCode::Backspace);
    assert_eq!(scene.app.selected, 0);
}

#[test]
fn records_are_found_in_the_log() {
    let mut scene = Scene::shut().sized(80, 24);
    for n in 0..40 {
        scene.bench.act(&Command::Note { text: format!("look {n}") }).expect("is taken");
    }
    scene.hear();
    scene.keys("l/nas in phoenix");
    assert!(scene.text().contains("NAS in Phoenix"), "{}", scene.text());
    assert!(scene.text().contains("1 of 1"), "{}", scene.text());
    scene.key(KeyCode::Esc);
    assert_eq!((scene.app.screen, scene.app.log_scroll), (Screen::Log, 0));
}

#[test]
fn every_list_and_text_takes_the_same_keys() {
    use ratatui::crossterm::event::{KeyEvent, KeyModifiers};
    let plain = |code| KeyEvent::new(code, KeyModifiers::NONE);
    let ctrl = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
    let read = [
        (plain(KeyCode::Up), Verb::Up),
        (plain(KeyCode::Char('k')), Verb::Up),
        (plain(KeyCode::Down), Verb::Down),
        (plain(KeyCode::Char('j')), Verb::Down),
        (plain(KeyCode::PageUp), Verb::PageUp),
        (ctrl('b'), Verb::PageUp),
        (ctrl('u'), Verb::PageUp),
        (plain(KeyCode::PageDown), Verb::PageDown),
        (plain(KeyCode::Char(' ')), Verb::PageDown),
        (ctrl('f'), Verb::PageDown),
        (ctrl('d'), Verb::PageDown),
        (plain(KeyCode::Home), Verb::Home),
        (plain(KeyCode::Char('g')), Verb::Home),
        (plain(KeyCode::End), Verb::End),
        (plain(KeyCode::Char('G')), Verb::End),
    ];
    let pages = [
        Page::Walk,
        Page::Steps,
        Page::Output,
        Page::Log,
        Page::Approval,
        Page::Choose,
        Page::Refused,
        Page::Help,
    ];
    for page in pages {
        for (key, verb) in read {
            assert_eq!(keys::verb(page, key), Some(verb), "{page:?} {key:?}");
        }
        let esc = keys::verb(page, plain(KeyCode::Esc));
        assert_eq!(esc, (page != Page::Walk).then_some(Verb::Back), "{page:?}");
    }
}

#[test]
fn a_text_in_a_box_scrolls_by_rows_screenfuls_and_to_its_ends() {
    let mut scene = Scene::shut().sized(80, 24);
    let scroll = |scene: &Scene| match scene.app.mode {
        Mode::Help { scroll } => scroll,
        _ => panic!("no help"),
    };
    scene.keys("?j");
    assert_eq!(scroll(&scene), 1);
    scene.keys(" ");
    assert!(scroll(&scene) > 10);
    scene.keys("G");
    let most = scroll(&scene);
    assert!(scene.text().contains("interrupted"), "the legend is last: {}", scene.text());
    scene.key(KeyCode::PageDown);
    assert_eq!(scroll(&scene), most);
    scene.keys("g");
    assert_eq!(scroll(&scene), 0);
}

#[test]
fn ten_thousand_steps_are_found_at_once() {
    use std::fmt::Write as _;
    let mut yaml = String::from("steps:\n");
    for n in 1..=10_000 {
        let _ = writeln!(yaml, "  - {{ id: s{n}, title: Step number {n}, run: 'true' }}");
    }
    let mut scene = Scene::of(Bench::titled("Many", &yaml, std::collections::BTreeMap::new()));
    scene.keys(":9876");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.app.selected, 9_875);
    let Mode::Plain = scene.app.mode else { panic!("still open") };
    scene.keys(":number");
    let Mode::Actions(list) = &scene.app.mode else { panic!("no palette") };
    assert!(list.found.len() <= 200);
}

#[test]
fn pictures_of_the_palette_and_of_what_needs_me() {
    check("palette", Scene::shut, |scene| scene.keys(":"));
    check("palette-found", Scene::shut, |scene| scene.keys(":hold"));
    check("palette-greyed", Scene::shop, |scene| {
        scene.keys(":finish");
        scene.key(KeyCode::Enter);
    });
    check("next-need", Scene::at_hold_point, |scene| scene.keys("gN"));
    check("words-from-before", Scene::shut, |scene| {
        scene.keys("nwest still has one running");
        scene.key(KeyCode::Esc);
        scene.keys("n");
    });
    check("found-in-log", Scene::shut, |scene| scene.keys("l/backup"));
}
