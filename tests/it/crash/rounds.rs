//! Many rounds: a walk whose every step is killed somewhere, and commands that outlive whoever started them. CI runs a part
//! of the rounds; `ONBELAY_LONG=1` runs as many as the figures name.

use std::fmt::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Signal, kill_process};
use serde_json::json;

use crate::support::{Home, Pid, Session, alive, has_ended, kill, parked, until};

fn rounds(in_ci: usize, in_full: usize) -> usize {
    if std::env::var_os("ONBELAY_LONG").is_some() { in_full } else { in_ci }
}

fn fifo(home: &Home, name: &str) {
    rustix::fs::mknodat(rustix::fs::CWD, home.path(name), rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .unwrap();
}

/// Points at which a start turns out never to have been, and points after which it counts.
const BEFORE: [&str; 4] = ["intent-unwritten", "intent-unsynced", "intent-written", "runner-up"];
const AFTER: [&str; 11] = [
    "start-recorded",
    "command-started",
    "command-ended",
    "outcome-file-unsynced",
    "outcome-file-unnamed",
    "outcome-name-unsynced",
    "outcome-left",
    "outcome-seen",
    "outcome-unsynced",
    "outcome-recorded",
    "step-settled",
];

#[test]
fn r9_f_d8_thirty_steps_through_a_hundred_crashes_each_take_effect_once_and_in_order() {
    const STEPS: usize = 30;
    const ROUNDS: usize = 100;
    let mut home = Home::new();
    let mut runbook = "onbelay: 1\ntitle: Thirty\nsteps:\n".to_owned();
    for step in 0..STEPS {
        // Every third may be run as often as one likes; the rest destroy something.
        let kind = if step % 3 == 2 { "" } else { "destructive: true, " };
        writeln!(runbook, "  - {{ id: s{step}, title: S, {kind}run: echo {step} >>effects }}").unwrap();
    }
    let id = home.start(&runbook).id;
    home.kill_everything();
    let park = home.path("parked");
    let mut crashes = 0;
    let effects_of = |home: &Home, step: usize| {
        home.read("effects").lines().filter(|line| *line == step.to_string()).count()
    };
    for step in 0..STEPS {
        let name = format!("s{step}");
        // As many crashes for each as make a hundred; the last of a step is at a point after which it counts.
        let due = (step + 1) * ROUNDS / STEPS - crashes;
        for crash in 0..due {
            let last = crash + 1 == due;
            let point = if last { AFTER[step % AFTER.len()] } else { BEFORE[crashes % BEFORE.len()] };
            let _ = std::fs::remove_file(&park);
            home.set("ONBELAY_FAILPOINT", format!("{point}=stop:{}", park.display()));
            let client = home.command(&["do", &id, "run", &name, "--confirm", &name]).spawn().unwrap();
            parked(&park);
            home.kill_everything();
            drop(client.wait_with_output());
            home.unset("ONBELAY_FAILPOINT");
            crashes += 1;
            let session = Session::new(&home, id.clone());
            session.act(&["note", "back"]).expect(0);
            let state = session.step(&name);
            match (last, state.as_str()) {
                (false, "ready") => assert_eq!(effects_of(&home, step), 0, "{name} at {point}"),
                (true, "done") => assert_eq!(effects_of(&home, step), 1, "{name} at {point}"),
                (true, "interrupted") => {
                    // A person looks, and says what they see; what is not there is done once more by them.
                    session.act(&["run", &name, "--confirm", &name]).expect(1);
                    let there = effects_of(&home, step) == 1;
                    let word = if there { "done" } else { "failed" };
                    session.act(&["resolve", &name, word, "--say", "looked"]).expect(0);
                    if !there {
                        session.act(&["run", &name, "--confirm", &name]).expect(0);
                    }
                }
                (_, other) => panic!("{name} at {point}: {other}"),
            }
            home.kill_everything();
        }
    }
    assert_eq!(crashes, ROUNDS);
    let wanted: Vec<String> = (0..STEPS).map(|step| step.to_string()).collect();
    assert_eq!(home.read("effects").lines().collect::<Vec<_>>(), wanted, "each once, in order");
    let session = Session::new(&home, id);
    session.act(&["finish"]).expect(0);
    session.verifies();
    println!("R9: {crashes} crashes, {STEPS} steps, each took effect once");
}

/// What hits whoever started the commands.
#[derive(Clone, Copy, Debug)]
enum Blow {
    ClientKilled,
    ClientHungUp,
    HostKilled,
}

/// Starts a client that hears a hang-up, also where whoever runs the tests ignores it.
fn hearing(client: &Command, home: &Home) -> Child {
    let mut env = Command::new("env");
    env.arg("--default-signal=HUP").arg(client.get_program()).args(client.get_args());
    env.env_clear().envs(home.variables()).current_dir(home.path(""));
    env.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// So many commands in one session: each goes on through a blow, and its own exit status is on record in the end.
fn survive(blow: Blow, many: usize) {
    let home = Home::new();
    let mut runbook = "onbelay: 1\ntitle: Survive\nsteps:\n".to_owned();
    for step in 0..many {
        fifo(&home, &format!("gate{step}"));
        writeln!(
            runbook,
            "  - {{ id: s{step}, title: S, background: true, run: 'echo on; read -r code <gate{step}; exit $code' }}"
        )
        .unwrap();
    }
    let session = home.start(&runbook);
    let mut runners = Vec::new();
    for step in 0..many {
        let attempt = u32::try_from(step + 1).unwrap();
        let mut client = hearing(&home.command(&["do", &session.id, "run", &format!("s{step}")]), &home);
        until("it runs", || (session.output(attempt) == b"on\n").then_some(()));
        match blow {
            Blow::ClientKilled => kill(Pid::from_child(&client)),
            Blow::ClientHungUp => kill_process(Pid::from_child(&client), Signal::HUP).unwrap(),
            Blow::HostKilled => {
                kill(Pid::from_child(&client));
                session.kill_host();
                session.act(&["note", "back"]).expect(0);
            }
        }
        client.wait().unwrap();
        runners.push(session.runner(attempt));
    }
    for runner in &runners {
        assert!(alive(*runner), "{blow:?}: {runner:?} is gone");
    }
    for step in 0..many {
        std::fs::write(home.path(&format!("gate{step}")), format!("{}\n", step % 200 + 1)).unwrap();
    }
    for step in 0..many {
        let attempt = step + 1;
        let ended = session.wait_for_where("work_ended", |record| record["attempt"] == attempt);
        let outcome = json!({"kind": "exited", "code": step % 200 + 1});
        assert_eq!(ended["ended"]["outcome"], outcome, "{blow:?}, {step}");
    }
    assert_eq!(session.records("work_ended").len(), many);
    session.verifies();
}

fn survive_all(blow: Blow) {
    let all = rounds(20, 200);
    for _ in 0..all / 20 {
        survive(blow, 20);
    }
    println!("F-S1: {blow:?}: {all} of {all} commands went on, and each exit status is on record");
}

#[test]
fn f_s1_commands_outlive_a_client_that_is_killed() {
    survive_all(Blow::ClientKilled);
}

#[test]
fn f_s1_commands_outlive_a_client_whose_terminal_hangs_up() {
    survive_all(Blow::ClientHungUp);
}

#[test]
fn f_s1_commands_outlive_their_host_and_its_exit_statuses_are_found() {
    survive_all(Blow::HostKilled);
}

#[test]
fn f_s7_a_new_host_knows_of_every_open_start_at_once() {
    const MANY: usize = 40;
    let home = Home::new();
    fifo(&home, "gate");
    let mut runbook = "onbelay: 1\ntitle: Open\nsteps:\n".to_owned();
    for step in 0..MANY {
        writeln!(
            runbook,
            "  - {{ id: s{step}, title: S, background: true, run: 'echo on; read -r x <gate' }}"
        )
        .unwrap();
    }
    let session = home.start(&runbook);
    for step in 0..MANY {
        session.act(&["run", &format!("s{step}"), "--no-wait"]).expect(0);
    }
    for attempt in 1..=MANY {
        let attempt = u32::try_from(attempt).unwrap();
        until("it runs", || (session.output(attempt) == b"on\n").then_some(()));
    }
    let host = session.host();
    home.kill_everything();
    has_ended(host);
    session.act(&["note", "back"]).expect(0);
    let began = session.records("host_started").pop().unwrap()["up"].as_u64().unwrap();
    let lost = session.records("interrupted");
    assert_eq!(lost.len(), MANY, "each has its state before anybody is let in");
    let took = lost.iter().map(|record| record["up"].as_u64().unwrap() - began).max().unwrap();
    println!("F-S7: {MANY} open starts, each with its state {took} ms after the host began");
    assert!(Duration::from_millis(took) < Duration::from_secs(10), "{took} ms; held to one second");
}
