//! Two screens on one session: the watcher's goes where the operator's goes, and one that stands still stops nobody.

use rustix::process::{Signal, kill_process};

use crate::support::{Home, Pid, Screen, Session, until};

const WALK: &str = r"
onbelay: 1
title: Move the shop
steps:
  - { id: first, title: Take the copy, about: What is copied., run: 'seq 1 3000' }
  - { id: by-hand, title: Point DNS, about: At the registrar. }
  - { id: wipe, title: Delete the old machine, about: Only then., destructive: All of it., run: 'true' }
";

/// The operator's screen, its session, and the name that the operator goes by.
fn operator(home: &Home) -> (Screen, Session<'_>, String) {
    let file = home.write("runbook.yaml", WALK);
    let mut screen = Screen::open(home, &["run", file.to_str().unwrap()], (40, 120));
    screen.wait_for("What is copied.");
    let session = home.only_session();
    let name = session.journal()[0]["by"]["name"].as_str().unwrap().to_owned();
    (screen, session, name)
}

fn watcher(home: &Home, session: &Session<'_>, name: &str) -> Screen {
    let mut screen = Screen::open(home, &["attach", &session.id, "--watch"], (24, 80));
    screen.wait_for(&format!("following {name}"));
    screen
}

#[test]
fn a_watchers_screen_goes_where_the_operators_goes_breaks_away_and_returns() {
    let home = Home::new();
    let (mut operator, session, name) = operator(&home);
    operator.press("G");
    operator.wait_for("Only then.");
    // Where the operator is already, with the first picture.
    let mut watcher = watcher(&home, &session, &name);
    watcher.wait_for("Only then.");
    operator.press("k");
    watcher.wait_for("At the registrar.");
    operator.press("l");
    watcher.wait("the log", |text| text.contains("Esc steps") && !text.contains("At the registrar."));
    operator.press("l");
    watcher.wait_for("At the registrar.");
    // An output: its end, then its first byte, in a window of another size.
    operator.press("g");
    watcher.wait_for("What is copied.");
    operator.press("\r");
    session.wait_for_where("step_settled", |record| record["step"] == "first");
    operator.wait_for("At the registrar.");
    operator.press("go");
    watcher.wait("the end of the output", |text| has(text, "2999") && has(text, "3000"));
    operator.press("g");
    watcher.wait("its start", |text| has(text, "2") && text.contains("0 %"));
    operator.press("\x1b[6~");
    watcher.wait("a page further", |text| {
        !has(text, "2") && text.contains(" from ") && !text.contains("from 0 B")
    });
    // A way of its own.
    watcher.press("G");
    watcher.wait_for(&format!("on your own · v follows {name}"));
    watcher.wait_for("3000");
    operator.press("oG");
    operator.wait_for("Only then.");
    assert!(watcher.text().contains("3000"), "{}", watcher.text());
    watcher.press("v");
    watcher.wait_for("Only then.");
    watcher.wait_for(&format!("following {name}"));
    // Pages through the log by itself, whatever the operator does.
    watcher.press("l");
    watcher.wait_for("on your own");
    watcher.wait_for("Esc steps");
    watcher.press("v");
    watcher.wait_for("Only then.");
    // A note is noticed on both, until a key.
    session.act(&["note", "west still has one running"]).expect(0);
    for screen in [&mut operator, &mut watcher] {
        screen.wait_for(&format!("{name}: west still has one running"));
    }
    operator.press("k");
    operator.wait("the notice is gone", |text| !text.contains(&format!("{name}: west")));
    watcher.press("?");
    watcher.wait_for("Keys");
    watcher.press_until("\x1b", |text| !text.contains("Keys"));
    operator.press("q");
    assert_eq!(operator.wait_end(), 0);
    watcher.wait_for(&format!("{name} has no screen open"));
}

