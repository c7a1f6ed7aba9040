//! The way from the host to the terminal of an interactive command. SHELL but for the frames.
//! It must not know who types: whoever may has been found out before.
//!
//! The runner holds the terminal itself. What is typed reaches it through a FIFO in the attempt's directory, so a host
//! that is killed loses nothing, and the next one opens the same way again. What is typed is in no file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};
use serde::{Deserialize, Serialize};

/// The FIFO.
pub const INPUT: &str = "input";

/// What the terminal showed, with the time of each piece: an asciicast, version 2.
pub const CAST: &str = "terminal.cast";

/// How large the terminal is: what a host that takes over goes by.
const WINDOW: &str = "window.json";

/// How large a terminal is that nobody has given another size.
pub const SIZE: Size = Size { columns: 80, rows: 24 };

/// The most bytes of one frame: no write of that many is ever torn apart, or mixed with another.
const FRAME: usize = 4096;

/// Kind and length, before what a frame holds.
const HEAD: usize = 3;

/// So many bytes may wait in the FIFO; then nothing more is taken, so that a new size always has room.
const MOST_WAITING: u64 = 48 << 10;

/// What the FIFO is made to hold, bytes, where the system gives it.
const ROOM: usize = 256 << 10;

/// How large a terminal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Width, columns.
    pub columns: u16,
    /// Height, rows.
    pub rows: u16,
}

/// What comes through the FIFO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// Bytes for the terminal.
    Bytes(Vec<u8>),
    /// It has this size from here on.
    Window(Size),
}

impl Sent {
    /// As one frame; what does not fit into one is cut by whoever calls.
    fn frame(&self) -> Vec<u8> {
        let (kind, body) = match self {
            Self::Bytes(bytes) => (b'b', bytes.clone()),
            Self::Window(size) => (b'w', [size.columns.to_be_bytes(), size.rows.to_be_bytes()].concat()),
        };
        let length = u16::try_from(body.len()).unwrap_or(0).to_be_bytes();
        [&[kind], &length[..], &body].concat()
    }
}

/// Puts frames together again, however they were read.
#[derive(Debug, Default)]
pub(super) struct Frames {
    bytes: Vec<u8>,
}

impl Frames {
    /// Takes bytes in, and gives what is whole. What no host writes is passed over.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<Sent> {
        self.bytes.extend_from_slice(bytes);
        let mut whole = Vec::new();
        let mut from = 0;
        while let Some([kind, high, low]) = self.bytes[from..].first_chunk::<HEAD>().copied() {
            let length = usize::from(u16::from_be_bytes([high, low]));
            let Some(body) = self.bytes.get(from + HEAD..from + HEAD + length) else { break };
            match (kind, body) {
                (b'b', bytes) => whole.push(Sent::Bytes(bytes.to_vec())),
                (b'w', &[a, b, c, d]) => whole.push(Sent::Window(Size {
                    columns: u16::from_be_bytes([a, b]),
                    rows: u16::from_be_bytes([c, d]),
                })),
                _ => {}
            }
            from += HEAD + length;
        }
        self.bytes.drain(..from);
        whole
    }
}

/// Makes the FIFO, before the runner starts: what is typed from then on waits in it.
pub(super) fn make(dir: &Path) -> io::Result<()> {
    let owner = Mode::RUSR | Mode::WUSR;
    Ok(rustix::fs::mknodat(rustix::fs::CWD, dir.join(INPUT), FileType::Fifo, owner, 0)?)
}

/// Takes the FIFO away: the command has ended.
pub fn unmake(dir: &Path) {
    let path = dir.join(INPUT);
    if std::fs::symlink_metadata(&path).is_ok_and(|found| found.file_type().is_fifo()) {
        let _ = std::fs::remove_file(path);
    }
}

/// Has a command in this directory a terminal now?
#[must_use]
pub fn is_open(dir: &Path) -> bool {
    std::fs::symlink_metadata(dir.join(INPUT)).is_ok_and(|found| found.file_type().is_fifo())
}

/// Opens the FIFO for both ways: it never ends, and opening it waits for nobody.
pub(super) fn open(dir: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(flags.bits().cast_signed())
        .open(dir.join(INPUT))?;
    let found = file.metadata()?;
    if !found.file_type().is_fifo() || found.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other(format!("{} is not what was made there", dir.join(INPUT).display())));
    }
    // Without the room a flood of keys is turned away sooner.
    let _ = rustix::pipe::fcntl_setpipe_size(&file, ROOM);
    Ok(file)
}

/// Notes how large the terminal is.
pub(super) fn note_size(dir: &Path, size: Size) -> io::Result<()> {
    let draft = dir.join("window.draft");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(&serde_json::to_vec(&size)?)?;
    std::fs::rename(&draft, dir.join(WINDOW))
}

