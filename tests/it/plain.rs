//! The walk in lines, by a pipe and at a terminal.

use std::io::{BufRead as _, BufReader, Read as _};

use crate::support::{Home, Screen, alive, until};

const WALK: &str = "onbelay: 1
title: Walk
steps:
  - { id: one, title: One, run: 'echo first >>effects; echo seen' }
  - { id: two, title: Two, capture: { change: 'C[0-9]+' } }
  - { id: three, title: Three, destructive: 'All of it.', confirm: shop, run: 'echo $change >>effects' }
";

const LONG: &str = "onbelay: 1
title: Long
steps:
  - { id: long, title: Long, run: 'echo $$ >pid; echo begun; exec sleep 600' }
";

fn runbook<'a>(home: &Home, yaml: &str, path: &'a mut String) -> &'a str {
    home.write("runbook.yaml", yaml).to_str().unwrap().clone_into(path);
    path
}

#[test]
fn a_pipe_walks_from_first_step_to_last() {
    let home = Home::new();
    let mut path = String::new();
    let file = runbook(&home, WALK, &mut path);
    let lines = "run\ndone C12\nrun three\nshop\nfinish\n";
    let ran = home.call_with(&["run", file, "--plain"], lines.as_bytes()).expect(0).clean();
    let ran =
        ran.says("| seen").says("What is lost: All of it.").says("Type  shop  to go on; Enter: not now: ");
    ran.says("The walk is finished.");
    assert_eq!(home.read("effects"), "first\nC12\n");
    home.only_session().verifies();
}

#[test]
fn what_was_refused_or_failed_shows_in_the_exit_status() {
    let home = Home::new();
    let mut path = String::new();
    let file = runbook(&home, WALK, &mut path);
    let status = |lines: &str| home.call_with(&["run", file, "--plain", "--another"], lines.as_bytes()).code;
    assert_eq!(status("quit\n"), Some(0));
    assert_eq!(status("run three\nquit\n"), Some(1), "refused");
    assert_eq!(status("note ''\n\nquit\n"), Some(1), "asked, and not answered");
    assert_eq!(status("run\n"), Some(1), "input ended before the walk did");
    assert_eq!(status("run\ndone nonsense\nquit\n"), Some(4), "carried out, and not well");
    assert_eq!(home.read("effects"), "first\nfirst\n");
}

#[test]
fn ctrl_c_leaves_and_what_runs_goes_on() {
    let home = Home::new();
    let mut path = String::new();
    let file = runbook(&home, LONG, &mut path);
    let mut screen = Screen::open(&home, &["run", file, "--plain"], (30, 100));
    screen.wait_for("ready] run starts it");
    screen.press("run\r");
    screen.wait_for("| begun");
    screen.press("\x03");
    assert_eq!(screen.wait_end(), 130);
    let pid = until("the command's process", || home.read("pid").trim().parse::<i32>().ok());
    assert!(alive(crate::support::Pid::from_raw(pid).unwrap()));
    let session = home.only_session();
    assert_eq!(session.step("long"), "running");
    // Somebody comes back, in lines, and ends it.
    let mut screen = Screen::open(&home, &["attach", "--plain"], (30, 100));
    screen.wait_for("stop ends it");
    screen.press("stop\r");
    screen.wait_for("1 Long failed: it was stopped");
    screen.press("quit\r");
    screen.wait_end();
}

#[test]
fn a_flood_is_bounded_and_its_newest_shown() {
    let home = Home::new();
    let mut path = String::new();
    let yaml = "onbelay: 1\ntitle: Flood\nsteps:\n  - { id: flood, title: Flood, run: seq 1 4000000 }\n";
    let file = runbook(&home, yaml, &mut path);
    let ran = home.call_with(&["run", file, "--plain"], b"run\nfinish\n").expect(0);
    let ran = ran.says("of output left out here; all of it is kept]").says("| 4000000\n");
    assert!(ran.stdout.len() < 16 << 20, "{} bytes", ran.stdout.len());
}

#[test]
fn a_host_that_dies_is_brought_back_under_the_walk() {
    let home = Home::new();
    let mut path = String::new();
    let file = runbook(&home, LONG, &mut path);
    let mut screen = Screen::open(&home, &["run", file, "--plain"], (30, 100));
    screen.wait_for("ready] run starts it");
    screen.press("run\r");
    screen.wait_for("| begun");
    let session = home.only_session();
    session.kill_host();
    screen.wait_for("connected again)");
    assert_eq!(session.records("host_started").len(), 2);
    screen.press("stop\r");
    screen.wait_for("it was stopped");
    screen.press("quit\r");
    screen.wait_end();
}

const WITNESSED: &str = "onbelay: 1
title: Witnessed
steps:
  - { id: gone, title: Delete it, destructive: 'All of it.', witness: { proof: here }, confirm: shop, run: echo gone >>effects }
