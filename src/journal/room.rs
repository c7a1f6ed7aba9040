//! How much may still be written where a journal lies. SHELL: asks the file system.
//!
//! A full disk is met with some room left: whoever begins something that destroys must be able to record how it ended.

use std::path::Path;

/// With less than this free nothing that destroys is started, bytes.
pub const LEAST: u64 = 64 << 20;

/// What an ordinary user may still write on the file system of `dir`; `None` where it does not say.
#[must_use]
pub fn free(dir: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(dir).ok()?;
    // Some (network file systems, mostly) do not say how large they are; of those nothing is known.
    (found.f_blocks > 0).then(|| found.f_bavail.saturating_mul(found.f_frsize))
}

/// Why nothing that destroys may start, in a sentence, where so much is free.
#[must_use]
pub fn too_little(free: u64) -> Option<String> {
    let mib = |bytes: u64| bytes >> 20;
    (free < LEAST).then(|| {
        format!(
            "only {} MiB are free where this session's log is kept, and nothing that destroys is started below {} MiB: what \
             comes of it could not be recorded. Free some space there and ask again",
            mib(free),
            mib(LEAST)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn j21_the_bound_is_64_mib_to_the_byte() {
        assert_eq!(too_little(LEAST), None);
        let why = too_little(LEAST - 1).unwrap();
        assert!(why.starts_with("only 63 MiB are free"), "{why}");
        assert!(why.contains("below 64 MiB"), "{why}");
        assert!(too_little(0).is_some());
    }

    #[test]
    fn a_file_system_says_how_much_is_free() {
        assert!(free(Path::new("/")).is_some());
        assert_eq!(free(Path::new("/no/such/place")), None);
        // Of no size, and not full either.
        assert_eq!(free(Path::new("/proc")), None);
    }
}
