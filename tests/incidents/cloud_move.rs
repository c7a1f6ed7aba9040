//! Replay of incident 1: a site moved from a dev VM to EC2. The provider is moto with two regions, asked by the real
//! command; the backup job leaves out what it takes for stock.

mod cloud;
mod site;

use crate::support::{Home, Offer, Session, have, not_offered, root};
use crate::world::{bundled, checked, closed_by, must, walk};

use cloud::{Cloud, EAST, WEST};
use site::{Fingerprint, Pages, Vm, is_all_in};

const TOOLS: [&str; 8] = ["aws", "moto_server", "python3", "curl", "tar", "sha256sum", "cmp", "mount"];
const SECOND_COPY: &str = "s3://second-copies/site.tar.gz";
const ACCOUNT: &str = "123456789012";

/// Dropped from the top: the home, in which all of it lies, comes last.
struct World {
    /// What the two instances serve.
    first: Pages,
    second: Pages,
    cloud: Cloud,
    vm: Vm,
    home: Home,
}

impl World {
    fn values(&self) -> Vec<String> {
        let path = |name: &str| self.home.path(name).display().to_string();
        vec![
            "site=remix.example.org".to_owned(),
            format!("workstation={}", rustix::system::uname().nodename().to_str().unwrap()),
            format!("vm={}", self.vm.dir.display()),
            format!("disks={}", self.vm.virtual_disk.display()),
            format!("live={}", self.vm.live.display()),
            "pages=index.html".to_owned(),
            "pages=theme/stock/style.css".to_owned(),
            format!("backup={}", path("backup.tar.gz")),
            format!("drill={}", path("drill")),
            format!("second_copy={SECOND_COPY}"),
            "enough=20MiB".to_owned(),
            format!("account={ACCOUNT}"),
        ]
    }

    /// An instance is built from an archive: what it holds is served.
    fn restore(&self, archive: &str, onto: &Pages) {
        must("rm", &["-rf", "--", onto.dir.to_str().unwrap()]);
        std::fs::create_dir(&onto.dir).unwrap();
        let archive = self.home.path(archive);
        let (archive, dir) = (archive.to_str().unwrap(), onto.dir.to_str().unwrap());
        must("tar", &["-C", dir, "--strip-components=1", "-xf", archive]);
    }
}

#[test]
fn a_site_moved_to_the_cloud() {
    let test = "a_site_moved_to_the_cloud";
    if !root(test) || !TOOLS.iter().all(|tool| have(test, tool)) {
        return;
    }
    let mut home = Home::new();
    let Some(vm) = Vm::make(&home) else {
        not_offered(test, Offer::Mounts, "this root may not mount");
        return;
    };
    let cloud = Cloud::start(&mut home);
    cloud.put("second-copies", "");
    let first = Pages::serve(&home, "first instance");
    let second = Pages::serve(&home, "second instance");
    let world = World { first, second, cloud, vm, home };
    // The same paths are on another machine, and this one is not it.
    let file = bundled("cloud-move.yaml");
    let mut elsewhere = world.values();
    elsewhere[1] = "workstation=db-1".to_owned();
    closed_by(&checked(&world.home, &file, &elsewhere), "delete-vm", "right-machine");
    let session = walk(&world.home, &file, &world.values());

    let instance = to_the_cloud(&world, &session);
    delete_the_vm(&world, &session);
    replace_the_instance(&world, &session, &instance);

    session.act(&["done", "later", "--say", "in the calendar for the 21st"]).expect(0);
    session.act(&["finish"]).expect(0);
    session.verifies();
}

