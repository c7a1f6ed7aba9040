//! The gate of a witnessed hold point, searched and not sampled: every move of operator, witnesses, clock, holds, checks,
//! commands and hosts from every state there is, until no new state comes up. What starts is held against `checker`.
//!
//! States are told apart by all that can matter (`key`). That this is all is checked as well: a state that is reached a
//! second time by another way must lead, move by move, to where the first one led.

mod checker;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt::Write as _;
use std::time::Duration;

use super::approval::kim;
use crate::session::bench::{Bench, dana, sam};
use crate::session::event::{AskMode, Event, Verdict};
use crate::session::recover::Found;
use crate::session::state::Phase;
use crate::session::{Command, Person, Progress, approve};
use checker::{Happened, Seen, complaints};

const ONE: &str = "
checks:
  ok: { title: Ok, run: 'true' }
steps:
  - { id: w, title: W, destructive: true, witness: true, requires: ok, run: 'x' }
";

/// How often the clock moves at most while a wish waits for its checks.
const PATIENCE: u64 = 2;
const TICK: Duration = Duration::from_mins(8);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Deed {
    Run,
    RunRight,
    RunWrong,
    Withdraw,
    Ask,
    SamApproves,
    KimApproves,
    DanaApproves,
    Refuse,
    SamLeaves,
    Later,
    Hold,
    Release,
    Holds,
    Fails,
    ExitWell,
    ExitBadly,
    Restart,
    RestartBeforeStart,
    HandOver,
}

const DEEDS: [Deed; 20] = [
    Deed::Run,
    Deed::RunRight,
    Deed::RunWrong,
    Deed::Withdraw,
    Deed::Ask,
    Deed::SamApproves,
    Deed::KimApproves,
    Deed::DanaApproves,
    Deed::Refuse,
    Deed::SamLeaves,
    Deed::Later,
    Deed::Hold,
    Deed::Release,
    Deed::Holds,
    Deed::Fails,
    Deed::ExitWell,
    Deed::ExitBadly,
    Deed::Restart,
    Deed::RestartBeforeStart,
    Deed::HandOver,
];

#[derive(Clone)]
struct World {
    bench: Bench,
    seen: Seen,
}

impl World {
    fn new(yaml: &str, needed: usize) -> Self {
        let mut bench = Bench::new(yaml);
        bench.hold_answers = true;
        let mut world = Self { bench, seen: Seen::new(needed, "w") };
        assert_eq!(world.watch(), Vec::<String>::new());
        world
    }

    /// Shows the checker what happened since.
    fn watch(&mut self) -> Vec<String> {
        let happened = trail(&self.bench);
        self.bench.entries.clear();
        self.bench.handed_out.clear();
        self.bench.log.clear();
        happened.iter().flat_map(|happened| self.seen.take(happened)).collect()
    }

