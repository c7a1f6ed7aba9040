//! A state of the walk that is searched: what can be done in it, and all by which it differs from another.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::session::bench::{Bench, dana, sam};
use crate::session::event::{AskMode, Event, Verdict};
use crate::session::recover::Found;
use crate::session::state::Phase;
use crate::session::tests::approval::kim;
use crate::session::{Command, Person, Progress};

use super::checker::{Happened, Seen};
use super::{Deed, PATIENCE, TICK};

#[derive(Clone)]
pub(super) struct World {
    pub(super) bench: Bench,
    seen: Seen,
}

impl World {
    pub(super) fn new(yaml: &str, needed: usize) -> Self {
        let mut bench = Bench::new(yaml);
        bench.hold_answers = true;
        let mut world = Self { bench, seen: Seen::new(needed, "w") };
        assert_eq!(world.watch(), Vec::<String>::new());
        world
    }

    /// Shows the checker what happened since.
    pub(super) fn watch(&mut self) -> Vec<String> {
        let happened = trail(&self.bench);
        self.bench.entries.clear();
        self.bench.handed_out.clear();
        self.bench.log.clear();
        happened.iter().flat_map(|happened| self.seen.take(happened)).collect()
    }

    /// The state after a deed; `None` where it cannot be done or a rule says no.
    pub(super) fn after(&self, deed: Deed) -> Option<Self> {
        let bench = &self.bench;
        let waits = bench.session.steps[0].request.is_some();
        let possible = match deed {
            Deed::Holds | Deed::Fails => !bench.asked.is_empty(),
            Deed::ExitWell | Deed::ExitBadly | Deed::RestartBeforeStart => !bench.started.is_empty(),
            Deed::Withdraw => waits,
            Deed::Hold => bench.session.holds.is_empty(),
            Deed::Later => !waits || self.waited() < PATIENCE,
            // The wheel passes where one must approve; two are enough to search without it.
            Deed::HandOver => self.seen.needed == 1,
            Deed::SamLeaves => !theirs(bench, &sam()).is_empty(),
            _ => true,
        };
        if !possible {
            return None;
        }
        let mut next = self.clone();
        next.carry_out(deed).ok()?;
        Some(next)
    }

    /// Ticks since the wish.
    pub(super) fn waited(&self) -> u64 {
        self.bench.session.steps[0].request.as_ref().map_or(0, |wish| self.ticks(wish.at.up))
    }

    pub(super) fn ticks(&self, since: u64) -> u64 {
        (self.bench.now.up - since) / u64::try_from(TICK.as_millis()).expect("short")
    }

    pub(super) fn carry_out(&mut self, deed: Deed) -> Result<(), crate::session::Refusal> {
        let bench = &mut self.bench;
        let step = || "w".into();
        let run = |typed: Option<&str>| Command::Run {
            step: step(),
            typed: typed.map(str::to_owned),
            will_ask: false,
            by_hand: false,
        };
        let operator = bench.session.operator.clone();
        match deed {
            Deed::Run => bench.act_as(&operator, &run(None)),
            Deed::RunRight => bench.act_as(&operator, &run(Some("w"))),
            Deed::RunWrong => bench.act_as(&operator, &run(Some("v"))),
            Deed::Withdraw => bench.act_as(&operator, &Command::Withdraw { step: step() }),
            Deed::HandOver => {
                let to = if operator == dana() { kim() } else { dana() };
                bench.found.named = Some(Ok(to.clone()));
                bench.act_as(&operator, &Command::Handover { to: to.name })
            }
            Deed::Ask => bench.asks(&sam(), "w"),
            Deed::SamApproves => bench.approves(&sam(), "w"),
            Deed::KimApproves => bench.approves(&kim(), "w"),
            Deed::DanaApproves => bench.approves(&dana(), "w"),
            Deed::Refuse => bench.refuses(&sam(), "w"),
            Deed::SamLeaves => {
                let (approvals, why) = (theirs(bench, &sam()), "sam left".to_owned());
                bench.record(&Person::tool(), Event::ApprovalsVoided { step: step(), approvals, why });
                bench.settle();
                Ok(())
            }
            Deed::Later => {
                bench.later(TICK);
                Ok(())
            }
            Deed::Hold => bench.act_as(&kim(), &Command::Hold { why: "stop".to_owned() }),
            Deed::Release => bench.act_as(&kim(), &Command::Release { why: None }),
            Deed::Holds | Deed::Fails => {
                let verdict = if deed == Deed::Holds { Verdict::Holds } else { Verdict::Fails };
                bench.answers.insert("ok".to_owned(), verdict);
                let ask = bench.asked.remove(0);
                bench.answer(&ask);
                bench.settle();
                Ok(())
            }
            Deed::ExitWell => {
                bench.exits(0);
                Ok(())
            }
            Deed::ExitBadly => {
                bench.exits(1);
                Ok(())
            }
            Deed::Restart => {
                bench.host_dies("boot-a", &|_| Found::Alive);
                Ok(())
            }
            Deed::RestartBeforeStart => {
                bench.host_dies("boot-a", &|_| Found::NoStart);
                Ok(())
            }
        }
    }

