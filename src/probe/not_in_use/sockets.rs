//! Sockets that somebody listens at by a name, as `/proc/PID/net/unix` tells. SHELL; the reading of its text is pure.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::Found;
use super::inside::Inside;
use super::target::Target;
use crate::probe::identity::{Answer, Machine};
use crate::probe::look::shown;
use crate::probe::mounts::Mount;

/// Sockets in the directory that is asked about.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    /// The views of the network that were read.
    views: BTreeSet<PathBuf>,
    /// The kernel's number of a socket, and its name.
    bound: BTreeMap<u64, PathBuf>,
    /// Those whose process was found.
    met: BTreeSet<PathBuf>,
}

impl Sockets {
    /// Reads the table that a process sees, once for each view of the network. Its names count from that process's root.
    pub(super) fn read(
        &mut self,
        dir: &Path,
        mounts: &[Mount],
        target: &Target,
        inside: &Inside,
        machine: &Machine,
        found: &mut Found,
    ) {
        let Target::Directory { path: own, .. } = target else { return };
        let Ok(view) = std::fs::read_link(dir.join("ns/net")) else { return };
        if !self.views.insert(view) {
            return;
        }
        // A kernel without such sockets has no such file.
        let Ok(text) = std::fs::read(dir.join("net/unix")) else { return };
        for (inode, name) in bound(&text) {
            if name.is_relative() {
                // It counts from where its process was: a socket of that name in the directory may be it.
                if let Some(socket) = inside.sockets.iter().find(|socket| socket.ends_with(&name)) {
                    found.hindered(format!(
                        "somebody listens at {}, which may be {}",
                        shown(&name),
                        shown(socket)
                    ));
                }
                continue;
            }
            let by_name = super::processes::mount_by_name(&name, mounts);
            let rest = by_name.and_then(|mount| Some((mount, name.strip_prefix(&mount.point).ok()?)));
            let there = || rest.map(|(mount, rest)| target.contains(&machine.on_mount(mount, rest)));
            // Through links its name does not tell; where it is, it does.
            let real = || std::fs::canonicalize(&name).is_ok_and(|real| real.starts_with(own));
            if there() == Some(Answer::Yes) || real() {
                self.bound.insert(inode, name);
            }
        }
    }

    /// Is what a process has open one of them? Then its name.
    pub(super) fn met(&mut self, text: &Path) -> Option<PathBuf> {
        let inode = text.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()?;
        let name = self.bound.get(&inode)?.clone();
        self.met.insert(name.clone());
        Some(name)
    }

    /// Those whose process was not seen: somebody has them open, or they would not be there.
    pub(super) fn rest(&self, found: &mut Found) {
        for name in self.bound.values().filter(|name| !self.met.contains(*name)) {
            found.used(format!("somebody listens at {}", shown(name)));
        }
    }
}

/// The sockets that have a name in the file system.
fn bound(text: &[u8]) -> Vec<(u64, PathBuf)> {
    let read = |line: &[u8]| {
        let mut fields = line.splitn(8, |b| *b == b' ');
        // The kernel pads the inode with blanks at the left.
        let mut rest = fields.nth(6).map(<[u8]>::to_vec)?;
        if let Some(more) = fields.next() {
            rest.push(b' ');
            rest.extend(more);
        }
        let rest = rest.trim_ascii_start();
        let end = rest.iter().position(|b| *b == b' ')?;
        let inode = str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
        let name = &rest[end + 1..];
        (!name.is_empty() && name[0] != b'@').then(|| (inode, PathBuf::from(OsStr::from_bytes(name))))
    };
    text.split(|b| *b == b'\n').skip(1).filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_read() {
        let text = b"Num       RefCount Protocol Flags    Type St Inode Path\n\
            0000000000000000: 00000002 00000000 00010000 0001 01 13034 /srv/a b.sock\n\
            0000000000000000: 00000003 00000000 00000000 0001 03     7\n\
            0000000000000000: 00000003 00000000 00000000 0001 03    17 @abstract\n\
            0000000000000000: 00000003 00000000 00000000 0001 03    18 private/smtp\n";
        assert_eq!(bound(text), [(13_034, "/srv/a b.sock".into()), (18, "private/smtp".into())]);
    }
}
