//! The world of incident 5: a database, the disks it may go to, the job that backs the machine up.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Offer, has_ended, holders_of, not_offered};
use crate::world::{Server, TakeBack, free_port, must};

/// Values before the move: two in each of these points, and one in another measurement.
pub(super) const POINTS: usize = 500;

/// The machine: where the database is, where it may go, what backs it up.
pub(super) struct World {
    dir: PathBuf,
    port: u16,
    server: Option<Server>,
    mounts: Vec<TakeBack>,
}

impl World {
    pub(super) fn build(test: &str, dir: &Path) -> Option<Self> {
        let mut world = Self { dir: dir.to_owned(), port: free_port(), server: None, mounts: Vec::new() };
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

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(super) fn mount(&mut self, words: &[&str], on: &str) -> bool {
        let on = self.path(on);
        let status = Command::new("mount").args(words).arg(&on).status().unwrap();
        if status.success() {
            self.mounts.push(TakeBack::with("umount", &["-l", on.to_str().unwrap()]));
        }
        status.success()
    }

    pub(super) fn start_server(&mut self) {
        let config = self.path("influxdb.conf");
        let mut server = Server::start(
            Command::new("influxd").arg("-config").arg(config).env_clear().env("HOME", &self.dir),
            &self.path("influxd.log"),
        );
        server.wait_for_port(self.port);
        self.server = Some(server);
    }

    /// Somebody who looks something up in the old place, and stays.
    pub(super) fn reader(&self) -> Server {
        let file = self.path("var/influxdb/data/clicks/_series/00/0000");
        let mut reader = Server::start(Command::new("tail").arg("-f").arg(&file), &self.path("reader.log"));
        reader.wait("the reader", || (!holders_of(&file).is_empty()).then_some(()));
        reader
    }

    /// As `systemctl stop` does it.
    pub(super) fn stop_server(&mut self) {
        let server = self.server.take().unwrap();
        must("kill", &[server.pid().as_raw_nonzero().to_string()]);
        has_ended(server.pid());
    }

    pub(super) fn post(&self, to: &str, body: &str) {
        let url = format!("http://127.0.0.1:{}/{to}", self.port);
        must("curl", &["-sS", "-f", "--noproxy", "*", "--data-binary", body, &url]);
    }

    /// Every point of every measurement, a line each, as the server says it.
    pub(super) fn everything(&self) -> String {
        let url = format!("http://127.0.0.1:{}/query?db=clicks", self.port);
        let query = "q=SELECT * FROM /.*/";
        let csv = "Accept: application/csv";
        let said =
            must("curl", &["-sS", "-f", "--noproxy", "*", "-H", csv, "-G", "--data-urlencode", query, &url]);
        assert!(said.lines().filter(|line| line.starts_with("views,")).count() >= POINTS, "{said}");
        assert!(said.contains("meh button,"), "{said}");
        said
    }

    /// Each point of `before` is there as it was, and the one that came in after the switch.
    #[track_caller]
    pub(super) fn has_all_and_the_new(&self, before: &str) {
        let now = self.everything();
        let there: BTreeSet<&str> = now.lines().collect();
        let lost: Vec<&str> = before.lines().filter(|line| !there.contains(line)).collect();
        assert!(lost.is_empty(), "{lost:?}");
        let new: Vec<&str> = now.lines().filter(|line| !before.lines().any(|was| was == *line)).collect();
        assert!(matches!(new[..], [line] if line.contains("1490000000000000000")), "{new:?}");
    }

    /// The nightly job: all of the machine, as long as it is on the system's disk; and what `more` names.
    pub(super) fn back_up(&self, more: &[&str]) {
        let inside = |name: &str| self.path(name).strip_prefix("/").unwrap().to_str().unwrap().to_owned();
        let archive = self.path("backups/night.tar.gz");
        let without = format!("--exclude={}", inside("*.img"));
        let mut words = vec!["--one-file-system".to_owned(), "-C".to_owned(), "/".to_owned(), without];
        words.extend(["-czf".to_owned(), archive.to_str().unwrap().to_owned()]);
        words.extend(["var", "mnt"].map(&inside));
        words.extend(more.iter().map(|name| inside(name)));
        must("tar", &words);
    }

    /// The restore of the bad day, of what the archive says was at the new place.
    pub(super) fn restore(&self, to: &str) {
        let to = self.path(to);
        std::fs::create_dir_all(&to).unwrap();
        let inside = self.path("mnt/data/influxdb").strip_prefix("/").unwrap().to_owned();
        let depth = format!("--strip-components={}", inside.components().count());
        let archive = self.path("backups/night.tar.gz");
        let words =
            ["-C", to.to_str().unwrap(), &depth, "-xzf", archive.to_str().unwrap(), inside.to_str().unwrap()];
        must("tar", &words);
    }

    pub(super) fn values(&self, host: &str, disk: &str) -> Vec<String> {
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

pub(super) fn hostname() -> String {
    must("uname", &["-n"])
}