";

#[test]
fn a_second_person_reads_all_of_it_and_types_their_name_and_a_word() {
    let home = Home::new();
    let mut path = String::new();
    let file = runbook(&home, WITNESSED, &mut path);
    let lines = "run\napprove\n\napprove\nkim\nyes\napprove\nkim\napprove\nrun\nshop\nfinish\n";
    let ran = home.call_with(&["run", file, "--plain"], lines.as_bytes()).expect(0).clean();
    let ran =
        ran.says("A second person joins with:  onbelay attach --witness ").says("  | echo gone >>effects");
    let ran = ran.says("Second person, type your name (Enter: no): ").says("no; nothing was approved");
    ran.says("approved: 1 Delete it, by kim (at the operator's terminal, unproven)");
    assert_eq!(home.read("effects"), "gone\n");
    let session = home.only_session();
    assert_eq!(session.records("approved").len(), 1, "neither an empty name nor another word is a yes");
    session.verifies();
}

#[test]
fn what_was_not_read_to_its_end_is_not_approved() {
    let home = Home::new();
    let mut path = String::new();
    let file = runbook(&home, WITNESSED, &mut path);
    let mut screen = Screen::open(&home, &["run", file, "--plain"], (14, 100));
    screen.wait_for("waiting]");
    screen.press("approve\r");
    screen.wait_for("type  more  to read on; Enter: stop reading: ");
    screen.press("\r");
    screen.wait_for("nothing was approved");
    screen.press("approve\r");
    screen.wait("the first page again", |text| text.trim_end().ends_with("reading:"));
    let mut seen = 1;
    while !screen.text().contains("type your name") {
        let before = screen.text().trim_end().to_owned();
        screen.press("more\r");
        screen.wait("the next page", |text| {
            let said = text.trim_end();
            said != before && (said.ends_with("reading:") || said.ends_with("(Enter: no):"))
        });
        seen += 1;
        assert!(seen < 20, "{}", screen.text());
    }
    assert!(seen > 2, "it was shown in {seen} pages");
    screen.press("kim\r");
    screen.wait_for("Type  approve  to approve");
    screen.press("approve\r");
    screen.wait_for("approved: 1 Delete it, by kim");
    screen.press("quit\r");
    screen.wait_end();
    assert_eq!(home.only_session().records("approved").len(), 1);
}

#[test]
fn a_watcher_hears_what_happens_and_needs_no_input() {
    let home = Home::new();
    let session = home.start("onbelay: 1\ntitle: T\nsteps:\n  - { id: a, title: A, run: 'true' }\n");
    let mut watcher = home.command(&["attach", &session.id, "--watch", "--plain"]).spawn().unwrap();
    let mut said = String::new();
    let mut told = BufReader::new(watcher.stdout.take().unwrap());
    while !said.contains("joins with:") {
        assert!(told.read_line(&mut said).unwrap() > 0, "it ended: {said}");
    }
    session.act(&["note", "look here"]).expect(0);
    while !said.contains("look here") {
        assert!(told.read_line(&mut said).unwrap() > 0, "it ended: {said}");
    }
    session.act(&["skip", "a", "--say", "no"]).expect(0);
    session.act(&["finish"]).expect(0);
    told.read_to_string(&mut said).unwrap();
    assert_eq!(watcher.wait().unwrap().code(), Some(0));
    assert!(said.contains("Only looking: ") && said.contains("The walk is finished."), "{said}");
}

#[test]
fn a_long_output_is_read_while_holds_are_heard_and_ctrl_c_ends_the_reading_first() {
    let home = Home::new();
    let huge = "onbelay: 1
title: Huge
steps:
  - { id: huge, title: Huge, run: 'echo first; truncate -s 200G /proc/$$/fd/1' }
  - { id: after, title: After }
";
    let mut path = String::new();
    let file = runbook(&home, huge, &mut path);
    let mut screen = Screen::open(&home, &["run", file, "--plain"], (40, 100));
    screen.wait_for("ready] run starts it");
    screen.press("run\r");
    screen.wait_for("[step 2 of 2");
    let session = home.only_session().id.clone();
    screen.press("find 1 nowhere\r");
    screen.wait_for("[an output is read] stop looking");
    home.call(&["do", &session, "hold", "west still serves"]).expect(0);
    screen.wait_for("west still serves");
    screen.press("\x03");
    screen.wait_for("stopped looking");
    screen.press("save 1 copy\r");
    screen.wait_for("[an output is read] stop looking");
    screen.press("stop saving\r");
    screen.wait_for("it was stopped; nothing was saved");
    assert!(!home.path("copy").exists() && !home.path("copy.part").exists());
    screen.press("quit\r");
    assert_eq!(screen.wait_end(), 0);
}
