//! What the model says to people: may this person, from this screen, ask for this now? (`docs/cli.md`, `docs/witness.md`.)

use onbelay::session::event::{How, Work};
use onbelay::session::{Circumstances, Command, Person};
use onbelay::time::Moment;
use onbelay::wire::messages::Role;

use super::book::CheckPlan;
use super::gate::{APPROVAL_SERVES, Check, age, may_be};
use super::model::{Doing, Is, Model, Round, Stage};

/// An asking that nobody answered is made anew after so many milliseconds.
const RENEWED_AFTER: u64 = 5 * 60_000;

/// Who asks, from where, when.
pub(crate) struct Asker<'a> {
    pub(crate) by: &'a Person,
    pub(crate) role: Role,
    pub(crate) now: Moment,
    pub(crate) found: &'a Circumstances,
    /// SHA-256 of the text that is to be approved now, where it is another than what was seen.
    pub(crate) saw_another: bool,
}

impl Model {
    /// Is it taken? The word says why not.
    pub(crate) fn takes(&self, command: &Command, asker: &Asker<'_>) -> Result<(), &'static str> {
        let everyone =
            matches!(command, Command::Hold { .. } | Command::Note { .. } | Command::Release { why: None });
        let second = matches!(
            command,
            Command::AskApproval { .. }
                | Command::Approve { .. }
                | Command::Refuse { .. }
                | Command::Check { .. }
                | Command::Attest { .. }
                | Command::Release { .. }
                | Command::Stop { .. }
        );
        let screen = match asker.role {
            Role::Drive | Role::Act => true,
            Role::Witness => everyone || second,
            Role::Watch => everyone,
        };
        must(screen, "not from this screen")?;
        must(asker.found.barred.is_none(), "barred")?;
        let anyone = second || everyone;
        must(anyone || asker.by.uid == self.operator.uid, "only the operator")?;
        let always = matches!(command, Command::Note { .. });
        let forward = matches!(
            command,
            Command::Run { .. } | Command::Skip { .. } | Command::Finish | Command::Abort { .. }
        );
        match self.stage {
            Stage::Open => {}
            Stage::Aborted => must(always || !forward, "aborted")?,
            Stage::Finished => must(always, "finished")?,
        }
        self.by_kind(command, asker)
    }

    fn by_kind(&self, command: &Command, asker: &Asker<'_>) -> Result<(), &'static str> {
        match command {
            Command::Check { checks } => {
                let known = |id: &str| self.check_at(id).ok_or("no such check");
                for wanted in checks {
                    must(
                        self.book.checks[known(wanted.check.as_str())?].is_automatic(),
                        "a person answers it",
                    )?;
                }
                must(
                    !checks.is_empty() || self.book.checks.iter().any(CheckPlan::is_automatic),
                    "nothing to ask",
                )
            }
            Command::Attest { check, words, .. } => {
                let at = self.check_at(check.check.as_str()).ok_or("no such check")?;
                let second = self.book.checks[at].attest.ok_or("not for a person")?;
                words_in(words, "without words it is no answer")?;
                must(!second || !may_be(asker.by, &self.operator), "the operator is no second person")
            }
            Command::Run { step, .. } => {
                let at = self.step(step.as_str())?;
                self.may_run(at)?;
                self.not_its_approver(at, asker.by)
            }
            Command::Undo { step, .. } => {
                let at = self.step(step.as_str())?;
                self.may_undo(at)?;
                self.not_its_approver(at, asker.by)
            }
            Command::Withdraw { step } => {
                must(self.steps[self.step(step.as_str())?].wish.is_some(), "nothing to withdraw")
            }
            Command::Done { step, .. } => {
                let at = self.step(step.as_str())?;
                if self.steps[at].is == Is::Running {
                    return self.is_at_it(at);
                }
                must(!self.book.steps[at].script, "the tool does it")?;
                self.may_run(at)?;
                must(!self.book.steps[at].must_be_started(), "it must be started")
            }
            Command::Fail { step, why } => {
                let at = self.step(step.as_str())?;
                words_in(why, "say why it failed")?;
                must(self.steps[at].is == Is::Running, "not running")?;
                self.is_at_it(at)
            }
            Command::Skip { steps, why } => {
                words_in(why, "a skipped step needs a reason")?;
                must(!steps.is_empty(), "say which step")?;
                for step in steps {
                    let at = self.step(step.as_str())?;
                    self.not_busy(at)?;
                    must(self.steps[at].is != Is::Done, "done already")?;
                    must(self.steps[at].is != Is::Skipped, "skipped already")?;
                }
                Ok(())
            }
            Command::Note { text } => words_in(text, "a note needs words"),
            Command::Hold { why } => words_in(why, "a hold needs words"),
            Command::Abort { why } => words_in(why, "an abort needs words"),
            Command::Release { why } => {
                must(!self.holds.is_empty(), "no hold")?;
                let all = why.as_ref().is_some_and(|why| !why.trim().is_empty());
                must(all || self.holds.iter().any(|(_, by)| by.uid == asker.by.uid), "others' holds")
            }
            Command::Resolve { step, done, what } => {
                let at = self.step(step.as_str())?;
                words_in(what, "say what you saw")?;
                let state = &self.steps[at];
                let nothing_came = matches!(state.is, Is::Failed | Is::Skipped)
                    && state.touched
                    && !done
                    && self.book.steps[at].destructive
                    && state.wish.is_none();
                must(state.is == Is::Interrupted || nothing_came, "nothing to resolve")
            }
            Command::Stop { step } => {
                let at = self.step(step.as_str())?;
                must(self.steps[at].is == Is::Running, "not running")?;
                let attempt = self.steps[at].attempt.as_ref().ok_or("not running")?;
                let a_person = attempt.how != How::Script && attempt.doing == Doing::Working;
                must(!attempt.stop, "stopped already")?;
                must(!a_person, "a person is at it")
            }
            Command::Finish => {
                let over = |step: &super::model::StepIs| {
                    matches!(step.is, Is::Done | Is::Skipped) && step.wish.is_none()
                };
                must(self.steps.iter().all(over), "steps are open")
            }
            Command::Handover { to } => {
                words_in(to, "say to whom")?;
                let named = asker.found.named.as_ref().and_then(|named| named.as_ref().ok());
                let named = named.ok_or("nobody of that name")?;
                must(named.uid != self.operator.uid, "the operator already")
            }
            Command::AskApproval { step, work, by_hand } => {
                self.ask_approval(step.as_str(), *work, *by_hand, asker)
            }
            Command::Approve { step, .. } => self.approve(step.as_str(), asker),
            Command::Refuse { step, why } => {
                let at = self.step(step.as_str())?;
                words_in(why, "a refusal needs words")?;
                must(self.book.steps[at].witnesses > 0, "no witness")?;
                let round = self.steps[at].round.as_ref().ok_or("nobody asked")?;
                must(round.refused.is_none(), "refused already")
            }
            Command::TakeTerminal { step } => self.step(step.as_str()).and(Err("no terminal")),
        }
    }

    fn step(&self, id: &str) -> Result<usize, &'static str> {
        self.step_at(id).ok_or("no such step")
    }

    fn not_busy(&self, at: usize) -> Result<(), &'static str> {
        let state = &self.steps[at];
        must(state.is != Is::Running, "it runs")?;
        must(state.is != Is::Interrupted, "interrupted")?;
        must(state.wish.is_none(), "asked for already")
    }

