//! The second person: asking for an approval, giving one, refusing, and passing the wheel. PURE.

use crate::id::StepId;
use crate::runbook::Proof;
use crate::session::approve::{
    self, LIFETIME, RENEWED_AFTER, approved_by, name_of, rule_of, same_person, signature, standing,
    unfit_name, wrong_person,
};
use crate::session::command::Circumstances;
use crate::session::event::{Proven, Work};
use crate::session::state::{Approval, Round};
use crate::session::{Event, Fault, Kind, Person, Progress, Refusal, Requirement, Session, gate, view};
use crate::time::{Moment, in_words};

use super::{Decision, find_step, may_run, may_undo, not_busy, words_needed};

/// Asks for an approval of what stands now; what was asked before and still stands is kept.
pub(super) fn ask(
    session: &Session,
    id: &StepId,
    work: Option<Work>,
    by_hand: bool,
    by: &Person,
    now: Moment,
) -> Decision {
    let place = find_step(session, id)?;
    let round = session.steps[place].approval.as_deref();
    let by_operator = session.operator.same_account(by);
    let work = work.unwrap_or_else(|| work_of(session, place, round));
    let Some(rule) = rule_of(session, place, work) else {
        return Err(no_witness(session, place, work));
    };
    not_busy(session, place)?;
    match work {
        Work::Run => may_run(session, place)?,
        Work::Undo => may_undo(session, place)?,
    }
    if let Some(refused) = round.and_then(|round| round.refused.as_ref())
        && !by_operator
    {
        return Err(Refusal::rule(format!(
            "{} refused it: {}; the operator, {}, must ask anew",
            refused.by.name, refused.why, session.operator.name
        )));
    }
    let before = round.filter(|round| round.subject.work == work);
    // Without a word on it, as the operator asked last.
    let asked_by_operator =
        |round: &&Round| round.subject.asker.as_ref().is_none_or(|it| session.operator.same_account(it));
    let by_hand = by_hand || before.filter(asked_by_operator).is_some_and(standing::is_by_hand);
    not_in_place_of_the_operators(session, place, (work, by_hand), by, now)?;
    if let Some(round) = before.filter(|round| standing::stands(session, place, round, by_hand, now)) {
        // A signature may be on its way; without one, whoever reads it is given time.
        let answered = round.given.iter().any(|given| given.void.is_none()) || rule.proof == Proof::Key;
        if answered || round.at.age(now).is_some_and(|age| age < RENEWED_AFTER) {
            return Ok(Vec::new());
        }
    }
    all_but_people(session, place, work, now)?;
    fresh_evidence(session, place, work, now)?;
    let subject = approve::asking(session, place, work, by_hand, by, now).map_err(Refusal::rule)?;
    Ok(vec![Event::ApprovalAsked { subject: Box::new(subject) }])
}

/// What the operator asked last is what is shown: another start of the step is theirs to ask about, as long as it stands.
fn not_in_place_of_the_operators(
    session: &Session,
    place: usize,
    (work, by_hand): (Work, bool),
    by: &Person,
    now: Moment,
) -> Result<(), Refusal> {
    let Some(round) = session.steps[place].approval.as_deref() else { return Ok(()) };
    let asked_by_hand = standing::is_by_hand(round);
    let has_script = gate::script_of(&session.runbook.steps[place], work).is_some();
    let same = round.subject.work == work && (asked_by_hand == by_hand || !has_script);
    if same
        || session.operator.same_account(by)
        || !standing::stands(session, place, round, asked_by_hand, now)
    {
        return Ok(());
    }
    let what = match (round.subject.work, asked_by_hand) {
        (Work::Undo, _) => "to take it back",
        (Work::Run, true) => "to do it by hand",
        (Work::Run, false) => "to start it",
    };
    Err(Refusal::rule(format!(
        "what is asked of {} is {what}; only the operator, {}, asks about another start of it",
        view::step_name(session, place),
        session.operator.name
    )))
}

fn no_witness(session: &Session, place: usize, work: Work) -> Refusal {
    let name = view::step_name(session, place);
    let what = if work == Work::Undo { format!("the undo of {name}") } else { name };
    Refusal::call(format!("{what} asks for no witness"))
}