#[test]
fn the_operators_question_is_told_to_the_watcher_and_stays_the_operators() {
    let home = Home::new();
    let (mut operator, session, name) = operator(&home);
    let mut watcher = watcher(&home, &session, &name);
    operator.press("G");
    watcher.wait_for("Only then.");
    operator.press("n");
    watcher.wait_for(&format!("{name} is at a note"));
    operator.wait_for("A note");
    // The same box, with what is typed, and nothing of it to be answered there.
    watcher.wait_for(&format!("{name} sees: A note"));
    operator.fill_in("west still");
    watcher.wait_for("›  west still");
    watcher.wait_for(&format!("{name} types here; Esc looks away"));
    operator.press_until("\x1b", |text| !text.contains("A note"));
    watcher.wait_for(&format!("following {name}"));
    watcher.wait("the box is gone", |text| !text.contains("A note"));
    // The question before a start: Enter on the wrong screen starts nothing.
    session.act(&["run", "first"]).expect(0);
    session.act(&["done", "by-hand"]).expect(0);
    operator.press("\r");
    watcher.wait_for(&format!("{name} sees: 3 Delete the old machine"));
    session.wait_for("question_put");
    let confirm = "wipe";
    operator.fill_in(confirm);
    watcher.wait_for("›  wipe");
    watcher.press("\r");
    assert!(session.records("step_started").iter().all(|record| record["step"] != "wipe"));
    operator.press("\r");
    session.wait_for_where("step_settled", |record| record["step"] == "wipe");
    watcher.wait("the question is gone", |text| !text.contains(" sees: "));
}

/// Is there a row that says just this?
fn has(text: &str, row: &str) -> bool {
    text.lines().any(|line| line.trim() == row)
}

/// How many sockets a process holds.
fn sockets(pid: Pid) -> usize {
    let Ok(open) = std::fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero())) else { return 0 };
    open.flatten()
        .filter_map(|fd| std::fs::read_link(fd.path()).ok())
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .count()
}

#[test]
fn s1_a_watcher_that_stands_still_delays_nobody_and_is_up_to_date_when_it_goes_on() {
    let home = Home::new();
    let flood = WALK.replace(
        "'seq 1 3000'",
        "'yes a line of output | head -c 100M || true; echo the end; read -r _ <go; echo over'",
    );
    rustix::fs::mkfifoat(rustix::fs::CWD, home.path("go"), rustix::fs::Mode::RWXU).unwrap();
    let file = home.write("runbook.yaml", &flood);
    let mut operator = Screen::open(&home, &["run", file.to_str().unwrap()], (40, 120));
    operator.wait_for("What is copied.");
    let session = home.only_session();
    let name = session.journal()[0]["by"]["name"].as_str().unwrap().to_owned();
    let mut stalled = watcher(&home, &session, &name);
    let mut other = watcher(&home, &session, &name);
    let attached = sockets(session.host());
    kill_process(stalled.pid(), Signal::STOP).unwrap();

    operator.press("\r");
    session.wait_for_where("step_started", |record| record["step"] == "first");
    operator.wait_for("output · following");
    operator.press("o");
    other.wait_for("the end");
    // Two more come while it stands still.
    let mut late = [watcher(&home, &session, &name), watcher(&home, &session, &name)];
    let attached = attached + late.len();
    for screen in &mut late {
        screen.wait_for("the end");
    }
    let mut rounds = 0;
    // More than the kernel holds for it; then nothing is taken for as long as the host is patient.
    let text = "x".repeat(30 << 10);
    until("the one that stands still is let go", || {
        if rounds < 30 {
            session.act(&["note", &text]).expect(0);
        }
        rounds += 1;
        // The others go on meanwhile.
        operator.press("g");
        other.wait("the first byte", |text| text.contains("0 %"));
        operator.press("G");
        other.wait("the end again", |text| text.contains("the end"));
        (sockets(session.host()) < attached).then_some(())
    });
    for screen in &mut late {
        screen.wait_for("the end");
    }
    std::fs::write(home.path("go"), "\n").unwrap();
    session.wait_for_where("step_settled", |record| record["step"] == "first");
    operator.wait_for("over");
    other.wait_for("over");
    for screen in &mut late {
        screen.wait_for("over");
    }
    operator.press("oG");
    operator.wait_for("Only then.");
    other.wait_for("Only then.");

    kill_process(stalled.pid(), Signal::CONT).unwrap();
    stalled.wait_for("Only then.");
    stalled.wait_for(&format!("following {name}"));
    operator.press("k");
    stalled.wait_for("At the registrar.");
}
