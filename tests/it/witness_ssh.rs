//! A witness who comes in over a real `sshd`, and whose connection is cut in the middle.

use std::fs::Permissions;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::people::People;
use super::support::{Home, Screen, have, until};

const WIPE: &str = "onbelay: 1
title: Wipe
checks:
  backup: { title: A backup exists, run: test -e backup }
steps:
  - id: wipe
    title: Wipe the disk
    destructive: Everything on the disk is lost
    requires: backup
    witness: true
    run: echo wiped >> wiped
";

const DANA: usize = 0;
const SAM: usize = 1;

/// An SSH server for sam's key, on a port of its own.
struct Sshd {
    server: Child,
    port: u16,
    key: PathBuf,
}

impl Sshd {
    fn start(people: &People) -> Self {
        let own = people.own(SAM);
        let key = people.own(DANA).join("sam_key");
        let host_key = people.own(DANA).join("host_key");
        for file in [&key, &host_key] {
            let made =
                Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(file).status();
            assert!(made.unwrap().success());
        }
        let dir = own.join(".ssh");
        std::fs::create_dir(&dir).unwrap();
        std::fs::copy(key.with_extension("pub"), dir.join("authorized_keys")).unwrap();
        let uid = people.uid(SAM);
        for path in [&dir, &dir.join("authorized_keys")] {
            std::os::unix::fs::chown(path, Some(uid), None).unwrap();
            std::fs::set_permissions(path, Permissions::from_mode(0o700)).unwrap();
        }
        // An account without a password counts as locked, unless its password is one that none matches.
        assert!(
            Command::new("usermod").args(["--password", "*", people.name(SAM)]).status().unwrap().success()
        );
        std::fs::create_dir_all("/run/sshd").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = people.own(DANA).join("sshd_config");
        let text = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nUsePAM no\nPidFile none\n",
            host_key.display()
        );
        std::fs::write(&config, text).unwrap();
        let program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"];
        let program = program.into_iter().find(|path| std::path::Path::new(path).exists()).unwrap();
        let mut command = Command::new(program);
        command.args(["-D", "-e", "-f"]).arg(&config).stderr(Stdio::null());
        let server = command.spawn().unwrap();
        until("the server answers", || TcpStream::connect(("127.0.0.1", port)).ok());
        Self { server, port, key }
    }

    /// sam at a terminal elsewhere, who calls this over the connection.
    fn call(&self, home: &Home, people: &People, line: &str) -> Screen {
        let (port, key) = (self.port.to_string(), self.key.display().to_string());
        let to = format!("{}@127.0.0.1", people.name(SAM));
        let words = [
            "-tt",
            "-F",
            "none",
            "-i",
            &key,
            "-p",
            &port,
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "IdentityAgent=none",
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "LogLevel=ERROR",
            &to,
            line,
        ];
        Screen::call(home, "ssh", &words, (30, 100))
    }

    /// Kills every process that serves a connection, as a network that is gone or a dead `sshd` does.
    fn cut(&self) {
        let me = self.server.id();
        let cut = until("a connection to cut", || {
            let children = children_of(me);
            (!children.is_empty()).then_some(children)
        });
        for pid in cut {
            for pid in children_of(pid).into_iter().chain([pid]) {
                let _ = Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status();
            }
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn children_of(pid: u32) -> Vec<u32> {
    let said = Command::new("pgrep").args(["--parent", &pid.to_string()]).output().unwrap();
    String::from_utf8(said.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}

/// The first record of this kind, once it is on disk.
fn record(people: &People, event: &str) -> Value {
    let journal = people.session().join("journal.jsonl");
    until(event, || {
        let text = std::fs::read_to_string(&journal).unwrap();
        let whole = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        whole.into_iter().find(|record| record["event"] == event)
    })
}

#[test]
fn a_connection_that_is_cut_after_the_approval_voids_it_and_changes_nothing_else() {
    let test = "a_connection_that_is_cut";
    if !["sshd", "ssh", "ssh-keygen", "usermod", "pgrep"].iter().all(|tool| have(test, tool)) {
        return;
    }
    let Some(people) = People::new(test, &["dana", "sam"]) else { return };
    let home = Home::new();
    let sshd = Sshd::start(&people);
    let file = people.write("wipe.yaml", WIPE);
    people.write("backup", "");
    people.call(DANA, &["start", "--share", &people.group, file.to_str().unwrap()]).expect(0);
    let session = people.session();
    let id = session.to_str().unwrap();
    let host = record(&people, "host_started")["pid"].clone();
    people.call(DANA, &["do", id, "run", "wipe", "--confirm", "wipe"]).expect(1);

    // Over the wire, read to its end, approved.
    let onbelay = people.state().parent().unwrap().join("onbelay");
    let line = format!("TERM=xterm-256color LANG=C.UTF-8 {} attach --witness {id}", onbelay.display());
    let mut sam = sshd.call(&home, &people, &line);
    sam.wait_for("asks you to approve");
    sam.press_until("a", |screen| screen.contains("What will be lost"));
    sam.press_until("n", |screen| screen.contains("A approve"));
    sam.press_until("A", |screen| screen.contains("to approve:"));
    sam.press_until("approve", |screen| screen.contains("› approve"));
    sam.press("\r");
    let approved = record(&people, "approved");
    assert_eq!((&approved["by"]["name"], &approved["attached"]), (&people.name(SAM).into(), &true.into()));
    people.call(DANA, &["status", id]).expect(0);

    // Cut in the middle: sam is gone, without a word.
    sshd.cut();
    let void = record(&people, "approvals_voided");
    assert_eq!(void["approvals"][0], approved["n"]);
    let ran = people.call(DANA, &["do", id, "run", "wipe", "--confirm", "wipe"]).expect(1);
    assert!(ran.stdout.contains("left before the start"), "{}", ran.stdout);
    assert!(!people.own(DANA).join("wiped").exists());
    assert_eq!(record(&people, "host_started")["pid"], host);
    let alive = std::path::Path::new("/proc").join(host.to_string()).exists();
    assert!(alive, "the session goes on");

    // Back again: the same words, another approval, one start.
    let mut sam = sshd.call(&home, &people, &line);
    sam.wait_for("asks you to approve");
    people.call(SAM, &["do", id, "approve", "wipe"]).expect(0);
    people.call(DANA, &["do", id, "run", "wipe", "--confirm", "wipe"]).expect(0);
    assert_eq!(std::fs::read_to_string(people.own(DANA).join("wiped")).unwrap(), "wiped\n");
    sam.wait_for("it ended well");
    people.call(SAM, &["verify", id]).expect(0);
}
