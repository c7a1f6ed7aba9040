//! Where a walk stands, for people: what `status` prints without `--json`. PURE.

use std::time::Duration;

use crate::session::Requirement;
use crate::session::view::StepStatus;
use crate::text::clean;
use crate::time::{in_words, stopwatch};

use super::{LeftStatus, Status, StepLine, check_mark, check_word, step_mark, step_word};

/// For people: a line a step, what its gate lacks below it, then the checks. Outside text in it is cleaned.
#[must_use]
pub fn text(status: &Status) -> String {
    let mut lines = vec![clean(&status.runbook.title).into_owned()];
    lines.push(format!("session {} · {}", status.session, status.state));
    let people = status.people.iter().map(|who| format!("{} ({})", clean(&who.name), who.role));
    lines.push(format!("with {}", people.collect::<Vec<_>>().join(", ")));
    lines.extend(status.runbook.differs.as_deref().map(|differs| clean(differs).into_owned()));
    lines.extend(status.left.as_ref().and_then(left));
    lines.extend(status.room.as_ref().map(|room| clean(&room.why).into_owned()));
    for hold in &status.holds {
        lines.push(format!("⏸ hold by {}: {}", clean(&hold.by), clean(&hold.why)));
    }
    let mut phase = None;
    let next =
        status.steps.iter().position(|step| !matches!(step.state, StepStatus::Done | StepStatus::Skipped));
    for (place, step) in status.steps.iter().enumerate() {
        if step.phase != phase {
            phase.clone_from(&step.phase);
            lines.push(String::new());
            lines.extend(phase.as_deref().map(|phase| clean(phase).into_owned()));
        }
        let diamond = if step.destructive { "◆ " } else { "" };
        let by_hand = if step.by_hand { ", by hand" } else { "" };
        let running = step.running_ms.map(|ms| {
            let of = step.expected_ms.map(|of| format!(" of about {}", stopwatch(Duration::from_millis(of))));
            format!(" {}{}", stopwatch(Duration::from_millis(ms)), of.unwrap_or_default())
        });
        let late = step.late_ms.map(|late| format!(", LATE by {}", in_words(Duration::from_millis(late))));
        lines.push(format!(
            " {} {} {diamond}{}  ({}, {}{}{by_hand}{})",
            step_mark(step.state),
            place + 1,
            clean(&step.title),
            step.id,
            step_word(step.state),
            running.unwrap_or_default(),
            late.unwrap_or_default(),
        ));
        lines.extend(step.doing.iter().map(|doing| format!("       {}", clean(doing))));
        let settled =
            matches!(step.state, StepStatus::Failed | StepStatus::Interrupted | StepStatus::Skipped);
        if settled && !step.why.is_empty() {
            lines.push(format!("       {}", clean(&step.why)));
        }
        // A gate far down the walk lacks what everyone can see above it; only the next step, and hold points, say all.
        let says_all = Some(place) == next || step.destructive;
        if says_all && matches!(step.state, StepStatus::Waiting | StepStatus::Ready | StepStatus::Failed) {
            lines.extend(step.gate.iter().filter(|r| !r.met).map(|r| format!("       {}", unmet_line(r))));
            lines.extend(approved(step));
        }
    }
    if !status.checks.is_empty() {
        lines.push(String::new());
        lines.push("Checks".to_owned());
    }
    for check in &status.checks {
        let detail =
            if check.detail.is_empty() { String::new() } else { format!("  {}", clean(&check.detail)) };
        lines.push(format!(
            " {} {} ({}){detail}",
            check_mark(check.state),
            check.id,
            check_word(check.state)
        ));
        for item in &check.items {
            let item_text = clean(&item.item);
            lines.push(format!("     {} {item_text}: {}", check_mark(item.state), clean(&item.detail)));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

/// What is left of the walk, where that is worth saying.
fn left(left: &LeftStatus) -> Option<String> {
    let length = in_words(Duration::from_millis(left.ms));
    match (left.ms / 1_000, left.unknown, left.over) {
        (0, ..) => None,
        (_, 0, false) => Some(format!("about {length} left")),
        (_, 0, true) => Some(format!("at least {length} left: what runs takes longer than it was to")),
        (_, unknown, _) => Some(format!(
            "at least {length} left: of {unknown} of the {} steps ahead nobody knows how long they take",
            left.steps
        )),
    }
}

/// That a step is approved, by whom and for how long; what it lacks stands in its gate.
fn approved(step: &StepLine) -> Option<String> {
    let approval = step.approval.as_ref().filter(|approval| approval.state == "approved")?;
    let by = approval.by.iter().map(|by| match by.proof.as_str() {
        "here" => format!("{} (unproven)", clean(&by.name)),
        proof => format!("{} ({proof})", clean(&by.name)),
    });
    let by = by.collect::<Vec<_>>().join(", ");
    let until = approval.expires.map_or_else(String::new, |at| format!(", until {} UTC", at.clock()));
    Some(format!("       ✓ approved by {by}{until}"))
}

/// One unmet requirement on one line.
fn unmet_line(requirement: &Requirement) -> String {
    use crate::session::Kind;
    match requirement.kind {
        Kind::Hold => format!("⏸ {}", clean(&requirement.why)),
        Kind::Check => format!("✗ {}  {}", requirement.id, clean(&requirement.why)),
        Kind::Order | Kind::Step | Kind::Witness | Kind::Confirm => format!("· {}", clean(&requirement.why)),
    }
}
