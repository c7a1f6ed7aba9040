//! `persistent`: is it on storage that outlives the machine's restart or move? SHELL. Never writes.
//!
//! Here the facts are gathered: the mount, the disks under it, and, behind loop devices, the mounts of their files.

mod judge;

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use crate::runbook::OfPath;

use super::devices::{Device, Devices, Number, number_of};
use super::look::{Finding, shown};
use super::mounts::{self, Mount};
use super::place::{self, Held};
use super::progress::Progress;
pub(super) use judge::{Class, class};
use judge::{Disk, Keeper, Place};

/// More loop devices in loop devices than anybody has.
const DEEPEST: usize = 16;

/// The answer.
pub(super) fn find(of: &OfPath<String>, progress: &Progress) -> Finding {
    match World::new().and_then(|world| world.places(&of.path, progress)) {
        Ok((path, places)) => {
            let said: Vec<String> = places.iter().map(Place::in_words).collect();
            judge::judge(&shown(&path), &places).with("kept", said).with(
                "how",
                "/proc/self/mountinfo, /sys/dev/block, /dev/disk and the names at the mount's root",
            )
        }
        Err(finding) => finding,
    }
}

/// What is asked of the machine once.
struct World {
    devices: Devices,
    mounts: Vec<Mount>,
}

impl World {
    fn new() -> Result<Self, Finding> {
        let file = Path::new("/proc/self/mountinfo");
        let mounts = mounts::all().map_err(|error| place::cannot("read", file, error))?;
        Ok(Self { devices: Devices::default(), mounts })
    }

    /// Where the path is kept, and where each of these is kept itself, the nearest first.
    fn places(&self, text: &str, progress: &Progress) -> Result<(PathBuf, Vec<Place>), Finding> {
        let path = place::path("path", text)?;
        progress.at(&path);
        let held = place::hold(&path).map_err(|error| place::not_held(&path, error))?;
        progress.entries(1);
        let mut places = Vec::new();
        match held.kind() {
            FileType::RegularFile | FileType::Directory => places.push(self.place(&path, &held)?),
            FileType::BlockDevice => {
                let numbers = number_of(&held.stat).into_iter().collect();
                places.push(Place { on: None, keeper: Keeper::Disks(self.disks(numbers)?), warning: None });
            }
            kind => {
                let kind = place::in_words(kind);
                let path = shown(&path);
                return Err(Finding::error(format!("{path} is {kind}: nothing is stored in it")));
            }
        }
        let mut next = 0;
        while let Some(place) = places.get(next) {
            progress.step();
            next += 1;
            let files: Vec<PathBuf> = place.files().map(Path::to_path_buf).collect();
            for file in files {
                if places.len() >= DEEPEST {
                    let path = shown(&path);
                    return Err(Finding::error(format!("{path} is behind too many loop devices to follow")));
                }
                let held =
                    place::hold(&file).map_err(|e| place::cannot("look at the file behind it,", &file, e))?;
                places.push(self.place(&file, &held)?);
            }
        }
        Ok((path, places))
    }

    /// Where a file or directory is kept.
    fn place(&self, path: &Path, held: &Held) -> Result<Place, Finding> {
        let now = mounts::all().map_err(|e| place::cannot("read", Path::new("/proc/self/mountinfo"), e))?;
        let unknown =
            || Finding::error(format!("cannot tell what {} is on: no mount of it is in sight", shown(path)));
        let mut mount = mounts::of(&now, held.fd(), path).ok_or_else(unknown)?.clone();
        if mount.kind == "autofs" {
            // Going in is what makes it be mounted.
            let inside = path.join(".");
            let held = place::hold(&inside).map_err(|error| place::not_held(path, error))?;
            let now = mounts::all().unwrap_or_default();
            mount = mounts::of(&now, held.fd(), &inside).ok_or_else(unknown)?.clone();
        }
        let keeper = match judge::class(&mount.kind) {
            judge::Class::Local => Keeper::Disks(self.disks(self.numbers(&mount))?),
            _ => Keeper::Itself,
        };
        let warning = match keeper {
            Keeper::Disks(_) => self.warning(&mount)?,
            Keeper::Itself => None,
        };
        Ok(Place { on: Some(mount), keeper, warning })
    }

