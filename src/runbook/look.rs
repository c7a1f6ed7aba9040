//! The built-in probes: questions about files and this machine that the tool answers by looking. PURE.
//!
//! `T` is a text: with its place while a runbook is read, a template in the model, filled in when it is asked. Sizes and
//! ages are texts too, because a value may stand in them; where none does, they are held to their form at reading.
//! The docstrings here are the descriptions that editors show.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One question, with what it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Look<T> {
    /// Is everything of one tree in a backup?
    Covers(Covers<T>),
    /// Did nothing change since something was made?
    UnchangedSince(UnchangedSince<T>),
    /// Is a file there, young and large enough, and what it should be?
    Fresh(Fresh<T>),
    /// Is it on storage that outlives the machine's restart or move?
    Persistent(OfPath<T>),
    /// Has nobody got it open, mapped, mounted or behind a device?
    NotInUse(OfPath<T>),
    /// Are these two things, and not one under two names?
    Different(Different<T>),
    /// Is that much free?
    Space(Space<T>),
    /// Is this the machine and the user that was meant?
    Where(Where<T>),
}

/// Every file, link and directory under `source` is in `backup`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Covers", deny_unknown_fields)]
pub struct Covers<T> {
    /// The live tree.
    pub source: T,
    /// A directory, or a tar, tar.gz, tar.zst, tar.xz or zip archive: holds the tree at its root or in one top directory.
    pub backup: T,
    /// What need not be in it: a pattern without `/` for a name at any depth, one with `/` for a path below `source`.
    #[schemars(with = "Option<Vec<T>>")]
    pub ignore: Vec<T>,
    /// What is compared of a file: its `content` (unless said otherwise), or its `size` alone.
    #[schemars(with = "Option<By>")]
    pub by: By,
    /// What is compared besides.
    #[schemars(with = "Option<OneOrManyAlso>")]
    pub also: Vec<Also>,
}

/// One of `also`, or a list of them, as a runbook may spell it; there are none of it but in the schema.
#[derive(Debug)]
pub(super) enum OneOrManyAlso {}

/// What of two files is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum By {
    /// Every byte.
    #[default]
    Content,
    /// The length alone.
    Size,
}

/// What may be compared besides names, kinds and content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Also {
    /// The numbers of the owning user and group.
    Ownership,
    /// The permission bits, set-user-id and the like included.
    Mode,
}

/// Nothing under `path` changed after `reference` was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "UnchangedSince", deny_unknown_fields)]
pub struct UnchangedSince<T> {
    /// A directory with all that is in it, or a file.
    pub path: T,
    /// What dates the backup: best a file made when it began.
    pub reference: T,
}

/// The file exists, is young enough, large enough, and what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Fresh", deny_unknown_fields)]
pub struct Fresh<T> {
    /// The file.
    pub path: T,
    /// It was last written at most this long ago.
    pub max_age: Option<T>,
    /// It is at least this large, such as 500MB or 10GiB.
    pub min_size: Option<T>,
    /// SHA-256 of its content, as `sha256sum` prints it.
    pub sha256: Option<T>,
}

/// A probe that asks about one path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "OfPath", deny_unknown_fields)]
pub struct OfPath<T> {
    /// What it is about.
    pub path: T,
}

/// `a` and `b` are not one thing under two names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Different", deny_unknown_fields)]
pub struct Different<T> {
    /// A file, directory or block device.
    pub a: T,
    /// Another.
    pub b: T,
}

/// So much is free where `path` is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Space", deny_unknown_fields)]
pub struct Space<T> {
    /// Anything on the file system that is meant.
    pub path: T,
    /// Free, at least.
    pub at_least: Option<T>,
    /// Free, at most.
    pub at_most: Option<T>,
}

/// Commands run on this machine, as this user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Where", deny_unknown_fields)]
pub struct Where<T> {
    /// The machine's short or full name.
    pub host: Option<T>,
    /// The user's name.
    pub user: Option<T>,
}

impl<T> Look<T> {
    /// The probe's key in a runbook.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Covers(_) => "covers",
            Self::UnchangedSince(_) => "unchanged_since",
            Self::Fresh(_) => "fresh",
            Self::Persistent(_) => "persistent",
            Self::NotInUse(_) => "not_in_use",
            Self::Different(_) => "different",
            Self::Space(_) => "space",
            Self::Where(_) => "where",
        }
    }

    /// The same question with every text turned into another; the first error ends it.
    pub fn try_map<U, E>(&self, mut f: impl FnMut(&T) -> Result<U, E>) -> Result<Look<U>, E> {
        let some = |text: &Option<T>, f: &mut dyn FnMut(&T) -> Result<U, E>| -> Result<Option<U>, E> {
            text.as_ref().map(f).transpose()
        };
        Ok(match self {
            Self::Covers(of) => Look::Covers(Covers {
                source: f(&of.source)?,
                backup: f(&of.backup)?,
                ignore: of.ignore.iter().map(&mut f).collect::<Result<_, _>>()?,
                by: of.by,
                also: of.also.clone(),
            }),
            Self::UnchangedSince(of) => {
                Look::UnchangedSince(UnchangedSince { path: f(&of.path)?, reference: f(&of.reference)? })
            }
            Self::Fresh(of) => Look::Fresh(Fresh {
                path: f(&of.path)?,
                max_age: some(&of.max_age, &mut f)?,
                min_size: some(&of.min_size, &mut f)?,
                sha256: some(&of.sha256, &mut f)?,
            }),
            Self::Persistent(of) => Look::Persistent(OfPath { path: f(&of.path)? }),
            Self::NotInUse(of) => Look::NotInUse(OfPath { path: f(&of.path)? }),
            Self::Different(of) => Look::Different(Different { a: f(&of.a)?, b: f(&of.b)? }),
            Self::Space(of) => Look::Space(Space {
                path: f(&of.path)?,
                at_least: some(&of.at_least, &mut f)?,
                at_most: some(&of.at_most, &mut f)?,
            }),
            Self::Where(of) => {
                Look::Where(Where { host: some(&of.host, &mut f)?, user: some(&of.user, &mut f)? })
            }
        })
    }
}
