//! A machine that ends with a login all that was started in it: who starts a walk there is warned before anything runs (S3).
//! The files that say so are a test's own; what reads them is the program, at each of its ways in.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Signal, kill_process};

use crate::support::{Home, Pid, Ran, Screen, parked};

const ONBELAY: &str = env!("CARGO_BIN_EXE_onbelay");

const WALK: &str =
    "onbelay: 1\ntitle: Walk\nsteps:\n  - { id: a, title: Take the copy, run: echo ran >>effects }\n";

const WARNED: &str = "when you log out, this machine ends all that you have started";

/// A home whose program takes these files for the machine's: systemd is there, and logind kills or does not.
fn machine(kills: bool) -> (Home, PathBuf) {
    let mut home = Home::new();
    let root = home.path("machine");
    put(&root.join("run/systemd/system/.keep"), "");
    let word = if kills { "yes" } else { "no" };
    // Whoever runs this is not spared, root included.
    let text = format!("[Login]\nKillUserProcesses={word}\nKillExcludeUsers=\n");
    put(&root.join("etc/systemd/logind.conf"), &text);
    home.set("ONBELAY_FAILPOINT", format!("logout-root=word:{}", root.display()));
    (home, root)
}

fn put(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// The process is part of a login.
fn is_of_a_login(root: &Path, pid: Pid) {
    let file = root.join(format!("proc/{}/cgroup", pid.as_raw_nonzero()));
    put(&file, "0::/user.slice/user-1000.slice/session-3.scope\n");
}

fn warned(ran: &Ran) -> bool {
    ran.stderr.lines().collect::<Vec<_>>().join(" ").contains(WARNED)
}

#[test]
fn s3_a_start_warns_where_a_logout_ends_the_session_and_only_there() {
    for kills in [true, false] {
        let (home, root) = machine(kills);
        let file = home.write("runbook.yaml", WALK);
        // It asks of itself: its number is known before it is the program.
        let script = "mkdir -p \"$0/proc/$$\"; echo 0::/user.slice/user-1000.slice/session-3.scope >\"$0/proc/$$/cgroup\"; exec \"$@\"";
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).arg(&root).args([ONBELAY, "start"]).arg(&file);
        let out = shell.env_clear().envs(home.variables()).current_dir(home.path("")).output().unwrap();
        let ran = Ran::of(&out).expect(0).clean();
        assert_eq!(warned(&ran), kills, "{ran:?}");
        assert_eq!(ran.stdout.lines().count(), 1, "stdout is the id alone");
        assert_eq!(home.only_session().step("a"), "ready", "it is said before anything runs");
    }
}

#[test]
fn s3_lines_and_the_screen_warn_where_a_logout_ends_the_host_and_only_there() {
    for kills in [true, false] {
        let (mut home, root) = machine(kills);
        // The host's number is known once it is there; it stands still meanwhile, and its walk with it.
        let at = home.path("parked");
        let points = format!("logout-root=word:{};host-announced=stop:{}", root.display(), at.display());
        home.set("ONBELAY_FAILPOINT", &points);
        let file = home.write("runbook.yaml", WALK);
        let run = home.command(&["run", "--plain", file.to_str().unwrap()]).spawn().unwrap();
        let host = parked(&at);
        is_of_a_login(&root, host);
        kill_process(host, Signal::CONT).unwrap();
        let ran = Ran::of(&run.wait_with_output().unwrap()).clean();
        assert_eq!(warned(&ran), kills, "{ran:?}");
        // Who comes back is told so too: in lines, and on the screen.
        let session = home.only_session();
        let again = home.call_with(&["attach", &session.id, "--plain"], b"quit\n");
        assert_eq!(warned(&again), kills, "{again:?}");
        let mut screen = Screen::open(&home, &["attach", &session.id], (40, 120));
        screen.wait_for("Take the copy");
        if kills {
            screen.wait("the warning", |text| text.replace('\n', " ").contains("when you log out"));
        }
        screen.press("q");
        screen.wait_end();
        assert_eq!(String::from_utf8_lossy(&screen.raw).contains("log out"), kills);
        assert_eq!(home.read("effects"), "", "nothing ran");
    }
}