    /// The block devices a local file system is on.
    fn numbers(&self, mount: &Mount) -> Vec<Number> {
        if mount.kind == "btrfs"
            && let Some(source) = device_of(&mount.source)
        {
            let all = self.devices.of_btrfs(source);
            return if all.is_empty() { vec![source] } else { all };
        }
        if mount.device.major != 0 {
            return vec![mount.device];
        }
        device_of(&mount.source).into_iter().collect()
    }

    /// The disks and what they are made of.
    fn disks(&self, numbers: Vec<Number>) -> Result<Vec<Disk>, Finding> {
        let mut disks: Vec<Disk> = Vec::new();
        for number in numbers {
            let below = self.devices.down(number);
            if below.is_empty() {
                return Err(Finding::error(format!(
                    "cannot tell what block device {number} is: /sys shows none with that number"
                )));
            }
            for device in below {
                if !disks.iter().any(|known| known.name == device.name) {
                    disks.push(disk(&device));
                }
            }
        }
        Ok(disks)
    }

    /// A cloud's note that the disk is emptied, where its file system's root is in sight.
    fn warning(&self, mount: &Mount) -> Result<Option<PathBuf>, Finding> {
        if let Some(found) = warning_in(&mount.point).map_err(|e| place::cannot("list", &mount.point, e))? {
            return Ok(Some(found));
        }
        let mut others = self
            .mounts
            .iter()
            .filter(|it| it.device == mount.device && it.point != mount.point && it.root == Path::new("/"));
        Ok(others.find_map(|other| warning_in(&other.point).ok().flatten()))
    }
}

/// A block device with the names that people and clouds gave it.
fn disk(device: &Device) -> Disk {
    let mut links = Vec::new();
    for dir in ["/dev/disk/by-id", "/dev/disk/by-label", "/dev/disk/azure", "/dev/disk/azure/local/by-index"]
    {
        let Ok(entries) = std::fs::read_dir(dir) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if device_of(&path) == Some(device.number) {
                links.push(String::from_utf8_lossy(path.as_os_str().as_bytes()).into_owned());
            }
        }
    }
    links.sort();
    Disk {
        name: device.name.clone(),
        model: device.model(),
        links,
        file: device.backing_file(),
        file_deleted: device.backing_file_is_deleted(),
        made_of_others: device.is_partition() || !device.members().is_empty(),
    }
}

fn device_of(path: &Path) -> Option<Number> {
    if !path.is_absolute() {
        return None;
    }
    number_of(&place::hold(path).ok()?.stat)
}

/// The warning among the names in a directory. What is mounted may be a file: then there is none.
fn warning_in(dir: &Path) -> std::io::Result<Option<PathBuf>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => return Ok(None),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if judge::is_warning(entry.file_name().as_bytes()) {
            return Ok(Some(entry.path()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Verdict;

    fn ask(path: &str) -> Finding {
        find(&OfPath { path: path.to_owned() }, &Progress::default())
    }

    #[test]
    fn of_real_places() {
        let found = ask("/proc/self/status");
        assert_eq!(found.verdict, Verdict::Fails);
        assert!(found.detail.starts_with("/proc/self/status is made by the kernel"), "{}", found.detail);
        assert_eq!(ask("/no/such").detail, "there is no /no/such");
        assert_eq!(ask("").verdict, Verdict::Error);
        assert_eq!(ask("/dev/null").detail, "/dev/null is a character device: nothing is stored in it");
        let shm = ask("/dev/shm");
        assert_eq!(shm.verdict, Verdict::Fails, "{}", shm.detail);
        assert!(shm.detail.starts_with("/dev/shm is in memory (tmpfs at /dev/shm)"), "{}", shm.detail);
    }

    #[test]
    fn a_warning_is_a_name_at_the_root() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(warning_in(dir.path()).unwrap(), None);
        std::fs::write(dir.path().join("DataLoss_Warning_Readme.txt"), "").unwrap();
        assert!(warning_in(dir.path()).unwrap().is_some());
        assert_eq!(warning_in(&dir.path().join("DataLoss_Warning_Readme.txt")).unwrap(), None);
        assert!(warning_in(Path::new("/no/such")).is_err());
    }
}
