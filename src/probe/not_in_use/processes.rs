//! Who has it open, mapped, as a directory to work in, or runs it: asked of `/proc` for every process. SHELL.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::Found;
use super::inside::Inside;
use super::opened::{Opened, Views};
use super::siblings::Siblings;
use super::sockets::Sockets;
use super::target::Target;
use crate::probe::devices::Number;
use crate::probe::identity::Machine;
use crate::probe::look::shown;
use crate::probe::mounts::{self, Mount};
use crate::probe::place;
use crate::probe::progress::Progress;
use crate::text::as_text;

/// The number of the machine's own view of its processes; any other view hides some. `linux/proc_ns.h`.
const MACHINES_PIDS: &str = "pid:[4026531836]";
/// `PF_KTHREAD`: a thread of the kernel, which has no files of a user.
const OF_THE_KERNEL: u64 = 0x0020_0000;

/// Every process, and the views of the mounts they have.
pub(super) struct Processes<'a> {
    machine: &'a Machine,
    target: &'a Target,
    inside: &'a Inside,
    siblings: Siblings,
    sockets: Sockets,
    /// Looked into.
    pub(super) looked: u64,
    /// By the link that names a view; ours first.
    views: BTreeMap<PathBuf, Vec<Mount>>,
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

impl<'a> Processes<'a> {
    pub(super) fn new(machine: &'a Machine, target: &'a Target, inside: &'a Inside) -> Self {
        let own_view = std::fs::read_link("/proc/self/ns/mnt").unwrap_or_default();
        let views = BTreeMap::from([(own_view, machine.mounts().to_vec())]);
        let (siblings, sockets) = (Siblings::new(), Sockets::default());
        Self { machine, target, inside, siblings, sockets, looked: 0, views }
    }

    /// Looks into all of them but this one and the probes of other checks.
    pub(super) fn look(&mut self, progress: &Progress, found: &mut Found) {
        if std::fs::read_link("/proc/self/ns/pid").ok().is_none_or(|ns| ns != Path::new(MACHINES_PIDS)) {
            let why = "processes outside of this container cannot be seen: ask on the machine itself";
            found.hindered(why.to_owned());
        }
        let hides = |mount: &Mount| {
            mount.point == Path::new("/proc")
                && mount
                    .options
                    .split(',')
                    .any(|o| o.starts_with("hidepid=") && !matches!(o, "hidepid=0" | "hidepid=off"))
        };
        if self.machine.mounts().iter().any(hides) && !rustix::process::geteuid().is_root() {
            let why = "this machine hides the processes of others (hidepid): ask as root";
            found.hindered(why.to_owned());
        }
        let entries = match std::fs::read_dir("/proc") {
            Ok(entries) => entries,
            Err(error) => {
                found.hindered(place::cannot_words("list", Path::new("/proc"), error));
                return;
            }
        };
        let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let mut pids: Vec<u32> = pids.filter(|pid| *pid != std::process::id()).collect();
        pids.retain(|pid| !self.siblings.has(*pid));
        // Every view of the mounts is known before anything is looked up in one: what is open may be of another's.
        for pid in &pids {
            let dir = PathBuf::from(format!("/proc/{pid}"));
            let _ = self.view(*pid, &dir, found);
        }
        for pid in pids {
            progress.entries(1);
            let dir = PathBuf::from(format!("/proc/{pid}"));
            if self.siblings.has(pid) {
                continue;
            }
            let before = (found.uses.len(), found.hindrances.len());
            let looked = self.process(pid, &dir, found);
            // It may have become one only now: whoever started it was listed.
            if (found.uses.len(), found.hindrances.len()) != before && self.siblings.has(pid) {
                found.uses.truncate(before.0);
                found.hindrances.truncate(before.1);
                continue;
            }
            match looked {
                Ok(()) => self.looked += 1,
                Err(Left::Ended) => {}
                Err(Left::Closed) => found.closed.push(who(pid, &dir)),
            }
        }
        self.sockets.rest(found);
    }

    fn process(&mut self, pid: u32, dir: &Path, found: &mut Found) -> Result<(), Left> {
        let Some(stat) = Stat::read(&std::fs::read(dir.join("stat"))?) else { return Ok(()) };
        if stat.flags & OF_THE_KERNEL != 0 {
            return Ok(());
        }
        // Its first thread may have ended: the others, if there are any, still have its files. And each thread may have
        // files and a directory of its own.
        let ended = stat.state == b'Z';
        let mut shown = !ended;
        if !ended {
            self.thread(pid, dir, true, found)?;
        }
        for thread in std::fs::read_dir(dir.join("task"))?.flatten() {
            if thread.file_name().to_str() == Some(&pid.to_string()) {
                continue;
            }
            match self.thread(pid, &thread.path(), !shown, found) {
                Ok(()) => shown = true,
                Err(Left::Ended) => {}
                Err(Left::Closed) => return Err(Left::Closed),
            }
        }
        Ok(())
    }

