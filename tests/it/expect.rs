//! The walk in lines, by `expect` and on a terminal that can do nothing else.

use std::process::Command;

use crate::support::{Home, Screen, have};

const WALK: &str = "onbelay: 1
title: Move the shop
checks:
  backup: { title: The backup is whole, run: 'test -e backup || { echo 3 files are missing; exit 1; }', fix: Take it again. }
  second: { title: A second copy exists, attest: 'Where is it, and who opened it?' }
steps:
  - { id: copy, title: Take the copy, run: 'seq 1 30' }
  - { id: dns, title: Point DNS, capture: { change: 'C[0-9]+' } }
  - { id: wipe, title: Delete the old machine, destructive: All of it., requires: [backup, second], confirm: shop-vm, run: 'echo $change >>effects' }
";

/// Every line that is waited for is one that the program says; nothing else is known of it.
const SCRIPT: &str = r#"
set timeout 60
proc wait {text} {
    expect {
        -ex $text {}
        timeout { puts "\nNEVER CAME: $text"; exit 9 }
        eof { puts "\nENDED BEFORE: $text"; exit 8 }
    }
}
spawn $env(BINARY) run runbook.yaml --plain
wait "ready] run starts it; Enter does nothing > "
send "\r"
wait "nothing was done"
wait "Enter does nothing > "
send "run\r"
wait "| 30"
wait "step 2 of 3"
wait "Enter does nothing > "
send "output 1 from 28\r"
wait "28 | 28"
wait "29 | 29"
wait "30 | 30"
wait "that is its end"
wait "Enter does nothing > "
send "done\r"
wait "The value of change"
wait "(Enter: not done yet): "
send "C12\r"
wait "step 3 of 3"
wait "Enter does nothing > "
send "run\r"
wait "refused"
wait "3 files are missing"
wait "Take it again."
wait "Enter does nothing > "
exec touch backup
send "attest second\r"
wait "Where is it, and who opened it?"
wait "(Enter: no answer): "
send "NAS in Phoenix, Kim\r"
wait "Enter does nothing > "
send "run\r"
wait "What is lost: All of it."
wait "Type  shop-vm  to go on; Enter: not now: "
send "\r"
wait "nothing was run"
wait "Enter does nothing > "
send "run\r"
wait "Type  shop-vm  to go on; Enter: not now: "
send "shop-vm\r"
wait "all steps are behind you"
wait "Enter does nothing > "
send "finish\r"
wait "The walk is finished."
expect eof
lassign [wait] pid spawn_id os status
exit $status
"#;

#[test]
fn expect_walks_a_runbook_whole() {
    if !have("expect_walks_a_runbook_whole", "expect") {
        return;
    }
    let home = Home::new();
    home.write("runbook.yaml", WALK);
    // `wait` is Tcl's own word for the end of a child.
    let script = SCRIPT.replace("proc wait", "proc awaits").replace("\nwait ", "\nawaits ");
    home.write("walk.exp", &script);
    let mut command = Command::new("expect");
    command.arg("walk.exp").current_dir(home.path("")).env_clear().env("TERM", "vt100");
    command.envs(home.variables()).env("BINARY", env!("CARGO_BIN_EXE_onbelay"));
    let ran = command.output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{:?}\n{said}\n{}", ran.status, String::from_utf8_lossy(&ran.stderr));
    assert_eq!(home.read("effects"), "C12\n");
    home.only_session().verifies();
}

#[test]
fn u5_a_dumb_terminal_gets_lines_and_nothing_that_moves_a_cursor() {
    let home = Home::new().with("TERM", "dumb");
    home.write("runbook.yaml", WALK);
    let mut screen = Screen::open(&home, &["run", "runbook.yaml"], (24, 80));
    screen.wait_for("ready] run starts it");
    screen.press("run\r");
    screen.wait_for("[step 2 of 3");
    screen.press("status\r");
    screen.wait_for("Point DNS");
    screen.press("quit\r");
    assert_eq!(screen.wait_end(), 0);
    let raw = String::from_utf8_lossy(&screen.raw);
    assert!(!raw.contains('\x1b'), "an escape sequence is sent: {raw:?}");
    assert!(
        !raw.replace("\r\n", "\n").replace("\r\r\n", "\n").contains('\r'),
        "a line is written over: {raw:?}"
    );
}

#[test]
fn the_end_of_input_answers_nothing() {
    let home = Home::new();
    home.write("runbook.yaml", WALK);
    std::fs::write(home.path("backup"), "").unwrap();
    let walked = "run\ndone C12\nattest second NAS in Phoenix\n";
    // A question is put, and the input ends before its line does: with the very text, but for its end.
    for (last, effects) in [("run\nshop-vm", ""), ("run\n", ""), ("run\nshop-vm\n", "C12\n")] {
        let lines = format!("{walked}{last}");
        let ran = home.call_with(&["run", "runbook.yaml", "--plain", "--another"], lines.as_bytes());
        assert_eq!(ran.code, Some(1), "the walk did not end: {}", ran.said());
        assert_eq!(home.read("effects"), effects, "{last:?}");
    }
}
