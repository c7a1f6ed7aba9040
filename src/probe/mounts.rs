//! What is mounted where, as `/proc/self/mountinfo` tells it. The reading of its text is PURE.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, StatxFlags};

use super::devices::Number;

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// The kernel's number of it.
    pub(super) id: u64,
    /// `st_dev` of what is on it; major 0 where no single block device is behind it.
    pub(super) device: Number,
    /// What of the file system is mounted: `/`, or a directory or file in it.
    pub(super) root: PathBuf,
    /// Where.
    pub(super) point: PathBuf,
    /// The kind of file system, such as `ext4` or `fuse.sshfs`.
    pub(super) kind: String,
    /// What is mounted, as whoever mounted it said: a device, a server's path, or a mere word.
    pub(super) source: PathBuf,
    /// The file system's own options.
    pub(super) options: String,
}

/// Every mount this process sees, in the order they were made.
pub(super) fn all() -> io::Result<Vec<Mount>> {
    Ok(read(&std::fs::read("/proc/self/mountinfo")?))
}

/// Reads the text; a line that is not understood is left out.
pub(super) fn read(text: &[u8]) -> Vec<Mount> {
    text.split(|b| *b == b'\n').filter_map(read_line).collect()
}

fn read_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|b| *b == b' ');
    let mut next = || fields.next();
    let id = str::from_utf8(next()?).ok()?.parse().ok()?;
    let _parent = next()?;
    let device = Number::read(str::from_utf8(next()?).ok()?)?;
    let root = path(next()?);
    let point = path(next()?);
    let mut after = fields.skip_while(|field| *field != b"-").skip(1);
    let kind = String::from_utf8_lossy(after.next()?).into_owned();
    let source = path(after.next()?);
    let options = String::from_utf8_lossy(after.next().unwrap_or_default()).into_owned();
    Some(Mount { id, device, root, point, kind, source, options })
}

/// A path with the kernel's octal escapes for blanks undone.
fn path(field: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(unescaped(field)))
}

/// `\040` and the like are the bytes they stand for.
pub(super) fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, more)) = rest.split_first() {
        let octal = (first == b'\\').then(|| more.get(..3)).flatten();
        let value = octal.and_then(|digits| {
            digits
                .iter()
                .try_fold(0_u32, |sum, d| matches!(d, b'0'..=b'7').then(|| sum * 8 + u32::from(d - b'0')))
        });
        if let Some(byte) = value.and_then(|value| u8::try_from(value).ok()) {
            bytes.push(byte);
            rest = &more[3..];
        } else {
            bytes.push(first);
            rest = more;
        }
    }
    bytes
}

/// The kernel's number of the mount a thing is on, of kernels that tell.
pub(super) fn id_of(fd: impl std::os::fd::AsFd) -> Option<u64> {
    let stat = rustix::fs::statx(fd, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).ok()?;
    StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::MNT_ID).then_some(stat.stx_mnt_id)
}

/// The mount a thing is on: by the kernel's own number of it, or, of kernels that do not tell, by path and device.
pub(super) fn of<'a>(mounts: &'a [Mount], fd: impl std::os::fd::AsFd, path: &Path) -> Option<&'a Mount> {
    let wanted = StatxFlags::from_bits_retain(StatxFlags::BASIC_STATS.bits() | StatxFlags::MNT_ID.bits());
    let stat = rustix::fs::statx(fd, "", AtFlags::EMPTY_PATH, wanted).ok()?;
    if StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::MNT_ID) {
        return mounts.iter().find(|mount| mount.id == stat.stx_mnt_id);
    }
    let device = Number { major: stat.stx_dev_major, minor: stat.stx_dev_minor };
    by_path(mounts, &std::fs::canonicalize(path).ok()?, device)
}

/// The last of the longest mount points that lead to an absolute path, with this device.
fn by_path<'a>(mounts: &'a [Mount], path: &Path, device: Number) -> Option<&'a Mount> {
    let fits = mounts.iter().filter(|mount| mount.device == device && path.starts_with(&mount.point));
    fits.max_by_key(|mount| mount.point.as_os_str().as_bytes().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"22 27 0:21 / /proc rw,relatime - proc proc rw\n\
        27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n\
        36 27 8:17 /sub\\040dir /mnt/data\\134x rw,noatime shared:7 master:1 - xfs /dev/sdb1 rw,attr2\n\
        37 27 0:40 / /mnt rw - fuse.sshfs me@host:/a\\040b rw\n\
        38 37 8:33 / /mnt rw - ext4 /dev/sdc1 rw\n\
        torn line\n";

    #[test]
    fn lines_are_read_with_and_without_optional_fields() {
        let mounts = read(TEXT);
        assert_eq!(mounts.len(), 5);
        let data = &mounts[2];
        assert_eq!(data.device, Number { major: 8, minor: 17 });
        assert_eq!((data.root.to_str().unwrap(), data.point.to_str().unwrap()), ("/sub dir", "/mnt/data\\x"));
        assert_eq!((data.kind.as_str(), data.source.to_str().unwrap()), ("xfs", "/dev/sdb1"));
        assert_eq!(mounts[3].source.to_str().unwrap(), "me@host:/a b");
    }

    #[test]
    fn of_two_on_one_point_the_device_tells() {
        let mounts = read(TEXT);
        let of = |path: &str, major, minor| {
            by_path(&mounts, Path::new(path), Number { major, minor }).map(|mount| mount.id)
        };
        assert_eq!(of("/mnt/x", 8, 33), Some(38));
        assert_eq!(of("/mnt/x", 0, 40), Some(37));
        assert_eq!(of("/mntx", 8, 33), None);
        assert_eq!(of("/etc", 254, 0), Some(27));
    }

    #[test]
    fn the_mount_of_a_real_place() {
        let mounts = all().unwrap();
        let dir = std::fs::File::open("/proc/self").unwrap();
        assert_eq!(of(&mounts, &dir, Path::new("/proc/self")).unwrap().kind, "proc");
    }
}
