//! The simulator in CI: the seeds that are kept, then 20,000 more in parts that run side by side; that a run is the same
//! every time; that it meets all it should; and that each law notices when it is broken.

#[path = "simulator/mod.rs"]
mod simulator;

use std::collections::BTreeSet;

use simulator::{LAWS, Law, Report, SABOTAGES, Sabotage, kept, play};

/// How many seeds CI plays.
const SEEDS: u64 = 20_000;
const PARTS: u64 = 8;

#[track_caller]
fn holds(seed: u64) -> Report {
    let report = play(seed, Sabotage::None, false);
    assert!(report.broken.is_none(), "{}", play(seed, Sabotage::None, true).story());
    report
}

fn part(number: u64) {
    let each = SEEDS / PARTS;
    let mut all = Report::default();
    for seed in number * each..(number + 1) * each {
        all.add(&holds(seed));
    }
    println!("{} events, {} records, {} commands started", all.events, all.records, all.starts);
    let missing: Vec<&str> = simulator::MUST_BE_MET
        .iter()
        .filter(|(what, times)| all.met.get(*what).is_none_or(|met| met < times))
        .map(|(what, _)| *what)
        .collect();
    assert!(missing.is_empty(), "never, or hardly ever: {missing:?}\n{:#?}", all.met);
}

#[test]
fn kept_seeds() {
    let kept = kept();
    assert_eq!(kept.len(), 6, "what was found is kept");
    for kept in kept {
        holds(kept.seed);
        assert_eq!(kept.still_finds(), Ok(()));
    }
}

#[test]
fn seeds_part_1_of_8() {
    part(0);
}

#[test]
fn seeds_part_2_of_8() {
    part(1);
}

#[test]
fn seeds_part_3_of_8() {
    part(2);
}

#[test]
fn seeds_part_4_of_8() {
    part(3);
}

#[test]
fn seeds_part_5_of_8() {
    part(4);
}

#[test]
fn seeds_part_6_of_8() {
    part(5);
}

#[test]
fn seeds_part_7_of_8() {
    part(6);
}

#[test]
fn seeds_part_8_of_8() {
    part(7);
}

#[test]
fn one_seed_is_one_run_to_the_byte() {
    for seed in 0..40 {
        let (first, second) = (play(seed, Sabotage::None, true), play(seed, Sabotage::None, true));
        assert_eq!(first.story(), second.story());
        assert!(first.journal.is_some() && first.journal == second.journal, "seed {seed}: another journal");
        assert!(first.trace.len() > 20, "{}", first.story());
    }
    assert_ne!(play(1, Sabotage::None, true).trace, play(2, Sabotage::None, true).trace);
}

/// Within how many seeds a sabotage must be noticed; and how many are tried for every law that is to notice it.
const NOTICED: u64 = 400;
const BY_EACH: usize = 80;

#[test]
fn each_sabotage_is_noticed_by_a_law_that_is_about_it() {
    let mut noticed = BTreeSet::new();
    for (sabotage, name) in SABOTAGES {
        let due: &[Law] = simulator::noticed_by(sabotage);
        let mut times = 0;
        for (played, seed) in kept().into_iter().map(|kept| kept.seed).chain(0..NOTICED).enumerate() {
            if times > 0 && (played >= BY_EACH || due.iter().all(|law| noticed.contains(law))) {
                break;
            }
            let Some(broken) = play(seed, sabotage, false).broken else { continue };
            assert!(due.contains(&broken.law), "{name} was noticed by {:?}: {}", broken.law, broken.what);
            if noticed.insert(broken.law) || times == 0 {
                println!("{name}: seed {seed}, {:?}: {}", broken.law, broken.what);
            }
            times += 1;
        }
        assert!(times > 0, "{name} goes unnoticed for {NOTICED} seeds");
    }
    let never: Vec<&Law> = LAWS.iter().filter(|law| !noticed.contains(law)).collect();
    assert!(never.is_empty(), "no sabotage was noticed by {never:?}");
}
