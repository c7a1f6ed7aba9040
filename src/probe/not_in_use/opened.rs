//! Is what a process has open the thing that is asked about, or in it? SHELL. Never writes.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FsWord, Stat};
use rustix::io::Errno;

use super::inside::Inside;
use super::processes::mount_by_name;
use super::target::Target;
use crate::probe::devices::{Number, number_of};
use crate::probe::identity::{Answer, Machine};
use crate::probe::look::shown;
use crate::probe::mounts::{self, Mount};
use crate::probe::persistent::{self, Class};
use crate::probe::place;

/// File systems that show what others keep, by the kernel's numbers of them (linux/magic.h): overlay and FUSE.
const SHOW_OTHERS: [FsWord; 2] = [0x794c_7630, 0x6573_5546];

/// Views of the mounts.
pub(super) struct Views<'a> {
    /// That of the process which is looked into.
    pub(super) own: &'a [Mount],
    /// All of them: what is open may have been handed over.
    pub(super) all: &'a BTreeMap<PathBuf, Vec<Mount>>,
}

impl Views<'_> {
    fn find(&self, id: u64) -> Option<&Mount> {
        self.own.iter().chain(self.all.values().flatten()).find(|mount| mount.id == id)
    }
}

/// What open things are compared with.
pub(super) struct Opened<'a> {
    pub(super) target: &'a Target,
    pub(super) machine: &'a Machine,
    pub(super) inside: &'a Inside,
    pub(super) views: &'a Views<'a>,
}

/// The answer to one: how the thing is called that is used. `Err`: it cannot be told.
type Used = Result<Option<String>, String>;

impl Opened<'_> {
    /// The mount that a link of a process leads to. The name may lie: after a lazy unmount it counts from nowhere. But
    /// storage that may never answer is not asked.
    pub(super) fn mount_of_link(&self, link: &Path, text: &Path) -> Option<u64> {
        let by_name = mount_by_name(text, self.views.own)?;
        if !matches!(persistent::class(&by_name.kind), Class::Local | Class::Memory | Class::Layer) {
            return Some(by_name.id);
        }
        match place::hold(link) {
            Ok(held) => mounts::id_of(held.fd()),
            Err(_) => Some(by_name.id),
        }
    }

    /// Does this link of a process lead to the thing, or into it?
    pub(super) fn uses(
        &self,
        link: &Path,
        text: &Path,
        mount: Option<u64>,
        who: &dyn Fn() -> String,
    ) -> Used {
        if !text.is_absolute() {
            return Ok(None);
        }
        let bytes = text.as_os_str().as_bytes();
        let stripped = bytes.strip_suffix(b" (deleted)");
        let name = Path::new(OsStr::from_bytes(stripped.unwrap_or(bytes)));
        let known = mount.and_then(|id| self.views.find(id));
        let Some(known) = known else { return self.by_numbers(link, name, who) };
        let mut unknown = None;
        if !matches!(self.target, Target::Device { .. })
            && let Ok(rest) = name.strip_prefix(&known.point)
        {
            match self.target.contains(&self.machine.on_mount(known, rest)) {
                Answer::Yes => return Ok(Some(self.target.name_of(name))),
                Answer::No => {}
                Answer::Unknown(why) => unknown = Some(why),
            }
        }
        if let Some(devices) = self.target.file_system()
            && !devices.contains(&known.device)
        {
            // Of another file system: it is not asked, for it may be one that never answers.
            return unknown.map_or(Ok(None), Err);
        }
        match stat_of(link, name)? {
            Some(stat) if self.is(&stat) => Ok(Some(self.target.name_of(name))),
            // Its name is gone, and it has another: that one may be in the directory.
            Some(stat) if stripped.is_some() && stat.st_nlink > 0 && self.may_be_inside(&stat, text) => {
                Err(format!("{} has {} open, which was deleted and has another name", who(), shown(name)))
            }
            _ => unknown.map_or(Ok(None), Err),
        }
    }

    /// Of what is open by a mount that is in nobody's sight any more, only numbers tell.
    fn by_numbers(&self, link: &Path, name: &Path, who: &dyn Fn() -> String) -> Used {
        let Some(stat) = stat_of(link, name)? else { return Ok(None) };
        if self.is(&stat) {
            return Ok(Some(self.target.name_of(name)));
        }
        let shows_others = || {
            Number::of(stat.st_dev).major == 0
                && rustix::fs::statfs(link).is_ok_and(|fs| SHOW_OTHERS.contains(&fs.f_type))
        };
        let on_its_own = match self.target {
            // The numbers of a file tell all about it.
            Target::File { .. } => false,
            Target::Directory { id, .. } => stat.st_dev == id.0,
            Target::Device { .. } => return Ok(None),
        };
        if on_its_own || shows_others() {
            return Err(format!(
                "{} has {} open by a mount that is no longer in sight, and it may be in there",
                who(),
                shown(name)
            ));
        }
        Ok(None)
    }

    fn is(&self, stat: &Stat) -> bool {
        self.target.is(stat) || self.inside.linked.contains(&(stat.st_dev, stat.st_ino))
    }

    fn may_be_inside(&self, stat: &Stat, text: &Path) -> bool {
        let own = |id: (u64, u64)| stat.st_dev == id.0;
        let in_directory = matches!(self.target, Target::Directory { id, .. } if own(*id));
        // A name may end like that of its own.
        let is_named = || {
            rustix::fs::lstat(text)
                .is_ok_and(|named| (named.st_dev, named.st_ino) == (stat.st_dev, stat.st_ino))
        };
        in_directory && !is_named()
    }

    /// Is a mapped file the thing, or in it?
    pub(super) fn maps(&self, device: Number, inode: u64, path: &Path) -> Used {
        let used = || Ok(Some(self.target.name_of(path)));
        if let Target::Device { .. } = self.target {
            let is_device = |stat: &Stat| number_of(stat).is_some_and(|number| self.target.is_number(number));
            let it = path.starts_with("/dev") && place::hold(path).is_ok_and(|it| is_device(&it.stat));
            return if it { used() } else { Ok(None) };
        }
        let on_its_own = self.target.file_system().is_some_and(|devices| devices.contains(&device));
        if self.target.is_mapped(device, inode)
            || on_its_own && self.inside.linked.iter().any(|(_, linked)| *linked == inode)
        {
            return used();
        }
        let mut unknown = None;
        let mut known = false;
        for mount in self.views.own.iter().filter(|mount| mount.device == device) {
            let Ok(rest) = path.strip_prefix(&mount.point) else { continue };
            known = true;
            match self.target.contains(&self.machine.on_mount(mount, rest)) {
                Answer::Yes => return used(),
                Answer::No => {}
                Answer::Unknown(why) => unknown = Some(why),
            }
        }
        if !known && on_its_own && matches!(self.target, Target::Directory { .. }) {
            unknown = Some(format!("{} is mapped by a mount that is no longer in sight", shown(path)));
        }
        unknown.map_or(Ok(None), Err)
    }
}

fn stat_of(link: &Path, name: &Path) -> Result<Option<Stat>, String> {
    match rustix::fs::statat(CWD, link, AtFlags::NO_AUTOMOUNT) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT | Errno::SRCH) => Ok(None),
        // Of what cannot be looked at nobody knows whether it is the thing.
        Err(error) => Err(place::cannot_words("look at what a process has open,", name, error)),
    }
}
