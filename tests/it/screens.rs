//! A person at a terminal: what stands on the screen, what keys do, and how the terminal is left.

use rustix::process::{Signal, kill_process};

use crate::support::{Home, Screen};

const SMALL: &str = r"
onbelay: 1
title: Move the shop
checks:
  backup: { title: The backup is whole, run: 'test -e backup || { echo 3 files are missing; exit 1; }', fix: Take it again. }
steps:
  - phase: Prepare
  - { id: first, title: Take the copy, run: 'echo copied 312 files' }
  - { id: by-hand, title: Point DNS, about: 'At the **registrar**.' }
  - phase: Point of no return
  - { id: wipe, title: Delete the old machine, destructive: All of it., requires: backup, run: echo gone >>effects }
";

#[test]
fn a_walk_on_the_screen_with_a_refusal_and_a_way_on() {
    let home = Home::new();
    let file = home.write("runbook.yaml", SMALL);
    let mut screen = Screen::open(&home, &["run", file.to_str().unwrap()], (30, 100));
    screen.wait_for("Take the copy");
    screen.wait("phases, what comes, keys", |text| {
        let lower = text.to_lowercase();
        lower.contains("prepare") && lower.contains("point of no return") && text.contains('?')
    });
    let session = home.only_session();
    screen.press("\r");
    session.wait_for_where("step_settled", |record| record["step"] == "first");
    screen.wait_for("Point DNS");
    // A person's step: started, then said to be done.
    screen.wait("the step at hand moves on", |text| text.contains("registrar"));
    screen.press("d");
    screen.wait_for("Esc not now");
    // An empty line is no, here too.
    screen.press_until("\r", |text| !text.contains("Esc not now"));
    screen.press("d");
    screen.wait_for("Esc not now");
    screen.fill_in("seen it");
    assert_eq!(session.step("by-hand"), "ready");
    screen.press("\r");
    session.wait_for_where("step_settled", |record| record["step"] == "by-hand");
    screen.wait_for("All of it.");
    screen.press("\r");
    session.wait_for("refused");
    screen.wait_for("3 files are missing");
    screen.wait_for("Take it again.");
    assert_eq!(home.read("effects"), "");
    screen.wait_for("Refused");
    home.write("backup", "");
    screen.press_until("\r", |text| !text.contains("Refused"));
    screen.press("\r");
    screen.wait_for("to go on");
    screen.fill_in("wipe");
    screen.press("\r");
    session.wait_for_where("step_settled", |record| record["step"] == "wipe");
    assert_eq!(home.read("effects"), "gone\n");
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
    screen.is_restored();
    session.verifies();
}

#[test]
fn help_names_every_key_and_the_smallest_terminals_are_survived() {
    let home = Home::new();
    let file = home.write("runbook.yaml", SMALL);
    let mut screen = Screen::open(&home, &["run", file.to_str().unwrap()], (24, 80));
    screen.wait_for("Take the copy");
    screen.press("?");
    screen.wait_for("Esc close");
    screen.press_until("\x1b[6~", |text| text.contains("leave this screen"));
    screen.press("\x1b");
    screen.wait("help is gone", |text| text.contains("Enter start"));
    for (rows, columns) in [(12, 40), (5, 20), (1, 1), (60, 200), (24, 80)] {
        screen.resize(rows, columns);
    }
    screen.wait_for("Take the copy");
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
    screen.is_restored();
}

/// The window's size and a key may come in one moment; a key that is read only with the next one is a key lost.
#[test]
fn a_key_that_comes_with_a_new_size_is_heard() {
    let home = Home::new();
    let file = home.write("runbook.yaml", SMALL);
    let mut screen = Screen::open(&home, &["run", file.to_str().unwrap()], (24, 80));
    screen.wait_for("Enter start");
    for round in 0..60 {
        screen.resize(24, 81 + round % 2);
        screen.press("?");
        screen.wait_for("start this step: its checks");
        screen.resize(24, 90 + round % 2);
        screen.press("?");
        screen.wait_for("Enter start");
    }
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
}

#[test]
fn s12_a_screen_that_was_put_aside_is_drawn_again_and_the_walk_went_on() {
    let home = Home::new();
    let session = home.start(SMALL);
    let mut screen = Screen::open(&home, &["attach", &session.id], (24, 80));
    screen.wait_for("Take the copy");
    kill_process(screen.pid(), Signal::TSTP).unwrap();
    screen.wait("the terminal is given back", |text| !text.contains("Take the copy"));
    screen.is_restored();
    session.act(&["note", "meanwhile elsewhere"]).expect(0);
    kill_process(screen.pid(), Signal::CONT).unwrap();
    screen.wait_for("meanwhile elsewhere");
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
    screen.is_restored();
}

#[test]
fn f_s1_a_client_that_is_killed_changes_nothing_and_another_finds_everything() {
    let home = Home::new();
    let file = home.write("runbook.yaml", SMALL);
    let mut screen = Screen::open(&home, &["run", file.to_str().unwrap()], (24, 80));
    screen.wait_for("Take the copy");
    let session = home.only_session();
    screen.press("\r");
    session.wait_for("step_started");
    kill_process(screen.pid(), Signal::KILL).unwrap();
    session.wait_for("step_settled");
    let mut again = Screen::open(&home, &["attach"], (24, 80));
    again.wait_for("Point DNS");
    again.press("o");
    session.call("status", &[]).expect(0);
    again.press("q");
}

#[test]
fn two_screens_see_the_same_walk() {
    let home = Home::new();
    let session = home.start(SMALL);
    let mut one = Screen::open(&home, &["attach", &session.id], (24, 80));
    let mut two = Screen::open(&home, &["attach", &session.id, "--watch"], (24, 80));
    one.wait_for("Take the copy");
    two.wait_for("Take the copy");
    session.act(&["note", "somebody else says hello"]).expect(0);
    one.wait_for("somebody else says");
    two.wait_for("somebody else says");
    // One that only looks cannot act.
    two.press("\r");
    session.act(&["note", "a second note"]).expect(0);
    two.wait_for("a second note");
    assert!(session.records("step_started").is_empty());
}

#[test]
fn a_host_that_is_killed_comes_back_under_the_screen() {
    let home = Home::new();
    let session = home.start(SMALL);
    let mut screen = Screen::open(&home, &["attach", &session.id], (24, 80));
    screen.wait_for("Take the copy");
    session.kill_host();
    session.act(&["note", "back again"]).expect(0);
    screen.wait_for("back again");
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
    screen.is_restored();
}

#[test]
fn ten_thousand_steps_open_scroll_and_validate() {
    let mut yaml = String::from("onbelay: 1\ntitle: Ten thousand\nsteps:\n");
    for n in 1..=10_000 {
        use std::fmt::Write as _;
        let _ = writeln!(yaml, "  - {{ id: s{n}, title: Step number {n}, run: 'true' }}");
    }
    let home = Home::new();
    let file = home.write("runbook.yaml", &yaml);
    home.call(&["lint", file.to_str().unwrap()]).expect(0);
    let mut screen = Screen::open(&home, &["run", file.to_str().unwrap()], (40, 120));
    screen.wait_for("Step number 1");
    screen.press("G");
    screen.wait_for("Step number 10000");
    screen.press("g");
    screen.wait_for("Step number 2");
    screen.press("\r");
    let session = home.only_session();
    session.wait_for("step_settled");
    assert_eq!(session.step("s1"), "done");
    session.act(&["run", "s10000"]).expect(1);
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
}
