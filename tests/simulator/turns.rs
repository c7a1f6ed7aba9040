//! A run's turns: inputs into the host, its outputs into the world; its deaths, and how the next host begins.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use onbelay::clock;
use onbelay::host::turn::{Audience, HostState, Input, Output, turn};
use onbelay::journal::reader::Tail;
use onbelay::journal::store;
use onbelay::journal::writer::Writer;
use onbelay::runbook::digest::of_bytes;
use onbelay::session::audit::audit;
use onbelay::session::recover::{self, Found, Loose};
use onbelay::session::state::HostInfo;
use onbelay::session::{Event, Fault, Person};
use onbelay::wire::FromHost;
use onbelay::wire::messages::{LogHealth, Reply, Role};

use super::chance::Chance;
use super::disk::FAULTS;
use super::host::{Journal, Sabotage};
use super::laws::{Complaint, Laws};
use super::play::Play;
use super::report::Law;
use super::screens::over_the_line;
use super::world::Asked;

impl Play {
    pub(super) fn complain(&mut self, complaints: impl IntoIterator<Item = Complaint>) {
        for (law, what) in complaints {
            self.broken(law, what);
        }
    }

    /// One turn of the host, and all that follows from it.
    pub(super) fn feed(&mut self, input: Input) {
        self.laws.turn_begins();
        let Some(host) = &mut self.host else { return };
        let was_broken = host.is_broken();
        let mut outputs = turn(host, input, self.world.now);
        let paid = self.footing.paid();
        for what in std::mem::take(&mut self.disk.lock().fired) {
            self.report.met(&format!("disk: {what}"));
        }
        if self.disk.is_killed() {
            // Nobody heard of this turn.
            self.say(|| "the host is killed at its journal".to_owned());
            if self.whims.percent(50) {
                return self.power_off();
            }
            return self.die();
        }
        self.say(|| words(&outputs));
        falsify(&mut outputs, self.sabotage);
        let Some(host) = &self.host else { return };
        let is_broken = host.is_broken();
        if is_broken && !was_broken {
            self.report.met("the journal is broken");
        }
        let counts = (&mut self.report, &paid);
        let complaints = self.laws.after_turn(host, &outputs, was_broken, &self.disk, &self.world, counts);
        self.complain(complaints);
        for kind in &self.laws.recorded {
            self.report.met(&format!("record: {kind}"));
        }
        if let Some(expected) = self.expected.take() {
            self.report.held(Law::TheRules);
            let complaint = Laws::answered(&outputs, &expected, is_broken);
            self.complain(complaint);
        }
        let took: Duration = paid.took.iter().sum();
        self.world.later(u64::try_from(took.as_millis()).unwrap_or(0));
        let dies_after = self.dies_after.take();
        for (place, output) in outputs.into_iter().enumerate() {
            if dies_after == Some(place) {
                self.say(|| format!("the host is killed after {place} outputs"));
                self.report.met("killed among outputs");
                return self.die();
            }
            self.carry_out(output);
        }
        let waits = |host: &HostState| host.session().steps.iter().any(|step| step.request.is_some());
        let healthy = self.host.as_ref().filter(|host| !host.is_broken());
        if healthy.is_some_and(waits) {
            self.report.held(Law::AWishIsDecided);
            if self.world.asked.is_empty() {
                self.broken(Law::AWishIsDecided, "a wish waits for nothing");
            }
        }
        self.look_at_screens();
    }

