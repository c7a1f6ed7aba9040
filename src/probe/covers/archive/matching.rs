//! The members of an archive beside the files of the source. SHELL.

use std::collections::HashMap;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::Errno;

use super::super::Asked;
use super::super::content::{self, Both, Buffers, unreadable};
use super::super::entry::{Facts, Opener, of_open, target};
use super::super::tally::{KEPT, Kind, Side, What};
use super::links::{self, Links};
use super::live::{Found, Way};
use super::names::{Places, plain};
use super::seen::{Seen, Told};
use super::{Broken, Chunk, Data, Form, Member};
use crate::runbook::By;
use crate::text::as_text;

/// What was learnt of an archive so far.
pub(super) struct Matching<'a> {
    asked: &'a Asked<'a>,
    source: BorrowedFd<'a>,
    places: Places,
    /// What is kept of each place.
    ways: Vec<Place>,
    seen: Seen,
    links: Links,
    opener: Opener,
    buffers: Buffers,
    members: u64,
    outside: (u64, Vec<Vec<u8>>),
    /// Hard links whose first name tells nothing of the source: by that name, the place and the name of each.
    waiting: HashMap<Vec<u8>, Vec<(usize, Vec<u8>)>>,
    waits: usize,
}

/// So many hard links are looked at a second time.
const WAITS: usize = 10_000;

/// One place where the copy may begin.
#[derive(Debug, Default)]
struct Place {
    way: Way,
    /// Names of the source that were seen below it.
    found: u64,
    /// Bytes that were compared.
    bytes: u64,
}

/// A file of the source that is compared with the member which is read.
struct Open {
    place: usize,
    path: Vec<u8>,
    file: OwnedFd,
    before: Facts,
    wrong: Option<What>,
    /// What besides the content is wrong: told only if the content is not.
    also: Option<What>,
}

impl<'a> Matching<'a> {
    pub(super) fn new(
        asked: &'a Asked<'a>,
        source: BorrowedFd<'a>,
        own: Vec<Vec<u8>>,
        key: [u8; 32],
    ) -> Self {
        Self {
            asked,
            source,
            places: Places::new(own),
            ways: Vec::new(),
            seen: Seen::new(key),
            links: Links::new(key),
            opener: Opener::new(),
            buffers: Buffers::new(),
            members: 0,
            outside: (0, Vec::new()),
            waiting: HashMap::new(),
            waits: 0,
        }
    }

    /// How many members were read.
    pub(super) fn members(&self) -> u64 {
        self.members
    }

    /// Members that lead out of the archive: how many, and the first that came.
    pub(super) fn outside(&self) -> (u64, Vec<Vec<u8>>) {
        self.outside.clone()
    }

    /// Reads an archive to its end.
    pub(super) fn all(&mut self, archive: &mut dyn Data) -> Result<(), Broken> {
        while let Some(member) = archive.member()? {
            self.member(&member, archive)?;
        }
        Ok(())
    }

    /// The place where most of the source was seen: its number, its name, the bytes compared there.
    pub(super) fn best(&self) -> (usize, Vec<u8>, u64) {
        let mut best = 0;
        for (place, known) in self.ways.iter().enumerate() {
            if known.found > self.ways[best].found {
                best = place;
            }
        }
        let name = self.places.known()[best].strip_suffix(b"/").unwrap_or_default().to_vec();
        (best, name, self.ways.get(best).map_or(0, |place| place.bytes))
    }

    /// What the archive says of a name of the source, if the copy begins at this place.
    pub(super) fn seen(&self, place: usize, path: &[u8]) -> Told {
        self.seen.get(place, path)
    }

    /// Compares one member with what stands at its name, in each place.
    fn member(&mut self, member: &Member, data: &mut dyn Data) -> Result<(), Broken> {
        self.members += 1;
        self.asked.progress.entries(1);
        let Some(path) = plain(&member.path) else {
            self.outside.0 += 1;
            if self.outside.1.len() < KEPT {
                self.outside.1.push(member.path.clone());
            }
            return Ok(());
        };
        if let Some(link) = self.links.take(&path, member) {
            return Err(links::unpacked_elsewhere(&path, link));
        }
        let mut open = Vec::new();
        for place in self.places.of(&path, member.form == Form::Is(Kind::Directory)) {
            let below = &path[self.places.known()[place].len().min(path.len())..];
            if below.is_empty() {
                self.root(place, member)?;
            } else {
                let below = below.to_vec();
                open.extend(self.at(place, &below, member));
            }
        }
        self.settle(open, data)
    }

    /// The member is what the copy begins with: the source itself.
    fn root(&mut self, place: usize, member: &Member) -> Result<(), Broken> {
        if !self.asked.also.is_empty() {
            let also = self.asked.also_of(&of_open(self.source)?, member.mode, member.owner);
            self.seen.put(place, &[], also.err());
        }
        Ok(())
    }

