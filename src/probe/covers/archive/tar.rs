//! The members of a tar archive, in the order they stand there. SHELL: it reads what comes; it looks at nothing else.
//!
//! The `tar` crate reads the fields of a header. Its own walk over an archive is not used: it cuts extended headers at
//! line ends, which names may hold, takes an archive that ends without its end mark as whole, and knows only one of the
//! four ways in which holes are written.

use tar::{EntryType, Header};

use super::super::tally::Kind;
use super::stream::Stream;
use super::{Broken, Chunk, Data, Form, Member};

const BLOCK: usize = 512;
/// No name, and no list of holes, is longer.
const LONGEST: u64 = 16 << 20;

/// A tar archive that is being read.
pub(super) struct Tar {
    stream: Stream,
    /// Bytes of the current member that are still to come, and what fills up its last block.
    left: u64,
    padding: u64,
    /// Where the data of a sparse member goes: `(at, length)`, the next one first; nothing for any other member.
    pieces: Option<std::vec::IntoIter<(u64, u64)>>,
    piece: u64,
    /// How far the member has been handed out, and its length with its holes.
    at: u64,
    size: u64,
    /// What holds for all members that follow.
    global: Extended,
}

/// What extended headers say of the members after them; later ones win.
#[derive(Clone, Debug, Default)]
struct Extended {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u32>,
    gid: Option<u32>,
    sparse: Option<Sparse>,
}

/// The holes of a member, as extended headers say them.
#[derive(Clone, Debug, Default)]
struct Sparse {
    /// The list stands before the data.
    in_data: bool,
    path: Option<Vec<u8>>,
    size: Option<u64>,
    pieces: Vec<(u64, u64)>,
}

/// Whether a file that begins like this is a tar archive: its first header is right, or it has no members at all.
pub(super) fn is_header(start: &[u8]) -> bool {
    if start.len() < BLOCK || start.iter().all(|&b| b == 0) {
        return start.len() == BLOCK;
    }
    let header = Header::from_byte_slice(start);
    header.cksum().is_ok_and(|written| written == sum(header.as_bytes()))
}

fn sum(bytes: &[u8; BLOCK]) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|&b| u32::from(b)).sum::<u32>();
    sum(bytes) - sum(&bytes[148..156]) + 8 * u32::from(b' ')
}

