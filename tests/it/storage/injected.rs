//! F-D4: each call of the host that touches storage fails, at every place where it can, once and from there on.

use super::{Strace, WIPE, call_traced, whole_for_the_next_host};
use crate::support::{Home, Ran, Session, have};

/// Set: every call at every place, in every way. Without it a run takes each place once.
const LONG: &str = "ONBELAY_LONG";

/// Everything that a session's storage is touched with.
const CALLS: [&str; 7] = ["write", "fdatasync", "fsync", "openat", "rename", "ftruncate", "mkdir"];

/// Where one walk ends that never meets the place: it has none.
const MOST_PLACES: u32 = 400;

#[derive(Clone, Copy, Debug)]
struct Harm {
    call: &'static str,
    error: &'static str,
    /// The n-th such call of a thread.
    n: u32,
    /// And all that follow.
    persistent: bool,
    /// What was written cannot be cut off again either.
    no_cut: bool,
}

impl Harm {
    fn words(&self) -> Vec<String> {
        let Self { call, error, n, .. } = self;
        let on = if self.persistent { "+" } else { "" };
        let mut words = vec![
            "-e".to_owned(),
            format!("trace={},execve", CALLS.join(",")),
            "-s".to_owned(),
            "4096".to_owned(),
            "-e".to_owned(),
            format!("inject={call}:error={error}:when={n}{on}"),
        ];
        if self.no_cut {
            words.extend(["-e".to_owned(), "inject=ftruncate:error=EIO".to_owned()]);
        }
        words
    }
}

/// Once, and no more: a runner that cannot leave its command's outcome tries again for as long as that lasts.
fn once(call: &'static str, n: u32) -> Vec<Harm> {
    ["ENOSPC", "EIO"].map(|error| Harm { call, error, n, persistent: false, no_cut: false }).to_vec()
}

/// Every way in which a call fails at its n-th place.
fn ways(call: &'static str, n: u32) -> Vec<Harm> {
    let long = std::env::var_os(LONG).is_some();
    let mut ways = Vec::new();
    for (error, persistent, no_cut) in [
        ("ENOSPC", false, false),
        ("EIO", true, false),
        ("EIO", false, true),
        ("EIO", false, false),
        ("ENOSPC", true, false),
        ("ENOSPC", true, true),
    ] {
        ways.push(Harm { call, error, n, persistent, no_cut });
    }
    ways.truncate(if long { 6 } else { 3 });
    ways
}

