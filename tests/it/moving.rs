//! Getting about on the screen: the mouse, the palette, what needs somebody, and the way back.

use crate::support::{Home, Screen};

const WALK: &str = r"
onbelay: 1
title: Move the shop
steps:
  - phase: Prepare
  - { id: first, title: Take the copy, run: 'echo copied 312 files' }
  - { id: by-hand, title: Point DNS, about: 'At the **registrar**.' }
  - phase: Point of no return
  - { id: wipe, title: Delete the old machine, destructive: All of it., run: echo gone >>effects }
";

/// Where a text begins on the screen, as a terminal counts: from 1.
#[track_caller]
fn place_of(screen: &Screen, text: &str) -> (usize, usize) {
    let shown = screen.text();
    let row = shown.lines().position(|line| line.contains(text)).unwrap_or_else(|| panic!("{text}\n{shown}"));
    let before = shown.lines().nth(row).and_then(|line| line.split(text).next()).unwrap_or_default();
    (before.chars().count() + 1, row + 1)
}

/// A click, as a terminal tells it: pressed, and let go.
#[track_caller]
fn click(screen: &mut Screen, text: &str) {
    let (column, row) = place_of(screen, text);
    screen.press(&format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m"));
}

#[test]
fn the_mouse_selects_scrolls_and_presses_keys_and_never_confirms() {
    let home = Home::new();
    let file = home.write("runbook.yaml", WALK);
    let mut screen = Screen::open(&home, &["run", file.to_str().unwrap()], (30, 100));
    screen.wait_for("Enter start");
    let (column, row) = place_of(&screen, "Point DNS");
    click(&mut screen, "Point DNS");
    screen.wait_for("registrar");
    // The wheel, over the list.
    screen.press(&format!("\x1b[<65;{column};{row}M"));
    screen.wait_for("All of it.");
    let session = home.only_session();
    screen.press("g");
    screen.wait_for("echo copied");
    click(&mut screen, "Enter start");
    session.wait_for_where("step_settled", |record| record["step"] == "first");
    screen.wait_for("registrar");
    screen.press("d");
    screen.wait_for("Esc not now");
    screen.fill_in("seen");
    screen.press("\r");
    session.wait_for_where("step_settled", |record| record["step"] == "by-hand");
    screen.wait_for("All of it.");
    screen.press("\r");
    screen.wait_for("Enter go on");
    screen.fill_in("wipe");
    click(&mut screen, "Enter go on");
    screen.wait_for("a click does not confirm");
    assert_eq!(home.read("effects"), "");
    click(&mut screen, "Esc not now");
    screen.wait_for("nothing was run");
    assert_eq!(home.read("effects"), "");
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
    screen.is_restored();
}

#[test]
fn the_mouse_can_be_the_terminals() {
    let home = Home::new();
    let session = home.start(WALK);
    let takes = |screen: &Screen| screen.raw.windows(8).any(|bytes| bytes == b"\x1b[?1000h");
    let mut screen = Screen::open(&home, &["attach", &session.id], (24, 80));
    screen.wait_for("Enter start");
    assert!(takes(&screen));
    // Where it goes is not asked for: that would be a flood.
    for mode in [&b"\x1b[?1002h"[..], b"\x1b[?1003h"] {
        assert!(!screen.raw.windows(8).any(|bytes| bytes == mode));
    }
    screen.press("M");
    screen.wait_for("M takes it back");
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
    screen.is_restored();
    let home = Home::new().with("ONBELAY_MOUSE", "off");
    let session = home.start(WALK);
    let mut screen = Screen::open(&home, &["attach", &session.id], (24, 80));
    screen.wait_for("Enter start");
    assert!(!takes(&screen));
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
    screen.is_restored();
}

#[test]
fn the_palette_finds_the_next_need_is_shown_and_a_slip_is_undone() {
    let home = Home::new();
    let file = home.write("runbook.yaml", WALK);
    let mut screen = Screen::open(&home, &["run", file.to_str().unwrap()], (24, 80));
    screen.wait_for("Enter start");
    screen.press(":");
    screen.wait_for("What can be done");
    screen.press("delete");
    screen.wait_for("go to         3 Delete the old machine");
    screen.press_until("\r", |text| !text.contains("What can be done"));
    screen.wait_for("All of it.");
    screen.wait_for("N 1 thing needs you");
    screen.press("N");
    screen.wait_for("1 Take the copy can be started");
    screen.press("\x7f");
    screen.wait_for("All of it.");
    // Words that were left by a slip.
    screen.press("n");
    screen.wait_for("Esc not now");
    screen.fill_in("half a note");
    screen.press("\x1b");
    screen.wait_for("your words are kept");
    screen.press("n");
    screen.wait_for("your words from before");
    screen.press_until("\x1b[A", |text| text.contains("›  half a note"));
    screen.press("\r");
    home.only_session().wait_for_where("noted", |record| record["text"] == "half a note");
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
    screen.is_restored();
}
