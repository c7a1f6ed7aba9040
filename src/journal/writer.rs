//! Appends records durably; the first failure is the last word. SHELL: writes and syncs the journal's file.
//! It must not know what records mean.
//!
//! After a failed write or sync nobody can say what the disk holds (a second fsync may report success for pages that
//! were dropped), so nothing is tried twice: what was written is cut off again as far as that goes, the writer refuses
//! everything from then on, and the next host reads the truth from the disk.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{Advice, OFlags};

use crate::failpoint;
use crate::id::{Digest, SessionId};
use crate::session::{Entry, Event};

use super::lock::{self, NotOurs};
use super::reader::{self, Scanned, Tail};
use super::{JOURNAL, JournalError, record};

/// Where the bytes of a journal go. One real implementation; tests have one that fails when told to.
pub trait Storage: Send {
    /// Is it still the file it was, as long as it must be? The error says what is wrong.
    fn check(&mut self, len: u64) -> io::Result<()>;
    /// One write at the end; may take fewer bytes than given.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Everything written so far is on disk when this returns.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts it to `len` bytes.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
    /// Its directory was renamed, by us.
    fn moved_to(&mut self, _dir: &Path) {}
}

/// A journal's file as a new host finds it: what it does with it before it goes on appending.
pub trait Place: Storage {
    /// Where it is.
    fn path(&self) -> &Path;
    /// Reads all of it, each record in order: what the disk has, not what a failed sync left in the kernel's memory alone.
    fn read(&mut self, each: &mut dyn FnMut(Entry)) -> Result<Scanned, JournalError>;
    /// Copies the `bytes` that come after byte `len` to a file beside it, then cuts them off; each durably.
    fn keep_aside(&mut self, len: u64, bytes: u64) -> Result<Repair, JournalError>;
}

/// The one writer of a journal. Holds the kernel's lock on it for life.
pub struct Writer {
    storage: Box<dyn Storage>,
    session: Option<SessionId>,
    last: u64,
    head: Digest,
    len: u64,
    took: Duration,
    broken: Option<String>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("session", &self.session)
            .field("last", &self.last)
            .field("head", &self.head)
            .field("len", &self.len)
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

/// A torn tail that was kept aside and cut: to be noted as `JournalRepaired`, first thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// Name of the file that keeps it, in the session's directory.
    pub kept_in: String,
    /// Bytes cut.
    pub bytes: u64,
}

impl Writer {
    /// Takes the lock, reads all and hands out each record, cuts a torn tail. Refuses what does not fit, and a newer version's;
    /// what it handed out by then is as far as that.
    pub fn open(
        dir: &Path,
        each: impl FnMut(Entry),
    ) -> Result<(Self, Scanned, Option<Repair>), JournalError> {
        let path = dir.join(JOURNAL);
        let (file, lock) = open_locked(dir, &path)?;
        Self::take_over(Box::new(OnDisk { path, file, _lock: lock }), each)
    }

    /// The same for a journal in any place, whose lock is taken.
    pub fn take_over(
        mut place: Box<dyn Place>,
        mut each: impl FnMut(Entry),
    ) -> Result<(Self, Scanned, Option<Repair>), JournalError> {
        let (mut session, mut last) = (None, 0);
        let scanned = place.read(&mut |entry| {
            last = entry.n;
            session.get_or_insert_with(|| entry.session.clone());
            each(entry);
        })?;
        let repair = match &scanned.tail {
            Tail::Whole => None,
            Tail::Torn { bytes } => Some(place.keep_aside(scanned.len, *bytes)?),
            Tail::Damaged(fault) => {
                return Err(JournalError::Damaged { path: place.path().to_owned(), fault: fault.clone() });
            }
            Tail::Newer { why, .. } => {
                return Err(JournalError::Newer { path: place.path().to_owned(), why: why.clone() });
            }
        };
        let (head, len) = (scanned.head.clone(), scanned.len);
        Ok((Self { session, last, head, len, ..Self::over(place) }, scanned, repair))
    }

