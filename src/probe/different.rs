//! `different`: are these two things, and not one under two names? SHELL. Never writes.
//!
//! Files and directories are compared by where they really are (`identity`). Of block devices what each is made of is
//! compared too.

use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use crate::runbook::Different;

use super::devices::{Device, Number, number_of};
use super::identity::{Answer, Machine, Places, Store};
use super::look::{Finding, shown};
use super::mounts::{self, Mount};
use super::place;
use super::progress::Progress;

/// The answer.
pub(super) fn find(of: &Different<String>, progress: &Progress) -> Finding {
    let machine = match Machine::look() {
        Ok(machine) => machine,
        Err(error) => return place::cannot("read", Path::new("/proc/self/mountinfo"), error),
    };
    let one = |field, text| Thing::find(field, text, &machine, progress);
    let (a, b) = match (one("a", &of.a), one("b", &of.b)) {
        (Ok(a), Ok(b)) => (a, b),
        // A no from either is a no.
        (Err(a), Err(b)) if b.verdict == crate::session::Verdict::Fails => {
            return if a.verdict == b.verdict { a } else { b };
        }
        (Err(finding), _) | (_, Err(finding)) => return finding,
    };
    let finding = match a.sameness(&b) {
        Sameness::One(why) => Finding::fails(why),
        Sameness::Unknown(why) => Finding::error(format!(
            "cannot tell whether {} and {} are two things: {why}",
            shown(&a.path),
            shown(&b.path)
        )),
        Sameness::Two => Finding::holds(format!("{} and {} are two things", shown(&a.path), shown(&b.path))),
    };
    finding
        .with("a", a.in_words())
        .with("b", b.in_words())
        .with("how", "device and inode numbers, mounts and their layers, and /sys for disks")
}

/// What two things are to one another.
#[derive(Debug, PartialEq, Eq)]
enum Sameness {
    /// One, or one a part of the other, and how.
    One(String),
    Two,
    /// Why it cannot be told.
    Unknown(String),
}

/// Something, and all it is made of or kept on.
#[derive(Debug)]
struct Thing {
    path: PathBuf,
    kind: FileType,
    /// Device and inode number.
    id: (u64, u64),
    /// Its own number, of a block device.
    number: Option<Number>,
    /// Where it is, of a file or directory.
    places: Places,
    /// Itself when it is a device, and every device below; the first is the nearest.
    below: Vec<Device>,
    /// Every loop device below, and the piece of a file that it shows.
    pieces: Vec<(Number, Piece)>,
    /// The files behind loop devices below, by the names they have.
    files: Vec<PathBuf>,
    /// Why there may be more below.
    more: Option<String>,
}

/// A piece of the file with this device and inode number: where it begins, and where it ends.
type Piece = ((u64, u64), u64, u64);

impl Thing {
    fn find(field: &str, text: &str, machine: &Machine, progress: &Progress) -> Result<Self, Finding> {
        let path = place::path(field, text)?;
        progress.at(&path);
        let held = place::hold(&path).map_err(|error| place::not_held(&path, error))?;
        progress.entries(1);
        let kind = held.kind();
        if !matches!(kind, FileType::RegularFile | FileType::Directory | FileType::BlockDevice) {
            let kind = place::in_words(kind);
            return Err(Finding::error(format!(
                "{} is {kind}: only files, directories and block devices can be compared",
                shown(&path)
            )));
        }
        let number = number_of(&held.stat);
        let places = if number.is_none() { machine.places(held.fd()) } else { Places::default() };
        let mut thing = Self::new(path, kind, (held.stat.st_dev, held.stat.st_ino), number, places);
        let start = match number {
            Some(number) if machine.devices().get(number).is_none() => {
                return Err(Finding::error(format!(
                    "{} is block device {number}, and the kernel has none with that number",
                    shown(&thing.path)
                )));
            }
            Some(number) => Some(number),
            None => under(held.stat.st_dev, mounts::of(machine.mounts(), held.fd(), &thing.path)),
        };
        thing.go_down(start, machine);
        Ok(thing)
    }

