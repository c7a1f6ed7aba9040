//! From the facts of a path's storage to the answer whether it lasts. PURE: it must not know how the facts were found.

use std::path::{Path, PathBuf};

use crate::probe::look::{Finding, shown};
use crate::probe::mounts::Mount;
use crate::session::Verdict;

/// A file system, or a bare block device, that keeps the path or a file behind it.
#[derive(Debug)]
pub(super) struct Place {
    /// What is mounted; none where the path is a block device.
    pub(super) on: Option<Mount>,
    /// What keeps it.
    pub(super) keeper: Keeper,
    /// The cloud's note that the disk is emptied.
    pub(super) warning: Option<PathBuf>,
    /// Why such a note cannot be looked for.
    pub(super) unseen: Option<String>,
}

/// What keeps a place.
#[derive(Debug)]
pub(super) enum Keeper {
    /// Block devices: those it is on, and those these are made of.
    Disks(Vec<Disk>),
    /// Something that has no disk in sight.
    Itself,
}

/// A block device.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    /// The kernel's name.
    pub(super) name: String,
    /// The maker's name.
    pub(super) model: Option<String>,
    /// Its names below `/dev/disk`.
    pub(super) links: Vec<String>,
    /// The file behind it, of a loop device.
    pub(super) file: Option<PathBuf>,
    /// Why that file cannot be found, and what is there by its name is not it.
    pub(super) lost: Option<String>,
    /// That file has no name any more.
    pub(super) file_deleted: bool,
    /// It is a partition, or built on others, which are judged themselves.
    pub(super) made_of_others: bool,
}

/// What a kind of file system says about its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::probe) enum Class {
    Memory,
    Layer,
    Kernel,
    Network,
    Local,
    Unknown,
}

/// Sorts kinds of file systems; what is on no list is not known to last.
pub(in crate::probe) fn class(kind: &str) -> Class {
    match kind {
        "tmpfs" | "ramfs" | "devtmpfs" | "hugetlbfs" => Class::Memory,
        "overlay" | "overlayfs" | "aufs" | "rootfs" | "unionfs" | "fuse.fuse-overlayfs" | "fuse.unionfs" => {
            Class::Layer
        }
        "proc" | "sysfs" | "devpts" | "cgroup" | "cgroup2" | "securityfs" | "debugfs" | "tracefs" | "bpf"
        | "mqueue" | "configfs" | "pstore" | "efivarfs" | "fusectl" | "binfmt_misc" | "nsfs" | "pipefs"
        | "selinuxfs" | "rpc_pipefs" | "nfsd" => Class::Kernel,
        "nfs" | "nfs4" | "cifs" | "smb3" | "smbfs" | "ceph" | "glusterfs" | "fuse.glusterfs" | "9p"
        | "virtiofs" | "afs" | "lustre" | "beegfs" | "gpfs" | "fuse.sshfs" | "fuse.s3fs" | "fuse.rclone"
        | "fuse.gcsfuse" | "fuse.goofys" | "fuse.mount-s3" | "fuse.ceph" | "fuse.juicefs" | "vboxsf"
        | "fuse.vmhgfs-fuse" => Class::Network,
        "ext2" | "ext3" | "ext4" | "xfs" | "btrfs" | "zfs" | "f2fs" | "jfs" | "nilfs2" | "bcachefs"
        | "reiserfs" | "vfat" | "msdos" | "exfat" | "ntfs" | "ntfs3" | "fuseblk" | "hfs" | "hfsplus"
        | "ufs" | "minix" | "squashfs" | "erofs" | "iso9660" | "udf" | "romfs" | "cramfs" | "gfs2"
        | "ocfs2" => Class::Local,
        _ => Class::Unknown,
    }
}

/// Is it the name of the note that clouds leave on disks they empty?
pub(super) fn is_warning(name: &[u8]) -> bool {
    const BEGINS: &[u8] = b"DATALOSS_WARNING";
    name.get(..BEGINS.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(BEGINS))
}

impl Place {
    /// The files that are behind it.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.disks()
            .iter()
            .filter(|disk| !disk.file_deleted && disk.lost.is_none())
            .filter_map(|disk| disk.file.as_deref())
    }

    fn disks(&self) -> &[Disk] {
        match &self.keeper {
            Keeper::Disks(disks) => disks,
            Keeper::Itself => &[],
        }
    }

    /// For the evidence.
    pub(super) fn in_words(&self) -> String {
        let mut words = match &self.on {
            Some(mount) => format!("{} {} at {}", mount.kind, shown(&mount.source), shown(&mount.point)),
            None => "a block device".to_owned(),
        };
        for disk in self.disks() {
            words = format!("{words}; {}", disk.name);
            if let Some(model) = &disk.model {
                words = format!("{words} ({model})");
            }
            for link in &disk.links {
                words = format!("{words}, {link}");
            }
            if let Some(file) = &disk.file {
                words = format!("{words} from {}", shown(file));
            }
        }
        words
    }
}

/// What a place is for its content.
enum Kept {
    /// It lasts.
    Lasts(String),
    /// It does not.
    Passes(String),
    /// Nobody knows.
    Unknown(String),
}

