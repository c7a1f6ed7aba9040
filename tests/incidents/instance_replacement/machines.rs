//! The world of the incident: an old machine and its replacement, each a directory with an nginx of its own; a database
//! somebody writes to; a Borg repository behind SSH, and the job that fills it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::support::Home;
use crate::world::{Server, free_port, must, must_run};

use super::relay::Relay;

/// What the restore has to bring that a pause in its middle is its middle.
const PHOTO_BYTES: usize = 2 << 20;

pub(super) struct Machines {
    pub(super) old: PathBuf,
    pub(super) new: PathBuf,
    pub(super) old_port: u16,
    pub(super) new_port: u16,
    /// The address visitors use.
    pub(super) address: Relay,
    /// The line to the repository.
    pub(super) line: Relay,
    pub(super) ssh_config: PathBuf,
    repo: String,
    base: PathBuf,
    _sshd: Server,
}

impl Machines {
    pub(super) fn build(home: &Home) -> Self {
        let [old, new] = ["old", "new"].map(|name| home.path(name));
        let (old_port, new_port) = (free_port(), free_port());
        for dir in ["srv/nginx", "etc/letsencrypt/live/site", "srv/site", "srv/data", "run"] {
            std::fs::create_dir_all(old.join(dir)).unwrap();
        }
        std::fs::create_dir_all(new.join("run")).unwrap();
        std::fs::write(old.join("etc/hostname"), "old-web\n").unwrap();
        std::fs::write(old.join("srv/nginx/nginx.conf"), NGINX).unwrap();
        let certificates = old.join("etc/letsencrypt/live/site");
        certificate(&certificates);
        std::fs::copy(certificates.join("fullchain.pem"), home.path("ca.pem")).unwrap();
        std::fs::write(old.join("srv/site/index.html"), "<h1>Parts, compared</h1>\n").unwrap();
        std::fs::write(old.join("srv/site/news.html"), "<p>Monday's news</p>\n").unwrap();
        let mut photo = vec![0; PHOTO_BYTES];
        File::open("/dev/urandom").unwrap().read_exact(&mut photo).unwrap();
        std::fs::write(old.join("srv/site/photo.jpg"), photo).unwrap();
        database(&old.join("srv/data/orders.db"));

        let (sshd, ssh_port) = sshd(home);
        let line = Relay::to(ssh_port);
        let ssh_config = home.path("ssh_config");
        let config = format!(
            "Host replacement\n  Port {ssh_port}\nHost store\n  Port {}\nHost *\n  HostName 127.0.0.1\n  User root\n  \
             IdentityFile {work}/key\n  IdentitiesOnly yes\n  UserKnownHostsFile {work}/known\n  HostKeyAlias machine\n  \
             BatchMode yes\n  LogLevel ERROR\n",
            line.port,
            work = home.path("").display(),
        );
        std::fs::write(&ssh_config, config).unwrap();
        let machines = Self {
            address: Relay::to(old_port),
            line,
            repo: format!("ssh://store{}", home.path("repo").display()),
            base: home.path("borg"),
            ssh_config,
            old,
            new,
            old_port,
            new_port,
            _sshd: sshd,
        };
        must_run(machines.borg().args(["init", "-e", "repokey-blake2", &machines.repo]));
        machines
    }

    pub(super) fn repo(&self) -> &str {
        &self.repo
    }

