//! Starts a host process and waits for its one line. SHELL.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::id::SessionId;
use crate::wire::start::{HostAnswer, NewSession, StartHost};

use super::{ClientError, HostStart};

/// Where a session lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPlace {
    /// Its id.
    pub id: SessionId,
    /// Its directory, absolute.
    pub dir: PathBuf,
}

/// Makes a session: its directory, its journal, and a host that takes clients when this returns.
pub fn create(new: NewSession) -> Result<SessionPlace, ClientError> {
    create_with(Path::new("/proc/self/exe"), new)
}

/// As [`create`], with a host of another program; for tests.
pub fn create_with(program: &Path, new: NewSession) -> Result<SessionPlace, ClientError> {
    start(program, &StartHost::New(Box::new(new)))
}

/// Starts a host for a session that has none. Also well when another one was quicker.
pub(super) fn resume(dir: &Path, how: &HostStart) -> Result<SessionPlace, ClientError> {
    let dir = std::path::absolute(dir).map_err(ClientError::io(format!("find {}", dir.display())))?;
    start(&how.program, &StartHost::Resume { dir, given: how.given.clone() })
}

/// The longest answer a host may give, bytes.
const LONGEST_ANSWER: u64 = 64 << 10;

fn start(program: &Path, what: &StartHost) -> Result<SessionPlace, ClientError> {
    let json = serde_json::to_vec(what).map_err(|e| ClientError::Wrong { why: e.to_string() })?;
    let given = match what {
        StartHost::New(new) => &new.given,
        StartHost::Resume { given, .. } => given,
    };
    let mut command = Command::new(program);
    for name in &given.secret_variables {
        command.env_remove(name);
    }
    for (name, value) in std::env::vars_os() {
        // What a secret was taken from would stay readable in the host's own environment, and in that of all it starts.
        if given.secrets.values().any(|secret| value == secret.as_str() && !secret.is_empty()) {
            command.env_remove(name);
        }
    }
    let mut host = command
        .arg0("onbelay")
        .arg("host")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(ClientError::io(format!("start the session's host ({})", program.display())))?;
    let (stdin, stdout) = (host.stdin.take(), host.stdout.take());
    if let Some(mut stdin) = stdin {
        // A host that ends early says why on its stdout; a broken pipe here says less.
        let _ = stdin.write_all(&json);
    }
    let mut line = String::new();
    if let Some(stdout) = stdout {
        BufReader::new(stdout.take(LONGEST_ANSWER))
            .read_line(&mut line)
            .map_err(ClientError::io("hear from the session's host"))?;
    }
    let answer = serde_json::from_str(&line);
    // The host lives on by itself; where it ended, somebody must take note of its end.
    let _ = std::thread::Builder::new().name("host-end".to_owned()).spawn(move || host.wait());
    match answer {
        Ok(HostAnswer::Ready { id, dir }) => Ok(SessionPlace { id, dir }),
        Ok(HostAnswer::Same { id }) => Err(ClientError::Same { id }),
        Ok(HostAnswer::Wrong { why }) => Err(ClientError::Wrong { why }),
        Ok(HostAnswer::Failed { why }) => Err(ClientError::HostFailed { why }),
        Err(_) => Err(ClientError::HostFailed {
            why: "it ended without a word; `host.log` in the session's \
            directory may say more"
                .to_owned(),
        }),
    }
}
