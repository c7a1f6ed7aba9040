//! Prints how soon a key is seen: the real program in a terminal of 200 × 60, 10,000 steps, a command that floods its
//! output in colours. What is held: under 16 ms at the 99th percentile.
//! Run: `cargo bench --bench typing`. No test is timed; this is for people to read.

#![expect(
    dead_code,
    unused_imports,
    reason = "the support of the black-box tests, of which this uses a part"
)]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on ends here")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use support::{Home, Screen};

#[path = "../tests/support/mod.rs"]
mod support;

const SIZE: (u16, u16) = (60, 200);
const ROUNDS: usize = 1_000;

fn main() {
    let home = Home::new();
    let mut yaml = String::from("onbelay: 1\ntitle: Ten thousand\nsteps:\n");
    yaml.push_str("  - { id: flood, title: The flood, background: true, run: \"while :; do printf '\\\\033[1;32mtaken\\\\033[0m srv/site/uploads/banner-%d.jpg\\\\n' $RANDOM; done\" }\n");
    for n in 2..=10_000 {
        let _ = writeln!(yaml, "  - {{ id: s{n}, title: Step number {n}, run: 'true' }}");
    }
    let file = home.write("large.yaml", &yaml);
    let session = home.start_file(&file, &[]);
    let mut screen = Screen::open(&home, &["attach", &session.id], SIZE);
    screen.wait_for("The flood");
    show("a letter of a note, nothing running", letters(&mut screen));
    screen.press("\r");
    session.wait_for("step_started");
    show("a letter of a note, output flooding beside it", letters(&mut screen));
    let mut taken = Vec::new();
    for _ in 0..ROUNDS / 4 {
        taken.push(key(&mut screen, "?", |text| text.contains("Now, at this step")));
        taken.push(key(&mut screen, "\x1b", |text| !text.contains("Now, at this step")));
    }
    show("help opened and closed over flooding output", taken);
    let mut taken = Vec::new();
    let at_the_end = |text: &str| text.contains("Step number 10000");
    let at_the_start = |text: &str| text.contains("     2 Step number 2 ");
    for _ in 0..ROUNDS / 4 {
        taken.push(key(&mut screen, "G", |text| at_the_end(text) && !at_the_start(text)));
        taken.push(key(&mut screen, "g", |text| at_the_start(text) && !at_the_end(text)));
    }
    show("to the other end of 10,000 steps", taken);
    screen.press("q");
    screen.wait_end();
    session.act(&["stop", "flood"]);
}

/// One letter after the other into a note, each until it is seen.
fn letters(screen: &mut Screen) -> Vec<Duration> {
    let mut taken = Vec::new();
    for _ in 0..ROUNDS / 50 {
        screen.press("n");
        screen.wait_for("send");
        let mut typed = String::from("zq");
        screen.press("zq");
        screen.wait("the first letters", |text| text.contains("›  zq"));
        for letter in "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz".chars().take(50) {
            typed.push(letter);
            let seen = format!("›  {typed}");
            taken.push(key(screen, &letter.to_string(), move |text| text.contains(&seen)));
        }
        screen.press("\x1b");
        screen.wait("the note is put aside", |text| !text.contains("›  zq"));
    }
    taken
}

fn key(screen: &mut Screen, key: &str, fits: impl Fn(&str) -> bool) -> Duration {
    assert!(!fits(&screen.text()), "{key:?} must change what is seen\n{}", screen.text());
    let began = Instant::now();
    screen.hurry(key);
    screen.wait(key, fits);
    began.elapsed()
}

fn show(what: &str, mut taken: Vec<Duration>) {
    taken.sort();
    let at = |part: usize| taken[(taken.len() * part / 100).min(taken.len() - 1)];
    println!("{what}: p50 {:.1?}, p99 {:.1?}, most {:.1?} of {}", at(50), at(99), at(100), taken.len());
}
