//! A run's events: people speak, checks answer, commands end, things go wrong.

use onbelay::host::turn::{AskTag, ClientId, HostState, Input};
use onbelay::session::Verdict;
use onbelay::session::event::Outcome;
use onbelay::wire::ToHost;
use onbelay::wire::messages::Role;

use super::chance::Chance;
use super::disk::FAULTS;
use super::host::Sabotage;
use super::people::wants;
use super::play::Play;
use super::report::Law;
use super::rules::Asker;
use super::screens::Screen;
use super::world::{Asked, Stands};

impl Play {
    /// Who speaks does it from a screen, or as one action of a script.
    pub(super) fn speak(&mut self) {
        let Some(host) = &self.host else { return };
        let wanted = wants(&mut self.chance, &self.laws.model, host.session(), &self.people, self.world.now);
        // From a screen that is for it, mostly.
        let any = self.chance.percent(12);
        let fits = |screen: &Screen| any || wanted.who > 0 || matches!(screen.role, Role::Drive | Role::Act);
        let theirs = |screen: &Screen| screen.who == wanted.who && (any || screen.role != Role::Watch);
        let here: Vec<u64> = self
            .clients
            .iter()
            .filter_map(|(client, screen)| (theirs(screen) && fits(screen)).then_some(*client))
            .collect();
        let client = if here.is_empty() || self.chance.percent(10) {
            self.join(wanted.who, (wanted.who == 0).then_some(Role::Drive))
        } else {
            Some(*self.chance.pick(&here))
        };
        let Some((client, role)) = client.and_then(|it| Some((it, self.clients.get(&it)?.role))) else {
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
        let verdict = expected.verdict;
        self.expected = Some(expected);
        self.report.met("Speak");
        let action = wanted.command.action();
        self.say(|| format!("{} ({role:?} {client}) asks: {} {:?}", person.name, action, wanted.command));
        let verb = action.split(' ').next().unwrap_or_default().to_owned();
        let (message, found) =
            (ToHost::Request { id: u64::from(self.event), command: Box::new(wanted.command) }, wanted.found);
        self.report.met(&match verdict {
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
        self.clients.insert(client, Screen::new(who, role));
        let person = self.people[who].clone();
        self.say(|| format!("{} joins as {role:?} {client}", person.name));
        self.feed(Input::Joined { client: ClientId(client), person, role });
        self.clients.contains_key(&client).then_some(client)
    }

    pub(super) fn some_client(&mut self) -> Option<u64> {
        let all: Vec<u64> = self.clients.keys().copied().collect();
        if all.is_empty() { None } else { Some(*self.chance.pick(&all)) }
    }

    /// Feeds ticks until nothing more is due at this moment; is the host still there, and whole?
    fn comes_to_rest(&mut self) -> bool {
        for _ in 0..9 {
            self.feed(Input::Tick);
            if self.host.as_ref().is_none_or(HostState::is_broken) {
                return false;
            }
            if self.laws.recorded.is_empty() {
                return true;
            }
        }
        false
    }

    pub(super) fn leave(&mut self) -> bool {
        let rests = self.comes_to_rest();
        let Some(client) = self.some_client() else { return false };
        self.clients.remove(&client);
        self.say(|| format!("client {client} is gone"));
        self.laws.left(client);
        let runs = self.world.at(|stands| *stands == Stands::Runs);
        match (self.sabotage, runs.first()) {
            (Sabotage::LeavingIsNotHeard, _) => self.feed(Input::Tick),
            (Sabotage::LeavingEndsACommand, Some(key)) => self.loses_its_runner(*key),
            _ => self.feed(Input::Left(ClientId(client))),
        }
        if rests && self.host.as_ref().is_some_and(|host| !host.is_broken()) {
            self.report.held(Law::LosingAScreenChangesNothing);
            let recorded = &self.laws.recorded;
            if self.laws.handed > 0 || recorded.iter().any(|kind| kind != "ApprovalsVoided") {
                let what = format!("a screen was closed, and that led to {recorded:?}");
                self.broken(Law::LosingAScreenChangesNothing, what);
            }
        }
        true
    }

    /// One that keeps up reads nothing from here on.
    pub(super) fn lag(&mut self) -> bool {
        let client = self.some_client();
        let screen = client.and_then(|client| self.clients.get_mut(&client)).filter(|screen| !screen.lags);
        screen.map(|screen| screen.lags = true).is_some()
    }

    /// One that lagged has read all that waited for it; now and then the host takes one for such that kept up.
    pub(super) fn drain(&mut self) -> bool {
        let behind = self.clients.iter().find_map(|(client, screen)| screen.lags.then_some(*client));
        let Some(client) = behind.or_else(|| self.some_client()) else { return false };
        self.report.met(if behind.is_some() { "a screen catches up" } else { "a screen is told all anew" });
        self.feed(Input::Drained(ClientId(client)));
        true
    }

    pub(super) fn answer(&mut self) {
        let at = self.chance.index(self.world.asked.len());
        let asked = self.world.asked.remove(at);
        let check = self.laws.model.check_at(asked.tag.check.as_str()).unwrap_or(0);
        let mood = self.world.moods[check];
        let flip = self.chance.percent(8);
        let verdict =
            if flip { *self.chance.pick(&[Verdict::Fails, Verdict::Error, Verdict::Holds]) } else { mood };
        if self.chance.percent(10) {
            // It took its time.
            self.world.later(60_000 * self.chance.below(6));
        }
        let answer = self.world.answer(&asked, verdict, self.chance.percent(40));
        self.say(|| format!("{} answers {:?}", asked.tag.check, answer.verdict));
        self.report.met(&format!("answer {:?}", answer.verdict));
        self.world.told = Some((asked.tag.clone(), answer.clone()));
        self.world.answered.push(asked.tag.clone());
        let mut answer = answer;
        if self.sabotage == Sabotage::AnotherAnswer {
            answer.verdict = Verdict::Holds;
            answer.detail.push('!');
        }
        self.feed(Input::Answered(asked.tag, Some(Box::new(answer))));
    }

    /// A command ends, if one runs.
    pub(super) fn end(&mut self) -> bool {
        let runs = self.world.at(|stands| *stands == Stands::Runs);
        if runs.is_empty() {
            return false;
        }
        let key = *self.chance.pick(&runs);
        let is_stopped = self.world.started.get(&key).is_some_and(|started| started.is_stopped);
        let outcome = match self.chance.below(10) {
            3.. if is_stopped => Outcome::Stopped,
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
        let Some(mut ended) = self.world.ends(key, outcome) else { return false };
        if self.sabotage == Sabotage::AnotherOutcome {
            ended.outcome = Outcome::Exited { code: 0 };
            ended.took += 1;
        }
        if self.host.is_none() || self.chance.percent(90) {
            self.feed(Input::Ended { attempt: key.0, item: key.1, ended: Ok(Box::new(ended)) });
        } else {
            // The host has yet to look; it may die before.
            self.die();
        }
        true
    }

    /// The runner of a command is killed, if one runs.
    pub(super) fn runner_dies(&mut self) -> bool {
        let runs = self.world.at(|stands| *stands == Stands::Runs);
        if runs.is_empty() {
            return false;
        }
        let key = *self.chance.pick(&runs);
        self.loses_its_runner(key);
        true
    }

    fn loses_its_runner(&mut self, key: (u32, Option<u32>)) {
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

    /// A runner claims its start, if one is on its way.
    pub(super) fn claim(&mut self) -> bool {
        let coming = self.world.at(|stands| *stands == Stands::Coming);
        if coming.is_empty() {
            return false;
        }
        let key = *self.chance.pick(&coming);
        self.world.claims(key, &mut self.chance);
        self.say(|| format!("the runner of {key:?} claims its start"));
        true
    }

    /// What nobody waits for: it must change nothing.
    pub(super) fn stray(&mut self) -> bool {
        if !self.comes_to_rest() {
            return false;
        }
        let Some((what, input)) = self.some_stray() else { return false };
        let before = self.disk.from(0).len();
        self.say(|| format!("a stray: {what}"));
        self.feed(input);
        let Some(host) = self.host.as_ref().filter(|host| !host.is_broken()) else { return false };
        self.report.held(Law::AStrayChangesNothing);
        self.report.met(&format!("stray: {what}"));
        let same_head = host.session().head == self.laws.model_head();
        let (recorded, handed) = (&self.laws.recorded, self.laws.handed);
        if !recorded.is_empty() || handed > 0 || self.disk.from(0).len() != before || !same_head {
            let what = format!("{what}, and that led to {recorded:?} and {handed} more");
            self.broken(Law::AStrayChangesNothing, what);
        }
        true
    }

    fn some_stray(&mut self) -> Option<(&'static str, Input)> {
        let end = |key: (u32, Option<u32>), ended| Input::Ended { attempt: key.0, item: key.1, ended };
        let lost = || Err("nobody started it".to_owned());
        let asked = self.world.asked.first().cloned();
        if let (Sabotage::AStrayIsTaken, Some(asked)) = (self.sabotage, &asked) {
            let answer = self.world.answer(asked, Verdict::Holds, false);
            self.world.asked.remove(0);
            self.world.told = Some((asked.tag.clone(), answer.clone()));
            return Some(("taken", Input::Answered(asked.tag.clone(), Some(Box::new(answer)))));
        }
        let holds = |asked: &Asked, tag| {
            let mut answer = self.world.answer(asked, Verdict::Holds, false);
            answer.detail.push('?');
            Input::Answered(tag, Some(Box::new(answer)))
        };
        match self.chance.below(6) {
            0 => Some(("an end of no attempt", end((4_000, None), lost()))),
            1 => {
                // An end that is on record comes once more, as another one.
                let over = self.world.at(|stands| matches!(stands, Stands::Ended(_) | Stands::Gone));
                let key = *over.get(self.chance.index(over.len()))?;
                let ended = self.world.started.get(&key).and_then(|started| match &started.stands {
                    Stands::Ended(ended) => Some(ended.clone()),
                    _ => None,
                });
                Some(("an end once more", end(key, ended.ok_or_else(|| "gone again".to_owned()))))
            }
            2 => {
                let runs = self.world.at(|stands| matches!(stands, Stands::Runs | Stands::Coming));
                let (attempt, item) = *runs.first()?;
                let other = item.map_or(Some(0), |index| (index > 0).then_some(index + 1));
                Some(("an end of another item", end((attempt, other), lost())))
            }
            3 => {
                let asked = asked?;
                let tag = AskTag { n: asked.tag.n.saturating_sub(1), ..asked.tag.clone() };
                Some(("an answer to an older asking", holds(&asked, tag)))
            }
            4 => {
                let asked = asked?;
                let tag = AskTag { item: Some("eu".to_owned()), ..asked.tag.clone() };
                Some(("an answer for an item", holds(&asked, tag)))
            }
            _ => {
                let tag = self.world.answered.last()?.clone();
                let asked = asked.filter(|asked| asked.tag != tag)?;
                Some(("an answer once more", holds(&asked, tag)))
            }
        }
    }
}
