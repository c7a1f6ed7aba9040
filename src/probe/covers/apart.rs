//! Whether the source and its backup are two things, by whatever way each is reached. SHELL.

use std::os::fd::BorrowedFd;
use std::path::Path;

use super::super::identity::{Answer, Machine, Places, Store};
use super::super::look::{Finding, shown};

/// One side: how it was named, and what is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named<'a> {
    pub(super) path: &'a Path,
    pub(super) open: BorrowedFd<'a>,
}

/// Looks whether a backup is, is in, or holds the source. The `Err` is the answer: it is no copy, or nobody can tell.
pub(super) fn check(source: Named<'_>, backup: Named<'_>) -> Result<(), Finding> {
    let machine = Machine::look()
        .map_err(|e| Finding::error(format!("cannot see what is mounted on this machine: {e}")))?;
    let (from, to) = (machine.places(source.open), machine.places(backup.open));
    let (name, path) = (shown(source.path), shown(backup.path));
    let mut unknown = None;
    for (answer, how) in
        [(to.same(&from), "is"), (to.is_inside(&from), "is inside"), (from.is_inside(&to), "holds")]
    {
        match answer {
            Answer::No => {}
            Answer::Yes => return Err(Finding::fails(format!("{path} {how} {name}: that is no copy"))),
            Answer::Unknown(why) => {
                unknown.get_or_insert(format!("cannot tell whether {path} {how} {name}: {why}"));
            }
        }
    }
    parts(&machine, (source, &from), (backup, &to))?;
    unknown.map_or(Ok(()), |why| Err(Finding::error(why)))
}

/// What is mounted below either side. Where that is a plain directory shown again, the files themselves tell.
fn parts(
    machine: &Machine,
    (source, from): (Named<'_>, &Places),
    (backup, to): (Named<'_>, &Places),
) -> Result<(), Finding> {
    let below = |path: &Path| -> Vec<(String, Places)> {
        let Ok(real) = std::fs::canonicalize(path) else { return Vec::new() };
        let is_below =
            machine.mounts().iter().filter(|mount| mount.point != real && mount.point.starts_with(&real));
        let places = is_below.map(|mount| (shown(&mount.point), machine.on_mount(mount, Path::new(""))));
        places.filter(|(_, places)| hides(places)).collect()
    };
    let (of_source, of_backup) = (below(source.path), below(backup.path));
    let is_one = |a: &Places, b: &Places| a.is_inside(b) == Answer::Yes || b.is_inside(a) == Answer::Yes;
    let no_copy = |part: &str, shows: &str, of: &str| {
        Finding::fails(format!("what is mounted at {part} is kept in {shows}: that is no copy of {of}"))
    };
    for (part, places) in &of_backup {
        if places.is_inside(from) == Answer::Yes {
            return Err(no_copy(part, &shown(source.path), &shown(source.path)));
        }
        if let Some((other, _)) = of_source.iter().find(|(_, other)| is_one(places, other)) {
            return Err(no_copy(part, other, other));
        }
    }
    for (part, places) in &of_source {
        if places.is_inside(to) == Answer::Yes {
            return Err(no_copy(part, &shown(backup.path), part));
        }
    }
    Ok(())
}

/// Whether files in it have other numbers than the same files reached another way.
fn hides(places: &Places) -> bool {
    places.at().len() > 1 || places.at().iter().any(|at| matches!(at.store, Store::Piece { .. }))
}
