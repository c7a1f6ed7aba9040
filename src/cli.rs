//! The command line: reads it, calls the verb, says what went wrong, gives the exit status. SHELL. One file per verb.

pub mod about;
pub mod act;
pub mod approve;
pub mod args;
pub mod ask;
pub mod attach;
pub mod begin;
pub mod check;
pub mod demo;
pub mod exit;
pub mod far;
pub mod file;
pub mod follow;
pub mod late;
pub mod lint;
pub mod list;
pub mod log;
pub mod logout;
pub mod new;
pub mod out;
pub mod perform;
pub mod place;
pub mod plain;
pub mod report;
pub mod run;
pub mod screen;
pub mod signers;
pub mod start;
pub mod status;
pub mod theme;
pub mod verify;
pub mod welcome;
pub mod words;
pub mod written;

use std::ffi::OsString;
use std::io::Write as _;

use clap::{CommandFactory as _, Parser as _};

use args::{ApprovalVerb, Cli, Verb};
use exit::{Exit, Failure, Outcome, not_yet};
use out::say;

use crate::text::clean;

/// Does what the arguments say (the program's name first).
pub fn call(args: impl IntoIterator<Item = OsString>) -> Exit {
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => return of_clap(&about_cleaned(args, &error)),
        Err(error) => return of_clap(&error),
    };
    match verb(cli) {
        Ok(exit) => exit,
        Err(failure) => {
            tell(&failure);
            failure.exit
        }
    }
}

fn verb(cli: Cli) -> Outcome {
    match cli.verb {
        None => welcome::run(),
        Some(Verb::Demo(args)) => demo::run(&args),
        Some(Verb::New(args)) => new::run(&args),
        Some(Verb::Run(args)) => run::run(&args),
        Some(Verb::Start(args)) => start::run(&args),
        Some(Verb::Attach(args)) => attach::run(&args),
        Some(Verb::Do(args)) => act::run(&args),
        Some(Verb::Approve(args)) => approve::with_signature(&args),
        Some(Verb::Approval(args)) => match &args.what {
            ApprovalVerb::Show(args) => approve::show(args),
        },
        Some(Verb::Status(args)) => status::run(&args),
        Some(Verb::List(args)) => list::run(&args),
        Some(Verb::Log(args)) => log::run(&args),
        Some(Verb::Verify(args)) => verify::run(&args),
        Some(Verb::Report(args)) => report::run(&args),
        Some(Verb::Check(args)) => check::run(&args),
        Some(Verb::Lint(args)) => lint::run(&args),
        Some(Verb::Completions { shell }) => about::completions(shell),
        Some(Verb::Man) => about::man(),
        Some(Verb::Import(_)) => Err(not_yet("`import` of Markdown runbooks")),
        Some(Verb::Schema) => about::schema(),
        Some(Verb::Theme(args)) => theme::run(&args),
        // All are started by the program itself, with arguments that `main` knows before any of this.
        Some(Verb::Host | Verb::Runner { .. } | Verb::Probe { .. }) => {
            Err(Failure::wrong("this verb is not for people"))
        }
    }
}

/// The same error about the same arguments, with nothing in them that acts on a terminal.
fn about_cleaned(args: Vec<OsString>, error: &clap::Error) -> clap::Error {
    let shown = args.into_iter().map(|arg| clean(&arg.to_string_lossy()).into_owned());
    match Cli::try_parse_from(shown) {
        Err(cleaned) => cleaned,
        // Only how an argument is written was wrong, such as bytes that are no text.
        Ok(_) => Cli::command().error(error.kind(), "an argument is not UTF-8 text"),
    }
}

/// Help and versions are answers; anything else is a wrong call.
fn of_clap(error: &clap::Error) -> Exit {
    let printed = error.print();
    if error.use_stderr() {
        return Exit::Wrong;
    }
    match printed.and_then(|()| std::io::stdout().flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            let failure = out::not_written(&e);
            tell(&failure);
            failure.exit
        }
        _ => Exit::Yes,
    }
}

fn tell(failure: &Failure) {
    if failure.said.is_empty() {
        return;
    }
    // What was drawn by the error renderer says "error" itself.
    let drawn = failure.said.contains("error") && failure.said.contains("-->");
    if drawn || failure.exit == Exit::Interrupted || failure.said.starts_with("refused: ") {
        say(&failure.said);
    } else if failure.exit == Exit::No {
        say(format!("refused: {}", failure.said));
    } else {
        say(format!("error: {}", failure.said));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_call_is_shown_without_what_acts_on_a_terminal() {
        let args: Vec<OsString> = ["onbelay", "list", "--\u{1b}[2Jx\n\u{202e}"].map(OsString::from).into();
        let error = Cli::try_parse_from(&args).map(|_| ()).unwrap_err();
        let shown = about_cleaned(args, &error).to_string();
        assert!(shown.contains("␛[2Jx"), "{shown}");
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
        assert!(!shown.contains('\u{202e}'), "{shown:?}");
    }
}
