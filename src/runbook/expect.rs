//! Is what a script printed, and how it ended, what was expected? PURE.

use std::cmp::Ordering;

use super::pattern::whole;
use super::values::{FillError, ListAs, Scope, fill_as};
use super::{Expect, Template};

/// An [`Expect`] with its values filled in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filled {
    /// Exit status instead of 0.
    pub exit: Option<i32>,
    /// The whole output.
    pub equals: Option<String>,
    /// Occurs in the output.
    pub contains: Option<String>,
    /// Does not occur in the output.
    pub lacks: Option<String>,
    /// Regular expression on the whole output.
    pub matches: Option<String>,
    /// The output is a number not below this.
    pub at_least: Option<f64>,
    /// The output is a number not above this.
    pub at_most: Option<f64>,
}

/// Fills in what is expected; a list stands one item a line.
pub fn fill_expect(expect: &Expect, scope: &Scope<'_>) -> Result<Filled, FillError> {
    let fill =
        |text: &Option<Template>| text.as_ref().map(|text| fill_as(text, scope, ListAs::Lines)).transpose();
    Ok(Filled {
        exit: expect.exit,
        equals: fill(&expect.equals)?,
        contains: fill(&expect.contains)?,
        lacks: fill(&expect.lacks)?,
        matches: fill(&expect.matches)?,
        at_least: expect.at_least,
        at_most: expect.at_most,
    })
}

/// The answer a script gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Holds,
    /// No.
    Fails,
    /// None: something else went wrong.
    Error,
}

/// The longest part of an output that is repeated in a sentence, in characters.
const QUOTED: usize = 120;

/// Judges a script's end. `exit` is its exit status, `None` if a signal ended it; `output` is its stdout.
/// The text is one sentence for people, not cleaned; empty when it holds and there is nothing to say.
#[must_use]
pub fn expect_met(expect: &Filled, exit: Option<i32>, output: &str) -> (Answer, String) {
    let wanted = expect.exit.unwrap_or(0);
    match exit {
        None => return (Answer::Error, "it was ended by a signal".to_owned()),
        Some(code) if code == wanted => {}
        Some(code) if code == 1 || code == 0 => {
            return (Answer::Fails, format!("exit status {code}, expected {wanted}"));
        }
        Some(code) => return (Answer::Error, format!("exit status {code}, which is neither yes nor no")),
    }
    let output = output.trim();
    if expect.at_least.is_some() || expect.at_most.is_some() {
        let Some(number) = number(output) else {
            return (Answer::Error, format!("a number was expected, and it printed {}", quoted(output)));
        };
        if let Some(least) = expect.at_least
            && number.partial_cmp(&least).is_none_or(Ordering::is_lt)
        {
            return (Answer::Fails, format!("it printed {output}, at least {least} expected"));
        }
        if let Some(most) = expect.at_most
            && number.partial_cmp(&most).is_none_or(Ordering::is_gt)
        {
            return (Answer::Fails, format!("it printed {output}, at most {most} expected"));
        }
    }
    if let Some(pattern) = &expect.matches {
        match whole(pattern) {
            Err(_) => return (Answer::Error, format!("`{pattern}` is no regular expression")),
            Ok(regex) if !regex.is_match(output) => {
                return (
                    Answer::Fails,
                    format!("it printed {}, expected a match of `{pattern}`", quoted(output)),
                );
            }
            Ok(_) => {}
        }
    }
    if let Some(text) = &expect.equals
        && text.trim() != output
    {
        return (Answer::Fails, format!("it printed {}, expected {}", quoted(output), quoted(text.trim())));
    }
    if let Some(text) = &expect.contains
        && !output.contains(text.trim_end_matches('\n'))
    {
        return (Answer::Fails, format!("it printed {}, which lacks {}", quoted(output), quoted(text)));
    }
    if let Some(text) = &expect.lacks
        && output.contains(text.trim_end_matches('\n'))
    {
        return (Answer::Fails, format!("it printed {}, which must not be in it", quoted(text)));
    }
    (Answer::Holds, String::new())
}

/// Reads a decimal number: digits, a point, an exponent; nothing else is a number here.
#[must_use]
pub fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.ends_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    if !plain {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn quoted(text: &str) -> String {
    if text.is_empty() {
        return "nothing".to_owned();
    }
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn the_exit_status_alone() {
        let none = Filled::default();
        assert_eq!(expect_met(&none, Some(0), "").0, Answer::Holds);
        assert_eq!(expect_met(&none, Some(1), "").0, Answer::Fails);
        for code in [2, 126, 127, 255] {
            assert_eq!(expect_met(&none, Some(code), "").0, Answer::Error, "{code}");
        }
        assert_eq!(expect_met(&none, None, "").0, Answer::Error);
        let three = Filled { exit: Some(3), ..none };
        assert_eq!(expect_met(&three, Some(3), "").0, Answer::Holds);
        assert_eq!(expect_met(&three, Some(0), "").0, Answer::Fails);
        assert_eq!(expect_met(&three, Some(1), "").0, Answer::Fails);
        assert_eq!(expect_met(&three, Some(4), "").0, Answer::Error);
    }

    #[test]
    fn the_output_trimmed() {
        let none = Filled::default();
        let cases = [
            (Filled { equals: Some(text("a b")), ..none.clone() }, "  a b\n", Answer::Holds),
            (Filled { equals: Some(text("a\nb\n")), ..none.clone() }, "a\nb\n", Answer::Holds),
            (Filled { equals: Some(text("a")), ..none.clone() }, "b", Answer::Fails),
            (Filled { equals: Some(text("")), ..none.clone() }, "\n", Answer::Holds),
            (Filled { contains: Some(text("b")), ..none.clone() }, "abc", Answer::Holds),
            (Filled { contains: Some(text("x")), ..none.clone() }, "abc", Answer::Fails),
            (Filled { lacks: Some(text("x")), ..none.clone() }, "abc", Answer::Holds),
            (Filled { lacks: Some(text("b")), ..none.clone() }, "abc", Answer::Fails),
            (Filled { matches: Some(text("a|b")), ..none.clone() }, "b", Answer::Holds),
            (Filled { matches: Some(text("a|b")), ..none.clone() }, "ab", Answer::Fails),
            (Filled { at_least: Some(5.0), ..none.clone() }, "5\n", Answer::Holds),
            (Filled { at_least: Some(5.0), ..none.clone() }, "4.9", Answer::Fails),
            (Filled { at_most: Some(5.0), ..none.clone() }, "5.01", Answer::Fails),
            (Filled { at_most: Some(5.0), ..none.clone() }, "5 files", Answer::Error),
            (Filled { at_least: Some(0.0), ..none.clone() }, "nan", Answer::Error),
            (Filled { at_least: Some(0.0), ..none.clone() }, "inf", Answer::Error),
            (Filled { at_least: Some(0.0), ..none.clone() }, "", Answer::Error),
            // All of it must be met.
            (
                Filled { contains: Some(text("a")), lacks: Some(text("b")), ..none.clone() },
                "ab",
                Answer::Fails,
            ),
        ];
        for (expect, output, answer) in cases {
            assert_eq!(expect_met(&expect, Some(0), output).0, answer, "{expect:?} {output:?}");
        }
    }

    #[test]
    fn numbers_are_decimal() {
        assert_eq!(number("-1.5e3"), Some(-1500.0));
        for text in ["0x10", "1_000", ".5", "5.", "1e999", "infinity", "--1", ""] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
