//! The second person: who is asked, who may say yes, what a yes is worth, and who never starts what they approved.

use std::time::Duration;

use crate::session::approve::{Word, standing};
use crate::session::bench::{Bench, dana, sam};
use crate::session::event::{Proven, SignedBy, Verdict, Work};
use crate::session::state::Round;
use crate::session::view::StepStatus::{Done, Failed, Ready, Running, Waiting};
use crate::session::{Command, Event, Person, Refusal};

pub(super) const WIPE: &str = "
checks:
  backup: { title: Backup holds, run: 'true' }
steps:
  - { id: wipe, title: Wipe, destructive: Everything, witness: true, requires: backup, run: 'rm -r vm' }
";

pub(super) fn kim() -> Person {
    Person { name: "kim".to_owned(), uid: Some(1002), login: None }
}

fn as_login(person: Person, login: u32) -> Person {
    Person { login: Some(login), ..person }
}

impl Bench {
    pub(super) fn asks(&mut self, by: &Person, step: &str) -> Result<(), Refusal> {
        self.act_as(by, &Command::AskApproval { step: step.into(), work: None, by_hand: false })
    }

    pub(super) fn approves(&mut self, by: &Person, step: &str) -> Result<(), Refusal> {
        let step = step.into();
        self.act_as(by, &Command::Approve { step, seen: None, name: None, signature: None })
    }

    fn approves_as(&mut self, name: &str, step: &str) -> Result<(), Refusal> {
        let (step, name) = (step.into(), Some(name.to_owned()));
        self.act_as(&dana(), &Command::Approve { step, seen: None, name, signature: None })
    }

    pub(super) fn refuses(&mut self, by: &Person, step: &str) -> Result<(), Refusal> {
        self.act_as(by, &Command::Refuse { step: step.into(), why: "not tonight".to_owned() })
    }

    /// Asked by the operator's own `run`, and approved by sam.
    pub(super) fn approved(yaml: &str, step: &str) -> Self {
        let mut bench = Self::new(yaml);
        bench.run(step).unwrap();
        bench.approves(&sam(), step).unwrap();
        bench
    }

    pub(super) fn round(&self, step: &str) -> Option<&Round> {
        self.session.steps[self.session.step_at(step).unwrap()].approval.as_deref()
    }

    pub(super) fn word(&self, step: &str) -> (Word, String) {
        let place = self.session.step_at(step).unwrap();
        let work = self.round(step).map_or(Work::Run, |round| round.subject.work);
        let standing = standing(&self.session, place, work, None, self.now);
        assert_eq!(standing.met, matches!(standing.word, Word::Given | Word::Needless));
        (standing.word, standing.why)
    }
}

fn approvals_of_last_start(bench: &Bench) -> Vec<u64> {
    let mut starts = bench.entries.iter().rev();
    starts
        .find_map(|entry| match &entry.event {
            Event::StepStarted { approvals, .. } => Some(approvals.clone()),
            _ => None,
        })
        .expect("a start")
}

#[test]
fn f_a3_a2_the_wish_to_start_asks_and_a_yes_opens_the_gate_once() {
    let mut bench = Bench::new(WIPE);
    bench.run_typed("wipe", "wipe").unwrap();
    assert_eq!(bench.last_events(2), ["approval_asked", "refused"]);
    assert_eq!(bench.refused(), ["Witness wipe"]);
    assert_eq!(bench.status("wipe"), Waiting);
    bench.approves(&sam(), "wipe").unwrap();
    let approved = bench.session.head;
    assert_eq!(bench.status("wipe"), Ready, "all but the confirmation is met");
    assert_eq!(bench.word("wipe"), (Word::Given, "sam approved this very command".to_owned()));
    bench.run("wipe").unwrap();
    assert_eq!(bench.refused(), ["Confirm wipe"], "what was typed before the approval confirms nothing");
    bench.run_typed("wipe", "wipe").unwrap();
    assert_eq!(bench.log, ["wipe"]);
    assert_eq!(approvals_of_last_start(&bench), [approved]);
    assert!(bench.round("wipe").is_none(), "used up");
    bench.exits(1);
    bench.run_typed("wipe", "wipe").unwrap();
    assert_eq!(bench.refused(), ["Witness wipe"], "one approval, one attempt");
    assert_eq!(bench.log, ["wipe"]);
    let events = bench.last_events(usize::MAX);
    let times = |what: &str| events.iter().filter(|event| *event == what).count();
    let (given, asked) = (times("approved"), times("requested"));
    println!("F-A3: {asked} starts asked for, {given} approval, {} begun", bench.log.len());
    bench.assert_replays();
}

