//! A backup that is a directory.

use super::*;

#[test]
fn a_copy_holds() {
    let world = World::filled();
    world.copy("site", "copy");
    let finding = world.find("copy");
    holds(&finding);
    assert_eq!(finding.detail, "all of 5 files, 2 links, 4 directories: content compared");
    assert_eq!(finding.evidence["base"], ".");
    assert_eq!(finding.evidence["kind"], "directory");
    assert_eq!(count(&finding, "bytes"), 19);
}

#[test]
fn what_is_missing_is_named_and_whole_directories_are_one() {
    let world = World::filled();
    world.copy("site", "copy");
    fs::remove_dir_all(world.at("copy/themes")).expect("removes");
    fs::remove_file(world.at("copy/robots.txt")).expect("removes");
    fs::remove_dir(world.at("copy/uploads")).expect("removes");
    fs::remove_file(world.at("copy/broken")).expect("removes");
    let finding = world.find("copy");
    fails(&finding);
    assert_eq!(finding.detail, "9 of 11 missing: broken, robots.txt, themes/ (whole directory, 3 files), …");
    assert_eq!(
        differences(&finding),
        [
            "broken: missing",
            "robots.txt: missing",
            "themes/: missing: whole directory, 3 files",
            "uploads/: missing: whole directory, 0 files",
        ]
    );
}

#[test]
fn what_differs_is_named_with_how() {
    let world = World::filled();
    world.copy("site", "copy");
    world.write("copy/index.php", "<?PHP");
    world.write("copy/robots.txt", "nobody");
    for (path, to) in [("copy/theme", "themes/two"), ("copy/themes/two/page.php", "../one/page.php")] {
        fs::remove_file(world.at(path)).expect("removes");
        std::os::unix::fs::symlink(to, world.at(path)).expect("a link");
    }
    let finding = world.find("copy");
    fails(&finding);
    assert_eq!(
        differences(&finding),
        [
            "index.php: differs: content",
            "robots.txt: differs: size 6, not 4",
            "theme: differs: leads to themes/two, not to themes/one",
            "themes/two/page.php: differs: a link in the backup, not a file",
        ]
    );
    assert!(finding.detail.starts_with("4 differ: index.php (content), "), "{}", finding.detail);
}
