//! What looks like a copy and is none: archives that unpack to something else, changes while we look, what is not said.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// Runs `tar` in the world's directory.
fn tar(world: &World, words: &[&str]) {
    run(Command::new("tar").current_dir(world.dir.path()).args(words));
}

#[test]
fn a_member_below_a_link_of_the_archive_is_unpacked_elsewhere_and_never_passed() {
    let world = World::filled();
    world.write("more/site/theme/page.php", "HACK");
    world.write("more/aside/page.php", "HACK");
    std::os::unix::fs::symlink("site/themes/one", world.at("aside")).expect("a link");
    for (words, said) in [
        (&["site/theme/page.php"][..], "site/theme/page.php lies below site/theme"),
        // Neither the link nor what is below it is in the source.
        (&["aside/page.php"], "aside/page.php lies below aside"),
    ] {
        tar(&world, &["-cf", "a.tar", "site", "aside"]);
        holds(&world.find("a.tar"));
        tar(&world, &[&["-rf", "a.tar", "-C", "more"], words].concat());
        let finding = world.find("a.tar");
        errs(&finding);
        assert!(
            finding.detail.contains(&format!("its member {said}, which is a link in it")),
            "{finding:#?}"
        );
        // It is so: what is unpacked is not what the source is.
        fs::create_dir_all(world.at("unpacked")).expect("a directory");
        tar(&world, &["-xf", "a.tar", "-C", "unpacked"]);
        let unpacked = fs::read(world.at("unpacked/site/themes/one/page.php")).expect("reads");
        assert_eq!(unpacked, b"HACK", "{words:?}");
        fs::remove_dir_all(world.at("unpacked")).expect("removes");
    }
}

#[test]
fn a_link_that_became_a_directory_and_was_added_later_holds() {
    let world = World::filled();
    tar(&world, &["-cf", "a.tar", "site"]);
    fs::remove_file(world.at("site/theme")).expect("removes");
    world.write("site/theme/own", "now a directory");
    fails(&world.find("a.tar"));
    tar(&world, &["-rf", "a.tar", "site/theme"]);
    holds(&world.find("a.tar"));
}

/// Does something to a file or directory again and again, until the system has another time for its last change.
fn until_late(path: &Path, act: impl Fn()) {
    use std::os::unix::fs::MetadataExt as _;
    let time = || fs::metadata(path).map(|data| (data.ctime(), data.ctime_nsec())).expect("is there");
    let was = time();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let now = (i64::try_from(now.as_secs()).expect("small"), i64::from(now.subsec_nanos()));
    while time() <= was.max(now) {
        act();
    }
}

#[test]
fn what_changes_after_it_was_compared_with_an_archive_is_not_passed() {
    let world = World::filled();
    tar(&world, &["-cf", "a.tar", "site/index.php", "site/uploads", "site"]);
    let rewrite = || until_late(&world.at("site/index.php"), || world.write("site/index.php", "<?php"));
    let swap = || {
        until_late(&world.at("site/uploads"), || {
            fs::rename(world.at("site/uploads"), world.at("site/moved")).expect("moves");
            fs::rename(world.at("site/moved"), world.at("site/uploads")).expect("moves back");
        });
    };
    let acts: [(&(dyn Fn() + Sync), &[&str]); 2] = [(&rewrite, &["index.php"]), (&swap, &["./", "uploads/"])];
    for (act, changed) in acts {
        let opened = |path: &[u8]| {
            if path == b"themes/two/page.php" {
                act();
            }
        };
        let finding = find_with(&world.asks("a.tar"), &Progress::default(), &opened);
        errs(&finding);
        let told: Vec<String> =
            changed.iter().map(|path| format!("{path}: changed while being read: in the source")).collect();
        assert_eq!(differences(&finding), told);
        holds(&world.find("a.tar"));
    }
}