    /// The state after a deed; `None` where it cannot be done or a rule says no.
    fn after(&self, deed: Deed) -> Option<Self> {
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
    fn waited(&self) -> u64 {
        self.bench.session.steps[0].request.as_ref().map_or(0, |wish| self.ticks(wish.at.up))
    }

    fn ticks(&self, since: u64) -> u64 {
        (self.bench.now.up - since) / u64::try_from(TICK.as_millis()).expect("short")
    }

    fn carry_out(&mut self, deed: Deed) -> Result<(), crate::session::Refusal> {
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
    fn key(&self) -> String {
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
    fn age(&self, up: u64, exactly: bool) -> u64 {
        if exactly { self.ticks(up) } else { self.ticks(up).min(2) }
    }

    fn seen_key(&self, key: &mut String) {
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

fn theirs(bench: &Bench, by: &Person) -> Vec<u64> {
    let round = bench.session.steps[0].approval.as_deref();
    let alive = round.filter(|round| round.void.is_none() && round.refused.is_none());
    let given = alive.into_iter().flat_map(|round| &round.given);
    given.filter(|it| it.void.is_none() && it.by.uid == by.uid).map(|it| it.n).collect()
}

fn trail(bench: &Bench) -> Vec<Happened> {
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

/// What a search came to.
#[derive(Debug)]
struct Searched {
    states: usize,
    transitions: usize,
    starts: usize,
    depth: usize,
    again: usize,
    paths: Vec<f64>,
    violations: Vec<String>,
}

fn search(yaml: &str, needed: usize) -> Searched {
    let first = World::new(yaml, needed);
    let mut places: HashMap<String, usize> = HashMap::from([(first.key(), 0)]);
    let mut edges: Vec<Vec<(Deed, usize)>> = vec![Vec::new()];
    let mut second_look = vec![false];
    let mut queue = VecDeque::from([(0, first, Vec::<Deed>::new(), false)]);
    let mut found = Searched {
        states: 0,
        transitions: 0,
        starts: 0,
        depth: 0,
        again: 0,
        paths: Vec::new(),
        violations: Vec::new(),
    };
    while let Some((place, world, path, again)) = queue.pop_front() {
        found.depth = found.depth.max(path.len());
        let mut from_here = Vec::new();
        assert!(places.len() < 20_000, "no end to new states: {path:?} {}", world.key());
        for deed in DEEDS {
            let Some(mut next) = world.after(deed) else { continue };
            found.transitions += 1;
            found.starts += next.bench.handed_out.len();
            for what in next.watch() {
                found.violations.push(format!("{what}: {path:?} then {deed:?}"));
            }
            let stands = agrees(&next.bench);
            if let Some(why) = stands {
                found.violations.push(format!("{why}: {path:?} then {deed:?}"));
            }
            let longer = || path.iter().copied().chain([deed]).collect::<Vec<Deed>>();
            let key = next.key();
            let known = places.get(&key).copied();
            let to = known.unwrap_or(edges.len());
            from_here.push((deed, to));
            if known.is_none() {
                places.insert(key, to);
                edges.push(Vec::new());
                second_look.push(false);
                queue.push_back((to, next, longer(), false));
            } else if !second_look[to] && to != place {
                second_look[to] = true;
                found.again += 1;
                queue.push_back((to, next, longer(), true));
            }
        }
        if again && !edges[place].is_empty() {
            assert_eq!(edges[place], from_here, "the key tells too little apart: {path:?} {}", world.key());
        } else {
            edges[place] = from_here;
        }
    }
    found.states = places.len();
    found.paths = paths(&edges, 16);
    found
}

/// How many sequences of each length there are, from the first state.
fn paths(edges: &[Vec<(Deed, usize)>], longest: usize) -> Vec<f64> {
    let mut here = vec![0.0; edges.len()];
    here[0] = 1.0;
    let mut counts = Vec::new();
    for _ in 0..longest {
        let mut next = vec![0.0; edges.len()];
        for (place, ways) in edges.iter().enumerate() {
            for (_, to) in ways {
                next[*to] += here[place];
            }
        }
        here = next;
        counts.push(here.iter().sum());
    }
    counts
}

/// A screen, which does not compare anew what was approved, must not say more than the gate would.
fn agrees(bench: &Bench) -> Option<String> {
    let step = &bench.session.steps[0];
    let round = step.approval.as_deref().filter(|round| round.void.is_none())?;
    approve::standing::changed(&bench.session, 0, round, false, bench.now)
        .map(|why| format!("a record changed a start and voided nothing: {why}"))
}

fn holds_up(yaml: &str, needed: usize) {
    let found = search(yaml, needed);
    println!(
        "{} states, {} transitions, {} starts, deepest {}, looked at again {}, paths by length {:?}",
        found.states, found.transitions, found.starts, found.depth, found.again, found.paths
    );
    assert_eq!(found.violations, Vec::<String>::new());
    assert!(found.starts >= 30 && found.depth >= 10, "the search reaches starts: {found:?}");
}

#[test]
fn fa5_every_interleaving_keeps_the_order() {
    holds_up(ONE, 1);
}

#[test]
fn fa5_every_interleaving_keeps_the_order_where_two_must_approve() {
    holds_up(&ONE.replace("witness: true", "witness: { count: 2 }"), 2);
}

/// A good walk to the start, as it happened.
fn good() -> Vec<Happened> {
    let mut bench = Bench::new(ONE);
    bench.run("w").unwrap();
    bench.approves(&sam(), "w").unwrap();
    bench.run_typed("w", "w").unwrap();
    trail(&bench)
}

fn entry(happened: &mut Happened) -> &mut crate::session::Entry {
    match happened {
        Happened::Record(entry) => entry,
        Happened::Start(_) => panic!("no record"),
    }
}

/// The place of the last record of this kind before `before`.
fn last(all: &[Happened], kind: &str, before: usize) -> usize {
    let is = |happened: &Happened| match happened {
        Happened::Record(entry) => crate::session::bench::name_of(&entry.event) == kind,
        Happened::Start(_) => false,
    };
    all[..before].iter().rposition(is).unwrap_or_else(|| panic!("no {kind}"))
}

type Doctor = fn(&mut Vec<Happened>);

#[test]
fn the_checker_finds_every_broken_link() {
    fn at(all: &[Happened], kind: &str) -> usize {
        last(all, kind, all.len())
    }
    fn add(all: &mut Vec<Happened>, after: &str, event: Event) {
        let place = at(all, after);
        let mut new = all[place].clone();
        entry(&mut new).event = event;
        all.insert(place + 1, new);
    }
    fn remove(all: &mut Vec<Happened>, kind: &str) {
        let place = at(all, kind);
        all.remove(place);
    }
    assert_eq!(complaints(1, "w", &good()), Vec::<String>::new());
    assert_eq!(complaints(2, "w", &good()), ["too few approved it"]);
    let cases: [(&str, Doctor); 24] = [
        ("who approved it started it", |all| {
            let place = at(all, "step_started");
            entry(&mut all[place]).by = sam();
        }),
        ("nobody was asked to approve it", |all| remove(all, "approval_asked")),
        ("too few approved it", |all| remove(all, "approved")),
        ("the operator approved it", |all| {
            let place = at(all, "approved");
            entry(&mut all[place]).by = dana();
        }),
        ("it was approved after it was confirmed", |all| {
            let (from, to) = (at(all, "approved"), at(all, "requested"));
            let approved = all.remove(from);
            all.insert(to, approved);
        }),
        ("its approval has expired", |all| {
            let from = at(all, "requested");
            for happened in all[from..].iter_mut().filter(|it| matches!(it, Happened::Record(_))) {
                entry(happened).up += 15 * 60_000;
            }
        }),
        ("its approval is void", |all| {
            add(all, "approved", Event::HoldCalled { why: "stop".to_owned() });
            let n = entry(&mut all.clone()[at(all, "hold_called")]).n;
            add(all, "hold_called", Event::HoldReleased { holds: vec![n], why: None });
        }),
        ("under a hold", |all| add(all, "check_asked", Event::HoldCalled { why: "stop".to_owned() })),
        ("it was refused", |all| {
            let why = "no".to_owned();
            add(all, "check_asked", Event::ApprovalRefused { step: "w".into(), asked: 0, why });
        }),
        ("too few approved it", |all| {
            let approvals = vec![entry(&mut all.clone()[at(all, "approved")]).n];
            let why = "left".to_owned();
            add(all, "check_asked", Event::ApprovalsVoided { step: "w".into(), approvals, why });
        }),
        ("its approval is void", |all| {
            let started = entry(&mut all.clone()[at(all, "host_started")]).event.clone();
            add(all, "approved", started);
        }),
        ("not by the operator", |all| add(all, "approved", Event::HandedOver { to: kim() })),
        ("not by the operator", |all| {
            let place = at(all, "step_started");
            entry(&mut all[place]).by = sam();
        }),
        ("not confirmed", |all| {
            let place = at(all, "requested");
            if let Event::Requested { typed, .. } = &mut entry(&mut all[place]).event {
                *typed = None;
            }
        }),
        ("not confirmed", |all| {
            let place = at(all, "step_started");
            if let Event::StepStarted { typed, .. } = &mut entry(&mut all[place]).event {
                *typed = Some("v".to_owned());
            }
        }),
        ("its check was not asked again", |all| {
            remove(all, "check_asked");
            remove(all, "check_answered");
        }),
        ("its check does not hold", |all| {
            let place = at(all, "check_answered");
            if let Event::CheckAnswered { answer, .. } = &mut entry(&mut all[place]).event {
                answer.verdict = Verdict::Error;
            }
        }),
        ("its check was not asked again", |all| {
            let (from, to) = (at(all, "requested"), at(all, "check_answered"));
            let wish = all.remove(from);
            all.insert(to, wish);
        }),
        ("its check was not asked again", |all| {
            let place = at(all, "check_asked");
            if let Event::CheckAsked { mode, .. } = &mut entry(&mut all[place]).event {
                *mode = AskMode::Patient;
            }
        }),
        ("it was approved before its check held", |all| {
            let asked = at(all, "approval_asked");
            all.remove(last(all, "check_answered", asked));
        }),
        ("no intent just before the start", |all| remove(all, "step_started")),
        ("no intent just before the start", |all| {
            let place = at(all, "step_started");
            all.swap(place, place + 1);
        }),
        ("it does not name its approvals", |all| {
            let place = at(all, "step_started");
            if let Event::StepStarted { approvals, .. } = &mut entry(&mut all[place]).event {
                approvals.clear();
            }
        }),
        ("nobody was asked to approve it", |all| {
            let again: Vec<Happened> = all[at(all, "requested")..].to_vec();
            all.extend(again);
        }),
    ];
    for (number, (expected, doctor)) in cases.into_iter().enumerate() {
        let mut all = good();
        doctor(&mut all);
        let found = complaints(1, "w", &all);
        assert!(found.iter().any(|it| it == expected), "case {number}: {expected}, found {found:?}");
    }
}
