//! The door: hands the arguments to the command line and its exit status to the shell.

fn main() {}
