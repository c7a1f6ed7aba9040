//! Inputs in, outputs out: no process, no disk. Names carry the id of a fault where there is one.

mod ends;
mod leaving;
mod requests;
mod room;
mod terminals;

use std::sync::{Arc, Mutex};

use super::*;
use crate::id::Digest;
use crate::session::bench::{Bench, dana, name_of, sam};
use crate::session::event::Outcome;
use crate::session::{Answer, Command, HowFar, Verdict};
use crate::time::Timestamp;
use crate::wire::ToHost;
use crate::wire::gaze::{Ask, Top};
use crate::wire::messages::Reply;

/// A journal in memory that can be told to fail.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Sheet>>);

#[derive(Default)]
struct Sheet {
    entries: Vec<Entry>,
    calls: u32,
    /// The call, from 1, that fails (and all after it).
    fails_at: Option<u32>,
    took: Duration,
    room: Option<u64>,
}

impl Append for Paper {
    fn append(&mut self, entries: &[Entry]) -> Result<Duration, AppendError> {
        let mut sheet = self.0.lock().unwrap();
        sheet.calls += 1;
        if sheet.fails_at.is_some_and(|at| sheet.calls >= at) {
            return Err(AppendError::Broken("disk full".to_owned()));
        }
        if entries.iter().any(|entry| matches!(&entry.event, Event::Noted { text } if text.len() > 1000)) {
            return Err(AppendError::NotTaken("too long".to_owned()));
        }
        sheet.entries.extend_from_slice(entries);
        Ok(sheet.took)
    }

    fn head(&self) -> Digest {
        Digest::new("0".repeat(64))
    }

    fn room(&self) -> Option<u64> {
        self.0.lock().unwrap().room
    }
}

struct Scene {
    state: HostState,
    paper: Paper,
    now: Moment,
}

const DANA: ClientId = ClientId(1);
const WATCHER: ClientId = ClientId(2);

impl Scene {
    fn new(yaml: &str) -> Self {
        let bench = Bench::new(yaml);
        let paper = Paper::default();
        let state = HostState::new(bench.session, bench.entries, Box::new(paper.clone()), []);
        Self { state, paper, now: bench.now }
    }

    fn joined(yaml: &str) -> Self {
        let mut scene = Self::new(yaml);
        scene.feed(Input::Joined { client: DANA, person: dana(), role: Role::Drive });
        scene
    }

    fn feed(&mut self, input: Input) -> Vec<Output> {
        turn(&mut self.state, input, self.now)
    }

    fn act(&mut self, command: Command) -> Vec<Output> {
        self.feed(Input::Asked(
            DANA,
            dana(),
            ToHost::Request { id: 9, command: Box::new(command) },
            Box::default(),
        ))
    }

    fn run(&mut self, step: &str) -> Vec<Output> {
        self.act(run(step))
    }

    fn later(&mut self, millis: u64) {
        self.now.up += millis;
        self.now.at = Timestamp::from_millis(self.now.at.millis() + i64::try_from(millis).unwrap());
    }

    fn on_paper(&self) -> Vec<String> {
        self.paper.0.lock().unwrap().entries.iter().map(|entry| name_of(&entry.event)).collect()
    }
}

fn run(step: &str) -> Command {
    Command::Run { step: step.into(), typed: None, will_ask: false, by_hand: false }
}

fn note(text: &str) -> Command {
    Command::Note { text: text.to_owned() }
}

fn answer(verdict: Verdict, now: Moment) -> Answer {
    let (detail, evidence) = ("looked".to_owned(), BTreeMap::new());
    Answer { verdict, detail, began: now, took: 1, tries: 1, evidence }
}

fn ended(code: i32) -> Ended {
    Ended {
        outcome: Outcome::Exited { code },
        took: 5,
        output_bytes: 0,
        output_sha256: None,
        captured: None,
        not_captured: None,
        wanted_terminal: false,
        left: Vec::new(),
    }
}

