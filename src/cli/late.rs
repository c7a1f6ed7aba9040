//! Steps that take longer than they were to (`expect_within`), as lines for those who have no screen. PURE.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::session::{Progress, Session, view};
use crate::text::clean;
use crate::time::{Moment, in_words};

/// What has been said of each late step: once when its time is over, and again when it has taken twice that, four times
/// that, and so on: often enough to be heard, and never a flood.
#[derive(Debug, Default)]
pub struct Late(BTreeMap<usize, Told>);

/// What was said of one start of a step.
#[derive(Clone, Copy, Debug)]
struct Told {
    /// The record that started it.
    start: u64,
    /// How often its time had doubled.
    doubled: u32,
}

/// Something to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// In a sentence.
    pub text: String,
    /// It was not said before of this start: the bell rings for it.
    pub first: bool,
}

impl Late {
    /// What is to be said now.
    pub fn lines(&mut self, session: &Session, now: Moment) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut still = BTreeMap::new();
        for place in 0..session.steps.len() {
            let Some((start, limit, age)) =
                running(session, place, now).filter(|(_, limit, age)| age >= limit)
            else {
                continue;
            };
            let doubled = doubled(age, limit);
            let before = self.0.get(&place).filter(|told| told.start == start);
            if before.is_none_or(|told| told.doubled < doubled) {
                let title = view::filled(session, &session.runbook.steps[place].title);
                let over = age.saturating_sub(limit);
                let by = if over < Duration::from_secs(1) {
                    "it is late from now on".to_owned()
                } else {
                    format!("it is late by {}", in_words(over))
                };
                let text =
                    format!("LATE: {} {} was to take {}; {by}", place + 1, clean(&title), in_words(limit));
                lines.push(Line { text, first: before.is_none() });
            }
            still.insert(place, Told { start, doubled });
        }
        self.0 = still;
        lines
    }

    /// How long until there is something to say; `None`: there will be nothing.
    #[must_use]
    pub fn due(&self, session: &Session, now: Moment) -> Option<Duration> {
        let steps = 0..session.steps.len();
        steps
            .filter_map(|place| {
                let (_, limit, age) = running(session, place, now)?;
                let next = if age < limit { limit } else { limit.checked_mul(2 << doubled(age, limit))? };
                Some(next.saturating_sub(age))
            })
            .min()
    }
}

/// The record that started a running step that has a limit, the limit, and how long it has been running.
fn running(session: &Session, place: usize, now: Moment) -> Option<(u64, Duration, Duration)> {
    let limit = session.runbook.steps[place].expect_within.filter(|limit| !limit.is_zero())?;
    let step = &session.steps[place];
    let Progress::Running(running) = &step.progress else { return None };
    Some((running.start_n, limit, step.started?.age(now)?))
}

/// How often `limit` had to be doubled to be as long as `age`, which is no shorter: 0 from once, 1 from twice, 2 from four times.
fn doubled(age: Duration, limit: Duration) -> u32 {
    let times = age.as_millis() / limit.as_millis().max(1);
    times.max(1).ilog2().min(29)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::bench::Bench;

    #[test]
    fn it_is_said_when_the_time_is_over_and_again_whenever_it_has_doubled() {
        let mut bench =
            Bench::new("steps:\n  - { id: ask, title: Ask the provider, run: x, expect_within: 4h }\n");
        bench.run("ask").unwrap();
        let mut told = Late::default();
        assert_eq!(told.due(&bench.session, bench.now), Some(Duration::from_hours(4)));
        bench.later(Duration::from_hours(4) - Duration::from_secs(1));
        assert!(told.lines(&bench.session, bench.now).is_empty());
        bench.later(Duration::from_secs(61));
        let text = "LATE: 1 Ask the provider was to take 4 h 00 min; it is late by 1 min".to_owned();
        assert_eq!(told.lines(&bench.session, bench.now), [Line { text, first: true }]);
        assert!(told.lines(&bench.session, bench.now).is_empty(), "once is enough");
        assert_eq!(
            told.due(&bench.session, bench.now),
            Some(Duration::from_hours(4) - Duration::from_mins(1))
        );
        let mut said = Vec::new();
        for _ in 0..30 {
            bench.later(Duration::from_hours(1));
            let lines = told.lines(&bench.session, bench.now);
            assert!(lines.iter().all(|line| !line.first), "the bell has rung");
            said.extend(lines.into_iter().map(|line| line.text));
        }
        assert_eq!(said.len(), 3, "after 8, 16 and 32 hours: {said:?}");
        bench.exits(0);
        assert!(told.lines(&bench.session, bench.now).is_empty());
        assert_eq!(told.due(&bench.session, bench.now), None);
    }
}
