//! What the model says of the gate: which requirements of a start are unmet at a moment (`docs/format.md`, "steps", "How
//! fresh"; `docs/witness.md`, "What an approval covers, and when it ends"), and what it says of every record that decides.

use std::collections::BTreeSet;

use onbelay::session::event::How;
use onbelay::session::{Entry, Event, Person, Requirement, Verdict};
use onbelay::time::Moment;

use super::model::{Attempt, Doing, Is, Model, Round, Stage, Wish, step_of};

/// A requirement by its kind, as `status --json` names it, and its id.
pub(crate) type Unmet = BTreeSet<(String, String)>;

/// Milliseconds that an approval serves.
pub(crate) const APPROVAL_SERVES: u64 = 15 * 60_000;
/// Milliseconds that an attestation serves, unless its check says otherwise.
const ATTESTATION_SERVES: u64 = 12 * 3_600_000;

/// How a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    Unknown,
    Asking,
    Stale,
    Says(Verdict),
}

/// Can these two be one person, by account or login?
pub(crate) fn may_be(a: &Person, b: &Person) -> bool {
    let ids = |person: &Person| [person.uid, person.login].into_iter().flatten().collect::<Vec<_>>();
    ids(a).iter().any(|id| ids(b).contains(id))
}

/// Milliseconds since, by the clock of the boot, or by the wall clock over a boot; `None`: it lies ahead.
pub(crate) fn age(then: Moment, now: Moment) -> Option<u64> {
    if then.boot == now.boot {
        return now.up.checked_sub(then.up);
    }
    u64::try_from(now.at.millis() - then.at.millis()).ok()
}

fn is(kind: &str, id: impl Into<String>) -> (String, String) {
    (kind.to_owned(), id.into())
}

/// Is everything met but what is to be typed?
fn only_to_be_typed(due: &Unmet) -> bool {
    due.len() == 1 && due.iter().all(|(kind, _)| kind == "confirm")
}

/// What the product says is unmet, in the same form.
pub(crate) fn said(unmet: &[Requirement]) -> Unmet {
    unmet.iter().map(|r| (format!("{:?}", r.kind).to_lowercase(), r.id.clone())).collect()
}

impl Model {
    pub(crate) fn check(&self, at: usize, now: Moment) -> Check {
        let (plan, check) = (&self.book.checks[at], &self.checks[at]);
        if check.asking.is_some() {
            return Check::Asking;
        }
        let Some(said) = &check.said else { return Check::Unknown };
        let ran_since = plan.stale_after.is_some_and(|step| self.steps[step].started_n > said.asked_n);
        if (plan.is_automatic() && said.older_host) || ran_since {
            return Check::Stale;
        }
        if said.verdict != Verdict::Holds {
            return Check::Says(said.verdict);
        }
        let by_the_operator = said.by.as_ref().is_some_and(|by| may_be(by, &self.operator));
        let minutes = plan.valid_for.map(|minutes| minutes * 60_000);
        let serves = minutes.or_else(|| (!plan.is_automatic()).then_some(ATTESTATION_SERVES));
        let old = serves.is_some_and(|limit| age(said.began, now).is_none_or(|age| age > limit));
        if old || (plan.attest == Some(true) && by_the_operator) {
            return Check::Stale;
        }
        Check::Says(Verdict::Holds)
    }

    pub(crate) fn holds(&self, at: usize, now: Moment) -> bool {
        self.check(at, now) == Check::Says(Verdict::Holds)
    }

    pub(crate) fn required(&self, step: usize, undo: bool) -> &[usize] {
        let plan = &self.book.steps[step];
        if undo { plan.undo.as_deref().unwrap_or_default() } else { &plan.checks }
    }

    fn lets_pass(&self, step: usize, hold_point: bool) -> bool {
        let (plan, state) = (&self.book.steps[step], &self.steps[step]);
        match state.is {
            Is::Done => true,
            Is::Skipped => !hold_point || plan.optional,
            Is::Running => {
                let forward = state.attempt.as_ref().is_some_and(|attempt| !attempt.undo);
                !hold_point && plan.background && forward
            }
            _ => false,
        }
    }

