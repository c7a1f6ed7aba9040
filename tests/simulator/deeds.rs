//! A run's events: people speak, checks answer, commands end, things go wrong.

use onbelay::host::turn::{ClientId, Input};
use onbelay::session::Verdict;
use onbelay::session::event::Outcome;
use onbelay::wire::ToHost;
use onbelay::wire::messages::Role;

use super::chance::Chance;
use super::disk::FAULTS;
use super::host::Sabotage;
use super::people::wants;
use super::play::Play;
use super::rules::Asker;
use super::world::Stands;

impl Play {
    /// Who speaks does it from a screen, or as one action of a script.
    pub(super) fn speak(&mut self) {
        let Some(host) = &self.host else { return };
        let wanted = wants(&mut self.chance, &self.laws.model, host.session(), &self.people, self.world.now);
        let theirs = |(client, (who, _)): (&u64, &(usize, Role))| (*who == wanted.who).then_some(*client);
        let here: Vec<u64> = self.clients.iter().filter_map(theirs).collect();
        let client = if here.is_empty() || self.chance.percent(10) {
            self.join(wanted.who, (wanted.who == 0).then_some(Role::Drive))
        } else {
            Some(*self.chance.pick(&here))
        };
        let Some((client, (_, role))) = client.and_then(|it| Some((it, *self.clients.get(&it)?))) else {
            return;
        };
        let mut person = self.people[wanted.who].clone();
        if self.sabotage == Sabotage::AnotherSpeaks && self.chance.percent(20) {
            person = self.people[(wanted.who + 1) % 3].clone();
        }
        self.laws.speaks(&self.people[wanted.who], client, role);
        let asker = Asker {
            by: &self.people[wanted.who],
            role,
            now: self.world.now,
            found: &wanted.found,
            saw_another: wanted.saw_another,
        };
        self.laws.lapse(&wanted.command, &wanted.found, role);
        let expected = self.laws.expects(&wanted.command, &asker);
        self.expected = Some(expected);
        self.report.met("Speak");
        let action = wanted.command.action();
        self.say(|| format!("{} ({role:?} {client}) asks: {} {:?}", person.name, action, wanted.command));
        let verb = action.split(' ').next().unwrap_or_default().to_owned();
        let (message, found) =
            (ToHost::Request { id: u64::from(self.event), command: Box::new(wanted.command) }, wanted.found);
        self.report.met(&match expected {
            Ok(()) => format!("taken: {verb}"),
            Err(why) => format!("refused: {verb}: {why}"),
        });
        self.feed(Input::Asked(ClientId(client), person, message, Box::new(found)));
        self.laws.nobody_speaks();
        self.expected = None;
    }

    pub(super) fn join(&mut self, who: usize, role: Option<Role>) -> Option<u64> {
        let client = self.next_client;
        self.next_client += 1;
        let roles = [(4, Role::Drive), (4, Role::Witness), (1, Role::Watch), (3, Role::Act)];
        let role = role.unwrap_or_else(|| self.chance.weighted(&roles));
        self.clients.insert(client, (who, role));
        let person = self.people[who].clone();
        self.say(|| format!("{} joins as {role:?} {client}", person.name));
        self.feed(Input::Joined { client: ClientId(client), person, role });
        self.clients.contains_key(&client).then_some(client)
    }

    pub(super) fn some_client(&mut self) -> Option<u64> {
        let all: Vec<u64> = self.clients.keys().copied().collect();
        if all.is_empty() { None } else { Some(*self.chance.pick(&all)) }
    }

    pub(super) fn leave(&mut self) {
        let Some(client) = self.some_client() else { return };
        self.clients.remove(&client);
        self.say(|| format!("client {client} is gone"));
        self.laws.left(client);
        if self.sabotage != Sabotage::LeavingIsNotHeard {
            self.feed(Input::Left(ClientId(client)));
        }
        if self.sabotage == Sabotage::LeavingIsNotHeard {
            self.feed(Input::Tick);
        }
    }

    pub(super) fn answer(&mut self) {
        let at = self.chance.index(self.world.asked.len());
        let asked = self.world.asked.remove(at);
        let check = self.laws.model.check_at(asked.tag.check.as_str()).unwrap_or(0);
        let mood = self.world.moods[check];
        let flip = self.chance.percent(12);
        let verdict =
            if flip { *self.chance.pick(&[Verdict::Fails, Verdict::Error, Verdict::Holds]) } else { mood };
        if self.chance.percent(10) {
            // It took its time.
            self.world.later(60_000 * self.chance.below(6));
        }
        let answer = self.world.answer(&asked, verdict, self.chance.percent(40));
        self.say(|| format!("{} answers {:?}", asked.tag.check, answer.verdict));
        self.report.met(&format!("answer {:?}", answer.verdict));
        self.feed(Input::Answered(asked.tag, Some(Box::new(answer))));
    }

    pub(super) fn end(&mut self) {
        let runs = self.world.at(|stands| *stands == Stands::Runs);
        if runs.is_empty() {
            return self.speak();
        }
        let key = *self.chance.pick(&runs);
        let outcome = match self.chance.below(10) {
            0 => Outcome::Exited { code: 1 + i32::try_from(self.chance.below(200)).unwrap_or(1) },
            1 => Outcome::Killed { signal: 9 },
            2 => match self.chance.below(3) {
                0 => Outcome::TimedOut,
                1 => Outcome::Stopped,
                _ => Outcome::NotStarted { why: "no such file".to_owned() },
            },
            _ => Outcome::Exited { code: 0 },
        };
        self.say(|| format!("{key:?} ends: {outcome:?}"));
        let Some(ended) = self.world.ends(key, outcome) else { return };
        if self.chance.percent(90) {
            self.feed(Input::Ended { attempt: key.0, item: key.1, ended: Ok(Box::new(ended)) });
        } else {
            // The host has yet to look; it may die before.
            self.die();
        }
    }

    pub(super) fn runner_dies(&mut self) {
        let runs = self.world.at(|stands| *stands == Stands::Runs);
        if runs.is_empty() {
            return;
        }
        let key = *self.chance.pick(&runs);
        if let Some(started) = self.world.started.get_mut(&key) {
            started.stands = Stands::Gone;
        }
        self.say(|| format!("the runner of {key:?} is killed"));
        let ended = Err("its runner is gone".to_owned());
        self.feed(Input::Ended { attempt: key.0, item: key.1, ended });
    }

    pub(super) fn arm(&mut self) {
        let fault = *self.chance.pick(&FAULTS);
        let cut_fails = self.chance.percent(20);
        self.say(|| format!("armed: {fault:?}{}", if cut_fails { ", and cutting fails" } else { "" }));
        self.disk.arm(fault, cut_fails, Chance::new(self.chance.next()));
    }

    /// What nobody waits for: it must change nothing.
    pub(super) fn stray(&mut self) {
        if self.chance.percent(50) {
            let ended = Err("nobody started it".to_owned());
            self.feed(Input::Ended { attempt: 4_000, item: None, ended });
        } else if let Some(asked) = self.world.asked.first().cloned() {
            let mut asked = asked;
            asked.tag.n = asked.tag.n.saturating_sub(1);
            let answer = self.world.answer(&asked, Verdict::Holds, false);
            self.feed(Input::Answered(asked.tag, Some(Box::new(answer))));
        }
    }
}
