//! The facts: mounts, the layers of overlays, loop devices and the files behind them. SHELL. Never writes.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::FileType;

use super::{Place, Places, Store};
use crate::probe::devices::{Device, Devices, Number, number_of};
use crate::probe::look::shown;
use crate::probe::mounts::{self, Mount};
use crate::probe::place::{self, Held};

/// More layers and disks in one another than anybody has.
const DEEPEST: usize = 8;

/// The machine as it was when this was made.
#[derive(Debug)]
pub(in crate::probe) struct Machine {
    mounts: Vec<Mount>,
    devices: Devices,
    /// Device and inode number of the file behind each loop device, as the kernel has it.
    loops: OnceCell<BTreeMap<String, (Number, u64)>>,
    /// Where the layers of each overlay are.
    overlays: RefCell<BTreeMap<Number, Result<Vec<Places>, String>>>,
}

impl Machine {
    /// Reads what is mounted.
    pub(in crate::probe) fn look() -> std::io::Result<Self> {
        Ok(Self::made(mounts::all()?, Devices::default()))
    }

    /// With these mounts and devices.
    pub(in crate::probe) fn made(mounts: Vec<Mount>, devices: Devices) -> Self {
        Self { mounts, devices, loops: OnceCell::new(), overlays: RefCell::default() }
    }

    pub(in crate::probe) fn mounts(&self) -> &[Mount] {
        &self.mounts
    }

    pub(in crate::probe) fn devices(&self) -> &Devices {
        &self.devices
    }

    /// Where an open file or directory is; a descriptor that may not be read (`O_PATH`) is enough.
    pub(in crate::probe) fn places(&self, fd: impl AsFd) -> Places {
        self.places_of(fd, DEEPEST)
    }

