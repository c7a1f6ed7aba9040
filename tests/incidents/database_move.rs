//! Replay of incident 5: a database moved onto the wrong disk. A real InfluxDB with real points, the temporary disk of a
//! cloud in two shapes (memory, and a disk with the warning at its root), a disk that stays, and a backup job that keeps
//! to the system's own disk.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Home, Offer, Session, have, not_offered, root, skipped, until};
use crate::world::{Server, TakeBack, bundled, free_port, must, walk};

/// Values before the move: two in each of these points, and one in another measurement.
const POINTS: usize = 500;

/// The machine: where the database is, where it may go, what backs it up.
struct World {
    dir: PathBuf,
    port: u16,
    server: Option<Server>,
    _mounts: Vec<TakeBack>,
}

impl World {
    fn build(test: &str, dir: &Path) -> Option<Self> {
        let mut world = Self { dir: dir.to_owned(), port: free_port(), server: None, _mounts: Vec::new() };
        for name in ["var/influxdb", "mnt/resource", "mnt/azure", "mnt/data", "backups"] {
            std::fs::create_dir_all(world.path(name)).unwrap();
        }
        std::fs::write(
            world.path("influxdb.conf"),
            format!(
                "bind-address = \"127.0.0.1:0\"\nreporting-disabled = true\n\
                 [meta]\n  dir = \"{at}/meta\"\n[data]\n  dir = \"{at}/data\"\n  wal-dir = \"{at}/wal\"\n\
                 [monitor]\n  store-enabled = false\n[http]\n  bind-address = \"127.0.0.1:{port}\"\n",
                at = world.path("var/influxdb").display(),
                port = world.port,
            ),
        )
        .unwrap();
        if !world.mount(&["-t", "tmpfs", "-o", "size=64m", "temporary"], "mnt/resource") {
            not_offered(test, Offer::Mounts, "this root may not mount");
            return None;
        }
        for disk in ["azure", "data"] {
            let image = world.path(&format!("{disk}.img"));
            std::fs::File::create(&image).unwrap().set_len(64 << 20).unwrap();
            must("mkfs.ext4", &["-q", "-F", image.to_str().unwrap()]);
            if !world.mount(&["-o", "loop", image.to_str().unwrap()], &format!("mnt/{disk}")) {
                not_offered(test, Offer::Loops, "there is no loop device here");
                return None;
            }
        }
        std::fs::write(
            world.path("mnt/azure/DATALOSS_WARNING_README.txt"),
            "WARNING: THIS IS A TEMPORARY DISK.\n",
        )
        .unwrap();
        let lines = ["resource", "azure", "data"].map(|disk| {
            format!(
                "/dev/disk/by-id/{disk} {} ext4 defaults 0 2\n",
                world.path(&format!("mnt/{disk}")).display()
            )
        });
        std::fs::write(world.path("fstab"), lines.concat()).unwrap();
        for disk in ["resource", "azure", "data"] {
            std::fs::create_dir(world.path(&format!("mnt/{disk}/influxdb"))).unwrap();
        }
        world.start_server();
        world.post("query", "q=CREATE DATABASE clicks");
        let points: Vec<String> = (0..POINTS)
            .map(|n| format!("views,page=p{} n={n}i,ms={n}.5 {}000000000", n % 7, 1_480_000_000 + n * 60))
            .collect();
        world.post("write?db=clicks", &points.join("\n"));
        world.post("write?db=clicks", "meh\\ button,site=meh pressed=1 1480000000000000000");
        Some(world)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn mount(&mut self, words: &[&str], on: &str) -> bool {
        let on = self.path(on);
        let status = Command::new("mount").args(words).arg(&on).status().unwrap();
        if status.success() {
            self._mounts.push(TakeBack::with("umount", &["-l", on.to_str().unwrap()]));
        }
        status.success()
    }

    fn start_server(&mut self) {
        let config = self.path("influxdb.conf");
        let mut server = Server::start(
            Command::new("influxd").arg("-config").arg(config).env_clear().env("HOME", &self.dir),
            &self.path("influxd.log"),
        );
        server.wait_for_port(self.port);
        self.server = Some(server);
    }

    /// One more, on the old place, as somebody starts it who wants to look something up there.
    fn second_server(&self) -> Server {
        let text = std::fs::read_to_string(self.path("influxdb.conf.before")).unwrap();
        let text = text.replace(&format!("127.0.0.1:{}", self.port), "127.0.0.1:0");
        let config = self.path("second.conf");
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new("influxd");
        command.arg("-config").arg(config).env_clear().env("HOME", &self.dir);
        let mut server = Server::start(&mut command, &self.path("second.log"));
        let old = self.path("var/influxdb/data/clicks/_series/00/0000");
        let maps = format!("/proc/{}/maps", server.pid().as_raw_nonzero());
        server.wait("the second server", || {
            let maps = std::fs::read_to_string(&maps).ok()?;
            maps.contains(old.to_str().unwrap()).then_some(())
        });
        server
    }

    /// As `systemctl stop` does it.
    fn stop_server(&mut self) {
        let server = self.server.take().unwrap();
        must("kill", &[server.pid().as_raw_nonzero().to_string()]);
        crate::support::has_ended(server.pid());
    }

    fn post(&self, to: &str, body: &str) {
        let url = format!("http://127.0.0.1:{}/{to}", self.port);
        must("curl", &["-sS", "-f", "--noproxy", "*", "--data-binary", body, &url]);
    }

    /// How many values `views` has, as the server says it.
    fn views(&self) -> String {
        let url = format!("http://127.0.0.1:{}/query?db=clicks", self.port);
        let query = "q=SELECT count(*) FROM views";
        let csv = "Accept: application/csv";
        must("curl", &["-sS", "-f", "--noproxy", "*", "-H", csv, "-G", "--data-urlencode", query, &url])
    }

    /// The nightly job: all of the machine, as long as it is on the system's disk; and what `more` names.
    fn back_up(&self, more: &[&str]) {
        let inside = |name: &str| self.path(name).strip_prefix("/").unwrap().to_str().unwrap().to_owned();
        let archive = self.path("backups/night.tar.gz");
        let without = format!("--exclude={}", inside("*.img"));
        let mut words = vec!["--one-file-system".to_owned(), "-C".to_owned(), "/".to_owned(), without];
        words.extend(["-Sczf".to_owned(), archive.to_str().unwrap().to_owned()]);
        words.extend(["var", "mnt"].map(&inside));
        words.extend(more.iter().map(|name| inside(name)));
        must("tar", &words);
    }

    /// The restore of the bad day, of what the archive says was at the new place.
    fn restore(&self, to: &str) {
        let to = self.path(to);
        std::fs::create_dir_all(&to).unwrap();
        let inside = self.path("mnt/data/influxdb").strip_prefix("/").unwrap().to_owned();
        let depth = format!("--strip-components={}", inside.components().count());
        let archive = self.path("backups/night.tar.gz");
        let words =
            ["-C", to.to_str().unwrap(), &depth, "-xzf", archive.to_str().unwrap(), inside.to_str().unwrap()];
        must("tar", &words);
    }

    fn values(&self, host: &str, disk: &str) -> Vec<String> {
        let path = |name: &str| self.path(name).display().to_string();
        vec![
            format!("host={host}"),
            format!("old_dir={}", path("var/influxdb")),
            format!("new_dir={}", path(&format!("mnt/{disk}/influxdb"))),
            format!("config={}", path("influxdb.conf")),
            "account=root".to_owned(),
            format!("url=http://127.0.0.1:{}", self.port),
            format!("backup={}", path("backups/night.tar.gz")),
            format!("drill={}", path("drill")),
            format!("fstab={}", path("fstab")),
        ]
    }
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

fn hostname() -> String {
    must("uname", &["-n"])
}

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
    let runbook = home.path("database-move.yaml");
    let text = std::fs::read_to_string(bundled("database-move.yaml")).unwrap();
    assert!(text.contains("at_least: 48h"));
    std::fs::write(&runbook, text.replace("at_least: 48h", "at_least: 1s")).unwrap();

    // The disk that was there already, in both shapes. They copy by hand, and are not let on all the same.
    for (disk, why) in [("resource", "tmpfs"), ("azure", "DATALOSS_WARNING_README.txt")] {
        let session = walk(&home, &runbook, &world.values(&hostname(), disk));
        session.act(&["run", "measure"]).expect(0);
        session.act(&["run", "list-held"]).expect(0);
        session.act(&["run", "first-copy"]).expect(1).says("place-outlives").says(why);
        let (old, new) = (world.path("var/influxdb/."), world.path(&format!("mnt/{disk}/influxdb")));
        must("cp", &["-a", old.to_str().unwrap(), new.to_str().unwrap()]);
        session.act(&["skip", "first-copy", "--say", "copied by hand, the disk is mounted"]).expect(0);
        shut(&session, &world, &["point", "delete-old"], "place-outlives", why);
        session.act(&["abort", "--say", "that disk is the temporary one"]).expect(0);
    }

    // The same directories are on the machine beside it.
    let session = walk(&home, &runbook, &world.values("db2.example.org", "data"));
    session.act(&["run", "measure"]).expect(1).says("right-machine").says(&hostname());
    shut(&session, &world, &["point", "delete-old"], "right-machine", &hostname());
    session.act(&["abort", "--say", "this is not db2"]).expect(0);

    let session = walk(&home, &runbook, &world.values(&hostname(), "data"));
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
    shut(&session, &world, &["point"], "backup-holds-place", "missing");
    world.back_up(&["mnt/data/influxdb"]);
    session.act(&["done", "back-up"]).expect(0);

    // A restore that forgot a part is none, nor one that was passed by.
    world.restore("drill/restored");
    std::fs::rename(world.path("drill/restored/wal"), world.path("drill/wal")).unwrap();
    session.act(&["done", "restore"]).expect(4).says("restored-holds-old").says("wal");
    shut(&session, &world, &["point", "delete-old"], "restored-holds-old", "wal");
    std::fs::rename(world.path("drill/wal"), world.path("drill/restored/wal")).unwrap();
    session.act(&["done", "restore"]).expect(0);
    session.act(&["run", "count-restored"]).expect(0);
    assert!(session.check("values-restored") == "holds");

    let new_dir = world.path("mnt/data/influxdb").display().to_string();
    session.act(&["run", "point", "--confirm", &new_dir]).expect(1).says("job-takes-it");
    let answer = "nightly, at 2, to the other site; mail to ops if it fails";
    session.act(&["attest", "job-takes-it", "--say", answer]).expect(0);
    // The provider says at the last moment what disk it is: asked in the same breath.
    let warning = world.path("mnt/data/DATALOSS_WARNING_README.txt");
    std::fs::write(&warning, "WARNING: THIS IS A TEMPORARY DISK.\n").unwrap();
    session.act(&["run", "point", "--confirm", &new_dir]).expect(1).says("DATALOSS_WARNING_README.txt");
    shut(&session, &world, &["point", "delete-old"], "place-outlives", "DATALOSS_WARNING_README.txt");
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
    // A second server was started on the old place, to look something up.
    let stray = world.second_server();
    session
        .act(&["run", "delete-old", "--confirm", &delete])
        .expect(1)
        .says("old-not-in-use")
        .says("influxd");
    drop(stray);
    session.act(&["run", "delete-old", "--confirm", &delete]).expect(0);
    session.act(&["done", "tidy"]).expect(0);
    session.act(&["finish"]).expect(0);
    session.verifies();

    // Nothing is lost: the old place is empty, and after a restart the server has all of it, the new value included.
    assert_eq!(std::fs::read_dir(world.path("var/influxdb")).unwrap().count(), 0);
    world.stop_server();
    world.start_server();
    let views = world.views();
    let all = POINTS + 1;
    assert!(views.contains(&format!("views,,0,{all},{all}")), "{views}");
}
