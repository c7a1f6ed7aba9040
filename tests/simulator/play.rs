//! One run: a seed makes a runbook, then events in any order, until they are used up or a law is broken.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use onbelay::host::turn::{HostState, Input};
use onbelay::id::{Digest, SessionId};
use onbelay::journal::store;
use onbelay::journal::writer::Writer;
use onbelay::runbook::{self, Runbook, Value};
use onbelay::session::{Entry, Event, Opened, Person, Verdict};

use super::book::{Book, VALUE};
use super::chance::Chance;
use super::disk::{Disk, Lie};
use super::host::{Footing, Journal, Sabotage};
use super::laws::Laws;
use super::model::{Model, Stage};
use super::people::people;
use super::really::PLACE;
use super::refusals::Due;
use super::report::{Broken, Law, Report};
use super::screens::Screen;
use super::take_over::started;
use super::world::World;

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
    KillAll,
    Terminate,
    Stray,
    Lag,
    Room,
}

const DEEDS: [(u64, Deed); 24] = [
    (60, Deed::Speak),
    (90, Deed::Answer),
    (60, Deed::Claim),
    (50, Deed::End),
    (2, Deed::RunnerDies),
    (4, Deed::Join),
    (4, Deed::Leave),
    (2, Deed::Drain),
    (5, Deed::Tick),
    (8, Deed::Moments),
    (4, Deed::Minutes),
    (2, Deed::ClockSet),
    (1, Deed::Suspend),
    (6, Deed::Mood),
    (4, Deed::Arm),
    (2, Deed::Slow),
    (2, Deed::Kill),
    (2, Deed::KillAmongOutputs),
    (2, Deed::PowerOff),
    (1, Deed::KillAll),
    (1, Deed::Terminate),
    (2, Deed::Stray),
    (2, Deed::Lag),
    (2, Deed::Room),
];

/// What happens while there is no host.
const ALONE: [(u64, Deed); 9] = [
    (6, Deed::Claim),
    (6, Deed::End),
    (1, Deed::RunnerDies),
    (2, Deed::Minutes),
    (1, Deed::ClockSet),
    (1, Deed::Suspend),
    (1, Deed::Mood),
    (1, Deed::PowerOff),
    (1, Deed::KillAll),
];

/// A run under way.
pub(super) struct Play {
    pub(super) chance: Chance,
    /// Whether a death at the journal is that of the machine: numbers of their own.
    pub(super) whims: Chance,
    pub(super) event: u32,
    /// Where the trace goes, if anybody wants it.
    pub(super) trace: Option<Rc<RefCell<Left>>>,
    pub(super) report: Report,
    pub(super) sabotage: Sabotage,
    pub(super) runbook: Arc<Runbook>,
    pub(super) disk: Disk,
    pub(super) footing: Footing,
    pub(super) world: World,
    pub(super) host: Option<HostState>,
    pub(super) laws: Laws,
    pub(super) people: Vec<Person>,
    pub(super) clients: BTreeMap<u64, Screen>,
    pub(super) next_client: u64,
    /// For so many events there is no host.
    pub(super) alone: u64,
    /// The host dies after carrying out so many outputs of its next turn.
    pub(super) dies_after: Option<usize>,
    /// What was asked: who, and whether it should be taken.
    pub(super) expected: Option<Due>,
}

/// What a run leaves behind, whatever becomes of it.
#[derive(Debug, Default)]
pub(super) struct Left {
    event: u32,
    trace: Vec<String>,
}

/// Plays the run of a seed. With `tracing` every event leaves a line. A panic of the product is a law broken like any other:
/// its seed is not lost.
pub(crate) fn play(seed: u64, sabotage: Sabotage, tracing: bool) -> Report {
    let left = Rc::new(RefCell::new(Left::default()));
    let played = panic::catch_unwind(AssertUnwindSafe(|| run(seed, sabotage, tracing, &left)));
    let mut report = played.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_owned()));
        let what = words.unwrap_or_else(|| "without words".to_owned());
        let broken = Some(Broken { law: Law::NothingPanics, what, event: left.borrow().event });
        Report { broken, ..Report::default() }
    });
    report.held(Law::NothingPanics);
    report.closes();
    report.seed = seed;
    report.trace = std::mem::take(&mut left.borrow_mut().trace);
    report
}

fn run(seed: u64, sabotage: Sabotage, tracing: bool, left: &Rc<RefCell<Left>>) -> Report {
    let mut chance = Chance::new(seed);
    let book = Book::random(&mut chance);
    let text = book.text();
    // One in four is long: what goes wrong early goes wrong in the short ones too, the rest needs a history. (Which are long is
    // of no matter, but that the kept seeds are what they were.)
    let is_short = !matches!(seed % 16, 5 | 9 | 10 | 15);
    let events = (50 + chance.below(80)) / if is_short { 3 } else { 1 };
    let mut play = Play::new(seed, chance, book, sabotage, tracing.then(|| Rc::clone(left)));
    play.say(|| text);
    for event in 1..=events {
        play.event = u32::try_from(event).unwrap_or(0);
        left.borrow_mut().event = play.event;
        play.one();
        // Little can happen to a walk that is finished.
        let over = play.laws.model.stage == Stage::Finished && play.chance.percent(25);
        if over || play.report.broken.is_some() {
            break;
        }
    }
    if play.report.broken.is_none() {
        play.the_end();
    }
    play.report.events = u64::from(play.event);
    play.report
}

