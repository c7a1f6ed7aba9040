//! What earlier sessions took, and what is said of it; the bell of what is late.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::session::find;
use crate::support::{Home, Screen};

const WALK: &str = "
onbelay: 1
title: Move the shop
checks:
  whole: { title: It is whole, run: 'sleep 1.2' }
steps:
  - { id: copy, title: Take the copy, run: 'until test -e go; do sleep 0.05; done; sleep 1.1' }
  - { id: each, title: Mail them, for_each: { i: [a, b] }, run: 'true' }
  - { id: call, title: Call the provider, requires: whole }
";

/// A walk from its beginning to its end.
fn walked(home: &Home) -> String {
    home.write("go", "");
    let session = home.start_with(WALK, &["--another"]);
    for step in ["copy", "each"] {
        session.act(&["run", step]).expect(0);
    }
    session.act(&["check", "whole"]).expect(0);
    session.act(&["done", "call"]).expect(0);
    session.id
}

#[test]
fn what_steps_took_before_is_told_of_the_next_walk() {
    let home = Home::new();
    walked(&home);
    let next = home.start_with(WALK, &["--another"]);
    let status = next.status();
    let copy = find(&status["steps"], "copy")["expected_ms"].as_u64().unwrap();
    assert!((1_100..60_000).contains(&copy), "{status:#}");
    let call = &find(&status["steps"], "call")["expected_ms"];
    assert!(call.is_null(), "said in one go, it took no time that tells something: {call}");
    assert!(status["left"]["ms"].as_u64().unwrap() >= copy, "{status:#}");
    assert_eq!((&status["left"]["steps"], &status["left"]["unknown"]), (&3.into(), &1.into()), "{status:#}");
    next.call("status", &[]).expect(0).says("of 1 of the 3 steps ahead nobody knows").clean();
}

#[test]
fn a_walk_with_no_walk_before_it_says_nothing() {
    let home = Home::new();
    let first = home.start_with(WALK, &["--another"]);
    let status = first.status();
    assert!(
        status["left"].is_null() && find(&status["steps"], "copy")["expected_ms"].is_null(),
        "{status:#}"
    );
}

#[test]
fn what_is_broken_is_left_out() {
    let home = Home::new();
    let whole = walked(&home);
    let broken = [walked(&home), walked(&home), walked(&home), walked(&home)];
    let dir = |id: &str| home.state().join(id);
    // A record changed, a runbook changed, half a journal that is no journal, and no journal at all.
    let journal = std::fs::read_to_string(dir(&broken[0]).join("journal.jsonl")).unwrap();
    let doctored = journal.replacen("\"took\":", "\"took\": ", 1);
    assert_ne!(journal, doctored);
    rewrite(&dir(&broken[0]).join("journal.jsonl"), doctored.as_bytes());
    rewrite(&dir(&broken[1]).join("runbook.yaml"), WALK.replace("shop", "ship").as_bytes());
    rewrite(&dir(&broken[2]).join("journal.jsonl"), b"\x00\xff{");
    std::fs::remove_file(dir(&broken[3]).join("journal.jsonl")).unwrap();
    let next = home.start_with(WALK, &["--another"]);
    let expected = |status: &serde_json::Value| find(&status["steps"], "copy")["expected_ms"].as_u64();
    let with_all = expected(&next.status()).unwrap();
    for id in &broken {
        std::fs::remove_dir_all(dir(id)).unwrap();
    }
    assert_eq!(expected(&next.status()), Some(with_all), "only the whole one has counted");
    std::fs::remove_dir_all(dir(&whole)).unwrap();
    assert_eq!(expected(&next.status()), None);
}

