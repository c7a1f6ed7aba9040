//! A stop that is asked for through the host: before its runner has begun, and where some have left the command's group.

use std::collections::BTreeSet;
use std::time::Instant;

use rustix::process::{Signal, kill_process};

use crate::support::{Home, Pid, alive, kill, parked, until};

/// Is this so of a process, by the lines of its `/proc/PID/status`?
fn status(pid: Pid, fits: impl Fn(&str) -> bool) -> bool {
    let text = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap_or_default();
    text.lines().any(fits)
}

#[test]
fn p8_a_stop_while_the_runner_is_up_and_has_not_claimed_makes_one_outcome_and_runs_nothing() {
    let mut home = Home::new();
    let at = home.path("parked");
    home.set("ONBELAY_FAILPOINT", format!("runner-up=stop:{}", at.display()));
    let session = home.start(
        "onbelay: 1\ntitle: Early\nsteps:\n  - { id: a, title: A, destructive: true, run: echo ran >>effects }\n",
    );
    session.act(&["run", "a", "--confirm", "a", "--no-wait"]).expect(0);
    let runner = parked(&at);
    until("the runner stands there", || status(runner, |line| line.starts_with("State:\tT")).then_some(()));
    assert!(!session.dir().join("attempts/1/start.json").exists(), "it has claimed nothing");
    // Asked twice: the second finds it being stopped.
    let ask = || home.command(&["do", &session.id, "stop", "a"]).spawn().unwrap();
    let mut asked = [ask(), ask()];
    let term = 1 << (Signal::TERM.as_raw() - 1);
    until("the stop has reached the runner", || {
        status(runner, |line| {
            let pending = line.strip_prefix("ShdPnd:\t").and_then(|mask| u64::from_str_radix(mask, 16).ok());
            pending.is_some_and(|mask| mask & term != 0)
        })
        .then_some(())
    });
    kill_process(runner, Signal::CONT).unwrap();
    for ask in &mut asked {
        ask.wait().unwrap();
    }
    let ended = session.wait_for("work_ended");
    assert_eq!(ended["ended"]["outcome"]["kind"], "stopped", "{ended}");
    let settled = session.wait_for("step_settled");
    assert_eq!((settled["ok"].as_bool(), session.step("a").as_str()), (Some(false), "failed"), "{settled}");
    // Another host finds nothing more of it.
    session.kill_host();
    session.act(&["note", "another host"]).expect(0);
    for once in ["step_started", "work_ended", "step_settled"] {
        assert_eq!(session.records(once).len(), 1, "{once}");
    }
    assert!(!session.dir().join("attempts/1/command.json").exists());
    assert_eq!(home.read("effects"), "", "nothing ran");
    session.verifies();
}

/// One leaves the group, one forks twice and stays in it, one leaves, forks twice and closes everything.
const LEAVERS: &str = r#"
onbelay: 1
title: Leavers
steps:
  - id: a
    title: A
    run: |
      setsid sh -c 'echo $$ >one; exec sleep 600' &
      (sh -c '(sh -c "echo \$\$ >two; exec sleep 601" &) &')
      setsid sh -c '(sh -c "echo \$\$ >three; exec sleep 602" <&- >&- 2>&- &)' &
      is() { [ "$(cat "/proc/$(cat $1)/comm")" = sleep ]; } 2>/dev/null
      until is one && is two && is three; do sleep 0.01; done
      echo ready >ready
      wait
      sleep 603
"#;

#[test]
fn p2_f_s5_what_left_the_group_of_a_command_that_is_stopped_is_named_and_the_rest_is_gone() {
    let home = Home::new();
    let session = home.start(LEAVERS);
    session.act(&["run", "a", "--no-wait"]).expect(0);
    until("all three are what they are to be", || (home.read("ready") == "ready\n").then_some(()));
    let pid = |name: &str| Pid::from_raw(home.read(name).trim().parse().unwrap()).unwrap();
    let [one, two, three] = ["one", "two", "three"].map(pid);
    let asked = Instant::now();
    session.act(&["stop", "a"]).says("still running");
    let ended = session.wait_for("work_ended");
    println!(
        "F-S5: over {:?} after the stop was asked for; 2 that left the group are named",
        asked.elapsed()
    );
    assert_eq!(ended["ended"]["outcome"]["kind"], "stopped", "{ended}");
    let left: BTreeSet<(i64, &str)> = ended["ended"]["left"]
        .as_array()
        .unwrap()
        .iter()
        .map(|left| (left["pid"].as_i64().unwrap(), left["name"].as_str().unwrap()))
        .collect();
    let named = [one, three].map(|pid| (i64::from(pid.as_raw_nonzero().get()), "sleep"));
    assert_eq!(left, BTreeSet::from(named), "{ended}");
    assert!(!alive(two), "what stayed in the group is ended with it");
    assert!(alive(one) && alive(three), "they are named, and left alone");
    kill(one);
    kill(three);
    session.verifies();
}
