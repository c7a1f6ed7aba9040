//! Where an attempt keeps its files, and reading parts of its output. SHELL.
//! Nothing here reads a file whole: outputs of ten gigabytes are normal.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The most that [`read_part`] gives at once, bytes.
pub const MAX_PART: usize = 256 * 1024;

/// `output` holds stdout and stderr as they came; where stdout is used, `errors` holds stderr apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// `output`
    Output,
    /// `errors`
    Errors,
}

impl Stream {
    /// The file's name in the attempt's directory.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Output => "output",
            Self::Errors => "errors",
        }
    }
}

/// The directory of an attempt, or of one item of it: `attempts/N`, `attempts/N/items/INDEX`.
#[must_use]
pub fn attempt_dir(session_dir: &Path, attempt: u32, item: Option<u32>) -> PathBuf {
    let mut dir = session_dir.join("attempts").join(attempt.to_string());
    if let Some(index) = item {
        dir.push("items");
        dir.push(index.to_string());
    }
    dir
}

/// A part of an output file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// First byte.
    pub from: u64,
    /// Length of the whole file when it was read, bytes.
    pub total: u64,
    /// The bytes; fewer than asked for at the end of the file.
    pub bytes: Vec<u8>,
}

/// Length of an output file, bytes; 0 while it does not exist.
pub fn size(dir: &Path, stream: Stream) -> io::Result<u64> {
    match std::fs::symlink_metadata(dir.join(stream.file_name())) {
        Ok(meta) => Ok(meta.len()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(e) => Err(e),
    }
}

/// Reads at most `len` bytes (never more than [`MAX_PART`]) from byte `from` on. A file that does not exist is empty.
pub fn read_part(dir: &Path, stream: Stream, from: u64, len: usize) -> io::Result<Part> {
    let file = match open(&dir.join(stream.file_name())) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Ok(Part { from, total: 0, bytes: Vec::new() });
        }
        Err(e) => return Err(e),
    };
    let total = file.metadata()?.len();
    let there = usize::try_from(total.saturating_sub(from)).unwrap_or(usize::MAX);
    let mut bytes = vec![0; len.min(MAX_PART).min(there)];
    let filled = fill(&file, &mut bytes, from)?;
    bytes.truncate(filled);
    Ok(Part { from, total, bytes })
}

/// Opens an output file to be read in parts; `None`: it does not exist.
pub fn open_file(dir: &Path, stream: Stream) -> io::Result<Option<File>> {
    match open(&dir.join(stream.file_name())) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Fills `buffer` from byte `from` on; how much of it, less only at the file's end.
pub fn fill(file: &File, buffer: &mut [u8], from: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], from + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

/// Opens for reading, without following a link that somebody put there and without waiting at a FIFO.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_bounded_and_end_with_the_file() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("output"), vec![7; MAX_PART + 10]).unwrap();
        let part = read_part(dir.path(), Stream::Output, 0, usize::MAX).unwrap();
        assert_eq!((part.bytes.len(), part.total), (MAX_PART, MAX_PART as u64 + 10));
        let tail = read_part(dir.path(), Stream::Output, MAX_PART as u64, MAX_PART).unwrap();
        assert_eq!(tail.bytes.len(), 10);
        let beyond = read_part(dir.path(), Stream::Output, u64::MAX, 10).unwrap();
        assert!(beyond.bytes.is_empty());
        assert_eq!(read_part(dir.path(), Stream::Errors, 0, 10).unwrap().total, 0);
        assert_eq!(size(dir.path(), Stream::Output).unwrap(), MAX_PART as u64 + 10);
        assert_eq!(size(dir.path(), Stream::Errors).unwrap(), 0);
    }

    #[test]
    fn a_link_in_the_place_of_an_output_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("output")).unwrap();
        assert!(read_part(dir.path(), Stream::Output, 0, 10).is_err());
    }
}
