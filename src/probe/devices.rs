//! Block devices and what each is made of, as `/sys` tells it. SHELL: reads small files there and nothing else.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Stat};

/// A device's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number {
    /// The driver.
    pub(super) major: u32,
    /// Which of its devices.
    pub(super) minor: u32,
}

impl Number {
    /// From `st_dev` or `st_rdev`.
    pub(super) fn of(dev: u64) -> Self {
        Self { major: rustix::fs::major(dev), minor: rustix::fs::minor(dev) }
    }

    /// Reads `8:17`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (major, minor) = text.trim().split_once(':')?;
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.major, self.minor)
    }
}

/// The kernel's view of its devices.
#[derive(Clone, Debug)]
pub(super) struct Devices {
    sys: PathBuf,
}

impl Default for Devices {
    fn default() -> Self {
        Self { sys: PathBuf::from("/sys") }
    }
}

/// One block device.
#[derive(Clone, Debug)]
pub(super) struct Device {
    /// Its number.
    pub(super) number: Number,
    /// The kernel's name of it, such as `sda1`.
    pub(super) name: String,
    /// Its directory below `/sys/devices`.
    dir: PathBuf,
}

impl Devices {
    /// The device with this number.
    pub(super) fn get(&self, number: Number) -> Option<Device> {
        let dir = std::fs::canonicalize(self.sys.join(format!("dev/block/{number}"))).ok()?;
        Device::at(dir)
    }

    /// Every block device, partitions included.
    pub(super) fn all(&self) -> std::io::Result<Vec<Device>> {
        let mut all: Vec<Device> = std::fs::read_dir(self.sys.join("dev/block"))?
            .filter_map(|entry| Device::at(std::fs::canonicalize(entry.ok()?.path()).ok()?))
            .collect();
        all.sort_by_key(|device| device.number);
        Ok(all)
    }

    /// All the devices of the btrfs file system that this one is of.
    pub(super) fn of_btrfs(&self, one: Number) -> Vec<Number> {
        let Ok(systems) = std::fs::read_dir(self.sys.join("fs/btrfs")) else { return Vec::new() };
        for system in systems.flatten() {
            let Ok(members) = std::fs::read_dir(system.path().join("devices")) else { continue };
            let numbers: Vec<Number> = members
                .filter_map(|entry| Device::at(std::fs::canonicalize(entry.ok()?.path()).ok()?))
                .map(|device| device.number)
                .collect();
            if numbers.contains(&one) {
                return numbers;
            }
        }
        Vec::new()
    }

    /// A device and whatever it is made of: its disk, its members, and so on down.
    pub(super) fn down(&self, number: Number) -> Vec<Device> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        let mut next: Vec<Device> = self.get(number).into_iter().collect();
        while let Some(device) = next.pop() {
            if seen.insert(device.number) {
                next.extend(device.disk());
                next.extend(device.members());
                found.push(device);
            }
        }
        found
    }
}

impl Device {
    fn at(dir: PathBuf) -> Option<Self> {
        let number = Number::read(&std::fs::read_to_string(dir.join("dev")).ok()?)?;
        let name = dir.file_name()?.to_string_lossy().into_owned();
        Some(Self { number, name, dir })
    }

    /// Is it a part of a disk?
    pub(super) fn is_partition(&self) -> bool {
        self.dir.join("partition").exists()
    }

    /// The disk it is a partition of.
    pub(super) fn disk(&self) -> Option<Self> {
        self.is_partition().then(|| Self::at(self.dir.parent()?.to_owned())).flatten()
    }

    /// Its partitions.
    pub(super) fn partitions(&self) -> Vec<Self> {
        self.in_dir(&self.dir.clone()).into_iter().filter(Self::is_partition).collect()
    }

    /// What it is built on, of device-mapper and md.
    pub(super) fn members(&self) -> Vec<Self> {
        self.in_dir(&self.dir.join("slaves"))
    }

    /// What is built on it, by device-mapper and md.
    pub(super) fn holders(&self) -> Vec<Self> {
        self.in_dir(&self.dir.join("holders"))
    }

    fn in_dir(&self, dir: &Path) -> Vec<Self> {
        let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
        let real = |entry: std::io::Result<std::fs::DirEntry>| std::fs::canonicalize(entry.ok()?.path()).ok();
        let mut found: Vec<Self> = entries.filter_map(|entry| Self::at(real(entry)?)).collect();
        // Its own directory leads back to itself by way of `subsystem` and the like.
        found.retain(|device| device.number != self.number);
        found.sort_by_key(|device| device.number);
        found
    }

    /// The file behind it, of a loop device in use.
    pub(super) fn backing_file(&self) -> Option<PathBuf> {
        let text = self.text("loop/backing_file")?;
        Some(PathBuf::from(text.strip_suffix(" (deleted)").unwrap_or(&text)))
    }

    /// Has that file no name any more?
    pub(super) fn backing_file_is_deleted(&self) -> bool {
        self.text("loop/backing_file").is_some_and(|text| text.ends_with(" (deleted)"))
    }

