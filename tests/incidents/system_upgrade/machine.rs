//! The world of incident 2: the machine on a disk image, its mariadbd, the web servers, the names.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Offer, has_ended, not_offered};
use crate::world::{Server, TakeBack, free_port, must};

pub(super) const SITES: [&str; 2] = ["alice.example.org", "bob.example.org"];
const TREES: [&str; 3] = ["/home", "/var/mail", "/var/lib/mailman"];
pub(super) const SERVICES: [&str; 4] = ["web sites", "mailboxes", "control panel", "mailing lists"];

/// The machine, the spare beside it, and the names that lead to them.
pub(super) struct World {
    pub(super) dir: PathBuf,
    database: Option<Server>,
    pub(super) spare: Option<Server>,
    pub(super) web: Option<Server>,
    /// Of the machine's web server and of the spare's.
    pub(super) ports: (u16, u16),
    mounts: Vec<TakeBack>,
}

impl World {
    pub(super) fn build(test: &str, dir: PathBuf) -> Option<Self> {
        let ports = (free_port(), free_port());
        let mut world = Self { dir, database: None, spare: None, web: None, ports, mounts: Vec::new() };
        for name in ["machine", "bin", "dns", "spare", "web"] {
            std::fs::create_dir_all(world.path(name)).unwrap();
        }
        let fresh = world.path("mysql");
        must(
            "mariadb-install-db",
            &[
                "--no-defaults",
                "--user=root",
                &format!("--datadir={}", fresh.display()),
                "--skip-test-db",
                "--auth-root-authentication-method=normal",
                "--innodb-log-file-size=8M",
                "--loose-debug-no-sync",
            ],
        );
        // The disk that the datacenter puts in, and the one that it takes out.
        for disk in ["fresh", "old"] {
            let image = world.path(&format!("{disk}.img"));
            std::fs::File::create(&image).unwrap().set_len(256 << 20).unwrap();
            must("mkfs.ext4", &["-q", "-F", image.to_str().unwrap()]);
            if !world.put_in(disk) {
                not_offered(test, Offer::Loops, "there is no loop device here, or no mount");
                return None;
            }
            for name in ["etc", "home", "var/mail", "var/lib"] {
                std::fs::create_dir_all(world.machine(name)).unwrap();
            }
            std::fs::write(world.machine("etc/hostname"), format!("{}\n", hostname())).unwrap();
            must("cp", &["-a", fresh.to_str().unwrap(), world.machine("var/lib").to_str().unwrap()]);
            if disk == "fresh" {
                world.take_out();
            }
        }
        for site in SITES {
            let pages = world.machine(&format!("home/{site}"));
            std::fs::create_dir(&pages).unwrap();
            std::fs::write(pages.join("index.html"), format!("<h1>{site}</h1>\n")).unwrap();
        }
        std::fs::write(world.machine("home/alice.example.org/it's $x; `y`"), "precious\n").unwrap();
        std::fs::write(world.machine("var/mail/alice"), "From: bob\n\nhello\n").unwrap();
        std::fs::create_dir_all(world.machine("var/lib/mailman/lists/members")).unwrap();
        std::fs::write(world.machine("var/lib/mailman/lists/members/config.pck"), "alice, bob\n").unwrap();
        let login = format!("[client]\nsocket={}\nuser=root\n", world.path("db.sock").display());
        std::fs::write(world.path("db.cnf"), login).unwrap();
        world.start_database();
        world.sql(
            "CREATE DATABASE psa; USE psa;
             CREATE TABLE clients (id INT PRIMARY KEY, name VARCHAR(90));
             INSERT INTO clients SELECT seq, CONCAT('client ', seq) FROM seq_1_to_500;
             CREATE TABLE mail (id INT PRIMARY KEY, quota INT, salt BLOB);
             INSERT INTO mail SELECT seq, 100, RANDOM_BYTES(200) FROM seq_1_to_500;
             CREATE DATABASE shop; USE shop;
             CREATE TABLE orders (id INT PRIMARY KEY);
             INSERT INTO orders VALUES (1), (2);",
        );
        Some(world)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A path on the machine, as it is mounted on the spare.
    pub(super) fn machine(&self, name: &str) -> PathBuf {
        self.path("machine").join(name)
    }

    /// Everything in a directory: names, owners, modes, times, links, and the content of the files.
    pub(super) fn print_of(&self, name: &str) -> String {
        let script = "cd -- \"$0\"; find . -printf '%p %y %U:%G %m %T@ %l\\n' | LC_ALL=C sort; \
                      find . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum";
        must("bash", &["-euo", "pipefail", "-c", script, self.path(name).to_str().unwrap()])
    }

    /// All that customers have on the machine: its trees, and its databases with every value in them.
    pub(super) fn holdings(&self) -> String {
        let login = format!("--defaults-file={}", self.path("db.cnf").display());
        let words = [&login, "--skip-comments", "--skip-extended-insert", "--order-by-primary", "--hex-blob"];
        let dump = must("mariadb-dump", &[&words[..], &["--databases", "psa", "shop"]].concat());
        let trees = TREES.map(|tree| self.print_of(&format!("machine{tree}")));
        format!("{}\n{dump}", trees.join("\n"))
    }

    pub(super) fn mount(&mut self, words: &[&str], on: &Path) -> bool {
        let fine = Command::new("mount").args(words).arg(on).status().unwrap().success();
        if fine {
            self.mounts.push(TakeBack::with("umount", &["-l", on.to_str().unwrap()]));
        }
        fine
    }

    pub(super) fn put_in(&mut self, disk: &str) -> bool {
        let image = self.path(&format!("{disk}.img"));
        self.mount(&["-o", "loop", image.to_str().unwrap()], &self.path("machine"))
    }

    pub(super) fn take_out(&mut self) {
        must("umount", &[self.path("machine")]);
        self.mounts.pop();
    }

    /// The machine is switched off, and comes up again with this disk.
    pub(super) fn change_disk(&mut self, disk: &str) {
        let server = self.database.take().unwrap();
        must("kill", &[server.pid().as_raw_nonzero().to_string()]);
        has_ended(server.pid());
        drop(server);
        self.take_out();
        assert!(self.put_in(disk));
        self.start_database();
    }

    pub(super) fn start_database(&mut self) {
        let mut command = Command::new("mariadbd");
        command.args([
            "--no-defaults",
            "--user=root",
            "--skip-networking",
            "--innodb-log-file-size=8M",
            "--loose-debug-no-sync",
        ]);
        command.arg(format!("--datadir={}", self.machine("var/lib/mysql").display()));
        command.arg(format!("--socket={}", self.path("db.sock").display()));
        command.arg(format!("--pid-file={}", self.path("db.pid").display()));
        let mut server = Server::start(&mut command, &self.path("db.log"));
        let login = format!("--defaults-file={}", self.path("db.cnf").display());
        server.wait("the database server", || {
            let ping = Command::new("mariadb-admin").args([login.as_str(), "ping"]).output().unwrap();
            ping.status.success().then_some(())
        });
        self.database = Some(server);
    }

    pub(super) fn sql(&self, text: &str) -> String {
        let login = format!("--defaults-file={}", self.path("db.cnf").display());
        must("mariadb", &[login.as_str(), "-NBe", text])
    }

    /// What the panel writes when it is asked for a settings backup.
    pub(super) fn settings(&self, more: &str) {
        self.settings_to("settings.sql.gz", more);
    }

    pub(super) fn settings_to(&self, file: &str, more: &str) {
        let login = self.path("db.cnf");
        let to = self.path(file);
        let (login, to) = (login.display(), to.display());
        let dump = format!("mariadb-dump --defaults-file='{login}' {more} psa | gzip >'{to}'");
        must("bash", &["-o", "pipefail", "-c", &dump]);
    }

    /// The panel's settings come back from the backup that it wrote.
    pub(super) fn load_settings(&self) {
        let (login, from) = (self.path("db.cnf"), self.path("settings.sql.gz"));
        let (login, from) = (login.display(), from.display());
        self.sql("CREATE DATABASE psa");
        let load = format!("gzip -cd '{from}' | mariadb --defaults-file='{login}' psa");
        must("bash", &["-o", "pipefail", "-c", &load]);
    }

    /// A web server with these sites below `pages`, and its own page for every other name.
    pub(super) fn serve(&self, name: &str, port: u16, pages: &Path, sites: &[&str]) -> Server {
        let at = self.path(name);
        std::fs::create_dir_all(at.join("default")).unwrap();
        std::fs::write(at.join("default/index.html"), "<h1>Welcome to nginx!</h1>\n").unwrap();
        let site = |names: &str, pages: &Path, more: &str| {
            let pages = pages.display();
            format!("server {{ listen 127.0.0.1:{port}{more}; server_name {names}; root \"{pages}\"; }}\n")
        };
        let mut servers = site("_", &at.join("default"), " default_server");
        servers.extend(sites.iter().map(|name| site(name, &pages.join(name), "")));
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path \"{}/{kind}\";\n", at.display()))
            .concat();
        let text = format!(
            "daemon off;\nmaster_process off;\nuser root;\npid \"{at}/pid\";\nerror_log stderr;\nevents {{}}\n\
             http {{\naccess_log off;\n{temporary}{servers}}}\n",
            at = at.display()
        );
        std::fs::write(at.join("nginx.conf"), text).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(&at).arg("-c").arg(at.join("nginx.conf")).args(["-e", "stderr"]);
        let mut server = Server::start(&mut command, &at.join("log"));
        server.wait_for_port(port);
        server
    }

    pub(super) fn name_leads_to(&self, name: &str, address: &str) {
        std::fs::write(self.path("dns").join(name), format!("{address}\n")).unwrap();
    }

    pub(super) fn values(&self, machine: &str, spare: &str) -> Vec<String> {
        let path = |name: &str| self.path(name).display().to_string();
        let mut values = vec![
            format!("machine={machine}"),
            format!("spare={spare}"),
            format!("mounted={}", path("machine")),
            "system_trees=/etc".to_owned(),
            format!("copy={}", path("my copy")),
            format!("database={}", path("db.cnf")),
            "panel_database=psa".to_owned(),
            format!("settings={}", path("settings.sql.gz")),
            "scheme=http".to_owned(),
            format!("machine_address=127.0.0.1:{}", self.ports.0),
            format!("spare_address=127.0.0.1:{}", self.ports.1),
            "trial_name=trial.example.org".to_owned(),
        ];
        values.extend(TREES.map(|tree| format!("trees={tree}")));
        values.extend(SITES.map(|site| format!("sites={site}")));
        values.extend(SERVICES.map(|service| format!("services={service}")));
        values
    }
}

pub(super) fn hostname() -> String {
    must("uname", &["-n"])
}
