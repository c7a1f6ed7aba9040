//! What the records say, against what really happened: commands, their ends, answers, stops. The world knows, whatever the
//! journal says.

use onbelay::host::turn::AskTag;
use onbelay::runbook::digest::of_call;
use onbelay::session::event::{Ended, How, Outcome};
use onbelay::session::gate::Permit;
use onbelay::session::{Answer, Entry, Event, Work};

use super::book::VALUE;
use super::laws::{Complaint, Laws};
use super::model::{Attempt, Intent};
use super::report::{Law, Report};
use super::world::{Stands, World};

/// What every session has for the one parameter.
pub(crate) const PLACE: &str = "over there";

impl Laws {
    /// A record, before the model takes it in.
    pub(super) fn really(
        &self,
        entry: &Entry,
        world: &World,
        report: &mut Report,
        broken: &mut Vec<Complaint>,
    ) {
        let at = super::model::step_of(&entry.event).and_then(|id| self.model.step_at(id));
        let attempt = at.and_then(|at| self.model.steps[at].attempt.as_ref());
        match (&entry.event, at) {
            (Event::CheckAnswered { check, item, answer }, _) => {
                report.held(Law::TheRealAnswer);
                let asking = self.model.check_at(check.as_str()).and_then(|at| self.model.checks[at].asking);
                let n = asking.map_or(0, |(n, ..)| n);
                let tag = AskTag { n, check: check.clone(), item: item.clone() };
                if !is_told(world, &tag, answer) {
                    broken.push((Law::TheRealAnswer, format!("{check} never gave this answer: {answer:?}")));
                }
            }
            (Event::NeverStarted { step, .. }, Some(_)) => {
                report.held(Law::NeverStartedNeverRan);
                let ran = attempt.and_then(|it| world.started.get(&key_of(it))).is_some_and(|it| it.ran);
                let other_boot = attempt.is_some_and(|it| it.boots[1] != self.model.boot_id);
                if ran || other_boot {
                    let what = format!("{step} is said never to have started; ran: {ran}");
                    broken.push((Law::NeverStartedNeverRan, what));
                }
            }
            (Event::Interrupted { step, .. }, Some(_)) => {
                report.held(Law::InterruptedIsUnknown);
                let stands = attempt.and_then(|it| world.started.get(&key_of(it))).map(|it| &it.stands);
                // A claim that a power failure took away says nothing.
                let unknown = match stands {
                    Some(Stands::Gone) => true,
                    // Of another boot than that of the host which says so: the machine may have started anew since.
                    None | Some(Stands::Barred) => {
                        attempt.is_some_and(|it| it.boots[1] != self.model.boot_id)
                    }
                    Some(Stands::Coming | Stands::Runs | Stands::Ended(_)) => false,
                };
                if !unknown {
                    broken.push((
                        Law::InterruptedIsUnknown,
                        format!("{step} is interrupted, and is {stands:?}"),
                    ));
                }
            }
            (Event::WorkEnded { ended, .. } | Event::ItemEnded { ended, .. }, Some(_)) => {
                report.held(Law::TheRealOutcome);
                let item = match &entry.event {
                    Event::ItemEnded { item, .. } => Some(item),
                    _ => None,
                };
                let right = attempt.is_some_and(|it| is_real(it, item, ended, entry, world));
                if !right {
                    broken.push((Law::TheRealOutcome, format!("it did not end so: {ended:?}")));
                }
            }
            (Event::StepStarted { .. } | Event::QuestionPut { .. }, Some(at)) => {
                self.begins(entry, at, report, broken);
            }
            (Event::Refused { unmet, .. }, Some(_))
                if unmet.is_empty() && self.model.little_room == Some(true) =>
            {
                report.held(Law::RoomIsKeptBack);
            }
            (Event::ItemStarted { step, item, command, .. }, Some(_)) => {
                let approved = attempt.map(|it| &it.approved).filter(|approved| !approved.is_empty());
                if let (Some(approved), Some(How::Script)) = (approved, attempt.map(|it| it.how)) {
                    report.held(Law::WhatWasApprovedRuns);
                    if !approved.iter().any(|(of, digest)| of == item && digest == command) {
                        let what = format!("another command of {step} for {item} was approved");
                        broken.push((Law::WhatWasApprovedRuns, what));
                    }
                }
            }
            _ => {}
        }
    }

