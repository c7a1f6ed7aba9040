//! The values a session starts with: given, from the environment, by default, or still to be asked for. PURE: what
//! the environment and files hold comes as arguments.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::ValueName;
use crate::runbook::pattern::Compiled;
use crate::runbook::{Param, Runbook, Template, Value};

use super::template::{FillError, ListAs, Scope, fill_as};

/// The longest text that a command can be given as a variable, `NAME=` before it included: the kernel takes no longer one.
const LONGEST: usize = 128 * 1024 - 1;

/// All that was given from outside, by where it came from. It may hold secrets: it has no `Debug`.
#[derive(Clone, Default)]
pub struct Given {
    /// `-p name=text`, in order.
    pub flags: Vec<(String, String)>,
    /// `--params FILE`.
    pub file: BTreeMap<String, Value>,
    /// The starter's environment; only the variables that parameters name are looked at.
    pub env: BTreeMap<String, String>,
    /// Answers of a person who was asked, secrets among them.
    pub asked: BTreeMap<String, Value>,
}

/// Every parameter with its value.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Resolved {
    /// All that are not secret.
    pub values: BTreeMap<ValueName, Value>,
    /// Secrets found in their variable or asked for already: to be handed over, never written.
    pub secrets: BTreeMap<ValueName, Value>,
    /// Secrets that nothing gave: to be asked for.
    pub secrets_needed: Vec<ValueName>,
}

impl fmt::Debug for Resolved {
    /// Of secrets only their names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolved")
            .field("values", &self.values)
            .field("secrets", &self.secrets.keys())
            .field("secrets_needed", &self.secrets_needed)
            .finish()
    }
}

/// What is wrong with one parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ParamProblem {
    /// The name as it was given.
    pub name: String,
    /// Which kind of trouble it is.
    pub trouble: ParamTrouble,
    /// A sentence that names the parameter and says what to do.
    pub message: String,
}

/// Kinds of [`ParamProblem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParamTrouble {
    /// Nothing gave it: a terminal asks for it, a script has to give it.
    Missing,
    /// The runbook has no such parameter.
    Unknown,
    /// The value, or the way it was given, is refused.
    Refused,
}

/// Takes each parameter from the first that gives it: `-p`, `--params`, its variable, its default, an answer.
/// All problems are returned at once.
pub fn resolve_params(runbook: &Runbook, given: &Given) -> Result<Resolved, Vec<ParamProblem>> {
    let mut out = Resolved::default();
    let mut problems = Vec::new();
    let mut compiled = Compiled::default();
    let known = |name: &str| runbook.params.iter().any(|param| param.name == *name);
    let mut reported = std::collections::BTreeSet::new();
    for name in given.flags.iter().map(|(name, _)| name).chain(given.file.keys()) {
        if !known(name) && reported.insert(name) {
            problems.push(unknown(runbook, name));
        }
    }
    for param in &runbook.params {
        match find(param, given, &out.values, &mut compiled) {
            Ok(Some(value)) if param.secret => {
                out.secrets.insert(param.name.clone(), value);
            }
            Ok(Some(value)) => {
                out.values.insert(param.name.clone(), value);
            }
            Ok(None) if param.secret => out.secrets_needed.push(param.name.clone()),
            Ok(None) => problems.push(ParamProblem {
                name: param.name.to_string(),
                trouble: ParamTrouble::Missing,
                message: missing(param),
            }),
            Err(why) => problems.push(ParamProblem {
                name: param.name.to_string(),
                trouble: ParamTrouble::Refused,
                message: why,
            }),
        }
    }
    if problems.is_empty() { Ok(out) } else { Err(problems) }
}

/// May `param` have this value? The error is a sentence that says why not.
pub fn check_value(param: &Param, value: &Value) -> Result<(), String> {
    let mut compiled = Compiled::default();
    check_value_by(param, value, |pattern, text| compiled.matches(pattern, text))
}

