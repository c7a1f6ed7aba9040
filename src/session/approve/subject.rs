//! Everything that one approval covers, and what has changed since. PURE.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{CheckId, Digest, SessionId, StepId, ValueName};
use crate::runbook::digest::of_call;
use crate::runbook::values::names_in;
use crate::runbook::{Proof, Undo, UndoWork, Value, WitnessRule};
use crate::session::event::{How, Person, Work};
use crate::session::state::{Ground, StepState};
use crate::session::{Session, gate, view};
use crate::time::{Moment, Timestamp};

use super::{LONGEST, LONGEST_REFUSAL, MOST_REFUSALS, standing};

/// One start, as it stood when its approval was asked for. Stored in the journal; what is approved is its text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// The session.
    pub session: SessionId,
    /// The record that asks.
    pub asked: u64,
    /// When it was asked, UTC.
    pub at: Timestamp,
    /// Until when it can be approved and used, UTC. (What counts is the clock that counts suspend.)
    pub expires: Timestamp,
    /// The head of the journal just before.
    pub head: Head,
    /// SHA-256 of the runbook that is walked.
    pub runbook: Digest,
    /// The step.
    pub step: StepId,
    /// Its place and title.
    pub name: String,
    /// Forward or back.
    pub work: Work,
    /// Who carries it out.
    pub how: How,
    /// Which start of the step it would be, from 1 (starts of its undo included).
    pub attempt: u32,
    /// The session's number of the step's last attempt; 0: it had none.
    pub after: u32,
    /// Who drives.
    pub operator: Person,
    /// The machine.
    pub machine: String,
    /// The account that commands run as.
    pub user: Person,
    /// The directory.
    pub dir: String,
    /// File mode creation mask.
    pub umask: u32,
    /// What is lost; empty where nothing is said.
    pub loses: String,
    /// What must be typed to confirm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
    /// Who may approve.
    pub witness: WitnessRule,
    /// The words of the command, the script last; empty where a person does it.
    pub argv: Vec<String>,
    /// SHA-256 of the whole command (of the first item, where it has items).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Digest>,
    /// Its command has a terminal: what is typed there is not known beforehand, and no part of what is approved.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interactive: bool,
    /// What a person is to do, where there is no script.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
    /// Values and the script's own environment, by the names the script knows them by.
    pub values: BTreeMap<String, String>,
    /// Secrets that the script gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<ValueName>,
    /// Digests of the rest of its environment, by name.
    pub environment: BTreeMap<String, Digest>,
    /// The items it runs for, in order, each with its command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ItemCommand>,
    /// The whole list, items that are done included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub list: Vec<String>,
    /// What was answered to every check it requires.
    pub evidence: Vec<Evidence>,
    /// Who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asker: Option<Person>,
    /// The approvals whose place this asking takes, and why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// Who said no to it since its last start, oldest first; the last few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<RefusedBefore>,
}

/// A second person's no to an earlier asking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedBefore {
    /// Its record.
    pub record: u64,
    /// When, UTC.
    pub at: Timestamp,
    /// Who.
    pub by: Person,
    /// Why, in their words; cut where they are many.
    pub why: String,
}

/// The head of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Number of its last record.
    pub n: u64,
    /// SHA-256 of that record's line. The host fills it in where it writes the record that asks.
    pub sha256: Digest,
}

/// The command of one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemCommand {
    /// The item.
    pub item: String,
    /// SHA-256 of its command; absent where a person does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Digest>,
}

/// What was answered to a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The check.
    pub check: CheckId,
    /// Found by the tool, and not said by a person.
    pub automatic: bool,
    /// What the check asks, in words.
    pub title: String,
    /// The answer, in words.
    pub words: String,
    /// When the (oldest) answer's probe began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Numbers of the records with the answers.
    pub records: Vec<u64>,
}

