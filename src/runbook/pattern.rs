//! Regular expressions of the format: always on the whole value. PURE.

mod cost;

use std::collections::HashSet;

use regex::{Regex, RegexBuilder};

/// A compiled pattern may take this much memory, in bytes.
const SIZE_LIMIT: usize = 1 << 20;

/// What all patterns of a small runbook may take to compile, in such bytes.
const BUDGET: usize = 8 * SIZE_LIMIT;

/// A pattern may be this long, in bytes: what is longer has no room when it is compiled, but for odd ones.
const LONGEST: usize = 64 << 10;

/// Compiles a pattern of a runbook so that it must match the whole of a value.
pub fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    // On its own first: `a)|(b` is no pattern, and only the brackets around it would make it one.
    if cost::of(pattern)? > BUDGET {
        return Err(regex::Error::CompiledTooBig(SIZE_LIMIT));
    }
    limited(pattern, SIZE_LIMIT)
}

fn limited(pattern: &str, size: usize) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&format!(r"\A(?:{pattern})\z")).size_limit(size).build()
}

/// The patterns of one runbook, which together may take only so much to compile.
#[derive(Debug)]
pub struct Patterns {
    left: usize,
    seen: HashSet<String>,
}

/// Why a pattern of a runbook is not taken.
#[derive(Debug)]
pub enum NotTaken {
    /// It is none.
    Wrong(regex::Error),
    /// It is too long, or all of them together would take too long.
    TooMany,
}

impl Patterns {
    /// Those of a runbook of so many bytes.
    #[must_use]
    pub fn of(bytes: usize) -> Self {
        Self { left: BUDGET.max(32 * bytes), seen: HashSet::new() }
    }

    /// Is this one more that can be compiled?
    pub fn take(&mut self, pattern: &str) -> Result<(), NotTaken> {
        if self.seen.contains(pattern) {
            return Ok(());
        }
        if pattern.len() > LONGEST || cost::of_length(pattern) > self.left {
            return Err(NotTaken::TooMany);
        }
        let cost = cost::of(pattern).map_err(NotTaken::Wrong)?;
        if cost > BUDGET {
            return Err(NotTaken::TooMany);
        }
        self.spend(cost)?;
        // What it takes when it is compiled is not told: it is tried with little first, but not with less than what it says.
        let least = cost.min(SIZE_LIMIT);
        for limit in
            [128, 32, 8, 2, 1].map(|part| SIZE_LIMIT / part).into_iter().filter(|limit| *limit >= least)
        {
            self.spend(limit)?;
            match limited(pattern, limit) {
                Ok(_) => {
                    self.seen.insert(pattern.to_owned());
                    return Ok(());
                }
                Err(regex::Error::CompiledTooBig(_)) if limit < SIZE_LIMIT => {}
                Err(error) => return Err(NotTaken::Wrong(error)),
            }
        }
        Ok(())
    }

    fn spend(&mut self, bytes: usize) -> Result<(), NotTaken> {
        self.left = self.left.checked_sub(bytes).ok_or(NotTaken::TooMany)?;
        Ok(())
    }
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

    #[test]
    fn f_i1_all_patterns_of_a_runbook_together_are_bounded() {
        let mut patterns = Patterns::of(0);
        let taken = (0..10_000).take_while(|n| patterns.take(&format!("a{n}")).is_ok()).count();
        assert!((400..2_000).contains(&taken), "{taken} small ones");
        let mut patterns = Patterns::of(0);
        let taken = (0..10_000).take_while(|n| patterns.take(&format!(r"\w{{5}}{n}")).is_ok()).count();
        assert!((3..100).contains(&taken), "{taken} large ones");
        assert!(
            (0..10_000).all(|_| patterns.take(r"\w{5}0").is_ok()),
            "one that is there again costs nothing"
        );
        assert!(matches!(patterns.take("("), Err(NotTaken::Wrong(_))));
        assert!(matches!(Patterns::of(0).take(r"\w{5000}"), Err(NotTaken::Wrong(_))));
    }
}
