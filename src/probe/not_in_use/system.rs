//! Uses that are no process's: mounts, swaps, loop devices, devices built on a device. SHELL. Never writes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::Found;
use super::target::Target;
use crate::probe::devices::{Device, number_of};
use crate::probe::identity::{Answer, Machine, Places};
use crate::probe::look::shown;
use crate::probe::mounts::{self, Mount};
use crate::probe::place::{self, Held};

/// Looks at all of them.
pub(super) fn look(target: &Target, machine: &Machine, found: &mut Found) {
    mounted(target, machine, machine.mounts(), "", found);
    swapped(target, machine, found);
    looped(target, machine, found);
    if let Target::Device { path, own, .. } = target {
        for device in own {
            for holder in device.holders() {
                let name = holder.mapped_name().map(|name| format!(" ({name})"));
                found.used(format!(
                    "{}{} is built on {}",
                    holder.name,
                    name.unwrap_or_default(),
                    named(target, device)
                ));
            }
        }
        claimed(target, path, own, found);
    }
}

fn named(target: &Target, device: &Device) -> String {
    match target {
        Target::Device { own, .. } if own.first().is_some_and(|own| own.number == device.number) => {
            "it".to_owned()
        }
        _ => device.name.clone(),
    }
}

/// Mounts that use it. `whose` says in whose view of the machine, when it is not ours.
pub(super) fn mounted(target: &Target, machine: &Machine, all: &[Mount], whose: &str, found: &mut Found) {
    for mount in all {
        let point = shown(&mount.point);
        let uses = match target {
            Target::File { path, .. } => {
                // A file may be a mount point, and may be mounted elsewhere.
                whose.is_empty() && mount.point == *path || is_file(target, mount)
            }
            Target::Directory { path, places, mount: own, .. } => {
                let beneath = whose.is_empty() && mount.point != *path && mount.point.starts_with(path);
                // Through the mount it is reached by everything of it is reached: that is not another use.
                let from = (!whose.is_empty() || mount.id != *own)
                    && mount.point != *path
                    // All of a file system, in another's view, is mounted there for itself.
                    && (whose.is_empty()
                        || mount.kind == "overlay"
                        || places.at().first().is_none_or(|at| at.path != Path::new("/")));
                let mut inside = || match target.contains(&machine.on_mount(mount, Path::new(""))) {
                    Answer::Yes => true,
                    Answer::No => false,
                    Answer::Unknown(why) => {
                        found.hindered(why);
                        false
                    }
                };
                beneath || from && inside()
            }
            Target::Device { .. } => {
                target.is_number(mount.device)
                    || mount.source.is_absolute() && is_device(target, &mount.source)
            }
        };
        if uses {
            let what = match target {
                Target::Directory { path, .. } if mount.point.starts_with(path) => {
                    format!("{} is mounted at {point}", shown(&mount.source))
                }
                Target::Directory { .. } if mount.kind == "overlay" => {
                    format!("it is a layer of what is mounted at {point}")
                }
                Target::Directory { path, places, .. } => match in_it(mount, path, places) {
                    Some(part) => format!("{} is mounted at {point} too", shown(&part)),
                    None => format!("a part of it is mounted at {point}"),
                },
                Target::Device { .. } => format!("{} is mounted at {point}", target.name_of(&mount.source)),
                Target::File { .. } => format!("it is mounted at {point}"),
            };
            found.used(format!("{what}{whose}"));
        }
    }
}

/// What of the directory a mount shows, by the directory's own name.
fn in_it(mount: &Mount, path: &Path, places: &Places) -> Option<PathBuf> {
    let rest = mount.root.strip_prefix(&places.at().first()?.path).ok()?;
    Some(if rest.as_os_str().is_empty() { path.to_path_buf() } else { path.join(rest) })
}

/// Is what is mounted there the file itself?
fn is_file(target: &Target, mount: &Mount) -> bool {
    let Target::File { path, shown_as, .. } = target else { return false };
    mount.root != Path::new("/")
        && shown_as.contains(&mount.device)
        && mount.root.file_name() == path.file_name()
        && place::hold(&mount.point).is_ok_and(|held| target.is(&held.stat))
}

fn is_device(target: &Target, path: &Path) -> bool {
    place::hold(path).is_ok_and(|held| number_of(&held.stat).is_some() && target.is(&held.stat))
}

/// Swap spaces.
fn swapped(target: &Target, machine: &Machine, found: &mut Found) {
    let file = Path::new("/proc/swaps");
    match std::fs::read(file) {
        Ok(text) => {
            for path in swaps(&text) {
                if is_or_contains(target, &path, machine) {
                    found.used(format!("the machine swaps on {}", target.name_of(&path)));
                }
            }
        }
        // A kernel without swap has no such file.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => found.hindered(place::cannot_words("read", file, error)),
    }
}

