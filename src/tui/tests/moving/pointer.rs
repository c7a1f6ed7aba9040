//! The mouse.

use ratatui::crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::*;

pub(super) fn event(kind: MouseEventKind, column: u16, row: u16) -> MouseEvent {
    MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }
}

const LEFT: MouseEventKind = MouseEventKind::Down(MouseButton::Left);

impl Scene {
    fn mouse(&mut self, kind: MouseEventKind, (column, row): (u16, u16)) {
        let at = self.bench.now.up;
        self.give(Msg::Mouse { event: event(kind, column, row), at });
    }

    /// Where `text` begins on the screen.
    fn find(&mut self, text: &str) -> (u16, u16) {
        let shown = self.text();
        let (row, line) = shown
            .lines()
            .enumerate()
            .find(|(_, line)| line.contains(text))
            .unwrap_or_else(|| panic!("{text}: {shown}"));
        let before = line.split(text).next().unwrap_or_default().chars().count();
        (u16::try_from(before).expect("a column"), u16::try_from(row).expect("a row"))
    }

    fn click(&mut self, text: &str) {
        let at = self.find(text);
        self.mouse(LEFT, at);
    }
}

#[test]
fn a_click_selects_a_step_and_a_second_one_shows_its_output() {
    let mut scene = Scene::copying(b"a line\n");
    scene.click("Point DNS");
    assert_eq!(scene.app.selected, 2);
    assert_eq!(scene.app.screen, Screen::Walk);
    scene.later(5);
    let copy = scene.find("2 Take the copy");
    scene.mouse(LEFT, copy);
    assert_eq!((scene.app.selected, scene.app.screen), (1, Screen::Walk));
    scene.mouse(LEFT, copy);
    assert_eq!(scene.app.screen, Screen::Output);
    scene.key(KeyCode::Backspace);
    scene.key(KeyCode::Backspace);
    assert_eq!(scene.app.selected, 2, "a click is a way that can be undone");
}

#[test]
fn a_click_on_a_key_does_what_the_key_does() {
    let mut scene = Scene::shut();
    scene.click("c check");
    assert!(matches!(scene.commands().last(), Some(Command::Check { .. })));
    scene.click("? keys");
    assert!(matches!(scene.app.mode, Mode::Help { .. }));
    scene.click("Esc close");
    assert!(matches!(scene.app.mode, Mode::Plain));
}

#[test]
fn a_click_never_confirms() {
    let mut scene = Scene::open();
    scene.key(KeyCode::Enter);
    scene.keys("shop-vm");
    let sent = scene.commands().len();
    scene.click("Enter go on");
    assert_eq!(scene.commands().len(), sent);
    assert!(matches!(scene.app.mode, Mode::Question(_)));
    let mut scene = Scene::copying(b"");
    scene.keys("sy");
    scene.click("Enter go on");
    assert_eq!(scene.commands().len(), 0);
    let mut scene = Scene::shut();
    scene.keys("e");
    scene.click("Enter this one");
    assert_eq!(scene.commands().len(), 0);
    let mut scene = Scene::at_hold_point();
    scene.keys("ain Phoenix");
    scene.key(KeyCode::Enter);
    scene.click("y yes");
    assert_eq!(scene.commands().len(), 0);
}

#[test]
fn a_click_in_a_list_picks_and_does_not_take() {
    let mut scene = Scene::shut();
    scene.keys(":");
    scene.click("write a note");
    assert_eq!(picked(&scene), "note");
    assert_eq!(scene.commands().len(), 0);
    scene.mouse(MouseEventKind::ScrollDown, (40, 12));
    assert_eq!(picked(&scene), "one check");
}

#[test]
fn the_wheel_scrolls_what_is_under_it() {
    let mut scene = Scene::shut();
    let list = scene.find("Point DNS");
    let before = scene.app.selected;
    scene.mouse(MouseEventKind::ScrollUp, list);
    assert_eq!(scene.app.selected, before - 1);
    let lines: Vec<u8> = (0..400).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
    let mut scene = Scene::copying(&lines).sized(80, 24);
    scene.keys("o");
    scene.draw();
    scene.mouse(MouseEventKind::ScrollUp, (20, 12));
    assert!(scene.app.output.as_ref().is_some_and(|output| !output.follow));
    let mut scene = Scene::shut().sized(80, 24);
    scene.keys("?");
    scene.draw();
    scene.mouse(MouseEventKind::ScrollDown, (20, 12));
    assert!(matches!(scene.app.mode, Mode::Help { scroll: 3 }));
    // Long words about a step.
    let mut scene = Scene::shut().sized(80, 16);
    scene.draw();
    scene.mouse(MouseEventKind::ScrollDown, (20, 8));
    assert!(scene.app.detail_scroll > 0);
}

#[test]
fn a_box_that_was_not_seen_takes_no_click() {
    let mut scene = Scene::shut();
    scene.key(KeyCode::Enter);
    // The refusal came up; what the last picture had at this place was a key of the screen below.
    for (column, row) in [(2, 39), (30, 39), (60, 20)] {
        scene.mouse(LEFT, (column, row));
    }
    assert!(matches!(scene.app.mode, Mode::Refused(_)));
}

#[test]
fn the_mouse_can_be_left_to_the_terminal() {
    let mut scene = Scene::copying(b"");
    scene.keys("M");
    assert!(!scene.app.mouse.on);
    assert!(scene.text().contains("M takes it back"), "{}", scene.text());
    scene.click("Point DNS");
    assert_eq!(scene.app.selected, 1);
    scene.keys("jk");
    assert!(scene.text().contains("the mouse is the terminal's"), "{}", scene.text());
    scene.keys("M");
    assert!(scene.app.mouse.on);
}
