//! The links that a path leads through: one that was turned since makes another tree of it. SHELL. Never writes.

use std::path::{Component, Path, PathBuf};

use rustix::fs::FileType;

use super::{Seen, changed_at};
use crate::probe::look::Finding;
use crate::probe::place;

/// The kernel follows no more.
const MOST: usize = 40;

/// Counts every link on the way whose own times say that it was made or turned since as a change.
pub(super) fn on_the_way(path: &Path, seen: &mut Seen) -> Result<(), Finding> {
    let mut at = std::path::absolute(path).map_err(|error| place::cannot("look at", path, error))?;
    for _ in 0..=MOST {
        let Some((link, rest)) = first_link(&at)? else { return Ok(()) };
        let stat = rustix::fs::lstat(&link).map_err(|error| place::cannot("look at", &link, error))?;
        // Links of the kernel's own are made when somebody looks.
        if !link.starts_with("/proc") && changed_at(&stat) >= seen.since {
            seen.saw(|| link.clone(), changed_at(&stat));
        }
        let target = std::fs::read_link(&link).map_err(|error| place::cannot("look at", &link, error))?;
        at = link.parent().unwrap_or(Path::new("/")).join(target).join(rest);
    }
    Err(place::cannot("look at", path, rustix::io::Errno::LOOP))
}

/// The first link of an absolute path, and what follows it.
fn first_link(path: &Path) -> Result<Option<(PathBuf, PathBuf)>, Finding> {
    let mut at = PathBuf::from("/");
    let mut parts = path.components();
    while let Some(part) = parts.next() {
        match part {
            Component::Normal(name) => at.push(name),
            // No link is on the way here any more: above is above.
            Component::ParentDir => {
                at.pop();
                continue;
            }
            _ => continue,
        }
        let stat = rustix::fs::lstat(&at).map_err(|error| place::not_held(&at, error))?;
        if place::kind(&stat) == FileType::Symlink {
            return Ok(Some((at, parts.as_path().to_path_buf())));
        }
    }
    Ok(None)
}
