//! What is wrong, unreadable, vanishing, dead, endless or no file at all: clear words, soon, and no pass.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;
use std::time::{Duration, Instant};

use super::machine::Mounted;
use super::support::{Home, Offer, have, not_offered, root, until};
use super::{answers, ask, ask_all, runbook, said};

/// Every probe that asks about storage, each with one path in the place of the thing asked about.
fn every_probe(path: &str) -> Vec<(&'static str, &'static str, String)> {
    vec![
        ("source", "covers", format!("source: {path}, backup: there")),
        ("backup", "covers", format!("source: there, backup: {path}")),
        ("since", "unchanged_since", format!("path: {path}, reference: stamp")),
        ("reference", "unchanged_since", format!("path: there, reference: {path}")),
        ("fresh", "fresh", format!("path: {path}, min_size: 0B, sha256: {}", "0".repeat(64))),
        ("persistent", "persistent", format!("path: {path}")),
        ("used", "not_in_use", format!("path: {path}")),
        ("a", "different", format!("a: {path}, b: there")),
        ("b", "different", format!("a: there, b: {path}")),
        ("space", "space", format!("path: {path}, at_least: 1B")),
    ]
}

fn world() -> Home {
    let home = Home::new();
    std::fs::create_dir(home.path("there")).unwrap();
    home.write("there/file", "x");
    home.write("stamp", "");
    home
}

fn ask_every(home: &Home, path: &str, more: &str) -> std::collections::BTreeMap<String, super::Said> {
    let probes = every_probe(path);
    let asked: Vec<(&str, &str, &str)> =
        probes.iter().map(|(name, probe, f)| (*name, *probe, f.as_str())).collect();
    ask_all(home, &asked, more)
}

/// Makes a file `later` that is dated after all that is there: the clock that dates files goes in steps.
fn later(home: &Home) {
    let made = || std::fs::metadata(home.write("later", "")).unwrap().modified().unwrap();
    let first = made();
    until("the clock that dates files goes on", || (made() > first).then_some(()));
}

fn pipe(home: &Home, name: &str) {
    use rustix::fs::{CWD, FileType, mknodat};
    mknodat(CWD, home.path(name), FileType::Fifo, 0o600.into(), 0).unwrap();
}

#[test]
fn a_pipe_is_never_waited_for() {
    let home = world();
    pipe(&home, "pipe");
    let said = ask_every(&home, "pipe", "");
    for (name, (state, detail)) in &said {
        // What its file system has free, a pipe's name tells as well as any.
        let expected: &[&str] = if name == "space" { &["holds"] } else { &["error", "fails"] };
        assert!(expected.contains(&state.as_str()), "{name}: {state} {detail}");
    }
    let detail = |name: &str| said[name].1.as_str();
    assert_eq!(detail("fresh"), "pipe is a named pipe, not a file: name the file itself");
    assert_eq!(detail("reference"), "pipe is a named pipe: only a file or a directory dates a backup");
    assert_eq!(detail("since"), "pipe is a named pipe: name a directory or a file");
    assert_eq!(detail("persistent"), "pipe is a named pipe: nothing is stored in it");
    assert_eq!(
        detail("used"),
        "pipe is a named pipe: only files, directories and block devices can be asked about"
    );
    assert_eq!(
        detail("a"),
        "pipe is a named pipe: only files, directories and block devices can be compared"
    );
}

#[test]
fn a_device_without_an_end_is_not_read() {
    let home = world();
    let said = ask_every(&home, "/dev/zero", "");
    for (name, (state, detail)) in &said {
        assert!(name == "space" || state == "error" || state == "fails", "{name}: {state} {detail}");
    }
    assert_eq!(said["fresh"].1, "/dev/zero is a character device, not a file: name the file itself");
}

#[test]
fn what_is_not_there_is_no_pass() {
    let home = world();
    symlink("nowhere", home.path("dangling")).unwrap();
    symlink("circle", home.path("circle")).unwrap();
    for path in ["gone", "there/file/below", "dangling", "circle"] {
        for (name, (state, detail)) in ask_every(&home, path, "") {
            assert!(state == "error" || state == "fails", "{name} of {path}: {state} {detail}");
            assert!(!detail.is_empty());
        }
    }
    assert_eq!(ask(&home, "fresh", "path: gone"), said("fails", "there is no gone"));
    assert_eq!(ask(&home, "space", "path: gone, at_most: 1GB"), said("error", "there is no gone"));
    assert_eq!(
        ask(&home, "persistent", "path: dangling"),
        said("fails", "dangling is a link to nowhere, and there is nothing")
    );
    assert_eq!(
        ask(&home, "not_in_use", "path: circle"),
        said("error", "cannot look at circle: its links lead round in a circle")
    );
}

