//! Ends each process of a session, and all of them, at each named point of a step's life, and looks at what the next
//! host makes of it: the table under "Journal" in the design, row by row (J7, R1, F-D8, F-S1).

use std::ops::RangeInclusive;

use rustix::process::{Signal, kill_process};

use crate::support::{Home, Session, alive, has_ended, holders_of, kill, parked, until};

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

/// Whom the test ends while one process stands at the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    /// The `do` that asked.
    Client,
    Host,
    ClientAndHost,
    /// The process between the host and the command.
    Runner,
    /// Every process of the session, the command too.
    Everything,
}

use Victim::{Client, ClientAndHost, Everything, Host, Runner};

/// What is true after somebody came back.
struct After {
    /// The step, once it has come to rest.
    step: &'static str,
    /// How often the command took effect.
    effects: RangeInclusive<usize>,
    /// Records of how its work ended.
    ended: usize,
}

const NOT_STARTED: After = After { step: "ready", effects: 0..=0, ended: 0 };
const LOST_BEFORE: After = After { step: "interrupted", effects: 0..=0, ended: 0 };
const LOST_DURING: After = After { step: "interrupted", effects: 0..=1, ended: 0 };
const LOST_AFTER: After = After { step: "interrupted", effects: 1..=1, ended: 0 };
const DONE: After = After { step: "done", effects: 1..=1, ended: 1 };

/// Is it the runner that passes this point, not the host?
fn is_runners(point: &str) -> bool {
    matches!(point, "runner-up" | "start-recorded" | "command-started" | "command-ended" | "outcome-left")
}

fn crash(point: &str, victim: Victim, after: &After) {
    let place = format!("{point}, {victim:?} killed");
    let mut home = Home::new();
    let park = home.path("parked");
    home.set("ONBELAY_FAILPOINT", format!("{point}=stop:{}", park.display()));
    let session = home.start(WIPE);
    let id = session.id.clone();
    let mut client = home.command(&["do", &id, "run", "wipe", "--confirm", "wipe"]).spawn().unwrap();
    home.unset("ONBELAY_FAILPOINT");
    let session = Session::new(&home, id);
    let stopped = parked(&park);
    let host = session.host();
    let asker = rustix::process::Pid::from_child(&client);

    match victim {
        Client => kill(asker),
        Host => kill(host),
        ClientAndHost => {
            kill(asker);
            kill(host);
        }
        Runner => kill(stopped),
        Everything => home.kill_everything(),
    }
    if matches!(victim, Host | ClientAndHost | Everything) {
        has_ended(host);
    }
    // Who comes back finds the runner still standing where it was, and lets it go on only then.
    let goes_on = alive(stopped) && stopped != host;
    if matches!(victim, Client) {
        kill_process(stopped, Signal::CONT).unwrap();
    }
    if victim != Host && victim != Runner {
        client.wait().unwrap();
    }
    session.act(&["note", "somebody came back"]).expect(0);
    if goes_on && matches!(victim, Host | ClientAndHost) {
        if matches!(point, "start-recorded" | "command-started" | "command-ended") {
            assert_eq!(session.step("wipe"), "running", "{place}: adopted, for its runner lives");
        }
        kill_process(stopped, Signal::CONT).unwrap();
    }
    let _ = client.wait();
    until(&format!("{place}: the step is {}", after.step), || {
        (session.step("wipe") == after.step).then_some(())
    });
    if goes_on {
        has_ended(stopped);
    }
    let effects = home.read("effects").lines().count();
    assert!(after.effects.contains(&effects), "{place}: {effects} effects");
    let ended = session.records("work_ended").len();
    assert_eq!(ended, after.ended, "{place}: an outcome is recorded once");
    session.verifies();
    goes_on_from(&session, after, &place);
}

/// Nothing is run again by itself, and the way on is the one the state promises.
fn goes_on_from(session: &Session<'_>, after: &After, place: &str) {
    let before = session.records("step_started").len();
    match after.step {
        "ready" => {
            session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
            assert_eq!(session.records("step_started").len(), before + 1, "{place}");
        }
        "interrupted" => {
            session.act(&["run", "wipe", "--confirm", "wipe"]).expect(1);
            assert_eq!(session.records("step_started").len(), before, "{place}: not run again");
            session.act(&["resolve", "wipe", "done", "--say", "looked: it is gone"]).expect(0);
        }
        _ => {}
    }
    assert_eq!(session.step("wipe"), "done", "{place}");
    session.act(&["done", "after"]).expect(0);
    session.act(&["finish"]).expect(0);
    session.verifies();
}

