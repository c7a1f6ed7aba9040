//! Where a walk stands, as `status --json` prints it: a contract with scripts. PURE.

mod lines;

pub use lines::text;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::session::Requirement;
use crate::session::approve::name_of;
use crate::session::approve::standing::{Word, rule_of, standing};
use crate::session::estimate::{self, Past};
use crate::session::event::{Person, Proven, Work};
use crate::session::state::{ItemProgress, Progress, Session, Stage};
use crate::session::view::{self, CheckStatus, StepStatus};
use crate::time::{Moment, Timestamp};

/// The whole of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The session's id.
    pub session: String,
    /// `open`, `held`, `finished`, `aborted` or `lost`.
    pub state: String,
    /// What is walked.
    pub runbook: RunbookStatus,
    /// Holds not released, oldest first.
    pub holds: Vec<HoldStatus>,
    /// Who takes part.
    pub people: Vec<PersonStatus>,
    /// In the order of the walk.
    pub steps: Vec<StepLine>,
    /// In the order of the runbook.
    pub checks: Vec<CheckLine>,
    /// What is left of the walk; absent where nothing is known of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<LeftStatus>,
    /// There is too little room for the log: nothing that destroys is started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomStatus>,
}

/// What is free where the log is kept, where that is too little.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomStatus {
    /// Bytes.
    pub free: u64,
    /// In a sentence, and what to do.
    pub why: String,
}

/// What is left of the walk, as far as the runbook and earlier sessions tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftStatus {
    /// Milliseconds that are known of. What people take between two steps is not in it.
    pub ms: u64,
    /// Steps that are not done or skipped.
    pub steps: usize,
    /// Those of them of which no time is known.
    pub unknown: usize,
    /// Something that runs takes longer than it was to, so that it is more than that.
    pub over: bool,
}

/// What is walked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunbookStatus {
    /// Its title, filled in.
    pub title: String,
    /// Where it was read from.
    pub path: String,
    /// SHA-256 of the copy that is walked.
    pub sha256: String,
    /// In a sentence, that the file at `path` is another by now; absent where it is not known to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differs: Option<String>,
}

/// Somebody's "stop".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldStatus {
    /// Who called it.
    pub by: String,
    /// Why.
    pub why: String,
}

/// Somebody who takes part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonStatus {
    /// Account name.
    pub name: String,
    /// `operator`; of who is attached besides: `witness`, `watching`, `attached` (a screen that neither only watches nor witnesses).
    pub role: String,
    /// How they are known: `account`.
    pub proof: String,
    /// The account that logged in, where the kernel knows it and it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<u32>,
}

/// How the approval of a step stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalStatus {
    /// `none`, `asked`, `approved`, `refused`, `void` or `expired`.
    pub state: String,
    /// The record that asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<u64>,
    /// Until when it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Whose approval counts.
    pub by: Vec<ApproverStatus>,
    /// In a sentence.
    pub why: String,
}

/// Somebody who approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApproverStatus {
    /// Account, principal of the key, or the name that was typed.
    pub name: String,
    /// `account`, `key` or `here`.
    pub proof: String,
    /// When.
    pub at: Timestamp,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepLine {
    /// Its id.
    pub id: String,
    /// Its title, filled in.
    pub title: String,
    /// The heading it stands under.
    pub phase: Option<String>,
    /// Its state.
    pub state: StepStatus,
    /// Is it a hold point?
    pub destructive: bool,
    /// How often it was started.
    pub attempts: u32,
    /// Its last start was by hand.
    pub by_hand: bool,
    /// Why it is in its state; may be empty.
    pub why: String,
    /// What it is doing, where it runs and there is more to say than that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doing: Option<String>,
    /// By how much it takes longer than it was to, milliseconds; absent where it is not late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_ms: Option<u64>,
    /// How long it has been running, milliseconds; absent where it is not running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running_ms: Option<u64>,
    /// How long it is to take, milliseconds: by `expect_within`, else as before; absent where nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_ms: Option<u64>,
    /// Its items.
    pub items: Vec<StepItem>,
    /// Everything its gate asks for.
    pub gate: Vec<Requirement>,
    /// How its approval stands, where it asks for a second person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalStatus>,
}

