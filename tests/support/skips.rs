//! Tests that cannot be run here: they say so, and where none may be left out unseen they fail.

use std::path::Path;

/// Set where every test must be run: what was not installed is then a failure.
const NO_SKIP: &str = "ONBELAY_NO_SKIP";

/// A file into which every test that is left out writes a line, for the test runner hides what a test that passes says.
const SKIPPED: &str = "ONBELAY_SKIPPED";

/// What a kernel, or the container around it, may not offer, whatever is installed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Offer {
    /// Mounts and namespaces.
    Mounts,
    /// Loop devices.
    Loops,
    /// Tracing one's own children.
    Traces,
}

impl Offer {
    /// Is it there, as far as the machine itself says, and not the tool that has just failed?
    fn is_here(self) -> bool {
        // linux/capability.h: CAP_SYS_ADMIN.
        let may_administrate = effective_capabilities() & (1 << 21) != 0;
        match self {
            Self::Mounts => may_administrate,
            Self::Loops => may_administrate && Path::new("/dev/loop-control").exists(),
            Self::Traces => {
                let scope = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope");
                scope.map_or(true, |scope| scope.trim() != "3")
            }
        }
    }
}

fn effective_capabilities() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    u64::from_str_radix(line.trim(), 16).unwrap()
}

/// Says that a test is left out; fails it where that may not be.
pub(crate) fn skipped(test: &str, why: &str) {
    say(test, why);
    assert!(std::env::var_os(NO_SKIP).is_none(), "{test}: {why}, and {NO_SKIP} is set");
}

/// As [`skipped`], for what a machine may not have: it fails only where the machine has it.
pub(crate) fn not_offered(test: &str, offer: Offer, why: &str) {
    if offer.is_here() {
        skipped(test, why);
    } else {
        say(test, &format!("{why} (this machine offers no {offer:?})"));
    }
}

fn say(test: &str, why: &str) {
    use std::io::Write as _;
    let line = format!("SKIPPED: {test}: {why}\n");
    eprint!("{line}");
    if let Some(path) = std::env::var_os(SKIPPED) {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}
