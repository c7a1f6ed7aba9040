//! `covers`: is everything of one tree in a backup? SHELL. Never writes.
//!
//! The source is walked by several threads and each name looked for in the backup; bytes are compared with bytes. Nothing
//! is kept of what is as it should be, so a tree of any size is compared in the same memory.

mod apart;
mod archive;
mod content;
mod entry;
mod ignore;
mod line;
mod listing;
mod place;
mod queue;
mod tally;
mod walk;
mod words;

#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::runbook::{Also, By, Covers};
use crate::text::as_text;

use super::look::{Finding, shown};
use super::progress::Progress;
use apart::Named;
use archive::Broken;
use content::reason;
use entry::{Facts, Moment};
use ignore::Ignore;
use tally::{Kind, Tally, What};

/// More threads than this only wait for each other.
const MOST_THREADS: usize = 8;

/// The answer.
pub fn find(of: &Covers<String>, progress: &Progress) -> Finding {
    find_with(of, progress, &|_| {})
}

/// What is asked, ready to be looked for.
struct Asked<'a> {
    source: PathBuf,
    ignore: Ignore,
    by: By,
    also: &'a [Also],
    progress: &'a Progress,
    began: Moment,
    /// Told of each file once both sides are open and before a byte is read: where tests change it.
    opened: &'a (dyn Fn(&[u8]) + Sync),
}

impl Asked<'_> {
    /// What is compared of two things of the same kind besides what is in them.
    fn also(&self, source: &Facts, backup: &Facts) -> Result<(), What> {
        self.also_of(source, Some(backup.mode), Some(backup.owner))
    }

    /// Where the backup does not say it, it would not come back with the rest. The mode of a link means nothing.
    fn also_of(&self, source: &Facts, mode: Option<u32>, owner: Option<(u32, u32)>) -> Result<(), What> {
        let asks = |what| self.also.contains(&what) && (what != Also::Mode || source.kind != Kind::Link);
        let unsaid = (asks(Also::Mode) && mode.is_none(), asks(Also::Ownership) && owner.is_none());
        if unsaid != (false, false) {
            return Err(What::NotStored { mode: unsaid.0, owner: unsaid.1 });
        }
        for also in self.also.iter().filter(|also| asks(**also)) {
            match also {
                Also::Ownership if owner != Some(source.owner) => {
                    return Err(What::Owner(source.owner, owner.unwrap_or_default()));
                }
                Also::Mode if mode != Some(source.mode) => {
                    return Err(What::Mode(source.mode, mode.unwrap_or_default()));
                }
                Also::Ownership | Also::Mode => {}
            }
        }
        Ok(())
    }
}

/// As [`find`], with a place for tests to interfere.
fn find_with(of: &Covers<String>, progress: &Progress, opened: &(dyn Fn(&[u8]) + Sync)) -> Finding {
    let ignore = match Ignore::new(&of.ignore) {
        Ok(ignore) => ignore,
        Err(why) => return Finding::error(why),
    };
    allow_many_files();
    let source = PathBuf::from(&of.source);
    let backup = PathBuf::from(&of.backup);
    let asked = Asked { source, ignore, by: of.by, also: &of.also, progress, began: Moment::now(), opened };
    let by = match of.by {
        By::Content => "content",
        By::Size => "size",
    };
    let also: Vec<&str> = of
        .also
        .iter()
        .map(|also| match also {
            Also::Ownership => "ownership",
            Also::Mode => "mode",
        })
        .collect();
    let mut finding = look(&asked, &backup)
        .unwrap_or_else(|refused| refused)
        .with("source", resolved(&asked.source))
        .with("backup", resolved(&backup))
        .with("by", by);
    if !also.is_empty() {
        finding = finding.with("also", also);
    }
    finding
}

/// The `Err` is an answer too: one that was clear before anything was compared.
fn look(asked: &Asked<'_>, backup: &Path) -> Result<Finding, Finding> {
    let source = &asked.source;
    asked.progress.at(source);
    let facts = place::named(source).map_err(|e| match e {
        Errno::NOENT | Errno::NOTDIR => {
            Finding::fails(format!("there is nothing at {}: that proves nothing", shown(source)))
        }
        e => cannot_read(source, e),
    })?;
    if facts.kind != Kind::Directory {
        let what = facts.kind.word();
        return Err(Finding::error(format!("{} is a {what}: `source` must be a directory", shown(source))));
    }
    asked.progress.at(backup);
    let copy = place::named(backup).map_err(|e| match e {
        Errno::NOENT | Errno::NOTDIR => Finding::fails(format!("there is no backup at {}", shown(backup))),
        e => cannot_read(backup, e),
    })?;
    match copy.kind {
        Kind::Directory => directory(asked, backup),
        Kind::File => packed(asked, backup, &copy),
        _ => Err(Finding::error(format!(
            "{} is a {}: `backup` must be a directory or an archive",
            shown(backup),
            copy.kind.word()
        ))),
    }
}

