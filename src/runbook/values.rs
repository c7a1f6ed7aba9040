//! How values reach texts and scripts. PURE.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::ValueName;

use super::{Script, Template, Value};

/// What names stand for at one place: parameters and captures (never secrets), and the item of a `for_each`.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Parameters and captures.
    pub values: &'a BTreeMap<ValueName, Value>,
    /// The item's name and text.
    pub item: Option<(&'a ValueName, &'a str)>,
}

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
    /// Entries of `env` that use a secret, to be filled by the host.
    pub secret_env: BTreeMap<String, Template>,
}

/// Why a text cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// A step has yet to capture it.
    #[error("`{0}` is not captured yet")]
    NotCaptured(ValueName),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Replaces every `${name}`.
pub fn fill(_text: &Template, _scope: &Scope<'_>) -> Result<String, FillError> {
    todo!("h1")
}

/// The names a text uses, in order of first use.
#[must_use]
pub fn names_in(_text: &Template) -> Vec<ValueName> {
    todo!("h1")
}

/// Makes a script ready to run. `secrets` are the runbook's secret parameters.
pub fn script_call(
    _script: &Script,
    _scope: &Scope<'_>,
    _secrets: &[ValueName],
) -> Result<ScriptCall, FillError> {
    todo!("h1")
}
