//! The members of a zip archive, in the order of its directory. SHELL: it reads the archive and looks at nothing else.
//!
//! The directory is read piece by piece. The `zip` crate keeps all of it, some 400 MiB for a million files.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use flate2::read::DeflateDecoder;

use super::super::super::progress::Progress;
use super::super::tally::Kind;
use super::{Broken, Chunk, Data, Form, Member};

const BLOCK: usize = 64 << 10;
/// Members and blocks that are under way.
const ITEMS: usize = 32;
/// The longest target of a link.
const LONGEST_TARGET: u64 = 64 << 10;

const END: &[u8] = b"PK\x05\x06";
const END_LEN: usize = 22;
const MEMBER: &[u8] = b"PK\x01\x02";
const MEMBER_LEN: usize = 46;
const LOCAL: &[u8] = b"PK\x03\x04";
const LOCAL_LEN: usize = 30;

/// What is handed on.
enum Item {
    Member(Box<Member>),
    Bytes(Vec<u8>),
    /// The content of the member is over.
    Over,
    Broken(Broken),
}

/// Members as they come from the thread that unpacks them.
pub(super) struct Zip {
    items: Receiver<Item>,
    block: Vec<u8>,
    in_member: bool,
}

/// The other end of a [`Zip`].
pub(super) struct Feed {
    items: SyncSender<Item>,
}

/// Both ends.
pub(super) fn pipe() -> (Feed, Zip) {
    let (items, from) = sync_channel(ITEMS);
    (Feed { items }, Zip { items: from, block: Vec::new(), in_member: false })
}

impl Data for Zip {
    fn member(&mut self) -> Result<Option<Member>, Broken> {
        while self.in_member {
            self.chunk()?;
        }
        match self.items.recv() {
            Ok(Item::Member(member)) => {
                self.in_member = true;
                Ok(Some(*member))
            }
            Ok(Item::Broken(broken)) => Err(broken),
            Ok(Item::Bytes(_) | Item::Over) | Err(_) => Ok(None),
        }
    }

    fn chunk(&mut self) -> Result<Option<Chunk<'_>>, Broken> {
        if !self.in_member {
            return Ok(None);
        }
        match self.items.recv() {
            Ok(Item::Bytes(block)) => {
                self.block = block;
                Ok(Some(Chunk::Bytes(&self.block)))
            }
            Ok(Item::Broken(broken)) => Err(broken),
            Ok(Item::Over | Item::Member(_)) | Err(_) => {
                self.in_member = false;
                Ok(None)
            }
        }
    }
}

/// Nobody wants more.
struct Gone;

/// Why unpacking ended early.
enum Stop {
    Gone,
    Broken(Broken),
}

impl From<Gone> for Stop {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl From<Broken> for Stop {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl Feed {
    /// Hands on all members; with their content, if it is wanted.
    pub(super) fn run(self, file: &File, progress: &Progress, content: bool) {
        if let Err(Stop::Broken(broken)) = self.members(file, progress, content) {
            // Nobody listens any more: then nobody needs to know.
            let _ = self.items.send(Item::Broken(broken));
        }
    }

    fn send(&self, item: Item) -> Result<(), Gone> {
        self.items.send(item).map_err(|_| Gone)
    }

    fn members(&self, file: &File, progress: &Progress, content: bool) -> Result<(), Stop> {
        let directory = Directory::find(file)?;
        let part = |at, left| Part { file, progress, at, left };
        let mut list = BufReader::new(part(directory.at, u64::MAX - directory.at));
        let mut unpack =
            Unpack { inflate: DeflateDecoder::new(part(0, 0)), block: vec![0; BLOCK], file, progress };
        for _ in 0..directory.members {
            let entry = Entry::read(&mut list, directory.shift)?;
            self.entry(&entry, &mut unpack, content)?;
        }
        Ok(())
    }