    /// What keeps a start from being allowed at all, whatever people say: order, steps, checks, holds.
    pub(crate) fn unmet_but_people(&self, step: usize, undo: bool, now: Moment) -> Unmet {
        let plan = &self.book.steps[step];
        let mut unmet = Unmet::new();
        let closed = match self.stage {
            Stage::Open => false,
            Stage::Aborted => !undo,
            Stage::Finished => true,
        };
        if closed {
            unmet.insert(is("order", self.id.as_str()));
        }
        if undo {
            let later = step + 1..self.steps.len();
            let no_return =
                later.clone().find(|at| self.book.steps[*at].destructive && self.steps[*at].touched);
            let latest = later.rev().find(|at| {
                self.stage == Stage::Aborted && self.steps[*at].touched && self.book.steps[*at].undo.is_some()
            });
            unmet.extend(no_return.or(latest).map(|at| is("order", self.book.steps[at].id.as_str())));
        } else {
            let first = (0..step).find(|at| !self.lets_pass(*at, plan.destructive));
            unmet.extend(first.map(|at| is("order", self.book.steps[at].id.as_str())));
            let open = plan.steps.iter().filter(|at| self.steps[**at].is != Is::Done);
            unmet.extend(open.map(|at| is("step", self.book.steps[*at].id.as_str())));
            if self.steps[step].is == Is::Untouched {
                let no_answer = |at: &&usize| self.check(**at, now) == Check::Says(Verdict::Error);
                let unknown = plan.done_when.iter().filter(no_answer);
                unmet.extend(unknown.map(|at| is("check", self.book.checks[*at].id.as_str())));
            }
        }
        let open = self.required(step, undo).iter().filter(|at| !self.holds(**at, now));
        unmet.extend(open.map(|at| is("check", self.book.checks[*at].id.as_str())));
        unmet.extend(self.holds.iter().map(|(_, by)| is("hold", by.name.as_str())));
        unmet
    }

    /// All that this wish does not meet.
    fn unmet(&self, step: usize, wish: &Wish, now: Moment) -> Unmet {
        let plan = &self.book.steps[step];
        let mut unmet = self.unmet_but_people(step, wish.undo, now);
        let early = unmet.iter().any(|(kind, _)| kind == "order" || kind == "step");
        if !early {
            // Answers that serve for one start must have been asked for this one.
            let old = self.required(step, wish.undo).iter().filter(|at| {
                let said = self.checks[**at].said.as_ref();
                let serves_once =
                    self.book.checks[**at].is_automatic() && self.book.checks[**at].valid_for.is_none();
                serves_once && said.is_some_and(|said| said.asked_n <= wish.n)
            });
            unmet.extend(old.map(|at| is("check", self.book.checks[*at].id.as_str())));
        }
        if plan.witnesses_for(wish.undo) > 0 && self.approvals(step, wish, now).is_none() {
            unmet.insert(is("witness", plan.id.as_str()));
        }
        let confirm = plan.confirm.as_ref().filter(|_| !wish.undo || plan.destructive);
        if let Some(text) = confirm.filter(|text| wish.typed.as_ref() != Some(text)) {
            unmet.insert(is("confirm", text.as_str()));
        }
        unmet
    }

    /// Records of the approvals that count for this wish, where they are enough.
    fn approvals(&self, step: usize, wish: &Wish, now: Moment) -> Option<Vec<u64>> {
        let plan = &self.book.steps[step];
        let round = self.steps[step].round.as_ref().filter(|round| round.undo == wish.undo)?;
        // It must serve when the last asking of checks for this start began.
        let asked_now = self.required(step, wish.undo).iter().filter_map(|at| self.checks[*at].said.as_ref());
        let began = asked_now.filter(|said| said.once && said.asked_n > wish.n).map(|said| said.began);
        let at = began.filter(|began| age(*began, now).is_some()).max_by_key(|began| age(*began, now));
        if !Self::stands(round, at.unwrap_or(now)) || self.is_otherwise(step, round, wish.by_hand) {
            return None;
        }
        let mut people: Vec<&Person> = Vec::new();
        let mut records = Vec::new();
        for yes in round.given.iter().filter(|yes| !yes.void && yes.n < wish.n) {
            if !people.iter().any(|other| may_be(other, &yes.by)) {
                people.push(&yes.by);
                records.push(yes.n);
            }
        }
        (records.len() >= plan.witnesses_for(wish.undo)).then_some(records)
    }

