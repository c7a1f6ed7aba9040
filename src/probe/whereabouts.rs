//! `where`: is this the machine and the user that was meant? SHELL. Never writes.

use std::process::Command;

use nix::unistd::{Uid, User};

use crate::runbook::Where;
use crate::session::Verdict;

use super::look::Finding;
use super::progress::Progress;

/// The answer.
pub(super) fn find(of: &Where<String>, progress: &Progress) -> Finding {
    for (field, text) in [("host", &of.host), ("user", &of.user)] {
        if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
            return Finding::error(format!("`{field}` is empty: name one"));
        }
    }
    if of.host.is_none() && of.user.is_none() {
        return Finding::error("neither `host` nor `user` is given: there is nothing to compare with");
    }
    let node = node();
    let user = of.user.as_ref().map(|asked| (asked, account(asked)));
    progress.step();
    let mut full = String::new();
    let host = of.host.as_deref().map(|asked| {
        on_host(asked, &node, || {
            full = full_name(&node).unwrap_or_default();
            Some(full.clone()).filter(|full| !full.is_empty())
        })
    });
    // The machine is named once.
    let on = if host.is_some() { String::new() } else { format!(" on {node}") };
    let user = user.map(|(asked, found)| as_user(asked, &found, &on));
    let mut finding = both(host, user);
    finding = finding.with("node_name", node.clone()).with("uid", Uid::effective().as_raw());
    if full.is_empty() { finding } else { finding.with("full_name", full) }
}

/// The node name as the kernel has it.
fn node() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// A no is a no whatever the other question's answer; then what cannot be told; then yes.
fn both(host: Option<Finding>, user: Option<Finding>) -> Finding {
    let mut all: Vec<Finding> = [host, user].into_iter().flatten().collect();
    let worst = |verdict| match verdict {
        Verdict::Fails => 0,
        Verdict::Error => 1,
        Verdict::Holds => 2,
    };
    all.sort_by_key(|finding| worst(finding.verdict));
    let verdict = all.first().map_or(Verdict::Error, |finding| finding.verdict);
    // Two answers of one kind are both said; of a no and a yes, the no.
    let said: Vec<String> = all.into_iter().filter(|f| f.verdict == verdict).map(|f| f.detail).collect();
    Finding::new(verdict, said.join(", and "))
}

/// Is the machine with this node name the one that is asked for? `full` finds its full name where it is needed.
fn on_host(asked: &str, node: &str, full: impl FnOnce() -> Option<String>) -> Finding {
    let wanted = asked.trim().strip_suffix('.').unwrap_or(asked.trim());
    let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    if !wanted.contains('.') {
        return if same(wanted, node) || same(wanted, first_label(node)) {
            Finding::holds(format!("this is {node}"))
        } else {
            Finding::fails(format!("this is {node}, not {asked}"))
        };
    }
    if same(wanted, node) {
        return Finding::holds(format!("this is {node}"));
    }
    // A node name with dots is the full one; and what begins otherwise is another machine whatever its domain is.
    if node.contains('.') || !same(first_label(wanted), node) {
        return Finding::fails(format!("this is {node}, not {asked}"));
    }
    match full() {
        Some(full) if same(&full, wanted) => Finding::holds(format!("this is {full}")),
        Some(full) => Finding::fails(format!("this is {full}, not {asked}")),
        None => Finding::error(format!(
            "this is {node}, and its full name cannot be found to tell whether it is {asked}: \
             ask for {node}, or put the full name in /etc/hosts"
        )),
    }
}