    /// What borg needs to reach the repository.
    pub(super) fn borg_variables(&self) -> [(&'static str, String); 3] {
        [
            ("BORG_RSH", format!("ssh -F {}", self.ssh_config.display())),
            ("BORG_BASE_DIR", self.base.display().to_string()),
            ("BORG_PASSPHRASE", "swordfish".to_owned()),
        ]
    }

    fn borg(&self) -> Command {
        let mut borg = Command::new("borg");
        borg.current_dir(&self.old).envs(self.borg_variables());
        borg
    }

    /// The old machine's backup job, with its list of what to take. Journals are left out: they are temporary, after all.
    pub(super) fn back_up(&self, archive: &str, more: &[&str], list: &[&str]) {
        let name = format!("{}::{archive}", self.repo);
        must_run(self.borg().args(["create", "--exclude", "*-journal"]).args(more).arg(&name).args(list));
    }

    /// Starts a machine's nginx with what is in its directory, and waits until it answers.
    pub(super) fn serve(machine: &Path, port: u16) -> Server {
        std::fs::write(machine.join("run/listen.conf"), format!("listen 127.0.0.1:{port} ssl;\n")).unwrap();
        let mut nginx = Command::new("nginx");
        // One process, so that its end is the end of all of it.
        nginx.args([
            "-c",
            "srv/nginx/nginx.conf",
            "-g",
            "user root; daemon off; master_process off; pid run/pid;",
        ]);
        nginx.arg("-e").arg("stderr").arg("-p").arg(machine);
        let mut server = Server::start(&mut nginx, &machine.join("run/said"));
        server.wait_for_port(port);
        server
    }

    /// The person's work of the step `build`: what was restored, copied into place.
    pub(super) fn put_in_place(&self, restored: &Path) {
        must_run(Command::new("cp").arg("-a").arg(restored.join(".")).arg(&self.new));
    }

    /// What visitors get.
    pub(super) fn page(&self, home: &Home, name: &str) -> String {
        let url = format!("https://localhost:{}/{name}", self.address.port);
        must_run(
            Command::new("curl")
                .args(["-fsS", "--noproxy", "*", "--cacert"])
                .arg(home.path("ca.pem"))
                .arg(url),
        )
    }
}

/// Paths in it are relative to the machine's directory, so that it serves where it is put. What is the machine's own,
/// its address, is not in the backup.
const NGINX: &str = "\
events {}
http {
  access_log run/access.log;
  client_body_temp_path run/body; proxy_temp_path run/proxy; fastcgi_temp_path run/fastcgi;
  uwsgi_temp_path run/uwsgi; scgi_temp_path run/scgi;
  server {
    include ../../run/listen.conf;
    ssl_certificate ../../etc/letsencrypt/live/site/fullchain.pem;
    ssl_certificate_key ../../etc/letsencrypt/live/site/privkey.pem;
    root srv/site;
    default_type text/html;
  }
}
";

/// A certificate for the name that leads to loopback, and its key, where the usual client keeps them.
fn certificate(live: &Path) {
    let words =
        ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    let mut openssl = Command::new("openssl");
    openssl.current_dir(live).args(words).args([
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
    ]);
    must_run(openssl.args(["-keyout", "privkey.pem", "-out", "fullchain.pem"]));
}

/// An SSH server that lets in who has the key, with the files that `ssh_config` names.
fn sshd(home: &Home) -> (Server, u16) {
    let work = home.path("");
    for key in ["hostkey", "key"] {
        must_run(
            Command::new("ssh-keygen").current_dir(&work).args(["-q", "-t", "ed25519", "-N", "", "-f", key]),
        );
    }
    std::fs::write(work.join("known"), format!("machine {}", home.read("hostkey.pub"))).unwrap();
    // It insists on this directory, which a machine that has not started it yet may not have.
    std::fs::create_dir_all("/run/sshd").unwrap();
    let port = free_port();
    // A home of its own: nothing of the machine's owner is read when somebody logs in.
    let config = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {work}/hostkey\nAuthorizedKeysFile {work}/key.pub\nStrictModes no\n\
         PermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\n\
         PidFile none\nMaxStartups 100\nSetEnv HOME={work}\n",
        work = work.display(),
    );
    let file = home.write("sshd_config", &config);
    // It wants to be called by its full path, to call itself again for each connection. A newer one keeps away, for a
    // while, those whose connection was cut; an older one does not know that word.
    let program = which("sshd");
    let mut sshd = Command::new(&program);
    sshd.args(["-D", "-e", "-f"]).arg(&file);
    let lenient = ["-o", "PerSourcePenalties=no"];
    if Command::new(&program).args(["-t", "-f"]).arg(&file).args(lenient).output().unwrap().status.success() {
        sshd.args(lenient);
    }
    let mut server = Server::start(&mut sshd, &work.join("sshd.said"));
    server.wait_for_port(port);
    (server, port)
}

fn which(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let dirs = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    dirs.map(|dir| dir.join(program)).find(|path| path.is_file()).unwrap()
}

/// The orders, with an index over them.
const ORDERS: &str = "\
CREATE TABLE orders(id INTEGER PRIMARY KEY, code TEXT, what TEXT);
CREATE INDEX by_code ON orders(code);
WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2000)
INSERT INTO orders SELECT x, printf('%08d', x), hex(zeroblob(100)) FROM n;";

fn database(file: &Path) {
    must("sqlite3", &[file.to_str().unwrap(), ORDERS]);
}

/// What a database says to a question.
pub(super) fn asked(file: &Path, question: &str) -> String {
    must("sqlite3", &["-readonly", file.to_str().unwrap(), question])
}

/// An application in the middle of changing its database. Its memory is short, so part of the change is in the file
/// already, and what would take it back is in the journal beside it: the file alone is neither before nor after.
pub(super) struct Writer {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Writer {
    pub(super) fn in_the_middle(file: &Path) -> Self {
        let mut child =
            Command::new("sqlite3").arg(file).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut writer = Self { child, orders, answers };
        writer.say(
            "PRAGMA cache_size = 5; BEGIN IMMEDIATE; UPDATE orders SET code = printf('%08d', 99999 - id); SELECT 'here';",
        );
        writer
    }

    /// Says something that ends in `SELECT 'here'`, and waits for that.
    fn say(&mut self, orders: &str) {
        writeln!(self.orders.as_mut().unwrap(), "{orders}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert_eq!(line, "here\n");
    }

    /// Ends its change, takes one more order, and is stopped.
    pub(super) fn finish(mut self) {
        self.say("COMMIT; INSERT INTO orders VALUES(2001, 'last', 'the last order'); SELECT 'here';");
        drop(self.orders.take());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
