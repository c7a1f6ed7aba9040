//! Who has it open, mapped, as a directory to work in, or runs it: asked of `/proc` for every process. SHELL.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD};
use rustix::io::Errno;

use super::Found;
use super::target::{Location, Target};
use crate::probe::devices::{Number, number_of};
use crate::probe::mounts::{self, Mount};
use crate::probe::place;
use crate::probe::progress::Progress;

/// The number of the machine's own view of its processes; any other view hides some. `linux/proc_ns.h`.
const MACHINES_PIDS: &str = "pid:[4026531836]";
/// `PF_KTHREAD`: a thread of the kernel, which has no files of a user.
const OF_THE_KERNEL: u64 = 0x0020_0000;

/// Every process, and the views of the mounts they have.
pub(super) struct Processes {
    /// Looked into.
    pub(super) looked: u64,
    /// By the link that names a view; ours first.
    views: BTreeMap<PathBuf, Vec<Mount>>,
    own_view: PathBuf,
}

/// Why a process was not looked into to its end.
enum Left {
    Ended,
    Closed,
}

impl From<io::Error> for Left {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::PermissionDenied => Self::Closed,
            // ENOENT and ESRCH alike; whatever else there is, is not known of a living process.
            _ => Self::Ended,
        }
    }
}

impl Processes {
    pub(super) fn new(own: &[Mount]) -> Self {
        let own_view = std::fs::read_link("/proc/self/ns/mnt").unwrap_or_default();
        Self { looked: 0, views: BTreeMap::from([(own_view.clone(), own.to_vec())]), own_view }
    }

    /// Looks into all of them but this one.
    pub(super) fn look(&mut self, target: &Target, progress: &Progress, found: &mut Found) {
        if std::fs::read_link("/proc/self/ns/pid").ok().is_none_or(|ns| ns != Path::new(MACHINES_PIDS)) {
            let why = "processes outside of this container cannot be seen: ask on the machine itself";
            found.hindrances.push(why.to_owned());
        }
        let hides = |mount: &Mount| {
            mount.point == Path::new("/proc")
                && mount
                    .options
                    .split(',')
                    .any(|o| o.starts_with("hidepid=") && !matches!(o, "hidepid=0" | "hidepid=off"))
        };
        let hidden = self.views.get(&self.own_view).is_some_and(|mounts| mounts.iter().any(hides));
        if hidden && !rustix::process::geteuid().is_root() {
            let why = "this machine hides the processes of others (hidepid): ask as root";
            found.hindrances.push(why.to_owned());
        }
        let entries = match std::fs::read_dir("/proc") {
            Ok(entries) => entries,
            Err(error) => {
                found.hindrances.push(place::cannot_words("list", Path::new("/proc"), error));
                return;
            }
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            if pid == std::process::id() {
                continue;
            }
            progress.entries(1);
            match self.process(pid, &entry.path(), target, found) {
                Ok(()) => self.looked += 1,
                Err(Left::Ended) => {}
                Err(Left::Closed) => found.closed += 1,
            }
        }
    }

    fn process(&mut self, pid: u32, dir: &Path, target: &Target, found: &mut Found) -> Result<(), Left> {
        let Some(stat) = Stat::read(&std::fs::read(dir.join("stat"))?) else { return Ok(()) };
        if stat.flags & OF_THE_KERNEL != 0 {
            return Ok(());
        }
        if stat.state == b'Z' {
            // Its first thread has ended: the others, if there are any, still have its files.
            for thread in std::fs::read_dir(dir.join("task"))?.flatten() {
                if thread.file_name().to_str() != Some(&pid.to_string()) {
                    return self.thread(pid, &thread.path(), target, found);
                }
            }
            return Ok(());
        }
        self.thread(pid, dir, target, found)
    }