/// What a turn does, a word each.
fn words(outputs: &[Output]) -> Vec<String> {
    outputs
        .iter()
        .map(|output| match output {
            Output::Tell(_, FromHost::Entries { entries }) => {
                entries.iter().map(|entry| name_of(&entry.event)).collect::<Vec<_>>().join("+")
            }
            Output::Tell(_, FromHost::Reply { result, .. }) => match result {
                Reply::Recorded { .. } => "recorded".to_owned(),
                Reply::Refused { .. } => "refused!".to_owned(),
                Reply::Failed { .. } => "failed!".to_owned(),
            },
            Output::Tell(_, FromHost::Welcome(_)) => "welcome".to_owned(),
            Output::Tell(_, FromHost::People { people }) => format!("people {}", people.len()),
            Output::Tell(_, FromHost::Health { log }) => match log {
                LogHealth::Safe => "safe".to_owned(),
                LogHealth::Slow { .. } => "slow".to_owned(),
                LogHealth::Broken { .. } => "broken".to_owned(),
            },
            Output::Tell(_, FromHost::SecretsMissing { names }) => format!("missing {}", names.len()),
            Output::Tell(..) => "told".to_owned(),
            Output::Ask(tag, _) => format!("ASK {}", tag.check),
            Output::CancelAsks { check } => format!("CANCEL {check}"),
            Output::Start(permit) => format!("START {}", permit.step()),
            Output::Stop { attempt } => format!("STOP {attempt}"),
            Output::Type { of, bytes, .. } => format!("TYPE {} {}", of.attempt, bytes.len()),
            Output::Window { of, columns, rows } => format!("WINDOW {} {columns}x{rows}", of.attempt),
            Output::Keep { name, .. } => format!("KEEP {name}"),
            Output::Exit { .. } => "EXIT".to_owned(),
        })
        .collect()
}

fn tag(outputs: &[Output]) -> AskTag {
    let found = outputs.iter().find_map(|output| match output {
        Output::Ask(tag, _) => Some(tag.clone()),
        _ => None,
    });
    found.expect("something is asked")
}

const ONE: &str = "steps:\n  - { id: a, title: A, run: 'true' }\n  - { id: b, title: B, run: 'true' }\n";
const GUARDED: &str = "checks:
  ok: { title: Fine, run: 'true' }
steps:
  - { id: a, title: A, run: 'true', requires: ok }
";

#[test]
fn an_effect_comes_after_its_record_was_appended_and_told() {
    let mut scene = Scene::joined(ONE);
    let outputs = scene.run("a");
    assert_eq!(words(&outputs), ["requested", "recorded", "step_started", "START a"]);
    assert_eq!(scene.on_paper(), ["requested", "step_started"]);
    let outputs = scene.feed(Input::Ended { attempt: 1, item: None, ended: Ok(Box::new(ended(0))) });
    assert_eq!(words(&outputs), ["work_ended", "step_settled"]);
    assert_eq!(scene.state.session().head, 6);
}

#[test]
fn an_end_is_taken_once_and_only_for_what_runs() {
    let mut scene = Scene::joined(ONE);
    assert!(scene.feed(Input::Ended { attempt: 1, item: None, ended: Ok(Box::new(ended(0))) }).is_empty());
    scene.run("a");
    assert!(scene.feed(Input::Ended { attempt: 1, item: Some(0), ended: Ok(Box::new(ended(0))) }).is_empty());
    assert!(scene.feed(Input::Ended { attempt: 2, item: None, ended: Ok(Box::new(ended(0))) }).is_empty());
    assert_eq!(
        words(&scene.feed(Input::Ended { attempt: 1, item: None, ended: Ok(Box::new(ended(0))) })).len(),
        2
    );
    assert!(scene.feed(Input::Ended { attempt: 1, item: None, ended: Ok(Box::new(ended(1))) }).is_empty());
}

#[test]
fn an_end_that_is_lost_leaves_the_step_interrupted() {
    let mut scene = Scene::joined(ONE);
    scene.run("a");
    let lost = Err("its runner is gone".to_owned());
    let outputs = scene.feed(Input::Ended { attempt: 1, item: None, ended: lost });
    assert_eq!(words(&outputs), ["interrupted"]);
}

