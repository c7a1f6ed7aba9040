//! What is asked about, and whether something else is it or in it. SHELL: the facts; the comparing is pure.

use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Stat};

use crate::probe::devices::{Device, Number, number_of};
use crate::probe::identity::{Answer, Machine, Places};
use crate::probe::look::{Finding, shown};
use crate::probe::mounts::{self, Mount};
use crate::probe::persistent::{self, Class};
use crate::probe::place::{self, Held};

/// What is asked about.
#[derive(Debug)]
pub(super) enum Target {
    File {
        path: PathBuf,
        id: (u64, u64),
        /// The numbers that its file system goes by.
        shown_as: Vec<Number>,
        places: Places,
        /// The kernel's lease tells of everybody who has it open. `Err`: why it does not.
        leased: Result<(), String>,
    },
    Directory {
        path: PathBuf,
        id: (u64, u64),
        shown_as: Vec<Number>,
        places: Places,
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
    pub(super) fn of(path: &Path, held: &Held, machine: &Machine) -> Result<Self, Finding> {
        if let Some(number) = number_of(&held.stat) {
            let device = machine.devices().get(number).ok_or_else(|| {
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
        let mount = mounts::of(machine.mounts(), held.fd(), &path).ok_or_else(unknown)?;
        let places = machine.places(held.fd());
        if places.at().is_empty() {
            return Err(unknown());
        }
        let shown_as = vec![Number::of(id.0), mount.device];
        if held.kind() == FileType::RegularFile {
            let leased = leased(mount, machine);
            return Ok(Self::File { path, id, shown_as, places, leased });
        }
        Ok(Self::Directory { path, id, shown_as, places, mount: mount.id })
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

    /// Is what is there the file, or in the directory, that is asked about?
    pub(super) fn contains(&self, there: &Places) -> Answer {
        match self {
            Self::Directory { places, .. } => there.is_inside(places),
            Self::File { places, .. } => there.same(places),
            Self::Device { .. } => Answer::No,
        }
    }

    /// The numbers of the file system on which alone it can be found, unless layers are about.
    pub(super) fn file_system(&self) -> Option<&[Number]> {
        match self {
            Self::File { shown_as, .. } | Self::Directory { shown_as, .. } => Some(shown_as),
            Self::Device { .. } => None,
        }
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

/// May the kernel's lease count? It is one file's on one file system of this machine: through layers, or from another
/// machine, the file may be open without it.
fn leased(mount: &Mount, machine: &Machine) -> Result<(), String> {
    let local =
        mount.kind != "fuseblk" && matches!(persistent::class(&mount.kind), Class::Local | Class::Memory);
    if !local || matches!(mount.kind.as_str(), "gfs2" | "ocfs2" | "devtmpfs" | "hugetlbfs") {
        return Err(format!("the kernel's lease tells nothing on {}", mount.kind));
    }
    let again = |it: &&Mount| it.device != mount.device && machine.store(it) == machine.store(mount);
    match machine.mounts().iter().find(again) {
        Some(other) => Err(format!("its disk is mounted once more, at {}", shown(&other.point))),
        None => Ok(()),
    }
}