    /// Can what was asked still be approved and used?
    pub(crate) fn stands(round: &Round, at: Moment) -> bool {
        let young = age(round.at, at).is_some_and(|age| age < APPROVAL_SERVES);
        round.refused.is_none() && !round.void && young
    }

    /// Is this start carried out otherwise than what was asked?
    pub(crate) fn is_otherwise(&self, step: usize, round: &Round, by_hand: bool) -> bool {
        let plan = &self.book.steps[step];
        let has_script = if round.undo { plan.undo_is_script() } else { plan.script };
        has_script && round.by_hand != by_hand
    }

    /// What this record voids, and whether the step it was asked about is another start by now.
    pub(crate) fn void(&mut self, entry: &Entry) {
        for step in 0..self.steps.len() {
            let Some(round) = self.steps[step].round.as_ref().filter(|round| !round.void) else { continue };
            let own = step_of(&entry.event) == Some(self.book.steps[step].id.as_str());
            let rests = |id: &str| {
                self.check_at(id).is_some_and(|check| self.required(step, round.undo).contains(&check))
            };
            let void = match &entry.event {
                Event::HoldCalled { .. }
                | Event::HandedOver { .. }
                | Event::HostStarted { .. }
                | Event::Finished
                | Event::Aborted { .. } => true,
                Event::CheckAnswered { check, answer, .. } => {
                    answer.verdict != Verdict::Holds && rests(check.as_str())
                }
                Event::Attested { check, .. } => rests(check.as_str()),
                Event::StepSettled { .. } | Event::StepSkipped { .. } | Event::Resolved { .. } if own => true,
                Event::StepStarted { .. }
                | Event::StepSettled { .. }
                | Event::StepSkipped { .. }
                | Event::Resolved { .. }
                | Event::NeverStarted { .. }
                | Event::Interrupted { .. }
                | Event::WorkEnded { .. }
                | Event::ItemsEnded { .. } => {
                    // Nothing of what a start is made of comes from another step here, but whether its turn has come.
                    let now = Moment { at: entry.at, up: entry.up, boot: self.boot };
                    let unmet = self.unmet_but_people(step, round.undo, now);
                    unmet.iter().any(|(kind, _)| kind == "order" || kind == "step")
                }
                _ => false,
            };
            if let (true, Some(round)) = (void, &mut self.steps[step].round) {
                round.void = true;
            }
        }
    }