fn rewrite(file: &Path, bytes: &[u8]) {
    std::fs::remove_file(file).unwrap();
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn hundreds_of_old_sessions_take_no_longer_than_a_few() {
    let home = Home::new();
    let old = walked(&home);
    let dir = home.state().join(&old);
    // As many sessions of another runbook, all newer, one of them huge: first records are looked at, and no more.
    let text = std::fs::read_to_string(dir.join("journal.jsonl")).unwrap();
    let other =
        text.lines().next().unwrap().replace("Move the shop", "Another").replace("runbook.yaml", "x.yaml");
    for n in 0..150 {
        let to = home.state().join(format!("20990101-0000{:02}-other-{n:04}", n % 60));
        std::fs::create_dir(&to).unwrap();
        std::fs::write(to.join("journal.jsonl"), format!("{other}\n")).unwrap();
    }
    for n in 0..50 {
        let to = home.state().join(format!("20980101-0000{:02}-same-{n:04}", n % 60));
        std::fs::create_dir(&to).unwrap();
        for file in ["journal.jsonl", "runbook.yaml"] {
            std::fs::copy(dir.join(file), to.join(file)).unwrap();
        }
    }
    let next = home.start_with(WALK, &["--another"]);
    let begun = Instant::now();
    let status = next.status();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(find(&status["steps"], "copy")["expected_ms"].is_u64(), "{status:#}");
}

#[test]
fn the_screen_says_what_is_left_once_it_has_looked() {
    let home = Home::new();
    walked(&home);
    std::fs::remove_file(home.path("go")).unwrap();
    let next = home.start_with(WALK, &["--another"]);
    let mut screen = Screen::open(&home, &["attach", &next.id], (30, 140));
    screen.wait_for("left");
    screen.wait_for("1 of 3 · Take the copy");
    screen.press("\r");
    screen.wait("a clock with what is expected", |text| {
        text.contains("▶ 1 Take the copy") && text.contains(" of about 0:0")
    });
    home.write("go", "");
    next.wait_for_where("step_settled", |record| record["step"] == "copy");
    screen.wait_for("2 of 3 · Mail them");
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
    screen.is_restored();
}

const LATE: &str = "
onbelay: 1
title: Late
steps:
  - { id: slow, title: Slow one, run: 'until test -e go; do sleep 0.05; done', expect_within: 1s }
  - { id: next, title: The next one }
";

/// How often the bell rang: a byte that is no end of a terminal's own sequence.
fn bells(raw: &[u8]) -> usize {
    let mut count = 0;
    let mut in_sequence = false;
    for (at, byte) in raw.iter().enumerate() {
        match byte {
            b']' if at > 0 && raw[at - 1] == 0x1b => in_sequence = true,
            0x07 if in_sequence => in_sequence = false,
            b'\\' if at > 0 && raw[at - 1] == 0x1b => in_sequence = false,
            0x07 => count += 1,
            _ => {}
        }
    }
    count
}

#[test]
fn the_bell_rings_once_for_what_is_late_and_never_where_it_is_off() {
    for (value, rings) in [("on", 1), ("off", 0)] {
        let home = Home::new().with("ONBELAY_BELL", value);
        let session = home.start(LATE);
        let mut screen = Screen::open(&home, &["attach", &session.id], (24, 80));
        let mut follows = Screen::open(&home, &["attach", &session.id, "--watch"], (24, 80));
        for screen in [&mut screen, &mut follows] {
            screen.wait_for("1 of 2");
        }
        screen.press("\r");
        for screen in [&mut screen, &mut follows] {
            screen.wait_for(" late ");
            // A second later it is as late as ever, and said no louder.
            screen.wait_for("late 2 s");
        }
        session.kill_host();
        session.act(&["note", "back again"]).expect(0);
        for screen in [&mut screen, &mut follows] {
            screen.wait_for("back again");
        }
        // What its end is worth a bell for depends on how long ago a key was pressed: that is another test.
        for screen in [&screen, &follows] {
            assert_eq!(bells(&screen.raw), rings, "ONBELAY_BELL={value}");
        }
        home.write("go", "");
        session.wait_for("step_settled");
        for screen in [&mut screen, &mut follows] {
            screen.press("q");
            assert_eq!(screen.wait_end(), 0);
        }
    }
}

#[test]
fn in_lines_what_is_late_is_said_once_with_the_bell_on_a_terminal_alone() {
    let home = Home::new();
    let session = home.start(&LATE.replace("1s", "2s"));
    let mut screen = Screen::open(&home, &["attach", &session.id, "--plain"], (24, 80));
    screen.wait_for("Enter does nothing");
    screen.press("run\r");
    screen.wait_for("LATE: 1 Slow one");
    home.write("go", "");
    session.wait_for("step_settled");
    screen.wait_for("is done");
    screen.press("quit\r");
    assert_eq!(screen.wait_end(), 0);
    assert_eq!(bells(&screen.raw), 1);
    let home = Home::new();
    let session = home.start(LATE);
    let mut lines = home.command(&["attach", &session.id, "--plain"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = lines.stdin.take().unwrap();
    stdin.write_all(b"run slow\nquit\n").unwrap();
    let mut late = 0;
    for line in BufReader::new(lines.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        assert!(!line.contains('\u{7}'), "{line:?}");
        if line.contains("LATE: ") {
            late += 1;
            home.write("go", "");
        }
    }
    assert!(lines.wait().unwrap().success());
    assert_eq!(late, 1);
}
