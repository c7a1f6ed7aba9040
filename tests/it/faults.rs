//! The list of faults: each has a test that carries its id, or a line in docs/reliability.md that says why not. The list
//! with its tests is docs/faults.md, which is held to be of today's source (`UPDATE_DOCS=1` writes it anew).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What may go wrong, by family: the letter, its name, and each case with what is done in it.
const FAMILIES: [(&str, &[(&str, &str)]); 9] = [
    (
        "The log",
        &[
            ("J1", "cut at every byte, then opened"),
            ("J2", "every byte changed, before the last record"),
            ("J3", "the Nth sync fails, once and from then on"),
            ("J4", "the disk is full in the middle of a record"),
            ("J5", "the disk is full as the end of a destructive step is recorded"),
            ("J6", "a limit on the size of files"),
            ("J7", "a process ends at each named point of a step's life"),
            ("J8", "the order of sync and start, as the kernel saw it"),
            ("J9", "a session that was being made as the machine died"),
            ("J10", "what was written and not synced is lost, or half of it"),
            ("J11", "later parts of a write arrive without the earlier ones"),
            ("J13", "two hosts at one log; what a command inherits"),
            ("J14", "the log is deleted, renamed or replaced under a host"),
            ("J15", "an older copy of the log is put back"),
            ("J16", "the clock jumps, the machine is suspended"),
            ("J17", "a disk that takes seconds for a sync"),
            (
                "J18",
                "line ends, control characters, bytes that are no text, and very long fields in a record",
            ),
            ("J19", "a log of a newer version"),
            ("J20", "a million records"),
            ("J21", "hardly any room on the disk before a start"),
            ("J22", "append, crash, open, repair, verify in any order, against a model"),
            ("J23", "writes of one byte, and interrupted ones"),
            ("J24", "no memory"),
        ],
    ),
    (
        "Tampering",
        &[
            ("T1", "the last records are cut off"),
            ("T2", "the whole log is written anew with a chain that fits"),
            ("T4", "the wrong key, no key, a key that has expired or is not valid yet"),
            ("T5", "a signature made for something else"),
            ("T6", "a step's output is edited afterwards"),
            ("T7", "counters at their end"),
        ],
    ),
    (
        "Crash and return",
        &[
            ("R1", "the host is killed while a destructive step runs"),
            ("R2", "the machine restarts while a step runs"),
            ("R3", "a kill between the record of a start and the start"),
            ("R5", "the runbook's file is edited in between"),
            ("R6", "what held before the crash is asked again"),
            ("R7", "the return is on another machine, by another user, from another directory"),
            ("R8", "a crash while checks are asked, an approval is waited for, a person is at work"),
            ("R9", "a hundred kills and returns in one walk"),
            ("R10", "two return at once"),
        ],
    ),
    (
        "Sessions and screens",
        &[
            ("S1", "a screen that stops reading, under a flood"),
            ("S2", "ssh dies, the network goes silent, the terminal is closed"),
            ("S3", "the last logout on a machine that then kills all processes"),
            ("S5", "something else stands at the socket's place"),
            ("S7", "garbage, halves, huge lengths, one byte a second, a thousand connections"),
            ("S8", "a screen and a host of different versions"),
            ("S9", "keys and sizes from somebody who only watches"),
            ("S10", "gigabytes of output, one line of a gigabyte, a million lines"),
            ("S11", "every signal to the host"),
            ("S12", "Ctrl-Z and back"),
            ("S13", "another environment at the return"),
        ],
    ),
    (
        "Processes",
        &[
            ("P1", "a command ends and leaves a process behind"),
            ("P2", "a command leaves its group, forks twice, closes everything"),
            ("P3", "a command that is deaf to TERM"),
            ("P5", "every way in which a command can end or not begin"),
            ("P6", "a command that asks somebody"),
            ("P7", "failures inside a script"),
            ("P8", "stops that come early, twice, late"),
            ("P9", "a timeout after the end"),
            ("P10", "what the host has open stays the host's"),
        ],
    ),
    (
        "Approval",
        &[
            ("A1", "one thing changes after the approval"),
            ("A2", "an approval is used a second time"),
            ("A3", "somebody approves their own start"),
            ("A4", "a script's file is swapped after the approval"),
            ("A6", "who approved leaves"),
            ("A7", "what is approved is long, wide, or the window small"),
            ("A8", "an environment that changes what commands do"),
            ("A9", "what was checked is gone by the time of the start"),
            ("A10", "a check that lies"),
            ("A11", "one of the list is missing, doubled, misspelt, one too many"),
            ("A12", "a day's wait, a suspended machine, a changed clock"),
            ("A14", "a refusal, then an approval; two who disagree; one who says it twice"),
            ("A15", "every interleaving of operator, second person, time and end"),
            ("A16", "an account that is not on the list, unknown, or gone"),
        ],
    ),
    (
        "Terminal and display",
        &[
            ("U1", "control sequences in everything that is shown"),
            ("U2", "letters that look like others, or change what is around them"),
            ("U3", "a panic, on any thread"),
            ("U4", "the screen's process is killed"),
            ("U5", "no terminal, a closed one, a full one, a tiny one, a storm of sizes"),
            ("U6", "what is exported does not act where it is opened"),
            ("U7", "a paste answers nothing"),
        ],
    ),
    (
        "Runbooks",
        &[
            ("Y1", "files made to take all time or memory"),
            ("Y2", "the same key twice"),
            ("Y4", "nothing in the file"),
            ("Y5", "a flag that is misspelt, quoted or in the wrong place"),
            ("Y6", "values that YAML would change"),
            ("Y7", "commands that YAML would cut"),
            ("Y8", "ids that are no names"),
            ("Y9", "requirements in a circle, of themselves, of what comes later"),
            ("Y10", "the file is a link, a pipe, a device, a directory, anybody's"),
            ("Y11", "what nobody would write"),
        ],
    ),
    (
        "Values and secrets",
        &[
            ("X1", "values that look like code"),
            ("X2", "templates in a script"),
            ("X3", "a secret among the arguments"),
            ("X5", "a secret in a trace, a core, a message"),
            ("X6", "a lax umask, a lax directory"),
            ("X7", "a key on the command line"),
        ],
    ),
];

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn sources(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

/// The words of a test's name, without the figures that it carries: `f_s1_` is the figure F-S1 and not the case S1.
fn words(name: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut all = name.split('_').peekable();
    while let Some(word) = all.next() {
        let is_figure = |next: &&str| next.len() == 2 && next.ends_with(|c: char| c.is_ascii_digit());
        if word == "f" && all.next_if(is_figure).is_some() {
            continue;
        }
        words.push(word);
    }
    words
}

/// The names of the tests in a file of Rust, those included that the list of points makes.
fn tests_of(text: &str) -> Vec<String> {
    let name = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let written = text.match_indices("#[test]").filter_map(|(at, _)| text[at..].split_once("fn "));
    let mut names: Vec<String> = written.map(|(_, rest)| name(rest)).collect();
    if let Some((_, points)) = text.split_once("\npoints! {\n") {
        let points = points.split("\n}").next().unwrap_or_default();
        names.extend(points.lines().map(|line| name(line.trim_start())));
    }
    names
}

/// The tests that carry an id, by that id in small letters, with the file they stand in.
fn tests_by_id() -> BTreeMap<String, Vec<(String, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    sources(&root.join("tests"), &mut files);
    files.sort();
    let mut found: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for path in files {
        let place = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        for name in tests_of(&text) {
            for word in words(&name) {
                found.entry(word.to_owned()).or_default().push((name.clone(), place.clone()));
            }
        }
    }
    // The many short cases of the format stand in files of their own, each with its heading.
    for file in std::fs::read_dir(root.join("tests/format/cases")).unwrap() {
        let path = file.unwrap().path();
        let place = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        for heading in
            std::fs::read_to_string(&path).unwrap().lines().filter_map(|line| line.strip_prefix("=== "))
        {
            let word = heading.split(' ').next().unwrap_or_default();
            found.entry(word.to_owned()).or_default().push((heading.to_owned(), place.clone()));
        }
    }
    found
}

/// The cases of which docs/reliability.md says why they cannot run: a row each, in the table that is headed so.
fn excused() -> Vec<String> {
    let page = read("docs/reliability.md");
    let Some((_, part)) = page.split_once("## What cannot be tried here") else { return Vec::new() };
    let part = part.split("\n## ").next().unwrap_or_default();
    part.lines().filter_map(|line| Some(line.strip_prefix("| ")?.split(' ').next()?.to_owned())).collect()
}

#[test]
fn every_fault_of_the_list_has_a_test_or_a_reason() {
    let (tests, excused) = (tests_by_id(), excused());
    let without: Vec<&str> = FAMILIES
        .iter()
        .flat_map(|(_, cases)| cases.iter().map(|(id, _)| *id))
        .filter(|id| !tests.contains_key(&id.to_lowercase()) && !excused.iter().any(|other| other == id))
        .collect();
    assert!(without.is_empty(), "neither a test nor a reason: {without:?}");
}

#[test]
fn f_p2_every_row_of_the_track_record_names_a_test_that_is_there() {
    let page = read("docs/reliability.md");
    let record = page.split_once("## What found our bugs").unwrap().1.split("\n## ").next().unwrap();
    let rows: Vec<&str> = record.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() > 40, "{} rows", rows.len());
    let all: Vec<String> = tests_by_id().into_values().flatten().map(|(name, _)| name).collect();
    for row in &rows {
        let held = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let mut names = held.split('`').skip(1).step_by(2).peekable();
        // What a benchmark was wrong about it asserts itself.
        assert!(names.peek().is_some() || held.contains("benchmark"), "no test in: {row}");
        for name in names {
            assert!(all.iter().any(|test| test.contains(name)), "there is no test `{name}`: {row}");
        }
    }
    for seed in read("tests/simulator/kept.txt").lines().filter(|line| !line.starts_with('#')) {
        let (seed, what) = seed.split_once(" | ").unwrap();
        assert!(
            what.contains("(of the simulator)")
                || rows.iter().any(|row| row.contains(&format!("seed {seed}"))),
            "the kept seed {seed} has no row"
        );
    }
}