    fn new(path: PathBuf, kind: FileType, id: (u64, u64), number: Option<Number>, places: Places) -> Self {
        let (below, pieces, files, more) = (Vec::new(), Vec::new(), Vec::new(), None);
        Self { path, kind, id, number, places, below, pieces, files, more }
    }

    /// From a device to what it is built on, through loop devices to what keeps their files.
    fn go_down(&mut self, start: Option<Number>, machine: &Machine) {
        let mut next: Vec<Number> = start.into_iter().collect();
        while let Some(number) = next.pop() {
            for device in machine.devices().down(number) {
                if self.below.iter().any(|known| known.number == device.number) {
                    continue;
                }
                match machine.behind(&device) {
                    Some(Ok((file, held))) => {
                        next.extend(under(held.stat.st_dev, mounts::of(machine.mounts(), held.fd(), &file)));
                        self.files.push(file);
                    }
                    Some(Err(why)) => self.more = Some(why),
                    None => {}
                }
                if let Ok(Store::Piece { file, from }) = machine.store_of(device.number) {
                    let to = device.bytes().map_or(u64::MAX, |bytes| from.saturating_add(bytes));
                    self.pieces.push((device.number, (file, from, to)));
                }
                self.below.push(device);
            }
        }
    }

    /// Whether the two are one, or one a part of the other.
    fn sameness(&self, other: &Self) -> Sameness {
        let (a, b) = (shown(&self.path), shown(&other.path));
        if self.number.is_some() && self.number == other.number {
            return Sameness::One(format!("{a} and {b} are one device under two names"));
        }
        if let (Some(mine), Some(theirs)) = (self.device(), other.device())
            && mine.identity().is_some_and(|mine| theirs.identity() == Some(mine))
        {
            return Sameness::One(format!("{a} and {b} are one disk reached by two ways"));
        }
        let mut unknown = None;
        if self.number.is_none() && other.number.is_none() {
            match self.places.same(&other.places) {
                Answer::Yes => {
                    let what = if self.kind == FileType::Directory { "directory" } else { "file" };
                    return Sameness::One(format!("{a} and {b} are one {what} under two names"));
                }
                Answer::Unknown(why) => unknown = Some(why),
                Answer::No => {}
            }
        }
        if let Some(why) = self.part_of(other).or_else(|| other.part_of(self)) {
            return Sameness::One(why);
        }
        if self.number.is_some() || other.number.is_some() {
            // Built on one file, by loop devices of which each shows it: whether on the same of it nobody knows.
            let twice = self.pieces.iter().find(|(mine, piece)| {
                other.pieces.iter().any(|(theirs, other)| mine != theirs && overlap(piece, other))
            });
            let twice = twice.map(|_| "both are made of one file, by two loop devices".to_owned());
            unknown = unknown.or(twice).or_else(|| self.more.clone()).or_else(|| other.more.clone());
        }
        unknown.map_or(Sameness::Two, Sameness::Unknown)
    }

    fn device(&self) -> Option<&Device> {
        self.below.iter().find(|device| Some(device.number) == self.number)
    }

    /// The piece of a file that this device itself shows.
    fn piece(&self) -> Option<&Piece> {
        self.pieces.iter().find(|(number, _)| Some(*number) == self.number).map(|(_, piece)| piece)
    }

    /// How this is a part of the other, or made of it.
    fn part_of(&self, other: &Self) -> Option<String> {
        let (a, b) = (shown(&self.path), shown(&other.path));
        if other.number.is_none() && self.pieces.iter().any(|(_, (file, ..))| *file == other.id) {
            return Some(format!("{a} is what {b} holds: the file is behind the device"));
        }
        let number = other.number?;
        if !self.below.iter().any(|device| device.number == number) {
            return self.shares_a_file(other);
        }
        Some(match self.device() {
            None => format!("{a} is kept on {b}"),
            Some(device) if device.disk().is_some_and(|disk| disk.number == number) => {
                format!("{a} is a part of {b}")
            }
            Some(_) => format!("{a} is built on {b}"),
        })
    }

