//! Whose turn it is: which askings may be under way side by side. PURE.
//!
//! A check that asks whether a thing is in use must not take for a user the script of another check that reads it in the
//! same breath: it waits until those have ended, and they wait for it.

use std::collections::{BTreeMap, VecDeque};

use crate::id::CheckId;
use crate::runbook::Look;
use crate::session::next::{Ask, ReadyProbe};

/// Single tries under way at once, of all checks together; of one check `jobs` says how many.
const AT_ONCE: usize = 32;

/// Askings that `wait`, under way at once: they mostly sleep.
const PATIENT_AT_ONCE: usize = 32;

/// Askings that wait for their turn, and those under way, each by its tag.
#[derive(Debug)]
pub struct Turns<T> {
    waiting: VecDeque<(T, Box<Ask>)>,
    under_way: BTreeMap<T, Kind>,
}

/// What matters of an asking to the others.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kind {
    check: CheckId,
    jobs: usize,
    /// It tries until it holds.
    patient: bool,
    manner: Manner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Runs a script, which may open anything.
    Script,
    /// Asks who has a thing open.
    Use,
    Other,
}

impl Kind {
    fn of(ask: &Ask) -> Self {
        let manner = match &ask.probe {
            ReadyProbe::Run { .. } => Manner::Script,
            ReadyProbe::Look(look) if matches!(**look, Look::NotInUse(_)) => Manner::Use,
            _ => Manner::Other,
        };
        Self {
            check: ask.check.clone(),
            jobs: usize::try_from(ask.jobs).unwrap_or(usize::MAX),
            patient: ask.wait.is_some(),
            manner,
        }
    }

    /// Must not be under way beside one that asks who uses a thing. One that tries for hours cannot be waited for.
    fn is_quick_script(&self) -> bool {
        self.manner == Manner::Script && !self.patient
    }
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), under_way: BTreeMap::new() }
    }
}

impl<T: Ord + Clone> Turns<T> {
    /// One more waits.
    pub fn wait(&mut self, tag: T, ask: Box<Ask>) {
        self.waiting.push_back((tag, ask));
    }

    /// The next one that may begin; it is under way from here on.
    pub fn begin_next(&mut self) -> Option<(T, Box<Ask>)> {
        let place =
            (0..self.waiting.len()).find(|place| self.may_begin(&Kind::of(&self.waiting[*place].1)))?;
        let (tag, ask) = self.waiting.remove(place)?;
        self.under_way.insert(tag.clone(), Kind::of(&ask));
        Some((tag, ask))
    }

    fn may_begin(&self, kind: &Kind) -> bool {
        let busy = |fits: &dyn Fn(&Kind) -> bool| self.under_way.values().filter(|of| fits(of)).count();
        let room = if kind.patient { PATIENT_AT_ONCE } else { AT_ONCE };
        if busy(&|of| of.patient == kind.patient) >= room || busy(&|of| of.check == kind.check) >= kind.jobs {
            return false;
        }
        match kind.manner {
            Manner::Script if !kind.patient => busy(&|of| of.manner == Manner::Use) == 0,
            Manner::Use => {
                let waits = || self.waiting.iter().any(|(_, ask)| Kind::of(ask).is_quick_script());
                busy(&Kind::is_quick_script) == 0 && !waits()
            }
            Manner::Script | Manner::Other => true,
        }
    }

    /// It has its answer, or was given up.
    pub fn over(&mut self, tag: &T) {
        self.under_way.remove(tag);
    }

    /// Those that wait are not asked any more, where `of` says so.
    pub fn forget(&mut self, of: impl Fn(&T) -> bool) {
        self.waiting.retain(|(tag, _)| !of(tag));
    }

    /// Does none wait?
    #[must_use]
    pub fn none_waits(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::values::ScriptCall;
    use crate::runbook::{Expect, OfPath, Wait};
    use std::time::Duration;

    fn ask(check: &str, probe: ReadyProbe, jobs: u32) -> Box<Ask> {
        Box::new(Ask { check: check.into(), item: None, probe, timeout: None, jobs, wait: None })
    }

    fn script() -> ReadyProbe {
        let call = ScriptCall {
            argv: Vec::new(),
            env: BTreeMap::new(),
            dir: None,
            secrets: Vec::new(),
            secret_env: BTreeMap::new(),
        };
        ReadyProbe::Run { call, expect: Expect::default() }
    }

    fn in_use() -> ReadyProbe {
        ReadyProbe::Look(Box::new(Look::NotInUse(OfPath { path: "/a".to_owned() })))
    }

    /// Which begin now.
    fn begin(turns: &mut Turns<u32>) -> Vec<u32> {
        std::iter::from_fn(|| turns.begin_next().map(|(tag, _)| tag)).collect()
    }

    #[test]
    fn of_one_check_no_more_than_its_jobs() {
        let mut turns = Turns::default();
        (0..5).for_each(|tag| turns.wait(tag, ask("a", script(), 2)));
        turns.wait(9, ask("b", script(), 8));
        assert_eq!(begin(&mut turns), [0, 1, 9]);
        turns.over(&1);
        assert_eq!(begin(&mut turns), [2]);
    }

    #[test]
    fn who_asks_for_users_is_asked_when_no_script_of_a_check_runs() {
        let mut turns = Turns::default();
        turns.wait(0, ask("idle", in_use(), 8));
        turns.wait(1, ask("reads", script(), 8));
        turns.wait(2, ask("reads-too", script(), 8));
        assert_eq!(begin(&mut turns), [1, 2]);
        turns.over(&1);
        assert_eq!(begin(&mut turns), [] as [u32; 0]);
        turns.over(&2);
        assert_eq!(begin(&mut turns), [0]);
        turns.wait(3, ask("late", script(), 8));
        assert_eq!(begin(&mut turns), [] as [u32; 0], "it waits in its turn");
        turns.over(&0);
        assert_eq!(begin(&mut turns), [3]);
    }

    #[test]
    fn one_that_tries_for_hours_holds_nobody_up() {
        let mut turns = Turns::default();
        let wait = Wait { up_to: Duration::from_hours(2), every: Duration::from_secs(5), steady: None };
        turns.wait(0, Box::new(Ask { wait: Some(wait), ..*ask("waits", script(), 8) }));
        turns.wait(1, ask("idle", in_use(), 8));
        assert_eq!(begin(&mut turns), [0, 1]);
        turns.forget(|_| true);
        assert!(turns.none_waits());
    }
}
