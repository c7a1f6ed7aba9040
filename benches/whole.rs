//! Prints what the whole program costs the person in front of it: from the command to the first frame, keys while 10 GiB
//! run through a step, what the host and the client then weigh, and a runbook of 10,000 steps.
//! Run: `cargo bench --bench whole`; `ONBELAY_BENCH_GIB=1` makes it shorter. No test is timed; these are for people to
//! read.

#![expect(
    dead_code,
    unused_imports,
    reason = "the support of the black-box tests, of which this uses a part"
)]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on ends here")]

use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use support::{Home, Pid, Screen};

#[path = "../tests/support/mod.rs"]
mod support;

const SIZE: (u16, u16) = (40, 120);

fn main() {
    first_frame();
    ten_thousand();
    gigabytes();
}

fn first_frame() {
    let home = Home::new();
    let file = home.write(
        "small.yaml",
        "onbelay: 1\ntitle: Small\nsteps:\n  - { id: a, title: The only step, run: 'true' }\n",
    );
    let run = (0..20).map(|_| frame(&home, &["run", file.to_str().unwrap(), "--another"], "The only step"));
    show("`run`: new session, host, first frame (at most 50 ms)", run.collect());
    let one = Home::new();
    let session = one.start_file(&file, &[]);
    let attach = (0..20).map(|_| frame(&one, &["attach", &session.id], "The only step"));
    show("`attach`: first frame", attach.collect());
}

/// From the command until this text is on the screen.
fn frame(home: &Home, words: &[&str], text: &str) -> Duration {
    let began = Instant::now();
    let mut screen = Screen::open(home, words, SIZE);
    screen.wait_for(text);
    let took = began.elapsed();
    screen.press("q");
    screen.wait_end();
    took
}

fn ten_thousand() {
    let home = Home::new();
    let mut yaml = String::from("onbelay: 1\ntitle: Ten thousand\nsteps:\n");
    for n in 1..=10_000 {
        let _ = writeln!(yaml, "  - {{ id: s{n}, title: Step number {n}, run: 'true' }}");
    }
    let file = home.write("large.yaml", &yaml);
    let file = file.to_str().unwrap();
    let began = Instant::now();
    home.call(&["lint", file]).expect(0);
    println!("10,000 steps: `lint` {:.1?}", began.elapsed());
    let began = Instant::now();
    let mut screen = Screen::open(&home, &["run", file], SIZE);
    screen.wait_for("Step number 1");
    println!("10,000 steps: `run` to the first frame {:.1?}", began.elapsed());
    let mut taken = Vec::new();
    for _ in 0..20 {
        taken.push(key(&mut screen, "G", |text| text.contains("Step number 10000")));
        taken.push(key(&mut screen, "g", |text| text.contains("Step number 2 ")));
    }
    show("10,000 steps: a key to the other end, until it is seen", taken);
    screen.press("q");
    screen.wait_end();
}

fn key(screen: &mut Screen, key: &str, fits: impl Fn(&str) -> bool) -> Duration {
    let began = Instant::now();
    screen.hurry(key);
    screen.wait(key, fits);
    began.elapsed()
}

fn gigabytes() {
    let gib: u64 = std::env::var("ONBELAY_BENCH_GIB").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let home = Home::new();
    let script = format!("yes 'one line of output, about as long as they are' | head -c {gib}G || true");
    let baseline = || {
        let out = home.path("plain");
        let began = Instant::now();
        let redirect = format!("{{ {script}; }} >{}", out.display());
        Command::new("bash").args(["-euo", "pipefail", "-c", &redirect]).status().unwrap();
        let took = began.elapsed();
        std::fs::remove_file(out).unwrap();
        took
    };
    let before = baseline();
    let file = home.write("much.yaml", &format!("onbelay: 1\ntitle: Much\nsteps:\n  - {{ id: much, title: Much output, run: \"{script}\" }}\n  - {{ id: next, title: Next }}\n"));
    let session = home.start_file(&file, &[]);
    let mut screen = Screen::open(&home, &["attach", &session.id], SIZE);
    screen.wait_for("Much output");
    screen.press("\r");
    session.wait_for("step_started");
    let mut keys = Vec::new();
    let (host, client) = (session.host(), screen.pid());
    screen.press("o");
    screen.wait_for("one line of output");
    while session.records("step_settled").is_empty() {
        keys.push(key(&mut screen, "?", |text| text.contains("Keys")));
        keys.push(key(&mut screen, "\x1b", |text| !text.contains("Keys")));
    }
    let ended = session.records("work_ended");
    let took = Duration::from_millis(ended[0]["ended"]["took"].as_u64().unwrap());
    show(&format!("a key while {gib} GiB run through a step (at most 50 ms)"), keys);
    println!("most memory: host {} MiB, client {} MiB (at most 64 each)", peak(host), peak(client));
    screen.press("q");
    screen.wait_end();
    let began = Instant::now();
    let mut again = Screen::open(&home, &["attach", &session.id], SIZE);
    again.wait_for("Much output");
    println!("`attach` after {gib} GiB: {:.1?} (at most 300 ms)", began.elapsed());
    drop(again);
    std::fs::remove_dir_all(session.dir().join("attempts")).unwrap();
    let plain = (before + baseline()) / 2;
    println!(
        "{gib} GiB: a step {took:.1?}, straight into a file {plain:.1?}, ratio {:.2}",
        took.as_secs_f64() / plain.as_secs_f64()
    );
}

/// The most memory a process had, MiB.
fn peak(pid: Pid) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn show(what: &str, mut taken: Vec<Duration>) {
    taken.sort();
    let at = |part: usize| taken[(taken.len() * part / 100).min(taken.len() - 1)];
    println!("{what}: p50 {:.1?}, p99 {:.1?}, most {:.1?} of {}", at(50), at(99), at(100), taken.len());
}