/// As [`check_value`], where `matches` says whether the whole of a text matches a pattern.
pub fn check_value_by(
    param: &Param,
    value: &Value,
    mut matches: impl FnMut(&str, &str) -> bool,
) -> Result<(), String> {
    let name = &param.name;
    match (value, param.list) {
        (Value::Text(_), true) => return Err(format!("parameter `{name}` is a list")),
        (Value::List(_), false) => return Err(format!("parameter `{name}` takes one text, not a list")),
        (Value::List(items), true) if items.is_empty() => {
            return Err(format!("parameter `{name}` is an empty list; give at least one item"));
        }
        _ => {}
    }
    let texts = match value {
        Value::Text(text) => std::slice::from_ref(text),
        Value::List(items) => items.as_slice(),
    };
    // A command is given all of a list, one item a line.
    let (all, most) =
        (texts.iter().map(|text| text.len() + 1).sum::<usize>(), LONGEST.saturating_sub(name.as_str().len()));
    if param.list && all > most {
        return Err(format!(
            "parameter `{name}` is {all} bytes long in all; a command can be given at most {most} (128 KiB with its name) at \
             once: put it in a file, and give that file's path"
        ));
    }
    // A long list of one and of the other would be compared each with each.
    let choices: HashSet<&String> = param.choices.iter().collect();
    for text in texts {
        // What a secret holds is repeated nowhere.
        let shown =
            || if param.secret { "the value".to_owned() } else { format!("`{}`", crate::text::clean(text)) };
        if text.contains('\0') {
            return Err(format!("parameter `{name}` holds a NUL byte, which no command can be given"));
        }
        // A command that needs it could never begin: better said now than in the middle of the walk.
        let most = LONGEST.saturating_sub(name.as_str().len() + 1);
        if text.len() > most {
            return Err(format!(
                "parameter `{name}` is {} bytes long; a command can be given at most {most} (128 KiB with its name) at \
                 once: put it in a file, and give that file's path",
                text.len()
            ));
        }
        if text.is_empty() {
            if param.default == Some(Value::Text(String::new())) {
                continue;
            }
            return Err(format!("parameter `{name}` must not be empty"));
        }
        if let Some(pattern) = &param.matches
            && !matches(pattern, text)
        {
            return Err(format!("parameter `{name}`: {} does not match `{pattern}`", shown()));
        }
        if !choices.is_empty() && !choices.contains(text) {
            let choices = param.choices.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ");
            return Err(format!("parameter `{name}`: {} is none of {choices}", shown()));
        }
        if text.starts_with('-') && param.matches.is_none() && param.choices.is_empty() {
            return Err(format!(
                "parameter `{name}`: {} starts with `-`, which a command may take for an option; the runbook has to \
                 allow it with `matches` or `choices`",
                shown()
            ));
        }
    }
    Ok(())
}

/// The value of one parameter, checked; `None`: nothing gives it.
fn find(
    param: &Param,
    given: &Given,
    before: &BTreeMap<ValueName, Value>,
    compiled: &mut Compiled,
) -> Result<Option<Value>, String> {
    let name = param.name.as_str();
    let flags: Vec<&String> = given.flags.iter().filter(|(n, _)| n == name).map(|(_, text)| text).collect();
    let in_file = given.file.get(name);
    if param.secret && (!flags.is_empty() || in_file.is_some()) {
        return Err(format!(
            "parameter `{name}` is a secret: it is asked for{}, never taken from the command line or a file",
            param.env.as_ref().map(|v| format!(" or taken from the variable {v}")).unwrap_or_default()
        ));
    }
    let value = if !flags.is_empty() {
        match flags.as_slice() {
            _ if param.list => Value::List(flags.into_iter().cloned().collect()),
            [text] => Value::Text((*text).clone()),
            _ => return Err(format!("parameter `{name}` is given {} times and takes one text", flags.len())),
        }
    } else if let Some(value) = in_file {
        value.clone()
    } else if let Some(text) = param.env.as_ref().and_then(|variable| given.env.get(variable)) {
        value_in_variable(param, text)
    } else if let Some(default) = &param.default {
        fill_default(default, before).map_err(|error| format!("default of parameter `{name}`: {error}"))?
    } else if let Some(value) = given.asked.get(name) {
        value.clone()
    } else {
        return Ok(None);
    };
    check_value_by(param, &value, |pattern, text| compiled.matches(pattern, text))?;
    Ok(Some(value))
}

