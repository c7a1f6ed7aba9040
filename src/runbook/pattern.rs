//! Regular expressions of the format: always on the whole value. PURE.

mod cost;

use std::collections::HashMap;

use regex::{Regex, RegexBuilder};
use regex_automata::{Input, meta};

/// A compiled pattern may take this much memory in each direction, in bytes.
const SIZE_LIMIT: usize = 1 << 20;

/// What all patterns of a small runbook may take when they are compiled, in bytes: a millisecond compiles some 235,000 (a release
/// build, regex-automata 0.4.18).
const BUDGET: usize = 6 * SIZE_LIMIT;

/// … and of a larger one, for each of its bytes.
const BUDGET_A_BYTE: usize = 24;

/// What trying one takes, however small it is and even if it is none: a third of 22 microseconds, compiling it the rest.
const LEAST: usize = 3 << 10;

/// A text is held against its pattern where its length times the pattern's size is no more than this, in square bytes: 5 ms of a
/// pattern that is as slow as one can be (`[ab]*a[ab]{300}`), and a text of 10 KiB for any usual one.
const LONGEST_TRY: usize = 32 << 20;

/// … and all texts of a runbook together: 15 ms of such.
const TRIES: usize = 96 << 20;

/// … where the tables of its groups, which are as many as the states of the pattern, are no larger than some MiB.
const LARGEST_TABLES: usize = 4 << 20;

/// What a pattern of a session may take that has begun already, before it is compiled.
const BEGUN: usize = 16 * SIZE_LIMIT;

/// A pattern may be this long, in bytes: what is longer has no room when it is compiled, but for odd ones.
const LONGEST: usize = 64 << 10;

/// Compiles a pattern of a runbook so that it must match the whole of a value.
pub fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    // On its own first: `a)|(b` is no pattern, and only the brackets around it would make it one.
    if cost::of(pattern)? > BEGUN {
        return Err(regex::Error::CompiledTooBig(SIZE_LIMIT));
    }
    RegexBuilder::new(&on_the_whole(pattern)).size_limit(SIZE_LIMIT).build()
}

fn on_the_whole(pattern: &str) -> String {
    format!(r"\A(?:{pattern})\z")
}

/// A pattern compiled as [`whole`] does it, by what a `Regex` is made of: that tells what it takes, which a `Regex` does not. It may
/// take no more than `limit` in each direction, in bytes.
fn measured(pattern: &str, limit: usize) -> Result<meta::Regex, Box<meta::BuildError>> {
    // The one-pass table would take time that its size, where it is given up, does not tell; nothing fails for want of it.
    let config = meta::Config::new().nfa_size_limit(Some(limit)).onepass(false);
    meta::Builder::new().configure(config).build(&on_the_whole(pattern)).map_err(Box::new)
}

/// The patterns of one runbook, which together may take only so much to compile and to be tried.
#[derive(Debug)]
pub struct Patterns {
    left: usize,
    /// What is left of [`TRIES`].
    tries: usize,
    taken: HashMap<String, meta::Regex>,
}

/// Why a pattern of a runbook is not taken.
#[derive(Debug)]
pub enum NotTaken {
    /// It is none.
    Wrong(regex::Error),
    /// It is too long, or all of them together would take too long.
    TooMany,
}

/// What came of holding a text against a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// The whole of it matches.
    Matches,
    /// It does not.
    DoesNot,
    /// Finding out could take too long.
    NotTried,
}

impl Patterns {
    /// Those of a runbook of so many bytes.
    #[must_use]
    pub fn of(bytes: usize) -> Self {
        Self { left: BUDGET.max(BUDGET_A_BYTE * bytes), tries: TRIES, taken: HashMap::new() }
    }

    /// Is this one more that can be compiled?
    pub fn take(&mut self, pattern: &str) -> Result<(), NotTaken> {
        if self.taken.contains_key(pattern) {
            return Ok(());
        }
        if pattern.len() > LONGEST || cost::at_least(pattern) > self.left {
            return Err(NotTaken::TooMany);
        }
        self.spend(LEAST)?;
        let cost = cost::of(pattern).map_err(NotTaken::Wrong)?;
        if cost > BUDGET.min(self.left) {
            // Nothing was worked out but this; a smaller one may still be taken.
            self.left = self.left.saturating_sub(cost.min(BUDGET) / 16);
            return Err(NotTaken::TooMany);
        }
        self.spend(cost)?;
        let limit = SIZE_LIMIT.min(self.left);
        match measured(pattern, limit) {
            Ok(regex) => {
                self.spend(regex.memory_usage())?;
                self.taken.insert(pattern.to_owned(), regex);
                Ok(())
            }
            Err(error) if error.size_limit().is_some() => {
                // It may have taken that much in both directions before it was given up.
                self.left = self.left.saturating_sub(2 * limit);
                Err(if limit < SIZE_LIMIT {
                    NotTaken::TooMany
                } else {
                    NotTaken::Wrong(regex::Error::CompiledTooBig(SIZE_LIMIT))
                })
            }
            Err(_) => whole(pattern).map(drop).map_err(NotTaken::Wrong),
        }
    }

    /// Does the whole of `text` match a pattern that was taken?
    pub fn matches(&mut self, pattern: &str, text: &str) -> Tried {
        let Some(regex) = self.taken.get(pattern) else { return Tried::NotTried };
        let tables = regex.memory_usage().saturating_mul(regex.captures_len());
        let cost = regex.memory_usage().saturating_mul(text.len().max(16));
        if tables > LARGEST_TABLES || cost > LONGEST_TRY.min(self.tries) {
            return Tried::NotTried;
        }
        self.tries -= cost;
        // A cache of its own: those of a thousand patterns together would take too much memory.
        let found = regex.search_half_with(&mut regex.create_cache(), &Input::new(text).earliest(true));
        if found.is_some() { Tried::Matches } else { Tried::DoesNot }
    }

