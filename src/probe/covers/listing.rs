//! The names of a directory, a few hundred at a time. SHELL.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;

use rustix::fs::{FileType, RawDir};
use rustix::io::Errno;

/// A directory's names are taken so many at a time, or a few more.
const NAMES: usize = 256;

/// Some names of a directory.
#[derive(Debug, Default)]
pub(super) struct Names {
    bytes: Vec<u8>,
    ends: Vec<(usize, FileType)>,
    listing: Box<[MaybeUninit<u8>]>,
}

impl Names {
    pub(super) fn new() -> Self {
        let listing = vec![MaybeUninit::uninit(); 16 << 10].into_boxed_slice();
        Self { bytes: Vec::new(), ends: Vec::new(), listing }
    }

    /// Takes the next ones; true when there are no more.
    pub(super) fn take(&mut self, dir: impl AsFd) -> Result<bool, Errno> {
        self.bytes.clear();
        self.ends.clear();
        let mut listing = RawDir::new(dir, &mut self.listing);
        loop {
            let Some(entry) = listing.next() else { return Ok(true) };
            let entry = entry?;
            let name = entry.file_name().to_bytes_with_nul();
            if name != b".\0" && name != b"..\0" {
                self.bytes.extend_from_slice(name);
                self.ends.push((self.bytes.len(), entry.file_type()));
            }
            if listing.is_buffer_empty() && self.ends.len() >= NAMES {
                return Ok(false);
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&CStr, FileType)> {
        let mut from = 0;
        self.ends.iter().filter_map(move |&(end, file_type)| {
            let name = CStr::from_bytes_with_nul(&self.bytes[from..end]).ok();
            from = end;
            name.map(|name| (name, file_type))
        })
    }
}
