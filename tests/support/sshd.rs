//! A real SSH server of a test's own, and a network before it that stops carrying anything.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Home, Screen, until};

/// A server for one key and one account, on a port of its own.
pub(crate) struct Sshd {
    server: Child,
    port: u16,
    key: PathBuf,
    user: String,
}

impl Sshd {
    /// Makes the keys in `place` and serves them; `user` is let in with the key that is in `authorized` then. `more`: lines
    /// of its configuration.
    pub(crate) fn start(place: &Path, user: &str, authorized: &Path, more: &str) -> Self {
        let (key, host_key) = (place.join("user_key"), place.join("host_key"));
        for file in [&key, &host_key] {
            let mut keygen = Command::new("ssh-keygen");
            let made = keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(file).status();
            assert!(made.unwrap().success());
        }
        // Whose file it is stays as it was.
        std::fs::write(authorized, std::fs::read(key.with_extension("pub")).unwrap()).unwrap();
        if rustix::process::geteuid().is_root() {
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = place.join("sshd_config");
        let text = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nUsePAM no\nPidFile none\n{more}",
            host_key.display()
        );
        std::fs::write(&config, text).unwrap();
        let program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"];
        let program = program.into_iter().find(|path| Path::new(path).exists()).unwrap();
        let mut command = Command::new(program);
        command.args(["-D", "-e", "-f"]).arg(&config).stderr(Stdio::null());
        let server = command.spawn().unwrap();
        until("the server answers", || TcpStream::connect(("127.0.0.1", port)).ok());
        Self { server, port, key, user: user.to_owned() }
    }

    /// Somebody at a terminal elsewhere, who calls this over the connection.
    pub(crate) fn call(&self, home: &Home, line: &str) -> Screen {
        self.call_by(home, self.port, line)
    }

    /// The same by another port, of a network before this server.
    pub(crate) fn call_by(&self, home: &Home, port: u16, line: &str) -> Screen {
        let (port, key) = (port.to_string(), self.key.display().to_string());
        let to = format!("{}@127.0.0.1", self.user);
        let mut words = vec!["-tt", "-F", "none", "-i", &key, "-p", &port];
        let options = [
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
        ];
        words.extend(options.iter().flat_map(|option| ["-o", option]));
        words.extend([to.as_str(), line]);
        Screen::call(home, "ssh", &words, (30, 100))
    }

    /// A network before this server.
    pub(crate) fn network(&self) -> Network {
        Network::to(self.port)
    }

    /// Kills every process that serves a connection, as a dead `sshd` does.
    pub(crate) fn cut(&self) {
        let me = self.server.id();
        let cut = until("a connection to cut", || {
            let children = children_of(me);
            (!children.is_empty()).then_some(children)
        });
        for pid in cut {
            for pid in children_of(pid).into_iter().chain([pid]) {
                let _ = Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status();
            }
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn children_of(pid: u32) -> Vec<u32> {
    let said = Command::new("pgrep").args(["--parent", &pid.to_string()]).output().unwrap();
    String::from_utf8(said.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}

/// Carries bytes between whoever connects and a server, until it is told to lose every one of them: neither end is closed
/// then, and neither hears anything any more.
pub(crate) struct Network {
    pub(crate) port: u16,
    gone: Arc<AtomicBool>,
}

impl Network {
    fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let gone = Arc::new(AtomicBool::new(false));
        let loses = Arc::clone(&gone);
        std::thread::spawn(move || {
            // One connection is all that a test makes.
            let (here, _) = listener.accept().unwrap();
            let there = TcpStream::connect(("127.0.0.1", server)).unwrap();
            let back = (there.try_clone().unwrap(), here.try_clone().unwrap(), Arc::clone(&loses));
            std::thread::spawn(move || carry(back.0, back.1, &back.2));
            carry(here, there, &loses);
        });
        Self { port, gone }
    }

    /// From now on nothing arrives, in either direction.
    pub(crate) fn lose_everything(&self) {
        self.gone.store(true, Ordering::SeqCst);
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, gone: &AtomicBool) {
    let mut bytes = [0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if !gone.load(Ordering::SeqCst) && to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    // A network that lost everything tells nobody of an end either.
    if !gone.load(Ordering::SeqCst) {
        let _ = to.shutdown(Shutdown::Both);
    }
}