    /// How this is what the other device shows, by another loop device of the same file.
    fn shares_a_file(&self, other: &Self) -> Option<String> {
        let (a, b) = (shown(&self.path), shown(&other.path));
        let theirs = other.piece()?;
        if let Some(mine) = self.piece() {
            return overlap(mine, theirs)
                .then(|| format!("{a} and {b} are one file behind two loop devices"));
        }
        let kept = self.number.is_none() && self.pieces.iter().any(|(_, mine)| overlap(mine, theirs));
        kept.then(|| format!("{a} is kept in the file that is behind {b}"))
    }

    fn in_words(&self) -> String {
        let kind = place::in_words(self.kind);
        let mut words = match self.number {
            Some(number) => format!("{kind}, {number}"),
            None => format!("{kind}, inode {} on {}", self.id.1, Number::of(self.id.0)),
        };
        if !self.below.is_empty() {
            let names: Vec<&str> = self.below.iter().map(|device| device.name.as_str()).collect();
            words = format!("{words}, on {}", names.join(", "));
        }
        for file in &self.files {
            words = format!("{words}, from the file {}", shown(file));
        }
        words
    }
}

fn overlap(one: &Piece, other: &Piece) -> bool {
    one.0 == other.0 && one.1 < other.2 && other.1 < one.2
}

/// The block device that keeps what has this `st_dev`. Some file systems make numbers up: then what is mounted tells.
fn under(st_dev: u64, mount: Option<&Mount>) -> Option<Number> {
    let number = Number::of(st_dev);
    if number.major != 0 {
        return Some(number);
    }
    let source = &mount?.source;
    if !source.is_absolute() {
        return None;
    }
    number_of(&place::hold(source).ok()?.stat)
}

#[cfg(test)]
mod tests {
    use super::super::devices::tests::{Made, number};
    use super::*;
    use crate::session::Verdict;

    fn ask(a: &Path, b: &Path) -> Finding {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        find(&Different { a: text(a), b: text(b) }, &Progress::default())
    }

