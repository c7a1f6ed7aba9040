//! `fresh`: is a file there, young and large enough, and what it should be? SHELL. Never writes.

use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{FileType, Stat};
use sha2::{Digest as _, Sha256};

use crate::runbook::Fresh;
use crate::time::{in_words, parse_duration, parse_size};

use super::look::{Finding, shown};
use super::place::{self, Held};
use super::progress::Progress;

/// Read at once.
const PIECE: usize = 1 << 20;

/// The answer.
pub(super) fn find(of: &Fresh<String>, progress: &Progress) -> Finding {
    let asked = match Asked::read(of) {
        Ok(asked) => asked,
        Err(why) => return Finding::error(why),
    };
    let path = match place::path("path", &of.path) {
        Ok(path) => path,
        Err(finding) => return finding,
    };
    progress.at(&path);
    let held = match place::hold(&path) {
        Ok(held) => held,
        Err(error) => return place::not_held(&path, error),
    };
    if held.kind() != FileType::RegularFile {
        let kind = place::in_words(held.kind());
        return Finding::error(format!("{} is {kind}, not a file: name the file itself", shown(&path)));
    }
    progress.entries(1);
    let mut finding = compare(&path, &held, &asked, progress);
    if let Ok(target) = std::fs::canonicalize(&path)
        && std::fs::symlink_metadata(&path).is_ok_and(|it| it.is_symlink())
    {
        finding = finding.with("link_to", shown(&target));
    }
    finding.with("bytes", held.stat.st_size).with("written", place::time_in_words(held.stat.st_mtime))
}

/// What is asked for, read.
#[derive(Debug, Default)]
struct Asked {
    max_age: Option<(Duration, String)>,
    min_size: Option<(u64, String)>,
    sha256: Option<String>,
}

impl Asked {
    fn read(of: &Fresh<String>) -> Result<Self, String> {
        let max_age =
            of.max_age.as_deref().map(|text| parse_duration(text).map(|age| (age, text.to_owned())));
        let min_size =
            of.min_size.as_deref().map(|text| parse_size(text).map(|size| (size, text.to_owned())));
        Ok(Self {
            max_age: max_age.transpose().map_err(|wrong| format!("`max_age`: {wrong}"))?,
            min_size: min_size.transpose().map_err(|wrong| format!("`min_size`: {wrong}"))?,
            sha256: of.sha256.as_deref().map(read_digest).transpose()?,
        })
    }
}

fn read_digest(text: &str) -> Result<String, String> {
    let digest = text.trim().to_ascii_lowercase();
    if digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(digest);
    }
    Err(format!("`sha256`: expected 64 hexadecimal digits, as `sha256sum` prints them, found `{text}`"))
}

/// When the file was last written.
fn written(stat: &Stat) -> SystemTime {
    let nanos = u32::try_from(stat.st_mtime_nsec).unwrap_or(0);
    let (epoch, seconds) = (SystemTime::UNIX_EPOCH, Duration::from_secs(stat.st_mtime.unsigned_abs()));
    let whole = if stat.st_mtime < 0 { epoch.checked_sub(seconds) } else { epoch.checked_add(seconds) };
    whole.and_then(|at| at.checked_add(Duration::new(0, nanos))).unwrap_or(epoch)
}

/// The cheap questions first: what is too old need not be read.
fn compare(path: &Path, held: &Held, asked: &Asked, progress: &Progress) -> Finding {
    let size = u64::try_from(held.stat.st_size).unwrap_or(0);
    let mut met = Vec::new();
    let mut unmet = Vec::new();
    let max_age = asked.max_age.as_ref().map(|(max_age, text)| (*max_age, text.as_str()));
    match age(SystemTime::now(), written(&held.stat), max_age) {
        Ok(said) => met.extend(said),
        Err(said) => unmet.push(said),
    }
    if let Some((min_size, text)) = &asked.min_size {
        let said = format!("is {} large", place::bytes_in_words(size));
        if size >= *min_size { met.push(said) } else { unmet.push(format!("{said}, less than {text}")) }
    }
    if !unmet.is_empty() {
        return Finding::fails(format!("{} {}", shown(path), unmet.join("; and it ")));
    }
    let Some(wanted) = &asked.sha256 else {
        let said = if met.is_empty() { "is there".to_owned() } else { met.join(" and ") };
        return Finding::holds(format!("{} {said}", shown(path)));
    };
    let found = match digest(path, held, progress) {
        Ok(found) => found,
        Err(why) => return Finding::error(why),
    };
    let finding = if found == *wanted {
        met.push("has the content it should have".to_owned());
        Finding::holds(format!("{} {}", shown(path), met.join(" and ")))
    } else {
        Finding::fails(format!("{} has other content: its SHA-256 is {found}, not {wanted}", shown(path)))
    };
    finding.with("sha256", found).with("read_bytes", size)
}

