//! Replay of incident 3: a disk image under a running server. The server is a qemu-nbd that serves its image; the other
//! image's path is one character away.

use std::os::unix::net::UnixStream;
use std::process::Command;

use crate::support::{Home, Session, have, root};
use crate::world::{Server, TakeBack, bundled, checked, closed_by, must, walk};

const SIZE: u64 = 8 << 20;

/// An image with one filesystem that calls itself `label`, and holds one file.
fn image(home: &Home, name: &str, label: &str, says: &str) -> String {
    let tree = home.path(label);
    std::fs::create_dir(&tree).unwrap();
    std::fs::write(tree.join("who"), says).unwrap();
    let path = home.path(name);
    std::fs::File::create(&path).unwrap().set_len(SIZE).unwrap();
    let (tree, path) = (tree.to_str().unwrap(), path.to_str().unwrap().to_owned());
    must("mkfs.ext4", &["-q", "-F", "-L", label, "-d", tree, &path]);
    path
}

/// What the file in an image says.
fn says(image: &str) -> String {
    must("debugfs", &["-R", "cat /who", image])
}

fn sha256(path: &str) -> String {
    must("sha256sum", &[path]).split(' ').next().unwrap().to_owned()
}

/// Serves an image at a socket, for as long as it is kept.
fn serve(home: &Home, image: &str) -> Server {
    let socket = home.path("nbd");
    // That of one that was ended is left.
    let _ = std::fs::remove_file(&socket);
    let mut command = Command::new("qemu-nbd");
    command.args(["--persistent", "--format=raw", "--cache=writeback", "--socket"]).arg(&socket).arg(image);
    let mut server = Server::start(&mut command, &home.path("nbd.log"));
    server.wait("the socket of qemu-nbd", || UnixStream::connect(&socket).ok().map(drop));
    server
}

#[test]
fn disk_image_under_a_running_server() {
    let test = "disk_image_under_a_running_server";
    let tools = [
        "qemu-nbd",
        "qemu-img",
        "qemu-io",
        "mkfs.ext4",
        "debugfs",
        "blkid",
        "sha256sum",
        "dd",
        "cmp",
        "curl",
    ];
    if !root(test) || !tools.iter().all(|tool| have(test, tool)) {
        return;
    }
    let home = Home::new();
    // Production runs on web-1. The machine to be rebuilt is off, and its image is web-l.
    let production = image(&home, "web-1.img", "production", "customers\n");
    let meant = image(&home, "web-l.img", "staging", "old\n");
    let fresh = image(&home, "golden.img", "golden", "new\n");
    let at_first = sha256(&production);
    let running = serve(&home, &production);
    let export = format!("nbd+unix:///?socket={}", home.path("nbd").display());

    let node = rustix::system::uname().nodename().to_str().unwrap().to_owned();
    let machine = format!("machine={node}");
    let file = bundled("disk-image.yaml");
    let values = |machine: &str, source: &str, target: &str, copy: &str| {
        vec![
            machine.to_owned(),
            format!("source={source}"),
            format!("sha256={}", sha256(&fresh)),
            format!("target={target}"),
            "identity=staging".to_owned(),
            format!("copy={}", home.path(copy).display()),
        ]
    };

    // As it happened: the line from the history, with one character wrong.
    let wrong = walk(&home, &file, &values(&machine, &fresh, &production, "copy of the wrong"));
    wrong.act(&["skip", "stand-in", "--say", "there is none"]).expect(0);
    wrong.act(&["done", "shut-down", "--say", "it is off, I saw it go"]).expect(0);
    wrong.act(&["run", "copy"]).expect(0);
    let confirm = format!("staging in {production}");
    let refused = wrong.act(&["run", "write", "--confirm", &confirm]).expect(1);
    let holder = format!("{}", running.pid().as_raw_nonzero());
    refused.says("target-at-rest").says("qemu-nbd").says(&holder).says("it calls itself production");
    for (check, holds) in [
        ("target-is-meant", false),
        ("target-at-rest", false),
        ("two-images", true),
        ("copy-same", true),
        ("source-whole", true),
        ("right-machine", true),
    ] {
        assert_eq!(wrong.gate("write", check).0, holds, "{check}: {}", wrong.gate("write", check).1);
    }
    // The machine goes on: what it serves is what it was.
    must("qemu-io", &["-f", "raw", "-c", "read 0 4096", &export]);
    must("qemu-img", &["compare", "-f", "raw", "-F", "raw", &production, &export]);
    assert_eq!(sha256(&production), at_first);
    wrong.act(&["abort", "--say", "this is production"]).expect(0);

    // Nor does it help to take the server away: the image is still not the one that was named.
    drop(running);
    let asked = |machine: &str, target: &str| checked(&home, &file, &values(machine, &fresh, target, "none"));
    let (state, why) = answer(&asked(&machine, &production), "target-is-meant");
    assert!(state == "fails" && why.contains("it calls itself production"), "{state}: {why}");
    // One image under two names: a hard link, a symbolic one.
    std::fs::hard_link(&fresh, home.path("hard.img")).unwrap();
    std::os::unix::fs::symlink(&fresh, home.path("soft.img")).unwrap();
    for name in ["hard.img", "soft.img"] {
        let (state, why) = answer(&asked(&machine, home.path(name).to_str().unwrap()), "two-images");
        assert_eq!(state, "fails", "{name}: {why}");
    }

    // Another machine of the fleet has these paths, too, and this one is not it.
    let elsewhere = asked("machine=db-1", &meant);
    let (state, why) = answer(&elsewhere, "right-machine");
    assert!(state == "fails" && why.contains("db-1"), "{state}: {why}");
    closed_by(&elsewhere, "write", "right-machine");

    see_it_through(&home, &values(&machine, &fresh, &meant, "a copy"), &meant, &fresh);
    assert_eq!(sha256(&production), at_first);
}

