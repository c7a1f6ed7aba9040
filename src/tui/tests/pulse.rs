//! Signs of life: clocks, what is expected, what is late, what is left, and the bell.

use ratatui::crossterm::event::KeyCode;

use crate::session::bench::{Bench, dana, sam};
use crate::session::estimate::Past;
use crate::session::event::Outcome;
use crate::session::{Command, Event};
use crate::tui::app::Msg;
use crate::tui::fixture::Scene;
use crate::tui::picture::check;
use crate::wire::FromHost;
use crate::wire::messages::Role;

/// Earlier walks of the shop, each step of which is known, or these alone.
fn shop(steps: &[u64]) -> Msg {
    Msg::History(Past::told(steps, &[30, 0, 8, 4], 3))
}

const ALL: [u64; 5] = [120, 540, 60, 1_800, 20];

fn copying(past: Option<Msg>, seconds: u64) -> Scene {
    let mut scene = Scene::copying(b"srv/site/index.php\nsrv/site/wp-config.php\n");
    if let Some(past) = past {
        scene.give(past);
    }
    scene.draw();
    scene.later(seconds);
    scene
}

#[test]
fn what_runs_says_for_how_long_of_how_long() {
    check("pulse-running", || copying(Some(shop(&ALL)), 0), |_| {});
    check("pulse-late", || copying(Some(shop(&ALL)), 600), |_| {});
    // What it took before is another measure: beside "late by" it would not add up.
    let text = copying(Some(shop(&ALL)), 600).sized(120, 40).text();
    assert!(text.contains("17:12, late after 12:00") && text.contains(" late by 5:12"), "{text}");
    assert!(!text.contains("of about 9:00"), "{text}");
    let text = copying(Some(shop(&ALL)), 600).sized(40, 12).text();
    assert!(text.contains(" late by 5:12"), "it is not cut: {text}");
}

/// The shop's copy with no word of the runbook about its time.
fn unsaid(past: &[u64], seconds: u64) -> Scene {
    let yaml = crate::tui::fixture::SHOP.replace("    expect_within: 12m\n", "");
    let mut scene = Scene::of(Bench::titled("Move the shop to a new server", &yaml, Scene::values()));
    scene.done("freeze", None);
    scene.bench.run("copy").expect("starts");
    scene.hear();
    scene.give(shop(past));
    scene.later(seconds);
    scene
}

#[test]
fn what_it_took_before_is_a_measure_too_and_over_it_nothing_is_late() {
    check("pulse-over", || unsaid(&ALL, 730), |_| {});
    let mut scene = unsaid(&ALL, 730).sized(120, 40);
    let text = scene.text();
    assert!(text.contains("12:10 of about 9:00") && text.contains("3:10 over"), "{text}");
    assert!(!text.contains(" late "), "{text}");
    let mut scene = unsaid(&[0; 5], 730).sized(120, 40);
    let text = scene.text();
    assert!(text.contains("12:10") && !text.contains("of about") && !text.contains('░'), "{text}");
}

#[test]
fn the_first_row_says_where_we_are_what_runs_and_what_is_left() {
    let wide = |scene: Scene| scene.sized(200, 40).text().lines().next().unwrap_or_default().to_owned();
    let row = wide(copying(Some(shop(&ALL)), 0));
    assert!(row.contains("2 of 5 · Take the copy  ▶ 7:12"), "{row}");
    assert!(row.contains("7 min in · about 33 min left, till 15:"), "{row}");
    let row = wide(copying(Some(shop(&[0, 0, 0, 1_800, 0])), 0));
    assert!(row.contains("at least 34 min left"), "the runbook's word for one, nothing for two: {row}");
    let row = wide(copying(Some(shop(&ALL)), 600));
    assert!(row.contains(" late 5 min  ") && row.contains("at least 31 min left"), "{row}");
    let row = wide(unsaid(&[0; 5], 10));
    assert!(!row.contains("left"), "never a number from nothing: {row}");
    let row = wide(Scene::open());
    assert!(row.contains("4 of 5 · Delete the old virtual machine"), "{row}");
    for (width, parts) in [(80, ["2 of 5", "late 5 min", "▶ 17:12"]), (40, ["2 of 5", " late ", "▶ 17:12"])]
    {
        let text = copying(Some(shop(&ALL)), 600).sized(width, 24).text();
        let row = text.lines().next().unwrap_or_default();
        assert!(parts.iter().all(|part| row.contains(part)), "{width}: {row}");
    }
    let text = copying(Some(shop(&ALL)), 600).sized(300, 100).text();
    assert!(text.contains("Move the shop to a new server · 2 of 5 · Take the copy  ▶ 17:12"), "{text}");
}

