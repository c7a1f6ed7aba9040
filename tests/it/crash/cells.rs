//! Runs one cell of the crash table: brings a step to the point, ends whom the cell names, comes back and looks.

use std::path::{Path, PathBuf};
use std::process::Child;

use rustix::process::{Signal, kill_process};

use crate::support::{Home, Pid, Session, alive, has_ended, kill, parked, until};

use super::power;
use super::table::{After, By, Row, Victim};

/// A hold point whose every run leaves a line behind, and every undo; each may be halted after its first line of output.
const WIPE: &str = r"
onbelay: 1
title: One thing that may happen once
steps:
  - id: wipe
    title: Wipe it
    destructive: true
    run: |
      echo gone >>effects; echo gone
      if test -e halt; then printf %s $$ >halted; mv halted parked; kill -STOP $$; fi
    undo: |
      echo back >>undone; echo back
      if test -e halt; then printf %s $$ >halted; mv halted parked; kill -STOP $$; fi
  - id: after
    title: Say so
";

/// Forward or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Run,
    Undo,
}

impl Work {
    fn verb(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Undo => "undo",
        }
    }

    pub(super) fn effects(self, home: &Home) -> usize {
        home.read(if self == Self::Run { "effects" } else { "undone" }).lines().count()
    }

    /// The state of the step, where the table has that of a run.
    fn state(self, of_run: &'static str) -> &'static str {
        match (self, of_run) {
            (Self::Undo, "ready") => "done",
            (Self::Undo, "done") => "undone",
            (_, other) => other,
        }
    }
}

/// A step that stands at its point.
pub(super) struct Standing {
    pub(super) session: String,
    pub(super) client: Child,
    /// Who stands there.
    stopped: Pid,
    pub(super) host: Pid,
    attempt: u32,
    /// Is the host halted, too, for what it would do meanwhile?
    host_halted: bool,
}

/// Runs a cell; nothing where there is no such process.
pub(super) fn run(row: &Row, work: Work, victim: Victim) {
    let Some(after) = row.after(victim) else { return };
    let place = format!("{}, {:?}, {victim:?}", row.point, work);
    let mut home = Home::new();
    let mut standing = match row.by {
        By::NextHost { after, power } => taken_over(&mut home, work, row.point, after, power),
        _ => standing(&mut home, work, row),
    };
    let session = Session::new(&home, standing.session.clone());
    let ended_before = usize::from(work == Work::Undo);
    end(&home, &session, row, &mut standing, victim);
    if let Victim::Power(kept) = victim {
        power::cut(&session.dir(), standing.attempt, row, kept);
        home.set("ONBELAY_FAILPOINT", power::another_boot(&place));
    }
    let session = Session::new(&home, standing.session.clone());
    session.act(&["note", "somebody came back"]).expect(0);
    let stopped = standing.stopped;
    let adopted = alive(stopped) && stopped != standing.host && victim != Victim::Client;
    if adopted {
        let has_claim = !matches!(row.point, "runner-up" | "outcome-name-unsynced" | "outcome-left");
        if has_claim && matches!(victim, Victim::Host | Victim::ClientAndHost) {
            assert_eq!(session.step("wipe"), "running", "{place}: adopted, for its runner lives");
        }
        kill_process(stopped, Signal::CONT).unwrap();
    }
    let _ = standing.client.wait();
    let state = work.state(after.step);
    until(&format!("{place}: the step is {state}"), || (session.step("wipe") == state).then_some(()));
    if adopted {
        has_ended(stopped);
    }
    let effects = work.effects(&home);
    assert!(after.effects.contains(&effects), "{place}: {effects} effects");
    let ended = session.records("work_ended").len() - ended_before;
    assert_eq!(ended, after.ended, "{place}: an outcome is recorded once");
    session.verifies();
    goes_on(&session, work, &after, &place);
}

/// Starts a session whose host halts at the point, and brings its step there.
pub(super) fn standing(home: &mut Home, work: Work, row: &Row) -> Standing {
    let park = home.path("parked");
    let early = home.path("early");
    // A host hears of the outcome's name at once: it is halted before that, so that it is known what it has recorded.
    let host_halted = row.point == "outcome-name-unsynced";
    let mut points = vec![format!("{}=stop:{}", row.point, park.display())];
    if host_halted {
        points.push(format!("outcome-file-unnamed=stop:{}", early.display()));
    }
    let id = if work == Work::Undo {
        let session = home.start(WIPE);
        session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
        session.kill_host();
        Some(session.id)
    } else {
        None
    };
    if row.by == By::Command {
        home.write("halt", "");
    } else {
        home.set("ONBELAY_FAILPOINT", points.join(";"));
    }
    // The host alone is armed, not the client that may bring the next one up.
    let id = match id {
        None => home.start(WIPE).id,
        Some(id) => {
            Session::new(home, id.clone()).act(&["note", "on"]).expect(0);
            id
        }
    };
    home.unset("ONBELAY_FAILPOINT");
    let client = home.command(&["do", &id, work.verb(), "wipe", "--confirm", "wipe"]).spawn().unwrap();
    let session = Session::new(home, id.clone());
    let host = session.host();
    let attempt = if work == Work::Run { 1 } else { 2 };
    if host_halted {
        let runner = parked(&early);
        halt(host);
        kill_process(runner, Signal::CONT).unwrap();
    }
    let stopped = parked(&park);
    if row.by == By::Command {
        // Its halt is the kernel's last word on it only when it shows.
        until("the command is halted", || is_halted(stopped).then_some(()));
    }
    if row.by == By::Host && has_runner_behind_it(row.point) {
        has_ended(session.runner(attempt));
    }
    Standing { session: id, client, stopped, host, attempt, host_halted }
}