#[test]
fn a_name_that_comes_or_goes_while_its_directory_is_looked_through_is_not_passed() {
    let world = World::filled();
    world.copy("site", "copy");
    for (side, said) in [("site", "in the source"), ("copy", "in the backup")] {
        let dir = world.at(side).join("themes/two");
        let opened = |path: &[u8]| {
            if path == b"themes/two/page.php" {
                until_late(&dir, || {
                    fs::write(dir.join("new"), "new").expect("writes");
                    fs::remove_file(dir.join("new")).expect("removes");
                });
            }
        };
        let finding = find_with(&world.asks("copy"), &Progress::default(), &opened);
        errs(&finding);
        assert_eq!(finding.detail, format!("1 changed while being read: themes/two/ ({said})"));
        holds(&world.find("copy"));
    }
}

#[test]
fn a_file_that_was_moved_past_us_from_a_directory_yet_to_come_is_not_passed() {
    let world = World::filled();
    world.copy("site", "copy");
    // It leaves a directory that is entered later, so that it is looked for nowhere.
    let moved = AtomicBool::new(false);
    let opened = |path: &[u8]| {
        if !path.starts_with(b"themes/") || moved.swap(true, Ordering::Relaxed) {
            return;
        }
        let (from, to) = if path.starts_with(b"themes/one/") { ("two", "one") } else { ("one", "two") };
        let (from, to) = (world.at("site/themes").join(from), world.at("site/themes").join(to));
        until_late(&from, || {
            fs::rename(from.join("page.php"), to.join("moved")).expect("moves");
            fs::rename(to.join("moved"), from.join("page.php")).expect("moves back");
        });
    };
    let asked = Asked {
        source: world.at("site"),
        ignore: Ignore::new(&[]).expect("nothing"),
        by: By::Content,
        also: &[],
        progress: &Progress::default(),
        began: Moment::now(),
        opened: &opened,
    };
    let [from, to] = ["site", "copy"].map(|path| place::open(&world.at(path)).expect("opens"));
    // One thread, so that the other directory is yet to come.
    let tally = walk::directories(&asked, from, to, 1).expect("looks");
    let changed: Vec<&[u8]> = tally.first().iter().map(|difference| difference.path.as_slice()).collect();
    for dir in ["themes/one/", "themes/two/"] {
        assert!(changed.contains(&dir.as_bytes()), "{dir}: {changed:?}");
    }
}

#[test]
fn a_tree_that_was_written_a_moment_ago_is_not_taken_for_one_that_changes() {
    for n in 0..50 {
        let world = World::new();
        for side in ["site", "copy"] {
            world.write(format!("{side}/dir/{n}"), "text");
        }
        holds(&world.find("copy"));
    }
}

#[test]
fn modes_and_owners_that_an_archive_does_not_say_are_not_passed() {
    let world = World::filled();
    let also = |backup: &str, also: &[Also]| {
        let mut asks = world.asks(backup);
        asks.also = also.to_vec();
        find(&asks, &Progress::default())
    };
    let both = [Also::Mode, Also::Ownership];
    // All directories; none; all but the first.
    tar(&world, &["-cf", "all.tar", "site"]);
    tar(
        &world,
        &[
            "-cf",
            "files.tar",
            "-C",
            "site",
            "--no-recursion",
            "index.php",
            "robots.txt",
            "theme",
            "broken",
            "uploads",
            "themes/one/style.css",
            "themes/one/page.php",
            "themes/two/page.php",
        ],
    );
    tar(
        &world,
        &[
            "-cf",
            "below.tar",
            "-C",
            "site",
            "index.php",
            "robots.txt",
            "theme",
            "broken",
            "uploads",
            "themes",
        ],
    );
    holds(&also("all.tar", &both));
    for backup in ["files.tar", "below.tar"] {
        holds(&world.find(backup));
    }
    let finding = also("below.tar", &both);
    fails(&finding);
    assert_eq!(differences(&finding), ["./: differs: the archive does not say its mode and owner"]);
    let finding = also("files.tar", &both[..1]);
    fails(&finding);
    let unsaid = ["./", "themes/", "themes/one/", "themes/two/"];
    let unsaid = unsaid.map(|path| format!("{path}: differs: the archive does not say its mode"));
    assert_eq!(differences(&finding), unsaid);
}

