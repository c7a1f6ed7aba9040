//! One run: a seed makes a runbook, then events in any order, until they are used up or a law is broken.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use onbelay::host::turn::{ClientId, HostState, Input};
use onbelay::id::{Digest, SessionId};
use onbelay::journal::store;
use onbelay::journal::writer::Writer;
use onbelay::runbook::{self, Runbook};
use onbelay::session::{Entry, Event, Opened, Person, Verdict};
use onbelay::wire::messages::Role;

use super::book::Book;
use super::chance::Chance;
use super::disk::{Disk, Lie};
use super::host::{Journal, Sabotage, Slow};
use super::laws::Laws;
use super::model::Model;
use super::people::people;
use super::report::{Broken, Law, Report};
use super::turns::started;
use super::world::{Stands, World};

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Speak,
    Answer,
    Claim,
    End,
    RunnerDies,
    Join,
    Leave,
    Drain,
    Tick,
    Moments,
    Minutes,
    ClockSet,
    Suspend,
    Mood,
    Arm,
    Slow,
    Kill,
    KillAmongOutputs,
    PowerOff,
    Terminate,
    Stray,
}

const DEEDS: [(u64, Deed); 21] = [
    (60, Deed::Speak),
    (70, Deed::Answer),
    (35, Deed::Claim),
    (30, Deed::End),
    (2, Deed::RunnerDies),
    (4, Deed::Join),
    (4, Deed::Leave),
    (1, Deed::Drain),
    (5, Deed::Tick),
    (8, Deed::Moments),
    (4, Deed::Minutes),
    (2, Deed::ClockSet),
    (1, Deed::Suspend),
    (6, Deed::Mood),
    (5, Deed::Arm),
    (1, Deed::Slow),
    (2, Deed::Kill),
    (2, Deed::KillAmongOutputs),
    (3, Deed::PowerOff),
    (1, Deed::Terminate),
    (2, Deed::Stray),
];

/// A run under way.
pub(super) struct Play {
    pub(super) chance: Chance,
    /// Whether a death at the journal is that of the machine: numbers of their own.
    pub(super) whims: Chance,
    pub(super) event: u32,
    pub(super) tracing: bool,
    pub(super) report: Report,
    pub(super) sabotage: Sabotage,
    pub(super) runbook: Arc<Runbook>,
    pub(super) disk: Disk,
    pub(super) slow: Slow,
    pub(super) world: World,
    pub(super) host: Option<HostState>,
    pub(super) laws: Laws,
    pub(super) people: Vec<Person>,
    pub(super) clients: BTreeMap<u64, (usize, Role)>,
    pub(super) next_client: u64,
    /// The host dies after carrying out so many outputs of its next turn.
    pub(super) dies_after: Option<usize>,
    /// What was asked: who, and whether it should be taken.
    pub(super) expected: Option<Result<(), &'static str>>,
}

/// Plays the run of a seed. With `tracing` every event leaves a line.
pub(crate) fn play(seed: u64, sabotage: Sabotage, tracing: bool) -> Report {
    let mut chance = Chance::new(seed);
    let book = Book::random(&mut chance);
    let text = book.text();
    // One in four is long: most of what can go wrong goes wrong early, and the rest needs a history.
    let events = (40 + chance.below(70)) / if seed.is_multiple_of(4) { 1 } else { 3 };
    let mut play = Play::new(seed, chance, book, &text, sabotage, tracing);
    for event in 1..=events {
        play.event = u32::try_from(event).unwrap_or(0);
        play.one();
        if play.report.broken.is_some() {
            break;
        }
    }
    if play.report.broken.is_none() {
        play.the_end();
    }
    play.report.seed = seed;
    play.report.events = events;
    play.report
}

impl Play {
    fn new(seed: u64, chance: Chance, book: Book, text: &str, sabotage: Sabotage, tracing: bool) -> Self {
        let people = people();
        let read = |text: &str| match runbook::read(text.as_bytes(), "simulated.yaml") {
            Ok(runbook) => Arc::new(runbook),
            Err(problems) => panic!("seed {seed}: {problems}\n{text}"),
        };
        let walked = read(&doctored(&book, sabotage).text());
        let lie = match sabotage {
            Sabotage::SyncDoesNothing => Lie::SyncDoesNothing,
            Sabotage::FailureSaysYes => Lie::FailureSaysYes,
            _ => Lie::None,
        };
        let (disk, world) = (Disk::new(lie), World::new(book.checks.len()));
        let opened = Opened {
            format: 1,
            onbelay: "0.1.0".to_owned(),
            title: "Simulated".to_owned(),
            path: "simulated.yaml".to_owned(),
            sha256: Digest::new("0".repeat(64)),
            values: BTreeMap::new(),
            secrets: Vec::new(),
            dir: "/".to_owned(),
            machine: "here".to_owned(),
            umask: 0o22,
            operator: people[0].clone(),
            share: None,
            signers: None,
        };
        let events = [
            (people[0].clone(), Event::SessionOpened(Box::new(opened))),
            (Person::tool(), started(None, &world.boot_id(), &people[0])),
        ];
        let entries: Vec<Entry> = (1..)
            .zip(events)
            .map(|(n, (by, event))| Entry {
                n,
                at: world.now.at,
                up: world.now.up,
                session: SessionId::new("20261120-151012-simulated-k3f9"),
                by,
                event,
            })
            .collect();
        let mut writer = Writer::over(disk.make());
        writer.append(&entries).expect("nothing is armed yet");
        let session = store::replay(Arc::clone(&walked), &entries).expect("it opens");
        let slow = Slow::default();
        let writer_head = writer.head().clone();
        let journal = Journal { writer, slow: slow.clone(), sabotage, disk: disk.clone() };
        let mut laws = Laws::new(Model::new(book, &entries[0]));
        let (len, head) = (disk.from(0).len(), writer_head);
        laws.rebuild(session.clone(), &entries, (len, head));
        laws.acknowledge(&disk);
        let mut report = Report::default();
        let host = Some(HostState::new(session, entries, Box::new(journal), []));
        if tracing {
            report.trace.push(text.to_owned());
        }
        let (clients, next_client, dies_after, expected) = (BTreeMap::new(), 1, None, None);
        Self {
            chance,
            whims: Chance::new(!seed),
            event: 0,
            tracing,
            report,
            sabotage,
            runbook: walked,
            disk,
            slow,
            world,
            host,
            laws,
            people,
            clients,
            next_client,
            dies_after,
            expected,
        }
    }

