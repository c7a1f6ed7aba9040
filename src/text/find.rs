//! Finding a text in a command's output as people see it: the colours it was written in do not get in between. PURE.

use std::borrow::Cow;
use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};

/// The longest text that is looked for, bytes.
pub const LONGEST: usize = 1_000;

/// A sequence that sets colours is no longer than this, bytes; what is longer is shown, as any other text.
pub const LONGEST_SGR: usize = 128;

/// A text is found though this many bytes of colours and letters lie between its ends; parts of a file that are looked
/// through one by one lie over each other by no more.
pub const FARTHEST: usize = 256 << 10;

/// What bytes that begin with an escape character are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sgr {
    /// A whole sequence that sets colours, of this many bytes, `ESC [` and `m` included.
    Whole(usize),
    /// It may become one: there are no more bytes.
    Begun,
    /// Anything else.
    No,
}

/// What do these bytes begin with?
#[must_use]
pub fn sgr(bytes: &[u8]) -> Sgr {
    match bytes {
        [0x1b] => return Sgr::Begun,
        [0x1b, b'[', ..] => {}
        _ => return Sgr::No,
    }
    for (at, byte) in bytes.iter().enumerate().take(LONGEST_SGR).skip(2) {
        match byte {
            b'0'..=b'9' | b';' | b':' => {}
            b'm' => return Sgr::Whole(at + 1),
            _ => return Sgr::No,
        }
    }
    if bytes.len() < LONGEST_SGR { Sgr::Begun } else { Sgr::No }
}

/// The first place from `at` on that is not inside of a sequence that sets colours.
#[must_use]
pub fn outside(bytes: &[u8], at: usize) -> usize {
    let at = at.min(bytes.len());
    let near = at.saturating_sub(LONGEST_SGR);
    let Some(begun) = memchr::memrchr(0x1b, &bytes[near..at]) else { return at };
    match sgr(&bytes[near + begun..]) {
        Sgr::Whole(length) => at.max(near + begun + length),
        Sgr::Begun | Sgr::No => at,
    }
}

/// The bytes without a sequence at their end that has only begun.
#[must_use]
pub fn without_begun(bytes: &[u8]) -> &[u8] {
    let begun = memchr::memrchr(0x1b, bytes).filter(|at| sgr(&bytes[*at..]) == Sgr::Begun);
    &bytes[..begun.unwrap_or(bytes.len())]
}

/// Is a text as it was typed found in large and small letters alike? So it is, unless a large one was typed.
#[must_use]
pub fn folds_case(text: &str) -> bool {
    !text.chars().any(char::is_uppercase)
}

/// A text to be found, word for word.
#[derive(Clone, Debug)]
pub struct Needle {
    regex: Regex,
    /// What is found is no longer than this, bytes without colours: a small letter may take fewer than its large one.
    seen: usize,
}

impl Needle {
    /// `fold_case`: `a` is found where `A` stands, too. `None`: it is empty, or longer than [`LONGEST`].
    #[must_use]
    pub fn new(text: &str, fold_case: bool) -> Option<Self> {
        if text.is_empty() || text.len() > LONGEST {
            return None;
        }
        let regex = RegexBuilder::new(&regex::escape(text)).case_insensitive(fold_case).build().ok()?;
        Some(Self { regex, seen: 4 * text.len() })
    }

    /// From here on the end of `bytes` may hold the start of a match that goes on behind it, whatever colours are in it.
    #[must_use]
    pub fn back(&self, bytes: &[u8]) -> usize {
        self.far_enough(bytes.len(), |reach| {
            let from = outside(bytes, bytes.len() - reach);
            (from, Bare::new(&bytes[from..]).bytes.len())
        })
    }

    /// Up to here the start of `bytes` may hold the end of a match that began before it, whatever colours are in it.
    #[must_use]
    pub fn ahead(&self, bytes: &[u8]) -> usize {
        self.far_enough(bytes.len(), |reach| (reach, Bare::new(without_begun(&bytes[..reach])).bytes.len()))
    }

    /// Reaches farther until enough is seen there. `look`: the place, and how many bytes are seen up to it.
    fn far_enough(&self, all: usize, look: impl Fn(usize) -> (usize, usize)) -> usize {
        let most = all.min(FARTHEST);
        let mut reach = (self.seen + LONGEST_SGR).min(most);
        loop {
            let (place, seen) = look(reach);
            if seen >= self.seen || reach == most {
                return place;
            }
            reach = (4 * reach).min(most);
        }
    }

    /// The first place in `bytes` where it stands.
    #[must_use]
    pub fn first(&self, bytes: &[u8]) -> Option<Range<usize>> {
        let bare = Bare::new(bytes);
        self.regex.find(&bare.bytes).map(|found| bare.place(&found.range()))
    }

    /// All places in `bytes` where it stands, in order; none lies over another.
    #[must_use]
    pub fn all(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let bare = Bare::new(bytes);
        self.regex.find_iter(&bare.bytes).map(|found| bare.place(&found.range())).collect()
    }

