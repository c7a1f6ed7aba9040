//! A rough look at the words of a shell script, and at the files that it starts: enough for a warning, never for a decision. PURE.

mod watched;

use std::collections::VecDeque;

pub use watched::{LOOKED_AT, Unwatched, brief, unwatched};

/// A word of a script, as far as blanks tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// Without quotes, brackets and the like around it.
    pub bare: &'a str,
    /// As it stands.
    pub raw: &'a str,
    /// Its line, without a comment.
    pub line: &'a str,
    /// The first of its line, where that does not go on with the line before.
    pub is_first: bool,
    /// Does a command stand here?
    pub at_command: bool,
    /// In a text that began on a line before: in quotes, or a here-document. What looks like a command there may be none.
    pub in_text: bool,
}

/// The words of a script, line by line, without comments.
pub fn words(script: &str) -> impl Iterator<Item = Word<'_>> {
    let mut reading = Reading::default();
    script.lines().flat_map(move |line| reading.line(line))
}

/// Does all that begins in a script end in it? Behind a quote or a here-document that does not, nothing is looked at.
fn is_read_whole(script: &str) -> bool {
    let mut reading = Reading::default();
    for line in script.lines() {
        reading.line(line);
    }
    reading.quote.is_none() && reading.texts.is_empty()
}

/// What of the lines so far matters to the next one.
#[derive(Default)]
struct Reading<'a> {
    /// The quote that is open.
    quote: Option<u8>,
    /// The here-documents that are still to come to their end.
    texts: VecDeque<HereText<'a>>,
    /// The last line goes on here; could a command stand at the end of it?
    goes_on: Option<bool>,
    /// Where each `case` is that has not ended.
    cases: Vec<Case>,
}

struct HereText<'a> {
    end: &'a str,
    /// Tabs before its end do not count.
    tabs: bool,
    /// A shell reads it.
    is_script: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    /// Before its `in`.
    Word,
    Pattern,
    Commands,
}

impl<'a> Reading<'a> {
    fn line(&mut self, line: &'a str) -> Vec<Word<'a>> {
        let is_comment = line.trim_start().starts_with('#');
        if let Some(text) = self.texts.front() {
            let whole = if text.tabs { line.trim_start_matches('\t') } else { line };
            if whole == text.end {
                self.texts.pop_front();
                return Vec::new();
            }
            let in_text = !text.is_script;
            return if is_comment { Vec::new() } else { words_of(line, in_text) };
        }
        if is_comment && self.quote.is_none() {
            self.goes_on = None;
            return Vec::new();
        }
        let seen = look_at(line, self.quote);
        let mut at_command = self.goes_on.unwrap_or(true);
        let mut found: Vec<Word<'a>> = Vec::new();
        let mut runs_shell = false;
        for raw in seen.code.split_whitespace() {
            let at = raw.as_ptr().addr() - seen.code.as_ptr().addr();
            let in_text = self.quote.is_some() && seen.closes.is_none_or(|closes| at <= closes);
            let is_first = found.is_empty() && self.goes_on.is_none();
            let next = if in_text { None } else { self.case(raw, &mut at_command) };
            found.push(Word { bare: bare(raw), raw, line: seen.code, is_first, at_command, in_text });
            let program = raw.rsplit('/').next().unwrap_or(raw);
            runs_shell |= at_command && !in_text && SHELLS.contains(&program);
            at_command = next.unwrap_or_else(|| begins_a_command(raw, at_command));
        }
        if is_comment {
            found.clear();
        }
        self.quote = seen.quote;
        self.goes_on = seen.goes_on.then_some(at_command);
        self.texts.extend(seen.texts.into_iter().map(|text| HereText { is_script: runs_shell, ..text }));
        found
    }

    /// Follows `case … in PATTERN) … ;; esac` through the next word; no command stands in a pattern. Says whether one stands after
    /// the word, where that is known by this alone.
    fn case(&mut self, raw: &str, at_command: &mut bool) -> Option<bool> {
        let ends = raw.trim_end_matches(';') == "esac";
        match self.cases.last_mut() {
            Some(case @ Case::Word) if raw == "in" => {
                *case = Case::Pattern;
                return Some(false);
            }
            Some(case) if ends && (*case == Case::Pattern || *case == Case::Commands && *at_command) => {
                self.cases.pop();
                *at_command = false;
                return None;
            }
            Some(case @ Case::Pattern) => {
                *at_command = false;
                if raw.contains(')') {
                    *case = Case::Commands;
                }
                return Some(raw.ends_with(')'));
            }
            Some(case @ Case::Commands) if [";;", ";&", ";;&"].iter().any(|end| raw.ends_with(end)) => {
                *case = Case::Pattern;
                return Some(false);
            }
            _ => {}
        }
        (*at_command && raw == "case").then(|| {
            self.cases.push(Case::Word);
            false
        })
    }
}

fn bare(raw: &str) -> &str {
    raw.trim_matches(|c: char| matches!(c, '(' | ')' | ';' | '{' | '}' | '`' | '"' | '\'' | '$'))
}

/// The words of a line by itself.
fn words_of(line: &str, in_text: bool) -> Vec<Word<'_>> {
    let line = line.split(" #").next().unwrap_or_default();
    let mut at_command = true;
    let words = line.split_whitespace().enumerate().map(|(place, raw)| {
        let word = Word { bare: bare(raw), raw, line, is_first: place == 0, at_command, in_text };
        at_command = begins_a_command(raw, at_command);
        word
    });
    words.collect()
}

