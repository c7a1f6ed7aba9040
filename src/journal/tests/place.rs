//! The journal's place on disk: its lock, who moved it, who follows it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::super::reader::{Follower, read};
use super::super::writer::{Writer, new_broken};
use super::super::{JOURNAL, JournalError, record};
use super::{bytes_of, entries, entry, journal_in, take_up};
use crate::session::{Entry, Event};

#[test]
fn j13_the_second_host_is_refused_with_the_first_ones_pid_and_the_lock_is_free_at_once() {
    let home = tempfile::tempdir().unwrap();
    journal_in(home.path(), &bytes_of(&entries(3)));
    let first = take_up(home.path()).unwrap();
    let refused = take_up(home.path()).unwrap_err();
    assert!(matches!(refused, JournalError::InUse { pid: Some(4711), .. }), "{refused}");
    assert!(refused.to_string().contains("process 4711, since 2026-11-20T15:10:15"), "{refused}");
    drop(first);
    take_up(home.path()).unwrap();
}

type Harm = fn(&Path);

#[test]
fn j14_a_journal_that_was_moved_replaced_or_touched_stops_the_writer_for_good() {
    let cases: [(&str, Harm, &str); 5] = [
        ("deleted", |dir| fs::remove_file(dir.join(JOURNAL)).unwrap(), "no longer in its place"),
        ("renamed", |dir| fs::rename(dir.join(JOURNAL), dir.join("x")).unwrap(), "no longer in its place"),
        (
            "replaced by a copy",
            |dir| {
                fs::copy(dir.join(JOURNAL), dir.join("x")).unwrap();
                fs::rename(dir.join("x"), dir.join(JOURNAL)).unwrap();
            },
            "was replaced",
        ),
        (
            "replaced by a link",
            |dir| {
                fs::rename(dir.join(JOURNAL), dir.join("x")).unwrap();
                std::os::unix::fs::symlink("x", dir.join(JOURNAL)).unwrap();
            },
            "was replaced",
        ),
        (
            "appended to",
            |dir| {
                let mut bytes = fs::read(dir.join(JOURNAL)).unwrap();
                bytes.push(b' ');
                fs::write(dir.join(JOURNAL), bytes).unwrap();
            },
            "changed by somebody else",
        ),
    ];
    for (name, harm, said) in cases {
        let home = tempfile::tempdir().unwrap();
        journal_in(home.path(), &bytes_of(&entries(3)));
        let (mut writer, ..) = take_up(home.path()).unwrap();
        harm(home.path());
        let next = [entry(4, Event::Finished)];
        let refused = writer.append(&next).unwrap_err();
        assert!(matches!(&refused, JournalError::Broken { why } if why.contains(said)), "{name}: {refused}");
        // Even if all is put back: never again.
        journal_in(home.path(), &bytes_of(&entries(3)));
        assert!(matches!(writer.append(&next), Err(JournalError::Broken { .. })), "{name}");
        assert!(writer.broken().is_some());
    }
}

#[test]
fn j14_a_link_or_a_pipe_in_its_place_is_not_opened() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("x"), bytes_of(&entries(3))).unwrap();
    std::os::unix::fs::symlink("x", home.path().join(JOURNAL)).unwrap();
    assert!(take_up(home.path()).is_err());
    assert!(read(home.path()).is_err());
    fs::remove_file(home.path().join(JOURNAL)).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        home.path().join(JOURNAL),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    assert!(matches!(take_up(home.path()), Err(JournalError::Unsafe { .. } | JournalError::Io { .. })));
    assert!(matches!(read(home.path()), Err(JournalError::Unsafe { .. })));
}

#[test]
fn a_follower_gives_whole_records_only_as_they_come() {
    let home = tempfile::tempdir().unwrap();
    let entries = entries(300);
    let bytes = bytes_of(&entries);
    journal_in(home.path(), b"");
    let mut follower = Follower::open(home.path()).unwrap();
    let mut seen = Vec::new();
    for upto in (0..bytes.len()).step_by(1_777).chain([bytes.len()]) {
        journal_in(home.path(), &bytes[..upto]);
        seen.extend(follower.more().unwrap());
        assert_eq!(seen.len(), memchr::memchr_iter(b'\n', &bytes[..upto]).count());
    }
    assert_eq!(seen, entries);
    // A torn rest that a repair replaced by another record.
    let home = tempfile::tempdir().unwrap();
    journal_in(home.path(), &[&bytes[..], b"{\"n\":301,torn"].concat());
    let mut follower = Follower::open(home.path()).unwrap();
    assert_eq!(follower.more().unwrap().len(), 300);
    let (mut writer, ..) = take_up(home.path()).unwrap();
    writer.append(&[entry(301, Event::Finished)]).unwrap();
    assert_eq!(follower.more().unwrap().len(), 1);
}