/// Backup, restore, launch: each step as they did it, and again as it should have been.
fn to_the_cloud(world: &World, session: &Session<'_>) -> String {
    let confirm = world.vm.dir.display().to_string();
    session.act(&["done", "freeze"]).expect(0);

    // The job ends well, and has left out the theme. So the VM stays, whatever else is said.
    world.vm.back_up(&world.home, "backup.tar.gz", &["--exclude=stock"]);
    session.act(&["done", "back-up", "--say", "it says OK"]).expect(4).says("theme/stock");
    session.act(&["run", "delete-vm", "--confirm", &confirm]).expect(1).says("theme/stock");
    assert!(world.vm.dir.exists());
    world.vm.back_up(&world.home, "backup.tar.gz", &[]);
    session.act(&["done", "back-up", "--say", "without the exclusion"]).expect(0);
    session.act(&["run", "upload"]).expect(0);
    // Something is where it should be restored, and it is nobody's to remove.
    let drill = world.home.path("drill");
    std::fs::create_dir(&drill).unwrap();
    std::fs::write(drill.join("notes"), "somebody's\n").unwrap();
    session.act(&["run", "drill"]).expect(1).says("drill-place-free").says("is there already");
    session.act(&["undo", "drill"]).expect(1);
    assert_eq!(std::fs::read_to_string(drill.join("notes")).unwrap(), "somebody's\n");
    std::fs::remove_dir_all(&drill).unwrap();
    session.act(&["run", "drill"]).expect(0);
    // Nor what has taken the place of what was restored; that itself is taken back.
    let aside = world.home.path("drill, aside");
    std::fs::rename(&drill, &aside).unwrap();
    std::fs::create_dir(&drill).unwrap();
    std::fs::write(drill.join("notes"), "somebody's\n").unwrap();
    session.act(&["undo", "drill"]).expect(4).says("was not made by this step");
    assert_eq!(std::fs::read_to_string(drill.join("notes")).unwrap(), "somebody's\n");
    std::fs::remove_dir_all(&drill).unwrap();
    std::fs::rename(&aside, &drill).unwrap();
    session.act(&["undo", "drill"]).expect(0);
    assert!(!drill.exists());
    session.act(&["run", "drill"]).expect(0);

    // A list of regions that is empty, or that nobody could ask for, is no list.
    world.cloud.locked_out(|| session.act(&["run", "regions"]).expect(4).says("AuthFailure"));
    session.act(&["run", "regions"]).expect(0);
    let instance = world.cloud.launch(WEST);
    session.act(&["done", "launch", "--value", &instance]).expect(0);
    // The console defaults to the East, and shows nothing.
    assert!(world.cloud.instances(EAST).is_empty());
    assert_eq!(world.cloud.instances(WEST), [instance.as_str()]);
    session
        .act(&["done", "find", "--value", EAST])
        .expect(4)
        .says(&format!("{instance} is here, and not in {EAST}"))
        .says(&format!("{instance} is not here"));
    session.act(&["run", "protect"]).expect(1).says("find");
    session.act(&["done", "find", "--value", WEST]).expect(0);
    session.act(&["run", "protect"]).expect(0);

    // Restored: content yes, theme no.
    world.vm.back_up(&world.home, "daily.tar.gz", &["--exclude=stock"]);
    world.restore("daily.tar.gz", &world.first);
    session
        .act(&["done", "serve", "--value", &world.first.address])
        .expect(4)
        .says("style.css is not served");
    world.restore("backup.tar.gz", &world.first);
    session.act(&["done", "serve", "--value", &world.first.address]).expect(0);
    // The daily job has the same exclusion.
    let daily = world.home.path("daily.tar.gz").display().to_string();
    session.act(&["done", "daily", "--value", &daily]).expect(4).says("theme/stock");
    let backup = world.home.path("backup.tar.gz").display().to_string();
    session.act(&["done", "daily", "--value", &backup]).expect(4).says("daily-is-another");
    world.vm.back_up(&world.home, "daily.tar.gz", &[]);
    session.act(&["done", "daily", "--value", &daily]).expect(0);
    session.act(&["done", "open"]).expect(0);
    instance
}

/// 6 GB were wanted and 150 were free; and what else would have stopped it.
fn delete_the_vm(world: &World, session: &Session<'_>) {
    let confirm = world.vm.dir.display().to_string();
    let run = || session.act(&["run", "delete-vm", "--confirm", &confirm]);
    // Somebody edits the theme in the VM after the backup, and nobody has looked whether it is this VM.
    let style = world.vm.live.join("theme/stock/style.css");
    let edited = std::fs::read(&style).unwrap();
    std::fs::write(&style, "h1 { color: crimson }\n").unwrap();
    session
        .act(&["done", "shut-down"])
        .expect(1)
        .says("backup-covers")
        .says("drill-holds")
        .says("style.css")
        .says("vm-is-the-one");
    std::fs::write(&style, edited).unwrap();
    session
        .act(&["attest", "vm-is-the-one", "--say", "I did; the rosybrown of last night, and a file"])
        .expect(0);
    session.act(&["done", "shut-down"]).expect(0);
    let site = Fingerprint::of(&world.vm.live);

    // It runs after all; the second copy is replaced by something else; the disk is all but empty.
    let running = std::fs::File::open(&world.vm.virtual_disk).unwrap();
    world.cloud.put("second-copies/site.tar.gz", "another site's\n");
    let holder = std::process::id().to_string();
    run().expect(1).says("second-copy-same").says("space-needed").says("vm-at-rest").says(&holder);
    assert!(style.exists());
    for check in ["right-machine", "backup-apart", "daily", "backup-covers", "drill-holds", "vm-is-the-one"] {
        assert!(session.gate("delete-vm", check).0, "{check}: {}", session.gate("delete-vm", check).1);
    }

    drop(running);
    session.act(&["run", "upload"]).expect(0);
    // Now it is full, and the space is needed.
    world.vm.fill();
    run().expect(0);
    assert!(!world.vm.dir.exists());
    // Nothing is lost: the instance serves all of it.
    is_all_in(&world.first.dir);
    assert_eq!(Fingerprint::of(&world.first.dir), site);
    assert_eq!(Fingerprint::of(&world.home.path("drill/site")), site);
}