/// As [`subject`], for an asking by somebody: it must fit into a record, and be something that a person can read.
pub fn asking(
    session: &Session,
    place: usize,
    work: Work,
    by_hand: bool,
    by: &Person,
    now: Moment,
) -> Result<Subject, String> {
    let mut subject = subject(session, place, work, by_hand, now)?;
    subject.asker = Some(by.clone());
    subject.replaces = standing::replaced(session, place, work, by_hand, now);
    let bytes = serde_json::to_vec(&subject).map_or(usize::MAX, |json| json.len());
    if bytes > LONGEST {
        return Err(format!(
            "nobody can be asked to approve it: its script, values, list and answers are {bytes} bytes, and at most \
             {LONGEST} are put before a person; split the step, or its list"
        ));
    }
    Ok(subject)
}

/// The start of the step at `place` as it stands now. The sentence says why it cannot be put together.
pub fn subject(
    session: &Session,
    place: usize,
    work: Work,
    by_hand: bool,
    now: Moment,
) -> Result<Subject, String> {
    let model = &session.runbook.steps[place];
    let state = &session.steps[place];
    let has_script = gate::script_of(model, work).is_some();
    let how = match (has_script, by_hand) {
        (false, _) => How::Person,
        (true, true) => How::ByHand,
        (true, false) => How::Script,
    };
    let list = match &model.for_each {
        Some(for_each) => view::items_of(session, for_each).map_err(|e| e.to_string())?.into_owned(),
        None => Vec::new(),
    };
    let call_of = |item: Option<&str>| match (gate::command(session, place, work, item), how) {
        // What is done by hand in its place may be what a value is missing for.
        (Err(_), How::ByHand) => Ok(None),
        (call, _) => call.map_err(|e| e.to_string()),
    };
    if how == How::Script
        && let Some(missing) = gate::value_never_captured(session, place, work)
    {
        return Err(missing);
    }
    let mut items = Vec::new();
    for item in gate::items_to_do(session, place, work, &list, by_hand) {
        let command = call_of(Some(&item))?.as_ref().map(of_call);
        items.push(ItemCommand { item, command });
    }
    let call = call_of(items.first().map(|item| item.item.as_str()))?;
    let values = match &call {
        Some(call) => call.env.clone(),
        None => values_in_words(session, place, work),
    };
    let ground = Ground::now(session);
    let expires =
        now.at.millis().saturating_add(i64::try_from(super::LIFETIME.as_millis()).unwrap_or(i64::MAX));
    Ok(Subject {
        session: session.id.clone(),
        asked: session.head + 1,
        at: now.at,
        expires: Timestamp::from_millis(expires),
        head: Head { n: session.head, sha256: Digest::new("") },
        runbook: session.opened.sha256.clone(),
        step: model.id.clone(),
        name: view::step_name(session, place),
        work,
        how,
        attempt: state.starts + 1,
        after: state.last_attempt,
        operator: session.operator.clone(),
        machine: ground.machine,
        user: ground.user,
        dir: dir_of(session, call.as_ref().and_then(|call| call.dir.as_deref())),
        umask: session.opened.umask,
        loses: model.destructive.as_ref().map_or_else(String::new, |it| view::filled(session, &it.loses)),
        confirm: view::confirmation(session, place),
        witness: model.witness.clone().unwrap_or(WitnessRule {
            proof: Proof::Account,
            of: Vec::new(),
            count: 1,
        }),
        command: call.as_ref().map(of_call),
        interactive: model.interactive && how == How::Script && work == Work::Run,
        words: if has_script { String::new() } else { words_of(session, place, work) },
        values,
        secrets: call.as_ref().map_or_else(Vec::new, secrets_of),
        argv: call.map(|call| call.argv).unwrap_or_default(),
        environment: ground.environment,
        items,
        list,
        evidence: evidence(session, place, work, now),
        asker: None,
        replaces: None,
        refusals: refusals(state),
    })
}

