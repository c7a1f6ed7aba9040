//! Sessions that are open to a group: what stands on disk, who can read it, and where sharing is refused. Real accounts.

use std::fs::{Permissions, set_permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use super::people::People;
use super::support::{Pid, Ran, has_ended, have, kill};

const DANA: usize = 0;
const SAM: usize = 1;
const EVE: usize = 2;

const WALK: &str = "onbelay: 1
title: Walk
steps:
  - id: say
    title: Say
    run: \"echo hello; echo oops >&2\"
  - id: catch
    title: Catch
    run: echo caught
    capture: word
  - id: each
    title: Each
    for_each: { item: [a, b] }
    run: echo {{item}}
";

fn people(test: &str) -> Option<People> {
    People::new(test, &["dana", "sam", "!eve"])
}

/// The directory that holds everything of the test; it belongs to root, and everybody passes it.
fn base(people: &People) -> PathBuf {
    people.state().parent().unwrap().to_owned()
}

/// `start --share` of a walk, by dana, among the sessions of `home`.
fn start_in(people: &People, home: &Path, group: &str) -> Ran {
    let file = people.write("walk.yaml", WALK);
    let mut command = people.command(DANA, &["start", "--another", "--share", group, file.to_str().unwrap()]);
    Ran::of(&command.env("ONBELAY_HOME", home).output().unwrap())
}

/// A session that is shared with the group.
fn shared(people: &People) -> PathBuf {
    start_in(people, &people.state(), &people.group).expect(0);
    people.session()
}

fn mode_of(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Every path below a directory: its mode, the group where that has any rights, its name.
fn all_of(dir: &Path, people: &People) -> Vec<String> {
    let (owner, group) = (people.uid(DANA), dir.metadata().unwrap().gid());
    let mut found = Vec::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(path) = waiting.pop() {
        let about = path.symlink_metadata().unwrap();
        assert_eq!(about.uid(), owner, "{}", path.display());
        let whose = match about.mode() & 0o070 {
            0 => "dana",
            _ if about.gid() == group => "group",
            _ => "another group",
        };
        let name = path.strip_prefix(dir).unwrap().display().to_string();
        found.push(format!("{name} {:04o} {whose}", about.mode() & 0o7777).trim_start().to_owned());
        if about.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().flatten().map(|entry| entry.path()));
        }
    }
    found.sort();
    found
}

/// What stands in the directory of a session after all of `WALK`.
fn expected() -> Vec<String> {
    let mut all: Vec<String> = [
        "0750 group",
        "attempts 0750 group",
        "attempts/3 0750 group",
        "attempts/3/items 0750 group",
        "door 0600 dana",
        "host.log 0600 dana",
        "journal.jsonl 0640 group",
        "lock 0600 dana",
        "runbook.yaml 0440 group",
        "socket 0660 group",
        "attempts/2/errors 0640 group",
    ]
    .map(str::to_owned)
    .into();
    for at in ["attempts/1", "attempts/2", "attempts/3/items/0", "attempts/3/items/1"] {
        all.push(format!("{at} 0750 group"));
        for name in ["command.json", "outcome.json", "start.json"] {
            all.push(format!("{at}/{name} 0600 dana"));
        }
        all.push(format!("{at}/output 0640 group"));
    }
    all.sort();
    all
}

fn walk(people: &People, session: &Path) {
    for step in ["say", "catch", "each"] {
        people.call(DANA, &["do", session.to_str().unwrap(), "run", step]).expect(0);
    }
}

fn kill_host(session: &Path) {
    let text = std::fs::read_to_string(session.join("journal.jsonl")).unwrap();
    let last = text.lines().rfind(|line| line.contains("\"event\":\"host_started\"")).unwrap();
    let record: serde_json::Value = serde_json::from_str(last).unwrap();
    let host = Pid::from_raw(i32::try_from(record["pid"].as_i64().unwrap()).unwrap()).unwrap();
    kill(host);
    has_ended(host);
}

