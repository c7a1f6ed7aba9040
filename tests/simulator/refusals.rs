//! Why people's requests are refused: what kind of no it is, in which words, and what is listed as unmet.

use onbelay::session::{Command, Fault};

use super::gate::Unmet;
use super::model::{Is, Model};
use super::rules::Asker;

/// What somebody is to be answered.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    pub(crate) verdict: Result<(), &'static str>,
    pub(crate) unmet: Unmet,
}

impl Model {
    /// All that a request is to be answered.
    pub(crate) fn answers(&self, command: &Command, asker: &Asker<'_>) -> Due {
        let verdict = self.takes(command, asker);
        let unmet = verdict.err().and_then(|why| self.lists(why, command, asker)).unwrap_or_default();
        Due { verdict, unmet }
    }

    /// What is listed as unmet with this no.
    fn lists(&self, why: &str, command: &Command, asker: &Asker<'_>) -> Option<Unmet> {
        let of_kind = |kind: &str, id: &str| (kind.to_owned(), id.to_owned());
        match (why, command) {
            ("its gate is shut", Command::Approve { step, .. }) => {
                let at = self.step_at(step.as_str())?;
                let undo = self.steps[at].round.as_ref()?.undo;
                Some(self.unmet_but_people(at, undo, asker.now))
            }
            ("its gate is shut", Command::AskApproval { step, work, .. }) => {
                let at = self.step_at(step.as_str())?;
                Some(self.unmet_but_people(at, self.is_of_undo(at, *work), asker.now))
            }
            ("what was found is old", Command::AskApproval { step, work, .. }) => {
                let at = self.step_at(step.as_str())?;
                let old = self.found_long_ago(at, self.is_of_undo(at, *work), asker.now);
                Some(old.into_iter().map(|check| of_kind("check", &self.book.checks[check].id)).collect())
            }
            ("steps are open", Command::Finish) => {
                let open =
                    self.steps.iter().zip(&self.book.steps).filter(|(step, _)| {
                        !matches!(step.is, Is::Done | Is::Skipped) || step.wish.is_some()
                    });
                Some(open.map(|(_, plan)| of_kind("step", &plan.id)).collect())
            }
            _ => None,
        }
    }
}

/// Whose fault a no is, and some words of it: as few as tell it from every other.
pub(crate) fn reason(why: &'static str) -> (Fault, &'static str) {
    match why {
        "not from this screen" => (Fault::Call, "this screen"),
        "no such step" => (Fault::Call, "the runbook has no step"),
        "no such check" => (Fault::Call, "the runbook has no check"),
        "a person answers it" => (Fault::Call, "is answered by a person"),
        "not for a person" => (Fault::Call, "is not a question for a person"),
        "no witness" => (Fault::Call, "asks for no witness"),
        "no terminal" => (Fault::Call, "has no terminal"),
        "without words it is no answer"
        | "say why it failed"
        | "a skipped step needs a reason"
        | "say which step"
        | "a note needs words"
        | "a hold needs words"
        | "an abort needs words"
        | "say what you saw"
        | "say to whom"
        | "a refusal needs words" => (Fault::Call, why),
        "barred" => (Fault::Rule, "this account is gone"),
        "only the operator" => (Fault::Rule, "only the operator, "),
        "aborted" => (Fault::Rule, "the session was aborted"),
        "finished" => (Fault::Rule, "the session is finished"),
        "nothing to ask" => (Fault::Rule, "no automatic check"),
        "it runs" => (Fault::Rule, "is running"),
        "interrupted" => (Fault::Rule, "is not known; look, then say what you saw"),
        "asked for already" => (Fault::Rule, "has been asked for already"),
        "the operator is no second person" => (Fault::Rule, "asks for a second person"),
        "a hold point is not run twice" => (Fault::Rule, "is not run twice"),
        "who approved it never starts it" => (Fault::Rule, "who approved a step never starts it"),
        "nothing to withdraw" => (Fault::Rule, "nobody asked to start"),
        "the tool does it" => (Fault::Rule, "is carried out by the tool"),
        "it must be started" => (Fault::Rule, "must be started before"),
        "not running" => (Fault::Rule, "is not running"),
        "the tool is at it" => (Fault::Rule, "the tool runs"),
        "its work has ended" => (Fault::Rule, "what verifies it is being asked"),
        "stopped already" => (Fault::Rule, "is being stopped already"),
        "a person is at it" => (Fault::Rule, "a person is at"),
        "done already" => (Fault::Rule, "is done already"),
        "skipped already" => (Fault::Rule, "is skipped already"),
        "no hold" => (Fault::Rule, "nobody called a hold"),
        "others' holds" => (Fault::Rule, "the hold is by"),
        "nothing to resolve" => (Fault::Rule, "nothing about"),
        "steps are open" => (Fault::Rule, "steps are open"),
        "nobody of that name" => (Fault::Rule, "nobody is called"),
        "the operator already" => (Fault::Rule, "is the operator already"),
        "refused; the operator asks anew" => (Fault::Rule, "must ask anew"),
        "the operator asked about another start" => (Fault::Rule, "asks about another start of it"),
        "its gate is shut" => (Fault::Rule, "its gate is shut"),
        "what was found is old" => (Fault::Rule, "that long ago"),
        "nobody asked" => (Fault::Rule, "nobody asked for an approval"),
        "what was asked is over" => (Fault::Rule, "look at what is asked now"),
        "saw another text" => (Fault::Rule, "look again"),
        "nobody approves themselves" => (Fault::Rule, "nobody approves themselves"),
        "not one of those who may" => (Fault::Rule, "it may be approved by sam, kim only"),
        "approved already" => (Fault::Rule, "approved it already"),
        "refused already" => (Fault::Rule, "refused it already"),
        "no undo" => (Fault::Rule, "has no undo"),
        "nothing to undo" => (Fault::Rule, "there is nothing to undo"),
        _ => panic!("“{why}” is a no without words: name them here"),
    }
}