#[test]
fn the_mode_of_the_source_itself_is_compared_too() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::filled();
    world.copy("site", "copy");
    world.copy("site", "top/site");
    tar(&world, &["-cf", "a.tar", "site"]);
    tar(&world, &["-cf", "b.tar", "-C", "site", "."]);
    tar(&world, &["-cf", "c.tar", "top"]);
    fs::set_permissions(world.at("site"), fs::Permissions::from_mode(0o700)).expect("sets");
    for backup in ["copy", "top", "a.tar", "b.tar", "c.tar"] {
        holds(&world.find(backup));
        let mut asks = world.asks(backup);
        asks.also = vec![Also::Mode];
        let finding = find(&asks, &Progress::default());
        fails(&finding);
        assert_eq!(differences(&finding), ["./: differs: mode 0755, not 0700"], "{backup}");
    }
}

#[test]
fn a_hard_link_to_what_is_not_there_says_so() {
    let world = World::new();
    world.write("site/a", "text");
    fs::hard_link(world.at("site/a"), world.at("site/b")).expect("a link");
    tar(&world, &["-cf", "a.tar", "site/a", "site/b"]);
    tar(&world, &["--delete", "-f", "a.tar", "site/a"]);
    let finding = world.find("a.tar");
    fails(&finding);
    assert_eq!(
        differences(&finding),
        [
            "a: missing",
            "b: cannot be read: in the backup: a hard link to site/a, and no file of that name stands before it"
        ]
    );
}

#[test]
fn an_archive_that_asks_for_much_memory_is_said_to_and_what_to_do() {
    use std::io::Write as _;
    let world = World::filled();
    tar(&world, &["-cf", "a.tar", "site"]);
    let bytes = fs::read(world.at("a.tar")).expect("reads");
    let zstd = |window| {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).expect("begins");
        encoder.window_log(window).expect("takes it");
        encoder.write_all(&bytes).expect("packs");
        encoder.finish().expect("ends")
    };
    let xz = |megabytes: u32| {
        let mut options = liblzma::stream::LzmaOptions::new_preset(0).expect("a preset");
        options.dict_size(megabytes << 20);
        let mut filters = liblzma::stream::Filters::new();
        filters.lzma2(&options);
        let check = liblzma::stream::Check::Crc64;
        let stream = liblzma::stream::Stream::new_stream_encoder(&filters, check).expect("begins");
        let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
        encoder.write_all(&bytes).expect("packs");
        encoder.finish().expect("ends")
    };
    for (name, small, large) in [("a.zst", zstd(27), zstd(28)), ("a.xz", xz(64), xz(256))] {
        world.write(name, small);
        holds(&world.find(name));
        world.write(name, large);
        let finding = world.find(name);
        errs(&finding);
        assert!(
            finding.detail.contains("more than 128 MiB of memory: pack it again with a smaller"),
            "{finding:#?}"
        );
    }
}

#[test]
fn zeros_after_a_gzip_stream_are_filling_and_anything_else_is_damage() {
    let world = World::filled();
    tar(&world, &["-czf", "a.tgz", "site"]);
    let packed = fs::read(world.at("a.tgz")).expect("reads");
    for (after, verdict) in [
        (vec![0; 1], Verdict::Holds),
        (vec![0; 100_000], Verdict::Holds),
        (b"\0\0more".to_vec(), Verdict::Fails),
        (b"more".to_vec(), Verdict::Fails),
    ] {
        world.write("a.tgz", [packed.clone(), after].concat());
        assert_eq!(world.find("a.tgz").verdict, verdict);
    }
    // In two streams, one after the other, as `gzip` takes them too.
    tar(&world, &["-cf", "a.tar", "site"]);
    let bytes = fs::read(world.at("a.tar")).expect("reads");
    let mut both = Vec::new();
    for (n, part) in [&bytes[..3_000], &bytes[3_000..]].into_iter().enumerate() {
        world.write(format!("{n}"), part);
        run(Command::new("gzip").arg(world.at(format!("{n}"))));
        both.extend(fs::read(world.at(format!("{n}.gz"))).expect("reads"));
    }
    world.write("a.tgz", &both);
    holds(&world.find("a.tgz"));
    world.write("a.tgz", &both[..both.len() - 9]);
    fails(&world.find("a.tgz"));
}