    /// All that can matter to what comes next, of the session and of what the checker saw.
    pub(super) fn key(&self) -> String {
        let session = &self.bench.session;
        let step = &session.steps[0];
        let wish = step.request.as_ref();
        let after = |n: u64| wish.is_some_and(|wish| n > wish.n);
        let age = |up: u64| self.age(up, wish.is_some());
        let mut key = match &step.progress {
            Progress::Running(running) if running.phase == Phase::Working => "working".to_owned(),
            other => format!("{other:?}").split([' ', '(', '{']).next().unwrap_or_default().to_owned(),
        };
        let typed = wish.map(|wish| (wish.typed.as_deref() == Some("w"), self.waited()));
        let approved: BTreeSet<&str> = step.approvers.iter().map(|given| given.by.name.as_str()).collect();
        write!(key, " {typed:?} {} {approved:?}|", session.operator.name).expect("writes");
        match step.approval.as_deref() {
            None => {}
            Some(round) if round.refused.is_some() => {
                let since = round.refused.as_ref().is_some_and(|refused| after(refused.n));
                write!(key, "refused {since}|").expect("writes");
            }
            Some(round) if round.void.is_some() => key.push_str("void|"),
            Some(round) => {
                let alive = round.given.iter().filter(|given| given.void.is_none());
                let given: Vec<(&str, bool)> = alive.map(|it| (it.by.name.as_str(), after(it.n))).collect();
                write!(key, "{given:?} {}|", age(round.at.up)).expect("writes");
            }
        }
        let check = &session.checks[0];
        let asking = check.asking.as_ref().map(|it| {
            let now = after(it.n);
            (now, now.then(|| (it.mode == AskMode::Once, age(it.since.up))))
        });
        let answer = check.answers.get("").map(|it| {
            let now = after(it.asked_n).then(|| (it.once, age(it.answer.began.up)));
            (it.answer.verdict == Verdict::Holds, it.of_older_host, now)
        });
        let (asked, started) = (self.bench.asked.len(), self.bench.started.len());
        write!(key, "{asking:?} {answer:?} {} {asked} {started}|", session.holds.len()).expect("writes");
        self.seen_key(&mut key);
        key
    }

    /// Old is old, unless a wish holds on to it.
    pub(super) fn age(&self, up: u64, exactly: bool) -> u64 {
        if exactly { self.ticks(up) } else { self.ticks(up).min(2) }
    }

    pub(super) fn seen_key(&self, key: &mut String) {
        let (seen, step) = (&self.seen, &self.bench.session.steps[0]);
        let wished = seen.wish.as_ref();
        let after = |when: usize| wished.is_some_and(|wish| when > wish.when);
        let age = |up: u64| self.age(up, wished.is_some());
        let asked = seen.asked.as_ref().map(|asked| {
            if asked.no || asked.void {
                return None;
            }
            let given = step.approval.iter().flat_map(|round| &round.given);
            let alive = given.filter(|given| given.void.is_none()).map(|given| given.n);
            let same = asked.yes.iter().map(|(_, n, _)| *n).eq(alive);
            let yes: Vec<(&str, bool)> =
                asked.yes.iter().map(|(when, _, by)| (by.name.as_str(), after(*when))).collect();
            Some((asked.on_a_check_that_held, yes, same, age(asked.up)))
        });
        let answer = seen.answer.as_ref().map(|it| {
            let same = self.bench.session.checks[0].answers.get("").is_some_and(|given| given.n == it.n);
            (same, it.held, after(it.asked).then(|| (it.once, age(it.up))))
        });
        let checking = seen.checking.as_ref().map(|(when, mode, up)| {
            let now = after(*when);
            (now, now.then(|| (*mode, age(*up))))
        });
        let wish = wished.map(|wish| (wish.by.name.as_str(), wish.typed.as_deref() == Some("w")));
        let (operator, held) = (seen.operator.as_ref().map(|it| &it.name), seen.holds.len());
        write!(key, "{asked:?} {answer:?} {checking:?} {wish:?} {held} {operator:?} {:?}", seen.approvers)
            .expect("writes");
    }
}

pub(super) fn theirs(bench: &Bench, by: &Person) -> Vec<u64> {
    let round = bench.session.steps[0].approval.as_deref();
    let alive = round.filter(|round| round.void.is_none() && round.refused.is_none());
    let given = alive.into_iter().flat_map(|round| &round.given);
    given.filter(|it| it.void.is_none() && it.by.uid == by.uid).map(|it| it.n).collect()
}

pub(super) fn trail(bench: &Bench) -> Vec<Happened> {
    let mut starts = bench.handed_out.iter().peekable();
    let mut all = Vec::new();
    for entry in &bench.entries {
        all.push(Happened::Record(entry.clone()));
        while let Some((_, attempt)) = starts.next_if(|(head, _)| *head == entry.n) {
            all.push(Happened::Start(*attempt));
        }
    }
    assert!(starts.next().is_none(), "every start follows a record");
    all
}