    /// The last place in `bytes` that begins before `end`.
    #[must_use]
    pub fn last_before(&self, bytes: &[u8], end: usize) -> Option<Range<usize>> {
        let bare = Bare::new(bytes);
        let before = |found: &regex::bytes::Match<'_>| bare.place(&found.range()).start < end;
        let mut last = self.regex.find_iter(&bare.bytes).take_while(before).last()?;
        // One that lies over it is later still.
        while let Some(later) = self.regex.find_at(&bare.bytes, last.start() + 1).filter(before) {
            last = later;
        }
        Some(bare.place(&last.range()))
    }
}

/// Bytes without what sets colours, and where they were.
struct Bare<'a> {
    bytes: Cow<'a, [u8]>,
    /// Where in the bare bytes something was left out, and how much up to there.
    cuts: Vec<(usize, usize)>,
}

impl<'a> Bare<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let mut cuts = Vec::new();
        let mut bare: Vec<u8> = Vec::new();
        let mut copied = 0;
        for at in memchr::memchr_iter(0x1b, bytes) {
            if at < copied {
                continue;
            }
            if let Sgr::Whole(length) = sgr(&bytes[at..]) {
                bare.extend_from_slice(&bytes[copied..at]);
                copied = at + length;
                cuts.push((bare.len(), copied - bare.len()));
            }
        }
        if cuts.is_empty() {
            return Self { bytes: Cow::Borrowed(bytes), cuts };
        }
        bare.extend_from_slice(&bytes[copied..]);
        Self { bytes: Cow::Owned(bare), cuts }
    }

    fn place(&self, found: &Range<usize>) -> Range<usize> {
        let before = |at: usize| {
            let cuts = self.cuts.partition_point(|(bare, _)| *bare <= at);
            cuts.checked_sub(1).map_or(0, |last| self.cuts[last].1)
        };
        // The end is that of its last byte: what is cut right behind it is no part of it.
        let last = found.end.saturating_sub(1).max(found.start);
        found.start + before(found.start)..last + before(last) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_that_set_colours_are_told_from_all_others() {
        assert_eq!(sgr(b"\x1b[m"), Sgr::Whole(3));
        assert_eq!(sgr(b"\x1b[38:2::1:2:3mtext"), Sgr::Whole(14));
        assert_eq!(sgr(b"\x1b[1;3"), Sgr::Begun);
        assert_eq!(sgr(b"\x1b"), Sgr::Begun);
        for other in
            [&b"\x1b[2J"[..], b"\x1b[?25m", b"\x1b[>4;2m", b"\x1b]0;m", b"\x1b[1 m", b"m", b"\x1b[\x1b[m"]
        {
            assert_eq!(sgr(other), Sgr::No, "{other:?}");
        }
        assert_eq!(sgr(&[b"\x1b[".as_slice(), &[b'1'; 200], b"m"].concat()), Sgr::No);
    }

    #[test]
    fn a_text_is_found_through_its_colours_and_where_it_is_in_the_file() {
        let needle = Needle::new("error 5", true).unwrap();
        let bytes = b"\x1b[1mfine\x1b[0m \x1b[31mERR\x1b[1mor\x1b[0m 5\x1b[0m, then error 5";
        let found = needle.all(bytes);
        assert_eq!(&bytes[found[0].clone()], b"ERR\x1b[1mor\x1b[0m 5");
        assert_eq!(&bytes[found[1].clone()], b"error 5");
        assert_eq!(needle.first(bytes), Some(found[0].clone()));
        assert_eq!(needle.last_before(bytes, found[1].start), Some(found[0].clone()));
        assert_eq!(needle.last_before(bytes, bytes.len()), Some(found[1].clone()));
        assert!(Needle::new("Error", false).unwrap().first(bytes).is_none());
        assert_eq!(Needle::new("über", true).unwrap().first("ÜBER".as_bytes()), Some(0..5));
        assert_eq!(Needle::new("a.c", true).unwrap().first(b"abc"), None, "word for word");
        assert!(Needle::new("", true).is_none());
    }
    #[test]
    fn as_much_is_kept_as_may_begin_a_match_however_many_colours_are_in_it() {
        let needle = Needle::new("needle", true).unwrap();
        let coloured: Vec<u8> = (0..3_000).flat_map(|_| b"\x1b[38;2;255;100;100mx".to_vec()).collect();
        let back = needle.back(&coloured);
        assert!(Bare::new(&coloured[back..]).bytes.iter().all(|byte| *byte == b'x'), "no part of a sequence");
        assert!(coloured.len() - back >= 24 * 20 && coloured.len() - back < 4_000);
        let ahead = needle.ahead(&coloured);
        assert!((24 * 20..4_000).contains(&ahead));
        let nothing = b"\x1b[0m".repeat(1 << 18);
        assert!(nothing.len() - needle.back(&nothing) <= FARTHEST && needle.ahead(&nothing) <= FARTHEST);
        assert_eq!((needle.back(b"short"), needle.ahead(b"short")), (0, 5));
    }

    #[test]
    fn places_that_lie_over_each_other_are_found_one_by_one_backwards_too() {
        let needle = Needle::new("aa", false).unwrap();
        let before = |end| needle.last_before(b"aaaa", end).map(|place| place.start);
        assert_eq!([before(4), before(2), before(1), before(0)], [Some(2), Some(1), Some(0), None]);
    }
}