/// What is seen of a line without knowing its words.
struct Seen<'a> {
    /// Without a comment, and without the `\` at its end.
    code: &'a str,
    /// Where the quote closes that was open before it.
    closes: Option<usize>,
    /// The quote that is open after it.
    quote: Option<u8>,
    goes_on: bool,
    /// The here-documents that it announces.
    texts: Vec<HereText<'a>>,
}

/// The quote `$'…'`, in which a backslash counts.
const ANSI: u8 = b'$';

fn look_at(line: &str, open: Option<u8>) -> Seen<'_> {
    let bytes = line.as_bytes();
    let mut seen = Seen { code: line, closes: None, quote: open, goes_on: false, texts: Vec::new() };
    let (mut sums, mut substitutes) = (0_usize, false);
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let rest = &bytes[at..];
        match (seen.quote, byte) {
            (Some(b'\'' | ANSI), b'\'') | (Some(b'"'), b'"') => {
                seen.quote = None;
                seen.closes = seen.closes.or(Some(at));
            }
            (Some(b'\''), _) => {}
            (quote, b'\\') => {
                if at + 1 == bytes.len() {
                    seen.goes_on = quote.is_none();
                    seen.code = &line[..at];
                }
                at += 1;
            }
            (None, b'$') if rest.starts_with(b"$'") => {
                seen.quote = Some(ANSI);
                at += 1;
            }
            (None, b'\'' | b'"') => seen.quote = Some(*byte),
            (None, b'#') if at == 0 || b" \t;&|(".contains(&bytes[at - 1]) => {
                seen.code = &line[..at];
                break;
            }
            (_, b'$') if rest.starts_with(b"$(") => substitutes = true,
            (_, b'(') if rest.starts_with(b"((") => sums += 1,
            (_, b')') if rest.starts_with(b"))") => sums = sums.saturating_sub(1),
            (_, b'<') if rest.starts_with(b"<<<") => at += 2,
            // A shift in a sum looks the same.
            (quote, b'<') if rest.starts_with(b"<<") && sums == 0 && (quote.is_none() || substitutes) => {
                at += 1;
                seen.texts.extend(here_text(&line[at + 1..]));
            }
            _ => {}
        }
        at += 1;
    }
    seen
}

/// The here-document that is announced by what stands after `<<`.
fn here_text(after: &str) -> Option<HereText<'_>> {
    let word = after.strip_prefix('-');
    let (tabs, word) = (word.is_some(), word.unwrap_or(after).trim_start_matches([' ', '\t']));
    let word = word.trim_start_matches(['\'', '"', '\\']);
    let length =
        word.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))).unwrap_or(word.len());
    let end = &word[..length];
    end.starts_with(|c: char| c.is_alphabetic() || c == '_').then_some(HereText {
        end,
        tabs,
        is_script: false,
    })
}

/// After these a command begins; a wrapper's own options are passed over.
fn begins_a_command(word: &str, at_command: bool) -> bool {
    matches!(
        word,
        "&&" | "||"
            | "|"
            | ";"
            | "then"
            | "do"
            | "else"
            | "!"
            | "sudo"
            | "xargs"
            | "exec"
            | "{"
            | "("
            | "env"
    ) || word.ends_with(';')
        || (at_command && word.starts_with('-'))
        || (at_command && word.contains('=') && !word.starts_with('='))
}

/// What reads a script from its input.
const SHELLS: &[&str] = &["sh", "bash", "dash", "ksh", "zsh"];

#[cfg(test)]
mod tests {
    use super::*;

    /// Where commands stand, as far as the words tell.
    fn commands(script: &str) -> Vec<&str> {
        words(script).filter(|word| word.at_command && !word.in_text).map(|word| word.raw).collect()
    }

    #[test]
    fn a4_a_command_stands_where_the_shell_would_look_for_one() {
        for (script, expected) in [
            ("a b\nc", vec!["a", "c"]),
            ("rsync -a --delete \\\n /srv/old/ \\\n /srv/new/\nb", vec!["rsync", "b"]),
            ("rsync \\\n  -a /srv/old/ \\\n /srv/new/", vec!["rsync"]),
            ("cd x && \\\n  a b", vec!["cd", "a"]),
            ("a\\\\\nb", vec!["a\\\\", "b"]),
            ("a # x \\\nb", vec!["a", "b"]),
            ("# x \\\nb", vec!["b"]),
            ("cat <<EOF >f\n/srv/a b\nEOF\nc", vec!["cat", "c"]),
            ("cat <<-'EOF'\n\t/srv/a\n\tEOF\nc", vec!["cat", "c"]),
            ("cat <<A <<\\B\n/a\nB\nA\n/b\nB\nc", vec!["cat", "c"]),
            ("x=\"$(cat <<EOF\n/a\nEOF\n)\"\nc", vec!["x=\"$(cat", "<<EOF", "c"]),
            ("bash <<EOF\n./a b\nEOF\nc", vec!["bash", "./a", "c"]),
            ("cat <<<EOF\nb", vec!["cat", "b"]),
            ("echo $((1<<n))\nb", vec!["echo", "b"]),
            ("awk '\n/x/ { print }\n' f && b\nc", vec!["awk", "b", "c"]),
            ("echo \"it's\" # don't\nb", vec!["echo", "b"]),
            ("true;# don't\nb", vec!["true;", "b"]),
            ("echo $'it\\'s'\nb", vec!["echo", "b"]),
            ("case $1 in\n  /srv/*|/b) a ;;\n  x)\n b c;;\nesac\nd", vec!["case", "a", "b", "d"]),
            ("case $1 in x) a;; (/y) b ;; esac; c", vec!["case", "a;;", "b", "c"]),
        ] {
            assert_eq!(commands(script), expected, "{script}");
        }
    }
}
