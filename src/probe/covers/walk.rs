//! The source, walked by several threads: each name is looked for on the other side. SHELL.
//!
//! A directory is read a few hundred names at a time, and what is left of it waits as a job like any other. So a directory
//! of a million files is shared by all threads, and nothing of it is kept.

mod beside;

use std::ffi::OsStr;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use rustix::fs::FileType;
use rustix::io::Errno;

use super::Asked;
use super::archive::Told;
use super::content::{Both, Buffers, unreadable};
use super::entry::{Facts, Opener, look, of_open};
use super::line::Line;
use super::listing::Names;
use super::queue::Queue;
use super::tally::{Kind, Side, Tally, What};
use beside::{beside, gone_or};

/// Deeper trees than this are not walked: nobody makes them on purpose.
const DEEPEST: usize = 4_096;

/// The tree, and what is asked of it.
pub(super) struct Walk<'a> {
    asked: &'a Asked<'a>,
    queue: Queue<Job>,
    /// What an archive says of a name, if the backup is one.
    archive: &'a Archive<'a>,
    /// An archive was read before, and its members were told as progress.
    is_second: bool,
}

/// Answers for an archive that was read: what it said of a name of the source.
pub(super) type Archive<'a> = dyn Fn(&[u8]) -> Told + Sync + 'a;

/// What a thread can do next.
#[derive(Debug)]
enum Job {
    /// Open this directory, look at it, and take its names.
    Enter(Arc<Pair>, CString),
    /// Take the next names of this directory.
    Names(Arc<Pair>),
    /// Compare a piece of a large file, from here on.
    Piece(Arc<Both>, u64),
}

/// A directory of the source, and what stands on the other side.
#[derive(Debug)]
struct Pair {
    /// Below the source, with a `/` at its end; nothing for the source itself.
    path: Vec<u8>,
    source: OwnedFd,
    other: Other,
    line: Arc<Line>,
    /// As both were when they were opened.
    before: (Facts, Option<Facts>),
}

/// What stands on the other side of a directory.
#[derive(Debug)]
enum Other {
    Directory(OwnedFd),
    /// An archive that was read before.
    Archive,
    /// Nothing: only what is missing is counted.
    Missing(Arc<AtomicU64>),
}

/// Walks `source` and compares each of its entries with `backup`.
pub(super) fn directories(
    asked: &Asked<'_>,
    source: OwnedFd,
    backup: OwnedFd,
    threads: usize,
) -> Result<Tally, Errno> {
    walk(asked, source, Other::Directory(backup), &|_| Told::Missing, threads)
}

/// Walks `source` and asks of each of its entries what the archive said.
pub(super) fn archive(
    asked: &Asked<'_>,
    source: OwnedFd,
    archive: &Archive<'_>,
    threads: usize,
) -> Result<Tally, Errno> {
    walk(asked, source, Other::Archive, archive, threads)
}