    #[test]
    fn files_and_directories_by_their_numbers() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("a"), "same text").unwrap();
        std::fs::write(at("b"), "same text").unwrap();
        std::fs::hard_link(at("a"), at("hard")).unwrap();
        std::os::unix::fs::symlink("a", at("soft")).unwrap();
        std::os::unix::fs::symlink(".", at("here")).unwrap();
        let found = ask(&at("a"), &at("b"));
        assert_eq!(found.verdict, Verdict::Holds, "{}", found.detail);
        for other in ["a", "hard", "soft", "here/a"] {
            let found = ask(&at("a"), &at(other));
            assert_eq!(found.verdict, Verdict::Fails);
            assert!(found.detail.ends_with("are one file under two names"), "{}", found.detail);
        }
        assert_eq!(ask(dir.path(), &at("here")).verdict, Verdict::Fails);
        assert_eq!(ask(dir.path(), &at("a")).verdict, Verdict::Holds);
    }

    #[test]
    fn both_must_be_there_and_be_of_a_kind_that_can_be_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let gone = dir.path().join("gone");
        let found = ask(dir.path(), &gone);
        assert_eq!(
            (found.verdict, found.detail),
            (Verdict::Fails, format!("there is no {}", gone.display()))
        );
        assert_eq!(ask(Path::new("/dev/null"), &gone).verdict, Verdict::Fails);
        assert_eq!(ask(Path::new("/dev/null"), dir.path()).verdict, Verdict::Error);
    }

    fn device(made: &Made, place: &str, at: &str) -> Thing {
        let number = number(at);
        let mut thing =
            Thing::new(place.into(), FileType::BlockDevice, (6, 1), Some(number), Places::default());
        thing.go_down(thing.number, &Machine::made(Vec::new(), made.devices()));
        thing
    }

    fn one(sameness: Sameness) -> String {
        match sameness {
            Sameness::One(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn disks_and_what_is_made_of_them() {
        let made = Made::new();
        made.device("sda", "8:0");
        made.device("sda/sda1", "8:1");
        made.device("sda/sda2", "8:2");
        made.device("sdb", "8:16");
        made.device("sdc", "8:32");
        made.device("dm-0", "253:0");
        made.device("dm-1", "253:1");
        made.built_on("dm-0", "sda/sda1");
        made.built_on("dm-1", "sda/sda1");
        made.file("sdb", "device/wwid", "naa.5000c500\n");
        made.file("sdc", "device/wwid", "naa.5000c500\n");
        let of =
            |a: (&str, &str), b: (&str, &str)| device(&made, a.0, a.1).sameness(&device(&made, b.0, b.1));
        let (sda, sda1, sda2) = (("/dev/sda", "8:0"), ("/dev/sda1", "8:1"), ("/dev/sda2", "8:2"));
        let (sdb, sdc) = (("/dev/sdb", "8:16"), ("/dev/sdc", "8:32"));
        let (dm0, dm1) = (("/dev/dm-0", "253:0"), ("/dev/dm-1", "253:1"));
        assert_eq!(
            one(of(sda, ("/dev/disk/x", "8:0"))),
            "/dev/sda and /dev/disk/x are one device under two names"
        );
        assert_eq!(one(of(sda, sda1)), "/dev/sda1 is a part of /dev/sda");
        assert_eq!(one(of(sda1, sda)), "/dev/sda1 is a part of /dev/sda");
        assert_eq!(one(of(sda, dm0)), "/dev/dm-0 is built on /dev/sda");
        assert_eq!(one(of(dm0, sda1)), "/dev/dm-0 is built on /dev/sda1");
        assert_eq!(one(of(sdb, sdc)), "/dev/sdb and /dev/sdc are one disk reached by two ways");
        assert_eq!(of(sda1, sda2), Sameness::Two, "two parts of one disk are two things");
        assert_eq!(of(dm0, dm1), Sameness::Two);
        assert_eq!(of(sda, sdb), Sameness::Two);
        assert_eq!(of(dm0, sda2), Sameness::Two);
    }

    #[test]
    fn a_file_and_the_loop_device_in_front_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let (image, other) = (dir.path().join("image"), dir.path().join("other"));
        std::fs::write(&image, "").unwrap();
        std::fs::write(&other, "").unwrap();
        let made = Made::new();
        made.device("loop0", "7:0");
        made.file("loop0", "loop/backing_file", &format!("{}\n", image.display()));
        made.file("loop0", "loop/offset", "0\n");
        let looped = device(&made, "/dev/loop0", "7:0");
        let machine = Machine::made(mounts::all().unwrap(), made.devices());
        let file =
            |path: &Path| Thing::find("a", path.to_str().unwrap(), &machine, &Progress::default()).unwrap();
        let why = one(looped.sameness(&file(&image)));
        assert!(why.ends_with("the file is behind the device"), "{why}");
        one(file(&image).sameness(&looped));
        assert_eq!(looped.sameness(&file(&other)), Sameness::Two);
        made.device("loop1", "7:1");
        made.file("loop1", "loop/backing_file", &format!("{}\n", image.display()));
        made.file("loop1", "loop/offset", "0\n");
        assert_eq!(
            one(looped.sameness(&device(&made, "/dev/loop1", "7:1"))),
            "/dev/loop0 and /dev/loop1 are one file behind two loop devices"
        );
        made.device("dm-0", "253:0");
        made.built_on("dm-0", "loop1");
        let built = device(&made, "/dev/dm-0", "253:0").sameness(&looped);
        assert!(matches!(built, Sameness::Unknown(_)), "{built:?}");
    }
}