    /// Every screen that keeps up knows what the host knows.
    fn look_at_screens(&mut self) {
        let Some(host) = &self.host else { return };
        let here: Vec<_> = self.clients.values().map(|it| (&self.people[it.who], it.role)).collect();
        let (due, mut wrong) = (self.laws.health.clone(), Vec::new());
        // Who is taken for somebody else, and whom nobody heard leave, is the business of other laws.
        let others_business = matches!(
            self.sabotage,
            Sabotage::AnotherSpeaks | Sabotage::LeavingIsNotHeard | Sabotage::LeavingEndsACommand
        );
        let knows: Vec<bool> = self.clients.values().map(|screen| screen.knows(&here)).collect();
        for ((client, screen), knows) in self.clients.iter_mut().zip(knows) {
            if screen.lags {
                continue;
            }
            self.report.held(Law::EveryScreenIsTheSame);
            if !screen.has(host.session()) {
                wrong.push((Law::EveryScreenIsTheSame, format!("screen {client} shows another state")));
            }
            if !knows && !others_business {
                wrong.push((Law::EveryScreenIsTheSame, format!("screen {client} shows other people")));
            }
            let told = match (screen.log(), &due) {
                // In which words is the business of other tests.
                (LogHealth::Broken { .. }, LogHealth::Broken { .. }) => true,
                (told, due) => told == due,
            };
            if !told {
                let what = format!("screen {client} was told {:?}, and it is {due:?}", screen.log());
                wrong.push((Law::SlowIsTold, what));
            }
        }
        self.complain(wrong);
    }

    fn tell(&mut self, to: Audience, message: &FromHost) {
        if self.sabotage == Sabotage::SlowIsNotTold && matches!(message, FromHost::Health { .. }) {
            return;
        }
        let lost = self.sabotage == Sabotage::AMessageIsLost && self.whims.percent(20);
        let sent = (matches!(message, FromHost::Welcome(_)) && self.whims.percent(10))
            .then(|| over_the_line(message));
        let message = match &sent {
            Some(Some(sent)) => sent,
            Some(None) => return self.broken(Law::EveryScreenIsTheSame, "a message cannot be sent"),
            None => message,
        };
        let mut wrong = Vec::new();
        for (client, screen) in &mut self.clients {
            let hears = match to {
                Audience::One(one) => one.0 == *client,
                Audience::All => !(screen.lags || lost && matches!(message, FromHost::Entries { .. })),
            };
            let complaint = if hears { screen.hears(message) } else { None };
            wrong.extend(complaint.map(|what| (Law::EveryScreenIsTheSame, what)));
        }
        self.complain(wrong);
    }

    fn carry_out(&mut self, output: Output) {
        if let Output::Tell(to, message) = &output {
            self.tell(*to, message);
        }
        match output {
            Output::Tell(_, FromHost::Entries { entries }) => {
                self.laws.acknowledge(&self.disk);
                if entries.iter().any(|entry| matches!(entry.event, Event::HandedOver { .. })) {
                    self.the_wheel_passes();
                }
                let wish = entries.iter().any(|entry| matches!(entry.event, Event::Requested { .. }));
                if wish && self.sabotage == Sabotage::StartedAtItsWish {
                    let intent = self.laws.takes_intent((self.laws.model.attempts + 1, None));
                    self.complain(intent.err());
                }
            }
            Output::Ask(tag, ask) => {
                self.laws.acknowledge(&self.disk);
                if self.sabotage != Sabotage::AskingIsForgotten {
                    self.world.asked.push(Asked { tag, ask: *ask, since: self.world.now });
                }
            }
            Output::CancelAsks { check } => self.world.asked.retain(|asked| asked.tag.check != check),
            Output::Start(permit) => {
                self.laws.acknowledge(&self.disk);
                let key = (permit.attempt(), permit.item().map(|(index, _)| *index));
                let times = if self.sabotage == Sabotage::StartedTwice { 2 } else { 1 };
                for _ in 0..times {
                    let complaint = self.laws.handed_out(&permit, &mut self.report);
                    self.complain(complaint);
                    self.world.start(&permit);
                }
                self.report.starts += 1;
                let again = self.world.started.get(&key).is_some_and(|it| it.handed_out > 1);
                if again {
                    self.broken(Law::OneStartForOneIntent, format!("{key:?} is started twice"));
                }
            }
            Output::Stop { attempt } => {
                self.laws.acknowledge(&self.disk);
                self.world.stop(attempt);
            }
            Output::Exit { .. } => {
                self.say(|| "the host leaves".to_owned());
                self.die();
            }
            _ => {}
        }
    }

