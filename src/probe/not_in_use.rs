//! `not_in_use`: has nobody got it open, mapped, mounted or behind a device? SHELL. Never writes.
//!
//! `/proc` names who has a thing open. Besides, the kernel itself is asked: by a lease on a file, by an exclusive open of a
//! block device. Where neither the kernel answers nor every process can be looked into there is no answer.

mod inside;
mod lease;
mod opened;
mod processes;
mod siblings;
mod sockets;
mod system;
mod target;

use std::time::{Duration, Instant};

use rustix::fs::FileType;

use crate::runbook::OfPath;

use super::identity::Machine;
use super::look::{Finding, shown};
use super::place::{self, Held};
use super::progress::Progress;
use inside::Inside;
use lease::Lease;
use processes::Processes;
use siblings::Siblings;
use target::Target;

/// So many uses are named; all are counted.
const NAMED: usize = 20;

/// How long other checks that read the file are waited for.
const PATIENCE: Duration = Duration::from_secs(4);

/// How long until the kernel is asked again, when none of them ends.
const AWHILE: Duration = Duration::from_millis(100);

/// The answer.
pub(super) fn find(of: &OfPath<String>, progress: &Progress) -> Finding {
    match look(of, progress) {
        Ok(finding) | Err(finding) => finding,
    }
}

fn look(of: &OfPath<String>, progress: &Progress) -> Result<Finding, Finding> {
    let path = place::path("path", &of.path)?;
    progress.at(&path);
    let held = place::hold(&path).map_err(|error| place::not_held(&path, error))?;
    if !matches!(held.kind(), FileType::RegularFile | FileType::Directory | FileType::BlockDevice) {
        let kind = place::in_words(held.kind());
        return Err(Finding::error(format!(
            "{} is {kind}: only files, directories and block devices can be asked about",
            shown(&path)
        )));
    }
    let table = std::path::Path::new("/proc/self/mountinfo");
    let machine = Machine::look().map_err(|error| place::cannot("read", table, error))?;
    let target = Target::of(&path, &held, &machine)?;
    let mut found = Found::default();
    system::look(&target, &machine, &mut found);
    let inside = match target {
        // A use is a use: then nothing more need be known.
        Target::Directory { .. } if found.uses.is_empty() => Inside::of(&path, &held, progress),
        _ => Inside::default(),
    };
    if let Some(why) = &inside.more {
        found.hindered(why.clone());
    }
    progress.at(&path);
    let mut processes = Processes::new(&machine, &target, &inside);
    processes.look(progress, &mut found);
    let lease = match &target {
        Target::File { leased: Ok(()), .. } => Some(ask_for_lease(&held, found.uses.is_empty(), progress)),
        Target::File { leased: Err(why), .. } => Some(Lease::Unknown(why.clone())),
        _ => None,
    };
    if let Some(lease) = &lease {
        found.leased(lease);
    }
    Ok(found
        .judge(&shown(&path), rustix::process::geteuid().is_root())
        .with("uses", found.uses.len())
        .with("first", found.uses.iter().take(NAMED).cloned().collect::<Vec<_>>())
        .with("processes", processes.looked)
        .with("not_permitted", found.closed.len())
        .with("how", target.how())
        .with("lease", lease.map(told)))
}

/// Asks the kernel. A probe of another check that reads the file meanwhile keeps the lease from being given: then again,
/// when it has ended or some time later.
fn ask_for_lease(held: &Held, patient: bool, progress: &Progress) -> Lease {
    let siblings = Siblings::new();
    let until = Instant::now() + PATIENCE;
    let mut quiet = 0;
    while Instant::now() < until {
        let before = siblings.wait(Duration::ZERO);
        let lease = {
            let _turn = siblings.turn(until);
            // Closed again before anybody is waited for.
            match held.open() {
                Ok(file) => lease::ask(&file),
                Err(error) => Lease::Unknown(place::why(&error.into())),
            }
        };
        // One that came and went in between is not seen: twice is sure.
        quiet = if before || siblings.wait(AWHILE) { 0 } else { quiet + 1 };
        if lease == Lease::Alone || !patient || quiet == 2 {
            return lease;
        }
        progress.step();
    }
    Lease::Unknown("another check is reading it".to_owned())
}

