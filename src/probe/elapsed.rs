//! `elapsed`: has a step been done for long enough? PURE: the present is an argument.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::id::StepId;
use crate::session::{Answer, Verdict};
use crate::time::{Moment, in_words};

/// The answer now.
pub(super) fn answer(since: &StepId, done: Moment, at_least: Duration, now: Moment) -> Answer {
    let (verdict, detail) = match done.age(now) {
        None => (
            Verdict::Error,
            format!("by this machine's clock `{since}` is yet to be done: its clock was set, or is wrong"),
        ),
        Some(age) if age >= at_least => (Verdict::Holds, format!("`{since}` was done {} ago", in_words(age))),
        Some(age) => (
            Verdict::Fails,
            format!(
                "`{since}` was done {} ago; {} more until it is {}",
                in_words(age),
                in_words(at_least.saturating_sub(age).max(Duration::from_secs(1))),
                in_words(at_least)
            ),
        ),
    };
    Answer { verdict, detail, began: now, took: 0, tries: 1, evidence: BTreeMap::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn by_the_clock_that_cannot_be_set() {
        let at = |up: u64, boot: u32| Moment { at: Timestamp::from_millis(0), up, boot };
        let of = |done, now| answer(&"switch".into(), done, Duration::from_mins(1), now);
        assert_eq!(of(at(0, 0), at(60_000, 0)).verdict, Verdict::Holds);
        let early = of(at(0, 0), at(59_999, 0));
        assert_eq!(early.verdict, Verdict::Fails);
        assert_eq!(early.detail, "`switch` was done 59 s ago; 1 s more until it is 1 min");
        assert_eq!(of(at(5, 0), at(0, 0)).verdict, Verdict::Error);
    }
}
