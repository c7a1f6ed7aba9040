//! A session that the members of a Unix group may watch, witness and read, and nobody else. SHELL.
//!
//! What is strict is checked before anything is made, and again when a host takes the session up: every directory from
//! `/` down belongs to root or to the owner and is writable by nobody else, the group can pass all of them, and what is
//! in the session's directory is open to the group as far as a reader needs it and not a bit further.

#[cfg(test)]
mod tests;

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Uid, User};

use crate::access;
use crate::session::event::Group;
use crate::text;

use super::super::lock::LOCK;
use super::super::{JOURNAL, JournalError, RUNBOOK};
use super::{ATTEMPTS, Store};

/// The file that a host locks while it comes or goes, where the directory itself can be opened by others.
pub const DOOR: &str = "door";

/// Others may write.
const WRITABLE: u32 = 0o022;

/// What nobody but the owner and the group may have.
const OTHERS: u32 = 0o007;

/// What anybody but the owner has.
const NOT_THE_OWNER: u32 = 0o077;

/// The group of that name, if this account may give it anything.
pub fn group(name: &str) -> Result<Group, JournalError> {
    let shown = text::clean(name);
    let wrong = |why: String| Err(JournalError::NotShareable(why));
    let found = match nix::unistd::Group::from_name(name) {
        Ok(Some(found)) => Group { name: found.name, gid: found.gid.as_raw() },
        Ok(None) => {
            return wrong(format!("there is no group `{shown}` on this machine; see: getent group"));
        }
        Err(e) => {
            return wrong(format!("whether there is a group `{shown}` cannot be looked up: {}", e.desc()));
        }
    };
    if may_give(found.gid) {
        return Ok(found);
    }
    let me = name_of(rustix::process::geteuid().as_raw());
    if is_of_the_system(&found) {
        return wrong(format!(
            "`{shown}` is a group of the system, and {me} is not a member of it; being one gives more than the sight of a \
             session, so make a group of your own: sudo groupadd ops; sudo usermod -aG ops {me}; then log in anew"
        ));
    }
    wrong(format!(
        "{me} is not a member of `{shown}`, so cannot give it anything; run: sudo usermod -aG {shown} {me}; then log in anew"
    ))
}

/// Does membership in this group give power over the machine, by custom?
fn is_of_the_system(group: &Group) -> bool {
    const POWERFUL: [&str; 12] = [
        "root", "sudo", "wheel", "admin", "adm", "disk", "shadow", "kmem", "docker", "lxd", "libvirt",
        "staff",
    ];
    group.gid < 100 || POWERFUL.contains(&group.name.as_str())
}

/// Does the kernel let this process give a file to the group?
fn may_give(gid: u32) -> bool {
    rustix::process::geteuid().is_root()
        || rustix::process::getegid().as_raw() == gid
        || rustix::process::getgroups().is_ok_and(|groups| groups.iter().any(|group| group.as_raw() == gid))
}

/// Where sessions of a group can be kept, as [`check_home`] found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedHome {
    /// The directory, with no link on the way to it.
    pub path: PathBuf,
    /// Is it for its owner alone, and to be given to the group?
    pub to_be_given: bool,
}

/// Can sessions in `home` be shared with the group? Changes and makes nothing.
pub fn check_home(home: &Path, group: &Group) -> Result<SharedHome, JournalError> {
    let (path, found) = real_home(home, group)?;
    for dir in path.ancestors().skip(1).collect::<Vec<_>>().into_iter().rev() {
        check_above(dir, &path, group)?;
    }
    let given = |to_be_given| Ok(SharedHome { path: path.clone(), to_be_given });
    let Some(found) = found else {
        let of_above = above(&path).symlink_metadata().map_err(JournalError::io("reach", above(&path)))?;
        if of_above.uid() == me() {
            return given(true);
        }
        return refuse(format!("{} is not there yet:\n{}", path.display(), elsewhere(group)));
    };
    check_ours(&path, &found, group)?;
    if found.mode() & OTHERS == 0 && found.gid() == group.gid && found.mode() & 0o050 == 0o050 {
        return given(false);
    }
    if found.mode() & NOT_THE_OWNER != 0 {
        let at = path.display();
        return refuse(format!(
            "{at} (mode {:04o}, group {}) is not for `{}` and its owner alone; run: chgrp {} {at} && chmod 0750 {at}",
            found.mode() & 0o7777,
            group_name(found.gid()),
            group.name,
            group.name,
        ));
    }
    let listing = Store { home: path.clone() }.list()?;
    let others = listing.sessions.iter().filter_map(|session| session.opened.share.as_ref());
    if let Some(other) = others.clone().find(|other| other.gid != group.gid) {
        return refuse(format!(
            "{} holds a session that is shared with `{}`; keep those of `{}` apart:\n{}",
            path.display(),
            other.name,
            group.name,
            elsewhere(group)
        ));
    }
    given(true)
}

