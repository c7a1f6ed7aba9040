//! What was counted and found by one thread, and how several are added up. PURE.
//!
//! Nothing is kept of what is as it should be: a tally is as small after a million files as after one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many differences of a kind are kept: the first by name, whoever finds them first.
pub(super) const KEPT: usize = 20;

/// What stands under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Link,
    Special,
}

impl Kind {
    /// In words.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Link => "link",
            Self::Special => "socket, pipe or device",
        }
    }
}

/// On which side something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Source,
    Backup,
}

/// What is wrong with one name of the source.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// A file or link is not in the backup.
    Missing,
    /// A directory is not, with so much in it.
    MissingDirectory(Arc<AtomicU64>),
    /// Another kind of thing.
    Kind(Kind, Kind),
    /// Another length: of the source, of the backup.
    Size(u64, u64),
    /// Other bytes.
    Content,
    /// Too many differ to say how of each.
    Unsaid,
    /// A link that leads elsewhere: in the source, in the backup.
    Target(Vec<u8>, Vec<u8>),
    /// Other permission bits: in the source, in the backup.
    Mode(u32, u32),
    /// Other owners: in the source, in the backup.
    Owner((u32, u32), (u32, u32)),
    /// Nothing is said of these in the backup.
    NotStored { mode: bool, owner: bool },
    /// It is no copy: both names lead to the very same thing.
    Same(Kind),
    /// It could not be read, and why.
    Unreadable(Side, String),
    /// It was written to, or went, while it was looked at.
    Changed(Side),
    /// The directory is in itself.
    Loop,
}

/// The sorts of what is wrong, in the order they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    Missing,
    Differ,
    Same,
    Unreadable,
    Changed,
    Loop,
}

impl Sort {
    /// All of them.
    pub(super) const ALL: [Self; 6] =
        [Self::Missing, Self::Differ, Self::Same, Self::Unreadable, Self::Changed, Self::Loop];
}

impl What {
    /// Which sort it is of.
    pub(super) fn sort(&self) -> Sort {
        match self {
            Self::Missing | Self::MissingDirectory(_) => Sort::Missing,
            Self::Kind(..)
            | Self::Size(..)
            | Self::Content
            | Self::Unsaid
            | Self::Target(..)
            | Self::Mode(..)
            | Self::Owner(..)
            | Self::NotStored { .. } => Sort::Differ,
            Self::Same(_) => Sort::Same,
            Self::Unreadable(..) => Sort::Unreadable,
            Self::Changed(_) => Sort::Changed,
            Self::Loop => Sort::Loop,
        }
    }
}

/// One name and what is wrong with it. Directories end in `/`.
#[derive(Clone, Debug)]
pub(super) struct Difference {
    pub(super) path: Vec<u8>,
    pub(super) what: What,
}

/// How many there were of one sort, and the first by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) count: u64,
    pub(super) first: Vec<Difference>,
}

impl Found {
    fn keep(&mut self, path: &[u8], what: impl FnOnce() -> What) {
        let at = self.first.partition_point(|kept| kept.path.as_slice() <= path);
        if at >= KEPT {
            return;
        }
        self.first.insert(at, Difference { path: path.to_vec(), what: what() });
        self.first.truncate(KEPT);
    }
}

/// What one thread has counted and found.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) files: u64,
    pub(super) directories: u64,
    pub(super) links: u64,
    pub(super) special: u64,
    pub(super) ignored: u64,
    /// Bytes of the source that were compared.
    pub(super) bytes: u64,
    found: [Found; Sort::ALL.len()],
    /// Digests of the entries, added up: the order they were found in makes no difference.
    seen: [u64; 8],
}

impl Tally {
    /// One more thing of the source.
    pub(super) fn count(&mut self, kind: Kind) {
        match kind {
            Kind::File => self.files += 1,
            Kind::Directory => self.directories += 1,
            Kind::Link => self.links += 1,
            Kind::Special => self.special += 1,
        }
    }

    /// How many things were to be found in the backup.
    pub(super) fn looked_at(&self) -> u64 {
        self.files + self.links + self.directories
    }

    /// Something is wrong.
    pub(super) fn differs(&mut self, path: &[u8], what: What) {
        let found = &mut self.found[what.sort() as usize];
        found.count += 1;
        found.keep(path, || what);
    }

    /// One more thing in a directory that is missing as a whole.
    pub(super) fn missing_within(&mut self, files: &AtomicU64, kind: Kind) {
        self.found[Sort::Missing as usize].count += 1;
        if kind != Kind::Directory {
            files.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What was found of a sort.
    pub(super) fn found(&self, sort: Sort) -> &Found {
        &self.found[sort as usize]
    }

    /// The first differences of all sorts by name.
    pub(super) fn first(&self) -> Vec<&Difference> {
        let mut all: Vec<&Difference> = self.found.iter().flat_map(|found| &found.first).collect();
        all.sort_by(|a, b| a.path.cmp(&b.path));
        all.truncate(KEPT);
        all
    }

    /// An entry of the source was seen as this.
    pub(super) fn saw(&mut self, entry: &blake3::Hasher) {
        let mut bytes = [0; 64];
        entry.finalize_xof().fill(&mut bytes);
        for (sum, word) in self.seen.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *sum = sum.wrapping_add(u64::from_le_bytes(*word));
        }
    }

    /// The digest of all that was seen.
    pub(super) fn digest(&self) -> String {
        let bytes: Vec<u8> = self.seen.iter().flat_map(|word| word.to_le_bytes()).collect();
        blake3::hash(&bytes).to_hex().to_string()
    }

    /// Both together.
    pub(super) fn add(&mut self, other: Self) {
        self.files += other.files;
        self.directories += other.directories;
        self.links += other.links;
        self.special += other.special;
        self.ignored += other.ignored;
        self.bytes += other.bytes;
        for (mine, theirs) in self.found.iter_mut().zip(other.found) {
            mine.count += theirs.count;
            for difference in theirs.first {
                mine.keep(&difference.path, || difference.what);
            }
        }
        for (sum, word) in self.seen.iter_mut().zip(other.seen) {
            *sum = sum.wrapping_add(word);
        }
    }
}
