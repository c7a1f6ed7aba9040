//! Where a thing really is: one place may be reached by bind mounts, through the layers of an overlay, and by several loop
//! devices in front of one file. PURE: the comparing; [`Machine`] finds the facts.

mod machine;

use std::path::{Path, PathBuf};

pub(super) use machine::Machine;

use super::devices::Number;

/// A file system, however often it is mounted and by whatever device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Store {
    /// By the number of its superblock.
    Number(Number),
    /// A piece of a file, behind a loop device or a part of one: the file's device and inode number, and where the piece begins.
    Piece { file: (u64, u64), from: u64 },
}

/// A path in a file system, whatever that is mounted as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) store: Store,
    pub(super) path: PathBuf,
}

impl Place {
    /// Is it the other, or below it?
    pub(super) fn is_in(&self, outer: &Self) -> bool {
        self.store == outer.store && self.path.starts_with(&outer.path)
    }

    fn below(&self, rest: &Path) -> Self {
        // Joining nothing would add a slash at the end, after which a file is no file.
        let path = if rest.as_os_str().is_empty() { self.path.clone() } else { self.path.join(rest) };
        Self { store: self.store.clone(), path }
    }
}

/// Every place that one thing has.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// Device and inode number of the thing itself, and of what shows through it.
    ids: Vec<(u64, u64)>,
    /// The place it was reached at, then, where that is an overlay's, those of its layers.
    at: Vec<Place>,
    /// Of a directory: what is mounted below it, which is in it too.
    mounted_below: Vec<Place>,
    /// The files behind the loop devices it is kept on, and what those are kept in.
    kept_in: Vec<Place>,
    kept_in_ids: Vec<(u64, u64)>,
    /// Why there may be more in `at`.
    more: Option<String>,
    /// Why there may be more in `kept_in`.
    kept_elsewhere: Option<String>,
}

/// The answer to a comparison. What cannot be told must never count as a no where a no lets somebody pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
    /// Why it cannot be told.
    Unknown(String),
}

impl Places {
    /// Are these one thing?
    pub(super) fn same(&self, other: &Self) -> Answer {
        if self.ids.iter().any(|id| other.ids.contains(id)) || self.at.iter().any(|at| other.at.contains(at))
        {
            return Answer::Yes;
        }
        self.unknown_of(other).map_or(Answer::No, Answer::Unknown)
    }

    /// Is this the other thing, or somewhere in it: below it by any mount or layer, or in a disk whose file is?
    pub(super) fn is_inside(&self, outer: &Self) -> Answer {
        if self.same(outer) == Answer::Yes || self.kept_in_ids.iter().any(|id| outer.ids.contains(id)) {
            return Answer::Yes;
        }
        let around = || outer.at.iter().chain(&outer.mounted_below);
        if self.at.iter().chain(&self.kept_in).any(|at| around().any(|outer| at.is_in(outer))) {
            return Answer::Yes;
        }
        let why = self.unknown_of(outer).or_else(|| self.kept_elsewhere.clone());
        why.map_or(Answer::No, Answer::Unknown)
    }

    /// Every place of it: the one it was reached at, then those of layers.
    pub(super) fn at(&self) -> &[Place] {
        &self.at
    }

    /// Why the two cannot be told apart. On one file system their paths tell.
    fn unknown_of(&self, other: &Self) -> Option<String> {
        if let (Some(mine), Some(theirs)) = (self.at.first(), other.at.first())
            && mine.store == theirs.store
        {
            return None;
        }
        self.more.clone().or_else(|| other.more.clone())
    }

    fn add(&mut self, other: Self) {
        self.ids.extend(other.ids);
        self.at.extend(other.at);
        self.kept_in.extend(other.kept_in);
        self.kept_in_ids.extend(other.kept_in_ids);
        self.more = self.more.take().or(other.more);
        self.kept_elsewhere = self.kept_elsewhere.take().or(other.kept_elsewhere);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(device: &str, path: &str) -> Place {
        Place { store: Store::Number(Number::read(device).unwrap()), path: path.into() }
    }

    fn at(places: &[Place]) -> Places {
        Places { at: places.to_vec(), ..Places::default() }
    }

    #[test]
    fn a_neighbour_whose_name_begins_alike_is_not_inside() {
        let site = at(&[place("8:1", "/srv/site")]);
        for (path, inside) in
            [("/srv/site", Answer::Yes), ("/srv/site/a/b", Answer::Yes), ("/srv/site2", Answer::No)]
        {
            assert_eq!(at(&[place("8:1", path)]).is_inside(&site), inside, "{path}");
        }
        assert_eq!(site.is_inside(&at(&[place("8:1", "/srv/site/a")])), Answer::No);
        assert_eq!(at(&[place("8:2", "/srv/site/a")]).is_inside(&site), Answer::No);
    }

    #[test]
    fn layers_are_places_too() {
        let merged = at(&[place("0:40", "/"), place("8:1", "/up"), place("8:1", "/low")]);
        let low = at(&[place("8:1", "/low")]);
        assert_eq!(merged.same(&low), Answer::Yes);
        assert_eq!(low.is_inside(&merged), Answer::Yes);
        assert_eq!(at(&[place("8:1", "/low/a")]).is_inside(&merged), Answer::Yes);
        assert_eq!(merged.same(&at(&[place("8:1", "/other")])), Answer::No);
    }

    #[test]
    fn what_may_be_elsewhere_is_no_no() {
        let hidden = Places { more: Some("why".into()), ..at(&[place("0:40", "/a")]) };
        let unknown = Answer::Unknown("why".into());
        let other = at(&[place("8:1", "/low")]);
        assert_eq!(hidden.same(&other), unknown);
        assert_eq!(other.is_inside(&hidden), unknown);
        assert_eq!(hidden.same(&at(&[place("0:40", "/b")])), Answer::No, "of one file system the paths tell");
        assert_eq!(hidden.same(&at(&[place("0:40", "/a")])), Answer::Yes);
        let kept = Places { kept_elsewhere: Some("why".into()), ..at(&[place("7:0", "/a")]) };
        assert_eq!(kept.is_inside(&other), unknown);
        assert_eq!(kept.same(&other), Answer::No);
    }

    #[test]
    fn a_disk_is_where_its_file_is() {
        let inner = Places { kept_in: vec![place("8:1", "/srv/site/b.img")], ..at(&[place("7:0", "/")]) };
        assert_eq!(inner.is_inside(&at(&[place("8:1", "/srv/site")])), Answer::Yes);
        assert_eq!(at(&[place("8:1", "/srv/site")]).is_inside(&inner), Answer::No);
        let source = Places { mounted_below: vec![place("8:2", "/x")], ..at(&[place("8:1", "/srv")]) };
        assert_eq!(at(&[place("8:2", "/x/y")]).is_inside(&source), Answer::Yes);
    }
}
