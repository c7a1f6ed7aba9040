//! `not_in_use`: has nobody got it open, mapped, mounted or behind a device? SHELL. Never writes.
//!
//! `/proc` names who has a thing open. Besides, the kernel itself is asked: by a lease on a file, by an exclusive open of a
//! block device. Where neither the kernel answers nor every process can be looked into there is no answer.

mod lease;
mod processes;
mod system;
mod target;

use rustix::fs::FileType;

use crate::runbook::OfPath;

use super::devices::Devices;
use super::look::{Finding, shown};
use super::mounts;
use super::place;
use super::progress::Progress;
use lease::Lease;
use processes::Processes;
use target::Target;

/// So many uses are named; all are counted.
const NAMED: usize = 20;

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
    let devices = Devices::default();
    let table = std::path::Path::new("/proc/self/mountinfo");
    let mounts = mounts::all().map_err(|error| place::cannot("read", table, error))?;
    let target = Target::of(&path, &held, &mounts, &devices)?;
    let mut found = Found::default();
    system::look(&target, &mounts, &devices, &mut found);
    let mut processes = Processes::new(&mounts);
    processes.look(&target, progress, &mut found);
    let lease = matches!(target, Target::File { .. }).then(|| match held.open() {
        Ok(file) => lease::ask(&file),
        Err(error) => Lease::Unknown(place::cannot_words("open", &path, error)),
    });
    if let Some(lease) = &lease {
        found.leased(lease);
    }
    Ok(found
        .judge(&shown(&path))
        .with("uses", found.uses.len())
        .with("first", found.uses.iter().take(NAMED).cloned().collect::<Vec<_>>())
        .with("processes", processes.looked)
        .with("not_permitted", found.closed)
        .with("how", target.how())
        .with("lease", lease.map(told)))
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
    /// Processes that may not be looked into.
    closed: u64,
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
    fn judge(&self, path: &str) -> Finding {
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
        if self.closed > 0 {
            let (count, s) = (self.closed, if self.closed == 1 { "" } else { "es" });
            return Finding::error(format!(
                "nobody is seen to use {path}, but {count} process{s} of others may not be looked into: ask as root"
            ));
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
        let judged = |found: &Found| {
            let finding = found.judge("/a.img");
            (finding.verdict, finding.detail)
        };
        let mut found = Found::default();
        assert_eq!(judged(&found), (Verdict::Holds, "nobody uses /a.img".to_owned()));
        found.hindrances.push("no /proc".to_owned());
        assert_eq!(
            judged(&found),
            (Verdict::Error, "cannot tell whether /a.img is in use: no /proc".to_owned())
        );
        found.closed = 3;
        let ask =
            "nobody is seen to use /a.img, but 3 processes of others may not be looked into: ask as root";
        assert_eq!(judged(&found), (Verdict::Error, ask.to_owned()));
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
