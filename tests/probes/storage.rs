//! `persistent`, `different` and `not_in_use` of real disks, file systems and mounts.

use std::path::Path;

use super::machine::{Looped, Mounted, all_open, layered, run};
use super::support::{Home, Offer, have, not_offered, until};
use super::{ask, said};

/// A small ext4 in a file.
fn image(test: &str, home: &Home, name: &str) -> bool {
    if !have(test, "mkfs.ext4") {
        return false;
    }
    let path = home.path(name);
    std::fs::File::create(&path).unwrap().set_len(8 << 20).unwrap();
    run("mkfs.ext4", &["-q", "-F", path.to_str().unwrap()]).unwrap();
    true
}

#[test]
fn what_is_in_memory_does_not_last() {
    let home = Home::new();
    let Some(_mounted) = Mounted::new("in_memory", &home, "ram", &["-t", "tmpfs", "ram"]) else { return };
    std::fs::create_dir(home.path("ram/data")).unwrap();
    let (state, detail) = ask(&home, "persistent", "path: ram/data");
    assert_eq!(state, "fails");
    assert!(detail.starts_with("ram/data is in memory (tmpfs at "), "{detail}");
}

#[test]
fn a_disk_in_a_file_lasts_as_its_file_does_and_not_with_the_clouds_warning() {
    let test = "disk_in_a_file";
    let home = Home::new();
    if !image(test, &home, "disk.img") {
        return;
    }
    let Some(looped) = Looped::new(test, &home.path("disk.img")) else { return };
    let Some(_mounted) = Mounted::new(test, &home, "disk", &[&looped.0]) else { return };
    std::fs::create_dir(home.path("disk/data")).unwrap();
    let below = ask(&home, "persistent", "path: disk.img").0;
    let (state, detail) = ask(&home, "persistent", "path: disk/data");
    assert_eq!(state, below, "{detail}");
    assert!(detail.contains(looped.name()) || below != "holds", "{detail}");
    home.write("disk/DATALOSS_WARNING_README.txt", "");
    let (state, detail) = ask(&home, "persistent", "path: disk/data");
    assert_eq!(state, "fails");
    assert!(detail.ends_with("disk/DATALOSS_WARNING_README.txt says so"), "{detail}");
}

#[test]
fn a_disk_in_a_file_in_memory_does_not_last() {
    let test = "disk_in_memory";
    let home = Home::new();
    let Some(_ram) = Mounted::new(test, &home, "ram", &["-t", "tmpfs", "ram"]) else { return };
    if !image(test, &home, "ram/disk.img") {
        return;
    }
    let Some(looped) = Looped::new(test, &home.path("ram/disk.img")) else { return };
    let Some(_mounted) = Mounted::new(test, &home, "disk", &[&looped.0]) else { return };
    let (state, detail) = ask(&home, "persistent", "path: disk");
    assert_eq!(state, "fails");
    assert!(detail.starts_with("disk is in a file that is in memory (tmpfs at "), "{detail}");
}

#[test]
fn one_directory_by_two_mounts_is_one() {
    let test = "two_mounts";
    let home = Home::new();
    std::fs::create_dir_all(home.path("site/sub")).unwrap();
    home.write("site/sub/a", "x");
    let site = home.path("site");
    let Some(_bound) = Mounted::new(test, &home, "bound", &["--bind", site.to_str().unwrap()]) else {
        return;
    };
    let one =
        |what: &str, a: &str, b: &str| said("fails", &format!("{a} and {b} are one {what} under two names"));
    assert_eq!(ask(&home, "different", "a: site, b: bound"), one("directory", "site", "bound"));
    assert_eq!(
        ask(&home, "different", "a: site/sub/a, b: bound/sub/a"),
        one("file", "site/sub/a", "bound/sub/a")
    );
    assert_eq!(
        ask(&home, "different", "a: site, b: bound/sub"),
        said("holds", "site and bound/sub are two things")
    );
    let (state, detail) = ask(&home, "not_in_use", "path: site");
    assert_eq!(state, "fails");
    assert!(detail.contains("is mounted at ") && detail.contains("bound"), "{detail}");
}

