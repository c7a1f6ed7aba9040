//! `not_in_use` against processes that hold a file in every way there is.

use super::machine::{Holder, Mounted, all_open, layered};
use super::support::{Home, have};
use super::{ask, said};

const OPEN: &str = "exec 3<a.img; echo so far; read x";

/// What it says of a process that the test started, by its program's name and number.
fn by(answer: &super::Said, holder: &Holder, how: &str) {
    let (state, detail) = answer;
    assert_eq!(state, "fails", "{detail}");
    assert!(detail.contains(&format!(" (pid {}, user ", holder.pid())), "{detail}");
    assert!(detail.contains(how), "{detail}");
}

#[test]
fn whoever_has_a_file_open_is_named() {
    let home = Home::new();
    home.write("a.img", "x");
    home.write("b.img", "x");
    let holder = Holder::new(&home, "sh", &["-c", OPEN]);
    let answer = ask(&home, "not_in_use", "path: a.img");
    by(&answer, &holder, "has it open");
    assert!(answer.1.starts_with("a.img is in use: "), "{}", answer.1);
    // By another name, and when its own name is another's by now.
    std::fs::hard_link(home.path("a.img"), home.path("hard.img")).unwrap();
    by(&ask(&home, "not_in_use", "path: hard.img"), &holder, "has it open");
    std::fs::rename(home.path("a.img"), home.path("renamed.img")).unwrap();
    by(&ask(&home, "not_in_use", "path: renamed.img"), &holder, "has it open");
    assert_eq!(ask(&home, "not_in_use", "path: b.img"), said("holds", "nobody uses b.img"));
    drop(holder);
    assert_eq!(ask(&home, "not_in_use", "path: renamed.img"), said("holds", "nobody uses renamed.img"));
}

#[test]
fn a_file_that_is_mapped_and_closed_is_in_use() {
    if !have("mapped", "python3") {
        return;
    }
    let home = Home::new();
    home.write("a b.img", "some text");
    // Python's own mapping keeps a descriptor; the C library's does not.
    let map = "import ctypes,os,sys\n\
               f = os.open('a b.img', os.O_RDONLY)\n\
               m = ctypes.CDLL(None).mmap; m.restype = ctypes.c_void_p\n\
               assert m(None, ctypes.c_size_t(9), 1, 1, f, ctypes.c_long(0)) != ctypes.c_void_p(-1).value\n\
               os.close(f)\n\
               print('so far', flush=True); sys.stdin.read()";
    let holder = Holder::new(&home, "python3", &["-c", map]);
    let answer = ask(&home, "not_in_use", "path: a b.img");
    by(&answer, &holder, "has it mapped");
    assert!(!answer.1.contains("open"), "{}", answer.1);
}

#[test]
fn a_directory_is_in_use_by_whoever_works_in_it_or_has_something_of_it_open() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("site/sub")).unwrap();
    std::fs::create_dir_all(home.path("site2")).unwrap();
    home.write("site/sub/f", "x");
    home.write("site2/f", "x");
    let neighbour = Holder::new(&home, "sh", &["-c", "exec 3<site2/f; echo so far; read x"]);
    let free = if all_open() { "holds" } else { "error" };
    let (state, detail) = ask(&home, "not_in_use", "path: site");
    assert_eq!(state, free, "{detail}");
    assert!(!detail.contains(&neighbour.pid().to_string()), "{detail}");
    let inside = Holder::new(&home, "sh", &["-c", "cd site/sub; echo so far; read x"]);
    by(&ask(&home, "not_in_use", "path: site"), &inside, "works in ");
    drop(inside);
    let open = Holder::new(&home, "sh", &["-c", "exec 3<site/sub/f; echo so far; read x"]);
    by(&ask(&home, "not_in_use", "path: site"), &open, "site/sub/f open");
    by(&ask(&home, "not_in_use", "path: site2"), &neighbour, "site2/f open");
}

