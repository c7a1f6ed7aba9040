//! `persistent`: is it on storage that outlives the machine's restart or move? SHELL. Never writes.
//!
//! Here the facts are gathered: the mount, the disks under it, and, behind loop devices, the mounts of their files.

mod judge;

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use crate::runbook::OfPath;

use super::devices::{Device, Number, number_of};
use super::identity::Machine;
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
    match World::new().and_then(|world| world.look(&of.path, progress)) {
        Ok(finding) | Err(finding) => finding,
    }
}

/// What is asked of the machine once.
struct World {
    machine: Machine,
}

impl World {
    fn new() -> Result<Self, Finding> {
        let file = Path::new("/proc/self/mountinfo");
        let machine = Machine::look().map_err(|error| place::cannot("read", file, error))?;
        Ok(Self { machine })
    }

    fn look(&self, text: &str, progress: &Progress) -> Result<Finding, Finding> {
        let path = place::path("path", text)?;
        progress.at(&path);
        let held = place::hold(&path).map_err(|error| place::not_held(&path, error))?;
        progress.entries(1);
        let first = match held.kind() {
            FileType::RegularFile | FileType::Directory => self.place(&path, &held)?,
            FileType::BlockDevice => {
                let numbers = number_of(&held.stat).into_iter().collect();
                let keeper = Keeper::Disks(self.disks(numbers)?);
                Place { on: None, keeper, warning: None, unseen: None }
            }
            kind => {
                let kind = place::in_words(kind);
                let path = shown(&path);
                return Err(Finding::error(format!("{path} is {kind}: nothing is stored in it")));
            }
        };
        let places = self.follow(&path, first, progress)?;
        let said: Vec<String> = places.iter().map(Place::in_words).collect();
        let finding = judge::judge(&shown(&path), &places);
        let finding = judge::with_parts(&shown(&path), finding, self.parts(&path, held.kind(), progress));
        let how = "/proc/self/mountinfo, /sys/dev/block, /dev/disk and the names at the mount's root";
        Ok(finding.with("kept", said).with("how", how))
    }

    /// The answers for what is mounted below a directory, which is a part of it.
    fn parts(&self, path: &Path, kind: FileType, progress: &Progress) -> Vec<Finding> {
        let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let is_below = |mount: &&Mount| {
            let point = &mount.point;
            kind == FileType::Directory
                && *point != real
                && point.starts_with(&real)
                // What every machine has there is nobody's data; neither is what mounts others when somebody goes there.
                && !["/proc", "/sys", "/dev", "/run"].iter().any(|own| point.starts_with(own))
                && mount.kind != "autofs"
                && judge::class(&mount.kind) != judge::Class::Kernel
        };
        let below = self.machine.mounts().iter().filter(is_below);
        let judged = below.map(|mount| {
            let places = self.on(mount).and_then(|place| self.follow(&mount.point, place, progress));
            places.map_or_else(|finding| finding, |places| judge::judge(&shown(&mount.point), &places))
        });
        judged.collect()
    }

    /// Where a place is kept itself, and so on: the nearest first.
    fn follow(&self, path: &Path, first: Place, progress: &Progress) -> Result<Vec<Place>, Finding> {
        let mut places = vec![first];
        let mut next = 0;
        while let Some(place) = places.get(next) {
            progress.step();
            next += 1;
            let files: Vec<PathBuf> = place.files().map(Path::to_path_buf).collect();
            for file in files {
                if places.len() >= DEEPEST {
                    let path = shown(path);
                    return Err(Finding::error(format!("{path} is behind too many loop devices to follow")));
                }
                let held =
                    place::hold(&file).map_err(|e| place::cannot("look at the file behind it,", &file, e))?;
                places.push(self.place(&file, &held)?);
            }
        }
        Ok(places)
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
        self.on(&mount)
    }

    /// What keeps what is on this mount.
    fn on(&self, mount: &Mount) -> Result<Place, Finding> {
        let keeper = match judge::class(&mount.kind) {
            judge::Class::Local => Keeper::Disks(self.disks(self.numbers(mount))?),
            _ => Keeper::Itself,
        };
        let (warning, unseen) = match keeper {
            Keeper::Disks(_) => (self.warning(mount)?, self.unseen(mount)),
            Keeper::Itself => (None, None),
        };
        Ok(Place { on: Some(mount.clone()), keeper, warning, unseen })
    }

    /// Why a cloud's note on the disk cannot be looked for: it lies at the root of its file system, and only a part of
    /// that is in sight.
    fn unseen(&self, mount: &Mount) -> Option<String> {
        let is_root = |it: &Mount| {
            // Of btrfs a subvolume is mounted as often as the whole; the number of its root is always the same.
            let subvolume =
                || it.kind == "btrfs" && place::hold(&it.point).is_ok_and(|it| it.stat.st_ino == 256);
            it.root == Path::new("/") || subvolume()
        };
        let mut alike = self.machine.mounts().iter().filter(|it| it.device == mount.device);
        let seen = is_root(mount) || alike.any(is_root);
        (!seen).then(|| {
            format!("only {} of its file system is in sight, not whether a note at its root says that the disk is emptied", shown(&mount.root))
        })
    }

    /// The block devices a local file system is on.
    fn numbers(&self, mount: &Mount) -> Vec<Number> {
        if mount.kind == "btrfs"
            && let Some(source) = device_of(&mount.source)
        {
            let all = self.machine.devices().of_btrfs(source);
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
            let below = self.machine.devices().down(number);
            if below.is_empty() {
                return Err(Finding::error(format!(
                    "cannot tell what block device {number} is: /sys shows none with that number"
                )));
            }
            for device in below {
                if !disks.iter().any(|known| known.name == device.name) {
                    disks.push(self.disk(&device));
                }
            }
        }
        Ok(disks)
    }

    /// A block device with the names that people and clouds gave it.
    fn disk(&self, device: &Device) -> Disk {
        let mut links = Vec::new();
        for dir in
            ["/dev/disk/by-id", "/dev/disk/by-label", "/dev/disk/azure", "/dev/disk/azure/local/by-index"]
        {
            let Ok(entries) = std::fs::read_dir(dir) else { continue };
            for entry in entries.flatten() {
                let path = entry.path();
                if device_of(&path) == Some(device.number) {
                    links.push(shown(&path));
                }
            }
        }
        links.sort();
        let deleted = device.backing_file_is_deleted();
        let (file, lost) = match self.machine.behind(device) {
            Some(Ok((file, _))) => (Some(file), None),
            Some(Err(why)) => (device.backing_file(), Some(why).filter(|_| !deleted)),
            None => (None, None),
        };
        Disk {
            name: device.name.clone(),
            model: device.model(),
            links,
            file,
            lost,
            file_deleted: deleted,
            made_of_others: device.is_partition() || !device.members().is_empty(),
        }
    }

    /// A cloud's note that the disk is emptied, where its file system's root is in sight.
    fn warning(&self, mount: &Mount) -> Result<Option<PathBuf>, Finding> {
        if let Some(found) = warning_in(&mount.point).map_err(|e| place::cannot("list", &mount.point, e))? {
            return Ok(Some(found));
        }
        let mut others =
            self.machine.mounts().iter().filter(|it| {
                it.device == mount.device && it.point != mount.point && it.root == Path::new("/")
            });
        Ok(others.find_map(|other| warning_in(&other.point).ok().flatten()))
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