#[test]
fn nobody_is_asked_before_all_else_is_met() {
    let mut bench = Bench::new(WIPE);
    bench.answers.insert("backup".into(), Verdict::Fails);
    bench.act(&Command::Hold { why: "wait".into() }).unwrap();
    bench.run("wipe").unwrap();
    assert_eq!(bench.refused(), ["Check backup", "Hold dana", "Witness wipe", "Confirm wipe"]);
    assert_eq!(bench.last_events(1), ["refused"], "nobody was asked");
    let refusal = bench.asks(&sam(), "wipe").unwrap_err();
    let unmet: Vec<&str> = refusal.unmet.iter().map(|unmet| unmet.id.as_str()).collect();
    assert_eq!(unmet, ["backup", "dana"], "all that is missing at once");
    assert!(bench.approves(&sam(), "wipe").unwrap_err().sentence.contains("nobody asked"));
}

#[test]
fn anyone_may_ask_and_what_stands_is_kept() {
    let mut bench = Bench::new(WIPE);
    bench.check("backup").unwrap();
    bench.asks(&sam(), "wipe").unwrap();
    let asked = bench.session.head;
    bench.later(Duration::from_mins(4));
    bench.asks(&dana(), "wipe").unwrap();
    bench.run("wipe").unwrap();
    assert_eq!(bench.round("wipe").unwrap().subject.asked, asked, "young, and the same");
    bench.later(Duration::from_mins(1));
    bench.asks(&sam(), "wipe").unwrap();
    let anew = bench.round("wipe").unwrap().subject.asked;
    assert!(anew > asked, "made anew, so that whoever reads it has time");
    bench.approves(&sam(), "wipe").unwrap();
    bench.later(Duration::from_mins(9));
    bench.asks(&kim(), "wipe").unwrap();
    assert_eq!(bench.round("wipe").unwrap().subject.asked, anew, "somebody approved it: kept");
    bench.assert_replays();
}

#[test]
fn nobody_is_asked_on_what_was_found_long_ago() {
    let mut bench = Bench::new(WIPE);
    bench.check("backup").unwrap();
    bench.later(Duration::from_mins(14));
    bench.asks(&sam(), "wipe").unwrap();
    bench.later(Duration::from_mins(16));
    let refusal = bench.asks(&sam(), "wipe").unwrap_err();
    assert_eq!(refusal.unmet[0].why, "its answer is 30 min old");
    bench.check("backup").unwrap();
    bench.asks(&sam(), "wipe").unwrap();
    bench.later(Duration::from_mins(16));
    bench.run("wipe").unwrap();
    bench.approves(&sam(), "wipe").expect("the operator's own wish asks the checks anew");
}

#[test]
fn an_approval_of_another_text_is_none() {
    let mut bench = Bench::new(WIPE);
    bench.run("wipe").unwrap();
    let seen = bench.round("wipe").unwrap().subject.text_digest();
    bench.later(Duration::from_mins(5));
    bench.asks(&sam(), "wipe").unwrap();
    let mut approve = |seen| {
        let approve = Command::Approve { step: "wipe".into(), seen: Some(seen), name: None, signature: None };
        bench.act_as(&sam(), &approve)
    };
    assert!(approve(seen).unwrap_err().sentence.contains("look again"));
    let seen = bench.round("wipe").unwrap().subject.text_digest();
    let approve = Command::Approve { step: "wipe".into(), seen: Some(seen), name: None, signature: None };
    bench.act_as(&sam(), &approve).unwrap();
}