    /// What is wrong with a record, by the walk as it stood before it.
    pub(crate) fn judge(&mut self, entry: &Entry, now: Moment) -> Vec<String> {
        let Some(step) = step_of(&entry.event).and_then(|id| self.step_at(id)) else { return Vec::new() };
        let (state, plan) = (&self.steps[step], &self.book.steps[step]);
        let id = plan.id.clone();
        let mut wrong = Vec::new();
        let destroys = plan.destructive && state.wish.as_ref().is_some_and(|wish| !wish.undo);
        match (&entry.event, &state.wish) {
            (Event::StepStarted { .. }, None) => wrong.push(format!("{id} started, and nobody wished it")),
            (Event::StepStarted { .. }, Some(wish)) => {
                let wish = wish.clone();
                wrong.extend(self.wrong_start(step, &wish, entry, now));
                self.last_answer = Some("open".to_owned());
            }
            (Event::Refused { unmet, .. }, Some(wish)) => {
                let errors: Unmet = plan
                    .done_when
                    .iter()
                    .filter(|at| self.check(**at, now) == Check::Says(Verdict::Error))
                    .map(|at| is("check", self.book.checks[*at].id.as_str()))
                    .collect();
                let asks_first = !wish.undo && state.attempt.is_none() && !errors.is_empty();
                let due = if asks_first { errors } else { self.unmet(step, wish, now) };
                let given = said(unmet);
                if self.little_room != Some(false) && destroys && given.is_empty() {
                    // The gate itself would have opened, or asked.
                    let asks = wish.will_ask && wish.typed.is_none() && only_to_be_typed(&due);
                    if !due.is_empty() && !asks {
                        wrong.push(format!("{id} was refused for want of room, and the model has {due:?}"));
                    }
                    self.last_answer = Some("no room".to_owned());
                    return wrong;
                }
                if due.is_empty() || due != given {
                    wrong.push(format!("{id} was refused for {given:?}, and the model has {due:?}"));
                }
                let kinds: BTreeSet<&str> = given.iter().map(|(kind, _)| kind.as_str()).collect();
                self.last_answer = Some(kinds.into_iter().collect::<Vec<_>>().join("+"));
            }
            (Event::QuestionPut { .. }, Some(wish)) => {
                let due = self.unmet(step, wish, now);
                if !only_to_be_typed(&due) || !wish.will_ask || wish.typed.is_some() {
                    wrong.push(format!("{id} was asked to be confirmed, and the model has {due:?}"));
                }
                self.last_answer = Some("question".to_owned());
            }
            (Event::StepSettled { ok: true, .. }, _) => wrong.extend(self.wrong_end(step, now)),
            (Event::ItemStarted { index, .. }, _) => {
                wrong.extend(self.wrong_item(step, *index, now));
            }
            (Event::RetryPlanned { .. }, _) => {
                let running = state.attempt.as_ref();
                let may = plan.retry.is_some_and(|(times, _)| running.is_some_and(|it| it.retry < times));
                let stopped = running.is_some_and(|it| it.stop || it.was_stopped || it.undo);
                if !may || stopped || plan.destructive || plan.witnesses > 0 || self.stage != Stage::Open {
                    wrong.push(format!("{id} is to be tried again by itself"));
                }
            }
            (Event::Requested { .. }, _) if entry.by.uid.is_none() => {
                let due = state.attempt.as_ref().is_some_and(|it| match it.doing {
                    Doing::Retrying(since, pause) => age(since, now).is_none_or(|age| age >= pause),
                    _ => false,
                });
                if !due || plan.destructive {
                    wrong.push(format!("{id} is wished by the tool itself"));
                }
            }
            (Event::ApprovalAsked { subject }, _) => {
                let undo = subject.work == onbelay::session::Work::Undo;
                let unmet = self.unmet_but_people(step, undo, now);
                if !unmet.is_empty() {
                    wrong.push(format!("{id} was put before a second person while {unmet:?}"));
                }
            }
            (Event::Approved { .. }, _) if may_be(&entry.by, &self.operator) => {
                wrong.push(format!("{} approved {id}, and can be the operator", entry.by.name));
            }
            _ => {}
        }
        wrong
    }

    fn wrong_start(&self, step: usize, wish: &Wish, entry: &Entry, now: Moment) -> Vec<String> {
        let Event::StepStarted { attempt, how, items, approvals, typed, .. } = &entry.event else {
            return Vec::new();
        };
        let (state, plan) = (&self.steps[step], &self.book.steps[step]);
        let id = &plan.id;
        let mut wrong: Vec<String> = self
            .unmet(step, wish, now)
            .iter()
            .map(|(kind, it)| format!("{id} started: {kind} {it} is unmet"))
            .collect();
        let by_tool = wish.by.uid.is_none() && state.attempt.is_some() && !plan.destructive;
        if wish.by != entry.by || (wish.by.uid != self.operator.uid && !by_tool) {
            wrong.push(format!("{id} started by {}, not by the operator", entry.by.name));
        }
        if state.approvers.iter().any(|by| may_be(by, &entry.by)) {
            wrong.push(format!("{id} started by {}, who approved it", entry.by.name));
        }
        if *attempt != self.attempts + 1 || *typed != wish.typed {
            wrong.push(format!("{id} started as attempt {attempt}, otherwise than it was asked for"));
        }
        let has_script = if wish.undo { plan.undo_is_script() } else { plan.script };
        let due = match (has_script, wish.by_hand) {
            (false, _) => How::Person,
            (true, false) => How::Script,
            (true, true) => How::ByHand,
        };
        if *how != due || *items != self.items_to_do(step, wish.undo) {
            wrong.push(format!("{id} started {how:?} for {items:?}"));
        }
        let counted = self.approvals(step, wish, now).filter(|_| plan.witnesses_for(wish.undo) > 0);
        if counted.unwrap_or_default() != *approvals {
            wrong.push(format!("{id} names other approvals than those that count: {approvals:?}"));
        }
        wrong
    }