    /// The name of the view a process has of the mounts; the view itself is read when it is new.
    fn view(&mut self, pid: u32, dir: &Path, found: &mut Found) -> Result<PathBuf, Left> {
        let view = std::fs::read_link(dir.join("ns/mnt"))?;
        if !self.views.contains_key(&view) {
            let mounts = mounts::read(&std::fs::read(dir.join("mountinfo"))?);
            // What is mounted alike in our view was seen there.
            let is_ours = |it: &Mount| {
                let alike =
                    |own: &Mount| (own.device, &own.root, &own.point) == (it.device, &it.root, &it.point);
                self.machine.mounts().iter().any(alike)
            };
            let others: Vec<Mount> = mounts.iter().filter(|mount| !is_ours(mount)).cloned().collect();
            let whose = format!(" for {}", who(pid, dir));
            super::system::mounted(self.target, self.machine, &others, &whose, found);
            self.views.insert(view.clone(), mounts);
        }
        Ok(view)
    }

    fn thread(&mut self, pid: u32, dir: &Path, with_maps: bool, found: &mut Found) -> Result<(), Left> {
        let view = self.view(pid, dir, found)?;
        let views = std::mem::take(&mut self.views);
        let mounts = views.get(&view).map_or(&[][..], Vec::as_slice);
        let looked = self.look_into(pid, dir, with_maps, &Views { own: mounts, all: &views }, found);
        self.views = views;
        looked
    }

    fn look_into(
        &mut self,
        pid: u32,
        dir: &Path,
        with_maps: bool,
        views: &Views<'_>,
        found: &mut Found,
    ) -> Result<(), Left> {
        self.sockets.read(dir, views.own, self.target, self.inside, self.machine, found);
        // Said at once: what cannot be looked at afterwards takes nothing back.
        let me = || who(pid, dir);
        let opened = Opened { target: self.target, machine: self.machine, inside: self.inside, views };
        let tell = |used: Result<Option<String>, String>, how: &dyn Fn(&str) -> String, found: &mut Found| {
            match used {
                Ok(Some(what)) => found.used(how(&what)),
                Ok(None) => {}
                Err(why) => found.hindered(why),
            }
        };
        for (link, how) in [("cwd", "works in"), ("root", "has its root in"), ("exe", "runs")] {
            match std::fs::read_link(dir.join(link)) {
                Ok(text) => {
                    let id = opened.mount_of_link(&dir.join(link), &text);
                    let used = opened.uses(&dir.join(link), &text, id, &me);
                    tell(used, &|what| format!("{} {how} {what}", me()), found);
                }
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
            if let Some(name) = self.sockets.met(&text) {
                found.used(format!("{} has the socket {} open", me(), shown(&name)));
                continue;
            }
            let info =
                std::fs::read_to_string(dir.join("fdinfo").join(entry.file_name())).unwrap_or_default();
            let used = opened.uses(&path, &text, mount_id(&info), &me);
            tell(used, &|what| format!("{} has {what} open", me()), found);
        }
        if with_maps {
            for (device, inode, path) in mapped(&std::fs::read(dir.join("maps"))?) {
                let used = opened.maps(device, inode, &path);
                tell(used, &|what| format!("{} has {what} mapped", me()), found);
            }
        }
        Ok(())
    }
}

/// The last of the mounts with the longest point that leads to a path.
pub(super) fn mount_by_name<'a>(path: &Path, mounts: &'a [Mount]) -> Option<&'a Mount> {
    let fits = mounts.iter().filter(|mount| path.starts_with(&mount.point));
    fits.max_by_key(|mount| mount.point.as_os_str().len())
}

/// A process as people know it.
fn who(pid: u32, dir: &Path) -> String {
    let name = std::fs::read(dir.join("comm")).unwrap_or_default();
    let mut name = as_text(name.strip_suffix(b"\n").unwrap_or(&name));
    // A program that started itself once more is called by the link it did it by: its own word for itself says more.
    if name == "exe"
        && let Ok(words) = std::fs::read(dir.join("cmdline"))
        && let Some(first) = words.split(|b| matches!(b, 0 | b' ')).next().filter(|first| !first.is_empty())
    {
        name = as_text(first.rsplit(|b| *b == b'/').next().unwrap_or(first));
    }
    let status = std::fs::read_to_string(dir.join("status")).unwrap_or_default();
    let uid =
        status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().nth(1)?.parse().ok());
    let user = uid.map(|uid: u32| {
        let known = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid)).ok().flatten();
        known.map_or_else(|| uid.to_string(), |user| user.name)
    });
    match user {
        Some(user) => format!("{name} (pid {pid}, user {user})"),
        None => format!("{name} (pid {pid})"),
    }
}

/// What is needed of `/proc/PID/stat`.
pub(super) struct Stat {
    state: u8,
    pub(super) parent: u32,
    flags: u64,
}

impl Stat {
    /// The name in brackets may hold anything: the fields begin after the last bracket.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let after = text.iter().rposition(|b| *b == b')')? + 1;
        let mut fields = str::from_utf8(&text[after..]).ok()?.split_whitespace();
        let state = fields.next()?.bytes().next()?;
        let parent = fields.next()?.parse().ok()?;
        Some(Self { state, parent, flags: fields.nth(4)?.parse().ok()? })
    }
}

pub(super) fn mount_id(info: &str) -> Option<u64> {
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
        assert_eq!((stat.state, stat.parent, stat.flags), (b'S', 1, 4_194_560));
        let kernel = Stat::read(b"2 (kthreadd) S 0 0 0 0 -1 2129984 0").unwrap();
        assert_ne!(kernel.flags & OF_THE_KERNEL, 0);
        assert!(Stat::read(b"").is_none());
        assert_eq!(mount_id("pos:\t0\nflags:\t0100000\nmnt_id:\t24\nino:\t3\n"), Some(24));
    }
}
