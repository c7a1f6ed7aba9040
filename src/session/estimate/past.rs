//! What steps and checks took in earlier walks of the same runbook, or of one much like it. PURE.

use std::collections::HashMap;
use std::time::Duration;

use crate::runbook::{Check, ForEach, ListSource, Probe, Runbook, Step};
use crate::session::event::{How, Verdict, Work};
use crate::session::{Entry, Event, Session, view};
use crate::time::Moment;

/// What the steps and checks of a runbook took before: the median of the walks that were looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// By place in the walk; of one item where the step has items.
    steps: Vec<Option<Duration>>,
    /// By place in the runbook; of one item.
    checks: Vec<Option<Duration>>,
    walks: usize,
    /// How many items the list of each step that is known has; empty where nobody counted.
    items: Vec<Option<usize>>,
}

impl Past {
    /// As if walks had told this, by place, in seconds; 0: nothing.
    #[cfg(test)]
    pub(crate) fn told(steps: &[u64], checks: &[u64], walks: usize) -> Self {
        let known = |all: &[u64]| all.iter().map(|s| (*s > 0).then(|| Duration::from_secs(*s))).collect();
        Self { steps: known(steps), checks: known(checks), walks, items: Vec::new() }
    }

    /// What the step at `place` took, or one item of it. `None`: not known.
    #[must_use]
    pub fn step(&self, place: usize) -> Option<Duration> {
        self.steps.get(place).copied().flatten()
    }

    /// What one try of one item of the check at `place` took. `None`: not known.
    #[must_use]
    pub fn check(&self, place: usize) -> Option<Duration> {
        self.checks.get(place).copied().flatten()
    }

    /// Counts the items of each step whose time is known, for whoever looks often: until a value changes they are as many.
    /// Whoever asks without it has them counted at every look.
    pub fn count_items(&mut self, session: &Session) {
        let mut named = HashMap::new();
        let steps = session.runbook.steps.iter().enumerate();
        let count = |(place, model): (usize, &'_ Step)| {
            self.step(place)?;
            let each = model.for_each.as_ref()?;
            let count = || view::items_of(session, each).ok().map(|items| items.len());
            match &each.list {
                ListSource::Named(name) => *named.entry(name.clone()).or_insert_with(count),
                ListSource::Literal(_) => count(),
            }
        };
        self.items = steps.map(count).collect();
    }

    /// How many items the list of the step at `place` has now. `None`: it is not known yet.
    pub(super) fn items(&self, session: &Session, place: usize, each: &ForEach) -> Option<usize> {
        match self.items.get(place) {
            Some(counted) => *counted,
            None => view::items_of(session, each).ok().map(|items| items.len()),
        }
    }

    /// How many walks it comes from.
    #[must_use]
    pub fn walks(&self) -> usize {
        self.walks
    }
}

/// Gathers what earlier walks took, for one runbook.
#[derive(Debug)]
pub struct Gather<'a> {
    runbook: &'a Runbook,
    steps: Vec<Vec<Duration>>,
    checks: Vec<Vec<Duration>>,
    walks: usize,
}

impl<'a> Gather<'a> {
    /// Nothing gathered yet.
    #[must_use]
    pub fn new(runbook: &'a Runbook) -> Self {
        let (steps, checks) = (runbook.steps.len(), runbook.checks.len());
        Self { runbook, steps: vec![Vec::new(); steps], checks: vec![Vec::new(); checks], walks: 0 }
    }

    /// How many walks have told something.
    #[must_use]
    pub fn walks(&self) -> usize {
        self.walks
    }

    /// Takes in another walk: its runbook, and its records from the first one on. Of each step its last good attempt
    /// counts, by the hands that would do it today; of a check the median of its answers.
    pub fn walk(&mut self, other: &Runbook, entries: &[Entry]) {
        let seen = Walked::of(other, entries);
        let mut told = false;
        for (samples, model) in self.steps.iter_mut().zip(&self.runbook.steps) {
            let there = seen.steps.get(model.id.as_str());
            if let Some((theirs, took)) = there.filter(|(theirs, _)| same_step(model, theirs))
                && (model.run.is_some() == theirs.run.is_some())
            {
                samples.push(*took);
                told = true;
            }
        }
        for (samples, model) in self.checks.iter_mut().zip(&self.runbook.checks) {
            let Some((theirs, took)) = seen.checks.get(model.id.as_str()) else { continue };
            if same_check(model, theirs)
                && let Some(took) = median(took.clone())
            {
                samples.push(took);
                told = true;
            }
        }
        self.walks += usize::from(told);
    }

