//! The log is taken away or replaced under a running host (J14): whoever is attached is told and nothing is started; whoever
//! comes is not let near what stands in its place.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::fs::{CWD, Mode, mkfifoat};

use super::{WIPE, call_traced};
use crate::support::{Home, Ran, Session, alive, has_ended, have};

/// Puts something in the log's place; the log itself is at the second path.
type Harm = fn(&Path, &Path);

/// What stands there then, what is said to who is attached, and the exit status of who comes after that. A copy is as good as
/// the log itself, to them.
const HARMS: [(&str, Harm, &str, Option<i32>); 4] = [
    ("nothing", |_, _| (), "is no longer in its place", Some(2)),
    ("a pipe", |place, _| mkfifoat(CWD, place, Mode::RWXU).unwrap(), "was replaced by another file", Some(3)),
    (
        "a link to it",
        |place, kept| std::os::unix::fs::symlink(kept, place).unwrap(),
        "was replaced by another file",
        Some(3),
    ),
    (
        "a copy",
        |place, kept| assert!(std::fs::copy(kept, place).unwrap() > 0),
        "was replaced by another file",
        None,
    ),
];

/// Somebody in lines, who is attached already.
fn in_lines(home: &Home, session: &Session<'_>) -> Child {
    let mut lines = home.command(&["attach", &session.id, "--plain"]).stdin(Stdio::piped()).spawn().unwrap();
    lines.stdin.as_mut().unwrap().write_all(b"note one\n").unwrap();
    session.wait_for("noted");
    lines
}

#[test]
fn j14_a_log_replaced_under_a_running_host_is_noticed_and_nothing_is_started() {
    for (what, harm, says, code) in HARMS {
        let home = Home::new();
        let session = home.start(WIPE);
        let host = session.host();
        let mut lines = in_lines(&home, &session);
        let place = session.dir().join("journal.jsonl");
        let kept = session.dir().join("kept");
        std::fs::rename(&place, &kept).unwrap();
        let whole = std::fs::read(&kept).unwrap();
        harm(&place, &kept);
        // The host still runs; only its next record shows that the log is gone.
        assert!(alive(host), "{what}");
        lines.stdin.take().unwrap().write_all(b"run wipe\nwipe\nnote two\n").unwrap();
        let ran = Ran::of(&lines.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(3), "{what}: {ran:?}");
        assert!(ran.said().contains(says), "{what}: {ran:?}");
        has_ended(host);
        // Somebody who comes now hangs on no pipe and follows no link.
        if code.is_some() {
            let ran = session.act(&["run", "wipe", "--confirm", "wipe"]);
            assert_eq!(ran.code, code, "{what}: {ran:?}");
        }
        assert_eq!(home.read("effects"), "", "{what}");
        assert_eq!(std::fs::read(&kept).unwrap(), whole, "{what}: nothing was written to it any more");
        // Put back: it goes on from there.
        let _ = std::fs::remove_file(&place);
        std::fs::rename(&kept, &place).unwrap();
        session.act(&["note", "back"]).expect(0);
        session.verifies();
    }
}

/// What a failed sync left in the kernel's memory only looks as if it were there, and no later sync writes it.
#[test]
fn j3_who_takes_a_log_over_reads_what_the_disk_has() {
    const TEST: &str = "j3_who_takes_a_log_over_reads_what_the_disk_has";
    if !have(TEST, "strace") {
        return;
    }
    let home = Home::new();
    let session = home.start(WIPE);
    session.kill_host();
    let words = ["-e", "trace=fdatasync,fadvise64,read", "-s", "0"];
    let Some((ran, trace)) = call_traced(TEST, &home, &words, &["do", &session.id, "note", "back"]) else {
        return;
    };
    ran.expect(0);
    // The host is the one that syncs the log; of it, in this order.
    let of_log: Vec<(&str, &str)> = trace
        .iter()
        .filter(|line| line.contains("/journal.jsonl>"))
        .filter_map(|line| {
            let (pid, call) = line.split_once(' ')?;
            Some((pid, call.trim_start().split('(').next()?))
        })
        .collect();
    let (host, _) = of_log.iter().find(|(_, call)| *call == "fadvise64").expect("the memory is forgotten");
    let calls: Vec<&str> = of_log.iter().filter(|(pid, _)| pid == host).map(|(_, call)| *call).collect();
    assert!(calls.windows(3).any(|three| three == ["fdatasync", "fadvise64", "read"]), "{calls:?}");
}
