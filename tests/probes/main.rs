//! The built-in probes over the real binary and a real machine: files held open, disks, mounts that answer and one that
//! never does. Each is asked by `onbelay check`, and must answer soon, in clear words, and never with a pass it cannot know.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod bad_input;
mod machine;
mod storage;
#[path = "../support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "shared with the other black-box tests, which use more of it")]
mod support;
mod users;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use support::Home;

/// The program under test.
const ONBELAY: &str = env!("CARGO_BIN_EXE_onbelay");

/// How long an answer may take that needs no storage which is slow. Never waited for when all is well.
const SOON: Duration = Duration::from_secs(20);

/// An answer: its verdict and its sentence, with the directory of the test cut out of it.
type Said = (String, String);

/// What is expected, as [`ask`] tells it.
fn said(state: &str, detail: &str) -> Said {
    (state.to_owned(), detail.to_owned())
}

/// Asks one probe. `fields` is the inside of a YAML flow map; relative paths count from the test's directory.
fn ask(home: &Home, probe: &str, fields: &str) -> Said {
    let mut all = ask_all(home, &[("c", probe, fields)], "");
    all.remove("c").unwrap()
}

/// Asks several at once, each by a name; `more` goes into every check. All values are texts of a parameter, so that
/// the probes get what the reading of a runbook would refuse.
fn ask_all(home: &Home, asked: &[(&str, &str, &str)], more: &str) -> BTreeMap<String, Said> {
    let file = home.write("asked.yaml", &runbook(asked, more));
    let mut command = Command::new(ONBELAY);
    command.args(["check", file.to_str().unwrap(), "--json"]);
    command.env_clear().envs(home.variables()).current_dir(home.path(""));
    answers(home, &mut command)
}

fn runbook(asked: &[(&str, &str, &str)], more: &str) -> String {
    let mut text = "onbelay: 1\ntitle: t\nparams: { empty: { default: '' } }\nchecks:\n".to_owned();
    let mut names = Vec::new();
    for (name, probe, fields) in asked {
        writeln!(text, "  {name}: {{ {more} {probe}: {{ {fields} }} }}").unwrap();
        names.push(*name);
    }
    text + &format!("steps: [{{ title: x, run: x, requires: [{}] }}]\n", names.join(", "))
}

fn answers(home: &Home, command: &mut Command) -> BTreeMap<String, Said> {
    let began = Instant::now();
    let ran = command.output().unwrap();
    assert!(began.elapsed() < SOON, "it took {:?}", began.elapsed());
    let text = String::from_utf8_lossy(&ran.stdout);
    let answers: serde_json::Value = serde_json::from_str(&text)
        .unwrap_or_else(|e| panic!("{e}: {text}{}", String::from_utf8_lossy(&ran.stderr)));
    let here = home.path("").to_str().unwrap().to_owned();
    let read = |check: &serde_json::Value| {
        let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
        (text("id"), (text("state"), text("detail").replace(&here, "")))
    };
    answers["checks"].as_array().unwrap().iter().map(read).collect()
}
