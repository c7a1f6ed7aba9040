//! What a new host does with what the last one left: the resume table of `design.md`, "Journal". PURE.
//!
//! By the last durable record of a step: no start record and same boot → not started; process alive → running, adopted;
//! outcome file → its outcome, recorded once; anything else → interrupted, and a person resolves it.

use crate::time::Moment;

use super::event::{Ended, How};
use super::state::{Phase, Running, StartRecord};
use super::{Event, Progress, Session};

/// What the attempt's directory and the kernel say about a command that was on record as started.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// No start record, and the start is now barred (the tombstone is in place).
    NoStart,
    /// Its runner (or its command) is alive.
    Alive,
    /// Its outcome file is there.
    Ended(Box<Ended>),
    /// Start record, process gone, no outcome. What is known, in a sentence.
    Gone(String),
}

/// A command that may still be under way: what the new host must look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loose {
    /// The attempt.
    pub attempt: u32,
    /// The item's index and text.
    pub item: Option<(u32, String)>,
    /// Was it started in an earlier boot of the machine?
    pub other_boot: bool,
    /// The record of its start.
    pub of: StartRecord,
    /// Place of its step in the walk.
    pub place: usize,
}

/// Every command that the journal says was started and does not say ended. Call before `HostStarted` is applied:
/// `boot_id` is the machine's now.
#[must_use]
pub fn loose(session: &Session, boot_id: &str) -> Vec<Loose> {
    // Not whether the last host saw another boot: that one may itself have ended before it looked.
    let present = session
        .host
        .as_ref()
        .map_or(0, |host| if host.boot_id == boot_id { host.boot } else { host.boot.saturating_add(1) });
    session
        .steps
        .iter()
        .enumerate()
        .filter_map(|(place, step)| match &step.progress {
            Progress::Running(running) if running.phase == Phase::Working && running.how == How::Script => {
                // Of its present command: an item may have been started in a later boot than its step.
                Some((place, running, running.began.boot != present))
            }
            _ => None,
        })
        .map(|(place, running, other_boot)| Loose {
            attempt: running.attempt,
            item: item_of(running),
            other_boot,
            of: running.began,
            place,
        })
        .collect()
}

/// The events that bring the session up to what was found, in order. `HostStarted` has been applied already.
#[must_use]
pub fn recover(session: &Session, found: &[(Loose, Found)], _now: Moment) -> Vec<Event> {
    let mut events: Vec<Event> =
        found.iter().filter_map(|(loose, found)| settle(session, loose, found)).collect();
    for (place, step) in session.steps.iter().enumerate() {
        if let Progress::Running(running) = &step.progress
            && matches!(running.phase, Phase::Retrying { .. })
        {
            events.push(Event::StepSettled {
                step: session.runbook.steps[place].id.clone(),
                attempt: running.attempt,
                work: running.work,
                ok: false,
                why: "it failed, and is not tried again by itself after the session's host started again"
                    .to_owned(),
            });
        }
    }
    events
}

fn settle(session: &Session, loose: &Loose, found: &Found) -> Option<Event> {
    let step = session.runbook.steps[loose.place].id.clone();
    let attempt = loose.attempt;
    match found {
        Found::Alive => None,
        Found::Ended(ended) => Some(ended_event(session, loose, (**ended).clone())),
        Found::NoStart if !loose.other_boot => Some(Event::NeverStarted {
            step,
            attempt,
            evidence: "its start was on record, but nothing was started: the session's host ended before"
                .to_owned(),
        }),
        Found::NoStart => Some(Event::Interrupted {
            step,
            attempt,
            evidence: "the machine restarted around its start; whether it ran is not known".to_owned(),
        }),
        Found::Gone(evidence) => Some(Event::Interrupted { step, attempt, evidence: evidence.clone() }),
    }
}

/// The event that records the end of a command, live or found afterwards.
#[must_use]
pub fn ended_event(session: &Session, loose: &Loose, ended: Ended) -> Event {
    let step = session.runbook.steps[loose.place].id.clone();
    match &loose.item {
        Some((_, item)) => {
            Event::ItemEnded { step, attempt: loose.attempt, item: item.clone(), ended: Box::new(ended) }
        }
        None => Event::WorkEnded { step, attempt: loose.attempt, ended: Box::new(ended) },
    }
}

fn item_of(running: &Running) -> Option<(u32, String)> {
    running.items.get(running.next_item as usize).map(|item| (running.next_item, item.clone()))
}
