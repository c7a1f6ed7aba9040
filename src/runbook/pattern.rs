//! Regular expressions of the format: always on the whole value. PURE.

use regex::{Regex, RegexBuilder};

/// A compiled pattern may take this much memory, in bytes.
const SIZE_LIMIT: usize = 1 << 20;

/// Compiles a pattern of a runbook so that it must match the whole of a value.
pub fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    // On its own first: `a)|(b` is no pattern, and only the brackets around it would make it one.
    RegexBuilder::new(pattern).size_limit(SIZE_LIMIT).build()?;
    RegexBuilder::new(&format!(r"\A(?:{pattern})\z")).size_limit(SIZE_LIMIT).build()
}

/// Does the whole of `text` match? A pattern that does not compile matches nothing (validation has refused it before).
#[must_use]
pub fn matches_whole(pattern: &str, text: &str) -> bool {
    whole(pattern).is_ok_and(|regex| regex.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_are_bound_to_both_ends() {
        assert!(matches_whole("a|b", "b"));
        assert!(!matches_whole("a|b", "ab"));
        assert!(!matches_whole("a", "a\n"));
        assert!(!matches_whole("(", "("));
        assert!(!matches_whole("a)|(b", "ax"));
    }
}
