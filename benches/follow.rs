//! Prints how long it takes from a key at the operator's screen until the watcher's screen shows the same, through real
//! terminals; and what of that is the host's: from a client that says where it looks to one that hears of it.
//! Run: `cargo bench --bench follow`. Ends with 1 when the median is over what it is held to.

#![expect(
    dead_code,
    unused_imports,
    reason = "the support of the black-box tests, of which this uses a part"
)]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on ends here")]

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use onbelay::client::{Heard, IfNoHost, Stay, Talk, Wish};
use onbelay::wire::messages::{Gaze, Role, Sight};
use onbelay::wire::{FromHost, ToHost};
use support::{Home, Screen, Session};

#[path = "../tests/support/mod.rs"]
mod support;

const STEPS: usize = 50;
const MOVES: usize = 400;

/// From one screen to the other, at the median.
const HELD_TO: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    let home = Home::new();
    let mut yaml = String::from("onbelay: 1\ntitle: Fifty\nsteps:\n");
    for n in 1..=STEPS {
        let _ = writeln!(yaml, "  - {{ id: s{n}, title: Number {n}, about: This is about step {n}. }}");
    }
    let session = home.start(&yaml);
    through_the_host(&session);
    if screens(&home, &session) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn screens(home: &Home, session: &Session<'_>) -> bool {
    let mut operator = Screen::open(home, &["attach", &session.id], (40, 120));
    operator.wait_for("about step 1.");
    let mut watcher = Screen::open(home, &["attach", &session.id, "--watch"], (24, 80));
    watcher.wait_for("following");
    watcher.wait_for("about step 1.");
    let (mut own, mut taken) = (Vec::new(), Vec::new());
    for i in 1..=MOVES {
        let n = i % STEPS;
        let text = format!("about step {}.", n + 1);
        let began = Instant::now();
        operator.hurry(if n == 0 { "g" } else { "j" });
        watcher.wait_for(&text);
        taken.push(began.elapsed());
        operator.wait_for(&text);
        let began = Instant::now();
        operator.hurry("?");
        operator.wait_for("Keys");
        own.push(began.elapsed());
        operator.press("\x1b");
        operator.wait("the keys are gone", |text| !text.contains("Keys"));
        watcher.wait_for("following");
    }
    show("a key at a screen, until that screen shows it", own);
    let median = show("a key at the operator's screen, until the watcher's shows it", taken);
    let well = median < HELD_TO;
    let word = if well { "ok" } else { "OVER" };
    println!("held to {HELD_TO:?} at the median: {word}");
    well
}

fn through_the_host(session: &Session<'_>) {
    let open = |role| {
        let wish = Wish { role, if_no_host: IfNoHost::Never, stay: Stay::No };
        Talk::open(&session.dir(), wish).unwrap()
    };
    let mut operator = open(Role::Drive);
    let mut watcher = open(Role::Watch);
    let mut taken = Vec::new();
    for scroll in 1..=2_000 {
        let gaze = Gaze { step: "s1".into(), sight: Sight::Step { scroll }, over: None, top: None };
        let began = Instant::now();
        operator.send(&ToHost::Look { gaze: gaze.clone() }).unwrap();
        hears(&mut watcher, &gaze);
        taken.push(began.elapsed());
        hears(&mut operator, &gaze);
    }
    show("said by a client, until another hears it", taken);
}

fn hears(talk: &mut Talk, expected: &Gaze) {
    loop {
        if let Some(Heard::Other(message)) = talk.hear(None).unwrap()
            && matches!(&*message, FromHost::Looking { gaze, .. } if gaze == expected)
        {
            return;
        }
    }
}

fn show(what: &str, mut taken: Vec<Duration>) -> Duration {
    taken.sort();
    let at = |part: usize| taken[(taken.len() * part / 100).min(taken.len() - 1)];
    println!("{what}: median {:.1?}, p99 {:.1?}, most {:.1?} of {}", at(50), at(99), at(100), taken.len());
    at(50)
}
