//! A workbench for tests: a walk with no process, no disk and a clock that stands still until it is moved. PURE.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::id::SessionId;
use crate::runbook::digest::of_bytes;
use crate::runbook::{self, Runbook};
use crate::time::{Moment, Timestamp};

use super::event::{Answer, Ended, Outcome, Verdict};
use super::next::{Ask, Effect, ReadyProbe, follow_up, next};
use super::recover::{Found, Loose, ended_event, loose, recover};
use super::view::{self, StepStatus};
use super::{Circumstances, Command, Entry, Event, Fault, Opened, Person, Refusal, Session};

/// A walk under test.
#[derive(Clone)]
pub(crate) struct Bench {
    pub(crate) session: Session,
    pub(crate) entries: Vec<Entry>,
    pub(crate) now: Moment,
    /// Answers by check (or `check@item`); what is not named holds.
    pub(crate) answers: BTreeMap<String, Verdict>,
    /// Asked and not answered yet, where `hold_answers` is set.
    pub(crate) asked: Vec<Ask>,
    pub(crate) hold_answers: bool,
    /// Commands that were started and not ended: what the world would run.
    pub(crate) started: Vec<Loose>,
    /// Every start ever, as `step` or `step@item`, `undo step`.
    pub(crate) log: Vec<String>,
    /// How each was to be started: its limit, whether its stdout is apart, whether it has a terminal.
    pub(crate) manners: Vec<(Option<Duration>, bool, bool)>,
    pub(crate) stops: Vec<u32>,
    /// Every start that was handed out: the last record before it, and its attempt.
    pub(crate) handed_out: Vec<(u64, u32)>,
    pub(crate) secrets: BTreeSet<crate::id::ValueName>,
    /// The sentences of answers, as `answers`; what is not named says `looked`.
    pub(crate) details: BTreeMap<String, String>,
    /// What the host would find out about a request.
    pub(crate) found: Circumstances,
}

pub(crate) fn dana() -> Person {
    Person { name: "dana".to_owned(), uid: Some(1000), login: None }
}

pub(crate) fn sam() -> Person {
    Person { name: "sam".to_owned(), uid: Some(1001), login: None }
}

pub(crate) fn read(yaml: &str) -> Runbook {
    runbook::read(yaml.as_bytes(), "test.yaml").unwrap_or_else(|problems| panic!("{problems}"))
}

impl Bench {
    /// Opens a walk of `yaml` (the lines below `onbelay: 1` and `title:`).
    pub(crate) fn new(yaml: &str) -> Self {
        Self::with_values(yaml, BTreeMap::new())
    }

    pub(crate) fn with_values(yaml: &str, values: BTreeMap<crate::id::ValueName, runbook::Value>) -> Self {
        Self::titled("Test", yaml, values)
    }

    pub(crate) fn titled(
        title: &str,
        yaml: &str,
        values: BTreeMap<crate::id::ValueName, runbook::Value>,
    ) -> Self {
        let text = format!("onbelay: 1\ntitle: {title}\n{yaml}");
        let runbook = Arc::new(read(&text));
        let now = Moment { at: Timestamp::from_millis(1_795_187_413_000), up: 1_000_000, boot: 0 };
        let opened = Opened {
            format: 1,
            onbelay: "0.1.0".to_owned(),
            title: title.to_owned(),
            path: "test.yaml".to_owned(),
            sha256: of_bytes(text.as_bytes()),
            values,
            secrets: runbook.params.iter().filter(|p| p.secret).map(|p| p.name.clone()).collect(),
            dir: "/".to_owned(),
            machine: "here".to_owned(),
            umask: 0o22,
            operator: dana(),
            share: None,
            signers: None,
        };
        let entry = Entry {
            n: 1,
            at: now.at,
            up: now.up,
            session: SessionId::new("20261120-151012-test-k3f9"),
            by: dana(),
            event: Event::SessionOpened(Box::new(opened)),
        };
        let session = Session::open(runbook, &entry).expect("opens");
        let mut bench = Self {
            session,
            entries: vec![entry],
            now,
            answers: BTreeMap::new(),
            asked: Vec::new(),
            hold_answers: false,
            started: Vec::new(),
            log: Vec::new(),
            manners: Vec::new(),
            stops: Vec::new(),
            handed_out: Vec::new(),
            secrets: BTreeSet::new(),
            details: BTreeMap::new(),
            found: Circumstances::default(),
        };
        bench.host_starts("boot-a");
        bench
    }

    /// Records one event, as the host does.
    pub(crate) fn record(&mut self, by: &Person, event: Event) {
        let entry = Entry {
            n: self.session.head + 1,
            at: self.now.at,
            up: self.now.up,
            session: self.session.id.clone(),
            by: by.clone(),
            event,
        };
        self.session.apply(&entry).unwrap_or_else(|illegal| panic!("{illegal}: {entry:?}"));
        self.entries.push(entry.clone());
        for effect in follow_up(&self.session, &entry) {
            self.effect(effect);
        }
    }

    fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Ask(ask) => self.asked.push(*ask),
            Effect::Stop { attempt } => self.stops.push(attempt),
            Effect::Start(permit) => {
                let undo = if permit.work() == super::Work::Undo { "undo " } else { "" };
                let item = permit.item().map(|(_, item)| format!("@{item}")).unwrap_or_default();
                self.log.push(format!("{undo}{}{item}", permit.step()));
                self.manners.push((permit.timeout(), permit.separate_stdout(), permit.interactive()));
                self.handed_out.push((self.session.head, permit.attempt()));
                let place = self.session.step_at(permit.step().as_str()).expect("a step");
                self.started.push(Loose {
                    attempt: permit.attempt(),
                    item: permit.item().cloned(),
                    other_boot: false,
                    of: super::state::StartRecord::default(),
                    place,
                });
            }
        }
    }

    /// Lets the tool do what it does by itself until it waits.
    pub(crate) fn settle(&mut self) {
        for _ in 0..10_000 {
            if let Some(step) = next(&self.session, self.now, &self.secrets) {
                for (by, event) in step.events {
                    self.record(&by, event);
                }
                for effect in step.effects {
                    self.effect(effect);
                }
            } else if !self.hold_answers && !self.asked.is_empty() {
                let ask = self.asked.remove(0);
                self.answer(&ask);
            } else {
                return;
            }
        }
        panic!("the walk does not come to rest");
    }

    /// Answers one asking as `answers` says.
    pub(crate) fn answer(&mut self, ask: &Ask) {
        let answer = self.answered(ask);
        self.record_answer(ask, answer);
    }

    pub(crate) fn record_answer(&mut self, ask: &Ask, answer: Answer) {
        let (check, item) = (ask.check.clone(), ask.item.clone());
        self.record(&Person::tool(), Event::CheckAnswered { check, item, answer: Box::new(answer) });
    }

    /// The answer that `answers` has for it, begun now.
    pub(crate) fn answered(&self, ask: &Ask) -> Answer {
        let key = match &ask.item {
            Some(item) => format!("{}@{item}", ask.check),
            None => ask.check.to_string(),
        };
        let verdict = self.answers.get(&key).or_else(|| self.answers.get(ask.check.as_str())).copied();
        let detail = self.details.get(&key).or_else(|| self.details.get(ask.check.as_str())).cloned();
        let mut answer = Answer {
            verdict: verdict.unwrap_or(Verdict::Holds),
            detail: detail.unwrap_or_else(|| "looked".to_owned()),
            began: self.now,
            took: 1,
            tries: 1,
            evidence: BTreeMap::new(),
        };
        match &ask.probe {
            ReadyProbe::Known(known) => answer = (**known).clone(),
            ReadyProbe::ElapsedAt { done, at_least, .. } => {
                let long_enough = done.age(self.now).is_some_and(|age| age >= *at_least);
                answer.verdict = if long_enough { Verdict::Holds } else { Verdict::Fails };
            }
            ReadyProbe::Run { .. } | ReadyProbe::Look(_) => {}
        }
        answer
    }

    /// One request, and all that follows from it by itself.
    pub(crate) fn act_as(&mut self, by: &Person, command: &Command) -> Result<(), Refusal> {
        match super::decide::decide(&self.session, command, by, self.now, &self.found) {
            Ok(events) => {
                for event in events {
                    self.record(by, event);
                }
                self.settle();
                Ok(())
            }
            Err(refusal) => {
                if refusal.fault == Fault::Rule {
                    let why = refusal.sentence.clone();
                    let unmet = refusal.unmet.clone();
                    self.record(by, Event::Refused { action: command.action(), step: None, why, unmet });
                }
                Err(refusal)
            }
        }
    }

    pub(crate) fn act(&mut self, command: &Command) -> Result<(), Refusal> {
        self.act_as(&dana(), command)
    }

    pub(crate) fn run(&mut self, step: &str) -> Result<(), Refusal> {
        self.act(&Command::Run { step: step.into(), typed: None, will_ask: false, by_hand: false })
    }

    pub(crate) fn run_typed(&mut self, step: &str, text: &str) -> Result<(), Refusal> {
        let typed = Some(text.to_owned());
        self.act(&Command::Run { step: step.into(), typed, will_ask: false, by_hand: false })
    }

    pub(crate) fn undo(&mut self, step: &str) -> Result<(), Refusal> {
        self.act(&Command::Undo { step: step.into(), typed: None, will_ask: false })
    }

    pub(crate) fn check(&mut self, check: &str) -> Result<(), Refusal> {
        self.act(&Command::Check { checks: vec![super::command::CheckItem::parse(check)] })
    }

    pub(crate) fn attest(&mut self, check: &str, yes: bool) -> Result<(), Refusal> {
        let check = super::command::CheckItem::parse(check);
        self.act(&Command::Attest { check, yes, words: "seen".to_owned() })
    }

    pub(crate) fn skip(&mut self, step: &str) -> Result<(), Refusal> {
        self.act(&Command::Skip { steps: vec![step.into()], why: "not here".to_owned() })
    }

    /// The oldest running command ends with this exit status.
    pub(crate) fn exits(&mut self, code: i32) {
        self.ends(Outcome::Exited { code }, None);
    }

    pub(crate) fn exits_saying(&mut self, output: &str) {
        self.ends(Outcome::Exited { code: 0 }, Some(output.to_owned()));
    }

    pub(crate) fn ends(&mut self, outcome: Outcome, captured: Option<String>) {
        let loose = self.started.remove(0);
        // As long as it ran, and never no time at all.
        let ran = self.session.steps[loose.place].started.and_then(|at| at.age(self.now)).unwrap_or_default();
        let ended = Ended {
            outcome,
            took: u64::try_from(ran.as_millis()).expect("short enough").max(5),
            output_bytes: 0,
            output_sha256: None,
            captured,
            not_captured: None,
            wanted_terminal: false,
            left: Vec::new(),
        };
        let event = ended_event(&self.session, &loose, ended);
        self.record(&Person::tool(), event);
        self.settle();
    }

    /// Runs a step to its good end.
    pub(crate) fn walk(&mut self, step: &str) {
        self.run(step).unwrap_or_else(|refusal| panic!("{step}: {refusal:?}"));
        while !self.started.is_empty() {
            self.exits(0);
        }
        assert_eq!(self.status(step), StepStatus::Done, "{step}");
    }

    pub(crate) fn host_starts(&mut self, boot_id: &str) {
        let boot = match &self.session.host {
            None => 0,
            Some(host) if host.boot_id == boot_id => host.boot,
            Some(host) => host.boot + 1,
        };
        self.now.boot = boot;
        let event = Event::HostStarted {
            pid: 7,
            boot_id: boot_id.to_owned(),
            boot,
            onbelay: "0.1.0".to_owned(),
            env: BTreeMap::new(),
            env_changed: Vec::new(),
            machine: None,
            runs_as: None,
        };
        self.record(&Person::tool(), event);
    }

    /// The host dies and another takes over; `found` says what it sees of each loose command.
    pub(crate) fn host_dies(&mut self, boot_id: &str, found: &dyn Fn(&Loose) -> Found) {
        self.asked.clear();
        self.started.clear();
        let loose = loose(&self.session, boot_id);
        self.host_starts(boot_id);
        let seen: Vec<(Loose, Found)> =
            loose.into_iter().map(|loose| (loose.clone(), found(&loose))).collect();
        self.started =
            seen.iter().filter(|(_, found)| *found == Found::Alive).map(|(loose, _)| loose.clone()).collect();
        for event in recover(&self.session, &seen, self.now) {
            self.record(&Person::tool(), event);
        }
        self.settle();
    }

    pub(crate) fn later(&mut self, length: Duration) {
        let millis = u64::try_from(length.as_millis()).expect("short enough");
        self.now.up += millis;
        self.now.at =
            Timestamp::from_millis(self.now.at.millis() + i64::try_from(millis).expect("short enough"));
        self.settle();
    }

    pub(crate) fn status(&self, step: &str) -> StepStatus {
        let place = self.session.step_at(step).expect("a step");
        view::step_status(&self.session, &view::order(&self.session), place, self.now)
    }

    /// Kinds and ids of what is not met, from the last refusal on record.
    pub(crate) fn refused(&self) -> Vec<String> {
        self.entries
            .iter()
            .rev()
            .find_map(|entry| match &entry.event {
                Event::Refused { unmet, .. } => {
                    Some(unmet.iter().map(|r| format!("{:?} {}", r.kind, r.id)).collect())
                }
                _ => None,
            })
            .unwrap_or_default()
    }

    /// Names of the last `count` events.
    pub(crate) fn last_events(&self, count: usize) -> Vec<String> {
        let from = self.entries.len().saturating_sub(count);
        self.entries[from..].iter().map(|entry| name_of(&entry.event)).collect()
    }

    /// Replays the journal so far and compares: replay equals live.
    pub(crate) fn assert_replays(&self) {
        let mut replayed = Session::open(Arc::clone(&self.session.runbook), &self.entries[0]).expect("opens");
        for entry in &self.entries[1..] {
            let text = serde_json::to_string(entry).expect("writes");
            let back: Entry = serde_json::from_str(&text).expect("reads");
            assert_eq!(&back, entry);
            replayed.apply(&back).expect("follows");
        }
        assert_eq!(replayed, self.session);
        // What the host did by the rules, the records alone prove allowed.
        let audit = super::audit::audit(Arc::clone(&self.session.runbook), &self.entries);
        assert_eq!(audit.flaws, []);
    }
}

pub(crate) fn name_of(event: &Event) -> String {
    let value = serde_json::to_value(event).expect("writes");
    value["event"].as_str().unwrap_or_default().to_owned()
}
