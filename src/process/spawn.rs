//! Starting the runner of an attempt. SHELL.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::access;
use crate::id::ValueName;
use crate::runbook::values::ScriptCall;
use crate::session::gate::Permit;
use crate::session::state::StartRecord;
use crate::session::{Ended, Outcome};

use super::spec::{Bytes, RunnerSpec};
use super::{HostSide, Runner, attempt_dir, claim, environment, terminal};

/// Starts the command that the permit is for, and uses the permit up; `of` is the record of that start. When this fails nothing was started, and the
/// error is how the attempt ended ([`Outcome::NotStarted`]).
pub fn start(permit: Permit, of: StartRecord, host: &HostSide<'_>) -> Result<Runner, Box<Ended>> {
    let dir = attempt_dir(host.session_dir, permit.attempt(), permit.item().map(|(index, _)| *index));
    let spec = spec_of(&permit, of, host).map_err(|why| Box::new(not_started(why)))?;
    drop(permit);
    launch(host.program, host.session_dir, &dir, &spec).map_err(|why| Box::new(not_started(why)))
}

/// How an attempt ended that never began.
pub(super) fn not_started(why: String) -> Ended {
    Ended {
        outcome: Outcome::NotStarted { why },
        took: 0,
        output_bytes: 0,
        output_sha256: None,
        captured: None,
        not_captured: None,
        wanted_terminal: false,
        left: vec![],
    }
}

fn spec_of(permit: &Permit, of: StartRecord, host: &HostSide<'_>) -> Result<RunnerSpec, String> {
    Ok(RunnerSpec {
        timeout_ms: permit.timeout().map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)),
        umask: host.umask,
        separate_stdout: permit.separate_stdout(),
        share: host.share,
        terminal: permit.interactive(),
        of: Some(of),
        ..command_spec(permit.call(), host.base_dir, host.environment, host.secrets)?
    })
}

/// What starts a call as it stands: no timeout, streams together, secrets to be covered. The error is a sentence.
pub fn command_spec(
    call: &ScriptCall,
    base_dir: &Path,
    starter: &BTreeMap<String, OsString>,
    secrets: &BTreeMap<ValueName, String>,
) -> Result<RunnerSpec, String> {
    let full = environment::full(starter, call, secrets)?;
    let dir = call.dir.as_ref().map_or_else(|| base_dir.to_owned(), |dir| base_dir.join(dir));
    Ok(RunnerSpec {
        argv: call.argv.iter().map(Bytes::from).collect(),
        env: full.variables.iter().map(|(name, value)| (Bytes::from(name), Bytes::from(value))).collect(),
        dir: Bytes::from(&dir),
        timeout_ms: None,
        umask: 0o022,
        separate_stdout: false,
        // All that are known: a command that was given one may well find another.
        cover: if full.has_secret { secrets.values().cloned().collect() } else { vec![] },
        share: None,
        terminal: false,
        of: None,
    })
}

/// Starts a runner in the attempt's directory and tells it what to run.
fn launch(program: &Path, session_dir: &Path, dir: &Path, spec: &RunnerSpec) -> Result<Runner, String> {
    if claim::is_taken(dir) {
        // Its outcome would be taken for this one's.
        let place = dir.strip_prefix(session_dir).unwrap_or(dir).display();
        return Err(format!(
            "{place} is there already, from a start that this log knows nothing of: the log may be an older copy that was put \
             back. Look there what was done before you start it again"
        ));
    }
    access::make_dirs(session_dir, dir, spec.share)
        .map_err(|e| format!("the directory {} cannot be made: {e}", dir.display()))?;
    if spec.terminal {
        terminal::make(dir).map_err(|e| format!("the way into its terminal cannot be made: {e}"))?;
    }
    let text = serde_json::to_vec(spec).map_err(|e| format!("its runner cannot be told what to run: {e}"))?;
    let mut child = spawn(program, dir).map_err(|e| format!("its runner cannot be started: {e}"))?;
    if let Some(mut orders) = child.stdin.take() {
        // A runner that is gone already says why when it is waited for.
        let _ = orders.write_all(&text);
    }
    Ok(Runner::started(dir, child))
}

fn spawn(program: &Path, dir: &Path) -> io::Result<Child> {
    let mut command = Command::new(program);
    command.arg0("onbelay").arg("runner").arg(dir).env_clear().current_dir("/");
    // Named points for tests: the command's own environment never holds this.
    #[cfg(feature = "failpoints")]
    command.envs(std::env::var_os("ONBELAY_FAILPOINT").map(|points| ("ONBELAY_FAILPOINT", points)));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::session::recover::Found;

    fn stand_in(dir: &Path, script: &str) -> std::path::PathBuf {
        let path = dir.join("stand-in");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        path
    }

    fn spec() -> RunnerSpec {
        RunnerSpec {
            argv: vec![Bytes::from("true")],
            env: vec![(Bytes::from("SECRET"), Bytes::from("hunter2"))],
            dir: Bytes::from("/"),
            timeout_ms: None,
            umask: 0o22,
            separate_stdout: false,
            cover: vec!["hunter2".to_owned()],
            share: None,
            terminal: false,
            of: None,
        }
    }

    #[test]
    fn the_orders_go_through_a_pipe_and_into_no_file_or_argument() {
        let dir = tempfile::tempdir().unwrap();
        let told = dir.path().join("told");
        let program = stand_in(dir.path(), &format!("cat >'{}'; echo \"$@\" $(env) >&2", told.display()));
        let attempt = attempt_dir(dir.path(), 7, Some(2));
        let runner = launch(&program, dir.path(), &attempt, &spec()).unwrap();
        let Found::Ended(ended) = runner.wait() else { panic!("a stand-in leaves no outcome") };
        let Outcome::NotStarted { why } = ended.outcome else { panic!("{ended:?}") };
        assert!(why.starts_with(&format!("runner {}", attempt.display())), "{why}");
        assert!(!why.contains("hunter2") && !why.contains("HOME="), "{why}");
        assert!(serde_json::from_slice::<RunnerSpec>(&std::fs::read(told).unwrap()).unwrap() == spec());
        assert_eq!(std::fs::metadata(&attempt).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn j15_where_an_attempt_was_once_no_other_one_begins() {
        let dir = tempfile::tempdir().unwrap();
        let program = stand_in(dir.path(), "exit 0");
        for left in ["start.json", "outcome.json"] {
            let attempt = dir.path().join("attempts").join(left);
            std::fs::create_dir_all(&attempt).unwrap();
            // Made, and nothing in it: nobody was here.
            assert!(launch(&program, dir.path(), &attempt, &spec()).is_ok());
            std::fs::write(attempt.join(left), "{}").unwrap();
            let why = launch(&program, dir.path(), &attempt, &spec()).unwrap_err();
            assert!(why.starts_with(&format!("attempts/{left} is there already")), "{why}");
        }
    }

    #[test]
    fn a_runner_that_says_nothing_started_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let program = stand_in(dir.path(), "exit 0");
        let found = launch(&program, dir.path(), &dir.path().join("attempts/1"), &spec()).unwrap().wait();
        assert!(matches!(found, Found::Ended(ended) if matches!(ended.outcome, Outcome::NotStarted { .. })));
        let why = launch(&dir.path().join("nowhere"), dir.path(), &dir.path().join("attempts/2"), &spec())
            .unwrap_err();
        assert!(why.contains("cannot be started"), "{why}");
    }
}
