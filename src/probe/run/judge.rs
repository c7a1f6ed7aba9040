//! What a script's end says, and the sentence for it. PURE.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use crate::runbook::expect::{self, Filled, expect_met};
use crate::runbook::{Expect, Template};
use crate::session::Verdict;
use crate::time::in_words;

use super::listen::MAX_OUTPUT;
use super::{End, Tried};

/// The longest line repeated in a sentence, characters.
const QUOTED: usize = 200;

/// What was looked at.
pub(super) fn leave_evidence(tried: &Tried, evidence: &mut BTreeMap<String, serde_json::Value>) {
    if let End::ByItself(status) = tried.end {
        let exit = status.code().map(|code| ("exit", code));
        let signal = status.signal().map(|signal| ("signal", signal));
        evidence.extend(exit.into_iter().chain(signal).map(|(name, n)| (name.to_owned(), n.into())));
    }
    evidence.insert("stdout_bytes".to_owned(), tried.out.bytes.into());
    evidence.insert("stdout_sha256".to_owned(), tried.out.sha256.clone().into());
}

/// The answer, by the table of the format.
pub(super) fn judge(tried: &Tried, expect: &Expect, timeout: Option<Duration>) -> (Verdict, String) {
    let status = match tried.end {
        End::ByItself(status) => status,
        End::TimedOut | End::Cancelled => {
            let limit = timeout.map(in_words).unwrap_or_default();
            return (Verdict::Error, with_last_words(tried, &format!("no answer within {limit}")));
        }
    };
    let Some(code) = status.code() else {
        let signal = status.signal().unwrap_or_default();
        return (Verdict::Error, with_last_words(tried, &format!("its script was ended by signal {signal}")));
    };
    if expect.reads_output() && tried.out.bytes > MAX_OUTPUT as u64 {
        return (Verdict::Error, "it printed more than 1 MiB, which is too much to be compared".to_owned());
    }
    let filled = as_filled(expect);
    let (verdict, sentence) = verdict_of(&filled, code, &tried.out.raw);
    if verdict == Verdict::Holds {
        let said = last_line(&tried.out.tail);
        return (verdict, said.unwrap_or_else(|| format!("exit status {code}")));
    }
    if code == filled.exit.unwrap_or(0) {
        return (verdict, safe_sentence(tried, &filled, code, (verdict, sentence)));
    }
    if code == 1
        && expect.exit.is_none()
        && let Some(words) = last_line(&tried.out.tail).or_else(|| last_line(&tried.err.tail))
    {
        // The plain way to say no: what it says itself is the answer, not what a command in it complained of.
        return (verdict, words);
    }
    let hint = match code {
        126 => " (a command may not be executed)",
        127 => " (a command is missing)",
        129..=192 => " (a command in it was ended by a signal)",
        _ => "",
    };
    let wanted = expect.exit.map(|exit| format!(", expected {exit}")).unwrap_or_default();
    (verdict, with_last_words(tried, &format!("exit status {code}{hint}{wanted}")))
}

/// The sentence repeats what was printed. It is made from what may be shown, unless that changes the answer.
fn safe_sentence(tried: &Tried, filled: &Filled, code: i32, raw: (Verdict, String)) -> String {
    if tried.out.head == tried.out.raw {
        return raw.1;
    }
    let shown = verdict_of(filled, code, &tried.out.head);
    if shown.0 == raw.0 { shown.1 } else { "its output is not what is expected".to_owned() }
}

fn verdict_of(filled: &Filled, code: i32, output: &[u8]) -> (Verdict, String) {
    let (answer, sentence) = expect_met(filled, Some(code), &String::from_utf8_lossy(output));
    let verdict = match answer {
        expect::Answer::Holds => Verdict::Holds,
        expect::Answer::Fails => Verdict::Fails,
        expect::Answer::Error => Verdict::Error,
    };
    (verdict, sentence)
}

/// The values are filled in already: what stands there now is meant as it is.
fn as_filled(expect: &Expect) -> Filled {
    let text = |template: &Option<Template>| template.as_ref().map(|text| text.raw().to_owned());
    Filled {
        exit: expect.exit,
        equals: text(&expect.equals),
        contains: text(&expect.contains),
        lacks: text(&expect.lacks),
        matches: text(&expect.matches),
        at_least: expect.at_least,
        at_most: expect.at_most,
    }
}

fn with_last_words(tried: &Tried, what: &str) -> String {
    // What went wrong is usually on stderr.
    match last_line(&tried.err.tail).or_else(|| last_line(&tried.out.tail)) {
        Some(words) => format!("{what}: {words}"),
        None => format!("{what}; it printed nothing"),
    }
}

/// The last line that says something, shortened.
fn last_line(tail: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(tail);
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    Some(match line.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    })
}
