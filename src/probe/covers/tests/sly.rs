//! What looks like a copy and is none: archives that unpack to something else, changes while we look, what is not said.

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