/// How large the terminal of a command is that an earlier host started; [`SIZE`] where that is not noted.
#[must_use]
pub fn size(dir: &Path) -> Size {
    let read = || -> Option<Size> {
        let mut text = Vec::new();
        super::output::open(&dir.join(WINDOW)).ok()?.take(1024).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    };
    read().unwrap_or(SIZE)
}

/// What types into the terminal of one command. Never waits.
#[derive(Debug)]
pub struct Keys {
    fifo: File,
}

impl Keys {
    /// Of the command whose attempt's directory this is.
    pub fn open(dir: &Path) -> io::Result<Self> {
        open(dir).map(|fifo| Self { fifo })
    }

    /// Hands bytes over, in order. The sentence says why not all of them were taken.
    pub fn type_into(&self, bytes: &[u8]) -> Result<(), String> {
        let waiting = rustix::io::ioctl_fionread(&self.fifo)
            .map_err(|e| format!("its terminal cannot be reached: {}", io::Error::from(e)))?;
        if waiting + bytes.len() as u64 > MOST_WAITING {
            return Err(full(0));
        }
        for (n, part) in bytes.chunks(FRAME - HEAD).enumerate() {
            let taken = n * (FRAME - HEAD);
            match self.send(&Sent::Bytes(part.to_vec())) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Err(full(taken)),
                Err(e) => return Err(format!("its terminal cannot be reached: {e}")),
            }
        }
        Ok(())
    }

    /// The terminal has this size from here on.
    pub fn resize(&self, size: Size) -> io::Result<()> {
        self.send(&Sent::Window(size))
    }

    fn send(&self, sent: &Sent) -> io::Result<()> {
        // One write of no more than a frame: all of it, or nothing.
        (&self.fifo).write_all(&sent.frame())
    }
}

fn full(taken: usize) -> String {
    let what = "its command does not read what is typed, and its terminal does not take more";
    if taken == 0 { what.to_owned() } else { format!("{what} than the first {taken} bytes of this") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_whole_and_in_order_however_they_are_read() {
        let sent = [
            Sent::Bytes(b"ls\r".to_vec()),
            Sent::Window(Size { columns: 132, rows: 43 }),
            Sent::Bytes(vec![0; FRAME - HEAD]),
            Sent::Bytes(vec![3]),
        ];
        let bytes: Vec<u8> = sent.iter().flat_map(Sent::frame).collect();
        for piece in [1, 2, 5, 4096, 1 << 20] {
            let mut frames = Frames::default();
            let found: Vec<Sent> = bytes.chunks(piece).flat_map(|piece| frames.push(piece)).collect();
            assert_eq!(found, sent, "{piece}");
        }
        let mut frames = Frames::default();
        let found = frames.push(&[b"?\0\x02ab".to_vec(), Sent::Bytes(vec![1]).frame()].concat());
        assert_eq!(found, [Sent::Bytes(vec![1])], "what no host writes is passed over");
    }

    #[test]
    fn keys_wait_for_the_runner_and_a_full_way_never_blocks() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_open(dir.path()) && Keys::open(dir.path()).is_err());
        make(dir.path()).unwrap();
        assert!(is_open(dir.path()));
        let keys = Keys::open(dir.path()).unwrap();
        let text = vec![b'x'; 5_000];
        let mut taken = 0;
        let why = loop {
            match keys.type_into(&text) {
                Ok(()) => taken += text.len(),
                Err(why) => break why,
            }
        };
        assert!(why.contains("does not take more") && !why.contains("first"), "{why}");
        assert!(taken >= 20_000, "{taken}");
        keys.resize(Size { columns: 100, rows: 30 }).unwrap();
        let mut read = vec![0; 1 << 20];
        let n = open(dir.path()).unwrap().read(&mut read).unwrap();
        let sent = Frames::default().push(&read[..n]);
        let bytes = |sent: &Sent| if let Sent::Bytes(bytes) = sent { bytes.len() } else { 0 };
        assert_eq!(sent.iter().map(bytes).sum::<usize>(), taken);
        assert_eq!(sent.last(), Some(&Sent::Window(Size { columns: 100, rows: 30 })));
        unmake(dir.path());
        assert!(!is_open(dir.path()));
    }

    #[test]
    fn nothing_but_its_own_fifo_is_typed_into() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(INPUT), "").unwrap();
        assert!(Keys::open(dir.path()).is_err());
        unmake(dir.path());
        assert!(dir.path().join(INPUT).exists());
    }

    #[test]
    fn a_size_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(size(dir.path()), SIZE);
        let wide = Size { columns: 200, rows: 60 };
        note_size(dir.path(), wide).unwrap();
        assert_eq!(size(dir.path()), wide);
    }
}
