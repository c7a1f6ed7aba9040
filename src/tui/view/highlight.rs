//! Shell scripts in colours. PURE.
//!
//! Colours are all that is added: what is shown stays, character for character, what was handed in. A script that is too
//! long, or takes too long to be understood, is shown without them; one with mistakes in it keeps them as far as it can
//! be understood.

use ratatui::text::Span;
use tree_sitter::{Node, ParseOptions, Parser};

use crate::tui::theme::Tone;

use super::shape::say;

/// A longer script (bytes) is shown without colours.
const LONGEST: usize = 256 * 1024;

/// The parser reports every hundred of its steps. One that needs more for each byte has lost itself in what is no script.
const REPORTS_A_BYTE: usize = 1;

/// Is it bash or sh that a script is for? Other shells have other words.
#[must_use]
pub fn knows(shell: &[String]) -> bool {
    let name = shell.first().map_or("bash", |word| word.rsplit('/').next().unwrap_or_default());
    matches!(name, "" | "bash" | "sh" | "dash")
}

/// Is this what a block of code says it is written in?
#[must_use]
pub fn is_shell(language: &str) -> bool {
    matches!(language.split([' ', ',']).next().unwrap_or_default(), "sh" | "bash" | "shell")
}

/// The lines of a script, which are clean already, each in spans that make the same line again.
#[must_use]
pub fn lines(lines: &[String]) -> Vec<Vec<Span<'static>>> {
    let text = lines.join("\n");
    let tones = tones(&text);
    let mut at = 0;
    lines
        .iter()
        .map(|line| {
            let spans = match &tones {
                Some(tones) => spans(line, &tones[at..at + line.len()]),
                None => vec![say(line.clone(), Tone::Code)],
            };
            at += line.len() + 1;
            spans
        })
        .collect()
}

fn spans(line: &str, tones: &[Tone]) -> Vec<Span<'static>> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut last = None;
    for (at, c) in line.char_indices() {
        let tone = tones[at];
        match spans.last_mut() {
            Some(span) if last == Some(tone) => span.content.to_mut().push(c),
            _ => spans.push(say(c.to_string(), tone)),
        }
        last = Some(tone);
    }
    spans
}

/// What every byte is, as far as its look goes; `None`: it cannot be said.
fn tones(text: &str) -> Option<Vec<Tone>> {
    if text.len() > LONGEST {
        return None;
    }
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_bash::LANGUAGE.into()).ok()?;
    let mut reports = 1_000 + text.len() * REPORTS_A_BYTE;
    let mut lost = |_: &tree_sitter::ParseState| {
        reports = reports.saturating_sub(1);
        reports == 0
    };
    let options = ParseOptions::new().progress_callback(&mut lost);
    let tree = parser.parse_with_options(
        &mut |at, _| &text.as_bytes()[at.min(text.len())..],
        None,
        Some(options),
    )?;
    let mut tones = vec![Tone::Plain; text.len()];
    let mut cursor = tree.walk();
    // What is inside comes after what it is in, and covers it. (No recursion: outside text may be nested without end.)
    loop {
        if let Some(tone) = tone(cursor.node(), text) {
            tones[cursor.node().byte_range()].fill(tone);
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return Some(tones);
            }
        }
    }
}

/// The look of a node; `None`: that of what it is in.
fn tone(node: Node<'_>, text: &str) -> Option<Tone> {
    Some(match node.kind() {
        "comment" => Tone::Comment,
        "string" | "raw_string" | "ansi_c_string" | "translated_string" | "heredoc_body"
        | "heredoc_start" | "heredoc_end" | "regex" => Tone::Text,
        "simple_expansion" | "expansion" | "variable_name" | "special_variable_name" => Tone::Variable,
        // Inside a string there may be a whole script again.
        "command_substitution" | "process_substitution" => Tone::Plain,
        "command_name" => Tone::Code,
        "if" | "then" | "elif" | "else" | "fi" | "for" | "in" | "do" | "done" | "case" | "esac" | "while"
        | "until" | "select" | "function" | "export" | "local" | "declare" | "readonly" | "typeset"
        | "unset" | "unsetenv" | "time" | "!" | "&&" | "||"
            if !node.is_named() =>
        {
            Tone::Keyword
        }
        ">" | ">|" | "&>" if overwrites(node, text) => Tone::Warn,
        _ => return None,
    })
}

/// Does this redirection empty a file?
fn overwrites(node: Node<'_>, text: &str) -> bool {
    let Some(redirect) = node.parent().filter(|parent| parent.kind() == "file_redirect") else {
        return false;
    };
    let to = redirect.child_by_field_name("destination").map(|to| &text[to.byte_range()]);
    !matches!(to, Some("/dev/null" | "/dev/stdout" | "/dev/stderr" | "/dev/tty"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::shape::plain_lines;
    use super::*;

    /// Each span of a script that does not look like a plain word of it, with its tone's style.
    fn look(script: &str) -> Vec<(String, ratatui::style::Style)> {
        let spans = lines(&plain_lines(script)).into_iter().flatten();
        spans
            .map(|span| (span.content.trim().to_owned(), span.style))
            .filter(|(text, _)| !text.is_empty())
            .collect()
    }

    fn has(script: &str, text: &str, tone: Tone) {
        let found = look(script);
        let wanted = (text.to_owned(), crate::tui::theme::style(tone));
        assert!(found.contains(&wanted), "{text} as {tone:?} in {script:?}: {found:?}");
    }

    #[test]
    fn words_of_a_script_are_told_apart() {
        let script =
            "# look\nif rm -r -- \"a $vm\" > /etc/list; then echo 'x' 2>/dev/null; fi\ncat <<E\nin $a\nE\n";
        has(script, "# look", Tone::Comment);
        has(script, "if", Tone::Keyword);
        has(script, "rm", Tone::Code);
        has(script, "\"a", Tone::Text);
        has(script, "$vm", Tone::Variable);
        has(script, ">", Tone::Warn);
        has(script, "'x'", Tone::Text);
        has(script, "2>/dev/null;", Tone::Plain);
        has("a >> b", ">> b", Tone::Plain);
        has("x=\"$(rm \"$y\")\"", "rm", Tone::Code);
    }

    #[test]
    fn mistakes_and_depth_do_no_harm() {
        for script in
            ["if then (((", &"(".repeat(20_000), &"$(".repeat(20_000), &"\"".repeat(9_999), "x\u{0}y"]
        {
            let clean = plain_lines(script);
            let shown: Vec<String> = lines(&clean)
                .iter()
                .map(|spans| spans.iter().map(|span| span.content.as_ref()).collect())
                .collect();
            assert_eq!(shown, clean);
        }
        let long = vec!["echo a".to_owned(); LONGEST / 6];
        assert_eq!(lines(&long)[0], vec![say("echo a", Tone::Code)]);
    }

    #[test]
    fn other_shells_keep_their_own_words() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(knows(&words("/bin/sh -c")) && knows(&words("bash -euo pipefail -c")) && knows(&[]));
        assert!(!knows(&words("python3 -c")) && !knows(&words("fish -c")));
    }

    proptest! {
        #[test]
        fn nothing_but_colour_is_added(script in "([ -~\n]|[$\"'`<>{}()|&;#日é\u{301}\u{202e}]){0,200}") {
            let clean = plain_lines(&script);
            let shown: Vec<String> = lines(&clean)
                .iter()
                .map(|spans| spans.iter().map(|span| span.content.as_ref()).collect())
                .collect();
            prop_assert_eq!(shown, clean);
        }
    }
}
