//! The site: in a VM on a disk of its own, with edits to the stock theme, and as the instances serve it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::Home;
use crate::world::{Server, TakeBack, must, must_run};

/// What is served must be these, to the byte.
const FILES: [(&str, &str); 5] = [
    ("index.html", "<h1>Remixes</h1>\n"),
    ("a song's page.html", "<h1>One of them</h1>\n"),
    ("theme/stock/style.css", "h1 { color: rosybrown }\n"),
    ("theme/stock/player.js", "play();\n"),
    ("theme/ours/logo.svg", "<svg/>\n"),
];

/// A VM whose directory has been renamed since its label was written.
pub(crate) struct Vm {
    pub(crate) dir: PathBuf,
    /// The site, as it serves it.
    pub(crate) live: PathBuf,
    /// What it runs on, in its directory.
    pub(crate) virtual_disk: PathBuf,
    disk: PathBuf,
    _disk: TakeBack,
}

impl Vm {
    /// On a disk of 48 MiB, nearly all of it free. None where nobody may mount.
    pub(crate) fn make(home: &Home) -> Option<Self> {
        let disk = home.path("vms");
        std::fs::create_dir(&disk).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=48m", "none"]).arg(&disk).status();
        if !mounted.is_ok_and(|status| status.success()) {
            return None;
        }
        let take_back = TakeBack::with("umount", &["-l", disk.to_str().unwrap()]);
        let dir = disk.join("lucid 2011");
        let live = dir.join("shared/site");
        for (name, text) in FILES {
            let file = live.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        std::fs::write(dir.join("label"), "lucid 2010\n").unwrap();
        let virtual_disk = dir.join("lucid.vdi");
        std::fs::write(&virtual_disk, "its disk\n").unwrap();
        Some(Self { virtual_disk, dir, live, disk, _disk: take_back })
    }

    /// The backup job: a tar of the site, with what it always leaves out.
    pub(crate) fn back_up(&self, home: &Home, archive: &str, leaves_out: &[&str]) {
        let archive = home.path(archive);
        let parent = self.live.parent().unwrap().to_str().unwrap();
        let words = [leaves_out, &["-C", parent, "-czf", archive.to_str().unwrap(), "site"]].concat();
        must("tar", &words);
    }

    /// Something large comes to lie beside it.
    pub(crate) fn fill(&self) {
        std::fs::write(self.disk.join("recordings"), vec![1; 40 << 20]).unwrap();
    }
}

/// Is every file of the site there, as it was?
#[track_caller]
pub(crate) fn is_all_in(dir: &Path) {
    for (name, text) in FILES {
        assert_eq!(std::fs::read_to_string(dir.join(name)).unwrap(), text, "{name}");
    }
}

/// Every path below a directory, with what is in each file.
#[derive(Debug, PartialEq)]
pub(crate) struct Fingerprint(String);

impl Fingerprint {
    #[track_caller]
    pub(crate) fn of(dir: &Path) -> Self {
        let script =
            "find . -printf '%y %p\\n' | sort; find . -type f -print0 | sort -z | xargs -0 sha256sum";
        let all = must_run(Command::new("bash").args(["-euo", "pipefail", "-c", script]).current_dir(dir));
        assert!(all.contains("theme/stock/style.css"), "{all}");
        Self(all)
    }
}

/// A directory that is served, as the web server of an instance does.
pub(crate) struct Pages {
    pub(crate) dir: PathBuf,
    pub(crate) address: String,
    _server: Server,
}

impl Pages {
    pub(crate) fn serve(home: &Home, name: &str) -> Self {
        let dir = home.path(name);
        std::fs::create_dir(&dir).unwrap();
        let log = home.path(&format!("{name}.log"));
        // By its path, so that the directory may be made anew.
        let mut command = Command::new("python3");
        command.args(["-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory"]).arg(&dir).arg("0");
        let mut server = Server::start(&mut command, &log);
        let address = server.wait("the address of a web server", || {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            Some(said.split_once("(http://")?.1.split_once("/)")?.0.to_owned())
        });
        Self { dir, address: format!("http://{address}"), _server: server }
    }

    /// Is this page served, with this text?
    #[track_caller]
    pub(crate) fn serves(&self, page: &str, text: &str) {
        let address = format!("{}/{page}", self.address);
        assert_eq!(must("curl", &["-fsS", "--noproxy", "*", &address]), text.trim());
    }
}