impl Play {
    fn new(
        seed: u64,
        chance: Chance,
        book: Book,
        sabotage: Sabotage,
        trace: Option<Rc<RefCell<Left>>>,
    ) -> Self {
        let people = people();
        let read = |text: &str| match runbook::read(text.as_bytes(), "simulated.yaml") {
            Ok(runbook) => Arc::new(runbook),
            Err(problems) => panic!("seed {seed}: {problems}\n{text}"),
        };
        let walked = read(&doctored(&book, sabotage).text());
        let lie = match sabotage {
            Sabotage::SyncDoesNothing => Lie::SyncDoesNothing,
            Sabotage::FailureSaysYes => Lie::FailureSaysYes,
            Sabotage::TheKernelRemembers => Lie::TheKernelRemembers,
            Sabotage::TheTailIsNotKept => Lie::TheTailIsNotKept,
            _ => Lie::None,
        };
        let disk = Disk::new(lie, Chance::new(seed.wrapping_add(1).rotate_left(32)));
        let world = World::new(book.checks.len());
        let opened = Opened {
            format: 1,
            onbelay: "0.1.0".to_owned(),
            title: "Simulated".to_owned(),
            path: "simulated.yaml".to_owned(),
            sha256: Digest::new("0".repeat(64)),
            values: BTreeMap::from([(VALUE.into(), Value::Text(PLACE.to_owned()))]),
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
        let footing = Footing::default();
        let writer_head = writer.head().clone();
        let journal = Journal { writer, footing: footing.clone(), sabotage, disk: disk.clone() };
        let mut laws = Laws::new(Model::new(book, &entries[0]));
        let (len, head) = (disk.from(0).len(), writer_head);
        let mut report = Report::default();
        laws.rebuild(session.clone(), &entries, (len, head), &world, &mut report);
        laws.acknowledge(&disk);
        let host = Some(HostState::new(session, entries, Box::new(journal), []));
        let (clients, next_client, alone, dies_after, expected) = (BTreeMap::new(), 1, 0, None, None);
        Self {
            chance,
            whims: Chance::new(!seed),
            event: 0,
            trace,
            report,
            sabotage,
            runbook: walked,
            disk,
            footing,
            world,
            host,
            laws,
            people,
            clients,
            next_client,
            alone,
            dies_after,
            expected,
        }
    }

    pub(super) fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(left) = &self.trace {
            let line = format!("{:3} {:>9} {}", self.event, self.world.now.up, line());
            left.borrow_mut().trace.push(line);
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
        self.world.later(1);
        if self.host.is_none() && self.alone > 0 {
            self.alone -= 1;
            let deed = self.chance.weighted(&ALONE);
            if self.deed(deed) {
                self.report.met(&format!("alone: {deed:?}"));
            }
            return;
        }
        if self.host.is_none() {
            self.take_over();
        }
        let mut deed = self.chance.weighted(&DEEDS);
        if matches!(deed, Deed::Speak) && !self.world.asked.is_empty() && self.chance.percent(50) {
            deed = Deed::Answer;
        }
        if self.deed(deed) {
            self.report.met(&format!("{deed:?}"));
        } else if matches!(deed, Deed::Answer | Deed::Claim | Deed::End) {
            self.speak();
        }
    }

    /// Does it; did it change anything?
    fn deed(&mut self, deed: Deed) -> bool {
        match deed {
            Deed::Speak => self.speak(),
            Deed::Answer if self.world.asked.is_empty() => return false,
            Deed::Answer => self.answer(),
            Deed::Claim => return self.claim(),
            Deed::End => return self.end(),
            Deed::RunnerDies => return self.runner_dies(),
            Deed::Join => {
                let who = self.chance.index(self.people.len());
                return self.join(who, None).is_some();
            }
            Deed::Leave => return self.leave(),
            Deed::Drain => return self.drain(),
            Deed::Lag => return self.lag(),
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
                let moods = [(5, Verdict::Holds), (2, Verdict::Fails), (1, Verdict::Error)];
                let mood = self.chance.weighted(&moods);
                return std::mem::replace(&mut self.world.moods[at], mood) != mood;
            }
            Deed::Arm => self.arm(),
            Deed::Slow => {
                let millis = *self.chance.pick(&[0, 0, 0, 999, 1_000, 1_500, 90_000]);
                self.say(|| format!("a write takes {millis} ms from here on"));
                return self.footing.slow(Duration::from_millis(millis));
            }
            Deed::Room => {
                if !self.footing.has_little_room() && self.chance.percent(60) {
                    return false;
                }
                let little = self.footing.turn_room();
                self.say(|| format!("the disk is all but full: {little}"));
            }
            Deed::Kill => {
                self.say(|| "the host is killed".to_owned());
                self.die();
            }
            Deed::KillAmongOutputs => self.dies_after = Some(self.chance.index(6)),
            Deed::PowerOff => self.power_off(),
            Deed::KillAll => {
                self.say(|| "everything is killed, and the machine goes on".to_owned());
                self.die();
                self.world.all_are_killed();
            }
            Deed::Terminate => self.feed(Input::Terminate),
            Deed::Stray => return self.stray(),
        }
        true
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
            Sabotage::AnotherScriptRuns => "break".clone_into(&mut step.verb),
            _ => {}
        }
    }
    book
}