#[test]
fn a_shared_session_is_open_to_its_group_as_far_as_a_reader_needs_and_no_further() {
    let Some(people) = people("a_shared_session_is_open") else { return };
    let state = people.state();
    // Neither the mask of whoever starts it nor what a directory hands on has a say.
    set_mode(&state, 0o2750);
    let file = people.write("walk.yaml", WALK);
    let call = format!("umask 000; exec onbelay start --share {} {}", people.group, file.display());
    let ran = Ran::of(&people.run_as(DANA, "sh").args(["-c", &call]).output().unwrap()).expect(0);
    let session = people.session();
    let (home, id) = (session.parent().unwrap().display(), session.display().to_string());
    let line = format!("onbelay attach --witness {home}/{}", id.rsplit('-').next().unwrap());
    assert!(ran.stderr.contains(&line), "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!("shared with `{}`", people.group)), "{}", ran.stderr);
    walk(&people, &session);
    assert_eq!(all_of(&session, &people), expected());
    assert_eq!(session.metadata().unwrap().gid(), state.metadata().unwrap().gid(), "the group asked for");
    // A new host makes a new socket; all else stays.
    kill_host(&session);
    people.call(DANA, &["do", session.to_str().unwrap(), "note", "back"]).expect(0);
    assert_eq!(all_of(&session, &people), expected());
}

#[test]
fn members_read_it_by_its_path_and_nobody_else_comes_near() {
    let Some(people) = people("members_read_it") else { return };
    let session = shared(&people);
    walk(&people, &session);
    let path = session.to_str().unwrap();
    let id = session.file_name().unwrap().to_str().unwrap();
    let part = format!("{}/{}", people.state().display(), id.rsplit('-').next().unwrap());
    let relative = format!("../state/{id}/");
    for name in [path, &part, &relative] {
        people.call(SAM, &["status", name]).expect(0).says("Say");
        people.call(SAM, &["log", name]).expect(0).says("exit 0");
        people.call(SAM, &["verify", name]).expect(0);
        people.call(SAM, &["report", name]).expect(0).says("# Walk");
        people.call(SAM, &["do", name, "note", "seen"]).expect(0);
        let refused = people.call(EVE, &["status", name]).expect(2).stderr;
        assert!(refused.contains(&format!("is not shared with you: it belongs to {}", people.name(DANA))));
        for words in [&["log"][..], &["verify"], &["report"], &["attach", "--plain"]] {
            people.call(EVE, &[words, &[name]].concat()).expect(2).says("is not shared with you");
        }
    }
    people.call(SAM, &["list"]).expect(0).says("Walk");
    people.call(EVE, &["list"]).expect(2).says("is not shared with you");
    // The way there is open to her, and still the session is not.
    set_mode(&people.state(), 0o755);
    people.call(EVE, &["attach", "--plain", path]).expect(2).says("is not shared with you");
    people.call(EVE, &["do", path, "note", "x"]).expect(2).says("is not shared with you");
    people.call(EVE, &["verify", path]).expect(2).says("is not shared with you");
    people.call(EVE, &["list"]).expect(0).says("1 more is not shared with you");
    // And the socket alone neither.
    let socket = session.join("socket");
    assert!(!people.run_as(EVE, "test").args(["-w", socket.to_str().unwrap()]).status().unwrap().success());
}

#[test]
fn only_its_owner_brings_it_back() {
    let Some(people) = people("only_its_owner") else { return };
    let session = shared(&people);
    let path = session.to_str().unwrap();
    kill_host(&session);
    let only = format!("only {} can bring it back: onbelay attach {path}", people.name(DANA));
    people.call(SAM, &["attach", "--plain", path]).expect(2).says(&only);
    people.call(SAM, &["do", path, "note", "x"]).expect(2).says(&only);
    people.call(SAM, &["status", path]).expect(0).says("lost");
    people.call(DANA, &["do", path, "note", "x"]).expect(0);
    people.call(SAM, &["do", path, "note", "x"]).expect(0);
}

#[test]
fn whatever_became_laxer_keeps_a_host_away_until_it_is_strict_again() {
    let Some(people) = people("whatever_became_laxer") else { return };
    let session = shared(&people);
    walk(&people, &session);
    kill_host(&session);
    let path = session.to_str().unwrap().to_owned();
    let note = || people.call(DANA, &["do", &path, "note", "x"]);
    let records = std::fs::read(session.join("journal.jsonl")).unwrap();
    for (name, lax, cure) in [
        ("journal.jsonl", 0o644, "chmod 0640"),
        ("runbook.yaml", 0o460, "chmod 0440"),
        ("attempts", 0o770, "chmod 0750"),
        ("attempts/1", 0o755, "chmod 0750"),
        ("attempts/1/output", 0o660, "chmod 0640"),
        ("attempts/1/outcome.json", 0o640, "chmod 0600"),
        ("attempts/3/items/1/output", 0o604, "chmod 0640"),
        ("lock", 0o640, "chmod 0600"),
        ("door", 0o660, "chmod 0600"),
        ("", 0o751, "chmod 0750"),
    ] {
        let file = if name.is_empty() { session.clone() } else { session.join(name) };
        let strict = mode_of(&file);
        set_mode(&file, lax);
        note().expect(2).says(&format!("{cure} {}", file.display()));
        set_mode(&file, strict);
    }
    for (above, lax) in [(people.state(), 0o770), (base(&people), 0o757), (base(&people), 0o1777)] {
        let strict = mode_of(&above);
        set_mode(&above, lax);
        note().expect(2).says(&format!("others may write to {}", above.display()));
        set_mode(&above, strict);
    }
    let outcome = session.join("attempts/1/outcome.json");
    chown(&outcome, Some(people.uid(SAM)), None).unwrap();
    note().expect(2).says("belongs to");
    chown(&outcome, Some(people.uid(DANA)), None).unwrap();
    let output = session.join("attempts/1/output");
    chown(&output, None, Some(0)).unwrap();
    note().expect(2).says("chgrp");
    chown(&output, None, Some(session.metadata().unwrap().gid())).unwrap();
    let link = session.join("attempts/1/link");
    std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
    note().expect(2).says("is a link, and nothing in a shared session is one");
    std::fs::remove_file(&link).unwrap();
    people.rename_group("", "x");
    note().expect(2).says("is not there any more; to go on for you alone");
    people.rename_group("x", "");
    people.leaves_group(DANA);
    note().expect(2).says("any more, so cannot share anything with it");
    people.joins_group(DANA);
    assert_eq!(std::fs::read(session.join("journal.jsonl")).unwrap(), records, "nothing was done");
    note().expect(0);
    kill_host(&session);
    // Its owner may close it again: it goes on, and for her alone.
    set_mode(&session, 0o700);
    note().expect(0);
    assert_eq!(mode_of(&session.join("socket")), 0o600);
    people.call(SAM, &["status", &path]).expect(2).says("is not shared with you");
}

#[test]
fn who_can_read_a_session_cannot_keep_its_host_away() {
    let test = "who_can_read_a_session";
    if !have(test, "flock") {
        return;
    }
    let Some(people) = people(test) else { return };
    let session = shared(&people);
    let path = session.to_str().unwrap();
    kill_host(&session);
    let holder = Holder::of(&people, &[session.join("journal.jsonl"), session.clone(), people.state()]);
    people.call(DANA, &["list"]).expect(0).says("lost");
    people.call(DANA, &["do", path, "note", "x"]).expect(0);
    start_in(&people, &people.state(), &people.group).expect(0);
    people.call(DANA, &["do", path, "abort", "--say", "enough"]).expect(0);
    drop(holder);
    for name in ["lock", "door", "../.lock"] {
        let file = session.join(name);
        assert_eq!(mode_of(&file), 0o600, "{name}");
        let mut locks = people.run_as(SAM, "flock");
        let said = locks.args(["--exclusive", file.to_str().unwrap(), "true"]).output().unwrap();
        assert!(!said.status.success(), "{name}");
    }
}

/// A member who holds the locks of files as long as it lives.
struct Holder(Child);

impl Holder {
    fn of(people: &People, files: &[PathBuf]) -> Self {
        let mut command = people.run_as(SAM, "flock");
        let (last, others) = files.split_last().unwrap();
        for file in others {
            command.args(["--exclusive", file.to_str().unwrap(), "flock"]);
        }
        command.args(["--exclusive", last.to_str().unwrap(), "sh", "-c", "echo held; read x"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "held\n");
        Self(child)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

/// A refusal, with nothing left behind in `home`.
#[track_caller]
fn refused(people: &People, home: &Path, says: &str) {
    let before = names_in(home);
    start_in(people, home, &people.group).expect(2).says(says);
    assert_eq!(names_in(home), before, "something is left in {}", home.display());
}

fn names_in(dir: &Path) -> Option<Vec<PathBuf>> {
    Some(std::fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path()).collect())
}

#[test]
fn no_directory_on_the_way_may_be_lax_or_closed() {
    let Some(people) = people("no_directory_on_the_way") else { return };
    let (dana, sam) = (Some(people.uid(DANA)), Some(people.uid(SAM)));
    let gid = people.state().metadata().unwrap().gid();
    let above = base(&people).join("above");
    let home = above.join("home");
    std::fs::create_dir_all(&home).unwrap();
    let strict = || {
        chown(&above, Some(0), Some(0)).unwrap();
        set_mode(&above, 0o755);
        chown(&home, dana, Some(gid)).unwrap();
        set_mode(&home, 0o750);
    };
    for (mode, says) in [
        (0o775, "run: chmod go-w"),
        (0o757, "run: chmod go-w"),
        (0o1777, "others may write to"),
        (0o750, "members of `"),
        (0o700, "is for root alone (0700)"),
    ] {
        strict();
        // Dana herself gets through.
        chown(&above, if mode & 1 == 0 { dana } else { Some(0) }, None).unwrap();
        set_mode(&above, mode);
        let says = says.replace("root", people.name(DANA));
        refused(&people, &home, &says);
    }
    strict();
    chown(&above, sam, None).unwrap();
    refused(&people, &home, "who could put something else in its place");
    strict();
    // A group's directory is passed by its members with the group's right, whatever others may.
    chown(&above, dana, Some(gid)).unwrap();
    set_mode(&above, 0o705);
    refused(&people, &home, "cannot reach");
    set_mode(&above, 0o710);
    start_in(&people, &home, &people.group).expect(0);
    strict();
    for (mode, says) in [
        (0o755, "chmod 0750"),
        (0o770, "run: chmod go-w"),
        (0o752, "run: chmod go-w"),
        (0o710, "chmod 0750"),
        (0o701, "chmod 0750"),
    ] {
        strict();
        set_mode(&home, mode);
        refused(&people, &home, says);
    }
    strict();
    chown(&home, None, Some(0)).unwrap();
    refused(&people, &home, &format!("chgrp {}", people.group));
    strict();
    chown(&home, sam, None).unwrap();
    refused(&people, &home, "keep shared sessions in a directory of yours");
    strict();
    let link = above.join("link");
    symlink(&home, &link).unwrap();
    refused(&people, &link, &format!("ONBELAY_HOME={}", home.display()));
    refused(&people, &above.join("missing"), "is not there yet");
    refused(&people, &above.join("missing/state"), "is not there yet");
    assert!(!above.join("missing").exists());
    std::fs::remove_dir_all(&home).unwrap();
    std::fs::write(&home, "").unwrap();
    chown(&home, dana, None).unwrap();
    refused(&people, &home, "is not a directory");
    refused(&people, Path::new("/tmp/onbelay-it-shared"), "others may write to /tmp");
}

#[test]
fn a_home_of_ones_own_is_given_to_the_group_and_to_no_second_one() {
    let Some(people) = people("a_home_of_ones_own") else { return };
    let own = people.own(DANA);
    let state = own.join("state");
    let says = format!(
        "members of `{}` cannot reach {}, because {} is for {} alone (0700)",
        people.group,
        state.display(),
        own.display(),
        people.name(DANA)
    );
    let ran = start_in(&people, &state, &people.group).expect(2).says(&says);
    assert!(ran.stderr.contains("sudo install -d -o"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains(&format!("onbelay start --another --share {} /", people.group)),
        "{}",
        ran.stderr
    );
    assert!(!state.exists());
    // Members can pass her directory, and list nothing in it.
    set_mode(&own, 0o711);
    let ran = start_in(&people, &state, people.name(DANA)).expect(0);
    assert!(ran.stderr.contains("can now list the sessions in"), "{}", ran.stderr);
    assert_eq!(mode_of(&state), 0o750);
    assert_eq!(state.metadata().unwrap().gid(), own.metadata().unwrap().gid());
    refused(&people, &state, "chgrp");
    set_mode(&state, 0o700);
    refused(&people, &state, &format!("a session that is shared with `{}`", people.name(DANA)));
    let other = own.join("other");
    std::fs::create_dir(&other).unwrap();
    chown(&other, Some(people.uid(DANA)), None).unwrap();
    set_mode(&other, 0o700);
    let file = people.write("walk.yaml", WALK);
    let mut alone = people.command(DANA, &["start", file.to_str().unwrap()]);
    let alone = Ran::of(&alone.env("ONBELAY_HOME", &other).output().unwrap()).expect(0);
    start_in(&people, &other, &people.group).expect(0).says("can now list the sessions in");
    let again = start_in(&people, &other, &people.group).expect(0);
    assert!(!again.stderr.contains("can now list"), "{}", again.stderr);
    assert_eq!(mode_of(&other), 0o750);
    assert_eq!(mode_of(&other.join(alone.stdout.trim())), 0o700, "what was not shared stays so");
    let unshared = other.join(alone.stdout.trim());
    people.call(SAM, &["status", unshared.to_str().unwrap()]).expect(2).says("is not shared with you");
    let mut list = people.command(SAM, &["list"]);
    let listed = Ran::of(&list.env("ONBELAY_HOME", &other).output().unwrap()).expect(0);
    assert_eq!(listed.stdout.lines().count(), 2, "{}", listed.stdout);
    listed.says("1 more is not shared with you");
}

#[test]
fn only_a_group_that_is_there_and_ones_own_is_given_anything() {
    let Some(people) = people("only_a_group_that_is_there") else { return };
    start_in(&people, &people.state(), "nobody-s").expect(2).says("there is no group `nobody-s`");
    start_in(&people, &people.state(), "\u{1b}[2J").expect(2).clean();
    let ran = start_in(&people, &people.state(), people.name(EVE)).expect(2);
    assert!(
        ran.stderr.contains(&format!("{} is not a member of `{}`", people.name(DANA), people.name(EVE))),
        "{}",
        ran.stderr
    );
    start_in(&people, &people.state(), "daemon").expect(2).says("`daemon` is a group of the system");
    assert_eq!(names_in(&people.state()), Some(vec![]));
}

#[test]
fn a_file_of_keys_must_be_there_and_be_nobody_elses() {
    let Some(people) = people("a_file_of_keys") else { return };
    let file = people.write("walk.yaml", WALK);
    let keys = people.write("keys", "sam ssh-ed25519 AAAA\n");
    let start =
        || people.call(DANA, &["start", "--another", "--allowed-signers", "keys", file.to_str().unwrap()]);
    set_mode(&keys, 0o620);
    start().expect(2).says("run: chmod go-w");
    set_mode(&keys, 0o644);
    chown(&keys, Some(people.uid(SAM)), None).unwrap();
    start().expect(2).says("belongs to");
    chown(&keys, Some(0), None).unwrap();
    assert_eq!(names_in(&people.state()).unwrap_or_default(), Vec::<PathBuf>::new());
    start().expect(0);
    let journal = std::fs::read_to_string(people.session().join("journal.jsonl")).unwrap();
    assert!(journal.contains(&format!("\"signers\":\"{}\"", keys.display())), "{journal}");
    std::fs::remove_file(keys).unwrap();
    start().expect(2).says("cannot read keys");
}