#[test]
fn the_list_of_faults_is_of_todays_tests() {
    let (tests, excused) = (tests_by_id(), excused());
    let mut page = String::from(
        "# What may go wrong, and what holds it\n\nMade by `tests/it/faults.rs` from the names of the tests (`UPDATE_DOCS=1 cargo nextest run -E 'test(list_of_faults)'`).\n\
         One case by its id: `cargo nextest run --features failpoints -E 'test(/(^|_|:)j4_/)'`. Figures and what cannot be tried: [reliability.md](reliability.md).\n",
    );
    for (family, cases) in FAMILIES {
        let _ = write!(page, "\n## {family}\n\n| | what goes wrong | held by |\n|---|---|---|\n");
        for (id, what) in cases {
            let mut held: Vec<String> = tests
                .get(&id.to_lowercase())
                .into_iter()
                .flatten()
                .map(|(name, place)| format!("`{name}` ({place})"))
                .collect();
            if excused.iter().any(|other| other == id) {
                held.push("in part, or not here: [why](reliability.md#what-cannot-be-tried-here)".to_owned());
            }
            let _ = writeln!(page, "| {id} | {what} | {} |", held.join("<br>"));
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == page, "docs/faults.md is not of today's tests: UPDATE_DOCS=1 writes it anew");
}
