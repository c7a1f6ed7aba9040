//! The properties that are fuzzed (`fuzz/`), held on every kept input and on a few thousand new ones, without a fuzzer: Y11.
//! What a fuzzer found is kept in `fuzz/corpus`, and can never come back unseen.

#![expect(clippy::unwrap_used, reason = "a test may fail there")]

#[path = "../fuzz/properties/answers.rs"]
mod answers;
#[path = "../fuzz/properties/cover.rs"]
mod cover;
#[path = "../fuzz/properties/journal.rs"]
mod journal;
#[path = "../fuzz/properties/output.rs"]
mod output;
#[path = "../fuzz/properties/runbook.rs"]
mod runbook;
#[path = "../fuzz/properties/screens.rs"]
mod screens;
#[path = "../fuzz/properties/text.rs"]
mod text;
#[path = "../fuzz/properties/values.rs"]
mod values;
#[path = "../fuzz/properties/wire.rs"]
mod wire;

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// More cases than in a run for every change: `ONBELAY_LONG=1`.
fn cases(few: u32, long: u32) -> u32 {
    if std::env::var_os("ONBELAY_LONG").is_some() { long } else { few }
}

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Every kept input, each cut in its middle too; then kept inputs with some bytes changed.
fn hold(target: &str, property: fn(&[u8]), changed: u32) {
    let kept = corpus(target);
    assert!(kept.len() >= 3, "{target}: {} inputs are kept", kept.len());
    for (path, bytes) in &kept {
        let told = std::panic::catch_unwind(|| {
            property(bytes);
            property(&bytes[..bytes.len() / 2]);
        });
        assert!(told.is_ok(), "it does not hold of {}", path.display());
    }
    let small: Vec<Vec<u8>> =
        kept.into_iter().map(|(_, bytes)| bytes).filter(|bytes| bytes.len() < 20_000).collect();
    let change = (any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..6), 0..6_usize);
    let input = (prop::sample::select(small), prop::collection::vec(change, 1..5));
    let config = Config { cases: changed, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&input, |(mut bytes, changes)| {
            for (at, new, cut) in changes {
                let at = at.index(bytes.len() + 1);
                let end = (at + cut).min(bytes.len());
                bytes.splice(at..end, new);
            }
            property(&bytes);
            Ok(())
        })
        .unwrap();
}

#[test]
fn y11_f_i1_the_loader() {
    hold("runbook", runbook::hold, cases(300, 20_000));
}

#[test]
fn y11_j1_the_reader_of_journals() {
    hold("journal", journal::hold, cases(200, 20_000));
}

#[test]
fn s7_what_host_and_clients_say() {
    hold("wire", wire::hold, cases(500, 50_000));
}

#[test]
fn f_i2_f_i3_the_cleaning_of_text() {
    hold("text", text::hold, cases(2_000, 1_000_000));
}

#[test]
fn f_i2_the_colours_of_an_output() {
    hold("output", output::hold, cases(500, 50_000));
}

#[test]
fn f_i4_the_covering_of_secrets() {
    hold("cover", cover::hold, cases(200, 10_000));
}

#[test]
fn x1_x2_how_values_reach_texts_and_scripts() {
    hold("values", values::hold, cases(500, 50_000));
}

#[test]
fn what_a_terminal_answers() {
    hold("answers", answers::hold, cases(200, 10_000));
}

/// Each input is 29 pictures: of every page, box and line, with hostile text wherever there is any.
#[test]
fn f_i2_u1_u2_every_screen() {
    hold("screens", screens::hold, cases(30, 34_483));
}
