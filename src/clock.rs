//! The one place that reads the clocks of the machine, and its name. SHELL. It must not know what they are for.

use std::sync::OnceLock;
use std::time::Duration;

use crate::failpoint;
use crate::session::Session;
use crate::time::{Moment, Timestamp};

/// UTC, to the millisecond.
#[must_use]
pub fn utc() -> Timestamp {
    chrono::Utc::now().into()
}

/// The machine's name, as the kernel has it.
#[must_use]
pub fn machine() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Milliseconds since the machine booted, suspend included.
#[must_use]
pub fn up() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let began = failpoint::length("boot-began", Duration::ZERO);
    Duration::try_from(time)
        .map_or(0, |d| u64::try_from(d.saturating_sub(began).as_millis()).unwrap_or(u64::MAX))
}

/// The kernel's id of this boot; empty where it does not tell.
#[must_use]
pub fn boot_id() -> &'static str {
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(|| {
        failpoint::word("boot-id").unwrap_or_else(|| {
            std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
                .map_or_else(|_| String::new(), |t| t.trim().to_owned())
        })
    })
}

/// Now, by both clocks; `boot` counts boots of this session's life.
#[must_use]
pub fn moment(boot: u32) -> Moment {
    Moment { at: utc(), up: up(), boot }
}

/// Now, as the session counts boots: a boot that its last host did not see is a new one.
#[must_use]
pub fn now(session: &Session) -> Moment {
    let boot = session.host.as_ref().map_or(0, |host| boot_after(host.boot, &host.boot_id, boot_id()));
    moment(boot)
}

/// The number of the present boot, when the last host was in boot `last` with id `last_id`.
#[must_use]
pub fn boot_after(last: u32, last_id: &str, present_id: &str) -> u32 {
    if !present_id.is_empty() && last_id == present_id { last } else { last.saturating_add(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_that_no_host_saw_is_a_new_one() {
        assert_eq!(boot_after(3, "a", "a"), 3);
        assert_eq!(boot_after(3, "a", "b"), 4);
        assert_eq!(boot_after(3, "", ""), 4, "an unknown boot is not taken for the same one");
    }

    #[test]
    fn the_clocks_run() {
        assert!(up() > 0);
        assert!(utc().millis() > 1_700_000_000_000);
        assert!(!boot_id().is_empty());
    }
}
