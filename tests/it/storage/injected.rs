//! F-D4: each call of the host that touches storage fails, at every place where it can, once and from there on.

use std::collections::BTreeMap;

use super::{Strace, WIPE, call_traced, was_true, whole_for_the_next_host};
use crate::support::{Home, Ran, Session, have};
use crate::trace::{Call, calls};

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
        // Of the cutting itself each place is to be found.
        let no_cut = no_cut && call != "ftruncate";
        ways.push(Harm { call, error, n, persistent, no_cut });
    }
    ways.truncate(if long { 6 } else { 3 });
    ways
}

/// The ways in which a call fails at its n-th place.
type Ways = fn(&'static str, u32) -> Vec<Harm>;

/// What must hold of one of them, and what was seen of it. `None`: it cannot be brought about here.
type Walk = fn(Harm) -> Option<Seen>;

/// What was seen of one run.
struct Seen {
    /// Did a call fail in it? Else there is no such place.
    met: bool,
    /// How often there was what the rule is about, in words for the line.
    counted: Vec<(&'static str, usize)>,
}

/// How many of a family were run, in one line, and what there was to look at: a rule that nothing came under proves nothing.
fn say(family: &str, runs: &[Seen]) -> usize {
    let mut words: Vec<&str> = Vec::new();
    let mut sums = BTreeMap::<&str, usize>::new();
    for (what, times) in runs.iter().flat_map(|seen| &seen.counted) {
        if !words.contains(what) {
            words.push(what);
        }
        *sums.entry(what).or_default() += times;
    }
    let counted: Vec<String> = words.iter().map(|what| format!("{} {what}", sums[what])).collect();
    let met = runs.iter().filter(|seen| seen.met).count();
    println!("F-D4, {family}: {} runs, {met} with a failed call; {}", runs.len(), counted.join("; "));
    for (what, times) in sums {
        assert!(times > 0, "{family}: never {what}");
    }
    met
}

/// Did the call that this is about fail? That nothing can be cut off either says nothing of where it is.
fn injected(trace: &[String], harm: Harm) -> bool {
    calls(trace).iter().any(|call| call.is(harm.call) && call.text.contains("(INJECTED)"))
}

/// The record that announces the start: was it written, was the next thing that was done with the log a sync of it, did both
/// go well, and all that before any program was started?
#[track_caller]
fn intent_was_durable(trace: &[String], place: &str) {
    let fails = |why: &str| -> ! { panic!("{place}: {why}, and the command ran\n{}", trace.join("\n")) };
    let calls = calls(trace);
    let mut on_log = calls.iter().filter(|call| call.is_on_the_log());
    let Some(written) = on_log.find(|call| call.is("write") && call.text.contains("step_started")) else {
        fails("no intent was written")
    };
    let Some(synced) = on_log.next().filter(|call| call.is("fdatasync")) else {
        fails("the intent was not synced")
    };
    if !written.went_well() || !synced.went_well() {
        fails("the intent was not made durable");
    }
    if calls.iter().any(|call| call.is("execve") && call.began < synced.ended) {
        fails("something was started before the intent was durable");
    }
}

/// After the first failure of a write or a sync of the journal nothing is written to it and nothing synced.
pub(super) fn never_again(trace: &[String], place: &str) {
    let calls = calls(trace);
    let on_log: Vec<&Call> = calls.iter().filter(|call| call.is_on_the_log()).collect();
    let Some(failed) = on_log.iter().position(|call| call.text.contains("(INJECTED)")) else { return };
    assert_eq!(failed + 1, on_log.len(), "{place}: tried again\n{}", trace.join("\n"));
}

const RAN: &str = "commands run, each after its intent was durable";
const TOLD: &str = "ends told, each of which the next host found";
const UNBEGUN: &str = "times shown as not begun, and none had";

/// What a walk had that the rules are about.
fn counted(shown: &str, effects: usize) -> Vec<(&'static str, usize)> {
    let is_end = matches!(shown, "done" | "failed" | "interrupted");
    let not_begun = matches!(shown, "ready" | "waiting");
    vec![(RAN, effects), (TOLD, usize::from(is_end)), (UNBEGUN, usize::from(not_begun))]
}

/// What holds of a walk in which this call of the thread that decides failed at its n-th place.
fn walk_with(harm: Harm) -> Option<Seen> {
    let place = format!("{harm:?}");
    let home = Home::new();
    let session = home.start(WIPE);
    let words = harm.words();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // Its first thread alone: the one that decides, records, and is never retried.
    let strace = Strace::attach("f_d4", session.host(), &words, &home.path("trace"))?;
    let ran = session.act(&["run", "wipe", "--confirm", "wipe"]);
    let shown = session.step("wipe");
    home.kill_everything();
    let trace = strace.end();
    let effects = home.read("effects").lines().count();
    let met = injected(&trace, harm);
    if effects > 0 {
        intent_was_durable(&trace, &place);
    }
    match ran.code {
        Some(0) => assert_eq!(shown, "done", "{place}: {ran:?}"),
        Some(3) => {
            assert!(met, "{place}: {ran:?}");
            assert!(ran.said().contains("log"), "{place}: {ran:?}");
            never_again(&trace, &place);
        }
        _ => panic!("{place}: {ran:?}\n{}", trace.join("\n")),
    }
    let found = whole_for_the_next_host(&session, effects, &place);
    was_true(&shown, &ran, &found, effects, &place);
    Some(Seen { met, counted: counted(&shown, effects) })
}

/// Every place of this call, until a walk meets none.
fn every_place(call: &'static str, ways: Ways, walk: Walk) -> Option<Vec<Seen>> {
    let mut runs = Vec::new();
    for n in 1..MOST_PLACES {
        let before = runs.len();
        for harm in ways(call, n) {
            runs.push(walk(harm)?);
        }
        if !runs[before..].iter().any(|seen| seen.met) {
            return Some(runs);
        }
    }
    panic!("{call} has no end");
}

#[test]
fn f_d4_j3_j4_every_write_of_a_walking_host_fails_and_nothing_starts_unrecorded() {
    if !have("f_d4", "strace") {
        return;
    }
    let Some(runs) = every_place("write", ways, walk_with) else { return };
    let met = say("a walk, each write of the host", &runs);
    assert!(met >= 9, "{met}");
}

#[test]
fn f_d4_j3_every_fdatasync_of_a_walking_host_fails_and_nothing_starts_unrecorded() {
    if !have("f_d4", "strace") {
        return;
    }
    let Some(runs) = every_place("fdatasync", ways, walk_with) else { return };
    let met = say("a walk, each fdatasync of the host", &runs);
    assert!(met >= 9, "{met}");
}

fn traced(home: &Home, harm: Harm, words: &[&str]) -> Option<(Ran, Vec<String>)> {
    let strace = harm.words();
    let strace: Vec<&str> = strace.iter().map(String::as_str).collect();
    call_traced("f_d4", home, &strace, words)
}

/// What holds of a beginning in which this call failed: there is a session that can be walked, or there is none. Nothing is
/// started meanwhile, so it says nothing of intents.
fn begin_with(harm: Harm) -> Option<Seen> {
    let place = format!("begin {harm:?}");
    let home = Home::new();
    let runbook = home.write("runbook.yaml", WIPE);
    let (ran, trace) = traced(&home, harm, &["start", runbook.to_str().unwrap()])?;
    let sessions = home.sessions();
    let visible: Vec<_> =
        sessions.iter().filter(|dir| !dir.file_name().unwrap().to_string_lossy().starts_with('.')).collect();
    let id = ran.stdout.trim();
    assert!(ran.code != Some(0) || !id.is_empty(), "{place}: {ran:?}");
    if !id.is_empty() {
        assert_eq!(visible.len(), 1, "{place}: {ran:?}");
    }
    for dir in &visible {
        // Whether or not anybody was told: what can be seen is whole.
        let session = Session::new(&home, dir.file_name().unwrap().to_str().unwrap().to_owned());
        whole_for_the_next_host(&session, 0, &place);
        let again = session.act(&["run", "wipe", "--confirm", "wipe"]);
        assert_eq!((again.code, home.read("effects").as_str()), (Some(0), "gone\n"), "{place}: {again:?}");
    }
    // And a new one can be begun beside it.
    home.call(&["start", runbook.to_str().unwrap(), "--another"]).expect(0);
    let counted = vec![
        ("sessions there, each whole and walked", visible.len()),
        ("times none", usize::from(visible.is_empty())),
    ];
    Some(Seen { met: injected(&trace, harm), counted })
}

/// What holds of a return, with a torn record at the end of the log, in which this call failed.
fn return_with(harm: Harm) -> Option<Seen> {
    let place = format!("return {harm:?}");
    let home = Home::new();
    let session = home.start(WIPE);
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
    session.kill_host();
    let journal = session.dir().join("journal.jsonl");
    let whole = std::fs::read(&journal).unwrap();
    let torn = [&whole[..], b"{\"n\":99,\"at\":\"20"].concat();
    std::fs::write(&journal, &torn).unwrap();
    let (ran, trace) = traced(&home, harm, &["do", session.id.as_str(), "note", "first"])?;
    let left = std::fs::read(&journal).unwrap();
    assert!(left.starts_with(&whole), "{place}: what was acknowledged is there");
    whole_for_the_next_host(&session, 1, &place);
    assert_eq!(session.step("wipe"), "done", "{place}");
    let kept = session.records("noted").iter().filter(|note| note["text"] == "first").count();
    let told = usize::from(ran.code == Some(0));
    assert!((told..=1).contains(&kept), "{place}: it is there {kept} times: {ran:?}");
    let counted = vec![
        ("ends from before, each kept", 1),
        ("notes acknowledged, each kept", told),
        ("times refused", 1 - told),
    ];
    Some(Seen { met: injected(&trace, harm), counted })
}

/// What holds of a walk in which this call failed in any thread of the host, in the runner, or in the command itself.
fn attempt_with(harm: Harm) -> Option<Seen> {
    let place = format!("attempt {harm:?}");
    let home = Home::new();
    let session = home.start(WIPE);
    let mut words = vec!["-f".to_owned()];
    words.extend(harm.words());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let strace = Strace::attach("f_d4", session.host(), &words, &home.path("trace"))?;
    let ran = session.act(&["run", "wipe", "--confirm", "wipe"]);
    let shown = session.step("wipe");
    home.kill_everything();
    let trace = strace.end();
    let effects = home.read("effects").lines().count();
    assert!(matches!(ran.code, Some(0 | 3 | 4)), "{place}: {ran:?}\n{}", trace.join("\n"));
    if effects > 0 {
        intent_was_durable(&trace, &place);
    }
    never_again(&trace, &place);
    let found = whole_for_the_next_host(&session, effects, &place);
    was_true(&shown, &ran, &found, effects, &place);
    Some(Seen { met: injected(&trace, harm), counted: counted(&shown, effects) })
}

/// Walks of each kind, at every place of each call where the long run is asked for, else at every `stride`th.
fn sampled(ways: Ways, walk: Walk, stride: u32) -> Option<Vec<Seen>> {
    let mut runs = Vec::new();
    for call in CALLS {
        if std::env::var_os(LONG).is_some() {
            runs.extend(every_place(call, ways, walk)?);
            continue;
        }
        for n in (1..MOST_PLACES).step_by(usize::try_from(stride).unwrap()) {
            // Each place in one way, each way at some place.
            let ways = ways(call, n);
            let seen = walk(ways[usize::try_from(n / stride).unwrap() % ways.len()])?;
            let met = seen.met;
            runs.push(seen);
            if !met {
                break;
            }
        }
    }
    Some(runs)
}

#[test]
fn f_d4_any_call_fails_while_a_session_begins_and_it_is_whole_or_not_there() {
    if !have("f_d4", "strace") {
        return;
    }
    let Some(runs) = sampled(ways, begin_with, 2) else { return };
    let met = say("a session begins, nothing is started", &runs);
    assert!(met >= 10, "{met}");
}

#[test]
fn f_d4_any_call_fails_while_a_session_is_taken_up_and_nothing_acknowledged_is_lost() {
    if !have("f_d4", "strace") {
        return;
    }
    let Some(runs) = sampled(ways, return_with, 2) else { return };
    let met = say("a session is taken up", &runs);
    assert!(met >= 8, "{met}");
}

#[test]
fn f_d4_any_call_fails_in_an_attempt_and_nothing_is_shown_that_is_not_so() {
    if !have("f_d4", "strace") {
        return;
    }
    let Some(runs) = sampled(once, attempt_with, 3) else { return };
    let met = say("an attempt, with its runner and its command", &runs);
    assert!(met >= 10, "{met}");
}
