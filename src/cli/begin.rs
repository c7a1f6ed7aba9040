//! From a file and the values given to a session that is about to be made; `start` and `run` share it. SHELL.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::client::join_line;
use crate::clock;
use crate::id::ValueName;
use crate::journal;
use crate::journal::store::{self, sharing};
use crate::process::environment;
use crate::runbook::values::{
    self, ParamTrouble, Resolved, Scope, check_value, fill, resolve_params, value_in_variable,
};
use crate::runbook::{Param, Runbook, Value, digest};
use crate::session::{Opened, Person};
use crate::text::clean;
use crate::wire::start::{Given, NewSession};

use super::args::Params;
use super::ask;
use super::exit::Failure;
use super::file;
use super::out::say;
use super::words::quoted;

/// Is somebody there to be asked for what was not given?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// Ask on the terminal.
    OnTerminal,
    /// Nobody is asked: what is missing is an error.
    Nobody,
}

/// A runbook with the values of its parameters.
pub struct Filled {
    /// Its text.
    pub source: Vec<u8>,
    /// What it says.
    pub runbook: Runbook,
    /// Its values.
    pub resolved: Resolved,
}

/// Reads a runbook and finds the value of every parameter. All that is wrong is said at once.
pub fn fill_in(path: &Path, params: &Params, asking: Asking) -> Result<Filled, Failure> {
    let (source, runbook) = file::runbook(path)?;
    let resolved = resolve(&runbook, params, asking)?;
    Ok(Filled { source, runbook, resolved })
}

fn resolve(runbook: &Runbook, params: &Params, asking: Asking) -> Result<Resolved, Failure> {
    let mut given = values::Given { flags: flags(&params.given)?, ..values::Given::default() };
    if let Some(path) = &params.file {
        let bytes = file::bytes(path)?;
        given.file = crate::runbook::read_params(&bytes, &path.to_string_lossy()).map_err(|problems| {
            Failure::wrong(problems.render(file::colour_of_stderr()).trim_end().to_owned())
        })?;
    }
    for variable in runbook.params.iter().filter_map(|param| param.env.as_ref()) {
        match std::env::var(variable) {
            Ok(text) => {
                given.env.insert(variable.clone(), text);
            }
            Err(std::env::VarError::NotUnicode(_)) => {
                return Err(Failure::wrong(format!(
                    "the variable {variable} is not UTF-8 text; give the value with -p"
                )));
            }
            Err(std::env::VarError::NotPresent) => {}
        }
    }
    loop {
        let resolved = match resolve_params(runbook, &given) {
            Ok(resolved) if resolved.secrets_needed.is_empty() => return Ok(resolved),
            Ok(resolved) => Err(resolved.secrets_needed),
            Err(problems) => {
                let only_missing = problems.iter().all(|p| p.trouble == ParamTrouble::Missing);
                if asking == Asking::Nobody || !only_missing {
                    let mut lines: Vec<String> = problems.iter().map(|p| p.message.clone()).collect();
                    if asking == Asking::Nobody {
                        let said = |param: &&Param| problems.iter().any(|p| param.name == *p.name);
                        lines.extend(
                            secrets_without_value(runbook, &given).filter(|p| !said(p)).map(secret_missing),
                        );
                    }
                    return Err(Failure::wrong(lines.join("\n")));
                }
                Ok(problems.into_iter().map(|p| ValueName::new(p.name)).collect::<Vec<_>>())
            }
        };
        let (Ok(names) | Err(names)) = resolved;
        let wanted =
            || names.iter().filter_map(|name| runbook.params.iter().find(|param| param.name == *name));
        if asking == Asking::Nobody {
            return Err(Failure::wrong(wanted().map(secret_missing).collect::<Vec<_>>().join("\n")));
        }
        for param in wanted() {
            let value = ask::parameter(param)?;
            given.asked.insert(param.name.to_string(), value);
        }
    }
}

fn secrets_without_value<'a>(
    runbook: &'a Runbook,
    given: &'a values::Given,
) -> impl Iterator<Item = &'a Param> {
    runbook.params.iter().filter(|param| {
        param.secret
            && param.default.is_none()
            && !param.env.as_ref().is_some_and(|v| given.env.contains_key(v))
    })
}

fn secret_missing(param: &Param) -> String {
    let name = &param.name;
    match &param.env {
        Some(variable) => format!(
            "secret `{name}` has no value; set the variable {variable}, or use `onbelay run` on a terminal"
        ),
        None => format!(
            "secret `{name}` has no value; `onbelay run` on a terminal asks for it (or give it an `env` in the runbook)"
        ),
    }
}

/// `NAME=VALUE` as given; nothing is split at commas.
fn flags(given: &[String]) -> Result<Vec<(String, String)>, Failure> {
    given
        .iter()
        .map(|text| {
            text.split_once('=')
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .ok_or_else(|| Failure::wrong(format!("-p takes NAME=VALUE; `{}` has no `=`", clean(text))))
        })
        .collect()
}

/// The session to be made of it, started here and now by this account.
pub fn new_session(path: &Path, filled: Filled, another: bool) -> Result<NewSession, Failure> {
    new_session_at(&store::home(|name| std::env::var_os(name))?, path, filled, another)
}