#[test]
fn j3_an_append_that_fails_at_any_call_is_followed_by_no_effect() {
    // What a whole walk appends, call by call.
    for fails_at in 1..=5 {
        let mut scene = Scene::joined(GUARDED);
        scene.paper.0.lock().unwrap().fails_at = Some(fails_at);
        let mut after_the_failure = false;
        let mut asked = None;
        for part in 0..3 {
            let command = Box::new(run("a"));
            let input = match (part, &asked) {
                (0, _) => Input::Asked(DANA, dana(), ToHost::Request { id: 1, command }, Box::default()),
                (1, Some(tag)) => {
                    Input::Answered(AskTag::clone(tag), Some(Box::new(answer(Verdict::Holds, scene.now))))
                }
                (1, None) => continue,
                _ => Input::Ended { attempt: 1, item: None, ended: Ok(Box::new(ended(0))) },
            };
            let before = scene.on_paper().len();
            let outputs = scene.feed(input);
            asked = outputs.iter().find_map(|output| match output {
                Output::Ask(tag, _) => Some(tag.clone()),
                _ => None,
            });
            let words = words(&outputs);
            if let Some(at) = words.iter().position(|word| word == "broken") {
                after_the_failure = true;
                assert!(
                    !words.iter().any(|word| word.starts_with("START") || word.starts_with("ASK")),
                    "{words:?}"
                );
                assert!(!words[at..].iter().any(|word| word == "recorded"), "no acknowledgement: {words:?}");
            } else if after_the_failure {
                assert!(words.is_empty() || words == ["failed!"], "{words:?}");
                assert_eq!(scene.on_paper().len(), before);
            }
        }
        assert!(after_the_failure, "call {fails_at} is never made");
        let calls = scene.paper.0.lock().unwrap().calls;
        assert_eq!(words(&scene.act(note("still there?"))), ["failed!"]);
        assert_eq!(scene.paper.0.lock().unwrap().calls, calls, "a failed journal is not tried again");
    }
}

#[test]
fn j17_a_slow_append_is_told_and_so_is_its_end() {
    let mut scene = Scene::joined(ONE);
    scene.paper.0.lock().unwrap().took = Duration::from_millis(1_500);
    assert_eq!(words(&scene.act(note("one"))), ["noted", "slow", "recorded"]);
    scene.paper.0.lock().unwrap().took = Duration::from_millis(1);
    assert_eq!(words(&scene.act(note("two"))), ["noted", "safe", "recorded"]);
    // As short as one can be that somebody was told of while it hung.
    scene.paper.0.lock().unwrap().took = SLOW;
    assert_eq!(words(&scene.act(note("three"))), ["noted", "slow", "recorded"]);
}

#[test]
fn words_too_long_for_the_journal_are_refused_and_break_nothing() {
    let mut scene = Scene::joined(ONE);
    assert_eq!(words(&scene.act(note(&"x".repeat(2_000)))), ["refused!"]);
    assert_eq!(words(&scene.act(note("short"))), ["noted", "recorded"]);
}

#[test]
fn a_refusal_is_on_record_and_a_wrong_call_is_not() {
    let mut scene = Scene::joined(ONE);
    assert_eq!(words(&scene.run("nowhere")), ["refused!"]);
    assert_eq!(words(&scene.run("b")), ["requested", "recorded", "refused"]);
    let outputs = scene.act(Command::Finish);
    assert_eq!(words(&outputs), ["refused", "refused!"]);
    let Some(Output::Tell(_, FromHost::Reply { result: Reply::Refused { n, .. }, .. })) = outputs.last()
    else {
        panic!("{outputs:?}")
    };
    assert_eq!(*n, scene.state.session().head);
}

#[test]
fn a_second_request_does_not_end_the_first() {
    let mut scene = Scene::joined(GUARDED);
    scene.run("a");
    assert_eq!(words(&scene.run("a")).last().map(String::as_str), Some("refused!"));
    assert!(scene.state.session().steps[0].request.is_some());
}

#[test]
fn an_answer_to_an_older_asking_is_not_taken() {
    let mut scene = Scene::joined(GUARDED);
    let first = tag(&scene.act(Command::Check { checks: Vec::new() }));
    let now = scene.now;
    assert_eq!(
        words(&scene.feed(Input::Answered(first.clone(), Some(Box::new(answer(Verdict::Fails, now)))))),
        ["check_answered"]
    );
    let second = tag(&scene.act(Command::Check { checks: Vec::new() }));
    assert_ne!(first, second);
    assert!(scene.feed(Input::Answered(first, Some(Box::new(answer(Verdict::Holds, now))))).is_empty());
    assert!(scene.feed(Input::Answered(second.clone(), None)).is_empty(), "cancelled");
    assert_eq!(
        words(&scene.feed(Input::Answered(second, Some(Box::new(answer(Verdict::Holds, now)))))),
        ["check_answered"]
    );
}

