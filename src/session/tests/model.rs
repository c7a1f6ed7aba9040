//! The gate of a witnessed hold point, searched and not sampled: every move of operator, witnesses, clock, holds, checks,
//! commands and hosts from every state there is, until no new state comes up. What starts is held against `checker`.
//!
//! States are told apart by all that can matter (`key`). That this is all is checked as well: a state that is reached a
//! second time by another way must lead, move by move, to where the first one led.

mod checker;
mod world;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::approval::kim;
use crate::session::approve;
use crate::session::bench::{Bench, dana, sam};
use crate::session::event::{AskMode, Event, Verdict};
use checker::{Happened, complaints};
use world::{World, trail};

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
fn f_a5_a15_every_interleaving_keeps_the_order() {
    holds_up(ONE, 1);
}

#[test]
fn f_a5_a15_every_interleaving_keeps_the_order_where_two_must_approve() {
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