#[test]
fn the_journal_is_for_its_owner_alone() {
    let home = tempfile::tempdir().unwrap();
    drop(Writer::make(home.path()).unwrap());
    let mode = fs::metadata(home.path().join(JOURNAL)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(Writer::make(home.path()).is_err(), "one that is there is never overwritten");
}

#[test]
fn j13_no_command_inherits_the_journal() {
    let home = tempfile::tempdir().unwrap();
    journal_in(home.path(), &bytes_of(&entries(3)));
    let _writer = take_up(home.path()).unwrap();
    let seen = std::process::Command::new("sh").args(["-c", "ls -l /proc/self/fd"]).output().unwrap();
    let seen = String::from_utf8_lossy(&seen.stdout).into_owned();
    assert!(seen.contains("-> "), "{seen}");
    assert!(!seen.contains(JOURNAL), "{seen}");
}

/// A mounted file system of 64 KiB, unmounted in the end; `None` where this account may not mount.
struct TinyDisk(tempfile::TempDir);

impl TinyDisk {
    fn mount() -> Option<Self> {
        let place = tempfile::tempdir().unwrap();
        let mount = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs"])
            .arg(place.path())
            .output();
        mount.is_ok_and(|done| done.status.success()).then(|| Self(place))
    }
}

/// Would the kernel let this process mount (`CAP_SYS_ADMIN`)?
fn may_administrate() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    u64::from_str_radix(line.trim(), 16).unwrap() & (1 << 21) != 0
}

impl Drop for TinyDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn j4_a_full_disk_stops_the_writer_and_the_chain_goes_on_once_there_is_room() {
    let Some(disk) = TinyDisk::mount() else {
        eprintln!("SKIPPED: j4: this account may not mount a small disk");
        let held = std::env::var_os("ONBELAY_NO_SKIP").is_some();
        assert!(!(held && may_administrate()), "j4: the mount failed, and ONBELAY_NO_SKIP is set");
        return;
    };
    let dir = disk.0.path();
    fs::write(dir.join("filler"), vec![0; 30 << 10]).unwrap();
    let all = entries(400);
    let mut writer = Writer::make(dir).unwrap();
    let mut acknowledged = 0;
    let error = loop {
        match writer.append(&all[acknowledged..acknowledged + 3]) {
            Ok(()) => acknowledged += 3,
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("No space left on device"), "{error}");
    fs::remove_file(dir.join("filler")).unwrap();
    assert!(
        matches!(writer.append(&all[acknowledged..=acknowledged]), Err(JournalError::Broken { .. })),
        "not even now"
    );
    drop(writer);
    let (mut writer, log, repair) = take_up(dir).unwrap();
    assert_eq!(
        (log.entries.as_slice(), repair),
        (&all[..acknowledged], None),
        "the torn part was cut off at once"
    );
    writer.append(&all[acknowledged..=acknowledged]).unwrap();
    assert_eq!(read(dir).unwrap().entries, all[..=acknowledged]);
}

#[test]
fn nothing_to_append_is_no_write() {
    let home = tempfile::tempdir().unwrap();
    journal_in(home.path(), &bytes_of(&entries(3)));
    let (mut writer, ..) = take_up(home.path()).unwrap();
    // Not even a look at it: nothing is there to be lost.
    fs::remove_file(home.path().join(JOURNAL)).unwrap();
    writer.append(&[]).unwrap();
    writer.append(&[entry(4, Event::Finished)]).unwrap_err();
}

#[test]
fn what_is_cut_off_is_kept_under_the_first_name_that_is_free() {
    let gone = Path::new("/no/such/directory");
    let said = new_broken(gone).unwrap_err().to_string();
    assert!(said.contains("cannot make /no/such/directory/journal.broken-1"), "{said}");
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("journal.broken-1"), "kept before").unwrap();
    assert_eq!(new_broken(home.path()).unwrap().0, "journal.broken-2");
}

#[test]
fn a_writer_that_took_a_journal_over_takes_its_own_session_alone() {
    let home = tempfile::tempdir().unwrap();
    journal_in(home.path(), &bytes_of(&entries(3)));
    let (mut writer, ..) = take_up(home.path()).unwrap();
    let other = Entry { session: "20260101-000000-other-aaaa".into(), ..entry(4, Event::Finished) };
    assert!(matches!(writer.append(&[other]), Err(JournalError::OutOfOrder { last: 3, got: 4, .. })));
    writer.append(&[entry(4, Event::Finished)]).unwrap();
}

#[test]
fn a_machine_that_fails_is_told_from_a_call_that_is_wrong() {
    let io = JournalError::io("write", "/x")(std::io::Error::other("no"));
    assert!(io.is_machine() && JournalError::Broken { why: String::new() }.is_machine());
    assert!(!JournalError::Exists("x".to_owned()).is_machine());
}

#[test]
fn what_is_written_is_marked_with_its_first_up_to_the_longest_and_its_time_is_told() {
    let home = tempfile::tempdir().unwrap();
    journal_in(home.path(), &bytes_of(&entries(3)));
    let (mut writer, log, _) = take_up(home.path()).unwrap();
    assert!(format!("{writer:?}").starts_with("Writer"));
    let around = record::line(&entry(4, Event::Noted { text: String::new() }), &log.head).len() - 1;
    let note = |length: usize| entry(4, Event::Noted { text: "x".repeat(length) });
    let refused = writer.append(&[note(record::MAX_LINE - around + 1)]);
    assert!(matches!(refused, Err(JournalError::TooLong { .. })), "{refused:?}");
    writer.append(&[note(record::MAX_LINE - around)]).unwrap();
    assert!(!writer.last_took().is_zero());
    writer.append(&[entry(5, Event::Finished), entry(6, Event::Finished)]).unwrap();
    let bytes = fs::read(home.path().join(JOURNAL)).unwrap();
    let batches: Vec<_> = bytes.split(|byte| *byte == b'\n').map(record::batch_of).collect();
    assert_eq!(batches[3..6], [None, None, Some(5)]);
}
