//! A place of its own for one test: sessions, files, an environment in which nothing of the machine's owner passes.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use super::processes::{everything_of, kill};
use super::{Session, until};

/// The program under test.
pub(crate) const ONBELAY: &str = env!("CARGO_BIN_EXE_onbelay");

/// A temporary directory with `state` (the sessions) and `work` (where the verbs are called). Ends, when it is
/// dropped, whatever still runs on behalf of its sessions.
pub(crate) struct Home {
    dir: TempDir,
    env: Vec<(OsString, OsString)>,
}

/// How a verb ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Where a program that counts its branches (`tests/branches`) writes what it counted.
pub(crate) fn counted() -> Option<(String, String)> {
    let name = "LLVM_PROFILE_FILE";
    std::env::var(name).ok().map(|file| (name.to_owned(), file))
}

impl Home {
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("onbelay-it-").tempdir().unwrap();
        std::fs::create_dir(dir.path().join("work")).unwrap();
        Self { dir, env: Vec::new() }
    }

    /// Adds a variable to the environment of every call from here on.
    pub(crate) fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.set(name, value);
        self
    }

    pub(crate) fn set(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.into(), value.as_ref().to_owned()));
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.env.retain(|(known, _)| known != name);
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// A path in the working directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("work").join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The program, ready to be called with these words.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, words: &[S]) -> Command {
        let mut command = Command::new(ONBELAY);
        command.args(words).env_clear().current_dir(self.path("")).envs(self.variables());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn variables(&self) -> Vec<(OsString, OsString)> {
        let mut variables: Vec<(OsString, OsString)> = vec![
            ("PATH".into(), std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into())),
            ("HOME".into(), self.dir.path().into()),
            ("LANG".into(), "C.UTF-8".into()),
            ("ONBELAY_HOME".into(), self.state().into()),
        ];
        variables.extend(counted().map(|(name, file)| (name.into(), file.into())));
        variables.extend(self.env.clone());
        variables
    }

    /// Calls the program with nothing on stdin and waits for its end.
    pub(crate) fn call<S: AsRef<OsStr>>(&self, words: &[S]) -> Ran {
        Ran::of(&self.command(words).output().unwrap())
    }

    /// As `call`, with `input` on stdin.
    pub(crate) fn call_with(&self, words: &[&str], input: &[u8]) -> Ran {
        let mut child = self.command(words).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // One that ends without reading breaks the pipe; what it says is looked at by the caller.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        Ran::of(&output)
    }

    /// Writes a runbook and starts a session of it.
    pub(crate) fn start(&self, yaml: &str) -> Session<'_> {
        self.start_with(yaml, &[])
    }

    /// As `start`, with more words: `-p`, `name=value`.
    pub(crate) fn start_with(&self, yaml: &str, more: &[&str]) -> Session<'_> {
        let file = self.write("runbook.yaml", yaml);
        self.start_file(&file, more)
    }

    pub(crate) fn start_file(&self, file: &Path, more: &[&str]) -> Session<'_> {
        let mut words = vec!["start", file.to_str().unwrap()];
        words.extend(more);
        let ran = self.call(&words).expect(0);
        let id = ran.stdout.trim().to_owned();
        assert!(!id.is_empty() && !id.contains(char::is_whitespace), "not an id: {id:?}");
        Session::new(self, id)
    }

    /// The directories of all sessions here; one that is still being made is none yet.
    pub(crate) fn sessions(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.state()) else { return Vec::new() };
        let mut found: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| !path.file_name().unwrap().as_bytes().starts_with(b"."))
            .filter(|path| path.join("journal.jsonl").is_file())
            .collect();
        found.sort();
        found
    }

    /// The only session here: one that a screen has started.
    pub(crate) fn only_session(&self) -> Session<'_> {
        let dir = until("a session", || self.sessions().pop());
        Session::new(self, dir.file_name().unwrap().to_str().unwrap().to_owned())
    }
}

impl Home {
    /// SIGKILL to every process that runs on behalf of a session here.
    pub(crate) fn kill_everything(&self) {
        // One may be about to start another: look again until nothing is left.
        for _ in 0..200 {
            let left = everything_of(self.dir.path());
            if left.is_empty() {
                return;
            }
            for pid in left {
                kill(pid);
            }
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.kill_everything();
    }
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Asserts the exit status.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that both what it answered and what it told are free of control characters but the newline.
    #[track_caller]
    pub(crate) fn clean(self) -> Self {
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if let Some(bad) = text.chars().find(|c| c.is_control() && *c != '\n') {
                panic!("{bad:?} on {name}: {text:?}");
            }
        }
        self
    }

    /// Everything it said.
    pub(crate) fn said(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }

    #[track_caller]
    pub(crate) fn says(self, part: &str) -> Self {
        assert!(self.said().contains(part), "{part:?} is not in:\n{}", self.said());
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stdout))
    }
}