#[test]
fn a_yes_that_came_after_the_wish_does_not_count_for_it() {
    let mut bench = Bench::new(WIPE);
    bench.run("wipe").unwrap();
    bench.hold_answers = true;
    bench.run_typed("wipe", "wipe").unwrap();
    assert!(bench.approves(&sam(), "wipe").is_err(), "its start is being decided");
    // As a host with a fault might record it all the same.
    let round = bench.round("wipe").unwrap().subject.clone();
    let event = Event::Approved {
        step: "wipe".into(),
        asked: round.asked,
        text: round.text_digest(),
        proof: Proven::Account,
        attached: false,
    };
    bench.record(&sam(), event);
    bench.hold_answers = false;
    bench.settle();
    assert_eq!(bench.refused(), ["Witness wipe"]);
    assert!(bench.log.is_empty());
    bench.run_typed("wipe", "wipe").unwrap();
    assert_eq!(bench.log, ["wipe"], "it counts for the next");
}

#[test]
fn f_a2_a3_nobody_approves_themselves_by_account_or_login() {
    let mut bench = Bench::new(WIPE);
    bench.run("wipe").unwrap();
    assert!(bench.approves(&dana(), "wipe").unwrap_err().sentence.contains("own account"));
    assert!(bench.approves(&as_login(sam(), 1000), "wipe").is_err(), "dana, by su to sam");
    assert!(bench.approves(&as_login(dana(), 1001), "wipe").is_err(), "sam, by su to dana");
    bench.approves(&as_login(sam(), 1001), "wipe").unwrap();

    let mut bench = Bench::new(WIPE);
    bench
        .act_as(
            &as_login(dana(), 1001),
            &Command::Run { step: "wipe".into(), typed: None, will_ask: false, by_hand: false },
        )
        .unwrap();
    let refusal = bench.approves(&sam(), "wipe").unwrap_err();
    assert!(refusal.sentence.contains("share a login"), "{}: sam acted as dana before", refusal.sentence);
    assert!(bench.approves(&as_login(kim(), 1001), "wipe").is_err(), "one login in both");
    bench.approves(&kim(), "wipe").unwrap();
    bench.assert_replays();
    println!("F-A2: 5 ways to approve one's own start by account or login, 0 taken");
}

const HERE: &str = "steps:
  - { id: go, title: Go, confirm: go, witness: { proof: here }, run: 'true' }
";

#[test]
fn a_name_that_is_typed_counts_where_it_is_enough_and_is_not_the_operators() {
    let mut bench = Bench::new(HERE);
    bench.run("go").unwrap();
    for own in ["dana", " Dana ", "DANA", "dana@home"] {
        assert!(bench.approves_as(own, "go").is_err(), "{own}");
    }
    assert!(bench.approves_as(" ", "go").is_err());
    assert!(bench.approves(&dana(), "go").is_err());
    let typed = |name: &str| {
        let (step, name) = ("go".into(), Some(name.to_owned()));
        Command::Approve { step, seen: None, name, signature: None }
    };
    for name in ["Sam", "Kim"] {
        let refusal = bench.act_as(&sam(), &typed(name)).unwrap_err();
        assert!(refusal.sentence.contains("you are sam") && refusal.sentence.contains("without --name"));
    }
    assert!(bench.round("go").unwrap().given.is_empty());
    bench.approves_as("Sam Smith", "go").unwrap();
    bench.run_typed("go", "go").unwrap();
    assert_eq!(bench.log, ["go"]);
    bench.assert_replays();

    let mut bench = Bench::new(WIPE);
    bench.run("wipe").unwrap();
    assert!(bench.approves_as("Sam", "wipe").unwrap_err().sentence.contains("proves nothing"));
}

#[test]
fn where_a_name_is_enough_another_account_is_on_record_as_one() {
    let mut bench = Bench::new(HERE);
    bench.run("go").unwrap();
    bench.approves(&sam(), "go").unwrap();
    assert_eq!(bench.round("go").unwrap().given[0].proof, Proven::Account);
    bench.run_typed("go", "go").unwrap();
    assert_eq!(bench.log, ["go"]);
    bench.assert_replays();
}

#[test]
fn a16_only_those_named_may_approve() {
    let mut bench = Bench::new(
        "steps:\n  - { id: go, title: Go, destructive: true, witness: { of: [kim] }, run: 'true' }\n",
    );
    bench.run("go").unwrap();
    assert!(bench.approves(&sam(), "go").unwrap_err().sentence.contains("by kim only"));
    bench.approves(&kim(), "go").unwrap();
    bench.run_typed("go", "go").unwrap();
    assert_eq!(bench.log, ["go"]);
}

