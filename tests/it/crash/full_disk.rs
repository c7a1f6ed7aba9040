//! The disk is full exactly when the outcome of a finished hold point is to be recorded (J5).

use std::io::Write as _;

use rustix::process::{Signal, kill_process};

use crate::support::{Home, Offer, Ran, has_ended, not_offered, parked, root, until};

struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn j5_an_outcome_that_the_full_disk_does_not_take_is_told_kept_and_recorded_once_by_the_next_host() {
    if !root("j5") {
        return;
    }
    let mut home = Home::new();
    let full = home.path("full");
    std::fs::create_dir(&full).unwrap();
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=96m", "onbelay-it"])
        .arg(&full)
        .status();
    if !mount.is_ok_and(|status| status.success()) {
        not_offered("j5", Offer::Mounts, "this root may not mount");
        return;
    }
    let unmount = Unmount(full.clone());
    home.set("ONBELAY_HOME", full.join("state"));
    let park = home.path("parked");
    home.set("ONBELAY_FAILPOINT", format!("outcome-seen=stop:{}", park.display()));
    // What it prints makes a record that does not fit into the last page of the log, which has its room already.
    let file = home.write(
        "runbook.yaml",
        "onbelay: 1\ntitle: Full\nsteps:\n  - { id: wipe, title: Wipe, destructive: true, capture: word, run: 'echo gone >>effects; printf %06000d 0; exit 3' }\n  - { id: b, title: B, run: echo b >>effects }\n",
    );
    let id = home.call(&["start", file.to_str().unwrap()]).expect(0).stdout.trim().to_owned();
    home.unset("ONBELAY_FAILPOINT");
    let dir = full.join("state").join(&id);
    let client = home.command(&["do", &id, "run", "wipe", "--confirm", "wipe"]).spawn().unwrap();
    let host = parked(&park);
    let status = || home.call(&["status", &id, "--json"]).expect(0).json()["steps"][0].clone();
    let finished = "finished, not recorded: exit 3 after ";
    assert_eq!(status()["state"], "running");
    assert!(status()["doing"].as_str().unwrap().starts_with(finished), "{}", status());
    let filler = full.join("filler");
    let write_on = || {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&filler).unwrap();
        while file.write_all(&[0; 16_000]).is_ok() {}
        while file.write_all(&[0; 1]).is_ok() {}
    };
    write_on();
    let before = std::fs::read(dir.join("journal.jsonl")).unwrap();
    let screen = home.command(&["attach", &id, "--watch", "--plain"]).spawn().unwrap();
    kill_process(host, Signal::CONT).unwrap();
    let ran = Ran::of(&client.wait_with_output().unwrap()).expect(3);
    assert!(ran.said().contains("No space left"), "{ran:?}");
    assert!(ran.said().contains("wipe is finished, not recorded (exit 3 after "), "{ran:?}");
    has_ended(host);
    let watched = Ran::of(&screen.wait_with_output().unwrap());
    assert!(watched.said().contains("finished, not recorded (exit 3"), "{watched:?}");
    assert_eq!(std::fs::read(dir.join("journal.jsonl")).unwrap(), before, "nothing half is left");
    assert!(home.call(&["status", &id]).expect(0).stdout.contains(finished));
    // While it is full no host can begin; nothing is run.
    assert_ne!(home.call(&["do", &id, "note", "back"]).code, Some(0));
    assert_eq!(home.read("effects"), "gone\n");
    std::fs::remove_file(&filler).unwrap();
    home.call(&["do", &id, "note", "back"]).expect(0);
    until("it is recorded", || (status()["state"] == "failed").then_some(()));
    let journal = std::fs::read_to_string(dir.join("journal.jsonl")).unwrap();
    assert_eq!(journal.matches("\"event\":\"work_ended\"").count(), 1);
    assert_eq!(home.read("effects"), "gone\n", "it was not run again");
    assert!(status().get("doing").is_none());
    home.call(&["verify", &id]).expect(0);
    home.kill_everything();
    drop(unmount);
}