    fn places_of(&self, fd: impl AsFd, deep: usize) -> Places {
        let fd = fd.as_fd();
        let mut places = Places::default();
        let Ok(stat) = rustix::fs::fstat(fd) else {
            places.more = Some("it can no longer be looked at".to_owned());
            return places;
        };
        places.ids.push((stat.st_dev, stat.st_ino));
        let unknown = || Some("no mount of it is in sight".to_owned());
        let name = std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).unwrap_or_default();
        let Some(mount) = mounts::of(&self.mounts, fd, &name) else {
            places.more = unknown();
            places.kept_elsewhere = unknown();
            return places;
        };
        match name.strip_prefix(&mount.point) {
            Ok(rest) if stat.st_nlink > 0 => places.add(self.on(mount, rest, deep)),
            // Its name is gone, or it is reached by a mount that hangs nowhere.
            _ => {
                places.more = unknown();
                places.kept_elsewhere = unknown();
            }
        }
        if place::kind(&stat) == FileType::Directory {
            let below = self.mounts.iter().filter(|it| it.point != name && it.point.starts_with(&name));
            for below in below {
                if let Some(deep) = deep.checked_sub(1) {
                    places.mounted_below.extend(self.on(below, Path::new(""), deep).at);
                }
            }
        }
        places
    }

    /// Where a path below a mount's point is, of this process's mounts or another's.
    pub(in crate::probe) fn on_mount(&self, mount: &Mount, rest: &Path) -> Places {
        self.on(mount, rest, DEEPEST)
    }

    fn on(&self, mount: &Mount, rest: &Path, deep: usize) -> Places {
        let mut places = Places::default();
        let store = self.store(mount).unwrap_or_else(|why| {
            places.more = Some(why);
            Store::Number(mount.device)
        });
        let at = Place { store, path: mount.root.clone() }.below(rest);
        let path = at.path.clone();
        places.at.push(at);
        let Some(deep) = deep.checked_sub(1) else {
            let why = Some("there are too many layers in one another".to_owned());
            return Places { more: why.clone(), kept_elsewhere: why, ..places };
        };
        let kind = mount.kind.as_str();
        if kind == "overlay" {
            match self.layers(mount, &path, deep) {
                Ok(layers) => layers.into_iter().for_each(|layer| places.add(layer)),
                Err(why) => {
                    places.more = Some(why.clone());
                    places.kept_elsewhere = Some(why);
                }
            }
        } else if shows_others(kind) {
            let why = format!(
                "what {kind} at {} shows is somewhere else, and where cannot be seen",
                shown(&mount.point)
            );
            places.more = Some(why.clone());
            places.kept_elsewhere = Some(why);
        }
        self.keep(mount, deep, &mut places);
        places
    }

    /// The places a path of an overlay has in its layers. What is mounted in a layer does not show through.
    fn layers(&self, mount: &Mount, path: &Path, deep: usize) -> Result<Vec<Places>, String> {
        let known = self.overlays.borrow().get(&mount.device).cloned();
        let roots = known.unwrap_or_else(|| {
            let found = self.roots(mount, deep);
            self.overlays.borrow_mut().insert(mount.device, found.clone());
            found
        })?;
        let rest = path.strip_prefix("/").unwrap_or(path);
        let below = |root: Places| Places {
            at: root.at.iter().map(|at| at.below(rest)).collect(),
            ids: Vec::new(),
            mounted_below: Vec::new(),
            ..root
        };
        Ok(roots.into_iter().map(below).collect())
    }

    /// The directories an overlay is made of.
    fn roots(&self, mount: &Mount, deep: usize) -> Result<Vec<Places>, String> {
        let mut found = Vec::new();
        for layer in layers_of(&mount.options) {
            // Of a path that does not count from the root nobody knows where it counted from.
            let held =
                Some(&layer).filter(|layer| layer.is_absolute()).and_then(|layer| place::hold(layer).ok());
            let held = held.filter(|held| held.kind() == FileType::Directory).ok_or_else(|| {
                format!(
                    "{} is a layer of what is mounted at {}, and cannot be found",
                    shown(&layer),
                    shown(&mount.point)
                )
            })?;
            found.push(self.places_of(held.fd(), deep));
        }
        if found.is_empty() {
            return Err(format!("what is mounted at {} does not tell its layers", shown(&mount.point)));
        }
        Ok(found)
    }

    /// What a mount is of, the same by whatever loop device it is mounted. `Err`: which file it is in cannot be found.
    pub(in crate::probe) fn store(&self, mount: &Mount) -> Result<Store, String> {
        self.store_of(mount.device)
    }

    /// The same of a device's number.
    pub(in crate::probe) fn store_of(&self, number: Number) -> Result<Store, String> {
        let plain = Store::Number(number);
        let Some(device) = self.devices.get(number) else { return Ok(plain) };
        let start = if device.is_partition() { device.start() } else { Some(0) };
        let looped = device.disk().unwrap_or(device);
        if looped.backing_file().is_none() {
            return Ok(plain);
        }
        let file = match self.id_behind(&looped) {
            Some(id) => id,
            None => match self.behind(&looped) {
                Some(Ok((_, held))) => (held.stat.st_dev, held.stat.st_ino),
                Some(Err(why)) => return Err(why),
                None => return Ok(plain),
            },
        };
        let from = start.zip(looped.loop_offset()).map(|(start, offset)| start + offset);
        Ok(from.map_or(plain, |from| Store::Piece { file, from }))
    }

    /// Device and inode number of the file behind a loop device, as the kernel has it; none where it cannot be asked.
    pub(in crate::probe) fn id_behind(&self, device: &Device) -> Option<(u64, u64)> {
        let (number, inode) = self.loops().get(&device.name)?;
        Some((rustix::fs::makedev(number.major, number.minor), *inode))
    }

    fn loops(&self) -> &BTreeMap<String, (Number, u64)> {
        self.loops.get_or_init(ask_loops)
    }

    /// The files behind the loop devices that a mount is kept on.
    fn keep(&self, mount: &Mount, deep: usize, places: &mut Places) {
        let number = if mount.device.major == 0 && mount.source.is_absolute() {
            place::hold(&mount.source).ok().and_then(|held| number_of(&held.stat)).unwrap_or(mount.device)
        } else {
            mount.device
        };
        for device in self.devices.down(number) {
            match self.behind(&device) {
                Some(Ok((_, held))) => {
                    let file = self.places_of(held.fd(), deep);
                    places.kept_in.extend(file.at.into_iter().chain(file.kept_in));
                    places.kept_in_ids.extend(file.ids.into_iter().chain(file.kept_in_ids));
                    places.kept_elsewhere =
                        places.kept_elsewhere.take().or(file.more).or(file.kept_elsewhere);
                }
                Some(Err(why)) => places.kept_elsewhere = places.kept_elsewhere.take().or(Some(why)),
                None => {}
            }
        }
    }

    /// The file behind a loop device, held; none of a device that is no loop device in use. `Err`: it cannot be found.
    ///
    /// The kernel's name of it may by now mean another file: after a lazy unmount it counts from a root that is nowhere.
    pub(in crate::probe) fn behind(&self, device: &Device) -> Option<Result<(PathBuf, Held), String>> {
        let file = device.backing_file()?;
        let lost =
            |why: &str| Err(format!("the file behind {} was {}, and {why}", device.name, shown(&file)));
        if device.backing_file_is_deleted() {
            return Some(lost("it was deleted"));
        }
        let Ok(held) = place::hold(&file) else { return Some(lost("it is not there")) };
        let own = self.loops().get(&device.name);
        let is_it = match own {
            Some((number, inode)) => (Number::of(held.stat.st_dev), held.stat.st_ino) == (*number, *inode),
            // Nobody to ask: what is too small for the device, or no file at all, is another.
            None => could_be_behind(&held, device),
        };
        Some(if is_it { Ok((file, held)) } else { lost("what is there now is another file") })
    }
}

fn could_be_behind(held: &Held, device: &Device) -> bool {
    if number_of(&held.stat).is_some() {
        return true;
    }
    let needs = device.bytes().zip(device.loop_offset()).map(|(bytes, offset)| bytes + offset);
    held.kind() == FileType::RegularFile
        && needs.is_none_or(|needs| u64::try_from(held.stat.st_size).is_ok_and(|size| size >= needs))
}