impl Tar {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            left: 0,
            padding: 0,
            pieces: None,
            piece: 0,
            at: 0,
            size: 0,
            global: Extended::default(),
        }
    }

    /// The next header; none at the end mark.
    fn header(&mut self) -> Result<Option<Header>, Broken> {
        let mut header = Header::new_old();
        let bytes = header.as_mut_bytes();
        if self.stream.fill(bytes)? < BLOCK {
            return Err(Broken::Cut);
        }
        if bytes.iter().all(|&b| b == 0) {
            return Ok(None);
        }
        let sum = sum(header.as_bytes());
        match header.cksum() {
            Ok(written) if written == sum => Ok(Some(header)),
            _ => Err(damaged("a header whose checksum is wrong")),
        }
    }

    fn begin(&mut self, header: &Header, len: u64, extended: Extended) -> Result<Member, Broken> {
        let kind = header.entry_type();
        let mut path = extended.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let form = match kind.as_byte() {
            b'0' | b'\0' if path.ends_with(b"/") => Form::Is(Kind::Directory),
            b'1' => Form::HardLink,
            b'2' => Form::Is(Kind::Link),
            b'3' | b'4' | b'6' => Form::Is(Kind::Special),
            b'5' | b'D' => Form::Is(Kind::Directory),
            // What is not known is to be taken as a file, by the standard.
            _ => Form::Is(Kind::File),
        };
        let target = match form {
            Form::HardLink | Form::Is(Kind::Link) => extended.target.unwrap_or_else(|| {
                header.link_name_bytes().map(std::borrow::Cow::into_owned).unwrap_or_default()
            }),
            Form::Is(_) => Vec::new(),
        };
        // Only these have data; others may still name a length.
        self.left = match kind.as_byte() {
            b'1'..=b'6' => 0,
            _ => extended.size.unwrap_or(len),
        };
        self.padding = self.left.next_multiple_of(BLOCK as u64) - self.left;
        self.pieces = None;
        self.at = 0;
        self.size = self.left;
        if kind.is_gnu_sparse() {
            self.old_sparse(header)?;
        } else if let Some(sparse) = extended.sparse {
            path = sparse.path.unwrap_or(path);
            let size = sparse.size.ok_or_else(|| damaged("a sparse member without its length"))?;
            let pieces = if sparse.in_data { self.listed()? } else { sparse.pieces };
            self.set_pieces(pieces, size)?;
        }
        let number = |field: std::io::Result<u64>| field.ok().and_then(|n| u32::try_from(n).ok());
        let owner =
            extended.uid.or_else(|| number(header.uid())).zip(extended.gid.or_else(|| number(header.gid())));
        Ok(Member {
            path,
            form,
            target,
            size: self.size,
            mode: header.mode().ok().map(|mode| mode & 0o7777),
            owner,
            unknown: None,
        })
    }

    /// What GNU tar writes of holes unless told otherwise: in the header, and in blocks after it.
    fn old_sparse(&mut self, header: &Header) -> Result<(), Broken> {
        let wrong = || damaged("a sparse member whose list of holes cannot be read");
        let gnu = header.as_gnu().ok_or_else(wrong)?;
        let mut pieces = Vec::new();
        let mut take = |list: &[tar::GnuSparseHeader]| -> Result<(), Broken> {
            for one in list {
                if !one.is_empty() {
                    pieces.push((one.offset().map_err(|_| wrong())?, one.length().map_err(|_| wrong())?));
                }
            }
            Ok(())
        };
        take(&gnu.sparse)?;
        let mut more = gnu.is_extended();
        while more {
            let mut list = tar::GnuExtSparseHeader::new();
            if self.stream.fill(list.as_mut_bytes())? < BLOCK {
                return Err(Broken::Cut);
            }
            take(&list.sparse)?;
            more = list.is_extended();
        }
        let size = gnu.real_size().map_err(|_| wrong())?;
        self.set_pieces(pieces, size)
    }

    /// The list of a sparse member that stands before its data: a count, then places and lengths, a line each.
    fn listed(&mut self) -> Result<Vec<(u64, u64)>, Broken> {
        let wrong = || damaged("a sparse member whose list of holes cannot be read");
        let mut lines: Vec<u64> = Vec::new();
        let mut number: Option<u64> = None;
        let mut block = [0; BLOCK];
        loop {
            if self.left < BLOCK as u64 {
                return Err(wrong());
            }
            if self.stream.fill(&mut block)? < BLOCK {
                return Err(Broken::Cut);
            }
            self.left -= BLOCK as u64;
            for &byte in &block {
                match byte {
                    b'0'..=b'9' => {
                        let digits = number.unwrap_or(0).checked_mul(10);
                        number = Some(
                            digits.and_then(|n| n.checked_add(u64::from(byte - b'0'))).ok_or_else(wrong)?,
                        );
                    }
                    b'\n' => lines.push(number.take().ok_or_else(wrong)?),
                    _ => return Err(wrong()),
                }
                let all = lines.first().map_or(u64::MAX, |count| count.saturating_mul(2).saturating_add(1));
                if lines.len() as u64 == all {
                    return Ok(lines[1..].as_chunks::<2>().0.iter().map(|&[at, len]| (at, len)).collect());
                }
                if lines.len() as u64 * 8 > LONGEST {
                    return Err(wrong());
                }
            }
        }
    }

    fn set_pieces(&mut self, pieces: Vec<(u64, u64)>, size: u64) -> Result<(), Broken> {
        let wrong = || damaged("a sparse member whose list of holes is wrong");
        let mut end = 0;
        let mut data = 0;
        for &(at, len) in &pieces {
            if at < end {
                return Err(wrong());
            }
            end = at.checked_add(len).ok_or_else(wrong)?;
            data += len;
        }
        if end > size || data != self.left {
            return Err(wrong());
        }
        self.size = size;
        self.pieces = Some(pieces.into_iter());
        self.piece = 0;
        Ok(())
    }

    /// The text of an extended header.
    fn text(&mut self, len: u64) -> Result<Vec<u8>, Broken> {
        if len > LONGEST {
            return Err(damaged("a name of more than 16 MiB"));
        }
        let padded = usize::try_from(len.next_multiple_of(BLOCK as u64)).unwrap_or(0);
        let mut text = vec![0; padded];
        if self.stream.fill(&mut text)? < padded {
            return Err(Broken::Cut);
        }
        text.truncate(usize::try_from(len).unwrap_or(padded));
        Ok(text)
    }

    /// Goes past what is left of the current member.
    fn finish(&mut self) -> Result<(), Broken> {
        let mut left = self.left + self.padding;
        while left > 0 {
            let len = self.stream.block()?.len();
            if len == 0 {
                return Err(Broken::Cut);
            }
            let len = len.min(usize::try_from(left).unwrap_or(len));
            self.stream.used(len);
            left -= len as u64;
        }
        (self.left, self.padding) = (0, 0);
        Ok(())
    }
}