/// What was asked for last, else what the step could do next.
fn work_of(session: &Session, place: usize, round: Option<&Round>) -> Work {
    match (round, &session.steps[place].progress) {
        (Some(round), _) => round.subject.work,
        (None, Progress::Done) => Work::Undo,
        (None, _) => Work::Run,
    }
}

/// A witness can approve once all but confirmation is met.
fn all_but_people(session: &Session, place: usize, work: Work, now: Moment) -> Result<(), Refusal> {
    let mut unmet: Vec<Requirement> = match work {
        Work::Run => view::gate(session, &view::order(session), place, now),
        Work::Undo => view::undo_gate(session, place, now),
    };
    unmet.retain(|r| !r.met && !matches!(r.kind, Kind::Witness | Kind::Confirm));
    if unmet.is_empty() {
        return Ok(());
    }
    let sentence = format!("{} cannot be approved yet: its gate is shut", view::step_name(session, place));
    Err(Refusal { unmet, ..Refusal::rule(sentence) })
}

/// A second person reads what was found now, not hours ago. (A start asks its checks itself, and asks for the approval in
/// the same breath.)
fn fresh_evidence(session: &Session, place: usize, work: Work, now: Moment) -> Result<(), Refusal> {
    let old = |check: usize| {
        let model = &session.runbook.checks[check];
        let age = view::check(session, check, now).began.and_then(|began| began.age(now));
        let age = age.filter(|age| model.is_automatic() && model.valid_for.is_none() && *age >= LIFETIME)?;
        Some(Requirement {
            kind: Kind::Check,
            id: model.id.to_string(),
            met: false,
            why: format!("its answer is {} old", in_words(age)),
            fix: format!("check again: onbelay do {} check {}", session.id, model.id),
        })
    };
    let checks = gate::required_checks(session, place, work).filter_map(|id| session.check_at(id.as_str()));
    let unmet: Vec<Requirement> = checks.filter_map(old).collect();
    if unmet.is_empty() {
        return Ok(());
    }
    let name = view::step_name(session, place);
    let sentence = format!("{name} cannot be approved on what was found that long ago: ask again");
    Err(Refusal { unmet, ..Refusal::rule(sentence) })
}

/// What a second person says with their yes.
pub(super) struct Yes<'a> {
    pub(super) step: &'a StepId,
    pub(super) seen: Option<&'a crate::id::Digest>,
    pub(super) name: Option<&'a str>,
    pub(super) signature: Option<&'a str>,
}

/// A second person's yes.
pub(super) fn approve(
    session: &Session,
    yes: &Yes<'_>,
    by: &Person,
    now: Moment,
    found: &Circumstances,
) -> Decision {
    let place = find_step(session, yes.step)?;
    let round = asked(session, place, yes.step)?;
    let name = view::step_name(session, place);
    let by_hand = standing::is_by_hand(round);
    if let Some(why) =
        standing::over(round, now).or_else(|| standing::changed(session, place, round, by_hand, now))
    {
        return Err(Refusal::rule(format!(
            "{why}; look at what is asked now: onbelay approval show {} {}",
            session.id, yes.step
        )));
    }
    not_busy(session, place)?;
    if yes.seen.is_some_and(|seen| *seen != round.subject.text_digest()) {
        return Err(Refusal::rule(format!(
            "what you looked at is not what is asked now of {name}; look again"
        )));
    }
    all_but_people(session, place, round.subject.work, now)?;
    let proof = proof(session, round, yes, by, now, found)?;
    let attached = found.attached && proof == Proven::Account;
    let approval = Approval { n: 0, at: now, by: by.clone(), proof: proof.clone(), attached, void: None };
    if let Some(why) = wrong_person(session, &round.subject.witness, &approval) {
        return Err(Refusal::rule(format!("{name}: {why}")));
    }
    if round.given.iter().any(|given| given.void.is_none() && same_person(given, &approval)) {
        return Err(Refusal::rule(format!("{} approved it already", name_of(&approval))));
    }
    let (step, asked, text) = (yes.step.clone(), round.subject.asked, round.subject.text_digest());
    Ok(vec![Event::Approved { step, asked, text, proof, attached }])
}