/// The answer: one place that does not last is enough for a no, one that nobody knows for none.
pub(super) fn judge(path: &str, places: &[Place]) -> Finding {
    let mut lasts = Vec::new();
    let mut unknown = None;
    for (depth, place) in places.iter().enumerate() {
        let kept = match &place.on {
            Some(mount) => mounted(mount, place),
            None => disks(place.disks(), "a block device"),
        };
        // Of the places behind loop devices it is said that they are behind.
        let behind = if depth == 0 { "" } else { "in a file that " };
        match kept {
            Kept::Passes(why) => return Finding::fails(format!("{path} is {behind}{}{why}", is(depth))),
            Kept::Unknown(why) => {
                unknown = unknown.or_else(|| {
                    Some(format!(
                        "cannot tell whether {path} outlives a restart or move: it is {behind}{}{why}",
                        is(depth)
                    ))
                });
            }
            Kept::Lasts(how) => lasts.push(format!("{behind}{}{how}", is(depth))),
        }
    }
    match (unknown, lasts.is_empty()) {
        (Some(why), _) => Finding::error(why),
        (None, true) => Finding::error(format!("cannot tell whether {path} outlives a restart or move")),
        (None, false) => Finding::holds(format!("{path} is {}", lasts.join(", "))),
    }
}

/// The answer for a directory with those for what is mounted in it: what does not last in a part does not last in all.
pub(super) fn with_parts(path: &str, whole: Finding, parts: Vec<Finding>) -> Finding {
    if whole.verdict == Verdict::Fails {
        return whole;
    }
    let mut found = whole;
    for part in parts {
        match (part.verdict, found.verdict) {
            (Verdict::Fails, _) => {
                return Finding::fails(format!("a part of {path} does not last: {}", part.detail));
            }
            (Verdict::Error, Verdict::Holds) => found = Finding::error(part.detail),
            _ => {}
        }
    }
    found
}

fn is(depth: usize) -> &'static str {
    if depth == 0 { "" } else { "is " }
}

fn mounted(mount: &Mount, place: &Place) -> Kept {
    let at = format!("{} at {}", mount.kind, shown(&mount.point));
    match class(&mount.kind) {
        Class::Memory => Kept::Passes(format!("in memory ({at}): a restart empties it")),
        Class::Layer => Kept::Passes(format!(
            "on a container's or live system's own layer ({at}): it goes when that goes"
        )),
        Class::Kernel => Kept::Passes(format!("made by the kernel ({at}): it stores nothing")),
        Class::Network if is_this_machine(&mount.source) => Kept::Unknown(format!(
            "served by this machine itself ({}, {at}): ask about the directory it serves",
            shown(&mount.source)
        )),
        Class::Network => Kept::Lasts(format!("kept by another machine, {} ({at})", shown(&mount.source))),
        Class::Unknown => Kept::Unknown(format!("on a kind of file system that nobody here knows ({at})")),
        Class::Local => {
            if let Some(warning) = &place.warning {
                return Kept::Passes(format!("on a disk that is emptied ({at}): {} says so", shown(warning)));
            }
            match (disks(place.disks(), &at), &place.unseen) {
                (Kept::Lasts(how), Some(why)) => Kept::Unknown(format!("{how}, and {why}")),
                (kept, _) => kept,
            }
        }
    }
}

/// A server that is this machine says nothing about where it keeps things.
fn is_this_machine(source: &Path) -> bool {
    let text = source.to_string_lossy();
    let server = text.trim_start_matches('/').rsplit_once('@').map_or(&*text, |(_, after)| after);
    let server = server.trim_start_matches('/');
    ["localhost:", "localhost/", "127.", "[::1]", "::1"].iter().any(|own| server.starts_with(own))
}

fn disks(disks: &[Disk], at: &str) -> Kept {
    if disks.is_empty() {
        return Kept::Unknown(format!("on disks that cannot be found ({at})"));
    }
    for disk in disks {
        let name = &disk.name;
        if let Some(why) = passes(disk) {
            return Kept::Passes(format!("on {name} ({at}), {why}"));
        }
    }
    if let Some(why) = disks.iter().find_map(|disk| disk.lost.as_ref()) {
        return Kept::Unknown(format!("on a loop device ({at}): {why}"));
    }
    let names: Vec<&str> =
        disks.iter().filter(|disk| !disk.made_of_others).map(|d| d.name.as_str()).collect();
    Kept::Lasts(format!("on {} ({at})", names.join(", ")))
}

/// Why a disk does not last.
fn passes(disk: &Disk) -> Option<String> {
    let numbered = |prefix: &str| {
        disk.name.strip_prefix(prefix).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    if numbered("ram") || numbered("zram") || disk.name.starts_with("nullb") {
        return Some("a disk in memory: a restart empties it".to_owned());
    }
    if disk.file_deleted {
        return Some(
            "a loop device whose file was deleted: nothing of it is left after a restart".to_owned(),
        );
    }
    if let Some(model) = &disk.model
        && ["Amazon EC2 NVMe Instance Storage", "Microsoft NVMe Direct Disk"]
            .iter()
            .any(|it| model.contains(it))
    {
        return Some(format!("the cloud's temporary disk ({model}): it is lost when the machine is moved"));
    }
    let temporary = |link: &&String| {
        link.starts_with("/dev/disk/azure/resource")
            || link.starts_with("/dev/disk/azure/local/")
            || link.starts_with("/dev/disk/by-id/google-local-")
            || link.as_str() == r"/dev/disk/by-label/Temporary\x20Storage"
    };
    let link = disk.links.iter().find(temporary)?;
    Some(format!("the cloud's temporary disk ({link}): it is lost when the machine is moved"))
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
