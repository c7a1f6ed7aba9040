//! Files in the place of a runbook that are none, or that somebody else has a hand in (Y8, Y10).

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{Home, Ran, have, root};

const BOOK: &str = "onbelay: 1\ntitle: Small\nsteps: [{ id: a, run: echo one }]\n";

#[test]
fn y10_only_a_regular_file_is_read_and_no_more_of_it_than_a_runbook_may_have() {
    let home = Home::new();
    let book = home.write("book.yaml", BOOK);
    symlink(&book, home.path("link.yaml")).unwrap();
    home.call(&["lint", "link.yaml"]).expect(0);
    symlink("link-to-itself.yaml", home.path("link-to-itself.yaml")).unwrap();
    symlink("nowhere.yaml", home.path("dangling.yaml")).unwrap();
    assert!(Command::new("mkfifo").arg(home.path("fifo.yaml")).status().unwrap().success());
    fs::create_dir(home.path("dir.yaml")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(home.path("socket.yaml")).unwrap();
    // Sparse: to read all of it would take minutes.
    fs::File::create(home.path("huge.yaml")).unwrap().set_len(1 << 40).unwrap();
    home.write("empty.yaml", "");
    for (name, why) in [
        ("fifo.yaml", "no regular file"),
        ("/dev/zero", "no regular file"),
        ("/dev/null", "no regular file"),
        ("/proc/self/fd/0", "no regular file"),
        ("socket.yaml", "cannot read"),
        ("dir.yaml", "is a directory"),
        (".", "is a directory"),
        ("link-to-itself.yaml", "cannot read"),
        ("dangling.yaml", "cannot read"),
        ("absent.yaml", "cannot read"),
        ("book.yaml/x", "cannot read"),
        ("huge.yaml", "more than 1 MiB"),
        ("empty.yaml", "holds no runbook"),
    ] {
        for words in [
            vec!["lint", name],
            vec!["start", name],
            vec!["check", name],
            vec!["start", "book.yaml", "--params", name],
        ] {
            if name == "empty.yaml" && words.contains(&"--params") {
                continue;
            }
            let ran = home.call(&words).clean();
            // What was read and is no runbook is what `lint` was asked to find out.
            let was_read = words[0] == "lint" && ["huge.yaml", "empty.yaml"].contains(&name);
            assert_eq!(ran.code, Some(if was_read { 1 } else { 2 }), "{words:?}: {ran:?}");
            assert!(ran.said().contains(why), "{words:?}: {ran:?}");
        }
    }
    assert!(home.sessions().is_empty());
}

#[test]
fn y10_a_file_that_may_not_be_read_is_not() {
    let test = "y10_a_file_that_may_not_be_read_is_not";
    let home = Home::new();
    let book = home.write("book.yaml", BOOK);
    fs::set_permissions(&book, fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = home.command(&["lint", "book.yaml"]);
    if rustix::process::geteuid().is_root() {
        // Root without its powers is an account like others.
        if !have(test, "setpriv") {
            return;
        }
        let program = env!("CARGO_BIN_EXE_onbelay");
        let mut bare = Command::new("setpriv");
        bare.args(["--inh-caps=-all", "--bounding-set=-all", program, "lint", "book.yaml"]);
        bare.env_clear().envs(home.variables()).current_dir(home.path("")).stdin(Stdio::null());
        command = bare;
    }
    let ran = Ran::of(&command.output().unwrap()).expect(2);
    assert!(
        ran.said().contains("cannot read book.yaml") && ran.said().contains("ermission denied"),
        "{ran:?}"
    );
}

#[test]
fn y10_who_else_may_change_it_is_said_and_changes_nothing_of_the_walk() {
    let home = Home::new();
    let book = home.write("book.yaml", BOOK);
    let warned = |mode: u32| {
        fs::set_permissions(&book, fs::Permissions::from_mode(mode)).unwrap();
        home.call(&["lint", "book.yaml"]).expect(0).stderr
    };
    for mode in [0o600, 0o644, 0o444, 0o755] {
        assert!(!warned(mode).contains("may change"), "{mode:o}");
    }
    for mode in [0o602, 0o666, 0o777] {
        assert!(warned(mode).contains("everyone on this machine may change book.yaml"), "{mode:o}");
    }
    if !root("y10_who_else_may_change_it") {
        return;
    }
    // A group of others; then root's own, which has nobody else in it.
    let games = nix::unistd::Group::from_name("games").unwrap().unwrap();
    chown(&book, None, Some(games.gid.as_raw())).unwrap();
    assert!(warned(0o664).contains("everyone in the group games may change book.yaml"));
    assert!(!warned(0o644).contains("may change"));
    chown(&book, None, Some(0)).unwrap();
    assert!(!warned(0o664).contains("may change"));
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    chown(&book, Some(nobody.uid.as_raw()), None).unwrap();
    assert!(warned(0o644).contains("nobody, whose file it is, may change book.yaml"));
    // A warning and no more: it is a copy that is walked.
    let session = home.start_file(&book, &[]);
    fs::write(&book, BOOK.replace("one", "two")).unwrap();
    session.act(&["run", "a"]).expect(0);
    assert_eq!(session.output(1), b"one\n");
    session.verifies();
}

#[test]
fn y10_a_file_that_changes_while_it_is_read_is_walked_as_it_was_read() {
    let home = Home::new();
    // Two runbooks of one length; what a reader gets may be either, or of both, and is then no runbook or is shown as it is.
    let steps = |word: &str| {
        let all: Vec<String> = (0..4_000).map(|n| format!("- {{ id: s{n}, run: echo {word} }}\n")).collect();
        all.concat()
    };
    let [one, two] = ["one", "two"].map(|word| format!("onbelay: 1\ntitle: t\nsteps:\n{}", steps(word)));
    let book = home.write("book.yaml", &one);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for text in [&two, &one] {
                    // In place: a rename would never be seen half way.
                    std::os::unix::fs::FileExt::write_all_at(
                        &fs::File::options().write(true).open(&book).unwrap(),
                        text.as_bytes(),
                        0,
                    )
                    .unwrap();
                }
            }
        });
        for _ in 0..5 {
            let session = home.start_file(&book, &["--another"]);
            let copy = fs::read(session.dir().join("runbook.yaml")).unwrap();
            assert_eq!(copy.len(), one.len());
            session.act(&["run", "s0"]).expect(0);
            let said = if copy.windows(22).any(|part| part == b"id: s0, run: echo one ") {
                "one\n"
            } else {
                "two\n"
            };
            assert_eq!(session.output(1), said.as_bytes());
            session.verifies();
            session.act(&["abort", "--say", "enough"]).expect(0);
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn y8_no_title_and_no_id_leads_out_of_the_place_for_sessions() {
    let home = Home::new();
    for title in [
        "../../../../tmp/out",
        "/etc/passwd",
        "..",
        "a/b",
        "-rf",
        "~root",
        "$(touch out)",
        "con\\nul",
        &"long ".repeat(60),
    ] {
        let yaml = format!(
            "onbelay: 1\ntitle: {}\nsteps: [{{ id: a, run: 'true' }}]\n",
            serde_json::to_string(title).unwrap()
        );
        let session = home.start_with(&yaml, &["--another"]);
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(session.id.chars().all(plain) && session.id.len() <= 120, "{title:?} became {}", session.id);
        assert!(session.dir().is_dir());
        session.act(&["run", "a"]).expect(0);
        session.act(&["finish"]).expect(0);
    }
    let inside = |dir: std::path::PathBuf| fs::read_dir(dir).unwrap().count();
    assert_eq!(inside(home.path("")), 1, "only the runbook");
    assert_eq!(home.sessions().len(), 9);
    // An id is no path either: what an attempt leaves is under its number.
    home.call(&[
        "start",
        home.write("out.yaml", "onbelay: 1\ntitle: t\nsteps: [{ id: ../out, run: x }]\n").to_str().unwrap(),
    ])
    .expect(2);
}
