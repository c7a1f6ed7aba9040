//! Real accounts and a real group, made for one test and removed after it, with a place that both can reach.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::support::{Ran, have, root};

/// The program under test.
const ONBELAY: &str = env!("CARGO_BIN_EXE_onbelay");

/// Whoever changes the system's accounts does so alone: the tools give up where another holds their locks.
const LOCK: &str = "/run/lock/onbelay-test-accounts";

/// A group, its members, and somebody who is none of them.
pub(crate) struct People {
    /// The group.
    pub(crate) group: String,
    /// Members of it, as they were asked for.
    pub(crate) names: Vec<String>,
    dir: PathBuf,
    own_groups: Vec<String>,
}

impl People {
    /// Makes as many accounts as there are `roles` (`dana`, `sam`): all members of one new group, but for those whose role
    /// begins with `!`. `None`: they cannot be made here, which was said.
    pub(crate) fn new(test: &str, roles: &[&str]) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let tools = ["useradd", "userdel", "groupadd", "groupdel", "groupmod", "gpasswd", "setpriv"];
        if !root(test) || !tools.iter().all(|tool| have(test, tool)) {
            return None;
        }
        let tail = format!("{:x}{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = PathBuf::from(format!("/srv/onbelay-it-{tail}"));
        std::fs::create_dir(&dir).unwrap();
        std::fs::set_permissions(&dir, Permissions::from_mode(0o755)).unwrap();
        // Where the program was built others may not look.
        std::fs::copy(ONBELAY, dir.join("onbelay")).unwrap();
        let group = format!("og{tail}");
        let mut people = Self { group: group.clone(), names: Vec::new(), dir, own_groups: Vec::new() };
        let _alone = alone();
        call("groupadd", &[group.as_str()]);
        for role in roles {
            let outside = role.starts_with('!');
            let name = format!("o{}{tail}", role.trim_start_matches('!'));
            let home = people.dir.join(&name);
            let mut words = vec!["--user-group", "--create-home", "--shell", "/bin/bash", "--home-dir"];
            words.push(home.to_str().unwrap());
            if !outside {
                words.extend(["--groups", group.as_str()]);
            }
            words.push(&name);
            call("useradd", &words);
            std::fs::set_permissions(&home, Permissions::from_mode(0o700)).unwrap();
            people.own_groups.push(name.clone());
            people.names.push(name);
        }
        Some(people)
    }

    /// The name of an account, by its place among the roles.
    pub(crate) fn name(&self, place: usize) -> &str {
        &self.names[place]
    }

    /// Its number.
    pub(crate) fn uid(&self, place: usize) -> u32 {
        nix_id(&["-u", self.name(place)])
    }

    /// Its own directory.
    pub(crate) fn own(&self, place: usize) -> PathBuf {
        self.dir.join(self.name(place))
    }

    /// A place for sessions that the first account may share with the group; made at the first call.
    pub(crate) fn state(&self) -> PathBuf {
        let state = self.dir.join("state");
        if !state.exists() {
            std::fs::create_dir(&state).unwrap();
            std::fs::set_permissions(&state, Permissions::from_mode(0o750)).unwrap();
            call("chown", &[&format!("{}:{}", self.name(0), self.group), state.to_str().unwrap()]);
        }
        state
    }

    /// The program, called by one of them.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, place: usize, words: &[S]) -> Command {
        let mut command = self.run_as(place, self.dir.join("onbelay"));
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Any program, called by one of them, in their own directory and with nothing of the environment but what they need.
    pub(crate) fn run_as(&self, place: usize, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("setpriv");
        let name = self.name(place);
        command.args(["--reuid", name, "--regid", name, "--init-groups", "--"]).arg(program);
        command.env_clear().envs(self.variables(place)).current_dir(self.own(place));
        command
    }

    /// The environment of one of them.
    pub(crate) fn variables(&self, place: usize) -> Vec<(String, String)> {
        let mut variables = vec![
            ("PATH".into(), format!("{}:{}", self.dir.display(), std::env::var("PATH").unwrap_or_default())),
            ("HOME".into(), self.own(place).display().to_string()),
            ("USER".into(), self.name(place).to_owned()),
            ("LANG".into(), "C.UTF-8".into()),
            ("TERM".into(), "xterm-256color".into()),
            ("ONBELAY_HOME".into(), self.state().display().to_string()),
        ];
        variables.extend(crate::support::home::counted());
        variables
    }

    /// Calls the program as one of them and waits for its end.
    pub(crate) fn call<S: AsRef<OsStr>>(&self, place: usize, words: &[S]) -> Ran {
        Ran::of(&self.command(place, words).output().unwrap())
    }

    /// Writes a file of the first account, readable by all.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.own(0).join(name);
        std::fs::write(&path, text).unwrap();
        call("chown", &[self.name(0), path.to_str().unwrap()]);
        path
    }

    /// The directory of the one session there is.
    pub(crate) fn session(&self) -> PathBuf {
        let found = std::fs::read_dir(self.state()).unwrap().flatten().map(|entry| entry.path());
        let mut sessions: Vec<PathBuf> = found.filter(|path| path.join("journal.jsonl").exists()).collect();
        assert_eq!(sessions.len(), 1, "{sessions:?}");
        sessions.remove(0)
    }

    /// Takes an account away while a test goes on.
    pub(crate) fn forget(&self, place: usize) {
        let _alone = alone();
        call("userdel", &["--force", self.name(place)]);
    }

    /// Takes an account out of the group while a test goes on.
    pub(crate) fn leaves_group(&self, place: usize) {
        let _alone = alone();
        call("gpasswd", &["--delete", self.name(place), &self.group]);
    }

    /// And back into it.
    pub(crate) fn joins_group(&self, place: usize) {
        let _alone = alone();
        call("gpasswd", &["--add", self.name(place), &self.group]);
    }

    /// Gives the group another name: its own with another ending.
    pub(crate) fn rename_group(&self, ending: &str, to: &str) {
        let (from, to) = (format!("{}{ending}", self.group), format!("{}{to}", self.group));
        let _alone = alone();
        call("groupmod", &["--new-name", &to, &from]);
    }
}

impl Drop for People {
    fn drop(&mut self) {
        for name in &self.names {
            // Their hosts and commands; whoever is gone already is well.
            let _ = quiet("pkill", &["--signal", "KILL", "--uid", name]);
        }
        let _alone = alone();
        for name in &self.names {
            let _ = quiet("userdel", &["--force", name.as_str()]);
        }
        // The last is what a test calls its group for a moment.
        for group in self.own_groups.iter().chain([&self.group, &format!("{}x", self.group)]) {
            let _ = quiet("groupdel", &[group.as_str()]);
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn nix_id(words: &[&str]) -> u32 {
    let said = Command::new("id").args(words).output().unwrap();
    String::from_utf8(said.stdout).unwrap().trim().parse().unwrap()
}

fn alone() -> File {
    let lock = File::options().create(true).truncate(false).write(true).open(Path::new(LOCK)).unwrap();
    lock.lock().unwrap();
    lock
}

fn quiet(program: &str, words: &[&str]) -> std::io::Result<std::process::Output> {
    let mut command = Command::new(program);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin")).args(words).output()
}

#[track_caller]
fn call(program: &str, words: &[&str]) {
    let said = quiet(program, words).unwrap();
    assert!(said.status.success(), "{program} {words:?}: {}", String::from_utf8_lossy(&said.stderr));
}
