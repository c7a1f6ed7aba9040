//! One thing reached by two ways: through layers, by two loop devices, from a mount in another place.

use super::*;

/// Something mounted, or a loop device: the command that undoes it is run when this is let go.
struct Undo(Vec<String>);

impl Drop for Undo {
    fn drop(&mut self) {
        let _ = Command::new(&self.0[0]).args(&self.0[1..]).status();
    }
}

/// Runs a command that needs an administrator; none, said loudly, where this account may not.
fn may(words: &[&str], undo: &[&str]) -> Option<(String, Undo)> {
    let output = Command::new(words[0]).args(&words[1..]).output().expect("the program is there");
    if !output.status.success() {
        eprintln!("SKIPPED: {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        let held = std::env::var_os("ONBELAY_NO_SKIP").is_some();
        assert!(!(held && bad::may_administrate()), "{words:?} failed, and ONBELAY_NO_SKIP is set");
        return None;
    }
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let undo = undo.iter().map(|word| if *word == "{}" { said.clone() } else { (*word).to_owned() });
    let undo = Undo(undo.collect());
    Some((said, undo))
}

fn mount(words: &[&str], at: &Path) -> Option<Undo> {
    fs::create_dir_all(at).expect("a directory");
    let at = at.to_str().expect("readable");
    may(&[&["mount"], words, &[at]].concat(), &["umount", "-l", at]).map(|(_, undo)| undo)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("readable")
}

#[test]
fn the_source_shown_through_an_overlay_is_no_copy() {
    let world = World::filled();
    world.copy("site", "other");
    for dir in ["upper", "work"] {
        fs::create_dir(world.at(dir)).expect("a directory");
    }
    let [site, other, upper, work] = ["site", "other", "upper", "work"].map(|dir| world.at(dir));
    let options =
        |lower: &Path| format!("lowerdir={},upperdir={},workdir={}", text(lower), text(&upper), text(&work));
    {
        let Some(_mounted) = mount(&["-t", "overlay", "overlay", "-o", &options(&site)], &world.at("copy"))
        else {
            return;
        };
        let finding = world.find("copy");
        fails(&finding);
        assert_eq!(world.said(&finding), "/copy is /site: that is no copy");
        run(Command::new("tar").current_dir(world.at("site")).args(["-cf", "../upper/a.tar", "."]));
    }
    // One that shows another tree is a copy.
    let Some(_mounted) = mount(&["-t", "overlay", "overlay", "-o", &options(&other)], &world.at("copy"))
    else {
        return;
    };
    holds(&world.find("copy"));
    // Part of a copy that shows part of the source.
    world.copy("other", "third");
    let themes = format!("lowerdir={}:{}", text(&site.join("themes")), text(&upper));
    let Some(_part) = mount(&["-t", "overlay", "overlay", "-o", &themes], &world.at("third/themes")) else {
        return;
    };
    let finding = world.find("third");
    fails(&finding);
    assert_eq!(
        world.said(&finding),
        "what is mounted at /third/themes is kept in /site: that is no copy of /site"
    );
}

/// An image with a file system, and the loop devices in front of it.
fn image(world: &World, path: &str) -> String {
    world.write(path, "");
    let image = world.at(path);
    fs::OpenOptions::new().write(true).open(&image).expect("opens").set_len(8 << 20).expect("makes longer");
    run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image));
    text(&image).to_owned()
}

#[test]
fn one_disk_by_two_loop_devices_is_no_copy_of_itself() {
    let world = World::filled();
    let image = image(&world, "disk.img");
    let make = || may(&["losetup", "--find", "--show", &image], &["losetup", "-d", "{}"]);
    let Some((one, _one)) = make() else { return };
    let Some((two, _two)) = make() else { return };
    {
        let Some(_filled) = mount(&[&one], &world.at("fill")) else { return };
        world.copy("site", "fill/site");
    }
    fs::remove_dir_all(world.at("site")).expect("removes");
    let Some(_copy) = mount(&["-o", "ro,noload", &two], &world.at("copy")) else { return };
    let Some(_source) = mount(&["-o", "ro,noload", &one], &world.at("disk")) else { return };
    let mut asks = world.asks("copy");
    asks.source = text(&world.at("disk/site")).to_owned();
    let finding = find(&asks, &Progress::default());
    fails(&finding);
    assert_eq!(world.said(&finding), "/copy holds /disk/site: that is no copy");
    asks.backup = text(&world.at("copy/site")).to_owned();
    let finding = find(&asks, &Progress::default());
    fails(&finding);
    assert_eq!(world.said(&finding), "/copy/site is /disk/site: that is no copy");
}

#[test]
fn a_backup_kept_in_the_source_is_no_copy_by_whatever_mount_it_is_named() {
    let world = World::filled();
    world.copy("site", "aside");
    world.copy("aside", "site/.bk/site");
    run(Command::new("tar").current_dir(world.at("site")).args(["-cf", ".bk/a.tar", "--exclude=./.bk", "."]));
    let Some(_shown) = mount(&["--bind", text(&world.at("site/.bk"))], &world.at("mnt")) else { return };
    let mut asks = world.asks("mnt/site");
    asks.ignore = vec![".bk".to_owned()];
    for backup in ["mnt", "mnt/site", "mnt/a.tar"] {
        text(&world.at(backup)).clone_into(&mut asks.backup);
        let finding = find(&asks, &Progress::default());
        fails(&finding);
        assert_eq!(world.said(&finding), format!("/{backup} is inside /site: that is no copy"));
    }
    // In an image that is a file of the source.
    let image = image(&world, "site/.bk/disk.img");
    let Some(_disk) = mount(&["-o", "loop", &image], &world.at("disk")) else { return };
    world.copy("mnt/site", "disk/site");
    text(&world.at("disk/site")).clone_into(&mut asks.backup);
    let finding = find(&asks, &Progress::default());
    fails(&finding);
    assert_eq!(world.said(&finding), "/disk/site is inside /site: that is no copy");
}

#[test]
fn a_named_backup_around_the_source_is_named() {
    let world = World::filled();
    let finding = world.find(".");
    fails(&finding);
    assert_eq!(world.said(&finding), "/. holds /site: that is no copy");
}
