//! `new`: writes a runbook to begin with. SHELL. It never writes over anything.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use crate::clock;
use crate::lint;

use super::args::NewArgs;
use super::exit::{Exit, Failure, Outcome};
use super::file::shown;
use super::out::{Out, say};
use super::words::quoted;

/// What is written, with a place for the title and one for the machine's name.
const TEMPLATE: &str = include_str!("new/template.yaml");

/// The title, where none is given.
const TITLE: &str = "Move the old files";

/// Writes it into a file that is not there yet, or to stdout.
pub fn run(args: &NewArgs) -> Outcome {
    let text = runbook(args.title.as_deref().unwrap_or(TITLE))?;
    if args.file == Path::new("-") {
        let mut out = Out::stdout();
        out.text(&text);
        out.finish()?;
        say("save it as a file; then: onbelay check FILE, onbelay run FILE");
        return Ok(Exit::Yes);
    }
    write(&args.file, &text)?;
    let name = quoted(&args.file.to_string_lossy());
    let name = crate::text::clean(&name);
    let mut out = Out::stdout();
    out.line(format!(
        "{} is written. It runs as it stands, and touches only a directory that it makes. Next:",
        shown(&args.file)
    ));
    out.line(format!("  onbelay check {name}   would its hold point open? (runs no step)"));
    out.line(format!("  onbelay run {name}     walk it"));
    out.finish()?;
    Ok(Exit::Yes)
}

/// The template with this title, for this machine.
fn runbook(title: &str) -> Result<String, Failure> {
    let made = filled(title, &clock::machine());
    let problems = lint::lint(made.as_bytes(), "this title");
    if problems.errors() > 0 {
        let why = problems.list.first().map(|problem| problem.message.clone()).unwrap_or_default();
        return Err(Failure::wrong(format!("a runbook cannot have this title: {why}")));
    }
    Ok(made)
}

/// The template with these texts in their places; what they say is no place.
fn filled(title: &str, machine: &str) -> String {
    // Texts in double quotes are the same in JSON and in YAML. A `${` of a title is no value.
    let text = |text: &str| serde_json::Value::String(text.replace("${", "$${")).to_string();
    let with_machine = |part: &str| part.replace("@MACHINE@", &text(machine));
    TEMPLATE.split("@TITLE@").map(with_machine).collect::<Vec<_>>().join(&text(title))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let name = shown(path);
    let mut file =
        File::options().write(true).create_new(true).open(path).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Failure::wrong(format!(
                "{name} is there already, and nothing is written over it; name another file: onbelay new FILE"
            )),
            ErrorKind::NotFound => Failure::wrong(format!("cannot write {name}: its directory is not there")),
            _ => Failure::machine(format!("cannot write {name}: {error}")),
        })?;
    file.write_all(text.as_bytes()).map_err(|error| {
        // Half of a runbook is none; nobody else has made this file.
        let _ = std::fs::remove_file(path);
        Failure::machine(format!("cannot write {name}: {error}; nothing is left of it"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_has_nothing_wrong_with_it() {
        for title in [TITLE, "Move \"it\": # ${all} \\ é", "Move @MACHINE@ and @TITLE@"] {
            let text = runbook(title).unwrap();
            let problems = lint::lint(text.as_bytes(), "t.yaml");
            assert!(problems.list.is_empty(), "{}", problems.render(false));
            let read = crate::runbook::read(text.as_bytes(), "t.yaml").unwrap();
            assert!(read.steps.iter().any(crate::runbook::Step::is_hold_point));
        }
        let text = filled("Move @MACHINE@ and @TITLE@", "box");
        assert!(text.contains("\ntitle: \"Move @MACHINE@ and @TITLE@\"\n"), "{text}");
        for title in ["", "two\nlines"] {
            assert_eq!(runbook(title).unwrap_err().exit, Exit::Wrong, "{title:?}");
        }
    }
}