#[test]
fn how_far_a_check_is_is_told_and_not_recorded() {
    let mut scene = Scene::joined(GUARDED);
    let asked = tag(&scene.act(Command::Check { checks: Vec::new() }));
    let before = scene.on_paper().len();
    let far = HowFar { entries: 31, ..HowFar::default() };
    let told = scene.feed(Input::Looked(asked.clone(), far.clone()));
    assert!(
        matches!(&told[..], [Output::Tell(Audience::All, FromHost::Asking { far: told, .. })] if *told == far),
        "{told:?}"
    );
    let now = scene.now;
    scene.feed(Input::Answered(asked.clone(), Some(Box::new(answer(Verdict::Fails, now)))));
    assert!(scene.feed(Input::Looked(asked, far)).is_empty(), "it has its answer");
    assert_eq!(scene.on_paper().len(), before + 1);
}

#[test]
fn who_only_watches_says_something_or_stops_and_no_more() {
    let mut scene = Scene::joined(ONE);
    scene.feed(Input::Joined { client: WATCHER, person: dana(), role: Role::Watch });
    for command in
        [run("a"), Command::Check { checks: Vec::new() }, Command::Release { why: Some("x".to_owned()) }]
    {
        let request = ToHost::Request { id: 1, command: Box::new(command) };
        assert_eq!(words(&scene.feed(Input::Asked(WATCHER, dana(), request, Box::default()))), ["refused!"]);
    }
    assert!(scene.on_paper().is_empty());
    for command in [note("x"), Command::Hold { why: "stop".to_owned() }] {
        let request = ToHost::Request { id: 1, command: Box::new(command) };
        scene.feed(Input::Asked(WATCHER, dana(), request, Box::default()));
    }
    assert_eq!(scene.on_paper(), ["noted", "hold_called"], "open to everyone who is there");
}

#[test]
fn only_the_operator_gives_secrets_and_only_those_that_are_asked_for() {
    let yaml = "params:\n  pw: { about: Password, secret: true }\nsteps:\n  - { id: a, title: A, run: 'echo \"$pw\"' }\n";
    let mut scene = Scene::joined(yaml);
    scene.feed(Input::Joined { client: WATCHER, person: sam(), role: Role::Drive });
    let give = |name: &str| ToHost::GiveSecret { name: name.into(), value: "s3cret".to_owned().into() };
    assert_eq!(words(&scene.feed(Input::Asked(WATCHER, sam(), give("pw"), Box::default()))), ["missing 1"]);
    assert_eq!(words(&scene.feed(Input::Asked(DANA, dana(), give("other"), Box::default()))), ["missing 1"]);
    let refused = words(&scene.run("a"));
    assert!(
        !refused.iter().any(|word| word.starts_with("START")),
        "no intent without its secret: {refused:?}"
    );
    assert!(!scene.on_paper().contains(&"step_started".to_owned()));
    assert_eq!(
        words(&scene.feed(Input::Asked(DANA, dana(), give("pw"), Box::default()))),
        ["KEEP pw", "missing 0"]
    );
    assert!(words(&scene.run("a")).contains(&"START a".to_owned()));
    let on_paper = serde_json::to_string(&scene.paper.0.lock().unwrap().entries).unwrap();
    assert!(!on_paper.contains("s3cret"));
}

#[test]
fn a_client_that_lagged_gets_the_whole_state_again() {
    let mut scene = Scene::joined(ONE);
    scene.act(note("one"));
    let outputs = scene.feed(Input::Drained(DANA));
    let [Output::Tell(Audience::One(DANA), FromHost::Welcome(welcome))] = &outputs[..] else {
        panic!("{outputs:?}")
    };
    assert_eq!(welcome.session.head, 3);
    assert_eq!(welcome.recent.len(), 3);
    assert!(scene.feed(Input::Drained(WATCHER)).is_empty(), "who is gone gets nothing");
}