/// The last ones, with their words cut: nobody makes an asking too long to be asked by refusing it.
fn refusals(state: &StepState) -> Vec<RefusedBefore> {
    let last = state.refusals.iter().rev().take(MOST_REFUSALS).rev();
    last.map(|refused| RefusedBefore {
        record: refused.n,
        at: refused.at.at,
        by: refused.by.clone(),
        why: match refused.why.char_indices().nth(LONGEST_REFUSAL) {
            Some((end, _)) => format!("{}…", &refused.why[..end]),
            None => refused.why.clone(),
        },
    })
    .collect()
}

impl Ground {
    /// As it was approved.
    #[must_use]
    pub fn of(subject: &Subject) -> Self {
        let (machine, user) = (subject.machine.clone(), subject.user.clone());
        Self { machine, user, environment: subject.environment.clone() }
    }

    /// As it is now.
    #[must_use]
    pub fn now(session: &Session) -> Self {
        let host = session.host.as_ref();
        Self {
            machine: host
                .and_then(|host| host.machine.clone())
                .unwrap_or_else(|| session.opened.machine.clone()),
            user: host
                .and_then(|host| host.runs_as.clone())
                .unwrap_or_else(|| session.opened.operator.clone()),
            environment: session.env.clone(),
        }
    }

    /// What differs, in words.
    #[must_use]
    pub fn changes(&self, now: &Self) -> Vec<String> {
        let mut changed = Vec::new();
        if self.machine != now.machine {
            changed.push("the machine".to_owned());
        }
        if !self.user.same_account(&now.user) || self.user.name != now.user.name {
            changed.push("the account that commands run as".to_owned());
        }
        let (then, now) = (&self.environment, &now.environment);
        let names = then.keys().chain(now.keys().filter(|name| !then.contains_key(*name)));
        let differs = names.filter(|name| then.get(*name) != now.get(*name));
        changed.extend(differs.map(|name| format!("the environment variable `{name}`")));
        changed
    }
}

fn dir_of(session: &Session, dir: Option<&str>) -> String {
    match dir {
        None => session.opened.dir.clone(),
        Some(dir) if dir.starts_with('/') => dir.to_owned(),
        Some(dir) => format!("{}/{dir}", session.opened.dir.trim_end_matches('/')),
    }
}

fn secrets_of(call: &crate::runbook::values::ScriptCall) -> Vec<ValueName> {
    let mut names = call.secrets.clone();
    for text in call.secret_env.values() {
        names.extend(names_in(text));
    }
    names.sort_unstable();
    names.dedup();
    names
}

fn words_of(session: &Session, place: usize, work: Work) -> String {
    let model = &session.runbook.steps[place];
    match (work, model.undo.as_deref()) {
        (Work::Run, _) => view::filled(session, &model.about),
        (Work::Undo, Some(Undo { work: UndoWork::Words(words), .. })) => view::filled(session, words),
        (Work::Undo, _) => String::new(),
    }
}

/// The values that a person's part names.
fn values_in_words(session: &Session, place: usize, work: Work) -> BTreeMap<String, String> {
    let model = &session.runbook.steps[place];
    let told = match (work, model.undo.as_deref()) {
        (Work::Run, _) => Some(&model.about),
        (Work::Undo, Some(Undo { work: UndoWork::Words(words), .. })) => Some(words),
        (Work::Undo, _) => None,
    };
    let loses = model.destructive.as_ref().map(|it| &it.loses);
    let names = told.into_iter().chain(loses).chain(&model.confirm).flat_map(names_in);
    let known = names.filter_map(|name| {
        let value = in_words(session.values.get(&name)?);
        Some((name.to_string(), value))
    });
    known.collect()
}

fn in_words(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::List(items) => items.join("\n"),
    }
}