/// Is it young enough? What comes from the future is not, whatever is asked: its age is not known. `Err`: how it is not.
fn age(
    now: SystemTime,
    written: SystemTime,
    max_age: Option<(Duration, &str)>,
) -> Result<Option<String>, String> {
    match (now.duration_since(written), max_age) {
        (Ok(_), None) => Ok(None),
        (Ok(age), Some((max_age, _))) if age <= max_age => {
            Ok(Some(format!("was last written {} ago", in_words(age))))
        }
        (Ok(age), Some((_, text))) => {
            Err(format!("was last written {} ago, more than {text}: make a new one", in_words(age)))
        }
        (Err(ahead), _) => {
            // Less than a second is none the less ahead.
            let ahead = ahead.duration().max(Duration::from_secs(1));
            let ahead = Duration::from_secs(ahead.as_secs() + u64::from(ahead.subsec_nanos() > 0));
            Err(format!(
                "was last written {} in the future by this machine's clock: set the clock right, or write it anew",
                in_words(ahead)
            ))
        }
    }
}

/// SHA-256 of all of it, when it stood still meanwhile.
fn digest(path: &Path, held: &Held, progress: &Progress) -> Result<String, String> {
    let unread = |error: std::io::Error| place::cannot_words("read", path, error);
    progress.of_bytes(u64::try_from(held.stat.st_size).unwrap_or(0));
    let mut file = held.open().map_err(|errno| unread(errno.into()))?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE];
    let mut read = 0;
    loop {
        let count = match file.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unread(error)),
        };
        hash.update(&piece[..count]);
        read += count as u64;
        progress.bytes(count as u64);
    }
    let after = held.again().map_err(|errno| unread(errno.into()))?;
    if !is_same(&held.stat, &after) || i128::from(read) != i128::from(after.st_size) {
        return Err(format!("{} changed while it was read: ask again when nobody writes it", shown(path)));
    }
    let named = place::hold(path).map(|now| now.stat);
    if !named.is_ok_and(|named| (named.st_dev, named.st_ino) == (after.st_dev, after.st_ino)) {
        return Err(format!("{} was put in another's place while it was read: ask again", shown(path)));
    }
    Ok(data_encoding::HEXLOWER.encode(&hash.finalize()))
}