    /// Makes an empty journal in `dir`, locked; it must not be there yet. The directory is not synced.
    pub(super) fn make(dir: &Path) -> Result<Self, JournalError> {
        let path = dir.join(JOURNAL);
        let file = File::options()
            .append(true)
            .read(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path)
            .map_err(JournalError::io("make", &path))?;
        let lock = lock::take(dir, &file).map_err(|not| match not {
            NotOurs::Held => JournalError::InUse { pid: None, since: String::new() },
            NotOurs::Failed(error) => JournalError::io("lock", &path)(error),
        })?;
        Ok(Self::over(Box::new(OnDisk { path, file, _lock: lock })))
    }

    /// A writer of an empty journal.
    #[must_use]
    pub fn over(storage: Box<dyn Storage>) -> Self {
        let head = record::no_link();
        Self { storage, session: None, last: 0, head, len: 0, took: Duration::ZERO, broken: None }
    }

    /// Makes the entries durable with one write and one sync. They must follow the last record. A crash on the way
    /// leaves the first few of them or none; nobody was told of those.
    /// After any failure but `TooLong` and `OutOfOrder` every later call fails with [`JournalError::Broken`].
    pub fn append(&mut self, entries: &[Entry]) -> Result<(), JournalError> {
        if let Some(why) = &self.broken {
            return Err(JournalError::Broken { why: why.clone() });
        }
        let Some(newest) = entries.last() else { return Ok(()) };
        let mut bytes = Vec::new();
        let mut head = self.head.clone();
        for (due, entry) in (self.last..).zip(entries) {
            // One number is kept back, so that counting on can never wrap.
            let follows = entry.n.checked_sub(1) == Some(due) && entry.n < u64::MAX;
            if !follows || self.session.as_ref().is_some_and(|session| *session != entry.session) {
                let session = self.session.as_ref().unwrap_or(&entry.session).to_string();
                return Err(JournalError::OutOfOrder { last: due, got: entry.n, session });
            }
            let batch = (entry.n > self.last + 1).then_some(self.last + 1);
            let line = record::line_in(entry, batch, &head);
            let body = &line[..line.len() - 1];
            if body.len() > record::MAX_LINE {
                return Err(JournalError::TooLong { bytes: body.len(), max: record::MAX_LINE });
            }
            head = record::link_to(body);
            bytes.extend_from_slice(&line);
        }
        self.put(&bytes)?;
        self.head = head;
        self.len += bytes.len() as u64;
        self.last = newest.n;
        self.session.get_or_insert_with(|| newest.session.clone());
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        let began = Instant::now();
        let written = self.storage.check(self.len).and_then(|()| {
            let done = write_all(self.storage.as_mut(), bytes).and_then(|()| {
                failpoint::pass_unsynced();
                self.storage.sync()
            });
            if done.is_err() {
                // Nobody was told that it is safe; if it cannot be cut off, the next host finds it torn or whole.
                let _ = self.storage.truncate(self.len);
            }
            done
        });
        self.took = began.elapsed();
        written.map_err(|error| {
            let why = error.to_string();
            self.broken = Some(why.clone());
            JournalError::Broken { why }
        })
    }

    /// Its directory was renamed, by us.
    pub(super) fn moved_to(&mut self, dir: &Path) {
        self.storage.moved_to(dir);
    }

    /// Number of the last record.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last
    }

    /// SHA-256 of the last line.
    #[must_use]
    pub fn head(&self) -> &Digest {
        &self.head
    }

    /// How long the last append took, write and sync.
    #[must_use]
    pub fn last_took(&self) -> Duration {
        self.took
    }

    /// Why nothing more is written, if so.
    #[must_use]
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }
}