fn evidence(session: &Session, place: usize, work: Work, now: Moment) -> Vec<Evidence> {
    gate::required_checks(session, place, work)
        .filter_map(|id| session.check_at(id.as_str()))
        .map(|check| {
            let model = &session.runbook.checks[check];
            let first = view::first_item(session, place, work);
            let of_item = first.filter(|_| gate::counts_for_item(session, place, check));
            let seen = view::check_of(session, check, of_item.as_deref(), now);
            let answers = &session.checks[check].answers;
            let keys = gate::scope_keys(session, place, check, work);
            Evidence {
                check: model.id.clone(),
                automatic: model.is_automatic(),
                title: view::filled(session, &model.title),
                words: seen.detail,
                at: seen.at,
                records: keys.iter().filter_map(|key| answers.get(key).map(|given| given.n)).collect(),
            }
        })
        .collect()
}

/// What differs between a start as it was shown and the same start as it stands now, in words: the value, the list.
/// An automatic check may have been asked again since, as long as it holds, which the gate sees to; an answer by a person
/// must be the very one.
#[must_use]
pub fn changes(then: &Subject, now: &Subject) -> Vec<String> {
    let mut changed = Vec::new();
    let mut look = |same: bool, what: &str| {
        if !same {
            changed.push(what.to_owned());
        }
    };
    look(then.session == now.session, "the session");
    look(then.runbook == now.runbook, "the runbook");
    look(then.step == now.step && then.name == now.name, "the step");
    look(then.work == now.work, "whether it is done or undone");
    look(then.how == now.how, "who carries it out");
    look(then.attempt == now.attempt && then.after == now.after, "the attempt");
    look(then.operator.same_account(&now.operator), "the operator");
    look(then.dir == now.dir, "the directory");
    look(then.umask == now.umask, "the file mode creation mask");
    look(then.loses == now.loses, "what is lost");
    look(then.confirm == now.confirm, "the text to be typed");
    look(then.witness == now.witness, "who may approve");
    look(then.argv == now.argv, "the script");
    look(then.interactive == now.interactive, "whether it has a terminal");
    look(then.words == now.words, "what is to be done");
    look(then.secrets == now.secrets, "the secrets");
    look(then.list == now.list, "the list");
    look(then.items == now.items, "the items");
    let names = then.values.keys().chain(now.values.keys().filter(|name| !then.values.contains_key(*name)));
    for name in names.filter(|name| then.values.get(*name) != now.values.get(*name)) {
        changed.push(format!("the value `{name}`"));
    }
    changed.extend(Ground::of(then).changes(&Ground::of(now)));
    changed.extend(evidence_changes(&then.evidence, &now.evidence));
    if then.command != now.command && changed.is_empty() {
        changed.push("the command".to_owned());
    }
    changed
}

/// Which checks found something else, in words, as `what backup found`. That one was asked again is no change.
#[must_use]
pub fn found_otherwise(then: &Subject, now: &Subject) -> Vec<String> {
    let words = |all: &[Evidence], check: &CheckId| {
        all.iter().find(|one| one.check == *check).map(|one| one.words.clone())
    };
    let differs =
        |one: &&Evidence| words(&then.evidence, &one.check).is_some_and(|before| before != one.words);
    now.evidence.iter().filter(differs).map(|one| format!("what `{}` found", one.check)).collect()
}

fn evidence_changes(then: &[Evidence], now: &[Evidence]) -> Vec<String> {
    let ids = |all: &[Evidence]| all.iter().map(|one| one.check.clone()).collect::<Vec<_>>();
    if ids(then) != ids(now) {
        return vec!["the checks it requires".to_owned()];
    }
    let differs = |(then, now): &(&Evidence, &Evidence)| {
        let answer = !then.automatic && then.records != now.records;
        answer
            || then.automatic != now.automatic
            || then.title != now.title
            || then.records.len() != now.records.len()
    };
    then.iter().zip(now).filter(differs).map(|(then, _)| format!("the answer to `{}`", then.check)).collect()
}