fn first_label(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// The full name of the machine whose node name has no dots.
fn full_name(node: &str) -> Option<String> {
    let hosts = std::fs::read("/etc/hosts").map(|bytes| clean_bytes_lines(&bytes)).unwrap_or_default();
    in_hosts(&hosts, node).or_else(|| {
        let output = Command::new("hostname").arg("-f").stdin(std::process::Stdio::null()).output().ok()?;
        let name = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        is_full(&name, node).then_some(name)
    })
}

fn clean_bytes_lines(bytes: &[u8]) -> String {
    bytes.split(|b| *b == b'\n').map(|line| String::from_utf8_lossy(line) + "\n").collect()
}

/// The first name on the line of `/etc/hosts` that has the node name: it is the full one.
fn in_hosts(hosts: &str, node: &str) -> Option<String> {
    hosts.lines().find_map(|line| {
        let mut names = line.split('#').next()?.split_whitespace().skip(1);
        let first = names.next()?;
        let is_it = names.any(|name| name.eq_ignore_ascii_case(node));
        (is_it && is_full(first, node)).then(|| first.to_owned())
    })
}

/// A full name is the node name with a domain; anything else, such as `localhost.localdomain`, is not this machine's.
fn is_full(name: &str, node: &str) -> bool {
    name.contains('.') && first_label(name).eq_ignore_ascii_case(node)
}

/// Who commands run as, and who was meant.
struct Account {
    uid: u32,
    name: Option<String>,
    /// The asked name's number; `Err`: the system's users cannot be asked.
    asked: Result<Option<u32>, String>,
}

fn account(asked: &str) -> Account {
    let uid = Uid::effective();
    let name = User::from_uid(uid).ok().flatten().map(|user| user.name);
    let asked = User::from_name(asked.trim()).map(|user| user.map(|user| user.uid.as_raw()));
    Account { uid: uid.as_raw(), name, asked: asked.map_err(|errno| errno.desc().to_lowercase()) }
}

/// `on` says on which machine, where nothing else does.
fn as_user(asked: &str, found: &Account, on: &str) -> Finding {
    let me = match &found.name {
        Some(name) => name.clone(),
        None => format!("user number {}, who has no name here", found.uid),
    };
    let same_name = found.name.as_deref() == Some(asked.trim());
    match &found.asked {
        _ if same_name => Finding::holds(format!("you are {me}{on}")),
        Ok(Some(uid)) if *uid == found.uid => Finding::holds(format!("you are {me}{on}, who is {asked} too")),
        Ok(Some(_)) => Finding::fails(format!("you are {me}{on}, not {asked}")),
        Ok(None) => Finding::fails(format!("you are {me}{on}, and there is no user {asked} on this machine")),
        Err(why) => Finding::error(format!("you are {me}{on}; cannot ask who {asked} is: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(asked: &str, node: &str, full: Option<&str>) -> (Verdict, String) {
        let found = on_host(asked, node, || full.map(str::to_owned));
        (found.verdict, found.detail)
    }

    #[test]
    fn the_short_name_is_the_node_name_or_its_first_label() {
        assert_eq!(host("db2", "db2", None), (Verdict::Holds, "this is db2".to_owned()));
        assert_eq!(host("DB2", "db2.prod.example", None).0, Verdict::Holds);
        assert_eq!(host("db2", "db1", None), (Verdict::Fails, "this is db1, not db2".to_owned()));
        assert_eq!(host("db", "db1", None).0, Verdict::Fails);
    }

    #[test]
    fn the_full_name_is_never_met_by_its_short_part() {
        assert_eq!(host("db1.prod", "db1", Some("db1.prod")).0, Verdict::Holds);
        assert_eq!(host("db1.prod.", "db1", Some("DB1.prod")).0, Verdict::Holds);
        assert_eq!(
            host("db1.prod", "db1", Some("db1.staging")),
            (Verdict::Fails, "this is db1.staging, not db1.prod".to_owned())
        );
        assert_eq!(host("db1.prod", "db1.staging", None).0, Verdict::Fails);
        assert_eq!(host("db1.prod", "db1.prod.example", None).0, Verdict::Fails);
        assert_eq!(host("db1.prod", "db2", None), (Verdict::Fails, "this is db2, not db1.prod".to_owned()));
        let (verdict, detail) = host("db1.prod", "db1", None);
        assert_eq!(verdict, Verdict::Error);
        assert!(detail.starts_with("this is db1, and its full name cannot be found"), "{detail}");
    }

    #[test]
    fn the_full_name_stands_first_in_hosts() {
        let hosts =
            "127.0.0.1 localhost.localdomain db1\n# 10.0.0.1 db1.old db1\n127.0.1.1\tdb1.prod DB1 # me\n";
        assert_eq!(in_hosts(hosts, "db1").as_deref(), Some("db1.prod"));
        assert_eq!(in_hosts("127.0.1.1 db1\n", "db1"), None);
        assert_eq!(in_hosts("10.0.0.2 db2.prod db2\n", "db1"), None);
    }

    #[test]
    fn the_user_is_who_has_the_number() {
        let of = |name: Option<&str>, asked: Result<Option<u32>, String>, wanted: &str| {
            let found = as_user(wanted, &Account { uid: 7, name: name.map(str::to_owned), asked }, " on db2");
            (found.verdict, found.detail)
        };
        assert_eq!(of(Some("root"), Ok(Some(7)), "root"), (Verdict::Holds, "you are root on db2".to_owned()));
        assert_eq!(of(Some("root"), Ok(Some(7)), "toor").0, Verdict::Holds);
        assert_eq!(
            of(Some("root"), Ok(Some(1000)), "deploy"),
            (Verdict::Fails, "you are root on db2, not deploy".to_owned())
        );
        assert_eq!(of(Some("root"), Ok(None), "deploy").0, Verdict::Fails);
        assert_eq!(of(None, Ok(None), "deploy").0, Verdict::Fails);
        assert_eq!(of(None, Err("no answer".to_owned()), "deploy").0, Verdict::Error);
    }

    #[test]
    fn of_this_machine() {
        let ask = |host: Option<&str>, user: Option<&str>| {
            let of = Where { host: host.map(str::to_owned), user: user.map(str::to_owned) };
            find(&of, &Progress::default())
        };
        let me = User::from_uid(Uid::effective()).unwrap().unwrap().name;
        let found = ask(Some(&node()), Some(&me));
        assert_eq!(found.verdict, Verdict::Holds, "{}", found.detail);
        assert_eq!(found.detail, format!("this is {}, and you are {me}", node()));
        let found = ask(Some("no-such-host"), Some(&me));
        assert_eq!(
            (found.verdict, found.detail),
            (Verdict::Fails, format!("this is {}, not no-such-host", node()))
        );
        assert_eq!(ask(None, Some("no-such-user")).verdict, Verdict::Fails);
        assert_eq!(ask(None, None).verdict, Verdict::Error);
        assert_eq!(ask(Some(" "), None).detail, "`host` is empty: name one");
    }
}
