//! A backup that is a zip archive, as the real `zip` makes it.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// Runs `zip` in a directory of the world.
fn zip(world: &World, dir: &str, words: &[&str]) {
    run(Command::new("zip").current_dir(world.at(dir)).arg("-q").args(words));
}

#[test]
fn zip_archives_hold() {
    let world = World::filled();
    world.write("site/large", vec![7; 3_000_000]);
    for (dir, words, base) in [
        ("site", &["-ry", "../a.zip", "."][..], "."),
        ("site", &["-ry0", "../b.zip", "."], "."),
        (".", &["-ry", "c.zip", "site"], "site"),
    ] {
        zip(&world, dir, words);
        let finding = world.find(words[1].trim_start_matches("../"));
        holds(&finding);
        assert_eq!(
            finding.detail.split(" (below").next(),
            Some("all 6 files, 2 links and 4 directories are in it, content compared")
        );
        assert_eq!(finding.evidence["kind"], "zip");
        assert_eq!(finding.evidence["base"], base);
        assert_eq!(count(&finding, "bytes"), 3_000_019);
    }
    // Without members for directories: an empty one is not in it, the others are.
    zip(&world, "site", &["-ryD", "../d.zip", "."]);
    let finding = world.find("d.zip");
    fails(&finding);
    assert_eq!(differences(&finding), ["uploads/: missing: whole directory, 0 files"]);
}

#[test]
fn what_differs_from_a_zip_archive_is_named() {
    let world = World::filled();
    zip(&world, "site", &["-ry", "../a.zip", ".", "-x", "themes/two/*"]);
    world.write("site/index.php", "<?PHP");
    fs::remove_file(world.at("site/theme")).expect("removes");
    std::os::unix::fs::symlink("themes/two", world.at("site/theme")).expect("a link");
    let finding = world.find("a.zip");
    fails(&finding);
    assert_eq!(
        differences(&finding),
        [
            "index.php: differs: content",
            "theme: differs: leads to themes/one, not to themes/two",
            "themes/two/: missing: whole directory, 1 file",
        ]
    );
}

#[test]
fn a_zip_archive_with_links_followed_has_files_for_them() {
    let world = World::filled();
    fs::remove_file(world.at("site/broken")).expect("removes");
    fs::remove_file(world.at("site/theme")).expect("removes");
    std::os::unix::fs::symlink("robots.txt", world.at("site/link")).expect("a link");
    zip(&world, "site", &["-r", "../a.zip", "."]);
    let finding = world.find("a.zip");
    fails(&finding);
    assert_eq!(differences(&finding), ["link: differs: a file in the backup, not a link"]);
}

#[test]
fn an_encrypted_zip_archive_is_not_believed() {
    let world = World::filled();
    zip(&world, "site", &["-ry", "-P", "secret", "../a.zip", "."]);
    let finding = world.find("a.zip");
    errs(&finding);
    assert!(finding.detail.contains("it is encrypted"), "{}", finding.detail);
    // The names and lengths can be read.
    let mut by_size = world.asks("a.zip");
    by_size.by = By::Size;
    fs::remove_file(world.at("site/theme")).expect("removes");
    fs::remove_file(world.at("site/broken")).expect("removes");
    holds(&find(&by_size, &Progress::default()));
}

#[test]
fn a_zip_archive_that_was_cut_or_damaged_is_none() {
    let world = World::filled();
    world.write("site/large", vec![7; 100_000]);
    zip(&world, "site", &["-ry0", "../a.zip", "."]);
    let whole = fs::read(world.at("a.zip")).expect("reads");
    for len in (4..whole.len()).step_by(whole.len() / 40) {
        world.write("cut", &whole[..len]);
        let finding = world.find("cut");
        fails(&finding);
        assert!(finding.detail.contains("it was cut"), "{len}: {finding:#?}");
    }
    let at = whole.windows(8).position(|bytes| bytes == [7; 8]).expect("the large file");
    let mut damaged = whole.clone();
    damaged[at + 50_000] ^= 1;
    world.write("damaged", damaged);
    let finding = world.find("damaged");
    fails(&finding);
    assert!(world.said(&finding).contains("the content of large does not fit its checksum"), "{finding:#?}");
}

#[test]
fn modes_are_compared_where_a_zip_archive_has_them_and_owners_cannot_be() {
    let world = World::filled();
    // Of `.` it stores nothing itself, of `site` it does.
    zip(&world, ".", &["-ry", "a.zip", "site"]);
    let mut asks = world.asks("a.zip");
    asks.also = vec![Also::Mode];
    holds(&find(&asks, &Progress::default()));
    asks.also = vec![Also::Ownership];
    let finding = find(&asks, &Progress::default());
    fails(&finding);
    assert!(finding.detail.contains("the archive does not say its owner"), "{}", finding.detail);
    asks.also = vec![Also::Mode];
    fs::set_permissions(world.at("site/robots.txt"), fs::Permissions::from_mode(0o600)).expect("sets");
    let finding = find(&asks, &Progress::default());
    fails(&finding);
    assert_eq!(differences(&finding), ["robots.txt: differs: mode 0644, not 0600"]);
}
