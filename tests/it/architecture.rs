//! Holds the map of the house against its source text: who uses whom, and how each room is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Rooms that everybody may use: they know nobody.
const OPEN: [&str; 3] = ["id", "text", "time"];

/// What only shells may use besides: the clocks, the points at which a test ends a process, the giving of files, and files
/// that are there whole or not at all.
const SHELL_TOOLS: [&str; 4] = ["access", "clock", "draft", "failpoint"];

/// Who may use whom, besides.
const ARROWS: [(&str, &[&str]); 16] = [
    ("time", &[]),
    ("id", &[]),
    ("text", &[]),
    ("emulator", &[]),
    ("runbook", &[]),
    ("session", &["runbook"]),
    ("lint", &["session", "runbook"]),
    ("report", &["session", "runbook"]),
    ("wire", &["session", "runbook"]),
    ("journal", &["session", "runbook"]),
    ("history", &["session", "runbook", "journal"]),
    // A check's script is started as a step's is: the same launching, the same covering of secrets.
    ("probe", &["runbook", "session", "process"]),
    ("process", &["session", "runbook", "emulator"]),
    ("host", &["session", "runbook", "journal", "probe", "process", "wire"]),
    ("client", &["wire", "session"]),
    ("tui", &["client", "wire", "session", "runbook", "emulator"]),
];

/// Rooms that read no clock, no disk and no environment.
const PURE: [&str; 9] = ["emulator", "id", "lint", "report", "runbook", "session", "text", "time", "wire"];

/// Where a test may let time pass, how often, and why: no test sleeps and hopes that something has happened meanwhile.
const PAUSES: [(&str, usize, &str); 6] = [
    ("tests/it/floods.rs", 1, "between two notes of somebody who floods"),
    ("tests/it/process.rs", 1, "between two looks for a named event"),
    ("tests/it/sizes.rs", 2, "between two looks at a thread; before somebody asks a second time"),
    ("tests/support/mod.rs", 1, "`until`: between two looks for a named event"),
    ("tests/support/processes.rs", 1, "between two looks at what its threads do"),
    ("tests/support/screen.rs", 1, "one Enter sooner after another is taken for a slip of the finger"),
];

/// Ways to let time pass, which are taken apart here so that they are not found here.
const WAYS_TO_PAUSE: [&str; 4] = [
    concat!("thread::", "sleep"),
    concat!("park_", "timeout"),
    concat!("nano", "sleep"),
    concat!("sleep_", "until"),
];

/// Where a script of a test lets time pass, how often, and why. Not those that wait for a named event (`until …; do sleep …`),
/// nor those that would outlast the test: they stand for a command that does not end.
const PAUSES_OF_SCRIPTS: [(&str, usize, &str); 4] = [
    (
        "tests/it/looking.rs",
        1,
        "how long a check holds a file open beside another: whether they met is read from the log",
    ),
    ("tests/it/order.rs", 2, "a command that stands there until it is stopped"),
    ("tests/it/process.rs", 2, "a command, or what it left, that stands there until it is stopped"),
    ("tests/it/pulse.rs", 2, "what a step and a check took is what the test is about"),
];

/// Seconds that no test waits for.
const FOR_EVER: f64 = 600.0;

struct Source {
    path: PathBuf,
    /// `session` of `src/session/gate.rs`.
    room: String,
    text: String,
    /// The text without its tests and comments.
    code: String,
}

fn sources() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&src, &mut files);
    files
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let first = path.strip_prefix(&src).unwrap().components().next().unwrap();
            let room = first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned();
            let code = code_of(&path, &text);
            Source { path: path.strip_prefix(src.parent().unwrap()).unwrap().to_owned(), room, text, code }
        })
        .collect()
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

/// What is compiled into the program: no comments, and nothing from the module of tests on, which stands last.
fn code_of(path: &Path, text: &str) -> String {
    if is_test(path) {
        return String::new();
    }
    let end = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
    let lines = text[..end].lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| {
        matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs" | "fixture.rs" | "bench.rs"))
    })
}