const TWO: &str = "steps:
  - { id: go, title: Go, destructive: true, witness: { count: 2 }, run: 'true' }
";

#[test]
fn a14_two_are_two_people() {
    let mut bench = Bench::new(TWO);
    bench.run("go").unwrap();
    assert!(bench.word("go").1.starts_with("2 other people"));
    bench.approves(&sam(), "go").unwrap();
    assert_eq!(bench.word("go"), (Word::Waits, "sam approved; 1 more must".to_owned()));
    assert!(bench.approves(&sam(), "go").unwrap_err().sentence.contains("already"));
    assert!(bench.approves(&as_login(kim(), 1001), "go").is_err(), "sam as kim");
    bench.run_typed("go", "go").unwrap();
    assert_eq!(bench.refused(), ["Witness go"]);
    assert!(bench.log.is_empty());
    bench.approves(&kim(), "go").unwrap();
    bench.run_typed("go", "go").unwrap();
    assert_eq!(bench.log, ["go"]);
    assert_eq!(approvals_of_last_start(&bench).len(), 2);
    bench.assert_replays();
}

#[test]
fn a14_in_doubt_two_names_are_one_person() {
    let key = |principal: &str, fingerprint: &str| {
        let [signature, signers, line] = [(); 3].map(|()| String::new());
        let (principal, fingerprint) = (principal.to_owned(), fingerprint.to_owned());
        Proven::Key(Box::new(SignedBy {
            principal,
            fingerprint,
            signature,
            signers,
            line,
            also: Vec::new(),
            unknown: None,
        }))
    };
    let bench = Bench::new(TWO);
    let given = |by: Person, proof| crate::session::state::Approval {
        n: 1,
        at: bench.now,
        by,
        proof,
        attached: false,
        void: None,
    };
    let here = |name: &str| Proven::Here { name: name.to_owned() };
    let same = |a: (Person, Proven), b: (Person, Proven)| {
        let (a, b) = (given(a.0, a.1), given(b.0, b.1));
        let same = crate::session::approve::same_person(&a, &b);
        assert_eq!(same, crate::session::approve::same_person(&b, &a));
        same
    };
    let account = || Proven::Account;
    assert!(same((sam(), account()), (as_login(kim(), 1001), account())));
    assert!(!same((sam(), account()), (kim(), account())));
    assert!(same((dana(), key("sam@corp", "A")), (dana(), key("kim@corp", "A"))), "one key");
    assert!(same((dana(), key("sam@corp", "A")), (dana(), key("Sam@corp", "B"))), "one principal");
    assert!(!same((dana(), key("sam@corp", "A")), (dana(), key("kim@corp", "B"))));
    assert!(same((sam(), account()), (dana(), key("sam@corp", "A"))));
    assert!(same((dana(), here("Sam  Smith")), (dana(), here("sam smith "))));
    assert!(!same((dana(), here("Sam")), (dana(), here("Kim"))));
    assert!(same((sam(), account()), (dana(), here("SAM"))));
}

#[test]
fn a14_a_refusal_wins_and_only_the_operator_asks_anew() {
    let mut bench = Bench::approved(WIPE, "wipe");
    bench.refuses(&kim(), "wipe").unwrap();
    assert_eq!(bench.word("wipe"), (Word::Refused, "kim refused it: not tonight".to_owned()));
    assert!(bench.approves(&sam(), "wipe").is_err());
    assert!(bench.refuses(&sam(), "wipe").unwrap_err().sentence.contains("already"));
    for by in [sam(), kim()] {
        let refusal = bench.asks(&by, "wipe").unwrap_err();
        assert!(refusal.sentence.contains("dana, must ask anew"), "{}", refusal.sentence);
        let by_hand = Command::AskApproval { step: "wipe".into(), work: Some(Work::Run), by_hand: true };
        assert!(bench.act_as(&by, &by_hand).is_err(), "nor by asking for another way");
    }
    bench.run_typed("wipe", "wipe").unwrap();
    assert!(bench.log.is_empty());
    assert_eq!(bench.last_events(2), ["approval_asked", "refused"], "asked anew");
    assert_eq!(bench.word("wipe").0, Word::Waits);
    bench.approves(&sam(), "wipe").unwrap();
    bench.run_typed("wipe", "wipe").unwrap();
    assert_eq!(bench.log, ["wipe"]);
    bench.assert_replays();
}