    /// Whether the archive must be read again, for hard links.
    pub(super) fn must_read_again(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Reads the archive again: the first name of a hard link is not in the source, or is another file there, so that only
    /// now its content is compared with the file of the other name.
    pub(super) fn all_again(&mut self, archive: &mut dyn Data) -> Result<(), Broken> {
        while let Some(member) = archive.member()? {
            self.asked.progress.step();
            let Some(path) = plain(&member.path) else { continue };
            match member.form {
                // From here on it is settled, whatever becomes of its first name.
                Form::HardLink => {
                    let known = self.places.known();
                    if let Some(links) = plain(&member.target).and_then(|first| self.waiting.get_mut(&first))
                    {
                        links.retain(|(place, below)| {
                            path.strip_prefix(known[*place].as_slice()) != Some(below)
                        });
                    }
                }
                Form::Is(Kind::File) => {
                    let links = self.waiting.get(&path).cloned().unwrap_or_default();
                    let open =
                        links.iter().filter_map(|(place, below)| self.at(*place, below, &member)).collect();
                    self.settle(open, archive)?;
                }
                Form::Is(_) => {}
            }
        }
        Ok(())
    }

    /// Compares the content of files that are as they should be in all else.
    fn settle(&mut self, mut open: Vec<Open>, data: &mut dyn Data) -> Result<(), Broken> {
        if !open.is_empty() {
            self.content(&mut open, data)?;
        }
        for open in open {
            let after = of_open(&open.file);
            let wrong = match after {
                Ok(after) if open.before.unchanged(&after) => open.wrong.or(open.also),
                Ok(_) => Some(What::Changed(Side::Source)),
                Err(e) => Some(unreadable(Side::Source, e)),
            };
            self.note(open.place, &open.path, wrong);
        }
        Ok(())
    }

    fn note(&mut self, place: usize, path: &[u8], wrong: Option<What>) {
        self.ways[place].found += u64::from(self.seen.put(place, path, wrong));
    }

    /// What stands at the name, compared as far as no content is needed; a file of which it is, opened.
    fn at(&mut self, place: usize, path: &[u8], member: &Member) -> Option<Open> {
        if self.ways.len() <= place {
            self.ways.resize_with(place + 1, Place::default);
        }
        let mut way = std::mem::take(&mut self.ways[place].way);
        let mut implied = 0;
        let seen = &mut self.seen;
        let found = way.find(self.source, path, &mut |dir| implied += u64::from(seen.imply(place, dir)));
        let result = match found {
            Ok(None) => None,
            Ok(Some(found)) => Some(self.beside(place, path, &found, member)),
            Err(e) => Some(Err(unreadable(Side::Source, e))),
        };
        self.ways[place].way = way;
        self.ways[place].found += implied;
        match result? {
            Ok(Some(open)) => return Some(open),
            Ok(None) => self.note(place, path, None),
            Err(what) => self.note(place, path, Some(what)),
        }
        None
    }

    fn beside(
        &mut self,
        place: usize,
        path: &[u8],
        found: &Found<'_>,
        member: &Member,
    ) -> Result<Option<Open>, What> {
        let facts = found.facts;
        let kind = match member.form {
            Form::Is(kind) => kind,
            Form::HardLink => return self.hard_link(place, path, found, member).map(|()| None),
        };
        if kind != facts.kind {
            return Err(What::Kind(facts.kind, kind));
        }
        if let Some(why) = member.unknown.as_ref().filter(|_| self.asked.by == By::Content) {
            return Err(What::Unreadable(Side::Backup, why.clone()));
        }
        let also = self.asked.also_of(&facts, member.mode, member.owner).err();
        match kind {
            Kind::File => {}
            Kind::Link => {
                let leads = target(found.dir, &found.name).map_err(|e| unreadable(Side::Source, e))?;
                if leads != member.target {
                    return Err(What::Target(leads, member.target.clone()));
                }
                return also.map_or(Ok(None), Err);
            }
            Kind::Directory | Kind::Special => return also.map_or(Ok(None), Err),
        }
        if facts.size != member.size {
            return Err(What::Size(facts.size, member.size));
        }
        if self.asked.by == By::Size {
            return also.map_or(Ok(None), Err);
        }
        self.opener.refresh();
        let file = self.opener.file(found.dir, &found.name).map_err(|e| match e {
            Errno::NOENT | Errno::LOOP => What::Changed(Side::Source),
            e => unreadable(Side::Source, e),
        })?;
        if !of_open(&file).is_ok_and(|now| now.unchanged(&facts)) {
            return Err(What::Changed(Side::Source));
        }
        (self.asked.opened)(path);
        Ok(Some(Open { place, path: path.to_vec(), file, before: facts, wrong: None, also }))
    }

    /// Another name of an earlier member: its content is what was compared there.
    fn hard_link(
        &mut self,
        place: usize,
        path: &[u8],
        found: &Found<'_>,
        member: &Member,
    ) -> Result<(), What> {
        let unknown = |why: &str| {
            What::Unreadable(Side::Backup, format!("a hard link to {}, {why}", as_text(&member.target)))
        };
        let target_path = plain(&member.target).ok_or_else(|| unknown("which leads out of the archive"))?;
        let waits = found.facts.kind == Kind::File && self.waits < WAITS;
        if waits {
            self.waits += 1;
            self.waiting.entry(target_path.clone()).or_default().push((place, path.to_vec()));
        }
        let known = self.as_first_name(place, path, found, member, &target_path);
        if let Some(links) = self.waiting.get_mut(&target_path).filter(|_| waits && known.is_some()) {
            links.pop();
            self.waits -= 1;
            if links.is_empty() {
                self.waiting.remove(&target_path);
            }
        }
        // One that waits is compared when the archive is read again, if its first name comes before it there.
        let why =
            if waits { "and no file of that name stands before it" } else { "which cannot be compared" };
        known.unwrap_or_else(|| Err(unknown(why)))
    }

    /// What is known of a hard link by its first name in the source; none if that tells nothing.
    fn as_first_name(
        &mut self,
        place: usize,
        path: &[u8],
        found: &Found<'_>,
        member: &Member,
        first: &[u8],
    ) -> Option<Result<(), What>> {
        let first = first.strip_prefix(self.places.known()[place].as_slice())?.to_vec();
        let mut way = Way::default();
        let other = way.find(self.source, &first, &mut |_| {}).ok()??;
        let told = self.seen.get(place, &first);
        if other.facts.is_same_as(&found.facts) {
            return match told {
                Told::Fine => Some(Ok(())),
                Told::Wrong(what) => Some(Err(what)),
                Told::Missing | Told::Implied => None,
            };
        }
        // The member is as its first name in the source is; so this file must be as that one is.
        if !matches!(told, Told::Fine) || found.facts.kind != other.facts.kind {
            return None;
        }
        Some(self.as_another(path, found, &other, member))
    }

    /// Compares two things of the source.
    fn as_another(
        &mut self,
        path: &[u8],
        found: &Found<'_>,
        other: &Found<'_>,
        member: &Member,
    ) -> Result<(), What> {
        if found.facts.kind == Kind::Link {
            let (mine, theirs) = (target(found.dir, &found.name), target(other.dir, &other.name));
            let mine = mine.map_err(|e| unreadable(Side::Source, e))?;
            let theirs = theirs.map_err(|e| unreadable(Side::Source, e))?;
            return if mine == theirs { Ok(()) } else { Err(What::Target(mine, theirs)) };
        }
        if found.facts.size != other.facts.size {
            return Err(What::Size(found.facts.size, other.facts.size));
        }
        self.asked.also_of(&found.facts, member.mode, member.owner)?;
        if self.asked.by == By::Size || found.facts.size == 0 {
            return Ok(());
        }
        let mine = self.opener.file(found.dir, &found.name).map_err(|e| unreadable(Side::Source, e))?;
        let theirs = self.opener.file(other.dir, &other.name).map_err(|e| unreadable(Side::Source, e))?;
        let both = Both::new(path.to_vec(), mine, theirs, (found.facts, other.facts));
        let progress = self.asked.progress;
        both.compare((0, found.facts.size), &mut self.buffers, &mut |_| progress.step());
        both.finish().map_or(Ok(()), |what| match what {
            What::Changed(_) => Err(What::Changed(Side::Source)),
            What::Unreadable(_, why) => Err(What::Unreadable(Side::Source, why)),
            what => Err(what),
        })
    }

    /// Compares the content as it comes.
    fn content(&mut self, open: &mut [Open], data: &mut dyn Data) -> Result<(), Broken> {
        let mut at = 0;
        while let Some(chunk) = data.chunk()? {
            let len = match &chunk {
                Chunk::Bytes(bytes) => bytes.len() as u64,
                Chunk::Hole(len) => *len,
            };
            for file in open.iter_mut().filter(|file| file.wrong.is_none()) {
                let same = match &chunk {
                    Chunk::Bytes(bytes) => content::holds(&file.file, at, bytes, &mut self.buffers),
                    Chunk::Hole(len) => {
                        let progress = self.asked.progress;
                        content::zeros(&file.file, at, *len, &mut self.buffers, &mut || progress.step())
                    }
                };
                file.wrong = same.err();
                self.ways[file.place].bytes += len;
            }
            if open.iter().all(|file| file.wrong.is_some()) {
                return Ok(());
            }
            at += len;
        }
        Ok(())
    }
}
