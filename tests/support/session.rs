//! One session, asked through the verbs and read from its directory.

use std::path::PathBuf;

use serde_json::Value;

use super::processes::{Pid, has_ended, kill};
use super::{Home, Ran, until};

/// A session of a [`Home`].
pub(crate) struct Session<'a> {
    home: &'a Home,
    pub(crate) id: String,
}

impl<'a> Session<'a> {
    pub(crate) fn new(home: &'a Home, id: String) -> Self {
        Self { home, id }
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.home.state().join(&self.id)
    }

    /// `onbelay do SESSION …`
    pub(crate) fn act(&self, words: &[&str]) -> Ran {
        let mut all = vec!["do", self.id.as_str()];
        all.extend(words);
        self.home.call(&all)
    }

    /// `onbelay VERB SESSION …`
    pub(crate) fn call(&self, verb: &str, words: &[&str]) -> Ran {
        let mut all = vec![verb, self.id.as_str()];
        all.extend(words);
        self.home.call(&all)
    }

    pub(crate) fn status(&self) -> Value {
        self.call("status", &["--json"]).expect(0).json()
    }

    /// The state of a step, from `status --json`.
    #[track_caller]
    pub(crate) fn step(&self, id: &str) -> String {
        find(&self.status()["steps"], id)["state"].as_str().unwrap().to_owned()
    }

    /// The state of a check, from `status --json`.
    #[track_caller]
    pub(crate) fn check(&self, id: &str) -> String {
        find(&self.status()["checks"], id)["state"].as_str().unwrap().to_owned()
    }

    /// What a step's gate says of `id`: met, and why not.
    #[track_caller]
    pub(crate) fn gate(&self, step: &str, id: &str) -> (bool, String) {
        let status = self.status();
        let row = find(&find(&status["steps"], step)["gate"], id).clone();
        (row["met"].as_bool().unwrap(), row["why"].as_str().unwrap_or_default().to_owned())
    }

    /// Every whole record of the journal.
    pub(crate) fn journal(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.dir().join("journal.jsonl")).unwrap();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The records of one kind.
    pub(crate) fn records(&self, event: &str) -> Vec<Value> {
        self.journal().into_iter().filter(|record| record["event"] == event).collect()
    }

    /// Waits for a record: what is on disk, not what somebody says.
    #[track_caller]
    pub(crate) fn wait_for(&self, event: &str) -> Value {
        self.wait_for_where(event, |_| true)
    }

    #[track_caller]
    pub(crate) fn wait_for_where(&self, event: &str, fits: impl Fn(&Value) -> bool) -> Value {
        until(&format!("a record {event}"), || self.records(event).into_iter().find(|record| fits(record)))
    }

    /// The host that took the journal last.
    pub(crate) fn host(&self) -> Pid {
        let record = self.records("host_started").pop().unwrap();
        pid(&record["pid"])
    }

    /// The runner of an attempt, once it has taken it.
    pub(crate) fn runner(&self, attempt: u32) -> Pid {
        let file = self.dir().join("attempts").join(attempt.to_string()).join("start.json");
        until(&format!("{}", file.display()), || {
            let start: Value = serde_json::from_slice(&std::fs::read(&file).ok()?).ok()?;
            Some(pid(&start["runner"]["pid"]))
        })
    }

    /// SIGKILL to the host; returns when it is gone.
    pub(crate) fn kill_host(&self) {
        let host = self.host();
        kill(host);
        has_ended(host);
    }

    /// What an attempt wrote.
    pub(crate) fn output(&self, attempt: u32) -> Vec<u8> {
        std::fs::read(self.dir().join("attempts").join(attempt.to_string()).join("output"))
            .unwrap_or_default()
    }

    /// Asserts that the whole session proves itself.
    #[track_caller]
    pub(crate) fn verifies(&self) {
        self.call("verify", &[]).expect(0);
    }
}

fn pid(value: &Value) -> Pid {
    Pid::from_raw(i32::try_from(value.as_i64().unwrap_or_else(|| panic!("no pid: {value}"))).unwrap())
        .unwrap()
}

/// The row with this id.
#[track_caller]
pub(crate) fn find<'v>(rows: &'v Value, id: &str) -> &'v Value {
    rows.as_array()
        .and_then(|rows| rows.iter().find(|row| row["id"] == id))
        .unwrap_or_else(|| panic!("no {id} in {rows:#}"))
}