#[test]
fn a_field_that_is_wrong_is_named() {
    let home = world();
    home.write("a", "x");
    for (probe, fields, why) in [
        ("fresh", "path: '${empty}'", "`path` is empty: name a path"),
        ("persistent", "path: '${empty}'", "`path` is empty: name a path"),
        ("not_in_use", "path: '${empty}'", "`path` is empty: name a path"),
        ("different", "a: a, b: '${empty}'", "`b` is empty: name a path"),
        ("unchanged_since", "path: there, reference: '${empty}'", "`reference` is empty: name a path"),
        (
            "space",
            "path: a, at_least: '${empty}'",
            "`at_least`: expected a size such as 500MB or 10GiB, found ``",
        ),
        (
            "fresh",
            "path: a, max_age: '${empty}'",
            "`max_age`: expected a duration such as 90s, 5m, 2h, 3d or 1h30m, found ``",
        ),
        ("where", "host: '${empty}'", "`host` is empty: name one"),
    ] {
        assert_eq!(ask(&home, probe, fields), said("error", why), "{probe}");
    }
    for fields in ["source: '${empty}', backup: there", "source: there, backup: '${empty}'"] {
        let (state, detail) = ask(&home, "covers", fields);
        assert!(state == "error" || state == "fails", "{detail}");
    }
}

#[test]
fn who_may_not_look_gets_no_answer() {
    let test = "may_not_look";
    if !root(test) || !have(test, "setpriv") {
        return;
    }
    let home = world();
    let open = |path: std::path::PathBuf, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open(home.path("").parent().unwrap().to_owned(), 0o755);
    open(home.path(""), 0o755);
    std::fs::create_dir_all(home.path("tree/closed/below")).unwrap();
    home.write("tree/closed/file", "x");
    home.write("secret", "x");
    open(home.path("tree/closed"), 0o700);
    open(home.path("secret"), 0o600);
    later(&home);
    // Where the binary is, nobody else may be able to go.
    let program = home.path("onbelay");
    std::fs::copy(super::ONBELAY, &program).unwrap();
    let asked = [
        ("within", "fresh", "path: tree/closed/file"),
        (
            "digest",
            "fresh",
            "path: secret, sha256: 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
        ),
        ("since", "unchanged_since", "path: tree, reference: later"),
        ("covers", "covers", "source: tree, backup: there"),
        ("used", "not_in_use", "path: secret"),
        ("below", "not_in_use", "path: there"),
        ("persistent", "persistent", "path: tree/closed/file"),
        ("different", "different", "a: tree/closed/file, b: secret"),
        ("space", "space", "path: tree/closed/below, at_least: 1B"),
    ];
    let file = home.write("asked.yaml", &runbook(&asked, ""));
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program).arg("check");
    command.arg(&file).arg("--json").env_clear().envs(home.variables()).current_dir(home.path(""));
    // What nobody may write in is no home.
    command.env("ONBELAY_HOME", "/nonexistent").env("HOME", "/nonexistent");
    let said = answers(&home, &mut command);
    for (name, (state, detail)) in &said {
        let no = name == "covers" && state == "fails";
        assert!(state == "error" || no, "{name}: {state} {detail}");
    }
    let not = "not permitted: ask as a user who may";
    assert_eq!(said["within"].1, format!("cannot look at tree/closed/file: {not}"));
    assert_eq!(said["digest"].1, format!("cannot read secret: {not}"));
    assert_eq!(said["space"].1, format!("cannot ask how much is free at tree/closed/below: {not}"));
    assert!(said["used"].1.ends_with("may not be looked into: ask as root"), "{}", said["used"].1);
    assert!(said["used"].1.contains("(pid "), "{}", said["used"].1);
}

