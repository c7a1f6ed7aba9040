//! The built-in probes: which values may be used in them, and texts whose form is known before anything runs. PURE.

use std::convert::Infallible;

use super::Book;
use super::texts::{Allow, Uses};
use crate::runbook::look::Look;
use crate::runbook::model::Template;
use crate::runbook::parse::raw::Text;
use crate::runbook::problem::Problem;
use crate::time::{NotAQuantity, parse_duration, parse_size};

impl Book<'_> {
    /// Checks a probe's texts; the same probe with templates.
    pub(super) fn look(&mut self, raw: &Look<Text>, allow: &Allow<'_>, uses: &mut Uses) -> Look<Template> {
        let allow = allow.no_lists();
        let Ok(look) = raw.try_map::<_, Infallible>(|text| {
            uses.extend(self.words(text, &allow));
            Ok(Template(text.value.clone()))
        });
        match raw {
            Look::Fresh(of) => {
                let (age, size) = (parse_duration, parse_size);
                self.quantity(of.max_age.as_ref(), |text| {
                    age(text).map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX))
                });
                self.quantity(of.min_size.as_ref(), size);
                self.sha256(of.sha256.as_ref());
            }
            Look::Space(of) => {
                let least = self.quantity(of.at_least.as_ref(), parse_size);
                let most = self.quantity(of.at_most.as_ref(), parse_size);
                if let (Some(least), Some(most), Some(first), Some(second)) =
                    (least, most, &of.at_least, &of.at_most)
                    && least > most
                {
                    self.problem(
                        Problem::error(
                            "never",
                            second.span.clone(),
                            "no size is at least the one and at most the other",
                        )
                        .also(first.span.clone(), "more than that"),
                    );
                }
            }
            _ => {}
        }
        look
    }

    /// Holds a text without values to its form.
    fn quantity(
        &mut self,
        text: Option<&Text>,
        read: impl Fn(&str) -> Result<u64, NotAQuantity>,
    ) -> Option<u64> {
        let text = text.filter(|text| !text.value.contains("${"))?;
        match read(&text.value) {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.problem(
                    Problem::error(
                        "wrong-type",
                        text.span.clone(),
                        format!("`{}` is not what belongs here", wrong.found),
                    )
                    .label(format!("expected {}", wrong.expected)),
                );
                None
            }
        }
    }

    fn sha256(&mut self, text: Option<&Text>) {
        let Some(text) = text.filter(|text| !text.value.contains("${")) else { return };
        if text.value.len() != 64 || !text.value.bytes().all(|b| b.is_ascii_hexdigit()) {
            self.problem(
                Problem::error("wrong-type", text.span.clone(), "this is no SHA-256 sum")
                    .label("expected 64 hexadecimal digits, as `sha256sum` prints them"),
            );
        }
    }
}
