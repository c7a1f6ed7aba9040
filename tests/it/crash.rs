//! Ends each process of a session, and all of them, at each named point of a step's life, and looks at what the next
//! host makes of it: the table under "Journal" in the design, row by row (J7, R1, R2, F-D8), and what
//! else must hold when something dies.

mod cells;
mod full_disk;
mod order;
mod places;
mod power;
mod rounds;
mod signals;
mod table;

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::{Home, alive, has_ended, holders_of, until};

use cells::Work;
use table::{By, TABLE, VICTIMS, Victim};

/// A hold point whose every run leaves a line behind.
const WIPE: &str = r"
onbelay: 1
title: One thing that may happen once
steps:
  - id: wipe
    title: Wipe it
    destructive: true
    run: echo gone >>effects
  - id: after
    title: Say so
";

/// Runs every cell of a point.
fn cells(point: &str) {
    for row in table::rows(point) {
        for victim in VICTIMS {
            cells::run(row, Work::Run, victim);
        }
        cells::run(row, Work::Undo, Victim::Everything);
    }
}

macro_rules! points {
    ($($name:ident: $point:literal;)+) => {
        $(
            #[test]
            fn $name() {
                cells($point);
            }
        )+
        /// Every point that a test brings a step to.
        const TESTED: &[&str] = &[$($point),+];
    };
}

points! {
    j7_r2_before_the_intent_is_written: "intent-unwritten";
    j7_r2_the_intent_is_written_and_not_synced: "intent-unsynced";
    j7_r2_r3_the_intent_is_durable_and_nothing_is_started: "intent-written";
    j7_r2_the_runner_went_its_way_alone: "runner-spawned";
    j7_r2_r3_the_runner_is_up_without_its_claim: "runner-up";
    j7_r2_the_start_is_claimed_and_there_is_no_command: "start-recorded";
    r1_j7_r2_the_command_has_started: "command-started";
    r1_j7_r2_the_command_has_printed: "first-output";
    r1_j7_r2_the_command_has_ended_and_its_outcome_is_unwritten: "command-ended";
    j7_r2_the_outcome_file_is_not_synced: "outcome-file-unsynced";
    j7_r2_the_outcome_file_has_no_name: "outcome-file-unnamed";
    j7_r2_the_name_of_the_outcome_file_is_not_synced: "outcome-name-unsynced";
    j7_r2_the_outcome_file_is_durable_and_not_recorded: "outcome-left";
    j7_r2_the_outcome_is_seen_and_not_recorded: "outcome-seen";
    j7_r2_the_record_of_the_outcome_is_not_synced: "outcome-unsynced";
    j7_r2_the_outcome_is_recorded: "outcome-recorded";
    j7_r2_the_step_is_settled: "step-settled";
    j7_r2_f_d8_the_next_host_has_not_looked: "host-announced";
    j7_r2_f_d8_the_next_host_has_looked_and_recorded_nothing: "starts-looked-at";
}

/// Points that are not on a step's way from its intent to its end, and where they are tried.
const ELSEWHERE: [(&str, &str); 7] = [
    ("probe-read", "before any intent: `r6_a_host_that_dies_while_a_check_is_asked_has_started_nothing`"),
    ("screen-taken", "a screen's: it holds nothing that is not with the host. `f_s6_u3_`, `u4_`, `f_s1_`"),
    ("message-taken", "the same"),
    ("picture-begun", "the same"),
    ("picture-out", "the same"),
    ("key-heard", "the same"),
    ("terminal-given-back", "the same"),
];

/// Every point that the program's source passes.
fn points_in_source() -> BTreeSet<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut named = BTreeSet::new();
    let (mut dirs, mut files) = (vec![source], Vec::new());
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path()) {
            if entry.is_dir() { dirs.push(entry) } else { files.push(entry) }
        }
    }
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        for (at, mark) in text.match_indices("failpoint::pass(\"") {
            let name = &text[at + mark.len()..];
            named.insert(name[..name.find('"').unwrap()].to_owned());
        }
        // What is handed to the journal's writer passes a point in there, named after it.
        if text.contains("failpoint::during(") {
            for (at, mark) in text.match_indices("Some(\"") {
                let name = &text[at + mark.len()..];
                named.insert(format!("{}-unsynced", &name[..name.find('"').unwrap()]));
            }
        }
    }
    named
}

#[test]
fn j7_every_point_that_the_program_passes_is_in_the_table_and_every_cell_is_run() {
    let in_table: BTreeSet<_> = TABLE.iter().map(|row| row.point.to_owned()).collect();
    let tested: BTreeSet<_> = TESTED.iter().map(|point| (*point).to_owned()).collect();
    assert_eq!(in_table, tested);
    // The command stands there, not the program.
    let commands_own = BTreeSet::from(["first-output".to_owned()]);
    let elsewhere: BTreeSet<_> = ELSEWHERE.iter().map(|(point, _)| (*point).to_owned()).collect();
    assert_eq!(points_in_source(), &(&in_table - &commands_own) | &elsewhere);
    let mut cells = 0;
    for row in &TABLE {
        for victim in VICTIMS {
            let there = victim != Victim::Runner || matches!(row.by, By::Runner | By::Command);
            assert_eq!(row.after(victim).is_some(), there, "{}, {victim:?}", row.point);
            cells += usize::from(there);
        }
        cells += 1;
    }
    println!("crash table: {} points, {} rows, {cells} cells", in_table.len(), TABLE.len());
}

