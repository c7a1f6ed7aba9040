//! Would the end of a login end a session's host and its commands with it? SHELL: reads what systemd-logind was told, and
//! asks nobody. Only where it is sure that it would is anything said.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::failpoint;

/// Where systemd looks for its settings, the strongest last.
const PLACES: [&str; 4] = ["usr/lib/systemd", "usr/local/lib/systemd", "run/systemd", "etc/systemd"];

/// What a process is part of, as far as a logout matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// A login (`session-3.scope`).
    OfLogin,
    /// What systemd runs for one user (`user@1000.service`), which ends with the last login unless the user lingers.
    OfUser,
}

/// A sentence where a logout ends the host with this process id, and all that it runs; it belongs to whoever asks.
#[must_use]
pub fn warning(host: u32) -> Option<String> {
    let uid = fs::metadata(format!("/proc/{host}")).ok()?.uid();
    let me = rustix::process::geteuid().as_raw();
    let user = nix::unistd::User::from_uid(uid.into()).ok()??;
    // A test gives files of its own in place of this machine's.
    let root = failpoint::word("logout-root").unwrap_or_else(|| "/".to_owned());
    (uid == me).then(|| look(Path::new(&root), host, &user.name))?
}

fn look(root: &Path, host: u32, user: &str) -> Option<String> {
    if !root.join("run/systemd/system").is_dir() {
        return None;
    }
    let cgroup = fs::read_to_string(root.join(format!("proc/{host}/cgroup"))).ok()?;
    let lingers = root.join("var/lib/systemd/linger").join(user).exists();
    match part(&cgroup)? {
        Part::OfLogin if kills(root, user)? => Some(
            "when you log out, this machine ends all that you have started, this session's host and what it runs too \
             (logind's KillUserProcesses); to keep them: loginctl enable-linger, then begin with \
             systemd-run --user --scope before the line that starts it"
                .to_owned(),
        ),
        Part::OfUser if !lingers => Some(
            "when you log out for the last time, this machine ends what your systemd has started, this session's host and \
             what it runs too; to keep them: loginctl enable-linger"
                .to_owned(),
        ),
        Part::OfLogin | Part::OfUser => None,
    }
}

/// By the lines of `/proc/PID/cgroup`.
fn part(cgroup: &str) -> Option<Part> {
    let paths = cgroup.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    paths.flat_map(|path| path.split('/')).find_map(|name| {
        if name.strip_suffix(".scope").is_some_and(|name| name.starts_with("session-")) {
            Some(Part::OfLogin)
        } else if name.strip_suffix(".service").is_some_and(|name| name.starts_with("user@")) {
            Some(Part::OfUser)
        } else {
            None
        }
    })
}

/// Does logind end what this user's logins have left? `None`: that is said nowhere.
fn kills(root: &Path, user: &str) -> Option<bool> {
    let mut settings: BTreeMap<String, String> = BTreeMap::new();
    let main = |place: &str| fs::read_to_string(root.join(place).join("logind.conf")).ok();
    // What it was built with stands behind a mark in the file that came with it. In any other place that may as well be what an
    // administrator has taken back.
    if let Some(text) = main(PLACES[0]) {
        let built = text.lines().find_map(|line| line.trim().strip_prefix("#KillUserProcesses="));
        settings.extend(built.map(|word| ("KillUserProcesses".to_owned(), word.trim().to_owned())));
    }
    if let Some(text) = PLACES.iter().rev().find_map(|place| main(place)) {
        read_into(&text, &mut settings);
    }
    // One of the same name in a stronger place stands for the weaker.
    let mut more: BTreeMap<std::ffi::OsString, String> = BTreeMap::new();
    for place in PLACES {
        for entry in fs::read_dir(root.join(place).join("logind.conf.d")).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|it| it == "conf")
                && let Ok(text) = fs::read_to_string(entry.path())
            {
                more.insert(entry.file_name(), text);
            }
        }
    }
    for text in more.values() {
        read_into(text, &mut settings);
    }
    let kills = match settings.get("KillUserProcesses")?.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => true,
        "0" | "no" | "n" | "false" | "f" | "off" => false,
        _ => return None,
    };
    let named = |key: &str, usual: &str| {
        let list = settings.get(key).map_or(usual, String::as_str);
        (list.split_whitespace().any(|name| name == user), list.trim().is_empty())
    };
    let (only_me, nobody_named) = named("KillOnlyUsers", "");
    let (spared, _) = named("KillExcludeUsers", "root");
    Some(kills && (only_me || nobody_named) && !spared)
}

