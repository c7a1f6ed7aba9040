//! What of a long text has been on the screen: all of it must have been, before a key says yes to it. PURE.
//!
//! It is kept by the pieces of the content, not by rows of the screen: a window of another width breaks a piece into
//! other rows. A piece that was on the screen whole stays read; one that was there in part is read again.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What of the content stands in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowAt {
    /// Which piece, counted from the first.
    pub piece: u32,
    /// Which row of it, counted from the first.
    pub row: u32,
    /// The rows it takes in this window.
    pub of: u32,
}

/// What a picture showed of a text that must be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighted {
    /// The record of the asking whose text it is.
    pub asked: u64,
    /// The rows that were in it.
    pub rows: Vec<RowAt>,
    /// The first row that was on no screen yet, below what is shown where there is one.
    pub next: Option<usize>,
    /// With this picture every row has been on the screen.
    pub all: bool,
}

/// What has been on the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Had(BTreeMap<u32, Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Whole,
    Rows { of: u32, rows: BTreeSet<u32> },
}

/// What is left to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// As many rows.
    pub rows: usize,
    /// Of as many.
    pub of: usize,
    /// The first of them below the window, else the first of all.
    pub next: Option<usize>,
}

impl Left {
    /// How much has been read, in percent; a hundred only where nothing is left.
    #[must_use]
    pub fn share(&self) -> usize {
        (self.of - self.rows) * 100 / self.of.max(1)
    }
}

impl Had {
    fn has(&self, at: RowAt) -> bool {
        match self.0.get(&at.piece) {
            None => false,
            Some(Piece::Whole) => true,
            Some(Piece::Rows { of, rows }) => *of == at.of && rows.contains(&at.row),
        }
    }

    /// What is left of all rows once those in the window are read.
    #[must_use]
    pub fn left(&self, all: &[Option<RowAt>], window: &Range<usize>) -> Left {
        let unread = |(row, at): (usize, &Option<RowAt>)| {
            let at = (*at)?;
            (!window.contains(&row) && !self.has(at)).then_some(row)
        };
        let left: Vec<usize> = all.iter().enumerate().filter_map(unread).collect();
        let below = left.iter().find(|row| **row >= window.end);
        Left { rows: left.len(), of: all.iter().flatten().count(), next: below.or(left.first()).copied() }
    }

    /// These rows have been on the screen.
    pub fn take(&mut self, rows: &[RowAt]) {
        for at in rows {
            let piece = self.0.entry(at.piece).or_insert(Piece::Rows { of: at.of, rows: BTreeSet::new() });
            let Piece::Rows { of, rows } = piece else { continue };
            if *of != at.of {
                *of = at.of;
                rows.clear();
            }
            rows.insert(at.row);
            if rows.len() == at.of as usize {
                *piece = Piece::Whole;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(pieces: &[u32]) -> Vec<Option<RowAt>> {
        (0..)
            .zip(pieces)
            .flat_map(|(piece, of)| (0..*of).map(move |row| Some(RowAt { piece, row, of: *of })))
            .collect()
    }

    fn shown(had: &mut Had, all: &[Option<RowAt>], window: Range<usize>) -> Left {
        let left = had.left(all, &window);
        had.take(&all[window].iter().flatten().copied().collect::<Vec<_>>());
        left
    }

    #[test]
    fn the_end_alone_is_not_all() {
        let all = rows(&[3, 1, 4]);
        let mut had = Had::default();
        assert_eq!(shown(&mut had, &all, 6..8), Left { rows: 6, of: 8, next: Some(0) });
        assert_eq!(shown(&mut had, &all, 0..2), Left { rows: 4, of: 8, next: Some(2) });
        let last = shown(&mut had, &all, 2..6);
        assert_eq!((last.rows, last.next, last.share()), (0, None, 100));
    }

    #[test]
    fn another_width_keeps_what_was_there_whole_and_nothing_else() {
        let all = rows(&[3, 4]);
        let mut had = Had::default();
        shown(&mut had, &all, 0..5);
        let narrow = rows(&[6, 9]);
        assert_eq!(had.left(&narrow, &(0..0)), Left { rows: 9, of: 15, next: Some(6) });
        shown(&mut had, &narrow, 6..15);
        assert_eq!(had.left(&all, &(0..0)).rows, 0);
    }
}
