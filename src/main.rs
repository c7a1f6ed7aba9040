//! The door: hands the arguments to the command line and its exit status to the shell.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    // The runner's hidden verb comes before anything opens a descriptor.
    let mut args = std::env::args_os().skip(1);
    match (args.next(), args.next()) {
        (Some(verb), Some(dir)) if verb == "runner" => onbelay::process::runner::main(Path::new(&dir)),
        (Some(verb), Some(look)) if verb == "probe" => onbelay::probe::main(&look.to_string_lossy()),
        (Some(verb), None) if verb == "host" => onbelay::host::main(),
        _ => onbelay::cli::call(std::env::args_os()).into(),
    }
}
