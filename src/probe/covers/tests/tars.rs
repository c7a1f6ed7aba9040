//! A backup that is a tar archive, as the real `tar` makes it.

use std::os::unix::fs::FileExt as _;

use super::*;

/// Runs `tar` in the world's directory.
fn tar(world: &World, words: &[&str]) {
    run(Command::new("tar").current_dir(world.dir.path()).args(words));
}

#[test]
fn archives_hold_however_they_are_packed() {
    let world = World::filled();
    for (name, how, kind) in [
        ("a", "--posix", "tar"),
        ("b", "--format=gnu", "tar"),
        ("c", "--format=ustar", "tar"),
        ("d", "--format=v7", "tar"),
        ("e", "--gzip", "tar.gz"),
        ("f", "--zstd", "tar.zst"),
        ("g", "--xz", "tar.xz"),
    ] {
        tar(&world, &["-cf", name, how, "-C", "site", "."]);
        let finding = world.find(name);
        holds(&finding);
        assert_eq!(finding.detail, "all 5 files, 2 links and 4 directories are in it, content compared");
        assert_eq!(finding.evidence["kind"], kind);
        assert_eq!(finding.evidence["members"], 12);
        assert_eq!(count(&finding, "bytes"), 19);
    }
}

#[test]
fn the_copy_is_found_wherever_it_begins() {
    let world = World::filled();
    world.copy("site", "top/site");
    world.copy("site", "other/names/for/it");
    world.copy("site", "snap");
    world.write("snap/and/more", "of it");
    for (words, base) in [
        (&["-C", "site", "."][..], "."),
        (&["-C", "site", "index.php", "robots.txt", "themes", "uploads", "theme", "broken"], "."),
        (&["site"], "site"),
        (&["./site"], "site"),
        (&["top/site"], "top/site"),
        (&["snap"], "snap"),
        (&["--transform=s,^site,mnt/snap/srv/site,S", "site"], "mnt/snap/srv/site"),
    ] {
        tar(&world, &[&["-cf", "a.tar"], words].concat());
        let finding = world.find("a.tar");
        holds(&finding);
        assert_eq!(finding.evidence["base"], base, "{words:?}");
    }
    let absolute = world.at("site");
    tar(&world, &["-cPf", "a.tar", absolute.to_str().expect("readable")]);
    holds(&world.find("a.tar"));
}

#[test]
fn what_is_missing_or_differs_is_named() {
    let world = World::filled();
    world.copy("site", "now/site");
    fs::remove_dir_all(world.at("now/site/themes/one")).expect("removes");
    world.write("now/site/index.php", "<?PHP");
    world.write("now/site/robots.txt", "nobody");
    fs::remove_file(world.at("now/site/theme")).expect("removes");
    std::os::unix::fs::symlink("themes/two", world.at("now/site/theme")).expect("a link");
    tar(&world, &["-cf", "a.tar", "-C", "now", "site"]);
    let finding = world.find("a.tar");
    fails(&finding);
    assert_eq!(
        differences(&finding),
        [
            "index.php: differs: content",
            "robots.txt: differs: size 6, not 4",
            "theme: differs: leads to themes/two, not to themes/one",
            "themes/one/: missing: whole directory, 2 files",
        ]
    );
    assert_eq!(
        finding.detail,
        "3 of 11 missing: themes/one/ (whole directory, 2 files); 3 differ: index.php (content), \
         robots.txt (size 6, not 4), theme (leads to themes/two, not to themes/one) (below site)"
    );
}

#[test]
fn the_last_member_of_a_name_is_the_one_that_counts() {
    let world = World::filled();
    world.copy("site", "now/site");
    world.write("site/robots.txt", "old!");
    tar(&world, &["-cf", "a.tar", "site"]);
    tar(&world, &["-rf", "a.tar", "-C", "now", "site/robots.txt"]);
    fails(&world.find("a.tar"));
    tar(&world, &["-rf", "a.tar", "site/robots.txt"]);
    holds(&world.find("a.tar"));
}

#[test]
fn an_archive_that_was_cut_is_none_wherever_it_was_cut() {
    let world = World::filled();
    world.write("site/large", vec![7; 100_000]);
    for (how, to) in [("--posix", "a.tar"), ("--gzip", "a.tgz"), ("--zstd", "a.zst"), ("--xz", "a.xz")] {
        tar(&world, &["-cf", to, how, "-C", "site", "."]);
        let whole = fs::read(world.at(to)).expect("reads");
        holds(&world.find(to));
        // The filling after the end mark is not missed; all else is.
        let end = whole.iter().rposition(|&b| b != 0).expect("something") + 1;
        let step = (end / 40).max(1);
        for len in (0..end).step_by(step).chain([end - 1]) {
            world.write("cut", &whole[..len]);
            let finding = world.find("cut");
            assert_ne!(finding.verdict, Verdict::Holds, "{to} cut at {len}: {finding:#?}");
            if len > 512 {
                fails(&finding);
                assert!(
                    finding.detail.contains("it was cut") || finding.detail.contains("damaged"),
                    "{finding:#?}"
                );
            }
        }
    }
}

#[test]
fn an_archive_without_its_end_mark_was_cut_even_between_members() {
    let world = World::new();
    world.write("site/a", "text");
    tar(&world, &["-cf", "a.tar", "-C", "site", "a"]);
    let whole = fs::read(world.at("a.tar")).expect("reads");
    world.write("a.tar", &whole[..1024]);
    let finding = world.find("a.tar");
    fails(&finding);
    assert_eq!(world.said(&finding), "/a.tar ends too soon, after 1 member: it was cut");
}