/// The ways in which a call fails at its n-th place.
type Ways = fn(&'static str, u32) -> Vec<Harm>;

/// What must hold of one of them; `false`: there is no such place. `None`: it cannot be brought about here.
type Walk = fn(Harm) -> Option<bool>;

fn injected(trace: &[String]) -> bool {
    trace.iter().any(|line| line.contains("(INJECTED)"))
}

/// Was the record that announces the start made durable, as the trace has it? `None`: it was not even written.
fn intent_is_durable(trace: &[String]) -> Option<bool> {
    let written = trace.iter().position(|line| {
        line.contains("write(") && line.contains("journal.jsonl") && line.contains("step_started")
    })?;
    let well = |line: &String| !line.contains("(INJECTED)") && !line.contains("= -1");
    let synced = trace[written..].iter().find(|line| line.contains("fdatasync("))?;
    Some(well(&trace[written]) && well(synced))
}

/// What holds of a walk in which this call failed at its n-th place. `false`: there is no such place.
fn walk_with(harm: Harm) -> Option<bool> {
    let place = format!("{harm:?}");
    let home = Home::new();
    let session = home.start(WIPE);
    let words = harm.words();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // Its first thread alone: the one that decides, records, and is never retried.
    let strace = Strace::attach("f_d4", session.host(), &words, &home.path("trace"))?;
    let ran = session.act(&["run", "wipe", "--confirm", "wipe"]);
    let shown = session.call("status", &["--json"]).expect(0);
    home.kill_everything();
    let trace = strace.end();
    let effects = home.read("effects").lines().count();
    let met = injected(&trace);
    if effects > 0 {
        assert_eq!(intent_is_durable(&trace), Some(true), "{place}: started\n{}", trace.join("\n"));
    }
    match ran.code {
        Some(0) => {
            assert_eq!(effects, 1, "{place}: {ran:?}");
            assert!(shown.stdout.contains("\"done\""), "{place}: {}", shown.stdout);
        }
        Some(3) => {
            assert!(met, "{place}: {ran:?}");
            assert!(ran.said().contains("log"), "{place}: {ran:?}");
            never_again(&trace, &place);
        }
        _ => panic!("{place}: {ran:?}\n{}", trace.join("\n")),
    }
    let step = whole_for_the_next_host(&session, effects, &place);
    if ran.code == Some(0) {
        assert_eq!(step, "done", "{place}: what was acknowledged is so");
    }
    Some(met)
}

/// After the first failure of a write or a sync of the journal nothing is written to it and nothing synced.
pub(super) fn never_again(trace: &[String], place: &str) {
    let of_journal = |line: &&String| {
        line.contains("journal.jsonl") && (line.contains("write(") || line.contains("fdatasync("))
    };
    let lines: Vec<&String> = trace.iter().filter(of_journal).collect();
    let Some(failed) = lines.iter().position(|line| line.contains("(INJECTED)")) else { return };
    assert_eq!(failed + 1, lines.len(), "{place}: tried again\n{}", trace.join("\n"));
}

/// Every place of this call, until a walk meets none.
fn every_place(call: &'static str, ways: Ways, walk: Walk) -> Option<(u32, u32)> {
    let (mut cases, mut met) = (0, 0);
    for n in 1..MOST_PLACES {
        let mut any = false;
        for harm in ways(call, n) {
            let here = walk(harm)?;
            cases += 1;
            met += u32::from(here);
            any |= here;
        }
        if !any {
            return Some((cases, met));
        }
    }
    panic!("{call} has no end");
}

#[test]
fn f_d4_j3_j4_every_write_of_a_walking_host_fails_and_nothing_starts_unrecorded() {
    if !have("f_d4", "strace") {
        return;
    }
    let Some((cases, met)) = every_place("write", ways, walk_with) else { return };
    println!("write: {cases} walks, {met} with a failure");
    assert!(met >= 9, "{met}");
}

#[test]
fn f_d4_j3_every_fdatasync_of_a_walking_host_fails_and_nothing_starts_unrecorded() {
    if !have("f_d4", "strace") {
        return;
    }
    let Some((cases, met)) = every_place("fdatasync", ways, walk_with) else { return };
    println!("fdatasync: {cases} walks, {met} with a failure");
    assert!(met >= 9, "{met}");
}

fn traced(home: &Home, harm: Harm, words: &[&str]) -> Option<(Ran, Vec<String>)> {
    let strace = harm.words();
    let strace: Vec<&str> = strace.iter().map(String::as_str).collect();
    call_traced("f_d4", home, &strace, words)
}

/// What holds of a beginning in which this call failed: there is a session that can be walked, or there is none.
fn begin_with(harm: Harm) -> Option<bool> {
    let place = format!("begin {harm:?}");
    let home = Home::new();
    let runbook = home.write("runbook.yaml", WIPE);
    let (ran, trace) = traced(&home, harm, &["start", runbook.to_str().unwrap()])?;
    let sessions = home.sessions();
    let visible: Vec<_> =
        sessions.iter().filter(|dir| !dir.file_name().unwrap().to_string_lossy().starts_with('.')).collect();
    let id = ran.stdout.trim();
    if !id.is_empty() {
        assert_eq!(visible.len(), 1, "{place}: {ran:?}");
    }
    for dir in visible {
        // Whether or not anybody was told: what can be seen is whole.
        let session = Session::new(&home, dir.file_name().unwrap().to_str().unwrap().to_owned());
        whole_for_the_next_host(&session, 0, &place);
        let again = session.act(&["run", "wipe", "--confirm", "wipe"]);
        assert_eq!((again.code, home.read("effects").as_str()), (Some(0), "gone\n"), "{place}: {again:?}");
    }
    // And a new one can be begun beside it.
    home.call(&["start", runbook.to_str().unwrap(), "--another"]).expect(0);
    Some(injected(&trace))
}

/// What holds of a return, with a torn record at the end of the log, in which this call failed.
fn return_with(harm: Harm) -> Option<bool> {
    let place = format!("return {harm:?}");
    let home = Home::new();
    let session = home.start(WIPE);
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
    session.kill_host();
    let journal = session.dir().join("journal.jsonl");
    let whole = std::fs::read(&journal).unwrap();
    let torn = [&whole[..], b"{\"n\":99,\"at\":\"20"].concat();
    std::fs::write(&journal, &torn).unwrap();
    let (_, trace) = traced(&home, harm, &["do", session.id.as_str(), "note", "first"])?;
    let left = std::fs::read(&journal).unwrap();
    assert!(left.starts_with(&whole), "{place}: what was acknowledged is there");
    whole_for_the_next_host(&session, 1, &place);
    assert_eq!(session.step("wipe"), "done", "{place}");
    Some(injected(&trace))
}

/// What holds of a walk in which this call failed in any thread of the host, in the runner, or in the command itself.
fn attempt_with(harm: Harm) -> Option<bool> {
    let place = format!("attempt {harm:?}");
    let home = Home::new();
    let session = home.start(WIPE);
    let mut words = vec!["-f".to_owned()];
    words.extend(harm.words());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let strace = Strace::attach("f_d4", session.host(), &words, &home.path("trace"))?;
    let ran = session.act(&["run", "wipe", "--confirm", "wipe"]);
    home.kill_everything();
    let trace = strace.end();
    let effects = home.read("effects").lines().count();
    assert!(matches!(ran.code, Some(0 | 3 | 4)), "{place}: {ran:?}\n{}", trace.join("\n"));
    if ran.code == Some(0) {
        assert_eq!(effects, 1, "{place}: {ran:?}");
    }
    let step = whole_for_the_next_host(&session, effects, &place);
    if ran.code == Some(0) {
        assert_eq!(step, "done", "{place}: what was acknowledged is so");
    }
    Some(injected(&trace))
}

/// Walks of each kind, at every place of each call where the long run is asked for, else at every `stride`th.
fn sampled(ways: Ways, walk: Walk, stride: u32) -> Option<(u32, u32)> {
    let (mut cases, mut met) = (0, 0);
    for call in CALLS {
        if std::env::var_os(LONG).is_some() {
            let (some, of_them) = every_place(call, ways, walk)?;
            (cases, met) = (cases + some, met + of_them);
            continue;
        }
        for n in (1..MOST_PLACES).step_by(usize::try_from(stride).unwrap()) {
            // Each place in one way, each way at some place.
            let ways = ways(call, n);
            let harm = ways[usize::try_from(n / stride).unwrap() % ways.len()];
            let here = walk(harm)?;
            cases += 1;
            met += u32::from(here);
            if !here {
                break;
            }
        }
    }
    Some((cases, met))
}

#[test]
fn f_d4_any_call_fails_while_a_session_begins_and_it_is_whole_or_not_there() {
    if !have("f_d4", "strace") {
        return;
    }
    let Some((cases, met)) = sampled(ways, begin_with, 2) else { return };
    println!("beginning: {cases}, {met} with a failure");
    assert!(met >= 10, "{met}");
}

#[test]
fn f_d4_any_call_fails_while_a_session_is_taken_up_and_nothing_acknowledged_is_lost() {
    if !have("f_d4", "strace") {
        return;
    }
    let Some((cases, met)) = sampled(ways, return_with, 2) else { return };
    println!("return: {cases}, {met} with a failure");
    assert!(met >= 8, "{met}");
}

#[test]
fn f_d4_any_call_fails_in_an_attempt_and_nothing_is_shown_that_is_not_so() {
    if !have("f_d4", "strace") {
        return;
    }
    let Some((cases, met)) = sampled(once, attempt_with, 3) else { return };
    println!("attempt: {cases}, {met} with a failure");
    assert!(met >= 10, "{met}");
}
