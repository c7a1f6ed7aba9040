//! Records about approvals, and what other records make of them: a change voids, for good. PURE.

use crate::session::approve::{self, standing, subject};
use crate::session::event::{Verdict, Work};
use crate::session::state::{Approval, Refused, Round};
use crate::session::{Entry, Event, Kind, Session, gate, view};
use crate::time::Moment;

use super::Legal;

impl Session {
    /// Asked, approved, refused, voided.
    pub(super) fn approval_event(&mut self, place: usize, entry: &Entry, at: Moment) -> Legal {
        let needs = self.state.runbook.steps[place].witness.is_some();
        let step = &mut self.state.steps[place];
        match &entry.event {
            Event::ApprovalAsked { subject } => {
                if !needs || subject.asked != entry.n || subject.session != entry.session {
                    return Err(format!("{} asks for no such approval", subject.step));
                }
                if subject.asker.as_ref().is_some_and(|asker| *asker != entry.by) {
                    return Err(format!("the approval of {} was asked for by somebody else", subject.step));
                }
                let (given, refused, void) = (Vec::new(), None, None);
                let before = step.approval.as_ref().and_then(|round| standing::ended(round, at));
                step.asked.push((entry.n, subject.work));
                step.approval =
                    Some(Box::new(Round { subject: (**subject).clone(), at, given, refused, void, before }));
                self.index.rounds.insert(place);
                return Ok(());
            }
            Event::Approved { step: id, asked, text, proof, attached } => {
                let round = step.approval.as_mut().filter(|round| round.subject.asked == *asked);
                let Some(round) = round else {
                    return Err(format!("nobody asked for that approval of {id}"));
                };
                if *text != round.subject.text_digest() {
                    return Err(format!("what was approved of {id} is not what was asked"));
                }
                if let Some(why) = standing::over(round, at) {
                    return Err(format!("{id} cannot be approved: {why}"));
                }
                let (n, by, proof, attached) = (entry.n, entry.by.clone(), proof.clone(), *attached);
                let approval = Approval { n, at, by, proof, attached, void: None };
                step.approvers.push(approval.clone());
                round.given.push(approval);
            }
            Event::ApprovalRefused { step: id, asked, why } => {
                let round = step.approval.as_mut().filter(|round| round.subject.asked == *asked);
                let Some(round) = round else {
                    return Err(format!("nobody asked for that approval of {id}"));
                };
                let refused = Refused { n: entry.n, at, by: entry.by.clone(), why: why.clone() };
                step.refusals.push(refused.clone());
                round.refused = Some(refused);
            }
            Event::ApprovalsVoided { approvals, why, .. } => {
                let given = step.approval.iter_mut().flat_map(|round| &mut round.given);
                for approval in given.filter(|given| approvals.contains(&given.n) && given.void.is_none()) {
                    approval.void = Some(why.clone());
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whoever does what only the operator may is the operator, by every login.
    pub(super) fn note_operator(&mut self, entry: &Entry) {
        let acts = matches!(
            entry.event,
            Event::Requested { .. }
                | Event::RequestDropped { .. }
                | Event::ApprovalAsked { .. }
                | Event::StepSkipped { .. }
                | Event::Resolved { .. }
        );
        let state = &mut self.state;
        if !acts || !state.operator.same_account(&entry.by) {
            return;
        }
        for known in [&mut state.operator_as, &mut state.operators] {
            if !known.contains(&entry.by) {
                known.push(entry.by.clone());
            }
        }
    }

    /// What this record, just taken in, voids.
    pub(super) fn void_approvals(&mut self, entry: &Entry, at: Moment) {
        let voided: Vec<(usize, String)> = self
            .index
            .rounds
            .iter()
            .filter_map(|&place| Some((place, self.voids(place, entry, at)?)))
            .collect();
        for (place, why) in voided {
            self.index.rounds.remove(&place);
            if let Some(round) = &mut self.state.steps[place].approval {
                round.void = Some(why);
            }
        }
    }

    fn voids(&self, place: usize, entry: &Entry, at: Moment) -> Option<String> {
        let round = self.state.steps[place].approval.as_ref()?;
        let work = round.subject.work;
        let own = &round.subject.step;
        let rests_on =
            |check: &crate::id::CheckId| gate::required_checks(self, place, work).any(|id| id == check);
        match &entry.event {
            Event::HoldCalled { .. } => Some(format!("{} called a hold", entry.by.name)),
            Event::HandedOver { to } => Some(format!("{} is the operator now", to.name)),
            Event::HostStarted { .. } => Some("the session's host started again".to_owned()),
            Event::Finished => Some("the session was finished".to_owned()),
            Event::Aborted { .. } => Some("the session was aborted".to_owned()),
            Event::CheckAnswered { check, answer, item }
                if answer.verdict != Verdict::Holds && rests_on(check) =>
            {
                let of_item = item.as_ref().map(|item| format!("@{item}")).unwrap_or_default();
                Some(format!("{check}{of_item} does not hold any more: {}", answer.detail))
            }
            Event::Attested { check, .. } if rests_on(check) => {
                Some(format!("{} answered {check} anew", entry.by.name))
            }
            Event::StepSettled { step, why, .. } if step == own => {
                Some(format!("it was settled without a start: {why}"))
            }
            Event::StepSkipped { step, .. } if step == own => Some("it was skipped".to_owned()),
            Event::Resolved { step, .. } if step == own => {
                Some(format!("{} said what became of it", entry.by.name))
            }
            Event::StepStarted { .. }
            | Event::StepSettled { .. }
            | Event::StepSkipped { .. }
            | Event::Resolved { .. }
            | Event::NeverStarted { .. }
            | Event::Interrupted { .. }
            | Event::WorkEnded { .. }
            | Event::ItemsEnded { .. } => self.turned(place, round, work, at),
            _ => None,
        }
    }

    /// Something else moved: is what was approved still what would start, and still allowed to?
    fn turned(&self, place: usize, round: &Round, work: Work, at: Moment) -> Option<String> {
        match subject(self, place, work, standing::is_by_hand(round), at) {
            Ok(now) => {
                let changed = approve::changes(&round.subject, &now);
                if !changed.is_empty() {
                    return Some(format!("{} changed", changed.join(", ")));
                }
            }
            Err(why) => return Some(why),
        }
        let requirements = match work {
            Work::Run => view::gate(self, &view::order(self), place, at),
            Work::Undo => view::undo_gate(self, place, at),
        };
        let unmet =
            requirements.into_iter().find(|r| !r.met && matches!(r.kind, Kind::Order | Kind::Step))?;
        Some(unmet.why)
    }
}
