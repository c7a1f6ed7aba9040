//! A terminal as an emulator has it: what the bytes of a command do to one. PURE.
//!
//! Two look at the same terminal: a screen that draws it, and the runner, which owns it and answers what programs ask of
//! it. Both are safe from what breaks the emulator, and both take in no more at once than is bounded work.

pub mod answers;
pub mod meter;

use std::cell::Cell;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The largest terminal there is a picture of; larger ones are shown as far as this.
const MOST: (u16, u16) = (500, 200);

thread_local! {
    static FEEDING: Cell<bool> = const { Cell::new(false) };
}

/// Is this thread just feeding an emulator? If that breaks, the picture ends and nothing else.
#[must_use]
pub fn is_feeding() -> bool {
    FEEDING.get()
}

/// Does what may break an emulator; did it not?
pub fn try_to(feed: impl FnOnce()) -> bool {
    FEEDING.set(true);
    let whole = catch_unwind(AssertUnwindSafe(feed)).is_ok();
    FEEDING.set(false);
    whole
}

/// Rows and columns as the emulator takes them: at least two columns, for there are characters that take two.
#[must_use]
pub fn clamped(columns: u16, rows: u16) -> (NonZero<u16>, NonZero<u16>) {
    let two = NonZero::<u16>::MIN.saturating_add(1);
    let columns = NonZero::new(columns.min(MOST.0)).map_or(two, |columns| columns.max(two));
    (columns, NonZero::new(rows.min(MOST.1)).unwrap_or(NonZero::<u16>::MIN))
}