#[test]
fn a14_a_refusal_while_the_start_is_decided_is_not_lifted_by_that_start() {
    let mut bench = Bench::approved(WIPE, "wipe");
    bench.hold_answers = true;
    bench.run_typed("wipe", "wipe").unwrap();
    bench.refuses(&sam(), "wipe").unwrap();
    bench.hold_answers = false;
    bench.settle();
    assert!(bench.log.is_empty());
    assert_eq!(bench.last_events(1), ["refused"]);
    assert_eq!(bench.word("wipe").0, Word::Refused, "the wish came before the no");
    bench.assert_replays();
}

#[test]
fn who_approved_never_starts_and_the_wheel_passes() {
    let mut bench = Bench::approved(WIPE, "wipe");
    bench.found.named = Some(Ok(sam()));
    assert!(bench.act_as(&sam(), &Command::Handover { to: "sam".into() }).is_err(), "the operator alone");
    bench.act(&Command::Handover { to: "sam".into() }).unwrap();
    assert_eq!(bench.word("wipe").1, "what was approved is void: sam is the operator now");
    let run = Command::Run { step: "wipe".into(), typed: None, will_ask: false, by_hand: false };
    assert!(bench.act(&run).is_err(), "dana is not the operator any more");
    let refusal = bench.act_as(&sam(), &run).unwrap_err();
    assert!(refusal.sentence.contains("never starts it"), "{}", refusal.sentence);
    bench.asks(&dana(), "wipe").unwrap();
    bench.approves(&dana(), "wipe").unwrap();
    bench.found.named = Some(Ok(kim()));
    bench.act_as(&sam(), &Command::Handover { to: "kim".into() }).unwrap();
    bench.act_as(&kim(), &run).unwrap();
    bench.approves(&dana(), "wipe").unwrap();
    let typed = Some("wipe".to_owned());
    let run = Command::Run { step: "wipe".into(), typed, will_ask: false, by_hand: false };
    bench.act_as(&kim(), &run).unwrap();
    assert_eq!(bench.log, ["wipe"]);
    bench.assert_replays();
}

#[test]
fn a_wish_does_not_outlive_its_operator() {
    let mut bench = Bench::approved(WIPE, "wipe");
    bench.hold_answers = true;
    bench.run_typed("wipe", "wipe").unwrap();
    bench.found.named = Some(Ok(kim()));
    bench.act(&Command::Handover { to: "kim".into() }).unwrap();
    assert_eq!(bench.last_events(2), ["request_dropped", "handed_over"]);
    bench.hold_answers = false;
    bench.settle();
    assert!(bench.log.is_empty());
    assert!(bench.act_as(&kim(), &Command::Handover { to: "kim".into() }).is_err(), "already");
    bench.assert_replays();
}

#[test]
fn a_try_by_itself_has_no_approval() {
    let mut bench = Bench::approved(
        "steps:\n  - { id: f, title: F, witness: true, run: 'true', retry: { times: 3, every: 5s } }\n",
        "f",
    );
    bench.run("f").unwrap();
    bench.exits(1);
    assert_eq!(bench.status("f"), Failed);
    let why = &bench.session.steps[0].why;
    assert!(why.ends_with("each try needs an approval of its own"), "{why}");
    bench.later(Duration::from_mins(1));
    assert_eq!(bench.log, ["f"]);
    bench.assert_replays();
}

#[test]
fn what_was_so_already_needs_no_second_person() {
    let mut bench = Bench::new(
        "checks:
  gone: { title: Gone, run: 'true' }
steps:
  - { id: wipe, title: Wipe, destructive: true, witness: true, done_when: gone, run: 'rm' }
",
    );
    bench.answers.insert("gone".into(), Verdict::Fails);
    bench.run("wipe").unwrap();
    bench.approves(&sam(), "wipe").unwrap();
    bench.answers.clear();
    bench.run("wipe").unwrap();
    assert_eq!(bench.status("wipe"), Done);
    assert!(bench.log.is_empty());
    assert!(bench.word("wipe").1.contains("settled without a start"), "{:?}", bench.word("wipe"));
}