/// The busy week, the empty console, and what terminating would have taken along.
fn replace_the_instance(world: &World, session: &Session<'_>, instance: &str) {
    let cloud = &world.cloud;
    let terminate = ["run", "terminate", "--confirm", &format!("{instance} in {WEST}")];
    // A snapshot of the first day, as there always is one; then the week's work.
    let volume = cloud.volume(WEST);
    cloud.snapshot(WEST, &volume);
    std::fs::write(world.first.dir.join("remix-of-the-week.html"), "nine visitors\n").unwrap();
    // The other tool: it asks nothing, and the provider says no.
    assert!(cloud.terminate(WEST, instance).contains("OperationNotPermitted"));
    assert_eq!(cloud.state(WEST, instance), "running");
    session.act(&terminate).expect(1).says("replace").says("stop");

    world.restore("backup.tar.gz", &world.second);
    std::fs::write(world.second.dir.join("index.html"), "an old page\n").unwrap();
    let address = world.second.address.as_str();
    session.act(&["done", "replace", "--value", address]).expect(4).says("index.html is another file");
    must("cp", &["-rT", "--", world.first.dir.to_str().unwrap(), world.second.dir.to_str().unwrap()]);
    session.act(&["done", "replace", "--value", address]).expect(0);
    session.act(&["done", "switch"]).expect(0);
    let stop = ["run", "stop", "--confirm", &format!("stop {instance}")];
    session.act(&["run", "stop"]).expect(1).says("stop --confirm");
    assert_eq!(cloud.state(WEST, instance), "running");
    session.act(&stop).expect(0);
    session.act(&["run", "volumes"]).expect(0);
    session.act(&["skip", "snapshot", "--say", "there is one"]).expect(0);
    session.act(&["skip", "keep-volumes", "--say", "in a hurry"]).expect(0);
    session.act(&["run", "what-goes"]).expect(0);

    // All is done but what matters: the snapshot is from before the week, and nobody has understood what goes along.
    session
        .act(&terminate)
        .expect(1)
        .says("snapshots-after")
        .says(&format!("the newest of {volume} is from"))
        .says("snapshot-opened")
        .says("what-goes-understood")
        .says(&format!("{volume} on /dev/sda1: DELETED with the instance"));
    for check in ["in-one-region", "as-shown", "new-serves", "right-account"] {
        assert!(session.gate("terminate", check).0, "{check}: {}", session.gate("terminate", check).1);
    }
    session.act(&["run", "snapshot"]).expect(0);
    session.act(&["run", "keep-volumes"]).expect(0);
    session
        .act(&["attest", "snapshot-opened", "--say", "remix-of-the-week.html, from the new one"])
        .expect(0);
    session.act(&["attest", "what-goes-understood", "--say", "it goes, we have the snapshot"]).expect(0);
    // What was shown is no longer so: the volume is kept now, and that has to be read. One region gives no answer: the
    // others' are not enough.
    cloud.silence(EAST, || {
        session
            .act(&terminate)
            .expect(1)
            .says("as-shown")
            .says(&format!("{volume} on /dev/sda1: kept"))
            .says("in-one-region")
            .says(&format!("{EAST}: exit status 2: connection timed out"));
        assert_eq!(session.check("in-one-region"), "error");
    });
    session.act(&["run", "what-goes"]).expect(0);
    session.act(&["attest", "what-goes-understood", "--say", "nothing goes but the instance"]).expect(0);
    // One more volume, of which there is no snapshot.
    let another = cloud.attach(WEST, instance);
    session.act(&terminate).expect(1).says("as-shown").says("attached now").says(&another);
    cloud.detach(WEST, instance, &another);
    // Started by a colleague and stopped again: what was written since is in no snapshot. It begins again at the stop.
    cloud.start_and_stop(WEST, instance);
    session.act(&terminate).expect(1).says("stopped-since").says("it was started, and stopped again");
    session.act(&["undo", "stop", "--confirm", &format!("stop {instance}")]).expect(0);
    assert_eq!(cloud.state(WEST, instance), "running");
    session.act(&stop).expect(0);
    session
        .act(&terminate)
        .expect(1)
        .says("snapshots-after")
        .says(&format!("the newest of {volume} is from"));
    session.act(&["run", "volumes"]).expect(0);
    let before = cloud.snapshots(WEST, &volume);
    session.act(&["undo", "snapshot"]).expect(0);
    assert_eq!(cloud.snapshots(WEST, &volume), before);
    session.act(&["run", "snapshot"]).expect(0);
    assert_eq!(cloud.snapshots(WEST, &volume), before + 1);
    session.act(&["run", "keep-volumes"]).expect(0);
    session.act(&["run", "what-goes"]).expect(0);
    session.act(&["attest", "snapshot-opened", "--say", "remix-of-the-week.html, from the newest"]).expect(0);
    session.act(&["attest", "what-goes-understood", "--say", "nothing goes but the instance"]).expect(0);
    assert_eq!(cloud.state(WEST, instance), "stopped");
    session.act(&terminate).expect(0);

    assert_eq!(cloud.state(WEST, instance), "terminated");
    // The week's work is on a volume that is still there, in a snapshot, and is served.
    assert_eq!(cloud.volume(WEST), volume);
    assert_eq!(cloud.snapshots(WEST, &volume), before + 1);
    world.second.serves("remix-of-the-week.html", "nine visitors\n");
    is_all_in(&world.second.dir);
}