#[test]
fn a_closed_session_without_clients_is_left_after_a_grace() {
    let mut scene = Scene::joined(ONE);
    scene.act(Command::Abort { why: "enough".to_owned() });
    assert_eq!(scene.state.wake_after(scene.now), None);
    assert_eq!(words(&scene.feed(Input::Left(DANA))), ["people 0"]);
    let wait = scene.state.wake_after(scene.now).expect("a deadline");
    assert!(wait <= Duration::from_secs(2) && !wait.is_zero());
    scene.later(10_000);
    assert_eq!(words(&scene.feed(Input::Tick)), ["EXIT"]);
    assert!(words(&scene.feed(Input::Stay)).is_empty(), "somebody is about to connect: another grace");
    scene.feed(Input::Joined { client: DANA, person: dana(), role: Role::Act });
    assert_eq!(scene.state.wake_after(scene.now), None);
}

#[test]
fn an_open_session_is_never_left() {
    let mut scene = Scene::joined(ONE);
    scene.feed(Input::Left(DANA));
    scene.later(1 << 40);
    assert!(scene.feed(Input::Tick).is_empty());
    assert_eq!(scene.state.wake_after(scene.now), None, "an idle session sleeps");
}

#[test]
fn a_session_whose_command_still_runs_is_not_left() {
    let mut scene = Scene::joined(ONE);
    scene.run("a");
    scene.act(Command::Abort { why: "enough".to_owned() });
    scene.feed(Input::Left(DANA));
    assert_eq!(scene.state.wake_after(scene.now), None);
    scene.feed(Input::Ended { attempt: 1, item: None, ended: Ok(Box::new(ended(0))) });
    assert!(scene.state.wake_after(scene.now).is_some());
}

#[test]
fn term_records_nothing() {
    let mut scene = Scene::joined(ONE);
    scene.run("a");
    let before = scene.on_paper().len();
    let outputs = scene.feed(Input::Terminate);
    assert_eq!(words(&outputs), ["EXIT"]);
    assert_eq!(scene.on_paper().len(), before);
}

#[test]
fn a_stop_reaches_the_command_that_runs() {
    let mut scene = Scene::joined(ONE);
    scene.run("a");
    assert_eq!(words(&scene.act(Command::Stop { step: "a".into() })), ["stop_asked", "STOP 1", "recorded"]);
}

fn look(client: ClientId, person: Person, scroll: u32) -> Input {
    let gaze = Gaze {
        step: "b".into(),
        sight: crate::wire::messages::Sight::Step { scroll },
        over: None,
        top: None,
    };
    Input::Asked(client, person, ToHost::Look { gaze }, Box::default())
}

/// Who was told to look where, as the row of a step.
fn looking(outputs: &[Output]) -> Vec<(String, u32)> {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Tell(Audience::All, FromHost::Looking { person, gaze }) => match gaze.sight {
                crate::wire::messages::Sight::Step { scroll } => Some((person.name.clone(), scroll)),
                _ => None,
            },
            _ => None,
        })
        .collect()
}

