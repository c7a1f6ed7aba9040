//! One record as one line of text, linked to the line before by its SHA-256. PURE.
//!
//! Anyone can redo the chain: `prev` is what `sha256sum` says of the line before, without its newline.

use serde::{Deserialize, Serialize};

use crate::id::Digest;
use crate::session::Entry;

/// The longest line that is taken, bytes without newline. Longer texts are refused where they are asked for.
pub const MAX_LINE: usize = 4 << 20;

/// A record: what happened, and the link to the line before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What happened.
    #[serde(flatten)]
    pub entry: Entry,
    /// SHA-256 of the line before, without its newline; 64 zeros in the first.
    pub prev: Digest,
}

/// The link of the first record.
#[must_use]
pub fn no_link() -> Digest {
    Digest::new("0".repeat(64))
}

/// The link to `line` (given without its newline).
#[must_use]
pub fn link_to(_line: &[u8]) -> Digest {
    todo!()
}

/// The line of an entry, newline included: `n, at, up, session, by, event, … , prev`.
#[must_use]
pub fn line(_entry: &Entry, _prev: &Digest) -> Vec<u8> {
    todo!()
}
