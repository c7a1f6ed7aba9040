//! What a pattern costs to read, before it is compiled: the classes of characters in it. PURE.
//!
//! A class of Unicode is a table of up to 800 ranges, and `(?i)` walks through every character of it: 5.5 ms for one
//! `(?i)\p{any}`, of eleven letters (regex-syntax 0.8.11, a release build). The limit on a compiled pattern's size comes too
//! late for that. Costs are told in bytes of a compiled pattern, of which a millisecond compiles some 235,000.

use std::ops::RangeInclusive;

use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{
    self, Ast, ClassPerl, ClassSetBinaryOp, ClassSetItem, ClassUnicode, Flag, Flags, FlagsItemKind, Visitor,
};
use regex_syntax::hir::translate::TranslatorBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Reading one letter of a pattern.
const LETTER: usize = 32;
/// A class: its table.
const CLASS: usize = 4 << 10;
/// A class whose letters both sizes are looked up, where few of its ranges hold any.
const FOLDED: usize = 64 << 10;
/// … where its ranges may hold every character.
const FOLDED_WIDE: usize = 1 << 20;
/// … for each character of a range.
const FOLDED_CHARACTER: usize = 8;

/// Where no letter has two sizes, by Unicode 17: what lies in one of these is not walked through.
const OF_ONE_SIZE: [RangeInclusive<char>; 3] =
    ['\u{2e80}'..='\u{a63f}', '\u{ac00}'..='\u{faff}', '\u{1e944}'..='\u{10ffff}'];

/// What such a pattern costs at the least, whatever is in it. What is named, and what is in brackets, is compared each with each
/// while it is read; so are letters beyond ASCII.
pub(super) fn at_least(pattern: &str) -> usize {
    let square = |count: usize| count.saturating_mul(count);
    let wide = pattern.chars().filter(|letter| !letter.is_ascii()).count();
    (pattern.len() * LETTER)
        .saturating_add(square(pattern.matches("(?").count()))
        .saturating_add(square(pattern.matches('[').count()))
        .saturating_add(square(wide) / 16)
}

/// What it costs to look up both sizes of the letters of a range.
fn folded(start: char, end: char) -> usize {
    if OF_ONE_SIZE.iter().any(|range| range.contains(&start) && range.contains(&end)) {
        return LETTER;
    }
    let characters = u32::from(end).saturating_sub(u32::from(start)) as usize;
    (characters * FOLDED_CHARACTER).clamp(LETTER, FOLDED_WIDE)
}

/// What `pattern` costs, or why it is none.
pub(super) fn of(pattern: &str) -> Result<usize, regex::Error> {
    let wrong = |error: ast::Error| regex::Error::Syntax(error.to_string());
    let tree = Parser::new().parse(pattern).map_err(wrong)?;
    // Where both sizes count anywhere, they are taken to count everywhere.
    let folds = ast::visit(&tree, Folds(false)).unwrap_or(true);
    let counted = ast::visit(&tree, Counted { folds, total: 0, bracket: 0, levels: 0 }).unwrap_or(usize::MAX);
    Ok(counted.saturating_add(at_least(pattern)))
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
            (true, true) => self.of_table(&Ast::ClassPerl(Box::new(class.clone()))),
        }
    }

    fn unicode(&self, class: &ClassUnicode) -> usize {
        // Both sizes are looked up first, and what is left out is turned round after that.
        let class = ClassUnicode { negated: false, ..class.clone() };
        if self.folds { self.of_table(&Ast::ClassUnicode(Box::new(class))) } else { CLASS }
    }

    /// A class whose letters both sizes are looked up, by its ranges.
    fn of_table(&self, class: &Ast) -> usize {
        // Each look at a table takes time, too: where it is too much already it need not be known how much.
        if self.total.saturating_add(self.bracket) > super::BUDGET {
            return FOLDED_WIDE;
        }
        match TranslatorBuilder::new().build().translate("", class).map(Hir::into_kind) {
            Ok(HirKind::Class(Class::Unicode(class))) => {
                let ranges = class.ranges().iter().map(|range| folded(range.start(), range.end()));
                (CLASS + ranges.sum::<usize>()).min(FOLDED_WIDE)
            }
            Ok(_) => CLASS,
            Err(_) => FOLDED_WIDE,
        }
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
            Ast::ClassUnicode(class) => self.total = self.total.saturating_add(self.unicode(class)),
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
            ClassSetItem::Range(range) if self.folds => folded(range.start.c, range.end.c),
            ClassSetItem::Empty(_)
            | ClassSetItem::Literal(_)
            | ClassSetItem::Union(_)
            | ClassSetItem::Range(_) => LETTER,
            ClassSetItem::Ascii(class) if self.folds && class.negated => FOLDED_WIDE,
            ClassSetItem::Ascii(_) => CLASS,
            ClassSetItem::Perl(class) => self.perl(class),
            ClassSetItem::Unicode(class) => self.unicode(class),
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
        assert_eq!(cost(r"\pL") - at_least(r"\pL"), CLASS);
        for wide in [
            r"(?i)\p{any}",
            r"(?i:\p{any})",
            r"(?i)[\p{any}]",
            r"(?i)[\D]",
            r"(?i)[[^a]]",
            r"(?i)[[:^alpha:]]",
            "(?i)[\0-\u{10ffff}]",
        ] {
            assert!(cost(wide) > FOLDED_WIDE / 10 * 9, "{wide}: {}", cost(wide));
        }
        assert!(cost(r"(?-i)\p{any}(?i)") > FOLDED_WIDE / 10 * 9);
        // The letters of all languages are walked through where they have two sizes only.
        for letters in [r"(?i)\pL", r"(?i)[\pL]"] {
            assert!((FOLDED..FOLDED_WIDE / 3).contains(&cost(letters)), "{letters}: {}", cost(letters));
        }
        for few in [r"(?i)\p{Han}", r"(?i)\P{Greek}", r"(?i)\p{Zl}", r"(?i)[\p{Zl}]"] {
            assert!(cost(few) < FOLDED, "{few}: {}", cost(few));
        }
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
    fn what_is_compared_each_with_each_costs_its_square() {
        let names = (0..2_000).fold(String::new(), |names, n| format!("{names}(?<a{n}>)"));
        let brackets = "[ab]|".repeat(2_000);
        for pattern in [names, brackets, "é".repeat(9_000)] {
            assert!(at_least(&pattern) > 4_000_000, "{}", at_least(&pattern));
        }
        assert!(at_least(r"(?<year>[0-9]{4})-(?<month>[0-9]{2})") < 1_400);
    }

    #[test]
    fn letters_of_one_size_have_none_in_the_tables_either() {
        for range in OF_ONE_SIZE {
            let cased = range
                .clone()
                .find(|letter| letter.to_lowercase().ne([*letter]) || letter.to_uppercase().ne([*letter]));
            assert_eq!(cased, None, "{range:?}");
        }
    }

    #[test]
    fn what_is_no_pattern_costs_nothing() {
        for wrong in ["(", "a)|(b", "[z-a]", r"\q", &"(".repeat(300)] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