/// The backup is a directory.
fn directory(asked: &Asked<'_>, backup: &Path) -> Result<Finding, Finding> {
    let source = &asked.source;
    let from = place::open(source).map_err(|e| cannot_read(source, e))?;
    let to = place::open(backup).map_err(|e| cannot_read(backup, e))?;
    let it = Named { path: source, open: from.as_fd() };
    apart::check(it, Named { path: backup, open: to.as_fd() })?;
    let base = place::base(from.as_fd(), &own_paths(source), to, &asked.ignore)
        .map_err(|e| cannot_read(source, e))?;
    if !base.path.as_os_str().is_empty() {
        let path: PathBuf = backup.components().chain(base.path.components()).collect();
        apart::check(it, Named { path: &path, open: base.dir.as_fd() })
            .map_err(|no| no.with("base", shown_base(&base.path)).with("kind", "directory"))?;
    }
    let tally = walk::directories(asked, from, base.dir, threads()).map_err(|e| cannot_read(source, e))?;
    Ok(answer(asked, &tally, &base.path, "directory"))
}

/// The backup is a file: an archive, or none.
fn packed(asked: &Asked<'_>, backup: &Path, facts: &Facts) -> Result<Finding, Finding> {
    let source = &asked.source;
    let from = place::open(source).map_err(|e| cannot_read(source, e))?;
    let own = own_paths(source)
        .iter()
        .filter_map(|path| path.file_name().map(|name| name.as_bytes().to_vec()))
        .collect();
    let file = archive::open(backup, facts)
        .map_err(Broken::from)
        .map_err(|broken| not_read(backup, &broken, None))?;
    let it = Named { path: source, open: from.as_fd() };
    apart::check(it, Named { path: backup, open: file.as_fd() })?;
    let read = archive::compare(asked, &from, file, own, threads())
        .map_err(|broken| not_read(backup, &broken, None))?;
    let finding = match read.outcome {
        Ok((base, tally)) => answer(asked, &tally, Path::new(OsStr::from_bytes(&base)), read.kind),
        Err(broken) => not_read(backup, &broken, Some(read.members)).with("kind", read.kind),
    };
    let finding = finding.with("members", read.members);
    let (outside, first) = read.outside;
    if outside == 0 {
        return Ok(finding);
    }
    let first: Vec<String> = first.iter().map(|name| as_text(name)).collect();
    Ok(finding.with("outside", serde_json::json!({ "members": outside, "first": first })))
}

/// Why an archive says nothing. One that is damaged is no backup; one that we may not or cannot read may be.
fn not_read(backup: &Path, broken: &Broken, members: Option<u64>) -> Finding {
    let path = shown(backup);
    let after = match members {
        None => String::new(),
        Some(1) => ", after 1 member".to_owned(),
        Some(n) => format!(", after {} members", crate::time::grouped(n)),
    };
    match broken {
        Broken::Cut => Finding::fails(format!("{path} ends too soon{after}: it was cut")),
        Broken::Damaged(why) => Finding::fails(format!("{path} is damaged{after}: {why}")),
        Broken::Unreadable(why) | Broken::Unknown(why) => {
            Finding::error(format!("cannot read {path}{after}: {why}"))
        }
    }
}

/// What was counted, as an answer with its evidence.
fn answer(asked: &Asked<'_>, tally: &Tally, base: &Path, kind: &str) -> Finding {
    let source = shown(&asked.source);
    let base_text = as_text(base.as_os_str().as_bytes());
    let told = words::Told { source: &source, base: &base_text, by: asked.by, also: asked.also };
    let mut finding = Finding::new(words::verdict(tally), words::sentence(tally, told))
        .with("base", shown_base(base))
        .with("kind", kind)
        .with("counts", words::counts(tally))
        .with("digest_of_names_sizes_times", tally.digest());
    let differences: Vec<serde_json::Value> = tally.first().into_iter().map(words::told).collect();
    if !differences.is_empty() {
        finding = finding.with("differences", differences);
    }
    finding
}

fn shown_base(base: &Path) -> String {
    if base.as_os_str().is_empty() { ".".to_owned() } else { shown(base) }
}

fn cannot_read(path: &Path, e: Errno) -> Finding {
    Finding::error(format!("cannot read {}: {}", shown(path), reason(e)))
}

/// The path as it was given, and where it leads if that is another one.
fn resolved(path: &Path) -> String {
    match std::fs::canonicalize(path) {
        Ok(real) if real != path => format!("{} ({})", shown(path), shown(&real)),
        _ => shown(path),
    }
}

/// The source's path as it was given and as it is.
fn own_paths(source: &Path) -> Vec<PathBuf> {
    let mut paths = vec![source.to_path_buf()];
    paths.extend(std::fs::canonicalize(source).ok().filter(|real| real != source));
    paths
}

/// Deep trees need many open directories: as many as this process may have. If it may not, some will be said to be unreadable.
fn allow_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).clamp(2, MOST_THREADS)
}
