//! Walks every bundled runbook, with its mistakes, on worlds made for it: directories, two machines in namespaces, disks
//! on loop devices.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Home, Offer, have, not_offered, root, until};

fn bundled(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks").join(name)
}

#[test]
fn every_bundled_runbook_is_walked_here() {
    let mut names: Vec<String> = std::fs::read_dir(bundled(""))
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() >= 5, "{names:?}");
    // Five are walked in the worlds of the disasters that they would have stopped.
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let walks: String = std::fs::read_dir(tests.join("incidents"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .chain([tests.join("it/walks.rs")])
        .filter(|path| path.extension().is_some_and(|it| it == "rs"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let home = Home::new();
    for name in names {
        assert!(walks.contains(&format!("\"{name}\"")), "add a walk for {name}");
        home.call(&["lint", bundled(&name).to_str().unwrap()]).expect(0);
    }
}

#[test]
fn tour() {
    let home = Home::new();
    let sandbox = home.path("sand box");
    std::fs::create_dir(&sandbox).unwrap();
    let session = home.start_file(&bundled("tour.yaml"), &["-p", &format!("sandbox={}", sandbox.display())]);
    session.act(&["run", "build"]).expect(0);
    session.act(&["done", "freeze"]).expect(0);
    session.act(&["run", "back-up"]).expect(0);
    session
        .act(&["run", "delete-old", "--confirm", "old-server"])
        .expect(1)
        .says("3 of 7 missing: theme/ (whole directory, 2 files)");
    assert!(sandbox.join("old-server").exists());
    session.act(&["run", "back-up"]).expect(0);
    session.act(&["attest", "copy-opened", "--say", "I did: six files"]).expect(0);
    session.act(&["run", "delete-old"]).expect(1);
    session.act(&["run", "delete-old", "--confirm", "old-server"]).expect(0);
    assert!(!sandbox.join("old-server").exists());
    session.act(&["undo", "build"]).expect(1);
    session.act(&["run", "restore"]).expect(0);
    assert!(sandbox.join("new-server/site/theme/footer.html").exists());
    session.act(&["finish"]).expect(0);
    session.verifies();
}

/// A copy of a bundled runbook whose waiting times a test can sit out.
fn hurried(home: &Home, name: &str) -> PathBuf {
    let text = std::fs::read_to_string(bundled(name)).unwrap();
    let hurried = text
        .replace("at_least: 24h", "at_least: 1s")
        .replace("at_least: 3d", "at_least: 1s")
        .replace("steady: 30s", "steady: 1s");
    assert_ne!(text, hurried);
    home.write(name, &hurried)
}

fn script(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// May this root make namespaces and mounts?
fn may_unshare(test: &str) -> bool {
    let fine = Command::new("unshare")
        .args(["-m", "sh", "-c", "mount --make-rprivate /"])
        .status()
        .is_ok_and(|s| s.success());
    if !fine {
        not_offered(test, Offer::Mounts, "this root may not make namespaces");
    }
    fine
}

/// Waits for a check that asks whether enough time has passed.
fn wait_until_it_holds(session: &crate::support::Session<'_>, check: &str) {
    until(check, || (session.act(&["check", check]).code == Some(0)).then_some(()));
}

#[test]
fn move_site() {
    let test = "move_site";
    if !(root(test)
        && have(test, "rsync")
        && have(test, "curl")
        && have(test, "python3")
        && may_unshare(test))
    {
        return;
    }
    let mut home = Home::new();
    let world = home.path("world");
    let bin = world.join("bin");
    let mounted = world.join("srv");
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::create_dir_all(&mounted).unwrap();
    for (machine, id) in [("old", "1111\n"), ("new", "2222\n")] {
        std::fs::create_dir_all(world.join(machine).join("srv")).unwrap();
        std::fs::write(world.join(machine).join("machine-id"), id).unwrap();
    }
    let site = world.join("old/srv/site");
    std::fs::create_dir_all(site.join("theme of ours")).unwrap();
    std::fs::write(site.join("index.html"), "<h1>Cafe Rosewood</h1>\n").unwrap();
    std::fs::write(site.join("theme of ours/it's $x; `y`.css"), "h1 {}\n").unwrap();
    // Each "machine" is a namespace in which its own directory stands at the common path.
    script(
        &bin.join("ssh"),
        &format!(
            "#!/bin/bash\nwhile [[ $1 == -* ]]; do case $1 in -o|-l) shift 2 ;; *) shift ;; esac; done\nhost=${{1#*@}}; shift\n\
             exec unshare -m sh -c 'mount --make-rprivate / && mount --bind {world}/$1/srv {world}/srv && \
             mount --bind {world}/$1/machine-id /etc/machine-id && shift && exec sh -c \"$*\"' _ \"$host\" \"$@\"\n",
            world = world.display()
        ),
    );
    // Names lead where the file says; a page is asked of the address that was given, at the port that is served.
    script(&bin.join("getent"), &format!("#!/bin/sh\nsed 's/$/ STREAM x/' {}/dns\n", world.display()));
    let server = Command::new("python3")
        .args(["-u", "-c", "import http.server,os,sys\nos.chdir(sys.argv[1])\nhttp.server.ThreadingHTTPServer.allow_reuse_address=True\ns=http.server.ThreadingHTTPServer(('127.0.0.1',0),http.server.SimpleHTTPRequestHandler)\nopen(sys.argv[2]+'.d','w').write(str(s.server_address[1]))\nos.rename(sys.argv[2]+'.d',sys.argv[2])\ns.serve_forever()"])
        .arg(world.join("new/srv"))
        .arg(world.join("port"))
        .current_dir(&world)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _server = Ended(server);
    let port = until("the new machine's server", || std::fs::read_to_string(world.join("port")).ok());
    script(
        &bin.join("curl"),
        &format!(
            "#!/bin/sh\nexec {} --noproxy '*' -fsS --max-time 20 http://127.0.0.1:{port}/site/index.html\n",
            which("curl").display()
        ),
    );
    std::fs::write(world.join("dns"), "192.0.2.1\n").unwrap();
    home.set("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()));

    let path = mounted.join("site");
    let copy = home.path("my copy");
    let pairs = [
        "site=example.org".to_owned(),
        "scheme=http".to_owned(),
        "says=Rosewood".to_owned(),
        "old_host=root@old".to_owned(),
        "new_host=new".to_owned(),
        format!("path={}", path.display()),
        format!("copy={}", copy.display()),
        "new_addresses=198.51.100.7".to_owned(),
    ];
    let given: Vec<&str> = pairs.iter().flat_map(|pair| ["-p", pair.as_str()]).collect();
    let file = hurried(&home, "move-site.yaml");
    let session = home.start_file(&file, &given);
    session.act(&["run", "first-copy"]).expect(0);
    session.act(&["run", "rehearse"]).expect(0);
    assert!(world.join("new/srv/site/theme of ours/it's $x; `y`.css").exists());
    session.act(&["done", "serve"]).expect(0);
    session.act(&["done", "lower-ttl", "--value", "soon"]).expect(4);
    session.act(&["done", "lower-ttl", "--value", "86400"]).expect(0);
    wait_until_it_holds(&session, "ttl-over");
    session.act(&["done", "freeze"]).expect(0);
    std::fs::write(site.join("last-minute.html"), "one more\n").unwrap();
    session.act(&["run", "final-copy"]).expect(0);
    session.act(&["skip", "load", "--say", "no database"]).expect(0);
    // The name is moved by hand.
    std::fs::write(world.join("dns"), "198.51.100.7\n").unwrap();
    session.act(&["done", "switch"]).expect(0);
    // Once visitors are there, it is not filled from the copy again.
    session.act(&["run", "final-copy"]).expect(1).says("Leave the new machine as it is");
    wait_until_it_holds(&session, "served-a-day");
    session.act(&["attest", "old-is-quiet", "--say", "nothing since noon, I read it"]).expect(0);
    session.act(&["attest", "second-copy", "--say", "on the NAS, opened index.html"]).expect(0);
    // Somebody still writes to the old machine: what is not in the copy keeps it shut.
    std::fs::write(site.join("upload.jpg"), "only here\n").unwrap();
    let confirm = format!("root@old:{}", path.display());
    session.act(&["run", "delete-old", "--confirm", &confirm]).expect(1).says("upload.jpg");
    assert!(site.join("upload.jpg").exists());
    session.act(&["run", "first-copy"]).expect(0);
    session.act(&["run", "delete-old", "--confirm", &confirm]).expect(0);
    assert!(!site.exists());
    assert!(copy.join("site/upload.jpg").exists());
    session.act(&["done", "raise-ttl"]).expect(0).says("86400");
    session.act(&["done", "watch-over"]).expect(0);
    session.act(&["finish"]).expect(0);
    session.verifies();
}

fn which(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|path| path.is_file()).unwrap()
}

/// A helper process of a world; ends with the test.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Loop devices, mounts and names of a world of disks; gone with the test.
struct Disks {
    names: Vec<PathBuf>,
    loops: Vec<String>,
    mounts: Vec<PathBuf>,
}

impl Disks {
    fn attach(&mut self, image: &Path, name: &str) -> Option<String> {
        let out = Command::new("losetup").args(["-f", "--show"]).arg(image).output().ok()?;
        let device = String::from_utf8(out.stdout).unwrap().trim().to_owned();
        if device.is_empty() {
            return None;
        }
        self.loops.push(device.clone());
        let by_id = Path::new("/dev/disk/by-id");
        std::fs::create_dir_all(by_id).ok()?;
        let link = by_id.join(name);
        std::os::unix::fs::symlink(&device, &link).ok()?;
        self.names.push(link);
        Some(device)
    }
}

impl Drop for Disks {
    fn drop(&mut self) {
        for mount in &self.mounts {
            let _ = Command::new("umount").arg("-l").arg(mount).stderr(Stdio::null()).status();
        }
        for device in &self.loops {
            let _ = Command::new("losetup").args(["-d", device]).status();
        }
        for name in &self.names {
            let _ = std::fs::remove_file(name);
        }
    }
}

fn output(program: &str, words: &[&str]) -> String {
    let out = Command::new(program).args(words).output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

#[test]
fn replace_disk() {
    let test = "replace_disk";
    let tools = ["losetup", "mkfs.ext4", "blkid", "lsblk", "findmnt", "rsync", "blkdiscard"];
    if !root(test) || !tools.iter().all(|tool| have(test, tool)) {
        return;
    }
    let home = Home::new();
    let (data, staging, fstab) = (home.path("data"), home.path("staging"), home.path("fstab"));
    let mut disks = Disks { names: vec![], loops: vec![], mounts: vec![staging.clone(), data.clone()] };
    let unique = std::process::id();
    let (old_name, new_name) = (format!("onbelay-it_OLD{unique}"), format!("onbelay-it_NEW{unique}"));
    for (image, size) in [("old.img", 48 << 20), ("new.img", 64 << 20)] {
        std::fs::File::create(home.path(image)).unwrap().set_len(size).unwrap();
    }
    let Some(old) = disks.attach(&home.path("old.img"), &old_name) else {
        not_offered(test, Offer::Loops, "there are no loop devices here");
        return;
    };
    let Some(new) = disks.attach(&home.path("new.img"), &new_name) else {
        not_offered(test, Offer::Loops, "there is no second loop device here");
        return;
    };
    output("mkfs.ext4", &["-q", "-F", &old]);
    std::fs::create_dir(&data).unwrap();
    if !Command::new("mount").arg(&old).arg(&data).status().unwrap().success() {
        not_offered(test, Offer::Mounts, "this root may not mount");
        return;
    }
    std::fs::create_dir(data.join("a b")).unwrap();
    std::fs::write(data.join("a b/it's $x"), "precious\n").unwrap();
    let uuid = output("blkid", &["-p", "-s", "UUID", "-o", "value", &old]);
    std::fs::write(&fstab, format!("# the table\nUUID={uuid} {} ext4 defaults 0 2\n", data.display()))
        .unwrap();

    let pairs = [
        format!("mount_point={}", data.display()),
        format!("old_uuid={uuid}"),
        format!("old_disk={old_name}"),
        format!("new_disk={new_name}"),
        "health=none".to_owned(),
        format!("staging={}", staging.display()),
        format!("fstab={}", fstab.display()),
    ];
    let file = hurried(&home, "replace-disk.yaml");
    let words =
        |pairs: &[String]| pairs.iter().flat_map(|pair| ["-p".to_owned(), pair.clone()]).collect::<Vec<_>>();
    let given = words(&pairs);
    let given: Vec<&str> = given.iter().map(String::as_str).collect();

    // The names swapped: the disk that would be formatted is not blank.
    let mut swapped = pairs.clone();
    swapped[2] = format!("old_disk={new_name}");
    swapped[3] = format!("new_disk={old_name}");
    let swapped = words(&swapped);
    let swapped: Vec<&str> = swapped.iter().map(String::as_str).collect();
    let wrong = home.start_file(&file, &swapped);
    wrong.act(&["run", "make", "--confirm", &old_name]).expect(1).says("new-is-blank").says("old-holds-it");
    wrong.act(&["abort", "--say", "the names were swapped"]).expect(0);
    assert!(data.join("a b/it's $x").exists());

    let session = home.start_file(&file, &given);
    session.act(&["run", "make", "--confirm", &new_name]).expect(0);
    session.act(&["run", "read-through"]).expect(0);
    session.act(&["run", "first-copy"]).expect(0);
    session.act(&["attest", "backup-tried", "--say", "on the NAS, restored two"]).expect(0);
    session.act(&["done", "stop-services"]).expect(0);
    session.act(&["run", "final-copy"]).expect(1);
    session.act(&["run", "read-only"]).expect(0);
    session.act(&["run", "final-copy"]).expect(0);
    session.act(&["run", "table"]).expect(0);
    session.act(&["run", "switch"]).expect(0);
    // And back, and there again: nothing was burnt.
    session.act(&["undo", "switch"]).expect(0);
    session.act(&["run", "first-copy"]).expect(0);
    session.act(&["run", "switch"]).expect(0);
    session.act(&["done", "start-services"]).expect(0);
    session.act(&["skip", "restart", "--say", "not in a test"]).expect(0);
    session
        .act(&["run", "wipe-old", "--confirm", &old_name])
        .expect(1)
        .says("backup-since")
        .says("label-read");
    wait_until_it_holds(&session, "served-three-days");
    session.act(&["attest", "backup-since", "--say", "tonight's, restored a file of today"]).expect(0);
    session.act(&["attest", "label-read", "--say", "S/N ends in OLD"]).expect(0);
    // Somebody mounts the old disk again to look something up: it is not emptied under them.
    let peek = home.path("peek");
    std::fs::create_dir(&peek).unwrap();
    disks.mounts.push(peek.clone());
    assert!(Command::new("mount").args(["-o", "ro", &old]).arg(&peek).status().unwrap().success());
    session.act(&["run", "wipe-old", "--confirm", &old_name]).expect(1).says("old-not-in-use");
    assert!(Command::new("umount").arg(&peek).status().unwrap().success());
    session.act(&["run", "wipe-old", "--confirm", &old_name]).expect(0);
    assert_eq!(std::fs::read_to_string(data.join("a b/it's $x")).unwrap(), "precious\n");
    assert_eq!(output("blkid", &["-p", "-s", "UUID", "-o", "value", &old]), "");
    assert!(!new.is_empty());
    session.act(&["done", "pull"]).expect(0);
    session.act(&["finish"]).expect(0);
    session.verifies();
}
