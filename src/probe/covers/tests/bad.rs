//! What is no copy, and what nobody can look into: told, never passed, never waited for.

use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, FileType, Mode};

use super::*;

#[test]
fn a_source_that_is_empty_or_not_there_proves_nothing() {
    let world = World::new();
    fs::create_dir(world.at("copy")).expect("a directory");
    let finding = world.find("copy");
    fails(&finding);
    assert_eq!(world.said(&finding), "/site has nothing in it: that proves nothing");
    world.write("site/cache/a", "a");
    world.write("copy/cache/a", "a");
    let mut asks = world.asks("copy");
    asks.ignore = vec!["cache".to_owned()];
    let finding = find(&asks, &Progress::default());
    fails(&finding);
    assert_eq!(world.said(&finding), "/site has nothing in it but what is ignored (1): that proves nothing");
    fs::remove_dir_all(world.at("site")).expect("removes");
    let finding = world.find("copy");
    fails(&finding);
    assert_eq!(world.said(&finding), "there is nothing at /site: that proves nothing");
}

#[test]
fn a_backup_that_is_not_there_is_none() {
    let world = World::filled();
    let finding = world.find("nowhere");
    fails(&finding);
    assert_eq!(world.said(&finding), "there is no backup at /nowhere");
    world.write("empty.tar", "");
    let finding = world.find("empty.tar");
    fails(&finding);
    assert_eq!(world.said(&finding), "/empty.tar is damaged: it is empty");
    fs::create_dir(world.at("empty")).expect("a directory");
    let finding = world.find("empty");
    fails(&finding);
    assert_eq!(count(&finding, "missing"), 11);
}

#[test]
fn a_backup_that_is_the_source_or_in_it_or_around_it_is_none() {
    let world = World::filled();
    world.copy("site", "site-copy");
    std::os::unix::fs::symlink("site", world.at("by-link")).expect("a link");
    for backup in ["site", "by-link", ".", "site/../site"] {
        let finding = world.find(backup);
        fails(&finding);
        assert!(finding.detail.ends_with("that is no copy"), "{backup}: {finding:#?}");
    }
    world.copy("site-copy", "site/backup");
    let finding = world.find("site/backup");
    fails(&finding);
    assert_eq!(world.said(&finding), "/site/backup is inside /site: that is no copy");
    fs::remove_dir_all(world.at("site/backup")).expect("removes");
    run(Command::new("tar").current_dir(world.at("site")).args(["-cf", "../site.tar", "."]));
    fs::rename(world.at("site.tar"), world.at("site/uploads/site.tar")).expect("moves");
    let finding = world.find("site/uploads/site.tar");
    fails(&finding);
    assert_eq!(world.said(&finding), "/site/uploads/site.tar is inside /site: that is no copy");
}

#[test]
fn a_backup_that_leads_back_into_the_source_is_none() {
    let world = World::filled();
    // What `cp -al` and `rsync --link-dest` with the wrong directory make: other names of the same files.
    run(Command::new("cp").arg("-al").arg(world.at("site")).arg(world.at("copy")));
    let finding = world.find("copy");
    fails(&finding);
    assert_eq!(
        finding.detail,
        "7 no copy but the very same thing: broken (the link of the source itself), \
         index.php (the file of the source itself), robots.txt (the file of the source itself), …"
    );
}

#[test]
fn sockets_pipes_and_devices_are_counted_and_never_opened() {
    let world = World::filled();
    let mode = Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(CWD, world.at("site/pipe"), FileType::Fifo, mode, 0).expect("a pipe");
    let _socket = std::os::unix::net::UnixListener::bind(world.at("site/socket")).expect("a socket");
    world.copy("site", "copy");
    fs::remove_file(world.at("copy/pipe")).expect("removes");
    run(Command::new("tar").current_dir(world.at("site")).args(["-cf", "../a.tar", "."]));
    for backup in ["copy", "a.tar"] {
        let finding = world.find(backup);
        holds(&finding);
        assert_eq!(count(&finding, "special"), 2);
    }
    // A pipe where a file should be would keep whoever opens it waiting.
    fs::remove_file(world.at("copy/robots.txt")).expect("removes");
    rustix::fs::mknodat(CWD, world.at("copy/robots.txt"), FileType::Fifo, mode, 0).expect("a pipe");
    let finding = world.find("copy");
    fails(&finding);
    assert_eq!(
        differences(&finding),
        ["robots.txt: differs: a socket, pipe or device in the backup, not a file"]
    );
    let finding = world.find("copy/robots.txt");
    errs(&finding);
    assert_eq!(
        world.said(&finding),
        "/copy/robots.txt is a socket, pipe or device: `backup` must be a directory or an archive"
    );
    let mut asks = world.asks("copy");
    for source in ["/dev/zero", "/dev/null"] {
        source.clone_into(&mut asks.source);
        errs(&find(&asks, &Progress::default()));
    }
    asks = world.asks("copy");
    "/dev/zero".clone_into(&mut asks.backup);
    errs(&find(&asks, &Progress::default()));
}

