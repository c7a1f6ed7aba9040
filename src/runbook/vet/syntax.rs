//! Where YAML stumbles, in words for people who did not mean to write YAML there. PURE.

use granit_parser::ErrorKind;

use crate::runbook::problem::Problem;

/// A syntax error at byte `at`.
pub(super) fn explain(source: &str, at: usize, kind: &ErrorKind) -> Problem {
    let end = source[at..].chars().next().map_or(at, |c| at + c.len_utf8());
    let (message, label) = words(kind);
    let mut problem = Problem::error("syntax", at..end, message).label(label);
    if let Some(hint) = other_hint(kind).or_else(|| quote_hint(source, at)) {
        problem = problem.hint(hint);
    }
    problem
}

fn words(kind: &ErrorKind) -> (String, &'static str) {
    use ErrorKind as K;
    let (message, label) = match kind {
        K::MappingValueNotAllowed
        | K::InvalidColonPlacement
        | K::InvalidMappingValueWhitespace
        | K::FlowMappingValueAdjacentCollection => ("a `:` stands where none can", "not expected here"),
        K::SimpleKeyExpected | K::InvalidSimpleKey | K::MappingKeyNotAllowed => {
            ("this line is neither a key with `:` nor part of the text above", "a `key: value` was expected")
        }
        K::TabNotAllowed
        | K::TabInBlockIndentation
        | K::TabInIndentation
        | K::TabAtBlockScalarStart
        | K::TabInPlainScalar => ("a tab stands where lines are indented", "spaces expected"),
        K::InvalidQuotedScalarIndent => {
            ("a quote is never closed, or its text goes on too far to the left", "inside quotes here")
        }
        K::InvalidIndentation | K::InvalidBlockScalarIndent | K::InvalidFlowScalarIndent => {
            ("this line is indented wrongly", "does not line up with what it belongs to")
        }
        K::ExpectedBlockMappingKey | K::ExpectedNodeContent => {
            ("a key was expected here", "what stands above is complete already")
        }
        K::ExpectedBlockSequenceEntry => ("another `- ` entry was expected here", "not part of the list"),
        K::UnclosedQuotedScalar => ("a quote is never closed", "from here"),
        K::UnclosedFlowCollection { .. }
        | K::UnexpectedEofFlowMapping
        | K::UnexpectedEofFlowSequence
        | K::UnexpectedEofImplicitFlowMapping => ("a bracket is never closed", "open until here"),
        K::ExpectedFlowMappingSeparator | K::ExpectedFlowSequenceSeparator => {
            ("a `,` or the closing bracket was expected here", "inside brackets")
        }
        K::InvalidTrailingDoubleQuotedScalar | K::InvalidTrailingSingleQuotedScalar => {
            ("text follows a closing quote", "the quote ends before here")
        }
        K::DirectiveDisallowed => ("a `%` directive stands here", "directives are refused"),
        K::UnknownQuotedScalarEscape => {
            ("an unknown `\\` escape in double quotes", "in single quotes `\\` is itself")
        }
        K::BomInsideDocument => ("a byte order mark in the middle of the file", "remove it"),
        other => return (format!("this is not YAML: {other}"), ""),
    };
    (message.to_owned(), label)
}

fn other_hint(kind: &ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart => Some("indent with spaces"),
        ErrorKind::DirectiveDisallowed => Some("remove this line"),
        ErrorKind::InvalidTrailingDoubleQuotedScalar | ErrorKind::InvalidTrailingSingleQuotedScalar => {
            Some("put the whole text in quotes, or use a block: `|` and the text indented below")
        }
        _ => None,
    }
}

/// If the line at `at`, or the one before, holds text that YAML takes for something else: how to say it is text.
fn quote_hint(source: &str, at: usize) -> Option<&'static str> {
    let start = source[..at].rfind('\n').map_or(0, |n| n + 1);
    let end = source[at..].find('\n').map_or(source.len(), |n| at + n);
    let before = source[..start.saturating_sub(1)].rfind('\n').map_or(0, |n| n + 1);
    let lines = [&source[start..end], &source[before.min(start)..start]];
    lines.into_iter().find_map(|line| {
        let line = line.trim().trim_start_matches("- ").trim();
        let value = line.split_once(": ").map_or(line, |(_, value)| value.trim());
        if value.starts_with(['"', '\'', '|', '>']) {
            return None;
        }
        if value.starts_with('{') || value.contains("${") {
            Some("`{` begins a map in YAML; if this is text, put it in quotes")
        } else if value.starts_with('[') {
            Some("`[` begins a list in YAML; if this is text, put it in quotes")
        } else if value.starts_with(['&', '*', '!', '%', '@', '`']) {
            Some("this character has a meaning in YAML; if this is text, put it in quotes")
        } else if value.contains(": ") || value.ends_with(':') && value != line {
            Some("`: ` ends a key in YAML; if this is text, put it in quotes")
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::runbook::vet::vet;

    /// Each stumble is said to be a matter of quotes, on its own line.
    #[test]
    fn where_yaml_stumbles_over_plain_text_it_says_quotes() {
        for source in [
            "a: 1\ntitle: Move: the site\n",
            "a: 1\ntitle: {x} and more\n",
            "a: 1\ntitle: [x] and more\n",
            "a: 1\ntitle: @home\n",
            "a: 1\ntitle: `ls` it\n",
            "a: 1\nb: {site: ${site}}\n",
            "a: 1\ntitle: %x\n",
            "a: 1\ntitle: {unclosed\n",
        ] {
            let found = vet(source).problems;
            let hints: Vec<_> = found.iter().flat_map(|p| &p.hints).collect();
            assert!(hints.iter().any(|hint| hint.contains("in quotes")), "{source}: {found:?}");
        }
    }
}