impl Data for Tar {
    fn member(&mut self) -> Result<Option<Member>, Broken> {
        self.finish()?;
        let mut extended = self.global.clone();
        loop {
            let Some(header) = self.header()? else {
                self.stream.drain()?;
                return Ok(None);
            };
            let len = header.entry_size().map_err(|_| damaged("a length that is no number"))?;
            match header.entry_type() {
                EntryType::GNULongName => extended.path = Some(ended(self.text(len)?)),
                EntryType::GNULongLink => extended.target = Some(ended(self.text(len)?)),
                EntryType::XHeader => extended.read(&self.text(len)?)?,
                EntryType::XGlobalHeader => {
                    let text = self.text(len)?;
                    self.global.read(&text)?;
                    extended.read(&text)?;
                }
                // The name of the volume.
                kind if kind.as_byte() == b'V' => {}
                kind if matches!(kind.as_byte(), b'M' | b'N') => {
                    let what = "it is part of an archive of several volumes, or of a form no longer written";
                    return Err(Broken::Unknown(what.to_owned()));
                }
                _ => return self.begin(&header, len, extended).map(Some),
            }
        }
    }

    fn chunk(&mut self) -> Result<Option<Chunk<'_>>, Broken> {
        if self.pieces.is_some() && self.piece == 0 {
            let next = self.pieces.as_mut().and_then(|pieces| pieces.find(|&(_, len)| len > 0));
            let (to, len) = next.unwrap_or((self.size, 0));
            self.piece = len;
            if to > self.at {
                let hole = to - self.at;
                self.at = to;
                return Ok(Some(Chunk::Hole(hole)));
            }
        }
        let wanted = if self.pieces.is_some() { self.piece } else { self.left };
        if wanted == 0 {
            return Ok(None);
        }
        let len = self.stream.block()?.len();
        if len == 0 {
            return Err(Broken::Cut);
        }
        let len = len.min(usize::try_from(wanted).unwrap_or(len));
        self.left -= len as u64;
        self.at += len as u64;
        self.piece = self.piece.saturating_sub(len as u64);
        Ok(Some(Chunk::Bytes(self.stream.take(len))))
    }
}

impl Extended {
    /// Reads records of the form `LENGTH KEY=VALUE\n`. A value may hold any bytes, line ends too.
    fn read(&mut self, mut text: &[u8]) -> Result<(), Broken> {
        let wrong = || damaged("an extended header that cannot be read");
        while !text.is_empty() && text[0] != 0 {
            let space = text.iter().position(|&b| b == b' ').ok_or_else(wrong)?;
            let len = number(&text[..space]).and_then(|n| usize::try_from(n).ok()).ok_or_else(wrong)?;
            if len <= space + 1 || len > text.len() || text[len - 1] != b'\n' {
                return Err(wrong());
            }
            let record = &text[space + 1..len - 1];
            let equals = record.iter().position(|&b| b == b'=').ok_or_else(wrong)?;
            self.set(&record[..equals], &record[equals + 1..])?;
            text = &text[len..];
        }
        Ok(())
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Broken> {
        let wrong = || damaged("an extended header with a number that is none");
        let numeric = || number(value).ok_or_else(wrong);
        let id = || numeric().and_then(|id| u32::try_from(id).map_err(|_| wrong()));
        match key {
            b"path" => self.path = Some(value.to_vec()),
            b"linkpath" => self.target = Some(value.to_vec()),
            b"size" => self.size = Some(numeric()?),
            b"uid" => self.uid = Some(id()?),
            b"gid" => self.gid = Some(id()?),
            _ => {
                if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
                    self.sparse.get_or_insert_default().set(key, value, wrong)?;
                }
            }
        }
        Ok(())
    }
}

impl Sparse {
    fn set(&mut self, key: &[u8], value: &[u8], wrong: impl Fn() -> Broken) -> Result<(), Broken> {
        let numeric = || number(value).ok_or_else(&wrong);
        match key {
            b"major" => self.in_data = numeric()? >= 1,
            b"name" => self.path = Some(value.to_vec()),
            b"size" | b"realsize" => self.size = Some(numeric()?),
            b"offset" => self.pieces.push((numeric()?, 0)),
            b"numbytes" => self.pieces.last_mut().ok_or_else(&wrong)?.1 = numeric()?,
            b"map" => {
                let numbers: Option<Vec<u64>> = value.split(|&b| b == b',').map(number).collect();
                let numbers = numbers.filter(|numbers| numbers.len() % 2 == 0).ok_or_else(&wrong)?;
                self.pieces = numbers.as_chunks::<2>().0.iter().map(|&[at, len]| (at, len)).collect();
            }
            _ => {}
        }
        Ok(())
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The text up to the byte that ends it.
fn ended(mut text: Vec<u8>) -> Vec<u8> {
    if let Some(end) = text.iter().position(|&b| b == 0) {
        text.truncate(end);
    }
    text
}

fn damaged(what: &str) -> Broken {
    Broken::Damaged(format!("it holds {what}"))
}
