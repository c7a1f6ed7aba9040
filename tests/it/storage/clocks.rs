//! The machine's clock jumps while a session is walked (J16): records are in the order of their numbers, and how old an answer
//! is goes by the clock that nobody sets.

use std::time::Duration;

use crate::support::{Home, PATIENCE, Session, have};

const WALK: &str = "onbelay: 1
title: Clocks
checks:
  fresh: { title: Fresh, run: echo asked >>asked, valid_for: 30m }
steps:
  - { id: one, title: One, requires: fresh, run: echo one >>effects }
  - { id: wipe, title: Wipe, destructive: true, requires: fresh, run: echo gone >>effects }
";

/// Debian keeps it in a directory for the machine's kind.
fn library() -> Option<std::path::PathBuf> {
    let kinds = std::fs::read_dir("/usr/lib").unwrap().flatten().map(|kind| kind.path());
    kinds.map(|kind| kind.join("faketime/libfaketime.so.1")).find(|path| path.is_file())
}

/// A home whose processes read the time from a file: `+0`, `-1h`, `+365d`, or a time at which it stands.
fn faked(time: &str) -> Option<Home> {
    if !have("j16", "faketime") {
        return None;
    }
    let mut home = Home::new();
    let clock = home.write("clock", time);
    home.set("LD_PRELOAD", library().expect("the library of faketime"));
    home.set("FAKETIME_TIMESTAMP_FILE", clock);
    home.set("FAKETIME_NO_CACHE", "1");
    home.set("NO_FAKE_STAT", "1");
    // The clocks that nobody sets are left alone, as the kernel leaves them.
    home.set("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    Some(home)
}

fn times(session: &Session<'_>) -> Vec<String> {
    session.journal().iter().map(|record| record["at"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn j16_an_hour_back_and_a_year_on_change_no_order_and_no_age() {
    let Some(home) = faked("+0") else { return };
    let session = home.start(WALK);
    session.act(&["check", "fresh"]).expect(0);
    let mut years = Vec::new();
    for (jump, says) in [("-1h", "holds"), ("+365d", "holds"), ("-20y", "holds"), ("+0", "holds")] {
        home.write("clock", jump);
        session.act(&["note", &format!("by {jump}")]).expect(0);
        assert_eq!(session.check("fresh"), says, "{jump}: asked moments ago by the clock that nobody sets");
        years.push(times(&session).last().unwrap()[..4].parse::<i32>().unwrap());
    }
    assert_eq!(years[1] - years[3], 1, "the clock did jump: {years:?}");
    home.write("clock", "-1h");
    session.act(&["run", "one"]).expect(0);
    home.write("clock", "+365d");
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
    assert_eq!(home.read("asked"), "asked\n", "one answer served all through");
    assert_eq!(home.read("effects"), "one\ngone\n");
    // A host that begins in the past goes on from the last record.
    home.write("clock", "-1h");
    session.kill_host();
    session.act(&["note", "back"]).expect(0);
    let records = session.journal();
    assert!(records.iter().map(|record| record["n"].as_u64().unwrap()).eq(1..=records.len() as u64));
    let at = times(&session);
    assert!(at.windows(2).any(|two| two[1] < two[0]), "the records tell the time as it was told: {at:?}");
    assert!(at.iter().all(|at| at.ends_with('Z')));
    // By the clock that nobody sets nothing came before what stands before it, the new host's records neither: one boot.
    assert!(records.iter().all(|record| record["event"] != "host_started" || record["boot"] == 0));
    let up: Vec<u64> = records.iter().map(|record| record["up"].as_u64().unwrap()).collect();
    assert!(up.is_sorted(), "{up:?}");
    let all = Duration::from_millis(up.last().unwrap() - up[0]);
    assert!(all < PATIENCE, "it went on by {all:?}: a jump of the clock of the day is in it");
    session.verifies();
    session.call("status", &[]).expect(0);
    home.call(&["log", session.id.as_str()]).expect(0);
    home.call(&["report", session.id.as_str()]).expect(0);
}

#[test]
fn j16_summer_time_and_a_leap_second_are_nothing_to_a_log_in_utc() {
    // An hour is skipped and another comes twice in Berlin; a second comes twice at the end of 2016.
    for (zone, time, from, to) in [
        ("Europe/Berlin", "@2026-03-29 01:59:59", "2026-03-29T00:59:59", "2026-03-29T01:59"),
        ("Europe/Berlin", "@2026-10-25 02:59:59", "2026-10-25T00:59:59", "2026-10-25T02:59"),
        ("America/St_Johns", "@2016-12-31 20:29:59", "2016-12-31T23:59:59", "2017-01-01T00:59"),
    ] {
        let Some(mut home) = faked(time) else { return };
        home.set("TZ", zone);
        let session = home.start(WALK);
        session.act(&["run", "one"]).expect(0);
        // The same second again.
        home.write("clock", time);
        session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
        let times = times(&session);
        assert!(times.iter().all(|at| (from..to).contains(&at.as_str())), "{zone}: {times:?}");
        session.verifies();
    }
}