    fn entry(&self, entry: &Entry, unpack: &mut Unpack<'_>, content: bool) -> Result<(), Stop> {
        let mut member = entry.member();
        let is_link = member.form == Form::Is(Kind::Link);
        if is_link && member.unknown.is_none() {
            if entry.size > LONGEST_TARGET {
                return Err(damaged("a link that leads to more than a name").into());
            }
            let mut target = Vec::new();
            unpack.run(entry, &mut |bytes| {
                target.extend_from_slice(bytes);
                Ok(())
            })?;
            member.target = target;
        }
        let has_content = member.form == Form::Is(Kind::File) && member.unknown.is_none() && content;
        self.send(Item::Member(Box::new(member)))?;
        if has_content {
            unpack.run(entry, &mut |bytes| Ok(self.send(Item::Bytes(bytes.to_vec()))?))?;
        }
        Ok(self.send(Item::Over)?)
    }
}

/// Where the list of members stands.
struct Directory {
    at: u64,
    members: u64,
    /// What stands before the archive, such as a program that unpacks it: all places count from after it.
    shift: u64,
}

impl Directory {
    fn find(file: &File) -> Result<Self, Broken> {
        let size = file.metadata()?.len();
        let from = size.saturating_sub((END_LEN + usize::from(u16::MAX)) as u64);
        let mut tail = vec![0; usize::try_from(size - from).unwrap_or(0)];
        file.read_exact_at(&mut tail, from)?;
        let at =
            memchr::memmem::rfind(&tail, END).filter(|at| at + END_LEN <= tail.len()).ok_or(Broken::Cut)?;
        let end = &tail[at..];
        let end_at = from + at as u64;
        let mut members = u64::from(u16_at(end, 10));
        let mut len = u64::from(u32_at(end, 12));
        let mut start = u64::from(u32_at(end, 16));
        let mut list_end = end_at;
        let mut disks = u32::from(u16_at(end, 4));
        let is_large =
            members == u64::from(u16::MAX) || len == u64::from(u32::MAX) || start == u64::from(u32::MAX);
        if is_large && let Some(large) = Self::large(file, end_at)? {
            list_end = large.0;
            disks = u32_at(&large.1, 16);
            members = u64_at(&large.1, 32);
            len = u64_at(&large.1, 40);
            start = u64_at(&large.1, 48);
        }
        if disks != 0 {
            return Err(Broken::Unknown("it is part of an archive of several volumes".to_owned()));
        }
        let at = list_end.checked_sub(len).ok_or_else(|| damaged("a directory that is longer than it"))?;
        let shift = at.checked_sub(start).ok_or(Broken::Cut)?;
        Ok(Self { at, members, shift })
    }

    /// The larger form of the end, if there is one: where it stands, and what it holds.
    fn large(file: &File, end_at: u64) -> Result<Option<(u64, [u8; 56])>, Broken> {
        let mut locator = [0; 20];
        let Some(locator_at) = end_at.checked_sub(locator.len() as u64) else { return Ok(None) };
        file.read_exact_at(&mut locator, locator_at)?;
        if !locator.starts_with(b"PK\x06\x07") {
            return Ok(None);
        }
        let mut large = [0; 56];
        // With something before the archive it stands where it ends: right before its locator.
        for at in [u64_at(&locator, 8), locator_at.saturating_sub(large.len() as u64)] {
            if at.checked_add(large.len() as u64).is_some_and(|end| end <= locator_at) {
                file.read_exact_at(&mut large, at)?;
                if large.starts_with(b"PK\x06\x06") {
                    return Ok(Some((at, large)));
                }
            }
        }
        Err(damaged("an end that cannot be read"))
    }
}

/// What the directory says of one member.
struct Entry {
    name: Vec<u8>,
    /// Made on a system with permission bits, and these.
    mode: Option<u32>,
    flags: u16,
    method: u16,
    sum: u32,
    packed: u64,
    size: u64,
    at: u64,
}

impl Entry {
    /// The next entry.
    fn read(list: &mut impl Read, shift: u64) -> Result<Self, Broken> {
        let mut fixed = [0; MEMBER_LEN];
        list.read_exact(&mut fixed)?;
        if !fixed.starts_with(MEMBER) {
            return Err(damaged("a directory that cannot be read"));
        }
        let mut name = vec![0; usize::from(u16_at(&fixed, 28))];
        let mut extra = vec![0; usize::from(u16_at(&fixed, 30))];
        let mut comment = vec![0; usize::from(u16_at(&fixed, 32))];
        list.read_exact(&mut name)?;
        list.read_exact(&mut extra)?;
        list.read_exact(&mut comment)?;
        // Windows and the like store no bits that mean anything here; 3 is Unix, 19 what macOS writes.
        let by_unix = matches!(fixed[5], 3 | 19);
        let mode = Some(u32_at(&fixed, 38) >> 16).filter(|&mode| by_unix && mode != 0);
        let mut entry = Self {
            name,
            mode,
            flags: u16_at(&fixed, 8),
            method: u16_at(&fixed, 10),
            sum: u32_at(&fixed, 16),
            packed: u64::from(u32_at(&fixed, 20)),
            size: u64::from(u32_at(&fixed, 24)),
            at: u64::from(u32_at(&fixed, 42)),
        };
        entry.enlarge(&extra)?;
        entry.at = entry.at.checked_add(shift).ok_or_else(|| damaged("a member that stands nowhere"))?;
        Ok(entry)
    }

