//! Parameters. PURE.

use super::Book;
use super::names::{NameKind, is_variable};
use super::texts::Allow;
use super::within::PlacesIn;
use crate::runbook::model::{Param, Template, Value};
use crate::runbook::parse::raw::{Flag, RawDefault, RawParam, Text};
use crate::runbook::pattern::Tried;
use crate::runbook::problem::Problem;
use crate::runbook::values::{Piece, check_value_by, names_in, pieces};

impl Book<'_> {
    pub(super) fn params(&mut self) -> Vec<Param> {
        let raw = self.raw;
        raw.params.0.iter().enumerate().map(|(index, (name, param))| self.param(index, name, param)).collect()
    }

    fn param(&mut self, index: usize, name: &Text, raw: &RawParam) -> Param {
        let flag = |flag: &Option<Flag>| flag.as_ref().is_some_and(|flag| flag.value);
        let about = raw.about.as_ref().map(|about| self.without_values(about)).unwrap_or_default();
        let matches = raw.matches.as_ref().and_then(|pattern| self.pattern(pattern));
        if let Some(variable) = &raw.env
            && !is_variable(&variable.value)
        {
            self.problem(
                Problem::error(
                    "variable",
                    variable.span.clone(),
                    format!("`{}` cannot be a variable", variable.value),
                )
                .label("expected the name of a variable of the environment"),
            );
        }
        if raw.choices.as_ref().is_some_and(Vec::is_empty) {
            self.problem(
                Problem::error("empty-list", name.span.clone(), format!("`{}` has no choices", name.value))
                    .label("expected at least one in `choices`"),
            );
        }
        let mut param = Param {
            name: name.value.as_str().into(),
            about,
            default: None,
            matches,
            choices: raw.choices.iter().flatten().map(|choice| choice.value.clone()).collect(),
            list: flag(&raw.list),
            secret: flag(&raw.secret),
            env: raw.env.as_ref().map(|variable| variable.value.clone()),
        };
        if let Some(default) = &raw.default {
            self.default_of(index, &mut param, default);
        }
        param
    }

    /// A text that may not use values, with `$${` read as `${`.
    fn without_values(&mut self, text: &Text) -> String {
        let mut out = String::new();
        let mut places = PlacesIn::new(self.source, &text.span);
        for piece in pieces(&text.value) {
            match piece {
                Piece::Text(plain) => out.push_str(plain),
                Piece::Name(found, _) => {
                    let place = places.next(&format!("${{{found}}}"));
                    self.problem(
                        Problem::error("value", place, "no value can be used here")
                            .label("values are not known yet when this is asked for")
                            .hint(format!("for these very characters write `$${{{found}}}`")),
                    );
                }
                Piece::Bad(found, _) => out.push_str(found),
            }
        }
        out
    }

    fn default_of(&mut self, index: usize, param: &mut Param, raw: &RawDefault) {
        let (value, span, texts) = match raw {
            RawDefault::Text(text) => {
                (Value::Text(text.value.clone()), text.span.clone(), std::slice::from_ref(text))
            }
            RawDefault::List(list) => (
                Value::List(list.value.iter().map(|text| text.value.clone()).collect()),
                self.first_line(&list.span),
                list.value.as_slice(),
            ),
        };
        // Its type and form first, as it stands; the empty text is what lets a value be empty.
        param.default = Some(value.clone());
        let mut uses_values = false;
        for text in texts {
            if text.value.contains("${") {
                uses_values |= !names_in(&Template(text.value.clone())).is_empty();
                self.words(text, &Allow::params_only().no_lists());
                let mut places = PlacesIn::new(self.source, &text.span);
                for name in names_in(&Template(text.value.clone())) {
                    if let Some((NameKind::Param { index: other, secret: false, .. }, _)) =
                        self.names.values.get(name.as_str())
                        && *other >= index
                    {
                        let place = places.next(&format!("${{{name}}}"));
                        self.problem(
                            Problem::error(
                                "value",
                                place,
                                format!("`{name}` does not come before this parameter"),
                            )
                            .label("a default may use the parameters above it"),
                        );
                    }
                }
            }
        }
        let filled = !matches!(&value, Value::Text(text) if text.is_empty());
        if param.secret && filled {
            self.problem(
                Problem::error("secret", span, "a secret with a default")
                    .label("would be written in the runbook and in every session's copy of it")
                    .hint("leave it out: a secret is asked for, or taken from its `env`"),
            );
            return;
        }
        let of_kind = matches!((&value, param.list), (Value::Text(_), false) | (Value::List(_), true));
        if of_kind && uses_values {
            return;
        }
        // What is not known for its cost is found out when the value is used.
        let patterns = &mut self.patterns;
        let matches = |pattern: &str, text: &str| patterns.matches(pattern, text) != Tried::DoesNot;
        if let Err(why) = check_value_by(param, &value, matches) {
            self.problem(Problem::error("default", span, why).label("this default can never be used"));
        }
    }
}
