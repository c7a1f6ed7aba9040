//! Where the parts of one text stand in the source. PURE.

use std::ops::Range;

/// Parts that are not found before no more are looked for.
const MISSES: u8 = 20;

/// Finds the parts of one text in the source, in their order: the source is gone through once for all of them.
pub(super) struct PlacesIn<'s> {
    source: &'s str,
    text: Range<usize>,
    /// What comes before was looked at.
    from: usize,
    /// So often what was looked for may still not be there: each time all that follows is gone through.
    misses: u8,
    first_line: Option<Range<usize>>,
}

impl<'s> PlacesIn<'s> {
    /// Those of the text that stands in `text`, in bytes of the source.
    pub(super) fn new(source: &'s str, text: &Range<usize>) -> Self {
        Self { source, text: text.clone(), from: text.start, misses: MISSES, first_line: None }
    }

    /// Where the next `part` stands, in bytes of the source; the first line of the text where escapes hide it.
    pub(super) fn next(&mut self, part: &str) -> Range<usize> {
        let mut from = self.from;
        while self.misses > 0 {
            let Some(at) = self.source[from..self.text.end].find(part).map(|at| from + at) else {
                self.misses -= 1;
                break;
            };
            from = at + part.len();
            // `$${name}` is not a use of the name.
            if !self.source[self.text.start..at].ends_with('$') {
                self.from = from;
                return at..from;
            }
        }
        let (source, text) = (self.source, &self.text);
        let first_line = self.first_line.get_or_insert_with(|| {
            let end = source[text.clone()].find('\n').map_or(text.end, |at| text.start + at);
            text.start..end
        });
        first_line.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_in_their_order_and_what_escapes_hide_is_at_the_first_line() {
        let source = "a: ${x}\nb: \"${x} $${y} ${y}\n  \\u0024{z} ${x}\"\n";
        let text = source.find('"').unwrap()..source.len() - 1;
        let mut places = PlacesIn::new(source, &text);
        let mut next = |part: &str| {
            let place = places.next(part);
            (place.start - text.start, &source[place])
        };
        assert_eq!(next("${x}"), (1, "${x}"));
        assert_eq!(next("${y}"), (12, "${y}"));
        let first_line = (0, "\"${x} $${y} ${y}");
        for _ in 1..MISSES {
            assert_eq!(next("${z}"), first_line);
        }
        assert_eq!(next("${x}"), (29, "${x}"));
        assert_eq!(next("${z}"), first_line);
        assert_eq!(next("\""), first_line, "so much was not found that nothing more is looked for");
    }
}
