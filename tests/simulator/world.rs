//! The world around a host: clocks, boots, commands with their runners, checks that are being asked. It counts what really
//! ran, whatever the journal says.

use std::collections::BTreeMap;

use onbelay::host::turn::AskTag;
use onbelay::session::ask::{Ask, ReadyProbe};
use onbelay::session::event::{Ended, Outcome};
use onbelay::session::gate::Permit;
use onbelay::session::recover::{Found, Loose};
use onbelay::session::{Answer, Verdict};
use onbelay::time::{Moment, Timestamp};

use super::chance::Chance;

/// Where the runner of a command is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stands {
    /// It was started, and has yet to claim its start.
    Coming,
    /// It claimed its start: the command runs.
    Runs,
    /// It is over, and the outcome is on disk.
    Ended(Box<Ended>),
    /// Its start was barred, or it was killed, before it came.
    Barred,
    /// It is gone, and left no outcome.
    Gone,
}

/// A command that a host handed out to be started.
#[derive(Clone, Debug)]
pub(crate) struct Started {
    pub(crate) stands: Stands,
    /// How often it was handed out.
    pub(crate) handed_out: u32,
    /// The claim is on disk for sure.
    claim_on_disk: bool,
    /// Which boot it was started in.
    boot: u32,
    /// It really ran.
    pub(crate) ran: bool,
    /// Its host sent it a stop.
    pub(crate) is_stopped: bool,
}

/// A check that is being asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) tag: AskTag,
    pub(crate) ask: Ask,
    pub(crate) since: Moment,
}

/// The machine.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) now: Moment,
    /// Which boot of the machine, by the machine's own count.
    pub(crate) boot: u32,
    pub(crate) started: BTreeMap<(u32, Option<u32>), Started>,
    pub(crate) asked: Vec<Asked>,
    /// The last answer that was given, and to which asking.
    pub(crate) told: Option<(AskTag, Answer)>,
    /// Askings that were answered before.
    pub(crate) answered: Vec<AskTag>,
    /// Checks that answer no at the moment, or nothing.
    pub(crate) moods: Vec<Verdict>,
}

impl World {
    pub(crate) fn new(checks: usize) -> Self {
        let now = Moment { at: Timestamp::from_millis(1_795_187_413_000), up: 5_000_000, boot: 0 };
        let (started, asked) = (BTreeMap::new(), Vec::new());
        let moods = vec![Verdict::Holds; checks];
        Self { now, boot: 0, started, asked, told: None, answered: Vec::new(), moods }
    }

    pub(crate) fn boot_id(&self) -> String {
        format!("boot-{}", self.boot)
    }

    /// Time goes on, by both clocks.
    pub(crate) fn later(&mut self, millis: u64) {
        self.now.up += millis;
        self.set_wall(i64::try_from(millis).unwrap_or(0));
    }

    /// Somebody sets the wall clock.
    pub(crate) fn set_wall(&mut self, by: i64) {
        self.now.at = Timestamp::from_millis(self.now.at.millis() + by);
    }

    pub(crate) fn start(&mut self, permit: &Permit) {
        let item = permit.item().map(|(index, _)| *index);
        let key = (permit.attempt(), item);
        let boot = self.boot;
        let started = self.started.entry(key).or_insert_with(|| Started {
            stands: Stands::Coming,
            handed_out: 0,
            claim_on_disk: false,
            boot,
            ran: false,
            is_stopped: false,
        });
        started.handed_out += 1;
    }

    /// Commands whose runner is at this place.
    pub(crate) fn at(&self, place: fn(&Stands) -> bool) -> Vec<(u32, Option<u32>)> {
        self.started.iter().filter(|(_, it)| place(&it.stands)).map(|(key, _)| *key).collect()
    }

    /// The runner claims its start, and the command runs from here.
    pub(crate) fn claims(&mut self, key: (u32, Option<u32>), chance: &mut Chance) {
        if let Some(started) = self.started.get_mut(&key).filter(|it| it.stands == Stands::Coming) {
            started.stands = Stands::Runs;
            started.ran = true;
            started.claim_on_disk = chance.percent(50);
        }
    }

    /// The command ends; its outcome is on disk, before anybody hears of it.
    pub(crate) fn ends(&mut self, key: (u32, Option<u32>), outcome: Outcome) -> Option<Ended> {
        let started = self.started.get_mut(&key).filter(|it| it.stands == Stands::Runs)?;
        let ended = Ended {
            outcome,
            took: 5,
            output_bytes: 0,
            output_sha256: None,
            captured: None,
            not_captured: None,
            wanted_terminal: false,
            left: Vec::new(),
        };
        started.stands = Stands::Ended(Box::new(ended.clone()));
        started.claim_on_disk = true;
        Some(ended)
    }

    /// Was the command started in an earlier boot than this? `None`: no runner was ever told of it.
    pub(crate) fn is_of_other_boot(&self, loose: &Loose) -> Option<bool> {
        let key = (loose.attempt, loose.item.as_ref().map(|(index, _)| *index));
        self.started.get(&key).map(|started| started.boot != self.boot)
    }

    /// What a new host finds of a command that is on record as started. (`process::look`, in small.)
    pub(crate) fn look(&mut self, loose: &Loose, chance: &mut Chance) -> Found {
        let key = (loose.attempt, loose.item.as_ref().map(|(index, _)| *index));
        let boot = self.boot;
        let Some(started) = self.started.get_mut(&key) else { return Found::NoStart };
        if started.boot != boot && !started.claim_on_disk {
            // The claim did not reach the disk.
            started.stands = Stands::Barred;
            return Found::NoStart;
        }
        if started.stands == Stands::Coming && chance.percent(50) {
            // The runner is first after all.
            started.stands = Stands::Runs;
            started.ran = true;
        }
        match &started.stands {
            Stands::Coming | Stands::Barred => {
                started.stands = Stands::Barred;
                Found::NoStart
            }
            Stands::Runs => Found::Alive,
            Stands::Ended(ended) => Found::Ended(ended.clone()),
            Stands::Gone => Found::Gone("its runner is gone".to_owned()),
        }
    }

    /// A stop is sent to the command of an attempt.
    pub(crate) fn stop(&mut self, attempt: u32) {
        for ((of, _), started) in &mut self.started {
            started.is_stopped |= *of == attempt && matches!(started.stands, Stands::Coming | Stands::Runs);
        }
    }

    /// Every runner is killed; one that had yet to claim its start never does.
    pub(crate) fn all_are_killed(&mut self) {
        for started in self.started.values_mut() {
            match started.stands {
                Stands::Coming => started.stands = Stands::Barred,
                Stands::Runs => started.stands = Stands::Gone,
                _ => {}
            }
        }
    }

    /// The machine starts again: nothing runs any more.
    pub(crate) fn reboots(&mut self, chance: &mut Chance) {
        self.all_are_killed();
        self.boot += 1;
        self.now.up = 10_000 + chance.below(100_000);
        let away = i64::try_from(30_000 + chance.below(3_600_000)).unwrap_or(0);
        self.set_wall(away);
    }

    /// What the check says just now. `Known` answers and times say themselves.
    pub(crate) fn answer(&self, asked: &Asked, verdict: Verdict, slow: bool) -> Answer {
        if let ReadyProbe::Known(known) = &asked.ask.probe {
            return (**known).clone();
        }
        Answer {
            verdict,
            detail: "looked".to_owned(),
            // A slow one looked at the beginning.
            began: if slow { asked.since } else { self.now },
            took: 1,
            tries: 1,
            evidence: BTreeMap::new(),
        }
    }
}