fn walk(
    asked: &Asked<'_>,
    source: OwnedFd,
    other: Other,
    archive: &Archive<'_>,
    threads: usize,
) -> Result<Tally, Errno> {
    let facts = of_open(&source)?;
    let line = Arc::new(Line { dev: facts.dev, ino: facts.ino, depth: 0, above: None });
    let is_second = matches!(other, Other::Archive);
    let copied = if let Other::Directory(copy) = &other { Some(of_open(copy)?) } else { None };
    let also = match &copied {
        Some(copied) => asked.also(&facts, copied),
        None if asked.also.is_empty() => Ok(()),
        None => match archive(&[]) {
            Told::Fine => Ok(()),
            Told::Missing | Told::Implied => asked.also_of(&facts, None, None),
            Told::Wrong(what) => Err(what),
        },
    };
    let root = Pair { path: Vec::new(), source, other, line, before: (facts, copied) };
    let walk = Walk { asked, queue: Queue::new(), archive, is_second };
    walk.queue.push(Job::Names(Arc::new(root)));
    let mut tally = Tally::default();
    let late = if facts.changed_after(asked.began) { Err(What::Changed(Side::Source)) } else { Ok(()) };
    if let Err(what) = also.and(late) {
        tally.differs(&named(&[]), what);
    }
    std::thread::scope(|scope| {
        let workers: Vec<_> = (1..threads).map(|_| scope.spawn(|| Worker::new(&walk).work())).collect();
        tally.add(Worker::new(&walk).work());
        for worker in workers {
            match worker.join() {
                Ok(part) => tally.add(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    Ok(tally)
}

/// One thread's own.
struct Worker<'a> {
    walk: &'a Walk<'a>,
    tally: Tally,
    opener: Opener,
    buffers: Buffers,
    names: Names,
    path: Vec<u8>,
    hasher: blake3::Hasher,
    untold: Untold,
    /// What was seen last changed after we began: what was compared before may be of another time.
    is_late: bool,
}

/// What was done since progress was last told: the counters are shared, and telling each file would slow both threads.
#[derive(Debug, Default)]
struct Untold {
    entries: u64,
    bytes: u64,
}

impl<'a> Worker<'a> {
    fn new(walk: &'a Walk<'a>) -> Self {
        Self {
            walk,
            tally: Tally::default(),
            opener: Opener::new(),
            buffers: Buffers::new(),
            names: Names::new(),
            path: Vec::new(),
            hasher: blake3::Hasher::new(),
            untold: Untold::default(),
            is_late: false,
        }
    }

    fn work(mut self) -> Tally {
        while let Some((job, doing)) = self.walk.queue.next() {
            match job {
                Job::Enter(parent, name) => {
                    self.enter(&parent, &name);
                    self.leave(parent);
                }
                Job::Names(pair) => {
                    self.names(&pair);
                    self.leave(pair);
                }
                Job::Piece(both, from) => self.piece(both, from),
            }
            self.tell();
            drop(doing);
        }
        self.tally
    }

    fn tell(&mut self) {
        let Untold { entries, bytes } = std::mem::take(&mut self.untold);
        if entries > 0 && self.walk.is_second {
            self.walk.asked.progress.step();
        } else if entries > 0 {
            self.walk.asked.progress.entries(entries);
        }
        if bytes > 0 {
            self.walk.asked.progress.bytes(bytes);
        }
    }

    fn names(&mut self, pair: &Arc<Pair>) {
        let mut names = std::mem::take(&mut self.names);
        match names.take(pair.source.as_fd()) {
            Ok(true) => {}
            Ok(false) => self.walk.queue.push(Job::Names(Arc::clone(pair))),
            Err(e) => self.tally.differs(&named(&pair.path), unreadable(Side::Source, e)),
        }
        self.opener.refresh();
        for (name, file_type) in names.iter() {
            self.entry(pair, name, file_type);
            self.untold.entries += 1;
            if self.untold.entries >= 64 || self.untold.bytes >= 1 << 20 {
                self.tell();
            }
        }
        self.names = names;
    }

    /// One name of a directory of the source.
    fn entry(&mut self, pair: &Arc<Pair>, name: &CStr, file_type: FileType) {
        self.path.clear();
        self.path.extend_from_slice(&pair.path);
        self.path.extend_from_slice(name.to_bytes());
        if !self.walk.asked.ignore.is_empty() && self.walk.asked.ignore.matches(&self.path, name.to_bytes()) {
            self.tally.ignored += 1;
            return;
        }
        let wrong = match file_type {
            FileType::Directory => {
                self.walk.queue.push(Job::Enter(Arc::clone(pair), name.to_owned()));
                return;
            }
            FileType::RegularFile => self.file(pair, name),
            _ => match look(pair.source.as_fd(), name) {
                Err(e) => Err(gone_or(Side::Source, e)),
                Ok(facts) => match facts.kind {
                    Kind::Directory => {
                        self.walk.queue.push(Job::Enter(Arc::clone(pair), name.to_owned()));
                        return;
                    }
                    Kind::File => self.file(pair, name),
                    Kind::Link => self.link(pair, name, &facts),
                    Kind::Special => {
                        self.tally.count(Kind::Special);
                        self.saw(&facts, &[]);
                        Ok(())
                    }
                },
            },
        };
        let late = if std::mem::take(&mut self.is_late) { Err(What::Changed(Side::Source)) } else { Ok(()) };
        if let Err(what) = wrong.and(late) {
            self.tally.differs(&self.path, what);
        }
    }

    /// Whoever lets go of a directory last sees whether names came or went, on either side, while it was looked through.
    fn leave(&mut self, pair: Arc<Pair>) {
        let Some(pair) = Arc::into_inner(pair) else { return };
        let (source, copied) = &pair.before;
        let changed = |dir: &OwnedFd, before: &Facts| !of_open(dir).is_ok_and(|now| before.unchanged(&now));
        if changed(&pair.source, source) {
            self.tally.differs(&named(&pair.path), What::Changed(Side::Source));
        }
        if let (Other::Directory(copy), Some(copied)) = (&pair.other, copied)
            && changed(copy, copied)
        {
            self.tally.differs(&named(&pair.path), What::Changed(Side::Backup));
        }
    }

    /// A directory below the source.
    fn enter(&mut self, parent: &Pair, name: &CStr) {
        let mut path = Vec::with_capacity(parent.path.len() + name.to_bytes().len() + 1);
        path.extend_from_slice(&parent.path);
        path.extend_from_slice(name.to_bytes());
        path.push(b'/');
        self.tally.count(Kind::Directory);
        self.walk.asked.progress.at(&self.walk.asked.source.join(Path::new(OsStr::from_bytes(&path))));
        self.path.clone_from(&path);
        let wrong = match self.open(parent, name, path) {
            Ok((pair, wrong)) => {
                let late = std::mem::take(&mut self.is_late).then_some(What::Changed(Side::Source));
                let pair = Arc::new(pair);
                self.names(&pair);
                self.leave(pair);
                wrong.or(late)
            }
            Err(what) => Some(what),
        };
        self.is_late = false;
        if let Some(what) = wrong {
            let path = [&parent.path, name.to_bytes(), b"/"].concat();
            self.tally.differs(&path, what);
        }
    }

    /// Opens it on both sides. What is wrong with the directory itself does not keep us from what is in it.
    fn open(&mut self, parent: &Pair, name: &CStr, path: Vec<u8>) -> Result<(Pair, Option<What>), What> {
        self.opener.refresh();
        let source = self.opener.dir(parent.source.as_fd(), name).map_err(|e| gone_or(Side::Source, e))?;
        let facts = of_open(&source).map_err(|e| unreadable(Side::Source, e))?;
        if parent.line.holds(&facts) {
            return Err(What::Loop);
        }
        let depth = parent.line.depth + 1;
        if depth > DEEPEST {
            let why = format!("it is more than {DEEPEST} directories deep");
            return Err(What::Unreadable(Side::Source, why));
        }
        self.saw(&facts, &[]);
        let line =
            Arc::new(Line { dev: facts.dev, ino: facts.ino, depth, above: Some(Arc::clone(&parent.line)) });
        let mut before = (facts, None);
        let (other, wrong) = match &parent.other {
            Other::Missing(files) => {
                self.tally.missing_within(files, Kind::Directory);
                (Other::Missing(Arc::clone(files)), None)
            }
            Other::Directory(other) => match beside(other.as_fd(), name, &facts) {
                Ok(_) => {
                    let copy = self.opener.dir(other.as_fd(), name).map_err(|e| gone_or(Side::Backup, e))?;
                    let copied = of_open(&copy).map_err(|e| unreadable(Side::Backup, e))?;
                    if copied.is_same_as(&facts) {
                        return Err(What::Same(Kind::Directory));
                    }
                    before.1 = Some(copied);
                    (Other::Directory(copy), self.walk.asked.also(&facts, &copied).err())
                }
                Err(What::Missing) => missing(),
                Err(what) => return Err(what),
            },
            Other::Archive => match (self.walk.archive)(path.strip_suffix(b"/").unwrap_or(&path)) {
                Told::Missing => missing(),
                Told::Fine => (Other::Archive, None),
                Told::Implied => (Other::Archive, self.walk.asked.also_of(&facts, None, None).err()),
                Told::Wrong(what @ What::Kind(..)) => return Err(what),
                Told::Wrong(what) => (Other::Archive, Some(what)),
            },
        };
        Ok((Pair { path, source, other, line, before }, wrong))
    }

    /// What the archive said of the entry at `self.path`.
    fn told(&self) -> Result<(), What> {
        match (self.walk.archive)(&self.path) {
            Told::Missing | Told::Implied => Err(What::Missing),
            Told::Fine => Ok(()),
            Told::Wrong(what) => Err(what),
        }
    }

    /// The entry at `self.path` was seen like this.
    fn saw(&mut self, facts: &Facts, target: &[u8]) {
        self.is_late = facts.kind != Kind::Special && facts.changed_after(self.walk.asked.began);
        let hasher = self.hasher.reset();
        hasher.update(&(self.path.len() as u64).to_le_bytes());
        hasher.update(&self.path);
        hasher.update(&[facts.kind as u8]);
        if facts.kind == Kind::File {
            hasher.update(&facts.size.to_le_bytes());
        }
        if matches!(facts.kind, Kind::File | Kind::Link) {
            hasher.update(&facts.modified.0.to_le_bytes());
            hasher.update(&facts.modified.1.to_le_bytes());
        }
        hasher.update(target);
        self.tally.saw(hasher);
    }
}

/// A whole directory is: what is in it is only counted.
fn missing() -> (Other, Option<What>) {
    let files = Arc::new(AtomicU64::new(0));
    (Other::Missing(Arc::clone(&files)), Some(What::MissingDirectory(files)))
}

/// The source itself is told as `./`.
fn named(path: &[u8]) -> Vec<u8> {
    if path.is_empty() { b"./".to_vec() } else { path.to_vec() }
}
