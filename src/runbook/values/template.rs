//! `${name}` in texts. PURE: replaces, and never looks at what it replaced again.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use crate::id::{ValueName, is_value_name};
use crate::runbook::{ListSource, Template, Value};

/// What names stand for at one place: parameters and captures (never secrets), and the item of a `for_each`.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Parameters and captures.
    pub values: &'a BTreeMap<ValueName, Value>,
    /// The item's name and text.
    pub item: Option<(&'a ValueName, &'a str)>,
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

/// What becomes of a list where `${name}` names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListAs {
    /// In words: `a, b`.
    Words,
    /// In `expect`: one item a line.
    Lines,
    /// Elsewhere: an error.
    Refused,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Stands for itself.
    Text(&'a str),
    /// `${name}`; the range is that of the whole mark within the template, in bytes.
    Name(&'a str, Range<usize>),
    /// `${` that is followed by no name and `}`; the text is what stands there.
    Bad(&'a str, Range<usize>),
}

/// Cuts a template into its parts.
#[must_use]
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let mut plain = 0; // where the text not yet handed out begins
    let mut at = 0;
    while let Some(found) = text[at..].find('$') {
        let dollar = at + found;
        let rest = &text[dollar..];
        if rest.starts_with("$${") {
            out.push(Piece::Text(&text[plain..dollar]));
            out.push(Piece::Text("${"));
            at = dollar + 3;
            plain = at;
        } else if let Some(inside) = rest.strip_prefix("${") {
            out.push(Piece::Text(&text[plain..dollar]));
            let end = inside.find(['}', '\n', '$']).unwrap_or(inside.len());
            let name = &inside[..end];
            let closed = inside[end..].starts_with('}');
            at = dollar + 2 + end + usize::from(closed);
            plain = at;
            let place = dollar..at;
            out.push(if closed && is_value_name(name) {
                Piece::Name(name, place)
            } else {
                Piece::Bad(&text[place.clone()], place)
            });
        } else {
            at = dollar + 1;
        }
    }
    out.push(Piece::Text(&text[plain..]));
    out.retain(|piece| !matches!(piece, Piece::Text("")));
    out
}

/// Replaces every `${name}` in words: a list becomes `a, b`.
pub fn fill(text: &Template, scope: &Scope<'_>) -> Result<String, FillError> {
    fill_as(text, scope, ListAs::Words)
}

/// Replaces every `${name}`, with lists as the place wants them.
pub fn fill_as(text: &Template, scope: &Scope<'_>, lists: ListAs) -> Result<String, FillError> {
    let mut out = String::with_capacity(text.raw().len());
    for piece in pieces(text.raw()) {
        match piece {
            Piece::Text(plain) => out.push_str(plain),
            Piece::Name(name, _) => out.push_str(&value_text(name, scope, lists)?),
            Piece::Bad(found, _) => {
                return Err(FillError::Other(format!(
                    "`{found}` is not a value; write `$${{` for a plain `${{`"
                )));
            }
        }
    }
    Ok(out)
}

/// As [`fill`], for showing: what is not known yet stays as written. Never fails.
#[must_use]
pub fn fill_shown(text: &Template, scope: &Scope<'_>) -> String {
    let mut out = String::with_capacity(text.raw().len());
    for piece in pieces(text.raw()) {
        match piece {
            Piece::Text(plain) => out.push_str(plain),
            Piece::Name(name, place) => match value_text(name, scope, ListAs::Words) {
                Ok(value) => out.push_str(&value),
                Err(_) => out.push_str(&text.raw()[place]),
            },
            Piece::Bad(found, _) => out.push_str(found),
        }
    }
    out
}

fn value_text(name: &str, scope: &Scope<'_>, lists: ListAs) -> Result<String, FillError> {
    if let Some((item, text)) = scope.item
        && item.as_str() == name
    {
        return Ok(text.to_owned());
    }
    match scope.values.get(name) {
        None => Err(FillError::NotCaptured(name.into())),
        Some(Value::Text(text)) => Ok(text.clone()),
        Some(Value::List(items)) => match lists {
            ListAs::Words => Ok(items.join(", ")),
            ListAs::Lines => Ok(items.join("\n")),
            ListAs::Refused => {
                Err(FillError::Other(format!("`{name}` is a list, and one text is wanted here")))
            }
        },
    }
}

/// The names a text uses, in order of first use.
#[must_use]
pub fn names_in(text: &Template) -> Vec<ValueName> {
    let mut seen = HashSet::new();
    pieces(text.raw())
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Name(name, _) => seen.insert(name).then(|| name.into()),
            _ => None,
        })
        .collect()
}

