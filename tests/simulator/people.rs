//! People: who they are, and what they ask for. Often what would help the walk on; often enough anything at all.

use onbelay::id::Digest;
use onbelay::session::command::CheckItem;
use onbelay::session::event::{How, Said};
use onbelay::session::{Circumstances, Command, Person, Session, Work};
use onbelay::time::Moment;

use super::chance::Chance;
use super::model::{Doing, Is, Model, Stage};

/// dana begins as the operator; lee is an account that dana reaches with `sudo`.
pub(crate) fn people() -> Vec<Person> {
    let person = |name: &str, uid: u32, login: u32| Person {
        name: name.to_owned(),
        uid: Some(uid),
        login: Some(login),
    };
    vec![
        person("dana", 1000, 1000),
        person("sam", 1001, 1001),
        person("kim", 1002, 1002),
        person("lee", 1003, 1000),
    ]
}

/// Somebody asks for something.
pub(crate) struct Wanted {
    pub(crate) who: usize,
    pub(crate) command: Command,
    pub(crate) found: Circumstances,
    pub(crate) saw_another: bool,
}

pub(crate) fn wants(
    chance: &mut Chance,
    model: &Model,
    session: &Session,
    people: &[Person],
    now: Moment,
) -> Wanted {
    let operator = people.iter().position(|person| person.uid == model.operator.uid).unwrap_or(0);
    let (mut who, command) = if chance.percent(85) {
        useful(chance, model, operator, now)
    } else {
        (if chance.percent(60) { operator } else { chance.index(people.len()) }, anything(chance, model))
    };
    if chance.percent(4) {
        who = chance.index(people.len());
    }
    let mut found = Circumstances::default();
    let mut saw_another = false;
    let mut command = command;
    if chance.percent(2) {
        found.barred = Some("this account is gone".to_owned());
    }
    match &mut command {
        Command::Approve { step, seen, .. } => {
            let place = session.step_at(step.as_str());
            let round = place.and_then(|place| session.steps[place].approval.as_deref());
            match (chance.below(3), round) {
                (0, Some(round)) => *seen = Some(round.subject.text_digest()),
                (1, Some(_)) if chance.percent(10) => {
                    *seen = Some(Digest::new("0".repeat(64)));
                    saw_another = true;
                }
                _ => {}
            }
        }
        Command::Handover { to } => {
            let named = people.iter().find(|person| person.name == *to);
            found.named = Some(named.cloned().ok_or_else(|| format!("nobody is called {to}")));
        }
        Command::Run { step, .. } | Command::Undo { step, .. } if chance.percent(6) => {
            let round = model.step_at(step.as_str()).and_then(|at| model.steps[at].round.as_ref());
            let given = round.into_iter().flat_map(|round| &round.given);
            found.lapsed = given.map(|yes| (yes.n, format!("{} left the group", yes.by.name))).collect();
        }
        _ => {}
    }
    Wanted { who, command, found, saw_another }
}

fn run(chance: &mut Chance, model: &Model, at: usize, undo: bool) -> Command {
    let plan = &model.book.steps[at];
    let (typed, will_ask) = match (&plan.confirm, chance.below(24)) {
        (Some(_), 0) => (Some("something else".to_owned()), false),
        (Some(_), 1) => (None, false),
        (Some(_), 2) => (None, true),
        (confirm, _) => (confirm.clone(), chance.percent(10)),
    };
    let step = plan.id.as_str().into();
    if undo {
        return Command::Undo { step, typed, will_ask };
    }
    let of_round = model.steps[at].round.as_ref().is_some_and(|round| round.by_hand);
    let by_hand = if chance.percent(8) { !of_round } else { of_round };
    Command::Run { step, typed, will_ask, by_hand }
}

