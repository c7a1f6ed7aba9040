//! What earlier walks of the same runbook took, from their journals. SHELL: reads the sessions' home, and changes nothing.
//! It must not know screens or hosts.
//!
//! It is bounded in every way, for it is only a help: so many sessions are looked at, so many bytes are read, and for so
//! long. What is broken, closed to this account or not to be understood is left out.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::id::SessionId;
use crate::journal::reader::{self, Tail};
use crate::journal::{JOURNAL, RUNBOOK, store};
use crate::runbook;
use crate::session::estimate::{Gather, Past};
use crate::session::{Entry, Event, Opened, Session};

/// Walks that tell something, at most: the newest.
const WALKS: usize = 5;

/// Sessions whose first record is looked at, at most: the newest.
const LOOKED_AT: usize = 200;

/// Bytes read of journals and runbooks, at most, of all of them together.
const BYTES: u64 = 64 << 20;

/// A journal or a runbook of more bytes than this is left out.
const LARGEST: u64 = 16 << 20;

/// No new session is begun with after this long.
const LONG_ENOUGH: Duration = Duration::from_secs(2);

/// What the steps and checks of `session`, whose directory is `dir`, took in earlier sessions beside it.
#[must_use]
pub fn of(dir: &Path, session: &Session) -> Past {
    let mut gather = Gather::new(&session.runbook);
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    if let Some(home) = dir.parent() {
        gather_from(home, &session.id, &session.opened, &mut gather);
    }
    gather.finish()
}

fn gather_from(home: &Path, but: &SessionId, opened: &Opened, gather: &mut Gather<'_>) {
    let began = Instant::now();
    // The names of sessions begin with the time they were opened at.
    let mut names = names(home, began);
    names.retain(|name| name != but.as_str());
    names.sort_unstable_by(|a, b| b.cmp(a));
    let mut budget = BYTES;
    for name in names.iter().take(LOOKED_AT) {
        if gather.walks() >= WALKS || began.elapsed() > LONG_ENOUGH || budget == 0 {
            return;
        }
        let dir = home.join(name);
        let first = first_record(&dir, &mut budget);
        if first.is_some_and(
            |entry| matches!(&entry.event, Event::SessionOpened(other) if is_alike(opened, other)),
        ) && let Some((runbook, entries)) = walk(&dir, &mut budget)
        {
            gather.walk(&runbook, &entries);
        }
    }
}

/// Is that other session perhaps of the same runbook? By its bytes, its title, or the name of its file.
fn is_alike(one: &Opened, other: &Opened) -> bool {
    let name = |opened: &Opened| Path::new(&opened.path).file_name().map(std::ffi::OsStr::to_owned);
    one.sha256 == other.sha256 || one.title == other.title || name(one) == name(other)
}

/// The names of the sessions there, as many as are listed in time.
fn names(home: &Path, began: Instant) -> Vec<String> {
    // As every reader of this home: one that others may write to is not believed.
    if store::Store::look(home.to_owned()).is_err() {
        return Vec::new();
    }
    let Ok(found) = std::fs::read_dir(home) else { return Vec::new() };
    // Other things may lie there by the million.
    let found = found.take_while(|_| began.elapsed() <= LONG_ENOUGH);
    let names = found.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| name.starts_with(|c: char| c.is_ascii_digit())).collect()
}

/// The first record, read alone: most sessions are of another runbook.
fn first_record(dir: &Path, budget: &mut u64) -> Option<Entry> {
    let file = reader::open(&dir.join(JOURNAL)).ok()?;
    let mut line = Vec::new();
    let mut input = BufReader::new(file.take(1 << 20));
    let read = input.read_until(b'\n', &mut line).ok()?;
    *budget = budget.saturating_sub(read as u64);
    serde_json::from_slice(&line).ok()
}

/// A whole walk: its runbook, if it is the one that was walked, and its records.
fn walk(dir: &Path, budget: &mut u64) -> Option<(runbook::Runbook, Vec<Entry>)> {
    let journal = reader::open(&dir.join(JOURNAL)).ok()?;
    let copy = reader::open(&dir.join(RUNBOOK)).ok()?;
    let bytes = size(&journal)?.checked_add(size(&copy)?)?;
    *budget = budget.checked_sub(bytes)?;
    let log = reader::read_from(BufReader::with_capacity(1 << 18, journal.take(LARGEST))).ok()?;
    if matches!(log.tail, Tail::Damaged(_)) {
        return None;
    }
    let mut text = Vec::new();
    copy.take(LARGEST).read_to_end(&mut text).ok()?;
    let Event::SessionOpened(opened) = &log.entries.first()?.event else { return None };
    (runbook::digest::of_bytes(&text) == opened.sha256).then_some(())?;
    Some((runbook::read(&text, RUNBOOK).ok()?, log.entries))
}

/// How large a file is; `None`: larger than is looked at.
fn size(file: &File) -> Option<u64> {
    let size: io::Result<u64> = file.metadata().map(|data| data.len());
    size.ok().filter(|size| *size <= LARGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_names_are_listed_when_time_is_up() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("20261120-151012-a-k3f9")).unwrap();
        let now = Instant::now();
        assert_eq!(names(home.path(), now).len(), 1);
        let long_ago = now.checked_sub(2 * LONG_ENOUGH).unwrap();
        assert!(names(home.path(), long_ago).is_empty());
    }
}
