//! What a command gets of the starter's environment: an allow-list, never the rest. PURE: the starter's variables are
//! an argument.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;

use sha2::{Digest as _, Sha256};

use crate::id::{Digest, ValueName};
use crate::runbook::Value;
use crate::runbook::values::{Scope, ScriptCall, fill};

/// The variables of the starter that every command gets (`LC_*`: every name that begins so).
pub const ALLOWED: [&str; 10] =
    ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_*", "TZ", "TMPDIR", "SSH_AUTH_SOCK"];

/// Takes from `starter` (say, `std::env::vars_os()`) what commands get: the allow-list and what `pass_env` names.
/// A name that is not UTF-8 never passes.
#[must_use]
pub fn allowed(
    starter: impl IntoIterator<Item = (OsString, OsString)>,
    pass_env: &[String],
) -> BTreeMap<String, OsString> {
    let passes = |name: &str| {
        ALLOWED
            .iter()
            .copied()
            .chain(pass_env.iter().map(String::as_str))
            .any(|pattern| matches(pattern, name))
    };
    starter
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| passes(name))
        .collect()
}

/// SHA-256 of every value, by name: what the journal says of the environment.
#[must_use]
pub fn digests(environment: &BTreeMap<String, OsString>) -> BTreeMap<String, Digest> {
    environment.iter().map(|(name, value)| (name.clone(), digest(value))).collect()
}

/// The names whose value differs between two hosts of one session, those that only one of them has included.
#[must_use]
pub fn changed(before: &BTreeMap<String, Digest>, now: &BTreeMap<String, Digest>) -> Vec<String> {
    let mut names: Vec<String> = before.keys().chain(now.keys()).cloned().collect();
    names.sort();
    names.dedup();
    names.retain(|name| before.get(name) != now.get(name));
    names
}

/// A command's whole environment, and the secrets in it. Told for people, it names its variables alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Full {
    /// Every variable.
    pub variables: BTreeMap<String, OsString>,
    /// Is any secret among them?
    pub has_secret: bool,
}

impl fmt::Debug for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Full")
            .field("variables", &self.variables.keys())
            .field("has_secret", &self.has_secret)
            .finish()
    }
}

/// Puts a command's environment together: what passes of the starter's, over it the values and the script's own
/// `env`, over those the secrets it names. The error is a sentence.
pub fn full(
    starter: &BTreeMap<String, OsString>,
    call: &ScriptCall,
    secrets: &BTreeMap<ValueName, String>,
) -> Result<Full, String> {
    let mut variables = starter.clone();
    variables.extend(call.env.iter().map(|(name, text)| (name.clone(), OsString::from(text))));
    for name in &call.secrets {
        let value = secrets.get(name).ok_or_else(|| unknown_secret(name))?;
        variables.insert(name.as_str().to_owned(), OsString::from(value));
    }
    if !call.secret_env.is_empty() {
        let values: BTreeMap<ValueName, Value> = call
            .env
            .iter()
            .map(|(name, text)| (ValueName::new(name.clone()), Value::Text(text.clone())))
            .chain(secrets.iter().map(|(name, text)| (name.clone(), Value::Text(text.clone()))))
            .collect();
        let scope = Scope { values: &values, item: None };
        for (name, text) in &call.secret_env {
            let filled = fill(text, &scope)
                .map_err(|why| format!("the variable `{name}` cannot be filled in: {why}"))?;
            variables.insert(name.clone(), OsString::from(filled));
        }
    }
    Ok(Full { variables, has_secret: !call.secrets.is_empty() || !call.secret_env.is_empty() })
}

fn unknown_secret(name: &ValueName) -> String {
    format!("the secret `{name}` is not known since the session was taken up again; give it once more")
}

fn digest(value: &OsStr) -> Digest {
    Digest::new(data_encoding::HEXLOWER.encode(&Sha256::digest(value.as_bytes())))
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn starter(names: &[&str]) -> Vec<(OsString, OsString)> {
        names.iter().map(|name| (OsString::from(name), OsString::from("x"))).collect()
    }

    #[test]
    fn only_the_allow_list_passes() {
        let all = [
            "PATH",
            "HOME",
            "USER",
            "LOGNAME",
            "SHELL",
            "LANG",
            "LC_ALL",
            "LC_TIME",
            "TZ",
            "TMPDIR",
            "SSH_AUTH_SOCK",
            "BASH_ENV",
            "ENV",
            "BASH_FUNC_ls%%",
            "LD_PRELOAD",
            "IFS",
            "PS4",
            "SHELLOPTS",
            "GIT_DIR",
            "PYTHONPATH",
            "PATHX",
            "LC",
            "AWS_PROFILE",
            "AWS",
            "path",
        ];
        let names: Vec<String> = allowed(starter(&all), &["AWS_*".to_owned()]).into_keys().collect();
        assert_eq!(
            names,
            [
                "AWS_PROFILE",
                "HOME",
                "LANG",
                "LC_ALL",
                "LC_TIME",
                "LOGNAME",
                "PATH",
                "SHELL",
                "SSH_AUTH_SOCK",
                "TMPDIR",
                "TZ",
                "USER"
            ]
        );
    }

    #[test]
    fn a_value_of_any_bytes_passes_and_a_name_that_is_not_text_does_not() {
        let odd = OsString::from_vec(vec![0xff, 0x01]);
        let vars = vec![
            (OsString::from("PATH"), odd.clone()),
            (OsString::from_vec(b"LC_\xff".to_vec()), odd.clone()),
        ];
        assert_eq!(allowed(vars, &[]), BTreeMap::from([("PATH".to_owned(), odd)]));
    }

    #[test]
    fn what_changed_is_named() {
        let of = |pairs: &[(&str, &str)]| {
            digests(&pairs.iter().map(|(n, v)| ((*n).to_owned(), OsString::from(v))).collect())
        };
        let before = of(&[("HOME", "/root"), ("TZ", "UTC"), ("LANG", "C")]);
        let now = of(&[("HOME", "/root"), ("TZ", "CET"), ("PATH", "/bin")]);
        assert_eq!(changed(&before, &now), ["LANG", "PATH", "TZ"]);
        assert_eq!(
            before["LANG"].as_str(),
            "6b23c0d5f35d1b11f9b683f0b0a617355deb11277d91ae091d399c655b87940d"
        );
    }

    #[test]
    fn the_nearest_wins_and_an_unknown_secret_stops_the_start() {
        let call = ScriptCall {
            argv: vec!["sh".to_owned()],
            env: BTreeMap::from([("TZ".to_owned(), "CET".to_owned())]),
            dir: None,
            secrets: vec!["token".into()],
            secret_env: BTreeMap::new(),
        };
        let starter = BTreeMap::from([("TZ".to_owned(), OsString::from("UTC"))]);
        let known = BTreeMap::from([(ValueName::from("token"), "hunter2".to_owned())]);
        let full_env = full(&starter, &call, &known).unwrap();
        assert_eq!(full_env.variables["TZ"], "CET");
        assert_eq!(full_env.variables["token"], "hunter2");
        assert!(full_env.has_secret);
        let told = format!("{full_env:?} {full_env:#?}");
        assert!(told.contains("token") && !told.contains("hunter2") && !told.contains("CET"), "{told}");
        assert!(full(&starter, &call, &BTreeMap::new()).unwrap_err().contains("`token`"));
    }
}