/// File systems that show what is somewhere else on this machine, and do not say where.
fn shows_others(kind: &str) -> bool {
    matches!(
        kind,
        "aufs"
            | "overlayfs"
            | "unionfs"
            | "ecryptfs"
            | "fuse.fuse-overlayfs"
            | "fuse.unionfs"
            | "fuse.unionfs-fuse"
            | "fuse.mergerfs"
            | "fuse.bindfs"
            | "fuse.mhddfs"
            | "fuse.passthrough"
            | "fuse.encfs"
            | "shiftfs"
    )
}

/// The directories an overlay is made of, as its options name them.
fn layers_of(options: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    // A comma in a name is written as an escape.
    for option in options.split(',') {
        let Some((name, value)) = option.split_once('=') else { continue };
        let value = mounts::unescaped(value.as_bytes());
        match name {
            "lowerdir" => found.extend(split_at_colons(&value)),
            "upperdir" | "lowerdir+" | "datadir+" => found.push(value),
            _ => {}
        }
    }
    let path = |bytes: Vec<u8>| PathBuf::from(OsStr::from_bytes(&bytes));
    found.into_iter().filter(|bytes| !bytes.is_empty()).map(path).collect()
}

/// `a:b`, in which `\:` is a colon of a name. After `::` stand layers for data alone.
fn split_at_colons(value: &[u8]) -> Vec<Vec<u8>> {
    let mut found = vec![Vec::new()];
    let mut bytes = value.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => found.last_mut().into_iter().for_each(|last| last.extend(bytes.next())),
            b':' => found.push(Vec::new()),
            _ => found.last_mut().into_iter().for_each(|last| last.push(byte)),
        }
    }
    found
}

/// The kernel's own word on what is behind each loop device. No safe call for it is to be had from here.
fn ask_loops() -> BTreeMap<String, (Number, u64)> {
    for program in ["losetup", "/usr/sbin/losetup", "/sbin/losetup"] {
        let asked = Command::new(program)
            .args(["--list", "--noheadings", "--raw", "--output", "NAME,BACK-INO,BACK-MAJ:MIN"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        if let Ok(output) = asked {
            return read_loops(&String::from_utf8_lossy(&output.stdout));
        }
    }
    BTreeMap::new()
}

fn read_loops(text: &str) -> BTreeMap<String, (Number, u64)> {
    let read = |line: &str| {
        let mut fields = line.split(' ').filter(|field| !field.is_empty());
        let name = fields.next()?.strip_prefix("/dev/")?.to_owned();
        let inode = fields.next()?.parse().ok()?;
        // It pads the number, and writes the blanks as `\x20`.
        let number = Number::read(&fields.next()?.replace("\\x20", ""))?;
        Some((name, (number, inode)))
    };
    text.lines().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Answer;
    use super::*;

    #[test]
    fn layers_are_read() {
        let of = |options: &str| layers_of(options);
        let path = |text: &str| PathBuf::from(text);
        assert_eq!(
            of("rw,lowerdir=/l\\040o\\134:x:/b::/data,upperdir=/u,workdir=/w,uuid=on"),
            [path("/l o:x"), path("/b"), path("/data"), path("/u")]
        );
        assert_eq!(of("ro,lowerdir+=/a,lowerdir+=/b"), [path("/a"), path("/b")]);
        assert!(of("rw").is_empty());
    }

    #[test]
    fn loops_are_read() {
        let loops =
            read_loops("/dev/loop0 12451889 \\x20\\x20254:0\\x20\\x20\n/dev/loop1 7 8:1\n/dev/loop2  \n");
        assert_eq!(loops["loop0"], (Number { major: 254, minor: 0 }, 12_451_889));
        assert_eq!(loops["loop1"], (Number { major: 8, minor: 1 }, 7));
        assert_eq!(loops.len(), 2);
    }

    #[test]
    fn one_place_by_two_mounts() {
        let table = b"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:1 /srv/site /data rw - ext4 /dev/sda1 rw\n";
        let mounts = mounts::read(table);
        let made = crate::probe::devices::tests::Made::new();
        let machine = Machine::made(mounts.clone(), made.devices());
        let at = |mount: &Mount, rest: &str| machine.on_mount(mount, Path::new(rest)).at;
        assert_eq!(at(&mounts[0], "srv/site/a"), at(&mounts[1], "a"));
        assert_eq!(at(&mounts[1], "")[0].path, Path::new("/srv/site"));
    }

    #[test]
    fn a_real_directory_is_itself_and_holds_its_files() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        let machine = Machine::look().unwrap();
        let of = |name: &str| machine.places(place::hold(&dir.path().join(name)).unwrap().fd());
        assert_eq!(of("a").same(&of("a")), Answer::Yes);
        assert_eq!(of("a/b").is_inside(&of("a")), Answer::Yes);
        assert_eq!(of("a").is_inside(&of("a/b")), Answer::No);
    }
}
