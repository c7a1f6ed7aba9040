//! Plays any number of simulated sessions: `cargo run --release --example simulate -- --seeds N [--from SEED]`, or one of
//! them with its trace: `-- --seed S --trace`. `--find WHAT` names the seeds that meet something, `--met` says how often
//! everything was met. `--sabotage NAME` makes something false, to see it noticed. The seeds that are kept are played before
//! those from 0 on, and counted apart. Ends with 1 and the trace of the first run in which a law was broken, or with 1 where a
//! kept seed does not find any more what it is kept for.

#[path = "../tests/simulator/mod.rs"]
mod simulator;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use simulator::{LAWS, Law, MUST_BE_MET, Report, SABOTAGES, Sabotage, kept, noticed_by, play};

/// How often progress is told.
const EVERY: Duration = Duration::from_secs(5);

struct Call {
    seeds: u64,
    from: u64,
    one: Option<u64>,
    trace: bool,
    sabotage: Sabotage,
    find: Vec<String>,
    met: bool,
}

fn main() -> ExitCode {
    match call(std::env::args().skip(1)) {
        Ok(call) => match call.one {
            Some(seed) => one(seed, &call),
            None => many(&call),
        },
        Err(why) => {
            let names: Vec<&str> = SABOTAGES.iter().map(|(_, name)| *name).collect();
            eprintln!(
                "simulate: {why}\n--seeds N [--from SEED] [--find WHAT] [--met] | --seed S [--trace]; --sabotage {}",
                names.join("|")
            );
            ExitCode::from(2)
        }
    }
}

fn call(mut args: impl Iterator<Item = String>) -> Result<Call, String> {
    let mut call = Call {
        seeds: 20_000,
        from: 0,
        one: None,
        trace: false,
        sabotage: Sabotage::None,
        find: Vec::new(),
        met: false,
    };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        let number = |text: String| text.parse::<u64>().map_err(|e| format!("{text}: {e}"));
        match arg.as_str() {
            "--seeds" => call.seeds = number(value()?)?,
            "--from" => call.from = number(value()?)?,
            "--seed" => call.one = Some(number(value()?)?),
            "--find" => call.find.push(value()?),
            "--met" => call.met = true,
            "--trace" => call.trace = true,
            "--sabotage" => {
                let name = value()?;
                let known = SABOTAGES.iter().find(|(_, known)| *known == name);
                call.sabotage = known.map(|(sabotage, _)| *sabotage).ok_or(format!("no sabotage {name}"))?;
            }
            _ => return Err(format!("{arg} is not known")),
        }
    }
    Ok(call)
}

fn one(seed: u64, call: &Call) -> ExitCode {
    let report = play(seed, call.sabotage, true);
    if call.trace || report.broken.is_some() {
        print!("{}", report.story());
    }
    if report.broken.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn many(call: &Call) -> ExitCode {
    let kept = if call.from == 0 { kept() } else { Vec::new() };
    let mut lost = 0;
    for kept in &kept {
        if holds(kept.seed, call).is_none() {
            return ExitCode::FAILURE;
        }
        if let (Sabotage::None, Err(why)) = (call.sabotage, kept.still_finds()) {
            eprintln!("{why}");
            lost += 1;
        }
    }
    let (began, mut told) = (Instant::now(), Instant::now());
    let mut all = Report::default();
    let mut played = 0_u64;
    for seed in call.from..call.from.saturating_add(call.seeds) {
        let Some(report) = holds(seed, call) else { return ExitCode::FAILURE };
        for wanted in call.find.iter().filter(|wanted| report.met.contains_key(*wanted)) {
            println!("{seed} meets {wanted}, {} events", report.events);
        }
        all.add(&report);
        played += 1;
        if told.elapsed() >= EVERY {
            told = Instant::now();
            eprintln!("{played} seeds, {:.0} a second", per_second(played, began));
        }
    }
    if call.met {
        for (what, times) in &all.met {
            println!("{times:8} {what}");
        }
    }
    let rare = MUST_BE_MET.iter().filter(|(what, _)| !all.met.contains_key(*what)).count();
    println!(
        "{played} seeds, {} events, {} records, {} commands started, {:.0} seeds a second: {} laws held; {} things met, {rare} of {} never; before them {} kept seeds, {lost} of which find nothing any more",
        all.events,
        all.records,
        all.starts,
        per_second(played, began),
        LAWS.len(),
        all.met.len(),
        MUST_BE_MET.len(),
        kept.len(),
    );
    if lost == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What came of a seed; where it broke a law, its trace is printed.
fn holds(seed: u64, call: &Call) -> Option<Report> {
    let report = play(seed, call.sabotage, false);
    if report.broken.is_none() {
        return Some(report);
    }
    print!("{}", play(seed, call.sabotage, true).story());
    let due: &[Law] = noticed_by(call.sabotage);
    eprintln!("seed {seed} broke a law (expected with this sabotage: {due:?})");
    None
}

fn per_second(played: u64, since: Instant) -> f64 {
    let played = u32::try_from(played).unwrap_or(u32::MAX);
    f64::from(played) / since.elapsed().as_secs_f64().max(0.001)
}