#[test]
fn a_directory_is_in_use_through_another_mount_of_it() {
    let test = "through_another_mount";
    let home = Home::new();
    std::fs::create_dir_all(home.path("up/site")).unwrap();
    home.write("up/site/f", "x");
    let up = home.path("up");
    let Some(_bound) = Mounted::new(test, &home, "bound", &["--bind", up.to_str().unwrap()]) else { return };
    let holder = Holder::new(&home, "sh", &["-c", "exec 3<bound/site/f; echo so far; read x"]);
    by(&ask(&home, "not_in_use", "path: up/site"), &holder, "open");
}

#[test]
fn checks_that_look_side_by_side_are_nobodys_use() {
    let home = Home::new();
    home.write("a.img", "x");
    let names: Vec<String> = (0..12).map(|n| format!("c{n}")).collect();
    let asked: Vec<(&str, &str, &str)> =
        names.iter().map(|name| (name.as_str(), "not_in_use", "path: a.img")).collect();
    for (name, answer) in super::ask_all(&home, &asked, "") {
        assert_eq!(answer, said("holds", "nobody uses a.img"), "{name}");
    }
}

/// A probe of another check that reads a file and does not come to its end.
struct Reading(std::process::Child);

impl Reading {
    fn new(home: &Home, name: &str) -> Self {
        let path = home.path(name);
        let look = format!(r#"{{"fresh":{{"path":"{}","sha256":"{}"}}}}"#, path.display(), "0".repeat(64));
        let mut command = std::process::Command::new(super::ONBELAY);
        command.args(["probe", &look]).stdout(std::process::Stdio::piped());
        let child = command.spawn().unwrap();
        let fds = format!("/proc/{}/fd", child.id());
        super::support::until("the other check reads the file", || {
            let mut links = std::fs::read_dir(&fds).ok()?.flatten();
            links.any(|fd| std::fs::read_link(fd.path()).is_ok_and(|to| to == path)).then_some(())
        });
        Self(child)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_check_that_reads_the_file_for_long_is_no_use_and_hides_none() {
    let home = Home::new();
    std::fs::File::create(home.path("a.img")).unwrap().set_len(1 << 40).unwrap();
    let reading = Reading::new(&home, "a.img");
    let (state, detail) = ask(&home, "not_in_use", "path: a.img");
    assert_eq!(state, if all_open() { "holds" } else { "error" }, "{detail}");
    let holder = Holder::new(&home, "sh", &["-c", OPEN]);
    by(&ask(&home, "not_in_use", "path: a.img"), &holder, "has it open");
    drop((holder, reading));
    assert_eq!(ask(&home, "not_in_use", "path: a.img"), said("holds", "nobody uses a.img"));
}

#[test]
fn layers_are_in_use_through_what_is_made_of_them() {
    let home = Home::new();
    let Some(_merged) = layered("layers_in_use", &home) else { return };
    let holder = Holder::new(&home, "sh", &["-c", "exec 3<merged/sub/f 4<merged/sub/g; echo so far; read x"]);
    for path in ["low/sub", "up/sub"] {
        by(&ask(&home, "not_in_use", &format!("path: {path}")), &holder, "merged/sub/");
    }
    let (state, detail) = ask(&home, "not_in_use", "path: low");
    assert_eq!(state, "fails");
    assert!(detail.contains("it is a layer of what is mounted at "), "{detail}");
    drop(holder);
    // And the other way round: the kernel's lease on the merged file says nothing of its layer.
    let holder = Holder::new(&home, "sh", &["-c", "exec 3<low/sub/f; echo so far; read x"]);
    by(&ask(&home, "not_in_use", "path: merged/sub/f"), &holder, "has it open");
    by(&ask(&home, "not_in_use", "path: merged/sub"), &holder, "low/sub/f open");
    drop(holder);
    let (state, detail) = ask(&home, "not_in_use", "path: merged/sub/f");
    assert_eq!(state, if all_open() { "holds" } else { "error" }, "{detail}");
}

/// Asks with the machine's first process out of sight: in a container nobody may look into it, and nothing else counts.
fn ask_where_all_is_open(home: &Home, probe: &str, fields: &str) -> super::Said {
    let file = home.write("asked.yaml", &super::runbook(&[("c", probe, fields)], ""));
    let mut command = std::process::Command::new("unshare");
    let hide = r#"mount -t tmpfs none /proc/1 && exec "$0" check "$1" --json"#;
    command.args(["--mount", "sh", "-c", hide, super::ONBELAY]).arg(&file);
    command.env_clear().envs(home.variables()).current_dir(home.path(""));
    super::answers(home, &mut command).remove("c").unwrap()
}

#[test]
fn what_is_open_by_a_mount_that_is_gone_is_no_pass() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("site/sub")).unwrap();
    home.write("site/sub/f", "x");
    let site = home.path("site");
    let Some(bound) = Mounted::new("mount_gone", &home, "bound", &["--bind", site.to_str().unwrap()]) else {
        return;
    };
    let open = Holder::new(&home, "sh", &["-c", "exec 3<bound/sub/f; echo so far; read x"]);
    let works = Holder::new(&home, "sh", &["-c", "cd bound/sub; echo so far; read x"]);
    drop(bound);
    let (state, detail) = ask_where_all_is_open(&home, "not_in_use", "path: site");
    assert_eq!(state, "error", "{detail}");
    assert!(detail.contains("by a mount that is no longer in sight"), "{detail}");
    by(&ask(&home, "not_in_use", "path: site/sub/f"), &open, "has it open");
    by(&ask(&home, "not_in_use", "path: site/sub"), &works, "works in ");
}

#[test]
fn a_thread_with_files_of_its_own_is_looked_into() {
    if !have("own_files", "python3") {
        return;
    }
    let home = Home::new();
    std::fs::create_dir_all(home.path("site")).unwrap();
    home.write("site/f", "x");
    // CLONE_FILES
    let thread = "import ctypes, os, sys, threading\n\
                  def own():\n\
                  \x20   assert ctypes.CDLL(None).unshare(0x400) == 0\n\
                  \x20   os.open('site/f', os.O_RDONLY)\n\
                  \x20   print('so far', flush=True)\n\
                  \x20   threading.Event().wait()\n\
                  threading.Thread(target=own, daemon=True).start()\n\
                  sys.stdin.read()";
    let holder = Holder::new(&home, "python3", &["-c", thread]);
    by(&ask(&home, "not_in_use", "path: site"), &holder, "site/f open");
    by(&ask(&home, "not_in_use", "path: site/f"), &holder, "has it open");
}

#[test]
fn a_file_that_is_open_by_its_other_name_is_in_use_in_both_places() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("site")).unwrap();
    home.write("site/f", "x");
    std::fs::hard_link(home.path("site/f"), home.path("elsewhere")).unwrap();
    let holder = Holder::new(&home, "sh", &["-c", "exec 3<elsewhere; echo so far; read x"]);
    by(&ask(&home, "not_in_use", "path: site"), &holder, "elsewhere open");
    std::fs::remove_file(home.path("elsewhere")).unwrap();
    let (state, detail) = ask(&home, "not_in_use", "path: site");
    assert!(state != "holds", "{detail}");
    assert!(!all_open() || detail.contains("was deleted and has another name"), "{detail}");
}

#[test]
fn whoever_listens_at_a_socket_in_a_directory_uses_it() {
    if !have("listens", "python3") {
        return;
    }
    let home = Home::new();
    std::fs::create_dir_all(home.path("site/run")).unwrap();
    let listen = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen();\
                  print('so far', flush=True); sys.stdin.read()";
    let at = home.path("site/run/s");
    let holder = Holder::new(&home, "python3", &["-c", listen, at.to_str().unwrap()]);
    by(&ask(&home, "not_in_use", "path: site"), &holder, "site/run/s open");
    drop(holder);
    std::fs::remove_file(at).unwrap();
    let holder = Holder::new(&home, "python3", &["-c", listen, "site/run/s"]);
    let (state, detail) = ask(&home, "not_in_use", "path: site");
    assert!(state != "holds", "{detail}");
    assert!(!all_open() || detail.contains("somebody listens at site/run/s"), "{detail}");
    drop(holder);
}
