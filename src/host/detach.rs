//! Leaves the terminal, its session and its descriptors behind. SHELL.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::Mode;

/// A session of its own, no directory held, files for the owner alone.
pub(super) fn leave_terminal() -> io::Result<()> {
    // Fails only for one that leads its group already, such as a host started by hand from a shell.
    let _ = rustix::process::setsid();
    rustix::process::umask(Mode::from_raw_mode(0o077));
    std::env::set_current_dir("/")
}

/// Stdin reads nothing from here on.
pub(super) fn close_stdin() -> io::Result<()> {
    Ok(rustix::stdio::dup2_stdin(File::open("/dev/null")?)?)
}

/// Stdout goes nowhere from here on; whoever waits for its end has it now.
pub(super) fn close_stdout() -> io::Result<()> {
    Ok(rustix::stdio::dup2_stdout(File::options().write(true).open("/dev/null")?)?)
}

/// Stderr goes to `host.log` in the session's directory, for the author of a fault report.
pub(super) fn log_to(dir: &Path) -> io::Result<()> {
    let flags = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let log = File::options()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(flags)
        .open(dir.join("host.log"))?;
    Ok(rustix::stdio::dup2_stderr(log)?)
}