/// What the kernel said, for the evidence.
fn told(lease: Lease) -> String {
    match lease {
        Lease::Alone => "given: nobody else has it open".to_owned(),
        Lease::Others => "refused: somebody has it open".to_owned(),
        Lease::Unknown(why) => why,
    }
}

/// What was found.
#[derive(Debug, Default)]
struct Found {
    /// Each a sentence that ends before the path's name: `dd (pid 7, user root) has it open`.
    uses: Vec<String>,
    /// Processes that may not be looked into, each as people know it.
    closed: Vec<String>,
    /// What else keeps this from being an answer.
    hindrances: Vec<String>,
    /// The kernel itself said that nobody has it open.
    answered_by_kernel: bool,
}

impl Found {
    fn used(&mut self, how: String) {
        if !self.uses.contains(&how) {
            self.uses.push(how);
        }
    }

    fn hindered(&mut self, why: String) {
        if !self.hindrances.contains(&why) {
            self.hindrances.push(why);
        }
    }

    /// The kernel's word counts for every process, those included that may not be looked into.
    fn leased(&mut self, lease: &Lease) {
        match lease {
            Lease::Alone => self.answered_by_kernel = true,
            Lease::Others if self.uses.is_empty() => {
                self.used(
                    "somebody who cannot be seen from here has it open (the kernel says so)".to_owned(),
                );
            }
            Lease::Others | Lease::Unknown(_) => {}
        }
    }

    /// A use is a use, whatever else could not be looked at.
    fn judge(&self, path: &str, root: bool) -> Finding {
        if let [first, more @ ..] = self.uses.as_slice() {
            let more = match more.len() {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            return Finding::fails(format!("{path} is in use: {first}{more}"));
        }
        if self.answered_by_kernel {
            return Finding::holds(format!("nobody uses {path}"));
        }
        if let [first, more @ ..] = self.closed.as_slice() {
            let more = match more.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let advice = if root {
                "not be looked into, even by root: this is a container, or root is kept from it"
            } else {
                "not be looked into: ask as root"
            };
            return Finding::error(format!("nobody is seen to use {path}, but {first}{more} may {advice}"));
        }
        match self.hindrances.first() {
            Some(why) => Finding::error(format!("cannot tell whether {path} is in use: {why}")),
            None => Finding::holds(format!("nobody uses {path}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Verdict;

    #[test]
    fn a_use_is_a_no_and_a_closed_door_no_answer() {
        let judged_as = |found: &Found, root: bool| {
            let finding = found.judge("/a.img", root);
            (finding.verdict, finding.detail)
        };
        let judged = |found: &Found| judged_as(found, false);
        let mut found = Found::default();
        assert_eq!(judged(&found), (Verdict::Holds, "nobody uses /a.img".to_owned()));
        found.hindrances.push("no /proc".to_owned());
        assert_eq!(
            judged(&found),
            (Verdict::Error, "cannot tell whether /a.img is in use: no /proc".to_owned())
        );
        found.closed = vec!["init (pid 1, user root)".to_owned()];
        let ask =
            "nobody is seen to use /a.img, but init (pid 1, user root) may not be looked into: ask as root";
        assert_eq!(judged(&found), (Verdict::Error, ask.to_owned()));
        found.closed.push("db (pid 7, user db)".to_owned());
        let ask = "nobody is seen to use /a.img, but init (pid 1, user root) and 1 more may not be looked into, \
                   even by root: this is a container, or root is kept from it";
        assert_eq!(judged_as(&found, true).1, ask);
        found.leased(&Lease::Unknown(String::new()));
        assert_eq!(judged(&found).0, Verdict::Error);
        found.leased(&Lease::Alone);
        assert_eq!(judged(&found).0, Verdict::Holds, "the kernel answers for all of them");
        let mut hidden = Found::default();
        hidden.leased(&Lease::Others);
        assert_eq!(judged(&hidden).0, Verdict::Fails);
        found.used("qemu-nbd (pid 4242, user root) has it open".to_owned());
        found.used("qemu-nbd (pid 4242, user root) has it open".to_owned());
        let used = "/a.img is in use: qemu-nbd (pid 4242, user root) has it open";
        assert_eq!(judged(&found), (Verdict::Fails, used.to_owned()));
        found.used("it is swapped on".to_owned());
        assert_eq!(judged(&found).1, format!("{used}, and 1 more"));
    }
}