/// What a check answered.
fn answer(said: &serde_json::Value, check: &str) -> (String, String) {
    let row = said["checks"].as_array().unwrap().iter().find(|row| row["id"] == check).unwrap();
    (row["state"].as_str().unwrap().to_owned(), row["detail"].as_str().unwrap_or_default().to_owned())
}

/// Something lies where the copy should go, or a mark of an earlier session beside it, or it is a device: it stays.
fn not_ours_to_remove(home: &Home, values: &[String], session: &Session<'_>) {
    let copy = home.path("a copy");
    let begun = home.path("a copy.begun");
    for there in [&copy, &begun] {
        std::fs::write(there, "somebody's notes\n").unwrap();
        session.act(&["run", "copy"]).expect(1).says(&format!("{} is there already", there.display()));
        session.act(&["undo", "copy"]).expect(1);
        assert_eq!(std::fs::read_to_string(there).unwrap(), "somebody's notes\n");
        std::fs::remove_file(there).unwrap();
    }
    assert!(!copy.exists() && !begun.exists());
    // A device with an image on it is no place, whatever its path is.
    let disk = image(home, "a disk", "elsewhere", "other\n");
    let device = must("losetup", &["--find", "--show", &disk]);
    let _take_back = TakeBack::with("losetup", &["-d", &device]);
    std::os::unix::fs::symlink(&device, home.path("link to it")).unwrap();
    for path in [device.clone(), home.path("link to it").display().to_string()] {
        let values = with(values, &format!("copy={path}"));
        let wrong = walk(home, &bundled("disk-image.yaml"), &values);
        wrong.act(&["skip", "stand-in", "--say", "there is none"]).expect(0);
        wrong.act(&["done", "shut-down"]).expect(0);
        wrong.act(&["run", "copy"]).expect(1).says("copy-place-free").says("is there already");
        wrong.act(&["abort", "--say", "a disk"]).expect(0);
    }
    assert_eq!(says(&device), "other");
}