#[test]
fn a_source_of_nothing_but_pipes_proves_nothing() {
    let world = World::new();
    rustix::fs::mknodat(CWD, world.at("site/pipe"), FileType::Fifo, Mode::from_raw_mode(0o600), 0)
        .expect("a pipe");
    world.copy("site", "copy");
    let finding = world.find("copy");
    fails(&finding);
    assert!(
        finding.detail.ends_with("only sockets, pipes or devices (1): that proves nothing"),
        "{finding:#?}"
    );
}

#[test]
fn a_file_that_changes_while_it_is_read_is_said_to_and_not_passed() {
    let world = World::filled();
    world.copy("site", "copy");
    run(Command::new("tar").current_dir(world.at("site")).args(["-cf", "../a.tar", "."]));
    for (changed, backup, said) in [
        ("site", "copy", "1 changed while being read: robots.txt (in the source)"),
        ("copy", "copy", "1 changed while being read: robots.txt (in the backup)"),
        ("site", "a.tar", "1 changed while being read: robots.txt (in the source)"),
    ] {
        let was = fs::read(world.at(changed).join("robots.txt")).expect("reads");
        // The same bytes again, and more of them and gone again: only the times tell.
        let opened = |path: &[u8]| {
            if path == b"robots.txt" {
                let file = world.at(changed).join("robots.txt");
                fs::write(&file, b"longer than before").expect("writes");
                fs::write(&file, &was).expect("writes");
            }
        };
        let finding = find_with(&world.asks(backup), &Progress::default(), &opened);
        errs(&finding);
        assert_eq!(finding.detail, said);
        assert_eq!(count(&finding, "changed"), 1);
        holds(&world.find(backup));
    }
}

#[test]
fn a_file_that_goes_or_grows_or_shrinks_under_our_hands_is_not_passed() {
    let world = World::filled();
    world.write("site/large", vec![1; 40 << 20]);
    world.copy("site", "copy");
    for act in ["append", "shorten"] {
        let once = AtomicBool::new(false);
        let opened = |path: &[u8]| {
            if path == b"large" && !once.swap(true, Ordering::Relaxed) {
                let file = fs::OpenOptions::new().write(true).open(world.at("site/large")).expect("opens");
                match act {
                    "append" => file.write_all_at(b"more", 40 << 20).expect("writes"),
                    _ => file.set_len(35 << 20).expect("cuts"),
                }
            }
        };
        let finding = find_with(&world.asks("copy"), &Progress::default(), &opened);
        errs(&finding);
        assert_eq!(finding.detail, "1 changed while being read: large (in the source)", "{act}");
        world.write("site/large", vec![1; 40 << 20]);
    }
}

/// Looks as somebody who is not root, in a thread of its own.
fn as_nobody(asks: &Covers<String>) -> Finding {
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            if rustix::process::geteuid().is_root() {
                let nobody = rustix::process::Uid::from_raw(65_534);
                rustix::thread::set_thread_res_uid(nobody, nobody, nobody).expect("becomes nobody");
            }
            find(asks, &Progress::default())
        });
        looking.join().expect("looks")
    })
}

#[test]
fn what_may_not_be_read_is_an_error_and_not_a_pass() {
    let world = World::filled();
    world.copy("site", "copy");
    let mode = |path: &str, mode| {
        fs::set_permissions(world.at(path), fs::Permissions::from_mode(mode)).expect("sets");
    };
    mode("", 0o755);
    holds(&as_nobody(&world.asks("copy")));
    for (path, closed, open, said) in [
        ("site/robots.txt", 0o000, 0o644, "1 cannot be read: robots.txt (in the source: permission denied)"),
        ("copy/robots.txt", 0o000, 0o644, "1 cannot be read: robots.txt (in the backup: permission denied)"),
        ("site/themes", 0o000, 0o755, "1 cannot be read: themes/ (in the source: permission denied)"),
        ("copy/themes", 0o000, 0o755, "1 cannot be read: themes/ (in the backup: permission denied)"),
        ("site", 0o000, 0o755, "cannot read /site: permission denied"),
        ("copy", 0o000, 0o755, "cannot read /copy: permission denied"),
    ] {
        mode(path, closed);
        let finding = as_nobody(&world.asks("copy"));
        mode(path, open);
        errs(&finding);
        assert_eq!(world.said(&finding), said);
    }
    run(Command::new("tar").current_dir(world.at("site")).args(["-cf", "../a.tar", "."]));
    mode("a.tar", 0o000);
    let finding = as_nobody(&world.asks("a.tar"));
    errs(&finding);
    assert_eq!(world.said(&finding), "cannot read /a.tar: permission denied");
    mode("a.tar", 0o644);
    mode("site/robots.txt", 0o000);
    let finding = as_nobody(&world.asks("a.tar"));
    errs(&finding);
    assert_eq!(finding.detail, "1 cannot be read: robots.txt (in the source: permission denied)");
}