/// The paths of `/proc/swaps`.
fn swaps(text: &[u8]) -> Vec<PathBuf> {
    let lines = text.split(|b| *b == b'\n').skip(1);
    let paths = lines.filter_map(|line| {
        let field = line.split(|b| matches!(b, b' ' | b'\t')).next().filter(|field| !field.is_empty())?;
        Some(PathBuf::from(OsStr::from_bytes(&mounts::unescaped(field))))
    });
    paths.collect()
}

/// Loop devices in front of it.
fn looped(target: &Target, machine: &Machine, found: &mut Found) {
    let every = match machine.devices().all() {
        Ok(every) => every,
        Err(error) => {
            found.hindered(place::cannot_words("list", Path::new("/sys/dev/block"), error));
            return;
        }
    };
    for device in every {
        let Some(behind) = machine.behind(&device) else { continue };
        let used =
            |file: &Path| format!("loop device {} is in front of {}", device.name, target.name_of(file));
        match behind {
            Ok((file, held)) => {
                if is_in(target, &held, machine) {
                    found.used(used(&file));
                }
            }
            // Gone by name, but in use: its name still tells where it was, and the kernel which it is.
            Err(why) => {
                let file = device.backing_file().unwrap_or_default();
                match (target, machine.id_behind(&device)) {
                    (Target::File { id, .. } | Target::Directory { id, .. }, Some(own)) if own == *id => {
                        found.used(used(&file));
                    }
                    (Target::Directory { path, .. }, _) if file.starts_with(path) => found.used(used(&file)),
                    (Target::File { path, .. }, None) if file == *path => found.used(used(&file)),
                    // On another file system, or another file: not this one.
                    (Target::Directory { id, .. }, Some(own)) if own.0 != id.0 => {}
                    (Target::File { .. }, Some(_)) | (Target::Device { .. }, _) => {}
                    _ => found.hindered(why),
                }
            }
        }
    }
}

/// Is what this path names the thing, or in it?
pub(super) fn is_or_contains(target: &Target, path: &Path, machine: &Machine) -> bool {
    match place::hold(path) {
        Ok(held) => is_in(target, &held, machine),
        // Gone by name, but in use: its name still tells where it was.
        Err(_) => match target {
            Target::Directory { path: own, .. } => path.starts_with(own),
            Target::File { path: own, .. } => path == own,
            Target::Device { .. } => false,
        },
    }
}

fn is_in(target: &Target, held: &Held, machine: &Machine) -> bool {
    let inside = || target.contains(&machine.places(held.fd())) == Answer::Yes;
    target.is(&held.stat) || !matches!(target, Target::Device { .. }) && inside()
}

/// The kernel's own answer: it lets nobody open exclusively what is mounted, swapped on, or built on.
fn claimed(target: &Target, path: &Path, own: &[Device], found: &mut Found) {
    let flags = OFlags::RDONLY | OFlags::EXCL | OFlags::NONBLOCK | OFlags::CLOEXEC;
    for (nth, device) in own.iter().enumerate() {
        let path = if nth == 0 { path.to_owned() } else { PathBuf::from(format!("/dev/{}", device.name)) };
        match rustix::fs::open(&path, flags, Mode::empty()) {
            Ok(_) => {}
            Err(Errno::BUSY) => {
                found.used(format!(
                    "the kernel has {} claimed for a mount, swap or device",
                    named(target, device)
                ));
            }
            Err(error) => found.hindered(place::cannot_words("open", &path, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swaps_are_read() {
        let text =
            b"Filename\t\t\t\tType\t\tSize\n/dev/dm-1                file\t1\n/swap\\040file\tfile\t2\n";
        assert_eq!(swaps(text), [Path::new("/dev/dm-1"), Path::new("/swap file")]);
        assert!(swaps(b"Filename\n").is_empty());
    }

    #[test]
    fn mounts_of_a_directory() {
        let table = b"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n\
            2 1 8:1 /srv/site/up /var/up rw - ext4 /dev/sda1 rw\n\
            3 1 0:50 / /srv/site/tmp rw - tmpfs scratch rw\n\
            4 1 8:1 / /host rw - ext4 /dev/sda1 rw\n\
            5 1 8:1 /srv/site2 /other rw - ext4 /dev/sda1 rw\n";
        let made = crate::probe::devices::tests::Made::new();
        let machine = Machine::made(mounts::read(table), made.devices());
        let all = machine.mounts();
        let path = PathBuf::from("/srv/site");
        let places = machine.on_mount(&all[0], Path::new("srv/site"));
        let target = Target::Directory { path, id: (1, 1), shown_as: Vec::new(), places, mount: 1 };
        let mut found = Found::default();
        mounted(&target, &machine, all, "", &mut found);
        assert_eq!(
            found.uses,
            ["/srv/site/up is mounted at /var/up too", "scratch is mounted at /srv/site/tmp"]
        );
        let mut found = Found::default();
        mounted(&target, &machine, all, " for db (pid 7)", &mut found);
        assert_eq!(found.uses, ["/srv/site/up is mounted at /var/up too for db (pid 7)"]);
    }
}
