//! Steps that take longer than they were to (`expect_within`), as lines for those who have no screen. PURE.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::session::{Session, view};
use crate::text::clean;
use crate::time::{Moment, in_words};

/// What has been said of each late step: once when its time is over, and again each time that time has passed once more.
#[derive(Debug, Default)]
pub struct Late(BTreeMap<usize, u32>);

impl Late {
    /// What is to be said now.
    pub fn lines(&mut self, session: &Session, now: Moment) -> Vec<String> {
        let mut lines = Vec::new();
        let mut still = BTreeMap::new();
        for place in 0..session.steps.len() {
            let Some((times, by, limit)) = late(session, place, now) else { continue };
            if self.0.get(&place).is_none_or(|said| *said < times) {
                let title = view::filled(session, &session.runbook.steps[place].title);
                lines.push(format!(
                    "LATE: {} {} was to take {}; it is late by {}",
                    place + 1,
                    clean(&title),
                    in_words(limit),
                    in_words(by)
                ));
            }
            still.insert(place, times);
        }
        self.0 = still;
        lines
    }

    /// How long until a step becomes late, or has been for its time once more; `None`: none will.
    #[must_use]
    pub fn due(&self, session: &Session, now: Moment) -> Option<Duration> {
        let steps = 0..session.steps.len();
        steps
            .filter_map(|place| {
                let (limit, age) = running(session, place, now)?;
                let next = limit.checked_mul(times(age, limit) + 1)?;
                Some(next.saturating_sub(age))
            })
            .min()
    }
}

/// The limit and the age of a running step that has a limit.
fn running(session: &Session, place: usize, now: Moment) -> Option<(Duration, Duration)> {
    let limit = session.runbook.steps[place].expect_within.filter(|limit| !limit.is_zero())?;
    let step = &session.steps[place];
    matches!(step.progress, crate::session::Progress::Running(_)).then_some(())?;
    Some((limit, step.started?.age(now)?))
}

/// How many times its time has passed, by how much it is late, and what its time was.
fn late(session: &Session, place: usize, now: Moment) -> Option<(u32, Duration, Duration)> {
    let (limit, age) = running(session, place, now)?;
    let times = times(age, limit);
    (times > 0).then(|| (times, age.saturating_sub(limit), limit))
}

fn times(age: Duration, limit: Duration) -> u32 {
    u32::try_from(age.as_millis() / limit.as_millis().max(1)).unwrap_or(u32::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::bench::Bench;

    #[test]
    fn it_is_said_when_the_time_is_over_and_again_each_time_it_has_passed_once_more() {
        let mut bench =
            Bench::new("steps:\n  - { id: ask, title: Ask the provider, run: x, expect_within: 4h }\n");
        bench.run("ask").unwrap();
        let mut told = Late::default();
        assert_eq!(told.due(&bench.session, bench.now), Some(Duration::from_hours(4)));
        bench.later(Duration::from_hours(4) - Duration::from_secs(1));
        assert!(told.lines(&bench.session, bench.now).is_empty());
        bench.later(Duration::from_secs(61));
        let line = "LATE: 1 Ask the provider was to take 4 h 00 min; it is late by 1 min";
        assert_eq!(told.lines(&bench.session, bench.now), [line]);
        assert!(told.lines(&bench.session, bench.now).is_empty(), "once is enough");
        assert_eq!(
            told.due(&bench.session, bench.now),
            Some(Duration::from_hours(4) - Duration::from_mins(1))
        );
        bench.later(Duration::from_hours(4));
        assert_eq!(told.lines(&bench.session, bench.now).len(), 1);
        bench.exits(0);
        assert!(told.lines(&bench.session, bench.now).is_empty());
        assert_eq!(told.due(&bench.session, bench.now), None);
    }
}