fn above(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

impl SharedHome {
    /// Gives the directory, which is there by now, to the group where that is due.
    pub fn give(&self, group: &Group) -> Result<(), JournalError> {
        if !self.to_be_given {
            return Ok(());
        }
        let cannot = || JournalError::io("give to the group", &self.path);
        let dir = access::open_dir(&self.path).map_err(cannot())?;
        check_ours(&self.path, &dir.metadata().map_err(cannot())?, group)?;
        access::give(dir, group.gid, access::DIRECTORY).map_err(cannot())
    }
}

/// The directory with no link on the way to it, and what is known of it where it is there. It is no link itself: what a
/// link leads to may be another directory tomorrow.
fn real_home(home: &Path, group: &Group) -> Result<(PathBuf, Option<Metadata>), JournalError> {
    let (Some(above), Some(name)) = (home.parent(), home.file_name()) else {
        return refuse(format!("{} cannot hold shared sessions:\n{}", home.display(), elsewhere(group)));
    };
    let above = match fs::canonicalize(above) {
        Ok(above) => above,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return refuse(format!(
                "members of `{}` cannot reach {}, because {} is not there yet and would be for you alone:\n{}",
                group.name,
                home.display(),
                above.display(),
                elsewhere(group)
            ));
        }
        Err(e) => return Err(JournalError::io("reach", above)(e)),
    };
    let path = above.join(name);
    let found = match path.symlink_metadata() {
        Ok(found) => found,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok((path, None)),
        Err(e) => return Err(JournalError::io("reach", path)(e)),
    };
    if found.is_symlink() {
        let leads_to = fs::read_link(&path).unwrap_or_default();
        return refuse(format!(
            "{} is a link, and what it leads to may change; name the directory itself: ONBELAY_HOME={}",
            path.display(),
            above.join(leads_to).display()
        ));
    }
    Ok((path, Some(found)))
}

/// A directory above the sessions' home, with no link on the way to it.
fn check_above(dir: &Path, home: &Path, group: &Group) -> Result<(), JournalError> {
    let found = dir.symlink_metadata().map_err(JournalError::io("reach", dir))?;
    if let Some(why) = unsafe_above(dir, &found) {
        return refuse(format!(
            "sessions in {} cannot be shared: {why}\n{}",
            home.display(),
            elsewhere(group)
        ));
    }
    // The kernel asks one class only: a member is never "others" where the directory is the group's.
    let pass = if found.gid() == group.gid { 0o010 } else { 0o001 };
    if found.mode() & pass == 0 {
        let whose = if found.mode() & NOT_THE_OWNER == 0 {
            format!("for {} alone", name_of(found.uid()))
        } else {
            "closed to them".to_owned()
        };
        return refuse(format!(
            "members of `{}` cannot reach {}, because {} is {whose} ({:04o}); keep shared sessions somewhere they can \
             reach:\n{}",
            group.name,
            home.display(),
            dir.display(),
            found.mode() & 0o7777,
            elsewhere(group)
        ));
    }
    Ok(())
}

/// Why somebody else could put other things in the place of what is below this directory, and what to do.
fn unsafe_above(dir: &Path, found: &Metadata) -> Option<String> {
    let at = dir.display();
    if found.uid() != 0 && found.uid() != me() {
        return Some(format!(
            "{at} belongs to {}, who could put something else in its place",
            name_of(found.uid())
        ));
    }
    if found.mode() & WRITABLE == 0 {
        return None;
    }
    let mode = found.mode() & 0o7777;
    // A directory for everybody's files, as /tmp is, is meant so.
    let shared = found.mode() & 0o1000 != 0;
    let cure = if shared { String::new() } else { format!("; run: chmod go-w {at}") };
    Some(format!("others may write to {at} (mode {mode:04o}), and put something else in its place{cure}"))
}

/// The sessions' home itself.
fn check_ours(path: &Path, found: &Metadata, group: &Group) -> Result<(), JournalError> {
    let at = path.display();
    if !found.is_dir() {
        return refuse(format!("{at} is not a directory; sessions are kept in one"));
    }
    if found.uid() != me() {
        return refuse(format!(
            "{at} belongs to {}, and this is {}; keep shared sessions in a directory of yours:\n{}",
            name_of(found.uid()),
            name_of(me()),
            elsewhere(group)
        ));
    }
    if found.mode() & WRITABLE != 0 {
        return refuse(format!(
            "others may write to {at} (mode {:04o}); run: chmod go-w {at}",
            found.mode() & 0o7777
        ));
    }
    Ok(())
}

/// What makes a place that will do.
fn elsewhere(group: &Group) -> String {
    elsewhere_at("/srv/onbelay", group)
}

/// The same below this directory's name, or beside it where it is somebody's already.
fn elsewhere_at(plain: &str, group: &Group) -> String {
    let (me, group) = (name_of(me()), &group.name);
    let taken = Path::new(plain).symlink_metadata().is_ok();
    let place = if taken { format!("{plain}-{me}") } else { plain.to_owned() };
    format!(
        "  sudo install -d -o {me} -g {group} -m 0750 {place}\n  ONBELAY_HOME={place} onbelay run --share {group} FILE"
    )
}