#[test]
fn by_hand_is_another_thing_than_the_script() {
    let mut bench = Bench::approved(WIPE, "wipe");
    let by_hand = |typed: Option<&str>| Command::Run {
        step: "wipe".into(),
        typed: typed.map(str::to_owned),
        will_ask: false,
        by_hand: true,
    };
    bench.act(&by_hand(Some("wipe"))).unwrap();
    assert_eq!(bench.refused(), ["Witness wipe"]);
    assert!(bench.log.is_empty());
    let asked = &bench.round("wipe").unwrap().subject;
    assert!(asked.text().contains("in place of the script"));
    assert!(asked.text().contains("  | rm -r vm"), "what it takes the place of is shown");
    bench.approves(&sam(), "wipe").unwrap();
    bench.run_typed("wipe", "wipe").unwrap();
    assert!(bench.log.is_empty(), "nor the other way round");
    bench.act(&by_hand(None)).unwrap();
    bench.approves(&sam(), "wipe").unwrap();
    bench.act(&by_hand(Some("wipe"))).unwrap();
    assert_eq!(bench.status("wipe"), Running);
    assert!(bench.log.is_empty(), "nothing is run");
    bench.assert_replays();
}

#[test]
fn an_undo_is_approved_for_itself() {
    let mut bench = Bench::approved(
        "steps:
  - { id: wipe, title: Wipe, destructive: true, witness: true, run: 'rm', undo: 'restore' }
  - { id: soft, title: Soft, witness: true, run: 'true', undo: 'back' }
",
        "wipe",
    );
    bench.run_typed("wipe", "wipe").unwrap();
    bench.exits(0);
    let undo = Command::Undo { step: "wipe".into(), typed: Some("wipe".into()), will_ask: false };
    bench.act(&undo).unwrap();
    assert_eq!(bench.refused(), ["Witness wipe"]);
    assert_eq!(bench.round("wipe").unwrap().subject.work, Work::Undo);
    assert!(bench.round("wipe").unwrap().subject.text().contains("takes the step back"));
    bench.approves(&sam(), "wipe").unwrap();
    bench.act(&undo).unwrap();
    assert_eq!(bench.log, ["wipe", "undo wipe"]);
    bench.exits(0);
    bench.run_typed("wipe", "wipe").unwrap();
    assert_eq!(bench.refused(), ["Witness wipe"], "the approval of the undo serves nothing else");
    bench.approves(&sam(), "wipe").unwrap();
    bench.run_typed("wipe", "wipe").unwrap();
    bench.exits(0);
    bench.run("soft").unwrap();
    bench.approves(&sam(), "soft").unwrap();
    bench.run("soft").unwrap();
    bench.exits(0);
    let ask = Command::AskApproval { step: "soft".into(), work: Some(Work::Undo), by_hand: false };
    assert!(bench.act(&ask).unwrap_err().sentence.contains("asks for no witness"));
    bench.undo("soft").unwrap();
    assert_eq!(bench.log.last().unwrap(), "undo soft", "what destroys nothing is taken back freely");
    bench.assert_replays();
}

#[test]
fn what_is_too_long_for_a_person_to_read_is_refused_and_not_recorded() {
    let long = "x".repeat(crate::session::approve::LONGEST);
    let values = [("v".into(), crate::runbook::Value::Text(long))].into();
    let yaml =
        "params:\n  v: { about: V }\nsteps:\n  - { id: go, title: Go, witness: true, run: 'echo \"$v\"' }\n";
    let mut bench = Bench::with_values(yaml, values);
    bench.run("go").unwrap();
    assert_eq!(bench.last_events(1), ["refused"]);
    let Event::Refused { why, .. } = &bench.entries.last().unwrap().event else { panic!("refused") };
    assert!(why.starts_with("nobody can be asked to approve it"), "{why}");
    assert!(bench.asks(&sam(), "go").unwrap_err().sentence.starts_with("nobody can be asked"));
    assert!(bench.log.is_empty());
}