    /// Takes what does not fit in four bytes from the field for it.
    fn enlarge(&mut self, mut extra: &[u8]) -> Result<(), Broken> {
        while extra.len() >= 4 {
            let len = usize::from(u16_at(extra, 2));
            let field = extra[4..].get(..len).ok_or_else(|| damaged("a field that cannot be read"))?;
            if u16_at(extra, 0) == 1 {
                let mut numbers = field.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
                for number in [&mut self.size, &mut self.packed, &mut self.at] {
                    if *number == u64::from(u32::MAX) {
                        *number = numbers.next().ok_or_else(|| damaged("a field that cannot be read"))?;
                    }
                }
            }
            extra = &extra[4 + len..];
        }
        Ok(())
    }

    fn member(&self) -> Member {
        let kind = match self.mode.map_or(0, |mode| mode & 0o17_0000) {
            _ if self.name.ends_with(b"/") => Kind::Directory,
            0o12_0000 => Kind::Link,
            0o4_0000 => Kind::Directory,
            0 | 0o10_0000 => Kind::File,
            _ => Kind::Special,
        };
        let unknown = if self.flags & 1 != 0 {
            Some("it is encrypted".to_owned())
        } else if !matches!(self.method, 0 | 8) {
            Some(format!("it is packed in a way that is not known here (method {})", self.method))
        } else {
            None
        };
        Member {
            path: self.name.clone(),
            form: Form::Is(kind),
            target: Vec::new(),
            size: self.size,
            mode: self.mode.map(|mode| mode & 0o7777),
            owner: None,
            unknown: unknown.filter(|_| matches!(kind, Kind::File | Kind::Link)),
        }
    }
}

/// Unpacks one member after the other.
struct Unpack<'a> {
    inflate: DeflateDecoder<Part<'a>>,
    block: Vec<u8>,
    file: &'a File,
    progress: &'a Progress,
}

impl Unpack<'_> {
    /// Hands the content on in blocks, and checks its length and its checksum.
    fn run(&mut self, entry: &Entry, to: &mut dyn FnMut(&[u8]) -> Result<(), Stop>) -> Result<(), Stop> {
        let mut part =
            Part { file: self.file, progress: self.progress, at: entry.at, left: u64::MAX - entry.at };
        let mut local = [0; LOCAL_LEN];
        part.read_exact(&mut local).map_err(Broken::from)?;
        if !local.starts_with(LOCAL) {
            return Err(damaged("a member that is not where its directory says").into());
        }
        part.at += u64::from(u16_at(&local, 26)) + u64::from(u16_at(&local, 28));
        part.left = entry.packed;
        let mut sum = flate2::Crc::new();
        let mut have = 0;
        let stored = entry.method == 0;
        if !stored {
            self.inflate.reset(part.clone());
        }
        loop {
            let from: &mut dyn Read = if stored { &mut part } else { &mut self.inflate };
            let read = match from.read(&mut self.block) {
                Ok(0) => break,
                Ok(read) => read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(Broken::from(e).into()),
            };
            have += read as u64;
            if have > entry.size {
                break;
            }
            sum.update(&self.block[..read]);
            to(&self.block[..read])?;
        }
        if have != entry.size || sum.sum() != entry.sum {
            let name = crate::text::as_text(&entry.name);
            return Err(Broken::Damaged(format!("the content of {name} does not fit its checksum")).into());
        }
        Ok(())
    }
}

/// A part of the archive.
#[derive(Clone)]
struct Part<'a> {
    file: &'a File,
    progress: &'a Progress,
    at: u64,
    left: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let len = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.file.read_at(&mut into[..len], self.at)?;
        self.at += read as u64;
        self.left -= read as u64;
        self.progress.bytes(read as u64);
        Ok(read)
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(*bytes[at..].first_chunk().unwrap_or(&[0; 2]))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().unwrap_or(&[0; 4]))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().unwrap_or(&[0; 8]))
}

fn damaged(what: &str) -> Broken {
    Broken::Damaged(format!("it holds {what}"))
}