/// The text that has to be typed to confirm: filled in, one line, not empty.
pub fn confirm_text(text: &Template, scope: &Scope<'_>) -> Result<String, FillError> {
    let filled = fill(text, scope)?;
    if filled.trim().is_empty() {
        return Err(FillError::Other(
            "the text that confirms is empty once its values are filled in".to_owned(),
        ));
    }
    if filled.chars().any(char::is_control) {
        return Err(FillError::Other(
            "the text that confirms has a line break or control character once its values are filled in"
                .to_owned(),
        ));
    }
    Ok(filled)
}

/// The items of a `for_each`, in order, as they are: one that is there twice is for whoever runs them to refuse. Of a
/// captured text: its lines, empty ones left out.
pub fn items(list: &ListSource, scope: &Scope<'_>) -> Result<Vec<String>, FillError> {
    Ok(match list {
        ListSource::Literal(texts) => {
            texts.iter().map(|text| fill_as(text, scope, ListAs::Refused)).collect::<Result<_, _>>()?
        }
        ListSource::Named(name) => match scope.values.get(name) {
            None => return Err(FillError::NotCaptured(name.clone())),
            Some(Value::List(items)) => items.clone(),
            Some(Value::Text(text)) => {
                text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
            }
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> BTreeMap<ValueName, Value> {
        BTreeMap::from([
            ("site".into(), Value::Text("/srv/${x}".to_owned())),
            ("regions".into(), Value::List(vec!["eu".to_owned(), "us".to_owned()])),
        ])
    }

    fn filled(text: &str) -> Result<String, FillError> {
        let values = values();
        let item: ValueName = "r".into();
        fill(&Template(text.to_owned()), &Scope { values: &values, item: Some((&item, "eu")) })
    }

    #[test]
    fn values_are_replaced_once_and_as_plain_text() {
        for (text, expected) in [
            ("a ${site} b", "a /srv/${x} b"),
            ("${regions}: ${r}", "eu, us: eu"),
            ("$${site} $site $ $$ 5$", "${site} $site $ $$ 5$"),
            ("$$${site}", "$${site}"),
            ("", ""),
            ("ünï${r}ö", "ünïeuö"),
        ] {
            assert_eq!(filled(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_value_is_an_error() {
        assert_eq!(filled("${later}"), Err(FillError::NotCaptured("later".into())));
        for text in ["${HOME}", "${", "${}", "${site", "${site:-x}", "${a\n}"] {
            assert!(matches!(filled(text), Err(FillError::Other(_))), "{text}");
        }
    }

    #[test]
    fn showing_never_fails() {
        let values = values();
        let scope = Scope { values: &values, item: None };
        assert_eq!(
            fill_shown(&Template("${site} ${later} ${ x".to_owned()), &scope),
            "/srv/${x} ${later} ${ x"
        );
    }

    #[test]
    fn a_list_is_lines_in_expect_and_an_error_elsewhere() {
        let values = values();
        let scope = Scope { values: &values, item: None };
        let text = Template("${regions}".to_owned());
        assert_eq!(fill_as(&text, &scope, ListAs::Lines).as_deref(), Ok("eu\nus"));
        assert!(fill_as(&text, &scope, ListAs::Refused).is_err());
    }

    #[test]
    fn a_confirmation_is_one_line_and_not_empty() {
        let values = BTreeMap::from([
            ("empty".into(), Value::Text(String::new())),
            ("two".into(), Value::Text("a\nb".to_owned())),
        ]);
        let scope = Scope { values: &values, item: None };
        let confirm = |text: &str| confirm_text(&Template(text.to_owned()), &scope);
        assert_eq!(confirm("yes ${empty}!").as_deref(), Ok("yes !"));
        assert!(confirm("${empty}").is_err());
        assert!(confirm("${two}").is_err());
    }

    #[test]
    fn items_are_the_lines_of_a_captured_text() {
        let values = BTreeMap::from([("found".into(), Value::Text("a\n\n b \n".to_owned()))]);
        let scope = Scope { values: &values, item: None };
        assert_eq!(
            items(&ListSource::Named("found".into()), &scope),
            Ok(vec!["a".to_owned(), "b".to_owned()])
        );
        assert_eq!(
            items(&ListSource::Named("later".into()), &scope),
            Err(FillError::NotCaptured("later".into()))
        );
    }
}
