//! Where the parts of one text stand in the source. PURE.

use std::ops::Range;

/// Finds the parts of one text in the source, in their order: the source is gone through once for all of them.
pub(super) struct PlacesIn<'s> {
    source: &'s str,
    text: Range<usize>,
    /// What comes before was looked at; nothing more is, once a part was not found.
    from: Option<usize>,
    first_line: Option<Range<usize>>,
}

impl<'s> PlacesIn<'s> {
    /// Those of the text that stands in `text`, in bytes of the source.
    pub(super) fn new(source: &'s str, text: &Range<usize>) -> Self {
        Self { source, text: text.clone(), from: Some(text.start), first_line: None }
    }

    /// Where the next `part` stands, in bytes of the source; the first line of the text where escapes hide it.
    pub(super) fn next(&mut self, part: &str) -> Range<usize> {
        while let Some(from) = self.from {
            let found = self.source[from..self.text.end].find(part).map(|at| from + at);
            self.from = found.map(|at| at + part.len());
            // `$${name}` is not a use of the name.
            if let Some(at) = found.filter(|at| !self.source[self.text.start..*at].ends_with('$')) {
                return at..at + part.len();
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
        assert_eq!(next("${z}"), first_line);
        assert_eq!(next("${x}"), first_line);
    }
}