macro_rules! crashes {
    ($($name:ident: $point:literal, $($victim:ident => $after:ident),+;)+) => {
        $(
            #[test]
            fn $name() {
                $(crash($point, $victim, &$after);)+
            }
        )+
        /// Every point that is spelled in the program.
        const TESTED: &[&str] = &[$($point),+];
    };
}

crashes! {
    j7_before_the_intent_is_written: "intent-unwritten",
        Client => DONE, Host => NOT_STARTED, ClientAndHost => NOT_STARTED, Everything => NOT_STARTED;
    j7_intent_written_and_nothing_started: "intent-written",
        Client => DONE, Host => NOT_STARTED, ClientAndHost => NOT_STARTED, Everything => NOT_STARTED;
    j7_runner_spawned: "runner-spawned",
        Client => DONE, Host => DONE, ClientAndHost => DONE;
    j7_runner_up_without_its_claim: "runner-up",
        Client => DONE, Host => NOT_STARTED, ClientAndHost => NOT_STARTED, Everything => NOT_STARTED;
    j7_start_recorded_and_no_command: "start-recorded",
        Client => DONE, Host => DONE, ClientAndHost => DONE, Runner => LOST_BEFORE, Everything => LOST_BEFORE;
    r1_j7_command_started: "command-started",
        Client => DONE, Host => DONE, ClientAndHost => DONE, Runner => LOST_DURING, Everything => LOST_DURING;
    r1_j7_command_ended_and_its_outcome_unwritten: "command-ended",
        Client => DONE, Host => DONE, ClientAndHost => DONE, Runner => LOST_AFTER, Everything => LOST_AFTER;
    j7_outcome_left_and_not_recorded: "outcome-left",
        Client => DONE, Host => DONE, ClientAndHost => DONE, Runner => DONE, Everything => DONE;
    j7_outcome_seen_and_not_recorded: "outcome-seen",
        Client => DONE, Host => DONE, ClientAndHost => DONE, Everything => DONE;
    j7_outcome_recorded: "outcome-recorded",
        Client => DONE, Host => DONE, ClientAndHost => DONE, Everything => DONE;
    j7_step_settled: "step-settled",
        Client => DONE, Host => DONE, ClientAndHost => DONE, Everything => DONE;
}

#[test]
fn j7_every_point_that_the_program_names_is_tested() {
    let mut named = Vec::new();
    for file in [
        "src/host/begin.rs",
        "src/host/perform.rs",
        "src/process/runner.rs",
        "src/host/drive.rs",
        "src/host/turn.rs",
    ] {
        let text =
            std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        for (at, mark) in text.match_indices("failpoint::pass(\"") {
            let name = &text[at + mark.len()..];
            named.push(name[..name.find('"').unwrap()].to_owned());
        }
    }
    assert!(!named.is_empty());
    for name in named {
        assert!(TESTED.contains(&name.as_str()), "no test ends a process at {name}");
    }
    assert_eq!(TESTED.iter().filter(|point| is_runners(point)).count(), 5);
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
fn r8_a_persons_step_and_a_hold_are_where_they_were_after_the_host_is_killed() {
    let home = Home::new();
    let session = home.start(
        "onbelay: 1\ntitle: By hand\nsteps:\n  - id: by-hand\n    title: By hand\n    destructive: true\n  - id: next\n    title: Next\n    run: 'true'\n",
    );
    session.act(&["run", "by-hand", "--confirm", "by-hand"]).expect(0);
    assert_eq!(session.step("by-hand"), "running");
    session.act(&["hold", "wait for Kim"]).expect(0);
    session.kill_host();
    session.act(&["note", "back"]).expect(0);
    assert_eq!(session.step("by-hand"), "running");
    assert_eq!(session.status()["state"], "held");
    session.act(&["done", "by-hand"]).expect(0);
    session.act(&["run", "next"]).expect(1).says("wait for Kim");
    session.act(&["release"]).expect(0);
    session.act(&["run", "next"]).expect(0);
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