/// A directory shown in another place too, for as long as this lives.
struct Shown(PathBuf);

impl Shown {
    fn new(what: &Path, at: &Path) -> Option<Self> {
        let output = Command::new("mount").arg("--bind").args([what, at]).output().expect("runs");
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            eprintln!("SKIPPED: this account may not mount: {why}");
            let held = std::env::var_os("ONBELAY_NO_SKIP").is_some();
            assert!(!(held && may_administrate()), "the mount failed, and ONBELAY_NO_SKIP is set");
            return None;
        }
        Some(Self(at.to_path_buf()))
    }
}

/// Would the kernel let this process mount (`CAP_SYS_ADMIN`)?
pub(super) fn may_administrate() -> bool {
    let status = fs::read_to_string("/proc/self/status").expect("the kernel says it");
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:")).expect("a line");
    u64::from_str_radix(line.trim(), 16).expect("a number") & (1 << 21) != 0
}

impl Drop for Shown {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_directory_that_is_in_itself_is_named_and_not_walked_for_ever() {
    let world = World::filled();
    fs::create_dir(world.at("site/themes/loop")).expect("a directory");
    world.copy("site", "copy");
    let Some(_shown) = Shown::new(&world.at("site"), &world.at("site/themes/loop")) else { return };
    let finding = world.find("copy");
    errs(&finding);
    assert_eq!(finding.detail, "1 inside itself, endlessly: themes/loop/");
}

#[test]
fn a_backup_that_is_the_source_shown_in_another_place_is_none() {
    let world = World::filled();
    fs::create_dir(world.at("copy")).expect("a directory");
    fs::create_dir(world.at("other")).expect("a directory");
    {
        let Some(_shown) = Shown::new(&world.at("site"), &world.at("copy")) else { return };
        let finding = world.find("copy");
        fails(&finding);
        assert_eq!(world.said(&finding), "/copy is /site: that is no copy");
    }
    fs::remove_dir(world.at("copy")).expect("removes");
    world.copy("site", "copy");
    let Some(_shown) = Shown::new(&world.at("site/themes"), &world.at("copy/themes")) else { return };
    let finding = world.find("copy");
    fails(&finding);
    assert_eq!(
        finding.detail,
        "1 no copy but the very same thing: themes/ (the directory of the source itself)"
    );
}

#[test]
fn four_gigabytes_of_nothing_are_compared_at_once() {
    let world = World::new();
    let make = |path: &str, at: u64, bytes: &[u8]| {
        world.write(path, "");
        let file = fs::OpenOptions::new().write(true).open(world.at(path)).expect("opens");
        file.set_len(4 << 30).expect("makes longer");
        file.write_all_at(bytes, at).expect("writes");
    };
    make("site/disk", 3 << 30, b"data");
    make("copy/disk", 3 << 30, b"data");
    let finding = world.find("copy");
    holds(&finding);
    assert_eq!(count(&finding, "bytes"), 4 << 30);
    run(Command::new("tar").current_dir(world.at("copy")).args(["-Scf", "../a.tar", "disk"]));
    holds(&world.find("a.tar"));
    make("copy/disk", (3 << 30) + 1, b"data");
    let finding = world.find("copy");
    fails(&finding);
    assert_eq!(differences(&finding), ["disk: differs: content"]);
}

#[test]
fn a_pattern_that_cannot_be_read_is_an_error() {
    let world = World::filled();
    let mut asks = world.asks("copy");
    asks.ignore = vec!["[a".to_owned()];
    let finding = find(&asks, &Progress::default());
    errs(&finding);
    assert!(finding.detail.starts_with("`ignore` has the pattern [a, which cannot be read"), "{finding:#?}");
}

#[test]
fn what_is_no_archive_is_said_to_be_none() {
    let world = World::filled();
    for (name, bytes, said) in [
        (
            "a.tar",
            &b"just a text\n"[..],
            "cannot read /a.tar: it is no tar, tar.gz, tar.zst, tar.xz or zip archive",
        ),
        ("a.bz2", b"BZh91AY&SY", "cannot read /a.bz2: it is packed with bzip2, which is not known here"),
    ] {
        world.write(name, bytes);
        let finding = world.find(name);
        errs(&finding);
        assert_eq!(world.said(&finding), said);
    }
    // Something packed that is no tar archive: no member can be read.
    run(Command::new("gzip").arg("-k").arg(world.at("site/index.php")));
    fs::rename(world.at("site/index.php.gz"), world.at("a.gz")).expect("moves");
    fails(&world.find("a.gz"));
}