#[test]
fn j7_the_page_shows_the_table_as_it_is_run() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reliability.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- crash table: made by a test -->\n", "<!-- end -->");
    let (before, rest) = page.split_once(begin).expect("the place of the table");
    let (shown, after) = rest.split_once(end).unwrap();
    let made = table::in_words();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{begin}{made}{end}{after}")).unwrap();
    } else {
        assert_eq!(shown, made, "written anew with UPDATE_DOCS=1");
    }
}

#[test]
fn r1_a_command_that_runs_outlives_its_host_and_keeps_its_output_and_its_exit_status() {
    let home = Home::new();
    let gate = home.path("gate");
    rustix::fs::mknodat(rustix::fs::CWD, &gate, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let session = home.start(
        "onbelay: 1\ntitle: Long\nsteps:\n  - id: long\n    title: Long\n    destructive: true\n    \
         run: echo before; read -r word <gate; echo \"after $word\"; exit 7\n",
    );
    session.act(&["run", "long", "--confirm", "long", "--no-wait"]).expect(0);
    until("its first line", || session.output(1).starts_with(b"before").then_some(()));
    let runner = session.runner(1);
    session.kill_host();
    assert!(alive(runner), "the runner goes on");
    assert_eq!(session.status()["state"], "lost");
    std::fs::write(&gate, "all\n").unwrap();
    has_ended(runner);
    session.act(&["note", "back"]).expect(0);
    until("failed", || (session.step("long") == "failed").then_some(()));
    assert_eq!(session.output(1), b"before\nafter all\n");
    let ended = session.records("work_ended");
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0]["ended"]["outcome"], serde_json::json!({"kind": "exited", "code": 7}));
    session.verifies();
}

#[test]
fn r6_automatic_answers_are_stale_after_the_host_is_killed_and_words_are_not() {
    let home = Home::new();
    let session = home.start(
        "onbelay: 1\ntitle: Answers\nchecks:\n  auto: { title: A, run: 'true', valid_for: 1h }\n  word: { title: W, attest: Well? }\n\
         steps:\n  - id: s\n    title: S\n    requires: [auto, word]\n    run: 'true'\n",
    );
    session.act(&["check", "auto"]).expect(0);
    session.act(&["attest", "word", "--say", "well"]).expect(0);
    assert_eq!((session.check("auto").as_str(), session.check("word").as_str()), ("holds", "holds"));
    session.kill_host();
    session.act(&["note", "back"]).expect(0);
    assert_eq!((session.check("auto").as_str(), session.check("word").as_str()), ("stale", "holds"));
}

#[test]
fn r10_two_who_come_back_at_once_get_one_host() {
    let home = Home::new();
    let session = home.start(WIPE);
    session.kill_host();
    let both: Vec<_> = (0..4)
        .map(|i| home.command(&["do", &session.id, "note", &format!("from {i}")]).spawn().unwrap())
        .collect();
    for one in both {
        let ran = crate::support::Ran::of(&one.wait_with_output().unwrap());
        ran.expect(0);
    }
    assert_eq!(session.records("noted").len(), 4);
    assert_eq!(session.records("host_started").len(), 2, "one more host, not four");
    session.verifies();
}

#[test]
fn j13_no_descriptor_of_the_journal_reaches_a_command() {
    let home = Home::new();
    let session = home.start(
        "onbelay: 1\ntitle: Descriptors\nsteps:\n  - id: look\n    title: Look\n    run: ls -l /proc/self/fd | grep -v '/proc/' | awk '{print $9}' | sort -n | paste -sd' '\n",
    );
    session.act(&["run", "look"]).expect(0);
    let seen = String::from_utf8(session.output(1)).unwrap();
    assert_eq!(seen.trim(), "0 1 2", "P10");
    let holders = holders_of(&session.dir().join("journal.jsonl"));
    assert_eq!(holders, [session.host()], "only the host has the journal open");
}

#[test]
fn f_d2_a_journal_cut_at_every_byte_of_its_end_opens_at_its_last_whole_record() {
    let home = Home::new();
    let session = home.start(WIPE);
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
    session.kill_host();
    let journal = session.dir().join("journal.jsonl");
    let whole = std::fs::read(&journal).unwrap();
    let lines: Vec<&[u8]> = whole.split_inclusive(|b| *b == b'\n').collect();
    let last = lines.last().unwrap().len();
    // Every byte of the last record would be a host each; its edges, its middle and a few between stand for them.
    // The journal's own tests cut at every byte.
    for cut in [1, 2, last / 3, last / 2, last - 1] {
        std::fs::write(&journal, &whole[..whole.len() - cut]).unwrap();
        session.call("status", &["--json"]).expect(0);
        session.act(&["note", &format!("cut {cut}")]).expect(0);
        session.verifies();
        let repaired = session.records("journal_repaired");
        assert_eq!(repaired.len(), 1, "cut {cut}");
        assert_eq!(repaired[0]["bytes"], last - cut);
        let kept = session.dir().join(repaired[0]["kept_in"].as_str().unwrap());
        assert_eq!(std::fs::read(kept).unwrap(), &lines.last().unwrap()[..last - cut]);
        session.kill_host();
    }
}
