//! A script made ready to run: its words, its environment, its directory. PURE.
//!
//! No value is ever pasted into the script; it reaches it as an environment variable, whatever bytes it holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::id::ValueName;
use crate::runbook::{Script, Template, Value};

use super::template::{FillError, ListAs, Scope, fill_as, names_in};

/// A script ready to run, secrets left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptCall {
    /// The shell's words, the script last.
    pub argv: Vec<String>,
    /// Every non-secret value as text (a list one item a line), then the script's own `env`.
    pub env: BTreeMap<String, String>,
    /// Working directory; relative to the directory the session was started in.
    pub dir: Option<String>,
    /// Secrets that the script or its `env` names; each becomes a variable of its name.
    pub secrets: Vec<ValueName>,
    /// Entries of `env` that use a secret, as written, to be filled by the host ([`fill_secrets`]).
    pub secret_env: BTreeMap<String, Template>,
}

/// Makes a script ready to run. `secrets` are the runbook's secret parameters.
pub fn script_call(
    script: &Script,
    scope: &Scope<'_>,
    secrets: &[ValueName],
) -> Result<ScriptCall, FillError> {
    let mut argv = Vec::with_capacity(script.shell.len() + 1);
    for word in script.shell.iter() {
        argv.push(fill_as(&Template(word.clone()), scope, ListAs::Refused)?);
    }
    argv.push(script.text.clone());

    let mut env: BTreeMap<String, String> =
        scope.values.iter().map(|(name, value)| (name.to_string(), as_variable(value))).collect();
    if let Some((name, item)) = scope.item {
        env.insert(name.to_string(), item.to_owned());
    }

    let mut needed: BTreeSet<ValueName> = BTreeSet::new();
    if !secrets.is_empty() {
        let words = words_in(&script.text);
        needed.extend(secrets.iter().filter(|name| words.contains(name.as_str())).cloned());
    }
    let mut secret_env = BTreeMap::new();
    for (key, text) in script.env.iter() {
        let used: Vec<ValueName> = names_in(text).into_iter().filter(|name| secrets.contains(name)).collect();
        if used.is_empty() {
            env.insert(key.clone(), fill_as(text, scope, ListAs::Refused)?);
        } else {
            needed.extend(used);
            env.remove(key);
            secret_env.insert(key.clone(), text.clone());
        }
    }

    let dir = match &script.dir {
        None => None,
        Some(text) => {
            let dir = fill_as(text, scope, ListAs::Refused)?;
            if dir.is_empty() {
                return Err(FillError::Other("`dir` is empty once its values are filled in".to_owned()));
            }
            Some(dir)
        }
    };

    let nul = |text: &String| text.contains('\0');
    if argv.iter().any(nul) || dir.iter().any(nul) || env.values().any(nul) {
        return Err(FillError::Other("a value holds a NUL byte, which no command can be given".to_owned()));
    }
    Ok(ScriptCall { argv, env, dir, secrets: needed.into_iter().collect(), secret_env })
}

/// The variables that `call` still lacks: each secret it names, and the entries of `env` that use one.
/// `scope` is the one the call was made with.
pub fn fill_secrets(
    call: &ScriptCall,
    scope: &Scope<'_>,
    secrets: &BTreeMap<ValueName, Value>,
) -> Result<BTreeMap<String, String>, FillError> {
    let mut out = BTreeMap::new();
    let mut all = scope.values.clone();
    for name in &call.secrets {
        let value = secrets.get(name).ok_or_else(|| {
            FillError::Other(format!("the secret `{name}` has not been given to this host"))
        })?;
        out.insert(name.to_string(), as_variable(value));
        all.insert(name.clone(), value.clone());
    }
    let with_secrets = Scope { values: &all, item: scope.item };
    for (key, text) in &call.secret_env {
        out.insert(key.clone(), fill_as(text, &with_secrets, ListAs::Refused)?);
    }
    if out.values().any(|text| text.contains('\0')) {
        return Err(FillError::Other("a secret holds a NUL byte, which no command can be given".to_owned()));
    }
    Ok(out)
}

fn as_variable(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::List(items) => items.join("\n"),
    }
}

/// Every whole word of a script: runs of letters, digits and `_`.
#[must_use]
pub fn words_in(script: &str) -> BTreeSet<&str> {
    words(script).map(|(_, word)| word).collect()
}

/// The variables a script uses as `$name` or `${name`, as far as can be told without being a shell.
#[must_use]
pub fn variables_in(script: &str) -> BTreeSet<&str> {
    uses(script).map(|(_, name)| name).collect()
}

/// Where a script uses each of [`variables_in`] first, from its `$` to the end of its name, in bytes.
#[must_use]
pub fn first_uses(script: &str) -> HashMap<&str, Range<usize>> {
    let mut out = HashMap::new();
    for (place, name) in uses(script) {
        out.entry(name).or_insert(place);
    }
    out
}