fn write_all(storage: &mut dyn Storage, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match storage.append(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(taken) => bytes = &bytes[taken..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A journal's file, locked.
struct OnDisk {
    path: PathBuf,
    file: File,
    /// Kept open for its lock, where that is not on the journal.
    _lock: Option<File>,
}

impl OnDisk {
    fn say(&self, doing: &str) -> impl FnOnce(io::Error) -> io::Error {
        let place = format!("cannot {doing} {}", self.path.display());
        move |error| io::Error::new(error.kind(), format!("{place}: {error}"))
    }
}

impl Storage for OnDisk {
    fn check(&mut self, len: u64) -> io::Result<()> {
        let path = self.path.display();
        let ours = self.file.metadata().map_err(self.say("look at"))?;
        let there = std::fs::symlink_metadata(&self.path).map_err(|error| {
            io::Error::new(error.kind(), format!("{path} is no longer in its place: {error}"))
        })?;
        if (there.dev(), there.ino()) != (ours.dev(), ours.ino()) {
            return Err(io::Error::other(format!("{path} was replaced by another file")));
        }
        if ours.len() != len {
            let found = ours.len();
            return Err(io::Error::other(format!(
                "{path} was changed by somebody else: it has {found} bytes where {len} are due"
            )));
        }
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(self.say("write to"))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data().map_err(self.say("sync"))
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn moved_to(&mut self, dir: &Path) {
        self.path = dir.join(JOURNAL);
    }
}

impl Place for OnDisk {
    fn path(&self) -> &Path {
        &self.path
    }

    fn read(&mut self, each: &mut dyn FnMut(Entry)) -> Result<Scanned, JournalError> {
        // What a failed sync of the last host did not bring to the disk may still be in the kernel's memory, as if it were
        // there, and no later sync writes it. So it is forgotten: what is read is what the disk has.
        self.file.sync_data().map_err(JournalError::io("sync", &self.path))?;
        // Best effort: not every file system has a memory to forget from.
        let _ = rustix::fs::fadvise(&self.file, 0, None, Advice::DontNeed);
        reader::scan(io::BufReader::with_capacity(1 << 18, &self.file), each)
            .map_err(JournalError::io("read", &self.path))
    }

    fn keep_aside(&mut self, len: u64, bytes: u64) -> Result<Repair, JournalError> {
        let dir = self.path.parent().unwrap_or(Path::new("."));
        keep_aside(dir, &mut self.file, len, bytes)
    }
}

/// Opens a journal for appending and takes its lock; no link, no pipe.
fn open_locked(dir: &Path, path: &Path) -> Result<(File, Option<File>), JournalError> {
    let file = File::options()
        .append(true)
        .read(true)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)
        .map_err(JournalError::io("open", path))?;
    if !file.metadata().map_err(JournalError::io("look at", path))?.is_file() {
        let why = "is not a file; put the journal back in its place".to_owned();
        return Err(JournalError::Unsafe { path: path.to_owned(), why });
    }
    match lock::take(dir, &file) {
        Ok(lock) => Ok((file, lock)),
        Err(NotOurs::Held) => Err(in_use(file)),
        Err(NotOurs::Failed(error)) => Err(JournalError::io("lock", path)(error)),
    }
}

/// Names the host that holds the lock, as far as the journal tells.
fn in_use(file: File) -> JournalError {
    let mut host = (None, String::new());
    // What cannot be read names nobody; the answer stays the same.
    let _ = reader::scan(io::BufReader::new(file), |entry| {
        if let Event::HostStarted { pid, .. } = entry.event {
            host = (Some(pid), entry.at.to_string());
        }
    });
    let (pid, since) = host;
    JournalError::InUse { pid, since }
}

/// Copies what comes after byte `len` of the journal to `journal.broken-N`, then cuts it off; each durably.
fn keep_aside(dir: &Path, journal: &mut File, len: u64, bytes: u64) -> Result<Repair, JournalError> {
    let path = dir.join(JOURNAL);
    let (kept_in, mut aside) = new_broken(dir)?;
    let kept_path = dir.join(&kept_in);
    let mut copy = |journal: &mut File| {
        journal.seek(SeekFrom::Start(len))?;
        io::copy(&mut journal.take(bytes), &mut aside)?;
        aside.sync_all()?;
        sync_dir(dir)
    };
    copy(journal).map_err(JournalError::io("keep the torn end of the journal in", &kept_path))?;
    journal
        .set_len(len)
        .and_then(|()| journal.sync_all())
        .map_err(JournalError::io("cut the torn end off", &path))?;
    Ok(Repair { kept_in, bytes })
}

/// A new file for what is cut off, under the first name that is free.
pub(super) fn new_broken(dir: &Path) -> Result<(String, File), JournalError> {
    for number in 1_u32.. {
        let name = format!("journal.broken-{number}");
        match File::options().write(true).create_new(true).mode(0o600).open(dir.join(&name)) {
            Ok(file) => return Ok((name, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(JournalError::io("make", dir.join(&name))(error)),
        }
    }
    let why = "holds too many journal.broken files".to_owned();
    Err(JournalError::Unsafe { path: dir.to_owned(), why })
}

/// Makes the names in a directory durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
