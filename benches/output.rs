//! Prints what a large output costs, through the real program in a terminal of 80 × 24: looking for a text through all of it,
//! and going to its start and its end until they are seen. Nothing here is a test.
//! Run: `cargo bench --bench output`. `ONBELAY_BENCH_FIND` says how much is looked through (MiB, 1024), `ONBELAY_BENCH_PAGE`
//! how large the file is whose ends are gone to (MiB, 10240; it has a hole in the middle and takes no room).
//! What a picture of an output costs is in `cargo bench --bench tui`.

#![expect(
    dead_code,
    unused_imports,
    reason = "the support of the black-box tests, of which this uses a part"
)]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on ends here")]

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

use support::{Home, Screen, Session};

#[path = "../tests/support/mod.rs"]
mod support;

const SIZE: (u16, u16) = (24, 80);
const ROUNDS: usize = 100;
const LINE: &str = "\x1b[1;32mtaken\x1b[0m srv/site/wp-content/uploads/2026/10/banner-0001.jpg\n";

fn main() {
    let home = Home::new();
    let session = home.start(
        "onbelay: 1\ntitle: Much of it\nsteps:\n  - { id: first, title: Write a lot, run: 'echo its start; exit 1' }\n",
    );
    session.act(&["run", "first"]).expect(4);
    looked_through(&home, &session, mebibytes("ONBELAY_BENCH_FIND", 1 << 10));
    gone_to(&home, &session, mebibytes("ONBELAY_BENCH_PAGE", 10 << 10));
}

fn looked_through(home: &Home, session: &Session<'_>, bytes: u64) {
    let mut file = output(session);
    let part = LINE.repeat((1 << 20) / LINE.len());
    file.write_all(b"its start\n").unwrap();
    let mut written = 10;
    while written < bytes {
        file.write_all(part.as_bytes()).unwrap();
        written += part.len() as u64;
    }
    file.write_all(b"Its end\n").unwrap();
    let mut screen = page(home, session);
    screen.press("g");
    screen.wait_for("its start");
    for (what, text, seen) in [
        ("found at its end, as written", "Its end", "▸Its end"),
        ("found at its end, small and large letters alike", "its end", "▸Its end"),
        ("nowhere in it", "not in it", "is nowhere in"),
    ] {
        screen.press("g");
        screen.wait_for("its start");
        screen.press("/");
        screen.wait_for("find in this output:");
        screen.press(text);
        screen.wait_for(&format!("find in this output:  {text}"));
        screen.press("");
        let began = Instant::now();
        screen.hurry("\r");
        screen.wait_for(seen);
        let taken = began.elapsed();
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let rate = written as f64 / 1e9 / taken.as_secs_f64();
        println!("{} MiB, in colours, {what}: {taken:.2?}, {rate:.2} GB/s", written >> 20);
        screen.press("\x1b");
        screen.wait_for("Esc steps");
    }
    screen.press("q");
    screen.wait_end();
}

fn gone_to(home: &Home, session: &Session<'_>, bytes: u64) {
    let lines = LINE.repeat(4_000);
    let mut file = output(session);
    file.write_all(format!("its start\n{lines}").as_bytes()).unwrap();
    file.set_len(bytes).unwrap();
    let end = format!("{lines}its end\n");
    file.write_all_at(end.as_bytes(), bytes - end.len() as u64).unwrap();
    let began = Instant::now();
    let mut screen = page(home, session);
    screen.wait_for("its end");
    println!("{} MiB, from `attach` to its end on the page: {:.1?}", bytes >> 20, began.elapsed());
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        starts.push(key(&mut screen, "g", "its start"));
        ends.push(key(&mut screen, "G", "its end"));
    }
    show(&format!("{} MiB, to its start until it is seen", bytes >> 20), starts);
    show(&format!("{} MiB, to its end until it is seen", bytes >> 20), ends);
    screen.press("q");
    screen.wait_end();
}

/// The file of the output, empty.
fn output(session: &Session<'_>) -> File {
    File::create(session.dir().join("attempts/1/output")).unwrap()
}

/// The page of the output.
fn page(home: &Home, session: &Session<'_>) -> Screen {
    let mut screen = Screen::open(home, &["attach", &session.id], SIZE);
    screen.wait_for("Write a lot");
    screen.press_until("o", |text| text.contains("w wrap"));
    screen
}

fn key(screen: &mut Screen, key: &str, seen: &str) -> Duration {
    let began = Instant::now();
    screen.hurry(key);
    screen.wait_for(seen);
    began.elapsed()
}

fn mebibytes(name: &str, unless_said: u64) -> u64 {
    std::env::var(name).ok().and_then(|said| said.parse().ok()).unwrap_or(unless_said) << 20
}

fn show(what: &str, mut taken: Vec<Duration>) {
    taken.sort();
    let at = |part: usize| taken[(taken.len() * part / 100).min(taken.len() - 1)];
    println!("{what}: p50 {:.1?}, p99 {:.1?}, most {:.1?} of {}", at(50), at(99), at(100), taken.len());
}