/// A value out of a variable: a list holds one item a line.
#[must_use]
pub fn value_in_variable(param: &Param, text: &str) -> Value {
    if param.list {
        Value::List(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
    } else {
        Value::Text(text.to_owned())
    }
}

/// A default may use the parameters before it.
fn fill_default(default: &Value, before: &BTreeMap<ValueName, Value>) -> Result<Value, FillError> {
    let scope = Scope { values: before, item: None };
    let fill_one = |text: &String| fill_as(&Template(text.clone()), &scope, ListAs::Refused);
    Ok(match default {
        Value::Text(text) => Value::Text(fill_one(text)?),
        Value::List(items) => Value::List(items.iter().map(fill_one).collect::<Result<_, _>>()?),
    })
}

fn missing(param: &Param) -> String {
    let name = &param.name;
    let about = if param.about.is_empty() { String::new() } else { format!(" ({})", param.about.trim()) };
    let repeat = if param.list { ", once for each item" } else { "" };
    let variable = param.env.as_ref().map(|v| format!(", or set the variable {v}")).unwrap_or_default();
    format!("parameter `{name}` has no value{about}; give it with -p {name}=…{repeat}{variable}")
}

fn unknown(runbook: &Runbook, name: &str) -> ParamProblem {
    let names: Vec<&str> = runbook.params.iter().map(|param| param.name.as_str()).collect();
    let hint = match crate::runbook::suggest::nearest(name, names.iter().copied()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None if names.is_empty() => "; the runbook has no parameters".to_owned(),
        None => format!("; it has {}", names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")),
    };
    ParamProblem {
        name: name.to_owned(),
        trouble: ParamTrouble::Unknown,
        message: format!("the runbook has no parameter `{}`{hint}", crate::text::clean(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param(name: &str) -> Param {
        Param {
            name: name.into(),
            about: String::new(),
            default: None,
            matches: None,
            choices: Vec::new(),
            list: false,
            secret: false,
            env: None,
        }
    }

    fn runbook(params: Vec<Param>) -> Runbook {
        Runbook {
            title: Template("t".to_owned()),
            about: Template::default(),
            params,
            pass_env: Vec::new(),
            checks: Vec::new(),
            steps: Vec::new(),
            phases: Vec::new(),
        }
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn flags(pairs: &[(&str, &str)]) -> Given {
        Given {
            flags: pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            ..Given::default()
        }
    }

    #[test]
    fn the_first_that_gives_a_value_wins() {
        let book =
            runbook(vec![Param { default: Some(text("d")), env: Some("SITE".to_owned()), ..param("site") }]);
        let mut given =
            Given { asked: BTreeMap::from([("site".to_owned(), text("asked"))]), ..Given::default() };
        let value = |given: &Given| resolve_params(&book, given).unwrap().values["site"].clone();
        assert_eq!(value(&given), text("d"));
        given.env.insert("SITE".to_owned(), "e".to_owned());
        assert_eq!(value(&given), text("e"));
        given.file.insert("site".to_owned(), text("f"));
        assert_eq!(value(&given), text("f"));
        given.flags.push(("site".to_owned(), "p".to_owned()));
        assert_eq!(value(&given), text("p"));
    }

    #[test]
    fn a_list_takes_each_flag_and_splits_nothing() {
        let book = runbook(vec![Param { list: true, env: Some("R".to_owned()), ..param("regions") }]);
        let got = resolve_params(&book, &flags(&[("regions", "a,b"), ("regions", "c")])).unwrap();
        assert_eq!(got.values["regions"], Value::List(vec!["a,b".to_owned(), "c".to_owned()]));
        let env = Given { env: BTreeMap::from([("R".to_owned(), "x\ny\n".to_owned())]), ..Given::default() };
        let got = resolve_params(&book, &env).unwrap();
        assert_eq!(got.values["regions"], Value::List(vec!["x".to_owned(), "y".to_owned()]));
    }

    #[test]
    fn all_problems_come_at_once() {
        let book = runbook(vec![
            param("site"),
            Param { matches: Some("i-[0-9]+".to_owned()), ..param("instance") },
            Param { choices: vec!["eu".to_owned()], ..param("region") },
            param("flag"),
            param("once"),
            Param { secret: true, ..param("token") },
            param("blank"),
        ]);
        let given = flags(&[
            ("sit", "x"),
            ("instance", "i-1x"),
            ("region", "us"),
            ("flag", "-rf"),
            ("once", "1"),
            ("once", "2"),
            ("token", "hush"),
            ("blank", ""),
        ]);
        let messages: Vec<String> =
            resolve_params(&book, &given).unwrap_err().into_iter().map(|p| p.message).collect();
        let all = messages.join("\n");
        assert_eq!(messages.len(), 8, "{all}");
        for part in [
            "no parameter `sit`; did you mean `site`?",
            "`site` has no value",
            "`i-1x` does not match",
            "`us` is none of `eu`",
            "starts with `-`",
            "given 2 times",
            "`token` is a secret",
            "`blank` must not be empty",
        ] {
            assert!(all.contains(part), "{part} in\n{all}");
        }
        assert!(!all.contains("hush"));
    }

    #[test]
    fn a_leading_dash_passes_where_the_runbook_allows_it() {
        let book = runbook(vec![
            Param { matches: Some("-?[0-9]+".to_owned()), ..param("a") },
            Param { choices: vec!["-v".to_owned()], ..param("b") },
        ]);
        assert!(resolve_params(&book, &flags(&[("a", "-1"), ("b", "-v")])).is_ok());
    }

    #[test]
    fn only_an_empty_default_lets_a_value_be_empty() {
        let book = runbook(vec![Param { default: Some(text("")), ..param("a") }]);
        assert_eq!(resolve_params(&book, &Given::default()).unwrap().values["a"], text(""));
        assert!(resolve_params(&book, &flags(&[("a", "")])).is_ok());
    }

    #[test]
    fn secrets_stay_apart_and_a_default_may_use_what_is_before_it() {
        let book = runbook(vec![
            param("site"),
            Param { default: Some(text("${site}/themes")), ..param("themes") },
            Param { secret: true, env: Some("TOKEN".to_owned()), ..param("token") },
            Param { secret: true, ..param("key") },
        ]);
        let mut given = flags(&[("site", "/srv")]);
        given.env.insert("TOKEN".to_owned(), "t0p".to_owned());
        let got = resolve_params(&book, &given).unwrap();
        assert_eq!(got.values["themes"], text("/srv/themes"));
        assert_eq!(got.secrets["token"], text("t0p"));
        assert_eq!(got.secrets_needed, [ValueName::from("key")]);
        assert!(!got.values.contains_key("token"));
    }
}
