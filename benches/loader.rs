//! Prints what the costliest runbooks of 256 KiB cost (F-I1: 100 ms and 32 MiB). Nothing here is a test.
//!
//! Run with `cargo bench --bench loader`.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on ends here")]

#[path = "../tests/format/poison.rs"]
mod poison;

use std::time::{Duration, Instant};

use onbelay::runbook::read;

const ROUNDS: usize = 5;

fn main() {
    let mut slowest = (Duration::ZERO, "");
    for (what, source) in poison::all() {
        let mut times: Vec<Duration> = (0..ROUNDS)
            .map(|_| {
                let started = Instant::now();
                let _ = std::hint::black_box(read(source.as_bytes(), "large.yaml"));
                started.elapsed()
            })
            .collect();
        times.sort();
        let verdict = if read(source.as_bytes(), "large.yaml").is_ok() { "taken" } else { "refused" };
        println!("{what}: {:.1} ms, {verdict}", times[ROUNDS / 2].as_secs_f64() * 1_000.0);
        slowest = slowest.max((times[ROUNDS / 2], what));
    }
    println!("the slowest: {:.1} ms, {}", slowest.0.as_secs_f64() * 1_000.0, slowest.1);
}
