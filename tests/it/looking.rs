//! What a probe does to the world it looks at: nothing. The system calls of every probe, by strace.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::support::{Home, Offer, have, not_offered};

/// Calls with which a file, a link or a directory is made, changed or removed. `openat` is looked at by its flags.
const CHANGES: &str = "creat,mkdir,mkdirat,mknod,mknodat,unlink,unlinkat,rmdir,rename,renameat,renameat2,link,linkat,\
                       symlink,symlinkat,truncate,ftruncate,fallocate,chmod,fchmod,fchmodat,chown,fchown,lchown,\
                       fchownat,utimensat,setxattr,lsetxattr,fsetxattr,removexattr,lremovexattr,fremovexattr,mount,umount2,\
                       copy_file_range,sendfile,splice,pwrite64,pwritev";

/// What each probe is asked: its name in the runbook and its fields.
fn questions() -> Vec<(&'static str, String)> {
    let mut all: Vec<(&str, String)> = ["t", "t.tar", "t.tar.gz", "t.tar.zst", "t.tar.xz", "t.zip"]
        .map(|backup| ("covers", format!("source: live, backup: {backup}")))
        .into();
    all.extend(
        [
            ("unchanged_since", "path: live, reference: stamp"),
            ("fresh", "path: t.tar, max_age: 1d, sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("persistent", "path: live"),
            ("not_in_use", "path: live"),
            ("not_in_use", "path: live/a"),
            ("different", "a: live, b: t"),
            ("space", "path: live, at_least: 1B"),
            ("where", "host: no.such.host, user: root"),
        ]
        .map(|(probe, fields)| (probe, fields.to_owned())),
    );
    all
}

fn world(home: &Home) -> bool {
    std::fs::create_dir_all(home.path("live/d")).unwrap();
    std::fs::create_dir_all(home.path("outside")).unwrap();
    home.write("outside/secret", "not to be opened");
    home.write("live/a", "one");
    home.write("live/d/b", "two");
    // Two ways out: to a file, and to a directory.
    symlink("../outside/secret", home.path("live/way-out")).unwrap();
    symlink("../outside", home.path("live/d/way-out")).unwrap();
    home.write("stamp", "");
    let made = Command::new("bash")
        .args(["-euc", "cp -a live t; for c in '' .gz .zst .xz; do tar -caf t.tar$c -C live .; done; cd live; zip -qry ../t.zip ."])
        .current_dir(home.path(""))
        .status();
    made.is_ok_and(|made| made.success())
}

#[test]
fn no_probe_writes_and_none_follows_a_link_out_of_its_tree() {
    let test = "no_probe_writes";
    if !["strace", "zstd", "xz", "zip"].iter().all(|tool| have(test, tool)) {
        return;
    }
    let home = Home::new();
    assert!(world(&home), "the archives are made");
    for (number, (probe, fields)) in questions().into_iter().enumerate() {
        let file = home.write(
            "look.yaml",
            &format!("onbelay: 1\ntitle: t\nchecks:\n  c: {{ {probe}: {{ {fields} }} }}\nsteps: [{{ title: x, run: x, requires: c }}]\n"),
        );
        let log = home.path(&format!("calls.{number}"));
        let ran = Command::new("strace")
            .args([
                "-f",
                "-y",
                "-s",
                "256",
                "-e",
                &format!("trace=execve,open,openat,openat2,write,{CHANGES}"),
            ])
            .args(["-e", "signal=none", "-o"])
            .arg(&log)
            .arg(env!("CARGO_BIN_EXE_onbelay"))
            .args(["check", file.to_str().unwrap(), "--json"])
            .env_clear()
            .envs(home.variables())
            .current_dir(home.path(""))
            .output()
            .unwrap();
        let calls = std::fs::read_to_string(&log).unwrap_or_default();
        if !calls.contains("execve(") {
            not_offered(test, Offer::Traces, "strace may not trace here");
            return;
        }
        let answer = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(answer.contains("\"state\""), "{probe}: {answer} {}", String::from_utf8_lossy(&ran.stderr));
        let probes = of_the_probe(&calls);
        let looked_at = match probe {
            "fresh" => "t.tar",
            // These ask the kernel, and open nothing of what they are asked about.
            "space" | "where" => "execve",
            _ => "live",
        };
        assert!(probes.iter().any(|call| call.contains(looked_at)), "{probe} looked at nothing: {calls}");
        for call in probes {
            assert!(!changes(call, &home.path("")), "{probe} {fields}: {call}");
            assert!(!call.contains("outside"), "{probe} {fields} went out of its tree: {call}");
        }
    }
}

/// The calls of the process that asks, and of its threads and children: from the one that was started as `probe`.
fn of_the_probe(calls: &str) -> Vec<&str> {
    let lines: Vec<&str> = calls.lines().collect();
    let begins = lines.iter().position(|line| line.contains("execve(") && line.contains("\"probe\""));
    let Some(begins) = begins else { panic!("no process of a probe: {calls}") };
    let pid =
        |line: &str| line.split_whitespace().next().unwrap_or_default().parse::<u32>().unwrap_or_default();
    // Whoever asks was there before it; only the probe has threads and children after it.
    let first = pid(lines[begins]);
    lines[begins..].iter().copied().filter(|line| pid(line) >= first).collect()
}

/// Does this call change a file?
fn changes(call: &str, world: &Path) -> bool {
    let name = call.split_whitespace().nth(1).unwrap_or_default().split('(').next().unwrap_or_default();
    match name {
        // What it was told to say goes through a pipe.
        "write" => !call.contains("<pipe:") && call.contains(world.to_str().unwrap()),
        "open" | "openat" | "openat2" => {
            ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"].iter().any(|flag| call.contains(flag))
                && !call.contains("/dev/null")
        }
        // Continuations, ends and the like.
        "execve" | "<..." | "+++" | "---" | "" => false,
        name => CHANGES.split(',').any(|change| change.trim() == name),
    }
}

#[test]
fn checks_of_one_breath_do_not_take_each_other_for_users() {
    let home = Home::new();
    home.write("a.img", "one");
    let session = home.start(
        "onbelay: 1\ntitle: T\nchecks:\n  idle: { not_in_use: { path: a.img } }\n  reads: { run: 'exec 3<a.img; sleep 0.2' }\n\
         steps:\n  - { id: write, title: W, destructive: true, requires: [idle, reads], run: touch written }\n",
    );
    session.act(&["run", "write", "--confirm", "write"]).expect(0);
    assert!(home.path("written").exists());
    // By what is on record neither began before the other had ended: no luck in what a look could have met.
    let asked = |check: &str| {
        let answer =
            session.wait_for_where("check_answered", |record| record["check"] == check)["answer"].clone();
        let began = answer["began"]["up"].as_u64().unwrap();
        (began, began + answer["took"].as_u64().unwrap())
    };
    let (idle, reads) = (asked("idle"), asked("reads"));
    assert!(idle.1 <= reads.0 || reads.1 <= idle.0, "side by side: {idle:?}, {reads:?} (ms)");
    // Somebody else is still seen.
    let _held = std::fs::File::open(home.path("a.img")).unwrap();
    let file = home.path("runbook.yaml");
    home.call(&["check", file.to_str().unwrap()]).expect(1).says("a.img is in use: ").says("has it open");
}