/// One item of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepItem {
    /// The item.
    pub item: String,
    /// Where it stands.
    pub state: ItemProgress,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckLine {
    /// Its id.
    pub id: String,
    /// Its title, filled in.
    pub title: String,
    /// Its state.
    pub state: CheckStatus,
    /// One sentence.
    pub detail: String,
    /// When its answer's probe began.
    pub at: Option<Timestamp>,
    /// Until when it serves, where the clock sets that.
    pub valid_until: Option<Timestamp>,
    /// Its items.
    pub items: Vec<view::ItemView>,
}

/// Gathers it, as of `now`; `state` is how the session fares, `past` what earlier walks took.
#[must_use]
pub fn status(session: &Session, state: &str, past: &Past, now: Moment) -> Status {
    let order = view::order(session);
    let filled = |text| view::filled(session, text);
    let runbook = &session.runbook;
    Status {
        session: session.id.to_string(),
        state: state.to_owned(),
        runbook: RunbookStatus {
            title: session.opened.title.clone(),
            path: session.opened.path.clone(),
            sha256: session.opened.sha256.to_string(),
            differs: None,
        },
        holds: session
            .holds
            .iter()
            .map(|hold| HoldStatus { by: hold.by.name.clone(), why: hold.why.clone() })
            .collect(),
        people: vec![person(&session.operator, "operator")],
        steps: runbook
            .steps
            .iter()
            .zip(&session.steps)
            .enumerate()
            .map(|(place, (model, step))| StepLine {
                id: model.id.to_string(),
                title: filled(&model.title),
                phase: model.phase.and_then(|at| runbook.phases.get(at)).map(filled),
                state: view::step_status(session, &order, place, now),
                destructive: model.is_hold_point(),
                attempts: step.attempts,
                by_hand: step.by_hand,
                why: step.why.clone(),
                doing: view::doing(session, place).filter(|doing| doing != "running"),
                late_ms: view::late_by(session, place, now).map(millis),
                running_ms: matches!(step.progress, Progress::Running(_))
                    .then(|| step.started?.age(now).map(millis))
                    .flatten(),
                expected_ms: estimate::of_step(session, past, place).map(|expected| millis(expected.length)),
                items: step
                    .items
                    .iter()
                    .map(|item| StepItem { item: item.item.clone(), state: item.progress })
                    .collect(),
                gate: gate_of(session, &order, place, now),
                approval: approval_of(session, place, now),
            })
            .collect(),
        checks: runbook
            .checks
            .iter()
            .enumerate()
            .map(|(place, model)| {
                let view = view::check(session, place, now);
                CheckLine {
                    id: model.id.to_string(),
                    title: filled(&model.title),
                    state: view.state,
                    detail: view.detail,
                    at: view.at,
                    valid_until: view.valid_until,
                    items: view.items,
                }
            })
            .collect(),
        left: estimate::left(session, past, now).map(|left| LeftStatus {
            ms: millis(left.length),
            steps: left.ahead,
            unknown: left.unknown,
            over: left.over,
        }),
        room: None,
    }
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

/// Adds those who are attached besides the operator: only the session's host knows them.
pub fn add_present(status: &mut Status, operator: &Person, present: &[(Person, &str)]) {
    for (who, role) in present.iter().filter(|(who, _)| !who.same_account(operator)) {
        let line = person(who, role);
        if !status.people.contains(&line) {
            status.people.push(line);
        }
    }
}

fn person(person: &Person, role: &str) -> PersonStatus {
    PersonStatus {
        name: person.name.clone(),
        role: role.to_owned(),
        proof: "account".to_owned(),
        login: person.login.filter(|login| person.uid != Some(*login)),
    }
}

fn approval_of(session: &Session, place: usize, now: Moment) -> Option<ApprovalStatus> {
    let round = session.steps[place].approval.as_deref();
    let work = round.map_or(Work::Run, |round| round.subject.work);
    rule_of(session, place, work)?;
    let standing = standing(session, place, work, None, now);
    let state = match standing.word {
        Word::Needless | Word::Unasked => "none",
        Word::Waits => "asked",
        Word::Given => "approved",
        Word::Refused => "refused",
        Word::Over if round.is_some_and(|round| round.void.is_some()) => "void",
        Word::Over => "expired",
    };
    let given = round.map_or(&[][..], |round| &round.given);
    let counts = given.iter().filter(|given| standing.approvals.contains(&given.n));
    Some(ApprovalStatus {
        state: state.to_owned(),
        asked: round.map(|round| round.subject.asked),
        expires: round.map(|round| round.subject.expires),
        by: counts
            .map(|given| ApproverStatus {
                name: name_of(given).to_owned(),
                proof: match given.proof {
                    Proven::Account => "account",
                    Proven::Key(_) => "key",
                    Proven::Here { .. } => "here",
                }
                .to_owned(),
                at: given.at.at,
            })
            .collect(),
        why: standing.why,
    })
}

/// What a step's gate asks for. That the walk is over is no requirement, and nothing is asked for once it is finished.
fn gate_of(session: &Session, order: &view::Order, place: usize, now: Moment) -> Vec<Requirement> {
    if session.stage == Stage::Finished {
        return Vec::new();
    }
    let mut gate = view::gate(session, order, place, now);
    gate.retain(|requirement| requirement.id != session.id.as_str());
    gate
}

/// The mark of a step's state, as every screen shows it.
#[must_use]
pub fn step_mark(state: StepStatus) -> &'static str {
    match state {
        StepStatus::Waiting => "·",
        StepStatus::Ready => "○",
        StepStatus::Running => "▶",
        StepStatus::Done => "✓",
        StepStatus::Failed => "✗",
        StepStatus::Skipped => "⊘",
        StepStatus::Interrupted => "?",
        StepStatus::Undone => "↶",
    }
}