fn is_same(before: &Stat, after: &Stat) -> bool {
    let of = |s: &Stat| (s.st_size, s.st_mtime, s.st_mtime_nsec, s.st_ctime, s.st_ctime_nsec);
    of(before) == of(after)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::session::Verdict;

    const EMPTY: &str = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";

    fn ask(path: &Path, max_age: Option<&str>, min_size: Option<&str>, sha256: Option<&str>) -> Finding {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let path = path.to_str().unwrap().to_owned();
        let of = Fresh { path, max_age: text(max_age), min_size: text(min_size), sha256: text(sha256) };
        find(&of, &Progress::default())
    }

    #[test]
    fn each_question_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dump.sql.gz");
        let name = path.display();
        assert_eq!(ask(&path, None, None, None).detail, format!("there is no {name}"));
        std::fs::write(&path, "").unwrap();
        let found = ask(&path, None, None, None);
        assert_eq!((found.verdict, found.detail), (Verdict::Holds, format!("{name} is there")));
        assert_eq!(ask(&path, Some("1h"), Some("0B"), Some(EMPTY)).verdict, Verdict::Holds);
        let found = ask(&path, None, Some("1B"), Some("00"));
        assert_eq!(found.verdict, Verdict::Error, "a wrong field is seen before anything is compared");
        let found = ask(&path, None, Some("1kB"), None);
        assert_eq!(
            (found.verdict, found.detail),
            (Verdict::Fails, format!("{name} is 0 B large, less than 1kB"))
        );
        std::fs::write(&path, "x").unwrap();
        let found = ask(&path, None, None, Some(EMPTY));
        assert_eq!(found.verdict, Verdict::Fails);
        assert!(found.detail.contains("its SHA-256 is 2d711642"), "{}", found.detail);
    }

    #[test]
    fn too_old_and_from_the_future() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let hour = Duration::from_hours(1);
        let file = File::create(&path).unwrap();
        file.set_modified(SystemTime::now() - 2 * hour).unwrap();
        let found = ask(&path, Some("1h"), None, None);
        assert_eq!(found.verdict, Verdict::Fails);
        assert!(
            found.detail.ends_with("was last written 2 h 00 min ago, more than 1h: make a new one"),
            "{}",
            found.detail
        );
        assert_eq!(ask(&path, Some("3h"), None, None).verdict, Verdict::Holds);
        file.set_modified(SystemTime::now() + 2 * hour).unwrap();
        let found = ask(&path, Some("3h"), None, None);
        assert_eq!(found.verdict, Verdict::Fails);
        assert!(found.detail.contains("in the future by this machine's clock"), "{}", found.detail);
        for (age, size, digest) in [(None, None, None), (None, Some("0B"), None), (None, None, Some(EMPTY))] {
            let found = ask(&path, age, size, digest);
            assert_eq!(found.verdict, Verdict::Fails, "{}", found.detail);
        }
        let now = SystemTime::now();
        let soon = super::age(now, now + Duration::from_millis(10), None).unwrap_err();
        assert!(soon.contains(" 1 s in the future"), "{soon}");
    }

    #[test]
    fn what_is_no_file_is_never_opened() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, 0o600.into(), 0).unwrap();
        let found = ask(&path, None, None, Some(EMPTY));
        assert_eq!(found.verdict, Verdict::Error);
        assert!(
            found.detail.ends_with("is a named pipe, not a file: name the file itself"),
            "{}",
            found.detail
        );
        assert_eq!(ask(Path::new("/dev/zero"), None, None, Some(EMPTY)).verdict, Verdict::Error);
        assert_eq!(ask(dir.path(), None, None, None).verdict, Verdict::Error);
    }

    #[test]
    fn a_link_is_followed_and_told() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("dump-5"), "").unwrap();
        let path = dir.path().join("latest");
        std::os::unix::fs::symlink("dump-5", &path).unwrap();
        let found = ask(&path, None, None, Some(EMPTY));
        assert_eq!(found.verdict, Verdict::Holds);
        assert!(found.evidence["link_to"].as_str().unwrap().ends_with("/dump-5"));
    }

    #[test]
    fn four_gigabytes_of_nothing_cost_nothing_unless_they_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sparse");
        File::create(&path).unwrap().set_len(4 << 30).unwrap();
        let began = std::time::Instant::now();
        assert_eq!(ask(&path, None, Some("4GiB"), None).verdict, Verdict::Holds);
        assert!(began.elapsed() < Duration::from_secs(1));
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_has_no_digest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "before").unwrap();
        let held = place::hold(&path).unwrap();
        std::fs::write(&path, "afterwards").unwrap();
        let why = digest(&path, &held, &Progress::default()).unwrap_err();
        assert!(why.ends_with("changed while it was read: ask again when nobody writes it"), "{why}");
        let held = place::hold(&path).unwrap();
        std::fs::write(dir.path().join("new"), "afterwards").unwrap();
        std::fs::rename(dir.path().join("new"), &path).unwrap();
        let why = digest(&path, &held, &Progress::default()).unwrap_err();
        assert!(why.contains("while it was read"), "{why}");
    }
}
