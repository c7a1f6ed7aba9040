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

/// Numbers as they fall (xorshift64*): ten million inputs are to be made quickly, and the same ones each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let thrown = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D);
        usize::try_from(thrown >> 33).unwrap() % end.max(1)
    }
}

/// One to four changes of an input: bytes, words of the format, a part of it or of another put in, taken out, over another.
fn changed(kept: &[Vec<u8>], words: &[&[u8]], dice: &mut Dice, bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.extend(&kept[dice.below(kept.len())]);
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        let end = (at + dice.below(12)).min(bytes.len());
        match dice.below(5) {
            0 => drop(bytes.splice(at..end, [u8::try_from(dice.below(256)).unwrap()])),
            1 => drop(bytes.splice(at..at, words[dice.below(words.len())].iter().copied())),
            2 => drop(bytes.splice(at..end, words[dice.below(words.len())].iter().copied())),
            3 => drop(bytes.drain(at..end)),
            _ => {
                let other = &kept[dice.below(kept.len())];
                let from = dice.below(other.len() + 1);
                let to = (from + dice.below(200)).min(other.len());
                bytes.splice(at..end, other[from..to].iter().copied());
            }
        }
    }
}

/// The runbooks of `tests/format/cases`, each as it is read there.
fn cases_of_the_format() -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format/cases");
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let texts = files.iter().map(|path| fs::read_to_string(path).unwrap());
    let cases = texts.flat_map(|text| {
        let cases = text.split("\n=== ").skip(1).filter_map(|case| {
            let (_, case) = case.split_once('\n')?;
            let (yaml, _) = case.split_once("--- expected")?;
            let head = if yaml.starts_with("onbelay") { "" } else { "onbelay: 1\ntitle: t\n" };
            Some(format!("{head}{yaml}").into_bytes())
        });
        cases.collect::<Vec<_>>()
    });
    cases.collect()
}

/// The words of `fuzz/words/TARGET`: libFuzzer's dictionaries, of which only `\x0a` is an escape here.
fn words(target: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/words").join(target);
    let text = fs::read_to_string(path).unwrap();
    let quoted = text.lines().filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
    let words: Vec<Vec<u8>> = quoted.map(|word| word.replace("\\x0a", "\n").into_bytes()).collect();
    assert!(words.len() > 50, "{} words", words.len());
    words
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
    println!("{target}: held of {changed} changed inputs");
}

#[test]
fn y11_f_i1_the_loader() {
    hold("runbook", |bytes| runbook::hold(bytes, true), cases(300, 20_000));
}

/// F-I1: no panic in ten million, with `ONBELAY_LONG=1`. Each thread has its own dice, so a case that fails comes again.
#[test]
fn y11_f_i1_the_loader_reads_changed_runbooks() {
    const THREADS: u32 = 2;
    let kept: Vec<Vec<u8>> = corpus("runbook")
        .into_iter()
        .map(|(_, bytes)| bytes)
        .chain(cases_of_the_format())
        .filter(|bytes| bytes.len() < 4096)
        .collect();
    assert!(kept.len() >= 50, "{} small inputs are kept", kept.len());
    let words = words("runbook");
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    let each = cases(4_000, 10_000_000) / THREADS;
    let accepted: u64 = std::thread::scope(|scope| {
        let read = |thread: u32| {
            let (kept, words) = (&kept, &words);
            scope.spawn(move || {
                let (mut dice, mut bytes, mut accepted) = (Dice(u64::from(thread) + 1), Vec::new(), 0);
                for _ in 0..each {
                    changed(kept, words, &mut dice, &mut bytes);
                    let told = std::panic::catch_unwind(|| runbook::hold(&bytes, false));
                    assert!(told.is_ok(), "it does not hold of {:?}", String::from_utf8_lossy(&bytes));
                    accepted += u64::from(onbelay::runbook::read(&bytes, "again.yaml").is_ok());
                }
                accepted
            })
        };
        let threads: Vec<_> = (0..THREADS).map(read).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    println!("{} changed runbooks were read, {accepted} of them taken, none with a panic", each * THREADS);
    assert!(accepted > 0, "none was taken: they are too far from a runbook");
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