/// Every word after `prefix` in the text; of `{a, b::c}` each first word.
fn words_after<'t>(code: &'t str, prefix: &str) -> BTreeSet<&'t str> {
    let word = |text: &'t str| -> &'t str {
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        &text[..end]
    };
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let mut depth = 0_u32;
        let mut begins = true;
        for (i, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                c if begins && (c.is_alphabetic() || c == '_') => {
                    found.insert(word(&list[i..]));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn rooms_use_only_the_rooms_they_may() {
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.into_iter().collect();
    let mut wrong = Vec::new();
    for source in sources() {
        // The command line may use all; the door and the map are no rooms; the tools know nobody.
        let Some(may) = arrows.get(source.room.as_str()) else {
            assert!(
                ["cli", "main", "lib", "access", "clock", "draft", "failpoint"]
                    .contains(&source.room.as_str()),
                "{}: a room without arrows",
                source.path.display()
            );
            continue;
        };
        let shell = !PURE.contains(&source.room.as_str());
        for used in words_after(&source.code, "crate::") {
            let fine = used == source.room
                || OPEN.contains(&used)
                || may.contains(&used)
                || (shell && SHELL_TOOLS.contains(&used));
            if !fine {
                wrong.push(format!("{} uses {used}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn pure_rooms_reach_for_nothing_outside() {
    let banned = [
        "std::fs",
        "std::env",
        "std::net",
        "std::process",
        "std::thread",
        "SystemTime",
        "Instant::",
        "Utc::now",
        "rustix::",
        "nix::",
    ];
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| PURE.contains(&source.room.as_str())) {
        for word in banned.iter().filter(|word| source.code.contains(**word)) {
            wrong.push(format!("{} has {word}", source.path.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn one_room_alone_names_serde_yaml() {
    let named: Vec<_> = sources()
        .into_iter()
        .filter(|source| source.code.contains("serde_yaml") && !source.path.starts_with("src/runbook/parse"))
        .filter(|source| source.path != Path::new("src/runbook/parse.rs"))
        .map(|source| source.path)
        .collect();
    assert!(named.is_empty(), "{named:?}");
}

#[test]
fn only_the_gate_makes_a_permit() {
    let makers: BTreeSet<_> = sources()
        .into_iter()
        .filter(|source| {
            source
                .code
                .lines()
                .any(|line| line.contains("Permit {") && !line.contains("struct") && !line.contains("impl"))
        })
        .map(|source| source.path)
        .collect();
    assert!(makers.iter().all(|path| path == Path::new("src/session/gate.rs")), "{makers:?}");
}

#[test]
fn one_pen_alone_writes_to_the_terminal() {
    let ways = ["stdout()", "print!(", "println!("];
    let mut found = BTreeSet::new();
    for source in sources().iter().filter(|source| source.room == "tui") {
        // Asking it something, its size or whether it is one, is not writing.
        let code = source
            .code
            .replace("tcgetwinsize(rustix::stdio::stdout())", "")
            .replace("stdout().is_terminal()", "");
        if ways.iter().any(|way| code.contains(way)) {
            found.insert(source.path.to_str().unwrap().to_owned());
        }
    }
    assert_eq!(
        Vec::from_iter(found),
        ["src/tui/terminal/pen.rs"],
        "what is written past it would fall into a picture"
    );
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    let silent: Vec<_> =
        sources().into_iter().filter(|s| !s.text.starts_with("//!")).map(|s| s.path).collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn nothing_is_silenced_without_a_reason_and_nothing_is_left_undone() {
    let mut wrong = Vec::new();
    for source in sources() {
        for mark in ["#[allow", "#![allow", "todo!(", "unimplemented!(", "dbg!("] {
            if source.text.contains(mark) {
                wrong.push(format!("{} has {mark}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_room_is_too_large_to_live_in() {
    let large: Vec<_> = sources()
        .into_iter()
        .map(|source| (source.text.lines().count(), source.path))
        .filter(|(lines, _)| *lines > 600)
        .collect();
    assert!(large.is_empty(), "{large:?}");
}

#[test]
fn f_p3_no_test_sleeps_but_where_it_is_said_why() {
    let mut found = BTreeMap::new();
    for (path, text) in texts_of_tests() {
        let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
        let pauses = code.filter(|line| WAYS_TO_PAUSE.iter().any(|way| line.contains(way))).count();
        if pauses > 0 {
            found.insert(path, pauses);
        }
    }
    let named: BTreeMap<String, usize> =
        PAUSES.iter().map(|(path, times, _)| ((*path).to_owned(), *times)).collect();
    println!(
        "F-P3: {} places where a test lets time pass, in {} files, each with its reason",
        found.values().sum::<usize>(),
        found.len()
    );
    assert_eq!(found, named, "wait for a named event (`until`), or say here why a test lets time pass");
}

#[test]
fn f_p3_no_script_of_a_test_sleeps_but_where_it_is_said_why() {
    let mut found = BTreeMap::new();
    for (path, text) in texts_of_tests() {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let pauses: usize = code.map(pauses_of_script).sum();
        // The forms below are here to be read, not to be run.
        if pauses > 0 && path != "tests/it/architecture.rs" {
            found.insert(path, pauses);
        }
    }
    let named: BTreeMap<String, usize> =
        PAUSES_OF_SCRIPTS.iter().map(|(path, times, _)| ((*path).to_owned(), *times)).collect();
    println!(
        "F-P3: {} places where a script of a test lets time pass, in {} files, each with its reason",
        found.values().sum::<usize>(),
        found.len()
    );
    assert_eq!(found, named, "let the script wait for a named event, or say here why it lets time pass");
}

/// How often a script in this line lets time pass and waits for nothing.
fn pauses_of_script(line: &str) -> usize {
    let is_pause = |(at, _): &(usize, &str)| {
        let before = &line[..*at];
        let is_command = !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        let rest = &line[at + "sleep ".len()..];
        let word = rest.split(|c: char| !(c.is_ascii_digit() || c == '.')).next().unwrap_or_default();
        // A length that is no number may be any.
        let length = if rest.starts_with('$') { Some(0.0) } else { word.trim_end_matches('.').parse().ok() };
        is_command && length.is_some_and(|length: f64| length < FOR_EVER) && !waits_for_something(before)
    };
    line.match_indices("sleep ").filter(is_pause).count()
}

/// Does a script go on here in a loop that ends with something in particular? `before`: what comes before in its line.
fn waits_for_something(before: &str) -> bool {
    let Some(at) = ["until ", "while "].iter().filter_map(|word| before.rfind(word)).max() else {
        return false;
    };
    let in_loop = &before[at..];
    let Some((condition, body)) = in_loop.split_once("; do ") else { return false };
    let condition = condition.split_once(' ').map_or("", |(_, condition)| condition.trim());
    !body.contains("done") && !matches!(condition, ":" | "true")
}

/// Every file of tests, and of each file of the program its tests.
fn texts_of_tests() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    walk(&root.join("tests"), &mut files);
    walk(&root.join("src"), &mut files);
    let texts = files.into_iter().map(|path| {
        let text = std::fs::read_to_string(&path).unwrap();
        let path = path.strip_prefix(root).unwrap();
        let from = if is_test(path) { Some(0) } else { text.find("#[cfg(test)]\nmod ") };
        (path.to_str().unwrap().to_owned(), from.map_or_else(String::new, |from| text[from..].to_owned()))
    });
    texts.collect()
}

#[test]
fn the_reader_of_scripts_sees_every_form_of_a_pause() {
    for (line, pauses) in [
        ("run: sleep 2", 1),
        ("run: 'sleep 0.5; sleep $n'", 2),
        ("until [ -e go ]; do sleep 0.02; done", 0),
        ("while ! test -e go; do i=$((i+1)); sleep 0.02; done", 0),
        ("until test -e go; do sleep 0.05; done; sleep 1.1", 1),
        ("while :; do sleep 0.2; done", 1),
        ("exec sleep 600", 0),
        ("asleep 5, sleep apart, usleep 5", 0),
    ] {
        assert_eq!(pauses_of_script(line), pauses, "{line}");
    }
}

#[test]
fn the_reader_of_arrows_sees_every_form_of_use() {
    let code = "use crate::host::Host; use crate::{wire, cli::{args, exit}, id as names}; fn f() { crate::tui::run() }";
    let found: Vec<_> = words_after(code, "crate::").into_iter().collect();
    assert_eq!(found, ["cli", "host", "id", "tui", "wire"]);
}