    fn thread(&mut self, pid: u32, dir: &Path, target: &Target, found: &mut Found) -> Result<(), Left> {
        let view = std::fs::read_link(dir.join("ns/mnt"))?;
        if !self.views.contains_key(&view) {
            let mounts = mounts::read(&std::fs::read(dir.join("mountinfo"))?);
            // What is mounted alike in our view was seen there.
            let ours = self.views.get(&self.own_view).map_or(&[][..], Vec::as_slice);
            let is_ours = |it: &Mount| {
                ours.iter().any(|own| (own.device, &own.root, &own.point) == (it.device, &it.root, &it.point))
            };
            let others: Vec<Mount> = mounts.iter().filter(|mount| !is_ours(mount)).cloned().collect();
            super::system::mounted(target, &others, &format!(" for {}", who(pid, dir)), found);
            self.views.insert(view.clone(), mounts);
        }
        let mounts = self.views.get(&view).map_or(&[][..], Vec::as_slice);
        // Said at once: what cannot be looked at afterwards takes nothing back.
        let me = || who(pid, dir);
        for (link, how) in [("cwd", "works in"), ("root", "has its root in"), ("exe", "runs")] {
            match std::fs::read_link(dir.join(link)) {
                Ok(text) => match uses_of(&dir.join(link), &text, by_name(&text, mounts), target, mounts) {
                    Ok(Some(what)) => found.used(format!("{} {how} {what}", me())),
                    Ok(None) => {}
                    Err(why) => found.hindrances.push(why),
                },
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        for entry in std::fs::read_dir(dir.join("fd"))? {
            let Ok(entry) = entry else { break };
            let path = entry.path();
            // Closed meanwhile is not open.
            let text = match std::fs::read_link(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == ErrorKind::PermissionDenied => return Err(Left::Closed),
                Err(_) => continue,
            };
            let info =
                std::fs::read_to_string(dir.join("fdinfo").join(entry.file_name())).unwrap_or_default();
            match uses_of(&path, &text, mount_id(&info), target, mounts) {
                Ok(Some(what)) => found.used(format!("{} has {what} open", me())),
                Ok(None) => {}
                Err(why) => found.hindrances.push(why),
            }
        }
        for (device, inode, path) in mapped(&std::fs::read(dir.join("maps"))?) {
            let here = || mounts.iter().filter(|m| m.device == device).find_map(|m| Location::on(m, &path));
            let is_device =
                || path.starts_with("/dev") && place::hold(&path).is_ok_and(|it| target.is_device(&it.stat));
            let inside =
                matches!(target, Target::Directory { .. }) && here().is_some_and(|at| target.contains(&at));
            if target.is_mapped(device, inode) || inside || is_device() {
                found.used(format!("{} has {} mapped", me(), target.name_of(&path)));
            }
        }
        Ok(())
    }
}

/// The number of the mount that a path leads to, as far as its name tells.
fn by_name(path: &Path, mounts: &[Mount]) -> Option<u64> {
    let fits = mounts.iter().filter(|mount| path.starts_with(&mount.point));
    fits.max_by_key(|mount| mount.point.as_os_str().len()).map(|mount| mount.id)
}

/// Does this link of a process lead to the thing, or into it? Then how that is called. `Err`: it cannot be told.
fn uses_of(
    link: &Path,
    text: &Path,
    mount: Option<u64>,
    target: &Target,
    mounts: &[Mount],
) -> Result<Option<String>, String> {
    if !text.is_absolute() {
        return Ok(None);
    }
    let bytes = text.as_os_str().as_bytes();
    let name = Path::new(OsStr::from_bytes(bytes.strip_suffix(b" (deleted)").unwrap_or(bytes)));
    let known = mount.and_then(|id| mounts.iter().find(|mount| mount.id == id));
    if matches!(target, Target::Directory { .. }) {
        let on = known.or_else(|| {
            mounts.iter().filter(|m| name.starts_with(&m.point)).max_by_key(|m| m.point.as_os_str().len())
        });
        if on.and_then(|mount| Location::on(mount, name)).is_some_and(|at| target.contains(&at)) {
            return Ok(Some(target.name_of(name)));
        }
    }
    if let (Some(mount), Some(device)) = (known, target.file_system())
        && !device.contains(&mount.device)
    {
        // Of another file system: it is not asked, for it may be one that never answers.
        return Ok(None);
    }
    let stat = rustix::fs::statat(CWD, link, AtFlags::NO_AUTOMOUNT);
    match stat {
        Ok(stat) if target.is(&stat) => Ok(Some(target.name_of(name))),
        Ok(_) | Err(Errno::NOENT | Errno::SRCH) => Ok(None),
        // Of what cannot be looked at nobody knows whether it is the thing.
        Err(error) => Err(place::cannot_words("look at what a process has open,", name, error)),
    }
}

impl Target {
    /// The numbers of the file system on which alone it can be found.
    fn file_system(&self) -> Option<Vec<Number>> {
        match self {
            Self::File { shown_as, .. } => Some(shown_as.clone()),
            Self::Directory { at, id, .. } => Some(vec![at.device, Number::of(id.0)]),
            Self::Device { .. } => None,
        }
    }

    fn is_device(&self, stat: &rustix::fs::Stat) -> bool {
        number_of(stat).is_some_and(|number| self.is_number(number))
    }
}

/// A process as people know it.
fn who(pid: u32, dir: &Path) -> String {
    let name = std::fs::read(dir.join("comm")).unwrap_or_default();
    let name = crate::text::clean_bytes(name.strip_suffix(b"\n").unwrap_or(&name));
    let status = std::fs::read_to_string(dir.join("status")).unwrap_or_default();
    let uid =
        status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().nth(1)?.parse().ok());
    let user = uid.map(|uid: u32| {
        let known = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid)).ok().flatten();
        known.map_or_else(|| uid.to_string(), |user| crate::text::clean(&user.name).into_owned())
    });
    match user {
        Some(user) => format!("{name} (pid {pid}, user {user})"),
        None => format!("{name} (pid {pid})"),
    }
}

