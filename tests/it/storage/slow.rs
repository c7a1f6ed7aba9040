//! A disk that takes its time (J17).

use std::io::{BufRead as _, BufReader};

use super::{Strace, WIPE};
use crate::support::{Home, Screen, have, until};

#[test]
fn j17_while_a_write_hangs_everyone_is_told_the_screen_lives_and_nothing_starts() {
    if !have("j17", "strace") {
        return;
    }
    let home = Home::new();
    let session = home.start(WIPE);
    let mut screen = Screen::open(&home, &["attach", &session.id], (30, 100));
    screen.wait_for("log safe");
    let mut watcher = Screen::open(&home, &["attach", &session.id, "--watch"], (30, 100));
    watcher.wait_for("log safe");
    let mut lines = Screen::open(&home, &["attach", &session.id, "--watch", "--plain"], (30, 100));
    lines.wait_for("Only looking");
    // Ten minutes, at the next sync alone: longer than anybody here waits.
    let words = ["-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=600000000:when=1"];
    let Some(strace) = Strace::attach("j17", session.host(), &words, &home.path("trace")) else { return };
    let run = ["do", session.id.as_str(), "run", "wipe", "--confirm", "wipe"];
    let mut asked = home.command(&run).spawn().unwrap();
    // Told while it hangs, not afterwards: to whoever asked, who has no screen, on every screen, and in lines.
    let mut told = BufReader::new(asked.stderr.take().unwrap()).lines();
    assert!(told.next().unwrap().unwrap().starts_with("log slow: "));
    screen.wait_for("log slow");
    watcher.wait_for("log slow");
    lines.wait_for("log slow");
    screen.press("?");
    screen.wait("the keys", |text| text.contains("Keys"));
    assert!(asked.try_wait().unwrap().is_none(), "it is not acknowledged");
    assert_eq!(home.read("effects"), "");
    assert!(session.records("step_started").is_empty());
    // The disk is back: what was asked goes its way, in order, and the warning goes.
    let _ = strace.end();
    assert!(asked.wait().unwrap().success());
    assert_eq!(home.read("effects"), "gone\n");
    let numbers: Vec<u64> = session.journal().iter().map(|record| record["n"].as_u64().unwrap()).collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "{numbers:?}");
    screen.press("\x1b");
    screen.wait_for("log safe");
    watcher.wait_for("log safe");
    until("done", || (session.step("wipe") == "done").then_some(()));
    session.verifies();
}