/// As [`new_session`], among the sessions in `home`.
pub fn new_session_at(
    home: &Path,
    path: &Path,
    filled: Filled,
    another: bool,
) -> Result<NewSession, Failure> {
    let home = std::path::absolute(home).map_err(|e| {
        Failure::machine(format!("cannot find the directory for sessions {}: {e}", home.display()))
    })?;
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let dir = std::env::current_dir().map_err(|e| {
        Failure::machine(format!("cannot tell the present directory: {e}; change to one that exists"))
    })?;
    let Some(dir) = dir.to_str().map(str::to_owned) else {
        return Err(Failure::wrong("the name of the present directory is not UTF-8; start from another one"));
    };
    let sha256 = digest::of_bytes(&filled.source);
    let source = String::from_utf8(filled.source)
        .map_err(|_| Failure::wrong(format!("{} is not UTF-8 text", file::shown(&path))))?;
    let Resolved { values, secrets, .. } = filled.resolved;
    let title = fill(&filled.runbook.title, &Scope { values: &values, item: None })
        .unwrap_or_else(|_| filled.runbook.title.raw().to_owned());
    let opened = Opened {
        format: journal::FORMAT,
        onbelay: env!("CARGO_PKG_VERSION").to_owned(),
        title,
        path: path.to_string_lossy().into_owned(),
        sha256,
        secrets: filled.runbook.params.iter().filter(|p| p.secret).map(|p| p.name.clone()).collect(),
        values,
        dir,
        machine: clock::machine(),
        umask: umask(),
        operator: me(),
        share: None,
        signers: None,
    };
    let given = given(as_texts(secrets), &filled.runbook);
    Ok(NewSession { home, source, opened, given, another })
}

/// What was said about sharing a session, to be told once it is there.
#[derive(Debug)]
pub struct Shared {
    group: String,
    home: PathBuf,
    /// Its members get to see what it holds.
    opened_up: bool,
}

/// Opens a session that is about to be made to a group, and names the keys that may sign its approvals. All that can be
/// wrong with that is said here, before anything is made.
pub fn share(
    new: &mut NewSession,
    group: Option<&str>,
    signers: Option<&Path>,
) -> Result<Option<Shared>, Failure> {
    new.opened.signers = signers.map(file::signers).transpose()?;
    let Some(name) = group else { return Ok(None) };
    let group = sharing::group(name)?;
    let home = sharing::check_home(&new.home, &group).map_err(|error| {
        let mut failure = Failure::from(error);
        failure.said = failure.said.replace(&format!("onbelay run --share {name} FILE"), &as_typed());
        failure
    })?;
    new.home.clone_from(&home.path);
    new.opened.share = Some(group.clone());
    Ok(Some(Shared { group: group.name, opened_up: home.to_be_given, home: home.path }))
}

/// This very call, as it can be typed again.
fn as_typed() -> String {
    let words = std::env::args_os().skip(1).map(|word| quoted(&clean(&word.to_string_lossy())));
    std::iter::once("onbelay".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// Says whom the session is open to now, and the line to give to them.
pub fn tell(shared: Option<&Shared>, dir: &Path) {
    let Some(Shared { group, home, opened_up }) = shared else { return };
    let group = clean(group);
    if *opened_up {
        say(format!("members of `{group}` can now list the sessions in {}", file::shown(home)));
    }
    say(format!(
        "shared with `{group}`; whoever witnesses joins with:\n  {}",
        clean(&join_line(dir, true, false))
    ));
}

/// What a host that is started for a session again gets: this environment, and secrets that it holds.
#[must_use]
pub fn given_again(runbook: &Runbook) -> Given {
    let secrets = runbook.params.iter().filter_map(|param| Some((param.name.clone(), secret_here(param)?)));
    given(secrets.collect(), runbook)
}

fn given(secrets: BTreeMap<ValueName, String>, runbook: &Runbook) -> Given {
    let environment = environment_for(runbook);
    Given { secrets, environment, secret_variables: secret_variables(runbook).cloned().collect() }
}

fn secret_variables(runbook: &Runbook) -> impl Iterator<Item = &String> {
    runbook.params.iter().filter(|param| param.secret).filter_map(|param| param.env.as_ref())
}

/// A secret that its variable holds here. What it may not be (empty, say) is as good as none: it is asked for.
#[must_use]
pub fn secret_here(param: &Param) -> Option<String> {
    let text = std::env::var(param.env.as_ref().filter(|_| param.secret)?).ok()?;
    let value = value_in_variable(param, &text);
    check_value(param, &value).ok()?;
    Some(as_text(value))
}

/// This account.
#[must_use]
pub fn me() -> Person {
    let uid = nix::unistd::getuid();
    let name =
        nix::unistd::User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name);
    Person { name, uid: Some(uid.as_raw()), login: None }
}

/// What commands get of this environment. What a secret is taken from is not among it, whatever `pass_env` says: it reaches
/// those that name the secret, and its digest no log.
#[must_use]
pub fn environment_for(runbook: &Runbook) -> BTreeMap<String, OsString> {
    let mut passes = environment::allowed(std::env::vars_os(), &runbook.pass_env);
    for variable in secret_variables(runbook) {
        passes.remove(variable);
    }
    passes
}

/// Secrets as texts; a list is one item a line.
#[must_use]
pub fn as_texts(secrets: BTreeMap<ValueName, Value>) -> BTreeMap<ValueName, String> {
    secrets.into_iter().map(|(name, value)| (name, as_text(value))).collect()
}

fn as_text(value: Value) -> String {
    match value {
        Value::Text(text) => text,
        Value::List(items) => items.join("\n"),
    }
}

/// The file mode creation mask, without changing it for a moment as `umask(2)` must.
fn umask() -> u32 {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix("Umask:"))?;
            u32::from_str_radix(line.trim(), 8).ok()
        })
        .unwrap_or(0o077)
}
