//! How the next host begins: it takes the journal over, replays it, looks for what ran meanwhile; and how a run ends. It may
//! die of it, or its disk may fail it, at every call; then the one after it begins.

use std::collections::BTreeMap;
use std::sync::Arc;

use onbelay::clock;
use onbelay::host::turn::{HostState, Input};
use onbelay::journal::reader::{Scanned, Tail};
use onbelay::journal::store;
use onbelay::journal::writer::{Repair, Writer};
use onbelay::runbook::digest::of_bytes;
use onbelay::session::audit::audit;
use onbelay::session::recover::{self, Found, Loose};
use onbelay::session::state::HostInfo;
use onbelay::session::{Entry, Event, Person};

use super::chance::Chance;
use super::disk::FAULTS;
use super::host::{Journal, Sabotage};
use super::play::Play;
use super::report::Law;

impl Play {
    /// The next host begins. It may die of it, and then the one after it begins.
    pub(super) fn take_over(&mut self) {
        for attempt in 0..4 {
            self.gone();
            self.alone = 0;
            if self.sabotage == Sabotage::LastRecordLost {
                self.disk.lose_the_last_line();
            }
            if self.sabotage == Sabotage::TailIsScrambled {
                self.disk.scramble();
            }
            if attempt == 0 && self.chance.percent(6) {
                let fault = *self.chance.pick(&FAULTS);
                self.disk.arm_a_take_over(fault, Chance::new(self.chance.next()));
            }
            if self.begin().is_some() || self.report.broken.is_some() {
                return;
            }
        }
        self.broken(Law::ACrashIsNoDamage, "no host can begin");
    }

    /// Where its disk fails it, or it is killed, no host begins, and nothing that anybody knows of is lost.
    fn takes_the_journal(&mut self) -> Option<(Writer, Scanned, Option<Repair>, Vec<Entry>)> {
        let mut entries = Vec::new();
        let mut taken = Writer::take_over(self.disk.open(), |entry| entries.push(entry));
        if taken.is_err() && self.sabotage == Sabotage::TakenOverAllTheSame && !self.disk.is_killed() {
            entries.clear();
            taken = Writer::take_over(self.disk.open(), |entry| entries.push(entry));
        }
        let killed = self.disk.is_killed();
        let (failed, tried_again) = {
            let disk = self.disk.lock();
            (disk.failed, disk.tried_again > 0)
        };
        if failed || killed {
            self.report.held(Law::AFailureIsFinal);
        }
        if tried_again {
            self.broken(Law::AFailureIsFinal, "the file is used again after a failed take-over");
        }
        let error = match taken {
            Ok(_) if failed || killed => {
                self.broken(Law::AFailureIsFinal, "a host begins, and its take-over failed");
                return None;
            }
            Ok((writer, log, repair)) => return Some((writer, log, repair, entries)),
            Err(error) => error,
        };
        if !(failed || killed) {
            self.broken(Law::ACrashIsNoDamage, error.to_string());
            return None;
        }
        self.say(|| format!("no host begins: {error}"));
        self.report.met(if killed { "a take-over is killed" } else { "a take-over fails" });
        let lost = self.laws.something_is_lost(&self.disk);
        self.complain(lost);
        // Numbers of its own, as all that goes wrong with a cut: runs without one are what they were.
        let mut chance = self.disk.fork();
        if chance.percent(50) {
            self.loses_its_power(&mut chance);
        }
        None
    }

