//! Starting the command: what would not start is told apart, in sentences. SHELL.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use rustix::fs::Access;
use rustix::io::Errno;
use rustix::process::{Pid, Signal};

use super::spec::{Bytes, RunnerSpec};

/// A command that was started. Until it is reaped its number is its own, and its group's.
pub struct Command {
    handle: duct::Handle,
    pid: u32,
}

impl Command {
    /// Its process id, which is its group's too.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its process group.
    #[must_use]
    pub fn group(&self) -> Option<Pid> {
        i32::try_from(self.pid).ok().and_then(Pid::from_raw)
    }

    /// Signals its whole process group. Not to be called once it was reaped.
    pub fn signal(&self, signal: Signal) {
        if let Some(group) = self.group() {
            // Nobody left in the group is no failure.
            let _ = rustix::process::kill_process_group(group, signal);
        }
    }

    /// How it ended; waits for that.
    pub fn reap(&self) -> io::Result<ExitStatus> {
        self.handle.wait().map(|output| output.status)
    }
}

/// Starts a command as the leader of a process group of its own; without `input` it has none. The error is the reason, a sentence.
/// The file mode creation mask, and whatever else a process hands down, is the caller's.
pub fn launch(
    spec: &RunnerSpec,
    input: Option<OwnedFd>,
    out: OwnedFd,
    err: OwnedFd,
) -> Result<Command, String> {
    if let Some(why) = spec.objection() {
        return Err(why);
    }
    let dir = PathBuf::from(spec.dir.to_os());
    check_dir(&dir)?;
    let name = spec.argv.first().map(Bytes::to_os).unwrap_or_default();
    let path = spec.env.iter().find(|(name, _)| name.0 == b"PATH").map(|(_, value)| value.to_os());
    let program = find(&name, path.as_ref(), &dir)?;
    let expression = duct::cmd(&program, spec.argv.iter().skip(1).map(Bytes::to_os))
        .full_env(spec.env.iter().map(|(name, value)| (name.to_os(), value.to_os())))
        .dir(dir)
        .stdout_file(out)
        .stderr_file(err)
        .unchecked()
        .before_spawn(move |command| {
            command.arg0(&name).process_group(0);
            Ok(())
        });
    let expression = match input {
        Some(input) => expression.stdin_file(input),
        None => expression.stdin_null(),
    };
    let handle = expression.start();
    // It holds the writing ends of pipes.
    drop(expression);
    let handle = handle.map_err(|e| explain(&e, &program))?;
    let pid = handle.pids().first().copied().ok_or("its process is not known")?;
    Ok(Command { handle, pid })
}

fn check_dir(dir: &Path) -> Result<(), String> {
    match std::fs::metadata(dir) {
        Ok(meta) if !meta.is_dir() => {
            Err(format!("`{}`, where it is to run, is not a directory", dir.display()))
        }
        Ok(_) => rustix::fs::access(dir, Access::EXEC_OK).map_err(|e| {
            format!("the directory `{}` cannot be entered: {}", dir.display(), io::Error::from(e))
        }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            Err(format!("the directory `{}`, where it is to run, does not exist", dir.display()))
        }
        Err(e) => Err(format!("the directory `{}` cannot be entered: {e}", dir.display())),
    }
}

/// The file that `name` is, on the command's own `PATH` where it holds no `/`.
fn find(name: &OsString, path: Option<&OsString>, dir: &Path) -> Result<PathBuf, String> {
    let shown = name.to_string_lossy().into_owned();
    if shown.contains('/') {
        let file = dir.join(name);
        return match std::fs::metadata(&file) {
            Ok(_) if is_program(&file) => Ok(file),
            Ok(meta) if meta.is_dir() => Err(format!("`{shown}` is a directory, not a program")),
            Ok(_) => Err(format!("`{shown}` is there but may not be executed (chmod +x?)")),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(format!("`{shown}` does not exist")),
            Err(e) => Err(format!("`{shown}` cannot be executed: {e}")),
        };
    }
    let default = OsString::from("/usr/local/bin:/usr/bin:/bin");
    let mut barred = None;
    for place in std::env::split_paths(path.unwrap_or(&default)) {
        let file = dir.join(place).join(name);
        if is_program(&file) {
            return Ok(file);
        }
        if barred.is_none() && file.is_file() {
            barred = Some(file);
        }
    }
    Err(match barred {
        Some(file) => format!("`{}` is there but may not be executed (chmod +x?)", file.display()),
        None => format!("there is no program `{shown}` on PATH"),
    })
}

fn is_program(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
        && rustix::fs::access(file, Access::EXEC_OK).is_ok()
}

fn explain(error: &io::Error, program: &Path) -> String {
    let program = program.display();
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOENT) => {
            format!("`{program}` is there, but what its first line or header asks for to run it is not")
        }
        Some(Errno::NOEXEC) => {
            format!("`{program}` is neither a program for this machine nor a script with a `#!` line")
        }
        Some(Errno::TOOBIG) => {
            "its script and its environment together are larger than the system takes".to_owned()
        }
        Some(Errno::ACCESS | Errno::PERM) => format!("`{program}` may not be executed here: {error}"),
        Some(Errno::AGAIN | Errno::NOMEM) => format!("the machine cannot start one more process: {error}"),
        Some(Errno::TXTBSY) => format!("`{program}` is being written to right now"),
        _ => format!("`{program}` cannot be started: {error}"),
    }
}
