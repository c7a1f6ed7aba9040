//! Replay of incident 5: a database moved onto the wrong disk. A real influxd with real points, the temporary disk of a
//! cloud in two shapes (memory, and a disk with the warning at its root), a disk that stays, and a backup job that keeps
//! to the system's own disk.

mod machine;

use std::path::{Path, PathBuf};

use crate::support::{Home, Session, have, root, skipped, until};
use crate::world::{bundled, must, walk};

use machine::{World, hostname};

#[test]
fn database_move() {
    let test = "database_move";
    let tools = ["influxd", "curl", "rsync", "mkfs.ext4", "findmnt", "tar"];
    if !root(test) || !tools.iter().all(|tool| have(test, tool)) {
        return;
    }
    let home = Home::new();
    let Some((dir, _elsewhere)) = lasting(&home) else {
        skipped(test, "there is no storage here that outlives the machine");
        return;
    };
    let Some(mut world) = World::build(test, &dir) else { return };
    let before = world.everything();
    let runbook = home.path("database-move.yaml");
    let patient = std::fs::read_to_string(bundled("database-move.yaml")).unwrap();
    assert!(patient.contains("at_least: 48h"));
    std::fs::write(&runbook, patient.replace("at_least: 48h", "at_least: 1s")).unwrap();

    the_wrong_disk(&home, &runbook, &world);
    let session = walk(&home, &runbook, &world.values(&hostname(), "data"));
    copy_and_prove(&session, &mut world);
    switch(&session, &mut world);
    nothing_is_copied_back(&session, &mut world, &before);
    delete(&session, &world);
    session.act(&["done", "tidy"]).expect(0);
    session.act(&["finish"]).expect(0);
    session.verifies();

    // Nothing is lost: the old place is empty, and after a restart the server has all of it, the new value included.
    assert_eq!(std::fs::read_dir(world.path("var/influxdb")).unwrap().count(), 0);
    world.stop_server();
    world.start_server();
    world.has_all_and_the_new(&before);
}

fn the_wrong_disk(home: &Home, runbook: &Path, world: &World) {
    // The disk that was there already, in both shapes. They copy by hand, and are not let on all the same.
    for (disk, why) in [("resource", "tmpfs"), ("azure", "DATALOSS_WARNING_README.txt")] {
        let session = walk(home, runbook, &world.values(&hostname(), disk));
        session.act(&["run", "measure"]).expect(0);
        session.act(&["run", "list-held"]).expect(0);
        session.act(&["run", "first-copy"]).expect(1).says("place-outlives").says(why);
        let (old, new) = (world.path("var/influxdb/."), world.path(&format!("mnt/{disk}/influxdb")));
        must("cp", &["-a", old.to_str().unwrap(), new.to_str().unwrap()]);
        session.act(&["skip", "first-copy", "--say", "copied by hand, the disk is mounted"]).expect(0);
        shut(&session, world, &["point", "delete-old"], "place-outlives", why);
        session.act(&["abort", "--say", "that disk is the temporary one"]).expect(0);
    }

    // The same directories are on the machine beside it.
    let session = walk(home, runbook, &world.values("db2.example.org", "data"));
    session.act(&["run", "measure"]).expect(1).says("right-machine").says(&hostname());
    shut(&session, world, &["point", "delete-old"], "right-machine", &hostname());
    session.act(&["abort", "--say", "this is not db2"]).expect(0);
}

fn copy_and_prove(session: &Session<'_>, world: &mut World) {
    session.act(&["run", "measure"]).expect(0);
    session.act(&["run", "list-held"]).expect(0);
    session.act(&["run", "first-copy"]).expect(0);
    session.act(&["done", "stop-writers"]).expect(0);
    session.act(&["run", "count"]).expect(0);
    // A database that runs is not at rest.
    session.act(&["done", "stop-database"]).expect(4).says("influxd");
    session.act(&["run", "final-copy"]).expect(1).says("stop-database");
    world.stop_server();
    session.act(&["done", "stop-database"]).expect(0);
    session.act(&["run", "final-copy"]).expect(0);

    // What is on the server is not in the backup.
    world.back_up(&[]);
    session.act(&["done", "back-up"]).expect(4).says("backup-holds-place");
    shut(session, world, &["point"], "backup-holds-place", "moved-from");
    world.back_up(&["mnt/data/influxdb"]);
    session.act(&["done", "back-up"]).expect(0);

    // A restore that forgot a part is none, nor one that was passed by.
    world.restore("drill/restored");
    std::fs::rename(world.path("drill/restored/wal"), world.path("drill/wal")).unwrap();
    session.act(&["done", "restore"]).expect(4).says("restored-holds-old").says("wal");
    shut(session, world, &["point", "delete-old"], "restored-holds-old", "wal");
    std::fs::rename(world.path("drill/wal"), world.path("drill/restored/wal")).unwrap();
    session.act(&["done", "restore"]).expect(0);
    session.act(&["run", "count-restored"]).expect(0);
    assert!(session.check("values-restored") == "holds");
}