/// Walked again with the same values: the copy of the first session is neither overwritten nor removed.
fn of_another_session(home: &Home, values: &[String], copy: &str) {
    let at_first = sha256(copy);
    let words = values.iter().flat_map(|pair| ["-p", pair.as_str()]);
    let words: Vec<&str> = std::iter::once("--another").chain(words).collect();
    let second = home.start_file(&bundled("disk-image.yaml"), &words);
    second.act(&["skip", "stand-in", "--say", "there is none"]).expect(0);
    second.act(&["done", "shut-down"]).expect(0);
    second.act(&["run", "copy"]).expect(1).says("copy-place-free").says(&format!("{copy} is there already"));
    second.act(&["undo", "copy"]).expect(1);
    second.act(&["abort", "--say", "it was walked before"]).expect(0);
    assert_eq!(sha256(copy), at_first);
}

/// These values, one of them another.
fn with(values: &[String], other: &str) -> Vec<String> {
    let name = other.split('=').next().unwrap();
    let same = |pair: &&String| pair.split('=').next() != Some(name);
    values.iter().filter(same).cloned().chain([other.to_owned()]).collect()
}

/// The image that was meant: what still stood in the way, one after the other, and in the end there and back again.
fn see_it_through(home: &Home, values: &[String], meant: &str, fresh: &str) {
    let copy = home.path("a copy");
    let copy = copy.to_str().unwrap();
    let confirm = format!("staging in {meant}");
    let session = walk(home, &bundled("disk-image.yaml"), values);
    session.act(&["skip", "stand-in", "--say", "there is none"]).expect(0);
    session.act(&["done", "shut-down"]).expect(0);
    session.act(&["run", "write", "--confirm", &confirm]).expect(1).says("copy");
    not_ours_to_remove(home, values, &session);
    session.act(&["run", "copy"]).expect(0);
    of_another_session(home, values, copy);

    // Its machine is started again by something, and writes: the copy is not of what is in it now.
    let guest = serve(home, meant);
    must(
        "qemu-io",
        &[
            "-f",
            "raw",
            "-c",
            "write -P 7 6M 4k",
            &format!("nbd+unix:///?socket={}", home.path("nbd").display()),
        ],
    );
    // A source that was cut short on its way.
    let kept = home.path("golden.kept");
    std::fs::rename(fresh, &kept).unwrap();
    std::fs::write(fresh, &std::fs::read(&kept).unwrap()[..(4 << 20)]).unwrap();
    session
        .act(&["run", "write", "--confirm", &confirm])
        .expect(1)
        .says("target-unchanged")
        .says("target-at-rest")
        .says("source-whole");
    assert_eq!(says(meant), "old");

    // Shut down for good, copied again, fetched again.
    drop(guest);
    session.act(&["undo", "copy"]).expect(0);
    session.act(&["run", "copy"]).expect(0);
    std::fs::rename(&kept, fresh).unwrap();
    // The name is typed, and what is typed is what the image calls itself.
    for typed in ["", "yes", "write", &format!("production in {meant}")] {
        session.act(&["run", "write", "--confirm", typed]).expect(1);
        assert_eq!(says(meant), "old");
    }
    session.act(&["run", "write", "--confirm", &confirm]).expect(0);
    assert_eq!(says(meant), "new");
    assert_eq!(sha256(meant), sha256(fresh));
    assert_eq!(says(copy), "old");

    // It was the wrong idea after all: the copy brings everything back, and only onto an image at rest.
    let guest = serve(home, meant);
    session.act(&["undo", "write", "--confirm", &confirm]).expect(1).says("target-at-rest");
    assert_eq!(says(meant), "new");
    drop(guest);
    session.act(&["undo", "write", "--confirm", &confirm]).expect(0);
    assert_eq!(says(meant), "old");
    assert_eq!(sha256(meant), sha256(copy));
    session.act(&["undo", "copy"]).expect(0);
    session.act(&["run", "copy"]).expect(0);
    session.act(&["run", "write", "--confirm", &confirm]).expect(0);
    assert_eq!(says(meant), "new");

    let guest = serve(home, meant);
    session.act(&["done", "start", "--say", "it is up, its page says new"]).expect(0);
    session.act(&["skip", "take-back", "--say", "nothing stood in"]).expect(0);
    session.act(&["done", "keep"]).expect(0);
    session.act(&["finish"]).expect(0);
    session.verifies();
    drop(guest);
}