#[test]
fn where_the_operator_looks_is_passed_on_once_and_kept_for_who_comes_later() {
    let mut scene = Scene::joined(ONE);
    assert_eq!(looking(&scene.feed(look(DANA, dana(), 1))), [("dana".to_owned(), 1)]);
    assert!(scene.feed(look(DANA, dana(), 1)).is_empty(), "the same is no news");
    let outputs = scene.feed(Input::Joined { client: WATCHER, person: sam(), role: Role::Watch });
    let Output::Tell(Audience::One(WATCHER), FromHost::Welcome(welcome)) = &outputs[0] else {
        panic!("{outputs:?}")
    };
    assert_eq!(welcome.gaze.as_ref().unwrap().sight, crate::wire::messages::Sight::Step { scroll: 1 });
    // Nobody else's counts, nor one that points nowhere, nor a speech.
    assert!(scene.feed(look(WATCHER, sam(), 2)).is_empty());
    let mut odd = |change: &dyn Fn(&mut Gaze)| {
        let Input::Asked(client, person, ToHost::Look { mut gaze }, found) = look(DANA, dana(), 3) else {
            unreachable!()
        };
        change(&mut gaze);
        scene.feed(Input::Asked(client, person, ToHost::Look { gaze }, found)).is_empty()
    };
    assert!(odd(&|gaze| gaze.step = "elsewhere".into()));
    assert!(odd(&|gaze| gaze.over = Some("x".repeat(1_000))));
    assert!(!odd(&|_| {}));
    // A box that is too large to be passed on is left out of it.
    let Input::Asked(client, person, ToHost::Look { mut gaze }, found) = look(DANA, dana(), 4) else {
        unreachable!()
    };
    let note =
        |typed: &str| Some(Box::new(Top::Prompt { ask: Ask::Note, typed: typed.to_owned(), note: None }));
    for (top, passed) in [(note(&"x".repeat(20_000)), None), (note("west"), note("west"))] {
        gaze.top = top;
        let message = ToHost::Look { gaze: gaze.clone() };
        let told = scene.feed(Input::Asked(client, person.clone(), message, found.clone()));
        let [Output::Tell(Audience::All, FromHost::Looking { gaze, .. })] = &told[..] else {
            panic!("{told:?}")
        };
        assert_eq!(gaze.top, passed);
    }
    // What is nobody else's is not passed on though it is told.
    let ask =
        |ask: Ask, typed: &str| Some(Box::new(Top::Prompt { ask, typed: typed.to_owned(), note: None }));
    let clip = crate::wire::gaze::Clip { lines: usize::MAX, text: "x".to_owned() };
    let copy = Ask::Sure(crate::wire::gaze::Sure::Copy(clip));
    let secret = Ask::Secret("token".into());
    for (top, passed) in [
        (ask(secret.clone(), "hunter2"), ask(secret, "")),
        (ask(copy, "y"), None),
        (ask(Ask::Hold, "wait"), ask(Ask::Hold, "wait")),
        (ask(Ask::FindText, "west"), None),
    ] {
        gaze.top = top;
        let message = ToHost::Look { gaze: gaze.clone() };
        let told = scene.feed(Input::Asked(client, person.clone(), message, found.clone()));
        let [Output::Tell(Audience::All, FromHost::Looking { gaze, .. })] = &told[..] else {
            panic!("{told:?}")
        };
        assert_eq!(gaze.top, passed);
    }
}

#[test]
fn of_two_screens_of_the_operator_the_first_leads_and_then_the_other() {
    let mut scene = Scene::joined(ONE);
    let second = ClientId(3);
    scene.feed(Input::Joined { client: second, person: dana(), role: Role::Drive });
    scene.feed(look(DANA, dana(), 1));
    assert!(scene.feed(look(second, dana(), 2)).is_empty(), "the two do not pull");
    assert_eq!(looking(&scene.feed(Input::Left(DANA))), [("dana".to_owned(), 2)]);
    scene.feed(Input::Left(second));
    let outputs = scene.feed(Input::Joined { client: WATCHER, person: sam(), role: Role::Watch });
    let Output::Tell(_, FromHost::Welcome(welcome)) = &outputs[0] else { panic!("{outputs:?}") };
    assert_eq!(welcome.gaze, None, "no screen, no gaze");
}

#[test]
fn with_the_wheel_a_witnesss_screen_drives_and_leads() {
    let mut scene = Scene::joined(ONE);
    let sams = ClientId(4);
    scene.feed(Input::Joined { client: sams, person: sam(), role: Role::Witness });
    let run = || {
        let command = Command::Run { step: "a".into(), typed: None, will_ask: false, by_hand: false };
        let request = ToHost::Request { id: 9, command: Box::new(command) };
        Input::Asked(sams, sam(), request, Box::default())
    };
    assert_eq!(words(&scene.feed(run())), ["refused!"], "a witness starts nothing");
    scene.feed(Input::Began(vec![Event::HandedOver { to: sam() }]));
    scene.feed(look(sams, sam(), 7));
    assert!(words(&scene.feed(run())).contains(&"requested".to_owned()), "the same screen drives now");
}

#[test]
fn with_the_wheel_the_lead_passes_on() {
    let mut scene = Scene::joined(ONE);
    let sams = ClientId(4);
    scene.feed(Input::Joined { client: sams, person: sam(), role: Role::Drive });
    scene.feed(look(DANA, dana(), 1));
    assert!(scene.feed(look(sams, sam(), 7)).is_empty());
    let outputs = scene.feed(Input::Began(vec![Event::HandedOver { to: sam() }]));
    assert!(words(&outputs).contains(&"handed_over".to_owned()), "{:?}", words(&outputs));
    assert_eq!(looking(&scene.feed(Input::Tick)), [("sam".to_owned(), 7)]);
    assert!(scene.feed(look(DANA, dana(), 2)).is_empty(), "who has handed over leads nobody");
}