/// What the walk waits for.
fn useful(chance: &mut Chance, model: &Model, operator: usize, now: Moment) -> (usize, Command) {
    let second = 1 + chance.index(2);
    if !model.holds.is_empty() && chance.percent(80) {
        return (operator, Command::Release { why: Some("settled".to_owned()) });
    }
    let asked: Vec<usize> = (0..model.book.checks.len()).filter(|at| model.wants_words(*at, now)).collect();
    if !asked.is_empty() && chance.percent(55) {
        let check = CheckItem::parse(&model.book.checks[*chance.pick(&asked)].id);
        return (second, Command::Attest { check, yes: chance.percent(95), words: "I looked".to_owned() });
    }
    let ran = |at: &usize| model.steps[*at].touched && model.book.steps[*at].undo.is_some();
    let can_go_back: Vec<usize> = (0..model.steps.len()).filter(ran).collect();
    if model.stage == Stage::Aborted && chance.percent(80) {
        // Only undos start.
        let Some(at) = can_go_back.last() else {
            return (operator, Command::Note { text: "over".to_owned() });
        };
        return (operator, run(chance, model, *at, true));
    }
    let open = (0..model.steps.len()).find(|at| !matches!(model.steps[*at].is, Is::Done | Is::Skipped));
    let Some(at) = open else {
        let all: Vec<usize> = (0..model.steps.len()).collect();
        let back = *chance.pick(if can_go_back.is_empty() { &all } else { &can_go_back });
        return match chance.below(8) {
            0 => (operator, Command::Finish),
            1 => (operator, run(chance, model, back, false)),
            _ => (operator, run(chance, model, back, true)),
        };
    };
    let (state, plan) = (&model.steps[at], &model.book.steps[at]);
    let step = || plan.id.as_str().into();
    let waits = state.round.as_ref().is_some_and(|round| {
        Model::stands(round, now) && round.given.iter().filter(|yes| !yes.void).count() < plan.witnesses
    });
    if waits && state.wish.is_none() && chance.percent(75) {
        return (second, Command::Approve { step: step(), seen: None, name: None, signature: None });
    }
    match (state.is, &state.attempt) {
        (Is::Interrupted, _) => {
            let done = chance.percent(50);
            (operator, Command::Resolve { step: step(), done, what: "I looked".to_owned() })
        }
        (Is::Running, Some(attempt)) if attempt.how == How::Script || attempt.doing != Doing::Working => {
            // The tool is at it, or checks are being asked.
            match chance.below(8) {
                0 => (operator, Command::Stop { step: step() }),
                1 => (operator, Command::Check { checks: Vec::new() }),
                _ => (operator, anything(chance, model)),
            }
        }
        (Is::Running, _) => {
            let said = Said { say: None, value: None };
            match chance.below(5) {
                0 => (operator, Command::Fail { step: step(), why: "it broke".to_owned() }),
                _ => (operator, Command::Done { step: step(), said }),
            }
        }
        (Is::Failed, _) if chance.percent(25) => (operator, run(chance, model, at, true)),
        (Is::Failed, _) if chance.percent(15) => {
            (operator, Command::Skip { steps: vec![step()], why: "not needed".to_owned() })
        }
        _ if state.wish.is_some() && chance.percent(80) => (operator, anything(chance, model)),
        _ if !plan.script && !plan.must_be_started() => {
            (operator, Command::Done { step: step(), said: Said { say: None, value: None } })
        }
        _ => (operator, run(chance, model, at, false)),
    }
}

/// Anything that can be said, sensible or not.
fn anything(chance: &mut Chance, model: &Model) -> Command {
    let at = chance.index(model.steps.len());
    let id = if chance.one_in(60) { "nowhere".to_owned() } else { model.book.steps[at].id.clone() };
    let step = || id.as_str().into();
    let check = CheckItem::parse(&chance.pick(&model.book.checks).id);
    let words = |chance: &mut Chance| if chance.one_in(20) { " ".to_owned() } else { "words".to_owned() };
    match chance.below(24) {
        0 | 1 => Command::Check { checks: if chance.percent(50) { Vec::new() } else { vec![check] } },
        2 => Command::Attest { check, yes: chance.percent(70), words: words(chance) },
        3 | 4 => run(chance, model, at, false),
        5 | 6 => run(chance, model, at, true),
        7 => Command::Withdraw { step: step() },
        8 => Command::Done { step: step(), said: Said { say: Some("done".to_owned()), value: None } },
        9 => Command::Fail { step: step(), why: words(chance) },
        10 => Command::Skip { steps: vec![step()], why: words(chance) },
        11 | 12 => Command::Note { text: words(chance) },
        13 => Command::Hold { why: words(chance) },
        14 => Command::Release { why: if chance.percent(50) { None } else { Some(words(chance)) } },
        15 => Command::Resolve { step: step(), done: chance.percent(50), what: words(chance) },
        16 => Command::Stop { step: step() },
        17 => {
            let work = *chance.pick(&[None, Some(Work::Run), Some(Work::Undo)]);
            Command::AskApproval { step: step(), work, by_hand: chance.percent(15) }
        }
        18 | 19 => Command::Approve { step: step(), seen: None, name: None, signature: None },
        20 => Command::Refuse { step: step(), why: words(chance) },
        21 => {
            let to = *chance.pick(&["dana", "sam", "kim", "nobody"]);
            Command::Handover { to: to.to_owned() }
        }
        22 if chance.one_in(6) => Command::Abort { why: words(chance) },
        22 => Command::TakeTerminal { step: step() },
        _ => Command::Finish,
    }
}
