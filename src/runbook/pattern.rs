//! Regular expressions of the format: always on the whole value. PURE.

use regex::Regex;

/// Compiles a pattern of a runbook so that it must match the whole of a value.
pub fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    Regex::new(&format!(r"\A(?:{pattern})\z"))
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
    }
}