/// Makes the files that only the owner can lock, in a session's directory that is being made.
pub(super) fn make_locks(dir: &Path) -> Result<(), JournalError> {
    for name in [LOCK, DOOR] {
        let path = dir.join(name);
        File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(JournalError::io("make", &path))?;
    }
    Ok(())
}

/// Gives the group what a reader needs of a session that is being made.
pub(super) fn give_session(dir: &Path, group: &Group) -> Result<(), JournalError> {
    for (name, mode) in [
        (JOURNAL, access::FILE),
        (RUNBOOK, access::FIXED),
        (ATTEMPTS, access::DIRECTORY),
        ("", access::DIRECTORY),
    ] {
        let path = if name.is_empty() { dir.to_owned() } else { dir.join(name) };
        open_itself(&path)
            .and_then(|file| access::give(file, group.gid, mode))
            .map_err(JournalError::io("give to the group", &path))?;
    }
    Ok(())
}

fn open_itself(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// Before a host takes a shared session up: is it still as strict as it was made? Where the owner has closed it
/// (`chmod 700`) it goes on for the owner alone, and the answer is `None`.
pub(super) fn check_session(dir: &Path, group: &Group) -> Result<Option<Group>, JournalError> {
    let dir = fs::canonicalize(dir).map_err(JournalError::io("look at", dir))?;
    let found = dir.symlink_metadata().map_err(JournalError::io("look at", &dir))?;
    if found.mode() & NOT_THE_OWNER == 0 {
        return Ok(None);
    }
    for above in dir.ancestors().skip(1) {
        let found = above.symlink_metadata().map_err(JournalError::io("look at", above))?;
        if let Some(why) = unsafe_above(above, &found) {
            return refuse(format!("this session is shared with `{}`, and {why}", group.name));
        }
    }
    let is_it = nix::unistd::Group::from_gid(Gid::from_raw(group.gid)).ok().flatten();
    if is_it.is_none_or(|now| now.name != group.name) {
        return refuse(format!(
            "the group `{}` (number {}) that this session is shared with is not there any more; to go on for you alone: \
             chmod 700 {}",
            group.name,
            group.gid,
            dir.display()
        ));
    }
    if !may_give(group.gid) {
        return refuse(format!(
            "{} is not a member of `{}` any more, so cannot share anything with it; to go on for you alone: chmod 700 {}",
            name_of(me()),
            group.name,
            dir.display()
        ));
    }
    check_tree(&dir, group)?;
    Ok(Some(group.clone()))
}

/// Everything in a shared session's directory: ours, and open to nobody beyond what it was made with.
fn check_tree(path: &Path, group: &Group) -> Result<(), JournalError> {
    let found = path.symlink_metadata().map_err(JournalError::io("look at", path))?;
    let at = path.display();
    if found.is_symlink() {
        return refuse(format!("{at} is a link, and nothing in a shared session is one; move it away"));
    }
    if found.uid() != me() {
        let whose = name_of(found.uid());
        return refuse(format!(
            "{at} belongs to {whose}, in a shared session of {}; move it away",
            name_of(me())
        ));
    }
    let most = most_open(path, &found);
    if found.mode() & NOT_THE_OWNER & !most != 0 {
        return refuse(format!(
            "{at} is more open than a shared session allows (mode {:04o}); run: chmod {:04o} {at}",
            found.mode() & 0o7777,
            found.mode() & 0o700 | most
        ));
    }
    if found.mode() & 0o070 != 0 && found.gid() != group.gid {
        return refuse(format!(
            "{at} is open to the group {}, and its session is shared with `{}`; run: chgrp {} {at}",
            group_name(found.gid()),
            group.name,
            group.name
        ));
    }
    if !found.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(JournalError::io("read the directory", path))? {
        check_tree(&entry.map_err(JournalError::io("read the directory", path))?.path(), group)?;
    }
    Ok(())
}

/// What the group may do with it at most.
fn most_open(path: &Path, found: &Metadata) -> u32 {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match name {
        _ if found.is_dir() => access::DIRECTORY & 0o070,
        JOURNAL | RUNBOOK | "output" | "errors" | "terminal.cast" => access::FILE & 0o070,
        "socket" => access::SOCKET & 0o070,
        _ => 0,
    }
}

/// Is it somebody else's session that this account may not read?
pub(super) fn is_closed(error: &JournalError, dir: &Path) -> bool {
    let closed = matches!(error, JournalError::Io { source, .. }
        if source.kind() == io::ErrorKind::PermissionDenied);
    closed && dir.symlink_metadata().is_ok_and(|found| found.uid() != me())
}

fn me() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn name_of(uid: u32) -> String {
    let found = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    found.map_or_else(|| format!("account {uid}"), |user| user.name)
}

fn group_name(gid: u32) -> String {
    let found = nix::unistd::Group::from_gid(Gid::from_raw(gid)).ok().flatten();
    found.map_or_else(|| gid.to_string(), |group| group.name)
}

fn refuse<T>(why: String) -> Result<T, JournalError> {
    Err(JournalError::NotShareable(why))
}