fn uses(script: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    words(script).filter_map(|(at, name)| {
        let before = &script[..at];
        let braced = || before.trim_end_matches(['#', '!']).strip_suffix("${");
        let start = before.strip_suffix('$').or_else(braced)?.len();
        Some((start..at + name.len(), name))
    })
}

/// The words a script seems to give a value itself: `name=`, `for name`, `read name`.
#[must_use]
pub fn assigned_in(script: &str) -> BTreeSet<&str> {
    let mut previous = "";
    let mut reading = false;
    let mut out = BTreeSet::new();
    for (at, word) in words(script) {
        let line_broke = !previous.is_empty() && script[offset(script, previous)..at].contains('\n');
        reading = (reading && !line_broke) || matches!(previous, "for" | "read" | "local" | "declare");
        let after = &script[at + word.len()..];
        if reading || after.starts_with('=') || after.starts_with("+=") {
            out.insert(word);
        }
        previous = word;
    }
    out
}

/// Where `part`, a slice of `whole`, begins in it.
fn offset(whole: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize)
}

fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].find(is_word)?;
        let end = text[start..].find(|c| !is_word(c)).map_or(text.len(), |n| start + n);
        at = end;
        Some((start, &text[start..end]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Script {
        Script {
            text: text.to_owned(),
            shell: ["bash".to_owned(), "-c".to_owned()].into(),
            dir: Some(Template("${site}/x".to_owned())),
            env: BTreeMap::from([
                ("GREETING".to_owned(), Template("hello ${site}".to_owned())),
                ("AUTH".to_owned(), Template("Bearer ${token}".to_owned())),
            ])
            .into(),
        }
    }

    #[test]
    fn values_reach_a_script_only_as_variables() {
        let values = BTreeMap::from([
            ("site".into(), Value::Text("$(rm -rf /)".to_owned())),
            ("regions".into(), Value::List(vec!["eu".to_owned(), "us".to_owned()])),
        ]);
        let item: ValueName = "r".into();
        let scope = Scope { values: &values, item: Some((&item, "eu")) };
        let call = script_call(
            &script("echo \"$site\" \"$password\""),
            &scope,
            &["token".into(), "password".into(), "unused".into()],
        )
        .unwrap();
        assert_eq!(call.argv, ["bash", "-c", "echo \"$site\" \"$password\""]);
        assert_eq!(call.env["site"], "$(rm -rf /)");
        assert_eq!(call.env["regions"], "eu\nus");
        assert_eq!(call.env["r"], "eu");
        assert_eq!(call.env["GREETING"], "hello $(rm -rf /)");
        assert_eq!(call.dir.as_deref(), Some("$(rm -rf /)/x"));
        assert_eq!(call.secrets, ["password", "token"].map(ValueName::from));
        assert!(!call.env.contains_key("AUTH"));

        let secrets = BTreeMap::from([
            ("token".into(), Value::Text("t0p".to_owned())),
            ("password".into(), Value::Text("pw".to_owned())),
        ]);
        let extra = fill_secrets(&call, &scope, &secrets).unwrap();
        assert_eq!(extra["AUTH"], "Bearer t0p");
        assert_eq!(extra["password"], "pw");
        assert!(fill_secrets(&call, &scope, &BTreeMap::new()).is_err());
    }

    #[test]
    fn a_nul_is_refused_before_the_kernel_refuses_it() {
        let values = BTreeMap::from([("site".into(), Value::Text("a\0b".to_owned()))]);
        assert!(
            script_call(&script("true"), &Scope { values: &values, item: None }, &["token".into()]).is_err()
        );
    }

    #[test]
    fn variables_are_found_in_scripts() {
        let found = variables_in("echo $a \"${b}\" ${#c} ${!d} ${e:-x} $abc_ f \\$g $$h");
        assert_eq!(found, BTreeSet::from(["a", "b", "c", "d", "e", "abc_", "g", "h"]));
        assert_eq!(words_in("a b_c-d $e"), BTreeSet::from(["a", "b_c", "d", "e"]));
    }

    #[test]
    fn each_variable_has_its_first_place() {
        let script = "echo $a ${b} ${#c} $a ${a} a";
        let places = first_uses(script);
        assert_eq!(places.keys().copied().collect::<BTreeSet<_>>(), variables_in(script));
        assert_eq!(["a", "b", "c"].map(|name| &script[places[name].clone()]), ["$a", "${b", "${#c"]);
        assert_eq!(places["a"].start, 5);
    }

    #[test]
    fn assignments_are_found_in_scripts() {
        let found = assigned_in("x=1; for y in a b; do z+=2; done\nread -r p q\necho w == $v");
        for name in ["x", "y", "z", "p", "q"] {
            assert!(found.contains(name), "{name}");
        }
        assert!(!found.contains("v") && !found.contains("echo"));
    }
}