/// Settings of its section; a later one stands for an earlier, but a list grows until it is emptied.
fn read_into(text: &str, settings: &mut BTreeMap<String, String>) {
    let mut ours = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            ours = line == "[Login]";
        } else if ours
            && !line.starts_with(['#', ';'])
            && let Some((key, word)) = line.split_once('=')
        {
            let (key, word) = (key.trim(), word.trim());
            let before = settings.get(key).filter(|_| key.ends_with("Users") && !word.is_empty());
            let whole = before.map_or_else(|| word.to_owned(), |before| format!("{before} {word}"));
            settings.insert(key.to_owned(), whole);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: &str = "0::/user.slice/user-1000.slice/session-3.scope\n";
    const USER: &str =
        "9:name=systemd:/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope\n0::/\n";

    /// A machine with these files, systemd and process 7, which belongs there.
    fn said(cgroup: &str, files: &[(&str, &str)]) -> Option<String> {
        let root = tempfile::tempdir().unwrap();
        let all = [("run/systemd/system/.keep", ""), ("proc/7/cgroup", cgroup)];
        for (name, text) in all.iter().chain(files) {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        look(root.path(), 7, "dana")
    }

    #[test]
    fn s3_a_login_whose_end_kills_is_said_before_anything_runs() {
        let etc = "etc/systemd/logind.conf";
        let is_said = |files: &[(&str, &str)]| said(LOGIN, files).is_some();
        assert!(said(LOGIN, &[(etc, "[Login]\nKillUserProcesses=yes\n")]).unwrap().contains("systemd-run"));
        assert!(!is_said(&[(etc, "[Login]\nKillUserProcesses=no\n")]));
        assert!(!is_said(&[]), "nothing is said where nothing is known");
        // What it was built with, and what stands for it.
        assert!(is_said(&[("usr/lib/systemd/logind.conf", "[Login]\n#KillUserProcesses=yes\n")]));
        assert!(!is_said(&[(etc, "[Login]\n#KillUserProcesses=no\n")]));
        let vendor = |word: &'static str| ("usr/lib/systemd/logind.conf", word);
        let taken_back = (etc, "[Login]\n#KillUserProcesses=yes\n");
        assert!(!is_said(&[taken_back]), "an administrator's, who has thought better of it");
        assert!(!is_said(&[vendor("[Login]\n#KillUserProcesses=no\n"), taken_back]));
        assert!(is_said(&[vendor("[Login]\n#KillUserProcesses=yes\n"), (etc, "[Login]\n")]));
        assert!(!is_said(&[(etc, "[Login]\n#KillUserProcesses=yes\nKillUserProcesses=off\n")]));
        assert!(!is_said(&[(etc, "[Manager]\nKillUserProcesses=yes\n")]), "another section");
        // Files beside it: by name, and the stronger place first.
        let run = "run/systemd/logind.conf.d/50-x.conf";
        let own = "etc/systemd/logind.conf.d/50-x.conf";
        let no = (etc, "[Login]\nKillUserProcesses=no\n");
        assert!(is_said(&[no, (run, "[Login]\nKillUserProcesses=1\n")]));
        assert!(!is_said(&[no, (run, "[Login]\nKillUserProcesses=1\n"), (own, "[Login]\n")]));
        // Whom it is for.
        let kill = |more: &str| is_said(&[(etc, &format!("[Login]\nKillUserProcesses=yes\n{more}"))]);
        assert!(!kill("KillExcludeUsers=root dana\n"));
        assert!(kill("KillExcludeUsers=root dana\nKillExcludeUsers=\n"));
        assert!(kill("KillOnlyUsers=sam\nKillOnlyUsers=dana\n"));
        assert!(!kill("KillOnlyUsers=sam\n"));
        let lingers = ("var/lib/systemd/linger/dana", "");
        assert!(is_said(&[(etc, "[Login]\nKillUserProcesses=yes\n"), lingers]), "a login's own end");
    }

    #[test]
    fn s3_what_a_users_systemd_started_stays_only_where_the_user_lingers() {
        assert!(said(USER, &[]).unwrap().contains("enable-linger"));
        assert_eq!(said(USER, &[("var/lib/systemd/linger/dana", "")]), None);
        assert!(said(USER, &[("var/lib/systemd/linger/sam", "")]).is_some());
        // A unit of its own, a container, no systemd at all.
        assert_eq!(said("0::/system.slice/onbelay.service\n", &[]), None);
        assert_eq!(said("0::/\n", &[]), None);
        let bare = tempfile::tempdir().unwrap();
        assert_eq!(look(bare.path(), 7, "dana"), None);
    }
}