    /// Whoever witnessed until now goes on from the same screen as the operator.
    fn the_wheel_passes(&mut self) {
        let operator = self.laws.model.operator.uid;
        for screen in self.clients.values_mut() {
            if self.people[screen.who].uid == operator && screen.role == Role::Witness {
                screen.role = Role::Drive;
                self.report.met("a witness's screen drives");
            }
        }
    }

    /// The host is gone, and for a while there is none.
    pub(super) fn die(&mut self) {
        self.gone();
        self.alone = if self.whims.percent(60) { 0 } else { 1 + self.whims.below(5) };
    }

    /// The host is gone, and every line to it; commands go on.
    pub(super) fn gone(&mut self) {
        self.host = None;
        self.clients.clear();
        self.world.asked.clear();
        self.dies_after = None;
        self.disk.process_gone();
    }

    /// The machine loses its power.
    pub(super) fn power_off(&mut self) {
        self.say(|| "the power is gone".to_owned());
        self.die();
        self.disk.power_off(&mut self.chance);
        self.world.reboots(&mut self.chance);
    }

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
                self.disk.arm(fault, false, Chance::new(self.chance.next()));
            }
            if self.begin().is_some() || self.report.broken.is_some() {
                return;
            }
        }
        self.broken(Law::ACrashIsNoDamage, "no host can begin");
    }

    fn begin(&mut self) -> Option<()> {
        let mut entries = Vec::new();
        let (writer, log, repair) = match Writer::take_over(self.disk.open(), |entry| entries.push(entry)) {
            Ok(taken) => taken,
            Err(error) => {
                self.broken(Law::ACrashIsNoDamage, error.to_string());
                return None;
            }
        };
        self.say(|| format!("a host begins with {} records, {:?}", entries.len(), log.tail));
        self.report.held(Law::ACrashIsNoDamage);
        self.report.held(Law::NothingAcknowledgedIsLost);
        let lost = self.laws.nothing_is_lost(&self.disk, entries.len());
        self.complain(lost);
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

/// What a sabotage makes of a turn's outputs.
fn falsify(outputs: &mut Vec<Output>, sabotage: Sabotage) {
    match sabotage {
        Sabotage::StopIsForgotten => outputs.retain(|output| !matches!(output, Output::Stop { .. })),
        Sabotage::RefusedForAnotherReason => {
            for output in outputs {
                if let Output::Tell(_, FromHost::Reply { result: Reply::Refused { refusal, .. }, .. }) =
                    output
                {
                    refusal.fault = if refusal.fault == Fault::Call { Fault::Rule } else { Fault::Call };
                }
            }
        }
        _ => {}
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

/// What a turn did, for the trace.
fn words(outputs: &[Output]) -> String {
    let mut words = Vec::new();
    for output in outputs {
        match output {
            Output::Tell(_, FromHost::Entries { entries }) => {
                for entry in entries {
                    let event = serde_json::to_string(&entry.event).unwrap_or_default();
                    words.push(format!("\n              {} {} {event:.300}", entry.n, entry.by.name));
                }
            }
            Output::Tell(_, FromHost::Reply { result, .. }) => {
                words.push(format!("\n              {result:?}"));
            }
            Output::Tell(_, FromHost::Health { log }) => words.push(format!("{log:?}")),
            Output::Ask(tag, _) => words.push(format!("\n              ASK {}", tag.check)),
            Output::CancelAsks { check } => words.push(format!("CANCEL {check}")),
            Output::Start(permit) => {
                words.push(format!("\n              START {} {}", permit.step(), permit.attempt()));
            }
            Output::Stop { attempt } => words.push(format!("STOP {attempt}")),
            Output::Exit { .. } => words.push("EXIT".to_owned()),
            _ => {}
        }
    }
    words.join(" ")
}