    /// From where on in its file a loop device shows it, in bytes.
    pub(super) fn loop_offset(&self) -> Option<u64> {
        self.text("loop/offset")?.trim().parse().ok()
    }

    /// Where on its disk a partition begins, in bytes: `/sys` counts by 512, whatever the disk does.
    pub(super) fn start(&self) -> Option<u64> {
        self.text("start")?.trim().parse::<u64>().ok()?.checked_mul(512)
    }

    /// How large it is.
    pub(super) fn bytes(&self) -> Option<u64> {
        self.text("size")?.trim().parse::<u64>().ok()?.checked_mul(512)
    }

    /// The disk's own identity, the same by whatever way it is reached; empty where it does not tell.
    pub(super) fn identity(&self) -> Option<String> {
        let disk = self.disk();
        let disk = disk.as_ref().unwrap_or(self);
        let id = disk.text("wwid").or_else(|| disk.text("device/wwid"))?;
        // Where a partition begins tells which of the disk's it is.
        let start = if self.is_partition() { self.text("start")? } else { String::new() };
        Some(format!("{id} {start}").trim_end().to_owned())
    }

    /// The maker's name of the disk.
    pub(super) fn model(&self) -> Option<String> {
        let disk = self.disk();
        let disk = disk.as_ref().unwrap_or(self);
        disk.text("device/model")
    }

    /// The name device-mapper has for it.
    pub(super) fn mapped_name(&self) -> Option<String> {
        self.text("dm/name")
    }

    fn text(&self, file: &str) -> Option<String> {
        let text = std::fs::read(self.dir.join(file)).ok()?;
        let text = String::from_utf8_lossy(&text);
        let text = text.strip_suffix('\n').unwrap_or(&text).trim_end_matches(['\0', ' ']);
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// The number of what is a block device.
pub(super) fn number_of(stat: &Stat) -> Option<Number> {
    (FileType::from_raw_mode(stat.st_mode) == FileType::BlockDevice).then(|| Number::of(stat.st_rdev))
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A `/sys` that a test makes up.
    pub(in crate::probe) struct Made {
        root: tempfile::TempDir,
    }

    impl Made {
        pub(in crate::probe) fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            fs::create_dir_all(root.path().join("dev/block")).unwrap();
            Self { root }
        }

        pub(in crate::probe) fn devices(&self) -> Devices {
            Devices { sys: self.root.path().to_owned() }
        }

        /// Adds a device: its place below the disks (`sda`, `sda/sda1`) and its number.
        pub(in crate::probe) fn device(&self, place: &str, number: &str) {
            let dir = self.root.path().join("devices").join(place);
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join("dev"), format!("{number}\n")).unwrap();
            if place.contains('/') {
                fs::write(dir.join("partition"), "1\n").unwrap();
            }
            symlink(&dir, self.root.path().join("dev/block").join(number)).unwrap();
        }

        pub(in crate::probe) fn file(&self, place: &str, file: &str, text: &str) {
            let path = self.root.path().join("devices").join(place).join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        /// Says that one device is built on another.
        pub(in crate::probe) fn built_on(&self, upper: &str, lower: &str) {
            let devices = self.root.path().join("devices");
            for (of, list, other) in [(upper, "slaves", lower), (lower, "holders", upper)] {
                let list = devices.join(of).join(list);
                fs::create_dir_all(&list).unwrap();
                symlink(devices.join(other), list.join(other.rsplit('/').next().unwrap())).unwrap();
            }
        }
    }

    pub(in crate::probe) fn number(text: &str) -> Number {
        Number::read(text).unwrap()
    }

    #[test]
    fn what_a_device_is_made_of() {
        let made = Made::new();
        made.device("sda", "8:0");
        made.device("sda/sda1", "8:1");
        made.device("sda/sda2", "8:2");
        made.device("sdb", "8:16");
        made.device("md0", "9:0");
        made.device("dm-0", "253:0");
        made.built_on("md0", "sda/sda1");
        made.built_on("md0", "sdb");
        made.built_on("dm-0", "md0");
        made.file("dm-0", "dm/name", "vg-root\n");
        let devices = made.devices();
        let names = |list: Vec<Device>| {
            let mut names: Vec<_> = list.into_iter().map(|device| device.name).collect();
            names.sort();
            names
        };
        assert_eq!(names(devices.down(number("253:0"))), ["dm-0", "md0", "sda", "sda1", "sdb"]);
        assert_eq!(names(devices.down(number("8:2"))), ["sda", "sda2"]);
        assert_eq!(names(devices.get(number("8:0")).unwrap().partitions()), ["sda1", "sda2"]);
        assert_eq!(names(devices.get(number("8:16")).unwrap().holders()), ["md0"]);
        assert_eq!(devices.get(number("253:0")).unwrap().mapped_name().unwrap(), "vg-root");
        assert_eq!(devices.all().unwrap().len(), 6);
        assert!(devices.get(number("8:99")).is_none());
    }
}
