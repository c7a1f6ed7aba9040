//! What must hold of how values reach texts, parameters and scripts: what is spliced never becomes code (X1, X2).
//!
//! - A text is filled in once: with marks in the place of values, and the values put for the marks afterwards, it is the same. So
//!   nothing that a value holds is looked at again.
//! - The script that runs is the script that stands there, byte for byte; a value is a variable, byte for byte, and in no word of the
//!   command.
//! - A secret is in nothing that a session keeps of the command; filled in, it is a variable and nothing else.
//! - A confirmation is one line and not empty; a parameter that is accepted could be given to a command and is no option.

use std::collections::BTreeMap;

use onbelay::id::ValueName;
use onbelay::runbook::values::{
    Given, Scope, check_value, confirm_text, fill, fill_secrets, fill_shown, names_in, pieces,
    resolve_params, script_call,
};
use onbelay::runbook::{Param, Runbook, Script, Template, Value};

/// Holds all of it: the bytes are a text, a script, a variable's text, a directory, and values, apart at every byte 255.
pub(crate) fn hold(bytes: &[u8]) {
    let fields: Vec<String> =
        bytes.split(|byte| *byte == 0xff).map(|field| String::from_utf8_lossy(field).into_owned()).collect();
    let field = |n: usize| fields.get(n).cloned().unwrap_or_default();
    let values: BTreeMap<ValueName, Value> = ["a", "b", "site"]
        .into_iter()
        .zip(4..)
        .map(|(name, n)| (name.into(), Value::Text(field(n))))
        .collect();
    let scope = Scope { values: &values, item: None };
    let text = Template(field(0));
    once(&text, &values);
    once(&Template(field(2)), &values);
    script(&field(1), &field(2), &field(3), &scope);
    if let Ok(said) = confirm_text(&text, &scope) {
        assert!(!said.trim().is_empty() && !said.chars().any(char::is_control), "{said:?}");
    }
    parameter(&field(4), &field(5), &field(6));
}

/// Filled in with marks, and the values put for the marks, it is the same text.
fn once(text: &Template, values: &BTreeMap<ValueName, Value>) {
    let mark = |name: &ValueName| format!("\u{1}{name}\u{2}");
    if text.raw().contains(['\u{1}', '\u{2}']) || pieces(text.raw()).len() > 2_000 {
        return;
    }
    let marks: BTreeMap<ValueName, Value> =
        values.keys().map(|name| (name.clone(), Value::Text(mark(name)))).collect();
    let of = |values| fill(text, &Scope { values, item: None });
    match (of(values), of(&marks)) {
        (Ok(filled), Ok(marked)) => {
            // Cut at the marks, so that no value is looked at again here either.
            let mut expected = String::new();
            for part in marked.split('\u{1}') {
                match part.split_once('\u{2}').map(|(name, rest)| (values.get(name), rest)) {
                    Some((Some(Value::Text(value)), rest)) => expected.extend([value, rest]),
                    _ => expected.push_str(part),
                }
            }
            assert_eq!(filled, expected);
            assert_eq!(
                fill_shown(text, &Scope { values, item: None }),
                filled,
                "what is shown is not what is filled in"
            );
        }
        (Err(a), Err(b)) => assert_eq!(a, b, "whether it can be filled in rests on a value"),
        (a, b) => panic!("whether it can be filled in rests on a value: {a:?} {b:?}"),
    }
    for name in names_in(text) {
        assert!(text.raw().contains(&format!("${{{name}}}")), "{name} is not in it");
    }
}

fn script(text: &str, variable: &str, dir: &str, scope: &Scope<'_>) {
    const SECRET: &str = "Gr8-s3cret/\"'$(x)";
    let script = Script {
        text: text.to_owned(),
        shell: ["bash", "-euo", "pipefail", "-c"].map(str::to_owned).into(),
        dir: (!dir.is_empty()).then(|| Template(dir.to_owned())),
        env: BTreeMap::from([("MINE".to_owned(), Template(variable.to_owned()))]).into(),
    };
    let Ok(call) = script_call(&script, scope, &["token".into()]) else { return };
    assert_eq!(call.argv[..4], ["bash", "-euo", "pipefail", "-c"]);
    assert_eq!(call.argv[4..], [text], "another script runs than stands there");
    for (name, value) in scope.values {
        let Value::Text(value) = value else { continue };
        assert_eq!(call.env.get(name.as_str()), Some(value), "{name} arrives changed");
    }
    let secrets = BTreeMap::from([("token".into(), Value::Text(SECRET.to_owned()))]);
    let names = names_in(&Template(variable.to_owned()));
    let uses = names.iter().any(|name| name == "token");
    assert!(!uses || call.secrets.iter().any(|name| name == "token"), "a secret is used and not named");
    assert!(!format!("{call:?}").contains(SECRET) || format!("{script:?}{scope:?}").contains(SECRET));
    if let Ok(extra) = fill_secrets(&call, scope, &secrets) {
        assert!(extra.keys().all(|name| name == "token" || name == "MINE"), "{extra:?}");
        assert!(extra.get("token").is_none_or(|value| value == SECRET));
        assert!(extra.values().all(|value| !value.contains('\0')));
    }
    assert!(call.argv.iter().chain(call.env.values()).chain(&call.dir).all(|text| !text.contains('\0')));
}

fn parameter(text: &str, pattern: &str, default: &str) {
    let plain = Param {
        name: "v".into(),
        about: String::new(),
        default: None,
        matches: None,
        choices: Vec::new(),
        list: false,
        secret: false,
        env: Some("V".to_owned()),
    };
    let value = Value::Text(text.to_owned());
    if check_value(&plain, &value).is_ok() {
        assert!(!text.is_empty() && !text.starts_with('-') && !text.contains('\0'), "{text:?}");
    }
    let chosen = Param { choices: vec![pattern.to_owned()], ..plain.clone() };
    assert!(check_value(&chosen, &value).is_err() || text == pattern);
    let matched = Param { matches: Some(pattern.to_owned()), ..plain.clone() };
    if pattern.len() < 200 && check_value(&matched, &value).is_ok() {
        assert!(!text.is_empty() && !text.contains('\0'));
    }
    let secret = Param { name: "token".into(), secret: true, env: None, ..plain.clone() };
    let runbook = Runbook {
        title: Template("t".to_owned()),
        about: Template::default(),
        params: vec![Param { default: Some(Value::Text(default.to_owned())), ..plain }, secret],
        pass_env: Vec::new(),
        checks: Vec::new(),
        steps: Vec::new(),
        phases: Vec::new(),
    };
    // However it is given, it arrives as it is or is refused; a secret given where it is seen is refused and not repeated.
    for given in [
        Given { flags: vec![("v".to_owned(), text.to_owned())], ..Given::default() },
        Given { file: BTreeMap::from([("v".to_owned(), value.clone())]), ..Given::default() },
        Given { env: BTreeMap::from([("V".to_owned(), text.to_owned())]), ..Given::default() },
    ] {
        if let Ok(resolved) = resolve_params(&runbook, &given) {
            assert_eq!(resolved.values.get("v"), Some(&value));
            assert!(resolved.secrets.is_empty() && resolved.secrets_needed.len() == 1);
        }
    }
    let seen = Given { flags: vec![("token".to_owned(), "Gr8-s3cret".to_owned())], ..Given::default() };
    let problems = resolve_params(&runbook, &seen).expect_err("a secret on the command line is refused");
    assert!(problems.iter().any(|problem| problem.name == "token"));
    assert!(!format!("{problems:?}").contains("Gr8-s3cret") || default.contains("Gr8-s3cret"));
}
