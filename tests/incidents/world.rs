//! What the worlds are made of: a command that must succeed, a free port, a server that is up, and what has to be taken
//! back however a test ends. Knows no incident.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::Pid;
use serde_json::Value;

use crate::support::{Home, Session, kill, until};

/// A bundled runbook.
pub(crate) fn bundled(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks").join(name)
}

/// Starts a session of a runbook with these values, `name=value` each; a list takes one pair an item.
#[track_caller]
pub(crate) fn walk<'a>(home: &'a Home, runbook: &Path, values: &[String]) -> Session<'a> {
    let words: Vec<&str> = values.iter().flat_map(|pair| ["-p", pair.as_str()]).collect();
    home.start_file(runbook, &words)
}

/// Every automatic check, asked once without a session, by `onbelay check`. Some do not hold.
#[track_caller]
pub(crate) fn checked(home: &Home, runbook: &Path, values: &[String]) -> Value {
    let mut words = vec!["check", runbook.to_str().unwrap(), "--json"];
    words.extend(values.iter().flat_map(|pair| ["-p", pair.as_str()]));
    home.call(&words).expect(1).json()
}

/// Would this check keep this hold point shut, of what [`checked`] said?
#[track_caller]
pub(crate) fn closed_by(said: &Value, step: &str, check: &str) {
    let row = said["hold_points"].as_array().unwrap().iter().find(|row| row["step"] == step).unwrap();
    assert!(row["closed_by"].as_array().unwrap().contains(&check.into()), "{row}");
}

/// A command that must succeed; what it printed, trimmed.
#[track_caller]
pub(crate) fn must<S: AsRef<OsStr>>(program: &str, words: &[S]) -> String {
    must_run(Command::new(program).args(words))
}

/// As [`must`], of a command that needs a directory or an environment of its own.
#[track_caller]
pub(crate) fn must_run(command: &mut Command) -> String {
    let out = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let (said, told) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{command:?}: {}\n--- stdout\n{said}\n--- stderr\n{told}", out.status);
    said.trim().to_owned()
}

/// A port on loopback that nobody has at this moment. A server that can choose one itself (port 0) had better do so.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// A server of a world, in the foreground. It ends, with all that it started, when it is dropped.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts it; what it says goes to `log`.
    #[track_caller]
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let out = std::fs::File::create(log).unwrap();
        let told = out.try_clone().unwrap();
        let child = command.stdin(Stdio::null()).stdout(out).stderr(told).spawn();
        Self { child: child.unwrap_or_else(|e| panic!("{command:?}: {e}")), log: log.to_owned() }
    }

    /// Waits until `found` finds something; one that ends before has failed.
    #[track_caller]
    pub(crate) fn wait<T>(&mut self, what: &str, mut found: impl FnMut() -> Option<T>) -> T {
        until(what, || {
            let found = found();
            if found.is_none()
                && let Some(end) = self.child.try_wait().unwrap()
            {
                panic!("{what}: the server ended before ({end}):\n{}", self.said());
            }
            found
        })
    }

    /// Waits until somebody can connect to `port` on loopback.
    #[track_caller]
    pub(crate) fn wait_for_port(&mut self, port: u16) {
        self.wait(&format!("an answer on port {port}"), || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok().map(drop)
        });
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let started = descendants(self.pid());
        let _ = self.child.kill();
        let _ = self.child.wait();
        for pid in started {
            kill(pid);
        }
    }
}

/// All that a process has started and that still runs, children first.
fn descendants(of: Pid) -> Vec<Pid> {
    let file = format!("/proc/{pid}/task/{pid}/children", pid = of.as_raw_nonzero());
    let children = std::fs::read_to_string(file).unwrap_or_default();
    let children: Vec<Pid> =
        children.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect();
    children.iter().copied().chain(children.iter().flat_map(|child| descendants(*child))).collect()
}

/// A command that takes something back (a mount, a loop device), run when this is dropped, whether it is still needed or
/// not. Declare it after what it must come before: what is declared last is dropped first.
pub(crate) struct TakeBack(Command);

impl TakeBack {
    pub(crate) fn with<S: AsRef<OsStr>>(program: &str, words: &[S]) -> Self {
        let mut command = Command::new(program);
        command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command)
    }
}

impl Drop for TakeBack {
    fn drop(&mut self) {
        let _ = self.0.status();
    }
}