#[test]
fn four_gigabytes_of_nothing_are_no_trouble() {
    let home = world();
    File::create(home.path("sparse")).unwrap().set_len(4 << 30).unwrap();
    let all = [
        ("fresh", "fresh", "path: sparse, min_size: 4GiB, max_age: 1h"),
        ("used", "not_in_use", "path: sparse"),
        ("different", "different", "a: sparse, b: stamp"),
        ("persistent", "persistent", "path: sparse"),
        ("since", "unchanged_since", "path: sparse, reference: stamp"),
    ];
    let said = ask_all(&home, &all, "");
    assert_eq!(said["fresh"].0, "holds", "{}", said["fresh"].1);
    assert_eq!(said["used"].0, "holds", "{}", said["used"].1);
    assert_eq!(said["different"].0, "holds");
    assert_eq!(said["since"].0, "fails", "it was made after the stamp");
}

#[test]
fn a_tree_that_is_mounted_in_itself_has_no_end_and_is_no_pass() {
    let test = "mounted_in_itself";
    let home = world();
    std::fs::create_dir_all(home.path("site/sub")).unwrap();
    home.write("site/f", "x");
    let site = home.path("site");
    let Some(_bound) = Mounted::new(test, &home, "site/sub", &["--bind", site.to_str().unwrap()]) else {
        return;
    };
    later(&home);
    let why = "site/sub is site again, by a bind mount, so the tree has no end: unmount it";
    assert_eq!(
        ask(&home, "unchanged_since", "path: site, reference: later"),
        said("error", &format!("cannot tell whether site changed: {why}"))
    );
    let (state, detail) = ask(&home, "covers", "source: site, backup: there");
    assert!(state == "error" || state == "fails", "{detail}");
}

/// A mount whose server never answers, not even to say that it is there.
struct Dead {
    mounted: Option<Mounted>,
    _server: File,
}

impl Dead {
    fn new(test: &str, home: &Home) -> Option<Self> {
        if !root(test) {
            return None;
        }
        let server = match File::options().read(true).write(true).open("/dev/fuse") {
            Ok(server) => server,
            Err(error) => {
                not_offered(test, Offer::Mounts, &format!("/dev/fuse: {error}"));
                return None;
            }
        };
        rustix::io::fcntl_setfd(&server, rustix::io::FdFlags::empty()).unwrap();
        let options = format!("fd={},rootmode=40000,user_id=0,group_id=0", server.as_raw_fd());
        let mounted = Mounted::new(test, home, "dead", &["-i", "-t", "fuse", "-o", &options, "nobody"]);
        rustix::io::fcntl_setfd(&server, rustix::io::FdFlags::CLOEXEC).unwrap();
        Some(Self { mounted: Some(mounted?), _server: server })
    }
}

impl Drop for Dead {
    fn drop(&mut self) {
        // First the name, then the server: closing it ends all who wait.
        self.mounted.take();
    }
}

#[test]
fn a_mount_that_never_answers_is_given_up_in_time() {
    let home = world();
    let Some(_dead) = Dead::new("dead_mount", &home) else { return };
    let began = Instant::now();
    let said = ask_every(&home, "dead/x", "timeout: 2s,");
    let took = began.elapsed();
    for (name, (state, detail)) in &said {
        assert_eq!(state, "error", "{name}: {detail}");
        assert!(detail.starts_with("no answer within 2 s"), "{name}: {detail}");
    }
    assert!(took < Duration::from_secs(12), "{took:?}");
    // What is elsewhere is answered all the same.
    assert_eq!(ask(&home, "not_in_use", "path: there/file").0, "holds");
    assert_eq!(ask(&home, "persistent", "path: there").0, ask(&home, "persistent", "path: stamp").0);
}

/// Without a limit of its own a probe is given up when nothing was heard of it for a minute; a test need not sit it out.
#[cfg(feature = "failpoints")]
#[test]
fn a_mount_that_never_answers_is_given_up_without_a_limit_too() {
    let home = world().with("ONBELAY_FAILPOINT", "probe-silence=ms:1500");
    let Some(_dead) = Dead::new("dead_mount_without_a_limit", &home) else { return };
    for (name, (state, detail)) in &ask_every(&home, "dead/x", "") {
        assert_eq!(state, "error", "{name}: {detail}");
        assert!(detail.contains("what it is stored on does not answer"), "{name}: {detail}");
    }
}

#[test]
fn what_vanishes_is_no_pass() {
    let home = world();
    let Some(mounted) = Mounted::new("vanishing", &home, "ram", &["-t", "tmpfs", "ram"]) else { return };
    home.write("ram/file", "x");
    assert_eq!(ask(&home, "fresh", "path: ram/file").0, "holds");
    drop(mounted);
    assert_eq!(ask(&home, "fresh", "path: ram/file"), said("fails", "there is no ram/file"));
}