#[test]
fn a_loop_device_and_its_file_are_one_and_in_use() {
    let test = "loop_and_file";
    let home = Home::new();
    if !image(test, &home, "disk.img") || !image(test, &home, "disk2.img") {
        return;
    }
    assert_eq!(ask(&home, "not_in_use", "path: disk.img"), said("holds", "nobody uses disk.img"));
    let Some(looped) = Looped::new(test, &home.path("disk.img")) else { return };
    let device = &looped.0;
    let (state, detail) = ask(&home, "different", &format!("a: disk.img, b: {device}"));
    assert_eq!(state, "fails");
    assert!(detail.ends_with("the file is behind the device"), "{detail}");
    assert_eq!(ask(&home, "different", &format!("a: disk2.img, b: {device}")).0, "holds");
    assert_eq!(
        ask(&home, "not_in_use", "path: disk.img"),
        said("fails", &format!("disk.img is in use: loop device {} is in front of it", looped.name()))
    );
    let before = all_open();
    let (state, detail) = ask(&home, "not_in_use", &format!("path: {device}"));
    // Beside other tests somebody who cannot be looked into may come or go in between; then either is right.
    match (before, all_open()) {
        (true, true) => assert_eq!(state, "holds", "{detail}"),
        (false, false) => assert_eq!(state, "error", "{detail}"),
        _ => assert!(matches!(state.as_str(), "holds" | "error"), "{state}: {detail}"),
    }
    let Some(mounted) = Mounted::new(test, &home, "disk", &[device]) else { return };
    let (state, detail) = ask(&home, "not_in_use", &format!("path: {device}"));
    assert_eq!(state, "fails");
    assert!(detail.starts_with(&format!("{device} is in use: it is mounted at ")), "{detail}");
    drop(mounted);
    let backed = format!("/sys/block/{}/loop", looped.name());
    drop(looped);
    // It goes with the last who has it open: somebody who looks over all devices may, for a moment.
    until("the device lets go of its file", || (!Path::new(&backed).exists()).then_some(()));
    assert_eq!(ask(&home, "not_in_use", "path: disk.img"), said("holds", "nobody uses disk.img"));
}

#[test]
fn what_the_machine_swaps_on_is_in_use() {
    let test = "swap";
    let home = Home::new();
    if !have(test, "mkswap") || !image(test, &home, "swap.img") {
        return;
    }
    let Some(looped) = Looped::new(test, &home.path("swap.img")) else { return };
    let on = run("mkswap", &[&looped.0]).and_then(|_| run("swapon", &[&looped.0]));
    if let Err(why) = on {
        // A kernel may have no swapping in it at all, whatever one may do.
        return not_offered(test, Offer::Mounts, &why);
    }
    let answer = ask(&home, "not_in_use", &format!("path: {}", looped.0));
    run("swapoff", &[&looped.0]).unwrap();
    assert_eq!(answer.0, "fails");
    assert!(answer.1.contains("the machine swaps on it"), "{}", answer.1);
}

#[test]
fn one_image_by_two_loop_devices_is_one() {
    let test = "two_loops";
    let home = Home::new();
    if !image(test, &home, "disk.img") {
        return;
    }
    let img = home.path("disk.img");
    let Some(one) = Looped::new(test, &img) else { return };
    let Some(_one) = Mounted::new(test, &home, "one", &["-o", "ro", &one.0]) else { return };
    // `losetup` itself would hand out the first once more.
    let Some(two) = Looped::new(test, &img) else { return };
    let Some(_two) = Mounted::new(test, &home, "two", &["-o", "ro", &two.0]) else { return };
    assert_ne!(one.0, two.0);
    let fails = |a: &str, b: &str, how: &str| {
        let (state, detail) = ask(&home, "different", &format!("a: {a}, b: {b}"));
        assert_eq!(state, "fails", "{detail}");
        assert!(detail.contains(how), "{detail}");
    };
    fails(&one.0, &two.0, "are one file behind two loop devices");
    fails("one", "two", "one and two are one directory under two names");
    fails("one/lost+found", "two/lost+found", "are one directory under two names");
    fails(&two.0, "one", "one is kept in the file that is behind ");
    assert_eq!(ask(&home, "different", "a: one, b: two/lost+found").0, "holds");
    assert!(ask(&home, "not_in_use", "path: one").0 != "holds");
}

