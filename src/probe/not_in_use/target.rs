//! What is asked about, and whether something else is it or in it. SHELL: the facts; the comparing is pure.

use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Stat};

use crate::probe::devices::{Device, Devices, Number, number_of};
use crate::probe::look::{Finding, shown};
use crate::probe::mounts::{self, Mount};
use crate::probe::place::{self, Held};

/// Where something is, whatever it is mounted as: a file system, by the number of its superblock, and a path in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) device: Number,
    pub(super) path: PathBuf,
}

impl Location {
    /// Of an absolute path that is on this mount.
    pub(super) fn on(mount: &Mount, path: &Path) -> Option<Self> {
        let rest = path.strip_prefix(&mount.point).ok()?;
        // Joining nothing would add a slash at the end, after which a file is no file.
        let path = if rest.as_os_str().is_empty() { mount.root.clone() } else { mount.root.join(rest) };
        Some(Self { device: mount.device, path })
    }
}

/// What is asked about.
#[derive(Debug)]
pub(super) enum Target {
    File {
        path: PathBuf,
        id: (u64, u64),
        /// The numbers `/proc/PID/maps` may show for its file system.
        shown_as: Vec<Number>,
    },
    Directory {
        path: PathBuf,
        id: (u64, u64),
        at: Location,
        /// The mount it is reached by.
        mount: u64,
    },
    Device {
        path: PathBuf,
        /// Itself, then its partitions.
        own: Vec<Device>,
        /// The disk it is a part of.
        disk: Option<Device>,
    },
}

impl Target {
    pub(super) fn of(path: &Path, held: &Held, all: &[Mount], devices: &Devices) -> Result<Self, Finding> {
        if let Some(number) = number_of(&held.stat) {
            let device = devices.get(number).ok_or_else(|| {
                Finding::error(format!(
                    "{} is block device {number}, and the kernel has none with that number",
                    shown(path)
                ))
            })?;
            let disk = device.disk();
            let mut own = vec![device.clone()];
            own.extend(device.partitions());
            return Ok(Self::Device { path: path.to_owned(), own, disk });
        }
        let id = (held.stat.st_dev, held.stat.st_ino);
        let path = std::fs::canonicalize(path).map_err(|error| place::cannot("look at", path, error))?;
        let unknown =
            || Finding::error(format!("cannot tell what {} is on: no mount of it is in sight", shown(&path)));
        let mount = mounts::of(all, held.fd(), &path).ok_or_else(unknown)?;
        if held.kind() == FileType::RegularFile {
            return Ok(Self::File { id, shown_as: vec![Number::of(id.0), mount.device], path });
        }
        let at = Location::on(mount, &path).ok_or_else(unknown)?;
        Ok(Self::Directory { path, id, at, mount: mount.id })
    }

    /// How it was found, for the evidence.
    pub(super) fn how(&self) -> &'static str {
        match self {
            Self::File { .. } => {
                "asked /proc of every process for open and mapped files, swaps and loop devices, and the kernel for a lease"
            }
            Self::Directory { .. } => {
                "asked /proc of every process for what is open and mapped below it, mounts, swaps and loop devices"
            }
            Self::Device { .. } => {
                "an exclusive open of it and its partitions; /proc of every process, mounts, swaps, /sys holders"
            }
        }
    }

    /// Is it this thing, by its numbers?
    pub(super) fn is(&self, stat: &Stat) -> bool {
        match self {
            Self::File { id, .. } | Self::Directory { id, .. } => (stat.st_dev, stat.st_ino) == *id,
            Self::Device { .. } => number_of(stat).is_some_and(|number| self.is_number(number)),
        }
    }

    /// Is it the device, a part of it, or the disk that it is a part of?
    pub(super) fn is_number(&self, number: Number) -> bool {
        let Self::Device { own, disk, .. } = self else { return false };
        own.iter().chain(disk).any(|device| device.number == number)
    }

    /// Is what is there in the directory that is asked about?
    pub(super) fn contains(&self, location: &Location) -> bool {
        let Self::Directory { at, .. } = self else { return false };
        location.device == at.device && location.path.starts_with(&at.path)
    }

    /// The file itself, or what is in the directory, as `/proc/PID/maps` numbers and names it.
    pub(super) fn is_mapped(&self, device: Number, inode: u64) -> bool {
        matches!(self, Self::File { id, shown_as, .. } if id.1 == inode && shown_as.contains(&device))
    }

    /// How the thing that was found is named beside the one that was asked about.
    pub(super) fn name_of(&self, found: &Path) -> String {
        match self {
            Self::Directory { path, .. } if found != path => shown(found),
            Self::Device { path, .. } if found != path => shown(found),
            _ => "it".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::read(text).unwrap()
    }

    fn at(device: &str, path: &str) -> Location {
        Location { device: number(device), path: path.into() }
    }

    #[test]
    fn a_neighbour_whose_name_begins_alike_is_not_in_the_directory() {
        let target =
            Target::Directory { path: "/srv/site".into(), id: (1, 2), at: at("8:1", "/srv/site"), mount: 1 };
        assert!(target.contains(&at("8:1", "/srv/site")));
        assert!(target.contains(&at("8:1", "/srv/site/a/b")));
        assert!(!target.contains(&at("8:1", "/srv/site2/a")));
        assert!(!target.contains(&at("8:1", "/srv")));
        assert!(!target.contains(&at("8:2", "/srv/site/a")));
    }

    #[test]
    fn one_place_by_two_mounts() {
        let table = b"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:1 /srv/site /data rw - ext4 /dev/sda1 rw\n";
        let mounts = mounts::read(table);
        let own = Location::on(&mounts[0], Path::new("/srv/site/a")).unwrap();
        assert_eq!(Location::on(&mounts[1], Path::new("/data/a")), Some(own));
        assert_eq!(Location::on(&mounts[1], Path::new("/data")), Some(at("8:1", "/srv/site")));
        assert_eq!(Location::on(&mounts[1], Path::new("/database")), None);
    }
}
