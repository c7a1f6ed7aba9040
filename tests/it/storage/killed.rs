//! SIGKILL at every call while a session is made (J9): there is a whole session, or none.

use super::{WIPE, call_traced, whole_for_the_next_host};
use crate::support::{Home, Session, have};

/// What a session is made with.
const CALLS: [&str; 6] = ["mkdir", "openat", "write", "fdatasync", "fsync", "rename"];

/// More than anybody makes of one call.
const MOST: u32 = 200;

/// What became of a beginning.
#[derive(Debug, PartialEq, Eq)]
enum Became {
    /// Nobody was killed: there is no such place.
    Untouched,
    Nothing,
    /// Something that no verb takes for a session.
    Unfinished,
    Whole,
}

/// A beginning whose client and whose host are each killed as they enter their n-th such call. `None`: nothing can be
/// traced here.
fn killed_at(call: &str, n: u32) -> Option<Became> {
    let place = format!("{call} {n}");
    let home = Home::new();
    let runbook = home.write("runbook.yaml", WIPE);
    let runbook = runbook.to_str().unwrap();
    let trace = format!("trace={}", CALLS.join(","));
    let inject = format!("inject={call}:signal=SIGKILL:when={n}");
    let words = ["-s", "200", "-e", trace.as_str(), "-e", inject.as_str()];
    let (ran, trace) = call_traced("j9", &home, &words, &["start", runbook])?;
    // Who is killed in a call never hears what it answered.
    let met = trace.iter().any(|line| line.contains(&format!("{call}(")) && line.trim_end().ends_with("= ?"));
    if !met {
        assert_eq!(ran.code, Some(0), "{place}: {ran:?}");
        return Some(Became::Untouched);
    }
    let sessions = home.sessions();
    assert!(sessions.len() <= 1, "{place}: {sessions:?}");
    // Nobody was told of one that is not there.
    assert!(ran.stdout.trim().is_empty() || sessions.len() == 1, "{place}: {ran:?}");
    let listed = home.call(&["list"]).expect(0);
    assert_eq!(
        listed.stdout.lines().filter(|line| line.contains("Disk fails")).count(),
        sessions.len(),
        "{place}"
    );
    assert!(!listed.said().contains(".making-"), "{place}: {listed:?}");
    let hidden = std::fs::read_dir(home.state()).into_iter().flatten().flatten();
    let unfinished =
        hidden.filter(|entry| entry.file_name().to_string_lossy().starts_with(".making-")).count();
    for dir in &sessions {
        let session = Session::new(&home, dir.file_name().unwrap().to_str().unwrap().to_owned());
        whole_for_the_next_host(&session, 0, &place);
        let ran = session.act(&["run", "wipe", "--confirm", "wipe"]);
        assert_eq!((ran.code, home.read("effects").as_str()), (Some(0), "gone\n"), "{place}: {ran:?}");
    }
    // What is left hinders no other one.
    let ran = home.call(&["start", runbook, "--another"]).expect(0);
    let next = Session::new(&home, ran.stdout.trim().to_owned());
    next.act(&["note", "on"]).expect(0);
    next.verifies();
    Some(match (sessions.len(), unfinished) {
        (1, 0) => Became::Whole,
        (0, 0) => Became::Nothing,
        (0, 1) => Became::Unfinished,
        other => panic!("{place}: {other:?}"),
    })
}

#[test]
fn j9_a_session_whose_making_is_killed_at_any_call_is_whole_or_not_there() {
    if !have("j9", "strace") {
        return;
    }
    let (mut nothing, mut unfinished, mut whole) = (0, 0, 0);
    for call in CALLS {
        for n in 1..MOST {
            match killed_at(call, n) {
                None => return,
                Some(Became::Untouched) => break,
                Some(Became::Nothing) => nothing += 1,
                Some(Became::Unfinished) => unfinished += 1,
                Some(Became::Whole) => whole += 1,
            }
        }
    }
    println!("J9: killed while it was made: {nothing} times nothing, {unfinished} unfinished, {whole} whole");
    assert!(nothing > 5 && unfinished > 5 && whole > 3, "{nothing}, {unfinished}, {whole}");
}