    fn begin(&mut self) -> Option<()> {
        let (writer, log, repair, entries) = self.takes_the_journal()?;
        self.say(|| format!("a host begins with {} records, {:?}", entries.len(), log.tail));
        self.report.held(Law::ACrashIsNoDamage);
        self.report.held(Law::NothingAcknowledgedIsLost);
        let lost = self.laws.nothing_is_lost(&self.disk, entries.len());
        self.complain(lost);
        for entry in &entries {
            if let Event::JournalRepaired { kept_in, bytes } = &entry.event
                && !self.disk.keeps(kept_in, *bytes)
            {
                self.broken(Law::ACrashIsNoDamage, format!("what was cut off is not in {kept_in}"));
            }
        }
        let len = usize::try_from(log.len).unwrap_or(usize::MAX);
        let session = match store::replay(Arc::clone(&self.runbook), &entries) {
            Ok(session) => session,
            Err(illegal) => {
                self.broken(Law::ReplayIsLive, illegal.to_string());
                return None;
            }
        };
        let (ends, report) = ((len, log.head.clone()), &mut self.report);
        let complaints = self.laws.rebuild(session.clone(), &entries, ends, &self.world, report);
        self.complain(complaints);
        let boot_id = self.world.boot_id();
        let last_boot = session.host.as_ref().map(|host| host.boot_id.clone());
        let loose = recover::loose(&session, &boot_id);
        let mut events = Vec::new();
        if let Some(repair) = repair {
            events.push(Event::JournalRepaired { kept_in: repair.kept_in, bytes: repair.bytes });
        }
        let started = started(session.host.as_ref(), &boot_id, &self.people[0]);
        if let Event::HostStarted { boot, .. } = &started {
            self.world.now.boot = *boot;
        }
        events.push(started);
        let journal = Journal {
            writer,
            footing: self.footing.clone(),
            sabotage: self.sabotage,
            disk: self.disk.clone(),
        };
        self.host = Some(HostState::new(session, entries, Box::new(journal), []));
        self.feed(Input::Began(events));
        self.lives()?;
        let mut found: Vec<(Loose, Found)> = Vec::new();
        for mut loose in loose {
            self.mistake(&mut loose, last_boot.as_ref() == Some(&boot_id));
            if self.world.is_of_other_boot(&loose).is_some_and(|other| other != loose.other_boot) {
                let said = if loose.other_boot { "another boot" } else { "this boot" };
                let what = format!("attempt {} is said to be of {said}, and is not", loose.attempt);
                self.complain([(Law::NeverStartedNeverRan, what)]);
            }
            self.meet(&loose, last_boot.as_deref() == Some(boot_id.as_str()));
            let mut what = self.world.look(&loose, &mut self.chance);
            match (self.sabotage, &what) {
                (Sabotage::FoundAsNeverStarted, _) => what = Found::NoStart,
                (Sabotage::FoundAsGone, Found::Alive | Found::Ended(_)) => {
                    what = Found::Gone("nobody looked".to_owned());
                }
                _ => {}
            }
            let stop = self.laws.model.steps.get(loose.place).and_then(|step| step.attempt.as_ref());
            if what == Found::Alive && stop.is_some_and(|attempt| attempt.stop) {
                let key = (loose.attempt, loose.item.as_ref().map(|(index, _)| *index));
                let was_sent = self.world.started.get(&key).is_some_and(|started| started.is_stopped);
                self.report.met(if was_sent {
                    "found: alive, and stopped"
                } else {
                    "found: alive, and its stop was not sent yet"
                });
                // The last host may have died between the record and the signal.
                self.laws.model.stops.push(loose.attempt);
            }
            let word = match &what {
                Found::NoStart => "no start",
                Found::Alive => "alive",
                Found::Ended(_) => "ended",
                Found::Gone(_) => "gone",
            };
            let boot = if loose.other_boot { "another boot" } else { "same boot" };
            self.report.met(&format!("found: {word}, {boot}"));
            self.say(|| format!("of attempt {} is found: {word}, {boot}", loose.attempt));
            found.push((loose, what));
        }
        self.feed(Input::Recovered(found));
        self.lives()
    }

    /// Takes a command for one of another boot than it is of, as hosts once did.
    fn mistake(&mut self, loose: &mut Loose, is_later_host: bool) {
        let attempt = self.laws.model.steps.get(loose.place).and_then(|step| step.attempt.as_ref());
        match (self.sabotage, attempt) {
            (Sabotage::TheLastHostsBoot, _) if is_later_host => loose.other_boot = false,
            (Sabotage::TheStepsBoot, Some(attempt)) => {
                loose.other_boot = attempt.boots[0] != self.world.boot_id();
            }
            _ => {}
        }
    }

    /// What is rare of a command that a new host must look for.
    fn meet(&mut self, loose: &Loose, is_later_host: bool) {
        if loose.other_boot && is_later_host {
            self.report.met("a loose command of another boot, and an earlier host of this one did not look");
        }
        let attempt = self.laws.model.steps.get(loose.place).and_then(|step| step.attempt.as_ref());
        if !loose.other_boot && attempt.is_some_and(|attempt| attempt.boots[0] != attempt.boots[1]) {
            self.report.met("a loose item of this boot, and its step began in another");
        }
    }

    fn lives(&self) -> Option<()> {
        self.host.as_ref().filter(|host| !host.is_broken()).map(|_| ())
    }

    /// One more host, undisturbed; then the whole journal is proven from its bytes alone.
    pub(super) fn the_end(&mut self) {
        self.take_over();
        self.disk.disarm();
        self.report.journal = Some(of_bytes(&self.disk.from(0)));
        if self.report.broken.is_some() {
            return;
        }
        let Some(host) = &self.host else { return };
        let log = onbelay::journal::reader::read_from(&self.disk.from(0)[..]);
        let Ok(log) = log else { return self.broken(Law::ReplayIsLive, "it cannot be read") };
        self.report.held(Law::TheAudit);
        let proven = audit(Arc::clone(&self.runbook), &log.entries);
        let whole = log.tail == Tail::Whole && proven.session.as_ref() == Some(host.session());
        if !whole {
            self.broken(Law::ReplayIsLive, format!("the whole journal is another state, {:?}", log.tail));
        }
        if let Some(flaw) = proven.flaws.first() {
            self.broken(Law::TheAudit, format!("record {}: {}", flaw.n, flaw.what));
        }
    }
}

/// The record that announces a host.
pub(super) fn started(last: Option<&HostInfo>, boot_id: &str, runs_as: &Person) -> Event {
    Event::HostStarted {
        pid: 7,
        boot: last.map_or(0, |host| clock::boot_after(host.boot, &host.boot_id, boot_id)),
        boot_id: boot_id.to_owned(),
        onbelay: "0.1.0".to_owned(),
        env: BTreeMap::new(),
        env_changed: Vec::new(),
        machine: Some("here".to_owned()),
        runs_as: Some(runs_as.clone()),
    }
}