#[test]
fn while_somebody_holds_no_time_of_day_is_promised() {
    let mut scene = copying(Some(shop(&ALL)), 0);
    scene.bench.act_as(&sam(), &Command::Hold { why: "wait".to_owned() }).expect("is taken");
    scene.hear();
    let text = scene.sized(200, 40).text();
    let row = text.lines().next().unwrap_or_default();
    assert!(row.contains("about 33 min left") && !row.contains("till"), "{row}");
}

#[test]
fn what_is_left_is_explained() {
    check("pulse-about", || copying(Some(shop(&ALL)), 0), |scene| scene.keys("i"));
    let about = |past: &[u64]| {
        let mut scene = copying(Some(shop(past)), 0).sized(120, 40);
        scene.keys("i");
        let words = scene.text().replace(['│', '\n'], " ");
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let text = about(&ALL);
    assert!(text.contains("about 33 min left, by what it took the last 3 times: till 15:50 UTC"), "{text}");
    let text = about(&[0, 540, 0, 0, 20]);
    assert!(
        text.contains("at least 2 min left") && text.contains("of 2 of the 4 steps ahead nobody"),
        "{text}"
    );
}

/// The hold point's checks are being asked for a start.
fn asked(past: Option<Msg>, seconds: u64) -> Scene {
    let mut scene = Scene::at_hold_point();
    if let Some(past) = past {
        scene.give(past);
    }
    scene.bench.hold_answers = true;
    let _ = scene.bench.run("delete");
    scene.later(seconds);
    scene.hear();
    scene
}

#[test]
fn checks_that_are_asked_say_for_how_long_of_how_long() {
    check("pulse-asking", || asked(Some(shop(&ALL)), 12), |_| {});
    let mut scene = asked(None, 12).sized(120, 40);
    let text = scene.text();
    assert!(text.contains("asking its checks, 0:12; then"), "{text}");
}

const TRIES: &str = "
steps:
  - { id: a, title: Ask the provider, run: x, retry: { times: 3, every: 30s }, timeout: 5m }
  - { id: b, title: Mail them, run: y, for_each: { list: [north, south, east] } }
";

#[test]
fn tries_items_and_the_end_by_timeout_are_counted_down() {
    let mut scene = Scene::of(Bench::new(TRIES));
    scene.bench.run("a").expect("starts");
    scene.later(10);
    scene.bench.exits(1);
    scene.later(18);
    scene.hear();
    assert!(scene.text().contains("try 1 of 4 failed; try 2 in 12 s"), "{}", scene.text());
    scene.later(12);
    scene.hear();
    assert!(scene.text().contains("try 2 of 4"), "{}", scene.text());
    assert!(!scene.text().contains("killed in"), "{}", scene.text());
    scene.later(250);
    assert!(scene.text().contains("killed in 0:50"), "{}", scene.text());
    scene.bench.exits(0);
    scene.bench.run("b").expect("starts");
    scene.bench.exits(0);
    scene.hear();
    scene.later(5);
    let text = scene.text();
    assert!(text.contains("2 of 3 · 0:05") && text.contains("south (2 of 3)"), "{text}");
}

#[test]
fn the_bell_rings_once_for_what_is_late() {
    let mut scene = copying(None, 0);
    assert_eq!(scene.rung, 0);
    scene.later(600);
    scene.draw();
    assert_eq!(scene.rung, 1);
    for _ in 0..3 {
        scene.later(60);
        scene.draw();
    }
    let welcome = crate::tui::fixture::welcome(&scene.bench, &dana());
    scene.give(Msg::Lost("the host ended the connection".to_owned()));
    scene.draw();
    scene.give(Msg::Host(Box::new(FromHost::Welcome(Box::new(welcome)))));
    scene.draw();
    assert_eq!(scene.rung, 1, "not again for the same one");
    // A window that shows nothing of it rings all the same.
    let mut small = copying(None, 0).sized(20, 5);
    small.draw();
    small.later(600);
    small.draw();
    assert_eq!(small.rung, 1);
}

#[test]
fn what_was_late_when_the_screen_was_opened_is_no_news() {
    let mut scene = Scene::copying(b"");
    scene.later(3_600);
    scene.draw();
    scene.later(60);
    scene.draw();
    assert_eq!(scene.rung, 0);
}

#[test]
fn the_bell_calls_who_is_away_and_not_who_just_pressed_a_key() {
    let mut scene = copying(None, 5);
    scene.bench.ends(Outcome::Exited { code: 1 }, None);
    scene.hear();
    assert_eq!(scene.rung, 0, "the screen was opened five seconds ago");
    let mut scene = copying(None, 60);
    scene.key(KeyCode::Down);
    scene.later(5);
    scene.bench.ends(Outcome::Exited { code: 1 }, None);
    scene.hear();
    assert_eq!(scene.rung, 0, "a key was pressed five seconds ago");
    let mut scene = copying(None, 60);
    scene.bench.ends(Outcome::Exited { code: 1 }, None);
    scene.hear();
    assert_eq!(scene.rung, 1);
    scene.bench.act_as(&sam(), &Command::Hold { why: "look first".to_owned() }).expect("is taken");
    scene.hear();
    assert_eq!(scene.rung, 1, "what comes in the same breath is seen with it");
    scene.later(60);
    scene.bench.act_as(&sam(), &Command::Hold { why: "again".to_owned() }).expect("is taken");
    scene.bench.act_as(&dana(), &Command::Hold { why: "mine".to_owned() }).expect("is taken");
    scene.hear();
    assert_eq!(scene.rung, 2, "one's own hold is no news");
}

#[test]
fn who_only_watches_is_not_called_for_the_operators_steps() {
    let mut scene = copying(None, 0).seen_by(&sam(), Role::Watch);
    scene.draw();
    scene.later(60);
    scene.bench.ends(Outcome::Exited { code: 1 }, None);
    scene.hear();
    assert_eq!(scene.rung, 0);
    scene.bench.record(&dana(), Event::HoldCalled { why: "stop".to_owned() });
    scene.hear();
    assert_eq!(scene.rung, 1, "a hold is for everybody");
}

#[test]
fn who_is_asked_to_approve_is_called() {
    let mut scene = Scene::witnessed("true").seen_by(&sam(), Role::Witness);
    scene.draw();
    scene.later(60);
    let _ = scene.bench.run("delete");
    scene.hear();
    assert_eq!(scene.rung, 1);
}

#[test]
fn a_list_that_a_step_found_counts_from_then_on() {
    let yaml = "
steps:
  - { id: find, title: Find the host, capture: { host: '[a-z]+' } }
  - { id: each, title: Each of them, run: mail $h, for_each: { h: '${host}' } }
  - { id: rest, title: The rest, run: rest }
";
    let mut scene = Scene::of(Bench::titled("Mail", yaml, std::collections::BTreeMap::new())).sized(200, 40);
    scene.give(Msg::History(Past::told(&[0, 600, 60], &[], 1)));
    let row = |scene: &mut Scene| scene.text().lines().next().unwrap_or_default().to_owned();
    let before = row(&mut scene);
    assert!(!before.contains("about 11 min left"), "{before}");
    scene.done("find", Some("west"));
    scene.hear();
    let after = row(&mut scene);
    assert!(after.contains("about 11 min left"), "{after}");
}