#[test]
fn a_layer_and_what_is_made_of_it_are_one() {
    let home = Home::new();
    let Some(_merged) = layered("layer_is_one", &home) else { return };
    for (a, b, what) in [
        ("merged", "low", "directory"),
        ("up", "merged", "directory"),
        ("merged/sub", "low/sub", "directory"),
        ("merged/sub/f", "low/sub/f", "file"),
        ("up/sub/g", "merged/sub/g", "file"),
    ] {
        let one = format!("{a} and {b} are one {what} under two names");
        assert_eq!(ask(&home, "different", &format!("a: {a}, b: {b}")), said("fails", &one));
    }
    assert_eq!(ask(&home, "different", "a: merged/sub, b: low").0, "holds");
    assert_eq!(ask(&home, "different", "a: merged/sub/f, b: merged/sub/g").0, "holds");
    // A layer that cannot be found by its name any more may be anything.
    std::fs::rename(home.path("low"), home.path("moved")).unwrap();
    let (state, detail) = ask(&home, "different", "a: merged/sub, b: moved/sub");
    assert_eq!(state, "error", "{detail}");
    assert!(detail.contains("is a layer of what is mounted at "), "{detail}");
}

#[test]
fn memory_in_a_directory_keeps_it_from_lasting() {
    let home = Home::new();
    std::fs::create_dir(home.path("site")).unwrap();
    let Some(_ram) = Mounted::new("memory_below", &home, "site/tmp", &["-t", "tmpfs", "ram"]) else { return };
    let (state, detail) = ask(&home, "persistent", "path: site");
    assert_eq!(state, "fails", "{detail}");
    // Where the directory itself does not last, that is said.
    assert!(
        detail.starts_with("a part of site does not last: ") || detail.starts_with("site is "),
        "{detail}"
    );
}

/// A file at the root of the machine, where a name after a lazy unmount leads.
struct Named(String);

impl Drop for Named {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_loop_device_whose_file_cannot_be_found_is_no_pass() {
    let test = "lost_file";
    let home = Home::new();
    if !have(test, "mkfs.ext4") {
        return;
    }
    // The name that the kernel has for it after the lazy unmount leads to another file.
    let name = format!("/onbelay-test-{}.img", std::process::id());
    let Some(ram) = Mounted::new(test, &home, "ram", &["-t", "tmpfs", "ram"]) else { return };
    let inner = format!("ram{name}");
    if !image(test, &home, &inner) {
        return;
    }
    let Some(looped) = Looped::new(test, &home.path(&inner)) else { return };
    drop(ram);
    let other = Named(name);
    std::fs::File::create(&other.0).unwrap().set_len(8 << 20).unwrap();
    let (state, detail) = ask(&home, "persistent", &format!("path: {}", looped.0));
    assert_eq!(state, "error", "{detail}");
    assert!(detail.contains("what is there now is another file"), "{detail}");
}

#[test]
fn a_part_of_a_disk_whose_root_is_not_in_sight_is_no_pass() {
    let test = "root_not_in_sight";
    let home = Home::new();
    if !image(test, &home, "disk.img") {
        return;
    }
    let Some(looped) = Looped::new(test, &home.path("disk.img")) else { return };
    let Some(whole) = Mounted::new(test, &home, "disk", &[&looped.0]) else { return };
    std::fs::create_dir(home.path("disk/data")).unwrap();
    home.write("disk/DATALOSS_WARNING_README.txt", "");
    let data = home.path("disk/data");
    let Some(_part) = Mounted::new(test, &home, "part", &["--bind", data.to_str().unwrap()]) else { return };
    assert_eq!(ask(&home, "persistent", "path: part").0, "fails");
    drop(whole);
    let (state, detail) = ask(&home, "persistent", "path: part");
    // Where the image itself does not last, that is said.
    assert!(state == "error" && detail.contains("is in sight") || state == "fails", "{detail}");
    assert!(ask(&home, "persistent", "path: disk.img").0 == "fails" || state == "error", "{detail}");
}
