//! How far checks are that are being asked, as lines: often enough to show life, seldom enough to be read. PURE.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::id::CheckId;
use crate::session::{Entry, Event, HowFar};
use crate::text::clean;
use crate::wire::FromHost;

/// Nothing is said of what answers sooner.
const FIRST: Duration = Duration::from_secs(2);

/// From one line to the next, of one item of a check.
const EVERY: Duration = Duration::from_secs(10);

/// When each item of a check is to be spoken of next.
#[derive(Debug, Default)]
pub struct Far(BTreeMap<(CheckId, Option<String>), Instant>);

impl Far {
    /// What is to be said of a message of the host; `None`: nothing, or nothing yet.
    pub fn line(&mut self, message: &FromHost, now: Instant) -> Option<String> {
        let FromHost::Asking { check, item, far } = message else { return None };
        self.looked(check, item.as_deref(), far, now)
    }

    /// What is to be said now of a check that is this far; `None`: nothing yet.
    pub fn looked(
        &mut self,
        check: &CheckId,
        item: Option<&str>,
        far: &HowFar,
        now: Instant,
    ) -> Option<String> {
        let due = self.0.entry((check.clone(), item.map(str::to_owned))).or_insert(now + FIRST);
        if now < *due {
            return None;
        }
        *due = now + EVERY;
        let of = item.map(|item| format!(" ({})", clean(item))).unwrap_or_default();
        Some(format!("asking {check}{of}: {} …", clean(&far.in_words())))
    }

    /// What has its answer is news when it is asked again.
    pub fn hear(&mut self, entry: &Entry) {
        match &entry.event {
            Event::CheckAnswered { check, item, .. } => {
                self.0.remove(&(check.clone(), item.clone()));
            }
            Event::CheckDropped { check } => self.0.retain(|(of, _), _| of != check),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_speaks_after_two_seconds_and_then_every_ten() {
        let (mut far, begun) = (Far::default(), Instant::now());
        let check = CheckId::from("backup");
        let looked = HowFar { entries: 31_204, bytes: 6_100_000, ..HowFar::default() };
        let said: Vec<u64> = (0..30)
            .filter(|s| far.looked(&check, None, &looked, begun + Duration::from_secs(*s)).is_some())
            .collect();
        assert_eq!(said, [2, 12, 22]);
        far.0.clear();
        assert_eq!(far.looked(&check, None, &looked, begun), None);
        let line = far.looked(&check, None, &looked, begun + FIRST).unwrap();
        assert_eq!(line, "asking backup: 31,204 looked at, 6.1 MB read …");
    }
}