/// Ends everything at a first point, and brings up a host that halts at the second, while it takes over.
fn taken_over(home: &mut Home, work: Work, point: &str, first: &str, power: bool) -> Standing {
    let row = super::table::rows(first).next().unwrap();
    let before = standing(home, work, row);
    let session = Session::new(home, before.session.clone());
    home.kill_everything();
    let mut client = before.client;
    let _ = client.wait();
    let _ = std::fs::remove_file(home.path("parked"));
    let _ = std::fs::remove_file(home.path("halt"));
    let park = home.path("second");
    let mut points = format!("{point}=stop:{}", park.display());
    if power {
        power::cut(&session.dir(), before.attempt, row, super::table::Kept::Nothing);
        points = format!("{points};{}", power::another_boot("between"));
    }
    let id = before.session;
    home.set("ONBELAY_FAILPOINT", points);
    let client = home.command(&["do", &id, "note", "who takes it over"]).spawn().unwrap();
    let stopped = parked(&park);
    // Whoever comes after that finds the machine in the boot that this host was in.
    if power {
        home.set("ONBELAY_FAILPOINT", power::another_boot("between"));
    } else {
        home.unset("ONBELAY_FAILPOINT");
    }
    Standing { session: id, client, stopped, host: stopped, attempt: before.attempt, host_halted: false }
}

/// Has the runner begun, and gone on by itself while the host stands at this point?
fn has_runner_behind_it(point: &str) -> bool {
    !point.starts_with("intent-")
}

/// Ends whom the cell names; who was only halted for order's sake goes on.
fn end(home: &Home, session: &Session<'_>, row: &Row, standing: &mut Standing, victim: Victim) {
    let asker = Pid::from_child(&standing.client);
    let host = standing.host;
    match victim {
        Victim::Client => kill(asker),
        Victim::Host => kill(host),
        Victim::ClientAndHost => {
            kill(asker);
            kill(host);
        }
        Victim::Runner => {
            let runner =
                if row.by == By::Command { session.runner(standing.attempt) } else { standing.stopped };
            kill(runner);
            has_ended(runner);
        }
        Victim::Everything | Victim::Power(_) => home.kill_everything(),
    }
    if matches!(victim, Victim::Client | Victim::Runner) {
        if standing.host_halted {
            kill_process(host, Signal::CONT).unwrap();
        }
        if alive(standing.stopped) {
            kill_process(standing.stopped, Signal::CONT).unwrap();
        }
    } else {
        has_ended(host);
    }
    if !matches!(victim, Victim::Host | Victim::Runner) {
        let _ = standing.client.wait();
    }
}

/// Nothing is run again by itself, and the way on is the one the state promises.
pub(super) fn goes_on(session: &Session<'_>, work: Work, after: &After, place: &str) {
    let started = || session.records("step_started").len();
    let before = started();
    let again = [work.verb(), "wipe", "--confirm", "wipe"];
    match after.step {
        "ready" | "failed" => {
            if after.step == "failed" {
                // Its runners would all halt at the point: they get that from their host.
                session.kill_host();
            }
            session.act(&again).expect(0);
            assert_eq!(started(), before + 1, "{place}");
        }
        "interrupted" => {
            session.act(&again).expect(1);
            assert_eq!(started(), before, "{place}: not run again");
            session.act(&["resolve", "wipe", "done", "--say", "looked: it is as it should be"]).expect(0);
        }
        _ => {}
    }
    if work == Work::Undo {
        assert_ne!(session.step("wipe"), "interrupted", "{place}");
        session.act(&["abort", "--say", "it was taken back"]).expect(0);
    } else {
        assert_eq!(session.step("wipe"), "done", "{place}");
        session.act(&["done", "after"]).expect(0);
        session.act(&["finish"]).expect(0);
    }
    session.verifies();
}

fn halt(pid: Pid) {
    kill_process(pid, Signal::STOP).unwrap();
    until("it is halted", || is_halted(pid).then_some(()));
}

pub(super) fn is_halted(pid: Pid) -> bool {
    let tasks: PathBuf = Path::new("/proc").join(pid.as_raw_nonzero().to_string()).join("task");
    let mut tasks = std::fs::read_dir(tasks).into_iter().flatten().flatten();
    tasks.all(|task| {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    })
}
