//! A backup that is a directory.

use super::*;

#[test]
fn a_copy_holds() {
    let world = World::filled();
    world.copy("site", "copy");
    let finding = world.find("copy");
    holds(&finding);
    assert_eq!(finding.detail, "all 5 files, 2 links and 4 directories are in it, content compared");
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

#[test]
fn names_in_any_bytes_are_found() {
    let world = World::new();
    world.write(name(b"site/\xff\xfe/\x01\n"), "latin");
    world.write("site/ leading and trailing ", "b");
    world.copy("site", "copy");
    holds(&world.find("copy"));
    fs::remove_dir_all(world.at(name(b"copy/\xff\xfe"))).expect("removes");
    let finding = world.find("copy");
    fails(&finding);
    assert_eq!(finding.detail, "2 of 3 missing: \\xff\\xfe/ (whole directory, 1 file)");
}

#[test]
fn the_copy_is_found_wherever_it_begins() {
    let world = World::filled();
    let own: String = world.at("site").to_str().expect("readable").trim_start_matches('/').to_owned();
    for (to, base) in [
        ("backup".to_owned(), "."),
        ("backup/site".to_owned(), "site"),
        ("backup/2026-11-20".to_owned(), "2026-11-20"),
        ("backup/2026-11-20/site".to_owned(), "2026-11-20/site"),
        ("backup/snap/of/it".to_owned(), "snap/of/it"),
        (format!("backup/{own}"), own.as_str()),
        (format!("backup/host/{own}"), &format!("host/{own}")),
    ] {
        world.copy("site", &to);
        let finding = world.find("backup");
        holds(&finding);
        assert_eq!(finding.evidence["base"], base);
        fs::remove_dir_all(world.at("backup")).expect("removes");
    }
    // Beside other things it is found under its own name.
    world.copy("site", "backup/site");
    world.copy("site/themes", "backup/another");
    holds(&world.find("backup"));
}

#[test]
fn a_link_to_the_backup_is_followed_and_none_within() {
    let world = World::filled();
    world.copy("site", "copy");
    std::os::unix::fs::symlink("copy", world.at("latest")).expect("a link");
    let finding = world.find("latest");
    holds(&finding);
    let real = world.at("copy");
    assert!(
        finding.evidence["backup"]
            .as_str()
            .is_some_and(|told| told.contains(real.to_str().expect("readable")))
    );
    // A directory moved away with a link left in its place is not the directory.
    fs::rename(world.at("copy/themes"), world.at("elsewhere")).expect("moves");
    std::os::unix::fs::symlink(world.at("elsewhere"), world.at("copy/themes")).expect("a link");
    let finding = world.find("copy");
    fails(&finding);
    assert_eq!(differences(&finding), ["themes/: differs: a link in the backup, not a directory"]);
}

#[test]
fn what_is_ignored_is_counted_and_not_looked_for() {
    let world = World::filled();
    world.copy("site", "copy");
    world.write("site/cache/a", "a");
    world.write("site/themes/one/cache/b", "b");
    world.write("site/x.log", "log");
    world.write("site/themes/two/y.log", "log");
    world.write("site/uploads/keep", "1");
    world.write("site/themes/uploads/keep", "2");
    fails(&world.find("copy"));
    let mut asks = world.asks("copy");
    asks.ignore = ["cache", "*.log", "uploads/keep", "/themes/uploads/"].map(str::to_owned).to_vec();
    let finding = find(&asks, &Progress::default());
    holds(&finding);
    assert_eq!(count(&finding, "ignored"), 6);
    assert!(finding.detail.ends_with("content compared, 6 ignored"), "{}", finding.detail);
    asks.ignore = ["cache", "*.log", "keep"].map(str::to_owned).to_vec();
    let finding = find(&asks, &Progress::default());
    fails(&finding);
    assert_eq!(differences(&finding), ["themes/uploads/: missing: whole directory, 0 files"]);
}

#[test]
fn by_size_alone_other_content_of_the_same_length_is_not_seen() {
    let world = World::filled();
    world.copy("site", "copy");
    world.write("copy/index.php", "<?PHP");
    let mut asks = world.asks("copy");
    asks.by = By::Size;
    let finding = find(&asks, &Progress::default());
    holds(&finding);
    assert!(finding.detail.ends_with("sizes compared"), "{}", finding.detail);
    world.write("copy/index.php", "longer");
    fails(&find(&asks, &Progress::default()));
}

#[test]
fn modes_and_owners_are_compared_when_asked_for() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::filled();
    world.copy("site", "copy");
    run(Command::new("tar").current_dir(world.at("site")).args(["-cf", "../a.tar", "."]));
    let mut asks = [world.asks("copy"), world.asks("a.tar")];
    for asks in &mut asks {
        asks.also = vec![Also::Mode, Also::Ownership];
        holds(&find(asks, &Progress::default()));
    }
    for (path, mode) in [("site/robots.txt", 0o600), ("site/themes", 0o1777)] {
        fs::set_permissions(world.at(path), fs::Permissions::from_mode(mode)).expect("sets");
    }
    holds(&world.find("copy"));
    for asks in &asks {
        let finding = find(asks, &Progress::default());
        fails(&finding);
        assert_eq!(
            differences(&finding),
            ["robots.txt: differs: mode 0644, not 0600", "themes/: differs: mode 0755, not 1777"]
        );
        assert_eq!(finding.evidence["also"], serde_json::json!(["mode", "ownership"]));
    }
    if !rustix::process::geteuid().is_root() {
        eprintln!("NOT RUN in part: only root may give files away");
        return;
    }
    std::os::unix::fs::chown(world.at("site/index.php"), Some(12), Some(34)).expect("gives away");
    for asks in &asks {
        let finding = find(asks, &Progress::default());
        assert_eq!(differences(&finding)[0], "index.php: differs: owner 0:0, not 12:34");
    }
}

