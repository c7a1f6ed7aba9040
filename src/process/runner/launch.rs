//! Starting the command: what would not start is told apart, in sentences. SHELL.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use rustix::fs::{Access, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit};

use crate::process::output::Stream;
use crate::process::spec::RunnerSpec;

use super::pump::Pump;

/// A command that was started.
pub(super) struct Command {
    handle: duct::Handle,
    /// Its process id, which is its group's too.
    pub(super) pid: u32,
}

impl Command {
    /// How it ended; waits for that.
    pub(super) fn reap(&self) -> io::Result<ExitStatus> {
        self.handle.wait().map(|output| output.status)
    }
}

/// Opens one of the output files for writing at its end.
pub(super) fn output_file(dir: &Path, stream: Stream) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(dir.join(stream.file_name()))
}

/// Starts it, its output going into the files, or through the pump where something is to be covered. The error is the
/// reason, a sentence.
pub(super) fn launch(
    spec: &RunnerSpec,
    output: File,
    errors: Option<File>,
    pump: &mut Pump,
) -> Result<Command, String> {
    if let Some(why) = spec.objection() {
        return Err(why);
    }
    let dir = PathBuf::from(spec.dir.to_os());
    check_dir(&dir)?;
    let name = spec.argv.first().map(super::super::spec::Bytes::to_os).unwrap_or_default();
    let path = spec.env.iter().find(|(name, _)| name.0 == b"PATH").map(|(_, value)| value.to_os());
    let program = find(&name, path.as_ref(), &dir)?;

    let machine = |e: io::Error| format!("its output cannot be set up: {e}");
    let (out, err) = if spec.cover.is_empty() {
        let err = errors.map_or_else(|| output.try_clone(), Ok).map_err(machine)?;
        (output.into(), err.into())
    } else {
        // No core file may hold what the output must not show.
        let _ = rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
        let out = pump.add(output, &spec.cover).map_err(machine)?;
        let err =
            errors.map_or_else(|| out.try_clone(), |file| pump.add(file, &spec.cover)).map_err(machine)?;
        (out.into(), err.into())
    };
    start(spec, &program, name, &dir, out, err)
}

fn start(
    spec: &RunnerSpec,
    program: &Path,
    name: OsString,
    dir: &Path,
    out: std::os::fd::OwnedFd,
    err: std::os::fd::OwnedFd,
) -> Result<Command, String> {
    let expression = duct::cmd(program, spec.argv.iter().skip(1).map(super::super::spec::Bytes::to_os))
        .full_env(spec.env.iter().map(|(name, value)| (name.to_os(), value.to_os())))
        .dir(dir)
        .stdin_null()
        .stdout_file(out)
        .stderr_file(err)
        .unchecked()
        .before_spawn(move |command| {
            command.arg0(&name).process_group(0);
            Ok(())
        });
    let mask = rustix::process::umask(Mode::from_raw_mode(spec.umask & 0o777));
    let handle = expression.start();
    rustix::process::umask(mask);
    // It holds the writing ends of the pipes.
    drop(expression);
    let handle = handle.map_err(|e| explain(&e, program))?;
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
