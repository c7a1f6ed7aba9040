//! The terminal of an interactive step, as a picture: the bytes of its output go through an emulator. PURE.
//!
//! It is read from its first byte, or of a long output from a place near its end. What a flood writes is taken in by
//! parts that take a bounded time; who falls too far behind begins again nearer to the end. Nothing but cells and the
//! state that keys depend on comes out: titles, clipboards, bells and answers to questions reach nobody.

pub mod keys;
#[cfg(test)]
mod tests;

use crate::emulator::meter::Meter;
use crate::emulator::{clamped, try_to};
use crate::wire::messages::OutputFile;

use super::output::Want;

/// Of an output longer than this only so much of its end goes through the emulator, bytes.
pub const FAR: u64 = 1 << 20;

/// Begun again so near to the end, when the command writes faster than this can be read, bytes.
const NEAR: u64 = 256 << 10;

/// The most that is asked for at once, bytes.
const PART: u32 = 64 << 10;

/// The least that is asked for at once, bytes.
const LEAST: u32 = 1 << 10;

/// How much work one part may make (see [`crate::emulator::meter`]): about a millisecond or two.
const WORK: u64 = 1_000_000;

/// After a jump, a place to begin at is looked for in so many bytes.
const SEEK: usize = 4 << 10;

/// A terminal while it is looked at.
pub struct Pane {
    /// The output that it is a picture of.
    pub of: OutputFile,
    parser: vt100::Parser,
    meter: Meter,
    /// First byte that was taken in.
    begins: u64,
    /// First byte that was not taken in yet.
    next: u64,
    /// Length of the output as last heard, bytes.
    total: u64,
    /// It was heard how long the output is.
    known: bool,
    /// A place to begin at is still to be found in what comes.
    seeks: bool,
    /// How much is asked for next, bytes.
    part: u32,
    /// The number of the request whose answer is awaited.
    awaited: Option<u64>,
    /// What was written has broken the emulator; it began anew after that.
    broke: bool,
}

impl std::fmt::Debug for Pane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What stands on the terminal belongs in no message.
        f.debug_struct("Pane")
            .field("of", &self.of)
            .field("size", &self.size())
            .field("next", &self.next)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

impl Pane {
    /// A terminal of so many columns and rows; nothing has been read.
    #[must_use]
    pub fn new(of: OutputFile, columns: u16, rows: u16) -> Self {
        Self {
            of,
            parser: emulator(columns, rows),
            meter: Meter::default(),
            begins: 0,
            next: 0,
            total: 0,
            known: false,
            seeks: false,
            part: PART,
            awaited: None,
            broke: false,
        }
    }

    /// The terminal has this size now.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let (columns, rows) = clamped(columns, rows);
        if self.parser.screen().size() != (rows, columns) && !try_to(|| self.parser.set_size(rows, columns)) {
            self.parser = vt100::Parser::new(rows, columns, 0);
            self.broke = true;
        }
    }

    /// Columns and rows.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        let (rows, columns) = self.parser.screen().size();
        (columns.get(), rows.get())
    }

    /// What stands on it.
    #[must_use]
    pub fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// Is it shown from a later place than the first byte? Then older lines are only in the output.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.begins > 0 || self.broke
    }

    /// Has anything been written to it?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Is all of the output in the picture, as far as its length is known?
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.known && self.next >= self.total
    }

    /// The output has this length now, bytes.
    pub fn grew(&mut self, total: u64) {
        self.total = self.total.max(total);
    }

    /// Nothing asked for will come: the connection is a new one.
    pub fn forget_requests(&mut self) {
        self.awaited = None;
        // How long it is by now is asked for anew.
        self.known = false;
    }

    /// What should be asked for next, if anything; one request at a time.
    #[must_use]
    pub fn wants(&self) -> Option<Want> {
        if self.awaited.is_some() || self.is_whole() {
            return None;
        }
        Some(Want { from: self.next, len: self.part })
    }

    /// The request for what [`Pane::wants`] has this number.
    pub fn asked(&mut self, id: u64) {
        self.awaited = Some(id);
    }

    /// A part arrived. Of one that makes much work only the beginning is taken in; the rest is asked for again.
    pub fn arrived(&mut self, id: u64, from: u64, total: u64, data: &[u8]) {
        if self.awaited != Some(id) {
            return;
        }
        self.awaited = None;
        let first = !self.known && self.next == 0;
        self.known = true;
        self.total = total;
        let behind = total.saturating_sub(self.next);
        if behind > FAR {
            self.begin_at(total - if first { FAR } else { NEAR });
            return;
        }
        if from != self.next {
            return;
        }
        if data.is_empty() {
            // A host that has nothing to give at a place within the file: believe it, or this never ends.
            self.total = self.next;
            return;
        }
        let taken = self.take(data);
        self.next += taken as u64;
        let taken = u32::try_from(taken).unwrap_or(u32::MAX);
        self.part = taken.saturating_mul(2).clamp(LEAST, PART);
    }

    /// Feeds the emulator until the work is enough; how many bytes were taken.
    fn take(&mut self, data: &[u8]) -> usize {
        let skipped = if std::mem::take(&mut self.seeks) { place_to_begin(data) } else { 0 };
        let mut kept = Vec::with_capacity(data.len());
        let taken = self.meter.measure(&data[skipped..], self.size(), WORK, &mut kept);
        let (columns, rows) = self.size();
        if !try_to(|| self.parser.process(&kept)) {
            self.parser = emulator(columns, rows);
            self.meter = Meter::default();
            self.broke = true;
        }
        skipped + taken
    }

    fn begin_at(&mut self, place: u64) {
        let (columns, rows) = self.size();
        self.parser = emulator(columns, rows);
        self.meter = Meter::default();
        (self.begins, self.next, self.seeks, self.part) = (place, place, place > 0, PART);
    }
}

/// The first byte that a picture may begin with: after a line's end, or with a sequence of its own.
fn place_to_begin(data: &[u8]) -> usize {
    let near = &data[..data.len().min(SEEK)];
    near.iter()
        .position(|byte| matches!(byte, b'\n' | 0x1b))
        .map_or(0, |at| if near[at] == b'\n' { at + 1 } else { at })
}

fn emulator(columns: u16, rows: u16) -> vt100::Parser {
    let (columns, rows) = clamped(columns, rows);
    vt100::Parser::new(rows, columns, 0)
}

/// Columns and rows there are for a terminal in a window of `size`, while somebody types into it: all but the title, the
/// edge, the rule and the keys.
#[must_use]
pub fn room((columns, rows): (u16, u16)) -> (u16, u16) {
    (columns.max(2), rows.saturating_sub(4).max(1))
}