#[test]
fn large_files_are_compared_to_the_last_byte_by_all_threads() {
    use std::os::unix::fs::FileExt as _;
    let world = World::new();
    let len = 100_000_001;
    world.write("site/large", vec![3; len]);
    world.copy("site", "copy");
    let finding = world.find("copy");
    holds(&finding);
    assert_eq!(count(&finding, "bytes"), len as u64);
    let file = fs::OpenOptions::new().write(true).open(world.at("copy/large")).expect("opens");
    file.write_all_at(b"!", len as u64 - 1).expect("writes");
    fails(&world.find("copy"));
}

#[test]
fn a_deep_tree_is_walked_to_its_end() {
    let world = World::new();
    let deep: PathBuf = std::iter::repeat_n("d", 600).collect();
    world.write(Path::new("site").join(&deep).join("file"), "down here");
    world.copy("site", "copy");
    let finding = world.find("copy");
    holds(&finding);
    assert_eq!(count(&finding, "directories"), 600);
    run(Command::new("tar").current_dir(world.dir.path()).args(["-cf", "a.tar", "site"]));
    holds(&world.find("a.tar"));
    world.write(Path::new("copy").join(&deep).join("file"), "Down here");
    fails(&world.find("copy"));
}

#[test]
fn of_many_differences_the_same_twenty_are_kept() {
    let world = World::new();
    for n in 0..3_000 {
        world.write(format!("site/{:02}/{n:04}", n % 30), "text");
    }
    for n in 0..30 {
        fs::create_dir_all(world.at(format!("copy/{n:02}"))).expect("a directory");
    }
    let finding = world.find("copy");
    fails(&finding);
    let expected: Vec<String> = (0..20).map(|n| format!("00/{:04}: missing", n * 30)).collect();
    assert_eq!(differences(&finding), expected);
    assert!(
        finding.detail.starts_with("3,000 of 3,030 missing: 00/0000, 00/0030, 00/0060, …"),
        "{finding:?}"
    );
}

#[test]
fn the_digest_is_of_what_was_seen_in_any_order() {
    let world = World::filled();
    world.copy("site", "copy");
    run(Command::new("tar").current_dir(world.at("site")).args(["-cf", "../a.tar", "."]));
    let digest = |finding: &Finding| finding.evidence["digest_of_names_sizes_times"].clone();
    let first = digest(&world.find("copy"));
    assert_eq!(digest(&world.find("copy")), first);
    assert_eq!(digest(&world.find("a.tar")), first);
    fs::rename(world.at("site/robots.txt"), world.at("site/Robots.txt")).expect("moves");
    assert_ne!(digest(&world.find("copy")), first);
}

#[test]
fn progress_is_told_while_it_runs() {
    let world = World::filled();
    world.copy("site", "copy");
    let progress = Progress::default();
    holds(&find(&world.asks("copy"), &progress));
    let stage = progress.stage();
    assert_eq!((stage.entries, stage.bytes), (11, 19));
    run(Command::new("tar").current_dir(world.at("site")).args(["-cf", "../a.tar", "."]));
    let progress = Progress::default();
    holds(&find(&world.asks("a.tar"), &progress));
    let len = fs::metadata(world.at("a.tar")).expect("is there").len();
    assert_eq!((progress.stage().bytes, progress.stage().of_bytes), (len, Some(len)));
}
