//! What no second account is needed for; how members come and go is tried with real accounts.

use super::*;

fn own_group() -> Group {
    let gid = rustix::process::getegid().as_raw();
    Group { name: group_name(gid), gid }
}

#[test]
fn a_group_of_this_process_can_be_given_to_and_by_root_every_other() {
    assert!(may_give(own_group().gid));
    // The number of no group of anybody: the last that a file can have.
    assert_eq!(may_give(u32::MAX - 2), rustix::process::geteuid().is_root());
}

#[test]
fn groups_that_give_power_over_the_machine_are_known_by_number_and_by_name() {
    let group = |name: &str, gid| Group { name: name.to_owned(), gid };
    assert!(is_of_the_system(&group("daemon", 1)) && is_of_the_system(&group("docker", 998)));
    assert!(is_of_the_system(&group("mine", 99)) && !is_of_the_system(&group("users", 100)));
    assert!(!is_of_the_system(&group("ops", 1001)));
}

#[test]
fn a_place_that_cannot_be_reached_is_told_from_one_that_is_not_there_yet() {
    let own = own_group();
    let said = |home: &Path| check_home(home, &own).unwrap_err().to_string();
    assert!(said(Path::new("/")).contains("/ cannot hold shared sessions"), "{}", said(Path::new("/")));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let below = file.join("above/home");
    assert!(
        said(&below).starts_with(&format!("cannot reach {}", file.join("above").display())),
        "{}",
        said(&below)
    );
    let long = dir.path().join("x".repeat(300));
    assert!(said(&long).starts_with("cannot reach"), "{}", said(&long));
    let missing = dir.path().join("not/there");
    assert!(said(&missing).contains("is not there yet"), "{}", said(&missing));
}

#[test]
fn a_place_that_is_taken_is_not_proposed() {
    let dir = tempfile::tempdir().unwrap();
    let (taken, free) = (dir.path().display().to_string(), dir.path().join("free").display().to_string());
    let me = name_of(me());
    assert!(elsewhere_at(&taken, &own_group()).contains(&format!(" {taken}-{me}\n")));
    assert!(elsewhere_at(&free, &own_group()).contains(&format!(" {free}\n")));
}

#[test]
fn a_directory_for_everybodys_files_is_not_to_be_closed_and_another_is() {
    let dir = tempfile::tempdir().unwrap();
    let said = |mode| {
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        unsafe_above(dir.path(), &dir.path().metadata().unwrap())
    };
    assert_eq!(said(0o755), None);
    assert!(said(0o757).unwrap().contains("; run: chmod go-w "));
    assert!(!said(0o1777).unwrap().contains("run:"));
}

#[test]
fn whom_nobody_knows_has_a_number() {
    assert_eq!((name_of(0).as_str(), group_name(0).as_str()), ("root", "root"));
    let nobodys = u32::MAX - 2;
    assert_eq!(name_of(nobodys), format!("account {nobodys}"));
    assert_eq!(group_name(nobodys), nobodys.to_string());
}