/// What is needed of `/proc/PID/stat`.
struct Stat {
    state: u8,
    flags: u64,
}

impl Stat {
    /// The name in brackets may hold anything: the fields begin after the last bracket.
    fn read(text: &[u8]) -> Option<Self> {
        let after = text.iter().rposition(|b| *b == b')')? + 1;
        let mut fields = str::from_utf8(&text[after..]).ok()?.split_whitespace();
        let state = fields.next()?.bytes().next()?;
        Some(Self { state, flags: fields.nth(5)?.parse().ok()? })
    }
}

fn mount_id(info: &str) -> Option<u64> {
    info.lines().find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse().ok())
}

/// The files in `/proc/PID/maps`: device, inode, path; each once.
fn mapped(text: &[u8]) -> Vec<(Number, u64, PathBuf)> {
    let mut found: Vec<(Number, u64, PathBuf)> = Vec::new();
    for line in text.split(|b| *b == b'\n') {
        if let Some(file) = mapped_line(line)
            && found.last() != Some(&file)
        {
            found.push(file);
        }
    }
    found.sort();
    found.dedup();
    found
}

fn mapped_line(line: &[u8]) -> Option<(Number, u64, PathBuf)> {
    let mut fields = line.split(|b| *b == b' ').filter(|field| !field.is_empty());
    let device = str::from_utf8(fields.nth(3)?).ok()?;
    let (major, minor) = device.split_once(':')?;
    let number =
        Number { major: u32::from_str_radix(major, 16).ok()?, minor: u32::from_str_radix(minor, 16).ok()? };
    let inode: u64 = str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    // The path is all that follows, blanks included; a newline in it is written as \012.
    let start = line.iter().position(|b| *b == b'/')?;
    let path = mounts::unescaped(&line[start..]);
    let path = path.strip_suffix(b" (deleted)").unwrap_or(&path);
    (inode != 0).then(|| (number, inode, PathBuf::from(OsStr::from_bytes(path))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_read() {
        let text =
            b"557f4cce1000-557f4cce3000 r--p 00000000 fe:00 247282                     /usr/bin/head\n\
            557f4cce3000-557f4cce9000 r-xp 00002000 fe:00 247282                     /usr/bin/head\n\
            7f00-7f01 rw-s 00000000 08:11 12 /srv/a b.img (deleted)\n\
            7ffd-7ffe rw-p 00000000 00:00 0                          [stack]\n";
        let of = |major, minor, inode, path: &str| (Number { major, minor }, inode, PathBuf::from(path));
        assert_eq!(mapped(text), [of(8, 17, 12, "/srv/a b.img"), of(254, 0, 247_282, "/usr/bin/head")]);
    }

    #[test]
    fn a_process_may_be_called_anything() {
        let stat = Stat::read(b"7 (a) Z (b) S 1 7 7 0 -1 4194560 0 0").unwrap();
        assert_eq!((stat.state, stat.flags), (b'S', 4_194_560));
        let kernel = Stat::read(b"2 (kthreadd) S 0 0 0 0 -1 2129984 0").unwrap();
        assert_ne!(kernel.flags & OF_THE_KERNEL, 0);
        assert!(Stat::read(b"").is_none());
        assert_eq!(mount_id("pos:\t0\nflags:\t0100000\nmnt_id:\t24\nino:\t3\n"), Some(24));
    }
}
