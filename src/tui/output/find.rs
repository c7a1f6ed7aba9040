//! A text that is looked for in an output: the host looks, here is where it stands. PURE.

use crate::text::find::{Needle, folds_case};
use crate::time::size_in_words;
use crate::wire::messages::OutputFile;

/// A text that is looked for.
#[derive(Clone, Debug)]
pub struct Find {
    /// The text, as it was typed.
    pub text: String,
    /// Small and large letters are the same: no large one was typed.
    pub fold_case: bool,
    /// What finds it in the rows that are drawn.
    pub needle: Needle,
    /// In which file.
    pub of: OutputFile,
    /// Where it was found last, bytes.
    pub at: Option<u64>,
    /// How it stands.
    pub stage: Stage,
}

/// How the looking stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The host is at it.
    Looking(Looking),
    /// It is at [`Find::at`]; `around`: past an end of the file, on from the other one.
    Found {
        /// See there.
        around: bool,
    },
    /// It is nowhere in the file.
    Nowhere,
    /// Nobody waited for the end of it.
    Stopped,
}

/// What the host looks through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looking {
    /// The number of the request.
    pub id: u64,
    /// Where it was begun, bytes.
    pub start: u64,
    /// Towards the start of the file.
    pub backwards: bool,
    /// The second half: on from the other end of the file.
    pub around: bool,
    /// Bytes looked through in this half.
    pub looked: u64,
    /// Keys that came meanwhile: so many places further is what is wanted.
    pub more: u32,
}

impl Find {
    /// `None`: it is too long, or empty.
    #[must_use]
    pub fn new(text: &str, of: OutputFile) -> Option<Self> {
        let fold_case = folds_case(text);
        let needle = Needle::new(text, fold_case)?;
        Some(Self { text: text.to_owned(), fold_case, needle, of, at: None, stage: Stage::Stopped })
    }

    /// Is the host at it?
    #[must_use]
    pub fn looking(&self) -> Option<&Looking> {
        match &self.stage {
            Stage::Looking(looking) => Some(looking),
            _ => None,
        }
    }

    /// How it stands, in words; `total`: length of the file, bytes.
    #[must_use]
    pub fn words(&self, total: u64) -> String {
        let text = crate::tui::view::shape::plain(&self.text);
        match &self.stage {
            Stage::Looking(looking) => {
                let first =
                    if looking.backwards { looking.start } else { total.saturating_sub(looking.start) };
                let looked = looking.looked.saturating_add(if looking.around { first } else { 0 });
                let (looked, total) = (size_in_words(looked.min(total)), size_in_words(total));
                format!("“{text}”: looked through {looked} of {total}, Esc stops")
            }
            Stage::Found { around } => {
                let percent = self.at.unwrap_or(0).saturating_mul(100).checked_div(total).unwrap_or(0);
                let around = if *around { ", on from the other end" } else { "" };
                format!("“{text}” at {percent} %{around}")
            }
            Stage::Nowhere => format!("“{text}” is nowhere in it"),
            Stage::Stopped => format!("“{text}”"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::messages::Stream;

    #[test]
    fn numbers_that_no_file_has_break_nothing() {
        let of = OutputFile { attempt: 1, item: None, stream: Stream::Output };
        let mut find = Find::new("west", of).unwrap();
        for backwards in [true, false] {
            for start in [0, u64::MAX] {
                find.stage = Stage::Looking(Looking {
                    id: 1,
                    start,
                    backwards,
                    around: true,
                    looked: u64::MAX,
                    more: 0,
                });
                assert_eq!(find.words(1_000), "“west”: looked through 1.0 KB of 1.0 KB, Esc stops");
                assert!(find.words(u64::MAX).contains("looked through"));
            }
        }
    }
}