#[test]
fn a_packed_archive_with_one_wrong_byte_is_damaged() {
    let world = World::filled();
    for (how, to) in [("--gzip", "a.tgz"), ("--zstd", "a.zst"), ("--xz", "a.xz")] {
        tar(&world, &["-cf", to, how, "-C", "site", "."]);
        let mut bytes = fs::read(world.at(to)).expect("reads");
        // The checksum of gzip stands eight bytes before its end, those of the others elsewhere.
        let at = if to == "a.tgz" { bytes.len() - 8 } else { bytes.len() / 2 };
        bytes[at] ^= 1;
        world.write(to, bytes);
        let finding = world.find(to);
        fails(&finding);
        assert!(finding.detail.contains(" is damaged, after "), "{to}: {finding:#?}");
    }
}

#[test]
fn members_that_lead_out_of_the_archive_count_for_nothing() {
    let world = World::filled();
    world.write("out/robots.txt", "none");
    tar(&world, &["-cf", "a.tar", "--exclude=robots.txt", "-C", "site", "."]);
    tar(&world, &["-rPf", "a.tar", "-C", "out", "--transform=s,^,uploads/../,", "robots.txt"]);
    let finding = world.find("a.tar");
    fails(&finding);
    assert_eq!(differences(&finding), ["robots.txt: missing"]);
    assert_eq!(
        finding.evidence["outside"],
        serde_json::json!({ "members": 1, "first": ["uploads/../robots.txt"] })
    );
}

#[test]
fn names_in_any_bytes_are_found() {
    let world = World::new();
    let long = "l".repeat(120);
    world.write(name(b"site/\xff\xfe"), "latin");
    world.write("site/line\nend\nlonger than what a header holds, so that it stands in an extended one, as any bytes of the name may: line\nend", "a");
    world.write(format!("site/{long}/{long}/{long}/{long}"), "deep");
    world.write("site/ leading and trailing ", "b");
    world.write("site/ü", "c");
    std::os::unix::fs::symlink(name(b"\xff\n to"), world.at("site/link")).expect("a link");
    std::os::unix::fs::symlink(format!("{long}/{long}"), world.at("site/long link")).expect("a link");
    for how in ["--format=gnu", "--posix"] {
        tar(&world, &["-cf", "a.tar", how, "site"]);
        let finding = world.find("a.tar");
        holds(&finding);
        assert_eq!(count(&finding, "files"), 5);
    }
}

#[test]
fn hard_links_are_as_their_first_name_is() {
    let world = World::new();
    world.write("site/a", "one");
    fs::hard_link(world.at("site/a"), world.at("site/b")).expect("a link");
    fs::hard_link(world.at("site/a"), world.at("site/c")).expect("a link");
    tar(&world, &["-cf", "a.tar", "site"]);
    holds(&world.find("a.tar"));
    // No hard link any more, but the same content.
    fs::remove_file(world.at("site/c")).expect("removes");
    world.write("site/c", "one");
    holds(&world.find("a.tar"));
    // Whichever name `tar` took for the first: when that one changed, or went, the others are compared all the same.
    for name in ["site/a", "site/b"] {
        fs::remove_file(world.at(name)).expect("removes");
        world.write(name, "two");
        let finding = world.find("a.tar");
        fails(&finding);
        assert_eq!(differences(&finding), [format!("{}: differs: content", &name[5..])]);
        fs::remove_file(world.at(name)).expect("removes");
        holds(&world.find("a.tar"));
        world.write(name, "one");
    }
    world.write("site/c", "two");
    fs::remove_file(world.at("site/b")).expect("removes");
    fs::remove_file(world.at("site/a")).expect("removes");
    let finding = world.find("a.tar");
    fails(&finding);
    assert_eq!(differences(&finding), ["c: differs: content"]);
}

#[test]
fn holes_are_as_the_zeros_they_stand_for() {
    let world = World::new();
    for n in 0..30_u64 {
        let file =
            fs::OpenOptions::new().create(true).truncate(false).write(true).open(world.at("site/holes"));
        let file = file.expect("a file");
        file.write_all_at(b"data", n * 1_000_000 + n).expect("writes");
        file.set_len(40_000_000).expect("makes longer");
    }
    for how in [
        &["--format=gnu", "-S"][..],
        &["--posix", "-S", "--sparse-version=0.0"],
        &["--posix", "-S", "--sparse-version=0.1"],
        &["--posix", "-S", "--sparse-version=1.0"],
        &["--posix"],
    ] {
        tar(&world, &[&["-cf", "a.tar"], how, &["site"]].concat());
        if how.len() > 1 {
            let len = fs::metadata(world.at("a.tar")).expect("is there").len();
            assert!(len < 1_000_000, "tar wrote the holes: {len}");
        }
        let finding = world.find("a.tar");
        holds(&finding);
        assert_eq!(count(&finding, "bytes"), 40_000_000);
        let file = fs::OpenOptions::new().write(true).open(world.at("site/holes")).expect("a file");
        for at in [500_000, 29_000_030, 39_999_999] {
            let mut was = [0];
            fs::File::open(world.at("site/holes"))
                .expect("opens")
                .read_exact_at(&mut was, at)
                .expect("reads");
            file.write_all_at(b"!", at).expect("writes");
            let finding = world.find("a.tar");
            fails(&finding);
            assert_eq!(differences(&finding), ["holes: differs: content"]);
            file.write_all_at(&was, at).expect("writes");
        }
    }
}