    /// What it comes to.
    #[must_use]
    pub fn finish(self) -> Past {
        Past {
            steps: self.steps.into_iter().map(median).collect(),
            checks: self.checks.into_iter().map(median).collect(),
            walks: self.walks,
            items: Vec::new(),
        }
    }
}

/// Is it the same step, as far as its time goes? By the same id, with the same script or the same title.
#[must_use]
pub fn same_step(one: &Step, other: &Step) -> bool {
    let scripts = one.run.as_ref().zip(other.run.as_ref());
    one.id == other.id
        && (one.title == other.title || scripts.is_some_and(|(one, other)| one.text == other.text))
}

fn same_check(one: &Check, other: &Check) -> bool {
    let scripts = match (&one.probe, &other.probe) {
        (Probe::Run { script: one, .. }, Probe::Run { script: other, .. }) => one.text == other.text,
        (Probe::Look(_), Probe::Look(_)) => one.probe == other.probe,
        _ => false,
    };
    one.is_automatic() && other.is_automatic() && (one.title == other.title || scripts)
}

/// What one walk tells.
struct Walked<'a> {
    /// What each step's last good attempt took, or one item of it.
    steps: HashMap<&'a str, (&'a Step, Duration)>,
    /// What each answer of a check took, errors left out: they tell of something else.
    checks: HashMap<&'a str, (&'a Check, Vec<Duration>)>,
}

impl<'a> Walked<'a> {
    fn of(runbook: &'a Runbook, entries: &[Entry]) -> Self {
        let steps: HashMap<&str, &Step> = runbook.steps.iter().map(|step| (step.id.as_str(), step)).collect();
        let models: HashMap<&str, &Check> =
            runbook.checks.iter().map(|check| (check.id.as_str(), check)).collect();
        let mut walked = Self { steps: HashMap::new(), checks: HashMap::new() };
        let mut open: HashMap<&'a str, (Moment, usize)> = HashMap::new();
        let mut boot = 0;
        for entry in entries {
            let now = |boot| Moment { at: entry.at, up: entry.up, boot };
            match &entry.event {
                Event::HostStarted { boot: counted, .. } => boot = *counted,
                Event::StepStarted { step, work, how, items, .. } => {
                    let Some(model) = steps.get(step.as_str()) else { continue };
                    // A script's time says nothing of a person who did it by hand, nor the other way round.
                    let usual = if model.run.is_some() { How::Script } else { How::Person };
                    open.remove(model.id.as_str());
                    if *work == Work::Run && *how == usual {
                        open.insert(model.id.as_str(), (now(boot), items.len().max(1)));
                    }
                }
                Event::StepSettled { step, ok, work, .. } => {
                    let Some(model) = steps.get(step.as_str()) else { continue };
                    let began = open.remove(model.id.as_str());
                    let took = began
                        .and_then(|(began, items)| Some((began.age(now(boot))?, u32::try_from(items).ok()?)));
                    if let Some((took, items)) = took.filter(|_| *ok && *work == Work::Run) {
                        // Said in one go, it took no time that would tell anyone something.
                        if model.run.is_some() || took >= Duration::from_secs(1) {
                            walked.steps.insert(model.id.as_str(), (model, took / items));
                        }
                    }
                }
                Event::Interrupted { step, .. } | Event::NeverStarted { step, .. } => {
                    open.remove(step.as_str());
                }
                Event::CheckAnswered { check, answer, .. } if answer.verdict != Verdict::Error => {
                    if let Some(model) = models.get(check.as_str()) {
                        let took = &mut walked
                            .checks
                            .entry(model.id.as_str())
                            .or_insert_with(|| (*model, Vec::new()))
                            .1;
                        took.push(Duration::from_millis(answer.took));
                    }
                }
                _ => {}
            }
        }
        walked
    }
}

/// The middle one; of an even number the mean of the two in the middle.
pub(super) fn median(mut lengths: Vec<Duration>) -> Option<Duration> {
    lengths.sort_unstable();
    let upper = *lengths.get(lengths.len() / 2)?;
    if lengths.len() % 2 == 1 {
        return Some(upper);
    }
    lengths.get(lengths.len() / 2 - 1).map(|lower| (*lower + upper) / 2)
}
