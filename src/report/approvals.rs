//! What a report tells of the second person: what was asked, who said what, how they are known, what ended it. PURE.

use crate::session::approve::{Subject, caveat, name_of};
use crate::session::event::Proven;
use crate::session::state::{Approval, Round};
use crate::session::{Entry, Event, Session};

use super::gather::{clean, who};
use super::{Line, RoundReport, YesReport};

/// Takes one record in; `then` is the walk just after it.
pub(super) fn tell(rounds: &mut Vec<RoundReport>, then: &Session, entry: &Entry) {
    match &entry.event {
        Event::ApprovalAsked { subject } => rounds.push(asked(subject, entry)),
        Event::StepStarted { step, approvals, .. } => {
            let used =
                |round: &&mut RoundReport| round.given.iter().any(|given| approvals.contains(&given.n));
            let place = then.step_at(step.as_str());
            if let (Some(round), Some(_)) = (rounds.iter_mut().rev().find(used), place) {
                round.used_by = Some(entry.n);
            }
        }
        _ => {}
    }
    // Many records void what was approved: what stands is read where the walk itself keeps it.
    for round in then.steps.iter().filter_map(|step| step.approval.as_deref()) {
        if let Some(report) = rounds.iter_mut().rev().find(|report| report.n == round.subject.asked) {
            follow(report, round);
        }
    }
}

fn asked(subject: &Subject, entry: &Entry) -> RoundReport {
    RoundReport {
        n: entry.n,
        at: entry.at,
        by: who(&entry.by),
        step: clean(&subject.name),
        work: subject.work,
        rule: clean(&subject.rule()),
        text: subject.text_digest(),
        given: Vec::new(),
        refused: None,
        void: None,
        used_by: None,
    }
}

fn follow(report: &mut RoundReport, round: &Round) {
    if report.given.len() != round.given.len() {
        report.given = round.given.iter().map(|given| yes(given, &round.subject)).collect();
    }
    for (told, given) in report.given.iter_mut().zip(&round.given) {
        told.void = given.void.as_deref().map(clean);
    }
    report.void = round.void.as_deref().map(clean);
    report.refused = round.refused.as_ref().map(|refused| Line {
        n: refused.n,
        at: refused.at.at,
        by: who(&refused.by),
        what: clean(&refused.why),
    });
}

fn yes(given: &Approval, subject: &Subject) -> YesReport {
    let (known_by, fingerprint) = match &given.proof {
        Proven::Account => ("another account, by the machine's word".to_owned(), None),
        Proven::Key(signed) => {
            (format!("a signature that {} brought", who(&given.by)), Some(clean(&signed.fingerprint)))
        }
        Proven::Here { .. } => (format!("a name typed at the terminal of {}", who(&given.by)), None),
    };
    YesReport {
        n: given.n,
        at: given.at.at,
        by: clean(name_of(given)),
        known_by,
        fingerprint,
        unproven: caveat(given, &subject.operator).map(str::to_owned),
        void: given.void.as_deref().map(clean),
    }
}