    fn may_run(&self, at: usize) -> Result<(), &'static str> {
        self.not_busy(at)?;
        must(
            self.steps[at].is != Is::Done || !self.book.steps[at].destructive,
            "a hold point is not run twice",
        )
    }

    fn may_undo(&self, at: usize) -> Result<(), &'static str> {
        self.not_busy(at)?;
        let state = &self.steps[at];
        let ran = state.touched && matches!(state.is, Is::Done | Is::Failed | Is::Skipped);
        must(self.book.steps[at].undo.is_some(), "no undo")?;
        must(ran, "nothing to undo")
    }

    fn not_its_approver(&self, at: usize, by: &Person) -> Result<(), &'static str> {
        must(!self.steps[at].approvers.iter().any(|it| may_be(it, by)), "who approved it never starts it")
    }

    fn is_at_it(&self, at: usize) -> Result<(), &'static str> {
        let attempt = self.steps[at].attempt.as_ref().ok_or("not running")?;
        must(attempt.how != How::Script, "the tool is at it")?;
        must(attempt.doing == Doing::Working, "its work has ended")
    }

    /// Is an approval of the undo asked for?
    pub(crate) fn is_of_undo(&self, at: usize, work: Option<Work>) -> bool {
        match (work, &self.steps[at].round) {
            (Some(work), _) => work == Work::Undo,
            (None, Some(round)) => round.undo,
            (None, None) => self.steps[at].is == Is::Done,
        }
    }

    fn ask_approval(
        &self,
        id: &str,
        work: Option<Work>,
        by_hand: bool,
        asker: &Asker<'_>,
    ) -> Result<(), &'static str> {
        let at = self.step(id)?;
        let (state, plan) = (&self.steps[at], &self.book.steps[at]);
        let round = state.round.as_ref();
        let is_operator = asker.by.uid == self.operator.uid;
        let undo = self.is_of_undo(at, work);
        must(plan.witnesses_for(undo) > 0, "no witness")?;
        self.not_busy(at)?;
        if undo {
            self.may_undo(at)?;
        } else {
            self.may_run(at)?;
        }
        must(
            is_operator || round.is_none_or(|round| round.refused.is_none()),
            "refused; the operator asks anew",
        )?;
        let same = round.filter(|round| round.undo == undo);
        let as_before =
            same.filter(|round| round.asker.uid == self.operator.uid).is_some_and(|it| it.by_hand);
        let by_hand = by_hand || as_before;
        if let Some(round) = round.filter(|round| !is_operator && Self::stands(round, asker.now)) {
            let another = round.undo != undo || self.is_otherwise(at, round, by_hand);
            must(!another, "the operator asked about another start")?;
        }
        let stands =
            |round: &&Round| Self::stands(round, asker.now) && !self.is_otherwise(at, round, by_hand);
        if let Some(round) = same.filter(stands) {
            let answered = round.given.iter().any(|yes| !yes.void);
            if answered || age(round.at, asker.now).is_some_and(|age| age < RENEWED_AFTER) {
                return Ok(());
            }
        }
        must(self.unmet_but_people(at, undo, asker.now).is_empty(), "its gate is shut")?;
        must(self.found_long_ago(at, undo, asker.now).is_empty(), "what was found is old")
    }

    /// Checks whose answers are too old to be put before a second person.
    pub(crate) fn found_long_ago(&self, at: usize, undo: bool, now: Moment) -> Vec<usize> {
        let old = |check: &&usize| {
            let plan = &self.book.checks[**check];
            let said = self.checks[**check].said.as_ref();
            let age = said.and_then(|said| age(said.began, now));
            plan.is_automatic() && plan.valid_for.is_none() && age.is_some_and(|age| age >= APPROVAL_SERVES)
        };
        self.required(at, undo).iter().filter(old).copied().collect()
    }

    fn approve(&self, id: &str, asker: &Asker<'_>) -> Result<(), &'static str> {
        let at = self.step(id)?;
        let plan = &self.book.steps[at];
        must(plan.witnesses > 0, "no witness")?;
        let round = self.steps[at].round.as_ref().ok_or("nobody asked")?;
        must(Self::stands(round, asker.now), "what was asked is over")?;
        self.not_busy(at)?;
        must(!asker.saw_another, "saw another text")?;
        must(self.unmet_but_people(at, round.undo, asker.now).is_empty(), "its gate is shut")?;
        must(!may_be(asker.by, &self.operator), "nobody approves themselves")?;
        must(plan.of.is_empty() || plan.of.contains(&asker.by.name), "not one of those who may")?;
        let already = round.given.iter().any(|yes| !yes.void && may_be(&yes.by, asker.by));
        must(!already, "approved already")
    }

    /// Is a check that a person answers without a good answer?
    pub(crate) fn wants_words(&self, at: usize, now: Moment) -> bool {
        !self.book.checks[at].is_automatic() && !matches!(self.check(at, now), Check::Says(_))
    }
}

fn must(so: bool, else_why: &'static str) -> Result<(), &'static str> {
    if so { Ok(()) } else { Err(else_why) }
}

fn words_in(words: &str, or_else: &'static str) -> Result<(), &'static str> {
    must(!words.trim().is_empty(), or_else)
}
