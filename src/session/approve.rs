//! The second person: what an approval covers, whether one stands, and why it no longer does. PURE.
//! It must not know sockets or files: who speaks, and which keys are allowed, is handed in.
//!
//! An asking (`Event::ApprovalAsked`) stores the whole start as it stood; an approval refers to that record, and the start
//! that uses it is compared with it once more. So what runs is what was shown.

pub mod people;
pub mod signature;
pub mod standing;
pub mod subject;
pub mod text;

use std::time::Duration;

pub use people::{approved_by, caveat, name_of, remark, same_name, same_person, unfit_name, wrong_person};
pub use standing::{Standing, Word, rule_of, standing};
pub use subject::{Evidence, Head, ItemCommand, RefusedBefore, Subject, asking, changes, subject};

/// How long what was asked can be approved and used, from the asking (F-A3 of the figures we hold), by a clock that
/// counts suspend.
pub const LIFETIME: Duration = Duration::from_mins(15);

/// An asking that nobody has answered is made anew when somebody asks again after this long, so that whoever reads it has
/// time; but not where a signature may be on its way.
pub const RENEWED_AFTER: Duration = Duration::from_mins(5);

/// The longest asking there is, bytes as JSON: well within a line of the journal (4 MiB), and more than anyone reads.
pub const LONGEST: usize = 1 << 20;

/// How many earlier refusals of a step an asking tells of.
pub const MOST_REFUSALS: usize = 5;

/// How many characters of each.
pub const LONGEST_REFUSAL: usize = 400;

/// The namespace of signatures: one made for anything else is not taken (`ssh-keygen -Y sign -n`).
pub const NAMESPACE: &str = "onbelay-approval";