/// The mark of a check's state.
#[must_use]
pub fn check_mark(state: CheckStatus) -> &'static str {
    match state {
        CheckStatus::Holds => "✓",
        CheckStatus::Fails | CheckStatus::Error => "✗",
        CheckStatus::Running => "▶",
        CheckStatus::Unknown => "?",
        CheckStatus::Stale => "·",
    }
}

/// The word for a step's state.
#[must_use]
pub fn step_word(state: StepStatus) -> &'static str {
    match state {
        StepStatus::Waiting => "waiting",
        StepStatus::Ready => "ready",
        StepStatus::Running => "running",
        StepStatus::Done => "done",
        StepStatus::Failed => "failed",
        StepStatus::Skipped => "skipped",
        StepStatus::Interrupted => "interrupted",
        StepStatus::Undone => "undone",
    }
}

/// The word for a check's state.
#[must_use]
pub fn check_word(state: CheckStatus) -> &'static str {
    match state {
        CheckStatus::Unknown => "unknown",
        CheckStatus::Running => "running",
        CheckStatus::Holds => "holds",
        CheckStatus::Fails => "fails",
        CheckStatus::Error => "error",
        CheckStatus::Stale => "stale",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::session::{Entry, Event, Opened, Person};

    const RUNBOOK: &str = "\
onbelay: 1
title: Move the shop
checks:
  backup: { title: The backup holds, run: 'true', fix: widen it }
  copy: { title: A copy, attest: Where? }
steps:
  - phase: Prepare
  - { id: freeze, title: Freeze edits, run: 'true' }
  - phase: Point of no return
  - { id: wipe, title: \"Delete \\e[2J it\", destructive: all of it, requires: [backup, copy], confirm: shop, run: 'true' }
";

    fn session() -> Session {
        let runbook = crate::runbook::read(RUNBOOK.as_bytes(), "t.yaml").unwrap_or_else(|p| panic!("{p:?}"));
        let by = Person { name: "dana".into(), uid: Some(1), login: None };
        let opened = Opened {
            format: 1,
            onbelay: "0".into(),
            title: "Move the shop".into(),
            path: "/r/t.yaml".into(),
            sha256: "ab".into(),
            values: BTreeMap::new(),
            secrets: Vec::new(),
            dir: "/".into(),
            machine: "m".into(),
            umask: 0o22,
            operator: by.clone(),
            share: None,
            signers: None,
        };
        let entry = |n, event| Entry {
            n,
            at: Timestamp::from_millis(0),
            up: n,
            session: "20261120-151012-move-the-shop-k3f9".into(),
            by: by.clone(),
            event,
        };
        let first = entry(1, Event::SessionOpened(Box::new(opened)));
        let mut session = Session::open(Arc::new(runbook), &first).unwrap();
        session.apply(&entry(2, Event::HoldCalled { why: "wait".into() })).unwrap();
        session
    }

    fn now() -> Moment {
        Moment { at: Timestamp::from_millis(5_000), up: 5_000, boot: 0 }
    }

    #[test]
    fn the_json_has_every_field_of_the_contract() {
        let json = serde_json::to_value(status(&session(), "held", &Past::default(), now())).unwrap();
        let keys = |value: &serde_json::Value| {
            value.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(keys(&json), "checks holds people runbook session state steps");
        assert_eq!(json["state"], "held");
        assert_eq!(
            json["runbook"],
            serde_json::json!({"title": "Move the shop", "path": "/r/t.yaml", "sha256": "ab"})
        );
        assert_eq!(json["holds"], serde_json::json!([{"by": "dana", "why": "wait"}]));
        assert_eq!(
            json["people"],
            serde_json::json!([{"name": "dana", "role": "operator", "proof": "account"}])
        );
        let wipe = &json["steps"][1];
        assert_eq!(keys(wipe), "attempts by_hand destructive gate id items phase state title why");
        assert_eq!(wipe["phase"], "Point of no return");
        assert_eq!((&wipe["state"], &wipe["destructive"]), (&"waiting".into(), &true.into()));
        let kinds: Vec<_> =
            wipe["gate"].as_array().unwrap().iter().map(|r| r["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["order", "check", "check", "hold", "confirm"]);
        assert_eq!(keys(&wipe["gate"][1]), "fix id kind met why");
        assert_eq!(keys(&json["checks"][0]), "at detail id items state title valid_until");
    }

    #[test]
    fn what_is_over_is_no_requirement() {
        let by = Person { name: "dana".into(), uid: Some(1), login: None };
        for (event, asks) in [(Event::Finished, false), (Event::Aborted { why: "x".into() }, true)] {
            let mut session = session();
            let id = session.id.clone();
            let (at, n) = (Timestamp::from_millis(0), 3);
            session.apply(&Entry { n, at, up: n, session: id, by: by.clone(), event }).unwrap();
            let status = status(&session, "over", &Past::default(), now());
            let gates: Vec<&Requirement> = status.steps.iter().flat_map(|step| &step.gate).collect();
            assert!(gates.iter().all(|r| r.id != status.session), "{gates:?}");
            assert_eq!(!gates.is_empty(), asks, "{gates:?}");
        }
    }

    #[test]
    fn the_text_says_what_is_shut_and_why_and_no_title_acts_on_the_terminal() {
        let text = text(&status(&session(), "held", &Past::default(), now()));
        insta::assert_snapshot!(text, @r"
        Move the shop
        session 20261120-151012-move-the-shop-k3f9 · held
        with dana (operator)
        ⏸ hold by dana: wait

        Prepare
         · 1 Freeze edits  (freeze, waiting)
               ⏸ dana called a hold: wait

        Point of no return
         · 2 ◆ Delete ␛[2J it  (wipe, waiting)
               · 1 Freeze edits comes first
               ✗ backup  not asked yet
               ✗ copy  nobody has answered yet
               ⏸ dana called a hold: wait
               · type  shop  to confirm

        Checks
         ? backup (unknown)  not asked yet
         ? copy (unknown)  nobody has answered yet
        ");
    }
}