    /// A step starts, or the question before it is put.
    fn begins(&self, entry: &Entry, at: usize, report: &mut Report, broken: &mut Vec<Complaint>) {
        let (plan, state) = (&self.model.book.steps[at], &self.model.steps[at]);
        let forward = state.wish.as_ref().is_some_and(|wish| !wish.undo);
        if plan.destructive && forward && self.model.little_room == Some(true) {
            let what = format!("{} begins, and the disk is all but full", plan.id);
            broken.push((Law::RoomIsKeptBack, what));
        }
        let Event::StepStarted { work, how, typed, items, list, command, approvals, .. } = &entry.event
        else {
            return;
        };
        let asked = state.wish.as_ref().is_some_and(|wish| wish.by.uid.is_some());
        if plan.destructive {
            report.held(Law::NothingDestructiveByItself);
            if !asked || *typed != plan.confirm {
                let what = format!("{} is destructive, and {work:?} starts by itself", plan.id);
                broken.push((Law::NothingDestructiveByItself, what));
            }
        }
        if !approvals.is_empty() {
            report.held(Law::WhatWasApprovedRuns);
            let same = state.round.as_ref().is_some_and(|round| {
                let listed = round.items.iter().map(|(item, _)| item).eq(items);
                // With a list the commands are those of its items, looked at as each begins; none may be left.
                let command = *how != How::Script || !list.is_empty() || round.command == *command;
                listed && command && round.how == *how && round.undo == (*work == Work::Undo)
            });
            if !same {
                broken.push((Law::WhatWasApprovedRuns, format!("another start of {} was approved", plan.id)));
            }
        }
    }

    /// A command is handed out: is its intent on record, and is this the first time?
    pub(crate) fn takes_intent(&mut self, key: (u32, Option<u32>)) -> Result<Intent, Complaint> {
        match self.model.intents.iter().position(|intent| intent.key == key) {
            Some(at) => Ok(self.model.intents.remove(at)),
            None => {
                Err((Law::OneStartForOneIntent, format!("{key:?} is started without an intent of its own")))
            }
        }
    }

    /// … and is it, word for word, the command of the runbook that the record announced?
    pub(crate) fn handed_out(&mut self, permit: &Permit, report: &mut Report) -> Option<Complaint> {
        report.held(Law::OneStartForOneIntent);
        let key = (permit.attempt(), permit.item().map(|(index, _)| *index));
        let intent = match self.takes_intent(key) {
            Ok(intent) => intent,
            Err(complaint) => return Some(complaint),
        };
        report.held(Law::WhatWasApprovedRuns);
        let (plan, call) = (&self.model.book.steps[intent.at], permit.call());
        let mut env = vec![(VALUE, PLACE)];
        env.extend(intent.item.as_ref().map(|item| ("it", item.as_str())));
        env.sort_unstable();
        let same = call.argv.last() == Some(&plan.command(intent.undo))
            && call.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(env)
            && permit.step().as_str() == plan.id
            && permit.item().map(|(_, item)| item) == intent.item.as_ref()
            && (permit.work() == Work::Undo) == intent.undo
            && Some(of_call(call)) == intent.command;
        (!same).then(|| (Law::WhatWasApprovedRuns, format!("{key:?} runs {call:?}, which nobody was shown")))
    }
}

fn is_told(world: &World, tag: &AskTag, answer: &Answer) -> bool {
    world.told.as_ref().is_some_and(|(of, told)| of == tag && told == answer)
}

/// The command that runs just now.
fn key_of(attempt: &Attempt) -> (u32, Option<u32>) {
    let item = u32::try_from(attempt.next).ok().filter(|_| !attempt.items.is_empty());
    (attempt.number, item)
}

/// Did the command of this attempt (or the person who was at it) end so?
fn is_real(attempt: &Attempt, item: Option<&String>, ended: &Ended, entry: &Entry, world: &World) -> bool {
    if item != attempt.items.get(attempt.next).filter(|_| !attempt.items.is_empty()) {
        return false;
    }
    if attempt.how != How::Script {
        return entry.by.uid.is_some() && matches!(ended.outcome, Outcome::Said { .. });
    }
    let stands = world.started.get(&key_of(attempt)).map(|started| &started.stands);
    matches!(stands, Some(Stands::Ended(really)) if **really == *ended)
}