/// How whoever says yes is known. Whether that is enough, and whether it may be them, is `wrong_person`'s.
fn proof(
    session: &Session,
    round: &Round,
    yes: &Yes<'_>,
    by: &Person,
    now: Moment,
    found: &Circumstances,
) -> Result<Proven, Refusal> {
    let rule = round.subject.witness.proof;
    if let Some(armoured) = yes.signature {
        if rule == Proof::Account {
            return Err(Refusal::rule("it asks for another account at this machine, and takes no signature"));
        }
        let signers = match &found.signers {
            Some(Ok(signers)) => signers,
            Some(Err(why)) => return Err(Refusal::rule(why.clone())),
            None => return Err(Refusal::rule("no file of allowed signers is known")),
        };
        let mut signed =
            signature::check(&round.subject.text(), armoured, signers, now.at).map_err(Refusal::rule)?;
        if found.own_keys.contains(&signed.fingerprint) {
            return Err(Refusal::rule(format!(
                "the key of {} is one that the operator's account holds; nobody approves themselves",
                signed.principal
            )));
        }
        signed.unknown.clone_from(&found.keys_unknown);
        return Ok(Proven::Key(Box::new(signed)));
    }
    if let Some(name) = yes.name {
        if rule != Proof::Here {
            return Err(Refusal::rule("a name that somebody types proves nothing, and is not enough here"));
        }
        if !session.operator.same_account(by) {
            return Err(Refusal::rule(format!(
                "you are {}, another account than the operator's: approve without --name, and that account is on record",
                by.name
            )));
        }
        words_needed(name, "say your name")?;
        if let Some(why) = unfit_name(name) {
            return Err(Refusal::rule(why));
        }
        return Ok(Proven::Here { name: name.trim().to_owned() });
    }
    if rule == Proof::Key {
        return Err(Refusal::rule(
            "it asks for a signature: onbelay approval show, ssh-keygen -Y sign, onbelay approve --signature FILE",
        ));
    }
    match &found.barred {
        Some(why) => Err(Refusal::rule(why.clone())),
        None => Ok(Proven::Account),
    }
}

/// A second person's no.
pub(super) fn refuse(session: &Session, id: &StepId, why: &str) -> Decision {
    let place = find_step(session, id)?;
    words_needed(why, "say why: a refusal needs words")?;
    let round = asked(session, place, id)?;
    if let Some(refused) = &round.refused {
        return Err(Refusal::rule(format!("{} refused it already: {}", refused.by.name, refused.why)));
    }
    let (step, asked) = (id.clone(), round.subject.asked);
    Ok(vec![Event::ApprovalRefused { step, asked, why: why.to_owned() }])
}

fn asked<'a>(session: &'a Session, place: usize, id: &StepId) -> Result<&'a Round, Refusal> {
    if session.runbook.steps[place].witness.is_none() {
        return Err(Refusal::call(format!("{} asks for no witness", view::step_name(session, place))));
    }
    session.steps[place].approval.as_deref().ok_or_else(|| {
        Refusal::rule(format!(
            "nobody asked for an approval of {}; ask: onbelay approval show {} {id}",
            view::step_name(session, place),
            session.id
        ))
    })
}

/// Another person is the operator from now.
pub(super) fn handover(session: &Session, to: &str, found: &Circumstances) -> Decision {
    words_needed(to, "say to whom: the name of an account")?;
    let named = match &found.named {
        Some(Ok(named)) => named,
        Some(Err(why)) => return Err(Refusal { fault: Fault::Rule, ..Refusal::rule(why.clone()) }),
        None => return Err(Refusal::rule(format!("nobody called {to} is known here"))),
    };
    if named.same_account(&session.operator) {
        return Err(Refusal::rule(format!("{} is the operator already", named.name)));
    }
    let asked_for = session.steps.iter().enumerate().filter(|(_, step)| step.request.is_some());
    let dropped = asked_for.map(|(place, _)| Event::RequestDropped {
        step: session.runbook.steps[place].id.clone(),
        why: format!("{} is the operator now", named.name),
    });
    Ok(dropped.chain([Event::HandedOver { to: named.clone() }]).collect())
}

/// Who approved a step never starts it.
pub(super) fn not_its_approver(session: &Session, place: usize, by: &Person) -> Result<(), Refusal> {
    match approved_by(&session.steps[place].approvers, by) {
        Some(_) => Err(Refusal::rule(format!(
            "{} approved {}; who approved a step never starts it: hand over to somebody else",
            by.name,
            view::step_name(session, place)
        ))),
        None => Ok(()),
    }
}