    pub(super) fn say(&mut self, line: impl FnOnce() -> String) {
        if self.tracing {
            let line = format!("{:3} {:>9} {}", self.event, self.world.now.up, line());
            self.report.trace.push(line);
        }
    }

    pub(super) fn broken(&mut self, law: Law, what: impl Into<String>) {
        let broken = Broken { law, what: what.into(), event: self.event };
        self.report.broken.get_or_insert(broken);
    }

    fn one(&mut self) {
        let broken = self.host.as_ref().is_some_and(HostState::is_broken);
        if broken && self.chance.percent(30) {
            self.say(|| "the broken host is ended".to_owned());
            self.die();
        }
        if self.host.is_none() {
            self.take_over();
        }
        self.world.later(1);
        let deed = self.chance.weighted(&DEEDS);
        self.deed(deed);
    }

    fn deed(&mut self, deed: Deed) {
        match deed {
            Deed::Speak => return self.speak(),
            Deed::Answer if self.world.asked.is_empty() => return self.speak(),
            Deed::Answer => self.answer(),
            Deed::Claim => {
                let coming = self.world.at(|stands| *stands == Stands::Coming);
                if coming.is_empty() {
                    return self.speak();
                }
                let key = *self.chance.pick(&coming);
                self.world.claims(key, &mut self.chance);
                self.say(|| format!("the runner of {key:?} claims its start"));
            }
            Deed::End => self.end(),
            Deed::RunnerDies => self.runner_dies(),
            Deed::Join => {
                let who = self.chance.index(self.people.len());
                self.join(who, None);
            }
            Deed::Leave => self.leave(),
            Deed::Drain => {
                if let Some(client) = self.some_client() {
                    self.feed(Input::Drained(ClientId(client)));
                }
            }
            Deed::Tick => self.feed(Input::Tick),
            Deed::Moments => {
                self.world.later(self.chance.below(20_000));
                self.feed(Input::Tick);
            }
            Deed::Minutes => {
                self.world.later(60_000 * self.chance.below(20));
                self.say(|| "minutes pass".to_owned());
            }
            Deed::ClockSet => {
                let by = 1_000 * i64::try_from(self.chance.below(7_200_000)).unwrap_or(0) - 3_600_000_000;
                self.world.set_wall(by);
                self.say(|| format!("the wall clock is set by {by} ms"));
            }
            Deed::Suspend => {
                self.world.later(3_600_000 * (1 + self.chance.below(14)));
                self.say(|| "the machine was asleep for hours".to_owned());
            }
            Deed::Mood => {
                let at = self.chance.index(self.world.moods.len());
                let moods = [(3, Verdict::Holds), (2, Verdict::Fails), (1, Verdict::Error)];
                self.world.moods[at] = self.chance.weighted(&moods);
            }
            Deed::Arm => self.arm(),
            Deed::Slow => {
                let took = if self.chance.percent(50) { 1_500 } else { 0 };
                self.slow.set(Duration::from_millis(took));
            }
            Deed::Kill => {
                self.say(|| "the host is killed".to_owned());
                self.die();
            }
            Deed::KillAmongOutputs => self.dies_after = Some(self.chance.index(6)),
            Deed::PowerOff => self.power_off(),
            Deed::Terminate => self.feed(Input::Terminate),
            Deed::Stray => self.stray(),
        }
        self.report.met(&format!("{deed:?}"));
    }
}

/// The runbook as the host gets it where a test of the simulator takes something away from it.
fn doctored(book: &Book, sabotage: Sabotage) -> Book {
    let mut book = book.clone();
    for step in &mut book.steps {
        match sabotage {
            Sabotage::NoChecks => step.checks.clear(),
            Sabotage::NoWitness => step.witnesses = 0,
            Sabotage::NoConfirmation => (step.destructive, step.confirm) = (false, None),
            Sabotage::NoRequiredSteps => step.steps.clear(),
            _ => {}
        }
    }
    book
}
