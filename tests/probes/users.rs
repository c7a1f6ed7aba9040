//! `not_in_use` against processes that hold a file in every way there is.

use super::machine::{Holder, Mounted, all_open};
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
