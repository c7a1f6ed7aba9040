//! The outputs of a step: every attempt, every item, every stream, in the order in which they were written. PURE.

use std::collections::BTreeSet;

use crate::session::state::{Phase, Progress, Try};
use crate::tui::app::App;
use crate::wire::messages::{OutputFile, Stream};

use super::stream_name;

/// The step whose command was started last. `None`: none was started yet.
#[must_use]
pub fn newest(app: &App) -> Option<usize> {
    let last = |place: &usize| app.session.steps[*place].tries.last().map(|one| one.attempt);
    (0..app.session.steps.len()).filter(|place| last(place).is_some()).max_by_key(last)
}

/// An output of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Which file.
    pub of: OutputFile,
    /// What people call it.
    pub label: String,
    /// The item it is of; empty where there are none.
    pub item: String,
    /// What became of its command, in a word.
    pub end: &'static str,
}

/// The outputs of the selected step, oldest first.
#[must_use]
pub fn of_step(app: &App) -> Vec<Listed> {
    let place = app.selected;
    let Some((step, model)) = app.session.steps.get(place).zip(app.session.runbook.steps.get(place)) else {
        return Vec::new();
    };
    let apart = model.capture.is_some();
    let streams: &[Stream] = if apart { &[Stream::Output, Stream::Errors] } else { &[Stream::Output] };
    let attempts: BTreeSet<u32> = step.tries.iter().map(|one| one.attempt).collect();
    let mut files = Vec::new();
    for one in &step.tries {
        for stream in streams {
            let mut parts = Vec::new();
            if attempts.len() > 1 {
                let nth = attempts.range(..=one.attempt).count();
                parts.push(format!("attempt {nth}{}", if one.undo { " (undo)" } else { "" }));
            }
            parts.extend(one.item.as_ref().map(|(_, item)| item.clone()));
            if apart || parts.is_empty() {
                parts.push(stream_name(*stream).to_owned());
            }
            files.push(Listed {
                of: OutputFile {
                    attempt: one.attempt,
                    item: one.item.as_ref().map(|(index, _)| *index),
                    stream: *stream,
                },
                label: parts.join(" · "),
                item: one.item.as_ref().map(|(_, item)| item.clone()).unwrap_or_default(),
                end: end_of(app, one),
            });
        }
    }
    files
}

fn end_of(app: &App, one: &Try) -> &'static str {
    let running = match &app.session.steps[app.selected].progress {
        Progress::Running(running) => {
            running.phase == Phase::Working
                && running.attempt == one.attempt
                && one.item.as_ref().is_none_or(|(index, _)| *index == running.next_item)
        }
        _ => false,
    };
    match one.well {
        _ if running => "running",
        Some(true) => "done",
        Some(false) => "failed",
        None => "",
    }
}

/// Does nothing write into this output any more?
#[must_use]
pub fn is_over(app: &App, of: &OutputFile) -> bool {
    let Some(step) = app.session.steps.get(app.selected) else { return true };
    match &step.progress {
        Progress::Running(running) => {
            running.attempt != of.attempt || of.item.is_some_and(|item| item != running.next_item)
        }
        _ => true,
    }
}

/// Which of how many items an output is of, counted from 1; items that were not begun yet count too.
#[must_use]
pub fn item_of(app: &App, of: &OutputFile) -> Option<(u32, usize)> {
    let model = app.session.runbook.steps.get(app.selected)?;
    let items = crate::session::view::items_of(&app.session, model.for_each.as_ref()?).ok()?;
    let item = of.item.filter(|item| usize::try_from(*item).is_ok_and(|item| item < items.len()))?;
    Some((item + 1, items.len()))
}

/// The output of the attempt before or after the one at `from`: of the same item where there is one.
#[must_use]
pub fn of_other_attempt(outputs: &[Listed], from: usize, after: bool) -> Option<usize> {
    let here = outputs.get(from)?;
    let beyond = |other: &&(usize, &Listed)| {
        let (one, now) = (other.1.of.attempt, here.of.attempt);
        if after { one > now } else { one < now }
    };
    let nearest = |found: &mut dyn Iterator<Item = (usize, &Listed)>| {
        found
            .min_by_key(|(place, one)| (one.of.attempt.abs_diff(here.of.attempt), *place))
            .map(|(place, _)| place)
    };
    let all: Vec<(usize, &Listed)> = outputs.iter().enumerate().collect();
    let same = |one: &&(usize, &Listed)| one.1.item == here.item && one.1.of.stream == here.of.stream;
    nearest(&mut all.iter().filter(beyond).filter(same).copied())
        .or_else(|| nearest(&mut all.iter().filter(beyond).copied()))
}

/// What stands beside the output at `chosen`: the same of the attempt before, else the one before it in the list, else the
/// one after.
#[must_use]
pub fn beside(outputs: &[Listed], chosen: usize) -> Option<usize> {
    let here = outputs.get(chosen)?;
    let before = of_other_attempt(outputs, chosen, false).filter(|place| outputs[*place].item == here.item);
    before.or_else(|| chosen.checked_sub(1)).or_else(|| (outputs.len() > 1).then_some(1))
}
