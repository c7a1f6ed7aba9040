//! A run's turns: inputs into the host, its outputs into the world; its deaths.

use std::time::Duration;

use onbelay::host::turn::{Audience, HostState, Input, Output, turn};
use onbelay::session::{Event, Fault};
use onbelay::wire::FromHost;
use onbelay::wire::messages::{LogHealth, Reply, Role};

use super::chance::Chance;
use super::host::Sabotage;
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
        self.die();
        let mut chance = self.chance.clone();
        self.loses_its_power(&mut chance);
        self.chance = chance;
    }

    pub(super) fn loses_its_power(&mut self, chance: &mut Chance) {
        self.say(|| "the power is gone".to_owned());
        self.gone();
        self.disk.power_off(chance);
        self.world.reboots(chance);
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
