//! What a pattern costs to read, before it is compiled: the classes of characters in it. PURE.
//!
//! A class of Unicode is a table of up to 800 ranges, and `(?i)` walks through every character of it: 5.5 ms for one
//! `(?i)\p{any}`, of eleven letters (regex-syntax 0.8.11, a release build). The limit on a compiled pattern's size comes too
//! late for that. Costs are told in bytes of a compiled pattern, of which a millisecond compiles some 235,000.

use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{
    self, Ast, ClassPerl, ClassSetBinaryOp, ClassSetItem, Flag, Flags, FlagsItemKind, Visitor,
};

/// Reading one letter of a pattern.
const LETTER: usize = 32;
/// A class: its table.
const CLASS: usize = 4 << 10;
/// A class whose letters both sizes are looked up, where few of its ranges hold any.
const FOLDED: usize = 64 << 10;
/// … where its ranges may hold every character.
const FOLDED_WIDE: usize = 1200 << 10;
/// … for each character of a range.
const FOLDED_CHARACTER: usize = 8;

/// What so long a pattern costs at the least.
pub(super) fn of_length(pattern: &str) -> usize {
    pattern.len() * LETTER
}

/// What `pattern` costs, or why it is none.
pub(super) fn of(pattern: &str) -> Result<usize, regex::Error> {
    let wrong = |error: ast::Error| regex::Error::Syntax(error.to_string());
    let tree = Parser::new().parse(pattern).map_err(wrong)?;
    // Where both sizes count anywhere, they are taken to count everywhere.
    let folds = ast::visit(&tree, Folds(false)).unwrap_or(true);
    let counted = ast::visit(&tree, Counted { folds, total: 0, bracket: 0, levels: 0 }).unwrap_or(usize::MAX);
    Ok(counted.saturating_add(of_length(pattern)))
}

/// Do letters of both sizes count as one, anywhere?
struct Folds(bool);

impl Visitor for Folds {
    type Output = bool;
    type Err = ();

    fn finish(self) -> Result<bool, ()> {
        Ok(self.0)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), ()> {
        let flags = match ast {
            Ast::Flags(set) => Some(&set.flags),
            Ast::Group(group) => group.flags(),
            _ => None,
        };
        self.0 |= flags.is_some_and(case_insensitive);
        Ok(())
    }
}

fn case_insensitive(flags: &Flags) -> bool {
    flags.items.iter().any(|item| matches!(item.kind, FlagsItemKind::Flag(Flag::CaseInsensitive)))
}

/// The classes so far.
struct Counted {
    folds: bool,
    total: usize,
    /// What is in the outermost brackets that are open.
    bracket: usize,
    /// Brackets within them, and operations: each looks at all that is in them again.
    levels: usize,
}

impl Counted {
    fn perl(&self, class: &ClassPerl) -> usize {
        match (self.folds, class.negated) {
            (false, _) => CLASS,
            (true, false) => FOLDED,
            (true, true) => FOLDED_WIDE,
        }
    }

    fn unicode(&self) -> usize {
        if self.folds { FOLDED_WIDE } else { CLASS }
    }
}

impl Visitor for Counted {
    type Output = usize;
    type Err = ();

    fn finish(self) -> Result<usize, ()> {
        Ok(self.total)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), ()> {
        match ast {
            Ast::ClassBracketed(_) => (self.bracket, self.levels) = (0, 1),
            // Outside brackets these are kept with both sizes already.
            Ast::ClassPerl(_) => self.total = self.total.saturating_add(CLASS),
            Ast::ClassUnicode(_) => self.total = self.total.saturating_add(self.unicode()),
            _ => {}
        }
        Ok(())
    }

    fn visit_post(&mut self, ast: &Ast) -> Result<(), ()> {
        if let Ast::ClassBracketed(_) = ast {
            self.total = self.total.saturating_add(self.bracket.saturating_mul(self.levels));
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), ()> {
        let cost = match item {
            ClassSetItem::Range(range) if self.folds => {
                let characters = u32::from(range.end.c).saturating_sub(u32::from(range.start.c)) as usize;
                (characters * FOLDED_CHARACTER).clamp(LETTER, FOLDED_WIDE)
            }
            ClassSetItem::Empty(_)
            | ClassSetItem::Literal(_)
            | ClassSetItem::Union(_)
            | ClassSetItem::Range(_) => LETTER,
            ClassSetItem::Ascii(class) if self.folds && class.negated => FOLDED_WIDE,
            ClassSetItem::Ascii(_) => CLASS,
            ClassSetItem::Perl(class) => self.perl(class),
            ClassSetItem::Unicode(_) => self.unicode(),
            ClassSetItem::Bracketed(inner) => {
                self.levels += 1;
                if self.folds && inner.negated { FOLDED_WIDE } else { LETTER }
            }
        };
        self.bracket = self.bracket.saturating_add(cost);
        Ok(())
    }

    fn visit_class_set_binary_op_pre(&mut self, _: &ClassSetBinaryOp) -> Result<(), ()> {
        self.levels += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(pattern: &str) -> usize {
        of(pattern).unwrap()
    }

    #[test]
    fn ordinary_patterns_cost_little() {
        for pattern in [
            "i-[0-9a-f]{8,17}",
            "^[a-z0-9-]+$",
            r"\d+",
            r"(?i)[a-z0-9._-]+@[a-z0-9.-]+",
            "[^,]*",
            r"[[:alnum:]_]+",
        ] {
            assert!(cost(pattern) < 10_000, "{pattern}: {}", cost(pattern));
        }
    }

    #[test]
    fn letters_of_both_sizes_cost_what_must_be_walked_through() {
        assert_eq!(cost(r"\pL") - of_length(r"\pL"), CLASS);
        for wide in
            [r"(?i)\pL", r"(?i:\pL)", r"(?i)[\D]", r"(?i)[[^a]]", r"(?i)[[:^alpha:]]", "(?i)[\0-\u{10ffff}]"]
        {
            assert!(cost(wide) >= FOLDED_WIDE, "{wide}: {}", cost(wide));
        }
        assert!(cost(r"(?-i)\pL(?i)") >= FOLDED_WIDE);
        assert!((FOLDED..2 * FOLDED).contains(&cost(r"(?i)[\w.-]")));
        assert!(cost("(?i)[a-z]") < 2_000);
    }

    #[test]
    fn what_looks_again_at_the_whole_of_a_class_costs_the_whole_again() {
        let once = cost(r"[\w]");
        assert!(cost(r"[[[[\w]]]]") > 3 * once);
        assert!(cost(r"[\w~~a~~b~~c]") > 3 * once);
        assert!(cost(r"[\w][\w][\w][a]") < 4 * once);
    }

    #[test]
    fn what_is_no_pattern_costs_nothing() {
        for wrong in ["(", "a)|(b", "[z-a]", r"\q", &"(".repeat(300)] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
