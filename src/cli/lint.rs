//! `onbelay lint`: what is wrong in runbooks. SHELL.

use serde_json::Value;

use crate::lint;
use crate::runbook::{self, Problems};
use crate::text::json;

use super::args::{LintArgs, LintFormat};
use super::exit::{Exit, Failure, Outcome};
use super::file;
use super::out::{Out, say};

/// Reads every file and says all that is wrong with each.
pub fn run(args: &LintArgs) -> Outcome {
    let mut found: Vec<Problems> = Vec::new();
    let mut unreadable: Option<Failure> = None;
    for path in &args.files {
        match file::bytes(path) {
            Ok(bytes) => {
                let problems = lint::lint(&bytes, &path.to_string_lossy());
                if !problems.list.is_empty() {
                    found.push(problems);
                }
            }
            Err(failure) => {
                say(format!("error: {}", failure.said));
                unreadable.get_or_insert(failure);
            }
        }
    }
    let mut out = Out::stdout();
    match args.format {
        LintFormat::Text => {
            for problems in &found {
                out.text(&problems.render(out.colour()));
            }
            if found.is_empty() && unreadable.is_none() {
                let files = args.files.len();
                say(format!("{files} runbook{}: nothing is wrong", if files == 1 { "" } else { "s" }));
            }
        }
        LintFormat::Json => {
            let all: Vec<Value> = found.iter().flat_map(Problems::json).collect();
            out.line(json::line(&Value::Array(all)));
        }
        LintFormat::Sarif => out.line(json::line(&runbook::problem::sarif(&found))),
    }
    out.finish()?;
    match unreadable {
        Some(failure) => Err(Failure { said: String::new(), ..failure }),
        None if found.iter().any(|problems| problems.errors() > 0) => Ok(Exit::No),
        None => Ok(Exit::Yes),
    }
}
