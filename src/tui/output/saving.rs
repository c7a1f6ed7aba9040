//! Saving an output into a file of the person's: which part is asked for next, and what is said. PURE; the file itself is
//! the shell's.

use crate::time::size_in_words;
use crate::wire::messages::OutputFile;

/// How much is asked for at once, bytes: as much as a host gives.
pub const PART: u32 = 256 << 10;

/// An output on its way into a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saving {
    /// Which output.
    pub of: OutputFile,
    /// Where to, as it was typed.
    pub path: String,
    /// Bytes that are in the file.
    pub done: u64,
    /// Bytes there were to save when it began; `None`: not heard yet.
    pub total: Option<u64>,
    /// The number of the part that is awaited.
    pub awaited: Option<u64>,
}

/// What the shell does with the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make it; it must not be there.
    Create(String),
    /// Add these bytes.
    Append(Vec<u8>),
    /// That was all: put it onto the disk.
    Finish,
    /// Take away what there is of it.
    Drop,
}

/// What the shell says of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// It is there, and empty; its whole path.
    Created(String),
    /// There is one of that name already.
    Exists,
    /// So many bytes were added.
    Appended(u64),
    /// It is on the disk; its whole path.
    Finished(String),
    /// It failed, in a sentence; what there was of it is gone.
    Failed(String),
}

impl Saving {
    /// Nothing is there yet.
    #[must_use]
    pub fn new(of: OutputFile, path: String) -> Self {
        Self { of, path, done: 0, total: None, awaited: None }
    }

    /// That it ended with the screen, in words.
    #[must_use]
    pub fn given_up(&self) -> String {
        let path = crate::tui::view::shape::plain(&self.path);
        format!(
            "{path} was not saved: the screen was left before all of it was there, and what there was is removed"
        )
    }

    /// How it stands, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let path = crate::tui::view::shape::plain(&self.path);
        match self.total {
            None => format!("saving into {path}, Esc stops"),
            Some(total) => {
                let (done, total) = (size_in_words(self.done), size_in_words(total));
                format!("saving into {path}: {done} of {total}, Esc stops")
            }
        }
    }
}
