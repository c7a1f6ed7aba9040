//! What is on disk is for its owner alone, whatever the mask, and where others could change that nothing is begun (X6).

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::support::{Home, Ran, Session, until};

/// What a session may leave behind: files of every kind, and a terminal's that are there only while it runs.
const KINDS: &str = r"
onbelay: 1
title: Kinds
params: { token: { about: T, secret: true, env: TOKEN } }
steps:
  - { id: value, title: V, run: 'umask; echo two >&2; touch made', capture: v }
  - { id: list, title: L, for_each: { n: [x, y] }, run: 'echo $n' }
  - { id: covered, title: C, run: 'echo $token' }
  - { id: typed, title: T, interactive: true, run: 'echo up >up; read -r _ <go' }
";

#[test]
fn x6_what_is_on_disk_is_for_its_owner_alone_under_the_laxest_umask() {
    let home = Home::new().with("TOKEN", "hunter2");
    let lax = |words: &[&str]| {
        let mut shell = Command::new("sh");
        shell.args(["-c", "umask 000; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_onbelay")]).args(words);
        Ran::of(&shell.env_clear().envs(home.variables()).current_dir(home.path("")).output().unwrap())
    };
    let file = home.write("runbook.yaml", KINDS);
    rustix::fs::mkfifoat(rustix::fs::CWD, home.path("go"), rustix::fs::Mode::RWXU).unwrap();
    let id = lax(&["start", file.to_str().unwrap()]).expect(0).stdout.trim().to_owned();
    let session = Session::new(&home, id.clone());
    for step in ["value", "list", "covered"] {
        lax(&["do", &id, "run", step]).expect(0);
    }
    lax(&["do", &id, "run", "typed", "--no-wait"]).expect(0);
    until("it runs in its terminal", || (home.read("up") == "up\n").then_some(()));
    let mode = |path: &std::path::Path| std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    // The mask was that lax: it is the commands' own, as their starter had it.
    assert!(session.output(1).starts_with(b"0000\n"));
    assert_eq!(mode(&home.path("made")), 0o666);
    let mut seen = 0;
    let mut look = |session: &Session<'_>| {
        let mut todo = vec![home.state()];
        while let Some(dir) = todo.pop() {
            assert_eq!(mode(&dir), 0o700, "{}", dir.display());
            for path in std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()) {
                if std::fs::symlink_metadata(&path).unwrap().is_dir() {
                    todo.push(path);
                    continue;
                }
                // The copy that is walked is written by nobody any more.
                let wanted = if path == session.dir().join("runbook.yaml") { 0o400 } else { 0o600 };
                assert_eq!(mode(&path), wanted, "{}", path.display());
                seen += 1;
            }
        }
    };
    look(&session);
    // Another host, and the end of the terminal.
    session.kill_host();
    lax(&["do", &id, "note", "back"]).expect(0);
    std::fs::write(home.path("go"), "\n").unwrap();
    session.wait_for_where("step_settled", |record| record["step"] == "typed");
    look(&session);
    println!("X6: {seen} files and sockets under umask 000, each for its owner alone");
    assert!(seen > 40, "{seen}");
    session.verifies();
}

#[test]
fn x6_a_home_that_others_may_write_to_or_rename_is_refused_with_what_to_do() {
    let mut home = Home::new().with("TOKEN", "hunter2");
    let file = home.write("runbook.yaml", KINDS);
    // The home of all sessions itself, then a directory above it.
    for (mode, below, cure) in
        [(0o777, "", "chmod go-w"), (0o770, "", "chmod go-w"), (0o777, "below", "chmod o-w")]
    {
        let lax = home.path(&format!("lax-{mode:o}-{below}"));
        std::fs::create_dir(&lax).unwrap();
        std::fs::set_permissions(&lax, std::fs::Permissions::from_mode(mode)).unwrap();
        home.set("ONBELAY_HOME", lax.join(below));
        home.call(&["start", file.to_str().unwrap()]).expect(2).says("may write to it").says(cure);
        home.call(&["run", "--plain", file.to_str().unwrap()]).expect(2).says(cure);
        let left = std::fs::read_dir(lax.join(below)).map_or(0, Iterator::count);
        assert_eq!(left, 0, "nothing was begun in {}", lax.display());
    }
}