    fn items_to_do(&self, step: usize, undo: bool) -> Vec<String> {
        let (state, plan) = (&self.steps[step], &self.book.steps[step]);
        if undo {
            let begun = state.items.iter().rev();
            let begun = begun.filter(|(_, is)| matches!(is, Is::Done | Is::Failed | Is::Interrupted));
            return begun.map(|(item, _)| item.clone()).collect();
        }
        let open: Vec<String> = plan.items.iter().filter(|it| state.item(it) != Is::Done).cloned().collect();
        if open.is_empty() && state.is == Is::Done { plan.items.clone() } else { open }
    }

    /// The next item of a running step starts: the first one with its step, any other by a gate of its own.
    fn wrong_item(&self, step: usize, index: u32, now: Moment) -> Option<String> {
        let id = &self.book.steps[step].id;
        let Some(Attempt { doing: Doing::BetweenItems(from), undo, next, stop, number, .. }) =
            &self.steps[step].attempt
        else {
            return Some(format!("an item of {id} starts, and it is not between items"));
        };
        if index as usize != *next || *stop || (self.stage == Stage::Aborted && !undo) {
            return Some(format!("item {index} of {id} starts out of turn"));
        }
        if index == 0 && *from == self.steps[step].started_n && self.attempts == *number {
            // Recorded with its start.
            return None;
        }
        if !self.holds.is_empty() {
            return Some(format!("item {index} of {id} starts under a hold"));
        }
        let by_operator = self.steps[step].approvers.iter().any(|by| may_be(by, &self.operator));
        if self.book.steps[step].witnesses_for(*undo) > 0 && by_operator {
            return Some(format!("item {index} of {id} starts under an operator who approved it"));
        }
        let shut = self.required(step, *undo).iter().find(|at| {
            let plan = &self.book.checks[**at];
            let old = self.checks[**at].said.as_ref().is_some_and(|said| said.asked_n <= *from);
            !self.holds(**at, now) || (plan.is_automatic() && plan.valid_for.is_none() && old)
        });
        shut.map(|at| format!("item {index} of {id} starts, and {} is shut", self.book.checks[*at].id))
    }

    /// A step is done, or taken back: is it?
    fn wrong_end(&self, step: usize, now: Moment) -> Option<String> {
        let (state, plan) = (&self.steps[step], &self.book.steps[step]);
        let id = &plan.id;
        let verified = |from: u64| {
            plan.verify.iter().find(|at| {
                let late = self.checks[**at].said.as_ref().is_none_or(|said| said.asked_n <= from);
                late || !self.holds(**at, now)
            })
        };
        let unverified = match (&state.attempt, &state.wish) {
            (Some(Attempt { doing: Doing::Verifying(from), went_well: true, undo, .. }), _)
                if state.is == Is::Running =>
            {
                if *undo {
                    None
                } else {
                    verified(*from)
                }
            }
            (_, Some(wish)) if state.is != Is::Running => {
                let all = plan.done_when.iter().all(|at| {
                    let said = self.checks[*at].said.as_ref();
                    said.is_some_and(|said| said.asked_n > wish.n && said.verdict == Verdict::Holds)
                });
                if plan.done_when.is_empty() || !all {
                    return Some(format!("{id} was done already, and nothing says so"));
                }
                verified(wish.n)
            }
            (_, None) if state.is == Is::Failed && !plan.verify.is_empty() => match state.verify_from {
                Some(from) => verified(from),
                None => return Some(format!("{id} failed, and is called done")),
            },
            _ => return Some(format!("{id} is called done, and it did not end well")),
        };
        unverified.map(|at| format!("{id} is called done, and {} was not verified", self.book.checks[*at].id))
    }
}