fn switch(session: &Session<'_>, world: &mut World) {
    let new_dir = world.path("mnt/data/influxdb").display().to_string();
    session.act(&["run", "point", "--confirm", &new_dir]).expect(1).says("job-takes-it");
    let answer = "nightly, at 2, to the other site; mail to ops if it fails";
    session.act(&["attest", "job-takes-it", "--say", answer]).expect(0);
    // The provider says at the last moment what disk it is: asked in the same breath.
    let warning = world.path("mnt/data/DATALOSS_WARNING_README.txt");
    std::fs::write(&warning, "WARNING: THIS IS A TEMPORARY DISK.\n").unwrap();
    session.act(&["run", "point", "--confirm", &new_dir]).expect(1).says("DATALOSS_WARNING_README.txt");
    shut(session, world, &["point", "delete-old"], "place-outlives", "DATALOSS_WARNING_README.txt");
    std::fs::remove_file(&warning).unwrap();
    // Somebody writes to the old place after the copy.
    let late = world.path("var/influxdb/data/clicks/late");
    std::fs::write(&late, "only here\n").unwrap();
    session.act(&["run", "point", "--confirm", &new_dir]).expect(1).says("old-unchanged").says("late");
    std::fs::remove_file(&late).unwrap();
    session.act(&["run", "point", "--confirm", &new_dir]).expect(1).says("old-unchanged");
    session.act(&["run", "final-copy"]).expect(0);
    session.act(&["run", "point", "--confirm", "yes"]).expect(1);
    session.act(&["run", "point", "--confirm", &new_dir]).expect(0);
    // And back, and there again: nothing was burnt.
    session.act(&["undo", "point", "--confirm", &new_dir]).expect(0);
    assert!(!std::fs::read_to_string(world.path("influxdb.conf")).unwrap().contains("mnt/data"));
    session.act(&["run", "point", "--confirm", &new_dir]).expect(0);
    world.start_server();
    session.act(&["done", "start-database"]).expect(0);
    session.act(&["done", "start-writers"]).expect(0);
    world.post("write?db=clicks", "views,page=p1 n=1i,ms=0.5 1490000000000000000");
}

/// What came in at the new place is there alone: the two copying steps do not make it like the old place again.
fn nothing_is_copied_back(session: &Session<'_>, world: &mut World, before: &str) {
    for step in ["first-copy", "final-copy"] {
        session.act(&["run", step]).expect(1).says("database-uses-old").says("place-as-copied");
    }
    world.stop_server();
    session.act(&["run", "final-copy"]).expect(1).says("database-uses-old").says("place-as-copied");
    // Nor where somebody has gone back to the old place meanwhile: nothing else than what was written keeps them shut.
    let config = world.path("influxdb.conf");
    let pointed = std::fs::read(&config).unwrap();
    std::fs::copy(world.path("influxdb.conf.before"), &config).unwrap();
    for step in ["first-copy", "final-copy"] {
        session.act(&["run", step]).expect(1).says("place-as-copied").says("was written since");
        assert!(session.gate(step, "database-uses-old").0);
    }
    assert!(session.gate("final-copy", "new-not-in-use").0);
    std::fs::write(&config, pointed).unwrap();
    world.start_server();
    world.has_all_and_the_new(before);
}

fn delete(session: &Session<'_>, world: &World) {
    // The old copy stays until a backup that the job has made since has given everything back.
    let delete = format!("{}:{}", hostname(), world.path("var/influxdb").display());
    session.act(&["run", "delete-old", "--confirm", &delete]).expect(1).says("values-since-restored");
    until("served-two-nights", || {
        (session.act(&["check", "served-two-nights"]).code == Some(0)).then_some(())
    });
    world.restore("drill/since");
    session.act(&["done", "restore-again"]).expect(0);
    session.act(&["run", "count-again"]).expect(4).says("nothing that came in since the move");
    session.act(&["run", "delete-old", "--confirm", &delete]).expect(1).says("count-again");
    std::fs::remove_dir_all(world.path("drill/since")).unwrap();
    world.back_up(&["mnt/data/influxdb"]);
    world.restore("drill/since");
    session.act(&["run", "count-again"]).expect(0);
    // Somebody still looks something up in the old place.
    let reader = world.reader();
    session.act(&["run", "delete-old", "--confirm", &delete]).expect(1).says("old-not-in-use").says("tail");
    drop(reader);
    session.act(&["run", "delete-old", "--confirm", &delete]).expect(0);
}

/// A directory on storage that stays: where the home of a test is memory, the build's own.
fn lasting(home: &Home) -> Option<(PathBuf, Option<tempfile::TempDir>)> {
    let stays = |dir: &Path| {
        let kind = must("stat", &["-f", "-c", "%T", dir.to_str().unwrap()]);
        !["tmpfs", "ramfs", "overlayfs"].contains(&kind.as_str())
    };
    let here = home.path("machine");
    std::fs::create_dir(&here).unwrap();
    if stays(&here) {
        return Some((here, None));
    }
    let elsewhere = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    stays(elsewhere.path()).then(|| (elsewhere.path().to_owned(), Some(elsewhere)))
}

/// The two steps that lose data stay shut, and those that name the check say why.
#[track_caller]
fn shut(session: &Session<'_>, world: &World, steps: &[&str], check: &str, why: &str) {
    for (step, confirm) in [
        ("point", world.path("mnt/data/influxdb").display().to_string()),
        ("delete-old", format!("{}:{}", hostname(), world.path("var/influxdb").display())),
    ] {
        session.act(&["run", step, "--confirm", &confirm]).expect(1);
        if steps.contains(&step) {
            let (met, said) = session.gate(step, check);
            assert!(!met && said.contains(why), "{step}, {check}: {met}, {said}");
        }
    }
    assert!(world.path("var/influxdb/meta/meta.db").exists());
    assert!(std::fs::read_to_string(world.path("influxdb.conf")).unwrap().contains("var/influxdb/data"));
}
