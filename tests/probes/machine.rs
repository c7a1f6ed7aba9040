//! Mounts, loop devices and processes for a test, all taken back when it ends, however that is.

use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use super::support::{Home, Offer, not_offered, root};

/// Runs a program; what it said, or why it did not work.
pub(crate) fn run(program: &str, words: &[&str]) -> Result<String, String> {
    let ran = Command::new(program).args(words).output().map_err(|e| format!("{program}: {e}"))?;
    if ran.status.success() {
        return Ok(String::from_utf8_lossy(&ran.stdout).trim().to_owned());
    }
    Err(format!("{program} {words:?}: {}", String::from_utf8_lossy(&ran.stderr).trim()))
}

/// Something mounted.
pub(crate) struct Mounted(pub(crate) PathBuf);

impl Mounted {
    /// Mounts at a new directory of this name; says so where mounts are not to be had.
    pub(crate) fn new(test: &str, home: &Home, at: &str, words: &[&str]) -> Option<Self> {
        if !root(test) {
            return None;
        }
        let at = home.path(at);
        std::fs::create_dir_all(&at).unwrap();
        let mut all = words.to_vec();
        all.push(at.to_str().unwrap());
        match run("mount", &all) {
            Ok(_) => Some(Self(at)),
            Err(why) => {
                not_offered(test, Offer::Mounts, &why);
                None
            }
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = run("umount", &["-l", self.0.to_str().unwrap()]);
    }
}

/// A directory `merged` of the layers `low` and `up`, a file in each.
pub(crate) fn layered(test: &str, home: &Home) -> Option<Mounted> {
    for dir in ["low/sub", "up/sub", "work"] {
        std::fs::create_dir_all(home.path(dir)).unwrap();
    }
    home.write("low/sub/f", "x");
    home.write("up/sub/g", "x");
    let path = |name: &str| home.path(name).to_str().unwrap().to_owned();
    let options = format!("lowerdir={},upperdir={},workdir={}", path("low"), path("up"), path("work"));
    Mounted::new(test, home, "merged", &["-t", "overlay", "overlay", "-o", &options])
}

/// A loop device in front of a file.
pub(crate) struct Looped(pub(crate) String);

impl Looped {
    pub(crate) fn new(test: &str, file: &Path) -> Option<Self> {
        if !root(test) {
            return None;
        }
        match run("losetup", &["--find", "--show", file.to_str().unwrap()]) {
            Ok(device) => Some(Self(device)),
            Err(why) => {
                not_offered(test, Offer::Loops, &why);
                None
            }
        }
    }

    /// Its name without `/dev/`.
    pub(crate) fn name(&self) -> &str {
        self.0.trim_start_matches("/dev/")
    }
}

impl Drop for Looped {
    fn drop(&mut self) {
        let _ = run("losetup", &["--detach", &self.0]);
    }
}

/// A process that has done something and waits.
pub(crate) struct Holder {
    child: Child,
    _stdin: ChildStdin,
}

impl Holder {
    /// Starts it; it must print a line when it is so far, and end when its input does.
    pub(crate) fn new(home: &Home, program: &str, words: &[&str]) -> Self {
        use std::io::{BufRead as _, BufReader};
        let mut child = Command::new(program)
            .args(words)
            .current_dir(home.path(""))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "so far\n", "{program} {words:?}");
        let stdin = child.stdin.take().unwrap();
        Self { child, _stdin: stdin }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// May every process be looked into from here? Where not, only the kernel's own answers are answers.
pub(crate) fn all_open() -> bool {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let mut processes = entries.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    let closed = |path: PathBuf| {
        std::fs::read_link(path.join("cwd")).is_err_and(|e| e.kind() == std::io::ErrorKind::PermissionDenied)
    };
    !processes.any(|entry| closed(entry.path()))
}
