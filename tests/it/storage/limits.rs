//! Limits of the kernel, and disks that are small: a file that may not grow (J6), memory that is not there (J24), room that is
//! all but used up before anything starts (J21).

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{WIPE, was_true, whole_for_the_next_host};
use crate::support::{Home, Offer, Pid, has_ended, have, not_offered, root, until};

/// Gives a process that runs another limit.
pub(super) fn limit(pid: Pid, what: &str) {
    let ran =
        Command::new("prlimit").args(["--pid", &pid.as_raw_nonzero().to_string(), what]).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn j6_a_log_that_may_not_grow_is_as_a_full_disk_wherever_in_a_walk_the_limit_falls() {
    if !have("j6", "prlimit") {
        return;
    }
    // How far a walk takes the log, in bytes.
    let home = Home::new();
    let session = home.start(WIPE);
    let length = |dir: &Path| std::fs::metadata(dir.join("journal.jsonl")).unwrap().len();
    let before = length(&session.dir());
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
    let grows = length(&session.dir()) - before;
    // The files of an attempt are short; the log is to be longer than any of them.
    let long = "x".repeat(30_000);
    let (mut refused, mut done) = (0, 0);
    for more in (0..grows + 200).step_by(211) {
        let place = format!("{more} bytes more");
        let home = Home::new();
        let session = home.start(WIPE);
        session.act(&["note", &long]).expect(0);
        let host = session.host();
        limit(host, &format!("--fsize={}", length(&session.dir()) + more));
        let ran = session.act(&["run", "wipe", "--confirm", "wipe"]);
        let shown = session.step("wipe");
        match ran.code {
            Some(0) => done += 1,
            Some(3) => {
                assert!(ran.said().contains("File too large"), "{place}: {ran:?}");
                // SIGXFSZ ended nobody: a host was there to say so. With no command to wait for it goes then, and whoever asks
                // next brings up another, without the limit. `held` has the one that stays, and says so again.
                has_ended(host);
                session.act(&["note", "again"]).expect(0);
                assert_ne!(session.host(), host, "{place}");
                refused += 1;
            }
            _ => panic!("{place}: {ran:?}"),
        }
        home.kill_everything();
        let effects = home.read("effects").lines().count();
        let step = whole_for_the_next_host(&session, effects, &place);
        was_true(&shown, &ran, &step, effects, &place);
        if step == "ready" {
            session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
            assert_eq!(home.read("effects"), "gone\n", "{place}");
        }
    }
    println!("{refused} refused, {done} done");
    assert!(refused > 3 && done > 0, "{refused} refused, {done} done");
}

#[test]
fn j24_a_host_without_memory_dies_at_worst_and_starts_nothing_unrecorded() {
    if !have("j24", "prlimit") {
        return;
    }
    let (mut began, mut not) = (0, 0);
    // From the beginning: less and less, until the program itself cannot be loaded.
    for mib in [512, 256, 128, 64, 48, 40, 32, 28, 24, 20, 16, 12, 8, 4] {
        let place = format!("{mib} MiB in all");
        let home = Home::new();
        let runbook = home.write("runbook.yaml", WIPE);
        let mut start = Command::new("prlimit");
        start.arg(format!("--as={}", mib << 20)).arg(env!("CARGO_BIN_EXE_onbelay"));
        start.arg("start").arg(&runbook).env_clear().envs(home.variables()).current_dir(home.path(""));
        let ran = crate::support::Ran::of(&start.output().unwrap());
        let Some(dir) = home.sessions().pop().filter(|_| ran.code == Some(0)) else {
            not += 1;
            continue;
        };
        began += 1;
        let session =
            crate::support::Session::new(&home, dir.file_name().unwrap().to_str().unwrap().to_owned());
        walk(&home, &session, &place);
    }
    assert!(began > 1 && not > 1, "{began} began, {not} did not");
    // In the middle: what it has, and so much more.
    let (mut went, mut failed) = (0, 0);
    for kib in [0, 64, 256, 1_024, 2_048, 3_072, 4_096, 6_144, 8_192, 12_288, 16_384, 32_768, 65_536] {
        let home = Home::new();
        let session = home.start(WIPE);
        let host = session.host();
        let status = std::fs::read_to_string(format!("/proc/{}/status", host.as_raw_nonzero())).unwrap();
        let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
        let size: u64 = size.trim().trim_end_matches(" kB").parse().unwrap();
        limit(host, &format!("--as={}", (size + kib) << 10));
        match walk(&home, &session, &format!("{kib} KiB more")) {
            Some(0) => went += 1,
            _ => failed += 1,
        }
    }
    println!(
        "J24: from the beginning {began} began, {not} did not; in the middle {went} went on, {failed} failed"
    );
    assert!(failed > 0 && went > 0, "{went} went on, {failed} failed");
}

/// A walk with too little memory, then the same with enough; how the first ended.
fn walk(home: &Home, session: &crate::support::Session<'_>, place: &str) -> Option<i32> {
    let ran = session.act(&["run", "wipe", "--confirm", "wipe"]);
    let shown = session.step("wipe");
    // No gate is closed by want of memory, so nobody hears a no; what else is not a yes says what failed.
    match ran.code {
        Some(0) => {}
        Some(3) => assert!(ran.said().contains("error: "), "{place}: {ran:?}"),
        Some(4) => assert!(ran.said().contains("1 Wipe failed: "), "{place}: {ran:?}"),
        _ => panic!("{place}: {ran:?}"),
    }
    home.kill_everything();
    let effects = home.read("effects").lines().count();
    let step = whole_for_the_next_host(session, effects, place);
    was_true(&shown, &ran, &step, effects, place);
    ran.code
}

/// A file system of that size over a directory, unmounted in the end.
struct Small(PathBuf);

impl Small {
    fn over(dir: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(dir).unwrap();
        let ran = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size},mode=700"), "tmpfs"])
            .arg(dir)
            .output()
            .unwrap();
        if ran.status.success() {
            return Some(Self(dir.to_owned()));
        }
        not_offered("j21", Offer::Mounts, "no small disk can be mounted here");
        None
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn j21_a_hold_point_is_refused_before_it_starts_where_the_log_has_too_little_room() {
    if !root("j21") {
        return;
    }
    let home = Home::new();
    let Some(_disk) = Small::over(&home.state(), "80m") else { return };
    let session = home.start(WIPE);
    assert!(session.status().get("room").is_none());
    let filler = home.state().join("filler");
    std::fs::write(&filler, vec![1; 20 << 20]).unwrap();
    let ran = session.act(&["run", "wipe", "--confirm", "wipe"]).expect(1);
    let ran = ran.says("MiB are free where this session's log is kept").says("below 64 MiB");
    assert!(ran.said().contains("Free some space there"), "{ran:?}");
    assert_eq!(home.read("effects"), "");
    assert!(session.records("step_started").is_empty());
    // On record, in `status`, for scripts, and in lines.
    assert!(session.records("refused")[0]["why"].as_str().unwrap().contains("MiB are free"));
    let room = session.status()["room"].clone();
    assert!(room["free"].as_u64().unwrap() < 64 << 20, "{room}");
    session.call("status", &[]).expect(0).says("MiB are free");
    let lines = home.call_with(&["attach", session.id.as_str(), "--plain"], b"run wipe\nwipe\nquit\n");
    assert!(lines.said().contains("MiB are free"), "{lines:?}");
    // A note is taken, and with room again the step is.
    session.act(&["note", "making room"]).expect(0);
    std::fs::remove_file(&filler).unwrap();
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
    assert_eq!(home.read("effects"), "gone\n");
    session.verifies();
    home.kill_everything();
    until("the disk is let go of", || {
        crate::support::holders_of(&session.dir().join("journal.jsonl")).is_empty().then_some(())
    });
}
