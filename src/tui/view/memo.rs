//! Rows that were made for the last picture are not made again for the next. PURE.
//!
//! A text of a megabyte takes longer to be broken into rows than a picture may take. What rows depend on is all in
//! their key, so that a picture never shows anything that would not have been made now.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use ratatui::text::Line;

/// As many texts are kept: more than one picture shows of them.
const KEPT: usize = 12;

/// Rows with what they were made from, the last used at the end.
#[derive(Debug, Default)]
pub struct Memo(RefCell<VecDeque<Made>>);

#[derive(Debug)]
struct Made {
    parts: Vec<String>,
    width: usize,
    rows: Arc<[Line<'static>]>,
}

impl Memo {
    /// The rows that `make` makes from `parts` for `width` columns, and from nothing else.
    pub(super) fn rows(
        &self,
        parts: &[&str],
        width: usize,
        make: impl FnOnce() -> Vec<Line<'static>>,
    ) -> Arc<[Line<'static>]> {
        let mut remembered = self.0.borrow_mut();
        let same = |old: &Made| {
            old.width == width
                && old.parts.len() == parts.len()
                && old.parts.iter().zip(parts).all(|(a, b)| a == b)
        };
        let found = remembered.iter().position(same).and_then(|at| remembered.remove(at));
        let block = found.unwrap_or_else(|| Made {
            parts: parts.iter().map(|part| (*part).to_owned()).collect(),
            width,
            rows: make().into(),
        });
        let rows = Arc::clone(&block.rows);
        remembered.push_back(block);
        if remembered.len() > KEPT {
            remembered.pop_front();
        }
        rows
    }
}

/// Blocks of rows, one below the other, of which a window is shown.
#[derive(Debug, Default)]
pub(super) struct Pile(Vec<Arc<[Line<'static>]>>);

impl Pile {
    /// Adds a block below the others, set apart by an empty row; an empty one is none.
    pub(super) fn add(&mut self, block: impl Into<Arc<[Line<'static>]>>) {
        let block = block.into();
        if block.is_empty() {
            return;
        }
        if !self.0.is_empty() {
            self.0.push(Arc::from([Line::default()]));
        }
        self.0.push(block);
    }

    /// All rows there are.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|block| block.len()).sum()
    }

    /// At most `most` rows, from the row `from` on.
    pub(super) fn window(&self, from: usize, most: usize) -> Vec<Line<'static>> {
        let mut skip = from;
        let mut rows = Vec::new();
        for block in &self.0 {
            let here = skip.min(block.len());
            skip -= here;
            rows.extend(block[here..].iter().take(most - rows.len()).cloned());
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_made_again() {
        let memo = Memo::default();
        let made = std::cell::Cell::new(0);
        let rows = |parts: &[&str], width| {
            memo.rows(parts, width, || {
                made.set(made.get() + 1);
                vec![Line::raw(parts.concat())]
            })
        };
        assert_eq!(rows(&["a", "b"], 5)[0].to_string(), "ab");
        rows(&["a", "b"], 5);
        assert_eq!(made.get(), 1);
        rows(&["ab", ""], 5);
        rows(&["a", "b"], 6);
        assert_eq!(made.get(), 3);
        for n in 0..KEPT {
            rows(&[&n.to_string()], 5);
        }
        rows(&["a", "b"], 5);
        assert_eq!(made.get(), 4 + KEPT);
    }

    #[test]
    fn a_window_is_cut_from_all_blocks() {
        let rows = |texts: &[&'static str]| texts.iter().map(|text| Line::raw(*text)).collect::<Vec<_>>();
        let mut pile = Pile::default();
        pile.add(rows(&["a", "b"]));
        pile.add(rows(&[]));
        pile.add(rows(&["c"]));
        assert_eq!(pile.len(), 4);
        let window = |from, most| {
            pile.window(from, most).iter().map(ToString::to_string).collect::<Vec<_>>().join("|")
        };
        assert_eq!(window(0, 9), "a|b||c");
        assert_eq!(window(1, 2), "b|");
        assert_eq!(window(3, 5), "c");
        assert_eq!(window(9, 5), "");
    }
}