    /// What does not fit ends it: it may have been worked out before that was known.
    fn spend(&mut self, bytes: usize) -> Result<(), NotTaken> {
        let left = self.left.checked_sub(bytes);
        self.left = left.unwrap_or(0);
        left.map(drop).ok_or(NotTaken::TooMany)
    }
}

/// Patterns that are used again and again, each compiled once.
#[derive(Debug, Default)]
pub struct Compiled(HashMap<String, Option<Regex>>);

impl Compiled {
    /// As [`matches_whole`].
    pub fn matches(&mut self, pattern: &str, text: &str) -> bool {
        if !self.0.contains_key(pattern) {
            self.0.insert(pattern.to_owned(), whole(pattern).ok());
        }
        self.0.get(pattern).and_then(Option::as_ref).is_some_and(|regex| regex.is_match(text))
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
        assert!(matches!(Patterns::of(0).take("("), Err(NotTaken::Wrong(_))));
        assert!(matches!(Patterns::of(0).take(r"\w{5000}"), Err(NotTaken::Wrong(_))));
    }

    #[test]
    fn f_i1_what_is_tried_on_patterns_is_bounded_too() {
        let mut patterns = Patterns::of(0);
        assert_eq!(patterns.matches("a", "a"), Tried::NotTried, "one that was not taken");
        let groups = format!("(?:a?){{1000}}{}", "()".repeat(1_000));
        for pattern in ["[ab]*", r"\w{9}", "[ab]*a[ab]{300}", r"é.*\b", &groups] {
            patterns.take(pattern).unwrap();
        }
        assert_eq!(patterns.matches("[ab]*", "ab"), Tried::Matches);
        assert_eq!(patterns.matches("[ab]*", "abc"), Tried::DoesNot);
        assert_eq!(patterns.matches(r"\w{9}", "größenord"), Tried::Matches);
        assert_eq!(patterns.matches(r"é.*\b", &format!("é{}", "a".repeat(300))), Tried::Matches);
        assert_eq!(patterns.matches(r"é.*\b", &format!("é{}!", "a".repeat(300))), Tried::DoesNot);
        let long = "ab".repeat(5_000);
        assert_eq!(patterns.matches("[ab]*", &long), Tried::Matches);
        assert_eq!(patterns.matches("[ab]*a[ab]{300}", &long), Tried::NotTried, "it could take too long");
        assert_eq!(patterns.matches(&groups, "a"), Tried::NotTried, "its tables could take too much");
        let tries = |pattern: &str, text: &str| {
            let mut patterns = Patterns { tries: TRIES, ..Patterns::of(0) };
            patterns.take(pattern).unwrap();
            (0..100_000).take_while(|_| patterns.matches(pattern, text) == Tried::Matches).count()
        };
        assert!((10..100).contains(&tries(r"\w{9}", "größenord")));
        assert!(
            (200..10_000).contains(&tries("[a-z0-9/.-]+", "/srv/www/shop/htdocs/current/public/index.html"))
        );
    }

    #[test]
    fn f_i1_what_is_too_large_leaves_room_for_what_is_small() {
        let mut patterns = Patterns::of(0);
        for ordinary in [r"(?i)[\s\S]*ok[\s\S]*", r"(?i)[\s\S]*fail[\s\S]*", r"(?i)[\W_]+", r"(?i)\pL+"] {
            patterns.take(ordinary).unwrap();
        }
        assert!(matches!(patterns.take(r"(?i)[\s\S]*a[\s\S]*b[\s\S]*c[\s\S]*"), Err(NotTaken::TooMany)));
        assert!(matches!(patterns.take("("), Err(NotTaken::Wrong(_))), "and for what is wrong");
        patterns.take("[0-9]+").unwrap();
        Patterns::of(0).take(r"(?i)[\s\S]*a[\s\S]*b[\s\S]*c[\s\S]*").unwrap();
    }

    #[test]
    fn f_i1_a_pattern_is_compiled_once_however_often_it_is_used() {
        let mut compiled = Compiled::default();
        assert!(compiled.matches("a+", "aaa") && !compiled.matches("a+", "b") && !compiled.matches("(", "("));
        assert_eq!(compiled.0.len(), 2);
    }

    /// What is taken here is compiled again wherever it is used: both must be of one mind.
    #[test]
    fn f_i1_what_is_taken_compiles_and_what_is_not_does_not() {
        for pattern in [
            "",
            "a|b",
            r"\w{9}",
            r"(?i)\p{any}",
            r"\p{L}{20}",
            ".{1,1000}",
            ".{1,1500}",
            ".{1,3000}",
            r"\w{25}",
            r"\w{28}",
            r"\w{32}",
            r"\w{100}",
            r"\p{no such}",
            r"\b{start}",
            r"(?-u)\xff",
            "(?R)a$",
            "(?x) a # b",
            "[a&&b]",
            "(?<n>a)(?<n>b)",
            r"\1",
            "(?=a)",
        ] {
            match (Patterns::of(0).take(pattern), whole(pattern)) {
                (Ok(()), Ok(_)) => {}
                (Err(NotTaken::Wrong(said)), Err(error)) => {
                    assert_eq!(said.to_string(), error.to_string(), "{pattern}");
                }
                (taken, compiled) => panic!("{pattern}: {taken:?}, {compiled:?}"),
            }
        }
    }
}
